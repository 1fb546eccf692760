"""The province at a glance: every town by its coverage, every station, a row for each district; one page without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.score import RESIDENTS
from planner.style import GROUND, PALETTE_SOURCE, SHARES

WIDE, HIGH = 1000.0, 720.0  # of the map, in its own units
FINEST = 0.4  # of these units: what a screen cannot show
UNKNOWN = "#ffffff"

STYLE = f"""
body{{margin:0 auto;max-width:70rem;padding:1rem;font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;
color:#1f2933;background:{GROUND["paper"]}}}
svg{{width:100%;height:auto;background:#fff;border:1px solid #c5ccd3}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;background:#fff}}
th,td{{padding:.3rem .6rem;border-bottom:1px solid #d8dde2;text-align:right}}
th:first-child,td:first-child{{text-align:left;min-width:9rem}}
td:not(:first-child),a{{white-space:nowrap}}
ul.legend{{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0}}
.swatch{{display:inline-block;width:1rem;height:1rem;border:1px solid #6b7280;vertical-align:-.15rem;margin-right:.4rem}}
a{{color:#0b5394}}
"""

HEADS = (
    "区县 District", "常住人口 Residents", "已覆盖 Covered", "覆盖率 Coverage", "站点 Stations", "建议新增 Proposed",
    "时限 Minutes", "km/h", "截至 As of",
)  # fmt: skip


NOTE = {
    "zh": "各区县数字按人数相加，覆盖率由总人数重新计算，不取平均。速度与时限是假设，见各行。",
    "en": "Districts are added up by people, shares divided again from the sums. Pace and minutes are assumptions, as said.",
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
    title = f"{share:.1%}的常住人口可在时限内到达就业服务站点"
    stations = int(districts["stations"].sum())
    people, named = f"{everyone['total']:,.0f} residents", f"{len(districts)} districts"
    lead = f"{share:.1%} of {people} of {named} can reach one of {stations} stations in time."
    lost = f"<p><strong>未计入 Not included: {escape(', '.join(missing))}</strong></p>" if missing else ""
    return (
        '<!doctype html>\n<html lang="zh">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"<p lang='en'>{lead}</p>\n{lost}"
        f"{_map(tables)}\n{_legend()}\n<div class='scroll'>{_table(districts, folders)}</div>\n"
        f"<p>{NOTE['zh']}</p>\n<p lang='en'>{NOTE['en']}</p>\n<p>© OpenStreetMap contributors, ODbL. "
        f"{PALETTE_SOURCE['zh']} {PALETTE_SOURCE['en']}</p>\n"
        "</main>\n</body>\n</html>\n"
    )


def _map(tables: Mapping[str, pd.DataFrame]) -> str:
    """Towns filled by their share of residents covered, stations as dots; names on hovering."""
    towns = gpd.GeoDataFrame(tables["towns"])
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
    dots = []
    if "stations" in tables:
        stations = gpd.GeoDataFrame(tables["stations"])
        places = onto(shapely.get_coordinates(stations.geometry.to_crs(crs).to_numpy()))
        dots = [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(str(name))}</title></circle>'
            for (x, y), name in zip(places, stations["name"], strict=True)
        ]
    size = f"{(east - west) * scale:.0f} {(north - south) * scale:.0f}"
    return (
        f'<svg viewBox="0 0 {size}" role="img" aria-label="各街镇覆盖率 Coverage by town">'
        f'<g stroke="{GROUND["border"]}" stroke-width="0.8" fill-rule="evenodd">{"".join(parts)}</g>'
        f'<g fill="#111" stroke="#fff" stroke-width="1">{"".join(dots)}</g></svg>'
    )


def _path(shape: shapely.Geometry) -> str:
    rings = [ring for part in getattr(shape, "geoms", [shape]) for ring in (part.exterior, *part.interiors)]
    return "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings)


def _colour(share: float) -> str:
    return UNKNOWN if np.isnan(share) else SHARES.colours[int(SHARES.place([share])[0])]


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.1%}"


def _both(said: Mapping[str, str]) -> str:
    """Both languages, once where they are the same."""
    return " · ".join(dict.fromkeys((said["zh"], said["en"])))


def _legend() -> str:
    lines = [
        f'<li><span class="swatch" style="background:{entry.colour}"></span>{_both(entry.label)}</li>'
        for entry in SHARES.legend(percent=True)
    ]
    return f'<ul class="legend" aria-label="图例 Legend"><li>覆盖率 Coverage</li>{"".join(lines)}<li>● 站点 Station</li></ul>'


def _table(districts: pd.DataFrame, folders: Mapping[str, str]) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in HEADS)
    rows = []
    for name, row in districts.iterrows():
        at = quote(folders[str(name)])
        pages = f'<a href="{at}/index.html">地图 map</a> <a href="{at}/internal.html">规划 planning</a>'
        amounts = [f"{row[key]:,.0f}" for key in ("population", "covered_pop", "stations", "sites")]
        cells = [
            f"{escape(str(row['study']))} {pages}", *amounts[:2], _percent(row["coverage"]), *amounts[2:],
            f"{row['cutoff_minutes']:g}", f"{row['pace_mps'] * 3.6:.1f}", escape(str(row["as_of"])),
        ]  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
