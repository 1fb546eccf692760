"""No suppressed count can be worked out from what is published: tried by solving the linear system of all published figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from planner.privacy import hide_in_sum, publish_tables, suppress, too_small
from planner.reach import Reach

MINIMUM = 10
COUNTS = st.sampled_from([0, 0, 1, 2, 3, 5, 9, 10, 11, 15, 40, 200])
LARGE = st.sampled_from([0, 10, 12, 40, 200])

LAW = settings(deadline=None, max_examples=100)  # timings say nothing on a shared machine

Tables = dict[str, pd.DataFrame]


@st.composite
def points(draw: st.DrawFn, counts: st.SearchStrategy[int] = COUNTS) -> pd.DataFrame:
    size = draw(st.integers(1, 10))
    return pd.DataFrame(
        {
            "town": draw(st.lists(st.sampled_from("ABCD"), min_size=size, max_size=size)),
            "covered": draw(st.lists(st.booleans(), min_size=size, max_size=size)),
            "pop_young": [float(draw(counts)) for _ in range(size)],
            "need": 1.0,
        }
    )


def tables_of(demand: pd.DataFrame) -> Tables:
    """What a run publishes of these points: themselves, covered by town, covered and total of the district."""
    counted = demand.assign(covered_young=demand["pop_young"] * demand["covered"])
    towns = counted.groupby("town")[["covered_young"]].sum().reindex(list("ABCD"), fill_value=0.0)
    total, covered = float(counted["pop_young"].sum()), float(counted["covered_young"].sum())
    groups = pd.DataFrame({"group": ["residents", "young"], "total": [5.0, total], "covered": [5.0, covered]})
    return {"demand": demand, "towns": towns, "groups": groups.set_index("group")}


def figures_of(tables: Tables) -> list[tuple[np.ndarray, float]]:
    """Every figure as (which points it sums, its value or NaN)."""
    demand, towns, groups = tables["demand"], tables["towns"], tables["groups"]
    is_covered = demand["covered"].to_numpy()
    figures = [(row, value) for row, value in zip(np.eye(len(demand)), demand["pop_young"], strict=True)]
    for town, value in towns["covered_young"].items():
        figures.append(((demand["town"].to_numpy() == town) & is_covered, value))
    figures.append((is_covered, groups.at["young", "covered"]))
    figures.append((np.ones(len(demand)), groups.at["young", "total"]))
    return [(np.asarray(row, dtype=float), float(value)) for row, value in figures]


def follows_from(target: np.ndarray, known: list[np.ndarray]) -> bool:
    """Whether a sum of points is a combination of known sums."""
    rows = np.array([*known, np.zeros_like(target)])
    return bool(np.linalg.matrix_rank(np.vstack([rows, target])) == np.linalg.matrix_rank(rows))


@LAW
@given(points())
def test_no_suppressed_count_follows_from_what_is_published(demand):
    figures = figures_of(publish_tables(tables_of(demand), MINIMUM))
    known = [row for row, value in figures if not np.isnan(value)]
    for row, value in figures:
        assert not np.isnan(value) or not follows_from(row, known)


@LAW
@given(points())
def test_nor_does_it_for_someone_who_knows_the_total_of_every_town(demand):
    tables = tables_of(demand)
    figures = figures_of(publish_tables(tables, MINIMUM))
    known = [row for row, value in figures if not np.isnan(value)]
    people = demand["pop_young"].to_numpy()
    for town in "ABCD":
        known.append((demand["town"] == town).to_numpy(dtype=float))
    is_covered = demand["covered"].to_numpy()
    for town in "ABCD":
        here = (demand["town"] == town).to_numpy()
        on_both_sides = people[here & is_covered].sum() > 0 and people[here & ~is_covered].sum() > 0
        for row, value in figures:
            inside = not (row.astype(bool) & ~here).any() and not (row == here).all()
            others = here & ~row.astype(bool)
            small = too_small([row @ people, others @ people if row.sum() > 1 else 0], MINIMUM).any()
            if on_both_sides and inside and small and np.isnan(value):
                assert not follows_from(row, known)


@LAW
@given(points())
def test_what_is_published_has_no_small_count_and_no_small_complement(demand):
    given_tables = tables_of(demand)
    tables = publish_tables(given_tables, MINIMUM)
    assert not too_small(tables["demand"]["pop_young"], MINIMUM).any()
    assert not too_small(tables["towns"]["covered_young"], MINIMUM).any()
    total, covered = tables["groups"].loc["young", ["total", "covered"]]
    assert not too_small([total, covered, total - covered], MINIMUM).any()
    whole = given_tables["demand"].groupby("town")["pop_young"].sum().reindex(list("ABCD"), fill_value=0.0)
    part = tables["towns"]["covered_young"]
    assert not (too_small(whole - part, MINIMUM) & (part > 0)).any()


@LAW
@given(points())
def test_what_is_left_of_a_published_sum_is_never_a_small_count(demand):
    tables = publish_tables(tables_of(demand), MINIMUM)
    shown = tables["demand"]["pop_young"].fillna(0).to_numpy()
    true = demand["pop_young"].to_numpy()
    for row, value in figures_of(tables)[len(demand) :]:
        if not np.isnan(value):
            assert not too_small([row @ true - row @ shown], MINIMUM).any()


@st.composite
def catchments(draw: st.DrawFn) -> tuple[Tables, Reach]:
    """The tables with up to four stations whose catchments overlap as they like, each point covered if in one."""
    demand = draw(points())
    shape = (draw(st.integers(1, 4)), len(demand))
    inside = draw(arrays.arrays(np.bool_, shape, elements=st.sampled_from([True, True, False])))
    demand = demand.assign(covered=inside.any(axis=0))
    stations = pd.DataFrame({"served_young": inside @ demand["pop_young"].to_numpy()}, index=[f"s{i}" for i in range(shape[0])])
    reach = Reach(stations.index, demand.index, sp.csr_array(inside.astype(np.float32)))
    return tables_of(demand) | {"stations": stations}, reach


@LAW
@given(catchments())
def test_no_suppressed_count_follows_for_someone_who_knows_every_catchment(made):
    given_tables, reach = made
    tables = publish_tables(given_tables, MINIMUM, reach=reach)
    assert not too_small(tables["stations"]["served_young"], MINIMUM).any()
    figures = figures_of(tables)
    known = [row for row, value in figures if not np.isnan(value)]
    served = list(zip(reach.walk_s.toarray().astype(float), tables["stations"]["served_young"], strict=True))
    all_known = known + [row for row, value in served if not np.isnan(value)]
    for row, value in figures + served:
        assert not np.isnan(value) or follows_from(row, known) or not follows_from(row, all_known)


@LAW
@given(catchments())
def test_what_is_left_of_a_station_is_never_a_small_count(made):
    given_tables, reach = made
    tables = publish_tables(given_tables, MINIMUM, reach=reach)
    left = given_tables["demand"]["pop_young"].to_numpy() * tables["demand"]["pop_young"].isna().to_numpy()
    shown = tables["stations"]["served_young"].notna().to_numpy()
    assert not too_small((reach.walk_s.toarray() @ left)[shown], MINIMUM).any()


@LAW
@given(points(LARGE))
def test_nothing_is_hidden_where_all_counts_are_large(demand):
    for name, table in publish_tables(given_tables := tables_of(demand), MINIMUM).items():
        pd.testing.assert_frame_equal(table, given_tables[name])


@LAW
@given(points())
def test_what_is_shown_is_true_and_need_goes_with_the_counts(demand):
    given_tables = tables_of(demand)
    tables = publish_tables(given_tables, MINIMUM)
    for name in ("demand", "towns", "groups"):
        numbers = tables[name].select_dtypes("number")
        assert (numbers.isna() | (numbers == given_tables[name][numbers.columns])).all(axis=None)
    assert (tables["demand"]["need"].isna() == tables["demand"]["pop_young"].isna()).all()


@LAW
@given(st.lists(COUNTS, max_size=9), st.lists(st.booleans(), min_size=9, max_size=9))
def test_a_sum_never_gives_its_hidden_counts_away(counts, first):
    hidden = hide_in_sum(counts, np.array(first[: len(counts)], dtype=bool) & (np.array(counts) > 0), MINIMUM)
    people = np.array(counts)[hidden]
    assert not hidden.any() or (len(people) >= 2 and people.sum() >= MINIMUM) or people.sum() == sum(counts)


@LAW
@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=7))
def test_a_part_and_its_whole_are_both_large_or_not_both_shown(pairs):
    table = pd.DataFrame({"part": [float(a) for a, _ in pairs], "whole": [float(a + b) for a, b in pairs]})
    shown = suppress(table, ["part"], MINIMUM, totals={"part": "whole"})
    for name in ("part", "whole"):
        assert not too_small(shown[name], MINIMUM).any()
    assert not too_small(shown["whole"] - shown["part"], MINIMUM).any()
