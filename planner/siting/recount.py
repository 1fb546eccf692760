"""What a plan says in the unit of its model, recounted from the times by other ways than it was found by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.siting.arrays import Bools, Floats
from planner.siting.equity import worst_worth
from planner.siting.graded import nearest_s
from planner.siting.models import Tables, grade_of, penalty_s
from planner.siting.plan import Plan, reached_by
from planner.siting.problem import allowed
from planner.study import MINUTE_S, Method, Siting

_SAME = 1e-9  # sums in another order agree to this share


def model_faults(plan: Plan, tables: Tables, siting: Siting) -> list[Fault]:
    """Everything in which the objective of a plan is not what its sites and the times make it."""
    if plan.method is Method.LSCP:
        return [*_differs("the number of sites", plan.objective, len(plan.sites)), *_share_faults(plan, tables, siting)]
    if plan.method is Method.P_CENTER:
        return list(_differs("the worst walk", plan.objective, worst_s(tables, siting, plan.sites.index) / MINUTE_S))
    if siting.capacity:
        return _assignment_faults(plan, tables, siting)
    found, bonus = 0.0, 0.0
    faults: list[Fault] = []
    for phase in plan.phases:
        stands = plan.sites.index[(plan.sites["phase"] <= phase.phase).to_numpy()]
        own, extra = counted(tables, siting, stands), _bonus(tables, siting, stands)
        value = _value(tables, siting, own, extra)  # of the p-median a difference: as exact as what it is taken from
        faults += _differs(f"the value of phase {phase.phase}", phase.value, value, size=abs(value) + own)
        found, bonus = found + own, bonus + extra
    if siting.equity is not None:
        site_ids = allowed(tables.candidates, siting).index
        found += worst_worth(plan.sites.index, tables.options, tables.coverage, siting, site_ids)
    if plan.method is Method.P_MEDIAN:
        return [*faults, *_differs("the walking", plan.objective, found / MINUTE_S - bonus)]
    return [*faults, *_differs("the objective", plan.objective, found + bonus)]


def _value(tables: Tables, siting: Siting, own: float, bonus: float) -> float:
    """What a phase makes most: what counts then, or (p-median) the walking saved against nothing in reach of anybody."""
    if siting.method is not Method.P_MEDIAN:
        return own + bonus
    return float(tables.coverage["need"].sum()) * penalty_s(siting, tables.cutoff_s) - own + bonus * MINUTE_S


def _differs(what: str, said: float, counted: float, *, size: float = 0.0) -> Iterator[Fault]:
    """A fault unless both are one, up to the rounding of sums as large as `size`."""
    if abs(said - counted) > _SAME * max(abs(counted), size, 1.0) * 10:
        yield Fault(f"{what} is {counted:g} by the times", value=f"{said:g}")


def walks_of(tables: Tables, stands: pd.Index) -> tuple[Floats, Floats]:
    """Of each row of the coverage table the shortest walk in seconds (infinite without any), and stations in reach."""
    coverage = tables.coverage
    walk_s, times = nearest_s(coverage), coverage["stations_in_reach"].to_numpy(dtype=float).copy()
    at = coverage.index.get_indexer(tables.options.demand_ids)
    for row in tables.options.facility_ids.get_indexer(stands).tolist():
        if row >= 0:
            own = slice(tables.options.walk_s.indptr[row], tables.options.walk_s.indptr[row + 1])
            cells = at[tables.options.walk_s.indices[own]]
            walk_s[cells] = np.minimum(walk_s[cells], tables.options.walk_s.data[own].astype(float))
            times[cells] += 1
    return walk_s, times


def counted(tables: Tables, siting: Siting, stands: pd.Index) -> float:
    """The objective of one phase without bonuses: need covered, by decay or twice; or need times seconds of walking."""
    need = tables.coverage["need"].to_numpy(dtype=float)
    if siting.backup:
        _, times = walks_of(tables, stands)
        return float(need[times >= 1].sum() + siting.backup * need[times >= 2].sum())
    grade = grade_of(siting, tables.cutoff_s)
    if grade is None:
        covered = tables.coverage["covered"].to_numpy(dtype=bool) | reached_by(tables.options, tables.coverage, stands)
        return float(need[covered].sum())
    walk_s, _ = walks_of(tables, stands)
    near = np.isfinite(walk_s)
    if siting.method is Method.P_MEDIAN:
        farthest = penalty_s(siting, tables.cutoff_s)
        return float((need * np.where(near, np.minimum(walk_s, farthest), farthest)).sum())
    return float((need[near] * grade(walk_s[near])).sum())


def _bonus(tables: Tables, siting: Siting, stands: pd.Index) -> float:
    if not siting.prefer or "host" not in tables.candidates:
        return 0.0
    return float(sum(siting.prefer.get(str(host), 0.0) for host in tables.candidates.loc[stands, "host"]))


def _coverable(tables: Tables, siting: Siting) -> Bools:
    allowed = tables.candidates.index[~tables.candidates.index.astype(str).isin(siting.forbidden)]
    return np.asarray(tables.coverage["covered"].to_numpy(dtype=bool) | reached_by(tables.options, tables.coverage, allowed))


def _share_faults(plan: Plan, tables: Tables, siting: Siting) -> Iterator[Fault]:
    most = float(tables.coverage.loc[_coverable(tables, siting), "need"].sum())
    if plan.covered_after < siting.share * most * (1 - _SAME):
        yield Fault(f"{plan.covered_after:g} of {most:g} is less than the share of {siting.share:g} asked for")


def worst_s(tables: Tables, siting: Siting, stands: pd.Index) -> float:
    """The seconds within which the share asked for is served, of those that something can reach."""
    need = tables.coverage["need"].to_numpy(dtype=float)
    walk_s, _ = walks_of(tables, stands)
    counts = _coverable(tables, siting) & (need > 0)
    order = np.argsort(walk_s[counts], kind="stable")
    served = np.cumsum(need[counts][order])
    if not len(served):
        return 0.0
    enough = siting.share * served[-1] * (1 - 1e-12) if siting.share < 1 else served[-1]
    return float(walk_s[counts][order][np.searchsorted(served, enough)]) if siting.share < 1 else float(walk_s[counts].max())


def _assignment_faults(plan: Plan, tables: Tables, siting: Siting) -> list[Fault]:
    table = plan.assignment
    if table is None:
        return [Fault("it says capacity but assigns nobody")]
    faults = []
    coverage = tables.coverage
    taken = table.groupby("demand_id")["people"].sum()
    people = coverage.loc[taken.index, "population"]
    for key in taken.index[(taken > people * (1 + 1e-6) + 1e-6).to_numpy()]:
        faults.append(Fault("more people are assigned than live there", row=str(key)))
    faults += _room_faults(table, tables, siting) + _walk_faults(table, tables)
    each = (coverage["need"] / coverage["population"].where(coverage["population"] > 0)).fillna(0.0)
    need = float((table["people"] * each.reindex(table["demand_id"]).to_numpy()).sum())
    faults += _differs("the need served", plan.objective, need + _bonus(tables, siting, plan.sites.index))
    return faults


def _room_faults(table: pd.DataFrame, tables: Tables, siting: Siting) -> list[Fault]:
    said = [tables.candidates["capacity"]] if "capacity" in tables.candidates else []
    said += [tables.standing.capacity] if tables.standing is not None else []
    room = pd.concat(said).astype(float) if said else pd.Series(dtype=float)
    room.index = room.index.astype(str)
    used = table.groupby("station_id")["people"].sum()
    most = room.reindex(used.index).fillna(siting.capacity_default or 0.0)
    over = used.index[(used > most * (1 + 1e-6) + 1e-6).to_numpy()]
    return [Fault("more people are assigned to it than its capacity", row=str(key)) for key in over]


def _walk_faults(table: pd.DataFrame, tables: Tables) -> list[Fault]:
    """Assignments that are no walk within the cutoff."""
    known: set[tuple[object, object]] = set()
    for reach in [tables.options] + ([tables.standing.reach] if tables.standing is not None else []):
        pairs = reach.walk_s.tocoo()
        known |= set(zip(reach.facility_ids[pairs.row].astype(str), reach.demand_ids[pairs.col], strict=True))
    asked = zip(table["station_id"], table["demand_id"], strict=True)
    return [Fault("people are assigned beyond the cutoff", row=str(pair[0])) for pair in asked if pair not in known]
