"""Laws of siting: an exhaustive search of small towns agrees, and what must not matter does not."""

from __future__ import annotations

import datetime as dt
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from siting_towns import shuffled, siting_town

from planner.errors import PlanError
from planner.siting import frontier, propose_sites
from planner.study import Phase, Siting

FEW = settings(max_examples=40, deadline=None)


@st.composite
def towns(draw: Any, most_sites: int = 8, whole: bool = True) -> dict[str, Any]:
    """A town of up to eight candidates and ten cells, in up to three town districts, with costs and places."""
    sites, cells = draw(st.integers(2, most_sites)), draw(st.integers(1, 10))
    reached = {f"s{i}": draw(st.sets(st.integers(0, cells - 1))) for i in range(sites)}
    people = st.integers(0, 9).map(float) if whole else st.floats(0, 9, allow_subnormal=False)
    district = st.sampled_from(["A", "B", "C"])
    return {
        "reached": {name: sorted(of) for name, of in reached.items()},
        "need": draw(st.lists(people, min_size=cells, max_size=cells)),
        "covered": draw(st.sets(st.integers(0, cells - 1), max_size=3)),
        "towns": draw(st.lists(district, min_size=sites, max_size=sites)),
        "cell_towns": ["A"] * cells,
        "cost": draw(st.lists(st.integers(1, 5).map(float), min_size=sites, max_size=sites)),
        "places": draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=sites, max_size=sites)),
    }


def covers(town: dict[str, Any], chosen: tuple[str, ...]) -> float:
    reached = set(town["covered"]).union(*(town["reached"][name] for name in chosen))
    return float(sum(town["need"][cell] for cell in sorted(reached)))


def keeps(town: dict[str, Any], chosen: tuple[str, ...], siting: Siting) -> bool:
    at = {name: i for i, name in enumerate(town["reached"])}
    inside = [town["towns"][at[name]] for name in chosen]
    known = set(town["towns"]) | {"A"}
    near = [np.hypot(*np.subtract(town["places"][at[a]], town["places"][at[b]])) for a, b in combinations(chosen, 2)]
    return (
        set(siting.required) <= set(chosen)
        and not set(siting.forbidden) & set(chosen)
        and all(inside.count(name) >= siting.per_town_min for name in known)
        and (siting.per_town_max is None or all(inside.count(name) <= siting.per_town_max for name in known))
        and (siting.budget is None or sum(town["cost"][at[name]] for name in chosen) <= siting.budget)
        and all(metres >= siting.spacing_m for metres in near)
    )


def by_hand(town: dict[str, Any], siting: Siting) -> float | None:
    """The best coverage over all choices that keep the rules; None if there is none."""
    counts = range(siting.sites + 1) if siting.budget is not None else [siting.sites]
    choices = [choice for count in counts for choice in combinations(town["reached"], count)]
    return max((covers(town, choice) for choice in choices if keeps(town, choice, siting)), default=None)


@st.composite
def rules(draw: Any, names: list[str]) -> Siting:
    return Siting(
        sites=draw(st.integers(1, len(names))),
        per_town_min=draw(st.sampled_from([0, 0, 1])),
        per_town_max=draw(st.sampled_from([None, None, 2, 3])),
        required=tuple(draw(st.lists(st.sampled_from(names), max_size=1))),
        forbidden=tuple(draw(st.lists(st.sampled_from(names), max_size=1))),
        spacing_m=draw(st.sampled_from([0.0, 0.0, 1.0, 1.5])),
        budget=draw(st.sampled_from([None, None, 6.0, 12.0])),
    )


@FEW
@given(st.data(), towns())
def test_an_exhaustive_search_agrees_under_every_rule(data: st.DataObject, town: dict[str, Any]) -> None:
    siting = data.draw(rules(list(town["reached"])))
    best = by_hand(town, siting)
    if best is None:
        with pytest.raises(PlanError, match="no plan exists"):
            propose_sites(*siting_town(**town), siting)
        return
    plan = propose_sites(*siting_town(**town), siting)
    assert (plan.covered_after, plan.bound, plan.status) == (best, best, "optimal")
    assert keeps(town, tuple(plan.sites.index), siting)


@FEW
@given(towns(whole=False), st.integers(1, 4))
def test_an_exhaustive_search_agrees_on_people_in_fractions(town: dict[str, Any], sites: int) -> None:
    siting = Siting(sites=min(sites, len(town["reached"])))
    plan = propose_sites(*siting_town(**town), siting)
    assert plan.covered_after == pytest.approx(by_hand(town, siting), rel=1e-9, abs=1e-9)
    assert plan.status == "optimal"


@FEW
@given(towns(most_sites=6), st.integers(0, 2), st.integers(1, 2))
def test_an_exhaustive_search_agrees_on_phases(town: dict[str, Any], first: int, second: int) -> None:
    names = list(town["reached"])
    first = min(first, len(names) - second)
    phases = (Phase(dt.date(2025, 1, 1), first), Phase(dt.date(2026, 1, 1), second))
    plan = propose_sites(*siting_town(**town), Siting(sites=first + second, phases=phases))
    pairs = product(combinations(names, first), combinations(names, second))
    best = max(covers(town, a) + covers(town, a + b) for a, b in pairs if not set(a) & set(b))
    assert plan.objective == best
    assert plan.status == "optimal"


@FEW
@given(towns())
def test_greedy_lies_between_the_best_and_its_guarantee(town: dict[str, Any]) -> None:
    """Nemhauser, Wolsey and Fisher (1978): greedy covers at least 1 - 1/e of the best."""
    town = town | {"covered": set()}
    sites = min(3, len(town["reached"]))
    best = propose_sites(*siting_town(**town), Siting(sites=sites)).covered_after
    greedy: tuple[str, ...] = ()
    for _ in range(sites):
        greedy += (max((name for name in town["reached"] if name not in greedy), key=lambda n: covers(town, (*greedy, n))),)
    assert best >= covers(town, greedy) >= (1 - 1 / np.e) * best - 1e-9


@FEW
@given(towns())
def test_more_stations_never_cover_less_and_the_frontier_is_the_best_at_each_count(town: dict[str, Any]) -> None:
    curve = frontier(*siting_town(**town))
    assert curve["covered_pop"].is_monotonic_increasing
    for count, covered, bound in zip(curve.index, curve["covered_pop"], curve["bound"], strict=True):
        assert covered == bound == by_hand(town, Siting(sites=max(count, 1))) or count == 0


@FEW
@given(towns(), st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(town: dict[str, Any], seed: int) -> None:
    siting = Siting(sites=min(3, len(town["reached"])))
    tables = siting_town(**town)
    one, other = propose_sites(*tables, siting), propose_sites(*shuffled(*tables, seed), siting)
    assert one.sites.index.tolist() == other.sites.index.tolist()
    assert one.sites["gain_need"].tolist() == other.sites["gain_need"].tolist()
