"""What holds of coverage and scores whatever the walks and the people."""

from __future__ import annotations

import math
from fractions import Fraction

import builders
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from planner.coverage import measure_coverage
from planner.reach import Reach
from planner.schema import Demand, Stations
from planner.score import score_groups, score_stations, weighted_quantile
from planner.study import Group

LAW = settings(deadline=None, max_examples=40)  # timings say nothing on a shared machine
ABSENT = -1.0  # a pair out of reach, in the dense tables drawn here

Town = tuple[Demand, Stations, Reach]


@st.composite
def dense_walks(draw: st.DrawFn) -> np.ndarray:
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 7)))
    return draw(arrays.arrays(np.float32, shape, elements=st.sampled_from([ABSENT, 0.0, 30.0, 60.0, 90.0, 899.5, 900.0])))


@st.composite
def small_towns(draw: st.DrawFn) -> Town:
    return town_of(draw(dense_walks()), draw)


def town_of(dense: np.ndarray, draw: st.DrawFn) -> Town:
    stations, points = dense.shape
    people = draw(st.lists(st.integers(0, 500), min_size=points, max_size=points))
    young: list[object] = [draw(st.integers(0, count)) for count in people]
    places = [(10.0 * i, 0.0) for i in range(points)]
    demand = builders.demand_at(places, [float(count) for count in people], pop_young=young)
    table = builders.stations_at(*((10.0 * i, 5.0) for i in range(stations)))
    return demand, table, reach_of(dense, table.index, demand.index)


def reach_of(dense: np.ndarray, stations: pd.Index, points: pd.Index) -> Reach:
    rows, columns = np.nonzero(dense != ABSENT)
    matrix = sp.csr_array((dense[rows, columns], (rows, columns)), shape=dense.shape)
    return Reach(stations, points, matrix)


def covered_people(reach: Reach, demand: Demand) -> float:
    coverage = measure_coverage(reach, demand)
    return float(coverage.loc[coverage["covered"], "population"].sum())


def without(reach: Reach, station: int) -> Reach:
    kept = np.arange(len(reach.facility_ids)) != station
    return Reach(reach.facility_ids[kept], reach.demand_ids, sp.csr_array(reach.walk_s[np.flatnonzero(kept)]))


@LAW
@given(small_towns())
def test_loads_add_up_to_all_covered_residents(town: Town):
    demand, stations, reach = town
    scores = score_stations(reach, demand, stations)
    assert scores["load"].sum() == covered_people(reach, demand)


@LAW
@given(small_towns())
def test_sole_and_shared_add_up_and_bound_what_is_covered(town: Town):
    demand, stations, reach = town
    scores = score_stations(reach, demand, stations)
    covered = covered_people(reach, demand)
    assert (scores["sole_pop"] + scores["shared_pop"] == scores["served_pop"]).all()
    assert scores["sole_pop"].sum() <= covered <= scores["served_pop"].sum()
    assert (scores["load"] <= scores["served_pop"]).all()
    assert (scores["sole_pop"] <= scores["load"]).all()
    assert (scores["served_young"] <= scores["served_pop"]).all()


@LAW
@given(small_towns())
def test_the_marginal_people_are_those_coverage_loses_when_the_station_closes(town: Town):
    demand, stations, reach = town
    scores = score_stations(reach, demand, stations)
    covered = covered_people(reach, demand)
    for i, marginal in enumerate(scores["marginal_pop"]):
        assert marginal == covered - covered_people(without(reach, i), demand)


@LAW
@given(small_towns())
def test_one_more_station_never_uncovers_anyone_nor_makes_a_walk_longer(town: Town):
    demand, _, reach = town
    more, fewer = measure_coverage(reach, demand), measure_coverage(without(reach, 0), demand)
    assert (more["covered"] >= fewer["covered"]).all()
    assert (more["nearest_walk_s"].fillna(np.inf) <= fewer["nearest_walk_s"].fillna(np.inf)).all()


@LAW
@given(small_towns(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(town: Town, random):
    demand, stations, reach = town
    rows = list(range(len(stations)))
    points = list(range(len(demand)))
    random.shuffle(rows)
    random.shuffle(points)
    turned_demand, turned_stations = Demand(demand.iloc[points]), Stations(stations.iloc[rows])
    turned = Reach(reach.facility_ids[rows], reach.demand_ids, sp.csr_array(reach.walk_s[np.array(rows)]))
    coverage = measure_coverage(turned, turned_demand)
    pd.testing.assert_frame_equal(pd.DataFrame(coverage.loc[demand.index]), pd.DataFrame(measure_coverage(reach, demand)))
    scores = score_stations(turned, turned_demand, turned_stations)
    pd.testing.assert_frame_equal(scores.loc[stations.index], score_stations(reach, demand, stations))


@LAW
@given(small_towns())
def test_every_figure_of_a_station_agrees_with_a_loop_over_people(town: Town):
    demand, stations, reach = town
    scores = score_stations(reach, demand, stations)
    walks = reach.walk_s.tocoo()
    pairs = {(int(i), int(j)): float(walk_s) for i, j, walk_s in zip(*walks.coords, walks.data, strict=True)}
    for i in range(len(stations)):
        served = [j for j in range(len(demand)) if (i, j) in pairs]
        nearest = [min((pairs[k, j], k) for k in range(len(stations)) if (k, j) in pairs)[1] for j in served]
        people = demand["population"].to_numpy()
        assert scores["served_pop"].iloc[i] == sum(people[j] for j in served)
        assert scores["load"].iloc[i] == sum(people[j] for j, k in zip(served, nearest, strict=True) if k == i)
        each = sorted(pairs[i, j] for j in served for _ in range(int(people[j])))
        median = each[math.ceil(len(each) / 2) - 1] / 60 if each else math.nan
        assert scores["median_walk_min"].iloc[i] == pytest.approx(median, nan_ok=True)


@LAW
@given(small_towns())
def test_a_group_of_everybody_is_covered_as_everybody_is(town: Town):
    demand, _, reach = town
    everybody = Demand(demand.assign(pop_all=demand["population"]))
    groups = score_groups(measure_coverage(reach, everybody), [Group("all")])
    figures = groups.drop(columns="label")
    pd.testing.assert_series_equal(figures.loc["residents"], figures.loc["all"], check_names=False)


@settings(LAW, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 6)), max_size=12),
    st.fractions(0, 1, max_denominator=40),
)
def test_the_weighted_quantile_is_that_of_the_list_with_each_value_as_often_as_its_weight(pairs, share: Fraction):
    expanded = sorted(value for value, weight in pairs for _ in range(weight))
    found = weighted_quantile([v for v, _ in pairs], [w for _, w in pairs], float(share))
    if not expanded:
        assert math.isnan(found)
        return
    assert found == expanded[max(math.ceil(share * len(expanded)), 1) - 1]
