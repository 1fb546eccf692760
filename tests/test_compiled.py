"""Where compiled code is kept, and when it is made anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from planner.reach.compiled import COMPILING, LOADING, PACKAGE, fingerprint

LOOP = "@compiled\ndef walk(): pass\n"


def package(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_compiled_code_is_named_by_every_file_that_holds_loops_and_by_no_other(tmp_path: Path) -> None:
    one = package(tmp_path / "one", loops=LOOP, words="HELLO = 1\n")
    same = package(tmp_path / "same", loops=LOOP, words="HELLO = 2\n")
    renamed = package(tmp_path / "renamed", other=LOOP, words="HELLO = 1\n")
    changed = package(tmp_path / "changed", loops=LOOP + "# as before, but longer\n", words="HELLO = 1\n")
    names = {folder.name: fingerprint(folder) for folder in (one, same, renamed, changed)}
    assert names["one"] == names["same"]
    assert len(set(names.values())) == 3


def test_compiled_code_goes_where_it_is_asked_to_and_is_loaded_from_there(tmp_path: Path) -> None:
    program = (
        "import numpy as np; from planner.reach.compiled import what_first; from planner.reach.grid import grid_of;"
        "print(what_first()); grid_of(np.zeros((1, 4)), np.ones(1, dtype=bool)); print(what_first())"
    )
    command, environment = [sys.executable, "-c", program], os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    said = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert said == [f"{COMPILING}\n{LOADING}\n", f"{LOADING}\n{LOADING}\n"]
    assert [folder.name for folder in tmp_path.iterdir()] == [f"compiled-{fingerprint(PACKAGE)}"]
