"""Laws of the walking network, on towns that hypothesis makes."""

from __future__ import annotations

import networkx as nx
import numpy as np
import osmnx as ox
import pytest
from builders import CRS
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.network import Network

ARRAYS = ("node_xy", "node_id", "ends", "length_m", "flags", "component", "component_length_m")


@st.composite
def towns(draw: st.DrawFn) -> dict[str, object]:
    """Segments between up to twelve nodes at whole metres, with parallels and loops."""
    count = draw(st.integers(2, 12))
    places = draw(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=count, max_size=count, unique=True))
    ends = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), min_size=1, max_size=30))
    ends = [*ends, (0, 1)]
    extra = draw(st.lists(st.integers(0, 300), min_size=len(ends), max_size=len(ends)))
    straight = [float(np.hypot(*np.subtract(places[u], places[v]))) for u, v in ends]
    lengths = [metres + more for metres, more in zip(straight, extra, strict=True)]
    flags = draw(st.lists(st.integers(0, 1), min_size=len(ends), max_size=len(ends)))
    ids = draw(st.lists(st.integers(-1000, 10**12), min_size=count, max_size=count, unique=True))
    return {"node_xy": places, "ends": ends, "length_m": lengths, "flags": flags, "node_id": ids}


def network(town: dict[str, object]) -> Network:
    return Network.from_segments(**town, crs=CRS)  # type: ignore[arg-type]


def walks(built: Network) -> dict[int, dict[int, float]]:
    """Metres between all nodes, by networkx."""
    graph = nx.MultiGraph()
    for (u, v), metres in zip(built.node_id[built.ends].tolist(), built.length_m.tolist(), strict=True):
        graph.add_edge(u, v, weight=metres)
    return dict(nx.all_pairs_dijkstra_path_length(graph))


def same(first: Network, second: Network) -> None:
    for part in ARRAYS:
        np.testing.assert_array_equal(getattr(first, part), getattr(second, part), err_msg=part)


@settings(deadline=None)
@given(towns(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_ends_never_matters(town, random) -> None:
    order, rows = list(range(len(town["node_xy"]))), list(range(len(town["ends"])))
    random.shuffle(order)
    random.shuffle(rows)
    place = {old: new for new, old in enumerate(order)}
    turned = {
        "node_xy": [town["node_xy"][i] for i in order],
        "node_id": [town["node_id"][i] for i in order],
        "ends": [tuple(random.sample([place[u] for u in town["ends"][row]], 2)) for row in rows],
        "length_m": [town["length_m"][row] for row in rows],
        "flags": [town["flags"][row] for row in rows],
    }
    same(network(town), network(turned))


@settings(deadline=None)
@given(towns())
def test_walks_are_those_of_networkx(town) -> None:
    built = network(town)
    graph = nx.MultiGraph()
    for (u, v), metres in zip(town["ends"], town["length_m"], strict=True):
        if u != v:
            graph.add_edge(town["node_id"][u], town["node_id"][v], weight=max(metres, 1e-3))
    assert dict(nx.all_pairs_dijkstra_path_length(graph)) == walks(built)
    parts = {frozenset(part) for part in nx.connected_components(graph)}
    ours = {frozenset(built.node_id[built.component == part].tolist()) for part in range(len(built.component_length_m))}
    assert ours == parts


@settings(deadline=None)
@given(towns())
def test_what_goes_out_as_a_graph_comes_back_the_same(town) -> None:
    built = network(town)
    same(built, Network.from_networkx(built.to_networkx()))


@settings(max_examples=40, deadline=None)
@given(towns())
def test_simplifying_with_osmnx_changes_no_walk_between_the_corners_it_keeps(town) -> None:
    built = network(town)
    simple = ox.simplify_graph(built.to_networkx())
    if simple.number_of_edges():  # OSMnx drops rings without a junction
        before, after = walks(built), walks(Network.from_networkx(simple))
        for start in simple.nodes:
            for end in simple.nodes:
                metres = before[start].get(end, np.inf)
                assert after.get(start, {}).get(end, np.inf) == pytest.approx(metres, rel=1e-9) or start == end
