"""The Excel workbook: one sheet a table, headers in the study's languages, typed columns, charts, a data dictionary."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import xlsxwriter

from planner.publish.charts import add_charts, has_charts
from planner.publish.values import shown_values
from planner.publish.words import model_said, nowhere_said, with_residents
from planner.publish.workplaces import WORK_SCORES, apart
from planner.schema import (
    ALTERNATIVES,
    AREA_SCORES,
    AREA_TRACK,
    CHANGES,
    COMMUNITIES,
    COMPOSITE,
    FIGURES,
    FRONTIER,
    FUNCTIONS,
    GROUP_SCORES,
    INDICATORS,
    LIFE_CIRCLE,
    LIFE_PLACES,
    LIFE_SERVICES,
    LIFT,
    MOVES,
    NEAR_PLANS,
    NEEDED,
    REASONS,
    ROBUST,
    ROLLOUT,
    SCORES,
    SITES,
    STANDARDS,
    TIERS,
    TOWN_PROGRESS,
    TOWN_SCORES,
    TRACK,
    Column,
    Kind,
    Schema,
)
from planner.spreadsheet import safe_cell
from planner.study import Group, Study, Walk
from planner.style import moved, paces_said, shown_number, shown_share_finely

_MADE = dt.datetime(2000, 1, 1)  # a fixed stamp, so that the same run has the same bytes
_HEADER_ROW = 0
_WIDEST = 48
_DECIMALS = 6  # of a number in a cell: finer is of adding up
_LINE_POINTS = 15
_TITLE_POINTS, _TITLE_SHARE = 20, 0.7  # of the first line, whose letters are larger: so many fewer find room
_LABEL_WIDE, _VALUE_WIDE = 44, 72  # of the first sheet
_ACROSS = 190.0  # letters of the columns' widths that are still legible side by side on A4 across
_DICTIONARY_WIDE = (22, 24, 44, 40, 9, 30)
_EXCEL_NAME = 31  # the longest name a sheet may have

SHEETS: Mapping[str, tuple[Schema, str, str]] = {
    "stations": (SCORES, "Stations", "站点"),
    "towns": (TOWN_SCORES, "Towns", "街镇"),
    "groups": (GROUP_SCORES, "Key groups", "重点群体"),
    "workplaces": (WORK_SCORES, "Employers and jobs", "用人单位与岗位"),
    "areas": (AREA_SCORES, "Areas of priority", "优先区域"),
    "standards": (STANDARDS, "Standards", "规范化建设"),
    "sites": (SITES, "Proposed sites", "建议新增站点"),
    "frontier": (FRONTIER, "Frontier", "覆盖曲线"),
    "indicators": (INDICATORS, "Indicators", "指标"),
    "targets": (TRACK, "Targets", "目标进度"),
    "figures": (FIGURES, "Recorded figures", "工作数据"),
    "changes": (CHANGES, "Changes", "站点变动"),
    "coverage": (TOWN_PROGRESS, "Then and now", "覆盖变化"),
    "area_targets": (AREA_TRACK, "Targets by area", "分片目标进度"),
    "area_coverage": (TOWN_PROGRESS, "Areas then and now", "分片覆盖变化"),
    "tiers": (TIERS, "Tiers", "层级体系"),
    "functions": (FUNCTIONS, "Functions", "服务功能可达"),
    "rollout": (ROLLOUT, "Roll-out by phase", "分阶段推进"),
    "lift": (LIFT, "Stations to lift", "示范站点提升建议"),
    "communities": (COMMUNITIES, "Communities", "居村覆盖"),
    "life_circle": (LIFE_CIRCLE, "Living circle", "生活圈"),
    "life_services": (LIFE_SERVICES, "Living circle services", "生活圈业态"),
    "life_places": (LIFE_PLACES, "Among services", "站点载体周边业态"),
    "composite": (COMPOSITE, "Composite score", "综合得分"),
    "needed": (NEEDED, "Stations needed", "所需站点数"),
    "reasons": (REASONS, "Reasons", "选址理由"),
    "alternatives": (ALTERNATIVES, "Alternatives", "替代点"),
    "plans": (NEAR_PLANS, "Other plans", "备选方案"),
    "moves": (MOVES, "Moves of stations", "现有站点迁址分析"),
    "robust": (ROBUST, "Robustness", "稳健性"),
}


def write_workbook(
    path: Path,
    tables: Mapping[str, pd.DataFrame],
    headline: Sequence[tuple[str, str]],
    *,
    languages: Sequence[str] = ("zh", "en"),
    groups: Sequence[Group] = (),
    walk: Walk | None = None,
    empty: Sequence[str] = (),
) -> None:
    """Write the tables as one workbook that opens in Excel, WPS and LibreOffice.

    Parameters
    ----------
    path
        The file to write.
    tables
        By the names of `SHEETS`; small counts already suppressed. Missing tables have no sheet.
    headline
        What stands on the first sheet: pairs of label and value, both text.
    languages
        ``zh``, ``en`` or both; headers have one line a language, in this order.
    groups
        The study's key groups, for the labels of their columns.
    walk
        Whether people walk or ride, for the labels.
    empty
        What an empty cell means, a sentence a language; stands below the headline and below the data dictionary.

    Notes
    -----
    Codes, flags and keys are words of the languages (`shown_values`). No text is ever a formula.
    Shares are numbers formatted as per cent, dates are dates; a suppressed count is empty. Columns without a value in any row
    are left out, and named below the data dictionary. The charts stand on the second sheet.
    The same tables give the same bytes.
    """
    tables = apart(tables)
    if "groups" in tables:
        tables["groups"] = with_residents(tables["groups"], languages[0])
    flat = {name: _flat(table) for name, table in tables.items() if name in SHEETS}
    shown = shown_values(flat, {name: SHEETS[name][0] for name in flat}, groups, languages)
    filled = {name: table.drop(columns=_empty(table)) for name, table in shown.items()}
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _MADE})
        styles = _Styles(book)
        labels = _Labels(languages, groups, walk or Walk())
        _write_headline(book, styles, [*headline, *(("", said) for said in empty)], languages)
        if has_charts(filled):
            sheets = {name: (SHEETS[name][0], _sheet_name(*SHEETS[name][1:], languages)) for name in filled}
            add_charts(book, book.add_worksheet(_sheet_name("Charts", "图表", languages)), filled, sheets, languages[0])
        for name, table in filled.items():
            _write_sheet(book, styles, name, table, labels)
        _write_dictionary(book, styles, filled, labels, [*empty, *_left_out(shown, labels)])


def headline_of(
    study: Study, summary: Mapping[str, Any], sources: Sequence[str], languages: Sequence[str]
) -> list[tuple[str, str]]:
    """The headline figures of a run with the assumptions they stand on, as pairs of label and value."""
    facts = summary
    shown: list[tuple[str, str, str]] = [
        ("研究", "Study", study.name),
        ("数据截至", "As of", str(facts["as_of"])),
        *(
            ("时限与速度", "Cutoff and pace", " / ".join(pace[language] for language in languages))
            for pace in paces_said(study.scenario.walk)
        ),
        ("站点数", "Stations", shown_number(facts["stations"])),
        ("常住人口", "Residents", shown_number(facts["population"])),
        ("覆盖人口", "Residents covered", shown_number(facts["covered_pop"])),
    ]
    if facts["coverage"] is not None:
        shown.append(("人口覆盖率", "Share of residents covered", shown_share_finely(facts["coverage"])))
    if "plan" in facts:
        plan = facts["plan"]
        model = " / ".join(
            moved(model_said(study.scenario.siting, language), language, study.scenario.walk) for language in languages
        )
        shown.append(("选址模型", "Siting model", model))
        shown.append(("建议新增站点", "Proposed sites", shown_number(plan["sites"])))
        shown.append(("新增覆盖人口", "Residents newly covered", shown_number(plan["residents_gained"])))
        shown.append(("方案状态与差距", "Status of the plan, and gap", _status(plan, languages)))
    shown += [("数据来源", "Source", source) for source in sources]
    said = {"zh": 0, "en": 1}
    return [(" ".join(row[said[language]] for language in languages), row[2]) for row in shown]


_STATUSES = {
    "optimal": {"zh": "已证明最优", "en": "optimal"},
    "feasible": {"zh": "可行，未证明最优", "en": "feasible"},
}


def _status(plan: Mapping[str, Any], languages: Sequence[str]) -> str:
    """The plan's status and gap; a gap that is withheld (small counts) leaves the status alone."""
    said = " ".join(_STATUSES[plan["status"]][language] for language in languages)
    return said if plan["gap"] is None else f"{said}, {plan['gap']:.2%}"


class _Styles:
    def __init__(self, book: Any) -> None:
        self.header = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E8EEF4", "bottom": 1}
        )
        self.title = book.add_format({"bold": True, "font_size": 14, "valign": "top", "text_wrap": True})
        self.text = book.add_format({"valign": "top", "text_wrap": True})
        self.short = book.add_format({"valign": "top"})
        self.share = book.add_format({"valign": "top", "num_format": "0.0%"})
        self.count = book.add_format({"valign": "top", "num_format": "#,##0"})
        self.number = book.add_format({"valign": "top", "num_format": "#,##0.0"})
        self.degree = book.add_format({"valign": "top", "num_format": "0.000000"})
        self.date = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"})


def _write_headline(book: Any, styles: _Styles, headline: Sequence[tuple[str, str]], languages: Sequence[str]) -> None:
    sheet = book.add_worksheet(_sheet_name("Summary", "概要", languages))
    sheet.set_column(0, 0, _LABEL_WIDE)
    sheet.set_column(1, 1, _VALUE_WIDE)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    for row, (label, value) in enumerate(headline):
        sheet.write_string(row, 0, str(safe_cell(label)), styles.title if row == 0 else styles.text)
        sheet.write_string(row, 1, str(safe_cell(value)), styles.text)
        lines = max(1, _lines(value, _VALUE_WIDE), _lines(label, _LABEL_WIDE * (_TITLE_SHARE if row == 0 else 1)))
        sheet.set_row(row, (_TITLE_POINTS if row == 0 else _LINE_POINTS) * lines + 4)


def _write_sheet(book: Any, styles: _Styles, name: str, flat: pd.DataFrame, labels: _Labels) -> None:
    schema, en, zh = SHEETS[name]
    sheet = book.add_worksheet(_sheet_name(en, zh, labels.languages))
    sheet.freeze_panes(1, 2 if len(flat.columns) > 2 else 0)
    headings = [labels.heading(key, schema) for key in map(str, flat.columns)]
    widths = [max(_width(flat[key]), _heading_width(said)) for key, said in zip(flat.columns, headings, strict=True)]
    sheet.set_row(_HEADER_ROW, _LINE_POINTS * max(map(_lines, headings, widths)) + 4)
    _set_up_paper(sheet, widths)
    for position, (key, said) in enumerate(zip(map(str, flat.columns), headings, strict=True)):
        sheet.write_string(_HEADER_ROW, position, said, styles.header)
        sheet.set_column(position, position, widths[position], None)
        for row, value in enumerate(flat[key], start=1):
            _write_cell(sheet, styles, row, position, value, schema.get(key), key, widths[position])
    for row, cells in enumerate(flat.itertuples(index=False, name=None), start=1):
        lines = [_lines(text, wide) for text, wide in zip(cells, widths, strict=True) if _is_long(text, wide)]
        if lines:  # Excel finds the height by itself, LibreOffice does not
            sheet.set_row(row, _LINE_POINTS * max(lines) + 2)
    if len(flat):
        sheet.autofilter(0, 0, len(flat), len(flat.columns) - 1)


def _set_up_paper(sheet: Any, widths: Sequence[float]) -> None:
    """Printed on A4 across, headings on each page; as wide as one page where its letters stay legible, else as several with the
    first two columns on each.
    """
    pages = math.ceil(sum(widths) / _ACROSS)
    if pages > 1:
        kept = sum(widths[:2])
        pages = math.ceil(sum(widths[2:]) / (_ACROSS - kept))
        sheet.repeat_columns(0, 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(pages, 0)
    sheet.repeat_rows(_HEADER_ROW)


def _write_cell(
    sheet: Any, styles: _Styles, row: int, position: int, value: Any, column: Column | None, key: str, width: float
) -> None:
    if pd.isna(value):
        return
    if isinstance(value, pd.Timestamp | dt.date):
        sheet.write_datetime(row, position, pd.Timestamp(value).to_pydatetime(), styles.date)
    elif isinstance(value, int | float) or hasattr(value, "item"):
        sheet.write_number(row, position, round(float(value), _DECIMALS), _number_style(styles, column, key))
    else:
        text = str(safe_cell(str(value)))
        sheet.write_string(row, position, text, styles.text if _is_long(text, width) else styles.short)


def _is_long(value: Any, width: float) -> bool:
    """Whether a cell is a text that needs more than one line."""
    return isinstance(value, str) and _letters(value) > width - 1


def _empty(table: pd.DataFrame) -> list[str]:
    """The columns in which no row has a value; none of a table without rows."""
    return [str(key) for key in table if len(table) and (table[key].isna() | table[key].astype(str).eq("")).all()]


def _left_out(tables: Mapping[str, pd.DataFrame], labels: _Labels) -> list[str]:
    """The columns left out of each table's sheet, a sentence a language; none where none is."""
    said = []
    for language in labels.languages:
        listed = []
        for name, table in tables.items():
            schema = SHEETS[name][0]
            columns = [(key, column) for key in _empty(table) if (column := schema.get(key)) is not None]
            if columns:
                listed.append((_sheet_name(*SHEETS[name][1:], [language]), [labels.label(c, k, language) for k, c in columns]))
        if listed:
            said.append(nowhere_said(listed, language))
    return said


def _number_style(styles: _Styles, column: Column | None, key: str) -> Any:
    if key in ("lon", "lat"):
        return styles.degree
    if column is not None and column.maximum == 1:
        return styles.share
    counts = column is None or column.kind is Kind.WHOLE or column.unit == "people" or key in ("total", "covered")
    return styles.count if counts else styles.number


def _write_dictionary(
    book: Any, styles: _Styles, tables: Mapping[str, pd.DataFrame], labels: _Labels, empty: Sequence[str]
) -> None:
    sheet = book.add_worksheet(_sheet_name("Data dictionary", "数据字典", labels.languages))
    headings = ["table 表", "column 列", "English", "中文", "unit 单位", "range 取值范围"]
    for position, heading in enumerate(headings):
        sheet.write_string(0, position, heading, styles.header)
    for position, wide in enumerate(_DICTIONARY_WIDE):
        sheet.set_column(position, position, wide)
    sheet.freeze_panes(1, 0)
    _set_up_paper(sheet, _DICTIONARY_WIDE)
    row = 1
    for name, table in tables.items():
        schema = SHEETS[name][0]
        for key in map(str, table.columns):
            column = schema.get(key)
            if column is None:
                continue
            said = [
                name,
                key,
                *(labels.label(column, key, language) for language in ("en", "zh")),
                column.unit,
                _range(column),
            ]
            for position, text in enumerate(said):
                sheet.write_string(row, position, str(safe_cell(text)), styles.text)
            sheet.set_row(row, _LINE_POINTS * max(map(_lines, said, _DICTIONARY_WIDE)))
            row += 1
    for number, text in enumerate(empty):
        sheet.write_string(row + 1 + number, 0, str(safe_cell(text)))  # runs on over the empty cells beside it


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its key as columns and without shapes."""
    plain = table.reset_index()
    return pd.DataFrame(plain.drop(columns=plain.geometry.name)) if isinstance(plain, gpd.GeoDataFrame) else plain


def _sheet_name(en: str, zh: str, languages: Sequence[str]) -> str:
    return " ".join({"zh": zh, "en": en}[language] for language in languages)[:_EXCEL_NAME]


@dataclass(frozen=True)
class _Labels:
    """What columns are called: in which languages, with the names of key groups, of people who walk or ride."""

    languages: Sequence[str]
    groups: Sequence[Group]
    walk: Walk

    def heading(self, key: str, schema: Schema) -> str:
        column = schema.get(key)
        return key if column is None else "\n".join(self.label(column, key, language) for language in self.languages)

    def label(self, column: Column, key: str, language: str) -> str:
        """A column's label; a family's names its key group too."""
        said = moved(column.label(language), language, self.walk)
        if not column.is_family:
            return said
        suffix = key.removeprefix(column.prefix)
        if (scored := SCORES.get(suffix)) is not None:  # a part of the composite score
            return f"{self.label(scored, suffix, language)}{'：' if language == 'zh' else ': '}{said}"
        group = next((group for group in self.groups if group.name == suffix), None)
        if group is not None and not group.are_people:  # employers and jobs are no key group
            said = said.replace("重点群体", "").removeprefix("of group ")
        shown = suffix if group is None else group.shown
        return f"{shown}：{said}" if language == "zh" else f"{shown}: {said}"


def _range(column: Column) -> str:
    if column.choices:
        return ", ".join(column.choices)
    if column.minimum is None and column.maximum is None:
        return ""
    low, high = column.minimum, column.maximum
    return f"{'-∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"


def _heading_width(said: str) -> float:
    """Wide enough that no line of a heading breaks more than once, and no word."""
    words = max(map(_letters, re.findall(r"[A-Za-z-]+", said)), default=0) + 4
    return float(min(max(max(map(_letters, said.split("\n"))) / 2 + 3, words, 9), 22))


def _lines(said: str, width: float) -> int:
    """How many lines a heading takes in a column, with a letter to spare for words that do not break."""
    return sum(-(-(_letters(line) + 2) // max(int(width) - 2, 1)) for line in said.split("\n"))


def _letters(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)


def _width(values: pd.Series[Any]) -> float:
    widest = max((_letters(str(value)) for value in values if not pd.isna(value)), default=8)
    return float(min(max(widest + 2, 9), _WIDEST))
