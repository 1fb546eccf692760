"""Equity: a floor under the share covered of each town or key group, the worst of them, or a weight between worst and all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.errors import Fault, PlanError, say_faults
from planner.reach import Reach
from planner.schema import EQUITY, Candidates, Coverage, EquityCurve
from planner.siting.arrays import Bools, Floats, Ints, inner
from planner.siting.choose import best_cover, bound_by_price
from planner.siting.cover import Chosen, CoverModel, sealed, single
from planner.siting.fair import Parts, anneal_fair, shares_of
from planner.siting.feasible import checked_problem
from planner.siting.kernels import Cover, Keep
from planner.siting.plan import reached_by
from planner.siting.problem import Problem, Terms
from planner.siting.search import arrays, good_choice, keeps_rules
from planner.siting.solver import Answer, is_over, relax, seconds_left, solve
from planner.siting.tree import branch_and_bound
from planner.study import Equity, Siting

_MOVES = 300  # swaps for each candidate at each floor that is tried
_FINE = 30.0  # for a share wholly lacking: so many times all the need there is
_FLOORS = 9  # how many floors are tried on the way to the fairest choice
_WORK = 2e8  # of the tree, see `branch_and_bound`: some seven seconds
_OWN = 0.75  # of the time limit for the choice itself; the rest says what equity costs
_EACH = 5e7  # of the tree at each point of the curve
_WORST_FIRST = 1_000.0  # where only the worst counts: a thousandth of its share is worth all the need
_HOT, _COLD = 0.03, 0.001  # losses taken at the start and at the end, in shares of what a site covers on average
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Shares:
    """The parts of the district (towns or key groups) and who of each is in which merged cell.

    Parameters
    ----------
    by
        ``town`` or ``group``.
    names
        Of the parts that have anybody who can be covered, sorted.
    total, before
        (parts,) people of each who can be covered by the stations and all candidates together; those covered already.
    held
        (parts × merged cells) csr: people of each part in each cell.
    """

    by: str
    names: tuple[str, ...]
    total: Floats
    before: Floats
    held: sp.csr_array

    @classmethod
    def of(cls, problem: Problem, coverage: Coverage, by: str) -> Shares:
        cells = coverage.sort_index()
        amounts = part_amounts(cells, by)
        covered = cells["covered"].to_numpy(dtype=bool)
        member = np.full(len(cells), -1) if problem.member is None else problem.member
        inside = member >= 0
        onto = sp.csr_array(
            (np.ones(int(inside.sum())), (np.flatnonzero(inside), member[inside])), shape=(len(cells), len(problem.weight))
        )
        values = amounts.to_numpy(dtype=float)
        held, before = sp.csr_array(sp.csr_array(values.T) @ onto), values[covered].sum(axis=0)
        total = before + np.asarray(held.sum(axis=1))
        there = np.flatnonzero(total > 0)
        names = tuple(str(name) for name in amounts.columns[there])
        return cls(by, names, total[there], before[there], sp.csr_array(held[there]))

    def floors(self, equity: Equity) -> Floats:
        """(parts,) the least share asked of each."""
        return np.array([equity.floors.get(name, equity.floor) for name in self.names], dtype=np.float64)

    def arrays(self) -> Parts:
        by_cell = sp.csr_array(sp.csc_array(self.held / self.total[:, None]).T)
        return Parts(
            by_cell.indptr.astype(np.int64),
            by_cell.indices.astype(np.int32),
            by_cell.data.astype(np.float64),
            self.before / self.total,
        )

    def covered(self, chosen: Bools, reach: sp.csr_array) -> Floats:
        """(parts,) the share covered with these sites."""
        cells = (reach.T @ chosen.astype(np.float64)) > 0
        return np.asarray(np.minimum((self.before + self.held @ cells.astype(np.float64)) / self.total, 1.0))  # sums round


def part_amounts(cells: Coverage, by: str) -> pd.DataFrame:
    """People of each part that has anybody, by demand point: a column a town (residents) or a key group (members)."""
    if by == "town":
        town = cells["town"] if "town" in cells else pd.Series(None, index=cells.index, dtype=object)
        names = sorted(str(name) for name in town.dropna().unique())
        table = pd.DataFrame({name: cells["population"].where(town == name, 0.0) for name in names}, index=cells.index)
    else:
        groups = sorted(str(name) for name in cells.columns if str(name).startswith("pop_"))
        table = pd.DataFrame({name.removeprefix("pop_"): cells[name] for name in groups}, index=cells.index)
    return table.loc[:, table.sum() > 0]


def has_parts(coverage: Coverage, by: str) -> pd.Series:
    """By demand_id whether anybody of a part is there, whatever they weigh."""
    return (part_amounts(coverage, by) > 0).any(axis=1)


def _check_floors(shares: Shares, equity: Equity) -> None:
    faults = [
        Fault(f"there is no such {equity.by} with anybody who can be covered", f"use one of {', '.join(shares.names)}",
              column="siting.equity.floors", value=name)
        for name in equity.floors if name not in shares.names
    ]  # fmt: skip
    if not shares.names:
        faults.append(
            Fault(f"no {equity.by} has anybody who can be covered", "name groups, or towns", column="siting.equity.by")
        )
    if faults:
        raise PlanError(f"no plan exists: {say_faults(faults)}", faults)


def _down(share: float) -> float:
    return float(np.floor(share * 1000) / 1000)


def terms_of(problem: Problem, shares: Shares, floor: Floats, weight: float) -> Terms:
    """Floors as rows, the worst share as a column whose price is what it counts for.

    With R the people of a part who can be covered, m those of them missed and f its floor: ``m <= (1 - f) R`` and
    ``m + R worst <= R``. The need covered less ``cost * worst`` is made most.
    """
    count, (sites, _) = len(shares.names), problem.reach.shape
    need = max(float(problem.weight.sum() - problem.rules.bonus.sum()), 0.0)  # hosts' bonuses are no need
    price = -_price(weight, need, len(problem.rules.steps))
    held, room = sp.csr_array(shares.held / shares.total[:, None]), 1.0 - floor + _SAME

    def complete(_stands: Floats, missed: Floats) -> Floats | None:
        lost = np.asarray(held @ missed)
        return np.array([max(float((1.0 - lost).min()), 0.0)]) if (lost <= room).all() else None

    own = sp.csr_array(np.concatenate([np.zeros(count), np.ones(count)])[:, None])
    nothing, high = sp.csr_array((2 * count, sites)), np.concatenate([room, np.ones(count)])
    one = np.array([price]), np.zeros(1), np.ones(1)
    return Terms(*one, nothing, sp.csr_array(sp.vstack([held, held])), own, np.full(2 * count, -np.inf), high, complete)


def choose_fair(problem: Problem, coverage: Coverage, siting: Siting, *, seed: int = 0) -> Chosen:
    """The choice that is best under the study's equity, with a proven bound; the floors bind at the end of the last phase.

    Raises
    ------
    PlanError
        If a floor names no part; if it is proven that no choice keeps the floors, saying how far the worst part can be
        lifted; or if none was found.
    """
    equity = siting.equity or Equity()
    shares = Shares.of(problem, coverage, equity.by)
    _check_floors(shares, equity)
    floor = shares.floors(equity)
    until = None if siting.time_limit_s is None else time.monotonic() + _OWN * siting.time_limit_s
    search = _Fair.of(problem, shares, seed)
    starts: list[Ints | None] = [*search.along(floor, until)] if equity.weight > 0 else [search.near(floor)]
    try:
        return search.best(floor, equity.weight, starts, until=until)
    except PlanError as error:
        if error.status != "infeasible":
            raise
        none = np.zeros(len(floor))
        reachable = search.best(none, 1.0, list(search.along(none, until)), until=until)
        worst = shares.covered(reachable.phase > 0, problem.reach)
        said = f"{problem.rules.steps[-1]} new sites under these rules do not lift every {equity.by} to its floor"
        found = f"the best worst share found is {_down(float(worst.min())):.1%} ({shares.names[int(worst.argmin())]}); "
        mend = "lower the floor or ask for more sites"  # of a group nothing more: 96.6% of 29 people are all but one
        mend = mend if equity.by == "group" else found + mend
        fault = Fault(said, mend, column="siting.equity.floor")
        raise PlanError(f"no plan exists: {fault}", [fault]) from error


def alone_in_phases(problem: Problem, *, seconds: float | None = None, seed: int = 0) -> list[Chosen]:
    """The most need that each phase could cover were it the only one and nothing owed to the worst: what equity costs."""
    steps = problem.rules.steps
    plain = replace(problem, terms=None)
    each = None if seconds is None else seconds / len(steps)
    return [best_cover(single(plain, step, end=step == steps[-1]), seconds=each, seed=seed) for step in steps]


@dataclass(eq=False)
class _Fair:
    """One search: the plain problem, its parts, and the compiled arrays."""

    problem: Problem
    shares: Shares
    cover: Cover
    keep: Keep
    parts: Parts
    begin: Ints | None
    seed: int

    @classmethod
    def of(cls, problem: Problem, shares: Shares, seed: int) -> _Fair:
        plain = replace(problem, terms=None)
        cover, keep = arrays(plain)
        moves = _MOVES * max(len(problem.site_ids), 1)
        return cls(plain, shares, cover, keep, shares.arrays(), good_choice(plain, moves=moves, seed=seed), seed)

    def near(self, floor: Floats) -> Ints | None:
        """A choice with as little as possible below the floors, and much need."""
        return None if self.begin is None else self._annealed(self.begin, floor)

    def along(self, floor: Floats, until: float | None = None) -> Iterator[Ints]:
        """Choices for ever higher floors, from none to what the worst part could have at best."""
        if self.begin is None:
            return
        yield self.begin
        now, low, high = self.begin, float(shares_of(self.cover, self.parts, self.begin > 0).min()), 1.0
        for _ in range(_FLOORS):
            if is_over(until):
                return
            middle = (low + high) / 2
            now = self._annealed(now, np.maximum(floor, middle))
            yield now
            reached = float(shares_of(self.cover, self.parts, now > 0).min())
            low, high = (max(low, reached), high) if reached >= middle - _SAME else (max(low, reached), middle)

    def _annealed(self, phase: Ints, floor: Floats) -> Ints:
        need, sites = max(float(self.cover.weight.sum()), 1e-12), len(phase)
        unit = need / max(int((phase > 0).sum()), 1)
        end = anneal_fair(
            self.cover,
            np.zeros(len(self.cover.weight)),
            self.keep,
            self.parts,
            phase > 0,
            floor,
            _FINE * need,
            _MOVES * sites,
            _HOT * unit,
            _COLD * unit,
            self.seed + 1,
        )
        return _same_phases(phase, end)

    def best(
        self,
        floor: Floats,
        weight: float,
        starts: list[Ints | None],
        *,
        until: float | None = None,
        effort: float = _WORK,
    ) -> Chosen:
        """The best of the starts, improved by a tree and bounded by its relaxation."""
        problem = replace(self.problem, terms=terms_of(self.problem, self.shares, floor, weight))
        model = CoverModel.of(problem)
        begun = [model.begin(phase) for phase in starts if phase is not None and keeps_rules(problem.rules, phase > 0)]
        columns = min((x for x in begun if x is not None), key=lambda x: inner(model.model.cost, x), default=None)
        relaxed, left = relax(model.model, until=until), None if until is None else seconds_left(until)
        if relaxed is None:
            raise PlanError("no plan exists: the rules contradict each other; relax one", status="infeasible")
        if columns is None:
            return model.chosen(solve(model.model, effort=2_000, seconds=left))
        if is_over(until) and not relaxed.solved:
            first = model.chosen(Answer(columns, relaxed.bound, False))
            return sealed(problem, first.phase, min(first.bound, bound_by_price(problem, until=until)))
        work = effort if until is None else np.inf
        return model.chosen(branch_and_bound(model.model, relaxed, columns, step=model.step, work=work, seconds=left))


def _same_phases(phase: Ints, end: Bools) -> Ints:
    """The phases of those that stay; newcomers take the places of those that go, in the order of their ids."""
    placed = np.where(end, phase, 0)
    gone = np.sort(phase[(phase > 0) & ~end])
    placed[np.flatnonzero(end & (phase == 0))] = gone
    return placed


def check_parts(parts: pd.DataFrame, equity: Equity) -> None:
    """Pass if every part, counted from the times by itself, has its floor.

    Raises
    ------
    PlanError
        With everything that is wrong, ``status="error"``.
    """
    asked = pd.Series({name: equity.floors.get(str(name), equity.floor) for name in parts.index}, dtype=float)
    short = parts.index[(parts["share"] < asked - 1e-6).to_numpy()]
    faults = [
        Fault(f"{parts.loc[name, 'share']:.2%} are covered, less than {asked[name]:.2%}", row=str(name)) for name in short
    ]
    if faults:
        raise PlanError(f"the plan does not stand up to a recount: {say_faults(faults)}", faults, "error")


def part_shares(sites: pd.Index, options: Reach, coverage: Coverage, by: str, site_ids: pd.Index) -> pd.DataFrame:
    """The share of each part that is covered with `sites` out of `site_ids`, counted from the times by itself.

    Returns
    -------
    By part: ``people``, ``covered``, ``coverable`` (by the stations and all candidates), ``share`` of the coverable.
    """
    amounts = part_amounts(coverage, by)
    before = coverage["covered"].to_numpy(dtype=bool)
    covered, any_site = (before | reached_by(options, coverage, these) for these in (sites, site_ids))
    values = amounts.to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "people": values.sum(axis=0),
            "covered": values[covered].sum(axis=0),
            "coverable": values[any_site].sum(axis=0),
        },
        index=pd.Index([str(name) for name in amounts.columns], name=by),
    )
    share = table["covered"] / table["coverable"].where(table["coverable"] > 0)
    return table.assign(share=share.clip(upper=1.0))  # sums are rounded


def worst_worth(plan_sites: pd.Index, options: Reach, coverage: Coverage, siting: Siting, site_ids: pd.Index) -> float:
    """What the worst share of a plan counts in its objective, recounted from the times."""
    equity = siting.equity or Equity()
    shares = part_shares(plan_sites, options, coverage, equity.by, site_ids)["share"]
    uncovered = ~coverage["covered"].to_numpy(dtype=bool) & reached_by(options, coverage, site_ids)
    need = float(coverage["need"].to_numpy(dtype=float)[uncovered].sum())
    return _price(equity.weight, need, max(len(siting.phases), 1)) * float(shares.min()) if shares.notna().any() else 0.0


def _price(weight: float, need: float, periods: int) -> float:
    """What the whole of a share counts beside the need that can be covered at all."""
    ratio = np.inf if weight >= 1 else weight / (1 - weight)
    return float(min(ratio * periods, _WORST_FIRST) * need)


def check_plain(siting: Siting) -> None:
    """Pass if what equity costs can be said of the study's model.

    Raises
    ------
    PlanError
        If it is another than plain maximal covering; status ``refused``.
    """
    if not siting.is_plain:
        said = "what equity costs is traced for plain mclp alone, not for other methods, capacity, backup or decay"
        fault = Fault(said, 'write method = "mclp" and leave the others out', column="siting.method", value=str(siting.method))
        raise PlanError(str(fault), [fault], "refused")


def equity_curve(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    *,
    stations_per_town: dict[str, int] | None = None,
    points: int = 6,
    progress: Callable[[str, float], None] | None = None,
    seed: int = 0,
) -> EquityCurve:
    """What lifting the worst town or group costs in people covered, for the study's number of sites and its rules.

    Parameters
    ----------
    siting
        Its `equity` says whether towns (the default) or groups are compared; its floors, weight and preferred hosts are left
        out, its other rules bind. Residents are counted, not weighted need.
    points
        How many floors at most, from what the plan for most residents gives its worst part to the best worst share found;
        floors that an earlier plan keeps already are passed over.

    Returns
    -------
    `planner.schema.EQUITY`, a row a floor: the worst share then, whose it is, residents covered and a proven bound on them.
    Shares are of those who can be covered at all. ``covered_pop`` and ``bound`` never rise with the floor; the last row
    also says how high any plan could lift the worst (``most_worst_share``).
    """
    check_plain(siting)
    tell = progress or (lambda _said, _share: None)
    people_alone = replace(siting, equity=None, phases=(), prefer={})  # a host's bonus is nobody
    by = (siting.equity or Equity()).by
    asked = options, coverage, candidates, people_alone, stations_per_town
    plain = checked_problem(*asked, weigh="population", kept=has_parts(coverage, by))
    shares = Shares.of(plain, coverage, by)
    _check_floors(shares, Equity(by=shares.by))
    search, none = _Fair.of(plain, shares, seed), np.zeros(len(shares.names))
    starts: list[Ints | None] = list(search.along(none))
    whole, fairest = (search.best(none, weight, starts, effort=_EACH) for weight in (0.0, 1.0))
    starts += [whole.phase, fairest.phase]
    low, high = (float(shares.covered(one.phase > 0, plain.reach).min()) for one in (whole, fairest))
    found: list[tuple[float, Chosen]] = []
    for i, floor in enumerate(np.linspace(low, high, points if high > low + _SAME else 1)):
        if found and floor <= float(shares.covered(found[-1][1].phase > 0, plain.reach).min()) + _SAME:
            continue
        start = [*starts, search.near(np.full(len(none), floor))]
        found.append((floor, search.best(np.full(len(none), floor - _SAME), 0.0, start, effort=_EACH)))
        starts.append(found[-1][1].phase)
        tell("tracing equity", (i + 1) / points)
    price = _WORST_FIRST * float(plain.weight.sum())
    fairer = (fairest.bound - _at_least(shares, high)) / price if price else high  # nobody can be won: it stays as it is
    ceiling = min(max(fairer, high), 1.0)
    return _curve(found, shares, plain, coverage, ceiling)


def _at_least(shares: Shares, worst: float) -> float:
    """Residents that any plan with this worst share newly covers; of groups nothing is known."""
    return max(float((worst * shares.total - shares.before).sum()), 0.0) if shares.by == "town" else 0.0


def _curve(
    found: list[tuple[float, Chosen]], shares: Shares, problem: Problem, coverage: Coverage, ceiling: float
) -> EquityCurve:
    people = float(coverage["population"].sum())
    standing = float(coverage.loc[coverage["covered"].to_numpy(dtype=bool), "population"].sum())
    rows, best = [], np.inf
    for floor, chosen in found:
        each = shares.covered(chosen.phase > 0, problem.reach)
        best = min(best, chosen.bound)
        rows.append(
            {
                "floor": floor,
                "worst_share": float(each.min()),
                "worst": shares.names[int(each.argmin())],
                "covered_pop": standing + chosen.value,
                "coverage": min((standing + chosen.value) / people, 1.0) if people > 0 else 0.0,
                "bound": standing + max(best, chosen.value),
                "most_worst_share": ceiling,
                "sites": " ".join(str(name) for name in problem.site_ids[chosen.phase > 0]),
            }
        )
    table: EquityCurve = EQUITY.conform(pd.DataFrame(rows))
    return table
