"""The sums over demand points that a folder of outputs publishes, out of all its files, and what an attack on them tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner.errors import Fault
from planner.privacy import QUANTILE_DECIMALS
from planner.sources.audit.attack import Marks, Sum, attack, told_points, told_sums
from planner.sources.audit.cells import unpack_outline
from planner.study import MINUTE_S

MEND = "write the output again with this version, or remove the file"
TOLD = "all files together tell an empty count of the key group {!r} to less than {:g} people"
MOST_POINTS = 200_000  # empty counts; more are left alone
ROUNDED_S = MINUTE_S * 10**-QUANTILE_DECIMALS / 2 + 0.05  # of a published quantile
NEEDED = {"demand_id", "population", "covered", "town", "nearest_walk_s", "nearest_station_id"}


def told_together(folder: Path, groups: list[str], minimum: float) -> Iterator[Fault]:
    """A finding for each key group of which an empty count is told by all the files of a run together; never the count."""
    if minimum <= 0 or not (folder / "demand.parquet").is_file() or not (folder / "groups.csv").is_file():
        return
    points = gpd.read_parquet(folder / "demand.parquet")
    if not set(points.columns) >= NEEDED:
        return
    members = _members(folder, points)
    caps = points["population"].to_numpy(dtype=np.float64)
    for group in groups:
        count = points[f"pop_{group}"].to_numpy(dtype=np.float64) if f"pop_{group}" in points else np.zeros(0)
        if not 0 < np.isnan(count).sum() <= MOST_POINTS:
            continue
        known = attack(count, caps, [*_of_scores(folder, points, group), *_of_rows(folder, members, group)])
        found, small = told_points(known, caps, minimum), told_sums(known, caps, minimum)
        if len(found):
            row = str(points["demand_id"].iloc[int(found[0])])
            yield Fault(f"{TOLD.format(group, minimum)}, at {len(found)} points", MEND, "demand.parquet", row, f"pop_{group}")
        for each in small:
            yield Fault(TOLD.format(group, minimum), MEND, each.file, each.row)


def _of_scores(folder: Path, points: gpd.GeoDataFrame, group: str) -> Iterator[Sum]:
    """The district's total, covered and quantiles, and the towns' covered."""
    covered, walk = points["covered"].to_numpy(dtype=np.bool_), points["nearest_walk_s"].to_numpy(np.float64, na_value=np.nan)
    scores = _table(folder, "groups.csv").set_index("group")
    if group in scores.index:
        total, people = (float(scores.loc[group, name]) for name in ("total", "covered"))  # type: ignore[arg-type]
        yield _sum(np.ones(len(points), dtype=np.bool_), total, "groups.csv", group)
        yield _sum(covered, people, "groups.csv", group)
        for name, share in (("median_walk_min", 0.5), ("p90_walk_min", 0.9)):
            at_s = float(scores.loc[group, name]) * MINUTE_S  # type: ignore[arg-type]
            if not np.isnan(people * at_s):
                yield Sum(covered & (walk <= at_s + ROUNDED_S), share * people, np.inf, "groups.csv", group)
                yield Sum(covered & (walk < at_s - ROUNDED_S), -np.inf, share * people, "groups.csv", group)
    towns = _table(folder, "towns.csv")
    if f"covered_{group}" in towns:
        for town, people in zip(towns["town"].astype(str), towns[f"covered_{group}"].astype(float), strict=True):
            yield _sum(covered & (points["town"] == town).to_numpy(), people, "towns.csv", town)


def _of_rows(folder: Path, members: dict[tuple[str, str], Marks], group: str) -> Iterator[Sum]:
    """What stations serve and sites gain."""
    for file, family in (("stations.csv", "served_"), ("sites.csv", "gain_")):
        table = _table(folder, file)
        if f"{family}{group}" in table:
            for key, people in zip(table.iloc[:, 0].astype(str), table[f"{family}{group}"].astype(float), strict=True):
                if (file, key) in members:
                    yield _sum(members[file, key], people, file, key)


def _members(folder: Path, points: gpd.GeoDataFrame) -> dict[tuple[str, str], Marks]:
    """Whom stations serve and sites gain, by the published outlines, where these agree with the published residents."""
    places, covered = np.asarray(points.geometry), points["covered"].to_numpy(dtype=np.bool_)
    people = points["population"].to_numpy(dtype=np.float64)
    nearest = points["nearest_station_id"].astype(object).fillna("").to_numpy()
    found: dict[tuple[str, str], Marks] = {}
    stations = _table(folder, "stations.csv")
    served: dict[str, float] = {}
    if {"station_id", "served_pop"} <= set(stations.columns):
        served = dict(zip(stations["station_id"].astype(str), stations["served_pop"].astype(float), strict=True))
    for key, outline in _station_outlines(folder, points.crs).items():
        inside = (shapely.contains(outline, places) & covered) | (nearest == key)
        if abs(float(people[inside].sum()) - served.get(key, np.inf)) < 1:
            found["stations.csv", key] = inside
    sites = _table(folder, "sites.csv")
    outlines = _site_outlines(folder, points.crs)
    before = covered
    for key, gain in zip(sites.get("site_id", pd.Series(dtype=str)).astype(str), sites.get("gain_pop", []), strict=True):
        inside = shapely.contains(outlines.get(key, shapely.Polygon()), places) & ~before
        if abs(float(people[inside].sum()) - float(gain)) >= 1:
            break  # whom later ones gain hangs on this one
        found["sites.csv", key], before = inside, before | inside
    return found


def _station_outlines(folder: Path, crs: Any) -> dict[str, Any]:
    if not (folder / "isochrones.geojson").is_file():
        return {}
    outlines = gpd.read_file(folder / "isochrones.geojson").to_crs(crs)
    widest = outlines[outlines["minutes"] == outlines["minutes"].max()]
    return dict(zip(widest["station_id"].astype(str), widest.geometry, strict=True))


def _site_outlines(folder: Path, crs: Any) -> dict[str, Any]:
    """Of the planning map."""
    page = folder / "internal.html"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    found = re.search(r'<script type="application/json" id="atlas-data">(.*?)</script>', text, re.S)
    sites = json.loads(found[1]).get("sites") or [] if found else []
    shapes = gpd.GeoSeries([unpack_outline(str(site.get("outline") or "")) for site in sites], crs="EPSG:4326").to_crs(crs)
    return dict(zip((str(site["id"]) for site in sites), shapes, strict=True))


def _sum(members: npt.NDArray[np.bool_], people: float, file: str, row: str) -> Sum:
    is_empty = bool(np.isnan(people))
    return Sum(members, -np.inf if is_empty else people, np.inf if is_empty else people, file, row)


def _table(folder: Path, file: str) -> pd.DataFrame:
    return pd.read_csv(folder / file, encoding="utf-8-sig") if (folder / file).is_file() else pd.DataFrame()
