"""The three datums, against an independent implementation and by arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from planner.datum import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    is_shifted,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

METRES_A_DEGREE = 111_320.0  # of latitude, and at most of longitude


def off_m(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """The largest distance between two sets of degrees, in metres (a little too much away from the equator)."""
    return float(np.hypot(ours[0] - theirs[0], ours[1] - theirs[1]).max() * METRES_A_DEGREE)


def all_over_china(count: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.uniform(72.5, 137.5, count), rng.uniform(3.0, 55.0, count)


@pytest.fixture(scope="module")
def oracle():
    """geocoordinates-rs, written in Rust by others."""
    return pytest.importorskip("geocoordinates_ffi.geocoordinates_ffi", reason="geocoordinates-rs is not installed")


def test_gcj02_is_what_another_library_says_to_a_micrometre(oracle) -> None:
    lon, lat = all_over_china()
    said = [oracle.wgs84_to_gcj02(oracle.Wgs84(lat=y, lon=x)) for x, y in zip(lon, lat, strict=True)]
    assert off_m(wgs84_to_gcj02(lon, lat), (np.array([p.lon for p in said]), np.array([p.lat for p in said]))) < 1e-6


def test_bd09_is_what_another_library_says_to_a_micrometre(oracle) -> None:
    lon, lat = all_over_china()
    said = [oracle.wgs84_to_bd09(oracle.Wgs84(lat=y, lon=x)) for x, y in zip(lon, lat, strict=True)]
    assert off_m(wgs84_to_bd09(lon, lat), (np.array([p.lon for p in said]), np.array([p.lat for p in said]))) < 1e-6


def test_the_way_back_is_where_another_library_says_within_its_own_error(oracle) -> None:
    lon, lat = all_over_china(100)
    said = [oracle.gcj02_to_wgs84_refined(oracle.Gcj02(lat=y, lon=x)) for x, y in zip(lon, lat, strict=True)]
    assert off_m(gcj02_to_wgs84(lon, lat), (np.array([p.lon for p in said]), np.array([p.lat for p in said]))) < 0.5


def test_there_and_back_is_the_same_place_to_a_fifth_of_a_millimetre() -> None:
    lon, lat = all_over_china(20_000)
    assert off_m(gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat)), (lon, lat)) < 2e-4
    assert off_m(bd09_to_gcj02(*gcj02_to_bd09(lon, lat)), (lon, lat)) < 2e-4
    assert off_m(bd09_to_wgs84(*wgs84_to_bd09(lon, lat)), (lon, lat)) < 2e-4


def test_back_and_there_is_the_same_place_too() -> None:
    lon, lat = all_over_china(20_000)
    assert off_m(wgs84_to_gcj02(*gcj02_to_wgs84(lon, lat)), (lon, lat)) < 2e-4
    assert off_m(wgs84_to_bd09(*bd09_to_wgs84(lon, lat)), (lon, lat)) < 2e-4


def test_in_jiading_the_shift_is_some_five_hundred_metres() -> None:
    lon, lat = wgs84_to_gcj02(121.25, 31.38)
    east_m = (float(lon) - 121.25) * METRES_A_DEGREE * np.cos(np.radians(31.38))
    north_m = (float(lat) - 31.38) * METRES_A_DEGREE
    assert 300 < np.hypot(east_m, north_m) < 700


@pytest.mark.parametrize("place", [(24.94, 60.17), (-51.2, -30.0), (0.0, 0.0), (139.7, 35.7)], ids=str)
def test_outside_the_rectangle_gcj02_is_wgs84(place: tuple[float, float]) -> None:
    assert tuple(map(float, wgs84_to_gcj02(*place))) == place
    assert tuple(map(float, gcj02_to_wgs84(*place))) == place


def test_the_rectangle_has_its_edges_inside() -> None:
    assert is_shifted([72.004, 137.8347, 72.0039, 100.0], [30.0, 30.0, 30.0, 55.8272]).tolist() == [True, True, False, False]


def test_what_is_given_is_not_changed_and_shapes_are_kept() -> None:
    lon, lat = np.full((2, 3), 121.25), np.full((2, 3), 31.38)
    shifted = bd09_to_wgs84(lon, lat)
    assert shifted[0].shape == shifted[1].shape == (2, 3)
    assert (lon == 121.25).all()
    assert (lat == 31.38).all()
    same = to_wgs84(lon, lat, "cgcs2000")
    assert same[0] is not lon
    assert (same[0] == lon).all()


def test_a_missing_coordinate_stays_missing() -> None:
    lon, lat = bd09_to_wgs84([np.nan, 121.25], [31.0, 31.38])
    assert np.isnan(lon[0])
    assert np.isfinite([lon[1], lat[1]]).all()


def test_each_point_is_turned_on_its_own() -> None:
    lon, lat = all_over_china(50)
    together = bd09_to_wgs84(lon, lat)
    alone = [bd09_to_wgs84(x, y) for x, y in zip(lon, lat, strict=True)]
    assert off_m((np.array([float(x) for x, _ in alone]), np.array([float(y) for _, y in alone])), together) < 1e-6


def test_a_datum_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        to_wgs84(121.0, 31.0, "beijing54")
