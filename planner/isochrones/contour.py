"""The compiled part of drawing: which band reaches each corner, where the bands cross the raster, the rings around them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.isochrones.raster import TILE, Tiles
from planner.network import Floats, Ints
from planner.reach.compiled import compiled

STEPS = 16  # a crossing is found to within this part of a cell
ROOM = 0.4  # how much of the gap between two bands on one cell side each may use to be straighter; less than half
PARALLEL = 1e-12  # square cells

Bytes = npt.NDArray[np.uint8]
Runs = npt.NDArray[np.int32]  # (rows, columns, 2): the ring at the east (0) and west (1) end of a run of reached corners


class Lines(NamedTuple):
    """The streets as the loops read them: node coordinates, and each segment's ends, metres and (n, 4) end coordinates."""

    node_xy: Floats
    ends: Ints
    length_m: Floats
    xy: Floats


class Start(NamedTuple):
    """Where the station meets its street, and the metres from its door to there."""

    segment: int
    along_m: float
    link_m: float


class Walked(NamedTuple):
    """All that the time to a place follows from: streets, the station's start, metres walked to each node, the longest link."""

    lines: Lines
    start: Start
    node_m: Floats
    max_link_m: float


class Window(NamedTuple):
    """The part of the raster around one station; its outermost corners are never reached.

    ``band`` is the first band that reaches each corner (the number of bands where none does), ``segment`` its street.
    ``cross[b, axis, row, column]``: band b passes so many steps from the inner to the outer corner of the cell side that
    leads from this corner east (axis 0) or north (axis 1).
    """

    column: int
    row: int
    band: Bytes
    segment: Ints
    cross: Bytes


class Gates(NamedTuple):
    """The cell sides that one ring passes, in order: from an inner corner (in cells) a step to an outer corner.

    The ring passes at the share `at` of the side, and may pass anywhere between `low` and `high`.
    """

    corner: Ints
    step: Ints
    at: Floats
    low: Floats
    high: Floats


class Rings(NamedTuple):
    """Closed rings, the reached side to their left.

    All points one after the other, and for each ring its number of points, its band, and the ring that is the outer one of
    its part: itself, if it is no hole. An outer ring stands before its holes.
    """

    xy: Floats
    size: Ints
    band: Ints
    outer: Ints


@compiled
def draw_station(near: Ints, near_m: Floats, walked: Walked, budget_m: Floats, tolerance_m: float, tiles: Tiles) -> Rings:
    """The rings of all bands of one station.

    Parameters
    ----------
    near, near_m
        The nodes within the last band's budget, and the metres walked to them.
    walked
        Its ``node_m`` is infinite everywhere: room to write in, given back as it was.
    budget_m
        Metres each band may walk, rising.
    tolerance_m
        How far a ring may leave its crossings to be straighter.
    tiles
        The links of the raster's corners.
    """
    for k in range(len(near)):
        walked.node_m[near[k]] = near_m[k]
    window = _open_window(near, walked, budget_m, tiles.cell_m)
    _classify(window, tiles, walked, budget_m)
    crossings = _cross(window, tiles.cell_m, walked, budget_m)
    for k in range(len(near)):
        walked.node_m[near[k]] = np.inf
    return _trace(window, crossings, tolerance_m / tiles.cell_m, tiles.cell_m)


@compiled
def _open_window(near: Ints, walked: Walked, budget_m: Floats, cell_m: float) -> Window:
    """A window that holds all that can be reached: around each node as far as what is left of the budget goes."""
    lines, start, most, bands = walked.lines, walked.start, budget_m[-1], len(budget_m)
    share, left_m = start.along_m / lines.length_m[start.segment], most - start.link_m
    x = lines.xy[start.segment, 0] + share * (lines.xy[start.segment, 2] - lines.xy[start.segment, 0])
    y = lines.xy[start.segment, 1] + share * (lines.xy[start.segment, 3] - lines.xy[start.segment, 1])
    west, south, east, north = x - left_m, y - left_m, x + left_m, y + left_m
    for n in near:
        x, y, left_m = lines.node_xy[n, 0], lines.node_xy[n, 1], most - walked.node_m[n]
        west, east = min(west, x - left_m), max(east, x + left_m)
        south, north = min(south, y - left_m), max(north, y + left_m)
    column, row = int(np.floor(west / cell_m)) - 1, int(np.floor(south / cell_m)) - 1
    columns, rows = int(np.ceil(east / cell_m)) + 2 - column, int(np.ceil(north / cell_m)) + 2 - row
    band = np.full((rows, columns), bands, dtype=np.uint8)
    segment = np.full((rows, columns), -1, dtype=np.int32)
    return Window(column, row, band, segment, np.empty((bands, 2, rows, columns), dtype=np.uint8))


@compiled
def _classify(window: Window, tiles: Tiles, walked: Walked, budget_m: Floats) -> None:
    """Note at each corner its street and the first band that reaches it."""
    rows, columns = window.band.shape
    for i in range(len(tiles.tile)):
        for j in range(tiles.tile.shape[1]):
            t = tiles.tile[i, j]
            up, right = (tiles.first_row + i) * TILE - window.row, (tiles.first_column + j) * TILE - window.column
            if t < 0 or up >= rows or right >= columns or up + TILE <= 0 or right + TILE <= 0:
                continue
            for r in range(max(1, up), min(rows - 1, up + TILE)):
                for c in range(max(1, right), min(columns - 1, right + TILE)):
                    s = tiles.segment[t, r - up, c - right]
                    if s >= 0:
                        metres = _along(s, tiles.along_m[t, r - up, c - right], walked)
                        window.segment[r, c] = s
                        window.band[r, c] = _band(metres + tiles.link_m[t, r - up, c - right], budget_m)


@compiled
def _band(metres: float, budget_m: Floats) -> int:
    b = 0
    while b < len(budget_m) and metres > budget_m[b]:
        b += 1
    return b


@compiled
def _along(s: int, along_m: float, walked: Walked) -> float:
    """Metres from the station's door to a place on a segment, by either end or straight along it."""
    one, other = walked.node_m[walked.lines.ends[s, 0]], walked.node_m[walked.lines.ends[s, 1]]
    metres = min(one + along_m, other + (walked.lines.length_m[s] - along_m))
    if s == walked.start.segment:
        metres = min(metres, abs(along_m - walked.start.along_m) + walked.start.link_m)
    return float(metres)


@compiled
def _by_segment(x: float, y: float, s: int, walked: Walked) -> tuple[float, float]:
    """Metres from a place to a segment, and from the station to the place by this segment."""
    line = walked.lines.xy[s]
    dx, dy = line[2] - line[0], line[3] - line[1]
    along, whole = (x - line[0]) * dx + (y - line[1]) * dy, dx * dx + dy * dy
    share = 0.0 if along <= 0 else (1.0 if along >= whole else along / whole)
    off_x, off_y = x - line[0] - share * dx, y - line[1] - share * dy
    link_m = np.sqrt(off_x * off_x + off_y * off_y)
    return link_m, link_m + _along(s, share * walked.lines.length_m[s], walked)


@compiled
def _by_nearer(x: float, y: float, one: int, other: int, walked: Walked) -> float:
    """Metres from the station to a place by the nearer of two segments (-1: there is no other); inf where it is too far off."""
    link_m, metres = _by_segment(x, y, one, walked)
    if other >= 0 and other != one:
        other_link_m, other_metres = _by_segment(x, y, other, walked)
        if other_link_m < link_m:
            link_m, metres = other_link_m, other_metres
    return metres if link_m <= walked.max_link_m else np.inf


@compiled
def _cross(window: Window, cell_m: float, walked: Walked, budget_m: Floats) -> int:
    """Find where the bands cross each cell side; gives back how many crossings there are."""
    band, crossings = window.band, 0
    for r in range(band.shape[0] - 1):
        for c in range(band.shape[1] - 1):
            if band[r, c] != band[r, c + 1]:
                crossings += _cross_side(window, 0, r, c, r, c + 1, cell_m, walked, budget_m)
            if band[r, c] != band[r + 1, c]:
                crossings += _cross_side(window, 1, r, c, r + 1, c, cell_m, walked, budget_m)
    return crossings


@compiled
def _cross_side(
    window: Window, axis: int, r: int, c: int, r2: int, c2: int, cell_m: float, walked: Walked, budget_m: Floats
) -> int:
    """Find where the bands cross one cell side, by halving between its inner and its outer corner.

    Times in between are exact, by the nearer of the streets of both corners, so that the jump is found as well where the side
    of one street ends and that of another begins. Each band is searched from the last one's crossing outwards: bands nest.
    """
    in_r, in_c, out_r, out_c = (r, c, r2, c2) if window.band[r, c] < window.band[r2, c2] else (r2, c2, r, c)
    x, y = (window.column + in_c) * cell_m, (window.row + in_r) * cell_m
    step_x, step_y = (out_c - in_c) * cell_m / STEPS, (out_r - in_r) * cell_m / STEPS
    inner, outer = window.segment[in_r, in_c], window.segment[out_r, out_c]
    first, last = window.band[in_r, in_c], window.band[out_r, out_c]
    low = 0
    for b in range(first, last):
        high = STEPS
        while high - low > 1:
            half = (low + high) >> 1
            if _by_nearer(x + half * step_x, y + half * step_y, inner, outer, walked) <= budget_m[b]:
                low = half
            else:
                high = half
        window.cross[b, axis, r, c] = low
    return int(last - first)


@compiled
def _trace(window: Window, crossings: int, tolerance: float, cell_m: float) -> Rings:
    """Follow the rings of all bands; a ring's first point is its last."""
    most = crossings // 4 + 1  # rings: the shortest passes four cell sides
    xy, points, rings = np.empty((crossings + most, 2)), 0, 0
    size, of_band, outer = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
    gates = Gates(
        np.empty((crossings, 2), dtype=np.int32), np.empty((crossings, 2), dtype=np.int32),
        np.empty(crossings), np.empty(crossings), np.empty(crossings),
    )  # fmt: skip
    for b in range(len(window.cross)):
        run_ends = np.full((*window.band.shape, 2), -1, dtype=np.int32)
        for r in range(1, window.band.shape[0] - 1):
            for c in range(1, window.band.shape[1] - 1):
                if window.band[r, c] <= b and window.band[r, c + 1] > b and run_ends[r, c, 0] < 0:
                    passed = _follow(window, b, r, c, rings, run_ends, tolerance, gates)
                    size[rings] = _straighten(gates, passed, xy[points:])
                    of_band[rings], outer[rings] = b, rings
                    points += size[rings]
                    rings += 1
        _join(window.band, b, run_ends, outer)
    for ring in range(rings):
        outer[ring] = _root(outer, ring)
    for k in range(points):
        xy[k, 0], xy[k, 1] = (xy[k, 0] + window.column) * cell_m, (xy[k, 1] + window.row) * cell_m
    return Rings(xy[:points].copy(), size[:rings].copy(), of_band[:rings].copy(), outer[:rings].copy())


@compiled
def _follow(window: Window, b: int, r: int, c: int, ring: int, run_ends: Runs, tolerance: float, gates: Gates) -> int:
    """Walk around the reached corners, which lie to the left, until back at the start; gives back how many sides were passed.

    Reached corners belong together across cell sides, not across diagonals, so no two rings meet. The walk begins northward.
    """
    band, passed, step_r, step_c = window.band, 0, 1, 0
    while True:
        if step_r == 1:
            if run_ends[r, c, 0] == ring:
                return passed
            run_ends[r, c, 0] = ring
        elif step_r == -1:
            run_ends[r, c, 1] = ring
        out_r, out_c = r - step_c, c + step_r
        _note_gate(window, b, r, c, out_r, out_c, tolerance, gates, passed)
        passed += 1
        if band[r + step_r, c + step_c] > b:  # to the left
            step_r, step_c = step_c, -step_r
        elif band[out_r + step_r, out_c + step_c] > b:  # straight on
            r, c = r + step_r, c + step_c
        else:  # to the right
            r, c = out_r + step_r, out_c + step_c
            step_r, step_c = -step_c, step_r


@compiled
def _share(window: Window, b: int, axis: int, r: int, c: int) -> float:
    """Where band b passes a cell side, as a share from the inner corner; farther bands always a little farther out."""
    return float((window.cross[b, axis, r, c] + (b + 1) / (len(window.cross) + 1)) / STEPS)


@compiled
def _note_gate(window: Window, b: int, r: int, c: int, out_r: int, out_c: int, tolerance: float, gates: Gates, k: int) -> None:
    """Note where a ring passes a cell side, and between where it may: inside the band farther out, outside the one within."""
    axis, side_r, side_c = abs(out_r - r), min(r, out_r), min(c, out_c)
    at = _share(window, b, axis, side_r, side_c)
    low, high = at / 2, (1 + at) / 2
    if b > window.band[r, c]:
        low = at - ROOM * (at - _share(window, b - 1, axis, side_r, side_c))
    if b + 1 < window.band[out_r, out_c]:
        high = at + ROOM * (_share(window, b + 1, axis, side_r, side_c) - at)
    gates.corner[k, 0], gates.corner[k, 1] = c, r
    gates.step[k, 0], gates.step[k, 1] = out_c - c, out_r - r
    gates.at[k], gates.low[k], gates.high[k] = at, max(low, at - tolerance), min(high, at + tolerance)


@compiled
def _straighten(gates: Gates, count: int, xy: Floats) -> int:
    """Write a ring that passes all its gates with few points; gives back how many.

    From each point goes a wedge of sight through the gates that follow, as long as it is open; the next point is in the last
    gate that is seen, as near to its crossing as the wedge allows. A ring through the same gates has the same corners inside,
    meets no other ring and stays within the band farther out.
    """
    x, y = _place(gates, 0, gates.at[0])
    xy[0, 0], xy[0, 1] = x, y
    points, k, wide = 1, 1, True  # wide: the wedge has not begun
    left_x = left_y = right_x = right_y = 0.0
    while k <= count:
        gate, low, high = (k, gates.low[k], gates.high[k]) if k < count else (0, gates.at[0], gates.at[0])
        low_x, low_y = _place(gates, gate, low)
        high_x, high_y = _place(gates, gate, high)
        low_x, low_y, high_x, high_y = low_x - x, low_y - y, high_x - x, high_y - y
        if not wide and _turn(left_x, left_y, low_x, low_y) > 0:
            low_x, low_y = left_x, left_y
        if not wide and _turn(right_x, right_y, high_x, high_y) < 0:
            high_x, high_y = right_x, right_y
        if wide or _turn(high_x, high_y, low_x, low_y) >= 0:
            left_x, left_y, right_x, right_y, wide = low_x, low_y, high_x, high_y, False
            k += 1
        else:
            x, y = _place(gates, k - 1, _seen(gates, k - 1, x, y, left_x, left_y, right_x, right_y))
            xy[points, 0], xy[points, 1] = x, y
            points, wide = points + 1, True
    xy[points, 0], xy[points, 1] = xy[0, 0], xy[0, 1]
    return points + 1


@compiled
def _place(gates: Gates, k: int, share: float) -> tuple[float, float]:
    return gates.corner[k, 0] + share * gates.step[k, 0], gates.corner[k, 1] + share * gates.step[k, 1]


@compiled
def _turn(ax: float, ay: float, bx: float, by: float) -> float:
    """Above 0 where b is to the left of a."""
    return ax * by - ay * bx


@compiled
def _seen(
    gates: Gates, k: int, x: float, y: float, left_x: float, left_y: float, right_x: float, right_y: float
) -> float:  # fmt: skip
    """The share of a gate nearest to its crossing that a wedge of sight from (x, y) holds."""
    from_x, from_y = gates.corner[k, 0] - x, gates.corner[k, 1] - y
    low, high = gates.low[k], gates.high[k]
    turn = _turn(left_x, left_y, gates.step[k, 0], gates.step[k, 1])
    if abs(turn) > PARALLEL:
        low = max(low, -_turn(left_x, left_y, from_x, from_y) / turn)
    turn = _turn(right_x, right_y, gates.step[k, 0], gates.step[k, 1])
    if abs(turn) > PARALLEL:
        high = min(high, -_turn(right_x, right_y, from_x, from_y) / turn)
    share = max(low, min(high, gates.at[k]))
    return float(max(gates.low[k], min(gates.high[k], share)))


@compiled
def _join(band: Bytes, b: int, run_ends: Runs, outer: Ints) -> None:
    """Put the rings of one part together: those at both ends of each run of reached corners."""
    rows, columns = band.shape
    for r in range(1, rows - 1):
        west = -1
        for c in range(1, columns - 1):
            if band[r, c] <= b:
                if band[r, c - 1] > b:
                    west = run_ends[r, c, 1]
                if band[r, c + 1] > b:
                    one, other = _root(outer, west), _root(outer, run_ends[r, c, 0])
                    outer[max(one, other)] = min(one, other)


@compiled
def _root(outer: Ints, ring: int) -> int:
    while outer[ring] != ring:
        ring = outer[ring]
    return ring
