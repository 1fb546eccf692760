"""The text of a PDF, as far as it can be read without drawing it (ISO 32000-1)."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator

from planner.sources.audit.unpack import BROKEN, Part, Room

STREAM = re.compile(rb"(?<!end)stream\r?\n")
FILTERS = re.compile(rb"/Filter\s*(\[[^\]]*\]|/\w+|\d+\s+\d+\s+R)")
DRAWING = (b"/Length1", b"/Type1C", b"/CIDFontType0C", b"/OpenType", b"/XRef", b"/Alternate")  # letter forms, tables, colours
SHOWN = re.compile(  # ISO 32000-1, 7.3.4 and 9.4: strings, and what moves to another place
    rb"\(((?:[^()\\]|\\.)*)\)|<([0-9A-Fa-f\s]+)>|\b(Td|TD|Tm|ET|endobj)\b|(T\*)|(/\w+)(?!\w*\s+[\d.]+\s+Tf)", re.DOTALL
)
ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r?\n|.)", re.DOTALL)


def pdf_parts(raw: bytes, room: Room) -> Iterator[Part]:
    """What a PDF says, stream by stream, as text in UTF-8; what is attached comes as it is, under the name ``attached``.

    Without bytes where it cannot be read: locked, text in numbers of letter forms, pictures, other ways to pack.
    """
    ends = [found.end() for found in STREAM.finditer(raw)]
    if b"obj" not in raw:
        yield "", None
    outside, last = b"", 0
    for number, start in enumerate(ends, 1):
        end = raw.find(b"endstream", start)
        if start < last or end < 0:
            continue
        told = raw[max(raw.rfind(b"obj", last, start), last) : start]
        outside, last = outside + raw[last:start], end
        yield from _of_stream(f"stream {number}", told, raw[start:end], room)
    outside += raw[last:]
    yield "", pdf_text(outside)
    if re.search(rb"/(?:Encrypt|Type0)\b", outside):
        yield "", None


def _of_stream(name: str, told: bytes, held: bytes, room: Room) -> Iterator[Part]:
    if re.search(rb"/Subtype\s*/Image", told):
        yield f"{name}, a picture", None
        return
    plain = _filtered(told, held, room)
    if plain is None:
        yield name, None
    elif b"/EmbeddedFile" in told:
        yield "attached", plain
    elif not any(word in told for word in DRAWING):
        yield name, pdf_text(plain)
        if re.search(rb"/Type0\b", plain):
            yield f"{name}, text in numbers of letter forms", None


def _filtered(told: bytes, held: bytes, room: Room) -> bytes | None:
    """A stream unpacked; None where it is packed otherwise."""
    filters = FILTERS.search(told)
    names = re.findall(rb"/(\w+)", filters[1]) if filters else []
    if filters and not names:
        return None
    for name in names:
        try:
            if name in (b"FlateDecode", b"Fl"):
                held = room.take(zlib.decompressobj().decompress(held, room.left + 1))
            elif name in (b"ASCII85Decode", b"A85"):
                held = base64.a85decode(held.strip().removesuffix(b"~>"))
            elif name in (b"ASCIIHexDecode", b"AHx"):
                held = bytes.fromhex(held.strip().rstrip(b">").decode("ascii"))
            else:
                return None
        except BROKEN:
            return None
    return held


def pdf_text(plain: bytes) -> bytes:
    """The strings of a PDF's commands in UTF-8: on one line what is written on without a move.

    >>> pdf_text(rb"BT (138) Tj [(12\\063) -20 (4)] TJ 0 -12 Td <FEFF738B> Tj ET").decode().split()
    ['1381234', '王']
    """
    said: list[str] = []
    for literal, digits, *moved in (found.groups(b"") for found in SHOWN.finditer(plain)):
        if any(moved):
            said.append("\n")
        elif digits:
            said.append(_string(bytes.fromhex((digits + b"0" * (len(b"".join(digits.split())) % 2)).decode("ascii"))))
        else:
            said.append(_string(ESCAPE.sub(_escaped, literal)))
    return "".join(said).encode("utf-8", errors="replace")


def _escaped(found: re.Match[bytes]) -> bytes:
    if found[1].isdigit():
        return bytes([int(found[1], 8) % 256])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b"", b"\r\n": b""}.get(found[1], found[1])


def _string(raw: bytes) -> str:
    if raw.startswith(b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", errors="replace")
