"""One table out of a file: headers understood, rows placed, checked by its schema; every fault at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd

from planner.errors import Fault, TableError, say_faults
from planner.schema import Schema, fold
from planner.sources.files.points import PLACE, split_pairs
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.files.shapes import place_rows

SHORTEST_CUT = 9  # bytes of a header cut at ten: three Chinese letters in UTF-8, the half of a fourth dropped

Check = Callable[[gpd.GeoDataFrame, str], list[Fault]]  # placed rows and the file's name -> what else is wrong


def read_table(
    path: str | Path, schema: Schema, crs: str, *, coordinates: str = "wgs84", layer: str | None = None
) -> gpd.GeoDataFrame:
    """A table with places, out of a file in any of the formats, conformed to `schema`.

    Parameters
    ----------
    path
        CSV (UTF-8 with or without BOM, GB18030, UTF-16 with its mark; commas, semicolons or tabs; lines with ``#`` above the
        headers are comments), .xlsx, .xls, .ods, GeoJSON, GeoPackage, FlatGeobuf, KML, shapefile (in a .zip or not) or
        GeoParquet.
    schema
        What the columns are; headers in English or Chinese through its aliases.
    crs
        The CRS of what is given back; in metres.
    coordinates
        What the file's coordinates mean: ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or an EPSG code.
    layer
        Which layer of a file with several, or which sheet of a workbook.

    Returns
    -------
    GeoDataFrame
        In `crs`, index the schema's key; ``lon`` and ``lat`` of points are WGS-84 degrees. Other columns of the file are kept.

    Raises
    ------
    SourceError
        If the file cannot be read at all.
    TableError
        With every fault at once, by row as the user sees it.
    CrsError
        If the file has no CRS, or another than `coordinates` says.
    """
    return load_table(Path(path), str(path), schema, crs, coordinates, layer=layer)


def load_table(
    path: Path,
    source: str,
    schema: Schema,
    crs: str,
    coordinates: str,
    checks: tuple[Check, ...] = (),
    *,
    layer: str | None = None,
) -> gpd.GeoDataFrame:
    """`read_table` of a file that the user calls `source`, with more checks of the placed rows."""
    rows = read_rows(path, source, schema.column_for, layer)
    frame, faults = name_columns(rows.frame, schema, source)
    placed, misplaced = place_rows(frame, source, coordinates, crs)
    found = [fault for check in checks for fault in check(placed, source)]
    return settle(placed, schema, source, [*rows.faults, *faults, *misplaced, *_as_written(found, frame)])


def _as_written(faults: list[Fault], frame: Any) -> list[Fault]:
    """The faults with coordinates as the file writes them, in its own datum, and not as they were turned into degrees."""
    plain = split_pairs(frame)
    if not {"lon", "lat"} <= set(plain.columns) or all(fault.column != PLACE for fault in faults):
        return faults
    cells = zip(plain[ROW], plain["lon"], plain["lat"], strict=True)
    said = {row: f"{str(lon).strip()}, {str(lat).strip()}" for row, lon, lat in cells}
    return [replace(fault, value=said[fault.row]) if fault.column == PLACE and fault.row in said else fault for fault in faults]


def name_columns(frame: Any, schema: Schema, source: str) -> tuple[Any, list[Fault]]:
    """The frame with the schema's names for the headers it knows; two headers that mean one column are a fault."""
    names: list[str] = []
    said: dict[str, str] = {}
    faults = []
    understand = _understand_cut if source.lower().endswith(".shp") else Schema.column_for
    for header in map(str, frame.columns):
        name = header if header in (ROW, "geometry") else understand(schema, header) or header
        if name in said and header != said[name]:
            faults.append(Fault(f"the headers {said[name]!r} and {header!r} both mean {name}", "keep one of them", source))
        elif name in said:
            faults.append(Fault("the header stands twice", "keep one of them", source, column=header))
        said.setdefault(name, header)
        names.append(name)
    renamed = frame.set_axis(names, axis=1)
    return renamed.loc[:, ~renamed.columns.duplicated()], faults


def _understand_cut(schema: Schema, header: str) -> str | None:
    """The column a header of a shapefile means: it has ten bytes, so that a longer one is known by how it begins."""
    known = schema.column_for(header)
    if known is not None or len(header.encode()) < SHORTEST_CUT:
        return known
    columns = [column for column in schema if not column.is_family]
    begun = [c.name for c in columns if any(fold(w).startswith(fold(header)) for w in (c.name, c.en, c.zh, *c.aliases))]
    return begun[0] if len(begun) == 1 else None


def settle(placed: gpd.GeoDataFrame, schema: Schema, source: str, faults: list[Fault]) -> gpd.GeoDataFrame:
    """The conformed table, or one error with `faults` and the schema's together."""
    try:
        table: gpd.GeoDataFrame = schema.conform(placed, source=source)
    except TableError as error:
        raise type(error)(*_said([*faults, *error.faults]), schema.name) from error
    if faults:
        raise TableError(*_said(faults), schema.name)
    return table


def _said(faults: list[Fault]) -> tuple[str, list[Fault]]:
    return say_faults(faults), faults
