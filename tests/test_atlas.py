"""The two pages as text: what they say, what they must not say, and that nothing of a file becomes code."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import html
import json
import re

import atlas_town
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from builders import CRS, lattice

from planner.errors import CrsError, SourceError, StudyError
from planner.network import Network
from planner.policy import Function, ItemClass, Policy, ServiceItem, Tier
from planner.publish.atlas import cells as cell_rules
from planner.publish.atlas import draw_atlas
from planner.publish.atlas.cells import draw_cells
from planner.publish.atlas.facts import _nature
from planner.publish.atlas.shapes import lat_lon, pack_polygons
from planner.publish.atlas.streets import draw_streets, strokes
from planner.schema import COVERAGE
from planner.study import Group, Publish, TownWalk


def data_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="atlas-data">(.*?)</script>', page, re.DOTALL)[1])


def unpack(text: str) -> list[list[list[tuple[float, float]]]]:
    """An independent reading of the packed strings: shapes of rings of (lat, lon)."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    lat = lon = 0
    shapes = []
    for shape in text.split("!"):
        rings = []
        for ring in shape.split("."):
            numbers, value, shift = [], 0, 0
            for letter in ring:
                digit = letters.index(letter)
                value |= (digit & 31) << shift
                shift += 5
                if digit < 32:
                    numbers.append(-((value + 1) >> 1) if value & 1 else value >> 1)
                    value = shift = 0
            points = []
            for north, east in zip(numbers[::2], numbers[1::2], strict=True):
                lat, lon = lat + north, lon + east
                points.append((lat / 1e5, lon / 1e5))
            rings.append(points)
        shapes.append(rings)
    return shapes


@pytest.fixture(scope="module")
def pages():
    return draw_atlas(**atlas_town.arguments()).pages


def test_both_pages_say_the_finding_in_both_languages(pages):
    for page in pages.values():
        assert data_of(page)["finding"] == {
            "zh": "37%的居民步行5分钟内可到达就业服务站点",
            "en": "37% of residents live within 5 minutes' walk of one of 2 stations",
        }
        assert "<h1" in page
        assert ">37%的居民步行5分钟内可到达就业服务站点</h1>" in page
        assert '<html lang="zh-CN">' in page


def test_every_page_states_pace_date_sources_publisher_and_approval():
    pages = draw_atlas(**atlas_town.arguments(publisher="试点区就业促进中心", map_approval="沪S(2025)001号")).pages
    for page in pages.values():
        facts = data_of(page)
        assert facts["pace"]["en"] == "5 min at 3.6 km/h = 300 m along streets"
        assert facts["as_of"] == {"zh": "2025年6月30日", "en": "30 June 2025"}
        assert facts["sources"] == ["Streets: © OpenStreetMap contributors, ODbL"]
        assert (facts["publisher"], facts["approval"]) == ("试点区就业促进中心", "沪S(2025)001号")
        assert "色盲" in facts["palette"]["zh"]


def test_the_same_arguments_give_the_same_bytes(pages):
    assert draw_atlas(**atlas_town.arguments()).pages == pages


def test_the_first_language_is_shown_first_and_a_single_one_alone():
    page = draw_atlas(**atlas_town.arguments(languages=("en",))).pages["index.html"]
    assert '<html lang="en">' in page
    assert data_of(page)["languages"] == ["en"]
    assert "37% of residents" in re.search("<h1.*?</h1>", page)[0]


def test_a_page_loads_nothing_from_outside(pages):
    for page in pages.values():
        assert not re.findall(r"<(?:link|img|iframe|object|embed|source)\b|<script[^>]*\bsrc=|@import", page)
        styles = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
        assert not re.findall(r"url\((?!data:|#)", styles)
        assert "sourceMappingURL" not in page


def test_the_content_policy_knows_every_script_and_style_by_its_hash(pages):
    for page in pages.values():
        policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        code = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, re.DOTALL)
        assert len(code) == 4
        for text in code:
            assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_leaflets_licence_travels_with_it(pages):
    for page in pages.values():
        assert "BSD 2-Clause License" in page
        assert "Volodymyr Agafonkin" in page


def test_hostile_text_stays_text_in_the_file():
    pages = draw_atlas(**atlas_town.arguments(atlas_town.HOSTILE)).pages
    for page in pages.values():
        block = re.search(r'id="atlas-data">(.*?)</script>', page, re.DOTALL)[1]
        assert not set(block) & set("<>&\u2028\u2029")
        assert {station["name"] for station in data_of(page)["stations"]} == set(atlas_town.HOSTILE[:2])
        assert page.count("<script") == page.count("</script") == 3
        assert re.search("<title>(.*?)</title>", page, re.DOTALL)[1].count("<") == 0


def test_a_lone_half_of_a_letter_does_not_stop_the_page():
    given = atlas_town.arguments()
    given["sources"] = ("broken \ud800 letter",)
    assert data_of(draw_atlas(**given).pages["index.html"])["sources"] == ["broken ? letter"]


def test_the_public_page_has_only_public_columns(pages):
    page = pages["index.html"]
    public = {"id", "name", "lat", "lon", "address", "town", "kind", "tier", "host", "hours", "phone", "services", "functions"}
    assert set(data_of(page)["stations"][0]) == public | {"outlines", "colour", "form"}
    assert not {"cells", "tables", "groups", "sites", "candidates", "heads"} & set(data_of(page))
    for secret in ("登记失业人员", "unemployed", "served_pop", "sole_pop", "内部"):
        assert secret not in page


def test_stations_that_do_not_count_are_on_no_page():
    given = atlas_town.arguments()
    given["scores"] = given["scores"].drop(index="s1")
    for page in draw_atlas(**given).pages.values():
        assert [station["id"] for station in data_of(page)["stations"]] == ["s0"]


def test_a_station_stands_where_it_stands(pages):
    east, north = atlas_town.PLACES[0]
    lon, lat = pyproj.Proj(CRS)(east, north, inverse=True)
    station = next(s for s in data_of(pages["index.html"])["stations"] if s["id"] == "s0")
    assert (station["lat"], station["lon"]) == pytest.approx((lat, lon), abs=1e-6)


def test_outlines_come_back_within_a_metre_or_so(pages):
    page = data_of(pages["index.html"])
    assert [band["minutes"] for band in page["bands"]] == [5.0, 2.0]
    station = next(s for s in page["stations"] if s["id"] == "s0")
    ring = np.array(unpack(station["outlines"][0])[0][0])
    metres = np.column_stack(pyproj.Proj(CRS)(ring[:, 1], ring[:, 0]))
    assert shapely.Polygon(metres).area == pytest.approx(2 * 300.0**2, rel=0.01)


def test_holes_and_several_parts_are_rings_of_one_shape():
    ring = shapely.box(0, 0, 900, 900).difference(shapely.box(300, 300, 600, 600))
    both = shapely.MultiPolygon([ring, shapely.box(2000, 0, 2100, 100)])
    shapes = unpack(pack_polygons([both, shapely.box(0, 2000, 100, 2100)], CRS, 1.0))
    assert [len(rings) for rings in shapes] == [3, 1]
    assert [len(points) for points in shapes[0]] == [4, 4, 4]


def test_nothing_packs_to_nothing():
    assert pack_polygons([], CRS, 1.0) == ""
    assert pack_polygons([shapely.Polygon(), None], CRS, 1.0) == ""


def test_a_lattice_is_drawn_as_its_streets_not_as_its_blocks():
    lines = strokes(lattice(), lattice().bounds)
    lengths = sorted(shapely.length(lines).round())
    assert lengths == [1000.0] * 18 + [4000.0]  # nine streets each way, and the edge, which turns at its corners


def test_every_segment_is_in_one_stroke():
    town = lattice(7)
    pieces = np.concatenate([shapely.get_coordinates(line) for line in strokes(town, town.bounds)])
    assert shapely.length(strokes(town, town.bounds)).sum() == pytest.approx(town.length_m.sum())
    assert len(pieces) == len(town.ends) + len(strokes(town, town.bounds))


def test_too_many_streets_leave_the_long_ones():
    rng = np.random.default_rng(3)
    town = lattice(40)
    rough = Network.from_segments(town.node_xy + rng.normal(0, 20, town.node_xy.shape), town.ends, crs=CRS)
    whole = draw_streets(rough, rough.bounds, 10**6)
    few = draw_streets(rough, rough.bounds, 4000)
    assert whole.drawn == 1.0
    assert 0 < few.drawn < 0.9
    assert sum(len(part) for part in (few.main, few.side, few.short)) < 5000
    assert few.main


def test_streets_elsewhere_are_not_drawn():
    assert len(strokes(lattice(), (5000.0, 5000.0, 6000.0, 6000.0))) == 0


def test_withheld_counts_are_empty_and_their_need_too(pages):
    page = data_of(pages["internal.html"])
    columns = [column["key"] for column in page["tables"]["towns"]["columns"]]
    place = columns.index("covered_<group>")
    assert [row[place] for row in page["tables"]["towns"]["rows"]] == [None, 120.0]
    assert page["cells"]["need"] == ""


def test_a_small_count_that_slipped_through_is_withheld():
    given = atlas_town.arguments()
    given["coverage"] = given["coverage"].assign(pop_unemployed=3.0, need=19.0)
    given["scores"] = given["scores"].assign(served_unemployed=[9.0, 10.0])
    page = data_of(draw_atlas(**given).pages["internal.html"])
    assert page["cells"]["need"] == ""
    assert set(page["cells"]["groups"]["unemployed"]) == {"A"}
    columns = [column["key"] for column in page["tables"]["stations"]["columns"]]
    values = {key: row[columns.index("served_<group>")] for key, row in _by_key(page["tables"]["stations"])}
    assert values == {"s0": None, "s1": 10.0}


def _by_key(table):
    return zip(table["keys"], table["rows"], strict=True)


def test_a_share_does_not_give_a_withheld_group_away():
    given = atlas_town.arguments()
    scores = given["group_scores"].copy()
    scores.loc["unemployed", ["total", "covered", "coverage"]] = [900.0, 895.0, 895 / 900]
    given["group_scores"] = scores
    rows = dict(_by_key(data_of(draw_atlas(**given).pages["internal.html"])["tables"]["groups"]))
    assert rows["unemployed"][2:] == [None] * 4
    assert rows["residents"][1:3] == [1210.0, 450.0]


def many_points(side: int) -> gpd.GeoDataFrame:
    east, north = np.meshgrid(np.arange(side) * 40.0, np.arange(side) * 40.0)
    count = side * side
    frame = gpd.GeoDataFrame(
        {
            "demand_id": np.arange(count),
            "population": 2.0,
            "need": 2.0,
            "nearest_station_id": "s0",
            "nearest_walk_s": 240.0,
            "stations_in_reach": 1,
            "covered": np.arange(count) % 2 == 0,
        },
        geometry=gpd.points_from_xy(east.ravel(), north.ravel()),
        crs=CRS,
    )
    return COVERAGE.conform(frame)


def numbers(text: str) -> list[int]:
    flat, letters, value, shift = [], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 0, 0
    for letter in text:
        digit = letters.index(letter)
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            flat.append(-((value + 1) >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return flat


@pytest.fixture
def small_page(monkeypatch):
    monkeypatch.setattr(cell_rules, "MOST_LETTERS", 200_000)


def test_more_points_than_a_page_holds_become_squares_that_keep_the_people(small_page):
    points = many_points(206)
    later = np.arange(len(points)) % 4 != 1  # half of those not covered today are then
    cells = draw_cells(points, (), 10, [later])
    assert (cells["form"], cells["side_m"]) == ("square", 100.0)
    people, gap, after = ([value - 1 for value in numbers(text)] for text in (cells["people"], cells["gap"], *cells["after"]))
    assert sum(people) / 10 == pytest.approx(2.0 * len(points))
    assert sum(gap) / 10 == pytest.approx(2.0 * len(points) / 2)
    assert sum(after) / 10 == pytest.approx(2.0 * len(points) / 4, rel=1e-4)
    assert {value - 1 for value in numbers(cells["walk"])} == {40, -1}  # four minutes in tenths, or nobody covered


def test_forty_thousand_points_stay_as_they_are_with_the_phase_that_covers_each():
    points = many_points(206)
    later = points["covered"].to_numpy() | (np.arange(len(points)) % 4 == 1)
    cells = draw_cells(points, (), 10, [later])
    assert cells["form"] == "spot"
    assert [numbers(cells["then"]).count(k) for k in (0, 1, 2)] == [len(points) // 2, len(points) // 4, len(points) // 4]


def test_few_points_stay_points_as_wide_as_they_are_apart():
    cells = draw_cells(many_points(20), (), 10)
    assert (cells["form"], cells["side_m"]) == ("spot", 40.0)
    assert len(numbers(cells["people"])) == 400


def test_a_square_with_one_withheld_count_is_withheld(small_page):
    points = many_points(206).assign(pop_a=10.0)
    points.loc[0, "pop_a"] = np.nan
    cells = draw_cells(points, (Group("a"),), 10)
    column = numbers(cells["groups"]["a"])
    assert column.count(0) == 1
    assert numbers(cells["need"]).count(0) == 1


def test_squares_turn_with_the_grid():
    cells = draw_cells(many_points(20).set_crs("EPSG:32651", allow_override=True), (), 10)
    assert cells["turn"] == pytest.approx(0.0, abs=1e-3)  # on the equator grid north is north
    moved = many_points(20)
    moved = moved.set_geometry(moved.geometry.translate(800_000, 5_000_000))
    turned = draw_cells(moved, (), 10)["turn"]
    lon, lat = pyproj.Proj(CRS)(800_400, 5_000_400, inverse=True)
    assert turned == pytest.approx(np.radians(pyproj.Proj(CRS).get_factors(lon, lat).meridian_convergence), abs=2e-4)


def test_each_phase_says_its_gain_and_each_site_has_its_outline(pages):
    page = data_of(pages["internal.html"])
    assert page["after"] == [
        {"phase": 1, "sites": 1, "gain": 200.0, "share": 0.537},
        {"phase": 2, "sites": 1, "gain": 150.0, "share": 0.661},
    ]
    for site, (x, y) in zip(page["sites"], [(500.0, 900.0), (600.0, 100.0)], strict=True):
        ring = np.array(unpack(site["outline"])[0][0])
        metres = shapely.Polygon(np.column_stack(pyproj.Proj(CRS)(ring[:, 1], ring[:, 0])))
        assert metres.contains(shapely.Point(x, y))
        assert metres.contains(shapely.Point(x, 500 + (y - 500) * 0.4))  # 240 m towards the middle
        assert not metres.contains(shapely.Point(x, 1000 - y))


def test_who_is_covered_after_each_phase_is_counted_by_the_walking_times(pages):
    page = data_of(pages["internal.html"])
    then, lat_lon_of = numbers(page["cells"]["then"]), np.array(unpack(page["cells"]["points"])[0][0])
    homes = np.column_stack(pyproj.Proj(CRS)(lat_lon_of[:, 1], lat_lon_of[:, 0])).round(-2)
    walks = lambda door: np.abs(homes - door).sum(axis=1)  # noqa: E731 - along a lattice, at 1 m/s
    today = np.minimum(walks(atlas_town.PLACES[0]), walks(atlas_town.PLACES[1])) <= 300
    first, second = walks((500.0, 900.0)) <= 300, walks((600.0, 100.0)) <= 300
    assert then == np.where(today, 0, np.where(first, 1, np.where(second, 2, 3))).tolist()


def test_a_town_without_stations_residents_or_proposals_is_still_drawn():
    given = atlas_town.arguments()
    given |= {"sites": None, "frontier": None, "candidates": None, "backdrop": None}
    given["stations"], given["scores"] = given["stations"].iloc[:0], given["scores"].iloc[:0]
    given["isochrones"] = given["isochrones"].iloc[:0]
    given["coverage"] = given["coverage"].assign(population=0.0, covered=False)
    for page in draw_atlas(**given).pages.values():
        facts = data_of(page)
        assert facts["finding"]["en"] == "No station stands yet within 5 minutes' walk of anybody"
        assert facts["stations"] == []


def test_tables_in_another_crs_are_refused_by_name():
    given = atlas_town.arguments()
    given["stations"] = given["stations"].to_crs("EPSG:32650")
    with pytest.raises(CrsError, match="stations are in EPSG:32650 but the network is in EPSG:32651"):
        draw_atlas(**given)


def test_tiles_are_allowed_only_when_asked_for():
    asked = {"tiles": "https://{s}.tiles.example.org/{z}/{x}/{y}.png", "attribution": "© Example <b>"}
    page = draw_atlas(**atlas_town.arguments(**asked)).pages["index.html"]
    assert "img-src data: https://*.tiles.example.org;" in page
    assert data_of(page)["tile_credit"] == "© Example <b>"
    assert "© Example <b>" not in page.split("</script>")[-2]
    assert "https://tile.openstreetmap.org;" in draw_atlas(**atlas_town.arguments(tiles="OpenStreetMap")).pages["index.html"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tiles": "javascript:alert(1)//{z}{x}{y}", "attribution": "x"}, "neither a known provider nor the address"),
        ({"tiles": "https://example.org/tiles.png", "attribution": "x"}, "https://host/{z}/{x}/{y}.png"),
        ({"tiles": "https://example.org; script-src */{z}/{x}/{y}", "attribution": "x"}, "nor the address of tiles"),
        ({"tiles": "https://example.org/{z}/{x}/{y}.png", "attribution": " "}, "attribution"),
        ({"tiles": "google"}, "write openstreetmap, tianditu, amap"),
        ({"tiles": "Tianditu"}, "key of the publisher's own"),
        ({"tiles": "amap", "tiles_datum": "bd09"}, "tiles_datum"),
    ],
)
def test_tiles_that_are_not_known_are_refused(asked, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Publish(**asked)


def test_tianditu_is_asked_with_the_publishers_key_for_the_ground_and_its_names():
    pages = draw_atlas(**atlas_town.arguments(tiles="tianditu", tiles_key="a&b")).pages
    facts = data_of(pages["index.html"])
    assert "天地图" in facts["tile_credit"]
    assert [re.search("LAYER=(...)", address)[1] for address in facts["tiles"]["addresses"]] == ["vec", "cva"]
    assert all(address.endswith("&tk=a%26b") for address in facts["tiles"]["addresses"])
    for host in (f"https://t{n}.tianditu.gov.cn" for n in range(8)):
        assert host in re.search("img-src[^;]*", pages["internal.html"])[0]


def test_amap_is_known_to_be_drawn_in_gcj02():
    facts = data_of(draw_atlas(**atlas_town.arguments(tiles="amap")).pages["index.html"])
    assert facts["tiles"]["datum"] == "gcj02"
    assert "高德" in facts["tile_credit"]


def test_assets_may_come_from_elsewhere_with_their_hashes():
    page = draw_atlas(**atlas_town.arguments(), assets="cdn").pages["index.html"]
    script = re.search(r'<script src="(https://[^"]+)" integrity="sha256-([^"]+)"', page)
    assert script[1].endswith("leaflet@1.9.4/dist/leaflet.js")
    assert script[2] == "20nQCchB9co0qIjJZRGuk2/Z9VM+kNiyxNV1lvTlZBo="  # as Leaflet's own page gives it
    assert len(page) < 100_000
    with pytest.raises(StudyError, match="bundled, cdn"):
        draw_atlas(**atlas_town.arguments(), assets="elsewhere")


def test_pages_are_written_whole_and_over_older_ones(tmp_path, pages):
    atlas = draw_atlas(**atlas_town.arguments())
    folder = tmp_path / "site"
    for _ in range(2):
        assert atlas.write(folder) == folder
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "internal.html"]
    assert (folder / "index.html").read_bytes().decode("utf-8") == pages["index.html"]


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "site").write_text("a file in the way")
    with pytest.raises(SourceError, match="site: the pages cannot be written"):
        draw_atlas(**atlas_town.arguments()).write(tmp_path / "site")


def test_a_district_of_fifty_stations_fits_into_three_megabytes():
    rng = np.random.default_rng(5)
    town = lattice(150)
    rough = Network.from_segments(town.node_xy + rng.normal(0, 25, town.node_xy.shape), town.ends, crs=CRS)
    given = atlas_town.arguments()
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    places = rng.uniform(1000, 14000, (50, 2))
    stations = gpd.GeoDataFrame(
        {"station_id": [f"s{i}" for i in range(50)], "name": "站"}, geometry=gpd.points_from_xy(*places.T), crs=CRS
    ).set_index("station_id")
    rows = []
    for key, (x, y) in zip(stations.index, places, strict=True):
        for minutes in (5.0, 10.0, 15.0):
            radius = minutes * 70 * (0.9 + 0.06 * np.sin(37 * angle))
            shape = shapely.Polygon(np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)]))
            rows.append((key, minutes, shapely.MultiPolygon([shape])))
    outlines = gpd.GeoDataFrame(rows, columns=["station_id", "minutes", "geometry"], geometry="geometry", crs=CRS)
    square = gpd.GeoDataFrame({"town": ["镇"]}, geometry=[shapely.box(0, 0, 15000, 15000)], crs=CRS).set_index("town")
    given |= {
        "network": rough,
        "towns": square,
        "stations": stations,
        "isochrones": outlines.set_index(["station_id", "minutes"]),
        "scores": pd.DataFrame({"rank": 1, "name": "站"}, index=stations.index),
    }
    page = draw_atlas(**given).pages["index.html"]
    assert len(page.encode()) < 3_000_000
    assert 0 < data_of(page)["streets"]["drawn"] <= 1


def test_latitudes_come_first():
    lat, lon = lat_lon([[350_000.0, 3_470_000.0]], CRS)[0]
    assert (round(lat), round(lon)) == (31, 121)


def test_a_policy_pack_names_service_items_and_tiers_in_both_languages():
    items = tuple(ServiceItem(n, f"第{n}项", f"item {n}", ItemClass.BASIC, "f") for n in (1, 2, 3))
    tiers = (Tier("town", "town station", "街镇站点", aliases=("街镇级",)),)
    pack = Policy("p", "p", "p", "us", functions=(Function("f", "功能", "a function"),), items=items, tiers=tiers)
    given = atlas_town.arguments() | {"policy": pack}
    given["stations"] = given["stations"].assign(services=["1-2", "别的事项、3"])
    stations = {one["id"]: one for one in data_of(draw_atlas(**given).pages["index.html"])["stations"]}
    assert stations["s0"]["services"] == [{"zh": "第1项", "en": "item 1"}, {"zh": "第2项", "en": "item 2"}]
    assert stations["s1"]["services"] == ["别的事项", "3"]
    assert stations["s0"]["tier"] == {"zh": "街镇站点", "en": "town station"}


def test_sources_may_be_said_in_each_language():
    both = {"zh": "道路：开放街图", "en": "Streets: OpenStreetMap"}
    page = draw_atlas(**atlas_town.arguments() | {"sources": (both, "Residents: census")}).pages["index.html"]
    assert data_of(page)["sources"] == [both, "Residents: census"]


def test_a_town_that_walks_otherwise_is_named_with_its_pace():
    given = atlas_town.arguments()
    scenario = given["study"].scenario
    walk = dataclasses.replace(scenario.walk, towns={"东镇": TownWalk(minutes=10, speed_mps=0.5)})
    given["study"] = dataclasses.replace(given["study"], scenario=dataclasses.replace(scenario, walk=walk))
    (own,) = data_of(draw_atlas(**given).pages["index.html"])["paces"]
    assert own["en"] == "Residents of 东镇: 10 min at 1.8 km/h = 300 m along streets"


def test_a_page_of_towns_with_other_minutes_claims_no_single_cutoff_and_no_single_distance():
    given = atlas_town.arguments()
    scenario = given["study"].scenario
    walk = dataclasses.replace(scenario.walk, towns={"东镇": TownWalk(minutes=10, speed_mps=0.5)})
    given["study"] = dataclasses.replace(given["study"], scenario=dataclasses.replace(scenario, walk=walk))
    for page in draw_atlas(**given).pages.values():
        data = data_of(page)
        assert f"within {data['minutes']} minutes' walk (by town)" in data["finding"]["en"]
        assert data["minutes"] == f"{min(scenario.walk.minutes, 10):g}–{max(scenario.walk.minutes, 10):g}"
        assert not any(" m)" in band["legend"]["en"] for band in data["bands"])


def test_the_date_is_the_one_given():
    given = atlas_town.arguments() | {"as_of": dt.date(2024, 1, 2)}
    assert "数据截至2024年1月2日" in data_of(draw_atlas(**given).pages["index.html"])["facts"]["zh"]


def test_water_that_is_a_dot_nobody_finds_is_not_drawn():
    backdrop = atlas_town.arguments()["backdrop"]  # 36 000 m² of water, 8100 of green
    near, far = (_nature(backdrop, (0.0, 0.0, side, side)) for side in (1000.0, 40_000.0))
    assert near["water"]
    assert near["green"]
    assert (far["water"] == near["water"], far["green"]) == (True, "")  # of a map of 1600 km², 16 000 m² are the least
