"""The walking network: the gate for segments, and graphs of networkx and OSMnx in and out."""

from __future__ import annotations

import networkx as nx
import numpy as np
import osmnx as ox
import pyproj
import pytest
from builders import CRS, lattice
from shapely.geometry import LineString

from planner.errors import CrsError, TableError
from planner.network import EdgeFlag, Network, ground_m, hilbert_index

ARRAYS = ("node_xy", "node_id", "ends", "length_m", "flags", "component", "component_length_m")


def same(first: Network, second: Network) -> bool:
    return first.crs == second.crs and all(np.array_equal(getattr(first, a), getattr(second, a)) for a in ARRAYS)


def graph_of(kind: type[nx.Graph] = nx.MultiDiGraph, crs: str = CRS, **nodes: tuple[float, float]) -> nx.Graph:
    """A graph with nodes named n1 … at places, given as n1=(x, y)."""
    graph = kind(crs=crs)
    graph.add_nodes_from((int(name[1:]), {"x": x, "y": y}) for name, (x, y) in nodes.items())
    return graph


# the gate


def test_nodes_stand_in_place_order_whatever_order_they_came_in() -> None:
    town = lattice(5)
    order = np.random.default_rng(0).permutation(25)
    turned = Network.from_segments(
        town.node_xy[order], np.argsort(order)[town.ends[::-1, ::-1]], crs=CRS, node_id=town.node_id[order]
    )
    assert same(town, turned)


def test_of_parallel_segments_the_shortest_stays_but_steps_are_another_way() -> None:
    town = Network.from_segments(
        [[0, 0], [100, 0]], [[0, 1], [1, 0], [0, 1]], crs=CRS, length_m=[150, 120, 100], flags=[0, 0, EdgeFlag.STEPS]
    )
    assert sorted(zip(town.length_m.tolist(), town.flags.tolist(), strict=True)) == [(100.0, 1), (120.0, 0)]
    assert town.report["parallel segments dropped"] == 1


def test_parts_are_numbered_by_metres_of_street() -> None:
    town = Network.from_segments([[0, 0], [10, 0], [50, 0], [90, 0]], [[0, 1], [2, 3]], crs=CRS)
    parts = dict(zip(town.node_id.tolist(), town.component.tolist(), strict=True))
    assert parts == {2: 0, 3: 0, 0: 1, 1: 1}
    assert town.component_length_m.tolist() == [40.0, 10.0]
    assert town.report["islands"] == 1


def test_places_joined_without_a_distance_are_a_millimetre_apart() -> None:
    assert Network.from_segments([[5, 5], [5, 5]], [[0, 1]], crs=CRS).length_m.tolist() == [0.001]


def test_arrays_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        lattice(2).length_m[0] = 1.0


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2263"])
def test_a_crs_that_is_not_in_metres_is_refused(crs: str) -> None:
    with pytest.raises(CrsError, match="metres"):
        Network.from_segments([[0, 0], [1, 1]], [[0, 1]], crs=crs)


def test_all_faults_of_the_arrays_come_at_once() -> None:
    with pytest.raises(TableError) as caught:
        Network.from_segments([[0, 0], [np.nan, 1]], [[0, 7]], crs=CRS, node_id=[3, 3], flags=[0, 0])
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("length", [-1.0, np.nan, np.inf])
def test_a_length_that_is_no_length_is_refused(length: float) -> None:
    with pytest.raises(TableError, match="negative or not a number"):
        Network.from_segments([[0, 0], [1, 1]], [[0, 1]], crs=CRS, length_m=[length])


def test_streets_that_lead_nowhere_are_no_network() -> None:
    with pytest.raises(TableError, match="lead somewhere"):
        Network.from_segments([[0, 0], [9, 9]], [[0, 0], [1, 1]], crs=CRS)


def test_tables_say_what_the_arrays_say() -> None:
    town = lattice(3)
    assert len(town.nodes) == 9
    assert town.edges.length.sum() == town.edges["length_m"].sum() == 1200.0
    assert town.bounds == (0.0, 0.0, 200.0, 200.0)
    assert "12 segments, 1.2 km" in repr(town)


def test_places_along_the_curve_are_all_different_on_a_grid() -> None:
    grid = np.array([(i, j) for i in range(16) for j in range(16)], dtype=float)
    order = np.argsort(hilbert_index(grid))
    steps = np.abs(np.diff(grid[order], axis=0)).sum(axis=1)
    assert steps.max() <= 2  # neighbours along the curve are neighbours on the grid


# graphs


def test_the_town_goes_out_as_a_graph_and_comes_back_the_same() -> None:
    town = Network.from_segments(
        [[0, 0], [100, 0], [100, 80]],
        [[0, 1], [1, 2], [1, 2]],
        crs=CRS,
        length_m=[101.5, 90, 95],
        node_id=[70, -3, 5],
        flags=[0, 1, EdgeFlag.ACROSS],
    )
    graph = town.to_networkx()
    assert same(Network.from_networkx(graph), town)
    assert graph.number_of_edges() == 6  # both ways


def test_osmnx_takes_the_graph() -> None:
    town = lattice(4)
    graph = town.to_networkx()
    nodes, edges = ox.convert.graph_to_gdfs(graph)
    assert (len(nodes), len(edges)) == (16, 48)
    assert nodes.crs == town.crs
    assert ox.distance.nearest_nodes(graph, 101.0, 199.0) == 1 * 4 + 2
    assert ox.stats.edge_length_total(graph) == 2 * 2400.0


def test_a_simplified_graph_gives_the_same_streets_as_the_raw_one() -> None:
    bent = Network.from_segments(
        [[0, 0], [50, 20], [100, 0], [150, 30], [200, 0], [100, 100], [0, 100]],
        [[0, 1], [1, 2], [2, 3], [3, 4], [2, 5], [6, 5], [5, 4]],
        crs=CRS,
    )
    simple = Network.from_networkx(ox.simplify_graph(bent.to_networkx()))
    assert simple.node_xy.tolist() == bent.node_xy.tolist()
    np.testing.assert_allclose(simple.length_m, bent.length_m, rtol=1e-12)
    assert simple.ends.tolist() == bent.ends.tolist()


def test_an_edge_that_bends_keeps_its_length_and_shares_it_out_by_distance() -> None:
    graph = graph_of(n1=(0, 0), n2=(100, 0))
    graph.add_edge(1, 2, length=300.0, geometry=LineString([(0, 0), (0, 50), (100, 50), (100, 0)]))
    graph.add_edge(2, 1, length=300.0, geometry=LineString([(100, 0), (100, 50), (0, 50), (0, 0)]))
    town = Network.from_networkx(graph)
    assert sorted(town.length_m.tolist()) == [75.0, 75.0, 150.0]
    assert sorted(town.node_id.tolist()) == [-2, -1, 1, 2]


def test_a_geometry_drawn_from_the_other_end_is_turned() -> None:
    graph = graph_of(nx.MultiGraph, n1=(0, 0), n2=(100, 0))
    graph.add_edge(1, 2, geometry=LineString([(100, 0), (90, 30), (0, 0)]))
    town = Network.from_networkx(graph)
    assert sorted(town.length_m.round(6).tolist()) == sorted([round(1000**0.5, 6), round(9000**0.5, 6)])


def test_two_streets_between_the_same_corners_both_stay() -> None:
    graph = graph_of(n1=(0, 0), n2=(100, 0))
    graph.add_edge(1, 2, length=100.0)
    graph.add_edge(1, 2, length=150.0, geometry=LineString([(0, 0), (50, 50), (100, 0)]))
    assert sorted(Network.from_networkx(graph).length_m.round(6).tolist()) == [75.0, 75.0, 100.0]


def test_a_street_that_returns_to_its_corner_stays_if_it_has_a_shape() -> None:
    graph = graph_of(n1=(0, 0), n2=(10, 0))
    graph.add_edge(1, 2)
    graph.add_edge(1, 1, geometry=LineString([(0, 0), (0, 30), (-40, 30), (0, 0)]))
    graph.add_edge(2, 2, length=77.0)
    assert sorted(Network.from_networkx(graph).length_m.tolist()) == [10.0, 30.0, 40.0, 50.0]


def test_directions_do_not_bind_walkers() -> None:
    graph = graph_of(nx.DiGraph, n1=(0, 0), n2=(100, 0))
    graph.add_edge(2, 1, oneway=True)
    assert Network.from_networkx(graph).ends.tolist() == [[0, 1]]


def test_a_graph_in_degrees_is_projected_to_its_utm_zone_and_measured_on_the_ellipsoid() -> None:
    graph = graph_of(nx.Graph, crs="EPSG:4326", n1=(121.0, 31.0), n2=(121.001, 31.001))
    graph.add_edge(1, 2)
    town = Network.from_networkx(graph)
    expected = pyproj.Geod(ellps="WGS84").inv(121.0, 31.0, 121.001, 31.001)[2]
    assert town.crs.to_epsg() == 32651
    assert town.length_m.tolist() == pytest.approx([expected], rel=1e-7)


def test_a_graph_can_be_asked_for_in_another_crs() -> None:
    graph = lattice(3, crs="EPSG:32651").to_networkx()
    graph.graph["crs"] = pyproj.CRS.from_epsg(32651)
    assert Network.from_networkx(graph, crs="EPSG:32650").crs.to_epsg() == 32650


@pytest.mark.parametrize("highway", ["steps", ["footway", "steps"], "['footway', 'steps']"])
def test_edges_that_name_steps_are_flagged(highway: object) -> None:
    graph = graph_of(n1=(0, 0), n2=(10, 0), n3=(20, 0))
    graph.add_edge(1, 2, highway=highway)
    graph.add_edge(2, 3, highway="footway")
    assert sorted(Network.from_networkx(graph).flags.tolist()) == [0, 1]


def test_nodes_without_numbers_for_names_are_numbered() -> None:
    graph = nx.Graph(crs=CRS)
    graph.add_node("market", x="0", y="0")
    graph.add_node(("hall", 2), x=30.0, y=40.0)
    graph.add_edge("market", ("hall", 2))
    town = Network.from_networkx(graph)
    assert sorted(town.node_id.tolist()) == [0, 1]
    assert town.length_m.tolist() == [50.0]


def test_a_graph_without_a_crs_says_how_to_give_it_one() -> None:
    graph = nx.Graph()
    graph.add_node(1, x=0, y=0)
    with pytest.raises(CrsError, match=r'graph\.graph\["crs"\]'):
        Network.from_networkx(graph)


def test_a_crs_nobody_knows_is_refused() -> None:
    with pytest.raises(CrsError, match="unknown"):
        Network.from_networkx(nx.Graph(crs="EPSG:999999"))


def test_nodes_without_a_place_are_all_named_at_once() -> None:
    graph = nx.Graph(crs=CRS)
    graph.add_nodes_from([(1, {"x": 0, "y": 0}), (2, {"x": "east", "y": 0}), (3, {}), (4, {"x": float("nan"), "y": 0})])
    graph.add_edges_from([(1, 2), (2, 3), (3, 4)])
    with pytest.raises(TableError) as caught:
        Network.from_networkx(graph)
    assert [fault.row for fault in caught.value.faults] == ["2", "3", "4"]


def test_edges_without_a_usable_length_are_all_named_at_once() -> None:
    graph = graph_of(n1=(0, 0), n2=(10, 0), n3=(20, 0))
    graph.add_edge(1, 2, length=-5.0)
    graph.add_edge(2, 3, length="far")
    graph.add_edge(3, 1, geometry="LINESTRING (0")
    with pytest.raises(TableError) as caught:
        Network.from_networkx(graph)
    assert [fault.row for fault in caught.value.faults] == ["1 to 2", "2 to 3", "3 to 1"]


def test_a_graph_without_streets_is_refused() -> None:
    with pytest.raises(TableError, match="no segment"):
        Network.from_networkx(graph_of(n1=(0, 0)))
    with pytest.raises(TableError, match="no segment"):
        Network.from_networkx(nx.Graph(crs="EPSG:4326"))


def test_metres_said_to_be_degrees_are_found_out() -> None:
    graph = graph_of(crs="EPSG:4326", n1=(354_000, 3_460_000), n2=(354_100, 3_460_000))
    graph.add_edge(1, 2)
    with pytest.raises(CrsError, match="check the graph's CRS"):
        Network.from_networkx(graph)


def test_a_street_over_the_antimeridian_is_as_long_as_any_other() -> None:
    graph = graph_of(crs="EPSG:4326", n1=(179.9995, -17.0), n2=(-179.9995, -17.0), n3=(-179.9985, -17.0))
    graph.add_edges_from([(1, 2), (2, 3)])
    one, other = Network.from_networkx(graph, crs="EPSG:32760").length_m.tolist()
    assert one == pytest.approx(other, rel=1e-9)
    assert one == pytest.approx(106.486, abs=1e-3)


def test_streets_of_a_graph_in_feet_are_measured_in_metres() -> None:
    graph = graph_of(crs="EPSG:2263", n1=(980_000, 190_000), n2=(980_100, 190_000))
    graph.add_edge(1, 2)
    assert Network.from_networkx(graph).length_m.tolist() == [pytest.approx(30.48, abs=0.01)]


def test_names_that_are_no_whole_numbers_of_the_machine_are_numbered() -> None:
    graph = nx.Graph(crs=CRS)
    graph.add_nodes_from([(2**70, {"x": 0, "y": 0}), (-(2**63), {"x": 30, "y": 40})])
    graph.add_edge(2**70, -(2**63), geometry="LINESTRING (0 0, 20 20, 30 40)")
    assert sorted(Network.from_networkx(graph).node_id.tolist()) == [-1, 0, 1]


# lengths


@pytest.mark.parametrize("reach_deg", [1e-4, 1e-3, 1e-2])
def test_ground_lengths_agree_with_geodesics(reach_deg: float) -> None:
    draw = np.random.default_rng(1)
    start = np.column_stack([draw.uniform(-180, 180, 2000), draw.uniform(-75, 75, 2000)])
    end = start + draw.uniform(-reach_deg, reach_deg, start.shape)
    expected = pyproj.Geod(ellps="WGS84").inv(start[:, 0], start[:, 1], end[:, 0], end[:, 1])[2]
    np.testing.assert_allclose(ground_m(start, end), expected, rtol=1e-7, atol=1e-8)
