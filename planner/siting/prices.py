"""Proven bounds where sites serve more or less well, and what they settle: sites in or out of every better choice.

A price for every cell bounds what any choice gains: the prices added up, plus what the best sites collect from cells that
pay only what is above their price (Lagrangian duality; Cornuéjols, Fisher and Nemhauser 1977 for the p-median). Whatever the
prices, the bound holds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.reach.compiled import compiled
from planner.siting.arrays import Bools, Floats, Ints, inner
from planner.siting.dual import pick_by_price
from planner.siting.graded import Graded, Grades, by_cell
from planner.siting.interchange import collected, payments
from planner.siting.problem import Rules

_STEPS = 3_000  # most subgradient steps
_PATIENCE = 25  # steps without a better bound after which the next are half as long
_LAST = 1e-4  # the shortest step, as a share of Polyak's
_ROUNDING = 1e-9
_FADE = 0.02  # weight of the latest pick in the average


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of cells, what each site collects at them, and the bound they prove.

    `share` says how often each site was among the best lately: near what the linear relaxation would take of it.
    """

    price: Floats
    collected: Floats
    bound: float
    share: Floats


def price_cells(
    graded: Graded,
    grades: Grades,
    value: float,
    price: Floats,
    *,
    enough: float,
    steps: int = _STEPS,
    until: float | None = None,
) -> Prices:
    """Prices that prove a good bound, by subgradient steps (Held, Wolfe and Crowder 1974).

    Parameters
    ----------
    value
        What some choice gains: the steps aim there.
    price
        (cells,) where to begin, each >= 0.
    enough
        Stop as soon as the bound is this low.
    steps
        Most steps.
    until
        Stop at this time of the monotonic clock.
    """
    best: Prices | None = None
    length, waited, share = 1.5, 0, np.zeros(len(graded.site_ids))
    for turn in range(steps):
        site = collected(grades, price)
        picked = pick_by_price(graded.rules, site)
        bound = float(price.sum() + site[picked].sum()) * (1 + 1e-12)  # a rounding error included
        share += (picked - share) * max(_FADE, 1.0 / (turn + 1))
        waited = 0 if best is None or bound < best.bound - abs(best.bound) * 1e-7 else waited + 1
        if best is None or bound < best.bound:
            best = Prices(price, site, bound, share)
        if waited > _PATIENCE:
            length, waited, price = length / 2, 0, best.price
            continue
        slope: Floats = 1.0 - payments(grades, price, picked).astype(np.float64)
        steep = inner(slope, slope)
        if best.bound <= enough or steep == 0 or length < _LAST or (until is not None and time.monotonic() > until):
            break
        price = np.maximum(price - length * max(bound - value, abs(value) * 1e-6) / steep * slope, 0.0)
    if best is None:
        raise ValueError(f"steps = {steps} must be at least 1")
    return replace(best, share=share)


def second_best(graded: Graded, chosen: Bools) -> Floats:
    """What the second best member gives each cell: prices to begin from."""
    rows = sp.csc_array(graded.worth[np.flatnonzero(chosen)])
    second = np.zeros(rows.shape[1])
    for cell in np.flatnonzero(np.diff(rows.indptr) > 1):  # few members reach a cell
        second[cell] = np.partition(rows.data[rows.indptr[cell] : rows.indptr[cell + 1]], -2)[-2]
    return second


def settled(graded: Graded, prices: Prices, value: float) -> Graded:
    """The problem without what no choice of at least `value` can use; it has the same best choices.

    A site is out where every choice with it is bounded below `value`, and in where every choice without it is. A cell has no
    use for the sites after those nearest to it of which at least one must stand, nor for those that a forced one outdoes.
    """
    least = value - abs(value) * _ROUNDING
    forced, out = in_and_out(graded.rules, prices.collected, float(prices.price.sum()), least)
    worth = _used(graded, prices, forced, out, least)
    rules = replace(graded.rules, forced=forced)
    return replace(graded, worth=worth, rules=rules).without(out)


def in_and_out(rules: Rules, site: Floats, fixed: float, least: float) -> tuple[Bools, Bools]:
    """Which sites must stand and which cannot in a choice of at least `least`, where a choice is bounded by `fixed` and what
    its sites collect (`site`, each >= 0); sites of towns with rules are only judged by the count.
    """
    asked = rules.steps[-1]
    others = np.sort(site[~rules.forced])[::-1]
    room = asked - int(rules.forced.sum())
    paid = fixed + float(site[rules.forced].sum())
    top = float(others[:room].sum())
    last = float(others[room - 1]) if 0 < room <= len(others) else 0.0
    spare = float(others[room]) if room < len(others) else 0.0
    is_top = ~rules.forced & (site >= last) & (room > 0)
    with_it = paid + top - np.where(is_top, 0.0, last - site)
    without_it = paid + top - np.where(is_top, site - spare, 0.0)
    out = ~rules.forced & ((with_it < least) | (room <= 0))
    must = rules.forced | (is_top & (without_it < least))
    return must, out & ~must


def _used(graded: Graded, prices: Prices, forced: Bools, out: Bools, least: float) -> sp.csr_array:
    """The worth that a choice of at least `least` may have use for."""
    order, starts = by_cell(graded.worth)
    site = np.repeat(np.arange(graded.worth.shape[0]), np.diff(graded.worth.indptr))[order]
    rank = np.lexsort((-prices.collected, ~forced)).astype(np.int64)
    least -= float(prices.price.sum())
    keep = _looked_at(starts, site.astype(np.int64), forced, rank, prices.collected, graded.rules.steps[-1], least)
    keep &= ~out[site]
    data = np.zeros(len(order))
    data[order[keep]] = graded.worth.data[order[keep]]
    worth = sp.csr_array((data, graded.worth.indices.copy(), graded.worth.indptr.copy()), shape=graded.worth.shape)
    worth.eliminate_zeros()
    return worth


@compiled
def _looked_at(starts: Ints, site: Ints, forced: Bools, rank: Ints, collected: Floats, asked: int, least: float) -> Bools:
    """Which entries, cell by cell and best first, come before it is sure that one of the sites so far stands.

    That is sure where a choice without all of them would collect less than `least`, and after a forced site.
    """
    keep = np.zeros(len(site), dtype=np.bool_)
    barred = np.zeros(len(collected), dtype=np.bool_)
    for cell in range(len(starts) - 1):
        for k in range(starts[cell], starts[cell + 1]):
            keep[k] = True
            if forced[site[k]]:
                break
            barred[site[k]] = True
            total, count = 0.0, 0
            for j in rank:
                if count == asked:
                    break
                if not barred[j]:
                    total += collected[j]
                    count += 1
            if total < least:
                break
        for k in range(starts[cell], starts[cell + 1]):
            barred[site[k]] = False
    return keep
