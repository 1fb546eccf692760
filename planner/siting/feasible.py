"""Whether a plan can exist at all, said before any solver is asked: every rule that cannot be met, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from planner.errors import Fault, PlanError, say_faults
from planner.schema import Candidates
from planner.siting.problem import NOWHERE, Problem, Rules
from planner.study import Method, Siting

_FREE = 1e-9  # money: rounding of sums


def check_method(siting: Siting) -> None:
    """Pass if the method is one that is built: MCLP. No other is ever quietly taken for it.

    Raises
    ------
    PlanError
        If it is another; status ``unknown method``.
    """
    if siting.method is not Method.MCLP:
        fault = Fault("only mclp is built so far", 'write method = "mclp"', column="siting.method", value=str(siting.method))
        raise PlanError(f"no plan exists: {fault}", [fault], "unknown method")


def check_names(candidates: Candidates, siting: Siting) -> None:
    """Pass if every candidate that the study names exists and none is both required and forbidden.

    Raises
    ------
    PlanError
        With every name that is wrong.
    """
    known = set(candidates.index.astype(str))
    faults = [
        Fault("there is no such candidate", "check the site_id", column=f"siting.{word}", value=name)
        for word, names in (("required", siting.required), ("forbidden", siting.forbidden))
        for name in names
        if name not in known
    ]
    required = set(siting.required)
    if "required" in candidates:
        marked = candidates["required"].fillna(False).to_numpy(dtype=bool)
        required |= set(candidates.index[marked].astype(str))
    faults += [
        Fault("the candidate is both required and forbidden", "keep one of the two", column="siting.forbidden", value=name)
        for name in siting.forbidden
        if name in required
    ]
    _raise(faults)


def check_feasible(problem: Problem, siting: Siting) -> None:
    """Pass unless some rule, or two of them together, cannot be met.

    Raises
    ------
    PlanError
        With every reason at once.
    """
    rules = problem.rules
    _raise(
        [*_counts(problem), *_minimums(rules, siting), *_maximums(rules, siting), *_money(rules), *_spacing(problem, siting)]
    )


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise PlanError(f"no plan exists: {say_faults(faults)}", faults)


def _counts(problem: Problem) -> Iterator[Fault]:
    rules, count = problem.rules, len(problem.site_ids)
    asked, forced = rules.steps[-1], int(rules.forced.sum())
    if asked > count and not (count and np.isfinite(rules.budget)):
        mend = f"ask for at most {count} or add candidates" if count else "add candidates"
        yield Fault(f"{asked} sites are asked for but there are {count} candidates", mend, column="siting.sites")
    if forced > asked:
        mend = f"raise siting.sites to {forced} or require fewer"
        yield Fault(f"{forced} candidates are required but {asked} sites are asked for", mend, column="siting.sites")


def _minimums(rules: Rules, siting: Siting) -> Iterator[Fault]:
    if not rules.short.any():
        return
    placed = rules.town != NOWHERE
    if len(placed) and not placed.any():
        mend = "fill in the column town of the candidates or set per_town_min = 0"
        yield Fault("a minimum per town is asked for but no candidate says its town", mend, column="siting.per_town_min")
        return
    there, forced = _per_town(rules, placed), _per_town(rules, placed & rules.forced)
    for i in np.flatnonzero(there < rules.short):
        yield _too_few(rules.towns[i], int(rules.short[i]), int(there[i]))
    needed = int(np.maximum(rules.short, forced).sum() + (rules.forced & ~placed).sum())
    if needed > max(rules.steps[-1], int(rules.forced.sum())):
        said = f"the minimum of {siting.per_town_min} a town and the required candidates need {needed} new sites"
        mend = f"raise siting.sites to {needed} or lower per_town_min"
        yield Fault(f"{said} but {rules.steps[-1]} are asked for", mend, column="siting.per_town_min")


def _too_few(town: str, short: int, there: int) -> Fault:
    have = "has no candidate" if not there else f"has only {there} candidate{'s' if there > 1 else ''}"
    mend = "add host premises in this town or lower per_town_min"
    return Fault(
        f"town {town!r} lacks {short} station{'s' if short > 1 else ''} and {have}", mend, column="siting.per_town_min"
    )


def _maximums(rules: Rules, siting: Siting) -> Iterator[Fault]:
    if siting.per_town_max is None:
        return
    placed = rules.town != NOWHERE
    there, forced = _per_town(rules, placed), _per_town(rules, placed & rules.forced)
    for i in np.flatnonzero(forced > rules.room):
        said = f"town {rules.towns[i]!r} has {forced[i]} required candidates but takes only {rules.room[i]} more"
        yield Fault(said, "require fewer or raise per_town_max", column="siting.per_town_max")
    takes = int(np.minimum(there, rules.room).sum() + (~placed).sum())
    if takes < rules.steps[-1] <= len(placed) and np.isinf(rules.budget):
        said = f"{rules.steps[-1]} sites are asked for but the towns take only {takes} more"
        yield Fault(said, f"ask for at most {takes} or raise per_town_max", column="siting.per_town_max")


def _money(rules: Rules) -> Iterator[Fault]:
    if not np.isfinite(rules.budget):
        return
    least = float(rules.cost[rules.forced].sum())
    for i, short in enumerate(rules.short):
        inside = rules.town == i
        lacking = int(short - (inside & rules.forced).sum())
        least += float(np.sort(rules.cost[inside & ~rules.forced])[: max(lacking, 0)].sum())
    if least > rules.budget + _FREE:
        said = f"what is required and the minimums per town cost at least {least:g} but the budget is {rules.budget:g}"
        yield Fault(said, f"raise siting.budget to {least:g} or require less", column="siting.budget")


def _spacing(problem: Problem, siting: Siting) -> Iterator[Fault]:
    rules = problem.rules
    for a, b in rules.apart[rules.forced[rules.apart].all(axis=1)]:
        said = f"required candidates {problem.site_ids[a]!r} and {problem.site_ids[b]!r} stand less than"
        yield Fault(f"{said} {siting.spacing_m:g} m apart", "require one of them or lower spacing_m", column="siting.spacing_m")


def _per_town(rules: Rules, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.bincount(rules.town[which], minlength=len(rules.towns)).astype(np.int64)
