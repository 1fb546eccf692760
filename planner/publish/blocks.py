"""What a report is made of, before it is a Word or a web file: headings, text, lists, tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.publish.pictures import Picture


@dataclass(frozen=True)
class Heading:
    """A heading of the first or second level."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Text:
    """A paragraph; `quiet` ones are notes below a table."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Lines:
    """A list; each line may begin with a term that stands out."""

    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Figures:
    """Headline figures side by side: what it is, and how much."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cells:
    """A table with its caption: headings, rows of text, and which columns are numbers (set to the right).

    The first `keys` columns say what a row is of; where a table is too wide for its page, they stand in each part of it.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]
    keys: int = 1

    def part(self, columns: Sequence[int], caption: str) -> Cells:
        """Some of its columns as a table of their own.

        >>> Cells("t", ["a", "b"], [["1", "2"]], [True, False]).part([1], "of t").rows
        [['2']]
        """
        rows = [[row[at] for at in columns] for row in self.rows]
        return Cells(caption, [self.headings[at] for at in columns], rows, [self.numeric[at] for at in columns], self.keys)


@dataclass(frozen=True)
class Shown:
    """A picture; `share` of the width of the text it takes."""

    picture: Picture
    share: float = 1.0


Block = Heading | Text | Lines | Figures | Cells | Shown


@dataclass(frozen=True)
class Paper:
    """A whole report in one language: its title, the lines under it, and its blocks in order."""

    title: str
    under: Sequence[str]
    blocks: Sequence[Block]
    language: str


def clean(text: str) -> str:
    """Text without the control characters that XML forbids.

    >>> clean("a\\x00b")
    'ab'
    """
    return "".join(letter for letter in text if letter in "\t\n" or _is_printable(ord(letter)))


def _is_printable(code: int) -> bool:
    return code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF)
