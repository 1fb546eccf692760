"""Bounded walking-time search from many origins straight to the destinations: no node's time ever leaves this room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.errors import StudyError, TableError
from planner.network import Floats, Ints, Network
from planner.reach.compiled import Progress, compiled, fetch_ahead, in_turn, inlined, what_first, workers
from planner.reach.links import Links
from planner.reach.streets import Places, Streets

Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Times = npt.NDArray[np.float32]
Batch = tuple[Ints, Ints, Times]

GRACE_M = 1e-6  # the cutoff is inclusive; a micrometre absorbs the rounding of sums, and is no walk at all
BUCKET_M = 10.0  # width of the queue's buckets: an eighth of a usual street between two corners; 3 to 30 do as well
MOST_BUCKETS = 1024  # wider ones above some 10 km
BATCH = 256  # origins a thread takes at a time, at most
CHUNK = 1 << 22  # times a thread finds room for at once: so large that the system may give it in large pages

place = np.uint64  # places in arrays are unsigned in the loops: numba then leaves out its test for negative ones, half the time


class _Lists(NamedTuple):
    """Destinations by corner and by way.

    Of those on the ways at corner c, nearest first, numbers and metres from the door to the corner (link included) stand at
    ``first[c]`` … ``first[c + 1]`` of `who` and `metres`. Those of one way stand together in `way_who`, `way_at_m` (metres
    from the start of the way, and back to it) and `way_link_m`.
    """

    first: Places
    who: Places
    metres: Floats
    way_who: Places
    way_at_m: Floats
    way_link_m: Floats


class _Starts(NamedTuple):
    """Origins as the search begins them: two corners and the metres from each, their place on their own way (metres from its
    start, and back to it), its destinations."""

    corners: Places
    metres: Floats
    at_m: Floats
    link_m: Floats
    own: Places


class _Room(NamedTuple):
    """What one thread writes in while it searches, clean again after each origin: metres to the corners, how full each
    bucket is, which destinations were met (a bit each, and a bit for each word of bits) and their seconds."""

    metres: Floats
    filled: Words
    bits: Words
    tops: Words
    seconds: Times


class _Queue(NamedTuple):
    """What one thread writes in and what grows: buckets of the queue, `deep` entries each, the corners that were settled,
    and room for the columns and times of a batch."""

    deep: int
    entry: Places
    settled: Places
    columns: Ints
    times: Times


@dataclass(frozen=True, eq=False)
class Doors:
    """Destinations made ready to be searched for: worth it where the same ones are searched for again and again.

    Parameters
    ----------
    streets
        The streets they are on.
    lists
        The destinations at each corner and on each way.
    way_first
        Where those of each way begin.
    count
        How many destinations there are, the unlinked included.
    """

    streets: Streets
    lists: _Lists
    way_first: Longs
    count: int

    @classmethod
    def of(cls, streets: Streets, destinations: Links) -> Doors:
        """The doors that `destinations` are on `streets`."""
        check_links(streets, destinations)
        who, way, at_m = placed(streets, destinations)
        order, way_first = by_number(way, len(streets.way_m))
        who, way, at_m = who[order], way[order], at_m[order]
        name, link_m = who.astype(np.uint32), destinations.link_m[who]
        first = np.zeros(streets.corners + 2, dtype=np.uint32)
        np.cumsum(np.bincount(streets.way_ends[way].reshape(-1), minlength=streets.corners + 1)[:-1], out=first[1:-1])
        first[-1] = first[-2]  # dead ends have no list: nobody comes from there
        met, metres = np.empty(first[-1], dtype=np.uint32), np.empty(first[-1])
        _list_at_corners(first.copy(), name, way, at_m, link_m, streets.way_ends, streets.way_m, met, metres)
        _sort_each(first, met, metres)
        return cls(streets, _Lists(first, met, metres, name, at_m, link_m), way_first, len(destinations))

    def __len__(self) -> int:
        return self.count


def walk_times(
    network: Network | Streets,
    origins: Links,
    destinations: Links | Doors,
    pace_mps: float,
    cutoff_s: float,
    *,
    takes_steps: bool | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> sp.csr_array:
    """Walking times of all pairs within the cutoff, from each destination *to* each origin: residents walk to the station.

    A walk is the link, the shortest way along the streets, and the link at the other end; two points on one street may walk
    along it directly. Streets cost what they cost the walker they were made ready for (`Streets.of` with a gait), links their
    metres. Sums are exact to float64's rounding (no time is rounded to a queue's step).

    Parameters
    ----------
    network
        The network, or streets made ready from it (`Streets.of`), which saves making them again for each call.
    origins, destinations
        From where is searched (the facilities) and what is searched for (who walks there), as they meet the streets:
        `link_points` on the same network. Destinations may be made ready (`Doors.of`), which
        saves doing it for each call; steps are then taken as on their streets.
    pace_mps
        Level metres a second, > 0.
    cutoff_s
        The longest walk that counts, in seconds, inclusive; finite, >= 0.
    takes_steps
        Whether segments with steps are walked. If not given, as the streets were made ready, or True for a network.
    threads
        How many threads; all there are if not given. Never changes a byte of the result.
    progress
        Is told what is being done, and the share that is done; by any of the threads.

    Returns
    -------
    (origins x destinations) float32 seconds in [0, cutoff], columns rising in each row. A stored 0 is "at the door",
    an absent entry "out of reach".

    Raises
    ------
    StudyError
        If the pace or the cutoff is impossible.
    TableError
        If links are not of this network.

    Examples
    --------
    >>> street = Network.from_segments([[0, 0], [100, 0]], [[0, 1]], crs="EPSG:32651")
    >>> from planner.reach.links import link_points
    >>> doors = link_points(street, np.array([[10.0, 5.0], [70.0, 0.0]]), 60)
    >>> walk_times(street, doors, doors, pace_mps=1.0, cutoff_s=300).toarray().tolist()
    [[10.0, 65.0], [65.0, 0.0]]
    """
    check_walk(pace_mps, cutoff_s)
    doors = _doors_on(network, destinations, takes_steps)
    check_links(doors.streets, origins)
    order = place_order(doors.streets, origins)
    starts = _starts(doors, origins.take(order))
    search = _Search(doors, starts, pace_mps, cutoff_s)
    return _assemble(search.run(workers(threads), progress), order, (len(origins), len(doors)))


def _doors_on(network: Network | Streets, destinations: Links | Doors, takes_steps: bool | None) -> Doors:
    if isinstance(destinations, Links):
        return Doors.of(Streets.of(network, takes_steps=takes_steps), destinations)
    ready = destinations.streets
    whole, gait = (network.network, network.gait) if isinstance(network, Streets) else (network, ready.gait)
    if ready.network is not whole or gait != ready.gait or takes_steps not in (None, ready.takes_steps):
        raise TableError("doors: they were made ready for other streets; call Doors.of with the streets of this walk")
    return destinations


def check_walk(pace_mps: float, cutoff_s: float) -> None:
    """Stop a search at a pace or cutoff that is impossible."""
    if not (np.isfinite(pace_mps) and pace_mps > 0 and np.isfinite(cutoff_s) and cutoff_s >= 0):
        said = f"nobody walks {pace_mps} m/s for {cutoff_s} s"
        raise StudyError(f"{said}; give a pace > 0 and a cutoff >= 0, both finite")


def longest_s(cutoff_s: float) -> np.float32:
    """The longest walk that counts as times are kept: the cutoff, or what comes next below it; never above.

    >>> float(longest_s(900.0)), float(longest_s(4.1 * 60)) <= 4.1 * 60
    (900.0, True)
    """
    kept = np.float32(cutoff_s)
    return kept if float(kept) <= cutoff_s else np.nextafter(kept, np.float32(0))


def check_links(streets: Streets, links: Links) -> None:
    """Stop a search from or to segments that are not there."""
    segments, farthest = len(streets.network.ends), links.segment.max(initial=-1)
    if farthest >= segments:
        said = f"a point is linked to segment {farthest} but the network has {segments}"
        raise TableError(f"links: {said}; call link_points on this network")


def placed(streets: Streets, links: Links) -> tuple[Longs, Ints, Floats]:
    """Of the points on walked streets: which they are, their ways, and (n, 2) metres from the start of these and back."""
    who = np.flatnonzero(links.linked)
    who = who[streets.segment_way[links.segment[who]] >= 0]
    segment = links.segment[who]
    return who, streets.segment_way[segment], streets.place_on_way(segment, links.along_m[who])


def from_corners(streets: Streets, way: Ints, at_m: Floats) -> Floats:
    """(n, 2) metres from the start and from the end of their ways to places at `at_m` on them: so a facility is walked to."""
    return np.column_stack([at_m[:, 0], streets.way_m[way, 1] - at_m[:, 1]])


def to_corners(streets: Streets, way: Ints, at_m: Floats) -> Floats:
    """(n, 2) metres from places at `at_m` on their ways to the start and to the end of these: so a resident walks away."""
    return np.column_stack([at_m[:, 1], streets.way_m[way, 0] - at_m[:, 0]])


def place_order(streets: Streets, origins: Links) -> Longs:
    """Linked origins in the order of the places they start from: neighbours search the same streets."""
    who, way, _ = placed(streets, origins)
    return who[np.argsort(streets.way_ends[way].min(axis=1), kind="stable")]


def _starts(doors: Doors, origins: Links) -> _Starts:
    streets = doors.streets
    _, way, at_m = placed(streets, origins)
    metres = from_corners(streets, way, at_m) + origins.link_m[:, None]
    own = np.stack([doors.way_first[way], doors.way_first[way + 1]], axis=1).astype(np.uint32)
    return _Starts(streets.way_ends[way], metres, at_m, origins.link_m, own)


@dataclass(frozen=True, eq=False)
class _Search:
    """All there is to search: done by any number of threads, which take batches of origins in turn."""

    doors: Doors
    starts: _Starts
    pace_mps: float
    cutoff_s: float

    def run(self, threads: int, progress: Progress | None) -> list[Batch]:
        """Counts, columns and times of each batch, in the order of the batches."""
        total = len(self.starts.at_m)
        batch = max(16, min(BATCH, total // (8 * threads)))
        turns = -(-total // batch)
        done: list[Batch | None] = [None] * turns
        arcs = self.doors.streets.arcs

        def work(mine: Iterator[int]) -> None:
            room, queue = self._room()
            for turn in mine:
                low, high = turn * batch, min((turn + 1) * batch, total)
                sizes, queue = _search(arcs, self.starts, self.doors.lists, low, high, *self._limits, room, queue)
                used = int(sizes.sum())
                done[turn] = sizes, queue.columns[:used], queue.times[:used]
                queue = _after(queue, used)

        if progress:
            progress(what_first(), 0.0)
        in_turn(work, turns, threads, "walking times", progress)
        return [batch for batch in done if batch is not None]

    @property
    def _limits(self) -> tuple[float, float, float]:
        return self.cutoff_s * self.pace_mps + GRACE_M, 1 / self.pace_mps, float(longest_s(self.cutoff_s))

    def _room(self) -> tuple[_Room, _Queue]:
        corners, words = self.doors.streets.corners, len(self.doors) // 64 + 1
        buckets = int(np.clip(self._limits[0] / BUCKET_M, 32, MOST_BUCKETS))
        room = _Room(
            np.full(corners + 1, np.inf), np.zeros(buckets + 1, dtype=np.uint64), np.zeros(words, dtype=np.uint64),
            np.zeros(words // 64 + 1, dtype=np.uint64), np.full(len(self.doors), np.inf, dtype=np.float32),
        )  # fmt: skip
        return room, _queue(buckets, 64, *_chunk())


def _chunk() -> tuple[Ints, Times]:
    return np.empty(CHUNK, dtype=np.int32), np.empty(CHUNK, dtype=np.float32)


def _after(queue: _Queue, used: int) -> _Queue:
    """The queue with room for the next batch: behind the last one, which stays where it is, or new."""
    columns, times = (queue.columns[used:], queue.times[used:]) if len(queue.columns) >= 3 * used else _chunk()
    return queue._replace(columns=columns, times=times)


def _assemble(batches: list[Batch], order: Longs, shape: tuple[int, int]) -> sp.csr_array:
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
def by_number(number: Ints, count: int) -> tuple[Longs, Longs]:
    """The order that sorts by whole numbers in 0 … count - 1 and keeps ties as they are; and where each number begins."""
    first = np.zeros(count + 1, dtype=np.int64)
    for n in number:
        first[n + 1] += 1
    for n in range(count):
        first[n + 1] += first[n]
    cursor, order = first[:-1].copy(), np.empty(len(number), dtype=np.int64)
    for i in range(len(number)):
        order[cursor[number[i]]] = i
        cursor[number[i]] += 1
    return order, first


@compiled
def _list_at_corners(
    cursor: Places, who: Places, way: Ints, at_m: Floats, link_m: Floats, way_ends: Places, way_m: Floats, met: Places,
    metres: Floats,
) -> None:  # fmt: skip
    """List each destination at both corners of its way, with the metres from there."""
    for i in range(len(who)):
        for side in range(2):
            corner = way_ends[way[i], side]
            if corner < len(cursor) - 2:
                met[cursor[corner]] = who[i]
                metres[cursor[corner]] = (at_m[i, 1] if side == 0 else way_m[way[i], 0] - at_m[i, 0]) + link_m[i]
                cursor[corner] += 1


@compiled
def _sort_each(first: Places, who: Places, metres: Floats) -> None:
    """Sort each corner's destinations by their metres: few by insertion, many by numpy."""
    for corner in range(len(first) - 2):
        low, high = first[corner], first[corner + 1]
        if high - low > 32:
            order = np.argsort(metres[low:high], kind="mergesort")
            metres[low:high], who[low:high] = metres[low:high][order], who[low:high][order]
            continue
        for i in range(low + 1, high):
            name, at, j = who[i], metres[i], i
            while j > low and metres[j - 1] > at:
                who[j], metres[j] = who[j - 1], metres[j - 1]
                j -= 1
            who[j], metres[j] = name, at


@compiled
def _put(indptr: Longs, rows: Longs, sizes: Ints, found: Ints, seconds: Times, columns: Ints, times: Times) -> None:
    at = 0
    for i in range(len(rows)):
        to = indptr[rows[i]]
        columns[to : to + sizes[i]] = found[at : at + sizes[i]]
        times[to : to + sizes[i]] = seconds[at : at + sizes[i]]
        at += sizes[i]


@compiled
def _queue(buckets: int, deep: int, columns: Ints, times: Times) -> _Queue:
    size = (buckets + 1) * (deep + 1)  # one more, where entries go that do not count
    return _Queue(deep, np.empty(size, dtype=np.uint32), np.empty(size, dtype=np.uint32), columns, times)


@compiled
def _search(
    arcs: tuple[Places, Places, Floats], starts: _Starts, doors: _Lists, low: int, high: int,
    limit_m: float, s_per_m: float, cutoff_s: float, room: _Room, queue: _Queue,
) -> tuple[Ints, _Queue]:  # fmt: skip
    """Search from the origins low … high: how many destinations each reaches; which, and in what time, into the queue's
    `columns` and `times`."""
    sizes, used = np.empty(high - low, dtype=np.int32), 0
    columns, times = queue.columns, queue.times
    for i in range(low, high):
        settled = _spread(arcs, starts.corners[i], starts.metres[i], limit_m, room, queue, doors)
        while settled < 0:
            room.metres[:] = np.inf
            room.filled[:] = 0
            queue = _queue(len(room.filled) - 1, 2 * queue.deep, columns, times)
            settled = _spread(arcs, starts.corners[i], starts.metres[i], limit_m, room, queue, doors)
        met = _meet_own(doors, starts, i, limit_m, s_per_m, room)
        met += _meet(doors, queue.settled[:settled], limit_m, s_per_m, room)
        if used + met > len(columns):
            columns = np.concatenate((columns[:used], np.empty(used + 2 * met, dtype=np.int32)))
            times = np.concatenate((times[:used], np.empty(used + 2 * met, dtype=np.float32)))
        sizes[i - low] = _write(room, columns[used:], times[used:], cutoff_s)
        used += sizes[i - low]
    return sizes, _Queue(queue.deep, queue.entry, queue.settled, columns, times)


@inlined
def _spread(
    arcs: tuple[Places, Places, Floats], corners: Places, begin_m: Floats, limit_m: float, room: _Room, queue: _Queue,
    doors: _Lists,
) -> int:  # fmt: skip
    """Metres to every corner within `limit_m` into ``room.metres``; how many were settled, or -1 if a bucket ran over.

    A queue of buckets (Dial 1969); a corner that gets nearer while its bucket is being emptied is settled again, so that
    the sums are those of the shortest way exactly, however wide the buckets. Entries that were overtaken are passed over.
    The inner loop does not branch: what is no gain is written to a place where the next entry will overwrite it.

    Of a corner that is met the arcs are fetched ahead, for when its turn comes, and of one that is settled the doors, for
    `_meet`: on a large network a third of the time is spent waiting for memory without that.
    """
    first, to, arc_m = arcs
    first_door, who, door_m = doors.first, doors.who, doors.metres
    metres, filled, entry, settled = room.metres, room.filled, queue.entry, queue.settled
    deep, wide, last = place(queue.deep), place(queue.deep + 1), len(filled) - 1
    per_m, top, dead_end, known = (last - 1) / limit_m, float(last), len(metres) - 1, place(0)
    for side in range(2):
        corner, at = corners[side], begin_m[side]
        if corner != dead_end and at <= limit_m and at < metres[corner]:
            metres[corner] = at
            into = place(at * per_m)
            entry[into * wide + filled[into]] = corner
            filled[into] += place(1)
    for bucket in range(place(last)):
        taken = place(0)
        while taken < filled[bucket]:
            if taken == deep:
                return -1
            corner = place(entry[bucket * wide + taken])
            taken += place(1)
            at = metres[corner]
            if place(at * per_m) != bucket:
                continue
            settled[known] = corner
            known += place(1)
            fetch_ahead(who, place(first_door[corner]))
            fetch_ahead(door_m, place(first_door[corner]))
            fetch_ahead(door_m, place(first_door[corner]) + place(7))  # the next 64 bytes: these are more than one line
            for arc in range(place(first[corner]), place(first[corner + place(1)])):
                there, other = at + arc_m[arc], place(to[arc])
                fetch_ahead(to, place(first[other]))
                fetch_ahead(arc_m, place(first[other]))
                before = metres[other]
                gain = (there < before) & (there <= limit_m)
                metres[other] = there if gain else before
                into = place(min(there * per_m, top))
                entry[into * wide + min(filled[into], deep)] = other
                filled[into] += place(gain)
        filled[bucket] = place(0)
    return int(known)


@inlined
def _meet(doors: _Lists, settled: Places, limit_m: float, s_per_m: float, room: _Room) -> int:
    """Note the destinations within the limit by way of the settled corners; wipe the metres. At most so many were met."""
    first, name, door_m = doors.first, doors.who, doors.metres
    metres, seconds, bits, tops, met = room.metres, room.seconds, room.bits, room.tops, 0
    for corner in settled:
        at = metres[place(corner)]
        for door in range(place(first[place(corner)]), place(first[place(corner) + place(1)])):
            if at + door_m[door] > limit_m:
                break
            who = place(name[door])
            seconds[who] = min(seconds[who], np.float32((at + door_m[door]) * s_per_m))
            note(who, bits, tops)
            met += 1
    for corner in settled:
        metres[place(corner)] = np.inf
    return met


@inlined
def _meet_own(doors: _Lists, starts: _Starts, i: int, limit_m: float, s_per_m: float, room: _Room) -> int:
    """Note the destinations on the origin's own way that are within the limit along it."""
    for j in range(place(starts.own[i, 0]), place(starts.own[i, 1])):
        on_m, back_m = starts.at_m[i, 0] - doors.way_at_m[j, 0], doors.way_at_m[j, 1] - starts.at_m[i, 1]  # one is below 0
        metres = starts.link_m[i] + max(on_m, back_m) + doors.way_link_m[j]
        if metres <= limit_m:
            who = place(doors.way_who[j])
            room.seconds[who] = min(room.seconds[who], np.float32(metres * s_per_m))
            note(who, room.bits, room.tops)
    return int(starts.own[i, 1] - starts.own[i, 0])


@inlined
def note(who: np.uint64, bits: Words, tops: Words) -> None:
    """Set the bit of a number, and that of the word it is in."""
    word = who >> place(6)
    bits[word] |= place(1) << (who & place(63))
    tops[word >> place(6)] |= place(1) << (word & place(63))


@inlined
def _write(room: _Room, columns: Ints, times: Times, cutoff_s: float) -> int:
    """Write the noted destinations by rising number, and wipe the notes; how many they are."""
    seconds, all_bits, all_tops = room.seconds, room.bits, room.tops
    n, longest = place(0), np.float32(cutoff_s)
    for top in range(place(len(all_tops))):
        tops = all_tops[top]
        all_tops[top] = 0
        while tops != 0:
            word = top * place(64) + lowest(tops)
            tops &= tops - place(1)
            bits = all_bits[word]
            all_bits[word] = 0
            while bits != 0:
                who = word * place(64) + lowest(bits)
                bits &= bits - place(1)
                columns[n] = who
                times[n] = min(seconds[who], longest)
                seconds[who] = np.inf
                n += place(1)
    return int(n)


@inlined
def lowest(word: np.uint64) -> np.uint64:
    """Which bit is the lowest that is set: the number of bits below it (Warren, Hacker's Delight, 5-1)."""
    below = (word & (~word + place(1))) - place(1)
    below -= (below >> place(1)) & place(0x5555555555555555)
    below = (below & place(0x3333333333333333)) + ((below >> place(2)) & place(0x3333333333333333))
    below = (below + (below >> place(4))) & place(0x0F0F0F0F0F0F0F0F)
    return (below * place(0x0101010101010101)) >> place(56)
