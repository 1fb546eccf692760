"""Where points meet the streets: the nearest place on a street segment, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.errors import Fault, TableError, say_faults
from planner.network import Floats, Ints, Network
from planner.reach.compiled import compiled, in_turn, inlined, workers
from planner.reach.grid import PAD_M, Bools, Grid
from planner.reach.streets import Streets
from planner.study import Walk

BATCH = 65_536  # points a thread takes at a time


@dataclass(frozen=True, eq=False)
class Links:
    """Where points meet the streets; arrays with one entry a point.

    Parameters
    ----------
    segment
        int32: position into ``network.ends``; -1 where no street is within ``max_link_m`` (*unlinked*).
    along_m
        float64: metres (in units of ``network.length_m``) from the segment's end u to the foot point; 0 … its length.
    link_m
        float64: straight metres from the point to the foot point; inf where unlinked.

    Raises
    ------
    TableError
        If the arrays differ in length, or what belongs to a linked point is negative or not finite.
    """

    segment: Ints
    along_m: Floats
    link_m: Floats

    def __post_init__(self) -> None:
        linked = self.segment >= 0
        fits = len(self.segment) == len(self.along_m) == len(self.link_m)
        if not fits or not (np.isfinite(self.along_m[linked]) & (self.along_m[linked] >= 0) & (self.link_m[linked] >= 0)).all():
            raise TableError("links: places are not one for each point, or negative, or not finite; call link_points")

    def __len__(self) -> int:
        return len(self.segment)

    @property
    def linked(self) -> Bools:
        """Whether each point is linked."""
        return np.asarray(self.segment >= 0)

    def take(self, rows: npt.NDArray[np.intp]) -> Links:
        """The links of some of the points, in the order of `rows`."""
        return Links(self.segment[rows], self.along_m[rows], self.link_m[rows])

    def foot_xy(self, network: Network) -> Floats:
        """(n, 2) metres: the foot points; NaN where unlinked."""
        ends = network.node_xy[network.ends[self.segment]]
        share = self.along_m / network.length_m[self.segment]
        feet = ends[:, 0] + share[:, None] * (ends[:, 1] - ends[:, 0])
        return np.where(self.linked[:, None], feet, np.nan)


def link_points(
    network: Network | Streets, xy: Floats, max_link_m: float, *, walk: Walk | None = None, threads: int | None = None
) -> Links:
    """Link points to the nearest place on a street segment the walker may use.

    The rule: a point is linked to the nearest segment (by straight distance; of equally near ones the first in the
    network's order) of a part with at least `FRAGMENT_M` (500) metres of connected street, if one is within `max_link_m`;
    else to the nearest segment of any smaller part (a *fragment*: a courtyard path that the extract or the mapping cut off)
    within `max_link_m`; else it is unlinked. Larger parts are islands and stay so: nobody walks over water. Without steps,
    neither segments with steps nor connections over them count.

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    xy
        (n, 2) metres in the network's CRS, finite.
    max_link_m
        Longest link in metres, inclusive; finite, >= 0.
    walk
        Whose streets: its profile decides. If not given, as the streets were made ready, or those of everybody on foot.
    threads
        How many threads; all there are if not given. Never changes the result.

    Raises
    ------
    TableError
        If a coordinate is not finite (all rows are named) or `max_link_m` is negative or not finite.

    Examples
    --------
    >>> street = Network.from_segments([[0, 0], [100, 0]], [[0, 1]], crs="EPSG:32651")
    >>> links = link_points(street, np.array([[30.0, 40.0], [30.0, 90.0]]), max_link_m=60)
    >>> links.segment.tolist(), links.along_m.tolist(), links.link_m.tolist()
    ([0, -1], [30.0, 0.0], [40.0, inf])
    """
    streets = Streets.of(network, None if walk is None else walk.gait)
    points = _checked(xy, max_link_m)
    lines, grid = streets.lines, streets.grid
    order = _by_cell(points, grid, max_link_m)
    found = Links(np.full(len(points), -1, dtype=np.int32), np.zeros(len(points)), np.full(len(points), np.inf))
    fragment = streets.fragment

    def work(mine: Iterator[int]) -> None:
        for turn in mine:
            batch = order[turn * BATCH : (turn + 1) * BATCH]
            _link(points, batch, lines, fragment, *grid, max_link_m, found.segment, found.along_m, found.link_m)

    in_turn(work, -(-len(order) // BATCH), workers(threads))
    linked = found.linked
    found.along_m[linked] *= streets.network.length_m[found.segment[linked]]
    return found


def _checked(xy: Floats, max_link_m: float) -> Floats:
    points = np.array(xy, dtype=np.float64).reshape(-1, 2)
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    faults = [Fault("the point has no finite coordinates", "give x and y in metres", row=int(i)) for i in bad]
    if not (np.isfinite(max_link_m) and max_link_m >= 0):
        said = "the longest link is negative or not finite"
        faults.append(Fault(said, "give metres >= 0", column="max_link_m", value=str(max_link_m)))
    if faults:
        raise TableError(f"points: {say_faults(faults)}", faults, "points")
    return points


def _by_cell(points: Floats, grid: Grid, max_link_m: float) -> npt.NDArray[np.intp]:
    """Points that may be linked, in the order of their cells: neighbours look at the same streets."""
    at = points - [grid.west, grid.south]
    size = np.array([grid.columns, grid.rows])
    near = np.flatnonzero(((at >= -max_link_m) & (at <= size * grid.cell_m + max_link_m)).all(axis=1))
    column, row = np.floor(np.clip(at[near] / grid.cell_m, -1, size)).astype(np.int64).T
    return near[np.argsort(row * (grid.columns + 2) + column, kind="stable")]


@inlined
def _nearest_in_cell(
    x: float, y: float, lines: Floats, fragment: Bools, entry: Ints, start: int, stop: int, best: Floats, at: Floats, who: Ints
) -> None:
    """Better the nearest places found so far, of real streets (0) and of fragments (1), by the segments of one cell."""
    for e in range(start, stop):
        s = entry[e]
        ax, ay, bx, by = lines[s, 0], lines[s, 1], lines[s, 2], lines[s, 3]
        dx, dy = bx - ax, by - ay
        along, whole = (x - ax) * dx + (y - ay) * dy, dx * dx + dy * dy
        if along <= 0:
            share, off_x, off_y = 0.0, x - ax, y - ay
        elif along >= whole:
            share, off_x, off_y = 1.0, x - bx, y - by
        else:
            share = along / whole
            off_x, off_y = x - (ax + share * dx), y - (ay + share * dy)
        squared = off_x * off_x + off_y * off_y
        kind = 1 if fragment[s] else 0
        if squared < best[kind] or (squared == best[kind] and s < who[kind]):
            best[kind], at[kind], who[kind] = squared, share, s


@compiled
def _link(
    points: Floats, batch: npt.NDArray[np.intp], lines: Floats, fragment: Bools, west: float, south: float, cell_m: float,
    columns: int, rows: int, first: npt.NDArray[np.int64], entry: Ints, max_link_m: float,
    segment: Ints, along: Floats, link_m: Floats,
) -> None:  # fmt: skip
    """Look around each point in growing square rings of cells, until no farther ring can hold anything nearer."""
    best, at, who = np.empty(2), np.empty(2), np.empty(2, dtype=np.int32)
    for p in batch:
        x, y = points[p, 0], points[p, 1]
        column, row = int(np.floor((x - west) / cell_m)), int(np.floor((y - south) / cell_m))
        in_x, in_y = x - west - column * cell_m, y - south - row * cell_m
        edge = min(min(in_x, cell_m - in_x), min(in_y, cell_m - in_y))
        best[:], who[:] = np.inf, -1
        ring = max(0, max(max(-column, column - columns + 1), max(-row, row - rows + 1)))
        while True:
            nearest_m = 0.0 if ring == 0 else max(0.0, (ring - 1) * cell_m + edge)
            if nearest_m > max_link_m + PAD_M or (nearest_m - PAD_M > 0 and (nearest_m - PAD_M) ** 2 > best[0]):
                break
            for r in range(max(0, row - ring), min(rows - 1, row + ring) + 1):
                step = 1 if abs(r - row) == ring else max(1, 2 * ring)
                for c in range(column - ring, column + ring + 1, step):
                    if 0 <= c < columns:
                        cell = r * columns + c
                        _nearest_in_cell(x, y, lines, fragment, entry, first[cell], first[cell + 1], best, at, who)
            if ring > columns + rows + abs(column) + abs(row):
                break
            ring += 1
        kind = 0 if who[0] >= 0 and np.sqrt(best[0]) <= max_link_m else 1
        if who[kind] >= 0 and np.sqrt(best[kind]) <= max_link_m:
            segment[p], along[p], link_m[p] = who[kind], at[kind], np.sqrt(best[kind])
