"""The gate: what passes, in which types, and what is said of what does not."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import CRS, demand_at, stations_at
from shapely.geometry import LineString, Point, Polygon

from planner.errors import CrsError, TableError
from planner.schema import (
    CANDIDATES,
    DEMAND,
    ISOCHRONES,
    STATIONS,
    STATUSES,
    TOWN_SCORES,
    TOWNS,
    Kind,
    as_date,
    as_number,
    as_text,
    fold,
)
from planner.schema import tables as all_tables
from planner.schema.gate import Schema


def stations(crs: str | None = CRS, **columns: list) -> gpd.GeoDataFrame:
    """Two stations with columns as a file may have them, unchecked."""
    frame = {"station_id": ["a", "b"], "name": ["A", "B"], **columns}
    return gpd.GeoDataFrame(frame, geometry=[Point(0, 0), Point(100, 0)], crs=crs)


def faults_of(frame, schema: Schema = STATIONS, source: str = "stations.csv") -> list[tuple]:
    """Row, column and problem of every fault."""
    with pytest.raises(TableError) as caught:
        schema.conform(frame, source=source)
    assert all(fault.file == source for fault in caught.value.faults)
    return [(fault.row, fault.column, fault.problem) for fault in caught.value.faults]


# -- headers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("station_id", "station_id"),
        ("Station ID", "station_id"),
        ("ＳＴＡＴＩＯＮ＿ＩＤ", "station_id"),
        ("站点编号*", "station_id"),
        (" 站 点 名 称 ", "name"),
        ("\ufeff经度", "lon"),
        ("纬度（度）", "lat"),
        ("longitude (°)", "lon"),
        ("所属街镇：", "town"),
        ("开放时间(周一至周五)", "hours"),
        ("备注", None),
        ("（经度）", None),
        ("", None),
    ],
)
def test_headers_are_understood_in_both_languages(header: str, name: str | None) -> None:
    assert STATIONS.column_for(header) == name


def every_schema() -> list[Schema]:
    return [held for held in vars(all_tables).values() if isinstance(held, Schema)]


def test_no_header_of_a_table_means_two_columns() -> None:
    for schema in every_schema():
        for column in schema:
            for word in (column.name, column.en, column.zh, *column.aliases):
                meant = [other.name for other in schema if not other.is_family and other.matches(word)]
                assert len(meant) <= 1, f"{schema.name}: {word!r} means {meant}"


def test_what_we_write_as_a_label_we_read_as_a_header() -> None:
    for schema in every_schema():
        for column in schema:
            if not column.is_family:
                assert schema.column_for(column.label("en")) == column.name
                assert schema.column_for(column.label("zh")) == column.name


def test_a_group_column_is_its_family() -> None:
    assert DEMAND["pop_unemployed"].name == "pop_<group>"
    assert DEMAND.column_for("pop_unemployed") == "pop_unemployed"
    with pytest.raises(KeyError):
        DEMAND["colour"]


def test_fold_forgives_what_people_type() -> None:
    assert fold("ｃｏｕｎｔ－A ") == fold("Count A")


# -- types -----------------------------------------------------------------------------------------------------------------


def test_columns_come_in_the_schemas_order_and_types_whatever_the_file_had() -> None:
    given = stations(
        remark=["x", "y"], unified_sign=["是", "0"], opened=["2025年6月3日", "2024/12/31"], staff=["１，２００", "3"],
        status=["已验收", " Planned "], phone=[59990000.0, "021-5999"],
    )  # fmt: skip
    table = STATIONS.conform(given[given.columns[::-1]])
    assert list(table.columns) == ["name", "status", "opened", "staff", "phone", "unified_sign", "geometry", "remark"]
    assert table["status"].tolist() == ["accepted", "planned"]
    assert table["opened"].dt.date.tolist() == [dt.date(2025, 6, 3), dt.date(2024, 12, 31)]
    assert table["opened"].dtype == "datetime64[us]"
    assert table["staff"].tolist() == [1200.0, 3.0]
    assert table["unified_sign"].tolist() == [True, False]
    assert table["unified_sign"].dtype == bool
    assert table["phone"].tolist() == ["59990000", "021-5999"]


def test_what_is_missing_stays_missing() -> None:
    table = STATIONS.conform(stations(opened=["", None], staff=[np.nan, " "], equipment=[None, "有"], town=["", pd.NA]))
    assert table["opened"].isna().all()
    assert table["staff"].isna().all()
    assert table["town"].isna().all()
    assert table["equipment"].isna().tolist() == [True, False]
    assert table["equipment"].dtype == "boolean"


def test_the_key_is_text_as_people_see_it() -> None:
    frame = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=[Point(0, 0), Point(1, 1)], crs=CRS)
    assert STATIONS.conform(frame.assign(station_id=[1, 2])).index.tolist() == ["1", "2"]
    assert STATIONS.conform(frame.assign(station_id=[1.0, 2.0])).index.tolist() == ["1", "2"]
    assert STATIONS.conform(frame.assign(station_id=["007", " 8 "])).index.tolist() == ["007", "8"]
    assert STATIONS.conform(frame.set_index(pd.Index([5, 6], name="station_id"))).index.tolist() == ["5", "6"]


def test_a_key_of_two_columns_is_an_index_of_two_levels() -> None:
    square = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)])
    frame = gpd.GeoDataFrame({"station_id": ["a", "a"], "minutes": ["5", 10]}, geometry=[square, square], crs=CRS)
    assert ISOCHRONES.conform(frame).index.tolist() == [("a", 5.0), ("a", 10.0)]
    assert faults_of(frame.assign(minutes=[5, 5]), ISOCHRONES, "") == [
        ("('a', 5)", "station_id, minutes", "the key stands twice")
    ]


def test_the_callers_table_is_left_alone() -> None:
    given = stations(staff=["1", "2"], source_row=[2, 3])
    before = given.copy()
    STATIONS.conform(given)
    pd.testing.assert_frame_equal(pd.DataFrame(given), pd.DataFrame(before))


def test_a_table_without_geometry_needs_none() -> None:
    columns = {"town": ["A"], "population": [10], "covered_pop": [5], "coverage": [0.5], "stations": [1]}
    table = TOWN_SCORES.conform(pd.DataFrame(columns))
    assert table.index.tolist() == ["A"]
    assert table["stations"].dtype == "int64"


def test_an_empty_table_is_a_table() -> None:
    empty = gpd.GeoDataFrame({"station_id": [], "name": []}, geometry=[], crs=CRS)
    assert len(STATIONS.conform(empty)) == 0


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("１２．５", 12.5),
        ("1,234,567", 1_234_567.0),
        (" 3 ", 3.0),
        ("-4", -4.0),
        ("1e3", 1000.0),
        ("−2", -2.0),
        (5, 5.0),
        (".5", 0.5),
    ],
)
def test_numbers_as_people_type_them(cell: object, number: float) -> None:
    assert as_number(cell) == number


@pytest.mark.parametrize(
    "cell", ["31,38", "1,23", "0x10", "1_000", "inf", "nan", "12人", "85%", "--", True, "１２３abc", "1e9999", "4e345"]
)
def test_what_is_no_number_is_none(cell: object) -> None:
    assert np.isnan(as_number(cell))


@pytest.mark.parametrize(
    "cell",
    ["2025-06-03", "2025/6/3", "2025.6.3", "２０２５年６月３日", "2025年06月03", "20250603", 20250603, 20250603.0,
     "2025-06-03 08:30:00", "2025-06-03T08:30", dt.date(2025, 6, 3), dt.datetime(2025, 6, 3, 23, 59), pd.Timestamp(2025, 6, 3)],
    ids=str,
)  # fmt: skip
def test_dates_as_people_type_them(cell: object) -> None:
    assert as_date(cell) == dt.date(2025, 6, 3)


@pytest.mark.parametrize(
    "cell", ["2025-06", "2025年6月", "2025", 45811, "2025-02-30", "03/06/2025", "0205-06-03", "soon", "3025-01-01"]
)
def test_what_is_no_full_date_is_none(cell: object) -> None:
    assert as_date(cell) is None


def test_unseen_marks_leave_text() -> None:
    assert as_text("  a\u202eb\x00c\u200b\ufeff ") == "abc"
    assert as_text("line\nline") == "line\nline"
    assert as_text(3.5) == "3.5"


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_its_own_word(status: str) -> None:
    assert STATIONS.conform(stations(status=[status, status.upper()]))["status"].tolist() == [status, status]


# -- faults ----------------------------------------------------------------------------------------------------------------


def test_every_fault_is_said_at_once_with_row_column_and_value() -> None:
    frame = stations(
        source_row=[2, 3], staff=["-1", "many"], opened=["yesterday", "2025-01-01"], status=["built", "burnt"],
        lon=[200, 10], equipment=["maybe", "1"], rating=[True, 4],
    )  # fmt: skip
    assert faults_of(frame.assign(name=["", "B"])) == [
        (2, "name", "the value is missing"),
        (2, "lon", "outside -180 … 180"),
        (3, "status", "not a known word"),
        (2, "opened", "not a full date"),
        (2, "staff", "less than 0"),
        (3, "staff", "not a number"),
        (2, "equipment", "neither yes nor no"),
        (2, "rating", "not a number"),
    ]


def test_a_fault_names_the_value_and_the_mend() -> None:
    with pytest.raises(TableError) as caught:
        STATIONS.conform(stations(status=["built", "burnt"], source_row=[2, 3]), source="stations.csv")
    said = (
        "stations.csv, row 3, status = 'burnt': not a known word; use one of "
        "planned (规划、规划中、计划、拟建、待建、筹建、在建、建设中), applied (申报、已申报、申报中、申请、已申请、申请中), "
        "built (建成、已建、已建成、建成待验收、待验收、试运营、试运行、在用、运营、运营中、"
        "运行、运行中、正常、开放、启用、已启用), "
        "accepted (验收、已验收、验收通过、验收合格、已验收合格、通过验收、已挂牌), "
    )
    assert str(caught.value.faults[0]) == said + "closed (关闭、已关闭、撤销、已撤销、停用、已停用)"
    assert caught.value.table == "stations"


def test_a_status_may_be_what_the_workbook_calls_it() -> None:
    words = {"建成待验收": "built", "验收合格": "accepted", "已验收合格": "accepted", "拟建": "planned", "待建": "planned"}
    for word, meant in words.items():
        assert STATIONS.conform(stations(status=[word, "closed"]))["status"].tolist() == [meant, "closed"]


def test_missing_columns_are_named_in_both_languages() -> None:
    frame = gpd.GeoDataFrame({"colour": ["red"]}, geometry=[Point(0, 0)], crs=CRS)
    with pytest.raises(TableError) as caught:
        STATIONS.conform(frame)
    assert [fault.problem for fault in caught.value.faults] == ["column 'station_id' is missing", "column 'name' is missing"]
    assert "站点编号" in caught.value.faults[0].mend


def test_keys_that_repeat_or_are_empty() -> None:
    assert faults_of(stations(source_row=[2, 3]).assign(station_id=["a", " a "])) == [
        (3, "station_id", "the key stands twice, first in row 2")
    ]
    assert faults_of(stations(source_row=[2, 3]).assign(station_id=["", "b"])) == [(2, "station_id", "the value is missing")]
    three = stations().iloc[[0, 1, 1, 0]].assign(station_id=["a", None, "a", "a"], source_row=[2, 3, 4, 5])
    assert faults_of(three) == [
        (3, "station_id", "the value is missing"),
        *((row, "station_id", "the key stands twice, first in row 2") for row in (4, 5)),
    ]


def test_a_decimal_comma_is_said_to_be_one() -> None:
    with pytest.raises(TableError, match="write a point before the decimals"):
        STATIONS.conform(stations(staff=["1,5", "2"]))


def test_whole_numbers_are_whole() -> None:
    table = pd.DataFrame({"town": ["A", "B"], "population": 1, "covered_pop": 1, "stations": ["1.5", "1e300"]})
    assert [problem for _, _, problem in faults_of(table, TOWN_SCORES)] == ["not a whole number", "not a whole number"]


def test_infinite_numbers_are_no_numbers() -> None:
    assert faults_of(stations(source_row=[2, 3], staff=[np.inf, 1.0])) == [(2, "staff", "not a number")]


def test_a_column_that_stands_twice_is_a_fault() -> None:
    frame = stations()
    assert faults_of(pd.concat([frame, frame[["name"]]], axis=1)) == [(None, "name", "the column stands twice")]


def test_shapes_of_the_wrong_kind() -> None:
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    frame = stations(source_row=[2, 3])
    assert faults_of(frame.set_geometry([LineString([(0, 0), (1, 1)]), None], crs=CRS)) == [
        (3, "geometry", "the geometry is empty"),
        (2, "geometry", "the geometry is not a Point"),
    ]
    towns = gpd.GeoDataFrame({"town": ["A"]}, geometry=[bow], crs=CRS)
    assert faults_of(towns, TOWNS, "towns.geojson") == [("A", "geometry", "the geometry is invalid")]


def test_a_point_that_is_nowhere_is_invalid() -> None:
    assert faults_of(stations(source_row=[2, 3]).set_geometry([Point(np.nan, np.nan), Point(0, 0)], crs=CRS)) == [
        (2, "geometry", "the geometry is invalid")
    ]


@pytest.mark.parametrize("crs", [None, "EPSG:4326", "EPSG:2263"], ids=["none", "degrees", "feet"])
def test_a_crs_that_is_not_in_metres_is_an_error_with_the_other_faults(crs: str | None) -> None:
    with pytest.raises(CrsError) as caught:
        STATIONS.conform(stations(crs=crs, staff=["-1", "2"]))
    assert len(caught.value.faults) == 2
    assert "to_crs" in caught.value.faults[0].mend


def test_a_plain_table_where_shapes_are_needed() -> None:
    assert faults_of(pd.DataFrame({"station_id": ["a"], "name": ["A"]})) == [(None, None, "the table has no geometry")]


def test_tables_made_for_tests_pass() -> None:
    assert STATIONS.conform(stations_at((0, 0), (1, 1))).index.tolist() == ["s0", "s1"]
    assert DEMAND.conform(demand_at([(0, 0)], 3)).index.tolist() == [0]


def test_each_column_has_labels_in_both_languages() -> None:
    for schema in every_schema():
        for column in schema:
            assert column.en
            assert column.zh
            assert column.choices or column.kind is not Kind.CHOICE


def test_a_required_candidate_is_a_flag() -> None:
    frame = gpd.GeoDataFrame({"site_id": ["c"], "name": ["C"], "required": ["必选"]}, geometry=[Point(0, 0)], crs=CRS)
    assert faults_of(frame, CANDIDATES) == [("c", "required", "neither yes nor no")]
