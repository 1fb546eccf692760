"""The home district: nothing but downloads and the office's tables is missing, and the whole way works when they are there.

A server on 127.0.0.1 stands in for the world's: towns, streets and people in it are made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pytest
from click.testing import CliRunner, Result
from fetch_server import Town as Server
from fetch_server import ghs_zip, place_answer, serving, towns_answer
from osm_builders import LAT, LON, Town, converted
from shapely.geometry import box

import planner
from planner.cli import main
from planner.datum import to_wgs84

HOME = Path(__file__).resolve().parent.parent / "data" / "jiading"
TOWNS = (
    "嘉定镇街道",
    "新成路街道",
    "真新街道",
    "南翔镇",
    "马陆镇",
    "江桥镇",
    "安亭镇",
    "徐行镇",
    "外冈镇",
    "华亭镇",
)  # as mapped
LACKING = "菊园新区、嘉定工业区"  # no statutory divisions
WEST, SOUTH, SIDE = 121.18, 31.28, 0.012
DISTRICT = box(WEST, SOUTH, WEST + 6 * SIDE, SOUTH + 2 * SIDE)


def squares() -> dict[str, object]:
    """Ten towns of some 1.2 kilometres a side; the last two squares of the district are in none of them."""
    corners = [(WEST + (i % 6) * SIDE, SOUTH + (i // 6) * SIDE) for i in range(12)]
    return {name: box(x, y, x + SIDE, y + SIDE) for name, (x, y) in zip(TOWNS, corners, strict=False)}


def streets(folder: Path) -> bytes:
    """Streets every 300 m or so over the district and around it, and a community centre in each town."""
    town, step = Town(), 3  # steps of the builder's grid are 0.001 degrees
    columns = range(round((WEST - LON) * 1000) - 21, round((WEST - LON) * 1000) + 93, step)
    rows = range(round((SOUTH - LAT) * 1000) - 21, round((SOUTH - LAT) * 1000) + 45, step)
    number = {(x, y): 1 + i for i, (x, y) in enumerate((x, y) for x in columns for y in rows)}
    town.nodes(*((ref, x, y) for (x, y), ref in number.items()))
    for i, shape in enumerate(squares().values()):
        x, y = (shape.centroid.x - LON) * 1000, (shape.centroid.y - LAT) * 1000  # type: ignore[attr-defined]
        town.node(100_000 + i, x, y, amenity="community_centre", name=f"邻里中心{i}")
    along = [[(x, y) for x in columns] for y in rows] + [[(x, y) for y in rows] for x in columns]
    way = 1
    for line in along:
        for one, other in pairwise(line):
            town.street(way, number[one], number[other])
            way += 1
    return converted(town.write(folder), "jiading.osm.pbf").read_bytes()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("made")
    return streets(folder), ghs_zip(folder, (6, 30), gpd.GeoSeries([DISTRICT], crs="EPSG:4326"), 40.0)


@pytest.fixture
def server(made: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("PLANNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("planner.sources.fetch.towns.PAUSE_S", 0.0)
    with serving() as world:
        for name in ("GEOFABRIK", "OVERPASS", "NOMINATIM", "GHS_POP", "WORLDPOP"):
            monkeypatch.setenv(f"PLANNER_MIRROR_{name}", world.url)
        extract, stem = "/asia/china/shanghai-latest.osm.pbf", "GHS_POP_E2025_GLOBE_R2023A_54009_100"
        world.files[extract] = made[0]
        world.files[extract + ".md5"] = hashlib.md5(made[0], usedforsecurity=False).hexdigest().encode()
        world.files["/search"] = place_answer("嘉定区, 上海市, 中国", 912_500, DISTRICT)
        world.files["/interpreter"] = towns_answer(squares())  # type: ignore[arg-type]
        world.files[f"/GHS_POP_GLOBE_R2023A/{stem}/V1-0/tiles/{stem}_V1_0_R6_C30.zip"] = made[1]
        yield world


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def copied(folder: Path) -> Path:
    """The study as it is handed on, without what somebody fetched into it."""
    fetched = (HOME / ".gitignore").read_text(encoding="utf-8").split()
    shutil.copytree(HOME, folder / "jiading", ignore=shutil.ignore_patterns(*fetched))
    return folder / "jiading"


def test_before_the_fetch_check_says_what_is_to_be_fetched_and_what_to_be_filled_in(tmp_path: Path) -> None:
    said = call("check", copied(tmp_path))
    assert said.exit_code == 1
    assert said.stdout.count("planner fetch") == 3
    assert "stations.csv has no rows yet" in said.stderr
    assert "hosts.csv has no rows yet" in said.stderr
    assert said.stderr.rstrip().endswith("3 files yet to be fetched: nothing that can be seen without is wrong")
    (copied(tmp_path / "one") / "stations.csv").write_text("station_id,name,lon,lat\nS1,A,abc,31.3\n", encoding="utf-8")
    shutil.copy(tmp_path / "one" / "jiading" / "stations.csv", tmp_path / "jiading" / "towns.geojson")
    assert call("check", tmp_path / "jiading").stderr.rstrip().endswith("1 fault and 2 files yet to be fetched")


def test_fetch_check_run_is_the_whole_way(server: Server, tmp_path: Path) -> None:
    study = copied(tmp_path)
    fetched = call("fetch", study, "--format", "json")
    assert fetched.exit_code == 0, fetched.stderr
    assert [row["state"] for row in json.loads(fetched.stdout)] == ["fetched"] * 3
    assert "no boundary of 菊园新区, 嘉定工业区" in fetched.stderr
    few = call("check", study)
    assert few.exit_code == 1
    asked = "siting.sites: 24 sites are asked for but there are 10 candidates; ask for at most 10 or add candidates"
    assert asked in few.stdout
    for guide in (HOME / "README.md", HOME.parent / "README.md"):
        words = " ".join(guide.read_text(encoding="utf-8").split())
        assert asked.replace("10", "18") in words, f"{guide} must say what a user sees"
    checked = call("check", study, "--set", "siting.sites=10")
    assert (checked.exit_code, checked.stdout) == (0, ""), checked.stdout
    assert "stations.csv has no rows yet" in checked.stderr
    out = tmp_path / "out"
    done = call("run", study, "--out", out, "--set", "siting.sites=10")
    assert done.exit_code == 0, done.stderr
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    km2 = gpd.GeoSeries([DISTRICT], crs="EPSG:4326").to_crs("ESRI:54009").area.iloc[0] / 1e6
    assert summary["population"] == pytest.approx(km2 * 100 * 40.0, rel=1e-3)  # 40 people in each hectare
    assert summary["coverage"] == 0.0  # nobody is served before the office fills in its stations
    assert summary["plan"]["sites"] == 10
    assert (out / "index.html").exists()
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["sources"].keys() == {
        "towns.geojson", "network.osm.pbf", "population.tif"
    }  # fmt: skip


def test_what_the_office_fills_in_is_read_where_it_stands(server: Server, tmp_path: Path) -> None:
    study = copied(tmp_path)
    assert call("fetch", study).exit_code == 0
    with (study / "stations.csv").open("a", encoding="utf-8") as table:
        table.write("S1,示例站,121.2145,31.2980\n")  # picked on a map in GCJ-02
    for name in ("registered_unemployed", "graduates", "hardship"):
        with (study / f"{name}.csv").open("a", encoding="utf-8") as table:
            table.write("南翔镇,120\n安亭镇,40\n")
    toml = (study / "study.toml").read_text(encoding="utf-8")
    head, _, groups = toml.partition("# [[groups]]")
    on = "\n".join(line.removeprefix("# ") for line in ("# [[groups]]" + groups).splitlines())
    (study / "study.toml").write_text(head + on, encoding="utf-8")
    checked = call("check", study, "--set", "siting.sites=10")
    assert checked.exit_code == 0, checked.stdout
    read = planner.read_study(study)
    stations = planner.read_stations(read)
    lon, lat = to_wgs84([121.2145], [31.2980], "gcj02")
    assert (stations.lon.iloc[0], stations.lat.iloc[0]) == pytest.approx((lon[0], lat[0]))
    assert [group.shown for group in read.scenario.groups] == ["登记失业人员", "离校未就业高校毕业生", "就业困难人员"]


def test_the_towns_are_the_twelve_of_the_plan() -> None:
    said = planner.sources.files.study.load_study(HOME / "study.toml")[0]
    assert said is not None
    assert set(said.fetch.towns) == {*TOWNS, *LACKING.split("、")}
    assert len(said.fetch.towns) == 12
