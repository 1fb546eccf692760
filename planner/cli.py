"""The shell's door: parse, call the library, print. Tables go to stdout, words and progress to stderr."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import geopandas as gpd
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

import planner
from planner import run, schema, store
from planner.errors import PlanError, PlannerError, PlannerWarning
from planner.study import Study

FAULTY, USAGE, NO_PLAN, INTERRUPTED = 1, 2, 3, 130

_STANDARDS = ("standards", "tiers", "functions")
_PARTS = ("all", "stations", "towns", "groups", "access", *_STANDARDS)

Progressing = Callable[[str, float], None]


class _Door(click.Group):
    """Turns our errors into one message and an exit code; a traceback only with ``-v``."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            done = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            sys.exit(USAGE)
        except (KeyboardInterrupt, click.Abort):
            _say("Interrupted; nothing was half-written.")
            sys.exit(INTERRUPTED)
        except PlannerError as error:
            _fail(error)
        except BrokenPipeError:  # the reader of our table went away
            sys.stderr.close()
            sys.exit(FAULTY)
        sys.exit(done if isinstance(done, int) else 0)


def _fail(error: PlannerError) -> NoReturn:
    if {"-v", "--verbose"} & set(sys.argv):
        traceback.print_exc()
    _say(f"Error: {error}")
    sys.exit(NO_PLAN if isinstance(error, PlanError) else FAULTY)


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - words go to stderr


@contextmanager
def _progress(quiet: bool) -> Iterator[Progressing | None]:
    """A bar on stderr that says what is being done; nothing where stderr is no terminal. Warnings become notes."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    silent = quiet or not console.is_terminal
    with warnings.catch_warnings(), Progress(*columns, console=console, transient=True, disable=silent) as bars:
        warnings.simplefilter("always", PlannerWarning)
        warnings.showwarning = lambda said, kind, *_, **__: None if quiet else _note(said, kind, bars.console)
        bar = bars.add_task("starting", total=1.0)
        yield None if silent else lambda text, share: bars.update(bar, description=text, completed=share)


def _note(said: Warning | str, kind: type[Warning], console: Console) -> None:
    if issubclass(kind, PlannerWarning):
        console.print(f"Note: {said}", markup=False, highlight=False, soft_wrap=True)


def _study_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command on a study takes."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="No notes and no progress."),
        click.option("-v", "--verbose", is_flag=True, help="Show a traceback when something fails."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key: walk.minutes=10"),
        click.argument("study", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def _format_option(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--format", "form", type=click.Choice(formats), default=formats[0], show_default=True)


_OUT = click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write.")
_DAY = click.DateTime(["%Y-%m-%d"])
_FORCE = click.option("--force", is_flag=True, help="Replace a folder that was edited by hand; the old one is kept beside.")


@click.group(cls=_Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="planner")
def main() -> None:
    """Who can walk to a station in fifteen minutes, how well does each serve, and where should the next ones go?

    STUDY is a folder with a study.toml, or that file. Start with `planner demo`, or `planner init my-district`.
    """


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--policy", help="A policy pack to name in the study file.")
def init(folder: Path, policy: str | None) -> None:
    """Make a new study FOLDER: a commented study.toml and empty tables with their headers."""
    planner.write_template(folder, policy)
    _say(f"A new study lies in {folder}: fill in its tables, then run: planner check {folder}")


@main.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-output"), show_default=True)
@_FORCE
@click.option("-q", "--quiet", is_flag=True, help="No notes and no progress.")
@click.option("-v", "--verbose", is_flag=True, help="Show a traceback when something fails.")
def demo(out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """Do the whole job on the extract of central Helsinki that comes with the dependencies."""
    with _progress(quiet) as progress, planner.demo_study() as study:
        done = planner.run_study(study, progress=progress)
        done.write(out, force=force, progress=progress)
    _say_result(done, out)


@main.command()
@_study_options
@_format_option("table", "csv", "json")
def check(study: Path, overrides: tuple[str, ...], form: str, quiet: bool, verbose: bool) -> int:
    """Say every fault of STUDY at once, with file, row, value and mend; exit 1 if there is any."""
    with _progress(quiet):
        faults = planner.check_study(study, overrides)
    if form == "table":
        for fault in faults:
            click.echo(str(fault))
        counted = f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}"
        _say(counted if faults else "No faults: planner run can do its work.")
    else:
        _show({"faults": pd.DataFrame([dataclasses.asdict(fault) for fault in faults])}, form)
    return FAULTY if faults else 0


@main.command()
@_study_options
@click.option("--from", "origins", required=True, metavar="A", help="stations, candidates, demand, or a file of points.")
@click.option("--to", "destinations", required=True, metavar="B", help="stations, candidates, demand, or a file of points.")
@_format_option("table", "csv", "json")
def times(
    study: Path, overrides: tuple[str, ...], origins: str, destinations: str, form: str, quiet: bool, verbose: bool
) -> None:
    """Walking times within the cutoff as a long table from_id, to_id, walk_s."""
    with _progress(quiet) as progress:
        table = run.walking_times(planner.read_study(study, overrides), origins, destinations, progress=progress)
    _show({"times": table}, form)
    if table.empty:
        _say("No pair is within the cutoff; --set walk.minutes=60 looks farther.")


@main.command()
@_study_options
@click.option("--minutes", metavar="5,10,15", help="Which bands; default: those of the study.")
@_format_option("geojson", "table", "csv", "json")
def isochrones(study: Path, overrides: tuple[str, ...], minutes: str | None, form: str, quiet: bool, verbose: bool) -> None:
    """Outlines of what lies within 5, 10, 15 minutes of each standing station."""
    bands = _minutes(minutes) if minutes else None
    with _progress(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        outlines = run.draw_isochrones(surveyed, bands)
    _show({"isochrones": outlines}, form)


@main.command()
@_study_options
@click.option("--of", "part", type=click.Choice(_PARTS), default="all", show_default=True)
@_format_option("table", "csv", "json")
def score(study: Path, overrides: tuple[str, ...], part: str, form: str, quiet: bool, verbose: bool) -> None:
    """How well each station serves, and how well towns and key groups are served.

    `--of standards` shows what each station offers and lacks by the policy pack, `--of tiers` whether the tiers follow its
    pattern, `--of functions` how many residents reach each function, `--of access` the capacity in reach (2SFCA).
    """
    with _progress(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        if part in _STANDARDS:
            checked = run.check_standards(surveyed)
            _show({part: getattr(checked, part)}, form)
            return
        if part == "access":
            _show({part: run.measure_access(surveyed)}, form)
            return
        published = run.publish_scores(surveyed, run.score_survey(surveyed))
    _show({name: _plain(published[name]) for name in ("stations", "towns", "groups") if part in ("all", name)}, form)


@main.command()
@_study_options
@click.option("--sites", type=click.IntRange(1), help="How many; default: the study's.")
@_format_option("table", "csv", "json", "geojson")
def propose(study: Path, overrides: tuple[str, ...], sites: int | None, form: str, quiet: bool, verbose: bool) -> None:
    """New sites in order, each with its gain; the plan with its bound and gap."""
    with _progress(quiet) as progress:
        asked = _with_sites(planner.read_study(study, overrides), sites)
        surveyed = planner.survey_study(asked, progress=progress)
        proposal = run.propose(surveyed, with_frontier=False)
        published = run.publish_scores(surveyed, run.score_survey(surveyed), proposal)
    _show({"sites": published["sites"]}, form)
    if proposal.plan is not None:
        _say(_said_of_plan(run.publish_plan(proposal.plan, published)))


@main.command()
@_study_options
@_format_option("table", "csv", "json")
def frontier(study: Path, overrides: tuple[str, ...], form: str, quiet: bool, verbose: bool) -> None:
    """People covered against number of stations, with a proven bound at each, up to all that can be covered."""
    with _progress(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        proposal = run.propose(surveyed, with_plan=False)
    if proposal.frontier is not None:
        _show({"frontier": proposal.frontier}, form)


@main.command()
@_study_options
@click.option("--at", required=True, metavar="LON,LAT", help="A place in degrees of WGS 84.")
@click.option("--nearest", type=click.IntRange(1), default=3, show_default=True, help="How many stations to look at.")
@_format_option("table", "csv", "json")
def why(study: Path, overrides: tuple[str, ...], at: str, nearest: int, form: str, quiet: bool, verbose: bool) -> None:
    """The nearest stations of a place, the way there leg by leg, and why it is covered or not."""
    lon, lat = _lonlat(at)
    with _progress(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        legs, reason = run.explain(surveyed, lon, lat, nearest=nearest)
    _show({"ways": legs}, form)
    _say(reason)


@main.command()
@_study_options
@click.option("--as-of", "as_of", type=_DAY, help="The day asked about; default: the study's own date.")
@click.option("--since", type=_DAY, help="The day to compare with; default: the study's own date, or a year before.")
@click.option("--of", "part", type=click.Choice(["all", "targets", "changes", "coverage"]), default="all", show_default=True)
@_format_option("table", "csv", "json")
def track(
    study: Path,
    overrides: tuple[str, ...],
    as_of: dt.datetime | None,
    since: dt.datetime | None,
    part: str,
    form: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """The policy's targets against what stands on a day, by town; what changed, and coverage then and now."""
    days = [None if day is None else day.date() for day in (as_of, since)]
    with _progress(quiet) as progress:
        tracked = planner.track_study(planner.read_study(study, overrides), days[0], since=days[1], progress=progress)
    tables = {"targets": tracked.targets, "changes": tracked.changes, "coverage": tracked.coverage}
    _show(_with_phrases_apart(tables if part == "all" else {part: tables[part]}, form), form)
    if not len(tracked.targets):
        _say("The study's policy pack sets no target; name one with policy = in study.toml.")
    _say(f"Targets as of {tracked.as_of}; changes and coverage from {tracked.before} to {tracked.after}.")


@main.command(name="map")
@_study_options
@_OUT
@_FORCE
def map_(study: Path, overrides: tuple[str, ...], out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """The published pages alone: the station map and the planning map."""
    with _progress(quiet) as progress:
        asked = planner.read_study(study, overrides)
        run.check_output(asked, out, force=force)
        done = planner.run_study(asked, progress=progress)
        done.write(out, parts=["pages"], force=force, progress=progress)
    _say_result(done, out)


@main.command()
@_study_options
@_OUT
@_FORCE
def report(study: Path, overrides: tuple[str, ...], out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """The workbook (.xlsx), the report (.docx) and their tables."""
    with _progress(quiet) as progress:
        asked = planner.read_study(study, overrides)
        run.check_output(asked, out, force=force)
        done = planner.run_study(asked, progress=progress)
        done.write(out, parts=["tables", "documents"], force=force, progress=progress)
    _say(f"The report: {out / 'report.docx'}\nThe workbook: {out / 'workbook.xlsx'}")


@main.command()
@click.argument("run_a", type=click.Path(path_type=Path, file_okay=False))
@click.argument("run_b", type=click.Path(path_type=Path, file_okay=False))
@_format_option("table", "csv", "json")
@click.option("-v", "--verbose", is_flag=True, help="Show a traceback when something fails.")
def compare(run_a: Path, run_b: Path, form: str, verbose: bool) -> None:
    """What changed from RUN_A to RUN_B (output folders): people gained and lost, stations, towns, groups."""
    _show(planner.compare_runs(planner.read_run(run_a), planner.read_run(run_b)), form)


@main.command(name="run")
@_study_options
@_OUT
@_FORCE
def run_(study: Path, overrides: tuple[str, ...], out: Path, force: bool, quiet: bool, verbose: bool) -> None:
    """All of it: scores, proposal, outlines, maps, tables and the manifest."""
    with _progress(quiet) as progress:
        asked = planner.read_study(study, overrides)
        run.check_output(asked, out, force=force)
        done = planner.run_study(asked, progress=progress)
        done.write(out, force=force, progress=progress)
    _say_result(done, out)


def _with_phrases_apart(tables: Mapping[str, pd.DataFrame], form: str) -> Mapping[str, pd.DataFrame]:
    """For reading: what each target says once, in a table of its own, instead of in every row."""
    if form != "table" or "targets" not in tables:
        return tables
    words = ["zh", "en", "counts", "binding", "phrase"]
    flat = tables["targets"].reset_index("place")
    said = flat[words][~flat.index.duplicated()]
    return {"policy": said, **tables, "targets": tables["targets"].drop(columns=[*words, "scope", "since"])}


def _with_sites(study: Study, sites: int | None) -> Study:
    if sites is None or sites == study.scenario.siting.sites:
        return study
    siting = dataclasses.replace(study.scenario.siting, sites=sites, phases=())
    return dataclasses.replace(study, scenario=dataclasses.replace(study.scenario, siting=siting))


def _minutes(text: str) -> tuple[float, ...]:
    try:
        bands = tuple(float(part) for part in text.split(","))
    except ValueError:
        bands = ()
    if not bands or any(not 0 < band < float("inf") for band in bands):
        raise click.BadParameter(f"{text!r} is not a list of minutes such as 5,10,15", param_hint="--minutes")
    return bands


def _lonlat(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        lon = lat = float("nan")
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise click.BadParameter(f"{text!r} is not LON,LAT in degrees such as 121.25,31.38", param_hint="--at")
    return lon, lat


def _say_result(done: run.Run, out: Path) -> None:
    facts = done.summary
    share = "no residents" if facts["coverage"] is None else f"{facts['coverage']:.1%} of {facts['population']:,.0f} residents"
    _say(
        f"{facts['stations']} stations, {share} within {facts['cutoff_minutes']:g} minutes at "
        f"{facts['pace_mps'] * 3.6:.1f} km/h (as of {facts['as_of']})"
    )
    _say(f"The station map:  {out / 'index.html'}")
    _say(f"The planning map: {out / 'internal.html'}")


def _said_of_plan(facts: Mapping[str, Any]) -> str:
    """One line on a plan; its need is left out where that would give a small count of a key group away."""
    if facts["bound"] is None:
        return f"{facts['method']}: {facts['status']}; {facts['residents_gained']:,.0f} residents gained (need is withheld)"
    before, after, bound = (f"{facts[key]:,.0f}" for key in ("need_covered_before", "need_covered_after", "bound"))
    return (
        f"{facts['method']}: {facts['status']}; need covered {before} before, {after} after, "
        f"at most {bound} is possible (gap {facts['gap']:.2%})"
    )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table without its shapes."""
    return pd.DataFrame(table.drop(columns="geometry", errors="ignore"))


def _show(tables: Mapping[str, pd.DataFrame], form: str) -> None:
    """Tables on stdout: for reading, or as CSV (one after the other), JSON (an object of lists) or GeoJSON."""
    if form == "json":
        click.echo(json.dumps(_jsonable(tables), ensure_ascii=False, indent=2, allow_nan=False))
    for name, table in tables.items():
        if form == "geojson":
            click.echo(store.geojson_text(gpd.GeoDataFrame(table)))
        elif form == "csv":
            click.echo(store.csv_text(table), nl=False)
        elif form == "table":
            _show_table(name, table)


def _jsonable(tables: Mapping[str, pd.DataFrame]) -> Any:
    """The tables as lists of records; one table alone is its list."""
    flat = {name: _with_days_as_text(store.with_lonlat_or_key(table)) for name, table in tables.items()}
    records = {name: store.plain(table.to_dict("records")) for name, table in flat.items()}
    return next(iter(records.values())) if len(records) == 1 else records


def _with_days_as_text(table: pd.DataFrame) -> pd.DataFrame:
    days = table.select_dtypes("datetime").columns
    return table.assign(**{str(name): table[name].dt.strftime("%Y-%m-%d") for name in days})


_SCHEMAS = {
    "stations": schema.SCORES,
    "towns": schema.TOWN_SCORES,
    "groups": schema.GROUP_SCORES,
    "sites": schema.SITES,
    "frontier": schema.FRONTIER,
    "standards": schema.STANDARDS,
    "functions": schema.FUNCTIONS,
    "targets": schema.TRACK,
    "coverage": schema.TOWN_PROGRESS,
    "access": schema.ACCESS,
}


def _show_table(name: str, table: pd.DataFrame) -> None:
    plain = _with_days_as_text(store.with_lonlat_or_key(table))
    width = None if sys.stdout.isatty() else 400
    shown = Table(title=name, title_justify="left")
    known = _SCHEMAS.get(name)
    for column in plain.columns:
        unit = known.get(str(column)) if known else None
        heading = f"{column}\n({unit.unit})" if unit is not None and unit.unit else str(column)
        shown.add_column(heading, justify="right" if pd.api.types.is_numeric_dtype(plain[column]) else "left")
    for row in plain.itertuples(index=False, name=None):
        shown.add_row(*(_cell(value, str(column)) for value, column in zip(row, plain.columns, strict=True)))
    Console(width=width, highlight=False, markup=False).print(shown)


def _cell(value: Any, column: str) -> str:
    if pd.isna(value):
        return "–"
    if isinstance(value, float):
        if "coverage" in column or column in ("completeness", "basic", "extended", "innovative"):
            return f"{value:.1%}"
        if column in ("gini", "theil", "stations_per_10000"):
            return f"{value:.3f}"
        return f"{value:,.6f}" if column in ("lon", "lat") else f"{value:,.1f}".removesuffix(".0")
    return str(value)
