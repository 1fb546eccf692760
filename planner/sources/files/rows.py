"""Rows out of a file in any of the formats people bring."""

from __future__ import annotations

from pathlib import Path

from planner.sources.files.opening import MOST_BYTES, MOST_TEXT, check_file, refused
from planner.sources.files.records import Recognise, Rows, rows_of
from planner.sources.files.text import text_records
from planner.sources.files.vector import PARQUETS, VECTORS, read_parquet, read_vector
from planner.sources.files.workbook import read_workbook

TEXTS = (".csv", ".tsv", ".txt")
WORKBOOKS = (".xlsx", ".xlsm")


def read_rows(path: Path, source: str, recognise: Recognise) -> Rows:
    """The rows of a table in any of the formats; `recognise` is used to find the row of headers and the right sheet.

    Raises
    ------
    SourceError
        If the file is missing, empty, too big, broken, or in a format that is not read.
    """
    suffix = path.suffix.lower()
    check_file(path, source, MOST_TEXT if suffix in TEXTS else MOST_BYTES)
    if suffix in TEXTS:
        return rows_of(text_records(path, source), source, recognise)
    if suffix in WORKBOOKS:
        return read_workbook(path, source, recognise)
    if suffix in PARQUETS:
        return read_parquet(path, source)
    if suffix in VECTORS:
        return read_vector(path, source)
    kind = suffix or "without an ending"
    raise refused(source, f"files of the kind {kind} are not read", "save it as .csv, .xlsx, .geojson, .gpkg, .shp or .parquet")
