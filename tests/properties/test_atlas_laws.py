"""Laws of the pages: packing loses no more than a metre, squares keep the people, no text leaves its block."""

from __future__ import annotations

import json

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from test_atlas import numbers, unpack

from planner import style
from planner.network import Network
from planner.publish.atlas.page import to_json
from planner.publish.atlas.shapes import pack_numbers, pack_points
from planner.publish.atlas.streets import strokes

WHOLE = st.integers(min_value=-(2**45), max_value=2**45)
DEGREES = st.tuples(st.floats(-85, 85), st.floats(-180, 180))


@given(st.lists(WHOLE, max_size=30))
def test_numbers_come_back_as_they_were(values):
    assert numbers(pack_numbers(values)) == values


@given(st.lists(st.lists(DEGREES, min_size=1, max_size=6), min_size=1, max_size=5))
def test_points_come_back_within_half_a_step_and_in_their_rings(rings):
    flat = np.array([point for ring in rings for point in ring])
    starts = np.cumsum([0, *map(len, rings[:-1])])
    (found,) = unpack(pack_points(flat, starts))
    assert [len(ring) for ring in found] == [len(ring) for ring in rings]
    assert np.abs(np.concatenate(found) - flat).max() <= 0.5e-5 + 1e-9


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=40), max_size=4))
def test_no_text_can_leave_its_block_and_all_of_it_arrives(texts):
    block = to_json(texts)
    assert not set(block) & set("<>&\u2028\u2029")
    assert json.loads(block) == texts


@given(st.lists(st.floats(0, 1e7), max_size=60))
def test_classes_have_rising_breaks_and_a_colour_each(values):
    classes = style.classify(values, style.NEED_COLOURS)
    assert list(classes.breaks) == sorted(set(classes.breaks))
    assert len(classes.colours) == len(classes.breaks) + 1 == len(classes.legend())
    assert set(np.unique(classes.place(values))) <= set(range(len(classes.colours)))


@given(st.integers(0, 10**6), st.integers(4, 12))
def test_strokes_keep_every_metre_of_street(seed, count):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 1000, (count, 2))
    ends = rng.integers(0, count, (3 * count, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    if not len(ends):
        return

    network = Network.from_segments(xy, ends, crs="EPSG:32651")
    lines = strokes(network, network.bounds)
    assert np.isclose(shapely.length(lines).sum(), network.length_m.sum())
    assert shapely.get_num_coordinates(lines).sum() - len(lines) == len(network.ends)
