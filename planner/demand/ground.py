"""Whose ground a place is: cells and zones split exactly at the borders of the towns, points given to their town."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from planner.schema import Towns

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

GAP_M = 1.0  # towns are drawn by hand: a point in a seam no wider than this belongs to the nearest of them
_SIDES = (64, 16, 4, 1)  # cells a side of the blocks that are tried whole before they are divided
_WHOLE = 1e-9  # a share this close to 1 is all of a cell, this close to 0 none


@dataclass(frozen=True, eq=False)
class Grounds:
    """The towns' names and polygons without overlaps, in one projected CRS in metres; the position is a town's number.

    ``pieces`` are the same ground cut along the borders of areas of priority, each on one side of each border, and
    ``piece_town`` the town each belongs to; without such areas they are the towns.
    """

    names: tuple[str, ...]
    shapes: Shapes
    crs: pyproj.CRS
    pieces: Shapes
    piece_town: Ids

    @classmethod
    def of(cls, towns: Towns, areas: Sequence[Any] = ()) -> Grounds:
        """The grounds of a table of towns, in its order, cut along the borders of `areas`, (multi)polygons in the same CRS."""
        crs = pyproj.CRS.from_user_input(towns.crs)
        shapes = own_grounds(towns.geometry.to_numpy())
        return cls(tuple(str(name) for name in towns.index), shapes, crs, *cut_grounds(shapes, areas))


def cut_grounds(grounds: Shapes, areas: Sequence[Any]) -> tuple[Shapes, Ids]:
    """The grounds in pieces that lie each wholly inside or wholly outside every area, and whose ground each piece is.

    Law: the pieces of a ground add up to its area.

    >>> pieces, owner = cut_grounds(own_grounds([shapely.box(0, 0, 3, 1)]), [shapely.box(1, -1, 2, 2)])
    >>> [piece.area for piece in pieces], owner.tolist()
    ([1.0, 2.0], [0, 0])
    """
    pieces, owner = grounds, np.arange(len(grounds), dtype=np.int64)
    for area in areas:
        shapely.prepare(area)
        crossed = shapely.intersects(pieces, area) & ~shapely.covers(area, pieces)
        inner = areal(shapely.intersection(pieces[crossed], area))
        outer = areal(shapely.difference(pieces[crossed], area))
        together = np.concatenate([pieces[~crossed], inner, outer])
        of = np.concatenate([owner[~crossed], owner[crossed], owner[crossed]])
        solid = shapely.area(together) > 0
        pieces, owner = together[solid], of[solid]
    return pieces, owner


@dataclass(frozen=True, eq=False)
class CellParts:
    """Parts of unit cells that lie on one ground: arrays, one entry a cell, in the order of rows and columns.

    ``row``, ``col`` int64; ``share`` of the cell's area in (0, 1]; ``xy`` (n, 2) a point of the part in cell units (column,
    row): the cell's centre for a whole cell, else a point inside the part.
    """

    row: Ids
    col: Ids
    share: Floats
    xy: Floats


@dataclass(frozen=True, eq=False)
class ZoneParts:
    """Parts of zones by town: arrays, one entry a part. ``share`` is of the zone's area; `xy` a point inside, metres."""

    zone: Ids
    town: Ids
    share: Floats
    xy: Floats


def own_grounds(polygons: npt.ArrayLike) -> Shapes:
    """The towns' polygons without overlaps: ground that two towns claim stays with the first, so nobody counts twice.

    Examples
    --------
    >>> grounds = own_grounds([shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)])
    >>> [ground.area for ground in grounds]
    [2.0, 1.0]
    """
    grounds = np.array(polygons, dtype=object)
    first, second = shapely.STRtree(grounds).query(grounds, predicate="intersects")
    for i, j in sorted(zip(first.tolist(), second.tolist(), strict=True)):
        if i < j and shapely.area(shapely.intersection(grounds[i], grounds[j])) > 0:
            grounds[j] = areal(np.array([shapely.difference(grounds[j], grounds[i])], dtype=object))[0]
    return grounds


def locate(xy: Floats, grounds: Shapes) -> Ids:
    """Which ground each point lies on: (n, 2) metres in, (n,) positions out, -1 for none.

    A point on a border belongs to the first ground that touches it; one in a seam of at most `GAP_M` to the nearest.

    Examples
    --------
    >>> locate(np.array([[0.5, 0.5], [1.0, 0.5], [9.0, 9.0]]), own_grounds([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    array([ 0,  0, -1])
    """
    town = np.full(len(xy), -1, dtype=np.int64)
    shapely.prepare(grounds)
    for position, (west, south, east, north) in enumerate(shapely.bounds(grounds)):
        near = (xy[:, 0] >= west) & (xy[:, 0] <= east) & (xy[:, 1] >= south) & (xy[:, 1] <= north) & (town < 0)
        tried = np.flatnonzero(near)
        town[tried[shapely.intersects_xy(grounds[position], xy[tried])]] = position
    lost = np.flatnonzero(town < 0)
    if len(lost) and len(grounds):
        tree = shapely.STRtree(grounds)
        point, nearest = tree.query_nearest(shapely.points(xy[lost]), max_distance=GAP_M, all_matches=True)
        order = np.lexsort((-nearest, point))  # of several, the first ground is written last
        town[lost[point[order]]] = nearest[order]
    return town


def cell_parts(ground: Any, rows: tuple[int, int], cols: tuple[int, int]) -> CellParts:
    """Which unit cells of a grid a polygon covers, and by what share of each, exactly.

    Cell (r, c) is the square from (c, r) to (c + 1, r + 1). Blocks of 64, 16, 4 cells that lie wholly inside are taken as
    they are; only cells that the border crosses are intersected, each with the little of the polygon that is near it.

    Parameters
    ----------
    ground
        A valid (multi)polygon in cell units: x is the column, y the row.
    rows, cols
        Half-open ranges of cells that count; whatever lies outside is left out.

    Returns
    -------
    CellParts. Law: where the ranges hold the polygon, the shares add up to its area.

    Examples
    --------
    >>> parts = cell_parts(shapely.box(0.5, 0.0, 2.0, 1.0), (0, 4), (0, 4))
    >>> parts.col.tolist(), parts.share.tolist(), parts.xy.tolist()
    ([0, 1], [0.5, 1.0], [[0.75, 0.5], [1.5, 0.5]])
    """
    corner = _blocks(ground, rows, cols)
    pieces = np.full(len(corner), ground, dtype=object)
    whole = []
    for side in _SIDES:
        corner, pieces = _divided(corner, pieces, side)
        boxes = shapely.box(corner[:, 1], corner[:, 0], corner[:, 1] + side, corner[:, 0] + side)
        shapely.prepare(pieces)
        inside = shapely.covers(pieces, boxes)
        crossed = shapely.intersects(pieces, boxes) & ~inside
        whole.append(_cells_of(corner[inside], side))
        corner, pieces = corner[crossed], areal(shapely.intersection(pieces[crossed], boxes[crossed]))
        solid = shapely.area(pieces) > 0
        corner, pieces = corner[solid], pieces[solid]
    return _sorted_parts(np.concatenate(whole), corner, pieces, rows, cols)


def zone_parts(zones: Shapes, grounds: Shapes, *, whole_m: float) -> ZoneParts:
    """Zones split at the towns' borders by area, and large parts cut on a regular grid, so that a point stands for little.

    A part whose bounding box is at most `whole_m` on its longer side is one point: its centroid, or a point inside where
    the centroid is not. A larger one is cut on the grid of squares ``whole_m / 2`` wide that starts at (0, 0) of the CRS.

    Parameters
    ----------
    zones, grounds
        (k,) and (t,) valid polygons with area, in one CRS in metres; `grounds` disjoint.
    whole_m
        The longest side in metres a single point may stand for, > 0.

    Returns
    -------
    ZoneParts in the order of zone, town, and within a part of the grid. Law: the shares of a zone add up to the share
    of its area that the grounds cover.

    Examples
    --------
    >>> parts = zone_parts(np.array([shapely.box(0, 0, 100, 100)]), np.array([shapely.box(25, 0, 999, 999)]), whole_m=400)
    >>> parts.share.tolist(), parts.xy.tolist()
    ([0.75], [[62.5, 50.0]])
    """
    shapely.prepare(grounds)
    zone, town = shapely.STRtree(zones).query(grounds, predicate="intersects")[::-1]
    order = np.lexsort((town, zone))
    zone, town = zone[order].astype(np.int64), town[order].astype(np.int64)
    pieces = zones[zone]
    crossed = ~shapely.covers(grounds[town], pieces)
    pieces[crossed] = areal(shapely.intersection(pieces[crossed], grounds[town[crossed]]))
    share = shapely.area(pieces) / shapely.area(zones[zone])
    kept = share > _WHOLE
    return _cut_large(zone[kept], town[kept], share[kept], pieces[kept], whole_m)


def _cut_large(zone: Ids, town: Ids, share: Floats, pieces: Shapes, whole_m: float) -> ZoneParts:
    bounds = shapely.bounds(pieces).reshape(-1, 4)
    large = np.flatnonzero((bounds[:, 2:] - bounds[:, :2]).max(axis=1, initial=0.0) > whole_m)
    cuts = {int(i): _on_grid(pieces[i], whole_m / 2) for i in large}
    times = np.ones(len(zone), dtype=np.int64)
    times[large] = [len(cuts[int(i)].share) for i in large]
    xy = np.repeat(_inner_points(pieces), times, axis=0)
    part = np.repeat(share, times)
    starts = np.cumsum(times) - times
    for i, cut in cuts.items():
        here = slice(starts[i], starts[i] + times[i])
        xy[here], part[here] = cut.xy * (whole_m / 2), share[i] * (cut.share / cut.share.sum())
    return ZoneParts(np.repeat(zone, times), np.repeat(town, times), part, xy)


def _on_grid(piece: Any, side_m: float) -> CellParts:
    scaled = shapely.transform(piece, lambda xy: xy / side_m)
    west, south, east, north = np.floor(shapely.bounds(scaled)).astype(int).tolist()
    return cell_parts(scaled, (south, north + 1), (west, east + 1))


def _blocks(ground: Any, rows: tuple[int, int], cols: tuple[int, int]) -> Ids:
    """Corners (row, col) of the largest blocks over what the polygon and the ranges share."""
    side = _SIDES[0]
    west, south, east, north = shapely.bounds(ground)
    if np.isnan(west):
        return np.zeros((0, 2), dtype=np.int64)
    low = max(rows[0], int(np.floor(south))), max(cols[0], int(np.floor(west)))
    high = min(rows[1], int(np.floor(north)) + 1), min(cols[1], int(np.floor(east)) + 1)
    if low[0] >= high[0] or low[1] >= high[1]:  # a grid that is placed by noise may be any distance away
        return np.zeros((0, 2), dtype=np.int64)
    steps = [np.arange(low[k] // side * side, high[k], side) for k in (0, 1)]
    return np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 2)


def _divided(corner: Ids, pieces: Shapes, side: int) -> tuple[Ids, Shapes]:
    """The blocks of the next smaller side inside those that are crossed (the largest are not divided)."""
    if side == _SIDES[0]:
        return corner, pieces
    times = _SIDES[_SIDES.index(side) - 1] // side
    step = np.stack(np.meshgrid(np.arange(times), np.arange(times), indexing="ij"), axis=-1).reshape(-1, 2) * side
    return (corner[:, None, :] + step).reshape(-1, 2), np.repeat(pieces, times * times)


def _cells_of(corner: Ids, side: int) -> Ids:
    step = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray((corner[:, None, :] + step).reshape(-1, 2))


def _sorted_parts(whole: Ids, corner: Ids, pieces: Shapes, rows: tuple[int, int], cols: tuple[int, int]) -> CellParts:
    area = np.minimum(shapely.area(pieces), 1.0)
    full = area > 1 - _WHOLE
    whole = np.concatenate([whole, corner[full]])
    cut = ~full & (area > _WHOLE)
    cells = np.concatenate([whole, corner[cut]])
    share = np.concatenate([np.ones(len(whole)), area[cut]])
    xy = np.concatenate([whole[:, ::-1] + 0.5, _inner_points(pieces[cut])])
    counts = (cells[:, 0] >= rows[0]) & (cells[:, 0] < rows[1]) & (cells[:, 1] >= cols[0]) & (cells[:, 1] < cols[1])
    order = np.flatnonzero(counts)
    order = order[np.lexsort((cells[order, 1], cells[order, 0]))]
    return CellParts(cells[order, 0], cells[order, 1], share[order], xy[order])


def _inner_points(pieces: Shapes) -> Floats:
    """Centroids, or a point inside where the centroid is not."""
    points = shapely.centroid(pieces)
    outside = ~shapely.intersects(pieces, points)
    points[outside] = shapely.point_on_surface(pieces[outside])
    return np.asarray(shapely.get_coordinates(points).reshape(-1, 2), dtype=np.float64)


def areal(shapes: Shapes) -> Shapes:
    """Only what has an area: the points and lines that an intersection leaves behind are dropped."""
    mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    shapes[mixed] = shapely.buffer(shapes[mixed], 0)
    return shapes
