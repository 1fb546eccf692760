"""How well each station, town and group is served, and the headline figures; every indicator has its definition here."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
import shapely
from shapely.geometry.base import BaseGeometry

from planner.coverage import nearest_of, stations_in_reach, walks_onto
from planner.errors import Fault, PlannerWarning, TableError, first_few, say_faults
from planner.policy import Policy
from planner.reach import Reach
from planner.schema import (
    GROUP_SCORES,
    SCORES,
    TOWN_SCORES,
    Coverage,
    Demand,
    GroupScores,
    Scores,
    Stations,
    Towns,
    TownScores,
    says_none,
)
from planner.study import MINUTE_S, Group

Floats = npt.NDArray[np.float64]

RESIDENTS = "residents"  # the first row of the group scores
RESIDENTS_LABEL = "常住人口"
SERVICE_ITEMS = 24  # numbered items of the annex of the Jiading plan of 2023: 13 basic, 9 extended, 2 innovative
M2_PER_KM2 = 1e6

_ROUNDING = 1e-12  # share x total may stand this much above the whole number it means
_ITEM_SEPARATORS = re.compile(r"[\s,;，；、/|]+")
_ITEM_RANGE = re.compile(r"^(\d{1,3})(?:[-–—~～至](\d{1,3}))?$")


def weighted_quantile(values: npt.ArrayLike, weights: npt.ArrayLike, share: float) -> float:
    """Give the lower weighted quantile: the least value that at least `share` of all weight does not exceed.

    Parameters
    ----------
    values
        Finite numbers, in any order.
    weights
        One a value, >= 0; people, so that the median is that of the people and not of the places.
    share
        In [0, 1]; 0.5 is the median, 0.9 is P90.

    Returns
    -------
    One of the values with positive weight (never a mean of two); NaN where no weight is positive.

    Notes
    -----
    The inverse of the weighted distribution function (definition 1 in Hyndman and Fan 1996). With whole weights it is
    the ``ceil(share * n)``-th smallest of the list in which each value stands as often as its weight says.

    Examples
    --------
    >>> weighted_quantile([300.0, 60.0, 900.0], [1, 2, 1], 0.5), weighted_quantile([300.0, 60.0, 900.0], [1, 2, 1], 0.75)
    (60.0, 300.0)
    """
    value, weight = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    counted = weight > 0
    value, weight = value[counted], weight[counted]
    if not len(value):
        return math.nan
    order = np.argsort(value, kind="stable")
    below = np.cumsum(weight[order])
    place = np.searchsorted(below, share * below[-1] * (1 - _ROUNDING), side="left")
    return float(value[order[min(int(place), len(value) - 1)]])


def score_stations(reach: Reach, demand: Demand, stations: Stations, policy: Policy | None = None) -> Scores:
    """Score each station by the people who can walk to it.

    Parameters
    ----------
    reach
        Walking times within the cutoff from the stations to the demand points, in seconds.
    demand
        Residents (``population``) and key groups (``pop_<group>``) at each demand point.
    stations
        The stations to score, all those of `reach` among them; one that `reach` does not know serves nobody.
    policy
        The pack whose items ``services`` lists; without one, or where it has no items, those of the Jiading plan count.

    Returns
    -------
    SCORES, in the order of `stations`. In people, over the demand points in a station's reach (within the cutoff):

    - ``served_pop``, ``served_<group>``: everyone; people with several stations count for each, so these do not add up;
    - ``sole_pop``: those with no other station in reach; ``shared_pop``: the others. They add up to ``served_pop``;
    - ``marginal_pop``: who would be left without any station if this one closed, which is ``sole_pop``;
    - ``load``: those whose nearest station it is (ties: the lowest id). Adds up to all covered residents;
    - ``median_walk_min``: lower weighted median of their walks in minutes; missing where nobody is in reach;
    - ``completeness``: how many of the pack's service items (of 24 without one) it offers, 0 to 1, where ``services`` lists
      item numbers (``1-5,7;11`` or ``1、2、3``);
    - ``capacity``, ``rating``, ``survey``: what the stations' table says, as it is;
    - ``rank``: 1 is the most ``served_pop``; stations that serve equally many share a rank.

    Raises
    ------
    TableError
        If `reach` knows a station that is not in `stations`, or walks to points not in `demand`.

    Warns
    -----
    PlannerWarning
        If a station's ``services`` are not item numbers (1 to 24, or the pack's); its completeness is missing then.
    """
    walks = _walks_of_stations(reach, demand, stations)
    people = demand["population"].to_numpy(dtype=np.float64)
    groups = [str(name) for name in demand.columns if str(name).startswith("pop_")]
    backed_up = stations_in_reach(walks) > 1
    sole, shared = _in_reach(walks, people * ~backed_up), _in_reach(walks, people * backed_up)
    nearest, _ = nearest_of(walks, stations.index)
    covered = nearest >= 0
    columns: dict[str, Any] = {
        "name": stations["name"],
        **({"town": stations["town"]} if "town" in stations else {}),
        "served_pop": sole + shared,
        "sole_pop": sole,
        **{f"served_{name[4:]}": _in_reach(walks, demand[name].to_numpy(dtype=np.float64)) for name in groups},
        "shared_pop": shared,
        "median_walk_min": _median_walks_min(walks, people),
        "load": np.bincount(nearest[covered], weights=people[covered], minlength=len(stations)),
        "marginal_pop": sole,
        **({"completeness": _completeness(stations["services"], policy)} if "services" in stations else {}),
        **{name: stations[name] for name in ("capacity", "rating", "survey") if name in stations},
    }
    table = pd.DataFrame(columns, index=stations.index)
    table["rank"] = table["served_pop"].rank(method="min", ascending=False).astype("int64")
    return cast("Scores", SCORES.conform(table))


def score_towns(
    coverage: Coverage,
    towns: Towns,
    stations: Stations,
    groups: Sequence[Group] = (),
    *,
    reached: BaseGeometry | None = None,
    target: int | Mapping[str, int] | None = None,
) -> TownScores:
    """Score each town by its residents, whichever town the station they reach stands in.

    Parameters
    ----------
    coverage
        Coverage with ``town``; people without a town count in no row.
    towns
        Polygons by town, in the CRS of `reached`.
    stations
        The stations that count, each in its ``town`` where that names one of `towns`, else in the polygon it stands in.
    groups
        The key groups to report; each needs its ``pop_<group>`` in `coverage`.
    reached
        All that lies within the cutoff of a station (``isochrones.reached_area``), for the share of area.
    target
        Stations required: one number for every town, or a number by town (a town left out has no target).

    Returns
    -------
    TOWN_SCORES, in the order of `towns`: ``population``, ``covered_pop``, ``coverage`` = covered_pop / population (missing
    where nobody lives), ``covered_<group>``, ``area_coverage`` = reached area within the town / its area,
    ``median_walk_min`` of those covered, ``stations``, and where there is a target ``target`` and ``met``.

    Raises
    ------
    TableError
        If `coverage` has no towns, or a town that is not in `towns`, or lacks a group's column; if a target names a town
        that is not there.

    Warns
    -----
    PlannerWarning
        If people live in no town.
    """
    row = _town_rows(coverage, towns)
    covered = coverage["covered"].to_numpy(dtype=bool)
    people = coverage["population"].to_numpy(dtype=np.float64)
    members = {group.name: _members(coverage, group) for group in groups}

    def by_town(amount: Floats) -> Floats:
        return np.bincount(row[row >= 0], weights=amount[row >= 0], minlength=len(towns)).astype(np.float64)

    population, covered_pop = by_town(people), by_town(people * covered)
    columns: dict[str, Any] = {
        "population": population,
        "covered_pop": covered_pop,
        "coverage": _share(covered_pop, population),
        **{f"covered_{name}": by_town(count * covered) for name, count in members.items()},
        **({} if reached is None else {"area_coverage": _area_shares(towns, reached)}),
        "median_walk_min": _median_by_town(coverage, row, len(towns)),
        "stations": _stations_by_town(stations, towns),
    }
    table = pd.DataFrame(columns, index=towns.index)
    if target is not None:
        table["target"] = _targets(target, towns)
        table["met"] = (table["stations"] >= table["target"]).astype("boolean").mask(table["target"].isna())
    return cast("TownScores", TOWN_SCORES.conform(table))


def score_groups(coverage: Coverage, groups: Sequence[Group] = ()) -> GroupScores:
    """Score all residents (first row, ``residents``) and each key group in the order given.

    Returns
    -------
    GROUP_SCORES: ``label``, ``total`` and ``covered`` (people), ``coverage`` = covered / total (missing where there is nobody),
    ``median_walk_min`` and ``p90_walk_min``: lower weighted quantiles of the walk to the nearest station, in minutes, over
    those covered (so read them beside the coverage). Where employers or jobs are counted too, ``of`` says what a row counts.

    Raises
    ------
    TableError
        If `coverage` lacks a group's ``pop_<group>``.
    """
    people = coverage["population"].to_numpy(dtype=np.float64)
    rows = [(RESIDENTS, RESIDENTS_LABEL, people)]
    rows += [(group.name, group.shown, _members(coverage, group)) for group in groups]
    table = pd.DataFrame([_group_row(coverage, *row) for row in rows])
    if not all(group.are_people for group in groups):
        table["of"] = ["people", *(str(group.of) for group in groups)]
    return cast("GroupScores", GROUP_SCORES.conform(table))


def summarise(
    coverage: Coverage,
    towns: Towns,
    stations: Stations,
    groups: Sequence[Group] = (),
    *,
    reached: BaseGeometry | None = None,
) -> dict[str, Any]:
    """Give the headline figures as plain numbers, each share beside its numerator and denominator.

    Returns
    -------
    A dict that JSON can hold (None where a figure does not exist, such as a share of nobody):

    - ``population``, ``covered_pop``, ``coverage``; ``unreachable_pop``, ``unreachable_share``: residents without a station
      within the cutoff; ``backed_up_pop``, ``backed_up_share``: residents with two or more;
    - ``mean_walk_min``, ``median_walk_min``, ``p90_walk_min``: to the nearest station, over covered residents;
    - ``need``, ``covered_need``, ``need_coverage``: with key groups counted by their weight;
    - ``area_km2``, ``covered_area_km2``, ``area_coverage``, if `reached` is given;
    - ``stations``, ``towns``, ``towns_with_a_station``, ``demand_points``; ``residents_per_station``, ``stations_per_10000``:
      of the stations that stand in a town, without those just outside;
    - ``groups``: for each key group ``label``, ``total``, ``covered``, ``coverage``, ``median_walk_min``, ``p90_walk_min``.

    The cutoff, pace and date these stand on belong beside them: the caller adds them.
    """
    people = coverage["population"].to_numpy(dtype=np.float64)
    covered = coverage["covered"].to_numpy(dtype=bool)
    walk_min = coverage["nearest_walk_s"].to_numpy(dtype=np.float64) / MINUTE_S
    scored = score_groups(coverage, groups)
    total, served = float(people.sum()), float(people[covered].sum())
    backed_up = float(people[(coverage["stations_in_reach"] >= 2).to_numpy()].sum())
    here = _stations_by_town(stations, towns)
    said: dict[str, Any] = {
        **_of("population", total, "covered_pop", served, "coverage"),
        **_of(None, total, "unreachable_pop", float(people[~covered].sum()), "unreachable_share"),
        **_of(None, total, "backed_up_pop", backed_up, "backed_up_share"),
        "mean_walk_min": _number(np.average(walk_min[covered], weights=people[covered]) if served else math.nan),
        **{name: _number(float(scored[name].iloc[0])) for name in ("median_walk_min", "p90_walk_min")},
        **_need_figures(coverage),
        **({} if reached is None else _area_figures(towns, reached)),
        "stations": len(stations),
        "residents_per_station": _ratio(total, int(here.sum())),
        "stations_per_10000": _ratio(int(here.sum()) * 10_000, total),
        "towns": len(towns),
        "towns_with_a_station": int((here > 0).sum()),
        "demand_points": len(coverage),
    }
    figures = ("total", "covered", "coverage", "median_walk_min", "p90_walk_min")
    said["groups"] = {
        str(name): {"label": str(row["label"]), **{key: _number(row[key]) for key in figures}}
        for name, row in scored.drop(index=RESIDENTS).iterrows()
    }
    return said


def service_items(text: str) -> frozenset[int] | None:
    """Read the numbers of service items out of a cell such as ``1-5, 7、11`` or ``无``; None if it is anything else.

    Examples
    --------
    >>> sorted(service_items("1-3；7"))
    [1, 2, 3, 7]
    >>> service_items("就业咨询") is None, service_items("无")
    (True, frozenset())
    """
    found: set[int] = set()
    if says_none(text):
        return frozenset()
    for word in _ITEM_SEPARATORS.split(text.strip()):
        match = _ITEM_RANGE.match(word)
        if match is None:
            return None
        first = int(match.group(1))
        last = int(match.group(2) or first)
        if not 1 <= first <= last <= SERVICE_ITEMS:
            return None
        found.update(range(first, last + 1))
    return frozenset(found)


def _walks_of_stations(reach: Reach, demand: Demand, stations: Stations) -> sp.csr_array:
    """Walks with rows in the order of `stations` and columns in that of `demand`."""
    walks = walks_onto(reach, demand)
    if reach.facility_ids.equals(stations.index):
        return walks
    unknown = reach.facility_ids[~reach.facility_ids.isin(stations.index)]
    if len(unknown):
        faults = [Fault("reach knows a station that is not in stations", "", row=str(key)) for key in unknown]
        raise TableError(f"scores: {say_faults(faults)}; give all stations of the reach", faults, "station scores")
    nobody = sp.csr_array((1, walks.shape[1]), dtype=walks.dtype)
    padded = sp.csr_array(sp.vstack([walks, nobody], format="csr"))  # row -1: a station that reach does not know
    return sp.csr_array(padded[reach.facility_ids.get_indexer(stations.index)])


def _in_reach(walks: sp.csr_array, people: Floats) -> Floats:
    """People within the reach of each station: a stored walk counts them once, whatever its length."""
    pairs = sp.csr_array((np.ones(walks.nnz), walks.indices, walks.indptr), shape=walks.shape)
    return np.asarray(pairs @ people, dtype=np.float64)


def _median_walks_min(walks: sp.csr_array, people: Floats) -> Floats:
    # A loop over stations: each sorts its own few walks, which takes less memory than sorting all at once.
    medians = np.full(walks.shape[0], np.nan)
    for i in range(walks.shape[0]):
        own = slice(int(walks.indptr[i]), int(walks.indptr[i + 1]))
        medians[i] = weighted_quantile(walks.data[own], people[walks.indices[own]], 0.5) / MINUTE_S
    return medians


def _completeness(services: pd.Series, policy: Policy | None) -> Floats:
    known = frozenset(range(1, SERVICE_ITEMS + 1))
    if policy is not None and policy.items:
        known = frozenset(item.number for item in policy.items)
    listed = services.notna() & (services.str.strip() != "")
    items = {key: _items_among(known, policy, str(text)) for key, text in services[listed].items()}
    unread = [str(key) for key, found in items.items() if found is None]
    if unread:
        said = first_few(unread)
        mend = f"write item numbers {min(known)} to {max(known)} such as 1-5,7"
        message = f"stations: services of {said} are not item numbers, so their completeness is unknown; {mend}"
        warnings.warn(message, PlannerWarning, stacklevel=3)
    shares = [math.nan if (found := items.get(key)) is None else len(found) / len(known) for key in services.index]
    return np.array(shares, dtype=np.float64)


def _items_among(known: frozenset[int], policy: Policy | None, text: str) -> frozenset[int] | None:
    """The items a cell lists; None where it names functions alone, or anything else than items and functions of the pack."""
    if policy is None or not policy.items or says_none(text):
        return service_items(text)
    offer = policy.read_offer(text)
    return offer.items & known if offer is not None and offer.items else None


def _members(coverage: Coverage, group: Group) -> Floats:
    name = f"pop_{group.name}"
    if name not in coverage.columns:
        known = ", ".join(str(column) for column in coverage.columns if str(column).startswith("pop_")) or "none"
        raise TableError(f"coverage has no column {name!r} for group {group.name!r}; it has {known}", (), "coverage")
    return coverage[name].to_numpy(dtype=np.float64)


def _town_rows(coverage: Coverage, towns: Towns) -> npt.NDArray[np.int64]:
    """Which row of `towns` each demand point lives in; -1 for none."""
    if "town" not in coverage.columns:
        raise TableError("coverage has no column 'town'; put each demand point into its town first", (), "coverage")
    town = coverage["town"]
    unknown = town[town.notna() & ~town.isin(towns.index)].drop_duplicates()
    if len(unknown):
        mend = "use the names of the area's towns"
        faults = [Fault("a town that is not in towns", mend, row=str(key), column="town", value=str(name))
                  for key, name in unknown.items()]  # fmt: skip
        raise TableError(f"coverage: {say_faults(faults)}", faults, "coverage")
    homeless = float(coverage.loc[town.isna(), "population"].sum())
    if homeless:
        message = f"{homeless:,.0f} residents live in no town and count in no town's row; check the area's polygons"
        warnings.warn(message, PlannerWarning, stacklevel=3)
    return np.asarray(towns.index.get_indexer(pd.Index(town)), dtype=np.int64)


def _stations_by_town(stations: Stations, towns: Towns) -> npt.NDArray[np.int64]:
    """How many stations each town has: by their own word, else by the polygon they stand in."""
    row = np.full(len(stations), -1, dtype=np.int64)
    station, polygon = towns.sindex.query(stations.geometry, predicate="intersects")
    row[station[::-1]] = polygon[::-1]
    if "town" in stations.columns:
        named = towns.index.get_indexer(pd.Index(stations["town"]))
        row = np.where(named >= 0, named, row)
    return np.bincount(row[row >= 0], minlength=len(towns)).astype(np.int64)


def _area_shares(towns: Towns, reached: BaseGeometry) -> Floats:
    shapely.prepare(reached)
    inside = shapely.area(shapely.intersection(towns.geometry.to_numpy(), reached))
    whole = shapely.area(towns.geometry.to_numpy())
    return np.minimum(_share(inside, whole), 1.0)


def _median_by_town(coverage: Coverage, row: npt.NDArray[np.int64], count: int) -> Floats:
    covered = coverage["covered"].to_numpy(dtype=bool)
    walk_s = coverage["nearest_walk_s"].to_numpy(dtype=np.float64)
    people = coverage["population"].to_numpy(dtype=np.float64)
    here = ((row == i) & covered for i in range(count))
    return np.array([weighted_quantile(walk_s[own], people[own], 0.5) / MINUTE_S for own in here], dtype=np.float64)


def _targets(target: int | Mapping[str, int], towns: Towns) -> pd.Series:
    if not isinstance(target, Mapping):
        return pd.Series(target, index=towns.index, dtype="Int64")
    unknown = [name for name in target if name not in towns.index]
    if unknown:
        faults = [
            Fault("a target for a town that is not in towns", "use its name", column="town", value=name) for name in unknown
        ]
        raise TableError(f"targets: {say_faults(faults)}", faults, "town scores")
    return pd.Series([target.get(str(name), pd.NA) for name in towns.index], index=towns.index, dtype="Int64")


def _group_row(coverage: Coverage, name: str, label: str, count: Floats) -> dict[str, object]:
    covered = coverage["covered"].to_numpy(dtype=bool)
    walk_min = coverage["nearest_walk_s"].to_numpy(dtype=np.float64)[covered] / MINUTE_S
    total, served = float(count.sum()), float(count[covered].sum())
    return {
        "group": name,
        "label": label,
        "total": total,
        "covered": served,
        "coverage": min(served / total, 1.0) if total else math.nan,
        "median_walk_min": weighted_quantile(walk_min, count[covered], 0.5),
        "p90_walk_min": weighted_quantile(walk_min, count[covered], 0.9),
    }


def _need_figures(coverage: Coverage) -> dict[str, float | None]:
    need, covered = coverage["need"].to_numpy(dtype=np.float64), coverage["covered"].to_numpy(dtype=bool)
    return _of("need", float(need.sum()), "covered_need", float(need[covered].sum()), "need_coverage")


def _area_figures(towns: Towns, reached: BaseGeometry) -> dict[str, float | None]:
    whole = shapely.union_all(towns.geometry.to_numpy())
    inside = float(shapely.area(shapely.intersection(whole, reached))) / M2_PER_KM2
    return _of("area_km2", float(whole.area) / M2_PER_KM2, "covered_area_km2", inside, "area_coverage")


def _of(whole: str | None, total: float, part: str, amount: float, share: str) -> dict[str, float | None]:
    """A share beside its numerator and, if `whole` names it, its denominator."""
    first: dict[str, float | None] = {} if whole is None else {whole: total}
    return first | {part: amount, share: _ratio(amount, total)}


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _share(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
