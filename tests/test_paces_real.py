"""Hills and bicycles on the streets of Porto Alegre: networkx is the second opinion, and outlines keep to the times."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from reach_truth import assert_same_times, dense, seconds_by_digraph

from planner.errors import PlannerWarning
from planner.isochrones import agreement, isochrone_bands
from planner.network import Network
from planner.reach import Streets, link_points, walk_times
from planner.sources.osm import read_osm_network
from planner.sources.terrain import with_terrain
from planner.study import Walk

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "porto-alegre"


@functools.cache
def hills() -> Network:
    if not (DATA / "poa_elevation.tif").exists():
        pytest.skip("the terrain of Porto Alegre is not here; it comes with the shared data beside the project")
    network = read_osm_network(DATA / "poa_osm.pbf", crs="EPSG:32722", bicycles=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # some streets lie beyond the raster
        return with_terrain(network, DATA / "poa_elevation.tif", "poa_elevation.tif")


@pytest.mark.shared
@pytest.mark.parametrize("profile", ["adult", "wheelchair", "bicycle"])
def test_times_to_the_station_on_real_hills_are_those_of_networkx(profile: str) -> None:
    network, rng = hills(), np.random.default_rng(5)
    walk = Walk(profile=profile, minutes=15, max_link_m=150)
    streets = Streets.of(network, walk.gait)
    stations = link_points(streets, network.node_xy[rng.choice(len(network.node_xy), 9)] + 9, 150)
    homes = link_points(streets, network.node_xy[rng.choice(len(network.node_xy), 3000)] + rng.normal(0, 30, (3000, 2)), 150)
    found = dense(walk_times(streets, stations, homes, walk.pace_mps, walk.cutoff_s))
    expected = seconds_by_digraph(network, stations, homes, walk)
    clear_s = walk.cutoff_s - 1e-3
    assert np.isfinite(found).sum() > 50
    assert_same_times(np.where(found < clear_s, found, np.inf), np.where(expected < clear_s, expected, np.inf))
    back = dense(walk_times(streets, homes, stations, walk.pace_mps, walk.cutoff_s)).T
    both = np.isfinite(found) & np.isfinite(back)
    assert np.abs(found[both] - back[both]).mean() > 5  # seconds: up is not down


@pytest.mark.shared
@pytest.mark.parametrize("profile", ["adult", "bicycle"])
def test_outlines_on_real_hills_keep_to_the_times(profile: str) -> None:
    network, rng = hills(), np.random.default_rng(6)
    walk = Walk(profile=profile, bands=(5, 10, 15))
    xy = network.node_xy[rng.choice(len(network.node_xy), 20)]
    stations = gpd.GeoDataFrame({"name": ["S"] * 20}, geometry=gpd.points_from_xy(*xy.T), crs=network.crs)
    stations.index = [f"s{i}" for i in range(20)]
    stations.index.name = "station_id"
    found = agreement(isochrone_bands(network, stations, walk), network, stations, walk, samples=400)
    assert (found[["precision", "recall"]] >= 0.98).all(axis=None)
