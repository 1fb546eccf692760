"""The indicators of the district, its towns, stations and key groups: one long table with numerators and denominators."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from planner.access import PER, measure_spread, of_their_town, shares_of_cutoff, two_step_access
from planner.coverage import nearest_of, walks_onto
from planner.decay import gaussian_to_zero
from planner.indicators.definitions import BY_NAME, DISTRICT
from planner.profiles import KMH
from planner.reach import Reach
from planner.schema import (
    BREAKDOWNS,
    INDICATORS,
    CommunityScores,
    Coverage,
    Demand,
    GroupScores,
    Indicators,
    Scores,
    Stations,
    Towns,
)
from planner.score import M2_PER_KM2, RESIDENTS, weighted_quantile
from planner.study import MINUTE_S, Counted, Walk

SEPARATOR = ", "
_ORDER = {name: i for i, name in enumerate(BY_NAME)}
_LEVEL = {name: i for i, name in enumerate(BREAKDOWNS)}

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the indicators are computed from; what is None gives no rows.

    Parameters
    ----------
    coverage
        Demand points with their nearest station, each in its ``town`` where it has one.
    reach
        The walks it was measured with.
    stations
        Those that count, in the CRS of `coverage`; ``capacity`` where it is known.
    towns
        Polygons by town.
    walk
        Cutoff and pace, which may differ by town.
    as_of
        The day the stations stand on.
    scores
        Of the stations.
    reached
        All that lies within the outlines at the cutoff.
    homes
        Points (or areas) of homes with ``amount`` in m²: of floor area, or of residential land.
    communities
        With ``covered`` and ``town``.
    after
        The walks to all stations once the proposed sites stand, for the walking saved.
    """

    coverage: Coverage
    reach: Reach
    stations: Stations
    towns: Towns
    walk: Walk
    as_of: dt.date
    scores: Scores
    reached: BaseGeometry | None = None
    homes: Any = None
    communities: CommunityScores | None = None
    after: Reach | None = None


@dataclass(frozen=True, eq=False)
class Amount:
    """A value with what it is a ratio of, where it is one, and which place or group it speaks of."""

    value: float
    numerator: float = math.nan
    denominator: float = math.nan
    detail: str | None = None


def ratio(numerator: float, denominator: float, *, per: float = 1.0) -> Amount:
    """`per` times the numerator over the denominator; no value where there is nobody.

    >>> ratio(1, 4).value, ratio(1, 20_000, per=10_000).value, ratio(0, 0).value
    (0.25, 0.5, nan)
    """
    return Amount(numerator * per / denominator if denominator else math.nan, numerator, denominator)


def measure_indicators(evidence: Evidence) -> Indicators:
    """Measure all indicators of the district, its towns and its stations; key groups come from `group_indicators`.

    Returns
    -------
    INDICATORS, in the order of `DEFINITIONS`, within one the district before the towns before the stations: ``value`` with
    ``numerator`` and ``denominator`` where it is a ratio, and the cutoff, pace and date it stands on. A resident's town decides
    the cutoff and the pace, so a town's row says its own.

    Notes
    -----
    Laws: ``value = numerator / denominator`` (times 10,000 where the unit says so); numerators of coverage, backup and
    unreachable add up over the towns to the district's where everybody has a town.
    """
    people = _People.of(evidence)
    rows = [row for by, place, here in _places(evidence) for row in _place_rows(evidence, people, by, place, here)]
    rows += list(_station_rows(evidence, people))
    return _table(rows, evidence.walk, evidence.as_of)


def measure_cells(evidence: Evidence) -> pd.DataFrame:
    """The indicators that are of one demand point, by ``demand_id``.

    Returns
    -------
    ``town``, ``population``, ``covered``, ``stations_in_reach``, ``nearest_station_id``, ``nearest_walk_s``, ``straight_m`` (to
    the nearest station), ``detour`` (that of the indicators; missing at the door); where every station says its
    capacity ``supply`` and ``supply_e2sfca`` per 10,000 residents; with a plan ``saved_min``. No key group is in it.
    """
    people, coverage = _People.of(evidence), evidence.coverage
    kept = ["town", "population", "covered", "stations_in_reach", "nearest_station_id", "nearest_walk_s"]
    straight = np.where(people.straight_m > 0, people.straight_m, np.nan)
    supplies = {"supply": people.supply, "supply_e2sfca": people.supply_decayed}
    table = pd.DataFrame(coverage[[name for name in kept if name in coverage]]).assign(
        straight_m=people.straight_m,
        detour=people.metres / straight,
        **{name: supply * PER for name, supply in supplies.items() if supply is not None},
    )
    return table if people.saved_min is None else table.assign(saved_min=people.saved_min)


def group_indicators(groups: GroupScores, walk: Walk, as_of: dt.date) -> Indicators:
    """The indicators of key groups, out of the group scores *as published*: what is suppressed there is left out here.

    Employers and jobs have rows like the groups, but are none: the least covered key group is one of people.
    """
    rows: list[_Row] = []
    shares: dict[str, Amount] = {}
    others = groups.drop(index=RESIDENTS, errors="ignore")
    for name, row in others.iterrows():
        if pd.isna(row["coverage"]) or pd.isna(row["total"]) or pd.isna(row["covered"]):
            continue
        total, covered, key = float(row["total"]), float(row["covered"]), str(name)
        shares[key] = ratio(covered, total)
        rows += [
            ("coverage", "group", key, shares[key]),
            ("unreachable", "group", key, ratio(total - covered, total)),
            ("median_walk", "group", key, Amount(float(row["median_walk_min"]), denominator=covered)),
            ("p90_walk", "group", key, Amount(float(row["p90_walk_min"]), denominator=covered)),
        ]
    lived = others[others["total"] != 0]
    people = [str(name) for name in (lived[lived["of"] == Counted.PEOPLE] if "of" in lived else lived).index]
    if people and shares.keys() >= set(people):
        rows.append(("worst_group", DISTRICT, DISTRICT, _worst({name: shares[name] for name in people})))
    return _table(rows, walk, as_of)


def together(*tables: Indicators) -> Indicators:
    """Several tables of indicators as one, in the order of `DEFINITIONS`."""
    whole = pd.concat([table.reset_index() for table in tables if len(table)], ignore_index=True)
    key = whole["indicator"].map(_ORDER) * len(_LEVEL) + whole["by"].map(_LEVEL)
    return cast("Indicators", INDICATORS.conform(whole.iloc[np.argsort(key.to_numpy(), kind="stable")]))


_Row = tuple[str, str, str, Amount]  # indicator, by, place, amount


@dataclass(frozen=True, eq=False)
class _People:
    """What is known of each demand point."""

    count: Floats
    covered: Marks
    walk_min: Floats
    metres: Floats
    straight_m: Floats
    in_reach: Floats
    nearest: npt.NDArray[np.int64]
    supply: Floats | None
    supply_decayed: Floats | None
    saved_min: Floats | None

    @classmethod
    def of(cls, evidence: Evidence) -> _People:
        coverage, stations = evidence.coverage, evidence.stations
        nearest, walk_s = nearest_of(walks_onto(evidence.reach, coverage), evidence.reach.facility_ids)  # type: ignore[arg-type]
        row = stations.index.get_indexer(evidence.reach.facility_ids)
        position = np.where(nearest >= 0, row[nearest], -1).astype(np.int64) if len(row) else nearest
        straight = np.full(len(coverage), np.nan)
        has = position >= 0
        ends = stations.geometry.to_numpy()[position[has]]
        straight[has] = shapely.distance(coverage.geometry.to_numpy()[has], ends)
        supplies = [_supply(evidence, decayed=decayed) for decayed in (False, True)]
        saved = None
        if evidence.after is not None:
            later = nearest_of(walks_onto(evidence.after, coverage), evidence.after.facility_ids)[1]  # type: ignore[arg-type]
            saved = (walk_s - later) / MINUTE_S
        return cls(
            coverage["population"].to_numpy(dtype=np.float64),
            coverage["covered"].to_numpy(dtype=bool),
            walk_s / MINUTE_S,
            walk_s * _paces(evidence),
            straight,
            coverage["stations_in_reach"].to_numpy(dtype=np.float64),
            position,
            supplies[0],
            supplies[1],
            saved,
        )


def _paces(evidence: Evidence) -> Floats:
    """Metres a second of each demand point's residents."""
    return of_their_town(evidence.coverage, evidence.walk, lambda walk: walk.pace_mps)  # type: ignore[arg-type]


def _supply(evidence: Evidence, *, decayed: bool) -> Floats | None:
    """Capacity for each person by 2SFCA, or E2SFCA; None where a station that counts says no capacity."""
    stations, coverage = evidence.stations, cast("Demand", evidence.coverage)
    if "capacity" not in stations or stations["capacity"].isna().any() or not len(stations):
        return None
    reach = shares_of_cutoff(evidence.reach, coverage, evidence.walk) if decayed else evidence.reach
    decay = (lambda share: gaussian_to_zero(share, cutoff_s=1.0)) if decayed else None
    supply = two_step_access(reach, coverage, stations["capacity"], decay=decay)
    return supply.to_numpy(dtype=np.float64)


def _places(evidence: Evidence) -> Iterator[tuple[str, str, Marks]]:
    """The district, then each town, with the demand points that are its own."""
    coverage = evidence.coverage
    yield DISTRICT, DISTRICT, np.ones(len(coverage), dtype=bool)
    if "town" in coverage:
        town = coverage["town"].fillna("").to_numpy(dtype=object)
        for name in evidence.towns.index:
            yield "town", str(name), np.asarray(town == name, dtype=bool)


def _place_rows(evidence: Evidence, people: _People, by: str, place: str, here: Marks) -> Iterator[_Row]:
    amounts = _of_people(people, here) | _of_ground(evidence, place, by) | _of_stations(evidence, people, place, by, here)
    if by == DISTRICT and "town" in evidence.coverage:
        amounts |= _worst_town(evidence, people)
    for name, amount in amounts.items():
        yield name, by, place, amount


def _of_people(people: _People, here: Marks) -> dict[str, Amount]:
    """Indicators that count residents and their walks."""
    count, covered = people.count, people.covered & here
    total, served = float(count[here].sum()), float(count[covered].sum())
    walks, who = people.walk_min[covered], count[covered]
    minutes = float(walks @ who)
    amounts = {
        "coverage": ratio(served, total),
        "unreachable": ratio(float(count[here & ~people.covered].sum()), total),
        "mean_walk": ratio(minutes, served),
        "median_walk": Amount(weighted_quantile(walks, who, 0.5), denominator=served),
        "p90_walk": Amount(weighted_quantile(walks, who, 0.9), denominator=served),
        "backup": ratio(float(count[here & (people.in_reach >= 2)].sum()), total),
        "overlap": ratio(float(people.in_reach[covered] @ who), served),
        "detour": _detour(people, covered),
        "walk_gini": Amount(measure_spread(walks, who).gini, denominator=served),
    }
    for name, supply in (("supply", people.supply), ("supply_e2sfca", people.supply_decayed)):
        if supply is not None:
            amounts[name] = ratio(float(supply[here] @ count[here]), total, per=PER)
    if people.supply is not None:
        spread = measure_spread(people.supply[here], count[here])
        amounts["supply_p10"] = Amount(spread.p10 * PER, denominator=total)
        amounts["supply_gini"] = Amount(spread.gini, denominator=total)
    if people.saved_min is not None:
        kept = here & np.isfinite(people.saved_min)
        amounts["walking_saved"] = ratio(float(people.saved_min[kept] @ count[kept]), float(count[kept].sum()))
    return amounts


def _detour(people: _People, who: Marks) -> Amount:
    count = people.count[who]
    return ratio(float(people.metres[who] @ count), float(people.straight_m[who] @ count))


def _of_ground(evidence: Evidence, place: str, by: str) -> dict[str, Amount]:
    """Indicators of area, homes and communities."""
    ground = evidence.towns.geometry.union_all() if by == DISTRICT else evidence.towns.geometry[place]
    amounts: dict[str, Amount] = {}
    if evidence.reached is not None:
        inside = float(shapely.area(shapely.intersection(ground, evidence.reached)))
        amounts["area_coverage"] = ratio(min(inside, ground.area) / M2_PER_KM2, ground.area / M2_PER_KM2)
        if evidence.homes is not None and len(evidence.homes):
            amounts["residential_coverage"] = _homes_covered(evidence, ground)
    if evidence.communities is not None:
        own = evidence.communities if by == DISTRICT else evidence.communities[evidence.communities["town"] == place]
        lived = own["covered"].dropna()
        amounts["community_coverage"] = ratio(float(lived.sum()), float(len(lived)))
    return amounts


def _homes_covered(evidence: Evidence, ground: BaseGeometry) -> Amount:
    homes = evidence.homes
    shapely.prepare(ground)
    here = homes[shapely.intersects(ground, shapely.point_on_surface(homes.geometry.to_numpy()))]
    inside = shapely.intersects(evidence.reached, shapely.point_on_surface(here.geometry.to_numpy()))
    amount = here["amount"].to_numpy(dtype=np.float64)
    return ratio(float(amount[inside].sum()), float(amount.sum()))


def _of_stations(evidence: Evidence, people: _People, place: str, by: str, here: Marks) -> dict[str, Amount]:
    """Indicators that count the stations standing in a place, whoever walks to them."""
    stations = evidence.stations
    named = stations["town"].fillna("") if "town" in stations else pd.Series("", index=stations.index)
    standing = (named.isin(evidence.towns.index) if by == DISTRICT else named == place).to_numpy(dtype=bool)
    amounts = {"stations_per_10000": ratio(float(standing.sum()), float(people.count[here].sum()), per=PER)}
    if "capacity" in stations:
        known = standing & stations["capacity"].notna().to_numpy(dtype=bool)
        if known.any():
            load = evidence.scores["load"].to_numpy(dtype=np.float64)[known]
            amounts["load_ratio"] = ratio(float(load.sum()), float(stations["capacity"].to_numpy(dtype=float)[known].sum()))
    return amounts


def _worst_town(evidence: Evidence, people: _People) -> dict[str, Amount]:
    shares = {
        place: ratio(float(people.count[here & people.covered].sum()), float(people.count[here].sum()))
        for _, place, here in list(_places(evidence))[1:]
    }
    return {"worst_town": _worst(shares)} if any(share.denominator for share in shares.values()) else {}


def _worst(shares: Mapping[str, Amount]) -> Amount:
    """The least of several shares, and whose it is: all of them where several are as low."""
    lived = {name: share for name, share in shares.items() if share.denominator}
    least = min(share.value for share in lived.values())
    worst = {name: share for name, share in lived.items() if share.value == least}
    parts = (sum(share.numerator for share in worst.values()), sum(share.denominator for share in worst.values()))
    return Amount(least, *parts, SEPARATOR.join(sorted(worst)))


def _station_rows(evidence: Evidence, people: _People) -> Iterator[_Row]:
    scores, stations = evidence.scores, evidence.stations
    capacity = stations["capacity"] if "capacity" in stations else pd.Series(np.nan, index=stations.index)
    for i, (key, row) in enumerate(scores.iterrows()):
        served = float(row["served_pop"])
        amounts = {
            "served": Amount(served),
            "load": Amount(float(row["load"])),
            "marginal": Amount(float(row["marginal_pop"])),
            "shared": ratio(float(row["shared_pop"]), served),
            "station_median_walk": Amount(float(row["median_walk_min"]), denominator=served),
            "detour": _detour(people, people.nearest == i),
        }
        if pd.notna(capacity.iloc[i]):
            amounts["load_ratio"] = ratio(float(row["load"]), float(capacity.iloc[i]))
        for name, amount in amounts.items():
            yield name, "station", str(key), amount


def _table(rows: Sequence[_Row], walk: Walk, as_of: dt.date) -> Indicators:
    ordered = sorted(rows, key=lambda row: (_ORDER[row[0]], _LEVEL[row[1]]))
    walks = [walk.for_town(place if by == "town" else None) for _, by, place, _ in ordered]
    table = pd.DataFrame(
        [
            {
                "indicator": name,
                "by": by,
                "place": place,
                "en": BY_NAME[name].en,
                "zh": BY_NAME[name].zh,
                "value": amount.value,
                "unit": BY_NAME[name].unit,
                "numerator": amount.numerator,
                "denominator": amount.denominator,
                "detail": amount.detail,
                "cutoff_min": own.minutes,
                "pace_kmh": own.pace_mps / KMH,
                "as_of": as_of,
            }
            for (name, by, place, amount), own in zip(ordered, walks, strict=True)
        ],
        columns=[column.name for column in INDICATORS.columns],
    )
    return cast("Indicators", INDICATORS.conform(table))
