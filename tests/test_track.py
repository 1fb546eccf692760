"""Targets against what stands on a day: counted by hand, and on the made district from files to the command."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json
import warnings
from pathlib import Path

import builders
import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_study import PEOPLE_A_CORNER, SIDE, write_lattice_study

import planner
from planner.cli import main
from planner.errors import PlannerWarning
from planner.policy import Counts, Function, Policy, Scope, Target
from planner.progress import (
    changes_between,
    coverage_of_areas,
    coverage_then_and_now,
    standing_stations,
    status_at,
    track_areas,
    track_targets,
)
from planner.publish.notes import note_said
from planner.schema import TOWNS, Stations, Track
from planner.study import HandedDown

END_2023, END_2024, END_2025 = (dt.date(year, 12, 31) for year in (2023, 2024, 2025))
FIRST_2024 = dt.date(2024, 1, 1)


def stations(**columns: list[object]) -> Stations:
    count = len(next(iter(columns.values())))
    return builders.stations_at(*((100.0 * i, 0.0) for i in range(count)), **columns)


def target(name: str = "t", minimum: int = 1, by: dt.date = END_2024, **rules: object) -> Target:
    return Target(name, name, name, minimum, by, "quoted", **rules)  # type: ignore[arg-type]


def policy(*targets: Target, **rules: object) -> Policy:
    return Policy("p", "p", "p", "us", targets=targets, **rules)  # type: ignore[arg-type]


def tracked(asked: Target, given_stations: Stations, as_of: dt.date, towns: tuple[str, ...] = ("A", "B")) -> Track:
    return track_targets(policy(asked, featured_kinds=("零工小站",)), given_stations, towns, as_of)


HISTORY = stations(
    town=["A", "A", "B", "B", "elsewhere"],
    status=["accepted", "built", "applied", "planned", "built"],
    planned_on=["2023-01-10", "2023-02-10", "2023-03-10", "2024-05-01", None],
    applied_on=["2023-02-01", "2023-03-01", "2024-02-01", None, None],
    built_on=["2023-06-01", "2024-03-01", None, None, "2023-01-01"],
    accepted_on=["2024-06-01", None, None, None, None],
)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2023-01-09", [None, None, None, None, "built"]),
        ("2023-01-10", ["planned", None, None, None, "built"]),
        ("2023-06-01", ["built", "applied", "planned", None, "built"]),
        ("2024-02-29", ["built", "applied", "applied", None, "built"]),
        ("2024-06-01", ["accepted", "built", "applied", "planned", "built"]),
    ],
)
def test_the_status_on_a_day_is_the_last_stage_whose_date_has_come(day: str, said: list[str | None]):
    found = status_at(HISTORY, dt.date.fromisoformat(day))
    assert [None if pd.isna(status) else status for status in found] == said


def test_planned_applied_built_and_accepted_stations_are_told_apart():
    row = tracked(target(minimum=3), HISTORY, END_2024).loc[("t", "district")]
    assert [row[name] for name in ("planned", "applied", "built", "accepted", "closed")] == [1, 1, 1, 1, 0]
    assert (row["counted"], row["shortfall"], row["met"], row["days_left"], row["days_late"]) == (2, 1, False, 0, 0)
    assert row["phrase"] == "quoted"


def test_an_earlier_date_shows_what_stood_then():
    row = tracked(target(minimum=3), HISTORY, END_2023).loc[("t", "district")]
    assert [row[name] for name in ("planned", "applied", "built", "accepted")] == [1, 1, 1, 0]
    assert (row["counted"], row["days_left"]) == (1, 366)


def test_a_target_for_towns_has_a_row_for_each():
    table = tracked(target(scope=Scope.TOWN), HISTORY, END_2024)
    assert table["counted"].to_dict() == {("t", "A"): 2, ("t", "B"): 0}
    assert table["met"].tolist() == [True, False]


def test_a_target_that_was_met_late_says_since_when_and_how_late():
    row = tracked(target(minimum=2, by=END_2023), HISTORY, END_2024).loc[("t", "district")]
    assert row["met_on"] == pd.Timestamp("2024-03-01")
    assert row["days_late"] == 61  # 31 + 29 + 1


def test_a_target_that_is_not_met_is_later_each_day():
    late = [tracked(target(minimum=9), HISTORY, END_2024 + dt.timedelta(days=days))["days_late"].iloc[0] for days in (0, 1, 40)]
    assert late == [0, 1, 40]


def test_only_accepted_stations_count_where_the_target_says_so():
    asked = target(accepted_only=True)
    assert tracked(asked, HISTORY, dt.date(2024, 5, 31))["counted"].iloc[0] == 0
    row = tracked(asked, HISTORY, dt.date(2024, 6, 1)).iloc[0]
    assert (row["counted"], row["met_on"]) == (1, pd.Timestamp("2024-06-01"))


def test_stations_of_before_do_not_count_towards_a_target_of_the_year():
    assert tracked(target(since=FIRST_2024), HISTORY, END_2024)["counted"].iloc[0] == 1
    assert tracked(target(since=FIRST_2024, accepted_only=True), HISTORY, END_2024)["counted"].iloc[0] == 1


def test_stations_without_a_date_do_not_count_from_a_date_on_and_it_is_said():
    undated = stations(town=["A", "A"], status=["built", "planned"])
    assert tracked(target(), undated, END_2024)["counted"].iloc[0] == 1
    with pytest.warns(PlannerWarning, match=r"1 standing stations have no date \(the first is s0\)"):
        assert tracked(target(since=FIRST_2024), undated, END_2024)["counted"].iloc[0] == 0


def test_a_plan_without_a_date_is_told_from_the_last_date_of_the_table_on():
    """What the table says of today was not so on all days before; a date to come is none that anything happened on."""
    columns: dict[str, list[object]] = {"planned_on": [None, "2024-01-09", None], "built_on": [None, None, "2024-03-01"]}
    plans = stations(town=["A"] * 3, status=["planned", "applied", "built"], opened=["2025-01-01", None, None], **columns)
    said = [status_at(plans, dt.date(2024, *day)).fillna("").tolist() for day in ((1, 8), (1, 9), (2, 29), (3, 1))]
    assert said == [["", "", ""], ["", "applied", ""], ["", "applied", ""], ["planned", "applied", "built"]]
    assert list(changes_between(plans, END_2023, END_2024).index) == ["s1", "s2"]  # no day is told on which s0 changed
    row = tracked(target(), plans, END_2024).iloc[0]
    assert row[["planned", "applied", "built"]].tolist() == [1, 1, 1]
    with pytest.warns(PlannerWarning, match=r"2 planned or applied stations have no date of that .* before 2024-03-01"):
        row = tracked(target(), plans, END_2023).iloc[0]
    assert row[["planned", "applied", "built"]].tolist() == [0, 0, 0]


def test_a_station_built_on_no_date_did_not_stand_before_it_was_planned():
    built = stations(
        town=["A", "A"], status=["built", "accepted"], planned_on=["2024-03-01", None], applied_on=[None, "2024-05-01"]
    )
    said = [status_at(built, dt.date(2024, month, 15)).fillna("").tolist() for month in (2, 3, 5)]
    assert said == [["", ""], ["built", ""], ["built", "accepted"]]
    with pytest.warns(PlannerWarning, match="do not count towards 't'"):  # the date of a plan is none of building
        assert tracked(target(since=FIRST_2024), built, END_2024)["counted"].iloc[0] == 0


def test_a_closed_station_counts_no_more_and_the_target_is_met_anew():
    pair = stations(
        town=["A", "A"], status=["closed", "built"], opened=["2023-01-01", "2024-08-01"], closed=["2024-03-01", None]
    )
    assert tracked(target(by=END_2023), pair, END_2023)["met_on"].iloc[0] == pd.Timestamp("2023-01-01")
    assert tracked(target(by=END_2023), pair, dt.date(2024, 4, 1))[["met", "closed"]].iloc[0].tolist() == [False, 1]
    assert tracked(target(by=END_2023), pair, END_2024)["met_on"].iloc[0] == pd.Timestamp("2024-08-01")


def test_featured_stations_are_those_of_the_packs_kinds():
    kinds = stations(town=["A", "B"], kind=["零工小站", "别的"], status=["built"] * 2, opened=["2024-01-01"] * 2)
    table = tracked(target(counts=Counts.FEATURED, scope=Scope.TOWN, binding=False), kinds, END_2024)
    assert table["counted"].tolist() == [1, 0]
    assert not table["binding"].any()


def test_a_kind_is_known_however_it_is_spaced():
    kinds = stations(town=["A", "B"], kind=["零工 小站", " 零工小站 "], status=["built"] * 2, opened=["2024-01-01"] * 2)
    assert tracked(target(counts=Counts.FEATURED), kinds, END_2024)["counted"].tolist() == [2]


def test_demonstration_stations_are_those_that_offer_all_functions():
    pack = policy(
        target(counts=Counts.DEMONSTRATION),
        functions=(Function("f", "甲", "f"), Function("g", "乙", "g")),
        demonstration_functions=("f", "g"),
    )
    two = stations(town=["A", "A", "A"], services=["甲、乙", "甲", None], status=["built"] * 3)
    assert track_targets(pack, two, ["A"], END_2024)["counted"].tolist() == [1]


def test_a_pack_without_targets_gives_an_empty_table():
    assert len(track_targets(policy(), HISTORY, ["A"], END_2024)) == 0


def test_dates_that_contradict_the_status_are_said_and_the_status_decides():
    odd = stations(town=["A"] * 3, status=["planned", "built", "built"], built_on=["2024-01-01", "2024-02-01", "2024-03-01"],
                   closed=[None, None, "2024-02-01"])  # fmt: skip
    with pytest.warns(PlannerWarning, match="dates of s0, s2 contradict"):
        assert tracked(target(), odd, END_2024)["counted"].iloc[0] == 1


def test_what_changed_between_two_days_is_listed():
    table = changes_between(HISTORY, END_2023, END_2024)
    assert table["after"].to_dict() == {"s0": "accepted", "s1": "built", "s2": "applied", "s3": "planned"}
    assert table["before"].isna().tolist() == [False, False, False, True]


def test_coverage_then_and_now_adds_up_over_towns():
    towns = TOWNS.conform(
        gpd.GeoDataFrame({"town": ["A", "B"]}, geometry=[shapely.box(i, 0, i + 1, 1) for i in (0, 1)], crs=builders.CRS)
    )
    demand = builders.demand_at([(0.0, 0.0)] * 3, [10.0, 20.0, 30.0], town=["A", "A", "B"])
    before, after = (demand.assign(covered=covered) for covered in ([True, False, True], [True, True, False]))
    table = coverage_then_and_now(before, after, towns)  # type: ignore[arg-type]
    assert table["difference"].to_dict() == {"district": -10.0, "A": 20.0, "B": -30.0}
    assert table.loc["A", ["coverage_before", "coverage_after"]].tolist() == pytest.approx([1 / 3, 1.0])


def test_a_later_change_of_status_changes_no_earlier_day():
    """Listed as built, later as accepted, later as closed: each table tells the earlier days as those before it did."""
    dates: dict[str, list[object]] = {"built_on": ["2024-03-01"]}
    tables = [stations(town=["A"], status=["built"], **dates)]
    for status, column, day in (("accepted", "accepted_on", "2024-09-01"), ("closed", "closed", "2025-02-01")):
        dates = {**dates, column: [day]}
        tables.append(stations(town=["A"], status=[status], **dates))
    months = [dt.date(2024 + m // 12, m % 12 + 1, 15) for m in range(20)]
    said = [[status_at(table, day).fillna("").iloc[0] for day in months] for table in tables]
    built, accepted, closed = said
    assert built[:8] == accepted[:8] == closed[:8] == [""] * 2 + ["built"] * 6  # until August 2024
    assert accepted[8:13] == closed[8:13] == ["accepted"] * 5
    assert set(closed[13:]) == {"closed"}


def test_a_station_that_opens_again_is_a_row_of_its_own():
    twice = stations(
        town=["A", "A"], status=["closed", "built"], built_on=["2023-03-01", "2024-08-01"], closed=["2024-03-01", None]
    )
    standing = [list(standing_stations(twice, dt.date(*day)).index) for day in ((2023, 6, 1), (2024, 5, 1), (2024, 9, 1))]
    assert standing == [["s0"], [], ["s1"]]
    once = tracked(target(by=END_2023), twice, dt.date(2024, 5, 1)).iloc[0]
    assert (once["met"], once["days_late"]) == (False, 61)  # met when it was due, and not since March: 31 + 30
    again = tracked(target(by=END_2023), twice, END_2024).iloc[0]
    assert (again["met"], again["met_on"]) == (True, pd.Timestamp("2024-08-01"))
    assert again["days_late"] == 153  # from March to July
    squeezed = stations(town=["A"], status=["built"], built_on=["2024-08-01"], closed=["2024-03-01"])  # both in one row
    with pytest.warns(PlannerWarning, match="run backwards"):
        tracked(target(), squeezed, END_2024)


DAYS = st.dates(dt.date(2024, 2, 20), dt.date(2024, 3, 20))


@settings(max_examples=30, deadline=None)
@given(spans=st.lists(st.tuples(DAYS, st.none() | DAYS), min_size=1, max_size=4), minimum=st.integers(1, 3), by=DAYS, day=DAYS)
def test_days_late_are_the_days_since_it_was_due_on_which_too_few_stood(
    spans: list[tuple[dt.date, dt.date | None]], minimum: int, by: dt.date, day: dt.date
):
    """Counted day by day, over a leap day, with stations that close."""
    table = stations(
        town=["A"] * len(spans),
        status=["built" if closed is None else "closed" for _, closed in spans],
        built_on=[str(built) for built, _ in spans],
        closed=[None if closed is None else str(closed) for _, closed in spans],
    )
    days = [by + dt.timedelta(days=i) for i in range((day - by).days)]
    stood = [sum(built <= each and (closed is None or each < closed) for built, closed in spans) for each in days]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # some close before they are built
        row = tracked(target(minimum=minimum, by=by), table, day).iloc[0]
    assert row["days_late"] == sum(count < minimum for count in stood)


def test_a_day_of_acceptance_that_is_guessed_is_said():
    """Accepted some day, and built in January: told from January on, which the office should know."""
    table = stations(
        town=["A", "A"], status=["accepted", "accepted"], built_on=["2024-01-10"] * 2, accepted_on=["2024-05-01", None]
    )
    with pytest.warns(PlannerWarning, match=r"1 accepted stations have no day of acceptance \(the first is s1\)") as told:
        row = tracked(target(accepted_only=True), table, dt.date(2024, 2, 1)).iloc[0]
    assert row["accepted"] == row["counted"] == 1
    assert note_said(str(told[0].message), "zh").startswith("1个已验收站点没有验收日期（第一个是s1）")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracked(target(), table, dt.date(2024, 2, 1))


def test_before_all_dates_nothing_stood_and_nothing_is_late():
    early = dt.date(2020, 1, 1)
    row = tracked(target(minimum=2), HISTORY, early).iloc[0]
    assert [row[name] for name in ("planned", "applied", "built", "accepted", "closed", "counted")] == [0] * 6
    assert (row["met"], row["days_late"], row["shortfall"]) == (False, 0, 2)
    assert not len(changes_between(HISTORY, dt.date(2019, 1, 1), early))


def test_areas_count_what_stands_in_their_towns_and_what_falls_to_them():
    asked = policy(target("town", scope=Scope.TOWN), target("whole", minimum=3))
    areas = {"left": ["A"], "right": ["B"]}
    table = track_areas(asked, HISTORY, areas, track_targets(asked, HISTORY, ["A", "B"], END_2024), END_2024)
    counts = ["planned", "applied", "built", "accepted", "closed", "counted"]
    assert table.loc[("town", "left"), counts].tolist() == [0, 0, 1, 1, 0, 2]
    assert table.loc[("town", "right"), counts].tolist() == [1, 1, 0, 0, 0, 0]
    assert table.loc[("town", "right"), ["towns", "towns_met", "minimum", "shortfall", "met"]].tolist() == [1, 0, 1, 1, False]
    whole = table.loc["whole"]
    assert whole[["towns", "towns_met", "minimum", "shortfall", "met", "days_late"]].isna().all(axis=None)
    assert whole["counted"].sum() == 2  # what is counted in the district; the station elsewhere is in no area


def test_a_town_with_more_than_enough_does_not_make_up_for_another_of_its_area():
    asked = policy(target("town", scope=Scope.TOWN, by=END_2023))
    table = track_areas(asked, HISTORY, {"all": ["A", "B"]}, track_targets(asked, HISTORY, ["A", "B"], END_2024), END_2024)
    row = table.loc[("town", "all")]
    assert (row["minimum"], row["counted"], row["shortfall"], row["met"], row["towns_met"]) == (2, 2, 1, False, 1)
    assert row["days_late"] == 366  # of town B, which has none yet


def test_a_share_that_was_handed_to_towns_falls_to_their_area():
    asked = policy(target("city", minimum=350, scope=Scope.CITY))
    handed = {"city": HandedDown(minimum=5, towns={"A": 1, "B": 4})}
    targets = track_targets(asked, HISTORY, ["A", "B"], END_2024, handed)
    table = track_areas(asked, HISTORY, {"all": ["A", "B"], "left": ["A"]}, targets, END_2024)
    assert table["minimum"].to_dict() == {("city", "all"): 5, ("city", "left"): 1}
    assert table["met"].tolist() == [False, True]


def test_nothing_is_asked_of_a_town_to_which_nothing_was_handed():
    asked = policy(target("city", minimum=350, scope=Scope.CITY))
    handed = {"city": HandedDown(minimum=2, towns={"A": 2, "B": 0})}
    targets = track_targets(asked, HISTORY, ["A", "B"], END_2024, handed).loc["city"]
    assert targets["minimum"].to_dict() == {"district": 2, "A": 2, "B": 0}
    assert (targets.loc["B", "met"], targets.loc["B", "shortfall"]) == (True, 0)


def test_an_area_whose_towns_have_always_met_a_target_is_not_late():
    """Stations without any date stand on every day, so nobody can say since when the target is met."""
    undated, asked = stations(town=["A"], status=["built"]), policy(target("town", scope=Scope.TOWN, by=END_2023))
    table = track_areas(asked, undated, {"left": ["A"]}, track_targets(asked, undated, ["A"], END_2024), END_2024)
    assert table.loc[("town", "left"), ["met", "shortfall"]].tolist() == [True, 0]
    assert pd.isna(table.loc[("town", "left"), "days_late"])


def test_coverage_of_areas_adds_up_over_their_towns():
    towns = TOWNS.conform(
        gpd.GeoDataFrame({"town": ["A", "B"]}, geometry=[shapely.box(i, 0, i + 1, 1) for i in (0, 1)], crs=builders.CRS)
    )
    demand = builders.demand_at([(0.0, 0.0)] * 3, [10.0, 20.0, 30.0], town=["A", "A", "B"])
    before, after = (demand.assign(covered=covered) for covered in ([True, False, True], [True, True, False]))
    by_town = coverage_then_and_now(before, after, towns)  # type: ignore[arg-type]
    table = coverage_of_areas(by_town, {"all": ["A", "B"], "left": ["A"]})
    same = ["population", "covered_before", "coverage_before", "covered_after", "coverage_after", "difference"]
    assert table.loc["all", same].tolist() == by_town.loc["district", same].tolist()
    assert table.loc["left", same].tolist() == by_town.loc["A", same].tolist()


DAYS = st.dates(dt.date(2023, 1, 1), dt.date(2025, 12, 31))
OPTIONAL = st.one_of(st.none(), DAYS)
STATED = st.sampled_from(["built", "accepted", "closed", "applied", None])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(DAYS, OPTIONAL, OPTIONAL), min_size=1, max_size=6), DAYS)
def test_history_is_never_rewritten_by_what_comes_later(
    rows: list[tuple[dt.date, dt.date | None, dt.date | None]], day: dt.date
):
    def table(until: dt.date) -> Stations:
        """The stations as somebody listed them on that day, who knew of nothing later."""
        known = [[date if date is not None and date <= until else None for date in sorted_row(row)] for row in rows]
        built, accepted, closed = ([*column] for column in zip(*known, strict=True))
        status = [
            "closed" if c else "accepted" if a else "built" if b else "planned"
            for b, a, c in zip(built, accepted, closed, strict=True)
        ]
        return stations(status=status, built_on=built, accepted_on=accepted, closed=closed)

    then, later = table(day), table(dt.date(2026, 1, 1))
    assert list(standing_stations(then, day).index) == list(standing_stations(later, day).index)
    accepted = [list(status_at(each, day)[lambda status: status == "accepted"].index) for each in (then, later)]
    assert accepted[0] == accepted[1]


def sorted_row(row: tuple[dt.date, dt.date | None, dt.date | None]) -> list[dt.date | None]:
    """Built, accepted and closed in an order that can happen; what did not happen stays None."""
    known = iter(sorted(date for date in row if date is not None))
    return [None if date is None else next(known) for date in row]


@settings(deadline=None, max_examples=16)
@given(
    st.lists(
        st.tuples(st.sampled_from(["built", "accepted", "closed", "applied", None]), *[OPTIONAL] * 4), min_size=1, max_size=5
    ),
    st.booleans(),
    st.lists(DAYS, min_size=1, max_size=4),
)
def test_what_counts_is_what_stands_on_each_day(rows: list[tuple[object, ...]], accepted_only: bool, days: list[dt.date]):
    """Of all stations together and, each in a town of its own, of every one by itself."""
    names, towns = ("status", "built_on", "accepted_on", "opened", "closed"), [f"T{i}" for i in range(len(rows))]
    given_stations = stations(town=towns, **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    counts = ["accepted"] if accepted_only else ["built", "accepted"]
    standing = functools.cache(lambda day: status_at(given_stations, day).isin(counts).to_numpy())
    asked = policy(*(target(scope, accepted_only=accepted_only, scope=scope) for scope in (Scope.DISTRICT, Scope.TOWN)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        for day in dict.fromkeys(days):
            table = track_targets(asked, given_stations, towns, day)
            told = [table.loc[(Scope.DISTRICT, "district")], *(table.loc[(Scope.TOWN, town)] for town in towns)]
            for row, mine in zip(told, [slice(None), *range(len(rows))], strict=True):
                assert row["counted"] == standing(day)[mine].sum()
                since = row["met_on"]
                if not pd.isna(since):
                    assert standing(since.date())[mine].any()
                    assert not standing(since.date() - dt.timedelta(days=1))[mine].any()


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lattice town: S1 built 2024-01-15, S2 accepted 2025-03-01, both in the west; S3 planned in the east."""
    folder = write_lattice_study(tmp_path_factory.mktemp("track"))
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text('policy = "jiading-2023"\n' + text, encoding="utf-8")
    return str(folder)


def test_the_command_prints_what_the_library_gives(study: str):
    result = call("track", study, "--as-of", "2024-06-30", "--of", "targets", "--format", "csv")
    assert result.exit_code == 0, result.stderr
    printed = pd.read_csv(io.StringIO(result.stdout)).set_index(["target", "place"])
    with pytest.warns(PlannerWarning, match="not told before 2025-03-01"):  # S3, planned on no date
        given_targets = planner.track_study(planner.read_study(study), dt.date(2024, 6, 30)).targets
    assert printed["counted"].to_dict() == given_targets["counted"].to_dict()
    assert printed.loc[("each-town", "West"), ["met_on", "days_late"]].tolist() == ["2024-01-15", 15]
    assert printed.loc[("each-town", "East"), "days_late"] == 182
    assert printed.loc[("district-total", "district"), ["counted", "shortfall"]].tolist() == [1, 23]
    assert "changes and coverage from 2023-06-30 to 2024-06-30" in result.stderr


def test_coverage_of_both_days_is_arithmetic(study: str):
    found = json.loads(call("track", study, "--as-of", "2025-06-30", "--since", "2024-06-30", "--format", "json").stdout)
    both = {(i, j) for i in range(SIDE) for j in range(SIDE) if abs(i - 5) + min(abs(j - 5), abs(j - 8)) <= 3}
    district = found["coverage"][0]
    assert (district["place"], district["population"]) == ("district", PEOPLE_A_CORNER * SIDE**2)
    assert (district["covered_before"], district["covered_after"]) == (25 * PEOPLE_A_CORNER, len(both) * PEOPLE_A_CORNER)
    assert [row["station_id"] for row in found["changes"]] == ["S2"]
    assert found["changes"][0]["before"] is None


def test_the_command_shows_areas_and_says_where_a_study_has_none(study: str):
    none = call("track", study, "--of", "areas")
    assert none.exit_code == 1
    assert "no [rollout.areas] are named" in none.stderr
    found = call("track", study, "--of", "areas", "--set", 'rollout.areas={ "左片" = ["West"] }', "--format", "json")
    assert found.exit_code == 0, found.stderr
    tables = json.loads(found.stdout)
    assert [row["area"] for row in tables["area_targets"]] == ["左片"] * 3
    assert tables["area_coverage"][0]["stations_after"] == 2
    wrong = call("track", study, "--set", 'rollout.areas={ "左片" = ["Wset"] }')
    assert wrong.exit_code == 1
    assert "did you mean 'West'" in wrong.stderr


def test_each_target_is_said_once_when_it_is_read_by_people(study: str):
    shown = call("track", study, "--of", "targets").stdout
    assert shown.count("截至2023年底，每个街镇至少建设或试点建设1个功能较为完备的就业服务站点") == 1
    assert shown.count(" each-town ") == 3  # once with its phrase, once for either town


def test_a_day_before_the_study_is_compared_with_the_year_before_it(study: str):
    with pytest.warns(PlannerWarning, match="not told before 2025-03-01"):
        tracked = planner.track_study(planner.read_study(study), dt.date(2024, 6, 30))
    assert (tracked.before, tracked.after) == (dt.date(2023, 6, 30), dt.date(2024, 6, 30))


def test_a_study_without_policy_is_told_so_and_still_compared(study: str):
    result = call("track", study, "--set", 'policy="generic"', "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["targets"] == []
    assert "generic sets no target for this area; write [[targets]]" in result.stderr
    assert not call("track", study, "--set", 'policy="generic"', "--of", "targets").stdout  # no empty frame
    assert call("track", study, "--as-of", "soon").exit_code == 2


@pytest.mark.parametrize("more", [[], ["--period", "year"], ["--period", "month"]])
def test_the_first_year_of_the_calendar_has_nothing_before_it_to_compare_with(study: str, more: list[str]):
    result = call("track", study, "--as-of", "0001-01-01", *more)
    assert result.exit_code == 1
    assert "no day before it can be compared with" in result.stderr


def test_indicators_are_measured_where_no_plan_exists(study: str):
    result = call("score", study, "--of", "indicators", "--set", "siting.sites=500", "--format", "json")
    assert result.exit_code == 0, result.stderr
    names = {row["indicator"] for row in json.loads(result.stdout)}
    assert "coverage" in names
    assert "walking_saved" not in names
    assert "500 sites are asked for" in result.stderr


def test_standards_tiers_and_functions_are_shown_by_score(study: str):
    rows = json.loads(call("score", study, "--of", "standards", "--format", "json").stdout)
    assert [row["station_id"] for row in rows] == ["S1", "S2"]
    assert rows[0]["unknown"].endswith("staff, training")
    assert json.loads(call("score", study, "--of", "tiers", "--format", "json").stdout)[1]["finding"] == "12 too few"
    assert len(json.loads(call("score", study, "--of", "functions", "--format", "json").stdout)) == 8


def test_access_by_town_is_shown_where_stations_say_what_they_carry(study: str, tmp_path: Path):
    refused = call("score", study, "--of", "access")
    assert refused.exit_code == 1
    assert "row S1, capacity: the station's capacity is missing" in refused.stderr
    folder = write_lattice_study(tmp_path / "carrying")
    header, *rows = (folder / "stations.csv").read_text(encoding="utf-8").splitlines()
    text = "\n".join([header + ",capacity", *(f"{row},{carry}" for row, carry in zip(rows, (300, 200, 100), strict=True))])
    (folder / "stations.csv").write_text(text, encoding="utf-8")
    table = pd.read_csv(io.StringIO(call("score", str(folder), "--of", "access", "--format", "csv").stdout)).set_index("place")
    handed_out = table["supply_per_10000"] * table["population"] / 10_000
    assert handed_out["district"] == pytest.approx(500.0)  # S3 is only planned
    assert handed_out["West"] + handed_out["East"] == pytest.approx(500.0)
    assert table["stations"].to_dict() == {"district": 2, "West": 2, "East": 0}


def test_a_run_writes_the_standards_of_its_policy(study: str, tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        planner.run_study(planner.read_study(study)).write(tmp_path / "out", parts=["tables"])
    table = pd.read_csv(tmp_path / "out" / "standards.csv", encoding="utf-8-sig")
    assert table["station_id"].tolist() == ["S1", "S2"]
    assert (
        json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["standards"]["tiers"]["town"]["asked"] == 12
    )
