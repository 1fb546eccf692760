"""Where the next stations go: small towns whose best plan is arithmetic."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siting_towns import scattered_town, shuffled, siting_town

from planner.errors import PlanError, TableError
from planner.schema import FRONTIER
from planner.siting import check_plan, frontier, propose_sites, sites_needed
from planner.siting.choose import best_of_all, pooled_choice
from planner.siting.cover import CoverModel, value_of
from planner.siting.problem import build_problem
from planner.siting.solver import priced, relax, solve
from planner.siting.tree import branch_and_bound
from planner.study import Phase, Siting

# a reaches 0 1 2 3, b reaches 0 1 4, c reaches 2 3 5: greedy takes a first, the best pair is b and c
GREEDY_TRAP = {"a": [0, 1, 2, 3], "b": [0, 1, 4], "c": [2, 3, 5]}
TRAP_NEED = [3.0, 3.0, 3.0, 3.0, 5.0, 4.0]


def two_phases(first: int, second: int) -> tuple[Phase, Phase]:
    return Phase(dt.date(2025, 12, 31), first), Phase(dt.date(2026, 12, 31), second)


def test_the_best_pair_is_found_where_greedy_is_not() -> None:
    plan = propose_sites(*siting_town(GREEDY_TRAP, TRAP_NEED), Siting(sites=2))
    assert sorted(plan.sites.index) == ["b", "c"]
    assert (plan.status, plan.gain, plan.bound, plan.gap) == ("optimal", 21.0, 21.0, 0.0)


def test_the_next_site_in_order_is_the_one_that_adds_most_and_gains_add_up() -> None:
    plan = propose_sites(*siting_town(GREEDY_TRAP, TRAP_NEED), Siting(sites=2))
    assert plan.sites.index.tolist() == ["b", "c"]
    assert plan.sites["order"].tolist() == [1, 2]
    assert plan.sites["gain_need"].tolist() == [11.0, 10.0]
    assert plan.sites["coverage_after"].tolist() == pytest.approx([11 / 21, 1.0])


def test_a_door_next_door_counts_as_reached() -> None:
    plan = propose_sites(*siting_town({"a": {0: 0.0}, "b": {1: 60.0}}, [5.0, 4.0]), Siting(sites=1))
    assert plan.sites.index.tolist() == ["a"]


def test_what_a_station_covers_already_is_no_gain() -> None:
    plan = propose_sites(*siting_town({"a": [0, 1], "b": [2]}, [50.0, 1.0, 2.0], covered=[0]), Siting(sites=1))
    assert plan.sites.index.tolist() == ["b"]
    assert (plan.covered_before, plan.covered_after, plan.bound) == (50.0, 52.0, 52.0)


def test_gains_are_said_for_residents_and_each_group() -> None:
    options, coverage, candidates = siting_town({"a": [0, 1], "b": [2]}, [10.0, 20.0, 5.0])
    coverage["pop_elder"] = [1.0, 2.0, 5.0]
    coverage["need"] = coverage["population"] + 3 * coverage["pop_elder"]
    sites = propose_sites(options, coverage, candidates, Siting(sites=1)).sites
    assert sites.loc["a", ["gain_need", "gain_pop", "gain_elder"]].tolist() == [39.0, 30.0, 3.0]


def test_weighted_need_and_not_heads_decides() -> None:
    options, coverage, candidates = siting_town({"a": [0], "b": [1]}, [10.0, 8.0])
    coverage["need"] = [10.0, 30.0]
    assert propose_sites(options, coverage, candidates, Siting(sites=1)).sites.index.tolist() == ["b"]


def test_a_required_candidate_is_in_the_plan_and_a_forbidden_one_is_not() -> None:
    town = siting_town(GREEDY_TRAP, TRAP_NEED, required=[True, False, False])
    assert "a" in propose_sites(*town, Siting(sites=2)).sites.index
    town = siting_town(GREEDY_TRAP, TRAP_NEED)
    assert propose_sites(*town, Siting(sites=2, required=("a",), forbidden=("b",))).sites.index.tolist() == ["a", "c"]


def test_a_town_without_a_station_gets_one_first_where_a_minimum_is_asked() -> None:
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [9.0, 8.0, 1.0], towns=["A", "A", "B"], cell_towns=["A", "A", "B"])
    assert sorted(propose_sites(*town, Siting(sites=2)).sites.index) == ["a", "b"]
    assert sorted(propose_sites(*town, Siting(sites=2, per_town_min=1)).sites.index) == ["a", "c"]
    with_station = propose_sites(*town, Siting(sites=2, per_town_min=1), stations_per_town={"B": 1})
    assert sorted(with_station.sites.index) == ["a", "b"]


def test_a_town_takes_no_more_than_its_maximum() -> None:
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [9.0, 8.0, 1.0], towns=["A", "A", "B"])
    assert sorted(propose_sites(*town, Siting(sites=2, per_town_max=1)).sites.index) == ["a", "c"]


def test_sites_keep_their_distance() -> None:
    near = [(0.0, 0.0), (300.0, 0.0), (600.0, 0.0)]
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [9.0, 8.0, 1.0], places=near)
    assert sorted(propose_sites(*town, Siting(sites=2, spacing_m=500)).sites.index) == ["a", "c"]
    assert sorted(propose_sites(*town, Siting(sites=2, spacing_m=300)).sites.index) == ["a", "b"]


def test_a_budget_buys_the_most_need_with_at_most_so_many_sites() -> None:
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [9.0, 5.0, 5.0], cost=[10.0, 4.0, 4.0])
    assert sorted(propose_sites(*town, Siting(sites=2, budget=9)).sites.index) == ["b", "c"]
    assert propose_sites(*town, Siting(sites=3, budget=12)).gain == 10.0


def test_phases_are_chosen_together() -> None:
    # one site now and two in all: now a (12) and then c (+4) gives 12 + 16; b (11) and then c (+10) gives 11 + 21
    plan = propose_sites(*siting_town(GREEDY_TRAP, TRAP_NEED), Siting(sites=2, phases=two_phases(1, 1)))
    assert plan.sites[["phase"]].to_dict()["phase"] == {"b": 1, "c": 2}
    assert [phase.covered for phase in plan.phases] == [11.0, 21.0]
    assert [phase.loss for phase in plan.phases] == [1.0, 0.0]
    assert [phase.loss_share for phase in plan.phases] == [1 / 12, 0.0]
    assert (plan.objective, plan.objective_bound, plan.status) == (32.0, 32.0, "optimal")


def test_a_phase_may_be_empty() -> None:
    plan = propose_sites(*siting_town(GREEDY_TRAP, TRAP_NEED), Siting(sites=2, phases=two_phases(0, 2)))
    assert plan.sites["phase"].tolist() == [2, 2]
    assert [phase.covered for phase in plan.phases] == [0.0, 21.0]


def test_sites_beyond_all_that_can_be_covered_gain_nothing_and_say_so() -> None:
    plan = propose_sites(*siting_town({"a": [0], "b": [0]}, [5.0, 7.0]), Siting(sites=2))
    assert plan.sites["gain_need"].tolist() == [5.0, 0.0]


def test_a_town_where_nobody_is_in_reach_still_has_a_plan() -> None:
    plan = propose_sites(*siting_town({"a": [], "b": []}, [5.0, 7.0]), Siting(sites=1))
    assert (plan.gain, plan.gap, plan.status) == (0.0, 0.0, "optimal")


def test_times_only_for_those_in_reach_are_enough() -> None:
    options, coverage, candidates = siting_town(GREEDY_TRAP, TRAP_NEED)
    more = candidates.copy()
    more.loc["z"] = candidates.iloc[0]  # a host without any time reaches nobody
    assert sorted(propose_sites(options, coverage, more, Siting(sites=2)).sites.index) == ["b", "c"]


def test_rows_in_another_order_give_the_same_plan() -> None:
    town = scattered_town(200, 30, seed=3, towns=3)
    siting = Siting(sites=6, per_town_min=1, phases=two_phases(3, 3))
    plan = propose_sites(*town, siting)
    for seed in range(3):
        other = propose_sites(*shuffled(*town, seed), siting)
        pd.testing.assert_frame_equal(pd.DataFrame(plan.sites), pd.DataFrame(other.sites))
        assert (plan.objective, plan.bound) == (other.objective, other.bound)


def test_everything_that_makes_a_plan_impossible_is_said_at_once() -> None:
    town = siting_town(
        {"a": [0], "b": [1]}, [1.0, 1.0, 1.0], towns=["A", "A"], cell_towns=["A", "A", "B"], required=[True, True]
    )
    with pytest.raises(PlanError) as caught:
        propose_sites(*town, Siting(sites=1, per_town_min=1), stations_per_town={"C": 0})
    said = str(caught.value)
    assert caught.value.status == "infeasible"
    assert "2 candidates are required but 1 site is asked for" in said
    assert "town 'B' lacks 1 station and has no candidate" in said
    assert "town 'C' lacks 1 station and has no candidate" in said
    assert "add host premises in this town" in said


@pytest.mark.parametrize(
    ("siting", "said"),
    [
        (Siting(sites=4), "4 sites are asked for but there are 3 candidates"),
        (Siting(sites=1, per_town_min=1), "need 2 new sites but 1 is asked for"),
        (Siting(sites=3, per_town_min=2), "town 'B' lacks 2 stations and has only 1 candidate"),
        (Siting(sites=3, per_town_max=1), "the towns take only 2 more"),
        (Siting(sites=2, required=("a", "b"), per_town_max=1), "town 'A' has 2 required candidates but takes only 1 more"),
        (Siting(sites=2, required=("a", "b"), spacing_m=2000), "'a' and 'b' stand less than 2000 m apart"),
        (Siting(sites=2, required=("a", "b"), budget=5), "cost at least 6 but the budget is 5"),
        (Siting(sites=1, required=("x",), forbidden=("y",)), "there is no such candidate"),
        (Siting(sites=1, required=("a",), forbidden=("a",)), "both required and forbidden"),
        (Siting(sites=3, spacing_m=99999), "the least distance between sites cannot be kept together"),
    ],
)
def test_a_rule_that_cannot_be_met_is_named(siting: Siting, said: str) -> None:
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [3.0, 2.0, 1.0], towns=["A", "A", "B"], cost=[3.0, 3.0, 3.0])
    with pytest.raises(PlanError, match="no plan exists") as caught:
        propose_sites(*town, siting)
    assert said in str(caught.value)


def test_a_minimum_a_town_needs_to_know_the_towns() -> None:
    options, coverage, candidates = siting_town({"a": [0]}, [3.0])
    with pytest.raises(PlanError, match="no candidate says its town"):
        propose_sites(options, coverage, candidates.drop(columns="town"), Siting(sites=1, per_town_min=1))


def test_times_to_people_the_coverage_does_not_know_are_refused() -> None:
    options, coverage, candidates = siting_town(GREEDY_TRAP, TRAP_NEED)
    with pytest.raises(TableError, match="speak of 1 demand points that the coverage table does not have"):
        propose_sites(options, coverage.drop(index=5), candidates, Siting(sites=1))


def test_a_plan_that_was_tampered_with_does_not_stand_up_to_a_recount() -> None:
    town, siting = siting_town(GREEDY_TRAP, TRAP_NEED), Siting(sites=2)
    plan = propose_sites(*town, siting)
    check_plan(plan, *town, siting)
    better = plan.sites.copy()
    better["gain_need"] += 1.0
    with pytest.raises(PlanError, match=r"gain_need is 11 by the times"):
        check_plan(replace(plan, sites=better), *town, siting)
    with pytest.raises(PlanError, match=r"1.* sites stand"):
        check_plan(replace(plan, sites=plan.sites.iloc[:1]), *town, siting)
    with pytest.raises(PlanError, match="covered after is 21 by the times"):
        check_plan(replace(plan, covered_after=20.0), *town, siting)
    with pytest.raises(PlanError, match="before <= after <= bound"):
        replace(plan, bound=1.0)


def test_the_frontier_starts_with_what_stands_and_ends_with_all_that_can_be_covered() -> None:
    options, coverage, candidates = siting_town({"a": [0, 1], "b": [2], "c": [3]}, [5.0, 4.0, 3.0, 2.0, 6.0], covered=[3])
    curve = frontier(options, coverage, candidates, existing=7)
    assert curve.index.tolist() == [7, 8, 9]
    assert curve["covered_pop"].tolist() == [2.0, 11.0, 14.0]
    assert curve["bound"].tolist() == [2.0, 11.0, 14.0]
    assert curve["coverage"].tolist() == pytest.approx([0.1, 0.55, 0.7])
    assert (sites_needed(curve, 0.5), sites_needed(curve, 0.8)) == (8, None)


def test_the_frontier_stops_where_it_is_told() -> None:
    assert len(frontier(*siting_town(GREEDY_TRAP, TRAP_NEED), most=1)) == 2


def test_the_frontier_of_a_town_without_candidates_is_what_stands() -> None:
    options, coverage, candidates = siting_town({"a": [0]}, [3.0, 1.0], covered=[1])
    curve = frontier(options, coverage, candidates.iloc[:0], existing=1)
    assert curve["covered_pop"].tolist() == [1.0]


def test_a_share_that_is_no_share_is_refused() -> None:
    curve = FRONTIER.conform(pd.DataFrame({"stations": [0], "covered_pop": [0.0], "coverage": [0.0], "bound": [0.0]}))
    with pytest.raises(PlanError, match="between 0 and 1"):
        sites_needed(curve, 90)


def test_a_district_in_three_phases_is_proven() -> None:
    town = scattered_town(1500, 80, seed=1, radius=0.1, towns=6)
    dates = [dt.date(2025 + i, 12, 31) for i in range(3)]
    siting = Siting(sites=18, per_town_min=1, phases=tuple(Phase(by, 6) for by in dates))
    plan = propose_sites(*town, siting)
    assert plan.status == "optimal"
    assert plan.sites["town"].nunique() == 6
    assert all(phase.loss <= 0.02 * phase.best for phase in plan.phases)
    assert np.all(np.diff(plan.sites["coverage_after"]) >= 0)


@pytest.mark.parametrize("seed", range(6))
def test_the_tree_finds_what_a_general_solver_finds(seed: int) -> None:
    options, coverage, candidates = scattered_town(400, 40, seed=seed, radius=0.2, whole=bool(seed % 2), covered=0.0)
    problem = build_problem(options, coverage, candidates, Siting(sites=7))
    model = CoverModel.of(problem)
    poor = model.columns((np.arange(40) < 7).astype(np.int64))
    relaxed = relax(model.model)
    assert relaxed is not None
    tree = branch_and_bound(model.model, relaxed, poor, step=model.step, work=1e9)
    other = solve(model.model)
    assert tree.proven
    assert tree.bound == pytest.approx(other.bound, rel=1e-9)
    assert model.chosen(tree).value == pytest.approx(model.chosen(other).value, rel=1e-9)


def test_a_tree_that_is_cut_short_keeps_an_honest_bound() -> None:
    options, coverage, candidates = scattered_town(300, 60, seed=2, radius=0.14, covered=0.0)
    model = CoverModel.of(build_problem(options, coverage, candidates, Siting(sites=12)))
    poor = model.columns((np.arange(60) < 12).astype(np.int64))
    relaxed = relax(model.model)
    assert relaxed is not None
    cut = model.chosen(branch_and_bound(model.model, relaxed, poor, step=model.step, work=0))
    best = model.chosen(solve(model.model))
    assert cut.value < best.value <= cut.bound
    assert not cut.proven
    assert best.proven


def test_any_row_prices_of_the_right_sign_bound_the_cost() -> None:
    options, coverage, candidates = scattered_town(50, 8, seed=2, covered=0.0)
    model = CoverModel.of(build_problem(options, coverage, candidates, Siting(sites=3))).model
    best = solve(model).bound
    draw = np.random.default_rng(0)
    for _ in range(20):
        prices = draw.random(model.rows.shape[0]) * model.cost.max()
        assert priced(model, prices)[0] <= best + 1e-6


def test_cells_that_the_same_candidates_reach_become_one() -> None:
    options, coverage, candidates = siting_town({"a": [0, 1, 2], "b": [2, 3]}, [1.0, 2.0, 4.0, 8.0, 16.0])
    problem = build_problem(options, coverage, candidates, Siting(sites=1))
    assert sorted(problem.weight.tolist()) == [3.0, 4.0, 8.0]


@pytest.mark.parametrize("siting", [Siting(sites=8), Siting(sites=8, per_town_min=1), Siting(sites=8, phases=two_phases(3, 5))])
def test_a_town_too_large_for_a_tree_gets_a_good_plan_and_an_honest_bound(
    siting: Siting, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = scattered_town(400, 50, seed=7, radius=0.15, towns=5)
    exact = propose_sites(*town, siting)
    monkeypatch.setattr("planner.siting.choose.LARGE", 0)
    large = propose_sites(*town, siting)
    assert exact.status == "optimal"
    assert large.objective <= exact.objective <= large.objective_bound
    assert large.objective >= 0.98 * exact.objective
    assert large.objective_bound <= 1.02 * exact.objective_bound


def test_the_curve_of_a_town_too_large_for_a_relaxation_is_good_and_its_bounds_are_honest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    town = scattered_town(400, 50, seed=7, radius=0.15, covered=0.1)
    exact = frontier(*town, existing=3)
    monkeypatch.setattr(sys.modules["planner.siting.frontier"], "LARGE", 0)  # the package has a function of that name
    large = frontier(*town, existing=3)
    both = exact.join(large.add_suffix("_large"), how="inner")
    assert len(both) == len(exact) <= len(large)
    assert (both["covered_pop_large"] <= both["bound"] + 1e-6).all()
    assert (both["covered_pop"] <= both["bound_large"] + 1e-6).all()
    assert (both["covered_pop_large"] >= 0.98 * both["covered_pop"]).all()
    assert (both["bound_large"] <= 1.02 * both["bound"]).all()
    assert large["covered_pop"].iloc[-1] == pytest.approx(exact["covered_pop"].iloc[-1])
    few = frontier(*town, existing=3, most=4)
    pd.testing.assert_index_equal(few.index, large.index[:5])
    assert (few["covered_pop"] <= few["bound"]).all()


def test_a_time_limit_gives_the_best_so_far_with_an_honest_bound() -> None:
    town = scattered_town(300, 60, seed=2, radius=0.14, covered=0.0)
    hasty, best = (propose_sites(*town, Siting(sites=12, time_limit_s=s)) for s in (0.001, None))
    assert best.status == "optimal"
    assert hasty.covered_after <= best.covered_after <= hasty.bound
    assert 0.0 <= hasty.gap < 0.1


def test_of_two_choices_the_best_sites_of_both_are_taken() -> None:
    town = siting_town({"a": [0, 1], "b": [1, 2], "c": [3], "d": [3, 4], "e": [0, 4]}, [4.0, 1.0, 1.0, 1.0, 9.0])
    problem = build_problem(*town, Siting(sites=2))
    pool = [np.array([1, 1, 0, 0, 0]), np.array([0, 0, 1, 1, 0])]  # worth 6 and 10
    assert best_of_all(problem, pool).tolist() == [1, 0, 0, 1, 0]  # worth 15; e, which no choice has, is let alone


def test_short_runs_and_their_best_sites_find_the_optimum_that_the_tree_proves() -> None:
    problem = build_problem(*scattered_town(400, 60), Siting(sites=8))
    found = pooled_choice(problem, moves=6_000)
    assert found is not None
    model = CoverModel.of(problem)
    proven = branch_and_bound(model.model, relax(model.model), model.columns(found), step=model.step, work=1e9)
    assert proven.proven
    assert value_of(problem, found) == pytest.approx(model.need(proven.bound))
