"""Tables as offices save them: encodings, spreadsheets, map files, datums; and what is said of what cannot be read."""

from __future__ import annotations

import datetime as dt
import json
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import MultiPoint, Point, box

from planner.datum import wgs84_to_bd09, wgs84_to_gcj02
from planner.errors import CrsError, Fault, PlannerError, SourceError, TableError
from planner.schema import STATIONS
from planner.sources.files import opening as opening_room
from planner.sources.files import read_table
from planner.sources.files import rows as rows_room
from planner.sources.files.text import decode, find_mark

CRS = "EPSG:32651"
LON, LAT = 121.25, 31.38

CHINESE = """\
站点编号,站点名称,经度,纬度,街镇,状态,启用日期
01,嘉定站,１２１．２５,31.38,嘉定镇街道,已验收,2025年6月3日
02,南翔站,121.31,31.30,南翔镇,,
"""
PLAIN = "station_id,name,lon,lat\na,A,121.25,31.38\nb,B,121.26,31.39\n"


def read(folder: Path, text: str | bytes, name: str = "stations.csv", **options: str) -> gpd.GeoDataFrame:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, STATIONS, CRS, **options)


def faults_of(folder: Path, text: str | bytes, name: str = "stations.csv", **options: str) -> list[Fault]:
    with pytest.raises(PlannerError) as caught:
        read(folder, text, name, **options)
    assert caught.value.faults
    assert all(fault.file.endswith(name) for fault in caught.value.faults)
    return list(caught.value.faults)


def told(faults: list[Fault]) -> list[tuple]:
    return [(fault.row, fault.column, fault.problem) for fault in faults]


def degrees(table: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """Where the geometries lie, in degrees, to a decimetre."""
    points = table.geometry.to_crs("EPSG:4326")
    return [(round(point.x, 6), round(point.y, 6)) for point in points]


# -- text --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "utf-16"])
def test_chinese_is_read_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    text = CHINESE.replace("１２１．２５", "121.25") if encoding == "gb2312" else CHINESE
    table = read(tmp_path, text.encode(encoding))
    assert table.index.tolist() == ["01", "02"]
    assert table["name"].tolist() == ["嘉定站", "南翔站"]
    assert table["town"].tolist() == ["嘉定镇街道", "南翔镇"]
    assert table["status"].fillna("").tolist() == ["accepted", ""]
    assert table["opened"].iloc[0].date() == dt.date(2025, 6, 3)
    assert degrees(table)[0] == (LON, LAT)
    assert table.crs == CRS


@pytest.mark.parametrize("mark", [",", ";", "\t", "，", "|"])
def test_cells_may_be_parted_by_any_usual_mark(tmp_path: Path, mark: str) -> None:
    assert read(tmp_path, CHINESE.replace(",", mark)).index.tolist() == ["01", "02"]


def test_commas_inside_quotes_part_nothing(tmp_path: Path) -> None:
    table = read(tmp_path, 'station_id;name;lon;lat;address\na;"A; B";121.25;31.38;"1, 2, 3, 4, 5, 6, 7"\n')
    assert table.loc["a", "name"] == "A; B"
    assert find_mark('a,b\n"1,5;2,5;3","x"\n') == ","
    assert find_mark("a,b,c\n" + '1,"one; two\nthree; four\n five; six",x\u2028y; z\n' * 4) == ","  # lines within a cell


def test_lines_end_as_on_any_machine(tmp_path: Path) -> None:
    for end in ("\r\n", "\r", "\n"):
        assert len(read(tmp_path, PLAIN.replace("\n", end))) == 2


def test_remarks_titles_and_empty_lines_above_the_headers(tmp_path: Path) -> None:
    text = "# a remark, with a comma\n\n嘉定区站点一览表,,,\n" + PLAIN + "\n,,,\nc,C,121.27,x\n"
    fault = faults_of(tmp_path, text)
    assert told(fault) == [(9, "lat", "the latitude is not a number")]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    text = '# remark\n# remark\nstation_id,name,lon,lat\na,"two\nlines",121.25,31.38\nb,B,,31.39\n'
    assert told(faults_of(tmp_path, text)) == [(5, "lon", "the longitude is missing")]


def test_unclosed_quotes_do_not_swallow_the_table(tmp_path: Path) -> None:
    assert "close every" in faults_of(tmp_path, PLAIN + 'c,"C,121.2,31.3\n')[0].mend


def test_more_cells_than_headers(tmp_path: Path) -> None:
    assert told(faults_of(tmp_path, PLAIN + "c,C,121.2,31.3,Road 1,2\n")) == [(4, None, "the row has 6 cells for 4 headers")]
    assert len(read(tmp_path, PLAIN + "c,C,121.2,31.3,,,\n")) == 3


def test_fewer_cells_than_headers_are_empty_cells(tmp_path: Path) -> None:
    assert read(tmp_path, "station_id,name,lon,lat,address\na,A,121.25,31.38\n")["address"].isna().all()


def test_damaged_utf8_is_not_taken_for_chinese(tmp_path: Path) -> None:
    raw = CHINESE.encode()
    at = raw.index("南翔站".encode()) + 1
    assert "line 3 is neither UTF-8 nor GB18030" in faults_of(tmp_path, raw[:at] + b"\xff" + raw[at + 1 :])[0].problem


@pytest.mark.parametrize(
    "raw", [b"\xff\xff\xfe,\xfd\n", "é,ü,ñ\n".encode("latin-1"), b"a,b\xff\n"], ids=["noise", "latin", "tail"]
)
def test_bytes_in_no_known_encoding_are_refused(raw: bytes) -> None:
    with pytest.raises(SourceError, match="neither UTF-8 nor GB18030"):
        decode(raw, "a.csv")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    assert "this is no text file" in faults_of(tmp_path, b"\x89PNG\r\n\x1a\n\x00\x00")[0].problem
    assert "mark says" in faults_of(tmp_path, b"\xef\xbb\xbf\xff\xff")[0].problem


@pytest.mark.parametrize("text", ["\n\n", " , ,\n", "# only remarks\n"], ids=["lines", "blanks", "remarks"])
def test_a_table_without_anything(tmp_path: Path, text: str) -> None:
    assert "the table is empty" in [fault.problem for fault in faults_of(tmp_path, text)]


def test_headers_alone_are_a_table_without_rows(tmp_path: Path) -> None:
    assert len(read(tmp_path, "station_id,name,lon,lat\n")) == 0


# -- headers -----------------------------------------------------------------------------------------------------------------


def test_two_headers_that_mean_one_column(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, "station_id,name,lon,lat,名称\na,A,121.25,31.38,B\n")
    assert [fault.problem for fault in faults] == ["the headers 'name' and '名称' both mean name"]


def test_an_alias_before_the_columns_own_name_is_a_second_header_too(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, "id,station_id,name,lon,lat\n1,a,A,121.25,31.38\n")
    assert [fault.problem for fault in faults] == ["the headers 'id' and 'station_id' both mean station_id"]


def test_a_header_that_stands_twice(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, "station_id,name,lon,lat,lon\na,A,121.25,31.38,5\n")
    assert told(faults) == [(None, "lon", "the header stands twice")]
    faults = faults_of(tmp_path, "station_id,name,lon,lat,备注,备注\na,A,121.25,31.38,5,6\n")
    assert told(faults) == [(None, "备注", "the header stands twice")]


def test_missing_columns_come_with_everything_else(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, "station_id,lat,staff\na,31.38,-1\na,31.38,x\n")
    assert told(faults) == [
        (None, None, "column 'lon' is missing"),
        (3, "station_id", "the key stands twice, first in row 2"),
        (None, None, "column 'name' is missing"),
        (2, "staff", "less than 0"),
        (3, "staff", "not a number"),
    ]


def test_other_columns_are_kept_as_they_are(tmp_path: Path) -> None:
    table = read(tmp_path, "备注,station_id,name,lon,lat,\nhello,a,A,121.25,31.38,\n")
    assert table.columns.tolist() == ["name", "lon", "lat", "备注", "geometry"]
    assert table.loc["a", "备注"] == "hello"


# -- where rows lie ----------------------------------------------------------------------------------------------------------


def test_faults_of_coordinates_name_row_and_value(tmp_path: Path) -> None:
    rows = ["a,A,121°15′,31.38", "b,B,,31.39", "c,C,121.2,391", "d,D,nan,31.2", "e,E,34512345,3456789", "f,F,121.2,31.2"]
    text = "\n".join(["station_id,name,lon,lat", *rows])
    faults = faults_of(tmp_path, text)
    assert told(faults) == [
        (2, "lon", "the longitude is not a number"),
        (3, "lon", "the longitude is missing"),
        (5, "lon", "the longitude is not a number"),
        (4, "lat", "this is no place on earth in degrees"),
        (6, "lon", "this is no place on earth in degrees"),
    ]
    assert faults[0].value == "121°15′"
    assert "decimal degrees" in faults[0].mend


def test_swapped_axes_are_said_to_be_swapped(tmp_path: Path) -> None:
    all_rows = faults_of(tmp_path, "station_id,name,lat,lon\na,A,121.25,31.38\nb,B,121.26,31.39\n")
    assert [fault.problem for fault in all_rows] == ["longitude and latitude are swapped in all 2 rows"]
    assert all_rows[0].mend == "swap the two headers"
    one_row = faults_of(tmp_path, PLAIN + "c,C,31.38,121.25\n")
    assert told(one_row) == [(4, "lat", "longitude and latitude are swapped")]


def test_a_pair_in_one_cell_as_map_pickers_copy_it(tmp_path: Path) -> None:
    table = read(tmp_path, 'station_id,name,坐标\na,A,"121.25,31.38"\nb,B,"（121.26，31.39）"\n')
    assert degrees(table) == [(121.25, 31.38), (121.26, 31.39)]


def test_coordinates_in_gcj02_and_bd09_are_brought_back(tmp_path: Path) -> None:
    for name, there in (("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)):
        lon, lat = there(LON, LAT)
        table = read(tmp_path, f"station_id,name,lon,lat\na,A,{float(lon):.9f},{float(lat):.9f}\n", coordinates=name)
        assert degrees(table) == [(LON, LAT)]
        assert (table["lon"].round(6).item(), table["lat"].round(6).item()) == (LON, LAT)


def test_coordinates_in_an_epsg_code(tmp_path: Path) -> None:
    metres = gpd.GeoSeries([Point(LON, LAT)], crs="EPSG:4326").to_crs("EPSG:4549").iloc[0]
    text = f"station_id,name,x,y\na,A,{metres.x:.3f},{metres.y:.3f}\n"
    table = read(tmp_path, text, coordinates="EPSG:4549")
    assert degrees(table) == [(LON, LAT)]
    assert table["lon"].item() == pytest.approx(LON, abs=1e-6)
    assert read(tmp_path, PLAIN, coordinates="cgcs2000").geometry.iloc[0].distance(table.geometry.iloc[0]) < 0.01


def test_coordinates_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    path.write_text(PLAIN)
    with pytest.raises(CrsError, match="EPSG:99999"):
        read_table(path, STATIONS, CRS, coordinates="EPSG:99999")


def test_places_a_crs_does_not_have(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, "station_id,name,x,y\na,A,1e30,1e30\n", coordinates="EPSG:4549")
    assert "there is no such place in EPSG:4549" in faults[0].problem


@pytest.mark.parametrize(("easting", "code"), [(40_618_908.66, "EPSG:4528"), (21_333_588.62, "EPSG:4499")])
def test_an_easting_that_begins_with_its_zone_is_said_with_the_code_that_counts_so(tmp_path, easting, code) -> None:
    text = f"station_id,name,x,y\na,A,{easting},3473781.44\n"
    assert code in faults_of(tmp_path, text, coordinates="EPSG:4549")[0].mend
    assert read(tmp_path, text, coordinates=code)["lat"].item() == pytest.approx(LAT, abs=0.1)


# -- workbooks ---------------------------------------------------------------------------------------------------------------


def workbook(path: Path, *rows: list, sheet: str = "站点") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


HEADERS = ["站点编号", "站点名称", "经度", "纬度", "启用日期", "统一标识"]


def test_a_workbook_with_a_title_and_real_dates(tmp_path: Path) -> None:
    path = tmp_path / "站点.xlsx"
    first, second = [1, "甲", 121.25, 31.38, dt.datetime(2025, 6, 3), "是"], ["02", "乙", "１２１.３", "31.3 ", "2025.7.1", 0]
    book = workbook(path, ["嘉定区站点一览表"], [], HEADERS, first, [None] * 6, second)
    book.active.merge_cells("A1:F1")
    book.save(path)
    table = read_table(path, STATIONS, CRS)
    assert table.index.tolist() == ["1", "02"]
    assert table["opened"].dt.date.tolist() == [dt.date(2025, 6, 3), dt.date(2025, 7, 1)]
    assert table["unified_sign"].tolist() == [True, False]
    assert degrees(table) == [(121.25, 31.38), (121.3, 31.3)]


def test_headers_in_two_rows_of_merged_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    rows = [["编号", "名称", "坐标信息", None], [None, None, "经度", "纬度"], ["a", "A", 121.25, 31.38]]
    book = workbook(path, *rows)
    for cells in ("A1:A2", "B1:B2", "C1:D1"):
        book.active.merge_cells(cells)
    book.save(path)
    assert degrees(read_table(path, STATIONS, CRS)) == [(LON, LAT)]


def test_rows_of_a_sheet_are_numbered_as_in_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, ["title"], HEADERS, ["a", "A", 121.25, 31.38], [], ["b", "B", None, 31.3], ["c", "C", 121.2, True])
    with pytest.raises(TableError) as caught:
        read_table(path, STATIONS, CRS)
    assert told(list(caught.value.faults)) == [
        (5, "lon", "the longitude is missing"),
        (6, "lat", "the latitude is not a number"),
    ]


def test_the_sheet_that_looks_like_the_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = workbook(path, ["说明"], ["请填写第二张表"])
    second = book.create_sheet("数据")
    for row in (HEADERS, ["a", "A", 121.25, 31.38, None, None]):
        second.append(row)
    book.save(path)
    assert read_table(path, STATIONS, CRS).index.tolist() == ["a"]


def test_a_hidden_sheet_is_read_only_where_it_is_named(tmp_path: Path) -> None:
    """Offices keep last year's table in a hidden sheet, often before the one they show."""
    path = tmp_path / "a.xlsx"
    book = workbook(path, HEADERS, ["old", "旧", 121.25, 31.38], sheet="旧版")
    book.active.sheet_state = "hidden"
    for row in (HEADERS, ["new", "新", 121.25, 31.38]):
        book["新版"].append(row) if "新版" in book.sheetnames else book.create_sheet("新版").append(row)
    book.save(path)
    assert read_table(path, STATIONS, CRS).index.tolist() == ["new"]
    assert read_table(path, STATIONS, CRS, layer="旧版").index.tolist() == ["old"]


def test_two_sheets_that_look_alike_are_not_read_by_halves(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = workbook(path, HEADERS, ["a", "A", 121.25, 31.38], sheet="上半年")
    book.create_sheet("模板").append(HEADERS)  # headers alone are no table
    book.save(path)
    assert read_table(path, STATIONS, CRS).index.tolist() == ["a"]
    book["模板"].append(["b", "B", 121.25, 31.38])
    book.save(path)
    with pytest.raises(SourceError, match=r"2 sheets have the headers of the table \(上半年, 模板\); .* layer = \"上半年\""):
        read_table(path, STATIONS, CRS)


def test_errors_of_formulas_are_no_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = workbook(path, HEADERS, ["a", "#REF!", 121.25, 31.38], ["#N/A", "B", "#VALUE!", 31.38])
    for cell in ("B2", "A3", "C3"):
        book.active[cell].data_type = "e"
    book.save(path)
    with pytest.raises(TableError) as caught:
        read_table(path, STATIONS, CRS)
    assert {(fault.row, fault.column, fault.value) for fault in caught.value.faults} == {
        *((2, "name", "#REF!"), (3, "station_id", "#N/A"), (3, "lon", "#VALUE!"))
    }


def test_a_date_that_a_sheet_made_of_opening_hours_is_no_text(tmp_path: Path) -> None:
    """Excel takes 9-17 for the 17th of September; what was typed is lost then, and nobody would see it on the map."""
    path = tmp_path / "a.xlsx"
    heads = [*HEADERS[:4], "hours", "services"]
    book = workbook(path, heads, ["a", "A", 121.25, 31.38, dt.datetime(2025, 9, 17), dt.date(2025, 1, 5)],
                    ["b", "B", 121.25, 31.38, dt.time(9, 0), "1-5"], ["c", "C", 121.25, 31.38, "9月17日", dt.timedelta(days=1)],
                    ["d", "D", 121.25, 31.38, "周一至周五 9:00–17:00", None])  # fmt: skip
    book.save(path)
    with pytest.raises(TableError) as caught:
        read_table(path, STATIONS, CRS)
    assert {(fault.row, fault.column) for fault in caught.value.faults} == {
        *((2, "hours"), (2, "services"), (4, "hours"), (4, "services"))
    }
    book.active.delete_rows(4)
    book.active.delete_rows(2)
    book.save(path)
    assert read_table(path, STATIONS, CRS)["hours"].tolist() == ["09:00", "周一至周五 9:00–17:00"]


def test_headers_said_again_are_no_rows(tmp_path: Path) -> None:
    """A second row of headers in the other language, and those that a print repeats on each page."""
    rows = ["编号,名称,经度,纬度", "station_id,name,lon,lat", "a,甲,121.25,31.38", "编号,名称,经度,纬度", "b,乙,121.26,31.38"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    assert read_table(tmp_path / "a.csv", STATIONS, CRS).index.tolist() == ["a", "b"]
    (tmp_path / "a.csv").write_text("\n".join([*rows, "编号,丙,121.26,31.38", "编号,丁,121.26,x"]), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "a.csv", STATIONS, CRS)
    assert [(fault.row, fault.column) for fault in caught.value.faults] == [(7, "lat"), (7, "station_id")]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.csv"])
@pytest.mark.parametrize(
    "start", ["<html><table>", "\ufeff <!DOCTYPE html>", '<?xml version="1.0"?><Workbook xmlns="urn:x:office:spreadsheet">']
)
def test_a_web_page_that_calls_itself_a_table_is_called_one(tmp_path: Path, name: str, start: str) -> None:
    (tmp_path / name).write_text(f"{start}<tr><td>编号,名称</td></tr>", encoding="utf-8")
    with pytest.raises(SourceError, match=r"web page or XML for Excel.*save it as \.xlsx"):
        read_table(tmp_path / name, STATIONS, CRS)


def test_values_of_formulas_are_read_and_missing_ones_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, HEADERS, ["a", "A", "=100+21.25", 31.38])
    with pytest.raises(TableError) as caught:
        read_table(path, STATIONS, CRS)
    assert told(list(caught.value.faults))[0] == (2, "column 3", "a formula has no value in the file")
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"<v></v>", b"<v>121.25</v>").replace(b"<v />", b"<v>121.25</v>")
    with zipfile.ZipFile(path, "w") as new:
        for name, raw in parts.items():
            new.writestr(name, raw)
    assert degrees(read_table(path, STATIONS, CRS)) == [(LON, LAT)]


def test_a_formula_that_gives_nothing_is_an_empty_cell_where_others_have_values(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [*HEADERS, "地址"], ["a", "A", "=121+0.25", 31.38, None, None, '=""'])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    for empty in (b"<v></v>", b"<v />"):
        parts[sheet] = parts[sheet].replace(empty, b"<v>121.25</v>", 1)
    with zipfile.ZipFile(path, "w") as new:
        for name, raw in parts.items():
            new.writestr(name, raw)
    table = read_table(path, STATIONS, CRS)
    assert degrees(table) == [(LON, LAT)]
    assert table["address"].isna().all()


@pytest.mark.parametrize("raw", [b"PK\x03\x04 cut off", b"not a zip at all", b"\xd0\xcf\x11\xe0 an old or locked workbook"])
def test_a_broken_workbook_is_said_to_be_broken(tmp_path: Path, raw: bytes) -> None:
    assert "copy it again" in faults_of(tmp_path, raw, "a.xlsx")[0].mend


def test_a_workbook_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, HEADERS, *[[f"s{i}", "A", 121.25, 31.38] for i in range(50)])
    raw = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        assert faults_of(tmp_path, raw[: int(len(raw) * share)], "a.xlsx")


def test_a_workbook_without_sheets_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "no workbook")
    assert "cannot be read" in faults_of(tmp_path, path.read_bytes(), "a.xlsx")[0].problem


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening_room, "MOST_UNPACKED", 1_000_000)
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    assert path.stat().st_size < 10_000
    assert "would unpack to 2,000,000 bytes" in faults_of(tmp_path, path.read_bytes(), "a.xlsx")[0].problem


def test_a_sheet_that_claims_a_million_rows_has_those_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, HEADERS, ["a", "A", 121.25, 31.38])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'<dimension ref="A1:F2"', b'<dimension ref="A1:XFD1048576"')
    with zipfile.ZipFile(path, "w") as new:
        for name, raw in parts.items():
            new.writestr(name, raw)
    assert len(read_table(path, STATIONS, CRS)) == 1


# -- map files ---------------------------------------------------------------------------------------------------------------


def features(crs: str | None = "EPSG:4326") -> gpd.GeoDataFrame:
    held = {"站点编号": ["a", "b"], "站点名称": ["嘉定站", "南翔站"], "备注": ["x", None]}
    return gpd.GeoDataFrame(held, geometry=[Point(LON, LAT), Point(121.31, 31.30)], crs=crs)


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.gpkg", "a.fgb", "a.parquet"])
def test_map_files_are_read_with_their_chinese_headers(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".parquet"):
        features().to_parquet(path)
    else:
        features().to_file(path, driver={".json": "GeoJSON"}.get(path.suffix))
    table = read_table(path, STATIONS, CRS)
    assert sorted(table.index) == ["a", "b"]
    assert table.loc["a", "name"] == "嘉定站"
    assert degrees(table.loc[["a"]]) == [(LON, LAT)]
    assert table.loc["a", "lon"] == pytest.approx(LON)


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030"])
@pytest.mark.parametrize("declared", [True, False], ids=["cpg", "no cpg"])
@pytest.mark.filterwarnings("ignore:Column names longer than 10:UserWarning", "ignore::RuntimeWarning")
def test_a_shapefile_with_chinese_headers_cut_in_the_middle_of_a_letter(tmp_path: Path, encoding: str, declared: bool) -> None:
    features().to_file(tmp_path / "a.shp", encoding=encoding)
    if not declared:
        (tmp_path / "a.cpg").unlink()
    frame = read_table(tmp_path / "a.shp", STATIONS, CRS)
    assert frame["name"].tolist() == ["嘉定站", "南翔站"]
    assert frame.index.tolist() == ["a", "b"]


def test_a_map_file_in_another_crs(tmp_path: Path) -> None:
    features().to_crs("EPSG:4549").to_file(tmp_path / "a.gpkg")
    assert degrees(read_table(tmp_path / "a.gpkg", STATIONS, CRS)) == [(LON, LAT), (121.31, 31.30)]
    assert len(read_table(tmp_path / "a.gpkg", STATIONS, CRS, coordinates="EPSG:4549")) == 2


def test_a_map_file_in_gcj02(tmp_path: Path) -> None:
    lon, lat = (float(value) for value in wgs84_to_gcj02(LON, LAT))
    features().set_geometry([Point(lon, lat)] * 2, crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    assert degrees(read_table(tmp_path / "a.geojson", STATIONS, CRS, coordinates="gcj02")) == [(LON, LAT)] * 2


@pytest.mark.parametrize(
    ("crs", "coordinates", "problem"),
    [
        ("EPSG:4549", "EPSG:32651", "the file is in EPSG:4549, but `coordinates` says EPSG:32651"),
        ("EPSG:4549", "gcj02", "gcj02 is a datum of degrees"),
        (None, "wgs84", "the file has no CRS"),
    ],
)
def test_two_crs_that_meet_are_an_error(tmp_path: Path, crs: str | None, coordinates: str, problem: str) -> None:
    made = features().to_crs(crs) if crs else features(None)
    made.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(CrsError, match="(?s)" + problem.replace(".", r"\.")):
        read_table(tmp_path / "a.parquet", STATIONS, CRS, coordinates=coordinates)


def test_points_written_as_multipoints_are_points(tmp_path: Path) -> None:
    features().set_geometry([MultiPoint([(LON, LAT)]), Point(LON, LAT)], crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    assert set(read_table(tmp_path / "a.geojson", STATIONS, CRS).geom_type) == {"Point"}


def test_heights_are_left_out(tmp_path: Path) -> None:
    features().set_geometry([Point(LON, LAT, 4.0)] * 2, crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    assert not read_table(tmp_path / "a.geojson", STATIONS, CRS).has_z.any()


def test_shapes_where_points_are_asked_for(tmp_path: Path) -> None:
    features().set_geometry([box(121, 31, 121.1, 31.1), None], crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "a.geojson", STATIONS, CRS)
    assert told(list(caught.value.faults)) == [
        (2, "geometry", "the geometry is empty"),
        (1, "geometry", "the geometry is not a Point"),
    ]


def test_swapped_axes_of_a_map_file(tmp_path: Path) -> None:
    features().set_geometry([Point(LAT, LON), Point(LON, LAT)], crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    with pytest.raises(TableError, match="longitude and latitude are swapped"):
        read_table(tmp_path / "a.geojson", STATIONS, CRS)


def test_a_geopackage_of_two_layers_is_a_question(tmp_path: Path) -> None:
    features().to_file(tmp_path / "a.gpkg", layer="one")
    features().to_file(tmp_path / "a.gpkg", layer="two", mode="a")
    with pytest.raises(SourceError, match=r"2 layers \(one, two\)"):
        read_table(tmp_path / "a.gpkg", STATIONS, CRS)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.gpkg", b"not sqlite"),
        ("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 200),
        ("a.shp", b"no shape"),
        ("a.shp", struct.pack(">i", 9994) + b"\x00" * 96),
        ("a.fgb", b"fgb\x03fgb\x00 cut"),
        ("a.geojson", b"<OGRVRTDataSource></OGRVRTDataSource>"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type'),
        ("a.geojson", b"{}"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Point"}}]}'),
        ("a.json", b"[1, 2, 3]"),
        ("a.parquet", b"PAR1 cut off"),
        ("a.parquet", b"PAR1"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value[:24]),
)
def test_a_broken_map_file_is_our_own_error(tmp_path: Path, name: str, raw: bytes) -> None:
    assert faults_of(tmp_path, raw, name)


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.geojson", "a.parquet", "a.shp"])
@pytest.mark.filterwarnings("ignore:Column names longer than 10:UserWarning", "ignore::RuntimeWarning")
def test_a_map_file_cut_short_is_our_own_error_or_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".parquet"):
        features().to_parquet(path)
    else:
        features().to_file(path)
    raw = path.read_bytes()
    for share in (0.05, 0.3, 0.6, 0.9):
        path.write_bytes(raw[: int(len(raw) * share)])
        with pytest.raises(PlannerError):
            read_table(path, STATIONS, CRS)


def test_a_plain_parquet_has_columns_of_coordinates(tmp_path: Path) -> None:
    pd.DataFrame({"station_id": ["a"], "name": ["A"], "lon": [LON], "lat": [LAT]}).to_parquet(tmp_path / "a.parquet")
    assert degrees(read_table(tmp_path / "a.parquet", STATIONS, CRS)) == [(LON, LAT)]


def test_a_geojson_as_other_programs_write_it(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [LON, LAT]}
    feature = {"type": "Feature", "id": 7, "properties": {"station_id": 1, "name": "A", "tags": {"a": [1]}}, "geometry": point}
    text = json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False)
    assert degrees(read(tmp_path, "\ufeff  " + text, "a.geojson")) == [(LON, LAT)]


def hostile_geojson(crs: object) -> str:
    point = {"type": "Point", "coordinates": [LON, LAT]}
    feature = {"type": "Feature", "properties": {"station_id": 1, "name": "A"}, "geometry": point}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]})


def test_a_geojson_may_name_an_old_crs_but_no_link_is_followed(tmp_path: Path) -> None:
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert degrees(read(tmp_path, hostile_geojson(named), "a.geojson")) == [(LON, LAT)]
    link = {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs", "type": "proj4"}}
    assert "which is not followed" in faults_of(tmp_path, hostile_geojson(link), "a.geojson")[0].problem
    nonsense = {"type": "name", "properties": {"name": "http://127.0.0.1:9/crs"}}
    assert "a CRS that is not known" in faults_of(tmp_path, hostile_geojson(nonsense), "a.geojson")[0].problem


def test_json_that_is_a_program_is_not_run(tmp_path: Path) -> None:
    inner = tmp_path / "inner.geojson"
    features().to_file(inner)
    program = json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {inner}"})
    assert "this is not GeoJSON" in faults_of(tmp_path, program, "a.json")[0].problem


def test_deep_json_is_refused(tmp_path: Path) -> None:
    assert "this is not GeoJSON" in faults_of(tmp_path, "[" * 100_000, "a.geojson")[0].problem


# -- files -------------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_empty_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        read_table(tmp_path / "no.csv", STATIONS, CRS)
    assert "the file is empty" in faults_of(tmp_path, b"")[0].problem
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SourceError, match="this is a folder"):
        read_table(tmp_path / "folder.csv", STATIONS, CRS)


def test_a_file_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_room, "MOST_TEXT", 10)
    assert "at most 10 are read" in faults_of(tmp_path, PLAIN)[0].problem


@pytest.mark.parametrize("name", ["a.et", "a.pdf", "a", "a.dwg", "a.rar", "a.kmz"])
def test_kinds_of_files_that_are_not_read(tmp_path: Path, name: str) -> None:
    assert "are not read" in faults_of(tmp_path, b"anything", name)[0].problem


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>=cmd|'/c calc'!A0\u202e"
    table = read(tmp_path, f'station_id,name,lon,lat\na,"{name}",121.25,31.38\n')
    assert table.loc["a", "name"] == name.removesuffix("\u202e")


def test_a_long_cell_in_a_fault_is_cut(tmp_path: Path) -> None:
    fault = faults_of(tmp_path, f"station_id,name,lon,lat\na,A,{'9' * 5000}x,31.38\n")[0]
    assert len(str(fault)) < 400


def test_many_faults_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"s{i},A,x,31.38\n" for i in range(50))
    path = tmp_path / "stations.csv"
    path.write_text("station_id,name,lon,lat\n" + rows)
    with pytest.raises(TableError) as caught:
        read_table(path, STATIONS, CRS)
    assert len(caught.value.faults) == 50
    assert "… and 30 more" in str(caught.value)


def test_the_same_table_in_every_format_is_the_same_table(tmp_path: Path) -> None:
    read(tmp_path, CHINESE.replace("１２１．２５", "121.25"))
    frame = pd.read_csv(tmp_path / "stations.csv", dtype=str)
    frame.to_excel(tmp_path / "b.xlsx", index=False)
    points = gpd.points_from_xy(frame["经度"].astype(float), frame["纬度"].astype(float))
    mapped = gpd.GeoDataFrame(frame.drop(columns=["经度", "纬度"]), geometry=points, crs="EPSG:4326")
    mapped.to_file(tmp_path / "c.gpkg")
    mapped.to_parquet(tmp_path / "d.parquet")
    first, *others = (read_table(tmp_path / name, STATIONS, CRS) for name in ("stations.csv", "b.xlsx", "c.gpkg", "d.parquet"))
    for other in others:
        pd.testing.assert_frame_equal(
            pd.DataFrame(first.drop(columns="geometry")), pd.DataFrame(other[first.columns].drop(columns="geometry"))
        )
        assert np.allclose(first.geometry.distance(other.geometry), 0, atol=1e-6)
