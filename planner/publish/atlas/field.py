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

MOST_LETTERS = 600_000
MOST_ALIKE_LETTERS = 500_000  # on top, for the nearest of each set of stations that every choice on the page takes alike
MOST_KNOWN = 64  # stations that are looked at from each point for that
MOST_POINTS = 250_000
SIDES_M = (25.0, 35.0, 50.0, 70.0, 100.0, 140.0, 200.0, 280.0, 400.0, 560.0, 800.0, 1600.0)
RANKS = 8  # so many of the nearest stations are known at each point
LEAST_HORIZON, MOST_HORIZON = 45.0, 240.0  # minutes; farther walks are not told
STEPS_A_SIDE = 10.0  # seconds are kept in steps of so much less than a side takes at 1 m/s
PROBES = 2000  # places that the error is measured at
LEAST_WEIGHT = 0.3  # a station that fewer of the points around a place know is not told there
METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, eq=False)
class Field:
    """Seconds to the nearest stations at the points of a grid of degrees.

    Parameters
    ----------
    south, west, step_lat, step_lon
        Degrees of the first point and between points.
    station
        (rows, columns, ranks) position of each point's stations, nearest first; -1 where there is none. After the first
        `RANKS` only those that are the nearest of their like.
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

    The finest grid of `SIDES_M` that fits into about 600 000 letters. ``stations`` and ``steps`` hold a string for each rank,
    row by row from the south-west: runs of (position + 1, length), and differences from the last known. ``error_s`` says
    within how many seconds half of the page's times are of the engine's, and 95 in 100, at places drawn from a fixed seed.

    `like` says for each of `order` what the page's choices see of it: stations of one value pass every choice together. The
    nearest of each value is then known at every point besides the `RANKS` nearest, so that the nearest station of any
    choice is; ``alike`` says whether that fitted into `MOST_ALIKE_LETTERS`.
    """
    if not len(stations):
        return None
    horizon = min(max(LEAST_HORIZON, 3 * walk.minutes), MOST_HORIZON)
    far = replace(walk, minutes=horizon, towns={town: replace(own, minutes=horizon) for town, own in walk.towns.items()})
    area = shapely.union_all(towns.geometry.to_numpy())
    shapely.prepare(area)
    doors = stations.loc[list(order)]
    for side in [side for side in SIDES_M if area.area / side**2 <= MOST_POINTS] or SIDES_M[-1:]:
        field = _measure(network, towns, area, doors, far, side, RANKS)
        packed = _pack(field)
        if _letters(packed) <= MOST_LETTERS:
            break
    every = len(doors) <= RANKS
    if like is not None and not every:
        known = _measure(network, towns, area, doors, far, side, min(len(doors), MOST_KNOWN))
        more = _pack(_with_alike(known, like))
        every = _letters(more) <= _letters(packed) + MOST_ALIKE_LETTERS and len(doors) <= MOST_KNOWN
        packed = more if every else packed
    packed |= {"alike": every, "ranks": RANKS}
    own = {town: walk.for_town(town).minutes for town in walk.towns}
    return packed | {"cutoff": walk.minutes, "cutoffs": own, "error_s": _errors(field, network, towns, area, doors, far)}


def _measure(network: Network, towns: Towns, area: Any, doors: Stations, walk: Walk, side: float, most: int) -> Field:
    """Ask the engine at every grid point within a side of the towns for the `most` nearest stations."""
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
    found = nearest_facilities(network, doors, near, walk, most)
    station = np.full((rows * columns, most), -1, dtype=np.int64)
    steps = np.zeros((rows * columns, most), dtype=np.int64)
    step_s = side / STEPS_A_SIDE
    point, rank = found.index.get_level_values(0).to_numpy(), found.index.get_level_values(1).to_numpy() - 1
    station[point, rank] = doors.index.get_indexer(pd.Index(found["station_id"].to_numpy()))
    steps[point, rank] = np.round(found["walk_s"].to_numpy(dtype=float) / step_s)
    shape = (rows, columns, most)
    grids = station.reshape(shape), steps.reshape(shape)
    return Field(first_lat, first_lon, up, over, *grids, side, step_s, walk.minutes)


def _table(points: Floats, towns: Towns) -> gpd.GeoDataFrame:
    """Latitudes and longitudes as demand points, with the town whose residents' walk decides."""
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", towns.crs, always_xy=True)
    x, y = to_metres.transform(points[:, 1], points[:, 0])
    places = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=towns.crs)
    town: npt.NDArray[np.object_] = np.full(len(places), None, dtype=object)
    which, who = towns.sindex.query(places.to_numpy(), predicate="intersects")
    town[which[::-1]] = towns.index.to_numpy()[who[::-1]]
    return gpd.GeoDataFrame({"town": town}, geometry=places)


def _with_alike(field: Field, like: Sequence[Hashable]) -> Field:
    """Of all stations known at each point the `RANKS` nearest, and after them each that is the first of its like."""
    codes = pd.factorize(pd.Series(list(like), dtype=object))[0]
    depth = field.station.shape[2]
    station, steps = field.station.reshape(-1, depth), field.steps.reshape(-1, depth)
    kind = np.where(station >= 0, codes[station], -1)
    keep = station >= 0
    for rank in range(RANKS, depth):
        keep[:, rank] &= ~(kind[:, :rank] == kind[:, rank, None]).any(axis=1)
    last = keep.sum(axis=1).max(initial=1)
    first = np.argsort(~keep, axis=1, kind="stable")[:, :last]
    kept = np.take_along_axis(keep, first, axis=1)
    told = np.where(kept, np.take_along_axis(station, first, axis=1), -1)
    walked = np.where(kept, np.take_along_axis(steps, first, axis=1), 0)
    shape = (*field.station.shape[:2], int(last))
    return replace(field, station=told.reshape(shape), steps=walked.reshape(shape))


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


def _errors(field: Field, network: Network, towns: Towns, area: Any, doors: Stations, walk: Walk) -> list[int]:
    """Within how many seconds of the engine's the field's nearest times are: for half of the places, and for 95 in 100."""
    rng = np.random.default_rng(len(doors))
    west, south, east, north = area.bounds
    xy = rng.uniform((west, south), (east, north), (PROBES, 2))
    xy = xy[shapely.contains_xy(area, xy)]
    points = lat_lon(xy, towns.crs)
    true = nearest_facilities(network, doors, _table(points, towns), walk, 1)
    told = field.read(points)
    off = []
    for place, seconds in zip(true.index.get_level_values(0), true["walk_s"].to_numpy(dtype=float), strict=True):
        if told[place]:
            off.append(abs(told[place][0][1] - seconds))
    return [int(np.ceil(q)) for q in np.quantile(off, [0.5, 0.95])] if off else [0, 0]
