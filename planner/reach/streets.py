"""The streets a walker may use, made ready for searching: corners, the ways between them, and who lives on which way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.errors import Fault, TableError
from planner.network import Floats, Ints, Network
from planner.profiles import LEVEL, LEVEL_NO_STEPS, Gait
from planner.reach.compiled import compiled
from planner.reach.effort import effort_of
from planner.reach.grid import Bools, Grid, grid_of
from planner.study import Walk

Signs = npt.NDArray[np.int8]
Places = npt.NDArray[np.uint32]

FRAGMENT_M = 500.0  # metres of street in a part below which nobody is at home there; see `Streets.fragment`


@dataclass(frozen=True, eq=False)
class Streets:
    """A network made ready for searching; make it once with `Streets.of` and search it as often as you like.

    Every stretch of street without a junction on it is one *way* between two *corners*; a segment of the network is
    some metres of a way. Dead ends are no corners: nobody passes through them (their corner is the number of corners,
    a place that is never reached). Corners keep the network's order along its Hilbert curve.

    Parameters
    ----------
    network
        The network all positions refer to.
    gait
        For whom: all metres here are that walker's level metres (`planner.reach.effort`).
    on_m, back_m
        (segments,) level metres of each segment from end u to end v, and from v to u.
    segment_way
        (segments,) int32: the way a segment is part of; -1 where it is not walked.
    segment_from_m, segment_sign
        (segments, 2) metres from the start of its way to where end u lies, and from there back to the start; and +1 or -1:
        which way metres run from u to v.
    way_ends, way_m
        (ways, 2) uint32 corners, start and end; and metres from start to end, and from end to start.
    arc_first, arc_to, arc_m
        The ways between different corners, the shortest of parallel ones, as a CSR matrix: at each corner, from where one can
        walk to it, and how far. Residents walk *to* a facility, so the search runs from the facility against their walk.
    """

    network: Network
    gait: Gait
    on_m: Floats
    back_m: Floats
    segment_way: Ints
    segment_from_m: Floats
    segment_sign: Signs
    way_ends: Places
    way_m: Floats
    arc_first: Places
    arc_to: Places
    arc_m: Floats

    @classmethod
    def of(cls, network: Network | Streets, gait: Gait | None = None, *, takes_steps: bool | None = None) -> Streets:
        """The streets of `network` for a walker: by `gait`, or by metres alone with steps (the default) or without.

        They are made once: streets that were made ready before are given back, unless they are for another walker, and a
        network keeps those that were made of it.

        Examples
        --------
        >>> line = Network.from_segments([[0, 0], [60, 0], [100, 0], [100, 90]], [[0, 1], [1, 2], [2, 3]], crs="EPSG:32651")
        >>> Streets.of(line).way_m.tolist()
        [[190.0, 190.0]]
        >>> Streets.of(line) is Streets.of(line)
        True
        """
        if isinstance(network, Streets):
            if gait in (None, network.gait) and takes_steps in (None, network.gait.takes_steps):
                return network
            network = network.network
        gait = gait if gait is not None else LEVEL_NO_STEPS if takes_steps is False else LEVEL
        known: dict[object, Streets] = network.ready
        if (cls, gait) not in known:
            known[cls, gait] = cls._made(network, gait)
        return known[cls, gait]

    @classmethod
    def for_walk(cls, network: Network | Streets, walk: Walk) -> Streets:
        """The streets of `network` for somebody who walks (or rides) as `walk` says, its towns aside.

        Raises
        ------
        TableError
            If the network was not read for such a walk: a rider on one that an extract was read into for walkers alone, or
            ``walk.terrain`` on one without heights. Times would be wrong, or as on the level, without a word.
        """
        streets = cls.of(network, walk.gait)
        said = ""
        if walk.gait.rides and not streets.network.is_for_riders:
            said = f"walk.profile = {walk.profile!r} on streets that were read for walkers alone"
            mend = "give read_osm_network bicycles=True"
        elif walk.terrain is not None and streets.network.height_m is None:
            said, mend = f"walk.terrain = {walk.terrain!r} on streets without heights", "give them with Network.with_heights"
        if said:
            fault = Fault(said, f"read the network of the study that says so with read_network, or {mend}")
            raise TableError(f"network: {fault}", [fault], "network")
        return streets

    @classmethod
    def _made(cls, network: Network, gait: Gait) -> Streets:
        walked, on_m, back_m = effort_of(network, gait)
        count = len(network.node_xy)
        first, incident = _incidence(network.ends, walked, count)
        way, from_m, sign, node_ends, way_m = _ways(network.ends, on_m, back_m, walked, first, incident)
        ends, corners = _corners(node_ends, np.diff(first), count)
        return cls(network, gait, on_m, back_m, way, from_m, sign, ends, way_m, *_arcs(ends, way_m, corners))

    @property
    def takes_steps(self) -> bool:
        """Whether segments with steps are walked."""
        return self.gait.takes_steps

    @property
    def corners(self) -> int:
        """How many corners there are."""
        return len(self.arc_first) - 2

    @property
    def arcs(self) -> tuple[Places, Places, Floats]:
        """`arc_first`, `arc_to` and `arc_m` together."""
        return self.arc_first, self.arc_to, self.arc_m

    @cached_property
    def walked(self) -> Bools:
        """(segments,) whether each segment is walked."""
        return np.asarray(self.segment_way >= 0)

    @cached_property
    def lines(self) -> Floats:
        """(segments, 4) metres: where each segment runs from and to."""
        return np.ascontiguousarray(self.network.node_xy[self.network.ends].reshape(-1, 4))

    @cached_property
    def grid(self) -> Grid:
        """Which walked segments pass which square of the plane."""
        return grid_of(self.lines, self.walked)

    @cached_property
    def fragment(self) -> Bools:
        """(segments,) whether each belongs to a connected part with less than `FRAGMENT_M` metres of street.

        On real extracts (Porto Alegre, inner Helsinki, central Shanghai) nearly all parts below 500 m lie within some 20 m
        of the rest: yards behind gates, gaps in the mapping, ways cut off at the edge. The few such parts that are islands lie
        farther off than a link is long, so that their people stay on them.
        """
        part, part_m = self.parts
        return np.asarray(part_m[part] < FRAGMENT_M)

    @cached_property
    def parts(self) -> tuple[Ints, Floats]:
        """(segments,) which connected part each walked segment belongs to, 0 for the one with the most metres of street; and
        the metres of each part, falling."""
        from scipy.sparse.csgraph import connected_components  # late: a tenth of a second that most questions do without

        network = self.network
        if self.walked.all():
            return network.component[network.ends[:, 0]], network.component_length_m
        uv, metres = network.ends[self.walked], network.length_m[self.walked]
        count = len(network.node_xy)
        links = sp.coo_array((np.ones(len(uv), dtype=np.int8), (uv[:, 0], uv[:, 1])), shape=(count, count))
        parts, label = connected_components(links.tocsr(), directed=False)
        part_m = np.bincount(label[uv[:, 0]], weights=metres, minlength=parts)
        order = np.argsort(-part_m, kind="stable")
        rank = np.empty(parts, dtype=np.int32)
        rank[order] = np.arange(parts, dtype=np.int32)
        return rank[label[network.ends[:, 0]]], part_m[order].astype(np.float64)

    @cached_property
    def farther(self) -> float:
        """How many metres of street one level metre makes at most: 1, or more where there is a way downhill."""
        length_m = self.network.length_m[self.walked]
        cheapest = min((m[self.walked] / length_m).min(initial=1.0) for m in (self.on_m, self.back_m))
        return float(1 / cheapest)

    def place_on_way(self, segment: Ints, along_m: Floats) -> Floats:
        """(n, 2) metres from the start of their ways, and back there, of places given as (network) metres along segments."""
        share, forward = along_m / self.network.length_m[segment], self.segment_sign[segment] > 0
        on_m, back_m = self.on_m[segment] * share, self.back_m[segment] * share
        passed = np.where(forward, [on_m, back_m], [-back_m, -on_m]).T  # from end u on, seen from the start of the way
        at = self.segment_from_m[segment] + passed
        return np.asarray(np.clip(at, 0.0, self.way_m[self.segment_way[segment]]))


@compiled
def _incidence(ends: Ints, walked: Bools, count: int) -> tuple[Ints, Ints]:
    """Walked segments at each node, as CSR: (count + 1,) and their positions, rising."""
    first = np.zeros(count + 1, dtype=np.int32)
    for s in range(len(ends)):
        if walked[s]:
            first[ends[s, 0] + 1] += 1
            first[ends[s, 1] + 1] += 1
    for n in range(count):
        first[n + 1] += first[n]
    incident = np.empty(first[count], dtype=np.int32)
    cursor = first[:-1].copy()
    for s in range(len(ends)):
        if walked[s]:
            for side in range(2):
                incident[cursor[ends[s, side]]] = s
                cursor[ends[s, side]] += 1
    return first, incident


@compiled
def _ways(
    ends: Ints, on_m: Floats, back_m: Floats, walked: Bools, first: Ints, incident: Ints
) -> tuple[Ints, Floats, Signs, Ints, Floats]:  # fmt: skip
    """Follow the streets through nodes where only two segments meet; a ring without a junction starts at its first node."""
    count = len(ends)
    way = np.full(count, -1, dtype=np.int32)
    from_m = np.zeros((count, 2))
    sign = np.zeros(count, dtype=np.int8)
    way_ends = np.empty((count, 2), dtype=np.int32)
    way_m = np.empty((count, 2))
    ways = 0
    for rings in range(2):
        for node in range(len(first) - 1):
            if rings == 0 and first[node + 1] - first[node] == 2:
                continue
            for i in range(first[node], first[node + 1]):
                segment = incident[i]
                if way[segment] >= 0:
                    continue
                here, there_m, home_m = node, 0.0, 0.0
                while True:
                    way[segment] = ways
                    forward = ends[segment, 0] == here
                    sign[segment] = 1 if forward else -1
                    if forward:
                        from_m[segment, 0], from_m[segment, 1] = there_m, home_m
                    there_m += on_m[segment] if forward else back_m[segment]
                    home_m += back_m[segment] if forward else on_m[segment]
                    if not forward:
                        from_m[segment, 0], from_m[segment, 1] = there_m, home_m
                    here = ends[segment, 1] if forward else ends[segment, 0]
                    if here == node or first[here + 1] - first[here] != 2:
                        break
                    segment = incident[first[here]] + incident[first[here] + 1] - segment
                way_ends[ways, 0], way_ends[ways, 1] = node, here
                way_m[ways, 0], way_m[ways, 1] = there_m, home_m
                ways += 1
    return way, from_m, sign, way_ends[:ways].copy(), way_m[:ways].copy()


def _corners(node_ends: Ints, degree: Ints, count: int) -> tuple[Places, int]:
    """Way ends as corners numbered in the order of their nodes; dead ends all get the number after the last."""
    is_corner = np.zeros(count, dtype=np.bool_)
    is_corner[node_ends] = True
    is_corner &= degree > 1
    corners = int(is_corner.sum())
    number = np.where(is_corner, np.cumsum(is_corner) - 1, corners).astype(np.uint32)
    return number[node_ends].reshape(-1, 2), corners


def _arcs(ends: Places, metres: Floats, corners: int) -> tuple[Places, Places, Floats]:
    """The ways that lead to each corner: no dead ends, no loops, of parallel ones the shortest."""
    kept = (ends != corners).all(axis=1) & (ends[:, 0] != ends[:, 1])
    one, other, weight = ends[kept, 0], ends[kept, 1], metres[kept]
    stop, start, weight = np.concatenate([one, other]), np.concatenate([other, one]), weight.T.reshape(-1)
    pair = start.astype(np.int64) * (corners + 1) + stop
    order = np.argsort(pair)
    best = np.flatnonzero(np.diff(pair[order], prepend=-1))
    shortest = np.minimum.reduceat(weight[order], best) if len(best) else weight
    start, stop = start[order[best]], stop[order[best]]
    first = np.zeros(corners + 2, dtype=np.uint32)
    np.cumsum(np.bincount(start, minlength=corners + 1), out=first[1:])
    return first, stop, shortest
