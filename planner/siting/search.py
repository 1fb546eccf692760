"""A good choice to begin from, found without a solver: greedy, then annealing by swaps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from planner.siting import kernels
from planner.siting.arrays import Bools, Floats, Ints
from planner.siting.cover import newly_covered, value_of
from planner.siting.kernels import Cover, Keep
from planner.siting.problem import NOWHERE, Problem, Rules
from planner.siting.together import kept_choice

HOT, COLD = 0.04, 0.001  # losses taken at the start and at the end, in shares of what a site covers on average


def good_choice(problem: Problem, *, moves: int, runs: int = 2, seed: int = 0) -> Ints | None:
    """A good choice of sites with their phases, keeping the rules; None if none was found that does.

    Parameters
    ----------
    moves
        Swaps tried in each run.
    runs
        Independent runs; the best is taken, the first of equals.
    seed
        The same seed gives the same choice.
    """
    cover, keep = arrays(problem)
    rules = problem.rules
    greedy = kernels.greedy(cover, keep, np.zeros(len(rules.town), dtype=np.bool_), rules.steps[-1])
    begin = begin_within(rules, greedy, np.asarray(problem.reach @ problem.weight))
    if begin is None:
        return None
    unit = max(newly_covered(problem, begin) / max(int(begin.sum()), 1), 1e-12)
    heat = HOT * unit, COLD * unit
    with ThreadPoolExecutor(runs) as pool:
        seeds = range(seed * runs + 1, seed * runs + runs + 1)
        ends = list(pool.map(lambda own: kernels.anneal(cover, keep, begin, moves, *heat, own), seeds))
    end = max([begin, *ends], key=lambda choice: newly_covered(problem, choice))
    if len(rules.steps) == 1:
        return end.astype(np.int64)
    return _in_phases(problem, cover, keep, end, moves, unit, seed)


def begin_within(rules: Rules, greedy: Bools, worth: Floats) -> Bools | None:
    """A greedy choice; where it breaks a rule the one that keeps all and is worth most site by site, if any is found."""
    return greedy if keeps_rules(rules, greedy) else kept_choice(rules, worth)


def arrays(problem: Problem) -> tuple[Cover, Keep]:
    """A problem as the compiled loops take it."""
    return cover_arrays(problem.reach, problem.weight), keep_of(problem.rules)


def keep_of(rules: Rules) -> Keep:
    """The rules as the compiled loops take them; candidates of no town share one town without rules."""
    sites = len(rules.town)
    a, b = rules.apart[:, 0], rules.apart[:, 1]
    near = sp.csr_array((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), shape=(sites, sites))
    return Keep(
        forced=rules.forced,
        town=np.where(rules.town == NOWHERE, len(rules.towns), rules.town).astype(np.int64),
        least=np.append(rules.short, 0).astype(np.int64),
        most=np.append(rules.room, sites).astype(np.int64),
        cost=rules.cost,
        budget=float(rules.budget),
        near_starts=near.indptr.astype(np.int64),
        near=near.indices.astype(np.int32),
    )


def keeps_rules(rules: Rules, chosen: Bools) -> bool:
    """Whether a choice keeps every rule at the end."""
    have = np.bincount(rules.town[chosen & (rules.town != NOWHERE)], minlength=len(rules.towns))
    asked, count = rules.steps[-1], int(chosen.sum())
    return bool(
        (count == asked or (count < asked and rules.at_most))
        and not (rules.forced & ~chosen).any()
        and (have >= rules.short).all()
        and (have <= np.maximum(rules.room, 0)).all()
        and rules.cost[chosen].sum() <= rules.budget
        and not chosen[rules.apart].all(axis=1).any()
    )


def _in_phases(problem: Problem, cover: Cover, keep: Keep, end: Bools, moves: int, unit: float, seed: int) -> Ints:
    """Give the sites of a good end their phases, first those that add most, then anneal all phases together."""
    periods, inside = len(problem.rules.steps), np.flatnonzero(end)
    part, free = cover_arrays(problem.reach[inside], problem.weight), no_rules(len(inside))
    phase = np.full(len(end), periods, dtype=np.int64)
    stands = np.zeros(len(inside), dtype=np.bool_)
    for number, step in enumerate(problem.rules.steps):
        then = kernels.greedy(part, free, stands, min(step, len(inside)))
        phase[inside[then & ~stands]] = number
        stands = then
    heat = unit * periods / 2
    found = kernels.anneal_phases(cover, keep, phase, periods, moves, HOT * heat, COLD * heat, seed + 1)
    both = [np.where(p == periods, 0, p + 1).astype(np.int64) for p in (phase, found)]
    return max(both, key=lambda choice: value_of(problem, choice))


def improved(cover: Cover, keep: Keep, begin: Bools, asked: int, *, moves: int, seed: int = 0) -> Bools:
    """A choice grown greedily to `asked` sites and then annealed."""
    grown = kernels.greedy(cover, keep, begin, asked)
    unit = max(float(cover.weight.sum()) / max(asked, 1), 1e-12)
    return kernels.anneal(cover, keep, grown, moves, HOT * unit, COLD * unit, seed + 1)


def cover_arrays(reach: sp.csr_array, weight: Floats) -> Cover:
    """Which site covers which cells, as the compiled loops take it."""
    by_cell = sp.csr_array(reach.T)
    own = reach.indptr.astype(np.int64), reach.indices.astype(np.int32, copy=False)
    return Cover(*own, weight, by_cell.indptr.astype(np.int64), by_cell.indices.astype(np.int32, copy=False))


def no_rules(sites: int) -> Keep:
    """Nothing to keep, for so many sites of one town."""
    nowhere, free = np.zeros(sites, dtype=np.int64), np.zeros(sites, dtype=np.bool_)
    no_pairs = np.zeros(sites + 1, dtype=np.int64), np.zeros(0, dtype=np.int32)
    return Keep(free, nowhere, np.zeros(1, np.int64), np.full(1, sites), np.zeros(sites), np.inf, *no_pairs)
