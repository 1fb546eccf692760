"""A city cut into parts and put together again is the city: the same tables, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lattice_study import lonlat, write_lattice_study

import planner
from planner.errors import StudyError
from planner.network import Network, cut_network
from planner.run import Measured, cut_demand, measure_part, merge_parts
from planner.study import Study

POA = Path(__file__).resolve().parents[2] / "shared" / "data" / "porto-alegre"
POINTS = hnp.arrays(np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=st.integers(-50, 50).map(float))


def in_parts(study: Study, parts: int) -> Measured:
    return merge_parts(study, [measure_part(study, part, parts) for part in range(parts)])


def assert_same(study: Study, parts: int) -> None:
    whole, together = planner.run_study(study), planner.run_study(study, measured=in_parts(study, parts))
    assert (whole.survey.reach.walk_s != together.survey.reach.walk_s).nnz == 0
    assert whole.survey.reach.unlinked_demand.equals(together.survey.reach.unlinked_demand)
    assert set(whole.published) == set(together.published)
    for name, table in whole.published.items():
        pd.testing.assert_frame_equal(table, together.published[name], check_exact=True)
    assert whole.summary == together.summary


@settings(deadline=None)
@given(POINTS, st.integers(1, 9))
def test_every_point_is_in_one_part_and_parts_are_of_one_size(xy: np.ndarray, parts: int) -> None:
    groups = cut_demand(xy, min(parts, len(xy)))
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(xy)))
    sizes = [len(rows) for rows in groups]
    assert min(sizes) >= 1
    assert max(sizes) <= 2 * min(sizes) + 1


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_the_lattice_in_parts_is_the_lattice(tmp_path: Path, parts: int) -> None:
    assert_same(planner.read_study(write_lattice_study(tmp_path)), parts)


def test_residents_of_towns_who_walk_differently_are_cut_like_all_others(tmp_path: Path) -> None:
    study = planner.read_study(write_lattice_study(tmp_path), ['walk.towns.East={minutes=9, profile="elder"}'])
    assert_same(study, 4)


@pytest.mark.filterwarnings("ignore:1 stations outside the area:planner.PlannerWarning")
def test_stations_that_do_not_count_count_in_no_part(tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path)
    with (folder / "stations.csv").open("a", encoding="utf-8") as file:
        lon, lat = lonlat(-0.55, 5)  # beyond the border, within 60 m of the first street
        file.write(f"S9,Just outside,{lon},{lat},built,2024-01-15\n")
    whole = planner.read_study(folder)
    assert "S9" in planner.run_study(whole).scores.index
    assert_same(planner.read_study(folder, ["stations.outside=false"]), 2)


def test_more_parts_than_points_are_refused(tmp_path: Path) -> None:
    study = planner.read_study(write_lattice_study(tmp_path))
    with pytest.raises(StudyError, match="cannot be cut into 1000 parts"):
        measure_part(study, 0, 1000)


def test_a_cut_network_keeps_its_order_and_counts_its_parts_anew() -> None:
    ends = [[i, i + 1] for i in range(9)]
    line = Network.from_segments([[100.0 * i, 0.0] for i in range(10)], ends, crs="EPSG:32651")
    part = cut_network(line, shapely.box(-1, -1, 250, 1).union(shapely.box(650, -1, 1000, 1)))
    assert part.length_m.sum() == 600
    assert part.component_length_m.tolist() == [300, 300]
    rows = [line.node_id.tolist().index(node) for node in part.node_id.tolist()]
    assert rows == sorted(rows)


@pytest.mark.shared
@pytest.mark.skipif(not POA.exists(), reason="the extract of Porto Alegre is not here")
@pytest.mark.filterwarnings("ignore::planner.PlannerWarning")
def test_porto_alegre_in_parts_is_porto_alegre(tmp_path: Path) -> None:
    cells = pd.read_csv(POA / "poa_hexgrid.csv")
    box = shapely.box(cells["lon"].min(), cells["lat"].min(), cells["lon"].max(), cells["lat"].max()).buffer(0.002)
    area = f'{{"type": "Feature", "properties": {{"town": "Porto Alegre"}}, "geometry": {shapely.to_geojson(box)}}}'
    (tmp_path / "towns.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{area}]}}', encoding="utf-8")
    cells.to_csv(tmp_path / "people.csv", index=False)
    every = cells[cells["population"] > 0].reset_index(drop=True)
    for name, key, rows in (("stations", "station_id", every.iloc[::40]), ("hosts", "site_id", every.iloc[7::25])):
        places = pd.DataFrame({key: rows["id"], "name": rows["id"], "lon": rows["lon"], "lat": rows["lat"]})
        places.to_csv(tmp_path / f"{name}.csv", index=False)
    text = f"""
name = "Porto Alegre"
area = "towns.geojson"
as_of = 2020-08-01
network = {{ file = "{POA / "poa_osm.pbf"}" }}
stations = {{ file = "stations.csv" }}
candidates = [{{ file = "hosts.csv" }}]
population = {{ file = "people.csv", column = "population" }}
siting = {{ sites = 3 }}
"""
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert_same(planner.read_study(tmp_path), 4)
