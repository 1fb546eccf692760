"""The compiled loops of the search for good plans: greedy, and annealing by swaps. Nothing here proves anything."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.reach.compiled import compiled, inlined
from planner.siting.arrays import Bools, Floats, Ints, Short

_DRAWS = 64  # cells drawn in search of one that nobody covers


class Cover(NamedTuple):
    """Cells of each site as CSR (`starts`, `cells`), what each weighs, and the sites of each (`cell_starts`, `sites`)."""

    starts: Ints
    cells: Short
    weight: Floats
    cell_starts: Ints
    sites: Short


class Keep(NamedTuple):
    """What a choice must keep: forced sites, least and most a town, costs within a budget, sites too near each other.

    ``town`` is a position into ``least`` and ``most``; ``near_starts``, ``near`` is a CSR matrix of sites by sites.
    """

    forced: Bools
    town: Ints
    least: Ints
    most: Ints
    cost: Floats
    budget: float
    near_starts: Ints
    near: Short


@compiled
def greedy(cover: Cover, keep: Keep, begin: Bools, asked: int) -> Bools:
    """Each next site the one that adds most, the first of equals; forced ones first, and always room for what towns lack.

    May end with fewer than asked, or short of a rule, where the rules are tight: the caller looks.
    """
    chosen = begin.copy()
    covered = np.zeros(len(cover.weight), dtype=np.bool_)
    have = np.zeros(len(keep.least), dtype=np.int64)
    spent = 0.0
    for i in np.flatnonzero(begin):
        _cover_cells(cover, int(i), covered)
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
            most_gain[j] = _new_weight(cover, j, covered)
            if most_gain[j] > best_gain:
                best, best_gain = j, most_gain[j]
        if best < 0:
            break
        chosen[best] = True
        have[keep.town[best]] += 1
        spent += keep.cost[best]
        _cover_cells(cover, best, covered)
    return chosen


@compiled
def _cover_cells(cover: Cover, j: int, covered: Bools) -> None:
    for k in range(cover.starts[j], cover.starts[j + 1]):
        covered[cover.cells[k]] = True


@compiled
def _new_weight(cover: Cover, j: int, covered: Bools) -> float:
    gain = 0.0
    for k in range(cover.starts[j], cover.starts[j + 1]):
        if not covered[cover.cells[k]]:
            gain += cover.weight[cover.cells[k]]
    return gain


@compiled
def clashes(keep: Keep, j: int, chosen: Bools) -> int:
    """How many chosen sites are too near to j."""
    count = 0
    for k in range(keep.near_starts[j], keep.near_starts[j + 1]):
        count += int(chosen[keep.near[k]])
    return count


@inlined
def may_join(keep: Keep, j: int, chosen: Bools, have: Ints, spent: float, must: bool, only_short: bool) -> bool:
    """Whether j may be the next site of a greedy choice: `must` it be a forced one, or `only_short` one for a town in want."""
    town = keep.town[j]
    if chosen[j] or (must and not keep.forced[j]) or (only_short and not must and have[town] >= keep.least[town]):
        return False
    if have[town] >= keep.most[town] or spent + keep.cost[j] > keep.budget:
        return False
    return clashes(keep, j, chosen) == 0


@compiled
def first_state(seed: int) -> np.uint64:
    """Where `next_state` begins for a seed."""
    return np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x1234567)


@compiled
def next_state(state: np.uint64) -> np.uint64:
    """Xorshift (Marsaglia 2003): the same numbers everywhere."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@compiled
def below(state: np.uint64, count: int) -> int:
    """A number from 0 to below `count`."""
    return int(np.int64((state >> np.uint64(20)) % np.uint64(count)))


@compiled
def takes(change: float, heat: float, state: np.uint64) -> bool:
    """Whether a change is taken: always a gain, a loss with the chance of Metropolis et al. (1953)."""
    if change >= 0.0:
        return True
    if change < -30.0 * heat:
        return False
    return bool(np.float64((state >> np.uint64(11)) & np.uint64(0xFFFFF)) / 1048576.0 < np.exp(change / heat))


@compiled
def anneal(cover: Cover, keep: Keep, begin: Bools, moves: int, hot: float, cold: float, seed: int) -> Bools:
    """Swap a random site in for the member that is missed least, taking losses with falling chance; the best ever seen.

    Every other newcomer is one that reaches a random cell nobody covers. Which member is missed least is read from what each
    member alone covers, kept up to date, less what the newcomer would take over from it (the fast interchange of Whitaker
    1983, for covering).
    """
    chosen = begin.copy()
    inside, outside = np.flatnonzero(begin), np.flatnonzero(~begin)
    if len(inside) == 0 or len(outside) == 0:
        return chosen
    times = np.zeros(len(cover.weight), dtype=np.int32)  # how many members reach a cell
    owner = np.zeros(len(cover.weight), dtype=np.int32)  # exclusive-or of their numbers: the member, where it is one
    loss, taken = np.zeros(len(begin)), np.zeros(len(begin))
    place = np.zeros(len(begin), dtype=np.int64)  # of those outside
    place[outside] = np.arange(len(outside))
    have = np.zeros(len(keep.least), dtype=np.int64)
    spent = 0.0
    for i in inside:
        have[keep.town[i]] += 1
        spent += keep.cost[i]
        _enter(cover, int(i), times, owner, loss)
    best, value, best_value = inside.copy(), 0.0, 0.0
    state = first_state(seed)
    cooling = (cold / hot) ** (1.0 / max(moves, 1))
    heat = hot
    for turn in range(moves):
        heat *= cooling
        state = next_state(state)
        at = below(state, len(outside))
        if turn % 2:
            wanted, state = _drawn_to_a_gap(cover, times, state)
            at = at if wanted < 0 else place[wanted]
        j = outside[at]
        gain = _offer(cover, j, times, owner, taken)
        there = least_missed(keep, inside, j, loss, taken, have, keep.budget - spent, chosen)
        change = gain - loss[inside[there]] + taken[inside[there]]
        _withdraw(cover, j, times, owner, taken)
        if there < 0 or not takes(change, heat, state):
            continue
        i = inside[there]
        have[keep.town[i]] -= 1
        have[keep.town[j]] += 1
        spent += keep.cost[j] - keep.cost[i]
        _leave(cover, i, times, owner, loss)
        _enter(cover, j, times, owner, loss)
        inside[there], outside[at], chosen[i], chosen[j] = j, i, False, True
        place[i] = at
        value += change
        if value > best_value:
            best_value = value
            best[:] = inside
    chosen[:] = False
    chosen[best] = True
    return chosen


@compiled
def _drawn_to_a_gap(cover: Cover, times: Short, state: np.uint64) -> tuple[int, np.uint64]:
    """A random site that reaches a random cell nobody covers, -1 if a few draws find no such cell; and the next state."""
    for _ in range(min(_DRAWS, len(times))):
        state = next_state(state)
        cell = below(state, len(times))
        reached = cover.cell_starts[cell + 1] - cover.cell_starts[cell]
        if times[cell] == 0 and reached > 0:
            state = next_state(state)
            return int(cover.sites[cover.cell_starts[cell] + below(state, reached)]), state
    return -1, state


@compiled
def _offer(cover: Cover, j: int, times: Short, owner: Short, taken: Floats) -> float:
    """What j would newly cover; into `taken`, what it would take over from each member that covers it alone."""
    gain = 0.0
    for k in range(cover.starts[j], cover.starts[j + 1]):
        c = cover.cells[k]
        if times[c] == 0:
            gain += cover.weight[c]
        elif times[c] == 1:
            taken[owner[c]] += cover.weight[c]
    return gain


@compiled
def _withdraw(cover: Cover, j: int, times: Short, owner: Short, taken: Floats) -> None:
    for k in range(cover.starts[j], cover.starts[j + 1]):
        c = cover.cells[k]
        if times[c] == 1:
            taken[owner[c]] = 0.0


@compiled
def least_missed(keep: Keep, inside: Ints, j: int, loss: Floats, taken: Floats, have: Ints, left: float, chosen: Bools) -> int:
    """Position of the member that is missed least if j comes for it and every rule still holds; -1 if there is none."""
    home = keep.town[j]
    full = have[home] >= keep.most[home]
    conflicts = clashes(keep, j, chosen)
    if conflicts > 1:
        return -1
    there, least = -1, np.inf
    for m in range(len(inside)):
        i = inside[m]
        missed = loss[i] - taken[i]
        if missed >= least or keep.forced[i] or keep.cost[j] - keep.cost[i] > left:
            continue
        if keep.town[i] != home and (full or have[keep.town[i]] <= keep.least[keep.town[i]]):
            continue
        if conflicts and not _near(keep, j, i):
            continue
        there, least = m, missed
    return there


@compiled
def _near(keep: Keep, j: int, i: int) -> bool:
    return bool((keep.near[keep.near_starts[j] : keep.near_starts[j + 1]] == i).any())


@compiled
def _enter(cover: Cover, j: int, times: Short, owner: Short, loss: Floats) -> None:
    for k in range(cover.starts[j], cover.starts[j + 1]):
        c = cover.cells[k]
        if times[c] == 0:
            loss[j] += cover.weight[c]
        elif times[c] == 1:
            loss[owner[c]] -= cover.weight[c]
        times[c] += 1
        owner[c] ^= j


@compiled
def _leave(cover: Cover, i: int, times: Short, owner: Short, loss: Floats) -> None:
    for k in range(cover.starts[i], cover.starts[i + 1]):
        c = cover.cells[k]
        times[c] -= 1
        owner[c] ^= i
        if times[c] == 1:
            loss[owner[c]] += cover.weight[c]
    loss[i] = 0.0


@compiled
def anneal_phases(cover: Cover, keep: Keep, begin: Ints, periods: int, moves: int, hot: float, cold: float, seed: int) -> Ints:
    """Swap the phases of two sites (`periods` means not chosen, phases count from 0), as `anneal` does; the best ever seen.

    A cell is worth its weight for every phase from the first that covers it.
    """
    phase, best, chosen = begin.copy(), begin.copy(), begin < periods
    members = np.flatnonzero(begin < periods)
    if len(members) == 0 or len(members) == len(begin):
        return best
    counts = np.zeros((len(cover.weight), periods), dtype=np.int32)
    first = np.full(len(cover.weight), periods, dtype=np.int32)
    have = np.zeros(len(keep.least), dtype=np.int64)
    for i in members:
        have[keep.town[i]] += 1
        _move(cover, int(i), periods, int(phase[i]), counts, first)
    value, best_value, heat, spent = 0.0, 0.0, hot, keep.cost[members].sum()
    state = first_state(seed)
    cooling = (cold / hot) ** (1.0 / max(moves, 1))
    for _ in range(moves):
        heat *= cooling
        state = next_state(state)
        m = below(state, len(members))
        i = members[m]
        state = next_state(state)
        j = below(state, len(phase))
        a, b = phase[i], phase[j]
        if a == b or (b == periods and not may_replace(keep, i, j, have, keep.budget - spent, chosen)):
            continue
        change = _move(cover, i, a, b, counts, first) + _move(cover, j, b, a, counts, first)
        if not takes(change, heat, state):
            _move(cover, j, a, b, counts, first)
            _move(cover, i, b, a, counts, first)
            continue
        phase[i], phase[j] = b, a
        if b == periods:
            members[m] = j
            have[keep.town[i]] -= 1
            have[keep.town[j]] += 1
            spent += keep.cost[j] - keep.cost[i]
            chosen[i], chosen[j] = False, True
        value += change
        if value > best_value + 1e-9:
            best_value = value
            best[:] = phase
    return best


@compiled
def may_replace(keep: Keep, i: int, j: int, have: Ints, left: float, chosen: Bools) -> bool:
    """Whether every rule still holds if j comes for the member i; `left` is what remains of the budget."""
    if keep.forced[i] or keep.cost[j] - keep.cost[i] > left:
        return False
    conflicts = clashes(keep, j, chosen)
    if conflicts > 1 or (conflicts == 1 and not _near(keep, j, i)):
        return False
    here, home = keep.town[i], keep.town[j]
    return bool(here == home or (have[here] > keep.least[here] and have[home] < keep.most[home]))


@compiled
def _move(cover: Cover, i: int, a: int, b: int, counts: Short, first: Short) -> float:
    """Move site i from phase a to phase b (the number of phases: out); what the covered weight changes by."""
    periods = counts.shape[1]
    change = 0.0
    for k in range(cover.starts[i], cover.starts[i + 1]):
        c = cover.cells[k]
        if a < periods:
            counts[c, a] -= 1
        if b < periods:
            counts[c, b] += 1
        was, now = first[c], first[c]
        if b < was:
            now = b
        elif a == was and a < periods and counts[c, a] == 0:
            now = a + 1
            while now < periods and counts[c, now] == 0:
                now += 1
        if now != was:
            change += cover.weight[c] * (was - now)
            first[c] = now
    return change
