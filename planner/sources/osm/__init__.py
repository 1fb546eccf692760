"""OpenStreetMap extracts: the walking network, host premises, buildings and the backdrop of a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

import planner.network
from planner.errors import StudyError
from planner.network import Network
from planner.schema import Towns
from planner.sources.cache import cache_folder, code_of, fingerprint, keep_network, kept_network
from planner.sources.osm.backdrop import read_backdrop
from planner.sources.osm.buildings import read_buildings, read_residential_land
from planner.sources.osm.corners import street_corners
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
    "read_residential_land",
    "street_corners",
]

SMALLEST_KEPT_BYTES = 32 * 1024  # a smaller extract is read sooner than what was kept


def read_network(
    study: Study,
    *,
    towns: Towns | None = None,
    cache: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Network:
    """The walking network of a study: its extract, clipped to its area and a margin of one whole walk around it.

    Parameters
    ----------
    study
        ``network.file`` names the extract; the margin is the farthest any town's residents walk within their cutoff, and
        ``walk.max_link_m``, so that the border does not look worse served than it is. ``walk.terrain`` names the raster its
        heights come from; where a profile rides, ways open to bicycles alone are read as well.
    towns
        The study's area where it has been read already; else it is read.
    cache
        Whether a network that was read before may be taken, and this one be kept, in the user's cache folder; extracts below
        32 kB are always read. ``PLANNER_CACHE=off`` switches it off, too; see `planner.sources.cache`.
    progress
        Called with what is being done and the share done.

    Returns
    -------
    Network
        The same, to the last bit, whether it was read or kept.

    Raises
    ------
    StudyError
        If the study names no network file.
    SourceError
        If the file cannot be read or has no street to walk on inside the area.
    """
    if not isinstance(study, Study):
        raise TypeError(
            f"read_network takes a Study, not {type(study).__name__}; read_osm_network reads an extract without a study"
        )
    if study.network.file is None:
        raise StudyError("the study names no network.file; add the extract it is to be read from")
    path = study.path_of(study.network.file)
    if towns is None:
        from planner.sources.files import read_area  # it imports this room for its premises

        towns = read_area(study)
    area = towns.geometry
    walk = study.scenario.walk
    rides = any(each.gait.rides for each in walk.each)
    network = _kept_or_read(_Reading(path, area.crs, area.union_all(), margin_m(walk), rides), cache, progress)
    if walk.terrain is None:
        return network
    from planner.sources.terrain import with_terrain  # late: few studies have hills

    return with_terrain(network, study.path_of(walk.terrain), walk.terrain)


def _kept_or_read(reading: _Reading, cache: bool, progress: Callable[[str, float], None] | None) -> Network:
    path = reading.path
    folder = cache_folder() if cache and path.is_file() and path.stat().st_size >= SMALLEST_KEPT_BYTES else None
    if folder is None:
        return reading.network(progress)
    key = reading.fingerprint()
    network = kept_network(folder, key)
    if network is None:
        network = reading.network(progress)
        keep_network(folder, key, network)
    elif progress is not None:
        progress("the network was read before", 1.0)
    return network


@dataclass(frozen=True, eq=False)
class _Reading:
    """One reading of an extract: all that its network depends on."""

    path: Path
    crs: Any
    area: BaseGeometry
    margin_m: float
    bicycles: bool

    def network(self, progress: Callable[[str, float], None] | None) -> Network:
        return read_osm_network(
            self.path, crs=self.crs, area=self.area, margin_m=self.margin_m, bicycles=self.bicycles, progress=progress
        )

    def fingerprint(self) -> str:
        crs = pyproj.CRS.from_user_input(self.crs).to_wkt().encode()
        code = code_of(Path(__file__).parent, Path(planner.network.__file__).parent)
        return fingerprint(self.path, crs, shapely.to_wkb(self.area), repr((self.margin_m, self.bicycles)).encode(), *code)


def margin_m(walk: Walk) -> float:
    """Metres that the farthest-walking town's residents go within their cutoff (downhill where there is a terrain), and a link.

    >>> margin_m(Walk(minutes=15, speed_mps=1.0, max_link_m=300))
    1200.0
    """
    return max(each.farthest_m for each in walk.each) + walk.max_link_m
