"""The text of ``study.toml``: parsed, with ``--set`` applied."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.errors import Fault, SourceError, StudyError

MOST_BYTES = 1_000_000  # a study file is a page; anything longer is not one
DEEPEST = 20  # levels of tables and lists
TOO_DEEP = "brackets are nested too deeply"
SPELT = "write it as walk.speed_mps=0.9"

Document = dict[str, Any]  # a parsed TOML document


def parse_document(file: Path) -> Document:
    """The tables of a TOML file.

    Raises
    ------
    StudyError
        If it is not UTF-8, not TOML (naming line and column) or far too long.
    SourceError
        If it cannot be read.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _refused(file, f"the file is longer than {MOST_BYTES:,} bytes", "this is no study file")
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except StudyError:
        raise
    except OSError as error:
        fault = Fault(f"the file cannot be read: {error.strerror}", "", str(file))
        raise SourceError(str(fault), [fault], str(file)) from error
    except UnicodeDecodeError as error:
        raise _refused(file, f"byte {error.start + 1} is not UTF-8", "save the study file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _refused(file, f"this is not TOML: {error}", 'write key = value, and text in "quotes"') from error
    except RecursionError as error:
        raise _refused(file, TOO_DEEP, "a study file needs three levels") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise _refused(file, f"a number cannot be read: {error}"[:120], "write fewer digits") from error
    if _is_deep(document):
        raise _refused(file, TOO_DEEP, "a study file needs three levels")
    return document


def _is_deep(document: Document) -> bool:
    """Whether tables and lists lie in each other more than `DEEPEST` times."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        inner = [held for each in level for held in (each.values() if isinstance(each, dict) else each)]
        level = [held for held in inner if isinstance(held, dict | list)]
    return bool(level)


def _refused(file: Path, problem: str, mend: str) -> StudyError:
    fault = Fault(problem, mend, str(file))
    return StudyError(str(fault), [fault])


def override_keys(document: Document, overrides: Sequence[str]) -> list[Fault]:
    """Set keys in `document`, in place; gives back what could not be set.

    Each override is ``dotted.key=value``; the value is TOML, or text where it is not. Blocks of a list are called by their
    name or counted from 1 (``groups.jobless.weight=2``, ``candidates.1.file=hosts.csv``).
    """
    problems = [(override, _set_key(document, override)) for override in overrides]
    return [Fault(problem, SPELT, "--set", column="key", value=said) for said, problem in problems if problem]


def overridden_key(document: Document | Mapping[str, Any], override: str) -> tuple[str | int, ...]:
    """The key that an override sets, its blocks by their place; empty where it is no key.

    >>> overridden_key({"groups": [{"name": "jobless"}]}, "groups.jobless.weight=2")
    ('groups', 0, 'weight')
    """
    place: Any = document
    key = list[str | int]()
    for part in _dotted(override.partition("=")[0]):
        at = _position(place, part) if isinstance(place, list) else part
        if at is None:
            return ()
        key.append(at)
        held = isinstance(place, list) or (isinstance(place, dict) and at in place)
        place = place[at] if held else None
    return tuple(key)


def _set_key(document: Document, override: str) -> str:
    """Set one key in place; says what is wrong, or nothing."""
    key, equals, value = override.partition("=")
    parts = _dotted(key)
    if not equals or not parts:
        return "this is not a dotted key and its value"
    place: Any = document
    for part in parts[:-1]:
        place = _inner(place, part)
        if not isinstance(place, dict | list):
            return f"there is no {part!r} in the study to set a key of"
    if isinstance(place, dict):
        place[parts[-1]] = _value(value)
        return ""
    at = _position(place, parts[-1])
    if at is None:
        return f"there is no block {parts[-1]!r}"
    place[at] = _value(value)
    return ""


def _value(text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text.strip()
    return text.strip() if _is_deep({"value": value}) else value


def _dotted(key: str) -> list[str]:
    """``a."b c".d`` as its parts; empty where it is not one key."""
    try:
        inner: Any = tomllib.loads(f"{key} = 0")
    except (ValueError, RecursionError):
        return []
    parts = []
    while isinstance(inner, dict) and len(inner) == 1:
        name, inner = next(iter(inner.items()))
        parts.append(name)
    return parts if inner == 0 and len(parts) <= DEEPEST else []


def _inner(place: Any, part: str) -> Any:
    if isinstance(place, dict):
        return place.setdefault(part, {})
    at = _position(place, part)
    return None if at is None else place[at]


def _position(blocks: list[Any], part: str) -> int | None:
    """Where the block called `part` (its name, or its number from 1) stands."""
    for i, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("name") == part:
            return i
    return int(part) - 1 if part.isdecimal() and 1 <= int(part) <= len(blocks) else None
