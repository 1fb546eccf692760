"""Candidates that another of the same town makes needless: left out without changing the optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from planner.siting.arrays import Bools
from planner.siting.cover import Chosen
from planner.siting.problem import NOWHERE, Problem, rules_without

_MOST = 5_000  # candidates that are compared with each other


def needless(problem: Problem) -> Bools:
    """Which candidates may be left out: all they newly cover, another candidate of their town covers too.

    Only where candidates differ in nothing else: no budget and no spacing, and never a required one. In every town as many
    stay as a plan could use there, so that whoever is left out can always be replaced. Of equals the first stays.

    Notes
    -----
    Law: the best choice without them covers as much as the best with them. Let j be needless and chosen, i what makes it so.
    If i is not chosen, it takes j's place and nothing is lost; if it is, j adds nothing and any candidate of the town that
    stays and is not chosen takes its place; there is one, for enough stay.
    """
    rules, sites = problem.rules, len(problem.site_ids)
    out = np.zeros(sites, dtype=np.bool_)
    if np.isfinite(rules.budget) or len(rules.apart) or problem.terms is not None or sites > _MOST:
        return out
    pattern = sp.csr_array(
        (np.ones(problem.reach.nnz, dtype=np.int32), problem.reach.indices, problem.reach.indptr), problem.reach.shape
    )
    size = np.diff(pattern.indptr)
    shared = sp.coo_array(pattern @ pattern.T)
    big, small = shared.row, shared.col
    inside = (shared.data == size[small]) & (big != small) & (rules.town[big] == rules.town[small])
    inside &= (size[big] > size[small]) | (big < small)
    out[small[inside]] = True
    out |= size == 0
    return _spared(problem, out & ~rules.forced)


def _spared(problem: Problem, out: Bools) -> Bools:
    """Fewer of them, so that every town keeps as many candidates as a plan could use there; the first by id stay."""
    rules = problem.rules
    for town in np.unique(rules.town):
        here = np.flatnonzero(rules.town == town)
        most = rules.steps[-1] if town == NOWHERE else min(rules.steps[-1], max(int(rules.room[town]), 0))
        lacking = min(most, len(here)) - int((~out[here]).sum())
        if lacking > 0:
            out[here[out[here]][:lacking]] = False
    return out


def without(problem: Problem, out: Bools) -> Problem:
    """The problem without these candidates; its cells stay."""
    kept = np.flatnonzero(~out)
    return replace(
        problem,
        site_ids=problem.site_ids[kept],
        reach=sp.csr_array(problem.reach[kept]),
        rules=rules_without(problem.rules, out),
    )


def put_back(chosen: Chosen, out: Bools) -> Chosen:
    """A choice made without these candidates, over all of them."""
    phase = np.zeros(len(out), dtype=np.int64)
    phase[~out] = chosen.phase
    return replace(chosen, phase=phase)
