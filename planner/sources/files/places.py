"""Stations and candidates: read from tables or OSM premises, put into their towns, checked against the area."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, PlannerWarning, SourceError, StudyError, TableError, say_faults
from planner.progress import STAGE_DATES, dated_status, last_changed
from planner.schema import CANDIDATES, STATIONS, Candidates, Schema, Stations, Towns, fold, without_unit
from planner.sources import osm
from planner.sources.files.area import read_area
from planner.sources.files.crs import WGS84
from planner.sources.files.fit import place_faults, with_towns
from planner.sources.files.tables import load_table
from planner.sources.files.what_if import change_stations
from planner.study import StationSource, Study, kind_of_premises

SAME_PLACE_M = 1.0  # nearer than this, two rows are one place
SAME_PREMISES_M = 100.0  # two sources put the same premises so far apart: one at the gate, one in the middle
LEAST_NAME = 4  # letters of a name that may stand for a longer one with its district in front


def read_stations(study: Study, *, towns: Towns | None = None) -> Stations:
    """All stations of a study, whatever their status, in its CRS; with what the study's `what_if` adds, closes and moves.

    Where the table says no ``status`` its dates do, and "built" where it has none; ``town`` is the polygon the station lies in
    where the table says nothing, else the town it names (街道, 镇 and the like forgiven). A station outside the area is lawful
    within one walk of it, for people may walk there; farther off it is a fault.

    Parameters
    ----------
    study
        Its ``stations`` name a file, or OSM tags that are read out of the network file.
    towns
        The area, where it has been read already.

    Raises
    ------
    TableError
        With every fault at once.
    SourceError
        If the file cannot be read.
    """
    area = read_area(study) if towns is None else towns
    stations = _read_block(study, study.stations, "stations", STATIONS, area)
    checked: Stations = STATIONS.conform(stations.assign(status=dated_status(Stations(stations))))
    _warn_of_doubles(checked)
    return change_stations(
        checked,
        study.what_if,
        towns=area,
        margin_m=osm.margin_m(study.scenario.walk),
        candidates=lambda: read_candidates(study, towns=area),
    )


def read_candidates(study: Study, *, towns: Towns | None = None, stations: Stations | None = None) -> Candidates:
    """The candidates of all blocks together, in the study's CRS; none where the study names none.

    Rows of one name at one place are one candidate (out of two blocks, say a file and OSM tags, within 100 m): the first, and a
    warning says so. With `stations`, another warning says
    which candidates stand where a station stands already.

    Raises
    ------
    TableError
        With every fault at once; an id in two files is one that names both.
    SourceError
        If a file cannot be read.
    """
    area = read_area(study) if towns is None else towns
    blocks, faults = [], list[Fault]()
    for i, block in enumerate(study.candidates, 1):
        if block.corners_m is not None:
            continue
        try:
            blocks.append(_read_block(study, block, f"candidates.{i}", CANDIDATES, area).assign(_source=_said(block, i)))
        except (TableError, SourceError) as error:
            faults += error.faults or [Fault(str(error))]
    faults += _repeated(blocks)
    if faults:
        raise TableError(say_faults(faults), faults, "candidates")
    for i, block in enumerate(study.candidates, 1):
        if block.corners_m is not None:
            blocks.append(_corners(study, block.corners_m, area, blocks).assign(_source=f"candidates.{i}.osm"))
    if not blocks:
        return Candidates(CANDIDATES.conform(_nothing(study)))
    frames = [block.reset_index() for block in blocks]
    together = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=study.crs)
    merged = _merged(together.drop_duplicates("site_id"))
    if stations is not None:
        _warn_of_stations(merged, stations)
    checked: Candidates = CANDIDATES.conform(merged.drop(columns="_source"))
    return checked


def _corners(study: Study, spacing_m: float, towns: Towns, before: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Street corners so far from each other and from the candidates before them, conformed, each in its town."""
    taken = [np.column_stack([block.geometry.x, block.geometry.y]) for block in before]
    network = osm.read_network(study, towns=towns)
    places = np.concatenate(taken) if taken else np.zeros((0, 2))
    found = osm.street_corners(network, spacing_m, towns.geometry.union_all(), places)
    ids, degrees = "corner-" + found["node_id"].astype(str), found.geometry.to_crs(WGS84)
    columns = {"site_id": ids, "name": "路口 " + ids, "host": "street corner", "lon": degrees.x, "lat": degrees.y}
    table = CANDIDATES.conform(gpd.GeoDataFrame(columns, geometry=found.geometry, crs=study.crs), source="candidates.corners_m")
    return with_towns(table, towns)


def default_as_of(stations: Stations) -> dt.date:
    """The last date on which what stands changed (`last_changed`): a station was built, accepted or opened (of those that
    were), or closed; a day of closing counts whatever the status.

    Raises
    ------
    StudyError
        If no station has such a date.
    """
    closed = stations["closed"].dropna() if "closed" in stations else ()
    days = [last_changed(stations), *(np.datetime64(day, "D") for day in closed)]
    known = [day for day in days if not np.isnat(day)]
    if not known:
        dated = any(stations[date].notna().any() for date in (*STAGE_DATES.values(), "opened") if date in stations)
        said = "no station has a date"
        if dated:
            said = "the dates of the stations are of planned or applied ones: none says since when a station stands"
        fault = Fault(f"{said}, so that the study's own is needed", "add as_of = 2025-06-30", column="as_of")
        raise StudyError(str(fault), [fault])
    return pd.Timestamp(max(known)).date()


def _read_block(study: Study, block: StationSource, key: str, schema: Schema, towns: Towns) -> gpd.GeoDataFrame:
    """One source of stations or candidates, conformed, each row in its town."""
    margin_m = osm.margin_m(study.scenario.walk)

    def fits(placed: gpd.GeoDataFrame, source: str) -> list[Fault]:
        return place_faults(placed, source, towns, margin_m)

    if block.corners_m is not None:
        fault = Fault("stations do not stand at every corner", "give file or osm", column=f"{key}.corners_m")
        raise StudyError(str(fault), [fault])
    if block.file is not None:
        crs = str(study.crs)
        path, said = study.path_of(block.file), block.file
        table = load_table(path, said, schema, crs, block.coordinates, (fits,), layer=block.layer)
    else:
        around = towns.geometry.union_all().buffer(margin_m if schema is STATIONS else 0.0)
        table = schema.conform(_premises(study, block, key, schema, around), source=f"{key}.osm")
    return with_towns(table, towns)


def _premises(study: Study, block: StationSource, key: str, schema: Schema, around: BaseGeometry) -> gpd.GeoDataFrame:
    """OSM premises with the block's tags in `around`, as rows of `schema`; one without a name is called by its kind."""
    if study.network.file is None:
        fault = Fault("there is no network.file to read premises from", "add it, or give a file", column=f"{key}.osm")
        raise StudyError(str(fault), [fault])
    found = osm.read_premises(study.path_of(study.network.file), block.tags, crs=study.crs, area=around)
    if found.empty:
        warnings.warn(
            f"{key}: no premises with {' or '.join((*block.osm, *block.kinds))} lie in the area", PlannerWarning, stacklevel=4
        )
    ids, shown, hosts = (found[name].astype("string").fillna("").str.strip() for name in ("osm_id", "name", "host"))
    degrees = found.geometry.to_crs(WGS84)
    kinds = hosts.str.split("=").str[-1].str.replace("_", " ")
    named = shown.where(shown != "", (kinds + " (unnamed)").where(kinds != "", ids))
    called = [kind_of_premises(host, name, block.kinds) for host, name in zip(hosts, shown, strict=True)]
    told = found.drop(columns="osm_id").assign(**{schema.key[0]: ids}, name=named, lon=degrees.x, lat=degrees.y)
    return told.assign(host=pd.array(called, dtype="string"))


def _said(block: StationSource, number: int) -> str:
    return block.file or f"candidates.{number}.osm"


def _repeated(blocks: Sequence[gpd.GeoDataFrame]) -> list[Fault]:
    """Ids that stand in two files; premises that two OSM blocks find are no fault, for they are the same."""
    places: dict[str, list[str]] = {}
    for block in blocks:
        for site, source in zip(block.index, block["_source"], strict=True):
            places.setdefault(site, []).append(source)
    return [
        Fault(f"the id stands in {' and in '.join(files)}", "make ids unique", column="site_id", value=site)
        for site, files in places.items()
        if len(files) > 1 and not all(file.endswith(".osm") for file in files)
    ]


def _merged(together: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Without rows that repeat the name of an earlier one at the same place."""
    pairs = _near(together, together, SAME_PREMISES_M)
    again = {second for first, second in pairs if first < second and _are_one(together, first, second)}
    if not again:
        return together
    ids = ", ".join(str(together["site_id"].iloc[i]) for i in sorted(again)[:5])
    said = f"candidates: {len(again)} repeat the name of another at the same place and are left out ({ids})"
    warnings.warn(said, PlannerWarning, stacklevel=3)
    return together.iloc[[i for i in range(len(together)) if i not in again]]


def _are_one(together: gpd.GeoDataFrame, first: int, second: int) -> bool:
    """Whether two rows are one premises: of one name at one place; out of two sources, of one name within 100 m.

    Names are one where they differ by what stands in brackets, or by a district in front (上海市嘉定区图书馆, 嘉定区图书馆).
    """
    said = [fold(without_unit(str(together["name"].iloc[i]))) for i in (first, second)]
    if together["_source"].iloc[first] == together["_source"].iloc[second]:
        return said[0] == said[1] and together.geometry.iloc[first].distance(together.geometry.iloc[second]) <= SAME_PLACE_M
    short, long = sorted(said, key=len)
    return long == short or (len(short) >= LEAST_NAME and long.endswith(short))


def _near(ones: gpd.GeoDataFrame, others: gpd.GeoDataFrame, within_m: float = SAME_PLACE_M) -> list[tuple[int, int]]:
    """Pairs of rows that are at most so far apart."""
    tree = shapely.STRtree(np.asarray(others.geometry))
    found = tree.query(np.asarray(ones.geometry), predicate="dwithin", distance=within_m)
    return sorted((int(a), int(b)) for a, b in found.T)


def _warn_of_doubles(stations: Stations) -> None:
    """Stations at one place, none of them closed, are counted as two where there may be one."""
    open_now = gpd.GeoDataFrame(stations[stations["status"] != "closed"])
    pairs = [(first, second) for first, second in _near(open_now, open_now) if first < second]
    if pairs:
        first, second = (open_now.index[i] for i in pairs[0])
        said = f"stations: {len({b for _, b in pairs})} stand at the place of another; the first are {first} and {second}"
        warnings.warn(said, PlannerWarning, stacklevel=3)


def _warn_of_stations(candidates: gpd.GeoDataFrame, stations: Stations) -> None:
    """Candidates at the place of a station that is not closed can add nothing."""
    open_now = gpd.GeoDataFrame(stations[stations["status"] != "closed"])
    pairs = _near(candidates, open_now)
    if pairs:
        site, station = candidates["site_id"].iloc[pairs[0][0]], open_now.index[pairs[0][1]]
        count = len({first for first, _ in pairs})
        said = f"candidates: {count} stand where a station stands already; the first is {site} at station {station}"
        warnings.warn(said, PlannerWarning, stacklevel=3)


def _nothing(study: Study) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"site_id": [], "name": []}, geometry=[], crs=study.crs)
