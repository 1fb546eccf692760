"""Scores of tables whose numbers are read off by eye, and of the lattice town."""

from __future__ import annotations

import json
import math
from pathlib import Path

import builders
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from shapely.geometry import Point, box

from planner.coverage import measure_coverage
from planner.errors import PlannerWarning, TableError
from planner.policy import Function, ItemClass, Policy, ServiceItem
from planner.reach import Reach, travel_times
from planner.schema import TOWNS, Coverage, Demand, Stations, Towns
from planner.score import (
    RESIDENTS,
    score_groups,
    score_stations,
    score_towns,
    service_items,
    summarise,
    weighted_quantile,
)
from planner.sources.osm import read_osm_network
from planner.sources.packs import read_pack
from planner.study import Group, Walk

YOUNG = Group("young", label="青年", weight=2.0)

# Four places, three stations: a reaches 0 and 1, b reaches 1 and 2, c reaches nobody; place 3 has no station.
WALKS = {("a", 0): 60.0, ("a", 1): 300.0, ("b", 1): 240.0, ("b", 2): 0.0}
PEOPLE = [100.0, 50.0, 30.0, 20.0]
YOUNG_PEOPLE: list[object] = [10.0, 5.0, 3.0, 2.0]


def street(*, town: list[object] | None = None) -> Demand:
    columns: dict[str, list[object]] = {"pop_young": YOUNG_PEOPLE}
    if town is not None:
        columns["town"] = town
    return builders.demand_at([(100.0 * i, 0.0) for i in range(4)], PEOPLE, **columns)


def stations(**columns: list[object]) -> Stations:
    made = builders.stations_at((0, 0), (200, 0), (300, 50), **columns)
    return Stations(made.set_axis(pd.Index(["a", "b", "c"], name="station_id"), axis=0))


def reach_of(demand: Demand, walks: dict[tuple[str, int], float] = WALKS, ids: tuple[str, ...] = ("a", "b", "c")) -> Reach:
    places = ([ids.index(station) for station, _ in walks], [point for _, point in walks])
    matrix = sp.csr_array((list(walks.values()), places), shape=(len(ids), len(demand)), dtype=np.float32)
    return Reach(pd.Index(ids, name="station_id"), demand.index, matrix)


def two_towns() -> Towns:
    frame = gpd.GeoDataFrame({"town": ["East", "West"]}, geometry=[box(150, -100, 350, 100), box(-50, -100, 150, 100)])
    return TOWNS.conform(frame.set_crs(builders.CRS))


def street_coverage() -> Coverage:
    demand = street(town=["West", "West", "East", "East"])
    return measure_coverage(reach_of(demand), demand)


def test_people_with_two_stations_are_served_by_both_and_load_only_the_nearer():
    demand = street()
    scores = score_stations(reach_of(demand), demand, stations())
    assert scores["served_pop"].tolist() == [150, 80, 0]
    assert scores["sole_pop"].tolist() == [100, 30, 0]
    assert scores["shared_pop"].tolist() == [50, 50, 0]
    assert scores["served_young"].tolist() == [15, 8, 0]
    assert scores["load"].tolist() == [100, 80, 0]
    assert scores["rank"].tolist() == [1, 2, 3]


def test_what_a_station_would_leave_uncovered_is_what_coverage_loses_without_it():
    demand = street()
    scores = score_stations(reach_of(demand), demand, stations())
    covered = _covered(demand, WALKS)
    for station in "abc":
        left = {pair: walk_s for pair, walk_s in WALKS.items() if pair[0] != station}
        assert scores.at[station, "marginal_pop"] == covered - _covered(demand, left)


def _covered(demand: Demand, walks: dict[tuple[str, int], float]) -> float:
    coverage = measure_coverage(reach_of(demand, walks), demand)
    return float(coverage.loc[coverage["covered"], "population"].sum())


def test_the_median_walk_is_that_of_the_people_and_not_of_the_places():
    demand = street()
    scores = score_stations(reach_of(demand), demand, stations())
    assert scores["median_walk_min"].fillna(-1).tolist() == [1.0, 4.0, -1]


def test_stations_that_serve_equally_many_share_a_rank():
    demand = street()
    scores = score_stations(reach_of(demand, {("a", 0): 1.0, ("b", 0): 2.0}), demand, stations())
    assert scores["rank"].tolist() == [1, 1, 3]


def test_a_station_the_times_do_not_know_serves_nobody_and_rows_are_matched_by_id():
    demand = street()
    walks = {pair: walk_s for pair, walk_s in WALKS.items() if pair[0] == "b"}
    scores = score_stations(reach_of(demand, walks, ("c", "b")), demand, stations())
    assert scores["served_pop"].tolist() == [0, 80, 0]
    assert scores["median_walk_min"].fillna(-1).tolist() == [-1, 4.0, -1]


def test_times_of_a_station_that_is_not_in_the_table_are_refused():
    demand = street()
    with pytest.raises(TableError, match="row b: reach knows a station that is not in stations"):
        score_stations(reach_of(demand), demand, Stations(stations().loc[["a", "c"]]))


def test_completeness_is_the_share_of_the_24_items():
    demand = street()
    scores = score_stations(reach_of(demand), demand, stations(services=["1-24", "1、2，3;5-7", None]))
    assert scores["completeness"].fillna(-1).tolist() == [1.0, 6 / 24, -1]


def test_no_services_are_a_completeness_of_nought():
    demand = street()
    for pack in (None, read_pack("jiading-2023")):
        scores = score_stations(reach_of(demand), demand, stations(services=["无", "-", "1-24"]), pack)
        assert scores["completeness"].tolist() == [0.0, 0.0, 1.0]


def test_completeness_is_of_the_items_of_the_pack():
    items = tuple(ServiceItem(n, f"第{n}项", f"item {n}", ItemClass.BASIC, "f") for n in (1, 2, 3, 30))
    pack = Policy("p", "p", "p", "us", functions=(Function("f", "功能", "a function"),), items=items)
    demand = street()
    with pytest.warns(PlannerWarning, match="services of c are not item numbers"):
        scores = score_stations(reach_of(demand), demand, stations(services=["1-3,30", "2", "功能"]), pack)
    assert scores["completeness"].fillna(-1).tolist() == [1.0, 0.25, -1]


def test_services_in_words_are_said_and_leave_completeness_unknown():
    demand = street()
    with pytest.warns(PlannerWarning, match="services of a, b are not item numbers"):
        scores = score_stations(reach_of(demand), demand, stations(services=["就业咨询", "25", "3"]))
    assert scores["completeness"].fillna(-1).tolist() == [-1, -1, 1 / 24]


@pytest.mark.parametrize(
    ("text", "items"),
    [("1", {1}), ("1,2", {1, 2}), (" 3 ; 1 ", {1, 3}), ("１-３", {1, 2, 3}), ("5至7", {5, 6, 7}), ("22~24", {22, 23, 24})],
)
def test_item_numbers_are_read_as_people_write_them(text: str, items: set[int]):
    assert service_items(text) == items


@pytest.mark.parametrize("text", ["", "0", "25", "7-3", "1-99", "a", "1.5", "-1", "1,,咨询", "9" * 400])
def test_anything_else_is_not_a_list_of_items(text: str):
    assert service_items(text) is None


def test_a_town_is_scored_by_its_residents_wherever_their_station_stands():
    towns = score_towns(street_coverage(), two_towns(), stations(), [YOUNG], target=1)
    assert towns.index.tolist() == ["East", "West"]
    assert towns["population"].tolist() == [50, 150]
    assert towns["covered_pop"].tolist() == [30, 150]
    assert towns["coverage"].tolist() == [0.6, 1.0]
    assert towns["covered_young"].tolist() == [3, 15]
    assert towns["stations"].tolist() == [2, 1]
    assert towns["met"].tolist() == [True, True]
    assert towns["median_walk_min"].tolist() == [0.0, 1.0]


def test_a_town_where_nobody_lives_has_no_share():
    demand = street(town=["West"] * 4)
    towns = score_towns(measure_coverage(reach_of(demand), demand), two_towns(), stations())
    assert math.isnan(towns.at["East", "coverage"])
    assert towns.at["East", "population"] == 0


def test_the_share_of_area_is_the_part_of_the_town_that_is_reached():
    reached = box(-50, -100, 200, 0)  # all of the south of West, a quarter of the south of East
    towns = score_towns(street_coverage(), two_towns(), stations(), reached=reached)
    assert towns["area_coverage"].tolist() == [0.125, 0.5]


def test_a_station_counts_where_it_says_it_belongs_and_else_where_it_stands():
    own = stations(town=["East", "Nowhere", None])
    towns = score_towns(street_coverage(), two_towns(), own)
    assert towns["stations"].tolist() == [3, 0]


def test_a_station_outside_every_town_counts_in_none():
    made = stations()
    made.geometry = [Point(0, 0), Point(9000, 0), Point(9000, 9000)]
    assert score_towns(street_coverage(), two_towns(), Stations(made))["stations"].tolist() == [0, 1]


def test_a_town_without_a_target_is_neither_met_nor_missed():
    towns = score_towns(street_coverage(), two_towns(), stations(), target={"West": 2})
    assert towns["target"].fillna(-1).tolist() == [-1, 2]
    assert towns["met"].isna().tolist() == [True, False]
    assert not towns.at["West", "met"]


def test_a_target_for_an_unknown_town_is_refused():
    with pytest.raises(TableError, match="town = 'Wset': a target for a town that is not in towns"):
        score_towns(street_coverage(), two_towns(), stations(), target={"Wset": 2})


def test_people_in_an_unknown_town_are_refused_and_people_in_none_are_said():
    demand = street(town=["West", "Wset", "East", "East"])
    with pytest.raises(TableError, match="row 1, town = 'Wset'"):
        score_towns(measure_coverage(reach_of(demand), demand), two_towns(), stations())
    demand = street(town=["West", None, "East", "East"])
    with pytest.warns(PlannerWarning, match="50 residents live in no town"):
        towns = score_towns(measure_coverage(reach_of(demand), demand), two_towns(), stations())
    assert towns["population"].sum() == 150


def test_coverage_without_towns_is_refused():
    demand = street()
    with pytest.raises(TableError, match="no column 'town'"):
        score_towns(measure_coverage(reach_of(demand), demand), two_towns(), stations())


def test_groups_stand_beside_all_residents():
    groups = score_groups(street_coverage(), [YOUNG])
    assert groups.index.tolist() == [RESIDENTS, "young"]
    assert groups["label"].tolist() == ["常住人口", "青年"]
    assert groups["total"].tolist() == [200, 20]
    assert groups["covered"].tolist() == [180, 18]
    assert groups["coverage"].tolist() == [0.9, 0.9]
    assert groups["median_walk_min"].tolist() == [1.0, 1.0]
    assert groups["p90_walk_min"].tolist() == [4.0, 4.0]


def test_a_group_that_the_demand_does_not_have_is_refused():
    with pytest.raises(TableError, match="no column 'pop_old' for group 'old'; it has pop_young"):
        score_groups(street_coverage(), [Group("old")])


def test_headline_figures_stand_beside_their_denominators_and_are_plain_json():
    reached = box(-50, -100, 150, 0)
    said = summarise(street_coverage(), two_towns(), stations(), [YOUNG], reached=reached)
    assert (said["population"], said["covered_pop"], said["coverage"]) == (200, 180, 0.9)
    assert (said["unreachable_pop"], said["unreachable_share"]) == (20, 0.1)
    assert (said["backed_up_pop"], said["backed_up_share"]) == (50, 0.25)
    assert said["mean_walk_min"] == pytest.approx((100 * 1 + 50 * 4 + 30 * 0) / 180)
    assert (said["median_walk_min"], said["p90_walk_min"]) == (1, 4)
    assert (said["area_km2"], said["covered_area_km2"], said["area_coverage"]) == (0.08, 0.02, 0.25)
    assert (said["stations"], said["towns"], said["towns_with_a_station"], said["demand_points"]) == (3, 2, 2, 4)
    assert said["stations_per_10000"] == 150
    assert said["groups"]["young"]["covered"] == 18
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_a_station_just_outside_is_no_station_of_the_place():
    """It counts for those who walk to it; how many stations the residents have is told by those that stand among them."""
    there = builders.stations_at((0, -50), (-5000, -50), town=["West", None])
    said = summarise(street_coverage(), two_towns(), there)
    assert (said["stations"], said["stations_per_10000"], said["residents_per_station"]) == (2, 50, 200)


def test_figures_of_nobody_are_empty_and_not_zero():
    demand = builders.demand_at([(0, 0)], [0.0], town=["West"], pop_young=[0.0])
    coverage = measure_coverage(reach_of(demand, {}), demand)
    said = summarise(coverage, two_towns(), stations(), [YOUNG])
    assert said["coverage"] is None
    assert said["mean_walk_min"] is None
    assert said["groups"]["young"]["p90_walk_min"] is None
    assert json.dumps(said, allow_nan=False)


def test_the_lower_median_is_one_of_the_values():
    assert weighted_quantile([1, 2, 3, 4], [1, 1, 1, 1], 0.5) == 2
    assert weighted_quantile([1, 2, 3, 4], [1, 1, 1, 0], 0.5) == 2
    assert weighted_quantile([5.0], [0.25], 0.9) == 5
    assert math.isnan(weighted_quantile([1, 2], [0, 0], 0.5))
    assert math.isnan(weighted_quantile([], [], 0.5))


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.mark.shared
def test_on_real_streets_loads_add_up_and_each_margin_is_what_coverage_loses():
    folder = SHARED / "porto-alegre"
    if not folder.exists():
        pytest.skip("the Porto Alegre extract is not beside the project")
    crs = "EPSG:32722"
    cells, places = pd.read_csv(folder / "poa_hexgrid.csv"), pd.read_csv(folder / "poa_points_of_interest.csv")
    at = gpd.points_from_xy(cells["lon"], cells["lat"], crs="EPSG:4326").to_crs(crs)
    homes = builders.demand_at([(point.x, point.y) for point in at], cells["population"].astype(float).tolist(), crs=crs)
    doors = gpd.points_from_xy(places["lon"], places["lat"], crs="EPSG:4326").to_crs(crs)
    table = builders.stations_at(*((point.x, point.y) for point in doors), crs=crs)
    reach = travel_times(read_osm_network(folder / "poa_osm.pbf", crs=crs), table, homes, Walk())
    scores = score_stations(reach, homes, table)
    long = reach.to_frame().merge(cells["population"], left_on="origin_id", right_index=True)
    per_point = long.groupby("origin_id")["destination_id"].nunique()
    covered = cells.loc[per_point.index, "population"].sum()
    assert homes["population"].sum() == 812_935
    assert 0 < covered < 812_935
    assert scores["load"].sum() == covered
    assert scores["served_pop"].sum() == long["population"].sum()
    for station, marginal in scores["marginal_pop"].items():
        others = long[long["destination_id"] != station]["origin_id"].unique()
        assert marginal == covered - cells.loc[others, "population"].sum()
