"""The one CRS of a study: metric, true to length where the study lies, and the UTM zone by default."""

from __future__ import annotations

from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from planner.errors import CrsError, Fault
from planner.network import MOST_STRETCH, stretch_at, utm_at
from planner.schema import is_metric
from planner.study import DATUMS, plain_coordinates

WGS84 = "EPSG:4326"


def utm_crs(outline: BaseGeometry) -> str:
    """The UTM zone (WGS 84) in which the middle of `outline`, in degrees, lies.

    >>> from shapely.geometry import box
    >>> utm_crs(box(121.1, 31.2, 121.4, 31.5)), utm_crs(box(-51.3, -30.1, -51.1, -30.0))
    ('EPSG:32651', 'EPSG:32722')
    """
    west, south, east, north = outline.bounds
    return utm_at((west + east) / 2, (south + north) / 2)


def crs_faults(said: str, outline: BaseGeometry, file: str, column: str = "crs") -> list[Fault]:
    """What keeps a CRS from being the study's: unknown, not in metres, or not true to length at `outline` (degrees)."""
    better = f"write {utm_crs(outline)}, or leave the key out"
    try:
        crs = CRS.from_user_input(said)
    except CRSError:
        return [Fault("this CRS is not known", better, file, column=column, value=said)]
    if not is_metric(crs):
        return [Fault("this CRS is not in metres", better, file, column=column, value=said)]
    stretch = stretch_at(crs, outline.centroid.x, outline.centroid.y)
    if stretch > MOST_STRETCH:
        problem = f"this CRS is {stretch:.0%} off in lengths where the area lies"
        return [Fault(problem, better, file, column=column, value=said)]
    return []


def crs_of(coordinates: str) -> CRS:
    """The CRS that a key ``coordinates`` means, before any shift of a datum is undone.

    Raises
    ------
    CrsError
        If the EPSG code is not known.
    """
    try:
        said = plain_coordinates(coordinates)
        return CRS.from_user_input(WGS84 if said in DATUMS else said)
    except (CRSError, ValueError) as error:
        fault = Fault(f"the coordinates {coordinates!r} are not known", "use wgs84, gcj02, bd09 or an EPSG code")
        raise CrsError(str(fault), [fault]) from error
