"""The packed cells of a planning map, unpacked as a browser does it: their counts of key groups, and need beside empty ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from planner.privacy import too_small

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TENTHS = 10.0
STEPS_A_DEGREE = 1e5


def small_cells(cells: Mapping[str, Any], names: Iterable[str], minimum: float) -> dict[str, int]:
    """How many cells show a count of each group of `names` above 0 and below the minimum; groups without any are left out.

    Raises
    ------
    ValueError
        If a column is not packed as the pages pack it.
    """
    found = {name: unpack_column(text) for name, text in cells.get("groups", {}).items() if name in set(names)}
    small = {name: int(too_small(np.nan_to_num(values), minimum).sum()) for name, values in found.items()}
    return {name: count for name, count in small.items() if count}


def needs_told(cells: Mapping[str, Any], names: Iterable[str]) -> dict[str, int]:
    """How many cells show need where the count of a group is empty: the weights are published, so that it can be worked out."""
    need = unpack_column(cells.get("need") or "")
    if not len(need):
        return {}
    found = {name: unpack_column(text) for name, text in cells.get("groups", {}).items() if name in set(names)}
    told = {name: int((np.isnan(values) & ~np.isnan(need)).sum()) for name, values in found.items()}
    return {name: count for name, count in told.items() if count}


def unpack_column(text: str) -> npt.NDArray[np.float64]:
    """A packed column as counts; an empty one is nan: numbers are tenths plus one, 0 for none.

    >>> unpack_column("AWqB").tolist()
    [nan, 1.0, 2.0]

    Raises
    ------
    ValueError
        If it holds other letters, or ends within a number.
    """
    numbers = unpack_numbers(text)
    return np.where(numbers == 0, np.nan, (numbers - 1) / TENTHS)


def unpack_outline(text: str) -> Any:
    """A packed outline as a (Multi)Polygon in degrees; empty where there is none.

    Steps of latitude and longitude in 1e-5 degrees; a full stop begins each further ring, and rings fill by the even-odd rule.

    >>> unpack_outline("AAGAAGFA").wkt
    'POLYGON ((0 3e-5, 3e-5 3e-5, 3e-5 0, 0 0, 0 3e-5))'
    """
    if not text:
        return shapely.Polygon()
    rings = [unpack_numbers(ring).reshape(-1, 2) for ring in text.split(".")]
    steps = np.cumsum(np.vstack(rings), axis=0)[:, ::-1] / STEPS_A_DEGREE
    places = np.split(steps, np.cumsum([len(ring) for ring in rings])[:-1])
    shape: Any = shapely.Polygon()
    for place in places:
        if len(place) >= 3:
            shape = shapely.symmetric_difference(shape, shapely.make_valid(shapely.Polygon(place)))
    return shape


def unpack_numbers(text: str) -> npt.NDArray[np.int64]:
    """Packed whole numbers: in base 64, five bits a letter, the lowest first; a letter from the 33rd on says that more follow.
    Even ones are twice the number, odd ones twice less one, of the negative.

    >>> unpack_numbers("ABC").tolist()
    [0, -1, 1]

    Raises
    ------
    ValueError
        If it holds other letters, or ends within a number.
    """
    digits = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    order = np.full(256, -1, dtype=np.int64)
    order[np.frombuffer(LETTERS, dtype=np.uint8)] = np.arange(len(LETTERS))
    values = order[digits]
    if (values < 0).any() or (len(values) and values[-1] >= 32):
        raise ValueError("this is not packed as the pages pack it")
    ends = np.flatnonzero(values < 32)
    first = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64) if len(ends) else ends
    place = np.arange(len(values)) - np.repeat(first, ends - first + 1)
    folded = np.add.reduceat((values % 32) << (5 * place), first) if len(ends) else values
    return np.where(folded % 2 == 0, folded // 2, -(folded + 1) // 2)
