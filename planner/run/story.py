"""The whole story on one page: `run_study(study)` reads, measures, scores and proposes."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import shapely

from planner.access import access_by_town, two_step_access
from planner.coverage import measure_coverage
from planner.decay import Decay
from planner.errors import PlannerWarning, StudyError
from planner.isochrones import isochrone_bands, reached_area
from planner.policy import named
from planner.privacy import publish_equity
from planner.progress import standing_stations
from planner.reach import Reach, islands_of, link_points, travel_times
from planner.run.cuts import Measured
from planner.run.measures import measure_all
from planner.run.results import Conformity, Progress, Proposal, Run, Steps, Survey
from planner.run.summary import standards_said, summary_of
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
    Towns,
    TownScores,
)
from planner.score import score_groups, score_stations, score_towns
from planner.siting import Standing, check_method, check_plain, equity_curve, frontier, propose_sites
from planner.sources.files import default_as_of, read_area, read_areas, read_candidates, read_stations
from planner.sources.files.fetchable import check_fetched
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
    with steps.step("reading tables"):
        towns = read_area(study)
        areas = read_areas(study, towns)
        all_stations = _that_count(study, Stations(read_stations(study, towns=towns).sort_index()), towns)
    as_of = study.as_of or default_as_of(all_stations)
    stations = standing_stations(all_stations, as_of)
    with steps.step("reading the street network") as inner:
        network = read_network(study, towns=towns, progress=inner)
    with steps.step("reading residents") as inner:
        demand = read_demand(study, towns, areas=areas, progress=inner)
    with steps.step("measuring walking times") as inner:
        reach = measured.reach if measured else travel_times(network, stations, demand, study.scenario.walk, progress=inner)
        coverage = measure_coverage(reach, demand)
    _warn_of_unlinked(reach, demand, stations, study.scenario.walk.max_link_m)
    if apart := islands_of(network, demand, study.scenario.walk).said(demand["population"].to_numpy()):
        warnings.warn(apart, PlannerWarning, stacklevel=2)
    return Survey(study, as_of, towns, network, all_stations, stations, demand, reach, coverage, steps, areas)


def _that_count(study: Study, stations: Stations, towns: Towns) -> Stations:
    """The stations without outreach points and without those outside the area, where the study leaves them out.

    A station just outside counts for the people inside who can walk there, unless ``stations.outside`` is false. Points of
    a kind that the policy pack calls outreach are no stations, unless ``stations.outreach`` is true; a warning counts them.
    """
    kinds = read_policy(study).outreach_kinds
    kind = stations["kind"] if "kind" in stations else pd.Series(None, index=stations.index, dtype=object)
    apart = kind.map(lambda word: named(word, kinds)).to_numpy(dtype=bool) & (not study.stations.outreach)
    beyond = ~stations.intersects(towns.union_all()).to_numpy(dtype=bool) & (not study.stations.outside)
    for left_out, what, switch in ((apart, "outreach points", "outreach"), (beyond, "stations outside the area", "outside")):
        if left_out.any():
            said = f"{int(left_out.sum())} {what} are not counted as stations (the first is {stations.index[left_out][0]})"
            warnings.warn(f"{said}; [stations] {switch} = true counts them", PlannerWarning, stacklevel=3)
    return Stations(stations[~(apart | beyond)])


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


def _has_candidates(study: Study, towns: Towns) -> bool:
    """Whether there is any candidate; a run without one is scored and drawn, and says that nothing is proposed."""
    if len(read_candidates(study, towns=towns)):
        return True
    named = ", ".join(block.shown for block in study.candidates)
    warnings.warn(f"there is no candidate in {named}, so nothing is proposed; add host premises", PlannerWarning, stacklevel=3)
    return False


def score_survey(survey: Survey, isochrones: Isochrones | None = None) -> tuple[Scores, TownScores, GroupScores]:
    """Score stations, towns and groups; with outlines, the share of area covered too."""
    groups, walk, siting = survey.study.scenario.groups, survey.study.scenario.walk, survey.study.scenario.siting
    target = read_policy(survey.study).town_minimum(survey.as_of) or siting.per_town_min or None
    with survey.steps.step("scoring"):
        stations = score_stations(survey.reach, survey.demand, survey.stations)
        reached = None if isochrones is None else reached_area(isochrones, walk.minutes)
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
        return Conformity(standards, check_tiers(policy, stations), functions)


def measure_access(survey: Survey, decay: Decay | None = None) -> TownAccess:
    """Say how much of the stations' capacity residents can walk to, and how evenly, by town: 2SFCA at the study's cutoff.

    With a `decay` of walks it is E2SFCA.

    Raises
    ------
    TableError
        If a standing station says no capacity.
    """
    capacity = survey.stations.get("capacity", pd.Series(dtype="float64"))
    with survey.steps.step("measuring access"):
        supply = two_step_access(survey.reach, survey.demand, capacity, decay=decay)
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
    study = survey.study
    if not study.candidates:
        raise StudyError(f"{study.name}: no [[candidates]] are named; add a block with file = or osm = to study.toml")
    check_method(study.scenario.siting)
    with survey.steps.step("measuring walks to candidates") as inner:
        candidates = Candidates(read_candidates(study, towns=survey.towns).sort_index())
        if options is None:
            options = travel_times(survey.network, candidates, survey.demand, study.scenario.walk, progress=inner)
    _warn_of_candidates(survey, candidates, options)
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
            curve = frontier(options, survey.coverage, candidates, existing=len(survey.stations), progress=inner)
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


def _warn_of_candidates(survey: Survey, candidates: Candidates, options: Reach) -> None:
    """Say which candidates nobody can walk to: without a street near, on streets that hang together with no other, or empty."""
    cells = pd.Series(0, index=candidates.index)
    cells.update(pd.Series((options.walk_s.indptr[1:] - options.walk_s.indptr[:-1]), index=options.facility_ids))
    links = link_points(
        survey.network, shapely.get_coordinates(np.asarray(candidates.geometry)), survey.study.scenario.walk.max_link_m
    )
    node = survey.network.ends[np.maximum(links.segment, 0), 0]
    island = (links.segment >= 0) & (survey.network.component[node] != 0)
    nobody = (cells.to_numpy() == 0) & ~island
    for which, what in (
        (island, "on streets that do not join the rest of the network"),
        (nobody, "where no resident is in reach"),
    ):
        if which.any():
            names = ", ".join(str(name) for name in candidates.index[which][:5])
            said = f"{int(which.sum())} candidates stand {what}; the first are {names}"
            warnings.warn(said, PlannerWarning, stacklevel=3)


def standing_per_town(survey: Survey) -> dict[str, int]:
    """How many of the standing stations each town has."""
    return {str(town): int(count) for town, count in survey.stations["town"].value_counts().items()}


def run_study(study: Study, *, measured: Measured | None = None, progress: Progress | None = None) -> Run:
    """Do the whole job for one study: survey, outlines, scores, proposal, headline figures.

    A study without candidates is scored and drawn without a proposal. What is lawful but surprising is kept in
    `Run.notes` and still warned about. What was `measured` in parts before (`planner.run.cuts`) is not measured again.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PlannerWarning)
        survey = survey_study(study, measured=measured, progress=progress)
        isochrones = measured.isochrones if measured else draw_isochrones(survey)
        scores, towns, groups = score_survey(survey, isochrones)
        options = measured.options if measured else None
        proposal = propose(survey, options=options) if study.candidates and _has_candidates(study, survey.towns) else None
        conformity = check_standards(survey) if read_policy(study).has_standards else None
        measures = measure_all(survey, scores, isochrones, proposal)
        summary = summary_of(survey, isochrones, proposal) | standards_said(conformity)
    notes = []
    for caught_one in caught:
        if issubclass(caught_one.category, PlannerWarning):
            notes.append(str(caught_one.message))
        warnings.warn_explicit(caught_one.message, caught_one.category, caught_one.filename, caught_one.lineno)
    return Run(survey, scores, towns, groups, isochrones, proposal, summary, tuple(dict.fromkeys(notes)), conformity, measures)
