"""The compiled loops of the search where sites serve more or less well: greedy, and annealing by fast interchange.

Every cell knows its best and its second best member, so that what a member is missed for is read, not counted (Whitaker 1983;
Resende and Werneck 2007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.reach.compiled import compiled
from planner.siting.arrays import Bools, Floats, Ints, Short
from planner.siting.graded import Grades
from planner.siting.kernels import Keep, below, first_state, least_missed, may_join, next_state, takes

NOBODY = -1  # no member gives a cell anything


class Served(NamedTuple):
    """The best and second best member of each cell and what they give."""

    best: Short
    most: Floats
    second: Short
    next: Floats


@compiled
def greedy_grades(grades: Grades, keep: Keep, begin: Bools, asked: int) -> Bools:
    """Each next site the one that adds most, as `kernels.greedy`; may end short of a rule."""
    chosen, has = begin.copy(), np.zeros(len(grades.cell_starts) - 1)
    have = np.zeros(len(keep.least), dtype=np.int64)
    spent = 0.0
    for i in np.flatnonzero(begin):
        _take(grades, int(i), has)
        have[keep.town[i]] += 1
        spent += keep.cost[i]
    most_gain = np.full(len(chosen), np.inf)  # gains only fall: an old gain bounds the new one
    for turn in range(int(chosen.sum()), asked):
        must = bool((keep.forced & ~chosen).any())
        only_short = asked - turn <= np.maximum(keep.least - have, 0).sum()
        best, best_gain = -1, -1.0
        for j in range(len(chosen)):
            if most_gain[j] <= best_gain or not may_join(keep, j, chosen, have, spent, must, only_short):
                continue
            most_gain[j] = _gain(grades, j, has)
            if most_gain[j] > best_gain:
                best, best_gain = j, most_gain[j]
        if best < 0:
            break
        chosen[best] = True
        have[keep.town[best]] += 1
        spent += keep.cost[best]
        _take(grades, best, has)
    return chosen


@compiled
def _take(grades: Grades, j: int, has: Floats) -> None:
    for k in range(grades.starts[j], grades.starts[j + 1]):
        has[grades.cells[k]] = max(has[grades.cells[k]], grades.values[k])


@compiled
def _gain(grades: Grades, j: int, has: Floats) -> float:
    gain = 0.0
    for k in range(grades.starts[j], grades.starts[j + 1]):
        gain += max(grades.values[k] - has[grades.cells[k]], 0.0)
    return gain


@compiled
def anneal_grades(grades: Grades, keep: Keep, begin: Bools, moves: int, hot: float, cold: float, seed: int) -> Bools:
    """Swap a random site in for the member that is missed least, as `kernels.anneal`; the best choice ever seen."""
    chosen = np.zeros_like(begin)
    inside, outside = np.flatnonzero(begin), np.flatnonzero(~begin)
    if len(inside) == 0 or len(outside) == 0:
        return begin.copy()
    cells = len(grades.cell_starts) - 1
    nobody = np.full(cells, NOBODY, dtype=np.int32)
    served = Served(nobody.copy(), np.zeros(cells), nobody.copy(), np.zeros(cells))
    loss, taken = np.zeros(len(begin)), np.zeros(len(begin))
    have = np.zeros(len(keep.least), dtype=np.int64)
    spent = 0.0
    for i in inside:
        have[keep.town[i]] += 1
        spent += keep.cost[i]
        chosen[i] = True
        _enter(grades, int(i), served, loss)
    best, value, best_value = inside.copy(), 0.0, 1e-9
    state = first_state(seed)
    cooling = (cold / hot) ** (1.0 / max(moves, 1))
    heat = hot
    for _ in range(moves):
        heat *= cooling
        state = next_state(state)
        at = below(state, len(outside))
        j = outside[at]
        gain = _offer(grades, j, served, taken)
        there = least_missed(keep, inside, j, loss, taken, have, keep.budget - spent, chosen)
        change = gain - loss[inside[there]] + taken[inside[there]]
        _withdraw(grades, j, served, taken)
        if there < 0 or not takes(change, heat, state):
            continue
        i = inside[there]
        have[keep.town[i]] -= 1
        have[keep.town[j]] += 1
        spent += keep.cost[j] - keep.cost[i]
        chosen[i], chosen[j] = False, True
        _leave(grades, i, served, loss, chosen)
        _enter(grades, j, served, loss)
        inside[there], outside[at] = j, i
        value += change
        if value > best_value:
            best_value = value
            best[:] = inside
    chosen[:] = False
    chosen[best] = True
    return chosen


@compiled
def _offer(grades: Grades, j: int, served: Served, taken: Floats) -> float:
    """What j would add; into `taken`, what it would make up for if the best member of a cell left."""
    gain = 0.0
    for k in range(grades.starts[j], grades.starts[j + 1]):
        c, v = grades.cells[k], grades.values[k]
        if v > served.most[c]:
            gain += v - served.most[c]
        if v > served.next[c] and served.best[c] >= 0:
            taken[served.best[c]] += min(v, served.most[c]) - served.next[c]
    return gain


@compiled
def _withdraw(grades: Grades, j: int, served: Served, taken: Floats) -> None:
    for k in range(grades.starts[j], grades.starts[j + 1]):
        if served.best[grades.cells[k]] >= 0:
            taken[served.best[grades.cells[k]]] = 0.0


@compiled
def _enter(grades: Grades, j: int, served: Served, loss: Floats) -> None:
    for k in range(grades.starts[j], grades.starts[j + 1]):
        c, v = grades.cells[k], grades.values[k]
        if v > served.most[c]:
            if served.best[c] >= 0:
                loss[served.best[c]] -= served.most[c] - served.next[c]
            served.second[c], served.next[c] = served.best[c], served.most[c]
            served.best[c], served.most[c] = j, v
            loss[j] += v - served.next[c]
        elif v > served.next[c]:
            loss[served.best[c]] -= v - served.next[c]
            served.second[c], served.next[c] = j, v


@compiled
def _leave(grades: Grades, i: int, served: Served, loss: Floats, chosen: Bools) -> None:
    """Site i is no longer chosen: whoever was second in its cells comes first, and a new second is looked up."""
    for k in range(grades.starts[i], grades.starts[i + 1]):
        c = grades.cells[k]
        if served.best[c] == i:
            served.best[c], served.most[c] = served.second[c], served.next[c]
        elif served.second[c] == i:
            loss[served.best[c]] -= served.most[c] - served.next[c]
        else:
            continue
        served.second[c], served.next[c] = NOBODY, 0.0
        for e in range(grades.cell_starts[c], grades.cell_starts[c + 1]):
            if chosen[grades.sites[e]] and grades.sites[e] != served.best[c]:
                served.second[c], served.next[c] = grades.sites[e], grades.site_values[e]
                break
        if served.best[c] >= 0:
            loss[served.best[c]] += served.most[c] - served.next[c]
    loss[i] = 0.0


@compiled
def collected(grades: Grades, price: Floats) -> Floats:
    """What each site collects from cells that pay only what is above their price."""
    sums = np.zeros(len(grades.starts) - 1)
    for j in range(len(sums)):
        total = 0.0
        for k in range(grades.starts[j], grades.starts[j + 1]):
            total += max(grades.values[k] - price[grades.cells[k]], 0.0)
        sums[j] = total
    return sums


@compiled
def payments(grades: Grades, price: Floats, picked: Bools) -> Ints:
    """How many of the picked sites each cell pays."""
    count = np.zeros(len(price), dtype=np.int64)
    for j in np.flatnonzero(picked):
        for k in range(grades.starts[j], grades.starts[j + 1]):
            if grades.values[k] > price[grades.cells[k]]:
                count[grades.cells[k]] += 1
    return count
