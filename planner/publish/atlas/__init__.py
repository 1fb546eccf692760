"""The published maps: `draw_atlas` makes the public station map and the internal planning map, each one whole file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from planner.circle import Service
from planner.errors import SourceError
from planner.network import Network
from planner.policy import Policy
from planner.publish.atlas.facts import check_crs, common_facts, draw_place
from planner.publish.atlas.page import Assets, write_page
from planner.publish.atlas.planning_map import planning_facts
from planner.publish.atlas.station_map import station_facts
from planner.publish.atlas.tiles import Tiles
from planner.schema import (
    Areas,
    AreaScores,
    Candidates,
    Coverage,
    Frontier,
    GroupScores,
    Isochrones,
    Scores,
    Sites,
    Stations,
    Towns,
    TownScores,
)
from planner.study import Study
from planner.style import Said

FILES = {"station": "index.html", "planning": "internal.html"}
MOST_STREET_LETTERS = 1_000_000  # of the 3 MB a public page may have


@dataclass(frozen=True)
class Atlas:
    """The pages as text by file name; `write` is the only effect."""

    title: str
    pages: Mapping[str, str]

    def write(self, folder: Path | str) -> Path:
        """Write every page into `folder` (made if absent), each beside and then renamed, and give back the folder.

        Raises
        ------
        SourceError
            If the folder cannot be written.
        """
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, text in self.pages.items():
                beside = place / f".{name}.part"
                beside.write_bytes(text.encode("utf-8"))
                beside.replace(place / name)
        except OSError as error:
            raise SourceError(f"{place}: the pages cannot be written: {error.strerror}", source=str(place)) from error
        return place


def draw_atlas(
    *,
    study: Study,
    network: Network,
    towns: Towns,
    stations: Stations,
    coverage: Coverage,
    scores: Scores,
    town_scores: TownScores,
    group_scores: GroupScores,
    isochrones: Isochrones,
    sites: Sites | None = None,
    frontier: Frontier | None = None,
    candidates: Candidates | None = None,
    backdrop: gpd.GeoDataFrame | None = None,
    areas: Areas | None = None,
    area_scores: AreaScores | None = None,
    services: Sequence[Service] = (),
    as_of: dt.date,
    sources: Sequence[str | Said],
    policy: Policy | None = None,
    assets: Assets = "bundled",
    minimum_count: int = 10,
) -> Atlas:
    """Draw a study's results as two pages that open from disk without a network.

    ``index.html`` is the public station map: only public facts (stations, outlines, the share of residents covered).
    ``internal.html`` is the planning map: residents, need, gaps, scores, proposals, town and group tables.

    Parameters
    ----------
    study
        Its name, walk, siting and ``publish`` (languages, the first of which is shown first; title, publisher, map approval
        number, tiles). Without ``publish.tiles`` a page asks nobody for anything.
    network, towns, stations, coverage, isochrones, sites, candidates, backdrop
        All in one CRS in metres. `backdrop` has columns ``kind`` (``water`` or ``green``) and polygons.
    areas, area_scores
        Areas of priority and how each is served, for the planning map.
    services
        Services of the living circle with their places, as layers of both pages that are off at first.
    scores
        Its index says which of `stations` count; only they are on the pages.
    coverage, scores, town_scores, group_scores, sites
        With small counts of key groups already empty; an empty count is shown as withheld. A count of a key group above 0 and
        below `minimum_count` that is still there is withheld too.
    as_of
        The date the stations stand at; shown on both pages.
    sources
        Lines such as ``Streets: © OpenStreetMap contributors, ODbL``, shown on both pages; each is one text, or a text for each
        language (``{"zh": …, "en": …}``).
    policy
        Gives service items and tiers their names in both languages; without it they are shown as the table has them.
    assets
        ``bundled`` puts Leaflet into each file; ``cdn`` refers to it, with its hashes.

    Returns
    -------
    An `Atlas` with both pages as text. The same arguments give the same text; text of any table stays text in a browser.

    Raises
    ------
    CrsError
        If a table is not in the network's CRS.
    StudyError
        If ``publish.tiles`` asks for tiles that need a key, and there is none.
    """
    tables = {"towns": towns, "stations": stations, "demand points": coverage, "outlines": isochrones, "sites": sites}
    check_crs({**tables, "candidates": candidates, "water and green": backdrop, "areas": areas}, network)
    for service in services:
        check_crs({f"places of {service.name}": service.places}, network)
    tiles = Tiles.of(study.publish)
    standing = Stations(stations.loc[stations.index.isin(scores.index)])
    place = draw_place(network, towns, backdrop, MOST_STREET_LETTERS)
    common = common_facts(study, place, coverage, standing, as_of, sources, tiles)
    facts = {
        "station": station_facts(study, common, standing, isochrones, policy, network, towns, services),
        "planning": planning_facts(
            study,
            common,
            network=network,
            stations=standing,
            coverage=coverage,
            scores=scores,
            town_scores=town_scores,
            group_scores=group_scores,
            isochrones=isochrones,
            sites=sites,
            frontier=frontier,
            candidates=candidates,
            policy=policy,
            minimum_count=minimum_count,
            areas=areas,
            area_scores=area_scores,
            services=services,
        ),
    }
    first = study.publish.languages[0]
    pages = {
        FILES[layout]: write_page(
            layout,
            data,
            heading=data["finding"][first],
            title=data["title"][first],
            language=first,
            centre=place.centre,
            tiles=tiles,
            assets=assets,
        )
        for layout, data in facts.items()
    }
    return Atlas(facts["station"]["title"][first], pages)
