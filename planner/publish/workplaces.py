"""Employers and jobs apart from people: their own table, with a heading and a unit of their own."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from planner.schema import Column, Kind, Schema

UNITS = {"jobs": "岗位 jobs", "employers": "用人单位 employers"}

WORK_SCORES = Schema(
    "employers and jobs",
    ("group",),
    (
        Column("group", Kind.TEXT, "name", "名称", required=True),
        Column("label", Kind.TEXT, "label", "名称", required=True),
        Column("counted", Kind.TEXT, "what is counted", "统计对象", required=True),
        Column("total", Kind.NUMBER, "number", "总数", required=True),
        Column("covered", Kind.NUMBER, "number covered", "覆盖数", required=True),
        Column("coverage", Kind.NUMBER, "share covered", "覆盖率", maximum=1),
        Column("median_walk_min", Kind.NUMBER, "median walk of those covered", "覆盖者步行时间中位数", unit="min"),
        Column("p90_walk_min", Kind.NUMBER, "90th percentile walk of those covered", "覆盖者步行时间第90百分位", unit="min"),
    ),
)


def apart(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with ``groups`` of people alone, and after them ``workplaces`` where there are employers or jobs.

    >>> groups = pd.DataFrame({"of": ["people", "jobs"], "total": [9, 5]}, index=pd.Index(["residents", "posts"], name="group"))
    >>> split = apart({"groups": groups})
    >>> list(split), split["groups"].index.tolist(), split["workplaces"]["counted"].tolist()
    (['groups', 'workplaces'], ['residents'], ['岗位 jobs'])
    """
    found: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        if name != "groups" or "of" not in table or (table["of"] == "people").all():
            found[name] = table
            continue
        people = table["of"] == "people"
        work = table[~people]
        found["groups"] = table[people].drop(columns="of")
        found["workplaces"] = work.assign(counted=work["of"].map(UNITS)).drop(columns="of")
    return found
