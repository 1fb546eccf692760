"""Invented streets: junctions as dense as the ground is built up, joined to neighbours, cut by water and the motorway."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import LineString

from district import land

Floats = npt.NDArray[np.float64]
Tags = dict[str, str]

RURAL_M, SUBURB_GROWTH, VILLAGE_GROWTH = 700.0, 0.34, 0.7
VILLAGE_RADIUS_M, VILLAGE_SPACING_M = 230.0, 104.0
DARTS = 150_000
LONGEST_M = 1_500.0
BRIDGES_X_M = (3_500.0, 6_700.0, 8_300.0, 12_300.0, 16_300.0)  # where walkers may cross the river
TUNNEL_X_M = 10_500.0  # for cars: too long to walk
HEAD_M = 125.0  # from the middle of the river to the junction at a bridge
OPENINGS_M = 1_700.0  # one way under the motorway in so many metres
FOOTBRIDGES_Y_M = (6_600.0, 8_500.0, 15_000.0)  # over the motorway, by steps
MAIN = (
    ("CZ", "CB", "人民路", "primary"), ("CZ", "XC", "解放大道", "primary"), ("CZ", "LY", "西门路", "secondary"),
    ("CB", "LH", "湖滨大道", "primary"), ("XC", "JS", "金穗大道", "secondary"), ("XC", "LT", "莲塘公路", "secondary"),
    ("LY", "BS", "白石公路", "secondary"), ("LY", "SG", "松岗公路", "secondary"), ("BS", "QH", "青禾公路", "tertiary"),
    ("CB", "QH", "北大街", "secondary"), ("QH", "YX", "云溪公路", "tertiary"), ("LH", "YX", "云湖公路", "tertiary"),
    ("LH", "DD", "东渡路", "secondary"), ("XC", "DD", "沿江东路", "secondary"), ("SG", "LT", "南环公路", "tertiary"),
    ("LT", "JS", "南海公路", "tertiary"), ("CZ", "LT", "建设路", "secondary"), ("XC", "LH", "中央大道", "primary"),
)  # fmt: skip


@dataclass
class Junctions:
    """Junctions: place, spacing of the streets there, and the line of a grid they stand on (-1: no grid)."""

    xy: Floats
    spacing_m: Floats
    line: npt.NDArray[np.int64]


@dataclass
class Street:
    """A stretch of street between two junctions, as drawn, with its tags.

    Three tags are ours and are worked out when it is written: ``opening`` passes under the motorway, ``footbridge`` over it by
    steps, ``gate`` is locked.
    """

    ends: tuple[int, int]
    shape: LineString
    tags: Tags = field(default_factory=dict)


def spacing_at(xy: Floats, villages: Floats) -> Floats:
    """How far apart streets are at each place: as the nearest town or village asks, growing outwards."""
    best = np.full(len(xy), RURAL_M)
    for town in land.TOWNS:
        off = np.maximum(np.hypot(xy[:, 0] - town.x, xy[:, 1] - town.y) - town.radius_m, 0)
        best = np.minimum(best, town.spacing_m + SUBURB_GROWTH * off)
    for x, y in villages:
        off = np.maximum(np.hypot(xy[:, 0] - x, xy[:, 1] - y) - VILLAGE_RADIUS_M, 0)
        best = np.minimum(best, VILLAGE_SPACING_M + VILLAGE_GROWTH * off)
    return best


def place_junctions(rng: np.random.Generator, villages: Floats) -> Junctions:
    """Grids where towns have one, elsewhere darts that keep the spacing of their place; none in water or beyond the border."""
    dry = shapely.union_all([land.outline().difference(shapely.union_all([land.river(), land.lake()]))]).buffer(-25)
    shapely.prepare(dry)
    grid, line = _grids(dry)
    heads = _bridge_heads()
    grid, line = np.vstack([grid, heads]), np.vstack([line, np.full((len(heads), 2), -1)])
    darts = rng.random((DARTS, 2)) * [land.WIDTH_M, land.HEIGHT_M]
    asked = spacing_at(darts, villages)
    order = np.argsort(asked, kind="stable")
    free = shapely.contains_xy(dry, darts[:, 0], darts[:, 1]) & ~_in_grid(darts)
    taken = _keep_apart(grid, darts, asked, order[free[order]])
    xy = np.vstack([grid, darts[taken]])
    lines = np.concatenate([line, np.full((len(taken), 2), -1)])
    return Junctions(np.round(xy, 1), spacing_at(xy, villages), lines)


def _bridge_heads() -> Floats:
    """Where bridges start and end, so that none is longer than the river is wide by much."""
    x = np.repeat(BRIDGES_X_M, 2)
    return np.column_stack([x, land.river_y(x) + np.tile([-HEAD_M, HEAD_M], len(BRIDGES_X_M))])


def _grids(dry: shapely.Geometry) -> tuple[Floats, npt.NDArray[np.int64]]:
    found, lines = [np.zeros((0, 2))], [np.zeros((0, 2), dtype=np.int64)]
    for town in land.TOWNS:
        if town.turn is None:
            continue
        side = int(town.radius_m // town.spacing_m)
        i, j = np.meshgrid(np.arange(-side, side + 1), np.arange(-side, side + 1), indexing="ij")
        steps = np.column_stack([i.ravel(), j.ravel()])
        turn = np.radians(town.turn)
        rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        xy = steps * town.spacing_m @ rotate + [town.x, town.y]
        inside = (np.hypot(*(steps * town.spacing_m).T) <= town.radius_m) & shapely.contains_xy(dry, xy[:, 0], xy[:, 1])
        found.append(xy[inside])
        lines.append(steps[inside] + 1_000)
    return np.vstack(found), np.vstack(lines)


def _in_grid(xy: Floats) -> npt.NDArray[np.bool_]:
    inside = np.zeros(len(xy), dtype=bool)
    for town in land.TOWNS:
        if town.turn is not None:
            inside |= np.hypot(xy[:, 0] - town.x, xy[:, 1] - town.y) < town.radius_m + 0.4 * town.spacing_m
    return inside


def _keep_apart(fixed: Floats, darts: Floats, asked: Floats, order: npt.NDArray[np.int64]) -> list[int]:
    """Darts that keep 0.82 of the spacing asked of them from all kept before; the densest ground first."""
    cell = 160.0
    held: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for x, y in fixed.tolist():
        held[int(x // cell), int(y // cell)].append((x, y))
    kept = []
    for i in order.tolist():
        x, y = darts[i].tolist()
        apart = 0.82 * float(asked[i])
        reach, column, row = int(apart // cell) + 1, int(x // cell), int(y // cell)
        near = (
            other
            for a in range(column - reach, column + reach + 1)
            for b in range(row - reach, row + reach + 1)
            for other in held.get((a, b), ())
        )
        if all((x - other[0]) ** 2 + (y - other[1]) ** 2 >= apart * apart for other in near):
            kept.append(i)
            held[column, row].append((x, y))
    return kept


def neighbours(xy: Floats, nearest: int = 14) -> npt.NDArray[np.int64]:
    """Pairs with no third point in the circle over them (Gabriel and Sokal 1969): looks like streets, never crosses itself."""
    tree = cKDTree(xy)
    _, index = tree.query(xy, k=nearest + 1)
    first = np.repeat(np.arange(len(xy)), nearest)
    pairs = np.unique(np.sort(np.column_stack([first, index[:, 1:].ravel()]), axis=1), axis=0)
    middle, half = xy[pairs].mean(axis=1), np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) / 2
    distance, _ = tree.query(middle, k=3)
    return pairs[(distance[:, 2] > half * 1.02 + 0.5) & (half < LONGEST_M / 2)]


def draw_streets(rng: np.random.Generator, places: Junctions) -> list[Street]:
    """Streets between neighbours, bent where they grew; thinned out; none over water; few under the motorway."""
    pairs = neighbours(places.xy)
    shapes = [_bent(places, pair, draw) for pair, draw in zip(pairs, rng.random((len(pairs), 2)), strict=True)]
    water = shapely.union_all([land.river(), land.lake()])
    shapely.prepare(water)
    kept = ~shapely.intersects(water, np.array(shapes))
    streets = [Street((int(a), int(b)), shape) for (a, b), shape, dry in zip(pairs, shapes, kept, strict=True) if dry]
    streets = _thinned(rng, streets, places)
    streets = _opened(streets)
    streets += _bridges(places, streets)
    return _connected(streets)


def _bent(places: Junctions, pair: npt.NDArray[np.int64], draw: Floats) -> LineString:
    start, end = places.xy[pair]
    step = end - start
    length = float(np.hypot(*step))
    on_grid = (places.line[pair] >= 0).all()
    parts = 1 if on_grid or length < 75 else 2 if length < 240 else 3 if length < 480 else 5
    share = np.arange(parts + 1)[:, None] / parts
    bow = 0.17 * (draw[0] - 0.5) * np.sin(np.pi * share) + 0.06 * (draw[1] - 0.5) * np.sin(2 * np.pi * share)
    line = start + share * step + bow * np.array([-step[1], step[0]])
    return LineString(np.round(line, 1))


def _thinned(rng: np.random.Generator, streets: list[Street], places: Junctions) -> list[Street]:
    """Without one in seven of the grown streets, where both ends keep two others."""
    degree = np.bincount(np.array([street.ends for street in streets]).ravel(), minlength=len(places.xy))
    kept = []
    for street, draw in zip(streets, rng.random(len(streets)), strict=True):
        a, b = street.ends
        grown = places.line[a, 0] < 0 or places.line[b, 0] < 0
        if draw < (0.14 if grown else 0.05) and min(degree[a], degree[b]) > 2:
            degree[[a, b]] -= 1
        else:
            kept.append(street)
    return kept


def _opened(streets: list[Street]) -> list[Street]:
    """Without the streets that meet the motorway, but for the one nearest to each opening, which passes under it."""
    road = land.motorway()
    met = shapely.intersects(road, np.array([street.shape for street in streets]))
    crossing = [street for street, is_met in zip(streets, met, strict=True) if is_met]
    kept = [street for street, is_met in zip(streets, met, strict=True) if not is_met]
    once = [street for street in crossing if street.shape.intersection(road).geom_type == "Point" and street.shape.length > 90]
    for y in np.arange(OPENINGS_M / 2, land.HEIGHT_M, OPENINGS_M):
        best = min(once, key=lambda street: (abs(street.shape.intersection(road).y - y), street.ends))
        if abs(best.shape.intersection(road).y - y) < OPENINGS_M / 2:
            kept.append(Street(best.ends, best.shape, {"opening": "yes"}))
    return kept


def _bridges(places: Junctions, streets: list[Street]) -> list[Street]:
    """Bridges between the junctions nearest to both banks, and the ways over the motorway and under the river."""
    used = np.unique([street.ends for street in streets])
    north = places.xy[used, 1] > land.river_y(places.xy[used, 0])
    found = []
    for number, x in enumerate((*BRIDGES_X_M, TUNNEL_X_M)):
        bank = np.array([x, float(land.river_y(x))])
        ends = tuple(int(_nearest(places, used[north == side], bank)) for side in (False, True))
        tags = {"tunnel": "yes", "highway": "primary", "name": "过江隧道"}
        if x in BRIDGES_X_M:
            tags = {"bridge": "yes", "highway": "secondary", "sidewalk": "both", "name": f"{'一二三四五'[number]}号桥"}
        found.append(Street(ends, LineString(places.xy[list(ends)]), tags))
    road = land.motorway()
    for y in FOOTBRIDGES_Y_M:
        cross = np.array(road.interpolate(road.project(shapely.Point(land.MOTORWAY_X_M, y))).coords[0])
        west = places.xy[used, 0] < _motorway_x(places.xy[used, 1])
        ends = tuple(int(_nearest(places, used[west == side], cross)) for side in (True, False))
        found.append(Street(ends, LineString(places.xy[list(ends)]), {"footbridge": "yes"}))
    return found


def _motorway_x(y: Floats) -> Floats:
    line = np.array(land.motorway().coords)
    return np.interp(y, line[:, 1], line[:, 0])


def _nearest(places: Junctions, some: npt.NDArray[np.int64], place: Floats) -> int:
    return int(some[np.argmin(np.hypot(*(places.xy[some] - place).T))])


def _connected(streets: list[Street]) -> list[Street]:
    """Without scraps: parts of fewer than eight junctions that hang on nothing (the islet stays)."""
    graph = nx.Graph([street.ends for street in streets])
    size = {node: len(part) for part in nx.connected_components(graph) for node in part}
    return [street for street in streets if size[street.ends[0]] >= 8]


def name_streets(rng: np.random.Generator, streets: list[Street], places: Junctions) -> None:
    """Give every street its tags, in place: main roads between towns, then what fits its surroundings."""
    main = _main_roads(streets, places)
    for street, draw in zip(streets, rng.random(len(streets)), strict=True):
        if "highway" in street.tags or "footbridge" in street.tags:
            continue
        name, kind = main.get(street.ends, ("", ""))
        street.tags["highway"] = kind or _kind(street, places, float(draw))
        if name:
            street.tags["name"] = name
        if street.tags["highway"] == "service" and draw > 0.98:
            street.tags |= {"access": "private"} if draw > 0.99 else {"gate": "yes"}


def _main_roads(streets: list[Street], places: Junctions) -> dict[tuple[int, int], tuple[str, str]]:
    graph = nx.Graph()
    for street in streets:
        if "tunnel" not in street.tags and "footbridge" not in street.tags:
            graph.add_edge(*street.ends, metres=street.shape.length)
    used = np.array(sorted(graph))
    centre = {town.code: _nearest(places, used, np.array([town.x, town.y])) for town in land.TOWNS}
    found: dict[tuple[int, int], tuple[str, str]] = {}
    for start, end, name, kind in MAIN:
        path = nx.shortest_path(graph, centre[start], centre[end], weight="metres")
        for a, b in pairwise(path):
            found.setdefault((min(a, b), max(a, b)), (name, kind))
    return found


def _kind(street: Street, places: Junctions, draw: float) -> str:
    a, b = street.ends
    lines = places.line[[a, b]]
    if (lines >= 0).all():
        along = [k for k in (0, 1) if lines[0, k] == lines[1, k]]
        if any((lines[0, k] - 1_000) % 3 == 0 for k in along):
            return "tertiary"
        return "residential" if draw < 0.5 else "footway" if draw < 0.8 else "service"
    spacing = float(places.spacing_m[[a, b]].mean())
    if spacing > 330:
        return "unclassified" if draw < 0.6 else "track" if draw < 0.85 else "path"
    if spacing < 95 and street.shape.length < 55 and draw < 0.05:
        return "steps"
    if spacing < 110:
        return "living_street" if draw < 0.3 else "footway" if draw < 0.55 else "residential" if draw < 0.85 else "service"
    return "residential" if draw < 0.62 else "footway" if draw < 0.76 else "unclassified" if draw < 0.86 else "service"
