"""Outlines on towns whose areas are arithmetic, and their agreement with the times on real streets."""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from builders import CRS, STROLL, lattice, stations_at
from shapely.geometry import Point, Polygon, box

from planner.errors import CrsError, PlannerWarning, StudyError, TableError
from planner.isochrones import agreement, isochrone_bands, overlay_zones, reached_area
from planner.isochrones.raster import TILE, Around, link_corners
from planner.network import EdgeFlag, Network
from planner.reach import Streets, link_points
from planner.schema import Stations
from planner.sources.osm import read_osm_network
from planner.study import TownWalk, Walk

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

STREET_1_KM = Network.from_segments([[0, 0], [1000, 0]], [[0, 1]], crs=CRS)
RING_ROAD = Network.from_segments([[0, 0], [400, 0], [400, 400], [0, 400]], [[0, 1], [1, 2], [2, 3], [3, 0]], crs=CRS)


def one(network: Network, place: tuple[float, float], walk: Walk = STROLL, **options: object) -> gpd.GeoSeries:
    """The outlines of one station by minutes."""
    return isochrone_bands(network, stations_at(place), walk, **options).geometry.loc["s0"]


def test_on_one_street_the_outline_is_a_strip_a_point_and_a_half_circle() -> None:
    outline = one(STREET_1_KM, (100, 0))[5.0]
    east = 240 * 120 + 60 * 120 / 2  # as wide as the link is long, up to a point where the 300 m end
    west = 100 * 120 + np.pi * 60**2 / 2  # to the end of the street and around it
    assert outline.area == pytest.approx(east + west, rel=0.005)
    assert outline.bounds == pytest.approx((-60, -60, 400, 60), abs=0.5)


def test_an_outline_ends_in_the_middle_of_a_street_where_the_minutes_do() -> None:
    outline = one(STREET_1_KM, (500, 0))[2.0]
    assert outline.intersection(shapely.LineString([(0, 0), (1000, 0)])).bounds == pytest.approx((380, 0, 620, 0), abs=0.5)


def test_the_station_s_own_link_is_walked_too() -> None:
    outline = one(STREET_1_KM, (500, 50))[2.0]
    assert outline.bounds[0] == pytest.approx(430, abs=0.5)  # 120 m less 50 m


def test_the_lattice_town_is_reached_as_a_diamond_with_teeth() -> None:
    outline = one(lattice(), (500, 500), tolerance_m=0)[5.0]
    assert outline.area == pytest.approx(_reached_square_metres(300), rel=0.005)
    reached = [p for p in itertools.product(range(0, 1001, 100), repeat=2) if outline.contains(Point(p))]
    assert len(reached) == 2 * 3**2 + 2 * 3 + 1  # those at exactly 300 m too: the cutoff is inclusive


def _reached_square_metres(metres: int) -> float:
    """Square metres around a corner of the lattice within so many metres, counted on a mesh of 1 m.

    From (x, y) the nearest street is that of the smaller offset from its line; along it the way to the corner is a matter of
    blocks: the foot point's offset to one end of its block or the other, and whole blocks from there.
    """
    x, y = np.meshgrid(np.arange(-350, 350) + 0.5, np.arange(-350, 350) + 0.25)
    off_x, off_y = (np.abs(v - 100 * np.round(v / 100)) for v in (x, y))
    to_east_west = off_y < off_x
    along, line = np.where(to_east_west, x, y), np.where(to_east_west, 100 * np.round(y / 100), 100 * np.round(x / 100))
    west = 100 * np.floor(along / 100)
    by_either_end = [np.abs(along - end) + np.abs(end) for end in (west, west + 100)]
    return float((np.minimum(off_x, off_y) + np.minimum(*by_either_end) + np.abs(line) <= metres).sum())


def test_a_park_without_streets_is_a_hole() -> None:
    outline = one(RING_ROAD, (0, 0), Walk(speed_mps=1.0, bands=(20,), max_link_m=60))[20.0]
    assert len(outline.geoms) == 1
    (park,) = outline.geoms[0].interiors
    assert Polygon(park).area == pytest.approx((400 - 2 * 60) ** 2, rel=0.005)
    assert outline.area == pytest.approx(520**2 - (4 - np.pi) * 60**2 - (400 - 2 * 60) ** 2, rel=0.005)


def test_what_is_near_by_air_and_far_by_street_is_not_reached() -> None:
    """A river: two streets 40 m apart that meet 500 m away. The other bank, 20 m off, is beyond five minutes."""
    banks = Network.from_segments([[0, 0], [500, 0], [500, 40], [0, 40]], [[0, 1], [1, 2], [2, 3]], crs=CRS)
    outline = one(banks, (100, 0))[5.0]
    assert outline.contains(Point(100, 19))
    assert not outline.intersects(box(-100, 21, 400, 200))
    across = one(banks, (300, 0))[5.0]
    assert across.contains(Point(470, 39))  # 200 m to the bridge, 40 m over it, 30 m back
    assert not across.contains(Point(430, 41))


def test_an_island_is_not_reached_however_near() -> None:
    two = Network.from_segments([[0, 0], [600, 0], [0, 30], [600, 30]], [[0, 1], [2, 3]], crs=CRS)
    assert not one(two, (300, 0))[5.0].intersects(box(-100, 16, 700, 100))


def test_a_place_near_by_air_whose_street_is_reached_late_is_a_part_of_its_own() -> None:
    bend = Network.from_segments([[0, 0], [0, 100], [30, 100], [30, -100]], [[0, 1], [1, 2], [2, 3]], crs=CRS)
    outline = one(bend, (0, 0), Walk(speed_mps=1.0, bands=(2, 4), max_link_m=10))[4.0]
    assert outline.contains(Point(30, 0))
    assert not outline.contains(Point(15, 0))


def test_bands_lie_within_one_another_and_are_valid_with_any_tolerance() -> None:
    for tolerance_m in (0.0, 1.0, 5.0, 1000.0):
        outlines = isochrone_bands(
            lattice(), stations_at((500, 500), (13, 77), (960, 20)), STROLL, minutes=[1, 2, 3, 4, 5, 6], tolerance_m=tolerance_m
        )
        assert outlines.is_valid.all()
        assert set(outlines.geom_type) == {"MultiPolygon"}
        for _, own in outlines.geometry.groupby(level="station_id"):
            assert all(longer.contains_properly(shorter) for shorter, longer in itertools.pairwise(own))


def test_a_greater_tolerance_needs_fewer_points_and_keeps_the_area() -> None:
    exact, straight = (one(lattice(), (480, 520), tolerance_m=t)[5.0] for t in (0.0, 2.0))
    assert shapely.get_num_coordinates(straight) < 0.6 * shapely.get_num_coordinates(exact)
    assert straight.symmetric_difference(exact).area < 0.02 * exact.area


def test_bands_beyond_the_cutoff_are_drawn_like_those_within() -> None:
    assert list(one(lattice(), (500, 500), Walk(minutes=1, bands=(1, 4), speed_mps=1)).index) == [1.0, 4.0]
    assert list(one(lattice(), (500, 500), minutes=[6, 3]).index) == [3.0, 6.0]


def test_an_outline_does_not_depend_on_who_else_is_drawn_nor_on_threads() -> None:
    places = {"a": (500, 500), "b": (20, 930), "c": (700, 110)}

    def drawn(names: str, threads: int) -> dict[object, bytes]:
        stations = stations_at(*(places[name] for name in names)).set_index(pd.Index(list(names), name="station_id"))
        return isochrone_bands(lattice(), stations, STROLL, threads=threads).geometry.to_wkb().to_dict()

    together = drawn("abc", 1)
    assert drawn("cba", 2) == together
    assert drawn("b", 1) == {key: shape for key, shape in together.items() if key[0] == "b"}


def test_rows_stand_in_the_order_of_the_stations_and_of_the_minutes() -> None:
    stations = stations_at((500, 500), (300, 300)).iloc[::-1]
    assert list(isochrone_bands(lattice(), stations, STROLL).index) == [("s1", 2.0), ("s1", 5.0), ("s0", 2.0), ("s0", 5.0)]


def test_whoever_takes_no_steps_does_not_come_over_them() -> None:
    stairs = Network.from_segments(
        [[0, 0], [100, 0], [110, 0], [300, 0]], [[0, 1], [1, 2], [2, 3]], crs=CRS, flags=[0, EdgeFlag.STEPS, 0]
    )
    over, before = (
        one(stairs, (0, 0), Walk(profile=name, speed_mps=1.0, bands=(5,), max_link_m=20))[5.0]
        for name in ("adult", "wheelchair")
    )
    assert over.contains(Point(200, 0))
    assert not before.intersects(box(121, -50, 400, 50))


def test_a_station_is_drawn_at_the_pace_of_its_own_town() -> None:
    stations = stations_at((100, 500), (900, 500), town=["Old Town", "New Town"])
    walk = Walk(speed_mps=1.0, bands=(2,), max_link_m=60, towns={"New Town": TownWalk(speed_mps=0.5)})
    outlines = isochrone_bands(lattice(), stations, walk).geometry
    assert outlines["s0", 2.0].bounds[2] == pytest.approx(220, abs=1)  # 120 m
    assert outlines["s1", 2.0].bounds[0] == pytest.approx(840, abs=1)  # 60 m


def test_a_station_without_a_street_has_no_row_and_is_named() -> None:
    with pytest.warns(PlannerWarning, match=r"1 station\(s\) reach nothing and have no outline: s1"):
        outlines = isochrone_bands(lattice(), stations_at((500, 500), (5000, 5000)), STROLL)
    assert set(outlines.index.get_level_values("station_id")) == {"s0"}


def test_a_band_shorter_than_the_way_to_the_street_has_no_row_and_is_named() -> None:
    walk = Walk(speed_mps=1.0, bands=(0.5, 5), max_link_m=60)
    with pytest.warns(PlannerWarning, match=r"1 station\(s\) have no outline for 0.5 minutes: s0"):
        assert list(one(lattice(), (550, 550), walk).index) == [5.0]


def test_no_stations_and_nothing_but_far_ones_give_an_empty_table() -> None:
    nobody = isochrone_bands(lattice(), stations_at((500, 500)).iloc[:0], STROLL)
    with pytest.warns(PlannerWarning):
        far = isochrone_bands(lattice(), stations_at((5000, 5000)), STROLL)
    for empty in (nobody, far):
        assert len(empty) == 0
        assert empty.index.names == ["station_id", "minutes"]
        assert empty.crs == CRS
        assert reached_area(empty, 15).is_empty


def test_progress_rises_from_nothing_to_all() -> None:
    told: list[float] = []
    stations = stations_at((100, 500), (900, 500), town=["Old Town", "New Town"])
    walk = Walk(speed_mps=1.0, bands=(2,), towns={"New Town": TownWalk(speed_mps=0.5)})
    isochrone_bands(lattice(), stations, walk, progress=lambda _, share: told.append(share))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_what_cannot_be_drawn_is_refused() -> None:
    stations = stations_at((500, 500))
    with pytest.raises(CrsError, match=r"stations are in EPSG:32650 but the network is in EPSG:32651"):
        isochrone_bands(lattice(), stations_at((500, 500), crs="EPSG:32650"), STROLL)
    for minutes in ([], [0.0], [float("nan")], [-5, 5]):
        with pytest.raises(StudyError, match="numbers of minutes above 0"):
            isochrone_bands(lattice(), stations, STROLL, minutes=minutes)
    with pytest.raises(StudyError, match="tolerance_m = -1"):
        isochrone_bands(lattice(), stations, STROLL, tolerance_m=-1)


def test_corners_are_linked_by_the_rule_that_links_doors() -> None:
    """Streets long and short, a fragment, steps: each corner's link is that of `link_points`."""
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 900, (60, 2))
    pairs = np.concatenate([np.stack([np.arange(40), np.roll(np.arange(40), 1)], axis=1), [[40, 41], [45, 46], [46, 47]]])
    network = Network.from_segments(xy, pairs, crs=CRS, flags=(np.arange(len(pairs)) % 5 == 0).astype(int))
    for walk in (Walk(max_link_m=250), Walk(max_link_m=40, profile="wheelchair")):
        streets = Streets.of(network, takes_steps=walk.takes_steps)
        tiles = link_corners(streets, Around(np.array([[450.0, 450.0], [2000.0, 2000.0]]), 900.0), 10.0, walk.max_link_m)
        row, column = np.nonzero(tiles.tile >= 0)
        first = np.stack([column + tiles.first_column, row + tiles.first_row], axis=1) * TILE
        down, right = np.indices((TILE, TILE))
        corners = (first[:, None] + np.stack([right.ravel(), down.ravel()], axis=1)) * 10.0
        links = link_points(streets, corners.reshape(-1, 2), walk.max_link_m, walk=walk)
        assert 0.05 < links.linked.mean() < 1
        np.testing.assert_allclose(tiles.link_m.ravel(), links.link_m, atol=1e-4)
        same = tiles.segment.ravel() == links.segment
        assert same.mean() > 0.999  # but for float32's ties
        np.testing.assert_allclose(tiles.along_m.ravel()[same], links.along_m[same], atol=1e-3)


def test_the_reached_area_is_the_union_of_one_band() -> None:
    outlines = isochrone_bands(lattice(), stations_at((300, 500), (500, 500)), STROLL)
    union = reached_area(outlines, 5)
    one_area, other_area = outlines.geometry["s0", 5.0], outlines.geometry["s1", 5.0]
    assert union.area == pytest.approx(one_area.area + other_area.area - one_area.intersection(other_area).area)
    with pytest.raises(StudyError, match=r"outlines for 2, 5 minutes but not for 7"):
        reached_area(outlines, 7)


def zones(*shapes: Polygon, crs: str = CRS, **columns: list[float]) -> gpd.GeoDataFrame:
    names = pd.Index([f"z{i}" for i in range(len(shapes))], name="zone")
    return gpd.GeoDataFrame(columns, geometry=list(shapes), index=names, crs=crs)


def squares() -> gpd.GeoDataFrame:
    keys = pd.MultiIndex.from_tuples([("a", 5.0), ("a", 10.0), ("b", 10.0)], names=["station_id", "minutes"])
    shapes = [shapely.MultiPolygon([shape]) for shape in (box(0, 0, 10, 10), box(-5, -5, 20, 20), box(20, 0, 30, 10))]
    return gpd.GeoDataFrame(geometry=shapes, index=keys, crs=CRS)


def test_zones_are_covered_by_the_share_of_their_area() -> None:
    people = zones(
        box(1, 1, 3, 3), box(5, 0, 25, 10), box(100, 100, 110, 110), population=[10.0, 80.0, 7.0], pop_elderly=[4.0, 20.0, 1.0]
    )
    covered = overlay_zones(squares(), people)
    assert covered.index.names == ["zone", "minutes"]
    assert covered["share"].tolist() == pytest.approx([1, 1, 0.25, 1, 0, 0])
    assert covered["covered_population"].tolist() == pytest.approx([10, 10, 20, 80, 0, 0])
    assert covered["covered_elderly"].tolist() == pytest.approx([4, 4, 5, 20, 0, 0])


def test_zones_by_their_centre_are_covered_whole_or_not_at_all() -> None:
    covered = overlay_zones(squares(), zones(box(5, 0, 25, 10), box(0, 0, 12, 10)), share="centre")
    assert covered["share"].tolist() == [0, 1, 1, 1]


def test_zones_that_cannot_be_laid_over_are_refused_with_every_fault() -> None:
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(TableError, match=r"(?s)row z0.*no area.*row z1.*invalid") as caught:
        overlay_zones(squares(), zones(Polygon(), bow))
    assert len(caught.value.faults) >= 2
    with pytest.raises(CrsError, match="EPSG:32650"):
        overlay_zones(squares(), zones(box(0, 0, 1, 1), crs="EPSG:32650"))
    with pytest.raises(StudyError, match="use 'area' or 'centre'"):
        overlay_zones(squares(), zones(box(0, 0, 1, 1)), share="people")  # type: ignore[arg-type]


def test_agreement_finds_what_is_drawn_too_large_and_too_small() -> None:
    network, stations = lattice(), stations_at((500, 500), (250, 710))
    ours = isochrone_bands(network, stations, STROLL, minutes=[5])
    true = agreement(ours, network, stations, STROLL, samples=4000)
    assert (true[["precision", "recall", "agreement"]] > 0.98).all(axis=None)
    assert true["places"].tolist() == [8000]
    large = agreement(ours.set_geometry(ours.buffer(60)), network, stations, STROLL, samples=4000)
    assert large.loc[5.0, "recall"] > 0.99
    assert large.loc[5.0, "precision"] < 0.85
    small = agreement(ours.set_geometry(ours.buffer(-30)), network, stations, STROLL, samples=4000)
    assert small.loc[5.0, "recall"] < 0.85
    assert small.loc[5.0, "precision"] > 0.99


def test_agreement_is_the_same_for_the_same_seed() -> None:
    network, stations = lattice(), stations_at((500, 500))
    outlines = isochrone_bands(network, stations, STROLL)
    outlines = outlines.set_geometry(outlines.buffer(10))  # wrong, so that the places matter
    first, again, other = (agreement(outlines, network, stations, STROLL, samples=500, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


CITIES = {
    "porto-alegre/poa_osm.pbf": "EPSG:32722",
    "helsinki/helsinki.osm.pbf": "EPSG:32635",
    "shanghai-centre/shanghai_centre.osm": "EPSG:32651",
}


@pytest.mark.shared
@pytest.mark.parametrize("file", CITIES)
def test_outlines_of_real_cities_agree_with_the_times(file: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip(f"{SHARED / file} is not there")
    network = read_osm_network(SHARED / file, crs=CITIES[file])
    stations, walk = _scattered(network, 25), Walk()
    outlines = isochrone_bands(network, stations, walk)
    assert len(outlines) == 3 * len(stations)
    assert outlines.is_valid.all()
    for _, own in outlines.geometry.groupby(level="station_id"):
        assert all(longer.contains_properly(shorter) for shorter, longer in itertools.pairwise(own))
    found = agreement(outlines, network, stations, walk, samples=1500, seed=7)
    assert (found[["precision", "recall", "agreement"]] >= 0.98).all(axis=None), found


def _scattered(network: Network, count: int) -> Stations:
    """Stations up to some 20 m off the streets of the largest part of a network."""
    rng = np.random.default_rng(11)
    nodes = rng.choice(np.flatnonzero(network.component == 0), count, replace=False)
    places = network.node_xy[nodes] + rng.uniform(-20, 20, (count, 2))
    return stations_at(*map(tuple, places), crs=network.crs)
