"""How places fit the area: in it, in the town they name, or so far off that something is wrong."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from planner.errors import Fault, PlannerWarning
from planner.schema import Towns, is_blank
from planner.sources.files.crs import WGS84
from planner.sources.files.points import NOWHERE, PLACE
from planner.sources.files.records import ROW
from planner.sources.files.towns import match_town, nearest_town


def place_faults(placed: gpd.GeoDataFrame, source: str, towns: Towns, margin_m: float) -> list[Fault]:
    """Rows farther than `margin_m` from the area, or from the town they name, and names that are no town."""
    known = np.flatnonzero((placed.geometry != NOWHERE).to_numpy() & placed.geometry.notna().to_numpy())
    area = towns.geometry.union_all()
    off_m = shapely.distance(placed.geometry.to_numpy(), area)
    far = [int(i) for i in known if off_m[i] > margin_m]
    faults = _far_faults(placed, source, area, off_m, far, len(known))
    if "town" not in placed.columns:
        return faults
    return faults + _town_faults(placed, source, towns, margin_m, set(map(int, known)) - set(far))


def _far_faults(placed: Any, source: str, area: Any, off_m: Any, far: list[int], known: int) -> list[Fault]:
    swapped = _inside_when_swapped(placed, area, far)
    if len(far) > 1 and len(far) == known:
        if all(i in swapped for i in far):
            problem, mend = f"longitude and latitude are swapped in all {known} rows", "swap the two headers"
        else:
            problem = f"all {known} places lie outside the area, the nearest {off_m[far].min() / 1000:,.1f} km off"
            mend = "check `area`, and `coordinates` of this file in study.toml"
        return [Fault(problem, mend, source, placed[ROW].iloc[far[0]])]
    faults = []
    for i in far:
        if i in swapped:
            problem, mend = "longitude and latitude are swapped", "write them the other way round"
        else:
            problem, mend = f"the place lies {off_m[i] / 1000:,.1f} km outside the area", "check its coordinates, or remove it"
        faults.append(Fault(problem, mend, source, placed[ROW].iloc[i], *_lonlat(placed, i)))
    return faults


def _lonlat(placed: Any, i: int) -> tuple[str, str]:
    if "lon" not in placed.columns:
        return "geometry", placed.geometry.iloc[i].wkt
    return PLACE, f"{placed['lon'].iloc[i]:.6g}, {placed['lat'].iloc[i]:.6g}"


def _inside_when_swapped(placed: Any, area: Any, rows: list[int]) -> set[int]:
    """Which of the rows lie in the area once longitude and latitude change places."""
    if "lon" not in placed.columns or not rows:
        return set()
    lon, lat = placed["lon"].to_numpy(dtype=float)[rows], placed["lat"].to_numpy(dtype=float)[rows]
    x, y = Transformer.from_crs(WGS84, placed.crs, always_xy=True).transform(lat, lon)
    there = np.isfinite(x) & np.isfinite(y)
    points = shapely.points(np.where(there, x, 0.0), np.where(there, y, 0.0))
    return {row for row, inside in zip(rows, there & shapely.covers(area, points), strict=True) if inside}


def _town_faults(placed: Any, source: str, towns: Towns, margin_m: float, rows: set[int]) -> list[Fault]:
    """Names that are no town, and places far from the town they name."""
    faults = []
    elsewhere = []
    for i, said in enumerate(placed["town"]):
        if is_blank(said):
            continue
        town, row = match_town(str(said), towns.index), placed[ROW].iloc[i]
        if town is None:
            faults.append(Fault("there is no such town", nearest_town(str(said), towns.index), source, row, "town", str(said)))
        elif i in rows:
            off_m = float(towns.geometry[town].distance(placed.geometry.iloc[i]))
            if off_m > margin_m:
                problem = f"the place lies {off_m / 1000:,.1f} km from the town it names"
                faults.append(Fault(problem, "correct the town or the coordinates", source, row, "town", str(said)))
            elif off_m > 0:
                elsewhere.append(row)
    if elsewhere:
        said = f"{source}: {len(elsewhere)} places lie just outside the town they name; the first is row {elsewhere[0]}"
        warnings.warn(said, PlannerWarning, stacklevel=2)
    return faults


def with_towns(table: gpd.GeoDataFrame, towns: Towns) -> gpd.GeoDataFrame:
    """The table with ``town`` as the area calls it: the one that is named, else the one the place lies in, else nothing."""
    named = table["town"] if "town" in table.columns else pd.Series(pd.NA, index=table.index, dtype="string")
    own = named.map(lambda said: match_town(str(said), towns.index), na_action="ignore")
    rows, within = shapely.STRtree(towns.geometry.to_numpy()).query(table.geometry.to_numpy(), predicate="intersects")
    lies_in = np.full(len(table), None, dtype=object)
    for row, town in sorted(zip(rows.tolist(), within.tolist(), strict=True), reverse=True):
        lies_in[row] = towns.index[town]  # on a border: the first by name
    found = [at if pd.isna(name) else name for name, at in zip(own, lies_in, strict=True)]
    return table.assign(town=pd.array(found, dtype="string"))
