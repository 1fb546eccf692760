"""Buildings with their floors and floor area, and whether people live there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from planner.sources.osm.extract import Tags
from planner.sources.osm.shapes import Geometries, Shapes, read_shapes

HOMES = frozenset({
    "apartments", "residential", "house", "detached", "semidetached_house", "semi", "terrace", "dormitory", "bungalow", "villa",
    "farm", "block", "cabin", "static_caravan", "houseboat", "ger", "stilt_house", "tree_house",
})  # fmt: skip
OTHER_USE = (
    "amenity", "shop", "office", "craft", "industrial", "tourism", "leisure", "healthcare", "military", "public_transport",
    "railway", "aeroway", "power", "man_made", "religion", "emergency", "government", "sport", "telecom",
)  # fmt: skip
GONE = ("abandoned", "disused", "ruins", "demolished")

FLOORS = {
    "apartments": 5.0, "residential": 4.0, "block": 5.0, "dormitory": 4.0, "terrace": 2.0, "house": 2.0, "detached": 2.0,
    "semidetached_house": 2.0, "semi": 2.0, "villa": 2.0, "farm": 2.0, "bungalow": 1.0, "cabin": 1.0, "static_caravan": 1.0,
    "houseboat": 1.0, "ger": 1.0, "stilt_house": 1.0, "tree_house": 1.0, "yes": 2.0,
}  # fmt: skip  # our choice, for want of better; see `read_buildings`
FLOORS_ELSE = 2.0
FLOOR_M = 3.0  # our choice: metres a floor where only a height is known
ENOUGH = 20  # so many buildings of a kind that say their floors speak for those that do not
MOST_FLOORS = 200.0  # more is a slip of the pen
SAME_SHARE = 0.95  # a building that lies so far inside another is the same one, mapped twice


def read_buildings(path: str | Path, *, crs: Any, area: BaseGeometry | None = None) -> gpd.GeoDataFrame:
    """The buildings of an extract with floor area and whether people live there.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    crs
        A projected CRS in metres.
    area
        Keep buildings that touch it, a (Multi)Polygon in `crs`; None keeps all.

    Returns
    -------
    GeoDataFrame sorted by ``osm_id`` (``w1``, ``r2``), with Polygons or MultiPolygons and the columns

    ``kind``
        The value of ``building``.
    ``floors``
        ``building:levels`` (without those of the roof); else ``height`` over 3 m a floor; else the median of the extract's
        buildings of that kind that say it, if at least 20 do; else `FLOORS`, our choice. At least 1.
    ``footprint_m2``, ``floor_area_m2``
        The area on the map plane; and that times the floors.
    ``residential``
        True for the kinds in `HOMES`; for ``building=yes`` unless a tag in `OTHER_USE` (``amenity``, ``shop``, ``office`` …)
        says otherwise; ``building:use``, where given, decides. False for ruins and what is disused.

    A building that lies 95 % inside another is the same one mapped twice: the larger stays, or the one with courtyards if
    both have the same outline.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    found = read_shapes(path, ["building"], crs=crs)
    found = found.keep((found.values("building") != "no") & np.asarray(shapely.area(found.shape) > 0, dtype=bool))
    floors = _floors(found)
    table = gpd.GeoDataFrame(
        {"osm_id": found.osm_id, "kind": found.values("building"), "floors": floors, "footprint_m2": shapely.area(found.shape)},
        geometry=found.shape,
        crs=crs,
    )
    table.insert(4, "floor_area_m2", table["footprint_m2"] * floors)
    table.insert(5, "residential", np.array([is_home(tags) for tags in found.tags], dtype=bool))
    kept = _once(found.shape)
    if area is not None:
        shapely.prepare(area)
        kept &= shapely.intersects(area, found.shape)
    return table[kept].reset_index(drop=True)


def read_residential_land(path: str | Path, *, crs: Any, area: BaseGeometry | None = None) -> Geometries:
    """The polygons of ``landuse=residential`` that touch `area`, in `crs`, sorted by id; they may overlap.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    found = read_shapes(path, ["landuse"], crs=crs, area=area)
    return found.keep((found.values("landuse") == "residential") & np.asarray(shapely.area(found.shape) > 0, dtype=bool)).shape


def is_home(tags: Tags) -> bool:
    """Whether people live in a building with these tags.

    >>> is_home({"building": "yes"}), is_home({"building": "yes", "shop": "bakery"}), is_home({"building": "apartments"})
    (True, False, True)
    """
    if any(tags.get(key, "no") != "no" for key in GONE):
        return False
    use = tags.get("building:use", "")
    if use:
        return bool(HOMES & set(re.split("[;, ]+", use)))
    kind = tags.get("building", "")
    if kind == "yes":
        return not any(tags.get(key, "no") != "no" for key in OTHER_USE)
    return bool(HOMES & set(re.split("[;, ]+", kind)))


def levels_of(tags: Tags) -> float:
    """The floors a building says it has; NaN if it does not say or what it says is no number.

    >>> levels_of({"building:levels": "5"}), levels_of({"building:levels": "2-3"}), levels_of({"height": "12 m"})
    (5.0, 3.0, 4.0)
    """
    levels = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", tags.get("building:levels", ""))]
    if levels and max(levels) <= MOST_FLOORS:
        return max(1.0, max(levels))
    height = re.match(r"\s*(\d+(?:\.\d+)?)\s*m?\s*$", tags.get("height", ""))
    if height and float(height[1]) <= MOST_FLOORS * FLOOR_M:
        return max(1.0, float(round(float(height[1]) / FLOOR_M)))
    return float("nan")


def _floors(found: Shapes) -> npt.NDArray[np.float64]:
    said = np.array([levels_of(tags) for tags in found.tags], dtype=np.float64)
    kinds = found.values("building")
    floors = said.copy()
    for kind in np.unique(kinds[np.isnan(said)].astype(str)):
        of_kind = kinds == kind
        known = said[of_kind & ~np.isnan(said)]
        usual = float(np.median(known)) if len(known) >= ENOUGH else FLOORS.get(kind, FLOORS_ELSE)
        floors[of_kind & np.isnan(said)] = usual
    return floors


def _once(shapes: Geometries) -> npt.NDArray[np.bool_]:
    """Which buildings stay when those mapped twice are taken once."""
    kept = np.ones(len(shapes), dtype=bool)
    inner, outer = shapely.STRtree(shapes).query(shapely.point_on_surface(shapes), predicate="within")
    for i, j in sorted(zip(inner.tolist(), outer.tolist(), strict=True)):  # a loop: few buildings lie inside another
        if i == j or not (kept[i] and kept[j]):
            continue
        small, large = (i, j) if (shapes[i].area, i) < (shapes[j].area, j) else (j, i)
        if shapely.intersection(shapes[small], shapes[large]).area < SAME_SHARE * shapes[small].area:
            continue
        kept[large if _same_outline(shapes[small], shapes[large]) else small] = False
    return kept


def _same_outline(small: BaseGeometry, large: BaseGeometry) -> bool:
    """Whether the smaller is the larger with courtyards."""
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(small)])
    return bool(shapely.equals(filled, large))
