"""The choice of sites for all phases together, and each phase's own best to hold it against."""

from __future__ import annotations

import numpy as np

from planner.siting.cover import Chosen, CoverModel, single
from planner.siting.problem import Problem
from planner.siting.search import good_choice
from planner.siting.solver import meets, relax, solve
from planner.siting.tree import branch_and_bound

_QUICK, _LONG = 100, 1_500  # swaps a run for each candidate: enough for most; before a search tree is grown
_MOST = 600_000  # swaps a run
_WORK = 2e9  # see `branch_and_bound`: about a minute


def choose_cover(problem: Problem, *, seed: int = 0) -> tuple[Chosen, list[Chosen]]:
    """The best choice over all phases together, and for each phase the best choice were it the only one."""
    steps = problem.rules.steps
    whole = best_cover(problem, seed=seed)
    if len(steps) == 1:
        return whole, [whole]
    return whole, [best_cover(single(problem, step, end=step == steps[-1]), seed=seed) for step in steps]


def best_cover(problem: Problem, *, work: float = _WORK, seconds: float | None = None, seed: int = 0) -> Chosen:
    """The choice that covers most need, added up over the phases.

    A good choice is searched, the relaxation bounds it, and only if they do not meet is a tree grown over what they leave
    open.

    Parameters
    ----------
    work, seconds
        Most work in the tree, most seconds; the bound is honest wherever it stops.
    seed
        The same seed gives the same choice.

    Raises
    ------
    PlanError
        If no choice keeps the rules, or none was found within the limits.
    """
    model = CoverModel.of(problem)
    moves = [min(each * len(problem.site_ids), _MOST) for each in (_QUICK, _LONG)]
    start = good_choice(problem, moves=moves[0], seed=seed)
    columns = None if start is None else model.columns(start)
    relaxed = None if columns is None else relax(model.model)
    if columns is None or relaxed is None:
        return model.chosen(solve(model.model, start=columns, seconds=seconds))
    if not meets(relaxed, float(model.model.cost @ columns), model.step):
        other = good_choice(problem, moves=moves[1], seed=seed)
        both = [columns] if other is None else [columns, model.columns(other)]
        columns = min(both, key=lambda x: float(np.dot(model.model.cost, x)))
    answer = branch_and_bound(model.model, relaxed, columns, step=model.step, work=work, seconds=seconds)
    return model.chosen(answer)
