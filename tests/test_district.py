"""The made district is made by its script, is what its README says, and holds what examples and tests stand on."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import rasterio
import shapely
from shapely.geometry import LineString

import planner
from planner import schema
from planner.network import Network
from planner.progress import standing_stations
from planner.sources.files import read_area, read_candidates, read_stations, read_study
from planner.sources.osm import read_backdrop, read_network
from planner.sources.population import read_demand
from planner.study import Study

ROOT = Path(__file__).resolve().parents[1]
DISTRICT = ROOT / "data" / "district"
TEXTS = (
    "study.toml", "towns.geojson", "stations.csv", "hosts.csv", "unemployed.csv", "graduates.csv", "hardship.csv",
    "communities.geojson", "recorded.csv",
)  # fmt: skip
GROUPS = {"registered_unemployed": "unemployed.csv", "graduates": "graduates.csv", "hardship": "hardship.csv"}


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "district"
    subprocess.run([sys.executable, ROOT / "scripts" / "make_district.py", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def study() -> Study:
    return read_study(DISTRICT)


@pytest.fixture(scope="module")
def network(study: Study) -> Network:
    return read_network(study)


def rows_of(name: str) -> list[dict[str, str]]:
    with (DISTRICT / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def objects_of(path: Path) -> list[tuple[object, ...]]:
    """What an extract holds, whatever the compression and the version of its writer."""
    found: list[tuple[object, ...]] = []
    for each in osmium.FileProcessor(str(path)):
        tags = tuple(sorted((tag.k, tag.v) for tag in each.tags))
        if each.is_node():
            found.append(("node", each.id, round(each.location.lon, 7), round(each.location.lat, 7), tags))
        elif each.is_way():
            found.append(("way", each.id, tuple(node.ref for node in each.nodes), tags))
        else:
            found.append(("relation", each.id, tuple((m.type, m.ref, m.role) for m in each.members), tags))
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_the_script_writes_the_same_text_files_again(remade: Path, name: str):
    assert (remade / name).read_bytes() == (DISTRICT / name).read_bytes()


def test_the_script_draws_the_same_streets_again(remade: Path):
    assert objects_of(remade / "network.osm.pbf") == objects_of(DISTRICT / "network.osm.pbf")


def test_the_script_settles_the_same_residents_again(remade: Path):
    with rasterio.open(remade / "population.tif") as again, rasterio.open(DISTRICT / "population.tif") as held:
        assert (again.crs, again.transform, again.nodata) == (held.crs, held.transform, held.nodata)
        assert np.array_equal(again.read(1), held.read(1))


def test_the_script_writes_every_file_there_is(remade: Path):
    assert {path.name for path in remade.iterdir()} == {path.name for path in DISTRICT.iterdir()}


def test_the_readme_is_what_the_files_and_the_schema_say():
    path = ROOT / "scripts" / "describe_data.py"
    spec = importlib.util.spec_from_file_location("describe_data", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    said = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert said == script.describe(ROOT / "data"), "run python scripts/describe_data.py"
    assert set(script.FILES) == {path.name for path in DISTRICT.iterdir()}
    recorded = said.split("(`RECORDED`)")[1].split("###")[0]
    musts = [line.split(" | ")[0] for line in recorded.splitlines() if line.split(" | ")[3:4] == ["yes"]]
    assert musts == ["| `figure`", "| `date`", "| `value`"]  # a figure without a place is the district's
    for table in (schema.STATIONS, schema.CANDIDATES, schema.COVERAGE, schema.SCORES, schema.SITES):
        for column in table:
            assert f"| `{column.name}` |" in said


def test_it_is_small():
    sizes = {path.name: path.stat().st_size for path in DISTRICT.iterdir()}
    assert sizes["network.osm.pbf"] < 800_000
    assert sum(sizes.values()) < 3_000_000


def test_it_says_that_it_is_made(study: Study):
    assert "虚构" in study.name
    assert "not a real place" in study.name
    assert "No place, person, station, telephone number or figure in it is real" in (ROOT / "data" / "README.md").read_text(
        encoding="utf-8"
    )


def test_all_telephone_numbers_are_ones_nobody_has():
    assert all(re.fullmatch(r"021-0000 \d{4}", row["phone"]) for row in rows_of("stations.csv"))


def test_every_resident_lives_in_a_town_and_every_town_has_as_many_as_it_says(study: Study):
    towns = read_area(study)
    demand = read_demand(study, towns)
    lived = demand.groupby("town")["population"].sum()
    assert len(towns) == 12
    assert demand["population"].sum() == pytest.approx(450_000, abs=1e-6)
    assert (lived.reindex(towns.index) - towns["population"]).abs().max() < 1e-6
    for group, file in GROUPS.items():
        counted = sum(int(row.get("count") or row["人数"]) for row in rows_of(file))
        assert demand[f"pop_{group}"].sum() == pytest.approx(counted)
        assert (demand[f"pop_{group}"] <= demand["population"] + 1e-9).all()


def test_lists_of_groups_hold_counts_and_no_person():
    headers = {header for file in GROUPS.values() for header in rows_of(file)[0]}
    assert headers == {"town", "lon", "lat", "count", "街镇", "经度", "纬度", "人数"}


def test_stations_of_every_status_stand_in_nine_of_twelve_towns(study: Study):
    stations = read_stations(study)
    assert set(stations["status"]) == set(schema.STATUSES)
    assert study.as_of is not None
    standing = standing_stations(stations, study.as_of)
    assert len(standing) == 13
    assert standing["town"].nunique() == 9
    assert stations["tier"].value_counts().to_dict() == {"town": 11, "site": 5, "centre": 1}


def test_every_town_has_hosts_and_the_phases_can_give_each_its_station(study: Study):
    hosts = read_candidates(study)
    assert hosts["town"].nunique() == 12
    assert hosts["host"].nunique() >= 15
    siting = study.scenario.siting
    assert siting.per_town_min == 1
    assert [phase.sites for phase in siting.phases] == [4, 4]
    assert siting.sites == 8


def test_walkers_cross_the_river_on_five_bridges_and_nowhere_else(study: Study, network: Network):
    streets = LineString(np.column_stack([x := np.linspace(540_000, 558_000, 400), river_y(x)]))
    crossing = shapely.intersects(streets, shapely.linestrings(network.node_xy[network.ends]))
    assert crossing.sum() == 5
    assert read_backdrop(study.path_of("network.osm.pbf"), crs=study.crs)["kind"].value_counts()["water"] == 2


def river_y(x: np.ndarray) -> np.ndarray:
    """The middle of the river as the README's map has it: halfway between its banks."""
    water = read_backdrop(DISTRICT / "network.osm.pbf", crs="EPSG:32651")
    river = max(water[water["kind"] == "water"].geometry, key=lambda shape: shape.bounds[2] - shape.bounds[0])
    middles = []
    for each in x:
        cut = river.intersection(LineString([(each, 3_260_000), (each, 3_282_000)]))
        middles.append(cut.centroid.y if not cut.is_empty else np.nan)
    known = np.isfinite(middles)
    return np.interp(x, x[known], np.array(middles)[known])


def test_the_islet_is_an_island_for_walkers_and_people_live_there(study: Study, network: Network):
    assert network.report["islands"] == 1
    islet = shapely.MultiPoint(network.node_xy[network.component == 1]).convex_hull.buffer(50)
    demand = read_demand(study, read_area(study))
    assert demand.loc[demand.within(islet), "population"].sum() > 0


def test_the_motorway_is_no_street(network: Network):
    assert network.report["ways left out: highway=motorway"] == 2
    assert network.report["ways left out: road tunnel of more than 150 m"] == 1
    assert network.report["ways left out: route=ferry"] == 2
    assert network.report["barriers that stop walkers"] > 0
    assert network.report["squares"] == 1


def test_towns_meet_without_overlap_or_gap():
    shapes = gpd.read_file(DISTRICT / "towns.geojson").to_crs("EPSG:32651")
    whole = shapely.union_all(shapes.geometry)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    assert shapes.area.sum() == pytest.approx(whole.area, abs=1.0)


def test_the_area_file_is_geojson_with_names_and_residents():
    features = json.loads((DISTRICT / "towns.geojson").read_text(encoding="utf-8"))["features"]
    assert sum(feature["properties"]["population"] for feature in features) == 450_000


def test_communities_tile_their_towns_and_no_two_have_one_name():
    shapes = gpd.read_file(DISTRICT / "communities.geojson").to_crs("EPSG:32651")
    towns = gpd.read_file(DISTRICT / "towns.geojson").to_crs("EPSG:32651").set_index("town")
    assert shapes["community"].is_unique
    assert shapes.groupby("town")["geometry"].apply(lambda own: shapely.union_all(own.to_numpy()).area).to_dict() == (
        pytest.approx(towns.area.to_dict(), rel=1e-5)
    )
    assert shapes.area.sum() == pytest.approx(towns.area.sum(), rel=1e-5)
    assert len(shapes) >= 100


def test_records_are_of_towns_where_a_station_stands_and_end_before_the_studys_day(study: Study):
    standing = set(standing_stations(read_stations(study), study.as_of or dt.date.max)["town"])
    rows = rows_of("recorded.csv")
    assert {row["place"] for row in rows} - {""} <= standing
    assert max(row["date"] for row in rows) <= str(study.as_of)
    assert {"people_helped", "trainings", "rating", "satisfaction"} <= {row["figure"] for row in rows}


def test_times_without_a_study_are_as_the_readme_has_them(monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("**Times without a study**")[1]
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], names)  # noqa: S102
    times, first, three = names["times"], names["first"], names["three"]
    nearest = times.loc[times.groupby("origin_id")["walk_s"].idxmin()].set_index("origin_id")
    assert len(nearest) > 10
    reached = first.dropna()
    assert reached["nearest_station_id"].to_dict() == nearest["destination_id"].to_dict()
    np.testing.assert_allclose(reached["nearest_walk_s"], nearest["walk_s"].loc[reached.index], rtol=1e-6)
    assert three.xs(1, level="order")["station_id"].to_dict() == nearest["destination_id"].to_dict()
    assert three.index.get_level_values("order").max() > 1
    assert set(names["outlines"].index.get_level_values("minutes")) == {5, 10, 15}
    assert 0 <= len(names["apart"]) < len(names["homes"]) / 2


def test_what_no_question_can_be_answered_for_is_refused(study, network):
    points, walk = planner.read_stations(study), study.scenario.walk
    twice = points.iloc[[0, 0]]
    for ask, given, error, said in (
        (planner.isochrone_bands, (points.set_geometry(points.buffer(30)), walk), planner.TableError, "not a point"),
        (
            planner.travel_times,
            (pd.DataFrame(points.drop(columns="geometry")), points, walk),
            planner.TableError,
            "nothing of places",
        ),
        (planner.nearest_times, (twice, points, walk), planner.TableError, "the facility id stands twice"),
        (planner.nearest_times, (points, twice, walk), planner.TableError, "the demand id stands twice"),
        (planner.nearest_facilities, (points, points, walk, 0), planner.StudyError, "most = 0"),
    ):
        with pytest.raises(error, match=said):
            ask(network, *given)
    extract = DISTRICT / "network.osm.pbf"
    for crs, said in (
        ("EPSG:3857", "15% off in lengths where the streets lie; take one that is true to length there, such as EPSG:32651"),
        ("EPSG:32635", "off in lengths"),
        ("EPSG:999999", "'EPSG:999999' is not known"),
        ("EPSG:4326", "projected CRS in metres"),
    ):
        with pytest.raises(planner.CrsError, match=said):
            planner.read_osm_network(extract, crs=crs)
    with pytest.raises(planner.StudyError, match="margin_m = -5"):
        planner.read_osm_network(extract, crs="EPSG:32651", margin_m=-5)


def test_a_walk_that_the_network_was_not_read_for_is_refused(study, network):
    points = planner.read_stations(study)
    riding = replace(study.scenario.walk, profile="bicycle")
    for walk, said in (
        (riding, "walk.profile = 'bicycle' on streets that were read for walkers alone"),
        (replace(study.scenario.walk, terrain="hills.tif"), "walk.terrain = 'hills.tif' on streets without heights"),
    ):
        for ask in (planner.travel_times, planner.nearest_times):
            with pytest.raises(planner.TableError, match=re.escape(said)):
                ask(network, points, points, walk)
        with pytest.raises(planner.TableError, match="read_network"):
            planner.isochrone_bands(network, points, walk)
    riders = planner.read_network(planner.read_study(study.folder / "study.toml", ["walk.profile='bicycle'"]))
    assert planner.travel_times(riders, points, points, riding).walk_s.nnz >= len(points)
    with pytest.raises(TypeError, match="read_osm_network reads an extract without a study"):
        planner.read_network("city.osm.pbf")  # type: ignore[arg-type]
