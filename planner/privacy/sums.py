"""Small counts, sums that would give them away, and tables without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Table = TypeVar("Table", bound=pd.DataFrame)

NOBODY = 1e-6  # people; sums of shares leave this much dust


def too_small(counts: npt.ArrayLike, minimum: float) -> Marks:
    """Say which counts are of somebody, but of fewer than `minimum` people.

    >>> too_small([0, 3, 10], 10).tolist()
    [False, True, False]
    """
    count = np.asarray(counts, dtype=np.float64)
    return np.asarray((count > NOBODY) & (count < minimum - NOBODY), dtype=np.bool_)


def hide_in_sum(counts: npt.ArrayLike, hidden: npt.ArrayLike, minimum: float) -> Marks:
    """Hide as many more counts of a published sum as the hidden ones need.

    What is left over when the shown counts are taken from the sum must be at least two counts and `minimum` people; the
    smallest shown counts go first (of equals the first).

    Parameters
    ----------
    counts
        Counts that add up to a sum everyone knows, in people.
    hidden
        Which are hidden already.

    Returns
    -------
    Which to hide: nothing if nothing was hidden, all that are not zero if the sum is too small to protect them.

    Examples
    --------
    >>> hide_in_sum([3, 40, 12, 0], [True, False, False, False], 10).tolist()
    [True, False, True, False]
    """
    marks = np.array(hidden, dtype=np.bool_)
    return fill(np.asarray(counts, dtype=np.float64), marks, minimum) if marks.any() else marks


def suppress(
    table: Table, columns: Iterable[str], minimum: float, *, totals: Mapping[str, str] | None = None, adds_up: bool = False
) -> Table:
    """Give a copy of `table` in which no small count in `columns` can be read or worked out.

    Parameters
    ----------
    columns
        Columns of counts of people.
    minimum
        Counts above 0 and below this become empty.
    totals
        For a column, another that holds the whole its count is part of, row by row: where all but a few belong to the part,
        the part is hidden too (95 covered of 100 says 5 are not), and a whole that is small is hidden itself.
    adds_up
        Whether the rows of a column add up to a sum that is published elsewhere.

    Examples
    --------
    >>> towns = pd.DataFrame({"covered": [95.0, 60.0, 300.0], "total": [100.0, 90.0, 400.0]})
    >>> suppress(towns, ["covered"], 10, totals={"covered": "total"}, adds_up=True)["covered"].tolist()
    [nan, nan, 300.0]
    """
    hidden: dict[str, Marks] = {}
    for name in columns:
        count = table[name].to_numpy(dtype=np.float64)
        marks = too_small(count, minimum)
        if totals is not None and name in totals:
            whole = table[totals[name]].to_numpy(dtype=np.float64)
            marks |= too_small(whole - count, minimum)
            hidden[totals[name]] = hidden.get(totals[name], np.zeros(len(table), dtype=np.bool_)) | too_small(whole, minimum)
        hidden[name] = hide_in_sum(count, marks, minimum) if adds_up else marks
    return without(table, hidden)


def fill(counts: Floats, marks: Marks, minimum: float) -> Marks:
    """Mark the smallest unmarked counts until those marked are two and `minimum` people, or none is left.

    >>> fill(np.array([20.0, 4.0, 7.0]), np.array([False, False, False]), 10).tolist()
    [False, True, True]
    """
    spare = np.flatnonzero(~marks & (counts > NOBODY))
    spare = spare[np.argsort(counts[spare], kind="stable")]
    marked = marks & (counts > NOBODY)
    number = int(marked.sum()) + np.arange(len(spare) + 1)
    people = float(counts[marked].sum()) + np.append(0.0, np.cumsum(counts[spare]))
    enough = (number >= 2) & (people >= minimum - NOBODY)
    taken = int(np.argmax(enough)) if enough.any() else len(spare)
    filled = marks.copy()
    filled[spare[:taken]] = True
    return filled


def without(table: Table, hidden: Mapping[str, Marks]) -> Table:
    """A copy whose marked counts are empty."""
    kept = {name: table[name].astype(np.float64).mask(marks) for name, marks in hidden.items() if marks.any()}
    return table.assign(**kept) if kept else table.copy()
