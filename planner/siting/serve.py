"""The best choice where sites serve a cell more or less well: searched, bounded by prices, and proven by a tree."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from planner.errors import PlanError
from planner.siting.arrays import Bools
from planner.siting.choose import best_cover, choose_cover
from planner.siting.cover import Chosen, least_step, sealed_value
from planner.siting.graded import Graded, Grades, layer_entries, layered
from planner.siting.interchange import anneal_grades, greedy_grades
from planner.siting.kernels import Keep
from planner.siting.price_tree import price_tree
from planner.siting.prices import price_cells, second_best, settled
from planner.siting.search import begin_within, keep_of
from planner.siting.solver import is_over, seconds_left

_EACH, _EFFORT = 300, 3e8  # swaps a run for each candidate; entries looked at in a run: some five seconds
_PACE = 1e8  # entries looked at in a second
_RUNS = 2
_HOT, _COLD = 0.03, 0.0005  # losses taken at the start and at the end, in shares of what a site gains on average
_FEW = 400_000  # entries of layers over which a linear program is solved; above, a tree of prices
_MOST = 8_000_000  # entries of layers where no choice to begin from was found


def choose_graded(graded: Graded, *, seconds: float | None = None, seed: int = 0) -> tuple[Chosen, list[Chosen]]:
    """The best choice over all phases together, and for each phase the best were it the only one; as `choose_cover`."""
    if len(graded.rules.steps) == 1:
        whole = best_graded(graded, seconds=seconds, seed=seed)
        return whole, [whole]
    return choose_cover(layered(graded), seconds=seconds, seed=seed)


def best_graded(graded: Graded, *, seconds: float | None = None, seed: int = 0) -> Chosen:
    """The choice for one phase that gains most.

    A good choice is searched; prices bound it; if the two do not meet, what the prices have settled is taken out and the rest
    is proven as a covering problem of layers.

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
    until = None if seconds is None else time.monotonic() + seconds
    grades = graded.grades()
    start = _good(graded, grades, seconds, seed)
    if start is None:
        if layer_entries(graded.worth) > _MOST:
            raise PlanError("no plan was found that keeps every rule; relax one", status="limit")
        return best_cover(layered(graded), seconds=None if until is None else seconds_left(until), seed=seed)
    value = graded.value(start)
    step = least_step(graded.worth.data)
    first = second_best(graded, start)
    prices = price_cells(graded, grades, value, first, enough=value + step * (1 - 1e-6), until=until)
    bound = _rounded(value, prices.bound, step)
    if bound <= value or is_over(until):
        return sealed_value(start.astype(np.int64), value, bound, size=float(graded.worth.sum()))
    rest = settled(graded, prices, value)
    bound_by_rows = np.isfinite(graded.rules.budget) or len(graded.rules.apart) > 0  # which prices do not see
    if bound_by_rows and layer_entries(rest.worth) <= _FEW:
        return _by_layers(graded, start, rest, bound, until, seed)
    kept = rest.site_ids.get_indexer(graded.site_ids) >= 0
    prices = replace(prices, collected=prices.collected[kept], share=prices.share[kept])
    return price_tree(rest, prices, start, graded, step=step, until=until)


def _by_layers(graded: Graded, start: Bools, rest: Graded, bound: float, until: float | None, seed: int) -> Chosen:
    """The better of a choice and the best of what is left open."""
    value = graded.value(start)
    left = None if until is None else seconds_left(until)
    found = best_cover(layered(rest), seconds=left, seed=seed)
    phase = np.zeros(len(graded.site_ids), dtype=np.int64)
    phase[graded.site_ids.get_indexer(rest.site_ids)] = found.phase
    if graded.value(phase > 0) < value:
        phase = start.astype(np.int64)
    better = graded.value(phase > 0)
    return sealed_value(phase, better, min(bound, max(found.bound, better)), size=float(graded.worth.sum()))


def _rounded(value: float, bound: float, step: float) -> float:
    """A bound less than a step above the value is the value."""
    return value if bound < value + step * (1 - 1e-6) else bound


def _good(graded: Graded, grades: Grades, seconds: float | None, seed: int) -> Bools | None:
    """A good choice that keeps the rules; None if none was found that does."""
    rules = graded.rules
    keep = keep_of(rules)
    greedy = greedy_grades(grades, keep, np.zeros(len(rules.town), dtype=np.bool_), rules.steps[-1])
    begin = begin_within(rules, greedy, np.asarray(graded.worth.sum(axis=1), dtype=np.float64))
    if begin is None:
        return None
    unit = max(graded.value(begin) / max(int(begin.sum()), 1), 1e-12)
    return _annealed(graded, grades, keep, begin, _moves(graded, seconds), unit, seed)


def improved_grades(graded: Graded, begin: Bools, unit: float, *, seconds: float | None = None, seed: int = 0) -> Bools:
    """The best choice that swaps find from this one; `unit` is what a site gains on average of what may be lost for a while."""
    grades, keep = graded.grades(), keep_of(graded.rules)
    return _annealed(graded, grades, keep, begin, _moves(graded, seconds), unit, seed)


def _annealed(graded: Graded, grades: Grades, keep: Keep, begin: Bools, moves: int, unit: float, seed: int) -> Bools:
    def run(own: int) -> Bools:
        return anneal_grades(grades, keep, begin, moves, _HOT * unit, _COLD * unit, own)

    with ThreadPoolExecutor(_RUNS) as pool:
        ends = list(pool.map(run, range(seed * _RUNS + 1, seed * _RUNS + _RUNS + 1)))
    return max([begin, *ends], key=graded.value)


def _moves(graded: Graded, seconds: float | None) -> int:
    sites = max(len(graded.site_ids), 1)
    effort = _EFFORT if seconds is None else min(_EFFORT, seconds / 3 * _PACE)
    return int(min(max(_EACH * sites, 20_000), effort / (3 * graded.worth.nnz / sites + graded.rules.steps[-1] + 1)))
