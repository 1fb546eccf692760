"""Small OpenStreetMap files: a town on a grid of degrees, written as XML, and the same in every format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

import osmium
import pyproj

Tags = Mapping[str, str]
STEP = 0.001  # degrees between grid nodes: some 95 m east, 111 m north
LON, LAT = 121.0, 31.0
CRS = "EPSG:32651"


@dataclass
class Town:
    """Nodes, ways and relations of a made extract; `write` puts them into a file."""

    places: dict[int, tuple[float, float]] = field(default_factory=dict)
    node_tags: dict[int, Tags] = field(default_factory=dict)
    ways: dict[int, tuple[Sequence[int], Tags]] = field(default_factory=dict)
    relations: dict[int, tuple[Sequence[tuple[str, int, str]], Tags]] = field(default_factory=dict)

    def node(self, number: int, east: float, north: float, **tags: str) -> Town:
        """A node so many grid steps east and north of the corner."""
        self.places[number] = (round(LON + STEP * east, 7), round(LAT + STEP * north, 7))
        if tags:
            self.node_tags[number] = tags
        return self

    def nodes(self, *places: tuple[int, float, float]) -> Town:
        for place in places:
            self.node(*place)
        return self

    def way(self, number: int, refs: Sequence[int], tags: Tags) -> Town:
        self.ways[number] = (refs, tags)
        return self

    def street(self, number: int, *refs: int, **tags: str) -> Town:
        """A residential street, unless `tags` say otherwise; ``_`` in a key stands for ``:``."""
        return self.way(
            number, refs, {"highway": "residential"} | {key.replace("_", ":"): value for key, value in tags.items()}
        )

    def relation(self, number: int, members: Sequence[tuple[str, int, str]], tags: Tags) -> Town:
        self.relations[number] = (members, tags)
        return self

    def xml(self) -> str:
        parts = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6" generator="test">']
        for number, (lon, lat) in self.places.items():
            said = _said(self.node_tags.get(number, {}))
            parts.append(f'<node id="{number}" version="1" lon="{lon:.7f}" lat="{lat:.7f}">{said}</node>')
        for number, (refs, tags) in self.ways.items():
            said = "".join(f'<nd ref="{ref}"/>' for ref in refs)
            parts.append(f'<way id="{number}" version="1">{said}{_said(tags)}</way>')
        for number, (members, tags) in self.relations.items():
            said = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members)
            parts.append(f'<relation id="{number}" version="1">{said}{_said(tags)}</relation>')
        return "\n".join([*parts, "</osm>"])

    def write(self, folder: Path, name: str = "town.osm") -> Path:
        path = folder / name
        path.write_text(self.xml(), encoding="utf-8")
        return path

    def metres(self, *numbers: int) -> float:
        """Metres along the ellipsoid through these nodes: another opinion than ours."""
        lon, lat = zip(*(self.places[number] for number in numbers), strict=True)
        return float(pyproj.Geod(ellps="WGS84").line_length(lon, lat))


def _said(tags: Tags) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def converted(path: Path, name: str) -> Path:
    """The file at `path` in the format of another name."""
    target = path.with_name(name)
    with osmium.SimpleWriter(str(target)) as writer:
        for thing in osmium.FileProcessor(str(path)):
            writer.add(thing)
    return target


def cross() -> Town:
    """Two streets of two blocks each that meet in the middle: nodes 1-2-3 eastwards, 4-2-5 northwards."""
    town = Town().nodes((1, 0, 1), (2, 1, 1), (3, 2, 1), (4, 1, 0), (5, 1, 2))
    return town.street(10, 1, 2, 3).street(11, 4, 2, 5)


def joined(pairs: Iterable[tuple[int, int]]) -> set[frozenset[int]]:
    """Pairs without a direction."""
    return {frozenset(pair) for pair in pairs}
