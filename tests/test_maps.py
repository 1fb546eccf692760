"""The pages in a real browser with the network off: they ask nobody, run nothing of a file, and do what a visitor wants."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import http.server
import itertools
import math
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import atlas_town
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from builders import CRS, stations_at
from test_report import SUMMARY, plan_tables, study, tables

from planner.datum import wgs84_to_gcj02
from planner.network import Network
from planner.policy import Function, Policy, Tier
from planner.publish.atlas import draw_atlas
from planner.publish.atlas.field import draw_field
from planner.publish.atlas.shapes import lat_lon
from planner.publish.province import draw_province
from planner.publish.report import compose_report
from planner.publish.web_file import write_web
from planner.reach import travel_times
from planner.schema import ROLLOUT, TOWNS
from planner.study import Walk

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PACK = Policy(
    "pack", "a pack", "政策", "the tests",
    tiers=(Tier("town", "town station", "街镇站点", aliases=("街镇级",)),),
    functions=(Function("guidance", "职业指导", "career guidance"), Function("posts", "岗位推荐", "job offers")),
)  # fmt: skip
HOSTILE_PACK = Policy(
    "pack", "a pack", "政策", "the tests",
    tiers=(Tier("town", atlas_town.HOSTILE[2], atlas_town.HOSTILE[6], aliases=(atlas_town.HOSTILE[3],)),),
)  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install chromium to try the pages in a browser")
    with api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("atlas")
    draw_atlas(**atlas_town.arguments(map_approval="沪S(2025)001号"), policy=PACK).write(place / "town")
    signed = {"publisher": atlas_town.HOSTILE[1], "map_approval": atlas_town.HOSTILE[3]}
    draw_atlas(**atlas_town.arguments(atlas_town.HOSTILE, **signed), policy=HOSTILE_PACK).write(place / "hostile")
    given = atlas_town.arguments()
    given["stations"] = given["stations"].assign(services=["岗位推荐", "职业指导"])
    draw_atlas(**given, policy=PACK).write(place / "filters")
    return place


class Visit:
    """One page in a window of its own, and everything it asked for or complained of."""

    def __init__(
        self, browser: Any, file: Path, size: str = "desktop", after: str = "", shown: str = ".pin", **context: Any
    ) -> None:
        width, height = SIZES[size]
        touch = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
        self.window = browser.new_context(viewport={"width": width, "height": height}, offline=True, **touch, **context)
        self.page = self.window.new_page()
        self.page.set_default_timeout(8000)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(file.as_uri() + after)
        self.page.wait_for_selector(shown)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.window.close()

    def strangers(self) -> list[str]:
        return [address for address in self.asked if not address.startswith(("file:", "data:", "blob:"))]

    def shapes(self) -> int:
        """How many outlines are drawn on the map."""
        return self.page.evaluate("document.querySelectorAll('.leaflet-overlay-pane path').length")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["index.html", "internal.html"])
@pytest.mark.parametrize("town", ["town", "hostile"])
def test_a_page_opens_without_a_network_and_without_a_word_on_the_console(browser, folder, town, name, size):
    with Visit(browser, folder / town / name, size) as visit:
        for pin in visit.page.query_selector_all(".pin"):
            pin.dispatch_event("click")
        for button in visit.page.query_selector_all(".list button, td button, th button"):
            if button.is_visible():
                button.dispatch_event("click")
        visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for box in visit.page.query_selector_all(".facilities input"):
            box.check()
        if name == "index.html":
            visit.page.fill("#search", "购" if town == "town" else "hacked")
            assert visit.page.query_selector("#facility-list button")
            for button in visit.page.query_selector_all("#facility-list button"):
                button.dispatch_event("click")
        visit.page.click(".languages button:not([aria-pressed=true])")
        visit.page.click("#centre")
        visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert visit.strangers() == []
        assert visit.complaints == []
        assert visit.page.evaluate("window.hacked") is None
        assert not visit.page.evaluate("/\\b(null|undefined|NaN)\\b/.test(document.body.innerText)")
        assert visit.page.evaluate("document.images.length + document.scripts.length") == 3


@pytest.mark.parametrize("name", ["index.html", "internal.html"])
def test_hostile_names_are_read_as_they_are_written(browser, folder, name):
    with Visit(browser, folder / "hostile" / name) as visit:
        shown = visit.page.evaluate("document.body.textContent")
        for word in atlas_town.HOSTILE[:2]:
            assert word in shown
        labels = [pin.get_attribute("aria-label") for pin in visit.page.query_selector_all(".pin")]
        assert set(atlas_town.HOSTILE[:2]) <= set(labels) | {label.split("：")[-1] for label in labels}
        assert visit.page.title().startswith("37%")
        for word in (atlas_town.HOSTILE[1], atlas_town.HOSTILE[3]):  # the publisher and the approval number
            assert word in visit.page.text_content("#strip")
            assert word in visit.page.text_content("#about")
        for word in (atlas_town.HOSTILE[6], atlas_town.HOSTILE[4]):  # a tier by its name in the pack, and one no pack knows
            assert word in visit.page.text_content(".layers")
        said = [
            node.text_content()
            for node in visit.page.query_selector_all(".area-name, #groups td:first-child, #areas td:first-child")
        ]
        if name == "internal.html":
            assert {atlas_town.HOSTILE[3], atlas_town.HOSTILE[0], f"{atlas_town.HOSTILE[0]}（系数1.5）"} <= set(said)
        assert atlas_town.HOSTILE[-1] in visit.page.text_content(
            ".facilities"
        )  # a service, and two of its places by their names
        assert not visit.page.query_selector_all(".facilities img, .area-name script")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_names_of_towns_and_roll_out_areas_stay_text_in_a_report(browser, tmp_path, language):
    words = atlas_town.HOSTILE
    areas = pd.DataFrame({"by": "area", "place": [*words, "`${alert(1)}`", "</script><img src=x onerror=alert(1)>"]}).assign(
        phase=1, new_sites=1, stations=2, population=100.0, covered_pop=50.0, coverage=0.5, gain_pop=10.0
    )
    plan = {"status": "optimal", "gap": 0.0, "sites": 2, "residents_gained": 1500}
    paper = compose_report(
        study=study(name=words[3]), summary=SUMMARY | {"plan": plan}, pictures=[], as_of=dt.date(2025, 6, 30), sources=words,
        tables=plan_tables() | tables(words[1]) | {"rollout": ROLLOUT.conform(areas)}, notes=[words[0]], language=language,
    )  # fmt: skip
    write_web(tmp_path / "report.html", paper)
    with Visit(browser, tmp_path / "report.html", shown="table") as visit:
        said = {node.text_content() for node in visit.page.query_selector_all("td")}
        assert {word for word in areas["place"] if word.isprintable()} | {words[1]} <= said
        assert (visit.strangers(), visit.complaints) == ([], [])
        assert visit.page.evaluate("window.hacked") is None
        assert visit.page.evaluate("document.images.length + document.scripts.length") == 0


WHERE = """(place) => { // in the window, of a place on the map
    const at = Atlas.map.latLngToContainerPoint(place), box = Atlas.map.getContainer().getBoundingClientRect();
    return [box.left + at.x, box.top + at.y];
}"""


def test_facilities_are_off_at_first_and_are_shown_found_and_told(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        page = visit.page
        layers = "document.querySelectorAll('.leaflet-facilities-pane .leaflet-layer').length"
        assert page.evaluate(layers) == 0
        page.click(".facilities summary")
        assert page.text_content(".facilities .note") == "地图数据中没有：维修"
        page.check(".facilities label:has-text('购物（3处）') input")
        assert page.evaluate(layers) == 1
        lat, lon = atlas_town.degrees((200.0, 600.0))
        spot = page.evaluate(WHERE, [lat, lon])
        page.mouse.click(*spot)
        assert page.text_content(".card h2") == "一号站"  # the name the little town gives its first shop
        assert page.text_content(".card .tag") == "生活圈设施 · 购物"
        page.click("text=English")
        assert page.text_content(".card .tag") == "Facility of daily life: shopping"
        page.uncheck(".facilities label:has-text('shopping (3)') input")
        assert page.evaluate(layers) == 0


def test_facilities_are_found_by_name_and_service_with_the_keyboard_alone(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        page = visit.page
        page.focus("#search")
        page.keyboard.type("文化宫")
        assert page.text_content("#facility-count") == "查到生活圈设施1处"
        assert not page.query_selector_all("#list button")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.text_content(".card h2") == "文化宫"
        assert page.evaluate("document.activeElement.className") == "card"
        page.keyboard.press("Escape")
        page.wait_for_selector(".leaflet-popup", state="detached")
        assert page.evaluate("document.activeElement.closest('ul').id") == "facility-list"
        page.click("#centre")
        assert page.text_content("#answer").endswith("离该处最近的生活圈设施（直线距离）2文化宫生活圈设施 · 文化0米")


def test_areas_of_priority_are_drawn_named_and_told(browser, folder):
    with Visit(browser, folder / "town" / "internal.html") as visit:
        page = visit.page
        assert page.text_content(".area-name") == "老城（系数1.5）"
        lat, lon = atlas_town.degrees((100.0, 500.0))
        page.evaluate(f"Atlas.map.fire('click', {{latlng: L.latLng({lat}, {lon})}})")
        assert "所在优先区域老城（系数1.5）" in page.text_content(".card")
        page.click("#areas td button")
        page.wait_for_selector(".card >> nth=1", state="detached")  # the card before fades away
        card = page.text_content(".card")
        for said in ("老城", "人流密集区", "系数1.5", "人口覆盖率100%"):
            assert said in card
        page.click("text=English")
        assert "Kind of areabusy placeFactor1.5" in page.text_content(".card")
        page.uncheck("label:has-text('Areas of priority') input")
        page.wait_for_selector(".area-name", state="detached")


def test_a_number_that_is_not_one_is_not_dialled(browser, folder):
    with Visit(browser, folder / "hostile" / "index.html") as visit:
        visit.page.query_selector_all(".list button")[0].click()
        assert visit.page.query_selector_all(".card a") == []
    with Visit(browser, folder / "town" / "index.html") as visit:
        visit.page.query_selector_all(".list button")[0].click()
        assert visit.page.get_attribute(".card a", "href") == "tel:02159120000"


def test_search_finds_a_station_by_name_address_and_key(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        names = lambda: [node.text_content() for node in visit.page.query_selector_all(".list .name")]  # noqa: E731
        assert names() == ["Station Two", "一号站"]
        visit.page.fill("#search", "ｓｔａｔｉｏｎ two")
        assert names() == ["Station Two"]
        assert visit.page.text_content("#count") == "查到1个站点"
        visit.page.fill("#search", "人民路")
        assert len(names()) == 2
        visit.page.fill("#search", "西镇")
        assert names() == ["Station Two"]
        visit.page.press("#search", "Enter")
        visit.page.wait_for_selector(".leaflet-popup .card")
        assert "周一至周五" in visit.page.text_content(".card")
        assert visit.page.evaluate("document.activeElement.className") == "card"
        visit.page.press(".card", "Escape")
        visit.page.wait_for_selector(".leaflet-popup", state="detached")
        assert visit.page.evaluate("document.activeElement.dataset.id") == "s1"


def test_the_switch_changes_every_word(browser, folder):
    for name in ("index.html", "internal.html"):
        with Visit(browser, folder / "town" / name) as visit:
            assert visit.page.get_attribute("html", "lang") == "zh-CN"
            assert "居民" in visit.page.text_content("h1")
            visit.page.click("text=English")
            assert visit.page.get_attribute("html", "lang") == "en"
            assert visit.page.text_content("h1") == "37% of residents live within 5 minutes' walk of one of 2 stations"
            assert visit.page.title().startswith("37% of residents")
            said = visit.page.evaluate(
                "[...document.querySelectorAll('[data-say], label, th, summary')].map((n) => n.textContent)"
            )
            own = ("一号站", "登记失业人员", "东镇", "西镇", "老城")
            assert not [text for text in said if any("\u4e00" <= letter <= "\u9fff" for letter in _without(text, own))]
            assert not [text for text in said if "{" in text or "_" in text]


def _without(text: str, words: tuple[str, ...]) -> str:
    for word in words:
        text = text.replace(word, "")
    return text


def test_the_address_names_the_language_and_the_station(browser, folder):
    with Visit(browser, folder / "town" / "index.html", after="#lang=en&station=s0") as visit:
        assert visit.page.get_attribute("html", "lang") == "en"
        assert visit.page.text_content(".card h2") == "一号站"
        assert visit.page.text_content(".card .tag") == "社区站 · town station"
        assert visit.page.text_content(".card .items") == "career guidancejob offers"
        visit.page.query_selector_all(".list button")[0].click()
        assert "station=s1" in visit.page.url


def test_layers_come_and_go(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        assert visit.shapes() == 3  # the union of the outlines, and two towns
        visit.page.click("label:has-text('步行5分钟以内')")
        assert visit.shapes() == 2
        visit.page.click("label:has-text('步行2分钟以内')")
        assert visit.shapes() == 3
        pins = "document.querySelectorAll('.pin').length"
        assert visit.page.evaluate(pins) == 2
        visit.page.click("label:has-text('就业服务站点')")
        assert visit.page.evaluate(pins) == 0
        streets = "document.querySelectorAll('.leaflet-tile-pane .leaflet-layer').length"
        assert visit.page.evaluate(streets) == 2
        visit.page.click("label:has-text('道路')")
        assert visit.page.evaluate(streets) == 1


def test_a_station_shows_its_own_outlines_when_it_is_chosen(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        visit.page.click("label:has-text('步行5分钟以内')")
        visit.page.click("label:has-text('街镇边界')")
        assert visit.shapes() == 0
        visit.page.query_selector_all(".pin")[0].dispatch_event("click")
        visit.page.wait_for_selector(".card")
        assert visit.shapes() == 2  # two minutes and five
        box = visit.page.query_selector(".map").bounding_box()
        visit.page.mouse.click(box["x"] + 12, box["y"] + box["height"] / 2)
        assert visit.shapes() == 2  # nothing but the mark where the visitor stands
        assert "该处" in visit.page.text_content("#answer")


def test_a_tap_tells_which_stations_are_within_the_walk_and_in_how_many_minutes(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        pin = visit.page.query_selector(".pin[aria-label='一号站']").bounding_box()
        visit.page.mouse.click(pin["x"] + 32, pin["y"] + 40)
        said = visit.page.text_content("#answer")
        assert said.startswith("步行5分钟以内一号站")
        assert "约" in said
        assert "分钟" in said
        box = visit.page.query_selector(".map").bounding_box()
        visit.page.mouse.click(box["x"] + 12, box["y"] + box["height"] / 2)
        said = visit.page.text_content("#answer")
        assert "没有步行可达" not in said
        assert "该处步行45分钟内没有站点，或附近没有可步行的道路" in said
        assert "一号站" in said  # the nearest in a straight line


def test_the_page_reads_the_field_as_python_does_and_as_the_engine_measures(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        for place in ((320.0, 480.0), (505.0, 505.0), (990.0, 15.0)):
            lat, lon = atlas_town.degrees(place)
            told = visit.page.evaluate(
                f"Field(Atlas.data.field).read({lat}, {lon}).map(([i, s]) => [Atlas.data.stations[i].id, s])"
            )
            walks = {
                f"s{i}": sum(abs(a - b) for a, b in zip(place, door, strict=True)) for i, door in enumerate(atlas_town.PLACES)
            }
            assert {key for key, _ in told} == set(walks)
            for key, seconds in told:  # along a lattice one walks east and north; the lattice has no street at every metre
                assert seconds == pytest.approx(walks[key], abs=60)


def test_on_both_sides_of_a_wall_the_page_tells_the_shortest_and_the_longest_walk(browser, folder):
    ends = [[0, 1], [1, 2], [2, 3]]  # two streets 40 m apart that meet 800 m away
    streets = Network.from_segments([[0, 0], [800, 0], [800, 40], [0, 40]], ends, crs=CRS)
    towns = TOWNS.conform(gpd.GeoDataFrame({"town": ["T"]}, geometry=[shapely.box(0, -40, 800, 80)], crs=CRS))
    walk = Walk(minutes=15, speed_mps=1.0)
    packed = draw_field(streets, towns, stations_at((10, 0)), walk, ["s0"])
    xy = np.random.default_rng(5).uniform((0, -40), (800, 80), (300, 2))
    places = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=CRS)
    true = travel_times(streets, stations_at((10, 0)), places, dataclasses.replace(walk, minutes=45.0)).walk_s.toarray()[0]
    read = "([packed, places]) => { const field = Field(packed); return places.map((place) => field.read(...place)); }"
    with Visit(browser, folder / "town" / "index.html") as visit:
        told = visit.page.evaluate(read, [packed, lat_lon(xy, CRS).tolist()])
    apart = np.array([found[0][2] or [found[0][1] - 180, found[0][1] + 180] for found in told])
    assert ((apart[:, 0] - 30 <= true) & (true <= apart[:, 1] + 30)).all()
    ranges = np.array([found[0][2] is not None for found in told])
    assert 0.1 < ranges.mean() < 0.5
    assert (np.abs([found[0][1] for found in told] - true)[ranges] > 180).any()


def test_towns_called_like_what_every_object_has_and_names_with_accents_are_no_trap(browser, tmp_path):
    given = atlas_town.arguments()
    given["towns"] = given["towns"].rename(index=dict(zip(given["towns"].index, ["constructor", "toString"], strict=False)))
    given["stations"] = given["stations"].assign(name=["Töölö São João", "二号站"])
    draw_atlas(**given).write(tmp_path / "town")
    with Visit(browser, tmp_path / "town" / "index.html") as visit:
        pin = visit.page.query_selector(".pin[aria-label='二号站']").bounding_box()
        visit.page.mouse.click(pin["x"] + 32, pin["y"] + 40)
        assert visit.page.text_content("#answer").startswith("步行5分钟以内二号站")
        visit.page.fill("#search", "toolo sao joao")
        assert visit.page.text_content("#count") == "查到1个站点"
        assert not visit.complaints


def test_filters_leave_the_stations_that_offer_what_is_chosen(browser, folder):
    with Visit(browser, folder / "filters" / "index.html") as visit:
        pins = "document.querySelectorAll('.pin').length"
        names = lambda: [node.text_content() for node in visit.page.query_selector_all(".list .name")]  # noqa: E731
        visit.page.click("#filters summary")
        asked = [one.get_attribute("data-filter") for one in visit.page.query_selector_all("#choices select")]
        assert asked == ["function", "service", "town"]  # kind and tier are the same for both
        visit.page.select_option("select[data-filter=function]", label="职业指导")
        assert (names(), visit.page.evaluate(pins)) == (["Station Two"], 1)
        assert visit.page.text_content("#chosen-filters") == "职业指导"
        visit.page.click("#clear")
        assert (len(names()), visit.page.evaluate(pins)) == (2, 2)


def test_the_nearest_of_a_choice_is_told_behind_a_dozen_nearer_ones(browser, tmp_path):
    given = atlas_town.arguments()
    places = [(100 + 20 * i, 100) for i in range(12)] + [(900, 900), (920, 900)]
    names = [f"near {i}" for i in range(12)] + ["far one", "farther one"]
    stations = stations_at(*places, names=names, kind=["desk"] * 12 + ["hall"] * 2, town="西镇")
    scores = given["scores"].iloc[[0] * len(stations)].set_axis(stations.index)
    given |= {"stations": stations, "scores": scores, "isochrones": atlas_town.diamonds(stations)}
    draw_atlas(**given).write(tmp_path)
    with Visit(browser, tmp_path / "index.html") as visit:
        lat, lon = atlas_town.degrees((100.0, 100.0))
        visit.page.evaluate(f"Atlas.map.fire('click', {{latlng: L.latLng({lat}, {lon})}})")
        assert visit.page.text_content("#answer").startswith("步行5分钟以内near 0")
        visit.page.click("#filters summary")
        visit.page.select_option("select[data-filter=kind]", label="hall")
        said = visit.page.text_content("#answer")
        assert said.startswith("筛选出的站点都不在该处步行5分钟以内。步行超过5分钟far one")
        assert 25 <= int(re.search(r"约(\d+)分钟", said)[1]) <= 29  # 1600 m at 1 m/s are 26.7 minutes
        assert "由" in visit.page.text_content("#about")


def test_a_link_to_a_station_is_offered_and_opens_it_again(browser, folder):
    with Visit(browser, folder / "town" / "index.html", "phone") as visit:
        visit.page.query_selector_all(".list button")[0].click()
        visit.page.query_selector(".share-link button").dispatch_event("click")
        visit.page.locator(".share-link", has_text="链接已复制").wait_for()
        link = visit.page.input_value(".share-link input")
        assert link.endswith("index.html#lang=zh&station=s1")
        visit.page.evaluate("location.hash = '#station=s0'")
        visit.page.locator(".card h2", has_text="一号站").wait_for()
    with Visit(browser, folder / "town" / "index.html", after="#" + link.split("#")[1]) as visit:
        assert visit.page.text_content(".card h2") == "Station Two"


def test_a_position_given_by_the_device_is_used_and_a_refused_one_is_explained(browser, folder):
    lat, lon = atlas_town.degrees(atlas_town.PLACES[1])
    allowed = {"geolocation": {"latitude": lat, "longitude": lon}, "permissions": ["geolocation"]}
    with Visit(browser, folder / "town" / "index.html", "phone", **allowed) as visit:
        visit.page.click("#locate")
        visit.page.wait_for_selector("#answer .band")
        assert "步行5分钟以内Station Two" in visit.page.text_content("#answer")
    with Visit(browser, folder / "town" / "index.html", "phone") as visit:
        visit.page.click("#locate")
        visit.page.locator("#answer", has_text="未能取得").wait_for()


def test_the_planning_map_has_one_surface_at_a_time_and_figures_where_one_taps(browser, folder):
    with Visit(browser, folder / "town" / "internal.html") as visit:
        layers = "document.querySelectorAll('.leaflet-cells-pane .leaflet-layer').length"
        for name in ("people", "walk", "overlap", "gap"):
            visit.page.check(f"input[value={name}]")
            assert visit.page.evaluate(layers) == 1
        visit.page.check("input[value=none]")
        assert visit.page.evaluate(layers) == 0
        visit.page.check("input[value=people]")
        visit.page.click("#centre")
        said = visit.page.text_content(".leaflet-popup .card")
        assert "常住人口10" in said
        assert "登记失业人员不公开" in said


def test_before_and_after_stand_on_two_sides_of_a_line_that_keys_move(browser, folder):
    with Visit(browser, folder / "town" / "internal.html") as visit:
        page = visit.page
        clips = "['cells', 'cells-after'].map((name) => Atlas.map.getPane(name).style.clipPath)"
        assert page.evaluate(clips)[0] == ""
        page.check("#compare")
        left, right = page.evaluate(clips)
        page.focus("#swipe-range")
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        assert page.input_value("#swipe-range") == "60"
        assert page.evaluate(clips) != [left, right]
        assert page.evaluate("document.querySelectorAll('.leaflet-cells-after-pane .leaflet-layer').length") == 1
        pins = "document.querySelectorAll('.pin .ordinal').length"
        assert page.evaluate(pins) == 2
        page.select_option("#swipe-phase", index=0)
        assert page.evaluate(pins) == 1  # the first phase has the first site
        page.check("input[value=people]")
        assert not page.is_checked("#compare")
        assert page.evaluate(clips)[0] == ""
        assert page.evaluate(pins) == 2


SHADE = """(place) => { // the colour of the cells at a place
    const at = Atlas.map.latLngToContainerPoint(place), box = Atlas.map.getContainer().getBoundingClientRect();
    for (const tile of document.querySelectorAll('.leaflet-cells-pane canvas')) {
        const own = tile.getBoundingClientRect(), ratio = tile.width / own.width;
        const x = box.left + at.x - own.left, y = box.top + at.y - own.top;
        if (x < 0 || y < 0 || x >= own.width || y >= own.height) continue;
        return [...tile.getContext('2d').getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1).data];
    }
}"""


def test_a_cell_says_what_it_holds_whether_it_is_drawn_as_a_spot_or_a_dot(browser, folder):
    with Visit(browser, folder / "town" / "internal.html") as visit:
        lat, lon = atlas_town.degrees((500.0, 900.0))
        seen = []
        for zoom in (17, 9):
            visit.page.evaluate(f"Atlas.map.setView([{lat}, {lon}], {zoom}, {{animate: false}})")
            visit.page.wait_for_timeout(300)
            seen.append(visit.page.evaluate(SHADE, [lat, lon]))
        assert seen[0] == pytest.approx(seen[1], abs=3)
        assert seen[0][3] > 200


def test_tables_sort_and_lead_to_the_map(browser, folder):
    with Visit(browser, folder / "town" / "internal.html") as visit:
        first = lambda: visit.page.text_content("#towns tbody tr:first-child td:first-child")  # noqa: E731
        visit.page.click("#towns th:nth-child(2) button")
        assert visit.page.get_attribute("#towns th:nth-child(2)", "aria-sort") == "descending"
        most = first()
        visit.page.click("#towns th:nth-child(2) button")
        assert first() != most
        visit.page.click("#towns td button")
        assert visit.page.get_attribute("#towns tr.chosen", "data-key") == first()
        assert visit.page.text_content(".leaflet-popup .card h2") == first()
        visit.page.click("#sites td button")
        visit.page.locator(".leaflet-popup .card", has_text="建议新增站点").wait_for()
        assert visit.page.get_attribute("#frontier svg", "aria-label") == "站点2个时覆盖率37%，增至4个时为66%。"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["index.html", "internal.html"])
def test_nothing_hangs_over_the_edge(browser, folder, name, size):
    with Visit(browser, folder / "town" / name, size) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        map_box = visit.page.query_selector(".map").bounding_box()
        assert map_box["width"] >= 380
        assert map_box["height"] >= 300


@pytest.mark.parametrize("size", SIZES)
def test_an_endless_word_stays_on_the_page(browser, tmp_path, size):
    long = "x" * 900
    given = atlas_town.arguments(publisher=long, map_approval=long)
    words = {name: [long, long + "2"] for name in ("name", "address", "kind", "tier", "host", "hours", "services")}
    given["stations"] = given["stations"].assign(**words)
    given["study"] = dataclasses.replace(given["study"], name=long)
    draw_atlas(**given).write(tmp_path / "town")
    for name in ("index.html", "internal.html"):
        with Visit(browser, tmp_path / "town" / name, size) as visit:
            visit.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            visit.page.evaluate("document.querySelector('.pin').click()")
            far = "filter((one) => !one.closest('.map, .wide') && one.getBoundingClientRect().right > innerWidth + 1)"
            over = f"[...document.querySelectorAll('body *')].{far}.map((one) => one.outerHTML.slice(0, 80))"
            assert visit.page.evaluate(over) == []
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["index.html", "internal.html"])
def test_axe_finds_nothing_to_mend(browser, folder, name, size):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install axe-playwright-python"
    )
    # the content policy lets no script in but the page's own; the checker is let past it
    with Visit(browser, folder / "town" / name, size, bypass_csp=True) as visit:
        for steps in ((), ("text=English", "#centre", "summary >> nth=-1", ".facilities summary", ".facilities input", ".pin")):
            for step in steps:
                visit.page.query_selector(step).dispatch_event("click")
            visit.page.wait_for_timeout(400)  # the map has moved the card into view
            found = axe.Axe().run(visit.page, options={"runOnly": WCAG})
            wrong = [
                (one["id"], one["help"], [node["html"][:160] for node in one["nodes"]]) for one in found.response["violations"]
            ]
            assert wrong == []


CROWD = 40  # stations, each nearer to the next than a finger is wide


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The little town with so many stations that their marks hide one another on a phone."""
    given, place = atlas_town.arguments(), tmp_path_factory.mktemp("crowd")
    places = [(300.0 + 40 * (i % 8), 300.0 + 40 * (i // 8)) for i in range(CROWD)]
    stations = stations_at(*places, names=[f"station {i}" for i in range(CROWD)], town="西镇")
    scores = given["scores"].iloc[[0] * CROWD].set_axis(stations.index).assign(name=stations["name"])
    draw_atlas(**given | {"stations": stations, "scores": scores, "isochrones": atlas_town.diamonds(stations)}).write(place)
    return place


NEAR = """(least) => { // the names of marks whose middle lies nearer than this to the middle of another
    const pins = [...document.querySelectorAll(".pin")], at = pins.map((pin) => [pin.title, pin.getBoundingClientRect()]);
    const far = (a, b) => Math.hypot(a.left + a.width / 2 - b.left - b.width / 2, a.top + a.height / 2 - b.top - b.height / 2);
    return at.filter(([, a]) => at.some(([, b]) => a !== b && far(a, b) < least)).map(([name]) => name);
}"""


@pytest.mark.parametrize(("name", "buttons"), [("index.html", "#list button"), ("internal.html", "#stations td button")])
def test_a_station_whose_mark_is_too_near_to_another_has_a_control_of_full_size_on_the_same_page(browser, crowd, name, buttons):
    """WCAG 2.2, 2.5.8: such marks may be there since what they do is done by another control that is large enough."""
    with Visit(browser, crowd / name, "phone") as visit:
        near = [one for one in visit.page.evaluate(NEAR, 24) if one.startswith("station ")]
        assert len(near) == CROWD
        rows = {row.query_selector(".name").text_content(): row for row in visit.page.query_selector_all(buttons)}
        boxes = [row.bounding_box() for row in rows.values()]
        assert set(near) == set(rows)
        assert min(min(box["width"], box["height"]) for box in boxes) >= 24
        tops = sorted((box["y"], box["y"] + box["height"]) for box in boxes)
        assert all(low <= high for (_, low), (high, _) in itertools.pairwise(tops))  # none lies on another
        for one in (near[0], near[-1]):
            rows[one].click()
            visit.page.locator(".leaflet-popup .card h2", has_text=re.compile(f"^{one}$")).wait_for()
            assert visit.page.get_attribute(".pin.chosen", "aria-label") == one


def test_the_keyboard_comes_to_the_list_of_stations_past_the_marks_of_the_map(browser, crowd):
    with Visit(browser, crowd / "index.html", "desktop") as visit:
        page = visit.page
        for key in ("Tab", "Tab", "Enter", "Tab"):
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement === document.querySelector('#list button')")
        assert page.evaluate("document.querySelector('#count').getBoundingClientRect().top >= 0")
        page.keyboard.press("Enter")
        page.locator(".leaflet-popup .card h2").wait_for()
        assert visit.complaints == []


@pytest.mark.parametrize("name", ["index.html", "internal.html"])
def test_the_legend_keeps_its_colours_where_the_reader_has_set_others(browser, folder, name):
    fills = "[...document.querySelectorAll('.swatch')].map((one) => getComputedStyle(one).backgroundColor)"
    with Visit(browser, folder / "town" / name, "desktop") as visit:
        plain = visit.page.evaluate(fills)
    with Visit(browser, folder / "town" / name, "desktop", forced_colors="active") as visit:
        assert visit.page.evaluate(fills) == plain
    assert len(set(plain)) > 2


def test_host_premises_are_buttons_that_the_keyboard_reaches_and_a_search_narrows(browser, tmp_path):
    given = atlas_town.arguments()
    many = given["candidates"].iloc[[-1] * 40].set_axis([f"h{i}" for i in range(40)]).rename_axis("site_id")
    names = [f"hall {i:02}" for i in range(40)]
    draw_atlas(**given | {"candidates": many.assign(name=pd.array(names, dtype="string"))}).write(tmp_path)
    with Visit(browser, tmp_path / "internal.html", "phone") as visit:
        page = visit.page
        page.click("#hosts-block summary")
        rows = page.locator("#hosts button")
        assert rows.count() == 30
        assert "40" in page.text_content("#host-count")
        assert min(min(box["width"], box["height"]) for box in [rows.nth(i).bounding_box() for i in range(30)]) >= 24
        rows.nth(1).focus()
        page.keyboard.press("Enter")
        page.locator(".leaflet-popup .card h2", has_text=names[1]).wait_for()
        assert page.evaluate("document.activeElement.classList.contains('card')")  # read out at once
        page.keyboard.press("Escape")
        page.locator(".leaflet-popup").wait_for(state="detached")
        assert page.evaluate("document.activeElement.querySelector('.name').textContent") == names[1]
        page.fill("#host-search", "HALL 39")
        assert [one.text_content() for one in page.query_selector_all("#hosts .name")] == [names[39]]
        page.fill("#host-search", "nowhere at all")
        assert rows.count() == 0
        assert visit.complaints == []


def test_a_name_has_room_in_the_tables_and_nothing_moves_where_that_is_not_wanted(browser, tmp_path):
    names = [f"Sala do Trabalhador {number}" for number in range(11, 20)]
    draw_atlas(**atlas_town.arguments(names), policy=PACK).write(tmp_path)
    with Visit(browser, tmp_path / "internal.html", "phone", reduced_motion="reduce") as visit:
        lines = (
            "(button) => { const words = document.createRange(); words.selectNodeContents(button); "
            "return new Set([...words.getClientRects()].map((one) => Math.round(one.top))).size; }"
        )
        shown = [one for one in visit.page.query_selector_all("td.go button") if one.text_content() in names]
        assert len(shown) > 2
        assert max(one.evaluate(lines) for one in shown) <= 2  # of three words each
        moving = (
            "[...document.querySelectorAll('*')].filter((one) => "
            "getComputedStyle(one).transitionDuration.split(', ').some((time) => parseFloat(time) > 0)).length"
        )
        visit.page.query_selector(".pin").dispatch_event("click")
        visit.page.wait_for_selector(".leaflet-popup .card")
        assert visit.page.evaluate(moving) == 0
        visit.page.emulate_media(reduced_motion="no-preference")
        assert visit.page.evaluate(moving) > 0  # a card fades in where it may


def province(names: Sequence[str], apart: float = 0.0) -> str:
    """The page of a province of two districts and three towns, the first district and town and a station by the `names`.

    The second district lies `apart` degrees farther north.
    """
    corners = ((121.0, 31.0), (121.2, 31.0), (121.0, 31.1 + apart))
    shapes = [shapely.box(east, north, east + 0.2, north + 0.1) for east, north in corners]
    places = pd.MultiIndex.from_tuples([("a", names[1]), ("a", "北镇"), ("b", "南镇")], names=["district", "town"])
    rows = {
        "study": [names[0], "Second"], "population": [1e6, 5e5], "covered_pop": [8e5, 2e5], "coverage": [0.8, 0.4],
        "stations": [1, 0], "sites": [3, 1], "cutoff_minutes": [15.0, 15.0], "pace_mps": [1.33, 1.33],
        "as_of": ["2025-06-30", "2025-06-30"],
    }  # fmt: skip
    stations = gpd.GeoDataFrame({"name": [names[2]]}, geometry=[shapely.Point(121.1, 31.05)], crs=4326)
    tables = {
        "districts": pd.DataFrame(rows, index=["a", "b"]),
        "groups": pd.DataFrame({"covered": [1e6], "total": [1.5e6]}, index=["residents"]),
        "towns": gpd.GeoDataFrame({"coverage": [0.9, np.nan, 0.4]}, geometry=shapes, crs=4326, index=places),
        "stations": stations,
    }
    return draw_province(tables, {"a": "../studies/a", "b": "../studies/b"}, [names[3]])


@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_a_province_speaks_one_language_at_a_time(browser, tmp_path, size):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install axe-playwright-python"
    )
    (tmp_path / "index.html").write_text(province(atlas_town.HOSTILE), encoding="utf-8")
    with Visit(browser, tmp_path / "index.html", size, shown="svg.map", bypass_csp=True) as visit:
        page = visit.page
        for language, other, said in (("zh", "en", "可在时限内到达"), ("en", "zh", "can reach a station in time")):
            page.click(f"a[href='#lang={language}']")
            page.reload()  # and stays in it
            assert said in page.inner_text("h1")
            assert page.locator(f".{language}:visible").count() > 10
            assert page.locator(f".{other}:visible").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
            assert axe.Axe().run(page, options={"runOnly": WCAG}).response["violations"] == []
        assert atlas_town.HOSTILE[0] in page.inner_text("table")
        assert page.locator("svg.map path").count() == 3
        assert page.locator("svg.map circle").bounding_box()["width"] >= 5  # pixels of a station, on a phone as well
        assert page.evaluate("window.hacked") is None
        assert page.locator(".en a:visible, a.en:visible").first.get_attribute("href").endswith("index.html#lang=en")
    with Visit(browser, tmp_path / "index.html", size, shown="svg.map") as visit:  # with its content policy
        assert (visit.strangers(), visit.complaints) == ([], [])


def test_far_off_districts_have_maps_of_their_own_and_neighbours_one_with_their_borders_and_names():
    near, far = province(["Here", "北镇", "站", "x"]), province(["Here", "北镇", "站", "x"], apart=3.0)
    assert [page.count('<svg class="map"') for page in (near, far)] == [1, 2]
    assert near.count("<polygon") == 2  # two towns of the first district are joined
    assert re.findall(r"<text[^>]*>([^<]+)</text>", near) == ["Here", "Second"]
    assert re.findall(r'<figcaption><span class="zh" lang="zh-CN">([^<]+)<', far) == ["Here", "Second"]
    assert [part.count("<circle") for part in far.split("<figure>")[1:]] == [1, 0]  # the station stands in the first


def test_tiles_are_asked_for_only_where_the_study_says_so(browser, tmp_path):
    asked = {"tiles": "https://{s}.tiles.example.org/{z}/{x}/{y}.png", "attribution": "© Example & Sons"}
    draw_atlas(**atlas_town.arguments(**asked)).write(tmp_path)
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    page, hosts, words = window.new_page(), set(), []
    pixel = base64.b64decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")
    page.route(re.compile("^https:"), lambda route: route.fulfill(body=pixel, content_type="image/gif"))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("console", lambda message: words.append(message.text))
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("img.leaflet-tile-loaded")
    assert hosts - {None, ""} <= {f"{letter}.tiles.example.org" for letter in "abc"}
    assert words == []
    assert "© Example & Sons" in page.text_content("#strip")
    assert page.evaluate("document.querySelectorAll('canvas').length") == 0  # the streets wait to be asked for
    window.close()


def in_shanghai(**publish: Any) -> dict[str, Any]:
    """The little town moved to where GCJ-02 shifts."""
    north_m = 3_456_000.0
    given = atlas_town.arguments(**publish)
    for name in ("towns", "stations", "coverage", "isochrones", "sites", "candidates", "backdrop"):
        given[name] = given[name].set_geometry(given[name].geometry.translate(0, north_m))
    plain = given["network"]
    return given | {"network": Network.from_segments(plain.node_xy + np.array([0, north_m]), plain.ends, crs=plain.crs)}


class _Square(http.server.BaseHTTPRequestHandler):
    """Answers every tile with one grey pixel, to be stretched."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/gif")
        self.end_headers()
        self.wfile.write(base64.b64decode("R0lGODlhAQABAIAAAMzMzAAAACwAAAAAAQABAAACAkQBADs="))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def tile_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Square) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{{z}}/{{x}}/{{y}}.gif"
        server.shutdown()


@pytest.mark.parametrize(("datum", "drawn"), [("gcj02", wgs84_to_gcj02), ("wgs84", lambda lon, lat: (lon, lat))])
def test_tiles_lie_where_their_datum_says_to_a_pixel(browser, tile_server, tmp_path, datum, drawn):
    draw_atlas(**in_shanghai(tiles=tile_server, attribution="© test", tiles_datum=datum)).write(tmp_path)
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    page = window.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    for _ in range(2):
        page.wait_for_selector("img.leaflet-tile-loaded")
        page.wait_for_timeout(500)
        boxes = page.evaluate("""[...document.querySelectorAll('img.leaflet-tile')].map((tile) => {
            const box = tile.getBoundingClientRect();
            return [new URL(tile.src).pathname, box.left, box.top, box.width, box.height];
        })""")
        at = {path: place for path, *place in boxes}
        zooms = {int(path.split("/")[1]) for path in at}
        for x, y in atlas_town.PLACES:
            lon, lat = pyproj.Proj(CRS)(x, y + 3_456_000.0, inverse=True)
            east, north = drawn(lon, lat)
            zoom = max(zooms)  # the tile of the slippy map that holds the place, and where in it
            across = (float(east) / 360 + 0.5) * 2**zoom
            down = (0.5 - math.asinh(math.tan(math.radians(float(north)))) / (2 * math.pi)) * 2**zoom
            left, top, width, height = at[f"/{zoom}/{int(across)}/{int(down)}.gif"]
            shown = left + (across % 1) * width, top + (down % 1) * height
            true = page.evaluate(WHERE, [lat, lon])
            assert shown == pytest.approx(true, abs=1.6)
        page.click(".leaflet-control-zoom-in")
        page.wait_for_timeout(600)
    window.close()


def test_the_page_shifts_as_the_datum_code_does(browser, folder):
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(75, 134, 40), rng.uniform(18, 53, 40)
    with Visit(browser, folder / "town" / "index.html") as visit:
        places = [[float(a), float(b)] for a, b in zip(lat, lon, strict=True)]
        there = np.array(visit.page.evaluate("(list) => list.map((p) => Atlas.toGcj(...p))", places))
        back = np.array(visit.page.evaluate("(list) => list.map((p) => Atlas.fromGcj(...p))", there.tolist()))
        assert visit.page.evaluate("Atlas.toGcj(48.85, 2.35)") == [48.85, 2.35]
    east, north = wgs84_to_gcj02(lon, lat)
    assert np.abs(there - np.column_stack([north, east])).max() < 1e-11
    assert np.abs(back - np.column_stack([lat, lon])).max() < 1e-9


def test_paper_shows_the_map_and_the_list_without_the_controls(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        zoom = "document.querySelector('.leaflet-proxy').style.transform"
        before = visit.page.evaluate(zoom)
        visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        for hidden in ("#search", ".leaflet-control-zoom", ".languages"):
            assert not visit.page.is_visible(hidden)
        for shown in (".map", ".list .name", "#about"):
            assert visit.page.is_visible(shown)
        visit.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert visit.page.is_visible("#search")
        assert not visit.page.is_visible("#about")
        assert visit.page.evaluate(zoom) == before


def test_an_open_card_stands_whole_below_the_map_on_paper(browser, folder):
    with Visit(browser, folder / "town" / "index.html") as visit:
        visit.page.click(".list button")
        visit.page.wait_for_selector(".leaflet-popup .card")
        name = visit.page.inner_text(".leaflet-popup .card h2")
        visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert not visit.page.is_visible(".leaflet-popup")
        assert visit.page.inner_text(".map-room + .block .card h2") == name
        visit.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert visit.page.is_visible(".leaflet-popup .card")
        assert visit.page.query_selector(".map-room + .block") is None


def test_the_legend_speaks_of_the_water_and_green_that_can_be_seen(browser, tmp_path):
    given = atlas_town.arguments()
    for name, kinds, words in (("both", ["water", "green"], {"水系与绿地"}), ("lawn", ["green", "green"], {"绿地"})):
        backdrop = gpd.GeoDataFrame({"kind": kinds}, geometry=given["backdrop"].geometry.to_numpy(), crs=CRS)
        draw_atlas(**given | {"backdrop": backdrop}).write(tmp_path / name)
        with Visit(browser, tmp_path / name / "index.html") as visit:
            said = {one.strip() for one in visit.page.locator("#layers label").all_text_contents()}
            assert said & {"水系与绿地", "水系", "绿地"} == words
            assert visit.complaints == []
