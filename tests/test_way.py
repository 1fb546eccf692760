"""The way on the lattice town: blocks of 100 m at 1 m/s, so every leg is arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from builders import CRS, STROLL, lattice, stations_at
from shapely import Point

from planner.network import Network
from planner.way import explain_place


def test_the_legs_of_a_way_add_up_and_say_where_they_go() -> None:
    legs, reason = explain_place(lattice(), stations_at((300, 420), names=["Hall"]), Point(90, 100), STROLL, nearest=1)
    way = legs.loc["s0"]
    assert way["metres"].sum() == pytest.approx(210 + 320)
    assert way["minutes_so_far"].iloc[-1] == pytest.approx(530 / 60)
    assert set(way["heading"]) <= {"north", "east"}
    assert (way["what"].iloc[0], way["what"].iloc[-1]) == ("along the street", "along the street")  # both stand on a street
    assert reason.startswith("Not covered: the nearest station, Hall (s0), is 8.8 min away")


def test_a_place_within_the_cutoff_is_covered_and_the_station_count_is_said() -> None:
    legs, reason = explain_place(lattice(), stations_at((300, 100), (900, 900)), Point(100, 140), STROLL, nearest=2)
    assert list(legs.index.get_level_values("station_id").unique()) == ["s0", "s1"]
    assert reason == (
        "Covered: the nearest station, Station 0 (s0), is 4.0 min away at 3.6 km/h, within 5 min; "
        "the street is 0 m from the door; 1 of the 2 shown is within reach."
    )


def test_links_at_both_ends_are_legs_of_their_own() -> None:
    legs, _ = explain_place(lattice(), stations_at((350, 130)), Point(130, 80), STROLL, nearest=1)
    way = legs.loc["s0"]
    assert way["what"].tolist() == ["from the door to the street", "along the street", "from the street to the door"]
    assert way["metres"].tolist() == pytest.approx([20, 220, 30])


def test_a_place_off_the_streets_is_told_so() -> None:
    legs, reason = explain_place(lattice(), stations_at((300, 100)), Point(-500, -500), STROLL)
    assert legs.empty
    assert "no street that may be walked is within 60 m" in reason


def test_stations_on_another_island_are_said_to_be_cut_off() -> None:
    west, east = lattice(3), lattice(3)
    xy = [*west.node_xy.tolist(), *(east.node_xy + np.array([5000, 0])).tolist()]
    streets = Network.from_segments(xy, [*west.ends.tolist(), *(east.ends + len(west.node_xy)).tolist()], crs=CRS)
    legs, reason = explain_place(streets, stations_at((100, 100), (5100, 100)), Point(0, 0), STROLL, nearest=2)
    assert list(legs.index.get_level_values("station_id").unique()) == ["s0"]
    assert reason.endswith("1 more cannot be reached on foot from here within 4 hours.")
    _, reason = explain_place(streets, stations_at((5100, 100)), Point(0, 0), STROLL, nearest=2)
    assert "no station can be reached on foot from here" in reason


def test_no_station_at_all_is_told_so() -> None:
    _, reason = explain_place(lattice(), stations_at(), Point(100, 100), STROLL)
    assert "no station can be reached" in reason
