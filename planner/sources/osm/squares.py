"""Straight ways across squares: street areas that people cross as they like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from planner.network import Floats, Ids

MOST_GATES = 100  # a square with more is left with its rim: 4950 ways across are enough
SLACK_M = 0.05  # a way along a nearly straight rim counts as inside


def crossings(xy: Floats, ends: Ids, way: Ids, squares: list[Ids]) -> tuple[Ids, Ids]:
    """Ways across squares: between any two gates that see each other.

    A gate is a node of the rim where another way meets it. The rims themselves are streets already; a walk between two gates
    that do not see each other follows the rim for a part. What stands on a square is seen only if it is mapped as a hole.

    Parameters
    ----------
    xy
        (nodes, 2) metres.
    ends, way
        (segments, 2) positions and (segments,) the way of each: all streets that are walked.
    squares
        The ways that each square's rims are made of.

    Returns
    -------
    (m, 2) ends of the new segments, and the square that each crosses.
    """
    if not squares:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    rim, rim_of = _rims(ends, way, squares)
    pairs, square = _pairs(*_gates(rim, rim_of, _ways_at(ends, way, np.concatenate(squares), len(xy))))
    free = ~np.isin(_as_keys(pairs, len(xy)), _as_keys(rim, len(xy)))
    pairs, square = pairs[free], square[free]
    seen = _seen(xy, rim, rim_of, pairs, square)
    return pairs[seen], square[seen]


def _rims(ends: Ids, way: Ids, squares: list[Ids]) -> tuple[Ids, Ids]:
    """The segments of the squares' rims, square by square, and the square of each."""
    order, members = np.argsort(way, kind="stable"), np.concatenate(squares)
    low, high = (np.searchsorted(way[order], member) for member in (members, members + 1))
    rows = order[_runs(low, high - low)]
    square = np.repeat(np.arange(len(squares)), [len(some) for some in squares])
    return ends[rows], np.repeat(square, high - low)


def _gates(rim: Ids, rim_of: Ids, meets: Ids) -> tuple[Ids, Ids]:
    """The nodes of each square's rims where another way meets, rising, and the square of each; none of one with too many."""
    met = meets[rim] > 1
    gate = np.unique(np.repeat(rim_of, 2).reshape(-1, 2)[met] * len(meets) + rim[met])
    square, node = np.divmod(gate, len(meets))
    few = np.bincount(square)[square] <= MOST_GATES
    return node[few], square[few]


def _pairs(gate: Ids, square: Ids) -> tuple[Ids, Ids]:
    """All pairs of a square's gates, the lower position first, and the square of each pair."""
    later = np.searchsorted(square, square, side="right") - np.arange(len(gate)) - 1
    other = _runs(np.arange(len(gate)) + 1, later)
    return np.column_stack([np.repeat(gate, later), gate[other]]), np.repeat(square, later)


def _runs(first: Ids, size: Ids) -> Ids:
    """Whole numbers from each first one on, so many of each, one run after another.

    >>> _runs(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    return np.asarray(np.repeat(first - (np.cumsum(size) - size), size) + np.arange(size.sum()), dtype=np.int64)


def _as_keys(pairs: Ids, count: int) -> Ids:
    return np.asarray(pairs.min(axis=1) * count + pairs.max(axis=1), dtype=np.int64)


def _ways_at(ends: Ids, way: Ids, of_squares: Ids, count: int) -> Ids:
    """How many ways meet at each node of a square; 0 elsewhere."""
    on_square = np.zeros(count, dtype=bool)
    on_square[ends[np.isin(way, of_squares)]] = True
    node, through = ends.reshape(-1), np.repeat(way, 2)
    near = on_square[node]
    ways = int(way.max(initial=0)) + 1
    pairs = np.unique(node[near] * ways + through[near])
    return np.bincount(pairs // ways, minlength=count)


def _seen(xy: Floats, rim: Ids, rim_of: Ids, pairs: Ids, square: Ids) -> npt.NDArray[np.bool_]:
    """Which pairs' straight ways stay inside the area that their square's rims enclose."""
    wanted, area_of = np.unique(square, return_inverse=True)
    chosen = np.isin(rim_of, wanted)
    sides = xy[rim[chosen]].reshape(-1, 2)
    first = np.searchsorted(rim_of[chosen], np.append(wanted, rim_of.max(initial=0) + 1))
    offsets = np.arange(0, len(sides) + 1, 2), first
    outlines = shapely.from_ragged_array(shapely.GeometryType.MULTILINESTRING, sides, offsets)  # no object for each side
    areas = np.asarray(shapely.buffer(shapely.build_area(outlines), SLACK_M, quad_segs=1))
    shapely.prepare(areas)
    (x, y), (to_x, to_y) = xy[pairs[:, 0]].T, xy[pairs[:, 1]].T
    seen = np.ones(len(pairs), dtype=np.bool_)
    for share in (0.5, 0.25, 0.75):  # most ways that leave the square are outside at one of these: quickly told
        rows = np.flatnonzero(seen)
        there = x[rows] + share * (to_x - x)[rows], y[rows] + share * (to_y - y)[rows]
        seen[rows] = shapely.intersects_xy(areas[area_of[rows]], *there)
    rows = np.flatnonzero(seen)
    seen[rows] = shapely.covers(areas[area_of[rows]], shapely.linestrings(xy[pairs[rows]]))
    return seen
