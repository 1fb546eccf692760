"""What every indicator is: names in both languages, unit, formula, and by what it is broken down; one place for all."""

from __future__ import annotations

from dataclasses import dataclass

from planner.access import PER

DISTRICT = "district"  # the place that is the whole area
SHARE, MINUTES, PEOPLE, TIMES, PER_10000 = "share", "min", "people", "×", f"per {PER:,}"


@dataclass(frozen=True)
class Indicator:
    """What an indicator is: its names, unit, formula, where it is computed and by what it is broken down."""

    name: str
    en: str
    zh: str
    unit: str
    formula_en: str
    formula_zh: str
    by: tuple[str, ...]


_EVERYWHERE, _PLACES, _DISTRICT, _STATION = ("district", "town", "group"), ("district", "town"), ("district",), ("station",)
_COVERED_EN, _COVERED_ZH = "of those with a station within the cutoff", "仅统计时限内可达站点者"

DEFINITIONS: tuple[Indicator, ...] = (
    Indicator("coverage", "population coverage (of a group: key-group coverage)", "人口覆盖率（重点群体为重点群体覆盖率）",
              SHARE,
              "people with a station within the cutoff ÷ all", "时限内可达站点的人数 ÷ 总人数", _EVERYWHERE),
    Indicator("unreachable", "share without a station in reach", "无站点可达人口占比", SHARE,
              "people without a station within the cutoff ÷ all", "时限内无站点可达的人数 ÷ 总人数", _EVERYWHERE),
    Indicator("area_coverage", "area coverage", "面积覆盖率", SHARE,
              "km² inside the outlines at the cutoff ÷ km²", "步行圈内面积（平方公里）÷ 总面积", _PLACES),
    Indicator("residential_coverage", "residential-area coverage", "居住用地（住宅建筑）覆盖率", SHARE,
              "floor area of homes inside the outlines ÷ all (without buildings: m² of residential land)",
              "步行圈内住宅建筑面积 ÷ 全部住宅建筑面积（无建筑数据时用居住用地面积）", _PLACES),
    Indicator("community_coverage", "community coverage", "居村覆盖率", SHARE,
              "communities with at least the study's share of their residents covered ÷ inhabited communities",
              "居民覆盖比例达到设定值的居村数 ÷ 有人居住的居村数", _PLACES),
    Indicator("mean_walk", "mean walk to the nearest station", "平均步行时间", MINUTES,
              f"Σ people × minutes ÷ people, {_COVERED_EN}", f"Σ 人数×分钟 ÷ 人数，{_COVERED_ZH}", _PLACES),
    Indicator("median_walk", "median walk to the nearest station", "步行时间中位数", MINUTES,
              f"least time that half of the people do not exceed, {_COVERED_EN}",
              f"半数人不超过的最短时间，{_COVERED_ZH}", _EVERYWHERE),
    Indicator("p90_walk", "90th percentile walk", "步行时间第90百分位", MINUTES,
              f"least time that 90 % of the people do not exceed, {_COVERED_EN}",
              f"九成人不超过的最短时间，{_COVERED_ZH}", _EVERYWHERE),
    Indicator("backup", "backup coverage", "备份覆盖率（两个及以上站点）", SHARE,
              "residents with two or more stations within the cutoff ÷ residents",
              "时限内可达两个及以上站点的人口 ÷ 常住人口", _PLACES),
    Indicator("overlap", "overlap: stations in reach of a covered resident", "重叠度：覆盖人口人均可达站点数", TIMES,
              "Σ people × stations within the cutoff ÷ covered residents", "Σ 人数×可达站点数 ÷ 覆盖人口", _PLACES),
    Indicator("detour", "detour", "绕行系数", TIMES,
              "Σ people × metres at the level pace in the time walked ÷ Σ people × straight metres, to the nearest station, "
              f"{_COVERED_EN}",
              f"Σ 人数×步行时间按平路步速折合的米数 ÷ Σ 人数×直线距离（到最近站点），{_COVERED_ZH}", (*_PLACES, "station")),
    Indicator("walk_gini", "Gini of walks", "步行时间基尼系数", SHARE,
              f"Σ Σ p p |t − t| ÷ (2 P² mean t), {_COVERED_EN}", f"人口加权的步行时间基尼系数，{_COVERED_ZH}", _PLACES),
    Indicator("stations_per_10000", "stations per 10,000 residents", "每万人站点数", PER_10000,
              "stations standing in the place × 10,000 ÷ residents", "本地站点数 × 10000 ÷ 常住人口", _PLACES),
    Indicator("load_ratio", "load against capacity", "负荷与承载能力之比", SHARE,
              "residents whose nearest station it is ÷ capacity", "就近服务人口 ÷ 站点承载能力", (*_PLACES, "station")),
    Indicator("supply", "capacity in reach, 2SFCA", "可达服务能力（2SFCA）", PER_10000,
              "mean over residents of Σ stations in reach (capacity ÷ residents who reach it)",
              "居民可达站点的（承载能力 ÷ 可达该站点人口）之和的人均值", _PLACES),
    Indicator("supply_e2sfca", "capacity in reach, E2SFCA", "可达服务能力（E2SFCA）", PER_10000,
              "the same with walks weighted by a bell curve that is 0 at the cutoff (Dai 2010)",
              "同上，步行时间按时限处为零的高斯函数衰减（Dai 2010）", _PLACES),
    Indicator("supply_p10", "capacity in reach at the 10th percentile", "可达服务能力第10百分位", PER_10000,
              "least supply (2SFCA) that 10 % of residents do not exceed", "一成居民不超过的可达服务能力（2SFCA）", _PLACES),
    Indicator("supply_gini", "Gini of capacity in reach", "可达服务能力基尼系数", SHARE,
              "Gini of supply (2SFCA) over all residents", "全体居民可达服务能力（2SFCA）的基尼系数", _PLACES),
    Indicator("worst_town", "least covered town", "覆盖率最低街镇", SHARE,
              "the least coverage of a town", "各街镇人口覆盖率的最小值", _DISTRICT),
    Indicator("worst_group", "least covered key group", "覆盖率最低重点群体", SHARE,
              "the least coverage of a key group", "各重点群体覆盖率的最小值", _DISTRICT),
    Indicator("walking_saved", "walking time saved by the proposed sites", "建议站点节省步行时间", MINUTES,
              "Σ people × minutes saved to the nearest station ÷ residents covered before and after, one way",
              "Σ 人数×到最近站点节省的分钟数 ÷ 前后均覆盖的人口（单程）", _PLACES),
    Indicator("served", "residents within reach of the station", "服务范围内人口", PEOPLE,
              "residents within the cutoff of it; stations overlap", "时限内可达本站的人口（各站有重叠）", _STATION),
    Indicator("load", "served population: residents whose nearest station it is", "就近服务人口", PEOPLE,
              "residents whose nearest station it is; adds up to the residents covered",
              "以本站为最近站点的人口，各站之和为覆盖人口", _STATION),
    Indicator("marginal", "marginal contribution", "边际贡献", PEOPLE,
              "residents who would have no station in reach if it closed", "撤站后无站点可达的人口", _STATION),
    Indicator("shared", "overlap of the station", "站点重叠率", SHARE,
              "residents within reach of it who reach another ÷ residents within reach of it",
              "同时可达他站的人口 ÷ 服务范围内人口", _STATION),
    Indicator("station_median_walk", "median walk to the station", "到站步行时间中位数", MINUTES,
              "of all residents within the cutoff of it", "时限内可达本站者的步行时间中位数", _STATION),
)  # fmt: skip

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


def definitions_table() -> str:
    """The definitions as a table in Markdown, as it stands in the README."""
    lines = ["| indicator | 中文 | unit | formula | 公式 | by |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{d.name}`: {d.en} | {d.zh} | {d.unit} | {d.formula_en} | {d.formula_zh} | {', '.join(d.by)} |" for d in DEFINITIONS
    ]
    return "\n".join(lines) + "\n"
