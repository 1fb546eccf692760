"""Corners of a raster that know their nearest street: each is linked once, however many stations look at it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.network import Floats, Ints
from planner.reach import Streets, link_points
from planner.reach.compiled import compiled, workers
from planner.reach.streets import Bools
from planner.study import Walk

TILE = 64  # corners a side
NEAR_M = 60.0  # half a block: most corners have a street this near, and each street is tried on the corners around it

Floats32 = npt.NDArray[np.float32]


class Tiles(NamedTuple):
    """The links of the corners (``cell_m * column``, ``cell_m * row``), in square tiles; only tiles that are looked at exist.

    ``tile[i, j]`` is the place of the tile in the other three, or -1; its first corner has column ``(first_column + j) * TILE``
    and row ``(first_row + i) * TILE``. ``segment`` is -1 where a corner is unlinked.
    """

    cell_m: float
    first_column: int
    first_row: int
    tile: Ints
    segment: Ints
    along_m: Floats32
    link_m: Floats32


class Around(NamedTuple):
    """How far around which points the raster must know the streets."""

    xy: Floats
    radius_m: float


def link_corners(streets: Streets, around: Around, cell_m: float, walk: Walk, *, threads: int | None = None) -> Tiles:
    """Link all corners around the stations to their nearest street, by the rule of `planner.reach.link_points`.

    Parameters
    ----------
    streets
        The streets of the walker.
    around
        The stations, and how far from them corners are needed.
    cell_m
        Metres between corners. Corners lie at whole multiples of it, so that no outline depends on who else is drawn.
    walk
        For ``max_link_m`` and steps.
    threads
        How many threads; never changes the result.
    """
    tile, first_column, first_row = _tiles_needed(streets, around, cell_m, walk.max_link_m)
    count = int(tile.max(initial=-1)) + 1
    shape = (count, TILE, TILE)
    segment = np.full(shape, -1, dtype=np.int32)
    along_m, link_m = np.zeros(shape, dtype=np.float32), np.full(shape, np.inf, dtype=np.float32)
    tiles = Tiles(cell_m, first_column, first_row, tile, segment, along_m, link_m)
    lines = np.ascontiguousarray(streets.network.node_xy[streets.network.ends].reshape(-1, 4))
    tried = streets.walked & ~streets.fragment
    near_m = min(NEAR_M, walk.max_link_m)
    some = workers(threads)
    rows = np.linspace(0, len(tile), some + 1).astype(int)
    with ThreadPoolExecutor(some) as pool:
        parts = itertools.pairwise(rows.tolist())
        list(pool.map(lambda part: _try_streets(lines, tried, near_m, tiles, *part), parts))
    np.sqrt(link_m, out=link_m)
    along_m *= streets.network.length_m[segment].astype(np.float32)
    _link_rest(streets, tiles, walk, threads)
    return tiles


def _tiles_needed(streets: Streets, around: Around, cell_m: float, max_link_m: float) -> tuple[Ints, int, int]:
    west, south, east, north = streets.network.bounds
    near_low, near_high = [west - max_link_m, south - max_link_m], [east + max_link_m, north + max_link_m]
    low = np.maximum(around.xy - around.radius_m, near_low)
    high = np.minimum(around.xy + around.radius_m, near_high)
    side_m = cell_m * TILE
    first, last = np.floor(low / side_m).astype(np.int64), np.floor(high / side_m).astype(np.int64)
    column, row = first.min(axis=0)
    columns, rows = last.max(axis=0) - (column, row) + 1
    needed = np.zeros((max(rows, 0), max(columns, 0)), dtype=np.bool_)
    for (c, r), (to_c, to_r) in zip(first - (column, row), last - (column, row), strict=True):  # a slice for each station
        needed[r : to_r + 1, c : to_c + 1] = True
    tile = np.where(needed, np.cumsum(needed).reshape(needed.shape) - 1, -1).astype(np.int32)
    return tile, int(column), int(row)


def _link_rest(streets: Streets, tiles: Tiles, walk: Walk, threads: int | None) -> None:
    """Corners that no street is near to: look farther, and at fragments of streets."""
    row, column = np.nonzero(tiles.tile >= 0)
    first = np.stack([column + tiles.first_column, row + tiles.first_row], axis=1) * TILE
    tile, down, right = np.nonzero(tiles.segment < 0)
    xy = (first[tile] + np.stack([right, down], axis=1)).astype(np.float64) * tiles.cell_m
    links = link_points(streets, xy, walk.max_link_m, walk=walk, threads=threads)
    tiles.segment[tile, down, right] = links.segment
    tiles.along_m[tile, down, right] = links.along_m
    tiles.link_m[tile, down, right] = links.link_m


@compiled
def _try_streets(lines: Floats, tried: Bools, near_m: float, tiles: Tiles, from_row: int, to_row: int) -> None:
    """Try each street on the corners within `near_m` of it; of equally near streets the first stays.

    Writes the share of the segment into ``along_m`` and the square of the link into ``link_m``.
    """
    cell_m, columns = tiles.cell_m, tiles.tile.shape[1]
    low_row = (tiles.first_row + from_row) * TILE
    high_row = (tiles.first_row + to_row) * TILE - 1
    low_column = tiles.first_column * TILE
    high_column = (tiles.first_column + columns) * TILE - 1
    for s in range(len(lines)):
        if not tried[s]:
            continue
        west, east = min(lines[s, 0], lines[s, 2]) - near_m, max(lines[s, 0], lines[s, 2]) + near_m
        south, north = min(lines[s, 1], lines[s, 3]) - near_m, max(lines[s, 1], lines[s, 3]) + near_m
        left, right = max(int(np.ceil(west / cell_m)), low_column), min(int(np.floor(east / cell_m)), high_column)
        bottom, top = max(int(np.ceil(south / cell_m)), low_row), min(int(np.floor(north / cell_m)), high_row)
        for row in range(bottom, top + 1):
            for column in range(left, right + 1):
                t = tiles.tile[(row - tiles.first_row * TILE) // TILE, (column - low_column) // TILE]
                if t >= 0:
                    _try_street(s, lines, column, row, near_m, t, tiles)


@compiled
def _try_street(s: int, lines: Floats, column: int, row: int, near_m: float, t: int, tiles: Tiles) -> None:
    ax, ay = lines[s, 0], lines[s, 1]
    dx, dy = lines[s, 2] - ax, lines[s, 3] - ay
    x, y = column * tiles.cell_m - ax, row * tiles.cell_m - ay
    along, whole = x * dx + y * dy, dx * dx + dy * dy
    share = 0.0 if along <= 0 else (1.0 if along >= whole else along / whole)
    x, y = x - share * dx, y - share * dy
    squared = np.float32(x * x + y * y)
    i, j = row % TILE, column % TILE
    if squared <= near_m * near_m and squared < tiles.link_m[t, i, j]:
        tiles.segment[t, i, j], tiles.along_m[t, i, j], tiles.link_m[t, i, j] = s, share, squared
