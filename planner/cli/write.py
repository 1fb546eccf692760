"""Commands that write a folder: `map`, `report`, `run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import planner
from planner import run
from planner.cli.door import FORCE, OUT, main, progress_bar, say, study_options
from planner.cli.show import say_result

if TYPE_CHECKING:
    from planner.run.results import Part, Run

PICTURES = click.option("--pictures", is_flag=True, help="Also each map and chart as PNG and SVG, for slides.")


def _more(pictures: bool) -> list[Part]:
    return ["pictures"] if pictures else []


def _written(study: Path, overrides: tuple[str, ...], out: Path, parts: list[Part], force: bool, quiet: bool) -> Run:
    """The run of a study, of which `parts` are written; a folder that cannot be written is refused before the work."""
    with progress_bar(quiet) as progress:
        asked = planner.read_study(study, overrides)
        run.check_output(asked, out, force=force)
        done = planner.run_study(asked, progress=progress)
        done.write(out, parts=parts, force=force, progress=progress)
    return done


@main.command(name="map")
@study_options
@OUT
@FORCE
def map_(study: Path, overrides: tuple[str, ...], out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """The published pages alone: the station map and the planning map."""
    done = _written(study, overrides, out, ["pages"], force, quiet)
    if not quiet:
        say_result(done, out)


@main.command()
@study_options
@OUT
@PICTURES
@FORCE
def report(study: Path, overrides: tuple[str, ...], out: Path, pictures: bool, force: bool, quiet: bool, verbose: bool) -> None:
    """The workbook (.xlsx), the report (.docx, .html) and their tables."""
    _written(study, overrides, out, ["tables", "documents", *_more(pictures)], force, quiet)
    if not quiet:
        say(f"The report: {out / 'report.docx'}\nThe workbook: {out / 'workbook.xlsx'}")


@main.command(name="run")
@study_options
@OUT
@PICTURES
@FORCE
def run_(study: Path, overrides: tuple[str, ...], out: Path, pictures: bool, force: bool, quiet: bool, verbose: bool) -> None:
    """All of it: scores, proposal, outlines, maps, tables and the manifest."""
    done = _written(study, overrides, out, [*run.PARTS, *_more(pictures)], force, quiet)
    if not quiet:
        say_result(done, out)
