"""From a study to its demand: residents onto points, key groups onto residents, one table; every step tallied."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping

import numpy as np

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, place_demand
from planner.errors import PlannerWarning
from planner.schema import Areas, Demand, Towns
from planner.sources.files.priority import read_areas
from planner.sources.population.groups import held_by_residents, read_group, read_workplaces
from planner.sources.population.residents import read_residents
from planner.study import Study

Progress = Callable[[str, float], None]

_NUMBERS = re.compile(r"\d[\d,]*(?:\.\d+)?")


def read_demand(study: Study, towns: Towns, *, areas: Areas | None = None, progress: Progress | None = None) -> Demand:
    """Where the study's people live and how many of each key group, as demand points; see `read_demand_with_tally`."""
    return read_demand_with_tally(study, towns, areas=areas, progress=progress)[0]


def read_demand_with_tally(
    study: Study, towns: Towns, *, areas: Areas | None = None, progress: Progress | None = None
) -> tuple[Demand, tuple[Tally, ...]]:
    """Where the study's people live, with people in and people out of every step.

    Parameters
    ----------
    study
        Its `population` says where residents come from, its groups where theirs do.
    towns
        The area, in the study's CRS.
    areas
        The study's areas of priority, where they have been read already.
    progress
        Called with what is being done and the share done.

    Returns
    -------
    DEMAND in the CRS of `towns`, and one Tally a step and count. Law: the people of a step are those of the step before,
    and where they are not, the tally says so and a PlannerWarning says why.

    Raises
    ------
    SourceError, CrsError, TableError, StudyError
        As the readers of rasters and tables say; messages about files of key groups never repeat a cell.
    """
    areas = read_areas(study, towns) if areas is None else areas
    grounds = Grounds.of(towns, [] if areas is None else list(areas.geometry))
    points, steps = read_residents(study, towns, grounds, progress=progress)
    points = points.ordered()
    counts, elsewhere = {RESIDENTS: points.counts[RESIDENTS]}, dict[str, CountedPoints]()
    for group in study.scenario.groups:
        amounts = points.counts.get(group.name)
        if amounts is None and not group.are_people:
            elsewhere[group.name], found = read_workplaces(study, group, grounds, progress=progress)
            steps += found
            continue
        if amounts is None:
            amounts, found = read_group(study, group, points, grounds, progress=progress)
            steps += found
        counts[group.name] = amounts
        if group.are_people:
            counts[group.name], held = held_by_residents(group.name, amounts, points)
            steps.append(held)
    private = {group.name for group in study.scenario.groups if group.is_private}
    for step in steps:
        if step.note:
            minimum = study.privacy.minimum_count if step.what in private else 0
            warnings.warn(_told(step, minimum), PlannerWarning, stacklevel=2)
    settled = _together(CountedPoints(points.xy, points.town, counts), elsewhere)
    demand = place_demand(
        settled, towns=grounds.names, groups=study.scenario.groups, crs=grounds.crs, cell_m=study.population.cell_m, areas=areas
    )
    return demand, tuple(steps)


def _together(points: CountedPoints, elsewhere: Mapping[str, CountedPoints]) -> CountedPoints:
    """The residents' points and those of employers and jobs as one; nobody lives where only work is counted."""
    names = (*points.counts, *elsewhere)
    all_points = (points, *elsewhere.values())
    counts = {
        name: np.concatenate([held.counts[name] if name in held.counts else np.zeros(len(held.xy)) for held in all_points])
        for name in names
    }
    xy, town = np.concatenate([held.xy for held in all_points]), np.concatenate([held.town for held in all_points])
    return CountedPoints(xy, town, counts)


def _told(step: Tally, minimum: float) -> str:
    """A tally as it may be said: with a `minimum`, no figure that is small, or that gives a small one away by difference."""
    if not minimum:
        return str(step)
    figures = [step.people_in, step.people_out, step.lost]
    figures += [float(found.replace(",", "")) for found in _NUMBERS.findall(step.note)]
    if any(0 < abs(figure) < minimum for figure in figures):
        return f"{step.what}, {step.step}: {_NUMBERS.sub('…', step.note)} (figures withheld: some are small)"
    return str(step)
