"""The walking network: straight street segments between nodes, checked once, held as arrays, immutable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import scipy.sparse as sp
import shapely

from planner.card import html_card
from planner.errors import CrsError, Fault, TableError, say_faults
from planner.network.arrays import FLAG_BITS, WAYS_READ, WAYS_RIDDEN, EdgeFlag, Flags, Floats, Ids, Ints, turned
from planner.network.graphs import graph_of, segments_of
from planner.network.order import hilbert_index

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False)
class Network:
    """Streets people may walk, both ways, as straight segments (every bend is a node).

    Build one with `from_segments` (the gate), `from_networkx` or ``planner.read_network``.

    Parameters
    ----------
    crs
        The projected CRS of `node_xy`, in metres.
    node_xy
        (nodes, 2) float64, metres. Nodes stand in the order of a Hilbert curve, so that neighbours in space are
        neighbours in memory.
    node_id
        (nodes,) int64: OSM's ids where there are any; bends without one have negative ids. Unique.
    ends
        (edges, 2) int32 positions into the nodes, ``u < v``, sorted.
    length_m
        (edges,) float64, > 0, metres along the ground; not shorter by more than rounding than what is walked.
    flags
        (edges,) uint16 of `EdgeFlag`.
    component
        (nodes,) int32: which connected part a node belongs to; 0 is the part with the most metres of street.
    component_length_m
        (components,) float64: metres of street of each part, falling.
    report
        What was found and what was left out while building, as counts by a name for people to read.
    height_m
        (nodes,) metres above the sea, finite, where a terrain is known (`with_heights`); else None, and streets are level.
    """

    crs: pyproj.CRS
    node_xy: Floats
    node_id: Ids
    ends: Ints
    length_m: Floats
    flags: Flags
    component: Ints
    component_length_m: Floats
    report: dict[str, int] = field(default_factory=dict)
    height_m: Floats | None = None
    ready: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)  # what others made of it, to be made once

    def __post_init__(self) -> None:
        for values in (
            self.node_xy, self.node_id, self.ends, self.length_m, self.flags, self.component, self.component_length_m,
            *(() if self.height_m is None else (self.height_m,)),
        ):  # fmt: skip
            values.flags.writeable = False

    def with_heights(self, height_m: npt.ArrayLike | None) -> Network:
        """The same streets with the heights of their nodes, (nodes,) metres, finite; None makes them level again.

        Raises
        ------
        TableError
            If there is not one finite height for each node.
        """
        heights = None if height_m is None else np.array(height_m, dtype=np.float64)
        if heights is not None and (heights.shape != self.node_id.shape or not np.isfinite(heights).all()):
            said = f"heights of shape {heights.shape} for {len(self.node_id)} nodes, or not finite"
            raise TableError(f"network: {said}; give each node its height in metres")
        return replace(self, height_m=heights)

    @property
    def is_for_riders(self) -> bool:
        """Whether bicycles may be asked about: not where an extract was read for walkers alone."""
        return WAYS_READ not in self.report or WAYS_RIDDEN in self.report

    @classmethod
    def from_segments(
        cls,
        node_xy: npt.ArrayLike,
        ends: npt.ArrayLike,
        *,
        crs: Any,
        length_m: npt.ArrayLike | None = None,
        node_id: npt.ArrayLike | None = None,
        flags: npt.ArrayLike | None = None,
        report: dict[str, int] | None = None,
    ) -> Network:
        """Check straight segments once and make them a network.

        Loops (both ends one node) go, since no walk gains by them; of parallel segments with the same flags the shortest
        stays; nodes without a street go. All three are counted in `report`.

        Parameters
        ----------
        node_xy
            (n, 2) metres in `crs`, finite.
        ends
            (m, 2) positions into `node_xy`; direction does not matter.
        crs
            A projected CRS in metres, in any form pyproj takes.
        length_m
            (m,) > 0; straight distances if not given. Segments of no length join the same place: they are given
            a millimetre.
        node_id
            (n,) unique integers; 0 … n-1 if not given.
        flags
            (m,) bits of `EdgeFlag`, as seen from the first end; none if not given.

        Raises
        ------
        CrsError
            If `crs` is not projected in metres.
        TableError
            If an end is not a node, a coordinate is not finite, a length is negative or not finite, ids repeat.

        Examples
        --------
        >>> town = Network.from_segments([[0, 0], [100, 0], [100, 100]], [[0, 1], [1, 2], [2, 1], [2, 2]], crs="EPSG:32651")
        >>> town.length_m.tolist(), town.report["parallel segments dropped"], town.report["loops dropped"]
        ([100.0, 100.0], 1, 1)
        """
        checked = pyproj.CRS.from_user_input(crs)
        if not checked.is_projected or any(axis.unit_name not in ("metre", "meter") for axis in checked.axis_info[:2]):
            raise CrsError(f"a network needs a projected CRS in metres, not {checked.to_string()}; project it first")
        xy = np.array(node_xy, dtype=np.float64).reshape(-1, 2)
        uv = np.array(ends, dtype=np.int64).reshape(-1, 2)
        ids = np.arange(len(xy), dtype=np.int64) if node_id is None else np.array(node_id, dtype=np.int64)
        bits = np.zeros(len(uv), dtype=np.uint16) if flags is None else np.array(flags, dtype=np.uint16)
        _check_ends(xy, uv, ids, bits)
        metres = _straight_m(xy, uv) if length_m is None else np.array(length_m, dtype=np.float64)
        _check_lengths(metres, len(uv))
        counts = dict(report or {})
        uv, metres, bits = _simple(uv, np.maximum(metres, 1e-3), bits, counts)
        xy, ids, uv = _used(xy, ids, uv, counts)
        xy, ids, uv, metres, bits = _in_place_order(xy, ids, uv, metres, bits)
        part, part_m = connected_parts(len(xy), uv, metres)
        counts |= {"nodes": len(xy), "segments": len(uv), "islands": max(len(part_m) - 1, 0)}
        return cls(checked, xy, ids, uv.astype(np.int32), metres, bits, part, part_m, counts)

    @classmethod
    def from_networkx(cls, graph: nx.Graph[Any], *, crs: Any = None) -> Network:
        """A street graph as networkx or OSMnx hold it, as a network; the graph decides which streets are walked.

        Every bend of an edge's ``geometry`` becomes a node, so simplified and raw graphs give the same walks. Directions
        do not bind walkers: a street that stands in the graph in both is one street. Parallel edges and loops with a
        geometry stay; edges whose ``highway`` names steps are flagged.

        Parameters
        ----------
        graph
            Nodes with ``x`` and ``y``, ``graph.graph["crs"]``; edges may have ``length`` in metres, ``geometry`` (a
            LineString or its text) and ``highway``. Directed or not, with parallel edges or without.
        crs
            The projected CRS of the network, in metres. None: the graph's own, or if that is not in metres, the UTM
            zone of its middle.

        Returns
        -------
        Network
            The lengths of an edge's segments add up to its ``length``; where it has none they are the distances between
            its points (along the ellipsoid if the graph is in degrees). Node ids are the graph's if those are whole
            numbers, else 0, 1 … in the graph's order; bends are below zero.

        Raises
        ------
        CrsError
            If the graph has no CRS, or `crs` is not projected in metres.
        TableError
            If a node has no place or an edge no usable length or geometry: all of them at once.

        Examples
        --------
        >>> import networkx as nx
        >>> graph = nx.Graph(crs="EPSG:32651")
        >>> graph.add_nodes_from([(7, {"x": 0.0, "y": 0.0}), (9, {"x": 30.0, "y": 40.0})])
        >>> graph.add_edge(7, 9)
        >>> Network.from_networkx(graph).length_m
        array([50.])
        """
        found = segments_of(graph, crs)
        return cls.from_segments(
            found.node_xy,
            found.ends,
            crs=found.crs,
            length_m=found.length_m,
            node_id=found.node_id,
            flags=found.flags,
            report=found.report,
        )

    def to_networkx(self) -> nx.MultiDiGraph[Any]:
        """The network as OSMnx builds graphs: a MultiDiGraph with both directions of every segment.

        Nodes are named by their ids and have ``x`` and ``y``; edges have ``length`` in metres, ``highway`` (``steps`` or
        ``footway``), ``across`` (a way across a square), ``flags`` (`EdgeFlag`), ``osmid`` (the segment's position),
        ``oneway`` and ``reversed``. ``from_networkx`` gives back an equal network.
        """
        return graph_of(self)

    def __repr__(self) -> str:
        km = float(self.length_m[(self.flags & EdgeFlag.ACROSS) == 0].sum()) / 1000
        main = 1.0 if not len(self.component_length_m) else self.component_length_m[0] / self.length_m.sum()
        return (
            f"Network({len(self.node_xy):,} nodes, {len(self.ends):,} segments, {km:,.1f} km, "
            f"{self.crs.to_string()}; {len(self.component_length_m)} connected part(s), the largest has {main:.1%})"
        )

    def _repr_html_(self) -> str:
        km = float(self.length_m[(self.flags & EdgeFlag.ACROSS) == 0].sum()) / 1000
        facts = [("nodes", f"{len(self.node_xy):,}"), ("segments", f"{len(self.ends):,}"), ("streets", f"{km:,.1f} km")]
        facts += [("connected parts", f"{len(self.component_length_m):,}"), ("CRS", self.crs.to_string())]
        return html_card("Network", facts)

    @property
    def nodes(self) -> gpd.GeoDataFrame:
        """The nodes as a GeoDataFrame with index ``node_id``, column ``component`` and points."""
        points = shapely.points(self.node_xy)
        table = gpd.GeoDataFrame({"component": self.component}, geometry=points, crs=self.crs)
        return table.set_index(pd.Index(self.node_id, name="node_id"))

    @property
    def edges(self) -> gpd.GeoDataFrame:
        """The segments as a GeoDataFrame with index (``u``, ``v``), columns ``length_m``, ``steps``, ``across``, and lines."""
        lines = shapely.linestrings(self.node_xy[self.ends])
        steps, across = ((self.flags & flag) > 0 for flag in (EdgeFlag.STEPS, EdgeFlag.ACROSS))
        columns = {"length_m": self.length_m, "steps": steps, "across": across}
        ids = self.node_id[self.ends]
        table = gpd.GeoDataFrame({"u": ids[:, 0], "v": ids[:, 1], **columns}, geometry=lines, crs=self.crs)
        return table.set_index(["u", "v"])

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres of the CRS."""
        low, high = self.node_xy.min(axis=0), self.node_xy.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _check_ends(xy: Floats, uv: npt.NDArray[np.int64], ids: Ids, bits: Flags) -> None:
    faults = []
    for i in np.flatnonzero(~np.isfinite(xy).all(axis=1)):
        faults.append(Fault("a coordinate is not a finite number", "remove the node", row=int(i), value=str(xy[i].tolist())))
    for i in np.flatnonzero(((uv < 0) | (uv >= len(xy))).any(axis=1)):
        faults.append(Fault(f"an end is not one of the {len(xy)} nodes", "", row=int(i), value=str(uv[i].tolist())))
    if len(ids) != len(xy) or (np.diff(np.sort(ids)) == 0).any():
        faults.append(Fault("node ids are not one for each node, or repeat", "give each node its own id"))
    if len(bits) != len(uv):
        faults.append(Fault(f"{len(bits)} flags for {len(uv)} segments", "give one for each segment"))
    if not len(uv):
        faults.append(Fault("there is no segment at all", "check the extract and its area"))
    if faults:
        raise TableError(f"network: {say_faults(faults)}", faults, "network")


def _check_lengths(metres: Floats, count: int) -> None:
    if len(metres) != count:
        raise TableError(f"network: {len(metres)} lengths for {count} segments; give one for each segment")
    bad = np.flatnonzero(~np.isfinite(metres) | (metres < 0))
    if len(bad):
        faults = [Fault("a length is negative or not a number", "", row=int(i), value=str(metres[i])) for i in bad]
        raise TableError(f"network: {say_faults(faults)}", faults, "network")


def _straight_m(xy: Floats, uv: npt.NDArray[np.int64]) -> Floats:
    step = xy[uv[:, 1]] - xy[uv[:, 0]]
    return np.asarray(np.hypot(step[:, 0], step[:, 1]), dtype=np.float64)


def _simple(
    uv: npt.NDArray[np.int64], metres: Floats, bits: Flags, counts: dict[str, int]
) -> tuple[npt.NDArray[np.int64], Floats, Flags]:
    """Without loops, and of parallel segments with the same flags the shortest."""
    uv, bits = _low_end_first(uv, bits)
    kept = uv[:, 0] != uv[:, 1]
    counts["loops dropped"] = counts.get("loops dropped", 0) + int((~kept).sum())
    uv, metres, bits = uv[kept], metres[kept], bits[kept]
    if not len(uv):
        raise TableError("network: every segment has the same node at both ends; give streets that lead somewhere")
    key = _keys(uv, bits)
    order = np.argsort(key)
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    counts["parallel segments dropped"] = counts.get("parallel segments dropped", 0) + len(uv) - len(first)
    chosen = order[first]  # whichever of its like: they differ in their length alone
    return uv[chosen], np.minimum.reduceat(metres[order], first), bits[chosen]


def _low_end_first(uv: npt.NDArray[np.int64], bits: Flags) -> tuple[npt.NDArray[np.int64], Flags]:
    """Segments seen from their lower end, and their flags likewise."""
    return np.sort(uv, axis=1), turned(bits, uv[:, 0] > uv[:, 1])


def _keys(uv: npt.NDArray[np.int64], bits: Flags) -> npt.NDArray[np.int64]:
    """One number for each segment that rises with its ends and then its flags; whole for up to 67 million nodes."""
    return np.asarray((uv[:, 0] * (uv.max(initial=0) + 1) + uv[:, 1]) * (1 << FLAG_BITS) + bits, dtype=np.int64)


def _used(xy: Floats, ids: Ids, uv: npt.NDArray[np.int64], counts: dict[str, int]) -> tuple[Floats, Ids, npt.NDArray[np.int64]]:
    used = np.zeros(len(xy), dtype=bool)
    used[uv] = True
    counts["nodes without a street dropped"] = int((~used).sum())
    position = np.cumsum(used) - 1
    return xy[used], ids[used], position[uv]


def _in_place_order(
    xy: Floats, ids: Ids, uv: npt.NDArray[np.int64], metres: Floats, bits: Flags
) -> tuple[Floats, Ids, npt.NDArray[np.int64], Floats, Flags]:
    """Nodes along a Hilbert curve (ties by id), segments by their ends: the same whatever the order they came in."""
    by_id = np.arange(len(ids)) if (ids[1:] > ids[:-1]).all() else np.argsort(np.argsort(ids))
    order = np.argsort((hilbert_index(xy) << np.uint64(31)) + by_id.astype(np.uint64))
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    uv, bits = _low_end_first(position[uv], bits)
    by_ends = np.argsort(_keys(uv, bits))
    return xy[order], ids[order], uv[by_ends], metres[by_ends], bits[by_ends]


def connected_parts(count: int, uv: npt.NDArray[np.int64], metres: Floats) -> tuple[Ints, Floats]:
    """Part number of each node, parts numbered by falling metres of street (ties by first node)."""
    from scipy.sparse.csgraph import connected_components  # late: a tenth of a second that most questions do without

    links = sp.coo_array((np.ones(len(uv), dtype=np.int8), (uv[:, 0], uv[:, 1])), shape=(count, count))
    parts, label = connected_components(links.tocsr(), directed=False)
    length = np.bincount(label[uv[:, 0]], weights=metres, minlength=parts)
    first = np.full(parts, count, dtype=np.int64)
    np.minimum.at(first, label, np.arange(count))
    order = np.lexsort((first, -length))
    rank = np.empty(parts, dtype=np.int32)
    rank[order] = np.arange(parts, dtype=np.int32)
    return rank[label], np.asarray(length[order], dtype=np.float64)
