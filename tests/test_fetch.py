"""`planner fetch` on a made district whose data lie on a server of the test's own: nothing here reaches the internet."""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from fetch_server import HTML, ghs_zip, place_answer, serving, towns_answer
from fetch_server import Town as Server
from osm_builders import LAT, LON, STEP, Town, converted
from shapely.geometry import box

import planner
from planner.cli import main
from planner.errors import PlannerError, PlannerWarning, SourceError, StudyError
from planner.run.outputs import sources_recorded
from planner.sources.fetch import Patience
from planner.sources.fetch.cut import cut_extract
from planner.sources.fetch.people import ghs_tiles, unpack_tile
from planner.sources.osm import read_osm_network
from planner.sources.record import read_sources

HASTY = Patience(connect_s=2.0, silence_s=0.5, tries=3, pause_s=0.01, longest_pause_s=0.05)
SHANGHAI = "/asia/china/shanghai-latest.osm.pbf"
STEM = "GHS_POP_E2025_GLOBE_R2023A_54009_100"
TILE = f"/GHS_POP_GLOBE_R2023A/{STEM}/V1-0/tiles/{STEM}_V1_0_R6_C30.zip"
SIDE = 120  # streets of the made region each way; the district is a ninth of it, in its middle
A_CELL = 2.5  # people in each cell of the made raster
STUDY = """\
name = "Fetched"
area = "towns.geojson"
as_of = 2025-06-30
[network]
file = "network.osm.pbf"
place = "测试区"
extract = "shanghai"
[walk]
minutes = 5
speed_mps = 1.0
max_link_m = 150
[stations]
file = "stations.csv"
[population]
file = "population.tif"
source = "ghs-pop"
[fetch.mirrors]
"""
WEST, EAST = (box(LON + 50 * STEP, LAT + 50 * STEP, LON + 60 * STEP, LAT + 70 * STEP),
              box(LON + 60 * STEP, LAT + 50 * STEP, LON + 70 * STEP, LAT + 70 * STEP))  # fmt: skip
NEXT = box(LON + 70 * STEP, LAT + 50 * STEP, LON + 80 * STEP, LAT + 70 * STEP)  # a neighbour's town
PLACE = shapely.union(WEST, EAST)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extract of a grid of streets, far wider than the district, with a lake across the district's border."""
    town = Town()
    for i in range(SIDE):
        town.nodes(*((1 + i * SIDE + j, i, j) for j in range(SIDE)))
    for i in range(SIDE):
        town.street(1 + i, *(1 + i * SIDE + j for j in range(SIDE)))
    for i in range(SIDE):
        town.street(1001 + i, *(1 + j * SIDE + i for j in range(SIDE)))
    lake = [1 + i * SIDE + j for i, j in ((69, 55), (80, 55), (80, 56), (69, 56), (69, 55))]
    town.way(5001, lake[:3], {}).way(5002, lake[2:], {})
    town.relation(9, [("w", 5001, "outer"), ("w", 5002, "outer")], {"type": "multipolygon", "natural": "water"})
    folder = tmp_path_factory.mktemp("region")
    return converted(town.write(folder), "region.osm.pbf")


@pytest.fixture(scope="module")
def tile(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return ghs_zip(tmp_path_factory.mktemp("tile"), (6, 30), gpd.GeoSeries([PLACE], crs="EPSG:4326"), A_CELL)


@pytest.fixture
def server(region: Path, tile: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("PLANNER_CACHE", str(tmp_path / "cache"))
    with serving() as town:
        for name in ("GEOFABRIK", "OVERPASS", "NOMINATIM", "GHS_POP", "WORLDPOP"):
            monkeypatch.setenv(f"PLANNER_MIRROR_{name}", town.url)
        body = region.read_bytes()
        town.files[SHANGHAI] = body
        town.files[f"{SHANGHAI}.md5"] = hashlib.md5(body, usedforsecurity=False).hexdigest().encode() + b"  shanghai\n"
        town.files["/search"] = place_answer("测试区, 上海市", 77, PLACE)
        town.files["/interpreter"] = towns_answer({"西镇": WEST, "东街道": EAST, "邻镇": NEXT})
        town.files[TILE] = tile
        yield town


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    lon, lat = LON + 60 * STEP, LAT + 60 * STEP
    (folder / "stations.csv").write_text(f"station_id,name,lon,lat,status\na,A,{lon},{lat},built\n", encoding="utf-8")
    return folder


def fetch(study: Path, *overrides: str, update: bool = False) -> dict[str, str]:
    """How each part of the study stands after fetching."""
    return dict(planner.fetch_study(study, overrides, update=update, patience=HASTY).set_index("part")["state"])


def test_a_fetched_study_runs_and_says_where_its_data_came_from(server: Server, study: Path, tmp_path: Path) -> None:
    assert fetch(study) == {"towns": "fetched", "streets": "fetched", "residents": "fetched"}
    done = planner.run_study(planner.read_study(study))
    metres = gpd.GeoSeries([PLACE], crs="EPSG:4326").to_crs("ESRI:54009").area.iloc[0]  # equal-area
    assert done.summary["population"] == pytest.approx(metres / 10_000 * A_CELL, rel=1e-3)
    assert sorted(done.town_scores.index) == ["东街道", "西镇"]  # the neighbour's is not ours
    done.write(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    said = manifest["sources"]
    assert set(said) == {"towns.geojson", "network.osm.pbf", "population.tif"}
    assert said["population.tif"]["from"][0]["sha256"] == hashlib.sha256(server.files[TILE]).hexdigest()
    assert said["network.osm.pbf"]["licence"] == "ODbL 1.0"
    assert said["network.osm.pbf"]["sha256"] == manifest["inputs"]["network.osm.pbf"]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "GHS-POP R2023A, European Commission" in page


def test_streets_are_cut_with_a_margin_of_two_walks_and_nothing_of_the_network_is_lost(
    server: Server, study: Path, region: Path
) -> None:
    fetch(study)
    read = planner.read_study(study)
    area = planner.read_area(read).geometry.union_all()
    whole = read_osm_network(region, crs=read.crs, area=area, margin_m=900.0)  # twice 5 min at 1 m/s and 150 m of link
    cut = read_osm_network(study / "network.osm.pbf", crs=read.crs, area=area, margin_m=900.0)
    assert np.array_equal(whole.node_id, cut.node_id)
    assert np.array_equal(whole.length_m, cut.length_m)
    assert (study / "network.osm.pbf").stat().st_size < region.stat().st_size


def test_an_area_across_the_border_is_cut_out_whole(region: Path, tmp_path: Path) -> None:
    cut_extract(region, tmp_path / "cut.osm.pbf", PLACE)
    seen = {way.id for way in osmium.FileProcessor(str(tmp_path / "cut.osm.pbf")) if way.is_way()}
    assert {5001, 5002} <= seen
    assert 1 + SIDE - 1 not in seen  # the easternmost street


def test_a_second_fetch_has_nothing_to_do_and_asks_nobody(server: Server, study: Path) -> None:
    fetch(study)
    server.asked.clear()
    assert set(fetch(study).values()) == {"up to date"}
    assert server.asked == []


def test_an_update_asks_only_whether_the_big_files_changed(server: Server, study: Path) -> None:
    fetch(study)
    server.asked.clear()
    assert set(fetch(study, update=True).values()) == {"fetched"}
    assert all(headers.get("If-None-Match") for _, path, headers in server.asked if path in (SHANGHAI, TILE))


@pytest.mark.parametrize("update", [False, True])
def test_a_file_of_the_users_own_is_never_touched(server: Server, study: Path, update: bool) -> None:
    fetch(study)
    for name in ("towns.geojson", "population.tif"):
        (study / name).write_bytes((study / name).read_bytes() + b" ")
    before = {path.name: path.read_bytes() for path in study.iterdir() if path.suffix in (".geojson", ".tif")}
    found = fetch(study, update=update)
    assert found["towns"] == found["residents"] == "your own"
    assert found["streets"] == ("fetched" if update else "up to date")
    assert {name: (study / name).read_bytes() for name in before} == before
    assert "population.tif" not in run_sources(study)


def run_sources(study: Path) -> dict[str, object]:
    return dict(sources_recorded(planner.read_study(study)))


def test_a_dry_run_says_what_and_how_big_and_writes_nothing(server: Server, study: Path) -> None:
    table = planner.fetch_study(study, dry_run=True, patience=HASTY).set_index("part")
    assert set(table["state"]) == {"would fetch"}
    assert table.loc["streets", "bytes"] == len(server.files[SHANGHAI])
    assert sorted(path.name for path in study.iterdir()) == ["stations.csv", "study.toml"]
    assert server.paths() == server.paths("POST") == []


def test_the_dry_run_of_residents_names_the_tiles_once_the_towns_are_there(server: Server, study: Path) -> None:
    gpd.GeoDataFrame({"town": ["a"]}, geometry=[PLACE], crs="EPSG:4326").to_file(study / "towns.geojson")
    table = planner.fetch_study(study, dry_run=True, patience=HASTY).set_index("part")
    assert table.loc["towns", "state"] == "your own"
    assert table.loc["residents", "what"].endswith("R6_C30")
    assert table.loc["residents", "bytes"] == len(server.files[TILE])


def test_a_town_that_openstreetmap_lacks_gets_what_the_others_leave(server: Server, study: Path) -> None:
    server.files["/interpreter"] = towns_answer({"西镇": WEST})
    with pytest.warns(PlannerWarning, match="no boundary of 东工业区"):
        fetch(study, 'fetch.towns=["西镇", "东工业区"]')
    towns = gpd.read_file(study / "towns.geojson").set_index("town").geometry
    assert towns["东工业区"].symmetric_difference(EAST).area < 1e-12


def test_residents_of_worldpop_are_the_cells_of_the_country(server: Server, study: Path, tmp_path: Path) -> None:
    file = tmp_path / "chn.tif"
    step = 3 / 3600
    place = rasterio.Affine(step, 0.0, 121.0, 0.0, -step, 31.2)
    settings = {"driver": "GTiff", "width": 240, "height": 240, "count": 1, "dtype": "float32", "nodata": -99999.0}
    values = np.random.default_rng(1).uniform(0, 9, (240, 240)).astype("float32")
    with rasterio.open(file, "w", crs="EPSG:4326", transform=place, **settings) as raster:
        raster.write(values, 1)
    path = "/GIS/Population/Global_2015_2030/R2025A/2025/CHN/v1/100m/constrained/chn_pop_2025_CN_100m_R2025A_v1.tif"
    server.files[path] = file.read_bytes()
    fetch(study, "population.source=worldpop", "population.country=CHN")
    with rasterio.open(study / "population.tif") as cut:
        top, left = round((31.2 - cut.bounds.top) / step), round((cut.bounds.left - 121.0) / step)
        assert np.array_equal(cut.read(1), values[top : top + cut.height, left : left + cut.width])
        assert box(*cut.bounds).contains(PLACE)
        assert cut.width < 240


def test_a_small_area_comes_from_overpass_as_one_extract(server: Server, study: Path, region: Path) -> None:
    gpd.GeoDataFrame({"town": ["a"]}, geometry=[PLACE], crs="EPSG:4326").to_file(study / "towns.geojson")
    server.files["/interpreter"] = converted(region, "answer.osm").read_bytes()
    assert fetch(study, "network.source=overpass")["streets"] == "fetched"
    read = planner.read_study(study)
    assert len(planner.read_network(read).node_id) > 400
    asked = read_sources(study)["network.osm.pbf"]["asked"]
    assert '"type"="multipolygon"' in asked["query"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (SHANGHAI, HTML, "cannot be read as an OSM extract"),
        (SHANGHAI, b"", "empty"),
        (TILE, HTML, "no archive"),
        (TILE, b"PK\x03\x04 rubbish", "no archive"),
        ("/search", HTML, "no list of places"),
        ("/search", b"[]", "knows no area of this name"),
        ("/search", b'[{"osm_type": "relation"}]', "no list of places"),
        ("/interpreter", HTML, "no OpenStreetMap data"),
        ("/interpreter", b'<?xml version="1.0"?><osm><remark>runtime error: timeout</remark></osm>', "could not finish"),
        ("/interpreter", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><osm></osm>', "no OpenStreetMap data"),
        ("/interpreter", b'<?xml version="1.0"?><osm version="0.6"></osm>', "no boundary of level 8"),
        ("/interpreter", b'<?xml version="1.0"?><osm version="0.6"><node id=', "cannot be read"),
    ],
)
def test_rubbish_is_refused_and_nothing_is_left_of_it(server: Server, study: Path, path: str, body: bytes, said: str) -> None:
    server.files[path] = body
    server.files.pop(f"{SHANGHAI}.md5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # that there is no checksum
        with pytest.raises(PlannerError, match=said):
            fetch(study)
    part = {SHANGHAI: "network.osm.pbf", TILE: "population.tif"}.get(path, "towns.geojson")
    assert not (study / part).exists()
    assert not list(study.glob(".*"))
    assert part not in read_sources(study)


def zipped(*names: str, body: bytes = b"x") -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, body)
    return packed.getvalue()


def test_an_archive_cannot_escape(server: Server, study: Path, tmp_path: Path) -> None:
    good = zipfile.ZipFile(BytesIO(server.files[TILE])).read("tile.tif")
    server.files[TILE] = zipped("../../../../escaped.tif", body=good)
    assert fetch(study)["residents"] == "fetched"  # the name means nothing
    assert not list(tmp_path.rglob("escaped*"))
    for names in ((), ("a.txt",), ("a.tif", "b.tif")):
        with pytest.raises(SourceError, match="GeoTIFFs, not one"):
            unpack_tile(_written(tmp_path, zipped(*names)), tmp_path / "out.tif", "tile")


def test_a_zip_bomb_is_refused_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.sources.fetch.people.MOST_UNPACKED_BYTES", 5_000_000)
    bomb = _written(tmp_path, zipped("a.tif", body=bytes(50_000_000)))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(SourceError, match="unpacks to more than"):
        unpack_tile(bomb, tmp_path / "out.tif", "tile")
    assert (tmp_path / "out.tif").stat().st_size <= 5_000_000


def _written(folder: Path, body: bytes) -> Path:
    path = folder / "tile.zip"
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("network.file=/tmp/elsewhere.osm.pbf", "own folder only"),
        ("network.file=network.graphml", "written as .osm.pbf"),
        ("population.file=people.csv", "written as .tif"),
        ("area=towns.gpkg", "written as .geojson"),
        ("network.extract=shanghi", "did you mean shanghai"),
        ("population.year=2022", "take 2020"),
        ("population.source=ghs", "use ghs-pop or worldpop"),
        ("population.source=worldpop", "add country"),
        ("fetch.mirrors.geofabrik=file:///etc", "no address of a server"),
    ],
)
def test_what_cannot_be_fetched_is_said(
    server: Server, study: Path, override: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "mirrors" in override:
        monkeypatch.delenv("PLANNER_MIRROR_GEOFABRIK")
    with pytest.raises(StudyError, match=said):
        fetch(study, override)


def test_a_tile_in_the_sea_is_nobody_and_an_area_in_the_sea_an_error(server: Server, study: Path) -> None:
    server.files.pop(TILE)
    with pytest.raises(SourceError, match="lies in the sea"):
        fetch(study)
    assert (study / "network.osm.pbf").exists()  # what was fetched before stays


def test_the_tiles_of_an_area_across_a_corner_are_all_four() -> None:
    corner = gpd.GeoSeries([shapely.Point(10_959_000, 4_000_000).buffer(500)], crs="ESRI:54009").to_crs("EPSG:4326")
    towns = gpd.GeoDataFrame(geometry=corner)
    assert ghs_tiles(towns) == [(5, 29), (5, 30), (6, 29), (6, 30)]  # type: ignore[arg-type]


def test_a_study_that_lacks_what_can_be_fetched_says_so_everywhere(study: Path) -> None:
    with pytest.raises(SourceError, match="run `planner fetch"):
        planner.read_study(study)
    faults = planner.check_study(study)
    fetched = {fault.file for fault in faults if "planner fetch" in fault.mend}
    assert fetched == {"towns.geojson", "network.osm.pbf", "population.tif"}
    assert len(faults) == 3


def test_the_command_prints_the_table(server: Server, study: Path) -> None:
    printed = CliRunner().invoke(main, ["fetch", str(study), "--dry-run", "--format", "json"])
    assert printed.exit_code == 0, printed.stderr
    assert [row["state"] for row in json.loads(printed.stdout)] == ["would fetch"] * 3
    bad = CliRunner().invoke(main, ["fetch", str(study), "--set", "network.extract=atlantis"])
    assert bad.exit_code == 1
    assert "network.extract = 'atlantis'" in bad.stderr
