"""``sources.json``: of each file that was fetched, where it came from, when, under which licence, and its checksum.

It is how a file of the user's own is told from one of ours: what is not written down here, or was changed since, is never
overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import Fault, SourceError

if TYPE_CHECKING:
    from planner.sources.fetch.servers import Licence
    from planner.sources.fetch.web import Download

SOURCES = "sources.json"
MOST_BYTES = 1_000_000

Record = Mapping[str, Any]


def read_sources(folder: Path) -> dict[str, Record]:
    """What `folder` says of the files that were fetched into it, by their names; empty where it says nothing.

    Raises
    ------
    SourceError
        If there is a ``sources.json`` that is not of this form.
    """
    path = folder / SOURCES
    if not path.exists():
        return {}
    try:
        with _regular(path).open("rb") as file:
            said = json.loads(file.read(MOST_BYTES))
        fits = isinstance(said, dict) and all(isinstance(record, dict) and "sha256" in record for record in said.values())
    except (OSError, ValueError, RecursionError):
        fits = False
    if not fits:
        fault = Fault("this is no record of fetched files", "remove it, and fetch again", str(path))
        raise SourceError(str(fault), [fault], str(path))
    return dict(said)


def _regular(path: Path) -> Path:
    """The path of a file; an OSError where it is a pipe, which would be waited for, or the like."""
    if not path.is_file():
        raise OSError(f"{path} is no file")
    return path


def source_of(folder: Path, file: str, sha256: str | None = None) -> Record | None:
    """The record of a fetched file, if the file is still what was fetched; None for a file of the user's own."""
    record = read_sources(folder).get(file)
    path = folder / file
    if record is None or not path.is_file():
        return None
    return record if record["sha256"] == (sha256 or _sha256(path)) else None


def is_free(folder: Path, file: str) -> bool:
    """Whether `file` may be written: nothing is there, or what was fetched there is unchanged."""
    path = folder / file
    if not os.path.lexists(path):
        return True
    record = read_sources(folder).get(file, {})
    ours = (record.get("sha256"), record.get("replaces"))  # the second where a fetch was killed between its two renames
    return path.is_file() and _sha256(path) in ours


def note_source(folder: Path, file: str, beside: Path, record: Mapping[str, Any]) -> None:
    """Give the finished file `beside` its name, and write down where it came from."""
    known = read_sources(folder)
    replaces = {"replaces": known[file]["sha256"]} if file in known else {}
    records = {**known, file: {"sha256": _sha256(beside), **replaces, **record}}
    new = folder / f".{SOURCES}.partial"
    new.write_text(json.dumps(records, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(folder / SOURCES)
    beside.replace(folder / file)


def record_of(
    downloads: Sequence[Download], licence: Licence, *, made: str, data_date: str | None, asked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What is written down of a file: what it was made from and how, its date, its licence."""
    return {
        "made": made,
        "from": [{"url": each.url, "sha256": each.sha256, "fetched_at": each.fetched_at} for each in downloads],
        "data_date": data_date,
        "licence": licence.name,
        "licence_url": licence.url,
        "attribution": licence.attribution,
        **({"asked": dict(asked)} if asked else {}),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
