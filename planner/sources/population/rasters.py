"""People out of a raster: read window by window, cells split exactly at the towns' borders."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, cell_parts
from planner.errors import CrsError, Fault, PlannerWarning, SourceError, TableError, say_faults
from planner.sources.population.tables import CountTable
from planner.sources.rasters import open_raster

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]
Box = tuple[int, int, int, int]  # first row, first column, height, width, in raster cells
Part = tuple[Floats, npt.NDArray[np.int64], Floats]  # where, in which town, how many people

WINDOW = 1024  # cells a side that are held at once: some 50 MB with all that is made of them
LONGEST_CELL_M = 200_000.0  # longer than any district
MOST_CELLS = 10_000_000_000  # on the area: 100 km x 100 km at a metre
MOST_A_CELL = 1e7  # people, or people a km²: more is a mark for nodata that nobody declared
MARKS = (9_999, 32_767, 65_535, 99_999, 999_999, 9_999_999)  # what programs write where nothing is known
LEAST_MARKED = 3  # cells that all hold a mark, and none more: no whole counts of people do that
_DENSITY = re.compile(r"densit|per km|/ ?km|km-2|per square|_pd_|密度")
_STRAIGHT_M = 250.0  # a border this long bends by 2 mm at most between two projections


@dataclass(frozen=True)
class RasterAsk:
    """What to read: the file as the user names it and where it is, the band, what the cells hold, what they count."""

    path: Path
    file: str
    what: str = RESIDENTS
    band: str | None = None
    values: str = "counts"
    zone_m: float = 400.0


def read_raster(ask: RasterAsk, grounds: Grounds, *, progress: Progress | None = None) -> tuple[CountedPoints, Tally]:
    """People of a raster inside the towns, each cell split among them by its exact share of area.

    A cell becomes one demand point at its centre; a cell that a border crosses becomes one for each town it touches, at
    the centroid of that part. Cells longer than ``zone_m`` are cut into equal squares of at most half that, so that
    a point never stands for a kilometre. Cells without people make no point. Nodata, masked and NaN cells hold nobody.

    Raises
    ------
    SourceError
        If the file is not there or no raster.
    CrsError
        If it has no CRS.
    TableError
        If counts are negative or infinite, the band is not there, or the raster and the area do not meet.
    """
    with _opened(ask) as raster:
        return _read_open(_Grid.of(raster, ask, grounds), raster, ask, grounds, progress)


def read_raster_zones(ask: RasterAsk, grounds: Grounds) -> CountTable:
    """The cells of a raster that hold people and lie where the area may be, each as a zone: to be spread over what is in it.

    Raises as `read_raster` does.
    """
    with _opened(ask) as raster:
        grid = _Grid.of(raster, ask, grounds)
        cells, people, looks = [], [], list[_Look]()
        for row, col, height, width in _windows(grid):
            values, look = _people(raster, grid, ask, (row, col, height, width))
            some = np.argwhere(values > 0)
            cells.append(some + np.array([row, col]))
            people.append(values[values > 0])
            looks.append(look)
        _refuse_strange(looks, raster, grid, ask)
    cell = np.concatenate(cells)
    corners = cell[:, None, ::-1] + np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    into = pyproj.Transformer.from_crs(grid.crs, grounds.crs, always_xy=True)
    xy = np.column_stack(into.transform(*_through(grid.to_crs, corners.reshape(-1, 2).astype(np.float64)).T)).reshape(-1, 4, 2)
    zones = np.asarray(shapely.polygons(xy), dtype=object)
    met = shapely.intersects(zones, shapely.union_all(grounds.shapes))
    rows = np.array([f"{row + 1}, column {col + 1}" for row, col in cell[met]], dtype=object)
    return CountTable(ask.file, False, rows, {ask.what: np.concatenate(people)[met]}, zones=zones[met])


@contextmanager
def _opened(ask: RasterAsk) -> Iterator[Any]:
    """The raster, opened; what cannot be read is a SourceError."""
    import rasterio  # slow to import, and not every study has a raster

    if not ask.path.is_file():
        raise _refused(ask, "there is no such file", "check the path in study.toml")
    try:
        with open_raster(ask.path) as raster:
            _warn_of_densities(raster, ask)
            yield raster
    except (rasterio.errors.RasterioError, UnicodeDecodeError) as error:  # the second where the name of a CRS is noise
        problem = "it is no raster that can be read, or is cut off"
        raise _refused(ask, problem, "save it as GeoTIFF, or copy it again") from error
    except (pyproj.exceptions.ProjError, shapely.errors.ShapelyError) as error:
        fault = _fault(ask, "the area has no place in the CRS of the raster", "warp it with gdalwarp -t_srs EPSG:4326")
        raise CrsError(str(fault), [fault], ask.what) from error


def _warn_of_densities(raster: Any, ask: RasterAsk) -> None:
    """A raster that calls itself a density is hardly one of counts."""
    words = " ".join(str(said) for said in (ask.file, *raster.descriptions, *raster.units, *raster.tags().values())).lower()
    if ask.values == "counts" and _DENSITY.search(words):
        said = f'{ask.file} calls itself a density but is read as counts a cell; if it is one, set values = "per_km2"'
        warnings.warn(said, PlannerWarning, stacklevel=2)


@dataclass(frozen=True, eq=False)
class _Grid:
    """How the raster lies on the area: its CRS, the towns in (finer) cell units, the cells that count."""

    crs: pyproj.CRS
    to_crs: Any  # affine: column, row of a raster cell to its CRS
    times: int  # each cell is cut into times x times
    shapes: npt.NDArray[np.object_]  # the pieces of the towns
    town: npt.NDArray[np.int64]  # of each piece
    rows: tuple[int, int]
    cols: tuple[int, int]
    band: int

    @classmethod
    def of(cls, raster: Any, ask: RasterAsk, grounds: Grounds) -> _Grid:
        if raster.crs is None or raster.transform.is_identity or raster.transform.is_degenerate:
            fault = _fault(ask, "the raster has no CRS", "give it one, for instance with gdal_edit -a_srs EPSG:4326")
            raise CrsError(str(fault), [fault], ask.what)
        crs = pyproj.CRS.from_wkt(raster.crs.to_wkt())
        into = pyproj.Transformer.from_crs(grounds.crs, crs, always_xy=True)
        inverse = ~raster.transform
        shapes = shapely.segmentize(grounds.pieces, _STRAIGHT_M)
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(into.transform(*xy.T)))
        if crs.is_geographic:
            shapes = _beside(shapes, raster, ask, grounds)
        shapes = shapely.transform(shapes, lambda xy: _through(inverse, xy))
        shapes = np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes))
        rows, cols = _overlap(raster, ask, shapes, grounds)
        times = _times(raster, ask, crs, grounds, rows, cols)
        finer = shapely.transform(shapes, lambda xy: xy * times)
        return cls(crs, raster.transform, times, finer, grounds.piece_town, rows, cols, _band(raster, ask))


def _beside(shapes: npt.NDArray[np.object_], raster: Any, ask: RasterAsk, grounds: Grounds) -> npt.NDArray[np.object_]:
    """Shapes in degrees with longitudes on the raster's side of 180°: it may go on beyond it, or lie on one side."""
    middle = (raster.bounds.left + raster.bounds.right) / 2

    def turned(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([xy[:, 0] - 360.0 * np.round((xy[:, 0] - middle) / 360.0), xy[:, 1]])

    beside = shapely.transform(shapes, turned)
    west, _, east, _ = shapely.total_bounds(beside)
    if east - west > 180.0:
        problem = "the area lies across 180°, where the raster begins and ends"
        fault = _fault(ask, problem, f"bring it into metres, for instance with gdalwarp -t_srs {grounds.crs.to_string()}")
        raise TableError(str(fault), [fault], ask.what)
    return np.asarray(beside, dtype=object)


def _read_open(
    grid: _Grid, raster: Any, ask: RasterAsk, grounds: Grounds, progress: Progress | None
) -> tuple[CountedPoints, Tally]:
    found, looks, met, covered = [], list[_Look](), 0.0, 0.0
    windows = list(_windows(grid))
    for done, window in enumerate(windows, 1):
        values, look = _people(raster, grid, ask, window)
        looks.append(look)
        parts, people_met, cells = _split_window(grid, window, values)
        found += parts
        met += people_met
        covered += cells
        if progress:
            progress(f"reading {ask.file}", done / len(windows))
    _refuse_strange(looks, raster, grid, ask)
    points = _in_study_crs(grid, grounds, found, ask.what)
    missing = 1 - covered / max(float(shapely.area(grid.shapes).sum()), 1e-300)
    note = f"the raster does not reach {missing:.1%} of the area" if missing > 1e-3 else ""
    return points, Tally(f"{ask.file} clipped to the area, cell by cell", ask.what, met, points.total(ask.what), note)


def _split_window(grid: _Grid, window: Box, values: Floats) -> tuple[list[Part], float, float]:
    """The parts of one window's cells town by town, the people of all cells that a town touches, the cells they cover."""
    row, col, height, width = window
    n, parts, covered = grid.times, [], 0.0
    touched = np.zeros(values.shape, dtype=bool)
    for town, shape in zip(grid.town.tolist(), grid.shapes, strict=True):
        cells = cell_parts(shape, (row * n, (row + height) * n), (col * n, (col + width) * n))
        inner = cells.row // n - row, cells.col // n - col
        touched[inner] = True
        covered += float(cells.share.sum())
        people = values[inner] * cells.share / (n * n)
        some = people > 0
        parts.append((cells.xy[some], np.full(int(some.sum()), town, dtype=np.int64), people[some]))
    return parts, float(values[touched].sum()), covered


def _in_study_crs(grid: _Grid, grounds: Grounds, found: list[Part], what: str) -> CountedPoints:
    cells = np.concatenate([xy for xy, _, _ in found]) / grid.times
    into = pyproj.Transformer.from_crs(grid.crs, grounds.crs, always_xy=True)
    xy = np.column_stack(into.transform(*_through(grid.to_crs, cells).T))
    town = np.concatenate([town for _, town, _ in found])
    return CountedPoints(xy, town, {what: np.concatenate([people for _, _, people in found])})


def _windows(grid: _Grid) -> Iterator[Box]:
    side = max(WINDOW // grid.times, 1)
    for row in range(grid.rows[0], grid.rows[1], side):
        for col in range(grid.cols[0], grid.cols[1], side):
            yield row, col, min(side, grid.rows[1] - row), min(side, grid.cols[1] - col)


@dataclass(frozen=True)
class _Some:
    """Cells of a kind: how many, and the first of them: its row and column in the raster, from 1, and what it holds."""

    cells: int = 0
    row: int = 0
    col: int = 0
    value: str = ""

    @classmethod
    def of(cls, which: npt.NDArray[np.bool_], box: Box, read: np.ma.MaskedArray[Any, Any]) -> _Some:
        if not which.any():
            return cls()
        row, col = np.argwhere(which)[0].tolist()
        return cls(int(which.sum()), box[0] + row + 1, box[1] + col + 1, str(read.data[row, col]))


@dataclass(frozen=True)
class _Look:
    """What one window holds that may be no count of people: impossible numbers, and its largest number."""

    wrong: _Some
    most: float
    at_most: _Some
    has_fractions: bool


def _people(raster: Any, grid: _Grid, ask: RasterAsk, box: Box) -> tuple[Floats, _Look]:
    """People a cell in one window, where nodata is 0 and so is what can be no count; and what there is of that."""
    row, col, height, width = box
    read = raster.read(grid.band, window=((row, row + height), (col, col + width)), masked=True)
    values = np.ma.filled(read.astype(np.float64), np.nan)
    plain = values[np.isfinite(values)]
    most = float(plain.max()) if plain.size else -np.inf
    at_most = _Some.of(values == most, box, read)
    has_fractions = bool((plain % 1 != 0).any())
    values = values * raster.scales[grid.band - 1] + raster.offsets[grid.band - 1]
    values[np.isnan(values)] = 0.0
    wrong = (values < 0) | (values > MOST_A_CELL)
    look = _Look(_Some.of(wrong, box, read), most, at_most, has_fractions)
    values[wrong] = 0.0
    people = values * _cell_km2(grid, box) if ask.values == "per_km2" else values
    return np.asarray(people, dtype=np.float64), look


def _refuse_strange(looks: list[_Look], raster: Any, grid: _Grid, ask: RasterAsk) -> None:
    """Raise a TableError where cells hold no count of people: one fault for impossible numbers, one for a mark of nodata."""
    faults = []
    wrong = _all_of([look.wrong for look in looks])
    if wrong.cells:
        shown = wrong.value if ask.what == RESIDENTS else None
        mend = f"declare it, for instance with gdal_edit -a_nodata {shown or -99999}"
        faults.append(_strange(wrong, mend, shown, grid, ask))
    mark = _mark(looks, np.dtype(raster.dtypes[grid.band - 1]))
    if mark.cells and (mark.value != wrong.value or not wrong.cells):
        mend = f"declare it, for instance with gdal_edit -a_nodata {mark.value}"
        if np.issubdtype(raster.dtypes[grid.band - 1], np.integer):
            mend += "; if people were cut off there, take a raster of a wider type; if so many do live there, save it as one,"
            mend += " as with gdal_translate -ot Float64"
        faults.append(_strange(mark, mend, mark.value, grid, ask))
    if faults:
        raise TableError(say_faults(faults), faults, ask.what)


def _strange(some: _Some, mend: str, shown: str | None, grid: _Grid, ask: RasterAsk) -> Fault:
    said = ("1 cell holds", "is") if some.cells == 1 else (f"{some.cells:,} cells hold", "are")
    problem = "{} no count of people, and {} not declared as nodata".format(*said)
    return Fault(problem, mend, ask.file, f"{some.row}, column {some.col}", f"band {grid.band}", shown)


def _all_of(somes: list[_Some]) -> _Some:
    """Cells of a kind in all windows, the first of them as in the first window that has any."""
    first = next((some for some in somes if some.cells), _Some())
    return replace(first, cells=sum(some.cells for some in somes))


def _mark(looks: list[_Look], dtype: np.dtype[Any]) -> _Some:
    """Cells that hold the largest number of a type of whole numbers, or a usual mark that is the most of the raster.

    Either stands for nodata that nobody declared, or for counts that were cut off. A mark in fewer than `LEAST_MARKED` cells
    may be a count where all are whole; among fractions, which spread counts have, one is enough. A true count of 255 in a
    raster of bytes cannot be told from either: it is refused, for a wider type says it without doubt.
    """
    most = max((look.most for look in looks), default=-np.inf)
    found = _all_of([look.at_most for look in looks if look.most == most])
    is_end = np.issubdtype(dtype, np.integer) and most == np.iinfo(dtype).max
    least = 1 if any(look.has_fractions for look in looks) else LEAST_MARKED
    return found if is_end or (most in MARKS and found.cells >= least) else _Some()


def _cell_km2(grid: _Grid, box: Box) -> Floats:
    """Area of each cell on the ellipsoid in km², for densities: its sides in degrees times what a square degree is there."""
    row, col, height, width = box
    centre = np.stack(np.meshgrid(np.arange(col, col + width) + 0.5, np.arange(row, row + height) + 0.5), axis=-1).reshape(
        -1, 2
    )
    into = pyproj.Transformer.from_crs(grid.crs, grid.crs.geodetic_crs, always_xy=True)
    steps = [centre + step for step in ((0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))]
    east, west, south, north = (np.column_stack(into.transform(*_through(grid.to_crs, step).T)) for step in steps)
    along, down = east - west, south - north
    square_degrees = np.abs(along[:, 0] * down[:, 1] - along[:, 1] * down[:, 0])
    lat = (east + west + south + north)[:, 1] / 4
    return np.asarray((square_degrees * _square_degree_km2(grid.crs, lat)).reshape(height, width), dtype=np.float64)


def _square_degree_km2(crs: pyproj.CRS, lat: Floats) -> Floats:
    """km² of one square degree at a latitude: the product of the ellipsoid's radii of curvature there."""
    ellipsoid = crs.ellipsoid or pyproj.CRS("EPSG:4326").ellipsoid
    a, b = (ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre) if ellipsoid else (6378137.0, 6356752.314245)
    e2 = 1 - (b / a) ** 2
    bend = 1 - e2 * np.sin(np.radians(lat)) ** 2
    return np.asarray((np.pi / 180) ** 2 * a**2 * (1 - e2) / bend**2 * np.cos(np.radians(lat)) / 1e6, dtype=np.float64)


def _overlap(
    raster: Any, ask: RasterAsk, shapes: npt.NDArray[np.object_], grounds: Grounds
) -> tuple[tuple[int, int], tuple[int, int]]:
    sides = shapely.total_bounds(shapes)  # rows grow downwards in cell units
    west, north, east, south = np.nan_to_num(sides, nan=-1.0, posinf=-1.0, neginf=-1.0).clip(-1, max(raster.shape) + 1)
    rows = max(int(np.floor(north)), 0), min(int(np.floor(south)) + 1, raster.height)
    cols = max(int(np.floor(west)), 0), min(int(np.floor(east)) + 1, raster.width)
    if (rows[1] - rows[0]) * (cols[1] - cols[0]) > MOST_CELLS:
        fault = _fault(ask, f"{rows[1] - rows[0]:,} x {cols[1] - cols[0]:,} cells lie on the area", "take a coarser raster")
        raise TableError(str(fault), [fault], ask.what)
    if rows[0] >= rows[1] or cols[0] >= cols[1]:
        problem = f"the raster lies at {lonlat(raster.bounds, raster.crs)} but the area at {grounds_lonlat(grounds)}"
        fault = _fault(ask, problem, "check that both are of the same place")
        raise TableError(str(fault), [fault], ask.what)
    return rows, cols


def grounds_lonlat(grounds: Grounds) -> str:
    """Where the area is, in degrees, for a message."""
    return lonlat(shapely.total_bounds(grounds.shapes), grounds.crs)


def lonlat(bounds: Any, crs: Any) -> str:
    into = pyproj.Transformer.from_crs(pyproj.CRS.from_user_input(crs), "EPSG:4326", always_xy=True)
    west, south, east, north = into.transform_bounds(*bounds)
    return f"lon {west:.3f} … {east:.3f}, lat {south:.3f} … {north:.3f}"


def _times(raster: Any, ask: RasterAsk, crs: pyproj.CRS, grounds: Grounds, rows: tuple[int, int], cols: tuple[int, int]) -> int:
    """Into how many a side a cell is cut: 1 up to ``zone_m`` long, else pieces of at most half of it."""
    row, col = sum(rows) / 2, sum(cols) / 2
    corners = _through(raster.transform, np.array([(col, row), (col + 1, row), (col, row + 1)]))
    x, y = pyproj.Transformer.from_crs(crs, grounds.crs, always_xy=True).transform(*corners.T)
    side = max(np.hypot(x[1] - x[0], y[1] - y[0]), np.hypot(x[2] - x[0], y[2] - y[0]))
    if not side <= LONGEST_CELL_M:
        fault = _fault(ask, f"its cells are {side / 1000:,.0f} km long", "take one that says where in a town people live")
        raise TableError(str(fault), [fault], ask.what)
    return 1 if side <= ask.zone_m else int(np.ceil(side / (ask.zone_m / 2)))


def _through(affine: Any, xy: Floats) -> Floats:
    """(n, 2) points through an affine map."""
    x, y = xy[:, 0], xy[:, 1]
    return np.column_stack([affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f])


def _band(raster: Any, ask: RasterAsk) -> int:
    """The band that `column` names by number or description; the only one if it names none."""
    described = [str(said or "") for said in raster.descriptions]
    if ask.band is None and raster.count == 1:
        return 1
    if ask.band in described:
        return described.index(ask.band) + 1
    if ask.band is not None and ask.band.isdecimal() and 1 <= int(ask.band) <= raster.count:
        return int(ask.band)
    bands = ", ".join(f"{i + 1} {said!r}" if said else str(i + 1) for i, said in enumerate(described))
    problem = f"the raster has the bands {bands}" + ("" if ask.band is None else f" but none called {ask.band!r}")
    fault = _fault(ask, problem, "name one of them with column")
    raise TableError(str(fault), [fault], ask.what)


def _refused(ask: RasterAsk, problem: str, mend: str) -> SourceError:
    fault = _fault(ask, problem, mend)
    return SourceError(str(fault), [fault], ask.file)


def _fault(ask: RasterAsk, problem: str, mend: str) -> Fault:
    return Fault(problem, mend, ask.file)
