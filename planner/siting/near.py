"""Plans nearly as good as the best that stand elsewhere, each proven the best of those that differ enough from all before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.reach import Reach
from planner.schema import NEAR_PLANS, Candidates, Coverage, NearPlans
from planner.siting.arrays import Bools, Floats, Ints
from planner.siting.cover import Chosen, CoverModel, newly_covered
from planner.siting.feasible import checked_problem
from planner.siting.plan import Plan
from planner.siting.problem import Problem, build_problem, plain_siting, rules_without
from planner.siting.search import good_choice
from planner.siting.solver import Answer, Model, relax, solve
from planner.siting.tree import branch_and_bound
from planner.study import Siting

_MOVES = 300  # swaps for each candidate, before the tree
_WORK = 1e8  # of the tree for each plan, see `branch_and_bound`
_NODES = 5_000  # where no plan to begin from was found


def near_plans(
    plan: Plan,
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: dict[str, int] | None = None,
    *,
    count: int = 3,
    differ: int | None = None,
    seed: int = 0,
) -> NearPlans:
    """The proposed plan and up to `count` others under the same rules, each as good as can be.

    Parameters
    ----------
    differ
        In how many sites at least each differs from the proposed plan and from every plan before it; by default a quarter
        of the sites that are not required.

    Returns
    -------
    `planner.schema.NEAR_PLANS`, the proposed plan first. `covered_pop` and `loss_need` are those of the end of the last
    phase; with phases the sum over them is what is made most. ``proven``: no plan that differs so much covers more. Fewer
    rows than asked for where no further plan keeps the rules; `sites` is missing where a plan has none.

    Raises
    ------
    PlanError
        If no plan can keep the rules, or they name a candidate that is not there.

    Notes
    -----
    Each earlier plan P adds the row ``sum of stands over P <= sites - differ`` (a no-good cut, widened).
    """
    problem = checked_problem(options, coverage, candidates, replace(siting, equity=None), stations_per_town)
    free = int((~problem.rules.forced & problem.site_ids.isin(plan.sites.index)).sum())
    apart = max(min(differ or -(-free // 4), free), 1)
    phase = plan.sites["phase"].reindex(problem.site_ids).fillna(0).to_numpy(dtype=np.int64)
    found = [Chosen(phase, plan.objective, plan.objective if plan.status == "optimal" else plan.objective_bound)]
    for _ in range(count if free else 0):
        other = _next(problem, [one.phase > 0 for one in found], apart, seed)
        if other is None:
            break
        found.append(other)
    people_alone = plain_siting(replace(siting, prefer={}), len(plan.sites))  # a host's bonus is nobody
    people = build_problem(options, coverage, candidates, people_alone, stations_per_town, weigh="population")
    return _table(found, problem, people, coverage)


def _next(problem: Problem, before: list[Bools], apart: int, seed: int) -> Chosen | None:
    """The best choice that shares few enough sites with each of those before; None if there is none, or none was found."""
    model = CoverModel.of(problem)
    sites, periods = len(problem.site_ids), len(problem.rules.steps)
    columns = len(model.model.cost)
    end = np.arange(sites * (periods - 1), sites * periods)
    row, at = np.nonzero(np.array(before))
    cuts = sp.csr_array((np.ones(len(row)), (row, end[at])), shape=(len(before), columns))
    most = np.array([one.sum() - apart for one in before], dtype=np.float64)
    cut = replace(
        model.model,
        rows=sp.csr_array(sp.vstack([model.model.rows, cuts])),
        row_lower=np.concatenate([model.model.row_lower, np.full(len(before), -np.inf)]),
        row_upper=np.concatenate([model.model.row_upper, most]),
    )
    start = _begin(problem, before, apart, seed)
    answer = _solved(cut, None if start is None else model.columns(start), model.step)
    return None if answer is None else model.chosen(answer)


def _solved(model: Model, start: Floats | None, step: float) -> Answer | None:
    relaxed = relax(model)
    if relaxed is None:
        return None
    if start is None:
        answer = solve(model, effort=_NODES)
        return None if answer.values is None else answer
    return branch_and_bound(model, relaxed, start, step=step, work=_WORK)


def _begin(problem: Problem, before: list[Bools], apart: int, seed: int) -> Ints | None:
    """A good choice without the `apart` least missed sites of each plan before."""
    barred = np.zeros(len(problem.site_ids), dtype=bool)
    for one in before:
        lacking = apart - int((barred & one).sum())
        if lacking > 0:
            free = np.flatnonzero(one & ~barred & ~problem.rules.forced)
            losses = [newly_covered(problem, one) - newly_covered(problem, _left_out(one, int(i))) for i in free]
            barred[free[np.argsort(losses, kind="stable")[:lacking]]] = True
    kept = np.flatnonzero(~barred)
    rules = rules_without(problem.rules, barred)
    part = replace(problem, site_ids=problem.site_ids[kept], reach=sp.csr_array(problem.reach[kept]), rules=rules)
    found = good_choice(part, moves=_MOVES * len(kept), seed=seed) if len(kept) >= problem.rules.steps[-1] else None
    if found is None:
        return None
    phase = np.zeros(len(barred), dtype=np.int64)
    phase[kept] = found
    return phase


def _left_out(chosen: Bools, at: int) -> Bools:
    left = chosen.copy()
    left[at] = False
    return left


def _need(problem: Problem, stands: Bools) -> float:
    """Need newly covered, without the bonuses of hosts."""
    return newly_covered(problem, stands) - float(problem.rules.bonus[stands].sum())


def _table(found: list[Chosen], problem: Problem, people: Problem, coverage: Coverage) -> NearPlans:
    """`people` is the problem with residents in place of need."""
    everybody = float(coverage["population"].sum())
    standing = float(coverage.loc[coverage["covered"].to_numpy(dtype=bool), "population"].sum())
    first = found[0].phase > 0
    rows: list[dict[str, Any]] = []
    need = _need(problem, first)
    for number, one in enumerate(found, start=1):
        stands = one.phase > 0
        covered = standing + newly_covered(people, stands)
        rows.append(
            {
                "plan": number,
                "sites": " ".join(str(name) for name in problem.site_ids[stands]),
                "differs": int((first & ~stands).sum()),
                "covered_pop": covered,
                "coverage": min(covered / everybody, 1.0) if everybody > 0 else 0.0,
                "loss_pop": rows[0]["covered_pop"] - covered if rows else 0.0,
                "loss_need": need - _need(problem, stands),
                "proven": bool(one.bound <= one.value * (1 + 1e-9)),
            }
        )
    table: NearPlans = NEAR_PLANS.conform(pd.DataFrame(rows))
    return table
