"""What tells in which datum places were written: streets, homes, and the towns that rows name.

Each witness says of a set of places in each datum how well they lie; for streets and homes chance is asked too: the same places
moved together, 200 times, so that a town of regular blocks or of one dense centre is no proof of anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from scipy.spatial import cKDTree

from planner.datum import to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from planner.network import Network
from planner.reach import link_points
from planner.schema import Towns, is_blank
from planner.sources.files.crs import WGS84
from planner.sources.files.towns import match_town

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Score = Callable[[Floats], Floats]  # how well each place lies, as a logarithm

DATUMS = ("wgs84", "gcj02", "bd09")
FAR_M = 1000.0  # a point farther from any street counts as so far
DOOR_M = 15.0  # doors stand so far from their street: the scale of a bell curve
STRANGE = 0.05  # of places stand anywhere
HOME_M = 100.0  # people so near a place live there
NEAR_BORDER_M = 5.0  # a point so near its town's border lies in it
CHANCES, MOST_MOVED = 200, 300  # moves that say what chance does, and places that are moved
NEAREST_MOVE_M, FARTHEST_MOVE_M = 150.0, 1500.0


@dataclass(frozen=True)
class Homes:
    """Where residents live, known without any of the files that are judged: (n, 2) metres and people."""

    xy: Floats
    people: Floats

    def near(self) -> Score:
        """A score: the logarithm of the people who live within 100 m of each place, and one."""
        tree = cKDTree(self.xy)

        def around(places: Floats) -> Floats:
            found = cast("list[list[int]]", tree.query_ball_point(places, HOME_M))
            place = np.repeat(np.arange(len(found)), [len(here) for here in found])
            home = np.fromiter(chain.from_iterable(found), dtype=np.int64)
            return np.bincount(place, weights=self.people[home], minlength=len(found)).astype(np.float64)

        def score(places: Floats) -> Floats:  # some at a time: each may have many homes
            some = np.array_split(places, -(-len(places) // MOST_MOVED))
            return np.asarray(np.log1p(np.concatenate([around(few) for few in some])), dtype=np.float64)

        return score


def at_doors(street_m: Floats) -> Floats:
    """How much each place looks like a door: the logarithm of a bell curve of its distance to the street."""
    return np.asarray(np.log(STRANGE + (1 - STRANGE) * np.exp(-0.5 * (street_m / DOOR_M) ** 2)), dtype=np.float64)


def by_chance(moved: dict[str, Floats], plain: str, score: Score) -> dict[str, float]:
    """For each datum, how often chance scores as well: of the places moved together anywhere 150-1500 m off, with a fixed seed.

    Never 0: of 200 moves the least is 1 in 201.
    """
    few = {datum: xy[:: -(-len(xy) // MOST_MOVED)] for datum, xy in moved.items()}
    rng = np.random.default_rng(1)
    angle, far = rng.uniform(0, 2 * np.pi, CHANCES), rng.uniform(NEAREST_MOVE_M, FARTHEST_MOVE_M, CHANCES)
    ways = np.column_stack([far * np.cos(angle), far * np.sin(angle)])
    everywhere = (few[plain] + ways[:, None]).reshape(-1, 2)
    chance = score(everywhere).reshape(CHANCES, -1).mean(axis=1)
    return {datum: float((1 + (chance >= score(xy).mean() - 1e-12).sum()) / (CHANCES + 1)) for datum, xy in few.items()}


def strays(places: gpd.GeoDataFrame, plain: str, towns: Towns) -> dict[str, Marks]:
    """For each datum the places may be written in, which of those that name a town lie outside of it; empty where none does."""
    named, grounds = _named(places, towns)
    own = shapely.get_coordinates(np.asarray(places.geometry))[named] if named.any() else np.zeros((0, 2))
    if not len(own):
        return {}
    moved = in_each_datum(own, plain, places.crs)
    return {datum: shapely.distance(shapely.points(xy), grounds) > NEAR_BORDER_M for datum, xy in moved.items()}


def strays_of_area(places: gpd.GeoDataFrame, plain: str, towns: Towns) -> dict[str, Marks]:
    """The same for each datum the towns' borders may be written in, the places staying where they are."""
    named, _ = _named(places, towns)
    if not named.any():
        return {}
    points = np.asarray(places.geometry)[named]
    found = {}
    for datum in DATUMS:
        _, grounds = _named(places, moved_towns(towns, plain, datum))
        found[datum] = shapely.distance(points, grounds) > NEAR_BORDER_M
    return found


def moved_towns(towns: Towns, plain: str, datum: str) -> Towns:
    """The towns as they lie if their file, read in one datum, is written in another."""
    if datum == plain:
        return towns
    shapes = shapely.transform(np.asarray(towns.geometry), lambda xy: in_each_datum(xy, plain, towns.crs)[datum])
    return Towns(towns.set_geometry(gpd.GeoSeries(shapes, index=towns.index, crs=towns.crs)))


def _named(places: gpd.GeoDataFrame, towns: Towns) -> tuple[Marks, npt.NDArray[np.object_]]:
    """Which points name a town of the area, and the ground of each such town."""
    if "town" not in places or not (places.geometry.geom_type == "Point").all():
        return np.zeros(len(places), dtype=np.bool_), np.empty(0, dtype=object)
    words = places["town"].tolist()
    meant = {word: None if is_blank(word) else match_town(str(word), towns.index) for word in dict.fromkeys(words)}
    said = [meant[word] for word in words]
    named = np.array([name is not None for name in said], dtype=np.bool_)
    return named, np.asarray(towns.geometry.loc[[name for name in said if name is not None]])


def in_each_datum(own: Floats, plain: str, crs: object) -> dict[str, Floats]:
    """Where the places lie if what the file writes is in each datum; those of the datum declared as they are."""
    written = as_written(*degrees_of(own, crs), plain)
    return {datum: own if datum == plain else _placed(written, datum, crs) for datum in DATUMS}


def degrees_of(xy: Floats, crs: object) -> tuple[Floats, Floats]:
    """WGS-84 degrees of (n, 2) metres."""
    lon, lat = Transformer.from_crs(crs, WGS84, always_xy=True).transform(xy[:, 0], xy[:, 1])
    return lon, lat


def as_written(lon: Floats, lat: Floats, datum: str) -> tuple[Floats, Floats]:
    """WGS-84 degrees back into what the file says."""
    forward = {"wgs84": lambda x, y: (x, y), "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
    return forward[datum](lon, lat)


def to_street_m(network: Network, xy: Floats) -> Floats:
    """Metres from each place to the nearest street, at most 1000."""
    return np.minimum(link_points(network, xy, FAR_M).link_m, FAR_M)


def _placed(written: tuple[Floats, Floats], datum: str, crs: object) -> Floats:
    """Where the file's points lie if what it says is in `datum`: (n, 2) metres."""
    lon, lat = to_wgs84(*written, datum)
    return np.column_stack(Transformer.from_crs(WGS84, crs, always_xy=True).transform(lon, lat))
