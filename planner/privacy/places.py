"""Which towns, demand points and sites hide their counts of one group, so that no sum gives a small one away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.privacy.sums import NOBODY, Floats, Marks, fill, hide_in_sum, too_small


@dataclass(frozen=True)
class GroupByTown:
    """One group by town as far as the tables tell (uncovered is infinite where they do not).

    The last town stands for people in none. ``of_point`` is the town of each row of ``demand``.
    """

    covered: Floats
    uncovered: Floats
    of_point: npt.NDArray[np.int64]


def hide_towns(towns: GroupByTown, minimum: float, *, alone: bool) -> tuple[Marks, bool]:
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


def hide_points(
    points: Floats, block: npt.NDArray[np.int64], towns: Marks, minimum: float, *, apart: bool, homes: Marks | None = None
) -> Marks:
    """Which demand points' counts to hide.

    Parameters
    ----------
    homes
        Points where at least so many people live; default all. Empty counts are known to be somebody's: where they are nearly
        as many as the people of their sum, some of these points where none of the group lives are emptied too.
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
        hide = fill if towns[block[rows[0]] // 2] else hide_in_sum
        marks[rows] = hide(points[rows], marks[rows], minimum)
    for side in (0, 1):
        rows = np.flatnonzero(block % 2 == side)
        marks[rows] = (fill if apart else hide_in_sum)(points[rows], marks[rows], minimum)
    for rows in blocks:  # a side may have taken one point of a block
        marks[rows] = hide_in_sum(points[rows], marks[rows], minimum)
    somebody = np.bincount(block, weights=marks & (points > NOBODY), minlength=int(block.max(initial=0)) + 1)
    spare = (somebody[block] > 0) & (True if homes is None else homes)  # elsewhere a sum of nobody tells all
    for rows in [*blocks, *(np.flatnonzero(block % 2 == side) for side in (0, 1)), np.arange(len(points))]:
        marks[rows] = cover_up(points[rows], marks[rows], spare[rows], minimum)
    return marks


def cover_up(points: Floats, marks: Marks, spare: Marks, minimum: float) -> Marks:
    """Hide points where nobody of the group lives, if the hidden counts are too few people to be told from one each.

    Of *n* hidden counts that are at least one each and *s* people together, the largest is at most *s* - *n* + 1. Where that is
    less than `minimum`, points are added until *s* + `minimum` are hidden or none is left: how many of them are somebody's
    cannot be told then to less than `minimum`. Which ones is drawn by the counts themselves, which nobody else knows.

    >>> points = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    >>> cover_up(points, points > 0, np.ones(5, dtype=bool), 3).tolist()
    [True, True, True, True, True]
    """
    somebody = int((marks & (points > NOBODY)).sum())
    people = float(points[marks].sum())
    if not somebody or people - somebody >= minimum - NOBODY:
        return marks
    free = np.flatnonzero(~marks & spare & (points <= NOBODY))
    wanted = int(np.ceil(people + minimum)) - int(marks.sum())
    secret = hashlib.sha256(np.ascontiguousarray(points).tobytes()).digest()
    drawn = np.random.default_rng(int.from_bytes(secret, "big")).permutation(len(free))
    covered = marks.copy()
    covered[free[drawn[: max(0, wanted)]]] = True
    return covered


def hide_gains(gains: Floats, left: float, minimum: float) -> Marks:
    """Which sites' gains to hide; `left` is who stays uncovered, which follows from the district's figures and all gains."""
    marks = too_small(gains, minimum)
    if too_small([left], minimum)[0]:
        return fill(np.append(gains, left), np.append(marks, True), minimum)[:-1]
    return hide_in_sum(gains, marks, minimum)
