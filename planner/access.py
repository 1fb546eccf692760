"""How much supply residents can walk to, how evenly it is spread, and how much walking a change saves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.coverage import nearest_of, walks_onto
from planner.decay import Decay
from planner.errors import Fault, TableError, say_faults
from planner.reach import Reach
from planner.schema import ACCESS, Coverage, Demand, Stations, TownAccess, Towns
from planner.study import MINUTE_S, Group, Walk

Floats = npt.NDArray[np.float64]

DISTRICT = "district"  # the row of the whole district, before its towns
PER = 10_000  # residents that densities are given for

_ROUNDING = 1e-12


def supply_ratios(
    reach: Reach, demand: Demand, capacity: pd.Series, *, decay: Decay | None = None, people: str = "population"
) -> pd.Series:
    """Give each station's capacity for each person who can walk to it: the first step of 2SFCA.

    Parameters
    ----------
    reach
        Walks within the cutoff from the stations to the demand points, in seconds.
    demand
        Its column `people` says who counts: ``population``, ``need``, or a group's ``pop_<group>``.
    capacity
        What each station of `reach` can carry, by station id, in people (or staff, or anything that adds up); >= 0.
    decay
        How much a walk counts (`planner.decay`); without one every walk within the cutoff counts whole (2SFCA).

    Returns
    -------
    ``supply_ratio`` by station id, in the order of `reach`: ``S_j / Σ_k w(t_kj) P_k``; missing where nobody can walk to it.

    Raises
    ------
    TableError
        If a station has no capacity, or less than 0; every station at once. If `reach` walks to points not in `demand`.
    """
    weights, count, supply = _weighted(reach, demand, capacity, decay, people)
    ratio = _ratios(weights, count, supply)
    return pd.Series(ratio, index=reach.facility_ids, name="supply_ratio")


def two_step_access(
    reach: Reach, demand: Demand, capacity: pd.Series, *, decay: Decay | None = None, people: str = "population"
) -> pd.Series:
    """Give the supply each resident can walk to, shared with all who can walk to it too: 2SFCA, or E2SFCA with a decay.

    Parameters
    ----------
    reach, demand, capacity, decay, people
        As `supply_ratios` takes them.

    Returns
    -------
    ``supply`` by demand id, in the order of `demand`: capacity for each person, ``A_i = Σ_j w(t_ij) R_j``; 0 where nothing is
    in reach.

    Notes
    -----
    Two-step floating catchment areas: Luo and Wang (2003), Environment and Planning B 30:865-884; with decay in both steps:
    Luo and Qi (2009), Health & Place 15:1100-1107.
    Law: ``Σ P_i A_i = Σ S_j`` over the stations somebody can reach: exactly their capacity is handed out.

    Examples
    --------
    One station for 20 people, 30 in reach of it; 10 others reach nothing.

    >>> import geopandas as gpd
    >>> from planner.schema import DEMAND
    >>> frame = {"demand_id": [1, 2, 3], "population": [10.0, 20.0, 10.0], "need": [10.0, 20.0, 10.0]}
    >>> demand = DEMAND.conform(gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0, 9, 99], [0, 0, 0]), crs="EPSG:32651"))
    >>> reach = Reach(pd.Index(["a"]), demand.index, sp.csr_array(([60.0, 90.0], ([0, 0], [0, 1])), shape=(1, 3)))
    >>> two_step_access(reach, demand, pd.Series({"a": 20.0})).round(3).tolist()
    [0.667, 0.667, 0.0]
    """
    weights, count, supply = _weighted(reach, demand, capacity, decay, people)
    ratio = np.nan_to_num(_ratios(weights, count, supply), nan=0.0)
    return pd.Series(np.asarray(weights.T @ ratio), index=demand.index, name="supply")


@dataclass(frozen=True)
class Spread:
    """How values lie among people: mean, lower weighted quantiles, and inequality (0: all the same)."""

    mean: float
    p10: float
    median: float
    p90: float
    gini: float
    theil: float


def measure_spread(values: npt.ArrayLike, weights: npt.ArrayLike) -> Spread:
    """Say how values lie among people.

    Parameters
    ----------
    values
        One a place, >= 0 and finite: supply for each person, or seconds to walk (then only of those who reach a station).
    weights
        People at each place, >= 0.

    Returns
    -------
    Spread; every figure NaN where there is nobody, ``gini`` and ``theil`` NaN where all values are 0.

    Raises
    ------
    ValueError
        If a value or weight is negative or not finite.

    Notes
    -----
    Quantiles: the least value that at least the share of all people does not exceed (definition 1 in Hyndman and Fan 1996).
    ``gini``: half the mean difference of two people over the mean, ``Σ_i Σ_j w_i w_j |x_i - x_j| / (2 W² μ)``; 0 to 1.
    ``theil``: ``Σ (w_i / W) (x_i / μ) ln(x_i / μ)`` with ``0 ln 0 = 0``; at least 0.
    Laws: splitting a place in two, or measuring in another unit, changes neither ``gini`` nor ``theil``.

    Examples
    --------
    >>> measure_spread([0.0, 4.0], [1, 1])
    Spread(mean=2.0, p10=0.0, median=0.0, p90=4.0, gini=0.5, theil=0.6931471805599453)
    """
    value, weight = _checked(values, weights)
    order = np.argsort(value, kind="stable")
    value, weight = value[order], weight[order]
    below = np.cumsum(weight)
    if not len(value):
        return Spread(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)
    whole = float(below[-1])
    mean = float(value @ weight) / whole
    places = [int(np.searchsorted(below, share * whole * (1 - _ROUNDING), side="left")) for share in (0.1, 0.5, 0.9)]
    p10, median, p90 = (float(value[min(place, len(value) - 1)]) for place in places)
    if not mean:
        return Spread(0.0, p10, median, p90, math.nan, math.nan)
    gini = 2 * float((weight * value) @ (below - weight / 2)) / (whole * whole * mean) - 1
    return Spread(mean, p10, median, p90, max(gini, 0.0), _theil(value / mean, weight / whole))


def split_theil(values: npt.ArrayLike, weights: npt.ArrayLike, places: Sequence[object]) -> tuple[float, float]:
    """Give how much of the Theil index lies between places (towns) and how much within them; they add up to it.

    Parameters
    ----------
    values, weights
        As `measure_spread` takes them.
    places
        Whose they are: one a value.

    Examples
    --------
    >>> split_theil([0.0, 4.0, 2.0, 2.0], [1, 1, 1, 1], ["a", "a", "b", "b"])
    (0.0, 0.34657359027997264)
    """
    whole = measure_spread(values, weights).theil
    table = pd.DataFrame({"value": np.asarray(values, dtype=np.float64), "weight": np.asarray(weights, dtype=np.float64)})
    table["amount"] = table["value"] * table["weight"]
    sums = table.groupby(pd.Series(list(places)), dropna=False, sort=True)[["amount", "weight"]].sum()
    sums = sums[sums["weight"] > 0]
    between = measure_spread(sums["amount"] / sums["weight"], sums["weight"]).theil
    return between, max(whole - between, 0.0) if not math.isnan(whole) else math.nan


def access_by_town(
    demand: Demand, supply: pd.Series, stations: Stations, towns: Towns, *, people: str = "population"
) -> TownAccess:
    """Say how much supply the residents of the district (first row) and of each town have, and how evenly.

    Parameters
    ----------
    demand
        Residents, each in a ``town``.
    supply
        As `two_step_access` gives it.
    stations
        The stations that stand, each in its ``town``; those of no town of `towns` count in no row.

    Returns
    -------
    ACCESS: ``population``; ``stations`` and ``stations_per_10000`` residents; ``supply_per_10000``: mean supply; ``p10`` of it
    (nine in ten residents have at least about as much), ``gini`` and ``theil`` among the residents; ``without_pop``: residents
    with no supply at all.
    """
    count = demand[people].to_numpy(dtype=np.float64)
    each = supply.reindex(demand.index).to_numpy(dtype=np.float64)
    town = demand["town"].astype("object") if "town" in demand else pd.Series(None, index=demand.index, dtype=object)
    stand = stations["town"].astype("object") if "town" in stations else pd.Series(None, index=stations.index, dtype=object)
    rows = [_access_row(DISTRICT, count, each, int(stand.isin(towns.index).sum()))]
    for name in towns.index:
        own = (town == name).to_numpy(dtype=bool)
        rows.append(_access_row(str(name), count[own], each[own], int((stand == name).sum())))
    return cast("TownAccess", ACCESS.conform(pd.DataFrame(rows)))


def walking_saved(before: Reach, after: Reach, demand: Demand) -> dict[str, float | None]:
    """Say how much walking to the nearest station a change of stations saves.

    Parameters
    ----------
    before, after
        Walks within the same cutoff to the same demand points, from the stations before and after.

    Returns
    -------
    - ``saved_min``: minutes saved by all who have a station in reach both times, one way, one walk each (negative: lost);
      ``kept_pop``: how many they are; ``mean_saved_min`` = saved_min / kept_pop;
    - ``nearer_pop``, ``farther_pop``: how many of them walk less, or more;
    - ``gained_pop``, ``lost_pop``: residents who had none in reach and have one now, or the other way round. No time before (or
      after) is known of them, so that they are in no mean.

    Notes
    -----
    Law: where stations are only added, ``saved_min >= 0`` and nobody walks farther or is lost.
    """
    people = demand["population"].to_numpy(dtype=np.float64)
    then, now = (nearest_of(walks_onto(each, demand), each.facility_ids)[1] for each in (before, after))
    kept = np.isfinite(then) & np.isfinite(now)
    saved = (then[kept] - now[kept]) / MINUTE_S
    who, total = people[kept], float(people[kept].sum())
    minutes = float(saved @ who)
    return {
        "saved_min": minutes,
        "kept_pop": total,
        "mean_saved_min": minutes / total if total else None,
        "nearer_pop": float(who[saved > 0].sum()),
        "farther_pop": float(who[saved < 0].sum()),
        "gained_pop": float(people[np.isnan(then) & np.isfinite(now)].sum()),
        "lost_pop": float(people[np.isfinite(then) & np.isnan(now)].sum()),
    }


def measure_equity(coverage: Coverage, groups: Sequence[Group] = ()) -> dict[str, Any]:
    """Say who is served worst, and how evenly walks lie among those who reach a station.

    Returns
    -------
    - ``walk``: `Spread` of the minutes to the nearest station among covered residents (read it beside the coverage);
    - ``worst_town``, ``worst_town_coverage``: the town with the lowest share of residents covered (of equals the first name);
    - ``worst_group``, ``worst_group_coverage``: the same of the key groups; ``group_gap``: its coverage less that of all
      residents (below 0: worse off). None where there is no such town or group.
    """
    covered = coverage["covered"].to_numpy(dtype=bool)
    people = coverage["population"].to_numpy(dtype=np.float64)
    walk_min = coverage["nearest_walk_s"].to_numpy(dtype=np.float64)[covered] / MINUTE_S
    shares: dict[str, float] = {}
    if "town" in coverage:
        own = pd.DataFrame({"town": coverage["town"].astype("object"), "all": people, "covered": people * covered})
        sums = own.groupby("town").sum()
        shares = {str(town): float(row["covered"] / row["all"]) for town, row in sums[sums["all"] > 0].iterrows()}
    members = {group.name: coverage[f"pop_{group.name}"].to_numpy(dtype=np.float64) for group in groups}
    of_groups = {name: float(count[covered].sum() / count.sum()) for name, count in members.items() if count.sum() > 0}
    town, town_share = _least(shares)
    group, group_share = _least(of_groups)
    gap = None if group_share is None or not people.sum() else group_share - float(people[covered].sum() / people.sum())
    return {
        "walk": measure_spread(walk_min, people[covered]),
        "worst_town": town,
        "worst_town_coverage": town_share,
        "worst_group": group,
        "worst_group_coverage": group_share,
        "group_gap": gap,
    }


def of_their_town(demand: Demand, walk: Walk, what: Callable[[Walk], float]) -> Floats:
    """Something of how the residents of each demand point walk, which their town decides."""
    if not walk.towns or "town" not in demand:
        return np.full(len(demand), what(walk))
    town = demand["town"].fillna("").astype(object)
    own = {name: what(walk.for_town(str(name))) for name in town.unique()}
    return np.asarray(town.map(own), dtype=np.float64)


def shares_of_cutoff(reach: Reach, demand: Demand, walk: Walk) -> Reach:
    """The walks within reach, each as a share of the walker's own cutoff: what a decay weighs where towns walk differently."""
    walks = walks_onto(reach, demand)
    shares = walks.data / of_their_town(demand, walk, lambda own: own.cutoff_s)[walks.indices]
    return Reach(reach.facility_ids, demand.index, sp.csr_array((shares, walks.indices, walks.indptr), shape=walks.shape))


def _weighted(
    reach: Reach, demand: Demand, capacity: pd.Series, decay: Decay | None, people: str
) -> tuple[sp.csr_array, Floats, Floats]:
    """Weights of the walks (stations x demand), people at each point, and each station's capacity."""
    supply = capacity.reindex(reach.facility_ids).to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.isfinite(supply) & (supply >= 0)))
    if len(wrong):
        ids = [str(key) for key in reach.facility_ids[wrong]]
        problem = "the station's capacity is missing or less than 0"
        faults = [Fault(problem, "give one", row=key, column="capacity") for key in ids]
        raise TableError(f"stations: {say_faults(faults)}", faults, "stations")
    walks = walks_onto(reach, demand)
    weight = np.ones(walks.nnz) if decay is None else np.asarray(decay(walks.data.astype(np.float64)), dtype=np.float64)
    weights = sp.csr_array((weight, walks.indices, walks.indptr), shape=walks.shape)
    return weights, demand[people].to_numpy(dtype=np.float64), supply


def _ratios(weights: sp.csr_array, count: Floats, supply: Floats) -> Floats:
    near = np.asarray(weights @ count, dtype=np.float64)
    ratios: Floats = np.divide(supply, near, out=np.full(len(supply), np.nan), where=near > 0)
    return ratios


def _checked(values: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[Floats, Floats]:
    value, weight = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if not (np.isfinite(value) & (value >= 0)).all() or not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("values and weights must be numbers >= 0; leave those out of reach away")
    return value[weight > 0], weight[weight > 0]


def _theil(relative: Floats, share: Floats) -> float:
    logs = np.log(relative, out=np.zeros(len(relative)), where=relative > 0)
    return max(float((share * relative) @ logs), 0.0)


def _access_row(place: str, count: Floats, supply: Floats, stations: int) -> dict[str, object]:
    spread, residents = measure_spread(supply, count), float(count.sum())
    return {
        "place": place,
        "population": residents,
        "stations": stations,
        "stations_per_10000": stations * PER / residents if residents else np.nan,
        "supply_per_10000": spread.mean * PER,
        "p10": spread.p10 * PER,
        "gini": spread.gini,
        "theil": spread.theil,
        "without_pop": float(count[supply == 0].sum()),
    }


def _least(shares: dict[str, float]) -> tuple[str | None, float | None]:
    if not shares:
        return None, None
    name = min(sorted(shares), key=shares.__getitem__)
    return name, shares[name]
