"""How well areas of priority are served: each area as a whole and town by town, and which of them a place stands in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner.schema import AREA_SCORES, Areas, AreaScores, Coverage, Sites, Stations, Towns
from planner.score import weighted_quantile
from planner.study import MINUTE_S

Floats = npt.NDArray[np.float64]

WHOLE = "*"  # in the column ``place``: the area as a whole
M2_PER_KM2 = 1e6
BETWEEN = "; "  # labels of several areas in one cell


def score_areas(coverage: Coverage, areas: Areas, towns: Towns, stations: Stations, sites: Sites | None = None) -> AreaScores:
    """Score each area of priority, and the part of it in each town it touches.

    Parameters
    ----------
    coverage
        With ``in_<area>`` for each area: residents who live in it.
    stations, sites
        Those that stand, and those proposed: they are counted by the place they stand at.

    Returns
    -------
    AREA_SCORES by ``area`` and ``place``: first the whole area (``*``), then its towns in the order of `towns`.
    ``population`` and ``covered_pop`` are residents; ``coverage`` is their share, missing where nobody lives;
    ``median_walk_min`` is the lower weighted median over those covered. Law: the towns' residents add up to the whole's.
    """
    rows: list[dict[str, Any]] = []
    for name in areas.index:
        rows += _rows_of(str(name), coverage, areas, towns, stations, sites)
    return cast("AreaScores", AREA_SCORES.conform(pd.DataFrame(rows, columns=[column.name for column in AREA_SCORES])))


def name_areas(places: gpd.GeoDataFrame, areas: Areas) -> pd.Series:
    """Which areas each place stands in: their labels in the order of `areas`, or missing where it stands in none."""
    inside = [places.intersects(shape).to_numpy() for shape in areas.geometry]
    labels = [str(label) for label in areas["label"]]
    said = [
        BETWEEN.join(label for label, here in zip(labels, inside, strict=True) if here[row]) or pd.NA
        for row in range(len(places))
    ]
    return pd.Series(pd.array(said, dtype="string"), index=places.index)


def _rows_of(
    name: str, coverage: Coverage, areas: Areas, towns: Towns, stations: Stations, sites: Sites | None
) -> Iterator[dict[str, Any]]:
    shape, people = areas.geometry[name], coverage[f"in_{name}"].to_numpy(dtype=np.float64)
    facts: dict[str, Any] = {"area": name, **{key: areas.at[name, key] for key in ("label", "kind", "factor")}}
    town = coverage["town"].to_numpy(dtype=object)
    met = {str(key): shapely.intersection(ground, shape) for key, ground in towns.geometry.items()}
    parts = {key: part for key, part in met.items() if part.area > 0}
    whole = shapely.union_all(list(parts.values()))
    for place, ground in {WHOLE: whole, **parts}.items():
        own = people if place == WHOLE else people * (town == place)
        standing = _inside(stations, shape, place)
        proposed = {} if sites is None else {"sites": _inside(sites, shape, place)}
        yield {**facts, "place": place, "area_km2": ground.area / M2_PER_KM2, **_figures(coverage, own),
               "stations": standing, **proposed}  # fmt: skip


def _inside(places: gpd.GeoDataFrame, shape: Any, town: str) -> int:
    here = places.intersects(shape).to_numpy(dtype=bool)
    return int((here if town == WHOLE else here & (places["town"] == town).fillna(value=False).to_numpy(dtype=bool)).sum())


def _figures(coverage: Coverage, people: Floats) -> dict[str, float]:
    covered = coverage["covered"].to_numpy(dtype=bool)
    walk_s = coverage["nearest_walk_s"].to_numpy(dtype=np.float64)
    total, served = float(people.sum()), float(people[covered].sum())
    return {
        "population": total,
        "covered_pop": served,
        "coverage": min(served / total, 1.0) if total else math.nan,
        "median_walk_min": weighted_quantile(walk_s[covered], people[covered], 0.5) / MINUTE_S,
    }
