"""Which stations stand at a date."""

from __future__ import annotations

import datetime as dt

import builders

from planner.progress import standing_stations
from planner.schema import Stations

DAY = dt.date(2025, 6, 30)
BEFORE, AFTER = "2025-01-01", "2026-01-01"


def stations(**columns: list[object]) -> Stations:
    count = len(next(iter(columns.values())))
    return builders.stations_at(*((100.0 * i, 0.0) for i in range(count)), **columns)


def standing(as_of: dt.date = DAY, **columns: list[object]) -> list[str]:
    return list(standing_stations(stations(**columns), as_of).index)


def test_built_and_accepted_stations_count_and_the_others_do_not():
    status: list[object] = ["planned", "applied", "built", "accepted", "closed"]
    assert standing(status=status) == ["s2", "s3"]


def test_a_station_counts_from_the_day_it_opened_on():
    opened: list[object] = ["2025-06-29", "2025-06-30", "2025-07-01"]
    assert standing(status=["built"] * 3, opened=opened) == ["s0", "s1"]


def test_a_station_counts_until_the_day_before_it_closed():
    closed: list[object] = ["2025-06-30", "2025-07-01", None]
    assert standing(status=["built"] * 3, closed=closed) == ["s1", "s2"]


def test_a_closed_station_stood_while_it_was_open():
    assert standing(status=["closed"] * 2, opened=[BEFORE, BEFORE], closed=["2025-06-01", AFTER]) == ["s1"]


def test_a_closed_station_without_dates_does_not_count():
    assert standing(status=["closed"] * 3, opened=[None, BEFORE, None], closed=[None, None, AFTER]) == []


def test_a_planned_station_does_not_count_even_after_the_day_it_should_have_opened():
    assert standing(status=["planned", "applied"], opened=[BEFORE, BEFORE]) == []


def test_a_table_without_status_and_dates_is_what_there_is():
    assert list(standing_stations(builders.stations_at((0, 0), (100, 0)), DAY).index) == ["s0", "s1"]


def test_a_row_without_status_is_taken_as_built():
    assert standing(status=[None, "planned"]) == ["s0"]


def test_the_table_given_is_left_alone_and_keeps_its_columns():
    given = stations(status=["built", "planned"], opened=[BEFORE, None])
    kept = standing_stations(given, DAY)
    assert len(given) == 2
    assert list(kept.columns) == list(given.columns)
    assert kept.crs == given.crs


def test_the_day_it_was_built_or_accepted_counts_like_the_day_it_opened():
    assert standing(status=["built"] * 2, built_on=["2025-06-30", "2025-07-01"]) == ["s0"]
    assert standing(status=["accepted"] * 2, accepted_on=["2025-06-30", "2025-07-01"]) == ["s0"]
    assert standing(status=["accepted"], built_on=["2025-06-01"], accepted_on=["2025-07-01"]) == ["s0"]


def test_a_row_without_status_has_that_of_its_dates():
    dates: dict[str, list[object]] = {
        "planned_on": [BEFORE, BEFORE, None],
        "built_on": [None, BEFORE, None],
        "closed": [None, AFTER, None],
    }
    assert standing(status=[None] * 3, **dates) == ["s1", "s2"]
