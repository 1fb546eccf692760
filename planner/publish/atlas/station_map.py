"""The public station map: only what anybody may know, for a resident who looks for the next station."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from planner import style
from planner.circle import Service
from planner.network import Network
from planner.policy import Policy
from planner.publish.atlas.facilities import draw_facilities
from planner.publish.atlas.facts import common_station, draw_bands, draw_outlines, marks_of
from planner.publish.atlas.field import draw_field
from planner.publish.atlas.words import STATION_MAP, words_for
from planner.schema import Isochrones, Stations, Towns
from planner.study import Study

MOST_OUTLINE_LETTERS = 1_000_000
CHOICES = ("functions", "services", "kind", "tier", "town")  # FILTERS in station.js


def station_facts(
    study: Study,
    common: Mapping[str, Any],
    stations: Stations,
    isochrones: Isochrones,
    policy: Policy | None,
    network: Network,
    towns: Towns,
    services: Sequence[Service],
) -> dict[str, Any]:
    """The data block of the public page."""
    bands = draw_bands(study, isochrones)
    unions, outlines = draw_outlines(isochrones, stations, bands, MOST_OUTLINE_LETTERS)
    legend, marks = marks_of(stations, policy)
    kicker = {"zh": f"{style.before_han(study.name)}就业服务站点地图", "en": f"{study.name}: station map"}
    if study.publish.title:
        kicker = dict.fromkeys(kicker, study.publish.title)
    title = {language: f"{common['finding'][language]} – {kicker[language]}" for language in kicker}
    entries = common_station(stations, marks, outlines, policy)
    return {
        **common,
        "title": title,
        "kicker": kicker,
        "words": words_for(STATION_MAP, study.scenario.walk),
        "bands": [{**band, "union": union} for band, union in zip(bands, unions, strict=True)],
        "marks": legend,
        "stations": entries,
        "facilities": draw_facilities(services),
        "field": draw_field(
            network,
            towns,
            stations,
            study.scenario.walk,
            [entry["id"] for entry in entries],
            [_like(entry) for entry in entries],
        ),
    }


def _like(entry: Mapping[str, Any]) -> str:
    """What the choices on the page see of a station."""
    return json.dumps([entry[name] for name in CHOICES], sort_keys=True)
