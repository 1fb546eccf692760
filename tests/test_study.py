"""The study: its rules, and study.toml as people write it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.affinity import translate
from shapely.geometry import LineString, Polygon, box
from study_folders import NORTH, SOUTH, STUDY, with_lines, write_study, write_towns

from planner.errors import Fault, PlannerError, PlannerWarning, SourceError, StudyError, TableError
from planner.profiles import KMH, PROFILES
from planner.sources.files import read_area, read_study
from planner.sources.files.keys import known_keys
from planner.study import Group, Method, Phase, Siting, StationSource, TownWalk, Walk


def faults_of(path: Path, *overrides: str) -> list[Fault]:
    with pytest.raises(StudyError) as caught:
        read_study(path, overrides)
    return list(caught.value.faults)


def told(path: Path, *overrides: str) -> list[tuple[str | None, str]]:
    """Key and problem of every fault."""
    return [(fault.column, fault.problem) for fault in faults_of(path, *overrides)]


# -- the values --------------------------------------------------------------------------------------------------------------


def test_fifteen_minutes_at_4_8_kilometres_an_hour_are_1200_metres() -> None:
    walk = Walk()
    assert walk.cutoff_s == 900
    assert walk.cutoff_s * walk.pace_mps == pytest.approx(1200)


def test_the_residents_town_decides_how_they_walk() -> None:
    walk = Walk(
        speed_mps=1.0, towns={"A": TownWalk(minutes=20), "B": TownWalk(profile="wheelchair"), "C": TownWalk(speed_mps=0.5)}
    )
    assert (walk.for_town("A").minutes, walk.for_town("A").pace_mps) == (20, 1.0)
    assert (walk.for_town("B").pace_mps, walk.for_town("B").takes_steps) == (PROFILES["wheelchair"].speed_mps, False)
    assert (walk.for_town("C").minutes, walk.for_town("C").pace_mps) == (15, 0.5)
    assert walk.for_town("D").pace_mps == walk.for_town(None).pace_mps == 1.0


@pytest.mark.parametrize(
    "wrong",
    [{"minutes": 0}, {"minutes": -1}, {"minutes": 241}, {"minutes": float("nan")}, {"speed_mps": 0}, {"speed_mps": 11},
     {"max_link_m": -1}, {"profile": "horse"}, {"bands": (0,)}, {"pace": 1}],
    ids=str,
)  # fmt: skip
def test_a_walk_nobody_walks_is_refused(wrong: dict) -> None:
    name = "max_link_m" if "max_link_m" in wrong else next(iter(wrong))
    with pytest.raises(StudyError, match=f"^Walk, {name}[.0-9]* = .*: .*; .*"):
        Walk(**wrong)


def test_what_is_made_by_hand_is_refused_in_the_words_of_the_file_with_field_value_and_mend() -> None:
    with pytest.raises(StudyError) as said:
        Walk(0, speed_mps="fast", profiles=1)  # type: ignore[arg-type, call-arg]
    told = [(each.column, each.value) for each in said.value.faults]
    assert told == [("minutes", "0"), ("speed_mps", "fast"), ("profiles", "1")]
    assert "Walk, minutes = '0': this is not greater than 0; give more" in str(said.value)
    assert "Walk, speed_mps = 'fast': this is not a number" in str(said.value)
    assert "there is no such field; did you mean profile?" in str(said.value)
    with pytest.raises(StudyError, match=r"Walk, speed_mps = '-1': this is less than 0.1; give 0.1 or more"):
        dataclasses.replace(Walk(), speed_mps=-1)
    with pytest.raises(StudyError, match="Group, name = '1 a': a name like this cannot head a column; use small letters"):
        Group(name="1 a", label="a", file="a.csv")


def test_bands_rise_and_differ() -> None:
    assert Walk(bands=(15, 5, 5, 10)).bands == (5, 10, 15)


def test_profiles_name_their_source_and_pace() -> None:
    assert PROFILES["adult"].speed_mps == 4.8 * KMH
    assert all(profile.source and profile.zh and profile.en for profile in PROFILES.values())


def test_phases_add_up_in_the_order_of_their_dates() -> None:
    early, late = Phase(dt.date(2024, 12, 31), 2), Phase(dt.date(2025, 12, 31), 3)
    assert Siting(sites=5, phases=(early, late)).phases == (early, late)
    with pytest.raises(StudyError, match="add up to 5"):
        Siting(sites=6, phases=(early, late))
    with pytest.raises(StudyError, match="order"):
        Siting(sites=5, phases=(late, early))


def test_a_source_of_stations_is_a_file_or_tags() -> None:
    with pytest.raises(StudyError, match="names no file"):
        StationSource()
    with pytest.raises(StudyError, match="names both"):
        StationSource(file="a.csv", osm=("amenity=library",))


@pytest.mark.parametrize(
    ("said", "meant"), [("WGS84", "wgs84"), ("GCJ-02", "gcj02"), ("epsg:4549", "EPSG:4549"), ("BD09", "bd09")]
)
def test_coordinates_are_known_by_their_usual_names(said: str, meant: str) -> None:
    assert StationSource(file="a.csv", coordinates=said).coordinates == meant


def test_a_group_is_shown_by_its_label() -> None:
    assert Group("jobless", label="登记失业人员").shown == "登记失业人员"
    assert Group("jobless").shown == "jobless"


# -- study.toml --------------------------------------------------------------------------------------------------------------


def test_every_key_of_the_contract_is_read(tmp_path: Path) -> None:
    text = """\
name   = "Example district"
area   = "towns.geojson"
crs    = "EPSG:32651"
policy = "jiading-2023"
as_of  = 2025-06-30
area_field = "town"
[network]
file = "network.osm.pbf"
place = "Jiading, Shanghai"
[walk]
minutes   = 15
bands     = [5, 10, 15]
profile   = "elder"
speed_mps = 1.1
max_link_m = 250
[walk.towns."南翔镇"]
minutes = 20
profile = "adult"
[stations]
file = "stations.csv"
coordinates = "gcj02"
[[candidates]]
file = "hosts.csv"
[[candidates]]
osm = ["amenity=library", "amenity=community_centre"]
[population]
file = "population.tif"
column = "population"
[[groups]]
name = "registered_unemployed"
label = "登记失业人员"
weight = 3.0
file = "unemployed.csv"
[siting]
method = "mclp"
sites  = 5
per_town_min = 1
phases = [ { by = 2024-12-31, sites = 2 }, { by = 2025-12-31, sites = 3 } ]
[privacy]
minimum_count = 12
[publish]
languages = ["zh", "en"]
"""
    study = read_study(write_study(tmp_path, study=text))
    walk, siting = study.scenario.walk, study.scenario.siting
    assert (study.name, study.crs, study.policy, study.as_of) == (
        "Example district",
        "EPSG:32651",
        "jiading-2023",
        dt.date(2025, 6, 30),
    )
    assert (study.network.file, study.network.place) == ("network.osm.pbf", "Jiading, Shanghai")
    assert (walk.minutes, walk.bands, walk.profile, walk.speed_mps, walk.max_link_m) == (15, (5, 10, 15), "elder", 1.1, 250)
    assert walk.towns == {"南翔镇": TownWalk(minutes=20, profile="adult")}
    assert (study.stations.file, study.stations.coordinates) == ("stations.csv", "gcj02")
    assert [block.osm for block in study.candidates] == [(), ("amenity=library", "amenity=community_centre")]
    assert (study.population.file, study.population.column) == ("population.tif", "population")
    assert study.scenario.groups == (Group("registered_unemployed", "登记失业人员", 3.0, "unemployed.csv"),)
    assert (siting.method, siting.sites, siting.per_town_min) == (Method.MCLP, 5, 1)
    assert siting.phases == (Phase(dt.date(2024, 12, 31), 2), Phase(dt.date(2025, 12, 31), 3))
    assert (study.privacy.minimum_count, study.publish.languages) == (12, ("zh", "en"))
    assert study.folder == tmp_path.resolve()


def test_a_folder_and_its_file_are_the_same_study(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    assert read_study(tmp_path) == read_study(file) == read_study(str(tmp_path))


def test_without_a_crs_it_is_the_utm_zone_of_the_area(tmp_path: Path) -> None:
    assert read_study(write_study(tmp_path)).crs == "EPSG:32651"
    write_towns(tmp_path / "towns.geojson", {"Porto Alegre": translate(NORTH, -172.4, -61.4)})
    assert read_study(tmp_path).crs == "EPSG:32722"


@pytest.mark.parametrize(
    ("crs", "problem"),
    [
        ("EPSG:4326", "this CRS is not in metres"),
        ("EPSG:2263", "this CRS is not in metres"),
        ("EPSG:3857", "this CRS is 17% off in lengths where the area lies"),
        ("EPSG:32633", "this CRS is inf% off in lengths where the area lies"),
        ("EPSG:99999999", "this CRS is not known"),
        ("UTM 51", "this CRS is not known"),
    ],
)
def test_a_crs_must_measure_true_metres_there(tmp_path: Path, crs: str, problem: str) -> None:
    faults = faults_of(write_study(tmp_path), f'crs="{crs}"')
    assert [fault.column for fault in faults] == ["crs"]
    assert faults[0].problem.split(" is ")[0] == problem.split(" is ")[0]
    assert "EPSG:32651" in faults[0].mend


def test_a_gauss_kruger_crs_is_a_crs(tmp_path: Path) -> None:
    assert read_study(write_study(tmp_path), ["crs=EPSG:4549"]).crs == "EPSG:4549"


def test_all_faults_come_at_once_each_with_its_key_value_and_mend(tmp_path: Path) -> None:
    text = """\
nme = "x"
area = "../outside.geojson"
minutes = 3
as_of = "soon"
[walk]
minuts = 3
minutes = "15"
bands = [1, "a", -2]
profile = "horse"
[network]
file = 3
[stations]
[[candidates]]
osm = ["library"]
coordinates = "wgs48"
[population]
spread = "everywhere"
[[groups]]
name = "jobless"
weight = -1
[[groups]]
name = "Young people"
wieght = 3
[siting]
method = "greedy"
sites = 2.5
[publish]
languages = []
colour = "red"
"""
    found = {fault.column: fault for fault in faults_of(write_study(tmp_path, study=text))}
    expected = {
        "nme": ("the key is not known", "did you mean name?"),
        "minutes": ("the key is not known", "did you mean walk.minutes?"),
        "walk.minuts": ("the key is not known", "did you mean minutes?"),
        "groups.Young people.wieght": ("the key is not known", "did you mean weight?"),
        "publish.colour": (
            "the key is not known",
            "here stand attribution, languages, map_approval, publisher, tiles, tiles_datum, tiles_key, title",
        ),
        "area": (
            "the path leads out of the study's folder",
            "copy the file into the study's folder, or write its absolute path",
        ),
        "name": ("the key is missing", "add it"),
        "as_of": ("this is not a date", "write it as 2025-06-30, without quotes"),
        "walk.minutes": ("this is not a number", "write digits without quotes"),
        "walk.bands.2": ("this is not a number", "write digits without quotes"),
        "walk.bands.3": ("this is not greater than 0", "give more"),
        "walk.profile": (
            "there is no profile 'horse'",
            "use one of adult, brisk, slow, elder, pushchair, wheelchair, bicycle, ebike",
        ),
        "network.file": ("this is not text", 'write it in "quotes"'),
        "stations": ("this names no file and no osm tags", 'write either file = "..." or osm = ["amenity=library"]'),
        "candidates.1.osm.1": ("this is no OSM tag", "write key=value, such as amenity=library"),
        "population.spread": ("there is no such way of spreading", "use none, buildings, land or area"),
        "groups.jobless.weight": ("this is less than 0", "give 0 or more"),
        "groups.Young people.name": (
            "a name like this cannot head a column",
            "use small letters, digits and _, such as unemployed",
        ),
        "siting.method": ("this is not 'mclp', 'lscp', 'p-median' or 'p-center'", ""),
        "siting.sites": ("this is not a whole number", "write whole digits without quotes"),
        "publish.languages": ('name at least one language: ["zh", "en"]', ""),
    }
    said = {key: (fault.problem, fault.mend) for key, fault in found.items()}
    assert said.pop("candidates.1.coordinates")[0] == "there are no coordinates 'wgs48'"
    assert said == expected
    assert found["walk.minutes"].value == "15"


def test_no_fault_speaks_of_the_validation_library(tmp_path: Path) -> None:
    bare = STUDY.replace("[siting]\nsites = 2\n", "")
    text = with_lines(bare, walk="minutes = true\ntowns = 3", siting='phases = [{by = 3, sites = "x"}]\nbudget = "cheap"')
    with pytest.raises(StudyError) as caught:
        read_study(write_study(tmp_path, study=text))
    assert len(caught.value.faults) >= 5
    for word in ("pydantic", "Input should", "input should", "http", "validation", "type=", "Value error"):
        assert word not in str(caught.value)


@pytest.mark.parametrize("key", ["folder", "scenario"])
def test_what_the_program_keeps_for_itself_is_no_key(tmp_path: Path, key: str) -> None:
    assert (key, "the key is not known") in told(write_study(tmp_path, study=f'{key} = "/etc"\n{STUDY}'))


def test_known_keys_are_those_of_the_dataclasses() -> None:
    keys = {".".join(key) for key in known_keys()}
    assert {
        "name",
        "walk.minutes",
        "walk.towns.*.profile",
        "candidates.*.osm.*",
        "siting.phases.*.by",
        "groups.*.weight",
    } <= keys
    assert not any(key.startswith(("folder", "scenario")) for key in keys)


def test_toml_that_is_none_is_said_with_its_line(tmp_path: Path) -> None:
    fault = faults_of(write_study(tmp_path, study='name = "x"\narea = \n'))[0]
    assert "line 2" in fault.problem
    assert fault.file.endswith("study.toml")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"\xff\xfe\x00", "byte 1 is not UTF-8"),
        ("name = '嘉定'".encode("gb18030"), "byte 9 is not UTF-8"),
        (b"a = " + b"[" * 5000, "brackets are nested too deeply"),
        (b"#" * 1_000_001, "the file is longer than 1,000,000 bytes"),
        (b"\x00", "this is not TOML"),
    ],
    ids=["utf16", "gb18030", "deep", "long", "nul"],
)
def test_a_study_file_that_is_none(tmp_path: Path, raw: bytes, problem: str) -> None:
    file = write_study(tmp_path)
    file.write_bytes(raw)
    assert problem in faults_of(file)[0].problem


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_study(file).name == "Two towns"


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="planner init"):
        read_study(tmp_path)
    with pytest.raises(SourceError, match="there is no such file"):
        read_study(tmp_path / "other.toml")


# -- --set -------------------------------------------------------------------------------------------------------------------


def test_any_key_can_be_set(tmp_path: Path) -> None:
    text = STUDY + '[[groups]]\nname = "jobless"\nfile = "j.csv"\n'
    study = read_study(
        write_study(tmp_path, study=text),
        ["walk.speed_mps=0.9", "walk.bands=[3, 6]", "name=Any words", "as_of=2024-01-01", "groups.jobless.weight=4",
         "candidates.1.file=other.csv", 'walk.towns."南翔镇".minutes=20', "siting.method=lscp", "privacy.minimum_count = 3"],
    )  # fmt: skip
    assert (study.scenario.walk.pace_mps, study.scenario.walk.bands, study.name) == (0.9, (3, 6), "Any words")
    assert (study.as_of, study.scenario.groups[0].weight) == (dt.date(2024, 1, 1), 4)
    assert (study.candidates[0].file, study.scenario.siting.method) == ("other.csv", Method.LSCP)
    assert study.scenario.walk.for_town("南翔镇").minutes == 20
    assert study.privacy.minimum_count == 3


@pytest.mark.parametrize(
    ("override", "column"),
    [
        ("walk.minutes=many", "walk.minutes"),
        ("walk.minuts=3", "walk.minuts"),
        ("walk.minutes", "key"),
        ("=3", "key"),
        ("a b=3", "key"),
        ("name.first=3", "key"),
        ("candidates.2.file=x", "key"),
        ("groups.nobody.weight=2", "groups"),
        ("area=../x.geojson", "area"),
        ("folder=/etc", "folder"),
    ],
)
def test_what_is_set_is_checked_like_what_is_written(tmp_path: Path, override: str, column: str) -> None:
    assert column in [fault.column for fault in faults_of(write_study(tmp_path), override)]


# -- paths -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    ["network.file=../streets.pbf", "stations.file=../../etc/passwd", "population.file=a/../../b.tif", "policy=../pack.toml",
     "candidates.1.file=..", "area=x/../../y"],
)  # fmt: skip
def test_a_path_stays_in_the_folder(tmp_path: Path, line: str) -> None:
    faults = faults_of(write_study(tmp_path / "study"), line)
    assert [fault.problem for fault in faults] == ["the path leads out of the study's folder"]


def test_a_link_out_of_the_folder_leads_out(tmp_path: Path) -> None:
    file = write_study(tmp_path / "study")
    (tmp_path / "elsewhere.csv").write_text("secret")
    (tmp_path / "study" / "linked.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert told(file, "stations.file=linked.csv") == [("stations.file", "the path leads out of the study's folder")]


def test_an_absolute_path_may_lead_anywhere(tmp_path: Path) -> None:
    file = write_study(tmp_path / "study")
    elsewhere = write_towns(tmp_path / "elsewhere.geojson", {"A": NORTH})
    study = read_study(file, [f'area="{elsewhere}"', "stations.file=/nowhere/stations.csv"])
    assert study.path_of(study.area) == elsewhere.resolve()
    assert list(read_area(study).index) == ["A"]


def test_a_path_within_the_folder_may_have_dots(tmp_path: Path) -> None:
    assert read_study(write_study(tmp_path), ["stations.file=sub/../stations.csv"]).stations.file == "sub/../stations.csv"


# -- the area ----------------------------------------------------------------------------------------------------------------


def area_of(folder: Path, *overrides: str):
    return read_area(read_study(folder, overrides))


def test_pieces_of_a_town_become_one_and_towns_are_sorted(tmp_path: Path) -> None:
    write_study(tmp_path)
    pieces = [box(121.2, 31.3, 121.21, 31.31), box(121.22, 31.3, 121.23, 31.31), box(121.24, 31.3, 121.25, 31.31)]
    frame = gpd.GeoDataFrame({"town": ["B", "A", "B "], "population": [10, 5, 10]}, geometry=pieces, crs="EPSG:4326")
    frame.to_file(tmp_path / "towns.geojson")
    towns = area_of(tmp_path)
    assert towns.index.tolist() == ["A", "B"]
    assert towns["population"].tolist() == [5, 10]
    assert towns.geometry["B"].geom_type == "MultiPolygon"
    assert towns.crs == "EPSG:32651"


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [("towns.gpkg", {}), ("towns.shp", {"encoding": "GB18030"}), ("towns.fgb", {}), ("towns.geojson", {})],
)
def test_any_vector_format_holds_an_area(tmp_path: Path, name: str, kwargs: dict) -> None:
    write_study(tmp_path)
    write_towns(tmp_path / name, {"嘉定镇街道": NORTH, "南翔镇": SOUTH}, field="街镇", **kwargs)
    assert set(area_of(tmp_path, f"area={name}").index) == {"嘉定镇街道", "南翔镇"}


def test_geoparquet_holds_an_area(tmp_path: Path) -> None:
    write_study(tmp_path)
    gpd.read_file(tmp_path / "towns.geojson").to_parquet(tmp_path / "towns.parquet")
    assert len(area_of(tmp_path, "area=towns.parquet")) == 2


def test_the_field_of_names_can_be_chosen(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_towns(tmp_path / "towns.geojson", {"A": NORTH, "B": SOUTH}, field="JD")
    assert area_of(tmp_path, "area_field=JD").index.tolist() == ["A", "B"]
    with pytest.raises(TableError, match=r"set area_field in study\.toml to one of: JD"):
        read_study(tmp_path)
    with pytest.raises(TableError, match="no column 'names'"):
        read_study(tmp_path, ["area_field=names"])


def test_an_area_in_gcj02_is_put_where_it_is(tmp_path: Path) -> None:
    write_study(tmp_path)
    here = area_of(tmp_path).geometry.union_all().centroid
    there = area_of(tmp_path, "area_coordinates=gcj02").geometry.union_all().centroid
    assert 300 < here.distance(there) < 700


def write_shapes(path: Path, shapes: list, names: list | None = None, crs: str | None = "EPSG:4326", **columns: list) -> None:
    held = {"town": names or [f"T{i}" for i in range(len(shapes))], **columns}
    gpd.GeoDataFrame(held, geometry=shapes, crs=crs).to_file(path)


def area_faults(folder: Path, *overrides: str) -> list[str]:
    with pytest.raises(PlannerError) as caught:
        area_of(folder, *overrides)
    assert caught.value.faults
    return [str(fault) for fault in caught.value.faults]


def test_towns_that_lie_on_one_another_are_a_fault(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_shapes(tmp_path / "towns.geojson", [NORTH, NORTH.buffer(0.001)])
    assert "T0 and T1 overlap by" in area_faults(tmp_path)[0]


def test_nearly_meeting_borders_are_only_said(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_shapes(tmp_path / "towns.geojson", [NORTH, SOUTH.buffer(0.00005)])
    with pytest.warns(PlannerWarning, match="overlap"):
        area_of(tmp_path)


def test_a_crossed_border_is_repaired_and_said(tmp_path: Path) -> None:
    write_study(tmp_path)
    bow = Polygon([(121.2, 31.3), (121.3, 31.4), (121.3, 31.3), (121.2, 31.4)])
    write_shapes(tmp_path / "towns.geojson", [bow])
    with pytest.warns(PlannerWarning, match="1 invalid shapes were repaired"):
        towns = area_of(tmp_path)
    assert towns.geometry.is_valid.all()
    assert towns.geometry.iloc[0].geom_type == "MultiPolygon"


def test_all_that_is_wrong_with_an_area_is_said_at_once(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_shapes(tmp_path / "towns.geojson", [NORTH, LineString([(121.2, 31.3), (121.3, 31.3)]), None], ["", "B", "C"])
    assert area_faults(tmp_path) == [
        "towns.geojson, row 1, town: the town has no name; fill it in",
        "towns.geojson, row 3: the shape is empty; draw it, or remove the row",
        "towns.geojson, row 2: the shape is a LineString, not a polygon; draw the town's border",
    ]


def test_an_area_without_shapes_or_rows(tmp_path: Path) -> None:
    write_study(tmp_path)
    (tmp_path / "towns.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert "the area is empty" in area_faults(tmp_path)[0]
    assert "a table without shapes" in area_faults(tmp_path, "area=hosts.csv")[0]


def test_an_area_in_metres_that_says_degrees(tmp_path: Path) -> None:
    write_study(tmp_path)
    metres = gpd.GeoSeries([NORTH, SOUTH], crs="EPSG:4326").to_crs("EPSG:32651")
    gpd.GeoDataFrame({"town": ["A", "B"]}, geometry=list(metres), crs="EPSG:4326").to_file(tmp_path / "towns.geojson")
    assert len([fault for fault in area_faults(tmp_path) if "the coordinates are not degrees" in fault]) == 2
    assert area_of(tmp_path, "area_coordinates=EPSG:32651").index.tolist() == ["A", "B"]


def test_an_area_without_a_crs(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_towns(tmp_path / "towns.shp", {"A": NORTH})
    (tmp_path / "towns.prj").unlink()
    assert "the file has no CRS" in area_faults(tmp_path, "area=towns.shp")[0]
    assert area_of(tmp_path, "area=towns.shp", "area_coordinates=EPSG:4326").index.tolist() == ["A"]


def test_pieces_that_say_different_numbers_of_residents(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_shapes(tmp_path / "towns.geojson", [NORTH, SOUTH], ["A", "A"], population=[3, 4])
    assert "the pieces of A give 2 different numbers" in area_faults(tmp_path)[0]


def test_a_walk_for_a_town_that_is_none(tmp_path: Path) -> None:
    fault = faults_of(write_study(tmp_path), 'walk.towns."嘉定".minutes=20', 'walk.towns."安亭镇".minutes=20')
    assert [(one.column, one.value) for one in fault] == [("walk.towns", "安亭镇")]
