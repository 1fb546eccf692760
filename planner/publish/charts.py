"""The charts of a workbook, on a sheet of their own: shares by key group and town, and the curve of stations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planner.schema import Schema
from planner.style import CATEGORICAL

_WIDE = 800  # pixels
_HIGH = 360
_BAR_HIGH = 26  # each row of a bar chart: a name has room, so that no program leaves every second one out
_AROUND_BARS = 110  # title, axis and legend
_ROW_HIGH = 20  # of an untouched row of the sheet
_GRID = {"visible": True, "line": {"color": "#D8DCE1"}}
_EARLIER, _BOUND = "#A9B4C0", "#5B6570"


@dataclass(frozen=True)
class Form:
    """A chart of one table: bars of shares or a line of counts, by which column, of which."""

    bars: bool
    across: str
    series: tuple[str, ...]


FORMS: Mapping[str, Form] = {
    "groups": Form(True, "label", ("coverage",)),
    "workplaces": Form(True, "label", ("coverage",)),
    "frontier": Form(False, "stations", ("bound", "covered_pop")),
    "towns": Form(True, "town", ("coverage",)),
    "coverage": Form(True, "place", ("coverage_before", "coverage_after")),
}  # in the order they stand; towns, of which there may be many, after the rest
_COLOURS = {"bound": _BOUND, "coverage_before": _EARLIER}


def has_charts(tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether any of the tables has a chart."""
    return any(_is_drawn(name, tables) for name in FORMS)


def add_charts(
    book: Any, sheet: Any, tables: Mapping[str, pd.DataFrame], sheets: Mapping[str, tuple[Schema, str]], language: str
) -> None:
    """Put a chart of each table that has one below the other on `sheet`, as wide as a page.

    Parameters
    ----------
    tables
        As they stand on their own sheets, headings in the first row.
    sheets
        The schema of each and what its sheet is called.
    language
        Of titles and axes.
    """
    row = 0
    for name in (name for name in FORMS if _is_drawn(name, tables)):
        form, table, (schema, called) = FORMS[name], tables[name], sheets[name]
        high = len(table) * _BAR_HIGH * len(form.series) + _AROUND_BARS if form.bars else _HIGH
        sheet.insert_chart(row, 0, _chart(book, form, table, schema, called, language, high))
        row += math.ceil(high / _ROW_HIGH) + 1
    sheet.set_paper(9)
    sheet.set_portrait()
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)


def _is_drawn(name: str, tables: Mapping[str, pd.DataFrame]) -> bool:
    table, form = tables.get(name), FORMS[name]
    return table is not None and form.across in table and bool(set(form.series) & set(table))


def _chart(book: Any, form: Form, table: pd.DataFrame, schema: Schema, called: str, language: str, high: int) -> Any:
    chart = book.add_chart({"type": "bar" if form.bars else "line"})
    columns, last = list(map(str, table.columns)), len(table)
    shown = [key for key in form.series if key in columns]
    for key in shown:
        at, x = columns.index(key), columns.index(form.across)
        colour = _COLOURS.get(key, CATEGORICAL[0])
        chart.add_series(
            {
                "name": schema[key].label(language),
                "categories": [called, 1, x, last, x],
                "values": [called, 1, at, last, at],
                **(_bars(colour) if form.bars else _line(colour, dashed=key == "bound")),
            }
        )
    small = {"size": 9}
    chart.set_title({"name": _title(called, schema, shown, language), "name_font": {"size": 13}, "overlay": False})
    if form.bars:
        chart.set_y_axis({"reverse": True, "interval_unit": 1, "num_font": small, "major_tick_mark": "none"})
        chart.set_x_axis({"num_format": "0%", "min": 0, "max": 1, "major_gridlines": _GRID, "num_font": small})
    else:
        named = schema[form.across].label(language)
        chart.set_x_axis({"name": named, "interval_unit": max(1, last // 12), "num_font": small})
        chart.set_y_axis({"num_format": "#,##0", "min": 0, "major_gridlines": _GRID, "num_font": small})
    chart.set_legend({"none": True} if len(shown) == 1 else {"position": "bottom"})
    chart.set_size({"width": _WIDE, "height": high})
    return chart


def _title(called: str, schema: Schema, shown: Sequence[str], language: str) -> str:
    """What is shown where it is one thing, else what its sheet is called."""
    return schema[shown[0]].label(language) if len(shown) == 1 else called


def _bars(colour: str) -> dict[str, Any]:
    labels = {"value": True, "num_format": "0%", "font": {"size": 9}}
    return {"fill": {"color": colour}, "gap": 45, "data_labels": labels}


def _line(colour: str, *, dashed: bool) -> dict[str, Any]:
    return {"line": {"color": colour, "width": 1.25 if dashed else 2.25, "dash_type": "dash" if dashed else "solid"}}
