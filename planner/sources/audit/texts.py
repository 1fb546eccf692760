"""All the text in a file of any kind, piece by piece, with where it stands, and what in it cannot be read."""

from __future__ import annotations

import html
import io
import json
import re
import sqlite3
import struct
import urllib.parse
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq

from planner.sources.audit.letters import built_in, text_of
from planner.sources.audit.pdf import pdf_parts
from planner.sources.audit.unpack import BROKEN, Room, packing_of

Piece = tuple[str, str | None]  # where it stands, and the text; None where there is what cannot be read

MOST_UNPACKED = 200_000_000  # bytes of all that is packed within one file
DEEPEST = 5  # archives in archives
TAGS = re.compile(r"<[^>]*>")
APART = re.compile(  # tags at which a text ends: of paragraphs, cells and rows; all others may stand within a word or a number
    r"</?(?:w:(?:p|tc|br|tab)|a:p|si|c|row|vt:lpstr|text|p|div|section|table|tr|td|th|caption|li|ul|ol|dl|dt|dd|h[1-6]|br|hr|"
    r"option|select|button|label|summary|details|title|script|style|svg|placemark|name|description)(?:[\s/][^>]*)?>",
    re.IGNORECASE,
)
DRAWN = re.compile(r"""(?<=\s)(?:d|points|transform|viewBox)\s*=\s*("[^"<>]*"|'[^'<>]*')""")
BETWEEN_COORDINATES = re.compile(r"[ \t,]+|(?=[-+])")
PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
MARKED_UP = (".xml", ".rels", ".html", ".htm", ".svg", ".kml", ".vml", ".qgs", ".qml", ".gpx")
PNG = b"\x89PNG\r\n\x1a\n"
PICTURES = re.compile(  # and letter forms
    rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|II\*\x00|MM\x00\*|\x00\x00\x01\x00|wOFF|wOF2|OTTO|\x00\x01\x00\x00\x00", re.DOTALL
)
SHORT = 100_000  # less than six digits


def texts_of(path: Path) -> Iterator[Piece]:
    """Every piece of text in a file, and what it holds that is hidden: comments, deleted rows, properties, file names inside.

    A file is what its bytes say. Archives, compressed files, PDF streams and what stands in base 64 are unpacked, in each other
    too. Numbers come as the file writes them, those of a parquet table or a database also as whole digits. What cannot be read
    comes without a text: a kind of file that is not known, a broken or locked one, one that unpacks to more than any output.
    """
    yield from _of_bytes(path.name, path.read_bytes(), 0, Room(MOST_UNPACKED))


def _of_bytes(name: str, raw: bytes, depth: int, room: Room) -> Iterator[Piece]:
    try:
        yield from _of_kind(name, raw, depth, room)
    except (*BROKEN, sqlite3.Error):
        yield "", None


def _of_kind(name: str, raw: bytes, depth: int, room: Room) -> Iterator[Piece]:
    if depth > DEEPEST:
        yield "", None
    elif unpacked := packing_of(raw):
        for part, held in unpacked(name, raw, room):
            yield "a name in the archive", part
            yield from _within(part, held, depth, room)
    elif raw.startswith(b"%PDF"):
        for part, held in pdf_parts(raw, room):
            yield from _within(part, held, depth, room)
    elif raw.startswith(b"SQLite format 3\0"):
        yield from _of_database(raw, depth, room)
        yield "raw bytes", raw.decode("utf-8", errors="replace")  # rows that were deleted stay in the file
    elif raw.startswith(b"PAR1"):
        yield from _of_parquet(raw, depth, room)
    elif PICTURES.match(raw):
        yield "", raw.decode("utf-8", errors="replace")  # its properties; the picture itself cannot be read
        yield from _of_png(raw, room)
    else:
        yield from _of_text(PurePosixPath(name).suffix.lower(), text_of(raw), depth, room)


def _within(part: str, held: bytes | None, depth: int, room: Room) -> Iterator[Piece]:
    for where, text in [("", None)] if held is None else _of_bytes(part, held, depth + 1, room):
        yield ", ".join(each for each in (part, where) if each), text


def _of_text(suffix: str, text: str | None, depth: int, room: Room) -> Iterator[Piece]:
    if text is None:
        yield "", None
        return
    yield from _of_markup(text) if suffix in MARKED_UP or text.lstrip().startswith("<") else _lines(text)
    yield from _of_base64(text, depth, room)


def _of_base64(text: str, depth: int, room: Room) -> Iterator[Piece]:
    for held in built_in(_unescaped(text)) if depth < DEEPEST else ():
        yield from _within("what is built in", held, depth, room)


def _of_png(raw: bytes, room: Room) -> Iterator[Piece]:
    """The properties of a picture that are packed (ISO/IEC 15948, 11.3.3)."""
    at = len(PNG)
    while raw.startswith(PNG) and at + 12 <= len(raw):
        (size,), kind = struct.unpack(">I", raw[at : at + 4]), raw[at + 4 : at + 8]
        name, _, held = raw[at + 8 : at + 8 + size].partition(b"\0")
        packed = held[1:] if kind == b"zTXt" else held[2:].split(b"\0", 2)[-1] if kind == b"iTXt" and held[:1] == b"\1" else b""
        if packed:
            yield (
                name.decode("latin-1"),
                room.take(zlib.decompressobj().decompress(packed, room.left + 1)).decode(errors="replace"),
            )
        at += size + 12


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
    for number, line in enumerate(_unescaped(text).splitlines(), 1):
        yield f"line {number}", line


def _unescaped(text: str) -> str:
    """Text without the escapes of JSON and of addresses."""
    plain = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.replace("\\/", "/"))
    return PERCENT.sub(lambda found: urllib.parse.unquote(found[0]), plain)


def _of_parquet(raw: bytes, depth: int, room: Room) -> Iterator[Piece]:
    packed = pq.ParquetFile(io.BytesIO(raw))
    if sum(packed.metadata.row_group(number).total_byte_size for number in range(packed.num_row_groups)) > room.left:
        raise ValueError("it unpacks to more than any file of outputs")
    table = packed.read()
    yield "the schema", json.dumps([str(table.schema), str(table.schema.metadata)], ensure_ascii=False)
    for name in table.column_names:
        for row, value in enumerate(table.column(name).to_pylist(), 1):
            yield from _of_value(f"row {row}, {name}", value, depth, room)


def _of_database(raw: bytes, depth: int, room: Room) -> Iterator[Piece]:
    with closing(sqlite3.connect(":memory:")) as book:
        book.deserialize(raw[:18] + b"\1\1" + raw[20:])  # as written without a journal beside it, which is a file of its own
        tables = [row[0] for row in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            yield "the name of a layer", table
            if table.startswith("rtree_"):
                continue  # boxes of shapes
            quoted = table.replace('"', '""')
            for number, row in enumerate(book.execute(f'SELECT * FROM "{quoted}"'), 1):  # noqa: S608 - a name out of the file
                for value in row:
                    yield from _of_value(f"{table}, row {number}", value, depth, room)


def _of_value(where: str, value: object, depth: int, room: Room) -> Iterator[Piece]:
    """A cell of a table; shapes and short numbers tell nobody."""
    if isinstance(value, bytes):
        if not value.startswith((b"GP", b"\0", b"\1")):
            yield from _within(where, value, depth, room)
    elif value is not None and not (isinstance(value, int | float) and abs(value) < SHORT):
        yield where, _said(value)
        if isinstance(value, str):
            yield from ((f"{where}, {inner}", text) for inner, text in _of_base64(value, depth, room))


def _said(value: object) -> str:
    """A value as text; a whole number without its ``.0``, as a spreadsheet keeps an identity-card number."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e19:
        return str(int(value))
    return str(value)
