"""Commands that begin: `init`, `demo`, `check`, `completion`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import get_completion_class

import planner
from planner.cli.door import FAULTY, FORCE, format_option, main, progress_bar, say, study_optional, talk_options
from planner.cli.show import say_result, show
from planner.errors import Fault


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--policy", help="A policy pack to name in the study file.")
@talk_options
def init(folder: Path, policy: str | None, quiet: bool, verbose: bool) -> None:
    """Make a new study FOLDER: a commented study.toml and empty tables with their headers."""
    planner.write_template(folder, policy)
    if not quiet:
        say(f"A new study lies in {folder}: fill in its tables, then run: planner check {folder}")


@main.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-output"), show_default=True)
@FORCE
@talk_options
def demo(out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """Do the whole job on the extract of central Helsinki that comes with the dependencies."""
    with progress_bar(quiet) as progress, planner.demo_study() as study:
        done = planner.run_study(study, progress=progress)
        done.write(out, force=force, progress=progress)
    if not quiet:
        say_result(done, out)


@main.command()
@study_optional
@click.option(
    "--privacy", type=click.Path(path_type=Path, file_okay=False), metavar="OUT", help="Look through a folder of outputs."
)
@format_option("table", "csv", "json")
def check(study: Path | None, overrides: tuple[str, ...], privacy: Path | None, form: str, quiet: bool, verbose: bool) -> int:
    """Say every fault of STUDY at once, with file, row, value and mend; exit 1 if there is any.

    `--privacy OUT` looks through a folder of outputs instead: for identity-card and mobile numbers, for small counts of key
    groups and sums that give them away, and, with STUDY, for everything its lists of people hold. It never says what it found.
    A file that cannot be looked through is a fault.
    """
    if study is None and privacy is None:
        raise click.UsageError("name a STUDY, or a folder of outputs with --privacy OUT")
    with progress_bar(quiet) as progress:
        if privacy is not None:
            known = None if study is None else planner.read_study(study, overrides)
            faults = planner.audit_output(privacy, known, progress=progress)
            clean = "Nothing was found that names a person or gives a small count away."
        else:
            faults, clean = planner.check_study(study or Path(), overrides), "No faults: planner run can do its work."
    if form == "table":
        for fault in faults:
            click.echo(str(fault))
        say(_counted(faults) if faults else clean)
    else:
        import pandas as pd

        show({"faults": pd.DataFrame([dataclasses.asdict(fault) for fault in faults])}, form)
    return FAULTY if faults else 0


def _counted(faults: Sequence[Fault]) -> str:
    """How many faults there are, those that `planner fetch` mends apart from what is wrong."""
    from planner.sources.files.fetchable import NOT_FETCHED

    fetched = sum(fault.problem == NOT_FETCHED for fault in faults)
    wrong = len(faults) - fetched
    said = [f"{wrong} fault{'' if wrong == 1 else 's'}"] if wrong else []
    said += [f"{fetched} file{'' if fetched == 1 else 's'} yet to be fetched"] if fetched else []
    return " and ".join(said) + ("" if wrong else ": nothing that can be seen without is wrong")


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@talk_options
def completion(shell: str, quiet: bool, verbose: bool) -> None:
    """Print what makes SHELL complete commands, options and files on TAB."""
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has all three
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(main, {}, "planner", "_PLANNER_COMPLETE").source())
