"""What is measured beside the scores: indicators, communities, the living circle, targets, stations to lift."""

from __future__ import annotations

import datetime as dt
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
from shapely.geometry.base import BaseGeometry

from planner.circle import circle_cells, facilities_of, places_among, reach_services, score_circle, score_services
from planner.composite import check_weights
from planner.errors import PlanError, PlannerWarning, StudyError
from planner.indicators import Evidence, measure_cells, measure_indicators, score_communities, thin_homes
from planner.lift import lift_stations
from planner.progress import track_figures, track_targets
from planner.reach import Reach
from planner.rollout import score_rollout
from planner.run.outputs import ranked
from planner.run.results import Circle, Measures, Proposal, Survey
from planner.schema import (
    Candidates,
    CommunityScores,
    CompositeScores,
    Figures,
    Indicators,
    Lift,
    Rollout,
    Scores,
    Track,
)
from planner.siting import Plan
from planner.sources.files import read_candidates
from planner.sources.packs import read_policy
from planner.sources.surroundings import (
    circle_policy,
    read_communities,
    read_homes,
    read_recorded,
    read_services,
)
from planner.standards import measure_standards


def measure_all(survey: Survey, scores: Scores, reached: BaseGeometry, proposal: Proposal | None) -> Measures:
    """Everything beside the scores that the study and its policy pack ask for."""
    targets, figures = track_survey(survey)
    with survey.steps.step("measuring indicators"):
        evidence = evidence_of(survey, scores, reached, proposal)
        indicators, cells = _measured(evidence), measure_cells(evidence)
    return Measures(
        indicators=indicators,
        cells=cells,
        communities=evidence.communities,
        circle=measure_circle(survey, proposal) if survey.study.life_circle is not None else None,
        targets=targets if len(targets) else None,
        figures=figures if len(figures) else None,
        lift=_lift_if_any(survey),
        rollout=rollout_of(survey, proposal),
    )


def indicators_of(
    survey: Survey, scores: Scores, reached: BaseGeometry | None = None, proposal: Proposal | None = None
) -> Indicators:
    """The indicators of the district, towns and stations; those of area and homes need what is `reached`, time saved a plan."""
    with survey.steps.step("measuring indicators"):
        return _measured(evidence_of(survey, scores, reached, proposal))


def _measured(evidence: Evidence) -> Indicators:
    """The indicators, and a note where those of homes rest on few of them."""
    indicators = measure_indicators(evidence)
    if evidence.homes is not None and (said := thin_homes(indicators, evidence.homes)):
        warnings.warn(said, PlannerWarning, stacklevel=3)
    return indicators


def evidence_of(
    survey: Survey, scores: Scores, reached: BaseGeometry | None = None, proposal: Proposal | None = None
) -> Evidence:
    """What the indicators of a survey are computed from."""
    study, walk = survey.study, survey.study.scenario.walk
    return Evidence(
        survey.coverage,
        survey.reach,
        survey.stations,
        survey.towns,
        walk,
        survey.as_of,
        scores,
        reached=reached,
        homes=None if reached is None else read_homes(study, survey.towns),
        communities=communities_of(survey) if study.communities is not None else None,
        after=_reach_after(survey, proposal),
    )


def communities_of(survey: Survey) -> CommunityScores:
    """Which communities of the study are covered."""
    told = survey.study.communities
    share = told.share if told is not None else 1.0
    return score_communities(survey.coverage, read_communities(survey.study), survey.towns, share)


def measure_circle(survey: Survey, proposal: Proposal | None = None) -> Circle:
    """The living circle of the study: services in the same walk, and who stands among them."""
    study, minimum = survey.study, float(survey.study.privacy.minimum_count)
    with survey.steps.step("measuring the living circle"):
        services = read_services(study, survey.towns)
        reached = reach_services(survey.network, services, survey.demand, study.scenario.walk)
        premises: dict[str, gpd.GeoDataFrame] = {"station": survey.stations}
        if study.candidates:
            known = proposal.candidates if proposal is not None else read_candidates(study, towns=survey.towns)
            premises["candidate"] = Candidates(known)
        beside_m = study.life_circle.beside_m if study.life_circle is not None else 100.0
        return Circle(
            scores=score_circle(reached, survey.coverage, survey.towns, study.scenario.groups, minimum=minimum),
            services=score_services(reached, survey.coverage, survey.towns),
            places=places_among(services, premises, circle_policy(study), beside_m),
            cells=circle_cells(reached, survey.coverage),
            facilities=facilities_of(services, survey.towns),
        )


def track_survey(survey: Survey, *, since: dt.date | None = None) -> tuple[Track, Figures]:
    """The targets of the study's policy pack, and what was recorded, as they stand on the survey's day."""
    study, policy = survey.study, read_policy(survey.study)
    towns = [str(town) for town in survey.towns.index]
    targets = track_targets(policy, survey.all_stations, towns, survey.as_of, study.targets)
    return targets, track_figures(policy, read_recorded(study, survey.towns), towns, survey.as_of, since=since)


def rollout_of(survey: Survey, proposal: Proposal | None) -> Rollout | None:
    """How the plan rolls out by phase; None where there is none, or it builds nothing."""
    if proposal is None or proposal.plan is None or not len(proposal.plan.sites):
        return None
    return score_rollout(
        survey.coverage,
        survey.stations,
        survey.towns,
        proposal.plan.sites,
        proposal.options,
        areas=survey.study.rollout.areas,
        due=[phase.by for phase in survey.study.scenario.siting.phases],
    )


def lift_survey(survey: Survey, count: int) -> tuple[Lift, Plan]:
    """Choose `count` of the district's own stations to lift to demonstration level so that most need reaches one.

    Raises
    ------
    StudyError
        If the study's policy pack knows no demonstration stations.
    PlanError
        If none is left to lift.
    """
    policy = read_policy(survey.study)
    if not policy.demonstration_functions:
        raise StudyError(f"the policy pack {policy.name} names no demonstration_functions, so no station can be lifted to them")
    standards = measure_standards(policy, survey.stations, survey.as_of)
    with survey.steps.step("choosing stations to lift"):
        own = survey.own_stations
        return lift_stations(standards, survey.reach, survey.coverage, survey.stations, count, own=own)


def composite_of(survey: Survey, published_stations: pd.DataFrame) -> tuple[CompositeScores, pd.DataFrame]:
    """The composite score of the district's own stations and how it moves with its weights, out of the scores as published.

    Raises
    ------
    StudyError
        If the study has no [composite] weights, or one of a column that station scores do not have.
    """
    composite = survey.study.composite
    if composite is None:
        raise StudyError(f"{survey.study.name}: no [composite] is asked for; add weights = {{ served_pop = 2, sole_pop = 1 }}")
    check_weights(composite, [group.name for group in survey.study.scenario.groups])
    return ranked(survey, published_stations, composite)


def _lift_if_any(survey: Survey) -> Lift | None:
    """As many stations to lift as sites are to be built, where the pack knows demonstration stations and some lack any."""
    if not read_policy(survey.study).demonstration_functions:
        return None
    try:
        return lift_survey(survey, survey.study.scenario.siting.sites)[0]
    except PlanError:
        return None


def _reach_after(survey: Survey, proposal: Proposal | None) -> Reach | None:
    """The walks to all stations once the proposed sites stand."""
    if proposal is None or proposal.plan is None or not len(proposal.plan.sites):
        return None
    options = proposal.options
    rows = np.flatnonzero(options.facility_ids.isin(proposal.plan.sites.index))
    new = sp.csr_array(options.walk_s[rows])
    if not options.demand_ids.equals(survey.reach.demand_ids):
        return None
    ids = pd.Index([*survey.reach.facility_ids.astype(str), *(f"new:{key}" for key in options.facility_ids[rows])])
    return Reach(ids, survey.reach.demand_ids, sp.csr_array(sp.vstack([survey.reach.walk_s, new], format="csr")))
