"""Targets of a policy pack against what stands at a date, in the district and in each town."""

from __future__ import annotations

import datetime as dt
import difflib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.errors import Fault, PlannerWarning, StudyError, first_few, say_faults
from planner.policy import FUSED, Counts, Policy, Scope, Target, named
from planner.progress.standing import (
    ALWAYS,
    NEVER,
    STAGES,
    Days,
    column,
    contradictions,
    dated_status,
    days_in,
    last_told,
    status_at,
    undated,
)
from planner.schema import STANDING, TOWN_PROGRESS, TRACK, Coverage, Stations, TownProgress, Towns, Track
from planner.standards import measure_standards
from planner.study import HandedDown

DISTRICT = "district"  # the place of a target that is the whole district's

Marks = npt.NDArray[np.bool_]


def track_targets(
    policy: Policy,
    stations: Stations,
    towns: Sequence[str],
    as_of: dt.date,
    handed: Mapping[str, HandedDown] | None = None,
) -> Track:
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
    handed
        What of a target falls to this area and to its towns, by the target's name; a city's target counts nowhere without it.

    Returns
    -------
    TRACK, target by target: ``by`` (due), ``minimum``; how many of the stations meant are ``planned``, ``applied``, ``built``,
    ``accepted``, ``closed`` on that day (each in one of them); ``counted``: those that count towards the target then, which is
    built and accepted ones, or accepted ones alone, from ``since`` on where the target says so; ``met``; ``met_on``: the day
    since when it has been; ``days_late``: on how many days it has not been met since it was due, so that one that was met in
    time and lost later is late from that day on; ``days_left``; ``shortfall``; the source phrase.

    Warns
    -----
    PlannerWarning
        If stations have no date where a target counts from one on (they do not count), if planned or applied ones have none and
        `as_of` is before the last date of the table (they are not told on that day), if accepted ones have no day of that where
        accepted ones alone count (it is taken to be that of their opening or building), or dates that contradict their status.

    Notes
    -----
    Stations meant: all; those that are well equipped (they offer all basic items of the pack, or their flag
    ``basic_functions`` holds; the documents do not define it, so this rule is ours; where nothing is said of a station it is
    taken as well equipped, and a warning says how many are); those whose ``kind`` is one of the pack's featured kinds; those
    that offer all functions of a demonstration station; or those that are fused. Kinds and services have no dates of their own
    and are taken as the table says them.
    Laws: history is not rewritten (dates after `as_of` change nothing but what they announce), a district's counts are the
    sums of its towns', ``shortfall = max(minimum - counted, 0)``.
    """
    here = Stations(stations[column(stations, "town").isin(list(towns)).to_numpy()]) if "town" in stations else stations
    _warn_of_contradictions(here, as_of)
    _warn_of_undated_plans(here, as_of)
    check_handed(policy, handed or {}, towns)
    rows = [row for target in policy.targets for row in _rows(target, policy, here, _asked(target, towns, handed or {}), as_of)]
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


@dataclass(frozen=True, eq=False)
class _Spans:
    """From which day on and until before which each station counts towards a target; see `days_in`."""

    begin: Days
    end: Days

    def __getitem__(self, who: Marks) -> _Spans:
        return _Spans(self.begin[who], self.end[who])

    def counted(self, as_of: dt.date) -> int:
        day = np.datetime64(as_of)
        return int(((self.begin <= day) & (day < self.end)).sum())

    def enough_since(self, minimum: int, as_of: dt.date) -> dt.date | None:
        """The day since when at least `minimum` have counted without a break; None if they always did, by all the dates."""
        days, counts = self._course(as_of)
        short = np.flatnonzero(counts < minimum)
        return None if not len(short) else cast("dt.date", days[short[-1] + 1].item())

    def days_short(self, minimum: int, due: dt.date, as_of: dt.date) -> int:
        """On how many days from `due` on, and before `as_of`, fewer than `minimum` counted."""
        days, counts = self._course(as_of)
        ends = np.append(days[1:], np.datetime64(as_of))
        lasted = (ends - np.maximum(days, np.datetime64(due))).astype(np.int64)
        return int(lasted[(counts < minimum) & (lasted > 0)].sum())

    def _course(self, as_of: dt.date) -> tuple[Days, npt.NDArray[np.int64]]:
        """The days up to `as_of` on which the number that counts may have changed, and how many counted from each on."""
        known = self.begin < self.end
        begin, end = np.sort(self.begin[known]), np.sort(self.end[known])
        days = np.unique(np.concatenate([[ALWAYS], begin, end]))
        days = days[days <= np.datetime64(as_of)]  # between two of them nothing changes
        return days, np.searchsorted(begin, days, side="right") - np.searchsorted(end, days, side="right")


def check_handed(policy: Policy, handed: Mapping[str, HandedDown], towns: Sequence[str]) -> None:
    """Refuse shares of targets that the pack does not have, and of towns that are none, all at once.

    Raises
    ------
    StudyError
        Naming the nearest of each.
    """
    faults = []
    targets = [target.name for target in policy.targets]
    for name, share in handed.items():
        if name not in targets:
            near = difflib.get_close_matches(name, targets, n=1)
            mend = f"did you mean {near[0]}?" if near else f"its targets are {', '.join(targets) or 'none'}"
            faults.append(Fault(f"the pack {policy.name} has no such target", mend, column="targets", value=name))
        for town in share.towns:
            if town not in towns:
                near = difflib.get_close_matches(town, list(towns), n=1)
                mend = f"did you mean {near[0]!r}?" if near else f"the towns are {', '.join(towns)}"
                faults.append(Fault("there is no such town", mend, column=f"targets.{name}.towns", value=town))
    if faults:
        raise StudyError(say_faults(faults), faults)


def _asked(target: Target, towns: Sequence[str], handed: Mapping[str, HandedDown]) -> list[tuple[str, int]]:
    """Where the target must be met, and at least how many there: the whole area, towns, or what was handed down to them."""
    share = handed.get(target.name)
    if share is not None:
        whole = [] if target.scope is Scope.TOWN else [(DISTRICT, share.whole)]
        return [*whole, *share.towns.items()]
    if target.scope is Scope.CITY:
        said = f"{target.name!r} is a whole city's target; write what falls to this area: [targets.{target.name}] minimum = …"
        warnings.warn(said, PlannerWarning, stacklevel=3)
        return []
    return [(name, target.minimum) for name in towns] if target.scope is Scope.TOWN else [(DISTRICT, target.minimum)]


def _rows(
    target: Target, policy: Policy, stations: Stations, asked: Sequence[tuple[str, int]], as_of: dt.date
) -> list[dict[str, Any]]:
    if not asked:
        return []
    meant = Stations(stations[_meant(target, policy, stations)])
    status, spans = status_at(meant, as_of), _spans(target, meant)
    town = column(meant, "town").astype("string").fillna("").to_numpy(dtype=object)
    rows = []
    for place, minimum in asked:
        who = np.ones(len(meant), dtype=bool) if place == DISTRICT else np.asarray(town == place, dtype=bool)
        rows.append(_row(target, minimum, place, status[who], spans[who], as_of))
    return rows


def _row(target: Target, minimum: int, place: str, status: pd.Series, spans: _Spans, as_of: dt.date) -> dict[str, Any]:
    counted = spans.counted(as_of)
    met = counted >= minimum
    met_on = spans.enough_since(minimum, as_of) if met else None
    always = met and met_on is None
    return {
        "target": target.name,
        "place": place,
        "scope": DISTRICT if place == DISTRICT else "town",
        "en": target.en,
        "zh": target.zh,
        "counts": str(target.counts),
        "binding": target.binding,
        "since": target.since,
        "by": target.by,
        "minimum": minimum,
        **{stage: int((status == stage).sum()) for stage in (*STAGES, "closed")},
        "counted": counted,
        "met": met,
        "met_on": met_on,
        "days_late": None if always else spans.days_short(minimum, target.by, as_of),
        "days_left": max((target.by - as_of).days, 0),
        "shortfall": max(minimum - counted, 0),
        "phrase": target.phrase,
    }


def _spans(target: Target, stations: Stations) -> _Spans:
    """When each station counts towards a target; those that began before ``since`` never do."""
    stages = ("accepted",) if target.accepted_only else STANDING
    begin, end = days_in(stations, stages)
    if target.accepted_only:
        _warn_of_guessed_acceptance(target, stations)
    if target.since is None:
        return _Spans(begin, end)
    lacking = stations.index.isin(undated(stations, stages))
    _warn_of_undated(target, stations, lacking & (end == NEVER))
    return _Spans(np.where((begin >= np.datetime64(target.since)) & ~lacking, begin, np.datetime64("NaT", "D")), end)


def _meant(target: Target, policy: Policy, stations: Stations) -> Marks:
    if target.counts is Counts.FEATURED:
        return np.array([named(kind, policy.featured_kinds) for kind in column(stations, "kind")], dtype=bool)
    if target.counts is Counts.DEMONSTRATION:
        standards = measure_standards(policy, stations, target.by)
        return np.asarray(standards["demonstration"].fillna(False), dtype=bool)
    if target.counts is Counts.EQUIPPED:
        return _equipped(target, policy, stations)
    if target.counts is Counts.FUSED:
        told = zip(column(stations, "kind"), column(stations, "host"), strict=True)
        return np.array([policy.form_of(kind, host)[0] == FUSED for kind, host in told], dtype=bool)
    return np.ones(len(stations), dtype=bool)


def _equipped(target: Target, policy: Policy, stations: Stations) -> Marks:
    """Stations that offer all basic items, or say by their flag that they do; those of which nothing is said count too."""
    standards = measure_standards(policy, stations, target.by)
    flag, share = standards["basic_functions"], standards["basic"]
    unknown = np.asarray(flag.isna() & share.isna(), dtype=bool)
    if unknown.any() and not unknown.all():  # a table that says nothing of anybody asks for no warning
        said = f"nothing is said of what {int(unknown.sum())} stations offer (the first is {stations.index[unknown][0]})"
        warnings.warn(f"{said}; towards {target.name!r} they are taken as well equipped", PlannerWarning, stacklevel=5)
    return np.asarray((share == 1).to_numpy(dtype=bool) | flag.fillna(False).to_numpy(dtype=bool) | unknown, dtype=bool)


def _warn_of_undated(target: Target, stations: Stations, lacking: Marks) -> None:
    if lacking.any():
        said = (
            f"{int(lacking.sum())} standing stations have no date (the first is {stations.index[lacking][0]}) and do not count"
        )
        warnings.warn(f"{said} towards {target.name!r}, which counts from {target.since} on", PlannerWarning, stacklevel=5)


def _warn_of_guessed_acceptance(target: Target, stations: Stations) -> None:
    own = column(stations, "accepted_on").isna() & (dated_status(stations) == "accepted")
    dated = own & ~stations.index.isin(undated(stations, ("accepted",)))
    lacking = stations.index[dated.to_numpy(dtype=bool)]
    if len(lacking):
        said = f"{len(lacking)} accepted stations have no day of acceptance (the first is {lacking[0]}) and count towards"
        said += f" {target.name!r} as accepted on the day they were opened or built"
        warnings.warn(f"{said}; write accepted_on", PlannerWarning, stacklevel=5)


def _warn_of_undated_plans(stations: Stations, as_of: dt.date) -> None:
    lacking, told = undated(stations, ("planned", "applied")), last_told(stations)
    if lacking and np.datetime64(as_of) < told:
        said = f"{len(lacking)} planned or applied stations have no date of that (the first is {lacking[0]})"
        said += f" and are not told before {told}, the last date of the table; write planned_on or applied_on"
        warnings.warn(said, PlannerWarning, stacklevel=3)


def _warn_of_contradictions(stations: Stations, as_of: dt.date) -> None:
    wrong = contradictions(stations, as_of)
    if wrong:
        said = first_few(wrong)
        message = f"stations: the dates of {said} contradict their status or run backwards; the status decides how far they got"
        warnings.warn(message, PlannerWarning, stacklevel=3)
