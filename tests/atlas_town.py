"""A small town to draw: the lattice at 1 m/s, two stations, two towns, and, where asked for, names that would like to be code.

In 5 minutes station s0 at corner (2, 5) reaches 24 corners and s1 at (9, 5) reaches 21, none of them twice: with ten
residents a corner 450 of 1210 are covered, 37 %.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from builders import BLOCK_M, CRS, STROLL, corners, demand_at, lattice, stations_at

from planner.circle import Service
from planner.coverage import measure_coverage
from planner.priority import score_areas
from planner.reach import Reach
from planner.schema import AREAS, CANDIDATES, FRONTIER, ISOCHRONES, SITES, TOWNS
from planner.score import score_groups, score_stations, score_towns
from planner.study import (
    Group,
    NetworkSource,
    Phase,
    PopulationSource,
    Publish,
    Scenario,
    ServiceClass,
    Siting,
    StationSource,
    Study,
)

PLACES = ((200.0, 500.0), (900.0, 500.0))
GROUPS = (Group("unemployed", "登记失业人员", 3.0),)

HOSTILE = (
    "<script>window.hacked=1</script>",
    "\"'><img src=x onerror=window.hacked=1>",
    "`${window.hacked=1}` {{ 7*7 }} {% raw %}",
    "</script><script>window.hacked=1</script>",
    "line\u2028separator\u2029and &lt;entity&gt; \\u003c",
    "javascript:window.hacked=1",
    "=cmd|'/C calc'!A0",
    "\u202eright to left",
    "]]><!--",
)


def study(**publish: Any) -> Study:
    phases = (Phase(dt.date(2025, 12, 31), 1), Phase(dt.date(2026, 12, 31), 1))
    return Study(
        name="试点区",
        area="towns.geojson",
        network=NetworkSource(file="streets.osm.pbf"),
        stations=StationSource(file="stations.csv"),
        population=PopulationSource(file="people.csv"),
        crs=CRS,
        scenario=Scenario(walk=STROLL, groups=GROUPS, siting=Siting(sites=2, phases=phases)),
        publish=Publish(**publish),
    )


def towns(names: tuple[str, str] = ("东镇", "西镇")) -> Any:
    shapes = [shapely.box(500.0, -50.0, 1050.0, 1050.0), shapely.box(-50.0, -50.0, 500.0, 1050.0)]
    return TOWNS.conform(gpd.GeoDataFrame({"town": list(names)}, geometry=shapes, crs=CRS))


def diamonds(stations: gpd.GeoDataFrame) -> Any:
    """What a walker at 1 m/s reaches in 2 and 5 minutes on the lattice, as diamonds."""
    rows = []
    for key, point in stations.geometry.items():
        for minutes in STROLL.bands:
            r = minutes * 60.0
            ring = [(point.x - r, point.y), (point.x, point.y + r), (point.x + r, point.y), (point.x, point.y - r)]
            rows.append((key, minutes, shapely.MultiPolygon([shapely.Polygon(ring)])))
    return ISOCHRONES.conform(
        gpd.GeoDataFrame(rows, columns=["station_id", "minutes", "geometry"], geometry="geometry", crs=stations.crs)
    )


def arguments(text: tuple[str, ...] = (), **publish: Any) -> dict[str, Any]:
    """Everything `draw_atlas` takes; each of `text` is used in every place a file's text can come to."""
    word = list(text) or ["一号站"]
    names = [word[i % len(word)] for i in range(len(PLACES))] if text else ["一号站", "Station Two"]
    columns = {
        column: [word[(i + n) % len(word)] if text else said for i in range(len(PLACES))]
        for n, (column, said) in enumerate(
            {"address": "人民路1号", "kind": "社区站", "tier": "街镇级", "host": "图书馆", "phone": "021-5912 0000",
             "hours": "周一至周五 9:00–17:00", "services": "职业指导、岗位推荐"}.items(), 1)
    }  # fmt: skip
    place = towns((word[0], word[-1]) if len(word) > 1 else ("东镇", "西镇"))
    stations = stations_at(*PLACES, names=names, town=list(place.index), **columns)
    demand = demand_at(corners(), 10.0, town=[place.index[0 if x >= 500 else 1] for x, _ in corners()])
    members = [12.0 if x < 300 else 3.0 for x, _ in corners()]
    demand = demand.assign(population=10.0, pop_unemployed=[min(m, 10.0) for m in members])
    withheld = float("nan")
    areas = _areas(word)
    groups = (Group("unemployed", word[3], 3.0),) if len(word) > 3 else GROUPS
    reach = _walks(stations, demand)
    coverage = measure_coverage(reach, demand)
    settings = study(**publish)
    if text:
        settings = dataclasses.replace(settings, name=word[0], scenario=dataclasses.replace(settings.scenario, groups=groups))
    return {
        "study": settings,
        "network": lattice(),
        "towns": place,
        "stations": stations,
        "coverage": coverage.assign(pop_unemployed=withheld, need=withheld),
        "scores": score_stations(reach, demand, stations.drop(columns="services")).assign(served_unemployed=withheld),
        "town_scores": score_towns(coverage, place, stations, groups, target=2).assign(covered_unemployed=[withheld, 120.0]),
        "group_scores": score_groups(coverage, groups),
        "isochrones": diamonds(stations),
        "sites": _sites(word),
        "frontier": FRONTIER.conform(
            pd.DataFrame({"stations": [2, 3, 4], "covered_pop": [450.0, 650.0, 800.0], "coverage": [0.372, 0.537, 0.661],
                          "bound": [450.0, 660.0, 820.0]})),
        "candidates": _candidates(word),
        "backdrop": gpd.GeoDataFrame(
            {"kind": ["water", "green"]}, geometry=[shapely.box(0, 0, 90, 400), shapely.box(600, 600, 690, 690)], crs=CRS),
        "areas": areas,
        "area_scores": score_areas(coverage.assign(in_old=10.0 * inside(areas)), areas, place, stations),
        "services": services(word),
        "as_of": dt.date(2025, 6, 30),
        "sources": ("Streets: © OpenStreetMap contributors, ODbL", *text),
    }  # fmt: skip


def services(word: list[str]) -> tuple[Service, ...]:
    """Two services with places, the second of another class, and one that the data does not know."""
    shops = _points([(200.0, 600.0), (300.0, 700.0), (800.0, 200.0)], name=[word[0], word[-1], ""])
    called = {"en": word[0], "zh": word[-1]} if len(word) > 1 else {"en": "shopping", "zh": "购物"}
    return (
        Service("shopping", called["en"], called["zh"], ServiceClass.BASIC, shops),
        Service("culture", "culture", "文化", ServiceClass.QUALITY, _points([(520.0, 520.0)], name=["文化宫"])),
        Service("repair", "repair", "维修", ServiceClass.BASIC, _points([], name=[])),
    )


def inside(areas: Any) -> Any:
    """Of each corner whether it lies in the first area."""
    return np.array([areas.geometry.iloc[0].covers(shapely.Point(corner)) for corner in corners()], dtype=float)


def degrees(place: tuple[float, float]) -> tuple[float, float]:
    """Latitude and longitude of a place in metres, by PROJ's own inverse."""
    lon, lat = pyproj.Proj(CRS)(*place, inverse=True)
    return lat, lon


def _points(places: list[tuple[float, float]], **columns: list[str]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapely.points(places) if places else [], crs=CRS)


def _areas(word: list[str]) -> Any:
    label = "老城" if len(word) == 1 else word[0]
    frame = gpd.GeoDataFrame(
        {"area": ["old"], "label": [label], "kind": ["crowd"], "factor": [1.5]},
        geometry=[shapely.box(-10, 390, 310, 610)],
        crs=CRS,
    )
    return AREAS.conform(frame)


def _walks(stations: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> Reach:
    """Along a lattice one walks east and north: metres are seconds at 1 m/s."""
    doors, homes = (shapely.get_coordinates(frame.geometry.to_numpy()) for frame in (stations, demand))
    walk_s = np.abs(doors[:, None, :] - homes[None, :, :]).sum(axis=2)
    door, home = np.nonzero(walk_s <= STROLL.cutoff_s)
    pairs = {"origin_id": demand.index[home], "destination_id": stations.index[door], "walk_s": walk_s[door, home]}
    return Reach.from_frame(pd.DataFrame(pairs), facility_ids=stations.index, demand_ids=demand.index)


def _sites(word: list[str]) -> Any:
    frame = gpd.GeoDataFrame(
        {"site_id": ["c1", "c2"], "name": [word[0], word[-1]], "town": ["东镇", "西镇"], "order": [1, 2], "phase": [1, 2],
         "gain_need": [200.0, 150.0], "gain_pop": [200.0, 150.0], "gain_unemployed": [float("nan"), 45.0],
         "coverage_after": [0.537, 0.661]},
        geometry=shapely.points([(5 * BLOCK_M, 9 * BLOCK_M), (6 * BLOCK_M, BLOCK_M)]), crs=CRS,
    )  # fmt: skip
    return SITES.conform(frame)


def _candidates(word: list[str]) -> Any:
    frame = gpd.GeoDataFrame(
        {"site_id": ["c1", "c2", "c3"], "name": [word[0], word[-1], word[0]], "host": word[0], "address": word[-1]},
        geometry=shapely.points([(500.0, 900.0), (600.0, 100.0), (100.0, 900.0)]), crs=CRS,
    )  # fmt: skip
    return CANDIDATES.conform(frame)
