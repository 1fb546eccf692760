"""The tables of a run that was written before, read back to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from planner.errors import SourceError

_KEYS = {"stations": "station_id", "towns": "town", "groups": "group"}


def read_run(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables ``stations``, ``towns``, ``groups``, ``demand`` and ``settings`` of an output folder, each with its key.

    ``settings`` has the column ``value``: each key of the study as text, by its dotted name.

    Raises
    ------
    SourceError
        If the folder is not the output of a run, or a table of it is missing or damaged.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["outputs"]
        settings = pd.Series(dict(_settings(manifest["settings"])), name="value", dtype="string")
        tables = {
            name: pd.read_csv(folder / f"{name}.csv", dtype={key: "string"}, encoding="utf-8-sig").set_index(key)
            for name, key in _KEYS.items()
        }
        tables["settings"] = settings.rename_axis("key").to_frame()
        tables["demand"] = gpd.read_parquet(folder / "demand.parquet").set_index("demand_id")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{folder}: not the complete output of a run ({error}); name a folder that `planner run` wrote", source=str(folder)
        ) from error
    return tables


def _settings(node: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a study with its value, both as text; what was not said is left out."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from _settings(inner, f"{above}.{name}" if above else name)
    elif node not in (None, "", [], {}):
        yield above.removeprefix("scenario."), node if isinstance(node, str) else json.dumps(node, ensure_ascii=False)
