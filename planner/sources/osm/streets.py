"""From raw streets to a walking network: rules asked, clipped, squares made crossable, cut at barriers, measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
from scipy.sparse import coo_array
from shapely.geometry.base import BaseGeometry

from planner.errors import CrsError, SourceError, StudyError
from planner.network import (
    MOST_STRETCH,
    WAYS_READ,
    WAYS_RIDDEN,
    EdgeFlag,
    Flags,
    Floats,
    Ids,
    Network,
    ground_m,
    stretch_at,
    utm_at,
)
from planner.reach.compiled import COMPILING, LOADING, what_first
from planner.sources.osm.clip import touching
from planner.sources.osm.extract import RawStreets, read_raw_streets
from planner.sources.osm.graphml import read_graphml
from planner.sources.osm.refusal import format_of, refusal
from planner.sources.osm.rules import LONGEST_M, NO_STREET, Verdict, blocks, judge
from planner.sources.osm.squares import crossings

Mask = npt.NDArray[np.bool_]
Related = tuple[Verdict, Ids]  # what is said of a square that is a relation, and the ids of the ways it is made of
Progress = Callable[[str, float], None]

_OF_ONE_DIRECTION = int(EdgeFlag.UP | EdgeFlag.DOWN | EdgeFlag.AGAINST | EdgeFlag.AGAINST_BACK)


@dataclass(frozen=True, eq=False)
class Streets:
    """Straight segments between nodes, on their way to a network.

    ``node_id``, ``lonlat`` (degrees) and ``xy`` (metres) have a row a node; ``ends`` (positions), ``way`` and ``flags`` a row
    a segment.
    """

    node_id: Ids
    lonlat: Floats
    xy: Floats
    ends: Ids
    way: Ids
    flags: Flags

    def keep(self, chosen: Mask) -> Streets:
        """Only the chosen segments; the nodes stay."""
        return replace(self, ends=self.ends[chosen], way=self.way[chosen], flags=self.flags[chosen])


def read_osm_network(
    path: str | Path,
    *,
    crs: Any,
    area: BaseGeometry | None = None,
    margin_m: float = 0.0,
    bicycles: bool = False,
    progress: Progress | None = None,
) -> Network:
    """The walking network of an OpenStreetMap extract, or of a graph that OSMnx saved.

    Which ways are walked is said in `planner.sources.osm.rules`. Every node of a way stays a node of the network, so that
    nothing that changes a time is simplified away. Ways join only where they share a node: bridges and tunnels join
    nothing they merely cross.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``; or ``.graphml`` as OSMnx saves it, taken as it is: the walk
        rules of whoever made it hold.
    crs
        The projected CRS of the network, in metres.
    area
        What to keep, a (Multi)Polygon in `crs`: segments that touch it or lie within `margin_m` of it. None keeps
        the whole extract.
    margin_m
        Metres around `area`, >= 0.
    bicycles
        Whether to read the ways that only bicycles may use as well (nobody walks on them), and where bicycles are pushed.
    progress
        Called with what is being done and the share done.

    Returns
    -------
    Network
        Lengths are metres along the ground on the WGS-84 ellipsoid, not of the map plane. ``report`` counts what was found
        and what was left out inside the area, and why.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated or no extract, or holds no street to walk on inside the area.
    CrsError
        If `crs` is not known, not projected in metres, or more than 1 % off in lengths where the streets lie.
    StudyError
        If `margin_m` is negative.
    """
    path, say = Path(path), progress or _silent
    if margin_m < 0:
        raise StudyError(f"margin_m = {margin_m}: a margin of the area is 0 metres or more")
    frame = None if area is None else area.buffer(margin_m)
    say("reading the extract" if what_first() == LOADING else COMPILING, 0.0)
    if format_of(path) == "graphml":
        return read_graphml(path, crs=crs, frame=frame)
    raw = read_raw_streets(path)
    _check_crs(crs, raw, area)
    say("asking the walk rules", 0.6)
    streets, counts = walked_streets(raw, crs, frame, bicycles=bicycles)
    if not len(streets.ends):
        raise _nothing_walked(path, raw, frame, crs)
    say("measuring the streets", 0.8)
    network = _measured(streets, crs, counts)
    say("the network is read", 1.0)
    return network


def _check_crs(crs: Any, raw: RawStreets, area: BaseGeometry | None) -> None:
    """Refuse a CRS in which doors would be linked, and outlines drawn, by wrong metres."""
    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise CrsError(f"the CRS {str(crs)[:60]!r} is not known; name one in metres, such as EPSG:32651") from None
    if not len(raw.lonlat7) or not known.is_projected:  # the latter is said by the network's gate
        return
    if area is None:
        lon, lat = raw.lonlat7.mean(axis=0) / 1e7
    else:
        back = pyproj.Transformer.from_crs(known, "EPSG:4326", always_xy=True)
        lon, lat = back.transform(area.centroid.x, area.centroid.y)
    stretch = stretch_at(known, lon, lat)
    if stretch > MOST_STRETCH:
        said = f"{known.to_string()} is {stretch:.0%} off in lengths where the streets lie"
        raise CrsError(f"{said}; take one that is true to length there, such as {utm_at(lon, lat)}")


def walked_streets(
    raw: RawStreets, crs: Any, frame: BaseGeometry | None, *, bicycles: bool = False
) -> tuple[Streets, dict[str, int]]:
    """The segments that people may walk (or ride) and that touch the frame, and counts of what was found and left out there."""
    verdicts = [judge(tags, bicycles=bicycles) for tags in raw.tags]
    related = [(judge(tags, bicycles=bicycles), members) for tags, members in raw.squares if not judge(tags).left_out]
    streets = _segments(raw, crs, frame, _flags_of(raw, verdicts, related))
    reasons = _reasons(raw, streets, verdicts, related)
    streets = streets.keep(touching(streets.xy, streets.ends, frame))
    counts = _counted(raw, streets, reasons)
    streets = streets.keep(np.asarray(reasons == "", dtype=bool)[streets.way])
    if bicycles:
        counts[WAYS_RIDDEN] = len(np.unique(streets.way[streets.flags & EdgeFlag.NO_FOOT > 0]))
    squares, flags_of = _squares(raw, verdicts, related)
    streets = _with_crossings(streets, squares, flags_of, counts)
    return _cut_at_barriers(streets, raw, counts), counts


def project(lonlat: Floats, crs: Any) -> Floats:
    """Longitudes and latitudes in degrees as metres of `crs`, (n, 2) both."""
    transformer = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return np.column_stack(transformer.transform(lonlat[:, 0], lonlat[:, 1]))


def _silent(doing: str, share: float) -> None:
    """Progress that nobody asked for."""


def _flags_of(raw: RawStreets, verdicts: list[Verdict], related: list[Related]) -> Flags:
    """The flags of each way. The rims of a square that is a relation, no streets themselves, are as the square is."""
    flags = np.array([verdict.flags for verdict in verdicts], dtype=np.uint16)[raw.kind]
    bare = np.array([verdict.left_out == NO_STREET for verdict in verdicts], dtype=bool)[raw.kind]
    for square, members in related:
        flags[bare & np.isin(raw.way_id, members)] = square.flags & ~_OF_ONE_DIRECTION
    return flags


def _segments(raw: RawStreets, crs: Any, frame: BaseGeometry | None, flags_of: Flags) -> Streets:
    """All pairs of neighbouring nodes of all ways in the frame's box, walked or not."""
    way = np.repeat(np.arange(len(raw.way_id)), np.diff(raw.starts))
    first = np.flatnonzero((way[1:] == way[:-1]) & (raw.refs[1:] >= 0) & (raw.refs[:-1] >= 0))
    ends = np.column_stack([raw.refs[first], raw.refs[first + 1]])
    lonlat = raw.lonlat7.astype(np.float64) / 1e7
    near = _in_box(lonlat, ends, crs, frame)
    ends, way = ends[near], way[first[near]]
    used = np.zeros(len(lonlat), dtype=bool)
    used[ends] = True
    ends = (np.cumsum(used) - 1)[ends]
    lonlat = lonlat[used]
    return Streets(raw.node_id[used], lonlat, project(lonlat, crs), ends, way, flags_of[way])


def _in_box(lonlat: Floats, ends: Ids, crs: Any, frame: BaseGeometry | None) -> Mask:
    """Which segments come near the frame, by a box in degrees: cheap, and never wrong by leaving one out."""
    if frame is None:
        return np.ones(len(ends), dtype=bool)
    back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    west, south, east, north = back.transform_bounds(*frame.buffer(1000.0).bounds)
    if west > east:  # so it is said of a box that lies across 180 degrees
        east += 360.0
        lonlat = np.column_stack([lonlat[:, 0] % 360.0, lonlat[:, 1]])
    low, high = np.minimum(lonlat[ends[:, 0]], lonlat[ends[:, 1]]), np.maximum(lonlat[ends[:, 0]], lonlat[ends[:, 1]])
    return np.asarray((high >= [west, south]).all(axis=1) & (low <= [east, north]).all(axis=1), dtype=bool)


def _reasons(raw: RawStreets, streets: Streets, verdicts: list[Verdict], related: list[Related]) -> npt.NDArray[np.object_]:
    """Why each way is left out, in words; empty for the ways that are walked."""
    reasons = np.array([verdict.left_out for verdict in verdicts], dtype=object)[raw.kind]
    reasons[np.isin(raw.way_id, _rims(raw, related)) & (reasons == NO_STREET)] = ""
    roads = np.array([verdict.road for verdict in verdicts], dtype=object)[raw.kind]
    on_foot = np.array([not verdict.flags & EdgeFlag.NO_FOOT for verdict in verdicts], dtype=bool)[raw.kind]
    for road, limit_m in LONGEST_M.items():
        walked, every = (roads == road) & on_foot, roads == road  # bicycles do not make a bridge longer for walkers
        joined_m = _joined_m(streets, walked)
        if not on_foot.all():
            joined_m = np.where(on_foot, joined_m, _joined_m(streets, every))
        too_long = every & (joined_m > limit_m) & (reasons == "")
        reasons[too_long] = f"road {road} of more than {limit_m:.0f} m"
    return reasons


def _joined_m(streets: Streets, chosen: Mask) -> Floats:
    """For each chosen way, the metres of all chosen ways that hang together with it; 0 for the others."""
    from scipy.sparse.csgraph import connected_components  # late: a tenth of a second that most questions do without

    metres = np.zeros(len(chosen))
    mine = chosen[streets.way]
    if not mine.any():
        return metres
    ends, count = streets.ends[mine], len(streets.node_id)
    links = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, part = connected_components(links.tocsr(), directed=False)
    part = part[ends[:, 0]]
    metres[streets.way[mine]] = np.bincount(part, weights=_ground_m(streets, ends))[part]
    return metres


def _ground_m(streets: Streets, ends: Ids) -> Floats:
    return ground_m(streets.lonlat[ends[:, 0]], streets.lonlat[ends[:, 1]])


def _counted(raw: RawStreets, streets: Streets, reasons: npt.NDArray[np.object_]) -> dict[str, int]:
    seen = np.zeros(len(raw.way_id), dtype=bool)
    seen[streets.way] = True
    seen &= reasons != NO_STREET
    is_street = np.repeat(reasons != NO_STREET, np.diff(raw.starts))
    counts = {
        WAYS_READ: int(seen.sum()),
        "ways walked": int((seen & (reasons == "")).sum()),
        "nodes missing from the extract": int((raw.refs[is_street] < 0).sum()),
    }
    left_out = Counter(reasons[seen & (reasons != "")].tolist())
    return counts | {f"ways left out: {reason}": left_out[reason] for reason in sorted(left_out)}


def _with_crossings(streets: Streets, squares: list[Ids], flags_of: Flags, counts: dict[str, int]) -> Streets:
    """Squares with straight ways across them; those to or from a way for bicycles alone are for bicycles alone."""
    on_foot = streets.keep((streets.flags & EdgeFlag.NO_FOOT) == 0)
    ends, square = crossings(streets.xy, on_foot.ends, on_foot.way, squares)
    counts["squares"], counts["ways across squares"] = len(squares), len(ends)
    flags = flags_of[square]
    if len(on_foot.ends) < len(streets.ends):
        more, across = crossings(streets.xy, streets.ends, streets.way, squares)
        count = len(streets.node_id)
        new = ~np.isin(more @ [count, 1], ends @ [count, 1])  # the lower position stands first in all of them
        ends, square = np.concatenate([ends, more[new]]), np.concatenate([square, across[new]])
        flags = np.concatenate([flags, flags_of[across[new]] | np.uint16(EdgeFlag.NO_FOOT)])
    return replace(
        streets,
        ends=np.concatenate([streets.ends, ends]),
        way=np.concatenate([streets.way, np.array([members[0] for members in squares], dtype=np.int64)[square]]),
        flags=np.concatenate([streets.flags, flags | np.uint16(EdgeFlag.ACROSS)]),
    )


def _squares(raw: RawStreets, verdicts: list[Verdict], related: list[Related]) -> tuple[list[Ids], Flags]:
    """The ways that each square's rims are made of, and the flags of a straight way across it."""
    is_square = np.array([verdict.square for verdict in verdicts], dtype=bool)[raw.kind]
    first, last = raw.refs[raw.starts[:-1].clip(max=max(len(raw.refs) - 1, 0))], raw.refs[raw.starts[1:] - 1]
    closed = np.flatnonzero(is_square & (np.diff(raw.starts) > 3) & (first == last))
    groups, flags = [np.array([way]) for way in closed], [verdicts[kind].flags for kind in raw.kind[closed]]
    near = np.flatnonzero(np.isin(raw.way_id, _rims(raw, related)))
    groups += [near[np.isin(raw.way_id[near], members)] for _, members in related]
    flags += [square.flags for square, _ in related]
    return groups, np.array(flags, dtype=np.uint16) & np.uint16(~_OF_ONE_DIRECTION & 0xFFFF)


def _rims(raw: RawStreets, related: list[Related]) -> Ids:
    """The ids of all ways that squares which are relations are made of."""
    return np.concatenate([raw.way_id[:0], *(members for _, members in related)])


def _cut_at_barriers(streets: Streets, raw: RawStreets, counts: dict[str, int]) -> Streets:
    """Streets cut at barriers that stop walkers: each segment gets an end of its own there."""
    shut = np.array([node for node, tags in raw.barriers.items() if blocks(tags)], dtype=np.int64)
    at = np.isin(streets.node_id, shut)[streets.ends]
    old = streets.ends[at]
    counts["barriers that stop walkers"] = len(np.unique(old))
    ends = streets.ends.copy()
    ends[at] = len(streets.node_id) + np.arange(len(old))
    lowest = min(int(streets.node_id.min(initial=0)), 0)
    return replace(
        streets,
        node_id=np.concatenate([streets.node_id, lowest - 1 - np.arange(len(old), dtype=np.int64)]),
        lonlat=np.concatenate([streets.lonlat, streets.lonlat[old]]),
        xy=np.concatenate([streets.xy, streets.xy[old]]),
        ends=ends,
    )


def _measured(streets: Streets, crs: Any, counts: dict[str, int]) -> Network:
    return Network.from_segments(
        streets.xy,
        streets.ends,
        crs=crs,
        length_m=_ground_m(streets, streets.ends),
        node_id=streets.node_id,
        flags=streets.flags,
        report=counts,
    )


def _nothing_walked(path: Path, raw: RawStreets, frame: BaseGeometry | None, crs: Any) -> SourceError:
    """No street to walk on: say whether the extract has none or lies elsewhere."""
    if frame is None or not len(raw.lonlat7):
        problem = f"of its {len(raw.way_id)} ways none is a street to walk on"
        return refusal(path, problem, "take an extract with streets, and with the nodes they are made of")
    (west, south), (east, north) = raw.lonlat7.min(axis=0) / 1e7, raw.lonlat7.max(axis=0) / 1e7
    back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = back.transform(frame.centroid.x, frame.centroid.y)
    problem = (
        f"no street to walk on inside the area: its streets span {west:.3f} to {east:.3f} E, {south:.3f} to {north:.3f} N, "
        f"the area lies around {lon:.3f} E, {lat:.3f} N"
    )
    return refusal(path, problem, "take an extract of the area, or check the area's coordinates")
