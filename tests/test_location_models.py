"""The location models on small towns whose best plan is arithmetic, on graphs with known optima, and the trees behind them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra
from siting_towns import scattered_town, siting_town

from planner.errors import PlanError, TableError
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting import Standing, assign, check_method, choose, least, propose_sites
from planner.siting.backup import build_backup
from planner.siting.choose import best_cover
from planner.siting.cover import CoverModel
from planner.siting.dual import best_by_price, dual_bound
from planner.siting.graded import Graded, layered
from planner.siting.least import decided
from planner.siting.price_tree import price_tree
from planner.siting.prices import price_cells, second_best, settled
from planner.siting.problem import build_problem, no_rules_for
from planner.siting.serve import best_graded
from planner.siting.solver import relax
from planner.siting.tree import branch_and_bound
from planner.study import Method, Phase, Siting

OR_LIBRARY = Path(__file__).resolve().parents[2] / "shared" / "data" / "or-library"
MEDIAN = Siting(method=Method.P_MEDIAN)


# three homes in a row, one minute apart; a host at each: the middle one walks everybody least
ROW = {f"h{i}": {j: 60.0 * abs(i - j) for j in range(3)} for i in range(3)}


def test_the_median_of_a_row_is_its_middle_and_says_the_minutes() -> None:
    plan = propose_sites(*siting_town(ROW, [10.0, 1.0, 10.0]), replace(MEDIAN, sites=1), cutoff_s=120.0)
    assert plan.sites.index.tolist() == ["h1"]
    assert (plan.objective, plan.objective_bound, plan.gap, plan.status) == (20.0, 20.0, 0.0, "optimal")
    assert plan.measures == pytest.approx({"mean_walk_min_before": 2.0, "mean_walk_min_after": 20 / 21})
    assert plan.sites["saved_walk_h"].tolist() == pytest.approx([(42 - 20) / 60])


def test_who_is_out_of_reach_walks_as_long_as_the_study_says() -> None:
    town = siting_town({"a": {0: 60.0}, "b": {1: 60.0}}, [3.0, 2.0])
    plan = propose_sites(*town, replace(MEDIAN, sites=1, unreached_minutes=20.0), cutoff_s=900.0)
    assert plan.sites.index.tolist() == ["a"]
    assert plan.objective == 3 * 1 + 2 * 20


def test_a_median_that_saves_nothing_of_very_much_is_recounted_as_exactly_as_sums_are() -> None:
    need = [1e7 / 3, 2e7 / 7, 4e7 / 9, 5e7 / 11, 1e6 / 13]
    town = siting_town({"a": {0: 60.0}}, need, cost=[5.0])
    plan = propose_sites(*town, replace(MEDIAN, sites=1, budget=0.0), cutoff_s=900.0)
    assert plan.sites.empty
    assert plan.phases[0].value == pytest.approx(0.0, abs=1e-3)


def test_a_budget_that_buys_nothing_is_a_proven_plan_of_nothing() -> None:
    times = {"s1": {1: 840.0, 4: 420.0, 5: 420.0}, "s2": {2: 60.0, 4: 240.0, 6: 720.0}}
    times["s3"] = {0: 180.0, 1: 540.0, 2: 360.0, 3: 900.0, 4: 120.0}
    town = siting_town(times, [4.0, 3.0, 3.0, 0.0, 4.0, 2.0, 0.0], cost=[5.0, 4.0, 4.0])
    phases = (Phase(dt.date(2025, 1, 1), 1), Phase(dt.date(2026, 1, 1), 0), Phase(dt.date(2027, 1, 1), 1))
    plan = propose_sites(*town, Siting(sites=2, budget=0.0, phases=phases, decay="linear"), cutoff_s=900.0)
    assert (len(plan.sites), plan.objective, plan.objective_bound, plan.gap, plan.status) == (0, 0.0, 0.0, 0.0, "optimal")


def test_a_station_that_stands_already_is_walked_to_where_it_is_nearer() -> None:
    town = siting_town({"a": {0: 60.0, 1: 300.0}, "b": {1: 0.0}}, [5.0, 2.0], covered=[0], walks={0: 60.0})
    assert propose_sites(*town, replace(MEDIAN, sites=1)).sites.index.tolist() == ["b"]


def test_median_phases_are_chosen_together_and_each_is_held_against_its_own_best() -> None:
    phases = (Phase(dt.date(2025, 1, 1), 1), Phase(dt.date(2026, 1, 1), 1))
    town = siting_town({f"h{i}": {j: 60.0 * abs(i - j) for j in range(5)} for i in range(5)}, [9.0, 1.0, 1.0, 1.0, 9.0])
    plan = propose_sites(*town, replace(MEDIAN, sites=2, phases=phases), cutoff_s=300.0)
    # with two: the ends, 1 + 2 + 1; the ends first leave 9 * 4 + 6 behind, the middle 9 * 4 + 2: any end then the other
    assert sorted(plan.sites.index) == ["h0", "h4"]
    assert plan.objective == pytest.approx((36 + 6) + 4)
    assert [phase.loss / 60 for phase in plan.phases] == pytest.approx([4.0, 0.0])


def test_the_center_is_the_least_worst_walk_whoever_is_many() -> None:
    town = siting_town(ROW, [100.0, 1.0, 1.0])
    plan = propose_sites(*town, Siting(method=Method.P_CENTER, sites=1))
    assert (plan.sites.index.tolist(), plan.objective, plan.sites["worst_walk_min"].tolist()) == (["h1"], 1.0, [1.0])
    most = propose_sites(*town, Siting(method=Method.P_CENTER, sites=1, share=0.9))
    assert (most.sites.index.tolist(), most.objective) == (["h0"], 0.0)


def test_too_few_sites_for_a_center_say_how_many_would_do() -> None:
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [1.0, 1.0, 1.0])
    with pytest.raises(PlanError, match=r"1 sites cannot bring 100%.*raise siting.sites to 3"):
        propose_sites(*town, Siting(method=Method.P_CENTER, sites=1))


def test_the_fewest_sites_for_all_and_for_a_share() -> None:
    town = siting_town({"a": [0, 1], "b": [1, 2], "c": [2, 3], "d": [4]}, [10.0, 10.0, 10.0, 10.0, 2.0])
    everybody = propose_sites(*town, Siting(method=Method.LSCP))
    assert (sorted(everybody.sites.index), everybody.objective, everybody.gap) == (["a", "c", "d"], 3.0, 0.0)
    most = propose_sites(*town, Siting(method=Method.LSCP, share=0.95))
    assert sorted(most.sites.index) == ["a", "c"]
    assert most.measures == pytest.approx({"share_asked": 0.95, "share_reached": 40 / 42})


def test_nothing_is_built_where_the_share_is_reached_already() -> None:
    town = siting_town({"a": [1]}, [9.0, 1.0], covered=[0])
    plan = propose_sites(*town, Siting(method=Method.LSCP, share=0.9))
    assert (len(plan.sites), plan.objective, plan.status) == (0, 0.0, "optimal")


def test_of_equally_few_sites_those_in_preferred_hosts_are_taken() -> None:
    town = siting_town({"a": [0], "b": [0]}, [5.0], host=["school", "hall"])
    plan = propose_sites(*town, Siting(method=Method.LSCP, prefer={"hall": 1.0}))
    assert plan.sites.index.tolist() == ["b"]


def test_a_share_that_the_rules_do_not_allow_names_the_share() -> None:
    town = siting_town({"a": [0], "b": [1]}, [5.0, 5.0], cost=[4.0, 4.0])
    for share in (1.0, 0.9):
        with pytest.raises(PlanError, match=r"siting.share.*cover.*lower siting.share"):
            propose_sites(*town, Siting(method=Method.LSCP, budget=5.0, share=share))


def test_a_second_station_counts_its_share() -> None:
    town = siting_town({"a": [0], "b": [0], "c": [1]}, [10.0, 4.0])
    assert sorted(propose_sites(*town, Siting(sites=2)).sites.index) == ["a", "c"]
    twice = propose_sites(*town, Siting(sites=2, backup=0.5))
    assert sorted(twice.sites.index) == ["a", "b"]
    assert (twice.objective, twice.sites["backed_up_pop"].tolist()) == (15.0, [0.0, 10.0])


def test_people_beyond_the_capacity_are_not_served() -> None:
    town = siting_town({"a": [0, 1], "b": [1]}, [6.0, 6.0], capacity=[7.0, 5.0])
    plan = propose_sites(*town, Siting(sites=1, capacity=True))
    assert (plan.sites.index.tolist(), plan.objective, plan.covered_after) == (["a"], 7.0, 12.0)
    assert plan.sites["assigned_pop"].tolist() == [7.0]


def test_a_capacity_that_nobody_says_is_asked_for() -> None:
    options, coverage, candidates = siting_town({"a": [0], "b": [0]}, [6.0], capacity=[7.0, None])
    with pytest.raises(TableError, match=r"row b, capacity: no capacity is said; fill in the column capacity or set"):
        propose_sites(options, coverage, candidates, Siting(sites=1, capacity=True))
    assert propose_sites(options, coverage, candidates, Siting(sites=1, capacity=True, capacity_default=3.0)).objective == 6.0


def test_stations_that_stand_take_their_people_first_or_not_as_is_best() -> None:
    options, coverage, candidates = siting_town({"a": [0]}, [10.0, 5.0], covered=[0, 1], capacity=[8.0])
    stands = Reach(pd.Index(["old"]), coverage.index, sp.csr_array(np.array([[60.0, 60.0]], dtype="float32")))
    plan = propose_sites(
        options, coverage, candidates, Siting(sites=1, capacity=True), standing=Standing(stands, pd.Series([6.0], ["old"]))
    )
    assert plan.objective == 14.0
    assert plan.assignment is not None
    assert plan.assignment.groupby("station_id")["people"].sum().to_dict() == pytest.approx({"a": 8.0, "old": 6.0})


def test_everything_that_a_model_does_not_know_is_said_at_once() -> None:
    phases = (Phase(dt.date(2025, 1, 1), 5),)
    with pytest.raises(PlanError) as caught:
        check_method(Siting(method=Method.P_CENTER, phases=phases, backup=0.5, prefer={"hall": 1.0}))
    assert caught.value.status == "refused"
    assert {fault.column for fault in caught.value.faults} == {"siting.phases", "siting.backup", "siting.prefer"}
    with pytest.raises(PlanError, match="capacity and decay are different models"):
        check_method(Siting(capacity=True, decay="linear"))


def test_rules_that_get_into_each_others_way_are_named_with_what_would_mend_them() -> None:
    near = [(0.0, 0.0), (100.0, 0.0), (900.0, 0.0)]
    towns = {"towns": ["A", "B", "B"], "places": near, "cost": [1.0, 1.0, 9.0]}
    town = siting_town({"a": [0], "b": [1], "c": [2]}, [3.0, 2.0, 1.0], **towns)
    with pytest.raises(PlanError) as caught:
        propose_sites(*town, Siting(sites=2, per_town_min=1, spacing_m=500.0, budget=5.0))
    said = {fault.column: str(fault) for fault in caught.value.faults}
    assert set(said) == {"siting.spacing_m", "siting.budget", "siting.per_town_min"}
    assert "keeping the other rules costs 10 but the budget is 5; raise siting.budget to 10" in said["siting.budget"]
    assert caught.value.status == "infeasible"
    plan = propose_sites(*town, Siting(sites=2, per_town_min=1, spacing_m=500.0, budget=10.0))
    assert sorted(plan.sites.index) == ["a", "c"]


def graph(nodes: int, seed: int) -> np.ndarray:
    """Shortest paths of a random connected graph as Beasley (1985) made them: lengths 1 … 100."""
    draw, lengths = np.random.default_rng(seed), np.zeros((nodes, nodes))
    for u in range(nodes - 1):
        lengths[u, u + 1] = draw.integers(1, 101)
    for u, v in draw.integers(0, nodes, (nodes * nodes // 50, 2)):
        if u != v:
            lengths[min(u, v), max(u, v)] = draw.integers(1, 101)
    return dijkstra(lengths + lengths.T, directed=False)


def median_of(lengths: np.ndarray, chosen: int) -> Graded:
    ids = pd.Index([f"n{i:03d}" for i in range(len(lengths))])
    return Graded(ids, sp.csr_array(lengths.max() + 1 - lengths), no_rules_for(len(ids), chosen))


@pytest.mark.parametrize(("nodes", "chosen", "seed"), [(40, 3, 0), (40, 8, 1), (60, 5, 2)])
def test_prices_and_their_tree_agree_with_layers_and_linear_programs(nodes: int, chosen: int, seed: int) -> None:
    graded = median_of(graph(nodes, seed), chosen)
    layers = best_cover(layered(graded))
    by_prices = best_graded(graded)
    assert layers.proven
    assert (by_prices.value, by_prices.bound) == (layers.value, layers.value)


def test_the_price_tree_proves_from_a_poor_start_and_prices_are_never_below_the_best() -> None:
    graded = median_of(graph(50, 3), 4)
    best = best_graded(graded).value
    poor = np.arange(50) < 4
    prices = price_cells(graded, graded.grades(), graded.value(poor), second_best(graded, poor), enough=0.0, steps=300)
    assert prices.bound >= best
    found = price_tree(graded, prices, poor, graded, step=1.0)
    assert (found.value, found.bound) == (best, best)
    rest = settled(graded, prices, best)
    assert best_cover(layered(rest)).value == best


def or_library(name: str) -> tuple[np.ndarray, int, float]:
    numbers = np.array((OR_LIBRARY / f"{name}.txt").read_text().split(), dtype=np.int64)
    nodes, edges, chosen = (int(number) for number in numbers[:3])
    lengths = np.zeros((nodes, nodes))
    for u, v, length in numbers[3 : 3 + 3 * edges].reshape(-1, 3):
        lengths[u - 1, v - 1] = lengths[v - 1, u - 1] = length
    optima = dict(line.split() for line in (OR_LIBRARY / "pmedopt.txt").read_text().splitlines()[1:] if line.strip())
    return dijkstra(lengths, directed=False), chosen, float(optima[name])


@pytest.mark.shared
@pytest.mark.skipif(not OR_LIBRARY.is_dir(), reason="the OR-Library instances are not beside the project")
@pytest.mark.parametrize("name", ["pmed1", "pmed2", "pmed3", "pmed4", "pmed5", "pmed6", "pmed10", "pmed15"])
def test_the_optima_of_the_or_library_are_proven(name: str) -> None:
    lengths, chosen, optimum = or_library(name)
    graded = median_of(lengths, chosen)
    found = best_graded(graded)
    everybody = len(lengths) * (lengths.max() + 1)
    assert (everybody - found.value, everybody - found.bound) == (optimum, optimum)


def test_a_hasty_median_keeps_an_honest_bound() -> None:
    town = scattered_town(400, 80, seed=5, radius=0.3)
    hasty, best = (propose_sites(*town, replace(MEDIAN, sites=9, time_limit_s=seconds)) for seconds in (0.001, None))
    assert best.status == "optimal"
    assert hasty.objective_bound <= best.objective <= hasty.objective


def test_a_tree_with_a_goal_ends_with_the_first_choice_that_meets_it_or_proves_there_is_none() -> None:
    options, coverage, candidates = scattered_town(300, 60, seed=2, radius=0.14, covered=0.0)
    problem = build_problem(options, coverage, candidates, Siting(sites=12))
    best = best_cover(problem)
    for target, reached in ((best.value, True), (best.value + 1, False), (0.9 * best.value, True)):
        choice, impossible, _ = decided(problem, target, 1e9, None, 0)
        assert (choice is not None, impossible) == (reached, not reached)
    model = CoverModel.of(problem)
    relaxed, poor = relax(model.model), model.columns((np.arange(60) < 12).astype(np.int64))
    assert relaxed is not None
    goal = model.cost_of(best.value)
    met = branch_and_bound(model.model, relaxed, poor, step=model.step, work=1e9, goal=goal)
    assert model.chosen(met).value == best.value
    missed = branch_and_bound(model.model, relaxed, poor, step=model.step, work=1e9, goal=goal - 0.5 * model.step)
    assert missed.bound > goal - 0.5 * model.step


@pytest.mark.parametrize("seed", range(4))
def test_prices_of_cells_bound_every_choice_also_with_towns(seed: int) -> None:
    town = scattered_town(200, 25, seed=seed, radius=0.2, towns=3, covered=0.0)
    problem = build_problem(*town, Siting(sites=6, per_town_min=1))
    best = best_cover(problem)
    assert best.proven
    bound = dual_bound(problem, rounds=20)
    assert best.value <= bound <= 1.05 * best.value
    late = dual_bound(problem, rounds=20, until=0.0)  # the clock has run out: three rounds all the same
    assert late == dual_bound(problem, rounds=3) < dual_bound(problem, rounds=1)
    price = np.arange(25, dtype=float)
    assert best_by_price(problem.rules, price) <= price[-6:].sum()


@pytest.mark.parametrize("seed", range(3))
def test_where_a_town_is_too_large_for_a_tree_backup_coverage_is_still_good_and_its_bound_holds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = scattered_town(200, 25, seed=seed, radius=0.2, covered=0.2)
    problem = build_backup(*town, Siting(sites=5, backup=0.5))
    best = best_cover(problem)
    assert best.proven
    monkeypatch.setattr(choose, "LARGE", 0)
    found = best_cover(problem)
    assert found.value >= best.value - 0.02 * abs(best.value)
    assert best.value - 1e-6 <= found.bound <= best.value + 0.05 * float(problem.weight.sum())


@pytest.mark.parametrize("method", [Method.LSCP, Method.P_CENTER])
def test_where_a_town_is_too_large_for_a_tree_the_least_number_is_still_bounded(
    method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = scattered_town(200, 25, seed=1, radius=0.3, covered=0.0)
    siting = Siting(method=method, sites=7, share=0.9)
    exact = propose_sites(*town, siting)
    assert exact.status == "optimal"
    monkeypatch.setattr(least, "_ROWS", 0)
    bounded = propose_sites(*town, siting)
    assert bounded.objective_bound <= exact.objective <= bounded.objective
    assert bounded.gap <= 0.35


@pytest.mark.parametrize("seed", range(3))
def test_where_a_town_is_too_large_for_a_tree_prices_bound_who_can_be_assigned(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = scattered_town(150, 20, seed=seed, radius=0.3, towns=2, covered=0.0)
    siting = Siting(sites=5, capacity=True, capacity_default=400.0, per_town_min=1)
    exact = propose_sites(*town, siting)
    assert exact.status == "optimal"
    monkeypatch.setattr(assign, "_STRONG", 0)
    bounded = propose_sites(*town, siting)
    assert bounded.objective <= exact.objective + 1e-6 <= bounded.objective_bound + 2e-6
    assert bounded.gap <= 0.05


def test_where_the_clock_has_run_out_no_tree_is_begun_and_the_bound_is_honest(monkeypatch: pytest.MonkeyPatch) -> None:
    town = scattered_town(150, 20, seed=0, radius=0.3, towns=2, covered=0.0)
    siting = Siting(sites=5, capacity=True, capacity_default=400.0)
    exact = propose_sites(*town, siting)
    monkeypatch.setattr(assign, "_by_tree", None)
    late = propose_sites(*town, replace(siting, time_limit_s=1e-9))
    assert late.objective <= exact.objective + 1e-6 <= late.objective_bound + 2e-6


def test_of_plans_with_the_same_worst_walk_the_one_with_less_walking_in_all_is_chosen() -> None:
    """The farthest cell is 600 s from `a` alone; `b` and `c` both serve the rest within that, `c` at the door."""
    reached = {"a": {0: 600.0}, "b": {1: 500.0, 2: 500.0}, "c": {1: 0.0, 2: 0.0}}
    plan = propose_sites(*siting_town(reached, [1.0, 5.0, 5.0]), Siting(method=Method.P_CENTER, sites=2), cutoff_s=900.0)
    assert (plan.objective, plan.status) == (10.0, "optimal")
    assert sorted(plan.sites.index) == ["a", "c"]


def test_a_plan_says_its_own_worst_walk_also_where_the_search_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least.Least, "find", lambda _self: None)  # it ends with a choice for the longest walk of all
    town = scattered_town(200, 25, seed=1, radius=0.3, covered=0.0)
    plan = propose_sites(*town, Siting(method=Method.P_CENTER, sites=9, share=0.9))  # recounted from the times
    assert plan.objective * 60 < town[0].walk_s.data.max()
    assert plan.objective_bound <= plan.objective


IN_A_ROW = {"a": [0], "b": [1], "c": [2], "d": [3]}  # a kilometre from one to the next


def mended(town: tuple[Reach, Coverage, Candidates], siting: Siting, **keys: Any) -> str:
    """What is said where no plan exists; following it there is one."""
    with pytest.raises(PlanError, match="no plan exists") as caught:
        propose_sites(*town, siting)
    assert propose_sites(*town, replace(siting, **keys)).status == "optimal"
    return str(caught.value)


def test_where_distances_leave_too_few_sites_it_is_said_how_many_can_stand() -> None:
    town = siting_town(IN_A_ROW, [4.0, 3.0, 2.0, 1.0])
    said = mended(town, Siting(sites=3, spacing_m=1500), sites=2)
    assert "no more than 2 can stand 1500 m apart; lower spacing_m or ask for at most 2" in said


def test_a_budget_that_is_raised_as_told_is_enough() -> None:
    cost = [1234567.25, 1234567.5, 2000000.0, 3000000.75]
    town = siting_town(IN_A_ROW, [4.0, 3.0, 2.0, 1.0], towns=["A", "A", "B", "B"], cost=cost)
    required = Siting(sites=3, required=("d",), budget=100.0)
    assert "raise siting.budget to 3000000.75 or" in mended(town, required, budget=3000000.75)
    apart = Siting(sites=2, per_town_min=1, spacing_m=1500, budget=3300000.0)  # b and c would do, but stand too near
    assert "raise siting.budget to 3234567.25 or" in mended(town, replace(apart, budget=100.0), budget=3234567.25)


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_the_rule_that_keeps_a_share_from_being_covered_is_named(share: float) -> None:
    town = siting_town(IN_A_ROW, [4.0, 3.0, 2.0, 1.0])
    fewest = Siting(method=Method.LSCP, share=share)
    assert "lower siting.share or spacing_m" in mended(town, replace(fewest, spacing_m=1500), spacing_m=0.0)
    assert "lower siting.share or raise per_town_max" in mended(town, replace(fewest, per_town_max=2), per_town_max=4)


def test_the_fewest_of_no_candidates_ask_for_none() -> None:
    town = siting_town({"a": [0]}, [1.0])
    with pytest.raises(PlanError, match="there are no candidates to choose from; add candidates"):
        propose_sites(*town, Siting(method=Method.LSCP, forbidden=("a",)))
