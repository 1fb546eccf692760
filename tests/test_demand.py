"""Demand points by arithmetic: shares, places, ids, need, and what happens where sources disagree."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from builders import CRS

from planner.demand import (
    CountedPoints,
    Tally,
    cell_parts,
    hold_within,
    locate,
    nearest_points,
    own_grounds,
    place_demand,
    zone_parts,
)
from planner.demand import spread as spread_over
from planner.errors import TableError
from planner.study import Group


def points(xy, population, town=None, **groups):
    counts = {"population": np.array(population, float)} | {name: np.array(values, float) for name, values in groups.items()}
    return CountedPoints(np.array(xy, float), np.zeros(len(xy), np.int64) if town is None else np.array(town), counts)


def test_a_total_goes_to_its_parts_by_weight():
    assert spread_over([90.0], [1.0, 2.0], [0, 0]).tolist() == [30.0, 60.0]


def test_a_total_without_any_weight_is_shared_alike():
    assert spread_over([90.0], [0.0, 0.0, 0.0], [0, 0, 0]).tolist() == [30.0, 30.0, 30.0]


def test_a_total_without_a_part_is_refused_by_its_row():
    with pytest.raises(TableError) as caught:
        spread_over([0.0, 5.0], [1.0], [0])
    assert caught.value.faults[0].row == 1


@pytest.mark.parametrize(("totals", "weights"), [([-1.0], [1.0]), ([np.nan], [1.0]), ([1.0], [np.inf]), ([1.0], [-1.0])])
def test_amounts_that_are_none_are_refused(totals, weights):
    with pytest.raises(TableError, match="negative or not a finite number"):
        spread_over(totals, weights, [0])


def test_nothing_is_spread_over_nothing():
    assert spread_over([], [], []).tolist() == []


def test_what_exceeds_the_residents_moves_to_the_nearest_who_have_room():
    held = hold_within([5.0, 0.0, 0.0], [2.0, 1.0, 9.0], [[0, 0], [100, 0], [300, 0]], [0, 0, 0])
    assert held.amounts.tolist() == [2.0, 1.0, 2.0]
    assert (held.moved, held.farthest_m, held.left) == (3.0, 300.0, 0.0)


def test_what_exceeds_stays_in_its_town_though_the_next_town_is_nearer():
    held = hold_within([3.0, 0.0, 0.0], [1.0, 9.0, 9.0], [[0, 0], [10, 0], [500, 0]], [0, 1, 0])
    assert held.amounts.tolist() == [1.0, 0.0, 2.0]


def test_a_full_town_overflows_into_the_next_and_a_full_area_says_how_many_are_left():
    assert hold_within([5.0, 0.0], [1.0, 3.0], [[0, 0], [10, 0]], [0, 1]).amounts.tolist() == [1.0, 3.0]
    assert hold_within([5.0, 0.0], [1.0, 3.0], [[0, 0], [10, 0]], [0, 1]).left == pytest.approx(1.0)


def test_a_group_that_fits_does_not_move():
    held = hold_within([1.0, 2.0], [1.0, 3.0], [[0, 0], [10, 0]], [0, 0])
    assert (held.amounts.tolist(), held.moved) == ([1.0, 2.0], 0.0)


def test_a_crowd_in_one_cell_finds_room_far_beyond_its_neighbours():
    side = 40
    xy = [(100.0 * i, 100.0 * j) for i in range(side) for j in range(side)]
    crowd = np.zeros(side * side)
    crowd[0] = 1000.0
    held = hold_within(crowd, np.ones(side * side), xy, np.zeros(side * side, int))
    assert held.amounts.sum() == pytest.approx(1000.0)
    assert held.amounts.max() <= 1.0


def test_the_nearest_place_is_one_of_the_same_town():
    target, metres = nearest_points(
        np.array([[0.0, 0.0]]), np.array([1]), np.array([[1.0, 0.0], [50.0, 0.0]]), np.array([0, 1]), 60.0
    )
    assert (target.tolist(), metres.tolist()) == ([1], [50.0])


def test_a_town_without_places_takes_nobody():
    target, _ = nearest_points(np.array([[0.0, 0.0]]), np.array([1]), np.array([[1.0, 0.0]]), np.array([0]), 60.0)
    assert target.tolist() == [-1]


def test_a_point_on_a_border_belongs_to_the_first_town_and_one_in_a_seam_to_the_nearest():
    grounds = own_grounds([shapely.box(0, 0, 10, 10), shapely.box(10.5, 0, 20, 10)])
    assert locate(np.array([[10.0, 5.0], [10.1, 5.0], [10.4, 5.0], [22.0, 5.0]]), grounds).tolist() == [0, 0, 1, -1]


def test_ground_that_two_towns_claim_stays_with_the_first():
    grounds = own_grounds([shapely.box(0, 0, 10, 10), shapely.box(5, 0, 20, 10)])
    assert shapely.area(grounds).tolist() == [100.0, 100.0]


def test_cells_beyond_the_ranges_do_not_count():
    parts = cell_parts(shapely.box(-5, -5, 5, 5), (0, 2), (0, 3))
    assert (len(parts.row), parts.share.sum()) == (6, 6.0)


def test_a_ground_that_only_touches_a_cell_has_no_part_of_it():
    assert len(cell_parts(shapely.box(1, 0, 2, 1), (0, 1), (0, 1)).row) == 0


def test_a_part_is_placed_inside_itself_even_where_its_centre_is_not():
    horseshoe = shapely.difference(shapely.box(0, 0, 1, 1), shapely.box(0.2, 0.2, 1, 0.8))
    parts = cell_parts(horseshoe, (0, 1), (0, 1))
    assert horseshoe.intersects(shapely.Point(parts.xy[0]))


def test_a_large_zone_is_cut_into_squares_of_half_the_longest_side_allowed():
    parts = zone_parts(np.array([shapely.box(0, 0, 1000, 600)]), np.array([shapely.box(-9, -9, 2000, 2000)]), whole_m=400)
    assert len(parts.zone) == 5 * 3
    assert parts.share.tolist() == pytest.approx([1 / 15] * 15)
    assert parts.xy[0].tolist() == [100.0, 100.0]


def test_ids_run_from_north_to_south_and_west_to_east():
    demand = place_demand(points([(0, 0), (100, 100), (0, 100)], [1, 2, 3]), towns=["A"], crs=CRS)
    assert demand["population"].tolist() == [3.0, 2.0, 1.0]
    assert demand.index.name == "demand_id"
    assert demand.index.dtype == np.int64


def test_places_where_nobody_lives_are_left_out():
    assert len(place_demand(points([(0, 0), (100, 0)], [0, 2]), towns=["A"], crs=CRS)) == 1


def test_one_spot_is_one_place_unless_a_border_runs_through_it():
    demand = place_demand(points([(0, 0), (0, 0), (0, 0)], [1, 2, 4], town=[0, 0, 1]), towns=["A", "B"], crs=CRS)
    assert demand.set_index("town")["population"].to_dict() == {"A": 3.0, "B": 4.0}


def test_merged_places_stand_at_the_member_nearest_to_their_people():
    demand = place_demand(points([(10, 10), (20, 10), (90, 10), (110, 10)], [1, 8, 1, 5]), towns=["A"], crs=CRS, cell_m=100)
    assert [(p.x, p.y) for p in demand.geometry] == [(20.0, 10.0), (110.0, 10.0)]
    assert demand["population"].tolist() == [10.0, 5.0]


def test_need_counts_each_member_by_the_weight_of_each_group():
    groups = [Group("jobless", weight=3.0), Group("old", weight=0.5)]
    demand = place_demand(points([(0, 0)], [10], jobless=[2], old=[4]), towns=["A"], groups=groups, crs=CRS)
    assert demand["need"].tolist() == [10 + 3.0 * 2 + 0.5 * 4]
    assert list(demand.columns) == ["population", "pop_jobless", "pop_old", "need", "town", "geometry"]


def test_without_groups_need_is_the_population():
    demand = place_demand(points([(0, 0)], [10]), towns=["A"], crs=CRS)
    assert demand["need"].equals(demand["population"].rename("need"))


def test_a_tally_says_who_was_lost():
    assert Tally("cut", "population", 10.0, 7.0).lost == 3.0
    assert str(Tally("cut", "population", 10.0, 7.0)) == "population, cut: 10 people in, 7 out (3 fewer)"
    assert str(Tally("cut", "old", 7.0, 7.0, "all well")) == "old, cut: 7 people in, 7 out; all well"
