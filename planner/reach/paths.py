"""The way between two places, leg by leg: what ``planner why`` tells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.network import EdgeFlag, Floats, Network
from planner.reach.grid import Bools
from planner.reach.links import Links, link_points
from planner.reach.streets import Streets
from planner.study import Walk

Nodes = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class WalkPath:
    """A way from a door to a door: `xy` are its (n, 2) places in metres, from the origin over both foot points to the
    destination; `leg_m`, `leg_s` and `steps` its n - 1 legs: metres, seconds, and whether they are steps; `walk_s` its seconds.
    Legs of no length (a door at the street, a foot point at a corner) are left out.
    """

    xy: Floats
    leg_m: Floats
    leg_s: Floats
    steps: Bools
    walk_s: float


def walk_path(
    network: Network | Streets, origin_xy: tuple[float, float], destination_xy: tuple[float, float], walk: Walk
) -> WalkPath | None:
    """The quickest way from a place to another, however long; None where there is none (unlinked, or on different islands).

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    origin_xy, destination_xy
        Metres in the network's CRS.
    walk
        Profile, pace and longest link; the cutoff does not matter here.

    Examples
    --------
    >>> street = Network.from_segments([[0, 0], [60, 0], [60, 80]], [[0, 1], [1, 2]], crs="EPSG:32651")
    >>> path = walk_path(street, (0, 10), (60, 40), Walk(speed_mps=1.0))
    >>> path.leg_m.tolist(), path.walk_s
    ([10.0, 60.0, 40.0], 110.0)
    """
    streets = Streets.for_walk(network, walk)
    ends = np.array([origin_xy, destination_xy], dtype=np.float64)
    links = link_points(streets, ends, walk.max_link_m)
    if not links.linked.all():
        return None
    nodes = _nodes_between(streets, links)
    if nodes is None:
        return None
    network = streets.network
    xy = np.concatenate([ends[:1], links.foot_xy(network)[:1], network.node_xy[nodes], links.foot_xy(network)[1:], ends[1:]])
    leg_m, level_m, steps = _legs(streets, links, nodes)
    real, leg_s = leg_m > 0, level_m / walk.pace_mps
    return WalkPath(xy[np.append(True, real)], leg_m[real], leg_s[real], steps[real], float(leg_s.sum()))


def _nodes_between(streets: Streets, links: Links) -> Nodes | None:
    """The nodes the quickest way passes, none if it keeps to one segment; None if there is no way."""
    from scipy.sparse.csgraph import dijkstra  # late: a tenth of a second that most questions do without

    ends = streets.network.ends[links.segment]
    leave_m = [_part_m(streets, links, 0, node)[1] for node in ends[0]]
    arrive_m = [_part_m(streets, links, 1, node)[2] for node in ends[1]]
    metres, before = dijkstra(_matrix(streets), indices=ends[0], return_predecessors=True)
    whole_m = np.array(leave_m)[:, None] + metres[:, ends[1]] + np.array(arrive_m)
    direct_m = _along(streets, links)[1] if links.segment[0] == links.segment[1] else np.inf
    if direct_m <= whole_m.min():
        return np.empty(0, dtype=np.intp) if np.isfinite(direct_m) else None
    start, stop = np.unravel_index(int(whole_m.argmin()), whole_m.shape)
    passed = [int(ends[1, stop])]
    while passed[-1] != ends[0, start]:
        passed.append(int(before[start, passed[-1]]))
    return np.array(passed[::-1], dtype=np.intp)


def _matrix(streets: Streets) -> sp.csr_array:
    """The walked segments as a matrix of level metres from node to node, of parallel ones the least (scipy would add them)."""
    network, walked = streets.network, streets.walked
    uv = np.concatenate([network.ends[walked], network.ends[walked][:, ::-1]])
    metres = np.concatenate([streets.on_m[walked], streets.back_m[walked]])
    order = np.lexsort((metres, uv[:, 1], uv[:, 0]))
    uv, metres = uv[order], metres[order]
    first = np.append(True, (uv[1:] != uv[:-1]).any(axis=1))
    count = len(network.node_xy)
    return sp.coo_array((metres[first], tuple(uv[first].T)), shape=(count, count)).tocsr()


def _legs(streets: Streets, links: Links, nodes: Nodes) -> tuple[Floats, Floats, Bools]:
    """Metres and level metres of each leg, links included, and whether it is steps."""
    network, (first, last) = streets.network, links.segment
    stairs = (network.flags & EdgeFlag.STEPS) > 0
    if not len(nodes):
        metres, level_m = _along(streets, links)
        middle, level, steps = [metres], [level_m], [bool(stairs[first])]
    else:
        (leave, leave_level, _), (arrive, _, arrive_level) = (_part_m(streets, links, i, nodes[-i]) for i in (0, 1))
        pairs = [(_quickest_between(streets, int(u), int(v)), u < v) for u, v in pairwise(nodes)]
        between = np.array([segment for segment, _ in pairs], dtype=np.intp)
        cost = [float((streets.on_m if on else streets.back_m)[segment]) for segment, on in pairs]
        middle, level = [leave, *network.length_m[between], arrive], [leave_level, *cost, arrive_level]
        steps = [bool(stairs[first]), *stairs[between], bool(stairs[last])]
    doors = links.link_m
    metres_of = [np.array([doors[0], *part, doors[1]], dtype=np.float64) for part in (middle, level)]
    return metres_of[0], metres_of[1], np.array([False, *steps, False], dtype=np.bool_)


def _part_m(streets: Streets, links: Links, i: int, node: int) -> tuple[float, float, float]:
    """Metres between a foot point and one end of its segment, and the level metres to that end and from it."""
    segment, along_m = links.segment[i], links.along_m[i]
    whole_m, on_m, back_m = streets.network.length_m[segment], streets.on_m[segment], streets.back_m[segment]
    if streets.network.ends[segment, 0] == node:
        return float(along_m), float(back_m * along_m / whole_m), float(on_m * along_m / whole_m)
    left = (whole_m - along_m) / whole_m
    return float(whole_m - along_m), float(on_m * left), float(back_m * left)


def _along(streets: Streets, links: Links) -> tuple[float, float]:
    """Metres and level metres straight along the one segment both are on."""
    segment, step_m = links.segment[0], float(links.along_m[1] - links.along_m[0])
    cost_m = streets.on_m[segment] if step_m >= 0 else streets.back_m[segment]
    return abs(step_m), float(abs(step_m) * cost_m / streets.network.length_m[segment])


def _quickest_between(streets: Streets, u: int, v: int) -> int:
    """The quickest walked segment from a node to its neighbour."""
    network, cost_m = streets.network, streets.on_m if u < v else streets.back_m
    low, high = np.searchsorted(network.ends[:, 0], [min(u, v), min(u, v) + 1])
    found = low + np.flatnonzero((network.ends[low:high, 1] == max(u, v)) & streets.walked[low:high])
    return int(found[np.argmin(cost_m[found])])
