"""Each command is parse, one call, print: what it prints is what the library gives, and its exit code says how it went."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from lattice_study import SIDE, lonlat, write_lattice_study

import planner
from planner.cli import main


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_lattice_study(tmp_path_factory.mktemp("lattice")))


PHASE_1, PHASE_2 = "{by=2025-12-31,sites=1}", "{by=2026-12-31,sites=1}"


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def csv(result: Result) -> pd.DataFrame:
    assert result.exit_code == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout))


def test_every_command_explains_itself() -> None:
    commands = list(main.commands)
    assert {
        "init",
        "demo",
        "check",
        "times",
        "isochrones",
        "score",
        "propose",
        "frontier",
        "why",
        "compare",
        "map",
        "run",
    } <= set(commands)
    for name in commands:
        result = call(name, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout


def test_score_prints_what_the_library_gives(study: str) -> None:
    survey = planner.survey_study(planner.read_study(study))
    stations, towns, _ = planner.score_survey(survey)
    printed = csv(call("score", study, "--of", "stations", "--format", "csv")).set_index("station_id")
    assert printed["served_pop"].tolist() == stations["served_pop"].tolist()
    everything = json.loads(call("score", study, "--format", "json").stdout)
    assert [row["town"] for row in everything["towns"]] == towns.index.tolist()
    assert set(everything) == {"stations", "towns", "groups"}


def test_what_score_prints_is_as_empty_as_what_run_writes(tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path / "study")
    rows = (folder / "people.csv").read_text(encoding="utf-8").splitlines()
    near = 5 * SIDE + 5  # the first station's corner: 2 graduates covered, 60 far from any station
    few = [row if i == near or i >= len(rows) - 31 else row.rsplit(",", 1)[0] + ",0" for i, row in enumerate(rows[1:])]
    (folder / "people.csv").write_text("\n".join([rows[0], *few]) + "\n", encoding="utf-8")
    assert call("run", str(folder), "--out", str(tmp_path / "out")).exit_code == 0
    for part in ("stations", "towns", "groups"):
        printed = csv(call("score", str(folder), "--of", part, "--format", "csv"))
        written = pd.read_csv(tmp_path / "out" / f"{part}.csv", encoding="utf-8-sig")
        shared = [name for name in printed.columns if name in written.columns]
        pd.testing.assert_frame_equal(printed[shared], written[shared])
    proposed = call("propose", str(folder), "--format", "csv")
    assert proposed.exit_code == 0
    assert "need is withheld" in proposed.stderr


def test_times_are_a_long_table_between_any_two_kinds_of_places(study: str, tmp_path: Path) -> None:
    table = csv(call("times", study, "--from", "demand", "--to", "stations", "--format", "csv"))
    assert list(table.columns) == ["from_id", "to_id", "walk_s"]
    assert table["walk_s"].between(0, 300).all()
    lon, lat = lonlat(6, 5)
    (tmp_path / "p.csv").write_text(f"id,lon,lat\nhome,{lon},{lat}\n", encoding="utf-8")
    table = csv(call("times", study, "--from", str(tmp_path / "p.csv"), "--to", "stations", "--format", "csv"))
    assert table["to_id"].tolist() == ["S1"]
    assert table["walk_s"].iloc[0] == pytest.approx(99.0, abs=0.1)
    table = csv(call("times", study, "--from", "stations", "--to", "stations", "--format", "csv"))
    stays = table["from_id"] == table["to_id"]
    assert table.loc[stays, "walk_s"].tolist() == [0, 0]
    assert (table.loc[~stays, "walk_s"] > 0).all()


def test_a_long_table_is_drawn_as_a_short_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A second opinion: `rich` draws the short ones."""
    from planner.cli import show

    named = pd.DataFrame({
        "station_id": [f"S{i}" for i in range(120)],
        "name": ["城中街道:house:[b]Library"[: i % 25] for i in range(120)],
        "served_pop": [i * 1234.567 for i in range(120)],
        "coverage": [None if i % 7 == 0 else i / 120 for i in range(120)],
    }).set_index("station_id")  # fmt: skip
    for title in ("stations", "times", "一个很长的题目"):  # the first has units in its head
        for table in (named, named.assign(name="two\nlines"), named.rename(columns={"name": "n" * 390})):
            drawn = []
            for many in (show.MANY_ROWS, 10_000):
                monkeypatch.setattr(show, "MANY_ROWS", many)
                show.show({title: table}, "table")
                drawn.append(capsys.readouterr().out)
            assert drawn[0] == drawn[1]
            assert "house" in drawn[0] or table is not named


def test_isochrones_are_geojson_in_degrees(study: str) -> None:
    features = json.loads(call("isochrones", study, "--minutes", "2,5").stdout)["features"]
    assert sorted((f["properties"]["station_id"], f["properties"]["minutes"]) for f in features) == [
        ("S1", 2), ("S1", 5), ("S2", 2), ("S2", 5),
    ]  # fmt: skip
    lon, lat = features[0]["geometry"]["coordinates"][0][0][0]
    assert 121 < lon < 122
    assert 31 < lat < 32


def test_propose_says_the_bound_and_takes_another_number_of_sites(study: str) -> None:
    result = call("propose", study, "--sites", "3", "--format", "csv")
    assert len(csv(result)) == 3
    assert "optimal" in result.stderr
    assert "gap 0.00%" in result.stderr


def test_propose_without_any_plan_exits_3_and_says_why(study: str) -> None:
    result = call("propose", study, "--sites", "9")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "9" in result.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["method=lscp"], "lscp: optimal; 4 new sites, 4 at least are needed"),
        (["method=p-median"], "p-median: optimal; mean walk by need"),
        (["method=p-center", "sites=4"], "p-center: optimal; the worst walk of 100% is"),
        (["decay=linear"], "mclp: optimal; need by decay"),
        (["backup=0.5"], "mclp: optimal; need backed up"),
        (["capacity=true", "capacity_default=500"], "mclp: optimal; "),
        (['equity={by="town",weight=0.5}'], "; the worst served town is "),
        (["sites=2", f"phases=[{PHASE_1},{PHASE_2}]"], "each phase could have by itself these lose at most 0.00%, 0.00%"),
    ],
)
def test_every_model_proposes_and_says_its_proof_in_its_own_unit(study: str, settings: list[str], said: str) -> None:
    shown = ["--set", "privacy.minimum_count=0"]  # two graduates a corner: else sums of need are withheld
    overrides = [*shown, *(part for setting in settings for part in ("--set", f"siting.{setting}"))]
    result = call("propose", study, *overrides, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert said in result.stderr
    assert len(csv(result))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("backup=0.5", "p-median has no backup"),
        ("share=0.9", "p-median has no share"),
        ("half_minutes=5", "only gaussian and exponential decay have half_minutes"),
        ("capacity_default=5", "capacities do not count"),
    ],
)
def test_what_a_model_does_not_know_is_refused_and_never_left_out(study: str, setting: str, said: str) -> None:
    keys = ("--set", "siting.method=p-median", "--set", f"siting.{setting}")
    result = call("propose", study, *keys)
    assert result.exit_code == 3
    assert said in result.stderr
    assert call("check", study, *keys).exit_code == 1


def test_frontier_reaches_all_that_can_be_covered(study: str) -> None:
    table = csv(call("frontier", study, "--format", "csv"))
    assert table["stations"].tolist() == [2, 3, 4, 5, 6]


def test_why_tells_the_way_and_the_reason(study: str) -> None:
    lon, lat = lonlat(6, 6)
    result = call("why", study, "--at", f"{lon},{lat}", "--format", "csv")
    assert set(csv(result)["station_id"]) == {"S1", "S2"}
    assert result.stderr.startswith("Covered:")
    assert call("why", study, "--at", "31.2;121").exit_code == 2


def test_why_says_that_a_place_lies_outside_how_far_and_of_what(study: str) -> None:
    lon, lat = lonlat(6, 6)
    said = call("why", study, "--at", f"{lon},{lat + 0.5}", "--format", "csv").stderr
    far_km = float(said.partition(" km outside of ")[0].removeprefix("This place lies "))
    assert far_km == pytest.approx(0.5 * 111, rel=0.05)
    assert planner.read_study(study).name in said
    assert "no street that may be walked is within" in said
    assert "outside" not in call("why", study, "--at", f"{lon},{lat}", "--format", "csv").stderr


def test_set_overrides_any_key(study: str) -> None:
    slow = csv(call("score", study, "--of", "groups", "--format", "csv", "--set", "walk.minutes=2"))
    fast = csv(call("score", study, "--of", "groups", "--format", "csv", "--set", "walk.minutes=5"))
    assert slow["covered"].iloc[0] < fast["covered"].iloc[0]
    result = call("score", study, "--set", "walk.minute=2")
    assert result.exit_code == 1
    assert "did you mean minutes?" in result.stderr


def test_check_lists_faults_and_exits_1(study: str, tmp_path: Path) -> None:
    assert call("check", study).exit_code == 0
    folder = write_lattice_study(tmp_path / "bad")
    (folder / "stations.csv").write_text("station_id,name,lon,lat\nS1,A,31.3,121.3\nS1,B,abc,31.3\n", encoding="utf-8")
    result = call("check", str(folder))
    assert result.exit_code == 1
    assert "stations.csv" in result.stdout
    assert len(json.loads(call("check", str(folder), "--format", "json").stdout)) >= 2


def test_an_error_of_ours_is_one_message_and_a_traceback_only_with_v(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = call("run", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
    words = ["score", str(tmp_path / "nowhere"), "-v"]
    monkeypatch.setattr("sys.argv", ["planner", *words])
    assert "Traceback" in call(*words).stderr


def test_wrong_usage_exits_2(study: str) -> None:
    assert call("run", study).exit_code == 2  # no --out
    assert call("fly").exit_code == 2


def test_an_interrupted_run_leaves_nothing_and_exits_130(study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("planner.publish.workbook.write_workbook", interrupt)
    result = call("run", study, "--out", str(tmp_path / "out"))
    assert result.exit_code == 130
    assert list(tmp_path.iterdir()) == []


def test_map_writes_the_pages_alone_and_report_the_documents(study: str, tmp_path: Path) -> None:
    assert call("map", study, "--out", str(tmp_path / "m")).exit_code == 0
    assert {path.name for path in (tmp_path / "m").iterdir()} == {"index.html", "internal.html", "manifest.json"}
    assert call("report", study, "--out", str(tmp_path / "r")).exit_code == 0
    assert {"report.docx", "workbook.xlsx", "stations.csv"} <= {path.name for path in (tmp_path / "r").iterdir()}


def test_two_runs_are_compared(study: str, tmp_path: Path) -> None:
    for name, minutes in (("a", "4"), ("b", "5")):
        assert call("run", study, "--out", str(tmp_path / name), "--set", f"walk.minutes={minutes}").exit_code == 0
    changed = json.loads(call("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", "json").stdout)
    people = changed["people"][0]
    assert people["covered_after"] - people["covered_before"] == people["gained"] - people["lost"] > 0
    assert people["lost"] == 0


def test_init_makes_a_folder_that_says_what_to_fill_in(tmp_path: Path) -> None:
    assert call("init", str(tmp_path / "new"), "--policy", "jiading-2023").exit_code == 0
    assert "stations.csv" in {path.name for path in (tmp_path / "new").iterdir()}
    assert call("init", str(tmp_path / "new")).exit_code == 1  # nothing is overwritten
