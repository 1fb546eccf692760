"""What is asked of a proposal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from planner.study.kinds import STRICT, Minutes, NonNegative, Positive
from planner.study.words import in_our_words


class Method(StrEnum):
    """The four classical location models."""

    MCLP = "mclp"
    LSCP = "lscp"
    P_MEDIAN = "p-median"
    P_CENTER = "p-center"


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Phase:
    """So many of the new sites stand by this date."""

    by: dt.date
    sites: Annotated[int, Field(ge=0)]


@in_our_words
@dataclass(frozen=True, config=STRICT)
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


@in_our_words
@dataclass(frozen=True, config=STRICT)
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


@in_our_words
@dataclass(frozen=True, config=STRICT)
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
