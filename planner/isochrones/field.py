"""The compiled times: which band reaches each corner of the raster around one station, and where bands cross its cells.

Inner loops take arrays one by one. numba counts references to each array of a tuple whenever the tuple is handed on, which
takes longer than what is done with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.isochrones.raster import TILE, Tiles
from planner.network import Floats, Ints
from planner.reach.compiled import compiled

STEPS = 16  # a crossing is found to within this part of a cell

SHORTEST_M2 = 1e-12

Bytes = npt.NDArray[np.uint8]
Segment = tuple[float, float, float, float, float, float, float, float, float, float, float]


class Door(NamedTuple):
    """Where a station meets its street, and the metres from its door to there."""

    segment: int
    along_m: float
    link_m: float


class Field(NamedTuple):
    """What is reached on the raster around one station; its outermost corners never are.

    ``band`` (rows, columns) is the first band that reaches each corner, or the number of bands. ``cross`` (bands, 2, rows,
    columns): how many steps a band passes from the inner to the outer corner of the cell side that leads from a corner east
    (axis 0) or north (axis 1). ``sides`` (n, 2) are row and column of all eastward sides that are crossed, row by row;
    ``crossings`` counts all sides crossed by each band.
    """

    column: int
    row: int
    band: Bytes
    cross: Bytes
    sides: Ints
    crossings: Ints


@compiled
def measure_field(
    near: Ints, near_m: Floats, door: Door, node_xy: Floats, street: Floats, ends: Ints, node_m: Floats, budget_m: Floats,
    max_link_m: float, farther: float, tiles: Tiles,
) -> Field:  # fmt: skip
    """Measure which band reaches what around one station.

    Parameters
    ----------
    near, near_m
        The nodes within the last band's budget, and the metres walked from the door to them.
    street, ends
        (segments, 7): coordinates of both ends, metres along the ground, and what one of these costs towards end v and towards
        end u, in level metres; (segments, 2): the nodes at both ends.
    node_m
        One entry a node, all infinite: room to write in, given back as it was.
    budget_m
        Level metres each band may walk, rising.
    farther
        How many metres of street one level metre makes at most.
    """
    for k in range(len(near)):
        node_m[near[k]] = near_m[k]
    column, row, columns, rows = _window(near, near_m, door, node_xy, street, budget_m[-1], farther, tiles.cell_m)
    band = np.full((rows, columns), len(budget_m), dtype=np.uint8)
    segment = np.full((rows, columns), -1, dtype=np.int32)
    _classify(column, row, band, segment, door, street, ends, node_m, budget_m, tiles)
    cross = np.empty((len(budget_m), 2, rows, columns), dtype=np.uint8)
    sides, crossings = np.empty((rows * columns, 2), dtype=np.int32), np.zeros(len(budget_m), dtype=np.int32)
    place = (column * tiles.cell_m, row * tiles.cell_m, tiles.cell_m)
    count = _cross(place, band, segment, door, street, ends, node_m, budget_m, max_link_m, cross, sides, crossings)
    for k in range(len(near)):
        node_m[near[k]] = np.inf
    return Field(column, row, band, cross, sides[:count], crossings)


@compiled
def _window(
    near: Ints, near_m: Floats, door: Door, node_xy: Floats, street: Floats, most_m: float, farther: float, cell_m: float
) -> tuple[int, int, int, int]:
    """First column and row, and numbers of both: around the door and each node as far as what is left of the budget goes."""
    s, left_m = door.segment, (most_m - door.link_m) * farther
    share = door.along_m / street[s, 4]
    x, y = street[s, 0] + share * (street[s, 2] - street[s, 0]), street[s, 1] + share * (street[s, 3] - street[s, 1])
    west, south, east, north = x - left_m, y - left_m, x + left_m, y + left_m
    for k in range(len(near)):
        x, y, left_m = node_xy[near[k], 0], node_xy[near[k], 1], (most_m - near_m[k]) * farther
        west, east = min(west, x - left_m), max(east, x + left_m)
        south, north = min(south, y - left_m), max(north, y + left_m)
    column, row = int(np.floor(west / cell_m)) - 1, int(np.floor(south / cell_m)) - 1
    return column, row, int(np.ceil(east / cell_m)) + 2 - column, int(np.ceil(north / cell_m)) + 2 - row


@compiled
def _classify(
    column: int, row: int, band: Bytes, segment: Ints, door: Door, street: Floats, ends: Ints, node_m: Floats,
    budget_m: Floats, tiles: Tiles,
) -> None:  # fmt: skip
    """Note at each corner its street and the first band that reaches it, tile by tile."""
    rows, columns = band.shape
    linked, along_m, link_m = tiles.segment.reshape(-1), tiles.along_m.reshape(-1), tiles.link_m.reshape(-1)
    for i in range(max(0, row // TILE - tiles.first_row), min(len(tiles.tile), (row + rows) // TILE + 1 - tiles.first_row)):
        for j in range(
            max(0, column // TILE - tiles.first_column),
            min(tiles.tile.shape[1], (column + columns) // TILE + 1 - tiles.first_column),
        ):
            t, up, right = tiles.tile[i, j], (tiles.first_row + i) * TILE - row, (tiles.first_column + j) * TILE - column
            if t < 0:
                continue
            for r in range(max(1, up), min(rows - 1, up + TILE)):
                first = (t * TILE + r - up) * TILE - right
                for c in range(max(1, right), min(columns - 1, right + TILE)):
                    s = linked[first + c]
                    if s < 0:
                        continue
                    segment[r, c] = s  # where it is not reached too: the jump to it is searched for
                    if node_m[ends[s, 0]] < np.inf or node_m[ends[s, 1]] < np.inf or s == door.segment:
                        metres = link_m[first + c] + _along(s, along_m[first + c], door, street, ends, node_m)
                        b = 0
                        while b < len(budget_m) and metres > budget_m[b]:
                            b += 1
                        band[r, c] = b


@compiled
def _along(s: int, along_m: float, door: Door, street: Floats, ends: Ints, node_m: Floats) -> float:
    """Level metres to the door from a place on a segment, by either end or straight along it."""
    on, back = street[s, 5], street[s, 6]
    metres = min(node_m[ends[s, 0]] + along_m * back, node_m[ends[s, 1]] + (street[s, 4] - along_m) * on)
    if s == door.segment:
        metres = min(metres, max((door.along_m - along_m) * on, (along_m - door.along_m) * back) + door.link_m)
    return float(metres)


@compiled
def _segment(
    s: int, x: float, y: float, door: Door, street: Floats, ends: Ints, node_m: Floats
) -> Segment:  # fmt: skip
    """All that times by one segment follow from, seen from (x, y)."""
    dx, dy = street[s, 2] - street[s, 0], street[s, 3] - street[s, 1]
    door_m = door.along_m if s == door.segment else np.inf
    whole = max(dx * dx + dy * dy, SHORTEST_M2)
    return (
        street[s, 0] - x, street[s, 1] - y, dx, dy, 1 / whole, street[s, 4], node_m[ends[s, 0]], node_m[ends[s, 1]], door_m,
        street[s, 5], street[s, 6],
    )  # fmt: skip


@compiled
def _by_segment(x: float, y: float, segment: Segment, door_link_m: float) -> tuple[float, float]:
    """The square of the metres from a place to a segment, and the level metres to the door from its foot point there."""
    ax, ay, dx, dy, per_whole, length_m, one_m, other_m, door_m, on, back = segment
    x, y = x - ax, y - ay
    share = min(1.0, max(0.0, (x * dx + y * dy) * per_whole))
    x, y = x - share * dx, y - share * dy
    along_m = share * length_m
    metres = min(one_m + along_m * back, other_m + (length_m - along_m) * on)
    if door_m < np.inf:
        metres = min(metres, max((door_m - along_m) * on, (along_m - door_m) * back) + door_link_m)
    return x * x + y * y, metres


@compiled
def _cross(
    place: tuple[float, float, float], band: Bytes, segment: Ints, door: Door, street: Floats, ends: Ints, node_m: Floats,
    budget_m: Floats, max_link_m: float, cross: Bytes, sides: Ints, crossings: Ints,
) -> int:  # fmt: skip
    """Find where the bands cross each cell side; gives back how many eastward sides are crossed."""
    count, cell_m = 0, place[2]
    for r in range(band.shape[0] - 1):
        for c in range(band.shape[1] - 1):
            if band[r, c] == band[r, c + 1] and band[r, c] == band[r + 1, c]:
                continue
            for axis in range(2):
                r2, c2 = r + axis, c + 1 - axis
                if band[r, c] == band[r2, c2]:
                    continue
                if axis == 0:
                    sides[count, 0], sides[count, 1] = r, c
                    count += 1
                in_r, in_c, out_r, out_c = (r, c, r2, c2) if band[r, c] < band[r2, c2] else (r2, c2, r, c)
                x, y = place[0] + in_c * cell_m, place[1] + in_r * cell_m
                one = _segment(segment[in_r, in_c], x, y, door, street, ends, node_m)
                other = one
                if segment[out_r, out_c] >= 0:
                    other = _segment(segment[out_r, out_c], x, y, door, street, ends, node_m)
                step_x, step_y = (out_c - in_c) * cell_m / STEPS, (out_r - in_r) * cell_m / STEPS
                low = 0
                for b in range(band[in_r, in_c], band[out_r, out_c]):
                    low = _halve(low, step_x, step_y, one, other, door.link_m, budget_m[b], max_link_m)
                    cross[b, axis, r, c] = low
                    crossings[b] += 1
    return count


@compiled
def _halve(
    low: int, step_x: float, step_y: float, one: Segment, other: Segment, door_link_m: float, budget_m: float,
    max_link_m: float,
) -> int:  # fmt: skip
    """How many steps from an inner to an outer corner the budget lasts, found by halving what is beyond `low`.

    Times are exact, by the nearer of the streets of both corners, so that the jump is found as well where the side of one
    street ends and that of another begins. With `low` the crossing of the last band, bands nest.
    """
    high = STEPS
    while high - low > 1:
        half = (low + high) >> 1
        square, metres = _by_segment(half * step_x, half * step_y, one, door_link_m)
        other_square, other_metres = _by_segment(half * step_x, half * step_y, other, door_link_m)
        if other_square < square:
            square, metres = other_square, other_metres
        link_m = np.sqrt(square)
        if link_m <= max_link_m and metres + link_m <= budget_m:
            low = half
        else:
            high = half
    return low
