"""Residents on the planning map: every demand point while there are few enough, else sums over squares."""

from __future__ import annotations

from collections.abc import Sequence
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

MOST_CELLS = 40_000  # about what a page can hold and a phone can draw
SMALLEST_SIDE_M = 100.0
SPOT_M = (30.0, 400.0)  # smallest and largest width of a demand point's spot

NOBODY = 1e-6
TENTHS = 10.0


def draw_cells(coverage: Coverage, groups: Sequence[Group], minimum_count: float) -> dict[str, Any]:
    """Pack what the planning map says of each demand point, or of each square where there are more than 40 000 points.

    Parameters
    ----------
    coverage
        With small counts of key groups (and ``need`` there) empty. Counts above 0 and below `minimum_count` that are not
        empty are emptied here, with their row's need.

    Returns
    -------
    ``points`` packed, ``form`` (spot or square), ``side_m``, ``turn`` (how far squares are turned from north, in radians), and
    packed columns: ``people``, ``gap`` (residents not covered), ``walk`` (minutes to the nearest station, weighted by
    residents), ``stations`` (in reach, likewise), ``need``, and ``groups`` by name. Columns are tenths plus one; 0 says
    there is none, or that it is withheld. A square with one withheld count is withheld whole. ``classes`` has the breaks of
    people, gap and need.
    """
    table = _columns(coverage, groups, minimum_count)
    table = table[(table["people"] > 0) | table["need"].isna() | (table["need"] > 0)]
    aggregated = len(table) > MOST_CELLS
    side = _side_m(table) if aggregated else _spot_m(table)
    cells = _sums(table, side) if aggregated else _in_place(_means(table))
    xy = cells[["x", "y"]].to_numpy(dtype=float)
    needed = any(group.weight > 0 for group in groups) and bool((cells["need"] > 0).any())
    return {
        "points": pack_points(lat_lon(xy, coverage.crs)),
        "form": "square" if aggregated else "spot",
        "side_m": side,
        "turn": _turn(xy, coverage.crs),
        "people": _pack(cells["people"]),
        "gap": _pack(cells["gap"]),
        "walk": _pack(cells["walk_min"]),
        "stations": _pack(cells["stations"]),
        "need": _pack(cells["need"]) if needed else "",
        "groups": {group.name: _pack(cells[f"pop_{group.name}"]) for group in groups if f"pop_{group.name}" in cells},
        "classes": {
            "people": _classes(cells["people"], style.NEED_COLOURS),
            "gap": _classes(cells["gap"], style.GAP_COLOURS),
            "need": _classes(cells["need"], style.NEED_COLOURS),
        },
    }


def _columns(coverage: Coverage, groups: Sequence[Group], minimum_count: float) -> pd.DataFrame:
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


def _side_m(table: pd.DataFrame) -> float:
    side, xy = SMALLEST_SIDE_M, table[["x", "y"]].to_numpy()
    while len(np.unique(np.floor(xy / side).astype(np.int64), axis=0)) > MOST_CELLS:
        side *= 2
    return side


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
