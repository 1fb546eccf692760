"""Walking networks out of OpenStreetMap extracts."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import osmnx as ox
import pyproj
import pytest
import shapely
from osm_builders import CRS, LAT, LON, STEP, Town, converted, cross, joined

from planner.errors import CrsError, SourceError, StudyError
from planner.network import EdgeFlag, Network
from planner.schema import TOWNS
from planner.sources.osm import margin_m, read_network, read_osm_network
from planner.sources.osm.rules import judge
from planner.sources.osm.streets import project
from planner.study import (
    NetworkSource,
    PopulationSource,
    Scenario,
    StationSource,
    Study,
    TownWalk,
    Walk,
)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
EXTRACTS = {
    "porto-alegre/poa_osm.pbf": "EPSG:32722",
    "helsinki/helsinki.osm.pbf": "EPSG:32635",
    "shanghai-centre/shanghai_centre.osm": "EPSG:32651",
}


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the project")
    return path


def pairs(network: Network) -> set[frozenset[int]]:
    """The network's segments as pairs of OSM ids."""
    return joined(network.node_id[network.ends].tolist())


def read(town: Town, folder: Path) -> Network:
    return read_osm_network(town.write(folder), crs=CRS)


def metres(network: Network, start: int, end: int) -> float:
    """The shortest way between two nodes, by networkx; infinite if there is none."""
    graph = nx.Graph()
    graph.add_weighted_edges_from((int(u), int(v), m) for (u, v), m in zip(network.ends, network.length_m, strict=True))
    at = {int(name): position for position, name in enumerate(network.node_id)}
    try:
        return float(nx.shortest_path_length(graph, at[start], at[end], weight="weight"))
    except (nx.NetworkXNoPath, KeyError):
        return float("inf")


# what is read


@pytest.mark.parametrize("name", ["t.osm.pbf", "t.osm.gz", "t.osm.bz2", "t.osm", "T.OSM.PBF"])
def test_every_format_gives_the_same_network(tmp_path: Path, name: str) -> None:
    plain = cross().write(tmp_path)
    other = converted(plain, name.lower()).rename(tmp_path / name)
    first, second = read_osm_network(plain, crs=CRS), read_osm_network(other, crs=CRS)
    assert pairs(second) == joined([(1, 2), (2, 3), (4, 2), (2, 5)])
    for part in ("node_xy", "node_id", "ends", "length_m", "flags", "component"):
        np.testing.assert_array_equal(getattr(first, part), getattr(second, part))
    assert first.report == second.report


def test_lengths_are_metres_on_the_ellipsoid(tmp_path: Path) -> None:
    town = cross()
    network = read(town, tmp_path)
    assert metres(network, 1, 3) == pytest.approx(town.metres(1, 2, 3), rel=1e-7)
    assert metres(network, 4, 5) == pytest.approx(town.metres(4, 2, 5), rel=1e-7)


def test_nodes_lie_where_the_crs_puts_them(tmp_path: Path) -> None:
    network = read(cross(), tmp_path)
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(*network.node_xy.T)
    places = {int(i): (round(x, 7), round(y, 7)) for i, x, y in zip(network.node_id, lon, lat, strict=True)}
    assert places == cross().places


def test_streets_that_only_cross_do_not_join(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 1), (2, 2, 1), (3, 1, 0), (4, 1, 2), (5, 1, 1), (6, 1, 1))
    town.street(10, 1, 5, 2).street(11, 3, 6, 4, bridge="yes", layer="1")  # 5 and 6 lie at the same place
    network = read(town, tmp_path)
    assert metres(network, 1, 4) == float("inf")
    assert network.report["islands"] == 1


def test_one_way_streets_are_walked_both_ways(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (2, 1, 0)).street(10, 1, 2, oneway="yes", oneway_foot="yes")
    network = read(town, tmp_path)
    assert metres(network, 2, 1) == metres(network, 1, 2) == pytest.approx(town.metres(1, 2), rel=1e-7)


def test_steps_are_flagged_and_nothing_else(tmp_path: Path) -> None:
    town = cross().street(12, 3, 5, highway="steps", conveying="yes")
    edges = read(town, tmp_path).edges
    assert set(edges.index[edges["steps"]]) <= {(3, 5), (5, 3)}
    assert edges["steps"].sum() == 1


def test_nodes_that_a_clipped_extract_lacks_interrupt_their_way(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (2, 1, 0), (4, 3, 0), (5, 4, 0)).street(10, 99, 1, 2, 3, 4, 5)
    network = read(town, tmp_path)
    assert pairs(network) == joined([(1, 2), (4, 5)])
    assert network.report["nodes missing from the extract"] == 2


def test_nodes_drawn_in_an_editor_have_negative_ids(tmp_path: Path) -> None:
    town = cross().node(-7, 3, 1).node(-8, 3, 2, barrier="wall").street(-12, 3, -7, -8, 5)
    network = read(town, tmp_path)
    assert {frozenset({3, -7}), frozenset({1, 2})} <= pairs(network)
    assert metres(network, -7, 5) < float("inf")  # by way of 3 and 2: the wall stands in the other way
    assert len(np.unique(network.node_id)) == len(network.node_id) == 8


def test_the_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    town = cross()
    turned = Town(dict(reversed(town.places.items())), {}, dict(reversed(town.ways.items())))
    first, second = read(town, tmp_path), read_osm_network(turned.write(tmp_path, "turned.osm"), crs=CRS)
    np.testing.assert_array_equal(first.node_id, second.node_id)
    np.testing.assert_array_equal(first.length_m, second.length_m)


def test_the_report_counts_what_was_left_out_and_why(tmp_path: Path) -> None:
    town = cross().street(12, 1, 4, foot="no").street(13, 1, 5, highway="motorway").way(14, [3, 5], {"railway": "rail"})
    report = read(town.street(15, 3, 5, foot="no"), tmp_path).report
    assert (report["ways read"], report["ways walked"]) == (5, 2)
    assert (report["ways left out: foot=no"], report["ways left out: highway=motorway"]) == (2, 1)


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    said: list[float] = []
    read_osm_network(cross().write(tmp_path), crs=CRS, progress=lambda doing, share: said.append(share))
    assert said[0] == 0.0
    assert said[-1] == 1.0
    assert said == sorted(said)


# tunnels and bridges


@pytest.mark.parametrize(
    ("tags", "walked"),
    [
        ({"tunnel": "yes"}, False),
        ({"tunnel": "yes", "sidewalk": "both"}, True),
        ({"tunnel": "yes", "foot": "yes"}, True),
        ({"tunnel": "building_passage"}, True),
        ({"bridge": "yes"}, True),
        ({"bridge": "yes", "highway": "trunk"}, False),
    ],
)
def test_a_road_tunnel_of_two_blocks_is_for_cars(tmp_path: Path, tags: dict[str, str], walked: bool) -> None:
    town = Town().nodes((1, 0, 0), (2, 1, 0), (3, 2, 0), (4, 3, 0), (5, 4, 0)).street(9, 1, 2).street(12, 4, 5)
    town.street(10, 2, 3, **tags).street(11, 3, 4, **tags)  # two ways of 95 m, one tunnel of 190
    network = read(town, tmp_path)
    assert (metres(network, 1, 5) < float("inf")) is walked


def test_a_short_underpass_is_walked(tmp_path: Path) -> None:
    town = (
        Town().nodes((1, 0, 0), (2, 1, 0), (3, 2, 0), (4, 3, 0)).street(9, 1, 2).street(10, 2, 3, tunnel="yes").street(11, 3, 4)
    )
    assert metres(read(town, tmp_path), 1, 4) == pytest.approx(town.metres(1, 2, 3, 4), rel=1e-7)


def test_a_bridge_of_more_than_a_kilometre_without_a_pavement_is_for_cars(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (2, 1, 0), (3, 12, 0), (4, 13, 0)).street(9, 1, 2).street(11, 3, 4)
    assert metres(read(town.street(10, 2, 3, bridge="yes"), tmp_path), 1, 4) == float("inf")
    assert metres(read(town.street(10, 2, 3, bridge="yes", sidewalk="right"), tmp_path), 1, 4) < float("inf")


# barriers


def test_a_locked_gate_cuts_the_street_but_both_pieces_stay(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (3, 2, 0), (4, 1, 1)).node(2, 1, 0, barrier="gate", access="private")
    town.street(10, 1, 2, 3).street(11, 2, 4)
    network = read(town, tmp_path)
    assert {metres(network, a, b) for a, b in ((1, 3), (1, 4), (3, 4))} == {float("inf")}
    assert network.length_m.sum() == pytest.approx(town.metres(1, 2, 3) + town.metres(2, 4), rel=1e-7)
    assert network.report["barriers that stop walkers"] == 1


def test_a_bollard_does_not_stop_walkers(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (3, 2, 0)).node(2, 1, 0, barrier="bollard", access="no").street(10, 1, 2, 3)
    network = read(town, tmp_path)
    assert metres(network, 1, 3) == pytest.approx(town.metres(1, 2, 3), rel=1e-7)
    assert network.report["barriers that stop walkers"] == 0


def test_nodes_of_a_saved_graph_whose_names_are_the_same_number_stay_apart(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    graph.add_nodes_from([("1", {"x": str(LON), "y": str(LAT)}), ("01", {"x": str(LON + STEP), "y": str(LAT)})])
    graph.add_edge("1", "01", length="95.5")
    nx.write_graphml(graph, tmp_path / "town.graphml")
    assert read_osm_network(tmp_path / "town.graphml", crs=CRS).length_m.tolist() == [95.5]


# squares


def square(tags: dict[str, str]) -> Town:
    """An L of three blocks: 1 (0,0), 2 (2,0), 3 (2,1), 4 (1,1) inward corner, 5 (1,2), 6 (0,2); streets enter at 1, 3 and 5."""
    town = Town().nodes((1, 0, 0), (2, 2, 0), (3, 2, 1), (4, 1, 1), (5, 1, 2), (6, 0, 2), (11, -1, 0), (13, 3, 1), (15, 1, 3))
    town.street(20, 11, 1).street(21, 13, 3).street(22, 15, 5)
    return town.way(30, [1, 2, 3, 4, 5, 6, 1], {"highway": "pedestrian", **tags})


def test_people_cross_a_square_where_they_see_the_other_side(tmp_path: Path) -> None:
    town = square({"area": "yes"})
    network = read(town, tmp_path)
    assert metres(network, 1, 3) == pytest.approx(town.metres(1, 3), rel=1e-6)
    assert metres(network, 1, 5) == pytest.approx(town.metres(1, 5), rel=1e-6)
    assert metres(network, 3, 5) == pytest.approx(town.metres(3, 4, 5), rel=1e-6)  # not over the corner
    assert network.report["ways across squares"] == 2
    assert network.edges["across"].sum() == 2
    assert sum(network.edges.loc[~network.edges["across"], "length_m"]) == pytest.approx(
        town.metres(1, 2, 3, 4, 5, 6, 1) + town.metres(11, 1) + town.metres(13, 3) + town.metres(15, 5), rel=1e-6
    )


def test_a_street_that_runs_in_a_ring_is_no_square(tmp_path: Path) -> None:
    town = square({})
    network = read(town, tmp_path)
    assert metres(network, 1, 3) == pytest.approx(town.metres(1, 2, 3), rel=1e-6)
    assert network.report["squares"] == 0


def test_a_square_that_is_not_walked_is_no_square(tmp_path: Path) -> None:
    town = square({"area": "yes", "access": "no"})
    assert metres(read(town, tmp_path), 1, 3) == float("inf")


def test_a_square_with_a_pond_is_crossed_beside_it(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (2, 3, 0), (3, 3, 3), (4, 0, 3), (5, 1, 1), (6, 2, 1), (7, 2, 2), (8, 1, 2))
    town.nodes((11, -1, 0), (12, 4, 0), (13, 4, 4)).street(20, 11, 1).street(21, 12, 2).street(22, 13, 3)
    town.way(30, [1, 2, 3], {}).way(31, [3, 4, 1], {}).way(32, [5, 6, 7, 8, 5], {})
    members = [("way", 30, "outer"), ("way", 31, "outer"), ("way", 32, "inner")]
    town.relation(40, members, {"type": "multipolygon", "highway": "pedestrian"})
    network = read(town, tmp_path)
    assert metres(network, 1, 2) == pytest.approx(town.metres(1, 2), rel=1e-6)
    assert metres(network, 1, 3) == pytest.approx(town.metres(1, 4, 3), rel=1e-6)  # the pond lies on the straight way
    assert frozenset({5, 6}) in pairs(network)  # people walk along its edge


def ringed(tags: dict[str, str], *, east: dict[str, str] | None = None) -> Town:
    """A square of three blocks that is a relation; streets enter at 1, 2 and 3; its east rim is way 30."""
    town = Town().nodes((1, 0, 0), (2, 3, 0), (3, 3, 3), (4, 0, 3), (11, -1, 0), (12, 4, 0), (13, 4, 4))
    town.street(20, 11, 1).street(21, 12, 2).street(22, 13, 3).way(30, [1, 2, 3], east or {}).way(31, [3, 4, 1], {})
    return town.relation(40, [("way", 30, "outer"), ("way", 31, "outer")], {"type": "multipolygon", **tags})


def flags_between(network: Network, start: int, end: int) -> EdgeFlag:
    at = [set(ids) for ids in network.node_id[network.ends].tolist()].index({start, end})
    return EdgeFlag(int(network.flags[at]))


def test_the_rims_of_a_square_and_the_ways_across_are_as_the_square_says(tmp_path: Path) -> None:
    town = ringed({"highway": "pedestrian", "surface": "sett"})
    network = read_osm_network(town.write(tmp_path), crs=CRS, bicycles=True)
    assert flags_between(network, 3, 4) == EdgeFlag.UNEVEN | EdgeFlag.PUSHED  # nobody rides in a pedestrian square
    assert flags_between(network, 1, 3) == EdgeFlag.UNEVEN | EdgeFlag.PUSHED | EdgeFlag.ACROSS


def test_steps_along_the_rim_of_a_square_are_no_steps_across_it(tmp_path: Path) -> None:
    network = read(ringed({"highway": "pedestrian"}, east={"highway": "steps"}), tmp_path)
    assert flags_between(network, 1, 2) == EdgeFlag.STEPS
    assert flags_between(network, 1, 3) == EdgeFlag.ACROSS


def on_foot(network: Network) -> set[tuple[frozenset[int], float]]:
    """The segments that are walked, by OSM's ids, with their metres."""
    walked = (network.flags & EdgeFlag.NO_FOOT) == 0
    ids = network.node_id[network.ends[walked]].tolist()
    return {(frozenset(each), metres) for each, metres in zip(ids, network.length_m[walked].tolist(), strict=True)}


def test_a_way_for_bicycles_alone_opens_no_way_across_a_square_to_walkers(tmp_path: Path) -> None:
    town = square({"area": "yes"}).nodes((16, 2, 2))
    town.way(23, [16, 4], {"highway": "cycleway", "foot": "no"})
    path = town.write(tmp_path)
    ridden = read_osm_network(path, crs=CRS, bicycles=True)
    assert on_foot(ridden) == on_foot(read_osm_network(path, crs=CRS))
    assert frozenset({1, 4}) not in pairs(read_osm_network(path, crs=CRS))
    assert flags_between(ridden, 1, 4) & EdgeFlag.NO_FOOT


def test_a_way_for_bicycles_alone_makes_no_bridge_too_long_for_walkers(tmp_path: Path) -> None:
    town = Town().nodes((1, 0, 0), (2, 6, 0), (3, 12, 0))
    town.street(10, 1, 2, bridge="yes").street(11, 2, 3, bridge="yes", foot="no")
    path = town.write(tmp_path)
    assert frozenset({1, 2}) in pairs(read_osm_network(path, crs=CRS))
    assert on_foot(read_osm_network(path, crs=CRS, bicycles=True)) == on_foot(read_osm_network(path, crs=CRS))


# the area


def corner_area(*corners: tuple[float, float]) -> shapely.Polygon:
    """An area with corners so many grid steps east and north."""
    return shapely.Polygon(project(np.array([(LON + STEP * east, LAT + STEP * north) for east, north in corners]), CRS))


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return corner_area((west, south), (east, south), (east, north), (west, north))


def row() -> Town:
    """Five blocks in a row: nodes 1 … 6 at 0 … 5 steps east."""
    town = Town().nodes(*((i + 1, i, 0) for i in range(6)))
    return town.street(10, 1, 2, 3, 4, 5, 6)


def test_segments_that_touch_the_area_stay(tmp_path: Path) -> None:
    network = read_osm_network(row().write(tmp_path), crs=CRS, area=box(1.5, -0.5, 2.5, 0.5))
    assert pairs(network) == joined([(2, 3), (3, 4)])


def test_a_segment_that_crosses_the_area_without_a_node_in_it_stays(tmp_path: Path) -> None:
    network = read_osm_network(row().write(tmp_path), crs=CRS, area=box(2.3, -0.1, 2.6, 0.1))
    assert pairs(network) == joined([(3, 4)])


def test_the_margin_is_metres_around_the_area(tmp_path: Path) -> None:
    path, area = row().write(tmp_path), box(2.3, -0.1, 2.6, 0.1)
    block_m = row().metres(1, 2)
    assert pairs(read_osm_network(path, crs=CRS, area=area, margin_m=0.2 * block_m)) == joined([(3, 4)])
    assert pairs(read_osm_network(path, crs=CRS, area=area, margin_m=0.5 * block_m)) == joined([(2, 3), (3, 4), (4, 5)])


def test_two_areas_apart_keep_what_touches_either(tmp_path: Path) -> None:
    area = shapely.union_all([box(0.2, -0.1, 0.4, 0.1), box(4.2, -0.1, 4.4, 0.1)])
    network = read_osm_network(row().write(tmp_path), crs=CRS, area=area)
    assert pairs(network) == joined([(1, 2), (5, 6)])


def test_only_what_lies_in_the_area_is_counted(tmp_path: Path) -> None:
    town = row().nodes((7, 0, 1), (8, 5, 1)).street(11, 1, 7, foot="no").street(12, 6, 8, access="no")
    report = read_osm_network(town.write(tmp_path), crs=CRS, area=box(-0.5, -0.5, 1.5, 0.5)).report
    assert report["ways left out: foot=no"] == 1
    assert "ways left out: access=no" not in report


def study_of(file: str | None, folder: Path, walk: Walk) -> Study:
    return Study(
        name="test",
        area="towns.geojson",
        network=NetworkSource(file=file),
        stations=StationSource(file="stations.csv"),
        population=PopulationSource(file="people.csv"),
        folder=folder,
        crs=CRS,
        scenario=Scenario(walk=walk),
    )


def towns_of(area: shapely.Polygon) -> gpd.GeoDataFrame:
    return TOWNS.conform(gpd.GeoDataFrame({"town": ["A"]}, geometry=[area], crs=CRS))


def test_a_study_reads_its_area_and_one_walk_around_it(tmp_path: Path) -> None:
    row().write(tmp_path)
    towns = towns_of(box(0.2, -0.1, 0.8, 0.1))
    near = study_of("town.osm", tmp_path, Walk(minutes=1, speed_mps=1.0, max_link_m=10))  # 70 m: a block is 95
    assert pairs(read_network(near, towns=towns)) == joined([(1, 2), (2, 3)])
    far = study_of("town.osm", tmp_path, Walk(minutes=3, speed_mps=1.0, max_link_m=10))  # 190 m
    assert pairs(read_network(far, towns=towns)) == joined([(1, 2), (2, 3), (3, 4)])


def test_the_margin_is_the_farthest_walk_of_any_town() -> None:
    walk = Walk(minutes=10, speed_mps=1.0, max_link_m=50, towns={"New Town": TownWalk(minutes=20)})
    assert margin_m(walk) == 20 * 60 + 50


def test_a_study_without_a_network_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="add the extract"):
        read_network(study_of(None, tmp_path, Walk()), towns=towns_of(box(0, 0, 1, 1)))


# what cannot be read


def _missing(folder: Path) -> Path:
    return folder / "nowhere.osm.pbf"


def _folder(folder: Path) -> Path:
    (folder / "town.osm").mkdir()
    return folder / "town.osm"


def _empty(folder: Path) -> Path:
    (folder / "empty.osm.pbf").touch()
    return folder / "empty.osm.pbf"


def _cut(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        town = Town().nodes(*((i, i / 10, (i * 7 % 13) / 10) for i in range(1, 400))).street(9, *range(1, 400))
        plain = town.write(folder)
        path = plain if name == "town.osm" else converted(plain, name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        return path

    return make


def _wrong_format(folder: Path) -> Path:
    path = folder / "streets.shp"
    path.write_text("streets")
    return path


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return make


HTML = "<!DOCTYPE html><html><body>429 Too Many Requests</body></html>"
GPX = '<?xml version="1.0"?><gpx version="1.1"><wpt lat="1" lon="2"/></gpx>'
NO_STREET = Town().nodes((1, 0, 0), (2, 1, 0)).way(9, [1, 2], {"waterway": "river"})
ONLY_CARS = Town().nodes((1, 0, 0), (2, 1, 0)).street(9, 1, 2, highway="motorway")
NO_NODES = Town().street(9, 1, 2)
BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><osm version="0.6"><note>&b;</note></osm>'

UNREADABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (_missing, "there is no such file"),
    "folder": (_folder, "it is a folder"),
    "empty": (_empty, "the file is empty"),
    "cut pbf": (_cut("town.osm.pbf"), "truncated"),
    "cut xml": (_cut("town.osm"), "truncated"),
    "cut gz": (_cut("town.osm.gz"), "truncated"),
    "cut bz2": (_cut("town.osm.bz2"), "truncated"),
    "wrong format": (_wrong_format, "no format of an extract"),
    "a web page": (_text("town.osm", HTML), "something else"),
    "a web page as pbf": (_text("town.osm.pbf", HTML), "something else"),
    "another xml": (_text("town.osm", GPX), "something else"),
    "another gz": (_text("town.osm.gz", GPX), "something else"),
    "an entity bomb": (_text("town.osm", BOMB), "something else"),
    "no street": (_text("town.osm", NO_STREET.xml()), "none is a street"),
    "only cars": (_text("town.osm", ONLY_CARS.xml()), "none is a street"),
    "no nodes": (_text("town.osm", NO_NODES.xml()), "none is a street"),
    "nothing at all": (_text("town.osm", '<osm version="0.6"></osm>'), "none is a street"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read_gets_one_sentence_with_a_mend(tmp_path: Path, case: str) -> None:
    make, said = UNREADABLE[case]
    path = make(tmp_path)
    with pytest.raises(SourceError) as caught:
        read_osm_network(path, crs=CRS)
    (fault,) = caught.value.faults
    assert said in str(caught.value)
    assert fault.file == path.name
    assert fault.mend
    assert caught.value.source == str(path)
    assert str(tmp_path) not in str(caught.value)


def test_an_area_elsewhere_is_told_where_the_extract_lies(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no street to walk on inside the area.*121\.000 to 121\.005 E.*around 121\.10"):
        read_osm_network(row().write(tmp_path), crs=CRS, area=box(100, 0, 101, 1))


def test_a_network_is_asked_for_in_metres(tmp_path: Path) -> None:
    with pytest.raises(CrsError, match="projected"):
        read_osm_network(row().write(tmp_path), crs="EPSG:4326")


# graphs that OSMnx saved


def test_a_graph_that_osmnx_saved_is_the_network_it_came_from(tmp_path: Path) -> None:
    network = read(cross().node(6, 2, 2).street(12, 3, 6, 5, highway="steps"), tmp_path)
    path = tmp_path / "town.graphml"
    ox.save_graphml(ox.project_graph(network.to_networkx(), to_crs="EPSG:4326"), path)
    again = read_osm_network(path, crs=CRS)
    np.testing.assert_array_equal(again.node_id, network.node_id)
    np.testing.assert_array_equal(again.flags, network.flags)
    np.testing.assert_allclose(again.length_m, network.length_m, rtol=1e-12)
    np.testing.assert_allclose(again.node_xy, network.node_xy, atol=1e-6)


def test_a_saved_graph_is_clipped_too(tmp_path: Path) -> None:
    path = tmp_path / "row.graphml"
    ox.save_graphml(read(row(), tmp_path).to_networkx(), path)
    assert pairs(read_osm_network(path, crs=CRS, area=box(1.5, -0.5, 2.5, 0.5))) == joined([(2, 3), (3, 4)])
    with pytest.raises(SourceError, match="inside the area"):
        read_osm_network(path, crs=CRS, area=box(50, 50, 51, 51))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<graphml><node", "cannot be read as GraphML"),
        ("", "the file is empty"),
        (HTML, "cannot be read as GraphML"),
        ('<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed"/></graphml>', "no CRS"),
    ],
)
def test_a_graph_that_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "town.graphml"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        read_osm_network(path, crs=CRS)


# real extracts


@pytest.mark.shared
@pytest.mark.parametrize("name", EXTRACTS)
def test_real_extracts_hang_together(name: str) -> None:
    network = read_osm_network(shared(name), crs=EXTRACTS[name])
    banks = 2 if "shanghai" in name else 1
    assert network.component_length_m[:banks].sum() > 0.98 * network.length_m.sum()


@pytest.mark.shared
def test_nobody_walks_across_the_huangpu() -> None:
    network = read_osm_network(shared("shanghai-centre/shanghai_centre.osm"), crs="EPSG:32651")
    bund, lujiazui = project(np.array([[121.4850, 31.2370], [121.5030, 31.2370]]), "EPSG:32651")
    near = [int(np.hypot(*(network.node_xy - place).T).argmin()) for place in (bund, lujiazui)]
    assert sorted(network.component[near].tolist()) == [0, 1]


@pytest.mark.shared
def test_a_plain_reading_of_central_shanghai_finds_the_same_streets() -> None:
    """Another opinion: osmium's objects one by one, pyproj's geodesics; the extract has no squares."""
    path, geod = shared("shanghai-centre/shanghai_centre.osm"), pyproj.Geod(ellps="WGS84")
    expected: dict[frozenset[int], float] = {}
    tunnels = set()
    for way in osmium.FileProcessor(str(path)).with_locations():
        if not way.is_way() or "highway" not in way.tags or judge(dict(way.tags)).left_out:
            continue
        nodes = [(node.ref, node.location.lon, node.location.lat) for node in way.nodes]
        for (u, x, y), (v, lon, lat) in itertools.pairwise(nodes):
            expected[frozenset({u, v})] = geod.inv(x, y, lon, lat)[2]
            if way.tags.get("tunnel", "no") == "yes":
                tunnels.add(frozenset({u, v}))
    network = read_osm_network(path, crs="EPSG:32651")
    found = dict(zip(map(frozenset, network.node_id[network.ends].tolist()), network.length_m.tolist(), strict=True))
    found = {pair: length for pair, length in found.items() if min(pair) > 0}  # not those at the five shut gates
    assert set(found) <= set(expected)
    assert len(set(expected) - set(found) - tunnels) <= 20
    assert max(abs(length - expected[pair]) / length for pair, length in found.items()) < 1e-6
