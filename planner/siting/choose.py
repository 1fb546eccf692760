"""The choice of sites for all phases together, and each phase's own best to hold it against."""

from __future__ import annotations

from planner.siting.cover import Chosen, CoverModel, Ints, single
from planner.siting.problem import Problem
from planner.siting.search import good_choice
from planner.siting.solver import Floats, meets, prove, relax, solve

_SMALL = 2_000  # entries of a model that the solver is given as it is
_QUICK, _LONG = 30_000, 500_000  # swaps a run: enough for most; before a search tree is grown


def choose_cover(problem: Problem, *, seed: int = 0) -> tuple[Chosen, list[Chosen]]:
    """The best choice over all phases together, and for each phase the best choice were it the only one."""
    steps = problem.rules.steps
    whole = best_cover(problem, seed=seed)
    if len(steps) == 1:
        return whole, [whole]
    return whole, [best_cover(single(problem, step, end=step == steps[-1]), seed=seed) for step in steps]


def best_cover(problem: Problem, *, effort: int | None = None, seconds: float | None = None, seed: int = 0) -> Chosen:
    """The choice that covers most need, added up over the phases.

    A good choice is searched, the relaxation bounds it, and only if they do not meet is a tree grown over what they leave
    open.

    Parameters
    ----------
    effort, seconds
        Most nodes of the search tree, most seconds; the bound is honest wherever it stops.
    seed
        The same seed gives the same choice.

    Raises
    ------
    PlanError
        If no choice keeps the rules, or none was found within `effort`.
    """
    model = CoverModel.of(problem)
    start = good_choice(problem, moves=_QUICK, seed=seed)
    if start is None or model.model.rows.nnz < _SMALL:
        columns = None if start is None else model.columns(start)
        return model.chosen(solve(model.model, start=columns, effort=effort, seconds=seconds))
    relaxed = relax(model.model)
    if relaxed is None:  # a start keeps the rules, so this is the solver's doing: let it try the whole model
        return model.chosen(solve(model.model, start=model.columns(start), effort=effort, seconds=seconds))
    columns = model.columns(start)
    if not meets(model.model, relaxed, columns, model.step):
        columns = _better(model, columns, good_choice(problem, moves=_LONG, seed=seed))
    return model.chosen(prove(model.model, relaxed, columns, step=model.step, effort=effort, seconds=seconds))


def _better(model: CoverModel, columns: Floats, other: Ints | None) -> Floats:
    again = columns if other is None else model.columns(other)
    return again if model.model.cost @ again < model.model.cost @ columns else columns
