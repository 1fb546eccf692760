"""Rows out of a file in any of the formats people bring."""

from __future__ import annotations

from pathlib import Path

from planner.sources.files.opening import MOST_BYTES, MOST_TEXT, check_file, check_page, refused
from planner.sources.files.records import Admit, Recognise, Rows, rows_of
from planner.sources.files.text import text_records
from planner.sources.files.vector import PARQUETS, VECTORS, read_parquet, read_vector, read_zipped
from planner.sources.files.workbook import WORKBOOKS, read_workbook

TEXTS = (".csv", ".tsv", ".txt")
LAYERED = (*WORKBOOKS, *VECTORS, ".zip")
MENDS = {  # for files that offices have and that are not read
    ".et": "open it in WPS and save it as .xlsx",
    ".tab": "export it from MapInfo as GeoPackage or shapefile",
    ".mif": "export it from MapInfo as GeoPackage or shapefile",
    ".dwg": "export its polygons as shapefile or GeoPackage; a drawing says not where on earth it is",
    ".dxf": "export its polygons as shapefile or GeoPackage; a drawing says not where on earth it is",
    ".mdb": "export the layer from ArcGIS as GeoPackage or shapefile",
    ".gdb": "export the layer from ArcGIS as GeoPackage or shapefile",
    ".pdf": "ask for the table itself, or copy it into a workbook",
    ".doc": "copy the table into a workbook",
    ".docx": "copy the table into a workbook",
    ".kmz": "open it in Google Earth or QGIS and save it as .kml",
    ".rar": "unpack it, and name the file inside",
    ".7z": "unpack it, and name the file inside",
}


def read_rows(path: Path, source: str, recognise: Recognise, layer: str | None = None, *, admit: Admit | None = None) -> Rows:
    """The rows of a table in any of the formats; `recognise` is used to find the row of headers and the right sheet.

    `layer` names one of several layers of a GeoPackage or KML, or a sheet of a workbook. `admit` says what is kept of the rows,
    block by block where the file is text.

    Raises
    ------
    SourceError
        If the file is missing, empty, too big, broken, in a format that is not read, or has no such layer.
    """
    suffix = path.suffix.lower()
    check_file(path, source, MOST_TEXT if suffix in TEXTS else MOST_BYTES)
    if layer is not None and suffix not in LAYERED:
        raise refused(source, f"a file of the kind {suffix} has no layer {layer!r}", "leave layer out")
    if suffix in (*TEXTS, *WORKBOOKS):
        check_page(path, source)
    if suffix in TEXTS:
        return rows_of(text_records(path, source), source, recognise, admit)
    if suffix in WORKBOOKS:
        return read_workbook(path, source, recognise, layer).admitted(admit)
    if suffix in PARQUETS:
        return read_parquet(path, source).admitted(admit)
    if suffix in VECTORS:
        return read_vector(path, source, layer).admitted(admit)
    if suffix == ".zip":
        return read_zipped(path, source, layer).admitted(admit)
    kind = suffix or "without an ending"
    mend = MENDS.get(suffix, "save it as .csv, .xlsx, .geojson, .gpkg, .shp or .parquet")
    raise refused(source, f"files of the kind {kind} are not read", mend)
