"""GeoJSON, read without GDAL: it would fetch a CRS that is named by a link, and run pipelines that are written as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from planner.sources.files.crs import WGS84
from planner.sources.files.opening import MOST_TEXT, check_file, reading, refused
from planner.sources.files.text import decode

NO_GEOJSON = "this is not GeoJSON"
MEND = "export it again, as a GeoJSON FeatureCollection"


def read_geojson(path: Path, source: str) -> gpd.GeoDataFrame:
    """The features of a FeatureCollection (or a single Feature), in its CRS: WGS 84 unless an old ``crs`` member names another.

    Values that are lists or objects become their JSON text; a shape that cannot be read becomes None.

    Raises
    ------
    SourceError
        If it is no GeoJSON, is cut off, or names its CRS by a link (links are never followed).
    """
    check_file(path, source, MOST_TEXT)
    text = decode(path.read_bytes(), source)
    with reading(source, f"{NO_GEOJSON}, or is cut off", MEND):
        held = json.loads(text)
    features = _features(held, source)
    with reading(source, NO_GEOJSON, MEND):
        shapes = [None if feature.get("geometry") is None else json.dumps(feature["geometry"]) for feature in features]
        geometry = shapely.from_geojson(np.array(shapes, dtype=object), on_invalid="ignore")
        columns = pd.DataFrame([_properties(feature) for feature in features])
        return gpd.GeoDataFrame(columns, geometry=geometry, crs=_crs(held, source))


def _features(held: Any, source: str) -> list[Mapping[str, Any]]:
    kind = held.get("type") if isinstance(held, dict) else None
    if kind == "Feature":
        return [held]
    features = held.get("features") if kind == "FeatureCollection" else None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise refused(source, NO_GEOJSON, MEND)
    return features


def _properties(feature: Mapping[str, Any]) -> dict[str, Any]:
    held = feature.get("properties") or {}
    return {key: _plain(value) for key, value in held.items() if key != "geometry"}


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _crs(held: Mapping[str, Any], source: str) -> CRS:
    """The CRS of a file from before RFC 7946 that names one, else WGS 84."""
    said = held.get("crs")
    if said is None:
        return CRS(WGS84)
    if not isinstance(said, dict) or said.get("type") != "name":
        raise refused(source, "the file names its CRS by a link, which is not followed", "export it again in WGS 84")
    try:
        return CRS.from_user_input(said["properties"]["name"])
    except (CRSError, KeyError, TypeError) as error:
        raise refused(source, "the file names a CRS that is not known", "export it again in WGS 84") from error
