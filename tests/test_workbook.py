"""The workbook opens, is typed, says its columns in both languages, and runs nobody's formula."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd

from planner.publish.workbook import write_workbook
from planner.schema import (
    ALTERNATIVES,
    AREA_SCORES,
    CHANGES,
    COMPOSITE,
    FRONTIER,
    GROUP_SCORES,
    INDICATORS,
    LIFT,
    STANDARDS,
    TIERS,
    TOWN_SCORES,
    Schema,
)
from planner.study import Group, Walk


def tables() -> dict[str, pd.DataFrame]:
    towns = pd.DataFrame(
        {
            "town": ["=HYPERLINK(1)", "新城镇"],
            "population": [1000.0, 2000.0],
            "covered_pop": [500.0, 2000.0],
            "coverage": [0.5, 1.0],
            "covered_graduates": [None, 30.0],
            "stations": [1, 2],
            "met": [True, False],
        }
    )
    groups = pd.DataFrame({"group": ["graduates"], "label": ["@毕业生"], "total": [60.0], "covered": [30.0], "coverage": [0.5]})
    frontier = pd.DataFrame({"stations": [1, 2], "covered_pop": [5.0, 8.0], "coverage": [0.5, 0.8], "bound": [5.0, 8.0]})
    return {
        "towns": TOWN_SCORES.conform(towns),
        "groups": GROUP_SCORES.conform(groups),
        "frontier": FRONTIER.conform(frontier),
    }


def write(path: Path) -> openpyxl.Workbook:
    write_workbook(path, tables(), [("Study", "Example"), ("Coverage", "-50 %")], groups=[Group("graduates", "毕业生")])
    return openpyxl.load_workbook(path)


def test_each_table_has_a_sheet_with_typed_cells_and_headers_in_both_languages(tmp_path: Path) -> None:
    book = write(tmp_path / "w.xlsx")
    assert book.sheetnames == [
        "概要 Summary",
        "图表 Charts",
        "街镇 Towns",
        "重点群体 Key groups",
        "覆盖曲线 Frontier",
        "数据字典 Data dictionary",
    ]
    sheet = book["街镇 Towns"]
    headers = [cell.value for cell in sheet[1]]
    assert headers[:2] == ["街镇\ntown", "常住人口（人）\nresidents (people)"]
    assert "毕业生：覆盖重点群体（人）\n毕业生: of group covered (people)" in headers
    row = {str(header).split("\n")[-1]: cell for header, cell in zip(headers, sheet[3], strict=True)}
    assert row["town"].value == "新城镇"
    assert (row["share of residents covered"].value, row["share of residents covered"].number_format) == (1, "0.0%")
    assert row["target met"].value == "否 no"
    assert sheet.freeze_panes == "C2"


def test_no_cell_is_a_formula_and_a_suppressed_count_is_empty(tmp_path: Path) -> None:
    book = write(tmp_path / "w.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert not any(str(cell.value).startswith(("=", "+", "-", "@")) for cell in cells if isinstance(cell.value, str))
    assert "'=HYPERLINK(1)" in {cell.value for cell in cells}
    sheet = book["街镇 Towns"]
    position = next(i for i, cell in enumerate(sheet[1]) if "毕业生" in str(cell.value))
    assert [sheet[2][position].value, sheet[3][position].value] == [None, 30]


def test_a_cell_holds_no_crumbs_of_adding_up(tmp_path: Path) -> None:
    given = tables()
    given["towns"] = given["towns"].assign(population=[845450.0000000026, 2000.25])
    write_workbook(tmp_path / "w.xlsx", given, [("Study", "Example")])
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["街镇 Towns"]
    assert [sheet[2][1].value, sheet[3][1].value] == [845450, 2000.25]


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx")
    write(tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_every_shown_column_is_in_the_data_dictionary(tmp_path: Path) -> None:
    sheet = write(tmp_path / "w.xlsx")["数据字典 Data dictionary"]
    listed = {(row[0].value, row[1].value) for row in sheet.iter_rows(min_row=2)}
    assert {("towns", "covered_graduates"), ("frontier", "bound"), ("groups", "label")} <= listed


def test_whoever_rides_is_not_said_to_walk(tmp_path: Path) -> None:
    given = tables()
    given["groups"] = given["groups"].assign(median_walk_min=9.0)
    write_workbook(tmp_path / "w.xlsx", given, [("Study", "Example")], walk=Walk(profile="bicycle"))
    book = openpyxl.load_workbook(tmp_path / "w.xlsx")
    said = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value != "median_walk_min"]
    assert not [text for text in said if "walk" in text or "步行" in text]
    assert [text for text in said if "骑行时间中位数" in text and "median ride" in text]


def test_sheets_are_printed_across_with_their_headings_on_each_page(tmp_path: Path) -> None:
    book = write(tmp_path / "w.xlsx")
    for sheet in (sheet for sheet in book if sheet.title != "图表 Charts"):
        assert sheet.page_setup.orientation == "landscape"
        assert (sheet.page_setup.fitToWidth or 1) == 1
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        if sheet.title != "概要 Summary":
            assert sheet.print_title_rows == "$1:$1"


def test_the_dictionary_breaks_its_long_texts_inside_their_cells(tmp_path: Path) -> None:
    sheet = write(tmp_path / "w.xlsx")["数据字典 Data dictionary"]
    assert all(cell.alignment.wrap_text for row in sheet.iter_rows(min_row=2) for cell in row if cell.value)


def test_a_sheet_too_wide_to_be_read_on_one_page_is_printed_over_several_with_its_first_columns_on_each(tmp_path: Path) -> None:
    towns = tables()["towns"]
    groups = [Group(f"group{i}", "高校毕业生") for i in range(12)]
    wide = TOWN_SCORES.conform(towns.reset_index().assign(**{f"covered_group{i}": 30.0 for i in range(12)}))
    write_workbook(tmp_path / "w.xlsx", {"towns": wide}, [("Study", "Example")], groups=groups)
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["街镇 Towns"]
    assert sheet.page_setup.fitToWidth > 1
    assert sheet.print_title_cols == "$A:$B"


def coded() -> dict[str, pd.DataFrame]:
    """Tables whose cells are codes and keys, with a town that is called like a code."""
    measured = {"unit": "share", "value": 0.5, "cutoff_min": 15.0, "pace_kmh": 4.8, "as_of": "2025-06-30"}
    rows = [
        {"indicator": "coverage", "by": "group", "place": "graduates", "en": "of groups", "zh": "重点群体覆盖率"} | measured,
        {"indicator": "worst_group", "by": "district", "place": "district", "en": "worst", "zh": "最低"} | measured,
    ]
    rows[1]["detail"] = "graduates"
    changes = {"station_id": ["S1"], "name": ["planned"], "town": ["district"], "before": ["planned"], "after": ["built"]}
    tiers = {"tier": ["town", "–"], "en": ["town station", None], "zh": ["街镇站点", None], "found": [9, 3], "met": [False] * 2}
    tiers["finding"] = ["3 too few", "stations that say no tier"]
    standards = {
        "station_id": ["S1"],
        "name": ["S"],
        "tier": ["town"],
        "lacks": ["staff_met, unified_sign"],
        "staff_met": [False],
    }
    score = {"station_id": ["S1"], "name": ["S"], "missing": ["rating, median_walk_min"], "part_served_pop": [0.5]}
    sites = {"site_id": ["H1", "H2"], "name": ["a", "b"], "order": [1, 2], "host": ["Library", "amenity=townhall"]}
    area = {"area": ["zone_a"], "label": ["产业园"], "kind": ["industry"], "factor": [2.0], "place": ["district"]}
    area |= {name: [1.0] for name in ("area_km2", "population", "covered_pop", "coverage", "stations")}
    given: dict[str, tuple[Schema, object]] = {
        "composite": (COMPOSITE, score),
        "alternatives": (ALTERNATIVES, alternatives(sites)),
        "areas": (AREA_SCORES, area),
        "indicators": (INDICATORS, rows),
        "changes": (CHANGES, changes),
        "tiers": (TIERS, tiers),
        "standards": (STANDARDS, standards),
    }
    return {name: schema.conform(pd.DataFrame(table)) for name, (schema, table) in given.items()}  # type: ignore[arg-type]


def alternatives(sites: dict[str, list[object]]) -> dict[str, list[object]]:
    rest = {name: [1.0, 1.0] for name in ("away_m", "loss_pop", "loss_need")}
    return {"site_id": sites["site_id"], "rank": [1, 1], "alternative_id": ["A", "B"], "host": sites["host"]} | rest


def cells(path: Path, language: str) -> dict[str, list[list[object]]]:
    write_workbook(path, coded(), [("a", "b")], languages=[language], groups=[Group("graduates", "毕业生")])
    return {
        sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        for sheet in openpyxl.load_workbook(path)
    }


def test_a_workbook_in_one_language_has_its_words_for_codes_and_keys(tmp_path: Path) -> None:
    zh, en = cells(tmp_path / "zh.xlsx", "zh"), cells(tmp_path / "en.xlsx", "en")
    assert [row[:3] for row in zh["指标"]] == [["重点群体", "毕业生", "重点群体覆盖率"], ["全区", "全区", "最低"]]
    assert [{"占比", "毕业生"} <= set(row) for row in zh["指标"]] == [True, True]
    assert zh["站点变动"] == [["S1", "planned", "district", "规划", "建成"]]  # what users wrote stays as it is
    assert [row[0] for row in zh["层级体系"]] == ["街镇站点", None]
    assert [row[-2:] for row in zh["层级体系"]] == [["否", "缺3个"], ["否", "站点未填写层级"]]
    assert {"街镇站点", "人员达标、统一标识", "否"} <= set(zh["规范化建设"][0])
    assert zh["综合得分"][0][2] == "满意度、步行时间中位数"
    assert [row[3] for row in zh["替代点"]] == ["图书馆", "政务办公场所"]
    assert [row[3] for row in en["Alternatives"]] == ["library", "town hall"]
    assert zh["优先区域"][0][:3] == ["全区", "产业园", "产业集聚区"]  # by its name, not its key
    heads = [cell.value for cell in openpyxl.load_workbook(tmp_path / "zh.xlsx")["综合得分"][1]]
    assert heads[-1] == "服务范围内人口（人）：得分构成"
    assert en["Changes"] == [["S1", "planned", "district", "planned", "built"]]
    assert en["Tiers"][0][0] == "town station"
    assert {"town station", "enough staff, unified sign"} <= set(en["Standards"][0])


def test_each_table_that_has_a_chart_has_one_with_room_for_every_name(tmp_path: Path) -> None:
    many = pd.DataFrame(
        {"town": [f"镇{i}" for i in range(30)], "population": 10.0, "covered_pop": 5.0, "coverage": 0.5, "stations": 1}
    )
    write_workbook(tmp_path / "w.xlsx", tables() | {"towns": TOWN_SCORES.conform(many)}, [("Study", "Example")])
    book = openpyxl.load_workbook(tmp_path / "w.xlsx")
    charts = book["图表 Charts"]._charts
    assert [chart.series[-1].val.numRef.f.split("!")[0].strip("'") for chart in charts] == [
        "重点群体 Key groups", "覆盖曲线 Frontier", "街镇 Towns",
    ]  # fmt: skip
    towns = charts[-1]
    assert towns.series[0].cat.strRef.f == "'街镇 Towns'!$A$2:$A$31"
    rows = towns.anchor.to.row - towns.anchor._from.row
    assert rows * 20 / 30 >= 24  # pixels a name: LibreOffice leaves names out below that
    assert charts[0].anchor.to.row < charts[1].anchor._from.row < charts[1].anchor.to.row < towns.anchor._from.row
    assert book["图表 Charts"].sheet_properties.pageSetUpPr.fitToPage
    assert book["图表 Charts"].page_setup.orientation == "portrait"


def test_a_column_without_any_value_is_left_out_and_the_dictionary_says_so(tmp_path: Path) -> None:
    given = coded()["standards"].assign(zones="", lacks=None)
    write_workbook(tmp_path / "w.xlsx", {"standards": given}, [("a", "b")])
    book = openpyxl.load_workbook(tmp_path / "w.xlsx")
    heads = [cell.value for cell in book["规范化建设 Standards"][1]]
    assert "功能区\nzones opened" not in heads
    assert "名称\nname" in heads
    said = [row[0].value for row in book["数据字典 Data dictionary"].iter_rows() if row[0].value]
    assert "以下各列所有行均无可显示的数值，已从工作表中略去：规范化建设：未达标项、功能区。" in said
    assert any(text.startswith("Left out of their sheets, for no row has a value to show: Standards: ") for text in said)


def test_a_text_longer_than_its_column_is_broken_and_items_to_add_are_said_in_words(tmp_path: Path) -> None:
    lift = pd.DataFrame(
        {"order": [1], "station_id": ["S1"], "name": ["很长" * 40], "lacks_items": ["12|13|14, 1+2"], "gain_pop": [1.0],
         "lacks_functions": [""], "coverage_after": [0.5]}
    )  # fmt: skip
    write_workbook(tmp_path / "w.xlsx", {"lift": LIFT.conform(lift)}, [("a", "b")])
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["示范站点提升建议 Stations to lift"]
    found = {cell.value: cell.alignment.wrap_text for cell in sheet[2]}
    assert found["很长" * 40]
    assert sheet.row_dimensions[2].height >= 15 * 80 * 2 / 48
    assert not found["S1"]
    assert "12、13、14任一项; 1、2各项 any of 12, 13, 14; all of 1, 2" in found
