"""Which tables the report shows, with which columns and under which heading; `<said>` stands for the report's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.publish.workplaces import WORK_SCORES
from planner.schema import (
    ALTERNATIVES,
    AREA_SCORES,
    FIGURES,
    FRONTIER,
    FUNCTIONS,
    GROUP_SCORES,
    LIFE_CIRCLE,
    LIFE_SERVICES,
    LIFT,
    NEEDED,
    REASONS,
    ROLLOUT,
    SITES,
    STANDARDS,
    TIERS,
    TOWN_SCORES,
    TRACK,
    Schema,
)
from planner.style import Said


@dataclass(frozen=True)
class Form:
    """How one table is shown; `whole_only` leaves out the rows of single places where the whole area has one, `without` those
    broken down by that, unless nothing else but the district is left. The first `keys` columns say what a row is of.
    """

    schema: Schema
    title: Said
    columns: tuple[str, ...]
    whole_only: bool = False
    without: str | None = None
    keys: int = 1


@dataclass(frozen=True)
class Section:
    """A heading, what stands under it, and its tables."""

    title: Said
    tables: tuple[str, ...]
    said: Said | None = None


def _said(zh: str, en: str) -> Said:
    return {"zh": zh, "en": en}


TABLES: Mapping[str, Form] = {
    "towns": Form(
        TOWN_SCORES,
        _said("各街镇覆盖情况", "Coverage by town"),
        ("town", "population", "covered_pop", "coverage", "area_coverage", "stations", "target", "met"),
    ),
    "groups": Form(
        GROUP_SCORES,
        _said("常住人口与重点群体覆盖情况", "Coverage of residents and key groups"),
        ("label", "total", "covered", "coverage", "median_walk_min", "p90_walk_min"),
    ),
    "workplaces": Form(
        WORK_SCORES,
        _said("用人单位与岗位覆盖情况", "Coverage of employers and jobs"),
        ("label", "counted", "total", "covered", "coverage", "median_walk_min", "p90_walk_min"),
    ),
    "areas": Form(
        AREA_SCORES,
        _said("优先区域", "Areas of priority"),
        ("label", "factor", "population", "covered_pop", "coverage", "stations", "sites"),
        whole_only=True,
    ),
    "targets": Form(
        TRACK,
        _said("目标完成情况", "Targets"),
        ("<said>", "place", "by", "minimum", "counted", "shortfall", "met"),
    ),
    "figures": Form(
        FIGURES,
        _said("工作数据", "Recorded figures"),
        ("<said>", "place", "before", "value", "difference", "minimum", "by", "met"),
        keys=2,
    ),
    "tiers": Form(TIERS, _said("层级体系", "Pattern of tiers"), ("<said>", "asked", "found", "met", "finding")),
    "functions": Form(
        FUNCTIONS,
        _said("服务功能可达情况", "Who reaches which function"),
        ("<said>", "stations", "covered_pop", "coverage"),
    ),
    "standards": Form(
        STANDARDS,
        _said("站点规范化建设情况", "Standards of stations"),
        ("name", "town", "basic", "extended", "demonstration", "flags", "staff_met", "training_met", "lacks"),
    ),
    "lift": Form(
        LIFT,
        _said("建议提升为示范站点", "Stations to lift to demonstration level"),
        ("order", "name", "town", "gain_pop", "coverage_after", "lacks_functions", "lacks_items"),
        keys=2,
    ),
    "life_services": Form(
        LIFE_SERVICES,
        _said("生活圈业态可达情况", "Services of the living circle"),
        ("<said>", "in_data", "places", "covered_pop", "coverage"),
        whole_only=True,
    ),
    "life_circle": Form(
        LIFE_CIRCLE,
        _said("就业圈与生活圈双圈覆盖", "Station and living circle together"),
        ("place", "population", "completeness", "basic", "quality", "both_pop", "both"),
    ),
    "rollout": Form(
        ROLLOUT,
        _said("分片、分阶段推进情况", "Roll-out by area and phase"),
        ("place", "phase", "new_sites", "stations", "population", "covered_pop", "coverage", "gain_pop"),
        without="town",
        keys=2,
    ),
    "reasons": Form(
        REASONS,
        _said("选址理由", "Reasons for each site"),
        (
            "order",
            "name",
            "gain_towns",
            "reached_pop",
            "sole_pop",
            "overlaps",
            "alternative",
            "alternative_loss_pop",
            "chosen_share",
        ),
        keys=2,
    ),
    "alternatives": Form(
        ALTERNATIVES,
        _said("替代点比较", "Alternatives to each site"),
        ("site_id", "rank", "name", "town", "host", "away_m", "loss_pop"),
    ),
    "frontier": Form(
        FRONTIER,
        _said(
            "站点数与人口覆盖率（节选，全部见工作簿）",
            "Stations and residents covered (some of the counts; all stand in the workbook)",
        ),
        ("stations", "covered_pop", "coverage", "bound"),
    ),
    "needed": Form(
        NEEDED,
        _said("达到各覆盖率所需站点数", "Stations needed for a share of residents"),
        ("share", "stations", "new_sites", "at_least", "coverage", "proven", "finding"),
    ),
    "sites": Form(
        SITES,
        _said("建议新增站点", "Proposed sites"),
        ("order", "name", "town", "host", "phase", "gain_pop", "gain_<group>", "coverage_after"),
        keys=2,
    ),
}

BEFORE_PROPOSALS: tuple[Section, ...] = (
    Section(
        _said("优先区域", "Areas of priority"),
        ("areas",),
        _said(
            "位于优先区域内的需求按该区域系数计入选址；区域重叠处只取最大系数，人口数不变。",
            "Need inside an area of priority counts by its factor in siting; where areas overlap the largest counts, once. "
            "Numbers of people are unchanged.",
        ),
    ),
    Section(_said("目标跟踪", "Targets and tracking"), ("targets", "figures")),
    Section(_said("站点规范化建设", "Standards of stations"), ("tiers", "functions", "standards", "lift")),
    Section(_said("生活圈", "Living circle"), ("life_services", "life_circle")),
)
