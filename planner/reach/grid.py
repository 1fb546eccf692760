"""A square grid that knows which street segments pass each of its cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.network import Floats, Ints
from planner.reach.compiled import compiled

Bools = npt.NDArray[np.bool_]

SMALLEST_CELL_M = 40.0  # about a block: smaller cells are mostly empty, and rings of them must be visited
CELLS_PER_SEGMENT = 4  # bounds the grid's memory where a few streets lie far from the rest
PAD_M = 1e-3  # a segment is noted in a cell it misses by this much, so that rounding loses none


class Grid(NamedTuple):
    """Segments noted in the square cells they pass: those of cell c are ``entry[first[c]:first[c + 1]]``, in no order."""

    west: float
    south: float
    cell_m: float
    columns: int
    rows: int
    first: npt.NDArray[np.int64]
    entry: Ints


def grid_of(lines: Floats, walked: Bools) -> Grid:
    """The grid of some segments: `lines` are (segments, 4) metres from and to; those not `walked` are left out."""
    x, y = lines[walked][:, 0::2], lines[walked][:, 1::2]
    if not len(x):
        return Grid(0.0, 0.0, 1.0, 0, 0, np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int32))
    west, south = float(x.min()) - 1, float(y.min()) - 1
    width, height = float(x.max()) + 1 - west, float(y.max()) + 1 - south
    cell_m = max(SMALLEST_CELL_M, float(np.sqrt(width * height / (CELLS_PER_SEGMENT * len(x)))), max(width, height) / 30_000)
    columns, rows = int(width / cell_m) + 1, int(height / cell_m) + 1
    first = np.zeros(columns * rows + 1, dtype=np.int64)
    _note(lines, walked, west, south, cell_m, columns, first, np.empty(0, dtype=np.int32), filling=False)
    np.cumsum(first, out=first)
    entry = np.empty(first[-1], dtype=np.int32)
    _note(lines, walked, west, south, cell_m, columns, first, entry, filling=True)
    return Grid(west, south, cell_m, columns, rows, first, entry)


@compiled
def _note(
    lines: Floats, walked: Bools, west: float, south: float, cell_m: float, columns: int, first: npt.NDArray[np.int64],
    entry: Ints, filling: bool,
) -> None:  # fmt: skip
    """Count each walked segment in the cells it passes; then, `first` being added up, fill it in from their ends."""
    for s in range(len(lines)):
        if not walked[s]:
            continue
        x, y = lines[s, 0] - west, lines[s, 1] - south
        to_x, to_y = lines[s, 2] - west, lines[s, 3] - south
        if y > to_y:
            x, y, to_x, to_y = to_x, to_y, x, y
        for row in range(int((y - PAD_M) / cell_m), int((to_y + PAD_M) / cell_m) + 1):
            enter, leave = 0.0, 1.0
            if to_y - y > PAD_M:
                enter = max(0.0, (row * cell_m - PAD_M - y) / (to_y - y))
                leave = min(1.0, ((row + 1) * cell_m + PAD_M - y) / (to_y - y))
            one, other = x + enter * (to_x - x), x + leave * (to_x - x)
            for column in range(int((min(one, other) - PAD_M) / cell_m), int((max(one, other) + PAD_M) / cell_m) + 1):
                cell = row * columns + column
                if filling:
                    first[cell] -= 1
                    entry[first[cell]] = s
                else:
                    first[cell] += 1
