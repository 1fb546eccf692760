"""What speaks against candidates before sites are chosen: hosts that nobody has, and places where a site serves nobody."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.errors import PlannerWarning
from planner.network import Network
from planner.reach import Reach, find_islands
from planner.schema import Candidates
from planner.sources.files.places import SAME_PLACE_M
from planner.study import Scenario, Siting, Walk


def warn_of_candidates(network: Network, candidates: Candidates, options: Reach, scenario: Scenario) -> None:
    """Say which preferred hosts nobody has, and which candidates stand at one place, on streets that join no others, or where
    they serve nobody.

    `options` are the walks from the residents to the candidates.
    """
    ground = _out_of_reach(network, candidates, options, scenario.walk)
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


def _out_of_reach(network: Network, candidates: Candidates, options: Reach, walk: Walk) -> Iterator[str]:
    reached = pd.Series(np.diff(options.walk_s.indptr), index=options.facility_ids)
    cells = reached.reindex(candidates.index, fill_value=0)
    island = find_islands(network, shapely.get_coordinates(np.asarray(candidates.geometry)), walk).off
    nobody = (cells.to_numpy() == 0) & ~island
    for which, what in (
        (island, "on streets that do not join the rest of the network"),
        (nobody, "where no resident is in reach"),
    ):
        if which.any():
            names = ", ".join(str(name) for name in candidates.index[which][:5])
            yield f"{int(which.sum())} candidates stand {what}; the first are {names}"
