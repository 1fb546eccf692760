"""From a study to its demand: residents onto points, key groups onto residents, one table; every step tallied."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, place_demand
from planner.errors import PlannerWarning
from planner.schema import Demand, Towns
from planner.sources.population.groups import held_by_residents, read_group
from planner.sources.population.residents import read_residents
from planner.study import Study

Progress = Callable[[str, float], None]

_NUMBERS = re.compile(r"\d[\d,]*(?:\.\d+)?")


def read_demand(study: Study, towns: Towns, *, progress: Progress | None = None) -> Demand:
    """Where the study's people live and how many of each key group, as demand points; see `read_demand_with_tally`."""
    return read_demand_with_tally(study, towns, progress=progress)[0]


def read_demand_with_tally(study: Study, towns: Towns, *, progress: Progress | None = None) -> tuple[Demand, tuple[Tally, ...]]:
    """Where the study's people live, with people in and people out of every step.

    Parameters
    ----------
    study
        Its `population` says where residents come from, its groups where theirs do.
    towns
        The area, in the study's CRS.
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
    grounds = Grounds.of(towns)
    points, steps = read_residents(study, towns, grounds, progress=progress)
    points = points.ordered()
    counts = {RESIDENTS: points.counts[RESIDENTS]}
    for group in study.scenario.groups:
        amounts = points.counts.get(group.name)
        if amounts is None:
            amounts, found = read_group(study, group, points, grounds, progress=progress)
            steps += found
        counts[group.name], held = held_by_residents(group.name, amounts, points)
        steps.append(held)
    for step in steps:
        if step.note:
            warnings.warn(_told(step, study.privacy.minimum_count), PlannerWarning, stacklevel=2)
    settled = CountedPoints(points.xy, points.town, counts)
    demand = place_demand(
        settled, towns=grounds.names, groups=study.scenario.groups, crs=grounds.crs, cell_m=study.population.cell_m
    )
    return demand, tuple(steps)


def _told(step: Tally, minimum: float) -> str:
    """A tally as it may be said: of a key group no figure that is small, or that gives a small one away by difference."""
    if step.what == RESIDENTS:
        return str(step)
    figures = [step.people_in, step.people_out, step.lost]
    figures += [float(found.replace(",", "")) for found in _NUMBERS.findall(step.note)]
    if any(0 < abs(figure) < minimum for figure in figures):
        return f"{step.what}, {step.step}: {_NUMBERS.sub('…', step.note)} (figures withheld: some are small)"
    return str(step)
