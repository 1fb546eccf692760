"""The study: the place and its sources (`Study`), and the assumptions made about it (`Scenario`)."""

from planner.study.hosts import HOST_KINDS, HostKind, host_kind, host_said, kind_of_premises
from planner.study.kinds import (
    DATUMS,
    MINUTE_S,
    Coordinates,
    LinkM,
    Minutes,
    Name,
    NonNegative,
    Pace,
    Positive,
    Tag,
    plain_coordinates,
)
from planner.study.model import Scenario, Study, WhatIf, placed
from planner.study.outward import TILE_PROVIDERS, Privacy, Publish
from planner.study.people import AreaKind, Counted, Group, PopulationSource, PriorityArea
from planner.study.places import Fetching, Mirrors, NetworkSource, StationSource
from planner.study.services import (
    Communities,
    Composite,
    HandedDown,
    LifeCircle,
    Recorded,
    RolloutAreas,
    ServiceClass,
    ServicePlaces,
)
from planner.study.siting import Equity, Method, Phase, Reasons, Siting
from planner.study.walk import TownWalk, Walk

__all__ = [
    "DATUMS",
    "HOST_KINDS",
    "MINUTE_S",
    "TILE_PROVIDERS",
    "AreaKind",
    "Communities",
    "Composite",
    "Coordinates",
    "Counted",
    "Equity",
    "Fetching",
    "Group",
    "HandedDown",
    "HostKind",
    "LifeCircle",
    "LinkM",
    "Method",
    "Minutes",
    "Mirrors",
    "Name",
    "NetworkSource",
    "NonNegative",
    "Pace",
    "Phase",
    "PopulationSource",
    "Positive",
    "PriorityArea",
    "Privacy",
    "Publish",
    "Reasons",
    "Recorded",
    "RolloutAreas",
    "Scenario",
    "ServiceClass",
    "ServicePlaces",
    "Siting",
    "StationSource",
    "Study",
    "Tag",
    "TownWalk",
    "Walk",
    "WhatIf",
    "host_kind",
    "host_said",
    "kind_of_premises",
    "placed",
    "plain_coordinates",
]
