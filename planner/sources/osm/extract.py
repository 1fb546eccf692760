"""Streets out of an OpenStreetMap extract as arrays: the one place that knows osmium's streaming and its OPL text.

libosmium reads every format and encoding and filters in C++. What passes (street ways and barriers) it writes as OPL, one
object a line, into a folder of its own that is gone afterwards; where the nodes lie it writes as a binary table. Both are read
with numpy, and each distinct set of tags is looked at once: no Python object is made for a node, a tag or a way's end.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import osmium

from planner.errors import Fault, SourceError, say_faults
from planner.sources.osm.rules import NODE_KEYS, WAY_KEYS

Ids = npt.NDArray[np.int64]
Tags = dict[str, str]

FORMATS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2", ".osm.xml")
_NO_WHERE = 2**31 - 1  # libosmium's coordinate of a node that has none
_NODE_ROW = np.dtype([("id", "<u8"), ("x", "<i4"), ("y", "<i4")])  # a row of libosmium's sparse_file_array
_STREET_KEYS = ("highway", "railway", "public_transport", "route")


@dataclass(frozen=True, eq=False)
class RawStreets:
    """The ways of an extract that may be streets, before any rule.

    ``refs`` are the ways' node ids one after the other: way `i` has ``refs[starts[i]:starts[i + 1]]``; ``tags[kind[i]]`` are
    its tags, as far as the rules ask for them. ``lonlat7`` are the places of the refs in 1e-7 degrees, `known` says which have
    one. ``barriers`` are node ids with their tags; ``squares`` are relations' own tags and the ways they are made of.
    """

    way_id: Ids
    starts: Ids
    refs: Ids
    lonlat7: npt.NDArray[np.int32]
    known: npt.NDArray[np.bool_]
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
    with readable(path), tempfile.TemporaryDirectory(prefix="planner-osm-") as folder:
        lines, table = Path(folder, "streets.opl"), Path(folder, "nodes")
        _distil(path, lines, table)
        parts = _parse(lines)
        members = np.unique(np.concatenate([ways for _, ways in parts.squares])) if parts.squares else np.zeros(0, np.int64)
        missing = np.setdiff1d(members, np.fromiter(parts.way_id, dtype=np.int64, count=len(parts.way_id)))
        if len(missing):
            more = Path(folder, "members.opl")
            _distil_ways(path, more, missing)
            _parse(more, parts)
        return _placed(parts, table, path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Check that `path` can be an extract, and turn whatever osmium says while it is read into a `SourceError`."""
    fault = _first_fault(path)
    if fault:
        raise _unreadable(path, *fault)
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise _unreadable(
            path,
            f"it cannot be read as an OSM extract ({_said(error)}): it is truncated, damaged or something else",
            "download it again, whole",
        ) from error


def _first_fault(path: Path) -> tuple[str, str] | None:
    if not path.exists():
        return "there is no such file", "check network.file in the study, or run `planner fetch`"
    if not path.is_file():
        return "it is a folder, not a file", "name the extract itself"
    if not str(path.name).lower().endswith(FORMATS):
        return f"{path.suffix or 'no suffix'} is no format of an extract", f"use one of {', '.join(FORMATS)} or .graphml"
    if path.stat().st_size == 0:
        return "the file is empty", "download it again"
    return None


def _unreadable(path: Path, problem: str, mend: str) -> SourceError:
    fault = Fault(problem, mend, path.name)
    return SourceError(say_faults([fault]), [fault], str(path))


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__


def _filter(entities: osmium.osm.osm_entity_bits, *keys: str) -> osmium.filter.KeyFilter:
    chosen = osmium.filter.KeyFilter(*keys)
    chosen.enable_for(entities)
    return chosen


def _distil(path: Path, lines: Path, table: Path) -> None:
    """Street ways, street relations and barriers of `path` as OPL into `lines`; where all nodes lie into `table`."""
    index = osmium.index.create_map(f"sparse_file_array,{table}")
    places = osmium.NodeLocationsForWays(index)
    places.apply_nodes_to_ways = False
    chosen = [
        _filter(osmium.osm.NODE, "barrier"),
        _filter(osmium.osm.WAY, *_STREET_KEYS),
        _filter(osmium.osm.RELATION, "highway", "railway", "public_transport"),
    ]
    writer = osmium.WriteHandler(osmium.io.File(str(lines), "opl,add_metadata=false"))
    with osmium.io.Reader(str(path)) as reader:
        osmium.apply(reader, places, *chosen, writer)
    writer.close()


def _distil_ways(path: Path, lines: Path, ids: Ids) -> None:
    writer = osmium.WriteHandler(osmium.io.File(str(lines), "opl,add_metadata=false"))
    with osmium.io.Reader(str(path), osmium.osm.WAY) as reader:
        osmium.apply(reader, osmium.filter.IdFilter(ids.tolist()), writer)
    writer.close()


class _Parts:
    """What parsing gathers, line by line."""

    def __init__(self) -> None:
        self.way_id: list[int] = []
        self.sizes: list[int] = []
        self.refs: list[bytes] = []
        self.kind: list[int] = []
        self.kinds: dict[tuple[tuple[bytes, bytes], ...], int] = {}
        self.barriers: dict[int, Tags] = {}
        self.squares: list[tuple[Tags, Ids]] = []


def _pattern(keys: Iterable[str]) -> re.Pattern[bytes]:
    return re.compile(b"(?:^T|,)(" + "|".join(map(re.escape, keys)).encode() + b")=([^,]*)")


def _parse(lines: Path, parts: _Parts | None = None) -> _Parts:
    parts = _Parts() if parts is None else parts
    of_ways, of_nodes = _pattern(WAY_KEYS), _pattern((*NODE_KEYS, "type"))
    with lines.open("rb") as text:
        for line in text:  # one line an object: the filters left only streets and barriers
            fields = line.split()
            if line.startswith(b"w"):
                found = tuple(of_ways.findall(fields[1]))
                parts.way_id.append(int(fields[0][1:]))
                parts.kind.append(parts.kinds.setdefault(found, len(parts.kinds)))
                parts.sizes.append(fields[2].count(b"n"))
                parts.refs.append(fields[2])
            elif line.startswith(b"n"):
                parts.barriers[int(fields[0][1:])] = _tags(of_nodes.findall(fields[1]))
            elif b"type=multipolygon" in fields[1]:
                ways = [int(member[1:].split(b"@")[0]) for member in fields[2][1:].split(b",") if member.startswith(b"w")]
                parts.squares.append((_tags(of_ways.findall(fields[1])), np.array(ways, dtype=np.int64)))
    return parts


def _tags(found: Sequence[tuple[bytes, bytes]]) -> Tags:
    return {key.decode(): _plain(value.decode("utf-8", "replace")) for key, value in found}


def _plain(value: str) -> str:
    """An OPL value as it was: %hex% marks become their character."""
    if "%" not in value:
        return value
    return re.sub("%([0-9a-f]{1,6})%", lambda mark: chr(int(mark[1], 16)), value)


def _placed(parts: _Parts, table: Path, path: Path) -> RawStreets:
    refs = np.fromstring(b",".join(parts.refs).replace(b"N", b"").replace(b"n", b"").decode(), dtype=np.int64, sep=",")
    lonlat7, known = _places(refs, table, path)
    return RawStreets(
        way_id=np.array(parts.way_id, dtype=np.int64),
        starts=np.concatenate([[0], np.cumsum(parts.sizes, dtype=np.int64)]),
        refs=refs,
        lonlat7=lonlat7,
        known=known,
        kind=np.array(parts.kind, dtype=np.int32),
        tags=tuple(_tags(found) for found in parts.kinds),
        barriers=parts.barriers,
        squares=tuple(parts.squares),
    )


def _places(refs: Ids, table: Path, path: Path) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Where each ref lies in 1e-7 degrees, and whether the extract says so at all."""
    rows = np.memmap(table, dtype=_NODE_ROW, mode="r") if table.stat().st_size else np.zeros(0, dtype=_NODE_ROW)
    rows = rows[: np.count_nonzero(rows["id"])]  # the table is padded with empty rows
    ids = rows["id"].astype(np.int64)
    if len(ids) and (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        rows, ids = rows[order], ids[order]
    lonlat7 = np.full((len(refs), 2), _NO_WHERE, dtype=np.int32)
    if len(ids):
        at = np.minimum(np.searchsorted(ids, refs), len(ids) - 1)
        found = ids[at] == refs
        lonlat7[found, 0], lonlat7[found, 1] = rows["x"][at[found]], rows["y"][at[found]]
    if (refs < 0).any():
        _place_drawn(refs, lonlat7, path)
    return lonlat7, (lonlat7 != _NO_WHERE).all(axis=1)


def _place_drawn(refs: Ids, lonlat7: npt.NDArray[np.int32], path: Path) -> None:
    """Fill in nodes with negative ids (drawn in an editor, not yet uploaded): libosmium's table has none of them."""
    drawn = {
        node.id: (node.location.x, node.location.y)
        for node in osmium.FileProcessor(str(path), osmium.osm.NODE)
        if node.id < 0 and node.location.valid()
    }
    for i in np.flatnonzero(refs < 0):  # a loop: such files are made by hand
        lonlat7[i] = drawn.get(int(refs[i]), (_NO_WHERE, _NO_WHERE))
