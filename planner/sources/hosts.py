"""What speaks against candidates before sites are chosen: hosts that nobody has, and places where a site serves nobody."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner.errors import PlannerWarning
from planner.network import Network
from planner.reach import Islands, Reach, find_islands
from planner.schema import Candidates
from planner.sources.files.places import SAME_PLACE_M
from planner.study import Scenario, Siting, Walk


def warn_of_candidates(
    network: Network, candidates: Candidates, options: Reach, scenario: Scenario, islands: Islands | None = None
) -> None:
    """Say which preferred hosts nobody has, and which candidates stand at one place, on streets that join no others, or where
    they serve nobody.

    `options` are the walks from the residents to the candidates, `islands` which of the residents live on
    streets apart, where that is known.
    """
    ground = _out_of_reach(network, candidates, options, scenario.walk, islands)
    for said in (*_unknown_hosts(scenario.siting, candidates), *_at_one_place(candidates), *ground):
        warnings.warn(said, PlannerWarning, stacklevel=3)


def _unknown_hosts(siting: Siting, candidates: Candidates) -> Iterator[str]:
    hosts = sorted({str(host) for host in candidates["host"].dropna()}) if "host" in candidates else []
    if unknown := [host for host in siting.prefer if host not in hosts]:
        names, known = ", ".join(unknown), ", ".join(hosts[:10]) or "-"
        yield f"siting.prefer: no candidate has the host {names}; the hosts of the candidates are {known}"


def _at_one_place(candidates: gpd.GeoDataFrame) -> Iterator[str]:
    places = np.asarray(candidates.geometry)
    first, second = shapely.STRtree(places).query(places, predicate="dwithin", distance=SAME_PLACE_M)
    pairs = sorted((int(a), int(b)) for a, b in zip(first, second, strict=True) if a < b)
    if pairs:
        one, other = (candidates.index[i] for i in pairs[0])
        yield f"candidates: {len({b for _, b in pairs})} stand at the place of another; the first are {one} and {other}"


def _out_of_reach(
    network: Network, candidates: Candidates, options: Reach, walk: Walk, islands: Islands | None
) -> Iterator[str]:
    island, joined = np.zeros((2, len(candidates)), dtype=np.bool_)
    if islands is not None and len({own.gait for own in walk.each}) == 1:  # who is joined to the rest for one is so for all
        joined = _cells(candidates, options, ~islands.off) > 0
    if not joined.all():  # finding streets for the others would be for nothing
        island[~joined] = find_islands(network, shapely.get_coordinates(np.asarray(candidates.geometry))[~joined], walk).off
    nobody = (_cells(candidates, options, np.ones(len(options.demand_ids), dtype=np.bool_)) == 0) & ~island
    for which, what in (
        (island, "on streets that do not join the rest of the network"),
        (nobody, "where no resident is in reach"),
    ):
        if which.any():
            names = ", ".join(str(name) for name in candidates.index[which][:5])
            yield f"{int(which.sum())} candidates stand {what}; the first are {names}"


def _cells(candidates: Candidates, options: Reach, counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many of the `counted` demand points reach each candidate; a walk of 0 s is one, too."""
    reached = options.walk_s.copy()
    reached.data = counted[reached.indices].astype(np.int64)
    each = pd.Series(reached.sum(axis=1), index=options.facility_ids)
    return np.asarray(each.reindex(candidates.index, fill_value=0), dtype=np.int64)
