"""The Word report says the figures of the run, in either language, and takes any text for text."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import docx
import geopandas as gpd
import pandas as pd
import pytest
from builders import STROLL, lattice, stations_at
from matplotlib import font_manager
from shapely import box

from planner.errors import PlannerWarning
from planner.isochrones import isochrone_bands
from planner.publish.pictures import chinese_font, draw_bars, draw_frontier, draw_map
from planner.publish.report import write_report
from planner.schema import TOWN_SCORES, TOWNS
from planner.study import Group, NetworkSource, PopulationSource, Scenario, StationSource, Study

HOSTILE = "<script>\x00\x0b$x^2$ &"


def study(**changes: object) -> Study:
    sources = NetworkSource(file="n.osm"), StationSource(file="s.csv"), PopulationSource(file="p.csv")
    return replace(Study("Example", "towns.geojson", *sources, scenario=Scenario(groups=(Group("few", "毕业生"),))), **changes)


def tables(worst: str = "Old town") -> dict[str, pd.DataFrame]:
    towns = {"town": [worst, "New town"], "population": [100.0, 50.0], "covered_pop": [25.0, 50.0], "coverage": [0.25, 1.0]}
    groups = {"group": ["residents", "few"], "label": ["residents", "毕业生"], "total": [150.0, None], "covered": [75.0, None]}
    return {
        "towns": TOWN_SCORES.conform(pd.DataFrame({**towns, "stations": [1, 2], "met": [False, True]})),
        "groups": pd.DataFrame({**groups, "coverage": [0.5, None]}).set_index("group"),
    }


SUMMARY = {"coverage": 0.5, "stations": 3, "cutoff_minutes": 15.0, "population": 150.0, "covered_pop": 75.0}


def written(path: Path, language: str, worst: str = "Old town") -> str:
    write_report(
        path,
        study=study(),
        summary=SUMMARY,
        tables=tables(worst),
        pictures=[],
        as_of=dt.date(2025, 6, 30),
        sources=["Streets: © OpenStreetMap contributors"],
        notes=["one note"],
        language=language,
    )
    book = docx.Document(str(path))
    cells = [cell.text for table in book.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in book.paragraphs), *cells])


def test_the_report_says_the_figures_the_sources_and_the_notes(tmp_path: Path) -> None:
    text = written(tmp_path / "r.docx", "en")
    for said in (
        "50% of residents live within 15 minutes' walk",
        "150 residents",
        "Old town (25.0%)",
        "OpenStreetMap",
        "one note",
    ):
        assert said in text
    assert "50%的居民步行15分钟内可到达就业服务站点" in written(tmp_path / "z.docx", "zh")


def test_a_suppressed_count_is_a_dash_and_hostile_text_is_text(tmp_path: Path) -> None:
    text = written(tmp_path / "r.docx", "en", worst=HOSTILE)
    assert "–" in text
    assert "<script>$x^2$ &" in text


def test_the_same_run_gives_the_same_report(tmp_path: Path) -> None:
    written(tmp_path / "a.docx", "zh")
    written(tmp_path / "b.docx", "zh")
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_maps_and_charts_are_drawn_without_a_browser_the_same_way_each_time(form: str, start: bytes) -> None:
    network, stations = lattice(), stations_at((300, 300), (700, 700))
    frame = gpd.GeoDataFrame({"town": ["A"]}, geometry=[box(0, 0, 1000, 1000)], crs=network.crs)
    outlines = isochrone_bands(network, stations, STROLL)
    frontier = pd.DataFrame({"stations": [1, 2], "covered_pop": [5.0, 8.0], "bound": [5.0, 8.0]}).set_index("stations")

    def drawn() -> list[bytes]:
        on_map = draw_map(
            network=network,
            towns=TOWNS.conform(frame),
            stations=stations,
            isochrones=outlines,
            form=form,  # type: ignore[arg-type]
        )
        bars = draw_bars(tables(HOSTILE.replace("\x00", ""))["towns"], "town", form=form)  # type: ignore[arg-type]
        return [on_map, bars, draw_frontier(frontier, 1, form=form)]  # type: ignore[arg-type]

    first = drawn()
    assert all(picture.startswith(start) for picture in first)
    assert drawn() == first


def test_without_a_chinese_font_a_sentence_says_so_and_labels_are_english(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    with pytest.warns(PlannerWarning, match="no font with Chinese letters"):
        assert chinese_font() is None
    with pytest.warns(PlannerWarning, match="labelled in English"):
        in_zh = draw_bars(tables()["towns"], "town", language="zh", form="svg")
    assert in_zh == draw_bars(tables()["towns"], "town", language="en", form="svg")
