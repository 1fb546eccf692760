"""`Reach`: the pairs within the cutoff with their seconds; and how tables of places get one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.errors import CrsError, Fault, PlannerWarning, TableError, first_few, say_faults
from planner.network import Floats, Network
from planner.profiles import Gait
from planner.reach.compiled import Progress
from planner.reach.links import link_points
from planner.reach.search import Times, walk_times
from planner.reach.streets import Streets
from planner.study import Walk

COLUMNS = ("origin_id", "destination_id", "walk_s")


def _nobody() -> pd.Index:
    return pd.Index([])


@dataclass(frozen=True, eq=False)
class Reach:
    """The pairs within the cutoff, with their walking seconds; from any engine.

    Parameters
    ----------
    facility_ids, demand_ids
        Who the rows and columns of `walk_s` are; unique.
    walk_s
        (facilities x demand) sparse float32 seconds, finite and >= 0, columns rising in each row. A stored 0 is
        "at the door"; an absent entry is out of reach.
    unlinked_facilities, unlinked_demand
        Ids of those with no street within ``max_link_m``: in nobody's reach, to be reported rather than forgotten. Empty
        where the engine does not say.

    Raises
    ------
    TableError
        If ids repeat, the shape is not theirs, or a time is negative or not finite; every fault at once.

    Examples
    --------
    >>> walks = pd.DataFrame({"origin_id": [7, 8, 8], "destination_id": ["a", "a", "b"], "walk_s": [60.0, 90.0, 0.0]})
    >>> reach = Reach.from_frame(walks)
    >>> reach
    Reach(2 facilities, 2 demand points, 3 pairs within reach)
    >>> reach.to_frame()["walk_s"].tolist()
    [60.0, 90.0, 0.0]
    """

    facility_ids: pd.Index
    demand_ids: pd.Index
    walk_s: sp.csr_array
    unlinked_facilities: pd.Index = field(default_factory=_nobody)
    unlinked_demand: pd.Index = field(default_factory=_nobody)

    def __post_init__(self) -> None:
        faults = _id_faults(self.facility_ids, self.demand_ids)
        if self.walk_s.shape != (len(self.facility_ids), len(self.demand_ids)):
            said = (
                f"times of shape {self.walk_s.shape}, {len(self.facility_ids)} facilities, {len(self.demand_ids)} demand points"
            )
            faults.append(Fault(said, "give one row for each facility and one column for each demand point"))
        bad = np.flatnonzero(~(np.isfinite(self.walk_s.data) & (self.walk_s.data >= 0)))
        if len(bad):
            said = f"{len(bad)} walking times are negative or not finite"
            faults.append(Fault(said, "leave pairs out of reach away", column="walk_s", value=str(self.walk_s.data[bad[0]])))
        if faults:
            raise TableError(f"reach: {say_faults(faults)}", faults, "reach")
        object.__setattr__(self, "walk_s", _canonical(self.walk_s))

    def __repr__(self) -> str:
        pairs = f"{self.walk_s.nnz:,} pairs within reach"
        return f"Reach({len(self.facility_ids):,} facilities, {len(self.demand_ids):,} demand points, {pairs})"

    def to_frame(self) -> pd.DataFrame:
        """The long table: ``origin_id`` (demand), ``destination_id`` (facility), ``walk_s``; facility by facility."""
        row = np.repeat(np.arange(len(self.facility_ids)), np.diff(self.walk_s.indptr))
        origin, destination = self.demand_ids[self.walk_s.indices], self.facility_ids[row]
        values = (origin.to_numpy(), destination.to_numpy(), self.walk_s.data)
        return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, facility_ids: pd.Index | None = None, demand_ids: pd.Index | None = None
    ) -> Reach:
        """A reach out of a long table of any engine's times, in any order.

        Parameters
        ----------
        frame
            Columns ``origin_id`` (demand), ``destination_id`` (facility), ``walk_s`` in seconds.
        facility_ids, demand_ids
            Everybody, those who are out of all reach included; the sorted ids of the table if not given.

        Raises
        ------
        TableError
            If a column is missing, an id is unknown, a pair stands twice, or a time is negative or not finite.
        """
        missing = [Fault(f"column {name!r} is missing", "add it", column=name) for name in COLUMNS if name not in frame]
        if missing:
            raise TableError(f"reach: {say_faults(missing)}", missing, "reach")
        facilities = _ids(frame["destination_id"], "facility_id") if facility_ids is None else facility_ids
        demand = _ids(frame["origin_id"], "demand_id") if demand_ids is None else demand_ids
        row, column = (
            facilities.get_indexer(pd.Index(frame["destination_id"])),
            demand.get_indexer(pd.Index(frame["origin_id"])),
        )
        faults = _frame_faults(frame, row, column)
        if faults:
            raise TableError(f"reach: {say_faults(faults)}", faults, "reach")
        seconds = frame["walk_s"].to_numpy(dtype=np.float32)
        return cls(facilities, demand, _matrix(row, column, seconds, (len(facilities), len(demand))))


def travel_times(
    network: Network | Streets,
    facilities: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    walk: Walk,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Reach:
    """Walking times between facilities and demand points within the cutoff: link, streets, link.

    Residents walk *to* the facility: where the two directions differ (slope, steps, one-way streets for bicycles), that is
    the direction measured. Where ``walk.towns`` differ, the resident's town (column ``town`` of `demand`) decides minutes and
    profile, for both ends of the walk.

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    facilities, demand
        Points in the network's CRS; their indexes are the ids.
    walk
        Cutoff (inclusive), pace, longest link, towns.
    progress
        Is told what is being done, and the share that is done; by any of the threads.
    threads
        How many threads; all there are if not given. Never changes a byte.

    Raises
    ------
    CrsError
        If a table has no CRS or another than the network.
    TableError
        If a geometry is not a point, or towns differ and `demand` has no column ``town``.

    Examples
    --------
    >>> from shapely import Point
    >>> street = Network.from_segments([[0, 0], [600, 0]], [[0, 1]], crs="EPSG:32651")
    >>> places = gpd.GeoDataFrame(geometry=[Point(0, 0), Point(50, 0), Point(400, 9)], crs="EPSG:32651")
    >>> travel_times(street, places[:1], places, Walk(minutes=5, speed_mps=1.0)).walk_s.toarray().tolist()
    [[0.0, 50.0, 0.0]]
    """
    facility_xy, demand_xy = points_of(network, facilities, "facilities"), points_of(network, demand, "demand")
    shape = (len(facilities), len(demand))
    parts: list[sp.csr_array] = []
    linked, linked_homes = np.zeros(shape[0], dtype=np.bool_), np.zeros(shape[1], dtype=np.bool_)
    for own, who in walks_of(demand, walk):
        streets = Streets.for_walk(network, own)
        homes = link_points(streets, demand_xy[who], own.max_link_m, threads=threads)
        doors = link_points(streets, facility_xy, own.max_link_m, threads=threads)
        found = walk_times(streets, doors, homes, own.pace_mps, own.cutoff_s, threads=threads, progress=progress)
        parts.append(_among(found, who, shape))
        linked |= doors.linked
        linked_homes[who] = homes.linked
    times = parts[0] if len(parts) == 1 else _together(parts, shape)
    return Reach(facilities.index, demand.index, times, facilities.index[~linked], demand.index[~linked_homes])


def walks_of(demand: gpd.GeoDataFrame, walk: Walk) -> Iterator[tuple[Walk, npt.NDArray[np.intp]]]:
    """Each different way of walking, with the rows of the residents who walk so, rising."""
    if not walk.towns:
        yield walk, np.arange(len(demand))
        return
    if "town" not in demand:
        fault = Fault("walks differ by town but there is no column 'town'", "say each resident's town", column="town")
        raise TableError(f"demand: {fault}", [fault], "demand")
    strangers = [name for name in walk.towns if not (demand["town"] == name).any()]
    if strangers and len(demand):
        here = first_few(sorted({str(name) for name in demand["town"].dropna()}))
        said = f"walk.towns names {first_few(strangers)}, where no demand point is, so nobody walks so; they are in {here}"
        warnings.warn(said, PlannerWarning, stacklevel=3)
    town = demand["town"].astype("object").where(demand["town"].isin(list(walk.towns)), None)
    classes: dict[tuple[float, float, Gait], list[str | None]] = {}
    for name in [None, *walk.towns]:
        own = walk.for_town(name)
        classes.setdefault((own.cutoff_s, own.pace_mps, own.gait), []).append(name)
    for names in classes.values():
        known = town.isin([name for name in names if name is not None]).to_numpy()
        rows = np.flatnonzero(known | town.isna().to_numpy() if None in names else known)
        if len(rows) or not len(demand):
            yield walk.for_town(names[0]), rows


def points_of(network: Network | Streets, table: gpd.GeoDataFrame, name: str) -> Floats:
    """(n, 2) metres of a table of points, which must be in the network's CRS; else `CrsError` or `TableError`."""
    crs = network.network.crs if isinstance(network, Streets) else network.crs
    if not isinstance(table, (gpd.GeoDataFrame, gpd.GeoSeries)):
        raise TableError(f"{name}: a {type(table).__name__} says nothing of places; make it a GeoDataFrame of points", (), name)
    if table.crs is None or table.crs != crs:
        said = "have no CRS" if table.crs is None else f"are in {table.crs.to_string()}"
        mend = f".set_crs({crs.to_string()!r})" if table.crs is None else f".to_crs({crs.to_string()!r})"
        raise CrsError(f"{name} {said} but the network is in {crs.to_string()}; call {name}{mend}", (), name)
    wrong = np.flatnonzero((table.geom_type != "Point").to_numpy() | table.geometry.is_empty.to_numpy())
    faults = [
        Fault("the geometry is not a point", "take a point of it", name, str(table.index[int(i)]), "geometry") for i in wrong
    ]
    if faults:
        raise TableError(f"{name}: {say_faults(faults)}", faults, name)
    return np.column_stack([table.geometry.x, table.geometry.y]).astype(np.float64)


def _ids(values: pd.Series, name: str) -> pd.Index:
    return cast("pd.Index", pd.Index(np.unique(values.to_numpy()), name=name))


def check_ids(name: str, facility_ids: pd.Index, demand_ids: pd.Index) -> None:
    """Refuse ids that stand twice."""
    faults = _id_faults(facility_ids, demand_ids)
    if faults:
        raise TableError(f"{name}: {say_faults(faults)}", faults, name)


def _id_faults(facility_ids: pd.Index, demand_ids: pd.Index) -> list[Fault]:
    return [
        Fault(f"the {name} id stands twice", "make ids unique", value=str(repeated))
        for name, ids in (("facility", facility_ids), ("demand", demand_ids))
        for repeated in ids[ids.duplicated()]
    ]


def _frame_faults(frame: pd.DataFrame, row: npt.NDArray[np.intp], column: npt.NDArray[np.intp]) -> list[Fault]:
    seconds = pd.to_numeric(frame["walk_s"], errors="coerce").to_numpy(dtype=float)
    pairs = pd.Series(row * (column.max(initial=0) + 1) + column).duplicated().to_numpy()
    known = (row >= 0) & (column >= 0)
    checks = [
        (row < 0, "destination_id", "the facility is unknown", "leave the row away"),
        (column < 0, "origin_id", "the demand point is unknown", "leave the row away"),
        (known & pairs, "origin_id", "the pair stands twice", "keep the shortest walk"),
        (~(np.isfinite(seconds) & (seconds >= 0)), "walk_s", "the time is not seconds >= 0", "leave pairs out of reach away"),
    ]
    return [
        Fault(problem, mend, row=str(frame.index[int(i)]), column=name, value=str(frame[name].iloc[i]))
        for bad, name, problem, mend in checks
        for i in np.flatnonzero(bad)
    ]


def _among(times: sp.csr_array, who: npt.NDArray[np.intp], shape: tuple[int, int]) -> sp.csr_array:
    """Times of some residents (rising) as those of all."""
    if times.shape == shape:
        return times
    return sp.csr_array((times.data, who[times.indices], times.indptr), shape=shape)


def _together(parts: list[sp.csr_array], shape: tuple[int, int]) -> sp.csr_array:
    """The times of residents that differ, in one matrix (scipy's sum would drop the zeros at the door)."""
    row = np.concatenate([np.repeat(np.arange(shape[0]), np.diff(part.indptr)) for part in parts])
    return _matrix(row, np.concatenate([p.indices for p in parts]), np.concatenate([p.data for p in parts]), shape)


def _matrix(row: npt.NDArray[np.intp], column: npt.NDArray[np.intp], seconds: Times, shape: tuple[int, int]) -> sp.csr_array:
    """A matrix out of pairs that differ, columns rising, zeros kept."""
    order = np.lexsort((column, row))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return sp.csr_array((seconds[order], column[order], indptr), shape=shape)


def _canonical(matrix: sp.csr_array) -> sp.csr_array:
    if matrix.has_sorted_indices and matrix.dtype == np.float32:
        return matrix
    kept = matrix.astype(np.float32)
    kept.sort_indices()
    return kept
