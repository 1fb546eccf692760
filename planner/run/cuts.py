"""A city too big for one task: its residents cut into parts, each measured on its own streets, and put together again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, StudyError
from planner.isochrones import isochrone_bands
from planner.network import cut_network
from planner.reach import Reach, travel_times
from planner.run.results import Progress, Steps
from planner.run.standing import read_counted
from planner.schema import Candidates, Demand, Isochrones, Stations
from planner.sources.files import read_area, read_candidates
from planner.sources.osm import margin_m, read_network
from planner.sources.population import read_demand
from planner.study import Study

Rows = npt.NDArray[np.intp]

DETOUR_M = 1000.0  # of streets beyond a margin, so that no connected part looks like a fragment


@dataclass(frozen=True, eq=False)
class Measured:
    """What takes the streets to measure: who reaches which station and which candidate, and the stations' outlines."""

    reach: Reach
    options: Reach | None
    isochrones: Isochrones


def cut_demand(xy: npt.NDArray[np.float64], parts: int) -> list[Rows]:
    """Points as `parts` groups of nearly equal size, each compact: cut across the longer side, again and again.

    Parameters
    ----------
    xy
        (n, 2) metres.
    parts
        How many groups, >= 1; groups may be empty where there are fewer points.

    Returns
    -------
    Positions of each group's points, rising; together each point once.

    Examples
    --------
    >>> [rows.tolist() for rows in cut_demand(np.array([[0.0, 0], [9, 0], [1, 0], [8, 0]]), 2)]
    [[0, 2], [1, 3]]
    """
    return _cut(xy, np.arange(len(xy), dtype=np.intp), parts)


def _cut(xy: npt.NDArray[np.float64], rows: Rows, parts: int) -> list[Rows]:
    if parts == 1 or not len(rows):
        return [np.sort(rows), *(rows[:0] for _ in range(parts - 1))]
    here = xy[rows]
    longer = int(np.argmax(np.ptp(here, axis=0)))
    order = rows[np.lexsort((rows, here[:, 1 - longer], here[:, longer]))]
    half = parts // 2
    at = round(len(order) * half / parts)
    return _cut(xy, order[:at], half) + _cut(xy, order[at:], parts - half)


def measure_part(study: Study, part: int, parts: int, *, progress: Progress | None = None) -> Measured:
    """Measure the walks of one part of a study's residents, on the streets around them alone.

    The streets reach at least twice the longest walk beyond the part's residents, so that every walk and every link is the
    same as on the whole network.

    Parameters
    ----------
    part
        From 0.
    parts
        Into how many the residents are cut (`cut_demand`).

    Returns
    -------
    Walks between all stations (all candidates) and the residents of the part; a facility that is nearest to this part says here
    whether it is linked, and has its outline here.
    """
    steps = Steps(progress)
    with steps.step("reading tables"):
        towns = read_area(study)
        stations = read_counted(study, towns).standing
        candidates = Candidates(read_candidates(study, towns=towns).sort_index())
    with steps.step("reading residents") as inner:
        demand = read_demand(study, towns, progress=inner)
    with steps.step("reading the street network") as inner:
        network = read_network(study, towns=towns, progress=inner)
    groups = _groups(study, demand, parts)
    boxes = [_box(demand, rows) for rows in groups]
    mine = Demand(gpd.GeoDataFrame(demand.iloc[groups[part]]))
    walk_m, walk = _longest_walk_m(study), study.scenario.walk.among(mine["town"])
    near = {name: _near(table, boxes, part, walk_m) for name, table in (("stations", stations), ("candidates", candidates))}
    with steps.step("cutting the streets"):
        margin = max(2 * walk_m, max(places.farthest_m for places in near.values()) + walk_m) + DETOUR_M
        streets = cut_network(network, boxes[part].buffer(margin))
    with steps.step("measuring walking times") as inner:
        reach = travel_times(streets, near["stations"].reached, mine, walk, progress=inner)
        options = travel_times(streets, near["candidates"].reached, mine, walk, progress=inner) if study.candidates else None
    with steps.step("drawing outlines") as inner:
        bands = tuple(sorted({*walk.bands, walk.minutes}))
        own = Stations(near["stations"].own)
        outlines = isochrone_bands(streets, own, dataclasses.replace(walk, bands=bands), progress=inner)
    return Measured(reach, options, outlines)


def merge_parts(study: Study, measured: Sequence[Measured]) -> Measured:
    """What the parts measured as what the whole would have: the same tables, in the same order.

    Parameters
    ----------
    measured
        What `measure_part` gave for every part, in order.
    """
    towns = read_area(study)
    stations = read_counted(study, towns).standing
    reach = _together([each.reach for each in measured], stations.index)
    options = None
    if measured[0].options is not None:
        candidates = read_candidates(study, towns=towns).sort_index()
        options = _together([each.options for each in measured if each.options is not None], candidates.index)
    outlines = gpd.GeoDataFrame(pd.concat([each.isochrones for each in measured]), geometry="geometry", crs=study.crs)
    place = {key: i for i, key in enumerate(stations.index)}
    order = np.lexsort((outlines.index.get_level_values("minutes"), outlines.index.get_level_values("station_id").map(place)))
    return Measured(reach, options, Isochrones(gpd.GeoDataFrame(outlines.iloc[order])))


def _longest_walk_m(study: Study) -> float:
    """Metres of the longest walk that is measured or drawn, with a link at both ends."""
    walk = study.scenario.walk
    longest = max((*walk.bands, walk.minutes)) / walk.minutes
    return margin_m(walk) * max(longest, 1.0) + walk.max_link_m


def _groups(study: Study, demand: Demand, parts: int) -> list[Rows]:
    if not 1 <= parts <= len(demand):
        fault = Fault(f"{len(demand)} demand points cannot be cut into {parts} parts", "name fewer parts")
        raise StudyError(f"{study.name}: {fault}", [fault])
    return cut_demand(np.column_stack([demand.geometry.x, demand.geometry.y]), parts)


def _box(demand: Demand, rows: Rows) -> BaseGeometry:
    xy = shapely.get_coordinates(demand.geometry.to_numpy()[rows])
    box: BaseGeometry = shapely.box(*xy.min(axis=0), *xy.max(axis=0))
    return box


@dataclass(frozen=True, eq=False)
class _Places:
    """The facilities of a part: those its residents may reach or that are nearest to it, and of these the nearest alone."""

    reached: gpd.GeoDataFrame
    own: gpd.GeoDataFrame
    farthest_m: float


def _near(table: gpd.GeoDataFrame, boxes: Sequence[BaseGeometry], part: int, walk_m: float) -> _Places:
    off_m = shapely.distance(np.array(boxes)[:, None], table.geometry.to_numpy()[None, :])
    own = np.argmin(off_m, axis=0) == part if len(table) else np.zeros(0, dtype=bool)
    reached = own | (off_m[part] <= walk_m)
    farthest_m = float(off_m[part][own].max(initial=0.0))
    return _Places(gpd.GeoDataFrame(table[reached]), gpd.GeoDataFrame(table[own]), farthest_m)


def _together(parts: Sequence[Reach], facility_ids: pd.Index) -> Reach:
    """The walks of the parts as those of the whole; every resident is of one part."""
    demand_ids = parts[0].demand_ids.append([part.demand_ids for part in parts[1:]]).sort_values()
    rows, columns, seconds = [], [], []
    for part in parts:
        walks = part.walk_s.tocoo()
        rows.append(facility_ids.get_indexer(part.facility_ids)[walks.coords[0]])
        columns.append(demand_ids.get_indexer(part.demand_ids)[walks.coords[1]])
        seconds.append(walks.data)
    row, column = np.concatenate(rows), np.concatenate(columns)
    order = np.lexsort((column, row))
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(facility_ids)))])
    shape = (len(facility_ids), len(demand_ids))
    stored = (np.concatenate(seconds)[order], column[order].astype(np.int32), first.astype(np.int32))
    lost = set[str]().union(*(part.unlinked_facilities for part in parts))
    far = demand_ids[demand_ids.isin(np.concatenate([part.unlinked_demand for part in parts]))]
    return Reach(facility_ids, demand_ids, sp.csr_array(stored, shape=shape), facility_ids[facility_ids.isin(lost)], far)
