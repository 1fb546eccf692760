"""The walking times of a survey, measured once: those to facilities that were measured before come from the cache.

What is kept says how far each facility is from each of the places of a demand table, by their number: not where these are, and
not who lives there. So a what-if that closes a station measures nothing, and one that moves a station measures one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

import planner.network
import planner.reach
from planner.network import Network
from planner.reach import Islands, Reach, islands_of, travel_times
from planner.reach.tables import points_of, walks_of
from planner.run.results import Progress
from planner.sources import cache
from planner.study import Walk

FEWEST_PLACES = 1000  # fewer are measured sooner than what was kept is read
MOST_WALKS = 20_000_000  # of an entry: 160 MB

_DTYPES: Mapping[str, npt.DTypeLike] = {
    "facility_xy": np.float64, "facility_linked": np.bool_, "first": np.int64, "place": np.int32, "walk_s": np.float32,
    "place_linked": np.bool_, "on_island": np.bool_, "islands": np.int64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Known:
    """Facilities with the walks to them, and which places are linked and which on islands."""

    facility_xy: npt.NDArray[np.float64]
    facility_linked: npt.NDArray[np.bool_]
    walk_s: sp.csr_array
    place_linked: npt.NDArray[np.bool_]
    islands: Islands

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        walks = self.walk_s
        return {
            "facility_xy": self.facility_xy, "facility_linked": self.facility_linked, "first": walks.indptr.astype(np.int64),
            "place": walks.indices.astype(np.int32), "walk_s": walks.data, "place_linked": self.place_linked,
            "on_island": self.islands.off, "islands": np.array(self.islands.parts, dtype=np.int64),
        }  # fmt: skip

    @classmethod
    def of(cls, kept: Mapping[str, npt.NDArray[Any]], places: int) -> _Known:
        """What was kept, its shapes and places looked at; ValueError where they do not fit together."""
        xy, first, place, walk_s = kept["facility_xy"], kept["first"], kept["place"], kept["walk_s"]
        linked, on_island = kept["place_linked"], kept["on_island"]
        fits = (
            xy.shape == (len(xy), 2) and kept["facility_linked"].shape == first[1:].shape == (len(xy),)
            and place.shape == walk_s.shape == (first[-1],) and first[0] == 0 and (np.diff(first) >= 0).all()
            and linked.shape == on_island.shape == (places,) and kept["islands"].shape == ()
            and (not len(place) or 0 <= place.min() <= place.max() < places)
        )  # fmt: skip
        if not fits:
            raise ValueError("the walks do not fit the places")
        matrix = sp.csr_array((walk_s, place, first.astype(np.int32)), shape=(len(xy), places))
        return cls(xy, kept["facility_linked"], matrix, linked, Islands(on_island, int(kept["islands"])))

    def joined(self, more: _Known) -> _Known:
        """These facilities and `more`, of which those that are here already are left out."""
        new = ~np.isin(_spots(more.facility_xy), _spots(self.facility_xy))
        both = sp.csr_array(sp.vstack([self.walk_s, more.walk_s[np.flatnonzero(new)]], format="csr"))
        xy = np.concatenate([self.facility_xy, more.facility_xy[new]])
        linked = np.concatenate([self.facility_linked, more.facility_linked[new]])
        return _Known(xy, linked, both, self.place_linked, self.islands)


def _spots(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.void]:
    """Each place as one value, equal where its bits are."""
    return np.ascontiguousarray(xy + 0.0).view(np.dtype((np.void, 16))).reshape(-1)


@dataclass(frozen=True, eq=False)
class Walks:
    """The walks of one demand table on one network: measured where asked for, or taken from the cache.

    The same to the last bit either way. ``PLANNER_CACHE=off`` switches the cache off; small tables are always measured.
    """

    network: Network
    demand: gpd.GeoDataFrame
    walk: Walk
    cache_folder: Path | None = field(default_factory=cache.cache_folder)

    def to(self, facilities: gpd.GeoDataFrame, *, progress: Progress | None = None) -> Reach:
        """The walking times to `facilities`, as `travel_times` gives them."""
        xy = points_of(self.network, facilities, "facilities")
        known = self._kept()
        place = _places_among(xy, known)
        missing = np.flatnonzero(place < 0)
        if known is None or len(missing):
            reach = travel_times(self.network, facilities.iloc[missing], self.demand, self._walk, progress=progress)
            if self._key is None:
                return reach
            found = self._measured(reach, xy[missing], None if known is None else known.islands)
            known = found if known is None else known.joined(found)
            self._keep(known, found)
            place = _places_among(xy, known)
        elif progress is not None:
            progress("the walks were measured before", 1.0)
        ids, off = facilities.index, self.demand.index
        return Reach(ids, off, sp.csr_array(known.walk_s[place]), ids[~known.facility_linked[place]], off[~known.place_linked])

    def islands(self) -> Islands:
        """Which places are on streets that are not joined to the rest, as `islands_of` says."""
        known = self._kept()
        return islands_of(self.network, self.demand, self._walk) if known is None else known.islands

    def _measured(self, reach: Reach, xy: npt.NDArray[np.float64], islands: Islands | None) -> _Known:
        facilities, places = reach.facility_ids.isin(reach.unlinked_facilities), reach.demand_ids.isin(reach.unlinked_demand)
        found = islands_of(self.network, self.demand, self._walk) if islands is None else islands
        return _Known(xy, ~facilities, reach.walk_s, ~places, found)

    @cached_property
    def _walk(self) -> Walk:
        """The walk of the towns that somebody lives in; the others' names were held against the area before."""
        return self.walk.among(self.demand["town"]) if "town" in self.demand else self.walk

    @cached_property
    def _key(self) -> str | None:
        """What the entry is named by; None where nothing is kept."""
        if self.cache_folder is None or len(self.demand) < FEWEST_PLACES:
            return None
        network, made_from = self.network, list[Any]()
        made_from.append(network.crs.to_wkt().encode())
        for values in (network.node_xy, network.ends, network.length_m, network.flags, network.component, network.height_m):
            made_from.append(b"" if values is None else np.ascontiguousarray(values))
        made_from.append(np.ascontiguousarray(points_of(network, self.demand, "demand")))
        for own, rows in walks_of(self.demand, self._walk):
            made_from += [repr((own.cutoff_s, own.pace_mps, own.max_link_m, own.gait)).encode(), np.ascontiguousarray(rows)]
        rooms = (Path(planner.reach.__file__).parent, Path(planner.network.__file__).parent)
        return cache.fingerprint_of(*made_from, *cache.code_of(*rooms))

    def _kept(self) -> _Known | None:
        key = self._key
        if key is None or self.cache_folder is None:
            return None
        arrays = cache.kept_arrays(self.cache_folder, "walks", key, _DTYPES)
        if arrays is None:
            return None
        try:
            return _Known.of(arrays, len(self.demand))
        except (ValueError, IndexError):
            cache.drop_entry(self.cache_folder, "walks", key)
            return None

    def _keep(self, known: _Known, found: _Known) -> None:
        """Keep all that is known, or where that is too much what was just found, or nothing."""
        kept = next((each for each in (known, found) if each.walk_s.nnz <= MOST_WALKS), None)
        if kept is not None and self._key is not None and self.cache_folder is not None:
            cache.keep_arrays(self.cache_folder, "walks", self._key, kept.arrays())


def _places_among(xy: npt.NDArray[np.float64], known: _Known | None) -> npt.NDArray[np.intp]:
    """The row of each facility among the known ones, -1 where it is not known."""
    if known is None or not len(known.facility_xy):
        return np.full(len(xy), -1, dtype=np.intp)
    at = {spot.tobytes(): i for i, spot in enumerate(_spots(known.facility_xy))}
    return np.array([at.get(spot.tobytes(), -1) for spot in _spots(xy)], dtype=np.intp)
