"""A plan and its proof, and the check that recounts it from the times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from planner.card import html_card
from planner.errors import Fault, PlanError, say_faults
from planner.reach import Reach
from planner.schema import Candidates, Coverage, Sites
from planner.siting.arrays import Bools, Ints
from planner.study import Method, Siting

_SAME = 1e-9  # sums of people in another order agree to this share


@dataclass(frozen=True)
class PhaseResult:
    """What stands at the end of one phase.

    Parameters
    ----------
    phase
        From 1.
    by
        Its date; None where the study names no phases.
    sites
        How many new sites stand by then.
    covered
        Need covered by then, the existing stations included.
    value
        What the model makes most: for ``mclp`` the need covered by then (by decay where asked, with the bonuses of hosts); for
        ``p-median`` need times seconds of walking saved; for ``lscp`` and ``p-center`` what is made least, negative.
    best, best_bound
        The most `value` that so many sites could have if nothing came before or after (the last phase keeps the study's
        rules), and the proven bound on it.
    """

    phase: int
    by: dt.date | None
    sites: int
    covered: float
    value: float
    best: float
    best_bound: float

    @property
    def loss(self) -> float:
        """Value that this phase gives up for the others, at most: its own best (as bounded) less what it has."""
        return max(self.best_bound - self.value, 0.0)

    @property
    def loss_share(self) -> float:
        """`loss` as a share of the phase's own best (as bounded)."""
        return self.loss / self.best_bound if self.best_bound > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Plan:
    """The proposed sites and the proof of how good they are.

    Parameters
    ----------
    method
        The model that chose them.
    status
        ``optimal`` (proven: no plan that keeps the rules is better) or ``feasible`` (the best found; `gap` says how far it
        may be from the best).
    sites
        The table `planner.schema.SITES`: phase by phase, and within a phase each next site is the one that adds most.
    covered_before, covered_after, bound
        Need covered by the existing stations; by them and the new sites; and the most that any plan under the same rules
        can cover (for methods other than plain ``mclp``: that all candidates together cover).
        ``covered_before <= covered_after <= bound``.
    phases
        One `PhaseResult` for each phase, one in all where the study names none.
    objective, objective_bound
        What the model makes best, and the proven bound on it. For ``mclp`` the most need covered (walks by decay, a second
        station by `backup`, served people by capacity, where the study asks for that, and the bonuses of hosts); for
        ``lscp`` the fewest sites; for ``p-median`` the least need times minutes of walking; for ``p-center`` the least worst
        walk in minutes. With phases it is added up over the ends of all phases with equal weight, so that no phase is
        sacrificed; `bound` is then what a plan that serves only the end could cover.
    objective_before
        For ``mclp`` what stands is worth in the unit of the objective, without any new site (0 with capacities).
    measures
        Further figures of the model, by name; their units end the names.
    assignment
        With capacities: who is assigned where (``demand_id``, ``station_id``, ``people``), new sites and standing stations.
    parts
        With equity, by town or group: ``people``, ``covered`` by the plan, ``coverable``, ``share`` of the coverable.
    """

    method: Method
    status: str
    sites: Sites
    covered_before: float
    covered_after: float
    bound: float
    phases: tuple[PhaseResult, ...]
    objective: float
    objective_bound: float
    objective_before: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    assignment: pd.DataFrame | None = None
    parts: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if not self.covered_before <= self.covered_after <= self.bound:
            said = f"before {self.covered_before}, after {self.covered_after}, bound {self.bound}"
            raise PlanError(f"a plan must keep before <= after <= bound, but has {said}", status="error")

    def _repr_html_(self) -> str:
        """The sites with the residents each gains; figures of need stay out, since small counts could be worked out of them."""
        gained = float(self.sites["gain_pop"].sum())
        facts = [("method", str(self.method)), ("status", self.status), ("residents gained", f"{gained:,.0f}")]
        rows = [["order", "phase", "site", "town", "residents gained"]]
        for key, site in self.sites.iterrows():
            place = ["" if pd.isna(site.get(name)) else str(site.get(name)) for name in ("name", "town")]
            rows.append([str(site["order"]), str(site["phase"]), place[0] or str(key), place[1], f"{site['gain_pop']:,.0f}"])
        return html_card(f"Plan: {len(self.sites)} sites", facts, rows)

    @property
    def gain(self) -> float:
        """Need newly covered."""
        return self.covered_after - self.covered_before

    @property
    def gap(self) -> float:
        """How far `objective` may be from the best, 0 … 1: for ``mclp`` the share of the best possible gain that it may lack;
        for the others, which make something least, the share of it that may be too much."""
        if self.method is not Method.MCLP:
            return (self.objective - self.objective_bound) / self.objective if self.objective > 0 else 0.0
        possible = self.objective_bound - self.objective_before
        return (self.objective_bound - self.objective) / possible if possible > 0 else 0.0


def check_plan(
    plan: Plan,
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: Mapping[str, int] | None = None,
) -> None:
    """Recount a plan from the times, by itself, and pass if it keeps every rule and says the truth.

    Raises
    ------
    PlanError
        With everything that is wrong, ``status="error"``.
    """
    faults = _rule_faults(plan, candidates, siting, stations_per_town or {}) + _count_faults(plan, options, coverage)
    if faults:
        raise PlanError(f"the plan does not stand up to a recount: {say_faults(faults)}", faults, "error")


def _rule_faults(plan: Plan, candidates: Candidates, siting: Siting, stations: Mapping[str, int]) -> list[Fault]:
    chosen = plan.sites.index
    unknown = chosen.difference(candidates.index)
    if len(unknown):
        return [Fault("a site is not among the candidates", row=str(unknown[0]))]
    rows = candidates.loc[chosen]
    return [
        *_number_faults(plan, siting),
        *_name_faults(rows, candidates, siting),
        *_town_faults(rows, candidates, siting, stations),
        *_place_faults(rows, siting),
    ]


def _number_faults(plan: Plan, siting: Siting) -> Iterator[Fault]:
    asked = [phase.sites for phase in siting.phases] or [siting.sites]
    stand = np.cumsum([int((plan.sites["phase"] == i + 1).sum()) for i in range(len(asked))])
    most = np.cumsum(asked)
    wrong = (stand > most) if siting.budget is not None else (stand != most)
    if plan.method is not Method.LSCP and wrong.any():
        yield Fault(f"{stand.tolist()} sites stand at the ends of the phases instead of {most.tolist()}")


def _name_faults(rows: Candidates, candidates: Candidates, siting: Siting) -> Iterator[Fault]:
    names = set(rows.index.astype(str))
    required = set(siting.required)
    if "required" in candidates:
        required |= set(candidates.index[candidates["required"].fillna(False).to_numpy(dtype=bool)].astype(str))
    for name in sorted(required - names):
        yield Fault("a required candidate is missing", row=name)
    for name in sorted(names & set(siting.forbidden)):
        yield Fault("a forbidden candidate is in the plan", row=name)


def _town_faults(rows: Candidates, candidates: Candidates, siting: Siting, stations: Mapping[str, int]) -> Iterator[Fault]:
    if "town" not in candidates:
        return
    new = rows["town"].value_counts().to_dict()
    for town in sorted(set(stations) | {str(name) for name in candidates["town"].dropna()}):
        have = stations.get(town, 0) + int(new.get(town, 0))
        if have < siting.per_town_min:
            yield Fault(f"town {town!r} has {have} stations", row=town)
        if siting.per_town_max is not None and new.get(town, 0) and have > siting.per_town_max:
            yield Fault(f"town {town!r} has {have} stations", row=town)


def _place_faults(rows: Candidates, siting: Siting) -> Iterator[Fault]:
    if siting.budget is not None and "cost" in rows and rows["cost"].sum() > siting.budget * (1 + _SAME) + _SAME:
        yield Fault(f"the sites cost {rows['cost'].sum():g}, more than the budget of {siting.budget:g}")
    places = rows.geometry.to_numpy()
    for i in range(len(places) if siting.spacing_m else 0):
        for j in range(i + 1, len(places)):
            if places[i].distance(places[j]) < siting.spacing_m:
                yield Fault(f"it stands less than {siting.spacing_m:g} m from {rows.index[j]!r}", row=str(rows.index[i]))


def _count_faults(plan: Plan, options: Reach, coverage: Coverage) -> list[Fault]:
    covered = coverage["covered"].to_numpy(dtype=bool).copy()
    need, people = coverage["need"].to_numpy(dtype=float), coverage["population"].to_numpy(dtype=float)
    faults = [_differs("covered before", plan.covered_before, need[covered].sum())]
    said = plan.sites[["gain_need", "gain_pop", "coverage_after"]].to_numpy(dtype=float)
    served, everybody = float(people[covered].sum()), float(people.sum())
    for i, site in enumerate(plan.sites.index):
        own = cells_reached(options, coverage, site)
        new = own[~covered[own]]
        covered[new] = True
        served += float(people[new].sum())
        share = served / everybody if everybody > 0 else 0.0
        faults.append(_differs("gain_need", said[i, 0], need[new].sum(), str(site)))
        faults.append(_differs("gain_pop", said[i, 1], people[new].sum(), str(site)))
        faults.append(_differs("coverage_after", said[i, 2], share, str(site)))
    faults.append(_differs("covered after", plan.covered_after, need[covered].sum()))
    return [fault for fault in faults if fault is not None]


def cells_reached(options: Reach, coverage: Coverage, site_id: object) -> Ints:
    """The positions in `coverage` of the cells that one candidate reaches."""
    row = options.facility_ids.get_indexer(pd.Index([site_id]))[0]
    ends = options.walk_s.indptr[row : row + 2] if row >= 0 else (0, 0)
    found: Ints = coverage.index.get_indexer(options.demand_ids[options.walk_s.indices[ends[0] : ends[1]]])
    return found


def reached_by(options: Reach, coverage: Coverage, sites: pd.Index) -> Bools:
    """Which rows of the coverage table at least one of these sites reaches."""
    rows = options.facility_ids.get_indexer(sites)
    near = np.zeros(len(options.demand_ids), dtype=np.bool_)
    near[options.walk_s[rows[rows >= 0]].indices] = True
    reached = np.zeros(len(coverage), dtype=np.bool_)
    reached[coverage.index.get_indexer(options.demand_ids[near])] = True
    return reached


def _differs(what: str, said: float, counted: float, row: str | None = None) -> Fault | None:
    if abs(said - counted) <= _SAME * max(abs(counted), 1.0):
        return None
    return Fault(f"{what} is {counted:g} by the times", row=row, value=f"{said:g}")
