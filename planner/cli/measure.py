"""Commands that measure what stands: `times`, `isochrones`, `score`, `why`."""

from __future__ import annotations

from pathlib import Path

import click

import planner
from planner import run
from planner.cli.door import format_option, main, progress_bar, say, study_options
from planner.cli.show import show, without_shapes

_BREAKDOWNS = ("district", "town", "group", "station")
_DECAYS = ("gaussian", "gaussian-to-zero", "exponential", "linear")
_PARTS = ("all", "stations", "towns", "groups", "areas", "indicators", "cells", "communities", "access", "standards", "tiers",
          "functions", "demonstration", "life-circle", "composite")  # fmt: skip


@main.command()
@study_options
@click.option("--from", "origins", required=True, metavar="A", help="stations, candidates, demand, or a file of points.")
@click.option("--to", "destinations", required=True, metavar="B", help="stations, candidates, demand, or a file of points.")
@format_option("table", "csv", "json")
def times(
    study: Path, overrides: tuple[str, ...], origins: str, destinations: str, form: str, quiet: bool, verbose: bool
) -> None:
    """Walking times from A to B within the cutoff as a long table from_id, to_id, walk_s; residents walk to stations."""
    with progress_bar(quiet) as progress:
        table = run.walking_times(planner.read_study(study, overrides), origins, destinations, progress=progress)
    show({"times": table}, form)
    if table.empty:
        say("No pair is within the cutoff; --set walk.minutes=60 looks farther.")


@main.command()
@study_options
@click.option("--minutes", metavar="5,10,15", help="Which bands; default: those of the study.")
@format_option("geojson", "table", "csv", "json")
def isochrones(study: Path, overrides: tuple[str, ...], minutes: str | None, form: str, quiet: bool, verbose: bool) -> None:
    """Outlines of what lies within 5, 10, 15 minutes of each standing station."""
    bands = _minutes(minutes) if minutes else None
    with progress_bar(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        outlines = run.draw_isochrones(surveyed, bands)
    show({"isochrones": outlines}, form)


@main.command()
@study_options
@click.option("--of", "part", type=click.Choice(_PARTS), default="all", show_default=True)
@click.option(
    "--by",
    type=click.Choice(["district", "town", "group", "station"]),
    help="Indicators of the district, towns, groups or stations alone.",
)
@click.option("--lift", type=click.IntRange(1), default=3, show_default=True, help="How many, for --of demonstration.")
@click.option(
    "--decay",
    type=click.Choice(["gaussian", "gaussian-to-zero", "exponential", "linear"]),
    help="How much a walk counts, for --of access: E2SFCA.",
)
@format_option("table", "csv", "json")
def score(
    study: Path,
    overrides: tuple[str, ...],
    part: str,
    by: str | None,
    lift: int,
    decay: str | None,
    form: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """How well each station serves, and how well towns and key groups are served.

    `--of indicators` is every indicator with its denominator, `--of cells` those of each demand point, `--of communities` those
    of the study's communities. `--of standards` shows what each station offers and lacks by the policy pack, `--of tiers`
    whether the tiers follow its pattern, `--of functions` how many residents reach each function, `--of demonstration` which
    stations to lift to demonstration level so that most need reaches one. `--of access` shares out capacity (2SFCA), `--of
    life-circle` says which services lie in the same walk, `--of composite` ranks stations by the study's weights, `--of
    areas` says how the areas of priority are served.
    """
    with progress_bar(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        tables, said = run.score_part(surveyed, part, by=by, lift=lift, decay=decay)
    show({name: without_shapes(table) for name, table in tables.items()}, form)
    if said:
        say(said)


@main.command()
@study_options
@click.option("--at", required=True, metavar="LON,LAT", help="A place in degrees of WGS 84.")
@click.option("--nearest", type=click.IntRange(1), default=3, show_default=True, help="How many stations to look at.")
@format_option("table", "csv", "json")
def why(study: Path, overrides: tuple[str, ...], at: str, nearest: int, form: str, quiet: bool, verbose: bool) -> None:
    """The nearest stations of a place, the way there leg by leg, and why it is covered or not."""
    lon, lat = _lonlat(at)
    with progress_bar(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        legs, reason = run.explain(surveyed, lon, lat, nearest=nearest)
    show({"ways": legs}, form)
    say(reason)


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
