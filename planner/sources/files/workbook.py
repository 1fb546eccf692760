"""Workbooks of Excel, WPS and LibreOffice: the sheet that looks most like the table, values of formulas, merged headers."""

from __future__ import annotations

import difflib
import io
import re
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import python_calamine

from planner.errors import Fault, PlannerWarning, SourceError
from planner.schema import is_blank
from planner.sources.files.opening import CUT_OFF, LAYER, check_archive, reading, refused
from planner.sources.files.records import Recognise, Record, Rows, find_headers, is_remark, rows_of
from planner.sources.files.unseen import Unseen, unseen_in_ods, unseen_in_xls, unseen_in_xlsx

MODERN = (".xlsx", ".xlsm")
READ_ONCE = """
import contextlib, io, sys
with contextlib.suppress(ImportError):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4_000_000_000, 4_000_000_000))
import python_calamine
told = io.BytesIO(sys.stdin.buffer.read())
with python_calamine.CalamineWorkbook.from_object(sys.argv[1] if len(sys.argv) > 1 else told) as book:
    for name in book.sheet_names:
        book.get_sheet_by_name(name).to_python(skip_empty_area=False)
"""
INDENTED = re.compile(rb"(?<=>)\s+(?=</?table:)")  # between two tags, never in a text
WORKBOOKS = (*MODERN, ".xls", ".ods", ".xlsb")


def read_workbook(path: Path, source: str, recognise: Recognise, sheet: str | None = None) -> Rows:
    """The rows of the sheet called `sheet`, else of the one with most known headers; hidden sheets only where all are.

    Raises
    ------
    SourceError
        If the workbook is broken, locked with a password, unpacks to more than any table, or has no such sheet, or several
        sheets look like the table and none is named.
    """
    modern = path.suffix.lower() in MODERN
    if modern or path.suffix.lower() == ".ods":
        check_archive(path, source)
    sheets, hidden = _sheets(path, source, values=True) if modern else _old_sheets(path, source)
    if sheet is not None and sheet not in sheets:
        near = difflib.get_close_matches(sheet, sheets, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sheets)}"
        raise refused(source, f"the workbook has no sheet {sheet!r}", mend, LAYER)
    name = sheet or _table_in({n: held for n, held in sheets.items() if n not in hidden} or sheets, recognise, source)
    unseen = _unseen(path, source, name)
    records = unseen.with_failed(sheets.get(name, []))
    if hides := unseen.said(records):
        warnings.warn(f"{source}: {hides}", PlannerWarning, stacklevel=2)
    rows = rows_of(records, source, recognise)
    return Rows(rows.frame, (*rows.faults, *(_uncomputed(path, source, name, records) if modern else ())))


def _unseen(path: Path, source: str, sheet: str) -> Unseen:
    """What the sheet's reader does not tell of it; where nothing else does, a warning says so."""
    try:
        with reading(source, CUT_OFF, "copy it again"):
            match path.suffix.lower():
                case ".xlsx" | ".xlsm":
                    return unseen_in_xlsx(_xml_of(path, sheet))
                case ".ods":
                    return unseen_in_ods(path)[sheet]
                case ".xls":
                    return unseen_in_xls(path.read_bytes(), sheet)
    except SourceError:
        pass  # in a form that is not known here
    said = "formulas that failed are read as empty cells, and hidden rows like the others: nothing in this file tells them"
    warnings.warn(f"{source}: {said}; save it as .xlsx if it has any", PlannerWarning, stacklevel=3)
    return Unseen()


def _xml_of(path: Path, sheet: str) -> bytes:
    """A sheet of a modern workbook as it is in the archive."""
    with zipfile.ZipFile(path) as archive:
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  the reader before has taken the file
        links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        own = next(each for each in book.iter() if each.tag.endswith("}sheet") and each.get("name") == sheet)
        link = next(value for key, value in own.items() if key.endswith("}id"))
        target = next(str(each.get("Target")) for each in links if each.get("Id") == link)
        return archive.read(target.lstrip("/") if target.startswith("/") else f"xl/{target}")


def _table_in(sheets: dict[str, list[Record]], recognise: Recognise, source: str) -> str:
    """The name of the sheet that looks most like the table; two that look so alike would lose one of them in silence."""
    looks = {name: _likeness(held, recognise) for name, held in sheets.items()}
    most = max(looks.values(), default=(0, False, False))
    alike = [name for name, look in looks.items() if look == most]
    known, has_rows, _ = most
    if len(alike) > 1 and known and has_rows:
        said = f"{len(alike)} sheets have the headers of the table ({', '.join(alike)})"
        mend = f'hide the others in the workbook, or where the table has that key say layer = "{alike[0]}"'
        raise refused(source, said, mend, LAYER)
    return alike[0] if alike else ""


def _old_sheets(path: Path, source: str) -> tuple[dict[str, list[Record]], set[str]]:
    """The sheets, and the names of hidden ones, of a workbook of Excel 97 (.xls), LibreOffice (.ods) or in .xlsb."""
    mend = "open it in Excel or WPS and save it as .xlsx"
    said = "the workbook cannot be read"
    with reading(source, said, mend):
        plain = _unindented(path) if path.suffix.lower() == ".ods" else None
        if not _can_be_read(path, plain):
            raise refused(source, said, mend)
        with python_calamine.CalamineWorkbook.from_object(path if plain is None else io.BytesIO(plain)) as book:
            hidden = {sheet.name for sheet in book.sheets_metadata if sheet.visible != python_calamine.SheetVisibleEnum.Visible}
            return {name: _filled(book.get_sheet_by_name(name)) for name in book.sheet_names}, hidden


def _unindented(path: Path) -> bytes | None:
    """The workbook without space between its tags, as GDAL writes it and the reader cannot take it; None where there is none.

    It stays in memory: a list of people is never copied to the disk.
    """
    with zipfile.ZipFile(path) as archive:
        content = archive.read("content.xml")
        if not INDENTED.search(content):
            return None
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in (parts | {"content.xml": INDENTED.sub(b"", content)}).items():
            archive.writestr(name, raw)
    return copy.getvalue()


def _can_be_read(path: Path, plain: bytes | None) -> bool:
    """Whether a process of its own survives reading the workbook: over a damaged one the reader may end its whole process."""
    command = [sys.executable, "-P", "-c", READ_ONCE, *([str(path)] if plain is None else [])]
    run = subprocess.run(command, input=plain or b"", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
    return run.returncode == 0


def _filled(sheet: Any) -> list[Record]:
    """Rows that hold anything, by their number in the sheet; empty cells come as empty text."""
    held = enumerate(sheet.to_python(skip_empty_area=False), 1)
    return [(number, cells) for number, cells in held if any(not is_blank(cell) for cell in cells)]


def _likeness(records: Sequence[Record], recognise: Recognise) -> tuple[int, bool, bool]:
    """How many headers of a sheet are known, whether rows stand below them, and whether it holds anything."""
    if all(is_remark(cells) for _, cells in records):
        return 0, False, False
    at, headers = find_headers(records, recognise)
    return sum(1 for header in headers if header and recognise(header)), len(records) > at + 1, True


def _sheets(path: Path, source: str, *, values: bool) -> tuple[dict[str, list[Record]], set[str]]:
    """The sheets, and the names of hidden ones."""
    with reading(source, "the workbook cannot be read", "open it in Excel and save it again as .xlsx"):
        import openpyxl  # slow to import, and most tables are text

        book = openpyxl.load_workbook(path, read_only=True, data_only=values, keep_links=False)
        try:
            hidden = {sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"}
            return {sheet.title: _records(sheet) for sheet in book.worksheets}, hidden
        finally:
            book.close()


def _records(sheet: Any) -> list[Record]:
    sheet.reset_dimensions()  # a sheet may claim a million rows it does not have
    held = ((number, list(cells)) for number, cells in enumerate(sheet.iter_rows(values_only=True), 1))
    return [(number, cells) for number, cells in held if any(not is_blank(cell) for cell in cells)]


def _uncomputed(path: Path, source: str, name: str, records: Sequence[Record]) -> list[Fault]:
    """Formulas whose value is not in the file: written by a program, never opened in Excel.

    Where any formula of the sheet has a value Excel has computed them all, and one without is an empty text.
    """
    if not _has_formulas(path, source):
        return []
    values, empty = dict(records), list[tuple[int, int]]()
    for number, cells in _sheets(path, source, values=False)[0].get(name, []):
        held = values.get(number, [])
        for i in (i for i, cell in enumerate(cells) if isinstance(cell, str) and cell.startswith("=")):
            if i < len(held) and held[i] is not None:
                return []
            empty.append((number, i))
    problem, mend = "a formula has no value in the file", "open the workbook in Excel and save it"
    return [Fault(problem, mend, source, number, f"column {i + 1}") for number, i in empty]


def _has_formulas(path: Path, source: str) -> bool:
    """Whether any sheet has a formula, by its XML: a second look at the workbook takes as long as the first."""
    with reading(source, CUT_OFF, "copy it again"), zipfile.ZipFile(path) as archive:
        sheets = [archive.read(part) for part in archive.namelist() if part.startswith("xl/worksheets/")]
    return any(b"<f>" in sheet or b"<f " in sheet or b":f>" in sheet for sheet in sheets)
