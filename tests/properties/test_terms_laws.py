"""Laws of further terms of the covering model: floors and the worst town agree with an exhaustive search."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from siting_towns import siting_town

from planner.errors import PlanError
from planner.siting.choose import best_cover
from planner.siting.problem import Floats, Problem, Terms, build_problem
from planner.study import Siting

FEW = settings(max_examples=40, deadline=None)
CELLS = 8


@st.composite
def halves(draw: st.DrawFn) -> tuple[Problem, list[set[int]], list[float]]:
    """Eight cells, the first four in one half and the others in the other; a problem whose cells keep the halves apart."""
    sites = draw(st.integers(2, 7))
    reached = [draw(st.sets(st.integers(0, CELLS - 1))) for _ in range(sites)]
    need = [float(draw(st.integers(0, 9))) for _ in range(CELLS)]
    town = siting_town({f"s{i}": sorted(of) for i, of in enumerate(reached)}, need)
    half = pd.Series(np.arange(CELLS) // 4, index=np.arange(CELLS))
    return build_problem(*town, Siting(sites=draw(st.integers(1, sites))), label=half), reached, need


def by_half(problem: Problem) -> sp.csr_array:
    """What each merged cell weighs in each half."""
    rows = np.zeros((2, len(problem.weight)))
    assert problem.member is not None
    for cell, merged in enumerate(problem.member):
        if merged >= 0:
            rows[cell // 4, merged] = problem.weight[merged]
    return sp.csr_array(rows)


def all_choices(problem: Problem, reached: list[set[int]], need: list[float]) -> list[tuple[float, float]]:
    """What every choice covers in each half."""
    found = []
    for chosen in combinations(reached, problem.rules.steps[-1]):
        cells = set().union(*chosen)
        found.append((sum(need[c] for c in cells if c < 4), sum(need[c] for c in cells if c >= 4)))
    return found


@FEW
@given(halves(), st.integers(0, 15))
def test_a_floor_for_each_half_is_kept_and_the_rest_is_best(
    town: tuple[Problem, list[set[int]], list[float]], floor: int
) -> None:
    problem, reached, need = town
    missed = by_half(problem)
    most = np.asarray(missed.sum(axis=1)) - floor
    nothing = sp.csr_array((2, len(problem.site_ids))), sp.csr_array((2, 0))
    none = np.zeros(0)

    def complete(_stands: Floats, who: Floats) -> Floats | None:
        return none if (missed @ who <= most).all() else None

    terms = Terms(none, none, none, nothing[0], missed, nothing[1], np.full(2, -np.inf), most, complete, 1.0)
    best = max((sum(both) for both in all_choices(problem, reached, need) if min(both) >= floor), default=None)
    if best is None:
        with pytest.raises(PlanError, match="contradict"):
            best_cover(replace(problem, terms=terms))
        return
    found = best_cover(replace(problem, terms=terms))
    assert (found.value, found.bound) == (best, best)


@FEW
@given(halves(), st.sampled_from([0.5, 1.0, 4.0]))
def test_the_worse_half_counts_as_much_as_it_is_told(town: tuple[Problem, list[set[int]], list[float]], weight: float) -> None:
    problem, reached, need = town
    missed = by_half(problem)
    total = np.asarray(missed.sum(axis=1))
    own = sp.csr_array(np.ones((2, 1)))

    def complete(_stands: Floats, who: Floats) -> Floats | None:
        return np.array([(total - missed @ who).min()])

    # worst + missed of the half <= its total, for both halves
    none = sp.csr_array((2, len(problem.site_ids)))
    one = np.array([-weight]), np.zeros(1), np.array([total.min()])
    terms = Terms(*one, none, missed, own, np.full(2, -np.inf), total, complete)
    found = best_cover(replace(problem, terms=terms))
    best = max(sum(both) + weight * min(both) for both in all_choices(problem, reached, need))
    assert found.value == pytest.approx(best)
    assert found.bound == pytest.approx(best)
