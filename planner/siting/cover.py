"""Maximal covering, exactly: the most need covered with so many sites, over all phases together, with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.errors import PlanError
from planner.siting.arrays import Bools, Floats, Ints, inner
from planner.siting.problem import NOWHERE, Problem, Rules
from planner.siting.solver import Answer, Model

_SCALED_SUM = 20  # weights are scaled by a power of two to add up to some 2**20: tolerances then mean one in 10**12
_ROUNDING = 1e-14  # of all that is added up: how far a sum of it may be off
_PROVEN = 1e-9  # a bound this close, relatively, is the value itself


@dataclass(frozen=True, eq=False)
class Chosen:
    """A choice of sites and its proof.

    Parameters
    ----------
    phase
        (sites,) the phase in which a site opens, from 1; 0 for sites not chosen.
    value
        What the model makes most: need newly covered, added up over the phases, less the cost of further terms.
    bound
        No choice that keeps the rules covers more.
    """

    phase: Ints
    value: float
    bound: float

    @property
    def proven(self) -> bool:
        return self.bound <= self.value


def newly_covered(problem: Problem, chosen: Bools) -> float:
    """Need covered by the chosen sites."""
    reached = problem.reach[np.flatnonzero(chosen)].indices
    covered = np.zeros(len(problem.weight), dtype=bool)
    covered[reached] = True
    return float(problem.weight[covered].sum())


def value_of(problem: Problem, phase: Ints) -> float:
    """Need newly covered, added up over the phases: at the end of phase t with the sites of phases 1 … t.

    Less the cost of further terms at the end; minus infinity where they cannot be kept.
    """
    steps = range(1, len(problem.rules.steps) + 1)
    value = float(sum(newly_covered(problem, (phase > 0) & (phase <= t)) for t in steps))
    if problem.terms is None:
        return value
    own = _own(problem, phase > 0)
    return -np.inf if own is None else value - inner(problem.terms.cost, own)


def _own(problem: Problem, stands: Bools) -> Floats | None:
    """The further columns that go with these sites; None where the further rows cannot be kept."""
    if problem.terms is None:
        return np.zeros(0)
    end = stands.astype(np.float64)
    return problem.terms.complete(end, ((problem.reach.T @ end) == 0).astype(np.float64))


@dataclass(frozen=True, eq=False)
class CoverModel:
    """Maximal covering over all phases as a mixed-integer model (Church and ReVelle 1974, in time).

    Columns: stands[t, site], whole; then missed[t, cell]. The cost is the missed need, added up over the phases with
    equal weight, less what only one site reaches (folded into that site's cost), times `scale`.
    """

    problem: Problem
    alone: Bools
    scale: float
    model: Model
    constant: float

    @classmethod
    def of(cls, problem: Problem) -> CoverModel:
        alone = np.bincount(problem.reach.indices, minlength=len(problem.weight)) == 1
        alone &= problem.terms is None  # further rows speak of every cell
        scale = 2.0 ** (_SCALED_SUM - np.ceil(np.log2(max(problem.weight.sum(), 1e-300))))
        model, constant = _model(problem, alone, scale)
        return cls(problem, alone, scale, _with_terms(problem, model, scale), constant)

    @property
    def step(self) -> float:
        """No two costs differ by less, unless they are equal; 0 if nothing is known."""
        terms = self.problem.terms
        return self.scale * (least_step(self.problem.weight) if terms is None else terms.step)

    def begin(self, phase: Ints) -> Floats | None:
        """A choice as columns of the model; None where it cannot keep the further rows."""
        own = _own(self.problem, phase > 0)
        return None if own is None else np.concatenate([_columns(self.problem, self.alone, phase), own])

    def columns(self, phase: Ints) -> Floats:
        """A choice as columns of a model without further terms."""
        return _columns(self.problem, self.alone, phase)

    def chosen(self, answer: Answer) -> Chosen:
        """An answer as a choice.

        Raises
        ------
        PlanError
            If there is none.
        """
        if answer.infeasible:
            raise PlanError("no plan exists: the rules contradict each other; relax one", status="infeasible")
        if answer.values is None:
            raise PlanError("no plan was found within the effort allowed; raise it", status="limit")
        return sealed(self.problem, _phases(self.problem, answer.values), self.need(answer.bound))

    def need(self, cost: float) -> float:
        """A cost of the model as need covered, added up over the phases."""
        return (self.constant - cost) / self.scale

    def cost_of(self, need: float) -> float:
        """The cost of the model up to which this need is covered, a rounding error included."""
        return self.constant - need * self.scale + _PROVEN * self.constant


def least_step(weight: Floats) -> float:
    """No two sums of these weights differ by less, unless they are equal; 0 if that cannot be said.

    >>> least_step(np.array([4.0, 6.0])), least_step(np.array([0.5, 0.3]))
    (2.0, 0.0)
    """
    whole = bool((weight == np.floor(weight)).all()) and weight.sum() < 2**50
    return float(np.gcd.reduce(weight.astype(np.int64))) if whole and len(weight) else 0.0


def sealed(problem: Problem, phase: Ints, bound: float) -> Chosen:
    """A choice with its value counted anew; a bound within one in 10^9 of it is the value."""
    return sealed_value(phase, value_of(problem, phase), bound, size=float(problem.weight.sum()))


def sealed_value(phase: Ints, value: float, bound: float, *, size: float = 0.0) -> Chosen:
    """A choice of this value; a bound within one in 10^9 of it, or within the rounding of sums of this size, is the value."""
    close = bound <= value + max(abs(value) * _PROVEN, size * _ROUNDING)
    return Chosen(phase, value, value if close else bound)


def single(problem: Problem, sites: int, *, end: bool) -> Problem:
    """The problem of one phase by itself; only at the `end` do required sites and minimums bind."""
    rules = problem.rules
    short, forced = (rules.short, rules.forced) if end else (np.zeros_like(rules.short), np.zeros_like(rules.forced))
    return replace(problem, rules=replace(rules, steps=(sites,), short=short, forced=forced))


def _phases(problem: Problem, values: Floats) -> Ints:
    sites, periods = len(problem.site_ids), len(problem.rules.steps)
    stands = values[: sites * periods].reshape(periods, sites) > 0.5
    return np.where(stands.any(axis=0), stands.argmax(axis=0) + 1, 0).astype(np.int64)


def _columns(problem: Problem, alone: Bools, phase: Ints) -> Floats:
    shared = problem.reach[:, np.flatnonzero(~alone)]
    stands = [(phase > 0) & (phase <= t) for t in range(1, len(problem.rules.steps) + 1)]
    missed = [(shared.T @ s.astype(np.float64)) == 0 for s in stands]
    return np.concatenate([*stands, *missed]).astype(np.float64)


def _model(problem: Problem, alone: Bools, scale: float) -> tuple[Model, float]:
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
    side, low, high = side_rows(rules)
    side = sp.hstack([side, sp.csr_array((side.shape[0], periods * cells))])
    rows = sp.csr_array(sp.vstack([covering, side]))
    row_lower = np.concatenate([np.ones(periods * cells), low])
    row_upper = np.concatenate([np.full(periods * cells, np.inf), high])
    return Model(cost, lower, np.ones(len(cost)), whole, rows, row_lower, row_upper), scale * periods * float(weight.sum())


def _with_terms(problem: Problem, model: Model, scale: float) -> Model:
    """The model with the further columns and rows, which speak of the end of the last phase."""
    terms = problem.terms
    if terms is None:
        return model
    (sites, cells), periods, own = problem.reach.shape, len(problem.rules.steps), len(terms.cost)
    gaps = [sp.csr_array((len(terms.low), (periods - 1) * width)) for width in (sites, cells)]
    further = sp.hstack([gaps[0], terms.over_sites, gaps[1], terms.over_missed, terms.over_own])
    before = sp.hstack([model.rows, sp.csr_array((model.rows.shape[0], own))])
    return Model(
        np.concatenate([model.cost, scale * terms.cost]),
        np.concatenate([model.lower, terms.lower]),
        np.concatenate([model.upper, terms.upper]),
        np.concatenate([model.whole, np.zeros(own, dtype=np.bool_)]),
        sp.csr_array(sp.vstack([before, further])),
        np.concatenate([model.row_lower, terms.low]),
        np.concatenate([model.row_upper, terms.high]),
    )


def side_rows(rules: Rules) -> tuple[sp.csr_array, Floats, Floats]:
    """The rules as rows over stands[t, site]: how many in each phase; what stands stays; and at the end the others."""
    periods, sites = len(rules.steps), len(rules.town)
    counts = sp.kron(sp.eye_array(periods), np.ones((1, sites)))
    steps = np.array(rules.steps, dtype=np.float64)
    later = sp.csr_array(np.eye(periods - 1, periods, 1) - np.eye(periods - 1, periods))
    stays = sp.kron(later, sp.eye_array(sites)) if periods > 1 else sp.csr_array((0, sites))
    end, low, high = _end_rows(rules)
    before = sp.csr_array((end.shape[0], sites * (periods - 1)))
    rows = sp.csr_array(sp.vstack([counts, stays, sp.hstack([before, end])]))
    still = np.zeros(stays.shape[0])
    fewest = np.zeros(periods) if rules.at_most else steps
    return rows, np.concatenate([fewest, still, low]), np.concatenate([steps, still + np.inf, high])


def _end_rows(rules: Rules) -> tuple[sp.csr_array, Floats, Floats]:
    """Rows over the sites that stand at the end: least and most a town, budget, spacing."""
    sites = len(rules.town)
    there = np.bincount(rules.town[rules.town != NOWHERE], minlength=len(rules.towns))
    bound = np.flatnonzero((rules.short > 0) | (rules.room < there))
    towns = sp.csr_array((rules.town[None, :] == bound[:, None]).astype(np.float64).reshape(len(bound), sites))
    money = np.isfinite(rules.budget)
    costs = sp.csr_array(rules.cost.reshape(1, sites) if money else np.zeros((0, sites)))
    pairs = len(rules.apart)
    near = sp.csr_array((np.ones(2 * pairs), (np.repeat(np.arange(pairs), 2), rules.apart.ravel())), shape=(pairs, sites))
    low = np.concatenate([rules.short[bound], np.full(int(money) + pairs, -np.inf)]).astype(np.float64)
    most = np.minimum(rules.room[bound], there[bound])
    high = np.concatenate([most, np.full(int(money), rules.budget), np.ones(pairs)]).astype(np.float64)
    return sp.csr_array(sp.vstack([towns, costs, near])), low, high
