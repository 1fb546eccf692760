"""Laws of reasons: an exhaustive search of small towns agrees on alternatives, further plans and moves of stations."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from siting_towns import siting_town

from planner.reach import Reach
from planner.schema import Candidates, Coverage, Stations
from planner.siting import propose_sites
from planner.siting.near import near_plans
from planner.siting.reasons import alternative_sites, explain_sites, station_moves
from planner.siting.robust import vary_plan
from planner.study import Reasons, Siting

FEW = settings(max_examples=20, deadline=None)
Town = tuple[Reach, Coverage, Candidates]
CELLS = 9
Made = tuple[Town, list[set[int]], list[set[int]], list[float]]


@st.composite
def districts(draw: st.DrawFn, most_sites: int = 7) -> Made:
    """Nine cells, up to three stations and seven candidates."""
    reached = [draw(st.sets(st.integers(0, CELLS - 1))) for _ in range(draw(st.integers(2, most_sites)))]
    stations = [draw(st.sets(st.integers(0, CELLS - 1))) for _ in range(draw(st.integers(1, 3)))]
    people = [float(draw(st.integers(0, 9))) for _ in range(CELLS)]
    town = siting_town({f"s{i}": sorted(of) for i, of in enumerate(reached)}, people, covered=set().union(*stations))
    return town, reached, stations, people


def standing(stations: list[set[int]]) -> tuple[Reach, Stations]:
    """The stations as a table and who reaches them."""
    pattern = sp.csr_array(np.array([[float(c in of) * 60 for c in range(CELLS)] for of in stations], dtype="float32"))
    ids = pd.Index([f"S{i}" for i in range(len(stations))], name="station_id")
    places = gpd.points_from_xy(np.arange(len(ids)), np.zeros(len(ids)), crs="EPSG:32651")
    table = gpd.GeoDataFrame({"name": ids, "town": "A"}, index=ids, geometry=places)
    return Reach(ids, pd.RangeIndex(CELLS, name="demand_id"), pattern), Stations(table)


def total(people: list[float], cells: set[int]) -> float:
    return float(sum(people[c] for c in sorted(cells)))


@FEW
@given(districts(), st.integers(1, 3))
def test_alternatives_are_the_best_swaps_there_are(made: Made, sites: int) -> None:
    town, reached, stations, people = made
    sites, covered = min(sites, len(reached)), set().union(*stations)
    plan = propose_sites(*town, Siting(sites=sites))
    found = alternative_sites(plan, *town, Siting(sites=sites), count=2)
    chosen = [int(name[1:]) for name in plan.sites.index]
    value = total(people, covered.union(*(reached[i] for i in chosen)))
    for i in chosen:
        rest = covered.union(*(reached[k] for k in chosen if k != i))
        losses = sorted(value - total(people, rest | reached[j]) for j in range(len(reached)) if j not in chosen)
        got = found.xs(f"s{i}") if f"s{i}" in found.index.get_level_values(0) else found.iloc[:0]
        assert got["loss_need"].tolist() == losses[:2]
        assert got["loss_pop"].tolist() == losses[:2]


@FEW
@given(districts(most_sites=6), st.integers(1, 3), st.integers(1, 2))
def test_further_plans_are_the_best_of_those_that_differ_enough(made: Made, sites: int, differ: int) -> None:
    town, reached, stations, people = made
    sites, covered = min(sites, len(reached)), set().union(*stations)
    siting = Siting(sites=sites)
    found = near_plans(propose_sites(*town, siting), *town, siting, count=3, differ=differ)
    differ = min(differ, sites)
    plans = [frozenset(int(name[1:]) for name in said.split()) for said in found["sites"]]
    for number in range(1, 4):
        before = plans[:number]
        left = [
            total(people, covered.union(*(reached[i] for i in choice)))
            for choice in combinations(range(len(reached)), sites)
            if all(len(set(choice) & one) <= sites - differ for one in before)
        ]
        if number >= len(plans):
            assert not left
            break
        assert all(len(plans[number] & one) <= sites - differ for one in before)
        assert found["covered_pop"].iloc[number] == max(left)
        assert bool(found["proven"].iloc[number])


@FEW
@given(districts())
def test_the_best_move_of_a_station_is_found_or_there_is_none(made: Made) -> None:
    town, reached, stations, people = made
    moves = station_moves(standing(stations)[0], *town, standing(stations)[1])
    now = total(people, set().union(*stations))
    for i in range(len(stations)):
        rest = set().union(*(of for k, of in enumerate(stations) if k != i))
        assert moves["sole_pop"].iloc[i] == now - total(people, rest)
        best = max(total(people, rest | own) for own in reached) - now
        if best > 0:
            assert moves["gain_need"].iloc[i] == moves["gain_pop"].iloc[i] == pytest.approx(best)
        else:
            assert pd.isna(moves["to_id"].iloc[i])


@FEW
@given(districts(), st.integers(1, 3))
def test_what_a_site_reaches_is_its_own_or_shared_and_gains_add_up(made: Made, sites: int) -> None:
    town, reached, stations, people = made
    siting = Siting(sites=min(sites, len(reached)))
    plan = propose_sites(*town, siting)
    said = explain_sites(plan, standing(stations)[0], *town, alternative_sites(plan, *town, siting))
    assert (said["sole_pop"] + said["shared_pop"]).tolist() == said["reached_pop"].tolist()
    assert (said["sole_pop"] <= said["gain_pop"]).all()
    assert said["gain_pop"].sum() == pytest.approx(plan.covered_after - plan.covered_before)
    for name, row in said.iterrows():
        assert row["reached_pop"] == total(people, reached[int(str(name)[1:])])


@FEW
@given(districts(), st.integers(1, 3), st.integers(0, 9))
def test_nothing_varied_keeps_every_site_and_the_same_seed_gives_the_same_draws(made: Made, sites: int, seed: int) -> None:
    town, reached, stations, _ = made
    siting = Siting(sites=min(sites, len(reached)))
    plan = propose_sites(*town, siting)
    cutoff = pd.Series(60.0, index=town[1].index)

    def drawn(asked: Reasons) -> tuple[pd.DataFrame, list[float]]:
        varied = vary_plan(plan, standing(stations)[0], *town[:1], *town[1:], siting, (), cutoff, asked)
        return varied.sites, varied.kept.tolist()

    still = Reasons(draws=3, pace=0.0, weights=0.0, population=0.0, seed=seed)
    sites_then, kept = drawn(still)
    assert sites_then.loc[sites_then["in_plan"], "chosen"].tolist() == [3] * len(plan.sites)
    assert kept == [1.0] * 3
    loose = Reasons(draws=3, pace=0.5, weights=0.0, population=0.4, seed=seed)
    one, other = drawn(loose), drawn(loose)
    pd.testing.assert_frame_equal(one[0], other[0])
    assert one[1] == other[1]
    assert all(0.0 <= share <= 1.0 + 1e-12 for share in one[1])
