"""Maximal covering against PySAL spopt and plain HiGHS: the same made towns, whole time (building included), memory, gap.

    python scripts/bench/siting.py [--sizes 2000x200x20,5000x500x40] [--spopt-python PATH] [--limit 120]

Each engine runs in a process of its own, after one tiny town that loads its code; MB is what the peak then grows by, its
own children included. spopt may live in another interpreter.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

RADIUS_M = 1000.0
ENGINES = ("planner", "highspy", "spopt")


def peak_mb(*, anew: bool = False) -> float:
    """The most memory that this process has held, counted from now on if `anew`, as Linux says (nothing inherited is in it)."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def cpu_s() -> float:
    """Processor seconds of this process and of the solvers that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def made_town(cells: int, sites: int, chosen: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Distances in metres (cells x sites) and people: a square where the chosen circles can cover two thirds."""
    side = 1000.0 * np.sqrt(1.5 * np.pi * chosen)
    draw = np.random.default_rng(seed)
    homes, hosts = draw.random((cells, 2)) * side, draw.random((sites, 2)) * side
    people = draw.integers(1, 200, cells).astype(float)
    return np.hypot(homes[:, None, 0] - hosts[None, :, 0], homes[:, None, 1] - hosts[None, :, 1]), people


def by_planner(metres: np.ndarray, people: np.ndarray, chosen: int, limit: float) -> dict[str, object]:
    import geopandas as gpd
    import pandas as pd
    import scipy.sparse as sp

    from planner.reach import Reach
    from planner.schema import CANDIDATES, COVERAGE
    from planner.siting import propose_sites
    from planner.study import Siting

    cell, site = np.nonzero(metres <= RADIUS_M)
    walk_s = sp.csr_array((metres[cell, site].astype("float32"), (site, cell)), shape=metres.T.shape)
    walk_s.sort_indices()
    ids = pd.Index([f"s{i:06d}" for i in range(metres.shape[1])], name="site_id")
    reach = Reach(ids, pd.RangeIndex(len(people), name="demand_id"), walk_s)
    nowhere = gpd.points_from_xy(np.zeros(len(people)), np.zeros(len(people)), crs="EPSG:32651")
    columns = {"population": people, "need": people, "stations_in_reach": 0, "covered": False}
    coverage = COVERAGE.conform(gpd.GeoDataFrame(columns, index=reach.demand_ids, geometry=nowhere))
    candidates = CANDIDATES.conform(gpd.GeoDataFrame({"name": ids}, index=ids, geometry=nowhere[: len(ids)]))
    plan = propose_sites(reach, coverage, candidates, Siting(sites=chosen, time_limit_s=limit))
    return {"status": plan.status, "covered": plan.covered_after, "bound": plan.bound}


def by_highspy(metres: np.ndarray, people: np.ndarray, chosen: int, limit: float) -> dict[str, object]:
    import highspy
    import scipy.sparse as sp

    cells, sites = metres.shape
    near = sp.csr_array(metres <= RADIUS_M).astype(float)
    rows = sp.csr_array(
        sp.vstack([sp.hstack([near, sp.eye_array(cells)]), sp.csr_array(np.r_[np.ones(sites), np.zeros(cells)][None])])
    )
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.r_[np.zeros(sites), people], np.zeros(sites + cells), np.ones(sites + cells)
    lp.row_lower_, lp.row_upper_ = np.r_[np.ones(cells), chosen], np.r_[np.full(cells, np.inf), chosen]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    kinds = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    lp.integrality_ = [kinds[0]] * sites + [kinds[1]] * cells
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "time_limit": limit}.items():
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    highs.run()
    info, total = highs.getInfo(), float(people.sum())
    proven = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    status = "optimal" if proven else "feasible"
    return {"status": status, "covered": total - info.objective_function_value, "bound": total - info.mip_dual_bound}


def by_spopt(metres: np.ndarray, people: np.ndarray, chosen: int, limit: float) -> dict[str, object]:
    import pulp
    from spopt.locate import MCLP

    model = MCLP.from_cost_matrix(metres, people, RADIUS_M, p_facilities=chosen)
    model = model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit, gapRel=0.0))
    opened = [j for j, clients in enumerate(model.fac2cli) if clients]
    covered = float(people[(metres[:, opened] <= RADIUS_M).any(axis=1)].sum())
    return {"status": pulp.LpStatus[model.problem.status].lower() + " (said)", "covered": covered, "bound": None}


def run_one(engine: str, size: tuple[int, int, int], limit: float) -> None:
    """Run one engine on one town in this process and print what came of it as JSON."""
    solve = {"planner": by_planner, "highspy": by_highspy, "spopt": by_spopt}[engine]
    solve(*made_town(30, 6, 2), 2, limit)
    town = made_town(*size)
    held, cpu, start = peak_mb(anew=True), cpu_s(), time.perf_counter()
    said = solve(*town, size[2], limit)
    said |= {"seconds": time.perf_counter() - start, "cpu_s": cpu_s() - cpu}
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps(said | {"peak_mb": peak_mb() - held + child}))


def table(sizes: list[tuple[int, int, int]], spopt_python: str, limit: float) -> None:
    """Every engine on every town, as a table."""
    names = ("cells", "sites", "p", "engine", "seconds", "cpu s", "MB", "covered", "bound", "status")
    print("{:>7} {:>6} {:>4} {:<8} {:>8} {:>7} {:>6} {:>10} {:>12}  {}".format(*names))
    for size in sizes:
        for engine in ENGINES:
            python = spopt_python if engine == "spopt" else sys.executable
            asked = [python, __file__, "--one", engine, "--sizes", "x".join(map(str, size)), "--limit", str(limit)]
            done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
            if done.returncode:
                print(f"{size[0]:>7} {size[1]:>6} {size[2]:>4} {engine:<8} failed: {done.stderr.strip().splitlines()[-1:]}")
                continue
            said = json.loads(done.stdout.splitlines()[-1])
            bound = "-" if said["bound"] is None else f"{said['bound']:.1f}"
            figures = f"{said['seconds']:8.2f} {said['cpu_s']:7.2f} {said['peak_mb']:6.0f} {said['covered']:10.0f} {bound:>12}"
            print(f"{size[0]:>7} {size[1]:>6} {size[2]:>4} {engine:<8} {figures}  {said['status']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="2000x200x20,5000x500x40")
    parser.add_argument("--spopt-python", default=sys.executable)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each engine's solver")
    parser.add_argument("--one", choices=ENGINES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sizes = [tuple(int(part) for part in size.split("x")) for size in asked.sizes.split(",")]
    towns = [(size[0], size[1], size[2]) for size in sizes]
    if asked.one:
        run_one(asked.one, towns[0], asked.limit)
    else:
        table(towns, asked.spopt_python, asked.limit)


if __name__ == "__main__":
    main()
