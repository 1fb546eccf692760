"""The door of the command line: quick to open, quiet when asked, and shut by Ctrl-C at any moment with nothing half-written."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from lattice_study import write_lattice_study

import planner
import planner.run
from planner.cli import main
from planner.cli.examples import EXAMPLES

HEAVY = ("numpy", "pandas", "geopandas", "scipy", "numba", "matplotlib", "folium", "rasterio", "rich", "pydantic")


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "planner", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def loaded_by(code: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(said.stdout.split()) & set(HEAVY)


@pytest.mark.parametrize("package", [planner, planner.run])
def test_every_public_name_is_found_where_its_home_says(package: object) -> None:
    homes = package._HOME  # type: ignore[attr-defined]
    assert set(homes) == set(package.__all__)  # type: ignore[attr-defined]
    assert set(package.__all__) <= set(dir(package))  # type: ignore[attr-defined]
    for name, room in homes.items():
        assert getattr(package, name) is getattr(sys.modules[room], name)


@pytest.mark.parametrize("package", [planner, planner.run])
def test_the_interpreter_is_told_the_same_homes_as_the_type_checker(package: object) -> None:
    import ast

    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    told = {(each.name, node.module) for node in guarded.body if isinstance(node, ast.ImportFrom) for each in node.names}
    told -= {("Any", "typing")}
    assert told == set(package._HOME.items())  # type: ignore[attr-defined]


def test_a_star_import_gives_the_public_names_and_a_wrong_name_is_said() -> None:
    found: dict[str, object] = {}
    exec("from planner import *", found)  # noqa: S102 - what a notebook does
    assert set(planner.__all__) <= set(found)
    with pytest.raises(AttributeError, match="no attribute 'read_studies'"):
        planner.read_studies  # noqa: B018
    with pytest.raises(ImportError):
        exec("from planner import read_studies", {})  # noqa: S102


def test_neither_the_import_nor_the_help_loads_what_is_heavy() -> None:
    assert loaded_by("import planner") == set()
    assert loaded_by("import planner.__main__, planner.cli") == set()
    said = "from click.testing import CliRunner; from planner.cli import main; CliRunner().invoke(main, ['score', '--help'])"
    assert loaded_by(said) == set()


def test_a_short_command_never_looks_through_all_that_was_loaded_for_rubbish() -> None:
    """A third of a what-if's seconds went there: while the libraries were loaded, and again at the end."""
    code = """
import gc, sys
from planner.__main__ import main
sys.argv = ["planner", "--version"]
try:
    main()
finally:
    import pandas, geopandas
    print("whole collections:", gc.get_stats()[2]["collections"], "objects left to look through:", gc.get_freeze_count() == 0)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
    assert "whole collections: 0 objects left to look through: False" in said


def test_every_command_has_examples_that_it_understands() -> None:
    assert set(EXAMPLES) == set(main.commands)
    for name, examples in EXAMPLES.items():
        shown = CliRunner().invoke(main, [name, "--help"]).stdout
        for line, meaning in examples:
            assert line in shown
            assert meaning in shown
            words = shlex.split(line.partition(" > ")[0])
            assert words[:2] == ["planner", name]
            main.commands[name].make_context(name, words[2:])  # raises where an option is unknown


def test_every_command_can_be_told_to_say_more_or_less() -> None:
    for name, command in main.commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"-v", "--verbose", "-q", "--quiet"} <= options, name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_the_shell_and_completes(shell: str) -> None:
    printed = CliRunner().invoke(main, ["completion", shell])
    assert printed.exit_code == 0
    assert "_PLANNER_COMPLETE" in printed.stdout
    asked = {
        "_PLANNER_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "planner sc",
        "COMP_CWORD": "sc" if shell == "fish" else "1",
    }
    code = "import sys; sys.argv = ['planner']; from planner.__main__ import main; main()"
    said = subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, check=True)
    assert "score" in said.stdout


def test_a_quiet_command_says_nothing_and_a_verbose_one_how_long_steps_took(tmp_path: Path) -> None:
    folder = str(write_lattice_study(tmp_path / "study"))
    for words, lines in ((["-q"], False), (["-v"], True)):
        process = started("score", folder, "--set", "walk.max_link_m=0", *words)
        _, said = process.communicate()
        assert process.returncode == 0
        assert bool(said) is lines
        assert ("reading the street network: " in said) is lines
        assert ("Note: " in said) is lines
        assert "\x1b" not in said  # no bar where stderr is no terminal


STEP = re.compile(r"^([a-z ]+): \d+\.\d\d s$")
LOADED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$")
WHILE_LOADING = (
    "click", "planner.cli.door", "planner.cli.track", "numpy.linalg", "pandas.core.frame", "shapely", "pyproj._context",
    "scipy.sparse", "numba.core.types", "planner.reach", "planner.siting", "planner.run.walks", "rich.progress",
)  # fmt: skip


def interrupted(folder: Path, out: Path, pattern: re.Pattern[str], moment: str) -> tuple[int, list[str]]:
    """A run that is interrupted as soon as it has said `moment`: how it ended, and what it said besides."""
    loading = {"PYTHONPROFILEIMPORTTIME": "1"} if pattern is LOADED else {}
    command = [sys.executable, "-m", "planner", "run", str(folder), "--out", str(out), "-v"]
    said, reached = [], False
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **loading}) as process:
        assert process.stderr is not None
        for line in process.stderr:
            found = pattern.match(line)
            if found is None:
                said.append(line.rstrip("\n"))
            elif found[1] == moment and not reached:
                process.send_signal(signal.SIGINT)
                reached = True
    assert reached, f"{moment} was never said"
    return process.returncode, said


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a run says it does, in order: every third step, the last two apart; after the last nothing is left to interrupt."""
    folder = tmp_path_factory.mktemp("steps")
    process = started("run", str(write_lattice_study(folder / "study")), "--out", str(folder / "out"), "-v")
    _, said = process.communicate()
    found = [step[1] for line in said.splitlines() if (step := STEP.match(line))]
    assert process.returncode == 0
    assert found[0] == "reading tables"
    assert found[-1] == "writing documents"
    steps = list(dict.fromkeys(found[:-1]))
    return [*steps[:-1:3], steps[-1]]


@pytest.mark.skipif(os.name == "nt", reason="signals as Unix knows them")
def test_an_interrupt_after_a_step_ends_with_130_and_one_sentence(tmp_path: Path, steps: list[str]) -> None:
    folder = write_lattice_study(tmp_path / "study")
    before = sorted(tmp_path.rglob("*"))
    assert len(steps) > 4
    for step in steps:
        code, said = interrupted(folder, tmp_path / "out", STEP, step)
        assert (code, said[-1]) == (130, "Interrupted; nothing was half-written."), (step, said)
        assert said.count(said[-1]) == 1, said
        assert "Traceback" not in "\n".join(said), step
        assert sorted(tmp_path.rglob("*")) == before, step


@pytest.mark.skipif(os.name == "nt", reason="signals as Unix knows them")
@pytest.mark.parametrize("module", WHILE_LOADING)
def test_an_interrupt_while_the_program_loads_ends_with_130_and_one_sentence(module: str, tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path / "study")
    before = sorted(tmp_path.rglob("*"))
    code, said = interrupted(folder, tmp_path / "out", LOADED, module)
    assert (code, said[-1]) == (130, "Interrupted; nothing was half-written."), said
    assert "Traceback" not in "\n".join(said)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="signals as Unix knows them")
def test_an_interrupt_that_a_library_swallows_is_sent_again() -> None:
    code = """
import time
from planner.interrupt import Interrupts, end_now
interrupts = Interrupts()
interrupts.heed()
interrupts.loading = False
for turn in range(2):
    try:
        print("ready" * (turn == 0), flush=True)
        time.sleep(30)
    except KeyboardInterrupt:
        print("swallowed", flush=True)
end_now()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert (out.split(), process.returncode) == (["swallowed", "swallowed"], 130)
    assert said == "Interrupted; nothing was half-written.\n"
