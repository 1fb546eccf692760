"""Straight ways across squares: street areas that people cross as they like."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import MultiLineString

from planner.network import Floats, Ids

MOST_GATES = 100  # a square with more is left with its rim: 4950 ways across are enough
SLACK_M = 0.05  # a way along a nearly straight rim counts as inside


def crossings(xy: Floats, ends: Ids, way: Ids, squares: list[Ids]) -> tuple[Ids, Ids]:
    """Ways across squares: between any two gates that see each other.

    A gate is a node of the rim where another way meets it. The rims themselves are streets already; a walk between two gates
    that do not see each other follows the rim for a part.

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
    (m, 2) ends of the new segments, and the way (the square's first) each belongs to.
    """
    new_ends, new_way = [np.zeros((0, 2), dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    if not squares:
        return new_ends[0], new_way[0]
    order = np.argsort(way, kind="stable")
    sorted_way = way[order]
    meets = _ways_at(ends, way, len(xy))
    for members in squares:  # squares are few, a thousand in a city
        rows = np.concatenate([order[slice(*np.searchsorted(sorted_way, [one, one + 1]))] for one in members.tolist()])
        rim = ends[rows]
        gates = np.unique(rim[meets[rim] > 1])
        if 2 <= len(gates) <= MOST_GATES:
            pairs = _seen(xy, rim, gates)
            new_ends.append(pairs)
            new_way.append(np.full(len(pairs), members[0]))
    return np.concatenate(new_ends), np.concatenate(new_way)


def _ways_at(ends: Ids, way: Ids, count: int) -> Ids:
    """How many ways meet at each node."""
    ways = int(way.max(initial=0)) + 1
    pairs = np.unique(ends.reshape(-1) * ways + np.repeat(way, 2))
    return np.bincount(pairs // ways, minlength=count)


def _seen(xy: Floats, rim: Ids, gates: Ids) -> Ids:
    """Pairs of gates whose straight way stays inside the area that the rim encloses, neighbours on the rim left out."""
    area = shapely.build_area(MultiLineString(xy[rim].tolist()))
    i, j = np.triu_indices(len(gates), k=1)
    pairs = np.column_stack([gates[i], gates[j]])
    known = {(min(u, v), max(u, v)) for u, v in rim.tolist()}
    pairs = pairs[[(u, v) not in known for u, v in pairs.tolist()]]
    roomy = shapely.buffer(area, SLACK_M)
    shapely.prepare(roomy)
    return pairs[shapely.covers(roomy, shapely.linestrings(xy[pairs]))]
