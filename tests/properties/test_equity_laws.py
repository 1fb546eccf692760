"""Laws of equity: an exhaustive search of small towns agrees on floors, the worst and any weight between."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from siting_towns import shuffled, siting_town

from planner.errors import PlanError
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting import equity_curve, propose_sites
from planner.study import Equity, Siting

FEW = settings(max_examples=20, deadline=None)
Town = tuple[Reach, Coverage, Candidates]
CELLS = 9


@st.composite
def districts(draw: st.DrawFn, most_sites: int = 7) -> tuple[Town, list[set[int]], list[float], list[str], set[int]]:
    """Nine cells in up to three towns, up to seven candidates, some cells covered already."""
    reached = [draw(st.sets(st.integers(0, CELLS - 1))) for _ in range(draw(st.integers(2, most_sites)))]
    people = [float(draw(st.integers(0, 9))) for _ in range(CELLS)]
    towns = draw(st.lists(st.sampled_from(["A", "B", "C"]), min_size=CELLS, max_size=CELLS))
    covered = draw(st.sets(st.integers(0, CELLS - 1), max_size=2))
    town = siting_town({f"s{i}": sorted(of) for i, of in enumerate(reached)}, people, covered=covered, cell_towns=towns)
    return town, reached, people, towns, covered


def all_choices(
    reached: list[set[int]], people: list[float], towns: list[str], covered: set[int], sites: int
) -> list[tuple[float, float]]:
    """What every choice covers, and the worst share of those who can be covered."""
    coverable = covered.union(*reached)
    found = []
    for chosen in combinations(reached, sites):
        cells = covered.union(*chosen)
        shares = []
        for name in sorted(set(towns)):
            whole = sum(people[c] for c in coverable if towns[c] == name)
            if whole > 0:
                shares.append(sum(people[c] for c in cells if towns[c] == name) / whole)
        found.append((sum(people[c] for c in cells), min(shares, default=1.0)))
    return found


@FEW
@given(districts(), st.integers(1, 3), st.sampled_from([0.25, 0.5, 0.75, 1.0]))
def test_the_best_plan_that_keeps_a_floor_is_found_or_proven_not_to_be(
    district: tuple[Town, list[set[int]], list[float], list[str], set[int]], sites: int, floor: float
) -> None:
    town, *rest = district
    sites = min(sites, len(rest[0]))
    if not any(people for people, cell in zip(rest[1], range(CELLS), strict=True) if cell in rest[3].union(*rest[0])):
        return
    best = max((total for total, worst in all_choices(*rest, sites) if worst >= floor - 1e-12), default=None)
    siting = Siting(sites=sites, equity=Equity(floor=floor))
    if best is None:
        with pytest.raises(PlanError, match="do not lift every town to its floor"):
            propose_sites(*town, siting)
        return
    plan = propose_sites(*town, siting)
    assert (plan.covered_after, plan.status) == (best, "optimal")
    assert plan.parts is not None
    assert (plan.parts["share"].dropna() >= floor - 1e-6).all()


@FEW
@given(districts(), st.integers(1, 3), st.sampled_from([0.3, 0.8, 1.0]))
def test_worst_and_total_are_weighed_as_asked(
    district: tuple[Town, list[set[int]], list[float], list[str], set[int]], sites: int, weight: float
) -> None:
    town, *rest = district
    reached, people, _, covered = rest
    sites = min(sites, len(reached))
    new = sum(people[c] for c in set().union(*reached) - covered)
    if not new:
        return
    choices = all_choices(*rest, sites)
    plan = propose_sites(*town, Siting(sites=sites, equity=Equity(weight=weight)))
    assert plan.parts is not None
    got = plan.covered_after, float(plan.parts["share"].min())
    if weight == 1.0:
        worst = max(one for _, one in choices)
        assert got[1] == pytest.approx(worst)
        assert got[0] == max(total for total, one in choices if one >= worst - 1e-9)
    else:
        best = max((1 - weight) * total / new + weight * worst for total, worst in choices)
        assert (1 - weight) * got[0] / new + weight * got[1] == pytest.approx(best)


@FEW
@given(districts(), st.integers(1, 3))
def test_the_curve_never_covers_more_where_the_floor_is_higher_and_ends_at_the_best_worst_share(
    district: tuple[Town, list[set[int]], list[float], list[str], set[int]], sites: int
) -> None:
    town, *rest = district
    sites = min(sites, len(rest[0]))
    choices = all_choices(*rest, sites)
    if not sum(rest[1][c] for c in rest[3].union(*rest[0])):
        return
    curve = equity_curve(*town, Siting(sites=sites))
    assert curve["covered_pop"].is_monotonic_decreasing
    assert (curve["covered_pop"] <= curve["bound"] + 1e-9).all()
    assert curve["covered_pop"].iloc[0] == max(total for total, _ in choices)
    assert curve["worst_share"].iloc[-1] == pytest.approx(max(worst for _, worst in choices))
    assert (curve["most_worst_share"] >= curve["worst_share"] - 1e-9).all()
    for floor, covered in zip(curve.index, curve["covered_pop"], strict=True):
        assert covered == max(total for total, worst in choices if worst >= floor - 1e-9)


@FEW
@given(districts(), st.integers(0, 99))
def test_the_order_of_rows_does_not_matter_to_the_curve(
    district: tuple[Town, list[set[int]], list[float], list[str], set[int]], seed: int
) -> None:
    town, reached, people, _, covered = district
    if not sum(people[c] for c in covered.union(*reached)):
        return
    one, other = (equity_curve(*tables, Siting(sites=2)) for tables in (town, shuffled(*town, seed)))
    assert one.index.tolist() == other.index.tolist()
    assert one["sites"].tolist() == other["sites"].tolist()
    assert np.array_equal(one["bound"], other["bound"])


def test_where_nobody_can_be_won_the_curve_is_one_point_that_nothing_beats() -> None:
    town = siting_town({"s0": [], "s1": []}, [0.0, 1.0], covered={1}, cell_towns=["A", "A"])
    curve = equity_curve(*town, Siting(sites=2))
    assert curve["covered_pop"].tolist() == [1.0]
    assert curve["bound"].tolist() == [1.0]
