"""A run on disk: tables, GeoPackage, JSON; every file is written beside its place and renamed, whole or absent."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from planner import qml
from planner.errors import PlannerWarning, SourceError
from planner.network import cut_at_180
from planner.spreadsheet import neutralised

MANIFEST = "manifest.json"
_OWN_HASH = "manifest_sha256"  # of all else in the manifest
_HOST = re.sub(r"[^\w.-]", "_", platform.node())[:64]
_WGS84 = "EPSG:4326"
_DECIMALS = 7  # of a degree: about a centimetre
_READ_BYTES = 1 << 20


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal; an OSError where it is no file, for a pipe would be waited for."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file")
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def whole_folder(folder: Path, manifest: Callable[[], Mapping[str, Any]], *, force: bool = False) -> Iterator[Path]:
    """A folder to write into that takes the place of `folder` only when everything is in it.

    Parameters
    ----------
    folder
        Where the output belongs. A folder that one of our runs wrote, unchanged since, is replaced as a whole.
    manifest
        Called and written last as ``manifest.json``, with the SHA-256 of every file under ``outputs`` and of itself.
    force
        Replace the folder even if files in it were added or edited by hand; the old folder is then kept beside it.

    Raises
    ------
    SourceError
        If `folder` holds anything that our run did not write, or that was edited since; or cannot be written.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link stays the link the user named
    check_folder(folder, force=force)
    beside = folder.with_name(f".{folder.name}.partial-{os.getpid()}@{_HOST}")
    remove_leavings(folder)
    try:
        beside.mkdir(parents=True)
        yield beside
        hashes = {str(p.relative_to(beside)): hash_file(p) for p in sorted(beside.rglob("*")) if p.is_file()}
        content = {**manifest(), "outputs": hashes}
        write_json(beside / MANIFEST, {**content, _OWN_HASH: _hash_of(content)})
        _take_place(beside, folder, keep_old=bool(_foreign_files(folder)))  # looked at again: somebody may have edited it
    except OSError as error:
        raise _said(error, folder, beside) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_folder(folder: Path, *, force: bool = False) -> None:
    """Raise a SourceError if `folder` holds what no run of ours wrote (unless `force`) or its place cannot be written."""
    foreign = _foreign_files(folder)
    if foreign and not force:
        raise SourceError(
            f"{folder}: {foreign[0]} was not written by an earlier run, or was changed since; nothing is overwritten: "
            "name another folder with --out, or pass --force (the old folder is then kept beside the new one)",
            source=str(folder),
        )
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise SourceError(f"{folder}: cannot write there; choose another folder with --out", source=str(folder))


def _said(error: OSError, folder: Path, beside: Path) -> SourceError:
    """What went wrong, of the folder that was asked for: nobody knows the one `beside` it."""
    if isinstance(error, SourceError) and error.source == str(beside) and isinstance(error.__cause__, OSError):
        error = error.__cause__
    if isinstance(error, SourceError):
        return error
    mend = {
        errno.ENOSPC: "the disk is full; make room and run again",
        errno.EFBIG: "larger files are not allowed there; choose another folder with --out",
        errno.EACCES: "it may not be written; choose another folder with --out",
        errno.EROFS: "the disk is read-only; choose another folder with --out",
        errno.ENOTEMPTY: "another run put its output there meanwhile; look at it, or run again",
    }.get(error.errno or 0, "choose another folder with --out")
    return SourceError(f"{folder}: cannot write the output ({error.strerror or error}); {mend}", source=str(folder))


def _foreign_files(folder: Path) -> list[str]:
    """What in `folder` no run of ours wrote, or was edited since; empty where the folder is absent, empty or ours."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        return [f"it is a file and {folder.name!r}"]
    written = _written(folder)
    if written is None:
        return [MANIFEST]
    made = {str(above) for name in written for above in Path(name).parents}
    present = {str(p.relative_to(folder)): p for p in folder.rglob("*")}
    files = {name for name, p in present.items() if p.is_symlink() or not p.is_dir()}
    empty = {name for name, p in present.items() if name not in files and not any(p.iterdir())}
    strangers = sorted((files - set(written) - ({MANIFEST} if written else set())) | (empty - made))
    ours = ((name, present[name]) for name in sorted(files & set(written)))
    return strangers + [name for name, p in ours if p.is_symlink() or hash_file(p) != written[name]]


def _written(folder: Path) -> dict[str, str] | None:
    """The files a run of ours wrote there with their hashes; none where none did, None where its manifest was edited."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        own, written = manifest.pop(_OWN_HASH, None), manifest["outputs"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    if own is not None and own != _hash_of(manifest):  # one of before manifests had a hash is taken as it is
        return None
    return written if isinstance(written, dict) else {}


def _hash_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json_text(content).encode()).hexdigest()


def remove_leavings(folder: Path) -> None:
    """Remove what a run that was killed left beside `folder`; what is of living processes stays, and of other machines:
    nobody here knows whether those live, and a note says so."""
    for left in sorted(folder.parent.glob(f".{glob.escape(folder.name)}.partial-*")):
        writer = left.name.removeprefix(f".{folder.name}.partial-")
        pid, _, host = writer.removeprefix("old-").partition("@")
        if host not in ("", _HOST):
            said = f"{left}: another machine ({host}) writes there, or was cut off; remove it if nothing runs there any more"
            warnings.warn(said, PlannerWarning, stacklevel=2)
        elif not pid.isdigit() or _alive(int(pid)):
            continue
        elif writer.startswith("old-") and not folder.exists():
            left.rename(folder)  # killed between two renames: the old output goes back
        else:
            shutil.rmtree(left, ignore_errors=True)


def _aside(folder: Path) -> Path:
    """Where this process puts the old output while the new one takes its place."""
    return folder.with_name(f".{folder.name}.partial-old-{os.getpid()}@{_HOST}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid != os.getpid()


def _take_place(beside: Path, folder: Path, *, keep_old: bool) -> None:
    if not folder.exists():
        beside.rename(folder)
        return
    old = _free_name(folder, "old") if keep_old else _aside(folder)
    try:
        folder.rename(old)
        beside.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    if not keep_old:
        shutil.rmtree(old, ignore_errors=True)


def _free_name(folder: Path, word: str) -> Path:
    number = 1
    while (path := folder.with_name(f"{folder.name}.{word}-{number}")).exists():
        number += 1
    return path


def write_json(path: Path, content: Any) -> None:
    """JSON in UTF-8 with keys in the given order; missing numbers are null, never NaN."""
    path.write_text(_json_text(content) + "\n", encoding="utf-8")


def _json_text(content: Any) -> str:
    return json.dumps(plain(content), ensure_ascii=False, indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """`value` in JSON's own types; what is missing becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def with_lonlat(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """A table of points as a plain one with its key as a column and ``lon``, ``lat`` in degrees (WGS 84) after the rest."""
    points = table.geometry.to_crs(_WGS84)
    plain = pd.DataFrame(table.drop(columns=table.geometry.name)).reset_index()
    return plain.assign(lon=points.x.round(_DECIMALS).to_numpy(), lat=points.y.round(_DECIMALS).to_numpy())


def with_lonlat_or_key(table: pd.DataFrame) -> pd.DataFrame:
    """Any table as a plain one with its key as columns: points become ``lon``, ``lat``, other shapes are left out."""
    if not isinstance(table, gpd.GeoDataFrame):
        return table.reset_index()
    if (table.geom_type == "Point").all():
        return with_lonlat(table)
    return pd.DataFrame(table.drop(columns=table.geometry.name)).reset_index()


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV: keys first, formulas neutralised, amounts to 3 decimals, shares and degrees to 7, ISO dates."""
    shown = _rounded(neutralised(with_lonlat_or_key(table)))
    return str(shown.to_csv(index=False, lineterminator="\n", float_format=_short, date_format="%Y-%m-%d"))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """`csv_text` in UTF-8 with a byte-order mark, so that a spreadsheet reads Chinese."""
    path.write_text(csv_text(table), encoding="utf-8-sig")


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of amounts (above 1; not degrees nor the mixed ``value``) to a thousandth: finer is of splitting cells."""
    floats = table.select_dtypes("float").columns.difference(["lon", "lat", "value"])
    amounts = {str(name): table[name].round(3) for name in floats if table[name].abs().max() > 1}
    return table.assign(**amounts)


def _short(number: object) -> str:
    return f"{float(str(number)):.7f}".rstrip("0").rstrip(".")


def geojson_text(table: gpd.GeoDataFrame) -> str:
    """GeoJSON (RFC 7946): degrees of WGS 84 with 7 decimals, the key among the properties, missing values null.

    A shape across 180° has a part on either side of it.
    """
    flat = table.reset_index()
    degrees = [cut_at_180(shape) for shape in flat.geometry.to_crs(_WGS84)]
    shapes = shapely.set_precision(degrees, 10**-_DECIMALS, mode="pointwise")
    columns = [str(name) for name in flat.columns if name != flat.geometry.name]
    features = [
        {
            "type": "Feature",
            "properties": dict(zip(columns, map(plain, values), strict=True)),
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for values, shape in zip(flat[columns].itertuples(index=False, name=None), shapes, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, allow_nan=False)


def write_geojson(path: Path, table: gpd.GeoDataFrame) -> None:
    """`geojson_text` as a file in UTF-8."""
    path.write_text(geojson_text(table) + "\n", encoding="utf-8")


def write_parquet(path: Path, table: gpd.GeoDataFrame) -> None:
    """GeoParquet with the key as a column."""
    table.reset_index().to_parquet(path, index=False)


def write_geopackage(path: Path, layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame]) -> None:
    """One GeoPackage with a layer (or a table without shapes) for each name, stamped with a fixed date: same bytes again.

    What GDAL or SQLite cannot write is an OSError, as of any other file.
    """
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z"})
    try:
        for name, layer in layers.items():
            there = path.exists()
            made = {} if there else {"dataset_options": {"VERSION": "1.3"}}  # which QGIS 3.22 and ArcGIS read without a word
            table = _for_gdal(layer.reset_index())
            pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=there, **made)
        _dress(path, layers)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, sqlite3.Error) as error:
        if "full" in str(error) or shutil.disk_usage(path.parent).free < _READ_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise OSError(errno.EIO, str(error)) from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


_LAYER_STYLES = """CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT(30), ui TEXT(30), update_time DATETIME)"""
_STAMP = "1970-01-01T00:00:00.000Z"


def _dress(path: Path, layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame]) -> None:
    """Give each layer its name in both languages, the style QGIS opens it with, and what its fields are called.

    Styles stand where QGIS looks for them, in ``layer_styles``; aliases also in ``gpkg_data_columns`` of the schema extension
    of GeoPackage 1.3, for other programs.
    """
    with contextlib.closing(sqlite3.connect(path)) as book, book:
        book.execute(_LAYER_STYLES)
        book.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) VALUES (?, 'attributes', ?, ?)",
            ("layer_styles", "layer_styles", _STAMP),
        )
        _begin_aliases(book)
        for name, layer in layers.items():
            fields = [column for column in layer.reset_index().columns if column != "geometry"]
            shaped = isinstance(layer, gpd.GeoDataFrame)
            minutes = layer.index.get_level_values("minutes").unique() if "minutes" in layer.index.names else ()
            book.execute("UPDATE gpkg_contents SET identifier = ? WHERE table_name = ?", (qml.NAMES.get(name, name), name))
            row = ("", "", name, "geom" if shaped else "", name[:30], qml.layer_style(name, fields, minutes), "", 1, "", "", "")
            book.execute(f"INSERT INTO layer_styles VALUES (NULL, {', '.join('?' * len(row))}, ?)", (*row, _STAMP))  # noqa: S608
            named = qml.aliases(name, fields).items()
            book.executemany(
                "INSERT INTO gpkg_data_columns (table_name, column_name, title) VALUES (?, ?, ?)",
                [(name, field, said) for field, said in named],
            )


def _begin_aliases(book: sqlite3.Connection) -> None:
    """The tables of the schema extension, as the standard writes them (OGC 12-128r18, F.9)."""
    book.execute(
        "CREATE TABLE IF NOT EXISTS gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, "
        "name TEXT, title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT, "
        "CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name))"
    )
    book.execute(
        "CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (constraint_name TEXT NOT NULL, "
        "constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, "
        "max_is_inclusive BOOLEAN, description TEXT, CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))"
    )
    book.execute(
        "CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, "
        "definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))"
    )
    for table in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        book.execute(
            "INSERT INTO gpkg_extensions VALUES (?, NULL, 'gpkg_schema', ?, 'read-write')",
            (table, "http://www.geopackage.org/spec131/#extension_schema"),
        )


def _for_gdal(table: Any) -> Any:
    """Nullable and text columns in the types GDAL knows; a key that clashes with the layer's own ``fid`` is not possible."""
    for name in table.columns:
        if isinstance(table[name].dtype, pd.BooleanDtype):
            table[name] = table[name].astype("Int16")
        elif isinstance(table[name].dtype, pd.StringDtype):
            table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


FILES: Mapping[str, tuple[str, ...]] = {
    "stations": ("csv", "geojson"),
    "towns": ("csv", "geojson"),
    "groups": ("csv",),
    "demand": ("parquet",),
    "isochrones": ("geojson",),
    "sites": ("csv", "geojson"),
    "frontier": ("csv",),
    "areas": ("csv", "geojson"),
    "needed": ("csv",),
    "reasons": ("csv",),
    "alternatives": ("csv",),
    "moves": ("csv",),
    "plans": ("csv",),
    "robust": ("csv",),
    "standards": ("csv",),
    "tiers": ("csv",),
    "functions": ("csv",),
    "indicators": ("csv",),
    "communities": ("csv", "geojson"),
    "targets": ("csv",),
    "figures": ("csv",),
    "lift": ("csv",),
    "rollout": ("csv",),
    "life_circle": ("csv",),
    "life_services": ("csv",),
    "life_places": ("csv",),
    "life_cells": ("parquet",),
    "life_facilities": ("geojson",),
    "composite": ("csv",),
    "composite_moves": ("csv",),
}
"""Which tables a run writes, and as what."""


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each table in the formats of `FILES` (key columns first), and all of them as layers of ``study.gpkg``."""
    for name, table in tables.items():
        for ending in FILES[name]:
            path = folder / f"{name}.{ending}"
            if ending == "csv":
                write_csv(path, table)
            elif ending == "geojson":
                write_geojson(path, gpd.GeoDataFrame(table))
            else:
                write_parquet(path, gpd.GeoDataFrame(table))
    write_geopackage(folder / "study.gpkg", tables)
