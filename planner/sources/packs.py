"""Policy packs: those that are shipped, by name, or a user's own file in the same form."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

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
        return read_pack(name)
    path = study.path_of(name)
    if not name.endswith(".toml") or not path.is_file():
        raise StudyError(_unknown(name, path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{name}: the pack cannot be read ({error}); save it as UTF-8") from error
    return _parsed(text, name)


def read_pack(name: str) -> Policy:
    """The shipped pack of that name, one of `pack_names`."""
    text = (resources.files("planner") / "packs" / f"{name}.toml").read_text(encoding="utf-8")
    return _parsed(text, f"{name}.toml")


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
        faults = [fault for said in error.errors(include_url=False) for fault in _faults(said, file)]
        raise StudyError(say_faults(faults), faults) from error


def _faults(said: ErrorDetails, file: str) -> list[Fault]:
    """One of pydantic's errors, which may have several lines; an unknown rule names the nearest that may stand there."""
    key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in said["loc"]) or None
    value = None if isinstance(said["input"], dict | list | tuple) else str(said["input"])
    if said["type"] not in ("unexpected_keyword_argument", "extra_forbidden"):
        lines = (line.partition("; ") for line in said["msg"].removeprefix("Value error, ").split("\n"))
        return [
            Fault(what, mend or "see the shipped packs for the form", file, column=key, value=value) for what, _, mend in lines
        ]
    rules = _rules_beside(said["loc"])
    near = difflib.get_close_matches(str(said["loc"][-1]), rules, n=1)
    mend = f"did you mean {near[0]}?" if near else f"here stand {', '.join(rules)}"
    return [Fault("unknown rule", mend, file, column=key, value=value)]


def _rules_beside(loc: Sequence[str | int]) -> list[str]:
    """The rules that may stand where an unknown one does: those of the pack, or of the kind of block it stands in."""
    kind: Any = Policy
    for part in loc[:-1]:
        if isinstance(part, str) and dataclasses.is_dataclass(kind):
            kind = typing.get_type_hints(kind).get(part)
            kind = next((each for each in typing.get_args(kind) if dataclasses.is_dataclass(each)), kind)
    return sorted(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else []
