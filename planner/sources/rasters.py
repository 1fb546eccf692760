"""Which rasters are read, and how: by a list of drivers, and never out of another file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

DRIVERS = {  # GDAL's, by ending; others may follow what a file says to elsewhere
    ".tif": "GTiff", ".tiff": "GTiff", ".asc": "AAIGrid", ".bil": "EHdr", ".flt": "EHdr",
}  # fmt: skip


def is_raster(file: str) -> bool:
    """Whether a file is read as a raster, by its ending.

    >>> is_raster("people.TIF"), is_raster("people.vrt"), is_raster("people.img")
    (True, False, False)
    """
    return file.lower().endswith(tuple(DRIVERS))


def open_raster(path: Path, *, coarser: bool = False) -> DatasetReader:
    """The raster, opened by the driver of its ending.

    Its cells are its own: where they are to be read `coarser` than they are, no overviews are used, which may lie wherever the
    file says. GDAL then forgets what the bands are called.
    """
    import rasterio  # slow to import, and not every study has a raster

    return rasterio.open(path, driver=DRIVERS[path.suffix.lower()], **({"OVERVIEW_LEVEL": "NONE"} if coarser else {}))
