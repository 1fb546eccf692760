"""Everything the planner raises: what is wrong, where, the first example, what would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

REORDERED = ".fgb"  # a FlatGeobuf keeps its features by place, not in the order in which they were written
SHOWN_FAULTS = 20  # a message stays readable; the full list stays on the exception


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input, said so that its owner can mend it.

    Parameters
    ----------
    problem
        What is wrong, as a sentence without a full stop.
    mend
        What would mend it, as an imperative sentence; may be empty.
    file
        The file as the user named it; empty for a table made in memory.
    row
        Row as the user sees it: a line number of a CSV or sheet (the header is row 1), a feature number (of a .fgb: as a GIS
        shows it, which is by place), or an id.
    column
        The column or key of the study file (``walk.minutes``).
    value
        The offending value, shortened. Never filled for files of people's records.

    Examples
    --------
    >>> print(Fault("longitude is not a number", "write degrees such as 121.25", "stations.csv", 3, "lon", "abc"))
    stations.csv, row 3, lon = 'abc': longitude is not a number; write degrees such as 121.25
    """

    problem: str
    mend: str = ""
    file: str = ""
    row: int | str | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        if self.row is not None:
            where.append(f"row {self.row}" + (" as stored" if self.file.lower().endswith(REORDERED) else ""))
        if self.column is not None:
            where.append(self.column if self.value is None else f"{self.column} = {_shorten(self.value)}")
        place = ", ".join(where)
        said = f"{place}: {self.problem}" if place else self.problem
        return f"{said}; {self.mend}" if self.mend else said


class PlannerError(Exception):
    """Anything the planner itself found wrong; `faults` holds every fault that was found, in order."""

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        super().__init__(message)
        self.faults: tuple[Fault, ...] = tuple(faults)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> PlannerError:
        """One error that says all `faults`; the message lists the first 20 and counts the rest."""
        return cls(say_faults(faults), faults)


class StudyError(PlannerError, ValueError):
    """The study file asks for something impossible."""


class TableError(PlannerError, ValueError):
    """A table breaks its schema; `table` names the schema."""

    def __init__(self, message: str, faults: Iterable[Fault] = (), table: str = "") -> None:
        super().__init__(message, faults)
        self.table = table


class CrsError(TableError):
    """No CRS, a CRS that is not in metres, or two that differ."""


class SourceError(PlannerError, OSError):
    """A file or address cannot be read; `source` names it."""

    def __init__(self, message: str, faults: Iterable[Fault] = (), source: str = "") -> None:
        super().__init__(message, faults)
        self.source = source

    def __str__(self) -> str:  # OSError would show a tuple
        return str(self.args[0])


class PlanError(PlannerError, RuntimeError):
    """No plan: infeasible, or time ran out before any was found; `status` says which."""

    def __init__(self, message: str, faults: Iterable[Fault] = (), status: str = "infeasible") -> None:
        super().__init__(message, faults)
        self.status = status


class PlannerWarning(UserWarning):
    """Lawful but surprising; the run goes on."""


class MachineNote(UserWarning):
    """What this machine cannot do or does slowly: said, and kept out of all that is written, which is of the study alone."""


def say_faults(faults: Sequence[Fault]) -> str:
    """The faults as one text: a single one as a sentence, several as a counted list."""
    if len(faults) == 1:
        return str(faults[0])
    lines = [f"{len(faults)} faults:"] + [f"  {fault}" for fault in faults[:SHOWN_FAULTS]]
    if len(faults) > SHOWN_FAULTS:
        lines.append(f"  … and {len(faults) - SHOWN_FAULTS} more")
    return "\n".join(lines)


def _shorten(value: str, most: int = 60) -> str:
    shown = value if len(value) <= most else value[: most - 1] + "…"
    return repr(shown)


def first_few(words: Sequence[str], most: int = 5, *, between: str = ", ") -> str:
    """The first few of some words, and how many more there are.

    >>> first_few(["a", "b", "c"], 2), first_few(["a", "b"], 2)
    ('a, b and 1 more', 'a, b')
    """
    return between.join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
