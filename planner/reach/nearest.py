"""The nearest facilities of every demand point, in one search from all facilities at once."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.errors import StudyError
from planner.network import Floats, Ints, Network
from planner.reach.compiled import compiled
from planner.reach.links import Links, link_points
from planner.reach.search import GRACE_M, Longs, by_number, from_corners, longest_s, placed, to_corners
from planner.reach.streets import Places, Streets
from planner.reach.tables import check_ids, points_of, walks_of
from planner.study import Walk

Whole = int | np.integer[Any]


class _Labels(NamedTuple):
    """For each of many places the k best (metres, facility) met so far, best first; -1 where there are fewer."""

    metres: Floats
    facility: Ints


class _Placed(NamedTuple):
    """Linked points: which they are, corners and metres from each (facilities) or to each (homes), and their place on their
    own way: metres from its start, and back to it."""

    who: Longs
    corners: Places
    metres: Floats
    way: Ints
    at_m: Floats
    link_m: Floats


def nearest_times(
    network: Network | Streets, facilities: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, walk: Walk
) -> pd.DataFrame:
    """Each demand point's nearest facility within the cutoff; of equally near ones that with the lowest id.

    The same times as `travel_times` gives, without the pairs: one search from all facilities at once.

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    facilities, demand
        Points in the network's CRS; their indexes are the ids.
    walk
        Cutoff (inclusive), pace, longest link, towns (the resident's town decides).

    Returns
    -------
    Index ``demand_id``; columns ``nearest_station_id`` and ``nearest_walk_s`` (seconds), missing where none is in reach.

    Raises
    ------
    CrsError, TableError
        As `travel_times`.

    Examples
    --------
    >>> from shapely import Point
    >>> street = Network.from_segments([[0, 0], [600, 0]], [[0, 1]], crs="EPSG:32651")
    >>> doors = gpd.GeoDataFrame(index=["a", "b"], geometry=[Point(0, 0), Point(600, 0)], crs="EPSG:32651")
    >>> home = gpd.GeoDataFrame(geometry=[Point(450, 0)], crs="EPSG:32651")
    >>> nearest_times(street, doors, home, Walk(minutes=5, speed_mps=1.0)).iloc[0].to_dict()
    {'nearest_station_id': 'b', 'nearest_walk_s': 150.0}
    """
    facility, seconds = _nearest(network, facilities, demand, walk, 1)
    none = facility[:, 0] < 0
    ids = facilities.index.astype("string").array.take(facility[:, 0], allow_fill=True)
    columns = {"nearest_station_id": ids, "nearest_walk_s": np.where(none, np.nan, seconds[:, 0])}
    return pd.DataFrame(columns, index=demand.index.rename("demand_id"))


def nearest_facilities(
    network: Network | Streets, facilities: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, walk: Walk, most: int
) -> pd.DataFrame:
    """Each demand point's nearest facilities within the cutoff, at most so many; equally near ones by their ids.

    Parameters and errors as `nearest_times`; `most` >= 1, else `StudyError`.

    Returns
    -------
    Index (``demand_id``, ``order``: 1 for the nearest); columns ``station_id`` and ``walk_s`` (seconds).
    """
    if most < 1:
        raise StudyError(f"most = {most}: nobody has so few facilities near; give 1 or more")
    facility, seconds = _nearest(network, facilities, demand, walk, most)
    row, order = np.nonzero(facility >= 0)
    index = pd.MultiIndex.from_arrays([demand.index[row], order + 1], names=["demand_id", "order"])
    ids = facilities.index[facility[row, order]].astype("string")
    return pd.DataFrame({"station_id": ids.array, "walk_s": seconds[row, order]}, index=index)


def _nearest(
    network: Network | Streets, facilities: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, walk: Walk, most: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Positions (-1: none) and seconds of the nearest facilities: (demand, most), nearest first."""
    facility_xy, demand_xy = points_of(network, facilities, "facilities"), points_of(network, demand, "demand")
    check_ids("reach", facilities.index, demand.index)
    by_id = np.argsort(facilities.index.to_numpy(), kind="stable")
    facility = np.full((len(demand), most), -1, dtype=np.int32)
    seconds = np.full((len(demand), most), np.inf, dtype=np.float32)
    for own, rows in walks_of(demand, walk):
        streets = Streets.for_walk(network, own)
        doors = _place(streets, link_points(streets, facility_xy[by_id], own.max_link_m), from_corners)
        homes = _place(streets, link_points(streets, demand_xy[rows], own.max_link_m), to_corners)
        limit_m = own.cutoff_s * own.pace_mps + GRACE_M
        corners = _spread_from_all(streets.arcs, doors, limit_m, most)
        found = _read(corners, doors, *by_number(doors.way, len(streets.way_m)), homes, limit_m, most)
        facility[rows[homes.who]] = found.facility
        seconds[rows[homes.who]] = np.minimum(found.metres / own.pace_mps, longest_s(own.cutoff_s))
    row_of = np.append(by_id, -1)  # nobody, where none is in reach
    return row_of[facility].astype(np.int32), seconds


def _place(streets: Streets, links: Links, corner_m: Callable[[Streets, Ints, Floats], Floats]) -> _Placed:
    who, way, at_m = placed(streets, links)
    link_m = links.link_m[who]
    metres = corner_m(streets, way, at_m) + link_m[:, None]
    return _Placed(who, streets.way_ends[way], metres, way, at_m, link_m)


@compiled
def _offer(labels: _Labels, where: Whole, metres: float, facility: Whole) -> bool:
    """Put a facility among the best of a place, if it is one of them and this way to it is shorter than the one known."""
    best_m, best, last = labels.metres[where], labels.facility[where], labels.metres.shape[1] - 1
    if metres > best_m[last] or (metres == best_m[last] and facility >= best[last] and best[last] >= 0):
        return False
    at = last
    for j in range(last + 1):
        if best[j] == facility:
            if best_m[j] <= metres:
                return False
            at = j
            break
    while at > 0 and (metres < best_m[at - 1] or (metres == best_m[at - 1] and facility < best[at - 1])):
        best_m[at], best[at] = best_m[at - 1], best[at - 1]
        at -= 1
    best_m[at], best[at] = metres, facility
    return True


@compiled
def _stands(labels: _Labels, where: Whole, metres: float, facility: Whole) -> bool:
    """Whether a facility is still among the best of a place, and by this way."""
    for j in range(labels.metres.shape[1]):
        if labels.facility[where, j] == facility:
            return bool(labels.metres[where, j] == metres)
    return False


@compiled
def _spread_from_all(arcs: tuple[Places, Places, Floats], doors: _Placed, limit_m: float, most: int) -> _Labels:
    """The nearest facilities of every corner, settled in the order of their metres (Dijkstra 1959).

    A facility that is among the k nearest of a place is among the k nearest of every corner on the way there, so that
    each corner need not keep more.
    """
    first, to, arc_m = arcs
    dead_end = len(first) - 2
    labels = _Labels(np.full((dead_end + 1, most), np.inf), np.full((dead_end + 1, most), -1, dtype=np.int32))
    queue = [(0.0, np.int64(0), np.int64(0)) for _ in range(0)]  # typed, though empty
    for i in range(len(doors.who)):
        for side in range(2):
            corner, metres = doors.corners[i, side], doors.metres[i, side]
            if corner != dead_end and metres <= limit_m and _offer(labels, corner, metres, doors.who[i]):
                _push(queue, metres, doors.who[i], corner)
    while queue:
        metres, facility, here = heappop(queue)
        if not _stands(labels, here, metres, facility):
            continue
        for arc in range(first[here], first[here + 1]):
            there = metres + arc_m[arc]
            if there <= limit_m and _offer(labels, to[arc], there, facility):
                _push(queue, there, facility, to[arc])
    return labels


@compiled
def _push(queue: list[tuple[float, np.int64, np.int64]], metres: float, facility: Whole, corner: Whole) -> None:
    heappush(queue, (metres, np.int64(facility), np.int64(corner)))


@compiled
def _read(
    corners: _Labels, doors: _Placed, by_way: Longs, way_first: Longs, homes: _Placed, limit_m: float, most: int
) -> _Labels:
    """The nearest facilities of each home: by either corner of its way, or along the way itself."""
    count = len(homes.who)
    found = _Labels(np.full((count, most), np.inf), np.full((count, most), -1, dtype=np.int32))
    for i in range(count):
        for side in range(2):
            corner = homes.corners[i, side]
            for j in range(most):
                metres = corners.metres[corner, j] + homes.metres[i, side]
                if metres <= limit_m:
                    _offer(found, i, metres, corners.facility[corner, j])
        for j in range(way_first[homes.way[i]], way_first[homes.way[i] + 1]):
            door = by_way[j]
            on_m, back_m = doors.at_m[door, 0] - homes.at_m[i, 0], homes.at_m[i, 1] - doors.at_m[door, 1]
            metres = doors.link_m[door] + max(on_m, back_m) + homes.link_m[i]
            if metres <= limit_m:
                _offer(found, i, metres, doors.who[door])
    return found
