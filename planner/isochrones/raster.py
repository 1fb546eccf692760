"""Corners of a raster that know their nearest street: each is linked once, however many stations look at it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.network import Floats, Ints
from planner.reach import Streets
from planner.reach.compiled import compiled, workers

TILE = 64  # corners a side
BLOCK = 8  # corners a side; blocks without an open corner are passed over
NEAR_M = 60.0  # half a block of houses: most corners have a street this near
FARTHER = 2.5  # the corners left over are looked at so many times farther off, and so on up to the longest link

Bools = npt.NDArray[np.bool_]
Floats32 = npt.NDArray[np.float32]


class Tiles(NamedTuple):
    """The links of the corners at (``cell_m * column``, ``cell_m * row``), in square tiles; only tiles looked at exist.

    ``tile[i, j]`` is the tile's place in the other three, or -1; its first corner has column ``(first_column + j) * TILE`` and
    row ``(first_row + i) * TILE``. ``segment`` (tiles, TILE, TILE) is -1 where a corner is unlinked; ``along_m`` and ``link_m``
    are as in `planner.reach.Links`.
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


def link_corners(streets: Streets, around: Around, cell_m: float, max_link_m: float, *, threads: int | None = None) -> Tiles:
    """Link all corners around the stations to their nearest street, by the rule of `planner.reach.link_points`.

    That function asks each point for its streets; here each street asks the corners near it, which is many times faster as long
    as the corners are close together. A test holds both to one another.

    Parameters
    ----------
    streets
        The streets of the walker.
    around
        The stations (at least one), and how far from them corners are needed.
    cell_m
        Metres between corners. Corners lie at whole multiples of it, so that no outline depends on who else is drawn.
    max_link_m
        The longest link, inclusive.
    threads
        How many threads; never changes the result.
    """
    tiles = _unlinked(streets, around, cell_m, max_link_m)
    lines = np.ascontiguousarray(streets.network.node_xy[streets.network.ends].reshape(-1, 4))
    real, fragments = streets.walked & ~streets.fragment, streets.walked & streets.fragment
    within_m = min(NEAR_M, max_link_m)
    _try_all(lines, real, within_m, tiles, workers(threads))
    while within_m < max_link_m:
        within_m = min(FARTHER * within_m, max_link_m)
        _try_all(lines, real, within_m, tiles, workers(threads))
    _try_all(lines, fragments, max_link_m, tiles, workers(threads))
    np.sqrt(tiles.link_m, out=tiles.link_m)
    np.multiply(tiles.along_m, streets.network.length_m[tiles.segment], out=tiles.along_m, casting="same_kind")
    return tiles


def _unlinked(streets: Streets, around: Around, cell_m: float, max_link_m: float) -> Tiles:
    """The tiles that are looked at: those with a place both around a station and within the longest link of the network."""
    west, south, east, north = streets.network.bounds
    low = np.maximum(around.xy - around.radius_m, [west - max_link_m, south - max_link_m])
    high = np.minimum(around.xy + around.radius_m, [east + max_link_m, north + max_link_m])
    first, last = np.floor(low / (cell_m * TILE)).astype(np.int64), np.floor(high / (cell_m * TILE)).astype(np.int64)
    column, row = first.min(axis=0)
    columns, rows = last.max(axis=0) - (column, row) + 1
    needed = np.zeros((rows, columns), dtype=np.bool_)
    for (c, r), (to_c, to_r) in zip(first - (column, row), last - (column, row), strict=True):  # a slice for each station
        needed[r : to_r + 1, c : to_c + 1] = True
    tile = np.where(needed, np.cumsum(needed).reshape(needed.shape) - 1, -1).astype(np.int32)
    shape = (int(needed.sum()), TILE, TILE)
    return Tiles(
        cell_m, int(column), int(row), tile,
        np.full(shape, -1, dtype=np.int32), np.zeros(shape, dtype=np.float32), np.full(shape, np.inf, dtype=np.float32),
    )  # fmt: skip


def _try_all(lines: Floats, tried: Bools, within_m: float, tiles: Tiles, threads: int) -> None:
    """Link the corners that are still unlinked to the nearest of the segments tried, if one is near enough."""
    unlinked = tiles.segment < 0
    blocks = np.asarray(unlinked.reshape(-1, TILE // BLOCK, BLOCK, TILE // BLOCK, BLOCK).any(axis=(2, 4)))
    rows = np.linspace(0, len(tiles.tile), threads + 1).astype(int).tolist()
    which = np.flatnonzero(tried).astype(np.int32)

    def work(part: tuple[int, int]) -> None:
        _try_streets(lines, which, within_m, tiles, unlinked, blocks, *part)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, itertools.pairwise(rows)))


@compiled
def _try_streets(
    lines: Floats, which: Ints, within_m: float, tiles: Tiles, unlinked: Bools, blocks: Bools, from_row: int, to_row: int
) -> None:
    """Try each street on the unlinked corners within `within_m` of its bounds, in some rows of tiles."""
    cell_m, tile, segment, share, square = tiles.cell_m, tiles.tile, tiles.segment, tiles.along_m, tiles.link_m
    low_row, low_column = tiles.first_row * TILE, tiles.first_column * TILE
    last_row, last_column = to_row * TILE - 1, tile.shape[1] * TILE - 1
    for s in which:
        west, east = min(lines[s, 0], lines[s, 2]) - within_m, max(lines[s, 0], lines[s, 2]) + within_m
        south, north = min(lines[s, 1], lines[s, 3]) - within_m, max(lines[s, 1], lines[s, 3]) + within_m
        left, bottom = int(np.ceil(west / cell_m)) - low_column, int(np.ceil(south / cell_m)) - low_row
        right, top = int(np.floor(east / cell_m)) - low_column, int(np.floor(north / cell_m)) - low_row
        left, bottom, right, top = max(left, 0), max(bottom, from_row * TILE), min(right, last_column), min(top, last_row)
        for block_row in range(bottom // BLOCK, top // BLOCK + 1):
            for block_column in range(left // BLOCK, right // BLOCK + 1):
                t = tile[block_row * BLOCK // TILE, block_column * BLOCK // TILE]
                if t < 0 or not blocks[t, block_row % (TILE // BLOCK), block_column % (TILE // BLOCK)]:
                    continue
                for row in range(max(bottom, block_row * BLOCK), min(top + 1, (block_row + 1) * BLOCK)):
                    for column in range(max(left, block_column * BLOCK), min(right + 1, (block_column + 1) * BLOCK)):
                        if unlinked[t, row % TILE, column % TILE]:
                            x, y = (low_column + column) * cell_m, (low_row + row) * cell_m
                            _try_street(s, lines, x, y, within_m, t, row % TILE, column % TILE, segment, share, square)


@compiled
def _try_street(
    s: int, lines: Floats, x: float, y: float, within_m: float, t: int, i: int, j: int,
    segment: Ints, share: Floats32, square: Floats32,
) -> None:  # fmt: skip
    """Note a street at a corner it is the nearest to so far: its share up to the foot point, and the square of the link."""
    x, y = x - lines[s, 0], y - lines[s, 1]
    dx, dy = lines[s, 2] - lines[s, 0], lines[s, 3] - lines[s, 1]
    along, whole = x * dx + y * dy, dx * dx + dy * dy
    at = 0.0 if along <= 0 else (1.0 if along >= whole else along / whole)
    x, y = x - at * dx, y - at * dy
    found = np.float32(x * x + y * y)
    if found < square[t, i, j] and x * x + y * y <= within_m * within_m:
        segment[t, i, j], share[t, i, j], square[t, i, j] = s, at, found
