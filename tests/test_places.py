"""Stations and candidates of a study: their towns, their area, their doubles, their date."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path

import pandas as pd
import pytest
from builders import CRS
from shapely.affinity import translate
from study_folders import HOSTS, NORTH, STATIONS, STUDY, write_study, write_towns

from planner.errors import Fault, PlannerError, PlannerWarning, StudyError, TableError
from planner.policy import Policy
from planner.progress import status_at, track_targets
from planner.schema import STATIONS as SCHEMA
from planner.sources.files import default_as_of, read_area, read_candidates, read_stations, read_study
from planner.sources.files.towns import match_town, nearest_town

HEAD = "station_id,name,lon,lat,town\n"


def stations_of(folder: Path, text: str, *overrides: str):
    return read_stations(read_study(write_study(folder, stations=text), overrides))


def faults_of(folder: Path, text: str) -> list[Fault]:
    with pytest.raises(TableError) as caught:
        stations_of(folder, text)
    return list(caught.value.faults)


def told(faults: list[Fault]) -> list[tuple]:
    return [(fault.row, fault.column, fault.problem) for fault in faults]


# -- names of towns ----------------------------------------------------------------------------------------------------------

TOWNS = ["嘉定镇街道", "嘉定工业区", "南翔镇", "菊园新区", "新成路街道", "真新街道", "外冈镇"]


@pytest.mark.parametrize(
    ("said", "town"),
    [
        ("南翔镇", "南翔镇"), ("南翔", "南翔镇"), (" 南 翔 镇 ", "南翔镇"), ("南翔镇人民政府", "南翔镇"), ("南翔乡", "南翔镇"),
        ("嘉定镇", "嘉定镇街道"), ("嘉定镇街道办事处", "嘉定镇街道"), ("工业区", None), ("嘉定", None), ("菊园", "菊园新区"),
        ("嘉定区南翔镇", "南翔镇"), ("上海市嘉定区嘉定工业区", "嘉定工业区"), ("新成路", "新成路街道"), ("真新镇", "真新街道"),
        ("安亭镇", None), ("", None), ("嘉定镇街道办", "嘉定镇街道"), ("嘉定工业区管委会", "嘉定工业区"),
        ("南翔镇政府", "南翔镇"), ("外冈镇、南翔镇", None), ("大南翔镇", None), ("南翔镇外冈镇", None),
    ],
)  # fmt: skip
def test_towns_are_known_by_the_names_people_use(said: str, town: str | None) -> None:
    assert match_town(said, TOWNS) == town


@pytest.mark.parametrize("ending", ["镇", "街道", "街道办事处", "工业区", "新区"])
def test_each_ending_may_be_left_out_and_a_miss_of_it_names_the_nearest(ending: str) -> None:
    towns = [f"{name}{ending}" for name in ("南翔", "安亭", "马陆")]
    assert {match_town(said, towns) for said in ("南翔", f"上海市嘉定区南翔{ending}", f" 南翔 {ending}")} == {f"南翔{ending}"}
    assert match_town(f"安停{ending}", towns) is None
    assert nearest_town(f"安停{ending}", towns) == f"did you mean '安亭{ending}'?"


@pytest.mark.parametrize("said", ["嘉定街道", "嘉定新区", "菊园街道", "南翔工业区"])
def test_a_zone_is_no_town_of_its_name(said: str) -> None:
    assert match_town(said, TOWNS) is None


def test_names_in_other_scripts_are_matched_without_case_and_spaces() -> None:
    assert match_town("töölö ", ["Töölö", "Kallio"]) == "Töölö"
    assert match_town("Töö", ["Töölö", "Kallio"]) is None


def test_a_miss_names_the_nearest() -> None:
    assert nearest_town("外岗镇", TOWNS) == "did you mean '外冈镇'?"
    assert nearest_town("xyz", ["A", "B"]) == "the towns are A, B"


def test_a_name_that_two_towns_share_says_both() -> None:
    assert match_town("安亭", ["安亭镇", "安亭街道"]) is None
    assert nearest_town("安亭", ["安亭镇", "安亭街道", "南翔镇"]) == "say which is meant, '安亭镇' or '安亭街道'"


# -- stations ----------------------------------------------------------------------------------------------------------------


def test_stations_of_every_status_are_read_into_their_towns(tmp_path: Path) -> None:
    stations = stations_of(tmp_path, STATIONS)
    assert stations["town"].tolist() == ["嘉定镇街道", "南翔镇", "南翔镇"]
    assert stations["status"].tolist() == ["built", "accepted", "planned"]
    assert stations.crs == CRS
    pd.testing.assert_frame_equal(pd.DataFrame(SCHEMA.conform(stations)), pd.DataFrame(stations))


def test_without_a_status_a_station_is_built(tmp_path: Path) -> None:
    assert stations_of(tmp_path, HEAD + "a,A,121.24,31.38,\n")["status"].tolist() == ["built"]
    text = "station_id,name,lon,lat,状态\na,A,121.24,31.38,\nb,B,121.24,31.37,关闭\n"
    assert stations_of(tmp_path, text)["status"].tolist() == ["built", "closed"]


def test_towns_are_called_as_the_area_calls_them(tmp_path: Path) -> None:
    text = HEAD + "a,A,121.24,31.38,嘉定镇\nb,B,121.24,31.34,南翔\nc,C,121.24,31.39,\n"
    assert stations_of(tmp_path, text)["town"].tolist() == ["嘉定镇街道", "南翔镇", "嘉定镇街道"]


def test_a_town_nobody_knows_is_a_fault_that_names_the_nearest(tmp_path: Path) -> None:
    fault = faults_of(tmp_path, HEAD + "a,A,121.24,31.34,南祥镇\n")
    assert told(fault) == [(2, "town", "there is no such town")]
    assert fault[0].mend == "did you mean '南翔镇'?"


def test_a_place_far_from_the_town_it_names(tmp_path: Path) -> None:
    fault = faults_of(tmp_path, HEAD + "a,A,121.24,31.398,南翔镇\n")
    assert told(fault) == [(2, "town", "the place lies 4.2 km from the town it names")]


def test_a_place_just_over_the_border_of_its_town_is_only_said(tmp_path: Path) -> None:
    with pytest.warns(PlannerWarning, match="1 places lie just outside the town they name; the first is row 2"):
        stations = stations_of(tmp_path, HEAD + "a,A,121.24,31.361,南翔镇\n")
    assert stations["town"].tolist() == ["南翔镇"]


def test_a_station_within_one_walk_of_the_area_is_lawful(tmp_path: Path) -> None:
    stations = stations_of(tmp_path, HEAD + "a,A,121.215,31.34,\n")
    assert stations["town"].isna().tolist() == [True]


def test_a_station_far_outside_is_a_fault_in_kilometres(tmp_path: Path) -> None:
    fault = faults_of(tmp_path, HEAD + "a,A,121.24,31.38,\nb,B,121.24,31.49,\nc,C,0,0,\n")
    assert [(one.row, one.column) for one in fault] == [(3, "lon, lat"), (4, "lon, lat")]
    assert fault[0].problem == "the place lies 10.0 km outside the area"
    assert fault[0].value == "121.24, 31.49"


def test_all_stations_outside_are_one_fault_about_the_file(tmp_path: Path) -> None:
    fault = faults_of(tmp_path, HEAD + "a,A,24.94,60.17,\nb,B,24.95,60.18,\n")
    assert len(fault) == 1
    assert fault[0].problem.startswith("all 2 places lie outside the area, the nearest")
    assert "`coordinates`" in fault[0].mend


@pytest.mark.parametrize("rows", [1, 3])
def test_axes_swapped_where_both_are_lawful_numbers(tmp_path: Path, rows: int) -> None:
    """Porto Alegre: -51 and -30 are lawful either way round, so that only the area tells."""
    text = HEAD + "".join(f"s{i},A,{-30.02 - i / 1000},{-51.16},\n" for i in range(rows))
    write_study(tmp_path, stations=text)
    write_towns(tmp_path / "towns.geojson", {"Porto Alegre": translate(NORTH, -172.4, -61.4)})
    with pytest.raises(TableError) as caught:
        read_stations(read_study(tmp_path))
    said = "longitude and latitude are swapped" + (" in all 3 rows" if rows == 3 else "")
    assert [fault.problem for fault in caught.value.faults] == [said]


def test_faults_of_places_come_with_the_others(tmp_path: Path) -> None:
    rows = ["a,A,121.24,31.38,,-1", "b,B,x,31.38,,", "c,C,121.24,31.49,,", "d,D,121.24,31.37,Nowhere,"]
    text = "\n".join(["station_id,name,lon,lat,town,staff", *rows])
    assert told(faults_of(tmp_path, text)) == [
        (3, "lon", "the longitude is not a number"),
        (4, "lon, lat", "the place lies 10.0 km outside the area"),
        (5, "town", "there is no such town"),
        (2, "staff", "less than 0"),
    ]


def test_stations_at_one_place_are_said(tmp_path: Path) -> None:
    text = "station_id,name,lon,lat,status\na,A,121.24,31.38,\nb,B,121.24,31.38,{}\nc,C,121.24,31.37,\n"
    with pytest.warns(PlannerWarning, match="1 stand at the place of another; the first are a and b"):
        stations_of(tmp_path, text.format("built"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stations_of(tmp_path, text.format("closed"))


# -- the date ----------------------------------------------------------------------------------------------------------------


def test_the_last_date_of_a_status_is_the_studys_date(tmp_path: Path) -> None:
    text = """\
station_id,name,lon,lat,status,opened,closed
a,A,121.24,31.38,built,2024-05-01,
b,B,121.24,31.37,closed,2020-01-01,2025-03-31
c,C,121.24,31.36,planned,2027-01-01,
"""
    assert default_as_of(stations_of(tmp_path, text)) == dt.date(2025, 3, 31)


def test_without_any_date_the_study_must_say_it(tmp_path: Path) -> None:
    for text in (HEAD + "a,A,121.24,31.38,\n", "station_id,name,lon,lat,opened\na,A,121.24,31.38,\n"):
        with pytest.raises(StudyError, match="as_of"):
            default_as_of(stations_of(tmp_path, text))


def test_a_table_of_plans_has_dates_but_none_that_a_station_stands_since(tmp_path: Path) -> None:
    text = "station_id,name,lon,lat,状态,启用日期\na,A,121.24,31.38,在建,2025-09-01\nb,B,121.24,31.37,在建,2025-10-01\n"
    with pytest.raises(StudyError, match="are of planned or applied ones: none says since when a station stands"):
        default_as_of(stations_of(tmp_path, text))


def test_tracking_and_a_run_mean_the_same_last_date_of_the_table(tmp_path: Path) -> None:
    """The day a station opened is one on which something happened, after it was built too; what a plan says is none."""
    text = """\
station_id,name,lon,lat,status,planned_on,built_on,opened
a,A,121.24,31.38,built,,2025-08-07,2025-09-26
b,B,121.24,31.37,planned,2025-12-01,,
c,C,121.24,31.36,planned,,,2027-01-01
"""
    stations = stations_of(tmp_path, text)
    last = default_as_of(stations)
    assert last == dt.date(2025, 9, 26)
    assert status_at(stations, last).fillna("").tolist() == ["built", "", "planned"]
    with pytest.warns(PlannerWarning, match="not told before 2025-09-26, the last date of the table"):
        track_targets(Policy("p", "p", "p", "us"), stations, list(stations["town"]), last - dt.timedelta(days=1))


# -- candidates --------------------------------------------------------------------------------------------------------------


def test_candidates_of_all_blocks_stand_together(tmp_path: Path) -> None:
    study = STUDY + '[[candidates]]\nfile = "more.csv"\n'
    write_study(tmp_path, study=study)
    (tmp_path / "more.csv").write_text("编号,名称,经度,纬度,必选,建设成本\nm1,大厅,121.24,31.37,是,1200\n")
    candidates = read_candidates(read_study(tmp_path))
    assert candidates.index.tolist() == ["h1", "h2", "m1"]
    assert candidates["town"].tolist() == ["嘉定镇街道", "南翔镇", "嘉定镇街道"]
    assert bool(candidates.loc["m1", "required"])
    assert candidates["cost"].fillna(-1).tolist() == [-1, -1, 1200]


def test_a_study_without_candidates_has_an_empty_table_of_them(tmp_path: Path) -> None:
    text = STUDY.replace('[[candidates]]\nfile = "hosts.csv"\n', "")
    assert len(read_candidates(read_study(write_study(tmp_path, study=text)))) == 0


def test_an_id_in_two_files_names_both(tmp_path: Path) -> None:
    write_study(tmp_path, study=STUDY + '[[candidates]]\nfile = "more.csv"\n')
    (tmp_path / "more.csv").write_text("site_id,name,lon,lat\nh1,Hall,121.24,31.37\n")
    with pytest.raises(TableError) as caught:
        read_candidates(read_study(tmp_path))
    assert [str(fault) for fault in caught.value.faults] == [
        "site_id = 'h1': the id stands in hosts.csv and in more.csv; make ids unique"
    ]


def test_faults_of_all_blocks_come_at_once(tmp_path: Path) -> None:
    write_study(tmp_path, study=STUDY + '[[candidates]]\nfile = "more.csv"\n', hosts=HOSTS + "h3,,121.24,31.37\n")
    with pytest.raises(TableError) as caught:
        read_candidates(read_study(tmp_path))
    assert [(fault.file, fault.problem) for fault in caught.value.faults] == [
        ("hosts.csv", "the value is missing"),
        ("more.csv", "there is no such file"),
    ]


def test_one_place_by_one_name_is_one_candidate(tmp_path: Path) -> None:
    write_study(tmp_path, hosts=HOSTS + "h3,LIBRARY ,121.243,31.383001\nh4,Cafe,121.243,31.383\n")
    with pytest.warns(PlannerWarning, match=r"1 repeat the name of another at the same place and are left out \(h3\)"):
        candidates = read_candidates(read_study(tmp_path))
    assert candidates.index.tolist() == ["h1", "h2", "h4"]


def test_a_candidate_where_a_station_stands_is_said(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, hosts=HOSTS + "h3,Same,121.24,31.38\n"))
    stations = read_stations(study)
    with pytest.warns(PlannerWarning, match="1 stand where a station stands already; the first is h3 at station a"):
        assert len(read_candidates(study, stations=stations)) == 3
    closed = stations.assign(status="closed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_candidates(study, towns=read_area(study), stations=closed)


# -- premises out of a street extract ----------------------------------------------------------------------------------------

OSM = """\
<osm version="0.6">
 <node id="1" lon="121.24" lat="31.38"><tag k="amenity" v="library"/><tag k="name" v="图书馆"/></node>
 <node id="2" lon="121.25" lat="31.34"><tag k="amenity" v="townhall"/></node>
 <node id="3" lon="121.215" lat="31.34"><tag k="amenity" v="townhall"/><tag k="name" v="Outside"/></node>
 <node id="4" lon="121.35" lat="31.34"><tag k="amenity" v="townhall"/><tag k="name" v="Far"/></node>
</osm>
"""


def test_stations_and_candidates_may_be_premises_of_the_extract(tmp_path: Path) -> None:
    text = STUDY.replace('file = "stations.csv"', 'osm = ["amenity=townhall"]')
    text += '[[candidates]]\nosm = ["amenity=library"]\n[[candidates]]\nosm = ["amenity=*"]\n'
    write_study(tmp_path, study=text)
    (tmp_path / "network.osm").write_text(OSM)
    study = read_study(tmp_path)
    stations, candidates = read_stations(study), read_candidates(study)
    assert stations["name"].tolist() == ["townhall (unnamed)", "Outside"]
    assert stations["town"].fillna("").tolist() == ["南翔镇", ""]
    assert stations["lon"].round(6).tolist() == [121.25, 121.215]
    assert candidates.index.tolist() == ["h1", "h2", "n1", "n2"]
    assert candidates.loc["n1", "name"] == "图书馆"


def test_premises_need_an_extract(tmp_path: Path) -> None:
    text = STUDY.replace('file = "stations.csv"', 'osm = ["amenity=townhall"]').replace(
        'file = "network.osm"', 'place = "Jiading"'
    )
    study = read_study(write_study(tmp_path, study=text))
    with pytest.raises(PlannerError, match=r"there is no network\.file to read premises from"):
        read_stations(study)


def test_tags_that_nothing_has_are_said(tmp_path: Path) -> None:
    write_study(tmp_path, study=STUDY + '[[candidates]]\nosm = ["amenity=cinema", "amenity=theatre"]\n')
    (tmp_path / "network.osm").write_text(OSM)
    with pytest.warns(
        PlannerWarning, match=r"candidates\.2: no premises with amenity=cinema or amenity=theatre lie in the area"
    ):
        assert read_candidates(read_study(tmp_path)).index.tolist() == ["h1", "h2"]
