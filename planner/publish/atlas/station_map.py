"""The public station map: only what anybody may know, for a resident who looks for the next station."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from planner.publish.atlas.facts import draw_bands, draw_outlines, marks_of, places_of, text_of
from planner.publish.atlas.words import STATION_MAP, words_for
from planner.schema import Isochrones, Stations
from planner.study import Study

MOST_OUTLINE_LETTERS = 1_000_000
SHOWN = ("address", "town", "kind", "tier", "host", "hours", "phone")  # the only columns that reach the public page

_ITEM_SEPARATORS = re.compile(r"[,;，；、|\n]+")


def station_facts(study: Study, common: Mapping[str, Any], stations: Stations, isochrones: Isochrones) -> dict[str, Any]:
    """The data block of the public page."""
    bands = draw_bands(study, isochrones)
    unions, outlines = draw_outlines(isochrones, stations, bands, MOST_OUTLINE_LETTERS)
    kinds, tiers, marks = marks_of(stations)
    kicker = {"zh": f"{study.name}就业服务站点地图", "en": f"{study.name}: station map"}
    if study.publish.title:
        kicker = dict.fromkeys(kicker, study.publish.title)
    title = {language: f"{common['finding'][language]} – {kicker[language]}" for language in kicker}
    entries = [
        _station(row, mark, place, shapes)
        for row, mark, place, shapes in zip(
            stations.reset_index().to_dict("records"), marks, places_of(stations).tolist(), outlines, strict=True
        )
    ]
    return {
        **common,
        "title": title,
        "kicker": kicker,
        "words": words_for(STATION_MAP),
        "bands": [{**band, "union": union} for band, union in zip(bands, unions, strict=True)],
        "kinds": kinds,
        "tiers": tiers,
        "stations": sorted(entries, key=lambda entry: (entry["name"], entry["id"])),
    }


def service_items(text: str) -> list[str]:
    """Service items as the table lists them, apart.

    >>> service_items("1、2，职业指导")
    ['1', '2', '职业指导']
    """
    return [item.strip() for item in _ITEM_SEPARATORS.split(text) if item.strip()]


def _station(row: Mapping[Any, Any], mark: Mapping[str, str], place: list[float], outlines: list[str]) -> dict[str, Any]:
    return {
        "id": text_of(row["station_id"]),
        "name": text_of(row["name"]),
        "lat": place[0],
        "lon": place[1],
        **{column: text_of(row.get(column)) for column in SHOWN},
        "services": service_items(text_of(row.get("services"))),
        "outlines": outlines,
        **mark,
    }
