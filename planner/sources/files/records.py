"""Records (rows of cells) into a table: where the headers stand, what they mean, what is below them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import pandas as pd

from planner.errors import Fault
from planner.schema import is_blank

Recognise = Callable[[str], str | None]  # a header as people write it -> the column's name, or None
Admit = Callable[[pd.DataFrame], pd.DataFrame]  # rows of a file, with all its columns -> what is kept of them
Record = tuple[int, Sequence[Any]]  # row number as the user sees it, and its cells

__all__ = ["ROW", "Admit", "Recognise", "Record", "Rows", "find_headers", "is_blank", "is_remark", "rows_of", "said", "under"]

HEADER_ROWS = 20  # the headers stand within the first so many rows that are not empty
BLOCK_ROWS = 20_000  # of a long table are read at once
ROW = "source_row"


@dataclass(frozen=True, eq=False)
class Rows:
    """What a file holds, as it holds it.

    ``frame`` has the headers as written and a column ``source_row`` with row numbers as the user sees them. It is a
    GeoDataFrame where the file has geometries; its CRS is then the file's own, or None. ``faults`` are about rows that
    could not be read. ``headers`` are all that the file has, where only some were admitted.
    """

    frame: pd.DataFrame
    faults: tuple[Fault, ...] = ()
    headers: tuple[str, ...] = ()

    def admitted(self, admit: Admit | None) -> Rows:
        """What `admit` keeps of them; all of them without one."""
        return self if admit is None else Rows(admit(self.frame), self.faults, tuple(map(str, self.frame.columns)))


def rows_of(records: Iterable[Record], source: str, recognise: Recognise, admit: Admit | None = None) -> Rows:
    """A table out of records.

    Headers are the row, of the first 20 that are not empty, with most cells that `recognise` knows (the first of equals, so
    that a title above them does no harm); a cell that is empty there takes its header from the row above (merged cells).
    Rows above them that begin with ``#`` are remarks; rows below them that say the headers again are no rows of the table.
    `admit` is given the rows in blocks and gives back what is kept of each, so that a long list is never in memory as a whole.
    """
    filled = (record for record in records if _says_anything(record[1]))
    top = _top(filled)
    if all(is_remark(cells) for _, cells in top):
        return Rows(pd.DataFrame({ROW: []}), (Fault("the table is empty", "write its headers and rows", source),))
    at, headers = find_headers(top, recognise)
    first = next(iter(top[at + 1 :]), None) or next(filled, None)
    below = [] if first is None or _says_again(first[1], headers, recognise) else [first]
    body = _without_headers(chain(below, top[at + 2 :], filled), headers)
    names = [header or f"column {i + 1}" for i, header in enumerate(headers)]
    blank = {i for i, header in enumerate(headers) if not header}
    faults: list[Fault] = []
    blocks = list[pd.DataFrame]()
    while (rows := [_squared(record, len(headers), source, faults) for record in islice(body, BLOCK_ROWS)]) or not blocks:
        block = pd.DataFrame(rows, columns=[*names, ROW], dtype=object)
        blank = {i for i in blank if block.iloc[:, i].map(is_blank).all()}
        blocks.append(block if admit is None else admit(block))
    unsaid = {names[i] for i in blank} - set(headers)
    frame = pd.concat(blocks, ignore_index=True) if len(blocks) > 1 else blocks[0]
    kept = tuple(name for name in (*names, ROW) if name not in unsaid)
    return Rows(frame.loc[:, ~frame.columns.isin(unsaid)], tuple(faults), kept)


def _says_anything(cells: Sequence[Any]) -> bool:
    """Whether a row holds anything; of most rows the first cell tells."""
    return not all(map(is_blank, cells))


def _top(filled: Iterator[Record]) -> list[Record]:
    """The first records, so many that the headers stand among them."""
    top, plain = list[Record](), 0
    for record in filled:
        top.append(record)
        plain += not is_remark(record[1])
        if plain == HEADER_ROWS:
            break
    return top


def _without_headers(records: Iterable[Record], headers: Sequence[str]) -> Iterator[Record]:
    """The records but those that say the headers again, as on each page of a print."""
    mark = headers[0][:1]
    for record in records:
        start = record[1][0]
        differs = isinstance(start, str) and start[:1] != mark and start[:1] > " "  # most rows, at once
        if differs or not _says_again(record[1], headers, None):
            yield record


def _squared(record: Record, width: int, source: str, faults: list[Fault]) -> list[Any]:
    """The cells of a record, one a header, and its number; more cells than headers are a fault."""
    number, cells = record
    if len(cells) == width:
        return [*cells, number]
    if any(not is_blank(cell) for cell in cells[width:]):
        problem = f"the row has {len(cells)} cells for {width} headers"
        faults.append(Fault(problem, 'put text with commas in "quotes"', source, number))
    return [*cells[:width], *[None] * (width - len(cells)), number]


def _says_again(cells: Sequence[Any], headers: Sequence[str], recognise: Recognise | None) -> bool:
    """Whether a row repeats the headers (a page of a print), or says them in another language where `recognise` is given."""
    pairs = [(said(cell), header) for cell, header in zip(cells, headers, strict=False) if not is_blank(cell)]
    if len(pairs) < 2 or any(not header for _, header in pairs):
        return False
    return all(
        cell == header or (recognise is not None and recognise(cell) == recognise(header) is not None) for cell, header in pairs
    )


def find_headers(filled: Sequence[Record], recognise: Recognise) -> tuple[int, list[str]]:
    """Which of the filled records holds the headers, and the headers (empty text where there is none)."""
    table = islice(((at, cells) for at, (_, cells) in enumerate(filled) if not is_remark(cells)), HEADER_ROWS)
    plain = [(at, [said(cell) for cell in cells]) for at, cells in table]
    best_at, best = plain[0]
    best_known = 0
    above: list[str] = []
    for at, own in plain:
        for headers in (own, under(above, own, recognise)):
            known = sum(1 for header in headers if header and recognise(header))
            if known > best_known:
                best, best_at, best_known = headers, at, known
        above = own
    return best_at, best


def is_remark(cells: Sequence[Any]) -> bool:
    """Whether a row is a remark: its first cell begins with ``#``."""
    return bool(cells) and isinstance(cells[0], str) and cells[0].lstrip("\ufeff \t").startswith("#")


def under(above: Sequence[str], own: Sequence[str], recognise: Recognise) -> list[str]:
    """Headers of two rows with merged cells: the lower where there is one, else a known one from above."""
    width = max(len(above), len(own))
    upper, lower = [*above, *[""] * (width - len(above))], [*own, *[""] * (width - len(own))]
    return [low or (high if high and recognise(high) else "") for high, low in zip(upper, lower, strict=True)]


def said(cell: Any) -> str:
    """A header cell as one line of text."""
    return "" if is_blank(cell) else " ".join(str(cell).replace("\ufeff", "").split())
