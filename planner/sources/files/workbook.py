"""Excel workbooks: the sheet that looks most like the table, values of formulas, titles and merged headers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from planner.errors import Fault
from planner.schema import is_blank
from planner.sources.files.opening import check_archive, reading
from planner.sources.files.records import Recognise, Record, Rows, find_headers, rows_of


def read_workbook(path: Path, source: str, recognise: Recognise) -> Rows:
    """The rows of the sheet with most known headers (the first of equals).

    Raises
    ------
    SourceError
        If the workbook is broken, locked with a password, or unpacks to more than any table.
    """
    check_archive(path, source)
    sheets = _sheets(path, source, values=True)
    records = max(sheets.values(), key=lambda held: _known(held, recognise), default=[])
    name = next((name for name, held in sheets.items() if held is records), "")
    rows = rows_of(records, source, recognise)
    return Rows(rows.frame, (*rows.faults, *_uncomputed(path, source, name, records)))


def _known(records: Sequence[Record], recognise: Recognise) -> tuple[int, bool]:
    filled = [record for record in records if any(not is_blank(cell) for cell in record[1])]
    if not filled:
        return 0, False
    _, headers = find_headers(filled, recognise)
    return sum(1 for header in headers if header and recognise(header)), True


def _sheets(path: Path, source: str, *, values: bool) -> dict[str, list[Record]]:
    with reading(source, "the workbook cannot be read", "open it in Excel and save it again as .xlsx"):
        book = openpyxl.load_workbook(path, read_only=True, data_only=values, keep_links=False)
        try:
            return {sheet.title: _records(sheet) for sheet in book.worksheets}
        finally:
            book.close()


def _records(sheet: Any) -> list[Record]:
    sheet.reset_dimensions()  # a sheet may claim a million rows it does not have
    held = ((number, list(cells)) for number, cells in enumerate(sheet.iter_rows(values_only=True), 1))
    records: list[Record] = [(number, cells) for number, cells in held if any(not is_blank(cell) for cell in cells)]
    while records and isinstance(records[0][1][0], str) and records[0][1][0].lstrip().startswith("#"):
        records.pop(0)
    return records


def _uncomputed(path: Path, source: str, name: str, records: Sequence[Record]) -> list[Fault]:
    """Formulas whose value is not in the file: written by a program, never opened in Excel."""
    formulas = dict(_sheets(path, source, values=False).get(name, []))
    found = []
    values = dict(records)
    for number, cells in formulas.items():
        held = values.get(number, [])
        for i, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith("=") and (i >= len(held) or held[i] is None):
                mend = "open the workbook in Excel and save it"
                found.append(Fault("a formula has no value in the file", mend, source, number, f"column {i + 1}"))
    return found
