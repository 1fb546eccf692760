"""How many people any number of stations could cover, with a proven bound at each number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heapreplace

import numpy as np
import pandas as pd

from planner.errors import PlanError
from planner.reach import Reach
from planner.schema import FRONTIER, NEEDED, Candidates, Coverage, Frontier, Needed
from planner.siting.arrays import Bools, Floats
from planner.siting.choose import LARGE, moves_for
from planner.siting.cover import Chosen, CoverModel, newly_covered
from planner.siting.dual import Curve
from planner.siting.feasible import check_asked
from planner.siting.problem import Problem, build_problem, without_rules
from planner.siting.search import cover_arrays, improved, no_rules
from planner.siting.solver import Answer, Lp
from planner.siting.tree import branch_and_bound
from planner.study import Siting

_MOVES, _MOVES_EACH = 20_000, 100  # most swaps tried at each number of stations; for each candidate
_WORK, _WORK_IN_ALL = 1e7, 3e8  # at each number of stations, half a second; for the curve; see `branch_and_bound`
_FEW = 10  # up to so many sites the best plan is always proven
_CLOSE = 1e-3  # a bound this close, relatively, is close enough for a curve
SHARES = (0.8, 0.9, 0.95, 1.0)  # how many stations these need is proven
_ALL = 1e-12  # so close to all of it is all of it
_STEPS, _ROUNDS = 16, 4  # numbers of sites at which large curves are searched and priced; rounds of the pricing at each
_EFFORT = 1e8  # entries looked at in the swaps at each of them


def frontier(
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting | None = None,
    *,
    existing: int = 0,
    most: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Frontier:
    """People covered against the number of stations, from those that stand up to all that can be covered.

    Parameters
    ----------
    options, coverage, candidates
        As for `propose_sites`. People are counted here, not weighted need.
    siting
        Its ``forbidden`` candidates are left out; its other rules do not bind, though the candidates they name must exist.
    existing
        How many stations stand now; the first row.
    most
        Most new sites to look at; by default as many as it takes to cover all that candidates can cover.
    progress
        Told what is being done and the share done.

    Returns
    -------
    `planner.schema.FRONTIER`, a row for each number of stations. Neither `covered_pop` nor `bound` ever falls, and
    ``covered_pop <= bound``; where they are equal the number is proven. That is sought for the first ten new sites, where
    80, 90, 95 or 100 % of residents are reached, and wherever the two lie more than a thousandth apart. Above `LARGE` pairs
    of candidates and cells both come from fewer looks (0.5 % apart, at most 4 %), and the numbers in between grow site by site.
    """
    tell = progress or (lambda _said, _share: None)
    check_asked(candidates, siting or Siting())
    people_alone = replace(siting or Siting(), prefer={})  # a host's bonus is nobody
    problem = build_problem(options, coverage, candidates, people_alone, weigh="population")
    people = coverage["population"].to_numpy(dtype=float)
    standing = float(people[coverage["covered"].to_numpy(dtype=bool)].sum())
    all_of_it = float(problem.weight.sum())
    values, bounds = [0.0], [0.0]
    limit = len(problem.site_ids) if most is None else most
    for value, bound in _points(problem, limit, standing, float(people.sum())):
        values.append(max(value, values[-1]))
        bounds.append(min(max(bound, bounds[-1], values[-1]), all_of_it))
        tell("tracing the frontier", min(values[-1] / all_of_it, 1.0))
    return _table(standing + np.array(values), standing + np.array(bounds), existing, float(people.sum()))


def sites_needed(curve: Frontier, share: float) -> int | None:
    """The fewest stations with which the curve reaches a share of all residents; None if it never does.

    Examples
    --------
    >>> curve = FRONTIER.conform(pd.DataFrame({"stations": [2, 3], "covered_pop": [40.0, 90.0],
    ...     "coverage": [0.4, 0.9], "bound": [40.0, 90.0]}))
    >>> sites_needed(curve, 0.9), sites_needed(curve, 0.95)
    (3, None)
    """
    if not 0 <= share <= 1:
        raise PlanError(f"a share of residents lies between 0 and 1, not {share}; write 0.9 for 90 %", status="error")
    enough = curve.index[(curve["coverage"] >= share - 1e-12).to_numpy()]
    return int(enough[0]) if len(enough) else None


OUT_OF_REACH = "out of reach of all candidates together"
NOT_FOUND = "no plan was found within the bounded work"


def needed(curve: Frontier, shares: Sequence[float] = SHARES) -> Needed:
    """How many stations these shares of residents need, and the knee, as a table to report.

    Returns
    -------
    `planner.schema.NEEDED`, a row a share: the fewest stations of the curve that reach it (empty where all candidates
    together do not), how many of them are new, and the number below which it is proven impossible; ``proven`` where the
    two agree, or that it cannot be reached at all. ``most`` is the share that no choice of candidates can exceed, ``finding``
    says why there is no number.

    Examples
    --------
    >>> curve = FRONTIER.conform(pd.DataFrame({"stations": [2, 3], "covered_pop": [40.0, 90.0],
    ...     "coverage": [0.4, 0.9], "bound": [40.0, 90.0]}))
    >>> needed(curve, (0.9, 1.0))[["stations", "new_sites", "proven"]].fillna(-1).to_dict("list")
    {'stations': [3, -1], 'new_sites': [1, -1], 'proven': [True, True]}
    """
    flat = curve.reset_index()
    covered, bound = flat["covered_pop"].to_numpy(dtype=float), flat["bound"].to_numpy(dtype=float)
    people, first = _people_of(flat), int(flat["stations"].iloc[0])
    rows = []
    for share in shares:
        asked = share * people * (1 - _ALL) if people > 0 else np.inf  # of a curve that covers nobody: no share of anybody
        reached, possible = np.flatnonzero(covered >= asked), np.flatnonzero(bound >= asked if people > 0 else bound > 0)
        row = flat.iloc[int(reached[0])] if len(reached) else None
        least = None if not len(possible) else first + int(possible[0])
        rows.append(
            {
                "share": share,
                "stations": None if row is None else int(row["stations"]),
                "new_sites": None if row is None else int(row["stations"]) - first,
                "at_least": least,
                "coverage": None if row is None else float(row["coverage"]),
                "covered_pop": None if row is None else float(row["covered_pop"]),
                "most": min(float(bound.max()) / people, 1.0) if people > 0 else None if bound.any() else 0.0,
                "finding": None if row is not None else OUT_OF_REACH if least is None else NOT_FOUND,
                "proven": least is None or (row is not None and least == int(row["stations"])),
            }
        )
    table: Needed = NEEDED.conform(pd.DataFrame(rows))
    return table


def _people_of(flat: pd.DataFrame) -> float:
    """All residents, as the curve's own shares say."""
    last = flat.iloc[-1]
    return float(last["covered_pop"] / last["coverage"]) if last["coverage"] > 0 else 0.0


def knee(curve: Frontier) -> int | None:
    """The number of stations after which each further one adds clearly less; None where the curve has no bend.

    Notes
    -----
    The point farthest above the straight line from the first to the last (Satopää et al. 2011, "Kneedle").

    Examples
    --------
    >>> knee(FRONTIER.conform(pd.DataFrame({"stations": [0, 1, 2, 3], "covered_pop": [0.0, 60.0, 80.0, 90.0],
    ...     "coverage": [0.0, 0.6, 0.8, 0.9], "bound": [0.0, 60.0, 80.0, 90.0]})))
    1
    """
    stations, share = curve.index.to_numpy(dtype=float), curve["coverage"].to_numpy(dtype=float)
    if len(curve) < 3 or share[-1] <= share[0]:
        return None
    above = (share - share[0]) / (share[-1] - share[0]) - (stations - stations[0]) / (stations[-1] - stations[0])
    return int(stations[int(np.argmax(above))]) if above.max() > _ALL else None


@dataclass
class _Climb:
    """What the counts share: the model, its warm relaxation, and the work that is left.

    `reached` and `people` are those covered already and all.
    """

    model: CoverModel
    lp: Lp
    reached: float
    people: float
    work: float = _WORK_IN_ALL

    def best(self, start: Bools) -> Chosen:
        """The best choice of as many sites as `start` has, proven where that matters and can be had."""
        count, columns = int(start.sum()), self.model.columns(start.astype(np.int64))
        relaxed = self.lp.hold(self.lp.model.rows.shape[0] - 1, float(count))
        if relaxed is None:
            raise PlanError(f"the solver finds no way to choose {count} sites; please report it", status="error")
        best = self.model.chosen(Answer(columns, relaxed.bound, False))
        if self.work <= 0 or (count > _FEW and self._clear(best)):
            return best
        work = min(_WORK, self.work)
        answer = branch_and_bound(self.lp.model, relaxed, columns, step=self.model.step, work=work)
        self.work -= answer.work
        return self.model.chosen(answer)

    def _clear(self, best: Chosen) -> bool:
        """Whether the bound is close, and it is plain which of the shares that are asked for are reached."""
        if best.bound - best.value > _CLOSE * (self.reached + best.value):
            return False
        least, most = (self.reached + best.value) / self.people, (self.reached + best.bound) / self.people
        return not any(least < share * (1 - _ALL) and share <= most for share in SHARES)


def _points(problem: Problem, most: int, reached: float, people: float) -> Iterator[tuple[float, float]]:
    """The most that one, two, three … sites cover, with a bound each, until all is covered."""
    total, sites = float(problem.weight.sum()), len(problem.site_ids)
    if not total:
        return
    if problem.reach.nnz > LARGE:
        yield from _points_by_price(problem, min(most, sites))
        return
    cover, keep = cover_arrays(problem.reach, problem.weight), no_rules(sites)
    model = CoverModel.of(replace(problem, rules=without_rules(problem.rules, 1)))
    climb = _Climb(model, Lp(model.model), reached, people)
    chosen = np.zeros(sites, dtype=np.bool_)
    for count in range(1, min(most, sites) + 1):
        best = climb.best(improved(cover, keep, chosen, count, moves=min(_MOVES, _MOVES_EACH * sites)))
        chosen = best.phase > 0
        yield best.value, best.bound
        if best.value >= total * (1 - _ALL):
            return


def _points_by_price(problem: Problem, most: int) -> Iterator[tuple[float, float]]:
    """As `_points`, where the relaxation is too large: swaps and prices at some numbers of sites, and one by one in between."""
    cover, keep, curve = cover_arrays(problem.reach, problem.weight), no_rules(len(problem.site_ids)), Curve(problem)
    none = np.zeros(len(problem.site_ids), dtype=np.bool_)
    grown = list(_grown(problem, none, most))
    if not grown:
        return
    steps = np.unique(np.geomspace(1, len(grown), _STEPS).round().astype(np.int64)).tolist()
    values = np.cumsum(grown)
    moves = moves_for(problem, _MOVES_EACH, effort=_EFFORT)
    for step, stop in zip(steps, [*steps[1:], len(grown) + 1], strict=True):
        curve.tighten(without_rules(problem.rules, step), _ROUNDS)
        chosen = improved(cover, keep, none, step, moves=moves)
        better = newly_covered(problem, chosen) + np.cumsum([0.0, *_grown(problem, chosen, stop - 1 - step)])
        values[step - 1 : step - 1 + len(better)] = np.maximum(values[step - 1 : step - 1 + len(better)], better)
    yield from zip(values.tolist(), curve.bounds[1 : len(values) + 1].tolist(), strict=True)


def _grown(problem: Problem, chosen: Bools, most: int) -> Iterator[float]:
    """What each next site adds that adds most, up to so many or until none adds anything.

    Gains only fall, so a site whose old gain leads is looked at anew, and is the best if it still leads (Minoux 1978).
    """
    reach, left = problem.reach, problem.weight.copy()
    left[reach[np.flatnonzero(chosen)].indices] = 0.0
    gains: Floats = reach.astype(np.float64) @ left
    queue: list[tuple[float, int]] = [
        (-gain, site) for site, gain in enumerate(gains.tolist()) if gain > 0 and not chosen[site]
    ]
    heapify(queue)
    while queue and most > 0:
        old, site = queue[0]
        cells = reach.indices[reach.indptr[site] : reach.indptr[site + 1]]
        gain = float(left[cells].sum())
        if gain < -old * (1 - _ALL):
            heapreplace(queue, (-gain, site))
        else:
            heappop(queue)
            if gain > 0:
                left[cells] = 0.0
                most -= 1
                yield gain


def _table(covered: np.ndarray, bound: np.ndarray, existing: int, total: float) -> Frontier:
    share = np.clip(covered / total, 0.0, 1.0) if total > 0 else np.zeros(len(covered))
    stations = existing + np.arange(len(covered))
    columns = {"stations": stations, "covered_pop": covered, "coverage": share, "bound": bound}
    table: Frontier = FRONTIER.conform(pd.DataFrame(columns))
    return table
