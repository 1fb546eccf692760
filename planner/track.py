"""How far a district has come: the policy's targets against what stands on a day, what changed, coverage then and now."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from planner.coverage import measure_coverage
from planner.progress import changes_between, coverage_then_and_now, standing_stations, track_targets
from planner.reach import travel_times
from planner.run import Survey, survey_study
from planner.schema import TownProgress, Track
from planner.sources.files import default_as_of
from planner.sources.packs import read_policy
from planner.study import Study

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Tracking:
    """How far a district has come: targets at a date, which stations changed, and coverage then and now."""

    before: dt.date
    after: dt.date
    as_of: dt.date
    targets: Track
    changes: pd.DataFrame
    coverage: TownProgress


def track_study(
    study: Study, as_of: dt.date | None = None, *, since: dt.date | None = None, progress: Progress | None = None
) -> Tracking:
    """Set the targets of the study's policy pack against what stands on `as_of`, and say what changed since another day.

    Parameters
    ----------
    as_of
        The day asked about; None: the study's own date.
    since
        The day to compare with; None: the study's own date where `as_of` is another, else a year before.

    Returns
    -------
    Tracking; its ``before`` and ``after`` are the two days of the comparison, the earlier first. One of them is ``as_of``.
    """
    survey = survey_study(study if as_of is None else dataclasses.replace(study, as_of=as_of), progress=progress)
    other = since or _day_to_compare(study, survey)
    earlier, later = sorted((other, survey.as_of))
    with survey.steps.step("measuring coverage on the other day") as inner:
        stations = standing_stations(survey.all_stations, other)
        reach = travel_times(survey.network, stations, survey.demand, study.scenario.walk, progress=inner)
        measured = {other: measure_coverage(reach, survey.demand), survey.as_of: survey.coverage}
    with survey.steps.step("tracking targets"):
        towns = [str(town) for town in survey.towns.index]
        targets = track_targets(read_policy(study), survey.all_stations, towns, survey.as_of)
        coverage = coverage_then_and_now(measured[earlier], measured[later], survey.towns)
        changes = changes_between(survey.all_stations, earlier, later)
    return Tracking(earlier, later, survey.as_of, targets, changes, coverage)


def _day_to_compare(study: Study, survey: Survey) -> dt.date:
    own = study.as_of or default_as_of(survey.all_stations)
    return own if own != survey.as_of else (pd.Timestamp(own) - pd.DateOffset(years=1)).date()
