"""Laws of supply and of decays, on any reach hypothesis finds."""

from __future__ import annotations

import math

import builders
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import decay
from planner.access import measure_spread, two_step_access, walking_saved
from planner.reach import Reach
from planner.schema import Demand

CUTOFF_S = 900.0
DECAYS = {
    "none": None,
    "step": lambda t: decay.step(t, cutoff_s=600),
    "zones": lambda t: decay.zones(t, until_s=[300, 600, 900], weights=[1.0, 0.68, 0.22]),
    "gaussian": lambda t: decay.gaussian(t, half_s=400),
    "to zero": lambda t: decay.gaussian_to_zero(t, cutoff_s=CUTOFF_S),
    "exponential": lambda t: decay.exponential(t, half_s=300),
    "linear": lambda t: decay.linear(t, cutoff_s=CUTOFF_S),
}


@st.composite
def towns(draw: st.DrawFn) -> tuple[Demand, Reach, pd.Series]:
    count, stations = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    people = draw(st.lists(st.integers(0, 50), min_size=count, max_size=count))
    cells = st.one_of(st.none(), st.integers(0, int(CUTOFF_S)))
    walks = draw(st.lists(cells, min_size=count * stations, max_size=count * stations))
    capacity = draw(st.lists(st.integers(0, 90), min_size=stations, max_size=stations))
    demand = builders.demand_at([(float(i), 0.0) for i in range(count)], [float(n) for n in people])
    filled = [(i, walk) for i, walk in enumerate(walks) if walk is not None]
    row, column = np.array([i // count for i, _ in filled], dtype=int), np.array([i % count for i, _ in filled], dtype=int)
    seconds = np.array([walk for _, walk in filled], dtype=np.float32)
    matrix = sp.csr_array((seconds, (row, column)), shape=(stations, count))
    ids = pd.Index([f"s{i}" for i in range(stations)])
    return demand, Reach(ids, demand.index, matrix), pd.Series(map(float, capacity), index=ids)


@settings(deadline=None, max_examples=60)
@given(towns(), st.sampled_from(sorted(DECAYS)))
def test_exactly_the_capacity_that_somebody_can_reach_is_handed_out(town: tuple[Demand, Reach, pd.Series], name: str) -> None:
    demand, reach, capacity = town
    weigh = DECAYS[name]
    supply = two_step_access(reach, demand, capacity, decay=weigh)
    walks = reach.walk_s.tocoo()
    weight = np.ones(walks.nnz) if weigh is None else weigh(walks.data)
    people = demand["population"].to_numpy()[walks.col]
    reached = np.bincount(walks.row, weights=weight * people, minlength=len(capacity)) > 0
    assert float(supply @ demand["population"]) == pytest.approx(capacity[reached].sum())
    assert (supply >= 0).all()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([name for name in sorted(DECAYS) if name != "none"]), st.lists(st.floats(0, 2 * CUTOFF_S), min_size=1))
def test_a_decay_is_one_at_the_door_and_never_rises(name: str, walk_s: list[float]) -> None:
    weights = DECAYS[name](np.sort([0.0, *walk_s]))  # type: ignore[misc]
    assert weights[0] == 1.0
    assert (np.diff(weights) <= 1e-12).all()
    assert ((weights >= 0) & (weights <= 1)).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=8), st.integers(1, 60))
def test_neither_splitting_places_nor_the_unit_changes_inequality(places: list[tuple[int, int]], unit: int) -> None:
    values, weights = (np.array(column, dtype=float) for column in zip(*places, strict=True))
    once = measure_spread(values, weights)
    again = measure_spread(np.repeat(values, 2) * unit, np.repeat(weights / 2, 2))
    for name in ("gini", "theil"):
        assert getattr(once, name) == pytest.approx(getattr(again, name), abs=1e-9, nan_ok=True)
    if not math.isnan(once.gini):
        assert 0 <= once.gini < 1
        assert once.theil >= 0


@settings(deadline=None, max_examples=60)
@given(towns(), st.data())
def test_more_stations_never_cost_a_walk(town: tuple[Demand, Reach, pd.Series], data: st.DataObject) -> None:
    demand, reach, _ = town
    kept = sorted(data.draw(st.sets(st.integers(0, len(reach.facility_ids) - 1))))
    before = Reach(reach.facility_ids[kept], reach.demand_ids, sp.csr_array(reach.walk_s[kept]))
    said = walking_saved(before, reach, demand)
    assert said["saved_min"] >= 0  # type: ignore[operator]
    assert said["farther_pop"] == said["lost_pop"] == 0
