"""Every headline figure and every indicator follows from the tables a run writes; nothing of ours is used but the files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from lattice_study import SIDE, lonlat, write_lattice_study

from planner.cli import main

STUDY = """
[communities]
file = "communities.geojson"

[life_circle]
[[life_circle.services]]
name = "shopping"
file = "shops.csv"
"""
ASSUMED = {"study", "as_of", "cutoff_minutes", "pace_mps", "profile", "profile_source", "towns_that_differ", "what_if", "label"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the lattice town with capacities, services, communities, a policy pack and groups large enough to be shown."""
    import planner

    folder = write_lattice_study(tmp_path_factory.mktemp("whole"))
    text = (folder / "study.toml").read_text(encoding="utf-8")
    text = 'policy = "jiading-2023"\n' + text + STUDY + "\n[privacy]\nminimum_count = 0\n"
    (folder / "study.toml").write_text(text, encoding="utf-8")
    rows = ["station_id,name,lon,lat,status,opened,capacity,services"]
    for key, i, j, status, opened in (("S1", 5, 5, "built", "2024-01-15"), ("S2", 5, 8, "accepted", "2025-03-01")):
        rows.append(f"{key},{key},{lonlat(i, j)[0]},{lonlat(i, j)[1]},{status},{opened},{100 * i},1-{j + 3}")
    (folder / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "shops.csv").write_text(f"lon,lat\n{lonlat(5, 5)[0]},{lonlat(5, 5)[1]}\n", encoding="utf-8")
    network = (folder / "network.osm").read_text(encoding="utf-8")
    (folder / "network.osm").write_text(network.replace("<way", HOME_NODES + "<way", 1).replace("</osm>", HOME_WAYS + "</osm>"))
    areas = gpd.read_file(folder / "towns.geojson").rename(columns={"town": "community"})
    areas.to_file(folder / "communities.geojson")
    unknown, shown, thin = (
        pytest.warns(planner.errors.PlannerWarning, match=said)
        for said in ("no place is known", "is suppressed", r"few homes: the map knows 4 residential building\(s\), 0\.4 m2")
    )
    with unknown, shown, thin:
        run = planner.run_study(planner.read_study(folder))
    written = run.write(tmp_path_factory.mktemp("out") / "run")
    asked = ["times", str(folder), "--from", "stations", "--to", "demand", "--format", "csv"]
    told = CliRunner().invoke(main, asked, catch_exceptions=False)
    (written.parent / "walks.csv").write_text(told.stdout, encoding="utf-8")
    return written


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
    communities = csv(out, "communities")
    communities = communities if place == "district" else communities[communities["town"] == place]
    saved = cells[cells["saved_min"].notna()]
    found = {
        "coverage": who.sum() / total,
        "unreachable": 1 - who.sum() / total,
        "area_coverage": float("nan"),
        "community_coverage": (communities["covered_pop"] >= communities["population"] / 2).mean(),
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
            "detour": (served["nearest_walk_s"] * pace * who).sum() / (served["straight_m"] * who).sum(),
            "walk_gini": gini(minutes, who),
            "supply_gini": gini(cells["supply"], people),
            "walking_saved": (saved["saved_min"] * saved["population"]).sum() / saved["population"].sum(),
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


def walks(out: Path) -> pd.DataFrame:
    """(demand points × stations) seconds, as `planner times` writes them; missing where out of reach."""
    long = pd.read_csv(out.parent / "walks.csv")
    people = gpd.read_parquet(out / "demand.parquet").set_index("demand_id")["population"]
    table = long.pivot(index="to_id", columns="from_id", values="walk_s").reindex(people.index)
    return table.reindex(columns=csv(out, "stations")["station_id"])


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
