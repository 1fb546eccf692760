"""Laws of reach that hold for every town, every walk and every door."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reach_truth import CRS, assert_same_times, dense, links_by_brute_force, seconds_by_networkx

from planner.network import Network
from planner.reach import Links, link_points, walk_times
from planner.study import Walk

SIDE = 5  # corners a side; 50 m apart
law = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Town(NamedTuple):
    """A small town of whole metres, where ties are frequent, and doors in it."""

    network: Network
    homes: Links
    stations: Links


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Some streets of a lattice, some across it, some twice (once as steps), lengths in whole metres."""
    count = SIDE * SIDE
    xy = np.array([(50.0 * i, 50.0 * j) for i in range(SIDE) for j in range(SIDE)])
    corner = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(corner, corner).filter(lambda uv: uv[0] != uv[1]), min_size=1, max_size=45))
    detour = draw(st.lists(st.integers(0, 40), min_size=len(pairs), max_size=len(pairs)))
    steps = draw(st.lists(st.integers(0, 1), min_size=len(pairs), max_size=len(pairs)))
    ends = np.array(pairs)
    straight_m = np.ceil(np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T))
    network = Network.from_segments(xy, ends, crs=CRS, length_m=straight_m + detour, flags=steps)
    place = st.integers(-30, 230)
    doors = st.lists(st.tuples(place, place), min_size=1, max_size=12)
    homes, stations = (link_points(network, np.array(draw(doors), dtype=float), 60) for _ in range(2))
    return Town(network, homes, stations)


minutes = st.integers(1, 9)
paces = st.sampled_from([0.5, 0.92, 1.0, 4.8 / 3.6, 1.7])


@law
@given(towns(), minutes, paces, st.booleans())
def test_times_equal_networkx_with_the_points_spliced_in(town: Town, minutes: int, pace: float, takes_steps: bool) -> None:
    cutoff_s = 60.0 * minutes
    found = walk_times(town.network, town.stations, town.homes, pace, cutoff_s, takes_steps=takes_steps)
    expected = seconds_by_networkx(town.network, town.stations, town.homes, pace, cutoff_s, takes_steps)
    clear_s = cutoff_s - 1e-3
    times = dense(found)
    assert_same_times(np.where(times < clear_s, times, np.inf), np.where(expected < clear_s, expected, np.inf))


@law
@given(towns(), st.lists(st.tuples(st.floats(-90, 290), st.floats(-90, 290)), min_size=1, max_size=8), st.booleans())
def test_links_equal_looking_at_every_segment(town: Town, points: list[tuple[float, float]], takes_steps: bool) -> None:
    xy = np.array(points)
    found = link_points(town.network, xy, 60, walk=Walk(profile="adult" if takes_steps else "wheelchair"))
    expected = links_by_brute_force(town.network, xy, 60, takes_steps)
    assert found.linked.tolist() == expected.linked.tolist()
    np.testing.assert_allclose(found.link_m, expected.link_m, atol=1e-9)
    np.testing.assert_allclose(found.foot_xy(town.network), expected.foot_xy(town.network), atol=1e-6)


@law
@given(towns(), minutes, minutes, paces)
def test_a_longer_cutoff_never_reaches_fewer(town: Town, one: int, other: int, pace: float) -> None:
    short = dense(walk_times(town.network, town.stations, town.homes, pace, 60 * min(one, other)))
    long = dense(walk_times(town.network, town.stations, town.homes, pace, 60 * max(one, other)))
    reached = np.isfinite(short)
    assert (short[reached] == long[reached]).all()
    assert (long[~reached] > 60 * min(one, other) - 1e-3).all()


@law
@given(towns(), minutes)
def test_half_the_minutes_at_twice_the_pace_is_the_same_reach(town: Town, minutes: int) -> None:
    slow = walk_times(town.network, town.stations, town.homes, 1.0, 60 * minutes)
    fast = walk_times(town.network, town.stations, town.homes, 2.0, 30 * minutes)
    assert (slow.indices == fast.indices).all()
    assert (slow.indptr == fast.indptr).all()
    np.testing.assert_allclose(slow.data, 2 * fast.data, atol=1e-3)


@law
@given(towns(), minutes, paces)
def test_walking_times_are_the_same_both_ways(town: Town, minutes: int, pace: float) -> None:
    cutoff_s = 60.0 * minutes
    there = dense(walk_times(town.network, town.stations, town.homes, pace, cutoff_s))
    back = dense(walk_times(town.network, town.homes, town.stations, pace, cutoff_s)).T
    clear = np.minimum(there, back) < cutoff_s - 1e-3
    np.testing.assert_allclose(there[clear], back[clear], atol=1e-3)


@law
@given(towns(), paces)
def test_no_detour_over_a_third_door_is_shorter(town: Town, pace: float) -> None:
    """Not counting the third door's link, there and back, which nobody who passes needs to walk."""
    times = dense(walk_times(town.network, town.homes, town.homes, pace, 3600))
    link_s = np.where(town.homes.linked, town.homes.link_m, 0) / pace
    for k in np.flatnonzero(town.homes.linked):
        over = times[:, [k]] + times[[k], :] - 2 * link_s[k]
        np.fill_diagonal(over, np.inf)
        own = np.eye(len(times), dtype=bool)
        assert (times[~own] <= over[~own] + 1e-3).all()


@law
@given(towns(), minutes, st.integers(0, 99), st.integers(1, 3))
def test_the_order_of_doors_and_the_number_of_threads_never_matter(town: Town, minutes: int, seed: int, threads: int) -> None:
    order = np.random.default_rng(seed).permutation(len(town.homes))
    plain = dense(walk_times(town.network, town.stations, town.homes, 1.0, 60 * minutes, threads=1))
    mixed = dense(walk_times(town.network, town.stations, town.homes.take(order), 1.0, 60 * minutes, threads=threads))
    assert (plain[:, order] == mixed).all()


@law
@given(towns(), minutes)
def test_the_direct_way_is_never_shorter_than_the_straight_line(town: Town, minutes: int) -> None:
    times = dense(walk_times(town.network, town.stations, town.homes, 1.0, 60 * minutes))
    one, other = town.stations.foot_xy(town.network), town.homes.foot_xy(town.network)
    links_m = np.add.outer(town.stations.link_m, town.homes.link_m)
    straight_m = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)) + links_m
    reached = np.isfinite(times)
    assert (times[reached] >= straight_m[reached] - 1e-3).all()
