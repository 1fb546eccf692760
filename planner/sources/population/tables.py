"""A table that counts people, past the door: places in the study's CRS or towns, and counts; nothing else of it is kept."""

from __future__ import annotations

import difflib
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from planner.datum import to_wgs84
from planner.errors import CrsError, Fault, PlannerError, PlannerWarning, SourceError, TableError
from planner.schema import CANDIDATES, DEMAND, TOWNS, fold
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.population.door import SAMPLE, holds_personal, is_record, personal_columns, shown_header
from planner.study import DATUMS

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]

COUNT_WORDS = tuple(
    dict.fromkeys(
        word
        for column in (DEMAND["population"], TOWNS["population"])
        for word in (column.name, column.en, column.zh, *column.aliases, "人数", "总人数", "合计", "people", "persons")
    )
)
_WGS84 = pyproj.CRS("EPSG:4326")
_POINT, _POLYGON, _MULTIPOLYGON, _COLLECTION = 0, 3, 6, 7  # shapely's type numbers


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
    """

    path: Path
    file: str
    columns: Mapping[str, tuple[str, ...]]
    coordinates: str = "wgs84"
    private: bool = False
    one_each: bool = False
    suppressed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CountTable:
    """What passed the door, one entry a row: counts, and either `shapes` in the CRS asked for or `towns` as written."""

    file: str
    private: bool
    rows: npt.NDArray[np.object_]
    counts: Mapping[str, Floats]
    shapes: Shapes | None = None
    towns: npt.NDArray[np.object_] | None = None

    @property
    def are_zones(self) -> bool:
        return self.shapes is not None and bool(np.any(shapely.get_type_id(self.shapes) != _POINT))


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
        coordinates out of range; geometries that are empty or of the wrong kind.
    """
    frame, faults = _rows_past_the_door(ask)
    headers = [str(name) for name in frame.columns if name not in (ROW, _geometry_name(frame))]
    chosen, missing = _chosen_columns(ask, frame, headers)
    faults += missing
    rows = frame[ROW].to_numpy(dtype=object)
    counts = {}
    for what, header in chosen.items():
        counts[what], found = _numbers(frame[header], header, what, ask, rows)
        faults += found
    if ask.one_each and not chosen and not missing:
        counts = {what: np.ones(len(frame)) for what in ask.columns}
    shapes, towns, found = _places(ask, frame, headers, crs, rows)
    faults += found
    if faults:
        kind = CrsError if any(fault.problem.startswith("the geometries have no CRS") for fault in faults) else TableError
        raise kind(f"population: {TableError.of(faults)}", faults, "population")
    return CountTable(ask.file, ask.private, rows, counts, shapes, towns)


def _rows_past_the_door(ask: CountAsk) -> tuple[pd.DataFrame, list[Fault]]:
    """The file's rows; of people's records without the columns that tell who they are."""
    words = [fold(word) for names in ask.columns.values() for word in names]

    def recognise(header: str) -> str | None:
        return header if fold(header) in words or _place_of(header) else None

    refusal = ""
    try:
        read = read_rows(ask.path, ask.file, recognise)
    except PlannerError as error:
        if not ask.private:
            raise
        refusal = str(error)
    if refusal:  # raised anew: what caused it may hold a piece of the file
        raise SourceError(refusal, source=ask.file)
    frame = read.frame
    if not ask.private:
        return frame, list(read.faults)
    headers = [str(name) for name in frame.columns if name not in (ROW, _geometry_name(frame))]
    if is_record(headers):
        fault = Fault("the first row is a record, not headers", "write headers above it: lon, lat", ask.file, 1)
        raise TableError(str(fault), [fault], "population")
    needed = [name for name in headers if fold(name) in words or _place_of(name)]
    dropped = personal_columns(frame, [name for name in headers if name not in needed])
    if dropped:
        said = ", ".join(shown_header(name, headers.index(name)) for name in dropped)
        warnings.warn(f"{ask.file}: {said} may tell who people are; dropped at the door", PlannerWarning, stacklevel=2)
    kept = [name for name in frame.columns if name in needed or name in (ROW, _geometry_name(frame))]
    return frame[kept], [Fault(fault.problem, fault.mend, ask.file, fault.row) for fault in read.faults]


def _place_of(header: str) -> str | None:
    """``lon``, ``lat`` or ``town``, where a header says one of them."""
    return next((name for name in ("lon", "lat", "town") if _says(header, name)), None)


def _says(header: str, name: str) -> bool:
    return CANDIDATES[name].matches(header) or (name == "town" and fold(header) in map(fold, _TOWN_WORDS))


_TOWN_WORDS = ("街镇名称", "镇名", "街道名称", "乡镇名称", "所属街道", "所在街镇")


def _geometry_name(frame: pd.DataFrame) -> str | None:
    return frame.active_geometry_name if isinstance(frame, gpd.GeoDataFrame) else None


def _chosen_columns(ask: CountAsk, frame: pd.DataFrame, headers: Sequence[str]) -> tuple[dict[str, str], list[Fault]]:
    """For each count the header that holds it, and what is missing or is no count at all."""
    chosen, faults = {}, []
    for what, words in ask.columns.items():
        header = next((name for word in words for name in headers if fold(name) == fold(word)), None)
        if header is None and not (ask.one_each and len(words) != 1):
            faults.append(_missing(ask, what, words, headers))
        elif header is not None and ask.private and holds_personal(frame[header].head(SAMPLE).tolist()):
            problem = "the column holds what looks like people's names or numbers, not counts"
            faults.append(Fault(problem, "name a column of counts, or none for one row a person", ask.file, column=header))
        elif header is not None:
            chosen[what] = header
    return chosen, faults


def _missing(ask: CountAsk, what: str, words: Sequence[str], headers: Sequence[str]) -> Fault:
    said = [name for name in headers if shown_header(name, 0).startswith("'")]
    if len(words) == 1:
        near = difflib.get_close_matches(words[0], said, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"the columns are {', '.join(said)}" if said else "add it"
        return Fault(f"there is no column {words[0]!r}", mend, ask.file)
    mend = f"name it with column; the columns are {', '.join(said)}" if said else "name it with column"
    return Fault(f"no column counts the people of {what!r}", mend, ask.file)


def _numbers(
    values: pd.Series[Any], header: str, what: str, ask: CountAsk, rows: npt.NDArray[np.object_]
) -> tuple[Floats, list[Fault]]:
    """A column as counts >= 0, and the rows that are none."""
    plain = values.map(_plain_number, na_action="ignore")
    blank = plain.isna() | (plain == "")
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64)
    if what in ask.suppressed:
        held = numbers == ask.suppressed[what]
        numbers = np.where(held, 0.0, numbers)
        if held.any():
            said = f"{int(held.sum())} of {len(held)} rows of {header!r} are held back and read as 0; {what} is counted too low"
            warnings.warn(f"{ask.file}: {said}", PlannerWarning, stacklevel=2)
    problems = [
        (blank.to_numpy(), "the count is empty", "write 0 where there is nobody"),
        (~np.isfinite(numbers) & ~blank.to_numpy(), "the count is not a number", "write digits only"),
        (numbers < 0, "the count is negative", "write 0 or more"),
    ]
    faults = [
        Fault(problem, mend, ask.file, rows[i], header, None if ask.private else str(values.iloc[i]))
        for bad, problem, mend in problems
        for i in np.flatnonzero(bad)
    ]
    return numbers, faults


def _plain_number(value: Any) -> Any:
    return unicodedata.normalize("NFKC", value).strip().replace(",", "") if isinstance(value, str) else value


def _places(
    ask: CountAsk, frame: pd.DataFrame, headers: Sequence[str], crs: pyproj.CRS, rows: npt.NDArray[np.object_]
) -> tuple[Shapes | None, npt.NDArray[np.object_] | None, list[Fault]]:
    """Where the rows are: their geometries, their coordinates, or else the towns they name."""
    if isinstance(frame, gpd.GeoDataFrame):
        shapes, faults = _shapes_of(ask, frame, rows)
        own = frame.crs or (None if ask.coordinates in DATUMS else pyproj.CRS(ask.coordinates))
        if own is None:
            mend = 'say which with coordinates = "EPSG:4326", or whichever it is'
            return None, None, [*faults, Fault("the geometries have no CRS", mend, ask.file)]
        return (None, None, faults) if faults else _projected(ask, shapes, pyproj.CRS(own), crs, rows)
    by_name = {name: next((h for h in headers if _place_of(h) == name), None) for name in ("lon", "lat", "town")}
    if by_name["lon"] and by_name["lat"]:
        points, faults = _points_of(ask, frame, by_name["lon"], by_name["lat"], rows)
        own = _WGS84 if ask.coordinates in DATUMS else pyproj.CRS(ask.coordinates)
        return (None, None, faults) if faults else _projected(ask, points, own, crs, rows)
    if by_name["town"]:
        named = frame[by_name["town"]].astype("string").fillna("")
        return None, named.to_numpy(dtype=object), []
    mend = "add lon and lat (经度, 纬度), or town (街镇)"
    return None, None, [Fault("nothing says where the rows are", mend, ask.file)]


def _points_of(
    ask: CountAsk, frame: pd.DataFrame, lon: str, lat: str, rows: npt.NDArray[np.object_]
) -> tuple[Shapes, list[Fault]]:
    faults, columns = [], []
    in_degrees = ask.coordinates in DATUMS or pyproj.CRS(ask.coordinates).is_geographic
    for header, most in ((lon, 180.0), (lat, 90.0)):
        plain = frame[header].map(_plain_number, na_action="ignore")
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64)
        wrong = ~np.isfinite(numbers)
        beyond = ~wrong & (np.abs(numbers) > most) & in_degrees
        for bad, problem in ((wrong, "the coordinate is not a number"), (beyond, f"the coordinate is beyond ±{most:g}°")):
            mend = "write degrees such as 121.25; longitude and latitude may be swapped"
            faults += [
                Fault(problem, mend, ask.file, rows[i], header, None if ask.private else str(frame[header].iloc[i]))
                for i in np.flatnonzero(bad)
            ]
        columns.append(numbers)
    return (np.zeros(0, dtype=object) if faults else np.asarray(shapely.points(*columns), dtype=object)), faults


def _shapes_of(ask: CountAsk, frame: gpd.GeoDataFrame, rows: npt.NDArray[np.object_]) -> tuple[Shapes, list[Fault]]:
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    kinds = shapely.get_type_id(shapes)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~empty & ~np.isin(kinds, (_POINT, _POLYGON, _MULTIPOLYGON))
    faults = [Fault("the geometry is empty", "draw it or remove the row", ask.file, rows[i]) for i in np.flatnonzero(empty)]
    faults += [
        Fault("the geometry is neither a point nor a polygon", "people are counted at points or in zones", ask.file, rows[i])
        for i in np.flatnonzero(other)
    ]
    if not faults and len(np.unique(kinds == _POINT)) > 1:
        faults.append(Fault("points and polygons are mixed", "put them into two files", ask.file))
    return shapes, faults


def _projected(
    ask: CountAsk, shapes: Shapes, own: pyproj.CRS, crs: pyproj.CRS, rows: npt.NDArray[np.object_]
) -> tuple[Shapes | None, None, list[Fault]]:
    """Shapes in the study's CRS, out of the file's datum or CRS; zones mended where they cross themselves."""
    into = pyproj.Transformer.from_crs(own, crs, always_xy=True)

    def to_study(xy: Floats) -> Floats:
        x, y = to_wgs84(xy[:, 0], xy[:, 1], ask.coordinates) if ask.coordinates in DATUMS and own.is_geographic else xy.T
        return np.column_stack(into.transform(x, y))

    there = np.asarray(shapely.transform(shapes, to_study), dtype=object)
    lost = ~np.isfinite(shapely.bounds(there)).all(axis=1)
    problem, mend = f"the place cannot be shown in {crs.to_string()}", "check its coordinates and their CRS"
    faults = [Fault(problem, mend, ask.file, rows[i]) for i in np.flatnonzero(lost)]
    if faults:
        return None, None, faults
    broken = ~shapely.is_valid(there)
    if broken.any():
        there[broken] = shapely.buffer(shapely.make_valid(there[broken]), 0)
        said = f"{int(broken.sum())} zones cross themselves and were mended (first in row {rows[np.flatnonzero(broken)[0]]})"
        warnings.warn(f"{ask.file}: {said}", PlannerWarning, stacklevel=2)
    flat = np.isin(shapely.get_type_id(there), (_POLYGON, _MULTIPOLYGON)) & (shapely.area(there) <= 0)
    flat |= shapely.is_empty(there)
    return (
        there,
        None,
        [Fault("the zone has no area", "draw it or remove the row", ask.file, rows[i]) for i in np.flatnonzero(flat)],
    )
