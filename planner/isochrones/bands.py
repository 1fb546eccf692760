"""Outlines of what is reached from each station, band by band."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner.errors import PlannerWarning, StudyError
from planner.isochrones.field import Door, measure_field
from planner.isochrones.raster import Around, Tiles, link_corners
from planner.isochrones.rings import Rings, trace_rings
from planner.network import Floats, Network, hilbert_index
from planner.profiles import Gait
from planner.reach import Links, Streets, link_points, walk_times
from planner.reach.compiled import Progress, what_first, workers
from planner.reach.tables import points_of
from planner.schema import ISOCHRONES, Isochrones, Stations
from planner.study import MINUTE_S, Walk

COARSEST_M, FINEST_M = 12.5, 4.0  # cells of the raster, but for very long bands
CELLS_PER_BAND = 32  # in the radius of the first band, so that the error is a share of its size
MOST_CELLS_PER_BAND = 128
CELLS_PER_LINK = 4  # in the longest link
TOLERANCE = 0.16  # of a cell; 2 m in the coarsest raster
STATIONS = 512  # at most so many are searched at a time, for the memory of their times at nodes
CORNERS = 64e6  # at most about so many are linked at a time, at 12 bytes each
SHOWN_IDS = 5
NO_RINGS = Rings(np.empty((0, 2)), *(np.empty(0, dtype=np.int32) for _ in range(3)))

Rows = npt.NDArray[np.intp]


def isochrone_bands(
    network: Network | Streets,
    stations: Stations,
    walk: Walk,
    *,
    minutes: Sequence[float] | None = None,
    tolerance_m: float | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Isochrones:
    """Outline what can be reached from each station in each band of minutes, in agreement with the walking times.

    A place is inside where the walk from it (straight to the nearest street by the rule of `planner.reach.link_points`, along
    the streets, and the station's own link) takes at most the minutes. Outlines end in the middle of a street where the
    minutes do, have holes where no street is within ``walk.max_link_m`` or the way round is too long, and fall into parts
    where a place is near but the way to its nearest street is long.

    Parameters
    ----------
    network
        The streets, or `Streets` made ready from them.
    stations
        Points in the network's CRS; the index becomes ``station_id``. Where ``walk.towns`` has the station's ``town``, its
        outline is drawn at that town's pace and without steps if that town's profile takes none: most people around a
        station live in its town. (Who is covered is counted by each resident's own town.)
    walk
        Pace, steps, ``max_link_m`` and ``bands``. Bands beyond the cutoff are drawn like those within.
    minutes
        The bands, instead of ``walk.bands``; each > 0.
    tolerance_m
        How far an outline may leave its crossings of the raster so as to have fewer points, in metres >= 0; a sixth of the
        raster's cell (2 m or less) if not given. 0 keeps each crossing. Bands stay nested and valid whatever it is.
    progress
        Is told what is being done, and the share that is done.
    threads
        How many threads; never changes the result.

    Returns
    -------
    A table with index (``station_id``, ``minutes``) and valid MultiPolygons in the network's CRS, in the order of `stations`
    and rising minutes. Of one station each band lies within the next. Outlines do not depend on which other stations are drawn.
    A station that is not linked to a street has no row, nor has a band too short for the way to the street; a
    `PlannerWarning` names them.

    Raises
    ------
    CrsError, TableError
        If the stations are in another CRS than the network, or are not points.
    StudyError
        If `minutes` or `tolerance_m` are impossible.

    Notes
    -----
    Times are exact at the corners of a raster, and where an outline passes between two corners is found with exact times to
    1/16 of a cell. Cells are 12.5 m; finer, to 4 m, where the first band or the longest link is short; coarser where already
    the first band goes farther than 1.6 km. `agreement` measures what that comes to: in Porto Alegre, Helsinki and Shanghai
    precision and recall of 40 to 60 stations together are 98.5 % or better at 5 minutes (of a single one 94 %) and 99.3 % or
    better at 10 and 15. What is missing there is the cells: with those of 3 m the slowest profile has 99.6 % at 5 minutes.

    Examples
    --------
    Nobody lives farther than 60 m off this street of 1 km; in 300 s at 1 m/s one comes to x = 400 from a station at x = 100.

    >>> street = Network.from_segments([[0, 0], [1000, 0]], [[0, 1]], crs="EPSG:32651")
    >>> station = gpd.GeoDataFrame(
    ...     {"station_id": ["s"], "name": ["S"]}, geometry=gpd.points_from_xy([100.0], [0.0]), crs="EPSG:32651"
    ... ).set_index("station_id")
    >>> outlines = isochrone_bands(street, station, Walk(speed_mps=1.0, max_link_m=60), minutes=[5])
    >>> outlines.bounds.round(-1).values.tolist()
    [[-60.0, -60.0, 400.0, 60.0]]
    """
    whole = network.network if isinstance(network, Streets) else network
    bands = _checked(whole, stations, walk.bands if minutes is None else minutes, tolerance_m)
    rings = [NO_RINGS] * len(stations)
    done = 0
    for own, rows in station_walks(stations, walk):
        streets = Streets.for_walk(network, own)
        tell = _part(progress, done / len(stations), len(rows) / len(stations))
        xy = shapely.get_coordinates(stations.geometry)[rows]
        sheet = _Sheet(streets, own, bands, tolerance_m, threads)
        for row, drawn in zip(rows, _draw(sheet, xy, tell), strict=True):
            rings[row] = drawn
        done += len(rows)
    if progress is not None:
        progress("outlines", 1.0)
    return _table(_assemble(rings, len(bands)), stations, bands, whole)


def station_walks(stations: Stations, walk: Walk) -> list[tuple[Walk, Rows]]:
    """The walks that stations' outlines are drawn with, each with the positions of its stations."""
    towns = stations["town"] if "town" in stations else pd.Series([None] * len(stations), dtype=object)
    own = [walk.for_town(None if pd.isna(town) else str(town)) for town in towns]
    rows_of: dict[tuple[float, Gait], list[int]] = {}
    for row, each in enumerate(own):
        rows_of.setdefault((each.pace_mps, each.gait), []).append(row)
    return [(own[rows[0]], np.array(rows)) for rows in rows_of.values()]


def raster_cell_m(first_band_m: float, max_link_m: float) -> float:
    """Metres between corners of the raster for a first band of so many metres.

    >>> raster_cell_m(400, 300), raster_cell_m(320, 300), raster_cell_m(400, 20), raster_cell_m(3200, 300)
    (12.5, 10.0, 5.0, 25.0)
    """
    coarsest_m = max(COARSEST_M, first_band_m / MOST_CELLS_PER_BAND)
    return max(min(first_band_m / CELLS_PER_BAND, max_link_m / CELLS_PER_LINK, coarsest_m), FINEST_M)


def _checked(network: Network, stations: Stations, minutes: Sequence[float], tolerance_m: float | None) -> Floats:
    points_of(network, stations, "stations")
    bands = np.unique(np.asarray(minutes, dtype=np.float64))
    if not len(bands) or not (np.isfinite(bands) & (bands > 0)).all() or len(bands) > 100:
        raise StudyError(f"the bands {bands.tolist()} are not 1 to 100 numbers of minutes above 0; give for instance 5, 10, 15")
    if tolerance_m is not None and not 0 <= tolerance_m < np.inf:
        raise StudyError(f"tolerance_m = {tolerance_m} is not a number of metres >= 0")
    return bands


@dataclass(frozen=True, eq=False)
class _Sheet:
    """What stations that are walked to alike are drawn on."""

    streets: Streets
    walk: Walk
    minutes: Floats
    tolerance_m: float | None
    threads: int | None

    @property
    def budget_m(self) -> Floats:
        return self.minutes * (MINUTE_S * self.walk.pace_mps)

    @property
    def radius_m(self) -> float:
        """How far from a station anybody within the last band may be."""
        return float(self.budget_m[-1]) * self.streets.farther

    @property
    def cell_m(self) -> float:
        return raster_cell_m(float(self.budget_m[0]), self.walk.max_link_m)

    @property
    def slack_m(self) -> float:
        return TOLERANCE * self.cell_m if self.tolerance_m is None else self.tolerance_m

    @property
    def batch(self) -> int:
        """How many stations are drawn at a time."""
        return int(np.clip(CORNERS / (2 * self.radius_m / self.cell_m) ** 2, 1, STATIONS))


def _draw(sheet: _Sheet, xy: Floats, tell: Progress) -> list[Rings]:
    """The rings of stations, in their order; neighbours are drawn together."""
    walk, most_m = sheet.walk, float(sheet.budget_m[-1])
    tell(what_first(), 0.0)
    links = link_points(sheet.streets, xy, walk.max_link_m, walk=walk, threads=sheet.threads)
    nodes = _node_links(sheet.streets)
    rings = [NO_RINGS] * len(xy)
    linked = np.flatnonzero(links.link_m <= most_m)
    order = linked[np.argsort(hilbert_index(xy[linked]), kind="stable")]
    for low in range(0, len(order), sheet.batch):
        tell("outlines", low / len(order))
        rows = order[low : low + sheet.batch]
        tiles = link_corners(
            sheet.streets, Around(xy[rows], sheet.radius_m), sheet.cell_m, walk.max_link_m, threads=sheet.threads
        )
        for row, drawn in zip(rows, _draw_batch(sheet, links.take(rows), nodes, tiles), strict=True):
            rings[row] = drawn
    return rings


def _node_links(streets: Streets) -> Links:
    """The nodes as places on a walked segment that ends there; those without one are unlinked."""
    network, walked = streets.network, np.flatnonzero(streets.walked).astype(np.int32)
    segment = np.full(len(network.node_xy), -1, dtype=np.int32)
    along_m = np.zeros(len(network.node_xy))
    for end in (1, 0):
        node = network.ends[walked, end]
        segment[node] = walked
        along_m[node] = network.length_m[walked] * end
    return Links(segment, along_m, np.where(segment < 0, np.inf, 0.0))


def _draw_batch(sheet: _Sheet, links: Links, nodes: Links, tiles: Tiles) -> list[Rings]:
    """The rings of stations within the tiles: one search each, and the picture of it."""
    network, walk, threads = sheet.streets.network, sheet.walk, workers(sheet.threads)
    node_s = walk_times(
        sheet.streets, links, nodes, walk.pace_mps, float(sheet.minutes[-1] * MINUTE_S), threads=sheet.threads
    )  # fmt: skip
    first, node, node_m = node_s.indptr, node_s.indices, node_s.data.astype(np.float64) * walk.pace_mps
    xy, ends, budget_m = network.node_xy, network.ends, sheet.budget_m
    length_m, farther = network.length_m, sheet.streets.farther
    costs = [length_m, sheet.streets.on_m / length_m, sheet.streets.back_m / length_m]
    street = np.column_stack([xy[ends].reshape(-1, 4), *costs])
    rings = [NO_RINGS] * len(links)

    def draw(part: int) -> None:
        room = np.full(len(xy), np.inf)
        for k in range(part, len(links), threads):
            door = Door(int(links.segment[k]), float(links.along_m[k]), float(links.link_m[k]))
            near = slice(first[k], first[k + 1])
            field = measure_field(
                node[near], node_m[near], door, xy, street, ends, room, budget_m, walk.max_link_m, farther, tiles
            )
            rings[k] = trace_rings(field, tiles.cell_m, sheet.slack_m)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(draw, range(threads)))
    return rings


def _assemble(rings: list[Rings], bands: int) -> npt.NDArray[np.object_]:
    """(stations, bands) MultiPolygons out of all rings at once; empty where there are none."""
    none, sizes, holes, parts, points = np.zeros(0, dtype=np.int64), [], [], [], []
    for each in rings:
        order = np.argsort(each.outer, kind="stable")  # an outer ring, its holes, the next outer ring …
        ends = np.cumsum(each.size)
        points += [each.xy[ends[r] - each.size[r] : ends[r]] for r in order]
        sizes.append(each.size[order])
        outer = np.flatnonzero(each.outer[order] == order)
        holes.append(np.diff(outer, append=len(order)))
        parts.append(np.bincount(each.band[order[outer]], minlength=bands))
    offsets = tuple(np.append(0, np.cumsum(np.concatenate([none, *counts]))) for counts in (sizes, holes, parts))
    xy = np.concatenate([np.empty((0, 2)), *points])
    shapes = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy, offsets)
    return np.asarray(shapes).reshape(-1, bands)


def _table(outlines: npt.NDArray[np.object_], stations: Stations, minutes: Floats, network: Network) -> Isochrones:
    keys = pd.MultiIndex.from_product([stations.index, minutes], names=["station_id", "minutes"])
    frame = gpd.GeoDataFrame(index=keys, geometry=outlines.ravel(), crs=network.crs)
    empty = frame.geometry.is_empty.to_numpy()
    if empty.any():
        _warn(empty.reshape(outlines.shape), stations, minutes)
    table: Isochrones = ISOCHRONES.conform(frame[~empty])
    return table


def _warn(empty: npt.NDArray[np.bool_], stations: Stations, minutes: Floats) -> None:
    nothing, some = np.flatnonzero(empty.all(axis=1)), np.flatnonzero(empty.any(axis=1) & ~empty.all(axis=1))
    told = []
    if len(nothing):
        told.append(f"{len(nothing)} station(s) reach nothing and have no outline: {_named(stations, nothing)}")
    if len(some):
        shortest = minutes[empty[some].any(axis=0)]
        bands = ", ".join(f"{band:g}" for band in shortest)
        told.append(f"{len(some)} station(s) have no outline for {bands} minutes: {_named(stations, some)}")
    told.append("their way to the street is longer than walk.max_link_m or than the band")
    warnings.warn("; ".join(told), PlannerWarning, stacklevel=4)


def _named(stations: Stations, rows: Rows) -> str:
    shown = ", ".join(str(key) for key in stations.index[rows[:SHOWN_IDS]])
    return f"{shown} …" if len(rows) > SHOWN_IDS else shown


def _part(progress: Progress | None, done: float, part: float) -> Progress:
    """How a part of the work that begins when `done` is done tells its own progress."""

    def tell(what: str, share: float) -> None:
        if progress is not None:
            progress(what, done + part * share)

    return tell
