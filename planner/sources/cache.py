"""Networks that were read before, kept on disk: looked up by content and settings, checked when read, never trusted blindly.

An entry is one ``.npz`` file of plain arrays (no pickle) named by what it was made from, so that another extract, another area
or another version of the code that reads makes another entry. It is written beside and renamed, so that none is ever half
there. A damaged one is removed and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj

from planner.network import Network

VARIABLE = "PLANNER_CACHE"  # names another folder; "off" switches the cache off
MOST_ENTRIES = 20  # the least lately used go
FORMAT = 2  # rises with every change of what an entry holds

_DTYPES = {
    "node_xy": np.float64, "node_id": np.int64, "ends": np.int32, "length_m": np.float64, "flags": np.uint16,
    "component": np.int32, "component_length_m": np.float64,
}  # fmt: skip
_DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error, pyproj.exceptions.CRSError)


def cache_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where networks are kept: ``$PLANNER_CACHE``, else ``planner`` in the user's cache folder; None if switched off.

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
        whole = hashlib.sha256(hashlib.file_digest(file, "sha256").digest())
    for setting in (str(FORMAT).encode(), *settings):
        whole.update(len(setting).to_bytes(8, "big") + setting)
    return whole.hexdigest()


def kept_network(folder: Path, key: str) -> Network | None:
    """The network kept under `key`; None if there is none, or a damaged one, which is then removed."""
    entry = _entry(folder, key)
    if not entry.exists():
        return None
    try:
        network = _load(entry)
        os.utime(entry)
    except _DAMAGED:
        with contextlib.suppress(OSError):
            entry.unlink()
        return None
    return network


def keep_network(folder: Path, key: str, network: Network) -> bool:
    """Keep `network` under `key`, whole or not at all, and drop the least lately used beyond 20; whether it could be kept."""
    arrays = {name: getattr(network, name) for name in _DTYPES}
    arrays["crs"] = _text(network.crs.srs)
    arrays["report"] = _text(json.dumps(network.report))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as part:
            try:
                np.savez(part, **arrays)
                part.close()
                Path(part.name).replace(_entry(folder, key))
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        _drop_oldest(folder)
    except OSError:
        return False  # a full disk or a folder that is not ours: the cache is a convenience
    return True


def _entry(folder: Path, key: str) -> Path:
    return folder / f"network-{key}.npz"


def _load(entry: Path) -> Network:
    """The entry as a network; the archive's checksums and the arrays' shapes are looked at."""
    with entry.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in _DTYPES}
        crs, report = bytes(kept["crs"]).decode(), json.loads(bytes(kept["report"]))
    nodes, segments = len(arrays["node_id"]), len(arrays["length_m"])
    shapes = {
        "node_xy": (nodes, 2), "node_id": (nodes,), "ends": (segments, 2), "length_m": (segments,), "flags": (segments,),
        "component": (nodes,), "component_length_m": arrays["component_length_m"].shape[:1],
    }  # fmt: skip
    for name, values in arrays.items():
        if values.dtype != _DTYPES[name] or values.shape != shapes[name]:
            raise ValueError(f"{name} has another shape")
    if not 0 <= arrays["ends"].min() <= arrays["ends"].max() < nodes:
        raise ValueError("an end is no node")
    return Network(crs=pyproj.CRS.from_user_input(crs), report=report, **arrays)


def _text(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _drop_oldest(folder: Path) -> None:
    entries = sorted(folder.glob("network-*.npz"), key=lambda entry: (entry.stat().st_mtime_ns, entry.name), reverse=True)
    for entry in entries[MOST_ENTRIES:]:
        entry.unlink(missing_ok=True)
