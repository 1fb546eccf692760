"""Independent opinions for the tests of reach: links by looking at every segment, times by networkx."""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import scipy.sparse as sp

from planner.network import EdgeFlag, Network
from planner.profiles import PROFILES
from planner.reach import Links
from planner.reach.streets import FRAGMENT_M
from planner.study import Walk

CRS = "EPSG:32651"


def random_network(seed: int, nodes: int = 40, segments: int = 70, side_m: float = 400.0) -> Network:
    """Streets between random places: parallel ones (with and without steps), dead ends, islands, detours."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, side_m, (nodes, 2))
    ends = rng.integers(0, nodes, (segments, 2))
    ends[:, 1] = np.where(ends[:, 0] == ends[:, 1], (ends[:, 1] + 1) % nodes, ends[:, 1])
    straight = np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T)
    metres = straight * rng.uniform(1.0, 1.5, segments)
    return Network.from_segments(xy, ends, crs=CRS, length_m=metres, flags=rng.integers(0, 2, segments))


def walked(network: Network, takes_steps: bool) -> np.ndarray:
    return np.ones(len(network.ends), bool) if takes_steps else (network.flags & EdgeFlag.STEPS) == 0


def links_by_brute_force(network: Network, xy: np.ndarray, max_link_m: float, takes_steps: bool = True) -> Links:
    """Every point against every segment that is walked, by the written rule."""
    kept = walked(network, takes_steps)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(network.node_xy)))
    graph.add_edges_from(network.ends[kept].tolist())
    small = np.zeros(len(network.ends), bool)
    for part in nx.connected_components(graph):
        inside = np.isin(network.ends[:, 0], list(part)) & kept
        small |= inside & (network.length_m[inside].sum() < FRAGMENT_M)
    segment, along_m, link_m = np.full(len(xy), -1, np.int32), np.zeros(len(xy)), np.full(len(xy), np.inf)
    one, other = network.node_xy[network.ends[:, 0]], network.node_xy[network.ends[:, 1]]
    way = other - one
    for i, point in enumerate(xy):
        share = np.clip(((point - one) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-12), 0, 1)
        foot = np.where(share[:, None] < 1, one + share[:, None] * way, other)  # the end itself, so that ties are ties
        off_m = np.sqrt(((foot - point) ** 2).sum(axis=1))
        for choice in (kept & ~small, kept & small):
            near_m = np.where(choice, off_m, np.inf)
            if segment[i] < 0 and near_m.min() <= max_link_m:
                segment[i] = int(near_m.argmin())
                along_m[i], link_m[i] = share[segment[i]] * network.length_m[segment[i]], near_m[segment[i]]
    return Links(segment, along_m, link_m)


def seconds_by_networkx(
    network: Network, origins: Links, destinations: Links, pace_mps: float, cutoff_s: float, takes_steps: bool = True
) -> np.ndarray:
    """(origins x destinations) seconds, inf out of reach: the points spliced into a graph of all segments."""
    points = [("origin", i) for i in range(len(origins))], [("destination", i) for i in range(len(destinations))]
    on_segment: dict[int, list[tuple[float, tuple[str, int]]]] = {}
    for links, names in zip((origins, destinations), points, strict=True):
        for i in np.flatnonzero(links.linked):
            on_segment.setdefault(int(links.segment[i]), []).append((float(links.along_m[i]), names[i]))
    graph = nx.MultiGraph()
    kept = walked(network, takes_steps)
    for s, (u, v) in enumerate(network.ends.tolist()):
        if not kept[s]:
            continue
        before, at = u, 0.0
        for along_m, name in sorted(on_segment.get(s, [])):
            graph.add_edge(before, name, metres=along_m - at)
            before, at = name, along_m
        graph.add_edge(before, v, metres=network.length_m[s] - at)
    seconds = np.full((len(origins), len(destinations)), np.inf)
    for i in np.flatnonzero(origins.linked):
        if points[0][i] not in graph:
            continue
        metres = nx.single_source_dijkstra_path_length(graph, points[0][i], cutoff=cutoff_s * pace_mps + 1, weight="metres")
        for j, name in enumerate(points[1]):
            if name in metres:
                whole_s = (origins.link_m[i] + metres[name] + destinations.link_m[j]) / pace_mps
                seconds[i, j] = whole_s if whole_s <= cutoff_s else np.inf
    return seconds


def cost_of(network: Network, walk: Walk, s: int, *, from_u: bool) -> float:
    """Seconds for one way along a segment, by the written factors; inf where it is not used."""
    profile, bits = PROFILES[walk.profile], int(network.flags[s])
    gait, metres, pace = profile.gait, float(network.length_m[s]), walk.pace_mps
    if (bits & EdgeFlag.STEPS and not gait.takes_steps) or (bits & EdgeFlag.NO_FOOT and not gait.rides):
        return float("inf")
    up, down = (EdgeFlag.UP, EdgeFlag.DOWN) if from_u else (EdgeFlag.DOWN, EdgeFlag.UP)
    u, v = network.ends[s] if from_u else network.ends[s][::-1]
    slope = None if network.height_m is None else float(network.height_m[v] - network.height_m[u]) / metres
    if walk.profile == "wheelchair" and slope is not None and abs(slope) > 1 / 12 + 1e-9 and abs(slope) * metres > 0.15 + 1e-9:
        return float("inf")
    if bits & EdgeFlag.STEPS:
        climbs, falls = bool(bits & up), bool(bits & down)
        if climbs == falls and slope is not None:
            climbs, falls = slope > 0, slope < 0
        factor = 1.34 / 0.61 if climbs and not falls else 1.34 / 0.694 if falls and not climbs else 0.67 / 0.61 + 0.67 / 0.694
        return metres * factor / pace
    factor = gait.soft if bits & EdgeFlag.SOFT else gait.uneven if bits & EdgeFlag.UNEVEN else 1.0
    if slope is not None:
        slope = min(max(slope, -0.4), 0.4)
        if gait.slope == "tobler":
            factor *= math.exp(-3.5 * 0.05) / math.exp(-3.5 * abs(slope + 0.05))
        elif gait.slope == "bicycle":
            factor *= 21.6 / max(21.6 - 144 * slope if slope > 0 else 21.6 - 86 * max(slope, -0.03), 4.32)
    if gait.rides:
        against = EdgeFlag.AGAINST if from_u else EdgeFlag.AGAINST_BACK
        slowest = max(1.0, pace * 3.6 / 4)
        factor = slowest if bits & (EdgeFlag.PUSHED | against) else min(factor, slowest)
    return metres * factor / pace


def seconds_by_digraph(network: Network, facilities: Links, homes: Links, walk: Walk) -> np.ndarray:
    """(facilities x homes) seconds from the homes to the facilities, inf where there is no way, over a directed graph."""
    on_segment: dict[int, list[tuple[float, tuple[str, int]]]] = {}
    for links, what in ((facilities, "facility"), (homes, "home")):
        for i in np.flatnonzero(links.linked):
            on_segment.setdefault(int(links.segment[i]), []).append((float(links.along_m[i]), (what, int(i))))
    graph = nx.MultiDiGraph()
    for s, (u, v) in enumerate(network.ends.tolist()):
        there_s, back_s = cost_of(network, walk, s, from_u=True), cost_of(network, walk, s, from_u=False)
        if there_s == float("inf"):
            continue
        whole_m = float(network.length_m[s])
        stops = [(0.0, u), *sorted(on_segment.get(s, [])), (whole_m, v)]
        for (at, one), (next_at, other) in pairwise(stops):
            share = (next_at - at) / whole_m
            graph.add_edge(one, other, seconds=there_s * share)
            graph.add_edge(other, one, seconds=back_s * share)
    seconds = np.full((len(facilities), len(homes)), np.inf)
    reverse = graph.reverse(copy=False)
    for i in np.flatnonzero(facilities.linked):
        if ("facility", int(i)) in graph:
            found = nx.single_source_dijkstra_path_length(reverse, ("facility", int(i)), weight="seconds")
            for j in range(len(homes)):
                if ("home", j) in found:
                    link_m = facilities.link_m[i] + homes.link_m[j]
                    seconds[i, j] = found["home", j] + link_m / walk.pace_mps
    return seconds


def hilly(network: Network, seed: int, *, steepness: float = 0.15) -> Network:
    """The network with heights and with flags of every kind, thrown at random."""
    rng = np.random.default_rng(seed)
    flags = rng.integers(0, 1 << 11, len(network.ends)) & rng.integers(0, 1 << 11, len(network.ends))
    whole = Network.from_segments(
        network.node_xy, network.ends, crs=network.crs, length_m=network.length_m, node_id=network.node_id, flags=flags
    )
    return whole.with_heights(rng.uniform(0, steepness * 100, len(whole.node_id)))


def dense(times: sp.csr_array) -> np.ndarray:
    """Seconds with inf for what is out of reach (a stored zero stays a zero)."""
    full = np.full(times.shape, np.inf)
    row = np.repeat(np.arange(times.shape[0]), np.diff(times.indptr))
    full[row, times.indices] = times.data
    return full


def assert_same_times(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to a millisecond; within one of the cutoff it does not matter which side."""
    reached = np.isfinite(found) & np.isfinite(expected)
    assert (np.isfinite(found) == np.isfinite(expected)).all(), (
        f"{(np.isfinite(found) ^ np.isfinite(expected)).sum()} pairs differ"
    )
    assert np.abs(found[reached] - expected[reached]).max(initial=0.0) < 1e-3
