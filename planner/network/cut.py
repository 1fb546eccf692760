"""A part of a network: the segments that touch a frame, in the order they had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from planner.network.model import Network, connected_parts


def cut_network(network: Network, frame: BaseGeometry) -> Network:
    """The segments of `network` that touch `frame`, with their nodes.

    Unlike a network built anew, nodes and segments keep their order, so that whatever is measured far enough inside the frame
    is the same to the last bit. May be without any segment.

    Parameters
    ----------
    network
        The whole.
    frame
        A polygon in its CRS.

    Examples
    --------
    >>> line = Network.from_segments([[0, 0], [60, 0], [100, 0]], [[0, 1], [1, 2]], crs="EPSG:32651")
    >>> cut_network(line, shapely.box(-1, -1, 30, 1)).node_xy.tolist()
    [[0.0, 0.0], [60.0, 0.0]]
    """
    lines = np.asarray(shapely.linestrings(network.node_xy[network.ends]), dtype=object)
    kept = np.zeros(len(lines), dtype=np.bool_)
    kept[shapely.STRtree(lines).query(frame, predicate="intersects")] = True
    used = np.zeros(len(network.node_xy), dtype=np.bool_)
    used[network.ends[kept]] = True
    place = np.cumsum(used) - 1
    ends = place[network.ends[kept]].astype(network.ends.dtype)
    length_m = network.length_m[kept]
    component, component_length_m = connected_parts(int(used.sum()), ends.astype(np.int64), length_m)
    return replace(
        network,
        node_xy=network.node_xy[used],
        node_id=network.node_id[used],
        ends=ends,
        length_m=length_m,
        flags=network.flags[kept],
        component=component,
        component_length_m=component_length_m,
        height_m=None if network.height_m is None else network.height_m[used],
    )
