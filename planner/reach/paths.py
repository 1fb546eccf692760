"""The way between two places, leg by leg: what ``planner why`` tells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from planner.network import EdgeFlag, Floats, Network
from planner.reach.grid import Bools
from planner.reach.links import Links, link_points
from planner.reach.streets import Streets
from planner.study import Walk

Nodes = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class WalkPath:
    """A way from a door to a door: `xy` are its (n, 2) places in metres, from the origin over both foot points to the
    destination; `leg_m` and `steps` its n - 1 legs: metres, and whether they are steps; `walk_s` its seconds. Legs of no
    length (a door at the street, a foot point at a corner) are left out.
    """

    xy: Floats
    leg_m: Floats
    steps: Bools
    walk_s: float


def walk_path(
    network: Network | Streets, origin_xy: tuple[float, float], destination_xy: tuple[float, float], walk: Walk
) -> WalkPath | None:
    """The shortest way between two places, however long; None where there is none (unlinked, or on different islands).

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    origin_xy, destination_xy
        Metres in the network's CRS.
    walk
        Pace, steps and longest link; the cutoff does not matter here.

    Examples
    --------
    >>> street = Network.from_segments([[0, 0], [60, 0], [60, 80]], [[0, 1], [1, 2]], crs="EPSG:32651")
    >>> path = walk_path(street, (0, 10), (60, 40), Walk(speed_mps=1.0))
    >>> path.leg_m.tolist(), path.walk_s
    ([10.0, 60.0, 40.0], 110.0)
    """
    streets = Streets.of(network, takes_steps=walk.takes_steps)
    ends = np.array([origin_xy, destination_xy], dtype=np.float64)
    links = link_points(streets, ends, walk.max_link_m)
    if not links.linked.all():
        return None
    nodes = _nodes_between(streets, links)
    if nodes is None:
        return None
    network = streets.network
    xy = np.concatenate([ends[:1], links.foot_xy(network)[:1], network.node_xy[nodes], links.foot_xy(network)[1:], ends[1:]])
    leg_m, steps = _legs(streets, links, nodes)
    real = leg_m > 0
    return WalkPath(xy[np.append(True, real)], leg_m[real], steps[real], float(leg_m.sum() / walk.pace_mps))


def _nodes_between(streets: Streets, links: Links) -> Nodes | None:
    """The nodes the shortest way passes, none if it keeps to one segment; None if there is no way."""
    network = streets.network
    ends, along_m = network.ends[links.segment], links.along_m
    to_end_m = np.stack([along_m, network.length_m[links.segment] - along_m], axis=1)
    direct_m = abs(along_m[0] - along_m[1]) if links.segment[0] == links.segment[1] else np.inf
    metres, before = dijkstra(_matrix(streets), indices=ends[0], return_predecessors=True)
    whole_m = to_end_m[0][:, None] + metres[:, ends[1]] + to_end_m[1]
    if direct_m <= whole_m.min():
        return np.empty(0, dtype=np.intp) if np.isfinite(direct_m) else None
    start, stop = np.unravel_index(int(whole_m.argmin()), whole_m.shape)
    passed = [int(ends[1, stop])]
    while passed[-1] != ends[0, start]:
        passed.append(int(before[start, passed[-1]]))
    return np.array(passed[::-1], dtype=np.intp)


def _matrix(streets: Streets) -> sp.csr_array:
    """The walked segments as a symmetric matrix of metres, of parallel ones the shortest (scipy would add them up)."""
    network = streets.network
    uv, metres = network.ends[streets.walked], network.length_m[streets.walked]
    order = np.lexsort((metres, uv[:, 1], uv[:, 0]))
    uv, metres = uv[order], metres[order]
    first = np.append(True, (uv[1:] != uv[:-1]).any(axis=1))
    uv, metres = uv[first], metres[first]
    both = np.concatenate([uv, uv[:, ::-1]]).T
    count = len(network.node_xy)
    return sp.coo_array((np.concatenate([metres, metres]), (both[0], both[1])), shape=(count, count)).tocsr()


def _legs(streets: Streets, links: Links, nodes: Nodes) -> tuple[Floats, Bools]:
    """Metres of each leg, links included, and whether it is steps."""
    network, (first, last) = streets.network, links.segment
    stairs = (network.flags & EdgeFlag.STEPS) > 0
    if not len(nodes):
        middle, steps = [abs(links.along_m[0] - links.along_m[1])], [bool(stairs[first])]
    else:
        between = [_shortest_between(streets, int(u), int(v)) for u, v in pairwise(nodes)]
        middle = [_to_node_m(network, links, 0, nodes[0]), *network.length_m[between], _to_node_m(network, links, 1, nodes[-1])]
        steps = [bool(stairs[first]), *stairs[between], bool(stairs[last])]
    metres = np.array([links.link_m[0], *middle, links.link_m[1]], dtype=np.float64)
    return metres, np.array([False, *steps, False], dtype=np.bool_)


def _to_node_m(network: Network, links: Links, i: int, node: int) -> float:
    segment, along_m = links.segment[i], links.along_m[i]
    return float(along_m if network.ends[segment, 0] == node else network.length_m[segment] - along_m)


def _shortest_between(streets: Streets, u: int, v: int) -> int:
    """The shortest walked segment between two neighbouring nodes."""
    network = streets.network
    low, high = np.searchsorted(network.ends[:, 0], [min(u, v), min(u, v) + 1])
    found = low + np.flatnonzero((network.ends[low:high, 1] == max(u, v)) & streets.walked[low:high])
    return int(found[np.argmin(network.length_m[found])])
