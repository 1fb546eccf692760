"""Heights of streets out of a raster of the terrain."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from rasterio.enums import Resampling
from rasterio.windows import Window

from planner.errors import Fault, PlannerWarning, SourceError
from planner.network import Network, on_the_ground
from planner.sources.rasters import is_raster, open_raster

Floats = npt.NDArray[np.float64]

MOST_CELLS = 25e6  # a finer raster is averaged while it is read, to this many cells around the streets
LOWEST_M, HIGHEST_M = -500.0, 9000.0  # the Dead Sea and Everest; beyond lies a mark for nodata that nobody declared
UNITS_M = {  # what rasters call their units; one that says none holds metres
    "": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
    "us survey foot": 1200 / 3937, "us-ft": 1200 / 3937, "ftus": 1200 / 3937,
}  # fmt: skip
LEAST_COVERED = 0.5  # of the nodes: a terrain that knows fewer is not one of this place


def with_terrain(network: Network, path: Path, file: str) -> Network:
    """The network with the heights of a terrain raster at its nodes, between the centres of the cells (bilinear).

    Parameters
    ----------
    path, file
        Where the raster is, and how the study calls it. Its first band holds heights above the sea: in metres, or in the unit,
        with the scale and offset, that it says itself (`UNITS_M`).

    Returns
    -------
    Network
        Bridges and tunnels keep the slope between their ends; nodes beyond the raster, or without data, lie between those
        that have a height, which a `PlannerWarning` counts.

    Raises
    ------
    SourceError
        If the file is not there or no raster, has no CRS, holds what are no heights or are in another unit, or does not lie
        under the streets.
    """
    if not path.is_file():
        raise _refused(file, "there is no such file", "check walk.terrain")
    if not is_raster(file):
        raise _refused(file, "no raster of this kind is read", "save it as GeoTIFF (.tif)")
    try:
        with open_raster(path, coarser=True) as raster:
            if raster.crs is None:
                raise _refused(file, "the raster has no CRS", "save it with its CRS")
            ground = _sampled(raster, _places(network, raster.crs.to_wkt()), file)
    except rasterio.errors.RasterioError as error:
        raise _refused(
            file, "it is no raster that can be read, or is cut off", "save it as GeoTIFF, or copy it again"
        ) from error
    missing = int(np.isnan(ground).sum())
    if missing > (1 - LEAST_COVERED) * len(ground):
        said = f"it has no height at {missing:,} of {len(ground):,} nodes of the streets"
        raise _refused(file, said, "take a terrain of the whole area, with its margin")
    if missing:
        said = f"{file}: the terrain has no height at {missing:,} of {len(ground):,} nodes of the streets"
        warnings.warn(f"{said}; they are given heights between those of their neighbours", PlannerWarning, stacklevel=3)
    return network.with_heights(on_the_ground(network, ground))


def _places(network: Network, crs: str) -> Floats:
    """(nodes, 2) x and y in the raster's CRS."""
    transformer = pyproj.Transformer.from_crs(network.crs, crs, always_xy=True)
    return np.column_stack(transformer.transform(network.node_xy[:, 0], network.node_xy[:, 1]))


def _sampled(raster: Any, places: Floats, file: str) -> Floats:
    """Heights at places; NaN where the raster knows none."""
    back = ~raster.transform
    column = back.a * places[:, 0] + back.b * places[:, 1] + back.c
    row = back.d * places[:, 0] + back.e * places[:, 1] + back.f
    inside = np.isfinite(column) & (column >= 0) & (column <= raster.width) & (row >= 0) & (row <= raster.height)
    found = np.full(len(places), np.nan)
    if not inside.any():
        return found
    column, row = column[inside], row[inside]
    left, top = max(int(column.min()) - 1, 0), max(int(row.min()) - 1, 0)
    width, height = min(int(column.max()) + 2, raster.width) - left, min(int(row.max()) + 2, raster.height) - top
    coarser = max(1, int(np.ceil(np.sqrt(width * height / MOST_CELLS))))
    shape = (-(-height // coarser), -(-width // coarser))
    window, how = Window(left, top, width, height), Resampling.average
    cells = raster.read(1, window=window, out_shape=shape, resampling=how, masked=True).astype(np.float64).filled(np.nan)
    cells = (cells * raster.scales[0] + raster.offsets[0]) * _unit_m(raster, file)
    known = cells[np.isfinite(cells)]
    if len(known) and not LOWEST_M <= known.min() <= known.max() <= HIGHEST_M:
        worst = known.min() if known.min() < LOWEST_M else known.max()
        raise _refused(file, f"a cell holds {worst:g}, which is no height in metres", "declare the raster's nodata value")
    found[inside] = _bilinear(cells, (row - top) * shape[0] / height - 0.5, (column - left) * shape[1] / width - 0.5)
    return found


def _unit_m(raster: Any, file: str) -> float:
    """How many metres one unit of the raster's first band is."""
    unit = (raster.units[0] or "").strip()
    if unit.lower() not in UNITS_M:
        raise _refused(file, f"its heights are in {unit!r}", "save them in metres or feet")
    return UNITS_M[unit.lower()]


def _bilinear(cells: Floats, row: Floats, column: Floats) -> Floats:
    """Values between the centres of cells; cells without a value do not count, NaN where none of the four has one."""
    total, weight = np.zeros(len(row)), np.zeros(len(row))
    low_row, low_column = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    for down in (0, 1):
        for right in (0, 1):
            r = np.clip(low_row + down, 0, cells.shape[0] - 1)
            c = np.clip(low_column + right, 0, cells.shape[1] - 1)
            share = np.abs(1 - down - (row - low_row)) * np.abs(1 - right - (column - low_column))
            known = np.isfinite(cells[r, c])
            total += np.where(known, share * np.nan_to_num(cells[r, c]), 0.0)
            weight += np.where(known, share, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(weight > 0, total / weight, np.nan))


def _refused(file: str, problem: str, mend: str) -> SourceError:
    fault = Fault(problem, mend, file)
    return SourceError(str(fault), [fault], file)
