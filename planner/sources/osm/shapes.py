"""Things on the map with their tags and shapes: points, and areas out of closed ways and multipolygon relations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from planner.sources.osm.extract import Tags, readable

Geometries = npt.NDArray[np.object_]

_MULTIPOLYGON = 6  # GEOS's number of the type


@dataclass(frozen=True, eq=False)
class Shapes:
    """Objects of an extract: ids (``n1``, ``w2``, ``r3``), tags, and shapes in the CRS they were asked in."""

    osm_id: npt.NDArray[np.str_]
    tags: list[Tags]
    shape: Geometries

    def __len__(self) -> int:
        return len(self.tags)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> Shapes:
        """Only the chosen objects."""
        return Shapes(
            self.osm_id[chosen], [tags for tags, one in zip(self.tags, chosen, strict=True) if one], self.shape[chosen]
        )

    def values(self, key: str) -> npt.NDArray[np.object_]:
        """Each object's value of `key`, empty where it has none."""
        return np.array([tags.get(key, "") for tags in self.tags], dtype=object)


def read_shapes(
    path: str | Path, keys: Sequence[str], *, crs: Any, area: BaseGeometry | None = None, with_points: bool = False
) -> Shapes:
    """Everything tagged with one of `keys`: areas, and points if asked for, that touch `area`; sorted by id.

    Areas are closed ways and multipolygon relations whose members are all there; what a clipped extract has only in part is
    left out. Shapes are valid.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    path = Path(path)
    with readable(path) as file:
        rows = sorted(_rows(file, keys, with_points), key=lambda row: row[0])
    names = np.array([f"{kind}{number}" for (kind, number), _, _ in rows], dtype=np.str_)
    shape = _projected(shapely.from_wkb(np.array([wkb for _, _, wkb in rows], dtype=object)), crs)
    found = Shapes(names, [tags for _, tags, _ in rows], shape)
    if area is None or not len(found):
        return found
    shapely.prepare(area)
    return found.keep(shapely.intersects(area, found.shape))


def _rows(file: osmium.io.File, keys: Sequence[str], with_points: bool) -> Iterator[tuple[tuple[str, int], Tags, str]]:
    wanted = osmium.filter.KeyFilter(*keys)
    source = osmium.FileProcessor(file).with_areas(wanted).with_filter(osmium.filter.KeyFilter(*keys))
    shaped = osmium.geom.WKBFactory()
    for thing in source:  # a loop: osmium builds areas one by one
        try:
            if thing.is_area():
                name = ("w" if thing.from_way() else "r", int(thing.orig_id()))
                yield name, {tag.k: tag.v for tag in thing.tags}, shaped.create_multipolygon(thing)
            elif with_points and thing.is_node() and thing.location.valid():
                yield ("n", int(thing.id)), {tag.k: tag.v for tag in thing.tags}, shaped.create_point(thing)
        except (RuntimeError, osmium.InvalidLocationError):
            continue  # an area whose rings do not close in this extract


def _projected(shapes: Geometries, crs: Any) -> Geometries:
    """Shapes in degrees as valid shapes in `crs`; single areas as Polygons."""
    transformer = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    moved = shapely.transform(shapes, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
    moved = np.where(shapely.is_valid(moved), moved, shapely.make_valid(moved))
    alone = (shapely.get_type_id(moved) == _MULTIPOLYGON) & (shapely.get_num_geometries(moved) == 1)
    return np.asarray(np.where(alone, shapely.get_geometry(moved, 0), moved), dtype=object)
