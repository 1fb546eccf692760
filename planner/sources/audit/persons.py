"""What would name a person: numbers by their form, and names, numbers and addresses by the lists they were taken from."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import unicodedata
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import pandas as pd

from planner.errors import PlannerError
from planner.schema import STATIONS
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.population.door import is_id_number, is_name, is_phone, personal_columns
from planner.sources.population.groups import ask_of
from planner.sources.population.tables import is_needed
from planner.sources.rasters import is_raster
from planner.study import Group, Study

_ID = re.compile(
    r"(?<![0-9A-Za-z.])(\d{17}[\dXx]|\d{15}|\d{6}([ -])\d{8}\2\d{3}[\dXx]|(?:\d{4}[ -]){4}\d[\dXx])(?![0-9A-Za-z])"
)
_MOBILE = re.compile(r"(?<![0-9A-Za-z._])(?:(?:\+|00)?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?![0-9A-Za-z]|\.\d)")
_FLOAT_ID = re.compile(r"(?<![0-9A-Za-z.])\d\.\d{10,16}[eE]\+?1[47](?!\d)")  # as a spreadsheet writes one it took for a number
_HAN = re.compile(r"[\u3400-\u9fff·]{2,}")
_DIGITS = re.compile(r"(?<![0-9a-z._])[0-9][0-9 \-]{4,}[0-9Xx]")
_WORDS = re.compile(r"[a-z][a-z'\-]+")
_HAN_NAME = re.compile(r"[\u3400-\u9fff·]{2,5}")
_LATIN_NAME = re.compile(r"[A-Za-z][A-Za-z'\-]+( [A-Za-z][A-Za-z'\-]+){1,3}")
_SPACED_HAN = re.compile(r"[\u3400-\u9fff·](?:[^\S\t\r\n]{0,4}[\u3400-\u9fff·])+")  # 王 芳: blanks, no cells
_NO_WIDTH = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_SEGMENT = re.compile(r"[0-9a-z\u3400-\u9fff#()\-·]{5,}")
SHORT_NAME = 2  # letters: such a name counts only where it stands alone
LEAST_ADDRESS, LEAST_DIGITS = 6, 6  # letters; shorter ones stand in any text

WORDS = {"id": "identity-card number", "phone": "mobile number", "name": "name", "number": "number", "address": "address"}


@dataclass(frozen=True)
class Secrets:
    """What the lists of key groups hold of people, folded for comparison: by kind the texts, and the file each is from."""

    by_kind: Mapping[str, Mapping[str, str]]
    phones: frozenset[str] = frozenset()  # mobile numbers that the study's stations and hosts give as their own: no secret

    @classmethod
    def none(cls) -> Secrets:
        return cls({})

    def found_in(self, text: str) -> Iterator[tuple[str, str]]:
        """Kind and file of everything of the lists that stands in a text; never the thing itself."""
        lines = _plain(text)
        plain = " ".join(lines.split())
        for kind, parts in (
            ("name", () if lines.isascii() else _han_parts(lines, self._name_lengths)),
            ("name", _latin_parts(plain, self._first_words) if self._first_words else ()),
            ("number", _numbers(plain)),
            ("address", self._addresses(plain)),
        ):
            held = self.by_kind.get(kind, {})
            for part in parts if held else ():
                if part in held:
                    yield kind, held[part]

    @cached_property
    def _name_lengths(self) -> list[int]:
        """Of names in Chinese that count within a longer run of letters."""
        names = self.by_kind.get("name", {})
        return sorted({len(name) for name in names if len(name) > SHORT_NAME and _HAN.fullmatch(name)})

    @cached_property
    def _first_words(self) -> set[str]:
        """Of names in Latin letters."""
        return {name.split()[0] for name in self.by_kind.get("name", {}) if " " in name}

    @cached_property
    def _address_lengths(self) -> dict[str, set[int]]:
        """How long the addresses are that begin with the same letters."""
        lengths: dict[str, set[int]] = {}
        for address in self.by_kind.get("address", {}):
            lengths.setdefault(address[:LEAST_ADDRESS], set()).add(len(address))
        return lengths

    @cached_property
    def _latin_addresses(self) -> bool:
        return any(beginning.isascii() for beginning in self._address_lengths)

    def _addresses(self, plain: str) -> Iterator[str]:
        """Parts of a text that begin like one of the addresses and are as long."""
        if plain.isascii() and not self._latin_addresses:
            return
        for found in _SEGMENT.finditer(plain.replace(" ", "")):
            run = found[0]
            if run.isascii() and not self._latin_addresses:
                continue
            for start in range(len(run) - LEAST_ADDRESS + 1):
                for length in self._address_lengths.get(run[start : start + LEAST_ADDRESS], ()):
                    yield run[start : start + length]


def folded(text: str) -> str:
    """Text as it is compared: full-width forms, case, runs of space and what has no width do not matter."""
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    return (text if text.isascii() else _NO_WIDTH.sub("", unicodedata.normalize("NFKC", text))).casefold()


def numbers_in(text: str, phones: frozenset[str] = frozenset()) -> Iterator[str]:
    """Kind of everything in a text that has the form of a person's number, but for the mobile numbers `phones`.

    >>> list(numbers_in("11010519491231002X and 13800138000, not 121.4737138001380001 or n13800138000"))
    ['id', 'phone']
    >>> list(numbers_in("110105 19491231 002X, １３８００１３８０００, 0086-13800138000"))
    ['id', 'phone', 'phone']
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    for found in _ID.finditer(plain):
        number = re.sub("[ -]", "", found[0])
        if is_id_number(number) and _has_birthday(number):
            yield "id"
    for found in _FLOAT_ID.finditer(plain):
        if _has_birthday(str(int(float(found[0])))):
            yield "id"
    for found in _MOBILE.finditer(plain):
        if re.sub("[ -]", "", found[1]) not in phones:
            yield "phone"


def secrets_of(study: Study, groups: Iterable[Group]) -> Secrets:
    """All that the tables of `groups` say of people, but what the study's own public tables say too.

    Columns of places and counts are left out; of the others those that look personal are taken whole, and of the rest each cell
    that has the form of a name or a number.
    """
    public = _public_text(study)
    by_kind: dict[str, dict[str, str]] = {"name": {}, "number": {}, "address": {}}
    for group in groups:
        if group.file is None or is_raster(group.file):
            continue
        for cell, personal in _cells_of(study, group):
            kind = _kind_of(cell, personal=personal)
            plain = _key_of(cell, kind)
            if kind and plain not in public:
                by_kind[kind].setdefault(plain, group.file)
    return Secrets(by_kind, _public_phones(study))


def _cells_of(study: Study, group: Group) -> Iterator[tuple[str, bool]]:
    """Cells of a group's table that are no place and no count, and whether their column is personal."""
    ask = ask_of(study, group)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = read_rows(ask.path, ask.file, lambda header: header if is_needed(header, ask) else None, ask.layer).frame
    except PlannerError:
        return  # what cannot be read has not been written anywhere either; planner check says so
    frame = pd.DataFrame(frame)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    others = [str(name) for name in frame.columns if name not in (ROW, "geometry") and not is_needed(str(name), ask)]
    personal = set(personal_columns(frame, others))
    for name in others:
        for cell in frame[name]:
            if isinstance(cell, float) and cell.is_integer():
                yield str(int(cell)), name in personal
            elif cell is not None and str(cell).strip() not in ("", "nan", "None"):
                yield str(cell), name in personal


def _key_of(cell: str, kind: str) -> str:
    """A secret as it is compared: numbers without marks between digits, addresses without spaces."""
    plain = folded(cell)
    marks = {"number": r"[ \-+]", "address": " "}.get(kind, " " if _SPACED_HAN.fullmatch(plain) else "")
    return re.sub(marks, "", plain) if marks else plain


def _kind_of(cell: str, *, personal: bool) -> str:
    plain = " ".join(_NO_WIDTH.sub("", unicodedata.normalize("NFKC", cell)).split())
    plain = plain.replace(" ", "") if _SPACED_HAN.fullmatch(plain) else plain
    digits = re.sub(r"[ \-+]", "", plain)
    if is_id_number(digits) or is_phone(digits):
        return "number"
    if not personal:
        return "name" if is_name(plain) else ""
    if re.fullmatch(r"\d+[Xx]?", digits):
        return "number" if len(digits) >= LEAST_DIGITS else ""
    if _HAN_NAME.fullmatch(plain) or _LATIN_NAME.fullmatch(plain):
        return "name"
    return "address" if len(folded(plain)) >= LEAST_ADDRESS else ""


def _public_text(study: Study) -> str:
    """What the study's towns, stations, candidates and its own words say: no secret."""
    said = [repr(study)]
    for texts in _public_tables(study, (study.area, study.area_layer)):
        said += [str(cell) for name in texts.columns for cell in texts[name] if isinstance(cell, str)]
    text = folded("\n".join(said))
    return f"{text} {text.replace(' ', '')}"


def _public_phones(study: Study) -> frozenset[str]:
    """The mobile numbers under the headers of telephones in the tables of stations and candidates."""
    cells = [
        str(cell)
        for table in _public_tables(study)
        for at, header in enumerate(map(str, table.columns))
        if STATIONS.column_for(header) == "phone"
        for cell in table.iloc[:, at]
    ]
    return frozenset(re.sub("[ -]", "", found[1]) for cell in cells for found in _MOBILE.finditer(folded(cell)))


def _public_tables(study: Study, *others: tuple[str, str | None]) -> Iterator[pd.DataFrame]:
    """The tables of stations and candidates, and of `others` (file and layer), as they are written; those that can be read."""
    for file, layer in (*others, *((block.file, block.layer) for block in (study.stations, *study.candidates))):
        if file is not None:
            with contextlib.suppress(PlannerError):
                frame = read_rows(study.path_of(file), file, STATIONS.column_for, layer).frame
                yield pd.DataFrame(frame).drop(columns=["geometry"], errors="ignore")


def _has_birthday(number: str) -> bool:
    """Whether a number of 15 or 18 digits holds a date of birth, and begins with a province."""
    day = number[6:14] if len(number) == 18 else "19" + number[6:12]
    try:
        born = dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC)
    except ValueError:
        return False
    return 1900 <= born.year <= 2100 and 11 <= int(number[:2]) <= 82


def _han_parts(plain: str, lengths: Iterable[int]) -> Iterator[str]:
    """Names in Chinese: runs of letters as they stand, and of runs all parts of the `lengths`, blanks between letters or not.

    >>> sorted(set(_han_parts("联系人:王 伟芳, 李 明", [3])))
    ['伟芳', '李明', '王伟芳', '联系人']
    """
    for found in _SPACED_HAN.finditer(plain):
        words = found[0].split()
        yield from (word for word in words if len(word) > 1)
        yield from (first + second for first, second in pairwise(words) if len(first) == len(second) == 1)
        run = "".join(words)
        for length in lengths:
            yield from (run[i : i + length] for i in range(len(run) - length + 1))


def _latin_parts(plain: str, first_words: Container[str]) -> Iterator[str]:
    """Two to four words in Latin letters, one after the other, that begin with one of `first_words`."""
    words = _WORDS.findall(plain)
    for start, word in enumerate(words):
        if word in first_words:
            yield from (" ".join(words[start : start + count]) for count in (2, 3, 4))


def _numbers(plain: str) -> Iterator[str]:
    """Runs of digits, without the marks between them."""
    return (re.sub(r"[ \-]", "", found[0]) for found in _DIGITS.finditer(plain))
