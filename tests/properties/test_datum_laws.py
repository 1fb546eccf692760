"""Laws of the datums, wherever a point lies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.datum import bd09_to_wgs84, gcj02_to_wgs84, is_shifted, to_wgs84, wgs84_to_bd09, wgs84_to_gcj02

CM = 0.01 / 111_320.0  # degrees of one centimetre
EDGE = 0.02  # degrees: some 2 km, more than any shift

inside = st.tuples(st.floats(72.004 + EDGE, 137.8347 - EDGE), st.floats(0.8293 + EDGE, 55.8271 - EDGE))
anywhere = st.tuples(st.floats(-180, 180), st.floats(-85, 85))


@given(inside)
def test_there_and_back_is_the_same_place_to_a_centimetre(place: tuple[float, float]) -> None:
    for there, back in ((wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)):
        lon, lat = back(*there(*place))
        assert abs(float(lon) - place[0]) < CM
        assert abs(float(lat) - place[1]) < CM


@given(anywhere)
def test_far_from_china_gcj02_is_untouched(place: tuple[float, float]) -> None:
    lon, lat = place
    far = not is_shifted([lon - EDGE, lon + EDGE, lon, lon], [lat, lat, lat - EDGE, lat + EDGE]).any()
    if far:
        assert tuple(map(float, wgs84_to_gcj02(lon, lat))) == place
        assert tuple(map(float, to_wgs84(lon, lat, "gcj02"))) == place


@given(inside, st.sampled_from(["gcj02", "bd09"]))
def test_no_shift_is_longer_than_two_kilometres(place: tuple[float, float], datum: str) -> None:
    lon, lat = to_wgs84(*place, datum)
    assert abs(float(lon) - place[0]) < EDGE
    assert abs(float(lat) - place[1]) < EDGE
