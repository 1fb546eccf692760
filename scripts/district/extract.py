"""The made district as an OpenStreetMap extract: nodes, ways, two multipolygons, written by pyosmium."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import osmium
import shapely
from osmium.osm import mutable
from shapely.geometry import Polygon

from district import land
from district.streets import Junctions, Street, Tags

GENERATOR = "scripts/make_district.py (invented data)"
CARRIAGEWAY_M = 14.0  # from the middle of the motorway to either carriageway
PASSAGE_M = 30.0  # half the length of a passage under the motorway
DECK_M, STAIRS_M = 32.0, 14.0  # half a footbridge's deck, and its stairs


@dataclass
class Extract:
    """Nodes, ways and relations as they are numbered: from 1, in the order they are added."""

    xy: list[tuple[float, float]] = field(default_factory=list)
    node_tags: dict[int, Tags] = field(default_factory=dict)
    ways: list[tuple[list[int], Tags]] = field(default_factory=list)
    rings: list[tuple[list[int], list[int], Tags]] = field(default_factory=list)

    def add_node(self, x: float, y: float, tags: Tags | None = None) -> int:
        self.xy.append((x, y))
        if tags:
            self.node_tags[len(self.xy)] = tags
        return len(self.xy)

    def add_line(self, shape: Iterable[tuple[float, float]], tags: Tags) -> int:
        self.ways.append(([self.add_node(x, y) for x, y in shape], tags))
        return len(self.ways)

    def add_area(self, shape: Polygon, tags: Tags) -> None:
        """A closed way, or a multipolygon where there are holes."""
        rings = [self._add_ring(shape.exterior, {} if shape.interiors else tags)]
        rings += [self._add_ring(ring, {}) for ring in shape.interiors]
        if shape.interiors:
            self.rings.append((rings[:1], rings[1:], tags | {"type": "multipolygon"}))

    def _add_ring(self, ring: shapely.LinearRing, tags: Tags) -> int:
        nodes = [self.add_node(x, y) for x, y in list(ring.coords)[:-1]]
        self.ways.append(([*nodes, nodes[0]], tags))
        return len(self.ways)

    def write(self, path: Path) -> None:
        """Write the extract: ids and places only, no authors and no times, so that it is the same every time."""
        header = osmium.io.Header()
        header.set("generator", GENERATOR)
        file = osmium.io.File(str(path), "pbf,add_metadata=false")
        with osmium.SimpleWriter(file, header=header, overwrite=True) as writer:
            for number, (lon, lat) in enumerate(land.lonlat(self.xy).tolist(), start=1):
                writer.add_node(mutable.Node(id=number, location=(lon, lat), tags=self.node_tags.get(number, {})))
            for number, (nodes, tags) in enumerate(self.ways, start=1):
                writer.add_way(mutable.Way(id=number, nodes=nodes, tags=tags))
            for number, (outer, inner, tags) in enumerate(self.rings, start=1):
                members = [("w", way, "outer") for way in outer] + [("w", way, "inner") for way in inner]
                writer.add_relation(mutable.Relation(id=number, members=members, tags=tags))


def draw_extract(places: Junctions, streets: list[Street], premises: Iterable[tuple[float, float, Tags]]) -> Extract:
    """Everything the extract holds, in a fixed order: junctions, streets, motorway, boats, squares, water, green, premises."""
    extract = Extract()
    used = np.unique([street.ends for street in streets])
    number = {int(i): extract.add_node(*places.xy[i].tolist()) for i in used}
    for street in streets:
        _add_street(extract, street, number)
    _add_motorway(extract, places, number)
    _add_ferries(extract)
    _add_square(extract, places, number)
    extract.add_area(land.river(), {"natural": "water", "water": "river", "name": "示例河"})
    extract.add_area(land.lake(), {"natural": "water", "water": "lake", "name": "示例湖"})
    for name, shape in land.parks():
        extract.add_area(shape, {"landuse": "forest", "name": name} if "森林" in name else {"leisure": "park", "name": name})
    for x, y, tags in premises:
        extract.add_node(x, y, tags)
    return extract


def _add_street(extract: Extract, street: Street, number: dict[int, int]) -> None:
    first, last = (number[end] for end in street.ends)
    tags = dict(street.tags)
    if tags.pop("opening", ""):
        across = street.shape.project(street.shape.intersection(land.motorway()))
        plain, under = tags, tags | {"tunnel": "yes", "layer": "-1"}
        _add_parts(extract, street, (first, last), [across - PASSAGE_M, across + PASSAGE_M], [plain, under, plain])
    elif tags.pop("footbridge", ""):
        middle = street.shape.project(street.shape.intersection(land.motorway()))
        foot, stairs = {"highway": "footway"}, {"highway": "steps"}
        cuts = [middle - DECK_M - STAIRS_M, middle - DECK_M, middle + DECK_M, middle + DECK_M + STAIRS_M]
        deck = {"highway": "footway", "bridge": "yes", "layer": "1", "name": "人行天桥"}
        _add_parts(extract, street, (first, last), cuts, [foot, stairs, deck, stairs, foot])
    else:
        gate = tags.pop("gate", "")
        middle = [street.shape.interpolate(0.5, normalized=True).coords[0]] if gate else list(street.shape.coords)[1:-1]
        inner = [extract.add_node(round(x, 1), round(y, 1)) for x, y in middle]
        if gate:
            extract.node_tags[inner[0]] = {"barrier": "gate", "access": "private"}
        extract.ways.append(([first, *inner, last], tags))


def _add_parts(
    extract: Extract, street: Street, ends: tuple[int, int], cuts: list[float], tags: list[Tags]
) -> None:  # fmt: skip
    """A street cut at metres along it, each part with its own tags."""
    cuts = [min(max(cut, 1.0), street.shape.length - 1.0) for cut in cuts]
    bends = [(street.shape.project(shapely.Point(place)), place) for place in list(street.shape.coords)[1:-1]]
    marks = [extract.add_node(*np.round(street.shape.interpolate(cut).coords[0], 1).tolist()) for cut in cuts]
    starts, stops = [0.0, *cuts], [*cuts, street.shape.length]
    for i, own in enumerate(tags):
        inner = [extract.add_node(*place) for along, place in bends if starts[i] < along < stops[i]]
        extract.ways.append(([([ends[0], *marks][i]), *inner, ([*marks, ends[1]][i])], own))


def _add_motorway(extract: Extract, places: Junctions, number: dict[int, int]) -> None:
    """Two carriageways and, at every third opening, a slip road down to the streets; walkers may use none of it."""
    tags = {"highway": "motorway", "oneway": "yes", "ref": "S99", "name": "示例高速"}
    for side in (-CARRIAGEWAY_M, CARRIAGEWAY_M):
        line = list(shapely.offset_curve(land.motorway(), side).coords)
        extract.add_line(line if side < 0 else line[::-1], tags)
    nodes = extract.ways[-1][0]
    used = np.array(sorted(number))
    for node in nodes[10::24]:
        place = np.array(extract.xy[node - 1])
        near = int(used[np.argmin(np.hypot(*(places.xy[used] - place).T))])
        extract.ways.append(([node, number[near]], {"highway": "motorway_link", "oneway": "yes"}))


def _add_ferries(extract: Extract) -> None:
    """Boats over the river mouth and to the islet: not walked."""
    x = 14_300.0
    y = float(land.river_y(x))
    extract.add_line([(x, y - 80), (x, y), (x, y + 80)], {"route": "ferry", "name": "东渡轮渡"})
    islet = land.islet().centroid
    extract.add_line([(12_500.0, 16_300.0), (islet.x - 240, islet.y)], {"route": "ferry", "name": "湖心岛轮渡"})


def _add_square(extract: Extract, places: Junctions, number: dict[int, int]) -> None:
    """A square in the old town, tagged as an area, tied to the junctions beside its corners."""
    town = land.TOWNS[0]
    corners = [(town.x + dx, town.y + dy) for dx, dy in ((-38, -30), (40, -34), (36, 33), (-40, 29))]
    nodes = [extract.add_node(*corner) for corner in corners]
    extract.ways.append(([*nodes, nodes[0]], {"highway": "pedestrian", "area": "yes", "name": "示例广场"}))
    used = np.array(sorted(number))
    for node, corner in zip(nodes, corners, strict=True):
        near = int(used[np.argmin(np.hypot(*(places.xy[used] - corner).T))])
        extract.ways.append(([node, number[near]], {"highway": "footway"}))
