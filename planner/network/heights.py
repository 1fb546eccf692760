"""Heights of nodes that nobody measured: bridges, tunnels, and where a terrain ends."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from planner.network.arrays import EdgeFlag, Floats
from planner.network.model import Network


def on_the_ground(network: Network, height_m: Floats) -> Floats:
    """Heights of the streets out of the heights of the ground: a bridge does not dip into the valley it crosses.

    Parameters
    ----------
    height_m
        (nodes,) metres of the ground at each node; NaN where they are not known.

    Returns
    -------
    (nodes,) metres, finite. Nodes in the middle of bridges and tunnels (all their segments are ``ALOFT``) and those that are
    not known lie between their neighbours: evenly, by the metres to each. A part without any known height is level.

    Examples
    --------
    A bridge from bank to bank, both at 10 m, over a river at 2 m:

    >>> bits = [int(EdgeFlag.ALOFT)] * 2
    >>> bridge = Network.from_segments([[0, 0], [50, 0], [100, 0]], [[0, 1], [1, 2]], crs="EPSG:32651", flags=bits)
    >>> on_the_ground(bridge.with_heights(None), np.array([10.0, 2.0, 12.0])).tolist()
    [10.0, 11.0, 12.0]
    """
    ends, count = network.ends, len(network.node_id)
    aloft = (network.flags & EdgeFlag.ALOFT) > 0
    on_ground = np.zeros(count, dtype=np.bool_)
    on_ground[ends[~aloft]] = True
    alone = np.bincount(ends.reshape(-1), minlength=count) == 1  # where a bridge ends at the edge of the extract
    known = np.isfinite(height_m) & (on_ground | alone)
    return _between(network, np.where(known, height_m, np.nan), height_m)


def _between(network: Network, height_m: Floats, ground_m: Floats) -> Floats:
    """Fill what is not known: each such node is the mean of its neighbours, the nearer the more."""
    from scipy.sparse.csgraph import connected_components  # late: a tenth of a second that most questions do without
    from scipy.sparse.linalg import spsolve

    ends, weight, count = network.ends, 1 / network.length_m, len(height_m)
    unknown = np.isnan(height_m)
    if not unknown.any():
        return height_m
    both = np.concatenate([ends, ends[:, ::-1]])
    links = sp.coo_array((np.concatenate([weight, weight]), (both[:, 0], both[:, 1])), shape=(count, count)).tocsr()
    _, part = connected_components(links, directed=False)
    lost = ~np.isin(part, part[~unknown])  # nothing is known in the whole part
    level = float(np.nanmean(ground_m)) if np.isfinite(ground_m).any() else 0.0
    filled = np.where(lost, level, height_m)
    open_ = np.flatnonzero(np.isnan(filled))
    if len(open_):
        rows = links[open_]
        total = sp.diags_array(np.asarray(rows.sum(axis=1)).reshape(-1))
        inner = (total - rows[:, open_]).tocsc()
        filled[open_] = spsolve(inner, rows @ np.nan_to_num(filled))
    return np.asarray(filled, dtype=np.float64)
