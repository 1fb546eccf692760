"""District outputs put together: amounts are added up, shares divided again from sums, what one withholds stays withheld."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from planner import store
from planner.batch.run import DONE, Outcome
from planner.batch.work import District
from planner.errors import SourceError
from planner.publish.province import draw_province
from planner.score import RESIDENTS, weighted_quantile
from planner.study import MINUTE_S

WGS84 = "EPSG:4326"
QUANTILES = {"median_walk_min": 0.5, "p90_walk_min": 0.9}
COUNTS = ("total", "covered")
SUMS = ("population", "covered_pop", "unreachable_pop", "backed_up_pop", "area_km2", "covered_area_km2", "stations", "towns")


def merge_districts(districts: Sequence[District]) -> dict[str, pd.DataFrame]:
    """The outputs of districts as the tables of a province.

    Only what the districts published is read, so that a province says no more than its districts do: where one of them
    withholds a count of a key group, the province's count of it is empty, for the difference would be the withheld one.

    Parameters
    ----------
    districts
        Those whose output is there.

    Returns
    -------
    ``districts`` (headline amounts and shares by district), ``towns``, ``stations``, ``sites`` (the districts' tables one under
    the other; keys are district and id) and ``groups`` (totals of the province; ``districts`` that count the group, and how
    many ``withheld`` a count).

    Raises
    ------
    SourceError
        If an output is not there or damaged.

    Notes
    -----
    Laws: amounts of the province are the sums of its districts'; a share is a sum over a sum, never an average of shares; a
    quantile of walks is that of all residents together.
    """
    read = {district.name: _read(district.out) for district in districts}
    stacked = {name: _stacked(read, name) for name in ("towns", "stations", "sites")}
    return {
        "districts": _districts(read),
        **{name: table for name, table in stacked.items() if len(table)},
        "groups": _groups(read),
    }


def write_province(districts: Sequence[District], outcomes: Sequence[Outcome], out: Path, *, force: bool = False) -> Path:
    """Write the province's tables, its map and what became of every study into ``out/province``, whole or not at all.

    Raises
    ------
    SourceError
        If the folder was edited since it was written, or cannot be written.
    """
    states = {outcome.name: outcome for outcome in outcomes}
    whole = [district for district in districts if states[district.name].state in DONE]
    tables = merge_districts(whole) if whole else {}
    manifest = {"districts": {district.name: _manifest_of(district.out) for district in whole}}
    with store.whole_folder(out / "province", lambda: manifest, force=force) as folder:
        _write_outcomes(folder, outcomes)
        for name, table in tables.items():
            store.write_csv(folder / f"{name}.csv", table)
            if isinstance(table, gpd.GeoDataFrame):
                store.write_geojson(folder / f"{name}.geojson", table)
        if tables:
            store.write_json(folder / "summary.json", province_summary(tables, outcomes))
            names = {district.name: f"../studies/{district.out.name}" for district in whole}
            page = draw_province(tables, names, [outcome.name for outcome in outcomes if outcome.state not in DONE])
            (folder / "index.html").write_text(page, encoding="utf-8")
    return out / "province"


def province_summary(tables: Mapping[str, pd.DataFrame], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The province's headline figures with their denominators, and which districts are in them.

    ``residents_per_station`` and ``stations_per_10000`` are of the stations that stand in a town, as in a single study; a
    station just outside one district stands in another, or in none.
    """
    by_district = tables["districts"]
    sums = {name: float(by_district[name].sum()) for name in SUMS}
    inside = float(tables["towns"]["stations"].sum())  # as a single study's density: without those just outside
    groups = tables["groups"].drop(columns="label").to_dict("index")
    return {
        "districts": by_district.index.tolist(),
        "districts_missing": [outcome.name for outcome in outcomes if outcome.state not in DONE],
        **sums,
        "coverage": _ratio(sums["covered_pop"], sums["population"]),
        "area_coverage": _ratio(sums["covered_area_km2"], sums["area_km2"]),
        "residents_per_station": _ratio(sums["population"], inside),
        "stations_per_10000": _ratio(inside * 10_000, sums["population"]),
        "cutoff_minutes": sorted(set(by_district["cutoff_minutes"])),
        "pace_mps": sorted(set(by_district["pace_mps"])),
        "as_of": sorted(set(by_district["as_of"])),
        "groups": groups,
    }


def _write_outcomes(folder: Path, outcomes: Sequence[Outcome]) -> None:
    rows = [
        {"study": o.name, "state": o.state, "said": o.said, "parts": o.parts, "retries": o.retries, "notes": list(o.notes)}
        for o in outcomes
    ]
    store.write_json(folder / "batch.json", rows)
    flat = pd.DataFrame(rows).assign(notes=["; ".join(o.notes) for o in outcomes]).set_index("study")
    store.write_csv(folder / "batch.csv", flat)


def _read(folder: Path) -> dict[str, Any]:
    """The published tables of one district; shapes in degrees."""
    try:
        found: dict[str, Any] = {"summary": json.loads((folder / "summary.json").read_text(encoding="utf-8"))}
        found["groups"] = pd.read_csv(folder / "groups.csv", encoding="utf-8-sig", dtype={"group": "string"}).set_index("group")
        found["demand"] = gpd.read_parquet(folder / "demand.parquet")
        for name, key in (("towns", "town"), ("stations", "station_id"), ("sites", "site_id")):
            if (folder / f"{name}.geojson").is_file():
                table = gpd.read_file(folder / f"{name}.geojson", engine="pyogrio")
                found[name] = table.assign(**{key: table[key].astype("string")}).set_index(key)
    except (OSError, ValueError, KeyError) as error:
        said = f"{folder}: not the complete output of a run ({error}); run the batch again"
        raise SourceError(said, source=str(folder)) from error
    return found


def _manifest_of(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / store.MANIFEST).read_text(encoding="utf-8"))
    return {key: manifest[key] for key in ("planner", "code", "inputs", "settings")}


def _stacked(read: Mapping[str, Mapping[str, Any]], name: str) -> gpd.GeoDataFrame:
    """One table of all districts, one under the other, with the district as the first key."""
    tables = {district: found[name] for district, found in read.items() if name in found}
    if not tables:
        return gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=WGS84)
    return gpd.GeoDataFrame(pd.concat(tables, names=["district"]), geometry="geometry", crs=WGS84)


def _districts(read: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    rows = {}
    for name, found in read.items():
        said, groups = found["summary"], found["groups"]
        counts = {f"{kind}_{group}": groups.loc[group, kind] for group in groups.index.drop(RESIDENTS) for kind in COUNTS}
        rows[name] = {
            "study": said["study"],
            **{key: said[key] for key in SUMS},
            "coverage": said["coverage"],
            "area_coverage": said["area_coverage"],
            "median_walk_min": said["median_walk_min"],
            **counts,
            "sites": len(found["sites"]) if "sites" in found else 0,
            "cutoff_minutes": said["cutoff_minutes"],
            "pace_mps": said["pace_mps"],
            "as_of": said["as_of"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("district")


def _groups(read: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    names = dict.fromkeys(group for found in read.values() for group in found["groups"].index)
    rows = []
    for group in names:
        tables = [found for found in read.values() if group in found["groups"].index]
        counts = pd.DataFrame([found["groups"].loc[group] for found in tables])
        total, covered = (float(counts[kind].sum(skipna=False)) for kind in COUNTS)
        rows.append(
            {
                "group": group,
                "label": str(counts["label"].iloc[0]),
                "total": total,
                "covered": covered,
                "coverage": covered / total if total else np.nan,
                **_quantiles(group, tables, withheld=bool(np.isnan(covered))),
                "districts": len(tables),
                "withheld": int(counts[list(COUNTS)].isna().any(axis=1).sum()),
            }
        )
    return pd.DataFrame(rows).set_index("group")


def _quantiles(group: str, tables: Sequence[Mapping[str, Any]], *, withheld: bool) -> dict[str, float]:
    """Quantiles of the covered people's walks over all districts; empty where any point withholds its count."""
    column = "population" if group == RESIDENTS else f"pop_{group}"
    covered = pd.concat([found["demand"].loc[found["demand"]["covered"], [column, "nearest_walk_s"]] for found in tables])
    people = covered[column].to_numpy(dtype=np.float64)
    if withheld or np.isnan(people).any():
        return dict.fromkeys(QUANTILES, np.nan)
    walk_min = covered["nearest_walk_s"].to_numpy(dtype=np.float64) / MINUTE_S
    return {name: float(weighted_quantile(walk_min, people, share)) for name, share in QUANTILES.items()}


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
