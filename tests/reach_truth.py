"""Independent opinions for the tests of reach: links by looking at every segment, times by networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import scipy.sparse as sp

from planner.network import EdgeFlag, Network
from planner.reach import Links
from planner.reach.streets import FRAGMENT_M

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
