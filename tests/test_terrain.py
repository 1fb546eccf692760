"""Heights out of a raster: what they do to a walk, and what is refused."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from reach_truth import CRS
from shapely.geometry import Point

from planner.errors import PlannerWarning, SourceError
from planner.network import EdgeFlag, Network
from planner.profiles import PROFILES
from planner.reach import Streets, travel_times
from planner.reach.effort import effort_of
from planner.sources.terrain import with_terrain
from planner.study import Walk

WEST, NORTH, CELL_M = 300_000.0, 3_460_400.0, 20.0


def plane(folder: Path, rise: float, *, nodata: float | None = None, height: float = 100.0, crs: str | None = CRS) -> Path:
    """A raster of 40 x 20 cells that rises to the east by so much a metre."""
    x = (np.arange(40) + 0.5) * CELL_M
    cells = np.tile(height + rise * x, (20, 1)).astype(np.float32)
    if nodata is not None:
        cells[:, :3] = nodata
    file = folder / "hill.tif"
    about = {"driver": "GTiff", "width": 40, "height": 20, "count": 1, "dtype": "float32", "nodata": nodata}
    where = rasterio.Affine(CELL_M, 0.0, WEST, 0.0, -CELL_M, NORTH)
    with rasterio.open(file, "w", crs=crs, transform=where, **about) as raster:
        raster.write(cells, 1)
    return file


def street(*x: float, flags: int = 0) -> Network:
    """A street from west to east through these metres."""
    xy = [(WEST + at, NORTH - 200) for at in x]
    return Network.from_segments(xy, [(i, i + 1) for i in range(len(x) - 1)], crs=CRS, flags=[flags] * (len(x) - 1))


def walk_s(network: Network, home: float, station: float, profile: str = "adult") -> float:
    doors = gpd.GeoDataFrame(geometry=[Point(WEST + at, NORTH - 200) for at in (home, station)], crs=CRS)
    return float(travel_times(network, doors[1:], doors[:1], Walk(profile=profile, minutes=60)).walk_s.toarray()[0, 0])


def test_a_plane_has_its_slope_everywhere_and_up_is_not_down(tmp_path: Path) -> None:
    network = with_terrain(street(50, 130, 350, 700), plane(tmp_path, 0.1), "hill.tif")
    order = np.argsort(network.node_xy[:, 0])
    np.testing.assert_allclose(network.height_m[order], [105, 113, 135, 170], atol=1e-4)
    level_s = 600 / (4.8 / 3.6)
    up_s, down_s = walk_s(network, 60, 660), walk_s(network, 660, 60)
    assert up_s == pytest.approx(level_s * np.exp(3.5 * 0.10), rel=1e-4)  # residents walk to the station: uphill
    assert down_s == pytest.approx(level_s * np.exp(3.5 * 0.00), rel=1e-4)  # |-0.1 + 0.05| is 0.05 again: as on the level
    ride_up_s = walk_s(network, 60, 660, "bicycle")
    assert ride_up_s == pytest.approx(min(21.6 / (21.6 - 14.4), 3) * 600 / (12 / 3.6), rel=1e-4)


def test_a_flat_terrain_changes_no_second(tmp_path: Path) -> None:
    plain = street(50, 130, 350, 700)
    flat = with_terrain(plain, plane(tmp_path, 0.0), "hill.tif")
    for profile in PROFILES:
        assert walk_s(flat, 60, 660, profile) == walk_s(plain, 60, 660, profile)


def test_steps_are_slower_up_than_down_and_the_terrain_says_which(tmp_path: Path) -> None:
    stairs = street(100, 200, flags=EdgeFlag.STEPS)
    unknown_s = walk_s(stairs, 110, 190)
    hill = with_terrain(stairs, plane(tmp_path, 0.1), "hill.tif")
    up_s, down_s = walk_s(hill, 110, 190), walk_s(hill, 190, 110)
    assert (up_s, down_s) == pytest.approx((60 * 1.34 / 0.61, 60 * 1.34 / 0.694), rel=1e-5)  # 80 m at 4/3 m/s are 60 s
    assert unknown_s == pytest.approx((up_s + down_s) / 2, rel=1e-6)
    tagged = Network.from_segments(stairs.node_xy[::-1], [(0, 1)], crs=CRS, flags=[EdgeFlag.STEPS | EdgeFlag.DOWN])
    assert walk_s(tagged, 110, 190) == pytest.approx(up_s)  # it was drawn from the top, in the east
    assert not Streets.of(stairs, PROFILES["wheelchair"].gait).walked.any()


def test_no_rounding_says_which_way_steps_lead_up(tmp_path: Path) -> None:
    stairs = street(101, 205, flags=EdgeFlag.STEPS)
    unknown_s = walk_s(stairs, 110, 190)
    level = with_terrain(stairs, plane(tmp_path, 0.0, height=100.1), "hill.tif")
    for heights in (level.height_m, [100.1, 100.1 + 1e-9], [100.1 + 1e-4, 100.1]):
        known = stairs.with_heights(heights)
        assert walk_s(known, 110, 190) == walk_s(known, 190, 110) == unknown_s
    higher = stairs.with_heights(np.where(stairs.node_xy[:, 0] > WEST + 150, 100.12, 100.1))  # 2 cm are no rounding
    assert walk_s(higher, 110, 190) > unknown_s > walk_s(higher, 190, 110)


def test_a_wheelchair_takes_no_street_steeper_than_a_ramp_may_be(tmp_path: Path) -> None:
    plain = street(50, 130, 350, 700)
    ramp, steep = (with_terrain(plain, plane(tmp_path, rise), "hill.tif") for rise in (0.083, 0.084))  # 1 in 12 is 0.0833
    for there in ((60, 660), (660, 60)):  # nor down
        assert walk_s(ramp, *there, "wheelchair") > 600
        assert walk_s(steep, *there, "wheelchair") == 0  # no entry: out of reach
        assert walk_s(steep, *there, "pushchair") > 500
    gait = PROFILES["wheelchair"].gait
    kerb = Network.from_segments([[0, 0], [1, 0], [2, 0]], [[0, 1], [1, 2]], crs=CRS).with_heights([0.0, 0.15, 0.31])
    assert effort_of(kerb, gait).used.tolist() == [True, False]  # a kerb of 15 cm is passed, one of 16 cm is not
    assert effort_of(Network.from_segments([[0, 0], [12, 0]], [[0, 1]], crs=CRS).with_heights([7.1, 8.1]), gait).used.all()
    assert effort_of(kerb.with_heights(None), gait).used.all()  # nobody knows the terrain
    assert "1:12" in PROFILES["wheelchair"].sources
    assert "1:12" not in PROFILES["pushchair"].sources


@pytest.mark.parametrize(
    ("unit", "scale", "metres"), [("ft", 1.0, 0.3048), ("US survey foot", 1.0, 1200 / 3937), ("m", 0.1, 0.1)]
)
def test_heights_in_feet_or_scaled_are_metres_in_the_end(tmp_path: Path, unit: str, scale: float, metres: float) -> None:
    file = plane(tmp_path, 0.1)
    with rasterio.open(file, "r+") as raster:
        raster.units, raster.scales = (unit,), (scale,)
    found = with_terrain(street(50, 130, 350, 700), file, "hill.tif")
    order = np.argsort(found.node_xy[:, 0])
    np.testing.assert_allclose(found.height_m[order], np.array([105, 113, 135, 170]) * metres, atol=1e-4)


def test_heights_in_a_unit_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    file = plane(tmp_path, 0.1)
    with rasterio.open(file, "r+") as raster:
        raster.units = ("fathom",)
    with pytest.raises(SourceError, match=r"its heights are in 'fathom'.*save them in metres or feet"):
        with_terrain(street(50, 700), file, "hill.tif")


def test_a_bridge_does_not_dip_into_its_valley(tmp_path: Path) -> None:
    xy = [(WEST + at, NORTH - 200) for at in (100, 200, 300, 400, 500)]
    flags = [0, EdgeFlag.ALOFT, EdgeFlag.ALOFT, 0]
    network = Network.from_segments(xy, [(i, i + 1) for i in range(4)], crs=CRS, flags=flags)
    valley = plane(tmp_path, 0.1)
    with rasterio.open(valley, "r+") as raster:
        cells = raster.read(1)
        cells[:, 13:17] = 50.0  # around x = 300
        raster.write(cells, 1)
    found = with_terrain(network, valley, "hill.tif")
    order = np.argsort(found.node_id)
    assert found.height_m[order][2] == pytest.approx(130, abs=1e-3)


def test_where_the_terrain_ends_heights_are_between_and_it_is_said(tmp_path: Path) -> None:
    with pytest.warns(PlannerWarning, match=r"no height at 1 of 4 nodes"):
        network = with_terrain(street(30, 130, 350, 700), plane(tmp_path, 0.1, nodata=-9999), "hill.tif")
    order = np.argsort(network.node_xy[:, 0])
    assert network.height_m[order][0] == pytest.approx(113, abs=1e-3)  # its only neighbour's


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"crs": None}, "hill.tif: the raster has no CRS"),
        ({"height": -32768.0}, "which is no height in metres"),
        ({"height": 9500.0}, "which is no height in metres"),
    ],
)
def test_what_is_no_terrain_is_refused(tmp_path: Path, how: dict[str, object], said: str) -> None:
    file = plane(tmp_path, 0.1, **how)
    with pytest.raises(SourceError, match=said):
        with_terrain(street(50, 700), file, "hill.tif")


def test_a_terrain_elsewhere_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    file = plane(tmp_path, 0.1)
    with pytest.raises(SourceError, match="it has no height at 2 of 2 nodes"):
        with_terrain(street(50_000, 50_700), file, "hill.tif")
    with pytest.raises(SourceError, match="there is no such file"):
        with_terrain(street(50, 700), tmp_path / "none.tif", "none.tif")
    file.write_bytes(b"II*\0nonsense")
    with pytest.raises(SourceError, match="no raster that can be read"):
        with_terrain(street(50, 700), file, "hill.tif")


def test_a_terrain_is_never_read_out_of_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = tmp_path / "inside", plane(tmp_path, 0.1, height=8000.0)
    inside.mkdir()
    rasterio.shutil.copy(outside, inside / "hill.tif", driver="VRT")
    with pytest.raises(SourceError, match="no raster that can be read"):
        with_terrain(street(50, 700), inside / "hill.tif", "hill.tif")
    with pytest.raises(SourceError, match="no raster of this kind is read"):
        with_terrain(street(50, 700), (inside / "hill.tif").rename(inside / "hill.vrt"), "hill.vrt")
    monkeypatch.setattr("planner.sources.terrain.MOST_CELLS", 200)  # coarser, so that overviews would serve
    hill, half = plane(inside, 0.1), tmp_path / "half.tif"
    with rasterio.open(outside) as raster, rasterio.open(half, "w", **raster.profile | {"width": 20, "height": 10}) as small:
        small.write(raster.read(out_shape=(1, 10, 20)))
    overviews = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{half}</MDI></Metadata>'
    hill.with_name("hill.tif.aux.xml").write_text(f"<PAMDataset>{overviews}</PAMDataset>", encoding="utf-8")
    with rasterio.open(hill) as raster:
        assert raster.read(1, out_shape=(10, 20)).min() > 8000  # GDAL by itself follows it
    assert with_terrain(street(50, 700), hill, "hill.tif").height_m.max() < 200
