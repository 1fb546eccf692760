"""One call to HiGHS: a linear or mixed-integer model in, an answer with a valid bound out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.errors import PlanError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

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
    nodes
        Nodes of the search tree; 0 for a linear model.
    """

    values: Floats | None
    bound: float
    proven: bool
    infeasible: bool
    nodes: int


def solve(model: Model, *, start: Floats | None = None, effort: int | None = None, seconds: float | None = None) -> Answer:
    """Solve a model with HiGHS on one thread.

    Parameters
    ----------
    start
        A feasible x to begin from.
    effort
        Most nodes of the search tree (mixed-integer) or simplex iterations (linear): the same work on any machine.
    seconds
        Wall clock after which the best so far is returned. Not the same work on every machine.

    Raises
    ------
    PlanError
        If HiGHS itself fails.
    """
    highs = highspy.Highs()
    mixed = bool(model.whole.any())
    for name, value in _options(mixed, effort, seconds).items():
        _check(highs.setOptionValue(name, value), f"option {name}")
    _check(highs.passModel(_lp(model, mixed)), "the model")
    if start is not None and mixed:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        _check(highs.setSolution(solution), "the start")
    _check(highs.run(), "the run")
    return _answer(highs, mixed)


def _options(mixed: bool, effort: int | None, seconds: float | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "output_flag": False,
        "threads": 1,  # never another number in one process: HiGHS keeps one scheduler and then refuses to run
        "random_seed": 0,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.0,
        "mip_feasibility_tolerance": _TOLERANCE,
        "primal_feasibility_tolerance": _TOLERANCE,
    }
    if effort is not None:
        options["mip_max_nodes" if mixed else "simplex_iteration_limit"] = effort
    if seconds is not None:
        options["time_limit"] = seconds
    return options


def _lp(model: Model, mixed: bool) -> highspy.HighsLp:
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
    return lp


def _answer(highs: highspy.Highs, mixed: bool) -> Answer:
    status, info = highs.getModelStatus(), highs.getInfo()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return Answer(None, float("inf"), False, True, 0)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(highs.getSolution().col_value) if found else None
    proven = found and status == highspy.HighsModelStatus.kOptimal
    if mixed:
        return Answer(values, float(info.mip_dual_bound), proven, False, int(info.mip_node_count))
    return Answer(values, float(info.objective_function_value) if proven else float("-inf"), proven, False, 0)


def _check(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise PlanError(f"the solver refused {what}; this is a fault of the planner, please report it", status="error")
