"""Which residents have a station within the cutoff, how many, and how far the nearest one is."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.errors import Fault, TableError, say_faults
from planner.reach import Reach
from planner.schema import COVERAGE, Coverage, Demand

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

NOBODY = -1  # position of the nearest station of a point that has none; never leaves this module


def measure_coverage(reach: Reach, demand: Demand) -> Coverage:
    """Say of every demand point which stations it reaches: how many, the nearest, and how far that is.

    Parameters
    ----------
    reach
        Walking times within the cutoff from stations (facilities) to demand points, in seconds; absent means out of reach.
        A demand point that `reach` does not know has no station in reach.
    demand
        The demand points; their order and columns are kept.

    Returns
    -------
    COVERAGE: `demand` with ``nearest_station_id`` (missing where there is none; of stations equally near the one with the
    lowest id), ``nearest_walk_s`` (seconds), ``stations_in_reach`` and ``covered`` (at least one in reach).

    Raises
    ------
    TableError
        If `reach` has walks to points that are not in `demand`: those people would be lost.

    Notes
    -----
    Laws: one more station, a longer cutoff or a faster pace never uncovers anyone; the order of rows does not matter.
    Time and memory grow with the stored walks, not with stations times points.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, scipy.sparse as sp
    >>> from planner.schema import DEMAND
    >>> frame = {"demand_id": [7, 8], "population": [10.0, 20.0], "need": [10.0, 20.0]}
    >>> points = gpd.points_from_xy([0, 900], [0, 0])
    >>> demand = DEMAND.conform(gpd.GeoDataFrame(frame, geometry=points, crs="EPSG:32651"))
    >>> walks = sp.csr_array(([60.0, 30.0], ([0, 1], [0, 0])), shape=(2, 2), dtype="float32")
    >>> reach = Reach(pd.Index(["a", "b"]), demand.index, walks)
    >>> coverage = measure_coverage(reach, demand)
    >>> coverage.loc[7, "nearest_station_id"], coverage["stations_in_reach"].tolist(), coverage["covered"].tolist()
    ('b', [2, 0], [True, False])
    """
    walks = walks_onto(reach, demand)
    nearest, walk_s = nearest_of(walks, reach.facility_ids)
    counts = stations_in_reach(walks)
    names = pd.Series([*reach.facility_ids.astype("string"), pd.NA], dtype="string")  # position -1: no station
    table = demand.assign(
        nearest_station_id=names.take(nearest).array,
        nearest_walk_s=walk_s,
        stations_in_reach=counts,
        covered=counts > 0,
    )
    return cast("Coverage", COVERAGE.conform(table))


def walks_onto(reach: Reach, demand: Demand) -> sp.csr_array:
    """The walks of `reach` as a stations x demand matrix whose columns stand in the order of `demand`.

    Raises
    ------
    TableError
        If `reach` has walks to points that are not in `demand`.
    """
    walks: sp.csr_array = reach.walk_s
    if reach.demand_ids.equals(demand.index):
        return walks
    column = demand.index.get_indexer(reach.demand_ids)
    position = column[walks.indices]
    if (position < 0).any():
        lost = reach.demand_ids[np.unique(walks.indices[position < 0])]
        faults = [Fault("reach has walks to a point that is not in demand", "", row=str(key)) for key in lost]
        said = say_faults(faults)
        raise TableError(f"coverage: {said}; measure reach and coverage on the same demand", faults, "coverage")
    shape = (walks.shape[0], len(demand))
    return sp.csr_array((walks.data, position, walks.indptr), shape=shape)


def stations_in_reach(walks: sp.csr_array) -> Positions:
    """How many stations each column of a stations x demand matrix of walks holds; a stored 0 (at the door) counts."""
    return np.bincount(walks.indices, minlength=walks.shape[1]).astype(np.int64)


def nearest_of(walks: sp.csr_array, facility_ids: pd.Index) -> tuple[Positions, Floats]:
    """The nearest station of each column of a stations x demand matrix of walks.

    Returns
    -------
    The row of the nearest station (-1 where there is none; of those equally near the one with the lowest id) and the walk to it
    in seconds (NaN where there is none).
    """
    by_point = walks.tocsc()
    filled = np.flatnonzero(np.diff(by_point.indptr))
    nearest = np.full(walks.shape[1], NOBODY, dtype=np.int64)
    walk_s = np.full(walks.shape[1], np.nan)
    if not len(filled):
        return nearest, walk_s
    starts = by_point.indptr[filled]
    least = np.minimum.reduceat(by_point.data, starts)
    by_id = np.argsort(facility_ids.to_numpy(), kind="stable")
    rank = np.empty(len(by_id), dtype=np.int64)
    rank[by_id] = np.arange(len(by_id))
    is_least = by_point.data == np.repeat(least, np.diff(by_point.indptr)[filled])
    ranks = np.where(is_least, rank[by_point.indices], len(by_id))
    nearest[filled] = by_id[np.minimum.reduceat(ranks, starts)]
    walk_s[filled] = least
    return nearest, walk_s
