"""What a workbook holds and its readers do not tell: formulas that failed, and which rows and columns are hidden."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from planner.schema import is_blank
from planner.sources.files.records import Record

ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}  # of Excel, by code
LAST = 0xFFFFFFFA  # numbers of sectors are below it
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']")
_NUMBER = re.compile(rb"\b(r|min|max)=[\"'](\d+)[\"']")


@dataclass(eq=False)
class Unseen:
    """Of one sheet: texts of failed formulas by row and column, and what is hidden; rows from 1, columns from 0."""

    failed: dict[tuple[int, int], str] = field(default_factory=dict)
    rows: list[range] = field(default_factory=list)
    columns: list[range] = field(default_factory=list)

    def with_failed(self, records: Sequence[Record]) -> list[Record]:
        """The records of the sheet with the texts of failed formulas, where a reader gives empty cells."""
        if not self.failed:
            return list(records)
        held: dict[int, list[Any]] = {number: list(cells) for number, cells in records}
        for (row, column), text in self.failed.items():
            cells = held.setdefault(row, [])
            cells += [None] * (column + 1 - len(cells))
            cells[column] = text if is_blank(cells[column]) else cells[column]
        return sorted(held.items())

    def said(self, records: Sequence[Record]) -> str:
        """How many of the records' rows and of the columns they fill are hidden; nothing where none is."""
        rows = len(_among({number for number, _ in records}, self.rows))
        filled = {i for _, cells in records for i, cell in enumerate(cells) if not is_blank(cell)} if self.columns else set()
        columns = len(_among(filled, self.columns))
        told = [f"{count} {what}(s)" for count, what in ((rows, "row"), (columns, "column")) if count]
        return f"the sheet hides {' and '.join(told)}, by a filter or by hand; they are read like the others" if told else ""


def _among(held: set[int], hidden: Sequence[range]) -> set[int]:
    return {i for each in hidden for i in (each if len(each) <= len(held) else held) if i in each and i in held}


def unseen_in_xlsx(xml: bytes) -> Unseen:
    """Of a sheet of a modern workbook by its XML; its formulas that failed are read as such."""
    unseen, at = Unseen(), 0
    for found in _ROW.finditer(xml):
        numbers = dict(_NUMBER.findall(found[1]))
        at = int(numbers.get(b"r", at + 1))
        if _HIDDEN.search(found[1]):
            unseen.rows.append(range(at, at + 1))
    for found in _COLUMN.finditer(xml):
        numbers = dict(_NUMBER.findall(found[1]))
        if _HIDDEN.search(found[1]) and {b"min", b"max"} <= set(numbers):
            unseen.columns.append(range(int(numbers[b"min"]) - 1, int(numbers[b"max"])))
    return unseen


def unseen_in_ods(path: Path) -> Mapping[str, Unseen]:
    """Of each sheet of a workbook of LibreOffice.

    Raises
    ------
    ExpatError, BadZipFile, KeyError
        If it is none.
    """
    scribe, parser = _Scribe(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = scribe.start, scribe.end
    parser.CharacterDataHandler = scribe.data
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as file:
        parser.ParseFile(file)
    return scribe.sheets


class _Scribe:
    """What the parser tells of a workbook of LibreOffice; rows and cells may stand for many."""

    def __init__(self) -> None:
        self.sheets: dict[str, Unseen] = {}
        self._own, self._row, self._rows, self._column, self._cells = Unseen(), 1, 0, 0, 0
        self._is_error = self._is_formula = False
        self._text: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        said = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        hidden = said.get("visibility") in ("collapse", "filter")
        match name:
            case "table:table":
                self._own, self._row, self._column = Unseen(), 1, 0
                self.sheets[said.get("name", "")] = self._own
            case "table:table-column":
                many = int(said.get("number-columns-repeated", 1))
                self._own.columns += [range(self._column, self._column + many)] if hidden else []
                self._column += many
            case "table:table-row":
                self._rows, self._column = int(said.get("number-rows-repeated", 1)), 0
                self._own.rows += [range(self._row, self._row + self._rows)] if hidden else []
            case "table:table-cell" | "table:covered-table-cell":
                self._cells = int(said.get("number-columns-repeated", 1))
                self._is_error = "error" in (value for key, value in attributes.items() if key.endswith(":value-type"))
                self._is_formula, self._text = "formula" in said, []

    def data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        if name in ("table:table-cell", "table:covered-table-cell"):
            text = "".join(self._text or ()).strip()
            if self._is_error or (self._is_formula and (text in ERRORS.values() or text.startswith("Err:"))):
                self._own.failed[self._row, self._column] = text if text in ERRORS.values() else "#VALUE!"
            self._column, self._text = self._column + self._cells, None
        elif name == "table:table-row":
            self._row += self._rows


def unseen_in_xls(raw: bytes, sheet: str) -> Unseen:
    """Of a sheet of a workbook of Excel 97 to 2003.

    Raises
    ------
    ValueError, KeyError, IndexError, StopIteration, struct.error
        If its bytes are not as the format says, or there is no such sheet.
    """
    stream = _workbook_stream(raw)
    named = ((_sheet_name(body), body) for kind, body in _records(stream, 0) if kind == 0x85)
    return _unseen_in_records(stream, next(struct.unpack_from("<I", body)[0] for name, body in named if name == sheet))


def _sheet_name(body: bytes) -> str:
    letters, wide = body[6], body[7] & 1
    return body[8 : 8 + letters * (1 + wide)].decode("utf-16-le" if wide else "latin-1")


def _unseen_in_records(stream: bytes, at: int) -> Unseen:
    unseen = Unseen()
    for kind, body in _records(stream, at):
        if kind == 0x205 and body[7]:  # a constant that is an error
            row, column, _, code = struct.unpack_from("<HHHB", body)
            unseen.failed[row + 1, column] = ERRORS.get(code, "#VALUE!")
        elif kind == 0x06 and body[6] == 2 and body[12:14] == b"\xff\xff":  # a formula whose result is an error
            row, column = struct.unpack_from("<HH", body)
            unseen.failed[row + 1, column] = ERRORS.get(body[8], "#VALUE!")
        elif kind == 0x208 and body[12] & 0x20:  # a row of no height
            unseen.rows.append(range(int.from_bytes(body[:2], "little") + 1, int.from_bytes(body[:2], "little") + 2))
        elif kind == 0x7D and body[8] & 1:
            first, last = struct.unpack_from("<HH", body)
            unseen.columns.append(range(first, last + 1))
    return unseen


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record of one part of a workbook, to its end."""
    kind = 0
    while kind != 0x0A:
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _workbook_stream(raw: bytes) -> bytes:
    """The workbook out of the compound file that holds it (sectors in chains, as in a small file system)."""
    sector = 1 << struct.unpack_from("<H", raw, 30)[0]
    small, least, first_small, _, more = struct.unpack_from("<H", raw, 32)[0], *struct.unpack_from("<IIII", raw, 56)

    def body(number: int) -> bytes:
        return raw[(number + 1) * sector : (number + 2) * sector]

    tables = list(struct.unpack_from("<109I", raw, 76))
    while more < LAST and len(tables) * sector < len(raw):  # of a large file
        listed = struct.unpack(f"<{sector // 4}I", body(more))
        tables, more = tables + list(listed[:-1]), listed[-1]
    following = [n for table in tables if table < LAST for n in struct.unpack(f"<{sector // 4}I", body(table))]
    folder = b"".join(map(body, _chain(struct.unpack_from("<I", raw, 48)[0], following)))
    entries = {}
    for at in range(0, len(folder), 128):
        letters, start, size = struct.unpack_from("<H", folder, at + 64)[0], *struct.unpack_from("<II", folder, at + 116)
        entries[folder[at : at + max(letters - 2, 0)].decode("utf-16-le")] = start, size
    start, size = entries.get("Workbook") or entries["Book"]
    if size >= least:
        return b"".join(map(body, _chain(start, following)))[:size]
    ministream = b"".join(map(body, _chain(entries["Root Entry"][0], following)))
    table_of_small = b"".join(map(body, _chain(first_small, following)))
    chain = _chain(start, list(struct.unpack(f"<{len(table_of_small) // 4}I", table_of_small)))
    return b"".join(ministream[n << small : (n + 1) << small] for n in chain)[:size]


def _chain(start: int, following: list[int]) -> Iterator[int]:
    """The numbers of a chain's sectors; one that is longer than there are sectors has no end."""
    for _ in range(len(following) + 1):
        if start >= LAST:
            return
        yield start
        start = following[start]
    raise ValueError
