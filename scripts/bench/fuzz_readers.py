"""Fuzz one reader with atheris until the time is up. Usage: fuzz_readers.py READER SECONDS FOLDER (`READERS` names them)

Whatever bytes a file holds, a reader gives a value or raises an error of ours. Anything else, 10 seconds for one input, or
1.5 GB of memory ends the process with a report; `FOLDER` keeps the inputs that reach new code. The decoder of blocks runs
uncompiled in `decode`, so that a place outside an array is an error and not a silent read, and compiled in `blocks`.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

if len(sys.argv) > 1 and sys.argv[1] == "decode":
    os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

COMPILED = [] if "NUMBA_DISABLE_JIT" in os.environ else ["planner.sources.osm.decode"]  # which numba cannot read instrumented
ROOMS = ["planner.sources", "planner.schema", "planner.study", "tomllib"]

with atheris.instrument_imports(include=ROOMS, exclude=COMPILED):
    import planner.sources.files.study
    import planner.sources.files.tables
    import planner.sources.osm.streets
    from planner import schema
    from planner.errors import PlannerError
    from planner.schema import cells
    from planner.sources.files import document, geojson, records, text
    from planner.sources.osm import packed
    from planner.sources.osm.blocks import UnusualFileError, find_blocks, unpack

from bad_studies import blob  # noqa: E402 - the path is set above
from lattice_study import CRS, write_lattice_study  # noqa: E402
from osm_builders import converted  # noqa: E402

PLACE = Path(tempfile.mkdtemp(prefix="planner-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108
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
    return [(good / name).read_bytes()[:60_000] for name in of[reader]]


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
}


def main(reader: str, seconds: str, folder: str) -> None:
    warnings.simplefilter("ignore")
    corpus, longest = Path(folder, reader), 200 if reader == "cells" else 60_000
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(seeds_of(reader)):
        (corpus / f"good{i}").write_bytes(seed)
        READERS[reader](seed)  # what is compiled is compiled before any input has its ten seconds

    def once(data: bytes) -> None:
        with contextlib.suppress(*REFUSED):
            READERS[reader](data)

    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1500", f"-max_len={longest}", "-print_final_stats=1"]
    atheris.Setup(["fuzz", *limits, f"-artifact_prefix={folder}/{reader}-", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:4])
