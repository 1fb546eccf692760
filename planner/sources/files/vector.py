"""Geometries: GeoJSON, GeoPackage, FlatGeobuf, KML, shapefiles in any Chinese encoding, zipped or not, GeoParquet."""

from __future__ import annotations

import codecs
import difflib
import re
import shutil
import zipfile
from glob import escape
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio

from planner.errors import SourceError, say_faults
from planner.sources.files.geojson import read_geojson
from planner.sources.files.kml import TRACKED, coordinate_faults
from planner.sources.files.opening import (
    CUT_OFF,
    LAYER,
    MOST_ROWS,
    MOST_TEXT,
    MOST_UNPACKED,
    check_archive,
    check_file,
    reading,
    refused,
)
from planner.sources.files.records import ROW, Rows
from planner.sources.files.text import looks_utf8

GEOJSONS = (".geojson", ".json")
VECTORS = (*GEOJSONS, ".gpkg", ".shp", ".fgb", ".kml")
PARQUETS = (".parquet", ".geoparquet")
STARTS = {  # a file that begins otherwise is not handed to GDAL, which would go by its content and not by its ending
    ".gpkg": (b"SQLite format 3",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
    ".kml": (b"<?xml", b"<kml", b"<!--"),
}
BESIDE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".shp.xml", ".sbn", ".sbx", ".qix")  # the parts of a shapefile
KML_COLUMNS = (  # what GDAL gives of any KML
    *("id", "Name", "description", "timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude", "visibility"),
    *("drawOrder", "icon", "snippet"),
)
LEADS_OUT = re.compile(rb"<(\w+:)?(NetworkLink|Model)\b|<!(DOCTYPE|ENTITY)")  # in a KML
ONE_BYTE = "ISO-8859-1"  # one letter a byte: a text read so can be turned back into its bytes


def read_vector(path: Path, source: str, layer: str | None = None) -> Rows:
    """The features of a file GDAL reads, numbered from 1; its CRS as it says, or None.

    Raises
    ------
    SourceError
        If the file is broken, is not what its ending says, or has several layers of which `layer` names none.
    """
    suffix = path.suffix.lower()
    if suffix in GEOJSONS:
        if layer is not None:
            raise refused(source, f"a GeoJSON has no layer {layer!r}", "leave layer out")
        return Rows(_numbered(read_geojson(path, source)))
    _check_start(path, source)
    _check_links(path, source)
    with reading(source, CUT_OFF, "export it again"):
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        chosen = _chosen_layer(layers, layer, source)
        faults = coordinate_faults(path, source, layers.index(chosen), len(layers)) if suffix == ".kml" else []
        tracks = [fault for fault in faults if fault.problem == TRACKED]
        if tracks:  # GDAL makes lines of them, which may have one point
            raise SourceError(say_faults(tracks), tracks, source)
        frame = _read_shapefile(path) if suffix == ".shp" else pyogrio.read_dataframe(path, layer=chosen)
        if suffix != ".kml":
            return Rows(_numbered(frame))
        numbered = _numbered(_without_marks(frame))
        return Rows(numbered[~numbered[ROW].isin([fault.row for fault in faults])], tuple(faults))


def read_zipped(path: Path, source: str, layer: str | None = None) -> Rows:
    """The shapefile in a ``.zip``, as offices hand them round; of several the one that `layer` names.

    Raises
    ------
    SourceError
        If the archive is broken, unpacks to more than any table, or holds no shapefile, or several and none is named.
    """
    check_archive(path, source)
    with reading(source, CUT_OFF, "copy it again"), zipfile.ZipFile(path) as archive:
        named = [(part, _name_in_zip(part)) for part in archive.infolist()]
        stems = {PurePosixPath(name).stem: name for _, name in named if name.lower().endswith(".shp")}
        if not stems:
            raise refused(source, "there is no shapefile in the archive", "unpack it, and name the file inside")
        stem = _chosen_layer(list(stems), layer, source)
        with TemporaryDirectory(prefix="planner-zip-") as folder:
            for part, name in named:
                plain = PurePosixPath(name)
                if plain.with_suffix("") == PurePosixPath(stems[stem]).with_suffix("") and plain.suffix.lower() in BESIDE:
                    unpacked = Path(folder, f"unpacked{plain.suffix.lower()}")
                    with archive.open(part) as packed, unpacked.open("wb") as file:  # bit by bit: its size may be a lie
                        shutil.copyfileobj(packed, file)
            return read_vector(Path(folder) / "unpacked.shp", source)


def _name_in_zip(part: zipfile.ZipInfo) -> str:
    """A name in an archive; archives made in Chinese Windows hold GB18030, which Python takes for CP437."""
    if part.flag_bits & 0x800:
        return part.filename
    try:
        return part.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return part.filename


def _chosen_layer(layers: list[str], asked: str | None, source: str) -> str:
    """The layer that is meant: the one asked for, or the only one."""
    shown = ", ".join(layers)
    if asked is not None and asked not in layers:
        near = difflib.get_close_matches(asked, layers, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else "name one of them"
        raise refused(source, f"the file has no layer {asked!r} but {shown or 'none at all'}", mend, LAYER)
    if asked is None and len(layers) != 1:
        said = f"the file has {len(layers)} layers ({shown})" if layers else "the file has no layer"
        raise refused(source, said, f'say which is meant, as in layer = "{layers[0]}"' if layers else "export it again", LAYER)
    return layers[0] if asked is None else asked


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
    if path.suffix.lower() == ".kml":
        check_file(path, source, MOST_TEXT)
        if LEADS_OUT.search(path.read_bytes()):
            raise refused(source, "the file leads to other files, which are not followed", "save the places themselves as KML")


def _check_links(path: Path, source: str) -> None:
    """What lies beside a file under its name is read with it: it must not lead out of the folder, nor be waited for."""
    for beside in path.parent.glob(f"{escape(path.stem)}.*"):
        if beside.exists() and not (beside.is_file() or beside.is_dir()):
            raise refused(source, f"{beside.name} is a pipe or a device", "put the file itself there")
        if beside.is_symlink() and not beside.resolve().is_relative_to(path.parent):
            raise refused(source, f"{beside.name} is a link that leads out of the folder", "put the file itself there")


def _without_marks(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A KML without the running number of its marks, where the marks have columns of their own."""
    own = frame.drop(columns=[*KML_COLUMNS, "geometry"], errors="ignore")
    return frame if own.empty else frame.drop(columns="id", errors="ignore")


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
