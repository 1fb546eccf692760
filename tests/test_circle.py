"""The living circle on a small town: every share is counted by hand, and nothing gives a small group away."""

from __future__ import annotations

import builders
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.circle import (
    LifeCircleReach,
    Service,
    circle_cells,
    facilities_of,
    places_among,
    reach_services,
    score_circle,
    score_services,
)
from planner.coverage import measure_coverage
from planner.policy import Policy
from planner.reach import travel_times
from planner.schema import TOWNS, Coverage, Towns
from planner.study import Group, ServiceClass

PACK = Policy("p", "p", "p", "us", fused_kinds=("就业角",), professional_kinds=("驿站",), host_kinds=("银行网点",))


def service(name: str, *places: tuple[float, float], kind: ServiceClass = ServiceClass.BASIC) -> Service:
    points = gpd.GeoDataFrame({"name": [""] * len(places)}, geometry=[shapely.Point(p) for p in places], crs=builders.CRS)
    return Service(name, name, name, kind, points)


SHOP, POST = service("shop", (0, 0)), service("post", (1000, 1000))
PARK, NOWHERE = service("park", (0, 0), (1000, 1000), kind=ServiceClass.QUALITY), service("repair")


def town() -> tuple[Coverage, Towns]:
    """Ten people at each of three corners: (0, 0), (500, 500), (1000, 1000); a station at the first; one old person each."""
    demand = builders.demand_at([(0, 0), (500, 500), (1000, 1000)], 10.0, town=["W", "W", "E"], pop_old=[4.0, 4.0, 4.0])
    reach = travel_times(builders.lattice(), builders.stations_at((0, 0)), demand, builders.STROLL)
    shapes = [shapely.box(-50, -50, 700, 700), shapely.box(700, 700, 1050, 1050)]
    towns = TOWNS.conform(gpd.GeoDataFrame({"town": ["W", "E"]}, geometry=shapes, crs=builders.CRS))
    return measure_coverage(reach, demand), towns


def circle(*services: Service) -> LifeCircleReach:
    return reach_services(builders.lattice(), services, town()[0], builders.STROLL)


def test_shares_are_counted_over_services_that_have_a_place():
    found = circle(SHOP, POST, PARK, NOWHERE)
    assert found.reached.tolist() == [[True, False, True, False], [False] * 4, [False, True, True, False]]
    assert found.share().tolist() == pytest.approx([2 / 3, 0, 2 / 3])
    assert found.share(ServiceClass.BASIC).tolist() == [0.5, 0, 0.5]
    assert found.share(ServiceClass.QUALITY).tolist() == [1, 0, 1]
    assert not found.all_basic.any()


def test_both_circles_count_who_reaches_a_station_and_every_basic_service():
    coverage, towns = town()
    scores = score_circle(circle(SHOP, PARK), coverage, towns)
    whole = scores.loc[("district", "district")]
    assert (whole["population"], whole["all_basic_pop"], whole["both_pop"]) == (30, 10, 10)
    assert whole["completeness"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert scores.loc[("town", "E"), "both_pop"] == 0
    assert scores.loc[("town", "W"), "basic"] == pytest.approx(0.5)


def test_places_are_counted_where_they_stand_and_residents_where_they_live():
    coverage, towns = town()
    services = score_services(circle(SHOP, PARK), coverage, towns)
    assert services.loc[("park", "district"), "places"] == 2
    assert services.loc[("park", "E"), "places"] == services.loc[("park", "W"), "places"] == 1
    assert services.loc[("shop", "W"), "covered_pop"] == 10
    assert services.loc[("shop", "district"), "coverage"] == pytest.approx(1 / 3)


def test_a_service_without_a_place_is_not_in_the_data_and_never_nought():
    coverage, towns = town()
    table = score_services(circle(SHOP, NOWHERE), coverage, towns)
    assert not table.loc["repair", "in_data"].any()
    assert table.loc["repair", ["places", "covered_pop", "coverage"]].isna().all(axis=None)
    assert table.loc["shop", "in_data"].all()
    assert table.loc[("shop", "E"), ["places", "covered_pop", "coverage"]].tolist() == [
        0,
        0,
        0,
    ]  # known elsewhere: a true nought


def test_nobody_is_said_to_lack_both_circles_where_the_data_know_no_basic_service():
    coverage, towns = town()
    row = score_circle(circle(NOWHERE, PARK), coverage, towns).loc[("district", "district")]
    assert row[["basic", "all_basic_pop", "both_pop", "both"]].isna().all()
    assert row["quality"] == pytest.approx(2 / 3)


def test_cells_say_what_they_reach_and_lack():
    cells = circle_cells(circle(SHOP, POST, PARK, NOWHERE), town()[0])
    assert cells["services"].fillna("").tolist() == ["shop, park", "", "post, park"]
    assert cells["lacks"].tolist() == ["post", "shop, post, park", "shop"]
    assert cells["station"].tolist() == [True, False, False]


def test_a_group_is_given_in_coarse_steps_and_not_at_all_where_a_count_is_small():
    coverage, towns = town()
    group, found = (Group("old"),), circle(SHOP, PARK)
    assert score_circle(found, coverage, towns, group).loc[("group", "old"), "completeness"] == pytest.approx(0.5)
    assert np.isnan(score_circle(found, coverage, towns, group, minimum=5.0).loc[("group", "old"), "completeness"])
    many = Coverage(coverage.assign(pop_old=[110.0, 10.0, 10.0]))
    share = score_circle(found, many, towns, group, minimum=10.0).loc[("group", "old"), "completeness"]
    exact = (110 + 0.5 * 10) / 130
    assert share <= exact < share + 10 / 130 + 1e-9
    assert np.isnan(score_circle(found, many, towns, group).loc[("group", "old"), "population"])


def test_stations_are_told_apart_and_hosts_stand_among_services():
    stations = builders.stations_at((0, 0), (0, 60), (500, 500), kind=["就业角", "驿站", None], host=[None, None, "银行网点"])
    hosts = builders.stations_at((1000, 900))
    table = places_among([SHOP, PARK, NOWHERE], {"station": stations, "candidate": hosts}, PACK, 60.0)
    assert table.loc["station", "form"].tolist() == ["fused", "professional", "fused"]
    assert table.loc[("station", "s0"), "beside"] == table.loc[("station", "s1"), "beside"] == "shop, park"
    assert table.loc[("station", "s0"), "completeness"] == 1
    assert table.loc[("candidate", "s0"), "services_beside"] == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=6))
def test_another_place_never_takes_a_service_away(corners: list[tuple[int, int]]):
    points = [(100.0 * i, 100.0 * j) for i, j in corners]
    fewer = circle(service("shop", *points[:-1]))
    more = circle(service("shop", *points))
    assert (fewer.reached <= more.reached).all()


def test_every_place_of_every_service_is_a_row_with_its_name_and_town():
    named = service("shop", (0, 0), (9000, 0))
    named.places["name"] = ["Corner <b>shop</b>", None]
    rows = facilities_of([named, NOWHERE, PARK], town()[1])
    assert rows.index.tolist() == [1, 2, 3, 4]
    assert rows["service"].tolist() == ["shop", "shop", "park", "park"]
    assert rows["service_class"].tolist() == ["basic", "basic", "quality", "quality"]
    assert rows["name"].fillna("").tolist() == ["Corner <b>shop</b>", "", "", ""]
    assert rows["town"].fillna("").tolist() == ["W", "", "W", "E"]
    assert [(point.x, point.y) for point in rows.geometry] == [(0, 0), (9000, 0), (0, 0), (1000, 1000)]


def test_services_without_any_place_leave_no_row_and_the_crs_stands():
    rows = facilities_of([NOWHERE], town()[1])
    assert (len(rows), rows.crs) == (0, builders.CRS)
