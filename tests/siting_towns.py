"""Tables of times made by hand, for siting: who reaches which cell, and what each cell weighs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
from shapely.geometry import Point

from planner.reach import Reach
from planner.schema import CANDIDATES, COVERAGE, Candidates, Coverage

CRS = "EPSG:32651"


def siting_town(
    reached: Mapping[str, Mapping[int, float] | Iterable[int]],
    need: Sequence[float],
    *,
    covered: Iterable[int] = (),
    walks: Mapping[int, float] | None = None,
    cell_towns: Sequence[str | None] | None = None,
    towns: Sequence[str | None] | None = None,
    places: Sequence[tuple[float, float]] | None = None,
    **columns: Sequence[object],
) -> tuple[Reach, Coverage, Candidates]:
    """Times, coverage and candidates: `reached` says which cells each candidate reaches (and in how many seconds)."""
    cells, sites = np.arange(len(need)), list(reached)
    times = {name: dict(of) if isinstance(of, Mapping) else dict.fromkeys(of, 60.0) for name, of in reached.items()}
    row = [i for i, name in enumerate(sites) for _ in times[name]]
    col = [cell for name in sites for cell in times[name]]
    seconds = np.array([t for name in sites for t in times[name].values()], dtype="float32")
    walk_s = sp.csr_array((seconds, (row, col)), shape=(len(sites), len(cells)), dtype="float32")
    walk_s.sort_indices()
    reach = Reach(pd.Index(sites, name="site_id"), pd.Index(cells, name="demand_id"), walk_s)
    stands = np.isin(cells, list(covered))
    nearest = [(walks or {}).get(int(i), 0.0 if stands[i] else np.nan) for i in cells]
    coverage = {
        "demand_id": cells, "population": list(need), "need": list(need), "covered": stands,
        "stations_in_reach": stands.astype(int), "nearest_walk_s": nearest,
        "town": list(cell_towns) if cell_towns else ["A"] * len(need),
    }  # fmt: skip
    at = [Point(place) for place in (places or [(1000.0 * i, 0.0) for i in range(len(sites))])]
    hosts = {"site_id": sites, "name": [f"Host {name}" for name in sites], "town": list(towns or ["A"] * len(sites)), **columns}
    return (
        reach,
        COVERAGE.conform(gpd.GeoDataFrame(coverage, geometry=[Point(float(i), 0.0) for i in cells], crs=CRS)),
        CANDIDATES.conform(gpd.GeoDataFrame(hosts, geometry=at, crs=CRS)),
    )


def scattered_town(
    cells: int, sites: int, *, seed: int = 0, radius: float = 0.3, towns: int = 1, covered: float = 0.1, whole: bool = True
) -> tuple[Reach, Coverage, Candidates]:
    """People and candidates scattered over a unit square; a candidate reaches the cells within `radius`, 1 s for each 0.001."""
    draw = np.random.default_rng(seed)
    home, host = draw.random((cells, 2)), draw.random((sites, 2))
    people = draw.integers(0, 50, cells).astype(float) if whole else draw.random(cells) * 50
    far = np.hypot(home[None, :, 0] - host[:, None, 0], home[None, :, 1] - host[:, None, 1])
    reached = {
        f"c{i:03d}": {int(j): float(np.round(1000 * far[i, j])) for j in np.flatnonzero(far[i] <= radius)} for i in range(sites)
    }
    stands = np.flatnonzero(draw.random(cells) < covered).tolist()
    return siting_town(
        reached,
        people.tolist(),
        covered=stands,
        walks={j: float(draw.integers(0, 300)) for j in stands},
        cell_towns=[f"T{int(x * towns)}" for x in home[:, 0]],
        towns=[f"T{int(x * towns)}" for x in host[:, 0]],
        places=[(1000.0 * x, 1000.0 * y) for x, y in host],
        cost=draw.integers(1, 10, sites).astype(float).tolist(),
    )


def shuffled(reach: Reach, coverage: Coverage, candidates: Candidates, seed: int) -> tuple[Reach, Coverage, Candidates]:
    """The same tables, every row somewhere else."""
    draw = np.random.default_rng(seed)
    rows, cols = draw.permutation(len(reach.facility_ids)), draw.permutation(len(reach.demand_ids))
    walk_s = sp.csr_array(sp.csr_array(reach.walk_s[rows])[:, cols])
    walk_s.sort_indices()
    other = Reach(reach.facility_ids[rows], reach.demand_ids[cols], walk_s)
    return other, coverage.iloc[draw.permutation(len(coverage))], candidates.iloc[draw.permutation(len(candidates))]
