"""Several sources at once: a raster's shape with official totals, cells and zones over homes or land, layers of a file."""

from __future__ import annotations

import numpy as np
import openpyxl
import pytest
import shapely
from people import by_town, degrees, study_in, towns_of, write_csv, write_houses, write_layer, write_raster, write_zones

from planner.errors import PlannerWarning, SourceError, StudyError, TableError
from planner.sources.population import read_demand, read_demand_with_tally

HALVES = {"甲镇": shapely.box(0, 0, 200, 200), "乙街道": shapely.box(200, 0, 400, 200)}
HOUSES = ((20, 20, 10, 3, "apartments"), (60, 20, 10, 1, "house"), (220, 20, 10, 2, "residential"), (330, 20, 10, 9, "office"))


def test_a_raster_takes_the_totals_of_a_table_of_towns_matched_by_their_endings(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((2, 4)))
    write_csv(
        tmp_path / "totals.csv", ["街道名称", "常住人口（人）"], [["甲", "５"], ["乙街道办事处", "７"]], encoding="gb18030"
    )
    study = study_in(tmp_path, file="people.tif", totals="totals.csv")
    demand, tallies = read_demand_with_tally(study, towns_of(**HALVES))
    assert by_town(demand) == pytest.approx({"甲镇": 5.0, "乙街道": 7.0})
    assert (tallies[-1].people_in, tallies[-1].people_out) == pytest.approx((8.0, 12.0))


@pytest.mark.parametrize("kind", ["zones", "points", "homes"])
def test_zones_points_and_homes_take_official_totals_too(tmp_path, kind):
    write_csv(tmp_path / "totals.csv", ["town", "people"], [["甲镇", 6], ["乙街道", 3]])
    write_houses(tmp_path / "town.osm", *HOUSES)
    write_zones(tmp_path / "zones.gpkg", [shapely.box(0, 0, 200, 200), shapely.box(200, 0, 400, 200)], population=[4.0, 4.0])
    write_csv(tmp_path / "cells.csv", ["lon", "lat", "pop"], [[*degrees(50, 50), 4], [*degrees(250, 50), 4]])
    block = {
        "zones": {"file": "zones.gpkg"},
        "points": {"file": "cells.csv"},
        "homes": {"file": "zones.gpkg", "spread": "buildings"},
    }[kind]
    demand = read_demand(study_in(tmp_path, network="town.osm", totals="totals.csv", **block), towns_of(**HALVES))
    assert by_town(demand) == pytest.approx({"甲镇": 6.0, "乙街道": 3.0})


def test_a_town_without_a_row_and_a_row_without_a_town_are_named(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((2, 4)))
    study = study_in(tmp_path, file="people.tif", totals="totals.csv")
    write_csv(tmp_path / "totals.csv", ["town", "population"], [["甲镇", 6]])
    with pytest.raises(TableError, match=r"totals\.csv, town: there is no row for 乙街道; add the town"):
        read_demand(study, towns_of(**HALVES))
    write_csv(tmp_path / "totals.csv", ["town", "population"], [["甲镇", 6], ["乙街镇道", 7]])
    with pytest.raises(TableError, match=r"totals\.csv, row 3, town = '乙街镇道'.*did you mean '乙街道'"):
        read_demand(study, towns_of(**HALVES))


def test_two_ways_of_saying_how_many_there_are_are_refused(tmp_path):
    with pytest.raises(ValueError, match="total and totals both say how many people there are"):
        study_in(tmp_path, file="people.tif", totals="totals.csv", total=5)


def test_cells_go_to_the_homes_in_them_and_stay_where_there_is_none(tmp_path):
    write_houses(tmp_path / "town.osm", *HOUSES)
    write_raster(tmp_path / "people.tif", [[0, 0, 0, 0], [8, 0, 6, 5]])
    with pytest.warns(PlannerWarning, match="5 people of zones without a residential building"):
        demand = read_demand(study_in(tmp_path, network="town.osm", file="people.tif", spread="buildings"), towns_of(**HALVES))
    places = [(round(point.x), round(point.y)) for point in demand.geometry]
    found = dict(zip(places, demand["population"], strict=True))
    assert found == pytest.approx({(25, 25): 6.0, (65, 25): 2.0, (225, 25): 6.0, (350, 50): 5.0}, rel=2e-3)


def _write_land(path, *boxes):
    """An .osm of residential land as closed ways."""
    lines, ways = [], []
    for number, (west, south, east, north) in enumerate(boxes, 1):
        refs = []
        for x, y in shapely.get_coordinates(shapely.box(west, south, east, north))[:-1]:
            refs.append(len(lines) + 1)
            lon, lat = degrees(x, y)
            lines.append(f'<node id="{refs[-1]}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>')
        nodes = "".join(f'<nd ref="{ref}"/>' for ref in [*refs, refs[0]])
        ways.append(f'<way id="{number}" version="1">{nodes}<tag k="landuse" v="residential"/></way>')
    path.write_text('<osm version="0.6" generator="made">' + "".join(lines + ways) + "</osm>", encoding="utf-8")


def test_totals_go_evenly_over_residential_land_and_its_overlaps_count_once(tmp_path):
    _write_land(tmp_path / "town.osm", (0, 0, 100, 100), (50, 0, 100, 100), (200, 0, 300, 50))
    towns = towns_of({"甲镇": 30.0, "乙街道": 10.0}, **HALVES)
    demand = read_demand(study_in(tmp_path, network="town.osm", spread="land"), towns)
    assert by_town(demand) == pytest.approx({"甲镇": 30.0, "乙街道": 10.0})
    assert all(shapely.box(-1, -1, 101, 101).union(shapely.box(199, -1, 301, 51)).covers(point) for point in demand.geometry)
    whole = read_demand(study_in(tmp_path, network="town.osm", spread="land", total=90), towns_of(**HALVES))
    assert by_town(whole) == pytest.approx({"甲镇": 60.0, "乙街道": 30.0}, rel=2e-3)


def test_zones_and_cells_go_to_the_land_in_them(tmp_path):
    _write_land(tmp_path / "town.osm", (150, 0, 250, 100))
    write_zones(tmp_path / "zones.gpkg", [shapely.box(0, 0, 400, 200)], population=[40.0])
    demand = read_demand(study_in(tmp_path, network="town.osm", file="zones.gpkg", spread="land"), towns_of(**HALVES))
    assert by_town(demand) == pytest.approx({"甲镇": 20.0, "乙街道": 20.0}, rel=1e-3)
    assert all(shapely.box(149, -1, 251, 101).covers(point) for point in demand.geometry)
    write_raster(tmp_path / "people.tif", [[0, 0, 0, 0], [0, 8, 0, 5]])
    with pytest.warns(PlannerWarning, match="5 people of zones without a residential land"):
        cells = read_demand(study_in(tmp_path, network="town.osm", file="people.tif", spread="land"), towns_of(**HALVES))
    assert dict(zip(cells.geometry.x.round(), cells["population"], strict=True)) == pytest.approx({175.0: 8.0, 350.0: 5.0})


def test_a_town_without_residential_land_is_said(tmp_path):
    _write_land(tmp_path / "town.osm", (0, 0, 100, 100))
    with pytest.warns(PlannerWarning, match="no residential land in 乙街道: the people there are spread evenly"):
        demand = read_demand(
            study_in(tmp_path, network="town.osm", spread="land"), towns_of({"甲镇": 3.0, "乙街道": 1.0}, **HALVES)
        )
    assert by_town(demand) == pytest.approx({"甲镇": 3.0, "乙街道": 1.0})
    write_houses(tmp_path / "town.osm", *HOUSES)
    with pytest.raises(StudyError, match="no residential land"):
        read_demand(study_in(tmp_path, network="town.osm", spread="land", total=5), towns_of(**HALVES))


def test_of_several_layers_the_one_that_is_named_is_read(tmp_path):
    zones = [shapely.box(0, 0, 200, 200)]
    for layer, people in (("户籍", 3.0), ("常住", 5.0)):
        write_layer(tmp_path / "zones.gpkg", zones, layer, people)
    with pytest.raises(SourceError, match=r"zones\.gpkg, layer: the file has 2 layers \(户籍, 常住\); .*layer = \"户籍\""):
        read_demand(study_in(tmp_path, file="zones.gpkg"), towns_of(**HALVES))
    with pytest.raises(SourceError, match="no layer '常驻' but 户籍, 常住; did you mean '常住'"):
        read_demand(study_in(tmp_path, file="zones.gpkg", layer="常驻"), towns_of(**HALVES))
    demand = read_demand(study_in(tmp_path, file="zones.gpkg", layer="常住"), towns_of(**HALVES))
    assert demand["population"].sum() == pytest.approx(5.0)


def test_of_several_sheets_the_one_that_is_named_is_read(tmp_path):
    book = openpyxl.Workbook()
    for sheet, people in ((book.active, 3), (book.create_sheet("二季度"), 9)):
        sheet.append(["街镇", "人口"])
        sheet.append(["甲镇", people])
    book.save(tmp_path / "people.xlsx")
    demand = read_demand(study_in(tmp_path, file="people.xlsx", layer="二季度", spread="area"), towns_of(**HALVES))
    assert demand["population"].sum() == pytest.approx(9.0)
    with pytest.raises(SourceError, match="no sheet '三季度'; did you mean '二季度'"):
        read_demand(study_in(tmp_path, file="people.xlsx", layer="三季度", spread="area"), towns_of(**HALVES))


def test_a_csv_has_no_layers(tmp_path):
    write_csv(tmp_path / "people.csv", ["lon", "lat", "pop"], [[*degrees(50, 50), 4]])
    with pytest.raises(SourceError, match=r"a file of the kind \.csv has no layer 'x'; leave layer out"):
        read_demand(study_in(tmp_path, file="people.csv", layer="x"), towns_of(**HALVES))
