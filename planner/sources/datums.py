"""Whether a file looks as if its coordinates were in another datum than it says.

Two witnesses are heard: how near its places are to the streets, and whether they lie in the towns that their rows name.
"""

from __future__ import annotations

import warnings

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from planner.datum import is_shifted, to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from planner.errors import Fault, PlannerWarning
from planner.network import Network
from planner.reach import link_points
from planner.schema import Towns, is_blank
from planner.sources.files.crs import WGS84
from planner.sources.files.towns import match_town

Floats = npt.NDArray[np.float64]

FEWEST = 8  # points; fewer prove nothing
MANY = 30  # points; of so many the farthest tenth tells too, where streets are so dense that half are always near one
FAR_M = 1000.0  # a point farther from any street counts as so far
TIMES_NEARER = 2.0  # the other datum must bring the points to half the distance,
LEAST_GAIN_M = 10.0  # by this many metres,
LEAST_SHARE = 0.7  # and so many of the points one by one
MOST = 5000  # points that are looked at
NEAR_BORDER_M = 5.0  # a point so near its town's border lies in it
FEWEST_BACK, TIMES_BACK = 5, 5  # points that must come back into their towns, and how many for each that leaves its own
AGAINST = 1.5  # times as far from streets speaks against a datum
CLOSER = 0.8  # of the median distance to a street, where chance is asked
CHANCES, MOST_MOVED = 60, 500  # moves that say what chance does, and points that are moved
LEAST_SIGMAS, LEAST_LEAD = 2.5, 2.0  # standard deviations nearer than chance, and than in the datum declared
DATUMS = ("wgs84", "gcj02", "bd09")
DATUM_KEY = "coordinates"  # of the study file


def datum_fault(
    network: Network, places: gpd.GeoDataFrame, declared: str, source: str, towns: Towns | None = None
) -> Fault | None:
    """A fault where the places of a file fit far better in another datum than in the one it declares.

    Premises stand some 10-30 m from a street, and borders of towns, zones and areas run along streets. In the wrong datum they
    are off by 100-1500 m, and lie as far from streets as points thrown at random; and those near a border lie in another town
    than their row says.

    Parameters
    ----------
    network
        The walking network, in the places' CRS.
    places
        Points or polygons as read with `declared`, of which the corners are taken; at least 8, else nothing is said. A column
        ``town`` says which town each point names.
    declared
        ``wgs84``, ``cgcs2000``, ``gcj02`` or ``bd09``; with an EPSG code, and outside China, nothing is said.
    source
        The file, for the message.
    towns
        The area; with it the towns that rows name are a witness too.

    Returns
    -------
    A fault that says how far the places are off, the median distance to the street in each datum and, of rows that name a
    town, the share outside of it; None where the datum declared fits, or nothing can be told.

    Warns
    -----
    PlannerWarning
        Where streets are so dense that any place is near one, and the places still lie better in another datum: better than in
        the one declared, and than if they are moved together anywhere in the neighbourhood.
    """
    plain = "wgs84" if declared == "cgcs2000" else declared
    own = _thinned(np.unique(shapely.get_coordinates(np.asarray(places.geometry)), axis=0))
    if plain not in DATUMS or len(own) < FEWEST or not is_shifted(*_degrees_of(own, places.crs)).all():
        return None
    moved = _in_each_datum(own, plain, places.crs)
    found = {datum: _to_street_m(network, xy) for datum, xy in moved.items()}
    strays = {} if towns is None else _strays(places, plain, towns)
    best = _named_better(strays, found, plain) or _nearer(found, plain)
    if best is not None:
        return _fault(moved, found, strays, best, declared, source, plain)
    likely = _likely(network, moved, found, plain)
    if likely is not None:
        fault = _fault(moved, found, strays, likely, declared, source, plain)
        warnings.warn(f"{source}: {fault.problem}; it is no proof, for streets are dense here: look at one place on a map "
                      f"before you {fault.mend}", PlannerWarning, stacklevel=2)  # fmt: skip
    return None


def _fault(
    moved: dict[str, Floats],
    found: dict[str, Floats],
    strays: dict[str, npt.NDArray[np.bool_]],
    best: str,
    declared: str,
    source: str,
    plain: str,
) -> Fault:
    off_m = float(np.median(np.hypot(*(moved[best] - moved[plain]).T)))
    each = ", ".join(f"{datum} {_said_m(float(np.median(found[datum])))}" for datum in DATUMS)
    problem = (
        f"the places look like {best}, not {declared}, and would be {off_m:.0f} m off: half of them are within so far of a "
        f"street: {each}"
    )
    if strays and strays[best].sum() < strays[plain].sum():
        shares = ", ".join(f"{datum} {np.mean(strays[datum]):.0%}" for datum in DATUMS)
        problem += f"; so many of them outside the town they name: {shares}"
    mend = f'write coordinates = "{best}" for this file in study.toml'
    return Fault(problem, mend, source, column=DATUM_KEY, value=declared)


def _in_each_datum(own: Floats, plain: str, crs: object) -> dict[str, Floats]:
    """Where the places lie if what the file writes is in each datum; those of the datum declared as they are."""
    written = _as_written(*_degrees_of(own, crs), plain)
    return {datum: own if datum == plain else _placed(written, datum, crs) for datum in DATUMS}


def _nearer(found: dict[str, Floats], plain: str) -> str | None:
    """The datum in which places are far nearer to the streets, by their median or, of many, by their farthest tenth."""
    best = min((datum for datum in DATUMS if datum != plain), key=lambda datum: float(np.median(found[datum])))
    shares = (0.5, 0.9) if len(found[plain]) >= MANY else (0.5,)
    return best if any(_fits_better(found[best], found[plain], share) for share in shares) else None


def _strays(places: gpd.GeoDataFrame, plain: str, towns: Towns) -> dict[str, npt.NDArray[np.bool_]]:
    """For each datum, which points lie outside the town that their row names; empty where too few name one."""
    if "town" not in places or not (places.geometry.geom_type == "Point").all():
        return {}
    said = [None if is_blank(name) else match_town(str(name), towns.index) for name in places["town"]]
    named = np.array([name is not None for name in said], dtype=bool)
    if named.sum() < FEWEST:
        return {}
    grounds = np.asarray(towns.geometry.loc[[name for name in said if name is not None]])
    own = shapely.get_coordinates(np.asarray(places.geometry))[named]
    moved = _in_each_datum(own, plain, places.crs)
    return {datum: shapely.distance(shapely.points(xy), grounds) > NEAR_BORDER_M for datum, xy in moved.items()}


def _named_better(strays: dict[str, npt.NDArray[np.bool_]], found: dict[str, Floats], plain: str) -> str | None:
    """The datum that brings places back into the towns they name, and hardly one out; the streets must not speak against it."""
    if not strays:
        return None
    others = [datum for datum in DATUMS if datum != plain]
    best = min(others, key=lambda datum: (int(strays[datum].sum()), float(np.median(found[datum]))))
    back, out = int((strays[plain] & ~strays[best]).sum()), int((~strays[plain] & strays[best]).sum())
    farther = float(np.median(found[best])) > AGAINST * float(np.median(found[plain])) + LEAST_GAIN_M
    return best if back >= FEWEST_BACK and back >= TIMES_BACK * out and not farther else None


def _likely(network: Network, moved: dict[str, Floats], found: dict[str, Floats], plain: str) -> str | None:
    """The datum whose places lie nearer to streets than chance has it, where those of the declared one do not.

    Chance is the same places moved together, 150-1500 m any way, 60 times with a fixed seed; nearness is the mean logarithm of
    the distance and 5 m, in standard deviations of those.
    """
    best = min((datum for datum in DATUMS if datum != plain), key=lambda datum: _closeness(found[datum]))
    if float(np.median(found[best])) > CLOSER * float(np.median(found[plain])):
        return None
    few = moved[plain][:: max(1, len(moved[plain]) // MOST_MOVED)]
    rng = np.random.default_rng(1)
    angle, far = rng.uniform(0, 2 * np.pi, CHANCES), rng.uniform(150.0, 1500.0, CHANCES)
    ways = np.column_stack([far * np.cos(angle), far * np.sin(angle)])
    chance = np.array([_closeness(_to_street_m(network, few + way)) for way in ways])
    spread = float(chance.std())
    if spread <= 0:
        return None
    own, other = ((float(chance.mean()) - _closeness(found[datum])) / spread for datum in (plain, best))
    return best if other >= LEAST_SIGMAS and other - own >= LEAST_LEAD else None


def _closeness(street_m: Floats) -> float:
    return float(np.mean(np.log(street_m + 5.0)))


def _degrees_of(xy: Floats, crs: object) -> tuple[Floats, Floats]:
    lon, lat = Transformer.from_crs(crs, WGS84, always_xy=True).transform(xy[:, 0], xy[:, 1])
    return lon, lat


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
