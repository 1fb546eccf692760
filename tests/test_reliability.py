"""Bad days: whatever a study, a table or an extract holds, whatever happens to the disk or the process, nothing is half-done.

`scripts/bench/reliability.py` does the same at length; here is every eighth of its bad studies, and what fuzzing found.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import resource
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from bad_studies import bad_studies, setting, writing
from broken_workbook import broken_workbook
from hostile import outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lattice_study import CRS, STUDY, write_lattice_study
from rasterio import Affine

import planner
from planner import schema
from planner.errors import PlannerError, PlannerWarning
from planner.sources.files.study import load_study
from planner.sources.files.tables import load_table
from planner.sources.osm import read_osm_network

CASES = bad_studies()
ROOT = Path(__file__).resolve().parent.parent
ANYWAY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_there_are_more_than_three_hundred_bad_studies() -> None:
    assert len(CASES) > 300


@pytest.mark.parametrize("name", sorted({*sorted(CASES)[::8], *(name for name in CASES if "pipe" in name)}))
def test_a_bad_study_ends_with_our_own_error_and_writes_nothing(name: str, tmp_path: Path) -> None:
    found = outcome(tmp_path, CASES[name])
    assert found.kind == "our own error", found.text


@pytest.mark.parametrize(
    ("file", "body"),
    [
        ("study.toml", b"[" + b".".join([b"a"] * 5000) + b"]"),
        ("study.toml", STUDY.encode() + b"\nx = " + b"9" * 100_000),
        ("network.osm", b'<osm version="0.6"><node id="1" lon="121.3J2" lat="31.3"/></osm>'),
    ],
)
def test_what_fuzzing_found_stays_mended(file: str, body: bytes, tmp_path: Path) -> None:
    found = outcome(tmp_path, writing(file, body))
    assert found.kind == "our own error", found.text


@ANYWAY
@given(
    cut=st.integers(0, 600), said=st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_any_bytes_in_a_study_file_are_a_study_or_our_error(cut: int, said: bytes, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(STUDY.encode()[:cut] + said + STUDY.encode()[cut:])
    with contextlib.suppress(PlannerError):
        load_study(file)


@ANYWAY
@given(
    said=st.binary(max_size=200), cells=st.lists(st.text(max_size=12), max_size=8), suffix=st.sampled_from((".csv", ".geojson"))
)
def test_any_bytes_in_a_table_are_a_table_or_our_error(said: bytes, cells: list[str], suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"t{suffix}"
    file.write_bytes(b"station_id,name,lon,lat\n" + ",".join(cells).encode("utf-8", "ignore") + b"\n" + said)
    with contextlib.suppress(PlannerError), warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        load_table(file, file.name, schema.STATIONS, CRS, "wgs84")


@settings(ANYWAY, max_examples=40)
@given(place=st.integers(0, 500), said=st.binary(min_size=1, max_size=20))
def test_any_bytes_in_an_extract_are_streets_or_our_error(place: int, said: bytes, tmp_path: Path) -> None:
    good = (write_lattice_study(tmp_path) / "network.osm").read_bytes()
    file = tmp_path / "x.osm"
    file.write_bytes(good[:place] + said + good[place + len(said) :])
    with contextlib.suppress(PlannerError):
        read_osm_network(file, crs=CRS)


def run(study: Path, out: Path, *, most_bytes: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`planner run` in a process of its own, whose files may grow to `most_bytes`."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [sys.executable, "-m", "planner", "run", str(study), "--out", str(out), "-q"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=limit, env={**os.environ, **environment}
    )


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_a_full_disk_leaves_the_old_output_whole(tmp_path: Path) -> None:
    study, out = write_lattice_study(tmp_path / "study"), tmp_path / "out"
    planner.run_study(planner.read_study(study)).write(out)
    before = hashes(out)
    done = run(study, out, most_bytes=30_000)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: network.osm: there is no room for its nodes in ")  # not that the file is damaged
    assert "make room there" in done.stderr
    assert "Traceback" not in done.stderr
    assert hashes(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "study"]


def test_a_run_that_is_killed_leaves_the_old_output_whole_and_the_next_is_right(tmp_path: Path) -> None:
    study, out = write_lattice_study(tmp_path / "study"), tmp_path / "out"
    planner.run_study(planner.read_study(study)).write(out)
    before = hashes(out)
    running = subprocess.Popen([sys.executable, "-m", "planner", "run", str(study), "--out", str(out), "-q"])
    while running.poll() is None and not list(tmp_path.glob(".out.partial-*")):  # in the middle of writing
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(0.02)
    running.kill()
    running.wait()
    assert hashes(out) == before
    planner.run_study(planner.read_study(study)).write(out)
    after = hashes(out)
    assert {name for name in after if after[name] != before[name]} == {"manifest.json"}  # its dates
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "study"]


def test_a_place_that_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    study = write_lattice_study(tmp_path / "study")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "out", Path("/proc/planner/out")):
        done = run(study, out)
        assert done.returncode in (1, 2)  # the second where the very name is wrong
        assert "Traceback" not in done.stderr
        assert str(out) in done.stderr
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_block_that_claims_to_be_huge_takes_no_memory(tmp_path: Path) -> None:
    study = write_lattice_study(tmp_path / "study")
    for i, said in enumerate(("claims a block of 4 GB", "has a header of 2 GB", "unpacks to noughts")):
        CASES[f"a PBF that {said}"](study)
        (study / "x.osm.pbf").rename(study / f"{i}.osm.pbf")
    done = subprocess.run([sys.executable, "-c", READ_ALL, str(study)], capture_output=True, text=True, check=True)
    refused, peak_kb = map(int, done.stdout.split())
    assert refused == 3
    assert peak_kb < 150_000, "beyond what the libraries take by themselves"


READ_ALL = """
import resource, sys
from pathlib import Path
from planner.errors import SourceError
from planner.sources.osm import read_osm_network

before, refused = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
for file in sorted(Path(sys.argv[1]).glob("*.osm.pbf")):
    try:
        read_osm_network(file, crs="EPSG:32651")
    except SourceError:
        refused += 1
print(refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_nothing_that_can_carry_code_is_ever_loaded() -> None:
    carriers = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"}
    for path in sorted((ROOT / "planner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name.split(".")[0] for alias in node.names} | {getattr(node, "module", None) or ""}
                assert not names & carriers, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load"):
                assert any(word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in node.keywords), path
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("eval", "exec", "pd.read_pickle", "pandas.read_pickle"), path


def test_a_workbook_that_ends_the_process_of_its_reader_is_refused(tmp_path: Path) -> None:
    def spoil(study: Path) -> None:
        (study / "s.xls").write_bytes(broken_workbook())
        setting(("stations", "file"), "s.xls")(study)

    found = outcome(tmp_path, spoil)
    assert found.kind == "our own error", found.text
    assert "the workbook cannot be read" in found.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"transform": Affine(5e6, 0, 340_000, 0, -5e6, 3_480_000)}, "km long"),
        ({"transform": Affine(1e-9, 0, 340_000, 0, -1e-9, 3_480_000)}, "the raster lies at|no place|cells lie"),
        ({"crs": "EPSG:32661", "transform": Affine(500, 0, 1e300, 0, -500, 1e300)}, "the raster lies at|no place"),
    ],
)
def test_a_raster_that_is_placed_by_noise_is_refused(change: dict[str, object], said: str, tmp_path: Path) -> None:
    """What fuzzing found: each of these came out as an error of numpy, GEOS or PROJ."""

    def spoil(study: Path) -> None:
        kind = {"driver": "GTiff", "width": 6, "height": 6, "count": 1, "dtype": "float32", "crs": CRS} | change
        with rasterio.open(study / "p.tif", "w", **kind) as raster:
            raster.write(np.ones((1, 6, 6), dtype="float32"))
        setting(("population",), {"file": "p.tif"})(study)
        setting(("groups",), [])(study)

    found = outcome(tmp_path, spoil)
    assert found.kind == "our own error", found.text
    assert re.search(said, found.text), found.text


def test_what_lies_beside_a_shapefile_leads_nowhere(tmp_path: Path) -> None:
    towns = planner.read_area(planner.read_study(write_lattice_study(tmp_path / "study"))).reset_index()
    (tmp_path / "outside").mkdir()
    towns.to_file(tmp_path / "outside" / "towns.shp")
    for part in (tmp_path / "outside").iterdir():
        (tmp_path / "study" / part.name).write_bytes(part.read_bytes())
    assert len(load_table(tmp_path / "study" / "towns.shp", "towns.shp", schema.TOWNS, CRS, CRS)) == 2
    (tmp_path / "study" / "towns.dbf").unlink()
    (tmp_path / "study" / "towns.dbf").symlink_to(tmp_path / "outside" / "towns.dbf")
    with pytest.raises(PlannerError, match=r"towns\.dbf is a link that leads out of the folder"):
        load_table(tmp_path / "study" / "towns.shp", "towns.shp", schema.TOWNS, CRS, CRS)


@pytest.mark.parametrize("part", ["dbf", "shx", "prj", "cpg"])
def test_a_pipe_beside_a_shapefile_is_not_waited_for(tmp_path: Path, part: str) -> None:
    gpd.GeoDataFrame({"town": ["A"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=CRS).to_file(tmp_path / "towns.shp")
    (tmp_path / f"towns.{part}").unlink()
    os.mkfifo(tmp_path / f"towns.{part}")
    with pytest.raises(PlannerError, match=rf"towns\.{part} is a pipe or a device; put the file itself there"):
        load_table(tmp_path / "towns.shp", "towns.shp", schema.TOWNS, CRS, CRS)


def test_an_archive_that_lies_about_its_size_takes_no_memory(tmp_path: Path) -> None:
    file, size = tmp_path / "t.zip", 400_000_000
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("t.shp", "w") as part:
        for _ in range(size // 10_000_000):
            part.write(bytes(10_000_000))
    raw = bytearray(file.read_bytes())
    said = raw.rindex(b"PK\x01\x02") + 24  # the size in the archive's list of contents
    raw[said : said + 4] = (1000).to_bytes(4, "little")
    file.write_bytes(raw)
    code = f"""
import resource
from pathlib import Path
from planner.errors import SourceError
from planner.sources.files.vector import read_zipped
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_zipped(Path({str(file)!r}), "t.zip")
except SourceError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000  # kilobytes


def test_an_archive_writes_nothing_outside_its_own_folder(tmp_path: Path) -> None:
    towns = planner.read_area(planner.read_study(write_lattice_study(tmp_path / "study"))).reset_index()
    towns.to_file(tmp_path / "towns.shp")
    with zipfile.ZipFile(tmp_path / "study" / "t.zip", "w") as archive:
        for part in tmp_path.glob("towns.*"):
            archive.write(part, f"../../../{part.name}")
            archive.write(part, f"{tmp_path}/escaped{part.suffix}")
            part.unlink()
    before = sorted(tmp_path.rglob("*"))
    read = load_table(tmp_path / "study" / "t.zip", "t.zip", schema.TOWNS, CRS, CRS, layer="towns")
    assert sorted(read.index) == ["East", "West"]
    assert sorted(tmp_path.rglob("*")) == before
