"""Streets out of an OpenStreetMap extract as arrays.

The usual ``.osm.pbf`` is read block by block (`planner.sources.osm.packed`). For everything else this is the one place that
knows osmium's streaming and its OPL text: libosmium reads every format and encoding and filters in C++. What passes (street
ways and barriers) it writes as OPL, one object a line, into a folder of its own that is gone afterwards, and where the nodes
lie as a binary table. Both are read with numpy, and each distinct set of tags is looked at once: no Python object is made for
a node, a tag or a way's end.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import osmium

from planner.sources.osm.blocks import UnusualFileError
from planner.sources.osm.packed import SQUARE_KEYS, STREET_KEYS, Packed, read_packed
from planner.sources.osm.refusal import check_file, format_of, refusal
from planner.sources.osm.rules import NODE_KEYS, WAY_KEYS, kind_of

Ids = npt.NDArray[np.int64]
Tags = dict[str, str]

OSMIUM_SAYS = (RuntimeError, ValueError, LookupError, OverflowError, osmium.InvalidLocationError)  # of a damaged file
NO_ROOM = ("Could not resize file", "No space left", "File too large")  # what it says of a full disk
_NODE_ROW = np.dtype([("id", "<u8"), ("x", "<i4"), ("y", "<i4")])  # a row of libosmium's sparse_file_array
PACKED_BYTES = 512 * 2**20  # a larger extract is left to libosmium, which keeps its nodes on the disk
LARGE_BYTES = 32 * 2**20  # above it a call into Python for every way takes longer than osmium's own filter of ids


@dataclass(frozen=True, eq=False)
class RawStreets:
    """The ways of an extract that may be streets, before any rule.

    The nodes have their OSM ids and their places in 1e-7 degrees. Way `i` goes through the nodes at positions
    ``refs[starts[i]:starts[i + 1]]``, -1 where the extract lacks the node; ``tags[kind[i]]`` are its tags, as far as the
    rules ask for them. ``barriers`` are node ids with their tags; ``squares`` are the tags of street areas that are
    relations, and the ids of the ways they are made of.
    """

    node_id: Ids
    lonlat7: npt.NDArray[np.int32]
    way_id: Ids
    starts: Ids
    refs: Ids
    kind: npt.NDArray[np.int32]
    tags: tuple[Tags, ...]
    barriers: dict[int, Tags]
    squares: tuple[tuple[Tags, Ids], ...]


def read_raw_streets(path: Path) -> RawStreets:
    """Every way with a street's key, barrier nodes and street areas of the extract at `path`.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated or not an OSM extract.
    """
    with readable(path):
        if format_of(path) == "pbf" and path.stat().st_size <= PACKED_BYTES:
            with suppress(UnusualFileError):
                return _of_packed(read_packed(path))
        return read_by_osmium(path)


def _of_packed(found: Packed) -> RawStreets:
    ids, places = _by_id(found.node_id, found.lonlat7)
    node_id, lonlat7, refs = _located(found.named, ids, places)
    starts = np.concatenate([[0], np.cumsum(found.sizes)])
    return RawStreets(
        node_id, lonlat7, found.way_id, starts, refs, found.kind, found.tags, found.barriers, found.squares
    )  # fmt: skip


def read_by_osmium(path: Path) -> RawStreets:
    """The same as `read_raw_streets`, by libosmium alone: any format, any encoding.

    Raises
    ------
    RuntimeError, ValueError
        What osmium says.
    """
    with tempfile.TemporaryDirectory(prefix="planner-osm-") as folder:
        lines, table = Path(folder, "streets.opl"), Path(folder, "nodes")
        _distil(path, lines, table)
        found = _parse(lines)
        missing = sorted({way for _, ways in found.squares for way in ways.tolist()}.difference(found.way_id))
        if missing:
            lines.unlink()
            _distil_ways(path, lines, missing)
            _parse(lines, found)
        return _placed(found, table, path)


@contextmanager
def readable(path: Path) -> Iterator[osmium.io.File]:
    """Check that `path` can be an extract, and turn whatever osmium says while it is read into a `SourceError`;
    give it as osmium takes it."""
    check_file(path)
    if format_of(path) == "graphml":
        raise refusal(path, "a saved graph has streets only, no premises and no buildings", "name an extract as network.file")
    try:
        yield opened(path)
    except OSMIUM_SAYS as error:
        said = _said(error).replace(str(path), path.name)
        if "out of order" in said:
            raise refusal(path, f"its objects are not in order ({said})", "sort it, with `osmium sort`") from error
        if any(sign in said for sign in NO_ROOM):
            problem = f"there is no room for its nodes in {tempfile.gettempdir()} ({said})"
            raise refusal(path, problem, "make room there, or name another folder as TMPDIR") from error
        problem = f"it cannot be read as an OSM extract ({said}): it is truncated, damaged or something else"
        raise refusal(path, problem, "download it again, whole") from error


def opened(path: Path) -> osmium.io.File:
    """The file, for osmium, in the format that its name promises."""
    return osmium.io.File(str(path), format_of(path))


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__


def _filter(entities: osmium.osm.osm_entity_bits, *keys: str) -> osmium.filter.KeyFilter:
    chosen = osmium.filter.KeyFilter(*keys)
    chosen.enable_for(entities)
    return chosen


def _distil(path: Path, lines: Path, table: Path) -> None:
    """Street ways, street relations and barriers of `path` as OPL into `lines`; where all nodes lie into `table`."""
    places = osmium.NodeLocationsForWays(osmium.index.create_map(f"sparse_file_array,{table}"))
    places.apply_nodes_to_ways = False
    chosen = [
        _filter(osmium.osm.NODE, "barrier"),
        _filter(osmium.osm.WAY, *STREET_KEYS),
        _filter(osmium.osm.RELATION, *SQUARE_KEYS),
    ]
    writer = osmium.WriteHandler(osmium.io.File(str(lines), "opl,add_metadata=false"))
    with osmium.io.Reader(opened(path)) as reader:
        osmium.apply(reader, places, *chosen, writer)
    writer.close()


def node_places(path: Path, table: Path) -> npt.NDArray[np.int32]:
    """Where all nodes of `path` lie, (n, 2) in 1e-7 degrees, by way of the file `table`."""
    places = osmium.NodeLocationsForWays(osmium.index.create_map(f"sparse_file_array,{table}"))
    with osmium.io.Reader(opened(path), osmium.osm.NODE) as reader:
        osmium.apply(reader, places)
    return _node_table(np.full(1, -1), table, path)[1]


class _Chosen:
    """A filter that lets ways with these ids through; for large files osmium's own, which takes up to 170 MB."""

    def __init__(self, ids: list[int]) -> None:
        self._ids = frozenset(ids)

    def way(self, way: osmium.osm.Way) -> bool:
        """Whether osmium shall drop the way."""
        return way.id not in self._ids


def _distil_ways(path: Path, lines: Path, ids: list[int]) -> None:
    """The ways with these ids as OPL into `lines`."""
    chosen = _Chosen(ids) if path.stat().st_size < LARGE_BYTES else osmium.filter.IdFilter(ids)
    writer = osmium.WriteHandler(osmium.io.File(str(lines), "opl,add_metadata=false"))
    with osmium.io.Reader(opened(path), osmium.osm.WAY) as reader:
        osmium.apply(reader, chosen, writer)
    writer.close()


class _Found:
    """What parsing gathers, line by line."""

    def __init__(self) -> None:
        self.way_id: list[int] = []
        self.sizes: list[int] = []
        self.refs: list[bytes] = []
        self.kind: list[int] = []
        self.kinds: dict[bytes, int] = {}
        self.barriers: dict[int, Tags] = {}
        self.squares: list[tuple[Tags, Ids]] = []


def _pattern(keys: Iterable[str]) -> re.Pattern[bytes]:
    """Finds ``key=value`` of these keys in OPL's list of tags; commas and spaces in values are escaped there."""
    return re.compile(b"(?:^T|,)((?:" + "|".join(map(re.escape, keys)).encode() + b")=[^,]*)")


def _parse(lines: Path, found: _Found | None = None) -> _Found:
    found = _Found() if found is None else found
    of_ways, of_nodes = _pattern(WAY_KEYS).findall, _pattern(NODE_KEYS).findall
    with lines.open("rb") as text:
        for line in text:  # one line an object: the filters left only streets and barriers
            name, tags, rest = line.split()[:3]
            if name.startswith(b"w"):
                found.way_id.append(int(name[1:]))
                found.kind.append(found.kinds.setdefault(b",".join(of_ways(tags)), len(found.kinds)))
                found.sizes.append(rest.count(b"n"))
                found.refs.append(rest[1:])
            elif name.startswith(b"n"):
                found.barriers[int(name[1:])] = _tags(of_nodes(tags))
            elif b"type=multipolygon" in tags and kind_of(square := _tags(of_ways(tags))):
                ways = [int(member[1:].split(b"@")[0]) for member in rest[1:].split(b",") if member.startswith(b"w")]
                found.squares.append((square, np.array(ways, dtype=np.int64)))
    return found


def _tags(found: Iterable[bytes]) -> Tags:
    pairs = (each.decode("utf-8", "replace").split("=", 1) for each in found)
    return {key: _plain(value) for key, value in pairs}


def _plain(value: str) -> str:
    """An OPL value as it was: %hex% marks become their character."""
    return re.sub("%([0-9a-f]{1,6})%", lambda mark: chr(int(mark[1], 16)), value)


def _placed(found: _Found, table: Path, path: Path) -> RawStreets:
    text = b",".join(filter(None, found.refs)).replace(b"n", b"")
    named = np.fromstring(text, dtype=np.int64, sep=",")
    node_id, lonlat7, refs = _located(named, *_node_table(named, table, path))
    return RawStreets(
        node_id=node_id,
        lonlat7=lonlat7,
        way_id=np.array(found.way_id, dtype=np.int64),
        starts=np.concatenate([[0], np.cumsum(found.sizes, dtype=np.int64)]),
        refs=refs,
        kind=np.array(found.kind, dtype=np.int32),
        tags=tuple(_tags(filter(None, kind.split(b","))) for kind in found.kinds),
        barriers=found.barriers,
        squares=tuple(found.squares),
    )


def _located(named: Ids, ids: Ids, places: npt.NDArray[np.int32]) -> tuple[Ids, npt.NDArray[np.int32], Ids]:
    """Of nodes by rising id those that are named: ids, places; and each name as a position into them, -1 if nowhere."""
    if not len(ids):
        return ids, places, np.full(len(named), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(ids, named), len(ids) - 1)
    known = ids[at] == named
    used = np.zeros(len(ids), dtype=bool)
    used[at[known]] = True
    position = np.cumsum(used) - 1
    return ids[used], places[used], np.where(known, position[at], -1)


def _node_table(named: Ids, table: Path, path: Path) -> tuple[Ids, npt.NDArray[np.int32]]:
    """All nodes of the extract that have a place, by rising id."""
    rows = np.memmap(table, dtype=_NODE_ROW, mode="r") if table.stat().st_size else np.zeros(0, dtype=_NODE_ROW)
    rows = rows[: np.count_nonzero(rows["id"])]  # the table is padded with empty rows
    ids, places = rows["id"].astype(np.int64), np.column_stack([rows["x"], rows["y"]])
    if (named < 0).any():
        drawn_ids, drawn_places = _drawn_nodes(path)
        ids, places = np.concatenate([drawn_ids, ids]), np.concatenate([drawn_places, places])
    return _by_id(ids, places)


def _by_id(ids: Ids, places: npt.NDArray[np.int32]) -> tuple[Ids, npt.NDArray[np.int32]]:
    """Nodes by rising id."""
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        ids, places = ids[order], places[order]
    return ids, places


def _drawn_nodes(path: Path) -> tuple[Ids, npt.NDArray[np.int32]]:
    """Nodes with negative ids, drawn in an editor and not yet uploaded: libosmium's table has none of them."""
    nodes = (node for node in osmium.FileProcessor(opened(path), osmium.osm.NODE) if node.id < 0 and node.location.valid())
    rows = [(node.id, node.location.x, node.location.y) for node in nodes]  # a loop: such files are made by hand
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1:].astype(np.int32)
