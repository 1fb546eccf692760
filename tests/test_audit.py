"""planner check --privacy: whatever is planted in a folder of outputs is found, and never repeated."""

from __future__ import annotations

import base64
import bz2
import dataclasses
import gzip
import hashlib
import io
import json
import lzma
import re
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import docx
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from lattice_study import lonlat, write_lattice_study
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from PIL import Image, PngImagePlugin

from planner.cli import main
from planner.errors import SourceError
from planner.publish.atlas.shapes import pack_numbers
from planner.sources.audit import audit_output
from planner.sources.audit.cells import unpack_column
from planner.sources.audit.persons import Secrets
from planner.sources.files import read_study

PERSON = ("夔晓梅", "11010519491231002X", "13812345678", "幸福新村12弄3号405室")
LATIN = "Xyzina Quortlan"
PLANTED = (*PERSON, LATIN, "欧阳修远")
GROUPS = "group,label,total,covered\nresidents,常住人口,1000,800\njobless,登记失业人员,60,40\n"
TOWNS = "town,population,covered_pop,covered_jobless\nEast,500,400,20\nWest,500,400,20\n"
POINTS = {"demand_id": [0, 1, 2], "pop_jobless": [20.0, 20.0, 20.0], "need": [80.0, 80.0, 80.0], "covered": [True, True, False]}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder like a run's, in which there is nothing to find."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "groups.csv").write_text(GROUPS, encoding="utf-8-sig")
    (folder / "towns.csv").write_text(TOWNS, encoding="utf-8-sig")
    write_points(folder)
    (folder / "index.html").write_text("<html><p>一号站，电话 021-59530000，osm n13812345678</p></html>", encoding="utf-8")
    (folder / "summary.json").write_text('{"lon": 121.13812345678, "sha": "a13812345678b"}', encoding="utf-8")
    return folder


def write_points(folder: Path, **columns: list) -> None:
    table = POINTS | {"town": ["East", "West", "West"]} | columns
    places = gpd.points_from_xy([0, 1, 2], [0, 0, 0], crs="EPSG:32651")
    gpd.GeoDataFrame(table, geometry=places).to_parquet(folder / "demand.parquet")


@pytest.fixture
def study(tmp_path: Path):
    """A study whose list of jobless people holds the planted ones."""
    folder = write_lattice_study(tmp_path / "study")
    rows = [",".join(("姓名", "证件", "手机", "住址", "经度", "纬度")), ",".join((*PERSON, *map(str, lonlat(5, 5))))]
    rows += [",".join((who, "", "", "", *map(str, lonlat(5, 6)))) for who in (LATIN, "欧阳修远")]
    (folder / "jobless.csv").write_text("\n".join(rows), encoding="gb18030")
    block = '[[groups]]\nname = "jobless"\nlabel = "登记失业人员"\nfile = "jobless.csv"\n\n[siting]'
    file = folder / "study.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[siting]", block), encoding="utf-8")
    return read_study(folder)


def said_of(folder: Path, study=None) -> list[str]:
    said = [str(fault) for fault in audit_output(folder, study)]
    assert not [line for line in said for secret in PLANTED if secret in line]
    return said


def test_a_clean_folder_is_clean(out, study):
    assert said_of(out) == []
    assert said_of(out, study) == []


def plant_workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["备注", 110105194912310029.0])
    book.active.append([LATIN, int(PERSON[2])])
    book.save(path / "extra.xlsx")


def plant_document(path: Path) -> None:
    book = docx.Document()
    line = book.add_paragraph("联系人：")
    for letter in PERSON[0]:  # three runs: no part of the XML holds the name whole
        line.add_run(letter)
    book.save(path / "note.docx")


def plant_geopackage(path: Path) -> None:
    frame = gpd.GeoDataFrame({"remark": ["x", PERSON[3]]}, geometry=gpd.points_from_xy([0, 1], [0, 0]), crs=4326)
    frame.to_file(path / "study.gpkg", layer="a")
    with sqlite3.connect(path / "study.gpkg") as book:
        book.execute("PRAGMA journal_mode = DELETE")


def plant_parquet(path: Path) -> None:
    pd.DataFrame({"t": ["", PERSON[2]]}).to_parquet(path / "t.parquet")


def plant_archive(path: Path) -> None:
    with zipfile.ZipFile(path / "send.zip", "w") as archive:
        archive.writestr("inner/list.txt", f"id {PERSON[1]}")


def plant_folder(path: Path) -> None:
    (path / PERSON[2]).mkdir()
    (path / PERSON[2] / "x.txt").write_text("x")


def plant_picture(path: Path) -> None:
    held = PngImagePlugin.PngInfo()
    held.add_text("Author", f"tel. {PERSON[2]}", zip=True)
    Image.new("RGB", (2, 2)).save(path / "map.png", pnginfo=held)


def plant_rich_text(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([CellRichText(PERSON[2][:4], TextBlock(InlineFont(b=True), PERSON[2][4:]))])
    book.save(path / "rich.xlsx")


def plant_page(path: Path, markup: str) -> None:
    (path / "page.html").write_text(markup, encoding="utf-8")


def plant_drawing(path: Path, markup: str) -> None:
    (path / "map.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{markup}\n</svg>', encoding="utf-8")


def packed_pdf(text: bytes, *, told: bytes = b"") -> bytes:
    held = zlib.compress(text)
    return b"%%PDF-1.4\n1 0 obj<</Length %d/Filter/FlateDecode%s>>stream\n%s\nendstream endobj" % (len(held), told, held)


def tar_of(name: str, raw: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        part = tarfile.TarInfo(name)
        part.size = len(raw)
        archive.addfile(part, io.BytesIO(raw))
    return file.getvalue()


def zip_of(name: str, raw: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
    return file.getvalue()


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def wrapped(raw: bytes, end: str) -> str:
    return base64.encodebytes(raw).decode().replace("\n", end)


def database(path: Path) -> bytes:
    with sqlite3.connect(path / "a.db") as book:
        book.execute("CREATE TABLE t (said TEXT, held BLOB)")
        book.execute("INSERT INTO t VALUES (?, ?)", (in_base64(PERSON[0].encode() * 2), gzip.compress(PERSON[1].encode())))
    raw = (path / "a.db").read_bytes()
    (path / "a.db").unlink()
    return raw


GB18030 = f"note\n{PERSON[0]}, {PERSON[2]}\n".encode("gb18030")
LINES = f"note\n{PERSON[0]}, {PERSON[2]}\n".encode()
PACKED: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "gzip": ("a.csv.gz", lambda _: gzip.compress(LINES), "a.csv.gz (internal), a.csv, line 2"),
    "bzip2": ("a.csv.bz2", lambda _: bz2.compress(LINES), "a.csv.bz2 (internal), a.csv, line 2"),
    "xz, under another ending": ("a.dat", lambda _: lzma.compress(LINES), "a.dat (internal), a, line 2"),
    "a tar": ("a.tar", lambda _: tar_of("in.txt", LINES), "a.tar (internal), in.txt, line 2"),
    "a packed tar": ("a.tgz", lambda _: gzip.compress(tar_of("in.txt", LINES)), "a.tgz (internal), a.tar, in.txt, line 2"),
    "a zip in a tar": ("a.tar", lambda _: tar_of("b.zip", zip_of("c.csv", LINES)), "a.tar (internal), b.zip, c.csv, line 2"),
    "a member's name": ("a.tar", lambda _: tar_of(f"{PERSON[2]}.txt", b""), "a.tar (internal), a name in the archive"),
    "GB 18030": ("a.txt", lambda _: GB18030, "a.txt (internal), line 2"),
    "GB 18030 in a zip": ("a.zip", lambda _: zip_of("b.txt", GB18030), "a.zip (internal), b.txt, line 2"),
    "UTF-16 without a mark": ("a.txt", lambda _: LINES.decode().encode("utf-16-le"), "a.txt (internal), line 2"),
    "UTF-8 cut off": ("a.txt", lambda _: LINES + "王".encode()[:2], "a.txt (internal), line"),
    "base 64 in a script": ("a.html", lambda _: f'<script>"{in_base64(LINES)}"</script>'.encode(), "what is built in, line 2"),
    "base 64 in a JSON": ("a.json", lambda _: json.dumps([in_base64(LINES)]).encode(), "what is built in, line 2"),
    "wrapped base 64": ("a.txt", lambda _: wrapped(b"x" * 99 + b"\n" + LINES, "\r\n").encode(), "what is built in, line 3"),
    "of a notebook": ("a.ipynb", lambda _: wrapped(b"x" * 99 + b"\n" + LINES, "\\n").encode(), "what is built in, line 3"),
    "base 64 for addresses": ("a.txt", lambda _: base64.urlsafe_b64encode(b"?>?" + LINES), "what is built in, line 2"),
    "base 64 in an escaped JSON": (
        "a.json",
        lambda _: json.dumps([in_base64(b"?" * 3 + b"?>" * 3 + LINES)]).replace("/", "\\/").replace("=", "\\u003d").encode(),
        "what is built in, line 2",
    ),
    "an address's escapes": ("a.html", lambda _: f'<a href="?q={quote(LINES)}">'.encode(), "a.html (internal), line 2"),
    "base 64 of a gzip": ("a.js", lambda _: in_base64(gzip.compress(LINES)).encode(), "what is built in, line 2"),
    "base 64 of GB 18030": ("a.js", lambda _: in_base64(GB18030).encode(), "what is built in, line 2"),
    "base 64 in a database": ("a.sqlite", database, "a.sqlite (internal), t, row 1, what is built in, line 1"),
    "a picture's words": ("a.png", lambda _: b"\x89PNG\r\n\x1a\n" + LINES, "a.png (internal)"),
}  # fmt: skip


@pytest.mark.parametrize("how", PACKED)
def test_what_is_packed_is_looked_through(out, study, how):
    file, pack, where = PACKED[how]
    (out / file).write_bytes(pack(out))
    found = said_of(out, study)
    assert [line for line in found if where in line and "a person's" in line], found
    assert not [line for line in found if "cannot be looked through" in line]


@pytest.mark.parametrize(
    "text",
    [
        b"BT (138) Tj [(1234) -20 (5678)] TJ ET",
        b"BT (13\\070\\0612345678) Tj ET",
        b"BT <3133383132333435363738> Tj ET",
        b"<</Title <FEFF0031003300380031003200330034003500360037 0038>>>",
    ],
)
def test_the_text_of_a_pdf_is_looked_through(out, text):
    (out / "a.pdf").write_bytes(packed_pdf(b"/F1 9 Tf 1 0 0 1 0 0 Tm " + text))
    (found,) = said_of(out)
    assert re.match(r"a\.pdf \(internal\), stream 1, line \d: a person's mobile number", found)


def test_numbers_at_two_places_of_a_pdf_are_not_one(out):
    (out / "a.pdf").write_bytes(packed_pdf(b"BT (138) Tj 0 -12 Td (12345678) Tj T* (138) Tj ET BT (12345678) Tj ET"))
    assert said_of(out) == []


UNREAD: dict[str, tuple[str, bytes]] = {
    "unknown bytes": ("a.7z", bytes((7 * i * i + i // 3) % 256 for i in range(300))),
    "a picture that is none": ("a.png", bytes(range(256))),
    "a broken gzip": ("a.csv.gz", gzip.compress(LINES)[:-9]),
    "an old workbook": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "a PDF of pictures": ("a.pdf", packed_pdf(b"", told=b"/Subtype/Image")),
    "a PDF in numbers of letter forms": ("a.pdf", packed_pdf(b"<</Type/Font/Subtype/Type0>>")),
    "a locked PDF": ("a.pdf", packed_pdf(b"x") + b"trailer<</Encrypt 9 0 R>>"),
    "a PDF packed otherwise": ("a.pdf", packed_pdf(b"x").replace(b"FlateDecode", b"LZWDecode")),
    "unknown bytes in a zip": ("a.zip", zip_of("b.bin", bytes(range(256)))),
    "what is said to be base 64": ("a.html", f'<a href="data:x/y;base64,{in_base64(bytes(range(256)))}">'.encode()),
}


@pytest.mark.parametrize("what", UNREAD)
def test_what_cannot_be_looked_through_is_told(out, what):
    file, raw = UNREAD[what]
    (out / file).write_bytes(raw)
    assert [line for line in said_of(out) if line.startswith(file) and "cannot be looked through" in line]


@pytest.mark.parametrize(
    "bomb",
    [
        gzip.compress(b"a" * 3_000_000),
        zip_of("b", b"a" * 3_000_000),
        lzma.compress(b"a" * 3_000_000),
        packed_pdf(b"a" * 3_000_000),
        zip_of("b", gzip.compress(b"a" * 900_000)),
    ],
)
def test_no_more_is_unpacked_than_there_is_room_for(out, monkeypatch, bomb):
    """Room is of all that is packed within a file, in each other too."""
    monkeypatch.setattr("planner.sources.audit.texts.MOST_UNPACKED", 900_000)
    (out / "bomb.bin").write_bytes(bomb)
    assert [line for line in said_of(out) if line.startswith("bomb.bin") and "cannot be looked through" in line]


def test_archives_in_archives_come_to_an_end(out):
    raw = LINES
    for _ in range(9):
        raw = gzip.compress(raw)
    (out / "deep.gz").write_bytes(raw)
    assert [line for line in said_of(out) if "cannot be looked through" in line]


def test_packed_columns_letters_and_pictures_of_a_page_are_no_findings(out, study):
    """Two hundred thousand numbers as the pages pack them, names of functions, and hashes."""
    column = pack_numbers(np.random.default_rng(1).integers(0, 10**6, 200_000))
    words = " ".join(f"addEventListener{number}forStations" for number in range(3000))
    hashes = " ".join(hashlib.sha256(bytes([number % 256])).hexdigest() for number in range(3000))
    font = in_base64(b"wOF2" + bytes(range(256)) * 40)
    plant_page(out, f'<style>src:url(data:font/woff2;base64,{font})</style><script>"{column}" {words} {hashes}</script>')
    assert said_of(out, study) == []


PLANTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a name in a page": (lambda p: (p / "index.html").write_text(f"<b>{PERSON[0]}</b>"), "index.html (public), line 1: {name}"),
    "a name in a script": (lambda p: (p / "i.html").write_text(json.dumps(PERSON[0])), "i.html (internal), line 1: {name}"),
    "a number in a table": (lambda p: (p / "x.csv").write_text(f"a\n{PERSON[1]}\n"), "x.csv (internal), line 2: {id}"),
    "a phone in a JSON": (lambda p: (p / "x.json").write_text(f'"+86 {PERSON[2]}"'), "x.json (internal), line 1: {phone}"),
    "numbers in a workbook": (plant_workbook, "extra.xlsx (internal), xl/worksheets/sheet1.xml, line 1: {phone}"),
    "a Latin name in a workbook": (plant_workbook, "extra.xlsx (internal), xl/worksheets/sheet1.xml, line 1: {name}"),
    "a name in three runs": (plant_document, "note.docx (internal), word/document.xml: {name}"),
    "an address in a GeoPackage": (plant_geopackage, "study.gpkg (internal), a, row 2: a person's address of jobless.csv"),
    "a number in an archive": (plant_archive, "send.zip (internal), inner/list.txt, line 1: {id}"),
    "a parquet column": (plant_parquet, "t.parquet (internal), row 2, t: {phone}"),
    "a file's name": (lambda p: (p / f"{PERSON[0]}.txt").write_text("x"), "the file's name: {name}"),
    "a number in a cell, part of it bold": (plant_rich_text, "rich.xlsx (internal), xl/worksheets/sheet1.xml: {phone}"),
    "a number in parts of one cell": (
        lambda p: plant_page(p, "<td><b>138</b><i>1234</i>5678</td>"),
        "page.html (internal): {phone}",
    ),
    "a number in parts of a label": (
        lambda p: plant_drawing(p, "<text><tspan>138</tspan><tspan>12345678</tspan></text>"),
        "map.svg (internal): {phone}",
    ),
    "a number where a path should be": (
        lambda p: plant_drawing(p, f'<path d="M {PERSON[2]} 5"/>'),
        "map.svg (internal), line 2: {phone}",
    ),
    "a number said beside a path": (
        lambda p: plant_drawing(p, '<path d="M 1 2" data-tel="138 1234 5678"/>'),
        "map.svg (internal), line 2: {phone}",
    ),
    "a full-width number": (
        lambda p: (p / "x.json").write_text(json.dumps("１３８１２３４５６７８")),
        "x.json (internal), line 1: {phone}",
    ),
    "a number from abroad": (lambda p: (p / "x.txt").write_text(f"0086{PERSON[2]}"), "x.txt (internal), line 1: {phone}"),
    "a card's number with spaces": (
        lambda p: (p / "x.txt").write_text(f"{PERSON[1][:6]} {PERSON[1][6:14]} {PERSON[1][14:]}"),
        "x.txt (internal), line 1: {id}",
    ),
    "a number in UTF-16": (
        lambda p: (p / "x.txt").write_bytes(PERSON[2].encode("utf-16")),
        "x.txt (internal), line 1: {phone}",
    ),
    "a folder's name": (plant_folder, "13812345678/x.txt (internal), the file's name: {phone}"),
    "a packed property of a picture": (plant_picture, "map.png (internal), Author: {phone}"),
    "a text built into a page": (
        lambda p: plant_page(p, f'<a href="data:text/plain;base64,{base64.b64encode(PERSON[2].encode()).decode()}">a</a>'),
        "page.html (internal), what is built in, line 1: {phone}",
    ),
    "a file that cannot be searched": (
        lambda p: (p / "x.pdf").write_bytes(b"%PDF-1.4"),
        "x.pdf (internal): the file cannot be looked through",
    ),
    "a picture's properties": (lambda p: (p / "map.png").write_bytes(b"\x89PNG 13812345678 "), "map.png (internal): {phone}"),
}
WORDS = {
    "name": "a person's name of jobless.csv",
    "id": "a person's identity-card number stands",
    "phone": "a person's mobile number",
}


BLANKS = ("夔 晓梅", "夔晓　梅", "请联系夔 晓 梅老师", "夔\u200b晓梅", "王　芳", "联系人 王 芳 电话")


@pytest.mark.parametrize("said", [*BLANKS, "王芳"])
@pytest.mark.parametrize("listed", ["王芳", "王 芳", "王　　芳"])
def test_a_name_with_blanks_is_that_name(out, study, said, listed):
    rows = Path(study.folder) / "jobless.csv"
    text = rows.read_text(encoding="gb18030").replace("欧阳修远", listed)
    rows.write_text(text, encoding="gb18030")
    (out / "note.txt").write_text(said, encoding="utf-8")
    assert [line for line in said_of(out, study) if f"note.txt (internal), line 1: {WORDS['name']}" in line]


def test_letters_of_neighbouring_cells_and_words_are_no_name(out, study):
    rows = Path(study.folder) / "jobless.csv"
    rows.write_text(rows.read_text(encoding="gb18030").replace("欧阳修远", "王芳"), encoding="gb18030")
    (out / "note.txt").write_text("王\t芳\n夔\n晓梅\n女王芳华，帝王 芳草", encoding="utf-8")
    plant_page(out, "<tr><td>夔</td><td>晓梅</td></tr><p>王</p><p>芳</p>")
    assert said_of(out, study) == []


@given(
    st.text("王芳夔晓梅ab弄3·, \n", max_size=60),
    st.sets(st.text("王芳夔晓梅弄", min_size=3, max_size=5), min_size=1, max_size=5),
)
def test_every_listed_name_and_address_is_found_wherever_it_stands(text, names):
    addresses = {f"{name}3弄3ab" for name in names}
    secrets = Secrets({"name": dict.fromkeys(names, "a"), "address": dict.fromkeys(addresses, "b")})
    for written in (text, f"{text}{min(addresses)}{text}", f"{text}\n{max(names)}\n{text}"):
        found = set(secrets.found_in(written))
        lines = ["".join(line.split(" ")) for line in written.split("\n")]
        assert (("name", "a") in found) == any(name in line for name in names for line in lines)
        assert (("address", "b") in found) == any(address in "".join(written.split()) for address in addresses)


class Walked(dict):
    """A list that counts how often somebody goes through all of it."""

    times = 0

    def __iter__(self):
        Walked.times += 1
        return super().__iter__()


def test_a_long_list_is_not_gone_through_for_every_line(monkeypatch):
    monkeypatch.setattr(Walked, "times", 0)
    names = Walked({f"王{chr(0x4E00 + number)}氏": "a" for number in range(300)})
    secrets = Secrets({"name": names, "address": Walked({f"{name}路3弄3号": "a" for name in dict(names.items())})})
    for number in range(50):
        assert list(secrets.found_in(f"{number}号街道的就业服务站点，步行15分钟可达，服务居民{number}人")) == []
    assert 0 < Walked.times <= 5
    assert set(secrets.found_in("王一氏路3弄3号")) == {("name", "a"), ("address", "a")}


def test_the_files_that_are_looked_through_are_told(out):
    told = []
    audit_output(out, progress=lambda text, share: told.append((text, share)))
    assert [text for text, _ in told[:-1]] == [f"privacy: {path.name}" for path in sorted(out.iterdir())]
    assert [share for _, share in told[:-1]] == sorted(share for _, share in told[:-1])
    assert told[0][1] == 0
    assert all(0 <= share < 1 for _, share in told)


@pytest.mark.parametrize("what", PLANTS)
def test_what_is_planted_is_found_and_not_repeated(out, study, what):
    plant, expected = PLANTS[what]
    plant(out)
    found = [str(fault) for fault in audit_output(out, study)]
    assert [line for line in found if expected.format(**WORDS) in line], found
    shown = [line.replace(f"{PERSON[0]}.txt", "").replace(f"{PERSON[2]}/x.txt", "") for line in found]  # called by their names
    assert not [line for line in shown for secret in PLANTED if secret in line]


def test_coordinates_and_neighbouring_cells_are_no_numbers_of_persons(out):
    """As drawn and written with spaces, signs and tags between, these would be numbers of persons."""
    plant_drawing(out, '<path transform="matrix(1 0 0 1 166 1952 1184)" d="M 166 1952 1184 \nC 138-1234-5678 5946"/>')
    plant_page(out, "<tr><td>110105</td><td>19491231</td><td>002X</td></tr><p>138</p><p>12345678</p><li>138<br>12345678</li>")
    assert said_of(out) == []


def test_a_mobile_that_a_station_gives_as_its_own_is_no_secret(out, study):
    """The office's own telephone for the map; in another column of the table, or without the study, it is somebody's."""
    (out / "index.html").write_text("<p>Tel. 139 0000-1111</p>", encoding="utf-8")
    table = study.folder / "stations.csv"
    plain = table.read_text(encoding="utf-8").splitlines()
    for header, found in (("phone", False), ("remark", True)):
        table.write_text("\n".join([f"{plain[0]},{header}", *(f"{line},13900001111" for line in plain[1:])]), encoding="utf-8")
        assert bool(said_of(out, study)) == found
    assert said_of(out)


def test_names_of_public_places_are_no_secret(out, study):
    stations = Path(study.folder) / "stations.csv"
    stations.write_text(stations.read_text(encoding="utf-8").replace("一号站", "欧阳修远纪念馆"), encoding="utf-8")
    (out / "index.html").write_text("<b>欧阳修远纪念馆</b>", encoding="utf-8")
    assert said_of(out, study) == []


def test_small_counts_are_found_in_tables_documents_and_pages(out):
    write_points(out, pop_jobless=[20.0, 3.0, 37.0])
    (out / "towns.csv").write_text(TOWNS.replace("400,20\nWest", "400,7\nWest"), encoding="utf-8-sig")
    (out / "groups.csv").write_text(GROUPS.replace("60,40", "60,4"), encoding="utf-8-sig")
    book = openpyxl.Workbook()
    book.active.append(["街镇 town", "登记失业人员：覆盖重点群体（人）"])
    book.active.append(["East", 6])
    book.save(out / "workbook.xlsx")
    text = docx.Document()
    table = text.add_table(rows=2, cols=2)
    words = ["群体", "总人数（人）", "登记失业人员", "5"]
    for cell, word in zip([*table.rows[0].cells, *table.rows[1].cells], words, strict=True):
        cell.text = word
    text.save(out / "report.docx")
    page = {
        "tables": {"towns": {"columns": [{"label": {"zh": "街镇"}}, {"label": {"zh": "登记失业人员"}}], "rows": [["East", 2]]}}
    }
    text = f'<script type="application/json" id="atlas-data">{json.dumps(page)}</script>'
    (out / "internal.html").write_text(text, encoding="utf-8")
    found = said_of(out)
    assert [line.split(":")[0] for line in found if "is below 10" in line] == [
        "demand.parquet (internal), row 1, pop_jobless",
        "groups.csv (internal), row jobless, covered",
        "internal.html (internal), the table towns, row 2",
        "report.docx (internal), table 1, row 2",
        "towns.csv (internal), row East, covered_jobless",
        "workbook.xlsx (internal), Sheet, row 2",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"groups.csv": GROUPS.replace("60,40", "60,55")}, "groups.csv, row jobless, covered"),
        ({"towns.csv": TOWNS.replace("400,20\nWest", "400,\nWest")}, "towns.csv, covered_jobless"),
        ({"pop_jobless": [None, 20.0, 20.0], "need": [None, 80.0, 80.0]}, "demand.parquet, row East, pop_jobless"),
        ({"pop_jobless": [None, None, 20.0]}, "need is shown where the count of 'jobless' is empty"),
    ],
)
def test_sums_that_give_an_empty_count_away_are_found(out, change, expected):
    for file, text in change.items():
        if file.endswith(".csv"):
            (out / file).write_text(text, encoding="utf-8-sig")
    columns = {name: values for name, values in change.items() if not name.endswith(".csv")}
    if columns:
        write_points(out, **columns)
    assert [line for line in said_of(out) if expected in line]


def test_sums_of_need_that_give_an_empty_count_away_are_found(out):
    """Need a plan covers tells the empty gain of a site; need that counts more in an area tells who of a group lives there."""
    expected = "summary.json, {}: a sum of need is shown where a count of 'jobless' is empty"
    (out / "sites.csv").write_text("site_id,gain_pop,gain_jobless\nH1,20,\nH2,30,20\n", encoding="utf-8-sig")
    (out / "summary.json").write_text('{"need": 900, "plan": {"need_covered_after": 800}}', encoding="utf-8")
    assert [line.split(";")[0] for line in said_of(out)] == [expected.format("gain_jobless")]
    write_points(out, pop_jobless=[None, 20.0, 20.0], need=[None, 80.0, 80.0])
    (out / "areas.csv").write_text("area,place,factor\ncamp,*,2\n", encoding="utf-8-sig")
    assert [line for line in said_of(out) if line.startswith(expected.format("pop_jobless"))]
    (out / "summary.json").write_text('{"need": null, "plan": {"need_covered_after": null}}', encoding="utf-8")
    assert not [line for line in said_of(out) if "a sum of need" in line]


def test_employers_are_no_persons(out):
    with_jobs = GROUPS.replace("label,total", "label,of,total").replace("人口,1000", "人口,people,1000")
    text = with_jobs.replace("人员,60", "人员,people,60") + "firms,用人单位,employers,3,2\n"
    (out / "groups.csv").write_text(text, encoding="utf-8-sig")
    assert said_of(out) == []


def test_counts_by_group_have_no_place_in_a_public_file(out, study):
    (out / "index.html").write_text('{"served_jobless": 40, "from": "jobless.csv"}', encoding="utf-8")
    assert [line.split(";")[0] for line in said_of(out, study)] == [
        "index.html (public): counts by key group stand in a public file",
        "index.html (public): a public file names a list of a key group",
    ]


def test_a_file_of_residents_that_counts_a_key_group_too_may_be_named_in_public(out, study):
    (out / "index.html").write_text('{"from": "jobless.csv"}', encoding="utf-8")
    both = dataclasses.replace(study, population=dataclasses.replace(study.population, file="jobless.csv"))
    assert [line for line in said_of(out, study) if "names a list" in line]
    assert not [line for line in said_of(out, both) if "names a list" in line]


def test_a_file_that_cannot_be_opened_is_a_finding_and_no_folder_an_error(out, tmp_path):
    (out / "broken.xlsx").write_bytes(b"PK\x03\x04 not a zip")
    assert said_of(out) == ["broken.xlsx (internal): the file cannot be looked through; remove it, or write the output again"]
    with pytest.raises(SourceError, match="there is no such folder"):
        audit_output(tmp_path / "none")


def test_the_command_goes_with_a_study_and_without(out, study):
    clean = CliRunner().invoke(main, ["check", "--privacy", str(out)])
    assert (clean.exit_code, "Nothing was found" in clean.output) == (0, True)
    (out / "index.html").write_text(PERSON[0], encoding="utf-8")
    found = CliRunner().invoke(main, ["check", str(study.folder), "--privacy", str(out)])
    assert found.exit_code == 1
    assert "a person's name of jobless.csv stands there" in found.output
    assert PERSON[0] not in found.output


def test_packed_cells_of_a_planning_map_are_unpacked_and_looked_at(out):
    def packed(values):
        return pack_numbers([0 if value is None else round(value * 10) + 1 for value in values])

    def page(counts, need):
        data = {"cells": {"groups": {"jobless": packed(counts), "other": packed([1.0, 2.0, 3.0])}, "need": packed(need)}}
        text = f'<script type="application/json" id="atlas-data">{json.dumps(data)}</script>'
        (out / "internal.html").write_text(text, encoding="utf-8")
        return [line for line in said_of(out) if line.startswith("internal.html")]

    assert page([0.0, None, 12345.6], [5.0, None, 9.0]) == []
    assert [line.split(";")[0] for line in page([9.9, None, 0.1], [5.0, 7.0, 9.0])] == [
        "internal.html (internal), the cells of the map: a count of the key group 'jobless' is below 10 in 2 cells",
        "internal.html (internal), the cells of the map: need is shown where the count of 'jobless' is empty, in 1 cells",
    ]
    broken = '<script type="application/json" id="atlas-data">{"cells": {"groups": {"jobless": "~"}}}</script>'
    (out / "internal.html").write_text(broken, encoding="utf-8")
    assert [line for line in said_of(out) if "internal.html (internal): the file cannot be looked through" in line]


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**9)), max_size=200))
def test_a_column_unpacks_to_what_was_packed(tenths):
    text = pack_numbers(np.array([0 if each is None else each + 1 for each in tenths], dtype=np.int64))
    expected = [None if each is None else each / 10 for each in tenths]
    assert [None if np.isnan(value) else value for value in unpack_column(text)] == expected
