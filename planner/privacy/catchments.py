"""Which stations hide their counts of one group, for somebody who knows every station's catchment point by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.privacy.sums import NOBODY, Floats, Marks, too_small

_NEARLY = 1e-9  # of a squared length: what rounding leaves of nothing


def hide_catchments(points: Floats, marks: Marks, sums: Sums, inside: sp.csr_array, hidden: Marks, minimum: float) -> Marks:
    """Hide the stations whose counts would let a hidden count be worked out.

    A station's count is the sum of the points in its catchment. Less the shown points it is the sum of the hidden ones
    there: that must be nothing, or at least two points and `minimum` people; and so many more than there are points of
    somebody, less those hidden of nobody, that the largest is not told by each of the others being one. And nothing hidden
    may be a combination of all sums shown, nor may a small sum of points that no membership tells apart, or of those that two
    sums share or that only one of them has: stations are let through one by one, the largest first, as long as none is.

    Parameters
    ----------
    points
        People of the group at each demand point.
    marks
        The points whose counts are hidden.
    sums
        Which points the other sums are over.
    inside
        Stations x points, stored where the point is in the station's catchment.
    hidden
        Stations whose counts are hidden already.

    Returns
    -------
    `hidden` and what had to be added.

    Notes
    -----
    A sum is known if its row lies in the span of known rows (Fellegi 1972); the span is kept as an orthonormal basis (Gram and
    Schmidt, twice, so that rounding does not matter). Points with the same memberships are one column: none of several
    can be told from the others.
    """
    if not marks.any():
        return hidden
    left_people, left_points = inside @ (points * marks), inside @ (marks & (points > NOBODY)).astype(np.float64)
    found: Marks = hidden | (left_points == 1) | too_small(left_people, minimum)
    of_nobody = inside @ (marks & (points <= NOBODY)).astype(np.float64)
    found |= (left_points > 0) & (left_people - left_points + of_nobody < minimum - NOBODY)
    atoms = _Atoms.of(np.flatnonzero(marks), [*sums.shown, *sums.common, *sums.secret], inside)
    few = (atoms.count == 1) | too_small(atoms.people(points), minimum)
    shown, common, secret = ([atoms.row(each[atoms.first].astype(np.float64)) for each in of] for of in sums.kinds)
    stations = [atoms.row(row) for row in inside[:, atoms.first].toarray()]
    spans = [_Span.of(shown, few), _Span.of([*shown, *common], few)]
    parts = _small_parts([*shown, *common, *stations], atoms.people(points) / np.sqrt(atoms.count), minimum)
    for span in spans:
        span.guard([*secret, *(stations[i] for i in np.flatnonzero(found)), *parts])
    served = inside @ points
    for i in np.lexsort((np.arange(len(found)), -served)):
        if found[i]:
            continue
        if all(span.admits(stations[i]) for span in spans):
            for span in spans:
                span.take(stations[i])
        else:
            found[i] = True
            for span in spans:
                span.guard([stations[i]])
    return found


@dataclass(frozen=True)
class Sums:
    """Sums over points other than the stations': published ones, ones that may be common knowledge, and hidden ones."""

    shown: list[Marks]
    common: list[Marks]
    secret: list[Marks]

    @property
    def kinds(self) -> tuple[list[Marks], list[Marks], list[Marks]]:
        return self.shown, self.common, self.secret


@dataclass(frozen=True)
class _Atoms:
    """Hidden points by their memberships: ``columns`` of ``kind``, of each kind the first point and how many there are."""

    columns: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    @classmethod
    def of(cls, columns: npt.NDArray[np.int64], sums: list[Marks], inside: sp.csr_array) -> _Atoms:
        by_point = sp.csc_array(inside[:, columns])
        stations = np.split(by_point.indices, by_point.indptr[1:-1])
        member = np.array([members[columns] for members in sums], dtype=np.bool_).reshape(len(sums), len(columns))
        place: dict[tuple[bytes, bytes], int] = {}
        kinds = [
            place.setdefault((np.sort(own).tobytes(), np.packbits(member[:, i]).tobytes()), len(place))
            for i, own in enumerate(stations)
        ]
        _, first, count = np.unique(kinds, return_index=True, return_counts=True)
        return cls(columns, np.array(kinds, dtype=np.int64), columns[first], count)

    def people(self, points: Floats) -> Floats:
        """People of each kind."""
        return np.bincount(self.kind, weights=points[self.columns], minlength=len(self.count)).astype(np.float64)

    def row(self, members: Floats) -> Floats:
        """A sum over points as a row over atoms that keeps lengths and angles."""
        return np.asarray(members * np.sqrt(self.count), dtype=np.float64)


def _small_parts(rows: list[Floats], people: Floats, minimum: float) -> list[Floats]:
    """What two sums share, and what only one of them has, where it is few people; `people` along each atom's unit."""
    if not rows:
        return []
    row = np.unique(np.array(rows), axis=0)
    shared = (row * people) @ (row > 0).T.astype(np.float64)
    own = np.diag(shared)
    both = [row[i] * (row[j] > 0) for i, j in np.argwhere(np.triu(too_small(shared, minimum), 1))]
    return both + [
        row[i] * (row[j] <= 0) for i, j in np.argwhere(too_small(own[:, None] - shared, minimum)) if shared[i, j] > 0
    ]


class _Span:
    """What can be worked out from the sums shown so far, and what must not be."""

    def __init__(self, guarded: Marks) -> None:
        size = len(guarded)
        self._basis = np.zeros((0, size))
        self._open = guarded.copy()  # columns that must not be worked out, and cannot be yet
        self._reach = np.zeros(size)  # how far the span reaches along each point: 1 is all the way
        self._guarded = np.zeros((0, size))  # what the span leaves over of each guarded sum, over its length

    @classmethod
    def of(cls, rows: list[Floats], guarded: Marks) -> _Span:
        span = cls(guarded)
        for row in rows:
            span.take(row)
        span._open &= span._reach < 1 - _NEARLY
        return span

    def guard(self, rows: list[Floats]) -> None:
        """Keep these sums from being worked out, unless they can be already."""
        self._guarded = np.vstack([self._guarded, *(step for row in rows if (step := self._step(row)) is not None)])

    def admits(self, row: Floats) -> bool:
        """Whether nothing guarded can be worked out with one more sum."""
        step = self._step(row)
        if step is None:
            return True
        told = (self._open & (self._reach + step**2 >= 1 - _NEARLY)).any()
        return not told and bool(((self._guarded @ step) ** 2 < 1 - _NEARLY).all())

    def take(self, row: Floats) -> None:
        """Show one more sum."""
        step = self._step(row)
        if step is None:
            return
        self._basis = np.vstack([self._basis, step])
        self._reach = self._reach + step**2
        left = self._guarded - np.outer(self._guarded @ step, step)
        self._guarded = left / np.sqrt(np.einsum("ij,ij->i", left, left))[:, None]

    def _step(self, row: Floats) -> Floats | None:
        """The direction in which a row leaves the span, of length 1; None if it does not."""
        rest = row - (self._basis @ row) @ self._basis
        rest = rest - (self._basis @ rest) @ self._basis
        if rest @ rest <= _NEARLY * max(float(row @ row), 1.0):
            return None
        step: Floats = rest / np.sqrt(rest @ rest)
        return step
