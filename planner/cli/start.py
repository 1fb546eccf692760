"""Commands that begin: `init`, `demo`, `check`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import pandas as pd

import planner
from planner.cli.door import FAULTY, FORCE, format_option, main, progress_bar, say, study_options
from planner.cli.show import say_result, show


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--policy", help="A policy pack to name in the study file.")
def init(folder: Path, policy: str | None) -> None:
    """Make a new study FOLDER: a commented study.toml and empty tables with their headers."""
    planner.write_template(folder, policy)
    say(f"A new study lies in {folder}: fill in its tables, then run: planner check {folder}")


@main.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-output"), show_default=True)
@FORCE
@click.option("-q", "--quiet", is_flag=True, help="No notes and no progress.")
@click.option("-v", "--verbose", is_flag=True, help="Show a traceback when something fails.")
def demo(out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """Do the whole job on the extract of central Helsinki that comes with the dependencies."""
    with progress_bar(quiet) as progress, planner.demo_study() as study:
        done = planner.run_study(study, progress=progress)
        done.write(out, force=force, progress=progress)
    say_result(done, out)


@main.command()
@study_options
@format_option("table", "csv", "json")
def check(study: Path, overrides: tuple[str, ...], form: str, quiet: bool, verbose: bool) -> int:
    """Say every fault of STUDY at once, with file, row, value and mend; exit 1 if there is any."""
    with progress_bar(quiet):
        faults = planner.check_study(study, overrides)
    if form == "table":
        for fault in faults:
            click.echo(str(fault))
        counted = f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}"
        say(counted if faults else "No faults: planner run can do its work.")
    else:
        show({"faults": pd.DataFrame([dataclasses.asdict(fault) for fault in faults])}, form)
    return FAULTY if faults else 0
