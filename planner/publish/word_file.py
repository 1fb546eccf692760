"""A report as a Word file on A4 as offices use it: numbered captions, headings that stay with their text, page numbers."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from planner.publish.blocks import Cells, Figures, Heading, Lines, Paper, Shown, Text

_MADE = dt.datetime(2000, 1, 1)  # a fixed stamp, so that the same run has the same bytes
_ZIP_DATE = (2000, 1, 1, 0, 0, 0)
_BODY = {"zh": ("SimSun", 11.0), "en": ("Calibri", 10.5)}
_HEAVY = "SimHei"  # Chinese headings
_TEXT_CM = 16.0  # A4 with margins of 2.5 cm
_INK, _SOFT, _RULE, _WASH = RGBColor(0x1C, 0x27, 0x33), RGBColor(0x4B, 0x58, 0x66), "8A95A1", "E8EEF4"
_LEAST_CM = 1.15  # the narrowest column
_TABLE_PT = 9.0  # letters of a table
_LETTER_CM, _BOLD_CM, _HAN_CM = 0.217, 0.244, 0.328  # at 9 points, of the widest of the usual fonts
_PADDING_CM = 0.42  # the space beside a cell's text
_HAN = re.compile("[\u2e80-\uffff]+")
_WORD = re.compile(r"[!-~]+")  # what is not to be broken: Latin letters, digits and their marks
_LONGEST_PROPERTY = 255  # letters


def write_word(path: Path, paper: Paper) -> None:
    """Write `paper` as a ``.docx``; the same paper gives the same bytes."""
    book = docx.Document()
    _set_up(book, paper.language)
    book.core_properties.title = paper.title[:_LONGEST_PROPERTY]
    title = book.add_paragraph(paper.title, style="Title")
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for line in paper.under:
        under = book.add_paragraph()
        under.alignment = WD_ALIGN_PARAGRAPH.CENTER
        under.paragraph_format.space_after = Pt(2)
        _run(under, line, colour=_SOFT)
    for block in paper.blocks:
        _WRITERS[type(block)](book, block)
    _save(book, path)


def _set_up(book: Any, language: str) -> None:
    section = book.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin, section.bottom_margin = Cm(2.4), Cm(2.2)
    font, size = _BODY[language]
    normal = book.styles["Normal"]
    _font(normal, font, "SimSun", size, _INK)
    normal.paragraph_format.line_spacing = 1.35 if language == "zh" else 1.15
    normal.paragraph_format.space_after = Pt(5)
    for name, points, before in (("Title", 20, 0), ("Heading 1", 14, 14), ("Heading 2", 12, 8), ("Caption", 9, 6)):
        style = book.styles[name]
        _font(style, font, _HEAVY, points, _INK if name != "Caption" else _SOFT)
        style.font.bold = name != "Caption"
        style.font.italic = False
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(4)
        style.paragraph_format.keep_with_next = name.startswith("Heading")
    for border in book.styles["Title"].element.xpath(".//w:pBdr"):
        border.getparent().remove(border)
    _number_pages(section)
    book.core_properties.created = book.core_properties.modified = _MADE
    book.core_properties.author = book.core_properties.comments = ""
    book.core_properties.language = {"zh": "zh-CN", "en": "en-US"}[language]
    for said in book.styles.element.xpath(".//w:rPrDefault//w:lang"):  # read aloud and broken into lines as what it is
        said.set(qn("w:val"), "en-US")  # of Latin letters, in either language: as Chinese their words break anywhere
        said.set(qn("w:eastAsia"), "zh-CN")


def _font(style: Any, latin: str, han: str, points: float, colour: RGBColor) -> None:
    style.font.name, style.font.size, style.font.color.rgb = latin, Pt(points), colour
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for slot, name in (("ascii", latin), ("hAnsi", latin), ("eastAsia", han)):
        fonts.set(qn(f"w:{slot}"), name)


def _number_pages(section: Any) -> None:
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run()
    run.font.size = Pt(9)
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        if kind is None:
            node = OxmlElement("w:instrText")
            node.text = text
        else:
            node = OxmlElement("w:fldChar")
            node.set(qn("w:fldCharType"), kind)
        run._r.append(node)


def _run(paragraph: Any, text: str, *, bold: bool = False, size: float | None = None, colour: RGBColor | None = None) -> None:
    run = paragraph.add_run(text)
    run.bold = bold or None
    if size is not None:
        run.font.size = Pt(size)
    if colour is not None:
        run.font.color.rgb = colour


def _add_heading(book: Any, block: Heading) -> None:
    book.add_paragraph(block.text, style=f"Heading {block.level}")


def _add_text(book: Any, block: Text) -> None:
    paragraph = book.add_paragraph()
    _run(paragraph, block.text, size=9 if block.quiet else None, colour=_SOFT if block.quiet else None)


def _add_lines(book: Any, block: Lines) -> None:
    for term, text in block.lines:
        paragraph = book.add_paragraph(style="List Bullet")
        paragraph.paragraph_format.space_after = Pt(3)
        if term:
            _run(paragraph, term, bold=True)
        _run(paragraph, text)


def _add_figures(book: Any, block: Figures) -> None:
    table = book.add_table(rows=2, cols=len(block.pairs))
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for column, (label, value) in enumerate(block.pairs):
        for row, (text, size, bold, colour) in enumerate(((value, 18, True, _INK), (label, 9, False, _SOFT))):
            cell = table.cell(row, column)
            _shade(cell, "F4F6F8")
            paragraph = cell.paragraphs[0]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            paragraph.paragraph_format.space_before = Pt(6 if row == 0 else 0)
            paragraph.paragraph_format.space_after = Pt(0 if row == 0 else 6)
            paragraph.paragraph_format.keep_with_next = True
            _run(paragraph, text, bold=bold, size=size, colour=colour)
    book.add_paragraph().paragraph_format.space_after = Pt(0)


def _add_table(book: Any, block: Cells) -> None:
    for part in _parts(block):
        _add_part(book, part)


def _parts(block: Cells) -> list[Cells]:
    """The table in as few parts as its page has room for, about as wide as each other; its keys stand in each.

    >>> wide = Cells("t", ["key", *"abcdefghijkl"], [["one", *["123456"] * 12]], [False] * 13)
    >>> [(part.caption, "".join(part.headings)) for part in _parts(wide)]
    [('t (1/2)', 'keyabcdef'), ('t (2/2)', 'keyghijkl')]
    """
    least = [_least(block, column) for column in range(len(block.headings))]
    if sum(least) <= _TEXT_CM:
        return [block]
    keys, width = list(range(block.keys)), _TEXT_CM
    columns = _filled(least, block.keys, width)
    while width > _LEAST_CM and len(narrower := _filled(least, block.keys, width - _LEAST_CM / 4)) == len(columns):
        columns, width = narrower, width - _LEAST_CM / 4
    return [
        block.part([*keys, *own], f"{block.caption} ({number}/{len(columns)})") for number, own in enumerate(columns, start=1)
    ]


def _filled(least: Sequence[float], keys: int, width: float) -> list[list[int]]:
    """The columns after the keys, in order, as many in each part as `width` holds beside the keys; one at least."""
    taken = sum(least[:keys])
    parts: list[list[int]] = []
    room = 0.0
    for column, wide in enumerate(least[keys:], start=keys):
        if not parts or wide > room:
            parts.append([])
            room = width - taken
        parts[-1].append(column)
        room -= wide
    return parts


def _add_part(book: Any, block: Cells) -> None:
    caption = book.add_paragraph(block.caption, style="Caption")
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.keep_with_next = True
    table = book.add_table(rows=1 + len(block.rows), cols=len(block.headings))
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    _rule(table)
    widths = _widths(block)
    for column, wide in zip(table.columns, widths, strict=True):
        column.width = Cm(wide)
    for at, values in enumerate((block.headings, *block.rows)):
        row = table.rows[at]
        _keep_whole(row, repeats=at == 0)
        for cell, text, wide, number in zip(row.cells, values, widths, block.numeric, strict=True):
            cell.width = Cm(wide)
            if at == 0:
                _shade(cell, _WASH)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            paragraph.paragraph_format.line_spacing = 1.05
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if number else WD_ALIGN_PARAGRAPH.LEFT
            _run(paragraph, text, bold=at == 0, size=_TABLE_PT)
    book.add_paragraph().paragraph_format.space_after = Pt(0)


def _widths(block: Cells) -> list[float]:
    """Columns as wide as their texts ask, together as wide as the page's; none narrower than a number, date or word in it."""
    asked = []
    for column, heading in enumerate(block.headings):
        cells = [_letters(row[column]) for row in block.rows] or [0]
        usual = sorted(cells)[int(0.9 * (len(cells) - 1))]
        asked.append(max(min(usual, 30), min(_letters(heading) / 2, 12), 5) + 2.5)
    wide = [_TEXT_CM * one / sum(asked) for one in asked]
    least = [_least(block, column) for column in range(len(wide))]
    least = [few * min(1.0, _TEXT_CM / sum(least)) for few in least]
    short = sum(max(few - one, 0) for one, few in zip(wide, least, strict=True))
    spare = sum(max(one - few, 0) for one, few in zip(wide, least, strict=True))
    share = min(1.0, short / spare) if spare else 0.0
    return [max(one, few) - share * max(one - few, 0) for one, few in zip(wide, least, strict=True)]


def _least(block: Cells, column: int) -> float:
    """How wide a column is at least: no number, date or word in it is broken, up to 14 letters (10 in its heading), and
    Han letters stand five in a line.
    """
    texts, heading = [row[column] for row in block.rows], block.headings[column]
    words = [_LETTER_CM * min(len(word), 14) for text in texts for word in _WORD.findall(text)]
    words += [_BOLD_CM * min(len(word), 10) for word in _WORD.findall(heading)]
    words += [_HAN_CM * min(len(run), 5) for text in texts for run in _HAN.findall(text)]
    return max(_LEAST_CM, _PADDING_CM + max(words, default=0.0))


def _letters(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)


def _rule(table: Any) -> None:
    """Lines between rows only, a stronger one above and below."""
    borders = OxmlElement("w:tblBorders")
    for side, size, colour in (("top", 8, _RULE), ("bottom", 8, _RULE), ("insideH", 4, "D8DCE1")):
        line = OxmlElement(f"w:{side}")
        for key, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", colour)):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    table._tbl.tblPr.append(borders)


def _keep_whole(row: Any, *, repeats: bool) -> None:
    """A row does not break over pages; the first stands on top of each page again."""
    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if repeats:
        properties.append(OxmlElement("w:tblHeader"))


def _shade(cell: Any, colour: str) -> None:
    shading = OxmlElement("w:shd")
    for key, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shading.set(qn(f"w:{key}"), value)
    cell._tc.get_or_add_tcPr().append(shading)


def _add_picture(book: Any, block: Shown) -> None:
    book.add_picture(io.BytesIO(block.picture.content), width=Cm(_TEXT_CM * block.share))
    place = book.paragraphs[-1]
    place.alignment = WD_ALIGN_PARAGRAPH.CENTER
    place.paragraph_format.keep_with_next = True
    place.paragraph_format.space_after = Pt(2)
    described = place._p.xpath(".//wp:docPr")[0]
    described.set("descr", block.picture.caption)
    described.set("name", block.picture.name)
    caption = book.add_paragraph(block.picture.caption, style="Caption")
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.space_before = Pt(0)


_WRITERS: dict[type, Any] = {
    Heading: _add_heading,
    Text: _add_text,
    Lines: _add_lines,
    Figures: _add_figures,
    Cells: _add_table,
    Shown: _add_picture,
}


def _save(book: Any, path: Path) -> None:
    """The document with every part stamped alike, so that the same run has the same bytes."""
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for part in _in_order(made.namelist()):
            kept.writestr(zipfile.ZipInfo(part, _ZIP_DATE), made.read(part), zipfile.ZIP_DEFLATED)


def _in_order(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != "[Content_Types].xml", name))
