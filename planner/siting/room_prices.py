"""Proven bounds where people are assigned within capacities, and choices met on the way: what `assign` begins from.

A price for each person's place, a cell's people all at one price, bounds what any choice serves: the prices times the people,
plus what the best sites earn, each filled up with those who are worth most above their price (Lagrangian duality; Pirkul and
Schilling 1991). Whatever the prices, the bound holds; the best of them prove what the linear relaxation proves.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from planner.reach.compiled import compiled
from planner.siting.arrays import Bools, Floats, Ints, Short, inner
from planner.siting.dual import pick_by_price
from planner.siting.problem import Rules

_PATIENCE, _LAST = 12, 1e-3  # steps without a better bound after which the next are half as long; the shortest of Polyak's
_PICKS = 8  # choices kept, the latest with the best bounds


class Doors(NamedTuple):
    """Which cells each door (sites, then stations) is open to as CSR, how many people it takes; people and worth of each."""

    starts: Ints
    cells: Short
    room: Floats
    people: Floats
    each: Floats


class RoomPrices(NamedTuple):
    """What the best prices prove: `bound`; what each site earns at them; what no site changes; and choices met on the way."""

    bound: float
    earned: Floats
    fixed: float
    picks: list[Bools]


def price_rooms(doors: Doors, rules: Rules, value: float, *, steps: int, until: float | None = None) -> RoomPrices:
    """Prices that prove a good bound, by subgradient steps (Held, Wolfe and Crowder 1974).

    Parameters
    ----------
    value
        What some choice serves, bonuses of hosts included: the steps aim there.
    steps
        Most steps.
    until
        Stop at this time of the monotonic clock, after one step at the earliest.
    """
    sites, price = len(rules.town), np.zeros(len(doors.people))
    best = RoomPrices(np.inf, np.zeros(sites), 0.0, [])
    best_price, length, waited = price, 1.5, 0
    for _ in range(steps):
        earned, taken = _filled(doors, price)
        fixed = inner(doors.people, price) + float(earned[sites:].sum())
        site = earned[:sites] + rules.bonus
        picked = pick_by_price(rules, site)
        bound = (fixed + float(site[picked].sum())) * (1 + 1e-12)  # a rounding error included
        waited = 0 if bound < best.bound * (1 - 1e-6) else waited + 1
        if bound < best.bound:
            known = any((picked == one).all() for one in best.picks)
            best = RoomPrices(bound, site, fixed, best.picks if known else [*best.picks, picked][-_PICKS:])
            best_price = price
        if bound <= value or (until is not None and time.monotonic() > until):
            break
        if waited > _PATIENCE:
            length, waited, price = length / 2, 0, best_price
            if length < _LAST:
                break
            continue
        slope = doors.people - _assigned(doors, taken, picked)
        steep = inner(slope, slope)
        if steep == 0:
            break
        price = np.clip(price - length * max(bound - value, abs(value) * 1e-6) / steep * slope, 0.0, doors.each)
    return best


@compiled
def _filled(doors: Doors, price: Floats) -> tuple[Floats, Floats]:
    """What each door earns, filled with those worth most above their price, and how many people it takes along each entry."""
    earned, taken = np.zeros(len(doors.room)), np.zeros(len(doors.cells))
    for door in range(len(doors.room)):
        low, high = doors.starts[door], doors.starts[door + 1]
        above = np.empty(high - low)
        for k in range(low, high):
            above[k - low] = price[doors.cells[k]] - doors.each[doors.cells[k]]
        left = doors.room[door]
        for at in np.argsort(above):
            if above[at] >= 0.0 or left <= 0.0:
                break
            some = min(left, doors.people[doors.cells[low + at]])
            taken[low + at] = some
            earned[door] -= some * above[at]
            left -= some
    return earned, taken


@compiled
def _assigned(doors: Doors, taken: Floats, picked: Bools) -> Floats:
    """How many people of each cell the picked sites and all stations take, one by one more than once."""
    total = np.zeros(len(doors.people))
    for door in range(len(doors.room)):
        if door >= len(picked) or picked[door]:
            for k in range(doors.starts[door], doors.starts[door + 1]):
                total[doors.cells[k]] += taken[k]
    return total
