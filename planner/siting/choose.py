"""The choice of sites for all phases together, and each phase's own best to hold it against."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from planner.errors import PlanError
from planner.siting.arrays import Bools, Ints, inner
from planner.siting.cover import Chosen, CoverModel, sealed, single, value_of
from planner.siting.dominated import needless, put_back, without
from planner.siting.dual import dual_bound
from planner.siting.fair import anneal_fair, no_parts
from planner.siting.merge import merge_cells
from planner.siting.problem import Problem
from planner.siting.search import COLD, HOT, arrays, good_choice
from planner.siting.solver import is_over, meets, relax, seconds_left, solve
from planner.siting.tree import branch_and_bound

_QUICK, _LONG = 100, 1_500  # swaps a run for each candidate: enough for most; before a search tree is grown
_EFFORT = 2e9  # entries looked at in a run of swaps: some ten seconds
_PACE = 1e8  # entries looked at in a second, on a slow machine
_WORK = 4e8  # see `branch_and_bound`: a quarter of a minute
_NODES = 2_000  # of the solver's tree, where no choice to begin from is found
LARGE = 400_000  # entries of a relaxation that the interior point still solves in seconds
ALL = 1e-12  # so close to all of it is all of it
_ROUNDS = 25, 100  # of the primal-dual method for larger ones, least and most
_PRICED = 4e9  # entries looked at in all of them, where that asks for neither
_STEP = 80  # entries looked at in a round, for each there is
_TURNS = 6  # of two runs, in which a long one is cut
_KEPT = 5  # of the choices of the turns before
_POOLED = 50_000  # entries of a problem over the sites of several choices that is solved in a second
_POOL_WORK = 2e7  # see `branch_and_bound`: a second


def choose_cover(problem: Problem, *, seconds: float | None = None, seed: int = 0) -> tuple[Chosen, list[Chosen]]:
    """The best choice over all phases together, and for each phase the best choice were it the only one.

    `seconds`, if given, are shared out: half to the choice itself, the rest to the phases alone.
    """
    steps = problem.rules.steps
    if (out := needless(problem)).any():
        whole, alone_each = choose_cover(without(problem, out), seconds=seconds, seed=seed)
        return put_back(whole, out), [put_back(one, out) for one in alone_each]
    if len(steps) == 1:
        whole = best_cover(problem, seconds=seconds, seed=seed)
        return whole, [whole]
    half = None if seconds is None else seconds / 2
    each = None if half is None else half / len(steps)
    whole = best_cover(problem, seconds=half, seed=seed)
    alone = [single(problem, step, end=step == steps[-1]) for step in steps]
    return whole, [best_cover(one, seconds=each, seed=seed) for one in alone]


def best_cover(problem: Problem, *, seconds: float | None = None, seed: int = 0) -> Chosen:
    """The choice that covers most need, added up over the phases.

    A good choice is searched, the relaxation bounds it, and only if they do not meet is a tree grown over what they leave
    open.

    Parameters
    ----------
    seconds
        About so many seconds at most; the bound is honest wherever it stops. None limits the work instead.
    seed
        The same seed gives the same choice.

    Raises
    ------
    PlanError
        If no choice keeps the rules, or none was found within the limits.
    """
    rows = len(problem.rules.steps) if problem.terms is None else 2
    if problem.reach.nnz * rows > LARGE and (problem.terms is None or problem.terms.again is not None):
        return _large_cover(problem, seconds, seed)
    until = None if seconds is None else time.monotonic() + seconds
    model = CoverModel.of(problem)
    start = good_choice(problem, moves=moves_for(problem, _QUICK), seed=seed)
    columns = None if start is None else model.begin(start)
    relaxed = None if columns is None else relax(model.model, until=until)
    if start is None or columns is None or relaxed is None:
        effort, left = (_NODES, None) if until is None else (None, seconds_left(until))
        return model.chosen(solve(model.model, start=columns, effort=effort, seconds=left))
    if is_over(until) and not relaxed.solved:
        return sealed(problem, start, min(model.need(relaxed.bound), bound_by_price(problem, until=until)))
    if not meets(relaxed, inner(model.model.cost, columns), model.step):
        enough = model.need(relaxed.bound + model.step * (1 - 1e-6))  # what covers more is proven
        other = pooled_choice(problem, moves=moves_for(problem, _LONG, seconds), enough=enough, until=until, seed=seed)
        again = None if other is None else model.begin(other)
        both = [columns] if again is None else [columns, again]
        columns = min(both, key=lambda x: inner(model.model.cost, x))
    work, left = (_WORK, None) if until is None else (np.inf, seconds_left(until))
    answer = branch_and_bound(model.model, relaxed, columns, step=model.step, work=work, seconds=left)
    return model.chosen(answer)


def _large_cover(problem: Problem, seconds: float | None, seed: int) -> Chosen:
    """A choice too large for a tree: the best that swaps find, and a bound for each phase alone."""
    until = None if seconds is None else time.monotonic() + seconds
    start = pooled_choice(problem, moves=moves_for(problem, _LONG, seconds), until=until, seed=seed)
    if start is not None and problem.terms is not None:
        start = _backed_up(problem, start, moves_for(problem, _LONG, seconds), seed)
    if start is None:
        raise PlanError(
            "no plan was found that keeps every rule, and the town is too large to prove there is none", status="limit"
        )
    enough = value_of(problem, start) if len(problem.rules.steps) == 1 else 0.0
    return sealed(problem, start, bound_by_price(problem, enough=enough, until=until))


def bound_by_price(problem: Problem, *, enough: float = 0.0, until: float | None = None) -> float:
    """A bound on what any choice is worth, phase by phase: see `dual_bound`. Of its terms some count at their best."""
    terms, steps = problem.terms, problem.rules.steps
    by_price = problem if terms is None or terms.again is not None else replace(problem, terms=None)
    alone = [single(by_price, step, end=step == steps[-1]) for step in steps]
    rounds = int(np.clip(_PRICED / (_STEP * problem.reach.nnz * len(steps)), *_ROUNDS))
    bound = float(sum(dual_bound(one, rounds=rounds, enough=enough, until=until) for one in alone))
    if terms is None or terms.again is not None:
        return bound
    return bound - float(np.minimum(terms.cost * terms.lower, terms.cost * terms.upper).sum())


def pooled_choice(
    problem: Problem, *, moves: int, enough: float = np.inf, until: float | None = None, seed: int = 0
) -> Ints | None:
    """A choice better than that of two long runs of so many `moves`: many short ones, and the best of all their sites.

    Good choices have most sites in common; a tree over those of all of them is small, and finds what no run did (the merging
    of Aggarwal, Orlin and Tai 1997). A choice worth `enough` ends the search.
    """
    sites = len(problem.site_ids)
    if problem.reach.nnz / max(sites, 1) * problem.rules.steps[-1] > _POOLED:  # too many cells even for a few choices
        return good_choice(problem, moves=moves, seed=seed)
    pool: list[Ints] = []
    with ThreadPoolExecutor(2) as threads:
        for turn in range(seed * _TURNS, (seed + 1) * _TURNS):
            runs = [
                threads.submit(good_choice, problem, moves=moves // _TURNS, runs=1, seed=own)
                for own in (2 * turn, 2 * turn + 1)
            ]
            found = [run.result() for run in runs]
            pool = [*pool[-_KEPT:], *(choice for choice in found if choice is not None)]
            if not pool:
                return None
            pool.append(best_of_all(problem, pool, until=until))
            if value_of(problem, pool[-1]) > enough or is_over(until):
                break
    return pool[-1]


def best_of_all(problem: Problem, pool: list[Ints], *, until: float | None = None) -> Ints:
    """The best choice among the sites that the choices of a pool have, as far as a small tree finds it."""
    best = max(pool, key=lambda phase: value_of(problem, phase))
    out = ~np.any([phase > 0 for phase in pool], axis=0)
    if problem.terms is not None or _entries(problem, ~out) > _POOLED or is_over(until):
        return best
    few = without(problem, out)
    merged = merge_cells(few.reach, np.arange(len(few.site_ids)), np.arange(len(few.weight)), few.weight)
    model = CoverModel.of(replace(few, reach=merged.reach, weight=merged.weight, member=None))
    start, relaxed = model.columns(best[~out]), relax(model.model, until=until)
    if relaxed is None:
        return best
    left = None if until is None else seconds_left(until)
    answer = branch_and_bound(model.model, relaxed, start, step=model.step, work=_POOL_WORK, seconds=left)
    return put_back(model.chosen(answer), out).phase


def _entries(problem: Problem, sites: Bools) -> int:
    """Entries of a model of these sites over all phases."""
    return int(np.diff(problem.reach.indptr)[sites].sum()) * len(problem.rules.steps)


def _backed_up(problem: Problem, start: Ints, moves: int, seed: int) -> Ints:
    """A choice better where second covers count, found by swaps from one of plain covering."""
    cover, keep = arrays(problem)
    again = np.zeros(len(cover.weight)) if problem.terms is None or problem.terms.again is None else problem.terms.again
    unit = float(cover.weight.sum()) / max(int((start > 0).sum()), 1)
    none = no_parts(len(cover.weight)), start > 0, np.zeros(0), 0.0
    found = anneal_fair(cover, again, keep, *none, moves, HOT * unit, COLD * unit, seed + 1).astype(np.int64)
    return max(found, start, key=lambda choice: value_of(problem, choice))


def moves_for(problem: Problem, each: int, seconds: float | None = None, *, effort: float = _EFFORT) -> int:
    """Swaps a run: so many for each candidate, as far as the effort (entries looked at) and half the time allow."""
    sites = max(len(problem.site_ids), 1)
    effort = effort if seconds is None else min(effort, seconds / 2 * _PACE)
    return int(min(each * sites, effort / (2 * problem.reach.nnz / sites + problem.rules.steps[-1] + 1)))
