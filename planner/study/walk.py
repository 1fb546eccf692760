"""How people walk: pace, cutoff, bands, and what differs by the resident's town."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from pydantic import field_validator
from pydantic.dataclasses import dataclass

from planner.profiles import PROFILES, PUSHED_MPS, Gait, Profile
from planner.study.kinds import MINUTE_S, STRICT, LinkM, Minutes, Pace
from planner.study.words import in_our_words


@in_our_words
@dataclass(frozen=True, config=STRICT)
class TownWalk:
    """What differs for the residents of one town; None keeps the study's own value."""

    minutes: Minutes | None = None
    profile: str | None = None
    speed_mps: Pace | None = None

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, name: str | None) -> str | None:
        return name if name is None else _known(name)


@in_our_words
@dataclass(frozen=True, config=STRICT)
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
        A raster of heights (metres, or feet where it says so), as a file of the study: slopes then change the pace, by the
        profile. None: level, unless the network was given heights by hand (`Network.with_heights`).

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

    def among(self, towns: Iterable[object]) -> Walk:
        """The same walk with what differs in `towns` alone: those of some residents.

        >>> sorted(Walk(towns={"A": TownWalk(minutes=20), "B": TownWalk(minutes=5)}).among(["B", "C"]).towns)
        ['B']
        """
        here = set(towns)
        return replace(self, towns={name: own for name, own in self.towns.items() if name in here})

    @property
    def each(self) -> tuple[Walk, ...]:
        """The walk of those whose town says nothing of its own, and that of each town that does."""
        return self.for_town(None), *(self.for_town(town) for town in self.towns)

    @property
    def cutoffs_min(self) -> tuple[float, ...]:
        """The minutes that count somewhere, each once, rising."""
        return tuple(sorted({own.minutes for own in self.each}))


def _known(name: str) -> str:
    if name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; use one of {', '.join(PROFILES)}")
    return name
