"""Small study folders on the disk: two towns of Jiading's latitude, three stations, two hosts."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
from shapely.geometry import Polygon, box

NORTH, SOUTH = box(121.22, 31.36, 121.27, 31.40), box(121.22, 31.32, 121.27, 31.36)

STUDY = """\
name = "Two towns"
area = "towns.geojson"
as_of = 2025-06-30

[network]
file = "network.osm"

[stations]
file = "stations.csv"

[[candidates]]
file = "hosts.csv"

[siting]
sites = 2

[population]
file = "people.csv"
"""

STATIONS = """\
station_id,name,lon,lat,town,status,opened
a,North station,121.24,31.38,嘉定镇街道,built,2024-03-01
b,South station,121.25,31.34,南翔镇,accepted,2025-02-01
c,Planned station,121.23,31.35,,planned,
"""

HOSTS = """\
site_id,name,lon,lat
h1,Library,121.243,31.383
h2,Community centre,121.249,31.339
"""

PEOPLE = """\
lon,lat,population
121.241,31.381,100
121.251,31.341,50
"""


def write_study(folder: Path, *, study: str = STUDY, stations: str | bytes = STATIONS, hosts: str = HOSTS) -> Path:
    """A whole study folder without a street network; gives back its study file."""
    folder.mkdir(parents=True, exist_ok=True)
    write_towns(folder / "towns.geojson", {"嘉定镇街道": NORTH, "南翔镇": SOUTH})
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "stations.csv").write_bytes(stations if isinstance(stations, bytes) else stations.encode())
    (folder / "hosts.csv").write_text(hosts, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return folder / "study.toml"


def write_towns(path: Path, towns: dict[str, Polygon], field: str = "town", **kwargs: object) -> Path:
    """Town polygons in degrees as a file."""
    frame = gpd.GeoDataFrame({field: list(towns)}, geometry=list(towns.values()), crs="EPSG:4326")
    frame.to_file(path, **kwargs)
    return path


def with_lines(text: str, **lines: str) -> str:
    """A study file with lines put in before a section (``walk="minutes = 5"`` makes a section of it) or on top."""
    top = lines.pop("top", "")
    return "\n".join([top, text, *(f"[{name}]\n{body}" for name, body in lines.items())])


def write_streets(path: Path, *, west: float, south: float, east: float, north: float, step: float = 0.004) -> Path:
    """A grid of streets every `step` degrees as an .osm file."""
    columns, rows = round((east - west) / step) + 1, round((north - south) / step) + 1
    lines = ['<osm version="0.6">']
    for i in range(columns):
        for j in range(rows):
            lines.append(f'<node id="{i * rows + j + 1}" lon="{west + i * step:.7f}" lat="{south + j * step:.7f}"/>')
    ways = [[i * rows + j + 1 for j in range(rows)] for i in range(columns)]
    ways += [[i * rows + j + 1 for i in range(columns)] for j in range(rows)]
    for number, refs in enumerate(ways, 1):
        held = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        lines.append(f'<way id="{number}">{held}<tag k="highway" v="residential"/></way>')
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path
