"""Street graphs of networkx and OSMnx as straight segments, and the way back."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from planner.errors import CrsError, Fault, TableError, say_faults
from planner.network.arrays import FLAG_BITS, EdgeFlag, Flags, Floats, Ids, turned
from planner.network.geodesy import ground_m

if TYPE_CHECKING:
    import networkx as nx

    from planner.network.model import Network


@dataclass(frozen=True, eq=False)
class GraphSegments:
    """What `Network.from_segments` asks for, out of a graph; `node_xy` in metres of `crs`."""

    crs: pyproj.CRS
    node_xy: Floats
    node_id: Ids
    ends: Ids
    length_m: Floats
    flags: Flags
    report: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Edge:
    """One street between two nodes (positions, u <= v): its bends from u to v in the graph's own coordinates."""

    u: int
    v: int
    bends: Floats
    length_m: float | None
    flags: int

    @property
    def key(self) -> tuple[int, int, int, tuple[tuple[float, ...], ...]]:
        return self.u, self.v, self.flags, tuple(map(tuple, self.bends.tolist()))


def segments_of(graph: nx.Graph[Any], crs: Any = None) -> GraphSegments:
    """The straight segments of a graph whose nodes have ``x`` and ``y``; see `Network.from_networkx`."""
    own = _own_crs(graph)
    names, places = _places(graph)
    streets = _streets(graph, {name: i for i, name in enumerate(names)}, places)
    if not streets:
        raise TableError("network: the graph has no segment at all; give it edges")
    sizes = np.array([len(street.bends) for street in streets], dtype=np.int64)
    bends = np.concatenate([np.zeros((0, 2)), *(street.bends for street in streets)])
    ends, street_of = _chains(streets, sizes, len(names))
    every = np.concatenate([places, bends])
    lengths = _lengths(every, ends, street_of, streets, own)
    ids = _ids(names, len(bends))
    target = _target_crs(own, crs, places)
    flags = np.array([street.flags for street in streets], dtype=np.uint16)[street_of]
    report = {"streets of the graph": len(streets), "bends made nodes": len(bends)}
    return GraphSegments(target, _projected(every, own, target), ids, ends, lengths, flags, report)


def graph_of(network: Network) -> nx.MultiDiGraph[Any]:
    """The network as a graph as OSMnx builds them, before simplifying; see `Network.to_networkx`."""
    import networkx as nx  # slow to import, and most runs hold no graph

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=network.crs.to_string(), created_with="planner", simplified=False)
    ids = network.node_id.tolist()
    graph.add_nodes_from((name, {"x": x, "y": y}) for name, (x, y) in zip(ids, network.node_xy.tolist(), strict=True))
    turned_back = turned(network.flags, np.ones(len(network.flags), dtype=np.bool_)).tolist()
    rows = zip(network.ends.tolist(), network.length_m.tolist(), network.flags.tolist(), strict=True)
    for position, ((u, v), metres, flags) in enumerate(rows):
        kind = "steps" if flags & EdgeFlag.STEPS else "footway"
        across = bool(flags & EdgeFlag.ACROSS)
        street = {"osmid": position, "highway": kind, "across": across, "oneway": False, "length": metres}
        graph.add_edge(ids[u], ids[v], reversed=False, flags=flags, **street)
        graph.add_edge(ids[v], ids[u], reversed=True, flags=turned_back[position], **street)
    return graph


def _own_crs(graph: nx.Graph[Any]) -> pyproj.CRS:
    said = graph.graph.get("crs")
    if said is None:
        raise CrsError('the graph has no CRS; say in which its x and y are: graph.graph["crs"] = "EPSG:4326"')
    try:
        return pyproj.CRS.from_user_input(said)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(f"the graph's CRS {str(said)[:60]!r} is unknown; name one as EPSG:4326") from error


def _target_crs(own: pyproj.CRS, asked: Any, places: Floats) -> pyproj.CRS:
    """The CRS asked for; else the graph's own if it is projected in metres; else the UTM zone of its middle."""
    if asked is not None:
        return pyproj.CRS.from_user_input(asked)
    if own.is_projected and all(axis.unit_name in ("metre", "meter") for axis in own.axis_info[:2]):
        return own
    try:
        return gpd.GeoSeries(shapely.points(places), crs=own).estimate_utm_crs()
    except (RuntimeError, pyproj.exceptions.ProjError) as error:
        low, high = places.min(axis=0).tolist(), places.max(axis=0).tolist()
        raise CrsError(f"no UTM zone holds x and y from {low} to {high} in {own.to_string()}; check the graph's CRS") from error


def _projected(places: Floats, own: pyproj.CRS, target: pyproj.CRS) -> Floats:
    if own == target:
        return places
    x, y = pyproj.Transformer.from_crs(own, target, always_xy=True).transform(places[:, 0], places[:, 1])
    return np.column_stack([x, y])


def _places(graph: nx.Graph[Any]) -> tuple[list[Hashable], Floats]:
    """The nodes' names and where they lie, in the order of the names where these have one."""
    names = list(graph.nodes)
    if all(isinstance(name, (int, np.integer)) for name in names):
        names = sorted(names)
    places, faults = np.zeros((len(names), 2)), []
    for i, name in enumerate(names):  # attributes are Python objects, one by one
        try:
            places[i] = float(graph.nodes[name]["x"]), float(graph.nodes[name]["y"])
        except (KeyError, TypeError, ValueError):
            places[i] = np.nan
        if not np.isfinite(places[i]).all():
            faults.append(Fault("the node has no x and y that are numbers", "give each node both", "graph", str(name)))
    if faults:
        raise TableError(f"network: {say_faults(faults)}", faults, "network")
    return names, places


def _streets(graph: nx.Graph[Any], position: dict[Hashable, int], places: Floats) -> list[_Edge]:
    """Each street once, whichever way and however often it stands in the graph; of equal ones the shortest length."""
    best: dict[object, _Edge] = {}
    faults: list[Fault] = []
    for name_u, name_v, data in graph.edges(data=True):
        try:
            edge = _edge(position[name_u], position[name_v], data, places)
        except (TypeError, ValueError, shapely.errors.ShapelyError) as error:
            faults.append(Fault(str(error)[:100], "mend or remove the edge", "graph", f"{name_u} to {name_v}"))
            continue
        known = best.get(edge.key)
        if known is None or (edge.length_m or 0.0) < (known.length_m or 0.0):
            best[edge.key] = edge
    if faults:
        raise TableError(f"network: {say_faults(faults)}", faults, "network")
    return sorted(best.values(), key=lambda edge: edge.key)


def _edge(u: int, v: int, data: dict[str, Any], places: Floats) -> _Edge:
    line = data.get("geometry")
    line = shapely.from_wkt(line) if isinstance(line, str) else line
    path = np.zeros((0, 2)) if line is None else shapely.get_coordinates(line)
    if len(path) and np.abs(path[0] - places[u]).sum() > np.abs(path[0] - places[v]).sum():
        path = path[::-1]  # undirected graphs may hold it the other way round
    bends = path[1:-1]
    flags = _flags(data)
    if u > v or (u == v and tuple(map(tuple, bends[::-1])) < tuple(map(tuple, bends))):
        u, v, bends = v, u, bends[::-1]
        flags = int(turned(np.array([flags], dtype=np.uint16), np.array([True]))[0])
    length = data.get("length")
    metres = None if length is None else float(length)
    if metres is not None and not (np.isfinite(metres) and metres >= 0):
        raise ValueError(f"its length {metres} is negative or not a number")
    return _Edge(u, v, bends, metres, flags)


def _flags(data: dict[str, Any]) -> int:
    """What an edge says of itself, in its own direction: our own ``flags`` if they are there, ``highway`` and ``across``."""
    steps = EdgeFlag.STEPS if _has_steps(data.get("highway")) else 0
    across = EdgeFlag.ACROSS if data.get("across") in (True, "True") else 0
    own = 0
    for said in re.findall(r"\d+", str(data.get("flags", ""))):  # a list of them where OSMnx made one edge of several
        own |= int(said)
    if own >= 1 << FLAG_BITS:
        raise ValueError(f"its flags {own} are none of ours")
    return int(own | steps | across)


def _has_steps(highway: Any) -> bool:
    """Whether an edge's ``highway`` names steps: a word, a list of words, or such a list as GraphML writes it."""
    if isinstance(highway, str):
        return highway == "steps" or "'steps'" in highway
    return isinstance(highway, (list, tuple, set)) and "steps" in highway


def _chains(streets: list[_Edge], sizes: Ids, first_bend: int) -> tuple[Ids, Ids]:
    """Ends of all segments (bends come after the nodes, street by street) and the street of each."""
    ends, street_of = [], np.repeat(np.arange(len(streets)), sizes + 1)
    start = first_bend
    for street, size in zip(streets, sizes.tolist(), strict=True):
        chain = np.concatenate([[street.u], np.arange(start, start + size), [street.v]])
        ends.append(np.column_stack([chain[:-1], chain[1:]]))
        start += size
    return (np.concatenate(ends) if ends else np.zeros((0, 2), np.int64)).astype(np.int64), street_of


def _lengths(places: Floats, ends: Ids, street_of: Ids, streets: list[_Edge], own: pyproj.CRS) -> Floats:
    """Metres of each segment: its share, by distance, of the street's own length; the distance where it says none."""
    start, end = places[ends[:, 0]], places[ends[:, 1]]
    straight = (
        ground_m(start, end) if own.is_geographic else np.hypot(*(end - start).T) * own.axis_info[0].unit_conversion_factor
    )
    total = np.bincount(street_of, weights=straight, minlength=len(streets))
    pieces = np.bincount(street_of, minlength=len(streets))
    said = np.array([np.nan if street.length_m is None else street.length_m for street in streets], dtype=np.float64)
    said = np.where(np.isnan(said), total, said)
    share = np.divide(straight, total[street_of], out=1.0 / pieces[street_of], where=total[street_of] > 0)
    return np.asarray(said[street_of] * share, dtype=np.float64)


def _ids(names: list[Hashable], bends: int) -> Ids:
    """The nodes' own ids where all are whole numbers below 2^62, else 0, 1 …; bends are numbered downwards below them."""
    whole = all(isinstance(name, (int, np.integer)) and abs(int(name)) < 1 << 62 for name in names)
    own = np.array(names if whole else range(len(names)), dtype=np.int64)
    lowest = min(int(own.min(initial=0)), 0)
    return np.concatenate([own, lowest - 1 - np.arange(bends, dtype=np.int64)])
