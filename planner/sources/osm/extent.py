"""Where an extract lies."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import osmium

from planner.sources.osm.extract import node_places, readable
from planner.sources.osm.refusal import refusal


def read_extent(path: str | Path) -> tuple[float, float, float, float]:
    """West, south, east and north of an extract in degrees: the box it was cut by if it says so, else that of its nodes.

    Raises
    ------
    SourceError
        If the file cannot be read or has no node.
    """
    path = Path(path)
    with readable(path) as file:
        with osmium.io.Reader(file, osmium.osm.NOTHING) as reader:
            box = reader.header().box()
        if box.valid():
            low, high = box.bottom_left, box.top_right
            return low.lon, low.lat, high.lon, high.lat
        with tempfile.TemporaryDirectory(prefix="planner-osm-") as folder:
            places = node_places(path, Path(folder, "nodes"))
    if not len(places):
        raise refusal(path, "it holds no node", "download it again")
    (west, south), (east, north) = np.asarray(places).min(axis=0) / 1e7, np.asarray(places).max(axis=0) / 1e7
    return float(west), float(south), float(east), float(north)
