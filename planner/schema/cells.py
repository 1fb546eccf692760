"""Cells as people write them, turned into a column's kind; what cannot be is said by its place."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.errors import Fault
from planner.schema.columns import Column, Kind, fold

Mask = npt.NDArray[np.bool_]
Problems = dict[int, tuple[str, str]]  # place in the column -> what is wrong, and the mend

_TRUE = frozenset({"1", "true", "yes", "y", "是", "有", "√", "✓", "达标", "已配备"})
_FALSE = frozenset({"0", "false", "no", "n", "否", "无", "×", "✗", "未达标", "未配备"})
_NONE = re.compile(r"(?:无|暂无|没有|暂?无服务(?:事?项目?)?|none|nil|no|no services)[.。]?|[-‐‒–—―−/]+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?")
_PLAIN = frozenset("0123456789.+-")  # of these `float` makes what `_NUMBER` allows
_STRETCH = 10_000
_CLOCK = r"(?:[t ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_DATE = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?" + _CLOCK)
_RUN_TOGETHER = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DAY_OF_A_SHEET = re.compile(r"\s*(?:\d{1,2}月\d{1,2}日|\d{1,2}-[A-Z][a-z]{2})\s*")
_YEARS = range(1900, 2201)
_ERRORS = ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA")  # of Excel
_LARGEST_WHOLE = 2.0**53  # beyond it a float is not sure of its ones
_UNSEEN = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x200E, 0x200F, 0xFEFF)))


def typed_column(values: Any, column: Column, name: str, source: str, rows: np.ndarray) -> tuple[Any, list[Fault]]:
    """One column (a Series) in its type, and what is wrong with it by the row numbers `rows`."""
    given = _given(values)
    faults = []
    if column.required:
        mend = f"fill in {column.en} / {column.zh}"
        faults += [Fault("the value is missing", mend, source, rows[i], name) for i in np.flatnonzero(~given)]
    typed, problems = _MAKERS[column.kind](values, given, column)
    faults += [Fault(said, mend, source, rows[i], name, str(values.iloc[i])) for i, (said, mend) in sorted(problems.items())]
    return typed, faults


def _given(values: Any) -> Mask:
    """Where a column says something."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return np.asarray(values.notna(), dtype=bool)
    return np.asarray(_each(values, lambda value: not is_blank(value)), dtype=bool)


def _each(values: Any, make: Callable[[Any], Any]) -> list[Any]:
    """`make` of every value; of text only once for each that differs (towns and kinds repeat a lot)."""
    if isinstance(values.dtype, pd.StringDtype) or pd.api.types.infer_dtype(values, skipna=True) == "string":
        codes, words = pd.factorize(values, use_na_sentinel=False)
        made = [make(word) for word in words]
        return [made[code] for code in codes]
    return [make(value) for value in values]


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing, or only space."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is pd.NaT or bool(pd.isna(value))


def says_none(text: str) -> bool:
    """Whether a cell of a list says that there is nothing, in a word or by a stroke.

    >>> [says_none(cell) for cell in ("无", " 暂无。", "None", "——", "／", "无障碍服务", "1-5", "")]
    [True, True, True, True, True, False, False, False]
    """
    return _NONE.fullmatch(unicodedata.normalize("NFKC", text).strip().casefold()) is not None


def plain_number(text: str) -> str:
    """A number as people type it, ready for ``float``: full-width digits, spaces and thousands marks do not matter.

    >>> plain_number("１２，３４５ "), plain_number("31,38")
    ('12345', '31,38')
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).replace("\u2212", "-")
    return plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain


def as_number(value: Any) -> float:
    """A cell as a number, or NaN where it is none; yes and no are none, nor is text beyond the largest float.

    >>> as_number("１，２００"), as_number("abc"), as_number(3)
    (1200.0, nan, 3.0)
    """
    if isinstance(value, bool | np.bool_):
        return np.nan
    if isinstance(value, int | float | np.number):
        return float(value)
    plain = value if isinstance(value, str) and _NUMBER.fullmatch(value) else plain_number(str(value)).casefold()
    number = float(plain) if _NUMBER.fullmatch(plain) else np.nan
    return number if np.isfinite(number) else np.nan


def as_numbers(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """`as_number` of each; where all of a stretch are plain digits, as nearly all are, at once.

    >>> as_numbers(["121.25", "-3"]).tolist(), as_numbers(["1e2", "１", "", None, 4]).tolist()
    ([121.25, -3.0], [100.0, 1.0, nan, nan, 4.0])
    """
    stretches = [_numbers_of(values[at : at + _STRETCH]) for at in range(0, len(values), _STRETCH)]
    return np.concatenate(stretches) if stretches else np.zeros(0)


def _numbers_of(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    try:
        if _PLAIN.issuperset("".join(values)):
            numbers = np.array(list(map(float, values)), dtype=np.float64)
            return np.where(np.isfinite(numbers), numbers, np.nan)
    except (TypeError, ValueError):
        pass  # cells that are no text, or are empty
    return np.array([as_number(value) for value in values], dtype=np.float64)


def as_text(value: Any) -> str:
    """A cell as text: no space at its ends, no unseen marks (controls, turns of direction); 3.0 out of a sheet is "3", a
    time of day 09:00."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    if isinstance(value, str) and value.isprintable():
        return value.strip()  # U+200B and the like are not printable
    kept = (letter for letter in str(value) if letter in "\n\t" or not (_is_control(letter) or letter in _UNSEEN))
    return "".join(kept).strip()


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")


def _numbers(values: Any, given: Mask, column: Column) -> tuple[Any, Problems]:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        numbers = np.where(given, as_numbers(values.tolist()), np.nan)
    wrong = given & ~np.isfinite(numbers)
    problems: Problems = {int(i): ("not a number", _number_mend(values.iloc[i])) for i in np.flatnonzero(wrong)}
    low, high = column.minimum, column.maximum
    outside = (numbers < (-np.inf if low is None else low)) | (numbers > (np.inf if high is None else high))
    said = f"outside {'-∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"
    if low == 0 and high is None:
        said = "less than 0"
    problems |= {int(i): (said, f"check {column.en}") for i in np.flatnonzero(outside & ~wrong)}
    return pd.Series(numbers, index=values.index, name=values.name), problems


def _number_mend(value: Any) -> str:
    return "write a point before the decimals" if "," in str(value) else "write digits only"


def _wholes(values: Any, given: Mask, column: Column) -> tuple[Any, Problems]:
    numbers, problems = _numbers(values, given, column)
    with np.errstate(invalid="ignore"):
        broken = (np.isfinite(numbers) & ((numbers % 1 != 0) | (numbers.abs() > _LARGEST_WHOLE))).to_numpy()
    problems |= {int(i): ("not a whole number", "write whole digits") for i in np.flatnonzero(broken) if i not in problems}
    if problems:
        return numbers, problems
    return numbers.astype("int64" if numbers.notna().all() else "Int64"), {}


def _flags(values: Any, given: Mask, column: Column) -> tuple[Any, Problems]:
    if values.dtype == bool:
        return values, {}

    def read(value: Any) -> Any:
        word = fold(as_text(value))
        return word in _TRUE if word in _TRUE or word in _FALSE else pd.NA

    flags, problems = _read(values, given, read, "boolean", ("neither yes nor no", "write 1/0, yes/no or 是/否"))
    return (flags.astype(bool) if len(flags) and flags.notna().all() else flags), problems


def _dates(values: Any, given: Mask, column: Column) -> tuple[Any, Problems]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.dt.tz_localize(None).dt.normalize().astype("datetime64[us]"), {}

    def read(value: Any) -> Any:
        date = as_date(value)
        return pd.NaT if date is None else pd.Timestamp(date)

    return _read(values, given, read, "datetime64[us]", ("not a full date", "write it as 2025-06-30"))


def _choices(values: Any, given: Mask, column: Column) -> tuple[Any, Problems]:
    known = {fold(choice): choice for choice in column.choices} | {fold(word): choice for word, choice in column.words}

    def read(value: Any) -> Any:
        return known.get(fold(as_text(value)), pd.NA)

    return _read(values, given, read, "string", ("not a known word", f"use one of {column.choices_said}"))


def _texts(values: Any, given: Mask, column: Column) -> tuple[Any, Problems]:
    """Text as it is; an error of a formula is none, nor is a date, for what was typed is lost then."""
    read = _each(values, lambda value: pd.NA if is_blank(value) else as_text(value) or pd.NA)
    texts = pd.Series(pd.array(read, dtype="string"), index=values.index, name=values.name)
    broken = np.flatnonzero(texts.isin(_ERRORS).to_numpy(dtype=bool))
    problems: Problems = {int(i): ("a formula's error, and no text", "mend the formula, or clear the cell") for i in broken}
    dates = given & np.asarray(_each(values, _is_made_date), dtype=bool)
    said = ("a date, and no text: a sheet makes one of 9-17 or 1-5", "format the column as text and type it again")
    return texts, problems | {int(i): said for i in np.flatnonzero(dates)}


def _is_made_date(value: Any) -> bool:
    """Whether a sheet took what was typed for a date or a length of time; in CSV it then stands as 9月17日 or 17-Sep."""
    if isinstance(value, str):
        return _DAY_OF_A_SHEET.fullmatch(value) is not None
    return isinstance(value, dt.date | dt.timedelta)


def _read(values: Any, given: Mask, read: Callable[[Any], Any], dtype: str, problem: tuple[str, str]) -> tuple[Any, Problems]:
    """Each value that is given by `read`, which gives a missing value for what it cannot read: that is a problem."""
    found = [value if there else pd.NA for value, there in zip(_each(values, read), given, strict=True)]
    made: Any = pd.Series(found, index=values.index, name=values.name, dtype=object)
    problems = {int(i): problem for i in np.flatnonzero(given & made.isna().to_numpy())}
    return made.where(made.notna(), None).astype(dtype), problems


def as_date(value: Any) -> dt.date | None:
    """A cell as a date, or None where it is none.

    Taken are 2025-06-30, 2025/6/30, 2025.6.30, 20250630 and 2025年6月30日, with a time of day or without, from 1900 to 2200.

    >>> as_date("２０２５年6月3日"), as_date("2025-06") is None
    (datetime.date(2025, 6, 3), True)
    """
    if isinstance(value, dt.datetime):
        return value.date() if value.year in _YEARS else None
    if isinstance(value, dt.date):
        return value if value.year in _YEARS else None
    plain = " ".join(unicodedata.normalize("NFKC", as_text(value)).casefold().split())
    found = _DATE.fullmatch(plain) or _RUN_TOGETHER.fullmatch(plain)
    try:
        date = dt.date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
    return date if date is not None and date.year in _YEARS else None


_MAKERS: dict[Kind, Callable[[Any, Mask, Column], tuple[Any, Problems]]] = {
    Kind.TEXT: _texts,
    Kind.NUMBER: _numbers,
    Kind.WHOLE: _wholes,
    Kind.FLAG: _flags,
    Kind.DATE: _dates,
    Kind.CHOICE: _choices,
}
