"""What if a station opened, closed or moved: counted by hand on the lattice, recorded, and the user's files untouched."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from lattice_study import DIAMOND, PEOPLE_A_CORNER, SIDE, lonlat, write_lattice_study

import planner
from planner.cli import main
from planner.errors import PlannerWarning, StudyError, TableError

pytestmark = pytest.mark.filterwarnings("ignore:what if:planner.PlannerWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_lattice_study(tmp_path / "study")


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def at(i: float, j: float) -> str:
    lon, lat = lonlat(i, j)
    return f"{lon},{lat}"


def served(folder: Path, *words: str) -> dict[str, float]:
    result = call("score", str(folder), "--of", "stations", "--format", "csv", *words)
    assert result.exit_code == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout)).set_index("station_id")["served_pop"].to_dict()


def test_a_station_is_added_closed_and_moved_and_the_files_stay(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    inside = PEOPLE_A_CORNER * DIAMOND
    corner = PEOPLE_A_CORNER * sum(1 for a in range(SIDE) for b in range(SIDE) if a + b <= 3)
    assert served(folder) == {"S1": inside, "S2": inside}
    assert served(folder, "--add", f"New hall@{at(15, 15)}") == {"S1": inside, "S2": inside, "NEW1": inside}
    assert served(folder, "--close", "S2") == {"S1": inside}
    assert served(folder, "--move", f"S2@{at(0, 0)}") == {"S1": inside, "S2": corner}
    assert served(folder, "--add", "H2", "--add", f"x@{at(15, 5)}", "--close", "S1", "--close", "S2") == {
        "H2": inside,
        "NEW1": inside,
    }
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_what_if_is_the_same_as_changing_the_table(folder: Path, tmp_path: Path) -> None:
    changed = write_lattice_study(tmp_path / "changed")
    text = (changed / "stations.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in text if not line.startswith("S2")] + [f"NEW1,New,{at(9, 9)},built,"]
    (changed / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for command in ("score", "propose", "frontier"):
        supposed = call(command, str(folder), "--close", "S2", "--add", f"New@{at(9, 9)}", "--format", "csv")
        written = call(command, str(changed), "--format", "csv")
        assert supposed.exit_code == written.exit_code == 0
        assert supposed.stdout == written.stdout
    assert "NEW1" in call("why", str(folder), "--at", at(9, 9), "--add", f"New@{at(9, 9)}").stdout


def test_a_moved_station_belongs_to_the_town_it_stands_in(folder: Path) -> None:
    study = planner.read_study(folder, [f'what_if.move=["S1@{at(18, 5)}"]'])
    stations = planner.read_stations(study)
    assert stations["town"].to_dict() == {"S1": "East", "S2": "West", "S3": "East"}


def test_closing_a_station_does_not_change_the_day_of_the_study(folder: Path) -> None:
    text = (folder / "study.toml").read_text(encoding="utf-8").replace("as_of = 2025-06-30\n", "")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    before = planner.survey_study(planner.read_study(folder))
    after = planner.survey_study(planner.read_study(folder, ['what_if.close=["S2"]']))  # the one that opened last
    assert after.as_of == before.as_of
    assert after.stations.index.tolist() == ["S1"]


def test_what_is_supposed_is_said_wherever_a_run_speaks(folder: Path, tmp_path: Path) -> None:
    assert call("run", str(folder), "--out", str(tmp_path / "a"), "-q").stderr == ""
    result = call("run", str(folder), "--out", str(tmp_path / "b"), "--close", "S2", "--add", f"New@{at(15, 15)}")
    assert "Note: what if: NEW1 (New) is added at" in result.stderr
    assert "S2 is closed" in result.stderr
    summary = json.loads((tmp_path / "b" / "summary.json").read_text(encoding="utf-8"))
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text(encoding="utf-8"))
    asked = {"add": [f"New@{at(15, 15)}"], "close": ["S2"], "move": []}
    assert summary["what_if"] == manifest["settings"]["what_if"] == asked
    assert any("what if" in note for note in manifest["notes"])
    for page in ("index.html", "internal.html"):
        assert "what if 假设" in (tmp_path / "b" / page).read_text(encoding="utf-8")
        assert "what if 假设" not in (tmp_path / "a" / page).read_text(encoding="utf-8")
    changed = json.loads(call("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", "json").stdout)
    assert {row["key"] for row in changed["settings"]} == {"name", "what_if.add", "what_if.close"}
    assert {row["station_id"]: row["change"] for row in changed["stations"]} == {"NEW1": "added", "S2": "removed"}
    assert changed["people"][0]["gained"] == PEOPLE_A_CORNER * DIAMOND


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--close", "S9"], "--close = 'S9': there is no such station"),
        (["--close", "s2"], "did you mean S2"),
        (["--close", "Second"], "did you mean S2"),
        (["--move", "S9@121.3,31.4"], "no such station"),
        (["--add", "H9"], "did you mean H"),
        (["--add", "Library"], "--add = 'Library': there is no such candidate; did you mean H1?"),
        (["--add", "H1", "--add", "H1"], "--add = 'H1': there is one already"),
        (["--add", "X@10,10"], "outside the area"),
        (["--move", "S1@0,0"], "outside the area"),
    ],
)
def test_what_cannot_be_supposed_is_said_with_the_nearest_that_can(folder: Path, words: list[str], said: str) -> None:
    result = call("score", str(folder), *words)
    assert result.exit_code == 1
    assert said in result.stderr
    checked = call("check", str(folder), *words)
    assert checked.exit_code == 1
    assert said in checked.stdout


@pytest.mark.parametrize("text", ["S1@121.3", "S1@31.4;121.3", "S1@121.3,99", "@121.3,31.4", "S1@nan,31", "S1", ""])
def test_a_place_that_is_no_place_is_refused(folder: Path, text: str) -> None:
    result = call("score", str(folder), "--move", text)
    assert result.exit_code == 1
    assert "NAME@LON,LAT" in result.stderr


def test_one_station_is_asked_one_thing(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"^--close, --move: S1 is closed and moved; say one thing of each station$"):
        planner.read_study(folder, [f'what_if.move=["S1@{at(2, 2)}"]', 'what_if.close=["S1"]'])
    with pytest.raises(StudyError, match="S1 is closed twice"):
        planner.read_study(folder, ['what_if.close=["S1", "S1"]'])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--add", "X@-51.21"), "--add: 'X@-51.21' does not say what and where"),
        (("--set", "walk.minutes=-1"), "--set, walk.minutes = '-1'"),
        (("--set", "walk.minuts=1"), "--set, walk.minuts = '1'"),
        (("--set", "crs=EPSG:3857"), "--set, crs"),
        (("--set", "candidates.1.coordinates=mars"), "--set, candidates.1.coordinates = 'mars'"),
        (("--set", 'walk.towns."No such town".minutes=5'), "--set, walk.towns = 'No such town'"),
    ],
)
def test_what_the_command_line_said_is_not_told_as_the_study_files(folder: Path, words: tuple[str, ...], said: str) -> None:
    for command in ("score", "check"):
        result = call(command, str(folder), *words)
        assert result.exit_code == 1
        assert said in result.stdout + result.stderr
        assert "study.toml" not in result.stdout + result.stderr


def test_all_that_is_wrong_is_said_at_once(folder: Path) -> None:
    study = planner.read_study(folder, ['what_if.close=["S8", "S9"]', 'what_if.add=["X@10,10"]'])
    with pytest.raises(TableError) as error:
        planner.read_stations(study)
    assert len(error.value.faults) == 3


def test_the_name_of_a_supposed_station_is_text_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>=1+1"
    with pytest.warns(PlannerWarning, match="what if"):
        run = planner.run_study(planner.read_study(folder, [f"what_if.add={json.dumps([f'{hostile}@{at(15, 15)}'])}"]))
    out = run.write(tmp_path / "out")
    assert hostile not in (out / "index.html").read_text(encoding="utf-8")
