"""One part of the scores of a survey, as `planner score --of PART` shows it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import pandas as pd

from planner.decay import Decay, exponential, gaussian, gaussian_to_zero, linear
from planner.errors import PlanError, PlannerWarning
from planner.indicators import DEFINITIONS, group_indicators, measure_cells, together
from planner.profiles import KMH
from planner.run.measures import communities_of, composite_of, evidence_of, indicators_of, lift_survey, measure_circle
from planner.run.outputs import publish_scores
from planner.run.results import Proposal, Survey
from planner.run.story import check_standards, draw_isochrones, measure_access, propose, reach_of_residents, score_survey
from planner.schema import GroupScores, Scores, TownScores

Tables = dict[str, pd.DataFrame]

DECAYS: Mapping[str, Decay] = {  # by name, of a walk as a share of the walker's own cutoff; see `planner.decay`
    "gaussian": lambda share: gaussian(share, half_s=0.5),
    "gaussian-to-zero": lambda share: gaussian_to_zero(share, cutoff_s=1.0),
    "exponential": lambda share: exponential(share, half_s=0.5),
    "linear": lambda share: linear(share, cutoff_s=1.0),
}


def score_part(
    survey: Survey, part: str, *, by: str | None = None, lift: int = 3, decay: str | None = None
) -> tuple[Tables, str]:
    """The tables of one part of the scores, by name, and a line on them (empty where there is nothing to say).

    Parameters
    ----------
    part
        ``all`` (stations, towns, groups, areas) or one of these; ``indicators``, ``cells``, ``communities``, ``access``,
        ``standards``, ``tiers``, ``functions``, ``demonstration``, ``life-circle``, ``composite``.
    by
        Of the indicators only those of the ``district``, its ``town``, ``group`` or ``station``.
    lift
        How many stations to lift to demonstration level.
    decay
        One of `DECAYS`, for ``access``.

    Notes
    -----
    Small counts of key groups are suppressed in all of them.
    """
    if part in _ALONE:
        return _ALONE[part](survey), ""
    if part == "access":
        return {part: measure_access(survey, None if decay is None else DECAYS[decay])}, ""
    if part == "demonstration":
        table, plan = lift_survey(survey, lift)
        return {"lift": table}, f"{plan.method}: {plan.status}; {len(table)} stations to lift (gap {plan.gap:.2%})"
    scores = score_survey(survey)
    if part == "cells":
        return {part: measure_cells(evidence_of(survey, scores[0]))}, ""
    if part == "indicators":
        return {part: _indicators(survey, scores, by)}, _assumptions(survey)
    published = publish_scores(survey, scores)
    if part == "composite":
        composite, moves = composite_of(survey, published["stations"])
        return {"composite": composite, "composite_moves": moves}, ""
    shown = [name for name in ("stations", "towns", "groups", "areas") if name in published and part in ("all", name)]
    said = "" if shown else "The study names no area of priority; add [[areas]] to study.toml."
    return {name: published[name] for name in shown}, said


def _life_circle(survey: Survey) -> Tables:
    circle = measure_circle(survey)
    return {"life_circle": circle.scores, "life_services": circle.services, "life_places": circle.places}


_ALONE: Mapping[str, Callable[[Survey], Tables]] = {  # parts that need no scores
    "standards": lambda survey: {"standards": check_standards(survey).standards},
    "tiers": lambda survey: {"tiers": check_standards(survey).tiers},
    "functions": lambda survey: {"functions": check_standards(survey).functions},
    "communities": lambda survey: {"communities": communities_of(survey)},
    "life-circle": _life_circle,
}


def _indicators(survey: Survey, scores: tuple[Scores, TownScores, GroupScores], by: str | None) -> pd.DataFrame:
    """The indicators, those of key groups out of the scores as published; outlines and a plan only for those asked for."""
    walk, asked = survey.study.scenario.walk, {each.name for each in DEFINITIONS if by is None or by in each.by}
    reached = reach_of_residents(survey, draw_isochrones(survey, (walk.minutes,))) if "area_coverage" in asked else None
    own = indicators_of(survey, scores[0], reached, _proposal_if_any(survey) if "walking_saved" in asked else None)
    groups = publish_scores(survey, scores)["groups"]
    whole = together(own, group_indicators(GroupScores(groups), walk, survey.as_of))
    return whole if by is None else whole[whole.index.get_level_values("by") == by]


def _proposal_if_any(survey: Survey) -> Proposal | None:
    """The plan whose saved walking time is an indicator; where none exists that one is left out, and a note says why."""
    if not survey.study.candidates:
        return None
    try:
        return propose(survey, with_frontier=False)
    except PlanError as error:
        said = f"walking time saved by proposed sites is left out: {error}"
        warnings.warn(said, PlannerWarning, stacklevel=2)
        return None


def _assumptions(survey: Survey) -> str:
    walk = survey.study.scenario.walk
    return f"Within {walk.minutes:g} minutes at {walk.pace_mps / KMH:.1f} km/h, as of {survey.as_of}."
