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


def run_that_covers(covered: float, minimum: int | None, of: str = "people") -> dict[str, pd.DataFrame]:
    """A run whose key group has `covered` people within reach, published with a minimum of its own."""
    made = run_of([True] * 3, {})
    groups = pd.DataFrame(
        {"of": ["people", of], "covered": [60.0, covered]}, index=pd.Index(["residents", "few"], name="group")
    )
    said = {} if minimum is None else {"privacy.minimum_count": str(minimum)}
    settings = pd.Series(said, name="value", dtype="string").rename_axis("key").to_frame()
    return made | {"groups": groups, "settings": settings}


@pytest.mark.parametrize("change", [7, -7, 1])
@pytest.mark.parametrize("minima", [(None, None), (10, 3), (3, 10), (8, 8)])
def test_a_key_group_that_changed_by_a_few_has_no_counts_at_all(change: int, minima: tuple[int | None, int | None]) -> None:
    changed = compare_runs(run_that_covers(50, minima[0]), run_that_covers(50 + change, minima[1]))["groups"]
    assert changed.loc["few"].isna().all()  # either count beside the other would say who moved
    assert changed.loc["residents"].tolist() == [60, 60, 0]


@pytest.mark.parametrize(
    ("after", "minimum", "of"), [(50, 10, "people"), (60, 10, "people"), (43, 7, "people"), (57, 10, "jobs")]
)
def test_what_gives_nobody_away_is_compared(after: float, minimum: int, of: str) -> None:
    changed = compare_runs(run_that_covers(50, minimum, of), run_that_covers(after, minimum, of))["groups"]
    assert changed.loc["few"].tolist() == [50, after, after - 50]


def test_runs_on_different_people_are_not_compared() -> None:
    before, after = run_of([True] * 3, {}), run_of([True] * 3, {})
    after["demand"]["population"] += 1
    with pytest.raises(TableError, match="different demand points"):
        compare_runs(before, after)


def test_a_folder_that_is_no_run_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not the complete output of a run"):
        read_run(tmp_path)
