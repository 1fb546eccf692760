"""Key groups put onto the residents: lists, counts, zones, town totals and rasters, with their sums kept."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from builders import CRS
from people import by_town, degrees, study_in, towns_of, write_csv, write_raster, write_zones

from planner.errors import PlannerWarning, SourceError, StudyError, TableError
from planner.sources.population import read_demand, read_demand_with_tally
from planner.study import Group

SQUARE = shapely.box(0, 0, 400, 400)
HALVES = {"A镇": shapely.box(0, 0, 200, 400), "B镇": shapely.box(200, 0, 400, 400)}


@pytest.fixture
def town(tmp_path):
    """Sixteen cells of 100 m with ten people each."""
    write_raster(tmp_path / "people.tif", np.full((4, 4), 10.0))
    return tmp_path


def at(demand, x, y, column):
    """What a column says at the demand point nearest to a place."""
    return float(demand[column].iloc[int(demand.distance(shapely.Point(x, y)).to_numpy().argmin())])


def people_at(folder, *places, name="jobless.csv", **columns):
    rows = [[*degrees(x, y), *(values[i] for values in columns.values())] for i, (x, y) in enumerate(places)]
    return write_csv(folder / name, ["lon", "lat", *columns], rows)


def test_columns_of_the_population_are_groups_and_need_counts_their_weights(tmp_path):
    shapes = [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)]
    write_zones(tmp_path / "zones.gpkg", shapes, population=[40, 60], jobless=[4, 0], pop_old=[10, 20], 残疾人=[1, 2])
    groups = Group("jobless", weight=3), Group("old"), Group("disabled", "残疾人", weight=2)
    demand = read_demand(study_in(tmp_path, *groups, file="zones.gpkg"), towns_of(A=shapely.box(0, 0, 150, 100)))
    assert demand["pop_jobless"].tolist() == pytest.approx([4.0, 0.0])
    assert demand["pop_old"].tolist() == pytest.approx([10.0, 10.0])
    assert demand["need"].tolist() == pytest.approx([40 + 3 * 4 + 10 + 2 * 1, 30 + 10 + 2 * 1])


def test_a_list_with_one_row_a_person_becomes_counts(town):
    people_at(town, (40, 50), (60, 50), (350, 350))
    demand, tallies = read_demand_with_tally(
        study_in(town, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(A=SQUARE)
    )
    assert (at(demand, 50, 50, "pop_jobless"), at(demand, 350, 350, "pop_jobless")) == (2.0, 1.0)
    assert demand["pop_jobless"].sum() == 3.0
    assert [tally.people_in for tally in tallies if tally.what == "jobless"] == [3.0, 3.0, 3.0]


def test_a_row_that_adds_up_others_is_a_fault_wherever_it_says_so(town):
    """Below pages of places stands their sum, often with the last place copied down: its people would count twice."""
    for word in ("小计", "合 计：", "本页小计 7人", "Total"):
        people_at(town, (40, 50), (350, 350), (350, 350), 人数=[2, 5, 7], 居委=["甲", "乙", word])
        with pytest.raises(TableError, match=r"^jobless.csv, row 4: the row adds up others; remove it"):
            read_demand(study_in(town, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(A=SQUARE))
    people_at(
        town, (40, 50), (350, 350), 人数=[2, 5], 居委=["合计镇", "共计较"], 性别=["合计", "合计"]
    )  # totals of both sexes, no sums
    demand = read_demand(study_in(town, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(A=SQUARE))
    assert demand["pop_jobless"].sum() == 7.0


def test_points_with_a_count_are_taken_at_their_count(town):
    people_at(town, (40, 50), (350, 350), 人数=[2, 5])
    demand = read_demand(study_in(town, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(A=SQUARE))
    assert demand["pop_jobless"].sum() == 7.0


def test_members_outside_the_area_are_dropped_and_said(town):
    people_at(town, (40, 50), (4000, 50))
    with pytest.warns(PlannerWarning, match="1 of 2 rows lie outside the area"):
        demand = read_demand(study_in(town, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(A=SQUARE))
    assert demand["pop_jobless"].sum() == 1.0


def test_members_far_from_where_anybody_lives_are_left_out_and_said(tmp_path):
    write_raster(tmp_path / "people.tif", [[10.0] + [0.0] * 29])
    people_at(tmp_path, (900, 50), (2500, 50))
    with pytest.warns(PlannerWarning, match="1 are over 1,000 m from where anybody of their town lives"):
        demand = read_demand(
            study_in(tmp_path, Group("jobless", file="jobless.csv"), file="people.tif"),
            towns_of(A=shapely.box(0, 0, 3000, 100)),
        )
    assert demand["pop_jobless"].tolist() == [1.0]


def test_a_member_counts_for_the_town_it_lives_in_though_others_are_nearer(tmp_path):
    write_raster(tmp_path / "people.tif", [[10.0, 0.0, 10.0, 10.0]])
    people_at(tmp_path, (190, 50))
    demand = read_demand(
        study_in(tmp_path, Group("jobless", file="jobless.csv"), file="people.tif"),
        towns_of(A=shapely.box(0, 0, 200, 100), B=shapely.box(200, 0, 400, 100)),
    )
    assert by_town(demand, "pop_jobless") == {"A": 1.0, "B": 0.0}


def test_a_group_that_exceeds_the_residents_of_its_place_moves_next_door_and_says_so(tmp_path):
    write_raster(tmp_path / "people.tif", [[0.5, 2.0, 10.0]])
    people_at(tmp_path, (50, 50), (50, 50), (50, 50))
    with pytest.warns(PlannerWarning, match=r"2\.5 exceed the residents of their place and count up to 200 m away"):
        demand = read_demand(
            study_in(tmp_path, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(A=shapely.box(0, 0, 300, 100))
        )
    assert demand["pop_jobless"].tolist() == pytest.approx([0.5, 2.0, 0.5])
    assert demand["population"].tolist() == [0.5, 2.0, 10.0]


def test_a_group_larger_than_the_population_is_an_error(town):
    people_at(town, (50, 50), n=[161])
    study = study_in(town, Group("jobless", file="jobless.csv", column="n"), file="people.tif")
    with pytest.raises(TableError, match="group 'jobless' counts 161 people in an area where 160 live"):
        read_demand(study, towns_of(A=SQUARE))


def test_groups_may_overlap(town):
    people_at(town, (50, 50), n=[10])
    groups = [Group(name, file="jobless.csv", column="n") for name in ("jobless", "graduates")]
    demand = read_demand(study_in(town, *groups, file="people.tif"), towns_of(A=SQUARE))
    assert (demand["pop_jobless"].max(), demand["pop_graduates"].max(), demand["need"].max()) == (10.0, 10.0, 30.0)


def test_counts_of_zones_go_to_the_residents_inside(tmp_path):
    write_raster(tmp_path / "people.tif", [[10, 30, 5, 0]])
    write_zones(tmp_path / "zones.gpkg", [shapely.box(0, 0, 200, 100), shapely.box(200, 0, 400, 100)], 人数=[8, 2])
    study = study_in(tmp_path, Group("jobless", file="zones.gpkg"), file="people.tif")
    demand, tallies = read_demand_with_tally(study, towns_of(A=shapely.box(0, 0, 400, 100)))
    assert demand["pop_jobless"].tolist() == pytest.approx([2.0, 6.0, 2.0])
    assert all(tally.lost == pytest.approx(0.0) for tally in tallies)


def test_a_zone_across_the_border_brings_its_share_and_one_without_residents_its_nearest(tmp_path):
    write_raster(tmp_path / "people.tif", [[10, 30, 0, 0]])
    write_zones(tmp_path / "zones.gpkg", [shapely.box(100, 0, 300, 100), shapely.box(300, 0, 400, 100)], jobless=[8, 2])
    study = study_in(tmp_path, Group("jobless", file="zones.gpkg"), file="people.tif")
    towns = towns_of(A=shapely.box(0, 0, 250, 100), B=shapely.box(250, 0, 260, 100))
    with pytest.warns(PlannerWarning, match="anybody of their town"):
        demand = read_demand(study, towns)
    assert demand["pop_jobless"].tolist() == pytest.approx([0.0, 6.0])  # three quarters of the zone lie in A; nobody lives in B


def test_zones_of_another_place_are_an_error_that_does_not_say_where(town):
    write_zones(town / "zones.gpkg", [shapely.box(9000, 0, 9100, 100)], jobless=[8])
    with pytest.raises(TableError, match=r"zones\.gpkg: all rows lie elsewhere, none in the area at lon"):
        read_demand(study_in(town, Group("jobless", file="zones.gpkg"), file="people.tif"), towns_of(A=SQUARE))


def test_totals_of_towns_go_to_their_residents(town):
    write_csv(town / "jobless.csv", ["街镇", "登记失业人员"], [["A镇", 8], ["B", 4]])
    study = study_in(town, Group("jobless", "登记失业人员", file="jobless.csv"), file="people.tif")
    demand = read_demand(study, towns_of(**HALVES))
    assert by_town(demand, "pop_jobless") == pytest.approx({"A镇": 8.0, "B镇": 4.0})
    assert sorted(set(demand["pop_jobless"])) == pytest.approx([0.5, 1.0])


def test_a_town_that_has_members_but_no_residents_is_an_error(tmp_path):
    write_raster(tmp_path / "people.tif", [[1, 1, 0, 0]] * 4)
    write_csv(tmp_path / "jobless.csv", ["town", "people"], [["A镇", 1], ["B镇", 4]])
    with pytest.raises(TableError, match="group 'jobless' has people in B镇 where nobody lives"):
        read_demand(study_in(tmp_path, Group("jobless", file="jobless.csv"), file="people.tif"), towns_of(**HALVES))


def test_a_raster_of_a_group_is_cut_as_the_residents_are(town):
    write_raster(town / "old.tif", np.full((4, 4), 2.0))
    demand = read_demand(
        study_in(town, Group("old", file="old.tif"), file="people.tif"), towns_of(A=shapely.box(0, 0, 250, 400))
    )
    assert demand["pop_old"].tolist() == pytest.approx((demand["population"] / 5).tolist())


def test_a_group_may_be_a_band_of_the_populations_raster(tmp_path):
    write_raster(tmp_path / "people.tif", np.stack([np.full((4, 4), 10.0), np.full((4, 4), 3.0)]))
    demand = read_demand(study_in(tmp_path, Group("old", column="2"), file="people.tif", column="1"), towns_of(A=SQUARE))
    assert (demand["population"].sum(), demand["pop_old"].sum()) == pytest.approx((160.0, 48.0))


def test_groups_of_totals_are_columns_of_the_same_table(tmp_path):
    write_csv(tmp_path / "totals.csv", ["town", "population", "jobless"], [["A镇", 100, 4], ["B镇", 50, 1]])
    demand = read_demand(study_in(tmp_path, Group("jobless"), file="totals.csv", spread="area"), towns_of(**HALVES))
    assert by_town(demand, "pop_jobless") == pytest.approx({"A镇": 4.0, "B镇": 1.0})


@pytest.mark.parametrize(
    ("group", "population", "said"),
    [
        (Group("old"), {"file": "people.tif"}, "nothing says where the group's people are"),
        (Group("old"), {"total": 5, "spread": "area"}, "a total has no column for the group"),
        (Group("old"), {"spread": "area"}, "the area file has no column 'population'"),
    ],
)
def test_a_group_without_a_source_is_a_study_error(town, group, population, said):
    with pytest.raises(StudyError, match=said):
        read_demand(study_in(town, group, **population), towns_of(A=SQUARE))


def test_a_groups_file_that_is_not_there_is_a_source_error(town):
    with pytest.raises(SourceError, match=r"absent\.csv: there is no such file"):
        read_demand(study_in(town, Group("old", file="absent.csv"), file="people.tif"), towns_of(A=SQUARE))


def test_merging_demand_points_keeps_the_groups(town):
    people_at(town, (40, 50), (60, 50), (350, 350))
    group = Group("jobless", weight=2.0, file="jobless.csv")
    demand = read_demand(study_in(town, group, file="people.tif", cell_m=200), towns_of(A=SQUARE))
    assert (len(demand), demand["population"].sum(), demand["pop_jobless"].sum()) == (4, 160.0, 3.0)
    assert demand["need"].sum() == 160.0 + 2 * 3
    assert demand.crs == CRS
