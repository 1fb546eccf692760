"""How many people any number of stations could cover, with a proven bound at each number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.errors import PlanError
from planner.reach import Reach
from planner.schema import FRONTIER, Candidates, Coverage, Frontier
from planner.siting.choose import best_cover
from planner.siting.problem import Problem, build_problem
from planner.study import Siting

_EFFORT = 200  # nodes of the search tree at each number of stations


def frontier(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting | None = None,
    *,
    existing: int = 0,
    most: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Frontier:
    """People covered against the number of stations, from those that stand up to all that can be covered.

    Parameters
    ----------
    options, coverage, candidates
        As for `propose_sites`. People are counted here, not weighted need, and no rule about towns or phases binds.
    siting
        Not needed; its ``required`` and ``forbidden`` sites are kept to where it is given.
    existing
        How many stations stand now; the first row.
    most
        Most new sites to look at; by default as many as it takes to cover all that candidates can cover.
    progress
        Told what is being done and the share done.

    Returns
    -------
    `planner.schema.FRONTIER`, a row for each number of stations. Neither `covered_pop` nor `bound` ever falls, and
    ``covered_pop <= bound``; where they are equal the number is proven.
    """
    tell = progress or (lambda _said, _share: None)
    problem = build_problem(options, coverage, candidates, siting or Siting(), weigh="population")
    people = coverage["population"].to_numpy(dtype=float)
    standing = float(people[coverage["covered"].to_numpy(dtype=bool)].sum())
    all_of_it = float(problem.weight.sum())
    values, bounds = [0.0], [0.0]
    limit = len(problem.site_ids) if most is None else min(most, len(problem.site_ids))
    for sites in range(1, limit + 1):
        if values[-1] >= all_of_it:
            break
        tell("tracing the frontier", values[-1] / all_of_it)
        value, bound = _point(problem, sites)
        values.append(max(value, values[-1]))
        bounds.append(min(max(bound, bounds[-1], values[-1]), all_of_it))
    return _table(standing + np.array(values), standing + np.array(bounds), existing, float(people.sum()))


def sites_needed(curve: Frontier, share: float) -> int | None:
    """The fewest stations with which the curve reaches a share of all residents; None if it never does.

    Examples
    --------
    >>> curve = FRONTIER.conform(pd.DataFrame({"stations": [2, 3], "covered_pop": [40.0, 90.0],
    ...     "coverage": [0.4, 0.9], "bound": [40.0, 90.0]}))
    >>> sites_needed(curve, 0.9), sites_needed(curve, 0.95)
    (3, None)
    """
    if not 0 <= share <= 1:
        raise PlanError(f"a share of residents lies between 0 and 1, not {share}; write 0.9 for 90 %", status="error")
    enough = curve.index[(curve["coverage"] >= share - 1e-12).to_numpy()]
    return int(enough[0]) if len(enough) else None


def _point(problem: Problem, sites: int) -> tuple[float, float]:
    rules = problem.rules
    free = replace(rules, steps=(sites,), forced=np.zeros_like(rules.forced), short=np.zeros_like(rules.short))
    best = best_cover(replace(problem, rules=free), effort=_EFFORT)
    return best.value, best.bound


def _table(covered: np.ndarray, bound: np.ndarray, existing: int, total: float) -> Frontier:
    share = np.clip(covered / total, 0.0, 1.0) if total > 0 else np.zeros(len(covered))
    stations = existing + np.arange(len(covered))
    columns = {"stations": stations, "covered_pop": covered, "coverage": share, "bound": bound}
    table: Frontier = FRONTIER.conform(pd.DataFrame(columns))
    return table
