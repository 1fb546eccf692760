"""Stations and candidates: read from tables or OSM premises, put into their towns, checked against the area."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd

from planner.errors import Fault, StudyError, TableError, say_faults
from planner.schema import CANDIDATES, STANDING, STATIONS, Candidates, Schema, Stations, Towns
from planner.sources import osm
from planner.sources.files.area import read_area
from planner.sources.files.fit import place_faults, with_towns
from planner.sources.files.tables import load_table
from planner.study import StationSource, Study

SAME_PLACE_M = 1.0  # nearer than this, two rows are one place


def read_stations(study: Study) -> Stations:
    """All stations of a study, whatever their status, in its CRS.

    ``status`` is "built" where the table says nothing; ``town`` is the polygon the station lies in where the table says
    nothing, else the town it names (街道, 镇 and the like forgiven). A station outside the area is lawful within one walk of
    it, for people may walk there; farther off it is a fault.

    Raises
    ------
    TableError
        With every fault at once.
    SourceError
        If the file cannot be read.
    """
    towns = read_area(study)
    stations = _read_block(study, study.stations, "stations", STATIONS, towns)
    status = stations["status"] if "status" in stations else pd.Series(pd.NA, index=stations.index, dtype="string")
    checked: Stations = STATIONS.conform(stations.assign(status=status.fillna("built")))
    return checked


def read_candidates(study: Study) -> Candidates:
    """The candidates of all blocks together, in the study's CRS; none where the study names none.

    Raises
    ------
    TableError
        With every fault at once; an id in two files is one that names both.
    SourceError
        If a file cannot be read.
    """
    towns = read_area(study)
    blocks = [
        _read_block(study, block, f"candidates.{i}", CANDIDATES, towns).assign(_source=block.file or f"candidates.{i}.osm")
        for i, block in enumerate(study.candidates, 1)
    ]
    if not blocks:
        return Candidates(CANDIDATES.conform(_nothing(study)))
    together = gpd.GeoDataFrame(pd.concat([block.reset_index() for block in blocks], ignore_index=True), crs=study.crs)
    faults = _repeated(together)
    if faults:
        raise TableError(say_faults(faults), faults, "candidates")
    checked: Candidates = CANDIDATES.conform(together.drop(columns="_source"))
    return checked


def default_as_of(stations: Stations) -> dt.date:
    """The last date on which a station changed: opened (of those standing) or closed.

    Raises
    ------
    StudyError
        If no station has a date.
    """
    opened = stations["opened"][stations["status"].isin((*STANDING, "closed"))] if "opened" in stations else None
    closed = stations.get("closed")
    dates = [pd.Timestamp(column.max()) for column in (opened, closed) if column is not None and column.notna().any()]
    if not dates:
        fault = Fault("no station has a date, so that the study's own is needed", "add as_of = 2025-06-30", column="as_of")
        raise StudyError(str(fault), [fault])
    return max(dates).date()


def _read_block(study: Study, block: StationSource, key: str, schema: Schema, towns: Towns) -> gpd.GeoDataFrame:
    """One source of stations or candidates, conformed, each row in its town."""
    margin_m = osm.margin_m(study.scenario.walk)

    def fits(placed: gpd.GeoDataFrame, source: str) -> list[Fault]:
        return place_faults(placed, source, towns, margin_m)

    if block.file is not None:
        crs = str(study.crs)
        table = load_table(study.path_of(block.file), block.file, schema, crs, block.coordinates, (fits,))
    else:
        table = schema.conform(_premises(study, block, key, schema, towns), source=f"{key}.osm")
    return with_towns(table, towns)


def _premises(study: Study, block: StationSource, key: str, schema: Schema, towns: Towns) -> gpd.GeoDataFrame:
    """OSM premises with the block's tags that lie in the area, as rows of `schema`."""
    if study.network.file is None:
        fault = Fault("there is no network.file to read premises from", "add it, or give a file", column=f"{key}.osm")
        raise StudyError(str(fault), [fault])
    path = study.path_of(study.network.file)
    found = osm.read_premises(path, block.osm, crs=study.crs, area=towns.geometry.union_all())
    shown = found["name"].fillna("").str.strip()
    name = shown.where(shown != "", found["host"].fillna("").str.strip())
    ids = found["osm_id"].astype(str)
    return found.drop(columns="osm_id").assign(name=name.where(name != "", ids), **{schema.key[0]: ids})


def _repeated(together: gpd.GeoDataFrame) -> list[Fault]:
    """Ids that stand in two sources (within one, conform has seen to it)."""
    faults = []
    for site, rows in together.groupby("site_id", sort=True):
        if len(rows) > 1:
            files = " and ".join(dict.fromkeys(rows["_source"]))
            faults.append(Fault(f"the id stands in {files}", "make ids unique", column="site_id", value=str(site)))
    return faults


def _nothing(study: Study) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"site_id": [], "name": []}, geometry=[], crs=study.crs)
