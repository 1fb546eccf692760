"""An attack with everything a run writes: each published number an equation, the least and most of each empty count."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.coverage import walks_onto
from planner.errors import PlannerWarning
from planner.privacy import publish_tables
from planner.reach import Reach
from planner.run import propose, publish_scores, score_survey, survey_study
from planner.sources.audit.attack import Sum, attack, told_points, told_sums
from planner.sources.audit.together import told_together
from planner.sources.files import read_study

DISTRICT = Path(__file__).parent.parent / "data" / "district"
MINIMUM = 10


def everyone(count: int, people: float) -> Sum:
    return Sum(np.ones(count, dtype=bool), people, people, "", "")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=4), st.data())
def test_the_ends_are_those_of_trying_every_count(counts, data):
    """Small whole counts, random sums over them: the least and most that agree, by trying all; nothing lies outside."""
    size = len(counts)
    members = data.draw(st.lists(st.lists(st.booleans(), min_size=size, max_size=size), min_size=1, max_size=3))
    shown = [Sum(np.array(row), *[float(np.array(counts)[np.array(row)].sum())] * 2, "", "") for row in members]
    known = attack(np.full(size, np.nan), np.full(size, 4.0), shown)
    lawful = [
        c for c in itertools.product(range(5), repeat=size) if all(np.array(c)[s.members].sum() == s.least for s in shown)
    ]
    tried = np.array(lawful)
    assert (known.of_points[:, 0] <= tried.min(axis=0) + 1e-4).all()
    assert (known.of_points[:, 1] >= tried.max(axis=0) - 1e-4).all()
    whole = np.abs(known.of_points - known.of_points.round()) < 1e-4  # an end between whole counts is none of theirs
    assert np.allclose(known.of_points[whole], np.column_stack([tried.min(axis=0), tried.max(axis=0)])[whole], atol=1e-4)


@st.composite
def districts(draw):
    """Thirty places in two towns, three stations and two sites with catchments at random, and few people of a group."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    size = 30
    inside = rng.random((3, size)) < 0.25
    within = rng.random((2, size)) < 0.3
    covered = inside.any(axis=0)
    count = rng.poisson(draw(st.sampled_from([0.5, 2.0, 8.0])), size) * (rng.random(size) < 0.6) * 1.0
    demand = pd.DataFrame({"population": 300.0, "pop_few": count, "need": 1.0, "covered": covered})
    demand["town"] = np.where(np.arange(size) < size // 2, "A", "B")
    towns = (count * covered * (demand["town"].to_numpy() == np.array([["A"], ["B"]]))).sum(axis=1)
    first = within & ~(np.vstack([covered, within[:1] | covered]))
    tables = {
        "demand": demand,
        "towns": pd.DataFrame({"covered_few": towns}, index=["A", "B"]),
        "groups": pd.DataFrame({"total": [count.sum()], "covered": [(count * covered).sum()]}, index=["few"]),
        "stations": pd.DataFrame({"served_few": inside @ count}, index=["s0", "s1", "s2"]),
        "sites": pd.DataFrame({"gain_few": first @ count, "gain_need": 1.0}, index=["h0", "h1"]),
    }
    reach, options = (
        Reach(tables[name].index, demand.index, sp.csr_array(walks.astype(np.float32)))
        for name, walks in (("stations", inside), ("sites", within))
    )
    return tables, reach, options, inside, first


@settings(deadline=None, max_examples=60)
@given(districts())
def test_nothing_published_together_tells_a_small_count(made):
    """Tables, stations and sites of one run: no count that lies between nothing and the minimum is known exactly."""
    tables, reach, options, inside, first = made
    out = publish_tables(tables, MINIMUM, reach=reach, options=options)
    demand, covered = tables["demand"], tables["demand"]["covered"].to_numpy()
    rows = [(np.ones(len(demand), dtype=bool), out["groups"]["total"].iloc[0]), (covered, out["groups"]["covered"].iloc[0])]
    rows += [(covered & (demand["town"] == town).to_numpy(), people) for town, people in out["towns"]["covered_few"].items()]
    rows += list(zip(inside, out["stations"]["served_few"], strict=True)) + list(
        zip(first, out["sites"]["gain_few"], strict=True)
    )
    sums = [Sum(m, -np.inf if np.isnan(v) else v, np.inf if np.isnan(v) else v, "", "") for m, v in rows]
    known = attack(out["demand"]["pop_few"].to_numpy(), demand["population"].to_numpy(), sums)
    true = demand["pop_few"].to_numpy()
    width = known.of_points[:, 1] - known.of_points[:, 0]
    small = (true[known.point] > 0) & (true[known.point] < MINIMUM)
    assert (width[small] > 1e-2).all()
    assert (known.of_points[:, 0] <= true[known.point] + 1e-4).all()
    assert (known.of_points[:, 1] >= true[known.point] - 1e-4).all()


def test_few_people_at_many_places_are_not_told_by_being_one_each():
    """42 people at 42 places: would only these be empty, each were one; so places of nobody are empty too."""
    count = np.r_[np.ones(42), np.zeros(400)]
    demand = pd.DataFrame({"population": 300.0, "pop_few": count, "need": 1.0, "covered": np.arange(442) % 2 == 0, "town": "A"})
    groups = pd.DataFrame({"total": [42.0], "covered": [21.0]}, index=["few"])
    out = publish_tables({"demand": demand, "groups": groups}, MINIMUM)
    empty = out["demand"]["pop_few"].isna().to_numpy()
    assert empty[:42].all()
    for side in (True, False):
        assert (empty & (demand["covered"] == side)).sum() >= 21 + MINIMUM


def write(folder, count, p90):
    size = len(count)
    covered = np.arange(size) < size - 2
    walk_s = np.where(covered, 60.0 * (1 + np.arange(size)), np.nan)
    table = {
        "demand_id": np.arange(size), "population": 500.0, "pop_few": np.where(count < MINIMUM, np.nan, count), "town": "A",
        "covered": covered, "nearest_walk_s": walk_s, "nearest_station_id": None,
    }  # fmt: skip
    places = gpd.points_from_xy(np.arange(size), np.zeros(size), crs="EPSG:32651")
    gpd.GeoDataFrame(table, geometry=places).to_parquet(folder / "demand.parquet")
    total, inside = count.sum(), count[covered].sum()
    scores = {"group": ["residents", "few"], "label": ["", ""], "total": [9e3, total], "covered": [9e3, inside]}
    pd.DataFrame(scores | {"median_walk_min": [np.nan, np.nan], "p90_walk_min": [np.nan, p90]}).to_csv(folder / "groups.csv")


@pytest.mark.parametrize(("counts", "p90", "told"), [
    ([20, 9, 7, 30, 40], None, False),  # two empty counts of 16 together, each up to 16
    ([20, 9, 30, 30, 40], None, True),  # one alone: it follows
    ([9, 9, 9, 8, 9, 30, 40], 4.0, True),  # a tenth of 44 walk farther than four minutes: four at most at the last
])  # fmt: skip
def test_a_folder_is_attacked_with_all_its_files(tmp_path, counts, p90, told):
    write(tmp_path, np.array(counts, dtype=float), p90)
    found = [str(fault) for fault in told_together(tmp_path, ["few"], MINIMUM)]
    assert bool(found) == told
    assert all("all files together tell an empty count of the key group 'few'" in line for line in found)


def test_an_empty_sum_that_is_told_to_be_small():
    secret = Sum(np.array([True, True, False, False]), -np.inf, np.inf, "towns.csv", "A")
    other = Sum(np.array([False, False, True, True]), 96.0, 96.0, "towns.csv", "B")
    known = attack(np.full(4, np.nan), np.full(4, 300.0), [everyone(4, 100.0), other, secret])
    assert told_sums(known, np.full(4, 300.0), MINIMUM) == [secret]
    assert told_points(known, np.full(4, 300.0), MINIMUM).tolist() == [0, 1]


def test_a_run_hides_gains_that_somebody_with_the_catchments_of_sites_would_take_apart():
    """The made district: of each gain that is shown, what the shown points leave is nothing, or that of several points."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # the made district has its surprises
        survey = survey_study(read_study(DISTRICT))
        proposal = propose(survey, with_frontier=False)
    out = publish_scores(survey, score_survey(survey), proposal)
    sites, demand = out["sites"], out["demand"]
    walks = walks_onto(proposal.options, survey.demand)
    inside = (walks[proposal.options.facility_ids.get_indexer(sites.index)] != 0).toarray()
    before = survey.coverage["covered"].to_numpy()
    for row, site in enumerate(sites.index):
        first = inside[row] & ~before
        assert survey.coverage["population"][first].sum() == pytest.approx(proposal.plan.sites["gain_pop"][site])
        for group in ("registered_unemployed", "graduates", "hardship"):
            people, shown = sites[f"gain_{group}"][site], demand[f"pop_{group}"].to_numpy()[first]
            left = people - np.nansum(shown)
            assert np.isnan(people) or left == pytest.approx(0) or (left >= MINIMUM and np.isnan(shown).sum() >= 2)
        before = before | inside[row]
