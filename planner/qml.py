"""How the layers of ``study.gpkg`` look in QGIS: a style each with colours of the maps, and what each field is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from xml.sax.saxutils import quoteattr

from planner import schema
from planner.style import (
    AREA_KINDS,
    AREA_LINES,
    CATEGORICAL,
    FACILITY_COLOURS,
    OVERLAP_COLOURS,
    PROPOSED_COLOUR,
    SHARE_BREAKS,
    SHARE_COLOURS,
    band_colours,
)

NAMES = {
    "stations": "就业服务站点 Stations",
    "towns": "街镇 Towns",
    "demand": "需求点 Demand points",
    "isochrones": "等时圈 Outlines",
    "sites": "建议新增站点 Proposed sites",
    "groups": "重点群体 Key groups",
    "frontier": "覆盖曲线 Frontier",
    "standards": "规范化建设 Standards",
    "areas": "优先区域 Areas of priority",
    "communities": "居村覆盖 Communities",
    "needed": "所需站点数 Stations needed",
    "tiers": "层级体系 Tiers",
    "functions": "服务功能可达 Functions",
    "targets": "目标进度 Targets",
    "figures": "工作数据 Recorded figures",
    "lift": "示范站点提升建议 Stations to lift",
    "rollout": "分阶段推进 Roll-out by phase",
    "indicators": "指标 Indicators",
    "life_services": "生活圈业态 Living circle services",
    "life_circle": "生活圈 Living circle",
    "life_places": "站点载体周边业态 Among services",
    "life_cells": "需求点生活圈 Living circle by demand point",
    "life_facilities": "生活圈设施 Living circle facilities",
    "composite": "综合得分 Composite score",
    "composite_moves": "综合得分权重敏感性 Composite score as weights move",
    "reasons": "选址理由 Reasons",
    "alternatives": "替代点 Alternatives",
    "plans": "备选方案 Other plans",
    "moves": "现有站点迁址分析 Moves of stations",
    "robust": "稳健性 Robustness",
}
_NEAR = 15_000  # the scale from which on hundreds of facilities have room for their names
_CLASSES = {"basic": "基本保障类 basic", "quality": "品质提升类 quality"}  # of facilities, in the order of their colours
_SCHEMAS = {
    "stations": schema.SCORES,
    "towns": schema.TOWN_SCORES,
    "demand": schema.COVERAGE,
    "isochrones": schema.ISOCHRONES,
    "sites": schema.SITES,
    "groups": schema.GROUP_SCORES,
    "frontier": schema.FRONTIER,
    "standards": schema.STANDARDS,
    "areas": schema.AREA_SCORES,
    "communities": schema.COMMUNITIES,
    "needed": schema.NEEDED,
    "tiers": schema.TIERS,
    "functions": schema.FUNCTIONS,
    "targets": schema.TRACK,
    "figures": schema.FIGURES,
    "lift": schema.LIFT,
    "rollout": schema.ROLLOUT,
    "indicators": schema.INDICATORS,
    "life_services": schema.LIFE_SERVICES,
    "life_circle": schema.LIFE_CIRCLE,
    "life_places": schema.LIFE_PLACES,
    "life_cells": schema.LIFE_CELLS,
    "life_facilities": schema.LIFE_FACILITIES,
    "composite": schema.COMPOSITE,
    "composite_moves": schema.COMPOSITE_MOVES,
    "reasons": schema.REASONS,
    "alternatives": schema.ALTERNATIVES,
    "plans": schema.NEAR_PLANS,
    "moves": schema.MOVES,
    "robust": schema.ROBUST,
}


def layer_style(name: str, fields: Sequence[str], minutes: Iterable[float] = ()) -> str:
    """The QML of a layer: its renderer where the layer has shapes that we know, and an alias for every field of its schema.

    Parameters
    ----------
    name
        The layer; of `NAMES`, others have aliases only where their schema is known.
    fields
        Its columns in order.
    minutes
        Of outlines: the bands there are, rising.
    """
    parts = [_renderer(name, sorted(minutes)), _labels(name), _aliases(name, fields)]
    kinds = "Symbology|Labeling|Fields|Forms"
    body = "\n".join(part for part in parts if part)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
    return f'{head}\n<qgis version="3.22" styleCategories="{kinds}">\n{body}\n</qgis>\n'


def aliases(name: str, fields: Sequence[str]) -> dict[str, str]:
    """What each field is called in both languages; fields that no schema knows keep their names."""
    known = _SCHEMAS.get(name)
    if known is None:
        return {}
    found = {field: known.get(field) for field in fields}
    named = {}
    for field, column in found.items():
        if column is not None:
            own = f": {field.removeprefix(column.prefix)}" if column.is_family else ""
            named[field] = f"{column.label('zh')} {column.label('en')}{own}"
    return named


def _aliases(name: str, fields: Sequence[str]) -> str:
    lines = [
        f'    <alias index="{fields.index(field) + 1}" field={quoteattr(field)} name={quoteattr(called)}/>'
        for field, called in aliases(name, fields).items()
    ]
    return "  <aliases>\n" + "\n".join(lines) + "\n  </aliases>" if lines else ""


def _renderer(name: str, minutes: Sequence[float]) -> str:
    if name == "stations":
        return _single(_marker("circle", CATEGORICAL[0], "3.4", "#ffffff"))
    if name == "sites":
        return _single(_marker("pentagon", PROPOSED_COLOUR, "5.2", "#1c2733"))
    if name in ("towns", "communities"):
        return _shares("coverage", [_fill(colour, 200) for colour in SHARE_COLOURS])
    if name == "life_cells":
        return _shares("completeness", [_marker("square", colour, "1.2", None) for colour in SHARE_COLOURS])
    if name == "demand":
        marks = [_marker("square", colour, "1.2", None) for colour in OVERLAP_COLOURS]
        return _graduated("stations_in_reach", [-0.5, 0.5, 1.5, 2.5, 1e6], marks, ["0", "1", "2", "3+"])
    if name == "isochrones" and minutes:
        fills = [_fill(colour, 110) for colour in band_colours(len(minutes))]
        shown = [f"{one:g}" for one in minutes]
        return _categorized("minutes", "double", shown, fills, [f"{one} min" for one in shown])
    if name == "life_facilities":
        marks = [_marker("square", colour, "2", "#ffffff") for colour in FACILITY_COLOURS.values()]
        return _categorized("service_class", "string", list(FACILITY_COLOURS), marks, list(_CLASSES.values()))
    if name == "areas":
        lines = [_edge(colour) for colour, _ in AREA_LINES.values()]
        return _categorized(
            "kind", "string", list(AREA_LINES), lines, [f"{AREA_KINDS[k]['zh']} {AREA_KINDS[k]['en']}" for k in AREA_LINES]
        )
    return ""


def _labels(name: str) -> str:
    field = {"sites": "order", "stations": "name", "towns": "town", "areas": "label", "life_facilities": "zh"}.get(name)
    if field is None:
        return ""
    buffer = '<text-buffer bufferDraw="1" bufferSize="0.8"/>'
    look = 'fontFamily="Sans" fontSize="8" textColor="28,39,51,255"'
    style = f"<text-style fieldName={quoteattr(field)} {look}>{buffer}</text-style>"
    place = '<placement placement="0" dist="1"/>' if name not in ("towns", "areas") else '<placement placement="1"/>'
    near = f' scaleVisibility="1" scaleMin="{_NEAR}" scaleMax="0"' if name == "life_facilities" else ""
    covers = f'<rendering obstacle="0"{near}/>'  # else the names of what lies within a polygon are left out
    return f'  <labeling type="simple">\n    <settings>{style}{place}{covers}</settings>\n  </labeling>'


def _shares(field: str, symbols: Sequence[str]) -> str:
    breaks = [0.0, *SHARE_BREAKS, 1.0]
    return _graduated(field, breaks, symbols, [f"{low:.0%}–{high:.0%}" for low, high in pairwise(breaks)])


def _single(symbol: str) -> str:
    return f'  <renderer-v2 type="singleSymbol">\n    <symbols>{_named(symbol, 0)}</symbols>\n  </renderer-v2>'


def _graduated(field: str, breaks: Sequence[float], symbols: Sequence[str], shown: Sequence[str]) -> str:
    ranges = "".join(
        f'<range symbol="{i}" lower="{low:g}" upper="{high:g}" label={quoteattr(shown[i])} render="true"/>'
        for i, (low, high) in enumerate(pairwise(breaks))
    )
    drawn = "".join(_named(symbol, i) for i, symbol in enumerate(symbols))
    return (
        f'  <renderer-v2 type="graduatedSymbol" attr="{field}" graduatedMethod="GraduatedColor">\n'
        f"    <ranges>{ranges}</ranges>\n    <symbols>{drawn}</symbols>\n  </renderer-v2>"
    )


def _categorized(field: str, kind: str, values: Sequence[str], symbols: Sequence[str], shown: Sequence[str]) -> str:
    listed = "".join(
        f'<category symbol="{i}" value="{value}" type="{kind}" label={quoteattr(label)} render="true"/>'
        for i, (value, label) in enumerate(zip(values, shown, strict=True))
    )
    drawn = "".join(_named(symbol, i) for i, symbol in enumerate(symbols))
    return (
        f'  <renderer-v2 type="categorizedSymbol" attr="{field}">\n'
        f"    <categories>{listed}</categories>\n    <symbols>{drawn}</symbols>\n  </renderer-v2>"
    )


def _named(symbol: str, number: int) -> str:
    return symbol.replace('name="?"', f'name="{number}"', 1)


def _marker(form: str, colour: str, size_mm: str, edge: str | None) -> str:
    edges = [("outline_style", "no")] if edge is None else [("outline_color", _rgba(edge, 255)), ("outline_width", "0.3")]
    return _symbol("marker", "SimpleMarker", [("name", form), ("color", _rgba(colour, 255)), ("size", size_mm), *edges])


def _fill(colour: str, opacity: int) -> str:
    edges = [("outline_color", _rgba("#6b7280", 255)), ("outline_width", "0.26")]
    return _symbol("fill", "SimpleFill", [("color", _rgba(colour, opacity)), ("style", "solid"), *edges])


def _edge(colour: str) -> str:
    edges = [("outline_color", _rgba(colour, 255)), ("outline_width", "0.7")]
    return _symbol("fill", "SimpleFill", [("color", _rgba(colour, 0)), ("style", "no"), *edges])


def _symbol(kind: str, layer: str, options: Sequence[tuple[str, str]]) -> str:
    """A symbol of one layer, its options as both generations of QGIS read them."""
    new = "".join(f'<Option type="QString" name="{key}" value="{value}"/>' for key, value in options)
    old = "".join(f'<prop k="{key}" v="{value}"/>' for key, value in options)
    body = f'<layer class="{layer}" enabled="1" pass="0" locked="0"><Option type="Map">{new}</Option>{old}</layer>'
    return f'<symbol type="{kind}" name="?" alpha="1" clip_to_extent="1">{body}</symbol>'


def _rgba(colour: str, opacity: int) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + f",{opacity}"
