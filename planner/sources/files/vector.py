"""Geometries: GeoJSON, GeoPackage, FlatGeobuf, KML, MapInfo, shapefiles in any Chinese encoding, GeoParquet."""

from __future__ import annotations

import codecs
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from planner.errors import PlannerError
from planner.sources.files.opening import MOST_UNPACKED, refused
from planner.sources.files.records import ROW, Rows
from planner.sources.files.text import looks_utf8

VECTORS = (".geojson", ".json", ".gpkg", ".shp", ".fgb")
PARQUETS = (".parquet", ".geoparquet")
STARTS = {  # a file that begins otherwise is not handed to GDAL, which would go by its content and not by its ending
    ".gpkg": (b"SQLite format 3",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
    ".geojson": (b"{",),
    ".json": (b"{",),
}
ONE_BYTE = "ISO-8859-1"  # one letter a byte: a text read so can be turned back into its bytes


def read_vector(path: Path, source: str) -> Rows:
    """The features of a file GDAL reads, numbered from 1; its CRS as it says, or None.

    Raises
    ------
    SourceError
        If the file is broken, is not what its ending says, or has several layers.
    """
    _check_start(path, source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks on rings and ids; what matters is checked below
            layers = pyogrio.list_layers(path)
            if len(layers) != 1:
                names = ", ".join(str(name) for name in layers[:, 0])
                said = f"the file has {len(layers)} layers ({names})" if len(layers) else "the file has no layer"
                raise refused(source, said, "save the one that is meant as a file of its own")
            frame = _read_shapefile(path) if path.suffix.lower() == ".shp" else pyogrio.read_dataframe(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise refused(source, "the file is cut off, or is not what its ending says", "export it again") from error
    except (pyogrio.errors.GeometryError, pyogrio.errors.CRSError, UnicodeError, ValueError) as error:
        raise refused(source, f"the file cannot be read: {_first_line(error)}", "export it again") from error
    return Rows(_numbered(frame))


def read_parquet(path: Path, source: str) -> Rows:
    """The rows of a GeoParquet file, or of a plain one with coordinates in columns."""
    try:
        held = pq.ParquetFile(path)
        meta = held.metadata
        unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if unpacked > MOST_UNPACKED:
            raise refused(source, f"the file unpacks to {unpacked:,} bytes; at most {MOST_UNPACKED:,} are read", "cut it")
        is_geo = b"geo" in (meta.metadata or {})
        frame: Any = gpd.read_parquet(path) if is_geo else pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, PlannerError):
            raise
        raise refused(source, "the file is cut off, or is not GeoParquet", "export it again") from error
    if frame.index.name is not None:
        frame = frame.reset_index()
    return Rows(_numbered(frame))


def _check_start(path: Path, source: str) -> None:
    with path.open("rb") as file:
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(STARTS[path.suffix.lower()]):
        raise refused(source, "the file is not what its ending says", "export it again")


def _read_shapefile(path: Path) -> gpd.GeoDataFrame:
    """A shapefile whose text is in the encoding of its .cpg, else in UTF-8 or GB18030, whichever it looks like.

    Names of columns have ten bytes, so that a Chinese letter may be cut in two: the half is dropped.
    """
    frame = pyogrio.read_dataframe(path, encoding=ONE_BYTE)
    words = [name for name in frame.columns if frame[name].map(lambda cell: isinstance(cell, str)).any()]
    cells = [cell for name in words for cell in frame[name] if isinstance(cell, str)]
    encoding = _declared(path) or _looks_like("".join([*cells, *frame.columns]).encode(ONE_BYTE))

    def again(cell: object) -> object:
        return cell.encode(ONE_BYTE).decode(encoding, errors="ignore") if isinstance(cell, str) else cell

    frame = frame.assign(**{name: frame[name].astype(object).map(again) for name in words})
    renamed: gpd.GeoDataFrame = frame.rename(columns=again)
    return renamed


def _declared(path: Path) -> str | None:
    """The encoding that the .cpg beside a shapefile names, if Python knows it."""
    said = next((side for side in (path.with_suffix(".cpg"), path.with_suffix(".CPG")) if side.is_file()), None)
    if said is None:
        return None
    word = said.read_bytes()[:40].decode("ascii", errors="ignore").strip()
    try:
        return codecs.lookup({"936": "gb18030", "54936": "gb18030", "65001": "utf-8"}.get(word, word)).name
    except LookupError:
        return None


def _looks_like(raw: bytes) -> str:
    return "utf-8" if looks_utf8(raw) else "gb18030"


def _numbered(frame: Any) -> pd.DataFrame:
    """Features counted from 1, which is how a GIS shows them to most users."""
    counted = frame.reset_index(drop=True)
    numbered: pd.DataFrame = counted.drop(columns=ROW, errors="ignore").assign(**{ROW: range(1, len(counted) + 1)})
    return numbered


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
