"""`Schema`: the columns of one table, its key and its geometry; `Schema.conform` is the gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from planner.errors import CrsError, Fault, TableError, say_faults
from planner.schema.cells import typed_column
from planner.schema.columns import Column, fold, without_unit

ROW = "source_row"  # row numbers as the user sees them, for the messages


@dataclass(frozen=True)
class Schema:
    """The columns of one table, its key and its geometry; `conform` is the gate."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    geometry: tuple[str, ...] = ()  # geometry types allowed; empty: the table has none

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        """The column that `name` is, families included (``pop_unemployed`` gives ``pop_<group>``)."""
        column = self.get(name)
        if column is None:
            raise KeyError(name)
        return column

    def get(self, name: str) -> Column | None:
        exact = next((column for column in self.columns if column.name == name), None)
        families = (column for column in self.columns if column.is_family and name.startswith(column.prefix))
        return exact or next(families, None)

    def column_for(self, header: str) -> str | None:
        """The column's name that a header in English or Chinese stands for, or None.

        What stands in brackets at its end (a unit, a remark) is forgiven where the rest means something.

        >>> from planner.schema import STATIONS
        >>> STATIONS.column_for(" 站点名称 "), STATIONS.column_for("ＬＯＮ（度）"), STATIONS.column_for("colour")
        ('name', 'lon', None)
        """
        for said in (header, without_unit(header)):
            found = self._by_word.get(fold(said))
            if found is not None:
                return found
        families = [column for column in self.columns if column.is_family and header.strip().startswith(column.prefix)]
        return header.strip() if families else None

    @cached_property
    def _by_word(self) -> dict[str, str]:
        """The column's name by each word that means it, folded; where two columns share a word, the first one's."""
        return {fold(word): column.name for column in reversed(self.columns) if not column.is_family for word in column.said}

    def conform(self, frame: Any, *, source: str = "") -> Any:
        """Check `frame` once and give back a copy with this schema's types; its index is the key.

        Parameters
        ----------
        frame
            A DataFrame (GeoDataFrame where the schema has a geometry). The key may be the index or columns.
        source
            The file it came from, for the messages. A column ``source_row`` (row numbers as the user sees them), if
            there is one, is used to say where, and then dropped.

        Returns
        -------
        A copy: schema columns first and in the schema's order, then whatever else the frame had. Text is ``string``, a
        date ``datetime64[us]``, a flag ``bool`` (``boolean`` where some are missing), a whole number ``int64`` (``Int64``).

        Raises
        ------
        TableError
            With every fault at once: missing columns, repeated or empty keys, wrong kinds, values out of bounds,
            geometries that are empty, invalid or of another type.
        CrsError
            The same, where one of them is that the geometry has no CRS, or one that is not in metres.

        Notes
        -----
        Laws: what has passed passes again unchanged; the order of columns never matters; each fault names its row.
        """
        twice = [str(name) for name in frame.columns[frame.columns.duplicated()]]
        if twice:
            raise self._error([Fault("the column stands twice", "keep one", source, column=name) for name in twice])
        table, faults = self._with_key(frame, source)
        rows = _row_numbers(table)
        table = table.drop(columns=ROW, errors="ignore")
        for column in self.columns:
            for name in self._names_of(column, table):
                if name in table.columns:
                    table[name], found = typed_column(table[name], column, name, source, rows)
                    faults += found
                elif column.required:
                    faults.append(Fault(f"column {name!r} is missing", f"add it: {column.en} / {column.zh}", source))
        crs_faults, shape_faults = self._geometry_faults(table, source, rows) if self.geometry else ([], [])
        if faults or crs_faults or shape_faults:
            raise self._error([*crs_faults, *faults, *shape_faults], CrsError if crs_faults else TableError)
        return table[self._ordered(table)]

    def _error(self, faults: list[Fault], kind: type[TableError] = TableError) -> TableError:
        return kind(f"{self.name}: {say_faults(faults)}", faults, self.name)

    def _names_of(self, column: Column, table: Any) -> list[str]:
        """The names under which a column may stand in a table; none for the key."""
        if column.name in self.key:
            return []
        if column.is_family:
            return [name for name in table.columns if isinstance(name, str) and self.get(name) is column]
        return [column.name]

    def _with_key(self, frame: Any, source: str) -> tuple[Any, list[Fault]]:
        """A copy whose index is the key, in the key's type, and what is wrong with it."""
        names = list(self.key)
        if list(frame.index.names) == names:
            table = frame.drop(columns=[name for name in names if name in frame.columns])
        else:
            missing = [column for column in self.columns if column.name in names and column.name not in frame.columns]
            if missing:
                mend = "it is the table's key; add it: {0.en} / {0.zh}"
                return frame.copy(), [Fault(f"column {c.name!r} is missing", mend.format(c), source) for c in missing]
            table = frame.set_index(names)
        rows = _row_numbers(table)
        levels = [typed_column(pd.Series(table.index.get_level_values(name)), self[name], name, source, rows) for name in names]
        faults = [fault for _, found in levels for fault in found]
        told = np.all([typed.notna().to_numpy() for typed, _ in levels], axis=0)
        faults += _repeats(_index([typed[told] for typed, _ in levels], names), names, source, rows[told])
        if not faults:
            table.index = _index([typed for typed, _ in levels], names)
        return table, faults

    def _geometry_faults(self, table: Any, source: str, rows: np.ndarray) -> tuple[list[Fault], list[Fault]]:
        """What is wrong with the CRS, and with the shapes."""
        if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
            return [], [Fault("the table has no geometry", "give a GeoDataFrame", source)]
        crs_faults = []
        if table.crs is None or not is_metric(table.crs):
            said = "no CRS" if table.crs is None else f"the CRS {table.crs.to_string()}, which is not in metres"
            crs_faults = [Fault(f"{self.name} has {said}", "call .set_crs(...) or .to_crs(study.crs)", source)]
        shapes = table.geometry
        empty = (shapes.isna() | shapes.is_empty).to_numpy()
        other = ~empty & ~shapes.geom_type.isin(self.geometry).to_numpy()
        broken = ~empty & ~other & ~shapes.is_valid.to_numpy()
        checks = [
            (empty, "the geometry is empty", "remove the row or draw it"),
            (other, f"the geometry is not a {self.geometry[0]}", f"give a {' or '.join(self.geometry)}"),
            (broken, "the geometry is invalid", "repair it, for instance with make_valid"),
        ]
        return crs_faults, [
            Fault(problem, mend, source, rows[i], "geometry") for bad, problem, mend in checks for i in np.flatnonzero(bad)
        ]

    def _ordered(self, table: Any) -> list[Any]:
        known = [name for column in self.columns for name in self._names_of(column, table) if name in table.columns]
        return known + [name for name in table.columns if name not in known]


def is_metric(crs: Any) -> bool:
    """Whether a CRS is projected and measures in metres."""
    return bool(crs.is_projected) and all(axis.unit_name in ("metre", "meter") for axis in crs.axis_info[:2])


def _index(levels: list[Any], names: list[str]) -> Any:
    """The key as an index; text as plain strings, which joins and files take as they are."""
    plain = [level.tolist() if isinstance(level.dtype, pd.StringDtype) else level for level in levels]
    if len(names) == 1:
        return pd.Index(plain[0], name=names[0])
    return pd.MultiIndex.from_arrays(plain, names=names)


def _repeats(index: Any, names: list[str], source: str, rows: np.ndarray) -> list[Fault]:
    """Keys that stood before; with the first row, where rows are numbered."""
    again = np.flatnonzero(index.duplicated(keep="first"))
    first = (
        {key: row for key, row in zip(index[::-1], rows[::-1], strict=True) if not isinstance(row, str)} if len(again) else {}
    )
    said = {key: f"the key stands twice, first in row {row}" for key, row in first.items()}
    key, mend = ", ".join(names), "make ids unique"
    return [Fault(said.get(index[i], "the key stands twice"), mend, source, rows[i], key, str(index[i])) for i in again]


def _row_numbers(table: Any) -> np.ndarray:
    if ROW in table.columns:
        return np.asarray(table[ROW].to_numpy(dtype=object))
    return np.array([str(key) for key in table.index], dtype=object)
