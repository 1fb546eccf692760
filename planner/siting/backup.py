"""Backup coverage: a second station within the cutoff counts too, for a share of the first (Hogan and ReVelle 1986)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting.arrays import Floats
from planner.siting.cover import least_step
from planner.siting.problem import Problem, Terms, build_problem
from planner.study import Siting


def build_backup(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: Mapping[str, int] | None = None,
) -> Problem:
    """The covering problem in which a second station counts `siting.backup` of the first.

    Who has one station already is a cell that a single further site covers, for that share. Who has none may lack two: the
    second is a further column, and what it costs is taken from the value. The value of a choice is therefore what it newly
    covers first and second, less `siting.backup` of all that has no station and could have two.
    """
    once = coverage["stations_in_reach"].to_numpy() == 1
    need = coverage["need"].to_numpy(dtype=float)
    weights = coverage.assign(
        need=np.where(once, siting.backup * need, need),
        covered=coverage["stations_in_reach"].to_numpy() >= 2,
    )
    label = pd.Series(once.astype(np.int64), index=coverage.index)
    problem = build_problem(options, Coverage(weights), candidates, siting, stations_per_town, label=label)
    return replace(problem, terms=_second(problem, ~once[np.argsort(coverage.index, kind="stable")], siting.backup))


def _second(problem: Problem, none: np.ndarray, backup: float) -> Terms:
    """A column for each merged cell that has no station: whether it lacks a second."""
    member = np.zeros(0, dtype=np.int32) if problem.member is None else problem.member
    lacks_two = np.zeros(len(problem.weight), dtype=np.bool_)
    lacks_two[member[(member >= 0) & none]] = True
    cells = np.flatnonzero(lacks_two)
    reached = sp.csr_array(problem.reach[:, cells].T.astype(np.float64))
    first = sp.csr_array((np.ones(len(cells)), (np.arange(len(cells)), cells)), shape=(len(cells), len(problem.weight)))

    def complete(stands: Floats, missed: Floats) -> Floats:
        return np.asarray(np.clip(2.0 - reached @ stands - missed[cells], 0.0, 1.0))

    cost = backup * problem.weight[cells]
    step = least_step(np.concatenate([problem.weight, cost]))
    ends = np.full(len(cells), 2.0), np.full(len(cells), np.inf)
    own = sp.csr_array(sp.eye_array(len(cells)))
    again = np.where(lacks_two, backup * problem.weight, 0.0)
    return Terms(cost, np.zeros(len(cells)), np.ones(len(cells)), reached, first, own, *ends, complete, step, again)
