"""Whether the picture agrees with the times: a measurement anyone can make on their own city."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner.isochrones.bands import station_walks
from planner.network import Floats, Network
from planner.reach import Links, Streets, link_points, walk_times
from planner.reach.tables import points_of
from planner.schema import Isochrones, Stations
from planner.study import MINUTE_S, Walk

MARGIN_M = 200.0  # sampled around an outline, so that what it misses is found


def agreement(
    isochrones: Isochrones,
    network: Network | Streets,
    stations: Stations,
    walk: Walk,
    *,
    samples: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> pd.DataFrame:
    """Compare outlines with walking times at places thrown at random, band by band.

    Around each outline `samples` places are thrown evenly over its bounding box grown by 200 m. Each is asked twice: does it
    lie in the outline, and is the walk from there, measured by `planner.reach.walk_times`, within the band?

    Parameters
    ----------
    isochrones
        Outlines of `stations` by `isochrone_bands`, or by anything else that draws them: to be compared with ours.
    network, stations, walk
        What they were drawn from.
    samples
        Places for each station and band, > 0.
    seed
        Of the random numbers; the same seed gives the same places.
    threads
        How many threads; never changes the result.

    Returns
    -------
    A table with index ``minutes``: ``precision`` (of the places inside, the share within reach), ``recall`` (of the places
    within reach, the share inside), ``agreement`` (of all places, the share where both say the same) and ``places``, over all
    stations. A share of nothing is missing (NaN).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from planner.isochrones import isochrone_bands
    >>> street = Network.from_segments([[0, 0], [1000, 0]], [[0, 1]], crs="EPSG:32651")
    >>> station = gpd.GeoDataFrame(
    ...     {"station_id": ["s"], "name": ["S"]}, geometry=gpd.points_from_xy([100.0], [0.0]), crs="EPSG:32651"
    ... ).set_index("station_id")
    >>> stroll = Walk(speed_mps=1.0, max_link_m=60, bands=(5,))
    >>> found = agreement(isochrone_bands(street, station, stroll), street, station, stroll)
    >>> bool((found[["precision", "recall", "agreement"]] > 0.98).all(axis=None))
    True
    """
    points_of(network, stations, "stations")
    drawn = isochrones.geometry.to_dict()
    minutes = np.unique(isochrones.index.get_level_values("minutes").to_numpy(dtype=np.float64))
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(minutes), 4), dtype=np.int64)  # in both, only inside, only within reach, in neither
    for own, rows in station_walks(stations, walk):
        streets = Streets.for_walk(network, own)
        doors = link_points(streets, shapely.get_coordinates(stations.geometry)[rows], walk.max_link_m, walk=own)
        for k, row in enumerate(rows):  # stations in turn: each has its own places
            for b, band in enumerate(minutes):
                outline = drawn.get((stations.index[row], band))
                if outline is not None:
                    places = _places(outline.bounds, samples, rng)
                    reached = _reached(streets, doors.take(np.array([k])), places, own, float(band), threads)
                    shapely.prepare(outline)
                    inside = shapely.intersects_xy(outline, places[:, 0], places[:, 1])
                    counts[b] += np.bincount((~inside) * 2 + (~reached), minlength=4)
    return _shares(counts, minutes)


def _places(bounds: tuple[float, float, float, float], samples: int, rng: np.random.Generator) -> Floats:
    low, high = np.array(bounds[:2]) - MARGIN_M, np.array(bounds[2:]) + MARGIN_M
    return rng.uniform(low, high, (samples, 2))


def _reached(
    streets: Streets, door: Links, places: Floats, walk: Walk, minutes: float, threads: int | None
) -> npt.NDArray[np.bool_]:
    links = link_points(streets, places, walk.max_link_m, walk=walk, threads=threads)
    times = walk_times(streets, door, links, walk.pace_mps, minutes * MINUTE_S, threads=threads)
    reached = np.zeros(len(places), dtype=np.bool_)
    reached[times.indices] = True
    return reached


def _shares(counts: npt.NDArray[np.int64], minutes: Floats) -> pd.DataFrame:
    both, only_inside, only_reached, neither = counts.T.astype(np.float64)
    places = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        columns = {
            "precision": both / (both + only_inside),
            "recall": both / (both + only_reached),
            "agreement": (both + neither) / places,
        }
    return pd.DataFrame(columns, index=pd.Index(minutes, name="minutes")).assign(places=places)
