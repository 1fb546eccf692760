"""Whether a plan can exist at all, said before any solver is asked: every rule that cannot be met, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from planner.errors import Fault, PlanError, say_faults
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting.arrays import Bools, Ints
from planner.siting.problem import NOWHERE, Problem, Rules, build_problem
from planner.siting.together import check_together, least_cost, money
from planner.study import Method, Siting

_FREE = 1e-9  # money: rounding of sums


def checked_problem(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: Mapping[str, int] | None = None,
    *,
    weigh: str = "need",
    kept: pd.Series | None = None,
) -> Problem:
    """`build_problem` behind every check: keys that go together, names that exist, rules that can be met.

    Raises
    ------
    PlanError
        With every reason at once.
    """
    check_asked(candidates, siting)
    problem = build_problem(options, coverage, candidates, siting, stations_per_town, weigh=weigh, kept=kept)
    check_feasible(problem.rules, siting, problem.site_ids)
    return problem


def check_asked(candidates: Candidates, siting: Siting) -> None:
    """Pass if the model knows every key that the study sets and every candidate that it names exists.

    Raises
    ------
    PlanError
        With what is wrong of the keys, else of the names.
    """
    check_method(siting)
    check_names(candidates, siting)


def check_method(siting: Siting) -> None:
    """Pass if the model knows every key that the study sets; nothing that is asked is ever quietly left out.

    Raises
    ------
    PlanError
        With every key that does not go with the method; status ``refused``.
    """
    faults = [*_foreign_keys(siting), *_extras(siting)]
    if faults:
        raise PlanError(f"no plan exists: {say_faults(faults)}", faults, "refused")


def _foreign_keys(siting: Siting) -> Iterator[Fault]:
    """Keys that belong to other methods."""
    mclp, median, share = (Method.MCLP,), (Method.P_MEDIAN,), (Method.LSCP, Method.P_CENTER)
    default = Siting()
    belongs = {
        "capacity": mclp,
        "backup": mclp,
        "decay": mclp,
        "unreached_minutes": median,
        "share": share,
        "phases": (Method.MCLP, Method.P_MEDIAN),
        "prefer": (Method.MCLP, Method.P_MEDIAN, Method.LSCP),
    }
    for key, methods in belongs.items():
        if siting.method not in methods and getattr(siting, key) != getattr(default, key):
            names = " or ".join(methods)
            yield Fault(f"{siting.method} has no {key}", f'write method = "{names}" or leave it out', column=f"siting.{key}")


def _extras(siting: Siting) -> Iterator[Fault]:
    """Extensions of mclp that do not go together."""
    on = [key for key in ("capacity", "backup", "decay") if getattr(siting, key)]
    if len(on) > 1:
        yield Fault(f"{' and '.join(on)} are different models", "keep one of them", column=f"siting.{on[1]}")
    if siting.phases and (siting.capacity or siting.backup):
        key = "capacity" if siting.capacity else "backup"
        yield Fault(f"phases are not chosen together with {key}", "leave out one of them", column="siting.phases")
    if siting.half_minutes is not None and siting.decay not in ("gaussian", "exponential"):
        yield Fault("only gaussian and exponential decay have half_minutes", "leave it out", column="siting.half_minutes")
    if siting.capacity_default is not None and not siting.capacity:
        yield Fault("capacities do not count", "write capacity = true", column="siting.capacity_default")


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


def check_feasible(rules: Rules, siting: Siting, site_ids: pd.Index) -> None:
    """Pass unless some rule, or two of them together, cannot be met.

    Raises
    ------
    PlanError
        With every reason at once.
    """
    counts, spacing = _counts(rules), _spacing(rules, siting, site_ids)
    _raise([*counts, *_minimums(rules, siting), *_maximums(rules, siting), *_money(rules), *spacing])
    check_together(rules, siting.spacing_m)


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise PlanError(f"no plan exists: {say_faults(faults)}", faults)


def _counts(rules: Rules) -> Iterator[Fault]:
    count = len(rules.town)
    asked, forced = rules.steps[-1], int(rules.forced.sum())
    yield from more_than_candidates(asked, count, at_most=rules.at_most)
    if forced > asked:
        mend = f"raise siting.sites to {forced} or require fewer"
        yield Fault(f"{forced} candidates are required but {_sites(asked)} asked for", mend, column="siting.sites")


def more_than_candidates(asked: int, count: int, *, at_most: bool) -> list[Fault]:
    """The fault of asking for more sites than the `count` candidates that may be chosen; none where fewer may stand."""
    if asked <= count or (count and at_most):
        return []
    if at_most:
        return [Fault("there are no candidates to choose from", "add candidates", column="siting")]
    mend = f"ask for at most {count} or add candidates" if count else "add candidates"
    there = "is 1 candidate" if count == 1 else f"are {count} candidates"
    return [Fault(f"{_sites(asked)} asked for but there {there}", mend, column="siting.sites")]


def _sites(asked: int) -> str:
    return "1 site is" if asked == 1 else f"{asked} sites are"


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
        asked = int(rules.steps[-1])
        yield Fault(f"{said} but {asked} {'is' if asked == 1 else 'are'} asked for", mend, column="siting.per_town_min")


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
        said = f"town {rules.towns[i]!r} has {forced[i]} required candidate{'s' if forced[i] > 1 else ''} "
        said += f"but takes only {rules.room[i]} more"
        yield Fault(said, "require fewer or raise per_town_max", column="siting.per_town_max")
    takes = int(np.minimum(there, rules.room).sum() + (~placed).sum())
    if takes < rules.steps[-1] <= len(placed) and not rules.at_most:
        said = f"{_sites(int(rules.steps[-1]))} asked for but the towns take only {takes} more"
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
        said = f"what is required and the minimums per town cost at least {money(least)} but the budget is {rules.budget:g}"
        enough = least_cost(rules)  # with all sites that are asked for
        mend = "require less" if enough is not None else "relax the other rules too"
        yield Fault(said, f"raise siting.budget to {money(enough or least)} or {mend}", column="siting.budget")


def _spacing(rules: Rules, siting: Siting, site_ids: pd.Index) -> Iterator[Fault]:
    for a, b in rules.apart[rules.forced[rules.apart].all(axis=1)]:
        said = f"required candidates {site_ids[a]!r} and {site_ids[b]!r} stand less than"
        yield Fault(f"{said} {siting.spacing_m:g} m apart", "require one of them or lower spacing_m", column="siting.spacing_m")


def _per_town(rules: Rules, which: Bools) -> Ints:
    return np.bincount(rules.town[which], minlength=len(rules.towns)).astype(np.int64)
