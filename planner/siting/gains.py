"""What each proposed site adds in the unit of the model, site by site in the proposed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from planner.schema import SITES, Sites
from planner.siting.arrays import Floats
from planner.siting.models import Solved, Tables
from planner.siting.recount import counted, walks_of, worst_s
from planner.study import MINUTE_S, Method, Siting

_HOUR_S = 3600.0


def with_gains(sites: Sites, tables: Tables, siting: Siting, solved: Solved) -> Sites:
    """The table of sites with the column of its model.

    ``saved_walk_h`` (p-median): need times hours of walking that the site saves; ``worst_walk_min`` (p-center): the worst walk
    once it stands, empty while somebody is out of reach; ``decayed_need`` (decay): need, each walk by its weight;
    ``backed_up_pop`` (backup): residents who get a second station; ``assigned_pop`` (capacity): residents assigned to it.
    Plain covering and the fewest sites need none: their gain is ``gain_need``.
    """

    def of(stands: pd.Index) -> float:
        return counted(tables, siting, stands)

    if siting.capacity and solved.assignment is not None:
        taken = solved.assignment.groupby("station_id")["people"].sum()
        return _with(sites, "assigned_pop", taken.reindex(sites.index.astype(str)).fillna(0.0).tolist())
    if siting.method is Method.P_CENTER:
        worst = [worst_s(tables, siting, sites.index[: n + 1]) / MINUTE_S for n in range(len(sites))]
        return _with(sites, "worst_walk_min", [walk if np.isfinite(walk) else np.nan for walk in worst])
    if siting.method is Method.P_MEDIAN:
        return _with(sites, "saved_walk_h", [-step / _HOUR_S for step in _steps(sites, of)])
    if siting.backup:
        return _with(sites, "backed_up_pop", _steps(sites, lambda stands: _backed_up(tables, stands)))
    return _with(sites, "decayed_need", _steps(sites, of)) if siting.decay else sites


def _steps(sites: Sites, of: Callable[[pd.Index], float]) -> list[float]:
    """What each site adds to those before it."""
    values = [of(sites.index[:count]) for count in range(len(sites) + 1)]
    return [float(step) for step in np.diff(values)]


def _backed_up(tables: Tables, stands: pd.Index) -> float:
    people: Floats = tables.coverage["population"].to_numpy(dtype=float)
    return float(people[walks_of(tables, stands)[1] >= 2].sum())


def _with(sites: Sites, name: str, values: Sequence[float]) -> Sites:
    table: Sites = SITES.conform(sites.assign(**{name: values}))
    return table
