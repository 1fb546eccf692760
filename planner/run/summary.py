"""The headline figures of a run, each with its denominator, and the assumptions they stand on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd
from shapely.geometry.base import BaseGeometry

from planner.priority import WHOLE, score_areas
from planner.privacy import publish_summary
from planner.run.results import Conformity, Proposal, Survey, private_gains
from planner.schema import Areas, Frontier, Standards, Towns
from planner.score import summarise
from planner.siting import Plan, knee, needed
from planner.standards import summarise_standards
from planner.study import Study


def summary_of(survey: Survey, reached: BaseGeometry, proposal: Proposal | None) -> dict[str, Any]:
    """The headline figures, each with its denominator, and the assumptions they stand on; `reached` is inside the outlines."""
    study, walk = survey.study, survey.study.scenario.walk
    said: dict[str, Any] = {
        "study": study.name,
        "as_of": survey.as_of.isoformat(),
        "cutoff_minutes": walk.minutes,
        "pace_mps": walk.pace_mps,
        "profile": walk.profile,
        "profile_source": walk.way_of_walking.sources if walk.speed_mps is None else "given in the study file",
        "towns_that_differ": {
            town: {"minutes": own.minutes, "pace_mps": own.pace_mps, "profile": own.profile}
            for town, own in ((name, walk.for_town(name)) for name in walk.towns)
        },
        **({"what_if": dataclasses.asdict(study.what_if)} if study.what_if else {}),
        **summarise(survey.coverage, survey.towns, survey.stations, study.scenario.groups, reached=reached),
    }
    if survey.areas is not None:
        said["areas"] = area_facts(survey, survey.areas)
    if proposal is not None and proposal.plan is not None:
        said["plan"] = plan_facts(proposal.plan)
    if proposal is not None and proposal.explained is not None and proposal.explained.facts:
        said["robustness"] = dict(proposal.explained.facts)
    if proposal is not None and proposal.frontier is not None:
        said["most_that_can_be_covered"] = float(proposal.frontier["covered_pop"].max())
        said["stations_needed"] = frontier_facts(proposal.frontier)
    return said


def area_facts(survey: Survey, areas: Areas) -> dict[str, Any]:
    """For each area of priority its label, factor, residents, and those covered."""
    scores = score_areas(survey.coverage, areas, survey.towns, survey.stations)
    wholes = scores[scores.index.get_level_values("place") == WHOLE].reset_index()
    said = ("label", "kind", "factor", "population", "covered_pop", "coverage", "stations")
    return {str(row["area"]): {key: row[key] for key in said} for row in wholes.to_dict("records")}


def standards_said(conformity: Conformity | None, towns: Towns) -> dict[str, Any]:
    """The headline figures of the policy's standards, of the stations that stand in `towns`."""
    if conformity is None:
        return {}
    own = conformity.standards[conformity.standards["town"].isin(towns.index)]
    return {"standards": summarise_standards(Standards(own), conformity.tiers, conformity.functions)}


def frontier_facts(curve: Frontier) -> dict[str, Any]:
    """How many stations 80, 90, 95 and 100 % of residents need, and where the curve bends."""
    flat = needed(curve).reset_index()
    asked = {
        f"{share:.0%}": {
            "stations": None if pd.isna(stations) else int(stations),
            "at_least": None if pd.isna(least) else int(least),
            "proven": bool(proven),
        }
        for share, stations, least, proven in zip(
            flat["share"], flat["stations"], flat["at_least"], flat["proven"], strict=True
        )
    }
    return {"standing": int(curve.index[0]), "shares": asked, "knee": knee(curve)}


def publish_plan(plan: Plan, published: Mapping[str, pd.DataFrame], study: Study) -> dict[str, Any]:
    """What may be said of a plan beside the published tables: figures of need are empty where a small count would show."""
    sites, minimum = private_gains(plan, study), study.privacy.minimum_count
    facts = {"plan": plan_facts(plan), "groups": {}}
    said: dict[str, Any] = publish_summary(facts, published["groups"], sites=sites, minimum=minimum, shown=published)["plan"]
    return said


def plan_facts(plan: Plan) -> dict[str, Any]:
    return {
        "method": str(plan.method),
        "status": plan.status,
        "sites": len(plan.sites),
        "need_covered_before": plan.covered_before,
        "need_covered_after": plan.covered_after,
        "bound": plan.bound,
        "gap": plan.gap,
        "residents_gained": float(plan.sites["gain_pop"].sum()),
        "objective": plan.objective,
        "objective_bound": plan.objective_bound,
        **plan.measures,
        **_phase_losses(plan),
        **_worst_town(plan),
    }


def _phase_losses(plan: Plan) -> dict[str, Any]:
    """With phases, what each gives up for the others, at most, as a share of its own best."""
    return {"phase_losses": [phase.loss_share for phase in plan.phases]} if len(plan.phases) > 1 else {}


def _worst_town(plan: Plan) -> dict[str, Any]:
    """With equity between towns, the town with the least share of those who can be covered; of groups nothing is said."""
    if plan.parts is None or plan.parts.index.name != "town" or not plan.parts["share"].notna().any():
        return {}
    return {"worst_town": str(plan.parts["share"].idxmin()), "worst_share": float(plan.parts["share"].min())}
