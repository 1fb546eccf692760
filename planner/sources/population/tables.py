"""A table that counts people, past the door: places in the study's CRS or towns, and counts; nothing else of it is kept."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from planner.errors import Fault, PlannerError, PlannerWarning, SourceError, TableError, say_faults
from planner.schema import CANDIDATES, DEMAND, TOWNS, as_numbers, fold, is_blank, without_unit
from planner.sources.files.opening import LAYER
from planner.sources.files.points import PAIRS, positions_of, split_pairs
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.files.shapes import place_rows
from planner.sources.population.door import SAMPLE, holds_personal, is_countable, is_record, personal_columns, shown_header

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.object_]  # row numbers as the user sees them

COUNT_WORDS = tuple(
    word
    for column in (DEMAND["population"], TOWNS["population"])
    for word in (column.name, column.en, column.zh, *column.aliases, "人数", "总人数", "合计", "people", "persons")
)
EMPLOYER_WORDS = ("employers", "firms", "企业数", "用人单位数", "单位数", "法人单位数", "户数", "count", "数量")
JOB_WORDS = (
    "jobs", "employees", "workers", "岗位数", "就业岗位", "就业岗位数", "从业人员", "从业人数", "从业人员数", "就业人数",
    "用工人数", "职工人数", "员工人数", "参保人数", "count",
)  # fmt: skip
_TOWN_WORDS = ("街镇名称", "街道名称", "乡镇名称", "所属街道", "所在街镇")  # beyond the schema's own
_POINT, _ZONES = shapely.GeometryType.POINT, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


_SUM = re.compile(r"(本页|全区|全县|全市)?(合计|小计|总计|共计|总和)|(sub|grand)?totals?")  # folded, without what follows

MOST_OF_A_ROW = 1e7  # people of a group: no town and no zone has so many, but a telephone number is as large

_SUM_PARTS = ("计", "总和", "otal", "OTAL")  # most cells have none


@dataclass(frozen=True, eq=False)
class CountAsk:
    """What to read of a table.

    Parameters
    ----------
    path, file
        Where it is, and how the user names it.
    columns
        For each count the headers it may have, the first that is there counting; one header means the user named it.
    coordinates
        A datum, or an EPSG code.
    private
        Whether the rows are people's records: then no message repeats a cell.
    one_each
        Whether a table without a column of counts is a list, one row a person.
    suppressed
        By count, the number that stands for one that was held back; read as 0.
    layer
        Which layer of a file with several, or which sheet of a workbook.
    by_town
        Whether rows are placed by the town they name, whatever else the table says of where they are.
    """

    path: Path
    file: str
    columns: Mapping[str, tuple[str, ...]]
    coordinates: str = "wgs84"
    private: bool = False
    one_each: bool = False
    suppressed: Mapping[str, float] = field(default_factory=dict)
    layer: str | None = None
    by_town: bool = False


@dataclass(frozen=True, eq=False)
class CountTable:
    """What passed the door, one entry a row: counts, `xy` of points or `zones` in the CRS asked for, `towns` as written."""

    file: str
    private: bool
    rows: Rows
    counts: Mapping[str, Floats]
    _: KW_ONLY
    xy: Floats | None = None
    zones: Shapes | None = None
    towns: Sequence[str] = ()

    @property
    def by_town(self) -> bool:
        return self.xy is None and self.zones is None


def read_counts(ask: CountAsk, crs: pyproj.CRS) -> CountTable:
    """Read a table's counts and places, and nothing else of it.

    Raises
    ------
    SourceError
        If the file cannot be read.
    CrsError
        If its geometries have no CRS.
    TableError
        With every fault at once: no column of counts or of places; counts that are empty, negative or no numbers;
        coordinates out of range; geometries that are empty or of the wrong kind. No fault of a private file has a value.
    """
    frame, others, faults = _past_the_door(ask)
    rows = frame[ROW].to_numpy(dtype=object)
    chosen, found = _chosen_columns(ask, frame, others)
    faults += found
    counts = {what: np.ones(len(frame)) for what in ask.columns} if ask.one_each and not chosen and not found else {}
    for what, header in chosen.items():
        counts[what], found = _numbers(frame[header], what, ask, rows)
        faults += found
    placed, found = _places(ask, frame, crs, rows)
    faults += found
    if not len(frame) and not faults:
        faults = [Fault("the table has no rows", "write one at least", ask.file)]
    if faults:
        said = [_discreet(fault) for fault in faults] if ask.private else faults
        raise TableError(say_faults(said), said, "population")
    return replace(placed, counts=counts)


class _Door:
    """What passes of a table, block by block: the columns that are needed. Of the others only a sample is looked at."""

    def __init__(self, ask: CountAsk) -> None:
        self.ask = ask
        self.sample = pd.DataFrame()
        self.countable: dict[str, bool] = {}  # of the columns that stay outside
        self._rows = 0
        self._sums: dict[str, list[Any]] = {}  # by header, the rows in which it says that they add up others

    def admit(self, block: Any) -> Any:
        own = block.loc[:, ~block.columns.duplicated()]
        for header in own.columns[[pd.api.types.is_string_dtype(kind) for kind in own.dtypes]]:
            self._sums.setdefault(header, []).extend(own[ROW].iloc[_sums_among(own[header].tolist())])
        if not self._rows:
            self.sample = pd.DataFrame(own.head(SAMPLE)).copy()
        self._rows += len(own)
        place = own.active_geometry_name if isinstance(own, gpd.GeoDataFrame) else ROW
        kept = [name for name in own.columns if name in (ROW, place) or is_needed(str(name), self.ask)]
        for name in own.columns.difference(kept, sort=False):
            if self.countable.get(str(name), True) and not all(map(is_blank, own[name])):
                self.countable[str(name)] = is_countable(str(name), own[name])
        return own[kept].copy()  # a view would keep the whole block

    def without_sums(self, frame: Any) -> tuple[Any, list[Fault]]:
        """The rows without those that add up others (合计, 小计), whose people would be counted twice; each is a fault.

        A column that says so in every row is what the whole table is of, and no sum of its rows.
        """
        told = [row for rows in self._sums.values() if len(rows) < self._rows for row in rows]
        if not told:
            return frame, []
        sums = frame[ROW].isin(told).to_numpy()
        problem, mend = "the row adds up others", "remove it, for its people would be counted twice"
        return frame[~sums], [Fault(problem, mend, self.ask.file, row) for row in frame[ROW][sums]]


def _discreet(fault: Fault) -> Fault:
    """A fault of a private file: without the cell, and without what stands in brackets behind the words of a header."""
    return replace(fault, value=None, column=fault.column and without_unit(fault.column))


def _past_the_door(ask: CountAsk) -> tuple[Any, list[str], list[Fault]]:
    """The rows with the columns that are needed, the other headers that may be said aloud, and rows that cannot be read."""

    def recognise(header: str) -> str | None:
        return header if is_needed(header, ask) else None

    refusal, door = "", _Door(ask)
    try:
        read = read_rows(ask.path, ask.file, recognise, ask.layer, admit=door.admit)
    except PlannerError as error:
        if not ask.private:
            raise
        refusal = _refusal(ask, error)
    if refusal:  # raised anew: what caused it may hold a piece of the file
        raise SourceError(refusal, source=ask.file)
    frame, summed = door.without_sums(read.frame)
    place = frame.active_geometry_name if isinstance(frame, gpd.GeoDataFrame) else ROW
    every = read.headers or tuple(map(str, frame.columns))
    headers = [name for name in dict.fromkeys(every) if name not in (ROW, place)]
    doubled = [name for name in headers if every.count(name) > 1 and recognise(name)]
    others = [name for name in headers if not recognise(name)]
    dropped = _greet(ask, door.sample, headers, others) if ask.private else []
    faults = [*read.faults, *summed, *(Fault("the header stands twice", "keep one", ask.file, column=name) for name in doubled)]
    told = [name for name in others if not ask.private or (name not in dropped and door.countable.get(name, False))]
    return frame, told, faults


def _sums_among(cells: Sequence[Any]) -> list[int]:
    """The positions of cells that say that their row adds up others."""
    try:
        together = "\n".join(cells)
    except TypeError:  # not all of them are text
        together = "\n".join(cell for cell in cells if isinstance(cell, str))
    if not any(part in together for part in _SUM_PARTS):  # most columns, at once
        return []
    return [i for i, cell in enumerate(cells) if isinstance(cell, str) and is_sum(cell)]


def is_sum(cell: str) -> bool:
    """Whether a cell says that its row adds up others.

    >>> is_sum(" 合 计："), is_sum("小计 199人"), is_sum("Total"), is_sum("合计镇")
    (True, True, True, False)
    """
    return any(part in cell for part in _SUM_PARTS) and bool(_SUM.fullmatch(re.sub(r"[\W\d]*[人个名]?$", "", fold(cell))))


def _refusal(ask: CountAsk, error: PlannerError) -> str:
    """Why a private file cannot be read; layers and sheets are not named, for they may be called after people."""
    if any(fault.column == LAYER for fault in error.faults):
        mend = "say which is meant with layer; layers and sheets of a list of people are not named here"
        return str(Fault("the file has several layers, or none of the name asked for", mend, ask.file))
    return str(error)


def is_needed(header: str, ask: CountAsk) -> bool:
    """Whether a header is of a place or of a count that is asked for: the only columns that pass the door."""
    words = {fold(word) for names in ask.columns.values() for word in names}
    return not words.isdisjoint(_said(header)) or _place_of(header, ask) is not None


def _greet(ask: CountAsk, frame: pd.DataFrame, headers: Sequence[str], others: Sequence[str]) -> list[str]:
    """Headers of the columns that tell who people are, which stay outside; a warning names them."""
    if is_record(headers):
        fault = Fault("the first row is a record, not headers", "write headers above it, such as lon, lat", ask.file, 1)
        raise TableError(str(fault), [fault], "population")
    dropped = personal_columns(frame, others)
    if dropped:
        said = ", ".join(shown_header(name, headers.index(name)) for name in dropped)
        warnings.warn(f"{ask.file}: {said} may tell who people are; dropped at the door", PlannerWarning, stacklevel=2)
    return dropped


def _place_of(header: str, ask: CountAsk) -> str | None:
    """``lon``, ``lat``, ``pair`` (both in one cell) or ``town``, where a header says one of them.

    A column called ``name`` may be the towns' in a table of counts, never in a list of people.
    """
    said = _said(header)
    if any(word in PAIRS for word in said):
        return "pair"
    if any(word in _TOWN_WORDS or (not ask.private and TOWNS["town"].matches(word)) for word in said):
        return "town"
    return next((name for name in ("lon", "lat", "town") for word in said if CANDIDATES[name].matches(word)), None)


def _said(header: str) -> tuple[str, str]:
    """A header as it is compared: whole, and without the unit in brackets at its end."""
    return fold(header), fold(without_unit(header))


def _chosen_columns(ask: CountAsk, frame: pd.DataFrame, others: Sequence[str]) -> tuple[dict[str, str], list[Fault]]:
    """For each count the header that holds it, and what is missing or is no count at all."""
    chosen, faults = {}, []
    for what, words in ask.columns.items():
        header = next((str(name) for word in words for name in frame.columns if fold(word) in _said(str(name))), None)
        if header is None and not (ask.one_each and len(words) > 1):
            faults.append(_missing(ask, what, words, others))
        elif header is not None and ask.private and holds_personal(frame[header].head(SAMPLE).tolist()):
            problem = "the column holds what looks like people's names or numbers, not counts"
            faults.append(Fault(problem, "name a column of counts, or none for one row a person", ask.file, column=header))
        elif header is not None:
            chosen[what] = header
    return chosen, faults


def _missing(ask: CountAsk, what: str, words: Sequence[str], others: Sequence[str]) -> Fault:
    near = difflib.get_close_matches(words[0], others, n=1, cutoff=0.5) if len(words) == 1 else []
    there = ", ".join(others[:20]) or "none but places"
    mend = f"did you mean {near[0]!r}?" if near else f"name it with column; there are {there}"
    problem = f"there is no column {words[0]!r}" if len(words) == 1 else f"no column counts the {what}"
    return Fault(problem, mend, ask.file)


def _numbers(values: pd.Series[Any], what: str, ask: CountAsk, rows: Rows) -> tuple[Floats, list[Fault]]:
    """A column as counts >= 0, and the rows that are none."""
    header = str(values.name)
    numbers = as_numbers(values.tolist())
    blank = np.zeros(len(numbers), dtype=bool)
    blank[~np.isfinite(numbers)] = values[~np.isfinite(numbers)].map(is_blank).to_numpy(dtype=bool)
    if what in ask.suppressed:
        numbers = _unsuppressed(numbers, header, what, ask)
    problems = [
        (blank, "the count is empty", "write 0 where there is nobody"),
        (~np.isfinite(numbers) & ~blank, "the count is not a number", "write digits only"),
        (numbers < 0, "the count is negative", "write 0 or more"),
        (ask.private & (numbers >= MOST_OF_A_ROW), "the number is too large for a count of people", "write how many there are"),
    ]
    faults = [
        Fault(problem, mend, ask.file, rows[i], header, None if blank[i] else str(values.iloc[i]))
        for bad, problem, mend in problems
        for i in np.flatnonzero(bad)
    ]
    return numbers, faults


def _unsuppressed(numbers: Floats, header: str, what: str, ask: CountAsk) -> Floats:
    held = numbers == ask.suppressed[what]
    if held.any():
        said = f"{int(held.sum())} of {len(held)} rows of {header!r} are held back and read as 0: {what} is counted too low"
        warnings.warn(f"{ask.file}: {said}", PlannerWarning, stacklevel=2)
    return np.where(held, 0.0, numbers)


def _places(ask: CountAsk, frame: Any, crs: pyproj.CRS, rows: Rows) -> tuple[CountTable, list[Fault]]:
    """A table without its counts: where the rows are, by their geometries, their coordinates, or else the towns they name."""
    headers = {_place_of(str(name), ask): str(name) for name in reversed(frame.columns)}
    towns = ["" if is_blank(cell) else str(cell) for cell in frame[headers["town"]]] if "town" in headers else ()
    table = CountTable(ask.file, ask.private, rows, {}, towns=towns)
    if isinstance(frame, gpd.GeoDataFrame) and not ask.by_town:
        placed, faults = place_rows(frame, ask.file, ask.coordinates, str(crs))
        if faults:
            return table, faults
        shapes, faults = _checked_shapes(ask, np.asarray(placed.geometry, dtype=object), rows)
        points = bool(np.all(shapely.get_type_id(shapes) == _POINT))
        return replace(table, **{"xy": shapely.get_coordinates(shapes)} if points else {"zones": shapes}), faults
    named: dict[str, str] = {headers[name]: name for name in ("lon", "lat") if name in headers}
    if not named and "pair" in headers:
        named = {headers["pair"]: headers["pair"]}
    if named and not ask.by_town:
        own = frame[[*named, ROW]].rename(columns=named)
        _, xy, faults = positions_of(split_pairs(own), ask.file, ask.coordinates, str(crs))
        return replace(table, xy=xy), faults
    if "town" in headers:
        return table, []
    mend = "add town (街镇)" if ask.by_town else "add lon and lat (经度, 纬度), or town (街镇)"
    return table, [Fault("nothing says where the rows are", mend, ask.file)]


def _checked_shapes(ask: CountAsk, shapes: Shapes, rows: Rows) -> tuple[Shapes, list[Fault]]:
    """Points, or zones that have an area; zones that cross themselves are mended, with a warning."""
    kinds = shapely.get_type_id(shapes)
    broken = np.isin(kinds, _ZONES) & ~shapely.is_valid(shapes)
    if broken.any():
        shapes = shapes.copy()
        shapes[broken] = shapely.buffer(shapely.make_valid(shapes[broken]), 0)
        said = f"{int(broken.sum())} zones cross themselves and were mended; the first is row {rows[np.argmax(broken)]}"
        warnings.warn(f"{ask.file}: {said}", PlannerWarning, stacklevel=2)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (np.isin(kinds, _ZONES) & (shapely.area(shapes) <= 0))
    other = ~empty & ~np.isin(kinds, (_POINT, *_ZONES))
    faults = [Fault("the place is empty or has no area", "draw it", ask.file, rows[i]) for i in np.flatnonzero(empty)]
    faults += [
        Fault("the place is neither a point nor a polygon", "people are counted at points or in zones", ask.file, rows[i])
        for i in np.flatnonzero(other)
    ]
    if not faults and len(np.unique(kinds == _POINT)) > 1:
        faults.append(Fault("points and polygons are mixed", "put them into two files", ask.file))
    return shapes, faults
