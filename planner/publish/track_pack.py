"""The pack of a month, quarter or year: what was due, what stands, what changed; as a workbook, a Word file and a web page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from planner.policy import Policy
from planner.publish.blocks import Block, Cells, Figures, Heading, Lines, Paper, Text, clean
from planner.publish.values import STATUS_SAID
from planner.publish.web_file import write_web
from planner.publish.word_file import write_word
from planner.publish.words import empty_said
from planner.publish.workbook import write_workbook
from planner.schema import AREA_TRACK, CHANGES, FIGURES, TOWN_PROGRESS, TRACK, Column, Kind, Schema
from planner.study import Study
from planner.style import paces_said, shown_amount, shown_date, shown_number, shown_share, shown_share_finely

_DISTRICT = "district"

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "就业服务站点建设进展（{}）",
        "heading": "{}、{}",
        "days": "截至{}，与{}相比。",
        "findings": "总体进展",
        "targets": "目标完成情况",
        "areas": "分片推进情况",
        "figures": "工作数据",
        "changes": "站点变动",
        "coverage": "各街镇覆盖变化",
        "notes": "说明",
        "stations": "在用站点由{}个变为{}个。",
        "same_stations": "在用站点{}个，与上期相同。",
        "reached": "可达人口由{}人变为{}人，占常住人口的{}。",
        "same_reached": "可达人口{}人，占常住人口的{}，与上期相同。",
        "met": "约束性目标按街镇和全区计共{}项，已完成{}项，到期未完成{}项。",
        "late": "到期未完成：{}（{}），缺{}个，已逾期{}天。",
        "none": "本期无变动。",
        "no_figures": "未记录工作数据。",
        "no_targets": "政策包未设目标。",
        "head_stations": "在用站点",
        "head_share": "可达人口占比",
        "head_met": "约束性目标已完成",
        "head_late": "到期未完成",
        "table": "表{} {}",
        "changed": "本期状态变动的站点",
        "covered": "各街镇站点与可达人口",
        "asked": "工作数据与目标",
        "recorded": "其他工作数据",
        "covered_areas": "各片区站点与可达人口",
        "of_area": "{}：各片区",
        "due_of": "{}（期限：{}）",
        "history": "各日期的情况只由该日及以前的日期字段推定，以后的变更不改写历史。",
        "pace": "速度与时限：",
        "asked_often": "政策要求的报告频次：{}。",
        "month": "月",
        "quarter": "季",
        "year": "年",
        "form": "本表式由本工具自拟，并非政策文件的附表。",
        "quoted": "依据：“{}”",
        "district": "全区",
        "yes": "是",
        "no": "否",
        "policy": "依据：",
    },
    "en": {
        "title": "Progress of stations ({})",
        "heading": "{}. {}",
        "days": "As of {}, compared with {}.",
        "findings": "Overall",
        "targets": "Targets",
        "areas": "Roll-out by area",
        "figures": "Recorded figures",
        "changes": "Changes of stations",
        "coverage": "Coverage by town",
        "notes": "Notes",
        "stations": "Stations in use went from {} to {}.",
        "same_stations": "Stations in use: {}, as before.",
        "reached": "Residents within reach went from {} to {}, {} of all.",
        "same_reached": "Residents within reach: {}, {} of all, as before.",
        "met": "Of {} binding targets, counted by town and for the district, {} are met and {} overdue.",
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
        "asked": "Recorded figures and their targets",
        "recorded": "Other recorded figures",
        "covered_areas": "Stations and residents within reach, by area",
        "of_area": "{}: by area",
        "due_of": "{} (due {})",
        "history": "What stood on a day is told by dates up to that day alone; later changes do not rewrite it.",
        "pace": "Pace and cutoff: ",
        "asked_often": "The policy asks for a report each {}.",
        "month": "month",
        "quarter": "quarter",
        "year": "year",
        "form": "The layout is this tool's own and no annex of the policy.",
        "quoted": "Source: “{}”",
        "district": "district",
        "yes": "yes",
        "no": "no",
        "policy": "Policy: ",
    },
}

_SPANNED = ("place", "stations_before", "stations_after", "covered_before", "covered_after", "coverage_after", "difference")
_TABLES: Mapping[str, tuple[Schema, tuple[str, ...]]] = {
    "targets": (TRACK, ("place", "minimum", "counted_before", "counted", "met", "days_late", "shortfall")),
    "area_targets": (
        AREA_TRACK,
        ("area", "towns", "towns_met", "minimum", "counted_before", "counted", "met", "days_late", "shortfall"),
    ),
    "area_coverage": (TOWN_PROGRESS, _SPANNED),
    "figures": (
        FIGURES,
        ("{language}", "place", "before", "value", "difference", "minimum", "by", "met", "days_late", "year_before"),
    ),
    "changes": (CHANGES, ("station_id", "name", "town", "before", "after")),
    "coverage": (TOWN_PROGRESS, _SPANNED),
}

_HEADINGS: Mapping[str, Mapping[str, str]] = {  # shorter than the schema's, and all of them of two days
    "zh": {
        "zh": "指标", "minimum": "目标", "counted_before": "上期", "counted": "本期", "met": "达标", "days_late": "逾期天数",
        "before": "上期", "value": "本期", "difference": "增减", "by": "期限", "after": "本期", "shortfall": "缺口",
        "year_before": "上一年度",
        "towns": "街镇数", "towns_met": "达标街镇", "stations_before": "上期站点", "stations_after": "本期站点",
        "covered_before": "上期可达人口", "covered_after": "本期可达人口", "coverage_after": "本期覆盖率",
    },
    "en": {
        "en": "figure", "minimum": "target", "counted_before": "before", "counted": "now", "days_late": "days late",
        "met": "met", "before": "before", "value": "now", "difference": "change", "by": "due", "after": "now",
        "shortfall": "lacking", "year_before": "year before", "towns": "towns", "towns_met": "towns met",
        "stations_before": "stations before", "stations_after": "stations now",
        "covered_before": "reached before", "covered_after": "reached now", "coverage_after": "share now",
    },
}  # fmt: skip
_SEPARATORS = {"zh": "、", "en": ", "}
_NUMERALS = {"zh": "一二三四五六七八九", "en": "123456789"}
_STATUS = ("before", "after")  # columns of CHANGES that hold a status
_PLACES = ("place", "area", "town")
_CAPTIONS = {"changes": "changed", "coverage": "covered", "area_coverage": "covered_areas"}
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
        ``targets``, ``figures``, ``changes``, ``coverage`` and, with roll-out areas, ``area_targets`` and ``area_coverage``, as
        `planner.track.Tracking` has them.
    days
        The day of comparison and the day of the pack.
    period
        What the month, quarter or year is called, by language.
    """
    languages = study.publish.languages
    headline = [(" ".join(WORDS[each]["title"].format(period[each]) for each in languages), study.name)]
    for language in languages:
        headline += [("", line) for line in _findings(tables, days, language)]
    empty = [empty_said(0, language) for language in languages]  # no key group is counted here
    write_workbook(folder / "track.xlsx", tables, headline, languages=languages, empty=empty)
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
    """The report of a pack in one language: findings, a table for each target, areas, figures, changes, coverage."""
    words, writer = WORDS[language], _Writer(language)
    paces = (words["pace"] + pace[language] for pace in paces_said(study.scenario.walk))
    said: tuple[str, ...] = (words["policy"] + getattr(policy, language), *paces)
    if policy.reporting:
        often = _SEPARATORS[language].join(words[str(each)] for each in policy.reporting)
        said = (*said, words["asked_often"].format(often))
    found = [("", clean(line)) for line in _findings(tables, days, language)]
    parts: list[tuple[str, Sequence[Block]]] = [
        ("findings", [Figures(_headline(tables, language)), Lines(found)]),
        ("targets", [*writer.part("targets", tables["targets"])]),
        ("areas", [*writer.areas(tables)]),
        *((name, [*writer.part(name, tables[name])]) for name in ("figures", "changes", "coverage")),
        ("notes", [Lines([("", clean(line)) for line in (*said, words["history"], words["form"])])]),
    ]
    blocks: list[Block] = []
    for number, (name, own) in zip(_NUMERALS[language], (part for part in parts if part[1]), strict=False):
        blocks += [Heading(words["heading"].format(number, words[name])), *own]
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
    lines = [words["days"].format(*(shown_date(day)[language] for day in reversed(days)))]
    for name, of, more in (
        ("stations", "stations", ()),
        ("reached", "covered", (shown_share_finely(facts.get("coverage_after", 0.0)),)),
    ):
        before, after = (shown_number(facts[f"{of}_{when}"]) for when in ("before", "after"))
        same = before == after
        lines.append(words[f"same_{name}" if same else name].format(*([after] if same else [before, after]), *more))
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
        elif name == "figures":
            yield from self.figures(table)
        else:
            yield self.table(name, table, self.words[_CAPTIONS[name]])

    def targets(self, targets: pd.DataFrame) -> Iterator[Block]:
        """A table for each target, under its name, the day it is due and its source phrase."""
        for _, own in targets.groupby(level="target", sort=False):
            yield self.table("targets", own, self.due(own))
            yield Text(clean(self.words["quoted"].format(own.iloc[0]["phrase"])), quiet=True)

    def figures(self, figures: pd.DataFrame) -> Iterator[Block]:
        """The figures with a target, then the others."""
        asked = figures["minimum"].notna().groupby(level="figure").transform("any").to_numpy(dtype=bool)
        for own, caption in ((figures[asked], "asked"), (figures[~asked], "recorded")):
            if len(own):
                yield self.table("figures", own, self.words[caption])

    def areas(self, tables: Mapping[str, pd.DataFrame]) -> Iterator[Block]:
        """What stands in the roll-out areas, and each target in them; nothing where the study has none."""
        if "area_targets" in tables:
            yield from self.part("area_coverage", tables["area_coverage"])
            for _, own in tables["area_targets"].groupby(level="target", sort=False):
                yield self.table("area_targets", own, self.words["of_area"].format(self.due(own)))

    def due(self, target: pd.DataFrame) -> str:
        first = target.iloc[0]
        return clean(self.words["due_of"].format(first[self.language], shown_date(first["by"].date())[self.language]))

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
        headings = [_HEADINGS[self.language].get(key, schema[key].label(self.language)) for key in keys]
        return Cells(self.words["table"].format(self.tabled, title), headings, rows, numeric)


def _cell(value: Any, key: str, column: Column, language: str) -> str:
    if pd.isna(value):
        return "–"
    if column.kind is Kind.FLAG:
        return WORDS[language]["yes" if bool(value) else "no"]
    if column.kind is Kind.DATE:
        return pd.Timestamp(value).strftime("%Y-%m-%d")
    if column.maximum == 1:
        return shown_share_finely(value)
    if isinstance(value, int | float):
        return shown_amount(float(value))
    said = str(value)
    return (
        _place(said, language)
        if key in _PLACES
        else clean(STATUS_SAID[said][language] if key in _STATUS and said in STATUS_SAID else said)
    )


def _place(place: str, language: str) -> str:
    return WORDS[language]["district"] if place == _DISTRICT else clean(place)
