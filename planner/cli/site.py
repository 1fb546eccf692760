"""Commands that look ahead: `propose`, `frontier`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

import planner
from planner import run
from planner.cli.door import format_option, main, progress_bar, say, study_options
from planner.cli.show import frontier_said, said_of_plan, show

if TYPE_CHECKING:
    from planner.study import Study


@main.command()
@study_options
@click.option("--sites", type=click.IntRange(1), help="How many; default: the study's.")
@click.option("--of", "part", type=click.Choice(["sites", "rollout"]), default="sites", show_default=True)
@format_option("table", "csv", "json", "geojson")
def propose(
    study: Path, overrides: tuple[str, ...], sites: int | None, part: str, form: str, quiet: bool, verbose: bool
) -> None:
    """New sites in order, each with its gain; the plan with its bound and gap.

    `--of rollout` says what stands and who is covered after each phase: the district, its [rollout.areas], its towns.
    """
    if part == "rollout" and form == "geojson":
        raise click.UsageError("the roll-out has no shapes; take --format csv")
    with progress_bar(quiet) as progress:
        asked = _with_sites(planner.read_study(study, overrides), sites)
        surveyed = planner.survey_study(asked, progress=progress)
        proposal = run.propose(surveyed, with_frontier=False)
        published = run.publish_scores(surveyed, run.score_survey(surveyed), proposal)
    rollout = run.rollout_of(surveyed, proposal) if part == "rollout" else None
    show({part: published["sites"] if rollout is None else rollout}, form)
    if proposal.plan is not None:
        say(said_of_plan(run.publish_plan(proposal.plan, published, surveyed.study)))


@main.command()
@study_options
@click.option("--of", "part", type=click.Choice(["frontier", "needed", "equity"]), default="frontier", show_default=True)
@click.option("--equity", type=click.Choice(["town", "group"]), help="The trade-off with the worst town or group: --of equity.")
@click.option("--stations", type=click.IntRange(0), help="Say the most that so many stations can cover.")
@format_option("table", "csv", "json")
def frontier(
    study: Path,
    overrides: tuple[str, ...],
    part: str,
    equity: str | None,
    stations: int | None,
    form: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """People covered against number of stations, with a proven bound at each, up to all that can be covered.

    `--of needed` shows how many stations 80, 90, 95 and 100 % of residents need. `--of equity` shows, for the study's number
    of sites, what it costs to lift the worst town (or key group, `--equity group`).
    """
    with progress_bar(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        if part == "equity" or equity is not None:
            show({"equity": run.trace_equity(surveyed, equity)}, form)
            return
        curve = run.propose(surveyed, with_plan=False).frontier
    if curve is None:
        return
    show({"needed": planner.needed(curve)} if part == "needed" else {"frontier": curve}, form)
    for line in frontier_said(curve, stations):
        say(line)


def _with_sites(study: Study, sites: int | None) -> Study:
    if sites is None or sites == study.scenario.siting.sites:
        return study
    if str(study.scenario.siting.method) == "lscp":
        raise click.UsageError("lscp finds the number of sites itself; leave out --sites, or lower siting.share")
    siting = dataclasses.replace(study.scenario.siting, sites=sites, phases=())
    return dataclasses.replace(study, scenario=dataclasses.replace(study.scenario, siting=siting))
