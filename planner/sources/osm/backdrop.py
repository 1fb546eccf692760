"""Water and green: what lies quietly behind a map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from planner.sources.osm.extract import Tags
from planner.sources.osm.shapes import Geometries, read_shapes

WATER = {"natural": {"water"}, "waterway": {"riverbank", "dock"}, "landuse": {"basin", "reservoir"}}
GREEN = {
    "leisure": {"park", "garden", "nature_reserve", "golf_course", "recreation_ground", "common", "dog_park"},
    "landuse": {"grass", "forest", "recreation_ground", "village_green", "cemetery", "meadow", "allotments"},
    "natural": {"wood", "grassland", "scrub", "heath"},
}
SIMPLIFY_M = 2.0  # thinner than a line on a map of a district
SMALLEST_M2 = 200.0  # smaller is a dot
AROUND = 0.1  # of the area's box on each side, so that the map does not end at the border


def read_backdrop(path: str | Path, *, crs: Any, area: BaseGeometry | None = None) -> gpd.GeoDataFrame:
    """Water and green areas, simplified by at most 2 m, cut to the box around `area` and a tenth more on each side.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    crs
        A projected CRS in metres.
    area
        A (Multi)Polygon in `crs`; None keeps the whole extract.

    Returns
    -------
    GeoDataFrame with ``osm_id``, ``kind`` (``water`` or ``green``) and Polygons or MultiPolygons of at least 200 m2, green
    first (water is drawn over it), then by id. The sea is not in it: OSM has coastlines instead.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    box = None if area is None else _around(area)
    found = read_shapes(path, sorted({*WATER, *GREEN}), crs=crs, area=box)
    kinds = np.array([kind_of_ground(tags) for tags in found.tags], dtype=object)
    found, kinds = found.keep(kinds != ""), kinds[kinds != ""]
    shapes = _quiet(found.shape, box)
    large = np.asarray(shapely.area(shapes) >= SMALLEST_M2, dtype=bool)
    table = gpd.GeoDataFrame({"osm_id": found.osm_id[large], "kind": kinds[large]}, geometry=shapes[large], crs=crs)
    return table.sort_values("kind", kind="stable").reset_index(drop=True)


def kind_of_ground(tags: Tags) -> str:
    """``water``, ``green`` or nothing.

    >>> kind_of_ground({"natural": "water"}), kind_of_ground({"leisure": "park"}), kind_of_ground({"landuse": "retail"})
    ('water', 'green', '')
    """
    for kind, wanted in (("water", WATER), ("green", GREEN)):
        if any(tags.get(key, "") in values for key, values in wanted.items()):
            return kind
    return ""


def _around(area: BaseGeometry) -> BaseGeometry:
    west, south, east, north = area.bounds
    x, y = AROUND * (east - west), AROUND * (north - south)
    return shapely.box(west - x, south - y, east + x, north + y)


def _quiet(shapes: Geometries, box: BaseGeometry | None) -> Geometries:
    """Simplified, cut to the box, and areas only."""
    cut = shapes if box is None else shapely.intersection(shapes, box)
    plain = shapely.make_valid(shapely.simplify(cut, SIMPLIFY_M, preserve_topology=True))
    return np.array([_areas_of(shape) for shape in plain], dtype=object)


def _areas_of(shape: BaseGeometry) -> BaseGeometry:
    """The polygons of a shape: cutting can leave lines and points."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")])
