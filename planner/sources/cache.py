"""Steps that were done before, kept on disk: looked up by what they were made from, checked when read, never trusted blindly.

An entry is one ``.npz`` file of plain arrays (no pickle) named by what it was made from, so that another extract, another area
or another version of the code makes another entry. It is written beside and renamed, so that none is ever half there. A
damaged one is removed and made anew.

Three kinds of things are kept: ``network``, the streets of an extract; ``walks``, the walking times from some facilities to
places; ``residents``, the cells of a population raster. Nothing of a key group and nothing out of a list is ever kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from planner.errors import MachineNote
from planner.network import Network

VARIABLE = "PLANNER_CACHE"  # names another folder; "off" switches the cache off
MOST_ENTRIES = 20  # of a kind; the least lately used go
MOST_BYTES = 2_000_000_000  # of all entries together, likewise
FORMAT = 3  # rises with every change of what an entry holds

Arrays = Mapping[str, npt.NDArray[Any]]

_NETWORK = {
    "node_xy": np.float64, "node_id": np.int64, "ends": np.int32, "length_m": np.float64, "flags": np.uint16,
    "component": np.int32, "component_length_m": np.float64,
}  # fmt: skip
_DAMAGED = (
    OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, pyproj.exceptions.CRSError,
)  # fmt: skip


def cache_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where entries are kept: ``$PLANNER_CACHE``, else ``planner`` in the user's cache folder; None if switched off.

    >>> cache_folder({"PLANNER_CACHE": "off"}), cache_folder({"XDG_CACHE_HOME": "/tmp/c"})
    (None, PosixPath('/tmp/c/planner'))
    """
    said = os.environ if environment is None else environment
    if said.get(VARIABLE, "").lower() in ("off", "0", "no", "none"):
        return None
    if said.get(VARIABLE):
        return Path(said[VARIABLE])
    home = said.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "planner"


def fingerprint(path: Path, *settings: bytes) -> str:
    """What an entry is named by: SHA-256 over the file's content and the settings, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return fingerprint_of(hashlib.file_digest(file, "sha256").digest(), *settings)


def fingerprint_of(*made_from: bytes | memoryview) -> str:
    """The same of anything in memory.

    >>> fingerprint_of(b"ab", b"c") == fingerprint_of(b"a", b"bc")
    False
    """
    whole = hashlib.sha256()
    for part in (str(FORMAT).encode(), *made_from):
        whole.update(memoryview(part).nbytes.to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()


def code_of(*rooms: Path) -> list[bytes]:
    """The code of some folders, so that whatever changes in it makes what was kept before stale."""
    return [file.read_bytes() for room in rooms for file in sorted(room.glob("*.py"))] + [pyproj.proj_version_str.encode()]


def kept_network(folder: Path, key: str) -> Network | None:
    """The network kept under `key`; None if there is none, or a damaged one, which is then removed."""
    arrays = kept_arrays(folder, "network", key, {**_NETWORK, "crs": np.uint8, "report": np.uint8})
    if arrays is None:
        return None
    try:
        return _network_of(arrays)
    except _DAMAGED:
        drop_entry(folder, "network", key)
        return None


def keep_network(folder: Path, key: str, network: Network) -> bool:
    """Keep `network` under `key`, as `keep_arrays` does."""
    said = {"crs": _text(network.crs.srs), "report": _text(json.dumps(network.report))}
    return keep_arrays(folder, "network", key, {**{name: getattr(network, name) for name in _NETWORK}, **said})


def kept_arrays(folder: Path, kind: str, key: str, dtypes: Mapping[str, npt.DTypeLike]) -> dict[str, npt.NDArray[Any]] | None:
    """The arrays kept under `key`, all of `dtypes`; None if there is no such entry, or a damaged one, which is then removed."""
    entry = _entry(folder, kind, key)
    if not entry.exists():
        return None
    try:
        with entry.open("rb") as file, np.load(file, allow_pickle=False) as kept:  # an archive, whose checksums are looked at
            arrays = {name: kept[name] for name in dtypes}
        for name, values in arrays.items():
            if values.dtype != dtypes[name]:
                raise ValueError(f"{name} is of another kind")
    except _DAMAGED:
        drop_entry(folder, kind, key)
        return None
    with contextlib.suppress(OSError):  # a folder that may only be read serves as well
        os.utime(entry)
    return arrays


def keep_arrays(folder: Path, kind: str, key: str, arrays: Arrays) -> bool:
    """Keep arrays under `key`, whole or not at all, and drop what is least lately used beyond 20 of the kind or 2 GB in all.

    Gives back whether they could be kept: the cache is a convenience, and a full disk or a folder of others is no error, but a
    `MachineNote`, which names no folder.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as part:
            try:
                np.savez(part, **arrays)  # type: ignore[arg-type]
                part.close()
                Path(part.name).replace(_entry(folder, kind, key))
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        _drop_oldest(folder, kind)
    except OSError as error:
        said = f"nothing can be kept in the cache ({error.strerror or 'no room'}), so this is done anew each time"
        warnings.warn(f"{said}; {VARIABLE} names another folder, or is off", MachineNote, stacklevel=3)
        return False
    return True


def drop_entry(folder: Path, kind: str, key: str) -> None:
    """Remove an entry that turned out to be damaged, and say so."""
    warnings.warn(f"what the cache kept ({kind}) was damaged and is made anew", MachineNote, stacklevel=3)
    with contextlib.suppress(OSError):
        _entry(folder, kind, key).unlink()


def _entry(folder: Path, kind: str, key: str) -> Path:
    return folder / f"{kind}-{key}.npz"


def _network_of(arrays: dict[str, npt.NDArray[Any]]) -> Network:
    """The entry as a network; the arrays' shapes are looked at."""
    crs, report = bytes(arrays.pop("crs")).decode(), json.loads(bytes(arrays.pop("report")))
    nodes, segments = len(arrays["node_id"]), len(arrays["length_m"])
    shapes = {
        "node_xy": (nodes, 2), "node_id": (nodes,), "ends": (segments, 2), "length_m": (segments,), "flags": (segments,),
        "component": (nodes,), "component_length_m": arrays["component_length_m"].shape[:1],
    }  # fmt: skip
    for name, values in arrays.items():
        if values.shape != shapes[name]:
            raise ValueError(f"{name} has another shape")
    if not 0 <= arrays["ends"].min() <= arrays["ends"].max() < nodes:
        raise ValueError("an end is no node")
    return Network(crs=pyproj.CRS.from_user_input(crs), report=report, **arrays)


def _text(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _drop_oldest(folder: Path, kind: str) -> None:
    """Drop the least lately used: of the `kind` beyond so many, of all kinds beyond so many bytes."""
    entries = sorted(folder.glob("*-*.npz"), key=lambda entry: (entry.stat().st_mtime_ns, entry.name), reverse=True)
    alike = [entry for entry in entries if entry.name.startswith(f"{kind}-")]
    total = 0
    for entry in entries:
        total += entry.stat().st_size
        if total > MOST_BYTES or entry in alike[MOST_ENTRIES:]:
            entry.unlink(missing_ok=True)
