"""The choice of sites for all phases together, and each phase's own best to hold it against."""

from __future__ import annotations

from planner.siting.cover import Chosen, best_cover, single
from planner.siting.problem import Problem


def choose_cover(problem: Problem) -> tuple[Chosen, list[Chosen]]:
    """The best choice over all phases together, and for each phase the best choice were it the only one."""
    steps = problem.rules.steps
    if len(steps) == 1:
        chosen = best_cover(problem)
        return chosen, [chosen]
    alone = [best_cover(single(problem, step, end=step == steps[-1])) for step in steps]
    return best_cover(problem), alone
