"""Small towns whose every number is arithmetic: 100 m blocks, 1 m/s."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from shapely.geometry import Point

from planner.network import Network
from planner.schema import DEMAND, STATIONS, Demand, Stations
from planner.study import Walk

CRS = "EPSG:32651"  # UTM 51N; the lattice lies at its false origin, where numbers are round
BLOCK_M = 100.0


def lattice(side: int = 11, block_m: float = BLOCK_M, crs: str = CRS) -> Network:
    """A square of `side` x `side` corners, `block_m` apart, corner (0, 0) at the south-west."""
    xy = [(block_m * i, block_m * j) for i in range(side) for j in range(side)]
    east = [(i * side + j, (i + 1) * side + j) for i in range(side - 1) for j in range(side)]
    north = [(i * side + j, i * side + j + 1) for i in range(side) for j in range(side - 1)]
    return Network.from_segments(xy, east + north, crs=crs)


def corners(side: int = 11, block_m: float = BLOCK_M) -> list[tuple[float, float]]:
    return [(block_m * i, block_m * j) for i in range(side) for j in range(side)]


def stations_at(
    *places: tuple[float, float], names: list[str] | None = None, crs: str = CRS, **columns: list[object]
) -> Stations:
    """Stations s0, s1 … at places in metres."""
    ids = [f"s{i}" for i in range(len(places))]
    frame = gpd.GeoDataFrame(
        {"station_id": ids, "name": names or [f"Station {i}" for i in range(len(places))], **columns},
        geometry=[Point(place) for place in places],
        crs=crs,
    )
    return STATIONS.conform(frame)


def demand_at(
    places: list[tuple[float, float]], population: list[float] | float = 1.0, crs: str = CRS, **columns: list[object]
) -> Demand:
    """Demand points 0, 1 … at places in metres; need is the population unless given."""
    people = np.broadcast_to(np.asarray(population, dtype=float), (len(places),))
    frame = gpd.GeoDataFrame(
        {"demand_id": np.arange(len(places)), "population": people, "need": people, **columns},
        geometry=[Point(place) for place in places],
        crs=crs,
    )
    return DEMAND.conform(frame)


STROLL = Walk(minutes=5, speed_mps=1.0, bands=(2.0, 5.0), max_link_m=60.0)
