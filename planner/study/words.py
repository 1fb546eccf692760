"""What is wrong with a value of the study in plain words, whether it came from a file or was given by hand."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from pydantic import ValidationError

from planner.errors import Fault, StudyError, say_faults

Made = TypeVar("Made")

_WORDS = {  # pydantic's kinds of error, in plain words; {…} are filled from its context
    "missing": "the key is missing",
    "missing_argument": "the key is missing",
    "string_type": "this is not text",
    "float_type": "this is not a number",
    "int_type": "this is not a whole number",
    "int_from_float": "this is not a whole number",
    "bool_type": "this is neither true nor false",
    "finite_number": "this is not a finite number",
    "tuple_type": "this is not a list",
    "dict_type": "this is not a table of keys",
    "dataclass_type": "this is not a table of keys",
    "date_type": "this is not a date",
    "date_parsing": "this is not a date",
    "date_from_datetime_parsing": "this is not a date",
    "date_from_datetime_inexact": "this is a time, not a date",
    "greater_than": "this is not greater than {gt}",
    "greater_than_equal": "this is less than {ge}",
    "less_than": "this is not less than {lt}",
    "less_than_equal": "this is more than {le}",
    "enum": "this is not {expected}",
    "string_pattern_mismatch": "this does not have the form {pattern}",
    "float_parsing": "this is not a number",
    "int_parsing": "this is not a whole number",
    "bool_parsing": "this is neither true nor false",
    "mapping_type": "this is not a table of keys",
    "unexpected_keyword_argument": "there is no such field",
}
_PATTERNS = {
    "^[a-z][a-z0-9_]*$": ("a name like this cannot head a column", "use small letters, digits and _, such as unemployed"),
    "^[^=]+=.+$": ("this is no OSM tag", "write key=value, such as amenity=library"),
    "^(zh|en)$": ("there is no such language", "use zh or en"),
    "^(none|buildings|land|area)$": ("there is no such way of spreading", "use none, buildings, land or area"),
    "^(geofabrik|overpass)$": ("streets are not fetched from there", "use geofabrik or overpass"),
    "^(ghs-pop|worldpop)$": ("there is no such raster of people", "use ghs-pop or worldpop"),
    "^[A-Z]{3}$": ("this is no country code", "use three capitals of ISO 3166, such as CHN"),
    "^(town|group)$": ("there is no such part", "use town or group"),
    "^(counts|per_km2)$": ("there is no such kind of value", "use counts or per_km2"),
}
_MENDS = {
    "finite_number": "give a number",
    "greater_than": "give more",
    "greater_than_equal": "give {ge} or more",
    "less_than": "give less",
    "less_than_equal": "give {le} or less",
    "string_type": 'write it in "quotes"',
    "float_type": "write digits without quotes",
    "int_type": "write whole digits without quotes",
    "tuple_type": "write it in [brackets]",
    "date_type": "write it as 2025-06-30, without quotes",
    "date_parsing": "write it as 2025-06-30, without quotes",
    "date_from_datetime_parsing": "write it as 2025-06-30, without quotes",
    "date_from_datetime_inexact": "write it as 2025-06-30, without quotes",
}


def fault_of(said: Mapping[str, Any], column: str | None, file: str = "") -> Fault:
    """One of pydantic's errors as a sentence: what is wrong with the value of a key, and what would mend it."""
    kind, context = said["type"], said.get("ctx", {})
    value = None if isinstance(said["input"], dict | list | tuple) else str(said["input"])
    if kind == "value_error":
        problem, _, mend = str(context["error"]).partition("; ")
        return Fault(problem, mend, file, column=column, value=value)
    shown = {name: f"{held:g}" if isinstance(held, float) else held for name, held in context.items()}
    problem, mend = _WORDS.get(kind, said["msg"].lower()).format(**shown), _MENDS.get(kind, "").format(**shown)
    if kind == "string_pattern_mismatch":
        problem, mend = _PATTERNS.get(context["pattern"], (problem, mend))
    if kind.startswith("missing"):
        value, mend = None, "add it"
    return Fault(problem, mend, file, column=column, value=value)


def in_our_words(kind: type[Made]) -> type[Made]:
    """A dataclass of pydantic's that, made by hand, raises a StudyError with every fault; within a study file the reader does.

    >>> from planner.study import Walk
    >>> Walk(speed_mps=0)
    Traceback (most recent call last):
    planner.errors.StudyError: Walk, speed_mps = '0': this is less than 0.1; give 0.1 or more
    """
    checked: Callable[..., None] = kind.__init__

    @wraps(checked)
    def made(self: Made, *given: Any, **named: Any) -> None:
        try:
            checked(self, *given, **named)
        except ValidationError as error:
            faults = [_fault_by_hand(said, kind) for said in error.errors(include_url=False)]
            raise StudyError(say_faults(faults), faults) from None

    kind.__init__ = made  # type: ignore[assignment]
    return kind


def _fault_by_hand(said: Mapping[str, Any], kind: type) -> Fault:
    """One of pydantic's errors of a value given by hand, by name or by place."""
    fields = [field.name for field in dataclasses.fields(kind)]
    first, *inner = said["loc"] or ("",)
    name = fields[first] if isinstance(first, int) and first < len(fields) else str(first)
    fault = fault_of(said, ".".join([name, *map(str, inner)]) or None, kind.__name__)
    if said["type"] != "unexpected_keyword_argument":
        return fault
    near = difflib.get_close_matches(name, fields, n=1)
    return dataclasses.replace(fault, mend=f"did you mean {near[0]}?" if near else f"there are {', '.join(fields)}")
