"""Maximal covering, exactly: the most need covered with so many sites, over all phases together, with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.errors import PlanError
from planner.siting.problem import NOWHERE, Problem, Rules
from planner.siting.solver import Answer, Floats, Model, solve

Ints = npt.NDArray[np.int64]

_SCALED_SUM = 20  # weights are scaled by a power of two to add up to some 2**20: tolerances then mean one in 10**12
_PROVEN = 1e-9  # a bound this close, relatively, is the value itself


@dataclass(frozen=True, eq=False)
class Chosen:
    """A choice of sites and its proof.

    Parameters
    ----------
    phase
        (sites,) the phase in which a site opens, from 1; 0 for sites not chosen.
    value
        Need newly covered, added up over the phases.
    bound
        No choice that keeps the rules covers more.
    """

    phase: Ints
    value: float
    bound: float

    @property
    def proven(self) -> bool:
        return self.bound <= self.value


def newly_covered(problem: Problem, chosen: npt.NDArray[np.bool_]) -> float:
    """Need covered by the chosen sites.

    >>> from planner.siting.problem import Rules
    >>> rules = Rules((1,), np.zeros(2, bool), (), np.full(2, NOWHERE), np.zeros(0, int))
    >>> town = Problem(None, sp.csr_array(np.array([[1, 1, 0], [0, 1, 1]])), np.array([5.0, 1.0, 2.0]), rules)
    >>> newly_covered(town, np.array([True, False]))
    6.0
    """
    reached = problem.reach[np.flatnonzero(chosen)].indices
    covered = np.zeros(len(problem.weight), dtype=bool)
    covered[reached] = True
    return float(problem.weight[covered].sum())


def value_of(problem: Problem, phase: Ints) -> float:
    """Need newly covered, added up over the phases: at the end of phase t with the sites of phases 1 … t."""
    steps = range(1, len(problem.rules.steps) + 1)
    return float(sum(newly_covered(problem, (phase > 0) & (phase <= t)) for t in steps))


def best_cover(problem: Problem, *, start: Ints | None = None, effort: int | None = None) -> Chosen:
    """The choice that covers most need, added up over the phases with equal weight (Church and ReVelle 1974, in time).

    Parameters
    ----------
    start
        A choice to begin from (phase of each site), keeping the rules.
    effort
        Most nodes of the search tree; the bound is honest wherever it stops.

    Raises
    ------
    PlanError
        If no choice keeps the rules, or none was found within `effort`.
    """
    alone = np.bincount(problem.reach.indices, minlength=len(problem.weight)) == 1
    scale = 2.0 ** (_SCALED_SUM - np.ceil(np.log2(max(problem.weight.sum(), 1e-300))))
    model, constant = _model(problem, alone, scale)
    answer = solve(model, start=None if start is None else _columns(problem, alone, start), effort=effort)
    if answer.infeasible:
        raise PlanError("no plan exists: the rules contradict each other; relax one", status="infeasible")
    if answer.values is None:
        raise PlanError("no plan was found within the effort allowed; raise it", status="limit")
    phase = _phases(problem, answer)
    return sealed(problem, phase, (constant - answer.bound) / scale)


def sealed(problem: Problem, phase: Ints, bound: float) -> Chosen:
    """A choice with its value counted anew; a bound within one in 10^9 of it is the value."""
    value = value_of(problem, phase)
    close = bound <= value * (1 + _PROVEN)
    return Chosen(phase, value, value if close else bound)


def single(problem: Problem, sites: int, *, end: bool) -> Problem:
    """The problem of one phase by itself; only at the `end` do required sites and minimums bind."""
    rules = problem.rules
    short, forced = (rules.short, rules.forced) if end else (np.zeros_like(rules.short), np.zeros_like(rules.forced))
    return replace(problem, rules=replace(rules, steps=(sites,), short=short, forced=forced))


def _phases(problem: Problem, answer: Answer) -> Ints:
    if answer.values is None:  # for the type checker; the caller has looked
        raise PlanError("no plan was found", status="limit")
    sites, periods = len(problem.site_ids), len(problem.rules.steps)
    stands = answer.values[: sites * periods].reshape(periods, sites) > 0.5
    return np.where(stands.any(axis=0), stands.argmax(axis=0) + 1, 0).astype(np.int64)


def _columns(problem: Problem, alone: npt.NDArray[np.bool_], phase: Ints) -> Floats:
    shared = problem.reach[:, np.flatnonzero(~alone)]
    stands = [(phase > 0) & (phase <= t) for t in range(1, len(problem.rules.steps) + 1)]
    missed = [(shared.T @ s.astype(np.float64)) == 0 for s in stands]
    return np.concatenate([*stands, *missed]).astype(np.float64)


def _model(problem: Problem, alone: npt.NDArray[np.bool_], scale: float) -> tuple[Model, float]:
    """Columns: stands[t, site] whole, then missed[t, cell]; a cell of one site alone is folded into that site's cost."""
    rules, periods = problem.rules, len(problem.rules.steps)
    sites, own = problem.reach.shape[0], problem.reach[:, np.flatnonzero(alone)] @ problem.weight[alone]
    shared = sp.csr_array(problem.reach[:, np.flatnonzero(~alone)].T.astype(np.float64))
    weight = problem.weight[~alone]
    cells = len(weight)
    cost = scale * np.concatenate([np.tile(-own, periods), np.tile(weight, periods)])
    lower = np.zeros(len(cost))
    lower[sites * (periods - 1) : sites * periods][rules.forced] = 1.0
    whole = np.arange(len(cost)) < sites * periods
    covering = sp.hstack([sp.kron(sp.eye_array(periods), shared), sp.eye_array(periods * cells)])
    side, low, high = _side_rows(rules, sites)
    side = sp.hstack([side, sp.csr_array((side.shape[0], periods * cells))])
    rows = sp.csr_array(sp.vstack([covering, side]))
    row_lower = np.concatenate([np.ones(periods * cells), low])
    row_upper = np.concatenate([np.full(periods * cells, np.inf), high])
    return Model(cost, lower, np.ones(len(cost)), whole, rows, row_lower, row_upper), scale * periods * float(weight.sum())


def _side_rows(rules: Rules, sites: int) -> tuple[sp.csr_array, Floats, Floats]:
    """How many stand in each phase; what stands stays; every town has its minimum at the end."""
    periods = len(rules.steps)
    counts = sp.kron(sp.eye_array(periods), np.ones((1, sites)))
    steps = np.array(rules.steps, dtype=np.float64)
    stays = (
        sp.kron(sp.diags_array([1.0, -1.0], offsets=[1, 0], shape=(periods - 1, periods)), sp.eye_array(sites))
        if periods > 1
        else sp.csr_array((0, sites))
    )
    lacking = np.flatnonzero(rules.short > 0)
    last = sp.csr_array((len(lacking), sites * (periods - 1)))
    inside = sp.csr_array((rules.town[None, :] == lacking[:, None]).astype(np.float64).reshape(len(lacking), sites))
    rows = sp.csr_array(sp.vstack([counts, stays, sp.hstack([last, inside])]))
    low = np.concatenate([steps, np.zeros(sites * (periods - 1)), rules.short[lacking].astype(np.float64)])
    high = np.concatenate([steps, np.full(sites * (periods - 1) + len(lacking), np.inf)])
    return rows, low, high


__all__ = ["NOWHERE", "Chosen", "best_cover", "newly_covered", "sealed", "single", "value_of"]
