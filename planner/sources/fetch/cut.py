"""An extract cut to an area: every street that touches it whole, and every area whose outline does."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import osmium
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, SourceError
from planner.sources.osm.extract import opened, readable

_NODE_ROW = np.dtype([("id", "<u8"), ("x", "<i4"), ("y", "<i4")])  # a row of libosmium's sparse_file_array
DATES = ("osmosis_replication_timestamp", "timestamp")  # what headers call the date of the data


def cut_extract(path: Path, out: Path, area: BaseGeometry) -> str | None:
    """Write what of the extract at `path` lies in `area` (degrees) to `out`; gives back the date of the data, if it says one.

    Nodes in the area, the ways through them with all their nodes, and the multipolygons of those ways, whole. The header
    says the area's box.

    Raises
    ------
    SourceError
        If the extract is damaged or has nothing there.
    """
    with readable(path), TemporaryDirectory(prefix="planner-cut-") as folder:
        ids = _nodes_inside(path, Path(folder, "nodes"), area)
        if not len(ids):
            fault = Fault("the extract has nothing in the area", "name the extract of the area's region", path.name)
            raise SourceError(str(fault), [fault], str(path))
        tracker = osmium.IdTracker()
        for node in ids.tolist():
            tracker.add_node(node)
        _add_ways(path, tracker)
        tracker.complete_backward_references(opened(path), relation_depth=0)
        header, date = _header(path, area)
        writer = osmium.SimpleWriter(osmium.io.File(str(out), "pbf,add_metadata=false"), header=header, overwrite=True)
        with osmium.io.Reader(opened(path)) as reader:
            osmium.apply(reader, tracker.id_filter(), writer)
        writer.close()
    return date


def _nodes_inside(path: Path, table: Path, area: BaseGeometry) -> npt.NDArray[np.int64]:
    """Ids of the nodes inside the area."""
    places = osmium.NodeLocationsForWays(osmium.index.create_map(f"sparse_file_array,{table}"))
    places.apply_nodes_to_ways = False
    with osmium.io.Reader(opened(path), osmium.osm.NODE) as reader:
        osmium.apply(reader, places)
    if not table.stat().st_size:
        return np.zeros(0, dtype=np.int64)
    rows = np.memmap(table, dtype=_NODE_ROW, mode="r")
    west, south, east, north = (np.array(area.bounds) * 1e7).tolist()
    near = rows[(rows["x"] >= west) & (rows["x"] <= east) & (rows["y"] >= south) & (rows["y"] <= north) & (rows["id"] > 0)]
    shapely.prepare(area)
    inside = np.asarray(shapely.contains_xy(area, near["x"] / 1e7, near["y"] / 1e7), dtype=bool)
    ids: npt.NDArray[np.int64] = near["id"][inside].astype(np.int64)
    return ids


def _add_ways(path: Path, tracker: osmium.IdTracker) -> None:
    """The ways through the tracked nodes, and the multipolygons of those ways with all their ways."""
    touching = tracker.contains_filter()
    ways = [way.id for way in osmium.FileProcessor(opened(path), osmium.osm.WAY).with_filter(touching)]
    for way in ways:
        tracker.add_way(way)
    squares = osmium.filter.TagFilter(("type", "multipolygon"))
    relations = osmium.FileProcessor(opened(path), osmium.osm.RELATION).with_filter(squares).with_filter(touching)
    found = [(relation.id, [member.ref for member in relation.members if member.type == "w"]) for relation in relations]
    for relation, members in found:
        tracker.add_relation(relation)
        for way in members:
            tracker.add_way(way)


def _header(path: Path, area: BaseGeometry) -> tuple[osmium.io.Header, str | None]:
    """The header of what is cut: its box, the date of the data; and that date."""
    with osmium.io.Reader(opened(path), osmium.osm.NOTHING) as reader:
        said = reader.header()
        date = next((said.get(key) for key in DATES if said.get(key)), None)
    header = osmium.io.Header()
    header.set("generator", "planner fetch")
    if date:
        header.set("osmosis_replication_timestamp", date)
    west, south, east, north = area.bounds
    box = osmium.osm.Box(osmium.osm.Location(west, south), osmium.osm.Location(east, north))
    header.add_box(box)
    return header, date
