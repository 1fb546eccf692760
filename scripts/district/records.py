"""Invented records of an office's work: what it held, whom it helped, how it was rated, quarter by quarter."""

from __future__ import annotations

from district import land

QUARTERS = ("2024-03-29", "2024-06-28", "2024-09-27", "2024-12-27", "2025-03-28", "2025-06-27")
HELPED = {"CZ": 96, "CB": 71, "XC": 124, "LH": 52, "LY": 38, "BS": 0, "JS": 45, "LT": 60, "QH": 0}  # in the first quarter
FIRST = {"LH": 2, "LT": 1, "BS": 3, "QH": 5}  # the quarter in which a town's station began its work, counted from 0
GROWTH = (100, 108, 97, 115, 122, 131)  # percent of the first quarter

Row = dict[str, object]


def list_records() -> list[Row]:
    """The rows of recorded.csv: people helped by town and quarter; trainings, visits, ratings, satisfaction of the district."""
    towns = {town.code: town.name for town in land.TOWNS}
    rows: list[Row] = []
    for number, (day, percent) in enumerate(zip(QUARTERS, GROWTH, strict=True)):
        for code, helped in HELPED.items():
            if number >= FIRST.get(code, 0):
                rows.append(_row("people_helped", day, (helped or 24) * percent // 100, towns[code]))
        rows.append(_row("visits", day, 1_850 + 140 * number))
        rows.append(_row("vacancies", day, 2_300 + 90 * number))
        rows.append(_row("rating", day, 4.4 + number / 20))
    rows += [_row("trainings", "2024-05-16", 1), _row("trainings", "2025-04-15", 1)]
    rows += [_row("satisfaction", "2024-12-20", 0.93), _row("satisfaction", "2025-06-20", 0.95)]
    return rows


def _row(figure: str, date: str, value: float, town: str = "") -> Row:
    return {"figure": figure, "date": date, "place": town, "value": round(value, 2)}
