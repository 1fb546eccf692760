"""Laws of the indicators, measured as a run measures them, on any stations and residents of the lattice town."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import NamedTuple

import builders
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.access import measure_spread
from planner.coverage import measure_coverage
from planner.indicators import Evidence, measure_indicators
from planner.network import Network
from planner.reach import travel_times
from planner.schema import TOWNS, Indicators
from planner.score import score_stations
from planner.study import Walk

LAW = settings(deadline=None, max_examples=15)  # each example walks the streets
STREETS: Network = builders.lattice()
BORDERS = TOWNS.conform(
    gpd.GeoDataFrame(
        {"town": ["East", "West"]},
        geometry=[shapely.box(450, -50, 1050, 1050), shapely.box(-50, -50, 450, 1050)],
        crs=builders.CRS,
    )
)
COLUMN = st.integers(0, 10).map(lambda i: 100.0 * i)
PLACES = st.tuples(COLUMN, COLUMN)


class Town(NamedTuple):
    """Homes with residents, and stations with what they can carry."""

    homes: dict[tuple[float, float], int]
    stations: list[tuple[float, float]]
    capacity: list[int]


@st.composite
def towns(draw: st.DrawFn) -> Town:
    homes = draw(st.dictionaries(PLACES, st.integers(0, 60), min_size=1, max_size=12).filter(lambda d: sum(d.values()) > 0))
    stations = draw(st.lists(PLACES, min_size=1, max_size=5))
    capacity = draw(st.lists(st.integers(0, 50), min_size=len(stations), max_size=len(stations)))
    return Town(homes, stations, capacity)


def measured(town: Town, walk: Walk = builders.STROLL) -> Indicators:
    of = ["West" if x < 450 else "East" for x, _ in town.homes]
    demand = builders.demand_at(list(town.homes), [float(people) for people in town.homes.values()], town=list(of))
    stations = builders.stations_at(
        *town.stations,
        town=["West" if x < 450 else "East" for x, _ in town.stations],
        capacity=[float(carry) for carry in town.capacity],
    )
    reach = travel_times(STREETS, stations, demand, walk)
    scores = score_stations(reach, demand, stations)
    told = Evidence(measure_coverage(reach, demand), reach, stations, BORDERS, walk, dt.date(2025, 6, 30), scores)
    return measure_indicators(told)


def of(table: Indicators, name: str, column: str = "value") -> float:
    return float(table.loc[(name, "district", "district"), column])


@LAW
@given(towns(), st.sampled_from([2.0, 4.0, 5.0, 7.0]), st.sampled_from([1.0, 1.5, 2.5]), PLACES)
def test_more_minutes_a_faster_pace_and_another_station_never_cover_less(
    town: Town, minutes: float, faster: float, place: tuple[float, float]
):
    slow = replace(builders.STROLL, minutes=minutes)
    base = measured(town, slow)
    longer = measured(town, replace(slow, minutes=minutes + 2))
    fast = measured(town, replace(slow, speed_mps=faster))
    more = measured(Town(town.homes, [*town.stations, place], [*town.capacity, 10]), slow)
    for other in (longer, fast, more):
        for name in ("coverage", "backup"):
            for row in [("district", "district"), ("town", "East"), ("town", "West")]:
                assert not other.loc[(name, *row), "value"] < base.loc[(name, *row), "value"] - 1e-12
        assert of(other, "unreachable") <= of(base, "unreachable") + 1e-12


@LAW
@given(towns())
def test_what_is_nearest_adds_up_to_what_is_covered_and_sole_is_no_more_than_that(town: Town):
    table = measured(town)
    stations = table.xs("station", level="by")["value"]
    covered = of(table, "coverage", "numerator")
    assert stations.loc["load"].sum() == pytest.approx(covered)
    assert stations.loc["marginal"].sum() <= covered + 1e-9
    assert (stations.loc["marginal"] <= stations.loc["served"] + 1e-9).all()
    assert (stations.loc["load"] <= stations.loc["served"] + 1e-9).all()
    assert covered <= stations.loc["served"].sum() + 1e-9
    towns_together = table.xs("town", level="by").loc["coverage", "numerator"].sum()
    assert towns_together == pytest.approx(covered)


@LAW
@given(towns())
def test_both_ways_of_sharing_out_hand_out_the_capacity_that_can_be_reached(town: Town):
    table = measured(town)
    served = table.xs("station", level="by").loc["served", "value"]
    reached = sum(carry for carry, people in zip(town.capacity, served, strict=True) if people > 0)
    assert of(table, "supply", "numerator") == pytest.approx(reached)
    # E2SFCA is 0 at the very cutoff: a station that is reached there alone hands nothing out
    assert of(table, "supply_e2sfca", "numerator") <= reached + 1e-9
    if len(town.stations) and all(place in town.homes and town.homes[place] > 0 for place in town.stations):
        assert of(table, "supply_e2sfca", "numerator") == pytest.approx(reached)


@LAW
@given(towns())
def test_quantiles_shares_and_ratios_keep_their_bounds(town: Town):
    table = measured(town)
    for name in ("coverage", "unreachable", "backup", "walk_gini", "supply_gini", "worst_town"):
        own = table.xs(name, level="indicator")["value"].dropna()
        assert ((own >= 0) & (own <= 1 + 1e-12)).all(), name
    for name in ("walk_gini", "supply_gini"):
        assert (table.xs(name, level="indicator")["value"].dropna() < 1).all()
    assert of(table, "backup") <= of(table, "coverage") + 1e-12
    assert of(table, "worst_town") <= of(table, "coverage") + 1e-12
    assert of(table, "coverage") + of(table, "unreachable") == pytest.approx(1)
    if of(table, "coverage") > 0:
        assert 0 <= of(table, "median_walk") <= of(table, "p90_walk") <= builders.STROLL.minutes + 1e-6
        assert of(table, "mean_walk") <= of(table, "p90_walk") + 0.1 * builders.STROLL.minutes + 1e-6
        assert of(table, "overlap") >= 1
        detour = table.xs("detour", level="indicator")["value"].dropna()
        assert (detour >= 1 - 1e-5).all()
    assert of(table, "supply_p10") <= of(table, "supply") * 10 / 9 + 1e-9  # nine in ten have no less, and nobody less than 0


@LAW
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=9))
def test_quantiles_are_values_that_somebody_has_in_their_order(places: list[tuple[int, int]]):
    values, weights = (np.array(column, dtype=float) for column in zip(*places, strict=True))
    spread = measure_spread(values, weights)
    if not weights.any():
        assert np.isnan(spread.median)
        return
    had = values[weights > 0]
    assert had.min() <= spread.p10 <= spread.median <= spread.p90 <= had.max()
    assert {spread.p10, spread.median, spread.p90} <= set(had)
    people = pd.Series(np.repeat(values, weights.astype(int)))
    assert spread.median == people.quantile(0.5, interpolation="lower")
    assert (people < spread.p10).mean() < 0.1 <= (people <= spread.p10).mean() + 1e-12
