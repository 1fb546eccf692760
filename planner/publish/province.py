"""The province at a glance: every town by its coverage, every station, a row for each district; one page without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.publish.digest import digest_of
from planner.score import RESIDENTS
from planner.style import GROUND, PALETTE_SOURCE, SHARES, Said, shown_share_finely

WIDE, HIGH = 1000.0, 720.0  # of the map, in its own units
FINEST = 0.4  # of these units: what a screen cannot show
UNKNOWN = "#ffffff"
DISTRICT_LINE = "#1c2733"
_NEAR = 1.0  # districts farther apart than their own size are drawn on maps of their own
_SEAM = 0.3  # units by which towns are widened before they are joined, so that no seam is left between them
_SLIVER = 12.0  # square units of a ring that is no border
_MARGIN = 3  # around the map, for its outer line
_MOST_NAMES = 40  # of districts that still find room on the map

STYLE = f"""
*{{box-sizing:border-box}}
body{{margin:0;font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Microsoft YaHei",
"Noto Sans CJK SC",sans-serif;color:#1c2733;background:#fff}}
main{{max-width:72rem;margin:0 auto;padding:0 20px 40px}}
header{{display:flex;gap:8px 24px;align-items:flex-end;justify-content:space-between;padding:14px 0 12px;
margin-bottom:14px;border-bottom:1px solid #d8dce1}}
h1{{margin:0;font-size:23px;line-height:1.3;font-weight:650;overflow-wrap:anywhere}}
.facts,.note{{margin:2px 0 0;color:#4b5866;font-size:14px}}
.unseen{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
.languages{{display:flex;flex:none;border:1px solid #8a95a1;border-radius:6px;overflow:hidden}}
.languages a{{padding:5px 12px;min-height:32px;margin:0;color:inherit;text-decoration:none}}
.languages a:focus-visible{{outline:3px solid #b3500a;outline-offset:-3px}}
#lang\\=en:not(:target)~header .to-zh,#lang\\=en:target~header .to-en{{background:#1c2733;color:#fff}}
#lang\\=en:not(:target)~* .en,#lang\\=en:target~* .zh{{display:none}}
.maps{{display:flex;flex-wrap:wrap;gap:12px}}
.maps figure{{flex:1 1 20rem;margin:0;min-width:0}}
.maps figcaption{{font-size:14px;overflow-wrap:anywhere}}
.map{{display:block;width:100%;max-height:75vh;background:{GROUND["paper"]};border:1px solid #d8dce1}}
.map text{{font-size:17px;font-weight:600;fill:#1c2733;stroke:#fff;stroke-width:4px;paint-order:stroke;text-anchor:middle}}
figure:not(:only-child) circle{{r:8px}}
figure:not(:only-child) text{{font-size:36px;stroke-width:8px}}
.swatch{{flex:none;width:22px;height:14px;border:1px solid rgba(28,39,51,.45)}}
.legend{{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 0 18px;padding:0;font-size:14px}}
.legend li{{display:flex;gap:8px;align-items:center}}
table{{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}}
th{{background:#f4f6f8;font-weight:600;vertical-align:bottom}}
th,td{{padding:6px 9px;border-bottom:1px solid #d8dce1;text-align:right;vertical-align:top}}
th:first-child,td:first-child{{text-align:left;overflow-wrap:anywhere}}
td:first-child{{min-width:12em}}
a{{color:#0b5c8a;display:inline-block;min-height:24px;margin-right:12px;white-space:nowrap}}
.name{{display:block;font-weight:550}}
td .head{{display:none}}
@media (max-width:760px){{
main{{padding:0 14px 32px}}
header{{flex-direction:column-reverse;align-items:stretch}}
.languages{{align-self:flex-end}}
h1{{font-size:19px}}
.map circle{{r:8px}}
.map text{{font-size:30px;stroke-width:7px}}
thead{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}
table,tbody,tr,td{{display:block}}
tr{{display:grid;grid-template-columns:1fr 1fr;gap:2px 18px;padding:10px 0;border-bottom:1px solid #d8dce1}}
td{{display:flex;justify-content:space-between;gap:8px;padding:2px 0;border:0}}
td:first-child{{display:block;grid-column:1/-1}}
td .head{{display:inline;color:#4b5866}}
}}
@media print{{.languages{{display:none}}tr,.map{{break-inside:avoid}}}}
"""

HEADS: Sequence[Said] = (
    {"zh": "区县", "en": "District"}, {"zh": "常住人口", "en": "Residents"}, {"zh": "已覆盖", "en": "Covered"},
    {"zh": "覆盖率", "en": "Coverage"}, {"zh": "站点", "en": "Stations"}, {"zh": "建议新增", "en": "Proposed"},
    {"zh": "时限（分钟）", "en": "Minutes"}, {"zh": "公里/小时", "en": "km/h"}, {"zh": "截至", "en": "As of"},
)  # fmt: skip

NOTE: Said = {
    "zh": "各区县数字按人数相加，覆盖率由总人数重新计算，不取平均。速度与时限是假设，见各行。",
    "en": "Districts are added up by people, shares divided again from the sums. Pace and minutes are assumptions, as said.",
}
LICENCE: Said = {"zh": "© OpenStreetMap 贡献者，ODbL。", "en": "© OpenStreetMap contributors, ODbL."}
LOST: Said = {"zh": "未计入：{}", "en": "Not included: {}"}
MAP: Said = {"zh": "各街镇覆盖率", "en": "Coverage by town"}
DISTRICT: Said = {"zh": "区县边界", "en": "District border"}
STATION: Said = {"zh": "站点", "en": "Station"}
PAGES: Mapping[str, Said] = {
    "index.html": {"zh": "站点地图", "en": "Station map"},
    "internal.html": {"zh": "规划地图", "en": "Planning map"},
}


def draw_province(tables: Mapping[str, pd.DataFrame], folders: Mapping[str, str], missing: Sequence[str]) -> str:
    """Draw the merged tables of districts as one HTML page.

    Parameters
    ----------
    tables
        ``districts``, ``groups``, ``towns`` and ``stations`` as `planner.batch.merge_districts` gives them.
    folders
        Where each district's own pages lie, relative to the page.
    missing
        Districts that are not in the figures, named on the page.

    Returns
    -------
    HTML that asks nobody for anything; every text of a table stays text. The same tables give the same page.
    """
    districts, everyone = tables["districts"], tables["groups"].loc[RESIDENTS]
    share = everyone["covered"] / everyone["total"] if everyone["total"] else 0.0
    title: Said = {
        "zh": f"{shown_share_finely(share)}的常住人口可在时限内到达就业服务站点",
        "en": f"{shown_share_finely(share)} of residents can reach a station in time",
    }
    counts = f"{everyone['total']:,.0f}", len(districts), int(districts["stations"].sum())
    facts: Said = {
        "zh": "常住人口{}人 · 区县{}个 · 站点{}个".format(*counts),
        "en": "{} residents · districts: {} · stations: {}".format(*counts),
    }
    lost = {language: said.format(escape(", ".join(missing))) for language, said in LOST.items()}
    policy = f"default-src 'none'; style-src 'sha256-{digest_of(STYLE)}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{title['zh']} · {title['en']}</title><style>{STYLE}</style></head>\n<body>\n<main>\n"
        '<span class="unseen" id="lang=en"></span>\n'
        f'<header><div><h1>{_said(title)}</h1><p class="facts">{_said(facts)}</p></div>'
        '<div class="languages"><a class="to-zh" href="#lang=zh" lang="zh-CN">中文</a>'
        '<a class="to-en" href="#lang=en" lang="en">English</a></div></header>\n'
        f"{f'<p><strong>{_said(lost)}</strong></p>' if missing else ''}"
        f"{_maps(tables)}\n{_legend(len(districts))}\n{_table(districts, folders)}\n"
        f'<p class="note">{_said(NOTE)}</p>\n<p class="note">{_said(LICENCE)} {_said(PALETTE_SOURCE)}</p>\n'
        "</main>\n</body>\n</html>\n"
    )


def _said(said: Said, kind: str = "") -> str:
    """Both languages, of which the page shows the one that is chosen."""
    return "".join(
        f'<span class="{f"{kind} {language}".strip()}" lang="{code}">{said[language]}</span>'
        for language, code in (("zh", "zh-CN"), ("en", "en"))
    )


def _maps(tables: Mapping[str, pd.DataFrame]) -> str:
    """A map of the districts that lie together, another of those far from them; with more than one each says whose it is."""
    towns = gpd.GeoDataFrame(tables["towns"])
    stations = gpd.GeoDataFrame(tables["stations"]) if "stations" in tables else None
    parts = _lying_together(towns)
    named = {str(name): str(said) for name, said in tables["districts"]["study"].items()}
    figures = []
    for part in parts:
        own = towns[part]
        near = None if stations is None else stations[stations.intersects(_around(own).union_all())]
        whose = [escape(named[str(district)]) for district in dict.fromkeys(own.index.get_level_values(0))]
        caption = (
            f"<figcaption>{_said({'zh': '、'.join(whose), 'en': ', '.join(whose)})}</figcaption>" if len(parts) > 1 else ""
        )
        figures.append(f"<figure>{caption}{_map(own, near, named)}</figure>")
    return f'<div class="maps">{"".join(figures)}</div>'


def _around(towns: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """A box around each district, wider by its own size on every side."""
    bounds = towns.bounds.groupby(level=0, sort=False).agg({"minx": "min", "miny": "min", "maxx": "max", "maxy": "max"})
    size = np.maximum(bounds["maxx"] - bounds["minx"], bounds["maxy"] - bounds["miny"]) * _NEAR
    boxes = shapely.box(bounds["minx"] - size, bounds["miny"] - size, bounds["maxx"] + size, bounds["maxy"] + size)
    return gpd.GeoSeries(boxes, index=bounds.index, crs=towns.crs)


def _lying_together(towns: gpd.GeoDataFrame) -> list[np.ndarray]:
    """Which towns are of districts that lie near each other, in the order of the first district of each such part."""
    boxes = _around(towns)
    parts = shapely.get_parts(shapely.union_all(boxes.to_numpy()))
    of = {district: int(shapely.intersects(parts, box.centroid).argmax()) for district, box in boxes.items()}
    own = towns.index.get_level_values(0).map(of)
    return [np.asarray(own == part) for part in dict.fromkeys(of.values())]


def _map(towns: gpd.GeoDataFrame, stations: gpd.GeoDataFrame | None, named: Mapping[str, str]) -> str:
    """Towns filled by their share of residents covered, districts with border and name, stations as dots; names on hovering."""
    crs = towns.estimate_utm_crs()
    shapes = towns.geometry.to_crs(crs)
    west, south, east, north = shapes.total_bounds
    scale = min(WIDE / max(east - west, 1.0), HIGH / max(north - south, 1.0))

    def onto(xy: np.ndarray) -> np.ndarray:
        return np.column_stack([(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale])

    drawn = shapely.simplify(shapely.transform(shapes.to_numpy(), onto), FINEST)
    said = [
        f"{town} ({district}): {_percent(share)}"
        for district, town, share in towns["coverage"].reset_index().itertuples(index=False)
    ]
    parts = [
        f'<path d="{_path(shape)}" fill="{_colour(share)}"><title>{escape(text)}</title></path>'
        for text, share, shape in zip(said, towns["coverage"], drawn, strict=True)
    ]
    whole, of = shapely.buffer(shapely.make_valid(drawn), _SEAM), towns.index.get_level_values(0)
    borders = {str(district): shapely.union_all(whole[of == district]) for district in dict.fromkeys(of)}
    lines = "".join(f'<polygon points="{_points(ring)}"/>' for shape in borders.values() for ring in _rings(shape))
    names = ""
    if 1 < len(borders) <= _MOST_NAMES:
        middles = [(shapely.point_on_surface(shape), district) for district, shape in borders.items()]
        names = "".join(f'<text x="{at.x:.0f}" y="{at.y:.0f}">{escape(named[name])}</text>' for at, name in middles)
    dots = []
    if stations is not None:
        places = onto(shapely.get_coordinates(stations.geometry.to_crs(crs).to_numpy()))
        dots = [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(str(name))}</title></circle>'
            for (x, y), name in zip(places, stations["name"], strict=True)
        ]
    size = (
        f"{_MARGIN * -1} {_MARGIN * -1} {(east - west) * scale + 2 * _MARGIN:.0f} {(north - south) * scale + 2 * _MARGIN:.0f}"
    )
    return (
        f'<svg class="map" viewBox="{size}" role="img" aria-labelledby="map-name">'
        f'<g stroke="{GROUND["border"]}" stroke-width="0.8" fill-rule="evenodd">{"".join(parts)}</g>'
        f'<g fill="none" stroke="{DISTRICT_LINE}" stroke-width="2.6" stroke-linejoin="round">{lines}</g>'
        f'<g fill="#111" stroke="#fff" stroke-width="1">{"".join(dots)}</g><g>{names}</g></svg>'
    )


def _rings(shape: shapely.Geometry) -> list[shapely.LinearRing]:
    """The rings of polygons, however they are collected; slivers between towns left out."""
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return [ring for part in polygons for ring in (part.exterior, *part.interiors) if shapely.Polygon(ring).area > _SLIVER]


def _points(ring: shapely.LinearRing) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in ring.coords[:-1])


def _path(shape: shapely.Geometry) -> str:
    rings = [ring for part in getattr(shape, "geoms", [shape]) for ring in (part.exterior, *part.interiors)]
    return "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings)


def _colour(share: float) -> str:
    return UNKNOWN if np.isnan(share) else SHARES.colours[int(SHARES.place([share])[0])]


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else shown_share_finely(share)


def _legend(districts: int) -> str:
    lines = [
        f'<li><svg class="swatch" aria-hidden="true"><rect width="22" height="14" fill="{entry.colour}"/></svg>'
        f"{_said(entry.label)}</li>"
        for entry in SHARES.legend(percent=True)
    ]
    if districts > 1:
        line = f'<line x1="0" x2="22" y1="7" y2="7" stroke="{DISTRICT_LINE}" stroke-width="2.6"/>'
        lines.append(f'<li><svg width="22" height="14" aria-hidden="true">{line}</svg>{_said(DISTRICT)}</li>')
    return f'<ul class="legend"><li id="map-name">{_said(MAP)}</li>{"".join(lines)}<li>● {_said(STATION)}</li></ul>'


def _table(districts: pd.DataFrame, folders: Mapping[str, str]) -> str:
    """A row for each district; on a phone each is a card whose cells say what they are."""
    head = "".join(f'<th scope="col" role="columnheader">{_said(said)}</th>' for said in HEADS)
    rows = []
    for name, row in districts.iterrows():
        at = quote(folders[str(name)])
        pages = "".join(
            f'<a class="{language}" lang="{code}" href="{at}/{page}#lang={language}">{said[language]}</a>'
            for page, said in PAGES.items()
            for language, code in (("zh", "zh-CN"), ("en", "en"))
        )
        amounts = [f"{row[key]:,.0f}" for key in ("population", "covered_pop", "stations", "sites")]
        said = [
            *amounts[:2], _percent(row["coverage"]), *amounts[2:],
            f"{row['cutoff_minutes']:g}", f"{row['pace_mps'] * 3.6:.1f}", escape(str(row["as_of"])),
        ]  # fmt: skip
        first = f'<td role="cell"><span class="name">{escape(str(row["study"]))}</span>{pages}</td>'
        cells = [
            f'<td role="cell">{_said(heading, "head")}<span>{text}</span></td>'
            for heading, text in zip(HEADS[1:], said, strict=True)
        ]
        rows.append(f'<tr role="row">{first}{"".join(cells)}</tr>')
    return (
        f'<table role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(rows)}</tbody></table>'
    )
