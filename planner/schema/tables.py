"""The tables: their columns with labels in both languages, units, aliases and bounds; one constant each."""

from __future__ import annotations

from typing import NewType

import geopandas as gpd
import pandas as pd

from planner.schema.columns import Column, Kind
from planner.schema.gate import Schema

Stations = NewType("Stations", gpd.GeoDataFrame)
Candidates = NewType("Candidates", gpd.GeoDataFrame)
Towns = NewType("Towns", gpd.GeoDataFrame)
Demand = NewType("Demand", gpd.GeoDataFrame)
Coverage = NewType("Coverage", gpd.GeoDataFrame)
Scores = NewType("Scores", pd.DataFrame)
TownScores = NewType("TownScores", pd.DataFrame)
GroupScores = NewType("GroupScores", pd.DataFrame)
Sites = NewType("Sites", gpd.GeoDataFrame)
Frontier = NewType("Frontier", pd.DataFrame)
Isochrones = NewType("Isochrones", gpd.GeoDataFrame)
Track = NewType("Track", pd.DataFrame)
TownProgress = NewType("TownProgress", pd.DataFrame)
Standards = NewType("Standards", pd.DataFrame)
Tiers = NewType("Tiers", pd.DataFrame)
FunctionReach = NewType("FunctionReach", pd.DataFrame)
TownAccess = NewType("TownAccess", pd.DataFrame)
Areas = NewType("Areas", gpd.GeoDataFrame)
AreaScores = NewType("AreaScores", pd.DataFrame)
Needed = NewType("Needed", pd.DataFrame)
EquityCurve = NewType("EquityCurve", pd.DataFrame)
SiteReasons = NewType("SiteReasons", pd.DataFrame)
Alternatives = NewType("Alternatives", pd.DataFrame)
Moves = NewType("Moves", pd.DataFrame)
NearPlans = NewType("NearPlans", pd.DataFrame)
Robust = NewType("Robust", pd.DataFrame)

STATUSES = ("planned", "applied", "built", "accepted", "closed")
STANDING = ("built", "accepted")  # a station with one of these counts, from its date on
FLAGS_1_PLUS_4 = ("unified_sign", "staffing", "basic_functions", "equipment", "service_rules")
_STATUS_WORDS = (
    *((word, "planned") for word in ("规划", "规划中", "计划", "拟建", "待建", "筹建", "在建", "建设中")),
    *((word, "applied") for word in ("申报", "已申报", "申报中", "申请", "已申请", "申请中")),
    *(
        (word, "built")
        for word in (
            "建成", "已建", "已建成", "建成待验收", "待验收", "试运营", "试运行", "在用", "运营", "运营中", "运行", "运行中",
            "正常", "开放", "启用", "已启用",
        )
    ),
    *((word, "accepted") for word in ("验收", "已验收", "验收通过", "验收合格", "已验收合格", "通过验收", "已挂牌")),
    *((word, "closed") for word in ("关闭", "已关闭", "撤销", "已撤销", "停用", "已停用")),
)  # fmt: skip


def _t(name: str, en: str, zh: str, *aliases: str, required: bool = False) -> Column:
    return Column(name, Kind.TEXT, en, zh, aliases=aliases, required=required)


def _n(
    name: str, en: str, zh: str, unit: str = "", *aliases: str, required: bool = False, low: float | None = 0,
    high: float | None = None, kind: Kind = Kind.NUMBER,
) -> Column:  # fmt: skip
    return Column(name, kind, en, zh, unit, required, aliases, low, high)


def _d(name: str, en: str, zh: str, *aliases: str) -> Column:
    return Column(name, Kind.DATE, en, zh, aliases=aliases)


def _people(name: str, en: str, zh: str, *aliases: str, required: bool = False) -> Column:
    return _n(name, en, zh, "people", *aliases, required=required)


_LON = _n("lon", "longitude", "经度", "°", "lng", "long", "x", "经度坐标", "东经", "x坐标", low=-180, high=180)
_LAT = _n("lat", "latitude", "纬度", "°", "y", "纬度坐标", "北纬", "y坐标", low=-90, high=90)
_NAME = _t(
    "name",
    "name",
    "名称",
    "站点名称",
    "station_name",
    "site_name",
    "站名",
    "服务站名称",
    "场所名称",
    "点位名称",
    "载体名称",
    required=True,
)
_TOWN = _t(
    "town", "town", "街镇", "镇", "街道", "所属街镇", "所在街镇", "所属街道", "街道/镇", "镇街", "乡镇", "乡镇街道", "town_name"
)
_ADDRESS = _t("address", "address", "地址", "addr", "详细地址", "站点地址", "所在地址", "具体地址")
_HOST = _t("host", "host premises", "依托载体", "载体", "载体类型", "依托场所")
_STATUS = Column(
    "status", Kind.CHOICE, "status", "状态", aliases=("建设状态", "站点状态", "运行状态"), choices=STATUSES, words=_STATUS_WORDS
)
_CAPACITY = _n("capacity", "capacity", "承载能力", "people", "服务能力", "容量")

STATIONS = Schema(
    "stations",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", "编号", "站点id", "id", required=True),
        _NAME, _LON, _LAT, _ADDRESS, _TOWN,
        _t("kind", "kind", "类型", "站点类型"),
        _t("tier", "tier", "层级", "站点层级", "级别"),
        _HOST,
        _STATUS,
        _d("planned_on", "planned on", "列入计划日期", "规划日期", "立项日期"),
        _d("applied_on", "applied on", "申报日期", "申报时间", "申请日期"),
        _d("built_on", "built on", "建成日期", "建成时间", "竣工日期"),
        _d("accepted_on", "accepted on", "验收日期", "验收时间", "验收通过日期"),
        _d("opened", "opened", "启用日期", "启用时间", "开放日期"),
        Column("closed", Kind.DATE, "closed on", "关闭日期", aliases=("关闭时间", "停用日期", "撤销日期")),
        _n("staff", "staff", "工作人员数", "people", "人员数", "专兼职人员数"),
        _CAPACITY,
        Column("trained_on", Kind.DATE, "last training", "最近培训日期", aliases=("培训日期",)),
        _t("phone", "phone", "电话", "联系电话", "服务电话", "联系方式", "tel", "telephone"),
        _t("hours", "opening hours", "开放时间", "服务时间", "工作时间", "营业时间", "opening_hours"),
        _t("services", "service items", "服务项目", "服务事项", "项目清单"),
        Column("unified_sign", Kind.FLAG, "unified sign", "统一标识"),
        Column("staffing", Kind.FLAG, "staffing", "人员配备"),
        Column("basic_functions", Kind.FLAG, "basic functions", "基础功能"),
        Column("equipment", Kind.FLAG, "equipment", "设备配置"),
        Column("service_rules", Kind.FLAG, "service rules", "规范服务"),
        _n("rating", "satisfaction rating", "满意度", "", "好差评", "评分"),
        _t("survey", "what people ask for in surveys", "服务需求调查", "需求调查", "群众诉求"),
        Column("built_as", Kind.CHOICE, "new-built or pilot", "建设方式", aliases=("建设性质",), choices=("new", "pilot"),
               words=(("新建", "new"), ("试点", "pilot"), ("试点建设", "pilot"), ("改造", "pilot"))),
        _t("facilities", "facilities", "服务设施", "设施", "设施配置"),
        _t("rules", "service rules kept", "服务制度", "制度", "制度落实"),
        _t("zones", "zones opened", "功能区", "功能分区"),
    ),
    ("Point",),
)  # fmt: skip

CANDIDATES = Schema(
    "candidates",
    ("site_id",),
    (
        _t("site_id", "site id", "候选点编号", "编号", "id", "候选编号", required=True),
        _NAME, _LON, _LAT, _ADDRESS, _TOWN, _HOST, _CAPACITY,
        _n("cost", "cost", "建设成本", "", "成本", "费用"),
        Column("required", Kind.FLAG, "required", "必选", aliases=("必建", "指定")),
    ),
    ("Point",),
)  # fmt: skip

POINTS = Schema(
    "points",
    ("id",),
    (
        _t("id", "id", "编号", "station_id", "site_id", "demand_id", "point_id", "站点编号", "候选点编号", required=True),
        _t("name", "name", "名称"),
        _LON, _LAT, _TOWN,
    ),
    ("Point",),
)  # fmt: skip

TOWNS = Schema(
    "towns",
    ("town",),
    (
        _t("town", "town", "街镇", "name", "名称", "镇名", "街道", "乡镇", "town_name", required=True),
        _people("population", "population", "常住人口", "人口", "人口总数", "pop"),
    ),
    ("Polygon", "MultiPolygon"),
)

DEMAND = Schema(
    "demand",
    ("demand_id",),
    (
        _n("demand_id", "demand id", "需求点编号", kind=Kind.WHOLE, required=True),
        _people("population", "residents", "常住人口", "人口", "人口数", "pop", "count", required=True),
        _people("pop_<group>", "of group", "重点群体人数"),
        _n("need", "weighted need", "加权需求", "", required=True),
        _n("factor", "factor of areas of priority", "优先区域系数", "", low=1),
        _people("priority_pop", "residents in areas of priority", "优先区域内常住人口"),
        _people("in_<area>", "residents in the area", "该区域内常住人口"),
        _TOWN,
    ),
    ("Point",),
)

_AREA = (
    _t("area", "area of priority", "优先区域", required=True),
    _t("label", "label", "区域名称", required=True),
    Column(
        "kind", Kind.CHOICE, "kind of area", "区域类型", required=True,
        choices=("settlement", "crowd", "industry", "resettlement", "other"),
    ),
    _n("factor", "factor", "系数", "", low=1, required=True),
)  # fmt: skip

AREAS = Schema("areas", ("area",), _AREA, ("Polygon", "MultiPolygon"))

AREA_SCORES = Schema(
    "areas of priority",
    ("area", "place"),
    (
        *_AREA,
        _t("place", "place", "范围", required=True),
        _n("area_km2", "surface", "面积", "km²", required=True),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", "", high=1),
        _n("median_walk_min", "median walk of those covered", "覆盖人口步行时间中位数", "min"),
        _n("stations", "stations standing in it", "区域内站点数", kind=Kind.WHOLE, required=True),
        _n("sites", "sites proposed in it", "区域内建议新增站点数", kind=Kind.WHOLE),
    ),
)

COVERAGE = Schema(
    "coverage",
    ("demand_id",),
    (
        *DEMAND.columns,
        _t("nearest_station_id", "nearest station", "最近站点"),
        _n("nearest_walk_s", "walk to the nearest station", "到最近站点步行时间", "s"),
        _n("stations_in_reach", "stations in reach", "可达站点数", kind=Kind.WHOLE, required=True),
        Column("covered", Kind.FLAG, "covered", "是否覆盖", required=True),
        _n("straight_m", "straight way to the nearest station", "到最近站点直线距离", "m"),
        _n("supply", "capacity in reach per 10,000 residents (2SFCA)", "每万人可达服务能力（2SFCA）"),
        _n("supply_e2sfca", "capacity in reach per 10,000 residents (E2SFCA)", "每万人可达服务能力（E2SFCA）"),
        _n("saved_min", "walk saved by the proposed sites", "建议站点节省步行时间", "min"),
    ),
    ("Point",),
)

SCORES = Schema(
    "station scores",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _NAME, _TOWN,
        _people("served_pop", "residents within reach", "服务范围内人口", required=True),
        _people("sole_pop", "served by this station only", "仅由本站服务人口", required=True),
        _people("served_<group>", "of group within reach", "服务范围内重点群体"),
        _people("shared_pop", "also reached by others", "与他站共享人口", required=True),
        _n("median_walk_min", "median walk", "步行时间中位数", "min"),
        _people("load", "residents whose nearest station it is", "就近服务人口", required=True),
        _people("marginal_pop", "left uncovered if it closed", "撤站后失去覆盖人口", required=True),
        _n("completeness", "share of service items offered", "服务项目完备率", "", high=1),
        _n("capacity", "capacity", "承载能力", "people"),
        _n("rating", "satisfaction rating", "满意度"),
        _t("survey", "what people ask for in surveys", "服务需求调查"),
        _n("rank", "rank by residents within reach", "排名", kind=Kind.WHOLE, low=1, required=True),
        _t("areas", "areas of priority it stands in", "所在优先区域"),
    ),
)  # fmt: skip

TOWN_SCORES = Schema(
    "town scores",
    ("town",),
    (
        _t("town", "town", "街镇", required=True),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", "", high=1),
        _people("covered_<group>", "of group covered", "覆盖重点群体"),
        _n("area_coverage", "share of area covered", "面积覆盖率", "", high=1),
        _n("median_walk_min", "median walk of those covered", "覆盖人口步行时间中位数", "min"),
        _n("stations", "stations", "站点数", "", kind=Kind.WHOLE, required=True),
        _n("target", "stations required", "目标站点数", "", kind=Kind.WHOLE),
        Column("met", Kind.FLAG, "target met", "是否达标"),
    ),
)

GROUP_SCORES = Schema(
    "group scores",
    ("group",),
    (
        _t("group", "group", "群体", required=True),
        _t("label", "label", "群体名称", required=True),
        Column("of", Kind.CHOICE, "what is counted", "统计对象", choices=("people", "employers", "jobs"), words=()),
        _people("total", "people", "总人数", required=True),
        _people("covered", "people covered", "覆盖人数", required=True),
        _n("coverage", "share covered", "覆盖率", "", high=1),
        _n("median_walk_min", "median walk of those covered", "覆盖者步行时间中位数", "min"),
        _n("p90_walk_min", "90th percentile walk of those covered", "覆盖者步行时间第90百分位", "min"),
    ),
)

SITES = Schema(
    "proposed sites",
    ("site_id",),
    (
        _t("site_id", "site id", "候选点编号", required=True),
        _NAME, _TOWN, _ADDRESS, _HOST,
        _n("order", "order", "次序", "", kind=Kind.WHOLE, low=1, required=True),
        _n("phase", "phase", "阶段", "", kind=Kind.WHOLE, low=1, required=True),
        _n("gain_need", "need newly covered", "新增覆盖需求", "", required=True),
        _people("gain_pop", "residents newly covered", "新增覆盖人口", required=True),
        _people("gain_<group>", "of group newly covered", "新增覆盖重点群体"),
        _n("coverage_after", "share of residents covered then", "建成后人口覆盖率", "", high=1, required=True),
        _n("saved_walk_h", "walking saved, need by hours", "节省的加权步行时间", "h"),
        _n("worst_walk_min", "worst walk then", "建成后最远步行时间", "min"),
        _n("decayed_need", "need gained, walks by weight", "新增衰减加权需求", ""),
        _people("backed_up_pop", "residents with a second station", "新增双重覆盖人口"),
        _people("assigned_pop", "residents assigned to it", "分配服务人口"),
        _t("areas", "areas of priority it stands in", "所在优先区域"),
    ),
    ("Point",),
)  # fmt: skip

FRONTIER = Schema(
    "frontier",
    ("stations",),
    (
        _n("stations", "stations", "站点数", "", kind=Kind.WHOLE, required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", "", high=1, required=True),
        _people("bound", "at most this many can be covered", "覆盖人口上界", required=True),
    ),
)

NEEDED = Schema(
    "stations needed",
    ("share",),
    (
        _n("share", "share of residents", "人口覆盖率目标", high=1, required=True),
        _n("stations", "stations needed", "所需站点数", kind=Kind.WHOLE),
        _n("new_sites", "of them new", "其中新建", kind=Kind.WHOLE),
        _n("at_least", "fewer are proven not to do", "站点数下界", kind=Kind.WHOLE),
        _n("coverage", "share of residents covered then", "届时人口覆盖率", high=1),
        _people("covered_pop", "residents covered then", "届时覆盖人口"),
        _n("most", "most that stations and all candidates can cover", "现有站点与全部候选点合计最高覆盖率", high=1),
        _t("finding", "why there is no number", "无法给出站点数的原因"),
        Column("proven", Kind.FLAG, "proven", "已证明", required=True),
    ),
)

_IDS = (_t("site_id", "site id", "候选点编号", required=True), _t("name", "name", "名称"), _TOWN, _HOST)

REASONS = Schema(
    "reasons",
    ("site_id",),
    (
        *_IDS,
        _n("order", "order", "次序", "", kind=Kind.WHOLE, low=1, required=True),
        _n("phase", "phase", "阶段", "", kind=Kind.WHOLE, low=1, required=True),
        _people("gain_pop", "residents newly covered", "新增覆盖人口", required=True),
        _people("gain_<group>", "of group newly covered", "新增覆盖重点群体"),
        _t("gain_towns", "residents newly covered, by town", "新增覆盖人口（按街镇）"),
        _people("reached_pop", "residents within reach", "服务范围内人口", required=True),
        _people("sole_pop", "of them served by nothing else", "其中仅由本点服务", required=True),
        _people("shared_pop", "of them also reached by others", "其中与他点重叠", required=True),
        _t("overlaps", "overlaps with (residents shared)", "主要重叠站点（重叠人口）"),
        _t("alternative", "best alternative", "最佳替代点"),
        _n("alternative_loss_pop", "residents lost with it", "替代后减少覆盖人口", "people", low=None),
        _n("chosen_share", "share of draws that choose it", "情景中入选比例", high=1),
    ),
)

ALTERNATIVES = Schema(
    "alternatives",
    ("site_id", "rank"),
    (
        _t("site_id", "instead of site", "被替代点编号", required=True),
        _n("rank", "rank", "序号", kind=Kind.WHOLE, low=1, required=True),
        _t("alternative_id", "alternative", "替代点编号", required=True),
        _t("name", "name", "名称"), _TOWN, _HOST,
        _n("away_m", "metres away, straight", "直线距离", "m", required=True),
        _n("loss_pop", "residents lost", "减少覆盖人口", "people", low=None, required=True),
        _n("loss_need", "weighted need lost", "减少覆盖加权需求", "", low=None, required=True),
    ),
)  # fmt: skip

MOVES = Schema(
    "moves of stations",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _t("name", "name", "名称"), _TOWN,
        _people("sole_pop", "left uncovered without it", "撤站后失去覆盖人口", required=True),
        _t("to_id", "would do better at", "迁址更优候选点"),
        _t("to_name", "name of that place", "该点名称"),
        _n("gain_pop", "residents gained by the move", "迁址净增覆盖人口", "people", low=None),
        _n("gain_need", "weighted need gained by the move", "迁址净增加权需求", "", low=None),
    ),
)  # fmt: skip

NEAR_PLANS = Schema(
    "near-optimal plans",
    ("plan",),
    (
        _n("plan", "plan", "方案", kind=Kind.WHOLE, low=1, required=True),
        _t("sites", "sites", "站点"),
        _n("differs", "sites that differ from the proposal", "与建议方案不同的站点数", kind=Kind.WHOLE, required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", high=1, required=True),
        _n("loss_pop", "residents fewer than the proposal", "比建议方案减少覆盖人口", "people", low=None, required=True),
        _n("loss_need", "weighted need less than the proposal", "比建议方案减少加权需求", "", low=None, required=True),
        Column("proven", Kind.FLAG, "proven best of its kind", "已证明同类最优", required=True),
    ),
)

ROBUST = Schema(
    "how often sites stay chosen",
    ("site_id",),
    (
        *_IDS,
        Column("in_plan", Kind.FLAG, "proposed", "是否建议", required=True),
        _n("chosen", "draws that choose it", "入选次数", kind=Kind.WHOLE, required=True),
        _n("chosen_share", "share of draws that choose it", "入选比例", high=1, required=True),
    ),
)

EQUITY = Schema(
    "equity",
    ("floor",),
    (
        _n("floor", "least share asked of each", "各部分最低覆盖率", high=1, required=True),
        _n("worst_share", "least share reached", "实际最低覆盖率", high=1, required=True),
        _t("worst", "whose it is", "最低者", required=True),
        _people("covered_pop", "residents covered", "覆盖人口", required=True),
        _n("coverage", "share of residents covered", "人口覆盖率", high=1, required=True),
        _people("bound", "at most this many can be covered", "覆盖人口上界", required=True),
        _n("most_worst_share", "no plan lifts the least share above", "最低覆盖率上界", high=1, required=True),
        _t("sites", "sites", "站点"),
    ),
)

ISOCHRONES = Schema(
    "isochrones",
    ("station_id", "minutes"),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _n("minutes", "minutes", "分钟", "min", required=True),
    ),
    ("Polygon", "MultiPolygon"),
)

TRACK = Schema(
    "targets",
    ("target", "place"),
    (
        _t("target", "target", "目标", required=True),
        _t("place", "place", "范围", required=True),
        Column("scope", Kind.CHOICE, "scope", "层面", required=True, choices=("district", "town")),
        _t("en", "target in English", "目标（英文）", required=True),
        _t("zh", "target in Chinese", "目标（中文）", required=True),
        _t("counts", "what is counted", "统计对象", required=True),
        Column("binding", Kind.FLAG, "binding", "约束性", required=True),
        _d("since", "counted from", "统计起始日期"),
        Column("by", Kind.DATE, "due", "完成期限", required=True),
        _n("minimum", "at least", "目标数", kind=Kind.WHOLE, required=True),
        _n("planned", "planned then", "规划数", kind=Kind.WHOLE, required=True),
        _n("applied", "applied for then", "申报数", kind=Kind.WHOLE, required=True),
        _n("built", "built, not yet accepted then", "建成待验收数", kind=Kind.WHOLE, required=True),
        _n("accepted", "accepted then", "验收数", kind=Kind.WHOLE, required=True),
        _n("closed", "closed by then", "关闭数", kind=Kind.WHOLE, required=True),
        _n("counted", "counted then", "计入数", kind=Kind.WHOLE, required=True),
        _n("counted_before", "counted at the day of comparison", "上期计入数", kind=Kind.WHOLE),
        Column("met", Kind.FLAG, "met", "是否达标", required=True),
        _d("met_on", "met since", "达标日期"),
        _n("days_late", "days late", "逾期天数", "d", kind=Kind.WHOLE),
        _n("days_left", "days left", "剩余天数", "d", kind=Kind.WHOLE, required=True),
        _n("shortfall", "still lacking", "缺口", kind=Kind.WHOLE, required=True),
        _t("phrase", "source phrase", "政策原文", required=True),
    ),
)

TOWN_PROGRESS = Schema(
    "coverage at two dates",
    ("place",),
    (
        _t("place", "place", "范围", required=True),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_before", "residents covered before", "此前覆盖人口", required=True),
        _n("coverage_before", "share covered before", "此前人口覆盖率", high=1),
        _people("covered_after", "residents covered after", "此后覆盖人口", required=True),
        _n("coverage_after", "share covered after", "此后人口覆盖率", high=1),
        _n("difference", "residents gained", "覆盖人口增减", "people", low=None, required=True),
        _n("stations_before", "stations before", "此前站点数", kind=Kind.WHOLE),
        _n("stations_after", "stations after", "此后站点数", kind=Kind.WHOLE),
    ),
)

STANDARDS = Schema(
    "standards",
    ("station_id",),
    (
        _t("station_id", "station id", "站点编号", required=True),
        _NAME, _TOWN,
        _t("tier", "tier", "层级"),
        _n("basic", "share of basic items offered", "基础功能完备率", high=1),
        _n("extended", "share of extended items offered", "拓展功能完备率", high=1),
        _n("innovative", "share of innovative items offered", "创新功能完备率", high=1),
        _t("functions", "functions offered", "具备功能"),
        _t("lacks_functions", "functions missing for a demonstration station", "示范站点尚缺功能"),
        _t("lacks_items", "items that would make them up", "补齐所需服务项目"),
        Column("demonstration", Kind.FLAG, "qualifies as demonstration station", "符合示范站点条件"),
        *(Column(name, Kind.FLAG, en, zh) for name, en, zh in (
            ("unified_sign", "unified sign", "统一标识"),
            ("staffing", "staffing", "人员配备"),
            ("basic_functions", "basic functions", "基础功能"),
            ("equipment", "equipment", "设备配置"),
            ("service_rules", "service rules", "规范服务"),
        )),
        _n("flags", "of the five of 1+4", "“1+4”达标项数", kind=Kind.WHOLE, high=5),
        _n("staff", "staff", "工作人员数", "people"),
        Column("staff_met", Kind.FLAG, "enough staff", "人员达标"),
        _d("trained_on", "last training", "最近培训日期"),
        Column("training_met", Kind.FLAG, "trained within the year", "年内已培训"),
        _t("lacks_facilities", "facilities missing", "尚缺服务设施"),
        _t("lacks_rules", "service rules missing", "尚缺服务制度"),
        _t("zones", "zones opened", "功能区"),
        Column("built_as", Kind.CHOICE, "new-built or pilot", "建设方式", choices=("new", "pilot")),
        _t("lacks", "standards not met", "未达标项"),
        _t("unknown", "standards nothing is said of", "未填报项"),
    ),
)  # fmt: skip

TIERS = Schema(
    "tiers",
    ("tier",),
    (
        _t("tier", "tier", "层级", required=True),
        _t("en", "tier in English", "层级（英文）"),
        _t("zh", "tier in Chinese", "层级（中文）"),
        _n("asked", "stations asked", "要求数", kind=Kind.WHOLE),
        _n("found", "stations found", "实有数", kind=Kind.WHOLE, required=True),
        Column("met", Kind.FLAG, "as the pattern says", "符合层级体系", required=True),
        _t("finding", "finding", "说明"),
    ),
)

FUNCTIONS = Schema(
    "functions",
    ("function",),
    (
        _t("function", "function", "功能", required=True),
        _t("en", "function in English", "功能（英文）", required=True),
        _t("zh", "function in Chinese", "功能（中文）", required=True),
        _n("stations", "stations that offer it", "具备站点数", kind=Kind.WHOLE, required=True),
        _people("population", "residents", "常住人口", required=True),
        _people("covered_pop", "residents who reach it", "可达人口", required=True),
        _n("coverage", "share of residents who reach it", "人口可达率", high=1),
        _people("covered_<group>", "of group who reach it", "可达重点群体"),
    ),
)

ACCESS = Schema(
    "access",
    ("place",),
    (
        _t("place", "place", "范围", required=True),
        _people("population", "residents", "常住人口", required=True),
        _n("stations", "stations", "站点数", kind=Kind.WHOLE, required=True),
        _n("stations_per_10000", "stations per 10,000 residents", "每万人站点数"),
        _n("supply_per_10000", "capacity in reach per 10,000 residents", "每万人可达服务能力"),
        _n("p10", "the same at the 10th percentile of residents", "可达服务能力第10百分位（每万人）"),
        _n("gini", "Gini of capacity in reach", "可达服务能力基尼系数", high=1),
        _n("theil", "Theil index of capacity in reach", "可达服务能力泰尔指数"),
        _people("without_pop", "residents with none in reach", "无可达服务人口", required=True),
    ),
)
