"""Laws of paces that depend on the street, and of walking to the station: for every hilly town, profile and door."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reach_truth import CRS, assert_same_times, dense, hilly, random_network, seconds_by_digraph

from planner.network import EdgeFlag, Network
from planner.profiles import PROFILES
from planner.reach import Links, Streets, link_points, nearest_facilities, sum_in_reach, travel_times, walk_path, walk_times
from planner.reach.effort import effort_of
from planner.study import TownWalk, Walk

law = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Town(NamedTuple):
    """A hilly town and doors in it, linked for one profile."""

    walk: Walk
    streets: Streets
    homes: Links
    stations: Links


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Streets at random with parallel ones, flags of every kind and heights; a profile; doors off the streets."""
    seed = draw(st.integers(0, 10_000))
    network = hilly(random_network(seed), seed)
    if draw(st.booleans()):
        network = network.with_heights(None)
    walk = Walk(minutes=draw(st.integers(2, 9)), profile=draw(st.sampled_from(list(PROFILES))), max_link_m=60)
    rng = np.random.default_rng(seed + 1)
    streets = Streets.of(network, walk.gait)
    homes, stations = (link_points(streets, rng.uniform(0, 400, (count, 2)), 60) for count in (12, 4))
    return Town(walk, streets, homes, stations)


def cut(seconds: np.ndarray, cutoff_s: float) -> np.ndarray:
    return np.where(seconds < cutoff_s - 1e-3, seconds, np.inf)


@law
@given(towns())
def test_times_to_the_station_equal_networkx_on_a_directed_graph(town: Town) -> None:
    found = walk_times(town.streets, town.stations, town.homes, town.walk.pace_mps, town.walk.cutoff_s)
    expected = seconds_by_digraph(town.streets.network, town.stations, town.homes, town.walk)
    assert_same_times(cut(dense(found), town.walk.cutoff_s), cut(expected, town.walk.cutoff_s))


@law
@given(towns())
def test_sums_in_reach_count_the_same_walks(town: Town) -> None:
    amounts = 1.0 + np.arange(len(town.homes))
    cutoff_s = town.walk.cutoff_s + 0.123  # no walk of these takes just so long
    times = dense(walk_times(town.streets, town.stations, town.homes, town.walk.pace_mps, cutoff_s))
    sums = sum_in_reach(town.streets, town.stations, town.homes, amounts, town.walk.pace_mps, cutoff_s)
    np.testing.assert_allclose(sums, np.isfinite(times) @ amounts)


@law
@given(towns(), st.integers(0, 99))
def test_nearest_ways_and_tables_agree_on_every_second(town: Town, seed: int) -> None:
    """`travel_times`, `nearest_facilities` and the legs of `walk_path`, for the same doors."""
    rng, network = np.random.default_rng(seed), town.streets.network
    places = [gpd.GeoDataFrame(geometry=gpd.points_from_xy(*rng.uniform(0, 400, (2, n))), crs=CRS) for n in (3, 5)]
    stations, homes = places
    times = dense(travel_times(network, stations, homes, town.walk).walk_s)
    nearest = nearest_facilities(network, stations, homes, town.walk, 2)
    for home in range(len(homes)):
        best = np.sort(times[:, home][np.isfinite(times[:, home])])[:2]
        found = nearest.loc[[home], "walk_s"].to_numpy() if home in nearest.index.get_level_values(0) else []
        assert found == pytest.approx(best, abs=1e-3)
        for station in range(len(stations)):
            ends = [(float(p.x), float(p.y)) for p in (homes.geometry[home], stations.geometry[station])]
            path = walk_path(network, *ends, town.walk)
            if np.isfinite(times[station, home]):
                assert path is not None
                assert path.walk_s == pytest.approx(times[station, home], abs=2e-3)
                assert path.leg_s.sum() == pytest.approx(path.walk_s)


@law
@given(st.integers(0, 10_000), st.sampled_from(list(PROFILES)), st.floats(-100, 4000))
def test_a_flat_terrain_is_no_terrain(seed: int, profile: str, height: float) -> None:
    network = hilly(random_network(seed), seed).with_heights(None)
    flat = network.with_heights(np.full(len(network.node_id), height))
    gait = Walk(profile=profile).gait
    for one, other in zip(effort_of(network, gait), effort_of(flat, gait), strict=True):
        assert (one == other).all()


@law
@given(st.integers(0, 10_000), st.sampled_from(list(PROFILES)))
def test_turning_every_hill_and_sign_over_turns_every_walk_round(seed: int, profile: str) -> None:
    """Valleys for hills, up for down, against for with: then the way there costs what the way back did."""
    network = hilly(random_network(seed), seed)
    flags = network.flags.copy()
    for one, other in ((EdgeFlag.UP, EdgeFlag.DOWN), (EdgeFlag.AGAINST, EdgeFlag.AGAINST_BACK)):
        differ = ((flags & one) > 0) != ((flags & other) > 0)
        flags[differ] ^= np.uint16(one | other)
    turned = Network.from_segments(
        network.node_xy, network.ends, crs=CRS, length_m=network.length_m, node_id=network.node_id, flags=flags
    ).with_heights(-network.height_m)
    walk = Walk(profile=profile, minutes=9)
    rng = np.random.default_rng(seed)
    streets, mirror = Streets.of(network, walk.gait), Streets.of(turned, walk.gait)
    homes, stations = (link_points(streets, xy, 60) for xy in (rng.uniform(0, 400, (8, 2)), rng.uniform(0, 400, (4, 2))))
    again, there = (link_points(mirror, links.foot_xy(network)[links.linked], 60) for links in (homes, stations))
    if not (len(again) and len(there)) or not (again.linked.all() and there.linked.all()):
        return
    plain_homes = link_points(streets, homes.foot_xy(network)[homes.linked], 60)
    plain_stations = link_points(streets, stations.foot_xy(network)[stations.linked], 60)
    to_station = dense(walk_times(streets, plain_stations, plain_homes, walk.pace_mps, 3600))
    to_home = dense(walk_times(mirror, again, there, walk.pace_mps, 3600)).T
    assert_same_times(cut(to_station, 3600), cut(to_home, 3600))


@law
@given(towns())
def test_wheels_never_take_steps_and_feet_never_a_way_closed_to_them(town: Town) -> None:
    flags = town.streets.network.flags
    if not town.walk.takes_steps:
        assert not town.streets.walked[(flags & EdgeFlag.STEPS) > 0].any()
    if not town.walk.gait.rides:
        assert not town.streets.walked[(flags & EdgeFlag.NO_FOOT) > 0].any()


@law
@given(st.integers(0, 10_000))
def test_a_wheelchair_uses_the_same_streets_both_ways_and_no_others_than_a_pushchair(seed: int) -> None:
    network = hilly(random_network(seed), seed)
    chair, pushed = (effort_of(network, PROFILES[name].gait) for name in ("wheelchair", "pushchair"))
    rise_m = np.abs(np.diff(network.height_m[network.ends], axis=1)[:, 0])
    assert (chair.used == (pushed.used & ((rise_m < 0.15) | (rise_m * 12 < network.length_m)))).all()
    assert (chair.on_m == pushed.on_m).all()
    assert (chair.back_m == pushed.back_m).all()


@law
@given(st.integers(0, 10_000), st.sampled_from(list(PROFILES)), st.sampled_from(list(PROFILES)))
def test_the_residents_town_decides_the_profile(seed: int, one: str, other: str) -> None:
    network = hilly(random_network(seed), seed)
    rng = np.random.default_rng(seed)
    stations = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*rng.uniform(0, 400, (2, 3))), crs=CRS)
    homes = gpd.GeoDataFrame({"town": ["Old", "New"] * 4}, geometry=gpd.points_from_xy(*rng.uniform(0, 400, (2, 8))), crs=CRS)
    mixed = Walk(minutes=6, profile=one, max_link_m=80, towns={"New": TownWalk(profile=other, minutes=4)})
    found = dense(travel_times(network, stations, homes, mixed).walk_s)
    alone = {
        "Old": dense(travel_times(network, stations, homes, Walk(minutes=6, profile=one, max_link_m=80)).walk_s),
        "New": dense(travel_times(network, stations, homes, Walk(minutes=4, profile=other, max_link_m=80)).walk_s),
    }
    for column, town in enumerate(homes["town"]):
        assert (found[:, column] == alone[town][:, column]).all()
