"""Where streets, stations and downloads come from."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from planner.study.hosts import KindOfHost, host_kind
from planner.study.kinds import STRICT, Coordinates, Tag
from planner.study.words import in_our_words


@in_our_words
@dataclass(frozen=True, config=STRICT)
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


@in_our_words
@dataclass(frozen=True, config=STRICT)
class StationSource:
    """A table of stations or candidates (of a file with several layers or sheets, `layer`), or OSM tags (``amenity=library``).

    ``kinds`` are premises by what the policy documents call them (``党群服务中心``, ``library``: `HOST_KINDS`), which stand for
    their tags; each premises' host is then the kind as it is written here.

    Of candidates alone: ``corners_m``, every street corner, thinned to so many metres from each other and from host premises.

    OSM premises are read out of the network file. Of stations alone: ``outside`` says whether those just outside the area count
    for the people inside who can walk there (they do unless it is false); ``outreach`` whether points of a kind that the policy
    pack calls outreach (a park, a market, a bus station) count as stations (they do not unless it is true).
    """

    file: str | None = None
    coordinates: Coordinates = "wgs84"
    osm: tuple[Tag, ...] = ()
    kinds: tuple[KindOfHost, ...] = ()
    corners_m: Annotated[float, Field(ge=25, le=10_000, allow_inf_nan=False)] | None = None
    layer: str | None = None
    outside: bool = True
    outreach: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> StationSource:
        if self.corners_m is not None:
            if self.file or self.tags:
                raise ValueError("this names street corners and something else; give each a block of its own")
            return self
        if bool(self.file) == bool(self.tags):
            said = "names both a file and osm tags" if self.file else "names no file and no osm tags"
            raise ValueError(f'this {said}; write either file = "..." or osm = ["amenity=library"]')
        return self

    @property
    def tags(self) -> tuple[str, ...]:
        """All OSM tags asked for: those of `osm`, then those of `kinds`, each once."""
        return tuple(dict.fromkeys((*self.osm, *(tag for kind in self.kinds for tag in host_kind(kind).tags))))

    @property
    def shown(self) -> str:
        """The file, or the tags and kinds, in one line."""
        return self.file or ", ".join((*self.osm, *self.kinds))


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Mirrors:
    """Other servers to fetch from, as ``http(s)://`` addresses; None is the project's own. The environment goes before."""

    geofabrik: str | None = None
    overpass: str | None = None
    nominatim: str | None = None
    ghs_pop: str | None = None
    worldpop: str | None = None


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Fetching:
    """What ``planner fetch`` asks for besides: which towns of ``network.place``, and where.

    ``town_level`` is OpenStreetMap's ``admin_level`` of a town (8 in China); ``towns`` names those there should be.
    """

    town_level: Annotated[int, Field(ge=1, le=12)] = 8
    towns: tuple[str, ...] = ()
    mirrors: Mirrors = field(default_factory=Mirrors)
