"""Planted names, numbers and phones: from every kind of list, through every command, into no file, word, cache or traceback."""

from __future__ import annotations

import pickle
import sqlite3
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyproj
import pytest
from click.testing import CliRunner
from lattice_study import lonlat, write_lattice_study
from openpyxl.comments import Comment

from planner.batch import plan_districts
from planner.batch.work import do_study
from planner.cli import main
from planner.sources.population.tables import CountAsk, read_counts

PEOPLE = (  # name, number, phone, remark: names of a common surname, of a rare one and in Latin letters
    ("夔晓梅", "11010519491231002X", "13812345678", "幸福新村12弄3号405室"),
    ("欧阳修远", "110101199003074856", "15987654321", "找欧阳修远转告"),
    ("Xyzina Quortlan", "310114850615123", "021-59539876", "Quortlan 的母亲"),
    ("李桂兰", "", "", ""),
)
PLANTED = (*dict.fromkeys(text for row in PEOPLE for text in row if text), "Quortlan", "桂兰")
EACH = 5  # rows a person, so that a list is more than a minimum
STYLES = {
    "chinese": ("姓名", "身份证号", "手机", "备注"),
    "letters": ("a", "b", "c", "d"),
    "unnamed": ("", "", "", ""),
    "english": ("Full name", "ID number", "Mobile", "Remark"),
    "office": ("姓名（必填）", "公民身份号码", "联系电话/手机", "家庭住址及备注"),
    "spaced": (" 姓 名 ", "证 件 号", "手　机", "备 注 "),
}
KINDS = (
    "gb.csv",
    "utf.csv",
    "book.xlsx",
    "open.ods",
    "web.geojson",
    "pack.gpkg",
    "flat.fgb",
    "shape.shp",
    "geo.parquet",
    "map.kml",
)


def rows_of(fault: str | None) -> list[list[str]]:
    """People at corners; with a fault the last row has a person where a number should be."""
    rows = [[*who, *map(str, lonlat(5 + n % 3, 5 + i % 4))] for i, who in enumerate(PEOPLE) for n in range(EACH)]
    if fault == "place":
        rows[-1][4] = PEOPLE[0][0]
    return rows


def write_list(path: Path, style: tuple[str, ...], fault: str | None) -> None:
    header, rows = [*style, "经度", "纬度"], rows_of(fault)
    if path.suffix == ".csv":
        text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in [header, *rows])
        path.write_bytes(text.encode("gb18030" if path.name == "gb.csv" else "utf-8"))
    elif path.suffix == ".xlsx":
        _write_workbook(path, header, rows)
    elif path.suffix == ".ods":
        _write_open(path, [header, *rows])
    else:
        _write_layer(path, style, rows)


def _write_workbook(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """A title, comments, a hidden column, a hidden sheet, and an author: people put names into all of them."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [["夔晓梅等人名单"], header, *rows]:
        sheet.append(row)
    sheet["A3"].comment = Comment("手机13812345678", "欧阳修远")
    sheet.column_dimensions["B"].hidden = True
    hidden = book.create_sheet("夔晓梅")
    hidden.append(["11010519491231002X", "李桂兰"])
    hidden.sheet_state = "hidden"
    book.properties.creator = "欧阳修远"
    book.save(path)


def _write_open(path: Path, grid: list[list[str]]) -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(f"<table:table-row>{''.join(cell.format(each) for each in row)}</table:table-row>" for row in grid)
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{name}="{urn}:{name}:1.0"' for name in ("office", "table", "text"))
    sheet = f'<office:spreadsheet><table:table table:name="李桂兰">{rows}</table:table></office:spreadsheet>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
        text = f"<office:document-content {spaces}><office:body>{sheet}</office:body></office:document-content>"
        archive.writestr("content.xml", f'<?xml version="1.0"?>{text}')


def _write_layer(path: Path, style: tuple[str, ...], rows: list[list[str]]) -> None:
    names = [each.strip() or f"f{n}" for n, each in enumerate(style)]
    places = [[float(row[4]) if row[4][0].isdigit() else None, float(row[5])] for row in rows]
    frame = pd.DataFrame([row[:4] for row in rows], columns=names)
    points = gpd.points_from_xy([lon for lon, _ in places], [lat for _, lat in places], crs="EPSG:4326")
    shapes = gpd.GeoSeries(points).where([lon is not None for lon, _ in places], None)
    shaped = gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326")
    if path.suffix == ".parquet":
        shaped.to_parquet(path)
    elif path.suffix == ".shp":
        shaped.rename(columns={name: name.replace("\n", "")[:4] for name in names}).to_file(path, encoding="gb18030")
    else:
        shaped.to_file(path, **{".gpkg": {"layer": "李桂兰"}, ".kml": {"driver": "KML"}}.get(path.suffix, {}))


def study_of(folder: Path, styles: Sequence[str], fault: str | None = None, kinds: tuple[str, ...] = KINDS) -> Path:
    """The lattice study with one key group for each kind of file, their headers in each of the styles in turn."""
    study = write_lattice_study(folder)
    blocks = []
    for number, kind in enumerate(kinds):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the writer, which trims long and odd headers
            write_list(study / kind, STYLES[styles[number % len(styles)]], fault)
        column = 'column = "备注"\n' if fault == "column" else ""
        blocks.append(f'[[groups]]\nname = "g{number}"\nlabel = "名单{number}"\nfile = "{kind}"\n{column}\n')
    file = study / "study.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n".join(["", *blocks]), encoding="utf-8")
    return study


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Calls a command as a shell does, with -v; keeps all that is said in a file among the outputs."""
    monkeypatch.setenv("PLANNER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "said").mkdir()

    def call(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["planner", *words, "-v"])
        result = CliRunner().invoke(main, [*words, "-v"])
        number = len(list((tmp_path / "said").iterdir()))
        text = f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
        (tmp_path / "said" / f"{number}-{words[0]}.txt").write_text(text, encoding="utf-8")
        assert result.exception is None or isinstance(result.exception, SystemExit), text
        return result.exit_code

    return call


def pieces(path: Path) -> Iterator[bytes]:
    """A file as it is, and what is packed in it."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
        yield repr(table.schema.metadata).encode()
        yield repr(table.schema.names).encode()
        for name in table.schema.names:
            yield repr(table[name].to_pylist()).encode()
    elif path.suffix == ".gpkg":
        with sqlite3.connect(path) as book:
            yield "\n".join(book.iterdump()).encode()


CODES = ("utf-8", "gb18030", "utf-16-le", "unicode_escape")
LEAST = 6  # bytes; fewer are found in any picture or packed file by chance
FORMS = {text: {code for code in map(text.encode, CODES) if len(code) >= LEAST} for text in PLANTED}


def leaks(*folders: Path) -> list[str]:
    """Where something planted stands, in any encoding a file of ours may have, or in a file's name."""
    found = []
    for path in sorted(each for folder in folders for each in folder.rglob("*")):
        held = [path.name.encode(), *([] if path.is_dir() else pieces(path))]
        found += [f"{path}: {text}" for text, codes in FORMS.items() if any(code in piece for piece in held for code in codes)]
    return found


def test_what_is_planted_would_be_found(tmp_path: Path) -> None:
    """The search itself finds every list in every kind of file."""
    study = study_of(tmp_path / "study", ["chinese"])
    found = "\n".join(leaks(study))
    assert [kind for kind in KINDS if kind not in found.replace("shape.dbf", "shape.shp")] == []


@pytest.mark.parametrize("style", STYLES)
def test_nothing_planted_passes_the_door(tmp_path: Path, style: str) -> None:
    """All that is kept of a list, whatever its kind and its headers, and all that is said of it while it is read."""
    for kind in KINDS:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            write_list(tmp_path / kind, STYLES[style], None)
            told.clear()  # of the writer
            ask = CountAsk(tmp_path / kind, kind, {"people": ("人数", "count")}, private=True, one_each=True)
            kept = read_counts(ask, pyproj.CRS("EPSG:32651"))
        assert kept.counts["people"].sum() == EACH * len(PEOPLE), kind
        said = "\n".join([repr(kept), *(str(warning.message) for warning in told), *map(str, kept.towns)])
        held = [pickle.dumps(kept), said.encode()]
        assert [text for text, codes in FORMS.items() if any(code in piece for piece in held for code in codes)] == [], kind


@pytest.mark.filterwarnings("ignore::planner.PlannerWarning")
@pytest.mark.parametrize("first", [0, 3])
def test_nothing_planted_comes_out_of_any_command(tmp_path: Path, say, first: int) -> None:
    """Each kind of list has headers of another style; the second time only what writes most is tried, with other styles."""
    styles = [*STYLES][first:] + [*STYLES][:first]
    study = str(study_of(tmp_path / "study", styles))
    outs = [str(tmp_path / "outs" / name) for name in ("a", "b", "report", "map")]
    calls = [["check", study], ["run", study, "--out", outs[0]], ["check", study, "--privacy", outs[0]]]
    if first == 0:
        calls += [["score", study, "--of", part, "--format", "json"] for part in ("groups", "indicators", "cells")]
        calls += [["run", study, "--out", outs[1], "--close", "S2"], ["compare", outs[0], outs[1]]]
        calls += [["compare", outs[0], outs[1], "--format", "json"], ["report", study, "--out", outs[2]]]
        calls += [["map", study, "--out", outs[3]], ["propose", study]]
        calls += [["frontier", study, "--equity", "group", "--set", "siting.sites=1"]]
        calls += [["times", study, "--from", "stations", "--to", "demand"], ["track", study], ["reasons", study]]
        calls += [["why", study, "--at", ",".join(map(str, lonlat(5, 6)))], ["isochrones", study]]
    codes = {" ".join(words): say(*words) for words in calls}
    assert [words for words, code in codes.items() if code != 0] == []
    assert leaks(tmp_path / "outs", tmp_path / "said", tmp_path / "cache") == []
    least = 40 if first == 0 else 20  # the second time writes one output only
    assert len(list((tmp_path / "outs").rglob("*"))) > least  # the search went through something


@pytest.mark.filterwarnings("ignore::planner.PlannerWarning")
@pytest.mark.parametrize("fault", ["place", "column"])
@pytest.mark.parametrize("kind", ["gb.csv"])
def test_errors_of_a_list_and_their_tracebacks_name_nobody(tmp_path: Path, say, kind: str, fault: str) -> None:
    for number, style in enumerate(("chinese", "unnamed")):
        study = str(study_of(tmp_path / f"study{number}", [style], fault, (kind,)))
        codes = [say("check", study), say("run", study, "--out", str(tmp_path / "outs")), say("score", study)]
        assert codes == [1] * len(codes)
        ended = [do_study(district) for district in plan_districts([Path(study)], tmp_path / "outs")]
        assert [each["state"] for each in ended] == ["failed"]
        (tmp_path / "said" / f"batch{number}.txt").write_text(repr(ended), encoding="utf-8")
    assert leaks(*(tmp_path / name for name in ("outs", "said", "cache") if (tmp_path / name).exists())) == []
