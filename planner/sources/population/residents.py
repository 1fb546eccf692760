"""Where the residents live: whatever the study brings, made into counted points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import shapely

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, locate, spread
from planner.errors import Fault, PlannerWarning, StudyError, TableError, say_faults
from planner.schema import Towns, as_number
from planner.sources.osm import read_buildings
from planner.sources.population.rasters import RasterAsk, is_raster, read_raster
from planner.sources.population.settle import (
    points_in_towns,
    spread_evenly,
    tallies,
    totals_by_town,
    zones_in_towns,
    zones_over_places,
)
from planner.sources.population.tables import COUNT_WORDS, CountAsk, CountTable, read_counts
from planner.study import Group, Study

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]
Settled = tuple[CountedPoints, list[Tally]]

FLOOR_AREA = "floor_area_m2"


def read_residents(study: Study, towns: Towns, grounds: Grounds, *, progress: Progress | None = None) -> Settled:
    """The residents, and the key groups that are columns of the same table, as counted points with their tallies.

    Raises
    ------
    StudyError
        If the study does not say where its residents come from, or asks for two things that do not go together.
    TableError
        If nobody lives in the area; else as the readers say.
    """
    source = study.population
    if source.file is None:
        points, steps = _settled_totals(study, grounds, _totals_of_area(study, towns, grounds), study.area)
    elif is_raster(source.file):
        points, steps = _settled_raster(study, grounds, source.file, progress)
    else:
        points, steps = _settled_table(study, grounds, source.file)
    points, fitted = _fitted(study, towns, grounds, points)
    if points.total(RESIDENTS) <= 0:
        fault = Fault("nobody lives in the area", "check the counts and the area", source.file or study.area)
        raise TableError(str(fault), [fault], RESIDENTS)
    return points, steps + fitted


def group_headers(group: Group) -> tuple[str, ...]:
    """The headers a group's column may have: the one the study names, else its name or label.

    >>> group_headers(Group("jobless", label="失业人员")), group_headers(Group("jobless", column="n"))
    (('jobless', 'pop_jobless', '失业人员'), ('n',))
    """
    if group.column is not None:
        return (group.column,)
    return (group.name, f"pop_{group.name}", *([group.label] if group.label else []))


def _own_columns(study: Study) -> tuple[Group, ...]:
    return tuple(group for group in study.scenario.groups if group.file is None)


def _settled_raster(study: Study, grounds: Grounds, file: str, progress: Progress | None) -> Settled:
    source = study.population
    if source.spread != "none":
        raise _says_itself(file, "a raster")
    ask = RasterAsk(study.path_of(file), file, RESIDENTS, source.column, source.values, source.zone_m)
    points, tally = read_raster(ask, grounds, progress=progress)
    return points, [tally]


def _says_itself(file: str, what: str) -> StudyError:
    fault = Fault(f"{what} says itself where people live", "leave spread out", file, column="population.spread")
    return StudyError(str(fault), [fault])


def _settled_table(study: Study, grounds: Grounds, file: str) -> Settled:
    source, groups = study.population, _own_columns(study)
    columns = {RESIDENTS: (source.column,) if source.column else COUNT_WORDS}
    columns |= {group.name: group_headers(group)[:1] if group.column else group_headers(group) for group in groups}
    held = {group.name: group.suppressed for group in groups if group.suppressed is not None}
    table = read_counts(CountAsk(study.path_of(file), file, columns, source.coordinates, suppressed=held), grounds.crs)
    if table.shapes is None:
        return _settled_totals(study, grounds, totals_by_town(table, grounds), file)
    if not table.are_zones and source.spread != "none":
        raise _says_itself(file, "a table of points")
    if not table.are_zones:
        return points_in_towns(table, grounds)
    if source.spread == "buildings":
        return _zones_over_homes(study, grounds, table)
    return zones_in_towns(table, grounds, source.zone_m)


def _zones_over_homes(study: Study, grounds: Grounds, table: CountTable) -> Settled:
    homes, rest = zones_over_places(table, grounds, _homes(study, grounds), FLOOR_AREA, study.population.zone_m)
    points = _joined(homes, rest)
    lost = rest.total(RESIDENTS)
    note = f"{lost:,.0f} people of zones without a residential building are spread over the ground" if lost > 0 else ""
    return points, tallies(f"{table.file} clipped to the area and spread over buildings", table.counts, points, note)


def _totals_of_area(study: Study, towns: Towns, grounds: Grounds) -> Mapping[str, Floats]:
    """Totals without a file: the study's one total (not yet by town), or the area file's own, by town."""
    source, groups = study.population, _own_columns(study)
    if source.total is None:
        return _columns_of_area(study, towns, grounds, {RESIDENTS: source.column or RESIDENTS, **_named(groups)})
    if groups:
        faults = [Fault("a total has no column for the group", "give it a file", column=f"groups.{g.name}") for g in groups]
        raise StudyError(say_faults(faults), faults)
    return {RESIDENTS: np.array([source.total])}


def _named(groups: tuple[Group, ...]) -> Mapping[str, str]:
    return {group.name: group.column or group.name for group in groups}


def _columns_of_area(study: Study, towns: Towns, grounds: Grounds, columns: Mapping[str, str]) -> Mapping[str, Floats]:
    """Columns of the area file as counts by town position."""
    faults = [
        Fault(f"the area file has no column {column!r}", "add it, or give population a file or a total", study.area)
        for column in columns.values()
        if column not in towns.columns
    ]
    if faults:
        raise StudyError(say_faults(faults), faults)
    totals = {}
    for what, column in columns.items():
        values = np.array([as_number(cell) for cell in towns[column]], dtype=np.float64)
        totals[what] = values
        for i in np.flatnonzero(~(np.isfinite(values) & (values >= 0))):
            problem = "the count is empty, negative or not a number"
            faults.append(Fault(problem, "write a count for every town", study.area, grounds.names[i], column))
    if faults:
        raise TableError(say_faults(faults), faults, "towns")
    return totals


def _settled_totals(study: Study, grounds: Grounds, totals: Mapping[str, Floats], file: str) -> Settled:
    """Totals by town, or one for all, spread over residential buildings by floor area, or evenly over the ground."""
    source = study.population
    if source.spread == "none":
        problem = "totals say nothing of where in a town people live"
        fault = Fault(problem, 'add spread = "buildings" or spread = "area"', file, column="population.spread")
        raise StudyError(str(fault), [fault])
    if source.spread == "area":
        by_town = _by_town(totals, np.asarray(shapely.area(grounds.shapes)))
        points = spread_evenly(by_town, grounds, source.zone_m, np.arange(len(grounds.names)))
        return points, tallies("totals spread evenly over the ground", totals, points)
    homes = _homes(study, grounds)
    floors = np.bincount(homes.town, weights=homes.counts[FLOOR_AREA], minlength=len(grounds.names))
    return _over_homes(study, grounds, _by_town(totals, np.asarray(floors)), homes)


def _by_town(totals: Mapping[str, Floats], weights: Floats) -> Mapping[str, Floats]:
    """Totals by town; the one total for all by the towns' weights."""
    everywhere = np.zeros(len(weights), np.int64)
    return {
        what: values if len(values) == len(weights) else spread(values, weights, everywhere) for what, values in totals.items()
    }


def _over_homes(study: Study, grounds: Grounds, totals: Mapping[str, Floats], homes: CountedPoints) -> Settled:
    floor_area = homes.counts[FLOOR_AREA]
    built = np.bincount(homes.town, weights=floor_area, minlength=len(grounds.names)) > 0
    counts = {what: spread(np.where(built, values, 0.0), floor_area, homes.town) for what, values in totals.items()}
    points, note = CountedPoints(homes.xy, homes.town, counts), ""
    bare = np.flatnonzero(~built & (np.sum(list(totals.values()), axis=0) > 0))
    if len(bare):
        points = _joined(points, spread_evenly(totals, grounds, study.population.zone_m, bare))
        names = ", ".join(grounds.names[i] for i in bare)
        note = f"no residential building in {names}: the people there are spread evenly over the ground"
    return points, tallies("totals spread over residential buildings by floor area", totals, points, note)


def _homes(study: Study, grounds: Grounds) -> CountedPoints:
    """The residential buildings inside the towns as points, with their floor area."""
    file = study.network.file
    if file is None:
        fault = Fault("spreading over buildings needs an OSM file", "give network.file", column="population.spread")
        raise StudyError(str(fault), [fault])
    buildings = read_buildings(study.path_of(file), crs=grounds.crs, area=shapely.union_all(grounds.shapes))
    homes = buildings[buildings["residential"].astype(bool) & (buildings[FLOOR_AREA] > 0)]
    xy = shapely.get_coordinates(shapely.point_on_surface(homes.geometry.to_numpy()))
    town = locate(xy, grounds.shapes)
    inside = town >= 0
    if not inside.any():
        fault = Fault("no residential building lies in the area", 'set population.spread = "area"', file)
        raise StudyError(str(fault), [fault])
    return CountedPoints(xy[inside], town[inside], {FLOOR_AREA: homes[FLOOR_AREA].to_numpy(np.float64)[inside]})


def _joined(first: CountedPoints, second: CountedPoints) -> CountedPoints:
    counts = {what: np.concatenate([values, second.counts[what]]) for what, values in first.counts.items()}
    return CountedPoints(np.concatenate([first.xy, second.xy]), np.concatenate([first.town, second.town]), counts)


def _fitted(study: Study, towns: Towns, grounds: Grounds, points: CountedPoints) -> Settled:
    """Residents scaled to official totals, each town's or one for all; the file keeps its say on where they live."""
    source, people = study.population, points.counts[RESIDENTS]
    if source.file is None or (source.total is None and not source.fit_towns):
        return points, []
    if source.total is not None:
        to, totals = np.zeros(len(people), np.int64), np.array([source.total])
    else:
        to, totals = points.town, _columns_of_area(study, towns, grounds, {RESIDENTS: RESIDENTS})[RESIDENTS]
    lived = np.bincount(to, weights=people, minlength=len(totals)) > 0
    for i in np.flatnonzero(~lived & (totals > 0)):
        said = f"{source.file} has nobody in {grounds.names[i]}, so that its {totals[i]:,.0f} people cannot be placed"
        warnings.warn(said, PlannerWarning, stacklevel=2)
    fitted = spread(np.where(lived, totals, 0.0), people, to)
    tally = Tally("scaled to the official totals", RESIDENTS, float(people.sum()), float(fitted.sum()))
    return CountedPoints(points.xy, points.town, {**points.counts, RESIDENTS: fitted}), [tally]
