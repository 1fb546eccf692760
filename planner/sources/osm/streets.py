"""From raw streets to a walking network: rules asked, clipped, blocked at barriers, squares made crossable, measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, SourceError, say_faults
from planner.network import EdgeFlag, Network, ground_m
from planner.sources.osm.extract import RawStreets, read_raw_streets
from planner.sources.osm.rules import BRIDGE_MAX_M, TUNNEL_MAX_M, Verdict, blocks, judge

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[str, float], None]

LONGEST_M = {"tunnel": TUNNEL_MAX_M, "trunk bridge": TUNNEL_MAX_M, "bridge": BRIDGE_MAX_M}


@dataclass(frozen=True, eq=False)
class Streets:
    """Straight segments between places: rows of `node_id` and `lonlat` (degrees), the way each belongs to, its flags."""

    node_id: Ids
    lonlat: Floats
    ends: Ids
    way: Ids
    flags: npt.NDArray[np.uint8]


def read_osm_network(
    path: str | Path,
    *,
    crs: Any,
    area: BaseGeometry | None = None,
    margin_m: float = 0.0,
    progress: Progress | None = None,
) -> Network:
    """The walking network of an OpenStreetMap extract.

    Which ways are walked is said in `planner.sources.osm.rules`. Every node of a way stays a node of the network, so that
    nothing that changes a time is simplified away. Ways join only where they share a node.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    crs
        The projected CRS of the network, in metres.
    area
        What to keep, a (Multi)Polygon in `crs`: segments that touch it or lie within `margin_m` of it. None keeps
        the whole extract.
    margin_m
        Metres around `area`, >= 0.
    progress
        Called with what is being done and the share done.

    Returns
    -------
    Network
        Lengths are metres along the ground on the WGS-84 ellipsoid, not of the map plane. ``report`` counts what was left
        out and why.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated or no extract, or holds no street to walk on inside the area.
    CrsError
        If `crs` is not projected in metres.
    """
    path, say = Path(path), progress or (lambda doing, share: None)
    frame = None if area is None else area.buffer(margin_m)
    say("reading the extract", 0.0)
    raw = read_raw_streets(path)
    say("applying the walk rules", 0.6)
    counts: Counter[str] = Counter()
    streets = _walked(raw, counts)
    xy = project(streets.lonlat, crs)
    inside = _touching(xy, streets.ends, frame)
    if not inside.any():
        raise _nothing(path, raw, streets, frame, crs)
    streets = replace(streets, ends=streets.ends[inside], way=streets.way[inside], flags=streets.flags[inside])
    say("measuring the streets", 0.8)
    streets, xy = _blocked(streets, xy, raw, counts)
    lengths = ground_m(streets.lonlat[streets.ends[:, 0]], streets.lonlat[streets.ends[:, 1]])
    network = Network.from_segments(
        xy, streets.ends, crs=crs, length_m=lengths, node_id=streets.node_id, flags=streets.flags, report=dict(counts)
    )
    say("the network is read", 1.0)
    return network


def project(lonlat: Floats, crs: Any) -> Floats:
    """Longitudes and latitudes in degrees as metres of `crs`."""
    transformer = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = transformer.transform(lonlat[:, 0], lonlat[:, 1])
    return np.column_stack([x, y])


def _walked(raw: RawStreets, counts: Counter[str]) -> Streets:
    """The segments of all ways that the rules let walk, with what was left out counted."""
    verdicts = [judge(tags) for tags in raw.tags]
    way_of = np.repeat(np.arange(len(raw.way_id)), np.diff(raw.starts))
    first = np.flatnonzero(way_of[1:] == way_of[:-1])
    counts["ways in the extract"] = len(raw.way_id)
    counts["refs to nodes that the extract lacks"] = int((~raw.known).sum())
    first = first[raw.known[first] & raw.known[first + 1]]
    used, ends = np.unique(raw.refs[np.column_stack([first, first + 1])], return_inverse=True)
    place = np.empty(len(used), dtype=np.int64)
    place[ends.reshape(-1)] = np.column_stack([first, first + 1]).reshape(-1)
    lonlat = raw.lonlat7[place].astype(np.float64) / 1e7
    streets = Streets(used, lonlat, ends.reshape(-1, 2), way_of[first], np.zeros(len(first), np.uint8))
    kept = _kept_ways(raw, verdicts, streets, counts)
    keep = kept[streets.way]
    steps = np.array([verdict.steps for verdict in verdicts], dtype=bool)[raw.kind[streets.way[keep]]]
    return replace(
        streets,
        ends=streets.ends[keep],
        way=streets.way[keep],
        flags=np.where(steps, EdgeFlag.STEPS, 0).astype(np.uint8),
    )


def _kept_ways(raw: RawStreets, verdicts: list[Verdict], streets: Streets, counts: Counter[str]) -> Mask:
    reasons = np.array([verdict.left_out for verdict in verdicts], dtype=object)[raw.kind]
    roads = np.array([verdict.road for verdict in verdicts], dtype=object)[raw.kind]
    kept = np.asarray(reasons == "", dtype=bool)
    for road, limit_m in LONGEST_M.items():
        of_road = roads == road
        too_long = of_road & kept & (_joined_m(streets, of_road) > limit_m)
        reasons[too_long] = f"{road} longer than {limit_m:.0f} m for cars"
        kept &= ~too_long
    for reason, ways in sorted(Counter(reasons[~kept].tolist()).items()):
        counts[f"ways left out: {reason}"] = ways
    return kept


def _joined_m(streets: Streets, chosen: Mask) -> Floats:
    """For each chosen way, the metres of all chosen ways that hang together with it; 0 for the others."""
    metres = np.zeros(len(chosen))
    mine = chosen[streets.way]
    if not mine.any():
        return metres
    ends, way = streets.ends[mine], streets.way[mine]
    count = len(streets.node_id)
    links = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, part = connected_components(links.tocsr(), directed=False)
    lengths = ground_m(streets.lonlat[ends[:, 0]], streets.lonlat[ends[:, 1]])
    metres[way] = np.bincount(part[ends[:, 0]], weights=lengths, minlength=count)[part[ends[:, 0]]]
    return metres


def _touching(xy: Floats, ends: Ids, frame: BaseGeometry | None) -> Mask:
    """Which segments touch the frame."""
    if frame is None:
        return np.ones(len(ends), dtype=bool)
    shapely.prepare(frame)
    inside: Mask = np.asarray(shapely.contains_xy(frame, xy[:, 0], xy[:, 1]), dtype=bool)[ends].any(axis=1)  # type: ignore[assignment]
    west, south, east, north = frame.bounds
    low, high = xy[ends].min(axis=1), xy[ends].max(axis=1)
    near = ~inside & (high >= [west, south]).all(axis=1) & (low <= [east, north]).all(axis=1)
    inside[near] = shapely.intersects(frame, shapely.linestrings(xy[ends[near]]))
    return inside


def _blocked(streets: Streets, xy: Floats, raw: RawStreets, counts: Counter[str]) -> tuple[Streets, Floats]:
    """Streets cut at barriers that stop walkers: each piece gets an end of its own there."""
    shut = np.array(sorted(node for node, tags in raw.barriers.items() if blocks(tags)), dtype=np.int64)
    at = np.isin(streets.node_id, shut)[streets.ends]
    counts["barriers that stop walkers"] = len(np.unique(streets.ends[at]))
    if not at.any():
        return streets, xy
    old = streets.ends[at]
    ends = streets.ends.copy()
    ends[at] = len(streets.node_id) + np.arange(len(old))
    lowest = min(int(streets.node_id.min()), 0)
    new_ids = lowest - 1 - np.arange(len(old))
    grown = replace(
        streets,
        ends=ends,
        node_id=np.concatenate([streets.node_id, new_ids]),
        lonlat=np.concatenate([streets.lonlat, streets.lonlat[old]]),
    )
    return grown, np.concatenate([xy, xy[old]])


def _nothing(path: Path, raw: RawStreets, streets: Streets, frame: BaseGeometry | None, crs: Any) -> SourceError:
    """No street to walk on: say whether the extract has none or lies elsewhere."""
    if not len(streets.ends):
        problem = f"of its {len(raw.way_id)} ways none is a street to walk on"
        mend = "take an extract with streets; an extract of buildings or of motorways alone will not do"
    else:
        west, south = streets.lonlat[streets.ends].min(axis=(0, 1))
        east, north = streets.lonlat[streets.ends].max(axis=(0, 1))
        problem = (
            f"no street to walk on inside the area: the extract spans {west:.3f} to {east:.3f} E, {south:.3f} to {north:.3f} N"
        )
        if frame is not None:
            back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
            lon, lat = back.transform(frame.centroid.x, frame.centroid.y)
            problem += f", the area lies around {lon:.3f} E, {lat:.3f} N"
        mend = "take an extract of the area, or check the area's coordinates"
    fault = Fault(problem, mend, path.name)
    return SourceError(say_faults([fault]), [fault], str(path))
