"""Walking minutes from anywhere to the nearest stations, as a grid that a page carries and reads without a network.

The engine measures the walk from every grid point; the page interpolates between the four points around a place. How far that
is off is measured on places of its own each time, and stands on the page.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from planner.network import Network
from planner.publish.atlas.shapes import Floats, Ints, lat_lon, pack_numbers
from planner.reach import nearest_facilities
from planner.schema import Stations, Towns
from planner.study import Walk

MOST_LETTERS = 900_000
MOST_ALIKE_LETTERS = 400_000  # on top, for the nearest of each set of stations that every choice on the page takes alike
FEW, SURELY_TOO_MANY = 3, 1.3  # so many of the sets are tried first, and so many times as many letters are not tried
MOST_TRIED = 12  # of these sets whose error is measured
MOST_POINTS = 250_000
SIDES_M = (25.0, 35.0, 50.0, 70.0, 100.0, 140.0, 200.0, 280.0, 400.0, 560.0, 800.0, 1600.0)
RANKS = 8  # so many of the nearest stations are known at each point
LEAST_HORIZON, MOST_HORIZON = 45.0, 240.0  # minutes; farther walks are not told
STEPS_A_SIDE = 10.0  # seconds are kept in steps of so much less than a side takes at 1 m/s
PROBES = 2000  # places that the error is measured at
LEAST_WEIGHT = 0.3  # a station that fewer of the points around a place know is not told there
MOST_APART_S = 180  # where the points around a place are farther apart than this, the page tells the shortest and the longest
METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, eq=False)
class Field:
    """Seconds to the nearest stations at the points of a grid of degrees.

    Parameters
    ----------
    south, west, step_lat, step_lon
        Degrees of the first point and between points.
    station
        (rows, columns, ranks) position of each point's stations, -1 where there is none: the nearest first, or the nearest of
        each set.
    steps
        Their walking times in steps of `step_s` seconds.
    side_m, step_s, horizon_min
        Metres between points, seconds a step, and the longest walk that is told in minutes.
    """

    south: float
    west: float
    step_lat: float
    step_lon: float
    station: Ints
    steps: Ints
    side_m: float
    step_s: float
    horizon_min: float

    def read(self, points: Floats) -> list[list[tuple[int, float]]]:
        """For each latitude and longitude the stations known there with their seconds, nearest first: what the page does.

        A station's time is the mean over those of the four grid points around that know it, weighted by nearness.
        """
        rows, columns = self.station.shape[:2]
        across = (points - (self.south, self.west)) / (self.step_lat, self.step_lon)
        first = np.floor(across).astype(np.int64)
        part = across - first
        found = []
        for (row, column), (up, right) in zip(first.tolist(), part.tolist(), strict=True):
            sums: dict[int, tuple[float, float]] = {}
            for i, j in ((i, j) for i in (0, 1) for j in (0, 1) if 0 <= row + i < rows and 0 <= column + j < columns):
                weight = (up if i else 1 - up) * (right if j else 1 - right)
                for one, steps in zip(self.station[row + i, column + j], self.steps[row + i, column + j], strict=True):
                    if one >= 0:
                        known, seconds = sums.get(int(one), (0.0, 0.0))
                        sums[int(one)] = known + weight, seconds + weight * steps * self.step_s
            told = [(one, seconds / weight) for one, (weight, seconds) in sums.items() if weight >= LEAST_WEIGHT]
            found.append(sorted(told, key=lambda pair: (pair[1], pair[0])))
        return found


def draw_field(
    network: Network,
    towns: Towns,
    stations: Stations,
    walk: Walk,
    order: Sequence[str],
    like: Sequence[Hashable] | None = None,
) -> dict[str, Any] | None:
    """The field of the page's stations (`order`: their ids as the page lists them), packed; None without stations.

    The finest grid of `SIDES_M` that fits into about 900 000 letters. ``stations`` and ``steps`` hold a string for each rank,
    row by row from the south-west: runs of (position + 1, length), and differences from the last known. ``error_s`` says
    within how many seconds half of the page's times are of the engine's, and 95 in 100, at places drawn from a fixed seed.

    `like` says for each of `order` what the page's choices see of it: stations of one value pass every choice together. With
    more stations than `RANKS`, ``alike`` is a second, coarser field of the nearest of each value, so that the nearest station
    of any choice is known however many are nearer. It is None where it is not needed or does not fit into
    `MOST_ALIKE_LETTERS`; ``complete`` says whether the nearest of any choice is known.
    """
    if not len(stations):
        return None
    horizon = min(max(LEAST_HORIZON, 3 * walk.minutes), MOST_HORIZON)
    far = replace(walk, minutes=horizon, towns={town: replace(own, minutes=horizon) for town, own in walk.towns.items()})
    area = shapely.union_all(towns.geometry.to_numpy())
    shapely.prepare(area)
    doors = stations.loc[list(order)]
    for side in [side for side in SIDES_M if area.area / side**2 <= MOST_POINTS] or SIDES_M[-1:]:
        field = _measure(network, towns, area, doors, far, side)
        packed = _pack(field)
        if _letters(packed) <= MOST_LETTERS:
            break
    own = {town: walk.for_town(town).minutes for town in walk.towns}
    errors = _errors(field, network, towns, area, [doors], far)
    packed |= {"ranks": RANKS, "cutoff": walk.minutes, "cutoffs": own, "error_s": errors, "alike": None}
    if like is not None and len(doors) > RANKS:
        packed["alike"] = _draw_alike(network, towns, area, doors, _sets(doors, like), far, side)
    return packed | {"complete": len(doors) <= RANKS or packed["alike"] is not None}


def _sets(doors: Stations, like: Sequence[Hashable]) -> list[Stations]:
    """The stations of each value of `like`, in the order of their first."""
    codes = pd.factorize(pd.Series(list(like), dtype=object))[0]
    return [Stations(doors[codes == code]) for code in range(codes.max() + 1)]


def _draw_alike(
    network: Network, towns: Towns, area: Any, doors: Stations, sets: Sequence[Stations], walk: Walk, finest: float
) -> dict[str, Any] | None:
    """The field of the nearest of each set of `doors`, packed, on the finest grid that fits; None where none does."""
    few = sets[:: -(-len(sets) // FEW)]
    for side in [side for side in SIDES_M if side >= finest]:
        grid = _Grid.over(towns, area, side)
        sample = sum(_letters(_pack(grid.measured(network, own, walk, 1, among=doors))) for own in few)
        if sample * len(sets) > SURELY_TOO_MANY * MOST_ALIKE_LETTERS * len(few):
            continue
        parts = [grid.measured(network, own, walk, 1, among=doors) for own in sets]
        field = replace(
            parts[0],
            station=np.concatenate([part.station for part in parts], axis=2),
            steps=np.concatenate([part.steps for part in parts], axis=2),
        )
        packed = _pack(field)
        if _letters(packed) <= MOST_ALIKE_LETTERS:
            tried = sets[:: -(-len(sets) // MOST_TRIED)]
            return packed | {"error_s": _errors(field, network, towns, area, tried, walk, among=doors)}
    return None


@dataclass(frozen=True, eq=False)
class _Grid:
    """Points of degrees over the towns, those within a side of them as demand points."""

    south: float
    west: float
    step_lat: float
    step_lon: float
    rows: int
    columns: int
    near: gpd.GeoDataFrame
    side_m: float

    @classmethod
    def over(cls, towns: Towns, area: Any, side: float) -> _Grid:
        west, south, east, north = area.bounds
        corners = lat_lon([(west, south), (east, north), (west, north), (east, south)], towns.crs)
        (low, left), (high, right) = corners.min(axis=0), corners.max(axis=0)
        up = side / METRES_A_DEGREE
        over = float(up / np.cos(np.radians((low + high) / 2)))
        rows, columns = int(np.ceil((high - low) / up)) + 2, int(np.ceil((right - left) / over)) + 2
        first_lat, first_lon = round(float(low - up / 2), 6), round(float(left - over / 2), 6)
        lat, lon = np.meshgrid(first_lat + up * np.arange(rows), first_lon + over * np.arange(columns), indexing="ij")
        at = _table(np.column_stack([lat.ravel(), lon.ravel()]), towns)
        near = at[shapely.dwithin(at.geometry.to_numpy(), area, 1.5 * side)]
        return cls(first_lat, first_lon, up, over, rows, columns, near, side)

    def measured(self, network: Network, doors: Stations, walk: Walk, most: int, among: gpd.GeoDataFrame) -> Field:
        """Ask the engine at every point for the `most` nearest of `doors`, told by their positions in `among`."""
        found = nearest_facilities(network, doors, self.near, walk, most)
        station = np.full((self.rows * self.columns, most), -1, dtype=np.int64)
        steps = np.zeros((self.rows * self.columns, most), dtype=np.int64)
        step_s = self.side_m / STEPS_A_SIDE
        point, rank = found.index.get_level_values(0).to_numpy(), found.index.get_level_values(1).to_numpy() - 1
        station[point, rank] = among.index.get_indexer(pd.Index(found["station_id"].to_numpy()))
        steps[point, rank] = np.round(found["walk_s"].to_numpy(dtype=float) / step_s)
        shape = (self.rows, self.columns, most)
        degrees = self.south, self.west, self.step_lat, self.step_lon
        return Field(*degrees, station.reshape(shape), steps.reshape(shape), self.side_m, step_s, walk.minutes)


def _measure(network: Network, towns: Towns, area: Any, doors: Stations, walk: Walk, side: float) -> Field:
    """The field of the `RANKS` nearest stations."""
    return _Grid.over(towns, area, side).measured(network, doors, walk, RANKS, among=doors)


def _table(points: Floats, towns: Towns) -> gpd.GeoDataFrame:
    """Latitudes and longitudes as demand points, with the town whose residents' walk decides."""
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", towns.crs, always_xy=True)
    x, y = to_metres.transform(points[:, 1], points[:, 0])
    places = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=towns.crs)
    town: npt.NDArray[np.object_] = np.full(len(places), None, dtype=object)
    which, who = towns.sindex.query(places.to_numpy(), predicate="intersects")
    town[which[::-1]] = towns.index.to_numpy()[who[::-1]]
    return gpd.GeoDataFrame({"town": town}, geometry=places)


def _letters(packed: Mapping[str, Any]) -> int:
    return sum(map(len, (*packed["stations"], *packed["steps"])))


def _pack(field: Field) -> dict[str, Any]:
    ranks = field.station.shape[2]
    station = field.station.reshape(-1, ranks) + 1
    steps = field.steps.reshape(-1, ranks)
    return {
        "south": field.south,
        "west": field.west,
        "step_lat": round(field.step_lat, 12),
        "step_lon": round(field.step_lon, 12),
        "rows": field.station.shape[0],
        "columns": field.station.shape[1],
        "side_m": field.side_m,
        "step_s": field.step_s,
        "horizon": field.horizon_min,
        "least_weight": LEAST_WEIGHT,
        "most_apart": MOST_APART_S,
        "stations": [pack_numbers(_runs(station[:, rank])) for rank in range(ranks)],
        "steps": [pack_numbers(np.diff(steps[station[:, rank] > 0, rank], prepend=0)) for rank in range(ranks)],
    }


def _runs(values: Ints) -> Ints:
    """A sequence as value, length, value, length …

    >>> _runs(np.array([7, 7, 0])).tolist()
    [7, 2, 0, 1]
    """
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(values)]]))
    return np.column_stack([values[starts], lengths]).ravel()


def _errors(
    field: Field,
    network: Network,
    towns: Towns,
    area: Any,
    sets: Sequence[Stations],
    walk: Walk,
    among: gpd.GeoDataFrame | None = None,
) -> list[int]:
    """Within how many seconds of the engine's the times of the nearest of each set are: for half of the places, for 95 in 100.

    `among` is the table that the field's positions are of; without it that of the one set.
    """
    known = sets[0] if among is None else among
    rng = np.random.default_rng(len(known))
    west, south, east, north = area.bounds
    xy = rng.uniform((west, south), (east, north), (PROBES, 2))
    xy = xy[shapely.contains_xy(area, xy)][:: -(-len(sets) // 4)]
    points = lat_lon(xy, towns.crs)
    places, told = _table(points, towns), field.read(points)
    off = []
    for doors in sets:
        own = set(known.index.get_indexer(doors.index).tolist())
        true = nearest_facilities(network, doors, places, walk, 1)
        for place, seconds in zip(true.index.get_level_values(0), true["walk_s"].to_numpy(dtype=float), strict=True):
            near = next((walked for one, walked in told[place] if one in own), None)
            if near is not None:
                off.append(abs(near - seconds))
    return [int(np.ceil(q)) for q in np.quantile(off, [0.5, 0.95])] if off else [0, 0]
