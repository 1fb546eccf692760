"""Maximal covering at the sizes where no peer comes along: how good the plan is, how good its proof, seconds and memory.

    python scripts/bench/siting_large.py [--only million] [--points FILE.csv]

Each case is made here and planned in a process of its own, after one tiny town that loads the code; MB is the peak of that
process, the tables included, less what Python and the libraries hold before (read from Linux).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from siting import peak_mb

from planner.reach import Reach
from planner.schema import CANDIDATES, COVERAGE, Candidates, Coverage
from planner.siting import propose_sites
from planner.study import Phase, Siting

RADIUS_M = 1000.0


@dataclass(frozen=True, eq=False)
class Case:
    """A town to plan and what is asked, as arrays: metres, people, and sites x cells the metres between those in reach."""

    homes: np.ndarray
    hosts: np.ndarray
    people: np.ndarray
    metres: sp.csr_array
    siting: Siting
    grid: tuple[int, int]

    def tables(self) -> tuple[Reach, Coverage, Candidates]:
        """The same as tables; towns are the fields of a grid over the square."""
        sites = site_ids(len(self.hosts))
        cells = pd.RangeIndex(len(self.homes), name="demand_id")
        columns = {"population": self.people, "need": self.people, "town": self._town(self.homes)}
        return (
            Reach(sites, cells, self.metres),
            COVERAGE.conform(_placed(columns | {"stations_in_reach": 0, "covered": False}, cells, self.homes)),
            CANDIDATES.conform(_placed({"name": sites, "town": self._town(self.hosts)}, sites, self.hosts)),
        )

    def _town(self, xy: np.ndarray) -> np.ndarray:
        side, (across, up) = self.homes.max() + 1, self.grid
        names = np.array([f"T{i:03d}" for i in range(across * up)], dtype=object)
        return names[(xy[:, 0] / side * across).astype(int) * up + (xy[:, 1] / side * up).astype(int)]


def site_ids(count: int) -> pd.Index:
    return pd.Index([f"s{i:06d}" for i in range(count)], name="site_id")


def _placed(columns: dict[str, object], index: pd.Index, xy: np.ndarray) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, index=index, geometry=shapely.points(xy), crs="EPSG:32651")


def metres_within(homes: np.ndarray, hosts: np.ndarray, radius: float) -> sp.csr_array:
    """Sites x cells: the metres between those within the radius, each site looking through its own strip of homes."""
    order = np.argsort(homes[:, 0], kind="stable").astype(np.int32)
    x, y = homes[order].T.copy()
    starts, cells, metres = [0], [], []
    for east, north in hosts:
        strip = slice(*np.searchsorted(x, [east - radius, np.nextafter(east + radius, np.inf)]))
        far = np.hypot(x[strip] - east, y[strip] - north)
        near = np.flatnonzero(far <= radius)
        own = order[strip][near]
        rising = np.argsort(own)
        cells.append(own[rising])
        metres.append(far[near][rising].astype(np.float32))
        starts.append(starts[-1] + len(own))
    shape = (len(hosts), len(homes))
    return sp.csr_array((np.concatenate(metres), np.concatenate(cells), np.array(starts, dtype=np.int32)), shape=shape)


def made(
    cells: int, sites: int, siting: Siting, grid: tuple[int, int] = (1, 1), seed: int = 0, *, radius: float = RADIUS_M
) -> Case:
    """A square where the circles (1 km) of the sites asked for can cover two thirds."""
    side = 1000.0 * np.sqrt(1.5 * np.pi * siting.sites)
    draw = np.random.default_rng(seed)
    homes, hosts = draw.random((cells, 2)) * side, draw.random((sites, 2)) * side
    people = draw.integers(1, 200, cells).astype(float)
    return Case(homes, hosts, people, metres_within(homes, hosts, radius), siting, grid)


def million_with_towns() -> Case:
    fixed = tuple(site_ids(10_000)[np.sort(np.random.default_rng(1).permutation(10_000)[:120])])
    return made(1_000_000, 10_000, Siting(sites=350, per_town_min=1, required=fixed, time_limit_s=18.0), (20, 11))


def district() -> Case:
    days = [dt.date(2025, 12, 31), dt.date(2026, 12, 31), dt.date(2027, 12, 31)]
    phases = tuple(Phase(by, sites) for by, sites in zip(days, (5, 8, 11), strict=True))
    return made(10_000, 300, Siting(sites=24, per_town_min=1, phases=phases), (4, 3))


CASES: dict[str, Callable[[], Case]] = {
    "20 k x 2 k, p 100": lambda: made(20_000, 2_000, Siting(sites=100, time_limit_s=6.0)),
    "district, 12 towns, 3 phases": district,
    "million, 220 towns, 120 fixed": million_with_towns,
    "million, plain": lambda: made(1_000_000, 10_000, Siting(sites=350, time_limit_s=40.0)),
    "10 M x 100": lambda: made(10_000_000, 100, Siting(sites=20)),
}


def city(points: Path, count: int, sites: int, radius: float) -> Case:
    """Points of a city, each a home and a possible site, as the published covering sets have them; weights are drawn."""
    xy = pd.read_csv(points)[["x", "y"]].to_numpy(dtype=float)
    draw = np.random.default_rng(count)
    xy = xy[np.sort(draw.permutation(len(xy))[:count])] - xy.min(axis=0)
    people = draw.integers(1, 100, len(xy)).astype(float)
    return Case(xy, xy, people, metres_within(xy, xy, radius), Siting(sites=sites, time_limit_s=36.0), (1, 1))


def city_cases(points: Path) -> dict[str, Callable[[], Case]]:
    asked = [
        (2_700, 20, 800.0),
        (2_700, 60, 500.0),
        (4_500, 40, 600.0),
        (4_500, 100, 400.0),
        (7_700, 60, 500.0),
        (7_700, 150, 350.0),
    ]
    return {f"city {n} points, p {p}, {r:g} m": lambda n=n, p=p, r=r: city(points, n, p, r) for n, p, r in asked}


def run_one(file: Path) -> None:
    """Plan the case in a file in this process and print what came of it as JSON."""
    tiny = made(300, 12, Siting(sites=3))
    propose_sites(*tiny.tables(), tiny.siting)
    before = peak_mb(anew=True)
    with file.open("rb") as stored:
        town: Case = pickle.load(stored)  # noqa: S301 - written by this script a moment ago
    tables = town.tables()
    peak_mb(anew=True)  # not what making them took
    wall, cpu = time.perf_counter(), time.process_time()
    plan = propose_sites(*tables, town.siting)
    said = {"seconds": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    said |= {"peak_mb": peak_mb() - before, "status": plan.status}
    said |= {"covered": plan.covered_after, "bound": plan.objective_bound, "gap": plan.gap, "pairs": int(town.metres.nnz)}
    said["loss"] = [phase.loss / phase.best_bound for phase in plan.phases]
    print(json.dumps(said))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--points", type=Path, help="a table with x, y in metres, for the cases of a city")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        run_one(asked.one)
        return
    print(f"{'case':<32} {'seconds':>8} {'cpu s':>7} {'MB':>6} {'gap':>7}  status")
    for name, case in (CASES | (city_cases(asked.points) if asked.points else {})).items():
        if asked.only in name:
            print(f"{name:<32} {planned_apart(case())}", flush=True)


def planned_apart(case: Case) -> str:
    """A line on a case, planned in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.pickle"
        with file.open("wb") as stored:
            pickle.dump(case, stored, protocol=5)
        del case
        done = subprocess.run([sys.executable, __file__, "--one", str(file)], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1:]}"
    said = json.loads(done.stdout.splitlines()[-1])
    losses = "" if len(said["loss"]) == 1 else "; loss a phase " + ", ".join(f"{loss:.2%}" for loss in said["loss"])
    figures = f"{said['seconds']:8.1f} {said['cpu_s']:7.1f} {said['peak_mb']:6.0f} {said['gap']:7.3%}"
    return f"{figures}  {said['status']}, covers {said['covered']:.0f} ({said['pairs']} pairs){losses}"


if __name__ == "__main__":
    main()
