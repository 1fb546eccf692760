"""Which stations to lift to demonstration level: an exact choice, as brute force finds it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path

import builders
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_study import lonlat, write_lattice_study

import planner
from planner.coverage import measure_coverage
from planner.errors import PlanError
from planner.lift import lift_stations
from planner.reach import Reach
from planner.run import check_standards, lift_survey
from planner.run.summary import standards_said
from planner.schema import Coverage, Standards, Stations
from planner.sources.packs import read_pack
from planner.standards import measure_standards

JIADING = read_pack("jiading-2023")


def case(reached: list[list[bool]], need: list[float], services: list[str]) -> tuple[Standards, Reach, Coverage, Stations]:
    """Stations × places: who reaches which, the need at each place, and what each station offers."""
    stations = builders.stations_at(*((100.0 * i, 0.0) for i in range(len(services))), services=services)
    demand = builders.demand_at([(100.0 * j, 500.0) for j in range(len(need))], need)
    reach = Reach(stations.index, demand.index, sp.csr_array(np.array(reached, dtype="float32") * 60))
    return measure_standards(JIADING, stations, dt.date(2025, 6, 30)), reach, measure_coverage(reach, demand), stations


def test_the_one_that_brings_most_need_is_first_and_says_what_it_lacks():
    reached = [[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]]
    table, plan = lift_stations(*case(reached, [5, 10, 20, 1, 2], ["1-24", "1-11,15-24", "1-11"]), 1)
    assert table.index.tolist() == ["s1"]  # 10 of its 30 have a demonstration station already
    assert table.loc["s1", "gain_pop"] == 20
    assert table.loc["s1", "coverage_after"] == pytest.approx(35 / 38)
    assert (table.loc["s1", "lacks_functions"], table.loc["s1", "lacks_items"]) == ("skills", "12|13|14")
    assert plan.status == "optimal"


def test_nothing_is_left_to_lift_where_all_qualify():
    with pytest.raises(PlanError, match="no station is left"):
        lift_stations(*case([[1]], [5.0], ["1-24"]), 1)


def test_where_nothing_stands_nobody_is_told_that_all_qualify():
    standards, reach, coverage, stations = case([[1]], [5.0], ["1-24"])
    with pytest.raises(PlanError, match="no station stands"):
        lift_stations(standards.iloc[:0], reach, coverage, Stations(stations.iloc[:0]), 1)


@pytest.mark.filterwarnings("ignore::planner.errors.PlannerWarning")
def test_a_station_of_the_neighbours_is_not_lifted_and_in_no_headline_of_standards(tmp_path: Path):
    """East is no town of the district here: its station serves West's residents, and is not the district's to lift."""
    folder = write_lattice_study(tmp_path / "study")
    towns = json.loads((folder / "towns.geojson").read_text(encoding="utf-8"))
    towns["features"] = [each for each in towns["features"] if each["properties"]["town"] == "West"]
    (folder / "towns.geojson").write_text(json.dumps(towns), encoding="utf-8")
    rows = [("S1", *lonlat(0, 0), "West"), ("S2", *lonlat(10, 20), "West"), ("N1", *lonlat(11, 10), "")]
    listed = [f"{key},{key},{lon},{lat},{town},built,1,0" for key, lon, lat, town in rows]
    head = "station_id,name,lon,lat,town,status,services,staff"
    (folder / "stations.csv").write_text("\n".join([head, *listed]) + "\n", encoding="utf-8")
    survey = planner.survey_study(planner.read_study(folder, ["policy=jiading-2023"]))
    assert "N1" in survey.stations.index
    table, _ = lift_survey(survey, 3)
    assert sorted(table.index) == ["S1", "S2"]
    assert standards_said(check_standards(survey), survey.towns)["standards"]["stations_that_lack_something"] == 2


def test_with_fewer_lacking_than_asked_all_are_lifted():
    table, _ = lift_stations(*case([[1, 0], [0, 1]], [5.0, 6.0], ["1-24", "1"]), 5)
    assert table.index.tolist() == ["s1"]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_other_choice_brings_more(data: st.DataObject):
    stations, places = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 7))
    reached = data.draw(
        st.lists(st.lists(st.booleans(), min_size=places, max_size=places), min_size=stations, max_size=stations)
    )
    need = [float(n) for n in data.draw(st.lists(st.integers(1, 9), min_size=places, max_size=places))]
    done = data.draw(st.integers(0, stations - 1))
    count = data.draw(st.integers(1, stations - done))
    told = case(reached, need, ["1-24"] * done + ["1"] * (stations - done))
    table, _ = lift_stations(*told, count)
    marks, weight = np.array(reached), np.array(need)

    def covered(chosen: tuple[int, ...]) -> float:
        return float(weight[marks[[*range(done), *chosen]].any(axis=0)].sum()) if done or chosen else 0.0

    best = max(covered(chosen) for chosen in itertools.combinations(range(done, stations), count))
    assert covered(tuple(range(done, done))) + table["gain_pop"].sum() == pytest.approx(best)
    assert isinstance(table, pd.DataFrame)
