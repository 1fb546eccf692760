"""Why these sites: everything that is said of a proposal beside the proposal itself, as it may leave the machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from planner.privacy import need_step, rounded_down
from planner.reach import travel_times
from planner.siting.near import near_plans
from planner.siting.reasons import alternative_sites, explain_sites, station_moves
from planner.siting.robust import Robustness, vary_plan
from planner.study import Reasons, Study, Walk

if TYPE_CHECKING:
    from planner.run.results import Progress, Proposal, Survey
    from planner.siting import Plan

_LONGEST_MIN = 240.0  # the longest walk that may be asked for; see `planner.study.Minutes`


@dataclass(frozen=True, eq=False)
class Explained:
    """The reasons of a proposal.

    Parameters
    ----------
    tables
        ``reasons``, ``alternatives``, ``moves`` and, where asked for, ``plans`` and ``robust``; residents exactly, need rounded
        so that no small count of a key group can be read from it.
    facts
        What the draws say of the plan as a whole; empty without draws.
    """

    tables: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Any] = field(default_factory=dict)


def explain_plan(
    survey: Survey, proposal: Proposal, asked: Reasons | None = None, *, progress: Progress | None = None
) -> Explained:
    """Say why the plan of a proposal is as it is; `asked` is by default what the study asks for.

    Further plans and draws are made only where need within the cutoff is all that counts (``mclp`` without capacity, backup
    or decay).
    """
    plan, study = proposal.plan, survey.study
    if plan is None:
        return Explained({})
    asked, siting = asked or study.scenario.siting.reasons, study.scenario.siting
    tables = (proposal.options, survey.coverage, proposal.candidates)
    standing = {str(town): int(count) for town, count in survey.stations["town"].value_counts().items()}
    found: dict[str, pd.DataFrame] = {}
    facts: dict[str, Any] = {}
    with survey.steps.step("explaining the proposal"):
        others = alternative_sites(plan, *tables, siting, standing, count=asked.alternatives)
        found |= {"reasons": explain_sites(plan, survey.reach, *tables, others), "alternatives": others}
        own = survey.own_stations
        found["moves"] = station_moves(survey.reach, *tables, survey.stations, within_town=siting.per_town_min > 0, own=own)
    if asked.plans and siting.is_plain:
        with survey.steps.step("looking for other plans"):
            found["plans"] = near_plans(plan, *tables, siting, standing, count=asked.plans, differ=asked.differ)
    if asked.draws and siting.is_plain:
        varied = _varied(survey, proposal, plan, asked, standing, progress)
        found["robust"], facts = varied.sites, _facts(varied, asked)
        found["reasons"] = found["reasons"].assign(chosen_share=varied.sites["chosen_share"])
    return Explained({name: _coarse(table, study) for name, table in found.items()}, facts)


def _varied(
    survey: Survey, proposal: Proposal, plan: Plan, asked: Reasons, standing: Mapping[str, int], progress: Progress | None
) -> Robustness:
    """The draws, out of one search at the fastest pace of them all."""
    scenario = survey.study.scenario
    walk = scenario.walk
    wide = widened(walk, 1 + asked.pace)
    town = survey.demand["town"] if "town" in survey.demand else pd.Series(None, index=survey.demand.index, dtype=object)
    cutoffs = {name: walk.for_town(name).cutoff_s for name in walk.towns}
    cutoff_s = town.map(cutoffs).astype(float).fillna(walk.cutoff_s)
    with survey.steps.step("varying the assumptions"):
        return vary_plan(
            plan,
            travel_times(survey.network, survey.stations, survey.demand, wide),
            travel_times(survey.network, proposal.candidates, survey.demand, wide),
            survey.coverage,
            proposal.candidates,
            scenario.siting,
            scenario.groups,
            cutoff_s,
            asked,
            standing,
            progress=progress,
        )


def widened(walk: Walk, factor: float) -> Walk:
    """The same walk for `factor` times as long, in every town; at most four hours."""
    longest = min(walk.minutes * factor, _LONGEST_MIN)
    towns = {
        name: dataclasses.replace(own, minutes=min(walk.for_town(name).minutes * factor, _LONGEST_MIN))
        for name, own in walk.towns.items()
    }
    return dataclasses.replace(walk, minutes=longest, towns=towns)


def _facts(varied: Robustness, asked: Reasons) -> dict[str, Any]:
    """The draws in figures: what the plan covers, and what share of the best gain it keeps, at its worst and in the middle."""
    return {
        "draws": asked.draws,
        "pace": asked.pace,
        "weights": asked.weights,
        "population": asked.population,
        "coverage_least": round(float(varied.coverage.min()), 3),
        "coverage_median": round(float(np.median(varied.coverage)), 3),
        "coverage_most": round(float(varied.coverage.max()), 3),
        "gain_kept_least": round(float(varied.kept.min()), 3),
        "gain_kept_median": round(float(np.median(varied.kept)), 3),
    }


def _coarse(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The table with its need rounded to steps that hold enough people of the heaviest group."""
    weights = {group.name: group.weight for group in study.scenario.groups if group.is_private}
    step = need_step(weights, study.privacy.minimum_count)
    needs = [name for name in ("loss_need", "gain_need") if name in table]
    return table.assign(**{name: rounded_down(table[name].astype(float), step) for name in needs})
