"""The invented ground: towns, villages, river, lake, parks; all in metres from the district's south-west corner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from shapely.geometry import LineString, MultiPoint, Polygon

Floats = npt.NDArray[np.float64]

CRS = "EPSG:32651"
EAST_M, NORTH_M = 540_000.0, 3_260_000.0  # of the south-west corner: open East China Sea, where no land is
WIDTH_M, HEIGHT_M = 18_000.0, 22_000.0
SEED = 20_250_630

MOTORWAY_X_M = 9_750.0
RIVER_HALF_M = 70.0
LAKE = (14_400.0, 16_300.0, 1_700.0, 1_150.0)  # middle and half axes
ISLET = (14_700.0, 16_200.0, 260.0, 200.0)


@dataclass(frozen=True)
class Town:
    """A town: its centre, residents, how far its streets reach and how close they stand.

    ``turn`` is the angle of a street grid in degrees; None for grown streets. ``villages`` is how many lie around it.
    """

    code: str
    name: str
    x: float
    y: float
    people: int
    radius_m: float
    spacing_m: float
    turn: float | None = None
    villages: int = 0


TOWNS = (
    Town("CZ", "城中街道", 7_300, 11_000, 58_000, 1_350, 88),
    Town("CB", "城北街道", 7_700, 14_700, 46_000, 1_300, 112),
    Town("XC", "新城街道", 11_900, 7_700, 78_000, 1_900, 132, 9),
    Town("LH", "临湖街道", 11_900, 14_000, 38_000, 1_300, 138, -14),
    Town("LY", "柳荫镇", 3_300, 10_400, 34_000, 1_100, 118, None, 3),
    Town("BS", "白石镇", 3_100, 16_600, 26_000, 950, 122, None, 5),
    Town("QH", "青禾镇", 7_300, 19_000, 24_000, 850, 120, 21, 5),
    Town("YX", "云溪镇", 12_600, 19_700, 20_000, 750, 116, None, 7),
    Town("DD", "东渡镇", 15_900, 12_900, 30_000, 950, 118, None, 3),
    Town("JS", "金穗镇", 15_300, 4_300, 32_000, 1_050, 130, -4, 5),
    Town("SG", "松岗镇", 3_700, 4_200, 22_000, 700, 114, None, 9),
    Town("LT", "莲塘镇", 8_500, 3_300, 42_000, 1_250, 124, 30, 4),
)

_OUT = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)


def lonlat(xy: npt.ArrayLike) -> Floats:
    """WGS-84 degrees, rounded to a centimetre (7 decimals), of metres from the corner."""
    metres = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    lon, lat = _OUT.transform(metres[:, 0] + EAST_M, metres[:, 1] + NORTH_M)
    return np.round(np.column_stack([lon, lat]), 7)


def meander(xy: Floats) -> Floats:
    """Points moved by a smooth field, up to some 200 m: makes straight borders look drawn by history."""
    x, y = xy[:, 0], xy[:, 1]
    dx = 120 * np.sin(y / 1_150 + 0.7) + 70 * np.sin(y / 430 + x / 900)
    dy = 120 * np.sin(x / 1_300 + 2.1) + 70 * np.sin(x / 510 - y / 800)
    return np.column_stack([x + dx, y + dy])


def outline() -> Polygon:
    """The border of the district."""
    square = shapely.segmentize(shapely.box(350, 350, WIDTH_M - 350, HEIGHT_M - 350), 250)
    return shapely.transform(square, meander)


def town_polygons() -> list[Polygon]:
    """The towns in the order of `TOWNS`: the ground nearest to each centre, with winding borders that fit together."""
    centres = MultiPoint([(town.x, town.y) for town in TOWNS])
    frame = shapely.box(350, 350, WIDTH_M - 350, HEIGHT_M - 350)
    cells = shapely.get_parts(shapely.voronoi_polygons(centres, extend_to=frame))
    found = []
    for town in TOWNS:
        cell = next(cell for cell in cells if cell.contains(shapely.Point(town.x, town.y)))
        found.append(shapely.transform(shapely.segmentize(_rounded(cell.intersection(frame)), 250), meander))
    return found


def _rounded(shape: Polygon) -> Polygon:
    return shapely.set_precision(shape, 0.01)


def river_y(x: npt.ArrayLike) -> Floats:
    """Where the middle of the river lies at x."""
    along = np.asarray(x, dtype=np.float64)
    return 13_800 + 900 * np.sin(along / 2_600) - 0.17 * along


def river() -> Polygon:
    """The river from the west coast to the east coast."""
    x = np.arange(0.0, WIDTH_M + 1, 120.0)
    width = RIVER_HALF_M + 18 * np.sin(x / 900)
    north, south = np.column_stack([x, river_y(x) + width]), np.column_stack([x, river_y(x) - width])
    return Polygon(np.vstack([south, north[::-1]]))


def _oval(middle_x: float, middle_y: float, half_x: float, half_y: float, waves: float) -> Polygon:
    turn = np.linspace(0, 2 * np.pi, 73)[:-1]
    reach = 1 + 0.12 * np.sin(3 * turn + waves) + 0.05 * np.sin(7 * turn)
    return Polygon(np.column_stack([middle_x + half_x * reach * np.cos(turn), middle_y + half_y * reach * np.sin(turn)]))


def lake() -> Polygon:
    """The lake, without its islet."""
    return Polygon(_oval(*LAKE, 0.4).exterior, [_oval(*ISLET, 1.3).exterior])


def islet() -> Polygon:
    """The islet in the lake: people live there and only a boat goes."""
    return _oval(*ISLET, 1.3)


def parks() -> list[tuple[str, Polygon]]:
    """Parks and the wood in the south-west, by name."""
    places = [
        ("人民公园", 7_900, 10_400, 190, 150), ("滨河公园", 5_700, 12_900, 520, 130), ("新城中央公园", 11_850, 8_350, 330, 260),
        ("临湖公园", 12_650, 14_900, 420, 230), ("北园", 7_200, 15_300, 170, 170), ("柳荫公园", 3_650, 9_900, 160, 130),
        ("金穗公园", 15_000, 4_750, 180, 140), ("莲塘公园", 8_900, 2_900, 210, 160), ("松岗森林", 1_900, 5_500, 900, 1_300),
    ]  # fmt: skip
    return [(name, _oval(x, y, half_x, half_y, x / 1_000)) for name, x, y, half_x, half_y in places]


def motorway() -> LineString:
    """The motorway from coast to coast, south to north."""
    y = np.arange(0.0, HEIGHT_M + 1, 250.0)
    return LineString(np.column_stack([MOTORWAY_X_M + 420 * np.sin(y / 4_300), y]))


def villages(rng: np.random.Generator) -> Floats:
    """Middles of villages around the towns that have some: (n, 2), a good kilometre from towns and from each other."""
    dry, found = outline().difference(shapely.union_all([river(), lake(), parks()[-1][1]])), [(t.x, t.y) for t in TOWNS]
    for town, polygon in zip(TOWNS, town_polygons(), strict=True):
        inside, left = polygon.buffer(-450).intersection(dry.buffer(-300)), town.villages
        west, south, east, north = inside.bounds
        for draw in rng.random((4_000, 2)):
            x, y = west + draw[0] * (east - west), south + draw[1] * (north - south)
            apart = min(np.hypot(x - other[0], y - other[1]) for other in found)
            far = apart > 1_050 and np.hypot(x - town.x, y - town.y) > town.radius_m + 700
            if left and far and shapely.contains_xy(inside, x, y):
                found.append((x, y))
                left -= 1
    return np.array(found[len(TOWNS) :])
