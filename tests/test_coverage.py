"""Coverage of small tables whose numbers are read off by eye, and of a million walks without densifying."""

from __future__ import annotations

import builders
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from planner.coverage import measure_coverage, nearest_of, stations_in_reach
from planner.errors import TableError
from planner.reach import Reach
from planner.schema import Demand


def demand_in_a_row(*population: float, **columns: list[object]) -> Demand:
    places = [(100.0 * i, 0.0) for i in range(len(population))]
    return builders.demand_at(places, list(population), **columns)


def reach_of(demand: Demand, walks: dict[tuple[str, int], float], ids: list[str]) -> Reach:
    rows = [ids.index(station) for station, _ in walks]
    columns = [point for _, point in walks]
    matrix = sp.csr_array((list(walks.values()), (rows, columns)), shape=(len(ids), len(demand)), dtype=np.float32)
    return Reach(pd.Index(ids, name="station_id"), demand.index, matrix)


def test_each_point_knows_its_stations_and_the_nearest_one():
    demand = demand_in_a_row(10, 20, 30)
    reach = reach_of(demand, {("a", 0): 60, ("b", 0): 30, ("a", 1): 45}, ["a", "b"])
    coverage = measure_coverage(reach, demand)
    assert coverage["stations_in_reach"].tolist() == [2, 1, 0]
    assert coverage["nearest_station_id"].fillna("none").tolist() == ["b", "a", "none"]
    assert coverage["nearest_walk_s"].fillna(-1).tolist() == [30, 45, -1]
    assert coverage["covered"].tolist() == [True, True, False]


def test_a_station_at_the_door_covers():
    demand = demand_in_a_row(10)
    coverage = measure_coverage(reach_of(demand, {("a", 0): 0.0}, ["a"]), demand)
    assert coverage["covered"].tolist() == [True]
    assert coverage["nearest_walk_s"].tolist() == [0.0]


def test_of_stations_equally_near_the_lowest_id_is_the_nearest_whatever_the_order_of_rows():
    demand = demand_in_a_row(10)
    walks = {("b", 0): 60.0, ("a", 0): 60.0, ("c", 0): 60.0}
    for ids in (["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]):
        assert measure_coverage(reach_of(demand, walks, ids), demand)["nearest_station_id"].tolist() == ["a"]


def test_without_any_station_nobody_is_covered():
    demand = demand_in_a_row(10, 20)
    coverage = measure_coverage(reach_of(demand, {}, []), demand)
    assert coverage["covered"].tolist() == [False, False]
    assert coverage["nearest_station_id"].isna().all()
    assert coverage["nearest_walk_s"].isna().all()


def test_nobody_to_cover_is_an_empty_coverage():
    demand = builders.demand_at([], [])
    coverage = measure_coverage(reach_of(demand, {}, ["a"]), demand)
    assert len(coverage) == 0
    assert "covered" in coverage.columns


def test_points_are_matched_by_id_and_not_by_place_in_the_table():
    demand = demand_in_a_row(10, 20, 30)
    reach = reach_of(demand, {("a", 0): 60, ("a", 2): 90}, ["a"])
    turned = Demand(demand.iloc[::-1])
    assert measure_coverage(reach, turned)["nearest_walk_s"].fillna(-1).tolist() == [90, -1, 60]


def test_points_that_the_times_do_not_know_are_out_of_reach():
    demand = demand_in_a_row(10, 20, 30)
    some = Demand(demand.iloc[[1]])
    coverage = measure_coverage(reach_of(some, {("a", 0): 60}, ["a"]), demand)
    assert coverage["covered"].tolist() == [False, True, False]


def test_walks_of_people_who_are_not_in_demand_are_refused():
    demand = demand_in_a_row(10, 20, 30)
    reach = reach_of(demand, {("a", 0): 60, ("a", 2): 90}, ["a"])
    with pytest.raises(TableError, match="row 2: reach has walks to a point that is not in demand"):
        measure_coverage(reach, Demand(demand.iloc[:2]))


def test_the_demand_table_is_left_as_it_was_and_keeps_its_columns():
    demand = demand_in_a_row(10, 20, town=["T", "T"], pop_young=[1, 2])
    before = demand.copy()
    coverage = measure_coverage(reach_of(demand, {("a", 0): 60}, ["a"]), demand)
    pd.testing.assert_frame_equal(pd.DataFrame(demand), pd.DataFrame(before))
    assert {"town", "pop_young", "population", "geometry"} <= set(coverage.columns)


def test_a_million_walks_agree_with_a_sort_in_pandas():
    rng = np.random.default_rng(5)
    stations, points, count = 300, 20_000, 1_000_000
    cells = np.unique(rng.integers(0, stations * points, count))
    walk_s = rng.integers(0, 900, len(cells)).astype(np.float32)
    rows, columns = np.divmod(cells, points)
    matrix = sp.csr_array((walk_s, (rows, columns)), shape=(stations, points))
    ids = pd.Index([f"s{i:03d}" for i in rng.permutation(stations)])
    table = pd.DataFrame({"id": ids[rows], "point": columns, "walk_s": walk_s})
    first = table.sort_values(["point", "walk_s", "id"]).drop_duplicates("point").set_index("point")
    nearest, least = nearest_of(matrix, ids)
    assert (ids[nearest[first.index]] == first["id"]).all()
    assert (least[first.index] == first["walk_s"]).all()
    assert (stations_in_reach(matrix)[first.index] == table["point"].value_counts().sort_index()).all()
