"""CSV as offices save it: UTF-8 with or without a mark, GB18030; commas, semicolons or tabs; comments above the headers."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from planner.sources.files.opening import refused
from planner.sources.files.records import HEADER_ROWS, Record

MARKS = (",", ";", "\t", "，", "；", "|")  # between cells; the full-width ones are typed by hand
PRIVATE = re.compile("[\ue000-\uf8ff]")  # letters of private use: bytes that GB18030 has no character for
BYTE_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
LONGEST_CELL = 1_000_000
LOOKED_AT = 100_000  # letters that tell what stands between the cells
PIECE_BYTES = 1 << 20


def text_records(path: Path, source: str) -> Iterator[Record]:
    """The records of a CSV with their row numbers, from 1; the text is never in memory as a whole.

    Raises
    ------
    SourceError
        If the text is in none of the encodings, or a quote is never closed.
    """
    encoding = encoding_of(path, source)
    with path.open(encoding=encoding, newline="") as file:
        mark = find_mark(file.read(LOOKED_AT))
    previous = csv.field_size_limit(LONGEST_CELL)
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield from enumerate(csv.reader(file, delimiter=mark, strict=True, skipinitialspace=True), 1)
    except csv.Error as error:
        said = f"the table cannot be read: {error}"
        raise refused(source, said, 'close every "quote", and double a quote that stands inside one') from error
    finally:
        csv.field_size_limit(previous)


def encoding_of(path: Path, source: str) -> str:
    """The encoding of a file, every byte of it looked at piece by piece; raises as `decode` does, by the same rules."""
    with path.open("rb") as file:
        start = file.read(4096)
    marked = next((encoding for mark, encoding in BYTE_MARKS.items() if start.startswith(mark)), None)
    encoding = marked or ("utf-8" if _mostly_whole(_pieces(path, "utf-8", "replace")) else "gb18030")
    try:
        strange = any(not marked and PRIVATE.search(piece) for piece in _pieces(path, encoding))
    except UnicodeDecodeError:
        strange = True
    if strange or (not marked and b"\0" in start):
        decode(path.read_bytes(), source)  # says in which line
    return encoding


def _pieces(path: Path, encoding: str, errors: str = "strict") -> Iterator[str]:
    """The text of a file, a piece at a time."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with path.open("rb") as file:
        while raw := file.read(PIECE_BYTES):
            yield decoder.decode(raw)
    yield decoder.decode(b"", final=True)


def decode(raw: bytes, source: str) -> str:
    """Bytes as text: by their mark, else UTF-8, else GB18030; never a guess that garbles.

    Text that is almost all UTF-8 but has a few bytes that are not is damaged, and is not taken for GB18030.

    >>> decode("嘉定".encode("gb18030"), "a.csv"), decode("嘉定".encode(), "a.csv")
    ('嘉定', '嘉定')

    Raises
    ------
    SourceError
        Naming the line that is in neither.
    """
    for mark, encoding in BYTE_MARKS.items():
        if raw.startswith(mark):
            return _marked(raw, encoding, source)
    if b"\0" in raw[:4096]:
        raise refused(source, "this is no text file", "save the table as CSV (UTF-8)")
    encoding = "utf-8" if looks_utf8(raw) else "gb18030"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refused(source, f"line {line} is neither UTF-8 nor GB18030", "save it again as CSV UTF-8") from error
    strange = PRIVATE.search(text)
    if strange is not None:
        line = text.count("\n", 0, strange.start()) + 1
        raise refused(source, f"line {line} is neither UTF-8 nor GB18030", "save it again as CSV UTF-8")
    return text


def looks_utf8(raw: bytes) -> bool:
    """Whether bytes are UTF-8, be it with some damage: of what is not ASCII, three letters in four are whole.

    Chinese in GB18030 hardly ever makes whole letters when it is read as UTF-8.
    """
    return _mostly_whole([raw.decode("utf-8", errors="replace")])


def _mostly_whole(loose: Iterable[str]) -> bool:
    """Whether of the letters that are not ASCII at most one in four stands for broken bytes."""
    counts = [(len(piece) - len(piece.encode("ascii", errors="ignore")), piece.count("\ufffd")) for piece in loose]
    letters, broken = sum(count for count, _ in counts), sum(count for _, count in counts)
    return letters - broken >= 3 * broken


def _marked(raw: bytes, encoding: str, source: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise refused(
            source, f"line {line} is not the {encoding.upper()} that the file's mark says", "save it again"
        ) from error


def find_mark(text: str) -> str:
    """What stands between the cells: the mark by which most of the first rows have the same number of cells, then most cells.

    >>> find_mark("a;b\\n1,5;2,5\\n"), find_mark("a\\tb\\n")
    (';', '\\t')
    """

    def regular(mark: str) -> tuple[float, int]:
        rows = csv.reader(io.StringIO(text[:LOOKED_AT], newline=""), delimiter=mark, skipinitialspace=True)
        cells = [len(row) for row in islice((row for row in rows if any(row) and not row[0].startswith("#")), HEADER_ROWS)]
        parted = [count for count in cells if count > 1]
        return max(((parted.count(count) / len(cells), count) for count in parted), default=(0, 0))

    return max(MARKS, key=regular)
