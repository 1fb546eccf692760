"""How much is within reach of each of very many places: many neighbours searched at once, no pair kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.errors import TableError
from planner.network import Floats, Ints, Network
from planner.reach.compiled import Progress, compiled, in_turn, inlined, what_first, workers
from planner.reach.grid import Bools
from planner.reach.links import Links
from planner.reach.search import (
    GRACE_M,
    MOST_BUCKETS,
    Words,
    by_number,
    check_links,
    check_walk,
    from_corners,
    lowest,
    note,
    place_order,
    placed,
    to_corners,
)
from planner.reach.streets import Places, Streets

LANES = 32  # places searched at once, 256 bytes a corner and thread; 64 are a fifth faster, and 16 take half as long again
BUCKET_M = 20.0  # width of the queue's buckets: neighbours are some way apart from each other
BATCH = 16 * LANES  # places a thread takes at a time

place = np.uint64  # see search.py


class _Homes(NamedTuple):
    """What can be reached, by way: of group g it stands at ``first[g]`` … ``first[g + 1]``; corners know their groups."""

    first: Places
    ends: Places
    from_m: Floats
    back_m: Floats
    at_m: Floats
    link_m: Floats
    amounts: Floats
    corner_first: Places
    corner_group: Places


class _Starts(NamedTuple):
    """Places as the search begins them: two corners and the metres to each, their spot on their own way, its group or -1."""

    corners: Places
    metres: Floats
    at_m: Floats
    link_m: Floats
    own: Ints


class _Room(NamedTuple):
    """What one thread writes in: metres by corner and lane (a corner's lanes together), the bucket each corner waits in
    (-1: none), how full buckets are, which corners were met, and which groups (a bit each, and a bit for each word)."""

    metres: Floats
    waits: Ints
    filled: Words
    met: Bools
    bits: Words
    tops: Words


class _Queue(NamedTuple):
    """Buckets of the queue, `deep` entries each."""

    deep: int
    entry: Places


def sum_in_reach(
    network: Network | Streets,
    origins: Links,
    destinations: Links,
    amounts: npt.ArrayLike,
    pace_mps: float,
    cutoff_s: float,
    *,
    takes_steps: bool | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Floats:
    """What is within the cutoff of each origin, added up: people, say, within reach of every corner of a city.

    The same times as `walk_times`, but no pair is kept: made for very many origins that lie close together (every corner a
    candidate). For a few hundred scattered ones `walk_times` is quicker.

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    origins, destinations
        Where they meet the streets: `link_points` on the same network.
    amounts
        (destinations,) or (destinations, kinds): what each destination counts; finite.
    pace_mps, cutoff_s, takes_steps
        As for `walk_times`; the cutoff is inclusive.
    threads
        How many threads; all there are if not given. Never changes a byte of the result.
    progress
        Is told what is being done, and the share that is done; by any of the threads.

    Returns
    -------
    (origins,) or (origins, kinds) float64; 0 for origins that are not linked.

    Raises
    ------
    StudyError, TableError
        As `walk_times`; or if `amounts` are not one finite row for each destination.

    Examples
    --------
    >>> street = Network.from_segments([[0, 0], [600, 0]], [[0, 1]], crs="EPSG:32651")
    >>> at = np.array([0.0, 200.0, 600.0])
    >>> doors = Links(np.zeros(3, dtype=np.int32), at, np.zeros(3))
    >>> sum_in_reach(street, doors, doors, [1, 10, 100], pace_mps=1.0, cutoff_s=300).tolist()
    [11.0, 11.0, 100.0]
    """
    check_walk(pace_mps, cutoff_s)
    streets = Streets.of(network, takes_steps=takes_steps)
    check_links(streets, origins)
    check_links(streets, destinations)
    table = _table(amounts, len(destinations))
    homes, group_of_way = _homes(streets, destinations, table)
    order = place_order(streets, origins)
    starts = _starts(streets, origins.take(order), group_of_way)
    limit_m, total = cutoff_s * pace_mps + GRACE_M, len(order)
    sums = np.zeros((total, table.shape[1]))
    buckets = int(np.clip(limit_m / BUCKET_M, 32, MOST_BUCKETS))

    def work(mine: Iterator[int]) -> None:
        room, queue = _room(streets.corners, len(homes.ends), buckets), _queue(buckets, 256)
        for turn in mine:
            low, high = turn * BATCH, min((turn + 1) * BATCH, total)
            queue = _add(streets.arcs, starts, homes, low, high, limit_m, room, queue, sums)

    if progress:
        progress(what_first(), 0.0)
    in_turn(work, -(-total // BATCH), workers(threads), "sums in reach", progress)
    result = np.zeros((len(origins), table.shape[1]))
    result[order] = sums
    return result[:, 0] if np.ndim(amounts) == 1 else result


def _table(amounts: npt.ArrayLike, destinations: int) -> Floats:
    """Amounts as (destinations, kinds)."""
    table = np.asarray(amounts, dtype=np.float64)
    if table.ndim not in (1, 2) or len(table) != destinations or not np.isfinite(table).all():
        said = f"amounts of shape {table.shape} for {destinations} destinations, or not finite"
        raise TableError(f"amounts: {said}; give one finite row for each destination")
    return table if table.ndim == 2 else table[:, None]


def _homes(streets: Streets, destinations: Links, amounts: Floats) -> tuple[_Homes, Ints]:
    """Destinations by way, and the group of each way (-1: nothing on it)."""
    who, way, at_m = placed(streets, destinations)
    order, way_first = by_number(way, len(streets.way_m))
    who, way, at_m = who[order], way[order], at_m[order]
    ways = np.flatnonzero(np.diff(way_first))
    group_of_way = np.full(len(streets.way_m), -1, dtype=np.int32)
    group_of_way[ways] = np.arange(len(ways), dtype=np.int32)
    ends, link_m = streets.way_ends[ways], destinations.link_m[who]
    by_corner, corner_first = by_number(ends.reshape(-1).astype(np.int32), streets.corners + 1)
    first = np.append(way_first[ways], len(who)).astype(np.uint32)
    from_m, back_m = to_corners(streets, way, at_m).T + link_m
    return _Homes(
        first, ends, np.ascontiguousarray(from_m), np.ascontiguousarray(back_m), at_m, link_m, amounts[who],
        corner_first.astype(np.uint32), (by_corner // 2).astype(np.uint32),
    ), group_of_way  # fmt: skip


def _starts(streets: Streets, origins: Links, group_of_way: Ints) -> _Starts:
    _, way, at_m = placed(streets, origins)
    metres = from_corners(streets, way, at_m) + origins.link_m[:, None]
    return _Starts(streets.way_ends[way], metres, at_m, origins.link_m, group_of_way[way])


def _room(corners: int, groups: int, buckets: int) -> _Room:
    words = groups // 64 + 1
    return _Room(
        np.full((corners + 1) * LANES, np.inf), np.full(corners + 1, -1, dtype=np.int32), np.zeros(buckets, dtype=np.uint64),
        np.zeros(corners + 1, dtype=np.bool_), np.zeros(words, dtype=np.uint64), np.zeros(words // 64 + 1, dtype=np.uint64),
    )  # fmt: skip


@compiled
def _queue(buckets: int, deep: int) -> _Queue:
    return _Queue(deep, np.empty(buckets * deep, dtype=np.uint32))


@compiled
def _add(
    arcs: tuple[Places, Places, Floats], starts: _Starts, homes: _Homes, low: int, high: int, limit_m: float, room: _Room,
    queue: _Queue, sums: Floats,
) -> _Queue:  # fmt: skip
    """Add up what is within reach of the origins low … high, some neighbours at a time."""
    seen = np.empty(len(room.waits), dtype=np.uint32)
    added, within = np.empty(sums.shape[1] * LANES), np.empty(LANES)
    for begin in range(low, high, LANES):
        end = min(begin + LANES, high)
        corners = _spread(arcs, starts, begin, end, limit_m, room, queue, seen)
        while corners < 0:
            room.metres[:], room.waits[:], room.filled[:], room.met[:] = np.inf, -1, 0, False
            queue = _queue(len(room.filled), 2 * queue.deep)
            corners = _spread(arcs, starts, begin, end, limit_m, room, queue, seen)
        _note_groups(starts, begin, end, homes, room, seen[:corners])
        added[:] = 0.0
        _count_groups(starts, begin, end, homes, limit_m, room, within, added)
        for i in range(begin, end):
            sums[i] = added[i - begin :: LANES]
        for corner in seen[:corners]:
            room.met[place(corner)] = False
            for lane in range(place(LANES)):
                room.metres[place(corner) * place(LANES) + lane] = np.inf
    return queue


@compiled
def _spread(
    arcs: tuple[Places, Places, Floats], starts: _Starts, begin: int, end: int, limit_m: float, room: _Room, queue: _Queue,
    seen: Places,
) -> int:  # fmt: skip
    """Metres from each of some origins (a lane each) to every corner within `limit_m`, into ``room.metres``; how many
    corners were met (into `seen`), or -1 if a bucket ran over.

    A corner waits in the bucket of its nearest lane, and is looked at again whenever a lane gets nearer: the sums are those
    of the shortest way exactly, for every lane.
    """
    first, to, arc_m = arcs
    metres, waits, filled, met, entry = room.metres, room.waits, room.filled, room.met, queue.entry
    deep, per_m, known = place(queue.deep), (len(filled) - 1) / limit_m, place(0)
    for i in range(begin, end):
        for side in range(2):
            corner, at = place(starts.corners[i, side]), starts.metres[i, side]
            spot = corner * place(LANES) + place(i - begin)
            if corner < len(waits) - 1 and at <= limit_m and at < metres[spot]:
                metres[spot] = at
                known = _see(corner, met, seen, known)
                _wait(corner, place(at * per_m), waits, filled, entry, deep)
    for bucket in range(place(len(filled))):
        taken = place(0)
        while taken < filled[bucket]:
            if taken == deep:
                return -1
            corner = place(entry[bucket * deep + taken])
            taken += place(1)
            if waits[corner] != bucket:
                continue
            waits[corner] = -1
            for arc in range(place(first[corner]), place(first[corner + place(1)])):
                other = place(to[arc])
                if _relax(metres, corner, other, arc_m[arc], limit_m):
                    known = _see(other, met, seen, known)
                    _wait(other, max(place(_nearest(metres, other) * per_m), place(bucket)), waits, filled, entry, deep)
        filled[bucket] = place(0)
    return int(known)


@inlined
def _relax(metres: Floats, corner: np.uint64, other: np.uint64, arc_m: float, limit_m: float) -> int:
    """Walk along one arc in all lanes; how many got nearer. Without a branch, so that the lanes go into wide registers."""
    here, there, nearer = corner * place(LANES), other * place(LANES), 0
    for lane in range(place(LANES)):
        walked, before = metres[here + lane] + arc_m, metres[there + lane]
        gain = (walked < before) & (walked <= limit_m)
        nearer += gain
        metres[there + lane] = walked if gain else before
    return nearer


@inlined
def _nearest(metres: Floats, corner: np.uint64) -> float:
    """Metres of the lane that is nearest to a corner."""
    least = np.inf
    for lane in range(place(LANES)):
        least = min(least, metres[corner * place(LANES) + lane])
    return least


@inlined
def _see(corner: np.uint64, met: Bools, seen: Places, known: np.uint64) -> np.uint64:
    """Put a corner among those seen, if it is not; how many they are now."""
    if met[corner]:
        return known
    met[corner] = True
    seen[known] = corner
    return known + place(1)


@inlined
def _wait(corner: np.uint64, bucket: np.uint64, waits: Ints, filled: Words, entry: Places, deep: np.uint64) -> None:
    """Put a corner in a bucket, unless it waits in an earlier one; a bucket that runs over is noticed when it is emptied."""
    if waits[corner] < 0 or bucket < waits[corner]:
        waits[corner] = bucket
        entry[bucket * deep + min(filled[bucket], deep - place(1))] = corner
        filled[bucket] += place(1)


@inlined
def _note_groups(starts: _Starts, begin: int, end: int, homes: _Homes, room: _Room, seen: Places) -> None:
    """Note the groups on the ways that were met, a bit each."""
    first, group, bits, tops = homes.corner_first, homes.corner_group, room.bits, room.tops
    for i in range(begin, end):
        if starts.own[i] >= 0:
            note(place(starts.own[i]), bits, tops)
    for corner in seen:
        for j in range(place(first[place(corner)]), place(first[place(corner) + place(1)])):
            note(place(group[j]), bits, tops)


@inlined
def _count_groups(
    starts: _Starts, begin: int, end: int, homes: _Homes, limit_m: float, room: _Room, within: Floats, added: Floats
) -> None:
    """Add up the noted groups by rising number, so that no sum depends on the order of the search; wipe the notes."""
    metres, all_bits, all_tops = room.metres, room.bits, room.tops
    for top in range(place(len(all_tops))):
        tops = all_tops[top]
        all_tops[top] = 0
        while tops != 0:
            word = top * place(64) + lowest(tops)
            tops &= tops - place(1)
            bits = all_bits[word]
            all_bits[word] = 0
            while bits != 0:
                group = word * place(64) + lowest(bits)
                bits &= bits - place(1)
                _count(starts, begin, end, homes, group, limit_m, metres, within, added)


@inlined
def _count(
    starts: _Starts,
    begin: int,
    end: int,
    homes: _Homes,
    group: np.uint64,
    limit_m: float,
    metres: Floats,
    within: Floats,
    added: Floats,
) -> None:
    """Add what stands on one way to the sums of the origins that reach it: by either corner, or along the way itself."""
    first, ends, from_m, back_m, amounts, own = homes.first, homes.ends, homes.from_m, homes.back_m, homes.amounts, starts.own
    one, other = place(ends[group, 0]) * place(LANES), place(ends[group, 1]) * place(LANES)
    here = False
    for i in range(begin, end):
        here |= own[i] == group
    for home in range(place(first[group]), place(first[group + place(1)])):
        for lane in range(place(LANES)):
            near = (metres[one + lane] + from_m[home] <= limit_m) | (metres[other + lane] + back_m[home] <= limit_m)
            within[lane] = 1.0 if near else 0.0
        if here:
            for i in range(begin, end):
                ahead_m, behind_m = starts.at_m[i, 0] - homes.at_m[home, 0], homes.at_m[home, 1] - starts.at_m[i, 1]
                along_m = starts.link_m[i] + max(ahead_m, behind_m) + homes.link_m[home]
                if own[i] == group and along_m <= limit_m:
                    within[i - begin] = 1.0
        for kind in range(place(amounts.shape[1])):
            for lane in range(place(LANES)):
                added[kind * place(LANES) + lane] += amounts[home, kind] * within[lane]
