"""Shapes in metres made into short strings of latitudes and longitudes that a page unpacks.

A string holds whole steps of 1e-5 degree (about a metre), each point as its difference from the one before, written in
base 64 with five bits a letter. ``.`` begins a new ring or line, ``!`` a new shape. No letter needs escaping in JSON or HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS_A_DEGREE = 100_000
RING, SHAPE = ord("."), ord("!")

_LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
_MOST_LETTERS = 10  # 5 bits each: whole numbers up to 2**49


def lat_lon(xy: npt.ArrayLike, crs: Any) -> Floats:
    """Points in metres of `crs` as WGS-84 latitude and longitude: the one place where x, y becomes lat, lon.

    Longitudes are those within half a turn of the CRS's own meridian, so that nothing is torn apart at 180°.

    >>> lat_lon([[500_000, 0]], "EPSG:32651").round(6).tolist()
    [[0.0, 123.0]]
    >>> lat_lon([[900_000, 10_000_000]], "EPSG:32760").round(2).tolist()
    [[0.0, 180.59]]
    """
    places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(places[:, 0], places[:, 1])
    meridian = _meridian(crs)
    return np.column_stack([lat, lon - 360.0 * np.round((lon - meridian) / 360.0)])


def _meridian(crs: Any) -> float:
    """The longitude that a projection is about; 0 where it says none."""
    operation = pyproj.CRS.from_user_input(crs).coordinate_operation
    said = {one.name: one.value for one in operation.params} if operation is not None else {}
    return float(next((value for name, value in said.items() if name.startswith("Longitude of")), 0.0))


def pack_numbers(numbers: npt.ArrayLike) -> str:
    """Whole numbers as base 64 letters, each ended by its last letter; negative ones folded in (0, -1, 1, -2, 2 …).

    >>> pack_numbers([0, -1, 1, 100])
    'ABCoG'
    """
    letters, kept = _letters(np.asarray(numbers, dtype=np.int64).ravel())
    return letters[kept].tobytes().decode("ascii")


def pack_points(points: Floats, starts: Ints | None = None, marks: npt.NDArray[np.uint8] | None = None) -> str:
    """(n, 2) latitudes and longitudes as one string; ``.`` (or its mark of `marks`) before each start but the first.

    >>> pack_points(np.array([[0.0, 0.0], [0.00001, 0.0], [0.00001, -0.00001]]))
    'AACAAB'
    """
    if not len(points):
        return ""
    steps = np.round(points * STEPS_A_DEGREE).astype(np.int64)
    moves = np.diff(steps, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    letters, kept = _letters(moves.ravel())
    width = letters.shape[1]
    paired, shown = letters.reshape(len(points), 2 * width), kept.reshape(len(points), 2 * width)
    before, marked = np.full((len(points), 1), RING, dtype=np.uint8), np.zeros((len(points), 1), dtype=bool)
    if starts is not None:
        marked[starts] = True
        if marks is not None:
            before[starts, 0] = marks
    marked[0] = False
    written: bytes = np.hstack([before, paired])[np.hstack([marked, shown])].tobytes()
    return written.decode("ascii")


def pack_lines(lines: npt.NDArray[Any], crs: Any) -> str:
    """LineStrings in metres as one string, each line begun by ``.``."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    return pack_points(lat_lon(xy, crs), _firsts(owner)) if len(xy) else ""


def pack_polygon(shape: Any, crs: Any, tolerance_m: float) -> str:
    """A (Multi)Polygon in metres, simplified, as one string of rings, to be filled by the even-odd rule."""
    return pack_polygons([shape], crs, tolerance_m)


def pack_polygons(shapes: Iterable[Any], crs: Any, tolerance_m: float) -> str:
    """(Multi)Polygons in metres, simplified, as one string; ``!`` between shapes, ``.`` between the rings of one.

    Shapes that vanish by simplifying, or are empty, are left out. Rings are not closed: their last point is dropped.
    """
    simple = np.array([shape for shape in shapely.simplify(list(shapes), tolerance_m) if shape is not None], dtype=object)
    parts, shape_of_part = shapely.get_parts(simple, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of_ring = shapely.get_rings(parts[areal], return_index=True)
    xy, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    if not len(xy):
        return ""
    closing = np.ones(len(xy), dtype=bool)
    closing[:-1] = ring_of_point[1:] != ring_of_point[:-1]
    xy, ring_of_point = xy[~closing], ring_of_point[~closing]
    starts = _firsts(ring_of_point)
    shape_of_ring = shape_of_part[areal][part_of_ring][ring_of_point[starts]]
    first_of_shape = np.ones(len(starts), dtype=bool)
    first_of_shape[1:] = shape_of_ring[1:] != shape_of_ring[:-1]
    marks = np.where(first_of_shape, SHAPE, RING).astype(np.uint8)
    return pack_points(lat_lon(xy, crs), starts, marks)


def _firsts(owner: Ints) -> Ints:
    """Where each run of the same owner begins."""
    return np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))


def _letters(numbers: Ints) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """(n, width) letters and which of them are written."""
    folded = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers).astype(np.uint64)
    most = int(folded.max()) if len(folded) else 0
    width = max(1, min(_MOST_LETTERS, -(-most.bit_length() // 5)))
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(5)
    rest = folded[:, None] >> shifts
    follows = np.zeros(rest.shape, dtype=bool)
    follows[:, :-1] = rest[:, 1:] > 0
    kept = rest > 0
    kept[:, 0] = True
    digits = (rest & np.uint64(31)).astype(np.int64) + 32 * follows
    return _LETTERS[digits], kept
