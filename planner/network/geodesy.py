"""Metres along the ground between near places on the WGS-84 ellipsoid, and how true to them a map plane is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Proj
from pyproj.exceptions import ProjError
from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]

A_M = 6_378_137.0  # WGS-84, semi-major axis
MOST_STRETCH = 0.01  # a walk of 900 m is then right to 9 m; UTM stays within 0.001, Web Mercator is 0.17 off in Shanghai
E2 = 6.694379990141316e-3  # WGS-84, first eccentricity squared


def ground_m(start: Floats, end: Floats) -> Floats:
    """Metres along the ellipsoid between places given as (n, 2) longitudes and latitudes in degrees, within a few km.

    Notes
    -----
    ``dx = N cos(phi) dlambda``, ``dy = M dphi`` at the middle latitude, with the radii of curvature N (prime vertical) and M
    (meridian). Good to 1e-7 of the length below 1 km; for streets, not for journeys.

    Examples
    --------
    >>> ground_m(np.array([[121.0, 31.0]]), np.array([[121.001, 31.0]])).round(3)
    array([95.504])
    >>> ground_m(np.array([[179.9995, 31.0]]), np.array([[-179.9995, 31.0]])).round(3)
    array([95.504])
    """
    middle = np.radians((start[:, 1] + end[:, 1]) / 2)
    apart = end - start
    apart[:, 0] -= 360.0 * np.round(apart[:, 0] / 360.0)  # the short way over the antimeridian
    step = np.radians(apart)
    curve = 1.0 - E2 * np.sin(middle) ** 2
    east = A_M / np.sqrt(curve) * np.cos(middle) * step[:, 0]
    north = A_M * (1.0 - E2) / curve**1.5 * step[:, 1]
    return np.asarray(np.hypot(east, north), dtype=np.float64)


def in_one_piece(shape: BaseGeometry) -> BaseGeometry:
    """A shape in degrees that has corners on both sides of 180°, with those to the east of it beyond 180 rather than below 0.

    Other shapes stay as they are. A place is on the short way around the earth from the rest.

    >>> in_one_piece(shapely.box(-179.9, 10, 179.9, 11)).bounds
    (179.9, 10.0, 180.1, 11.0)
    """
    west, _, east, _ = shape.bounds if not shape.is_empty else (0.0, 0.0, 0.0, 0.0)
    if east - west <= 180.0:
        return shape
    return shapely.transform(shape, lambda at: np.column_stack([np.where(at[:, 0] < 0, at[:, 0] + 360.0, at[:, 0]), at[:, 1]]))


def cut_at_180(shape: BaseGeometry) -> BaseGeometry:
    """A shape in degrees that lies across 180° as a part on either side (RFC 7946, section 3.1.9); others as they are.

    >>> cut_at_180(shapely.box(-179.9, 10, 179.9, 11)).wkt
    'MULTIPOLYGON (((179.9 11, 180 11, 180 10, 179.9 10, 179.9 11)), ((-179.9 11, -179.9 10, -180 10, -180 11, -179.9 11)))'
    """
    whole = in_one_piece(shape)
    if whole is shape:
        return shape
    low, high = whole.bounds[1], whole.bounds[3]
    near = shapely.intersection(whole, shapely.box(0.0, low, 180.0, high))
    far = shapely.intersection(whole, shapely.box(180.0, low, 360.0, high))
    back = shapely.transform(far, lambda at: at - [360.0, 0.0])
    return shapely.MultiPolygon([part for part in shapely.get_parts([near, back]) if part.geom_type == "Polygon"])


def stretch_at(crs: Any, lon: float, lat: float) -> float:
    """How far lengths are off there, as a share: 0 is true to length, infinite where the CRS is not defined."""
    try:
        factors = Proj(crs).get_factors(lon, lat, errcheck=True)
    except ProjError:
        return math.inf
    return max(abs(factors.meridional_scale - 1), abs(factors.parallel_scale - 1))


def utm_at(lon: float, lat: float) -> str:
    """The UTM zone (WGS 84) of a place in degrees.

    >>> utm_at(121.25, 31.35), utm_at(-51.2, -30.0)
    ('EPSG:32651', 'EPSG:32722')
    >>> utm_at(180.1, -16.8), utm_at(179.9, -16.8)
    ('EPSG:32701', 'EPSG:32760')
    """
    zone = math.floor((lon + 180) % 360 / 6) + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
