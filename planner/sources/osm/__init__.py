"""OpenStreetMap extracts: the walking network, host premises, buildings and the backdrop of a map."""

from __future__ import annotations

from collections.abc import Callable

from planner.errors import StudyError
from planner.network import Network
from planner.schema import Towns
from planner.sources.osm.backdrop import read_backdrop
from planner.sources.osm.buildings import read_buildings
from planner.sources.osm.extent import read_extent
from planner.sources.osm.premises import read_premises
from planner.sources.osm.streets import read_osm_network
from planner.study import Study, Walk

__all__ = [
    "margin_m",
    "read_backdrop",
    "read_buildings",
    "read_extent",
    "read_network",
    "read_osm_network",
    "read_premises",
]


def read_network(study: Study, *, towns: Towns | None = None, progress: Callable[[str, float], None] | None = None) -> Network:
    """The walking network of a study: its extract, clipped to its area and a margin of one whole walk around it.

    Parameters
    ----------
    study
        ``network.file`` names the extract; the margin is the farthest any town's residents walk within their cutoff, and
        ``walk.max_link_m``, so that the border does not look worse served than it is.
    towns
        The study's area where it has been read already; else it is read.

    Raises
    ------
    StudyError
        If the study names no network file.
    SourceError
        If the file cannot be read or has no street to walk on inside the area.
    """
    if study.network.file is None:
        raise StudyError("the study names no network.file; add it, or run `planner fetch` to download network.place")
    if towns is None:
        from planner.sources.files import read_area

        towns = read_area(study)
    return read_osm_network(
        study.path_of(study.network.file),
        crs=towns.crs,
        area=towns.geometry.union_all(),
        margin_m=margin_m(study.scenario.walk),
        progress=progress,
    )


def margin_m(walk: Walk) -> float:
    """Metres that the farthest-walking town's residents go within their cutoff, and a link.

    >>> margin_m(Walk(minutes=15, speed_mps=1.0, max_link_m=300))
    1200.0
    """
    walks = [walk, *(walk.for_town(town) for town in walk.towns)]
    return max(each.cutoff_s * each.pace_mps for each in walks) + walk.max_link_m
