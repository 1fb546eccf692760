"""What changed between two runs, in numbers small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from planner.errors import SourceError, TableError
from planner.progress import compare_runs
from planner.sources.runs import read_run


def run_of(covered: list[bool], served: dict[str, float]) -> dict[str, pd.DataFrame]:
    people = [10.0, 20.0, 30.0]
    demand = pd.DataFrame({"population": people, "covered": covered}, index=pd.Index([0, 1, 2], name="demand_id"))
    total = sum(p for p, c in zip(people, covered, strict=True) if c)
    stations = pd.DataFrame(
        {"name": [f"Station {key}" for key in served], "served_pop": list(served.values())},
        index=pd.Index(list(served), name="station_id"),
    )
    towns = pd.DataFrame({"covered_pop": [total]}, index=pd.Index(["A"], name="town"))
    groups = pd.DataFrame({"covered": [total, None]}, index=pd.Index(["residents", "few"], name="group"))
    return {"demand": demand, "stations": stations, "towns": towns, "groups": groups}


def test_people_gained_and_lost_add_up_to_the_difference() -> None:
    before = run_of([True, True, False], {"a": 30, "b": 5})
    after = run_of([False, True, True], {"b": 5, "c": 50})
    changed = compare_runs(before, after)
    people = changed["people"].loc["residents"]
    assert people.to_dict() == {"population": 60, "covered_before": 30, "covered_after": 50, "gained": 30, "lost": 10}
    assert changed["stations"]["change"].to_dict() == {"a": "removed", "c": "added"}
    assert changed["towns"].loc["A"].tolist() == [30, 50, 20]
    assert changed["groups"].loc["few"].isna().all()


def test_runs_on_different_people_are_not_compared() -> None:
    before, after = run_of([True] * 3, {}), run_of([True] * 3, {})
    after["demand"]["population"] += 1
    with pytest.raises(TableError, match="different demand points"):
        compare_runs(before, after)


def test_a_folder_that_is_no_run_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not the complete output of a run"):
        read_run(tmp_path)
