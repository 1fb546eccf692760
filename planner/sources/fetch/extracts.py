"""Which of Geofabrik's extracts holds an area: the index that comes inside pyrosm, asked without a network."""

from __future__ import annotations

import difflib
import functools
import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, SourceError, StudyError
from planner.sources.fetch.servers import HOMES

KEY = "network.extract"


@dataclass(frozen=True)
class Extract:
    """One extract: its id, where it lies on the server, its bytes when the index was made (if known), what it covers."""

    name: str
    path: str
    size: int | None
    shape: BaseGeometry

    @property
    def file(self) -> str:
        return Path(self.path).name


@functools.cache
def extracts() -> tuple[Extract, ...]:
    """Every extract of the index, smallest area first.

    Raises
    ------
    SourceError
        If pyrosm carries no index, or one of another form.
    """
    found = importlib.util.find_spec("pyrosm")
    folder = Path(str(found.origin)).parent if found else Path("pyrosm")
    index = folder / "data" / "geofabrik_index.geojson.gz"
    try:
        features = json.loads(gzip.decompress(index.read_bytes()))["features"]
        read = [_extract(feature) for feature in features if feature["properties"].get("pbf")]
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        fault = Fault("pyrosm carries no index of extracts that can be read", "install pyrosm 0.25 or newer", str(index))
        raise SourceError(str(fault), [fault], str(index)) from error
    return tuple(sorted(read, key=lambda extract: (extract.shape.area, extract.name)))


def _extract(feature: dict[str, dict[str, str]]) -> Extract:
    said = feature["properties"]
    size = int(said["bytes"]) if said.get("bytes") else None
    path = urlsplit(said["pbf"]).path if said["pbf"].startswith(HOMES["geofabrik"]) else ""
    return Extract(said["id"], path, size, shapely.from_geojson(json.dumps(feature["geometry"])))


def extract_named(name: str) -> Extract:
    """The extract that Geofabrik calls `name`.

    >>> extract_named("shanghai").path
    '/asia/china/shanghai-latest.osm.pbf'

    Raises
    ------
    StudyError
        If there is none; names the nearest.
    """
    known = {extract.name: extract for extract in extracts()}
    if name in known:
        return known[name]
    alike = difflib.get_close_matches(name.casefold(), known, n=3, cutoff=0.5)
    mend = f"did you mean {' or '.join(alike)}?" if alike else "leave it out, and the smallest that covers the area is taken"
    fault = Fault("Geofabrik has no extract of this name", mend, column=KEY, value=name)
    raise StudyError(str(fault), [fault])


def smallest_covering(area: BaseGeometry) -> Extract:
    """The smallest extract that covers `area` (degrees) whole.

    >>> smallest_covering(shapely.box(121.2, 31.3, 121.3, 31.4)).name
    'shanghai'

    Raises
    ------
    StudyError
        If none does.
    """
    for extract in extracts():
        if shapely.make_valid(extract.shape).covers(area):
            return extract
    fault = Fault("no extract covers the whole area", "name one, or cut the network out yourself", column=KEY)
    raise StudyError(str(fault), [fault])
