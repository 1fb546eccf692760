"""planner check: every fault of a whole study folder at once, and no false alarm."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from builders import CRS
from pyproj import Transformer
from rasterio.transform import from_origin
from study_folders import HOSTS, PEOPLE, SOUTH, STATIONS, STUDY, write_streets, write_study, write_towns

from planner.datum import to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from planner.errors import PlannerWarning
from planner.network import Network
from planner.schema import STATIONS as STATION_TABLE
from planner.schema import TOWNS, Towns
from planner.sources.check import check_study
from planner.sources.datums import datum_fault
from planner.sources.files import write_template
from planner.sources.osm import read_osm_network

pytestmark = pytest.mark.filterwarnings("ignore:fewer than 8 places are too few")  # the study has a handful

STEP = 0.003  # degrees between streets; neither datum shifts by near a multiple of it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole study with nothing wrong."""
    write_study(tmp_path)
    write_streets(tmp_path / "network.osm", west=121.20, south=31.30, east=121.29, north=31.42, step=STEP)
    return tmp_path


def said(folder: Path, *overrides: str) -> list[str]:
    return [str(fault) for fault in check_study(folder, overrides)]


def test_a_whole_study_has_no_fault(folder: Path) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert said(folder) == []
    assert [str(each.message)[:46] for each in heard] == ["fewer than 8 places are too few to tell whether"[:46]]


def test_streets_apart_are_counted_where_somebody_lives(folder: Path) -> None:
    """One more street east of the grid with 30 people on it, and another with nobody."""
    nodes = "".join(f'<node id="{90000 + i}" lon="{121.292 + i // 2 * 0.003}" lat="{31.36 + i % 2 * 0.02}"/>' for i in range(4))
    way = '<way id="{0}"><nd ref="{0}"/><nd ref="{1}"/><tag k="highway" v="residential"/></way>'
    file = folder / "network.osm"
    file.write_text(file.read_text().replace("</osm>", nodes + way.format(90000, 90001) + way.format(90002, 90003) + "</osm>"))
    write_towns(folder / "towns.geojson", {"嘉定镇街道": shapely.box(121.20, 31.36, 121.30, 31.42), "南翔镇": SOUTH})
    (folder / "people.csv").write_text(f"{PEOPLE}121.2921,31.37,30\n121.2951,31.37,0\n")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert said(folder) == []
    assert next(text for each in heard if "residents" in (text := str(each.message))).startswith(
        "30 residents (16.7%) live on 1 part"
    )


@pytest.mark.parametrize(
    "key", ["stations.file", "candidates.1.file", "population.file", "network.file", "area", "policy", "groups.1.file"]
)
def test_a_file_outside_of_the_folder_is_not_looked_at(tmp_path: Path, key: str) -> None:
    write_study(tmp_path / "study")
    with (tmp_path / "study" / "study.toml").open("a") as file:
        file.write('[[groups]]\nname = "jobless"\nfile = "people.csv"\n')
    text = "name,lon,lat,population,site_id,station_id\nsecret,secret,secret,secret,secret,secret\n"
    for ending in ("csv", "toml"):
        (tmp_path / f"outside.{ending}").write_text(text)
    path = "../outside.toml" if key == "policy" else "../outside.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        told = [str(fault) for fault in check_study(tmp_path / "study", [f"{key}={path}"])]
    assert sum("the path leads out of the study's folder" in each for each in told) == 1
    assert "secret" not in str(told)
    assert [each for each in told if "outside" in each and "leads out" not in each] == []


def test_faults_of_every_room_come_at_once(folder: Path) -> None:
    (folder / "study.toml").write_text(
        STUDY + 'colour = "red"\n[walk]\nminutes = "15"\n[[groups]]\nname = "jobless"\nfile = "jobless.csv"\n'
    )
    (folder / "stations.csv").write_text(STATIONS + "d,D,121.24,31.60,,built,\n")
    (folder / "hosts.csv").write_text(HOSTS + "h1,Again,121.25,31.35\n")
    (folder / "people.csv").write_text(PEOPLE + "121.24,31.37,-5\n")
    (folder / "network.osm").write_bytes(b"<osm")
    found = said(folder)
    assert [line.split(",")[0].split(":")[0].rpartition("/")[2] for line in found] == [
        "study.toml", "study.toml", "stations.csv", "hosts.csv", "people.csv", "jobless.csv", "network.osm"
    ]  # fmt: skip
    assert "walk.minutes = '15': this is not a number" in found[1]
    assert "outside the area" in found[2]
    assert "the key stands twice, first in row 2" in found[3]


def test_a_study_that_cannot_be_made_still_names_its_missing_files(folder: Path) -> None:
    (folder / "study.toml").write_text('name = "x"\narea = "towns.geojson"\n[stations]\nfile = "none.csv"\n')
    assert [line.rpartition("/")[2] for line in said(folder)] == [
        "study.toml, network: the key is missing; add it",
        "study.toml, population: the key is missing; add it",
        "none.csv: there is no such file; check its name, or put it there",
    ]


def test_without_an_area_the_other_files_are_still_looked_for(folder: Path) -> None:
    (folder / "towns.geojson").unlink()
    (folder / "people.csv").unlink()
    assert [line.split(":")[0] for line in said(folder)] == ["towns.geojson", "people.csv"]


def test_a_new_folder_lacks_only_what_the_user_must_bring(tmp_path: Path) -> None:
    write_template(tmp_path / "new")
    with pytest.warns(PlannerWarning, match="has no rows yet"):  # its tables are there to be filled in
        found = said(tmp_path / "new")
    assert [line.split(":")[0] for line in found] == ["towns.geojson", "network.osm.pbf", "population.tif"]


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    assert "planner init" in said(tmp_path)[0]
    (tmp_path / "study.toml").write_text("name =")
    assert "not TOML" in said(tmp_path)[0]


@pytest.mark.filterwarnings("ignore:.*no resident is in reach")
def test_places_without_a_street_are_named(folder: Path) -> None:
    write_streets(folder / "network.osm", west=121.20, south=31.30, east=121.29, north=31.36)
    with pytest.warns(PlannerWarning, match=r"100 residents of 150 \(66\.7%\) live farther than"):
        found = said(folder)
    assert [line.split(":")[0] for line in found] == ["stations.csv, row a", "candidates, row h1"]
    assert "there is no street within 300 m" in found[0]


@pytest.mark.filterwarnings("ignore:.*no resident is in reach")
def test_a_closed_station_needs_no_street(folder: Path) -> None:
    write_streets(folder / "network.osm", west=121.20, south=31.30, east=121.29, north=31.36)
    (folder / "stations.csv").write_text(STATIONS.replace("built,2024", "closed,2024"))
    (folder / "hosts.csv").write_text(HOSTS.replace("h1,Library,121.243,31.383", "h1,Library,121.26,31.33"))
    (folder / "people.csv").write_text(PEOPLE.replace("31.381", "31.34"))
    assert said(folder) == []


def test_stations_without_dates_need_a_date_of_the_study(folder: Path) -> None:
    (folder / "study.toml").write_text(STUDY.replace("as_of = 2025-06-30\n", ""))
    assert said(folder) == []
    (folder / "stations.csv").write_text("station_id,name,lon,lat\na,A,121.24,31.38\n")
    assert said(folder) == ["as_of: no station has a date, so that the study's own is needed; add as_of = 2025-06-30"]


def test_a_date_before_every_station_is_said(folder: Path) -> None:
    with pytest.warns(PlannerWarning, match="no station stands on 2020-01-01"):
        assert said(folder, "as_of=2020-01-01") == []


def test_sites_that_are_required_and_nobody_has(folder: Path) -> None:
    found = check_study(folder, ['siting.required=["h1", "h9"]', 'siting.forbidden=["h8"]'])
    assert [(fault.column, fault.value) for fault in found] == [("siting.required", "h9"), ("siting.forbidden", "h8")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["siting.sites=2"], []),
        (["siting.sites=3"], ["3 sites are asked for but there are 2 candidates; ask for at most 2 or add candidates"]),
        (
            ["siting.sites=2", 'siting.forbidden=["h2"]'],
            ["2 sites are asked for but there is 1 candidate; ask for at most 1 or add candidates"],
        ),
        (
            ["siting.sites=1", 'siting.forbidden=["h1", "h2"]'],
            ["1 site is asked for but there are 0 candidates; add candidates"],
        ),
        (["siting.sites=3", "siting.budget=9"], []),
    ],
)
def test_more_sites_than_candidates_that_may_be_chosen(folder: Path, asked: list[str], told: list[str]) -> None:
    """Within a budget fewer may stand."""
    assert said(folder, *asked) == [f"{folder / 'study.toml'}, siting.sites: {each}" for each in told]


def test_without_any_candidate_no_number_of_sites_is_at_fault(folder: Path) -> None:
    (folder / "hosts.csv").write_text(HOSTS.splitlines()[0] + "\n")
    with pytest.warns(PlannerWarning, match="has no rows yet"):
        assert said(folder, "siting.sites=3") == []


def test_a_policy_nobody_ships(folder: Path) -> None:
    found = said(folder, "policy=jiading-2032")
    assert len(found) == 1
    assert "jiading-2023" in found[0]


def test_a_pace_in_kilometres_an_hour_is_doubted(folder: Path) -> None:
    with pytest.warns(PlannerWarning, match=r"walk\.speed_mps = 4\.8 is 17\.3 km/h"):
        assert said(folder, "walk.speed_mps=4.8") == []


@pytest.mark.parametrize(
    ("crs", "problem"),
    [("EPSG:4326", ""), (None, "CRS")],
)
def test_a_raster_in_degrees_needs_a_crs(folder: Path, crs: str | None, problem: str) -> None:
    options = {"driver": "GTiff", "height": 12, "width": 10, "count": 1, "dtype": "float32", "crs": crs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(folder / "people.tif", "w", transform=from_origin(121.20, 31.42, 0.01, 0.01), **options) as raster:
            raster.write(np.full((12, 10), 5.0, dtype="float32"), 1)
    found = said(folder, "population.file=people.tif")
    assert [problem in line and "people.tif" in line for line in found] == ([True] if problem else [])


def at_corners(shift) -> str:
    """Thirty stations, each some ten metres from a corner of the streets, as a map in another datum writes them."""
    rng = np.random.default_rng(3)
    lon = 121.20 + STEP * rng.integers(8, 22, 30) + rng.uniform(-1e-4, 1e-4, 30)
    lat = 31.30 + STEP * rng.integers(8, 32, 30) + rng.uniform(-1e-4, 1e-4, 30)
    x, y = shift(lon, lat)
    rows = [f"s{i},S{i},{x[i]:.7f},{y[i]:.7f}" for i in range(30)]
    return "\n".join(["station_id,name,lon,lat", *rows])


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_a_file_in_another_datum_than_it_says_is_noticed(folder: Path, datum: str, shift) -> None:
    (folder / "stations.csv").write_text(at_corners(shift))
    found = [line for line in said(folder, "walk.max_link_m=500") if "look like" in line]
    assert len(found) == 1
    assert f"the places look like {datum}, not wgs84" in found[0]
    assert f'write coordinates = "{datum}"' in found[0]
    assert said(folder, "walk.max_link_m=500", f"stations.coordinates={datum}") == []


def test_a_file_in_wgs84_that_says_gcj02_is_noticed_too(folder: Path) -> None:
    (folder / "stations.csv").write_text(at_corners(lambda lon, lat: (lon, lat)))
    assert said(folder, "walk.max_link_m=500") == []
    found = said(folder, "walk.max_link_m=500", "stations.coordinates=gcj02")
    assert ["the places look like wgs84, not gcj02" in line for line in found] == [True]


def test_progress_says_what_is_checked(folder: Path) -> None:
    heard: list[tuple[str, float]] = []
    check_study(folder, progress=lambda text, share: heard.append((text, share)))
    assert heard[0] == ("study file", 0.0)
    assert heard[-1][1] == 1.0
    assert [share for _, share in heard] == sorted(share for _, share in heard)


SHANGHAI = Path(__file__).resolve().parents[2] / "shared" / "data" / "shanghai-centre" / "shanghai_centre.osm"


@pytest.mark.shared
@pytest.mark.parametrize(("really", "shift"), [("wgs84", None), ("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_sixty_doors_in_shanghai_are_known_by_their_datum(really: str, shift) -> None:
    if not SHANGHAI.exists():
        pytest.skip("the extract of Shanghai is not beside the project")
    network = read_osm_network(SHANGHAI, crs=CRS)
    x, y = doors(network, 60)
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    written = (lon, lat) if shift is None else shift(lon, lat)
    for declared in ("wgs84", "gcj02", "bd09"):
        places = gpd.points_from_xy(*to_wgs84(*written, declared), crs="EPSG:4326").to_crs(CRS)
        names = [f"s{i}" for i in range(60)]
        fault = datum_fault(network, STATION_TABLE.conform(stations_frame(names, places)), declared, "stations.csv")
        assert (fault is None) == (declared == really)
        assert fault is None or f'coordinates = "{really}"' in fault.mend


def doors(network: Network, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places 2-20 m beside streets taken at random by their length."""
    rng = np.random.default_rng(11)
    chosen = rng.choice(len(network.ends), count, p=network.length_m / network.length_m.sum())
    start, end = network.node_xy[network.ends[chosen, 0]], network.node_xy[network.ends[chosen, 1]]
    along = end - start
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(along[:, 0], along[:, 1])[:, None]
    places = start + rng.random((count, 1)) * along + rng.uniform(2, 20, (count, 1)) * across
    return places[:, 0], places[:, 1]


def stations_frame(names: list[str], places) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"station_id": names, "name": names}, geometry=places, crs=CRS)


def a_dense_grid(side_m: float = 2400.0, step_m: float = 60.0) -> Network:
    """Streets everywhere, so that no place is far from one whatever its datum."""
    count = round(side_m / step_m) + 1
    at = np.arange(count) * step_m
    xy = np.array([(x, y) for y in at for x in at]) + ORIGIN
    node = np.arange(count * count).reshape(count, count)
    east, north = zip(node[:, :-1].ravel(), node[:, 1:].ravel()), zip(node[:-1].ravel(), node[1:].ravel())  # noqa: B905
    return Network.from_segments(xy, [*east, *north], crs=CRS)


ORIGIN = np.array([330_000.0, 3_473_000.0])


@pytest.mark.parametrize(("really", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_towns_that_rows_name_tell_the_datum_where_streets_cannot(really: str, shift) -> None:
    """Two towns with a border down the middle, places 100 m from it on both sides: any shift of more takes half across."""
    network, towns = dense_town()
    x = ORIGIN[0] + np.where(np.arange(40) % 2, 1300.0, 1100.0)
    y = ORIGIN[1] + 200.0 + 50.0 * np.arange(40) + 13.0
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    written = shift(lon, lat)
    named = ["East" if i % 2 else "West" for i in range(40)]
    read = {datum: gpd.points_from_xy(*to_wgs84(*written, datum), crs="EPSG:4326").to_crs(CRS) for datum in ("wgs84", really)}
    wrong = gpd.GeoDataFrame({"town": named}, geometry=read["wgs84"])
    fault = datum_fault(network, wrong, "wgs84", "hosts.csv", towns)
    assert fault is not None
    assert f"the places look like {really}, not wgs84" in fault.problem
    off = re.search(r"would be (\d+) m off", fault.problem)
    assert off is not None
    assert float(off[1]) == pytest.approx(float(np.median(read["wgs84"].distance(read[really]))), abs=1)
    assert "wgs84 50%" in fault.problem
    assert f"{really} 0%" in fault.problem
    right = gpd.GeoDataFrame({"town": named}, geometry=read[really])
    assert datum_fault(network, right, really, "hosts.csv", towns) is None


def test_names_of_towns_at_random_accuse_no_datum() -> None:
    network, towns = dense_town()
    rng = np.random.default_rng(5)
    places = gpd.points_from_xy(*(ORIGIN[:, None] + rng.uniform(300, 2100, (2, 200))), crs=CRS)
    named = rng.choice(["East", "West"], 200)
    assert datum_fault(network, gpd.GeoDataFrame({"town": named}, geometry=places), "wgs84", "hosts.csv", towns) is None


def dense_town() -> tuple[Network, Towns]:
    x, y = ORIGIN
    halves = [shapely.box(x - 3000, y - 3000, x + 1200, y + 6000), shapely.box(x + 1200, y - 3000, x + 6000, y + 6000)]
    towns = gpd.GeoDataFrame({"town": ["West", "East"]}, geometry=halves, crs=CRS)
    checked: Towns = TOWNS.conform(towns)
    return a_dense_grid(), checked


def test_candidates_that_serve_nobody_or_stand_at_one_place_and_hosts_that_nobody_has_are_said(folder: Path) -> None:
    (folder / "hosts.csv").write_text(HOSTS + "h3,Reading room,121.243,31.383\nh4,Empty hall,121.225,31.325\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert said(folder, 'siting.prefer={"libary" = 5}') == []
    told = [str(warning.message) for warning in caught]
    assert "siting.prefer: no candidate has the host libary; the hosts of the candidates are -" in told
    assert "candidates: 1 stand at the place of another; the first are h1 and h3" in told
    assert "1 candidates stand where no resident is in reach; the first are h4" in told
