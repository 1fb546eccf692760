"""Recorded figures (people helped, trainings held, ratings) against their targets, as they stood on a day."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import Any, cast

import pandas as pd

from planner.errors import PlannerWarning
from planner.policy import Figure, How, Policy
from planner.progress.tracking import DISTRICT
from planner.schema import FIGURES, Figures, RecordedFigures

_DECIMALS = 9  # of a value: the mean of 4.6 and 4.8 is 4.7


def track_figures(
    policy: Policy, recorded: RecordedFigures, towns: Sequence[str], as_of: dt.date, *, since: dt.date | None = None
) -> Figures:
    """Set the figures that were recorded up to a day against the targets of `policy`.

    Parameters
    ----------
    policy
        Which figures there are, how their records become one number, and what is asked of them.
    recorded
        Values by ``figure``, ``date`` and ``place`` (a town, or ``district``); ``recorded_on`` where told later: it is of
        its date, and known from that day on.
    towns
        The names of the district's towns, for the order of the rows.
    as_of
        The day asked about; later records change nothing.
    since
        An earlier day to compare with.

    Returns
    -------
    FIGURES: a row for each figure with a target or a record, of the district and of each town that has one: ``value`` on the
    day and ``before`` on `since`, both counted from the figure's own first day, and their ``difference`` (none where a yearly
    figure has begun anew between the two days); ``met``, ``met_on`` (since when it has been),
    ``days_late`` (on how many days it has not been met since it was due), ``shortfall``. The district's value is what was
    recorded for the district; where all is recorded by town, the towns' together: their sum, or the mean of their values.

    Notes
    -----
    Laws: history is not rewritten (records of after `as_of`, or known after it, change nothing);
    a sum's ``shortfall = max(minimum - value, 0)``.

    Warns
    -----
    PlannerWarning
        If records of a yearly figure were told after the end of the year that followed theirs: their own row was closed without
        them, the ``year_before`` of the next one too, and neither is rewritten, so that they count nowhere.
    """
    told = _with_day_known(recorded.reset_index())
    flat = told[told["known_on"] <= pd.Timestamp(as_of)]
    _warn_of_too_late(flat[flat["figure"].isin([figure.name for figure in policy.all_figures if figure.yearly])])
    then = None if since is None else told[told["known_on"] <= pd.Timestamp(since)]
    rows: list[dict[str, Any]] = []
    for figure in policy.all_figures:
        own = flat[flat["figure"] == figure.name]
        if len(own) or figure.minimum is not None:
            places = [DISTRICT, *(town for town in towns if town in set(own["place"]))]
            before = None if then is None else then[then["figure"] == figure.name]
            rows += [_row(figure, place, own, before, as_of, since) for place in places]
    table = pd.DataFrame(rows, columns=[column.name for column in FIGURES.columns])
    spans = {name: table[name].astype("datetime64[us]") for name in ("since", "by")}  # of any day asked about, not of a cell
    return cast("Figures", FIGURES.conform(table.assign(**spans)))


def _warn_of_too_late(yearly: pd.DataFrame) -> None:
    late = yearly[yearly["known_on"].dt.year > yearly["date"].dt.year + 1]
    if len(late):
        said = f"{len(late)} recorded figures of yearly targets (the first is of {late['date'].min().date()})"
        message = (
            f"{said} were told after the end of the year that followed theirs and count nowhere: no closed year is rewritten"
        )
        warnings.warn(message, PlannerWarning, stacklevel=3)


def _row(
    figure: Figure, place: str, records: pd.DataFrame, then: pd.DataFrame | None, as_of: dt.date, since: dt.date | None
) -> dict[str, Any]:
    """One figure of one place, out of the records known on the day, and of those known `then`, on the day of comparison."""
    _, due = figure.span(as_of)
    own = _of_place(_spanned(figure, records, as_of), place)
    value = _value(figure, own, as_of)
    begun_anew = since is not None and figure.span(since) != figure.span(as_of)
    known_then = None if since is None or then is None else _of_place(_spanned(figure, then, since), place)
    before = None if since is None or known_then is None else _value(figure, known_then, since)
    row: dict[str, Any] = {
        "figure": figure.name,
        "place": place,
        "en": figure.en,
        "zh": figure.zh,
        "how": str(figure.how),
        "records": len(own),
        "last_on": own["date"].max() if len(own) else pd.NaT,
        "before": before,
        "value": value,
        "difference": None if before is None or value is None or begun_anew else value - before,
        "phrase": figure.phrase or None,
    }
    row |= _year_before(figure, records, place, as_of)
    return row if figure.minimum is None or place != DISTRICT else row | _verdict(figure, own, value, as_of, due)


def _year_before(figure: Figure, records: pd.DataFrame, place: str, as_of: dt.date) -> dict[str, Any]:
    """What is known on the day of a yearly figure's year before; nothing of other figures."""
    if not figure.yearly:
        return {}
    own = _of_place(records[records["date"].dt.year == as_of.year - 1], place)
    value = _value(figure, own, as_of)
    met = value is not None and value >= float(figure.minimum or 0.0)
    return {"year_before": value} | ({"year_before_met": met} if place == DISTRICT else {})


def _verdict(figure: Figure, own: pd.DataFrame, value: float | None, as_of: dt.date, due: dt.date | None) -> dict[str, Any]:
    minimum = float(figure.minimum or 0.0)
    met = value is not None and value >= minimum
    days, short = _course(figure, own, minimum)
    return {
        "binding": figure.binding,
        "since": figure.span(as_of)[0],
        "by": due,
        "minimum": minimum,
        "met": met,
        "met_on": _enough_since(days, short) if met else None,
        "days_late": None if due is None else _days_short(days, short, due, as_of),
        "days_left": None if due is None else max((due - as_of).days, 0),
        "shortfall": max(minimum - (value or 0.0), 0.0),
    }


def _with_day_known(flat: pd.DataFrame) -> pd.DataFrame:
    """With the day each record is known from: that it was recorded on, where the table says one later than its date."""
    if "recorded_on" not in flat:
        return flat.assign(known_on=flat["date"])
    return flat.assign(known_on=flat["recorded_on"].fillna(flat["date"]).where(lambda day: day > flat["date"], flat["date"]))


def _spanned(figure: Figure, records: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    first = figure.span(as_of)[0]
    return records if first is None else records[records["date"] >= pd.Timestamp(first)]


def _of_place(records: pd.DataFrame, place: str) -> pd.DataFrame:
    """The records of a place; of the district, where it has none of its own, those of all towns."""
    own = records[records["place"] == place]
    return records if place == DISTRICT and not len(own) else own


def _value(figure: Figure, records: pd.DataFrame, as_of: dt.date) -> float | None:
    """One number out of the records up to a day: none where there are none, but a sum of nothing is 0."""
    known = records[records["known_on"] <= pd.Timestamp(as_of)].sort_values("date", kind="stable")
    if figure.how is How.SUM:
        return round(float(known["value"].sum()), _DECIMALS)
    if not len(known):
        return None
    by_place = known.groupby("place", sort=True)["value"]
    return round(float((by_place.last() if figure.how is How.LAST else by_place.mean()).mean()), _DECIMALS)


def _course(figure: Figure, records: pd.DataFrame, minimum: float) -> tuple[list[dt.date], list[bool]]:
    """The days on which the value may have changed, and whether it was short of `minimum` from each on."""
    days = sorted({day.date() for day in records["known_on"]})
    values = [_value(figure, records, day) for day in days]
    return [dt.date.min, *days], [True, *(value is None or value < minimum for value in values)]


def _enough_since(days: Sequence[dt.date], short: Sequence[bool]) -> dt.date | None:
    """The day since when the value has not been short."""
    at = max(i for i, is_short in enumerate(short) if is_short) + 1
    return days[at] if at < len(days) else None


def _days_short(days: Sequence[dt.date], short: Sequence[bool], due: dt.date, as_of: dt.date) -> int:
    """On how many days from `due` on, and before `as_of`, the value was short."""
    ends = [*days[1:], as_of]
    lasted = [(end - max(day, due)).days for day, end in zip(days, ends, strict=True)]
    return sum(max(each, 0) for each, is_short in zip(lasted, short, strict=True) if is_short)
