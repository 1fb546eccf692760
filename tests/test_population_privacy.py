"""Nobody gets past the door: planted names, numbers and phones are in no table, warning, error or trace of one."""

from __future__ import annotations

import traceback
import warnings

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import shapely
from people import degrees, study_in, towns_of, write_csv, write_raster

from planner.errors import PlannerError, PlannerWarning
from planner.sources.population import read_demand_with_tally
from planner.sources.population.door import is_id_number, is_name, is_phone
from planner.study import Group

SQUARE = shapely.box(0, 0, 400, 400)
NAMES = ("王小明", "李桂兰", "欧阳修远")
IDS = ("11010519491231002X", "110101199003074856", "310114850615123")
PHONES = ("13800138000", "15912345678", "021-59530000")
NOTES = ("PLANTED-a", "PLANTED-b", "PLANTED-c")
PLANTED = (*NAMES, *IDS, *PHONES, *NOTES, "31011")
HEADER = ("姓名", "身份证号", "联系电话", "备注", "lon", "lat")


@pytest.fixture
def town(tmp_path):
    write_raster(tmp_path / "people.tif", np.full((4, 4), 10.0))
    return tmp_path


def records(places=((50, 50), (150, 50), (250, 350))):
    return [[*who, *degrees(*place)] for *who, place in zip(NAMES, IDS, PHONES, NOTES, places, strict=True)]


def everything_said(folder, group: Group) -> tuple[str, object]:
    """All that comes out of a reading: warnings, the error with its whole trace, the table, the tallies."""
    demand, tallies, said = None, (), []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            demand, tallies = read_demand_with_tally(study_in(folder, group, file="people.tif"), towns_of(A=SQUARE))
        except PlannerError as error:
            said += ["".join(traceback.format_exception(error)), repr(error), repr(error.faults), repr(vars(error))]
            said += [repr(link.__dict__) + repr(link.args) for link in chain(error)]
    said += [str(warning.message) for warning in caught]
    said += [str(tally) + repr(tally) for tally in tallies]
    said += [demand.to_csv(), repr(demand.attrs)] if demand is not None else []
    return "\n".join(said), demand


def chain(error: BaseException | None) -> list[BaseException]:
    links = []
    while error is not None:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def assert_nobody_in(said: str) -> None:
    assert [planted for planted in PLANTED if planted in said] == []


def write_xlsx(path, header, rows):
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.active.append(list(row))
    book.save(path)


def write_as(path, header, rows):
    if path.suffix == ".csv":
        write_csv(path, header, rows, "gb18030")
    elif path.suffix == ".xlsx":
        write_xlsx(path, header, rows)
    else:
        frame = gpd.GeoDataFrame(
            {name: [row[i] for row in rows] for i, name in enumerate(header[:-2])},
            geometry=[shapely.Point(*row[-2:]) for row in rows], crs="EPSG:4326",
        )  # fmt: skip
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson", ".gpkg", ".parquet"])
def test_a_list_of_people_becomes_counts_and_a_warning_names_the_columns(town, suffix):
    write_as(town / f"list{suffix}", HEADER, records())
    said, demand = everything_said(town, Group("jobless", file=f"list{suffix}"))
    assert_nobody_in(said)
    assert demand["pop_jobless"].sum() == 3.0
    assert "'姓名', '身份证号', '联系电话' may tell who people are; dropped at the door" in said


@pytest.mark.parametrize(("header", "values"), [("甲", IDS), ("乙", PHONES), ("丙", NAMES)])
def test_columns_are_known_by_what_they_hold_whatever_they_are_called(town, header, values):
    write_csv(town / "list.csv", [header, "lon", "lat"], [[v, *degrees(50, 50)] for v in values])
    said, demand = everything_said(town, Group("jobless", file="list.csv"))
    assert f"'{header}' may tell who people are" in said
    assert_nobody_in(said)
    assert demand["pop_jobless"].sum() == 3.0


def test_a_column_called_name_is_never_taken_for_a_town(town):
    write_csv(town / "list.csv", ["name", "phone", "phone", "lon", "lat"], [[*row[:1], 1, 2, *row[4:]] for row in records()])
    said, demand = everything_said(town, Group("jobless", file="list.csv"))
    assert "'name', 'phone' may tell who people are" in said
    assert_nobody_in(said)
    assert demand["pop_jobless"].sum() == 3.0


def test_numbers_that_a_spreadsheet_took_for_numbers_are_known_too(town):
    write_xlsx(
        town / "list.xlsx", ["甲", "lon", "lat"], [[310114199001011230, *degrees(50, 50)], [13800138000, *degrees(50, 50)]]
    )
    said, _ = everything_said(town, Group("jobless", file="list.xlsx"))
    assert "'甲' may tell who people are" in said
    assert_nobody_in(said)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda rows: rows[0].__setitem__(4, "PLANTED-lon"), "the longitude is not a number"),
        (lambda rows: rows[1].__setitem__(5, "王小明"), "the latitude is not a number"),
        (lambda rows: rows[2].__setitem__(4, 1.38001380e10), "no place on earth"),
        (lambda rows: rows.append([*rows[0], "PLANTED-too-much", "13800138000"]), "cells for 6 headers"),
        (lambda rows: [row.__setitem__(slice(4, 6), degrees(90_000, 50)) for row in rows], "none in the area"),
    ],
)
def test_faults_of_a_list_say_row_and_column_but_never_the_cell(town, spoil, expected):
    rows = records()
    spoil(rows)
    write_csv(town / "list.csv", HEADER, rows)
    said, _ = everything_said(town, Group("jobless", file="list.csv"))
    assert expected in said
    assert_nobody_in(said)


@pytest.mark.parametrize("column", ["姓名", "身份证号", "联系电话", "备注"])
def test_a_column_of_people_is_never_taken_for_counts(town, column):
    write_csv(town / "list.csv", HEADER, records())
    said, demand = everything_said(town, Group("jobless", file="list.csv", column=column))
    assert demand is None
    assert_nobody_in(said)


def test_a_column_that_is_not_there_is_told_without_the_headers_of_people(town):
    write_csv(town / "list.csv", [*HEADER[:4], "count_2024", *HEADER[4:]], [[*row[:4], 1, *row[4:]] for row in records()])
    said, _ = everything_said(town, Group("jobless", file="list.csv", column="count_2042"))
    assert "did you mean 'count_2024'" in said
    assert_nobody_in(said)


def test_a_file_without_headers_is_refused_without_a_word_of_its_first_row(town):
    write_csv(town / "list.csv", records()[0], records()[1:])
    said, demand = everything_said(town, Group("jobless", file="list.csv"))
    assert demand is None
    assert "the first row is a record, not headers" in said
    assert_nobody_in(said)


def test_a_header_that_is_a_name_is_called_by_its_place(town):
    write_csv(town / "list.csv", ["王小明", "lon", "lat"], [["李桂兰", *degrees(50, 50)], ["欧阳修远", *degrees(50, 50)]])
    said, _ = everything_said(town, Group("jobless", file="list.csv"))
    assert "column 1 may tell who people are" in said
    assert_nobody_in(said)


@pytest.mark.parametrize("column", [None, "n", "姓名"])
@pytest.mark.parametrize(
    "header",
    [
        "夔小梅",
        "310114199001011231",
        "138 0013 8000",
        "x@PLANTED-a.cn",
        "ZHANG Wei",
        "Name 13800138000",
        "１３８００１３８０００",
    ],
)
def test_headers_that_tell_of_somebody_are_said_by_no_message(town, header, column):
    """A file without headers, of people with rare names, wrong numbers, addresses: all headers but two are theirs."""
    write_csv(town / "list.csv", [header, "lon", "lat"], [["王小明", *degrees(50, 50)]] * 2)
    said, _ = everything_said(town, Group("jobless", file="list.csv", column=column))
    assert header not in said
    assert_nobody_in(said)


@pytest.mark.parametrize("title", ["王小明", "夔小梅"])
def test_a_title_that_is_a_name_is_not_proposed_as_a_column_of_counts(town, title):
    write_csv(town / "list.csv", [title, "", ""], [[3, *degrees(50, 50)], [4, *degrees(50, 50)]])
    said, _ = everything_said(town, Group("jobless", file="list.csv", column="n"))
    assert "there is no column 'n'" in said
    assert title not in said


def test_what_stands_in_brackets_behind_a_header_is_not_said(town):
    write_csv(town / "list.csv", ["人数（王小明13800138000）", "lon", "lat"], [["many", *degrees(50, 50)]])
    said, _ = everything_said(town, Group("jobless", file="list.csv"))
    assert "人数: the count is not a number" in said
    assert_nobody_in(said)


@pytest.mark.parametrize("phone", ["13800138000", "59530000", "9539876"])
def test_a_phone_among_counts_is_no_count_and_no_sum_of_them_is_said(town, phone):
    rows = [[1, *degrees(50, 50)], [1, *degrees(50, 50)], [1, *degrees(50, 50)], [phone, *degrees(50, 50)]]
    write_csv(town / "list.csv", ["n", "lon", "lat"], rows)
    said, demand = everything_said(town, Group("jobless", file="list.csv", column="n"))
    assert demand is None
    assert phone[2:6] not in said.replace(",", "")
    assert_nobody_in(said)


def test_town_names_that_are_people_are_not_repeated(town):
    write_csv(town / "list.csv", ["town", "people"], [["王小明", 3], ["13800138000", 4]])
    said, _ = everything_said(town, Group("jobless", file="list.csv"))
    assert "row 2, town: no town of the area has this name" in said
    assert_nobody_in(said)


@pytest.mark.parametrize("broken", [b"\xff\xfe\x00", '姓名,lon,lat\n"王小明,121,31\n'.encode(), "王小明\x00".encode()])
def test_a_broken_file_is_refused_without_a_piece_of_it(town, broken):
    (town / "list.csv").write_bytes(broken)
    said, demand = everything_said(town, Group("jobless", file="list.csv"))
    assert demand is None
    assert_nobody_in(said)


def test_a_broken_geojson_is_refused_without_a_piece_of_it(town):
    (town / "list.geojson").write_text('{"type":"FeatureCollection","features":[{"properties":{"n":"王小明', encoding="utf-8")
    said, demand = everything_said(town, Group("jobless", file="list.geojson"))
    assert demand is None
    assert_nobody_in(said)


def test_counts_that_are_none_are_not_repeated(town):
    write_csv(town / "list.csv", ["lon", "lat", "n"], [[*degrees(50, 50), "PLANTED-a"], [*degrees(50, 50), 1]] * 3)
    said, _ = everything_said(town, Group("jobless", file="list.csv", column="n"))
    assert "row 2, n: the count is not a number" in said
    assert_nobody_in(said)


def test_identity_numbers_are_known_by_their_check_digit():
    assert all(is_id_number(text) for text in ("11010519491231002x", " 110101199003074856", "310114850615123"))
    assert not any(is_id_number(text) for text in ("110105194912310021", "110101199003074857", "31011485061512", "3.5"))


def test_phones_and_names_are_told_from_counts_and_places():
    assert all(is_phone(text) for text in ("13800138000", "+86 138-0013-8000", "021-59530000", "0512 66668888"))
    assert not any(is_phone(text) for text in ("121.47", "10000", "2024-06-30", "12800138000"))
    assert all(is_name(text) for text in ("王伟", "欧阳修远", "李桂兰"))
    assert not any(is_name(text) for text in ("嘉定", "居委会", "3", "Wang Wei", "王" * 5))


def test_a_file_called_by_somebodys_number_is_refused_without_its_name(town):
    write_csv(town / "list13800138000.csv", ["lon", "lat"], [degrees(50, 50)])
    said, demand = everything_said(town, Group("jobless", file="list13800138000.csv"))
    assert demand is None
    assert "groups.jobless.file: the name of the group's file has somebody's number in it" in said
    assert_nobody_in(said)


def test_an_ordinary_list_gives_no_warning(town):
    write_csv(town / "list.csv", ["lon", "lat", "age band"], [[*degrees(50, 50), "16-24"]])
    with warnings.catch_warnings():
        warnings.simplefilter("error", PlannerWarning)
        read_demand_with_tally(study_in(town, Group("jobless", file="list.csv"), file="people.tif"), towns_of(A=SQUARE))


def test_layers_and_sheets_called_after_people_are_not_named(town):
    frame = gpd.GeoDataFrame({"x": [1]}, geometry=gpd.points_from_xy(*zip(degrees(50, 50), strict=True)), crs="EPSG:4326")
    for layer, mode in ((NAMES[0], "w"), (NAMES[1], "a")):
        frame.to_file(town / "list.gpkg", layer=layer, mode=mode)
    book = openpyxl.Workbook()
    book.active.title = NAMES[0]
    book.active.append(["lon", "lat"])
    book.save(town / "list.xlsx")
    for group in (
        Group("x", file="list.gpkg"),
        Group("x", file="list.gpkg", layer="none"),
        Group("x", file="list.xlsx", layer="a"),
    ):
        said, demand = everything_said(town, group)
        assert demand is None
        assert "layers and sheets of a list of people are not named here" in said
        assert not [planted for planted in PLANTED if planted in said]
