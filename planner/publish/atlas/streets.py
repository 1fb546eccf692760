"""The streets as a quiet background: long lines in good continuation, the longest first, as many as a page can carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from planner.network import EdgeFlag, Network
from planner.publish.atlas.shapes import Floats, Ints, pack_lines

MOST_DEFLECTION = np.radians(40.0)  # a street goes on through a crossing when it turns by less
MAIN_M, SIDE_M = 900.0, 200.0  # strokes as long as this are drawn as main streets; shorter than the second only when near
TOLERANCES_M = (1.5, 3.0, 6.0)  # how far a drawn line may lie from the street, tried in this order

Bounds = tuple[float, float, float, float]
Lines = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Background:
    """Packed lines of the main, ordinary and short streets, and the share of street metres that is drawn."""

    main: str
    side: str
    short: str
    drawn: float


def draw_streets(network: Network, bounds: Bounds, most_letters: int) -> Background:
    """Streets within `bounds` (metres), packed into no more than about `most_letters` letters.

    Where all of them are too many, lines are simplified more, and then the shortest streets are left out.

    The class of a street is not known from a walking network, but its run is: streets that go on straight through crossings
    are joined into strokes, and long strokes are what a reader takes for main streets (Thomson and Richardson 1999,
    "The 'good continuation' principle of perceptual organization applied to the generalization of road networks").
    """
    lines = strokes(network, bounds)
    length = shapely.length(lines)
    order = np.argsort(-length, kind="stable")
    lines, length = lines[order], length[order]
    for tolerance in TOLERANCES_M:
        simple = shapely.simplify(lines, tolerance)
        packed = _pack_by_length(simple, length, network)
        if sum(map(len, packed)) <= most_letters:
            return Background(*packed, drawn=1.0)
    letters = np.cumsum(4.2 * shapely.get_num_coordinates(simple) + 4)  # about what a point and a line cost
    kept = max(1, int(np.searchsorted(letters, most_letters)))
    packed = _pack_by_length(simple[:kept], length[:kept], network)
    return Background(*packed, drawn=float(length[:kept].sum() / max(length.sum(), 1e-9)))


def strokes(network: Network, bounds: Bounds) -> Lines:
    """The segments that touch `bounds`, joined into lines that run on through crossings; each segment in one line.

    Ways across squares are walked but are no streets, and are left out.
    """
    west, south, east, north = bounds
    a, b = network.node_xy[network.ends[:, 0]], network.node_xy[network.ends[:, 1]]
    inside = (np.maximum(a[:, 0], b[:, 0]) >= west) & (np.minimum(a[:, 0], b[:, 0]) <= east)
    inside &= (np.maximum(a[:, 1], b[:, 1]) >= south) & (np.minimum(a[:, 1], b[:, 1]) <= north)
    ends = network.ends[inside & ((network.flags & EdgeFlag.ACROSS) == 0)].astype(np.int64)
    if not len(ends):
        return np.zeros(0, dtype=object)
    nodes, owner = _walk_along(ends, _continuations(network.node_xy, ends))
    return np.asarray(shapely.linestrings(network.node_xy[nodes], indices=owner), dtype=object)


def _continuations(xy: Floats, ends: Ints) -> Ints:
    """For each half segment (2i leaves segment i's first end, 2i+1 its second) the half that goes on across its node, or -1.

    At a node with two segments the street always goes on; at others the pairs that turn least do, each half in one pair.
    """
    node = ends.ravel()
    away = xy[ends[:, ::-1].ravel()] - xy[node]
    angle = np.arctan2(away[:, 1], away[:, 0])
    order = np.argsort(node, kind="stable")
    degree = np.bincount(node)
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for step in range(1, int(degree.max())):
        first, second = order[:-step], order[step:]
        together = node[first] == node[second]
        pairs.append(np.column_stack([first[together], second[together]]))
    both = np.concatenate(pairs)
    turn = np.abs(np.pi - np.abs(angle[both[:, 0]] - angle[both[:, 1]]))
    lawful = (turn < MOST_DEFLECTION) | (degree[node[both[:, 0]]] == 2)
    both, turn = both[lawful], turn[lawful]
    both = both[np.lexsort((both[:, 1], both[:, 0], turn))]
    partner = np.full(len(node), -1, dtype=np.int64)
    while len(both):
        rank = np.arange(len(both))
        best = np.full(len(node), len(both), dtype=np.int64)
        np.minimum.at(best, both[:, 0], rank)
        np.minimum.at(best, both[:, 1], rank)
        chosen = both[(best[both[:, 0]] == rank) & (best[both[:, 1]] == rank)]
        partner[chosen[:, 0]], partner[chosen[:, 1]] = chosen[:, 1], chosen[:, 0]
        both = both[(partner[both] < 0).all(axis=1)]
    return partner


def _walk_along(ends: Ints, partner: Ints) -> tuple[Ints, Ints]:
    """Node positions along every stroke, and which stroke each belongs to. A loop over segments: each step needs the last."""
    goes_on, node = partner.tolist(), ends.ravel().tolist()
    seen = bytearray(len(ends))
    path: list[int] = []
    owner: list[int] = []
    open_ends = np.flatnonzero(partner < 0).tolist()
    count = 0
    for start in [*open_ends, *range(0, len(node), 2)]:
        if seen[start >> 1]:
            continue
        path.append(node[start])
        owner.append(count)
        half = start
        while half >= 0 and not seen[half >> 1]:
            seen[half >> 1] = 1
            path.append(node[half ^ 1])
            owner.append(count)
            half = goes_on[half ^ 1]
        count += 1
    return np.array(path, dtype=np.int64), np.array(owner, dtype=np.int64)


def _pack_by_length(lines: Lines, length: Floats, network: Network) -> tuple[str, str, str]:
    main, short = length >= MAIN_M, length < SIDE_M
    return (
        pack_lines(_in_place(lines[main]), network.crs),
        pack_lines(_in_place(lines[~main & ~short]), network.crs),
        pack_lines(_in_place(lines[short]), network.crs),
    )


def _in_place(lines: Lines) -> Lines:
    """Neighbours in space one after the other, so that the step from line to line is short."""
    first = shapely.get_coordinates(shapely.get_point(lines, 0))
    if not len(first):
        return lines
    column = np.floor((first[:, 0] - first[:, 0].min()) / 200.0).astype(np.int64)
    upward = np.where(column % 2 == 0, first[:, 1], -first[:, 1])
    return np.asarray(lines[np.lexsort((upward, column))], dtype=object)
