"""What of a network touches an area."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from planner.network import Floats, Ids, Network


def touching(xy: Floats, ends: Ids, frame: BaseGeometry | None) -> npt.NDArray[np.bool_]:
    """Which straight segments (ends are positions into `xy`) touch the frame; all of them where there is none.

    >>> square = shapely.box(0, 0, 10, 10)
    >>> xy = np.array([[-5.0, 5.0], [15.0, 5.0], [-5.0, 20.0]])
    >>> touching(xy, np.array([[0, 1], [0, 2]]), square).tolist()
    [True, False]
    """
    if frame is None:
        return np.ones(len(ends), dtype=bool)
    shapely.prepare(frame)
    within = np.asarray(shapely.contains_xy(frame, xy[:, 0], xy[:, 1]), dtype=bool)
    inside = cast(npt.NDArray[np.bool_], within[ends].any(axis=1))
    west, south, east, north = frame.bounds
    low, high = xy[ends].min(axis=1), xy[ends].max(axis=1)
    near = ~inside & (high >= [west, south]).all(axis=1) & (low <= [east, north]).all(axis=1)
    inside[near] = shapely.intersects(frame, shapely.linestrings(xy[ends[near]]))
    return inside


def clipped(network: Network, frame: BaseGeometry) -> Network | None:
    """The network's segments that touch the frame; None if there are none."""
    kept = touching(network.node_xy, network.ends.astype(np.int64), frame)
    if not kept.any():
        return None
    return Network.from_segments(
        network.node_xy,
        network.ends[kept],
        crs=network.crs,
        length_m=network.length_m[kept],
        node_id=network.node_id,
        flags=network.flags[kept],
        report=network.report,
    )
