"""What a policy asks, as data: targets, tiers, standards and service items of a policy pack, each with its source phrase."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass as plain_dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from planner.schema import fold

_SEPARATORS = re.compile(r"[\s,;，；、/|]+")
_NUMBERS = re.compile(r"(\d{1,3})(?:[-–—~～至](\d{1,3}))?")
_FREE = frozenset({"x", "n"})  # the letters of a tier pattern that mean "as many as you like"

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
        Only stations that came to stand on or after this date count ("built in the year"); None counts all that stand.
    accepted_only
        Only stations that are accepted count, from the day of their acceptance.
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

    @model_validator(mode="after")
    def _in_order(self) -> Target:
        if self.since is not None and self.since > self.by:
            raise ValueError(f"target {self.name!r} counts from {self.since} on but is due before, on {self.by}")
        return self


@dataclass(frozen=True, config=_STRICT)
class Tier:
    """One part of a tier pattern such as "1+12+X": the word in the stations' ``tier`` column, and how many (None: any).

    In the stations' table it may be called by its word, by either name, or by one of `aliases`.
    """

    tier: Text
    en: Text
    zh: Text
    count: Whole | None = None
    aliases: tuple[Text, ...] = ()

    def is_called(self, word: str) -> bool:
        """Whether a word of the stations' table means this tier."""
        return fold(word) in {fold(name) for name in (self.tier, self.en, self.zh, *self.aliases)}


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
    """A function a station may offer: a key, and its names; `aliases` are what else a stations' table may call it."""

    name: Text
    zh: Text
    en: Text
    aliases: tuple[Text, ...] = ()


@plain_dataclass(frozen=True)
class Offer:
    """What a station offers: the numbers of service items, and functions that are named as such."""

    items: frozenset[int] = frozenset()
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True, config=_STRICT)
class Policy:
    """A policy pack: every rule with the phrase it rests on.

    Parameters
    ----------
    targets, tiers, functions, items
        The numbers asked, the pattern of tiers, and what stations offer.
    demonstration_functions
        The functions a demonstration station must offer, all of them; none: the pack knows no demonstration stations.
    featured_kinds, host_kinds, station_kinds
        Words of the ``kind`` and ``host`` columns.
    minimum_staff, trainings_a_year
        Officers each station needs, trainings each has a year; 0 asks nothing.

    Raises
    ------
    ValueError
        If names of targets, tiers or functions or item numbers repeat, an item or the demonstration rule names a function
        that the pack does not, or the tiers are not those of the pattern.
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
    demonstration_functions: tuple[str, ...] = ()
    featured_kinds: tuple[str, ...] = ()
    host_kinds: tuple[str, ...] = ()
    station_kinds: tuple[str, ...] = ()
    minimum_staff: Whole = 0
    trainings_a_year: Whole = 0

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        for what, keys in (
            ("target", [target.name for target in self.targets]),
            ("tier", [tier.tier for tier in self.tiers]),
            ("service item", [str(item.number) for item in self.items]),
            ("function", [function.name for function in self.functions]),
        ):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise ValueError(f"{what} {', '.join(twice)} stands twice")
        known = {function.name for function in self.functions}
        for what, named in (
            ("items name", {item.function for item in self.items}),
            ("demonstration_functions name", set(self.demonstration_functions)),
        ):
            if named - known:
                raise ValueError(f"{what} functions that the pack does not: {', '.join(sorted(named - known))}")
        self._check_pattern()
        return self

    def _check_pattern(self) -> None:
        if not self.tier_pattern:
            return
        asked = [None if part.strip().casefold() in _FREE else part.strip() for part in self.tier_pattern.split("+")]
        said = [None if tier.count is None else str(tier.count) for tier in self.tiers]
        if asked != said:
            shown = "+".join("X" if count is None else count for count in said) or "none"
            raise ValueError(f"tier_pattern {self.tier_pattern!r} is not that of the tiers, which say {shown}")

    @property
    def has_standards(self) -> bool:
        """Whether the pack asks anything of a station by itself, or of their tiers."""
        return bool(self.items or self.functions or self.tiers or self.minimum_staff or self.trainings_a_year)

    def items_of(self, item_class: ItemClass) -> frozenset[int]:
        """The numbers of the items of one class."""
        return frozenset(item.number for item in self.items if item.item_class is item_class)

    def read_offer(self, text: str) -> Offer | None:
        """Read a cell of the ``services`` column: item numbers and ranges, functions by key, Chinese name or alias.

        None if it says nothing, or any word of it means nothing in this pack.

        Examples
        --------
        >>> items = tuple(ServiceItem(n, f"第{n}项", f"item {n}", ItemClass.BASIC, "f") for n in (1, 2, 3))
        >>> pack = Policy("p", "p", "p", "us", functions=(Function("f", "功能", "a function"),), items=items)
        >>> sorted(pack.read_offer("1-2；3").items), sorted(pack.read_offer("功能").functions), pack.read_offer("4") is None
        ([1, 2, 3], ['f'], True)
        """
        words = [word for word in _SEPARATORS.split(text) if word]
        numbers: set[int] = set()
        functions: set[str] = set()
        for word in words:
            if (found := _NUMBERS.fullmatch(word)) is not None:
                first, last = int(found[1]), int(found[2] or found[1])
                numbers.update(range(first, last + 1) or (0,))
            elif (named := self._function_called(word)) is not None:
                functions.add(named)
            else:
                return None
        known = {item.number for item in self.items}
        return Offer(frozenset(numbers), frozenset(functions)) if words and numbers <= known else None

    def _function_called(self, word: str) -> str | None:
        said = fold(word)
        called = (f.name for f in self.functions if said in {fold(name) for name in (f.name, f.zh, *f.aliases)})
        return next(called, None)

    def functions_offered(self, offer: Offer) -> tuple[str, ...]:
        """The functions an offer makes up, in the pack's order.

        A function is offered when it is named itself, or when all its basic items are; one without basic items (skills
        training in the Jiading list) when any of its items is. The documents only name the functions, so this rule is ours.
        """
        return tuple(function.name for function in self.functions if self._offers(offer, function.name))

    def _offers(self, offer: Offer, function: str) -> bool:
        if function in offer.functions:
            return True
        own = [item for item in self.items if item.function == function]
        basic = {item.number for item in own if item.item_class is ItemClass.BASIC}
        if basic:
            return basic <= offer.items
        return any(item.number in offer.items for item in own)

    def missing_for(self, offer: Offer, function: str) -> tuple[int, ...]:
        """The items that would make up a function `offer` lacks: all of them if basic, else any one; none if it has it."""
        if self._offers(offer, function):
            return ()
        own = [item for item in self.items if item.function == function]
        basic = [item.number for item in own if item.item_class is ItemClass.BASIC]
        return tuple(sorted(set(basic) - offer.items)) or tuple(item.number for item in own)

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
