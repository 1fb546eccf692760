"""A plan and its proof, and the check that recounts it from the times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.errors import Fault, PlanError, say_faults
from planner.reach import Reach
from planner.schema import Candidates, Coverage, Sites
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
    best, best_bound
        The most need that so many sites could cover if nothing came before or after (the last phase keeps the study's
        rules), and the proven bound on it.
    """

    phase: int
    by: dt.date | None
    sites: int
    covered: float
    best: float
    best_bound: float

    @property
    def loss(self) -> float:
        """Need that this phase gives up for the others, at most: its own best (as bounded) less what it covers."""
        return max(self.best_bound - self.covered, 0.0)


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
        can cover. ``covered_before <= covered_after <= bound``.
    phases
        One `PhaseResult` for each phase, one in all where the study names none.
    objective, objective_bound
        What the model makes best, and the proven bound on it. Without phases that is `covered_after` and `bound`. With
        phases it is the covered need added up over the ends of all phases with equal weight, so that no phase is
        sacrificed; `bound` is then what a plan that serves only the end could cover.
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

    def __post_init__(self) -> None:
        if not self.covered_before <= self.covered_after <= self.bound:
            said = f"before {self.covered_before}, after {self.covered_after}, bound {self.bound}"
            raise PlanError(f"a plan must keep before <= after <= bound, but has {said}", status="error")

    @property
    def gain(self) -> float:
        """Need newly covered."""
        return self.covered_after - self.covered_before

    @property
    def gap(self) -> float:
        """How far `objective` may be from the best: the share of the best possible gain that it may lack, 0 … 1."""
        possible = self.objective_bound - self.covered_before * len(self.phases)
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
    faults = []
    unknown = chosen.difference(candidates.index)
    if len(unknown):
        return [Fault("a site is not among the candidates", row=str(unknown[0]))]
    if plan.method is not Method.LSCP and len(chosen) != siting.sites:
        faults.append(Fault(f"{len(chosen)} sites instead of {siting.sites}"))
    if "required" in candidates:
        required = candidates.index[candidates["required"].fillna(False).to_numpy(dtype=bool)]
        faults += [Fault("a required candidate is missing", row=str(site)) for site in required.difference(chosen)]
    counts = [int((plan.sites["phase"] == i).sum()) for i in range(1, len(siting.phases) + 1)]
    if siting.phases and counts != [phase.sites for phase in siting.phases]:
        faults.append(Fault(f"the phases have {counts} sites"))
    if siting.per_town_min and "town" in candidates:
        new = candidates.loc[chosen, "town"].value_counts()
        towns = set(stations) | {str(town) for town in candidates["town"].dropna()}
        have = {town: stations.get(town, 0) + int(new.get(town, 0)) for town in sorted(towns)}
        faults += [Fault(f"town {t!r} has {n} stations", row=t) for t, n in have.items() if n < siting.per_town_min]
    return faults


def _count_faults(plan: Plan, options: Reach, coverage: Coverage) -> list[Fault]:
    covered = coverage["covered"].to_numpy(dtype=bool).copy()
    need, people = coverage["need"].to_numpy(dtype=float), coverage["population"].to_numpy(dtype=float)
    faults = [_differs("covered before", plan.covered_before, need[covered].sum())]
    said = plan.sites[["gain_need", "gain_pop", "coverage_after"]].to_numpy(dtype=float)
    for i, site in enumerate(plan.sites.index):
        new = reached_cells(options, coverage, site) & ~covered
        covered |= new
        share = people[covered].sum() / people.sum() if people.sum() > 0 else 0.0
        faults.append(_differs("gain_need", said[i, 0], need[new].sum(), str(site)))
        faults.append(_differs("gain_pop", said[i, 1], people[new].sum(), str(site)))
        faults.append(_differs("coverage_after", said[i, 2], share, str(site)))
    faults.append(_differs("covered after", plan.covered_after, need[covered].sum()))
    return [fault for fault in faults if fault is not None]


def reached_cells(options: Reach, coverage: Coverage, site_id: object) -> npt.NDArray[np.bool_]:
    """Which rows of `coverage` one candidate reaches."""
    row = options.facility_ids.get_indexer(pd.Index([site_id]))[0]
    reached = np.zeros(len(coverage), dtype=bool)
    if row >= 0:
        entries = options.walk_s.indices[options.walk_s.indptr[row] : options.walk_s.indptr[row + 1]]
        reached[coverage.index.get_indexer(options.demand_ids[entries])] = True
    return reached


def _differs(what: str, said: float, counted: float, row: str | None = None) -> Fault | None:
    if abs(said - counted) <= _SAME * max(abs(counted), 1.0):
        return None
    return Fault(f"{what} is {counted:g} by the times", row=row, value=f"{said:g}")
