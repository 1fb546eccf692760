"""What a policy asks, as data: targets, tiers, standards and service items of a policy pack, each with its source phrase."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

Whole = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]


class Scope(StrEnum):
    """Where a target must be met: in the whole area, or in each town."""

    DISTRICT = "district"
    TOWN = "town"


class Counts(StrEnum):
    """What a target counts: stations that stand, or those of them that are featured or demonstration stations."""

    STATIONS = "stations"
    FEATURED = "featured"
    DEMONSTRATION = "demonstration"


class ItemClass(StrEnum):
    """The three classes of service items."""

    BASIC = "basic"
    EXTENDED = "extended"
    INNOVATIVE = "innovative"


@dataclass(frozen=True, config=_STRICT)
class Target:
    """So many stations by a date, in the district or in each town.

    Parameters
    ----------
    name
        Unique within the pack; a row of the tracking table.
    counts, scope, minimum
        What is counted, where, and at least how many (>= 1).
    by
        The date it is due.
    since
        Only stations opened on or after this date count ("built in the year"); None counts all that stand.
    accepted_only
        Only stations whose status is ``accepted`` count.
    binding
        False for what is encouraged: it is reported and never forced.
    phrase
        The document's own words.
    """

    name: Text
    en: Text
    zh: Text
    minimum: Annotated[int, Field(ge=1)]
    by: dt.date
    phrase: Text
    counts: Counts = Counts.STATIONS
    scope: Scope = Scope.DISTRICT
    since: dt.date | None = None
    accepted_only: bool = False
    binding: bool = True


@dataclass(frozen=True, config=_STRICT)
class Tier:
    """One part of a tier pattern such as "1+12+X": the word in the stations' ``tier`` column, and how many (None: any)."""

    tier: Text
    en: Text
    zh: Text
    count: Whole | None = None


@dataclass(frozen=True, config=_STRICT)
class ServiceItem:
    """One numbered service item, its class and the function it belongs to."""

    number: Annotated[int, Field(ge=1)]
    zh: Text
    en: Text
    item_class: ItemClass
    function: Text


@dataclass(frozen=True, config=_STRICT)
class Function:
    """A function a station may offer: a key, and its names."""

    name: Text
    zh: Text
    en: Text


@dataclass(frozen=True, config=_STRICT)
class Policy:
    """A policy pack: every rule with the phrase it rests on.

    Raises
    ------
    ValueError
        If target names or item numbers repeat, or an item belongs to a function the pack does not name.
    """

    name: Text
    en: Text
    zh: Text
    source: Text
    targets: tuple[Target, ...] = ()
    tier_pattern: str = ""
    tiers: tuple[Tier, ...] = ()
    functions: tuple[Function, ...] = ()
    items: tuple[ServiceItem, ...] = ()
    featured_kinds: tuple[str, ...] = ()
    host_kinds: tuple[str, ...] = ()
    station_kinds: tuple[str, ...] = ()
    minimum_staff: Whole = 0
    trainings_a_year: Whole = 0

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        for what, keys in (
            ("target", [target.name for target in self.targets]),
            ("service item", [item.number for item in self.items]),
            ("function", [function.name for function in self.functions]),
        ):
            twice = sorted({str(key) for key in keys if keys.count(key) > 1})  # type: ignore[arg-type]
            if twice:
                raise ValueError(f"{what} {', '.join(twice)} stands twice")
        known = {function.name for function in self.functions}
        strange = sorted({item.function for item in self.items} - known)
        if strange:
            raise ValueError(f"items name functions that the pack does not: {', '.join(strange)}")
        return self

    def town_minimum(self, as_of: dt.date) -> int | None:
        """How many stations each town must have by the target in force on `as_of`: the last that is due then, else the first.

        None if the pack has no binding target for towns.
        """
        asked = sorted(
            (t for t in self.targets if t.scope is Scope.TOWN and t.counts is Counts.STATIONS and t.binding),
            key=lambda t: t.by,
        )
        due = [target for target in asked if target.by <= as_of]
        return None if not asked else (due[-1] if due else asked[0]).minimum
