"""The compiled reading of one unpacked block: dense nodes, ways and relations straight into arrays.

Nothing a block says is believed: every length is checked against the message it stands in, and every position in the table of
strings against that table. What is wrong ends the reading with a `ValueError`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.reach.compiled import compiled, inlined

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

NODES, WAYS, RELATIONS = 2, 3, 4  # the kinds of entities, as fields of a group
PLAIN_NODES = 1
WRONG = -1


class Layout(NamedTuple):
    """Where things are in a block: strings and groups as (n, 2) begins and ends; and how coordinates are written."""

    strings: Longs
    groups: Longs
    granularity: int
    north: int
    east: int


class Tagged(NamedTuple):
    """Ways or relations that were asked for: ids; where the positions (way refs, member ids) and the tags of each begin;
    tags as (n, 2) numbers of the key and positions of the value in the table of strings. ``others`` are the ids of the rest."""

    ids: Longs
    first: Longs
    refs: Longs
    first_tag: Longs
    tags: Ints
    others: Longs


@inlined
def _number(data: Bytes, at: int, end: int) -> tuple[np.uint64, int]:
    """A varint, and where it ends; `WRONG` if it has no end."""
    value, shift = np.uint64(0), np.uint64(0)
    while at < end and shift < np.uint64(70):
        byte = np.uint64(data[at])
        at += 1
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return value, at
        shift += np.uint64(7)
    return value, WRONG


@inlined
def _signed(value: np.uint64) -> np.int64:
    """A zigzag number: 0, -1, 1, -2 …"""
    return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1))


@inlined
def _field(data: Bytes, at: int, end: int) -> tuple[int, np.uint64, int, int]:
    """A field's number (`WRONG`: damaged), its value if it is a number, and where what it holds begins and ends."""
    tag, at = _number(data, at, end)
    if at == WRONG:
        return WRONG, tag, 0, 0
    number, wire = int(tag >> np.uint64(3)), int(tag & np.uint64(7))
    if wire == 0:
        value, after = _number(data, at, end)
        return (number, value, at, after) if after != WRONG else (WRONG, value, 0, 0)
    if wire == 2:
        size, at = _number(data, at, end)
        if at == WRONG or size > np.uint64(end - at):
            return WRONG, size, 0, 0
        return number, size, at, at + int(size)
    step = 8 if wire == 1 else 4
    if wire not in (1, 5) or step > end - at:
        return WRONG, tag, 0, 0
    return number, tag, at, at + step


@compiled
def layout(data: Bytes) -> Layout:
    """Where the strings and groups of a block are."""
    strings, groups = np.empty((0, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int64)
    for filling in range(2):
        granularity, north, east, many, texts, at = 100, 0, 0, 0, 0, 0
        while at < len(data):
            field, value, begin, end = _field(data, at, len(data))
            if field == WRONG:
                raise ValueError("a block is damaged")
            if field == 1:
                texts = _parts(data, begin, end, strings)
            elif field == 2:
                if filling:
                    groups[many, 0], groups[many, 1] = begin, end
                many += 1
            elif field == 17:
                granularity = int(np.int64(value))
            elif field == 19:
                north = int(np.int64(value))
            elif field == 20:
                east = int(np.int64(value))
            at = end
        if not filling:
            strings, groups = np.empty((texts, 2), dtype=np.int64), np.empty((many, 2), dtype=np.int64)
    return Layout(strings, groups, granularity, north, east)


@compiled
def _parts(data: Bytes, at: int, end: int, into: Longs) -> int:
    """Where the strings of a table are; how many there are."""
    count = 0
    while at < end:
        field, _, begin, stop = _field(data, at, end)
        if field == WRONG:
            raise ValueError("a table of strings is damaged")
        if field == 1:
            if count < len(into):
                into[count, 0], into[count, 1] = begin, stop
            count += 1
        at = stop
    return count


@compiled
def keys_among(data: Bytes, strings: Longs, keys: Bytes, first: Longs) -> Ints:
    """The number of each string of a table that is one of the keys, which stand one after another in `keys` and begin at
    `first`; -1 for the others."""
    number = np.full(len(strings), -1, dtype=np.int32)
    for i in range(len(strings)):
        begin, size = strings[i, 0], strings[i, 1] - strings[i, 0]
        for k in range(len(first) - 1):
            if first[k + 1] - first[k] == size:
                same = 0
                while same < size and data[begin + same] == keys[first[k] + same]:
                    same += 1
                if same == size:
                    number[i] = k
                    break
    return number


@compiled
def kind_of_group(data: Bytes, begin: int, end: int) -> int:
    """What a group holds: the number of its first field; 0 if it is empty."""
    if begin >= end:
        return 0
    field, _, _, _ = _field(data, begin, end)
    if field == WRONG:
        raise ValueError("a group is damaged")
    return field


@compiled
def _numbers(data: Bytes, begin: int, end: int) -> int:
    """How many varints there are: as many as bytes that end one."""
    count = 0
    for at in range(begin, end):
        count += data[at] < 0x80
    return count


@compiled
def _running(data: Bytes, at: int, end: int, into: Longs, low: int) -> None:
    """Write out packed differences as running sums, from position `low` on."""
    total = np.int64(0)
    while at < end:
        value, at = _number(data, at, end)
        if at == WRONG:
            raise ValueError("a list of numbers is damaged")
        total += _signed(value)
        into[low] = total
        low += 1


@compiled
def read_nodes(data: Bytes, begin: int, end: int, key_of: Ints) -> tuple[Longs, Longs, Longs, Ints]:
    """The dense nodes of a group: ids, latitudes and longitudes as written; and of those with a key that is asked for
    (`key_of`: the key's number by its string, -1 for others) their positions and tags as (node, key, value)."""
    ids_at = lat_at = lon_at = tags_at = (0, 0)
    at = begin
    while at < end:
        field, _, low, high = _field(data, at, end)
        if field == WRONG:
            raise ValueError("a group of nodes is damaged")
        if field == NODES:
            inner = low
            while inner < high:
                part, _, one, other = _field(data, inner, high)
                if part == WRONG:
                    raise ValueError("a group of nodes is damaged")
                if part == 1:
                    ids_at = (one, other)
                elif part == 8:
                    lat_at = (one, other)
                elif part == 9:
                    lon_at = (one, other)
                elif part == 10:
                    tags_at = (one, other)
                inner = other
        at = high
    count = _numbers(data, ids_at[0], ids_at[1])
    if count != _numbers(data, lat_at[0], lat_at[1]) or count != _numbers(data, lon_at[0], lon_at[1]):
        raise ValueError("nodes and their places are not equally many")
    ids, lat, lon = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    _running(data, ids_at[0], ids_at[1], ids, 0)
    _running(data, lat_at[0], lat_at[1], lat, 0)
    _running(data, lon_at[0], lon_at[1], lon, 0)
    found = _node_tags(data, tags_at[0], tags_at[1], key_of, count, np.empty((0, 3), dtype=np.int32))
    tags = np.empty((found, 3), dtype=np.int32)
    _node_tags(data, tags_at[0], tags_at[1], key_of, count, tags)
    return ids, lat, lon, tags


@compiled
def _node_tags(data: Bytes, at: int, end: int, key_of: Ints, nodes: int, into: Ints) -> int:
    """Keys and values of the nodes in turn, each node's list ended by a 0; how many tags were asked for."""
    node = count = 0
    while at < end:
        key, at = _number(data, at, end)
        if at == WRONG or key >= np.uint64(len(key_of)) or node >= nodes:
            raise ValueError("tags of nodes are damaged")
        if key == np.uint64(0):
            node += 1
            continue
        value, at = _number(data, at, end)
        if at == WRONG or value >= np.uint64(len(key_of)):
            raise ValueError("tags of nodes are damaged")
        if key_of[key] >= 0:
            if count < len(into):
                into[count, 0], into[count, 1], into[count, 2] = node, key_of[key], np.int64(value)
            count += 1
    return count


@compiled
def read_tagged(
    data: Bytes, begin: int, end: int, key_of: Ints, asked: npt.NDArray[np.bool_], extra: Longs, kind: int
) -> Tagged:
    """The ways or relations (`kind`) of a group that have one of the keys that are `asked` for (by the key's number), or
    whose id is among `extra` (rising)."""
    none = np.empty(0, dtype=np.int64)
    found = Tagged(none, none, none, none, np.empty((0, 2), dtype=np.int32), none)
    for filling in range(2):
        kept = refs = tags = others = 0
        at = begin
        while at < end:
            field, _, low, high = _field(data, at, end)
            if field == WRONG:
                raise ValueError("a group is damaged")
            at = high
            if field != kind:
                continue
            name, keys, values, members, types = _entity(data, low, high, kind)
            number = _tags(data, keys, values, key_of, asked, found.tags, tags, filling == 1)
            if number >= 0 or _among(extra, name):
                number = abs(number) - 1 if number < 0 else number
                if filling:
                    found.ids[kept], found.first[kept], found.first_tag[kept] = name, refs, tags
                    _members(data, members, types, kind, found.refs, refs)
                kept, tags = kept + 1, tags + number
                refs += _numbers(data, members[0], members[1]) if kind == WAYS else _ways_among(data, types)
            else:
                if filling:
                    found.others[others] = name
                others += 1
        if not filling:
            found = Tagged(
                np.empty(kept, dtype=np.int64), np.empty(kept + 1, dtype=np.int64), np.empty(refs, dtype=np.int64),
                np.empty(kept + 1, dtype=np.int64), np.empty((tags, 2), dtype=np.int32), np.empty(others, dtype=np.int64),
            )  # fmt: skip
    found.first[kept], found.first_tag[kept] = refs, tags
    return found


Range = tuple[int, int]


@compiled
def _entity(data: Bytes, at: int, end: int, kind: int) -> tuple[np.int64, Range, Range, Range, Range]:
    """A way's or relation's id, and where its keys, values, refs (or member ids) and types of members are."""
    name, keys, values, members, types = np.int64(0), (0, 0), (0, 0), (0, 0), (0, 0)
    while at < end:
        field, value, low, high = _field(data, at, end)
        if field == WRONG:
            raise ValueError("a way or relation is damaged")
        if field == 1:
            name = np.int64(value)
        elif field == 2:
            keys = (low, high)
        elif field == 3:
            values = (low, high)
        elif (field == 8 and kind == WAYS) or (field == 9 and kind == RELATIONS):
            members = (low, high)
        elif field == 10 and kind == RELATIONS:
            types = (low, high)
        at = high
    return name, keys, values, members, types


@compiled
def _tags(
    data: Bytes, keys: Range, values: Range, key_of: Ints, asked: npt.NDArray[np.bool_], into: Ints, low: int, filling: bool
) -> int:
    """Write the tags with known keys; how many they are, or if none of the keys is asked for, -1 less that."""
    count, wanted = 0, False
    at, other = keys[0], values[0]
    while at < keys[1]:
        key, at = _number(data, at, keys[1])
        value, other = _number(data, other, values[1])
        if at == WRONG or other == WRONG or key >= np.uint64(len(key_of)) or value >= np.uint64(len(key_of)):
            raise ValueError("tags of a way or relation are damaged")
        number = key_of[key]
        if number >= 0:
            if filling and low + count < len(into):
                into[low + count, 0], into[low + count, 1] = number, np.int64(value)
            wanted |= asked[number]
            count += 1
    return count if wanted else -1 - count


@compiled
def _members(data: Bytes, members: Range, types: Range, kind: int, into: Longs, low: int) -> None:
    """Write a way's nodes, or those members of a relation that are ways."""
    if kind == WAYS:
        _running(data, members[0], members[1], into, low)
        return
    if _numbers(data, members[0], members[1]) != _numbers(data, types[0], types[1]):
        raise ValueError("members of a relation and their types are not equally many")
    at, other, total = members[0], types[0], np.int64(0)
    while at < members[1]:
        value, at = _number(data, at, members[1])
        what, other = _number(data, other, types[1])
        if at == WRONG or other == WRONG:
            raise ValueError("members of a relation are damaged")
        total += _signed(value)
        if what == np.uint64(1):
            into[low] = total
            low += 1


@compiled
def _ways_among(data: Bytes, types: Range) -> int:
    """How many members are ways."""
    count, at = 0, types[0]
    while at < types[1]:
        what, at = _number(data, at, types[1])
        if at == WRONG:
            raise ValueError("members of a relation are damaged")
        count += what == np.uint64(1)
    return count


@compiled
def _among(rising: Longs, name: np.int64) -> bool:
    at = np.searchsorted(rising, name)
    return bool(at < len(rising) and rising[at] == name)
