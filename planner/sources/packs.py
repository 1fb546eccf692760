"""Policy packs: those that are shipped, by name, or a user's own file in the same form."""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from planner.errors import Fault, StudyError, say_faults
from planner.policy import Policy
from planner.study import Study

GENERIC = "generic"


def pack_names() -> tuple[str, ...]:
    """The names of the packs that are shipped, sorted."""
    folder = resources.files("planner") / "packs"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def read_policy(study: Study) -> Policy:
    """The policy that a study names: a shipped pack, a pack file beside the study file, or the bare one if it names none.

    Raises
    ------
    StudyError
        If there is no such pack, or the file breaks the form: every unknown or wrong rule at once.
    """
    name = study.policy or GENERIC
    if name in pack_names():
        text = (resources.files("planner") / "packs" / f"{name}.toml").read_text(encoding="utf-8")
        return _parsed(text, f"{name}.toml")
    path = study.path_of(name)
    if not name.endswith(".toml") or not path.is_file():
        raise StudyError(_unknown(name, path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{name}: the pack cannot be read ({error}); save it as UTF-8") from error
    return _parsed(text, name)


def _unknown(name: str, path: Path) -> str:
    near = difflib.get_close_matches(name, pack_names(), n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"policy = {name!r}: no shipped pack and no file {path.name}; {guess}the shipped ones are {', '.join(pack_names())}"


def _parsed(text: str, file: str) -> Policy:
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{file}: not valid TOML ({error})") from error
    try:
        return TypeAdapter(Policy).validate_python(content)
    except ValidationError as error:
        faults = [
            Fault(
                "unknown rule" if found["type"] in ("unexpected_keyword_argument", "extra_forbidden") else found["msg"],
                "see the shipped packs for the form",
                file,
                column=".".join(str(part) for part in found["loc"]) or None,
                value=None if isinstance(found["input"], dict) else str(found["input"]),
            )
            for found in error.errors()
        ]
        raise StudyError(say_faults(faults), faults) from error
