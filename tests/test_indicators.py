"""Every indicator is arithmetic on a small town, stands in the README once, and adds up over towns."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import builders
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import shapely
from lattice_study import write_lattice_study

import planner
from planner.coverage import measure_coverage
from planner.indicators import (
    DEFINITIONS,
    Evidence,
    definitions_table,
    group_indicators,
    measure_cells,
    measure_indicators,
    score_communities,
    thin_homes,
    together,
)
from planner.reach import Reach, travel_times
from planner.run import draw_isochrones, score_part
from planner.schema import TOWNS, GroupScores, Indicators, Towns
from planner.score import score_groups, score_stations
from planner.study import Group, TownWalk

DAY = dt.date(2025, 6, 30)
GROUPS = (Group("old", label="老年人"),)


def towns() -> Towns:
    """West of x = 500 and east of it, on a lattice of 11 × 11 corners."""
    shapes = [shapely.box(-50, -50, 450, 1050), shapely.box(450, -50, 1050, 1050)]
    return TOWNS.conform(gpd.GeoDataFrame({"town": ["West", "East"]}, geometry=shapes, crs=builders.CRS))


def evidence(**changes: object) -> Evidence:
    """One station at (200, 200) with 40 places, one at (200, 300) with 20; ten people and an old one at every corner."""
    network, corners = builders.lattice(), builders.corners()
    stations = builders.stations_at((200, 200), (200, 300), town=["West", "West"], capacity=[40.0, 20.0])
    demand = builders.demand_at(
        corners, 10.0, town=["West" if x < 450 else "East" for x, _ in corners], pop_old=[1.0] * len(corners)
    )
    reach = travel_times(network, stations, demand, builders.STROLL)
    coverage = measure_coverage(reach, demand)
    scores = score_stations(reach, demand, stations)
    told = Evidence(coverage, reach, stations, towns(), builders.STROLL, DAY, scores)
    return dataclasses.replace(told, **changes)  # type: ignore[arg-type]


def value(table: Indicators, indicator: str, by: str = "district", place: str = "district") -> pd.Series:
    return table.loc[(indicator, by, place)]


@pytest.fixture(scope="module")
def measured() -> Indicators:
    return measure_indicators(evidence())


def test_the_readme_says_every_definition_as_the_code_has_it():
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    assert definitions_table() in readme
    assert len({definition.name for definition in DEFINITIONS}) == len(DEFINITIONS)


def test_coverage_counts_the_two_diamonds(measured: Indicators):
    """Diamonds of radius 3 around (2, 2) and (2, 3), cut by the border x = 0 and y = 0, share all but their far rims."""
    first = {(i, j) for i in range(11) for j in range(11) if abs(i - 2) + abs(j - 2) <= 3}
    second = {(i, j) for i in range(11) for j in range(11) if abs(i - 2) + abs(j - 3) <= 3}
    either, both = first | second, first & second
    row = value(measured, "coverage")
    assert (row["numerator"], row["denominator"]) == (10 * len(either), 1210)
    assert value(measured, "backup")["numerator"] == 10 * len(both)
    assert value(measured, "overlap")["value"] == pytest.approx((len(first) + len(second)) / len(either))
    assert value(measured, "unreachable")["value"] == pytest.approx(1 - row["value"])
    walks = [min(abs(i - 2) + abs(j - 2), abs(i - 2) + abs(j - 3)) for i, j in either]
    assert value(measured, "mean_walk")["value"] == pytest.approx(sum(walks) / len(walks) * 100 / 60)
    straight = [
        min((abs(i - 2) + abs(j - y), (y, ((i - 2) ** 2 + (j - y) ** 2) ** 0.5)) for y in (2, 3))[1][1] for i, j in either
    ]
    assert value(measured, "detour")["value"] == pytest.approx(sum(walks) / sum(straight))


def test_density_load_and_supply_are_ratios_of_what_stands_there(measured: Indicators):
    assert value(measured, "stations_per_10000", "town", "West")["value"] == pytest.approx(2 * 10_000 / 550)
    assert value(measured, "stations_per_10000", "town", "East")["value"] == 0
    covered = value(measured, "coverage")["numerator"]
    assert value(measured, "load_ratio")["value"] == pytest.approx(covered / 60)
    assert value(measured, "supply")["numerator"] == pytest.approx(60)  # exactly the capacity is handed out
    assert value(measured, "supply_e2sfca")["numerator"] == pytest.approx(60)
    assert value(measured, "worst_town")["detail"] == "East"


@pytest.mark.parametrize("indicator", ["coverage", "unreachable", "backup", "stations_per_10000", "supply", "mean_walk"])
def test_towns_add_up_to_the_district(measured: Indicators, indicator: str):
    own = [value(measured, indicator, "town", town)["numerator"] for town in ("West", "East")]
    assert sum(own) == pytest.approx(value(measured, indicator)["numerator"])


def test_every_ratio_is_its_numerator_over_its_denominator(measured: Indicators):
    rows = measured[measured["numerator"].notna() & (measured["denominator"] > 0)]
    per = np.where(rows["unit"] == "per 10,000", 10_000, 1)
    assert np.allclose(rows["value"], rows["numerator"] / rows["denominator"] * per)
    assert (rows["as_of"] == pd.Timestamp(DAY)).all()
    assert (rows["cutoff_min"] == 5).all()


def test_a_town_with_its_own_pace_says_its_own_and_its_metres_are_walked_at_it():
    walk = dataclasses.replace(builders.STROLL, towns={"East": TownWalk(minutes=10.0, speed_mps=0.5)})
    table = measure_indicators(evidence(walk=walk))
    assert value(table, "coverage", "town", "East")["cutoff_min"] == 10
    assert value(table, "coverage", "town", "East")["pace_kmh"] == pytest.approx(1.8)
    assert value(table, "coverage", "town", "West")["cutoff_min"] == 5


def test_the_bell_curve_of_each_resident_is_0_at_their_own_cutoff():
    """Of 10 people each 60 s from the only station, those of a town that walks two minutes stand at half their cutoff."""
    stations = builders.stations_at((200, 200), town=["West"], capacity=[30.0])
    demand = builders.demand_at([(200, 260), (260, 200)], 10.0, town=["West", "East"])
    walk = dataclasses.replace(builders.STROLL, towns={"East": TownWalk(minutes=2.0)})
    reach = Reach(stations.index, demand.index, sp.csr_array(np.array([[60.0, 60.0]], dtype="float32")))
    told = Evidence(
        measure_coverage(reach, demand), reach, stations, towns(), walk, DAY, score_stations(reach, demand, stations)
    )
    weight = [(np.exp(-0.5 * share**2) - np.exp(-0.5)) / (1 - np.exp(-0.5)) for share in (60 / 300, 60 / 120)]
    expected = [w * 30 / (10 * sum(weight)) * 10_000 for w in weight]
    assert measure_cells(told)["supply_e2sfca"].tolist() == pytest.approx(expected, rel=1e-6)


def test_capacity_by_decay_is_shared_by_each_resident_s_own_cutoff(tmp_path: Path):
    """Both tables of E2SFCA say the same where a town walks longer, and a walk beyond the others' cutoff counts there."""
    folder = write_lattice_study(tmp_path / "study")
    listed = pd.read_csv(folder / "stations.csv").assign(capacity=100)
    listed.to_csv(folder / "stations.csv", index=False)
    survey = planner.survey_study(planner.read_study(folder, ["walk.towns.West={minutes=9}"]))
    access = score_part(survey, "access", decay="gaussian-to-zero")[0]["access"]
    told = score_part(survey, "indicators", by="town")[0]["indicators"]
    assert access.loc["West", "supply_per_10000"] == pytest.approx(value(told, "supply_e2sfca", "town", "West")["value"])
    whole = score_part(survey, "access")[0]["access"]
    for decay in ("gaussian-to-zero", "linear"):
        shared = score_part(survey, "access", decay=decay)[0]["access"]
        beyond = shared.loc["West", "without_pop"] - whole.loc["West", "without_pop"]
        assert beyond <= 10 * 4 * 6  # only those whose walk is their whole cutoff: corners on the rims of two diamonds


@pytest.mark.parametrize("own", ["{minutes=2}", "{minutes=7}"])
def test_the_ground_of_a_town_is_covered_by_the_walk_of_its_residents(tmp_path: Path, own: str):
    folder = write_lattice_study(tmp_path / "study")
    minutes = int(own[9:-1])
    found = []
    for said in ([f"walk.towns.West={own}"], [f"walk.minutes={minutes}"]):
        survey = planner.survey_study(planner.read_study(folder, said))
        towns = planner.score_survey(survey, draw_isochrones(survey))[1]
        found.append(towns.loc["West", "area_coverage"])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_area_homes_and_communities_are_counted_where_they_are_known():
    reached = shapely.box(0, 0, 450, 550)
    homes = gpd.GeoDataFrame(
        {"amount": [300.0, 100.0]}, geometry=[shapely.Point(100, 100), shapely.Point(900, 900)], crs=builders.CRS
    )
    told = evidence()
    squares = [shapely.box(-50, -50, 350, 350), shapely.box(350, -50, 1050, 350), shapely.box(2000, 0, 2100, 100)]
    areas = TOWNS.conform(gpd.GeoDataFrame({"town": ["a", "b", "nobody"]}, geometry=squares, crs=builders.CRS))
    communities = score_communities(told.coverage, areas, told.towns, 0.5)
    assert communities["population"].tolist() == [160.0, 280.0, 0.0]
    assert communities.loc["a", "covered"]
    assert not communities.loc["b", "covered"]
    assert pd.isna(communities.loc["nobody", "covered"])
    table = measure_indicators(dataclasses.replace(told, reached=reached, homes=homes, communities=communities))
    assert value(table, "area_coverage")["value"] == pytest.approx(450 * 550 / 1100**2)
    assert value(table, "residential_coverage")["value"] == pytest.approx(0.75)
    assert value(table, "community_coverage")["value"] == pytest.approx(0.5)
    assert value(table, "community_coverage", "town", "West")["numerator"] == 1


@pytest.mark.parametrize(
    ("kind", "amounts", "said"),
    [
        ("building", [6000.0, 600.0] * 6, ""),
        ("building", [30000.0, 3000.0], "the map knows 2 residential building(s), 27.3 m2 of floor area a resident"),
        ("building", [300.0, 30.0] * 6, "the map knows 12 residential building(s), 1.6 m2 of floor area a resident"),
        ("land", [30000.0, 3000.0], ""),
        ("land", [1500.0, 300.0], "the map knows 1.5 m2 of residential land a resident"),
        ("building", [12000.0, 60.0] * 6, "coverage of West rests on few homes: the map knows less than 5 m2 of floor area"),
    ],
)
def test_residential_coverage_of_few_homes_is_noted(kind: str, amounts: list[float], said: str):
    """Of 1210 residents 660 live in the West; every other home stands there."""
    told = evidence()
    places = [shapely.Point(900, 900), shapely.Point(100, 100)] * (len(amounts) // 2)
    homes = gpd.GeoDataFrame({"amount": amounts, "kind": kind}, geometry=places, crs=builders.CRS)
    table = measure_indicators(dataclasses.replace(told, reached=shapely.box(0, 0, 450, 550), homes=homes))
    found = thin_homes(table, homes)
    assert said in found
    assert bool(said) == bool(found)


def test_time_saved_is_that_of_those_who_walk_less():
    before = evidence()
    nearer = builders.stations_at((200, 200), (200, 300), (200, 500))
    after = travel_times(builders.lattice(), nearer, before.coverage, builders.STROLL)
    row = value(measure_indicators(dataclasses.replace(before, after=after)), "walking_saved")
    walks = {(i, j): min(abs(i - 2) + abs(j - y) for y in (2, 3)) for i in range(11) for j in range(11)}
    saved = [w - min(w, abs(i - 2) + abs(j - 5)) for (i, j), w in walks.items() if w <= 3]
    assert row["numerator"] == pytest.approx(10 * sum(saved) * 100 / 60)
    assert row["denominator"] == 10 * len(saved)


def test_key_groups_come_from_the_published_scores_and_hidden_ones_are_left_out():
    told = evidence()
    groups = score_groups(told.coverage, GROUPS)
    row = value(group_indicators(groups, told.walk, DAY), "coverage", "group", "old")
    assert row["value"] == pytest.approx(value(measure_indicators(told), "coverage")["value"])
    hidden = GroupScores(groups.assign(covered=groups["covered"].mask(groups.index == "old"), coverage=np.nan))
    assert not len(group_indicators(hidden, told.walk, DAY))
    whole = together(measure_indicators(told), group_indicators(groups, told.walk, DAY))
    assert list(whole.index.get_level_values("indicator").unique()) == [
        d.name for d in DEFINITIONS if d.name in set(whole.index.get_level_values("indicator"))
    ]


def test_the_least_covered_key_group_is_one_of_people_and_not_an_empty_one():
    told = evidence()
    old = score_groups(told.coverage, GROUPS).drop(index="residents").iloc[:1]
    posts = GroupScores(pd.concat([old, old.set_axis(["jobs"]), old.set_axis(["none"])]).rename_axis("group"))
    posts.loc["jobs", ["covered", "coverage"]] = [0.0, 0.0]
    posts.loc["none", ["total", "covered", "coverage"]] = [0.0, 0.0, np.nan]
    posts["of"] = ["people", "jobs", "people"]
    row = value(group_indicators(posts, told.walk, DAY), "worst_group")
    assert row["detail"] == old.index[0]
    assert row["value"] == pytest.approx(old["coverage"].iloc[0])
    assert value(group_indicators(posts, told.walk, DAY), "coverage", "group", "jobs")["value"] == 0


def test_cells_say_their_own_walk_detour_and_supply():
    cells = measure_cells(evidence())
    corner = builders.corners().index((300, 100))
    assert cells.loc[corner, "nearest_walk_s"] == pytest.approx(200)
    assert cells.loc[corner, "detour"] == pytest.approx(2 / 2**0.5)
    assert not [name for name in cells if str(name).startswith("pop_")]


def test_outlines_and_a_plan_are_made_only_for_indicators_that_need_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    survey = planner.survey_study(planner.read_study(write_lattice_study(tmp_path / "study")))
    whole = score_part(survey, "indicators")[0]["indicators"]
    assert {"walking_saved", "area_coverage"} <= set(whole.index.get_level_values("indicator"))
    for room in ("propose", "draw_isochrones"):
        monkeypatch.setattr(f"planner.run.parts.{room}", lambda *_, **__: pytest.fail("nothing that is asked for needs it"))
    for by in ("station", "group"):
        own = whole[whole.index.get_level_values("by") == by]
        pd.testing.assert_frame_equal(score_part(survey, "indicators", by=by)[0]["indicators"], own)
