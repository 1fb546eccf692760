"""The demand table: counted points become demand points with a town, key groups, need and a stable id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from planner.schema import DEMAND, Areas, Demand
from planner.study import Group

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

RESIDENTS = "population"
NEED = "need"
_SAME_PLACE_M = 1e-3  # points this close are one place


@dataclass(frozen=True)
class Tally:
    """People in and people out of one step, so that nobody is lost in silence.

    Parameters
    ----------
    step
        What was done, as words for people.
    what
        ``population`` or the name of a key group.
    people_in, people_out
        Before and after the step.
    note
        Why they differ, or what else is worth knowing; may be empty.

    Examples
    --------
    >>> print(Tally("clipped to the area", "population", 120.0, 100.0, "3 of 12 rows lie outside"))
    population, clipped to the area: 120 people in, 100 out (20 fewer); 3 of 12 rows lie outside
    """

    step: str
    what: str
    people_in: float
    people_out: float
    note: str = ""

    @property
    def lost(self) -> float:
        """People who came in and did not go out; negative where people were added."""
        return self.people_in - self.people_out

    def __str__(self) -> str:
        said = f"{self.what}, {self.step}: {_shown(self.people_in)} people in, {_shown(self.people_out)} out"
        if abs(self.lost) > 1e-6 * max(self.people_in, 1.0):
            said += f" ({_shown(abs(self.lost))} {'fewer' if self.lost > 0 else 'more'})"
        return f"{said}; {self.note}" if self.note else said


def _shown(people: float) -> str:
    """People as a note says them: whole from a thousand on, below that with decimals where there are any.

    >>> _shown(812934.9997), _shown(120.0), _shown(0.25), _shown(999.9997)
    ('812,935', '120', '0.25', '1,000')
    """
    return f"{people:,.0f}" if people >= 999.5 else f"{people:.4g}"


@dataclass(frozen=True, eq=False)
class CountedPoints:
    """People counted at points, before they are a table: arrays, one entry a point.

    Parameters
    ----------
    xy
        (n, 2) metres in the study's CRS.
    town
        (n,) position of the town.
    counts
        People by name: ``population`` and key groups; each (n,) >= 0.
    """

    xy: Floats
    town: Ids
    counts: Mapping[str, Floats]

    def total(self, what: str) -> float:
        return float(self.counts[what].sum())

    def ordered(self) -> CountedPoints:
        """From north to south, west to east, town by town, whatever order they came in; places at one spot become one."""
        x, y = np.round(self.xy / _SAME_PLACE_M).T
        order = np.lexsort((*(self.counts[name] for name in sorted(self.counts, reverse=True)), self.town, x, -y))
        keys = np.stack([x, y, self.town])[:, order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        starts = np.flatnonzero(first)
        sums = {name: _sums(values[order], starts) for name, values in self.counts.items()}
        return CountedPoints(self.xy[order[starts]], self.town[order[starts]], sums)

    def merged(self, cell_m: float) -> CountedPoints:
        """Points of a town that share a square of `cell_m` become one, at the member nearest to their people's centre."""
        if not len(self.xy):
            return self
        square = np.floor(self.xy / cell_m).astype(np.int64)
        _, own = np.unique(np.column_stack([square, self.town]), axis=0, return_inverse=True)
        own = own.reshape(-1)
        weight = self.counts[RESIDENTS] + 1e-12  # places where nobody lives still have a centre
        mass = np.bincount(own, weights=weight)
        centre = np.stack([np.bincount(own, weights=weight * self.xy[:, k]) / mass for k in (0, 1)], axis=1)
        off = self.xy - centre[own]
        order = np.lexsort((np.arange(len(own)), np.hypot(off[:, 0], off[:, 1]), own))
        chosen = order[np.concatenate([[True], own[order][1:] != own[order][:-1]])]
        counts = {name: np.asarray(np.bincount(own, weights=values), np.float64) for name, values in self.counts.items()}
        return CountedPoints(self.xy[chosen], self.town[chosen], counts)


def _sums(values: Floats, starts: npt.NDArray[np.intp]) -> Floats:
    return np.asarray(np.add.reduceat(values, starts) if len(starts) else values, dtype=np.float64)


def place_demand(
    points: CountedPoints,
    *,
    towns: Sequence[str],
    groups: Sequence[Group] = (),
    crs: Any,
    cell_m: float = 0.0,
    areas: Areas | None = None,
) -> Demand:
    """Make counted points the demand table: one row a place, ids by place, need by the groups' weights and the areas' factors.

    Parameters
    ----------
    points
        People at points; key groups not above the residents (see `hold_within`).
    towns
        Names by position.
    groups
        Their names and weights; each must be in ``points.counts``.
    crs
        The CRS of ``points.xy``, projected, in metres.
    cell_m
        Places of a town within one square of this many metres become one; 0 keeps every place.
    areas
        Areas of priority in the same CRS: need counts ``factor`` times inside, once and by the largest where they overlap.

    Returns
    -------
    DEMAND with ``population``, ``pop_<group>``, ``need``, ``town``; with areas also ``in_<area>`` (residents who live in it),
    ``priority_pop`` (in any of them) and ``factor``. Places where nobody lives (or works, where jobs are counted) are left out.
    ``demand_id`` is 0, 1, … from north to south and west to east, whatever order the points came in. Law: every sum is kept.

    Notes
    -----
    ``need = factor · (population + Σ weight · pop_<group>)``: a weight is what one more member adds on top of being a
    resident; factor is the largest of the areas the place lies in, 1 elsewhere. Places that become one keep their need, and
    their factor is the mean by need.

    Examples
    --------
    >>> points = CountedPoints(
    ...     np.array([[0., 0.], [0., 100.]]), np.array([0, 0]),
    ...     {"population": np.array([10., 20.]), "jobless": np.array([1., 0.])},
    ... )
    >>> place_demand(points, towns=["A"], groups=[Group("jobless", weight=3.0)], crs="EPSG:32651")["need"].tolist()
    [20.0, 13.0]
    """
    places = points.ordered()
    plain = _plain_need(places.counts, groups)
    factor, inside = _factors(places.xy, areas)
    residents = places.counts[RESIDENTS]
    added = {NEED: plain * factor}
    if areas is not None:
        added |= {f"in_{name}": residents * here for name, here in zip(areas.index, inside, strict=True)}
        added["priority_pop"] = residents * inside.any(axis=0)
    places = CountedPoints(places.xy, places.town, {**places.counts, **added})
    if cell_m > 0:
        places = places.merged(cell_m).ordered()
    people = places.counts[RESIDENTS]
    kept = (people > 0) | np.any([places.counts[group.name] > 0 for group in groups] or [people > 0], axis=0)
    counts = {name: values[kept] for name, values in places.counts.items()}
    columns = {
        "demand_id": np.arange(int(kept.sum()), dtype=np.int64),
        "population": counts[RESIDENTS],
        **{f"pop_{group.name}": counts[group.name] for group in groups},
        **{name: counts[name] for name in added},
        "town": np.array(towns, dtype=object)[places.town[kept]],
    }
    if areas is not None:
        usual = _plain_need(counts, groups)
        columns["factor"] = np.where(usual > 0, np.maximum(counts[NEED] / np.where(usual > 0, usual, 1.0), 1.0), 1.0)
    frame = gpd.GeoDataFrame(columns, geometry=shapely.points(places.xy[kept]), crs=crs)
    return cast(Demand, DEMAND.conform(frame))


def _plain_need(counts: Mapping[str, Floats], groups: Sequence[Group]) -> Floats:
    """Residents and groups by weight, without the factors of areas."""
    return np.asarray(counts[RESIDENTS] + sum((group.weight * counts[group.name] for group in groups), 0.0), dtype=np.float64)


def _factors(xy: Floats, areas: Areas | None) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """By how much need counts at each point, and which points lie in each area: (n,) and (areas, n)."""
    if areas is None:
        return np.ones(len(xy)), np.zeros((0, len(xy)), dtype=np.bool_)
    shapes = areas.geometry.to_numpy()
    shapely.prepare(shapes)
    inside = np.array([shapely.intersects_xy(shape, xy) for shape in shapes], dtype=np.bool_).reshape(len(shapes), len(xy))
    factors = np.where(inside, areas["factor"].to_numpy(dtype=np.float64)[:, None], 1.0)
    return factors.max(axis=0, initial=1.0), inside
