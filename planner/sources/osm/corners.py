"""Street corners on a spacing, as candidates where no host premises are near."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import scipy  # its rooms load when they are first used
import shapely
from shapely.geometry.base import BaseGeometry

from planner.network import Network

WAYS = 3  # so many streets meet at a corner


def street_corners(network: Network, spacing_m: float, area: BaseGeometry, taken: npt.NDArray[np.float64]) -> gpd.GeoDataFrame:
    """Corners of the connected street network, thinned so that no two are nearer than the spacing.

    Parameters
    ----------
    spacing_m
        Least straight distance in metres between two corners, and between a corner and a place that is taken.
    area
        Corners in it, a (Multi)Polygon in the network's CRS.
    taken
        (places, 2) where host premises stand: they come first.

    Returns
    -------
    GeoDataFrame with ``node_id`` and points: where most streets meet first, then by the node's id. Corners of streets that do
    not hang together with the rest (an island) are left out.
    """
    degree = np.bincount(network.ends.ravel(), minlength=len(network.node_id))
    wanted = np.flatnonzero((degree >= WAYS) & (network.component == 0))
    xy = network.node_xy[wanted]
    wanted = wanted[shapely.contains_xy(area, xy[:, 0], xy[:, 1])]
    wanted = wanted[np.lexsort((network.node_id[wanted], -degree[wanted]))]
    kept = wanted[_thinned(network.node_xy[wanted], spacing_m, taken)]
    return gpd.GeoDataFrame(
        {"node_id": network.node_id[kept]}, geometry=shapely.points(network.node_xy[kept]), crs=network.crs
    ).sort_values("node_id", ignore_index=True)


def _thinned(xy: npt.NDArray[np.float64], spacing_m: float, taken: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points stay, the earlier before the later."""
    if not len(xy):
        return np.zeros(0, dtype=np.bool_)
    open_ = np.ones(len(xy), dtype=np.bool_)
    if len(taken):
        open_ = np.asarray(scipy.spatial.cKDTree(taken).query(xy)[0], dtype=np.float64) >= spacing_m
    tree, kept = scipy.spatial.cKDTree(xy), np.zeros(len(xy), dtype=np.bool_)
    for i in range(len(xy)):  # each choice bars its neighbours: no whole-column form
        if open_[i]:
            kept[i] = True
            near = np.array(tree.query_ball_point(xy[i], spacing_m))
            open_[near[np.hypot(*(xy[near] - xy[i]).T) < spacing_m]] = False
    return kept
