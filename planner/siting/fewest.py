"""The location set covering problem: the fewest sites with which so much is covered (Toregas et al. 1971), with a proof."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.errors import Fault, PlanError, say_faults
from planner.siting import kernels
from planner.siting.arrays import Bools, Floats
from planner.siting.choose import ALL, best_cover
from planner.siting.cover import Chosen, newly_covered, side_rows
from planner.siting.least import Least, some_choice
from planner.siting.problem import Problem, Terms, with_bonus
from planner.siting.search import arrays, good_choice, keeps_rules
from planner.siting.solver import Model, is_over, relax, seconds_left, solve
from planner.siting.tree import branch_and_bound

_NODES = 20_000  # of the solver's tree, where no choice to begin from is found
_WORK = 4e8  # see `branch_and_bound`
_MOVES = 300  # swaps for each candidate in the search for a small choice
_WHOLE = 1e-6  # a bound on a whole number this close to one is it
_COUNT = 0.8  # of a time limit for the number; the rest finds the choice of so many that covers most


@dataclass(frozen=True, eq=False)
class Fewest:
    """A choice of the fewest sites found, and the proven least number."""

    chosen: Bools
    least: int

    @property
    def proven(self) -> bool:
        return int(self.chosen.sum()) <= self.least


def fewest_sites(problem: Problem, target: float, *, seconds: float | None = None, seed: int = 0) -> Fewest:
    """The fewest sites that newly cover at least `target` under the rules; of all such choices one that covers most.

    Parameters
    ----------
    problem
        Its rules say how many sites may stand at most.
    target
        Newly covered weight, at most all of it.
    seconds
        About so many seconds at most; the bound is honest wherever it stops. None limits the work instead.
    seed
        The same seed gives the same choice.

    Raises
    ------
    PlanError
        If no choice reaches the target under the rules.
    """
    begun = time.monotonic()
    until = None if seconds is None else begun + _COUNT * seconds
    find = _set_cover if _is_all(problem, target) else _by_number
    chosen, least = find(problem, target, until, seed)
    left = None if seconds is None else max(seconds_left(begun + seconds), 0.1)
    return Fewest(_most_covering(problem, chosen, target, left, seed), least)


def _set_cover(problem: Problem, target: float, until: float | None, seed: int) -> tuple[Bools, int]:
    """The fewest sites that cover all there is, and the proven least number, by the solver's tree."""
    model, start = _model(problem), _greedy(problem, target)
    relaxed = relax(model, until=until)
    if relaxed is None:
        raise _unreachable(problem, target, until, seed)
    if start is None:
        answer = solve(model, effort=_NODES, seconds=None if until is None else seconds_left(until))
    else:
        least = max(int(np.ceil(relaxed.bound - _WHOLE)), 0)
        start = _annealed(problem, start, least, target, until, seed)
        work, left = (_WORK, None) if until is None else (np.inf, seconds_left(until))
        answer = branch_and_bound(model, relaxed, start.astype(np.float64), step=1.0, work=work, seconds=left)
    if answer.infeasible:
        raise _unreachable(problem, target, until, seed)
    if answer.values is None:
        raise PlanError("no plan was found within the effort allowed; raise siting.time_limit_s", status="limit")
    chosen = answer.values > 0.5
    count = int(chosen.sum())
    return chosen, count if answer.proven else max(min(int(np.ceil(answer.bound - _WHOLE)), count), 0)


def _annealed(problem: Problem, start: Bools, least: int, target: float, until: float | None, seed: int) -> Bools:
    """The smallest choice from `least` sites on that searches for maximal covering find to cover all, halving; else `start`."""
    low, best = least - 1, start
    while low + 1 < best.sum() and not is_over(until):
        middle = (low + int(best.sum())) // 2
        found = good_choice(_with(problem, middle), moves=_MOVES * len(problem.site_ids), seed=seed)
        if found is not None and newly_covered(problem, found > 0) >= target * (1 - ALL):
            best = found > 0
        else:
            low = middle
    return best


def _by_number(problem: Problem, target: float, until: float | None, seed: int) -> tuple[Bools, int]:
    """The same for a share: the least number with which maximal covering reaches it, each number proven by itself."""
    none = np.zeros(len(problem.site_ids), dtype=np.bool_)
    if target <= 0 and keeps_rules(_with(problem, 0).rules, none):
        return none, 0
    found = _greedy(problem, target)
    if found is None:
        found = some_choice(_with(problem, problem.rules.steps[-1]), target, until, seed)
    if found is None:
        raise _unreachable(problem, target, until, seed)

    def ask(number: int) -> tuple[Problem, float]:
        return _with(problem, number), target

    search = Least(ask, _too_few(problem, target), int(found.sum()), found, until, seed)
    search.find()
    return search.chosen, min(search.impossible + 1, int(search.chosen.sum()))


def _with(problem: Problem, sites: int) -> Problem:
    return replace(problem, rules=replace(problem.rules, steps=(sites,), at_most=True))


def _too_few(problem: Problem, target: float) -> int:
    """A number of sites that is surely too small: even the largest together, overlap not looked at, cover less."""
    each = np.sort(problem.reach @ problem.weight)[::-1]
    return int(np.searchsorted(np.cumsum(each), target * (1 - ALL)))


def _unreachable(problem: Problem, target: float, until: float | None, seed: int) -> PlanError:
    """That no choice reaches the target, and each rule without which one does."""
    said = f"the rules leave no choice of candidates that covers {target:g} more need"
    rules, sites = problem.rules, len(problem.site_ids)
    roomy = replace(rules, room=np.full_like(rules.room, sites))
    without = (
        ("lower siting.share or spacing_m", replace(rules, apart=rules.apart[:0])),
        ("lower siting.share or raise per_town_max", roomy),
        ("lower siting.share or raise siting.budget", replace(rules, budget=np.inf)),
    )
    faults = [
        Fault(said, mend, column="siting.share")
        for mend, free in without
        if _reaches(replace(problem, rules=free), target, until, seed)
    ]
    faults = faults or [
        Fault(said, "lower siting.share, allow more candidates or relax the other rules", column="siting.share")
    ]
    return PlanError(f"no plan exists: {say_faults(faults)}", faults)


def _reaches(problem: Problem, target: float, until: float | None, seed: int) -> bool:
    """Whether some choice is found that covers the target."""
    try:
        return some_choice(_with(problem, len(problem.site_ids)), target, until, seed) is not None
    except PlanError:
        return False


def _most_covering(problem: Problem, chosen: Bools, target: float, seconds: float | None, seed: int) -> Bools:
    """Of choices as small, the one that covers most (bonuses of hosts included): ties are broken by what they are worth."""
    rules = replace(problem.rules, steps=(int(chosen.sum()),), at_most=True)
    if rules.steps[-1] == 0 or (_is_all(problem, target) and not rules.bonus.any()):
        return chosen
    found = best_cover(_kept_above(replace(problem, rules=rules), target), seconds=seconds, seed=seed).phase > 0
    good = newly_covered(problem, found) >= target * (1 - ALL) and found.sum() <= chosen.sum()
    return found if good else chosen


def _kept_above(problem: Problem, target: float) -> Problem:
    """The problem with the bonuses of hosts, and a row that keeps the target where they might tempt below it."""
    with_hosts = with_bonus(problem)
    if with_hosts is problem:
        return problem
    weight = np.where(np.arange(len(with_hosts.weight)) < len(problem.weight), with_hosts.weight, 0.0)
    most = float(problem.weight.sum()) - target + ALL * float(problem.weight.sum())
    none, row = np.zeros(0), sp.csr_array(weight.reshape(1, -1))

    def complete(_stands: Floats, missed: Floats) -> Floats | None:
        return none if float((row @ missed)[0]) <= most else None

    sites, ends = sp.csr_array((1, len(problem.site_ids))), (np.array([-np.inf]), np.array([most]))
    return replace(with_hosts, terms=Terms(none, none, none, sites, row, sp.csr_array((1, 0)), *ends, complete))


def _greedy(problem: Problem, target: float) -> Bools | None:
    """The shortest greedy choice that reaches the target; None if none does that keeps the rules."""
    cover, keep = arrays(problem)
    none = np.zeros(len(problem.site_ids), dtype=np.bool_)

    def grown(count: int) -> Bools:
        return kernels.greedy(cover, keep, none, count)

    low, high = -1, problem.rules.steps[-1]
    if newly_covered(problem, grown(high)) < target * (1 - ALL):
        return None
    while low + 1 < high:
        middle = (low + high) // 2
        if newly_covered(problem, grown(middle)) >= target * (1 - ALL) and keeps_rules(problem.rules, grown(middle)):
            high = middle
        else:
            low = middle
    return grown(high) if keeps_rules(problem.rules, grown(high)) else None


def _is_all(problem: Problem, target: float) -> bool:
    return target >= float(problem.weight.sum()) * (1 - ALL)


def _model(problem: Problem) -> Model:
    """Columns: stands[site], whole. The cost is the number of sites; each cell has a site."""
    sites, cells = problem.reach.shape
    side, low, high = side_rows(replace(problem.rules, at_most=True))
    covering = sp.csr_array(problem.reach.T.astype(np.float64))
    return Model(
        np.ones(sites),
        problem.rules.forced.astype(np.float64),
        np.ones(sites),
        np.ones(sites, dtype=np.bool_),
        sp.csr_array(sp.vstack([covering, side])),
        np.concatenate([np.ones(cells), low]),
        np.concatenate([np.full(cells, np.inf), high]),
    )


def chosen_of(fewest: Fewest) -> Chosen:
    """The fewest sites as a choice whose value is their number, negative, so that more is better."""
    return Chosen(fewest.chosen.astype(np.int64), -float(fewest.chosen.sum()), -float(fewest.least))
