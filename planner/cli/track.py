"""Commands that look back: `track` and `compare`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

import planner
from planner import run
from planner.cli.door import DAY, FORCE, format_option, main, progress_bar, say, study_options, talk_options
from planner.cli.show import show
from planner.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd


_PARTS = ("all", "targets", "areas", "figures", "changes", "coverage")
_BY_AREA = ("area_targets", "area_coverage")


@main.command()
@study_options
@click.option("--as-of", "as_of", type=DAY, help="The day asked about; default: the study's own date.")
@click.option("--since", type=DAY, help="The day to compare with; default: the study's own if earlier, else a year before.")
@click.option("--period", type=click.Choice(["month", "quarter", "year"]), help="Compare with the day before it began.")
@click.option("--of", "part", type=click.Choice(_PARTS), default="all", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the pack of the --period there.")
@FORCE
@format_option("table", "csv", "json")
def track(
    study: Path,
    overrides: tuple[str, ...],
    as_of: dt.datetime | None,
    since: dt.datetime | None,
    period: str | None,
    part: str,
    out: Path | None,
    force: bool,
    form: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """The policy's targets and recorded figures against what stands on a day; what changed, and coverage then and now.

    By town, and by area where the study has [rollout.areas] (`--of areas`: those alone).

    With --period and --out the pack of a month, quarter or year is written: tables, a workbook and a report.
    """
    if period is not None and since is not None:
        raise click.BadParameter("--period says what to compare with; leave --since away", param_hint="--since")
    if out is not None and period is None:
        raise click.BadParameter("say which pack: --period month, quarter or year", param_hint="--out")
    days = [None if day is None else day.date() for day in (as_of, since)]
    with progress_bar(quiet) as progress:
        told = planner.read_study(study, overrides)
        if out is not None:
            run.check_output(told, out, force=force)
        tracked = planner.track_study(told, days[0], since=days[1], period=period, progress=progress)
    if out is not None and period is not None:
        say(f"The pack: {tracked.write(out, period, force=force)}")
        return
    show(_with_phrases_apart(_part(tracked, part), tracked.targets, form), form)
    if not len(tracked.targets):
        say(_no_target_said(tracked.study.policy))
    say(f"Targets as of {tracked.as_of}; changes and coverage from {tracked.before} to {tracked.after}.")


@main.command()
@click.argument("run_a", type=click.Path(path_type=Path, file_okay=False))
@click.argument("run_b", type=click.Path(path_type=Path, file_okay=False))
@format_option("table", "csv", "json")
@talk_options
def compare(run_a: Path, run_b: Path, form: str, quiet: bool, verbose: bool) -> None:
    """What changed from RUN_A to RUN_B (output folders): people gained and lost, stations, towns, groups."""
    show(planner.compare_runs(planner.read_run(run_a), planner.read_run(run_b)), form)


def _no_target_said(pack: str | None) -> str:
    """Why there is no target, and where one would come from."""
    if pack is None:
        return "No policy pack is named, so there is no target; name one with policy = in study.toml."
    mend = "write [[targets]] of your own into a copy of it, or what falls to you of a city's"
    return f"{pack} sets no target for this area; {mend}."


def _part(tracked: planner.Tracking, part: str) -> Mapping[str, pd.DataFrame]:
    """The tables of one part of the tracking, or all."""
    tables = tracked.tables
    if part != "areas":
        return tables if part == "all" else {part: tables[part]}
    if tracked.area_targets is None:
        raise StudyError(f'{tracked.study.name}: no [rollout.areas] are named; add "North" = ["Town", …] to study.toml')
    return {name: tables[name] for name in _BY_AREA}


def _with_phrases_apart(tables: Mapping[str, pd.DataFrame], targets: pd.DataFrame, form: str) -> Mapping[str, pd.DataFrame]:
    """For reading: what each target says once, in a table of its own, instead of in every row."""
    long = [name for name in ("targets", "area_targets") if name in tables]
    if form != "table" or not long:
        return tables
    if not len(targets):
        return {name: table for name, table in tables.items() if name not in long}
    words = ["zh", "en", "counts", "binding", "phrase"]
    flat = targets.reset_index("place")
    said = flat[words][~flat.index.duplicated()]
    short = {name: tables[name].drop(columns=[*words, "scope", "since"], errors="ignore") for name in long}
    return {"policy": said, **tables, **short}
