"""Facilities of daily life and areas of priority as the pages carry them."""

from __future__ import annotations

import atlas_town
import geopandas as gpd
import numpy as np
import pytest
import shapely
from builders import CRS
from test_atlas import data_of, unpack

from planner import style
from planner.circle import Service
from planner.errors import CrsError
from planner.publish.atlas import draw_atlas
from planner.publish.atlas.facilities import draw_facilities
from planner.publish.atlas.shapes import lat_lon
from planner.study import AreaKind, ServiceClass


def service(name: str, count: int, seed: int = 0) -> Service:
    xy = np.random.default_rng(seed).uniform(0, 5000, (count, 2))
    names = [f"{name} {i}" for i in range(count)]
    return Service(
        name, name, name, ServiceClass.BASIC, gpd.GeoDataFrame({"name": names}, geometry=shapely.points(xy), crs=CRS)
    )


def places(packed: dict, number: int = 0) -> np.ndarray:
    return np.array(unpack(packed["services"][number]["points"])[0][0])


def test_every_facility_keeps_its_place_and_its_name():
    shops = service("shop", 300)
    packed = draw_facilities([shops])
    own = dict(zip(packed["services"][0]["names"], places(packed).tolist(), strict=True))
    true = lat_lon(shapely.get_coordinates(shops.places.geometry.to_numpy()), CRS)
    assert set(own) == set(shops.places["name"])
    for name, place in zip(shops.places["name"], true, strict=True):
        assert own[name] == pytest.approx(place, abs=6e-6)


def test_the_order_of_rows_never_shows():
    shops = service("shop", 50)
    turned = Service("shop", "shop", "shop", ServiceClass.BASIC, shops.places.iloc[::-1])
    assert draw_facilities([shops]) == draw_facilities([turned])


def test_too_many_are_thinned_and_the_page_says_so():
    packed = draw_facilities([service("shop", 250), service("bank", 50, 1)], most_places=100)
    assert packed["every"] == 3
    assert [len(places(packed, i)) for i in (0, 1)] == [84, 17]
    assert [one["count"] for one in packed["services"]] == [250, 50]  # how many there are, not how many are drawn


def test_the_service_with_most_names_gives_them_up_first():
    few, many = service("few", 5), service("many", 500)
    packed = draw_facilities([few, many], most_name_bytes=1000)
    assert [len(one["names"]) for one in packed["services"]] == [5, 0]
    assert packed["unnamed"] == [{"zh": "many", "en": "many"}]
    assert draw_facilities([few, many])["unnamed"] == []


def test_a_service_without_a_place_is_named_as_not_in_the_data():
    packed = draw_facilities([service("shop", 3), service("repair", 0)])
    assert [one["label"]["en"] for one in packed["services"]] == ["shop"]
    assert packed["unmapped"] == [{"zh": "repair", "en": "repair"}]
    assert draw_facilities([service("repair", 0)]) is None


def test_both_pages_have_the_facilities_and_only_the_planning_map_the_areas():
    atlas = draw_atlas(**atlas_town.arguments())
    public, internal = (data_of(atlas.pages[name]) for name in ("index.html", "internal.html"))
    assert public["facilities"] == internal["facilities"]
    assert [one["quality"] for one in public["facilities"]["services"]] == [False, True]
    assert "areas" not in public
    (area,) = internal["areas"]
    assert (area["label"], area["factor"], area["kind"]["zh"]) == ("老城", "1.5", "人流密集区")
    corners = {(round(lat, 4), round(lon, 4)) for lat, lon in unpack(area["shape"])[0][0]}
    assert corners == {tuple(np.round(atlas_town.degrees(xy), 4)) for xy in [(-10, 390), (310, 390), (310, 610), (-10, 610)]}


def test_the_table_says_how_an_area_is_served():
    table = data_of(draw_atlas(**atlas_town.arguments()).pages["internal.html"])["tables"]["areas"]
    row = dict(zip([column["key"] for column in table["columns"]], table["rows"][0], strict=True))
    # corners (0..3, 4..6) with ten residents each, twelve in all; s0 at (2, 5) reaches every one of them in five minutes
    assert row["population"] == 120
    assert row["coverage"] == 1
    assert row["kind"] == {"zh": "人流密集区", "en": "busy place"}


def test_a_study_without_circle_and_areas_has_no_such_layers():
    given = atlas_town.arguments() | {"services": (), "areas": None, "area_scores": None}
    atlas = draw_atlas(**given)
    public, internal = (data_of(atlas.pages[name]) for name in ("index.html", "internal.html"))
    assert public["facilities"] is internal["facilities"] is internal["tables"]["areas"] is None
    assert internal["areas"] == []


def test_facilities_in_another_crs_are_refused():
    far = Service(
        "shop", "shop", "购物", ServiceClass.BASIC, service("shop", 2).places.set_crs("EPSG:32650", allow_override=True)
    )
    with pytest.raises(CrsError, match="places of shop"):
        draw_atlas(**atlas_town.arguments() | {"services": (far,)})


def test_every_kind_of_area_has_a_line_of_its_own_and_a_name():
    assert set(style.AREA_LINES) == set(style.AREA_KINDS) == set(AreaKind)
    assert len({dashes for _, dashes in style.AREA_LINES.values()}) == len(AreaKind)


def test_where_nobody_is_covered_nothing_is_called_withheld():
    given = atlas_town.arguments()
    groups = given["group_scores"]
    given["group_scores"] = groups.assign(covered=0.0, coverage=0.0, median_walk_min=np.nan, p90_walk_min=np.nan)
    table = data_of(draw_atlas(**given).pages["internal.html"])["tables"]["groups"]
    assert table["open"] == [0, 1]  # a walk that nobody has is missing, not withheld
    given["group_scores"] = groups.assign(covered=[450.0, 3.0])
    assert data_of(draw_atlas(**given).pages["internal.html"])["tables"]["groups"]["open"] == [0]
