"""Where compiled code is kept, and when it is made anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

from planner.reach.compiled import COMPILING, LOADING, PACKAGE, code_folder, compiled, fetch_ahead, fingerprint

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


def run_twice(program: str, code: Path) -> list[subprocess.CompletedProcess[str]]:
    """A program run with nothing compiled in the folder `code`, and run again."""
    command, environment = [sys.executable, "-c", program], os.environ | {"NUMBA_CACHE_DIR": str(code)}
    return [subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(2)]


def test_compiled_code_goes_where_it_is_asked_to_and_is_loaded_from_there(tmp_path: Path) -> None:
    program = (
        "import numpy as np; from planner.reach.compiled import what_first; from planner.reach.grid import grid_of;"
        "print(what_first()); grid_of(np.zeros((1, 4)), np.ones(1, dtype=bool)); print(what_first())"
    )
    said = [done.stdout for done in run_twice(program, tmp_path)]
    assert said == [f"{COMPILING}\n{LOADING}\n", f"{LOADING}\n{LOADING}\n"]
    assert [folder.name for folder in tmp_path.iterdir()] == [f"compiled-{fingerprint(PACKAGE)}"]


def test_whoever_waits_for_the_compiler_is_told_once_and_where_it_has_been_nobody_is(tmp_path: Path) -> None:
    program = (
        "import numpy as np; from planner.reach.grid import grid_of;"
        "[grid_of(np.zeros((1, 4)), np.ones(1, dtype=bool)) for _ in range(2)]"
    )
    said = [done.stderr for done in run_twice(program, tmp_path)]
    assert said[0].count(COMPILING) == 1
    assert said[1] == ""


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without owners of folders")
def test_compiled_code_is_neither_kept_nor_loaded_where_another_user_could_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    found, folder = code_folder.__wrapped__, tmp_path / f"compiled-{fingerprint(PACKAGE)}"
    assert found() == folder
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o770)  # the group may write in it
    assert found() is None
    folder.chmod(0o700)
    tmp_path.chmod(0o777)  # anybody may put another in its place
    assert found() is None
    tmp_path.chmod(0o1777)  # as /tmp, where only an owner moves what is his
    assert found() == folder
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert found() is None
    monkeypatch.undo()
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")  # a link can be turned by who made it
    assert found() is None


@pytest.mark.parametrize("left", [0, 20])
def test_kept_code_that_was_cut_off_is_compiled_anew(left: int, tmp_path: Path) -> None:
    script = tmp_path / "once.py"
    script.write_text(
        "from planner.reach.compiled import compiled, code_folder\n"
        "@compiled\ndef twice(n):\n    return 2 * n\n"
        "print(twice(21), code_folder())\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)

    assert run().stdout.startswith("42")
    kept = [*tmp_path.rglob("*.nbi"), *tmp_path.rglob("*.nbc")]
    assert len(kept) >= 2
    for file in kept:
        file.write_bytes(file.read_bytes()[:left])
    again = run()
    assert again.stdout.startswith("42"), again.stderr


def test_what_is_fetched_ahead_is_the_processors_own_instruction_and_changes_nothing_even_past_the_end() -> None:
    @compiled
    def read(array: np.ndarray) -> float:
        fetch_ahead(array, np.uint64(1))
        fetch_ahead(array, np.uint64(10**12))
        return array[0]

    assert read(np.array([7.0, 8.0])) == 7.0
    assert next(iter(read.inspect_llvm().values())).count("call void @llvm.prefetch") == 2
    assert fetch_ahead(np.zeros(1), np.uint64(0)) is None  # and where nothing is compiled, nothing is done
