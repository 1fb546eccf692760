"""The pack of a month, quarter or year: what was due, what stands, what changed; as a workbook, a Word file and a web page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from planner.policy import Policy
from planner.publish.blocks import Block, Cells, Figures, Heading, Lines, Paper, Text, clean
from planner.publish.web_file import write_web
from planner.publish.word_file import write_word
from planner.publish.workbook import write_workbook
from planner.schema import CHANGES, FIGURES, TOWN_PROGRESS, TRACK, Column, Kind, Schema
from planner.study import Study
from planner.style import pace_said, shown_amount, shown_date, shown_number, shown_share

_DISTRICT = "district"

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "就业服务站点建设进展（{}）",
        "days": "{} 与 {} 相比",
        "findings": "一、总体进展",
        "targets": "二、目标完成情况",
        "figures": "三、工作数据",
        "changes": "四、站点变动",
        "coverage": "五、各街镇覆盖变化",
        "notes": "六、说明",
        "stand": "在用站点由{}个变为{}个，步行可达人口由{}人变为{}人（占常住人口{:.1%}）。",
        "met": "{}项约束性目标中已完成{}项，已到期未完成{}项。",
        "late": "逾期未完成：{}（{}）：缺{}，已逾期{}天。",
        "none": "本期无变动。",
        "no_figures": "未记录工作数据。",
        "no_targets": "政策包未设目标。",
        "head_stations": "在用站点",
        "head_share": "步行可达人口占比",
        "head_met": "约束性目标已完成",
        "head_late": "到期未完成",
        "table": "表{} {}",
        "changed": "本期状态变动的站点",
        "covered": "各街镇站点与步行可达人口",
        "recorded": "工作数据与目标",
        "history": "各日期的情况只由该日及以前的日期字段推定，以后的变更不改写历史。",
        "pace": "速度与时限：",
        "form": "本表式由本工具自拟。",
        "due": "期限：{}",
        "quoted": "依据：“{}”",
        "district": "全区",
        "yes": "是",
        "no": "否",
        "policy": "依据：",
        "planned": "规划",
        "applied": "申报",
        "built": "建成",
        "accepted": "验收",
        "closed": "关闭",
    },
    "en": {
        "title": "Progress of stations ({})",
        "days": "{} compared with {}",
        "findings": "1. Overall",
        "targets": "2. Targets",
        "figures": "3. Recorded figures",
        "changes": "4. Changes of stations",
        "coverage": "5. Coverage by town",
        "notes": "6. Notes",
        "stand": "Stations in use went from {} to {}, residents within reach from {} to {} ({:.1%} of all).",
        "met": "Of {} binding targets {} are met, {} are overdue.",
        "late": "Overdue: {} ({}): {} lacking, {} days late.",
        "none": "Nothing changed.",
        "no_figures": "No figure was recorded.",
        "no_targets": "The policy pack sets no target.",
        "head_stations": "stations in use",
        "head_share": "of residents within reach",
        "head_met": "binding targets met",
        "head_late": "overdue",
        "table": "Table {}. {}",
        "changed": "Stations whose status changed",
        "covered": "Stations and residents within reach, by town",
        "recorded": "Recorded figures and their targets",
        "history": "What stood on a day is told by dates up to that day alone; later changes do not rewrite it.",
        "pace": "Pace and cutoff: ",
        "form": "The layout is this tool's own.",
        "due": "due {}",
        "quoted": "by “{}”",
        "district": "district",
        "yes": "yes",
        "no": "no",
        "policy": "Policy: ",
        "planned": "planned",
        "applied": "applied",
        "built": "built",
        "accepted": "accepted",
        "closed": "closed",
    },
}

_TABLES: Mapping[str, tuple[Schema, tuple[str, ...]]] = {
    "targets": (TRACK, ("place", "minimum", "counted_before", "counted", "met", "days_late", "shortfall")),
    "figures": (FIGURES, ("{language}", "place", "before", "value", "difference", "minimum", "by", "met", "days_late")),
    "changes": (CHANGES, ("station_id", "name", "town", "before", "after")),
    "coverage": (
        TOWN_PROGRESS,
        ("place", "stations_before", "stations_after", "covered_before", "covered_after", "coverage_after", "difference"),
    ),
}


_STATUS = ("before", "after")  # columns of CHANGES that hold a status
_IN_LANGUAGE = {"zh": "（中文）", "en": " in English"}
_CAPTIONS = {"figures": "recorded", "changes": "changed", "coverage": "covered"}
_NOTHING = {"targets": "no_targets", "figures": "no_figures", "changes": "none", "coverage": "none"}


def write_pack(
    folder: Path,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    days: tuple[dt.date, dt.date],
    period: Mapping[str, str],
    policy: Policy,
) -> None:
    """Write ``track.xlsx`` and the report as ``track.docx`` and ``track.html``; in other languages as ``track.en.docx``, ….

    Parameters
    ----------
    folder
        Where to; it exists.
    tables
        ``targets``, ``figures``, ``changes``, ``coverage``, as `planner.track.Tracking` has them.
    days
        The day of comparison and the day of the pack.
    period
        What the month, quarter or year is called, by language.
    """
    languages = study.publish.languages
    headline = [(" ".join(WORDS[each]["title"].format(period[each]) for each in languages), study.name)]
    for language in languages:
        headline += [("", line) for line in _findings(tables, days, language)]
    write_workbook(folder / "track.xlsx", tables, headline, languages=languages)
    for language in languages:
        paper = compose_pack(study, tables, days, period[language], policy, language)
        ending = "" if language == languages[0] else f".{language}"
        write_word(folder / f"track{ending}.docx", paper)
        write_web(folder / f"track{ending}.html", paper)


def compose_pack(
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    days: tuple[dt.date, dt.date],
    period: str,
    policy: Policy,
    language: str,
) -> Paper:
    """The report of a pack in one language: headline figures, findings, a table for each target, figures, changes, coverage."""
    words, writer = WORDS[language], _Writer(language)
    blocks: list[Block] = [
        Heading(words["findings"]),
        Figures(_headline(tables, language)),
        Lines([("", clean(line)) for line in _findings(tables, days, language)]),
    ]
    for name in _TABLES:
        blocks += [Heading(words[name]), *writer.part(name, tables[name])]
    said = (words["policy"] + getattr(policy, language), words["pace"] + pace_said(study.scenario.walk)[language])
    blocks += [Heading(words["notes"]), Lines([("", clean(line)) for line in (*said, words["history"], words["form"])])]
    under = [clean(study.publish.title or study.name), *([clean(study.publish.publisher)] if study.publish.publisher else [])]
    return Paper(clean(words["title"].format(period)), under, blocks, language)


def _whole(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """The district's row of the coverage table; what is missing there is left out."""
    row = tables["coverage"].loc[[_DISTRICT]].to_dict("records")[0]
    return {str(name): float(value) for name, value in row.items() if pd.notna(value)}


def _binding(tables: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of binding targets, and those of them that are overdue."""
    targets = tables["targets"]
    binding = targets[targets["binding"].astype(bool)]
    return binding, binding[~binding["met"].astype(bool) & (binding["days_late"].fillna(0) > 0)]


def _headline(tables: Mapping[str, pd.DataFrame], language: str) -> list[tuple[str, str]]:
    words, facts = WORDS[language], _whole(tables)
    pairs = [(words["head_stations"], shown_number(facts["stations_after"]))]
    if "coverage_after" in facts:
        pairs.insert(0, (words["head_share"], shown_share(facts["coverage_after"])))
    binding, late = _binding(tables)
    if len(binding):
        pairs += [(words["head_met"], f"{int(binding['met'].sum())} / {len(binding)}"), (words["head_late"], str(len(late)))]
    return pairs


def _findings(tables: Mapping[str, pd.DataFrame], days: tuple[dt.date, dt.date], language: str) -> list[str]:
    """What the pack says, in sentences."""
    words, facts = WORDS[language], _whole(tables)
    counts = [facts[name] for name in ("stations_before", "stations_after", "covered_before", "covered_after")]
    lines = [
        words["days"].format(shown_date(days[1])[language], shown_date(days[0])[language]),
        words["stand"].format(*map(shown_number, counts), facts.get("coverage_after", 0.0)),
    ]
    binding, late = _binding(tables)
    if len(binding):
        lines.append(words["met"].format(len(binding), int(binding["met"].sum()), len(late)))
        lines += [
            words["late"].format(row[language], _place(row["place"], language), int(row["shortfall"]), int(row["days_late"]))
            for row in late.reset_index().to_dict("records")
        ]
    return lines


class _Writer:
    """Writes the tables of one pack, counting them."""

    def __init__(self, language: str) -> None:
        self.language, self.words, self.tabled = language, WORDS[language], 0

    def part(self, name: str, table: pd.DataFrame) -> Iterator[Block]:
        """The tables of one part, or that there is nothing to say."""
        if not len(table):
            yield Text(self.words[_NOTHING[name]])
        elif name == "targets":
            yield from self.targets(table)
        else:
            yield self.table(name, table, self.words[_CAPTIONS[name]])

    def targets(self, targets: pd.DataFrame) -> Iterator[Block]:
        """A table for each target, under its name, the day it is due and its source phrase."""
        for _, own in targets.groupby(level="target", sort=False):
            first = own.iloc[0]
            due = self.words["due"].format(shown_date(pd.Timestamp(first["by"]).date())[self.language])
            yield self.table("targets", own, clean(f"{first[self.language]} ({due})"))
            yield Text(clean(self.words["quoted"].format(first["phrase"])), quiet=True)

    def table(self, name: str, table: pd.DataFrame, title: str) -> Cells:
        schema, wanted = _TABLES[name]
        flat = table.reset_index()
        keys = [key for key in (each.format(language=self.language) for each in wanted) if key in flat]
        keys = [key for key in keys if key == "place" or flat[key].notna().any()]
        rows = [
            [_cell(value, key, schema[key], self.language) for key, value in zip(keys, values, strict=True)]
            for values in flat[keys].itertuples(index=False, name=None)
        ]
        self.tabled += 1
        numeric = [schema[key].kind in (Kind.NUMBER, Kind.WHOLE) for key in keys]
        headings = [schema[key].label(self.language).replace(_IN_LANGUAGE[self.language], "") for key in keys]
        return Cells(self.words["table"].format(self.tabled, title), headings, rows, numeric)


def _cell(value: Any, key: str, column: Column, language: str) -> str:
    if pd.isna(value):
        return "–"
    if column.kind is Kind.FLAG:
        return WORDS[language]["yes" if bool(value) else "no"]
    if column.kind is Kind.DATE:
        return pd.Timestamp(value).strftime("%Y-%m-%d")
    if column.maximum == 1:
        return f"{value:.1%}"
    if isinstance(value, int | float):
        return shown_amount(float(value))
    said = str(value)
    return _place(said, language) if key == "place" else clean(WORDS[language].get(said, said) if key in _STATUS else said)


def _place(place: str, language: str) -> str:
    return WORDS[language]["district"] if place == _DISTRICT else clean(place)
