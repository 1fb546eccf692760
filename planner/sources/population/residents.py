"""Where the residents live: whatever the study brings, made into counted points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import shapely

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, locate, spread
from planner.errors import Fault, PlannerWarning, StudyError, TableError
from planner.schema import Towns
from planner.sources.population.rasters import SUFFIXES, RasterAsk, read_raster
from planner.sources.population.settle import (
    points_in_towns,
    spread_evenly,
    tallies,
    totals_by_town,
    zones_in_towns,
    zones_over_places,
)
from planner.sources.population.tables import COUNT_WORDS, CountAsk, read_counts
from planner.study import Group, Study

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]
Settled = tuple[CountedPoints, list[Tally]]

FLOOR_AREA = "floor_area_m2"


def read_residents(study: Study, towns: Towns, grounds: Grounds, *, progress: Progress | None = None) -> Settled:
    """The residents, and the key groups that are columns of the same file, as counted points with their tallies."""
    source = study.population
    if source.file is None:
        points, steps = _from_totals(study, grounds, _area_totals(study, towns, grounds), study.area)
    elif study.path_of(source.file).suffix.lower() in SUFFIXES:
        points, steps = _from_raster(study, grounds, source.file, progress)
    else:
        points, steps = _from_table(study, grounds, source.file)
    points, fitted = _fitted(study, towns, grounds, points)
    if points.total(RESIDENTS) <= 0:
        fault = Fault("nobody lives in the area", "check the count column and the area", source.file or study.area)
        raise TableError(f"population: {fault}", [fault], RESIDENTS)
    return points, steps + fitted


def own_columns(study: Study) -> tuple[Group, ...]:
    """The key groups that are counted in the population's own file."""
    return tuple(group for group in study.scenario.groups if group.file is None)


def group_headers(group: Group) -> tuple[str, ...]:
    """The headers a group's column may have."""
    if group.column is not None:
        return (group.column,)
    return tuple(dict.fromkeys((group.name, f"pop_{group.name}", *([group.label] if group.label else []))))


def _from_raster(study: Study, grounds: Grounds, file: str, progress: Progress | None) -> Settled:
    source = study.population
    if own_columns(study):
        names = ", ".join(group.name for group in own_columns(study))
        fault = Fault(f"a raster has no columns for the groups {names}", "give each its file", file)
        raise StudyError(str(fault), [fault])
    if source.spread != "none":
        fault = Fault("a raster is spread already", "leave population.spread out, or name a table", file)
        raise StudyError(str(fault), [fault])
    ask = RasterAsk(study.path_of(file), file, RESIDENTS, source.column, source.values, source.zone_m)
    points, tally = read_raster(ask, grounds, progress=progress)
    return points, [tally]


def _from_table(study: Study, grounds: Grounds, file: str) -> Settled:
    source, groups = study.population, own_columns(study)
    columns = {RESIDENTS: (source.column,) if source.column else COUNT_WORDS}
    columns |= {group.name: group_headers(group) for group in groups}
    held = {group.name: group.suppressed for group in groups if group.suppressed is not None}
    table = read_counts(CountAsk(study.path_of(file), file, columns, source.coordinates, suppressed=held), grounds.crs)
    if table.shapes is None:
        return _from_totals(study, grounds, totals_by_town(table, grounds), file)
    if not table.are_zones:
        return points_in_towns(table, grounds)
    if source.spread != "buildings":
        return zones_in_towns(table, grounds, source.zone_m)
    homes, rest = zones_over_places(table, grounds, _homes(study, grounds), FLOOR_AREA)
    points = _joined(homes, rest)
    lost = rest.total(RESIDENTS)
    note = f"{lost:,.0f} people of zones without a residential building stay at the zone's middle" if lost > 0 else ""
    return points, tallies(f"{file} clipped to the area and spread over buildings", table.counts, points, note)


def _area_totals(study: Study, towns: Towns, grounds: Grounds) -> Mapping[str, Floats]:
    """Totals without a file: one for all, or the area file's own, by town."""
    source = study.population
    if source.total is not None:
        return {RESIDENTS: np.array([source.total])}
    groups = {group.name: group.column or group.name for group in own_columns(study)}
    return _town_totals(study, towns, grounds, {RESIDENTS: source.column or RESIDENTS, **groups})


def _town_totals(study: Study, towns: Towns, grounds: Grounds, columns: Mapping[str, str]) -> Mapping[str, Floats]:
    """Columns of the area file as counts by town position."""
    faults = [
        Fault(f"the area file has no column {column!r}", "add it, or give population a file or a total", study.area)
        for column in columns.values()
        if column not in towns.columns
    ]
    if faults:
        raise StudyError.of(faults)
    totals = {what: towns[column].to_numpy(dtype=np.float64, na_value=np.nan) for what, column in columns.items()}
    for what, values in totals.items():
        bad = ~(np.isfinite(values) & (values >= 0))
        faults += [
            Fault("the count is empty or negative", "write a count for every town", study.area, grounds.names[i], columns[what])
            for i in np.flatnonzero(bad)
        ]
    if faults:
        raise TableError.of(faults)
    return totals


def _from_totals(study: Study, grounds: Grounds, totals: Mapping[str, Floats], file: str) -> Settled:
    """Totals by town (or one for all) spread over residential buildings by floor area, or evenly over the ground."""
    how = study.population.spread
    if how == "none":
        fault = Fault("totals of towns say nothing of where people live", 'set population.spread = "buildings" or "area"', file)
        raise StudyError(str(fault), [fault])
    if how == "area":
        everywhere = _by_area(totals, grounds)
        points = spread_evenly(everywhere, grounds, study.population.zone_m, np.arange(len(grounds.names)))
        return points, tallies(f"totals of {file} spread evenly over the ground", totals, points)
    homes = _homes(study, grounds)
    if any(len(values) != len(grounds.names) for values in totals.values()):
        counts = {w: spread(v, homes.counts[FLOOR_AREA], np.zeros(len(homes.xy), np.int64)) for w, v in totals.items()}
        points = CountedPoints(homes.xy, homes.town, counts)
        return points, tallies("one total spread over residential buildings by floor area", totals, points)
    return _over_homes(study, grounds, totals, homes, file)


def _by_area(totals: Mapping[str, Floats], grounds: Grounds) -> Mapping[str, Floats]:
    count = len(grounds.names)
    if all(len(values) == count for values in totals.values()):
        return totals
    return {what: spread(values, shapely.area(grounds.shapes), np.zeros(count, np.int64)) for what, values in totals.items()}


def _over_homes(study: Study, grounds: Grounds, totals: Mapping[str, Floats], homes: CountedPoints, file: str) -> Settled:
    built = np.bincount(homes.town, weights=homes.counts[FLOOR_AREA], minlength=len(grounds.names)) > 0
    people = np.sum(list(totals.values()), axis=0) > 0
    bare = np.flatnonzero(~built & people)
    counts = {w: spread(np.where(built, v, 0.0), homes.counts[FLOOR_AREA], homes.town) for w, v in totals.items()}
    points = CountedPoints(homes.xy, homes.town, counts)
    note = ""
    if len(bare):
        points = _joined(points, spread_evenly(totals, grounds, study.population.zone_m, bare))
        names = ", ".join(grounds.names[i] for i in bare)
        note = f"no residential building in {names}: its people are spread evenly over the ground"
    return points, tallies(f"totals of {file} spread over residential buildings by floor area", totals, points, note)


def _homes(study: Study, grounds: Grounds) -> CountedPoints:
    """The residential buildings inside the towns as points, with their floor area."""
    if study.network.file is None:
        fault = Fault(
            "spreading over buildings needs an OSM file", "give network.file", "study.toml", column="population.spread"
        )
        raise StudyError(str(fault), [fault])
    from planner.sources.osm import read_buildings

    area = shapely.union_all(grounds.shapes)
    buildings = read_buildings(study.path_of(study.network.file), crs=grounds.crs, area=area)
    homes = buildings[buildings["residential"].astype(bool) & (buildings["floor_area_m2"] > 0)]
    xy = shapely.get_coordinates(shapely.point_on_surface(homes.geometry.to_numpy()))
    town = locate(xy, grounds.shapes)
    inside = town >= 0
    if not inside.any():
        fault = Fault("no residential building lies in the area", 'set population.spread = "area"', study.network.file)
        raise StudyError(str(fault), [fault])
    return CountedPoints(xy[inside], town[inside], {FLOOR_AREA: homes["floor_area_m2"].to_numpy(np.float64)[inside]})


def _joined(first: CountedPoints, second: CountedPoints) -> CountedPoints:
    counts = {what: np.concatenate([values, second.counts[what]]) for what, values in first.counts.items()}
    return CountedPoints(np.concatenate([first.xy, second.xy]), np.concatenate([first.town, second.town]), counts)


def _fitted(study: Study, towns: Towns, grounds: Grounds, points: CountedPoints) -> Settled:
    """Residents scaled to the official totals: each town's, or one for all; the file keeps its say on where they live."""
    source = study.population
    people = points.counts[RESIDENTS]
    if source.file is not None and source.total is not None:
        to, totals = np.zeros(len(people), np.int64), np.array([source.total])
    elif source.file is not None and source.fit_towns:
        to, totals = points.town, _town_totals(study, towns, grounds, {RESIDENTS: RESIDENTS})[RESIDENTS]
    else:
        return points, []
    lived = np.bincount(to, weights=people, minlength=len(totals)) > 0
    for i in np.flatnonzero(~lived & (totals > 0)):
        said = f"{source.file}: nobody to scale in {grounds.names[i]}; its {totals[i]:,.0f} people are left out"
        warnings.warn(said, PlannerWarning, stacklevel=2)
    fitted = spread(np.where(lived, totals, 0.0), people, to)
    tally = Tally("scaled to the official totals", RESIDENTS, float(people.sum()), float(fitted.sum()))
    return CountedPoints(points.xy, points.town, {**points.counts, RESIDENTS: fitted}), [tally]
