"""The words of the two pages, in both languages; ``{name}`` is filled in on the page."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from planner.study import Walk
from planner.style import Said, all_moved

# key: (zh, en)
WORDS = MappingProxyType(
    {
        # both pages
        "language": ("语言", "Language"),
        "print": ("打印", "Print"),
        "close": ("关闭", "Close"),
        "zoom_in": ("放大", "Zoom in"),
        "zoom_out": ("缩小", "Zoom out"),
        "map_label": ("地图，可用方向键移动、用加减键缩放", "Map; arrow keys move it, plus and minus zoom"),
        "map_room": ("地图", "Map"),
        "legend": ("图例与图层", "Legend and layers"),
        "about": ("说明与数据来源", "About this map"),
        "metres": ("{n}米", "{n} m"),
        "kilometres": ("{n}公里", "{n} km"),
        "fact": ("{key}：{value}", "{key}: {value}"),
        "date": ("数据截至", "As of"),
        "publisher": ("发布单位", "Published by"),
        "approval_name": ("审图号", "Map approval number"),
        "published_by": ("发布：{n}", "Published by {n}"),
        "approval": ("审图号：{n}", "Map approval no. {n}"),
        "how_measured": (
            "步行时间沿可通行道路逐段量算，含住处到道路、道路到站点的距离；未计红绿灯等候和坡度。",
            "Times follow walkable streets, from door to door; waiting at crossings and slopes are not counted.",
        ),
        "streets_thinned": (
            "为控制文件大小，底图只绘出{share}的道路里程，短小支路从略；步行时间按全部道路量算。",
            "To keep the file small the background shows {share} of street length; times are measured on all of it.",
        ),
        "made_with": ("地图组件：Leaflet 1.9.4（BSD 2-Clause）", "Map component: Leaflet 1.9.4 (BSD 2-Clause)"),
        "stations": ("就业服务站点", "Stations"),
        "borders": ("街镇边界", "Town boundaries"),
        "streets": ("道路", "Streets"),
        "nature": ("水系与绿地", "Water and green"),
        "tiles": ("在线底图", "Online base map"),
        "address": ("地址", "Address"),
        "town": ("所属街镇", "Town"),
        "hours": ("服务时间", "Hours"),
        "phone": ("联系电话", "Phone"),
        "host": ("依托场所", "Located in"),
        "services_n": ("服务事项（{n}项）", "Services ({n})"),
        "services": ("服务事项", "Services"),
        "kind": ("站点类型", "Kind"),
        "tier": ("站点层级", "Tier"),
        "unnamed": ("其他", "Other"),
        # station map
        "skip": ("跳到站点查询", "Skip to station search"),
        "find": ("查找站点", "Find a station"),
        "search": ("搜索站点名称或地址", "Search stations by name or address"),
        "search_hint": ("站点名称、地址或街镇", "Name, address or town"),
        "locate": ("离我最近的站点", "Nearest to me"),
        "centre": ("以地图中心查询", "Use the map's centre"),
        "tap_hint": (
            "也可点击地图任意位置，查看从该处步行可达的站点。",
            "Or tap anywhere on the map to see which stations are within a walk.",
        ),
        "locating": ("正在定位……", "Finding your position…"),
        "no_position": (
            "未能取得您的位置。请点击地图上您所在的地方，或移动地图后选择“以地图中心查询”。",
            "Your position is not available. Tap the map where you are, or move the map and choose “Use the map's centre”.",
        ),
        "within_walk": ("步行{minutes}分钟以内", "Within {minutes} minutes' walk"),
        "farther_walk": ("步行超过{minutes}分钟", "Farther than {minutes} minutes' walk"),
        "none_within": ("该处步行{minutes}分钟内没有站点。", "No station within {minutes} minutes' walk of here."),
        "none_chosen": (
            "筛选出的站点都不在该处步行最近的{n}个站点之中。",
            "None of the stations you chose is among the {n} nearest on foot from here.",
        ),
        "none_chosen_within": (
            "筛选出的站点都不在该处步行{minutes}分钟以内。",
            "None of the stations you chose is within {minutes} minutes' walk of here.",
        ),
        "no_way": (
            "该处步行{minutes}分钟内没有站点，或附近没有可步行的道路。",
            "No station within {minutes} minutes' walk of here, or no walkable street near.",
        ),
        "about_min": ("约{n}分钟", "about {n} min"),
        "nearest_straight": ("直线距离最近的站点：", "Nearest in a straight line:"),
        "field_note": (
            "步行时间由{side}米间隔的测点内插得出：半数地点与逐点测算相差不超过{half}秒，95%的地点不超过{most}秒。",
            "Times are interpolated from points {side} m apart: at most {half} s off at half of all places, {most} s at 95%.",
        ),
        "filter": ("筛选站点", "Choose by what you need"),
        "filter_service": ("服务事项", "Service"),
        "filter_function": ("服务功能", "Function"),
        "filter_kind": ("站点类型", "Kind"),
        "filter_tier": ("站点层级", "Tier"),
        "filter_town": ("所属街镇", "Town"),
        "filter_any": ("不限", "Any"),
        "filter_clear": ("清除筛选", "Clear"),
        "share_link": ("复制本站链接", "Copy link"),
        "share_done": ("链接已复制", "Link copied"),
        "share_text": ("本站链接", "Link to this station"),
        "show_map": ("在地图上查看", "Show on the map"),
        "found": ("查到{n}个站点", "Stations found: {n}"),
        "all_stations": ("全部站点（{n}个）", "All stations ({n})"),
        # planning map
        "skip_figures": ("跳到指标与表格", "Skip to figures and tables"),
        "headline": ("主要指标", "Headline figures"),
        "layers": ("图层", "Layers"),
        "surface": ("人口与覆盖", "Residents and coverage"),
        "surface_gap": ("未覆盖人口（人/{per}）", "Residents not covered (per {per})"),
        "surface_people": ("常住人口（人/{per}）", "Residents (per {per})"),
        "surface_need": ("加权需求（每{per}）", "Weighted need (per {per})"),
        "surface_walk": ("到最近站点的步行时间", "Walk to the nearest station"),
        "surface_overlap": ("可达站点数（重叠服务）", "Stations in reach (overlap)"),
        "surface_towns": ("各街镇人口覆盖率", "Share of residents covered, by town"),
        "surface_none": ("不显示", "None"),
        "per_point": ("需求点", "demand point"),
        "per_square": ("{n}米网格", "{n} m square"),
        "beyond": ("超过{minutes}分钟", "beyond {minutes} minutes"),
        "overlap_0": ("无", "none"),
        "overlap_1": ("1个", "1"),
        "overlap_2": ("2个", "2"),
        "overlap_3": ("3个及以上", "3 or more"),
        "sites": ("建议新增站点（数字为建设次序）", "Proposed sites, numbered in order"),
        "site_areas": ("建议站点的服务范围", "Outlines of proposed sites"),
        "loads": ("站点负荷（圆面积：就近服务人口，最大{n}人）", "Load of stations (area: residents nearest to it, most {n})"),
        "compare": ("前后对比（左：现状未覆盖，右：建成后）", "Compare: not covered today (left), after (right)"),
        "swipe_range": ("对比分界线位置（百分比）", "Where the line between before and after stands, in per cent"),
        "swipe_before": ("现状", "Today"),
        "swipe_after": ("{phase}建成后：{share}", "After {phase}: {share}"),
        "phase": ("建设阶段", "Phase"),
        "phase_n": ("第{n}阶段", "phase {n}"),
        "model": ("选址模型：{n}", "Siting model: {n}"),
        "phase_said": (
            "新增站点{n}个，新增覆盖{gain}人，累计覆盖率{share}",
            "new sites: {n}; {gain} more residents; {share} covered then",
        ),
        "not_covered_after": ("方案实施后仍未覆盖", "not covered after the plan"),
        "candidates": ("其余备选场所", "Other host premises"),
        "candidate": ("备选场所", "Host premises"),
        "proposed": ("建议新增站点", "Proposed site"),
        "site_n": ("建议新增站点{n}：{name}", "Proposed site {n}: {name}"),
        "ask_centre": ("查看地图中心处的数据", "Figures at the map's centre"),
        "residents": ("常住人口", "Residents"),
        "not_covered": ("其中未覆盖", "of them not covered"),
        "need": ("加权需求", "Weighted need"),
        "walk_nearest": ("到最近站点步行", "Walk to the nearest station"),
        "in_reach": ("可达站点数", "Stations in reach"),
        "min": ("{n}分钟", "{n} min"),
        "town_share": ("本街镇人口覆盖率", "Covered in this town"),
        "square_here": ("所选网格", "This square"),
        "point_here": ("所选需求点", "This demand point"),
        "withheld": ("不公开", "withheld"),
        "withheld_why": (
            "“不公开”：不足{n}人，或可据以推算出不足{n}人的数字。",
            "Withheld: fewer than {n} people, or a number from which so few could be worked out.",
        ),
        "yes": ("是", "yes"),
        "no": ("否", "no"),
        "nothing": ("暂无数据", "Nothing to show"),
        "sites_table": ("建议新增站点", "Proposed sites"),
        "towns_table": ("各街镇覆盖情况", "Towns"),
        "groups_table": ("重点群体覆盖情况", "Residents and key groups"),
        "workplaces_table": ("用人单位与岗位覆盖情况", "Employers and jobs"),
        "stations_table": ("现有站点服务情况", "Existing stations"),
        "frontier": ("站点数与覆盖率", "Coverage by number of stations"),
        "frontier_x": ("站点总数", "stations in all"),
        "frontier_note": (
            "实线：在备选场所中逐个优选新增站点时的人口覆盖率；虚线：可能达到的上限。",
            "Solid: share of residents covered as the best host premises are added; dashed: the most that is possible.",
        ),
        "frontier_said": (
            "站点{a}个时覆盖率{s}，增至{b}个时为{t}。",
            "{a} stations cover {s} of residents, {b} cover {t}.",
        ),
        "today": ("现状", "today"),
        "plan": ("本方案", "this plan"),
        "people": ("人", "residents"),
        "of_people": ("常住人口{n}人", "of {n} residents"),
        "with_sites": ("新增{n}个站点，多覆盖{gain}人", "with {n} new sites, {gain} more residents"),
        "head_share": ("现状人口覆盖率", "Covered today"),
        "head_gap": ("未覆盖人口", "Not covered"),
        "head_stations": ("现有站点", "Stations"),
        "head_after": ("方案实施后覆盖率", "Covered with the plan"),
    }
)

_KEYS = list(WORDS)
_STATION_ONLY = frozenset(_KEYS[_KEYS.index("skip") : _KEYS.index("skip_figures")]) - {
    "hours",
    "phone",
    "services",
    "services_n",
}
_PLANNING_ONLY = frozenset(_KEYS[_KEYS.index("skip_figures") :])
STATION_MAP = frozenset(WORDS) - _PLANNING_ONLY
PLANNING_MAP = frozenset(WORDS) - _STATION_ONLY


def words_for(keys: Iterable[str], walk: Walk) -> dict[str, Said]:
    """The words a page uses, as its script reads them: key, then language; as they read for this way of walking or riding."""
    return {key: all_moved({"zh": WORDS[key][0], "en": WORDS[key][1]}, walk) for key in sorted(keys)}
