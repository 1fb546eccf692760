"""The roll-out of a plan by phase: arithmetic on a strip of houses, laws on any reach, and mistakes named with their mend."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import builders
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_study import write_lattice_study

import planner
from planner.cli import main
from planner.coverage import measure_coverage
from planner.errors import PlannerWarning, StudyError
from planner.reach import Reach
from planner.rollout import score_rollout
from planner.schema import Rollout, Sites, Towns

NAMES = ("A", "B", "C")


def rollout(
    town: list[int], people: list[int], covered: list[bool], reached: list[list[bool]], phase: list[int], **told
) -> Rollout:
    """Houses in towns, one station that covers some of them, and sites with who reaches each; site i stands in town i % 3."""
    demand = builders.demand_at([(10.0 * i, 0.0) for i in range(len(people))], [float(n) for n in people])
    demand = demand.assign(town=[NAMES[i] for i in town])
    stations = builders.stations_at((0.0, 0.0), town=["A"])
    coverage = measure_coverage(Reach(stations.index, demand.index, sp.csr_array(np.array([covered], dtype="float32"))), demand)
    ids = pd.Index([f"h{i}" for i in range(len(phase))])
    sites = pd.DataFrame({"phase": phase, "town": [NAMES[i % 3] for i in range(len(phase))]}, index=ids)
    shape = gpd.GeoDataFrame({"town": NAMES}, geometry=[shapely.box(0, 0, 1, 1)] * 3, crs=demand.crs).set_index("town")
    options = Reach(ids, demand.index, sp.csr_array(np.array(reached, dtype="float32")))
    return score_rollout(coverage, stations, Towns(shape), Sites(sites), options, **told)


def rows_of(table: Rollout, by: str, place: str) -> pd.DataFrame:
    flat = table.reset_index()
    return flat[(flat["by"] == by) & (flat["place"] == place)].set_index("phase")


def test_what_each_phase_covers_in_each_area_is_arithmetic():
    table = rollout(
        [0, 0, 1, 2],
        [10, 20, 40, 80],
        [True, False, False, False],
        [[True, True, True, False], [False, False, True, True]],
        [1, 2],
        areas={"West": ("A", "B"), "East": ("C",)},
        due=[dt.date(2025, 12, 31)],
    )
    covered = {(by, place, phase): row["covered_pop"] for (by, place, phase), row in table.iterrows()}
    assert [covered["district", "district", phase] for phase in range(3)] == [10, 70, 150]
    assert [covered["area", "West", phase] for phase in range(3)] == [10, 70, 70]
    assert [covered["area", "East", phase] for phase in range(3)] == [0, 0, 80]  # by a site that stands in the west
    west = rows_of(table, "area", "West")
    assert west["new_sites"].tolist() == [0, 1, 1]
    assert west["stations"].tolist() == [1, 2, 3]
    assert west["gain_pop"].tolist() == [0, 60, 0]
    assert pd.Timestamp(west.loc[1, "due"]) == pd.Timestamp("2025-12-31")
    assert west["due"].isna().tolist() == [True, False, True]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_towns_add_up_to_the_district_and_nobody_is_lost(data: st.DataObject):
    count, many = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    marks = st.lists(st.booleans(), min_size=count, max_size=count)
    table = rollout(
        data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)),
        data.draw(st.lists(st.integers(0, 30), min_size=count, max_size=count)),
        data.draw(marks),
        data.draw(st.lists(marks, min_size=many, max_size=many)),
        sorted(data.draw(st.lists(st.integers(1, 3), min_size=many, max_size=many))),
        areas={"all": NAMES},
    )
    amounts = ["new_sites", "stations", "population", "covered_pop", "gain_pop"]
    whole = rows_of(table, "district", "district")
    pd.testing.assert_frame_equal(
        whole[amounts], table.reset_index().query("by == 'town'").groupby("phase")[amounts].sum(), check_dtype=False
    )
    pd.testing.assert_frame_equal(whole[amounts], rows_of(table, "area", "all")[amounts])
    assert whole["covered_pop"].is_monotonic_increasing
    assert (whole["covered_pop"] == whole["covered_pop"].iloc[0] + whole["gain_pop"].cumsum()).all()
    assert (whole["covered_pop"] <= whole["population"]).all()


def study_with(folder: Path, areas: str) -> Path:
    write_lattice_study(folder)
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[rollout.areas]\n{areas}\n")
    return folder


@pytest.mark.filterwarnings("ignore:fewer than 8 places are too few")
def test_a_town_that_is_none_is_named_with_the_nearest_by_check_and_by_the_run(tmp_path: Path):
    folder = study_with(tmp_path / "study", 'left = ["Wset"]')
    with pytest.warns(PlannerWarning, match="stand where a station"):
        faults = planner.check_study(folder)
    assert any("did you mean 'West'?" in str(fault) for fault in faults)
    done = CliRunner().invoke(main, ["propose", str(folder), "--of", "rollout"])
    assert isinstance(done.exception, StudyError) or done.exit_code == 1
    assert "did you mean 'West'?" in str(done.exception) + done.output


@pytest.mark.parametrize(
    ("areas", "said"),
    [('a = ["West"]\nb = ["West"]', "stands in two areas"), ("a = []", "has no town"), ('a = "West"', "rollout")],
)
def test_areas_that_make_no_sense_are_refused(tmp_path: Path, areas: str, said: str):
    with pytest.raises(StudyError, match=said):
        planner.read_study(study_with(tmp_path / "study", areas))


def test_the_command_prints_what_the_run_writes(tmp_path: Path):
    folder = study_with(tmp_path / "study", 'left = ["West"]')
    done = CliRunner().invoke(main, ["propose", str(folder), "--of", "rollout", "--format", "csv", "-q"])
    assert done.exit_code == 0, done.output
    out = planner.run_study(planner.read_study(folder)).write(tmp_path / "out", parts=["tables"])
    assert (out / "rollout.csv").read_text(encoding="utf-8-sig").splitlines() == done.stdout.lstrip("\ufeff").splitlines()
