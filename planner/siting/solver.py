"""One call to HiGHS: a linear or mixed-integer model in, an answer with a valid bound out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.errors import PlanError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

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
    """

    values: Floats | None
    bound: float
    proven: bool
    infeasible: bool = False


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The linear relaxation: a bound that is valid whatever the solver's tolerances, reduced costs, and its x.

    `bound` and `reduced` come from the row prices alone: any prices of the right sign bound the cost from below (weak
    duality; Neumaier and Shcherbina 2004), so they are counted here and not taken from the solver.
    """

    bound: float
    reduced: Floats
    values: Floats


def solve(model: Model, *, start: Floats | None = None, effort: int | None = None, seconds: float | None = None) -> Answer:
    """The least cost, by HiGHS on one thread.

    Parameters
    ----------
    start
        A feasible x to begin from.
    effort
        Most nodes of the search tree: the same work on any machine.
    seconds
        Wall clock for the search, after which the best so far is returned. Not the same work on every machine.

    Raises
    ------
    PlanError
        If HiGHS itself fails.
    """
    return _search(model, start, effort, seconds, _EAGER)


def prove(
    model: Model,
    relaxed: Relaxed,
    start: Floats,
    *,
    step: float = 0.0,
    effort: int | None = None,
    seconds: float | None = None,
) -> Answer:
    """The least cost again, where the relaxation and a good x are known: search only what they leave open.

    Whatever the relaxation proves to be no part of any better x is fixed (reduced-cost fixing).

    Parameters
    ----------
    start
        A feasible x, hardly worse than the best.
    step
        No two costs differ by less, unless they are equal; 0 if nothing is known.
    effort, seconds
        As for `solve`.
    """
    cost = float(model.cost @ start)
    if meets(model, relaxed, start, step):
        return Answer(start, cost, True)
    rest = _fixed(model, relaxed, _worth(cost, step))
    kept = bool(((start >= rest.lower) & (start <= rest.upper)).all())
    answer = _search(rest, start if kept else None, effort, seconds, _PROOF_ONLY)
    bound = max(relaxed.bound, min(cost, answer.bound))
    if answer.values is None or float(model.cost @ answer.values) > cost:
        return Answer(start, bound, answer.proven or answer.infeasible)
    return Answer(answer.values, bound, answer.proven)


def meets(model: Model, relaxed: Relaxed, start: Floats, step: float = 0.0) -> bool:
    """Whether the relaxation alone proves that no x is better than `start`."""
    return relaxed.bound > _worth(float(model.cost @ start), step)


def _worth(cost: float, step: float) -> float:
    """A better x costs no more than this."""
    return cost - step * (1 - 1e-6) - _TOLERANCE


def relax(model: Model) -> Relaxed | None:
    """The linear relaxation by an interior point, ending in a corner; None if no x exists."""
    highs = _loaded(model, {"solver": "simplex" if model.rows.nnz < _FEW else "ipm"}, mixed=False)
    _check(highs.run(), "the relaxation")
    if highs.getModelStatus() in _IMPOSSIBLE:
        return None
    solution = highs.getSolution()
    prices = np.array(solution.row_dual) if solution.dual_valid else np.zeros(model.rows.shape[0])
    prices = np.where(np.isinf(model.row_upper), np.maximum(prices, 0.0), prices)
    prices = np.where(np.isinf(model.row_lower), np.minimum(prices, 0.0), prices)
    return Relaxed(*priced(model, prices), np.array(solution.col_value))


def priced(model: Model, prices: Floats) -> tuple[float, Floats]:
    """What row prices of the right signs prove: a lower bound on the cost, and the reduced costs."""
    reduced = model.cost - model.rows.T @ prices
    up, down = prices > 0, prices < 0
    rows = float(prices[up] @ model.row_lower[up] + prices[down] @ model.row_upper[down])
    return rows + float(np.minimum(reduced * model.lower, reduced * model.upper).sum()), reduced


def _fixed(model: Model, relaxed: Relaxed, worth: float) -> Model:
    """The model with every whole x fixed whose other value would cost more than `worth`."""
    low = model.whole & (relaxed.bound + relaxed.reduced * (model.upper - model.lower) > worth) & (relaxed.reduced > 0)
    high = model.whole & (relaxed.bound - relaxed.reduced * (model.upper - model.lower) > worth) & (relaxed.reduced < 0)
    return replace(model, upper=np.where(low, model.lower, model.upper), lower=np.where(high, model.upper, model.lower))


def _search(model: Model, start: Floats | None, effort: int | None, seconds: float | None, how: dict[str, Any]) -> Answer:
    options = dict(how)
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
    "mip_lp_solver": "ipm",  # six times faster than the simplex at the root of a covering model
}
_PROOF_ONLY: dict[str, Any] = {  # the start is as good as the solver's own heuristics would find: only prove
    "mip_heuristic_effort": 0.0,
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
}
_EAGER: dict[str, Any] = {}
_IMPOSSIBLE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


def _check(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise PlanError(f"the solver refused {what}; this is a fault of the planner, please report it", status="error")
