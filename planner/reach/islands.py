"""Who lives on streets that are not joined to the rest."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from planner.network import Floats, Network
from planner.reach.grid import Bools
from planner.reach.links import link_points
from planner.reach.streets import Streets
from planner.reach.tables import points_of, walks_of
from planner.study import Walk


class Islands(NamedTuple):
    """Which of some places are on parts of the streets that are not joined to the largest, and on how many such parts."""

    off: Bools
    parts: int  # on which somebody of them is linked, those of all ways of walking together

    def said(self, people: Floats) -> str:
        """How many of the people live there, in words; empty if nobody does.

        >>> Islands(np.array([True, False]), 1).said(np.array([30.0, 90.0]))
        '30 residents (25.0%) live on 1 part(s) of the streets not joined to the largest one: they reach only what lies there'
        """
        off, total = float(people[self.off].sum()), float(people.sum())
        if off < 0.5:
            return ""
        where = f"live on {self.parts} part(s) of the streets not joined to the largest one"
        return f"{off:,.0f} residents ({off / total:.1%}) {where}: they reach only what lies there"


def find_islands(network: Network | Streets, xy: Floats, walk: Walk) -> Islands:
    """Find the places (n, 2) that are linked to a street of another part than the one with the most metres of street.

    For somebody who walks as `walk` says: what only steps join is apart for a wheelchair. Unlinked places are on no street, and
    on no island.

    Examples
    --------
    >>> two = Network.from_segments([[0, 0], [900, 0], [0, 99], [600, 99]], [[0, 1], [2, 3]], crs="EPSG:32651")
    >>> find_islands(two, np.array([[50.0, 10.0], [50.0, 90.0], [50.0, 999.0]]), Walk(max_link_m=60)).off.tolist()
    [False, True, False]
    """
    part = _apart(network, xy, walk)
    return Islands(part >= 0, len(np.unique(part[part >= 0])))


def _apart(network: Network | Streets, xy: Floats, walk: Walk) -> npt.NDArray[np.int64]:
    """The part of the streets that each place is linked to, called by its first segment, whoever walks; -1 on the largest."""
    streets = Streets.for_walk(network, walk)
    segment = link_points(streets, xy, walk.max_link_m).segment
    _, first, part = np.unique(streets.parts[0], return_index=True, return_inverse=True)
    return np.where((segment >= 0) & (streets.parts[0][segment] > 0), first[part[segment]], -1)


def islands_of(network: Network | Streets, demand: gpd.GeoDataFrame, walk: Walk) -> Islands:
    """Find the demand points that are linked to a street of another part than the one with the most metres of street.

    Parameters and errors as `travel_times`, town by town (column ``town``) where they walk differently. ``off`` is one flag a
    point, so ``demand.loc[found.off, "population"].sum()`` are the people there; ``parts`` is how many such parts there are.
    """
    xy = points_of(network, demand, "demand")
    part = np.full(len(xy), -1, dtype=np.int64)
    for own, rows in walks_of(demand, walk):
        part[rows] = _apart(network, xy[rows], own)
    return Islands(part >= 0, len(np.unique(part[part >= 0])))
