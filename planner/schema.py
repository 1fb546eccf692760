"""Every table's columns (names, kinds, units, labels in both languages, aliases) and the one gate, `Schema.conform`.

A table is a plain GeoDataFrame (or DataFrame) whose named index is its key. ``DEMAND.conform(frame)`` is the only way from
a frame to a `Demand`: it checks once, reports every fault at once, and gives back a copy with the schema's types.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NewType, cast

import geopandas as gpd
import numpy as np
import pandas as pd

from planner.errors import CrsError, Fault, TableError, say_faults

Stations = NewType("Stations", gpd.GeoDataFrame)
Candidates = NewType("Candidates", gpd.GeoDataFrame)
Towns = NewType("Towns", gpd.GeoDataFrame)
Demand = NewType("Demand", gpd.GeoDataFrame)
Coverage = NewType("Coverage", gpd.GeoDataFrame)
Scores = NewType("Scores", pd.DataFrame)
TownScores = NewType("TownScores", pd.DataFrame)
GroupScores = NewType("GroupScores", pd.DataFrame)
Sites = NewType("Sites", gpd.GeoDataFrame)
Frontier = NewType("Frontier", pd.DataFrame)
Isochrones = NewType("Isochrones", gpd.GeoDataFrame)


class Kind(StrEnum):
    """What a column holds, and so how it is read, checked and shown."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    FLAG = "flag"
    DATE = "date"
    CHOICE = "choice"


STATUSES = ("planned", "applied", "built", "accepted", "closed")
STANDING = ("built", "accepted")  # a station with one of these counts, from its date on
FLAGS_1_PLUS_4 = ("unified_sign", "staffing", "basic_functions", "equipment", "service_rules")

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")

_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "是", "有", "√"})
_FALSE = frozenset({"0", "0.0", "false", "no", "n", "否", "无", "×"})
_STATUS_WORDS = {
    "规划": "planned", "拟建": "planned", "计划": "planned",
    "申报": "applied", "已申报": "applied",
    "建成": "built", "已建": "built", "在用": "built", "运营": "built",
    "验收": "accepted", "已验收": "accepted",
    "关闭": "closed", "撤销": "closed", "停用": "closed",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table: everything readers, checks, maps, workbooks and the data dictionary say about it.

    ``name`` may end in ``<group>``: it then stands for one column a key group (``pop_<group>`` is ``pop_unemployed`` …).
    """

    name: str
    kind: Kind
    en: str
    zh: str
    unit: str = ""
    required: bool = False
    aliases: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def is_family(self) -> bool:
        return self.name.endswith("<group>")

    @property
    def prefix(self) -> str:
        return self.name.removesuffix("<group>")

    def label(self, language: str) -> str:
        """The column's label in ``zh`` or ``en``, with its unit."""
        said = self.zh if language == "zh" else self.en
        return f"{said} ({self.unit})" if self.unit else said

    def matches(self, header: str) -> bool:
        """Whether a header as people write it means this column (full-width, case, spaces and ``_`` forgiven)."""
        folded = fold(header)
        return any(folded == fold(word) for word in (self.name, self.en, self.zh, *self.aliases))


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

        >>> STATIONS.column_for(" 站点名称 "), STATIONS.column_for("ＬＯＮ"), STATIONS.column_for("colour")
        ('name', 'lon', None)
        """
        found = next((column.name for column in self.columns if not column.is_family and column.matches(header)), None)
        if found is None and any(column.is_family and header.strip().startswith(column.prefix) for column in self.columns):
            return header.strip()
        return found

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
        A copy: schema columns first and in the schema's order, then whatever else the frame had.

        Raises
        ------
        TableError
            With every fault at once: missing columns, repeated or empty keys, wrong kinds, values out of bounds,
            geometries that are empty, invalid or of another type.
        CrsError
            If a geometry column has no CRS, or one that is not in metres.
        """
        table, faults = frame.copy(), []
        table, key_faults = self._with_key(table, source)
        faults += key_faults
        rows = _row_numbers(table)
        table = table.drop(columns="source_row", errors="ignore")
        present = [column for column in self.columns if column.name not in self.key]
        for column in present:
            names = [n for n in table.columns if self.get(str(n)) is column] if column.is_family else [column.name]
            for name in names:
                if name not in table.columns:
                    if column.required:
                        faults.append(Fault(f"column {name!r} is missing", f"add it: {column.en} / {column.zh}", source))
                    continue
                table[name], found = _checked(table[name], column, name, source, rows)
                faults += found
        if self.geometry:
            faults += self._geometry_faults(table, source, rows)
        if faults:
            raise TableError(f"{self.name}: {say_faults(faults)}", faults, self.name)
        return table[self._ordered(table)]

    def _with_key(self, table: Any, source: str) -> tuple[Any, list[Fault]]:
        names = list(self.key)
        if list(table.index.names) != names:
            missing = [name for name in names if name not in table.columns]
            if missing:
                return table, [Fault(f"column {name!r} is missing", "it is the table's key", source) for name in missing]
            table = table.set_index(names)
        faults = []
        rows = _row_numbers(table)
        if len(names) == 1:
            empty = [bool(pd.isna(key)) or str(key).strip() == "" for key in table.index]
            faults += [
                Fault("the key is empty", "give every row an id", source, rows[i], names[0]) for i in np.flatnonzero(empty)
            ]
        repeated = table.index.duplicated(keep="first")
        for i in np.flatnonzero(repeated):
            key = table.index[i]
            if len(names) == 1 and (pd.isna(key) or str(key).strip() == ""):
                continue
            faults.append(Fault("the key stands twice", "make ids unique", source, rows[i], ", ".join(names), str(key)))
        return table, faults

    def _geometry_faults(self, table: Any, source: str, rows: np.ndarray) -> list[Fault]:
        if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
            return [Fault("the table has no geometry", "give a GeoDataFrame", source)]
        if table.crs is None or not is_metric(table.crs):
            said = "no CRS" if table.crs is None else f"the CRS {table.crs.to_string()}, which is not in metres"
            fault = Fault(f"{self.name} has {said}", "call .set_crs(...) or .to_crs(study.crs)", source)
            raise CrsError(f"{self.name}: {fault}", [fault], self.name)
        shapes = table.geometry
        checks = [
            (shapes.isna() | shapes.is_empty, "the geometry is empty", "remove the row or draw it"),
            (~shapes.geom_type.isin(self.geometry) & shapes.notna(), f"the geometry is not a {self.geometry[0]}", ""),
            (~shapes.is_valid & shapes.notna(), "the geometry is invalid", "repair it, for instance with make_valid"),
        ]
        return [
            Fault(problem, mend, source, rows[i], "geometry")
            for bad, problem, mend in checks
            for i in np.flatnonzero(bad.to_numpy())
        ]

    def _ordered(self, table: Any) -> list[str]:
        names = [str(name) for name in table.columns]
        known = [n for column in self.columns for n in names if self.get(n) is column and n not in self.key]
        return known + [name for name in names if name not in known]


def fold(text: str) -> str:
    """Text as it is compared: full-width forms, case, spaces, ``_``, ``-`` and the byte-order mark do not matter.

    >>> fold(" Ｓtation_ID ")
    'stationid'
    """
    plain = unicodedata.normalize("NFKC", text).replace("\ufeff", "").casefold()
    return "".join(letter for letter in plain if not letter.isspace() and letter not in "_-*：:")


def is_metric(crs: Any) -> bool:
    """Whether a CRS is projected and measures in metres."""
    return bool(crs.is_projected) and all(axis.unit_name in ("metre", "meter") for axis in crs.axis_info[:2])


def _row_numbers(table: Any) -> np.ndarray:
    if "source_row" in table.columns:
        return cast("np.ndarray", table["source_row"].to_numpy(dtype=object))
    return np.array([str(key) for key in table.index], dtype=object)


def _checked(values: Any, column: Column, name: str, source: str, rows: np.ndarray) -> tuple[Any, list[Fault]]:
    """One column in its type, and what is wrong with it."""
    given = values.notna() & (values.astype(str).str.strip() != "")
    faults = []
    if column.required:
        faults += [
            Fault("the value is missing", f"fill in {column.en} / {column.zh}", source, rows[i], name)
            for i in np.flatnonzero(~given.to_numpy())
        ]
    typed, problems = _typed(values, given, column)
    for i, (problem, mend) in problems.items():
        faults.append(Fault(problem, mend, source, rows[i], name, str(values.iloc[i])))
    return typed, faults


def _typed(values: Any, given: Any, column: Column) -> tuple[Any, dict[int, tuple[str, str]]]:
    match column.kind:
        case Kind.NUMBER | Kind.WHOLE:
            return _typed_number(values, given, column)
        case Kind.FLAG:
            return _typed_flag(values, given)
        case Kind.DATE:
            return _typed_date(values, given)
        case Kind.CHOICE:
            return _typed_choice(values, given, column)
        case _:
            text = values.where(given).map(lambda v: _text(v), na_action="ignore").astype("string")
            return text, {}


def _typed_number(values: Any, given: Any, column: Column) -> tuple[Any, dict[int, tuple[str, str]]]:
    plain = values
    if not pd.api.types.is_numeric_dtype(values):
        plain = values.astype("string").map(plain_number, na_action="ignore")
    numbers = pd.to_numeric(plain.where(given), errors="coerce").astype(float)
    wrong = given & ~np.isfinite(numbers)
    problems = {int(i): ("not a number", "write digits only") for i in np.flatnonzero(wrong.to_numpy())}
    low, high = column.minimum, column.maximum
    outside = pd.Series(False, index=values.index)
    if low is not None:
        outside |= numbers < low
    if high is not None:
        outside |= numbers > high
    said = f"outside {'-∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"
    problems |= {int(i): (said, f"check {column.en}") for i in np.flatnonzero(outside.to_numpy())}
    if column.kind is Kind.WHOLE:
        broken = numbers.notna() & (numbers % 1 != 0)
        problems |= {int(i): ("not a whole number", "") for i in np.flatnonzero(broken.to_numpy())}
        if not problems:
            return (numbers.astype("int64") if numbers.notna().all() else numbers.astype("Int64")), {}
    return numbers, problems


def plain_number(text: str) -> str:
    """A number as people type it, ready for ``float``: full-width digits, spaces and thousands marks do not matter.

    >>> plain_number("１２，３４５ "), plain_number("31,38")
    ('12345', '31,38')
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain


def _typed_flag(values: Any, given: Any) -> tuple[Any, dict[int, tuple[str, str]]]:
    if pd.api.types.is_bool_dtype(values):
        return values.astype(bool if values.notna().all() else "boolean"), {}
    words = values.where(given).map(lambda v: fold(_text(v)), na_action="ignore")
    known = words.map(lambda w: True if w in _TRUE else (False if w in _FALSE else None), na_action="ignore")
    wrong = given & known.isna()
    problems = {int(i): ("neither yes nor no", "write 1/0, yes/no or 是/否") for i in np.flatnonzero(wrong.to_numpy())}
    return known.astype("boolean"), problems


def _typed_date(values: Any, given: Any) -> tuple[Any, dict[int, tuple[str, str]]]:
    def parse(value: Any) -> Any:
        text = unicodedata.normalize("NFKC", _text(value)).strip()
        for mark in ("年", "月", "/", "."):
            text = text.replace(mark, "-")
        return pd.to_datetime(text.replace("日", "").rstrip("-"), errors="coerce", format="ISO8601")

    if pd.api.types.is_datetime64_any_dtype(values):
        return values.dt.normalize(), {}
    dates = pd.to_datetime(values.where(given).map(parse, na_action="ignore"), errors="coerce")
    wrong = given & dates.isna()
    mend = "write it as 2025-06-30"
    return dates, {int(i): ("not a date", mend) for i in np.flatnonzero(wrong.to_numpy())}


def _typed_choice(values: Any, given: Any, column: Column) -> tuple[Any, dict[int, tuple[str, str]]]:
    words = values.where(given).map(lambda v: _STATUS_WORDS.get(_text(v).strip(), fold(_text(v))), na_action="ignore")
    wrong = given & ~words.isin(column.choices)
    mend = "use one of " + ", ".join(column.choices)
    return words.astype("string"), {int(i): ("not a known word", mend) for i in np.flatnonzero(wrong.to_numpy())}


def _text(value: Any) -> str:
    """A cell as text; 3.0 out of a spreadsheet is "3"."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _t(name: str, en: str, zh: str, *aliases: str, required: bool = False) -> Column:
    return Column(name, Kind.TEXT, en, zh, aliases=aliases, required=required)


def _n(
    name: str, en: str, zh: str, unit: str = "", *aliases: str, required: bool = False, low: float | None = 0,
    high: float | None = None, kind: Kind = Kind.NUMBER,
) -> Column:  # fmt: skip
    return Column(name, kind, en, zh, unit, required, aliases, low, high)


def _people(name: str, en: str, zh: str, *aliases: str, required: bool = False) -> Column:
    return _n(name, en, zh, "people", *aliases, required=required)


_LON = _n("lon", "longitude", "经度", "°", "lng", "long", "x", "经度坐标", low=-180, high=180)
_LAT = _n("lat", "latitude", "纬度", "°", "y", "纬度坐标", low=-90, high=90)
_NAME = _t("name", "name", "名称", "站点名称", "站名", "场所名称", "点位名称", required=True)
_TOWN = _t("town", "town", "街镇", "镇", "街道", "所属街镇", "乡镇", "town_name")
_ADDRESS = _t("address", "address", "地址", "详细地址", "站点地址")
_HOST = _t("host", "host premises", "依托载体", "载体", "载体类型")
_CAPACITY = _n("capacity", "capacity", "承载能力", "people", "服务能力", "容量")

STATIONS = Schema(
    "stations",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", "编号", "站点id", "id", required=True),
        _NAME, _LON, _LAT, _ADDRESS, _TOWN,
        _t("kind", "kind", "类型", "站点类型"),
        _t("tier", "tier", "层级", "站点层级", "级别"),
        _HOST,
        Column("status", Kind.CHOICE, "status", "状态", aliases=("建设状态", "站点状态"), choices=STATUSES),
        Column("opened", Kind.DATE, "opened", "启用日期", aliases=("建成日期", "验收日期", "开放日期")),
        Column("closed", Kind.DATE, "closed on", "关闭日期", aliases=("停用日期",)),
        _n("staff", "staff", "工作人员数", "people", "人员数", "专兼职人员数"),
        _CAPACITY,
        Column("trained_on", Kind.DATE, "last training", "最近培训日期", aliases=("培训日期",)),
        _t("phone", "phone", "电话", "联系电话", "服务电话"),
        _t("hours", "opening hours", "开放时间", "服务时间", "opening_hours"),
        _t("services", "service items", "服务项目", "服务事项", "项目清单"),
        Column("unified_sign", Kind.FLAG, "unified sign", "统一标识"),
        Column("staffing", Kind.FLAG, "staffing", "人员配备"),
        Column("basic_functions", Kind.FLAG, "basic functions", "基础功能"),
        Column("equipment", Kind.FLAG, "equipment", "设备配置"),
        Column("service_rules", Kind.FLAG, "service rules", "规范服务"),
        _n("rating", "satisfaction rating", "满意度", "", "好差评", "评分"),
    ),
    ("Point",),
)  # fmt: skip

CANDIDATES = Schema(
    "candidates",
    ("site_id",),
    (
        _t("site_id", "site id", "候选点编号", "编号", "id", "候选编号", required=True),
        _NAME, _LON, _LAT, _ADDRESS, _TOWN, _HOST, _CAPACITY,
        _n("cost", "cost", "建设成本", "", "成本", "费用"),
        Column("required", Kind.FLAG, "required", "必选", aliases=("必建", "指定")),
    ),
    ("Point",),
)  # fmt: skip

TOWNS = Schema(
    "towns",
    ("town",),
    (
        _t("town", "town", "街镇", "name", "名称", "镇名", "街道", "乡镇", "town_name", required=True),
        _people("population", "population", "常住人口", "人口", "人口总数", "pop"),
    ),
    ("Polygon", "MultiPolygon"),
)

DEMAND = Schema(
    "demand",
    ("demand_id",),
    (
        _n("demand_id", "demand id", "需求点编号", kind=Kind.WHOLE, required=True),
        _people("population", "residents", "常住人口", "人口", "人口数", "pop", "count", required=True),
        _people("pop_<group>", "of group", "重点群体人数"),
        _n("need", "weighted need", "加权需求", "", required=True),
        _TOWN,
    ),
    ("Point",),
)

COVERAGE = Schema(
    "coverage",
    ("demand_id",),
    (
        *DEMAND.columns,
        _t("nearest_station_id", "nearest station", "最近站点"),
        _n("nearest_walk_s", "walk to the nearest station", "到最近站点步行时间", "s"),
        _n("stations_in_reach", "stations in reach", "可达站点数", kind=Kind.WHOLE, required=True),
        Column("covered", Kind.FLAG, "covered", "是否覆盖", required=True),
    ),
    ("Point",),
)

SCORES = Schema(
    "station scores",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _NAME, _TOWN,
        _people("served_pop", "residents within reach", "服务范围内人口", required=True),
        _people("sole_pop", "served by this station only", "仅由本站服务人口", required=True),
        _people("served_<group>", "of group within reach", "服务范围内重点群体"),
        _people("shared_pop", "also reached by others", "与他站共享人口", required=True),
        _n("median_walk_min", "median walk", "步行时间中位数", "min"),
        _people("load", "residents whose nearest station it is", "就近服务人口", required=True),
        _people("marginal_pop", "left uncovered if it closed", "撤站后失去覆盖人口", required=True),
        _n("completeness", "share of service items offered", "服务项目完备率", "", high=1),
        _n("rank", "rank by residents within reach", "排名", kind=Kind.WHOLE, low=1, required=True),
    ),
)  # fmt: skip

TOWN_SCORES = Schema(
    "town scores",
    ("town",),
    (
        _t("town", "town", "街镇", required=True),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", "", high=1),
        _people("covered_<group>", "of group covered", "覆盖重点群体"),
        _n("area_coverage", "share of area covered", "面积覆盖率", "", high=1),
        _n("median_walk_min", "median walk of those covered", "覆盖人口步行时间中位数", "min"),
        _n("stations", "stations", "站点数", "", kind=Kind.WHOLE, required=True),
        _n("target", "stations required", "目标站点数", "", kind=Kind.WHOLE),
        Column("met", Kind.FLAG, "target met", "是否达标"),
    ),
)

GROUP_SCORES = Schema(
    "group scores",
    ("group",),
    (
        _t("group", "group", "群体", required=True),
        _t("label", "label", "群体名称", required=True),
        _people("total", "people", "总人数", required=True),
        _people("covered", "people covered", "覆盖人数", required=True),
        _n("coverage", "share covered", "覆盖率", "", high=1),
        _n("median_walk_min", "median walk of those covered", "覆盖者步行时间中位数", "min"),
        _n("p90_walk_min", "90th percentile walk of those covered", "覆盖者步行时间第90百分位", "min"),
    ),
)

SITES = Schema(
    "proposed sites",
    ("site_id",),
    (
        _t("site_id", "site id", "候选点编号", required=True),
        _NAME, _TOWN, _ADDRESS, _HOST,
        _n("order", "order", "次序", "", kind=Kind.WHOLE, low=1, required=True),
        _n("phase", "phase", "阶段", "", kind=Kind.WHOLE, low=1, required=True),
        _n("gain_need", "need newly covered", "新增覆盖需求", "", required=True),
        _people("gain_pop", "residents newly covered", "新增覆盖人口", required=True),
        _people("gain_<group>", "of group newly covered", "新增覆盖重点群体"),
        _n("coverage_after", "share of residents covered then", "建成后人口覆盖率", "", high=1, required=True),
    ),
    ("Point",),
)  # fmt: skip

FRONTIER = Schema(
    "frontier",
    ("stations",),
    (
        _n("stations", "stations", "站点数", "", kind=Kind.WHOLE, required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", "", high=1, required=True),
        _people("bound", "at most this many can be covered", "覆盖人口上界", required=True),
    ),
)

ISOCHRONES = Schema(
    "isochrones",
    ("station_id", "minutes"),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _n("minutes", "minutes", "分钟", "min", required=True),
    ),
    ("Polygon", "MultiPolygon"),
)
