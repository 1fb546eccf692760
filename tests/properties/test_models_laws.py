"""Laws of the location models: an exhaustive search agrees with each of them under every rule, and laws of the field hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from siting_towns import shuffled, siting_town

from planner.errors import PlanError
from planner.reach import Reach
from planner.schema import CANDIDATES, Candidates, Coverage
from planner.siting import Standing, propose_sites
from planner.study import Method, Siting

FEW = settings(max_examples=25, deadline=None)
CUTOFF_S = 900.0
HOSTS = ["hall", "school"]
Town = dict[str, Any]


@st.composite
def towns(draw: Any, most_sites: int = 8) -> Town:
    """A town of up to eight candidates and nine cells whose walks differ, with towns, costs, hosts and capacities."""
    sites, cells = draw(st.integers(2, most_sites)), draw(st.integers(1, 9))
    walk = st.integers(0, 15).map(lambda minutes: 60.0 * minutes)
    reached = {f"s{i}": draw(st.dictionaries(st.integers(0, cells - 1), walk)) for i in range(sites)}
    near = draw(st.dictionaries(st.integers(0, cells - 1), walk, max_size=3))

    def each(values: Any) -> list[Any]:
        return list(draw(st.lists(values, min_size=sites, max_size=sites)))

    return {
        "reached": reached,
        "need": draw(st.lists(st.integers(0, 9).map(float), min_size=cells, max_size=cells)),
        "covered": sorted(near),
        "walks": near,
        "towns": each(st.sampled_from(["A", "B"])),
        "cell_towns": ["A"] * cells,
        "cost": each(st.integers(1, 5).map(float)),
        "host": each(st.sampled_from(HOSTS)),
        "capacity": each(st.integers(1, 12).map(float)),
        "places": each(st.tuples(st.integers(0, 3), st.integers(0, 3))),
    }


@st.composite
def rules(draw: Any, town: Town, method: Method, **more: Any) -> Siting:
    names = list(town["reached"])
    return Siting(
        method=method,
        sites=draw(st.integers(1, len(names))),
        per_town_min=draw(st.sampled_from([0, 0, 0, 1])),
        per_town_max=draw(st.sampled_from([None, None, 2, 3])),
        required=tuple(draw(st.lists(st.sampled_from(names), max_size=1))),
        forbidden=tuple(draw(st.lists(st.sampled_from(names), max_size=1))),
        spacing_m=draw(st.sampled_from([0.0, 0.0, 1.0, 1.5])),
        budget=draw(st.sampled_from([None, None, 6.0, 12.0])),
        **more,
    )


def keeps(town: Town, chosen: tuple[str, ...], siting: Siting) -> bool:
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


def choices(town: Town, siting: Siting) -> list[tuple[str, ...]]:
    """Every choice that keeps the rules."""
    any_number = siting.budget is not None or siting.method is Method.LSCP
    most = len(town["reached"]) if siting.method is Method.LSCP else siting.sites
    counts = range(most + 1) if any_number else [siting.sites]
    return [choice for n in counts for choice in combinations(town["reached"], n) if keeps(town, choice, siting)]


def walk_of(town: Town, cell: int, chosen: tuple[str, ...]) -> float:
    """The shortest walk of a cell to a station or a chosen site; infinite where there is none."""
    walks = [town["reached"][name][cell] for name in chosen if cell in town["reached"][name]]
    return float(min([*walks, town["walks"].get(cell, np.inf)]))


def coverable(town: Town, siting: Siting) -> list[int]:
    allowed = tuple(name for name in town["reached"] if name not in siting.forbidden)
    return [cell for cell in range(len(town["need"])) if np.isfinite(walk_of(town, cell, allowed))]


def hosts_of(town: Town, chosen: tuple[str, ...], siting: Siting) -> float:
    at = {name: i for i, name in enumerate(town["reached"])}
    return float(sum(siting.prefer.get(town["host"][at[name]], 0.0) for name in chosen))


def refused(town: Town, siting: Siting) -> None:
    with pytest.raises(PlanError, match="no plan exists"):
        propose_sites(*siting_town(**town), siting, cutoff_s=CUTOFF_S)


def agrees(town: Town, siting: Siting, found: list[float], *, least: bool) -> None:
    """The plan is the best of all choices, proven, and keeps the rules."""
    if not found:
        refused(town, siting)
        return
    best = min(found) if least else max(found)
    plan = propose_sites(*siting_town(**town), siting, cutoff_s=CUTOFF_S)
    assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert plan.objective_bound == pytest.approx(best, rel=1e-9, abs=1e-6)
    assert plan.status == "optimal"
    assert keeps(town, tuple(plan.sites.index), siting)


@FEW
@given(st.data(), towns(), st.sampled_from([None, 20.0]), st.sampled_from([{}, {"hall": 7.0}]))
def test_the_p_median_is_the_least_walk_of_all(
    data: Any, town: Town, unreached: float | None, prefer: dict[str, float]
) -> None:
    siting = data.draw(rules(town, Method.P_MEDIAN, unreached_minutes=unreached, prefer=prefer))
    penalty = 60.0 * unreached if unreached else CUTOFF_S

    def walked(choice: tuple[str, ...]) -> float:
        minutes = sum(n * min(walk_of(town, c, choice), penalty) / 60 for c, n in enumerate(town["need"]))
        return float(minutes - hosts_of(town, choice, siting))

    agrees(town, siting, [walked(choice) for choice in choices(town, siting)], least=True)


@FEW
@given(st.data(), towns(), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_the_lscp_has_the_fewest_sites_of_all(data: Any, town: Town, share: float) -> None:
    siting = data.draw(rules(town, Method.LSCP, share=share))
    most = sum(town["need"][cell] for cell in coverable(town, siting))

    def reached(choice: tuple[str, ...]) -> float:
        return float(sum(n for c, n in enumerate(town["need"]) if np.isfinite(walk_of(town, c, choice))))

    counts = [float(len(choice)) for choice in choices(town, siting) if reached(choice) >= share * most * (1 - 1e-12)]
    agrees(town, siting, counts, least=True)


@FEW
@given(st.data(), towns(), st.sampled_from([0.5, 0.9, 1.0]))
def test_the_p_center_has_the_least_worst_walk_of_all(data: Any, town: Town, share: float) -> None:
    siting = data.draw(rules(town, Method.P_CENTER, share=share))
    cells = [cell for cell in coverable(town, siting) if town["need"][cell] > 0]
    most = sum(town["need"][cell] for cell in cells)

    def worst(choice: tuple[str, ...]) -> float:
        """The least walk within which the share is served."""
        walks = sorted({0.0, *(walk_of(town, cell, choice) for cell in cells)})
        served = [sum(town["need"][cell] for cell in cells if walk_of(town, cell, choice) <= walk) for walk in walks]
        return next(walk for walk, have in zip(walks, served, strict=True) if have >= share * most * (1 - 1e-12))

    found = [worst(choice) / 60 for choice in choices(town, siting)]
    agrees(town, siting, [walk for walk in found if np.isfinite(walk)], least=True)


@FEW
@given(st.data(), towns(), st.sampled_from(["linear", "gaussian", "exponential", "gaussian-to-zero"]))
def test_covering_by_decay_is_the_most_of_all(data: Any, town: Town, decay: str) -> None:
    siting = data.draw(rules(town, Method.MCLP, decay=decay))
    weights = {
        "linear": lambda t: max(1 - t / CUTOFF_S, 0.0),
        "gaussian": lambda t: 2 ** -((t / 450) ** 2),
        "exponential": lambda t: 2 ** -(t / 450),
        "gaussian-to-zero": lambda t: max((np.exp(-0.5 * (t / 900) ** 2) - np.exp(-0.5)) / (1 - np.exp(-0.5)), 0.0),
    }

    def worth(choice: tuple[str, ...]) -> float:
        walks = [walk_of(town, cell, choice) for cell in range(len(town["need"]))]
        return float(sum(n * weights[decay](t) for n, t in zip(town["need"], walks, strict=True) if np.isfinite(t)))

    agrees(town, siting, [worth(choice) for choice in choices(town, siting)], least=False)


@FEW
@given(st.data(), towns(), st.sampled_from([0.25, 0.5, 1.0]))
def test_backup_coverage_is_the_most_of_all(data: Any, town: Town, backup: float) -> None:
    siting = data.draw(rules(town, Method.MCLP, backup=backup))

    def worth(choice: tuple[str, ...]) -> float:
        times = [sum(c in town["reached"][name] for name in choice) + (c in town["walks"]) for c in range(len(town["need"]))]
        return float(sum(n * ((t >= 1) + backup * (t >= 2)) for n, t in zip(town["need"], times, strict=True)))

    agrees(town, siting, [worth(choice) for choice in choices(town, siting)], least=False)


@FEW
@given(st.data(), towns(), st.sampled_from([{"hall": 3.0}, {"hall": 1.0, "school": 2.0}]))
def test_a_preferred_host_counts_its_bonus(data: Any, town: Town, prefer: dict[str, float]) -> None:
    siting = data.draw(rules(town, Method.MCLP, prefer=prefer))

    def worth(choice: tuple[str, ...]) -> float:
        covered = sum(n for c, n in enumerate(town["need"]) if np.isfinite(walk_of(town, c, choice)))
        return float(covered + hosts_of(town, choice, siting))

    agrees(town, siting, [worth(choice) for choice in choices(town, siting)], least=False)


def served_at_most(town: Town, choice: tuple[str, ...], room: float | None) -> float:
    """The most people that fit: a transport problem, by scipy."""
    at = {name: i for i, name in enumerate(town["reached"])}
    doors = [(town["reached"][name], town["capacity"][at[name]]) for name in choice]
    doors += [(town["walks"], room)] if room is not None else []
    pairs = [(c, d) for d, (near, _) in enumerate(doors) for c in near]
    if not pairs:
        return 0.0
    rows = np.zeros((len(town["need"]) + len(doors), len(pairs)))
    for k, (cell, door) in enumerate(pairs):
        rows[cell, k] = rows[len(town["need"]) + door, k] = 1.0
    most = [*town["need"], *(capacity for _, capacity in doors)]
    return float(-linprog(-np.ones(len(pairs)), A_ub=rows, b_ub=most).fun)


@FEW
@given(st.data(), towns(most_sites=6), st.integers(1, 9))
def test_with_capacities_the_most_people_are_assigned(data: Any, town: Town, room: int) -> None:
    siting = data.draw(rules(town, Method.MCLP, capacity=True))
    options, coverage, candidates = siting_town(**town)
    near = town["walks"]
    row = sp.csr_array((np.array([near[c] for c in near], "float32"), ([0] * len(near), list(near))), shape=(1, len(coverage)))
    standing = Standing(Reach(pd.Index(["old"]), coverage.index, row), pd.Series([float(room)], ["old"]))
    found = [served_at_most(town, choice, float(room)) for choice in choices(town, siting)]
    if not found:
        with pytest.raises(PlanError, match="no plan exists"):
            propose_sites(options, coverage, candidates, siting, standing=standing)
        return
    plan = propose_sites(options, coverage, candidates, siting, standing=standing)
    assert plan.objective == pytest.approx(max(found), abs=1e-6)
    assert plan.objective_bound == pytest.approx(max(found), abs=1e-5)
    assert plan.status == "optimal"
    assert plan.assignment is not None
    taken = plan.assignment.groupby("demand_id")["people"].sum()
    assert (taken <= coverage.loc[taken.index, "population"] + 1e-6).all()
    assert keeps(town, tuple(plan.sites.index), siting)


METHODS = [
    Siting(method=Method.P_MEDIAN),
    Siting(decay="linear"),
    Siting(backup=0.5),
    Siting(method=Method.P_CENTER, share=0.5),
    Siting(method=Method.LSCP),
]


@FEW
@given(towns(), st.sampled_from(METHODS), st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(town: Town, asked: Siting, seed: int) -> None:
    siting = replace(asked, sites=len(town["reached"]) - 1)
    tables = siting_town(**town)
    try:
        one = propose_sites(*tables, siting)
    except PlanError:
        with pytest.raises(PlanError, match="sites cannot bring"):
            propose_sites(*shuffled(*tables, seed), siting)
        return
    other = propose_sites(*shuffled(*tables, seed), siting)
    assert one.sites.index.tolist() == other.sites.index.tolist()
    assert one.objective == pytest.approx(other.objective, rel=1e-12)


@FEW
@given(towns(5), st.sampled_from([Siting(method=Method.P_MEDIAN), Siting(decay="linear"), Siting(backup=0.5)]))
def test_one_more_site_is_never_worse(town: Town, asked: Siting) -> None:
    tables = siting_town(**town)
    plans = [propose_sites(*tables, replace(asked, sites=n)) for n in range(1, len(town["reached"]) + 1)]
    better = -1 if asked.method is Method.P_MEDIAN else 1
    worth = [better * plan.objective for plan in plans]
    assert all(b >= a - 1e-9 * max(abs(a), 1) for a, b in pairwise(worth))


@FEW
@given(towns())
def test_greedy_keeps_its_guarantee_for_walking_saved(town: Town) -> None:
    """Nemhauser, Wolsey and Fisher (1978): of the walking that can be saved greedy saves at least 1 - 1/e."""
    town = town | {"covered": [], "walks": {}}
    sites = min(3, len(town["reached"]))

    def saved(choice: tuple[str, ...]) -> float:
        return float(sum(n * (CUTOFF_S - min(walk_of(town, c, choice), CUTOFF_S)) / 60 for c, n in enumerate(town["need"])))

    siting = Siting(method=Method.P_MEDIAN, sites=sites)
    plan = propose_sites(*siting_town(**town), siting, cutoff_s=CUTOFF_S)
    best = sum(town["need"]) * CUTOFF_S / 60 - plan.objective
    greedy: tuple[str, ...] = ()
    for _ in range(sites):
        greedy += (max((name for name in town["reached"] if name not in greedy), key=lambda n: saved((*greedy, n))),)
    assert best >= saved(greedy) - 1e-6
    assert saved(greedy) >= (1 - 1 / np.e) * best - 1e-6


def without_host(candidates: Candidates) -> Candidates:
    return CANDIDATES.conform(candidates.drop(columns="host"))


@FEW
@given(towns())
def test_a_bonus_for_hosts_nobody_has_changes_nothing(town: Town) -> None:
    options, coverage, candidates = siting_town(**town)
    plain = propose_sites(options, coverage, candidates, Siting(sites=1))
    other = propose_sites(options, Coverage(coverage), without_host(candidates), Siting(sites=1, prefer={"hall": 9.0}))
    assert plain.sites.index.tolist() == other.sites.index.tolist()
