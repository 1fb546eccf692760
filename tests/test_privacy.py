"""What leaves the machine, on tables small enough to check by eye; minimum 10 everywhere."""

from __future__ import annotations

import builders
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from shapely.geometry import box

from planner.coverage import measure_coverage
from planner.privacy import hide_in_sum, publish_summary, publish_tables, publishable, suppress, too_small
from planner.privacy.catchments import Sums, hide_catchments
from planner.reach import Reach
from planner.schema import TOWNS
from planner.score import score_groups, score_stations, score_towns, summarise
from planner.study import Group

MINIMUM = 10


def shown(values: pd.Series) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def groups_table(total: float, covered: float) -> pd.DataFrame:
    frame = {
        "group": ["residents", "young"],
        "label": ["常住人口", "青年"],
        "total": [1000.0, total],
        "covered": [5.0, covered],
        "coverage": [0.005, covered / total],
        "median_walk_min": [3.0, 3.0],
        "p90_walk_min": [9.0, 9.0],
    }
    return pd.DataFrame(frame).set_index("group")


def towns_table(*covered: float) -> pd.DataFrame:
    names = [f"T{i}" for i in range(len(covered))]
    frame = {"town": names, "population": 500.0, "covered_pop": 3.0, "covered_young": list(covered)}
    return pd.DataFrame(frame).set_index("town")


def test_nobody_is_not_a_small_count_and_neither_is_the_minimum_itself():
    assert too_small([0, 0.5, 9, 10, 11, np.nan], MINIMUM).tolist() == [False, True, True, False, False, False]
    assert not too_small([0, 1, 5], 0).any()


def test_dust_from_adding_shares_is_nobody():
    assert not too_small([0.1 + 0.2 - 0.3, sum([0.1] * 100)], MINIMUM).any()


def test_a_small_count_takes_the_smallest_other_count_with_it():
    assert hide_in_sum([3, 40, 12, 0], [True, False, False, False], MINIMUM).tolist() == [True, False, True, False]


def test_two_small_counts_that_are_few_together_take_a_third():
    assert hide_in_sum([3, 2, 12, 50], [True, True, False, False], MINIMUM).tolist() == [True, True, True, False]
    assert hide_in_sum([8, 2, 12, 50], [True, True, False, False], MINIMUM).tolist() == [True, True, False, False]


def test_small_towns_are_empty_with_as_many_others_as_the_district_total_needs():
    towns = publishable("towns", towns_table(3, 50, 20, 300), MINIMUM)
    assert shown(towns["covered_young"]) == [None, 50, None, 300]
    assert shown(towns["covered_pop"]) == [3, 3, 3, 3]


def test_a_small_uncovered_rest_empties_the_covered_count_and_what_follows_from_it():
    groups = publishable("groups", groups_table(total=100, covered=95), MINIMUM)
    assert shown(groups.loc["young", ["total", "covered", "coverage", "median_walk_min", "p90_walk_min"]]) == [
        100, None, None, None, None,
    ]  # fmt: skip
    assert shown(groups.loc["residents", ["total", "covered", "coverage"]]) == [1000, 5, 0.005]


def test_a_group_that_nobody_or_everybody_of_is_covered_stays():
    for covered in (0, 100):
        table = groups_table(total=100, covered=covered)
        pd.testing.assert_frame_equal(publishable("groups", table, MINIMUM), table)


def test_a_small_group_is_empty_throughout():
    groups = publishable("groups", groups_table(total=8, covered=4), MINIMUM)
    assert shown(groups.loc["young", ["total", "covered", "coverage"]]) == [None, None, None]


def test_a_station_that_serves_few_or_all_but_few_of_the_covered_keeps_it_to_itself():
    stations = pd.DataFrame({"served_pop": [4.0, 5.0, 6.0], "served_young": [4.0, 95.0, 60.0]}, index=["a", "b", "c"])
    out = publish_tables({"stations": stations, "groups": groups_table(total=300, covered=100)}, MINIMUM)
    assert shown(out["stations"]["served_young"]) == [None, None, 60]
    assert shown(out["stations"]["served_pop"]) == [4, 5, 6]


def test_gains_of_sites_protect_each_other_and_need_goes_with_them():
    sites = pd.DataFrame({"gain_pop": [1.0, 2.0, 3.0], "gain_young": [4.0, 30.0, 80.0], "gain_need": [9.0, 9.0, 9.0]})
    out = publish_tables({"sites": sites, "groups": groups_table(total=300, covered=100)}, MINIMUM)
    assert shown(out["sites"]["gain_young"]) == [None, None, 80]
    assert shown(out["sites"]["gain_need"]) == [None, None, 9]
    assert shown(out["sites"]["gain_pop"]) == [1, 2, 3]


def test_gains_that_leave_only_few_uncovered_do_not_say_so():
    sites = pd.DataFrame({"gain_young": [95.0, 100.0]})
    out = publish_tables({"sites": sites, "groups": groups_table(total=300, covered=100)}, MINIMUM)
    assert shown(out["sites"]["gain_young"]) == [None, 100]


def test_where_no_other_town_can_cover_up_the_district_figure_goes():
    demand = pd.DataFrame(
        {"town": ["A", "A", "B"], "covered": [True, False, True], "pop_young": [4.0, 60.0, 50.0], "need": [1.0, 2.0, 3.0]}
    )
    towns = pd.DataFrame({"town": ["A", "B"], "covered_young": [4.0, 50.0]}).set_index("town")
    out = publish_tables({"demand": demand, "towns": towns, "groups": groups_table(114, 54)}, MINIMUM)
    assert np.isnan(out["groups"].at["young", "covered"])
    assert out["groups"].at["young", "total"] == 114
    assert np.isnan(out["towns"].at["A", "covered_young"])


@pytest.mark.parametrize(("few", "median"), [(4.0, 7.3), (40.0, 7.3456)])
def test_a_quantile_names_no_point_where_points_are_hidden(few: float, median: float) -> None:
    demand = pd.DataFrame({"town": "A", "covered": True, "pop_young": [few, 60.0, 50.0]})
    groups = groups_table(few + 110, few + 110).assign(median_walk_min=7.3456)
    out = publish_tables({"demand": demand, "groups": groups}, MINIMUM)["groups"]
    assert out.at["young", "median_walk_min"] == median
    assert out.at["residents", "median_walk_min"] == 7.3456
    said = {"groups": {"young": {"median_walk_min": 7.3456}}}
    assert publish_summary(said, out)["groups"]["young"]["median_walk_min"] == median


def test_residents_and_unknown_tables_pass_as_they_are():
    frontier = pd.DataFrame({"covered_pop": [1.0, 2.0]})
    demand = pd.DataFrame({"town": ["A"], "covered": [True], "population": [3.0], "need": [3.0]})
    out = publish_tables({"frontier": frontier, "demand": demand}, MINIMUM)
    pd.testing.assert_frame_equal(out["frontier"], frontier)
    pd.testing.assert_frame_equal(out["demand"], demand)


def test_the_tables_given_are_left_alone():
    towns = towns_table(3, 50)
    before = towns.copy()
    publishable("towns", towns, MINIMUM)
    pd.testing.assert_frame_equal(towns, before)


def test_a_part_of_a_whole_is_hidden_where_the_rest_is_small():
    table = pd.DataFrame({"covered": [95.0, 50.0, 3.0], "total": [100.0, 90.0, 8.0]})
    out = suppress(table, ["covered"], MINIMUM, totals={"covered": "total"})
    assert shown(out["covered"]) == [None, 50, None]
    assert shown(out["total"]) == [100, 90, None]


def test_a_whole_run_goes_through_and_its_summary_says_no_more_than_its_tables():
    groups = [Group("young", weight=2.0), Group("old")]
    demand = builders.demand_at(
        [(0, 0), (100, 0), (200, 0)], [50.0, 40.0, 30.0], town=["A", "A", "B"], pop_young=[4, 30, 20], pop_old=[20, 20, 20]
    )
    stations = builders.stations_at((0, 0), (100, 0))
    shapes = [box(-50, -50, 150, 50), box(150, -50, 350, 50)]
    towns = TOWNS.conform(gpd.GeoDataFrame({"town": ["A", "B"]}, geometry=shapes, crs=builders.CRS))
    walks = pd.DataFrame([[60.0, np.nan, np.nan], [np.nan, 30.0, np.nan]])
    reach = Reach(stations.index, demand.index, sparse(walks))
    coverage = measure_coverage(reach, demand)
    tables = {
        "demand": pd.DataFrame(coverage),
        "towns": score_towns(coverage, towns, stations, groups),
        "groups": score_groups(coverage, groups),
        "stations": score_stations(reach, demand, stations),
    }
    out = publish_tables(tables, MINIMUM)
    assert shown(out["stations"]["served_young"]) == [None, None]
    assert shown(out["stations"]["served_old"]) == [20, 20]
    assert out["demand"]["need"].isna().tolist() == out["demand"]["pop_young"].isna().tolist()
    said = summarise(coverage, towns, stations, groups) | {"plan": {"bound": 9.0, "sites": 1}}
    assert publish_summary(said, out["groups"])["groups"]["old"] == said["groups"]["old"]
    few = groups_table(total=54, covered=50)
    told = publish_summary(said, few.assign(covered=[5.0, np.nan]))
    assert told["groups"]["young"]["covered"] is None
    assert (told["need"], told["covered_need"], told["plan"]) == (None, None, {"bound": None, "sites": 1})
    assert told["population"] == 120


def test_need_before_and_after_a_plan_tells_no_few_people_that_all_sites_together_gain_or_leave() -> None:
    plan = {"need_covered_before": 50.0, "need_covered_after": 66.0, "residents_gained": 0.0, "sites": 2}
    groups = groups_table(total=90, covered=40)
    few, many = ([4.0, 4.0], [20.0, 27.0]), ([20.0, 20.0], [20.0, 30.0], [0.0, 0.0])
    for gains, empty in [*((gains, True) for gains in few), *((gains, False) for gains in many)]:
        sites = pd.DataFrame({"gain_young": gains})
        told = publish_summary({"plan": plan, "groups": {}}, groups, sites=sites, minimum=MINIMUM)["plan"]
        assert (told["need_covered_after"] is None) == empty, gains
        assert (told["residents_gained"], told["sites"]) == (0, 2)


PLAN = {
    "method": "mclp",
    "need_covered_before": 50.0,
    "need_covered_after": 166.0,
    "bound": 166.0,
    "gap": 0.0,
    "objective": 166.0,
}


def published(*, gain: float = 30.0, need: float = 8.0, **columns: list[float]) -> dict[str, pd.DataFrame]:
    """Two sites and two points as they are published; nan is empty."""
    sites = pd.DataFrame({"gain_young": [gain, 20.0], "gain_need": [40.0, 20.0]})
    return {"sites": sites, "demand": pd.DataFrame({"need": [need, 9.0], **columns})}


def told_with(shown: dict[str, pd.DataFrame], **plan: object) -> dict[str, object]:
    """The figures of a plan beside published tables, of a group whose own figures are all large."""
    gains = pd.DataFrame({"gain_young": [30.0, 20.0]})
    said = {"need": 900.0, "covered_need": 400.0, "plan": PLAN | plan, "groups": {}}
    return publish_summary(said, groups_table(200, 100), sites=gains, minimum=MINIMUM, shown=shown)


def test_need_before_and_after_a_plan_does_not_tell_the_empty_gain_of_a_site() -> None:
    assert told_with(published())["plan"] == PLAN
    plan = told_with(published(gain=np.nan))["plan"]
    assert {key for key, value in plan.items() if value is None} == PLAN.keys() - {"method"}


def test_need_that_counts_more_in_an_area_does_not_tell_who_lives_there() -> None:
    """Need less what residents and the group count without areas, over the factor less one, is those in the area."""
    for shown, empty in ((published(in_camp=[5.0, 0.0]), False), (published(need=np.nan, in_camp=[5.0, 0.0]), True)):
        told = told_with(shown)
        assert [told[key] is None for key in ("need", "covered_need")] == [empty] * 2
        assert (told["plan"]["need_covered_after"] is None) == empty
    demand = pd.DataFrame({"covered": [True, False], "pop_young": [4.0, 60.0], "need": [9.0, 99.0], "in_camp": [5.0, 0.0]})
    sites = pd.DataFrame({"gain_young": [20.0, 40.0], "gain_need": [70.0, 80.0]})
    out = publish_tables({"demand": demand, "sites": sites}, MINIMUM)["sites"]
    assert shown_rows(out) == ([20.0, 40.0], [None, None])


def shown_rows(sites: pd.DataFrame) -> tuple[list[float | None], list[float | None]]:
    return shown(sites["gain_young"]), shown(sites["gain_need"])


@pytest.mark.parametrize(
    ("plan", "hidden"),
    [
        ({}, set()),
        ({"method": "p-median", "mean_walk_min_after": 7.25}, {"objective", "bound", "mean_walk_min_after"}),
        ({"phase_losses": [0.1, 0.0]}, {"phase_losses"}),
        ({"need_backed_up_after": 70.0}, {"objective", "bound", "need_backed_up_after"}),
        ({"method": "lscp", "share_reached": 0.9}, {"bound", "share_reached"}),
    ],
)
def test_need_summed_over_other_people_than_sites_gain_goes_where_a_point_is_empty(plan, hidden) -> None:
    assert None not in told_with(published(), **plan)["plan"].values()
    told = told_with(published(need=np.nan), **plan)["plan"]
    assert {key for key, value in told.items() if value is None} == hidden


def test_what_two_catchments_share_is_not_told_where_it_is_few_people() -> None:
    """10 and 13 people of 20: 3 are in both, at six points of two towns, none of which is told alone."""
    points = np.array([1.0, 0, 1, 0, 1, 0, 4, 3, 3, 2, 4, 1])
    both, first, second = np.arange(12) < 6, np.arange(12) < 8, (np.arange(12) < 6) | (np.arange(12) > 7)
    east = np.arange(12) % 2 == 0
    sums = Sums([np.ones(12, dtype=bool), east, ~east], [], [])
    inside = sp.csr_array(np.vstack([first, second]).astype(float))
    assert (points[first].sum(), points[second].sum(), points[both].sum()) == (10, 13, 3)
    found = hide_catchments(points, np.ones(12, dtype=bool), sums, inside, np.zeros(2, dtype=bool), 5)
    assert found.tolist() == [True, False]


def sparse(walks: pd.DataFrame) -> sp.csr_array:
    rows, columns = np.nonzero(walks.notna().to_numpy())
    return sp.csr_array((walks.to_numpy()[rows, columns].astype("float32"), (rows, columns)), shape=walks.shape)
