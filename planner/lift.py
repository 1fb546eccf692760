"""Which stations to lift to demonstration level so that most need reaches one: an exact choice of so many."""

from __future__ import annotations

from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.coverage import walks_onto
from planner.errors import PlanError
from planner.reach import Reach
from planner.schema import CANDIDATES, LIFT, Candidates, Coverage, Lift, Standards, Stations
from planner.siting import Plan, propose_sites
from planner.study import Siting


def lift_stations(
    standards: Standards, reach: Reach, coverage: Coverage, stations: Stations, count: int, *, own: pd.Index | None = None
) -> tuple[Lift, Plan]:
    """Choose `count` of the stations that are no demonstration stations so that most need reaches one once they are.

    Parameters
    ----------
    standards
        What each station offers and lacks; ``demonstration`` says who qualifies already. Where nothing is known of a station
        it does not qualify and may be chosen.
    reach
        Walks within the cutoff from the stations to the demand points.
    coverage
        Residents, key groups and need at each demand point.
    count
        How many to lift, >= 1; with fewer stations lacking, all of them.
    own
        Ids of the stations that may be lifted; None: any. One of a neighbour that qualifies serves all the same.

    Returns
    -------
    LIFT: the stations in the order in which each adds most need, with the residents who first reach a demonstration station by
    it, the share of residents who then do, and what it lacks; and the `Plan` (in need), with its bound and gap.

    Raises
    ------
    PlanError
        If every station qualifies already, or there is none.

    Notes
    -----
    The maximal covering location problem (Church and ReVelle 1974) over the stations that lack something, those that qualify
    standing already: solved by `planner.siting`. Laws: no set of `count` stations brings more need within reach; lifting more
    never brings less.
    """
    done = standards["demonstration"].fillna(False).to_numpy(dtype=bool)
    lacking = stations[~done & (True if own is None else stations.index.isin(own))]
    if not len(stations):
        raise PlanError("no station stands, so that none can be lifted", status="none")
    if not len(lacking):
        raise PlanError("no station is left to lift: every one qualifies as demonstration station", status="none")
    walks = walks_onto(reach, coverage)  # type: ignore[arg-type]
    reached = _reached(walks, reach.facility_ids.isin(stations.index[done]))
    rows = np.flatnonzero(reach.facility_ids.isin(lacking.index))
    options = Reach(reach.facility_ids[rows], coverage.index, sp.csr_array(walks[rows]))
    before = Coverage(coverage.assign(covered=reached))
    plan = propose_sites(options, before, _as_candidates(Stations(lacking)), Siting(sites=min(count, len(lacking))))
    return _table(plan, standards), plan


def _reached(walks: sp.csr_array, who: np.ndarray) -> np.ndarray:
    rows = sp.csr_array(walks[np.flatnonzero(who)])
    return np.asarray(np.bincount(rows.indices, minlength=walks.shape[1]) > 0)


def _as_candidates(stations: Stations) -> Candidates:
    columns = {"site_id": stations.index.astype(str), "name": stations["name"].to_numpy()}
    if "town" in stations:
        columns["town"] = stations["town"].to_numpy()
    return Candidates(CANDIDATES.conform(gpd.GeoDataFrame(columns, geometry=stations.geometry.to_numpy(), crs=stations.crs)))


def _table(plan: Plan, standards: Standards) -> Lift:
    kept = [name for name in ("name", "town", "order", "gain_pop", "coverage_after") if name in plan.sites]
    table = pd.DataFrame(plan.sites[kept]).rename_axis("station_id")
    lacks = standards[["lacks_functions", "lacks_items"]].reindex(table.index)
    return cast("Lift", LIFT.conform(table.join(lacks).sort_values("order", kind="stable")))
