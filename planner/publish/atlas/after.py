"""What the proposed sites change: who is covered after each phase, and the outlines of the sites."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from planner.isochrones import isochrone_bands
from planner.network import Network
from planner.publish.atlas.facts import TOLERANCES_M, pack_within
from planner.reach import travel_times
from planner.schema import Coverage, Sites, Stations
from planner.study import Study

MOST_LETTERS = 500_000


def covered_after(network: Network, sites: Sites, coverage: Coverage, study: Study) -> list[npt.NDArray[np.bool_]]:
    """For each phase, in order, whether each demand point is covered once that phase and those before it are built."""
    reach = travel_times(network, sites, coverage, study.scenario.walk)
    covered = coverage["covered"].to_numpy(dtype=bool)
    after = []
    for phase in sorted(set(sites["phase"].astype(int))):
        covered = covered.copy()
        for row in np.flatnonzero(sites["phase"].to_numpy(dtype=int) == phase):
            covered[reach.walk_s.indices[reach.walk_s.indptr[row] : reach.walk_s.indptr[row + 1]]] = True
        after.append(covered)
    return after


def draw_sites(network: Network, sites: Sites, study: Study) -> list[str]:
    """Each site's outline at the cutoff, packed, in the order of `sites`; empty where it reaches nothing."""
    named = Stations(sites.rename_axis("station_id"))
    walk = study.scenario.walk
    outlines = isochrone_bands(network, named, walk, minutes=[walk.minutes]).geometry.droplevel("minutes")
    shapes = [[outlines.get(key, shapely.Polygon())] for key in sites.index]
    return pack_within(shapes, network.crs, MOST_LETTERS, TOLERANCES_M[0])


def phase_facts(sites: Sites) -> list[dict[str, Any]]:
    """Each phase as the page lists it: its number, how many sites, residents gained, and the share covered then."""
    facts = []
    for phase, own in sites.groupby(sites["phase"].astype(int), sort=True):
        facts.append(
            {
                "phase": int(str(phase)),
                "sites": len(own),
                "gain": float(own["gain_pop"].sum()),
                "share": float(own["coverage_after"].max()),
            }
        )
    return facts
