"""Where the residents live: whatever the study brings, made into counted points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely

from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally, locate, spread
from planner.errors import Fault, PlannerWarning, StudyError, TableError, say_faults
from planner.schema import Towns, as_number
from planner.sources.files.towns import match_town
from planner.sources.osm import read_buildings, read_residential_land
from planner.sources.population.kept import read_residents_of_raster
from planner.sources.population.rasters import RasterAsk, read_raster_zones
from planner.sources.population.settle import (
    land_in,
    points_in_towns,
    spread_evenly,
    tallies,
    totals_by_town,
    zones_in_towns,
    zones_over_places,
)
from planner.sources.population.tables import COUNT_WORDS, CountAsk, CountTable, read_counts
from planner.sources.rasters import is_raster
from planner.study import Group, Study

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]
Settled = tuple[CountedPoints, list[Tally]]

FLOOR_AREA = "floor_area_m2"
MOST_RATIO = 2.0  # of official totals to a file's: beyond it one of them is likely wrong
OVER = ("buildings", "land")  # of `spread`: where in a zone or cell people live


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
    if source.spread == "area":
        raise _says_itself(file, "a raster")
    ask = RasterAsk(study.path_of(file), file, RESIDENTS, source.column, source.values, source.zone_m)
    if source.spread in OVER:
        return _zones_over(study, grounds, read_raster_zones(ask, grounds))
    points, tally = read_residents_of_raster(ask, grounds, progress=progress)
    return points, [tally]


def _says_itself(file: str, what: str) -> StudyError:
    fault = Fault(f"{what} says itself where people live", "leave spread out", file, column="population.spread")
    return StudyError(str(fault), [fault])


def _settled_table(study: Study, grounds: Grounds, file: str) -> Settled:
    source, groups = study.population, _own_columns(study)
    columns = {RESIDENTS: (source.column,) if source.column else COUNT_WORDS}
    columns |= {group.name: group_headers(group)[:1] if group.column else group_headers(group) for group in groups}
    held = {group.name: group.suppressed for group in groups if group.suppressed is not None}
    path, layer = study.path_of(file), source.layer
    table = read_counts(CountAsk(path, file, columns, source.coordinates, suppressed=held, layer=layer), grounds.crs)
    if table.by_town:
        return _settled_totals(study, grounds, totals_by_town(table, grounds), file)
    if table.zones is None and source.spread != "none":
        raise _says_itself(file, "a table of points")
    if table.zones is None:
        return points_in_towns(table, grounds)
    if source.spread in OVER:
        return _zones_over(study, grounds, table)
    return zones_in_towns(table, grounds, source.zone_m)


def _zones_over(study: Study, grounds: Grounds, table: CountTable) -> Settled:
    """Zones (or cells) over the homes or the residential land in them; where there is none, over the ground."""
    if study.population.spread == "land":
        zones = np.asarray(table.zones, dtype=object)
        on_land, bare = land_in(zones, _land(study, grounds))
        points, _ = zones_in_towns(replace(table, zones=np.where(bare, zones, on_land)), grounds, study.population.zone_m)
        lost, what = float(table.counts[RESIDENTS][bare].sum()), "land"
    else:
        homes, rest = zones_over_places(table, grounds, _homes(study, grounds), FLOOR_AREA, study.population.zone_m)
        points, lost, what = _joined(homes, rest), rest.total(RESIDENTS), "building"
    note = f"{lost:,.0f} people of zones without a residential {what} are spread over the ground" if lost >= 0.5 else ""
    step = f"{table.file} clipped to the area and spread over residential {'land' if what == 'land' else 'buildings'}"
    return points, tallies(step, table.counts, points, note)


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
        mend = 'add spread = "buildings", spread = "land" or spread = "area"'
        fault = Fault(problem, mend, file, column="population.spread")
        raise StudyError(str(fault), [fault])
    if source.spread == "area":
        by_town = _by_town(totals, np.asarray(shapely.area(grounds.shapes)))
        points = spread_evenly(by_town, grounds, source.zone_m, np.arange(len(grounds.names)))
        return points, tallies("totals spread evenly over the ground", totals, points)
    if source.spread == "land":
        return _over_land(study, grounds, totals)
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


def _over_land(study: Study, grounds: Grounds, totals: Mapping[str, Floats]) -> Settled:
    """Totals by town, or one for all, spread evenly over the residential land of each town."""
    on_land, _ = land_in(grounds.pieces, _land(study, grounds))
    areas = np.bincount(grounds.piece_town, weights=shapely.area(on_land), minlength=len(grounds.names))
    by_town = _by_town(totals, np.asarray(areas, dtype=np.float64))
    bare = np.flatnonzero(areas <= 0)
    points, note = spread_evenly(by_town, grounds, study.population.zone_m, np.flatnonzero(areas > 0), on_land), ""
    if len(bare) and np.sum([values[bare].sum() for values in by_town.values()]) > 0:
        points = _joined(points, spread_evenly(by_town, grounds, study.population.zone_m, bare))
        names = ", ".join(grounds.names[i] for i in bare)
        note = f"no residential land in {names}: the people there are spread evenly over the ground"
    return points, tallies("totals spread over residential land", totals, points, note)


def _land(study: Study, grounds: Grounds) -> npt.NDArray[np.object_]:
    """The residential land that the extract knows, as polygons in the study's CRS."""
    land = read_residential_land(_extract(study), crs=grounds.crs, area=shapely.union_all(grounds.shapes))
    if not len(land):
        mend = 'set population.spread = "buildings" or "area"'
        fault = Fault("no residential land (landuse=residential) lies in the area", mend, study.network.file or "")
        raise StudyError(str(fault), [fault])
    return land


def _extract(study: Study) -> Path:
    """The OSM file that homes and residential land are read from."""
    file = study.network.file
    if file is None or file.lower().endswith(".graphml"):
        problem = f'spread = "{study.population.spread}" needs an OSM file'
        fault = Fault(problem, "give network.file as .osm.pbf or .osm", column="population.spread")
        raise StudyError(str(fault), [fault])
    return study.path_of(file)


def _homes(study: Study, grounds: Grounds) -> CountedPoints:
    """The residential buildings inside the towns as points, with their floor area."""
    buildings = read_buildings(_extract(study), crs=grounds.crs, area=shapely.union_all(grounds.shapes))
    homes = buildings[buildings["residential"].astype(bool) & (buildings[FLOOR_AREA] > 0)]
    xy = shapely.get_coordinates(shapely.point_on_surface(homes.geometry.to_numpy()))
    town = locate(xy, grounds.shapes)
    inside = town >= 0
    if not inside.any():
        mend = 'set population.spread = "land" or "area"'
        fault = Fault("no residential building lies in the area", mend, study.network.file or "")
        raise StudyError(str(fault), [fault])
    return CountedPoints(xy[inside], town[inside], {FLOOR_AREA: homes[FLOOR_AREA].to_numpy(np.float64)[inside]})


def _joined(first: CountedPoints, second: CountedPoints) -> CountedPoints:
    counts = {what: np.concatenate([values, second.counts[what]]) for what, values in first.counts.items()}
    return CountedPoints(np.concatenate([first.xy, second.xy]), np.concatenate([first.town, second.town]), counts)


def _fitted(study: Study, towns: Towns, grounds: Grounds, points: CountedPoints) -> Settled:
    """Residents scaled to official totals, each town's or one for all; the file keeps its say on where they live."""
    source, people = study.population, points.counts[RESIDENTS]
    if source.totals is None and (source.file is None or (source.total is None and not source.fit_towns)):
        return points, []
    if source.total is not None:
        to, totals = np.zeros(len(people), np.int64), np.array([source.total])
    else:
        to, totals = points.town, _official_totals(study, towns, grounds)
    lived = np.bincount(to, weights=people, minlength=len(totals)) > 0
    missed = np.flatnonzero(~lived & (totals > 0))
    for i in missed:
        where = grounds.names[i] if len(totals) == len(grounds.names) else "the area"
        said = f"{source.file or study.area} has nobody in {where}, so that its {totals[i]:,.0f} people cannot be placed"
        warnings.warn(said, PlannerWarning, stacklevel=2)
    _warn_of_difference(np.asarray(np.bincount(to, weights=people, minlength=len(totals)), np.float64), totals, grounds)
    fitted = spread(np.where(lived, totals, 0.0), people, to)
    tally = Tally("scaled to the official totals", RESIDENTS, float(people.sum()), float(fitted.sum()))
    return CountedPoints(points.xy, points.town, {**points.counts, RESIDENTS: fitted}), [tally]


def _official_totals(study: Study, towns: Towns, grounds: Grounds) -> Floats:
    """The official number of residents of each town: of the table `totals`, else of the area file.

    Raises
    ------
    TableError
        If a name of the table is no town, or a town has no row in it (all are named).
    """
    source = study.population
    if source.totals is None:
        return _columns_of_area(study, towns, grounds, {RESIDENTS: RESIDENTS})[RESIDENTS]
    words = (source.totals_column,) if source.totals_column else COUNT_WORDS
    path = study.path_of(source.totals)
    table = read_counts(CountAsk(path, source.totals, {RESIDENTS: words}, layer=source.totals_layer, by_town=True), grounds.crs)
    named = {match_town(said, grounds.names) for said in table.towns}
    totals = totals_by_town(table, grounds)[RESIDENTS]
    faults = [
        Fault(f"there is no row for {town}", "add the town with its residents", source.totals, column="town")
        for town in grounds.names
        if town not in named
    ]
    if faults:
        raise TableError(say_faults(faults), faults, "population")
    return totals


def _warn_of_difference(found: Floats, official: Floats, grounds: Grounds) -> None:
    """Say where a file and the official totals differ by more than half or double: one of them is of another place or time."""
    ratio = np.divide(official, found, out=np.ones(len(found)), where=(found > 0) & (official > 0))
    far = np.flatnonzero((ratio > MOST_RATIO) | (ratio < 1 / MOST_RATIO))
    if len(far):
        names = [grounds.names[i] if len(found) == len(grounds.names) else "the area" for i in far]
        first = far[0]
        said = (
            f"the official totals differ by a factor of more than {MOST_RATIO:g} from the file's residents in {len(far)} places"
        )
        told = f"the first is {names[0]}: {official[first]:,.0f} against {found[first]:,.0f}"
        warnings.warn(f"{said}; {told}; check both", PlannerWarning, stacklevel=2)
