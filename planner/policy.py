"""What a policy asks, as data: targets, tiers, standards and service items of a policy pack, each with its source phrase."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from planner.schema import fold, says_none
from planner.study import ServiceClass, Tag

_SEPARATORS = re.compile(r"[\s,;，；、/|]+")
_RANGE = re.compile(r"(?<=\d)项?\s*(?:[-‐‒–—―−~〜∼]+|[至到])\s*第?(?=\d)")  # however the dash is typed
_NUMBERS = re.compile(r"第?(\d{1,3})(?:-(\d{1,3}))?项?")
_HOW_MANY = re.compile(r"\s*\d+\s*项\s*")  # 24项 by itself says how many, not which
_FREE = re.compile(r"[A-Za-z]")  # a part of a tier pattern that means "as many as you like"
_PLUS = re.compile(r"[+加➕]")  # between the parts of a tier pattern, as people type it

_STRICT = ConfigDict(extra="forbid")


def _joined(name: str) -> str:
    """A name as one word of a cell that lists several.

    >>> _joined("技能/见习")
    '技能见习'
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name))


def named(word: object, kinds: Iterable[str]) -> bool:
    """Whether a cell's word is one of `kinds`, as people write it.

    >>> named("零工 小站", ["零工小站"]), named(None, ["零工小站"])
    (True, False)
    """
    return isinstance(word, str) and fold(word) in {fold(kind) for kind in kinds}


def _shared_words(what: str, words: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Pairs that a table's word would not tell apart."""
    for (one, first), (other, second) in itertools.combinations(words.items(), 2):
        for word in sorted(first & second if one != other else ()):
            yield f"{what} {one!r} and {other!r} are both called {word!r}; a word may mean one of them"


FUSED, PROFESSIONAL = "fused", "professional"

MOST = 1_000_000  # more stations, officers or trainings than any policy asks for
Whole = Annotated[int, Field(ge=0, le=MOST)]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class Scope(StrEnum):
    """Where a target must be met: in the whole area, in each town, or in the whole city, of which a share is handed down."""

    DISTRICT = "district"
    TOWN = "town"
    CITY = "city"


class Counts(StrEnum):
    """What a target counts: stations that stand, or those of them that are well equipped, featured, demonstration or fused."""

    STATIONS = "stations"
    EQUIPPED = "equipped"
    FEATURED = "featured"
    DEMONSTRATION = "demonstration"
    FUSED = FUSED


class How(StrEnum):
    """How the records of a figure become one number: added up, the last one, or their mean."""

    SUM = "sum"
    LAST = "last"
    MEAN = "mean"


class Period(StrEnum):
    """How often progress is reported."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class ItemClass(StrEnum):
    """The three classes of service items."""

    BASIC = "basic"
    EXTENDED = "extended"
    INNOVATIVE = "innovative"


_NEED_A_STATION = (Counts.STATIONS, Counts.EQUIPPED)  # a target of these cannot be met without a station


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
        Only stations that came to stand on or after this date count ("built in the year"), late ones too; None counts all.
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
    minimum: Annotated[int, Field(ge=1, le=MOST)]
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

    @property
    def words(self) -> frozenset[str]:
        """All it may be called, folded."""
        return frozenset(fold(name) for name in (self.tier, self.en, self.zh, *self.aliases))

    def is_called(self, word: str) -> bool:
        """Whether a word of the stations' table means this tier."""
        return fold(word) in self.words


@dataclass(frozen=True, config=_STRICT)
class ServiceItem:
    """One numbered service item, its class and the function it belongs to."""

    number: Annotated[int, Field(ge=1, le=999)]  # as many digits as a cell is read with
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

    @property
    def words(self) -> frozenset[str]:
        """All it may be called in the ``services`` column, folded."""
        return frozenset(fold(_joined(name)) for name in (self.name, self.zh, *self.aliases))


@dataclass(frozen=True, config=_STRICT)
class Figure:
    """A figure that offices record, such as people helped; with a target where `minimum` is given.

    Parameters
    ----------
    name
        The word of the ``figure`` column of what is recorded.
    how
        Whether its records add up, the last one stands, or their mean.
    minimum, by, since
        At least so much by a date, of what was recorded on or after ``since``.
    yearly
        The target begins anew on every 1 January and is due on 31 December; it takes no ``by``.
    phrase
        The document's own words; needed with a target.
    """

    name: Text
    en: Text
    zh: Text
    how: How = How.SUM
    minimum: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    by: dt.date | None = None
    since: dt.date | None = None
    yearly: bool = False
    binding: bool = True
    phrase: str = ""

    @model_validator(mode="after")
    def _target_is_whole(self) -> Figure:
        if self.minimum is None and (self.by or self.since or self.yearly):
            raise ValueError(f"figure {self.name!r} has a date but no minimum")
        if self.minimum is not None and not self.phrase:
            raise ValueError(f"figure {self.name!r} has a target without the phrase it rests on")
        if self.minimum is not None and self.yearly == (self.by is not None):
            raise ValueError(f"figure {self.name!r} is due by a date or yearly; say one of them")
        if self.yearly and self.since is not None:
            raise ValueError(f"figure {self.name!r} is yearly and counts from each 1 January on; leave since away")
        if self.since is not None and self.by is not None and self.since > self.by:
            raise ValueError(f"figure {self.name!r} counts from {self.since} on but is due before, on {self.by}")
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """All it may be called in what is recorded, by whatever is folded alike."""
        return self.name, self.zh, self.en

    def span(self, as_of: dt.date) -> tuple[dt.date | None, dt.date | None]:
        """From which day on its records count, and when it is due, as asked on `as_of`; None: no such day."""
        return (dt.date(as_of.year, 1, 1), dt.date(as_of.year, 12, 31)) if self.yearly else (self.since, self.by)


STANDARD_FIGURES = (  # known to every pack; a pack's own figure of the same name takes its place
    Figure("people_helped", "people helped into work", "帮扶就业人数"),
    Figure("trainings", "trainings held", "组织业务培训次数"),
    Figure("people_served", "people served", "服务人次"),
    Figure("vacancies", "vacancies gathered", "筹集岗位数"),
    Figure("visits", "visits and surveys", "走访调查次数"),
    Figure("rating", "rating of services", "好差评评分", How.MEAN),
    Figure("satisfaction", "share of people satisfied", "满意度", How.LAST),
)


@dataclass(frozen=True, config=_STRICT)
class LifeService:
    """A service of the living circle: its class, the OSM tags its places carry, and the word of the document for it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    en: Text
    zh: Text
    service_class: ServiceClass
    osm: tuple[Tag, ...]
    phrase: Text


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
    professional_kinds, fused_kinds, outreach_kinds
        Words of the ``kind`` column: of stations of their own; of those embedded in other premises; of points where services
        are brought to now and then, which are no stations.
    figures
        What is recorded besides `STANDARD_FIGURES`, some of it against targets.
    life_services
        The services of the living circle.
    reporting
        How often progress is reported.
    facilities, rules, zones
        What stations are asked to have: words of the columns of those names.
    minimum_staff, trainings_a_year
        Officers each station needs, trainings each has a year; 0 asks nothing.

    Raises
    ------
    ValueError
        With all that is wrong, a line each: names of targets, tiers or functions or item numbers repeat, two tiers or two
        functions are called by the same word, an item or the demonstration rule names a function that the pack does not, a
        target counts stations of a sort that none can be, a kind is professional and fused at once, or a station and outreach,
        or the tiers are not those of the pattern.
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
    professional_kinds: tuple[str, ...] = ()
    fused_kinds: tuple[str, ...] = ()
    outreach_kinds: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    life_services: tuple[LifeService, ...] = ()
    reporting: tuple[Period, ...] = ()
    facilities: tuple[Text, ...] = ()
    rules: tuple[Text, ...] = ()
    zones: tuple[Text, ...] = ()
    minimum_staff: Whole = 0
    trainings_a_year: Whole = 0

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        faults = [*self._repeated(), *self._unknown_functions(), *self._unmeetable(), *self._kinds_at_odds()]
        faults += self._pattern_faults()
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _repeated(self) -> Iterator[str]:
        for what, keys in (
            ("target", [target.name for target in self.targets]),
            ("tier", [tier.tier for tier in self.tiers]),
            ("service item", [str(item.number) for item in self.items]),
            ("function", [function.name for function in self.functions]),
            ("figure", [figure.name for figure in self.figures]),
            ("life service", [service.name for service in self.life_services]),
        ):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                yield f"{what} {', '.join(twice)} stands twice"
        yield from _shared_words("tiers", {tier.tier: tier.words for tier in self.tiers})
        yield from _shared_words("figures", {each.name: frozenset(map(fold, each.words)) for each in self.figures})
        yield from _shared_words("functions", {function.name: function.words for function in self.functions})

    def _unknown_functions(self) -> Iterator[str]:
        known = {function.name for function in self.functions}
        for what, named in (
            ("items name", {item.function for item in self.items}),
            ("demonstration_functions name", set(self.demonstration_functions)),
        ):
            if named - known:
                yield f"{what} functions that the pack does not: {', '.join(sorted(named - known))}"

    def _unmeetable(self) -> Iterator[str]:
        """Targets that count what no station can be by this pack."""
        needed = {
            Counts.FEATURED: ("featured_kinds", self.featured_kinds),
            Counts.DEMONSTRATION: ("demonstration_functions", self.demonstration_functions),
            Counts.FUSED: ("fused_kinds or host_kinds", (*self.fused_kinds, *self.host_kinds)),
        }
        for target in self.targets:
            rule, words = needed.get(target.counts, ("", ("",)))
            if not words:
                yield f"target {target.name!r} counts {target.counts} stations, of which there can be none; add {rule}"

    def _kinds_at_odds(self) -> Iterator[str]:
        """Words of ``kind`` that stand in two lists which exclude each other."""
        lists = {
            name: {fold(word) for word in getattr(self, f"{name}_kinds")}
            for name in ("professional", "fused", "outreach", "station", "featured")
        }
        for one, other in itertools.combinations(lists, 2):
            if "outreach" in (one, other) or (one, other) == ("professional", "fused"):
                for word in sorted(lists[one] & lists[other]):
                    yield f"{word!r} stands in {one}_kinds and in {other}_kinds; a station is one or the other"

    def _pattern_faults(self) -> Iterator[str]:
        if not self.tier_pattern:
            return
        plain = unicodedata.normalize("NFKC", self.tier_pattern)  # full-width 1＋12＋Ｘ is 1+12+X
        asked = ["X" if _FREE.fullmatch(part) else part.lstrip("0") or part for part in map(str.strip, _PLUS.split(plain))]
        said = ["X" if tier.count is None else str(tier.count) for tier in self.tiers]
        if asked != said:
            yield f"tier_pattern {self.tier_pattern!r} is not that of the tiers, which say {'+'.join(said) or 'none'}"

    @property
    def has_standards(self) -> bool:
        """Whether the pack asks anything of a station by itself, or of their tiers."""
        lists = (self.items, self.functions, self.tiers, self.facilities, self.rules, self.zones)
        return bool(any(lists) or self.minimum_staff or self.trainings_a_year)

    @property
    def all_figures(self) -> tuple[Figure, ...]:
        """The pack's figures, then the standard ones it does not name."""
        own = {figure.name for figure in self.figures}
        return (*self.figures, *(figure for figure in STANDARD_FIGURES if figure.name not in own))

    def items_of(self, item_class: ItemClass) -> frozenset[int]:
        """The numbers of the items of one class."""
        return frozenset(item.number for item in self.items if item.item_class is item_class)

    def read_offer(self, text: str) -> Offer | None:
        """Read a cell of the ``services`` column: item numbers and ranges, functions by key, Chinese name or alias.

        Nothing is offered where it says so (无, none, a stroke). None if it says nothing, only how many items (24项), or any
        word of it means nothing in this pack.

        Examples
        --------
        >>> items = tuple(ServiceItem(n, f"第{n}项", f"item {n}", ItemClass.BASIC, "f") for n in (1, 2, 3))
        >>> pack = Policy("p", "p", "p", "us", functions=(Function("f", "功能", "a function"),), items=items)
        >>> sorted(pack.read_offer("１－２；3").items), sorted(pack.read_offer("功能").functions), pack.read_offer("4") is None
        ([1, 2, 3], ['f'], True)
        """
        if says_none(text):
            return Offer()
        plain = _RANGE.sub("-", unicodedata.normalize("NFKC", text))  # full-width 1－5 is 1-5
        for name in (name for function in self.functions for name in (function.name, function.zh, *function.aliases)):
            plain = re.sub(re.escape(unicodedata.normalize("NFKC", name)), lambda found: _joined(found[0]), plain, flags=re.I)
        words = [word for word in _SEPARATORS.split(plain) if word and not _HOW_MANY.fullmatch(plain)]
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
        return next((function.name for function in self.functions if said in function.words), None)

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

    def form_of(self, kind: object, host: object) -> tuple[str | None, str | None]:
        """Whether a station is ``professional`` or ``fused`` (embedded in other premises), and the word that says so.

        Its kind tells, else its host premises; both None where neither is a word of the pack.

        >>> pack = Policy("p", "p", "p", "us", fused_kinds=("就业角",), host_kinds=("银行网点",))
        >>> pack.form_of("就业角", None), pack.form_of(None, "银行网点"), pack.form_of(None, None)
        (('fused', '就业角'), ('fused', '银行网点'), (None, None))
        """
        for word, kinds, form in (
            (kind, self.professional_kinds, PROFESSIONAL),
            (kind, self.fused_kinds, FUSED),
            (host, self.host_kinds, FUSED),
        ):
            if named(word, kinds):
                return form, str(word)
        return None, None

    def town_minimum(self, as_of: dt.date) -> int | None:
        """How many stations each town must have by the target in force on `as_of`: the last that is due then, else the first.

        None if the pack has no binding target for towns.
        """
        asked = sorted(
            (t for t in self.targets if t.scope is Scope.TOWN and t.counts in _NEED_A_STATION and t.binding),
            key=lambda t: t.by,
        )
        due = [target for target in asked if target.by <= as_of]
        return None if not asked else (due[-1] if due else asked[0]).minimum
