"""The reliability table of the README. Usage: reliability.py bad | fuzz [SECONDS] [READERS...] | kill [RUNS] | same

`bad` runs every bad study of `tests/bad_studies.py`; `fuzz` hands each reader (or those named) to atheris for so many
seconds; `kill` ends that many runs with SIGKILL at random moments, each over an older output, and runs again; `same` compares
the bytes of runs. Each prints what was tried and every case that did not hold, and exits 1 if there is one.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

READERS = (
    "blocks", "decode", "cells", "document", "geojson", "text", "study", "table", "towns", "extract",
    "workbook", "old-workbook", "layers", "raster", "pack",
)  # fmt: skip
DATED = ("manifest.json",)  # says when it was written and how long each step took


def bad(_: Sequence[str]) -> int:
    """Run every bad study; how many did not end with our own error, or wrote something."""
    from bad_studies import bad_studies
    from hostile import outcome

    cases, wrong, kinds = bad_studies(), [], Counter[str]()
    for name, spoil in cases.items():
        with tempfile.TemporaryDirectory(prefix="planner-bad-") as folder:
            said = outcome(Path(folder), spoil)
        kinds[said.kind] += 1
        if said.kind != "our own error":
            wrong.append(f"{said.kind}: {name}: {said.text[-300:]}")
    print(*wrong, f"bad studies: {len(cases)}; {dict(kinds)}", sep="\n")
    return len(wrong)


def fuzz(arguments: Sequence[str]) -> int:
    """Fuzz each reader in a process of its own, one after the other; how many ended badly."""
    seconds, failed, total = arguments[0] if arguments else "60", 0, 0
    with tempfile.TemporaryDirectory(prefix="planner-fuzz-") as folder:
        for reader in arguments[1:] or READERS:
            command = [sys.executable, str(ROOT / "scripts" / "bench" / "fuzz_readers.py"), reader, seconds, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            ran = re.search(r"number_of_executed_units: (\d+)", done.stderr)
            total += int(ran[1]) if ran else 0
            print(f"{reader}: {ran[1] if ran else '?'} inputs, exit {done.returncode}", flush=True)
            if done.returncode:
                failed += 1
                print(done.stderr[:3000], "…", done.stderr[-2000:], sep="\n")
    print(f"fuzzed inputs: {total}; readers that failed: {failed}")
    return failed


def command_of(study: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "planner", "run", str(study), "--out", str(out), "-q", *more]


def bytes_of(out: Path) -> dict[str, str]:
    """The SHA-256 of each file of an output, the manifest's dates apart."""
    files = sorted(path for path in out.rglob("*") if path.is_file() and path.name not in DATED)
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def kill(arguments: Sequence[str]) -> int:
    """Kill runs at random moments over an older output: it stays whole, and the next run is right."""
    from lattice_study import write_lattice_study

    runs, chance, wrong, hits = int(arguments[0]) if arguments else 50, random.Random(), 0, 0  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="planner-kill-") as name:
        folder = Path(name)
        study, out = write_lattice_study(folder / "study"), folder / "out"
        subprocess.run(command_of(study, out), check=True)  # the first compiles the search, which no later run does
        began = time.monotonic()
        subprocess.run(command_of(study, out), check=True)
        took, right = time.monotonic() - began, bytes_of(out)
        while hits < runs:
            running = subprocess.Popen(command_of(study, out))
            try:
                running.wait(chance.uniform(0.3, 1.0) * took)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
                hits += 1
            if bytes_of(out) != right:
                wrong += 1
                print(f"after {hits} kills the output is not whole")
        subprocess.run(command_of(study, out), check=True)
        left = [path.name for path in folder.iterdir() if path.name not in ("study", "out")]
        if bytes_of(out) != right or left:
            wrong += 1
            print(f"the last run is not right, or left something: {left}")
    print(f"killed {hits} runs; {wrong} went wrong")
    return wrong


def same(_: Sequence[str]) -> int:
    """Compare the bytes of five runs, of one and two threads, and of rows in another order."""
    from lattice_study import write_lattice_study

    with tempfile.TemporaryDirectory(prefix="planner-same-") as name:
        folder = Path(name)
        study, mixed = write_lattice_study(folder / "study"), folder / "mixed"
        shutil.copytree(study, mixed)
        for table in ("stations.csv", "hosts.csv", "people.csv"):
            head, *rows = (mixed / table).read_text(encoding="utf-8").splitlines()
            random.Random(2).shuffle(rows)  # noqa: S311
            (mixed / table).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        settings: Mapping[str, tuple[Path, int]] = {
            **{f"run {number}": (study, 2) for number in range(1, 6)}, "one thread": (study, 1), "other rows": (mixed, 2),
        }  # fmt: skip
        found, all_cores = {}, os.sched_getaffinity(0)
        for said, (which, threads) in settings.items():
            out = folder / f"out-{len(found)}"
            environment = {**os.environ, "PYTHONHASHSEED": str(len(found)), "PLANNER_CACHE": "off"}
            os.sched_setaffinity(0, sorted(all_cores)[:threads])  # what a run takes its number of threads from
            subprocess.run(command_of(which, out), check=True, env=environment)
            os.sched_setaffinity(0, all_cores)
            found[said] = bytes_of(out)
    differ = {said: [file for file in files if files[file] != found["run 1"].get(file)] for said, files in found.items()}
    print(*(f"{said}: {files or 'the same bytes'}" for said, files in differ.items()), sep="\n")
    return sum(map(bool, differ.values()))


if __name__ == "__main__":
    sys.exit(min({"bad": bad, "fuzz": fuzz, "kill": kill, "same": same}[sys.argv[1]](sys.argv[2:]), 1))
