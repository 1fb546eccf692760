"""The proposed sites as a table: phase by phase, each next site the one that adds most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.reach import Reach
from planner.schema import SITES, Candidates, Coverage, Sites
from planner.siting.plan import reached_cells

Bools = npt.NDArray[np.bool_]


def sites_table(options: Reach, coverage: Coverage, candidates: Candidates, phase: pd.Series) -> Sites:
    """The table of proposed sites.

    Parameters
    ----------
    phase
        By site_id, the phase of each chosen site.

    Returns
    -------
    `planner.schema.SITES`: within a phase the next site is the one that adds most need, then most people, then the
    first by id. Gains are what a site adds to all that stand before it, so they add up.
    """
    reached = {site: reached_cells(options, coverage, site) for site in phase.sort_index().index}
    covered = coverage["covered"].to_numpy(dtype=bool).copy()
    people = coverage["population"].to_numpy(dtype=float)
    counted = _counted(coverage)
    rows: list[dict[str, object]] = []
    total = people.sum()
    for number in sorted(phase.unique()):
        waiting = list(phase.index[phase == number].sort_values())
        while waiting:
            site = max(waiting, key=lambda s: _gain(reached[s] & ~covered, counted))  # the first of equals
            waiting.remove(site)
            new = reached[site] & ~covered
            covered |= new
            gains = {f"gain_{name}": float(values[new].sum()) for name, values in counted.items()}
            share = min(float(people[covered].sum() / total), 1.0) if total > 0 else 0.0
            rows.append({"site_id": site, "order": len(rows) + 1, "phase": number, **gains, "coverage_after": share})
    return _table(rows, candidates)


def _counted(coverage: Coverage) -> dict[str, npt.NDArray[np.float64]]:
    groups = [str(name) for name in coverage.columns if str(name).startswith("pop_")]
    counted = {"need": coverage["need"], "pop": coverage["population"]}
    counted |= {name.removeprefix("pop_"): coverage[name] for name in groups}
    return {name: values.to_numpy(dtype=float) for name, values in counted.items()}


def _gain(new: Bools, counted: dict[str, npt.NDArray[np.float64]]) -> tuple[float, float]:
    return float(counted["need"][new].sum()), float(counted["pop"][new].sum())


def _table(rows: list[dict[str, object]], candidates: Candidates) -> Sites:
    ranks = pd.DataFrame(rows, columns=list(rows[0]) if rows else _EMPTY).set_index("site_id")
    kept = [name for name in ("name", "town", "address", "host", candidates.geometry.name) if name in candidates]
    table: Sites = SITES.conform(candidates.loc[ranks.index, kept].join(ranks))
    return table


_EMPTY = ["site_id", "order", "phase", "gain_need", "gain_pop", "coverage_after"]
