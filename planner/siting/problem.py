"""The siting problem as arrays: candidates and cells in the order of their ids, like cells merged, rules as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy
import scipy.sparse as sp

from planner.errors import Fault, TableError, say_faults
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting.arrays import Bools, Floats, Ints, Short
from planner.siting.merge import merge_cells
from planner.study import Method, Siting

NOWHERE = -1  # town of a candidate that has none


@dataclass(frozen=True, eq=False)
class Rules:
    """What a plan must keep, candidate by candidate and town by town.

    Parameters
    ----------
    steps
        How many new sites stand at the end of each phase, rising.
    forced
        (sites,) candidates that must be in the plan.
    towns
        Names of the towns, sorted.
    town
        (sites,) position into `towns`, or `NOWHERE`.
    short, room
        (towns,) how many new sites each still needs, and how many it still takes.
    cost, budget
        (sites,) what each costs, and the most they may cost together; infinite where there is no budget.
    apart
        (pairs, 2) sites too near to each other for both to stand, the lower first.
    bonus
        (sites,) what each counts for on top, >= 0, for its host.
    at_most
        Whether fewer may stand than `steps` says.
    """

    steps: tuple[int, ...]
    forced: Bools
    towns: tuple[str, ...]
    town: Ints
    short: Ints
    room: Ints
    cost: Floats
    budget: float
    apart: Ints
    bonus: Floats
    at_most: bool = False


@dataclass(frozen=True, eq=False)
class Problem:
    """Which candidate newly covers which cells, and how much they weigh.

    Parameters
    ----------
    site_ids
        (sites,) sorted, so that ties fall the same way whatever the order of the tables.
    reach
        (sites × cells) csr of 1: cells not covered yet that the candidate reaches; like cells merged.
    weight
        (cells,) need of the merged cells: > 0, or 0 where somebody is counted otherwise.
    rules
        What a plan must keep.
    member
        For each row of the coverage table, sorted by id, its merged cell; -1 for cells that are covered, weigh nothing or
        cannot be reached. None for a problem that was not made from a table.
    terms
        What else counts or must be kept: see `Terms`.
    """

    site_ids: pd.Index
    reach: sp.csr_array
    weight: Floats
    rules: Rules
    member: Short | None = None
    terms: Terms | None = None


@dataclass(frozen=True, eq=False)
class Terms:
    """Further terms of the objective and further rules, over what stands and who is missed at the end of the last phase.

    The covered weight less ``cost @ own`` is made most, where `own` are further continuous columns, under
    ``low <= over_sites @ stands + over_missed @ missed + over_own @ own <= high``. A floor for a town is a row over the
    missed cells of that town; the worst town is a column.

    Parameters
    ----------
    cost, lower, upper
        (own,) of each further column.
    over_sites, over_missed, over_own
        (rows × sites), (rows × cells), (rows × own) csr.
    low, high
        (rows,).
    complete
        From what stands (sites,) and who is missed (cells,), each 0 or 1, the cheapest own columns; None where a row
        cannot be kept.
    step
        No two objectives differ by less, unless they are equal; 0 if that cannot be said.
    again
        (cells,) what each cell weighs again where a second site covers it, if that is all that the terms say.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    over_sites: sp.csr_array
    over_missed: sp.csr_array
    over_own: sp.csr_array
    low: Floats
    high: Floats
    complete: Callable[[Floats, Floats], Floats | None]
    step: float = 0.0
    again: Floats | None = None


def build_problem(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: Mapping[str, int] | None = None,
    *,
    weigh: str = "need",
    label: pd.Series | None = None,
    kept: pd.Series | None = None,
) -> Problem:
    """The arrays of a siting problem; column `weigh` of `coverage` is what is to be covered.

    Cells that the same candidates reach become one, only those of the same whole number in `label` (by demand_id) if given.
    Cells that weigh nothing are left out, save those that `kept` (by demand_id) says; covered ones always.

    Raises
    ------
    TableError
        If the times speak of cells that `coverage` does not have.
    """
    sites, cells = allowed(candidates, siting), coverage.sort_index()
    place = places_of(options, cells)
    need, covered = cells[weigh].to_numpy(dtype=float), cells["covered"].to_numpy(dtype=bool)
    rows = options.facility_ids.get_indexer(sites.index).astype(np.int64)
    labels = None if label is None else label.reindex(cells.index).to_numpy(dtype=np.int64)
    also = None if kept is None else kept.reindex(cells.index).to_numpy(dtype=bool) & ~covered
    merged = merge_cells(options.walk_s, rows, place, np.where(covered, 0.0, need), labels, also)
    rules = rules_for(coverage, candidates, siting, stations_per_town)
    return with_bonus(Problem(sites.index, merged.reach, merged.weight, rules, merged.member))


def with_bonus(problem: Problem) -> Problem:
    """The problem with a cell for each site that is preferred, which no other reaches and which weighs its bonus."""
    preferred = np.flatnonzero(problem.rules.bonus)
    if not len(preferred):
        return problem
    shape = (len(problem.site_ids), len(preferred))
    own = sp.csr_array((np.ones(len(preferred), dtype=np.int8), (preferred, np.arange(len(preferred)))), shape=shape)
    reach = sp.csr_array(sp.hstack([problem.reach, own]))
    return replace(problem, reach=reach, weight=np.concatenate([problem.weight, problem.rules.bonus[preferred]]))


def places_of(options: Reach, cells: pd.DataFrame) -> Ints:
    """The row of `cells` (indexed by demand_id) that each demand point of the times is.

    Raises
    ------
    TableError
        If some have none.
    """
    place = cells.index.get_indexer(options.demand_ids).astype(np.int64)
    if (place >= 0).all():
        return place
    unknown = options.demand_ids[place < 0]
    said = f"the times speak of {len(unknown)} demand points that the coverage table does not have"
    fault = Fault(said, "measure both on the same demand", row=str(unknown[0]))
    raise TableError(f"reach: {say_faults([fault])}", [fault], "reach")


def allowed(candidates: Candidates, siting: Siting) -> Candidates:
    """The candidates that may be chosen, in the order of their ids."""
    table: Candidates = candidates[~candidates.index.astype(str).isin(siting.forbidden)].sort_index()
    return table


def rules_for(
    coverage: Coverage, candidates: Candidates, siting: Siting, stations_per_town: Mapping[str, int] | None = None
) -> Rules:
    """The rules of a study as arrays, for the candidates that may be chosen in the order of their ids."""
    sites, stations = allowed(candidates, siting), stations_per_town or {}
    town_names = sites["town"] if "town" in sites else pd.Series(None, index=sites.index, dtype=object)
    towns = tuple(sorted(_towns_of(candidates) | _towns_of(coverage) | set(stations)))
    position = {name: i for i, name in enumerate(towns)}
    standing = np.array([stations.get(name, 0) for name in towns], dtype=np.int64)
    unlimited = len(sites) + int(standing.sum()) if siting.per_town_max is None else siting.per_town_max
    counts = [phase.sites for phase in siting.phases] or [siting.sites]
    cost = sites["cost"].fillna(0.0).to_numpy(dtype=float) if "cost" in sites else np.zeros(len(sites))
    return Rules(
        steps=tuple(int(step) for step in np.cumsum(counts)),
        forced=required_sites(sites, siting),
        towns=towns,
        town=np.array([NOWHERE if pd.isna(name) else position[str(name)] for name in town_names], dtype=np.int64),
        short=np.maximum(siting.per_town_min - standing, 0),
        room=np.maximum(unlimited - standing, 0),
        cost=np.asarray(cost, dtype=np.float64),
        budget=np.inf if siting.budget is None else siting.budget,
        apart=_too_near(sites, siting.spacing_m),
        bonus=_bonus(sites, siting),
        at_most=siting.budget is not None,
    )


def _bonus(sites: Candidates, siting: Siting) -> Floats:
    hosts = sites["host"] if "host" in sites else pd.Series("", index=sites.index)
    return np.array([siting.prefer.get(str(host), 0.0) for host in hosts], dtype=np.float64)


def no_rules_for(sites: int, asked: int) -> Rules:
    """So many sites out of `sites` in no town, and nothing else to keep."""
    none = np.zeros(0, dtype=np.int64)
    return Rules(
        steps=(asked,),
        forced=np.zeros(sites, dtype=np.bool_),
        towns=(),
        town=np.full(sites, NOWHERE, dtype=np.int64),
        short=none,
        room=none,
        cost=np.zeros(sites),
        budget=np.inf,
        apart=none.reshape(0, 2),
        bonus=np.zeros(sites),
    )


def plain_siting(siting: Siting, sites: int) -> Siting:
    """The study's rules for so many sites, with need within the cutoff as all that counts: no phases, equity or other model."""
    return replace(
        siting, method=Method.MCLP, sites=max(sites, 1), phases=(), equity=None, capacity=False, backup=0.0, decay=None
    )


def without_rules(rules: Rules, sites: int) -> Rules:
    """So many sites, and nothing else to keep."""
    zero = np.zeros_like(rules.short)
    return replace(
        rules,
        steps=(sites,),
        forced=np.zeros_like(rules.forced),
        short=zero,
        room=zero + len(rules.town),
        budget=np.inf,
        apart=np.zeros((0, 2), dtype=np.int64),
        at_most=False,
    )


def rules_without(rules: Rules, out: Bools) -> Rules:
    """The rules for the sites that are not out."""
    inside = np.flatnonzero(~out)
    number = np.cumsum(~out) - 1
    pairs = rules.apart[~out[rules.apart].any(axis=1)]
    return replace(
        rules,
        forced=rules.forced[inside],
        town=rules.town[inside],
        cost=rules.cost[inside],
        bonus=rules.bonus[inside],
        apart=number[pairs].astype(np.int64),
    )


def required_sites(sites: Candidates, siting: Siting) -> Bools:
    """Which candidates must be in the plan: by their column ``required`` or by name in the study."""
    named = sites.index.astype(str).isin(siting.required)
    if "required" in sites:
        named |= sites["required"].fillna(False).to_numpy(dtype=bool)
    return np.asarray(named, dtype=np.bool_)


def _too_near(sites: Candidates, spacing_m: float) -> Ints:
    """Pairs of candidates less than `spacing_m` from each other, straight."""
    if not spacing_m or not len(sites):
        return np.zeros((0, 2), dtype=np.int64)
    xy = np.column_stack([sites.geometry.x, sites.geometry.y])
    pairs = scipy.spatial.cKDTree(xy).query_pairs(spacing_m, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    pairs = pairs[np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) < spacing_m]
    return np.sort(pairs, axis=1)[np.lexsort(np.sort(pairs, axis=1).T[::-1])]


def _towns_of(table: pd.DataFrame) -> set[str]:
    """The names in column ``town``."""
    return {str(name) for name in table["town"].dropna().unique()} if "town" in table else set()
