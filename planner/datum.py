"""WGS-84, GCJ-02 and BD-09: the three ways coordinates are written in China, turned into one another.

GCJ-02 (Amap, Tencent, Google's maps of China) is WGS-84 shifted by some 100-700 m; BD-09 (Baidu) is GCJ-02 shifted once more.
Neither was ever published; the formulas are those in general use since 2013 (the ``eviltransform`` family).

**Where it applies.** GCJ-02 is shifted only inside the rectangle 72.004-137.8347° E, 0.8293-55.8271° N that all
implementations share: a point outside it is left as it is, in both directions. (The rectangle is wider than China; the
maps that use GCJ-02 do the same for mainland China only, so data from abroad must be declared as WGS-84.) BD-09 adds its own
shift everywhere, as Baidu does.

All functions take longitudes and latitudes in degrees, of any equal shape, and give two new float64 arrays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Degrees = npt.NDArray[np.float64]
Shift = Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271  # the rectangle inside which GCJ-02 shifts
KRASOVSKY_A_M = 6378245.0  # semi-major axis of the ellipsoid of the formula
KRASOVSKY_EE = 0.00669342162296594323  # its squared eccentricity
BAIDU_PI = np.pi * 3000.0 / 180.0
GCJ_STEPS, BAIDU_STEPS = 4, 6  # of the fixed point back; each adds two digits or more, so these reach the last one of a float


def wgs84_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    """WGS-84 degrees as GCJ-02 degrees; untouched outside the rectangle.

    >>> lon, lat = wgs84_to_gcj02([121.4737, 2.35], [31.2304, 48.85])
    >>> lon.round(6).tolist(), lat.round(6).tolist()
    ([121.478223, 2.35], [31.228458, 48.85])
    """
    east, north = _degrees(lon, lat)
    shifted = _shifted(east, north)
    inside = is_shifted(east, north)
    return np.where(inside, shifted[0], east), np.where(inside, shifted[1], north)


def gcj02_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    """GCJ-02 degrees as WGS-84 degrees: the inverse of `wgs84_to_gcj02`, by fixed point.

    Law: a WGS-84 point of the rectangle, there and back, is the same point to better than 1 mm; so is a point more than
    1 km outside it. (In between, a GCJ-02 point may stand for two; the one inside is given.)
    """
    east, north = _degrees(lon, lat)
    back = _inverse(_shifted, east, north, GCJ_STEPS)
    inside = is_shifted(*back)
    return np.where(inside, back[0], east), np.where(inside, back[1], north)


def gcj02_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    """GCJ-02 degrees as BD-09 degrees."""
    east, north = _degrees(lon, lat)
    radius = np.hypot(east, north) + 0.00002 * np.sin(north * BAIDU_PI)
    angle = np.arctan2(north, east) + 0.000003 * np.cos(east * BAIDU_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def bd09_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    """BD-09 degrees as GCJ-02 degrees: the inverse of `gcj02_to_bd09`, by fixed point."""
    return _inverse(gcj02_to_bd09, *_degrees(lon, lat), BAIDU_STEPS)


def wgs84_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    """WGS-84 degrees as BD-09 degrees, by way of GCJ-02."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    """BD-09 degrees as WGS-84 degrees, by way of GCJ-02.

    >>> lon, lat = bd09_to_wgs84(*wgs84_to_bd09(121.25, 31.38))
    >>> round(float(lon), 9), round(float(lat), 9)
    (121.25, 31.38)
    """
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: str) -> tuple[Degrees, Degrees]:
    """Degrees of a named datum (``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``) as WGS-84 degrees.

    CGCS2000 and WGS-84 differ by centimetres, and are taken as one.

    Raises
    ------
    KeyError
        If the datum has another name.
    """
    backs: dict[str, Shift] = {"wgs84": _degrees, "cgcs2000": _degrees, "gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
    return backs[datum](*_degrees(lon, lat))


def is_shifted(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether WGS-84 points lie in the rectangle inside which GCJ-02 shifts."""
    east, north = _degrees(lon, lat)
    return np.asarray((east >= WEST) & (east <= EAST) & (north >= SOUTH) & (north <= NORTH))


def _degrees(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    return np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)


def _inverse(forward: Shift, lon: Degrees, lat: Degrees, steps: int) -> tuple[Degrees, Degrees]:
    """Where `forward` comes from: the guess is moved by what it still misses, a fixed number of times."""
    east, north = lon, lat
    for _ in range(steps):
        there = forward(east, north)
        east, north = east - (there[0] - lon), north - (there[1] - lat)
    return east, north


def _shifted(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """GCJ-02 of WGS-84 as if there were no rectangle: wobbles in metres, turned into degrees on the formula's ellipsoid."""
    x, y = lon - 105.0, lat - 35.0
    both = 20.0 * (np.sin(6.0 * np.pi * x) + np.sin(2.0 * np.pi * x))
    root, product = 0.2 * np.sqrt(np.abs(x)), 0.1 * x * y
    metres_n = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + product + root + (both + _waves_north(y)) * 2.0 / 3.0
    metres_e = 300.0 + x + 2.0 * y + 0.1 * x * x + product + 0.5 * root + (both + _waves_east(x)) * 2.0 / 3.0
    phi = np.radians(lat)
    flat = 1.0 - KRASOVSKY_EE * np.sin(phi) ** 2
    meridian_m = KRASOVSKY_A_M * (1.0 - KRASOVSKY_EE) / flat**1.5
    parallel_m = KRASOVSKY_A_M / np.sqrt(flat) * np.cos(phi)
    return lon + np.degrees(metres_e / parallel_m), lat + np.degrees(metres_n / meridian_m)


def _waves_north(y: Degrees) -> Degrees:
    return np.asarray(
        20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)
        + 160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)
    )  # fmt: skip


def _waves_east(x: Degrees) -> Degrees:
    return np.asarray(
        20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)
        + 150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)
    )  # fmt: skip
