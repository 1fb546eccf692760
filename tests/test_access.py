"""Supply within a walk, shared with all who can walk to it too: by hand, and as PySAL's access has it."""

from __future__ import annotations

import math
import warnings

import builders
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import shapely

from planner import decay
from planner.access import (
    access_by_town,
    measure_equity,
    measure_spread,
    split_theil,
    supply_ratios,
    two_step_access,
    walking_saved,
)
from planner.coverage import measure_coverage
from planner.errors import TableError
from planner.reach import Reach
from planner.schema import TOWNS, Demand
from planner.study import Group


def reach_of(walks: list[list[float]], demand: Demand) -> Reach:
    """Rows are stations s0, s1 …; NaN is out of reach."""
    seconds = np.array(walks, dtype=np.float32)
    row, column = np.nonzero(~np.isnan(seconds))
    matrix = sp.csr_array((seconds[row, column], (row, column)), shape=seconds.shape)
    return Reach(pd.Index([f"s{i}" for i in range(len(walks))], name="station_id"), demand.index, matrix)


NO = math.nan
DEMAND = builders.demand_at([(0.0, 0.0)] * 4, [10.0, 20.0, 30.0, 40.0], town=["A", "A", "B", "B"], pop_old=[5.0, 0.0, 3.0, 2.0])
#                      point:  0      1      2    3 (reaches nothing)
REACH = reach_of([[0.0, 300.0, NO, NO], [NO, 600.0, 900.0, NO], [NO, NO, NO, NO]], DEMAND)
CAPACITY = pd.Series({"s0": 60.0, "s1": 100.0, "s2": 7.0})


def test_every_walk_within_the_cutoff_counts_whole_in_2sfca():
    ratios = supply_ratios(REACH, DEMAND, CAPACITY)
    assert ratios["s0"] == pytest.approx(60 / 30)
    assert ratios["s1"] == pytest.approx(100 / 50)
    assert math.isnan(ratios["s2"])  # nobody can walk to it
    assert two_step_access(REACH, DEMAND, CAPACITY).tolist() == pytest.approx([2.0, 4.0, 2.0, 0.0])


def test_a_decay_weighs_both_steps():
    weigh = lambda t: decay.linear(t, cutoff_s=1200)  # noqa: E731 - 1, 0.75, 0.5, 0.25 at 0, 300, 600, 900 s
    first, second = 60 / (10 + 0.75 * 20), 100 / (0.5 * 20 + 0.25 * 30)
    supply = two_step_access(REACH, DEMAND, CAPACITY, decay=weigh)
    assert supply.tolist() == pytest.approx([first, 0.75 * first + 0.5 * second, 0.25 * second, 0.0])


def test_exactly_the_capacity_that_somebody_can_reach_is_handed_out():
    for weigh in (None, lambda t: decay.gaussian(t, half_s=400), lambda t: decay.exponential(t, half_s=60)):
        supply = two_step_access(REACH, DEMAND, CAPACITY, decay=weigh)
        assert float(supply @ DEMAND["population"]) == pytest.approx(160.0)


def test_need_or_a_group_may_be_who_counts():
    supply = two_step_access(REACH, DEMAND, CAPACITY, people="pop_old")
    assert float(supply @ DEMAND["pop_old"]) == pytest.approx(160.0)
    assert supply_ratios(REACH, DEMAND, CAPACITY, people="pop_old")["s1"] == pytest.approx(100 / 3)


def test_stations_without_capacity_are_all_named():
    with pytest.raises(TableError) as caught:
        two_step_access(REACH, DEMAND, pd.Series({"s0": -1.0, "s1": 3.0}))
    assert [fault.row for fault in caught.value.faults] == ["s0", "s2"]


@pytest.mark.parametrize("weights", [None, {300: 1.0, 600: 0.68, 900: 0.22}])
def test_pysal_access_says_the_same(weights: dict[int, float] | None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from access import fca
    random = np.random.default_rng(5)
    count, stations = 60, 9
    demand = builders.demand_at([(float(i), 0.0) for i in range(count)], random.integers(1, 90, count).astype(float))
    walks = random.integers(0, 1500, (stations, count)).astype(float)
    walks[walks > 900] = NO
    reach = reach_of(walks.tolist(), demand)
    capacity = pd.Series(random.integers(0, 50, stations).astype(float), index=reach.facility_ids)
    cost = reach.to_frame().rename(columns={"origin_id": "origin", "destination_id": "dest", "walk_s": "cost"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = fca.two_stage_fca(
            demand_df=demand[["population"]],
            supply_df=pd.DataFrame({"capacity": capacity}),
            cost_df=cost,
            max_cost=900,
            demand_index=True,
            demand_name="population",
            supply_name="capacity",
            weight_fn=None if weights is None else _pysal_steps(weights),
        )
    ours = None if weights is None else lambda t: decay.zones(t, until_s=list(weights), weights=list(weights.values()))
    supply = two_step_access(reach, demand, capacity, decay=ours)
    assert theirs.reindex(demand.index).fillna(0.0).to_numpy() == pytest.approx(supply.to_numpy())


def _pysal_steps(weights: dict[int, float]) -> object:
    from access.weights import step_fn

    return step_fn(weights)


def test_spread_is_that_of_people_one_by_one():
    random = np.random.default_rng(3)
    values, weights = random.integers(0, 20, 12).astype(float), random.integers(0, 5, 12)
    people = np.repeat(values, weights)
    spread, mean = measure_spread(values, weights), people.mean()
    assert spread.gini == pytest.approx(np.abs(people[:, None] - people).mean() / (2 * mean))
    relative = people[people > 0] / mean
    assert spread.theil == pytest.approx((relative * np.log(relative)).sum() / len(people))
    ranked = np.sort(people)
    assert (spread.p10, spread.p90) == tuple(ranked[math.ceil(share * len(people)) - 1] for share in (0.1, 0.9))


def test_nobody_has_no_spread_and_nothing_no_inequality():
    assert math.isnan(measure_spread([1.0], [0.0]).mean)
    none = measure_spread([0.0, 0.0], [1.0, 2.0])
    assert none.mean == none.p90 == 0.0
    assert math.isnan(none.gini)
    same = measure_spread([3.0, 3.0], [1.0, 2.0])
    assert (same.gini, same.theil) == pytest.approx((0.0, 0.0))


@pytest.mark.parametrize("values", [[-1.0], [math.nan], [math.inf]])
def test_a_value_that_is_none_is_refused(values: list[float]):
    with pytest.raises(ValueError, match="numbers >= 0"):
        measure_spread(values, [1.0])


def test_inequality_between_and_within_towns_adds_up():
    values, weights = [1.0, 3.0, 8.0, 8.0], [1.0, 1.0, 1.0, 1.0]
    between, within = split_theil(values, weights, ["A", "A", "B", "B"])
    assert between == pytest.approx(measure_spread([2.0, 8.0], [2.0, 2.0]).theil)
    assert between + within == pytest.approx(measure_spread(values, weights).theil)


def test_access_by_town_is_counted_by_hand():
    shapes = [shapely.box(i, 0, i + 1, 1) for i in range(2)]
    towns = TOWNS.conform(gpd.GeoDataFrame({"town": ["A", "B"]}, geometry=shapes, crs=builders.CRS))
    stations = builders.stations_at((0, 0), (0, 0), (0, 0), town=["A", "A", "elsewhere"])
    table = access_by_town(DEMAND, two_step_access(REACH, DEMAND, CAPACITY), stations, towns)
    assert table["stations"].tolist() == [2, 2, 0]
    assert table["stations_per_10000"].tolist() == pytest.approx([200.0, 2 / 30 * 10_000, 0.0])
    assert table["supply_per_10000"].tolist() == pytest.approx([16_000.0, 100 / 30 * 10_000, 60 / 70 * 10_000])
    assert table["without_pop"].tolist() == [40.0, 0.0, 40.0]
    assert table.loc["district", "p10"] == 0.0


def test_walking_saved_is_of_those_who_had_a_station_and_have_one():
    after = reach_of([[60.0, NO, NO, 900.0], [NO, 300.0, NO, NO]], DEMAND)
    said = walking_saved(REACH, after, DEMAND)
    assert said["kept_pop"] == 30.0  # points 0 and 1
    assert said["saved_min"] == pytest.approx(10 * (0 - 1) + 20 * (5 - 5))
    assert (said["nearer_pop"], said["farther_pop"], said["gained_pop"], said["lost_pop"]) == (0.0, 10.0, 40.0, 30.0)
    nothing = reach_of([[NO] * 4], DEMAND)
    assert walking_saved(nothing, REACH, DEMAND)["mean_saved_min"] is None


def test_the_worst_town_and_group_are_named():
    said = measure_equity(measure_coverage(REACH, DEMAND), [Group("old")])
    assert (said["worst_town"], said["worst_town_coverage"]) == ("B", pytest.approx(30 / 70))
    assert (said["worst_group"], said["worst_group_coverage"]) == ("old", pytest.approx(8 / 10))
    assert said["group_gap"] == pytest.approx(8 / 10 - 60 / 100)
    assert said["walk"].mean == pytest.approx((10 * 0 + 20 * 5 + 30 * 15) / 60)
    assert measure_equity(measure_coverage(REACH, DEMAND))["worst_group"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: decay.zones([1.0], until_s=[300, 300], weights=[1.0, 0.5]),
        lambda: decay.zones([1.0], until_s=[300, 600], weights=[0.5, 1.0]),
        lambda: decay.zones([1.0], until_s=[300], weights=[1.0, 0.5]),
        lambda: decay.step([-1.0], cutoff_s=900),
        lambda: decay.gaussian([1.0], half_s=0),
    ],
)
def test_a_decay_that_is_none_is_refused(wrong: object):
    with pytest.raises(ValueError, match=r"zones|weights|seconds|half_s"):
        wrong()  # type: ignore[operator]
