"""All the text in a file of any kind that a run writes, piece by piece, with where it stands."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq

Piece = tuple[str, str]  # where it stands, and the text

MOST_UNPACKED = 10_000_000  # bytes of a property of a picture
DEEPEST = 3  # archives in archives
TAGS = re.compile(r"<[^>]*>")
APART = re.compile(  # tags at which a text ends: of paragraphs, cells and rows; all others may stand within a word or a number
    r"</?(?:w:(?:p|tc|br|tab)|a:p|si|c|row|vt:lpstr|text|p|div|section|table|tr|td|th|caption|li|ul|ol|dl|dt|dd|h[1-6]|br|hr|"
    r"option|select|button|label|summary|details|title|script|style|svg|placemark|name|description)(?:[\s/][^>]*)?>",
    re.IGNORECASE,
)
DRAWN = re.compile(r"""(?<=\s)(?:d|points|transform|viewBox)\s*=\s*("[^"<>]*"|'[^'<>]*')""")
BETWEEN_COORDINATES = re.compile(r"[ \t,]+|(?=[-+])")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
PACKED = (".xlsx", ".docx", ".pptx", ".xlsm", ".ods", ".odt", ".zip", ".kmz")
MARKED_UP = (".xml", ".rels", ".html", ".htm", ".svg", ".kml")
OPAQUE = (
    ".pdf",
    ".doc",
    ".xls",
    ".ppt",
    ".xlsb",
    ".wps",
    ".et",
    ".rar",
    ".7z",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
    ".pickle",
    ".pkl",
)
BUILT_IN = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)?[^,;\s\"')]*(?:;[a-z]+=[^,;]*)*;base64,([A-Za-z0-9+/=]+)")
KINDS = {
    "image/svg+xml": ".svg",
    "text/html": ".html",
    "application/xml": ".xml",
}  # of what is built into a page; others by their bytes
PNG = b"\x89PNG\r\n\x1a\n"
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".woff", ".woff2", ".ico")


def texts_of(path: Path) -> Iterator[Piece]:
    """Every piece of text in a file, and what it holds that is hidden: comments, deleted rows, properties, file names inside.

    Numbers come as the file writes them, and those of a workbook or a parquet table also as whole digits.

    Raises
    ------
    OSError, ValueError, RuntimeError, sqlite3.Error, zipfile.BadZipFile
        If the file is not what its ending says, or is of a kind whose text cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in OPAQUE:
        raise ValueError("the text of such a file cannot be read")
    if suffix == ".parquet":
        yield from _of_parquet(path)
    elif suffix == ".gpkg":
        yield from _of_geopackage(path)
        yield "raw bytes", path.read_bytes().decode("utf-8", errors="replace")  # rows that were deleted stay in the file
    else:
        yield from _of_bytes(path.name, path.read_bytes(), 0)


def _of_bytes(name: str, raw: bytes, depth: int) -> Iterator[Piece]:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PACKED or (raw.startswith(b"PK\x03\x04") and depth < DEEPEST):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for part in archive.infolist():
                yield "a name in the archive", part.filename
                for where, text in _of_bytes(part.filename, archive.read(part), depth + 1):
                    yield f"{part.filename}, {where}" if where else part.filename, text
    elif suffix in PICTURES or raw.startswith(PNG):
        yield "", raw.decode("latin-1")  # its properties; the picture itself cannot be read
        yield from _of_png(raw)
    elif suffix in MARKED_UP:
        text = _decoded(raw)
        yield from _of_markup(text)
        for found in BUILT_IN.finditer(text) if depth < DEEPEST else ():
            held = _built_in(found[2])
            for where, inner in _of_bytes(f"built in{KINDS.get(found[1] or '', '')}", held, depth + 1):
                yield f"what is built in, {where}" if where else "what is built in", inner
    else:
        yield from _lines(_decoded(raw))


def _of_png(raw: bytes) -> Iterator[Piece]:
    """The properties of a picture that are packed (ISO/IEC 15948, 11.3.3)."""
    at = len(PNG)
    while raw.startswith(PNG) and at + 12 <= len(raw):
        (size,), kind = struct.unpack(">I", raw[at : at + 4]), raw[at + 4 : at + 8]
        name, _, held = raw[at + 8 : at + 8 + size].partition(b"\0")
        packed = held[1:] if kind == b"zTXt" else held[2:].split(b"\0", 2)[-1] if kind == b"iTXt" and held[:1] == b"\1" else b""
        if packed:
            yield name.decode("latin-1"), _inflated(packed).decode(errors="replace")
        at += size + 12


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError("a property of the picture cannot be unpacked") from error


def _built_in(text: str) -> bytes:
    """What base 64 stands for, without a last letter that stands for nothing."""
    plain = text.rstrip("=")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _decoded(raw: bytes) -> str:
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if marked else "utf-8-sig", errors="replace")


def _of_markup(text: str) -> Iterator[Piece]:
    """Text of a page or document: as written, and with what the tags part put together again.

    Coordinates of a drawing are numbers each for itself: no three of them are one written with spaces.
    """
    written = DRAWN.sub(lambda found: BETWEEN_COORDINATES.sub("|", found[0]), text)
    yield from _lines(written)
    joined = html.unescape(TAGS.sub("", APART.sub("\n", written)))
    if joined != text:
        yield "", joined


def _lines(text: str) -> Iterator[Piece]:
    plain = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    for number, line in enumerate(plain.splitlines(), 1):
        yield f"line {number}", line


def _of_parquet(path: Path) -> Iterator[Piece]:
    table = pq.read_table(path)
    yield "the schema", json.dumps([str(table.schema), str(table.schema.metadata)], ensure_ascii=False)
    for name in table.column_names:
        values = table.column(name).to_pylist()
        if values and isinstance(next((value for value in values if value is not None), None), bytes):
            continue  # shapes
        for row, value in enumerate(values, 1):
            if value is not None:
                yield f"row {row}, {name}", _said(value)


def _of_geopackage(path: Path) -> Iterator[Piece]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
        tables = [row[0] for row in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            yield "the name of a layer", table
            quoted = table.replace('"', '""')
            for number, row in enumerate(book.execute(f'SELECT * FROM "{quoted}"'), 1):  # noqa: S608 - a name out of the file
                for value in row:
                    if value is not None and not isinstance(value, bytes):
                        yield f"{table}, row {number}", _said(value)


def _said(value: object) -> str:
    """A value as text; a whole number without its ``.0``, as a spreadsheet keeps an identity-card number."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e19:
        return str(int(value))
    return str(value)
