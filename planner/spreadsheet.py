"""Text on its way into a spreadsheet: it stays text, whatever it begins with."""

from __future__ import annotations

from typing import Any

import pandas as pd

FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: Any) -> Any:
    """One cell: text that a spreadsheet would run as a formula gets an apostrophe before it; all else is as it was.

    >>> safe_cell("=1+1"), safe_cell(" @x"), safe_cell("Library"), safe_cell(-1.5)
    ("'=1+1", "' @x", 'Library', -1.5)
    """
    return "'" + value if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_MARKS) else value


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table in which every cell of text is a `safe_cell`; numbers and dates are as they were.

    >>> neutralised(pd.DataFrame({"name": ["=1+1", "Library"], "walk": [-1.0, 2.0]})).values.tolist()
    [["'=1+1", -1.0], ['Library', 2.0]]
    """
    copy = frame.copy()
    for position, name in enumerate(copy.columns):
        if not (pd.api.types.is_numeric_dtype(copy[name]) or pd.api.types.is_datetime64_any_dtype(copy[name])):
            copy.isetitem(position, copy[name].map(safe_cell, na_action="ignore").to_numpy(dtype=object))
    return copy
