"""Stations added, closed and moved in thought: the table as it would be, while the user's file stays as it is."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from planner.errors import Fault, PlannerWarning, TableError, say_faults
from planner.schema import Candidates, Stations, Towns
from planner.sources.files.crs import WGS84
from planner.sources.files.fit import with_towns
from planner.study import WhatIf, placed

LONG_AGO = pd.Timestamp("1900-01-01")


def change_stations(
    stations: Stations, asked: WhatIf, *, towns: Towns, margin_m: float, candidates: Callable[[], Candidates]
) -> Stations:
    """The stations as they would be.

    Parameters
    ----------
    stations
        As the study's table says them.
    asked
        What to add, close and move.
    towns
        The area; a changed station lies in it or within `margin_m` of it.
    candidates
        Gives the study's candidates; called only where a candidate is to be added.

    Returns
    -------
    STATIONS with the same columns and rows in the same order, and the added ones after them as ``NEW1``, ``NEW2`` … (a
    candidate keeps its id), built and without dates, so that they stand on every day. A closed one stands on none. What was
    changed is said in a PlannerWarning, which a run keeps among its notes.

    Raises
    ------
    TableError
        With every fault at once: ids that are not known (naming the nearest), places outside the area.
    """
    if not asked:
        return stations
    faults = _unknown(asked, stations)
    options = candidates() if any("@" not in text for text in asked.add) else None
    table, said = gpd.GeoDataFrame(stations), list[str]()
    for place_or_id in asked.add:
        table = _with_added(table, place_or_id, options, faults, said)
    for key in [key for key in asked.close if key in stations.index]:
        table = _closed(table, key)
        said.append(f"{key} is closed")
    for text in asked.move:
        key, lon, lat = placed(text)
        if key in stations.index:
            table = _moved(table, key, lon, lat, said)
    changed = table.loc[[key for key in table.index if key not in stations.index or _is_moved(key, asked)]]
    faults += _far(changed, towns, margin_m)
    if faults:
        raise TableError(say_faults(faults), faults, "stations")
    warnings.warn(f"what if: {'; '.join(said)}", PlannerWarning, stacklevel=3)
    return Stations(with_towns(table, towns))


def _is_moved(key: str, asked: WhatIf) -> bool:
    return any(placed(text)[0] == key for text in asked.move)


def _unknown(asked: WhatIf, stations: Stations) -> list[Fault]:
    """Ids to close or move that no station has, and stations to close that are closed already."""
    faults = []
    for option, key in [("close", key) for key in asked.close] + [("move", placed(text)[0]) for text in asked.move]:
        if key not in stations.index:
            mend = _nearest(key, stations.index, stations["name"])
            faults.append(Fault("there is no such station", mend, column=f"--{option}", value=key))
        elif option == "close" and stations.loc[key, "status"] == "closed":
            faults.append(Fault("the station is closed already", "leave it out", column="--close", value=key))
    return faults


def _nearest(said: str, ids: Iterable[str], names: Iterable[str]) -> str:
    """The mend for an id that is not known: the id of that name, the nearest by spelling of either, or some of them."""
    by_name = {str(name): str(key) for key, name in zip(ids, names, strict=True)}
    known = {str(key).casefold(): str(key) for key in ids} | {name.casefold(): key for name, key in by_name.items()}
    alike = difflib.get_close_matches(said.casefold(), known, n=1, cutoff=0.5)
    if alike:
        return f"did you mean {known[alike[0]]}?"
    shown = sorted(by_name.values())[:10]
    return f"its ids are such as {', '.join(shown)}" if shown else "there is none at all"


def _with_added(
    table: gpd.GeoDataFrame, asked: str, options: Candidates | None, faults: list[Fault], said: list[str]
) -> gpd.GeoDataFrame:
    """The table with one more row: at a place in degrees, or where a candidate is."""
    if "@" in asked:
        name, lon, lat = placed(asked)
        key = next(key for i in range(1, len(table) + 2) if (key := f"NEW{i}") not in table.index)
        point = _point(lon, lat, table.crs)
    elif options is not None and asked in options.index and asked not in table.index:
        key, name = asked, str(options.loc[asked, "name"])
        point = shapely.Point(options.geometry[asked].coords[0])
        lon, lat = Transformer.from_crs(table.crs, WGS84, always_xy=True).transform(point.x, point.y)
    elif asked in table.index:
        faults.append(Fault("there is one already", "leave it out, or say where: NAME@LON,LAT", column="--add", value=asked))
        return table
    else:
        mend = "" if options is None else f"{_nearest(asked, options.index, options['name'])} "
        faults.append(Fault("there is no such candidate", f"{mend}(or say where: NAME@LON,LAT)", column="--add", value=asked))
        return table
    said.append(f"{key} ({name}) is added at {lon:.6g}, {lat:.6g}")
    row = {"name": name, "status": "built", "lon": lon, "lat": lat, "geometry": point}
    values = {column: [row.get(str(column))] for column in table.columns}
    index = pd.Index([key], name=table.index.name, dtype=table.index.dtype)
    one = gpd.GeoDataFrame(values, index=index, geometry="geometry", crs=table.crs)
    kinds = {name: kind for name, kind in table.dtypes.items() if name != "geometry"}
    return gpd.GeoDataFrame(pd.concat([table, one.astype(kinds)]), geometry="geometry", crs=table.crs)


def _closed(table: gpd.GeoDataFrame, key: str) -> gpd.GeoDataFrame:
    """The table in which a station closed long ago; its other dates stay, since the study's day may hang on them."""
    changed = (
        table if "closed" in table.columns else table.assign(closed=pd.Series(pd.NaT, table.index, dtype="datetime64[ns]"))
    )
    changed = changed.copy()
    changed.loc[key, "closed"] = LONG_AGO
    changed.loc[key, "status"] = "closed"
    return changed


def _moved(table: gpd.GeoDataFrame, key: str, lon: float, lat: float, said: list[str]) -> gpd.GeoDataFrame:
    """The table with a station elsewhere; the town it named no longer holds."""
    changed, point = table.copy(), _point(lon, lat, table.crs)
    said.append(f"{key} is moved {table.geometry[key].distance(point):,.0f} m to {lon:.6g}, {lat:.6g}")
    changed.loc[[key], "geometry"] = gpd.GeoSeries([point], index=[key], crs=table.crs)
    for name, value in (("lon", lon), ("lat", lat), ("town", pd.NA)):
        if name in changed.columns:
            changed.loc[key, name] = value
    return changed


def _point(lon: float, lat: float, crs: object) -> shapely.Point:
    x, y = Transformer.from_crs(WGS84, crs, always_xy=True).transform(lon, lat)
    return shapely.Point(x, y) if np.isfinite([x, y]).all() else shapely.Point(1e12, 1e12)  # no place of this CRS: far off


def _far(changed: gpd.GeoDataFrame, towns: Towns, margin_m: float) -> list[Fault]:
    off_m = changed.geometry.distance(towns.geometry.union_all())
    mend = "check its coordinates: LON,LAT in degrees of WGS 84"
    return [
        Fault(f"the place lies {off / 1000:,.1f} km outside the area", mend, "what_if", row=str(key))
        for key, off in off_m.items()
        if off > margin_m
    ]
