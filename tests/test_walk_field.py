"""The walking-time field of the station map: as the engine measures, as small as promised, the same bytes again."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from builders import CRS, STROLL, lattice, stations_at
from test_atlas import numbers

from planner.network import Network
from planner.publish.atlas import field as fields
from planner.publish.atlas.field import draw_field
from planner.publish.atlas.shapes import lat_lon
from planner.reach import travel_times
from planner.schema import TOWNS, Towns
from planner.study import TownWalk, Walk

ORDER = ["s0", "s1"]


def square(side: float, names: tuple[str, ...] = ("镇",)) -> Towns:
    width = side / len(names)
    shapes = [shapely.box(i * width, 0, (i + 1) * width, side) for i in range(len(names))]
    return TOWNS.conform(gpd.GeoDataFrame({"town": list(names)}, geometry=shapes, crs=CRS))


def unpacked(packed: dict) -> fields.Field:
    """An independent reading of the packed grid."""
    rows, columns, ranks = packed["rows"], packed["columns"], len(packed["stations"])
    station, steps = np.full((rows * columns, ranks), -1), np.zeros((rows * columns, ranks), dtype=int)
    for rank in range(ranks):
        runs = numbers(packed["stations"][rank])
        flat = np.repeat(runs[::2], runs[1::2])
        station[:, rank] = flat - 1
        steps[flat > 0, rank] = np.cumsum(numbers(packed["steps"][rank]))
    shape = (rows, columns, ranks)
    return fields.Field(
        packed["south"], packed["west"], packed["step_lat"], packed["step_lon"],
        station.reshape(shape), steps.reshape(shape), packed["side_m"], packed["step_s"], packed["horizon"],
    )  # fmt: skip


def test_at_its_own_points_the_field_is_the_engine_to_half_a_step():
    stations = stations_at((310, 300), (700, 720))
    packed = draw_field(lattice(), square(1000), stations, STROLL, ORDER)
    grid = unpacked(packed)
    row, column = np.nonzero(grid.station[..., 0] >= 0)
    lat, lon = grid.south + row * grid.step_lat, grid.west + column * grid.step_lon
    places = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326").to_crs(CRS)
    far = dataclasses.replace(STROLL, minutes=45.0)
    true = travel_times(lattice(), stations, gpd.GeoDataFrame(geometry=places), far).walk_s.toarray().min(axis=0)
    assert np.abs(grid.steps[row, column, 0] * grid.step_s - true).max() <= grid.step_s / 2 + 1e-3
    assert len(row) > 1000


def test_between_points_it_is_off_by_no_more_than_it_says():
    stations = stations_at((310, 300), (700, 720))
    packed = draw_field(lattice(), square(1000), stations, STROLL, ORDER)
    half, most = packed["error_s"]
    xy = np.random.default_rng(1).uniform(0, 1000, (500, 2))
    told = unpacked(packed).read(lat_lon(xy, CRS))
    far = dataclasses.replace(STROLL, minutes=45.0)
    true = travel_times(
        lattice(), stations, gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=CRS), far
    ).walk_s.toarray()
    off = [abs(found[0][1] - seconds) for found, seconds in zip(told, true.min(axis=0), strict=True)]
    assert np.median(off) <= half + 1
    assert np.quantile(off, 0.95) <= 1.3 * most + 2
    assert half <= most <= 50  # half a block: in its middle the nearest street changes


def test_the_nearest_stand_first_and_no_walk_is_told_beyond_the_horizon():
    town = Network.from_segments([[0, 0], [6000, 0]], [[0, 1]], crs=CRS)
    stations = stations_at((100, 0), (500, 0))
    packed = draw_field(town, square(6000), stations, STROLL, ["s1", "s0"])  # the page lists them otherwise
    near, far = unpacked(packed).read(lat_lon([[150, 5], [4000, 5]], CRS))
    assert [one for one, _ in near] == [1, 0]
    assert far == []
    assert packed["horizon"] == 45.0


def test_the_residents_town_decides_the_pace():
    walk = Walk(minutes=5, speed_mps=1.0, towns={"东": TownWalk(minutes=8, speed_mps=0.5)})
    packed = draw_field(lattice(), square(1000, ("西", "东")), stations_at((500, 500)), walk, ["s0"])
    west, east = unpacked(packed).read(lat_lon([[300, 500], [700, 500]], CRS))
    assert west[0][1] == pytest.approx(200, abs=25)  # a grid point stands up to half a side off the street
    assert east[0][1] == pytest.approx(400, abs=50)
    assert (packed["cutoff"], packed["cutoffs"]) == (5.0, {"东": 8.0})


def test_a_large_town_has_a_coarser_grid_that_fits(monkeypatch):
    monkeypatch.setattr(fields, "MOST_LETTERS", 3000)
    packed = draw_field(lattice(), square(1000), stations_at((310, 300), (700, 720)), STROLL, ORDER)
    assert sum(map(len, (*packed["stations"], *packed["steps"]))) <= 3000
    assert packed["side_m"] > 25


def test_without_stations_there_is_no_field_and_twice_is_the_same():
    stations = stations_at((310, 300), (700, 720))
    assert draw_field(lattice(), square(1000), stations.iloc[:0], STROLL, []) is None
    first, second = (draw_field(lattice(), square(1000), stations, STROLL, ORDER) for _ in range(2))
    assert first == second


def test_the_nearest_of_every_choice_is_known_far_beyond_the_nearest_eight():
    xs = [(100 + 20 * i, 100) for i in range(12)] + [(900, 900), (920, 900)]
    stations = stations_at(*xs)
    order = sorted(stations.index, reverse=True)
    like = ["rare" if key in ("s12", "s13") else "common" for key in order]
    packed = draw_field(lattice(), square(1000), stations, STROLL, order, like)
    assert packed["complete"]
    assert len(packed["alike"]["stations"]) == 2  # one of each likeness
    (told,) = unpacked(packed["alike"] | {"horizon": 45.0}).read(lat_lon([[100, 100]], CRS))
    assert {like[one] for one, _ in told} == {"common", "rare"}
    nearest = next(seconds for one, seconds in told if like[one] == "rare")
    at = gpd.GeoDataFrame(geometry=gpd.points_from_xy([100], [100]), crs=CRS)
    far = dataclasses.replace(STROLL, minutes=45.0)
    true = travel_times(lattice(), stations.loc[["s12", "s13"]], at, far).walk_s.toarray().min()
    assert nearest == pytest.approx(true, abs=packed["alike"]["side_m"])
    plain = draw_field(lattice(), square(1000), stations, STROLL, order)
    assert not plain["complete"]
    assert plain["stations"] == packed["stations"]
    assert len(packed["stations"]) == fields.RANKS


def test_hundreds_of_stations_each_of_its_own_are_all_known_and_fit():
    xy = np.random.default_rng(2).uniform(0, 1000, (400, 2))
    stations = stations_at(*map(tuple, xy))
    order = list(stations.index)
    packed = draw_field(lattice(), square(1000), stations, STROLL, order, order)
    alike = packed["alike"]
    assert packed["complete"]
    assert sum(map(len, (*alike["stations"], *alike["steps"]))) <= fields.MOST_ALIKE_LETTERS
    places = np.random.default_rng(3).uniform(50, 950, (40, 2))
    far = dataclasses.replace(STROLL, minutes=45.0)
    at = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*places.T), crs=CRS)
    true = travel_times(lattice(), stations, at, far).walk_s.toarray()
    off = []
    for place, found in enumerate(unpacked(alike | {"horizon": 45.0}).read(lat_lon(places, CRS))):
        assert len(found) == len(order)
        off += [abs(seconds - true[one, place]) for one, seconds in found]
    assert np.quantile(off, 0.95) <= 1.3 * alike["error_s"][1] + 2


def test_what_does_not_fit_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(fields, "MOST_ALIKE_LETTERS", 10)
    stations = stations_at(*[(50 * i, 40 * i) for i in range(12)])
    packed = draw_field(lattice(), square(1000), stations, STROLL, list(stations.index), list(stations.index))
    assert packed["alike"] is None
    assert not packed["complete"]
    assert len(packed["stations"]) == fields.RANKS


def test_a_town_at_the_antimeridian_is_no_belt_around_the_earth():
    transform = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32760", always_xy=True).transform
    x, y = transform(180.0, -16.8)
    streets = Network.from_segments([[x - 900, y], [x + 900, y]], [[0, 1]], crs="EPSG:32760")
    square = shapely.box(x - 900, y - 300, x + 900, y + 300)
    towns = TOWNS.conform(gpd.GeoDataFrame({"town": ["Taveuni"]}, geometry=[square], crs="EPSG:32760"))
    doors = stations_at((x + 800, y), crs="EPSG:32760")
    packed = draw_field(streets, towns, doors, Walk(minutes=15, speed_mps=1.0), list(doors.index))
    assert packed["columns"] * packed["side_m"] < 2100
    near, far = unpacked(packed).read(lat_lon([[x + 500, y], [x - 500, y]], "EPSG:32760"))
    assert near[0][1] == pytest.approx(300, abs=30)
    assert far[0][1] == pytest.approx(1300, abs=30)
