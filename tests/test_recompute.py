"""Every headline figure and every indicator follows from the tables a run writes; nothing of ours is used but the files."""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from lattice_study import SIDE, lonlat, write_lattice_study
from shapely.geometry import Polygon

from planner.cli import main

STUDY = """
[communities]
file = "communities.geojson"
share = 0.3

[life_circle]
[[life_circle.services]]
name = "shopping"
file = "shopping.csv"
[[life_circle.services]]
name = "dining"
file = "dining.csv"
[[life_circle.services]]
name = "culture"
file = "culture.csv"

[composite]
weights = { served_pop = 2, sole_pop = 1, completeness = 3, rating = 0.5, median_walk_min = 1.5 }
spread = 0.6
"""
STATIONS = {  # corner, services, rating
    "S1": (5, 5, "1-8", 4.5), "S2": (5, 8, "1-11", 3.9), "S3": (12, 12, "1-24", 4.1), "S4": (14, 11, "1-4,12", 4.8),
    "S5": (8, 0, "15-20,23", 3.0), "S6": (20, 16, "", 4.2),
}  # fmt: skip
PLACES = {"shopping": ((5, 5), (15, 10)), "dining": ((3, 4),), "culture": ((10, 10), (17, 17))}
PACK = Path(__file__).resolve().parents[1] / "planner" / "packs" / "jiading-2023.toml"
README = Path(__file__).resolve().parents[1] / "README.md"
ASSUMED = {"study", "as_of", "cutoff_minutes", "pace_mps", "profile", "profile_source", "towns_that_differ", "what_if", "label"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the lattice town with capacities, services, communities, a policy pack and groups large enough to be shown."""
    import planner

    folder = write_lattice_study(tmp_path_factory.mktemp("whole"))
    text = (folder / "study.toml").read_text(encoding="utf-8")
    text = 'policy = "jiading-2023"\n' + text + STUDY + "\n[privacy]\nminimum_count = 0\n"
    (folder / "study.toml").write_text(text, encoding="utf-8")
    table = [
        (key, key, *lonlat(i, j), "built", "2024-01-15", 100 * i, said, rating)
        for key, (i, j, said, rating) in STATIONS.items()
    ]
    columns = ["station_id", "name", "lon", "lat", "status", "opened", "capacity", "services", "rating"]
    pd.DataFrame(table, columns=columns).to_csv(folder / "stations.csv", index=False)
    for service, corners in PLACES.items():
        pd.DataFrame([lonlat(*corner) for corner in corners], columns=["lon", "lat"]).to_csv(
            folder / f"{service}.csv", index=False
        )
    network = (folder / "network.osm").read_text(encoding="utf-8")
    (folder / "network.osm").write_text(network.replace("<way", HOME_NODES + "<way", 1).replace("</osm>", HOME_WAYS + "</osm>"))
    communities().to_file(folder / "communities.geojson")
    unknown, shown, thin, silent = (
        pytest.warns(planner.errors.PlannerWarning, match=said)
        for said in (
            "no place is known",
            "is suppressed",
            r"few homes: the map knows 4 residential building\(s\), 0\.4 m2",
            "nothing is said of what 1 stations offer",
        )
    )
    with unknown, shown, thin, silent:
        run = planner.run_study(planner.read_study(folder))
    written = run.write(tmp_path_factory.mktemp("out") / "run")
    points = [(key, *lonlat(i, j)) for key, (i, j, *_) in STATIONS.items()]
    points += [(f"{service}{n}", *lonlat(*corner)) for service, corners in PLACES.items() for n, corner in enumerate(corners)]
    points += pd.read_csv(folder / "hosts.csv")[["site_id", "lon", "lat"]].to_records(index=False).tolist()
    pd.DataFrame(points, columns=["id", "lon", "lat"]).to_csv(written.parent / "points.csv", index=False)
    asked = ["times", str(folder), "--from", "demand", "--to", str(written.parent / "points.csv"), "--format", "csv"]
    told = CliRunner().invoke(main, asked, catch_exceptions=False)
    (written.parent / "walks.csv").write_text(told.stdout, encoding="utf-8")
    return written


def communities() -> gpd.GeoDataFrame:
    """Eight communities whose borders are not those of the towns."""
    parts = [(i, j) for i in ((-0.5, 6.5), (6.5, 20.5)) for j in ((-0.5, 4.5), (4.5, 9.5), (9.5, 14.5), (14.5, 20.5))]
    shapes = [Polygon([lonlat(w, s), lonlat(e, s), lonlat(e, n), lonlat(w, n)]) for (w, e), (s, n) in parts]
    return gpd.GeoDataFrame({"community": [f"C{n}" for n in range(len(shapes))]}, geometry=shapes, crs="EPSG:4326")


def home(number: int, i: float, j: float, floors: int) -> tuple[str, str]:
    """A residential building of a tenth of a block each way around a corner of the lattice, as nodes and a way."""
    refs, nodes = [], ""
    for k, (dx, dy) in enumerate(((-0.05, -0.05), (0.05, -0.05), (0.05, 0.05), (-0.05, 0.05))):
        refs.append(9_000 + 10 * number + k)
        lon, lat = lonlat(i + dx, j + dy)
        nodes += f'<node id="{refs[-1]}" lon="{lon}" lat="{lat}" version="1"/>'
    inner = "".join(f'<nd ref="{ref}"/>' for ref in (*refs, refs[0]))
    tags = f'<tag k="building" v="apartments"/><tag k="building:levels" v="{floors}"/>'
    return nodes, f'<way id="{9_000 + number}" version="1">{inner}{tags}</way>'


HOMES = ((5.5, 5.5, 3), (6.5, 8.5, 2), (2.5, 16.5, 7), (15.5, 5.5, 4))  # corner, floors; the first two stand in the circle
HOME_NODES, HOME_WAYS = ("".join(parts) for parts in zip(*(home(n, *told) for n, told in enumerate(HOMES)), strict=True))


def csv(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv", encoding="utf-8-sig")


def quantile(values: pd.Series, weights: pd.Series, share: float) -> float:
    order = values.sort_values(kind="stable").index
    below = weights[order].cumsum()
    return float(values[order][below >= share * below.iloc[-1] - 1e-9].iloc[0])


def gini(values: pd.Series, weights: pd.Series) -> float:
    x, w = values.to_numpy(), weights.to_numpy()
    pairs = np.abs(x[:, None] - x[None, :]) * w[:, None] * w[None, :]
    return float(pairs.sum() / (2 * w.sum() ** 2 * (x @ w / w.sum())))


def leaves(said: Any, here: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(said, dict):
        for key, inner in said.items():
            yield from leaves(inner, (*here, key))
    else:
        yield here, said


def headline(out: Path) -> dict[tuple[str, ...], Any]:
    """All that summary.json says, from the tables."""
    cells = gpd.read_parquet(out / "demand.parquet")
    people, covered, need = cells["population"], cells["covered"], cells["need"]
    served, minutes = cells[covered], cells.loc[covered, "nearest_walk_s"] / 60
    stations, towns, groups, sites = (csv(out, name) for name in ("stations", "towns", "groups", "sites"))
    total, reached = people.sum(), served["population"].sum()
    area = {row["indicator"]: row for row in csv(out, "indicators").to_dict("records") if row["by"] == "district"}[
        "area_coverage"
    ]
    twice = people[cells["stations_in_reach"] >= 2].sum()
    found: dict[tuple[str, ...], Any] = {
        ("population",): total,
        ("covered_pop",): reached,
        ("coverage",): reached / total,
        ("unreachable_pop",): total - reached,
        ("unreachable_share",): 1 - reached / total,
        ("backed_up_pop",): twice,
        ("backed_up_share",): twice / total,
        ("mean_walk_min",): (minutes * served["population"]).sum() / reached,
        ("median_walk_min",): quantile(minutes, served["population"], 0.5),
        ("p90_walk_min",): quantile(minutes, served["population"], 0.9),
        ("need",): need.sum(),
        ("covered_need",): need[covered].sum(),
        ("need_coverage",): need[covered].sum() / need.sum(),
        ("area_km2",): area["denominator"],
        ("covered_area_km2",): area["numerator"],
        ("area_coverage",): area["numerator"] / area["denominator"],
        ("stations",): len(stations),
        ("residents_per_station",): total / len(stations),
        ("stations_per_10000",): len(stations) * 10_000 / total,
        ("towns",): len(towns),
        ("towns_with_a_station",): (towns["stations"] > 0).sum(),
        ("demand_points",): len(cells),
        ("most_that_can_be_covered",): csv(out, "frontier")["covered_pop"].max(),
    }
    for row in groups[groups["group"] != "residents"].to_dict("records"):
        own = cells[f"pop_{row['group']}"]
        walked = own[covered]
        found |= {("groups", row["group"], key): value for key, value in (
            ("total", own.sum()), ("covered", walked.sum()), ("coverage", walked.sum() / own.sum()),
            ("median_walk_min", quantile(minutes, walked, 0.5)), ("p90_walk_min", quantile(minutes, walked, 0.9)),
        )}  # fmt: skip
    gain = sites["gain_need"].sum()
    found |= {
        ("plan", "sites"): len(sites),
        ("plan", "need_covered_before"): need[covered].sum(),
        ("plan", "need_covered_after"): need[covered].sum() + gain,
        ("plan", "residents_gained"): sites["gain_pop"].sum(),
        ("plan", "objective"): need[covered].sum() + gain,
    }
    return found | standards(out) | curve(out)


def curve(out: Path) -> dict[tuple[str, ...], Any]:
    """How many stations shares of the residents need, and where the curve bends most: farthest above its chord."""
    table = csv(out, "frontier")
    x, y = table["stations"], table["covered_pop"]
    above = (y - y.iloc[0]) / (y.iloc[-1] - y.iloc[0]) - (x - x.iloc[0]) / (x.iloc[-1] - x.iloc[0])
    found: dict[tuple[str, ...], Any] = {("stations_needed", "standing"): len(csv(out, "stations"))}
    found[("stations_needed", "knee")] = x[above.idxmax()]
    for share in (0.8, 0.9, 0.95, 1.0):
        enough = table[table["coverage"] >= share]
        found[("stations_needed", "shares", f"{share:.0%}", "stations")] = enough["stations"].min() if len(enough) else None
    return found


def standards(out: Path) -> dict[tuple[str, ...], Any]:
    own, tiers, functions = (csv(out, name) for name in ("standards", "tiers", "functions"))
    flags = own["flags"] if "flags" in own else pd.Series(dtype=float)
    found: dict[tuple[str, ...], Any] = {
        ("standards", "demonstration_stations"): (own["demonstration"] == True).sum(),  # noqa: E712 - some are missing
        ("standards", "stations_that_meet_1_plus_4"): (flags == 5).sum(),
        ("standards", "stations_that_lack_something"): own["lacks"].notna().sum(),
    }
    for row in functions.to_dict("records"):
        here = ("standards", "functions", row["function"])
        found |= {(*here, key): row[key] for key in ("stations", "population", "covered_pop")}
        found[(*here, "coverage")] = row["covered_pop"] / row["population"]
    for row in tiers.to_dict("records"):
        for key in ("asked", "found", "met", "finding"):
            found[("standards", "tiers", row["tier"], key)] = row[key]
    return found


def test_every_number_of_the_summary_follows_from_the_tables(out: Path):
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    found, proof = headline(out), {("plan", key) for key in ("bound", "objective_bound", "gap", "method", "status")}
    left = []
    for key, value in leaves(summary):
        if key[0] in ASSUMED or key[-1] in (*ASSUMED, "proven") or value is None or key in proof:
            continue
        if key not in found:
            left.append(key)
        elif isinstance(value, str | bool):
            assert found[key] == value, key
        else:
            assert float(found[key]) == pytest.approx(value, rel=2e-6, abs=2e-3), key
    assert not left, f"nothing recomputes {left}"


def straight(out: Path) -> pd.Series:
    """Metres as the crow flies from each demand point to its nearest station."""
    cells, stations = (
        gpd.read_parquet(out / "demand.parquet").set_index("demand_id"),
        csv(out, "stations").set_index("station_id"),
    )
    xy = gpd.GeoSeries.from_xy(stations["lon"], stations["lat"], index=stations.index, crs="EPSG:4326").to_crs(cells.crs)
    known = cells[cells["nearest_station_id"].notna()]
    ends = xy.loc[known["nearest_station_id"]]
    return pd.Series(np.hypot(known.geometry.x - ends.x.to_numpy(), known.geometry.y - ends.y.to_numpy()), index=known.index)


def saved(out: Path) -> pd.Series:
    """Minutes that each demand point saves once the sites stand; missing where no station is in reach before."""
    before = walks(out).min(axis=1)
    after = walks(out, csv(out, "sites")["site_id"]).min(axis=1)
    return (before - np.fmin(before, after)) / 60


def covered_communities(out: Path, place: str) -> pd.Series:
    """Whether each inhabited community of a place is covered, from the demand points that lie in it."""
    cells, towns = gpd.read_parquet(out / "demand.parquet"), gpd.read_file(out / "towns.geojson").to_crs("EPSG:32651")
    areas = gpd.read_file(out / "communities.geojson").to_crs("EPSG:32651").set_index("community")
    mine = cells.sjoin(areas[["geometry"]], predicate="within")
    people = mine.groupby("community")["population"].sum()
    share = mine[mine["covered"]].groupby("community")["population"].sum().reindex(people.index).fillna(0.0) / people
    if place != "district":
        ground = towns.set_index("town").geometry[place]
        share = share[areas.representative_point().within(ground)[share.index]]
    return share >= 0.3


def recomputed(out: Path, place: str) -> dict[str, float]:
    """The indicators of the district or a town, from the tables."""
    cells, stations = gpd.read_parquet(out / "demand.parquet"), csv(out, "stations")
    if place != "district":
        cells, stations = cells[cells["town"] == place], stations[stations["town"] == place]
    people, served = cells["population"], cells[cells["covered"]]
    who, minutes, total = served["population"], served["nearest_walk_s"] / 60, cells["population"].sum()
    pace = json.loads((out / "summary.json").read_text(encoding="utf-8"))["pace_mps"]
    towns = csv(out, "towns").set_index("town")
    own = towns if place == "district" else towns.loc[[place]]
    straight_m, saved_min = (told.reindex(cells["demand_id"]).to_numpy() for told in (straight(out), saved(out)))
    saved_pop = people.to_numpy()[~np.isnan(saved_min)]
    found = {
        "coverage": who.sum() / total,
        "unreachable": 1 - who.sum() / total,
        "area_coverage": float("nan"),
        "community_coverage": covered_communities(out, place).mean(),
        "backup": people[cells["stations_in_reach"] >= 2].sum() / total,
        "stations_per_10000": own["stations"].sum() * 10_000 / total,
        "supply": (cells["supply"] * people).sum() / total,
        "supply_e2sfca": (cells["supply_e2sfca"] * people).sum() / total,
        "supply_p10": quantile(cells["supply"], people, 0.1),
    }
    if len(served):
        found |= {
            "mean_walk": (minutes * who).sum() / who.sum(),
            "median_walk": quantile(minutes, who, 0.5),
            "p90_walk": quantile(minutes, who, 0.9),
            "overlap": (served["stations_in_reach"] * who).sum() / who.sum(),
            "detour": (served["nearest_walk_s"] * pace * who).sum() / (straight_m[cells["covered"]] * who).sum(),
            "walk_gini": gini(minutes, who),
            "supply_gini": gini(cells["supply"], people),
            "walking_saved": (saved_min[~np.isnan(saved_min)] * saved_pop).sum() / saved_pop.sum(),
        }
    outlines = gpd.read_file(out / "isochrones.geojson").to_crs("EPSG:32651")
    circle = outlines[outlines["minutes"] == 5].union_all()
    ground = gpd.read_file(out / "towns.geojson").to_crs("EPSG:32651")
    ground = ground if place == "district" else ground[ground["town"] == place]
    spots = gpd.GeoSeries.from_xy(*zip(*(lonlat(i, j) for i, j, _ in HOMES), strict=True), crs="EPSG:4326").to_crs("EPSG:32651")
    floors, here = np.array([each[2] for each in HOMES]), spots.within(ground.union_all()).to_numpy()
    found["residential_coverage"] = floors[here & spots.within(circle).to_numpy()].sum() / floors[here].sum()
    if len(stations):
        found["load_ratio"] = stations["load"].sum() / stations["capacity"].sum()
    if place == "district":
        found["worst_town"] = (towns["covered_pop"] / towns["population"]).min()
        groups = csv(out, "groups").set_index("group").drop(index="residents")
        found["worst_group"] = (groups["covered"] / groups["total"]).min()
    return found


@pytest.mark.parametrize("place", ["district", "West", "East"])
def test_every_indicator_of_a_place_follows_from_the_tables(out: Path, place: str):
    table = csv(out, "indicators")
    rows = table[(table["place"] == place) & table["by"].isin(["district", "town"])].set_index("indicator")
    found = recomputed(out, place)
    assert set(rows.index[rows["value"].notna()]) - set(found) == set()
    for name, row in rows[rows["value"].notna()].iterrows():
        if name != "area_coverage":
            assert found[str(name)] == pytest.approx(row["value"], rel=1e-4, abs=2e-4), name
    assert rows.loc["area_coverage", "denominator"] == pytest.approx(
        (SIDE * SIDE if place == "district" else SIDE * (11 if place == "West" else 10)) * 0.099**2, rel=2e-3
    )


def test_outlines_give_the_area_covered(out: Path):
    outlines = gpd.read_file(out / "isochrones.geojson").to_crs("EPSG:32651")
    towns = gpd.read_file(out / "towns.geojson").to_crs("EPSG:32651")
    inside = outlines[outlines["minutes"] == 5].union_all().intersection(towns.union_all()).area
    row = csv(out, "indicators").set_index(["indicator", "by"]).loc[("area_coverage", "district")]
    assert row["value"] == pytest.approx(inside / towns.union_all().area, rel=1e-3)


def test_indicators_of_stations_and_groups_follow_from_their_tables(out: Path):
    table = csv(out, "indicators").set_index(["indicator", "by", "place"])["value"]
    cells = gpd.read_parquet(out / "demand.parquet")
    pace = json.loads((out / "summary.json").read_text(encoding="utf-8"))["pace_mps"]
    told = {name for name, by, _ in table.index if by == "station"}
    assert told == {"served", "load", "marginal", "shared", "station_median_walk", "load_ratio", "detour"}
    for row in csv(out, "stations").to_dict("records"):
        key = row["station_id"]
        assert table[("served", "station", key)] == pytest.approx(row["served_pop"])
        assert table[("load", "station", key)] == pytest.approx(row["load"])
        assert table[("marginal", "station", key)] == pytest.approx(row["marginal_pop"])
        assert table[("shared", "station", key)] == pytest.approx(row["shared_pop"] / row["served_pop"])
        assert table[("station_median_walk", "station", key)] == pytest.approx(row["median_walk_min"], abs=1e-3)
        own = cells[cells["nearest_station_id"] == key]
        metres = (own["nearest_walk_s"] * pace * own["population"]).sum() / (own["straight_m"] * own["population"]).sum()
        assert table[("detour", "station", key)] == pytest.approx(metres, rel=1e-4)
        assert table[("load_ratio", "station", key)] == pytest.approx(row["load"] / row["capacity"])
    group = csv(out, "groups").set_index("group").loc["graduates"]
    assert table[("coverage", "group", "graduates")] == pytest.approx(group["covered"] / group["total"])
    assert table[("p90_walk", "group", "graduates")] == pytest.approx(group["p90_walk_min"], abs=1e-3)
    assert not math.isnan(table[("unreachable", "group", "graduates")])


def walks(out: Path, to: Any = None) -> pd.DataFrame:
    """(demand points × stations, or other points) seconds, as `planner times` writes them; missing where out of reach."""
    long = pd.read_csv(out.parent / "walks.csv")
    people = gpd.read_parquet(out / "demand.parquet").set_index("demand_id")["population"]
    table = long.pivot(index="from_id", columns="to_id", values="walk_s").reindex(people.index)
    return table.reindex(columns=csv(out, "stations")["station_id"] if to is None else to)


def test_every_figure_of_a_station_follows_from_the_walks_themselves(out: Path):
    seconds, stations = walks(out), csv(out, "stations").set_index("station_id")
    people = gpd.read_parquet(out / "demand.parquet").set_index("demand_id")["population"]
    assert seconds.notna().any(axis=None)
    for key in seconds:
        mine, others = seconds[key].notna(), seconds.drop(columns=key).notna().any(axis=1)
        nearest = mine & (seconds.fillna(np.inf).idxmin(axis=1) == key)
        row = stations.loc[key]
        assert row["served_pop"] == people[mine].sum()
        assert row["sole_pop"] == row["marginal_pop"] == people[mine & ~others].sum()
        assert row["shared_pop"] == people[mine & others].sum()
        assert row["load"] == people[nearest].sum()
        assert row["median_walk_min"] == pytest.approx(quantile(seconds.loc[mine, key] / 60, people[mine], 0.5), abs=1e-3)


def test_supply_of_every_demand_point_follows_from_the_walks_and_the_capacities(out: Path):
    seconds, cells = walks(out), gpd.read_parquet(out / "demand.parquet").set_index("demand_id")
    capacity = csv(out, "stations").set_index("station_id")["capacity"]
    assert (cells["nearest_walk_s"].fillna(-1) - seconds.min(axis=1).fillna(-1)).abs().max() < 1e-3
    assert (cells["stations_in_reach"] == seconds.notna().sum(axis=1)).all()
    bell = ((np.exp(-0.5 * (seconds / 300) ** 2) - np.exp(-0.5)) / (1 - np.exp(-0.5))).fillna(0.0)
    for name, weight in (("supply", seconds.notna().astype(float)), ("supply_e2sfca", bell)):
        ratio = capacity / weight.mul(cells["population"], axis=0).sum()
        expected = (weight * ratio).sum(axis=1) * 10_000
        # `times` gives seconds to the millisecond; where few are near, a weight that is almost 0 at the cutoff feels that
        assert cells[name].to_numpy() == pytest.approx(expected.to_numpy(), rel=5e-4), name


@pytest.mark.parametrize("place", ["district", "West", "East"])
def test_the_area_of_every_place_follows_from_the_outlines(out: Path, place: str):
    outlines, ground = (gpd.read_file(out / f"{name}.geojson").to_crs("EPSG:32651") for name in ("isochrones", "towns"))
    ground = ground if place == "district" else ground[ground["town"] == place]
    circle = outlines[outlines["minutes"] == 5].union_all().intersection(ground.union_all()).area
    rows = csv(out, "indicators")
    row = rows[(rows["indicator"] == "area_coverage") & (rows["place"] == place)].iloc[0]
    assert row["numerator"] == pytest.approx(circle / 1e6, rel=1e-3, abs=1e-6)
    assert row["value"] == pytest.approx(circle / ground.union_all().area, rel=1e-3, abs=1e-6)


def test_every_indicator_of_a_group_follows_from_the_demand_points(out: Path):
    rows = csv(out, "indicators")
    table = rows[rows["by"] == "group"].set_index(["indicator", "place"])["value"]
    cells = gpd.read_parquet(out / "demand.parquet")
    group, covered = cells["pop_graduates"], cells["covered"]
    minutes = cells.loc[covered, "nearest_walk_s"] / 60
    expected = {
        ("coverage", "graduates"): group[covered].sum() / group.sum(),
        ("unreachable", "graduates"): group[~covered].sum() / group.sum(),
        ("median_walk", "graduates"): quantile(minutes, group[covered], 0.5),
        ("p90_walk", "graduates"): quantile(minutes, group[covered], 0.9),
    }
    assert set(table.index) == set(expected)
    for key, value in expected.items():
        assert table[key] == pytest.approx(value, rel=1e-4), key


def test_the_rollout_follows_from_the_sites_and_the_demand_points(out: Path):
    table, sites, cells = csv(out, "rollout"), csv(out, "sites"), gpd.read_parquet(out / "demand.parquet")
    whole = table[table["by"] == "district"].set_index("phase")
    today = cells.loc[cells["covered"], "population"].sum()
    assert whole.loc[0, "covered_pop"] == today
    for phase, row in whole.drop(index=0).iterrows():
        assert row["covered_pop"] == pytest.approx(today + sites.loc[sites["phase"] <= phase, "gain_pop"].sum())
        assert row["new_sites"] == (sites["phase"] == phase).sum()
    towns = table[table["by"] == "town"].groupby("phase")[["population", "covered_pop", "gain_pop", "stations"]].sum()
    pd.testing.assert_frame_equal(towns, whole[list(towns.columns)], check_dtype=False)


def test_the_run_has_every_indicator_that_the_readme_defines(out: Path):
    table = README.read_text(encoding="utf-8").split("| indicator | 中文 | unit |")[1].split("\n\n")[0]
    defined = set(re.findall(r"^\| `(\w+)`:", table, flags=re.MULTILINE))
    rows = csv(out, "indicators")
    assert set(rows.loc[rows["value"].notna(), "indicator"]) == defined


def test_towns_and_communities_follow_from_the_demand_points(out: Path):
    cells, towns = gpd.read_parquet(out / "demand.parquet"), csv(out, "towns").set_index("town")
    areas = gpd.read_file(out / "communities.geojson").to_crs(cells.crs)[["community", "geometry"]]
    communities = csv(out, "communities").set_index("community")
    for key, table, own in (("town", towns, cells), ("community", communities, cells.sjoin(areas, predicate="within"))):
        people, covered = (own[mine].groupby(key)["population"].sum() for mine in (own["population"] > 0, own["covered"]))
        assert table["population"].to_dict() == pytest.approx(people.to_dict())
        assert table["covered_pop"].to_dict() == pytest.approx(covered.reindex(people.index).fillna(0.0).to_dict())
        assert table["coverage"].to_numpy() == pytest.approx((table["covered_pop"] / table["population"]).to_numpy(), rel=1e-6)
    assert 0 < communities["covered"].sum() < len(communities)
    assert communities["covered"].to_dict() == covered_communities(out, "district").to_dict()


def offered() -> dict[str, tuple[set[int], set[str]]]:
    """The items and functions of each station that says any, by the pack as it is written."""
    pack, found = tomllib.loads(PACK.read_text(encoding="utf-8")), {}
    for key, (_, _, said, _) in STATIONS.items():
        spans = [(int(part.split("-")[0]), int(part.split("-")[-1])) for part in said.split(",") if part]
        items = {number for first, last in spans for number in range(first, last + 1)}
        functions = set()
        for function in (each["name"] for each in pack["functions"]):
            own = {each["number"]: each["item_class"] for each in pack["items"] if each["function"] == function}
            basic = {number for number, item_class in own.items() if item_class == "basic"}
            if basic <= items if basic else items & set(own):
                functions.add(function)
        if said:
            found[key] = (items, functions)
    return found


def test_standards_and_who_reaches_each_function_follow_from_the_services_and_the_walks(out: Path):
    pack, reached = tomllib.loads(PACK.read_text(encoding="utf-8")), walks(out).notna()
    people = gpd.read_parquet(out / "demand.parquet").set_index("demand_id")["population"]
    table, own, asked = (
        csv(out, "functions").set_index("function"),
        csv(out, "standards").set_index("station_id"),
        pack["demonstration_functions"],
    )
    who = {
        each["name"]: [key for key, (_, functions) in offered().items() if each["name"] in functions]
        for each in pack["functions"]
    }
    marks = {function: reached[keys].any(axis=1) for function, keys in who.items()}
    marks["all"] = np.logical_and.reduce([marks[function] for function in asked])
    who["all"] = [key for key, (_, functions) in offered().items() if set(asked) <= functions]
    assert set(table.index) == set(marks)
    for function, mark in marks.items():
        assert table.loc[function, ["stations", "covered_pop"]].tolist() == [len(who[function]), people[mark].sum()], function
        assert table.loc[function, "coverage"] == pytest.approx(people[mark].sum() / people.sum(), rel=1e-6)
    for key, (items, functions) in offered().items():
        for item_class in ("basic", "extended", "innovative"):
            numbers = {each["number"] for each in pack["items"] if each["item_class"] == item_class}
            assert own.loc[key, item_class] == pytest.approx(len(numbers & items) / len(numbers), rel=1e-6)
        assert own.loc[key, "demonstration"] == (set(asked) <= functions)
    assert own.loc["S6", ["basic", "demonstration"]].isna().all()


def test_no_other_stations_to_lift_bring_more_need(out: Path):
    table, reached = csv(out, "lift"), walks(out).notna()
    cells = gpd.read_parquet(out / "demand.parquet").set_index("demand_id")
    done = [key for key, (items, _) in offered().items() if len(items) == 24]
    need = {
        chosen: cells.loc[reached[[*done, *chosen]].any(axis=1), "need"].sum()
        for chosen in itertools.combinations(sorted(STATIONS.keys() - set(done)), 2)
    }
    mine = tuple(sorted(table["station_id"]))
    assert need[mine] == max(need.values()) > min(need.values())
    first = [cells.loc[reached[[*done, *table["station_id"][:n]]].any(axis=1), "population"].sum() for n in range(3)]
    assert table["gain_pop"].tolist() == np.diff(first).tolist()
    assert table["coverage_after"].tolist() == pytest.approx([each / cells["population"].sum() for each in first[1:]], rel=1e-6)


def test_the_living_circle_follows_from_the_walks_to_its_places(out: Path):
    cells = gpd.read_parquet(out / "demand.parquet").set_index("demand_id")
    marks = pd.DataFrame(
        {
            service: walks(out, [f"{service}{n}" for n in range(len(corners))]).notna().any(axis=1)
            for service, corners in PLACES.items()
        }
    )
    told = gpd.read_parquet(out / "life_cells.parquet").set_index("demand_id")
    services = csv(out, "life_services").set_index(["service", "place"])
    shares = {"completeness": marks, "basic": marks[["shopping", "dining"]], "quality": marks[["culture"]]}
    for name, own in shares.items():
        assert told[name].tolist() == pytest.approx(own.mean(axis=1).tolist())
    everything = marks[["shopping", "dining"]].all(axis=1)
    table = csv(out, "life_circle").set_index(["by", "place"])
    for by, place, here in [("district", "district", cells["population"] > 0)] + [
        ("town", t, cells["town"] == t) for t in ("West", "East")
    ]:
        people = cells["population"].where(here, 0.0)
        for name, own in shares.items():
            assert table.loc[(by, place), name] == pytest.approx(own.mean(axis=1) @ people / people.sum(), rel=1e-6)
        assert table.loc[(by, place), "all_basic_pop"] == people[everything].sum()
        assert table.loc[(by, place), "both_pop"] == people[everything & cells["covered"]].sum()
        for service in marks:
            assert services.loc[(service, place), "covered_pop"] == people[marks[service]].sum()
    for name, own in shares.items():
        share = own.mean(axis=1) @ cells["pop_graduates"] / cells["pop_graduates"].sum()
        assert table.loc[("group", "graduates"), name] == pytest.approx(math.floor(share * 100 + 1e-9) / 100)


def ranks(parts: pd.DataFrame, weights: dict[str, float]) -> pd.Series:
    """Ranks by the weighted mean of the columns, 1 the highest, equal ones sharing the better rank."""
    scores = (parts * pd.Series(weights)).sum(axis=1) / sum(weights.values())
    return scores.round(9).rank(ascending=False, method="min")


def test_the_composite_score_and_how_its_ranks_move_follow_from_the_stations(out: Path):
    weights = {"served_pop": 2, "sole_pop": 1, "completeness": 3, "rating": 0.5, "median_walk_min": 1.5}
    stations, table = csv(out, "stations").set_index("station_id"), csv(out, "composite").set_index("station_id")
    columns = stations[list(weights)]
    parts = (columns - columns.min()) / (columns.max() - columns.min())
    parts = parts.assign(median_walk_min=1 - parts["median_walk_min"]).fillna(0.0)
    assert table["score"].to_dict() == pytest.approx((parts @ pd.Series(weights) / 8).to_dict(), abs=1e-6)
    moved = {(name, times): ranks(parts, {**weights, name: weights[name] * times}) for name in weights for times in (0.4, 1.6)}
    own = ranks(parts, weights)
    every = pd.DataFrame([own, *moved.values()])
    assert table["rank"].to_dict() == own.to_dict()
    assert table["best_rank"].to_dict() == every.min().to_dict()
    assert table["worst_rank"].to_dict() == every.max().to_dict()
    assert (table["rank_p5"] <= table["rank"]).all()
    for row in csv(out, "composite_moves").itertuples():
        other = moved[row.weight, row.times]
        assert [row.moved, row.furthest] == [(other != own).sum(), (other - own).abs().max()]
        assert row.spearman == pytest.approx(other.corr(own), abs=1e-6)
        assert row.first == ", ".join(other.index[other == 1])
    assert (every.min() < every.max()).any()
