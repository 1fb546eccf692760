"""Bounded walking-time search from many origins straight to the destinations: no node's time ever leaves this room."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.network import Floats, Ints, Network
from planner.reach.compiled import COMPILING, Progress, compiled, workers
from planner.reach.links import Links
from planner.reach.streets import Streets

Longs = npt.NDArray[np.int64]
Times = npt.NDArray[np.float32]

GRACE_M = 1e-6  # the cutoff is inclusive; a micrometre absorbs the rounding of sums, and is no walk at all
BUCKETS = 256  # of the queue; more make each narrower
BATCH = 256  # origins a thread takes at a time


class _Doors(NamedTuple):
    """Destinations by the way they are on: those of group g stand at `first[g]` … `first[g + 1]`.

    `from_m` and `back_m` are metres from either corner of the way to the door, the link included; `at_m` and `link_m`
    their place on the way and their link. `corner_first` and `corner_group` list the groups at each corner.
    """

    first: Ints
    ends: Ints
    who: Ints
    from_m: Floats
    back_m: Floats
    at_m: Floats
    link_m: Floats
    corner_first: Ints
    corner_group: Ints


class _Starts(NamedTuple):
    """Origins as the search begins them: two corners with the metres to each, and the group of their own way (or -1)."""

    corners: Ints
    metres: Floats
    at_m: Floats
    link_m: Floats
    group: Ints


def walk_times(
    network: Network | Streets,
    origins: Links,
    destinations: Links,
    pace_mps: float,
    cutoff_s: float,
    *,
    takes_steps: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
) -> sp.csr_array:
    """Walking times of all pairs within the cutoff.

    A walk is the link, the shortest way along the streets, and the link at the other end, all at one pace; two points on
    one street may walk along it directly. Sums are exact to float64's rounding (no time is rounded to a queue's step).

    Parameters
    ----------
    network
        The network, or streets made ready from it (`Streets.of`), which saves making them again for each call.
    origins, destinations
        Where they meet the streets: `link_points` on the same network.
    pace_mps
        Metres a second, > 0.
    cutoff_s
        The longest walk that counts, in seconds, inclusive; >= 0.
    takes_steps
        Whether segments with steps are walked.
    threads
        How many threads; all there are if not given. Never changes a byte of the result.
    progress
        Is told what is being done, and the share that is done.

    Returns
    -------
    (origins x destinations) float32 seconds in [0, cutoff], columns rising in each row. A stored 0 is "at the door",
    an absent entry "out of reach".

    Examples
    --------
    >>> street = Network.from_segments([[0, 0], [100, 0]], [[0, 1]], crs="EPSG:32651")
    >>> from planner.reach.links import link_points
    >>> doors = link_points(street, np.array([[10.0, 5.0], [70.0, 0.0]]), 60)
    >>> walk_times(street, doors, doors, pace_mps=1.0, cutoff_s=300).toarray().tolist()
    [[10.0, 65.0], [65.0, 0.0]]
    """
    streets = Streets.of(network, takes_steps=takes_steps)
    shape = (len(origins), len(destinations))
    doors, group_of_way = _doors(streets, destinations)
    order = _place_order(streets, origins)
    starts = _starts(streets, origins.take(order), group_of_way)
    batches = list(_run(streets, starts, doors, len(destinations), pace_mps, cutoff_s, workers(threads), progress))
    return _assemble(batches, order, shape)


def _doors(streets: Streets, destinations: Links) -> tuple[_Doors, Ints]:
    """Destinations put to their ways, and the group of each way (-1: nobody lives on it)."""
    who, way, at_m = _placed(streets, destinations)
    order = np.lexsort((at_m, way))
    who, way, at_m = who[order], way[order], at_m[order]
    starts = np.flatnonzero(np.diff(way, prepend=-1))
    groups = way[starts]
    group_of_way = np.full(len(streets.way_m), -1, dtype=np.int32)
    group_of_way[groups] = np.arange(len(groups), dtype=np.int32)
    link_m = destinations.link_m[who]
    ends = streets.way_ends[groups]
    corner_first, corner_group = _groups_at_corners(ends, streets.corners)
    return _Doors(
        np.append(starts, len(who)).astype(np.int32), ends, who, at_m + link_m, streets.way_m[way] - at_m + link_m,
        at_m, link_m, corner_first, corner_group,
    ), group_of_way  # fmt: skip


def _placed(streets: Streets, links: Links) -> tuple[Ints, Ints, Floats]:
    """Of the points on walked streets: which they are, their ways, and their metres along them."""
    who = np.flatnonzero(links.linked).astype(np.int32)
    who = who[streets.segment_way[links.segment[who]] >= 0]
    segment = links.segment[who]
    return who, streets.segment_way[segment], streets.place_on_way(segment, links.along_m[who])


def _groups_at_corners(ends: Ints, corners: int) -> tuple[Ints, Ints]:
    group = np.arange(len(ends), dtype=np.int32)
    other = ends[:, 0] != ends[:, 1]
    corner, group = np.concatenate([ends[:, 0], ends[other, 1]]), np.concatenate([group, group[other]])
    order = np.argsort(corner, kind="stable")
    first = np.zeros(corners + 2, dtype=np.int32)
    np.cumsum(np.bincount(corner, minlength=corners + 1), out=first[1:])
    return first, group[order]


def _place_order(streets: Streets, origins: Links) -> Longs:
    """Linked origins in the order of the places they start from: neighbours search the same streets."""
    who, way, _ = _placed(streets, origins)
    return who[np.argsort(streets.way_ends[way, 0], kind="stable")].astype(np.int64)


def _starts(streets: Streets, origins: Links, group_of_way: Ints) -> _Starts:
    _, way, at_m = _placed(streets, origins)
    metres = np.stack([at_m, streets.way_m[way] - at_m], axis=1) + origins.link_m[:, None]
    return _Starts(streets.way_ends[way], metres, at_m, origins.link_m, group_of_way[way])


def _run(
    streets: Streets, starts: _Starts, doors: _Doors, destinations: int, pace_mps: float, cutoff_s: float, threads: int,
    progress: Progress | None,
) -> Iterator[tuple[Ints, Ints, Times]]:  # fmt: skip
    """Batches of origins searched by so many threads, given back in their order: counts, columns, times."""
    total = len(starts.group)
    batches = [(low, min(low + BATCH, total)) for low in range(0, total, BATCH)]
    if progress:
        progress(COMPILING, 0.0)
    arcs = (streets.arc_first, streets.arc_to, streets.arc_m)
    done: list[tuple[Ints, Ints, Times] | None] = [None] * len(batches)
    ticket = count()

    def work() -> None:
        room = _room(streets.corners, destinations)
        while (turn := next(ticket)) < len(batches):
            low, high = batches[turn]
            done[turn] = _search(*arcs, starts, doors, low, high, cutoff_s * pace_mps, pace_mps, cutoff_s, room)
            if progress:
                progress("walking times", high / total)

    with ThreadPoolExecutor(threads) as pool:
        for worker in [pool.submit(work) for _ in range(min(threads, len(batches)))]:
            worker.result()
    return (batch for batch in done if batch is not None)


class _Room(NamedTuple):
    """What one thread writes in while it searches; clean again after each origin."""

    metres: Floats
    seen: Ints
    bucket: Ints
    bits: npt.NDArray[np.uint64]
    tops: npt.NDArray[np.uint64]
    times: Floats


def _room(corners: int, destinations: int) -> _Room:
    words = destinations // 64 + 1
    return _Room(
        np.full(corners + 1, np.inf), np.empty(corners + 1, dtype=np.int32), np.full(BUCKETS, -1, dtype=np.int32),
        np.zeros(words, dtype=np.uint64), np.zeros(words // 64 + 1, dtype=np.uint64), np.empty(destinations),
    )  # fmt: skip


def _assemble(batches: list[tuple[Ints, Ints, Times]], order: Longs, shape: tuple[int, int]) -> sp.csr_array:
    """Rows as they were searched into rows as they were given."""
    counts = np.zeros(shape[0], dtype=np.int64)
    if batches:
        counts[order] = np.concatenate([batch[0] for batch in batches])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    columns, times = np.empty(indptr[-1], dtype=np.int32), np.empty(indptr[-1], dtype=np.float32)
    row = 0
    for i, (sizes, found, seconds) in enumerate(batches):
        _put(indptr, order[row : row + len(sizes)], sizes, found, seconds, columns, times)
        row += len(sizes)
        batches[i] = (sizes[:0], found[:0], seconds[:0])  # let go of what has been copied
    if indptr[-1] <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    matrix = sp.csr_array((times, columns, indptr), shape=shape)
    matrix.has_canonical_format = True
    return matrix


@compiled
def _put(indptr: Longs, rows: Longs, sizes: Ints, found: Ints, seconds: Times, columns: Ints, times: Times) -> None:
    at = 0
    for i in range(len(rows)):
        to = indptr[rows[i]]
        for j in range(sizes[i]):
            columns[to + j] = found[at + j]
            times[to + j] = seconds[at + j]
        at += sizes[i]


@compiled
def _search(
    arc_first: Ints, arc_to: Ints, arc_m: Floats, starts: _Starts, doors: _Doors, low: int, high: int,
    cutoff_m: float, pace_mps: float, cutoff_s: float, room: _Room,
) -> tuple[Ints, Ints, Times]:  # fmt: skip
    """Search from the origins low … high: how many destinations each reaches, which, and in what time."""
    sizes = np.empty(high - low, dtype=np.int32)
    columns, times = np.empty(1024, dtype=np.int32), np.empty(1024, dtype=np.float32)
    queue = (np.empty(1024, dtype=np.int32), np.empty(1024, dtype=np.int32), np.empty(1024))
    limit_m, used = cutoff_m + GRACE_M, 0
    for i in range(low, high):
        seen, queue = _spread(arc_first, arc_to, arc_m, starts.corners[i], starts.metres[i], limit_m, room, queue)
        reached = _gather(starts, i, doors, limit_m, room, seen)
        while used + reached > len(columns):
            columns = np.concatenate((columns, np.empty_like(columns)))
            times = np.concatenate((times, np.empty_like(times)))
        _write(room, columns[used : used + reached], times[used : used + reached], pace_mps, cutoff_s)
        for s in range(seen):
            room.metres[room.seen[s]] = np.inf
        sizes[i - low] = reached
        used += reached
    return sizes, columns[:used].copy(), times[:used].copy()


@compiled
def _spread(
    arc_first: Ints, arc_to: Ints, arc_m: Floats, corners: Ints, begin_m: Floats, limit_m: float, room: _Room,
    queue: tuple[Ints, Ints, Floats],
) -> tuple[int, tuple[Ints, Ints, Floats]]:  # fmt: skip
    """Metres to every corner within `limit_m`, into ``room.metres``; gives back how many corners were seen.

    A queue of buckets (Dial 1969) whose corners are looked at again when they get nearer, so that the sums are those of
    the shortest way exactly, however wide a bucket is. Entries that were overtaken stay and are passed over.
    """
    metres, seen, bucket = room.metres, room.seen, room.bucket
    entry, older, entry_m = queue
    dead_end, per_m = len(metres) - 1, (BUCKETS - 1) / limit_m
    known = entries = 0
    for side in range(2):
        corner, at = corners[side], begin_m[side]
        if corner != dead_end and at <= limit_m and at < metres[corner]:
            if metres[corner] == np.inf:
                seen[known] = corner
                known += 1
            metres[corner] = at
            b = int(at * per_m)
            entry[entries], entry_m[entries], older[entries] = corner, at, bucket[b]
            bucket[b] = entries
            entries += 1
    for b in range(BUCKETS):
        while bucket[b] >= 0:
            e = bucket[b]
            bucket[b] = older[e]
            corner, at = entry[e], entry_m[e]
            if at > metres[corner]:
                continue
            stop = arc_first[corner + 1]
            if entries + stop - arc_first[corner] > len(entry):
                entry, older = np.concatenate((entry, entry)), np.concatenate((older, older))
                entry_m = np.concatenate((entry_m, entry_m))
            for a in range(arc_first[corner], stop):
                to, there = arc_to[a], at + arc_m[a]
                if there < metres[to] and there <= limit_m:
                    if metres[to] == np.inf:
                        seen[known] = to
                        known += 1
                    metres[to] = there
                    k = int(there * per_m)
                    entry[entries], entry_m[entries], older[entries] = to, there, bucket[k]
                    bucket[k] = entries
                    entries += 1
    return known, (entry, older, entry_m)


@compiled
def _gather(starts: _Starts, i: int, doors: _Doors, limit_m: float, room: _Room, seen: int) -> int:
    """Note the destinations on all ways that were reached, each way once, in ``room.bits`` and ``room.times`` (metres)."""
    own, reached = starts.group[i], 0
    if own >= 0:
        reached += _note_group(doors, own, starts.at_m[i], starts.link_m[i], limit_m, room)
    for s in range(seen):
        corner = room.seen[s]
        for j in range(doors.corner_first[corner], doors.corner_first[corner + 1]):
            group = doors.corner_group[j]
            first_end = doors.ends[group, 0]
            if group != own and (corner == first_end or room.metres[first_end] == np.inf):
                reached += _note_group(doors, group, np.inf, 0.0, limit_m, room)
    return reached


@compiled
def _note_group(doors: _Doors, group: int, at_m: float, link_m: float, limit_m: float, room: _Room) -> int:
    """Note one way's destinations: by either corner, or along the way itself from an origin `at_m` on it."""
    one, other = room.metres[doors.ends[group, 0]], room.metres[doors.ends[group, 1]]
    reached = 0
    for j in range(doors.first[group], doors.first[group + 1]):
        walked = min(one + doors.from_m[j], other + doors.back_m[j])
        if at_m != np.inf:
            walked = min(walked, link_m + abs(at_m - doors.at_m[j]) + doors.link_m[j])
        if walked <= limit_m:
            who = np.uint64(doors.who[j])
            word = who >> np.uint64(6)
            room.bits[word] |= np.uint64(1) << (who & np.uint64(63))
            room.tops[word >> np.uint64(6)] |= np.uint64(1) << (word & np.uint64(63))
            room.times[who] = walked
            reached += 1
    return reached


@compiled
def _lowest(word: np.uint64) -> np.uint64:
    """Position of the lowest bit that is set, by halving."""
    at = np.uint64(0)
    for width in (32, 16, 8, 4, 2, 1):
        if word & ((np.uint64(1) << np.uint64(width)) - np.uint64(1)) == 0:
            word >>= np.uint64(width)
            at += np.uint64(width)
    return at


@compiled
def _write(room: _Room, columns: Ints, times: Times, pace_mps: float, cutoff_s: float) -> None:
    """Write the noted destinations by rising number, and wipe the notes."""
    n, one = 0, np.uint64(1)
    for top in range(len(room.tops)):
        tops = room.tops[top]
        room.tops[top] = np.uint64(0)
        while tops != 0:
            word = np.uint64(top * 64) + _lowest(tops)
            tops &= tops - one
            bits = room.bits[word]
            room.bits[word] = np.uint64(0)
            while bits != 0:
                who = word * np.uint64(64) + _lowest(bits)
                bits &= bits - one
                columns[n] = who
                times[n] = min(room.times[who] / pace_mps, cutoff_s)
                n += 1
