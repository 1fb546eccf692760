"""The planning map: residents and gaps, how stations are used, what is proposed, towns, groups and the frontier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd

from planner import style
from planner.circle import Service
from planner.network import Network
from planner.policy import Policy
from planner.priority import WHOLE
from planner.publish.atlas.after import covered_after, draw_sites, phase_facts
from planner.publish.atlas.cells import NOBODY, draw_cells
from planner.publish.atlas.facilities import draw_facilities
from planner.publish.atlas.facts import (
    TOLERANCES_M,
    common_station,
    draw_bands,
    draw_outlines,
    host_name,
    marks_of,
    pack_within,
    places_of,
    share_covered,
    text_of,
)
from planner.publish.atlas.words import PLANNING_MAP, words_for
from planner.publish.words import RESIDENTS_SAID, model_said
from planner.publish.workplaces import WORK_SCORES, apart
from planner.schema import (
    AREA_SCORES,
    GROUP_SCORES,
    SCORES,
    SITES,
    TOWN_SCORES,
    Areas,
    AreaScores,
    Candidates,
    Column,
    Coverage,
    Frontier,
    GroupScores,
    Isochrones,
    Kind,
    Schema,
    Scores,
    Sites,
    Stations,
    TownScores,
)
from planner.score import RESIDENTS
from planner.study import Group, Study

MOST_OUTLINE_LETTERS = 3_000_000
MOST_AREA_LETTERS = 500_000
RESIDENTS_PLAIN = {"zh": RESIDENTS_SAID["zh"], "en": RESIDENTS_SAID["en"].capitalize()}

TOWN_COLUMNS = (
    "town",
    "population",
    "covered_pop",
    "coverage",
    "area_coverage",
    "covered_<group>",
    "stations",
    "target",
    "met",
)
STATION_COLUMNS = (
    "rank",
    "name",
    "town",
    "served_pop",
    "sole_pop",
    "load",
    "marginal_pop",
    "served_<group>",
    "median_walk_min",
    "completeness",
)
SITE_COLUMNS = ("order", "phase", "name", "town", "gain_pop", "gain_<group>", "coverage_after", "host", "address")
GROUP_COLUMNS = ("label", "total", "covered", "coverage", "median_walk_min", "p90_walk_min")
WORK_COLUMNS = ("label", "counted", *GROUP_COLUMNS[1:])
AREA_COLUMNS = (
    "label",
    "kind",
    "factor",
    "area_km2",
    "population",
    "covered_pop",
    "coverage",
    "median_walk_min",
    "stations",
    "sites",
)
SHARES = frozenset({"coverage", "area_coverage", "coverage_after", "completeness"})


def planning_facts(
    study: Study,
    common: Mapping[str, Any],
    *,
    network: Network,
    stations: Stations,
    coverage: Coverage,
    scores: Scores,
    town_scores: TownScores,
    group_scores: GroupScores,
    isochrones: Isochrones,
    sites: Sites | None,
    frontier: Frontier | None,
    candidates: Candidates | None,
    policy: Policy | None,
    minimum_count: int,
    areas: Areas | None = None,
    area_scores: AreaScores | None = None,
    services: Sequence[Service] = (),
) -> dict[str, Any]:
    """The data block of the planning page."""
    groups = study.scenario.groups
    kicker = {
        "zh": f"{style.before_han(study.name)}就业服务站点规划图（内部使用）",
        "en": f"{study.name}: planning map (internal)",
    }
    bands = draw_bands(study, isochrones)
    unions, outlines = draw_outlines(isochrones, stations, bands, MOST_OUTLINE_LETTERS)
    legend, marks = marks_of(stations, policy)
    proposed = sites is not None and len(sites) > 0
    return {
        **common,
        "title": {language: f"{common['finding'][language]} – {kicker[language]}" for language in kicker},
        "kicker": kicker,
        "words": words_for(PLANNING_MAP, study.scenario.walk),
        "bands": [{**band, "union": union} for band, union in zip(bands, unions, strict=True)],
        "marks": legend,
        "stations": common_station(stations, marks, outlines, policy),
        "sites": _sites(sites, draw_sites(network, sites, study)) if sites is not None and proposed else [],
        "model": style.all_moved(_model(study), study.scenario.walk) if proposed else None,
        "after": phase_facts(sites) if sites is not None and proposed else [],
        "facilities": draw_facilities(services),
        "areas": [] if areas is None else _areas(areas),
        "candidates": [] if candidates is None else _candidates(candidates, sites),
        "cells": draw_cells(
            coverage,
            groups,
            minimum_count,
            covered_after(network, sites, coverage, study) if sites is not None and proposed else (),
        ),
        "loads": _loads(scores),
        "groups": [{"name": group.name, "label": group.shown} for group in groups],
        "heads": _heads(coverage, stations, sites),
        "phases": [dict(style.shown_date(phase.by)) for phase in study.scenario.siting.phases],
        "frontier": _frontier(frontier, coverage),
        "minimum": minimum_count,
        "share_classes": [{"colour": entry.colour, "label": dict(entry.label)} for entry in style.SHARES.legend(percent=True)],
        "share_breaks": list(style.SHARES.breaks),
        "beyond": style.BEYOND_COLOUR,
        "proposed": style.PROPOSED_COLOUR,
        "overlap_colours": list(style.OVERLAP_COLOURS),
        "tables": _as_moved(
            study,
            {
                "towns": _table(town_scores, TOWN_SCORES, TOWN_COLUMNS, groups, minimum_count),
                "stations": _table(scores.sort_values("rank"), SCORES, STATION_COLUMNS, groups, minimum_count),
                "sites": None if sites is None else _table(sites, SITES, SITE_COLUMNS, groups, minimum_count),
                "areas": None if area_scores is None else _area_table(area_scores),
                **_group_tables(group_scores, groups, minimum_count),
            },
        ),
    }


def _model(study: Study) -> style.Said:
    return {language: model_said(study.scenario.siting, language) for language in style.LANGUAGES}


def _as_moved(study: Study, tables: dict[str, Any]) -> dict[str, Any]:
    """The tables with our headings as they read for this way of walking or riding; a heading with a group's name stays."""
    for column in (column for table in tables.values() if table is not None for column in table["columns"]):
        if "<" not in column["key"]:
            column["label"] = dict(style.all_moved(column["label"], study.scenario.walk))
    return tables


def _table(
    frame: pd.DataFrame, schema: Schema, names: Iterable[str], groups: Sequence[Group], minimum_count: float
) -> dict[str, Any]:
    """A table as the page shows it: columns with labels and kinds, rows with their key; None where there is nothing to show."""
    keyed = frame.reset_index()
    columns, values = [], []
    for name in names:
        column = schema[name]
        members: Sequence[Group | None] = groups if column.is_family else [None]
        for group in members:
            actual = name if group is None else column.prefix + group.name
            if actual in keyed:
                columns.append(_column(column, group))
                values.append(_cells(keyed[actual], column, minimum_count if group is not None else 0.0))
    rows = [list(row) for row in zip(*values, strict=True)]
    return {"columns": columns, "keys": [text_of(key) for key in frame.index], "rows": rows}


def _areas(areas: Areas) -> list[dict[str, Any]]:
    """Areas of priority as they are drawn: name, kind, factor, the line of their kind and their shape."""
    shapes = pack_within([[shape] for shape in areas.geometry], areas.crs, MOST_AREA_LETTERS, TOLERANCES_M[0])
    return [
        {
            "name": str(name),
            "label": text_of(label),
            "kind": dict(style.AREA_KINDS[str(kind)]),
            "line": list(style.AREA_LINES[str(kind)]),
            "factor": style.shown_number(float(factor)),
            "shape": shape,
        }
        for name, label, kind, factor, shape in zip(
            areas.index, areas["label"], areas["kind"], areas["factor"], shapes, strict=True
        )
    ]


def _area_table(scores: AreaScores) -> dict[str, Any]:
    """How each area as a whole is served, its kind in words."""
    whole = pd.DataFrame(scores).xs(WHOLE, level="place")
    table = _table(pd.DataFrame(whole), AREA_SCORES, AREA_COLUMNS, (), 0.0)
    kind = [column["key"] for column in table["columns"]].index("kind")
    for row in table["rows"]:
        row[kind] = dict(style.AREA_KINDS[row[kind]])
    return table


def _group_tables(group_scores: GroupScores, groups: Sequence[Group], minimum_count: float) -> dict[str, Any]:
    """The table of people and, or None, that of employers and jobs, whose small counts are shown unless they are private."""
    tables = apart({"groups": pd.DataFrame(group_scores)})
    found: dict[str, Any] = {"groups": _group_table(tables["groups"], GROUP_SCORES, GROUP_COLUMNS, {RESIDENTS}, minimum_count)}
    work = tables.get("workplaces")
    open_to_all = {group.name for group in groups if not group.is_private}
    shown = None if work is None else _group_table(work, WORK_SCORES, WORK_COLUMNS, open_to_all, minimum_count)
    return found | {"workplaces": shown}


def _group_table(
    table: pd.DataFrame, schema: Schema, columns: Sequence[str], open_to_all: Set[str], minimum_count: float
) -> dict[str, Any]:
    """A table of groups; where a count is withheld its shares and walks are too; in the rows of ``open`` nothing is."""
    safe = table.copy()
    others = ~safe.index.isin(open_to_all)
    total, covered = safe["total"].astype(float), safe["covered"].astype(float)
    small = _too_small(total, minimum_count) | _too_small(covered, minimum_count) | _too_small(total - covered, minimum_count)
    hidden = [name for name in columns[columns.index("covered") :] if name in safe]
    withheld = others & (small | total.isna() | covered.isna())
    safe.loc[withheld, hidden] = np.nan
    shown = _table(safe, schema, columns, (), 0.0)
    shown["columns"][0]["label"] = {"zh": "名称", "en": "Name"}
    for column in shown["columns"][1:]:
        column["withheld"] = True
    for key, row in zip(shown["keys"], shown["rows"], strict=True):
        row[0] = RESIDENTS_PLAIN if key == RESIDENTS else row[0]
    return shown | {"open": np.flatnonzero(~withheld).tolist()}


def _column(column: Column, group: Group | None) -> dict[str, Any]:
    by_name = dict.fromkeys(SHARES, "share") | {"phase": "phase", "factor": "amount", "area_km2": "amount"}
    by_kind = {Kind.TEXT: "text", Kind.CHOICE: "text", Kind.FLAG: "flag"}
    minutes = column.unit == "min"
    zh, en = {"min": ("（分钟）", " (min)"), "km²": ("（平方公里）", " (km²)")}.get(column.unit, ("", ""))
    kind = by_name.get(column.name) or by_kind.get(column.kind) or ("minutes" if minutes else "number")
    label = {"zh": column.zh + zh, "en": column.en + en}
    if group is not None:
        zh = column.zh if group.are_people else column.zh.replace("重点群体", "")
        label = {"zh": f"{zh}：{group.shown}", "en": f"{group.shown}: {column.en.removeprefix('of group ')}"}
    label["en"] = label["en"][:1].upper() + label["en"][1:]
    return {"key": column.name, "kind": kind, "label": label, "withheld": group is not None}


def _cells(values: pd.Series, column: Column, minimum_count: float) -> list[Any]:
    if column.kind in (Kind.TEXT, Kind.CHOICE):
        return [(host_name if column.name == "host" else text_of)(value) for value in values]
    if column.kind is Kind.FLAG:
        return [None if empty else bool(value) for value, empty in zip(values, values.isna(), strict=True)]
    numbers = values.astype(float)
    numbers = numbers.mask(_too_small(numbers, minimum_count))
    return [None if np.isnan(value) else round(value, 4) for value in numbers.tolist()]


def _too_small(counts: pd.Series, minimum_count: float) -> pd.Series:
    return (counts > NOBODY) & (counts < minimum_count - NOBODY)


def _heads(coverage: Coverage, stations: Stations, sites: Sites | None) -> dict[str, Any]:
    people = coverage["population"].to_numpy(dtype=float)
    covered = coverage["covered"].to_numpy(dtype=bool)
    return {
        "share": share_covered(coverage),
        "people": float(people.sum()),
        "gap": float(people[~covered].sum()),
        "stations": len(stations),
        "sites": 0 if sites is None else len(sites),
        "gain": 0.0 if sites is None else float(sites["gain_pop"].sum()),
        "after": None if sites is None or not len(sites) else float(sites["coverage_after"].max()),
    }


def _loads(scores: Scores) -> dict[str, float]:
    """Residents whose nearest station each is, for the circles on the map; empty where they were not counted."""
    if "load" not in scores:
        return {}
    return {text_of(key): round(float(load), 1) for key, load in scores["load"].items() if not pd.isna(load)}


def _sites(sites: Sites, outlines: Sequence[str]) -> list[dict[str, Any]]:
    records = sites.reset_index().to_dict("records")
    return [
        {
            "id": text_of(row["site_id"]),
            "name": text_of(row.get("name")),
            "order": int(row["order"]),
            "phase": int(row["phase"]),
            "lat": lat,
            "lon": lon,
            "outline": outline,
        }
        for row, (lat, lon), outline in zip(records, places_of(sites).tolist(), outlines, strict=True)
    ]


def _candidates(candidates: Candidates, sites: Sites | None) -> list[list[Any]]:
    """The host premises that were not chosen: latitude, longitude, name, host, address."""
    left = candidates if sites is None else candidates.loc[~candidates.index.isin(sites.index)]
    records = left.reset_index().to_dict("records")
    return [
        [lat, lon, text_of(row.get("name")), host_name(row.get("host")), text_of(row.get("address"))]
        for row, (lat, lon) in zip(records, places_of(left).tolist(), strict=True)
    ]


def _frontier(frontier: Frontier | None, coverage: Coverage) -> list[list[float]]:
    """Number of stations, share of residents covered, and the share that could be at most."""
    people = float(coverage["population"].sum())
    if frontier is None or people <= 0:
        return []
    table = pd.DataFrame(frontier).reset_index().sort_values("stations")
    return [
        [int(row["stations"]), round(float(row["coverage"]), 5), round(min(float(row["bound"]) / people, 1.0), 5)]
        for row in table.to_dict("records")
    ]
