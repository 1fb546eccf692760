"""What a notebook shows: facts as small tables, a folium map to add to, matplotlib axes; all text stays text."""

from __future__ import annotations

import dataclasses
import re
import warnings
from pathlib import Path

import atlas_town
import folium
import geopandas as gpd
import pytest
from builders import lattice
from matplotlib.axes import Axes

import planner
from planner.card import html_card
from planner.errors import MachineNote, PlannerWarning, StudyError
from planner.publish.atlas.notebook_map import draw_layers
from planner.publish.pictures import chinese_font
from planner.run import Run
from planner.run.story import noted

DISTRICT = Path(__file__).parent.parent / "data" / "district"


@pytest.fixture(scope="module")
def run() -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # the made district has its surprises
        return planner.run_study(planner.read_study(DISTRICT))


def test_what_is_of_the_machine_is_said_at_once_and_is_no_note_of_the_study() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with noted() as notes, noted() as inner:
            warnings.warn("odd", PlannerWarning, stacklevel=1)
            warnings.warn("slow", MachineNote, stacklevel=1)
            assert [str(each.message) for each in heard] == ["slow"]
    assert notes == inner == ["odd"]
    assert [str(each.message) for each in heard] == ["slow", "odd"]


def test_cards_say_the_notes_that_a_notebook_need_not_see_as_warnings(run: Run) -> None:
    islands = next(said for said in run.notes if "not joined to the largest one" in said)
    services = next(said for said in run.notes if said.startswith("life circle"))
    assert islands in run.survey.notes
    assert services not in run.survey.notes
    assert islands in run.survey._repr_html_()
    shown = run._repr_html_()
    assert (shown.count(islands), shown.count(services)) == (1, 1)
    for notebook in sorted((DISTRICT.parent.parent / "notebooks").glob("*.ipynb")):
        assert 'warnings.filterwarnings(\\"ignore\\", category=planner.PlannerWarning)' in notebook.read_text(encoding="utf-8")


def test_notes_are_kept_and_still_warned_about_even_before_an_error() -> None:
    def speak() -> None:
        with noted() as notes:
            warnings.warn("odd", PlannerWarning, stacklevel=1)
            warnings.warn("odd", PlannerWarning, stacklevel=1)
            warnings.warn("of a library", UserWarning, stacklevel=1)
            assert notes == []
            raise StudyError("wrong")

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(StudyError):
            speak()
    assert [str(each.message) for each in heard] == ["odd", "odd", "of a library"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with noted() as notes:
            warnings.warn("odd", PlannerWarning, stacklevel=1)
            warnings.warn("odd", PlannerWarning, stacklevel=1)
    assert notes == ["odd"]


def tables(text: tuple[str, ...] = ()) -> dict:
    given = atlas_town.arguments(text)
    scored = gpd.GeoDataFrame(given["stations"][["geometry"]].join(given["scores"].drop(columns="geometry", errors="ignore")))
    towns = gpd.GeoDataFrame(given["town_scores"].join(given["towns"].geometry), geometry="geometry", crs=given["towns"].crs)
    return {"towns": towns, "isochrones": given["isochrones"], "stations": scored, "sites": given["sites"]}


def test_a_card_escapes_what_it_shows() -> None:
    card = html_card("<b>", [("a & b", "<script>")], [["x"], ["<i>"]])
    assert not re.search("<(b|script|i)>", card)
    assert "&lt;script&gt;" in card


def test_study_network_survey_plan_and_run_show_themselves(run: Run) -> None:
    study = dataclasses.replace(run.survey.study, name="<img onerror=1>")
    assert "&lt;img onerror=1&gt;" in study._repr_html_()
    assert "4.8 km/h" in study._repr_html_()
    assert "121" in lattice()._repr_html_()  # eleven times eleven corners
    shown = run._repr_html_()
    assert run.proposal is not None
    assert run.proposal.plan is not None
    for site in run.proposal.plan.sites["name"]:
        assert site in shown
    for said in ("standing stations", "13", "450,000", "45.1%", "residents gained"):
        assert said in shown
    assert str(len(run.proposal.candidates)) in run.proposal._repr_html_()


def test_no_count_of_a_key_group_is_in_what_a_plan_shows(run: Run) -> None:
    assert run.proposal is not None
    assert run.proposal.plan is not None
    shown = run.proposal.plan._repr_html_()
    assert "need" not in shown
    for group in run.survey.study.scenario.groups:
        assert group.name not in shown
        assert group.label not in shown


def test_the_map_is_folium_takes_more_layers_and_is_the_same_again(run: Run) -> None:
    first, second = run.map(language="en"), run.map(language="en")
    assert isinstance(first, folium.Map)
    assert first.get_root().render() == second.get_root().render()
    names = [child.layer_name for child in first._children.values() if isinstance(child, folium.FeatureGroup)]
    assert names == ["Share covered by town", "Outlines", "Stations", "Proposed sites"]
    folium.Marker([29.5, 123.5], tooltip="mine").add_to(first)
    assert "mine" in first.get_root().render()


def test_the_map_says_what_its_colours_mean() -> None:
    page = draw_layers(tables(), "en").get_root().render()
    legend = page.split('class="planner-legend"')[1].split("</div></div>")[0]
    for said in ("share of residents covered", "within 5 minutes", "station", "proposed site"):
        assert said in legend
    assert "就业服务站点" in draw_layers(tables(), "zh").get_root().render().split('class="planner-legend"')[1]


def test_a_bundled_map_asks_nobody_and_text_from_a_file_is_no_code() -> None:
    page = draw_layers(tables(atlas_town.HOSTILE)).get_root().render()
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    tips = re.findall(r"bindTooltip\(\s*`(.*?)`,", page, re.DOTALL)
    assert len(tips) == 2 + 2 + 2 + 2  # towns, bands, stations, sites
    for tip in tips:
        assert not set(re.sub(r"</?div>", "", tip)) & set("<>`$\\{}\u2028\u2029")
    with pytest.raises(StudyError, match="bundled, cdn"):
        draw_layers(tables(), assets="elsewhere")  # type: ignore[arg-type]


def test_a_bundled_map_opens_in_a_browser_without_a_word(tmp_path: Path) -> None:
    test_maps = pytest.importorskip("test_maps")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if test_maps.CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install chromium to try the map in a browser")
    chart = draw_layers(tables(atlas_town.HOSTILE))
    lat, lon = atlas_town.degrees((500.0, 500.0))
    folium.Marker([lat, lon]).add_to(chart)
    (tmp_path / "map.html").write_text(chart.get_root().render(), encoding="utf-8")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=test_maps.CHROMIUM, args=test_maps.QUIET)
        page = browser.new_context(offline=True).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "map.html").as_uri())
        page.wait_for_selector("path.leaflet-interactive", state="attached")
        assert page.evaluate("document.querySelector('img.leaflet-marker-icon').naturalWidth") == 25
        assert said == []
        assert page.evaluate("window.hacked") is None
        browser.close()


def test_plots_are_axes(run: Run) -> None:
    for plot in (run.plot_map, run.plot_gaps, run.plot_towns, run.plot_groups, run.plot_frontier):
        assert isinstance(plot("en"), Axes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # where no font has Chinese letters
        bars, has_font = run.plot_towns("zh"), chinese_font() is not None
    assert len(bars.patches) == len(run.town_scores)
    names = set(run.town_scores.index) if has_font else {str(i + 1) for i in range(len(run.town_scores))}
    assert {tick.get_text() for tick in bars.get_yticklabels()} == names


def test_without_candidates_there_is_no_frontier_to_plot(run: Run) -> None:
    alone = dataclasses.replace(run, proposal=None)
    with pytest.raises(StudyError, match="candidates"):
        alone.plot_frontier()
    assert alone.plot_map() is not None
