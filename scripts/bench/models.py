"""The location models against PySAL spopt on the same made towns, and the p-median on the OR-Library with its known optima.

    python scripts/bench/models.py [--sizes 300x60x8,1000x150x15] [--spopt-python PATH] [--limit 120]
    python scripts/bench/models.py --own [--sizes 5000x500x40] [--limit 20]
    python scripts/bench/models.py --or-library FOLDER [--most-nodes 400]

Each engine runs in a process of its own, after one tiny town that loads its code; the whole time counts, building included.
For LSCP p is not used; p-median and p-center have a full matrix, the others times within the cutoff. Objectives: covered
people, number of sites, people times metres, metres. `--own` asks `planner` alone for every model that it has, in its own
units (a metre is a second), all within a cutoff: 2.5 km for the p-center, else 1 km; MB is what the peak of memory grows by.
OR-Library: J. E. Beasley (1990), Journal of the Operational Research Society 41:1069; `pmedopt.txt` of the folder holds the
optima.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import dijkstra
from siting import cpu_s, peak_mb

RADIUS_M = 1000.0
MODELS = ("mclp", "lscp", "p-median", "p-center")
ENGINES = ("planner", "spopt")
Size = tuple[int, int, int]


def made_town(cells: int, sites: int, chosen: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Distances in whole metres (cells x sites) and people: a square where the chosen circles can cover two thirds."""
    side = 1000.0 * np.sqrt(1.5 * np.pi * chosen)
    draw = np.random.default_rng(seed)
    homes, hosts = draw.random((cells, 2)) * side, draw.random((sites, 2)) * side
    people = draw.integers(1, 200, cells).astype(float)
    return np.round(np.hypot(homes[:, None, 0] - hosts[None, :, 0], homes[:, None, 1] - hosts[None, :, 1])), people


def by_planner(model: str, metres: np.ndarray, people: np.ndarray, chosen: int, limit: float | None) -> dict[str, object]:
    """A plan by `propose_sites`, a metre being a second."""
    import geopandas as gpd
    import pandas as pd
    import scipy.sparse as sp

    from planner.reach import Reach
    from planner.schema import CANDIDATES, COVERAGE
    from planner.siting import propose_sites
    from planner.study import Method, Siting

    full = model in ("p-median", "p-center")
    cell, site = np.nonzero(metres <= (np.inf if full else RADIUS_M))
    walk_s = sp.csr_array((metres[cell, site].astype("float32"), (site, cell)), shape=metres.T.shape)
    walk_s.sort_indices()
    ids = pd.Index([f"s{i:06d}" for i in range(metres.shape[1])], name="site_id")
    reach = Reach(ids, pd.RangeIndex(len(people), name="demand_id"), walk_s)
    nowhere = gpd.points_from_xy(np.zeros(len(people)), np.zeros(len(people)), crs="EPSG:32651")
    columns = {"population": people, "need": people, "stations_in_reach": 0, "covered": False}
    coverage = COVERAGE.conform(gpd.GeoDataFrame(columns, index=reach.demand_ids, geometry=nowhere))
    points = gpd.points_from_xy(np.zeros(len(ids)), np.zeros(len(ids)), crs="EPSG:32651")
    candidates = CANDIDATES.conform(gpd.GeoDataFrame({"name": ids}, index=ids, geometry=points))
    plan = propose_sites(reach, coverage, candidates, Siting(method=Method(model), sites=chosen, time_limit_s=limit))
    unit = 60.0 if full else 1.0
    return {"status": plan.status, "objective": plan.objective * unit, "bound": plan.objective_bound * unit}


def by_spopt(model: str, metres: np.ndarray, people: np.ndarray, chosen: int, limit: float | None) -> dict[str, object]:
    """The same by spopt with CBC; what it says is recounted from the matrix."""
    import pulp
    from spopt.locate import LSCP, MCLP, PCenter, PMedian

    if model == "lscp":  # it has no answer where somebody is out of reach of all
        metres = metres[(metres <= RADIUS_M).any(axis=1)]
        made = LSCP.from_cost_matrix(metres, RADIUS_M)
    elif model == "mclp":
        made = MCLP.from_cost_matrix(metres, people, RADIUS_M, p_facilities=chosen)
    elif model == "p-median":
        made = PMedian.from_cost_matrix(metres, people, p_facilities=chosen)
    else:
        made = PCenter.from_cost_matrix(metres, p_facilities=chosen)
    made = made.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit, gapRel=0.0))
    opened = [j for j, variable in enumerate(made.fac_vars) if variable.value() and variable.value() > 0.5]
    near = metres[:, opened].min(axis=1)
    worth = {
        "mclp": lambda: people[near <= RADIUS_M].sum(),
        "lscp": lambda: len(opened),
        "p-median": lambda: people @ near,
        "p-center": lambda: near.max(),
    }[model]()
    return {"status": pulp.LpStatus[made.problem.status].lower() + " (said)", "objective": float(worth), "bound": None}


def run_one(engine: str, model: str, size: Size, limit: float | None) -> None:
    """Run one engine on one model and town in this process and print what came of it as JSON."""
    solve = {"planner": by_planner, "spopt": by_spopt}[engine]
    solve(model, *made_town(30, 6, 2), 2, limit)
    town = made_town(*size)
    start, cpu = time.perf_counter(), cpu_s()
    said = solve(model, *town, size[2], limit)
    print(json.dumps(said | {"seconds": time.perf_counter() - start, "cpu_s": cpu_s() - cpu}))


def own_models(people: float, chosen: int) -> dict[str, dict[str, object]]:
    """What each line of the table asks of a town with so many people and sites, as keys of ``[siting]``."""
    from planner.study import Equity, Phase

    halves = tuple(Phase(dt.date(2026 + i, 12, 31), n) for i, n in enumerate((chosen // 2, chosen - chosen // 2)))
    return {
        "mclp": {},
        "mclp, a minimum a town": {"per_town_min": 1},
        "mclp, two phases": {"phases": halves},
        "decay linear": {"decay": "linear"},
        "backup .5": {"backup": 0.5},
        "capacity": {"capacity": True, "capacity_default": 0.8 * people / chosen},
        "equity, floor .4": {"equity": Equity(floor=0.4)},
        "equity, weight .5": {"equity": Equity(weight=0.5)},
        "p-median": {"method": "p-median"},
        "lscp 1": {"method": "lscp"},
        "lscp .95": {"method": "lscp", "share": 0.95},
        "lscp .9": {"method": "lscp", "share": 0.9},
        "p-center 1": {"method": "p-center"},
        "p-center .9": {"method": "p-center", "share": 0.9},
    }


def run_own(name: str, size: Size, limit: float | None) -> None:
    """Plan one line of the table in this process and print what came of it as JSON."""
    from siting_large import RADIUS_M as NEAR_M
    from siting_large import made

    from planner.siting import propose_sites
    from planner.study import Method, Siting

    def plan(cells: int, sites: int, chosen: int) -> dict[str, object]:
        keys = own_models(100.0 * cells, chosen)[name]
        method = Method(str(keys.get("method", "mclp")))
        siting = Siting(**{"sites": chosen, "time_limit_s": limit, **keys, "method": method})
        town = made(cells, sites, siting, (2, 2), radius=2.5 * NEAR_M if method is Method.P_CENTER else NEAR_M)
        tables = town.tables()
        before, start = peak_mb(anew=True), cpu_s()
        found = propose_sites(*tables, siting)
        said = {"objective": found.objective, "bound": found.objective_bound, "gap": found.gap, "status": str(found.status)}
        return said | {"cpu_s": cpu_s() - start, "mb": peak_mb() - before}

    plan(400, 40, 8)  # loads the code
    print(json.dumps(plan(*size)))


def own_table(sizes: list[Size], limit: float | None, only: str) -> None:
    """Every model of `planner` on every town."""
    heads = ("model", "size", "objective", "bound", "gap", "cpu s", "MB", "status")
    print("{:<24} {:>14} {:>14} {:>14} {:>8} {:>7} {:>5}  {}".format(*heads))
    for size in sizes:
        for name in own_models(1.0, 2):
            if only not in name:
                continue
            said_size = "x".join(map(str, size))
            asked = [sys.executable, __file__, "--own", "--one", name, "--sizes", said_size]
            asked += [] if limit is None else ["--limit", str(limit)]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name:<24} {said_size:>14} failed: {done.stderr.strip().splitlines()[-1:]}", flush=True)
                continue
            said = json.loads(done.stdout.splitlines()[-1])
            figures = (
                f"{said['objective']:14.1f} {said['bound']:14.1f} {said['gap']:8.3%} {said['cpu_s']:7.1f} {said['mb']:5.0f}"
            )
            print(f"{name:<24} {said_size:>14} {figures}  {said['status']}", flush=True)


def table(sizes: list[Size], spopt_python: str, limit: float | None) -> None:
    """Every engine on every model and town."""
    heads = ("model", "cells", "sites", "p", "engine", "seconds", "cpu s", "objective", "bound", "status")
    print("{:<9} {:>6} {:>5} {:>4} {:<8} {:>8} {:>8} {:>13} {:>13}  {}".format(*heads))
    for size in sizes:
        for model in MODELS:
            for engine in ENGINES:
                python = spopt_python if engine == "spopt" else sys.executable
                asked = [python, __file__, "--one", engine, "--model", model, "--sizes", "x".join(map(str, size))]
                asked += [] if limit is None else ["--limit", str(limit)]
                done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
                head = f"{model:<9} {size[0]:>6} {size[1]:>5} {size[2]:>4} {engine:<8}"
                if done.returncode:
                    print(f"{head} failed: {done.stderr.strip().splitlines()[-1:]}")
                    continue
                said = json.loads(done.stdout.splitlines()[-1])
                bound = "-" if said["bound"] is None else f"{said['bound']:.1f}"
                figures = f"{said['seconds']:8.2f} {said['cpu_s']:8.2f} {said['objective']:13.1f} {bound:>13}"
                print(f"{head} {figures}  {said['status']}", flush=True)


def or_library(folder: Path, most_nodes: int) -> None:
    """Every instance of the folder up to so many nodes: the value found, its bound, the known optimum, and CPU seconds."""
    lines = (folder / "pmedopt.txt").read_text().split("\n")[1:]
    optima = {line.split()[0]: float(line.split()[1]) for line in lines if line.strip()}
    print(
        "{:<8} {:>5} {:>4} {:>8} {:>10} {:>8} {:>8}  {}".format(
            "name", "nodes", "p", "found", "bound", "optimum", "cpu s", "status"
        )
    )
    for file in sorted(folder.glob("pmed[0-9]*.txt"), key=lambda path: int(path.stem.removeprefix("pmed"))):
        metres, chosen = read_instance(file)
        if len(metres) > most_nodes:
            continue
        cpu = cpu_s()
        said = by_planner("p-median", metres, np.ones(len(metres)), chosen, None)
        figures = f"{said['objective']:8.0f} {said['bound']:10.2f} {optima[file.stem]:8.0f} {cpu_s() - cpu:8.2f}"
        print(f"{file.stem:<8} {len(metres):>5} {chosen:>4} {figures}  {said['status']}", flush=True)


def read_instance(file: Path) -> tuple[np.ndarray, int]:
    """Shortest paths between all nodes of an OR-Library p-median instance, and p; of parallel edges the last counts."""
    numbers = np.array(file.read_text().split(), dtype=np.int64)
    nodes, edges, chosen = (int(number) for number in numbers[:3])
    lengths = np.zeros((nodes, nodes))
    for u, v, length in numbers[3 : 3 + 3 * edges].reshape(-1, 3):
        lengths[u - 1, v - 1] = lengths[v - 1, u - 1] = length
    return dijkstra(lengths, directed=False), chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="300x60x8,1000x150x15")
    parser.add_argument("--spopt-python", default=sys.executable)
    parser.add_argument("--limit", type=float, help="seconds for each engine's solver")
    parser.add_argument("--or-library", type=Path)
    parser.add_argument("--most-nodes", type=int, default=400)
    parser.add_argument("--own", action="store_true", help="every model of planner alone: objective, bound, gap, CPU, memory")
    parser.add_argument("--only", default="", help="with --own: models whose name holds this")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--model", choices=MODELS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    parts = [[int(part) for part in size.split("x")] for size in asked.sizes.split(",")]
    sizes = [(size[0], size[1], size[2]) for size in parts]
    if asked.or_library:
        or_library(asked.or_library, asked.most_nodes)
    elif asked.own and asked.one:
        run_own(asked.one, sizes[0], asked.limit)
    elif asked.own:
        own_table(sizes, asked.limit, asked.only)
    elif asked.one:
        run_one(asked.one, asked.model, sizes[0], asked.limit)
    else:
        table(sizes, asked.spopt_python, asked.limit)


if __name__ == "__main__":
    main()
