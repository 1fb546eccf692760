"""Laws of outlines that hold for every town, every walk and every station."""

from __future__ import annotations

import itertools
import warnings
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from builders import stations_at
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from planner.errors import PlannerWarning
from planner.isochrones import isochrone_bands, overlay_zones, reached_area
from planner.isochrones.bands import raster_cell_m
from planner.network import Network
from planner.reach import link_points, walk_times
from planner.schema import Isochrones, Stations
from planner.study import Walk

SIDE_M = 300
law = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Town(NamedTuple):
    network: Network
    stations: Stations
    walk: Walk
    outlines: Isochrones


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Streets between random places, with dead ends, islands and bridges over one another, and a station or two."""
    place = st.tuples(st.integers(0, SIDE_M), st.integers(0, SIDE_M))
    xy = draw(st.lists(place, min_size=2, max_size=16, unique=True))
    node = st.integers(0, len(xy) - 1)
    pairs = draw(st.lists(st.tuples(node, node).filter(lambda uv: uv[0] != uv[1]), min_size=1, max_size=24))
    network = Network.from_segments(xy, pairs, crs="EPSG:32651")
    stations = stations_at(*draw(st.lists(place, min_size=1, max_size=2)))
    minutes = draw(st.lists(st.integers(20, 120), min_size=1, max_size=4, unique=True))
    walk = Walk(speed_mps=1.0, bands=tuple(m / 30 for m in minutes), max_link_m=draw(st.sampled_from([15.0, 60.0, 300.0])))
    tolerance_m = draw(st.sampled_from([None, 0.0, 3.0]))
    return Town(network, stations, walk, drawn(network, stations, walk, tolerance_m))


def drawn(network: Network, stations: Stations, walk: Walk, tolerance_m: float | None = None) -> Isochrones:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        return isochrone_bands(network, stations, walk, tolerance_m=tolerance_m)


@law
@given(towns())
def test_outlines_are_valid_and_each_band_lies_strictly_within_the_next(town: Town) -> None:
    assert town.outlines.is_valid.all()
    assert not town.outlines.is_empty.any()
    for _, own in town.outlines.geometry.groupby(level="station_id"):
        assert list(own.index) == sorted(own.index)
        for shorter, longer in itertools.pairwise(own):
            assert longer.contains_properly(shorter)
            assert shorter.area < longer.area


@law
@given(towns())
def test_a_corner_of_the_raster_is_inside_exactly_when_its_walk_is_within_the_band(town: Town) -> None:
    network, walk = town.network, town.walk
    corners = corners_around(town)
    homes = link_points(network, corners, walk.max_link_m)
    doors = link_points(network, shapely.get_coordinates(town.stations.geometry), walk.max_link_m)
    times = walk_times(network, doors, homes, walk.pace_mps, walk.bands[-1] * 60)
    seconds, stored = times.toarray(), sp.csr_array((np.ones(times.nnz), times.indices, times.indptr), times.shape).toarray()
    clear_of_the_link = ~np.isclose(homes.link_m, walk.max_link_m, atol=1e-3)
    for row, station in enumerate(town.stations.index):
        for band in walk.bands:
            within = (stored[row] == 1) & (seconds[row] <= band * 60)
            clear = clear_of_the_link & ~np.isclose(seconds[row], band * 60, atol=1e-3)
            outline = town.outlines.geometry.get((station, band), shapely.Polygon())
            shapely.prepare(outline)
            assert (shapely.contains_xy(outline, *corners.T) == within)[clear].all()


def corners_around(town: Town) -> np.ndarray:
    """The corners of the raster as far as anybody may come."""
    first_m, last_m = (band * 60 * town.walk.pace_mps for band in (town.walk.bands[0], town.walk.bands[-1]))
    cell_m = raster_cell_m(first_m, town.walk.max_link_m)
    low = np.floor((town.stations.total_bounds[:2] - last_m) / cell_m) - 2
    high = np.ceil((town.stations.total_bounds[2:] + last_m) / cell_m) + 3
    across, up = np.arange(low[0], high[0]), np.arange(low[1], high[1])
    return np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2) * cell_m


@law
@given(towns())
def test_half_the_minutes_at_twice_the_speed_is_the_same_outline(town: Town) -> None:
    hurried = Walk(speed_mps=2.0, bands=tuple(band / 2 for band in town.walk.bands), max_link_m=town.walk.max_link_m)
    calm, fast = (drawn(town.network, town.stations, walk, 0.0) for walk in (town.walk, hurried))
    assert len(calm) == len(fast)
    apart = shapely.hausdorff_distance(calm.geometry.to_numpy(), fast.geometry.to_numpy())
    assert (apart < 1.0).all()  # float32 seconds may put a crossing into the next sixteenth of a cell


@law
@given(towns(), st.integers(0, 9999))
def test_the_order_of_streets_and_stations_never_matters(town: Town, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = town.network
    new = rng.permutation(len(network.node_xy))  # old node i becomes new[i]
    xy, ids = np.empty_like(network.node_xy), np.empty_like(network.node_id)
    xy[new], ids[new] = network.node_xy, network.node_id
    mixed = Network.from_segments(xy, rng.permutation(new[network.ends])[:, ::-1], crs=network.crs, node_id=ids)
    again = drawn(mixed, town.stations.iloc[::-1], town.walk, None).geometry.reindex(town.outlines.index)
    before = drawn(network, town.stations, town.walk, None).geometry
    assert before.to_wkb().tolist() == again.to_wkb().tolist()


@law
@given(towns())
def test_no_single_outline_reaches_beyond_their_union_and_zones_split_it(town: Town) -> None:
    assume(len(town.outlines))
    band = town.outlines.index.get_level_values("minutes").max()
    union = reached_area(town.outlines, band)
    assert all(union.buffer(1e-6).covers(shape) for shape in town.outlines.geometry)
    west, south, east, north = union.bounds
    middle = (west + east) / 2
    halves = gpd.GeoDataFrame(
        {"population": [100.0, 100.0]},
        geometry=[shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)],
        index=pd.Index(["west", "east"], name="zone"),
        crs=town.outlines.crs,
    )
    shares = overlay_zones(town.outlines, halves).xs(band, level="minutes")["share"].to_numpy()
    np.testing.assert_allclose((shares * halves.area.to_numpy()).sum(), union.area, rtol=1e-9)
