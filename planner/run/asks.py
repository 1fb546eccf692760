"""Questions about one study that are not a whole run: times between any places, and the way from one place."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planner.errors import Fault, SourceError
from planner.network import in_one_piece
from planner.run.results import Progress, Steps, Survey
from planner.run.standing import read_counted
from planner.run.walks import Walks
from planner.schema import (
    POINTS,
    Towns,
)
from planner.sources.cache import cache_folder
from planner.sources.files import read_area, read_candidates, read_table
from planner.sources.files.fit import with_towns
from planner.sources.osm import margin_m, read_network
from planner.sources.population import read_demand
from planner.study import Study
from planner.way import explain_place


def walking_times(study: Study, origins: str, destinations: str, *, progress: Progress | None = None) -> pd.DataFrame:
    """Walking times within the cutoff as a long table ``from_id``, ``to_id``, ``walk_s`` (seconds), sorted by both ids.

    `origins` and `destinations` are ``stations`` (those that stand), ``candidates``, ``demand``, or a file of points with
    an id, ``lon`` and ``lat``. Where the residents of towns walk differently, the town of the origin decides. From a place
    to itself (the same id and the same spot on both sides) it takes 0 s.
    """
    steps = Steps(progress)
    with steps.step("reading tables"):
        towns = read_area(study)
        places = [_points(study, what, towns) for what in (origins, destinations)]
    with steps.step("reading the street network") as inner:
        network = read_network(study, towns=towns, progress=inner)
    with steps.step("measuring walking times") as inner:
        walks = Walks(network, places[0], study.scenario.walk, cache_folder() if origins == "demand" else None)
        reach = walks.to(places[1], progress=inner)
    table = reach.to_frame()
    table.loc[_stays(table, *places), "walk_s"] = 0.0
    names = {"origin_id": "from_id", "destination_id": "to_id"}
    return table.rename(columns=names).set_index(["from_id", "to_id"]).sort_index()


def _stays(table: pd.DataFrame, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> pd.Series:
    """Which walks end where they begin: at the same id, in the same spot."""
    same = table["origin_id"].astype(str) == table["destination_id"].astype(str)
    alike = table[same]
    sides = ((origins, "origin_id"), (destinations, "destination_id"))
    one, other = (shapely.get_coordinates(np.asarray(places.geometry.reindex(alike[name]))) for places, name in sides)
    same[same] = (one == other).all(axis=1)
    return same


def _points(study: Study, what: str, towns: Towns) -> gpd.GeoDataFrame:
    if what == "stations":
        return read_counted(study, towns).standing
    if what == "candidates":
        return read_candidates(study, towns=towns)
    if what == "demand":
        return read_demand(study, towns)
    if not Path(what).exists():
        fault = Fault("there is no such file", "write stations, candidates, demand, or a file of points", what)
        raise SourceError(str(fault), [fault], what)
    return with_towns(read_table(what, POINTS, str(study.crs)), towns)


def explain(survey: Survey, lon: float, lat: float, *, nearest: int = 3) -> tuple[gpd.GeoDataFrame, str]:
    """The nearest stations of a place in degrees, the way there leg by leg, and why it is covered or not.

    Of a place outside the area this is said first, and how far it lies from which area.
    """
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", survey.network.crs, always_xy=True)
    place = shapely.Point(to_metres.transform(lon, lat))
    inside = survey.towns.index[survey.towns.intersects(place)]
    walk = survey.study.scenario.walk.for_town(str(inside[0]) if len(inside) else None)
    ways, reason = explain_place(survey.network, survey.stations, place, walk, nearest=nearest)
    return ways, reason if len(inside) else f"{_outside(survey, place)} {reason}"


def _outside(survey: Survey, place: shapely.Point) -> str:
    west, south, east, north = in_one_piece(survey.towns.to_crs("EPSG:4326").union_all()).bounds
    area = f"{survey.study.name} ({len(survey.towns)} towns, {west:.3f},{south:.3f} to {east:.3f},{north:.3f})"
    far_km = float(survey.towns.distance(place).min()) / 1000
    far = f"lies {far_km:.1f} km outside of {area}" if np.isfinite(far_km) else f"cannot be measured from {area}"
    around = margin_m(survey.study.scenario.walk)
    return (
        f"This place {far}, whose streets are read to {around / 1000:.1f} km around it, and nobody who lives here is counted."
    )
