"""Reach: whose door is how many seconds from whose, along the streets."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from builders import CRS, STROLL, corners, demand_at, lattice, stations_at
from numba.core import caching
from reach_truth import (
    assert_same_times,
    dense,
    links_by_brute_force,
    random_network,
    seconds_by_networkx,
)
from shapely import LineString, Point

from planner.errors import CrsError, PlannerWarning, StudyError, TableError
from planner.network import EdgeFlag, Network
from planner.reach import (
    Doors,
    Links,
    Reach,
    Streets,
    link_points,
    nearest_facilities,
    nearest_times,
    sum_in_reach,
    travel_times,
    walk_path,
    walk_times,
)
from planner.reach.compiled import compiled
from planner.study import TownWalk, Walk
from planner.way import explain_place

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
EXTRACTS = {
    "porto-alegre/poa_osm.pbf": "EPSG:32722",
    "helsinki/helsinki.osm.pbf": "EPSG:32635",
    "shanghai-centre/shanghai_centre.osm": "EPSG:32651",
}


def seconds(network: Network, origin: tuple[float, float], destination: tuple[float, float], walk: Walk = STROLL) -> float:
    reach = travel_times(network, stations_at(destination), demand_at([origin]), walk)
    return float(dense(reach.walk_s)[0, 0])


def places(points: list[tuple[float, float]], crs: str = CRS, **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[Point(point) for point in points], crs=crs)


def two_streets(gap_m: float, courtyard_m: float) -> Network:
    """A street of a kilometre along the x axis, and a path of `courtyard_m` beside it, not connected."""
    xy = [[0, 0], [1000, 0], [400, gap_m], [400 + courtyard_m, gap_m]]
    return Network.from_segments(xy, [[0, 1], [2, 3]], crs=CRS)


# --- times ------------------------------------------------------------------------------------------------------------


def test_a_walk_is_the_link_the_streets_and_the_link() -> None:
    # 20 m to the street, 30 m to the corner, one block north, 50 m east, 10 m to the door
    assert seconds(lattice(), (70, 20), (150, 110)) == pytest.approx(20 + 30 + 100 + 50 + 10)


def test_times_on_the_lattice_are_block_distances() -> None:
    everywhere = corners()
    times = dense(travel_times(lattice(), stations_at((500, 500)), demand_at(everywhere), STROLL).walk_s)[0]
    blocks_m = np.abs(np.array(everywhere) - 500).sum(axis=1)
    assert times.tolist() == np.where(blocks_m <= 300, blocks_m, np.inf).tolist()


@pytest.mark.parametrize(("offset_m", "reached"), [(0.0, True), (0.01, False)])
def test_the_cutoff_is_inclusive_at_a_pace_that_is_no_round_number(offset_m: float, reached: bool) -> None:
    adult = Walk(minutes=7.5)  # 4.8 km/h: 600 m, to the centimetre
    assert np.isfinite(seconds(lattice(), (0, 200), (400 + offset_m, 0), adult)) is np.bool_(reached)


def test_two_doors_on_one_street_walk_along_it() -> None:
    assert seconds(lattice(), (110, 5), (180, -3)) == pytest.approx(5 + 70 + 3)


def test_two_doors_on_one_winding_street_take_the_short_cut_between_its_ends() -> None:
    winding = Network.from_segments(
        [[0, 0], [100, 0]], [[0, 1], [0, 1]], crs=CRS, length_m=[300, 100], flags=[0, EdgeFlag.STEPS]
    )
    near = Links(np.array([0, 0], dtype=np.int32), np.array([10.0, 290.0]), np.zeros(2))
    assert dense(walk_times(winding, near, near, 1.0, 400))[0].tolist() == [0.0, 120.0]
    assert dense(walk_times(winding, near, near, 1.0, 400, takes_steps=False))[0].tolist() == [0.0, 280.0]


def test_at_the_door_is_a_stored_zero_and_out_of_reach_is_absent() -> None:
    reach = travel_times(lattice(), stations_at((0, 0)), demand_at([(0, 0), (900, 900)]), STROLL)
    assert reach.walk_s.nnz == 1
    assert reach.walk_s.data.tolist() == [0.0]
    assert reach.to_frame().to_numpy().tolist() == [[0, "s0", 0.0]]


def test_a_ring_without_a_junction_is_walked_the_shorter_way_round() -> None:
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = Network.from_segments(
        np.column_stack([np.cos(turns), np.sin(turns)]), [[i, (i + 1) % 12] for i in range(12)], crs=CRS, length_m=[50] * 12
    )
    everybody = Links(np.arange(12, dtype=np.int32), np.full(12, 25.0), np.zeros(12))
    times = dense(walk_times(ring, everybody, everybody, 1.0, 1000))
    assert sorted(times[0].tolist()) == [0, 50, 50, 100, 100, 150, 150, 200, 200, 250, 250, 300]
    assert_same_times(times, seconds_by_networkx(ring, everybody, everybody, 1.0, 1000))


def test_dead_ends_are_walked_into_and_out_of() -> None:
    cross = Network.from_segments([[0, 0], [100, 0], [0, 100], [-100, 0], [0, -100]], [[0, i] for i in (1, 2, 3, 4)], crs=CRS)
    assert seconds(cross, (90, 0), (0, 80)) == pytest.approx(170)
    assert seconds(cross, (90, 0), (20, 0)) == pytest.approx(70)


@pytest.mark.parametrize("seed", range(12))
def test_times_are_those_of_networkx_with_the_points_spliced_in(seed: int) -> None:
    network, rng = random_network(seed, nodes=5 + 5 * seed, segments=8 + 9 * seed), np.random.default_rng(seed)
    origins = link_points(network, rng.uniform(-50, 450, (12, 2)), 90)
    destinations = link_points(network, rng.uniform(-50, 450, (60, 2)), 90)
    for takes_steps in (True, False):
        found = walk_times(network, origins, destinations, 1.25, 300, takes_steps=takes_steps)
        expected = seconds_by_networkx(network, origins, destinations, 1.25, 300, takes_steps)
        assert_same_times(dense(found), expected)


def test_a_crowded_queue_stays_exact() -> None:
    """A hub with 400 spokes of nearly one length: more corners in one bucket than it holds at first."""
    spokes = 400
    turns = np.linspace(0, 2 * np.pi, spokes, endpoint=False)
    rim = 200 * np.column_stack([np.cos(turns), np.sin(turns)])
    ends = [[0, i + 1] for i in range(spokes)] + [[i + 1, (i + 1) % spokes + 1] for i in range(spokes)]
    length_m = np.concatenate([100 + np.linspace(0, 1, spokes), np.full(spokes, 4.0)])
    wheel = Network.from_segments(np.vstack([[0, 0], rim]), ends, crs=CRS, length_m=length_m)
    some = np.arange(0, 2 * spokes, 7)
    links = Links(some.astype(np.int32), wheel.length_m[some] * 0.3, np.zeros(len(some)))
    found = dense(walk_times(wheel, links, links, 1.0, 250))
    assert_same_times(found, seconds_by_networkx(wheel, links, links, 1.0, 250))


def test_threads_and_the_order_of_rows_never_change_a_byte() -> None:
    network, rng = lattice(21), np.random.default_rng(5)
    origins = link_points(network, rng.uniform(0, 2000, (700, 2)), 60)
    homes = link_points(network, rng.uniform(0, 2000, (500, 2)), 60)
    one = walk_times(network, origins, homes, 1.1, 500, threads=1)
    three = walk_times(network, origins, homes, 1.1, 500, threads=3)
    assert all((getattr(one, part) == getattr(three, part)).all() for part in ("indptr", "indices", "data"))
    shuffled, moved = rng.permutation(700), rng.permutation(500)
    other = walk_times(network, origins.take(shuffled), homes.take(moved), 1.1, 500)
    assert dense(other).tobytes() == np.ascontiguousarray(dense(one)[np.ix_(shuffled, moved)]).tobytes()


def test_columns_rise_in_each_row() -> None:
    rng = np.random.default_rng(2)
    links = link_points(lattice(), rng.uniform(0, 1000, (300, 2)), 60)
    times = walk_times(lattice(), links, links, 1.0, 300)
    rising = np.diff(times.indices) > 0
    rising[times.indptr[1:-1] - 1] = True  # from one row to the next
    assert rising.all()
    assert times.data.dtype == np.float32


def test_streets_made_ready_once_give_the_same_times() -> None:
    network = random_network(3)
    links = link_points(network, np.random.default_rng(0).uniform(0, 400, (30, 2)), 90)
    ready = Streets.of(network)
    assert (
        dense(walk_times(ready, links, links, 1.0, 300)).tobytes()
        == dense(walk_times(network, links, links, 1.0, 300)).tobytes()
    )
    assert Streets.of(ready) is ready
    assert Streets.of(ready, takes_steps=False).network is network


def test_doors_made_ready_once_give_the_same_times() -> None:
    network = random_network(4)
    links = link_points(network, np.random.default_rng(0).uniform(0, 400, (30, 2)), 90)
    streets = Streets.of(network, takes_steps=False)
    doors = Doors.of(streets, links)
    asked = walk_times(network, links, links, 1.0, 300, takes_steps=False)
    for where in (network, streets):
        assert dense(walk_times(where, links, doors, 1.0, 300)).tobytes() == dense(asked).tobytes()
    for where, takes_steps in ((network, True), (random_network(5), None)):
        with pytest.raises(TableError, match="made ready for other streets"):
            walk_times(where, links, doors, 1.0, 300, takes_steps=takes_steps)


def test_streets_without_steps_are_searched_without_steps() -> None:
    network = random_network(9)
    links = link_points(network, np.random.default_rng(0).uniform(0, 400, (30, 2)), 90, walk=Walk(profile="wheelchair"))
    ready = Streets.of(network, takes_steps=False)
    asked = walk_times(network, links, links, 1.0, 300, takes_steps=False)
    assert dense(walk_times(ready, links, links, 1.0, 300)).tobytes() == dense(asked).tobytes()


def test_nobody_and_nowhere_give_empty_tables() -> None:
    links = link_points(lattice(), np.empty((0, 2)), 60)
    some = link_points(lattice(), np.array([[0.0, 0.0]]), 60)
    assert walk_times(lattice(), links, some, 1.0, 300).shape == (0, 1)
    assert walk_times(lattice(), some, links, 1.0, 300).nnz == 0
    assert len(travel_times(lattice(), stations_at((0, 0)), demand_at([]), STROLL).to_frame()) == 0


def test_the_compiled_search_comes_from_disk_in_the_next_process() -> None:
    links = link_points(lattice(), np.zeros((1, 2)), 60)
    walk_times(lattice(), links, links, 1.0, 60)
    again = (
        "import numpy as np; from builders import lattice; from planner.reach import link_points, walk_times, search\n"
        "links = link_points(lattice(), np.zeros((1, 2)), 60); walk_times(lattice(), links, links, 1.0, 60)\n"
        "print(sum(search._search.stats.cache_hits.values()), sum(search._search.stats.cache_misses.values()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", again], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.split() == ["1", "0"]


def test_where_nothing_can_be_kept_on_disk_the_search_still_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        numba.njit(double, cache=True)
    assert compiled(double)(21) == 42


def double(number: int) -> int:
    return 2 * number


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("takes_steps", [True, False])
def test_links_are_those_of_looking_at_every_segment(seed: int, takes_steps: bool) -> None:
    network = random_network(seed, nodes=30, segments=25 + 5 * seed, side_m=1500)
    xy = np.random.default_rng(seed).uniform(-200, 1700, (300, 2))
    walk = Walk(profile="adult" if takes_steps else "wheelchair")
    found, expected = link_points(network, xy, 150, walk=walk), links_by_brute_force(network, xy, 150, takes_steps)
    assert found.segment.tolist() == expected.segment.tolist()
    np.testing.assert_allclose(found.along_m, expected.along_m, atol=1e-6)
    np.testing.assert_allclose(found.link_m, expected.link_m, atol=1e-9)


def test_a_point_is_linked_to_the_nearest_street_not_to_the_nearest_node() -> None:
    town = Network.from_segments([[0, 0], [1000, 0], [500, 30], [500, 1000]], [[0, 1], [2, 3]], crs=CRS)
    links = link_points(town, np.array([[500.0, 10.0]]), 60)
    assert town.node_xy[town.ends[links.segment[0]], 1].tolist() == [0, 0]
    assert (links.along_m[0], links.link_m[0]) == (500, 10)
    assert links.foot_xy(town).tolist() == [[500, 0]]


def test_of_equally_near_streets_the_first_is_taken() -> None:
    links = link_points(lattice(), np.array([[50.0, 50.0], [100.0, 100.0]]), 60)
    everyone = links_by_brute_force(lattice(), np.array([[50.0, 50.0], [100.0, 100.0]]), 60)
    assert links.segment.tolist() == everyone.segment.tolist()


@pytest.mark.parametrize(("off_m", "linked"), [(60.0, True), (60.001, False)])
def test_the_longest_link_is_inclusive(off_m: float, linked: bool) -> None:
    links = link_points(lattice(), np.array([[-off_m, 300.0]]), 60)
    assert links.linked.tolist() == [linked]
    assert np.isfinite(links.link_m).tolist() == [linked]


def test_a_door_between_a_courtyard_path_and_a_street_is_linked_to_the_street() -> None:
    network = two_streets(gap_m=50, courtyard_m=40)
    links = link_points(network, np.array([[410.0, 45.0], [410.0, 120.0]]), 100)
    street = int(np.flatnonzero(network.length_m == 1000)[0])
    assert links.segment.tolist() == [street, 1 - street]  # from the second door only the path is within 100 m
    assert links.link_m.tolist() == [45, 70]


def test_an_island_with_streets_of_its_own_stays_an_island() -> None:
    network = two_streets(gap_m=50, courtyard_m=500)
    assert seconds(network, (410, 40), (410, 0)) == np.inf


def test_without_steps_neither_stairs_nor_what_only_they_connect_is_walked() -> None:
    # a street, a stair north from it, and a terrace of 100 m at its top
    xy = [[0, 0], [500, 0], [1000, 0], [500, 60], [600, 60]]
    network = Network.from_segments(xy, [[0, 1], [1, 2], [1, 3], [3, 4]], crs=CRS, flags=[0, 0, EdgeFlag.STEPS, 0])
    wheelchair = Walk(minutes=15, profile="wheelchair", speed_mps=1.0, max_link_m=60)
    adult = Walk(minutes=15, speed_mps=1.0, max_link_m=60)
    on_stairs = (1.34 / 0.610 + 1.34 / 0.694) / 2  # nobody knows which way is up
    assert seconds(network, (590, 60), (100, 0), adult) == pytest.approx(90 + 60 * on_stairs + 400)
    # the terrace is a fragment to a wheelchair, so the door is linked to the street below
    assert seconds(network, (590, 60), (100, 0), wheelchair) == pytest.approx(60 + 490)
    assert link_points(network, np.array([[500.0, 30.0]]), 60, walk=wheelchair).link_m.tolist() == [30]


def test_points_far_beyond_the_streets_are_unlinked() -> None:
    links = link_points(lattice(), np.array([[1e9, 0.0], [-1e300, 1e15], [500.0, 1061.0], [500.0, 1050.0]]), 60)
    assert links.linked.tolist() == [False, False, False, True]


def test_points_without_coordinates_are_all_named() -> None:
    with pytest.raises(TableError, match="3 faults") as error:
        link_points(lattice(), np.array([[0, 0], [np.nan, 1], [np.inf, 0]]), -1)
    assert [fault.row for fault in error.value.faults] == [1, 2, None]


def test_links_of_another_network_and_impossible_walks_are_refused() -> None:
    links = link_points(lattice(), np.array([[990.0, 1000.0]]), 60)
    with pytest.raises(TableError, match="call link_points on this network"):
        walk_times(lattice(3), links, links, 1.0, 300)
    with pytest.raises(TableError, match="call link_points"):
        Links(np.array([0], dtype=np.int32), np.array([np.nan]), np.zeros(1))
    for pace, cutoff in ((0.0, 300.0), (1.0, -1.0), (1.0, np.inf), (np.nan, 300.0)):
        with pytest.raises(StudyError, match="give a pace > 0"):
            walk_times(lattice(), links, links, pace, cutoff)


# --- tables -----------------------------------------------------------------------------------------------------------


def test_the_residents_town_decides_minutes_and_pace() -> None:
    walk = Walk(minutes=5, speed_mps=1.0, max_link_m=60, towns={"New": TownWalk(minutes=10), "Old": TownWalk(speed_mps=0.5)})
    homes = demand_at([(300, 0), (400, 0), (600, 0), (150, 0), (200, 0)], town=["New", "New", "New", "Old", None])
    reach = travel_times(lattice(), stations_at((0, 0)), homes, walk)
    assert dense(reach.walk_s)[0].tolist() == [300, 400, 600, 300, 200]
    assert reach.walk_s.has_sorted_indices


def test_a_town_where_nobody_lives_is_named_with_those_where_somebody_does() -> None:
    walk = Walk(minutes=5, speed_mps=1.0, max_link_m=60, towns={"Nwe": TownWalk(minutes=10), "Old": TownWalk(minutes=5)})
    homes = demand_at([(0, 0), (400, 0)], town=["New", "Old"])
    with pytest.warns(PlannerWarning, match=r"walk.towns names Nwe, where no demand point is, so .*; they are in New, Old$"):
        reach = travel_times(lattice(), stations_at((0, 0)), homes, walk)
    assert reach.walk_s.nnz == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        travel_times(lattice(), stations_at((0, 0)), homes, walk.among(homes["town"]))


def test_a_stored_zero_survives_towns() -> None:
    walk = Walk(minutes=5, speed_mps=1.0, max_link_m=60, towns={"New": TownWalk(minutes=10)})
    reach = travel_times(lattice(), stations_at((0, 0), (9, 9)), demand_at([(0, 0), (0, 0)], town=["New", "Far"]), walk)
    assert dense(reach.walk_s)[0].tolist() == [0, 0]
    assert reach.walk_s.nnz == 4


def test_who_has_no_street_near_is_kept_and_named() -> None:
    homes = demand_at([(0, 0), (5000, 0), (-61, 0)], town=["New", "New", "Old"])
    for walk in (STROLL, Walk(minutes=5, max_link_m=60, towns={"New": TownWalk(minutes=10)})):
        reach = travel_times(lattice(), stations_at((0, 0), (0, 1061)), homes, walk)
        assert reach.walk_s.shape == (2, 3)
        assert reach.unlinked_demand.tolist() == [1, 2]
        assert reach.unlinked_facilities.tolist() == ["s1"]


def test_towns_that_differ_need_a_town_for_each_resident() -> None:
    walk = Walk(towns={"New": TownWalk(minutes=10)})
    with pytest.raises(TableError, match="no column 'town'; say each resident's town"):
        travel_times(lattice(), stations_at((0, 0)), demand_at([(0, 0)]), walk)


def test_two_crs_are_an_error_that_says_the_mend() -> None:
    with pytest.raises(CrsError, match=r"facilities are in EPSG:32650 but .* EPSG:32651; call facilities.to_crs"):
        travel_times(lattice(), stations_at((0, 0), crs="EPSG:32650"), demand_at([(0, 0)]), STROLL)
    with pytest.raises(CrsError, match="demand have no CRS"):
        travel_times(lattice(), stations_at((0, 0)), demand_at([(0, 0)]).set_crs(None, allow_override=True), STROLL)


def test_shapes_that_are_no_points_are_all_named() -> None:
    shapes = gpd.GeoDataFrame(geometry=[Point(0, 0), LineString([(0, 0), (1, 1)]), Point()], index=["a", "b", "c"], crs=CRS)
    with pytest.raises(TableError, match="2 faults") as error:
        travel_times(lattice(), shapes, demand_at([(0, 0)]), STROLL)
    assert [fault.row for fault in error.value.faults] == ["b", "c"]


def test_progress_is_told_and_ends_at_the_whole() -> None:
    told: list[tuple[str, float]] = []
    travel_times(lattice(), stations_at(*corners()), demand_at(corners()), STROLL, progress=lambda *said: told.append(said))
    assert "compiled" in told[0][0]
    assert max(share for _, share in told) == 1.0


def test_a_reach_becomes_a_long_table_and_comes_back() -> None:
    reach = travel_times(lattice(), stations_at((0, 0), (250, 300)), demand_at(corners()), STROLL)
    table = reach.to_frame().sample(frac=1.0, random_state=1)
    again = Reach.from_frame(table, facility_ids=reach.facility_ids, demand_ids=reach.demand_ids)
    assert dense(again.walk_s).tolist() == dense(reach.walk_s).tolist()
    assert "2 facilities, 121 demand points" in repr(again)


def test_a_table_from_any_engine_needs_no_lists_of_ids() -> None:
    table = pd.DataFrame({"origin_id": [3, 1], "destination_id": ["b", "a"], "walk_s": [1.5, 0.0]})
    reach = Reach.from_frame(table)
    assert (reach.facility_ids.tolist(), reach.demand_ids.tolist()) == (["a", "b"], [1, 3])
    assert dense(reach.walk_s).tolist() == [[0.0, np.inf], [np.inf, 1.5]]


def test_every_fault_of_a_foreign_table_is_named() -> None:
    table = pd.DataFrame(
        {"origin_id": [1, 1, 2, 9, 1], "destination_id": ["a", "a", "a", "a", "z"], "walk_s": [5.0, 6.0, -1.0, 1.0, np.nan]}
    )
    with pytest.raises(TableError) as error:
        Reach.from_frame(table, facility_ids=pd.Index(["a"]), demand_ids=pd.Index([1, 2]))
    found = {(fault.row, fault.column) for fault in error.value.faults}
    assert found == {("1", "origin_id"), ("2", "walk_s"), ("3", "origin_id"), ("4", "destination_id"), ("4", "walk_s")}
    with pytest.raises(TableError, match="'walk_s' is missing"):
        Reach.from_frame(table.drop(columns="walk_s"))


def test_a_reach_keeps_its_rules() -> None:
    ids = pd.Index(["a", "b"])
    with pytest.raises(TableError, match="facility id stands twice"):
        Reach(pd.Index(["a", "a"]), ids, sp.csr_array((2, 2), dtype=np.float32))
    with pytest.raises(TableError, match="shape"):
        Reach(ids, ids, sp.csr_array((2, 3), dtype=np.float32))
    with pytest.raises(TableError, match="negative or not finite"):
        Reach(ids, ids, sp.csr_array(np.array([[0, -1], [0, np.inf]])))


# --- nearest, and the way there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_are_the_least_of_all_pairs(seed: int) -> None:
    network, rng = random_network(seed, nodes=40, segments=55), np.random.default_rng(seed)
    stations = stations_at(*rng.uniform(0, 400, (15, 2)))
    homes = demand_at(rng.uniform(0, 400, (80, 2)).tolist())
    walk = Walk(minutes=4, speed_mps=1.0, max_link_m=80)
    pairs = travel_times(network, stations, homes, walk).to_frame()
    ranked = pairs.sort_values(["origin_id", "walk_s"])
    found = nearest_facilities(network, stations, homes, walk, 4)
    expected = ranked.groupby("origin_id").head(4)
    assert found.index.get_level_values("demand_id").tolist() == expected["origin_id"].tolist()
    np.testing.assert_allclose(found["walk_s"], expected["walk_s"], atol=1e-3)
    assert (found["station_id"].to_numpy() == expected["destination_id"].to_numpy()).all()
    nearest = nearest_times(network, stations, homes, walk)
    first = ranked.groupby("origin_id").first().reindex(homes.index)
    assert nearest["nearest_station_id"].isna().tolist() == first["destination_id"].isna().tolist()
    np.testing.assert_allclose(nearest["nearest_walk_s"], first["walk_s"], atol=1e-3)


def test_of_equally_near_stations_the_lowest_id_is_nearest() -> None:
    stations = stations_at((0, 100), (100, 0), (0, 0)).iloc[[1, 0]]
    home = demand_at([(0, 0), (900, 900)])
    nearest = nearest_times(lattice(), stations, home, STROLL)
    assert nearest.index.name == "demand_id"
    assert nearest["nearest_station_id"].tolist() == ["s0", pd.NA]
    assert nearest["nearest_walk_s"].iloc[0] == 100
    assert np.isnan(nearest["nearest_walk_s"].iloc[1])


def test_where_there_is_no_facility_none_is_nearest() -> None:
    none = stations_at((0, 0)).iloc[:0]
    nearest = nearest_times(lattice(), none, demand_at([(0, 0)]), STROLL)
    assert nearest["nearest_station_id"].isna().all()
    assert nearest["nearest_walk_s"].isna().all()
    assert nearest_facilities(lattice(), none, demand_at([(0, 0)]), STROLL, 3).empty


@pytest.mark.parametrize("minutes", [4.1, 8.2, 15.0, 16.4])
def test_a_walk_of_just_the_cutoff_is_never_kept_as_a_longer_one(minutes: float) -> None:
    walk = Walk(minutes=minutes, speed_mps=1.0)
    street = Network.from_segments([[0, 0], [2000, 0]], [[0, 1]], crs=CRS)
    stations, home = stations_at((0, 0)), demand_at([(walk.cutoff_s, 0)])
    kept = travel_times(street, stations, home, walk).walk_s.data
    assert len(kept) == 1
    assert float(kept[0]) <= walk.cutoff_s
    assert float(nearest_times(street, stations, home, walk)["nearest_walk_s"].iloc[0]) <= walk.cutoff_s
    assert explain_place(street, stations, home.geometry.iloc[0], walk)[1].startswith("Covered")


@pytest.mark.parametrize("seed", range(4))
def test_the_way_there_is_as_long_as_the_times_say(seed: int) -> None:
    network, rng = random_network(seed, nodes=30, segments=60), np.random.default_rng(seed)
    walk = Walk(minutes=60, speed_mps=1.0, max_link_m=80, profile="adult" if seed % 2 else "wheelchair")
    xy = rng.uniform(0, 400, (8, 2))
    times = dense(travel_times(network, places(xy.tolist()), places(xy.tolist()), walk).walk_s)
    for i in range(8):
        path = walk_path(network, tuple(xy[0]), tuple(xy[i]), walk)
        assert (path is None) == np.isinf(times[0, i])
        if path is not None:
            assert path.walk_s == pytest.approx(times[0, i], abs=1e-3)
            assert path.leg_s.sum() == pytest.approx(path.walk_s)
            straight_m = np.hypot(*np.diff(path.xy, axis=0).T)
            assert (straight_m <= path.leg_m + 1e-6).all()
            assert walk.takes_steps or not path.steps.any()


def test_the_way_goes_from_door_to_door_and_knows_its_steps() -> None:
    network = Network.from_segments([[0, 0], [100, 0], [100, 50]], [[0, 1], [1, 2]], crs=CRS, flags=[0, EdgeFlag.STEPS])
    path = walk_path(network, (40, 7), (110, 30), STROLL)
    assert path is not None
    assert path.xy.tolist() == [[40, 7], [40, 0], [100, 0], [100, 30], [110, 30]]
    assert (path.leg_m.tolist(), path.steps.tolist()) == ([7, 60, 30, 10], [False, False, True, False])
    assert walk_path(network, (40, 7), (300, 300), STROLL) is None


# --- sums -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_sums_in_reach_are_the_sums_over_the_pairs_in_reach(seed: int) -> None:
    network, rng = random_network(seed, nodes=20 + 20 * seed, segments=30 + 30 * seed), np.random.default_rng(seed)
    origins = link_points(network, rng.uniform(-50, 450, (70, 2)), 80)
    homes = link_points(network, rng.uniform(-50, 450, (90, 2)), 80)
    people = rng.integers(0, 50, (90, 3))
    reached = np.isfinite(dense(walk_times(network, origins, homes, 1.25, 200)))
    for threads in (1, 2):
        assert sum_in_reach(network, origins, homes, people, 1.25, 200, threads=threads).tolist() == (reached @ people).tolist()
    assert sum_in_reach(network, origins, homes, people[:, 0], 1.25, 200).tolist() == (reached @ people[:, 0]).tolist()


def test_sums_do_not_depend_on_who_else_is_asked_for() -> None:
    network, rng = lattice(21), np.random.default_rng(4)
    everywhere = link_points(network, rng.uniform(0, 2000, (200, 2)), 60)
    people = rng.uniform(0, 1, 200)
    together = sum_in_reach(network, everywhere, everywhere, people, 1.0, 600)
    some = rng.permutation(200)[:30]
    assert (sum_in_reach(network, everywhere.take(some), everywhere, people, 1.0, 600) == together[some]).all()


def test_amounts_are_one_finite_row_for_each_destination() -> None:
    links = link_points(lattice(), np.zeros((2, 2)), 60)
    for amounts in ([1.0], [1.0, np.nan], np.ones((4, 2)), np.ones((2, 2, 2))):
        with pytest.raises(TableError, match="one finite row for each destination"):
            sum_in_reach(lattice(), links, links, amounts, 1.0, 300)
    nobody = link_points(lattice(), np.empty((0, 2)), 60)
    assert sum_in_reach(lattice(), links, nobody, [], 1.0, 300).tolist() == [0, 0]
    assert sum_in_reach(lattice(), nobody, links, np.ones((2, 3)), 1.0, 300).shape == (0, 3)


def test_a_crowded_queue_keeps_sums_exact() -> None:
    spokes = 700
    turns = np.linspace(0, 2 * np.pi, spokes, endpoint=False)
    rim = 200 * np.column_stack([np.cos(turns), np.sin(turns)])
    ends = [[0, i + 1] for i in range(spokes)] + [[i + 1, (i + 1) % spokes + 1] for i in range(spokes)]
    wheel = Network.from_segments(np.vstack([[0, 0], rim]), ends, crs=CRS)
    links = Links(np.arange(0, 2 * spokes, 9, dtype=np.int32), np.full(156, 0.5), np.zeros(156))
    reached = np.isfinite(dense(walk_times(wheel, links, links, 1.0, 390)))
    assert sum_in_reach(wheel, links, links, np.ones(156), 1.0, 390).tolist() == reached.sum(axis=1).tolist()


# --- real streets -----------------------------------------------------------------------------------------------------


def extract(name: str) -> Network:
    from planner.sources.osm import read_osm_network

    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here; it comes with the shared data beside the project")
    return read_osm_network(SHARED / name, crs=EXTRACTS[name])


@pytest.mark.shared
@pytest.mark.parametrize("name", EXTRACTS)
def test_times_on_real_streets_are_those_of_networkx(name: str) -> None:
    network, rng = extract(name), np.random.default_rng(11)
    start = network.node_xy[rng.choice(len(network.node_xy), 6)]
    near = network.node_xy[rng.choice(len(network.node_xy), 4000)] + rng.normal(0, 40, (4000, 2))
    for takes_steps in (True, False):
        walk = Walk(profile="adult" if takes_steps else "wheelchair", max_link_m=100)
        origins, homes = link_points(network, start + 15, 100, walk=walk), link_points(network, near, 100, walk=walk)
        found = dense(walk_times(network, origins, homes, 1.25, 900, takes_steps=takes_steps))
        assert np.isfinite(found).sum() > 50
        assert_same_times(found, seconds_by_networkx(network, origins, homes, 1.25, 900, takes_steps))


@pytest.mark.shared
@pytest.mark.parametrize("name", EXTRACTS)
def test_links_on_real_streets_are_those_of_looking_at_every_segment(name: str) -> None:
    network, rng = extract(name), np.random.default_rng(12)
    xy = network.node_xy[rng.choice(len(network.node_xy), 150)] + rng.normal(0, 80, (150, 2))
    found, expected = link_points(network, xy, 120), links_by_brute_force(network, xy, 120)
    assert found.segment.tolist() == expected.segment.tolist()
    np.testing.assert_allclose(found.link_m, expected.link_m, atol=1e-6)


@pytest.mark.shared
def test_nobody_walks_across_the_huangpu() -> None:
    network = extract("shanghai-centre/shanghai_centre.osm")
    bund, people_square, lujiazui = (121.4865, 31.2400), (121.4750, 31.2300), (121.5000, 31.2380)
    banks = gpd.GeoDataFrame(geometry=[Point(at) for at in (bund, people_square, lujiazui)], crs="EPSG:4326").to_crs(
        network.crs
    )
    times = dense(travel_times(network, banks, banks, Walk(minutes=60)).walk_s)
    assert np.isfinite(times).tolist() == [[True, True, False], [True, True, False], [False, False, True]]
