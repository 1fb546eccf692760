"""The Word report says the figures of the run, in either language, and takes any text for text."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
import io
import re
import warnings
from dataclasses import replace
from pathlib import Path

import docx
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from builders import STROLL, corners, demand_at, lattice, stations_at
from docx.oxml.ns import qn
from docx.shared import Cm
from matplotlib import font_manager
from PIL import Image
from shapely import box

from planner.errors import PlannerWarning
from planner.isochrones import isochrone_bands
from planner.publish.blocks import Cells, Heading, Paper, Text
from planner.publish.pictures import (
    Imprint,
    Picture,
    as_file,
    chinese_font,
    plot_bars,
    plot_frontier,
    plot_gaps,
    plot_map,
    sign,
)
from planner.publish.report import compose_report
from planner.publish.web_file import web_text
from planner.publish.word_file import _parts, _widths, write_word
from planner.schema import ALTERNATIVES, FRONTIER, REASONS, TIERS, TOWN_SCORES, TOWNS
from planner.study import Group, NetworkSource, PopulationSource, Scenario, StationSource, Study, TownWalk, Walk

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
    said = compose_report(
        study=study(),
        summary=SUMMARY,
        tables=tables(worst),
        pictures=[],
        as_of=dt.date(2025, 6, 30),
        sources=["Streets: © OpenStreetMap contributors"],
        notes=["one note"],
        language=language,
    )
    write_word(path, said)
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
        "One note",
    ):
        assert said in text
    assert "50%的居民步行15分钟内可到达就业服务站点" in written(tmp_path / "z.docx", "zh")


def paper(language: str = "en", worst: str = "Old town", **more: pd.DataFrame) -> Paper:
    picture = Picture("map", f"Stations of {worst}", as_file(plot_bars(tables()["towns"], "town")))
    return compose_report(
        study=study(), summary=SUMMARY, tables=tables(worst) | more, pictures=[picture], as_of=dt.date(2025, 6, 30),
        sources=["Streets: © OpenStreetMap contributors"], notes=["one note"], language=language,
    )  # fmt: skip


def test_the_web_page_says_what_the_word_file_says_and_asks_nobody() -> None:
    page = web_text(paper(worst=HOSTILE))
    assert "<script" not in page
    assert "&lt;script&gt;$x^2$ &amp;" in page
    assert "50% of residents live within 15 minutes&#x27; walk" in page
    assert page.count("<img") == 1
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in page
    assert web_text(paper(worst=HOSTILE)) == page


def test_headings_tables_and_pictures_are_counted_and_sections_stand_only_where_there_are_tables(tmp_path: Path) -> None:
    targets = pd.DataFrame(
        {"target": ["t"], "place": ["district"], "zh": ["不少于24个"], "en": ["at least 24"], "by": [dt.date(2025, 12, 31)],
         "minimum": [24], "counted": [13], "shortfall": [11], "met": [False]}).set_index(["target", "place"])  # fmt: skip
    headings = [block.text for block in paper("zh").blocks if isinstance(block, Heading)]
    assert headings == ["一、主要结论", "二、测算方法", "三、各街镇情况", "四、重点群体情况", "五、局限与说明", "附：指标定义"]
    blocks = paper("zh", targets=targets).blocks
    assert "五、目标跟踪" in [block.text for block in blocks if isinstance(block, Heading)]
    shown = [block for block in blocks if isinstance(block, Cells)]
    assert [block.caption for block in shown] == [
        "表1  各街镇覆盖情况", "表2  常住人口与重点群体覆盖情况", "表3  目标完成情况"]  # fmt: skip
    assert list(shown[2].rows[0]) == ["不少于24个", "全区", "2025-12-31", "24", "13", "11", "否"]
    assert shown[2].headings[0] == "目标"
    write_word(tmp_path / "r.docx", paper("zh", targets=targets))
    for table in docx.Document(str(tmp_path / "r.docx")).tables[1:]:
        assert "tblHeader" in table.rows[0]._tr.xml
        assert all("cantSplit" in row._tr.xml for row in table.rows)
        assert sum(cell.width.cm for cell in table.rows[0].cells) == pytest.approx(16.0, abs=0.2)


def test_the_gaps_are_drawn_of_residents_alone() -> None:
    network, stations = lattice(), stations_at((300, 300))
    frame = gpd.GeoDataFrame({"town": ["A"]}, geometry=[box(0, 0, 1000, 1000)], crs=network.crs)
    demand = demand_at(corners(), 10.0)
    coverage = demand.assign(covered=[x < 500 for x, _ in corners()])

    def drawn(table: gpd.GeoDataFrame) -> bytes:
        axes = plot_gaps(network=network, towns=TOWNS.conform(frame), stations=stations, coverage=table)
        return as_file(axes, form="svg")

    plain = drawn(coverage)
    assert drawn(coverage.assign(pop_few=99.0)) == plain
    assert drawn(coverage.assign(covered=True)) != plain


@pytest.mark.parametrize(("language", "tongue"), [("zh", "zh-CN"), ("en", "en-US")])
def test_a_word_file_says_its_title_and_language_to_whoever_reads_it_aloud(tmp_path: Path, language: str, tongue: str) -> None:
    long = replace(paper(language), title="<b>Report</b> " + "x" * 300)
    write_word(tmp_path / "r.docx", long)
    book = docx.Document(str(tmp_path / "r.docx"))
    about = book.core_properties
    assert (about.title, about.language, about.comments, about.author) == (long.title[:255], tongue, "", "")
    (said,) = book.styles.element.xpath(".//w:rPrDefault//w:lang")
    assert said.attrib == {qn("w:val"): "en-US", qn("w:eastAsia"): "zh-CN", qn("w:bidi"): "ar-SA"}  # Latin words break as such


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
        plots = [
            plot_map(network=network, towns=TOWNS.conform(frame), stations=stations, isochrones=outlines),
            plot_bars(tables(HOSTILE.replace("\x00", ""))["towns"], "town"),
            plot_frontier(frontier, 1),
        ]
        return [as_file(axes, form=form) for axes in plots]  # type: ignore[arg-type]

    first = drawn()
    assert all(picture.startswith(start) for picture in first)
    assert drawn() == first


def test_without_a_chinese_font_a_sentence_says_so_and_labels_are_english(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    with pytest.warns(PlannerWarning, match="no font with Chinese letters"):
        assert chinese_font() is None
    with pytest.warns(PlannerWarning, match="labelled in English"):
        in_zh = as_file(plot_bars(tables()["towns"], "town", language="zh"), language="zh", form="svg")
    assert in_zh == as_file(plot_bars(tables()["towns"], "town", language="en"), language="en", form="svg")


def test_names_that_no_font_can_draw_are_numbers_and_never_empty_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    axes = plot_bars(tables("东镇")["towns"], "town")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2", "1"]  # rows of the table, worst at the top
    assert axes.get_ylabel() == "row of the table"
    assert [label.get_text() for label in plot_bars(tables()["towns"], "town").get_yticklabels()] == ["New town", "Old town"]


def test_a_font_that_came_after_the_list_of_fonts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    every = font_manager.fontManager.ttflist
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        found = chinese_font()
    if found is None:
        pytest.skip("no Chinese font on this machine: install fonts-noto-cjk to try how it is found")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [font for font in every if font.name == "DejaVu Sans"])
    assert chinese_font() is not None


def life_services() -> pd.DataFrame:
    rows = [("repair", "district", 3), ("repair", "Old town", 3), ("market", "district", 0), ("market", "Old town", 0)]
    table = pd.DataFrame(rows, columns=["service", "place", "places"])
    named = {"repair": ("repair", "维修"), "market": ("food market", "菜场")}
    table["en"], table["zh"] = ([named[key][i] for key in table["service"]] for i in (0, 1))
    return table.assign(service_class="basic", population=150.0, covered_pop=75.0, coverage=0.5).set_index(["service", "place"])


def test_services_of_the_living_circle_have_a_row_each_and_not_one_a_town() -> None:
    (table,) = [
        block
        for block in paper(life_services=life_services()).blocks
        if isinstance(block, Cells) and "services" in block.caption.lower()
    ]
    assert [row[0] for row in table.rows] == ["repair", "food market"]


def test_all_residents_and_missing_services_are_named_in_the_language_of_the_report() -> None:
    given = tables() | {"life_services": life_services()}
    note = "life circle: no place is known for food market, repair: none is there or none mapped; left out of the shares"
    grad = "few, a.csv within the area: 12 people in, 12 out; 3 of 12 rows lie outside the area"
    offer = "nothing is said of what 2 stations offer (the first is S1); towards 'each' they are taken as well equipped"
    given["targets"] = pd.DataFrame({"target": ["each"], "place": ["district"], "en": ["one a town"], "zh": ["每镇一个"]})
    given["groups"] = given["groups"].assign(label=["常住人口", "毕业生"])
    said = {
        language: web_text(compose_report(
            study=study(), summary=SUMMARY, tables=given, pictures=[], as_of=dt.date(2025, 6, 30), sources=[],
            notes=[note, grad, offer], language=language,
        ))
        for language in ("zh", "en")
    }  # fmt: skip
    assert ">常住人口</td>" in said["zh"]
    assert ">residents</td>" in said["en"]
    assert "常住人口" not in said["en"]
    assert "Life circle: no place is known for food market, repair: none" in said["en"]
    assert "毕业生，a.csv本区部分" in said["zh"]
    assert "毕业生, a.csv within the area" in said["en"]
    assert "考核“每镇一个”时" in said["zh"]
    assert "towards 'one a town' they" in html.unescape(said["en"])
    assert "生活圈：没有菜场、维修的地点数据" in said["zh"]


def test_towns_with_a_walk_of_their_own_are_in_the_finding_and_the_method() -> None:
    walk = Walk(towns={"New <town>": TownWalk(minutes=20, profile="elder")})
    own = study(scenario=Scenario(walk=walk, groups=(Group("few", "毕业生"),)))
    summary = SUMMARY | {"coverage": 0.99996}
    said = {
        language: web_text(
            compose_report(
                study=own,
                summary=summary,
                tables=tables(),
                pictures=[],
                as_of=dt.date(2025, 6, 30),
                sources=[],
                notes=[],
                language=language,
            )
        )
        for language in ("zh", "en")
    }
    assert "within 15–20 minutes' walk (by town)" in html.unescape(said["en"])
    assert "Residents of New &lt;town&gt;: 20 min at 3.3 km/h" in said["en"]
    assert "步行15–20分钟（依所在街镇）" in said["zh"]
    assert "New &lt;town&gt;居民：老年人步行，每小时3.3公里，20分钟" in said["zh"]


def test_a_share_is_all_or_none_only_where_it_is() -> None:
    nearly = pd.DataFrame({"town": ["A", "B", "C"], "coverage": [0.00004, 0.99996, 1.0]})
    table = tables()["towns"].assign(coverage=[0.00004, 0.99996])
    said = web_text(paper(towns=table))
    assert "99.9%" in said
    assert "Old town (0.1%)" in said
    labels = [text.get_text() for text in plot_bars(nearly.set_index("town"), "town").texts]
    assert sorted(labels) == ["0.1%", "100.0%", "99.9%"]


def test_minutes_of_a_column_are_all_told_to_a_tenth() -> None:
    given = tables()["groups"].assign(median_walk_min=[14.0, 14.06], p90_walk_min=[9.96, None])
    said = web_text(paper(groups=given))
    assert "14.0" in said
    assert "14.1" in said
    assert "10.0" in said


def test_whoever_rides_is_not_said_to_walk() -> None:
    riding = study(scenario=Scenario(walk=Walk(profile="bicycle"), groups=(Group("few", "毕业生"),)))
    for language, walks in (("zh", "步行"), ("en", "walk")):
        composed = compose_report(
            study=riding,
            summary=SUMMARY,
            tables=tables("Sidewalk"),
            pictures=[],
            as_of=dt.date(2025, 6, 30),
            sources=[],
            notes=[],
            language=language,
        )
        said = web_text(composed).replace("Sidewalk", "")
        assert walks not in said.split("</style>")[1].lower()
        assert {"zh": "骑行", "en": "ride"}[language] in said


def test_a_picture_that_stands_alone_says_what_it_shows_with_pace_date_and_sources() -> None:
    imprint = Imprint("Old $x$ <b>", ["15 min at 4.8 km/h · As of 30 June 2025", "Streets: " + "and more words " * 12])
    axes = plot_bars(tables()["towns"], "town")
    bare = as_file(axes)
    sign(axes, "Coverage by town", imprint)
    head, foot = (text.get_text().replace("\\$", "$").split("\n") for text in axes.figure.texts)
    assert head == ["Old $x$ <b>", "Coverage by town"]
    assert foot[0] == imprint.lines[0]
    assert " ".join(foot[1:]) == imprint.lines[1].strip()
    assert max(map(len, foot)) <= 112
    signed, again = as_file(axes), as_file(axes)
    assert signed == again
    high = lambda png: int.from_bytes(png[20:24], "big")  # noqa: E731
    assert high(signed) > high(bare)


def test_the_legend_of_a_signed_map_stands_above_its_imprint() -> None:
    streets, towns = (
        lattice(),
        TOWNS.conform(gpd.GeoDataFrame({"town": ["T"]}, geometry=[box(0, 0, 1000, 1000)], crs=lattice().crs)),
    )
    stations = stations_at((200.0, 500.0))
    outlines = isochrone_bands(streets, stations, STROLL)
    axes = plot_map(network=streets, towns=towns, stations=stations, isochrones=outlines)
    assert any(
        len(each.get_paths()) == 1 and each.get_paths()[0].codes.tolist() == [1, 2] * len(streets.ends)
        for each in axes.collections
        if each.get_paths() and each.get_paths()[0].codes is not None
    )  # all streets at once
    sign(axes, "Stations", Imprint("Place", ["15 min"]))
    said = r"<!-- ([^<]+) -->\s*<g [^>]*translate\(\S+ (\S+)\)"
    down = {text: float(place) for text, place in re.findall(said, as_file(axes, form="svg").decode())}
    assert down["15 min"] > down["station"] + 15  # below every entry of the legend
    assert down["Place"] < down["200 m"]


def test_long_names_have_room_on_the_page_beside_long_headings_of_numbers() -> None:
    rows = [["新城街道就业服务站", "东镇", "1"]]
    page = web_text(Paper("t", (), (Cells("Table 1", ["name", "town", "residents who"], rows, [False, False, True]),), "zh"))
    assert '<th scope="col" class="text long">name</th><th scope="col" class="text">town</th>' in page
    assert '<td class="text long">新城街道就业服务站</td><td class="text">东镇</td>' in page


def plan_tables() -> dict[str, pd.DataFrame]:
    """Two sites with reasons, alternatives and a station to lift, as a run publishes them."""
    sites = {"site_id": ["H1", "H2"], "name": ["North hall", "South hall"], "town": ["New town", "Old town"]}
    order = {"order": [1, 2], "phase": [1, 1], "gain_pop": [1200.0, 300.0]}
    why = {
        "gain_towns": ["New town 1,200", "Old town 300"], "reached_pop": [2000.0, 900.0], "sole_pop": [1200.0, 300.0],
        "shared_pop": [800.0, 600.0], "overlaps": ["S1 700; H2 100", "S9 20"], "alternative": ["H3", "H4"],
        "alternative_loss_pop": [10.0, 20.0], "chosen_share": [1.0, 0.9],
    }  # fmt: skip
    other = {"site_id": ["H1", "H2"], "rank": [1, 1], "alternative_id": ["H3", "H4"], "name": ["Market", "Market"]}
    loss = {"away_m": [100.0, 200.0], "loss_pop": [10.0, 20.0], "loss_need": [10.0, 20.0]}
    lifted = {"order": [1], "name": ["Mill"], "gain_pop": [5.0], "coverage_after": [0.5], "lacks_items": ["4+5, 12|13|14, 7"]}
    tiers = {"tier": ["town", "–"], "en": ["town station", None], "zh": ["街镇站点", None], "found": [9, 3], "met": [False] * 2}
    tiers["finding"] = ["3 too few", "stations that say no tier"]
    return {
        **tables(),
        "sites": pd.DataFrame(
            sites | order | {"host": ["library", "bank"], "gain_few": [30.0, 40.0], "coverage_after": [0.6, 0.7]}
        ),
        "reasons": REASONS.conform(pd.DataFrame(sites | order | why)),
        "alternatives": ALTERNATIVES.conform(pd.DataFrame(other | loss)),
        "stations": pd.DataFrame({"station_id": ["S1"], "name": ["Mill"]}).set_index("station_id"),
        "tiers": TIERS.conform(pd.DataFrame(tiers)),
        "lift": pd.DataFrame(lifted | {"station_id": ["S1"]}).set_index("station_id"),
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_wide_tables_are_parts_that_can_be_read_and_say_names(tmp_path: Path, language: str) -> None:
    plan = {"status": "optimal", "gap": 0.0, "sites": 2, "residents_gained": 1500, "phase_losses": [0.0123, 0.0]}
    tables = plan_tables()
    tables["sites"]["phase"] = [1, 2]
    paper = compose_report(
        study=study(), summary=SUMMARY | {"plan": plan}, tables=tables, pictures=[], as_of=dt.date(2025, 6, 30),
        sources=[], notes=[], language=language,
    )  # fmt: skip
    write_word(tmp_path / "a.docx", paper)
    book = docx.Document(str(tmp_path / "a.docx"))
    sizes = [run.font.size.pt for table in book.tables for cell in table._cells for one in cell.paragraphs for run in one.runs]
    assert min(sizes) >= 9
    for table in book.tables:
        assert sum(column.width for column in table.columns) <= Cm(16.01)
    (reasons,) = [
        block for block in paper.blocks if isinstance(block, Cells) and "1,200" in str(block.rows) and "S9" in str(block)
    ]
    parts = [table for table in book.tables if table.cell(0, 1).text == reasons.headings[1] and len(table.rows) == 3]
    shown = [[cell.text for cell in part.rows[1].cells] for part in parts]
    assert [cells[:2] for cells in shown] == [["1", "North hall"]] * len(shown)
    assert len(shown) >= {"zh": 2, "en": 3}[language]  # the proposed sites; and the reasons, in English in two parts
    said = {cell for cells in shown for cell in cells}
    assert {"Mill (700); South hall (100)", "Market (H3)"} <= said
    assert any({"zh": "最多少1.23%", "en": "At most 1.23% less"}[language] in one.text for one in book.paragraphs)
    items = {"zh": "4、5各项; 12、13、14任一项; 7", "en": "all of 4, 5; any of 12, 13, 14; 7"}[language]
    findings = {"zh": {"缺3个", "站点未填写层级"}, "en": {"3 too few", "stations that say no tier"}}[language]
    assert {items} | findings <= {cell.text for table in book.tables for cell in table._cells}


def test_every_column_stands_in_one_part_and_the_keys_in_all() -> None:
    rows = [["1", "North hall", *["123,456"] * 30]]
    block = Cells("Table 1", ["order", "name", *map(str, range(30))], rows, [True, False, *[True] * 30], keys=2)
    parts = _parts(block)
    assert [part.headings[:2] for part in parts] == [["order", "name"]] * len(parts)
    assert [text for part in parts for text in part.headings[2:]] == list(map(str, range(30)))
    assert max(len(part.headings) for part in parts) - min(len(part.headings) for part in parts) <= 2
    assert all(sum(_widths(part)) == pytest.approx(16) for part in parts)


def test_a_curve_of_one_number_of_stations_that_covers_nobody_has_whole_numbers_on_its_axes() -> None:
    axes = plot_frontier(
        FRONTIER.conform(pd.DataFrame({"stations": [2], "covered_pop": [0.0], "coverage": [0.0], "bound": [0.0]})), 2
    )
    (low, high), (floor, top) = axes.get_xlim(), axes.get_ylim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [2]
    assert [tick for tick in axes.get_yticks() if floor <= tick <= top] == [0, 1]


def test_the_bound_is_seen_behind_a_curve_that_meets_it() -> None:
    curve = pd.DataFrame({"stations": [1, 2], "covered_pop": [10.0, 20.0], "bound": [10.0, 20.0]})
    bound, plan = plot_frontier(curve, 1).lines[:2]
    assert bound.get_linewidth() > 2 * plan.get_linewidth()
    assert bound.get_linewidth() > plan.get_markersize()


def test_a_picture_in_few_colours_is_what_was_drawn_in_far_fewer_bytes() -> None:
    network, stations = lattice(), stations_at((300, 300), (700, 700))
    frame = gpd.GeoDataFrame({"town": ["A"]}, geometry=[box(0, 0, 1000, 1000)], crs=network.crs)
    outlines = isochrone_bands(network, stations, STROLL)
    axes = plot_map(network=network, towns=TOWNS.conform(frame), stations=stations, isochrones=outlines)
    packed, whole = as_file(axes), io.BytesIO()
    axes.figure.savefig(whole, format="png")
    with Image.open(io.BytesIO(packed)) as few, Image.open(whole) as drawn:
        assert (few.mode, few.size) == ("P", drawn.size)
        assert few.info["dpi"] == pytest.approx(drawn.info["dpi"])
        off = np.abs(np.asarray(few.convert("RGB"), dtype=int) - np.asarray(drawn.convert("RGB"), dtype=int))
    assert off.max() <= 16
    assert len(packed) < len(whole.getvalue()) * 0.7  # a quarter of a real map's


@pytest.mark.parametrize(
    ("language", "bends"), [("zh", "曲线在站点总数为40个处出现拐点"), ("en", "The curve bends at 40 stations in all")]
)
def test_the_curve_is_a_short_table_of_the_counts_that_matter(language: str, bends: str) -> None:
    counts = np.arange(3, 210)
    people = 150.0 * (1 - np.exp(-counts / 40))
    curve = pd.DataFrame({"stations": counts, "covered_pop": people, "coverage": people / 150, "bound": people + 1})
    needed = {"share": [0.8, 0.9, 1.0], "stations": [65, 93, None], "most": [0.99] * 3}
    more = {"frontier": FRONTIER.conform(curve), "needed": pd.DataFrame(needed).set_index("share")}
    plan = {"status": "optimal", "gap": 0.0, "sites": 2, "residents_gained": 1500}
    summary = SUMMARY | {"plan": plan, "stations_needed": {"knee": 40}}
    paper = compose_report(
        study=study(), summary=summary, tables=plan_tables() | more, pictures=[],
        as_of=dt.date(2025, 6, 30), sources=[], notes=[], language=language,
    )  # fmt: skip
    (rows,) = [
        block.rows for block in paper.blocks if isinstance(block, Cells) and block.rows[0][0] == "3" and len(block.rows[0]) == 4
    ]
    shown = [int(row[0]) for row in rows]
    assert {3, 5, 40, 65, 93, 209} <= set(shown)
    assert len(shown) <= 16
    assert rows[shown.index(40)][1:] == ["94.8", "63.2%", "95.8"]
    assert any(bends in block.text for block in paper.blocks if isinstance(block, Text))
