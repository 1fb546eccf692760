"""Tables on stdout, and the lines that end a command on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import planner
from planner import run
from planner.cli.door import say

if TYPE_CHECKING:  # what is slow to import is imported when there is something to show
    import pandas as pd

    from planner.schema import Frontier, Schema


def say_result(done: run.Run, out: Path) -> None:
    from planner.style import counted_stations, shown_minutes, shown_share_finely

    facts, walk = done.summary, done.survey.study.scenario.walk
    within, own = shown_minutes(*walk.cutoffs_min), " (some towns have their own)" if walk.towns else ""
    share = "no residents"
    if facts["coverage"] is not None:
        share = f"{shown_share_finely(facts['coverage'])} of {facts['population']:,.0f} residents"
    say(
        f"{counted_stations(facts['stations'])}, {share} within {within} minutes at "
        f"{facts['pace_mps'] * 3.6:.1f} km/h{own} (as of {facts['as_of']})"
    )
    say(f"The station map:  {out / 'index.html'}")
    say(f"The planning map: {out / 'internal.html'}")


def said_of_plan(facts: Mapping[str, Any]) -> str:
    """One line on a plan; its need is left out where that would give a small count of a key group away."""
    head = f"{facts['method']}: {facts['status']}; "
    if facts["method"] == "lscp":
        share = "" if facts["share_reached"] is None else f", {facts['share_reached']:.1%} is"
        asked = f"{facts['share_asked']:.0%} of what can be covered is asked for{share}"
        return f"{head}{facts['sites']} new sites, {facts['objective_bound']:.0f} at least are needed; {asked}"
    if facts["method"] == "p-center":
        least = f"no plan can bring it below {facts['objective_bound']:.1f}"
        return f"{head}the worst walk of {facts['share_asked']:.0%} is {facts['objective']:.1f} min; {least}"
    if facts["bound"] is None:
        people = f"{facts['residents_gained']:,.0f} residents gained"
        people = f"{facts['assigned_pop']:,.0f} residents assigned" if "assigned_pop" in facts else people
        return f"{head}{people} (need is withheld){_said_of_worst(facts)}"
    if facts["method"] == "p-median":
        walks = f"{facts['mean_walk_min_before']:.2f} min before, {facts['mean_walk_min_after']:.2f} after"
        return f"{head}mean walk by need {walks} (gap {facts['gap']:.2%}){_said_of_phases(facts)}"
    return f"{head}{_said_of_need(facts)} (gap {facts['gap']:.2%}){_said_of_phases(facts)}{_said_of_worst(facts)}"


def _said_of_worst(facts: Mapping[str, Any]) -> str:
    """With equity between towns, the worst of them."""
    if "worst_town" not in facts:
        return ""
    return f"; the worst served town is {facts['worst_town']}: {facts['worst_share']:.1%} of those who can be covered"


def _said_of_phases(facts: Mapping[str, Any]) -> str:
    """What the phases give up for each other; nothing where there is one, or where it is withheld."""
    losses = ", ".join(f"{share:.2%}" for share in facts.get("phase_losses") or [])
    return f"; of what each phase could have by itself these lose at most {losses}" if losses else ""


def _said_of_need(facts: Mapping[str, Any]) -> str:
    """What a covering plan makes most: need covered, by decay, twice, or served."""
    after, bound = facts["objective"], f"at most {facts['objective_bound']:,.0f} is possible"
    if "need_served_after" in facts:
        return f"{facts['assigned_pop']:,.0f} residents assigned, need served {after:,.0f}, {bound}"
    if "need_backed_up_after" in facts:
        twice = f"{facts['need_backed_up_before']:,.0f} before, {facts['need_backed_up_after']:,.0f} after"
        return f"need backed up {twice}; covered and backed up by weight {after:,.0f}, {bound}"
    if "need_decayed_after" in facts:
        by_walk = f"{facts['need_decayed_before']:,.0f} before, {facts['need_decayed_after']:,.0f} after"
        return f"need by decay {by_walk}"
    before, covered, most = (f"{facts[key]:,.0f}" for key in ("need_covered_before", "need_covered_after", "bound"))
    return f"need covered {before} before, {covered} after, at most {most} is possible"


def frontier_said(curve: Frontier, stations: int | None = None) -> list[str]:
    """The curve in sentences: what so many stations reach at most, how many 80 … 100 % need, and where it bends."""
    import pandas as pd

    from planner.style import counted_stations

    lines = []
    if stations is not None:
        lines.append(_at_most(curve, stations))
    bend = planner.knee(curve)
    for share, row in planner.needed(curve).iterrows():
        if pd.isna(row["stations"]):
            lines.append(f"{share:.0%} of residents: {row['finding']}; at most {row['most']:.1%} can be covered")
        else:
            proof = "fewer do not do" if row["proven"] else f"at least {row['at_least']:.0f} are needed"
            built = counted_stations(int(row["stations"]))
            lines.append(f"{share:.0%} of residents: {built} ({row['new_sites']:.0f} new); {proof}")
    if bend is not None:
        lines.append(f"The curve bends at {counted_stations(bend)}: each further one adds clearly less.")
    return lines


def _at_most(curve: Frontier, stations: int) -> str:
    """What so many stations reach; past the end of the curve, what all candidates reach."""
    from planner.style import counted_stations

    asked = min(max(stations, int(curve.index[0])), int(curve.index[-1]))
    row = curve.loc[asked]
    people = curve["covered_pop"].iloc[-1] / max(curve["coverage"].iloc[-1], 1e-12)
    most = min(row["bound"] / people, 1.0) if people > 0 else 0.0
    shown = f"{row['covered_pop']:,.0f} residents, {row['coverage']:.1%}"
    reach = f"{counted_stations(stations)} {'reaches' if stations == 1 else 'reach'}"
    return f"{reach} at most {most:.1%} of residents (a plan found: {shown})"


def without_shapes(table: pd.DataFrame) -> pd.DataFrame:
    """A table without its shapes."""
    import pandas as pd

    return pd.DataFrame(table.drop(columns="geometry", errors="ignore"))


def show(tables: Mapping[str, pd.DataFrame], form: str) -> None:
    """Tables on stdout: for reading, or as CSV (one after the other), JSON (an object of lists) or GeoJSON."""
    import geopandas as gpd

    from planner import store

    if form == "json":
        click.echo(json.dumps(_jsonable(tables), ensure_ascii=False, indent=2, allow_nan=False))
    for name, table in tables.items():
        if form == "geojson":
            click.echo(store.geojson_text(gpd.GeoDataFrame(table)))
        elif form == "csv":
            click.echo(store.csv_text(table), nl=False)
        elif form == "table":
            _show_table(name, table)


def _jsonable(tables: Mapping[str, pd.DataFrame]) -> Any:
    """The tables as lists of records; one table alone is its list."""
    from planner import store

    flat = {name: _with_days_as_text(store.with_lonlat_or_key(table)) for name, table in tables.items()}
    records = {name: store.plain(table.to_dict("records")) for name, table in flat.items()}
    return next(iter(records.values())) if len(records) == 1 else records


def _with_days_as_text(table: pd.DataFrame) -> pd.DataFrame:
    days = table.select_dtypes("datetime").columns
    return table.assign(**{str(name): table[name].dt.strftime("%Y-%m-%d") for name in days})


def _schema_of(name: str) -> Schema | None:
    from planner import schema

    known: Mapping[str, Schema] = {
        "stations": schema.SCORES,
        "towns": schema.TOWN_SCORES,
        "groups": schema.GROUP_SCORES,
        "sites": schema.SITES,
        "frontier": schema.FRONTIER,
        "needed": schema.NEEDED,
        "equity": schema.EQUITY,
        "reasons": schema.REASONS,
        "alternatives": schema.ALTERNATIVES,
        "plans": schema.NEAR_PLANS,
        "moves": schema.MOVES,
        "robust": schema.ROBUST,
        "standards": schema.STANDARDS,
        "functions": schema.FUNCTIONS,
        "targets": schema.TRACK,
        "coverage": schema.TOWN_PROGRESS,
        "area_targets": schema.AREA_TRACK,
        "area_coverage": schema.TOWN_PROGRESS,
        "access": schema.ACCESS,
        "areas": schema.AREA_SCORES,
        "indicators": schema.INDICATORS,
        "communities": schema.COMMUNITIES,
        "figures": schema.FIGURES,
        "lift": schema.LIFT,
        "rollout": schema.ROLLOUT,
        "life_circle": schema.LIFE_CIRCLE,
        "life_services": schema.LIFE_SERVICES,
        "life_places": schema.LIFE_PLACES,
        "composite": schema.COMPOSITE,
        "composite_moves": schema.COMPOSITE_MOVES,
    }
    return known.get(name)


MANY_ROWS = 100  # from here on a table is written line by line, in a tenth of the time that rich takes


def _show_table(name: str, table: pd.DataFrame) -> None:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from planner import store

    plain = _with_days_as_text(store.with_lonlat_or_key(table))
    width = None if sys.stdout.isatty() else 400
    known = _schema_of(name)
    headings = [_heading(str(column), known) for column in plain.columns]
    right = [pd.api.types.is_numeric_dtype(plain[column]) for column in plain.columns]
    names = [str(column) for column in plain.columns]
    rows = [[_cell(value, column) for value, column in zip(row, names, strict=True)] for row in plain.itertuples(index=False)]
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    lines = _drawn(name, headings, right, rows, console.width) if len(rows) >= MANY_ROWS else None
    if lines is not None:
        click.echo("\n".join(lines))
        return
    shown = Table(title=name, title_justify="left")
    for heading, justified in zip(headings, right, strict=True):
        shown.add_column(heading, justify="right" if justified else "left")
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def _heading(column: str, known: Schema | None) -> str:
    unit = known.get(column) if known else None
    return f"{column}\n({unit.unit})" if unit is not None and unit.unit else column


def _drawn(name: str, headings: list[str], right: list[bool], rows: list[list[str]], width: int) -> list[str] | None:
    """The lines of a table as rich draws it; None where it is wider than `width` or a cell has more than one line."""
    from rich.cells import cell_len

    head = [heading.split("\n") for heading in headings]
    if any(set(cell) & set("\n\r\t\x07\x08\x0b\x0c") for row in rows for cell in row):
        return None
    columns = zip(*rows, strict=True)
    widths = [max(*map(cell_len, lines), *map(cell_len, cells)) for lines, cells in zip(head, columns, strict=True)]
    wide = sum(widths) + 3 * len(widths) + 1
    if not cell_len(name) <= wide <= width:
        return None

    def line(cells: Sequence[str], edge: str, between: str) -> str:
        blank = [" " * (most - cell_len(cell)) for cell, most in zip(cells, widths, strict=True)]
        padded = [pad + cell if to_right else cell + pad for cell, pad, to_right in zip(cells, blank, right, strict=True)]
        return f"{edge} {f' {between} '.join(padded)} {edge}"

    def rule(left: str, along: str, between: str, end: str) -> str:
        return left + between.join(along * (most + 2) for most in widths) + end

    height = max(map(len, head))
    above = zip(*([""] * (height - len(lines)) + lines for lines in head), strict=True)
    return [
        name + " " * (wide - cell_len(name)),
        rule("┏", "━", "┳", "┓"),
        *(line(cells, "┃", "┃") for cells in above),
        rule("┡", "━", "╇", "┩"),
        *(line(cells, "│", "│") for cells in rows),
        rule("└", "─", "┴", "┘"),
    ]


_SHARES = ("floor", "completeness", "basic", "extended", "innovative", "quality", "both")
_FINE = ("gini", "theil", "stations_per_10000", "value", "score", "spearman", "detour")


def _cell(value: Any, column: str) -> str:
    import pandas as pd

    if pd.isna(value):
        return "–"
    if isinstance(value, float):
        if "coverage" in column or column.endswith("share") or column in _SHARES:
            return f"{value:.1%}"
        if column in _FINE or column.startswith("part_"):
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        return f"{value:,.6f}" if column in ("lon", "lat") else f"{value:,.1f}".removesuffix(".0")
    return str(value)
