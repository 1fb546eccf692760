"""What leaves the machine, and how it looks."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from planner.study.kinds import STRICT
from planner.study.words import in_our_words

TILE_PROVIDERS = ("openstreetmap", "tianditu", "amap")
_TILE_ADDRESS = re.compile(r"^https?://(?:\{s\}\.)?[a-z0-9][a-z0-9.-]*(?::\d+)?/[^\s\"'<>`\\;]*$", re.IGNORECASE)


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Privacy:
    """Counts of key groups below `minimum_count` never leave the machine."""

    minimum_count: Annotated[int, Field(ge=0)] = 10


@in_our_words
@dataclass(frozen=True, config=STRICT)
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
