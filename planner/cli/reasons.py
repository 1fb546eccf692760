"""The command that explains a proposal: `reasons`."""

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
    from collections.abc import Mapping
    from typing import Any

    from planner.study import Reasons, Study

_TABLES = ("reasons", "alternatives", "plans", "moves", "robust")


@main.command()
@study_options
@click.option("--of", "part", type=click.Choice(["all", *_TABLES]), default="all", show_default=True)
@click.option("--alternatives", type=click.IntRange(0, 20), help="How many for each site; default: the study's.")
@click.option("--plans", type=click.IntRange(0, 20), default=3, show_default=True, help="How many other plans.")
@click.option("--differ", type=click.IntRange(1), help="In how many sites these differ; default: a quarter.")
@click.option("--robust", type=click.IntRange(0, 1000), default=20, show_default=True, help="How many varied draws.")
@format_option("table", "csv", "json")
def reasons(
    study: Path,
    overrides: tuple[str, ...],
    part: str,
    alternatives: int | None,
    plans: int,
    differ: int | None,
    robust: int,
    form: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Why these sites: who gains, what overlaps, what else would do, and how sure the choice is.

    Tables: `reasons` of each proposed site, its `alternatives`, other `plans` nearly as good, `moves` of standing stations,
    and `robust`: how often each site stays chosen when pace, weights and population are varied.
    """
    with progress_bar(quiet) as progress:
        read = planner.read_study(study, overrides)
        wanted = {"alternatives": alternatives, "plans": plans, "differ": differ, "draws": robust}
        asked = _asked(read, wanted if part in ("all", "reasons", "robust") else wanted | {"draws": 0})
        surveyed = planner.survey_study(read, progress=progress)
        proposal = run.propose(surveyed, with_frontier=False)
        explained = run.explain_plan(surveyed, proposal, asked, progress=progress)
        proposal = dataclasses.replace(proposal, explained=explained)
        published = run.publish_scores(surveyed, run.score_survey(surveyed), proposal)
    show({name: published[name] for name in _TABLES if name in published and part in ("all", name)}, form)
    if proposal.plan is not None:
        say(said_of_plan(run.publish_plan(proposal.plan, published, surveyed.study)))
    if explained.facts:
        say(_robustness(explained.facts))


def _asked(study: Study, wanted: Mapping[str, Any]) -> Reasons:
    given = {name: value for name, value in wanted.items() if value is not None}
    return dataclasses.replace(study.scenario.siting.reasons, **given)


def _robustness(facts: Mapping[str, Any]) -> str:
    return (
        f"In {facts['draws']} draws (pace ±{facts['pace']:.0%}, weights ±{facts['weights']:.0%}, population "
        f"±{facts['population']:.0%}) the plan keeps {facts['gain_kept_least']:.0%} of the best gain at least, "
        f"{facts['gain_kept_median']:.0%} in the middle; it covers {facts['coverage_least']:.1%} to "
        f"{facts['coverage_most']:.1%} of residents."
    )
