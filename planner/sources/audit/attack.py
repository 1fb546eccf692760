"""An attack on a folder of outputs: what all its files together say of each empty count of a key group.

Every published number is a linear equation over the counts at demand points: those of a town, of the district, of a station's
catchment (its outline is published), of who is first covered by a proposed site (so is its outline); a median or 90th
percentile of walks is two inequalities. Of each empty count the least and the most that agree with all of them are found
by linear programming. Points that stand in the same sums cannot be told apart and are one unknown: a city has some hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.sparse as sp

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

DUST = 1e-6  # people: what the solver and sums of shares leave of nothing


@dataclass(frozen=True)
class Sum:
    """A sum over points, in people: between ``least`` and ``most``; both infinite where it is empty. Where it stands."""

    members: Marks
    least: float
    most: float
    file: str
    row: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is published of it."""
        return bool(np.isinf(self.least) and np.isinf(self.most))


@dataclass(frozen=True)
class Known:
    """The least and the most that each empty count of a point, and each empty sum, can be."""

    point: npt.NDArray[np.int64]
    of_points: Floats
    sums: tuple[Sum, ...]
    of_sums: Floats


def attack(points: Floats, caps: Floats, sums: Sequence[Sum]) -> Known:
    """What the published sums say of the empty ones.

    Parameters
    ----------
    points
        The published count of each demand point; nan where it is empty.
    caps
        The most each can be: its residents.
    sums
        What else there is, published or empty.

    Returns
    -------
    Pairs of least and most people. Law: the true counts lie within; what follows by adding and subtracting has no width.

    Examples
    --------
    Two empty counts and their sum of 12, in places of 9 and 20 residents:

    >>> known = attack(np.array([np.nan, np.nan]), np.array([9.0, 20.0]), [Sum(np.array([True, True]), 12, 12, "", "")])
    >>> known.of_points.round(3).tolist()
    [[0.0, 9.0], [3.0, 12.0]]
    """
    empty = np.flatnonzero(np.isnan(points))
    secret = tuple(each for each in sums if each.is_empty)
    shown = [each for each in sums if not each.is_empty]
    if not len(empty):
        return Known(empty, np.zeros((0, 2)), (), np.zeros((0, 2)))
    known = np.nan_to_num(points)
    member = np.array([each.members[empty] for each in (*shown, *secret)], dtype=np.bool_).reshape(-1, len(empty))
    _, first, kind = np.unique(np.packbits(member, axis=0).T, axis=0, return_index=True, return_inverse=True)
    kind, rows = kind.ravel(), member[:, first].astype(np.float64)
    left = np.array([float(known[each.members].sum()) for each in shown])
    least = np.array([each.least for each in shown]) - left - DUST
    most = np.array([each.most for each in shown]) - left + DUST
    caps_of = np.bincount(kind, weights=caps[empty]).astype(np.float64)
    aims = np.vstack([np.eye(len(first)), rows[len(shown) :]])
    ends = _extremes(aims, rows[: len(shown)], least, most, caps_of)
    of_kind, own = ends[: len(first)][kind], caps[empty]
    others = caps_of[kind] - own
    of_points = np.column_stack([np.maximum(0.0, of_kind[:, 0] - others), np.minimum(own, of_kind[:, 1])])
    beside = np.array([float(known[each.members].sum()) for each in secret]).reshape(-1, 1)
    return Known(empty, of_points, secret, ends[len(first) :] + beside)


def _extremes(aims: Floats, rows: Floats, least: Floats, most: Floats, caps: Floats) -> Floats:
    """The least and most of each aim; 0 and all there is where the sums contradict each other, and so tell nothing."""
    matrix, bound = sp.csr_array(np.vstack([rows, -rows])), np.concatenate([most, -least])
    told = np.isfinite(bound)
    bounds = np.column_stack([np.zeros(len(caps)), caps])
    ends = np.column_stack([np.zeros(len(aims)), aims @ caps])
    for number, aim in enumerate(aims):  # a program for each end
        for side, sign in enumerate((1.0, -1.0)):
            solved: Any = scipy.optimize.linprog(sign * aim, A_ub=matrix[told], b_ub=bound[told], bounds=bounds, method="highs")  # type: ignore[call-overload]
            if solved.status == 0:
                ends[number, side] = sign * float(solved.fun)
    return ends


def told_points(known: Known, caps: Floats, minimum: float) -> npt.NDArray[np.int64]:
    """Points with somebody whose empty count is told to less than `minimum` people, by more than how few live there."""
    width, room = known.of_points[:, 1] - known.of_points[:, 0], caps[known.point]
    narrow = width < np.minimum(room, minimum) - 2 * DUST - 1e-3
    return known.point[narrow & (known.of_points[:, 1] > 1e-3)]


def told_sums(known: Known, caps: Floats, minimum: float) -> list[Sum]:
    """Empty sums of somebody that are told to be small, by more than how few live there."""
    most = known.of_sums[:, 1]
    small = (most > 1e-3) & (most < minimum - 1e-3)
    room = np.array([float(caps[each.members].sum()) for each in known.sums])
    return [each for each, is_small in zip(known.sums, small & (most < room - 1e-3), strict=True) if is_small]
