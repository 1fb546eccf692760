"""Files as offices hand them round: zipped shapefiles, old workbooks, KML; and the same premises out of two sources."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from builders import CRS
from old_workbook import old_workbook
from study_folders import STUDY, write_study

from planner.datum import wgs84_to_gcj02
from planner.errors import PlannerWarning, SourceError, TableError
from planner.schema import STATIONS
from planner.sources.files import read_candidates, read_study, read_table
from planner.sources.files.workbook import _unseen
from planner.sources.population.tables import CountAsk, read_counts

ROWS = {"站点编号": ["a", "b"], "站点名称": ["嘉定站", "南翔站"], "经度": [121.24, 121.25], "纬度": [31.38, 31.34]}


def names_in(path: Path, layer: str | None = None) -> dict[str, str]:
    return read_table(path, STATIONS, CRS, layer=layer)["name"].to_dict()


def test_a_workbook_of_libreoffice_is_read(tmp_path: Path) -> None:
    grid = [list(ROWS), *zip(*ROWS.values(), strict=True)]
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(f"<table:table-row>{''.join(cell.format(each) for each in row)}</table:table-row>" for row in grid)
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{name}="{urn}:{name}:1.0"' for name in ("office", "table", "text"))
    sheet = f'<office:spreadsheet><table:table table:name="站点">{rows}</table:table></office:spreadsheet>'
    text = f"<office:document-content {spaces}><office:body>{sheet}</office:body></office:document-content>"
    with zipfile.ZipFile(tmp_path / "stations.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
        archive.writestr("content.xml", f'<?xml version="1.0"?>{text}')
    assert names_in(tmp_path / "stations.ods") == {"a": "嘉定站", "b": "南翔站"}
    assert names_in(tmp_path / "stations.ods", "站点") == {"a": "嘉定站", "b": "南翔站"}


def test_a_workbook_that_gdal_wrote_is_read_with_its_texts_as_they_are(tmp_path: Path) -> None:
    """GDAL puts every tag on a line of its own; a text keeps its spaces, and a number is one."""
    frame = pd.DataFrame({**ROWS, "地址": ["城中路 1 号 <东>", ">  </table:x> 2"], "人员数": [3, 4]})
    pyogrio.write_dataframe(frame, tmp_path / "stations.ods", driver="ODS", layer="站点")
    assert b">\n<table:table-row" in zipfile.ZipFile(tmp_path / "stations.ods").read("content.xml")
    table = read_table(tmp_path / "stations.ods", STATIONS, CRS, layer="站点")
    assert table["name"].to_dict() == {"a": "嘉定站", "b": "南翔站"}
    assert table["address"].tolist() == frame["地址"].tolist()
    assert table["staff"].tolist() == [3, 4]
    assert table["lon"].tolist() == ROWS["经度"]


@pytest.mark.parametrize("name", ["a.xls", "a.ods", "a.xlsb", "a.zip", "a.kml"])
def test_a_file_that_is_not_what_its_ending_says_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(SourceError, match=r"cannot be read|cut off|not what its ending says"):
        names_in(tmp_path / name)


def test_a_kml_is_read_and_one_that_leads_elsewhere_is_not(tmp_path: Path) -> None:
    place = "<Placemark><name>甲</name><Point><coordinates>121.24,31.38</coordinates></Point></Placemark>"
    text = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
    (tmp_path / "a.kml").write_text(text.format(f'<Folder id="f"><name>站点</name>{place}</Folder>'), encoding="utf-8")
    with pytest.raises(TableError, match="station id"):  # a KML has names, and no ids
        names_in(tmp_path / "a.kml")
    (tmp_path / "b.kml").write_text(text.format(f"{place}<NetworkLink><Link/></NetworkLink>"), encoding="utf-8")
    with pytest.raises(SourceError, match="leads to other files, which are not followed"):
        names_in(tmp_path / "b.kml")


def kml_of(*coordinates: str, shape: str = "Point") -> str:
    marks = (f"<{shape}><coordinates>{each}</coordinates></{shape}>" for each in coordinates)
    data = '<ExtendedData><Data name="station_id"><value>S{}</value></Data></ExtendedData>'
    places = "".join(f"<Placemark><name>站</name>{data.format(n)}{mark}</Placemark>" for n, mark in enumerate(marks))
    return f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{places}</Document></kml>'


NO_PLACE = (
    *("abc,31.38", "121.24，31.38", "121.24 31.38", "121.24", "1e999,31.38", "nan,31", "121°14′,31", "121.24,,31", "0x10,31"),
    *("121,24,31,38", "121.24,31.38,0,5", "121.24,31.38,x", "121.24,31.38 121.25,31.39"),
)


def test_coordinates_of_a_kml_that_gdal_would_take_for_others_are_faults(tmp_path: Path) -> None:
    """GDAL reads ``abc,31.38`` as (0, 31.38), a full-width comma as (0, 0), and cuts what follows a second place."""
    good = ("121.24,31.38", " 121.25, 31.34,0\n", "<![CDATA[+121.24,3.138E1]]>", "121.2<!-- x -->4,31.38")
    (tmp_path / "a.kml").write_text(kml_of(*good), encoding="utf-8")
    table = read_table(tmp_path / "a.kml", STATIONS, CRS)
    assert table["lon"].round(6).tolist() == [121.24, 121.25, 121.24, 121.24]
    assert table["lat"].round(6).tolist() == [31.38, 31.34, 31.38, 31.38]
    (tmp_path / "b.kml").write_text(kml_of(good[0], *NO_PLACE, "", good[0]).replace("S15", "S0"), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "b.kml", STATIONS, CRS)
    *wrong, empty, twice = caught.value.faults
    assert [(fault.row, fault.column, fault.value) for fault in wrong] == [
        (n, "coordinates", text) for n, text in enumerate(NO_PLACE, 2)
    ]
    assert all(fault.problem == "this is not a place as KML writes it" and "121.25,31.38" in fault.mend for fault in wrong)
    assert (empty.row, empty.problem) == (15, "the Point has no coordinates")
    assert (twice.row, twice.problem) == (16, "the key stands twice, first in row 1")  # what else is wrong is told as well


@pytest.mark.parametrize("shape", ["{0}", "<gx:MultiTrack>{0}{0}</gx:MultiTrack>", "<MultiGeometry>{0}</MultiGeometry>"])
def test_a_track_in_a_kml_is_refused_with_its_mark_and_never_left_out(tmp_path: Path, shape: str) -> None:
    track = "<gx:Track><when>2025-06-30</when><gx:coord>121.25 31.34 0</gx:coord></gx:Track>"
    text = kml_of("121.24,31.38", "121.25,31.34").replace('/kml/2.2"', '/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"')
    point = "<Point><coordinates>121.25,31.34</coordinates></Point>"
    (tmp_path / "a.kml").write_text(text.replace(point, shape.format(track)), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_table(tmp_path / "a.kml", STATIONS, CRS)
    assert [(fault.row, fault.problem) for fault in caught.value.faults] == [
        (2, "a gx:Track is a way that somebody went, and no place")
    ]


def test_coordinates_of_people_are_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.kml").write_text(kml_of("121.24,31.38", "121.247 31.387"), encoding="utf-8")
    ask = CountAsk(tmp_path / "a.kml", "a.kml", {"pop_a": ("人数", "count")}, private=True, one_each=True)
    at = r"a\.kml, row 2, coordinates: this is not a place"
    with pytest.warns(PlannerWarning, match="dropped at the door"), pytest.raises(TableError, match=at) as caught:
        read_counts(ask, pyproj.CRS(CRS))
    assert "121.247" not in str(caught.value)
    assert [fault.value for fault in caught.value.faults] == [None]


def test_coordinates_are_held_against_the_layer_of_a_kml_that_is_meant(tmp_path: Path) -> None:
    text = kml_of("121.24,31.38").replace(
        "<Document>", "<Document><name>甲</name><Folder><name>乙</name></Folder><Folder><name>丙</name>{}</Folder>"
    )
    inner = kml_of("121.24,31.38", "x,31").replace("S", "T").partition("<Document>")[2].partition("</Document>")[0]
    (tmp_path / "a.kml").write_text(text.format(inner), encoding="utf-8")
    assert list(names_in(tmp_path / "a.kml", "甲")) == ["S0"]
    with pytest.raises(TableError, match=r"row 2, coordinates = 'x,31': this is not a place"):
        names_in(tmp_path / "a.kml", "丙")


def test_marks_of_a_kml_keep_the_columns_that_a_gis_wrote(tmp_path: Path) -> None:
    """A GIS gives each mark a running id besides; the table's own key is what counts."""
    places = gpd.points_from_xy([121.24, 121.25], [31.37, 31.38], crs="EPSG:4326")
    table = gpd.GeoDataFrame({"station_id": ["S7", "S9"], "Name": ["甲站", "乙站"]}, geometry=places)
    table.to_file(tmp_path / "stations.kml", driver="KML")
    assert names_in(tmp_path / "stations.kml") == {"S7": "甲站", "S9": "乙站"}


def test_rows_of_a_flatgeobuf_are_said_to_be_counted_as_stored(tmp_path: Path) -> None:
    """Its index puts features in an order of its own: the number is that of a GIS, not of the table it was made from."""
    names = [f"S{n}" for n in range(9)]
    points = gpd.points_from_xy(
        [121.24 + n % 3 / 100 for n in range(9)], [31.37 - n % 4 / 100 for n in range(9)], crs="EPSG:4326"
    )
    table = gpd.GeoDataFrame({"station_id": names, "name": ["站", *[""] * 7, "站"]}, geometry=points)
    table.to_file(tmp_path / "a.fgb")
    stored = gpd.read_file(tmp_path / "a.fgb")
    assert stored["station_id"].tolist() != names
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "a.fgb", STATIONS, CRS)
    assert [fault.row for fault in caught.value.faults] == [n + 1 for n in stored.index[stored["name"] == ""]]
    assert "row 2 as stored, name" in str(caught.value) or "row 1 as stored, name" in str(caught.value)


def test_a_zipped_shapefile_is_read_and_of_two_the_one_that_is_named(tmp_path: Path) -> None:
    points = gpd.points_from_xy(ROWS["经度"], ROWS["纬度"], crs="EPSG:4326")
    frame = gpd.GeoDataFrame({"编号": ROWS["站点编号"], "名称": ROWS["站点名称"]}, geometry=points)
    for stem in ("one", "two"):
        (tmp_path / stem).mkdir()
        frame.to_file(tmp_path / stem / f"{stem}.shp", encoding="gb18030")
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        for part in sorted((tmp_path / "one").iterdir()):
            archive.write(part, f"数据/{part.name}")
    assert names_in(tmp_path / "one.zip") == {"a": "嘉定站", "b": "南翔站"}
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for part in sorted([*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()]):
            archive.write(part, part.name)
    with pytest.raises(SourceError, match=r"the file has 2 layers \(one, two\)"):
        names_in(tmp_path / "both.zip")
    assert len(names_in(tmp_path / "both.zip", "two")) == 2
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(SourceError, match="there is no shapefile in the archive"):
        names_in(tmp_path / "none.zip")


def test_a_fault_quotes_the_coordinates_as_the_file_writes_them(tmp_path: Path) -> None:
    lon, lat = wgs84_to_gcj02([121.24, 121.9], [31.38, 31.9])
    hosts = f"site_id,name,lon,lat\nh1,A,{lon[0]:.6f},{lat[0]:.6f}\nh2,B,{lon[1]:.6f},{lat[1]:.6f}\n"
    write_study(tmp_path, study=STUDY.replace('file = "hosts.csv"', 'file = "hosts.csv"\ncoordinates = "gcj02"'), hosts=hosts)
    with pytest.raises(TableError, match=f"'{lon[1]:.6f}, {lat[1]:.6f}'"):
        read_candidates(read_study(tmp_path))


def test_the_same_premises_out_of_two_files_are_one(tmp_path: Path) -> None:
    rows = ["site_id,name,lon,lat", "x1,上海市嘉定区图书馆（总馆）,121.2603,31.3903", "x2,图书馆,121.2603,31.3903"]
    other = "\n".join([*rows, "x3,文化馆,121.24,31.38"])
    block = '[[candidates]]\nfile = "hosts.csv"'
    more = STUDY.replace(block, f'{block}\n[[candidates]]\nfile = "b.csv"')
    write_study(tmp_path, study=more, hosts="site_id,name,lon,lat\nh1,嘉定区图书馆,121.26,31.39\n")
    (tmp_path / "b.csv").write_text(other, encoding="utf-8")
    with pytest.warns(PlannerWarning, match=r"1 repeat the name of another at the same place and are left out \(x1\)"):
        found = read_candidates(read_study(tmp_path))
    assert found["name"].to_dict() == {"h1": "嘉定区图书馆", "x2": "图书馆", "x3": "文化馆"}
    assert isinstance(found.geometry.iloc[0], shapely.Point)


FAILED = [(3, "name", "#N/A"), (4, "capacity", "#DIV/0!"), (5, "lon", "#REF!")]
HIDDEN = "the sheet hides 2 row(s) and 1 column(s)"


def open_workbook(path: Path) -> None:
    """The table of `old_workbook` as LibreOffice writes it in .ods: empty rows below stand for many."""
    error = '<table:table-cell table:formula="of:=X" office:value-type="string" calcext:value-type="error"><text:p>{}</text:p>'
    cells = [["station_id", "name", "lon", "lat", "capacity"]]
    cells += [[f"S0{i}", f"第{i}站", f"{121.2 + i / 100:.2f}", f"{31.3 + i / 100:.2f}", f"{100 * i}"] for i in range(1, 7)]
    for row, column, text in FAILED:
        cells[row - 1][cells[0].index(column)] = error.format(text) + "</table:table-cell>"
    plain = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row table:visibility='{'filter' if i in (6, 7) else 'visible'}'>"
        + "".join(cell if cell.startswith("<") else plain.format(cell) for cell in row)
        + "</table:table-row>"
        for i, row in enumerate(cells, 1)
    )
    names = {"office": "office:1.0", "table": "table:1.0", "text": "text:1.0"}
    spaces = " ".join(f'xmlns:{k}="urn:oasis:names:tc:opendocument:xmlns:{v}"' for k, v in names.items())
    columns = '<table:table-column table:number-columns-repeated="4"/><table:table-column table:visibility="collapse"/>'
    more = (
        '<table:table-row table:number-rows-repeated="1048569" table:visibility="filter"><table:table-cell/></table:table-row>'
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces} xmlns:calcext="urn:org:documentfoundation:calc:calcext:1.0">'
        f'<office:body><office:spreadsheet><table:table table:name="a">{columns}{rows}{more}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>')
        archive.writestr("content.xml", content)


@pytest.mark.parametrize("name", ["a.xls", "a.ods", "a.xlsx"])
def test_failed_formulas_and_hidden_rows_are_told_in_every_kind_of_workbook(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.xls":
        path.write_bytes(old_workbook())
    elif name == "a.ods":
        open_workbook(path)
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["station_id", "name", "lon", "lat", "capacity"])
        for i in range(1, 7):
            sheet.append([f"S0{i}", f"第{i}站", 121.2 + i / 100, 31.3 + i / 100, 100 * i])
        for row, column, text in FAILED:
            sheet.cell(row, ["station_id", "name", "lon", "lat", "capacity"].index(column) + 1, text)
        sheet.row_dimensions[6].hidden = sheet.row_dimensions[7].hidden = sheet.column_dimensions["E"].hidden = True
        book.save(path)
    with pytest.warns(PlannerWarning) as said, pytest.raises(TableError) as caught:
        read_table(path, STATIONS, "EPSG:32651")
    assert [str(each.message).partition(", by")[0] for each in said] == [f"{path}: {HIDDEN}"]
    assert sorted((fault.row, fault.column, fault.value) for fault in caught.value.faults) == FAILED


def test_a_workbook_that_tells_no_failed_formulas_is_said_to_tell_none(tmp_path: Path) -> None:
    whole = old_workbook()
    for raw in (whole[:600], whole[:512] + bytes(len(whole) - 512), b"\xd0\xcf\x11\xe0" * 300):
        path = tmp_path / "a.xls"
        path.write_bytes(raw)
        with pytest.warns(PlannerWarning, match="nothing in this file tells them"):
            assert not _unseen(path, "a.xls", "a").failed
    path = tmp_path / "a.xlsb"
    path.write_bytes(b"PK")
    with pytest.warns(PlannerWarning, match="nothing in this file tells them"):
        assert not _unseen(path, "a.xlsb", "a").failed
