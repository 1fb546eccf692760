"""Colours, classes, numbers and titles that maps, report and workbook share."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from planner import style
from planner.study import TownWalk, Walk


def test_a_title_says_the_share_the_minutes_and_how_many_stations():
    assert style.finding(450 / 1210, 2, 5) == {
        "zh": "37%的居民步行5分钟内可到达就业服务站点",
        "en": "37% of residents live within 5 minutes' walk of one of 2 stations",
    }


def test_a_title_without_residents_or_stations_claims_no_share():
    for said in (style.finding(None, 3, 15), style.finding(0.0, 0, 15)):
        assert "%" not in said["zh"]
        assert "%" not in said["en"]


def test_one_station_is_not_one_of_one():
    assert style.finding(0.5, 1, 15)["en"].endswith("walk of the one station")


@pytest.mark.parametrize(
    ("share", "shown"), [(0.99999, "99.9%"), (0.995, "99.5%"), (0.00001, "0.1%"), (1.0, "100%"), (0, "0%")]
)
def test_a_share_never_says_all_or_none_unless_it_is(share, shown):
    assert style.shown_share(share) == shown


def test_the_pace_states_metres_and_kilometres_as_arithmetic_says():
    assert "1.2 km" in style.pace_said(Walk(minutes=15))["en"]  # 4.8 km/h for a quarter of an hour
    assert "400米" in style.pace_said(Walk(minutes=5))["zh"]


def test_a_pace_of_ones_own_does_not_borrow_the_name_of_a_profile():
    own = style.pace_said(Walk(minutes=10, speed_mps=1.0))
    assert "adult" not in own["en"]
    assert "3.6 km/h" in own["en"]
    assert "成人" not in own["zh"]


def test_a_town_of_older_people_states_its_own_pace():
    walk = Walk(towns={"东镇": TownWalk(profile="elder", minutes=10)})
    assert "older person" in style.pace_said(walk.for_town("东镇"))["en"]


def test_dates_are_written_as_each_language_writes_them():
    assert style.shown_date(dt.date(2024, 12, 1)) == {"zh": "2024年12月1日", "en": "1 December 2024"}


def test_classes_have_round_breaks_and_about_as_many_values_each():
    classes = style.classify(np.arange(1, 1001), style.NEED_COLOURS)
    assert classes.breaks == (200.0, 400.0, 600.0, 800.0)
    assert np.bincount(classes.place(np.arange(1, 1001))).tolist() == [199, 200, 200, 200, 201]


def test_nothing_and_one_value_make_one_class():
    for values in ([], [0.0], [5.0, 5.0], [np.nan]):
        classes = style.classify(values, style.GAP_COLOURS)
        assert classes.breaks == ()
        assert len(classes.legend()) == 1


def test_a_legend_has_a_line_a_class_and_each_line_a_colour():
    lines = style.SHARES.legend(percent=True)
    assert [line.label["en"] for line in lines] == ["under 20%", "20%–40%", "40%–60%", "60%–80%", "80% or more"]
    assert [line.label["zh"] for line in lines][::4] == ["20%以下", "80%及以上"]
    assert len({line.colour for line in lines}) == 5


def test_bands_grow_paler_with_distance():
    colours = style.band_colours(4)
    brightness = [sum(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in colours]
    assert brightness == sorted(brightness)
    assert len(set(colours)) == 4


def test_kinds_past_the_sixth_share_a_grey():
    colours = style.kind_colours([str(i) for i in range(8)])
    assert len(set(colours.values())) == 7
    assert colours["6"] == colours["7"] == style.OTHER_KIND


def test_where_some_ride_and_some_walk_both_are_said_once():
    mixed = Walk(towns={"东镇": TownWalk(profile="bicycle")})
    assert style.moved("Walking times; the median walk.", "en", mixed) == "Walking or riding times; the median walk or ride."
    assert style.moved("步行15分钟", "zh", mixed) == "步行或骑行15分钟"
    assert style.moved("步行15分钟", "zh", Walk(towns={"东镇": TownWalk(profile="elder")})) == "步行15分钟"


def test_keys_and_other_words_with_walk_in_them_stay():
    bicycle = Walk(profile="bicycle")
    for text in ("walk.max_link_m = 300", "median_walk_min", "walk_s", "a sidewalk"):
        assert style.moved(text, "en", bicycle) == text


def test_without_a_station_nobody_is_said_to_be_served():
    assert style.finding(0.0, 0, 15)["en"].startswith("No station stands yet")
    assert style.finding(None, 0, 15)["zh"].startswith("尚无")
    assert style.finding(None, 3, 15)["en"] == "3 stations, with what is within 15 minutes' walk"


def test_a_title_says_the_range_of_minutes_where_towns_have_their_own():
    mixed = Walk(towns={"东镇": TownWalk(minutes=20), "西镇": TownWalk(profile="elder")})
    assert style.finding(0.38, 24, *mixed.cutoffs_min) == {
        "zh": "38%的居民步行15–20分钟（依所在街镇）内可到达就业服务站点",
        "en": "38% of residents live within 15–20 minutes' walk (by town) of one of 24 stations",
    }
    assert style.finding(0.38, 24, *Walk(towns={"西镇": TownWalk(profile="elder")}).cutoffs_min) == style.finding(0.38, 24, 15)
    assert style.finding(0.0, 0, *mixed.cutoffs_min)["en"].endswith("within 15–20 minutes' walk (by town) of anybody")
