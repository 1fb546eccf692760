"""The compiled search for fair choices: need covered, with a share that every part (town or group) should not fall below."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.reach.compiled import compiled
from planner.siting.arrays import Bools, Floats, Ints, Short
from planner.siting.kernels import Cover, Keep, below, first_state, may_replace, next_state, takes


class Parts(NamedTuple):
    """Which share of which part each cell holds, as CSR by cell (`starts`, `parts`, `shares`), and what is covered already."""

    starts: Ints
    parts: Short
    shares: Floats
    before: Floats


def no_parts(cells: int) -> Parts:
    """Nobody is owed anything."""
    return Parts(np.zeros(cells + 1, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0))


@compiled
def shares_of(cover: Cover, parts: Parts, chosen: Bools) -> Floats:
    """The share of each part that is covered."""
    covered = np.zeros(len(cover.weight), dtype=np.bool_)
    for j in np.flatnonzero(chosen):
        for k in range(cover.starts[j], cover.starts[j + 1]):
            covered[cover.cells[k]] = True
    share = parts.before.copy()
    for cell in np.flatnonzero(covered):
        for k in range(parts.starts[cell], parts.starts[cell + 1]):
            share[parts.parts[k]] += parts.shares[k]
    return share


@compiled
def anneal_fair(
    cover: Cover,
    again: Floats,
    keep: Keep,
    parts: Parts,
    begin: Bools,
    floor: Floats,
    fine: float,
    moves: int,
    hot: float,
    cold: float,
    seed: int,
) -> Bools:
    """Swap members for others, taking losses with falling chance: most need, less `fine` for each share below its floor.

    A cell counts `again` where a second member covers it. The best ever seen, by that score.
    """
    chosen = begin.copy()
    inside, outside = np.flatnonzero(begin), np.flatnonzero(~begin)
    if len(inside) == 0 or len(outside) == 0:
        return chosen
    times = np.zeros(len(cover.weight), dtype=np.int32)
    share, have, spent = parts.before.copy(), np.zeros(len(keep.least), dtype=np.int64), 0.0
    for i in inside:
        have[keep.town[i]] += 1
        spent += keep.cost[i]
        _put(cover, again, parts, int(i), 1, times, share)
    lacking = np.maximum(floor - share, 0.0).sum()
    best, value, best_value = inside.copy(), 0.0, 0.0
    state = first_state(seed)
    heat, cooling = hot, (cold / hot) ** (1.0 / max(moves, 1))
    for _ in range(moves):
        heat *= cooling
        state = next_state(state)
        m = below(state, len(inside))
        state = next_state(state)
        at = below(state, len(outside))
        i, j = inside[m], outside[at]
        if not may_replace(keep, i, j, have, keep.budget - spent, chosen):
            continue
        change = _put(cover, again, parts, i, -1, times, share) + _put(cover, again, parts, j, 1, times, share)
        lacks = np.maximum(floor - share, 0.0).sum()
        change -= fine * (lacks - lacking)
        if not takes(change, heat, state):
            _put(cover, again, parts, j, -1, times, share)
            _put(cover, again, parts, i, 1, times, share)
            continue
        have[keep.town[i]] -= 1
        have[keep.town[j]] += 1
        spent += keep.cost[j] - keep.cost[i]
        inside[m], outside[at], chosen[i], chosen[j] = j, i, False, True
        value += change
        lacking = lacks
        if value > best_value:
            best_value = value
            best[:] = inside
    chosen[:] = False
    chosen[best] = True
    return chosen


@compiled
def _put(cover: Cover, again: Floats, parts: Parts, j: int, by: int, times: Short, share: Floats) -> float:
    """Let site j stand (`by` 1) or go (-1); what the covered need changes by, the shares kept up to date."""
    change = 0.0
    for k in range(cover.starts[j], cover.starts[j + 1]):
        cell = cover.cells[k]
        times[cell] += by
        if (by == 1 and times[cell] == 1) or (by == -1 and times[cell] == 0):
            change += by * cover.weight[cell]
            for p in range(parts.starts[cell], parts.starts[cell + 1]):
                share[parts.parts[p]] += by * parts.shares[p]
        elif times[cell] == 1 + (by + 1) // 2:
            change += by * again[cell]
    return change
