"""Targets and coverage by roll-out area: the parts of a district that are taken one by one (分片推动)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pandas as pd

from planner.errors import PlannerWarning
from planner.policy import Policy, Scope
from planner.progress.standing import STAGES
from planner.progress.tracking import track_targets
from planner.schema import AREA_TRACK, TOWN_PROGRESS, AreaTrack, Stations, TownProgress, Track

_COUNTS = (*STAGES, "closed", "counted")
_SUMS = ("population", "covered_before", "covered_after", "difference", "stations_before", "stations_after")


def track_areas(
    policy: Policy, stations: Stations, areas: Mapping[str, Sequence[str]], targets: Track, as_of: dt.date
) -> AreaTrack:
    """Say of each target what stands in each roll-out area, and what its towns must have.

    Parameters
    ----------
    policy, stations, as_of
        As `track_targets` takes them.
    areas
        The towns of each area.
    targets
        What `track_targets` gives for the same day: the target's rows of towns say what is asked of them.

    Returns
    -------
    AREA_TRACK, a row for each target and area: how many of the stations meant are ``planned``, ``applied``, ``built``,
    ``accepted``, ``closed`` in its towns, and how many are ``counted``. Where the target asks something of the area's towns:
    how many ``towns`` it asks, ``towns_met``, ``minimum`` and ``shortfall`` of them together, ``days_late`` of the latest, and
    ``met``: all of them have. A target of the district alone asks nothing of an area; these are missing then.

    Notes
    -----
    Law: what is counted in areas that hold every town adds up to the district's. More than enough in one town never makes up
    for another: ``shortfall`` is the sum of the towns'.
    """
    members = {name: list(towns) for name, towns in areas.items()}
    everywhere = list(dict.fromkeys(town for towns in members.values() for town in towns))
    local = dataclasses.replace(policy, targets=tuple(dataclasses.replace(t, scope=Scope.TOWN) for t in policy.targets))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # said when the targets themselves were tracked
        counted = pd.DataFrame(track_targets(local, stations, everywhere, as_of)[list(_COUNTS)])
    rows = [
        _row(name, pd.DataFrame(targets.loc[[name]]), area, towns, counted)
        for name in targets.index.unique("target")
        for area, towns in members.items()
    ]
    columns = [column.name for column in AREA_TRACK.columns]
    return cast("AreaTrack", AREA_TRACK.conform(pd.DataFrame(rows, columns=columns)))


def coverage_of_areas(coverage: TownProgress, areas: Mapping[str, Sequence[str]]) -> TownProgress:
    """Coverage at two dates of each roll-out area: the sums of its towns, and the shares of them.

    Residents count where they live and stations where they stand.
    """
    rows = []
    for area, towns in areas.items():
        own = coverage[[name for name in _SUMS if name in coverage]].reindex(list(towns))
        row: dict[str, Any] = {"place": area} | {str(name): own[name].sum() for name in own}
        people = row["population"]
        shares = {when: row[f"covered_{when}"] / people if people else None for when in ("before", "after")}
        rows.append(row | {f"coverage_{when}": share if share is None else min(share, 1.0) for when, share in shares.items()})
    return cast("TownProgress", TOWN_PROGRESS.conform(pd.DataFrame(rows)))


def _row(target: str, said: pd.DataFrame, area: str, towns: Sequence[str], counted: pd.DataFrame) -> dict[str, Any]:
    first = said.iloc[0]
    row: dict[str, Any] = {"target": target, "area": area}
    row |= {name: first[name] for name in ("en", "zh", "counts", "binding", "by")}
    own = pd.DataFrame(counted.loc[[target]]).droplevel("target").reindex(list(towns))
    row |= {name: int(own[name].sum()) for name in _COUNTS}
    asked = said[said.index.get_level_values("place").isin(towns) & (said["scope"] == "town").to_numpy()]
    if len(asked):
        row |= {
            "towns": len(asked),
            "towns_met": int(asked["met"].sum()),
            "minimum": int(asked["minimum"].sum()),
            "shortfall": int(asked["shortfall"].sum()),
            "met": bool(asked["met"].all()),
            "days_late": asked["days_late"].max(),
        }
    return row
