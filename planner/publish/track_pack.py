"""The pack of a month, quarter or year: what was due, what stands, what changed; as a workbook and a report to hand in."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docx
import pandas as pd
from docx.oxml.ns import qn
from docx.shared import Pt

from planner.policy import Policy
from planner.publish.workbook import write_workbook
from planner.schema import CHANGES, FIGURES, TOWN_PROGRESS, TRACK, Column, Kind, Schema
from planner.study import Study
from planner.style import pace_said, shown_date, shown_number

_MADE = dt.datetime(2000, 1, 1)  # a fixed stamp, so that the same pack has the same bytes
_ZIP_DATE = (2000, 1, 1, 0, 0, 0)
_FONTS = {"zh": "SimSun", "en": "Calibri"}
_DISTRICT = "district"

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "就业服务站点建设进展（{}）",
        "days": "{} 与 {} 相比",
        "findings": "一、总体进展",
        "targets": "二、目标完成情况",
        "figures": "三、工作数据",
        "changes": "四、站点变动",
        "coverage": "五、各街镇覆盖变化",
        "notes": "六、说明",
        "stand": "在用站点由{}个变为{}个，步行可达人口由{}人变为{}人（占常住人口{:.1%}）。",
        "met": "{}项约束性目标中已完成{}项，已到期未完成{}项。",
        "late": "逾期未完成：{}（{}）：缺{}，已逾期{}天。",
        "none": "本期无变动。",
        "no_figures": "未记录工作数据。",
        "no_targets": "政策包未设目标。",
        "history": "各日期的情况只由该日及以前的日期字段推定，以后的变更不改写历史。",
        "pace": "速度与时限：",
        "form": "本表式由本工具自拟。",
        "due": "期限：{}",
        "quoted": "依据：“{}”",
        "district": "全区",
        "yes": "是",
        "no": "否",
        "policy": "依据：",
        "planned": "规划",
        "applied": "申报",
        "built": "建成",
        "accepted": "验收",
        "closed": "关闭",
    },
    "en": {
        "title": "Progress of stations ({})",
        "days": "{} compared with {}",
        "findings": "1. Overall",
        "targets": "2. Targets",
        "figures": "3. Recorded figures",
        "changes": "4. Changes of stations",
        "coverage": "5. Coverage by town",
        "notes": "6. Notes",
        "stand": "Stations in use went from {} to {}, residents within reach from {} to {} ({:.1%} of all).",
        "met": "Of {} binding targets {} are met, {} are overdue.",
        "late": "Overdue: {} ({}): {} lacking, {} days late.",
        "none": "Nothing changed.",
        "no_figures": "No figure was recorded.",
        "no_targets": "The policy pack sets no target.",
        "history": "What stood on a day is told by dates up to that day alone; later changes do not rewrite it.",
        "pace": "Pace and cutoff: ",
        "form": "The layout is this tool's own.",
        "due": "due {}",
        "quoted": "by “{}”",
        "district": "district",
        "yes": "yes",
        "no": "no",
        "policy": "Policy: ",
        "planned": "planned",
        "applied": "applied",
        "built": "built",
        "accepted": "accepted",
        "closed": "closed",
    },
}

_TABLES: Mapping[str, tuple[Schema, tuple[str, ...]]] = {
    "targets": (TRACK, ("place", "minimum", "counted_before", "counted", "met", "days_late", "shortfall")),
    "figures": (FIGURES, ("{language}", "place", "before", "value", "difference", "minimum", "by", "met", "days_late")),
    "changes": (CHANGES, ("station_id", "name", "town", "before", "after")),
    "coverage": (
        TOWN_PROGRESS,
        ("place", "stations_before", "stations_after", "covered_before", "covered_after", "coverage_after", "difference"),
    ),
}


def write_pack(
    folder: Path,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    days: tuple[dt.date, dt.date],
    period: Mapping[str, str],
    policy: Policy,
) -> None:
    """Write ``track.xlsx`` and the report, in the study's first language as ``track.docx``, others as ``track.en.docx``.

    Parameters
    ----------
    folder
        Where to; it exists.
    tables
        ``targets``, ``figures``, ``changes``, ``coverage``, as `planner.track.Tracking` has them.
    days
        The day of comparison and the day of the pack.
    period
        What the month, quarter or year is called, by language.
    """
    languages = study.publish.languages
    headline = [(" ".join(WORDS[each]["title"].format(period[each]) for each in languages), study.name)]
    for language in languages:
        headline += [("", line) for line in _findings(tables, days, language)]
    write_workbook(folder / "track.xlsx", tables, headline, languages=languages)
    for language in languages:
        name = "track.docx" if language == languages[0] else f"track.{language}.docx"
        _write_report(folder / name, study, tables, days, period[language], policy, language)


def _write_report(
    path: Path,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    days: tuple[dt.date, dt.date],
    period: str,
    policy: Policy,
    language: str,
) -> None:
    words, book = WORDS[language], docx.Document()
    _set_up(book, language)
    book.add_heading(_clean(words["title"].format(period)), level=0)
    book.add_paragraph(_clean(study.publish.title or study.name))
    book.add_heading(words["findings"], level=1)
    for line in _findings(tables, days, language):
        book.add_paragraph(_clean(line), style="List Bullet")
    empty = {"targets": "no_targets", "figures": "no_figures", "changes": "none"}
    for name in _TABLES:
        book.add_heading(words[name], level=1)
        if name == "targets" and len(tables[name]):
            _add_targets(book, tables[name], language)
        elif len(tables[name]):
            _add_table(book, name, tables[name], language)
        else:
            book.add_paragraph(words[empty.get(name, "none")])
    book.add_heading(words["notes"], level=1)
    pace = words["pace"] + pace_said(study.scenario.walk)[language]
    for line in (words["policy"] + getattr(policy, language), pace, words["history"], words["form"]):
        book.add_paragraph(_clean(line), style="List Bullet")
    _save(book, path)


def _findings(tables: Mapping[str, pd.DataFrame], days: tuple[dt.date, dt.date], language: str) -> list[str]:
    """What the pack says, in sentences."""
    words, whole = WORDS[language], tables["coverage"].loc[[_DISTRICT]].to_dict("records")[0]
    facts = {str(name): float(value) for name, value in whole.items() if pd.notna(value)}
    share = facts.get("coverage_after", 0.0)
    counts = [facts[name] for name in ("stations_before", "stations_after", "covered_before", "covered_after")]
    lines = [
        words["days"].format(shown_date(days[1])[language], shown_date(days[0])[language]),
        words["stand"].format(*map(shown_number, counts), share),
    ]
    targets = tables["targets"]
    binding = targets[targets["binding"].astype(bool)] if len(targets) else targets
    if len(binding):
        late = binding[~binding["met"].astype(bool) & (binding["days_late"].fillna(0) > 0)]
        lines.append(words["met"].format(len(binding), int(binding["met"].sum()), len(late)))
        lines += [
            words["late"].format(row[language], _place(row["place"], language), int(row["shortfall"]), int(row["days_late"]))
            for row in late.reset_index().to_dict("records")
        ]
    return lines


def _add_targets(book: Any, targets: pd.DataFrame, language: str) -> None:
    """A table for each target, under its name, the day it is due and its source phrase."""
    words = WORDS[language]
    for _, own in targets.groupby(level="target", sort=False):
        first = own.iloc[0]
        line = book.add_paragraph()
        line.add_run(_clean(str(first[language]))).bold = True
        due = shown_date(pd.Timestamp(first["by"]).date())[language]
        line.add_run(_clean(f"  {words['due'].format(due)}  {words['quoted'].format(first['phrase'])}"))
        _add_table(book, "targets", own, language)


def _add_table(book: Any, name: str, table: pd.DataFrame, language: str) -> None:
    schema, wanted = _TABLES[name]
    flat = table.reset_index()
    columns = [key for key in (each.format(language=language) for each in wanted) if key in flat]
    shown = book.add_table(rows=1, cols=len(columns), style="Light Grid Accent 1")
    for cell, key in zip(shown.rows[0].cells, columns, strict=True):
        cell.text = schema[key].label(language)
    for values in flat[columns].itertuples(index=False, name=None):
        for cell, value, key in zip(shown.add_row().cells, values, columns, strict=True):
            cell.text = _cell(value, key, schema[key], language)
    for paragraph in (p for row in shown.rows for cell in row.cells for p in cell.paragraphs):
        paragraph.paragraph_format.space_after = Pt(0)
        for run in paragraph.runs:
            run.font.size = Pt(9)
    book.add_paragraph()


def _cell(value: Any, key: str, column: Column, language: str) -> str:
    if pd.isna(value):
        return "–"
    if column.kind is Kind.FLAG:
        return WORDS[language]["yes" if bool(value) else "no"]
    if column.kind is Kind.DATE:
        return pd.Timestamp(value).strftime("%Y-%m-%d")
    if column.maximum == 1:
        return f"{value:.1%}"
    if isinstance(value, int | float):
        return shown_number(float(value))
    said = str(value)
    return (
        _place(said, language)
        if key == "place"
        else _clean(WORDS[language].get(said, said) if column.kind is Kind.TEXT else said)
    )


def _place(place: str, language: str) -> str:
    return WORDS[language]["district"] if place == _DISTRICT else _clean(place)


def _set_up(book: Any, language: str) -> None:
    normal = book.styles["Normal"]
    normal.font.name, normal.font.size = _FONTS[language], Pt(11)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), _FONTS["zh"])
    for name in ("Title", "Heading 1"):
        book.styles[name].element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "SimHei")
    book.core_properties.created = book.core_properties.modified = _MADE
    book.core_properties.author = ""


def _clean(text: str) -> str:
    """Text without the control characters that XML forbids."""
    return "".join(
        letter for letter in text if letter in "\t\n" or (letter >= " " and letter.isprintable()) or letter == "\u3000"
    )


def _save(book: Any, path: Path) -> None:
    """The document with every part stamped alike, so that the same pack has the same bytes."""
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for part in sorted(made.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            kept.writestr(zipfile.ZipInfo(part, _ZIP_DATE), made.read(part), zipfile.ZIP_DEFLATED)
