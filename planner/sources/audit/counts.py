"""Small counts of key groups in the tables of an output folder, and sums that give an empty one away."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docx
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio

from planner.errors import Fault
from planner.privacy import NOBODY, too_small
from planner.sources.audit.cells import needs_told, small_cells
from planner.sources.files.text import decode

FAMILIES = ("pop_", "covered_", "served_", "gain_")
COUNTS = ("total", "covered")  # of the table of groups
PLAIN = re.compile(r"\d[\d,]*(?:\.\d+)?")
SMALL = "a count of the key group {!r} is below {:g}"
MEND = "write the output again with this version, or remove the file"
GIVEN_AWAY = "what is shown of the key group {!r} gives an empty count away"


@dataclass(frozen=True)
class Groups:
    """The key groups whose counts are people's: label by name; and below how many a count is small."""

    labels: Mapping[str, str]
    minimum: float

    @classmethod
    def of_folder(cls, folder: Path) -> Groups:
        """The groups that an output folder names itself (``groups.csv``, ``manifest.json``); none where it is no output."""
        labels: dict[str, str] = {}
        if (folder / "groups.csv").is_file():
            table = pd.read_csv(folder / "groups.csv", encoding="utf-8-sig")
            people = table["of"] == "people" if "of" in table else pd.Series(data=True, index=table.index)
            rows = table[people & (table["group"] != "residents")]
            labels = dict(zip(rows["group"].astype(str), rows["label"].astype(str), strict=True))
        return cls(labels, _minimum_of(folder))


def _minimum_of(folder: Path) -> float:
    try:
        settings = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["settings"]
        return float(settings["privacy"]["minimum_count"])
    except (OSError, ValueError, KeyError, TypeError):
        return 10.0


def small_counts(path: Path, said: str, groups: Groups) -> Iterator[Fault]:
    """Counts of a key group in one file that are above 0 and below the minimum; never the count itself."""
    readers = {".xlsx": _of_workbook, ".docx": _of_document, ".html": _of_page}
    suffix = path.suffix.lower()
    if suffix in readers:
        yield from readers[suffix](path, said, groups)
        return
    for where, table in tables_of(path):
        place = f"{said}, {where}" if where else said
        for column, group in _count_columns(table, groups):
            values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64)
            rows = np.flatnonzero(too_small(np.nan_to_num(values), groups.minimum))
            if column in COUNTS:
                rows = np.array([row for row in rows if str(table["group"].iloc[row]) in groups.labels], dtype=np.int64)
            if len(rows):
                name = group or str(table["group"].iloc[rows[0]])
                yield Fault(
                    f"{SMALL.format(name, groups.minimum)} in {len(rows)} rows",
                    MEND,
                    place,
                    _row_of(table, int(rows[0])),
                    column,
                )


def tables_of(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """The tables in a data file, with the layer each is; none where it is no table.

    Raises
    ------
    OSError, ValueError
        If the file is not what its ending says.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield "", pd.read_csv(io.StringIO(decode(path.read_bytes(), path.name)))
    elif suffix == ".parquet":
        yield "", pd.DataFrame(pd.read_parquet(path))
    elif suffix == ".geojson":
        yield "", pd.DataFrame(gpd.read_file(path).drop(columns="geometry"))
    elif suffix == ".gpkg":
        for layer in pyogrio.list_layers(path)[:, 0]:
            yield str(layer), pd.DataFrame(pyogrio.read_dataframe(path, layer=layer, read_geometry=False))


def _count_columns(table: pd.DataFrame, groups: Groups) -> Iterator[tuple[str, str]]:
    """Columns that count a key group, and which; the table of groups counts each in its row."""
    for column in map(str, table.columns):
        prefix = next((family for family in FAMILIES if column.startswith(family)), "")
        if prefix and column.removeprefix(prefix) in groups.labels:
            yield column, column.removeprefix(prefix)
        elif column in COUNTS and "group" in table.columns:
            yield column, ""


def _row_of(table: pd.DataFrame, row: int) -> str:
    """A row as the folder's own tables call it: by its key."""
    return str(table.iloc[row, 0])


def _of_workbook(path: Path, said: str, groups: Groups) -> Iterator[Fault]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            rows = [list(row) for row in sheet.iter_rows(values_only=True)]
            yield from _of_grid(rows, f"{said}, {sheet.title}", groups)
    finally:
        book.close()


def _of_document(path: Path, said: str, groups: Groups) -> Iterator[Fault]:
    for number, table in enumerate(docx.Document(str(path)).tables, 1):
        rows = [[_plain(cell.text) for cell in row.cells] for row in table.rows]
        yield from _of_grid(rows, f"{said}, table {number}", groups)


def _of_page(path: Path, said: str, groups: Groups) -> Iterator[Fault]:
    """The tables of a planning map (columns with labels, rows of values), and its packed cells."""
    found = re.search(r'<script type="application/json" id="atlas-data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
    data = json.loads(found[1]) if found else {}
    cells, place = data.get("cells") or {}, f"{said}, the cells of the map"
    for group, count in small_cells(cells, groups.labels, groups.minimum).items():
        yield Fault(f"{SMALL.format(group, groups.minimum)} in {count} cells", MEND, place)
    for group, count in needs_told(cells, groups.labels).items():
        yield Fault(f"need is shown where the count of {group!r} is empty, in {count} cells", MEND, place)
    for name, table in (data.get("tables") or {}).items():
        if table is not None:
            header = [" ".join(str(text) for text in column["label"].values()) for column in table["columns"]]
            yield from _of_grid([header, *table["rows"]], f"{said}, the table {name}", groups)


def _of_grid(rows: Sequence[Sequence[Any]], place: str, groups: Groups) -> Iterator[Fault]:
    """Small counts in a table for people: in columns whose heading names a group, and in the row of a group its people."""
    if not rows:
        return
    header = [str(cell or "") for cell in rows[0]]
    for column, heading in enumerate(header):
        group = next((name for name, label in groups.labels.items() if label in heading or name in heading), None)
        small = [number for number, row in enumerate(rows[1:], 2) if _is_small(row, column, groups.minimum)]
        if group is not None and small:
            yield Fault(f"{SMALL.format(group, groups.minimum)} in {len(small)} rows", MEND, place, small[0])
    for number, row in enumerate(rows[1:], 2):
        names = {str(cell) for cell in row[:3]}
        group = next((name for name, label in groups.labels.items() if label in names or name in names), None)
        counted = [column for column, heading in enumerate(header) if re.search(r"people|人数|（人）", heading)]
        if group is not None and any(_is_small(row, column, groups.minimum) for column in counted):
            yield Fault(SMALL.format(group, groups.minimum), MEND, place, number)


def _is_small(row: Sequence[Any], column: int, minimum: float) -> bool:
    value = row[column] if column < len(row) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(too_small([float(value)], minimum)[0])


def _plain(text: str) -> float | str:
    return float(text.replace(",", "")) if PLAIN.fullmatch(text.strip()) else text


def differences(folder: Path, groups: Groups) -> Iterator[Fault]:
    """Sums of a folder's tables that give an empty or small count away: by total, by town, by demand point, and need."""
    held = {name: next(iter(tables_of(folder / name)), None) for name in FILES if (folder / name).is_file()}
    tables = {name: found[1] for name, found in held.items() if found is not None}
    scores = tables.get("groups.csv")
    if scores is None:
        return
    scores = scores.set_index("group")
    for group in (name for name in groups.labels if name in scores.index):
        total, covered = (float(str(scores.at[group, name])) for name in ("total", "covered"))
        if too_small([np.nan_to_num(total - covered)], groups.minimum)[0] and covered > 0:
            yield Fault(GIVEN_AWAY.format(group), MEND, "groups.csv", group, "covered")
        yield from _of_towns(tables, group, covered, groups.minimum)
        yield from _of_points(tables, group, covered, groups.minimum)
        yield from _of_need(tables, group)
        yield from _of_sums_of_need(folder, tables, group)


FILES = ("groups.csv", "towns.csv", "demand.parquet", "sites.csv")


def _of_towns(tables: Mapping[str, pd.DataFrame], group: str, covered: float, minimum: float) -> Iterator[Fault]:
    towns = tables.get("towns.csv")
    column = f"covered_{group}"
    if towns is None or column not in towns or np.isnan(covered):
        return
    if _gives_away(covered, towns[column].to_numpy(dtype=np.float64), minimum):
        yield Fault(GIVEN_AWAY.format(group), MEND, "towns.csv", None, column)


def _of_points(tables: Mapping[str, pd.DataFrame], group: str, covered: float, minimum: float) -> Iterator[Fault]:
    """Demand points of each town that reach a station, against the town's count; and of all towns against the district's."""
    demand, column = tables.get("demand.parquet"), f"pop_{group}"
    if demand is None or column not in demand:
        return
    reached = demand[demand["covered"].astype(bool)]
    sums: dict[str, float] = {} if np.isnan(covered) else {"": covered}
    towns = tables.get("towns.csv")
    if towns is not None and f"covered_{group}" in towns:
        sums |= dict(zip(towns["town"].astype(str), towns[f"covered_{group}"].astype(float), strict=True))
    for town, people in sums.items():
        here = reached if not town else reached[reached["town"] == town]
        if not np.isnan(people) and _gives_away(people, here[column].to_numpy(dtype=np.float64), minimum):
            yield Fault(GIVEN_AWAY.format(group), MEND, "demand.parquet", town or None, column)


def _gives_away(total: float, shown: np.ndarray, minimum: float) -> bool:
    """Whether a sum less what is shown leaves one empty count that is not nothing, or too few people."""
    empty = int(np.isnan(shown).sum())
    left = total - float(np.nansum(shown))
    return empty > 0 and left > max(NOBODY, 1e-3) and (empty == 1 or bool(too_small([left + 1e-3], minimum)[0]))


def _of_need(tables: Mapping[str, pd.DataFrame], group: str) -> Iterator[Fault]:
    """Need beside an empty count: the weights are published, so that it can be worked out."""
    for file, column, need in (("demand.parquet", f"pop_{group}", "need"), ("sites.csv", f"gain_{group}", "gain_need")):
        table = tables.get(file)
        if table is not None and {column, need} <= set(table.columns):
            told = np.flatnonzero(table[column].isna() & table[need].notna())
            if len(told):
                yield Fault(
                    f"{need} is shown where the count of {group!r} is empty", MEND, file, _row_of(table, int(told[0])), need
                )


def _of_sums_of_need(folder: Path, tables: Mapping[str, pd.DataFrame], group: str) -> Iterator[Fault]:
    """Need covered by a plan beside the empty gain of a site, and any sum of need where it counts more in areas of priority."""
    summary = folder / "summary.json"
    said = json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else {}
    plan = said.get("plan") or {}
    has_areas = (folder / "areas.csv").is_file()
    for told, file, column, matters in (
        (plan.get("need_covered_after"), "sites.csv", f"gain_{group}", True),
        (said.get("need"), "demand.parquet", f"pop_{group}", has_areas),
    ):
        table = tables.get(file)
        if matters and told is not None and table is not None and column in table and table[column].isna().any():
            yield Fault(f"a sum of need is shown where a count of {group!r} is empty", MEND, "summary.json", None, column)
