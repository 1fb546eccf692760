"""The tables of indicators, recorded figures, the living circle, communities, stations to lift and the composite score."""

from __future__ import annotations

from typing import NewType

import geopandas as gpd
import pandas as pd

from planner.schema.columns import Column, Kind
from planner.schema.gate import Schema
from planner.schema.tables import _LAT, _LON, _NAME, _TOWN, _d, _n, _people, _t

Indicators = NewType("Indicators", pd.DataFrame)
Figures = NewType("Figures", pd.DataFrame)
RecordedFigures = NewType("RecordedFigures", pd.DataFrame)
CommunityScores = NewType("CommunityScores", gpd.GeoDataFrame)
LifeCircleScores = NewType("LifeCircleScores", pd.DataFrame)
LifeServices = NewType("LifeServices", pd.DataFrame)
LifePlaces = NewType("LifePlaces", pd.DataFrame)
LifeFacilities = NewType("LifeFacilities", gpd.GeoDataFrame)
LifeCells = NewType("LifeCells", gpd.GeoDataFrame)
Lift = NewType("Lift", pd.DataFrame)
Rollout = NewType("Rollout", pd.DataFrame)
AreaTrack = NewType("AreaTrack", pd.DataFrame)
CompositeScores = NewType("CompositeScores", pd.DataFrame)

BREAKDOWNS = ("district", "town", "group", "station")

INDICATORS = Schema(
    "indicators",
    ("indicator", "by", "place"),
    (
        _t("indicator", "indicator", "指标", required=True),
        _t("by", "broken down by", "统计层面", required=True),
        _t("place", "of", "统计对象", required=True),
        _t("en", "indicator in English", "指标名称（英文）", required=True),
        _t("zh", "indicator in Chinese", "指标名称（中文）", required=True),
        _n("value", "value", "指标值", low=None),
        _t("unit", "unit", "单位"),
        _n("numerator", "numerator", "分子", low=None),
        _n("denominator", "denominator", "分母"),
        _t("detail", "which", "说明"),
        _n("cutoff_min", "cutoff", "步行时限", "min", required=True),
        _n("pace_kmh", "pace (km/h)", "步行速度（公里/小时）", required=True),
        Column("as_of", Kind.DATE, "as of", "数据截至", required=True),
    ),
)

RECORDED = Schema(
    "recorded figures",
    ("figure", "date", "place"),
    (
        _t("figure", "figure", "指标", "项目", "统计指标", required=True),
        Column("date", Kind.DATE, "date", "日期", aliases=("统计日期", "时间"), required=True),
        _t("place", "place", "范围", "town", "街镇", "所属街镇"),
        _n("value", "value", "数值", "", "数量", "人数", "次数", low=None, required=True),
        _d("recorded_on", "recorded on", "录入日期", "填报日期", "上报日期"),
    ),
)

FIGURES = Schema(
    "recorded figures against targets",
    ("figure", "place"),
    (
        _t("figure", "figure", "指标", required=True),
        _t("place", "place", "范围", required=True),
        _t("en", "figure in English", "指标（英文）", required=True),
        _t("zh", "figure in Chinese", "指标（中文）", required=True),
        _t("how", "sum, last or mean of its records", "统计方式", required=True),
        _n("records", "records up to the day", "记录条数", kind=Kind.WHOLE, required=True),
        _d("last_on", "last recorded on", "最近记录日期"),
        _n("before", "at the day of comparison", "上期值", low=None),
        _n("value", "on the day", "本期值", low=None),
        _n("difference", "change", "增减", low=None),
        Column("binding", Kind.FLAG, "binding", "约束性"),
        _d("since", "counted from", "统计起始日期"),
        _d("by", "due", "完成期限"),
        _n("minimum", "at least", "目标值", low=None),
        Column("met", Kind.FLAG, "met", "是否达标"),
        _d("met_on", "met since", "达标日期"),
        _n("days_late", "days late", "逾期天数", "d", kind=Kind.WHOLE),
        _n("days_left", "days left", "剩余天数", "d", kind=Kind.WHOLE),
        _n("shortfall", "still lacking", "缺口"),
        _n("year_before", "the year before, as known on the day", "上一年度值（截至当日所知）", low=None),
        Column("year_before_met", Kind.FLAG, "met the year before", "上一年度是否达标"),
        _t("phrase", "source phrase", "政策原文"),
    ),
)

AREA_TRACK = Schema(
    "targets by roll-out area",
    ("target", "area"),
    (
        _t("target", "target", "目标", required=True),
        _t("area", "roll-out area", "片区", required=True),
        _t("en", "target in English", "目标（英文）", required=True),
        _t("zh", "target in Chinese", "目标（中文）", required=True),
        _t("counts", "what is counted", "统计对象", required=True),
        Column("binding", Kind.FLAG, "binding", "约束性", required=True),
        Column("by", Kind.DATE, "due", "完成期限", required=True),
        _n("towns", "towns asked", "有目标的街镇数", kind=Kind.WHOLE),
        _n("towns_met", "towns that have met it", "已达标街镇数", kind=Kind.WHOLE),
        _n("minimum", "at least, in its towns together", "各街镇目标数合计", kind=Kind.WHOLE),
        _n("planned", "planned then", "规划数", kind=Kind.WHOLE, required=True),
        _n("applied", "applied for then", "申报数", kind=Kind.WHOLE, required=True),
        _n("built", "built, not yet accepted then", "建成待验收数", kind=Kind.WHOLE, required=True),
        _n("accepted", "accepted then", "验收数", kind=Kind.WHOLE, required=True),
        _n("closed", "closed by then", "关闭数", kind=Kind.WHOLE, required=True),
        _n("counted", "counted then", "计入数", kind=Kind.WHOLE, required=True),
        _n("counted_before", "counted at the day of comparison", "上期计入数", kind=Kind.WHOLE),
        _n("shortfall", "still lacking in its towns", "各街镇缺口合计", kind=Kind.WHOLE),
        Column("met", Kind.FLAG, "met by all its towns", "各街镇是否均达标"),
        _n("days_late", "days late, of the latest town", "最长逾期天数", "d", kind=Kind.WHOLE),
    ),
)

CHANGES = Schema(
    "changes of stations",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _NAME, _TOWN,
        _t("before", "status before", "此前状态"),
        _t("after", "status after", "此后状态"),
    ),
)  # fmt: skip

COMMUNITIES = Schema(
    "communities",
    ("community",),
    (
        _t("community", "community", "居村", "name", "名称", "社区", "居委会", "村居", "居村名称", required=True),
        _TOWN,
        _people("population", "residents", "常住人口"),
        _people("covered_pop", "residents covered", "覆盖人口"),
        _n("coverage", "share of residents covered", "人口覆盖率", high=1),
        Column("covered", Kind.FLAG, "covered", "是否覆盖"),
    ),
    ("Polygon", "MultiPolygon"),
)

LIFE_CIRCLE = Schema(
    "living circle",
    ("by", "place"),
    (
        _t("by", "broken down by", "统计层面", required=True),
        _t("place", "of", "统计对象", required=True),
        _people("population", "people", "人数"),
        _n("completeness", "mean share of services in reach", "生活圈业态完备率", high=1),
        _n("basic", "mean share of basic services in reach", "基本保障类业态完备率", high=1),
        _n("quality", "mean share of quality services in reach", "品质提升类业态完备率", high=1),
        _people("all_basic_pop", "residents who reach every basic service", "基本保障类业态齐全人口"),
        _people("both_pop", "residents who reach a station and every basic service", "双圈覆盖人口"),
        _n("both", "share who reach a station and every basic service", "双圈覆盖率", high=1),
    ),
)

LIFE_SERVICES = Schema(
    "life-circle services",
    ("service", "place"),
    (
        _t("service", "service", "业态", required=True),
        _t("place", "place", "范围", required=True),
        _t("en", "service in English", "业态（英文）", required=True),
        _t("zh", "service in Chinese", "业态（中文）", required=True),
        _t("service_class", "class", "类别", required=True),
        Column("in_data", Kind.FLAG, "any place in the data", "数据中有此业态", required=True),
        _n("places", "places", "网点数", kind=Kind.WHOLE),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_pop", "residents who reach one", "可达人口"),
        _n("coverage", "share of residents who reach one", "人口可达率", high=1),
    ),
)

LIFE_PLACES = Schema(
    "stations and hosts among services",
    ("role", "id"),
    (
        _t("role", "station or candidate", "类别", required=True),
        _t("id", "id", "编号", required=True),
        _NAME, _TOWN,
        _t("form", "professional or fused", "专业化/融合型"),
        _t("why", "told by", "判定依据"),
        _t("host", "host premises", "依托载体"),
        _t("beside", "services beside it", "周边业态"),
        _n("services_beside", "how many services", "周边业态数", kind=Kind.WHOLE, required=True),
        _n("completeness", "share of services beside it", "周边业态完备率", high=1),
    ),
)  # fmt: skip

LIFE_FACILITIES = Schema(
    "places of the living circle's services",
    ("facility_id",),
    (
        _n("facility_id", "facility id", "设施编号", kind=Kind.WHOLE, required=True),
        _t("service", "service", "业态", required=True),
        _t("en", "service in English", "业态（英文）", required=True),
        _t("zh", "service in Chinese", "业态（中文）", required=True),
        _t("service_class", "class", "业态类别", required=True),
        _t("name", "name", "名称"),
        _TOWN,
    ),
    ("Point",),
)

LIFE_CELLS = Schema(
    "living circle by demand point",
    ("demand_id",),
    (
        _n("demand_id", "demand id", "需求点编号", kind=Kind.WHOLE, required=True),
        _people("population", "residents", "常住人口", required=True),
        _TOWN,
        _t("services", "services in reach", "可达业态"),
        _t("lacks", "services out of reach", "缺失业态"),
        _n("completeness", "share of services in reach", "生活圈业态完备率", high=1),
        _n("basic", "share of basic services in reach", "基本保障类业态完备率", high=1),
        _n("quality", "share of quality services in reach", "品质提升类业态完备率", high=1),
        Column("station", Kind.FLAG, "station in reach", "是否可达站点", required=True),
    ),
    ("Point",),
)

SERVICE_POINTS = Schema(
    "places of a service",
    ("id",),
    (_t("id", "id", "编号", "place_id", "序号"), _t("name", "name", "名称"), _LON, _LAT, _TOWN),
    ("Point",),
)

LIFT = Schema(
    "stations to lift to demonstration level",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _NAME, _TOWN,
        _n("order", "order", "次序", kind=Kind.WHOLE, low=1, required=True),
        _people("gain_pop", "residents who then first reach a demonstration station", "新增示范站点可达人口", required=True),
        _n("coverage_after", "share of residents who then reach one", "提升后示范站点人口可达率", high=1, required=True),
        _t("lacks_functions", "functions missing", "尚缺功能"),
        _t("lacks_items", "items that would make them up", "补齐所需服务项目"),
    ),
)  # fmt: skip

ROLLOUT = Schema(
    "roll-out by phase",
    ("by", "place", "phase"),
    (
        _t("by", "broken down by", "统计层面", required=True),
        _t("place", "of", "统计对象", required=True),
        _n("phase", "phase", "阶段", kind=Kind.WHOLE, required=True),
        _d("due", "due", "完成期限"),
        _n("new_sites", "sites of the phase", "本阶段新建站点数", kind=Kind.WHOLE, required=True),
        _n("stations", "stations that stand then", "届时站点数", kind=Kind.WHOLE, required=True),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_pop", "residents covered then", "届时覆盖人口", required=True),
        _n("coverage", "share of residents covered then", "届时人口覆盖率", high=1),
        _people("gain_pop", "residents gained in the phase", "本阶段新增覆盖人口", required=True),
    ),
)

COMPOSITE = Schema(
    "composite score",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _NAME, _TOWN,
        _n("score", "composite score", "综合得分", high=1),
        _n("rank", "rank", "排名", kind=Kind.WHOLE, low=1),
        _n("best_rank", "best rank when one weight moves", "单项权重变动时最高排名", kind=Kind.WHOLE, low=1),
        _n("worst_rank", "worst rank when one weight moves", "单项权重变动时最低排名", kind=Kind.WHOLE, low=1),
        _n("rank_p5", "5th percentile of ranks over random weights", "随机权重排名第5百分位", kind=Kind.WHOLE, low=1),
        _n("rank_p95", "95th percentile of ranks over random weights", "随机权重排名第95百分位", kind=Kind.WHOLE, low=1),
        _n("first_share", "share of random weights with rank 1", "随机权重下排名第一的比例", high=1),
        _t("missing", "columns nothing is said of", "缺失指标"),
        _n("part_<group>", "part of the score", "得分构成", high=1),
    ),
)  # fmt: skip

COMPOSITE_MOVES = Schema(
    "composite score as weights move",
    ("weight", "times"),
    (
        _t("weight", "weight that moves", "变动的权重", required=True),
        _n("times", "multiplied by", "乘数", required=True),
        _n("spearman", "rank correlation", "排名相关系数", low=-1, high=1),
        _n("moved", "stations whose rank changes", "排名变动站点数", kind=Kind.WHOLE, required=True),
        _n("furthest", "most places one moves", "最大变动位次", kind=Kind.WHOLE, required=True),
        _t("first", "then first", "变动后排名第一"),
    ),
)
