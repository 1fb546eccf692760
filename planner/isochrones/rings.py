"""The compiled drawing: rings around what each band reaches, valid and nested by construction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.isochrones.field import STEPS, Bytes, Field
from planner.network import Floats, Ints
from planner.reach.compiled import compiled

ROOM = 0.4  # how much of the gap between two bands on one cell side each may use to be straighter; less than half
PARALLEL = 1e-12  # square cells

Gates = Floats  # (sides, 7): an inner corner (x, y in cells), the step to the outer one, and as shares of it: at, low, high


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
def trace_rings(field: Field, cell_m: float, tolerance_m: float) -> Rings:
    """Follow the rings of all bands of one station; a ring's first point is its last.

    Parameters
    ----------
    field
        What is reached around the station.
    tolerance_m
        How far a ring may leave its crossings to be straighter.

    Notes
    -----
    Reached corners belong together across cell sides, not across diagonals, and a ring passes each cell side between a reached
    corner and one that is not, strictly inside. So rings neither touch nor cross; and as farther bands pass each side farther
    out, they do not touch the rings of other bands either.
    """
    band, cross, sides = field.band, field.cross, field.sides
    total = field.crossings.sum()
    most = total // 4 + 1  # the shortest ring passes four cell sides
    xy, gates = np.empty((total + most, 2)), np.empty((field.crossings.max(), 7))
    size, of_band, outer = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
    ring_of = np.empty(band.shape, dtype=np.int32)
    points = rings = 0
    for b in range(len(cross)):
        for k in range(len(sides)):
            ring_of[sides[k, 0], sides[k, 1]] = -1
        for k in range(len(sides)):
            r, c = sides[k, 0], sides[k, 1]
            if band[r, c] <= b and band[r, c + 1] > b and ring_of[r, c] < 0:
                passed = _follow(band, cross, b, r, c, rings, ring_of, gates)
                _allow(gates, passed, tolerance_m / cell_m)
                size[rings] = _straighten(gates, passed, xy, points)
                of_band[rings], outer[rings] = b, rings
                points += size[rings]
                rings += 1
        _join(band, b, sides, ring_of, outer)
    for ring in range(rings):
        outer[ring] = _root(outer, ring)
    for k in range(points):
        xy[k, 0], xy[k, 1] = (xy[k, 0] + field.column) * cell_m, (xy[k, 1] + field.row) * cell_m
    return Rings(xy[:points].copy(), size[:rings].copy(), of_band[:rings].copy(), outer[:rings].copy())


@compiled
def _follow(band: Bytes, cross: Bytes, b: int, r: int, c: int, ring: int, ring_of: Ints, gates: Gates) -> int:
    """Walk around reached corners, keeping them to the left, back to the start; gives back how many sides were passed.

    The walk begins northward, with the eastward side of (r, c) to its right.
    """
    passed, step_r, step_c = 0, 1, 0
    while True:
        out_r, out_c = r - step_c, c + step_r
        if step_c == 0:
            side_c = min(c, out_c)
            if step_r == 1 and ring_of[r, side_c] == ring:
                return passed
            ring_of[r, side_c] = ring
        _note_gate(band, cross, b, r, c, out_r, out_c, gates, passed)
        passed += 1
        if band[r + step_r, c + step_c] > b:  # to the left
            step_r, step_c = step_c, -step_r
        elif band[out_r + step_r, out_c + step_c] > b:  # straight on
            r, c = r + step_r, c + step_c
        else:  # to the right
            r, c = out_r + step_r, out_c + step_c
            step_r, step_c = -step_c, step_r


@compiled
def _note_gate(band: Bytes, cross: Bytes, b: int, r: int, c: int, out_r: int, out_c: int, gates: Gates, k: int) -> None:
    """Note where a ring passes a cell side, and between where it may without meeting the next band inward and outward."""
    axis, side_r, side_c = abs(out_r - r), min(r, out_r), min(c, out_c)
    bands = len(cross)
    at = _share(cross[b, axis, side_r, side_c], b, bands)
    low, high = at / 2, (1 + at) / 2
    if b > band[r, c]:
        low = at - ROOM * (at - _share(cross[b - 1, axis, side_r, side_c], b - 1, bands))
    if b + 1 < band[out_r, out_c]:
        high = at + ROOM * (_share(cross[b + 1, axis, side_r, side_c], b + 1, bands) - at)
    gates[k, 0], gates[k, 1], gates[k, 2], gates[k, 3] = c, r, out_c - c, out_r - r
    gates[k, 4], gates[k, 5], gates[k, 6] = at, low, high


@compiled
def _share(steps: int, b: int, bands: int) -> float:
    """Where band b passes a cell side, as a share from the inner corner; of bands with the same steps, each farther out."""
    return float((steps + (b + 1) / (bands + 1)) / STEPS)


@compiled
def _allow(gates: Gates, count: int, tolerance: float) -> None:
    for k in range(count):
        gates[k, 5] = max(gates[k, 5], gates[k, 4] - tolerance)
        gates[k, 6] = min(gates[k, 6], gates[k, 4] + tolerance)


@compiled
def _straighten(gates: Gates, count: int, xy: Floats, begin: int) -> int:
    """Write a ring that passes all its gates with few points, from `begin` on; gives back how many.

    From each point goes a wedge of sight through the gates that follow, as long as it is open; the next point is in the last
    gate that is seen, as near to its crossing as the wedge allows. A ring through the same gates has the same corners inside,
    meets no other ring and stays within the band farther out.
    """
    x, y = gates[0, 0] + gates[0, 4] * gates[0, 2], gates[0, 1] + gates[0, 4] * gates[0, 3]
    xy[begin, 0], xy[begin, 1] = x, y
    points, k, wide = begin + 1, 1, True  # wide: the wedge has not begun
    left_x = left_y = right_x = right_y = 0.0
    while k <= count:
        gate, low, high = (k, gates[k, 5], gates[k, 6]) if k < count else (0, gates[0, 4], gates[0, 4])
        from_x, from_y, step_x, step_y = gates[gate, 0] - x, gates[gate, 1] - y, gates[gate, 2], gates[gate, 3]
        low_x, low_y, high_x, high_y = (
            from_x + low * step_x,
            from_y + low * step_y,
            from_x + high * step_x,
            from_y + high * step_y,
        )
        if not wide and _turn(left_x, left_y, low_x, low_y) > 0:
            low_x, low_y = left_x, left_y
        if not wide and _turn(right_x, right_y, high_x, high_y) < 0:
            high_x, high_y = right_x, right_y
        if wide or _turn(high_x, high_y, low_x, low_y) >= 0:
            left_x, left_y, right_x, right_y, wide = low_x, low_y, high_x, high_y, False
            k += 1
        else:
            share = _seen(gates, k - 1, x, y, left_x, left_y, right_x, right_y)
            x, y = gates[k - 1, 0] + share * gates[k - 1, 2], gates[k - 1, 1] + share * gates[k - 1, 3]
            xy[points, 0], xy[points, 1] = x, y
            points, wide = points + 1, True
    xy[points, 0], xy[points, 1] = xy[begin, 0], xy[begin, 1]
    return points + 1 - begin


@compiled
def _turn(ax: float, ay: float, bx: float, by: float) -> float:
    """Above 0 where b is to the left of a."""
    return ax * by - ay * bx


@compiled
def _seen(
    gates: Gates, k: int, x: float, y: float, left_x: float, left_y: float, right_x: float, right_y: float
) -> float:  # fmt: skip
    """The share of a gate nearest to its crossing that a wedge of sight from (x, y) holds."""
    from_x, from_y, step_x, step_y = gates[k, 0] - x, gates[k, 1] - y, gates[k, 2], gates[k, 3]
    low, high = gates[k, 5], gates[k, 6]
    turn = _turn(left_x, left_y, step_x, step_y)
    if abs(turn) > PARALLEL:
        low = max(low, -_turn(left_x, left_y, from_x, from_y) / turn)
    turn = _turn(right_x, right_y, step_x, step_y)
    if abs(turn) > PARALLEL:
        high = min(high, -_turn(right_x, right_y, from_x, from_y) / turn)
    share = max(low, min(high, gates[k, 4]))
    return float(max(gates[k, 5], min(gates[k, 6], share)))


@compiled
def _join(band: Bytes, b: int, sides: Ints, ring_of: Ints, outer: Ints) -> None:
    """Put the rings of one part together: those at the west and the east end of each run of reached corners in a row."""
    west = 0
    for k in range(len(sides)):
        r, c = sides[k, 0], sides[k, 1]
        if band[r, c] > b and band[r, c + 1] <= b:
            west = ring_of[r, c]
        elif band[r, c] <= b and band[r, c + 1] > b:
            one, other = _root(outer, west), _root(outer, ring_of[r, c])
            outer[max(one, other)] = min(one, other)


@compiled
def _root(outer: Ints, ring: int) -> int:
    while outer[ring] != ring:
        ring = outer[ring]
    return ring
