"""The servers that data are fetched from: their addresses, the mirrors that stand for them, and their licences."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from planner.errors import Fault, StudyError
from planner.study import Mirrors


@dataclass(frozen=True)
class Licence:
    """Under what terms data come, and whose name must stand beside them."""

    name: str
    url: str
    attribution: str


ODBL = Licence("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/", "© OpenStreetMap contributors")
GHSL = Licence(
    "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/", "GHS-POP R2023A, European Commission, Joint Research Centre"
)
WORLDPOP = Licence("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/", "WorldPop R2025A, University of Southampton")

HOMES: Mapping[str, str] = {
    "geofabrik": "https://download.geofabrik.de",
    "overpass": "https://overpass-api.de/api",
    "nominatim": "https://nominatim.openstreetmap.org",
    "ghs_pop": "https://jeodpp.jrc.ec.europa.eu/ftp/jrc-opendata/GHSL",
    "worldpop": "https://data.worldpop.org",
}


def address_of(server: str, mirrors: Mirrors, environment: Mapping[str, str] | None = None) -> str:
    """The base address of a server, without a slash at its end: the environment's ``PLANNER_MIRROR_…``, else the study's
    mirror, else the server itself.

    >>> address_of("geofabrik", Mirrors(), {"PLANNER_MIRROR_GEOFABRIK": "http://mirror.example/osm/"})
    'http://mirror.example/osm'
    >>> address_of("worldpop", Mirrors(), {})
    'https://data.worldpop.org'

    Raises
    ------
    StudyError
        If it is no ``http://`` or ``https://`` address.
    """
    variable = f"PLANNER_MIRROR_{server.upper()}"
    said = (os.environ if environment is None else environment).get(variable)
    where = variable if said else f"fetch.mirrors.{server}"
    address = said or getattr(mirrors, server) or HOMES[server]
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    if not fits:
        fault = Fault(
            "this is no address of a server", "write one such as https://mirror.example/osm", "", None, where, address
        )
        raise StudyError(str(fault), [fault])
    return address.rstrip("/")
