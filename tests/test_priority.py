"""Areas of priority and employers: need inside counts by its factor, people stay as they are, jobs are nobody's residents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from builders import stations_at
from hypothesis import given, settings
from hypothesis import strategies as st
from people import degrees, study_in, towns_of, write_csv, write_raster, write_zones

from planner.demand import cut_grounds, own_grounds
from planner.errors import PlannerWarning, SourceError, TableError
from planner.priority import WHOLE, name_areas, score_areas
from planner.privacy import publish_tables
from planner.schema import COVERAGE, Coverage
from planner.score import score_groups
from planner.sources.files import read_areas
from planner.sources.population import read_demand
from planner.study import Group, PriorityArea, Study

HALVES = {"A": shapely.box(0, 0, 200, 200), "B": shapely.box(200, 0, 400, 200)}


def with_areas(study: Study, *areas: PriorityArea) -> Study:
    return replace(study, scenario=replace(study.scenario, areas=areas))


def covered_left_of(demand, x: float) -> Coverage:
    """Everybody west of `x` has one station, 100 s away."""
    west = demand.geometry.x.to_numpy() < x
    columns = {"stations_in_reach": west.astype(int), "covered": west, "nearest_walk_s": np.where(west, 100.0, np.nan)}
    return COVERAGE.conform(demand.assign(nearest_station_id=np.where(west, "s0", None), **columns))


@pytest.fixture
def town(tmp_path):
    """400 x 200 m, 10 people in each cell of 100 m; one area over its west 150 m, another over 100 … 250 m."""
    write_raster(tmp_path / "people.tif", np.full((2, 4), 10.0))
    write_zones(tmp_path / "west.gpkg", [shapely.box(-50, 0, 150, 200)])
    write_zones(tmp_path / "middle.gpkg", [shapely.box(100, 0, 250, 200)])
    return tmp_path


WEST = PriorityArea("west", "west.gpkg", 2.0, "西区", "resettlement")
MIDDLE = PriorityArea("middle", "middle.gpkg", 1.5, kind="industry")


@pytest.mark.filterwarnings("ignore:west.gpkg.* 25% of the area", "ignore:the areas of priority 西区 and middle overlap")
def test_need_counts_by_the_largest_factor_and_cells_are_split_at_the_border(town):
    demand = read_demand(with_areas(study_in(town, file="people.tif"), WEST, MIDDLE), towns_of(**HALVES))
    assert demand["population"].sum() == pytest.approx(80.0)
    assert demand["in_west"].sum() == pytest.approx(80 * 150 / 400)
    assert demand["in_middle"].sum() == pytest.approx(80 * 150 / 400)
    assert demand["priority_pop"].sum() == pytest.approx(80 * 250 / 400)
    # 150 m at 2, then 100 m at 1.5 (where both lie, the larger counts), then 150 m at 1; 20 people each 100 m
    assert demand["need"].sum() == pytest.approx(30 * 2.0 + 20 * 1.5 + 30 * 1.0)
    assert (demand["need"] / demand["population"]).to_numpy() == pytest.approx(demand["factor"].to_numpy())
    assert set(demand["factor"]) == {1.0, 1.5, 2.0}


@pytest.mark.filterwarnings("ignore:west.gpkg.* 25% of the area", "ignore:the areas of priority 西区 and middle overlap")
def test_groups_count_by_the_factor_too_and_merging_keeps_every_sum(town):
    write_csv(town / "list.csv", ["lon", "lat"], [degrees(50, 50), degrees(350, 50)])
    study = with_areas(study_in(town, Group("jobless", weight=3.0, file="list.csv"), file="people.tif"), WEST, MIDDLE)
    fine = read_demand(study, towns_of(**HALVES))
    assert fine["need"].sum() == pytest.approx(120.0 + 3 * (2.0 + 1.0))
    coarse = read_demand(replace(study, population=replace(study.population, cell_m=400)), towns_of(**HALVES))
    assert len(coarse) == 2
    for name in ("population", "pop_jobless", "need", "in_west", "in_middle", "priority_pop"):
        assert coarse[name].sum() == pytest.approx(fine[name].sum()), name


@pytest.mark.parametrize("source", ["zones", "area"])
def test_zones_and_totals_are_split_at_the_border_too(town, source):
    write_zones(town / "zones.gpkg", [shapely.box(0, 0, 400, 200)], population=[80.0])
    block = {"file": "zones.gpkg"} if source == "zones" else {"total": 80, "spread": "area"}
    demand = read_demand(with_areas(study_in(town, **block), MIDDLE), towns_of(**HALVES))
    assert demand["population"].sum() == pytest.approx(80.0)
    assert demand["in_middle"].sum() == pytest.approx(30.0)


@pytest.mark.filterwarnings("ignore:west.gpkg.* 25% of the area", "ignore:the areas of priority 西区 and middle overlap")
def test_the_scores_of_areas_are_whole_and_by_town(town):
    study, towns = with_areas(study_in(town, file="people.tif"), WEST, MIDDLE), towns_of(**HALVES)
    areas, demand = read_areas(study, towns), read_demand(study, towns)
    stations = stations_at((120.0, 100.0), (230.0, 100.0)).assign(town=["A", "B"])
    scores = score_areas(covered_left_of(demand, 200), areas, towns, stations)
    assert list(scores.index) == [("west", WHOLE), ("west", "A"), ("middle", WHOLE), ("middle", "A"), ("middle", "B")]
    middle = scores.loc["middle"]
    assert middle["population"].tolist() == pytest.approx([30.0, 20.0, 10.0])
    assert middle["coverage"].tolist() == pytest.approx([2 / 3, 1.0, 0.0])
    assert middle["area_km2"].tolist() == pytest.approx([0.03, 0.02, 0.01])
    assert middle["stations"].tolist() == [2, 1, 1]
    assert name_areas(stations, areas).tolist()[0] == "西区; middle"


def test_overlaps_and_ground_outside_are_said(town):
    study, towns = with_areas(study_in(town, file="people.tif"), WEST, MIDDLE), towns_of(**HALVES)
    with pytest.warns(PlannerWarning) as said:
        read_areas(study, towns)
    assert [str(one.message) for one in said] == [
        "west.gpkg: 25% of the area of priority '西区' lies outside the towns",
        "the areas of priority 西区 and middle overlap by 0.01 km2; the larger factor counts there",
    ]


def test_areas_that_are_none_are_named(town):
    write_zones(town / "far.gpkg", [shapely.box(9000, 0, 9100, 100)])
    write_zones(town / "points.gpkg", [shapely.Point(5, 5)])
    write_csv(town / "names.csv", ["town"], [["A"]])
    blocks = [PriorityArea(name, f"{name}.gpkg", 2.0) for name in ("far", "points", "none")]
    with pytest.raises(TableError) as found:
        read_areas(with_areas(study_in(town, file="people.tif"), *blocks), towns_of(**HALVES))
    assert [str(fault) for fault in found.value.faults] == [
        "far.gpkg: the area of priority 'far' lies wholly outside the towns; check its file, and its coordinates key",
        "points.gpkg, row 1: the shape is empty, or no polygon; draw the area's border",
        "none.gpkg: there is no such file; check its name, or put it there",
    ]
    with pytest.raises((TableError, SourceError), match=r"names\.csv: an area of priority is a table without shapes"):
        read_areas(with_areas(study_in(town), PriorityArea("names", "names.csv", 2.0)), towns_of(**HALVES))


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), max_size=4))
@settings(max_examples=60, deadline=None)
def test_pieces_add_up_and_lie_on_one_side_of_every_border(corners):
    boxes = [shapely.box(*np.minimum(c[:2], c[2:]), *(np.maximum(c[:2], c[2:]) + 1)) for c in map(np.array, corners)]
    grounds = own_grounds([shapely.box(0, 0, 20, 30), shapely.box(20, 0, 40, 30)])
    pieces, owner = cut_grounds(grounds, boxes)
    assert np.bincount(owner, weights=shapely.area(pieces), minlength=2) == pytest.approx([600.0, 600.0])
    for box in boxes:
        inside = shapely.area(shapely.intersection(pieces, box))
        assert np.all((inside < 1e-9) | (np.abs(inside - shapely.area(pieces)) < 1e-9))


# Employers and jobs


def test_jobs_are_counted_where_the_work_is_and_are_nobodys_residents(town):
    write_csv(town / "firms.csv", ["企业名称", "经度", "纬度", "从业人数"], [["甲公司", *degrees(333, 33), 900]], "gb18030")
    group = Group("jobs", of="jobs", weight=0.5, file="firms.csv")
    demand = read_demand(study_in(town, group, file="people.tif"), towns_of(**HALVES))
    assert demand["population"].sum() == pytest.approx(80.0)
    work = demand[demand["pop_jobs"] > 0]
    assert (work["pop_jobs"].item(), work["population"].item(), work["town"].item()) == (900.0, 0.0, "B")
    assert work.geometry.item().distance(shapely.Point(333, 33)) < 0.01
    assert demand["need"].sum() == pytest.approx(80 + 450)


def test_a_list_of_employers_counts_each_once_but_never_as_a_job(town):
    write_csv(town / "firms.csv", ["企业名称", "lon", "lat"], [["甲公司", *degrees(333, 33)], ["乙公司", *degrees(10, 10)]])
    towns = towns_of(**HALVES)
    demand = read_demand(study_in(town, Group("firms", of="employers", file="firms.csv"), file="people.tif"), towns)
    assert demand["pop_firms"].sum() == 2.0
    with pytest.raises(TableError, match=r"firms\.csv: no column 'jobs'|firms\.csv: no column counts"):
        read_demand(study_in(town, Group("jobs", of="jobs", file="firms.csv"), file="people.tif"), towns)


def test_jobs_may_be_a_column_of_the_population_zones_or_a_raster(town):
    towns = towns_of(**HALVES)
    rows = [[*degrees(50, 50), 10, 70], [*degrees(250, 50), 0, 30]]
    write_csv(town / "cells.csv", ["lon", "lat", "population", "jobs"], rows)
    cells = read_demand(study_in(town, Group("jobs", of="jobs"), file="cells.csv"), towns)
    assert cells["pop_jobs"].tolist() == [70.0, 30.0]
    assert cells["population"].tolist() == [10.0, 0.0]
    write_zones(town / "zones.gpkg", [shapely.box(100, 0, 300, 100)], jobs=[50.0])
    zones = read_demand(study_in(town, Group("jobs", of="jobs", file="zones.gpkg"), file="people.tif"), towns)
    assert zones.groupby("town")["pop_jobs"].sum().to_dict() == pytest.approx({"A": 25.0, "B": 25.0})
    write_raster(town / "jobs.tif", [[0, 0, 0, 0], [0, 0, 0, 7]])
    raster = read_demand(study_in(town, Group("jobs", of="jobs", file="jobs.tif"), file="people.tif"), towns)
    assert raster.loc[raster["pop_jobs"] > 0, ["pop_jobs", "population"]].to_numpy().tolist() == [[7.0, 10.0]]


def test_totals_of_jobs_by_town_say_nothing_of_where(town):
    write_csv(town / "jobs.csv", ["town", "jobs"], [["A", 50]])
    with pytest.raises(TableError, match="totals by town do not say where in a town the jobs are; add lon and lat"):
        read_demand(study_in(town, Group("jobs", of="jobs", file="jobs.csv"), file="people.tif"), towns_of(**HALVES))


def test_small_counts_of_employers_are_published_unless_they_are_private(town):
    write_csv(town / "firms.csv", ["lon", "lat", "jobs"], [[*degrees(50, 50), 4]])
    group = Group("jobs", of="jobs", file="firms.csv")
    coverage = covered_left_of(read_demand(study_in(town, group, file="people.tif"), towns_of(**HALVES)), 200)
    tables = {"demand": coverage, "groups": score_groups(coverage, [group])}
    shown = publish_tables(tables, 10, open_groups={"jobs"})
    assert shown["demand"]["pop_jobs"].sum() == 4.0
    assert shown["groups"].loc["jobs", ["total", "covered"]].tolist() == [4.0, 4.0]
    hidden = publish_tables(tables, 10)
    assert hidden["groups"].loc["jobs", ["total", "covered"]].isna().all()
    assert [group.is_private, replace(group, private=True).is_private] == [False, True]
    assert Group("x", private=False).is_private  # people always are
    assert tables["groups"]["of"].tolist() == ["people", "jobs"]
