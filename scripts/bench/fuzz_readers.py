"""Fuzz one reader with atheris until the time is up: study, table or extract. Usage: fuzz_readers.py READER SECONDS FOLDER

Whatever bytes a file holds, a reader gives a value or raises an error of ours. Anything else, 10 seconds for one input, or
1.5 GB of memory ends the process with a report; `FOLDER` keeps the inputs that reach new code.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

with atheris.instrument_imports(include=["planner.sources", "planner.schema", "planner.study"]):
    import planner.sources.files.study
    import planner.sources.files.tables
    import planner.sources.osm.streets
    from planner import schema
    from planner.errors import PlannerError

from lattice_study import CRS, write_lattice_study  # noqa: E402 - the path is set above

PLACE = Path(tempfile.mkdtemp(prefix="planner-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108
SEEDS = {"study": "study.toml", "table": "stations.csv", "towns": "towns.geojson", "extract": "network.osm"}


def read(reader: str, data: bytes) -> None:
    """Let one reader read a file of these bytes."""
    file = PLACE / {"study": "study.toml", "table": "t.csv", "towns": "t.geojson", "extract": "x.osm"}[reader]
    if reader == "extract" and not data.startswith(b"<"):
        file = PLACE / "x.osm.pbf"
    file.write_bytes(data)
    if reader == "study":
        planner.sources.files.study.load_study(file)
    elif reader in ("table", "towns"):
        table = schema.STATIONS if reader == "table" else schema.TOWNS
        planner.sources.files.tables.load_table(file, file.name, table, CRS, "wgs84")
    else:
        planner.sources.osm.streets.read_osm_network(file, crs=CRS)


def main(reader: str, seconds: str, folder: str) -> None:
    warnings.simplefilter("ignore")
    corpus = Path(folder, reader)
    corpus.mkdir(parents=True, exist_ok=True)
    good = write_lattice_study(PLACE / "good")
    (corpus / "good").write_bytes((good / SEEDS[reader]).read_bytes()[:60_000])

    def once(data: bytes) -> None:
        with contextlib.suppress(PlannerError):
            read(reader, data)

    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1500", "-max_len=60000", "-print_final_stats=1"]
    atheris.Setup(["fuzz", *limits, f"-artifact_prefix={folder}/{reader}-", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:4])
