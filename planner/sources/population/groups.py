"""Key groups put onto the residents' demand points; employers and jobs put where the work is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, hold_within, nearest_points, spread
from planner.errors import Fault, StudyError, TableError, say_faults
from planner.sources.population.door import names_somebody
from planner.sources.population.rasters import RasterAsk, read_raster
from planner.sources.population.residents import group_headers
from planner.sources.population.settle import points_in_towns, totals_by_town, zones_in_towns, zones_over_places
from planner.sources.population.tables import COUNT_WORDS, EMPLOYER_WORDS, JOB_WORDS, CountAsk, CountTable, read_counts
from planner.sources.rasters import is_raster
from planner.study import Counted, Group, Study

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]

WORDS = {Counted.PEOPLE: COUNT_WORDS, Counted.EMPLOYERS: EMPLOYER_WORDS, Counted.JOBS: JOB_WORDS}  # headers of counts
MOST_SAID = 1e6  # people of a group; a larger number may be somebody's telephone number that stood among the counts
ATTACH_M = 1000.0  # a member farther than a walk of 15 minutes from every resident of the town is an error of place


def read_group(
    study: Study, group: Group, points: CountedPoints, grounds: Grounds, *, progress: Progress | None = None
) -> tuple[Floats, list[Tally]]:
    """People of one key group that has its own file, at the residents' points: (n,) counts and the tallies."""
    file = _file_of(study, group)
    if is_raster(file):
        found, tally = read_raster(_raster_ask(study, group, file), grounds, progress=progress)
        amounts, attached = _attached(found, group, points)
        return amounts, [tally, attached]
    table = read_counts(ask_of(study, group), grounds.crs)
    if table.by_town:
        return _by_town(table, group, points, grounds)
    if table.zones is not None:
        return _by_zone(table, group, points, grounds)
    found, steps = points_in_towns(table, grounds)
    amounts, attached = _attached(found, group, points)
    return amounts, [*steps, attached]


def read_workplaces(
    study: Study, group: Group, grounds: Grounds, *, progress: Progress | None = None
) -> tuple[CountedPoints, list[Tally]]:
    """Employers or jobs at points of their own, where the work is: points, zones or a raster; of nobody's residents.

    Raises
    ------
    TableError
        If the file says only how many there are in each town: that says nothing of where; else as the readers say.
    """
    file = _file_of(study, group)
    if is_raster(file):
        found, tally = read_raster(_raster_ask(study, group, file), grounds, progress=progress)
        return found, [tally]
    table = read_counts(ask_of(study, group), grounds.crs)
    if table.by_town:
        problem = f"totals by town do not say where in a town the {group.of} are"
        fault = Fault(problem, "add lon and lat (经度, 纬度), or give zones or a raster", file)
        raise TableError(str(fault), [fault], group.name)
    return (
        zones_in_towns(table, grounds, study.population.zone_m) if table.zones is not None else points_in_towns(table, grounds)
    )


def ask_of(study: Study, group: Group) -> CountAsk:
    """What is read of a group's own table; a list without a count has one row a person or an employer, never a job."""
    file = _file_of(study, group)
    words = (group.column,) if group.column else (*group_headers(group), *WORDS[group.of])
    held = {} if group.suppressed is None else {group.name: group.suppressed}
    one_each, columns = group.of is not Counted.JOBS, {group.name: words}
    return CountAsk(
        study.path_of(file), file, columns, group.coordinates,
        private=True, one_each=one_each, suppressed=held, layer=group.layer,
    )  # fmt: skip


def _raster_ask(study: Study, group: Group, file: str) -> RasterAsk:
    return RasterAsk(study.path_of(file), file, group.name, group.column, group.values, study.population.zone_m)


def _by_town(table: CountTable, group: Group, points: CountedPoints, grounds: Grounds) -> tuple[Floats, list[Tally]]:
    """Totals of towns spread over their residents."""
    totals = totals_by_town(table, grounds)[group.name]
    lived = np.bincount(points.town, weights=points.counts[RESIDENTS], minlength=len(totals)) > 0
    faults = [
        Fault(f"group {group.name!r} has people in {grounds.names[i]} where nobody lives", "check both files", table.file)
        for i in np.flatnonzero((totals > 0) & ~lived)
    ]
    if faults:
        raise TableError(say_faults(faults), faults, group.name)
    amounts = spread(totals, points.counts[RESIDENTS], points.town)
    return amounts, [Tally("totals by town spread over residents", group.name, float(totals.sum()), float(amounts.sum()))]


def _by_zone(table: CountTable, group: Group, points: CountedPoints, grounds: Grounds) -> tuple[Floats, list[Tally]]:
    """Counts of zones spread over the residents inside them; where nobody lives in one, to the nearest residents."""
    onto, rest = zones_over_places(table, grounds, points, RESIDENTS)
    amounts, attached = _attached(rest, group, points)
    inside = onto.total(group.name) + rest.total(group.name)
    clipped = Tally(f"{table.file} clipped to the area", group.name, float(table.counts[group.name].sum()), inside)
    out = onto.total(group.name) + attached.people_out
    spread_out = Tally("spread over the residents of each zone", group.name, inside, out, attached.note)
    return onto.counts[group.name] + amounts, [clipped, spread_out]


def _file_of(study: Study, group: Group) -> str:
    """The group's own file; else the population's raster, whose band `column` names."""
    own = study.population.file
    if group.file is not None and names_somebody(group.file):
        problem = "the name of the group's file has somebody's number in it, and outputs name their sources"
        fault = Fault(problem, "give the file another name", column=f"groups.{group.name}.file")
        raise StudyError(str(fault), [fault])
    if group.file is not None:
        return group.file
    if own is not None and is_raster(own) and group.column is not None:
        return own
    mend = "give it a file; of a raster of several bands, name its band with column"
    fault = Fault("nothing says where the group's people are", mend, column=f"groups.{group.name}")
    raise StudyError(str(fault), [fault])


def held_by_residents(group: str, amounts: Floats, points: CountedPoints) -> tuple[Floats, Tally]:
    """A group's counts with no place holding more than its residents; see `hold_within` for where the excess goes.

    Raises
    ------
    TableError
        If the group counts more people than live in the whole area.
    """
    held = hold_within(amounts, points.counts[RESIDENTS], points.xy, points.town)
    total, residents = float(amounts.sum()), points.total(RESIDENTS)
    if held.left > 1e-6 * max(total, 1.0):
        counted = f"{total:,.0f} people" if total < MOST_SAID else "more people than may be said"
        problem = f"group {group!r} counts {counted} in an area where {residents:,.0f} live"
        fault = Fault(problem, "check both counts; a group is part of the residents")
        raise TableError(str(fault), [fault], group)
    note = ""
    if held.moved > 1e-6 * max(total, 1.0):
        note = f"{held.moved:,.1f} exceed the residents of their place and count up to {held.farthest_m:,.0f} m away"
    return held.amounts, Tally("held within the residents", group, total, float(held.amounts.sum()), note)


def _attached(found: CountedPoints, group: Group, points: CountedPoints) -> tuple[Floats, Tally]:
    """Counts moved to the nearest residents' point of the same town; those too far from any are left out and tallied."""
    lived = np.flatnonzero(points.counts[RESIDENTS] > 0)
    target, _ = nearest_points(found.xy, found.town, points.xy[lived], points.town[lived], ATTACH_M)
    people, near = found.counts[group.name], target >= 0
    onto = lived[target[near]]
    amounts = np.asarray(np.bincount(onto, weights=people[near], minlength=len(points.xy)), dtype=np.float64)
    lost = float(people[~near].sum())
    note = f"{lost:,.0f} are over {ATTACH_M:,.0f} m from where anybody of their town lives" if lost > 0 else ""
    step = "put where the nearest residents live"
    return amounts, Tally(step, group.name, found.total(group.name), float(amounts.sum()), note)
