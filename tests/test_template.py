"""planner init: a folder that explains itself, and never costs anybody a file."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

import openpyxl
import pytest
from study_folders import NORTH, SOUTH, write_towns

from planner.errors import SourceError, StudyError
from planner.schema import CANDIDATES, STATIONS
from planner.sources.files import read_candidates, read_stations, read_study, read_table, write_template
from planner.sources.files.keys import known_keys
from planner.sources.files.study import load_study

CRS = "EPSG:32651"


def test_a_new_folder_is_a_study_without_a_fault(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "deep" / "New district", policy="jiading-2023")
    assert sorted(path.name for path in folder.iterdir()) == ["hosts.csv", "stations.csv", "study.toml"]
    study, faults = load_study(folder / "study.toml")
    assert faults == []
    assert study is not None
    assert (study.name, study.policy) == ("New district", "jiading-2023")


def test_every_key_that_is_left_out_may_be_put_in(tmp_path: Path) -> None:
    """Each remark of the form ``# key = value`` and ``# [section]`` is lawful once the ``#`` goes."""
    file = write_template(tmp_path / "study") / "study.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    shown = [line for line in lines if line.startswith("# ") and ("= " in line or line[2] == "[")]
    assert len(shown) > 20
    assert all(tomllib.loads(line[2:]) for line in shown)
    exclusive = ("osm = [", "speed_mps", "phases")
    text = "\n".join(line[2:] if line in shown and not line[2:].startswith(exclusive) else line for line in lines)
    file.write_text(text.replace("[[candidates]]\nosm", "# osm").replace('profile = "adult"', "", 1), encoding="utf-8")
    _, faults = load_study(file)
    assert [fault for fault in faults if fault.problem == "the key is not known"] == []


def test_the_study_file_shows_the_keys_people_need(tmp_path: Path) -> None:
    text = (write_template(tmp_path / "study") / "study.toml").read_text(encoding="utf-8")
    rare = "required forbidden spacing_m budget share time_limit_s per_town_max zone_m cell_m total suppressed by"
    leaves = {key[-1] for key in known_keys() if key[-1] not in ("*", *rare.split(), "tiles", "attribution")}
    assert {leaf for leaf in leaves if leaf not in text} == set()


@pytest.mark.parametrize(("name", "schema"), [("stations.csv", STATIONS), ("hosts.csv", CANDIDATES)])
def test_empty_tables_have_every_header_and_say_what_it_is(tmp_path: Path, name: str, schema) -> None:
    path = write_template(tmp_path / "study") / name
    table = read_table(path, schema, CRS)
    assert len(table) == 0
    assert set(table.columns) | set(schema.key) == {column.name for column in schema} | {"geometry"}
    text = path.read_text(encoding="utf-8-sig")
    assert all(column.zh in text for column in schema)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_table_filled_in_below_its_remarks_is_read(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "study")
    write_towns(folder / "towns.geojson", {"A": NORTH, "B": SOUTH})
    with (folder / "stations.csv").open("a", encoding="utf-8") as file:
        file.write("s1,First,121.24,31.38\n")
    study = read_study(folder)
    assert read_stations(study).loc["s1", "town"] == "A"
    assert len(read_candidates(study)) == 0


def test_a_table_saved_again_as_a_workbook_is_read(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "study")
    book = openpyxl.Workbook()
    for cells in csv.reader(io.StringIO((folder / "stations.csv").read_text(encoding="utf-8-sig"))):
        book.active.append(cells)
    book.active.append(["s1", "First", 121.24, 31.38])
    book.save(folder / "stations.xlsx")
    assert read_table(folder / "stations.xlsx", STATIONS, CRS).index.tolist() == ["s1"]


def test_nothing_is_ever_overwritten_and_all_that_is_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "stations.csv").write_text("mine")
    (tmp_path / "hosts.csv").write_text("mine too")
    with pytest.raises(SourceError) as caught:
        write_template(tmp_path)
    assert [Path(fault.file).name for fault in caught.value.faults] == ["stations.csv", "hosts.csv"]
    assert (tmp_path / "stations.csv").read_text() == "mine"
    assert not (tmp_path / "study.toml").exists()


def test_a_folder_with_other_files_is_kept(tmp_path: Path) -> None:
    (tmp_path / "towns.geojson").write_text("{}")
    write_template(tmp_path)
    assert (tmp_path / "towns.geojson").read_text() == "{}"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="the folder cannot be written"):
        write_template(tmp_path / "file" / "study")


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "嘉定区", "new\nline"])
def test_any_folder_name_is_a_name(tmp_path: Path, name: str) -> None:
    study, faults = load_study(write_template(tmp_path / name) / "study.toml")
    assert faults == []
    assert study is not None
    assert study.name == name


def test_what_is_still_missing_is_said(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "study")
    with pytest.raises(SourceError, match=r"towns\.geojson: there is no such file"):
        read_study(folder)
    with pytest.raises(StudyError, match="the key is not known"):
        read_study(folder, ["minute=3"])
