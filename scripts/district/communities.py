"""Invented communities (居村): each town cut into the ground around its neighbourhoods, one for every 4000 residents or so."""

from __future__ import annotations

import json

import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

from district import land, people
from district.streets import Floats

RESIDENTS_EACH = 4_000
NAMES = (
    "朝阳", "和平", "新华", "建设", "文化", "胜利", "东门", "西门", "南桥", "北桥", "中心", "河滨", "公园", "学府", "站前",
    "古槐", "长青", "兴业", "富民", "向阳",
)  # fmt: skip


def as_geojson(cells: people.Cells) -> str:
    """The communities as GeoJSON in WGS-84, town by town: `community`, `town`. Drawn with a seed of their own."""
    rng = np.random.default_rng(land.SEED + 1)
    spots, towns, _ = people.neighbourhoods(rng, cells, RESIDENTS_EACH)
    lines = []
    for number, (town, ground) in enumerate(zip(land.TOWNS, land.town_polygons(), strict=True)):
        rural = town.villages >= 5
        for name, part in zip(NAMES, _parts(ground, spots[towns == number]), strict=False):
            properties = {"community": f"{town.name}{name}{'村' if rural else '社区'}", "town": town.name}
            lines.append(json.dumps(_feature(part, properties), ensure_ascii=False))
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"


def _parts(ground: Polygon, spots: Floats) -> list[BaseGeometry]:
    """The ground nearest to each spot, in the order of the spots."""
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(spots), extend_to=ground))
    order = cKDTree(spots).query(np.array([_spot_in(cell, spots) for cell in cells]))[1]
    return [cells[i].intersection(ground) for i in np.argsort(order)]


def _spot_in(cell: BaseGeometry, spots: Floats) -> Floats:
    return spots[np.flatnonzero(shapely.contains_xy(cell, spots[:, 0], spots[:, 1]))[0]]


def _feature(part: BaseGeometry, properties: dict[str, str]) -> dict[str, object]:
    shapes = [shape for shape in shapely.get_parts(part) if isinstance(shape, Polygon)]
    rings = [[land.lonlat(shape.exterior.coords).tolist()] for shape in shapes]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "MultiPolygon", "coordinates": rings}}
