"""Outputs are whole or absent, nothing made by hand is lost, and no text is a formula."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from builders import stations_at

from planner import store
from planner.errors import PlannerWarning, SourceError
from planner.publish.atlas import Atlas


def _write(folder: Path, text: str = "made", *, force: bool = False) -> None:
    with store.whole_folder(folder, lambda: {"study": "x"}, force=force) as beside:
        (beside / "a.txt").write_text(text, encoding="utf-8")


def _fail_halfway(folder: Path) -> None:
    with store.whole_folder(folder, dict) as beside:
        (beside / "a.txt").write_text("half", encoding="utf-8")
        raise RuntimeError("on the way")


def test_a_folder_is_complete_or_absent(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on the way"):
        _fail_halfway(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_rerun_leaves_the_old_output_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write(out, "first")
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(RuntimeError, match="on the way"):
        _fail_halfway(out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_our_own_output_is_replaced_and_lists_its_files_with_their_hashes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write(out, "first")
    _write(out, "second")
    assert (out / "a.txt").read_text(encoding="utf-8") == "second"
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["outputs"] == {"a.txt": store.hash_file(out / "a.txt")}


@pytest.mark.parametrize("stranger", ["notes.txt", "a.txt"])
def test_what_was_made_or_edited_by_hand_is_never_overwritten(tmp_path: Path, stranger: str) -> None:
    out = tmp_path / "out"
    _write(out, "first")
    (out / stranger).write_text("by hand", encoding="utf-8")
    with pytest.raises(SourceError, match=stranger):
        _write(out, "second")
    assert (out / stranger).read_text(encoding="utf-8") == "by hand"
    _write(out, "second", force=True)
    assert (out / "a.txt").read_text(encoding="utf-8") == "second"
    assert (tmp_path / "out.old-1" / stranger).read_text(encoding="utf-8") == "by hand"


@pytest.mark.parametrize("made", ["empty folder", "broken link", "link to the same", "note in the manifest"])
def test_nothing_that_a_user_made_is_lost_however_small(tmp_path: Path, made: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere.txt"
    _write(out, "first")
    elsewhere.write_text("first", encoding="utf-8")
    if made == "empty folder":
        (out / "mine" / "deeper").mkdir(parents=True)
    elif made == "broken link":
        (out / "link").symlink_to(tmp_path / "nowhere")
    elif made == "link to the same":
        (out / "a.txt").unlink()
        (out / "a.txt").symlink_to(elsewhere)
    else:
        said = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        store.write_json(out / "manifest.json", {**said, "note": "as agreed on Monday"})
    before = {str(path): path.is_symlink() or path.stat().st_size for path in out.rglob("*")}
    with pytest.raises(SourceError, match="nothing is overwritten"):
        _write(out, "second")
    assert {str(path): path.is_symlink() or path.stat().st_size for path in out.rglob("*")} == before


def test_a_manifest_of_before_it_had_a_hash_of_its_own_is_taken(tmp_path: Path) -> None:
    _write(tmp_path / "out", "first")
    said = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    del said["manifest_sha256"]
    store.write_json(tmp_path / "out" / "manifest.json", said)
    _write(tmp_path / "out", "second")
    assert (tmp_path / "out" / "a.txt").read_text(encoding="utf-8") == "second"


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(SourceError, match=r"thesis\.docx"):
        _write(tmp_path / "out")


def test_a_place_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="cannot write"):
        _write(tmp_path / "file" / "out")


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".out.partial-999999999"
    left.mkdir()
    _write(tmp_path / "out")
    assert not left.exists()


def test_what_a_killed_run_left_is_told_by_its_name_to_the_letter(tmp_path: Path) -> None:
    left, other = tmp_path / ".out[1].partial-999999999", tmp_path / ".out1.partial-old-999999999"
    left.mkdir()
    other.mkdir()
    _write(tmp_path / "out[1]")
    assert not left.exists()
    assert other.exists()  # the output of another run, put aside


def test_what_another_machine_is_writing_is_let_alone_and_said(tmp_path: Path) -> None:
    """Process numbers are of one machine: 999999999 is nobody's here, and may live there."""
    theirs, ours = tmp_path / ".out.partial-999999999@elsewhere", tmp_path / f".out.partial-999999999@{store._HOST}"
    aside = tmp_path / ".out.partial-old-999999999@elsewhere"
    for folder in (theirs, ours, aside):
        folder.mkdir()
    with pytest.warns(PlannerWarning, match=r"another machine \(elsewhere\) writes there, or was cut off"):
        _write(tmp_path / "out")
    assert theirs.exists()
    assert aside.exists()
    assert not ours.exists()


def test_what_another_run_put_there_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "out", "first")
    rename = Path.rename

    def outrun(self: Path, target: Path) -> Path:
        done = rename(self, target)
        if self.name == "out":  # the other run finds the place empty, and takes it
            self.mkdir()
            (self / "theirs.txt").write_text("theirs", encoding="utf-8")
        return done

    monkeypatch.setattr(Path, "rename", outrun)
    with pytest.raises(SourceError, match="another run put its output there meanwhile"):
        _write(tmp_path / "out", "second")
    assert (tmp_path / "out" / "theirs.txt").read_text(encoding="utf-8") == "theirs"


def test_a_run_killed_between_two_renames_gives_the_old_output_back(tmp_path: Path) -> None:
    _write(tmp_path / "out", "first")
    (tmp_path / "out").rename(tmp_path / ".out.partial-old-999999999")
    with pytest.raises(RuntimeError), store.whole_folder(tmp_path / "out", dict):
        raise RuntimeError
    assert (tmp_path / "out" / "a.txt").read_text(encoding="utf-8") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_interrupt_while_the_new_output_takes_its_place_gives_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "out", "first")
    rename, times = Path.rename, iter(range(9))

    def interrupted(self: Path, target: Path) -> Path:
        if next(times) == 1:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _write(tmp_path / "out", "second")
    assert (tmp_path / "out" / "a.txt").read_text(encoding="utf-8") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "Library", "图书馆"]


def test_no_text_in_a_csv_is_a_formula_and_every_name_is_still_readable() -> None:
    table = pd.DataFrame({"name": HOSTILE, "metres": -1.5}, index=pd.Index(range(len(HOSTILE)), name="id"))
    rows = list(csv.DictReader(io.StringIO(store.csv_text(table))))
    assert [row["name"].lstrip("'") for row in rows] == HOSTILE
    assert not any(row["name"].lstrip(" ")[0] in "=+-@\t" for row in rows)
    assert {row["metres"] for row in rows} == {"-1.5"}


def test_points_are_written_in_degrees_and_missing_values_are_null() -> None:
    stations = stations_at((500_000, 0), (501_000, 0), phone=["123", None])
    features = json.loads(store.geojson_text(gpd.GeoDataFrame(stations)))["features"]
    assert features[0]["geometry"]["coordinates"] == pytest.approx([123.0, 0.0])  # central meridian of zone 51
    assert [f["properties"]["phone"] for f in features] == ["123", None]
    assert [f["properties"]["station_id"] for f in features] == ["s0", "s1"]


def test_a_geopackage_has_the_layers_and_the_same_bytes_again(tmp_path: Path) -> None:
    tables = {
        "stations": stations_at((0, 0)),
        "frontier": pd.DataFrame({"covered_pop": [1.0]}, index=pd.Index([3], name="stations")),
    }
    for name in ("a.gpkg", "b.gpkg"):
        store.write_geopackage(tmp_path / name, tables)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    assert {str(name) for name, _ in pyogrio.list_layers(tmp_path / "a.gpkg")} == {"stations", "frontier", "layer_styles"}


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of the size of files")
def test_a_geopackage_that_finds_no_room_is_an_error_of_writing(tmp_path: Path) -> None:
    import resource
    import signal

    many = stations_at(*((i, i) for i in range(3000)), name=["a long name " * 20] * 3000)
    allowed, heeded = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, allowed[1]))
    try:
        with pytest.raises(SourceError, match="cannot write the output"), store.whole_folder(tmp_path / "out", dict) as beside:
            store.write_geopackage(beside / "study.gpkg", {"stations": many})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
        signal.signal(signal.SIGXFSZ, heeded)
    assert list(tmp_path.iterdir()) == []


def test_json_has_no_nan(tmp_path: Path) -> None:
    store.write_json(tmp_path / "x.json", {"a": float("nan"), "b": [pd.NA, pd.Timestamp("2025-06-30")], "c": {"d": 1}})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {
        "a": None,
        "b": [None, "2025-06-30T00:00:00"],
        "c": {"d": 1},
    }


def _draw_into_a_folder_where_a_page_cannot_be(folder: Path) -> None:
    with store.whole_folder(folder, dict) as beside:
        (beside / ".index.html.part").mkdir()
        Atlas("pages", {"index.html": "page"}).write(beside)


def test_pages_that_cannot_be_written_are_told_of_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    """Not of the hidden one beside it, which nobody named and which is gone by then."""
    with pytest.raises(SourceError) as said:
        _draw_into_a_folder_where_a_page_cannot_be(tmp_path / "out")
    assert "partial" not in str(said.value)
    assert str(said.value).startswith(f"{tmp_path / 'out'}: cannot write the output (Is a directory)")
    assert said.value.source == str(tmp_path / "out")
