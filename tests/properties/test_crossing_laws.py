"""Laws of bridges, tunnels and layers: ways join where they share a node, and nowhere else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from osm_builders import CRS, Town

from planner.network import Network
from planner.reach import find_islands
from planner.sources.osm import read_osm_network
from planner.study import Walk

SIDE = 4
law = settings(max_examples=30, deadline=None)
how = st.sampled_from(
    [{}, {"bridge": "yes", "layer": "1"}, {"tunnel": "yes", "layer": "-1"}, {"layer": "2"}, {"covered": "yes"}]
)


@st.composite
def towns(draw: st.DrawFn) -> tuple[Town, list[list[int]]]:
    """Streets east and streets north that cross everywhere, each perhaps a bridge or a tunnel; some crossings share a node."""
    shared = draw(st.lists(st.booleans(), min_size=SIDE * SIDE, max_size=SIDE * SIDE))
    made, ways = Town(), []
    for level in range(2):
        for line in range(SIDE):
            refs = []
            for at in range(SIDE):
                east, north = (at, line) if level == 0 else (line, at)
                joined = shared[east * SIDE + north]
                number = 1 + east * SIDE + north + (0 if joined or level == 0 else 100)
                refs.append(number)
                made.node(number, east, north)  # the other node of an unshared crossing lies in the very same place
            ways.append(refs)
            made.street(10 * level + line + 1, *refs, foot="yes", **draw(how))
    return made, ways


@law
@given(towns())
def test_ways_join_only_where_they_share_a_node(town: tuple[Town, list[list[int]]]) -> None:
    made, ways = town
    with tempfile.TemporaryDirectory() as folder:
        network = read_osm_network(made.write(Path(folder)), crs=CRS)
    graph = nx.Graph()
    for refs in ways:
        nx.add_path(graph, refs)
    expected = {frozenset(part) for part in nx.connected_components(graph)}
    found = {frozenset(network.node_id[network.component == part].tolist()) for part in range(len(network.component_length_m))}
    assert found == expected


@law
@given(st.lists(st.integers(501, 2000), min_size=1, max_size=5, unique=True), st.integers(0, 9))
def test_the_people_on_islands_are_those_on_all_parts_but_the_longest(lengths: list[int], people: int) -> None:
    """Streets 400 m apart with as many doors each; a yard of 100 m by itself is nobody's island."""
    ends = [(2 * i, 2 * i + 1) for i in range(len(lengths) + 1)]
    xy = [(x, 400.0 * i) for i, metres in enumerate([*lengths, 100]) for x in (0.0, float(metres))]
    doors = np.array([(50.0 + k, 400.0 * i + 10) for i in range(len(lengths)) for k in range(people)]).reshape(-1, 2)
    found = find_islands(Network.from_segments(xy, ends, crs=CRS), doors, Walk(max_link_m=60))
    assert found.off.tolist() == [metres != max(lengths) for metres in lengths for _ in range(people)]
    assert found.parts == (len(lengths) - 1 if people else 0)
