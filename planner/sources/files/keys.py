"""The keys a study file may have, taken from the dataclasses of `planner.study`, and the nearest to one it may not."""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from planner.errors import Fault
from planner.study import Study

SCENARIO = ("walk", "groups", "siting", "areas")  # sections of the file that make up `Study.scenario`
INSIDE = ("folder", "scenario")  # fields of Study that are not keys of the file
ANY = "*"  # a town's name, or the place in a list

Key = tuple[str | int, ...]  # as parsed: names of tables, and positions in lists from 0


def known_keys() -> frozenset[tuple[str, ...]]:
    """Every key of a study file as its parts; ``*`` stands for a name the user chooses or a position.

    >>> ("walk", "minutes") in known_keys(), ("walk", "towns", "*", "minutes") in known_keys()
    (True, True)
    """
    fields = typing.get_type_hints(Study, include_extras=False)
    scenario = typing.get_type_hints(fields.pop("scenario"), include_extras=False)
    kinds = {name: kind for name, kind in (fields | scenario).items() if name not in INSIDE}
    return frozenset(key for name, kind in kinds.items() for key in _keys_of(kind, (name,)))


def _keys_of(kind: Any, here: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """`here` and all keys below a value of type `kind`."""
    yield here
    origin, inner = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        for name, field in typing.get_type_hints(kind).items():
            yield from _keys_of(field, (*here, name))
    elif origin is Annotated or origin in (types.UnionType, typing.Union):
        for part in inner:
            yield from set(_keys_of(part, here)) - {here}
    elif origin is tuple:
        yield from _keys_of(inner[0], (*here, ANY))
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _keys_of(inner[1], (*here, ANY))


def unknown_keys(document: Mapping[str, Any], file: str) -> list[Fault]:
    """A fault for each key that means nothing, with the nearest that does."""
    known = known_keys()
    faults = []
    for key, value in _walk(document, (), known):
        if _pattern(key, known) not in known:
            mend = _nearest(_pattern(key, known), known)
            faults.append(Fault("the key is not known", mend, file, column=dotted(key, document), value=_shown(value)))
    return faults


def _walk(node: Any, above: Key, known: frozenset[tuple[str, ...]]) -> Iterator[tuple[Key, Any]]:
    """Every key with its value, outermost first; nothing is said below an unknown key."""
    items: Any = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for part, value in items:
        here: Key = (*above, part)
        if isinstance(part, str):
            yield here, value
        if _pattern(here, known) in known:
            yield from _walk(value, here, known)


def _pattern(key: Key, known: frozenset[tuple[str, ...]]) -> tuple[str, ...]:
    """The key with ``*`` for positions and for names the user chooses."""
    said: tuple[str, ...] = ()
    for part in key:
        chosen = isinstance(part, int) or (*said, ANY) in known
        said = (*said, ANY if chosen else str(part))
    return said


def _nearest(unknown: tuple[str, ...], known: frozenset[tuple[str, ...]]) -> str:
    """The mend: a key beside it that is spelt alike, or one of that name elsewhere, or all that may stand here."""
    *above, leaf = unknown
    beside = sorted(key[-1] for key in known if key[:-1] == tuple(above) and key[-1] != ANY)
    alike = difflib.get_close_matches(leaf.casefold(), beside, n=1)
    if alike:
        return f"did you mean {alike[0]}?"
    elsewhere = sorted(".".join(key) for key in known if key[-1] == leaf and ANY not in key)
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    anywhere = {key[-1]: ".".join(key) for key in sorted(known, reverse=True) if ANY not in key}
    alike = difflib.get_close_matches(leaf.casefold(), sorted(anywhere), n=1, cutoff=0.8)
    if alike:
        return f"did you mean {anywhere[alike[0]]}?"
    return f"here stand {', '.join(beside)}" if beside else "remove it"


def dotted(key: Sequence[str | int], document: Mapping[str, Any]) -> str:
    """A key as people write it: blocks by their name, or counted from 1.

    >>> dotted(("groups", 0, "weight"), {"groups": [{"name": "jobless", "weight": 2}]})
    'groups.jobless.weight'
    >>> dotted(("candidates", 0, "file"), {}), dotted(("walk", "towns", "New Town"), {})
    ('candidates.1.file', 'walk.towns."New Town"')
    """
    said: list[str] = []
    place: Any = document
    for part in key:
        try:
            place = place[part]
        except (KeyError, IndexError, TypeError):
            place = None
        if isinstance(part, int):
            name = place.get("name") if isinstance(place, dict) else None
            said.append(name if isinstance(name, str) and name else str(part + 1))
        else:
            bare = part.replace("_", "").replace("-", "")
            said.append(part if bare.isascii() and bare.isalnum() else json.dumps(part, ensure_ascii=False))
    return ".".join(said)


def _shown(value: Any) -> str | None:
    return None if isinstance(value, dict | list) else str(value)
