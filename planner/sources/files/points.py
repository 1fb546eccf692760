"""Where the rows of a table lie: columns of longitude and latitude, in any of the datums, as points."""

from __future__ import annotations

import unicodedata
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Transformer

from planner.datum import to_wgs84
from planner.errors import Fault
from planner.schema import as_numbers, fold, is_blank
from planner.sources.files.crs import WGS84, crs_of
from planner.sources.files.records import ROW
from planner.study import DATUMS, plain_coordinates

Floats = npt.NDArray[np.float64]

PAIRS = ("经纬度", "坐标", "lonlat", "lnglat", "location", "coordinates")  # one cell "121.25,31.38", as map pickers copy it
PLACE = "lon, lat"  # how a fault calls both coordinates of a row
WORDS = {"lon": "longitude / 经度", "lat": "latitude / 纬度"}
ZONES_3, ZONES_6 = range(25, 46), range(13, 24)  # of Gauss and Krueger in China, 3 and 6 degrees wide
NOWHERE = shapely.Point(0.0, 0.0)  # stands for a place that is already a fault


def points_of(frame: pd.DataFrame, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """The rows as points in `crs`, with ``lon`` and ``lat`` turned into WGS-84 degrees, and what is wrong with them.

    Parameters
    ----------
    frame
        With columns ``lon`` and ``lat``, or one column with both ("121.25,31.38").
    coordinates
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``, or an EPSG code: then ``lon`` is east and ``lat`` north.
    crs
        The CRS of the points.
    """
    frame = split_pairs(frame)
    degrees, metres, faults = positions_of(frame, source, coordinates, crs)
    placed = frame.assign(lon=degrees[:, 0], lat=degrees[:, 1]) if set(WORDS) <= set(frame.columns) else frame
    return gpd.GeoDataFrame(placed, geometry=shapely.points(metres), crs=crs), faults


def positions_of(frame: pd.DataFrame, source: str, coordinates: str, crs: str) -> tuple[Floats, Floats, list[Fault]]:
    """Of rows with ``lon`` and ``lat``: WGS-84 degrees, metres in `crs` (0, 0 for a fault), and what is wrong with them.

    Raises
    ------
    CrsError
        If nobody knows `coordinates`.
    """
    given = crs_of(coordinates)
    coordinates = plain_coordinates(coordinates)
    missing = [name for name in WORDS if name not in frame.columns]
    if missing:
        nowhere = np.zeros((len(frame), 2))
        return nowhere, nowhere, [Fault(f"column {name!r} is missing", f"add it: {WORDS[name]}", source) for name in missing]
    x, y, faults = _read_columns(frame, source, given)
    lon, lat = _wgs84(x, y, coordinates)
    east, north = Transformer.from_crs(WGS84, crs, always_xy=True).transform(lon, lat)
    good = np.isfinite(east) & np.isfinite(north)
    lost = np.isfinite(x) & np.isfinite(y) & ~good
    problem = f"there is no such place in {coordinates}"
    faults += [Fault(problem, _mend_of_lost(x[i], y[i]), source, *_at(frame, int(i), "lon")) for i in np.flatnonzero(lost)]
    degrees = np.column_stack([np.where(good, lon, np.nan), np.where(good, lat, np.nan)])
    return degrees, np.column_stack([np.where(good, east, 0.0), np.where(good, north, 0.0)]), faults


def _mend_of_lost(east_m: float, north_m: float) -> str:
    """What to do about a place that a CRS in metres does not have: the number of its zone stands before the easting, or not.

    >>> _mend_of_lost(40_618_908.7, 3_473_781.4)
    'the easting begins with the number of a zone: if it is CGCS2000, write coordinates = "EPSG:4528" for this file'
    """
    zone, rest = divmod(east_m, 1e6)
    for zones, first in ((ZONES_3, 4513), (ZONES_6, 4491)):  # the codes whose eastings begin with their zone
        if zone in zones and 0 < rest < 1e6 and 0 < north_m < 7e6:
            code = f"EPSG:{first + int(zone) - zones[0]}"
            return (
                f'the easting begins with the number of a zone: if it is CGCS2000, write coordinates = "{code}" for this file'
            )
    return "check `coordinates` of this file in study.toml"


def split_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Where one column holds "121.25,31.38" and there is no ``lon`` nor ``lat``: the two as columns of their own."""
    pair = next((name for name in frame.columns if fold(str(name)) in PAIRS), None)
    if pair is None or {"lon", "lat"} & set(frame.columns):
        return frame
    split = [_plain(cell).strip("()[] ").partition(",") for cell in frame[pair]]
    return frame.drop(columns=pair).assign(lon=[lon for lon, _, _ in split], lat=[lat for _, _, lat in split])


def _plain(cell: Any) -> str:
    """A cell as text in half-width letters."""
    if isinstance(cell, str) and cell.isascii():
        return cell
    return "" if is_blank(cell) else unicodedata.normalize("NFKC", str(cell))


def _read_columns(frame: pd.DataFrame, source: str, given: CRS) -> tuple[Floats, Floats, list[Fault]]:
    """Both coordinates as floats, NaN in rows where either is wrong, and what is."""
    x, y = (as_numbers(frame[name].tolist()) for name in WORDS)
    faults = []
    for name, numbers in (("lon", x), ("lat", y)):
        word = WORDS[name].partition(" ")[0]
        for i in np.flatnonzero(~np.isfinite(numbers)):
            if is_blank(frame[name].iloc[i]):
                faults.append(Fault(f"the {word} is missing", "fill it in", source, frame[ROW].iloc[i], name))
            else:
                mend = "write decimal degrees such as 121.25"
                faults.append(Fault(f"the {word} is not a number", mend, source, *_at(frame, int(i), name)))
    if given.is_geographic:
        faults += _range_faults(frame, x, y, source)
    good = np.isfinite(x) & np.isfinite(y) & (not given.is_geographic or (np.abs(x) <= 180) & (np.abs(y) <= 90))
    return np.where(good, x, np.nan), np.where(good, y, np.nan), faults


def _range_faults(frame: pd.DataFrame, x: Floats, y: Floats, source: str) -> list[Fault]:
    """Numbers that are no degrees: longitude and latitude swapped, or metres."""
    bad = (np.abs(x) > 180) | (np.abs(y) > 90)
    swapped = bad & (np.abs(y) <= 180) & (np.abs(x) <= 90)
    if swapped.sum() > 1 and swapped.sum() == np.isfinite(x).sum():
        problem = f"longitude and latitude are swapped in all {int(swapped.sum())} rows"
        return [Fault(problem, "swap the two headers", source, *_at(frame, int(np.flatnonzero(swapped)[0]), "lat"))]
    faults = []
    for i in map(int, np.flatnonzero(bad)):
        problem = "longitude and latitude are swapped" if swapped[i] else "this is no place on earth in degrees"
        mend = 'write decimal degrees; if these are metres, say which, as in coordinates = "EPSG:4549"'
        said = "write them the other way round" if swapped[i] else mend
        faults.append(Fault(problem, said, source, *_at(frame, i, "lat" if swapped[i] or abs(x[i]) <= 180 else "lon")))
    return faults


def _wgs84(x: Floats, y: Floats, coordinates: str) -> tuple[Floats, Floats]:
    if coordinates in DATUMS:
        return to_wgs84(x, y, coordinates)
    lon, lat = Transformer.from_crs(crs_of(coordinates), WGS84, always_xy=True).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def _at(frame: Any, i: int, name: str) -> tuple[Any, str, str]:
    """Row, column and value of a cell, as a fault says them."""
    return frame[ROW].iloc[i], name, str(frame[name].iloc[i])
