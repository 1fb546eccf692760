"""The Word report in the form offices use: findings, method, tables, pictures, proposals, limits, definitions."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import docx
import pandas as pd
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from planner.priority import WHOLE
from planner.publish.pictures import Picture
from planner.publish.words import DEFINITIONS, WORDS, model_said
from planner.schema import AREA_SCORES, GROUP_SCORES, NEEDED, SITES, TOWN_SCORES, Column, Schema
from planner.study import Group, Study
from planner.style import finding, pace_said, shown_date, shown_number

_MADE = dt.datetime(2000, 1, 1)  # a fixed stamp, so that the same run has the same bytes
_ZIP_DATE = (2000, 1, 1, 0, 0, 0)
_FONTS = {"zh": "SimSun", "en": "Calibri"}
_PICTURE_WIDTH = Cm(15.5)

_TABLES: Mapping[str, tuple[Schema, tuple[str, ...]]] = {
    "towns": (TOWN_SCORES, ("town", "population", "covered_pop", "coverage", "stations", "target", "met")),
    "groups": (GROUP_SCORES, ("label", "total", "covered", "coverage", "median_walk_min", "p90_walk_min")),
    "areas": (AREA_SCORES, ("label", "factor", "population", "covered_pop", "coverage", "stations", "sites")),
    "sites": (SITES, ("order", "name", "town", "host", "phase", "gain_pop", "gain_<group>", "coverage_after")),
    "needed": (NEEDED, ("share", "stations", "new_sites", "at_least", "coverage", "proven")),
}


def write_report(
    path: Path,
    *,
    study: Study,
    summary: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    pictures: Sequence[Picture],
    as_of: dt.date,
    sources: Sequence[str],
    notes: Sequence[str],
    language: str,
) -> None:
    """Write the report of a run in one language.

    Parameters
    ----------
    path
        The ``.docx`` to write.
    summary
        The headline figures, as in ``summary.json``.
    tables
        ``towns``, ``groups`` and, where there is a plan, ``sites``; small counts already suppressed (shown as a dash).
    pictures
        In that language, in the order they are shown.
    notes
        What was lawful but surprising; stands among the limits.
    """
    words = WORDS[language]
    book = docx.Document()
    _set_up(book, language)
    book.add_heading(_clean(study.publish.title or study.name), level=0)
    line = book.add_paragraph(f"{words['as_of']}{shown_date(as_of)[language]}")
    if study.publish.publisher:
        line.add_run(f"    {_clean(study.publish.publisher)}")
    _add_findings(book, study, summary, tables, language)
    _add_method(book, study, sources, language)
    book.add_heading(words["towns"], level=1)
    _add_picture(book, pictures, "map")
    _add_picture(book, pictures, "towns")
    _add_table(book, "towns", tables["towns"], study.scenario.groups, language)
    book.add_heading(words["groups"], level=1)
    _add_picture(book, pictures, "groups")
    _add_table(book, "groups", tables["groups"], study.scenario.groups, language)
    if "areas" in tables:
        _add_areas(book, tables["areas"], language)
    _add_proposals(book, study, summary, tables, pictures, language)
    _add_limits(book, notes, study, language)
    book.add_heading(words["definitions"], level=1)
    for term, definition in DEFINITIONS[language]:
        book.add_paragraph(style="List Bullet").add_run(term).bold = True
        book.paragraphs[-1].add_run(f"{words['colon']}{definition}")
    _save(book, path)


def _add_areas(book: Any, areas: pd.DataFrame, language: str) -> None:
    """The areas of priority as wholes, and how their factors count."""
    words = WORDS[language]
    book.add_paragraph(words["areas"]).runs[0].bold = True
    wholes = areas[areas.index.get_level_values("place") == WHOLE]
    _add_table(book, "areas", wholes, (), language)
    book.add_paragraph(words["areas_said"])


def _set_up(book: Any, language: str) -> None:
    normal = book.styles["Normal"]
    normal.font.name = _FONTS[language]
    normal.font.size = Pt(11)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), _FONTS["zh"])
    for name in ("Title", "Heading 1"):
        fonts = book.styles[name].element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), "SimHei")
    book.core_properties.created = book.core_properties.modified = _MADE
    book.core_properties.author = ""


def _add_findings(
    book: Any, study: Study, summary: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], language: str
) -> None:
    words, facts = WORDS[language], summary
    book.add_heading(words["findings"], level=1)
    lines = [finding(facts["coverage"], int(facts["stations"]), facts["cutoff_minutes"])[language] + words["stop"]]
    if facts["coverage"] is not None:
        uncovered = facts["population"] - facts["covered_pop"]
        lines.append(words["of_residents"].format(*map(shown_number, (facts["population"], facts["covered_pop"], uncovered))))
    worst = _worst(tables["towns"].reset_index(), "town")
    if worst is not None:
        lines.append(words["worst_town"].format(words["and"].join(worst[0]), worst[1]))
    worst = _worst(tables["groups"].drop(index="residents", errors="ignore").reset_index(), "label")
    if worst is not None:
        lines.append(words["worst_group"].format(words["and"].join(worst[0]), worst[1]))
    if "plan" in facts:
        plan = facts["plan"]
        lines.append(words["plan"].format(plan["sites"], shown_number(plan["residents_gained"]), _proof(plan, language)))
    for line in lines:
        book.add_paragraph(line, style="List Bullet")


def _proof(plan: Mapping[str, Any], language: str) -> str:
    words = WORDS[language]
    if plan["status"] == "optimal":
        return words["proven"]
    return words["unproven"] if plan["gap"] is None else words["gap"].format(plan["gap"])


def _worst(table: pd.DataFrame, name: str) -> tuple[list[str], float] | None:
    """The rows with the least coverage and what it is, if there are others that have more."""
    shares = table.dropna(subset=["coverage"])
    least = shares["coverage"].astype(float).min()
    rows = shares[shares["coverage"] == least]
    return ([_clean(str(said)) for said in rows[name]], float(least)) if 0 < len(rows) < len(shares) else None


def _add_method(book: Any, study: Study, sources: Sequence[str], language: str) -> None:
    words = WORDS[language]
    book.add_heading(words["method"], level=1)
    book.add_paragraph(words["how"])
    book.add_paragraph(f"{words['pace']}{pace_said(study.scenario.walk)[language]}{words['stop']}")
    if study.candidates:
        book.add_paragraph(model_said(study.scenario.siting, language))
    for source in sources:
        book.add_paragraph(_clean(source), style="List Bullet")


def _add_proposals(
    book: Any,
    study: Study,
    summary: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    pictures: Sequence[Picture],
    language: str,
) -> None:
    words = WORDS[language]
    if "sites" not in tables:
        return
    book.add_heading(words["proposals"], level=1)
    plan = summary["plan"]
    book.add_paragraph(words["plan"].format(plan["sites"], shown_number(plan["residents_gained"]), _proof(plan, language)))
    _add_table(book, "sites", tables["sites"], study.scenario.groups, language)
    _add_picture(book, pictures, "frontier")
    if "needed" in tables:
        _add_table(book, "needed", tables["needed"], study.scenario.groups, language)


def _add_limits(book: Any, notes: Sequence[str], study: Study, language: str) -> None:
    words = WORDS[language]
    book.add_heading(words["limits"], level=1)
    for line in (*words["limits_said"].split("\n"), words["suppressed"].format(study.privacy.minimum_count)):
        book.add_paragraph(line, style="List Bullet")
    for note in notes:
        book.add_paragraph(_clean(note), style="List Bullet")


def _add_picture(book: Any, pictures: Sequence[Picture], name: str) -> None:
    for picture in (picture for picture in pictures if picture.name == name):
        book.add_picture(io.BytesIO(picture.content), width=_PICTURE_WIDTH)
        book.paragraphs[-1].alignment = WD_ALIGN_PARAGRAPH.CENTER
        caption = book.add_paragraph(picture.caption, style="Caption")
        caption.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _add_table(book: Any, name: str, table: pd.DataFrame, groups: Sequence[Group], language: str) -> None:
    schema, wanted = _TABLES[name]
    flat = pd.DataFrame(table.drop(columns="geometry", errors="ignore")).reset_index()
    columns = [key for pattern in wanted for key in map(str, flat.columns) if _is(schema, key, pattern)]
    shown = book.add_table(rows=1, cols=len(columns), style="Light Grid Accent 1")
    for cell, key in zip(shown.rows[0].cells, columns, strict=True):
        cell.text = _heading(schema[key], key, groups, language)
    for values in flat[columns].itertuples(index=False, name=None):
        for cell, value, key in zip(shown.add_row().cells, values, columns, strict=True):
            cell.text = _cell(value, schema[key], language)
    for row in shown.rows:
        for paragraph in (paragraph for cell in row.cells for paragraph in cell.paragraphs):
            paragraph.paragraph_format.space_after = Pt(0)
            for run in paragraph.runs:
                run.font.size = Pt(9)
    book.add_paragraph()


def _is(schema: Schema, key: str, pattern: str) -> bool:
    column = schema.get(key)
    return column is not None and column.name == pattern


def _heading(column: Column, key: str, groups: Sequence[Group], language: str) -> str:
    if not column.is_family:
        return column.label(language)
    suffix = key.removeprefix(column.prefix)
    return _clean(next((group.shown for group in groups if group.name == suffix), suffix))


def _cell(value: Any, column: Column, language: str) -> str:
    if pd.isna(value):
        return "–"
    if isinstance(value, bool) or str(value) in ("True", "False"):
        return WORDS[language]["yes" if bool(value) else "no"]
    if column.maximum == 1:
        return f"{value:.1%}"
    return shown_number(float(value)) if isinstance(value, int | float) else _clean(str(value))


def _clean(text: str) -> str:
    """Text without the control characters that XML forbids."""
    return "".join(letter for letter in text if letter in "\t\n" or _is_printable(ord(letter)))


def _is_printable(code: int) -> bool:
    return code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF)


def _save(book: Any, path: Path) -> None:
    """The document with every part stamped alike, so that the same run has the same bytes."""
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for part in sorted(made.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            kept.writestr(zipfile.ZipInfo(part, _ZIP_DATE), made.read(part), zipfile.ZIP_DEFLATED)
