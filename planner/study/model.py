"""The study itself and the scenario in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from pydantic import ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from planner.card import html_card
from planner.study.kinds import STRICT, Coordinates
from planner.study.outward import Privacy, Publish
from planner.study.people import Group, PopulationSource, PriorityArea
from planner.study.places import Fetching, NetworkSource, StationSource
from planner.study.services import Communities, Composite, HandedDown, LifeCircle, Recorded, RolloutAreas
from planner.study.siting import Siting
from planner.study.walk import Walk
from planner.study.words import in_our_words


@in_our_words
@dataclass(frozen=True, config=STRICT)
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


@in_our_words
@dataclass(frozen=True, config=STRICT)
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
        asked = [(key, "closed") for key in self.close] + [(placed(text)[0], "moved") for text in self.move]
        for key, _ in asked:
            said = [what for other, what in asked if other == key]
            if len(said) > 1:
                twice = f"{said[0]} twice" if len(set(said)) == 1 else " and ".join(dict.fromkeys(said))
                raise ValueError(f"{key} is {twice}; say one thing of each station")
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


@in_our_words
@dataclass(frozen=True, config=STRICT)
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
    rollout: RolloutAreas = field(default_factory=RolloutAreas)
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
