"""How a run of a bad study ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from lattice_study import write_lattice_study

from planner.cli import main


@dataclass(frozen=True)
class Outcome:
    """``kind`` is ``our own error`` where all is as it should be, else what is not; ``text`` is what was said."""

    kind: str
    text: str


def outcome(folder: Path, spoil: Callable[[Path], object]) -> Outcome:
    """What `planner run` does with the lattice study in `folder` once `spoil` has been at it."""
    study, out = write_lattice_study(folder / "study"), folder / "out"
    spoil(study)
    before = _everything(folder)
    os.environ["PLANNER_CACHE"] = "off"
    done = CliRunner().invoke(main, ["run", str(study), "--out", str(out), "-q"])
    said = done.stderr
    if not isinstance(done.exception, SystemExit) and done.exception is not None:
        return Outcome(f"a traceback ({type(done.exception).__name__})", f"{done.exception}")
    if done.exit_code == 0:
        return Outcome("accepted", said)
    if _everything(folder) != before:
        return Outcome("something was written", said)
    if done.exit_code not in (1, 3) or not said.startswith("Error: ") or "Traceback" in said:
        return Outcome(f"another end ({done.exit_code})", said)
    return Outcome("our own error", said)


def _everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
