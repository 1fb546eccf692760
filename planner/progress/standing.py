"""What stands at a date: the history of each station, told by the dates of its table and never beyond its status."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.schema import STANDING, STATUSES, Stations

STAGES = ("planned", "applied", "built", "accepted")  # in the order a station goes through them
STAGE_DATES = {"planned": "planned_on", "applied": "applied_on", "built": "built_on", "accepted": "accepted_on"}

_STANDS_IN = {"built": ("opened", "accepted_on"), "accepted": ("opened", "built_on")}  # where its own date is not known

Marks = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

ALWAYS, NEVER = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")  # before and after all days a table may name


def status_at(stations: Stations, as_of: dt.date) -> pd.Series:
    """Give each station's status on a day, as the dates of the table tell it.

    Parameters
    ----------
    stations
        Every station, with its ``status`` today and the days it got there: ``planned_on``, ``applied_on``, ``built_on``,
        ``accepted_on``, ``closed``; ``opened`` stands in for the day it was built and the day it was accepted.
    as_of
        The day asked about. A station has a status from its date on, that day included.

    Returns
    -------
    One of STATUSES for each station, missing where nothing says that it existed on that day; named ``status``.

    Notes
    -----
    - The status is the last stage whose date has come; a stage beyond the table's own ``status`` was never reached, so the
      date of a planned station's opening opens nothing.
    - A planned or applied station without a date of that is so from the last day on of which the table tells anything that
      happened (`last_told`), and not before: its status is that of the table's own day.
    - A station that is built or accepted and has no date of that counts from its last earlier date on (it was planned or
      applied until then), and on every day where it has none: people list what they have. A date that is written later
      tells more of those days. Earlier stages without a date are not known and nothing is said of them. A row without
      ``status`` has the last stage it has a date for, else built.
    - A closed station was built or accepted only where a date says so, and until the day before it closed.
    - What stood on a day depends on dates up to that day alone: a later acceptance or closing never rewrites it.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from planner.schema import STATIONS
    >>> frame = {"station_id": ["a"], "name": ["A"], "applied_on": ["2024-01-09"], "built_on": ["2024-05-02"]}
    >>> frame |= {"status": ["accepted"], "accepted_on": ["2024-06-30"]}
    >>> stations = STATIONS.conform(gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0], [0]), crs="EPSG:32651"))
    >>> [status_at(stations, dt.date(2024, month, 3))["a"] for month in (2, 5, 7)]
    ['applied', 'built', 'accepted']
    """
    day = pd.Timestamp(as_of)
    status, dates = dated_status(stations), stage_dates(stations)
    reached, begun = _stages_open(stations, status, dates), _begun(stations, status, dates)
    found = pd.Series(pd.NA, index=stations.index, dtype="string", name="status")
    for stage in STAGES:
        found = found.mask(reached[stage] & (begun[stage] <= day).to_numpy(dtype=bool), stage)
    closed = dates["closed"]
    ended = (closed <= day) | ((status == "closed") & closed.isna())
    return found.mask(ended.to_numpy(dtype=bool), "closed")


def standing_stations(stations: Stations, as_of: dt.date) -> Stations:
    """Give the stations that stand on `as_of`: built or accepted by then, and not closed.

    Parameters
    ----------
    stations
        Every station, whatever its ``status``; see `status_at` for what its dates say.
    as_of
        The day asked about. A station counts from the day it was built, accepted or opened on, and on the day it closed no
        more.

    Returns
    -------
    The rows that stand, as they were and in their order.

    Notes
    -----
    A built or accepted row without any date stands on every day; so do those of a table without dates (see `status_at`). A
    table without ``status``, or a row without one, is taken as built: people list what they have. A station whose status is
    ``closed`` stood from its opening to its closing day, where both are known; with either unknown it does not count. Planned
    and applied stations never count.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from planner.schema import STATIONS
    >>> frame = {"station_id": ["a", "b"], "name": ["A", "B"], "status": ["built", "planned"], "opened": ["2024-03-01", None]}
    >>> stations = STATIONS.conform(gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0, 1], [0, 1]), crs="EPSG:32651"))
    >>> [list(standing_stations(stations, dt.date(2024, month, 1)).index) for month in (2, 3)]
    [[], ['a']]
    """
    return Stations(stations[status_at(stations, as_of).isin(STANDING).to_numpy(dtype=bool)])


def changes_between(stations: Stations, since: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Say which stations have another status on `as_of` than on `since`.

    Returns
    -------
    By ``station_id``: ``name``, ``town`` where there is one, ``before`` and ``after`` (missing: not known to exist yet). A plan
    without any date is in none: no day is told on which it changed.
    """
    before, after = status_at(stations, since), status_at(stations, as_of)
    other = (before.fillna("") != after.fillna("")).to_numpy(dtype=bool)
    unknown = (before.isna() & _dates(stations, "planned_on").isna()).to_numpy(dtype=bool)
    other &= ~(unknown & stations.index.isin(undated(stations, ("planned", "applied"))))
    named = stations[[name for name in ("name", "town") if name in stations]]
    return pd.DataFrame(named).assign(before=before, after=after)[other]


def dated_status(stations: Stations) -> pd.Series:
    """Each station's ``status``; where the table says none, the last stage it has a date for, else built."""
    status: pd.Series = column(stations, "status").astype("string")
    if not status.isna().any():
        return status
    guessed = pd.Series(STANDING[0], index=stations.index, dtype="string")
    has_date = {stage: column(stations, name).notna() for stage, name in STAGE_DATES.items()}
    stands = has_date["built"] | has_date["accepted"] | column(stations, "opened").notna()
    for stage in ("planned", "applied"):
        guessed = guessed.mask(has_date[stage] & ~stands, stage)
    guessed = guessed.mask(has_date["accepted"], "accepted").mask(column(stations, "closed").notna() & ~stands, "closed")
    return status.fillna(guessed)


def stage_dates(stations: Stations) -> dict[str, pd.Series]:
    """The day each station reached each stage and ``closed``; the day it opened stands in for built and accepted."""
    dates = {stage: _dates(stations, name) for stage, name in STAGE_DATES.items()}
    known = dict(dates)
    for stage, others in _STANDS_IN.items():
        for name in others:
            known[stage] = known[stage].fillna(_dates(stations, name))
    return known | {"closed": _dates(stations, "closed")}


def days_in(stations: Stations, stages: Sequence[str]) -> tuple[Days, Days]:
    """From which day on, and until before which, each station is in one of `stages`, the last of which is ``accepted``.

    Both in whole days, as `status_at` has it: NaT from where it never is, ALWAYS where no date at all says since when, NEVER
    where it has not closed.
    """
    status, dates = dated_status(stations), stage_dates(stations)
    reached, begun = _stages_open(stations, status, dates), _begun(stations, status, dates)
    begin: Days = np.full(len(stations), np.datetime64("NaT", "D"))
    for stage in stages:
        day = begun[stage].to_numpy(dtype="datetime64[D]")
        begin = np.fmin(begin, np.where(reached[stage], day, np.datetime64("NaT", "D")))
    end = dates["closed"].to_numpy(dtype="datetime64[D]")
    begin[np.isnat(end) & (status == "closed").to_numpy(dtype=bool)] = np.datetime64("NaT", "D")
    return begin, np.where(np.isnat(end), NEVER, end)


def undated(stations: Stations, stages: Sequence[str]) -> list[str]:
    """Ids of stations whose own status is one of `stages` and which no date says to have got there."""
    status, dates = dated_status(stations), stage_dates(stations)
    lacking = np.zeros(len(stations), dtype=bool)
    for stage in stages:
        lacking |= ((status == stage) & dates[stage].isna()).to_numpy(dtype=bool)
    return [str(key) for key in stations.index[lacking]]


def last_told(stations: Stations) -> np.datetime64:
    """The last date of the table: that of `last_changed`; of a table of plans alone the last day on which one was made; else
    ALWAYS."""
    changed = last_changed(stations)
    if not np.isnat(changed):
        return changed
    status, dates = dated_status(stations), stage_dates(stations)
    reached = _stages_open(stations, status, dates)
    planned = _last(dates[name][reached[name]] for name in ("planned", "applied"))
    return ALWAYS if np.isnat(planned) else planned


def last_changed(stations: Stations) -> np.datetime64:
    """The last day on which what stands changed, as far as statuses say that it did: a station was built, accepted, opened or
    closed; NaT where no date says so.

    What is dated beyond a station's status (the opening of a planned one, a closing to come) has not happened yet.
    """
    return _last_told(stations, dated_status(stations), stage_dates(stations))


def _last_told(stations: Stations, status: pd.Series, dates: dict[str, pd.Series]) -> np.datetime64:
    reached = _stages_open(stations, status, dates) | {"closed": (status == "closed").to_numpy(dtype=bool)}
    stood = reached["built"] | reached["accepted"] | reached["closed"]
    return _last([_dates(stations, "opened")[stood], *(dates[name][reached[name]] for name in (*STANDING, "closed"))])


def _last(columns: Iterable[pd.Series]) -> np.datetime64:
    """The last of all days in the columns; NaT where there is none."""
    days = pd.concat(columns).dropna()
    return days.max().to_datetime64().astype("datetime64[D]") if len(days) else np.datetime64("NaT", "D")


def contradictions(stations: Stations, as_of: dt.date) -> list[str]:
    """Ids of stations whose dates say otherwise than their status or run backwards; they count by the status.

    A built station with a day of acceptance that has passed, a planned one with a day of building, or a day of closing
    before that of building.
    """
    day = pd.Timestamp(as_of)
    status = dated_status(stations)
    rank = status.map({name: i for i, name in enumerate(STATUSES)}).to_numpy(dtype=float)
    wrong = np.zeros(len(stations), dtype=bool)
    earlier = pd.Series(pd.NaT, index=stations.index, dtype="datetime64[us]")
    for i, name in enumerate((*STAGE_DATES.values(), "closed")):
        date = _dates(stations, name)
        if name != "closed":
            wrong |= ((date <= day) & (rank < i)).to_numpy(dtype=bool)
        wrong |= (date < earlier).to_numpy(dtype=bool)
        earlier = date.fillna(earlier)
    return [str(key) for key in stations.index[wrong]]


def column(stations: Stations, name: str) -> Any:
    """A column of the table, or one of missing values."""
    return stations[name] if name in stations.columns else pd.Series(None, index=stations.index, dtype=object)


def _dates(stations: Stations, name: str) -> pd.Series:
    if name not in stations.columns:
        return pd.Series(pd.NaT, index=stations.index, dtype="datetime64[us]")
    dates: pd.Series = stations[name]
    return dates if dates.dtype == "datetime64[us]" else pd.to_datetime(dates).astype("datetime64[us]")


def _begun(stations: Stations, status: pd.Series, dates: dict[str, pd.Series]) -> dict[str, pd.Series]:
    """From which day on stations are in each stage: its date; where it is a station's own status and has none, the first day
    on which it may have been so."""
    told, begun = pd.Timestamp(_last_told(stations, status, dates)), {}
    for at, stage in enumerate(STAGES):
        earlier = pd.concat([dates[name] for name in STAGES[:at] or STAGES[:1]], axis=1).max(axis=1).astype("datetime64[us]")
        since = earlier.fillna(pd.Timestamp(ALWAYS) if stage in STANDING else told)
        begun[stage] = dates[stage].fillna(since.where(status == stage))
    return begun


def _stages_open(stations: Stations, status: pd.Series, dates: dict[str, pd.Series]) -> dict[str, Marks]:
    """Which stages each station can have reached: none beyond its status; of a closed one, those with a date of their own."""
    rank = status.map({name: i for i, name in enumerate(STATUSES)}).to_numpy(dtype=float)
    closed = (status == "closed").to_numpy(dtype=bool)
    until = dates["closed"].notna().to_numpy(dtype=bool)
    said = {stage: dates[stage].notna().to_numpy(dtype=bool) for stage in STAGES}
    said["accepted"] = _dates(stations, STAGE_DATES["accepted"]).notna().to_numpy(dtype=bool)
    return {stage: np.where(closed, until & said[stage], rank >= i) for i, stage in enumerate(STAGES)}
