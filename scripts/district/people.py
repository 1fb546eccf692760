"""Invented residents on a raster of 100 m, and counts of key groups at neighbourhood places; counts only, no person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from district import land
from district.streets import Floats, Junctions

CELL_M = 100.0
AROUND_M = 230.0  # people live where junctions lie as near as this
Counts = npt.NDArray[np.int64]


@dataclass
class Cells:
    """Cells where people live: middle in metres, town (position in `land.TOWNS`), residents."""

    xy: Floats
    town: npt.NDArray[np.int64]
    people: Counts


def settle(rng: np.random.Generator, places: Junctions) -> Cells:
    """Put each town's residents where its streets are dense; none in water, parks, on the motorway or across the border."""
    columns, rows = int(land.WIDTH_M / CELL_M), int(land.HEIGHT_M / CELL_M)
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    xy = (np.column_stack([column.ravel(), row.ravel()]) + 0.5) * CELL_M
    luck = 0.35 + 1.3 * rng.random(len(xy)) + 2.2 * (rng.random(len(xy)) > 0.93)
    town = np.full(len(xy), -1)
    for number, shape in enumerate(land.town_polygons()):
        shapely.prepare(shape)
        half = CELL_M / 2
        inside = [shapely.contains_xy(shape, xy[:, 0] + dx, xy[:, 1] + dy) for dx in (-half, half) for dy in (-half, half)]
        town[np.logical_and.reduce(inside)] = number
    green = shapely.union_all([land.river(), land.lake(), *(park for _, park in land.parks()), land.motorway().buffer(60)])
    shapely.prepare(green)
    free = (town >= 0) & ~shapely.contains_xy(green, xy[:, 0], xy[:, 1])
    near = np.array([len(found) for found in cKDTree(places.xy).query_ball_point(xy, AROUND_M)])
    weight = np.where(free, near**1.9 * luck, 0.0) * (near > 3)
    people = np.zeros(len(xy), dtype=np.int64)
    for number, each in enumerate(land.TOWNS):
        here = town == number
        people[here] = share_out(each.people, weight[here])
    lived = people > 0
    return Cells(xy[lived], town[lived], people[lived])


def share_out(total: int, weight: Floats) -> Counts:
    """Whole people by weight, adding up to `total`: the largest remainders get one more (ties: the first)."""
    exact = total * weight / weight.sum()
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def neighbourhoods(rng: np.random.Generator, cells: Cells, residents_each: int) -> tuple[Floats, Counts, Counts]:
    """Parts of the towns of about so many residents: the fullest cell of each, its town, its residents."""
    places, towns, sizes = [], [], []
    for number, town in enumerate(land.TOWNS):
        here = np.flatnonzero(cells.town == number)
        middles = _spread(rng, cells.xy[here], cells.people[here], max(round(town.people / residents_each), 2))
        _, part = cKDTree(middles).query(cells.xy[here])
        fullest = here[np.lexsort((-cells.people[here], part))]
        _, first = np.unique(np.sort(part), return_index=True)
        places.append(cells.xy[fullest[first]])
        towns.append(np.full(len(first), number))
        sizes.append(np.bincount(part, weights=cells.people[here]).astype(np.int64)[np.unique(part)])
    return np.vstack(places), np.concatenate(towns), np.concatenate(sizes)


def _spread(rng: np.random.Generator, xy: Floats, people: Counts, count: int) -> Floats:
    """Middles of parts: cells drawn by their residents, then moved twice to the middle of the residents nearest to them."""
    ends = np.cumsum(people)
    picked = np.searchsorted(ends, (np.arange(count) + rng.random(count)) / count * ends[-1], side="right")
    middles = xy[np.unique(np.minimum(picked, len(xy) - 1))].astype(np.float64)
    for _ in range(2):
        _, nearest = cKDTree(middles).query(xy)
        held = np.bincount(nearest, weights=people, minlength=len(middles))
        sums = [np.bincount(nearest, weights=people * xy[:, k], minlength=len(middles)) for k in (0, 1)]
        middles = np.column_stack(sums)[held > 0] / held[held > 0, None]
    return middles


def members(rng: np.random.Generator, town: Counts, people: Counts, rates: dict[str, float], usual: float) -> Counts:
    """Members of a group at each place: its town's rate (by code, else `usual`) times luck between 0.4 and 1.6."""
    rate = np.array([rates.get(each.code, usual) for each in land.TOWNS])[town]
    return np.rint(people * rate * (0.4 + 1.2 * rng.random(len(people)))).astype(np.int64)
