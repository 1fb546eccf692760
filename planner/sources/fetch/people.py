"""A raster of people for an area: tiles of GHS-POP R2023A (100 m) or a country of WorldPop R2025A (3″), cut to the towns."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import geopandas as gpd
import numpy as np
import rasterio
import rasterio.merge
from rasterio.windows import Window

from planner.errors import Fault, SourceError, StudyError
from planner.schema import Towns
from planner.sources.files.opening import reading, refused
from planner.study import PopulationSource

GHS_CRS = "ESRI:54009"  # Mollweide
GHS_WEST, GHS_NORTH, GHS_SIDE_M = -18_041_000.0, 9_000_000.0, 1_000_000.0  # the grid of tiles, R1_C1 in the north-west
MOST_TILE_BYTES = 500_000_000  # a tile of 10 000 x 10 000 cells has some 20 MB
MOST_UNPACKED_BYTES = 1_000_000_000  # 800 MB if a tile were not packed at all
MOST_COUNTRY_BYTES = 5_000_000_000
MOST_CELLS = 100_000_000  # of what is cut out: a province
GHS_STEP = 5  # epochs of GHS-POP lie five years apart
WORLDPOP_YEARS = (2015, 2030)


def ghs_tiles(towns: Towns) -> list[tuple[int, int]]:
    """Row and column of every tile that the box around the towns touches, both counted from 1.

    >>> towns = gpd.GeoDataFrame(geometry=gpd.points_from_xy([121.25], [31.38]).buffer(0.01), crs="EPSG:4326")
    >>> ghs_tiles(towns)
    [(6, 30)]
    """
    west, south, east, north = gpd.GeoSeries(towns.geometry).to_crs(GHS_CRS).total_bounds
    rows = range(int((GHS_NORTH - north) // GHS_SIDE_M) + 1, int((GHS_NORTH - south) // GHS_SIDE_M) + 2)
    columns = range(int((west - GHS_WEST) // GHS_SIDE_M) + 1, int((east - GHS_WEST) // GHS_SIDE_M) + 2)
    return [(row, column) for row in rows for column in columns]


def ghs_url(base: str, year: int, tile: tuple[int, int]) -> str:
    """Where a tile of GHS-POP R2023A lies.

    Raises
    ------
    StudyError
        If there is no epoch of that year.
    """
    if year % GHS_STEP:
        raise _no_such_year(year, f"GHS-POP has every fifth year: take {year - year % GHS_STEP}")
    name = f"GHS_POP_E{year}_GLOBE_R2023A_54009_100"
    return f"{base}/GHS_POP_GLOBE_R2023A/{name}/V1-0/tiles/{name}_V1_0_R{tile[0]}_C{tile[1]}.zip"


def worldpop_url(base: str, asked: PopulationSource) -> str:
    """Where a country of WorldPop R2025A (constrained, 100 m) lies.

    >>> worldpop_url("https://data.worldpop.org", PopulationSource(source="worldpop", country="CHN")).rsplit("/", 1)[1]
    'chn_pop_2025_CN_100m_R2025A_v1.tif'

    Raises
    ------
    StudyError
        If the study names no country, or a year there is none of.
    """
    if asked.country is None:
        fault = Fault("WorldPop goes by country", 'add country = "CHN" (ISO 3166, three letters)', column="population.country")
        raise StudyError(str(fault), [fault])
    first, last = WORLDPOP_YEARS
    if not first <= asked.year <= last:
        raise _no_such_year(asked.year, f"WorldPop R2025A has {first} to {last}")
    file = f"{asked.country.lower()}_pop_{asked.year}_CN_100m_R2025A_v1.tif"
    return f"{base}/GIS/Population/Global_2015_2030/R2025A/{asked.year}/{asked.country}/v1/100m/constrained/{file}"


def _no_such_year(year: int, mend: str) -> StudyError:
    fault = Fault("there is no raster of this year", mend, column="population.year", value=str(year))
    return StudyError(str(fault), [fault])


def unpack_tile(archive: Path, out: Path, source: str) -> None:
    """Write the one GeoTIFF in `archive` to `out`. Names in the archive are never used as paths, and sizes never believed.

    Raises
    ------
    SourceError
        If there is not exactly one, or it unpacks to more than 1 GB.
    """
    try:
        with zipfile.ZipFile(archive) as parts:
            inside = [part for part in parts.infolist() if part.filename.lower().endswith(".tif")]
            if len(inside) != 1:
                raise refused(source, f"the archive holds {len(inside)} GeoTIFFs, not one", "name another mirror")
            with parts.open(inside[0]) as packed, out.open("wb") as file:
                _unpack(packed, file, source)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise refused(source, "this is no archive that can be read", "try again later, or name a mirror") from error


def _unpack(packed: IO[bytes], file: IO[bytes], source: str) -> None:
    written = 0
    while block := packed.read(1 << 20):
        written += len(block)
        if written > MOST_UNPACKED_BYTES:
            said = f"the archive unpacks to more than {MOST_UNPACKED_BYTES:,} bytes"
            raise refused(source, said, "this is no tile; name another mirror")
        file.write(block)


def check_raster(path: Path, source: str) -> None:
    """Raise a SourceError where `path` is no GeoTIFF with a CRS."""
    mend = "try again later, or name a mirror"
    with reading(source, "this is no GeoTIFF", mend), rasterio.open(path, driver="GTiff") as raster:
        if raster.crs is None:
            raise refused(source, "the raster has no CRS", mend)


def cut_rasters(paths: Sequence[Path], out: Path, towns: Towns, source: str) -> None:
    """Write the cells of `paths` (one grid) that the box around the towns touches, and one more all round, to `out`.

    No cell is resampled: a count stays the count of its cell.

    Raises
    ------
    SourceError
        If they cannot be read, or do not reach the towns.
    """
    with reading(source, "the raster cannot be read", "fetch it again"), ExitStack() as stack:
        rasters = [stack.enter_context(rasterio.open(path, driver="GTiff")) for path in paths]
        first = rasters[0]
        bounds = _snapped(first, towns)
        cells = (bounds[2] - bounds[0]) / abs(first.transform.a) * (bounds[3] - bounds[1]) / abs(first.transform.e)
        if cells > MOST_CELLS:
            raise refused(source, f"the area has {cells:,.0f} cells", "cut the study into districts")
        if not any(_meet(raster.bounds, bounds) for raster in rasters):
            raise refused(source, "the raster does not reach the area", "check the year and the country")
        values, transform = rasterio.merge.merge(rasters, bounds=bounds, nodata=first.nodata, indexes=[1])
        settings = {"driver": "GTiff", "compress": "deflate", "count": 1, "dtype": values.dtype, "crs": first.crs}
        shape = {"height": values.shape[1], "width": values.shape[2], "transform": transform, "nodata": first.nodata}
        with rasterio.open(out, "w", **settings, **shape) as written:
            written.write(values)


def _snapped(raster: rasterio.io.DatasetReader, towns: Towns) -> tuple[float, float, float, float]:
    """The box around the towns, widened to whole cells of the raster and one more."""
    inverse = ~raster.transform
    shapes = gpd.GeoSeries(towns.geometry).segmentize(1000.0).to_crs(raster.crs)
    west, south, east, north = shapes.total_bounds
    columns, rows = zip(inverse * (west, north), inverse * (east, south), strict=True)
    low, high = np.floor([columns[0], rows[0]]) - 1, np.ceil([columns[1], rows[1]]) + 1
    window = Window(low[0], low[1], *(high - low))
    found: tuple[float, float, float, float] = rasterio.windows.bounds(window, raster.transform)
    return found


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def no_people(towns: Towns) -> SourceError:
    """The error for an area in none of the tiles: it lies in the sea."""
    return refused(
        "GHS-POP", f"there is no tile for any of the {len(towns)} towns: the area lies in the sea", "check the towns"
    )
