"""Counts of a table put onto the ground: points to their town, zones split at borders, totals spread over places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
import shapely

from planner.demand import CountedPoints, Grounds, Tally, ZoneParts, areal, locate, spread, zone_parts
from planner.errors import Fault, TableError, say_faults
from planner.sources.files.towns import match_town, nearest_town
from planner.sources.population.rasters import grounds_lonlat, lonlat
from planner.sources.population.tables import CountTable

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]
Bools = npt.NDArray[np.bool_]


def points_in_towns(table: CountTable, grounds: Grounds) -> tuple[CountedPoints, list[Tally]]:
    """Counted points given to their towns; those outside the area dropped and tallied."""
    xy = cast(Floats, table.xy)
    town = locate(xy, grounds.shapes)
    inside = town >= 0
    if not inside.any():
        raise _nowhere(table, grounds)
    points = CountedPoints(xy[inside], town[inside], {what: values[inside] for what, values in table.counts.items()})
    note = "" if inside.all() else f"{int((~inside).sum())} of {len(inside)} rows lie outside the area"
    return points, tallies(f"{table.file} within the area", table.counts, points, note)


def zones_in_towns(table: CountTable, grounds: Grounds, whole_m: float) -> tuple[CountedPoints, list[Tally]]:
    """Zones split among the towns by area, large parts cut; what lies outside the area is left out and tallied."""
    parts = zone_parts(_zones(table), grounds.pieces, whole_m=whole_m)
    if not len(parts.zone):
        raise _nowhere(table, grounds)
    counts = {what: values[parts.zone] * parts.share for what, values in table.counts.items()}
    points = CountedPoints(parts.xy, grounds.piece_town[parts.town], counts)
    return points, tallies(f"{table.file} clipped to the area", table.counts, points)


def zones_over_places(
    table: CountTable, grounds: Grounds, places: CountedPoints, weight: str, whole_m: float = np.inf
) -> tuple[CountedPoints, CountedPoints]:
    """Zones' counts spread over the places inside them in proportion to their weight (dasymetric mapping).

    Gives back the places with the counts put onto them, and points for the parts of zones that hold no place: one a part,
    or several where it is longer than `whole_m`.
    """
    zones = _zones(table)
    parts = zone_parts(zones, grounds.shapes, whole_m=np.inf)
    if not len(parts.zone):
        raise _nowhere(table, grounds)
    place, part = _places_in_parts(zones, parts, places)
    weights = places.counts[weight][place]
    held = np.bincount(part, weights=weights, minlength=len(parts.zone)) > 0
    owner = np.where(held[part], part, -1)
    counts = {
        what: _summed(spread(np.where(held, values[parts.zone] * parts.share, 0.0), weights, owner), place, len(places.xy))
        for what, values in table.counts.items()
    }
    return CountedPoints(places.xy, places.town, counts), _bare_parts(table, grounds, parts, ~held, whole_m)


def land_in(shapes: Shapes, land: Shapes) -> tuple[Shapes, Bools]:
    """The part of each shape that is residential land, and which shapes have none (theirs is empty)."""
    tree = shapely.STRtree(land)
    found = np.full(len(shapes), shapely.Polygon(), dtype=object)
    shape, near = tree.query(shapes, predicate="intersects")
    order = np.argsort(shape, kind="stable")
    for i, rows in zip(*_groups(shape[order], near[order]), strict=True):  # a loop: each shape meets its own pieces of land
        own = shapely.union_all(land[np.sort(rows)])
        found[i] = shapely.intersection(shapes[i], own)
    found = areal(found)
    return found, np.asarray(shapely.area(found) <= 0, dtype=np.bool_)


def _groups(keys: Ids, values: Ids) -> tuple[Ids, list[Ids]]:
    """Values by key, for keys in rising order."""
    own, starts = np.unique(keys, return_index=True)
    return own, list(np.split(values, starts[1:])) if len(own) else []


def _bare_parts(table: CountTable, grounds: Grounds, parts: ZoneParts, bare: Bools, whole_m: float) -> CountedPoints:
    """The people of the parts of zones that are `bare`, at points that stand for at most `whole_m`."""
    fine = zone_parts(_zones(table), grounds.pieces, whole_m=whole_m)
    towns, own = len(grounds.names), grounds.piece_town[fine.town]
    here = np.isin(fine.zone * towns + own, (parts.zone * towns + parts.town)[bare])
    rest = {what: (values[fine.zone] * fine.share)[here] for what, values in table.counts.items()}
    return CountedPoints(fine.xy[here], own[here], rest)


def _places_in_parts(zones: Shapes, parts: ZoneParts, places: CountedPoints) -> tuple[Ids, Ids]:
    """Which places lie in which part of a zone (zone and town): pairs of positions."""
    points = np.asarray(shapely.points(places.xy), dtype=object)
    zone, place = shapely.STRtree(points).query(zones, predicate="intersects")
    towns = int(max(parts.town.max(), places.town.max(initial=0))) + 1
    key, own = zone * towns + places.town[place], parts.zone * towns + parts.town  # rising, as parts are sorted
    part = np.minimum(np.searchsorted(own, key), len(own) - 1)
    met = own[part] == key
    return place[met].astype(np.int64), part[met].astype(np.int64)


def totals_by_town(table: CountTable, grounds: Grounds) -> Mapping[str, Floats]:
    """Counts summed by town position; every town named in the table must be one of the area's.

    Raises
    ------
    TableError
        With each name that is no town of the area, and the nearest that is.
    """
    position = {name: i for i, name in enumerate(grounds.names)}
    meant = {said: match_town(said, grounds.names) for said in dict.fromkeys(table.towns)}
    faults = []
    for said, row in zip(table.towns, table.rows, strict=True):
        if meant[said] is None and table.private:
            mend = f"the towns are {', '.join(grounds.names[:20])}"
            faults.append(Fault("no town of the area has this name", mend, table.file, row, "town"))
        elif meant[said] is None:
            mend = nearest_town(said, grounds.names)
            faults.append(Fault("no town of the area has this name", mend, table.file, row, "town", said))
    if faults:
        raise TableError(say_faults(faults), faults, "population")
    town = np.array([position[str(meant[said])] for said in table.towns], dtype=np.int64)
    return {what: _summed(values, town, len(grounds.names)) for what, values in table.counts.items()}


def _summed(values: Floats, to: Ids, count: int) -> Floats:
    return np.asarray(np.bincount(to, weights=values, minlength=count), dtype=np.float64)


def spread_evenly(
    totals: Mapping[str, Floats], grounds: Grounds, whole_m: float, towns: Ids, shapes: Shapes | None = None
) -> CountedPoints:
    """Totals of the towns in `towns` spread evenly over their ground, on the grid of `zone_parts`.

    With `shapes`, one for each of ``grounds.pieces``, over these instead: the part of each piece on which people live.
    """
    own = np.isin(grounds.piece_town, towns)
    pieces, town = (grounds.pieces if shapes is None else shapes)[own], grounds.piece_town[own]
    solid = shapely.area(pieces) > 0
    pieces, town = pieces[solid], town[solid]
    parts = zone_parts(pieces, pieces, whole_m=whole_m)
    same = parts.zone == parts.town
    zone, weight = parts.zone[same], parts.share[same] * shapely.area(pieces)[parts.zone[same]]
    wanted = np.isin(np.arange(len(grounds.names)), towns)
    counts = {what: spread(np.where(wanted, values, 0.0), weight, town[zone]) for what, values in totals.items()}
    return CountedPoints(parts.xy[same], town[zone], counts)


def tallies(step: str, counts: Mapping[str, Floats], points: CountedPoints, note: str = "") -> list[Tally]:
    """One tally a count, from what came in to what stands at the points."""
    return [Tally(step, what, float(values.sum()), points.total(what), note) for what, values in counts.items()]


def _zones(table: CountTable) -> Shapes:
    return cast(Shapes, table.zones)


def _nowhere(table: CountTable, grounds: Grounds) -> TableError:
    places = shapely.MultiPoint(table.xy) if table.zones is None else table.zones
    where = "" if table.private else f" at {lonlat(shapely.total_bounds(places), grounds.crs)}"
    problem = f"all rows lie{where or ' elsewhere'}, none in the area at {grounds_lonlat(grounds)}"
    fault = Fault(problem, "check that both are of the same place, and the coordinates key", table.file)
    return TableError(str(fault), [fault], "population")
