"""Where the next stations go: the arrows from times to a plan that has been recounted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.errors import PlanError, say_faults
from planner.reach import Reach
from planner.schema import Candidates, Coverage, Sites
from planner.siting.arrays import Bools
from planner.siting.assign import Standing
from planner.siting.equity import check_parts, part_shares
from planner.siting.feasible import check_asked
from planner.siting.gains import with_gains
from planner.siting.models import Solved, Tables, solve_model
from planner.siting.order import sites_table
from planner.siting.plan import PhaseResult, Plan, check_plan, reached_by
from planner.siting.problem import allowed
from planner.siting.recount import model_faults
from planner.study import Method, Siting

Progress = Callable[[str, float], None]


def propose_sites(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    *,
    stations_per_town: Mapping[str, int] | None = None,
    standing: Standing | None = None,
    cutoff_s: float | None = None,
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
        By which model, how many, in which phases, with which minimum a town.
    stations_per_town
        Existing stations by town; they count towards the minimum.
    standing
        Times and capacities of the existing stations; only for ``siting.capacity``.
    cutoff_s
        The longest walk in seconds that counts; by default the longest in the tables. Only the p-median and decay ask for it.
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
    check_asked(candidates, siting)
    per_town = stations_per_town or {}
    longest = _longest_s(options, coverage) if cutoff_s is None else cutoff_s
    tables = Tables(options, coverage, candidates, per_town, longest, standing)
    tell("choosing sites", 0.1)
    solved = solve_model(tables, siting, seed=seed)
    tell("recounting the plan", 0.9)
    phase = pd.Series(solved.chosen.phase, index=solved.site_ids)
    sites = sites_table(options, coverage, candidates, phase[phase > 0], solved.grade)
    plan = _plan(tables, siting, solved, with_gains(sites, tables, siting, solved))
    check_plan(plan, options, coverage, candidates, siting, per_town)
    if faults := model_faults(plan, tables, siting):
        raise PlanError(f"the plan does not stand up to a recount: {say_faults(faults)}", faults, "error")
    if siting.equity is not None:
        parts = part_shares(sites.index, options, coverage, siting.equity.by, allowed(candidates, siting).index)
        check_parts(parts, siting.equity)
        plan = replace(plan, parts=parts)
    tell("recounting the plan", 1.0)
    return plan


def _longest_s(options: Reach, coverage: Coverage) -> float:
    walks = [float(options.walk_s.data.max())] if options.walk_s.nnz else []
    if "nearest_walk_s" in coverage and coverage["nearest_walk_s"].notna().any():
        walks.append(float(coverage["nearest_walk_s"].max()))
    return max([*walks, 1.0])


def _plan(tables: Tables, siting: Siting, solved: Solved, sites: Sites) -> Plan:
    chosen, coverage = solved.chosen, tables.coverage
    before = float(coverage.loc[coverage["covered"].to_numpy(dtype=bool), "need"].sum())
    phases = _phase_results(tables, siting, solved, before)
    return Plan(
        method=siting.method,
        status="optimal" if chosen.proven else "feasible",
        sites=sites,
        covered_before=before,
        covered_after=phases[-1].covered,
        bound=max(_bound(tables, siting, phases[-1], before), phases[-1].covered),
        phases=tuple(phases),
        objective=solved.objective,
        objective_bound=solved.bound,
        objective_before=solved.before,
        measures=solved.measures,
        assignment=solved.assignment,
    )


def _bound(tables: Tables, siting: Siting, last: PhaseResult, before: float) -> float:
    """The most need that a plan can cover: the model's bound where it is about that, else what all candidates cover."""
    if siting.method is Method.MCLP and not (siting.decay or siting.backup or siting.capacity or siting.prefer):
        return last.best_bound
    everywhere = np.ones(len(allowed(tables.candidates, siting)), dtype=np.bool_)
    return _covered(tables, allowed(tables.candidates, siting).index, everywhere)


def _covered(tables: Tables, site_ids: pd.Index, stands: Bools) -> float:
    """Need within the cutoff of a standing station or of these sites."""
    covered = tables.coverage["covered"].to_numpy(dtype=bool) | reached_by(tables.options, tables.coverage, site_ids[stands])
    return float(tables.coverage["need"].to_numpy(dtype=float)[covered].sum())


def _phase_results(tables: Tables, siting: Siting, solved: Solved, before: float) -> list[PhaseResult]:
    dates: list[dt.date | None] = [phase.by for phase in siting.phases]
    results = []
    base = solved.before / len(solved.rules.steps)
    for i, (by, step) in enumerate(zip(dates or [None], solved.rules.steps, strict=True)):
        stands = (solved.chosen.phase > 0) & (solved.chosen.phase <= i + 1)
        covered = _covered(tables, solved.site_ids, stands)
        value, alone = base + solved.gained(stands), solved.alone[i]
        results.append(PhaseResult(i + 1, by, step, covered, value, base + alone.value, base + alone.bound))
    return results
