"""The least number, of sites or of seconds, with which a covering problem meets its target: what LSCP and p-center ask alike.

From below relaxations come up, from above a search that proves nothing comes down, and trees decide what is left between.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from planner.errors import PlanError
from planner.siting.arrays import Bools
from planner.siting.choose import ALL, moves_for
from planner.siting.cover import CoverModel, newly_covered
from planner.siting.dual import dual_bound
from planner.siting.problem import Problem
from planner.siting.search import good_choice
from planner.siting.solver import is_over, relax, seconds_left, solve
from planner.siting.tree import branch_and_bound

Ask = Callable[[int], tuple[Problem, float]]  # a number to the problem of one phase and the weight that must be covered

_QUICK, _LONG = 100, 3_000  # swaps for each candidate: to come down at first, and where a relaxation allows it still
_EFFORT = {_QUICK: 5e7, _LONG: 1.5e8}  # most entries looked at in a run of swaps: half a second, and two
_ROWS = 150_000  # entries of a problem that a linear program bounds and a tree is grown over; prices bound larger ones
_ROUNDS = 8  # of the prices, see `dual_bound`
_NODES = 2_000  # of the solver's tree, where no choice keeps the rules that greedy or the rules by themselves find
_WORK = 2.5e8  # of all trees together, see `branch_and_bound`: ten seconds


@dataclass(eq=False)
class Least:
    """Where the search stands.

    Parameters
    ----------
    ask
        What each number asks for; the larger, the easier.
    impossible
        Up to this number it is proven that no choice is enough.
    enough
        With this number `chosen` is enough.
    until
        Time of the monotonic clock at which to stop; None stops by work.
    """

    ask: Ask
    impossible: int
    enough: int
    chosen: Bools
    until: float | None = None
    seed: int = 0
    work: float = _WORK

    def find(self) -> None:
        """Bring `enough` down and `impossible` up as far as the work allows."""
        self._come_up()
        self._come_down(_QUICK)
        self._come_down(_LONG)
        while self.impossible + 1 < self.enough and self._goes_on:
            if not self._decide(self.impossible + 1):
                break

    @property
    def _goes_on(self) -> bool:
        return self.work > 0 if self.until is None else not is_over(self.until)

    def _come_down(self, each: int) -> None:
        """Halve what is between the numbers, by choices that are searched."""
        low = self.impossible
        while low + 1 < self.enough and self._goes_on:
            middle = (low + self.enough) // 2
            if not self._searched(middle, each):
                low = middle

    def _come_up(self) -> None:
        """The same by relaxations, as far as they prove that a number is too small."""
        high = self.enough
        while self.impossible + 1 < high and self._goes_on:
            middle = (self.impossible + high) // 2
            if cannot(*self.ask(middle), self.until):
                self.impossible = middle
            else:
                high = middle

    def _searched(self, number: int, each: int) -> bool:
        found = searched(*self.ask(number), each, self.seed)
        if found is not None:
            self._keep(number, found)
        return found is not None

    def _keep(self, number: int, chosen: Bools) -> None:
        self.enough, self.chosen = number, chosen

    def _decide(self, number: int) -> bool:
        """Whether a tree finds a choice for this number or proves that there is none, with half of the work that is left."""
        problem, target = self.ask(number)
        if problem.reach.nnz > _ROWS or not self._goes_on:
            return False
        left = None if self.until is None else seconds_left(self.until) / 2
        found, impossible, work = decided(problem, target, self.work / 2 if left is None else float("inf"), left, self.seed)
        self.work -= max(work, _WORK / 100)
        if found is not None:
            self._keep(number, found)
        elif impossible:
            self.impossible = number
        return found is not None or impossible


def searched(problem: Problem, target: float, each: int, seed: int) -> Bools | None:
    """A choice that covers the target, if so many swaps for each candidate find one."""
    if float(problem.weight.sum()) < target * (1 - ALL):
        return None
    start = good_choice(problem, moves=moves_for(problem, each, effort=_EFFORT[each]), seed=seed)
    return start > 0 if start is not None and newly_covered(problem, start > 0) >= target * (1 - ALL) else None


def cannot(problem: Problem, target: float, until: float | None = None) -> bool:
    """Whether a relaxation proves that no choice covers the target."""
    least = target * (1 - ALL)
    if float(problem.weight.sum()) < least:
        return True
    surely = least - 1e-7 * abs(least)
    if problem.reach.nnz > _ROWS:
        return dual_bound(problem, rounds=_ROUNDS, enough=surely * (1 - ALL), until=until) < surely
    model = CoverModel.of(problem)
    relaxed = relax(model.model, until=until)
    return relaxed is None or model.need(relaxed.bound) < surely


def decided(problem: Problem, target: float, work: float, seconds: float | None, seed: int) -> tuple[Bools | None, bool, float]:
    """A choice that covers the target, or whether it is proven that there is none; and the work that took."""
    least = target * (1 - ALL)
    until = None if seconds is None else time.monotonic() + seconds
    if cannot(problem, target, until):
        return None, True, 0.0
    model = CoverModel.of(problem)
    relaxed, start = relax(model.model, until=until), good_choice(problem, moves=moves_for(problem, _QUICK), seed=seed)
    left = None if until is None else seconds_left(until)
    if relaxed is None or start is None:
        return None, relaxed is None or solve(model.model, effort=_NODES, seconds=left).infeasible, 0.0
    columns = model.columns(start)
    goal = model.cost_of(least)
    answer = branch_and_bound(model.model, relaxed, columns, step=model.step, work=work, seconds=left, goal=goal)
    found = model.chosen(answer).phase > 0
    if newly_covered(problem, found) >= least:
        return found, False, answer.work
    return None, answer.bound > goal, answer.work


def some_choice(problem: Problem, target: float, until: float | None, seed: int) -> Bools | None:
    """A choice that covers the target, however it is found; None if it is proven that there is none.

    Raises
    ------
    PlanError
        If neither is known when the work is done.
    """
    found = searched(problem, target, _QUICK, seed)
    if found is not None:
        return found
    left = None if until is None else max(until - time.monotonic(), 0.1)
    found, impossible, _ = decided(problem, target, _WORK if left is None else float("inf"), left, seed)
    if found is None and not impossible:
        raise PlanError("no plan was found within the effort allowed; raise siting.time_limit_s", status="limit")
    return found
