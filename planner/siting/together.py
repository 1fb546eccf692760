"""Whether rules that can each be kept can be kept together; if not, which of them stands in the way and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from planner.errors import Fault, PlanError, say_faults
from planner.siting.arrays import Bools, Floats, inner
from planner.siting.cover import side_rows
from planner.siting.problem import Rules, no_rules_for
from planner.siting.solver import Answer, Model, solve

_NODES = 2_000  # of the solver's tree: the same work on any machine; what is not decided by then is left to the model itself


def check_together(rules: Rules, spacing_m: float) -> None:
    """Pass unless it is proven that no choice of sites keeps all rules at once.

    Counts, minimums and maximums by themselves are judged by `check_feasible`; distances and money are what makes rules get
    into each other's way.

    Raises
    ------
    PlanError
        With each rule without which the others could be kept.
    """
    if not (len(rules.apart) or np.isfinite(rules.budget)) or not _answer(rules).infeasible:
        return
    faults = [*_culprits(rules, spacing_m)] or [
        Fault("the rules contradict each other", "relax more than one of them", column="siting")
    ]
    raise PlanError(f"no plan exists: {say_faults(faults)}", faults)


def kept_choice(rules: Rules, worth: Floats) -> Bools | None:
    """The choice of one phase worth most by itself, site by site, that keeps every rule; None if none was found.

    A search begins from it where greedy does not end within the rules.
    """
    found = _answer(rules, -worth)
    return None if found.values is None else found.values > 0.5


def _answer(rules: Rules, cost: Floats | None = None) -> Answer:
    last = replace(rules, steps=rules.steps[-1:])
    rows, low, high = side_rows(last)
    sites = len(rules.town)
    one, price = np.ones(sites), np.zeros(sites) if cost is None else cost
    model = Model(price, rules.forced.astype(np.float64), one, one > 0, rows, low, high)
    return solve(model, effort=_NODES)


def _culprits(rules: Rules, spacing_m: float) -> Iterator[Fault]:
    """Each rule without which the others can be kept."""
    free = no_rules_for(len(rules.town), 1)
    if len(rules.apart) and not _answer(replace(rules, apart=free.apart)).infeasible:
        yield _too_near(rules, spacing_m)
    if np.isfinite(rules.budget):
        yield from _dearer(rules)
    for i in np.flatnonzero(rules.short):
        short = rules.short.copy()
        short[i] = 0
        if not _answer(replace(rules, short=short)).infeasible:
            said = f"the minimum of town {rules.towns[i]!r} cannot be kept together with the other rules"
            yield Fault(said, "add host premises in this town or lower per_town_min", column="siting.per_town_min")
    if rules.forced.any() and not _answer(replace(rules, forced=free.forced)).infeasible:
        said = "the required candidates cannot all stand together with the other rules"
        yield Fault(said, "require fewer", column="siting.required")


def _too_near(rules: Rules, spacing_m: float) -> Fault:
    """How many sites can stand so far apart at most, if any number can."""
    said, sites = "the least distance between sites cannot be kept together with the other rules", len(rules.town)
    most = _answer(replace(rules, steps=(sites,), at_most=True), -np.ones(sites))
    if most.infeasible:
        said += f": some are always less than {spacing_m:g} m apart"
        return Fault(said, "lower spacing_m or relax another rule", column="siting.spacing_m")
    if most.values is None or not most.proven:
        return Fault(said, "lower spacing_m or ask for fewer sites", column="siting.spacing_m")
    number = int((most.values > 0.5).sum())
    said += f": no more than {number} can stand {spacing_m:g} m apart"
    return Fault(said, f"lower spacing_m or ask for at most {number}", column="siting.spacing_m")


def least_cost(rules: Rules) -> float | None:
    """What the cheapest choice costs that keeps all rules but the budget; None if there is none, or none was found."""
    cheapest = _answer(replace(rules, budget=np.inf), rules.cost)
    return None if cheapest.values is None else inner(rules.cost, np.round(cheapest.values))


def money(amount: float) -> str:
    """An amount in full, rounded up to hundredths, so that a budget of so much is enough.

    >>> money(6.0), money(1234567.891)
    ('6', '1234567.9')
    """
    return f"{np.ceil(amount * 100 - 1e-6) / 100:.2f}".rstrip("0").rstrip(".")


def _dearer(rules: Rules) -> Iterator[Fault]:
    """The least that the other rules cost, where that is more than the budget."""
    least = least_cost(rules)
    if least is not None:
        said = f"keeping the other rules costs {money(least)} but the budget is {rules.budget:g}"
        yield Fault(said, f"raise siting.budget to {money(least)} or relax another rule", column="siting.budget")
