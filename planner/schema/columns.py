"""What a column is: its name, kind, unit, labels in both languages, the headers that mean it, its bounds."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_UNITS_ZH = {"people": "人", "min": "分钟", "s": "秒", "m": "米", "d": "天"}


class Kind(StrEnum):
    """What a column holds, and so how it is read, checked and shown."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    FLAG = "flag"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True)
class Column:
    """One column of a table: everything readers, checks, maps, workbooks and the data dictionary say about it.

    ``name`` may end in ``<group>``: it then stands for one column a key group (``pop_<group>`` is ``pop_unemployed`` …).
    ``words`` are what a choice may be called besides its own name (``建成`` is ``built``).
    """

    name: str
    kind: Kind
    en: str
    zh: str
    unit: str = ""
    required: bool = False
    aliases: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()

    @property
    def is_family(self) -> bool:
        return self.name.endswith("<group>")

    @property
    def prefix(self) -> str:
        return self.name.removesuffix("<group>")

    def label(self, language: str) -> str:
        """The column's label in ``zh`` or ``en``, with its unit."""
        if language == "zh":
            return f"{self.zh}（{_UNITS_ZH.get(self.unit, self.unit)}）" if self.unit else self.zh
        return f"{self.en} ({self.unit})" if self.unit else self.en

    @property
    def said(self) -> tuple[str, ...]:
        """The headers that mean this column."""
        return (self.name, self.en, self.zh, *self.aliases)

    @property
    def choices_said(self) -> str:
        """What may be written in a column of choices: each with the other words for it."""
        words = {choice: "、".join(word for word, meant in self.words if meant == choice) for choice in self.choices}
        return ", ".join(f"{choice} ({also})" if also else choice for choice, also in words.items())

    def matches(self, header: str) -> bool:
        """Whether a header as people write it means this column (full-width, case, spaces and ``_`` forgiven)."""
        folded = fold(header)
        return any(folded == fold(word) for word in self.said)


@functools.lru_cache(maxsize=4096)  # every header is held against every word of every column
def fold(text: str) -> str:
    """Text as it is compared: full-width forms, case, spaces, ``_``, ``-`` and the byte-order mark do not matter.

    >>> fold(" Ｓtation_ID ")
    'stationid'
    """
    plain = unicodedata.normalize("NFKC", text).replace("\ufeff", "").casefold()
    return "".join(letter for letter in plain if not letter.isspace() and letter not in "_-*：:")


_BRACKETED = re.compile(r"[(（\[【][^()（）\[\]【】]*[)）\]】]\s*$")


def without_unit(header: str) -> str:
    """A header without what it says in brackets at its end.

    >>> without_unit("常住人口（人）"), without_unit("(x)")
    ('常住人口', '(x)')
    """
    return _BRACKETED.sub("", header).strip() or header
