"""Laws of siting where every rule binds at once: a search of all choices agrees with models, curves and further plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from siting_truth import CUTOFF_S, MODELS, Case, drawn_case, kept_choices, part_shares, worth_of, worths

from planner.errors import PlanError
from planner.siting import Plan, assign, equity_curve, frontier, propose_sites
from planner.siting.near import near_plans
from planner.study import Method

FEW = settings(max_examples=10, deadline=None)
LEAST = (Method.P_MEDIAN, Method.LSCP, Method.P_CENTER)
seeds = st.integers(0, 1_000_000)


def planned(case: Case) -> Plan:
    return propose_sites(*case.tables, case.siting, stations_per_town=case.stations, standing=case.standing, cutoff_s=CUTOFF_S)


@pytest.mark.parametrize("model", MODELS)
@FEW
@given(seeds)
def test_every_model_is_the_best_of_all_choices_under_every_rule(model: str, seed: int) -> None:
    case = drawn_case(model, seed)
    found = worths(case)
    if not found:
        with pytest.raises(PlanError, match="no plan exists"):
            planned(case)
        return
    best = (min if case.siting.method in LEAST else max)(worth for worth, _ in found)
    plan = planned(case)
    phase = np.array([plan.sites["phase"].get(name, 0) for name in case.names])
    mine = [worth for worth, other in found if (other == phase).all()]
    assert mine == [pytest.approx(plan.objective, rel=1e-9, abs=1e-7)]  # it keeps every rule, and says what it is worth
    assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-7)
    assert plan.objective_bound == pytest.approx(best, rel=1e-9, abs=1e-5)
    assert plan.status == "optimal"
    if case.siting.method is Method.MCLP and case.siting.equity is None:
        assert sum(phase.value for phase in plan.phases) == pytest.approx(plan.objective)


@FEW
@example(5144)  # only a station reaches some of the cells
@given(seeds)
def test_with_capacities_a_bound_holds_where_a_town_is_too_large_for_a_tree(seed: int) -> None:
    case = drawn_case("capacity", seed)
    if not (found := worths(case)):
        return
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(assign, "_STRONG", 0)
        plan = planned(case)
    best = max(worth for worth, _ in found)
    assert plan.objective <= best + 1e-6 <= plan.objective_bound + 2e-6


@FEW
@given(seeds)
def test_of_the_fewest_sites_those_are_chosen_that_cover_most(seed: int) -> None:
    case = drawn_case("lscp", seed)
    if not (found := worths(case)):
        return
    plan = planned(case)

    def worth(phase: np.ndarray) -> float:
        return float(case.need[np.isfinite(case.best_walk_s(phase > 0))].sum() + case.bonus(phase > 0))

    chosen = np.isin(case.names, plan.sites.index).astype(int)
    assert worth(chosen) == pytest.approx(max(worth(phase) for count, phase in found if count == plan.objective))


@FEW
@example(57252, 1)  # a further plan without any site
@given(seeds, st.integers(1, 2))
def test_further_plans_under_every_rule_are_the_best_of_those_that_differ_enough(seed: int, differ: int) -> None:
    case = drawn_case("mclp", seed)
    case = replace(case, siting=replace(case.siting, phases=()))
    found = [(worth, phase > 0) for worth, phase in worths(case)]
    if not found:
        return
    further = near_plans(plan := planned(case), *case.tables, case.siting, dict(case.stations), count=2, differ=differ)
    plans = [np.isin(case.names, said.split()) for said in further["sites"].fillna("")]
    free = int((plans[0] & ~np.isin(case.names, case.siting.required)).sum())
    differ = max(min(differ, free), 1)
    for number in range(1, 3 if free else 1):
        before = plans[:number]
        left = [w for w, stands in found if all((stands & one).sum() <= one.sum() - differ for one in before)]
        if number >= len(plans):
            assert not left
            break
        assert worth_of(case, plans[number].astype(int)) == pytest.approx(max(left))
        assert bool(further["proven"].iloc[number])
    assert set(plan.sites.index) <= {name for name, stands in zip(case.names, plans[0], strict=True) if stands}


@FEW
@example(2030)  # a share that rounding makes more than one
@example(117972)  # a candidate both required and forbidden, where nobody of the worst group can be won
@given(seeds)
def test_the_curve_of_equity_under_every_rule_is_the_most_people_at_each_floor(seed: int) -> None:
    case = drawn_case("floor", seed)
    case = replace(case, siting=replace(case.siting, phases=()))
    choices = [phase > 0 for phase in kept_choices(case)]
    if not len(part_shares(case, np.zeros(len(case.names), dtype=bool))):
        return
    if not choices:
        with pytest.raises(PlanError, match="no plan exists"):
            equity_curve(*case.tables, case.siting, stations_per_town=dict(case.stations))
        return
    curve = equity_curve(*case.tables, case.siting, stations_per_town=dict(case.stations))
    each = [(case.need[np.isfinite(case.best_walk_s(s))].sum(), part_shares(case, s).min()) for s in choices]
    for floor, covered in zip(curve.index, curve["covered_pop"], strict=True):
        assert covered == pytest.approx(max(total for total, worst in each if worst >= floor - 1e-8))
    assert curve["worst_share"].iloc[-1] == pytest.approx(max(worst for _, worst in each))


@FEW
@given(seeds)
def test_the_frontier_leaves_forbidden_sites_out_and_is_the_most_people_at_each_number(seed: int) -> None:
    case = drawn_case("mclp", seed)
    curve = frontier(*case.tables, case.siting)
    choices = np.array(np.meshgrid(*[[False, True]] * len(case.names))).T.reshape(-1, len(case.names))
    choices = choices[~(choices & ~case.allowed).any(axis=1)]
    people = np.array([case.need[np.isfinite(case.best_walk_s(stands))].sum() for stands in choices])
    for count, covered, bound in zip(curve.index, curve["covered_pop"], curve["bound"], strict=True):
        assert covered == pytest.approx(people[choices.sum(axis=1) <= count].max())
        assert bound == pytest.approx(covered)
