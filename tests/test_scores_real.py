"""Scores on a real city: shared out as PySAL does it, and counted again from the walking times, with and without the border."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import planner
from planner import decay
from planner.errors import PlannerWarning
from planner.run import Survey, indicators_of

POA = Path(__file__).resolve().parents[2] / "shared" / "data" / "porto-alegre"
WEST, MIDDLE, EAST, NORTH, SOUTH = -51.240, -51.205, -51.165, -30.015, -30.045
STUDY = """
name = "Porto Alegre"
area = "towns.geojson"
crs = "EPSG:32722"
as_of = 2024-12-31
network.file = "network.osm.pbf"
stations.file = "stations.csv"
population.file = "cells.csv"
population.column = "population"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two towns in the middle of the city; of its places of interest twelve are stations, three of them just outside."""
    if not POA.exists():
        pytest.skip("the Porto Alegre extract is not beside the project")
    made = tmp_path_factory.mktemp("poa")
    features = []
    for town, west, east in (("Oeste", WEST, MIDDLE), ("Leste", MIDDLE, EAST)):
        ring = [[west, SOUTH], [east, SOUTH], [east, NORTH], [west, NORTH], [west, SOUTH]]
        features.append(
            {"type": "Feature", "properties": {"town": town}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        )
    (made / "towns.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    (made / "network.osm.pbf").write_bytes((POA / "poa_osm.pbf").read_bytes())
    pd.read_csv(POA / "poa_hexgrid.csv")[["id", "lon", "lat", "population"]].to_csv(made / "cells.csv", index=False)
    places = pd.read_csv(POA / "poa_points_of_interest.csv").rename(columns={"id": "name"})
    places = places.assign(station_id=[f"P{i:02}" for i in range(len(places))], status="built", opened="2024-01-01")
    places["capacity"] = [3000 + 500 * i for i in range(len(places))]
    near = places["lat"].between(SOUTH - 0.009, NORTH + 0.009) & places["lon"].between(WEST - 0.009, EAST + 0.009)
    places[near].to_csv(made / "stations.csv", index=False)
    (made / "study.toml").write_text(STUDY, encoding="utf-8")
    return made


def surveyed(folder: Path, *settings: str) -> Survey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        return planner.survey_study(planner.read_study(folder, settings))


def luo_qi(cost: pd.Series) -> pd.Series:
    """The bell curve of `decay.gaussian_to_zero` at 900 s, written anew for PySAL."""
    return (np.exp(-0.5 * (cost / 900) ** 2) - np.exp(-0.5)) / (1 - np.exp(-0.5))


def halves(cost: pd.Series) -> pd.Series:
    return 0.5 ** (cost / 300)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (None, None),
        (luo_qi, lambda walk_s: decay.gaussian_to_zero(walk_s, cutoff_s=900)),
        (halves, lambda walk_s: decay.exponential(walk_s, half_s=300)),
    ],
    ids=["2SFCA", "E2SFCA", "E2SFCA by half-lives"],
)
def test_pysal_shares_out_the_capacity_of_a_city_in_the_same_way(
    folder: Path, theirs: Callable[[pd.Series], pd.Series] | None, ours: Callable[[np.ndarray], np.ndarray] | None
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from access import fca
    survey = surveyed(folder)
    cost = survey.reach.to_frame().rename(columns={"origin_id": "origin", "destination_id": "dest", "walk_s": "cost"})
    cost["cost"] = cost["cost"].astype(float)
    assert len(cost) > 200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fca.two_stage_fca(
            demand_df=pd.DataFrame(survey.demand[["population"]]),
            supply_df=pd.DataFrame(survey.stations[["capacity"]]),
            cost_df=cost,
            max_cost=900,
            demand_index=True,
            demand_name="population",
            supply_name="capacity",
            weight_fn=theirs,
        )
    supply = planner.two_step_access(survey.reach, survey.demand, survey.stations["capacity"], decay=ours)
    assert found.reindex(survey.demand.index).fillna(0.0).to_numpy() == pytest.approx(supply.to_numpy(), rel=1e-6)
    assert (supply > 0).sum() > 50


@pytest.mark.shared
@pytest.mark.parametrize("outside", [True, False])
def test_stations_outside_a_real_border_count_as_the_switch_says(folder: Path, outside: bool):
    survey = surveyed(folder, f"stations.outside={str(outside).lower()}")
    listed = pd.read_csv(folder / "stations.csv").set_index("station_id")
    inside = listed["lat"].between(SOUTH, NORTH) & listed["lon"].between(WEST, EAST)
    assert (~inside).sum() == 3
    counted = listed.index if outside else listed.index[inside]
    assert list(survey.stations.index) == list(counted)
    # all pairs of both runs, from the run in which every station counts
    walks = surveyed(folder).reach.to_frame()
    walks = walks[walks["destination_id"].isin(counted)]
    people, town = survey.demand["population"], survey.demand["town"]
    nearest = walks.loc[walks.groupby("origin_id")["walk_s"].idxmin()].set_index("origin_id")
    scores, _, _ = planner.score_survey(survey)
    table = indicators_of(survey, scores)
    for by, place, here in (
        ("district", "district", people.index == people.index),
        ("town", "Oeste", town == "Oeste"),
        ("town", "Leste", town == "Leste"),
    ):
        own = nearest[nearest.index.isin(people.index[here])]
        count = people.reindex(own.index)
        twice = walks[walks["origin_id"].isin(own.index)].groupby("origin_id").size()
        expected = {
            "coverage": count.sum() / people[here].sum(),
            "mean_walk": (own["walk_s"].astype(float) * count).sum() / count.sum() / 60,
            "backup": people.reindex(twice.index[twice >= 2]).sum() / people[here].sum(),
            "stations_per_10000": 1e4 * (inside & _in_town(listed, place)).sum() / people[here].sum(),
        }
        for name, value in expected.items():
            assert table.loc[(name, by, place), "value"] == pytest.approx(value, rel=1e-6), (name, place)


def _in_town(listed: pd.DataFrame, place: str) -> pd.Series:
    west, east = {"district": (WEST, EAST), "Oeste": (WEST, MIDDLE), "Leste": (MIDDLE, EAST)}[place]
    return listed["lon"].between(west, east)


@pytest.mark.shared
def test_the_border_makes_a_difference_here(folder: Path):
    shares = {}
    for outside in ("true", "false"):
        survey = surveyed(folder, f"stations.outside={outside}")
        covered = survey.coverage["covered"]
        shares[outside] = survey.coverage.loc[covered, "population"].sum() / survey.coverage["population"].sum()
    assert isinstance(survey.stations, gpd.GeoDataFrame)
    assert 0.45 < shares["false"] < shares["true"] < 0.47
