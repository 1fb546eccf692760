"""``study.toml`` into a `Study`: every fault at once, in plain words, with the dotted key."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pyproj import CRS

from planner.errors import Fault, PlannerWarning, SourceError, StudyError, say_faults
from planner.profiles import KMH
from planner.sources.files.area import area_sketch
from planner.sources.files.crs import crs_faults, utm_crs
from planner.sources.files.document import overridden_key, override_keys, parse_document
from planner.sources.files.fetchable import check_fetched
from planner.sources.files.keys import INSIDE, SCENARIO, dotted, unknown_keys
from planner.sources.files.towns import match_town, nearest_town
from planner.study import Study
from planner.study.words import fault_of

STUDY_FILE = "study.toml"
SUPPOSED = " (what if 假设)"  # after the name of a study some of whose stations are only thought of, on every page and table
WHAT_IF = "what_if"
FASTEST_WALK_MPS = 2.5  # 9 km/h; racewalkers apart, faster is running


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
        If the study file or the area cannot be read, or is yet to be fetched.
    """
    file = study_file(path)
    study, faults = load_study(file, overrides)
    if study is None or faults:
        raise StudyError(say_faults(faults), faults)
    if not study.path_of(study.area).exists():
        check_fetched(study)
    study, faults = settle_study(study, str(file), overrides)
    if faults:
        raise StudyError(say_faults(faults), faults)
    return study


def settle_study(study: Study, file: str, overrides: Sequence[str] = ()) -> tuple[Study, list[Fault]]:
    """The study with its `crs` filled in and its towns called as the area calls them, and what is wrong with either.

    What `overrides` said is told as theirs, not as the file's.

    Raises
    ------
    SourceError, TableError
        If the area cannot be read.
    """
    _warn_of_runners(study)
    outline, names = area_sketch(study)
    faults = crs_faults(study.crs, outline, file) if study.crs else []
    crs = CRS.from_user_input(study.crs).to_string() if study.crs and not faults else utm_crs(outline)
    walk = study.scenario.walk
    meant = {said: match_town(said, names) for said in walk.towns}
    key = "walk.towns"
    faults += [
        Fault("there is no such town", nearest_town(said, names), file, column=key, value=said)
        for said, town in meant.items()
        if town is None
    ]
    towns = {town: walk.towns[said] for said, town in meant.items() if town is not None}
    scenario = dataclasses.replace(study.scenario, walk=dataclasses.replace(walk, towns=towns))
    name = f"{study.name}{SUPPOSED}" if study.what_if else study.name
    return dataclasses.replace(study, name=name, crs=crs, scenario=scenario), _by_speaker(faults, {}, overrides)


def _warn_of_runners(study: Study) -> None:
    """Say so where somebody walks faster than people do: km/h written for m/s."""
    walk = study.scenario.walk
    walks = {"walk": walk, **{f"walk.towns.{town}": walk.for_town(town) for town, own in walk.towns.items() if own.speed_mps}}
    for key, own in walks.items():
        pace = own.speed_mps
        if pace is not None and pace > FASTEST_WALK_MPS and not own.gait.rides:
            said = f"{key}.speed_mps = {pace:g} is {pace / KMH:.1f} km/h, which is no walk; it is in metres a second"
            warnings.warn(said, PlannerWarning, stacklevel=4)


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
    """The study as its file says it (`crs` may still be None), and all that is wrong with it.

    Where there are faults it is the study without the keys at fault, so that the rest can be checked and a file outside of
    the folder is not; None where none can be made.
    """
    document = parse_document(file)
    faults = override_keys(document, overrides)
    faults += unknown_keys(document, str(file))
    faults += path_faults(document, file)
    study, wrong = _validated(document, str(file), [key for key, path in _named(document) if leads_out(path, file.parent)])
    if study is not None:
        study = dataclasses.replace(study, folder=file.parent.resolve())
    return study, _by_speaker(faults + wrong, document, overrides)


def _by_speaker(faults: Sequence[Fault], document: Mapping[str, Any], overrides: Sequence[str]) -> list[Fault]:
    """The faults, those of keys that the command line said named by its options and not by the study file."""
    keys = [dotted(key, document) for override in overrides if (key := overridden_key(document, override))]
    return [_said_by_option(fault) if _is_of(fault, keys) else fault for fault in faults]


def _is_of(fault: Fault, keys: Sequence[str]) -> bool:
    """Whether a fault is of one of the keys, or of what stands below it; a town is a key that the fault has as its value."""
    column = fault.column or ""
    if column == WHAT_IF:
        return any(key.startswith(f"{WHAT_IF}.") for key in keys)
    place = dotted((*column.split("."), fault.value or ""), {}) if column == "walk.towns" else column
    return any(f"{place}.".startswith(f"{key}.") or (place != column and key.startswith(f"{place}.")) for key in keys)


def _said_by_option(fault: Fault) -> Fault:
    """``--add``, ``--close``, ``--move`` are keys of ``what_if``; every other key is said by ``--set``."""
    name, _, option = (fault.column or "").partition(".")
    if name != WHAT_IF:
        return dataclasses.replace(fault, file="--set")
    options = [option.partition(".")[0]] if option else ["close", "move"]
    return dataclasses.replace(fault, file="", column=", ".join(f"--{each}" for each in options))


def _validated(
    document: Mapping[str, Any], file: str, without: Sequence[tuple[str | int, ...]]
) -> tuple[Study | None, list[Fault]]:
    """Types and values, checked as JSON: strict (no text for a number), yet lists, dates and choices as TOML has them.

    Keys at fault are taken away and the rest is checked again, until it stands or nothing is left to take away; what is
    missing then is missing because it was taken away, and is not said. The keys `without` are at fault already.
    """
    fields = {key: value for key, value in document.items() if key not in (*SCENARIO, *INSIDE)}
    fields["scenario"] = {key: document[key] for key in SCENARIO if key in document}
    fields = json.loads(json.dumps(fields, default=_iso))
    faults: list[Fault] = []
    outside = [("scenario", *key) if key[0] in SCENARIO else key for key in without]
    for key in outside:
        _take_away(fields, key)
    gone: list[tuple[str | int, ...]] = []
    while True:
        try:
            return TypeAdapter(Study).validate_json(json.dumps(fields), strict=True), faults
        except ValidationError as error:
            found = error.errors(include_url=False)
        faults += [_fault(said, document, file) for said in found if not _is_told(said, gone, outside)]
        taken = [_take_away(fields, said["loc"]) for said in reversed(found)]
        gone += [said["loc"] for said in found]
        if not any(taken):
            return None, faults


def _is_told(said: Mapping[str, Any], gone: Sequence[tuple[str | int, ...]], outside: Sequence[tuple[str | int, ...]]) -> bool:
    """Whether an error is another's: of an unknown key, or there only because something was taken away (`outside` at first)."""
    if said["type"] == "unexpected_keyword_argument" or (gone and said["type"].startswith("missing")):
        return True
    return any(loc[: len(said["loc"])] == said["loc"] for loc in (*gone, *outside))


def _take_away(fields: Any, loc: Sequence[str | int]) -> bool:
    """Remove what is at fault, in place; of a key that is missing in a list, the whole block. Whether anything went."""
    place: Any = fields
    block: tuple[Any, int] | None = None
    for part in loc[:-1]:
        block = (place, part) if isinstance(part, int) else block
        place = _value_at(place, [part])
    if loc and isinstance(place, dict) and loc[-1] in place:
        del place[loc[-1]]
        return True
    if loc and isinstance(place, list):
        place[:] = [value for i, value in enumerate(place) if i != loc[-1]]
        return True
    if block is not None and block[1] < len(block[0]):
        del block[0][block[1]]
        return True
    return False


def _iso(value: dt.date | dt.time) -> str:
    return value.isoformat()


def _fault(said: Mapping[str, Any], document: Mapping[str, Any], file: str) -> Fault:
    """One of pydantic's errors as a sentence with a dotted key."""
    key = said["loc"][1:] if said["loc"][:1] == ("scenario",) else said["loc"]
    return fault_of(said, dotted(key, document) or None, file)


def named_files(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every file that a study file names: its dotted key, and the path as written."""
    return [(dotted(key, document), path) for key, path in _named(document)]


def _named(document: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    keys: list[tuple[str | int, ...]] = [
        ("area",),
        ("network", "file"),
        ("walk", "terrain"),
        ("stations", "file"),
        ("population", "file"),
        ("population", "totals"),
        ("communities", "file"),
    ]
    for blocks in ("candidates", "groups", "areas", "recorded"):
        held = document.get(blocks)
        keys += [(blocks, i, "file") for i in range(len(held))] if isinstance(held, list) else []
    services = _value_at(document, ("life_circle", "services"))
    keys += [("life_circle", "services", i, "file") for i in range(len(services))] if isinstance(services, list) else []
    found = [(key, _value_at(document, key)) for key in keys]
    policy = document.get("policy")
    if isinstance(policy, str) and is_path(policy):
        found.append((("policy",), policy))
    return [(key, path) for key, path in found if isinstance(path, str)]


def is_path(policy: str) -> bool:
    """Whether a policy is a file of the user's, and not the name of a shipped pack."""
    return policy.endswith(".toml") or "/" in policy or "\\" in policy


def _value_at(document: Any, key: Sequence[str | int]) -> Any:
    for part in key:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def leads_out(path: str, folder: Path) -> bool:
    """Whether a path as written would be read outside of the study's `folder`, and is not plainly absolute."""
    if "\0" in path or Path(path).is_absolute():
        return False
    home = folder.resolve()
    return not (home / path).resolve().is_relative_to(home)


def path_faults(document: Mapping[str, Any], file: Path) -> list[Fault]:
    """Paths that would read outside the study's folder without being written as absolute."""
    mend = "copy the file into the study's folder, or write its absolute path"
    faults = []
    for key, path in named_files(document):
        if not path.strip() or "\0" in path:
            faults.append(Fault("this is not a path", "name a file", str(file), column=key, value=path))
        elif leads_out(path, file.parent):
            faults.append(Fault("the path leads out of the study's folder", mend, str(file), column=key, value=path))
    return faults
