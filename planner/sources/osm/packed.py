"""Raw streets straight out of a ``.osm.pbf``, block by block: the quick way for the usual files.

What is unusual (another compression, history, nodes one by one) is left to libosmium, which reads everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from planner.sources.osm import decode
from planner.sources.osm.blocks import Block, UnusualFileError, check_features, find_blocks, unpack
from planner.sources.osm.decode import Bytes, Ints, Layout, Longs, Tagged
from planner.sources.osm.rules import NODE_KEYS, WAY_KEYS, kind_of

STREET_KEYS = ("highway", "railway", "public_transport", "route")
SQUARE_KEYS = ("highway", "railway", "public_transport")
Tags = dict[str, str]


@dataclass
class Packed:
    """What the blocks of a file hold: nodes with their places in 1e-7 degrees; street ways, with the nodes they name."""

    node_id: Longs
    lonlat7: Ints
    way_id: Longs
    sizes: Longs
    named: Longs
    kind: Ints
    tags: tuple[Tags, ...]
    barriers: dict[int, Tags]
    squares: tuple[tuple[Tags, Longs], ...]


@dataclass
class _Keys:
    """The keys that are asked for, one text after another and where each begins; and which of them make a way or relation one
    that is read."""

    text: Bytes
    first: Longs
    asked: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, keys: Sequence[str], asked: Sequence[str]) -> _Keys:
        text = np.frombuffer("".join(keys).encode(), dtype=np.uint8)
        first = np.cumsum([0, *(len(key.encode()) for key in keys)], dtype=np.int64)
        return cls(text, first, np.array([key in asked for key in keys], dtype=np.bool_))


@dataclass
class _Strings:
    """The table of strings of a block: cut out of it only where one is asked for, since most never are."""

    raw: bytes
    ends: Longs

    def __getitem__(self, i: int) -> bytes:
        begin, end = self.ends[i].tolist()
        return self.raw[begin:end]

    def numbers(self, keys: _Keys) -> Ints:
        """The number of each string that is one of the keys, -1 for the others."""
        return decode.keys_among(np.frombuffer(self.raw, dtype=np.uint8), self.ends, keys.text, keys.first)


_WAYS = _Keys.of(WAY_KEYS, STREET_KEYS)
_SQUARES = _Keys.of((*WAY_KEYS, "type"), SQUARE_KEYS)
_NODES = _Keys.of(NODE_KEYS, ("barrier",))


@dataclass
class _Gathered:
    """What is gathered block by block."""

    node_id: list[Longs] = field(default_factory=list)
    lonlat7: list[Ints] = field(default_factory=list)
    way_id: list[Longs] = field(default_factory=list)
    sizes: list[Longs] = field(default_factory=list)
    named: list[Longs] = field(default_factory=list)
    kind: list[Ints] = field(default_factory=list)
    kinds: dict[bytes, int] = field(default_factory=dict)
    values: dict[bytes, int] = field(default_factory=dict)
    barriers: dict[int, Tags] = field(default_factory=dict)
    squares: list[tuple[Tags, Longs]] = field(default_factory=list)
    others: list[tuple[Block, Longs]] = field(default_factory=list)  # ways that were passed over, by their blocks

    @property
    def rims(self) -> Longs:
        """The ways that the street areas found so far are made of, rising."""
        return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(ways for _, ways in self.squares)]))


def read_packed(path: Path) -> Packed:
    """Street ways, barriers, street areas and all nodes of the file.

    Raises
    ------
    ValueError
        If it is truncated, damaged, or claims what it may not.
    UnusualFileError
        If only libosmium reads it.
    """
    found, blocks = _Gathered(), find_blocks(path)
    for block in blocks:
        if block.kind == b"OSMHeader":
            check_features(unpack(path, block))
    for block in reversed(blocks):  # relations usually stand last: then it is known which ways are the rims of areas
        if block.kind == b"OSMData":
            _read_block(path, block, found)
    _read_rims(path, found)
    none = np.empty(0, dtype=np.int64)
    return Packed(
        np.concatenate([none, *found.node_id]), np.concatenate([np.empty((0, 2), dtype=np.int32), *found.lonlat7]),
        np.concatenate([none, *found.way_id]), np.concatenate([none, *found.sizes]), np.concatenate([none, *found.named]),
        np.concatenate([np.empty(0, dtype=np.int32), *found.kind]), _as_tags(found), found.barriers, tuple(found.squares),
    )  # fmt: skip


def _read_block(path: Path, block: Block, found: _Gathered) -> None:
    raw = unpack(path, block)
    data = np.frombuffer(raw, dtype=np.uint8)
    where = decode.layout(data)
    strings = _Strings(raw, where.strings)
    for begin, end in reversed(where.groups.tolist()):
        what = decode.kind_of_group(data, begin, end)
        if what == decode.PLAIN_NODES:
            raise UnusualFileError("nodes are written one by one")
        if what == decode.NODES:
            _read_nodes(data, (begin, end), where, strings, found)
        elif what == decode.WAYS:
            key_of = strings.numbers(_WAYS)
            ways = decode.read_tagged(data, begin, end, key_of, _WAYS.asked, found.rims, decode.WAYS)
            found.others.append((block, ways.others))
            _keep_ways(ways, strings, found)
        elif what == decode.RELATIONS:
            _read_squares(data, (begin, end), strings, found)


def _read_nodes(data: Bytes, group: tuple[int, int], where: Layout, strings: _Strings, found: _Gathered) -> None:
    ids, lat, lon, tags = decode.read_nodes(data, *group, strings.numbers(_NODES))
    grid = where.granularity  # in 1e-9 degrees
    places = np.column_stack([(where.east + grid * lon) // 100, (where.north + grid * lat) // 100])
    valid = (np.abs(places) <= (1_800_000_000, 900_000_000)).all(axis=1)
    found.node_id.append(ids[valid])
    found.lonlat7.append(places[valid].astype(np.int32))
    named: dict[int, Tags] = {}
    for node, key, value in tags.tolist():  # barriers and what stands with them: few
        named.setdefault(int(ids[node]), {})[NODE_KEYS[key]] = _text(strings[value])
    found.barriers |= {node: said for node, said in named.items() if "barrier" in said}


def _keep_ways(ways: Tagged, strings: _Strings, found: _Gathered) -> None:
    """Keep the ways of a group; each set of tags is one kind, whatever order its keys stand in."""
    number, value = ways.tags[:, 0].astype(np.int64), ways.tags[:, 1]
    used, at = np.unique(value, return_inverse=True)
    name = np.array([found.values.setdefault(strings[i], len(found.values)) for i in used.tolist()], dtype=np.int64)
    codes = number << 40 | name[at] if len(used) else number
    way = np.repeat(np.arange(len(ways.ids)), np.diff(ways.first_tag))
    text = codes[np.lexsort((codes, way))].tobytes()
    kinds = found.kinds
    cuts = pairwise((8 * ways.first_tag).tolist())
    kind = [kinds.setdefault(text[begin:end], len(kinds)) for begin, end in cuts]
    found.kind.append(np.array(kind, dtype=np.int32))
    found.way_id.append(ways.ids)
    found.sizes.append(np.diff(ways.first))
    found.named.append(ways.refs)


def _read_squares(data: Bytes, group: tuple[int, int], strings: _Strings, found: _Gathered) -> None:
    """Keep the multipolygons that are street areas: their tags, and the ways they are made of."""
    none = np.empty(0, dtype=np.int64)
    areas = decode.read_tagged(data, *group, strings.numbers(_SQUARES), _SQUARES.asked, none, decode.RELATIONS)
    keys = (*WAY_KEYS, "type")
    for i in range(len(areas.ids)):  # street areas are few
        tags = areas.tags[areas.first_tag[i] : areas.first_tag[i + 1]].tolist()
        said = {keys[key]: _text(strings[value]) for key, value in tags}
        if said.pop("type", "") == "multipolygon" and kind_of(said):
            found.squares.append((said, areas.refs[areas.first[i] : areas.first[i + 1]]))


def _read_rims(path: Path, found: _Gathered) -> None:
    """Read the rims of street areas that were passed over, in files where relations stand before ways: their blocks are
    unpacked once more."""
    wanted = found.rims
    for block, others in found.others:
        here = np.intersect1d(others, wanted)
        if len(here):
            raw = unpack(path, block)
            data = np.frombuffer(raw, dtype=np.uint8)
            where = decode.layout(data)
            strings = _Strings(raw, where.strings)
            nothing = np.zeros(len(WAY_KEYS), dtype=np.bool_)
            for begin, end in where.groups.tolist():
                if decode.kind_of_group(data, begin, end) == decode.WAYS:
                    ways = decode.read_tagged(data, begin, end, strings.numbers(_WAYS), nothing, here, decode.WAYS)
                    _keep_ways(ways, strings, found)
            wanted = np.setdiff1d(wanted, here)


def _as_tags(found: _Gathered) -> tuple[Tags, ...]:
    values = list(found.values)
    kinds = []
    for kind in found.kinds:
        codes = np.frombuffer(kind, dtype=np.int64)
        pairs = zip((codes >> 40).tolist(), (codes & (2**40 - 1)).tolist(), strict=True)
        kinds.append({WAY_KEYS[key]: _text(values[value]) for key, value in pairs})
    return tuple(kinds)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
