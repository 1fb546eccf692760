"""Whether a file looks as if its coordinates were in another datum than it says: how near its points are to the streets."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from planner.datum import is_shifted, to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from planner.errors import Fault
from planner.network import Network
from planner.reach import link_points
from planner.sources.files.crs import WGS84

Floats = npt.NDArray[np.float64]

FEWEST = 8  # points; fewer prove nothing
MANY = 30  # points; of so many the farthest tenth tells too, where streets are so dense that half are always near one
FAR_M = 1000.0  # a point farther from any street counts as so far
TIMES_NEARER = 2.0  # the other datum must bring the points to half the distance,
LEAST_GAIN_M = 10.0  # by this many metres,
LEAST_SHARE = 0.7  # and so many of the points one by one
MOST = 5000  # points that are looked at
DATUMS = ("wgs84", "gcj02", "bd09")


def datum_fault(network: Network, places: gpd.GeoDataFrame, declared: str, source: str) -> Fault | None:
    """A fault where the places of a file fit the streets far better in another datum than in the one it declares.

    Premises stand some 10-30 m from a street, and borders of towns, zones and areas run along streets. In the wrong datum they
    are off by 100-1500 m, and lie as far from streets as points thrown at random. The fault says the median distance to the
    street in each datum.

    Parameters
    ----------
    network
        The walking network, in the places' CRS.
    places
        Points or polygons as read with `declared`, of which the corners are taken; at least 8, else nothing is said.
    declared
        ``wgs84``, ``cgcs2000``, ``gcj02`` or ``bd09``; with an EPSG code, and outside China, nothing is said.
    source
        The file, for the message.
    """
    plain = "wgs84" if declared == "cgcs2000" else declared
    xy = _thinned(np.unique(shapely.get_coordinates(np.asarray(places.geometry)), axis=0))
    if plain not in DATUMS or len(xy) < FEWEST:
        return None
    lon, lat = Transformer.from_crs(places.crs, WGS84, always_xy=True).transform(xy[:, 0], xy[:, 1])
    if not is_shifted(lon, lat).all():
        return None
    written = _as_written(lon, lat, plain)
    found = {datum: _to_street_m(network, _placed(written, datum, places.crs)) for datum in DATUMS if datum != plain}
    found[plain] = _to_street_m(network, xy)
    medians = {datum: float(np.median(found[datum])) for datum in DATUMS}
    best = min((datum for datum in DATUMS if datum != plain), key=medians.__getitem__)
    if not (_fits_better(found[best], found[plain], 0.5) or (len(xy) >= MANY and _fits_better(found[best], found[plain], 0.9))):
        return None
    each = ", ".join(f"{datum} {_said_m(medians[datum])}" for datum in DATUMS)
    problem = f"the places look like {best}, not {declared}: half of them are within so far of a street: {each}"
    return Fault(
        problem, f'write coordinates = "{best}" for this file in study.toml', source, column="coordinates", value=declared
    )


def _fits_better(other_m: Floats, own_m: Floats, share: float) -> bool:
    """Whether so large a share of the places is far nearer to the streets in the other datum, and most one by one."""
    own, other = float(np.quantile(own_m, share)), float(np.quantile(other_m, share))
    return own >= TIMES_NEARER * other and own - other >= LEAST_GAIN_M and float(np.mean(other_m < own_m)) >= LEAST_SHARE


def _said_m(metres: float) -> str:
    return f"over {FAR_M:.0f} m" if metres >= FAR_M else f"{metres:.0f} m"


def _thinned(xy: Floats) -> Floats:
    """At most so many points, evenly through them: enough for a median."""
    return xy[:: max(1, len(xy) // MOST)]


def _as_written(lon: Floats, lat: Floats, datum: str) -> tuple[Floats, Floats]:
    """WGS-84 degrees back into what the file says."""
    forward = {"wgs84": lambda x, y: (x, y), "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
    return forward[datum](lon, lat)


def _placed(written: tuple[Floats, Floats], datum: str, crs: object) -> Floats:
    """Where the file's points lie if what it says is in `datum`: (n, 2) metres."""
    lon, lat = to_wgs84(*written, datum)
    return np.column_stack(Transformer.from_crs(WGS84, crs, always_xy=True).transform(lon, lat))


def _to_street_m(network: Network, xy: Floats) -> Floats:
    return np.minimum(link_points(network, xy, FAR_M).link_m, FAR_M)
