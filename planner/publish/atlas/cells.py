"""Residents on the planning map: every demand point while there are few enough, else sums over squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from planner import style
from planner.publish.atlas.shapes import Floats, Ints, lat_lon, pack_numbers, pack_points
from planner.schema import Coverage
from planner.study import MINUTE_S, Group

MOST_LETTERS = 9_500_000  # of the 15 MB a planning map may have
SMALLEST_SIDE_M = 100.0
SPOT_M = (30.0, 400.0)  # smallest and largest width of a demand point's spot

NOBODY = 1e-6
TENTHS = 10.0


def draw_cells(
    coverage: Coverage, groups: Sequence[Group], minimum_count: float, after: Sequence[npt.NDArray[np.bool_]] = ()
) -> dict[str, Any]:
    """Pack what the planning map says of each demand point, or of squares where points take more than 9.5 million letters.

    Parameters
    ----------
    coverage
        With small counts of key groups (and ``need`` there) empty. Counts above 0 and below `minimum_count` that are not
        empty are emptied here, with their row's need.
    after
        For each phase of the proposal, which demand points are covered then.

    Returns
    -------
    ``points`` packed, ``form`` (spot or square), ``side_m``, ``turn`` (how far squares are turned from north, in radians), and
    packed columns: ``people``, ``walk`` (minutes to the nearest station, weighted by residents), ``stations`` (in reach,
    likewise), ``need``, and ``groups`` by name. Columns are tenths plus one; 0 says there is none, or that it is withheld. A
    square with one withheld count is withheld whole. Of spots ``then`` says in which phase they are first covered: 0 today,
    1 after the first phase, …, one more than there are phases: never. Squares have ``gap`` (residents not covered) and
    ``after`` (those not covered after each phase). ``classes`` has the breaks of people, gap and need.
    """
    table = _columns(coverage, groups, minimum_count, after)
    table = table[(table["people"] > 0) | table["need"].isna() | (table["need"] > 0)]
    needed = any(group.weight > 0 for group in groups)
    spots = _in_place(_means(table))
    packed = _pack_cells(spots, _spot_m(table), coverage.crs, groups, needed)
    packed |= {"form": "spot", "phases": len(after), "then": pack_numbers(spots["then"].to_numpy(dtype=np.int64))}
    side = SMALLEST_SIDE_M
    while _letters_of(packed) > MOST_LETTERS:
        squares = _sums(table.drop(columns="then"), side)
        packed = _pack_cells(squares, side, coverage.crs, groups, needed) | {"form": "square", "gap": _pack(squares["gap"])}
        packed["after"] = [_pack(squares[f"after_{phase}"]) for phase in range(len(after))]
        side *= 2
    return packed


def _pack_cells(cells: pd.DataFrame, side: float, crs: Any, groups: Sequence[Group], needed: bool) -> dict[str, Any]:
    xy = cells[["x", "y"]].to_numpy(dtype=float)
    return {
        "points": pack_points(lat_lon(xy, crs)),
        "side_m": side,
        "turn": _turn(xy, crs),
        "people": _pack(cells["people"]),
        "walk": _pack(cells["walk_min"]),
        "stations": _pack(cells["stations"]),
        "need": _pack(cells["need"]) if needed and bool((cells["need"] > 0).any()) else "",
        "groups": {group.name: _pack(cells[f"pop_{group.name}"]) for group in groups if f"pop_{group.name}" in cells},
        "classes": {
            "people": _classes(cells["people"], style.NEED_COLOURS),
            "gap": _classes(cells["gap"], style.GAP_COLOURS),
            "need": _classes(cells["need"], style.NEED_COLOURS),
        },
    }


def _letters_of(packed: Mapping[str, Any]) -> int:
    texts = [text for text in packed.values() if isinstance(text, str)]
    return sum(map(len, (*texts, *packed.get("after", ()), *packed["groups"].values())))


def _columns(
    coverage: Coverage, groups: Sequence[Group], minimum_count: float, after: Sequence[npt.NDArray[np.bool_]]
) -> pd.DataFrame:
    """One row a demand point, with what is summed; walks and stations still weighted by residents."""
    people = coverage["population"].to_numpy(dtype=float)
    covered = coverage["covered"].to_numpy(dtype=bool)
    xy = shapely.get_coordinates(coverage.geometry.to_numpy())
    walk = coverage["nearest_walk_s"].to_numpy(dtype=float, na_value=np.nan) / MINUTE_S
    weight = np.maximum(people, NOBODY)
    columns = {
        "x": xy[:, 0],
        "y": xy[:, 1],
        "people": people,
        "gap": np.where(covered, 0.0, people),
        **{f"after_{phase}": np.where(then, 0.0, people) for phase, then in enumerate(after)},
        "then": sum((~then for then in (covered, *after)), np.zeros(len(people), dtype=np.int64)),
        "weight": weight,
        "walked": np.where(covered, weight, 0.0),
        "walk_sum": np.where(covered, weight * np.nan_to_num(walk), 0.0),
        "station_sum": weight * coverage["stations_in_reach"].to_numpy(dtype=float),
    }
    need = coverage["need"].to_numpy(dtype=float, na_value=np.nan).copy()
    for group in groups:
        name = f"pop_{group.name}"
        if name in coverage:
            count = coverage[name].to_numpy(dtype=float, na_value=np.nan).copy()
            count[(count > NOBODY) & (count < minimum_count - NOBODY)] = np.nan
            need[np.isnan(count)] = np.nan
            columns[name] = count
    return pd.DataFrame({**columns, "need": need})


def _sums(table: pd.DataFrame, side: float) -> pd.DataFrame:
    """Squares of `side` metres in place order; an empty count makes its square's sum empty."""
    square = np.floor(table[["y", "x"]].to_numpy() / side).astype(np.int64)
    key = pd.MultiIndex.from_arrays([square[:, 0], square[:, 1]], names=["row", "column"])
    summed = table.drop(columns=["x", "y"]).set_axis(key).groupby(level=[0, 1]).sum(min_count=1, numeric_only=True)
    holed = table.drop(columns=["x", "y"]).isna().set_axis(key).groupby(level=[0, 1]).any()
    summed = summed.mask(holed)
    row, column = (summed.index.get_level_values(i).to_numpy() for i in (0, 1))
    return _means(summed.assign(x=(column + 0.5) * side, y=(row + 0.5) * side)).reset_index(drop=True)


def _means(table: pd.DataFrame) -> pd.DataFrame:
    walked = table["walked"].where(table["walked"] > 0)
    return table.assign(walk_min=table["walk_sum"] / walked, stations=table["station_sum"] / table["weight"])


def _in_place(table: pd.DataFrame) -> pd.DataFrame:
    """Neighbours one after the other, so that steps between points are short."""
    row = np.floor(table["y"].to_numpy() / 250.0)
    return table.iloc[np.lexsort((table["x"].to_numpy(), row))]


def _spot_m(table: pd.DataFrame) -> float:
    """How wide a demand point's spot is: the usual distance to its neighbour."""
    xy = table[["x", "y"]].drop_duplicates().to_numpy()
    if len(xy) < 2:
        return SPOT_M[1] / 4
    apart, _ = cKDTree(xy).query(xy, k=2)
    return round(float(np.clip(np.median(np.asarray(apart)[:, 1]), *SPOT_M)), 1)


def _turn(xy: Floats, crs: Any) -> float:
    """The angle at the middle of the map between grid north and true north, clockwise, in radians."""
    if not len(xy):
        return 0.0
    middle = xy.mean(axis=0)
    above = middle + np.array([0.0, 100.0])
    (lat, lon), (lat_up, lon_up) = lat_lon([middle, above], crs)
    return round(float(np.arctan2((lon_up - lon) * np.cos(np.radians(lat)), lat_up - lat)), 5)


def _pack(values: pd.Series) -> str:
    numbers: Floats = values.to_numpy(dtype=float, na_value=np.nan)
    tenths: Ints = np.where(np.isnan(numbers), -1, np.round(np.nan_to_num(numbers) * TENTHS)).astype(np.int64)
    return pack_numbers(tenths + 1)


def _classes(values: pd.Series, colours: Sequence[str]) -> dict[str, Any]:
    numbers: npt.NDArray[np.float64] = values.to_numpy(dtype=float, na_value=np.nan)
    classes = style.classify(numbers, colours)
    legend = [{"colour": entry.colour, "label": dict(entry.label)} for entry in classes.legend()]
    return {"breaks": list(classes.breaks), "legend": legend}
