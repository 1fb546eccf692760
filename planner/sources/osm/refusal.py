"""How an extract is refused: which file, what is wrong, what would mend it."""

from __future__ import annotations

from pathlib import Path

from planner.errors import Fault, SourceError, say_faults


def refusal(path: Path, problem: str, mend: str) -> SourceError:
    """The error to raise about the file at `path`."""
    fault = Fault(problem, mend, path.name)
    return SourceError(say_faults([fault]), [fault], str(path))
