"""How often a site stays chosen when pace, weights and population are varied within what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.reach import Reach
from planner.schema import ROBUST, Candidates, Coverage, Robust
from planner.siting.arrays import Bools, Floats
from planner.siting.cover import newly_covered
from planner.siting.feasible import checked_problem
from planner.siting.plan import Plan
from planner.siting.problem import Problem, plain_siting
from planner.siting.search import good_choice
from planner.study import Group, Reasons, Siting

_MOVES = 200  # swaps for each candidate in a draw


@dataclass(frozen=True, eq=False)
class Robustness:
    """What came of the draws.

    Parameters
    ----------
    sites
        `planner.schema.ROBUST`: every candidate that was chosen at least once or is in the plan.
    coverage
        (draws,) the share of residents that the plan covers in each draw, rising.
    kept
        (draws,) need that the plan newly covers by that of the best plan found for the draw, 0 … 1, rising.
    """

    sites: Robust
    coverage: Floats
    kept: Floats


def vary_plan(
    plan: Plan,
    wide: Reach,
    wide_options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    groups: tuple[Group, ...],
    cutoff_s: pd.Series,
    asked: Reasons,
    stations_per_town: Mapping[str, int] | None = None,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> Robustness:
    """Propose anew for many draws of what is not known for certain, and count how often each site is chosen.

    Parameters
    ----------
    wide, wide_options
        Walks to stations and candidates at the study's own pace, up to ``1 + asked.pace`` times the cutoff: times scale
        with the pace, so that one search does for all draws.
    cutoff_s
        By demand_id, the cutoff of whoever lives there.
    asked
        How many draws, and how far pace, weights and population may be off, as shares. Each is drawn evenly: the pace once
        a draw, the weight of each group once, residents and groups once a town and once a demand point. Where need counts
        more (areas of priority), it does so in every draw.

    Returns
    -------
    With the same seed the same draws. A draw's plan keeps the study's rules; phases and equity are left out. Where nothing
    found is better than the proposed plan, that counts as chosen.
    """
    draw, tell = np.random.default_rng(asked.seed), progress or (lambda _said, _share: None)
    plain = plain_siting(siting, len(plan.sites))
    times = [_Times.of(table, coverage, cutoff_s) for table in (wide, wide_options)]
    chosen, covered, kept = np.zeros(len(candidates)), [], []
    names = candidates.sort_index().index
    for number in range(asked.draws):
        factor = draw.uniform(1 - asked.pace, 1 + asked.pace)
        stations, options = (table.within(factor) for table in times)
        world = _drawn(coverage, groups, asked, draw, stations)
        problem = checked_problem(options, world, candidates, plain, stations_per_town)
        best, mine = _best(problem, plan.sites.index, asked.seed + number)
        chosen[names.get_indexer(problem.site_ids[best])] += 1
        mine_value, best_value = newly_covered(problem, mine), newly_covered(problem, best)
        kept.append(mine_value / best_value if best_value > 0 else 1.0)
        covered.append(_share(world, options, plan.sites.index))
        tell("varying the assumptions", (number + 1) / asked.draws)
    table = _table(chosen, names, candidates, plan, asked.draws)
    return Robustness(table, np.sort(np.array(covered)), np.sort(np.array(kept)))


@dataclass(frozen=True, eq=False)
class _Times:
    """Walks as shares of the cutoff of whoever walks."""

    reach: Reach
    share: npt.NDArray[np.float32]

    @classmethod
    def of(cls, reach: Reach, coverage: Coverage, cutoff_s: pd.Series) -> _Times:
        limits = cutoff_s.reindex(reach.demand_ids).to_numpy(dtype=np.float64)
        return cls(reach, (reach.walk_s.data / limits[reach.walk_s.indices]).astype(np.float32))

    def within(self, factor: float) -> Reach:
        """The walks within the cutoff when everybody walks `factor` times as fast."""
        walk_s, inside = self.reach.walk_s, self.share <= np.float32(factor * (1 + 1e-6))
        counts = np.concatenate([[0], np.cumsum(inside)])
        table = sp.csr_array(
            (walk_s.data[inside], walk_s.indices[inside], counts[walk_s.indptr]), shape=walk_s.shape, dtype="float32"
        )
        return Reach(self.reach.facility_ids, self.reach.demand_ids, table)


def _drawn(
    coverage: Coverage, groups: tuple[Group, ...], asked: Reasons, draw: np.random.Generator, stations: Reach
) -> Coverage:
    """The coverage table of one draw: who is covered at its pace, its residents, groups and need."""
    world = coverage.copy()
    columns = {"population": 1.0} | {f"pop_{group.name}": group.weight for group in groups if f"pop_{group.name}" in world}
    town = world["town"].fillna("").astype(str) if "town" in world else pd.Series("", index=world.index)
    code, known = pd.factorize(town, sort=True)
    factor, need = _factor(world, columns), np.zeros(len(world))
    for name, weight in columns.items():
        by_town = draw.uniform(1 - asked.population, 1 + asked.population, len(known))
        by_cell = draw.uniform(1 - asked.population, 1 + asked.population, len(world))
        by_weight = 1.0 if name == "population" else draw.uniform(1 - asked.weights, 1 + asked.weights)
        world[name] = world[name].to_numpy(dtype=float) * by_town[code] * by_cell
        need += weight * by_weight * world[name].to_numpy(dtype=float)
    world["need"] = need * factor
    inside = np.zeros(len(world), dtype=bool)
    inside[world.index.get_indexer(stations.demand_ids[np.unique(stations.walk_s.indices)])] = True
    world["covered"] = inside
    return Coverage(world)


def _factor(coverage: Coverage, weights: Mapping[str, float]) -> Floats:
    """(cells,) what need counts by residents and groups of these weights: more than 1 in areas of priority."""
    plain = np.asarray(coverage[list(weights)].to_numpy(dtype=float) @ np.array(list(weights.values())))
    need = coverage["need"].to_numpy(dtype=float)
    return np.asarray(np.divide(need, plain, out=np.ones_like(plain), where=plain > 0))


def _best(problem: Problem, planned: pd.Index, seed: int) -> tuple[Bools, Bools]:
    """The best choice found, the plan itself where nothing better is; and the plan."""
    mine = np.asarray(problem.site_ids.isin(planned), dtype=np.bool_)
    found = good_choice(problem, moves=_MOVES * max(len(mine), 1), seed=seed)
    if found is None or newly_covered(problem, found > 0) <= newly_covered(problem, mine) * (1 + 1e-12):
        return mine, mine
    return found > 0, mine


def _share(world: Coverage, options: Reach, planned: pd.Index) -> float:
    """The share of residents that the plan covers in this draw."""
    inside = world["covered"].to_numpy(dtype=bool).copy()
    rows = options.facility_ids.get_indexer(planned)
    reached = np.unique(options.walk_s[rows[rows >= 0]].indices)
    inside[world.index.get_indexer(options.demand_ids[reached])] = True
    people = world["population"].to_numpy(dtype=float)
    return float(people[inside].sum() / people.sum()) if people.sum() > 0 else 0.0


def _table(chosen: Floats, names: pd.Index, candidates: Candidates, plan: Plan, draws: int) -> Robust:
    found = pd.DataFrame({"chosen": chosen, "chosen_share": chosen / max(draws, 1)}, index=names)
    found["in_plan"] = names.isin(plan.sites.index)
    found = found[(found["chosen"] > 0) | found["in_plan"]]
    kept = [name for name in ("name", "town", "host") if name in candidates]
    table = pd.DataFrame(candidates.loc[found.index, kept]).join(found)
    order = np.lexsort((table.index.astype(str), -table["chosen"].to_numpy(), ~table["in_plan"].to_numpy()))
    ranked: Robust = ROBUST.conform(table.iloc[order])
    return ranked
