"""Where the features of a file lie: its geometries, out of its CRS or datum, in the study's."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from planner.datum import to_wgs84
from planner.errors import CrsError, Fault
from planner.sources.files.crs import WGS84, crs_of
from planner.sources.files.points import NOWHERE, points_of
from planner.sources.files.records import ROW
from planner.study import DATUMS, plain_coordinates

SHIFTED = ("gcj02", "bd09")


def place_rows(frame: Any, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """The rows of a file as points or shapes in `crs`, and what is wrong with their places.

    Geometries are taken where the file has them, else columns of coordinates (`points_of`). Points have ``lon`` and
    ``lat`` in WGS-84 degrees beside them.

    Raises
    ------
    CrsError
        If `coordinates` are not known, or the file has geometries but no CRS and they name none, or the two differ.
    """
    crs_of(coordinates)  # says so where nobody knows them
    plain = plain_coordinates(coordinates)
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        return shapes_of(frame, source, plain, crs)
    return points_of(frame, source, plain, crs)


def shapes_of(frame: gpd.GeoDataFrame, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """Geometries in `crs`. A datum says what degrees of the file mean; an EPSG code must be the file's own CRS, if it has one.

    A GeoJSON has none of its own to say (RFC 7946), so that there the code holds.
    """
    own = _own_crs(frame, source, coordinates)
    shapes = frame.geometry.force_2d().set_crs(own, allow_override=True)
    others = pd.DataFrame(frame.drop(columns=[frame.geometry.name, "geometry"], errors="ignore"))
    if own.is_geographic:
        faults = _degree_faults(shapes, frame[ROW], source)
        if faults:
            return gpd.GeoDataFrame(others, geometry=[NOWHERE] * len(frame), crs=crs), faults
    if coordinates in SHIFTED:
        shapes = _shifted_back(shapes, coordinates)
    shapes = _singled(shapes)
    if len(shapes) and (shapes.geom_type == "Point").all():
        degrees = shapes.to_crs(WGS84)
        others = others.assign(lon=degrees.x, lat=degrees.y)
    return gpd.GeoDataFrame(others, geometry=shapes.to_crs(crs)), []


def _own_crs(frame: gpd.GeoDataFrame, source: str, coordinates: str) -> CRS:
    """The CRS that the geometries of a file are in."""
    said = crs_of(coordinates)
    if frame.crs is None:
        if coordinates == "wgs84":
            mend = 'say what its coordinates are, as in coordinates = "EPSG:4549"; a shapefile carries it in its .prj'
            raise crs_error("the file has no CRS", mend, source)
        return said
    own = CRS.from_user_input(frame.crs)
    if coordinates in SHIFTED and not own.is_geographic:
        problem = f"{coordinates} is a datum of degrees, but the file is in {own.to_string()}"
        raise crs_error(problem, "set `coordinates` to what the file is in", source)
    if coordinates in DATUMS or own.equals(said, ignore_axis_order=True):
        return own
    if source.lower().endswith((".geojson", ".json")) and own.equals(CRS(WGS84), ignore_axis_order=True):
        return said
    raise crs_error(f"the file is in {own.to_string()}, but `coordinates` says {coordinates}", "make them agree", source)


def crs_error(problem: str, mend: str, source: str) -> CrsError:
    """A CrsError with one fault."""
    fault = Fault(problem, mend, source)
    return CrsError(str(fault), [fault])


def _shifted_back(shapes: gpd.GeoSeries, datum: str) -> gpd.GeoSeries:
    """Every corner out of GCJ-02 or BD-09."""

    def back(corners: Any) -> Any:
        return np.column_stack(to_wgs84(corners[:, 0], corners[:, 1], datum))

    return gpd.GeoSeries(shapely.transform(np.asarray(shapes), back), index=shapes.index, crs=WGS84)


def _singled(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Multipoints of one point, as many programs write points, as points."""
    plain = np.asarray(shapes)
    single = (shapely.get_type_id(plain) == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(plain) == 1)
    return gpd.GeoSeries(np.where(single, shapely.get_geometry(plain, 0), plain), index=shapes.index, crs=shapes.crs)


def _degree_faults(shapes: gpd.GeoSeries, rows: Any, source: str) -> list[Fault]:
    """Shapes said to be in degrees that are not: metres, or the two axes swapped."""
    edges = shapes.bounds.to_numpy()
    beyond = (np.abs(edges[:, [0, 2]]) > 180).any(axis=1) | (np.abs(edges[:, [1, 3]]) > 90).any(axis=1)
    faults = []
    for i in np.flatnonzero(beyond):
        west, south, east, north = edges[i]
        if max(abs(west), abs(east)) <= 90 and max(abs(south), abs(north)) <= 180:
            problem, mend = "longitude and latitude are swapped", "write longitude first"
        else:
            problem, mend = "the coordinates are not degrees", 'say what they are, as in coordinates = "EPSG:32651"'
        faults.append(Fault(problem, mend, source, rows.iloc[i], "geometry", f"{west:g} {south:g}"))
    return faults
