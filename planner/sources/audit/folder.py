"""A folder of outputs, file by file: what is public, what is internal, and what must not be in either."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from planner.errors import Fault, SourceError
from planner.sources.audit.counts import MEND, Groups, differences, small_counts
from planner.sources.audit.persons import WORDS, Secrets, numbers_in, secrets_of
from planner.sources.audit.texts import texts_of
from planner.sources.audit.together import told_together
from planner.study import Study

PUBLIC = ("index.html",)  # what a run writes for everyone; all else is for the office
Progress = Callable[[str, float], None]
LONG_TEXT = 1000  # letters; no cell, and not kept
UNREADABLE = (OSError, ValueError, RuntimeError, KeyError, sqlite3.Error, zipfile.BadZipFile)


def audit_output(folder: str | Path, study: Study | None = None, *, progress: Progress | None = None) -> list[Fault]:
    """Everything in a folder of outputs that names a person or gives a small count of a key group away.

    Parameters
    ----------
    folder
        What `planner run` wrote, or any folder that is to be handed on; every file in it and below is looked through.
    study
        With it the names, numbers and addresses in its key groups' lists are looked for too, and its groups and minimum count.
    progress
        Called with the file that is looked through, and the share of all bytes that is done.

    Returns
    -------
    list[Fault]
        Empty where nothing was found. Each says whether its file is public or internal, and never what was found.

    Raises
    ------
    SourceError
        If there is no such folder, or nothing in it.
    """
    place = Path(folder)
    files = files_of(place)
    groups = _groups_of(place, study)
    secrets = Secrets.none() if study is None else secrets_of(study, study.scenario.groups)
    faults: list[Fault] = []
    sizes = [path.stat().st_size + 1 for path in files]
    for number, path in enumerate(files):
        said = _said(path, place)
        if progress is not None:
            progress(f"privacy: {path.name}", sum(sizes[:number]) / sum(sizes))
        faults += _persons_in(path, place, said, secrets)
        try:
            faults += small_counts(path, said, groups)
        except UNREADABLE:
            faults.append(_unread(said))
        faults += _not_for_the_public(path, place, groups, study)
    if progress is not None:
        progress("together: the tables of all files", 0.0)
    try:
        faults += differences(place, groups)
        faults += told_together(place, list(groups.labels), groups.minimum)
    except UNREADABLE:
        faults.append(Fault("the tables cannot be compared", "write the output again", str(folder)))
    return list(dict.fromkeys(faults))


def files_of(folder: Path) -> list[Path]:
    """Every file in a folder and below, in the order of their names.

    Raises
    ------
    SourceError
        If there is no such folder, or nothing in it.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if not files:
        said = "there is nothing in this folder" if folder.is_dir() else "there is no such folder"
        fault = Fault(said, "name a folder that planner run wrote", str(folder))
        raise SourceError(str(fault), [fault], str(folder))
    return files


def _said(path: Path, folder: Path) -> str:
    """A file as a finding calls it: with whom it is for."""
    name = path.relative_to(folder).as_posix()
    return f"{name} ({'public' if name in PUBLIC else 'internal'})"


def _groups_of(folder: Path, study: Study | None) -> Groups:
    if study is None:
        return Groups.of_folder(folder)
    labels = {group.name: group.shown for group in study.scenario.groups if group.is_private}
    return Groups(labels, float(study.privacy.minimum_count))


def _persons_in(path: Path, folder: Path, said: str, secrets: Secrets) -> Iterator[Fault]:
    """One fault a kind of thing found, with where the first stands."""
    first: dict[tuple[str, str], str] = {}
    seen: set[str] = set()  # cells of tables repeat each other
    for where, text in chain([("the file's name", path.relative_to(folder).as_posix())], texts_of(path)):
        if text is None:
            first.setdefault(("unread", ""), where)
            continue
        if text in seen:
            continue
        if len(text) < LONG_TEXT:
            seen.add(text)
        for each in {(kind, "") for kind in numbers_in(text, secrets.phones)} | set(secrets.found_in(text)):
            first.setdefault(each, where)
    for (kind, file), where in sorted(first.items()):
        known = f" of {file}" if file else ""
        place = f"{said}, {where}" if where else said
        if kind == "unread":
            yield _unread(place)
            continue
        mend = "do not hand it on; remove the file, or write it again"
        yield Fault(f"a person's {WORDS[kind]}{known} stands there", mend, place)


def _unread(place: str) -> Fault:
    return Fault("the file cannot be looked through", "remove it, or write the output again", place)


def _not_for_the_public(path: Path, folder: Path, groups: Groups, study: Study | None) -> Iterator[Fault]:
    """Counts by key group, and the names of their files, in what is public."""
    name = path.relative_to(folder).as_posix()
    if name not in PUBLIC:
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    columns = [f"{family}{group}" for group in groups.labels for family in ("pop_", "covered_", "served_", "gain_")]
    files = [] if study is None else [group.file for group in study.scenario.groups if group.file and group.is_private]
    residents = () if study is None else (study.population.file, study.area)
    shown = {Path(file).name for file in residents if file}
    if any(column in text for column in columns):
        yield Fault("counts by key group stand in a public file", MEND, _said(path, folder))
    if any(Path(file).name in text for file in files if Path(file).name not in shown):
        yield Fault("a public file names a list of a key group", MEND, _said(path, folder))
