"""Bytes as text: in UTF-8, UTF-16 or GB 18030; and bytes that stand in a text in base 64."""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterator

MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # the first that fits
CONTROLS = bytes({*range(32)} - set(b"\t\n\v\f\r\x1b"))
MOST_CONTROLS = 0.01  # of a text; a file of numbers has many
LEAST_LETTERS = 0.9  # of text in UTF-16 without a mark; two in five of any two bytes are a Chinese letter
SAMPLE = 10_000  # letters looked at
LETTERS = re.compile(r"[\t\r\n -~\u00b7\u2014-\u2026\u3000-\u3011\u3400-\u9fff\uff01-\uff5e]")
LEAST_GB2312 = 16  # bytes: fewer are letters by chance
KNOWN = re.compile(rb"PK\x03\x04|\x1f\x8b\x08|BZh\d1AY|\xfd7zXZ\0|%PDF-|SQLite format 3\0|PAR1")
BUILT_IN = re.compile(  # wrapped at 60 to 76 letters, or on one line; 12 letters are three Chinese ones
    r"(base64,)?((?:[A-Za-z0-9+/_-]{60,76}(?:(?:\\r)?\\n|\r?\n)[ \t]*)+[A-Za-z0-9+/_-]+|[A-Za-z0-9+/_-]{12,})"
)


def text_of(raw: bytes) -> str | None:
    """Bytes as text; None where they are none.

    What is neither wholly UTF-8 nor UTF-16 comes as GB 18030 and as UTF-8 with its broken letters left out.

    >>> [text_of("王芳".encode(encoding)) for encoding in ("utf-8", "utf-16")], text_of(bytes(range(256)))
    (['王芳', '王芳'], None)
    """
    mark = next((mark for mark in MARKS if raw.startswith(mark)), None)
    if mark:
        return raw.decode("utf-32" if len(mark) == 4 else "utf-16", errors="replace")
    if not _is_binary(raw):
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return f"{raw.decode('gb18030', errors='replace')}\n{raw.decode('utf-8', errors='replace')}"
    return _utf16(raw)


def built_in(text: str) -> Iterator[bytes]:
    """What stands in base 64 in a text: texts, what begins like a known kind of file, and what is said to be base 64."""
    for told, letters in BUILT_IN.findall(text):
        plain = re.sub(r"\\r|\\n|\s", "", letters).replace("-", "+").replace("_", "/")
        plain = plain[: len(plain) - (len(plain) % 4 == 1)]  # a last letter alone stands for nothing
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4))
        if told or KNOWN.match(raw) or _is_text(raw):
            yield raw


def _is_text(raw: bytes) -> bool:
    """Whether bytes out of base 64 are text, not by chance."""
    for encoding in ("utf-8", "gb2312") if len(raw) >= LEAST_GB2312 else ("utf-8",):
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not _is_binary(raw)
    return raw.startswith(MARKS) or _utf16(raw) is not None


def _is_binary(raw: bytes) -> bool:
    return len(raw) - len(raw.translate(None, CONTROLS)) > MOST_CONTROLS * len(raw)


def _utf16(raw: bytes) -> str | None:
    """Text in UTF-16 without a mark."""
    for encoding in ("utf-16-le", "utf-16-be"):
        begun = raw[: 2 * SAMPLE].decode(encoding, errors="replace")
        if begun and len(raw) % 2 == 0 and len(LETTERS.findall(begun)) >= LEAST_LETTERS * len(begun):
            return raw.decode(encoding, errors="replace")
    return None
