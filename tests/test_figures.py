"""Recorded figures against their targets, a city's target handed down, and the packs of a month, quarter and year."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import io
import re
from pathlib import Path

import builders
import docx
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_study import STUDY, write_lattice_study

import planner
from planner.cli import main
from planner.errors import PlannerWarning, SourceError, StudyError, TableError
from planner.policy import Figure, How, Policy
from planner.progress import day_before, period_name, track_figures, track_targets
from planner.schema import RECORDED, RecordedFigures
from planner.sources.packs import read_pack
from planner.study import HandedDown

# S3 of the lattice is planned on no date, which tracking says; what is asked here is something else
pytestmark = pytest.mark.filterwarnings("ignore:1 planned or applied stations have no date")

TOWNS = ["East", "West"]
HELPED = Figure(
    "helped", "helped", "帮扶", minimum=100, by=dt.date(2025, 12, 31), since=dt.date(2024, 1, 1), phrase="不少于100人"
)
PACK = Policy("p", "p", "p", "us", figures=(HELPED, Figure("rating", "rating", "评分", How.MEAN)))


def recorded(*rows: tuple[str, str, str, float]) -> RecordedFigures:
    return RECORDED.conform(pd.DataFrame(rows, columns=["figure", "date", "place", "value"]))


def test_a_sum_counts_from_its_first_day_to_the_day_asked_about():
    told = recorded(
        ("helped", "2023-12-31", "district", 50),
        ("helped", "2024-02-01", "district", 60),
        ("helped", "2025-03-01", "district", 45),
    )
    row = track_figures(PACK, told, TOWNS, dt.date(2025, 6, 30), since=dt.date(2024, 12, 31)).loc[("helped", "district")]
    assert (row["before"], row["value"], row["difference"], row["records"]) == (60, 105, 45, 2)
    assert row["met"]
    assert row["met_on"] == pd.Timestamp("2025-03-01")
    early = track_figures(PACK, told, TOWNS, dt.date(2024, 12, 31)).loc[("helped", "district")]
    assert (early["value"], early["met"], early["shortfall"], early["days_left"]) == (60, False, 40, 365)


def test_what_stood_before_is_what_was_known_on_that_day_alone():
    """Later records change neither whose are counted on an earlier day nor, asked backwards, what stood on a later one."""
    march = [("helped", "2025-03-31", "West", 60), ("helped", "2025-03-31", "East", 30)]
    told = recorded(*march, ("helped", "2025-07-31", "district", 20))
    june, august = dt.date(2025, 6, 30), dt.date(2025, 8, 31)
    then, now = (track_figures(PACK, told, TOWNS, day).loc[("helped", "district"), "value"] for day in (june, august))
    assert (then, now) == (90, 20)
    for day, since in ((august, june), (june, august)):
        row = track_figures(PACK, told, TOWNS, day, since=since).loc[("helped", "district")]
        assert (row["before"], row["value"]) == ((then, now) if day == august else (now, then))


def test_a_figure_that_is_late_says_by_how_many_days():
    told = recorded(("helped", "2026-01-10", "district", 120))
    row = track_figures(PACK, told, TOWNS, dt.date(2026, 3, 1)).loc[("helped", "district")]
    assert (row["met"], row["days_late"]) == (True, 10)
    none = track_figures(PACK, recorded(), TOWNS, dt.date(2026, 1, 31)).loc[("helped", "district")]
    assert (none["value"], none["met"], none["days_late"]) == (0, False, 31)


def test_a_word_of_the_pack_means_its_own_figure_where_a_standard_one_is_called_so_too(tmp_path: Path):
    """帮扶就业人数 is the pack's `helped` here, however it is spaced; elsewhere it is `people_helped`."""
    folder = write_lattice_study(tmp_path / "study")
    pack = 'name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\n'
    pack += '[[figures]]\nname = "helped"\nen = "helped"\nzh = "帮扶就业人数"\n'
    (folder / "own.toml").write_text(pack + 'minimum = 5\nyearly = true\nphrase = "每年5人"\n', encoding="utf-8")
    told = "figure,date,value\n帮扶就业人数,2025-01-01,4\n帮扶 就业人数,2025-02-01,1\nHelped,2025-03-01,1\n"
    (folder / "recorded.csv").write_text(told, encoding="utf-8")
    (folder / "study.toml").write_text(
        f'policy = "own.toml"\nrecorded = [{{file = "recorded.csv"}}]\n{STUDY}', encoding="utf-8"
    )
    row = planner.track_study(planner.read_study(folder)).figures
    assert row.index.tolist() == [("helped", "district")]
    assert (row["value"].iloc[0], row["met"].iloc[0]) == (6, True)
    again = {"en": "again", "zh": "Helped ", "name": "again"}
    with pytest.raises(ValueError, match="figures 'helped' and 'again' are both called 'helped'"):
        Policy("p", "p", "p", "us", figures=(Figure("helped", "helped", "帮扶"), again))  # type: ignore[arg-type]


def test_a_mean_that_is_exactly_what_is_asked_meets_it_and_one_that_falls_later_is_late_from_then_on():
    """The mean of 4.6 and 4.8 is 4.7, which no sum of binary fractions hits."""
    asked = Figure("rating", "rating", "评分", How.MEAN, minimum=4.7, by=dt.date(2024, 6, 30), phrase="4.7分")
    pack = Policy("p", "p", "p", "us", figures=(asked,))
    rows = [("rating", "2024-03-31", "West", 4.6), ("rating", "2024-06-30", "East", 4.8)]
    row = track_figures(pack, recorded(*rows), TOWNS, dt.date(2024, 12, 31)).loc[("rating", "district")]
    assert (row["value"], row["met"], row["shortfall"], row["days_late"]) == (4.7, True, 0, 0)
    assert row["met_on"] == pd.Timestamp("2024-06-30")
    fallen = recorded(*rows, ("rating", "2024-12-01", "West", 4.0))
    row = track_figures(pack, fallen, TOWNS, dt.date(2024, 12, 31)).loc[("rating", "district")]
    assert (row["met"], row["days_late"]) == (False, 30)
    thirds = Figure("sum", "sum", "合计", minimum=0.3, by=dt.date(2024, 6, 30), phrase="0.3")
    told = recorded(*(("sum", f"2024-0{month}-01", "district", 0.1) for month in (1, 2, 3)))
    assert track_figures(Policy("p", "p", "p", "us", figures=(thirds,)), told, TOWNS, dt.date(2024, 6, 30))["met"].iloc[0]


def test_what_towns_record_adds_up_or_is_averaged():
    told = recorded(
        ("helped", "2025-01-01", "West", 30),
        ("helped", "2025-02-01", "East", 20),
        ("rating", "2025-01-01", "West", 4.0),
        ("rating", "2025-02-01", "West", 5.0),
        ("rating", "2025-02-01", "East", 3.5),
    )
    table = track_figures(PACK, told, TOWNS, dt.date(2025, 6, 30))
    assert table.loc[("helped", "district"), "value"] == 50
    assert table.loc[("rating", "West"), "value"] == 4.5
    assert table.loc[("rating", "district"), "value"] == 4.0
    assert pd.isna(table.loc[("rating", "district"), "met"])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31)), st.integers(0, 40)),
        max_size=8,
        unique_by=lambda r: r[0],
    )
)
def test_later_records_never_rewrite_history(rows: list[tuple[dt.date, int]]):
    day = dt.date(2025, 6, 30)
    whole = recorded(*(("helped", date.isoformat(), "district", float(value)) for date, value in rows))
    known = recorded(*(("helped", date.isoformat(), "district", float(value)) for date, value in rows if date <= day))
    one, other = (track_figures(PACK, each, TOWNS, day) for each in (whole, known))
    pd.testing.assert_frame_equal(one, other)
    row = one.loc[("helped", "district")]
    assert row["value"] == sum(value for date, value in rows if date <= day)
    assert row["shortfall"] == max(100 - row["value"], 0)


def test_what_was_recorded_late_is_not_known_before(study: str, tmp_path: Path):
    """Of March, but told in July: a pack of June is the same when it is made again in August."""
    rows = [("helped", "2025-03-01", "West", 60.0, None), ("helped", "2025-04-01", "West", 70.0, "2025-07-10")]
    told = RECORDED.conform(pd.DataFrame(rows, columns=["figure", "date", "place", "value", "recorded_on"]))
    june, august = (track_figures(PACK, told, TOWNS, day) for day in (dt.date(2025, 6, 30), dt.date(2025, 8, 31)))
    assert june.loc[("helped", "district"), ["value", "met", "records"]].tolist() == [60, False, 1]
    late = august.loc[("helped", "district")]
    assert (late["value"], late["met"], late["met_on"]) == (130, True, pd.Timestamp("2025-07-10"))
    compared = track_figures(PACK, told, TOWNS, dt.date(2025, 8, 31), since=dt.date(2025, 6, 30)).loc[("helped", "district")]
    assert (compared["before"], compared["difference"]) == (60, 70)
    folder = write_lattice_study(tmp_path / "late")
    (folder / "study.toml").write_text((Path(study) / "study.toml").read_text(encoding="utf-8"), encoding="utf-8")
    text = "指标,日期,街镇,数值,录入日期\n帮扶就业人数,2025-03-01,West,12,\n帮扶就业人数,2025-04-01,West,5,2025-07-10\n"
    (folder / "recorded.csv").write_text(text, encoding="utf-8")
    for day, value in ((dt.date(2025, 6, 30), 12), (dt.date(2025, 8, 31), 17)):
        figures = planner.track_study(planner.read_study(folder), day).figures
        assert figures.loc[("people_helped", "West"), "value"] == value


def accepted(*days: str) -> planner.schema.Stations:
    places = [(100.0 * i, 0.0) for i in range(len(days))]
    towns = ["West", "East"] * len(days)
    return builders.stations_at(*places, town=towns[: len(days)], status=["accepted"] * len(days), accepted_on=list(days))


def test_a_citys_target_counts_only_what_was_handed_down_and_accepted_stations_count():
    shanghai, stations = read_pack("shanghai-2024"), accepted("2023-12-01", "2024-03-01", "2024-05-31", "2024-07-01")
    with pytest.warns(PlannerWarning, match="targets.city-350"):
        assert not len(track_targets(shanghai, stations, TOWNS, dt.date(2024, 5, 31)))
    share = {"city-350": HandedDown(towns={"West": 2, "East": 1})}
    table = track_targets(shanghai, stations, TOWNS, dt.date(2024, 5, 31), share)
    assert table["minimum"].to_dict() == {("city-350", "district"): 3, ("city-350", "West"): 2, ("city-350", "East"): 1}
    assert table["counted"].tolist() == [2, 1, 1]  # one stood before the year
    assert table["met"].tolist() == [False, False, True]


def test_shares_must_add_up_and_name_targets_and_towns():
    with pytest.raises(ValueError, match="add up to 3"):
        HandedDown(4, {"West": 3})
    with pytest.raises(StudyError, match="did you mean city-350"):
        track_targets(
            read_pack("shanghai-2024"), accepted("2024-01-01"), TOWNS, dt.date(2024, 5, 31), {"city-35": HandedDown(1)}
        )
    with pytest.raises(StudyError, match="did you mean 'West'"):
        track_targets(
            read_pack("shanghai-2024"),
            accepted("2024-01-01"),
            TOWNS,
            dt.date(2024, 5, 31),
            {"city-350": HandedDown(towns={"Wst": 1})},
        )


def test_periods_begin_where_the_calendar_says():
    assert day_before(dt.date(2024, 3, 31), planner.policy.Period.QUARTER) == dt.date(2023, 12, 31)
    assert period_name(dt.date(2024, 3, 31), planner.policy.Period.MONTH)["zh"] == "2024年3月"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = write_lattice_study(tmp_path_factory.mktemp("packs"))
    text = 'policy = "jiading-2023"\n' + (folder / "study.toml").read_text(encoding="utf-8")
    text += '\n[[recorded]]\nfile = "recorded.csv"\n[[recorded]]\nfigure = "trainings"\ndate = 2025-02-01\nvalue = 2\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "recorded.csv").write_text("指标,日期,街镇,数值\n帮扶就业人数,2025-03-01,West,12\n", encoding="utf-8")
    return str(folder)


def test_a_pack_is_written_whole_in_both_languages_and_says_what_changed(study: str, tmp_path: Path):
    out = tmp_path / "pack"
    done = CliRunner().invoke(main, ["track", study, "--as-of", "2025-06-30", "--period", "year", "--out", str(out)])
    assert done.exit_code == 0, done.output
    names = {
        "targets.csv",
        "figures.csv",
        "changes.csv",
        "coverage.csv",
        "track.xlsx",
        "track.docx",
        "track.en.docx",
        "track.html",
        "track.en.html",
        "manifest.json",
    }
    assert {path.name for path in out.iterdir()} == names
    changes = pd.read_csv(out / "changes.csv", encoding="utf-8-sig")
    assert changes["station_id"].tolist() == ["S2"]  # accepted on 2025-03-01
    coverage = pd.read_csv(out / "coverage.csv", encoding="utf-8-sig").set_index("place")
    assert coverage.loc["district", ["stations_before", "stations_after"]].tolist() == [1, 2]
    figures = pd.read_csv(out / "figures.csv", encoding="utf-8-sig").set_index(["figure", "place"])
    assert figures.loc[("trainings", "district"), ["before", "value", "met"]].tolist() == [0, 2, True]
    assert figures.loc[("people_helped", "West"), "value"] == 12
    text = "\n".join(p.text for p in docx.Document(str(out / "track.en.docx")).paragraphs)
    assert "Stations in use went from 1 to 2" in text
    page = (out / "track.en.html").read_text(encoding="utf-8")
    assert "Stations in use went from 1 to 2" in page
    assert "每个街镇" in (out / "track.html").read_text(encoding="utf-8")
    more = len(re.findall(r"\((?!1/)\d+/\d+\)$", text, re.MULTILINE))  # parts of tables too wide for a page, but their first
    tables = len(docx.Document(str(out / "track.en.docx")).tables)
    assert page.count("<table>") == tables - more - 1  # there, headline figures are one
    names = openpyxl.load_workbook(out / "track.xlsx", read_only=True).sheetnames
    assert [name.split(" ")[0] for name in names[1:3]] == ["图表", "目标进度"]


def test_a_pack_of_a_period_in_which_nothing_happened_says_so(study: str, tmp_path: Path):
    early = planner.track_study(planner.read_study(study), dt.date(2023, 5, 31), period="month").write(
        tmp_path / "early", "month"
    )
    text = "\n".join(p.text for p in docx.Document(str(early / "track.docx")).paragraphs)
    assert "截至2023年5月31日，与2023年4月30日相比。" in text
    assert "在用站点0个，与上期相同。" in text
    assert "本期无变动。" in text
    assert "分片推进情况" not in text  # no areas, no part on them
    english = "\n".join(p.text for p in docx.Document(str(early / "track.en.docx")).paragraphs)
    assert "Stations in use: 0, as before." in english
    assert "Residents within reach: 0, 0.0% of all, as before." in english


def test_a_yearly_figure_that_began_anew_has_no_change_to_the_year_before():
    yearly = Figure("held", "held", "次数", minimum=1, yearly=True, phrase="每年不少于1次")
    told = recorded(("held", "2024-05-01", "district", 3), ("held", "2025-02-01", "district", 1))
    pack = Policy("p", "p", "p", "us", figures=(yearly,))
    row = track_figures(pack, told, TOWNS, dt.date(2025, 3, 1), since=dt.date(2024, 12, 31)).loc[("held", "district")]
    assert (row["before"], row["value"]) == (3, 1)
    assert pd.isna(row["difference"])
    within = track_figures(pack, told, TOWNS, dt.date(2025, 3, 1), since=dt.date(2025, 1, 31)).loc[("held", "district")]
    assert within["difference"] == 1


def test_a_yearly_figure_of_december_recorded_in_january_counts_for_its_own_year_once_it_is_known():
    yearly = Figure("held", "held", "次数", minimum=1, yearly=True, phrase="每年不少于1次")
    rows = [("held", "2024-12-20", "district", 3.0, "2025-01-10")]
    told = RECORDED.conform(pd.DataFrame(rows, columns=["figure", "date", "place", "value", "recorded_on"]))
    pack = Policy("p", "p", "p", "us", figures=(yearly,))
    for day, before, met in ((9, 0, False), (10, 3, True)):
        row = track_figures(pack, told, TOWNS, dt.date(2025, 1, day)).loc[("held", "district")]
        assert (row["value"], row["year_before"], row["year_before_met"]) == (0, before, met)
    then = track_figures(pack, told, TOWNS, dt.date(2024, 12, 31)).loc[("held", "district")]
    assert (then["value"], then["met"]) == (0, False)  # it was not known yet


@pytest.mark.parametrize(("day", "told", "noted"), [("2026-12-31", 2026, False), ("2027-01-01", 2027, True)])
def test_a_record_of_a_year_told_when_the_next_is_over_counts_nowhere_and_is_noted(day: str, told: int, noted: bool):
    """Told on the last day of the next year it is in the year before; a day later it is in no row of any day."""
    yearly = Figure("held", "held", "次数", minimum=1, yearly=True, phrase="每年不少于1次")
    ever = Figure("helped", "helped", "人数", minimum=1, by=dt.date(2027, 12, 31), phrase="不少于1人")
    rows = [(figure, "2025-06-20", "district", 3.0, day) for figure in ("held", "helped")]
    records = RECORDED.conform(pd.DataFrame(rows, columns=["figure", "date", "place", "value", "recorded_on"]))
    pack = Policy("p", "p", "p", "us", figures=(yearly, ever))
    counted = []
    for as_of in (dt.date(2025, 12, 31), dt.date(2026, 12, 31), dt.date(2027, 1, 1), dt.date(2027, 12, 31)):
        hears = pytest.warns(PlannerWarning, match=r"1 recorded figures .* 2025-06-20\) were told .* count nowhere")
        with hears if noted and as_of.year >= told else contextlib.nullcontext():
            table = track_figures(pack, records, TOWNS, as_of)
        counted += [table.loc[("held", "district"), name] for name in ("value", "year_before")]
    assert table.loc[("helped", "district"), "value"] == 3  # one with a date of its own is never closed before
    assert sum(counted) == (0 if noted else 3)


def test_a_pack_has_the_roll_out_areas_of_the_study(study: str, tmp_path: Path):
    text = (Path(study) / "study.toml").read_text(encoding="utf-8")
    folder = write_lattice_study(tmp_path / "areas")
    (folder / "recorded.csv").write_bytes((Path(study) / "recorded.csv").read_bytes())
    rollout = '[rollout.areas]\n"左片" = ["West"]\n"</script><img src=x>" = ["East"]\n'
    (folder / "study.toml").write_text(f"{text}\n{rollout}", encoding="utf-8")
    tracked = planner.track_study(planner.read_study(folder), dt.date(2025, 6, 30), period="year")
    out = tracked.write(tmp_path / "pack", "year")
    areas = pd.read_csv(out / "area_targets.csv", encoding="utf-8-sig").set_index(["target", "area"])
    assert areas.loc[("each-town", "左片"), ["towns", "towns_met", "counted_before", "counted"]].tolist() == [1, 1, 1, 2]
    assert pd.isna(areas.loc[("district-total", "左片"), "minimum"])
    cells = [c.text for t in docx.Document(str(out / "track.docx")).tables for c in t.columns[0].cells]
    assert {"左片", "</script><img src=x>"} <= set(cells)
    page = (out / "track.html").read_text(encoding="utf-8")
    assert page.count("&lt;/script&gt;&lt;img src=x&gt;") > 1  # the name of an area stays text
    assert "<img" not in page
    names = openpyxl.load_workbook(out / "track.xlsx", read_only=True).sheetnames
    assert any(name.startswith("分片目标进度") for name in names)
    headings = [p.text for p in docx.Document(str(out / "track.docx")).paragraphs if p.style.name.startswith("Heading")]
    assert [h.partition("、")[0] for h in headings] == list("一二三四五六七")
    assert "三、分片推进情况" in headings


def test_the_same_pack_has_the_same_bytes_and_overwrites_nothing_of_others(study: str, tmp_path: Path):
    tracked = planner.track_study(planner.read_study(study), dt.date(2025, 6, 30), period="month")
    one, other = tracked.write(tmp_path / "one", "month"), tracked.write(tmp_path / "other", "month")
    for name in ("track.docx", "track.html", "track.en.html", "track.xlsx"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    (one / "targets.csv").write_text("by hand", encoding="utf-8")
    with pytest.raises(SourceError, match="changed since"):
        tracked.write(one, "month")


def test_hostile_text_stays_text_in_a_pack(study: str, tmp_path: Path):
    told = planner.read_study(study)
    tracked = planner.track_study(told, dt.date(2025, 6, 30), period="year")
    name = "<script>alert(1)</script>\x00=1+1"
    shady = dataclasses.replace(tracked, changes=tracked.changes.assign(name=name), study=dataclasses.replace(told, name=name))
    out = shady.write(tmp_path / "pack", "year")
    page = (out / "track.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;=1+1" in page
    assert any("<script>" in cell.text for t in docx.Document(str(out / "track.docx")).tables for cell in t.columns[1].cells)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("people_helpd,2025-03-01,West,12", "did you mean people_helped"),
        ("people_helped,2025-03-01,Wset,12", "did you mean 'West'"),
        ("people_helped,soon,West,12", "date"),
        ("people_helped,2025-03-01,West,many", "value"),
    ],
)
def test_a_wrong_record_is_named_with_its_mend(tmp_path: Path, row: str, said: str):
    folder = write_lattice_study(tmp_path / "wrong")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[recorded]]\nfile = "recorded.csv"\n')
    (folder / "recorded.csv").write_text(f"figure,date,place,value\n{row}\n", encoding="utf-8")
    with pytest.raises(TableError, match=said):
        planner.track_study(planner.read_study(folder))
    beside, few = (
        pytest.warns(PlannerWarning, match=said_too) for said_too in ("stand where a station", "fewer than 8 places")
    )
    with beside, few:
        faults = planner.check_study(folder)
    assert any(said in str(fault) for fault in faults)


def test_the_command_needs_a_period_for_a_pack(study: str, tmp_path: Path):
    done = CliRunner().invoke(main, ["track", study, "--out", str(tmp_path / "x")])
    assert done.exit_code == 2 or done.exception is not None
    shown = CliRunner().invoke(main, ["track", study, "--of", "figures", "--format", "csv"])
    assert pd.read_csv(io.StringIO(shown.stdout))["figure"].tolist()[0] == "trainings"


@pytest.mark.parametrize("day", [dt.date(1850, 5, 5), dt.date(1900, 1, 1), dt.date(9999, 12, 31)])
def test_any_day_can_be_asked_about(day: dt.date) -> None:
    figures = track_figures(read_pack("jiading-2023"), recorded(), TOWNS, day)
    row = figures.loc[("trainings", "district")]
    assert (row["since"], row["by"]) == (pd.Timestamp(day.replace(month=1, day=1)), pd.Timestamp(day.replace(month=12, day=31)))
