"""Records (rows of cells) into a table: where the headers stand, what they mean, what is below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from planner.errors import Fault
from planner.schema import is_blank

Recognise = Callable[[str], str | None]  # a header as people write it -> the column's name, or None
Record = tuple[int, Sequence[Any]]  # row number as the user sees it, and its cells

__all__ = ["ROW", "Recognise", "Record", "Rows", "find_headers", "is_blank", "is_remark", "rows_of", "said", "under"]

HEADER_ROWS = 20  # the headers stand within the first so many rows that are not empty
ROW = "source_row"


@dataclass(frozen=True, eq=False)
class Rows:
    """What a file holds, as it holds it.

    ``frame`` has the headers as written and a column ``source_row`` with row numbers as the user sees them. It is a
    GeoDataFrame where the file has geometries; its CRS is then the file's own, or None. ``faults`` are about rows that
    could not be read.
    """

    frame: pd.DataFrame
    faults: tuple[Fault, ...] = ()


def rows_of(records: Sequence[Record], source: str, recognise: Recognise) -> Rows:
    """A table out of records.

    Headers are the row, of the first 20 that are not empty, with most cells that `recognise` knows (the first of equals, so
    that a title above them does no harm); a cell that is empty there takes its header from the row above (merged cells).
    Rows above them that begin with ``#`` are remarks; rows below them that say the headers again are no rows of the table.
    """
    filled = [(number, cells) for number, cells in records if any(not is_blank(cell) for cell in cells)]
    if all(is_remark(cells) for _, cells in filled):
        return Rows(pd.DataFrame({ROW: []}), (Fault("the table is empty", "write its headers and rows", source),))
    at, headers = find_headers(filled, recognise)
    body, faults = [], []
    for number, cells in filled[at + 1 :]:
        if _says_again(cells, headers, recognise if number == filled[at + 1][0] else None):
            continue
        beyond = [cell for cell in cells[len(headers) :] if not is_blank(cell)]
        if beyond:
            problem = f"the row has {len(cells)} cells for {len(headers)} headers"
            faults.append(Fault(problem, 'put text with commas in "quotes"', source, number))
        body.append([*cells[: len(headers)], *[None] * (len(headers) - len(cells)), number])
    frame = pd.DataFrame(body, columns=[*headers, ROW], dtype=object)
    unnamed = [i for i, header in enumerate(headers) if not header]
    kept = [i for i in range(len(headers) + 1) if i not in unnamed or not frame.iloc[:, i].map(is_blank).all()]
    names = [header or f"column {i + 1}" for i, header in enumerate(headers)]
    return Rows(frame.set_axis([*names, ROW], axis=1).iloc[:, kept], tuple(faults))


def _says_again(cells: Sequence[Any], headers: Sequence[str], recognise: Recognise | None) -> bool:
    """Whether a row repeats the headers (a page of a print), or says them in another language where `recognise` is given."""
    if recognise is None and isinstance(cells[0], str) and cells[0][:1] != headers[0][:1] and cells[0][:1] > " ":
        return False  # most rows, at once
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
