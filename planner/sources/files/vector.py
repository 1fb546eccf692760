"""Geometries: GeoJSON, GeoPackage, FlatGeobuf, shapefiles in any Chinese encoding, GeoParquet."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio

from planner.sources.files.geojson import read_geojson
from planner.sources.files.opening import CUT_OFF, MOST_ROWS, MOST_UNPACKED, reading, refused
from planner.sources.files.records import ROW, Rows
from planner.sources.files.text import looks_utf8

GEOJSONS = (".geojson", ".json")
VECTORS = (*GEOJSONS, ".gpkg", ".shp", ".fgb")
PARQUETS = (".parquet", ".geoparquet")
STARTS = {  # a file that begins otherwise is not handed to GDAL, which would go by its content and not by its ending
    ".gpkg": (b"SQLite format 3",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
}
ONE_BYTE = "ISO-8859-1"  # one letter a byte: a text read so can be turned back into its bytes


def read_vector(path: Path, source: str) -> Rows:
    """The features of a file GDAL reads, numbered from 1; its CRS as it says, or None.

    Raises
    ------
    SourceError
        If the file is broken, is not what its ending says, or has several layers.
    """
    if path.suffix.lower() in GEOJSONS:
        return Rows(_numbered(read_geojson(path, source)))
    _check_start(path, source)
    with reading(source, CUT_OFF, "export it again"):
        layers = pyogrio.list_layers(path)[:, 0].tolist()
        if len(layers) != 1:
            said = f"the file has {len(layers)} layers ({', '.join(map(str, layers))})" if layers else "the file has no layer"
            raise refused(source, said, "save the one that is meant as a file of its own")
        frame = _read_shapefile(path) if path.suffix.lower() == ".shp" else pyogrio.read_dataframe(path)
        return Rows(_numbered(frame))


def read_parquet(path: Path, source: str) -> Rows:
    """The rows of a GeoParquet file, or of a plain one with coordinates in columns.

    Raises
    ------
    SourceError
        If the file is broken, or unpacks to more than any table.
    """
    with reading(source, CUT_OFF, "export it again"):
        held = pq.ParquetFile(path).metadata
        unpacked = sum(held.row_group(i).total_byte_size for i in range(held.num_row_groups))
        if unpacked > MOST_UNPACKED or held.num_rows > MOST_ROWS:
            said = f"the file unpacks to {held.num_rows:,} rows and {unpacked:,} bytes"
            raise refused(
                source, f"{said}; at most {MOST_ROWS:,} rows and {MOST_UNPACKED:,} bytes are read", "cut it to the area"
            )
        frame: Any = gpd.read_parquet(path) if b"geo" in (held.metadata or {}) else pd.read_parquet(path)
        return Rows(_numbered(frame.reset_index() if frame.index.name is not None else frame))


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
