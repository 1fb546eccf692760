"""The tables of a run that was written before, read back to be compared."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd

from planner.errors import SourceError

_KEYS = {"stations": "station_id", "towns": "town", "groups": "group"}


def read_run(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables ``stations``, ``towns``, ``groups`` and ``demand`` of an output folder, each with its key as index.

    Raises
    ------
    SourceError
        If the folder is not the output of a run, or a table of it is missing or damaged.
    """
    try:
        json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["outputs"]
        tables = {
            name: pd.read_csv(folder / f"{name}.csv", dtype={key: "string"}, encoding="utf-8-sig").set_index(key)
            for name, key in _KEYS.items()
        }
        tables["demand"] = gpd.read_parquet(folder / "demand.parquet").set_index("demand_id")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{folder}: not the complete output of a run ({error}); name a folder that `planner run` wrote", source=str(folder)
        ) from error
    return tables
