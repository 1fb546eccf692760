"""Commands that look ahead: `propose`, `frontier`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

import planner
from planner import run
from planner.cli.door import format_option, main, progress_bar, say, study_options
from planner.cli.show import said_of_plan, show

if TYPE_CHECKING:
    from planner.study import Study


@main.command()
@study_options
@click.option("--sites", type=click.IntRange(1), help="How many; default: the study's.")
@format_option("table", "csv", "json", "geojson")
def propose(study: Path, overrides: tuple[str, ...], sites: int | None, form: str, quiet: bool, verbose: bool) -> None:
    """New sites in order, each with its gain; the plan with its bound and gap."""
    with progress_bar(quiet) as progress:
        asked = _with_sites(planner.read_study(study, overrides), sites)
        surveyed = planner.survey_study(asked, progress=progress)
        proposal = run.propose(surveyed, with_frontier=False)
        published = run.publish_scores(surveyed, run.score_survey(surveyed), proposal)
    show({"sites": published["sites"]}, form)
    if proposal.plan is not None:
        say(said_of_plan(run.publish_plan(proposal.plan, published)))


@main.command()
@study_options
@format_option("table", "csv", "json")
def frontier(study: Path, overrides: tuple[str, ...], form: str, quiet: bool, verbose: bool) -> None:
    """People covered against number of stations, with a proven bound at each, up to all that can be covered."""
    with progress_bar(quiet) as progress:
        surveyed = planner.survey_study(planner.read_study(study, overrides), progress=progress)
        proposal = run.propose(surveyed, with_plan=False)
    if proposal.frontier is not None:
        show({"frontier": proposal.frontier}, form)


def _with_sites(study: Study, sites: int | None) -> Study:
    if sites is None or sites == study.scenario.siting.sites:
        return study
    siting = dataclasses.replace(study.scenario.siting, sites=sites, phases=())
    return dataclasses.replace(study, scenario=dataclasses.replace(study.scenario, siting=siting))
