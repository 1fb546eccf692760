"""What a run says to its readers where words are unknown, cells are empty and figures stand on several files."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import docx
import openpyxl
import pandas as pd
import pytest
from lattice_study import lonlat, write_lattice_study

import planner
from planner.errors import PlannerWarning
from planner.run.provenance import sources_of
from planner.style import shown_share

# how a program says that it holds nothing; "None of the stations …" and the layer that shows nothing are words of ours
MISSING = re.compile(r'<NA>|&lt;NA&gt;|\b(?:nan|NaN|NaT|undefined)\b|(?<!"en":")\bNone\b(?! of the stations)')
READ = (".xlsx", ".docx", ".html", ".csv")
TOLD_HERE = re.compile(r"<script.*?</script>|<style.*?</style>", re.DOTALL)
STUDY = """
[[groups]]
name = "jobless"
label = "登记失业人员"
file = "王小明.csv"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lattice town with a kind and tiers that the pack does not know, totals by town, and a list called like somebody."""
    folder = write_lattice_study(tmp_path_factory.mktemp("said"))
    text = (folder / "study.toml").read_text(encoding="utf-8")
    text = 'policy = "jiading-2023"\n' + text.replace('file   = "people.csv"', 'file   = "people.csv"\ntotals = "totals.csv"')
    (folder / "study.toml").write_text(text.replace("[siting]", STUDY + "\n[siting]"), encoding="utf-8")
    (folder / "totals.csv").write_text("街镇,常住人口\nWest,2420.5\nEast,2200\n", encoding="utf-8")
    rows = ["station_id,name,lon,lat,kind,tier,status,opened,services"]
    for key, i, tier, status in (("S1", 5, "社区", "built"), ("S2", 8, "", "accepted"), ("S3", 15, "街镇", "planned")):
        rows.append(f"{key},站{key},{lonlat(i, 5)[0]},{lonlat(i, 5)[1]},特色站点,{tier},{status},2024-01-15,1-5")
    (folder / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    places = [lonlat(5 + n % 3, 5 + n % 4) for n in range(40)]
    (folder / "王小明.csv").write_text("经度,纬度\n" + "".join(f"{lon},{lat}\n" for lon, lat in places), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def out(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        study = planner.read_study(folder)
        written = planner.run_study(study).write(folder.parent / "run")
        planner.track_study(study, period="quarter").write(folder.parent / "pack", "quarter")
    return written


def texts_of(path: Path) -> list[str]:
    """Every text that a reader of the file sees."""
    if path.suffix == ".xlsx":
        cells = [cell.value for sheet in openpyxl.load_workbook(path) for row in sheet for cell in row]
        return [str(value) for value in cells if value is not None]
    if path.suffix == ".docx":
        paper = docx.Document(str(path))
        cells = [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
        return [*(paragraph.text for paragraph in paper.paragraphs), *cells]
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".html":
        blocks = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
        return [TOLD_HERE.sub(" ", text), *blocks]
    return [text]


def test_nothing_that_is_read_says_that_a_value_is_missing_in_a_programs_words(out: Path) -> None:
    read = [path for place in (out, out.parent / "pack") for path in place.iterdir() if path.suffix in READ]
    assert {"workbook.xlsx", "track.xlsx", "report.html", "index.html", "internal.html", "tiers.csv"} <= {p.name for p in read}
    found = {path.name: MISSING.findall(text) for path in read for text in texts_of(path) if MISSING.search(text)}
    assert found == {}


def test_a_tier_that_the_pack_does_not_know_is_shown_by_the_word_that_was_given(out: Path) -> None:
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    sheets = {name.split(" ")[0]: {cell.value for row in book[name] for cell in row} for name in book.sheetnames}
    assert {"社区"} <= sheets["规范化建设"] & sheets["层级体系"]
    for name, told in (("report.html", "未填写层级"), ("report.en.html", "no tier said")):
        text = (out / name).read_text(encoding="utf-8")
        assert ">社区</td>" in text
        assert f">{told}</td>" in text


def test_a_share_that_no_choice_reaches_says_so_and_the_most_there_is(folder: Path, out: Path) -> None:
    """The hosts of the lattice town reach little of it."""
    table = pd.read_csv(out / "needed.csv", encoding="utf-8-sig")
    curve = pd.read_csv(out / "frontier.csv", encoding="utf-8-sig")
    assert table["stations"].isna().all()
    assert set(table["finding"]) == {"out of reach of all candidates together"}
    assert table["most"].tolist() == pytest.approx([curve["covered_pop"].iloc[-1] / 4620.5] * 4)
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    assert "全部候选点合计也无法达到 out of reach of all candidates together" in {
        c.value for row in book["所需站点数 Stations needed"] for c in row
    }
    for name, reason, most in (
        ("report.html", "全部候选点合计也无法达到", "合计最多可覆盖常住人口的"),
        ("report.en.html", "out of reach of all candidates together", "together can cover at most"),
    ):
        text = (out / name).read_text(encoding="utf-8")
        assert reason in text
        assert f"{most}{' ' * most.isascii()}{shown_share(table['most'].iloc[0])}" in text


def test_the_workbook_says_what_an_empty_cell_means_on_its_first_and_last_sheet(out: Path) -> None:
    few = "空白单元格：少于10人，或可据以推算出少于10人的数字，不予公开；或不适用、无数据"
    for path, said in ((out / "workbook.xlsx", few), (out.parent / "pack" / "track.xlsx", "空白单元格：不适用、无数据")):
        book = openpyxl.load_workbook(path)
        for sheet in (book.worksheets[0], book.worksheets[-1]):
            texts = [str(cell.value) for row in sheet for cell in row]
            assert said in texts
            assert any(text.startswith("An empty cell: ") for text in texts)


def test_the_sources_name_every_file_that_a_figure_stands_on(folder: Path, out: Path) -> None:
    study = planner.read_study(folder)
    public, whole = sources_of(study, public=True), sources_of(study)
    assert {line["zh"] for line in public} == {
        "道路：© OpenStreetMap contributors, ODbL (network.osm)", "街镇边界：towns.geojson", "站点：stations.csv",
        "人口：people.csv，按街镇总数校正（totals.csv）",
    }  # fmt: skip
    assert {line["en"] for line in whole} - {line["en"] for line in public} == {
        "Host premises: hosts.csv", "Key groups: 毕业生 (residents: graduates), 登记失业人员"
    }  # fmt: skip
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    summary = [cell.value for row in book["概要 Summary"] for cell in row]
    for line in whole:
        assert line["zh"] in summary
        assert line["zh"] in (out / "report.html").read_text(encoding="utf-8")
        assert line["en"] in (out / "report.en.html").read_text(encoding="utf-8")
    for name in ("index.html", "internal.html"):
        page = (out / name).read_text(encoding="utf-8")
        assert all(json.dumps(line["zh"])[1:-1] in page or line["zh"] in page for line in public)
    assert "totals.csv" in json.loads((out / "manifest.json").read_text(encoding="utf-8"))["inputs"]


def test_a_list_that_is_called_like_somebody_goes_by_its_label(out: Path) -> None:
    read = [path for path in out.iterdir() if path.suffix in READ]
    assert not [path.name for path in read if any("王小明" in text for text in texts_of(path))]
