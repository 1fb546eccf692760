"""Months, quarters and years: where they begin, and what they are called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from planner.policy import Period

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


def day_before(as_of: dt.date, period: Period) -> dt.date:
    """The last day before the month, quarter or year that holds `as_of`: what its pack compares with.

    >>> [day_before(dt.date(2025, 8, 20), period).isoformat() for period in Period]
    ['2025-07-31', '2025-06-30', '2024-12-31']
    """
    months = _MONTHS[period]
    return dt.date(as_of.year, (as_of.month - 1) // months * months + 1, 1) - dt.timedelta(days=1)


def period_name(as_of: dt.date, period: Period) -> Mapping[str, str]:
    """What the month, quarter or year that holds `as_of` is called.

    >>> period_name(dt.date(2025, 8, 20), Period.QUARTER)
    {'zh': '2025年第3季度', 'en': '3rd quarter of 2025'}
    """
    year, quarter = as_of.year, (as_of.month - 1) // 3 + 1
    if period is Period.YEAR:
        return {"zh": f"{year}年", "en": str(year)}
    if period is Period.MONTH:
        return {"zh": f"{year}年{as_of.month}月", "en": f"{year}-{as_of.month:02}"}
    return {"zh": f"{year}年第{quarter}季度", "en": f"{('1st', '2nd', '3rd', '4th')[quarter - 1]} quarter of {year}"}
