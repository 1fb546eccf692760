"""Covering with capacities: people are assigned to one station within the cutoff, and none takes more than it has room for.

The capacitated maximal covering problem (Current and Storbeck 1988; Pirkul and Schilling 1991): who is covered is a flow, so
which sites stand is the only thing to branch on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.errors import Fault, PlanError, TableError, say_faults
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting.arrays import Bools, Floats, Ints, inner
from planner.siting.choose import moves_for
from planner.siting.cover import Chosen, sealed_value, side_rows
from planner.siting.dual import dual_bound
from planner.siting.merge import merge_cells
from planner.siting.prices import in_and_out
from planner.siting.problem import Problem, Rules, allowed, places_of, rules_for, rules_without, with_bonus
from planner.siting.room_prices import Doors, RoomPrices, price_rooms
from planner.siting.search import good_choice, keeps_rules
from planner.siting.solver import Model, is_over, relax, seconds_left, solve
from planner.siting.tree import branch_and_bound
from planner.study import Siting

_WORK = 4e8  # see `branch_and_bound`
_NODES = 300  # of the solver's tree, where no choice to begin from is found
_SAME = 1e-9  # values nearer to each other, relatively, are the same
_STRONG = 60_000  # assignments up to which each is bound to its own site: dearer, and much nearer to the truth
_STARTS, _MOVES = 3, 600  # choices to begin from, and the swaps for each candidate in the search for them together
_POOLED = 20_000  # assignments of a problem over the sites of several choices that is solved in a second or two
_POOL_WORK = 1e8  # see `branch_and_bound`
_ROUNDS = 25  # of the bound without capacities, see `dual_bound`
_STEPS, _EFFORT = 400, 1e8  # most steps of the prices; entries looked at by all of them: some ten seconds


@dataclass(frozen=True, eq=False)
class Standing:
    """The stations that stand: who reaches them, and how many people each takes, by station_id."""

    reach: Reach
    capacity: pd.Series


@dataclass(frozen=True, eq=False)
class Rooms:
    """Who may be assigned where, like cells merged.

    Parameters
    ----------
    site_ids
        (sites,) candidates, sorted; `station_ids` those that stand.
    reach
        (sites + stations × cells) csr of 1.
    people, each
        (cells,) people of the merged cells, and the need of one of them.
    room
        (sites + stations,) people that each takes.
    rules
        What a plan must keep.
    member
        For each row of the coverage table, sorted by id, its merged cell or -1.
    """

    site_ids: pd.Index
    station_ids: pd.Index
    reach: sp.csr_array
    people: Floats
    each: Floats
    room: Floats
    rules: Rules
    member: Ints

    def doors(self) -> Doors:
        """The arrays of the compiled loops."""
        cells = self.reach.indices.astype(np.int32, copy=False)
        return Doors(self.reach.indptr.astype(np.int64), cells, self.room, self.people, self.each)

    def settled(self, prices: RoomPrices, value: float) -> tuple[Rooms, Bools]:
        """What no choice worth at least `value` can leave or use is taken as decided; and the sites that are left."""
        forced, out = in_and_out(self.rules, prices.earned, prices.fixed, value - abs(value) * _SAME)
        return self.among(~out, replace(self.rules, forced=forced)), ~out

    def among(self, kept: Bools, rules: Rules) -> Rooms:
        """The same with these sites and the stations alone; `rules` still speak of all sites."""
        doors = np.append(kept, np.ones(len(self.station_ids), dtype=np.bool_))
        reach = sp.csr_array(self.reach[np.flatnonzero(doors)])
        own = rules_without(rules, ~kept)
        return replace(self, site_ids=self.site_ids[kept], reach=reach, room=self.room[doors], rules=own)

    def assigned(self, chosen: Bools) -> Floats:
        """(entries of `reach`,) the best assignment of people where these sites and the stations stand."""
        stands = np.append(chosen, np.ones(len(self.station_ids), dtype=np.bool_))
        entry = np.flatnonzero(np.repeat(stands, np.diff(self.reach.indptr)))
        people = np.zeros(self.reach.nnz)
        if len(entry):
            part = sp.csr_array(self.reach[np.flatnonzero(stands)])
            people[entry] = _best_flow(part, self.people, self.room[stands], self.each)
        return people

    def value(self, chosen: Bools) -> float:
        """Need served with these sites, and the bonuses of their hosts."""
        served = inner(self.assigned(chosen), self.each[self.reach.indices])
        return served + float(self.rules.bonus[chosen].sum())


def _best_flow(reach: sp.csr_array, people: Floats, room: Floats, each: Floats) -> Floats:
    """The assignment of people to doors that serves most need."""
    cell, entries = reach.indices, np.arange(reach.nnz)
    once = sp.csr_array((np.ones(len(entries)), (cell, entries)), shape=(len(people), len(entries)))
    filled = sp.csr_array((np.ones(len(entries)), entries, reach.indptr), shape=(len(room), len(entries)))
    rows, most = sp.csr_array(sp.vstack([once, filled])), np.concatenate([people, room])
    low, free = np.full(len(most), -np.inf), np.zeros(len(entries), dtype=np.bool_)
    found = relax(Model(-each[cell], np.zeros(len(entries)), people[cell], free, rows, low, most))
    if found is None:
        raise PlanError("the solver finds no assignment for a choice; please report it", status="error")
    return np.asarray(np.clip(found.values, 0.0, people[cell]))


def build_rooms(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: Mapping[str, int] | None,
    standing: Standing | None,
) -> Rooms:
    """The arrays of the problem with capacities; cells become one where the same stations reach people of the same need.

    Raises
    ------
    TableError
        If a candidate or a station says no capacity and there is no default, or times do not fit.
    PlanError
        If people are covered by stations whose times and capacities are not given.
    """
    sites, cells = allowed(candidates, siting), coverage.sort_index()
    if standing is None and cells["covered"].any():
        fault = Fault("some are covered already, but the stations that cover them are not given", "pass standing=Standing(...)")
        raise PlanError(f"no plan exists: {fault}", [fault], "error")
    own = _pattern(options, sites.index, cells)
    station_ids = pd.Index([]) if standing is None else standing.reach.facility_ids.sort_values()
    theirs = sp.csr_array((0, len(cells))) if standing is None else _pattern(standing.reach, station_ids, cells)
    both = sp.csr_array(sp.vstack([own, theirs]))
    both.sort_indices()
    people, need = cells["population"].to_numpy(dtype=float), cells["need"].to_numpy(dtype=float)
    each = np.divide(need, people, out=np.zeros(len(need)), where=people > 0)
    label = np.unique(each, return_inverse=True)[1].astype(np.int64)
    place = np.arange(len(cells), dtype=np.int64)
    merged = merge_cells(both, np.arange(both.shape[0], dtype=np.int64), place, people, label)
    kind = np.zeros(len(merged.weight))
    kind[merged.member[merged.member >= 0]] = each[merged.member >= 0]
    rules = rules_for(coverage, candidates, siting, stations_per_town)
    room = [_room(sites.get("capacity"), sites.index, siting, "candidates")]
    room += [] if standing is None else [_room(standing.capacity, station_ids, siting, "stations")]
    member = merged.member.astype(np.int64)
    return Rooms(sites.index, station_ids, merged.reach, merged.weight, kind, np.concatenate(room), rules, member)


def _pattern(times: Reach, ids: pd.Index, cells: Coverage) -> sp.csr_array:
    place = places_of(times, cells)
    rows = times.facility_ids.get_indexer(ids)
    kept = sp.csr_array(times.walk_s[rows[rows >= 0]])
    row = np.repeat(np.flatnonzero(rows >= 0), np.diff(kept.indptr))
    return sp.csr_array((np.ones(kept.nnz), (row, place[kept.indices])), shape=(len(ids), len(cells)))


def _room(said: pd.Series | None, ids: pd.Index, siting: Siting, table: str) -> Floats:
    column = pd.Series(np.nan, index=ids) if said is None else said.reindex(ids).astype(float)
    filled = column.fillna(np.nan if siting.capacity_default is None else siting.capacity_default)
    missing = filled.index[filled.isna()]
    if len(missing):
        mend = "fill in the column capacity or set siting.capacity_default"
        faults = [Fault("no capacity is said", mend, row=str(key), column="capacity") for key in missing]
        raise TableError(f"{table}: {say_faults(faults)}", faults, table)
    return np.asarray(filled.to_numpy(dtype=float))


def best_assignment(rooms: Rooms, *, seconds: float | None = None, seed: int = 0) -> tuple[Chosen, Floats]:
    """The choice with which most need is served, and the people assigned: (entries of `rooms.reach`,).

    The value is all need served, by new and standing stations together, and the bonuses of hosts.

    Raises
    ------
    PlanError
        If no choice keeps the rules, or none was found within the limits.
    """
    until = None if seconds is None else time.monotonic() + seconds
    tried = _valued(rooms, _begun(rooms, seed) or [_by_solver(rooms, seconds)], until)
    prices = price_rooms(rooms.doors(), rooms.rules, max(tried, key=_value)[0], steps=_steps(rooms), until=until)
    picks = [pick for pick in prices.picks if keeps_rules(rooms.rules, pick)]
    tried += [] if is_over(until) else _valued(rooms, picks, until)
    chosen = _best_of_all(rooms, [one for _, one in sorted(tried, key=_value, reverse=True)], until)
    value, bound = rooms.value(chosen), prices.bound
    rest, kept = rooms.settled(prices, value)
    if bound > value * (1 + _SAME) and rest.reach.nnz <= _STRONG and not is_over(until):
        found, least = _by_tree(rest, chosen[kept], until, _WORK if until is None else np.inf)
        chosen = max([chosen, _over_all(found, kept)], key=rooms.value)
        value, bound = rooms.value(chosen), min(bound, max(least, value))
    elif bound > value * (1 + _SAME):
        bound = min(bound, _without_limits(rooms, value, until))
    return sealed_value(chosen.astype(np.int64), value, max(bound, value)), rooms.assigned(chosen)


def _valued(rooms: Rooms, choices: list[Bools], until: float | None) -> list[tuple[float, Bools]]:
    """Choices with what they serve; the first of them where the time is over."""
    valued: list[tuple[float, Bools]] = []
    for one in choices:
        if valued and is_over(until):
            break
        valued.append((rooms.value(one), one))
    return valued


def _value(valued: tuple[float, Bools]) -> float:
    return valued[0]


def _plain(rooms: Rooms) -> Problem:
    """The same with room for everybody at each site."""
    reach = sp.csr_array(rooms.reach[: len(rooms.site_ids)].astype(np.int8))
    return Problem(rooms.site_ids, reach, rooms.people * rooms.each, rooms.rules)


def _begun(rooms: Rooms, seed: int) -> list[Bools]:
    """Good choices of plain covering; none if none was found that keeps the rules."""
    plain = _plain(rooms)
    seeds = range(seed * _STARTS, (seed + 1) * _STARTS)
    found = [good_choice(plain, moves=moves_for(plain, _MOVES) // _STARTS, seed=own) for own in seeds]
    return [start > 0 for start in found if start is not None]


def _best_of_all(rooms: Rooms, tried: list[Bools], until: float | None) -> Bools:
    """The best choice among the sites that several have, the best of them first, as far as a small tree finds it."""
    best, few = tried[0], tried[0]
    for choice in tried[1:]:
        if rooms.reach[np.flatnonzero(few | choice)].nnz <= _POOLED:
            few = few | choice
    if (few == best).all() or is_over(until):
        return best
    found, _ = _by_tree(rooms.among(few, rooms.rules), best[few], until, _POOL_WORK)
    return max([best, _over_all(found, few)], key=rooms.value)


def _over_all(found: Bools, kept: Bools) -> Bools:
    """A choice among the sites that are kept, as one among all."""
    over_all = np.zeros(len(kept), dtype=np.bool_)
    over_all[kept] = found
    return over_all


def _without_limits(rooms: Rooms, value: float, until: float | None) -> float:
    """A bound on what any choice serves if sites had room for everybody, and stations served all that they reach."""
    weight = rooms.people * rooms.each
    stations = np.zeros(len(weight), dtype=np.bool_)
    stations[rooms.reach[np.arange(len(rooms.site_ids), len(rooms.room))].indices] = True
    served, plain, others = float(weight[stations].sum()), _plain(rooms), np.flatnonzero(~stations)
    plain = with_bonus(replace(plain, reach=sp.csr_array(plain.reach[:, others]), weight=weight[others]))
    return served + dual_bound(plain, rounds=_ROUNDS, enough=value - served, until=until)


def _by_solver(rooms: Rooms, seconds: float | None) -> Bools:
    """A choice where no search finds one."""
    answer = solve(_Flow(rooms).model, effort=_NODES, seconds=seconds)
    if answer.infeasible:
        raise PlanError("no plan exists: the rules contradict each other; relax one")
    if answer.values is None:
        raise PlanError("no plan was found within the effort allowed; raise siting.time_limit_s", status="limit")
    return answer.values[: len(rooms.site_ids)] > 0.5


def _by_tree(rooms: Rooms, chosen: Bools, until: float | None, work: float) -> tuple[Bools, float]:
    """The best choice that a tree finds, and the bound it proves; the choice itself may break what is settled."""
    flow = _Flow(rooms)
    relaxed = relax(flow.model, until=until)
    if relaxed is None:  # nothing is left that would be better
        return chosen, -np.inf
    start = np.concatenate([chosen, rooms.assigned(chosen)]).astype(np.float64)
    step = _SAME * abs(inner(flow.model.cost, start))
    left = None if until is None else seconds_left(until)
    answer = branch_and_bound(flow.model, relaxed, start, step=step, work=work * flow.slimness, seconds=left)
    values = start if answer.values is None else answer.values
    return values[: len(chosen)] > 0.5, -answer.bound


def _steps(rooms: Rooms) -> int:
    """Steps of the prices, as many as the effort allows."""
    return int(min(_STEPS, _EFFORT / max(rooms.reach.nnz, 1)))


class _Flow:
    """Columns: stands[site], whole; then people assigned along each entry of the reach."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms, self.sites = rooms, len(rooms.site_ids)
        self.at = np.repeat(np.arange(rooms.reach.shape[0]), np.diff(rooms.reach.indptr))
        self.cell = rooms.reach.indices
        self.most = np.minimum(rooms.people[self.cell], rooms.room[self.at])
        self.model = self._model()

    def _model(self) -> Model:
        rooms, sites, entries = self.rooms, self.sites, len(self.cell)
        shape = (len(rooms.people), entries)
        once = sp.csr_array((np.ones(entries), (self.cell, np.arange(entries))), shape=shape)
        filled = sp.csr_array((np.ones(entries), (self.at, np.arange(entries))), shape=(len(rooms.room), entries))
        use = np.minimum(rooms.room, np.asarray(filled @ rooms.people[self.cell]))[:sites]
        opens = sp.vstack([sp.diags_array(-use), sp.csr_array((len(rooms.room) - sites, sites))])
        side, low, high = side_rows(rooms.rules)
        blocks: list[list[Any]] = [[None, once], [opens, filled], [side, sp.csr_array((side.shape[0], entries))]]
        upper = [rooms.people, np.where(np.arange(len(rooms.room)) < sites, 0.0, rooms.room), high]
        lower = [np.full(len(rooms.people) + len(rooms.room), -np.inf), low]
        if entries <= _STRONG:
            own = np.flatnonzero(self.at < sites)
            number = np.arange(len(own))
            bind = sp.csr_array((-self.most[own], (number, self.at[own])), shape=(len(own), sites))
            blocks.append([bind, sp.csr_array((np.ones(len(own)), (number, own)), shape=(len(own), entries))])
            upper.append(np.zeros(len(own)))
            lower.append(np.full(len(own), -np.inf))
        stands = np.zeros(sites)
        stands[rooms.rules.forced] = 1.0
        return Model(
            -np.concatenate([rooms.rules.bonus, rooms.each[self.cell]]),
            np.concatenate([stands, np.zeros(entries)]),
            np.concatenate([np.ones(sites), self.most]),
            np.arange(sites + entries) < sites,
            sp.csr_array(sp.block_array(blocks)),
            np.concatenate(lower),
            np.concatenate(upper),
        )

    @property
    def slimness(self) -> float:
        """Rows as a share of rows and columns: a simplex step on a wide model is dearer than its rows say."""
        rows, columns = self.model.rows.shape
        return float(rows / (rows + columns))


def assignment_table(rooms: Rooms, coverage: Coverage, people: Floats) -> pd.DataFrame:
    """Who is assigned where: columns ``demand_id``, ``station_id``, ``people``, cell by cell; cells alike share alike."""
    cells = coverage.sort_index()
    names = np.concatenate([rooms.site_ids.astype(str), rooms.station_ids.astype(str)]).astype(object)
    at = np.repeat(np.arange(rooms.reach.shape[0]), np.diff(rooms.reach.indptr))
    used = np.flatnonzero(people > 0)
    share = people[used] / rooms.people[rooms.reach.indices[used]]
    of_cell = pd.DataFrame({"merged": rooms.reach.indices[used], "station_id": names[at[used]], "share": share})
    each = pd.DataFrame({"demand_id": cells.index, "merged": rooms.member, "population": cells["population"].to_numpy()})
    table = each[each["merged"] >= 0].merge(of_cell, on="merged")
    table["people"] = table["population"] * table["share"]
    table = table[table["people"] > 0].sort_values(["demand_id", "station_id"], ignore_index=True)
    return table[["demand_id", "station_id", "people"]]
