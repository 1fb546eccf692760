"""The words of the report in both languages, and the definitions of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from planner.score import RESIDENTS, RESIDENTS_LABEL
from planner.standards import SEPARATOR
from planner.study import Siting
from planner.style import Said

RESIDENTS_SAID: Said = {"zh": RESIDENTS_LABEL, "en": "residents"}

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "{}就业服务站点布局评估报告",
        "head_share": "现状人口覆盖率",
        "head_gap": "未覆盖人口（人）",
        "head_stations": "现有站点（个）",
        "head_after": "新增{}个站点后覆盖率",
        "figure_n": "图{}  {}",
        "table_n": "表{}  {}",
        "phase": "新增站点{}个，新增覆盖{}人，累计人口覆盖率{}。",
        "phase_loss": "比单独选该阶段站点时最多少{:.2%}。",
        "phase_n": "第{}阶段",
        "today": "现状",
        "whole": "全区",
        "more_rows": "另有{}行，见工作簿。",
        "as_of": "数据截至：",
        "stop": "。",
        "colon": "：",
        "and": "、",
        "any_of": "{}任一项",
        "all_of": "{}各项",
        "item_and": "、",
        "yes": "是",
        "no": "否",
        "findings": "主要结论",
        "of_residents": "常住人口{}人，其中步行可达范围内{}人，尚未覆盖{}人。",
        "worst_town": "覆盖率最低的街镇是{}（{}）。",
        "worst_group": "覆盖率最低的重点群体是{}（{}）。",
        "plan": "建议新增站点{}个，可新增覆盖常住人口{}人；{}。",
        "proven": "已证明在给定候选点和规则下没有更优的方案",
        "gap": "与理论上界的差距不超过{:.2%}",
        "unproven": "为限定计算量内找到的最好方案，未证明最优",
        "method": "测算方法",
        "how": (
            "步行时间沿街道网络逐点计算：从居民点到最近的街道、沿街道到站点所在街道、再到站点门口，三段时间相加，"
            "不以直线距离或圆形缓冲区代替。不超过时限即为覆盖（含等于）。地图上的步行圈是同一时间的图示，统计以步行时间为准。"
        ),
        "pace": "速度与时限：",
        "model": "选址模型：",
        "towns": "各街镇情况",
        "groups": "重点群体情况",
        "residents": "常住人口情况",
        "workplaces": "用人单位与岗位情况",
        "proposals": "选址建议",
        "limits": "局限与说明",
        "bend": "曲线在站点总数为{}个处出现拐点，此后每增加一个站点，新增覆盖明显减少。",
        "needed_most": "现有站点与全部候选点合计最多可覆盖常住人口的{}。",
        "limits_said": (
            "“15分钟”对应的距离取决于步行速度，速度是假设；速度不同，结果会有明显差别。\n"
            "街道数据来自公开地图，未绘制的小路不会被计算；封闭小区、临时围挡和等候红灯的时间未计入。\n"
            "居民位置以栅格、统计小区或建筑代表，并非逐户地址。"
        ),
        "suppressed": "人数少于{}人的重点群体数据不予显示（以“–”表示），并隐去可据以推算的其他数据。",
        "definitions": "附：指标定义",
    },
    "en": {
        "title": "{}: where the stations stand and where the next ones go",
        "head_share": "residents covered today",
        "head_gap": "residents not covered",
        "head_stations": "stations",
        "head_after": "covered with {} more",
        "figure_n": "Figure {}. {}",
        "table_n": "Table {}. {}",
        "phase": "sites: {}; {} residents gained; {} of residents covered then.",
        "phase_loss": " At most {:.2%} less than this phase could have by itself.",
        "phase_n": "phase {}",
        "today": "today",
        "whole": "whole area",
        "more_rows": "{} more rows stand in the workbook.",
        "as_of": "As of ",
        "stop": ".",
        "colon": ": ",
        "and": ", ",
        "any_of": "any of {}",
        "all_of": "all of {}",
        "item_and": ", ",
        "yes": "yes",
        "no": "no",
        "findings": "Findings",
        "of_residents": "Of {} residents, {} are within reach on foot; {} are not yet.",
        "worst_town": "Least covered of the towns: {} ({}).",
        "worst_group": "Least covered of the key groups: {} ({}).",
        "plan": "{} new sites are proposed; they would bring {} more residents within reach; {}.",
        "proven": "it is proven that no other choice of these candidates under these rules does better",
        "unproven": "it is the best that was found; that none is better is not proven",
        "gap": "at most {:.2%} away from the best that is possible",
        "method": "Method",
        "how": (
            "Walking times are computed along the street network, point by point: from where people live to the nearest "
            "street, along the streets, and from the street to the station's door. Circles and straight lines are not used. "
            "A walk counts if it takes no longer than the cutoff. Outlines on maps are pictures of the same times; figures "
            "come from the times."
        ),
        "pace": "Pace and cutoff: ",
        "model": "Siting model: ",
        "towns": "Towns",
        "groups": "Key groups",
        "residents": "Residents",
        "workplaces": "Employers and jobs",
        "proposals": "Proposals",
        "limits": "Limits",
        "bend": "The curve bends at {} stations in all: each further one adds clearly less.",
        "needed_most": "The stations and all candidates together can cover at most {} of residents.",
        "limits_said": (
            "How far fifteen minutes reach depends on the pace, and the pace is an assumption: another pace gives clearly "
            "other figures.\n"
            "The streets are those of a public map: a path that is not drawn is not walked; gated estates, works and waiting "
            "at lights are not counted.\n"
            "Residents stand at raster cells, zones or buildings, not at addresses."
        ),
        "suppressed": (
            "Counts of key groups below {} are not shown (a dash stands there), nor others from which they could be worked out."
        ),
        "definitions": "Appendix: definitions",
    },
}

DEFINITIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "zh": (
        ("人口覆盖率", "至少有一个站点在步行时限以内的常住人口 ÷ 区域内全部常住人口"),
        ("重点群体覆盖率", "该群体中至少有一个站点在步行时限以内的人数 ÷ 该群体总人数"),
        ("步行时间中位数、第90百分位", "覆盖范围内的人到最近站点的步行时间，按人数加权；仅统计已覆盖的人"),
        ("新增覆盖", "按建议次序建成该站点时，首次进入步行时限以内的人数"),
        ("加权需求", "常住人口 + Σ（重点群体权重 × 该群体人数），用于选址"),
        ("上界与差距", "上界为同样规则下任何方案都不可能优于的目标值；差距为方案与上界可能相差的比例"),
    ),
    "en": (
        ("Coverage", "residents with at least one station within the cutoff, divided by all residents of the area"),
        ("Coverage of a key group", "members with at least one station within the cutoff, divided by all members"),
        ("Median and 90th percentile walk", "to the nearest station, weighted by people, of those covered only"),
        ("Residents newly covered", "those first within the cutoff when the site is built in the proposed order"),
        ("Need", "residents + the sum over key groups of weight times members; what siting maximises"),
        ("Bound and gap", "what no plan under the same rules can beat; the share by which the plan may fall short of it"),
    ),
}

MODELS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "mclp": "最大覆盖（MCLP），以给定数量的新增站点覆盖最多的加权需求。",
        "decay": "衰减覆盖，步行越近计入的加权需求越多。",
        "backup": "双重覆盖，步行可达范围内有第二个站点的需求按比例加计。",
        "capacity": "容量约束下的最大覆盖，每人只分配到一个站点，且不超过站点服务能力。",
        "lscp": "集合覆盖（LSCP），以最少的新增站点达到要求的覆盖比例。",
        "p-median": "p-中位，使加权步行总时间最短。",
        "p-center": "p-中心，使最远的步行时间最短。",
    },
    "en": {
        "mclp": "maximal covering (MCLP), the most need covered with so many new sites.",
        "decay": "covering by decay, need counts the more the shorter the walk.",
        "backup": "backup covering, need with a second station within reach counts a share more.",
        "capacity": "covering with capacities; everybody has one station, and none takes more than its capacity.",
        "lscp": "set covering (LSCP), the fewest new sites that cover the share asked for.",
        "p-median": "p-median, the least walking in all, weighted by need.",
        "p-center": "p-center, the least worst walk.",
    },
}


def empty_said(minimum: int, language: str) -> str:
    """What an empty cell of a workbook means where smaller counts of people than `minimum` are suppressed; 0: none is."""
    few = {
        "zh": f"少于{minimum}人，或可据以推算出少于{minimum}人的数字，不予公开；或",
        "en": f"fewer than {minimum} people, or a number from which so few could be worked out; or ",
    }
    said = {"zh": "空白单元格：{}不适用、无数据", "en": "An empty cell: {}it does not apply, or is not known"}
    return said[language].format(few[language] if minimum else "")


def nowhere_said(columns: Sequence[tuple[str, Sequence[str]]], language: str) -> str:
    """Which columns of which sheets are left out of a workbook because no row has a value there."""
    between, of, said = {
        "zh": ("、", "：", "以下各列所有行均无可显示的数值，已从工作表中略去：{}。"),
        "en": (", ", ": ", "Left out of their sheets, for no row has a value to show: {}."),
    }[language]
    listed = (f"{sheet}{of}{between.join(labels)}" for sheet, labels in columns)
    return said.format({"zh": "；", "en": "; "}[language].join(listed))


def items_said(asked: str, language: str) -> str:
    """Service items to add, as `planner.standards` writes them, in words: ``4+5`` is all of them, ``12|13`` any one.

    >>> items_said("12|13, 19", "en")
    'any of 12, 13; 19'
    """
    words = WORDS[language]
    said = []
    for part in asked.split(SEPARATOR):
        word = next((word for mark, word in (("|", "any_of"), ("+", "all_of")) if mark in part), None)
        listed = part.replace("|", words["item_and"]).replace("+", words["item_and"])
        said.append(part if word is None else words[word].format(listed))
    return "; ".join(said)


def model_said(siting: Siting, language: str) -> str:
    """What the siting model of a study is called, and what it does."""
    extended = next((key for key in ("decay", "backup", "capacity") if getattr(siting, key)), str(siting.method))
    return MODELS[language][extended]


def with_residents(groups: pd.DataFrame, language: str) -> pd.DataFrame:
    """The table of groups whose first row, all residents, is called so in `language`; groups have the study's own names."""
    return groups.assign(label=groups["label"].mask(groups.index == RESIDENTS, RESIDENTS_SAID[language]))
