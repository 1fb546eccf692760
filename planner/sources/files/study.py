"""``study.toml`` into a `Study`: every fault at once, in plain words, with the dotted key."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from planner.errors import Fault, SourceError, StudyError, say_faults
from planner.sources.files.area import area_outline
from planner.sources.files.crs import crs_faults, utm_crs
from planner.sources.files.document import override_keys, parse_document
from planner.sources.files.keys import INSIDE, SCENARIO, dotted, unknown_keys
from planner.study import Study

STUDY_FILE = "study.toml"

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
}
_MENDS = {
    "string_type": 'write it in "quotes"',
    "float_type": "write digits without quotes",
    "int_type": "write whole digits without quotes",
    "tuple_type": "write it in [brackets]",
    "date_type": "write it as 2025-06-30, without quotes",
    "date_parsing": "write it as 2025-06-30, without quotes",
    "date_from_datetime_parsing": "write it as 2025-06-30, without quotes",
    "date_from_datetime_inexact": "write it as 2025-06-30, without quotes",
}


def read_study(path: str | Path, overrides: Sequence[str] = ()) -> Study:
    """The study of a folder or of its ``study.toml``, with every key checked.

    Parameters
    ----------
    path
        A folder that holds ``study.toml``, or the file itself.
    overrides
        ``"walk.speed_mps=0.9"`` and the like: a dotted key and a TOML value (text where it is not one). Groups are
        named (``groups.unemployed.weight=2``), other blocks are counted from 1 (``candidates.1.file=hosts.csv``).

    Returns
    -------
    Study
        With `crs` always filled in (the file's, else the UTM zone of the area), in metres.

    Raises
    ------
    StudyError
        With every fault at once: unknown keys (naming the nearest known one), wrong types and values, paths that leave
        the study's folder, a CRS that does not measure in true metres there.
    SourceError
        If the study file or the area cannot be read.
    """
    file = study_file(path)
    study, faults = load_study(file, overrides)
    if study is None or faults:
        raise StudyError(say_faults(faults), faults)
    outline = area_outline(study)
    faults = crs_faults(study.crs, outline, str(file)) if study.crs else []
    if faults:
        raise StudyError(say_faults(faults), faults)
    return dataclasses.replace(study, crs=study.crs or utm_crs(outline))


def study_file(path: str | Path) -> Path:
    """The study file that `path` (a folder or a file) means.

    Raises
    ------
    SourceError
        If there is none.
    """
    given = Path(path)
    file = given / STUDY_FILE if given.is_dir() else given
    if not file.is_file():
        said = f"there is no {STUDY_FILE} in this folder" if given.is_dir() else "there is no such file"
        fault = Fault(said, "give a study folder or its study.toml; `planner init FOLDER` makes one", str(given))
        raise SourceError(str(fault), [fault], str(given))
    return file


def load_study(file: Path, overrides: Sequence[str] = ()) -> tuple[Study | None, list[Fault]]:
    """The study as its file says it (`crs` may still be None) and all that is wrong with it; None where none can be made."""
    document = parse_document(file)
    faults = override_keys(document, overrides)
    faults += unknown_keys(document, str(file))
    study, wrong = _validated(document, str(file))
    faults += wrong
    if study is not None:
        study = dataclasses.replace(study, folder=file.parent.resolve())
        faults += path_faults(study, str(file))
    return study, faults


def _validated(document: Mapping[str, Any], file: str) -> tuple[Study | None, list[Fault]]:
    """Types and values, checked as JSON: strict (no text for a number), yet lists, dates and choices as TOML has them."""
    fields = {key: value for key, value in document.items() if key not in (*SCENARIO, *INSIDE)}
    fields["scenario"] = {key: document[key] for key in SCENARIO if key in document}
    try:
        return TypeAdapter(Study).validate_json(json.dumps(fields, default=_iso), strict=True), []
    except ValidationError as error:
        known = [said for said in error.errors(include_url=False) if said["type"] != "unexpected_keyword_argument"]
        return None, [_fault(said, document, file) for said in known]


def _iso(value: dt.date | dt.time) -> str:
    return value.isoformat()


def _fault(said: Mapping[str, Any], document: Mapping[str, Any], file: str) -> Fault:
    """One of pydantic's errors as a sentence with a dotted key."""
    key = said["loc"][1:] if said["loc"][:1] == ("scenario",) else said["loc"]
    kind, context = said["type"], said.get("ctx", {})
    value = None if isinstance(said["input"], dict | list) else str(said["input"])
    if kind == "value_error":
        problem, _, mend = str(context["error"]).partition("; ")
        return Fault(problem, mend, file, column=dotted(key, document) or None, value=value)
    problem = _WORDS.get(kind, said["msg"].lower()).format(**context)
    if kind.startswith("missing"):
        return Fault(problem, "add it", file, column=dotted(key, document))
    return Fault(problem, _MENDS.get(kind, ""), file, column=dotted(key, document) or None, value=value)


def named_files(study: Study) -> list[tuple[str, str]]:
    """Every file the study names: its dotted key and the path as written."""
    named: list[tuple[str, str | None]] = [("area", study.area), ("network.file", study.network.file)]
    named += [("stations.file", study.stations.file), ("population.file", study.population.file)]
    named += [(f"candidates.{i}.file", block.file) for i, block in enumerate(study.candidates, 1)]
    named += [(f"groups.{group.name}.file", group.file) for group in study.scenario.groups]
    if study.policy is not None and ("/" in study.policy or "\\" in study.policy or study.policy.endswith(".toml")):
        named.append(("policy", study.policy))
    return [(key, path) for key, path in named if path is not None]


def path_faults(study: Study, file: str) -> list[Fault]:
    """Paths that would read outside the study's folder without being written as absolute."""
    folder = study.folder.resolve()
    mend = "copy the file into the study's folder, or write its absolute path"
    faults = []
    for key, path in named_files(study):
        if not path.strip() or "\0" in path:
            faults.append(Fault("this is not a path", "name a file", file, column=key, value=path))
        elif not Path(path).is_absolute() and not study.path_of(path).is_relative_to(folder):
            faults.append(Fault("the path leaves the study's folder", mend, file, column=key, value=path))
    return faults
