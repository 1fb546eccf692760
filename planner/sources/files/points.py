"""Where the rows of a table lie: longitude and latitude in any of the datums, or the geometries of the file."""

from __future__ import annotations

import unicodedata
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from planner.datum import to_wgs84
from planner.errors import CrsError, Fault
from planner.schema import fold, plain_number
from planner.sources.files.crs import WGS84
from planner.sources.files.records import ROW, is_blank
from planner.study import DATUMS

Floats = npt.NDArray[np.float64]

PAIRS = ("经纬度", "坐标", "lonlat", "lnglat", "location", "coordinates")  # one cell "121.25,31.38", as map pickers copy it
NOWHERE = shapely.Point(0.0, 0.0)  # stands for a place that is already a fault


def place_rows(frame: Any, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """The rows as points or shapes in `crs`, with ``lon`` and ``lat`` in WGS-84 degrees for points.

    Parameters
    ----------
    frame
        With columns ``lon`` and ``lat``, or a GeoDataFrame.
    coordinates
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or an EPSG code. For a file with a CRS of its own, the datums say what
        its degrees mean, and an EPSG code must be the file's.
    crs
        The study's CRS.
    """
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        return _shapes(frame, source, coordinates, crs)
    missing = [name for name in ("lon", "lat") if name not in frame.columns]
    if missing:
        said = {"lon": "longitude / 经度", "lat": "latitude / 纬度"}
        faults = [Fault(f"column {name!r} is missing", f"add it: {said[name]}", source) for name in missing]
        return gpd.GeoDataFrame(frame, geometry=[NOWHERE] * len(frame), crs=crs), faults
    return _from_columns(frame, source, coordinates, crs)


def _from_columns(frame: Any, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    given = crs_of(coordinates)
    x, x_faults = _numbers(frame, "lon", source)
    y, y_faults = _numbers(frame, "lat", source)
    faults = x_faults + y_faults
    if given.is_geographic:
        bad = _out_of_range(x, y)
        faults += _range_faults(frame, x, y, bad, source)
        x, y = np.where(bad, np.nan, x), np.where(bad, np.nan, y)
    lon, lat = _wgs84(x, y, coordinates)
    east, north = Transformer.from_crs(WGS84, crs, always_xy=True).transform(lon, lat)
    lost = np.isfinite(x) & np.isfinite(y) & ~(np.isfinite(east) & np.isfinite(north))
    problem, mend = f"{coordinates} has no such place", "check `coordinates` in study.toml"
    faults += [Fault(problem, mend, source, frame[ROW].iloc[i], "lon", _cell(frame, "lon", i)) for i in np.flatnonzero(lost)]
    good = np.isfinite(east) & np.isfinite(north)
    points = shapely.points(np.where(good, east, 0.0), np.where(good, north, 0.0))
    placed = frame.assign(lon=np.where(good, lon, np.nan), lat=np.where(good, lat, np.nan))
    return gpd.GeoDataFrame(placed, geometry=points, crs=crs), faults


def _shapes(frame: gpd.GeoDataFrame, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    frame = _plain_geometry(frame)
    said = crs_of(coordinates)
    if frame.crs is None and coordinates == "wgs84":
        mend = 'say what its coordinates are, as in coordinates = "EPSG:4549"; a shapefile carries it in its .prj'
        raise CrsError(str(fault := Fault("the file has no CRS", mend, source)), [fault])
    own = frame.crs or said
    if coordinates not in DATUMS and not CRS.from_user_input(own).equals(said, ignore_axis_order=True):
        if not _is_plain_geojson(source, own):
            problem = f"the file says {own.to_string()}, the study says {coordinates}"
            raise CrsError(str(fault := Fault(problem, "make them agree", source)), [fault])
        own = said
    frame = frame.set_crs(own, allow_override=True)
    faults = _degree_faults(frame, source)
    if faults:
        return frame.set_geometry(gpd.GeoSeries([NOWHERE] * len(frame), index=frame.index, crs=crs)), faults
    if coordinates in ("gcj02", "bd09"):
        frame = _shifted_back(frame, source, coordinates)
    frame = _singled(frame)
    degrees = frame.geometry.to_crs(WGS84)
    if (frame.geom_type == "Point").all():
        frame = frame.assign(lon=degrees.x, lat=degrees.y)
    return frame.to_crs(crs), []


def _plain_geometry(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The frame with its shapes in the plane, in a column called ``geometry``."""
    flat, others = frame.geometry.force_2d(), frame.drop(columns=[frame.geometry.name, "geometry"], errors="ignore")
    return gpd.GeoDataFrame(pd.DataFrame(others), geometry=flat.to_numpy(), crs=frame.crs)


def _shifted_back(frame: gpd.GeoDataFrame, source: str, datum: str) -> gpd.GeoDataFrame:
    if not CRS.from_user_input(frame.crs).is_geographic:
        problem = f"{datum} is a datum of degrees, but the file is in {frame.crs.to_string()}"
        raise CrsError(str(fault := Fault(problem, "set `coordinates` to what the file is in", source)), [fault])

    def back(places: Any) -> Any:
        return np.column_stack(to_wgs84(places[:, 0], places[:, 1], datum))

    shapes = shapely.transform(frame.geometry.to_numpy(), back)
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=WGS84))


def _singled(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Multipoints of one point, as many programs write points, as points."""
    shapes = frame.geometry
    single = ((shapes.geom_type == "MultiPoint") & (shapely.get_num_geometries(shapes.to_numpy()) == 1)).to_numpy()
    if not single.any():
        return frame
    points = np.where(single, shapely.get_geometry(shapes.to_numpy(), 0), shapes.to_numpy())
    return frame.set_geometry(gpd.GeoSeries(points, index=frame.index, crs=frame.crs))


def _degree_faults(frame: gpd.GeoDataFrame, source: str) -> list[Fault]:
    """Shapes said to be in degrees that are not: metres in a GeoJSON, or the two axes swapped."""
    if not frame.crs.is_geographic or not len(frame):
        return []
    edges = frame.bounds
    bad = np.flatnonzero((edges[["minx", "maxx"]].abs() > 180).any(axis=1) | (edges[["miny", "maxy"]].abs() > 90).any(axis=1))
    faults = []
    for i in bad:
        west, south, east, north = edges.iloc[i]
        swapped = abs(west) <= 90 and abs(east) <= 90 and abs(south) <= 180 and abs(north) <= 180
        problem = "longitude and latitude are swapped" if swapped else "the coordinates are not degrees"
        mend = "write longitude first" if swapped else 'say what they are, as in coordinates = "EPSG:32651"'
        faults.append(Fault(problem, mend, source, frame[ROW].iloc[i], "geometry", f"{west:g} {south:g}"))
    return faults


def _is_plain_geojson(source: str, own: Any) -> bool:
    """A GeoJSON cannot say its CRS (RFC 7946), so that what the study says holds."""
    return source.lower().endswith((".geojson", ".json")) and CRS.from_user_input(own).equals(
        CRS(WGS84), ignore_axis_order=True
    )


def crs_of(coordinates: str) -> CRS:
    """The CRS that a key ``coordinates`` means, before any datum is undone.

    Raises
    ------
    CrsError
        If the EPSG code is not known.
    """
    try:
        return CRS.from_user_input(WGS84 if coordinates in DATUMS else coordinates)
    except CRSError as error:
        fault = Fault(f"the coordinates {coordinates!r} are not known", "use wgs84, gcj02, bd09 or an EPSG code")
        raise CrsError(str(fault), [fault]) from error


def _wgs84(x: Floats, y: Floats, coordinates: str) -> tuple[Floats, Floats]:
    if coordinates in DATUMS:
        return to_wgs84(x, y, coordinates)
    lon, lat = Transformer.from_crs(crs_of(coordinates), WGS84, always_xy=True).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def _numbers(frame: Any, name: str, source: str) -> tuple[Floats, list[Fault]]:
    """One coordinate as floats, NaN where it is not one, and what is wrong."""
    word = "longitude" if name == "lon" else "latitude"
    values = np.full(len(frame), np.nan)
    faults = []
    for i, cell in enumerate(frame[name]):
        row = frame[ROW].iloc[i]
        if is_blank(cell):
            faults.append(Fault(f"the {word} is missing", "fill it in", source, row, name))
            continue
        try:
            values[i] = float(plain_number(str(cell)))
        except ValueError:
            faults.append(
                Fault(f"the {word} is not a number", "write decimal degrees such as 121.25", source, row, name, str(cell))
            )
    return values, faults


def _out_of_range(x: Floats, y: Floats) -> Any:
    return (np.abs(x) > 180) | (np.abs(y) > 90)


def _range_faults(frame: Any, x: Floats, y: Floats, bad: Any, source: str) -> list[Fault]:
    swapped = bad & (np.abs(y) <= 180) & (np.abs(x) <= 90)
    if swapped.any() and swapped.sum() == np.isfinite(x).sum():
        i = int(np.flatnonzero(swapped)[0])
        problem = f"longitude and latitude are swapped in all {int(swapped.sum())} rows"
        return [Fault(problem, "swap the two headers", source, frame[ROW].iloc[i], "lat", _cell(frame, "lat", i))]
    faults = []
    for i in np.flatnonzero(bad):
        row = frame[ROW].iloc[i]
        if swapped[i]:
            faults.append(
                Fault(
                    "longitude and latitude are swapped",
                    "write them the other way round",
                    source,
                    row,
                    "lat",
                    _cell(frame, "lat", i),
                )
            )
        else:
            name = "lon" if abs(x[i]) > 180 else "lat"
            mend = 'write decimal degrees; if these are metres, say so, as in coordinates = "EPSG:4549"'
            faults.append(Fault("this is not a place on earth in degrees", mend, source, row, name, _cell(frame, name, i)))
    return faults


def _cell(frame: Any, name: str, i: int) -> str:
    return str(frame[name].iloc[i])


def split_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Where one column holds "121.25,31.38" and there is no ``lon`` and ``lat``: the two as columns of their own."""
    pair = next((name for name in frame.columns if fold(str(name)) in PAIRS), None)
    if pair is None or {"lon", "lat"} & set(frame.columns):
        return frame
    parts = frame[pair].map(lambda cell: "" if is_blank(cell) else unicodedata.normalize("NFKC", str(cell)))
    split = parts.str.strip("()[] ").str.partition(",")
    return frame.drop(columns=pair).assign(lon=split[0], lat=split[2])
