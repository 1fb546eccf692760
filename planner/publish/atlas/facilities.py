"""Facilities of daily life as both pages carry them: the places of each service of the living circle, with their names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from planner import style
from planner.circle import Service
from planner.publish.atlas.facts import places_of, text_of
from planner.publish.atlas.shapes import pack_points

MOST_PLACES = 20_000
MOST_NAME_BYTES = 250_000  # of the 3 MB a public page may have


def draw_facilities(
    services: Sequence[Service], *, most_places: int = MOST_PLACES, most_name_bytes: int = MOST_NAME_BYTES
) -> dict[str, Any] | None:
    """The services with their places packed; None where none has any.

    ``points`` and ``names`` of a service are in one order, near places beside each other. Where there are more than
    `most_places` in all, one of every ``every`` is kept; where names take more than `most_name_bytes`, those of the services
    with most of them are left out (``unnamed``). ``unmapped`` are the services without a place in the data.
    """
    mapped = [service for service in services if len(service.places)]
    if not mapped:
        return None
    every = math.ceil(sum(len(service.places) for service in mapped) / most_places)
    kept = [_in_order(service.places).iloc[::every] for service in mapped]
    named = _within([_names(places) for places in kept], most_name_bytes)
    return {
        "services": [
            {
                "label": _said(service),
                "quality": service.service_class == "quality",
                "colour": style.FACILITY_COLOURS[str(service.service_class)],
                "count": len(service.places),
                "points": pack_points(places_of(places)),
                "names": _names(places) if has_names else [],
            }
            for service, places, has_names in zip(mapped, kept, named, strict=True)
        ],
        "unnamed": [_said(service) for service, has_names in zip(mapped, named, strict=True) if not has_names],
        "unmapped": [_said(service) for service in services if not len(service.places)],
        "every": every,
    }


def _in_order(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Near places beside each other, so that their differences are short; equal ones by name."""
    at = pd.DataFrame({"at": places.hilbert_distance(), "name": _names(places), "row": range(len(places))})
    return places.iloc[at.sort_values(["at", "name", "row"])["row"].to_numpy()]


def _names(places: gpd.GeoDataFrame) -> list[str]:
    return [text_of(name) for name in places["name"]] if "name" in places else [""] * len(places)


def _said(service: Service) -> dict[str, str]:
    return {"zh": service.zh, "en": service.en}


def _within(names: list[list[str]], most_bytes: int) -> list[bool]:
    """Which services keep their names: whole services give theirs up, most bytes first, until the rest fits."""
    sizes = [sum(len(name.encode()) for name in own) for own in names]
    kept = [True] * len(names)
    for i in sorted(range(len(names)), key=lambda i: -sizes[i]):
        if sum(size for size, keeps in zip(sizes, kept, strict=True) if keeps) <= most_bytes:
            break
        kept[i] = False
    return kept
