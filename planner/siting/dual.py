"""Proven bounds where a linear program is too large: prices of cells, improved by a primal-dual method.

A price between 0 and its weight for every cell bounds what any choice covers: the weights less the prices, plus the prices
that the best sites by price collect (Lagrangian duality; Galvão and ReVelle 1996 for covering). Whatever the prices, the bound
holds, so it never depends on how far the method has come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.reach.compiled import compiled
from planner.siting.arrays import Bools, Floats, Ints, Short
from planner.siting.problem import NOWHERE, Problem, Rules

_ROUND = 40  # steps between two looks at the bound, after which the method begins anew from the better point
_LEAST = 3  # rounds that are made whatever the clock says
_SHARED = 1_000_000  # entries from which on two threads share a loop
_HALVINGS = 50  # of the interval in which the price of one more site lies


@dataclass(frozen=True, eq=False)
class Rows:
    """A sparse pattern as CSR: which entries each row has."""

    starts: Ints
    entries: Short

    @classmethod
    def of(cls, pattern: sp.csr_array) -> Rows:
        return cls(pattern.indptr.astype(np.int64), pattern.indices.astype(np.int32, copy=False))

    def sums(self, values: Floats) -> Floats:
        """Each row's sum of the values of its entries."""
        sums = np.zeros(len(self.starts) - 1)
        self.each_half(_row_sums, values, sums)
        return sums

    def each_half(self, loop: Callable[..., None], values: Floats, *by_row: Floats) -> None:
        """Run a compiled loop over the rows, the two halves of many entries at once; arrays `by_row` are cut with the rows."""
        if len(self.entries) < _SHARED:
            loop(self.starts, self.entries, values, *by_row)
            return
        middle, last = int(np.searchsorted(self.starts, self.starts[-1] // 2)), len(self.starts) - 1

        def part(low: int, high: int) -> None:
            loop(self.starts[low : high + 1], self.entries, values, *(one[low:high] for one in by_row))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(part, (0, middle), (middle, last)))


def dual_bound(problem: Problem, *, rounds: int, enough: float = 0.0, until: float | None = None) -> float:
    """A bound on what any choice of one phase covers; budget and spacing are not looked at, which only loosens it.

    Of further terms only a second cover is known (`Terms.again`).

    Parameters
    ----------
    rounds
        Most rounds of forty steps; each step reads every entry twice.
    enough
        Stop as soon as the bound is this low.
    until
        Stop at this time of the monotonic clock, after three rounds at the earliest: where the search took longer than it
        should on a busy machine, one round alone proves half as much.

    Notes
    -----
    The primal-dual hybrid gradient of Chambolle and Pock (2011), preconditioned by their diagonal rule (2011) and begun
    anew from the average of each round (Applegate et al. 2021).
    """
    search = _Search.of(problem)
    best = search.bound(search.price)
    for done in range(1, rounds + 1):
        search.round()
        best = min(best, search.latest)
        if best <= enough or (until is not None and done >= _LEAST and time.monotonic() > until):
            break
    return best


class Curve:
    """Bounds on what any number of sites covers where no rule binds: prices found for one number bound every other as well.

    Each number that is asked begins from the prices of the one before.
    """

    def __init__(self, problem: Problem) -> None:
        self._search = _Search.of(problem)
        self.bounds = self._of_prices()

    def tighten(self, rules: Rules, rounds: int) -> None:
        """So many rounds of `dual_bound` for the number of sites in `rules`; `bounds` by number of sites, from 0, fall."""
        self._search.problem = replace(self._search.problem, rules=rules)
        for _ in range(rounds):
            self._search.round()
            self.bounds = np.minimum(self.bounds, self._of_prices())

    def _of_prices(self) -> Floats:
        search = self._search
        collected = np.sort(search.sites.sums(search.price))[::-1]
        slack = float((search.problem.weight - search.price).sum())
        return np.asarray((slack + np.concatenate([[0.0], np.cumsum(collected)])) * (1 + 1e-12))


def best_by_price(rules: Rules, price: Floats) -> float:
    """The most that a choice keeping the counts and the rules per town can collect, each site at its price >= 0."""
    return float(price[pick_by_price(rules, price)].sum())


def pick_by_price(rules: Rules, price: Floats) -> Bools:
    """The choice that collects most, each site at its price >= 0, under the counts and the rules per town alone."""
    town = np.where(rules.town == NOWHERE, len(rules.towns), rules.town)
    short, room = np.append(rules.short, 0), np.append(rules.room, len(town))
    order = np.lexsort((-price, ~rules.forced, town))
    ranked = town[order]
    first = np.searchsorted(ranked, np.arange(len(short)))
    rank = np.empty(len(town), dtype=np.int64)
    rank[order] = np.arange(len(town)) - first[ranked]
    taken = rules.forced | (rank < short[town])
    free = np.flatnonzero(~taken & (rank < room[town]))
    free = free[np.argsort(-price[free], kind="stable")]
    taken[free[: max(rules.steps[-1] - int(taken.sum()), 0)]] = True
    return np.asarray(taken)


@dataclass(eq=False)
class _Search:
    """Where the method stands: how much of each site is chosen, the price of each cell, the premium of each town."""

    problem: Problem
    sites: Rows
    cells: Rows
    share: Floats
    price: Floats
    premium: Floats
    pace: Floats
    unit: float
    again: Floats
    latest: float = np.inf

    @classmethod
    def of(cls, problem: Problem) -> _Search:
        sites = Rows.of(problem.reach)
        cells = Rows.of(sp.csr_array(problem.reach.T))
        weight, count = problem.weight, problem.reach.shape[0]
        collected = sites.sums(weight)
        unit = max(float(collected.mean()), 1e-12) if count else 1.0
        share = np.full(count, min(problem.rules.steps[-1] / max(count, 1), 1.0))
        pace = 1.0 / np.maximum(collected + unit, 1e-12)
        again = np.zeros(len(weight)) if problem.terms is None or problem.terms.again is None else problem.terms.again
        return cls(problem, sites, cells, share, weight / 2, np.zeros(len(problem.rules.towns) + 1), pace, unit, again)

    def bound(self, price: Floats) -> float:
        """The bound that these prices prove, a rounding error included."""
        collected = self.sites.sums(price)
        slack = float((self.problem.weight - price).sum()) + float(np.maximum(self.again - price, 0.0).sum())
        return (slack + best_by_price(self.problem.rules, collected)) * (1 + 1e-12) - float(self.again.sum())

    def round(self) -> None:
        """Forty steps; then go on from their average or from the last point, whichever proves more."""
        rules = self.problem.rules
        town = np.where(rules.town == NOWHERE, len(rules.towns), rules.town)
        short = np.append(rules.short, 0)
        per_town = np.maximum(np.bincount(town, minlength=len(short)), 1)
        sums = [np.zeros_like(self.share), np.zeros_like(self.price), np.zeros_like(self.premium)]
        for _ in range(_ROUND):
            worth = self.sites.sums(self.price) + self.premium[town]
            share = _capped(self.share + self.pace * worth, self.pace, rules)
            ahead = 2 * share - self.share
            self.share = share
            self.cells.each_half(_raise_prices, ahead, self.problem.weight, self.again, self.price)
            lacking = short - np.bincount(town, weights=ahead, minlength=len(short))
            self.premium = np.maximum(self.premium + self.unit * lacking / per_town, 0.0) * (short > 0)
            for total, now in zip(sums, (self.share, self.price, self.premium), strict=True):
                total += now
        means = [total / _ROUND for total in sums]
        last, middle = self.bound(self.price), self.bound(means[1])
        if middle < last:
            self.share, self.price, self.premium = means
        self.latest = min(last, middle)


def _capped(wanted: Floats, pace: Floats, rules: Rules) -> Floats:
    """Shares nearest to `wanted` that lie in 0 … 1, are 1 where forced, and add up to the number of sites."""
    low = np.where(rules.forced, 1.0, 0.0)
    asked = max(float(rules.steps[-1]), float(low.sum()))
    down, up = float(((wanted - 1) / pace).min()), float((wanted / pace).max())
    for _ in range(_HALVINGS):
        middle = (down + up) / 2
        if np.clip(wanted - pace * middle, low, 1.0).sum() > asked:
            down = middle
        else:
            up = middle
    return np.asarray(np.clip(wanted - pace * (down + up) / 2, low, 1.0))


@compiled
def _row_sums(starts: Ints, entries: Short, values: Floats, sums: Floats) -> None:
    for row in range(len(sums)):
        total = 0.0
        for k in range(starts[row], starts[row + 1]):
            total += values[entries[k]]
        sums[row] = total


@compiled
def _raise_prices(starts: Ints, entries: Short, share: Floats, weight: Floats, again: Floats, price: Floats) -> None:
    """A cell covered more than once becomes cheaper, one covered less than once dearer; within 0 and its weight.

    Below what a second cover counts (`again`) it is twice that cells ask for.
    """
    for cell in range(len(price)):
        covered = 0.0
        for k in range(starts[cell], starts[cell + 1]):
            covered += share[entries[k]]
        pace = weight[cell] / (starts[cell + 1] - starts[cell])
        moved = price[cell] - pace * (covered - 2.0)
        if moved >= again[cell]:
            moved = max(moved - pace, again[cell])
        price[cell] = min(max(moved, 0.0), weight[cell])
