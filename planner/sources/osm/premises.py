"""Host premises out of OpenStreetMap: libraries, community centres, town halls and whatever else is asked for by tag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import scipy  # its rooms load when they are first used
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, StudyError, say_faults
from planner.sources.osm.extract import Tags
from planner.sources.osm.shapes import Geometries, Shapes, read_shapes

SAME_WITHIN_M = 50.0  # two premises of one name as near as this are one, mapped twice
LONGEST_TEXT = 200  # letters of a name or address that are kept: names from OSM are strangers
NAMES = ("name", "name:zh", "name:zh-Hans", "official_name", "name:en", "operator")
PHONES = ("phone", "contact:phone", "contact:mobile", "mobile")
ADDRESS = ("full", "city", "district", "street", "housenumber", "postcode")
TEXTS = ("name", "address", "phone", "hours")


def read_premises(path: str | Path, tags: Iterable[str], *, crs: Any, area: BaseGeometry | None = None) -> gpd.GeoDataFrame:
    """Premises with one of `tags`, each once, as points.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    tags
        ``key=value`` such as ``amenity=library``; ``key=*`` takes any value. The first that fits is the premises' host.
    crs
        A projected CRS in metres.
    area
        Keep premises whose point lies in it, a (Multi)Polygon in `crs`; None keeps all.

    Returns
    -------
    GeoDataFrame with ``osm_id`` (``n1``, ``w2``, ``r3``), ``name`` (in the local language; else Chinese, English, the operator;
    empty if none), ``address``, ``host`` (the tag that fits), ``phone``, ``hours`` (as OSM writes them) and points: a node's
    place, or of an area its centroid if that lies inside, else a point that does. Nodes first, then by number.

    Premises mapped twice are one: those of one name within 50 m of each other, and those of one host and name (or without a
    name) inside another's area. The one that says most stays, and takes over what only the other says.

    Raises
    ------
    StudyError
        If a tag is not written ``key=value``.
    SourceError
        If the file cannot be read.
    """
    return read_kinds_of_premises(path, {"": tuple(tags)}, crs=crs, area=area)[""]


def read_kinds_of_premises(
    path: str | Path, kinds: Mapping[str, Iterable[str]], *, crs: Any, area: BaseGeometry | None = None
) -> dict[str, gpd.GeoDataFrame]:
    """`read_premises` for several kinds of premises, each with its own tags, in one reading of the file.

    Premises that have tags of two kinds are of both.
    """
    wanted = {kind: _wanted(tags) for kind, tags in kinds.items()}
    keys = sorted({key for pairs in wanted.values() for key, _ in pairs})
    found = read_shapes(path, keys, crs=crs, with_points=True)
    return {kind: _premises(found, pairs, crs, area) for kind, pairs in wanted.items()}


def _premises(found: Shapes, wanted: Sequence[tuple[str, str]], crs: Any, area: BaseGeometry | None) -> gpd.GeoDataFrame:
    hosts = np.array([_host(each, wanted) for each in found.tags], dtype=object)
    found, hosts = found.keep(hosts != ""), hosts[hosts != ""]
    table = gpd.GeoDataFrame(
        {
            "osm_id": found.osm_id,
            "name": [_first(each, NAMES) for each in found.tags],
            "address": [address_of(each) for each in found.tags],
            "host": hosts,
            "phone": [_first(each, PHONES) for each in found.tags],
            "hours": [_first(each, ("opening_hours",)) for each in found.tags],
        },
        geometry=_points(found.shape),
        crs=crs,
    )
    table = _merged(table, found)
    return table if area is None else table[shapely.intersects(area, table.geometry)].reset_index(drop=True)


def address_of(tags: Tags) -> str:
    """The address in one line: ``addr:full``, else its parts in the order of the language the street is named in.

    >>> address_of({"addr:street": "Main Street", "addr:housenumber": "5", "addr:city": "Utrecht", "addr:postcode": "3511"})
    'Main Street 5, 3511 Utrecht'
    >>> address_of({"addr:street": "塔城路", "addr:housenumber": "5", "addr:district": "嘉定区"})
    '嘉定区塔城路5号'
    """
    part = {
        key: _clean(tags.get(f"addr:{key}", "")) for key in ("full", "city", "district", "street", "housenumber", "postcode")
    }
    if part["full"]:
        return part["full"]
    street = part["street"] or _clean(tags.get("addr:place", ""))
    number = part["housenumber"]
    if any("\u4e00" <= letter <= "\u9fff" for letter in street):
        return part["city"] + part["district"] + street + (f"{number}号" if number.isdigit() else number)
    town = " ".join(filter(None, (part["postcode"], part["city"])))
    return ", ".join(filter(None, (f"{street} {number}".strip(), town)))


def _wanted(tags: Iterable[str]) -> list[tuple[str, str]]:
    pairs, faults = [], []
    for tag in tags:
        key, _, value = (part.strip() for part in tag.partition("="))
        pairs.append((key, value))
        if not key or not value:
            faults.append(
                Fault("this is no OSM tag", 'write "amenity=library", or "amenity=*" for any', column="osm", value=tag)
            )
    if faults:
        raise StudyError(say_faults(faults), faults)
    return pairs


def _host(tags: Tags, wanted: Sequence[tuple[str, str]]) -> str:
    """The first tag asked for that fits, as ``key=value``; values may be lists with semicolons."""
    for key, value in wanted:
        values = [each.strip() for each in tags.get(key, "no").split(";")]
        if value in values:
            return f"{key}={value}"
        if value == "*" and values != ["no"]:
            return f"{key}={values[0]}"
    return ""


def _first(tags: Tags, keys: Sequence[str]) -> str:
    return next((text for key in keys if (text := _clean(tags.get(key, "")))), "")


def _clean(text: str) -> str:
    """One line without control or direction marks, of bounded length."""
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text[: 4 * LONGEST_TEXT])
    return re.sub(" +", " ", visible).strip()[:LONGEST_TEXT]


def _points(shapes: Geometries) -> Geometries:
    """Points stay; an area becomes its centroid if that lies inside, else a point that does."""
    middle = shapely.centroid(shapes)
    inside = np.asarray(shapely.intersects(shapes, middle), dtype=bool)
    return np.where(inside, middle, shapely.point_on_surface(shapes)) if len(shapes) else shapes


def _merged(table: gpd.GeoDataFrame, found: Shapes) -> gpd.GeoDataFrame:
    """Each premises once."""
    leader = list(range(len(table)))

    def head(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    filled = (table[list(TEXTS)] != "").sum(axis=1).tolist()
    columns = {column: table[column].tolist() for column in TEXTS}
    for i, j in sorted(_same_name(table) | _same_place(table, found)):
        first, *others = sorted({head(i), head(j)}, key=lambda k: (-filled[k], k))
        for other in others:
            leader[other] = first
            for values in columns.values():
                values[first] = values[first] or values[other]
    kept = np.array([leader[i] == i for i in range(len(table))], dtype=bool)
    return table.assign(**columns)[kept].reset_index(drop=True)


def _same_name(table: gpd.GeoDataFrame) -> set[tuple[int, int]]:
    """Pairs of one name within 50 m of each other."""
    if not len(table):
        return set()
    names = table["name"].tolist()
    pairs = scipy.spatial.cKDTree(shapely.get_coordinates(table.geometry.to_numpy())).query_pairs(SAME_WITHIN_M)
    return {(i, j) for i, j in pairs if names[i] and names[i] == names[j]}


def _same_place(table: gpd.GeoDataFrame, found: Shapes) -> set[tuple[int, int]]:
    """Pairs of one host, one inside the other's area, that do not have two different names."""
    inner, outer = shapely.STRtree(found.shape).query(table.geometry.to_numpy(), predicate="within")
    names, hosts = table["name"].tolist(), table["host"].tolist()
    pairs: set[tuple[int, int]] = set()
    taken: set[int] = set()
    for i, j in sorted(zip(inner.tolist(), outer.tolist(), strict=True)):
        if i == j or hosts[i] != hosts[j] or (names[i] and names[j] and names[i] != names[j]):
            continue
        if not names[j] and j in taken:
            continue  # an area without a name around several premises is one of them, not a bond between them
        taken.add(j)
        pairs.add((min(i, j), max(i, j)))
    return pairs
