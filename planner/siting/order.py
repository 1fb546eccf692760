"""The proposed sites as a table: phase by phase, each next site the one that adds most."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.reach import Reach
from planner.schema import SITES, Candidates, Coverage, Sites
from planner.siting.arrays import Bools, Floats, Short
from planner.siting.graded import Grade, standing_worth

Cells = npt.NDArray[np.intp]


def sites_table(
    options: Reach, coverage: Coverage, candidates: Candidates, phase: pd.Series, grade: Grade | None = None
) -> Sites:
    """The table of proposed sites.

    Parameters
    ----------
    phase
        By site_id, the phase of each chosen site.
    grade
        What a unit of need is worth by its walk, where walks count by their length.

    Returns
    -------
    `planner.schema.SITES`: within a phase the next site is the one that adds most need (with `grade`, most worth), then most
    people, then the first by id. Gains are what a site adds to all that stand before it, so they add up.
    """
    names = phase.sort_index().index
    place = coverage.index.get_indexer(options.demand_ids)
    rows_of = options.facility_ids.get_indexer(names).tolist()
    cells = {site: place[_columns(options, row)] for site, row in zip(names, rows_of, strict=True)}
    covered = coverage["covered"].to_numpy(dtype=bool).copy()
    worths = _Worths.of(options, coverage, dict(zip(names, rows_of, strict=True)), grade)
    people = coverage["population"].to_numpy(dtype=float)
    counted = _counted(coverage)
    rows: list[dict[str, object]] = []
    total = float(people.sum())
    for number in sorted(phase.unique()):
        for site in _best_first([name for name in names if phase[name] == number], cells, covered, counted, worths):
            new = cells[site][~covered[cells[site]]]
            covered[new] = True
            worths.take(site, cells[site])
            gains = {f"gain_{name}": float(values[new].sum()) for name, values in counted.items()}
            share = min(float(people[covered].sum()) / total, 1.0) if total > 0 else 0.0
            rows.append({"site_id": site, "order": len(rows) + 1, "phase": number, **gains, "coverage_after": share})
    return _table(rows, candidates)


def _columns(options: Reach, row: int) -> Short:
    """Columns of the times of one candidate; none for one without a row."""
    walk_s = options.walk_s
    return walk_s.indices[walk_s.indptr[row] : walk_s.indptr[row + 1]] if row >= 0 else walk_s.indices[:0]


@dataclass(frozen=True, eq=False)
class _Worths:
    """What each cell of each site is worth there, and what each cell has by now."""

    at: dict[str, Floats]
    has: Floats

    @classmethod
    def of(cls, options: Reach, coverage: Coverage, rows: dict[str, int], grade: Grade | None) -> _Worths:
        if grade is None:
            return cls({}, np.zeros(0))
        need = coverage["need"].to_numpy(dtype=float)[coverage.index.get_indexer(options.demand_ids)]
        walk_s = options.walk_s
        at = {}
        for site, row in rows.items():
            own = slice(walk_s.indptr[row], walk_s.indptr[row + 1]) if row >= 0 else slice(0, 0)
            at[site] = need[walk_s.indices[own]] * grade(walk_s.data[own].astype(np.float64))
        return cls(at, standing_worth(coverage, grade))

    def gain(self, site: str, own: Cells) -> float:
        """What a site would add; 0 where walks do not count by their length."""
        return float(np.maximum(self.at[site] - self.has[own], 0.0).sum()) if site in self.at else 0.0

    def take(self, site: str, own: Cells) -> None:
        if site in self.at:
            self.has[own] = np.maximum(self.has[own], self.at[site])


def _best_first(
    sites: list[str], cells: dict[str, Cells], covered: Bools, counted: dict[str, Floats], worths: _Worths
) -> Iterator[str]:
    """Each next site the one that adds most to `covered`, which the caller keeps up to date; the first of equals.

    What a site adds only falls, so a gain counted earlier bounds it (lazy greedy, Minoux 1978).
    """

    def entry(position: int, turn: int) -> tuple[float, float, float, int, int]:
        own = cells[sites[position]]
        new = own[~covered[own]]
        need, people = float(counted["need"][new].sum()), float(counted["pop"][new].sum())
        return -worths.gain(sites[position], own), -need, -people, position, turn

    waiting = [entry(position, 0) for position in range(len(sites))]
    heapq.heapify(waiting)
    for turn in range(len(sites)):
        while waiting[0][4] < turn:
            heapq.heapreplace(waiting, entry(waiting[0][3], turn))
        yield sites[heapq.heappop(waiting)[3]]


def _counted(coverage: Coverage) -> dict[str, Floats]:
    groups = [str(name) for name in coverage.columns if str(name).startswith("pop_")]
    counted = {"need": coverage["need"], "pop": coverage["population"]}
    counted |= {name.removeprefix("pop_"): coverage[name] for name in groups}
    return {name: values.to_numpy(dtype=float) for name, values in counted.items()}


def _table(rows: list[dict[str, object]], candidates: Candidates) -> Sites:
    ranks = pd.DataFrame(rows, columns=list(rows[0]) if rows else _EMPTY).set_index("site_id")
    kept = [name for name in ("name", "town", "address", "host", candidates.geometry.name) if name in candidates]
    table: Sites = SITES.conform(candidates.loc[ranks.index, kept].join(ranks))
    return table


_EMPTY = ["site_id", "order", "phase", "gain_need", "gain_pop", "coverage_after"]
