"""Boundaries of the towns of a place: the place by its name from Nominatim, its towns from Overpass, shaped by OSMnx."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, PlannerWarning, SourceError, StudyError
from planner.sources.fetch.web import Web
from planner.sources.files.area import SLIVER_M2
from planner.sources.files.opening import reading, refused
from planner.sources.files.towns import match_town
from planner.study import Fetching

AREA_IDS = 3_600_000_000  # Overpass calls the area of relation r by this plus r
MOST_RESULTS = "5"
EQUAL_AREA = "EPSG:6933"
PAUSE_S = 1.0  # between two questions to public servers, by their terms of use


def fetch_place(web: Web, nominatim: str, place: str) -> tuple[int, str, BaseGeometry]:
    """The relation that `place` means, what it is called in full, and its outline in degrees.

    Raises
    ------
    StudyError
        If OpenStreetMap knows no area of that name.
    SourceError
        If the server cannot be asked.
    """
    url = f"{nominatim}/search"
    body = web.ask(url, {"q": place, "format": "jsonv2", "limit": MOST_RESULTS, "polygon_geojson": "1"})
    with reading(url, "the server's answer is no list of places", "try again later, or name a mirror"):
        found = [(said["osm_type"], int(said["osm_id"]), str(said["display_name"]), said) for said in json.loads(body)]
    for kind, number, name, said in found:
        if kind == "relation" and said.get("geojson", {}).get("type") in ("Polygon", "MultiPolygon"):
            with reading(url, "the place has no outline that can be read", "name another place"):
                return number, name, shapely.make_valid(shapely.from_geojson(json.dumps(said["geojson"])))
    others = "; ".join(name for _, _, name, _ in found[:3])
    mend = f"OpenStreetMap has no outline of {others}; name the district" if others else "write it as 嘉定区, 上海市"
    fault = Fault("OpenStreetMap knows no area of this name", mend, column="network.place", value=place)
    raise StudyError(str(fault), [fault])


def fetch_towns(web: Web, overpass: str, place: tuple[int, str, BaseGeometry], asked: Fetching) -> gpd.GeoDataFrame:
    """The towns of a place in degrees: ``town`` and ``osm_id``, sorted by name.

    Where the study names the towns there should be, they are called as it calls them; those that OpenStreetMap does not have
    are said, and the ground that is in none of the others becomes one more town, so that nobody who lives there is lost.

    Raises
    ------
    SourceError
        If the server cannot be asked, or has no town there.
    """
    number, name, outline = place
    time.sleep(PAUSE_S if web.patience.pause_s >= PAUSE_S else 0.0)
    query = (
        f"[out:xml][timeout:180];area({AREA_IDS + number})->.place;"
        f'rel(area.place)["boundary"="administrative"]["admin_level"="{asked.town_level}"];(._;>;);out body;'
    )
    url = f"{overpass}/interpreter"
    shapes = shapes_of_xml(ask_overpass(web, url, query), url)
    inside = shapes[shapes.representative_point().within(outline)]
    towns = inside.dissolve("town", as_index=False, aggfunc="first")
    if towns.empty:
        mend = "set fetch.town_level to OpenStreetMap's admin_level of its towns"
        raise refused(url, f"OpenStreetMap has no boundary of level {asked.town_level} in {name}", mend)
    return _as_named(towns, name, outline, asked.towns).sort_values("town", ignore_index=True)


def ask_overpass(web: Web, url: str, query: str) -> bytes:
    """The answer of an Overpass server as OSM XML, which says so where it could not finish."""
    body = web.ask(url, data={"data": query})
    head = body[:2000].lstrip()
    if not head.startswith(b"<?xml") or b"<osm" not in head or b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise refused(url, "the server's answer is no OpenStreetMap data", "try again later, or name a mirror")
    if b"<remark>" in body[-2000:]:
        raise refused(url, "the server could not finish (too much, or too busy)", "try again later, or name a mirror")
    return body


def shapes_of_xml(body: bytes, url: str) -> gpd.GeoDataFrame:
    """The administrative boundaries in OSM XML as polygons: ``town``, ``osm_id``."""
    import osmnx  # it takes a second to import, and only this needs it

    with TemporaryDirectory(prefix="planner-towns-") as folder:
        file = Path(folder, "towns.osm")
        file.write_bytes(body)
        try:
            with reading(url, "the boundaries cannot be read", "try again later, or name a mirror"):
                found = osmnx.features_from_xml(file, tags={"boundary": "administrative"})
        except SourceError as error:
            if not isinstance(error.__cause__, osmnx._errors.InsufficientResponseError):
                raise
            return gpd.GeoDataFrame({"town": [], "osm_id": []}, geometry=[], crs="EPSG:4326")
    named = found[found.geom_type.isin(["Polygon", "MultiPolygon"])].reset_index()
    names = named.get("name", pd.Series(dtype=object)).map(lambda name: str(name).strip() if isinstance(name, str) else "")
    kept = names.reindex(named.index, fill_value="") != ""
    table = {"town": names[kept].to_numpy(), "osm_id": named.loc[kept, "id"].astype(str).to_numpy()}
    return gpd.GeoDataFrame(table, geometry=named.geometry[kept].to_numpy(), crs="EPSG:4326")


def _as_named(towns: gpd.GeoDataFrame, place: str, outline: BaseGeometry, wanted: tuple[str, ...]) -> gpd.GeoDataFrame:
    if not wanted:
        return towns
    names = towns["town"].tolist()
    meant = {match_town(name, names): name for name in wanted}
    missing = [name for name in wanted if match_town(name, names) is None]
    others = [name for name in names if name not in meant]
    towns = towns.assign(town=[meant.get(name, name) for name in names])
    if others:
        said = f"OpenStreetMap has {', '.join(others)} in {place}, which fetch.towns does not name; kept"
        warnings.warn(said, PlannerWarning, stacklevel=3)
    if not missing:
        return towns
    rest = shapely.difference(outline, shapely.union_all(towns.geometry.to_numpy()))
    km2 = gpd.GeoSeries([rest], crs=towns.crs).to_crs(EQUAL_AREA).area.iloc[0] / 1e6
    said = f"OpenStreetMap has no boundary of {', '.join(missing)}"
    if km2 * 1e6 < SLIVER_M2:
        warnings.warn(f"{said}, and the other towns fill the whole of {place}", PlannerWarning, stacklevel=3)
        return towns
    called = missing[0] if len(missing) == 1 else "、".join(missing)
    said = f"{said}; the {km2:.1f} km² of {place} in none of the others stand for it: draw the borders in the area file"
    warnings.warn(said, PlannerWarning, stacklevel=3)
    polygons = [part for part in shapely.get_parts(rest) if part.geom_type == "Polygon" and part.area > 0]
    row = gpd.GeoDataFrame({"town": [called], "osm_id": [""]}, geometry=[shapely.MultiPolygon(polygons)], crs=towns.crs)
    return gpd.GeoDataFrame(pd.concat([towns, row], ignore_index=True), crs=towns.crs)
