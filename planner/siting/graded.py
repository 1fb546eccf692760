"""Sites that serve a cell more or less well: the p-median problem and covering by decay, as gains over what stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.errors import Fault, TableError
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting.arrays import Bools, Floats, Ints, Short
from planner.siting.merge import merge_cells
from planner.siting.problem import (
    Problem,
    Rules,
    allowed,
    places_of,
    rules_for,
    rules_without,
)
from planner.study import Siting

Grade = Callable[[Floats], Floats]  # walking seconds to what one unit of need is worth there, never rising


class Grades(NamedTuple):
    """What each cell is worth at each site, as the compiled loops take it: by site, and by cell with the best site first."""

    starts: Ints
    cells: Short
    values: Floats
    cell_starts: Ints
    sites: Short
    site_values: Floats


@dataclass(frozen=True, eq=False)
class Graded:
    """Candidates, and what each cell gains at each of them.

    The value of a choice is the sum over cells of the most that a chosen site gives; that of the cells alone is submodular,
    so that greedy keeps its guarantee (Nemhauser, Wolsey and Fisher 1978).

    Parameters
    ----------
    site_ids
        (sites,) sorted.
    worth
        (sites × cells) csr > 0: what a cell gains, over what it has from stations that stand, where this site is its best.
    rules
        What a plan must keep.
    """

    site_ids: pd.Index
    worth: sp.csr_array
    rules: Rules

    def value(self, chosen: Bools) -> float:
        """What these sites gain together."""
        rows = np.flatnonzero(chosen)
        return float(self.worth[rows].max(axis=0).sum()) if len(rows) else 0.0

    def without(self, out: Bools) -> Graded:
        """The problem without the sites that are out."""
        inside = np.flatnonzero(~out)
        return Graded(self.site_ids[inside], sp.csr_array(self.worth[inside]), rules_without(self.rules, out))

    def grades(self) -> Grades:
        """The arrays of the compiled loops."""
        order, starts = by_cell(self.worth)
        sites = np.repeat(np.arange(self.worth.shape[0], dtype=np.int32), np.diff(self.worth.indptr))
        return Grades(
            self.worth.indptr.astype(np.int64),
            self.worth.indices.astype(np.int32, copy=False),
            self.worth.data,
            starts,
            sites[order],
            self.worth.data[order],
        )


def build_graded(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    grade: Grade,
    stations_per_town: Mapping[str, int] | None = None,
) -> Graded:
    """The arrays of a graded problem: each cell is worth its need times the grade of its walk, less what it has already.

    Raises
    ------
    TableError
        If the times speak of cells that `coverage` does not have.
    """
    sites, cells = allowed(candidates, siting), coverage.sort_index()
    place = places_of(options, cells)
    rows = options.facility_ids.get_indexer(sites.index)
    times = sp.csr_array(options.walk_s[rows[rows >= 0]])
    need = cells["need"].to_numpy(dtype=float)
    column = place[times.indices]
    gains = need[column] * grade(times.data.astype(np.float64)) - standing_worth(cells, grade)[column]
    site = np.repeat(np.flatnonzero(rows >= 0), np.diff(times.indptr))
    better = gains > 0
    worth = sp.csr_array((gains[better], (site[better], column[better])), shape=(len(sites), len(cells)))
    worth.sort_indices()
    rules = rules_for(coverage, candidates, siting, stations_per_town)
    return with_bonus(Graded(sites.index, worth, rules), rules.bonus)


def standing_worth(cells: pd.DataFrame, grade: Grade) -> Floats:
    """What each cell has from the stations that stand: its need times the grade of its nearest walk; 0 where none is near."""
    walk_s = nearest_s(cells)
    near = np.isfinite(walk_s)
    return np.asarray(np.where(near, cells["need"].to_numpy(dtype=float) * grade(np.where(near, walk_s, 0.0)), 0.0))


def nearest_s(cells: pd.DataFrame) -> Floats:
    """Seconds from each cell to the nearest station that stands; infinite where none is within the cutoff.

    Raises
    ------
    TableError
        If a cell is covered but its walk is not said.
    """
    covered = cells["covered"].to_numpy(dtype=bool)
    walk_s = cells["nearest_walk_s"].to_numpy(dtype=float) if "nearest_walk_s" in cells else np.full(len(cells), np.nan)
    unsaid = covered & np.isnan(walk_s)
    if unsaid.any():
        mend = "measure the coverage with measure_coverage"
        fault = Fault("it is covered but has no nearest_walk_s", mend, row=str(cells.index[unsaid][0]))
        raise TableError(f"coverage: {fault}", [fault], "coverage")
    return np.where(covered, walk_s, np.inf)


def with_bonus(graded: Graded, bonus: Floats) -> Graded:
    """The problem with a cell for each site that is preferred, which no other reaches and which is worth its bonus."""
    preferred = np.flatnonzero(bonus)
    if not len(preferred):
        return graded
    own = sp.csr_array((bonus[preferred], (preferred, np.arange(len(preferred)))), shape=(len(bonus), len(preferred)))
    return replace(graded, worth=sp.csr_array(sp.hstack([graded.worth, own])))


def by_cell(worth: sp.csr_array) -> tuple[Ints, Ints]:
    """The entries of a csr matrix cell by cell, the best site first, the first of equals; and where each cell starts."""
    order = np.lexsort((-worth.data, worth.indices)).astype(np.int64)
    starts = np.zeros(worth.shape[1] + 1, dtype=np.int64)
    np.cumsum(np.bincount(worth.indices, minlength=worth.shape[1]), out=starts[1:])
    return order, starts


def layer_entries(worth: sp.csr_array) -> int:
    """How many entries the layers of `layered` have before like ones are merged."""
    counts = np.bincount(worth.indices, minlength=worth.shape[1]).astype(np.int64)
    return int((counts * (counts + 1) // 2).sum())


def layered(graded: Graded) -> Problem:
    """The same problem as one of covering: each cell becomes a layer for each worth it can have.

    A layer weighs what lies between its worth and the next lower one, and the sites that give at least its worth cover it;
    like layers are merged, also those of different cells. This is the radius formulation of the p-median problem
    (Cornuéjols, Nemhauser and Wolsey 1980; García, Labbé and Marín 2011), so that whatever solves covering solves it.

    Examples
    --------
    >>> from planner.siting.problem import no_rules_for
    >>> worth = sp.csr_array(np.array([[5.0, 0.0], [2.0, 3.0]]))  # the first cell gains 5 at one site, 2 at the other
    >>> layers = layered(Graded(pd.Index(["a", "b"]), worth, no_rules_for(2, 1)))
    >>> layers.reach.toarray().tolist(), layers.weight.tolist()
    ([[1, 1, 0], [0, 1, 1]], [3.0, 2.0, 3.0])
    """
    order, starts = by_cell(graded.worth)
    site = np.repeat(np.arange(graded.worth.shape[0]), np.diff(graded.worth.indptr))[order]
    value, cell = graded.worth.data[order], graded.worth.indices[order]
    following = np.append(np.where(cell[1:] == cell[:-1], value[1:], 0.0), np.zeros(min(len(value), 1)))
    ends = np.flatnonzero(value > following)  # the last of equally good sites closes a layer
    first = starts[cell[ends]]
    length = ends - first + 1
    indptr = np.concatenate([[0], np.cumsum(length)])
    entry = np.arange(indptr[-1]) - np.repeat(indptr[:-1] - first, length)
    shape = (len(ends), graded.worth.shape[0])
    pattern = sp.csr_array((np.ones(len(entry), dtype=np.int8), site[entry].astype(np.int32), indptr), shape=shape)
    rows, place = np.arange(shape[1], dtype=np.int64), np.arange(shape[0], dtype=np.int64)
    merged = merge_cells(sp.csr_array(pattern.T.tocsr()), rows, place, value[ends] - following[ends])
    return Problem(graded.site_ids, merged.reach, merged.weight, graded.rules)
