"""Fuzz one reader with atheris until the time is up. Usage: fuzz_readers.py READER SECONDS FOLDER (`READERS` names them)

Whatever bytes a file holds, a reader gives a value or raises an error of ours. Anything else, 10 seconds for one input, or
1.5 GB of memory ends the process with a report; `FOLDER` keeps the inputs that reach new code. The decoder of blocks runs
uncompiled in `decode`, so that a place outside an array is an error and not a silent read, and compiled in `blocks`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

if len(sys.argv) > 1 and sys.argv[1] == "decode":
    os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris
import geopandas as gpd
import numpy as np
import shapely

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

COMPILED = [] if "NUMBA_DISABLE_JIT" in os.environ else ["planner.sources.osm.decode"]  # which numba cannot read instrumented
ROOMS = ["planner.sources", "planner.schema", "planner.study", "tomllib"]

with atheris.instrument_imports(include=ROOMS, exclude=COMPILED):
    import planner.sources.files.study
    import planner.sources.files.tables
    import planner.sources.osm.streets
    import planner.sources.population.rasters
    from planner import schema
    from planner.demand import Grounds
    from planner.errors import PlannerError
    from planner.schema import cells
    from planner.sources import packs
    from planner.sources.files import document, geojson, records, text
    from planner.sources.osm import packed
    from planner.sources.osm.blocks import UnusualFileError, find_blocks, unpack
    from planner.study import Study

from bad_studies import blob  # noqa: E402 - the path is set above
from lattice_study import CRS, write_lattice_study  # noqa: E402
from osm_builders import converted  # noqa: E402

PLACE = Path(tempfile.mkdtemp(prefix="planner-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108
SHEET, LONGEST = "xl/worksheets/sheet1.xml", 120_000  # bytes of an input
SLOWEST_S = 10
REFUSED = (PlannerError, UnusualFileError)


def written(data: bytes, name: str) -> Path:
    file = PLACE / name
    file.write_bytes(data)
    return file


def read_table(data: bytes, name: str, table: schema.Schema) -> None:
    planner.sources.files.tables.load_table(written(data, name), name, table, CRS, "wgs84")


def read_extract(data: bytes) -> None:
    name = "x.osm" if data.startswith(b"<") else "x.osm.pbf"
    planner.sources.osm.streets.read_osm_network(written(data, name), crs=CRS)


def read_blocks(data: bytes) -> None:
    with contextlib.suppress(ValueError):  # what `read_packed` says it raises
        packed.read_packed(written(data, "x.osm.pbf"))


def block_alone(data: bytes) -> bytes:
    """An extract of an empty header and one block that holds `data`."""
    return blob(b"OSMHeader", b"") + blob(b"OSMData", data)


def read_workbook(data: bytes) -> None:
    """A whole workbook, or one whose sheet holds `data`."""
    if data.startswith(b"PK"):
        return read_table(data, "t.xlsx", schema.STATIONS)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good_workbook())) as good, zipfile.ZipFile(packed, "w") as changed:
        for part in good.namelist():
            changed.writestr(part, data if part == SHEET else good.read(part))
    return read_table(packed.getvalue(), "t.xlsx", schema.STATIONS)


def read_old_workbook(data: bytes) -> None:
    name = "t.ods" if data.startswith(b"PK") else "t.xls"
    read_table(data, name, schema.STATIONS)


def read_layers(data: bytes) -> None:
    """A GeoPackage, a zipped shapefile, a KML or a GeoParquet, by how it begins."""
    endings = {b"SQLite": "gpkg", b"PK": "zip", b"PAR1": "parquet", b"fgb": "fgb"}
    ending = next((ending for start, ending in endings.items() if data.startswith(start)), "kml")
    read_table(data, f"t.{ending}", schema.TOWNS)


@functools.cache
def grounds() -> Grounds:
    path = write_lattice_study(PLACE / "ground")
    return Grounds.of(planner.sources.files.tables.load_table(path / "towns.geojson", "t", schema.TOWNS, CRS, "wgs84"))


def read_raster(data: bytes) -> None:
    ask = planner.sources.population.rasters.RasterAsk(written(data, "p.tif"), "p.tif")
    planner.sources.population.rasters.read_raster(ask, grounds())


@functools.cache
def bare_study() -> Study:
    return planner.sources.files.study.load_study(write_lattice_study(PLACE) / "study.toml")[0]


def read_pack(data: bytes) -> None:
    packs.read_policy(dataclasses.replace(bare_study(), policy=written(data, "pack.toml").name))


def good_workbook() -> bytes:
    import openpyxl

    book, packed = openpyxl.Workbook(), io.BytesIO()
    for row in (["station_id", "name", "lon", "lat"], ["S1", "一号站", 121.35, 31.36], ["S2", "Two", "121.36", "31.36"]):
        book.active.append(row)
    book.save(packed)
    return packed.getvalue()


def good_old_workbooks() -> Iterator[bytes]:
    """The good workbook as .xls and .ods, as LibreOffice saves it."""
    (PLACE / "good.xlsx").write_bytes(good_workbook())
    for ending in ("xls", "ods"):
        command = ["soffice", "--headless", "--convert-to", ending, "--outdir", str(PLACE), str(PLACE / "good.xlsx")]
        subprocess.run(command, check=True, capture_output=True)
        yield (PLACE / f"good.{ending}").read_bytes()


def good_layers() -> Iterator[bytes]:
    """The lattice towns as a GeoPackage, a zipped shapefile and a GeoParquet, and places as KML."""
    towns = gpd.read_file(write_lattice_study(PLACE / "layers") / "towns.geojson")
    towns.to_file(PLACE / "t.gpkg")
    towns.to_parquet(PLACE / "t.parquet")
    towns.to_file(PLACE / "towns.shp")
    with zipfile.ZipFile(PLACE / "t.zip", "w") as packed:
        for part in sorted(PLACE.glob("towns.*")):
            packed.write(part, part.name)
    yield from ((PLACE / f"t.{ending}").read_bytes() for ending in ("gpkg", "parquet", "zip"))
    ring = "121.3,31.3 121.4,31.3 121.4,31.4 121.3,31.3"
    shape = f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    yield f"<kml><Document><Placemark><name>West</name>{shape}</Placemark></Document></kml>".encode()


def good_raster() -> bytes:
    """A small raster of counts over the lattice."""
    import rasterio

    west, _, _, north = shapely.total_bounds(grounds().shapes)
    place = rasterio.transform.from_origin(west, north, 500, 500)
    kind = {"driver": "GTiff", "width": 6, "height": 6, "count": 1, "dtype": "float32", "crs": CRS, "transform": place}
    with rasterio.open(PLACE / "good.tif", "w", nodata=-1, **kind) as raster:
        raster.write(np.arange(36, dtype="float32").reshape(1, 6, 6))
    return (PLACE / "good.tif").read_bytes()


def read_text(data: bytes) -> None:
    records.rows_of(text.text_records(written(data, "t.csv"), "t.csv"), "t.csv", schema.STATIONS.column_for)


def read_document(data: bytes) -> None:
    found = document.parse_document(written(data, "s.toml"))
    document.override_keys(found, data[:200].decode("utf-8", "ignore").splitlines())


def read_cells(data: bytes) -> None:
    """The gates of one cell; what passes is a finite number, or a date of our times."""
    said = data.decode("utf-8", "surrogateescape")
    number, date = cells.as_number(said), cells.as_date(said)
    if math.isinf(number) or (date is not None and not 1900 <= date.year <= 2200):
        raise RuntimeError(f"{said!r} passed as {number} or {date}")
    cells.is_blank(said)
    schema.STATIONS.column_for(said)


def seeds_of(reader: str) -> list[bytes]:
    """Good inputs to begin with."""
    good = write_lattice_study(PLACE / "good")
    raw = converted(good / "network.osm", "network.osm.pbf")
    of = {
        "study": ["study.toml"], "document": ["study.toml"], "table": ["stations.csv"], "text": ["stations.csv", "people.csv"],
        "towns": ["towns.geojson"], "geojson": ["towns.geojson"], "extract": ["network.osm"],
    }  # fmt: skip
    if reader == "cells":
        return [b"12,345.5", "２０２５年6月3日".encode(), b"31.38 ", "站点名称（个）".encode(), b"1e5", b"20250630 10:00"]
    if reader == "decode":
        return [unpack(raw, block) for block in find_blocks(raw) if block.kind == b"OSMData"]
    if reader == "blocks":
        return [raw.read_bytes(), block_alone(b"")]
    if reader == "workbook":
        return [good_workbook(), zipfile.ZipFile(io.BytesIO(good_workbook())).read(SHEET)]
    if reader == "old-workbook":
        return list(good_old_workbooks())
    if reader == "layers":
        return [layer[:LONGEST] for layer in good_layers()]
    if reader == "raster":
        return [good_raster()]
    if reader == "pack":
        return [(ROOT / "planner" / "packs" / f"{name}.toml").read_bytes() for name in packs.pack_names()]
    return [(good / name).read_bytes()[:LONGEST] for name in of[reader]]


READERS: dict[str, Callable[[bytes], object]] = {
    "cells": read_cells,
    "document": read_document,
    "text": read_text,
    "geojson": lambda data: geojson.read_geojson(written(data, "t.geojson"), "t.geojson"),
    "decode": lambda data: read_blocks(block_alone(data)),
    "blocks": read_blocks,
    "study": lambda data: planner.sources.files.study.load_study(written(data, "study.toml")),
    "table": lambda data: read_table(data, "t.csv", schema.STATIONS),
    "towns": lambda data: read_table(data, "t.geojson", schema.TOWNS),
    "extract": read_extract,
    "workbook": read_workbook,
    "old-workbook": read_old_workbook,
    "layers": read_layers,
    "raster": read_raster,
    "pack": read_pack,
}


def main(reader: str, seconds: str, folder: str) -> None:
    warnings.simplefilter("ignore")
    corpus, longest = Path(folder, reader), 200 if reader == "cells" else LONGEST
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(seeds_of(reader)):
        (corpus / f"good{i}").write_bytes(seed)
        READERS[reader](seed)  # what is compiled is compiled before any input has its ten seconds

    def once(data: bytes) -> None:
        began = time.monotonic()
        with contextlib.suppress(*REFUSED):
            READERS[reader](data)
        if (took := time.monotonic() - began) > SLOWEST_S:
            raise RuntimeError(f"one input took {took:.0f} s")

    # GDAL takes libFuzzer's alarm away, which would then end the process: one that never rings (0 is at once, in some atheris)
    alarm = 10**6 if reader == "raster" else SLOWEST_S
    limits = [f"-max_total_time={seconds}", f"-timeout={alarm}", "-rss_limit_mb=1500", f"-max_len={longest}"]
    limits += ["-print_final_stats=1"]
    atheris.Setup(["fuzz", *limits, f"-artifact_prefix={folder}/{reader}-", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:4])
