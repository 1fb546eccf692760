"""One call to HiGHS: a linear or mixed-integer model in, an answer with a valid bound out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from planner.errors import PlanError
from planner.siting.arrays import Bools, Floats, Short, inner

_FEW = 2_000  # entries of a model whose relaxation the simplex solves as fast
_TOLERANCE = 1e-9  # integrality and feasibility; HiGHS allows 1e-10 and takes 1e-6 unless told


@dataclass(frozen=True, eq=False)
class Model:
    """Least ``cost @ x`` with ``lower <= x <= upper``, ``row_lower <= rows @ x <= row_upper``, some x whole."""

    cost: Floats
    lower: Floats
    upper: Floats
    whole: Bools
    rows: sp.csr_array
    row_lower: Floats
    row_upper: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """What came back.

    Parameters
    ----------
    values
        The best x found, or None.
    bound
        No x costs less than this, up to the solver's tolerances.
    proven
        Whether `values` is the optimum.
    infeasible
        Whether it is proven that no x exists.
    work
        Simplex steps times rows, where they are counted.
    """

    values: Floats | None
    bound: float
    proven: bool
    infeasible: bool = False
    work: float = 0.0


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The linear relaxation: a bound that is valid whatever the solver's tolerances, reduced costs, x, and where it ended.

    Not `solved` where the time ran out or the solver gave up: the bound holds all the same, the rest says little.

    `bound` and `reduced` come from the row prices alone: any prices of the right sign bound the cost from below (weak
    duality; Neumaier and Shcherbina 2004), so they are counted here and not taken from the solver.
    """

    bound: float
    reduced: Floats
    values: Floats
    solved: bool = True
    basis: highspy.HighsBasis | None = None

    @property
    def has_basis(self) -> bool:
        """Whether another solve can begin where this one ended."""
        return self.basis is not None and bool(self.basis.valid)


def solve(model: Model, *, start: Floats | None = None, effort: int | None = None, seconds: float | None = None) -> Answer:
    """The least cost, by the branch and cut of HiGHS on one thread: for small models and those without a start.

    Parameters
    ----------
    start
        A feasible x to begin from.
    effort
        Most nodes of the search tree: the same work on any machine.
    seconds
        Wall clock after which the best so far is returned. Not the same work on every machine.

    Raises
    ------
    PlanError
        If HiGHS itself fails.
    """
    options: dict[str, Any] = {}
    if effort is not None:
        options["mip_max_nodes"] = effort
    if seconds is not None:
        options["time_limit"] = max(seconds, 0.0)
    highs = _loaded(model, options, mixed=True)
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        _check(highs.setSolution(solution), "the start")
    _check(highs.run(), "the search")
    if highs.getModelStatus() in _IMPOSSIBLE:
        return Answer(None, float("inf"), False, infeasible=True)
    info = highs.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(highs.getSolution().col_value) if found else None
    return Answer(values, float(info.mip_dual_bound), found and highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)


class Lp:
    """A linear relaxation that stays loaded: every solve begins where the last one ended.

    `work` counts simplex steps times rows, all solves together. No solve goes on after `until` of the monotonic clock.
    """

    def __init__(self, model: Model, basis: highspy.HighsBasis | None = None, *, until: float | None = None) -> None:
        self.model = model
        self.until = until
        self.work = 0.0
        self._prices_sign = np.isinf(model.row_upper), np.isinf(model.row_lower)
        interior = basis is None and model.rows.nnz > _FEW
        self._highs = _loaded(model, {"solver": "ipm" if interior else "simplex"}, mixed=False)
        if basis is not None:
            _check(self._highs.setBasis(basis), "the basis")

    def solve(self, columns: Short, lower: Floats, upper: Floats) -> Relaxed | None:
        """The relaxation with other bounds on some columns; None if no x exists."""
        _check(self._highs.changeColsBounds(len(columns), columns, lower, upper), "the bounds")
        low, high = self.model.lower.copy(), self.model.upper.copy()
        low[columns], high[columns] = lower, upper
        return self._run(replace(self.model, lower=low, upper=high))

    def hold(self, row: int, side: float) -> Relaxed | None:
        """The relaxation with one row held equal to `side`, from now on; None if no x exists."""
        low, high = self.model.row_lower.copy(), self.model.row_upper.copy()
        low[row] = high[row] = side
        self.model = replace(self.model, row_lower=low, row_upper=high)
        _check(self._highs.changeRowBounds(row, side, side), "the side")
        return self._run(self.model)

    def relax(self) -> Relaxed | None:
        """The relaxation as it is; None if no x exists."""
        return self._run(self.model)

    def _run(self, model: Model) -> Relaxed | None:
        if self.until is not None:  # the solver counts the seconds of all its runs
            _check(self._highs.setOptionValue("time_limit", self._highs.getRunTime() + seconds_left(self.until)), "the limit")
        _check(self._highs.run(), "the relaxation")
        _check(self._highs.setOptionValue("solver", "simplex"), "the simplex")
        status, info = self._highs.getModelStatus(), self._highs.getInfo()
        steps = max(info.simplex_iteration_count, 0) + max(info.crossover_iteration_count, 0)
        self.work += steps * float(model.rows.shape[0])
        if status in _IMPOSSIBLE:
            return None
        solution = self._highs.getSolution()
        bound, reduced = self._priced(model, np.array(solution.row_dual), valid=solution.dual_valid)
        solved = status == highspy.HighsModelStatus.kOptimal
        return Relaxed(bound, reduced, np.array(solution.col_value), solved, self._highs.getBasis())

    def _priced(self, model: Model, prices: Floats, *, valid: bool) -> tuple[float, Floats]:
        """`priced` with the signs put right; prices on the way to the best ones prove less, or less than none at all."""
        nothing = np.zeros(model.rows.shape[0])
        if prices.shape != nothing.shape or not np.isfinite(prices).all():
            return priced(model, nothing)
        prices = np.where(self._prices_sign[0], np.maximum(prices, 0.0), prices)
        prices = np.where(self._prices_sign[1], np.minimum(prices, 0.0), prices)
        found = priced(model, prices)
        return found if valid else max(found, priced(model, nothing), key=lambda proof: proof[0])


def relax(model: Model, *, until: float | None = None) -> Relaxed | None:
    """The linear relaxation, by an interior point that ends in a corner; None if no x exists."""
    return Lp(model, until=until).relax()


def seconds_left(until: float) -> float:
    """Seconds until this time of the monotonic clock, at least 0."""
    return max(until - time.monotonic(), 0.0)


def is_over(until: float | None) -> bool:
    """Whether a limit on the time, if there is one, is reached."""
    return until is not None and time.monotonic() >= until


def meets(relaxed: Relaxed, cost: float, step: float) -> bool:
    """Whether the relaxation alone proves that no x is better than one of this cost."""
    return relaxed.bound > worth(cost, step)


def worth(cost: float, step: float) -> float:
    """A better x than one of this cost costs no more than this; `step` is the least by which two costs differ."""
    return cost - step * (1 - 1e-6) - _TOLERANCE


def priced(model: Model, prices: Floats) -> tuple[float, Floats]:
    """What row prices of the right signs prove: a lower bound on the cost, and the reduced costs."""
    reduced = model.cost - model.rows.T @ prices
    up, down = prices > 0, prices < 0
    rows = inner(prices[up], model.row_lower[up]) + inner(prices[down], model.row_upper[down])
    return rows + float(np.minimum(reduced * model.lower, reduced * model.upper).sum()), reduced


def _loaded(model: Model, options: dict[str, Any], *, mixed: bool) -> highspy.Highs:
    highs = highspy.Highs()
    for name, value in (_ALWAYS | options).items():
        _check(highs.setOptionValue(name, value), f"the option {name}")
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = model.rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.rows.data.astype(np.float64)
    if mixed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in model.whole]
    _check(highs.passModel(lp), "the model")
    return highs


_ALWAYS: dict[str, Any] = {
    "output_flag": False,
    "threads": 1,  # never another number in one process: HiGHS keeps one scheduler and then refuses to run
    "random_seed": 0,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 0.0,
    "mip_feasibility_tolerance": _TOLERANCE,
    "primal_feasibility_tolerance": _TOLERANCE,
    "mip_allow_restart": False,  # restarts took two thirds of the time on covering models
    "dual_simplex_cost_perturbation_multiplier": 0.1,  # costs moved less: trees of covering models up to a half smaller
}
_IMPOSSIBLE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


def _check(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise PlanError(f"the solver refused {what}; this is a fault of the planner, please report it", status="error")
