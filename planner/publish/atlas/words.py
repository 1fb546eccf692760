"""The words of the two pages, in both languages; ``{name}`` is filled in on the page."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

# key: (zh, en)
WORDS = MappingProxyType(
    {
        # both pages
        "language": ("语言", "Language"),
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
        "services": ("服务事项", "Services"),
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
        "none_within": ("该处步行{minutes}分钟内没有站点。", "No station within {minutes} minutes' walk of here."),
        "nearest_straight": ("直线距离最近的站点：", "Nearest in a straight line:"),
        "straight_note": ("所示距离为直线距离。", "Distances shown are straight lines."),
        "found": ("查到{n}个站点", "Stations found: {n}"),
        "all_stations": ("全部站点（{n}个）", "All stations ({n})"),
    }
)

_STATION_ONLY = (
    "hours", "phone", "services", "find", "search", "search_hint", "locate", "centre", "tap_hint", "locating", "no_position",
    "none_within", "nearest_straight", "straight_note", "found", "all_stations",
)  # fmt: skip
_PLANNING_ONLY: tuple[str, ...] = ()
STATION_MAP = WORDS.keys() - set(_PLANNING_ONLY)
PLANNING_MAP = WORDS.keys() - set(_STATION_ONLY)


def words_for(keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """The words a page uses, as its script reads them: key, then language."""
    return {key: {"zh": WORDS[key][0], "en": WORDS[key][1]} for key in sorted(keys)}
