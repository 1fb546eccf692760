"""The living circle beside the employment circle: which services lie within the same walk, and who stands among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner.network import Network
from planner.policy import Policy
from planner.reach import Streets, nearest_times
from planner.schema import (
    LIFE_CELLS,
    LIFE_CIRCLE,
    LIFE_FACILITIES,
    LIFE_PLACES,
    LIFE_SERVICES,
    Coverage,
    LifeCells,
    LifeCircleScores,
    LifeFacilities,
    LifePlaces,
    LifeServices,
    Towns,
)
from planner.study import Group, ServiceClass, Walk

DISTRICT = "district"
SEPARATOR = ", "

_SMALLEST_STEP = 0.01  # shares of a key group are given in whole per cent, or coarser

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Service:
    """A service of the living circle and its places, points in the CRS of the network."""

    name: str
    en: str
    zh: str
    service_class: ServiceClass
    places: gpd.GeoDataFrame

    @property
    def has_places(self) -> bool:
        """Whether the data has any place of it; if not, nothing is said of who reaches one."""
        return len(self.places) > 0


@dataclass(frozen=True, eq=False)
class LifeCircleReach:
    """Which demand point reaches which service.

    Parameters
    ----------
    services
        In the order of the columns of `reached`.
    reached
        (demand x services): a place of the service lies within the resident's walk.
    """

    services: tuple[Service, ...]
    reached: Marks

    def share(self, service_class: ServiceClass | None = None) -> Floats:
        """The share of services (of one class) that each demand point reaches; NaN where there is none of the class.

        A service without any place is left out: the data does not say whether there is none or none is mapped.
        """
        own = [service_class in (None, service.service_class) and service.has_places for service in self.services]
        if not any(own):
            return np.full(len(self.reached), np.nan)
        return np.asarray(self.reached[:, own].mean(axis=1), dtype=np.float64)

    @property
    def all_basic(self) -> Marks:
        """Who reaches every basic service that has a place; nobody where none has."""
        own = [service.service_class is ServiceClass.BASIC and service.has_places for service in self.services]
        return np.asarray(self.reached[:, own].all(axis=1) & any(own), dtype=np.bool_)


def reach_services(
    network: Network | Streets, services: Sequence[Service], demand: gpd.GeoDataFrame, walk: Walk
) -> LifeCircleReach:
    """Say which services lie within the walk of each demand point: one search from all places of a service at once.

    Parameters
    ----------
    network
        The network, or streets made ready from it.
    services
        Each with its places; a service without any place is reached by nobody.
    demand, walk
        As `planner.reach.nearest_times` takes them: the same cutoff and pace as for stations.

    Notes
    -----
    Law: another place, a longer cutoff or a faster pace never takes a service away from anyone.
    """
    reached = np.zeros((len(demand), len(services)), dtype=np.bool_)
    for i, service in enumerate(services):
        if service.has_places:
            nearest = nearest_times(network, service.places, demand, walk)
            reached[:, i] = nearest["nearest_walk_s"].notna().to_numpy(dtype=bool)
    return LifeCircleReach(tuple(services), reached)


def circle_cells(circle: LifeCircleReach, coverage: Coverage) -> LifeCells:
    """The living circle of every demand point: services in and out of reach, completeness, and whether a station is.

    A service without any place is neither in reach nor lacking.
    """
    names = np.array([service.name for service in circle.services], dtype=object)
    known = np.array([service.has_places for service in circle.services], dtype=bool)
    table = gpd.GeoDataFrame(
        {
            "population": coverage["population"],
            **({"town": coverage["town"]} if "town" in coverage else {}),
            "services": [SEPARATOR.join(names[row]) for row in circle.reached],
            "lacks": [SEPARATOR.join(names[known & ~row]) for row in circle.reached],
            "completeness": circle.share(),
            "basic": circle.share(ServiceClass.BASIC),
            "quality": circle.share(ServiceClass.QUALITY),
            "station": coverage["covered"].to_numpy(dtype=bool),
        },
        index=coverage.index,
        geometry=coverage.geometry.to_numpy(),
        crs=coverage.crs,
    )
    return cast("LifeCells", LIFE_CELLS.conform(table))


def score_circle(
    circle: LifeCircleReach, coverage: Coverage, towns: Towns, groups: Sequence[Group] = (), *, minimum: float = 0.0
) -> LifeCircleScores:
    """Score the living circle of the district, each town and each key group.

    Parameters
    ----------
    circle
        Which demand point reaches which service.
    coverage
        The demand points in the same order, with ``town``, groups and whether a station covers them.
    groups, minimum
        Key groups, and the least count of one that may be published (see Returns).

    Returns
    -------
    LIFE_CIRCLE. Of the district and towns: ``completeness``, ``basic``, ``quality``: share of services in reach, averaged over
    residents; ``all_basic_pop``: residents who reach every basic service; ``both_pop`` and ``both``: those of them who reach a
    station too, the dual circle. Of a group the shares alone, each rounded down to a step that `minimum` of its people could
    not be told from (at least one per cent), and none where somebody, but fewer than `minimum`, reach or lack a service.
    """
    people = coverage["population"].to_numpy(dtype=np.float64)
    town = coverage["town"].fillna("").to_numpy(dtype=object) if "town" in coverage else np.full(len(coverage), "")
    places = [(DISTRICT, DISTRICT, np.ones(len(people), dtype=bool))]
    places += [("town", str(name), np.asarray(town == name, dtype=bool)) for name in towns.index]
    covered = coverage["covered"].to_numpy(dtype=bool)
    rows = [_place_row(circle, by, name, people, here, covered) for by, name, here in places]
    for group in groups:
        rows.append(_group_row(circle, group.name, coverage[f"pop_{group.name}"].to_numpy(dtype=np.float64), minimum))
    return cast("LifeCircleScores", LIFE_CIRCLE.conform(pd.DataFrame(rows)))


def score_services(circle: LifeCircleReach, coverage: Coverage, towns: Towns) -> LifeServices:
    """Say of every service how many places it has and how many residents reach one, in the district and in each town.

    A town's ``places`` are those that stand in it; its residents may walk to others. A service without any place is not
    ``in_data``: nothing is said of its places and of who reaches one, since none may be there or none mapped.
    """
    people = coverage["population"].to_numpy(dtype=np.float64)
    town = coverage["town"].fillna("").to_numpy(dtype=object) if "town" in coverage else np.full(len(coverage), "")
    rows: list[dict[str, Any]] = []
    for i, service in enumerate(circle.services):
        stand = _towns_of(service.places, towns)
        for place in (DISTRICT, *map(str, towns.index)):
            here = np.asarray(town == place, dtype=bool) if place != DISTRICT else np.ones(len(people), dtype=bool)
            total, reached = float(people[here].sum()), float(people[here & circle.reached[:, i]].sum())
            row = {
                "service": service.name,
                "place": place,
                "en": service.en,
                "zh": service.zh,
                "service_class": str(service.service_class),
                "in_data": service.has_places,
                "population": total,
            }
            known = {
                "places": int((stand != "").sum() if place == DISTRICT else (stand == place).sum()),
                "covered_pop": reached,
                "coverage": min(reached / total, 1.0) if total else np.nan,
            }
            rows.append(row | known if service.has_places else row)
    columns = [column.name for column in LIFE_SERVICES.columns]
    return cast("LifeServices", LIFE_SERVICES.conform(pd.DataFrame(rows, columns=columns)))


def facilities_of(services: Sequence[Service], towns: Towns) -> LifeFacilities:
    """Every place of every service as a row with its point; one that serves two stands once for each.

    Returns
    -------
    LIFE_FACILITIES, in the CRS of `towns`, numbered from 1 in the order of the services. ``town`` is missing for those that
    stand outside, within a walk of the area; ``name`` where the data has none.
    """
    tables = [
        gpd.GeoDataFrame(
            {
                "service": service.name,
                "en": service.en,
                "zh": service.zh,
                "service_class": str(service.service_class),
                "name": service.places["name"].fillna("").to_numpy() if "name" in service.places else "",
                "town": _towns_of(service.places, towns),
            },
            geometry=service.places.geometry.to_numpy(),
            crs=towns.crs,
        )
        for service in services
        if service.has_places
    ]
    columns = [column.name for column in LIFE_FACILITIES.columns if column.name != "facility_id"]
    none = gpd.GeoDataFrame(columns=columns, geometry=[], crs=towns.crs)
    table = pd.concat(tables, ignore_index=True) if tables else none
    known = table.assign(**{name: table[name].replace("", None) for name in ("name", "town")})
    numbered = known.set_axis(pd.RangeIndex(1, len(table) + 1, name="facility_id"))
    return cast("LifeFacilities", LIFE_FACILITIES.conform(gpd.GeoDataFrame(numbered)))


def places_among(
    services: Sequence[Service], premises: Mapping[str, gpd.GeoDataFrame], policy: Policy, beside_m: float
) -> LifePlaces:
    """Say which services stand beside each station and each host premises, and which stations are fused.

    Parameters
    ----------
    premises
        ``station`` and ``candidate``: tables of points with ``name`` and, where known, ``town``, ``kind`` and ``host``.
    policy
        Its ``professional_kinds``, ``fused_kinds`` and ``host_kinds`` tell a station's form.
    beside_m
        Straight metres within which a place stands beside; inclusive.

    Returns
    -------
    LIFE_PLACES: ``form`` of stations, ``professional`` or ``fused``, told by the word of their ``kind``, else fused where their
    ``host`` is one of the pack's; ``why``: the word that told it; both missing where nothing does. ``beside``: names of the
    services, ``services_beside``: how many, ``completeness``: their share of the services that
    have a place anywhere.
    """
    rows: list[dict[str, Any]] = []
    for role, table in premises.items():
        beside = _beside(services, table, beside_m)
        known = sum(service.has_places for service in services)
        for i, (key, row) in enumerate(table.iterrows()):
            form, why = policy.form_of(row.get("kind"), row.get("host")) if role == "station" else (None, None)
            found = [service.name for service, near in zip(services, beside, strict=True) if near[i]]
            rows.append(
                {
                    "role": role,
                    "id": str(key),
                    "name": row["name"],
                    "town": row.get("town"),
                    "form": form,
                    "why": why,
                    "host": row.get("host"),
                    "beside": SEPARATOR.join(found),
                    "services_beside": len(found),
                    "completeness": len(found) / known if known else np.nan,
                }
            )
    columns = [column.name for column in LIFE_PLACES.columns]
    return cast("LifePlaces", LIFE_PLACES.conform(pd.DataFrame(rows, columns=columns)))


def _place_row(circle: LifeCircleReach, by: str, place: str, people: Floats, here: Marks, covered: Marks) -> dict[str, Any]:
    total = float(people[here].sum())
    known = any(service.service_class is ServiceClass.BASIC and service.has_places for service in circle.services)
    basic = float(people[here & circle.all_basic].sum()) if known else np.nan
    both = float(people[here & circle.all_basic & covered].sum()) if known else np.nan
    return {
        "by": by,
        "place": place,
        "population": total,
        **_shares(circle, people * here),
        "all_basic_pop": basic,
        "both_pop": both,
        "both": min(both / total, 1.0) if total and known else np.nan,
    }


def _shares(circle: LifeCircleReach, people: Floats) -> dict[str, float]:
    total = float(people.sum())
    kinds = {"completeness": None, "basic": ServiceClass.BASIC, "quality": ServiceClass.QUALITY}
    return {name: min(float(circle.share(of) @ people) / total, 1.0) if total else float("nan") for name, of in kinds.items()}


def _group_row(circle: LifeCircleReach, name: str, members: Floats, minimum: float) -> dict[str, Any]:
    """The shares of a group; none where a count behind them is small."""
    row: dict[str, Any] = {"by": "group", "place": name}
    total, reached = float(members.sum()), members @ circle.reached
    counts = np.concatenate([[total], reached, total - reached])
    if ((counts > 1e-6) & (counts < minimum)).any():
        return row
    step = max(_SMALLEST_STEP, minimum / total) if total else _SMALLEST_STEP
    return row | {key: np.floor(share / step + 1e-9) * step for key, share in _shares(circle, members).items()}


def _towns_of(places: gpd.GeoDataFrame, towns: Towns) -> npt.NDArray[np.object_]:
    """The town each place stands in; empty for those outside."""
    found = np.full(len(places), "", dtype=object)
    if len(places):
        point, polygon = towns.sindex.query(places.geometry, predicate="intersects")
        found[point[::-1]] = towns.index.to_numpy(dtype=object)[polygon[::-1]]
    return found


def _beside(services: Sequence[Service], table: gpd.GeoDataFrame, beside_m: float) -> list[Marks]:
    """Of each service, beside which rows of `table` a place of it stands."""
    marks = []
    for service in services:
        near = np.zeros(len(table), dtype=np.bool_)
        if service.has_places and len(table):
            tree = shapely.STRtree(service.places.geometry.to_numpy())
            rows, _ = tree.query(table.geometry.to_numpy(), predicate="dwithin", distance=beside_m)
            near[rows] = True
        marks.append(near)
    return marks
