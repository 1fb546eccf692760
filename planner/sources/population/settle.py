"""Counts of a table put onto the ground: points to their town, zones split at borders, totals spread over places."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
import shapely

from planner.demand import CountedPoints, Grounds, Tally, ZoneParts, locate, spread, zone_parts
from planner.errors import Fault, TableError
from planner.schema import fold
from planner.sources.population.rasters import grounds_lonlat, lonlat
from planner.sources.population.tables import CountTable

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

_SUFFIXES = (
    "街道办事处",
    "镇人民政府",
    "办事处",
    "街道",
    "工业区",
    "新区",
    "开发区",
    "地区",
    "镇",
    "乡",
    "town",
    "subdistrict",
)


def points_in_towns(table: CountTable, grounds: Grounds) -> tuple[CountedPoints, list[Tally]]:
    """Counted points given to their towns; those outside the area dropped and tallied."""
    xy = shapely.get_coordinates(_shapes(table))
    town = locate(xy, grounds.shapes)
    inside = town >= 0
    if not inside.any():
        raise _nowhere(table, grounds)
    points = CountedPoints(xy[inside], town[inside], {what: values[inside] for what, values in table.counts.items()})
    note = "" if inside.all() else f"{int((~inside).sum())} of {len(inside)} rows lie outside the area"
    return points, tallies(f"{table.file} within the area", table.counts, points, note)


def zones_in_towns(table: CountTable, grounds: Grounds, whole_m: float) -> tuple[CountedPoints, list[Tally]]:
    """Zones split among the towns by area, large parts cut; what lies outside the area is left out and tallied."""
    zones = _shapes(table)
    parts = zone_parts(zones, grounds.shapes, whole_m=whole_m)
    if not len(parts.zone):
        raise _nowhere(table, grounds)
    counts = {what: values[parts.zone] * parts.share for what, values in table.counts.items()}
    points = CountedPoints(parts.xy, parts.town, counts)
    outside = len(zones) - len(np.unique(parts.zone))
    note = f"{outside} of {len(zones)} zones lie outside the area" if outside else ""
    return points, tallies(f"{table.file} clipped to the area", table.counts, points, note)


def zones_over_places(
    table: CountTable, grounds: Grounds, places: CountedPoints, weight: str
) -> tuple[CountedPoints, CountedPoints]:
    """Zones' counts spread over the places inside them in proportion to their weight (dasymetric mapping).

    Gives back the places with the counts put onto them, and one point for each part of a zone that holds no place.
    """
    zones = _shapes(table)
    parts = zone_parts(zones, grounds.shapes, whole_m=np.inf)
    if not len(parts.zone):
        raise _nowhere(table, grounds)
    place, part = _places_in_parts(zones, parts, places)
    weights = places.counts[weight][place]
    held = np.bincount(part, weights=weights, minlength=len(parts.zone)) > 0
    owner = np.where(held[part], part, -1)
    counts, rest = {}, {}
    for what, values in table.counts.items():
        totals = values[parts.zone] * parts.share
        counts[what] = _summed(spread(np.where(held, totals, 0.0), weights, owner), place, len(places.xy))
        rest[what] = totals[~held]
    return CountedPoints(places.xy, places.town, counts), CountedPoints(parts.xy[~held], parts.town[~held], rest)


def _places_in_parts(zones: Shapes, parts: ZoneParts, places: CountedPoints) -> tuple[Ids, Ids]:
    """Which places lie in which part of a zone (zone and town): pairs of positions."""
    points = np.asarray(shapely.points(places.xy), dtype=object)
    zone, place = shapely.STRtree(points).query(zones, predicate="intersects")
    towns = int(max(parts.town.max(initial=0), places.town.max(initial=0))) + 1
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
    names = table.towns if table.towns is not None else np.zeros(0, dtype=object)
    town = np.array([match_town(str(name), grounds.names) for name in names], dtype=np.int64)
    faults = []
    for i in np.flatnonzero(town < 0):
        near = [] if table.private else difflib.get_close_matches(str(names[i]), grounds.names, n=1, cutoff=0.3)
        mend = f"did you mean {near[0]!r}?" if near else f"the towns are {', '.join(grounds.names[:20])}"
        shown = None if table.private else str(names[i])
        faults.append(Fault("this is no town of the area", mend, table.file, table.rows[i], "town", shown))
    if faults:
        raise TableError(f"population: {TableError.of(faults)}", faults, "population")
    return {what: _summed(values, town, len(grounds.names)) for what, values in table.counts.items()}


def _summed(values: Floats, to: Ids, count: int) -> Floats:
    return np.asarray(np.bincount(to, weights=values, minlength=count), dtype=np.float64)


def match_town(name: str, towns: tuple[str, ...]) -> int:
    """The town's position, -1 for none: as written, else without 镇, 街道 and the like where that leaves only one.

    >>> towns = ("马陆镇", "嘉定镇街道")
    >>> match_town("马陆", towns), match_town("嘉定镇街道办事处", towns), match_town("徐行", towns)
    (0, 1, -1)
    """
    exact = [i for i, town in enumerate(towns) if fold(town) == fold(name)]
    if exact:
        return exact[0]
    bare = [i for i, town in enumerate(towns) if _bare(town) == _bare(name)]
    return bare[0] if len(bare) == 1 else -1


def _bare(name: str) -> str:
    """A town's name without its kind: 嘉定镇街道办事处 is 嘉定, but 新区镇 stays 新区."""
    plain = fold(name)
    for end in _SUFFIXES:
        if plain.endswith(end) and len(plain) > len(end) + 1:
            return _bare(plain.removesuffix(end))
    return plain


def spread_evenly(totals: Mapping[str, Floats], grounds: Grounds, whole_m: float, towns: Ids) -> CountedPoints:
    """Totals of the towns in `towns` spread evenly over their ground, on the grid of `zone_parts`."""
    shapes = grounds.shapes[towns]
    parts = zone_parts(shapes, shapes, whole_m=whole_m)
    own = parts.zone == parts.town
    counts = {what: spread(values[towns], parts.share[own], parts.zone[own]) for what, values in totals.items()}
    return CountedPoints(parts.xy[own], towns[parts.town[own]], counts)


def tallies(step: str, counts: Mapping[str, Floats], points: CountedPoints, note: str = "") -> list[Tally]:
    """One tally a count, from what came in to what stands at the points."""
    return [Tally(step, what, float(values.sum()), points.total(what), note) for what, values in counts.items()]


def _shapes(table: CountTable) -> Shapes:
    return cast(Shapes, table.shapes)


def _nowhere(table: CountTable, grounds: Grounds) -> TableError:
    where = "" if table.private else f" at {lonlat(shapely.total_bounds(table.shapes), grounds.crs)}"
    problem = f"all rows lie{where or ' elsewhere'}, none in the area at {grounds_lonlat(grounds)}"
    fault = Fault(problem, "check that both are of the same place, and the coordinates key", table.file)
    return TableError(f"population: {fault}", [fault], "population")
