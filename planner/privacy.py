"""What may leave the machine: small counts of key groups, and as many others as would give them away, become empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.score import RESIDENTS

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Table = TypeVar("Table", bound=pd.DataFrame)

NOBODY = 1e-6  # people; sums of shares leave this much dust
FAMILIES = {"demand": "pop_", "towns": "covered_", "stations": "served_", "sites": "gain_"}  # columns of key groups
RESIDENT_COLUMNS = frozenset({"covered_pop", "served_pop", "gain_pop", "gain_need"})  # of those names, not a group's
NEED_COLUMNS = {"demand": "need", "sites": "gain_need"}  # residents and groups by weight: gives the group away


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
    return _fill(np.asarray(counts, dtype=np.float64), marks, minimum) if marks.any() else marks


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
    return _without(table, hidden)


def publishable(name: str, table: Table, minimum: float) -> Table:
    """Give one table of a run as it may leave the machine; see `publish_tables`, which knows what the others say.

    Use it for a table that is published alone.
    """
    return publish_tables({name: table}, minimum)[name]


def publish_tables(tables: Mapping[str, Table], minimum: float) -> dict[str, Table]:
    """Give the tables of a run as they may leave the machine together.

    Parameters
    ----------
    tables
        By name: ``demand`` (COVERAGE), ``towns``, ``groups``, ``stations``, ``sites``; others pass as they are.
    minimum
        Counts of a key group above 0 and below this become empty. 0 or 1 hides nothing.

    Returns
    -------
    Copies with the same rows and columns. For each key group these become empty:

    - counts that are too small, and those whose complement is (covered of a total, served of all covered);
    - further towns, points and sites, so that what is left of a published sum is at least two counts and `minimum` people;
      district and town totals of a group count as known to everyone;
    - the district's covered count, where no other town could cover up for the small ones;
    - ``need`` and ``gain_need`` in rows where a group's count is empty, since the weights are published;
    - in ``groups`` the shares and quantiles of what is hidden.

    Counts of all residents are never hidden.

    Notes
    -----
    Laws: no empty count of ``demand``, ``towns`` or ``groups`` follows from the others by adding and subtracting; where
    all counts and complements are large nothing is hidden. Stations overlap, so their counts do not add up; they are
    protected against their complement among the covered, not against somebody who rebuilds each station's catchment
    point by point.
    """
    hidden = {group: _hide(tables, group, minimum) for group in _groups(tables)}
    return {name: _published(name, table, hidden) for name, table in tables.items()}


def publish_summary(summary: Mapping[str, Any], groups: pd.DataFrame) -> dict[str, Any]:
    """Give headline figures (`score.summarise`) that say no more than the published group scores do.

    Parameters
    ----------
    summary
        Figures with ``groups`` by name, and ``need``, ``covered_need``, ``need_coverage``.
    groups
        The group scores as `publish_tables` gives them.

    Returns
    -------
    A copy in which the figures of a group are empty where they are in `groups`; if any are, so is all that counts need, since
    the weights are published (``plan`` included).
    """
    said = dict(summary)
    said["groups"] = {
        name: {key: _figure(groups, name, key, value) for key, value in figures.items()}
        for name, figures in summary.get("groups", {}).items()
    }
    if groups[["total", "covered"]].isna().to_numpy().any():
        said |= {key: None for key in ("need", "covered_need", "need_coverage") if key in said}
        if isinstance(said.get("plan"), Mapping):
            needs = ("need_covered_before", "need_covered_after", "bound", "gap")
            said["plan"] = {key: None if key in needs else value for key, value in said["plan"].items()}
    return said


@dataclass(frozen=True)
class _Hidden:
    """What to hide of one group: the marked rows of each table, and the district's own figures."""

    rows: Mapping[str, Marks]
    total: bool
    covered: bool


@dataclass(frozen=True)
class _Towns:
    """One group by town as far as the tables tell (uncovered is infinite where they do not).

    The last town stands for people in none. ``of_point`` is the town of each row of ``demand``.
    """

    covered: Floats
    uncovered: Floats
    of_point: npt.NDArray[np.int64]


def _groups(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    named = [str(name) for name in tables["groups"].index if name != RESIDENTS] if "groups" in tables else []
    for table, prefix in FAMILIES.items():
        columns = [str(column) for column in tables[table].columns] if table in tables else []
        named += [c.removeprefix(prefix) for c in columns if c.startswith(prefix) and c not in RESIDENT_COLUMNS]
    return list(dict.fromkeys(named))


def _hide(tables: Mapping[str, pd.DataFrame], group: str, minimum: float) -> _Hidden:
    towns = _by_town(tables, group)
    total, covered = _district(tables, group, towns)
    hide_total = bool(too_small([total], minimum)[0])
    hide_covered = bool((too_small([covered], minimum) | too_small([total - covered], minimum) & (covered > NOBODY))[0])
    marks, hide_covered = _hide_towns(towns, minimum, alone=hide_covered)
    rows: dict[str, Marks] = {"towns": marks[:-1]}
    points = _counts(tables, "demand", group)
    if points is not None:
        is_covered = tables["demand"]["covered"].to_numpy(dtype=np.bool_)
        rows["demand"] = _hide_points(points, towns.of_point * 2 + is_covered, marks, minimum, apart=hide_covered)
    served, gains = _counts(tables, "stations", group), _counts(tables, "sites", group)
    if served is not None:
        rows["stations"] = too_small(served, minimum) | too_small(covered - served, minimum)
    if gains is not None:
        rows["sites"] = _hide_gains(gains, total - covered - float(gains.sum()), minimum)
    return _Hidden(rows, hide_total, hide_covered)


def _counts(tables: Mapping[str, pd.DataFrame], table: str, group: str) -> Floats | None:
    column = FAMILIES[table] + group
    return tables[table][column].to_numpy(dtype=np.float64) if table in tables and column in tables[table] else None


def _by_town(tables: Mapping[str, pd.DataFrame], group: str) -> _Towns:
    points, towns = _counts(tables, "demand", group), _counts(tables, "towns", group)
    if points is None:
        covered = np.append(np.zeros(0) if towns is None else towns, 0.0)
        return _Towns(covered, np.full(len(covered), np.inf), np.zeros(0, dtype=np.int64))
    demand = tables["demand"]
    town = pd.Index(demand["town"] if "town" in demand else np.full(len(demand), np.nan, dtype=object))
    names = tables["towns"].index if "towns" in tables else town.dropna().unique()
    row = np.asarray(names.get_indexer(town), dtype=np.int64)
    row[row < 0] = len(names)
    is_covered = demand["covered"].to_numpy(dtype=np.bool_)
    amounts = [np.bincount(row, weights=points * side, minlength=len(names) + 1) for side in (is_covered, ~is_covered)]
    return _Towns(amounts[0].astype(np.float64), amounts[1].astype(np.float64), row)


def _district(tables: Mapping[str, pd.DataFrame], group: str, towns: _Towns) -> tuple[float, float]:
    """The group's people and its covered people; infinitely many where no table tells."""
    if "groups" in tables and group in tables["groups"].index:
        total, covered = tables["groups"].loc[[group], ["total", "covered"]].to_numpy(dtype=np.float64)[0]
        return float(total), float(covered)
    if len(towns.covered) == 1 and np.isinf(towns.uncovered[0]):
        return np.inf, np.inf
    by_town = float(towns.covered.sum())
    return by_town + float(towns.uncovered.sum()), by_town


def _hide_towns(towns: _Towns, minimum: float, *, alone: bool) -> tuple[Marks, bool]:
    """Which towns' covered counts to hide, and whether the district's must go as well, for want of towns to cover up.

    With `alone` the district's is hidden already, and must not follow from the towns. Towns with people on both sides are
    taken first, since elsewhere the share of all residents (0 or 1) tells the count.
    """
    covered, uncovered = towns.covered, towns.uncovered
    marks = too_small(covered, minimum) | (too_small(uncovered, minimum) & (covered > NOBODY))
    if not marks.any() and not alone:
        return marks, False
    both = (covered > NOBODY) & (uncovered > NOBODY)
    spare = np.flatnonzero(~marks & (covered > NOBODY))
    spare = spare[np.lexsort((covered[spare], ~both[spare]))]
    hidden = np.concatenate([np.flatnonzero(marks), spare])
    first = int(marks.sum())

    def so_far(amount: Floats | Marks) -> Floats:
        return np.append(0.0, np.cumsum(amount[hidden].astype(np.float64)))[first:]

    enough = (so_far(covered > NOBODY) >= 2) & (so_far(covered) >= minimum - NOBODY)
    safe = enough & _protects(so_far, covered, uncovered, both, minimum)
    apart = alone or not safe.any()
    chosen = enough if apart else safe
    marks[hidden[: first + (int(np.argmax(chosen)) if chosen.any() else len(spare))]] = True
    return marks, apart


def _protects(
    so_far: Callable[[Floats | Marks], Floats], covered: Floats, uncovered: Floats, both: Marks, minimum: float
) -> Marks:
    """Whether hidden towns with people on both sides, if any, are two and enough people on each side."""
    known = np.minimum(uncovered, np.finfo(np.float32).max)  # infinite where no table tells
    mixed = so_far(both)
    enough = (so_far(covered * both) >= minimum - NOBODY) & (so_far(known * both) >= minimum - NOBODY)
    return np.asarray((mixed == 0) | ((mixed >= 2) & enough), dtype=np.bool_)


def _hide_points(points: Floats, block: npt.NDArray[np.int64], towns: Marks, minimum: float, *, apart: bool) -> Marks:
    """Which demand points' counts to hide.

    Parameters
    ----------
    block
        Twice the point's town, and one more if it is covered: the sums of blocks are what others publish or know.
    towns
        The towns whose covered count is hidden; it must not follow from their points.
    apart
        Whether the district's covered count is hidden; it must not follow either.
    """
    marks = too_small(points, minimum)
    order = np.argsort(block, kind="stable")
    starts = np.flatnonzero(np.diff(block[order], prepend=-1))
    blocks = np.split(order, starts[1:]) if len(order) else []
    for rows in blocks:
        hide = _fill if towns[block[rows[0]] // 2] else hide_in_sum
        marks[rows] = hide(points[rows], marks[rows], minimum)
    for side in (0, 1):
        rows = np.flatnonzero(block % 2 == side)
        marks[rows] = (_fill if apart else hide_in_sum)(points[rows], marks[rows], minimum)
    for rows in blocks:  # a side may have taken one point of a block
        marks[rows] = hide_in_sum(points[rows], marks[rows], minimum)
    return marks


def _hide_gains(gains: Floats, left: float, minimum: float) -> Marks:
    """Which sites' gains to hide; `left` is who stays uncovered, which follows from the district's figures and all gains."""
    marks = too_small(gains, minimum)
    if too_small([left], minimum)[0]:
        return _fill(np.append(gains, left), np.append(marks, True), minimum)[:-1]
    return hide_in_sum(gains, marks, minimum)


def _fill(counts: Floats, marks: Marks, minimum: float) -> Marks:
    """Mark the smallest unmarked counts until those marked are two and `minimum` people, or none is left."""
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


def _published(name: str, table: Table, hidden: Mapping[str, _Hidden]) -> Table:
    if name == "groups":
        return _published_groups(table, hidden)
    if name not in FAMILIES:
        return table
    columns = {FAMILIES[name] + group: found.rows[name] for group, found in hidden.items() if name in found.rows}
    columns = {column: marks for column, marks in columns.items() if column in table.columns}
    need = NEED_COLUMNS.get(name)
    if need in table.columns and columns:
        columns |= {str(need): np.any(list(columns.values()), axis=0)}
    return _without(table, columns)


def _published_groups(table: Table, hidden: Mapping[str, _Hidden]) -> Table:
    total = np.array([name in hidden and hidden[str(name)].total for name in table.index], dtype=np.bool_)
    covered = np.array([name in hidden and hidden[str(name)].covered for name in table.index], dtype=np.bool_)
    of_covered = [name for name in ("covered", "coverage", "median_walk_min", "p90_walk_min") if name in table.columns]
    return _without(table, {"total": total, **dict.fromkeys(of_covered, covered)})


def _without(table: Table, hidden: Mapping[str, Marks]) -> Table:
    """A copy whose marked counts are empty."""
    kept = {name: table[name].astype(np.float64).mask(marks) for name, marks in hidden.items() if marks.any()}
    return table.assign(**kept) if kept else table.copy()


def _figure(groups: pd.DataFrame, name: str, key: str, value: Any) -> Any:
    is_hidden = name in groups.index and key in groups.columns and bool(groups[key].isna().loc[name])
    return None if is_hidden else value
