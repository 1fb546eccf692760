"""Premises, buildings, backdrop and extent out of OpenStreetMap extracts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from osm_builders import CRS, LAT, LON, STEP, Town, converted, cross

from planner.errors import SourceError, StudyError
from planner.sources.osm import read_backdrop, read_buildings, read_extent, read_premises
from planner.sources.osm.buildings import FLOORS, is_home
from planner.sources.osm.streets import project

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def place(east: float, north: float) -> tuple[float, float]:
    """Metres in the CRS of a place so many grid steps east and north."""
    x, y = project(np.array([(LON + STEP * east, LAT + STEP * north)]), CRS)[0]
    return float(x), float(y)


def ring(town: Town, first: int, west: float, south: float, side: float) -> list[int]:
    """Four new nodes around a square with this south-west corner, closed."""
    corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)]
    town.nodes(*((first + i, west + x, south + y) for i, (x, y) in enumerate(corners)))
    return [first, first + 1, first + 2, first + 3, first]


def house(town: Town, number: int, west: float, south: float, side: float, **tags: str) -> Town:
    """A closed way with these tags; ``_`` in a key stands for ``:``."""
    refs = ring(town, 1000 * number, west, south, side)
    return town.way(number, refs, {key.replace("_", ":"): value for key, value in tags.items()})


# premises


def test_premises_are_points_with_what_osm_says_of_them(tmp_path: Path) -> None:
    town = Town().node(7, 1, 1, amenity="library", name="区图书馆", phone="021-5953", opening_hours="Mo-Su 09:00-17:00")
    town.node_tags[7] = {**town.node_tags[7], "addr:street": "塔城路", "addr:housenumber": "5"}
    (row,) = read_premises(town.write(tmp_path), ["amenity=library"], crs=CRS).to_dict("records")
    assert (row["osm_id"], row["name"], row["host"]) == ("n7", "区图书馆", "amenity=library")
    assert (row["address"], row["phone"], row["hours"]) == ("塔城路5号", "021-5953", "Mo-Su 09:00-17:00")
    assert shapely.distance(row["geometry"], shapely.Point(place(1, 1))) < 0.02


def test_an_area_becomes_its_middle_and_a_bent_one_a_point_inside(tmp_path: Path) -> None:
    town = house(Town(), 1, 0, 0, 1, amenity="townhall", name="Hall")
    u_shape = [(0, 0), (3, 0), (3, 3), (2.8, 3), (2.8, 0.2), (0.2, 0.2), (0.2, 3), (0, 3)]
    town.nodes(*((50 + i, 10 + x, y) for i, (x, y) in enumerate(u_shape)))
    town.way(2, [*range(50, 58), 50], {"amenity": "school", "name": "School"})
    found = read_premises(town.write(tmp_path), ["amenity=townhall", "amenity=school"], crs=CRS).set_index("osm_id")
    assert shapely.distance(found.geometry["w1"], shapely.Point(place(0.5, 0.5))) < 0.1
    outline = shapely.Polygon([place(10 + x, y) for x, y in u_shape])
    assert outline.contains(found.geometry["w2"])


def test_a_relation_with_a_courtyard_is_a_premises_too(tmp_path: Path) -> None:
    town = house(house(Town(), 1, 0, 0, 3), 2, 1, 1, 1)
    tags = {"type": "multipolygon", "amenity": "community_centre", "name": "Yard"}
    town.relation(9, [("way", 1, "outer"), ("way", 2, "inner")], tags)
    found = read_premises(town.write(tmp_path), ["amenity=community_centre"], crs=CRS)
    assert found["osm_id"].tolist() == ["r9"]
    yard = shapely.Polygon([place(*corner) for corner in ((1, 1), (2, 1), (2, 2), (1, 2))])
    assert not yard.contains(found.geometry[0])


def test_the_same_premises_mapped_twice_is_one_with_what_both_say(tmp_path: Path) -> None:
    town = house(Town(), 1, 0, 0, 1, amenity="library", building="yes", addr_street="Main Street", addr_housenumber="5")
    town.node(7, 0.3, 0.3, amenity="library", name="Library", phone="123", opening_hours="24/7")
    (row,) = read_premises(town.write(tmp_path), ["amenity=library"], crs=CRS).to_dict("records")
    assert (row["osm_id"], row["name"], row["phone"], row["address"]) == ("n7", "Library", "123", "Main Street 5")


def test_one_name_within_fifty_metres_is_one_premises(tmp_path: Path) -> None:
    town = Town().node(1, 0, 0, amenity="library", name="Same").node(2, 0.4, 0, amenity="community_centre", name="Same")
    town.node(3, 2, 0, amenity="library", name="Same").node(4, 0.1, 0, amenity="library", name="Other")
    found = read_premises(town.write(tmp_path), ["amenity=library", "amenity=community_centre"], crs=CRS)
    assert found["osm_id"].tolist() == ["n1", "n3", "n4"]


def test_two_libraries_in_one_nameless_building_stay_two(tmp_path: Path) -> None:
    town = house(Town(), 1, 0, 0, 1, amenity="library").node(7, 0.2, 0.2, amenity="library", name="A")
    town.node(8, 0.8, 0.8, amenity="library", name="B")
    found = read_premises(town.write(tmp_path), ["amenity=library"], crs=CRS)
    assert found[["osm_id", "name"]].to_numpy().tolist() == [["n7", "A"], ["n8", "B"]]


def test_a_nameless_node_in_a_named_building_is_that_building(tmp_path: Path) -> None:
    town = house(Town(), 1, 0, 0, 1, amenity="library", name="A").node(7, 0.2, 0.2, amenity="library")
    assert read_premises(town.write(tmp_path), ["amenity=library"], crs=CRS)["osm_id"].tolist() == ["w1"]


def test_a_tag_may_take_any_value_or_stand_in_a_list(tmp_path: Path) -> None:
    town = Town().node(1, 0, 0, office="employment_agency").node(2, 5, 0, amenity="cafe;library").node(3, 9, 0, office="no")
    found = read_premises(town.write(tmp_path), ["amenity=library", "office=*"], crs=CRS)
    assert found[["osm_id", "host"]].to_numpy().tolist() == [["n1", "office=employment_agency"], ["n2", "amenity=library"]]


def test_names_are_taken_in_the_local_language_first(tmp_path: Path) -> None:
    town = Town().node(1, 0, 0, amenity="library").node(2, 5, 0, amenity="library", name=" 馆\u202e \x7fA ")
    town.node_tags[1] = {"amenity": "library", "name:en": "Library", "name:zh": "图书馆"}
    names = read_premises(town.write(tmp_path), ["amenity=library"], crs=CRS)["name"].tolist()
    assert names == ["图书馆", "馆 A"]


def test_premises_outside_the_area_are_left_out(tmp_path: Path) -> None:
    town = Town().node(1, 0, 0, amenity="library").node(2, 5, 0, amenity="library", name="Far")
    area = shapely.Point(place(0, 0)).buffer(100)
    assert read_premises(town.write(tmp_path), ["amenity=library"], crs=CRS, area=area)["osm_id"].tolist() == ["n1"]


def test_no_premises_is_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    found = read_premises(cross().write(tmp_path), ["amenity=library"], crs=CRS)
    assert len(found) == 0
    assert list(found.columns) == ["osm_id", "name", "address", "host", "phone", "hours", "geometry"]
    assert found.crs == CRS


def test_tags_that_are_no_tags_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        read_premises(cross().write(tmp_path), ["amenity", "=library", "amenity=library"], crs=CRS)
    assert [fault.value for fault in caught.value.faults] == ["amenity", "=library"]


# buildings


def test_floor_area_is_the_footprint_times_the_floors(tmp_path: Path) -> None:
    town = house(Town(), 1, 0, 0, 0.2, building="apartments", building_levels="6")
    (row,) = read_buildings(town.write(tmp_path), crs=CRS).to_dict("records")
    footprint = shapely.Polygon([place(x, y) for x, y in ((0, 0), (0.2, 0), (0.2, 0.2), (0, 0.2))]).area
    assert row["footprint_m2"] == pytest.approx(footprint, rel=1e-6)
    assert row["floor_area_m2"] == pytest.approx(6 * footprint, rel=1e-6)
    assert (row["osm_id"], row["kind"], row["floors"], row["residential"]) == ("w1", "apartments", 6.0, True)


@pytest.mark.parametrize(
    ("tags", "floors"),
    [
        ({"building:levels": "5"}, 5.0),
        ({"building:levels": "5.5"}, 5.5),
        ({"building:levels": "2;3"}, 3.0),
        ({"building:levels": "0"}, 1.0),
        ({"building:levels": "many", "height": "9"}, 3.0),
        ({"building:levels": "4000"}, FLOORS["yes"]),
        ({"height": "30 m"}, 10.0),
        ({"height": "30 ft"}, FLOORS["yes"]),
        ({}, FLOORS["yes"]),
        ({"building": "house"}, FLOORS["house"]),
        ({"building": "apartments"}, FLOORS["apartments"]),
    ],
)
def test_floors_are_what_the_building_says_or_the_usual_of_its_kind(
    tmp_path: Path, tags: dict[str, str], floors: float
) -> None:
    town = Town()
    town.way(1, ring(town, 10, 0, 0, 0.2), {"building": "yes", **tags})
    assert read_buildings(town.write(tmp_path), crs=CRS)["floors"].tolist() == [floors]


def test_twenty_buildings_that_say_their_floors_speak_for_the_rest_of_their_kind(tmp_path: Path) -> None:
    town = Town()
    for i in range(20):
        house(town, i + 1, i, 0, 0.2, building="apartments", building_levels=str(9 + i % 3))
    house(house(town, 50, 0, 5, 0.2, building="apartments"), 51, 1, 5, 0.2, building="house")
    floors = read_buildings(town.write(tmp_path), crs=CRS).set_index("osm_id")["floors"]
    assert (floors["w50"], floors["w51"]) == (10.0, 2.0)


@pytest.mark.parametrize(
    ("said", "lived_in"),
    [
        ("building=house", True),
        ("building=dormitory", True),
        ("building=yes", True),
        ("building=yes shop=bakery", False),
        ("building=yes amenity=school", False),
        ("building=yes office=company", False),
        ("building=yes amenity=no", True),
        ("building=apartments shop=convenience", True),
        ("building=commercial", False),
        ("building=garage", False),
        ("building=commercial;residential", True),
        ("building=yes building:use=residential amenity=cafe", True),
        ("building=yes building:use=office", False),
        ("building=house abandoned=yes", False),
        ("building=construction", False),
        ("building=ruins", False),
    ],
)
def test_people_live_in_a_building_or_not(said: str, lived_in: bool) -> None:
    assert is_home(dict(pair.split("=", 1) for pair in said.split())) is lived_in


def test_a_building_mapped_twice_is_one(tmp_path: Path) -> None:
    town = house(house(Town(), 1, 0, 0, 1, building="yes"), 2, 0, 0, 1, building="yes")
    house(town, 3, 0.2, 0.2, 0.3, building="yes")  # inside the first
    house(town, 4, 1.0, 0, 1, building="yes")  # wall to wall: a neighbour
    assert read_buildings(town.write(tmp_path), crs=CRS)["osm_id"].tolist() == ["w1", "w4"]


def test_of_an_outline_and_the_same_with_a_courtyard_the_courtyard_stays_open(tmp_path: Path) -> None:
    town = house(house(Town(), 1, 0, 0, 3, building="yes"), 2, 1, 1, 1)
    tags = {"type": "multipolygon", "building": "apartments"}
    town.relation(9, [("way", 1, "outer"), ("way", 2, "inner")], tags)
    (row,) = read_buildings(town.write(tmp_path), crs=CRS).to_dict("records")
    assert row["osm_id"] == "r9"
    assert row["footprint_m2"] == pytest.approx(8 * 105.9e2, rel=0.01)  # 95.5 m x 110.9 m, eight ninths of nine blocks


def test_buildings_that_touch_the_area_are_kept(tmp_path: Path) -> None:
    town = house(house(Town(), 1, 0, 0, 1, building="yes"), 2, 5, 0, 1, building="no")
    path = house(town, 3, 5, 5, 1, building="yes").write(tmp_path)
    area = shapely.Point(place(1, 1)).buffer(10)
    assert read_buildings(path, crs=CRS, area=area)["osm_id"].tolist() == ["w1"]
    assert read_buildings(path, crs=CRS)["osm_id"].tolist() == ["w1", "w3"]


def test_an_extract_without_buildings_gives_an_empty_table(tmp_path: Path) -> None:
    found = read_buildings(cross().write(tmp_path), crs=CRS)
    assert len(found) == 0
    assert {"floors", "floor_area_m2", "residential"} <= set(found.columns)


def test_a_building_that_the_extract_has_only_in_part_is_left_out(tmp_path: Path) -> None:
    town = house(Town(), 1, 0, 0, 1, building="yes")
    del town.places[1002]
    assert len(read_buildings(town.write(tmp_path), crs=CRS)) == 0


# backdrop and extent


def test_water_and_green_lie_behind_the_map(tmp_path: Path) -> None:
    town = house(house(Town(), 1, 0, 0, 1, natural="water"), 2, 2, 0, 1, leisure="park")
    house(house(town, 3, 4, 0, 1, landuse="retail"), 4, 6, 0, 0.05, landuse="grass")  # shops; 5 m of grass
    found = read_backdrop(town.write(tmp_path), crs=CRS)
    assert found[["osm_id", "kind"]].to_numpy().tolist() == [["w2", "green"], ["w1", "water"]]


def test_the_backdrop_is_cut_a_little_outside_the_area(tmp_path: Path) -> None:
    path = house(Town(), 1, -50, -50, 100, natural="water").write(tmp_path)
    west, south = place(0, 0)
    area = shapely.box(west, south, west + 1000, south + 500)
    (water,) = read_backdrop(path, crs=CRS, area=area).geometry
    assert water.bounds == pytest.approx((west - 100, south - 50, west + 1100, south + 550), abs=0.01)


def test_the_extent_is_the_box_of_the_file_or_of_its_nodes(tmp_path: Path) -> None:
    path = cross().write(tmp_path)
    assert read_extent(path) == pytest.approx((LON, LAT, LON + 2 * STEP, LAT + 2 * STEP))
    assert read_extent(converted(path, "town.osm.pbf")) == pytest.approx(read_extent(path))
    text = path.read_text(encoding="utf-8")
    bounds = '<bounds minlon="120.5" minlat="30.5" maxlon="121.5" maxlat="31.5"/>'
    path.write_text(text.replace('generator="test">', f'generator="test">{bounds}'), encoding="utf-8")
    assert read_extent(path) == pytest.approx((120.5, 30.5, 121.5, 31.5))


def test_an_extract_without_nodes_has_no_extent(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no node"):
        read_extent(Town().write(tmp_path))


def test_things_out_of_order_are_told_from_damage(tmp_path: Path) -> None:
    town = house(house(Town(), 9, 0, 0, 1, building="yes"), 2, 3, 0, 1, building="yes")
    with pytest.raises(SourceError, match="osmium sort"):
        read_buildings(town.write(tmp_path), crs=CRS)


@pytest.mark.parametrize("read", [read_buildings, read_backdrop])
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, read) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "nowhere.osm", crs=CRS)
    graph = tmp_path / "town.graphml"
    graph.write_text("<graphml/>")
    with pytest.raises(SourceError, match="streets only"):
        read(graph, crs=CRS)


@pytest.mark.shared
def test_inner_helsinki_has_libraries_and_homes() -> None:
    path = SHARED / "helsinki" / "helsinki.osm.pbf"
    if not path.exists():
        pytest.skip("helsinki.osm.pbf is not beside the project")
    libraries = read_premises(path, ["amenity=library"], crs="EPSG:32635")
    assert "Kansalliskirjasto" in libraries["name"].tolist()
    assert libraries["osm_id"].is_unique
    buildings = read_buildings(path, crs="EPSG:32635")
    assert buildings.geometry.is_valid.all()
    assert 0.5 < buildings["residential"].mean() < 0.95
    overlap = buildings.geometry.area.sum() / buildings.union_all().area
    assert overlap == pytest.approx(1.0, abs=0.01)  # nothing is counted twice
