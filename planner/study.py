"""The study: the place and its sources (`Study`), and the assumptions made about it (`Scenario`)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from planner.card import html_card
from planner.profiles import PROFILES, PUSHED_MPS, Gait, Profile

MINUTE_S = 60.0

_STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Minutes = Annotated[float, Field(gt=0, le=240, allow_inf_nan=False)]  # nobody walks longer to a public station
Pace = Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]  # metres a second: 0.36 km/h; the fastest runner makes ten
LinkM = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]

DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")
TILE_PROVIDERS = ("openstreetmap", "tianditu", "amap")

_TILE_ADDRESS = re.compile(r"^https?://(?:\{s\}\.)?[a-z0-9][a-z0-9.-]*(?::\d+)?/[^\s\"'<>`\\;]*$", re.IGNORECASE)


def plain_coordinates(said: str) -> str:
    """What the coordinates of a file are, as the program calls it: one of `DATUMS`, or ``EPSG:`` and a number.

    >>> plain_coordinates("GCJ-02"), plain_coordinates("epsg:4549")
    ('gcj02', 'EPSG:4549')

    Raises
    ------
    ValueError
        If it is neither.
    """
    plain = said.strip().lower().replace("-", "")
    if plain in DATUMS:
        return plain
    if plain.startswith("epsg:") and plain[5:].isdecimal():
        return plain.upper()
    raise ValueError(f"there are no coordinates {said!r}; use one of {', '.join(DATUMS)} or an EPSG code such as EPSG:4549")


Coordinates = Annotated[str, AfterValidator(plain_coordinates)]  # what the coordinates of a file mean
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # heads a column
Tag = Annotated[str, Field(pattern="^[^=]+=.+$")]  # of OpenStreetMap: key=value, or key=* for any


@dataclass(frozen=True, config=_STRICT)
class TownWalk:
    """What differs for the residents of one town; None keeps the study's own value."""

    minutes: Minutes | None = None
    profile: str | None = None
    speed_mps: Pace | None = None

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, name: str | None) -> str | None:
        return name if name is None else _known(name)


@dataclass(frozen=True, config=_STRICT)
class Walk:
    """How people walk and how long a walk still counts.

    Parameters
    ----------
    minutes
        The cutoff in minutes, > 0 and at most 240, inclusive.
    bands
        Minutes of the outlines that are drawn, > 0, kept in rising order.
    profile
        A name in `PROFILES`; gives the pace and whether steps are taken.
    speed_mps
        Pace in metres a second, at most 10; overrides the profile's.
    max_link_m
        Longest way from a door to the street in metres, >= 0; a point farther off is unlinked.
    towns
        What differs by the resident's town.
    terrain
        A raster of heights in metres, as a file of the study: slopes then change the pace, by the profile. None: level.

    Examples
    --------
    >>> Walk(minutes=15, speed_mps=1.0).cutoff_s, Walk(minutes=5).pace_mps == 4.8 / 3.6
    (900.0, True)
    """

    minutes: Minutes = 15.0
    bands: tuple[Minutes, ...] = (5.0, 10.0, 15.0)
    profile: str = "adult"
    speed_mps: Pace | None = None
    max_link_m: LinkM = 300.0
    towns: Mapping[str, TownWalk] = field(default_factory=dict)
    terrain: str | None = None

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        return _known(name)

    @field_validator("bands")
    @classmethod
    def _rising(cls, bands: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(bands)))

    @property
    def cutoff_s(self) -> float:
        """The cutoff in seconds, inclusive."""
        return self.minutes * MINUTE_S

    @property
    def way_of_walking(self) -> Profile:
        """The profile that `profile` names."""
        return PROFILES[self.profile]

    @property
    def pace_mps(self) -> float:
        """Metres a second on the level: `speed_mps` if given, else the profile's."""
        return self.way_of_walking.speed_mps if self.speed_mps is None else self.speed_mps

    @property
    def gait(self) -> Gait:
        """How streets change that pace."""
        own = self.way_of_walking.gait
        return replace(own, push=max(1.0, self.pace_mps / PUSHED_MPS)) if own.rides else own

    @property
    def takes_steps(self) -> bool:
        return self.gait.takes_steps

    @property
    def farthest_m(self) -> float:
        """Metres along the streets that nobody exceeds within the cutoff."""
        return self.cutoff_s * self.pace_mps / (self.gait.downhill if self.terrain else 1.0)

    def for_town(self, town: str | None) -> Walk:
        """The walk of the residents of `town`, with no towns of its own."""
        own = self.towns.get(town, TownWalk()) if town is not None else TownWalk()
        profile = own.profile or self.profile
        speed = own.speed_mps if own.speed_mps or own.profile else self.speed_mps
        return Walk(own.minutes or self.minutes, self.bands, profile, speed, self.max_link_m, terrain=self.terrain)

    @property
    def each(self) -> tuple[Walk, ...]:
        """The walk of those whose town says nothing of its own, and that of each town that does."""
        return self.for_town(None), *(self.for_town(town) for town in self.towns)


def _known(name: str) -> str:
    if name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; use one of {', '.join(PROFILES)}")
    return name


class Counted(StrEnum):
    """What the figures of a group count: its people, or the employers or jobs that a station serves as well."""

    PEOPLE = "people"
    EMPLOYERS = "employers"
    JOBS = "jobs"


@dataclass(frozen=True, config=_STRICT)
class Group:
    """A key group: `name` is a column suffix, `label` is shown, `weight` >= 0 is what one more member adds to need.

    ``file`` and ``column`` say where its people come from: a file of its own, or a column of the population's; ``layer`` which
    layer or sheet of it. ``values`` says what a raster holds; ``suppressed`` is the number that stands for a count held back
    (read as 0).

    ``of`` may be ``employers`` or ``jobs``: these are a demand of their own, where the work is. They are no residents, are not
    held within their number, and are not suppressed unless `private` says so.
    """

    name: Name
    label: str = ""
    weight: NonNegative = 1.0
    file: str | None = None
    column: str | None = None
    coordinates: Coordinates = "wgs84"
    values: Annotated[str, Field(pattern="^(counts|per_km2)$")] = "counts"
    suppressed: float | None = None
    layer: str | None = None
    of: Counted = Counted.PEOPLE
    private: bool | None = None

    @property
    def shown(self) -> str:
        return self.label or self.name

    @property
    def are_people(self) -> bool:
        """Whether its members are persons, each of them a resident."""
        return self.of is Counted.PEOPLE

    @property
    def is_private(self) -> bool:
        """Whether its small counts are suppressed in everything published: people's always."""
        return self.are_people or bool(self.private)


class AreaKind(StrEnum):
    """The kinds of area that the policy documents put first, and any other."""

    SETTLEMENT = "settlement"  # 人员集中居住区
    CROWD = "crowd"  # 人流密集区
    INDUSTRY = "industry"  # 产业集聚区
    RESETTLEMENT = "resettlement"  # 易地搬迁安置区
    OTHER = "other"


@dataclass(frozen=True, config=_STRICT)
class PriorityArea:
    """Ground on which need counts `factor` times (1 or more): the polygons of `file`, all of one kind.

    Where areas overlap the largest factor counts, once. People are never changed by it; cells and zones are split at the
    borders of areas as they are at those of towns.
    """

    name: Name
    file: str
    factor: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]
    label: str = ""
    kind: AreaKind = AreaKind.OTHER
    coordinates: Coordinates = "wgs84"
    layer: str | None = None

    @property
    def shown(self) -> str:
        return self.label or self.name


class Method(StrEnum):
    """The four classical location models."""

    MCLP = "mclp"
    LSCP = "lscp"
    P_MEDIAN = "p-median"
    P_CENTER = "p-center"


@dataclass(frozen=True, config=_STRICT)
class Phase:
    """So many of the new sites stand by this date."""

    by: dt.date
    sites: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=_STRICT)
class Equity:
    """What the worst served part of the district is owed; shares are of those who can be covered at all.

    Parameters
    ----------
    by
        ``town`` (residents) or ``group`` (members of each key group).
    weight
        What the worst share counts beside the total share, 0 … 1: 0 is the total alone, 1 the worst alone (the total breaks
        ties), between the two ``(1 - weight) * total + weight * worst``.
    floor, floors
        The least share of every part, and of some by name, 0 … 1.
    """

    by: Annotated[str, Field(pattern="^(town|group)$")] = "town"
    weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    floors: Mapping[str, Annotated[float, Field(ge=0, le=1)]] = field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class Reasons:
    """How far a proposal is explained by a run.

    Parameters
    ----------
    alternatives
        For each site so many others that would do in its place.
    plans
        So many further plans that are nearly as good and stand elsewhere.
    differ
        In how many sites they differ at least from each other; None for a quarter of the sites.
    draws
        So many proposals under varied assumptions; 0 for none.
    pace, weights, population
        How far these may be off, as shares, each way. The pace is about the spread of comfortable adult gait in Bohannon
        (1997); the other two are assumptions of ours, for the sources say no error of their own.
    seed
        Of the draws.
    """

    alternatives: Annotated[int, Field(ge=0, le=20)] = 3
    plans: Annotated[int, Field(ge=0, le=20)] = 0
    differ: Annotated[int, Field(ge=1)] | None = None
    draws: Annotated[int, Field(ge=0, le=1000)] = 0
    pace: Annotated[float, Field(ge=0, lt=1)] = 0.15
    weights: Annotated[float, Field(ge=0, lt=1)] = 0.5
    population: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, config=_STRICT)
class Siting:
    """What is asked of the proposal.

    Parameters
    ----------
    method
        One of `Method`.
    sites
        How many new sites, >= 1; with phases, their sum.
    per_town_min
        Every town that has a candidate or a station ends with at least this many stations, >= 0.
    phases
        How many by which date, in the order of their dates.
    per_town_max
        No town ends with more than this many stations, >= 1; None for no limit. Existing stations count but stay.
    required, forbidden
        Candidates, by site_id, that must be in the plan (besides those whose column ``required`` says so) or must not.
    spacing_m
        Least straight distance in metres between two new sites, >= 0.
    budget
        Most that the new sites' ``cost`` may add up to; None for no limit.
    share
        For ``lscp`` and ``p-center``: which share of the need that can be covered at all is to be covered, in (0, 1].
    unreached_minutes
        For ``p-median``: the walk that counts for whoever nothing reaches; None for the cutoff. Not below the cutoff.
    capacity
        For ``mclp``: people are assigned to one station within the cutoff, and no station takes more than its ``capacity``.
    capacity_default
        The capacity in people of sites and stations that say none; None if all must say theirs.
    backup
        For ``mclp``: what a second station within the cutoff counts, as a share of the first, 0 … 1.
    decay
        For ``mclp``: a walk counts the less the longer it is: ``linear`` and ``gaussian-to-zero`` fall to 0 at the cutoff,
        ``gaussian`` and ``exponential`` to one half at `half_minutes`; see `planner.decay`. None counts all walks alike.
    half_minutes
        For those two; None for half the cutoff.
    prefer
        By host: what a site in such a host counts on top, >= 0, in need (for ``p-median``, in need times minutes).
    time_limit_s
        Seconds after which the best plan found is given with its honest gap. None (the default) limits the work instead
        of the clock, so that the same study gives the same plan on every machine.
    equity
        What the worst town or key group is owed; None for the most need and nothing else.
    reasons
        How far a run explains the proposal.
    """

    method: Method = Method.MCLP
    sites: Annotated[int, Field(ge=1)] = 5
    per_town_min: Annotated[int, Field(ge=0)] = 0
    phases: tuple[Phase, ...] = ()
    per_town_max: Annotated[int, Field(ge=1)] | None = None
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    spacing_m: NonNegative = 0.0
    budget: NonNegative | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    unreached_minutes: Minutes | None = None
    capacity: bool = False
    capacity_default: Positive | None = None
    backup: Annotated[float, Field(ge=0, le=1)] = 0.0
    decay: Annotated[str, Field(pattern="^(linear|gaussian|gaussian-to-zero|exponential)$")] | None = None
    half_minutes: Minutes | None = None
    prefer: Mapping[str, NonNegative] = field(default_factory=dict)
    time_limit_s: Positive | None = None
    equity: Equity | None = None
    reasons: Reasons = field(default_factory=Reasons)

    @property
    def is_plain(self) -> bool:
        """Whether need within the cutoff is what counts, once and fully: ``mclp`` and nothing on top."""
        return self.method is Method.MCLP and not (self.capacity or self.backup or self.decay)

    @model_validator(mode="after")
    def _equity_fits(self) -> Siting:
        if self.equity is not None and not self.is_plain:
            raise ValueError("equity goes with method mclp alone, without capacity, backup or decay; remove one of them")
        return self

    @model_validator(mode="after")
    def _town_counts_fit(self) -> Siting:
        if self.per_town_max is not None and self.per_town_max < self.per_town_min:
            raise ValueError(f"per_town_max {self.per_town_max} is below per_town_min {self.per_town_min}; raise it")
        return self

    @model_validator(mode="after")
    def _phases_add_up(self) -> Siting:
        dates = [phase.by for phase in self.phases]
        if dates != sorted(dates):
            raise ValueError("phases must stand in the order of their dates")
        total = sum(phase.sites for phase in self.phases)
        if self.phases and total != self.sites:
            raise ValueError(f"phases add up to {total} sites but sites = {self.sites}; make them equal")
        return self


@dataclass(frozen=True, config=_STRICT)
class Scenario:
    """The assumptions; a what-if is ``dataclasses.replace``."""

    walk: Walk = field(default_factory=Walk)
    groups: tuple[Group, ...] = ()
    siting: Siting = field(default_factory=Siting)
    areas: tuple[PriorityArea, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Scenario:
        for what, names in (("group", [group.name for group in self.groups]), ("area", [area.name for area in self.areas])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"{what} {twice!r} stands twice; give each {what} its own name")
        return self


@dataclass(frozen=True, config=_STRICT)
class NetworkSource:
    """Where the walking network comes from: a file, which ``planner fetch`` can get.

    ``place`` is what OpenStreetMap calls the area (its towns are fetched by it); ``extract`` is Geofabrik's name of the
    extract to cut the area out of, by itself the smallest that covers it; ``source = "overpass"`` asks a small area's
    streets of an Overpass server instead.
    """

    file: str | None = None
    place: str | None = None
    extract: str | None = None
    source: Annotated[str, Field(pattern="^(geofabrik|overpass)$")] = "geofabrik"


@dataclass(frozen=True, config=_STRICT)
class StationSource:
    """A table of stations or candidates (of a file with several layers or sheets, `layer`), or OSM tags (``amenity=library``).

    Of candidates alone: ``corners_m``, every street corner, thinned to so many metres from each other and from host premises.

    OSM premises are read out of the network file. Of stations alone: ``outside`` says whether those just outside the area count
    for the people inside who can walk there (they do unless it is false); ``outreach`` whether points of a kind that the policy
    pack calls outreach (a park, a market, a bus station) count as stations (they do not unless it is true).
    """

    file: str | None = None
    coordinates: Coordinates = "wgs84"
    osm: tuple[Tag, ...] = ()
    corners_m: Annotated[float, Field(ge=25, le=10_000, allow_inf_nan=False)] | None = None
    layer: str | None = None
    outside: bool = True
    outreach: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> StationSource:
        if self.corners_m is not None:
            if self.file or self.osm:
                raise ValueError("this names street corners and something else; give each a block of its own")
            return self
        if bool(self.file) == bool(self.osm):
            said = "names both a file and osm tags" if self.file else "names no file and no osm tags"
            raise ValueError(f'this {said}; write either file = "..." or osm = ["amenity=library"]')
        return self


@dataclass(frozen=True, config=_STRICT)
class PopulationSource:
    """Residents: a raster of counts, zones or points with a count column, or ``towns`` totals spread over buildings.

    ``spread = "buildings"`` spreads the totals of `file` (or of the area's `column`), or its zones or cells, over residential
    buildings of the network file by floor area; ``spread = "land"`` evenly over its residential land (``landuse=residential``);
    ``spread = "area"`` evenly over the ground.

    Parameters
    ----------
    file, column
        The file, and the column that counts people (of a raster its band, by number or description).
    spread
        For totals: where in a town they go. For zones and rasters: over the buildings or the land in each zone or cell.
    total
        Without a file, everybody; with one, its people are scaled to this many.
    coordinates
        Of a file of points or zones: a datum, or an EPSG code.
    values
        What a raster holds: ``counts`` a cell, or people ``per_km2``.
    zone_m
        The longest side in metres of a zone or cell that one demand point may stand for; larger ones are cut.
    cell_m
        Demand points of a town within one square of this many metres become one; 0 keeps them all.
    fit_towns
        Scale the file's people so that each town has the `population` that the area file gives it.
    totals, totals_column, totals_layer
        Scale them to the totals by town of this table instead, matched by name; of its columns the one that counts people.
    layer
        Which layer of a file with several, or which sheet of a workbook.
    source, year, country
        What ``planner fetch`` makes `file` from: a ``ghs-pop`` or ``worldpop`` raster of a year; WorldPop goes by country
        (ISO 3166, three letters).
    """

    file: str | None = None
    column: str | None = None
    spread: Annotated[str, Field(pattern="^(none|buildings|land|area)$")] = "none"
    total: NonNegative | None = None
    coordinates: Coordinates = "wgs84"
    values: Annotated[str, Field(pattern="^(counts|per_km2)$")] = "counts"
    zone_m: Annotated[float, Field(ge=10, le=2000, allow_inf_nan=False)] = 400.0
    cell_m: Annotated[float, Field(ge=0, le=2000, allow_inf_nan=False)] = 0.0
    fit_towns: bool = False
    layer: str | None = None
    totals: str | None = None
    totals_column: str | None = None
    totals_layer: str | None = None
    source: Annotated[str, Field(pattern="^(ghs-pop|worldpop)$")] | None = None
    year: Annotated[int, Field(ge=1975, le=2030)] = 2025
    country: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None

    @model_validator(mode="after")
    def _one_total(self) -> PopulationSource:
        said = [key for key in ("total", "totals", "fit_towns") if getattr(self, key)]
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} both say how many people there are; keep one of them")
        return self


@dataclass(frozen=True, config=_STRICT)
class Mirrors:
    """Other servers to fetch from, as ``http(s)://`` addresses; None is the project's own. The environment goes before."""

    geofabrik: str | None = None
    overpass: str | None = None
    nominatim: str | None = None
    ghs_pop: str | None = None
    worldpop: str | None = None


@dataclass(frozen=True, config=_STRICT)
class Fetching:
    """What ``planner fetch`` asks for besides: which towns of ``network.place``, and where.

    ``town_level`` is OpenStreetMap's ``admin_level`` of a town (8 in China); ``towns`` names those there should be.
    """

    town_level: Annotated[int, Field(ge=1, le=12)] = 8
    towns: tuple[str, ...] = ()
    mirrors: Mirrors = field(default_factory=Mirrors)


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
class HandedDown:
    """What of a target falls to this area, and to each town (or, of a city, each district): ``[targets.NAME]``."""

    minimum: Annotated[int, Field(ge=1)] | None = None
    towns: Mapping[str, Annotated[int, Field(ge=0)]] = field(default_factory=dict)

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


@dataclass(frozen=True, config=_STRICT)
class Composite:
    """A composite score of stations: a weighted sum of normalised columns of the station scores.

    Parameters
    ----------
    weights
        By column, each > 0; only their ratios matter.
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
        return weights


@dataclass(frozen=True, config=_STRICT)
class Privacy:
    """Counts of key groups below `minimum_count` never leave the machine."""

    minimum_count: Annotated[int, Field(ge=0)] = 10


@dataclass(frozen=True, config=_STRICT)
class Publish:
    """Who publishes, in which languages, over which tiles (none unless asked for).

    Parameters
    ----------
    languages
        ``zh``, ``en`` or both; the first is shown first.
    title, publisher, map_approval
        What the pages are called, who answers for them, and the map approval number (审图号).
    tiles
        One of `TILE_PROVIDERS`, or the address of tiles such as ``https://host/{z}/{x}/{y}.png``, which needs `attribution`.
    attribution
        Whom to name over the map; the providers' own credit if not given.
    tiles_key
        The key that the owner of the tiles gave the publisher (Tianditu asks for one).
    tiles_datum
        Of a tile address: ``wgs84``, or ``gcj02`` where the tiles are drawn in it.
    """

    languages: tuple[Annotated[str, Field(pattern="^(zh|en)$")], ...] = ("zh", "en")
    title: str = ""
    publisher: str = ""
    map_approval: str = ""
    tiles: str = ""
    attribution: str = ""
    tiles_key: str = ""
    tiles_datum: Annotated[str, Field(pattern="^(wgs84|gcj02)$")] = "wgs84"

    @model_validator(mode="after")
    def _tiles_are_known(self) -> Publish:
        address, name = _TILE_ADDRESS.match(self.tiles), self.tiles.strip().casefold()
        if not self.tiles or name in TILE_PROVIDERS:
            if name == "tianditu" and not self.tiles_key:
                raise ValueError("Tianditu needs a key of the publisher's own; write tiles_key = ...")
            return self
        if address is None or any(part not in self.tiles for part in ("{z}", "{x}", "{y}")):
            mend = f"write {', '.join(TILE_PROVIDERS)}, or https://host/{{z}}/{{x}}/{{y}}.png"
            raise ValueError(f"tiles = {self.tiles!r} is neither a known provider nor the address of tiles; {mend}")
        if not self.attribution.strip():
            raise ValueError("tiles needs attribution; write whom the owner of the tiles asks to be named")
        return self

    @field_validator("languages")
    @classmethod
    def _at_least_one(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if not languages:
            raise ValueError('name at least one language: ["zh", "en"]')
        return tuple(dict.fromkeys(languages))


@dataclass(frozen=True, config=_STRICT)
class WhatIf:
    """Stations changed in thought; the user's tables stay as they are.

    Parameters
    ----------
    add
        ``"NAME@LON,LAT"`` in degrees of WGS 84, or the ``site_id`` of a candidate.
    close
        A ``station_id``.
    move
        ``"STATION_ID@LON,LAT"``.

    Examples
    --------
    >>> bool(WhatIf()), bool(WhatIf(close=("ST03",)))
    (False, True)
    """

    add: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    move: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.close or self.move)

    @field_validator("add", "move")
    @classmethod
    def _with_places(cls, asked: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for text in asked:
            if "@" in text or info.field_name == "move":
                placed(text)
        return asked

    @model_validator(mode="after")
    def _once_each(self) -> WhatIf:
        keys = [*self.close, *(placed(text)[0] for text in self.move)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is closed or moved twice; say one thing of each station")
        return self


def placed(text: str) -> tuple[str, float, float]:
    """``NAME@LON,LAT`` as the name and degrees.

    >>> placed("New hall@121.26,31.38")
    ('New hall', 121.26, 31.38)

    Raises
    ------
    ValueError
        If it is anything else.
    """
    name, _, place = text.rpartition("@")
    try:
        lon, lat = (float(part) for part in place.split(","))
    except ValueError:
        lon = lat = float("nan")
    if not (name.strip() and abs(lon) <= 180 and abs(lat) <= 90):
        raise ValueError(f"{text!r} does not say what and where; write it as NAME@LON,LAT such as Hall@121.26,31.38")
    return name.strip(), lon, lat


@dataclass(frozen=True, config=_STRICT)
class Study:
    """One place, its sources and its assumptions, as ``study.toml`` says them.

    Paths are as written; `path_of` resolves them against `folder`, the folder of the study file.
    """

    name: str
    area: str
    network: NetworkSource
    stations: StationSource
    population: PopulationSource
    folder: Path = Path()
    area_field: str = "town"
    area_coordinates: Coordinates = "wgs84"
    area_layer: str | None = None
    crs: str | None = None
    policy: str | None = None
    as_of: dt.date | None = None
    candidates: tuple[StationSource, ...] = ()
    scenario: Scenario = field(default_factory=Scenario)
    fetch: Fetching = field(default_factory=Fetching)
    communities: Communities | None = None
    life_circle: LifeCircle | None = None
    recorded: tuple[Recorded, ...] = ()
    targets: Mapping[str, HandedDown] = field(default_factory=dict)
    composite: Composite | None = None
    privacy: Privacy = field(default_factory=Privacy)
    publish: Publish = field(default_factory=Publish)
    what_if: WhatIf = field(default_factory=WhatIf)

    @model_validator(mode="after")
    def _candidates_have_no_switches(self) -> Study:
        if any(not block.outside or block.outreach for block in self.candidates):
            raise ValueError("outside and outreach are of stations, not of candidates; write them under [stations]")
        return self

    def _repr_html_(self) -> str:
        walk, siting = self.scenario.walk, self.scenario.siting
        groups = ", ".join(f"{group.shown} ×{group.weight:g}" for group in self.scenario.groups)
        facts = [
            ("area", self.area),
            ("as of", str(self.as_of or "the last date of the stations")),
            ("walk", f"{walk.minutes:g} min at {walk.pace_mps * 3.6:.1f} km/h ({walk.profile})"),
            ("key groups", groups or "none"),
            ("siting", f"{siting.method}, {siting.sites} sites"),
            ("policy", self.policy or "none"),
        ]
        return html_card(f"Study: {self.name}", facts)

    def path_of(self, file: str) -> Path:
        """A path as the study file writes it, resolved against the study's folder."""
        return (self.folder / file).resolve()
