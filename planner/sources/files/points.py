"""Where the rows of any file lie: by its geometries, or by its columns of coordinates."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from planner.errors import Fault
from planner.sources.files.lonlat import NOWHERE, points_of, split_pairs
from planner.sources.files.shapes import shapes_of

__all__ = ["NOWHERE", "place_rows", "points_of", "shapes_of", "split_pairs"]


def place_rows(frame: Any, source: str, coordinates: str, crs: str) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """The rows of a file as points or shapes in `crs`, and what is wrong with their places.

    Geometries are taken where the file has them, else columns of coordinates (`points_of`). Points have ``lon`` and
    ``lat`` in WGS-84 degrees beside them.

    Raises
    ------
    CrsError
        If the file has geometries but no CRS and `coordinates` names none, or the two differ.
    """
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        return shapes_of(frame, source, coordinates, crs)
    return points_of(frame, source, coordinates, crs)
