"""Whether a plan can exist at all, said before any solver is asked: every rule that cannot be met, and what would mend it."""

from __future__ import annotations

import numpy as np

from planner.errors import Fault, PlanError, say_faults
from planner.siting.problem import NOWHERE, Problem
from planner.study import Siting


def check_feasible(problem: Problem, siting: Siting) -> None:
    """Pass if some plan meets every rule.

    Raises
    ------
    PlanError
        With every reason at once.
    """
    faults = _count_faults(problem) + _town_faults(problem, siting)
    if faults:
        raise PlanError(f"no plan exists: {say_faults(faults)}", faults)


def _count_faults(problem: Problem) -> list[Fault]:
    rules, count = problem.rules, len(problem.site_ids)
    asked, forced = rules.steps[-1], int(rules.forced.sum())
    faults = []
    if asked > count:
        mend = f"ask for at most {count} or add candidates" if count else "add candidates"
        faults.append(Fault(f"{asked} sites are asked for but there are {count} candidates", mend, column="siting.sites"))
    if forced > asked:
        mend = f"raise siting.sites to {forced} or require fewer"
        faults.append(Fault(f"{forced} candidates are required but {asked} sites are asked for", mend, column="required"))
    return faults


def _town_faults(problem: Problem, siting: Siting) -> list[Fault]:
    rules = problem.rules
    if not rules.short.any():
        return []
    placed = rules.town != NOWHERE
    if len(problem.site_ids) and not placed.any():
        mend = "fill in the column town of the candidates or set per_town_min = 0"
        return [Fault("a minimum per town is asked for but no candidate says its town", mend, column="siting.per_town_min")]
    there = np.bincount(rules.town[placed], minlength=len(rules.towns))
    forced = np.bincount(rules.town[placed & rules.forced], minlength=len(rules.towns))
    faults = [_too_few(rules.towns[i], int(rules.short[i]), int(there[i])) for i in np.flatnonzero(there < rules.short)]
    needed = int(np.maximum(rules.short, forced).sum() + (rules.forced & ~placed).sum())
    if needed > rules.steps[-1]:
        said = f"the minimum of {siting.per_town_min} a town and the required candidates need {needed} new sites"
        mend = f"raise siting.sites to {needed} or lower per_town_min"
        faults.append(Fault(f"{said} but {rules.steps[-1]} are asked for", mend, column="siting.per_town_min"))
    return faults


def _too_few(town: str, short: int, there: int) -> Fault:
    have = "has no candidate" if not there else f"has only {there} candidate{'s' if there > 1 else ''}"
    mend = "add host premises in this town or lower per_town_min"
    return Fault(
        f"town {town!r} lacks {short} station{'s' if short > 1 else ''} and {have}", mend, column="siting.per_town_min"
    )
