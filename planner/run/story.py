"""The whole story on one page: `run_study(study)` reads, measures, scores and proposes."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from planner.access import access_by_town, shares_of_cutoff, two_step_access
from planner.coverage import measure_coverage
from planner.decay import Decay
from planner.errors import MachineNote, PlannerWarning, StudyError
from planner.isochrones import isochrone_bands, reached_area
from planner.privacy import publish_equity
from planner.reach import Reach
from planner.run.cuts import Measured
from planner.run.measures import measure_all
from planner.run.outputs import hash_inputs
from planner.run.results import Conformity, Progress, Proposal, Run, Steps, Survey
from planner.run.standing import read_counted
from planner.run.summary import standards_said, summary_of
from planner.run.walks import Walks
from planner.run.why import explain_plan
from planner.schema import (
    Candidates,
    Demand,
    EquityCurve,
    GroupScores,
    Isochrones,
    Scores,
    Stations,
    TownAccess,
    TownScores,
)
from planner.score import score_groups, score_stations, score_towns
from planner.siting import Standing, check_method, check_plain, equity_curve, frontier, propose_sites
from planner.sources.files import read_area, read_areas, read_candidates
from planner.sources.files.fetchable import check_fetched
from planner.sources.hosts import warn_of_candidates
from planner.sources.osm import read_network
from planner.sources.packs import read_policy
from planner.sources.population import read_demand
from planner.standards import check_tiers, measure_standards, reach_functions
from planner.study import Equity, Study, Walk


def survey_study(study: Study, *, measured: Measured | None = None, progress: Progress | None = None) -> Survey:
    """Read the place and measure who reaches which of the stations that stand at the study's date.

    What was `measured` in parts before (`planner.run.cuts`) is not measured again.

    Raises
    ------
    StudyError, TableError, SourceError
        What is wrong with the study, its tables or its files; each with all faults at once.
    """
    steps = Steps(progress)
    check_fetched(study)
    with noted() as notes:
        with steps.step("reading tables"):
            towns = read_area(study)
            areas = read_areas(study, towns)
            all_stations, as_of, stations = read_counted(study, towns)
        with steps.step("reading the street network") as inner:
            network = read_network(study, towns=towns, progress=inner)
        with steps.step("reading residents") as inner:
            demand = read_demand(study, towns, areas=areas, progress=inner)
        with steps.step("measuring walking times") as inner:
            walks = Walks(network, demand, study.scenario.walk)
            reach = measured.reach if measured else walks.to(stations, progress=inner)
            coverage = measure_coverage(reach, demand)
        _warn_of_unlinked(reach, demand, stations, study.scenario.walk.max_link_m)
        _warn_of_small_counts(study)
        islands = walks.islands()
        if apart := islands.said(demand["population"].to_numpy()):
            warnings.warn(apart, PlannerWarning, stacklevel=2)
    found = towns, network, all_stations, stations, demand, reach, coverage
    return Survey(study, as_of, *found, steps, areas, tuple(notes), islands)


@contextmanager
def noted() -> Iterator[list[str]]:
    """What the body warns of that is lawful but surprising, each sentence once; at its end all is still warned about.

    What is of the machine (a `MachineNote`) is no note of the study, and said at once.
    """
    notes: list[str] = []
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", PlannerWarning)
            show = warnings.showwarning

            def hear(message: Warning | str, kind: type[Warning], file: str, line: int, *to: Any) -> None:
                if issubclass(kind, MachineNote):
                    show(message, kind, file, line, *to)
                else:
                    caught.append(warnings.WarningMessage(message, kind, file, line))

            warnings.showwarning = hear  # type: ignore[assignment]
            yield notes
    finally:
        notes += dict.fromkeys(str(each.message) for each in caught if issubclass(each.category, PlannerWarning))
        for each in caught:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def _warn_of_small_counts(study: Study) -> None:
    """Say that a study suppresses nothing, where it has key groups of people."""
    minimum = study.privacy.minimum_count
    if minimum <= 1 and any(group.is_private for group in study.scenario.groups):
        said = f"privacy.minimum_count = {minimum}: no count of a key group is suppressed, however few people it is of"
        warnings.warn(f"{said}; publish nothing of this", PlannerWarning, stacklevel=3)


def _warn_of_unlinked(reach: Reach, demand: Demand, stations: Stations, max_link_m: float) -> None:
    """Say who is too far from any street to be measured: kept, counted, never covered."""
    far = demand.loc[reach.unlinked_demand, "population"].sum()
    if far:
        share = far / demand["population"].sum()
        said = f"{far:,.0f} residents ({share:.1%}) live farther than walk.max_link_m = {max_link_m:g} m from any street"
        warnings.warn(f"{said}; they are counted as not covered", PlannerWarning, stacklevel=3)
    for key in reach.unlinked_facilities:
        said = f"station {key} ({stations.loc[key, 'name']}) is farther than walk.max_link_m = {max_link_m:g} m from any street"
        warnings.warn(f"{said}; nobody can walk there: check its place", PlannerWarning, stacklevel=3)


def score_survey(survey: Survey, isochrones: Isochrones | None = None) -> tuple[Scores, TownScores, GroupScores]:
    """Score stations, towns and groups; with outlines, the share of area covered too."""
    return _score(survey, None if isochrones is None else reach_of_residents(survey, isochrones))


def reach_of_residents(survey: Survey, isochrones: Isochrones) -> BaseGeometry:
    """All ground within the cutoff of a station; where towns have a walk of their own, each town's by that of its residents."""
    walk, towns = survey.study.scenario.walk, survey.towns
    if not walk.towns:
        return reached_area(isochrones, walk.minutes)
    parts = []
    for own in {repr(each): each for each in (walk.for_town(str(town)) for town in towns.index)}.values():
        ground = shapely.union_all(towns.geometry.to_numpy()[[walk.for_town(str(town)) == own for town in towns.index]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlannerWarning)  # said when the outlines that are drawn were
            bands = sorted({*map(float, isochrones.index.unique("minutes")), own.minutes})  # as fine as those that are drawn
            outlines = isochrone_bands(survey.network, survey.stations, own, minutes=bands)
        parts.append(shapely.intersection(ground, reached_area(outlines, own.minutes)))
    return shapely.union_all(parts)


def _score(survey: Survey, reached: BaseGeometry | None) -> tuple[Scores, TownScores, GroupScores]:
    groups, siting = survey.study.scenario.groups, survey.study.scenario.siting
    target = read_policy(survey.study).town_minimum(survey.as_of) or siting.per_town_min or None
    with survey.steps.step("scoring"):
        stations = score_stations(survey.reach, survey.demand, survey.stations, read_policy(survey.study))
        towns = score_towns(survey.coverage, survey.towns, survey.stations, groups, reached=reached, target=target)
        return stations, towns, score_groups(survey.coverage, groups)


def check_standards(survey: Survey) -> Conformity:
    """Measure the standing stations against the standards of the study's policy pack.

    Key groups are not counted by function: sums so near each other would give small counts away.
    """
    policy, stations = read_policy(survey.study), survey.stations
    with survey.steps.step("checking standards"):
        standards = measure_standards(policy, stations, survey.as_of)
        functions = reach_functions(policy, survey.reach, survey.demand, stations)
        inside = Stations(stations.loc[survey.own_stations])
        return Conformity(standards, check_tiers(policy, inside), functions)


def measure_access(survey: Survey, decay: Decay | None = None) -> TownAccess:
    """Say how much of the stations' capacity residents can walk to, and how evenly, by town: 2SFCA at the study's cutoff.

    With a `decay` of walks, given as shares of the walker's own cutoff, it is E2SFCA.

    Raises
    ------
    TableError
        If a standing station says no capacity.
    """
    capacity = survey.stations.get("capacity", pd.Series(dtype="float64"))
    with survey.steps.step("measuring access"):
        walks = survey.reach if decay is None else shares_of_cutoff(survey.reach, survey.demand, survey.study.scenario.walk)
        supply = two_step_access(walks, survey.demand, capacity, decay=decay)
        return access_by_town(survey.demand, supply, survey.stations, survey.towns)


def draw_isochrones(survey: Survey, minutes: tuple[float, ...] | None = None) -> Isochrones:
    """The outlines of every standing station at the study's bands (or at `minutes`) and always at the cutoff."""
    walk = survey.study.scenario.walk
    bands = tuple(sorted({*(minutes or walk.bands), *(() if minutes else (walk.minutes,))}))
    with survey.steps.step("drawing outlines") as inner:
        return isochrone_bands(survey.network, survey.stations, dataclasses.replace(walk, bands=bands), progress=inner)


def propose(survey: Survey, *, with_plan: bool = True, with_frontier: bool = True, options: Reach | None = None) -> Proposal:
    """Choose new sites among the study's host premises (what stands stays) and trace what any number could cover.

    `options` are the walks to the candidates, where they were measured before.

    Raises
    ------
    StudyError
        If the study names no candidates.
    PlanError
        If no plan can meet what is asked.
    """
    if not survey.study.candidates:
        raise StudyError(f"{survey.study.name}: no [[candidates]] are named; add a block with file = or osm = to study.toml")
    check_method(survey.study.scenario.siting)
    return _propose_among(_candidates_of(survey), survey, with_plan, with_frontier, options)


def _candidates_of(survey: Survey) -> Candidates:
    with survey.steps.step("measuring walks to candidates"):
        return Candidates(read_candidates(survey.study, towns=survey.towns).sort_index())


def _propose_if_any(survey: Survey, options: Reach | None) -> Proposal | None:
    """The proposal; a run without any candidate is scored and drawn, and says that nothing is proposed."""
    if not survey.study.candidates:
        return None
    candidates = _candidates_of(survey)
    if not len(candidates):
        named = ", ".join(block.shown for block in survey.study.candidates)
        said = f"there is no candidate in {named}, so nothing is proposed; add host premises"
        warnings.warn(said, PlannerWarning, stacklevel=3)
        return None
    check_method(survey.study.scenario.siting)
    return _propose_among(candidates, survey, True, True, options)


def _propose_among(
    candidates: Candidates, survey: Survey, with_plan: bool, with_frontier: bool, options: Reach | None
) -> Proposal:
    study = survey.study
    if options is None:
        with survey.steps.step("measuring walks to candidates") as inner:
            options = Walks(survey.network, survey.demand, study.scenario.walk).to(candidates, progress=inner)
    warn_of_candidates(survey.network, candidates, options, survey.study.scenario, survey.islands)
    standing = standing_per_town(survey)
    plan = None
    if with_plan:
        with survey.steps.step("choosing sites") as inner:
            plan = propose_sites(
                options,
                survey.coverage,
                candidates,
                study.scenario.siting,
                stations_per_town=standing,
                standing=_standing(survey),
                cutoff_s=_longest_s(study.scenario.walk),
                progress=inner,
            )
    curve = None
    if with_frontier:
        with survey.steps.step("tracing the frontier") as inner:
            curve = frontier(
                options,
                survey.coverage,
                candidates,
                study.scenario.siting,
                existing=len(survey.stations),
                progress=inner,
            )
    proposal = Proposal(candidates, options, plan, curve)
    return dataclasses.replace(proposal, explained=explain_plan(survey, proposal)) if with_plan and with_frontier else proposal


def _standing(survey: Survey) -> Standing | None:
    """The stations that stand with their capacities, where these count."""
    if not survey.study.scenario.siting.capacity:
        return None
    stations = survey.stations
    said = stations["capacity"] if "capacity" in stations else pd.Series(float("nan"), index=stations.index)
    return Standing(survey.reach, said)


def _longest_s(walk: Walk) -> float:
    """The longest walk that counts for residents of any town, in seconds."""
    return max([walk.cutoff_s, *(walk.for_town(town).cutoff_s for town in walk.towns)])


def trace_equity(survey: Survey, by: str | None = None) -> EquityCurve:
    """What lifting the worst town or group costs in residents covered, for the study's number of sites and its rules.

    `by` is ``town`` or ``group``; by default as the study's own equity says, else ``town``. Shares of key groups come as
    coarse as they may leave the machine.

    Raises
    ------
    StudyError, PlanError
        As for `propose`.
    """
    siting = survey.study.scenario.siting
    check_plain(siting)
    equity = Equity(by=by or (siting.equity.by if siting.equity is not None else "town"))
    proposal = propose(survey, with_plan=False, with_frontier=False)
    with survey.steps.step("tracing equity") as inner:
        curve = equity_curve(
            proposal.options,
            survey.coverage,
            proposal.candidates,
            dataclasses.replace(siting, equity=equity),
            stations_per_town=standing_per_town(survey),
            progress=inner,
        )
    columns = [name for name in survey.demand.columns if str(name).startswith("pop_")] if equity.by == "group" else []
    totals = {str(name): float(survey.demand[name].sum()) for name in columns}
    totals = {name: total for name, total in totals.items() if total > 0}
    return publish_equity(curve, totals, survey.study.privacy.minimum_count)


def standing_per_town(survey: Survey) -> dict[str, int]:
    """How many of the standing stations each town has."""
    return {str(town): int(count) for town, count in survey.stations["town"].value_counts().items()}


def run_study(study: Study, *, measured: Measured | None = None, progress: Progress | None = None) -> Run:
    """Do the whole job for one study: survey, outlines, scores, proposal, headline figures.

    A study without candidates is scored and drawn without a proposal. What is lawful but surprising is kept in
    `Run.notes` and still warned about. What was `measured` in parts before (`planner.run.cuts`) is not measured again.
    """
    inputs = hash_inputs(study)
    with noted() as notes:
        survey = survey_study(study, measured=measured, progress=progress)
        isochrones = measured.isochrones if measured else draw_isochrones(survey)
        reached = reach_of_residents(survey, isochrones)
        scores, towns, groups = _score(survey, reached)
        proposal = _propose_if_any(survey, measured.options if measured else None)
        conformity = check_standards(survey) if read_policy(study).has_standards else None
        measures = measure_all(survey, scores, reached, proposal)
        summary = summary_of(survey, reached, proposal) | standards_said(conformity, survey.towns)
    return Run(survey, scores, towns, groups, isochrones, proposal, summary, tuple(notes), conformity, measures, inputs)
