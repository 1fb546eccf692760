"""How far a district has come: the policy's targets against what stands on a day, what changed, coverage then and now."""

from __future__ import annotations

import dataclasses
import datetime as dt
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from planner import store
from planner.coverage import measure_coverage
from planner.errors import PlannerWarning, StudyError, say_faults
from planner.policy import Period
from planner.progress import (
    changes_between,
    coverage_of_areas,
    coverage_then_and_now,
    day_before,
    period_name,
    standing_stations,
    track_areas,
    undated,
)
from planner.progress.tracking import DISTRICT
from planner.reach import travel_times
from planner.rollout import check_rollout
from planner.run import Survey, check_output, survey_study, track_survey
from planner.run.outputs import input_files
from planner.schema import (
    AREA_TRACK,
    CHANGES,
    STANDING,
    TOWN_PROGRESS,
    TRACK,
    AreaTrack,
    Figures,
    Stations,
    TownProgress,
    Track,
)
from planner.sources.files import default_as_of
from planner.sources.packs import read_policy
from planner.study import Study

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Tracking:
    """How far a district has come: targets and recorded figures at a date, which stations changed, coverage then and now.

    ``area_targets`` and ``area_coverage`` say the same of the roll-out areas (``[rollout.areas]``), where there are any.
    """

    study: Study
    before: dt.date
    after: dt.date
    as_of: dt.date
    targets: Track
    figures: Figures
    changes: pd.DataFrame
    coverage: TownProgress
    area_targets: AreaTrack | None = None
    area_coverage: TownProgress | None = None

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name, those of roll-out areas where the study has any; none of them counts a key group."""
        named = {"targets": self.targets, "figures": self.figures, "changes": self.changes, "coverage": self.coverage}
        if self.area_targets is not None and self.area_coverage is not None:
            named |= {"area_targets": self.area_targets, "area_coverage": self.area_coverage}
        return {name: pd.DataFrame(table) for name, table in named.items()}

    def write(self, folder: Path | str, period: Period | str, *, force: bool = False) -> Path:
        """Write the pack of a month, quarter or year into `folder`, whole or not at all: tables, workbook, report, manifest.

        Raises
        ------
        SourceError
            If the folder holds files that no earlier run wrote, or that were edited since, or cannot be written.
        """
        from planner.publish.track_pack import write_pack  # what draws documents is slow to import

        path = Path(folder)
        check_output(self.study, path, force=force)
        with store.whole_folder(path, self._manifest, force=force) as beside:
            for name, table in self.tables.items():
                store.write_csv(beside / f"{name}.csv", table)
            called = period_name(self.as_of, Period(period))
            write_pack(beside, self.study, self.tables, (self.before, self.as_of), called, read_policy(self.study))
        return path

    def _manifest(self) -> dict[str, Any]:
        inputs = {file: store.hash_file(self.study.path_of(file)) for file in input_files(self.study)}
        return {"study": self.study.name, "as_of": self.as_of.isoformat(), "since": self.before.isoformat(), "inputs": inputs}


def track_study(
    study: Study,
    as_of: dt.date | None = None,
    *,
    since: dt.date | None = None,
    period: Period | str | None = None,
    progress: Progress | None = None,
) -> Tracking:
    """Set the targets of the study's policy pack against what stands on `as_of`, and say what changed since another day.

    Parameters
    ----------
    as_of
        The day asked about; None: the study's own date.
    since
        The day to compare with; None: the study's own date where `as_of` is later, else a year before `as_of`.
    period
        Compare with the last day before the month, quarter or year that holds the day asked about, instead of `since`.

    Returns
    -------
    Tracking; its ``before`` and ``after`` are the two days of the comparison, the earlier first. One of them is ``as_of``.
    Targets have ``counted_before``, figures ``before``, as they stood on the day of comparison.
    """
    asked = study if as_of is None else dataclasses.replace(study, as_of=as_of)
    if since is None and asked.as_of is not None and asked.as_of.year == dt.MINYEAR:
        raise StudyError(f"as of {asked.as_of}: no day before it can be compared with; ask for a later year, or say since")
    survey = survey_study(asked, progress=progress)
    other = day_before(survey.as_of, Period(period)) if period is not None else since or _day_to_compare(study, survey)
    earlier, later = sorted((other, survey.as_of))
    with survey.steps.step("measuring coverage on the other day") as inner:
        stations = standing_stations(survey.all_stations, other)
        reach = travel_times(survey.network, stations, survey.demand, study.scenario.walk, progress=inner)
        measured = {other: measure_coverage(reach, survey.demand), survey.as_of: survey.coverage}
    with survey.steps.step("tracking targets"):
        _warn_of_undated(survey.all_stations)
        targets, figures = track_survey(survey, since=other)
        then = track_survey(dataclasses.replace(survey, as_of=other))[0]
        coverage = coverage_then_and_now(measured[earlier], measured[later], survey.towns)
        changes = CHANGES.conform(changes_between(survey.all_stations, earlier, later))
    compared = TRACK.conform(targets.assign(counted_before=then["counted"].reindex(targets.index)))
    counted = _with_stations(coverage, survey, earlier, later)
    whole = Tracking(survey.study, earlier, later, survey.as_of, compared, figures, changes, counted)
    return _with_areas(whole, survey, targets, then, other) if survey.study.rollout.areas else whole


def _warn_of_undated(stations: Stations) -> None:
    if lacking := undated(stations, STANDING):
        said = f"{len(lacking)} standing stations have no date of that (the first is {lacking[0]})"
        said += " and are taken to have stood on every day since their last earlier date, or always"
        warnings.warn(f"{said}; write built_on", PlannerWarning, stacklevel=3)


def _with_stations(coverage: TownProgress, survey: Survey, earlier: dt.date, later: dt.date) -> TownProgress:
    """With how many stations stood on either day, in the district and in each town."""
    columns = {}
    for name, day in (("stations_before", earlier), ("stations_after", later)):
        town = standing_stations(survey.all_stations, day)["town"]
        inside = town[town.isin(survey.towns.index)]
        counts = inside.value_counts()
        columns[name] = [len(inside) if place == DISTRICT else int(counts.get(place, 0)) for place in coverage.index]
    return cast("TownProgress", TOWN_PROGRESS.conform(coverage.assign(**columns)))


def _with_areas(whole: Tracking, survey: Survey, targets: Track, then: Track, other: dt.date) -> Tracking:
    """With the targets and the coverage of the study's roll-out areas, on the day and on the `other` one."""
    policy, areas = read_policy(whole.study), whole.study.rollout.areas
    faults = check_rollout(areas, [str(town) for town in survey.towns.index])
    if faults:
        raise StudyError(say_faults(faults), faults)
    now = track_areas(policy, survey.all_stations, areas, targets, survey.as_of)
    before = track_areas(policy, survey.all_stations, areas, then, other)
    compared = AREA_TRACK.conform(now.assign(counted_before=before["counted"].reindex(now.index)))
    return dataclasses.replace(whole, area_targets=compared, area_coverage=coverage_of_areas(whole.coverage, areas))


def _day_to_compare(study: Study, survey: Survey) -> dt.date:
    own = study.as_of or default_as_of(survey.all_stations)
    return own if own < survey.as_of else (pd.Timestamp(survey.as_of) - pd.DateOffset(years=1)).date()
