"""A time limit on siting: every program that is begun knows what is left of it, and what comes of it is still a proof."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from siting_towns import scattered_town

from planner.siting import propose_sites
from planner.siting import solver as hall
from planner.siting.choose import best_cover
from planner.siting.cover import CoverModel
from planner.siting.problem import build_problem
from planner.siting.solver import relax
from planner.study import Equity, Method, Phase, Siting

MODELS: dict[str, dict[str, Any]] = {
    "mclp": {},
    "two phases": {"phases": (Phase(dt.date(2026, 12, 31), 2), Phase(dt.date(2027, 12, 31), 2))},
    "backup": {"backup": 0.5},
    "decay": {"decay": "linear"},
    "equity floor": {"equity": Equity(floor=0.2)},
    "equity weight": {"equity": Equity(weight=0.5)},
    "p-median": {"method": Method.P_MEDIAN},
    "lscp": {"method": Method.LSCP},
    "lscp share": {"method": Method.LSCP, "share": 0.9},
    "p-center": {"method": Method.P_CENTER, "share": 0.5},
    "capacity": {"capacity": True, "capacity_default": 300.0},
}


@pytest.fixture(scope="module")
def town() -> Any:
    return scattered_town(150, 20, seed=3, radius=0.2, towns=3, covered=0.0)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that each program of HiGHS is given, as they are begun; flows that say who is assigned where apart."""
    given: list[float] = []

    class Watched(hall.highspy.Highs):  # type: ignore[misc,name-defined]
        def run(self) -> Any:
            given.append(float(self.getOptionValue("time_limit")[1]))
            return super().run()

    monkeypatch.setattr(hall.highspy, "Highs", Watched)
    return given


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock on which a hundred seconds pass between any two looks."""
    now = [0.0]

    def clock() -> float:
        now[0] += 100.0
        return now[0]

    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", clock)
        yield


@pytest.mark.parametrize("model", [name for name in MODELS if name != "capacity"])
def test_no_program_is_begun_that_does_not_know_the_limit(model: str, town: Any, limits: list[float]) -> None:
    propose_sites(*town, Siting(sites=4, time_limit_s=60.0, **MODELS[model]))
    assert all(seconds <= 60.0 for seconds in limits)


def test_of_capacities_only_flows_do_not_know_the_limit(town: Any, limits: list[float]) -> None:
    propose_sites(*town, Siting(sites=4, time_limit_s=60.0, **MODELS["capacity"]))
    assert any(seconds <= 60.0 for seconds in limits)


@pytest.mark.parametrize("model", MODELS)
def test_where_time_runs_out_at_once_there_is_a_plan_and_its_bound_holds(
    model: str, town: Any, hurried: None, request: pytest.FixtureRequest
) -> None:
    keys = {"sites": 4, **MODELS[model]}
    best = propose_sites(*town, Siting(**keys))
    found = propose_sites(*town, Siting(**keys, time_limit_s=5.0))
    less = keys.get("method") in (Method.LSCP, Method.P_MEDIAN, Method.P_CENTER)
    values = [found.objective_bound, best.objective_bound, best.objective, found.objective]
    assert best.status == "optimal"
    assert len(found.sites) >= 4 or keys.get("method") is Method.LSCP
    assert values == pytest.approx(sorted(values) if less else sorted(values, reverse=True))


def test_prices_on_the_way_bound_what_can_be_covered(town: Any) -> None:
    problem = build_problem(*town, Siting(sites=4))
    model = CoverModel.of(problem)
    cut, best = relax(model.model, until=time.monotonic() - 1.0), best_cover(problem)
    assert cut is not None
    assert not cut.solved
    assert model.need(cut.bound) >= best.value


@pytest.mark.parametrize("model", ["mclp", "lscp share", "equity weight", "p-center"])
def test_a_limit_that_is_not_reached_changes_nothing(model: str, town: Any) -> None:
    free, limited = (propose_sites(*town, Siting(sites=4, time_limit_s=s, **MODELS[model])) for s in (None, 600.0))
    assert free.sites.index.tolist() == limited.sites.index.tolist()
    assert (free.status, free.objective_bound) == (limited.status, limited.objective_bound)
