"""The lattice town as files: a study folder whose every figure is arithmetic (99 m blocks, 1 m/s, 300 s)."""

from __future__ import annotations

import json
from pathlib import Path

import pyproj

CRS = "EPSG:32651"
WEST, SOUTH = 340_000.0, 3_470_000.0  # a place in UTM zone 51 where the lattice lies
SIDE = 21
BLOCK_M = 99.0  # on the ground 99.01 m here, so that three blocks are within 300 m and four are not
PEOPLE_A_CORNER = 10
DIAMOND = 25  # corners within 300 m of a corner: 2·3² + 2·3 + 1

STUDY = """\
name  = "Lattice town"
area  = "towns.geojson"
crs   = "EPSG:32651"
as_of = 2025-06-30

[network]
file = "network.osm"

[walk]
minutes    = 5
bands      = [2, 5]
speed_mps  = 1.0
max_link_m = 60

[stations]
file = "stations.csv"

[[candidates]]
file = "hosts.csv"

[population]
file   = "people.csv"
column = "people"

[[groups]]
name   = "graduates"
label  = "毕业生"
weight = 2.0
column = "graduates"

[siting]
sites = 2
"""

_TO_DEGREES = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)


def lonlat(i: float, j: float) -> tuple[float, float]:
    """Degrees of the corner in column `i` from the west and row `j` from the south."""
    lon, lat = _TO_DEGREES.transform(WEST + i * BLOCK_M, SOUTH + j * BLOCK_M)
    return round(lon, 9), round(lat, 9)


def write_lattice_study(folder: Path) -> Path:
    """Write the study and its tables into `folder`; gives back the folder.

    Stations at corners (5, 5) and (5, 8), hosts at (15, 5), (15, 15), (5, 15) and (6, 6); 10 people and 2 graduates a corner.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "network.osm").write_text(_osm(), encoding="utf-8")
    (folder / "towns.geojson").write_text(_towns(), encoding="utf-8")
    stations = [("S1", "一号站", 5, 5, "built", "2024-01-15"), ("S2", "Second", 5, 8, "accepted", "2025-03-01")]
    stations += [("S3", "Planned", 15, 15, "planned", "")]
    _write_csv(
        folder / "stations.csv", "station_id,name,lon,lat,status,opened", [(*s[:2], *lonlat(*s[2:4]), *s[4:]) for s in stations]
    )
    hosts = [("H1", "Library", 15, 5), ("H2", "Hall", 15, 15), ("H3", "Club", 5, 15), ("H4", "Kiosk", 6, 6)]
    _write_csv(folder / "hosts.csv", "site_id,name,lon,lat", [(*h[:2], *lonlat(*h[2:])) for h in hosts])
    people = [(*lonlat(i, j), PEOPLE_A_CORNER, 2) for i in range(SIDE) for j in range(SIDE)]
    _write_csv(folder / "people.csv", "lon,lat,people,graduates", people)
    return folder


def _write_csv(path: Path, header: str, rows: list[tuple[object, ...]]) -> None:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")


def _osm() -> str:
    nodes = [
        f'<node id="{1 + i * SIDE + j}" lon="{lonlat(i, j)[0]}" lat="{lonlat(i, j)[1]}" version="1"/>'
        for i in range(SIDE)
        for j in range(SIDE)
    ]
    columns = [[1 + i * SIDE + j for j in range(SIDE)] for i in range(SIDE)]
    rows = [[1 + i * SIDE + j for i in range(SIDE)] for j in range(SIDE)]
    ways = []
    for number, refs in enumerate(columns + rows, start=1):
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        ways.append(f'<way id="{number}" version="1">{inner}<tag k="highway" v="residential"/></way>')
    return f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{"".join(nodes)}{"".join(ways)}</osm>'


def _towns() -> str:
    """West and East, half the lattice each, with half a block around it."""
    low, middle, high = -0.5, 10.5, SIDE - 0.5
    features = []
    for town, west, east in (("West", low, middle), ("East", middle, high)):
        ring = [lonlat(*corner) for corner in ((west, low), (east, low), (east, high), (west, high), (west, low))]
        shape = {"type": "Polygon", "coordinates": [[list(corner) for corner in ring]]}
        features.append({"type": "Feature", "properties": {"town": town}, "geometry": shape})
    return json.dumps({"type": "FeatureCollection", "features": features})
