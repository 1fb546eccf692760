"""Where the next stations go: the arrows from times to a plan that has been recounted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import pandas as pd

from planner.reach import Reach
from planner.schema import Candidates, Coverage, Sites
from planner.siting.choose import choose_cover
from planner.siting.cover import Chosen, newly_covered
from planner.siting.feasible import check_feasible, check_names
from planner.siting.order import sites_table
from planner.siting.plan import PhaseResult, Plan, check_plan
from planner.siting.problem import Problem, build_problem
from planner.study import Method, Siting

Progress = Callable[[str, float], None]


def propose_sites(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    *,
    stations_per_town: Mapping[str, int] | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Plan:
    """Choose new sites among candidates, the existing stations standing as they are.

    Parameters
    ----------
    options
        Walking times from candidates to demand, within the cutoff.
    coverage
        The demand and whether an existing station covers it.
    candidates
        Where a site may go; ``required`` candidates are in every plan.
    siting
        How many, in which phases, with which minimum a town.
    stations_per_town
        Existing stations by town; they count towards the minimum.
    progress
        Told what is being done and the share done.
    seed
        For the search of a plan to begin from; the same seed gives the same plan.

    Returns
    -------
    A plan, recounted from the times, whatever the order of the tables' rows.

    Raises
    ------
    PlanError
        If no plan exists, naming every rule that cannot be met.
    TableError
        If the tables do not fit one another.
    """
    tell = progress or (lambda _said, _share: None)
    tell("setting up the siting problem", 0.0)
    check_names(candidates, siting)
    problem = build_problem(options, coverage, candidates, siting, stations_per_town)
    check_feasible(problem, siting)
    tell("choosing sites", 0.1)
    chosen, alone = choose_cover(problem, seconds=siting.time_limit_s, seed=seed)
    tell("recounting the plan", 0.9)
    phase = pd.Series(chosen.phase, index=problem.site_ids)
    sites = sites_table(options, coverage, candidates, phase[phase > 0])
    plan = _plan(problem, siting, coverage, chosen, alone, sites)
    check_plan(plan, options, coverage, candidates, siting, stations_per_town)
    tell("recounting the plan", 1.0)
    return plan


def _plan(problem: Problem, siting: Siting, coverage: Coverage, chosen: Chosen, alone: list[Chosen], sites: Sites) -> Plan:
    before = float(coverage.loc[coverage["covered"].to_numpy(dtype=bool), "need"].sum())
    phases = _phase_results(problem, siting, before, chosen, alone)
    periods = len(phases)
    return Plan(
        method=Method.MCLP,
        status="optimal" if chosen.proven else "feasible",
        sites=sites,
        covered_before=before,
        covered_after=phases[-1].covered,
        bound=max(phases[-1].best_bound, phases[-1].covered),
        phases=tuple(phases),
        objective=periods * before + chosen.value,
        objective_bound=periods * before + chosen.bound,
    )


def _phase_results(problem: Problem, siting: Siting, before: float, chosen: Chosen, alone: list[Chosen]) -> list[PhaseResult]:
    dates: list[dt.date | None] = [phase.by for phase in siting.phases]
    results = []
    for i, (by, step) in enumerate(zip(dates or [None], problem.rules.steps, strict=True)):
        stands = (chosen.phase > 0) & (chosen.phase <= i + 1)
        covered = before + newly_covered(problem, stands)
        results.append(PhaseResult(i + 1, by, step, covered, before + alone[i].value, before + alone[i].bound))
    return results
