"""One function a location model: from the tables to a choice of sites with its proof, in the unit of the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.decay import exponential, gaussian, gaussian_to_zero, linear
from planner.errors import Fault, PlanError
from planner.reach import Reach
from planner.schema import Candidates, Coverage
from planner.siting.arrays import Bools, Floats
from planner.siting.assign import Standing, assignment_table, best_assignment, build_rooms
from planner.siting.backup import build_backup
from planner.siting.center import Center, least_worst
from planner.siting.choose import ALL, choose_cover
from planner.siting.cover import Chosen, newly_covered, value_of
from planner.siting.equity import alone_in_phases, choose_fair, has_parts
from planner.siting.feasible import check_feasible
from planner.siting.fewest import chosen_of, fewest_sites
from planner.siting.graded import Grade, Graded, build_graded, nearest_s, standing_worth
from planner.siting.problem import Problem, Rules, allowed, build_problem, rules_for
from planner.siting.serve import choose_graded, improved_grades
from planner.siting.solver import seconds_left
from planner.study import MINUTE_S, Method, Siting

_WORST = 0.8  # of a time limit for the worst walk of a p-center; the rest finds the choice with the least walking in all


@dataclass(frozen=True, eq=False)
class Tables:
    """What a model is made from; `cutoff_s` is the longest walk that counts."""

    options: Reach
    coverage: Coverage
    candidates: Candidates
    stations_per_town: Mapping[str, int]
    cutoff_s: float
    standing: Standing | None = None


@dataclass(frozen=True, eq=False)
class Solved:
    """A choice with its proof.

    Parameters
    ----------
    site_ids
        (sites,) the candidates that `phase` of `chosen` speaks of.
    rules
        What was kept.
    chosen
        In gains: more is better.
    alone
        For each phase the best were it the only one.
    gained
        What the sites that stand (sites,) gain, in the unit of `chosen`.
    objective, bound
        What the model makes best in its own unit, and the proven bound on it.
    before
        What stands is worth in the unit of `chosen`, added up over the phases.
    measures
        Further figures of the plan, by name.
    grade
        What walks are worth, where they count by their length.
    assignment
        Who is assigned where, with capacities.
    """

    site_ids: pd.Index
    rules: Rules
    chosen: Chosen
    alone: list[Chosen]
    gained: Callable[[Bools], float]
    objective: float
    bound: float
    before: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    grade: Grade | None = None
    assignment: pd.DataFrame | None = None


def grade_of(siting: Siting, cutoff_s: float) -> Grade | None:
    """What a unit of need is worth by its walk in seconds; None where all walks within the cutoff count alike.

    For the p-median that is the seconds saved against whoever nothing reaches.

    >>> grade = grade_of(Siting(method=Method.P_MEDIAN), 900.0)
    >>> grade(np.array([0.0, 300.0, 900.0])).tolist()
    [900.0, 600.0, 0.0]
    """
    half_s = cutoff_s / 2 if siting.half_minutes is None else siting.half_minutes * MINUTE_S
    if siting.method is Method.P_MEDIAN:
        farthest = penalty_s(siting, cutoff_s)
        return lambda walk_s: np.maximum(farthest - walk_s, 0.0)
    if siting.decay is None:
        return None
    return {
        "linear": lambda walk_s: linear(walk_s, cutoff_s=cutoff_s),
        "gaussian-to-zero": lambda walk_s: gaussian_to_zero(walk_s, cutoff_s=cutoff_s),
        "gaussian": lambda walk_s: gaussian(walk_s, half_s=half_s),
        "exponential": lambda walk_s: exponential(walk_s, half_s=half_s),
    }[siting.decay]


def penalty_s(siting: Siting, cutoff_s: float) -> float:
    """The walk in seconds that counts for whoever nothing reaches."""
    return cutoff_s if siting.unreached_minutes is None else siting.unreached_minutes * MINUTE_S


def solve_model(tables: Tables, siting: Siting, *, seed: int = 0) -> Solved:
    """The best choice by the model that the study names.

    Raises
    ------
    PlanError
        If no choice keeps the rules.
    """
    _check_rules(tables, siting)
    if siting.method is Method.LSCP:
        return _fewest(tables, siting, seed)
    if siting.method is Method.P_CENTER:
        return _center(tables, siting, seed)
    if siting.capacity:
        return _assigned(tables, siting, seed)
    if siting.backup:
        return _backed_up(tables, siting, seed)
    grade = grade_of(siting, tables.cutoff_s)
    return _covered(tables, siting, seed) if grade is None else _graded(tables, siting, grade, seed)


def _check_rules(tables: Tables, siting: Siting) -> None:
    """Pass unless the rules cannot be met, whatever the model makes best; the fewest sites may be all of them."""
    fewest = siting.method is Method.LSCP
    rules = rules_for(tables.coverage, tables.candidates, _free(tables, siting) if fewest else siting, tables.stations_per_town)
    check_feasible(replace(rules, at_most=rules.at_most or fewest), siting, allowed(tables.candidates, siting).index)


def _free(tables: Tables, siting: Siting) -> Siting:
    """The study with as many sites as there are candidates."""
    return replace(siting, sites=max(len(tables.candidates), 1))


def _problem(tables: Tables, siting: Siting, kept: pd.Series | None = None) -> Problem:
    return build_problem(tables.options, tables.coverage, tables.candidates, siting, tables.stations_per_town, kept=kept)


def _covered(tables: Tables, siting: Siting, seed: int) -> Solved:
    """Maximal covering (Church and ReVelle 1974), over all phases together."""
    kept = None if siting.equity is None else has_parts(tables.coverage, siting.equity.by)
    problem = _problem(tables, siting, kept)
    if siting.equity is None:
        chosen, alone = choose_cover(problem, seconds=siting.time_limit_s, seed=seed)
    else:
        until = None if siting.time_limit_s is None else time.monotonic() + siting.time_limit_s
        chosen = choose_fair(problem, tables.coverage, siting, seed=seed)
        left = None if until is None else seconds_left(until)
        alone = alone_in_phases(problem, seconds=left, seed=seed)
    before = float(tables.coverage.loc[tables.coverage["covered"].to_numpy(dtype=bool), "need"].sum())
    base = len(problem.rules.steps) * before

    def gained(stands: Bools) -> float:
        return newly_covered(problem, stands)

    return Solved(problem.site_ids, problem.rules, chosen, alone, gained, base + chosen.value, base + chosen.bound, base)


def _graded(tables: Tables, siting: Siting, grade: Grade, seed: int) -> Solved:
    """The p-median (Hakimi 1964), or covering by decay (Church and Roberts 1983), over all phases together."""
    scaled = replace(siting, prefer={host: bonus * _unit(siting) for host, bonus in siting.prefer.items()})
    graded = build_graded(tables.options, tables.coverage, tables.candidates, scaled, grade, tables.stations_per_town)
    chosen, alone = choose_graded(graded, seconds=siting.time_limit_s, seed=seed)
    has = float(standing_worth(tables.coverage, grade).sum())
    need = float(tables.coverage["need"].sum())
    end = has + graded.value(chosen.phase > 0) - float(graded.rules.bonus[chosen.phase > 0].sum())
    periods = len(graded.rules.steps)
    if siting.method is Method.P_MEDIAN:
        worst, unit = need * penalty_s(siting, tables.cutoff_s), _unit(siting)
        objective = [(periods * (worst - has) - value) / unit for value in (chosen.value, chosen.bound)]
        figures = {"mean_walk_min_before": worst - has, "mean_walk_min_after": worst - end}
        measures = {name: value / need / MINUTE_S if need else 0.0 for name, value in figures.items()}
    else:
        objective = [periods * has + value for value in (chosen.value, chosen.bound)]
        measures = {"need_decayed_before": has, "need_decayed_after": end}
    two = objective[0], objective[1]
    return Solved(graded.site_ids, graded.rules, chosen, alone, graded.value, *two, periods * has, measures, grade)


def _unit(siting: Siting) -> float:
    """The p-median is searched in seconds and said in minutes."""
    return MINUTE_S if siting.method is Method.P_MEDIAN else 1.0


def _backed_up(tables: Tables, siting: Siting, seed: int) -> Solved:
    """Backup coverage (Hogan and ReVelle 1986)."""
    problem = build_backup(tables.options, tables.coverage, tables.candidates, siting, tables.stations_per_town)
    chosen, alone = choose_cover(problem, seconds=siting.time_limit_s, seed=seed)
    need = tables.coverage["need"].to_numpy(dtype=float)
    times = tables.coverage["stations_in_reach"].to_numpy()
    stands = pd.Index(problem.site_ids[chosen.phase > 0])
    after = times + _times(tables, stands)
    twice = [float(need[count >= 2].sum()) for count in (times, after)]
    reached = problem.terms.cost.sum() if problem.terms is not None else 0.0
    base = float(need[times >= 1].sum()) + siting.backup * twice[0] + float(reached)
    measures = {"need_backed_up_before": twice[0], "need_backed_up_after": twice[1]}

    def gained(which: Bools) -> float:
        return value_of(problem, which.astype(np.int64))

    two = base + chosen.value, base + chosen.bound
    return Solved(problem.site_ids, problem.rules, chosen, alone, gained, *two, base, measures)


def _times(tables: Tables, sites: pd.Index) -> Floats:
    """How many of these sites each row of the coverage table reaches."""
    rows = tables.options.facility_ids.get_indexer(sites)
    kept = tables.options.walk_s[rows[rows >= 0]]
    counts = np.bincount(kept.indices, minlength=len(tables.options.demand_ids))
    return pd.Series(counts, tables.options.demand_ids).reindex(tables.coverage.index, fill_value=0).to_numpy()


def _assigned(tables: Tables, siting: Siting, seed: int) -> Solved:
    """Covering with capacities (Current and Storbeck 1988)."""
    standing = tables.standing
    rooms = build_rooms(tables.options, tables.coverage, tables.candidates, siting, tables.stations_per_town, standing)
    chosen, people = best_assignment(rooms, seconds=siting.time_limit_s, seed=seed)
    bonus = float(rooms.rules.bonus[chosen.phase > 0].sum())
    assignment = assignment_table(rooms, tables.coverage, people)
    measures = {"need_served_after": chosen.value - bonus, "assigned_pop": float(people.sum())}

    def gained(_stands: Bools) -> float:
        return chosen.value

    two = chosen.value, chosen.bound
    return Solved(rooms.site_ids, rooms.rules, chosen, [chosen], gained, *two, measures=measures, assignment=assignment)


def _fewest(tables: Tables, siting: Siting, seed: int) -> Solved:
    """The location set covering problem (Toregas et al. 1971), for a share of what can be covered."""
    free = replace(_free(tables, siting), prefer={})
    problem = _problem(tables, free)
    problem = replace(problem, rules=replace(problem.rules, at_most=True))
    target, covered = _target(tables, siting, problem)
    hosts = _problem(tables, replace(free, prefer=siting.prefer)).rules.bonus
    problem = replace(problem, rules=replace(problem.rules, bonus=hosts))
    found = fewest_sites(problem, target, seconds=siting.time_limit_s, seed=seed)
    chosen = chosen_of(found)
    most = covered + float(problem.weight.sum())
    share = (covered + newly_covered(problem, found.chosen)) / most if most else 1.0

    def gained(stands: Bools) -> float:
        return -float(stands.sum())

    rules = replace(problem.rules, steps=(int(found.chosen.sum()),))
    measures = {"share_asked": siting.share, "share_reached": share}
    return Solved(problem.site_ids, rules, chosen, [chosen], gained, -chosen.value, float(found.least), 0.0, measures)


def _target(tables: Tables, siting: Siting, problem: Problem) -> tuple[float, float]:
    """The weight that must newly be covered to reach the share, and what is covered already."""
    covered = float(tables.coverage.loc[tables.coverage["covered"].to_numpy(dtype=bool), "need"].sum())
    total = float(problem.weight.sum())
    return (total if siting.share == 1 else max(siting.share * (covered + total) - covered, 0.0)), covered


def _center(tables: Tables, siting: Siting, seed: int) -> Solved:
    """The p-center (Hakimi 1964), for a share of what can be covered."""
    problem = _problem(tables, siting)
    until = None if siting.time_limit_s is None else time.monotonic() + siting.time_limit_s
    people = _Walks.of(tables, siting)
    search = None if until is None else _WORST * seconds_left(until)
    found = least_worst(people.radii, people.at_radius, floor=people.floor_s, seconds=search, seed=seed)
    if found is None:
        raise PlanError(f"no plan exists: {(fault := _too_few(tables, siting, seed))}", [fault])
    stands = _least_walking(tables, siting, people, found, until, seed)
    worst_s = people.worst_s(stands)  # may be less than what was asked of it
    least_s = min(found.least_s, worst_s)
    chosen = Chosen(stands.astype(np.int64), -worst_s, -least_s)
    measures = {"share_asked": siting.share, "worst_walk_min_after": worst_s / MINUTE_S}

    def gained(_stands: Bools) -> float:
        return -worst_s

    objective = worst_s / MINUTE_S, least_s / MINUTE_S
    return Solved(problem.site_ids, problem.rules, chosen, [chosen], gained, *objective, 0.0, measures)


def _least_walking(tables: Tables, siting: Siting, people: _Walks, found: Center, until: float | None, seed: int) -> Bools:
    """Of choices with no longer a worst walk the one with the least walking in all that a search finds; no proof is sought.

    Walks that are saved count beside so much for everybody served within the worst walk that no saving makes up for one.
    """
    problem, target = people.at_radius(found.worst_s)
    graded, sites = _median_of(tables, siting), max(int(found.chosen.sum()), 1)
    most = float(graded.worth.sum(axis=1).max()) * sites if graded.worth.nnz else 0.0
    if most <= 0 or not len(problem.weight):
        return found.chosen
    within = problem.reach.astype(np.float64).multiply(problem.weight[None, :] * (most / problem.weight.min()))
    both = replace(graded, worth=sp.csr_array(sp.hstack([graded.worth, within])), rules=problem.rules)
    unit = max(graded.value(found.chosen) / sites, 1e-12)
    left = None if until is None else seconds_left(until)
    other = improved_grades(both, found.chosen, unit, seconds=left, seed=seed)
    less = graded.value(other) > graded.value(found.chosen)
    return other if less and newly_covered(problem, other) >= target * (1 - ALL) else found.chosen


def _median_of(tables: Tables, siting: Siting) -> Graded:
    """Need times seconds of walking saved, as the p-median counts them."""
    grade = grade_of(replace(siting, method=Method.P_MEDIAN, share=1.0), tables.cutoff_s)
    if grade is None:
        raise ValueError("the p-median always has a grade")
    return build_graded(tables.options, tables.coverage, tables.candidates, siting, grade, tables.stations_per_town)


def _too_few(tables: Tables, siting: Siting, seed: int) -> Fault:
    """Why so many sites do not bring everybody within the cutoff, and how many would."""
    said = f"{siting.sites} sites cannot bring {siting.share:.0%} of those within reach of a candidate within the cutoff"
    try:
        needed = f"raise siting.sites to {len(_only_fewest(tables, siting, seed))} or lower siting.share"
    except PlanError:
        needed = "lower siting.share or relax the other rules"
    return Fault(said, needed, column="siting.sites", value=str(siting.sites))


def _only_fewest(tables: Tables, siting: Siting, seed: int) -> pd.Index:
    solved = _fewest(tables, replace(siting, method=Method.LSCP), seed)
    return solved.site_ids[solved.chosen.phase > 0]


@dataclass(frozen=True, eq=False)
class _Walks:
    """The walks that can be the worst, and what covering within one of them asks for."""

    tables: Tables
    siting: Siting
    radii: Floats
    floor_s: float
    target: float

    @classmethod
    def of(cls, tables: Tables, siting: Siting) -> _Walks:
        coverage = tables.coverage
        standing = nearest_s(coverage)
        counts = coverage["need"].to_numpy(dtype=float) > 0
        options = tables.options.walk_s
        radii = np.unique(np.concatenate([options.data.astype(np.float64), standing[counts & np.isfinite(standing)], [0.0]]))
        nearest = _nearest_of(tables, allowed(tables.candidates, siting).index)
        nearest = np.minimum(nearest, standing)[counts]
        within = nearest[np.isfinite(nearest)]
        floor = float(within.max()) if siting.share == 1 and len(within) else 0.0
        weight = _even(coverage, siting)["need"].to_numpy(dtype=float)[counts]
        reached = float(weight[np.isfinite(nearest)].sum())
        return cls(tables, siting, radii, floor, reached if siting.share == 1 else siting.share * reached)

    def worst_s(self, stands: Bools) -> float:
        """The seconds within which these sites and the stations serve what is asked for."""
        coverage = _even(self.tables.coverage, self.siting)
        sites = allowed(self.tables.candidates, self.siting).index[stands]
        walk_s = np.minimum(_nearest_of(self.tables, sites), nearest_s(coverage))
        order = np.argsort(walk_s, kind="stable")
        served = np.cumsum(coverage["need"].to_numpy(dtype=float)[order])
        return float(walk_s[order][np.searchsorted(served, self.target * (1 - ALL))]) if self.target > 0 else 0.0

    def at_radius(self, radius_s: float) -> tuple[Problem, float]:
        """Who each candidate reaches within so many seconds, and how much of that must be covered."""
        options, coverage = self.tables.options, _even(self.tables.coverage, self.siting)
        near = options.walk_s.copy()
        kept = near.data <= radius_s
        starts = np.concatenate([[0], np.cumsum(kept)])[near.indptr]
        near = type(near)((near.data[kept], near.indices[kept], starts), shape=near.shape)
        stands = nearest_s(coverage) <= radius_s
        narrowed = replace(self.tables, options=replace(options, walk_s=near))
        problem = _problem(replace(narrowed, coverage=Coverage(coverage.assign(covered=stands))), self.siting)
        return problem, max(self.target - float(coverage.loc[stands, "need"].sum()), 0.0)


def _even(coverage: Coverage, siting: Siting) -> Coverage:
    """Where everybody is asked for, each cell counts one: their numbers do not matter."""
    need = coverage["need"].to_numpy(dtype=float)
    return Coverage(coverage.assign(need=(need > 0).astype(float))) if siting.share == 1 else coverage


def _nearest_of(tables: Tables, sites: pd.Index) -> Floats:
    """Seconds from each row of the coverage table to the nearest of these candidates; infinite where there is none."""
    rows = tables.options.facility_ids.get_indexer(sites)
    times = tables.options.walk_s[rows[rows >= 0]]
    nearest = np.full(len(tables.options.demand_ids), np.inf)
    np.minimum.at(nearest, times.indices, times.data)
    found: Floats = pd.Series(nearest, tables.options.demand_ids).reindex(tables.coverage.index).fillna(np.inf).to_numpy()
    return found
