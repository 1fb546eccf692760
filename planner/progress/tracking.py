"""Targets of a policy pack against what stands at a date, in the district and in each town."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.errors import PlannerWarning
from planner.policy import Counts, Policy, Scope, Target
from planner.progress.standing import STAGES, column, contradictions, dated_status, stage_dates, status_at
from planner.schema import TOWN_PROGRESS, TRACK, Coverage, Stations, TownProgress, Towns, Track
from planner.standards import measure_standards

DISTRICT = "district"  # the place of a target that is the whole district's

Marks = npt.NDArray[np.bool_]


def track_targets(policy: Policy, stations: Stations, towns: Sequence[str], as_of: dt.date) -> Track:
    """Set each target of `policy` against what stands on `as_of`.

    Parameters
    ----------
    policy
        Whose targets; a target for towns gives a row for each of `towns`.
    stations
        Every station, whatever its status, with the dates `status_at` reads. A station in none of `towns` counts nowhere.
    towns
        The names of the district's towns.
    as_of
        The day asked about.

    Returns
    -------
    TRACK, target by target: ``by`` (due), ``minimum``; how many of the stations meant are ``planned``, ``applied``, ``built``,
    ``accepted``, ``closed`` on that day (each in one of them); ``counted``: those that count towards the target then, which is
    built and accepted ones, or accepted ones alone, from ``since`` on where the target says so; ``met``; ``met_on``: the day
    since when it has been; ``days_late``: how long after the due date it was met, or goes on unmet; ``days_left``;
    ``shortfall``; the source phrase.

    Warns
    -----
    PlannerWarning
        If stations have no date where a target counts from one on (they do not count), or dates that contradict their status.

    Notes
    -----
    Stations meant: all, those whose ``kind`` is one of the pack's featured kinds, or those that offer all functions of a
    demonstration station. Kinds and services have no dates of their own and are taken as the table says them.
    Laws: history is not rewritten (dates after `as_of` change nothing but what they announce), a district's counts are the
    sums of its towns', ``shortfall = max(minimum - counted, 0)``.
    """
    here = Stations(stations[column(stations, "town").isin(list(towns)).to_numpy()]) if "town" in stations else stations
    _warn_of_contradictions(here, as_of)
    rows = [row for target in policy.targets for row in _rows(target, policy, here, towns, as_of)]
    table = pd.DataFrame(rows, columns=[name.name for name in TRACK.columns])
    return cast("Track", TRACK.conform(table))


def coverage_then_and_now(before: Coverage, after: Coverage, towns: Towns) -> TownProgress:
    """Compare the residents covered at two dates, in the district (first row) and in each town.

    Parameters
    ----------
    before, after
        Coverage of the same demand points by the stations that stood at either date.

    Returns
    -------
    TOWN_PROGRESS: ``population``, residents covered before and after, their shares, and the ``difference`` in people.
    """
    people = after["population"].to_numpy(dtype=np.float64)
    town = np.asarray(after["town"].fillna("").astype(object)) if "town" in after else np.full(len(after), "", dtype=object)
    own = [np.ones(len(after), dtype=bool), *(town == name for name in towns.index)]
    then, now = (each["covered"].reindex(after.index).to_numpy(dtype=bool) for each in (before, after))
    table = pd.DataFrame(
        {
            "place": [DISTRICT, *map(str, towns.index)],
            "population": [people[who].sum() for who in own],
            "covered_before": [people[who & then].sum() for who in own],
            "covered_after": [people[who & now].sum() for who in own],
        }
    )
    for when in ("before", "after"):
        share = table[f"covered_{when}"] / table["population"].where(table["population"] > 0)
        table[f"coverage_{when}"] = share.clip(upper=1.0)
    table["difference"] = table["covered_after"] - table["covered_before"]
    return cast("TownProgress", TOWN_PROGRESS.conform(table))


def _rows(target: Target, policy: Policy, stations: Stations, towns: Sequence[str], as_of: dt.date) -> list[dict[str, Any]]:
    meant = Stations(stations[_meant(target, policy, stations)])
    status, begins = status_at(meant, as_of), _begins(target, meant)
    _warn_of_undated(target, meant, begins)
    places: list[tuple[str, Marks]] = [(DISTRICT, np.ones(len(meant), dtype=bool))]
    if target.scope is Scope.TOWN:
        town = column(meant, "town").astype("string").fillna("").to_numpy(dtype=object)
        places = [(name, np.asarray(town == name, dtype=bool)) for name in towns]
    return [_row(target, place, Stations(meant[who]), status[who], begins[who], as_of) for place, who in places]


def _row(
    target: Target, place: str, stations: Stations, status: pd.Series, begins: pd.Series, as_of: dt.date
) -> dict[str, Any]:
    counted = int(_counts(target, status, begins).sum())
    met = counted >= target.minimum
    met_on = _met_since(target, stations, begins, as_of) if met else None
    late_to = met_on if met else as_of
    return {
        "target": target.name,
        "place": place,
        "scope": str(target.scope),
        "en": target.en,
        "zh": target.zh,
        "counts": str(target.counts),
        "binding": target.binding,
        "since": target.since,
        "by": target.by,
        "minimum": target.minimum,
        **{stage: int((status == stage).sum()) for stage in (*STAGES, "closed")},
        "counted": counted,
        "met": met,
        "met_on": met_on,
        "days_late": None if late_to is None else max((late_to - target.by).days, 0),
        "days_left": max((target.by - as_of).days, 0),
        "shortfall": max(target.minimum - counted, 0),
        "phrase": target.phrase,
    }


def _meant(target: Target, policy: Policy, stations: Stations) -> Marks:
    if target.counts is Counts.FEATURED:
        return np.asarray(column(stations, "kind").isin(policy.featured_kinds), dtype=bool)
    if target.counts is Counts.DEMONSTRATION:
        standards = measure_standards(policy, stations, target.by)
        return np.asarray(standards["demonstration"].fillna(False), dtype=bool)
    return np.ones(len(stations), dtype=bool)


def _begins(target: Target, stations: Stations) -> pd.Series:
    """The day from which each station counts towards a target: that of its acceptance, or else the earlier of both."""
    dates = stage_dates(stations)
    if target.accepted_only:
        return dates["accepted"]
    both = pd.concat([dates["built"], dates["accepted"]], axis=1)
    return both.min(axis=1).astype("datetime64[us]")


def _counts(target: Target, status: pd.Series, begins: pd.Series) -> Marks:
    """Which stations with these statuses count."""
    standing = ("accepted",) if target.accepted_only else ("built", "accepted")
    counts = status.isin(standing).to_numpy(dtype=bool)
    if target.since is None:
        return counts
    return counts & (begins >= pd.Timestamp(target.since)).to_numpy(dtype=bool)


def _met_since(target: Target, stations: Stations, begins: pd.Series, as_of: dt.date) -> dt.date | None:
    """The day since when enough stations have counted without a break; None if they always did, as far as dates tell."""
    closed = stage_dates(stations)["closed"]
    days = sorted({stamp.date() for stamp in (*begins.dropna(), *closed.dropna()) if stamp.date() <= as_of}, reverse=True)
    since = None
    for day in days:  # newest first; between two of them nothing changes
        if int(_counts(target, status_at(stations, day), begins).sum()) < target.minimum:
            return since
        since = day
    first = days[-1] - dt.timedelta(days=1) if days else as_of
    always = int(_counts(target, status_at(stations, first), begins).sum()) >= target.minimum
    return None if always else since


def _warn_of_undated(target: Target, stations: Stations, begins: pd.Series) -> None:
    if target.since is None:
        return
    stands = dated_status(stations).isin(("built", "accepted")).to_numpy(dtype=bool)
    undated = stations.index[stands & begins.isna().to_numpy(dtype=bool)]
    if len(undated):
        said = f"{len(undated)} standing stations have no date (the first is {undated[0]}) and do not count towards"
        warnings.warn(f"{said} {target.name!r}, which counts from {target.since} on", PlannerWarning, stacklevel=4)


def _warn_of_contradictions(stations: Stations, as_of: dt.date) -> None:
    wrong = contradictions(stations, as_of)
    if wrong:
        said = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        message = f"stations: the dates of {said} contradict their status or run backwards; the status decides how far they got"
        warnings.warn(message, PlannerWarning, stacklevel=3)
