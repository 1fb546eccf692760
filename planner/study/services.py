"""What else is measured: communities, life-circle services, recorded figures, targets handed down, composite scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from planner.study.kinds import STRICT, Coordinates, NonNegative, Positive, Tag
from planner.study.words import in_our_words

LEAST_WEIGHT, MOST_WEIGHT = 1e-6, 1e6  # of a column of the composite score


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Communities:
    """Areas of communities (居村): a file of polygons, the column with their names, and the share of its residents who must
    have a station in reach before a community counts as covered.
    """

    file: str
    field: str = "community"
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    coordinates: Coordinates = "wgs84"


class ServiceClass(StrEnum):
    """The two classes of life-circle services."""

    BASIC = "basic"
    QUALITY = "quality"


@in_our_words
@dataclass(frozen=True, config=STRICT)
class ServicePlaces:
    """Where the places of one life-circle service come from: a file of points, or OSM tags of the network file.

    A ``name`` that the policy pack knows says only where its places are; any other adds a service, and says its class and what
    it is called.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    file: str | None = None
    osm: tuple[Tag, ...] = ()
    coordinates: Coordinates = "wgs84"
    service_class: ServiceClass = ServiceClass.BASIC
    zh: str = ""
    en: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> ServicePlaces:
        if bool(self.file) == bool(self.osm):
            said = "names both a file and osm tags" if self.file else "names no file and no osm tags"
            raise ValueError(f'this {said}; write either file = "..." or osm = ["shop=supermarket"]')
        return self


@in_our_words
@dataclass(frozen=True, config=STRICT)
class LifeCircle:
    """The living circle beside the employment circle: which services, and how near a place stands *beside* a station or host.

    Parameters
    ----------
    services
        Services whose places come from elsewhere than the pack's OSM tags, or that the pack does not have.
    beside_m
        Straight metres within which a place stands beside a station or a host premises, >= 0.
    """

    services: tuple[ServicePlaces, ...] = ()
    beside_m: NonNegative = 100.0

    @model_validator(mode="after")
    def _services_differ(self) -> LifeCircle:
        names = [service.name for service in self.services]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"service {twice!r} stands twice; put its places into one file, or its tags into one list")
        return self


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Recorded:
    """A figure that was recorded (people helped, trainings held, ratings): one value on one day, or a table of them.

    A table has the columns ``figure``, ``date``, ``value`` and, where it is a town's, ``place``.
    """

    file: str | None = None
    figure: str | None = None
    date: dt.date | None = None
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    place: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Recorded:
        one = (self.figure is not None, self.date is not None, self.value is not None)
        if any(one) == bool(self.file) or (any(one) and not all(one)):
            raise ValueError('this is no recorded figure; write either file = "..." or all of figure, date and value')
        return self


@in_our_words
@dataclass(frozen=True, config=STRICT)
class HandedDown:
    """What of a target falls to this area, and to each town (or, of a city, each district): ``[targets.NAME]``."""

    minimum: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    towns: Mapping[str, Annotated[int, Field(ge=0, le=1_000_000)]] = field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> HandedDown:
        total = sum(self.towns.values())
        if self.minimum is not None and self.towns and total != self.minimum:
            raise ValueError(f"the towns' shares add up to {total}, not to minimum = {self.minimum}; make them equal")
        if self.minimum is None and not total:
            raise ValueError("nothing is handed down; give minimum, or towns with their shares")
        return self

    @property
    def whole(self) -> int:
        """What falls to the whole area."""
        return sum(self.towns.values()) if self.minimum is None else self.minimum


@in_our_words
@dataclass(frozen=True, config=STRICT)
class RolloutAreas:
    """Parts of the district that are taken one by one (分片推进): the towns of each; a town stands in one at most."""

    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @model_validator(mode="after")
    def _apart(self) -> RolloutAreas:
        named = [town for towns in self.areas.values() for town in towns]
        twice = next((town for town in named if named.count(town) > 1), None)
        if twice is not None:
            raise ValueError(f"town {twice!r} stands in two areas, or twice in one; leave it in one")
        empty = next((name for name, towns in self.areas.items() if not towns), None)
        if empty is not None:
            raise ValueError(f"area {empty!r} has no town; name its towns, or leave it out")
        return self


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Composite:
    """A composite score of stations: a weighted sum of normalised columns of the station scores.

    Parameters
    ----------
    weights
        By column, each from `LEAST_WEIGHT` to `MOST_WEIGHT`; only their ratios matter.
    draws
        How many random sets of weights the ranking is tried with.
    spread
        How far each weight is moved, as a share of itself, in (0, 1].
    seed
        Of the draws.
    """

    weights: Mapping[str, Positive]
    draws: Annotated[int, Field(ge=1, le=100_000)] = 1000
    spread: Annotated[float, Field(gt=0, le=1)] = 0.5
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        if not weights:
            raise ValueError("no weight is given; write weights = { served_pop = 2, sole_pop = 1 }")
        wild = [name for name, weight in weights.items() if not LEAST_WEIGHT <= weight <= MOST_WEIGHT]
        if wild:
            asked = f"write each from {LEAST_WEIGHT:g} to {MOST_WEIGHT:g}, only their ratios matter"
            raise ValueError(f"the weight of {', '.join(wild)} is out of all proportion; {asked}")
        return weights
