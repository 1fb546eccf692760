"""A folium map of a run for a notebook: layers as plain GeoJSON and circles, to which an analyst adds more."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner import style
from planner.errors import StudyError
from planner.publish.atlas.page import Assets, leaflet
from planner.publish.atlas.shapes import lat_lon

TOLERANCE_M = 3.0
_LITERAL = {ord(letter): f"&#{ord(letter)};" for letter in "`$\\{}\u2028\u2029"}  # folium writes tooltips as code


def draw_layers(tables: Mapping[str, pd.DataFrame], language: str = "zh", assets: Assets = "bundled") -> folium.Map:
    """Towns by share covered, outlines by band, stations and proposed sites, each a layer of its own with a switch.

    Parameters
    ----------
    tables
        Those of a run by name, small counts suppressed: ``towns``, ``isochrones``, ``stations`` and, where there is a plan,
        ``sites``.
    language
        Of the layers' names.
    assets
        ``bundled`` puts Leaflet into the map, which then needs no network; folium's popups need jQuery and its icons need
        Font Awesome, which ``cdn`` loads as folium does.

    Returns
    -------
    A `folium.Map` without tiles. The same tables give the same map; every name in it stays text.
    """
    if assets not in ("bundled", "cdn"):
        raise StudyError(f"assets = {assets!r} is not known; use one of bundled, cdn")
    towns = gpd.GeoDataFrame(tables["towns"])
    west, south, east, north = (float(side) for side in shapely.total_bounds(_degrees(towns.geometry, towns.crs)))
    chart = folium.Map(location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_snap=0.25)
    if assets == "bundled":
        script, look, _ = leaflet()
        chart.default_js = [("leaflet", _inline("text/javascript", script + _marks()))]
        chart.default_css = [("leaflet_css", _inline("text/css", look))]
    for layer in (_towns(towns, language), _outlines(tables, language), _stations(tables, language), _sites(tables, language)):
        if layer is not None:
            layer.add_to(chart)
    folium.LayerControl(collapsed=False).add_to(chart)
    chart.get_root().html.add_child(folium.Element(_legend(tables, language)), name="legend")
    chart.fit_bounds([[south, west], [north, east]])
    for number, element in enumerate(_elements(chart)):
        element._id = f"{number:032x}"
    return chart


def _legend(tables: Mapping[str, pd.DataFrame], language: str) -> str:
    """What the colours mean: shares by town, the bands of outlines, stations and, where there are any, proposed sites."""
    outlines = tables["isochrones"]
    minutes = sorted(outlines.index.get_level_values("minutes").unique()) if len(outlines) else []
    rows = [(entry.colour, entry.label[language]) for entry in style.SHARES.legend(percent=True)]
    bands = zip(style.band_colours(len(minutes)), minutes, strict=True) if minutes else ()
    rows += [(colour, style.band_said(band)[language]) for colour, band in bands]
    rows.append((style.CATEGORICAL[0], {"zh": "就业服务站点", "en": "station"}[language]))
    if "sites" in tables and len(tables["sites"]):
        rows.append((style.PROPOSED_COLOUR, {"zh": "建议新增站点", "en": "proposed site"}[language]))
    swatch = (
        '<span style="display:inline-block;width:14px;height:14px;margin-right:6px;vertical-align:-2px;background:{}"></span>'
    )
    lines = "".join(f"<div>{swatch.format(colour)}{escape(said)}</div>" for colour, said in rows)
    title = {"zh": "人口覆盖率", "en": "share of residents covered"}[language]
    look = "position:fixed;left:12px;bottom:12px;z-index:1000;padding:8px 12px;background:#fff;font:13px/1.6 sans-serif"
    return f'<div class="planner-legend" style="{look}"><b>{title}</b>{lines}</div>'


def _towns(towns: gpd.GeoDataFrame, language: str) -> folium.FeatureGroup:
    group = folium.FeatureGroup(name={"zh": "各街镇人口覆盖率", "en": "Share covered by town"}[language])
    shapes = shapely.simplify(towns.geometry.to_numpy(), TOLERANCE_M)
    plain = _degrees(shapes, towns.crs)
    shares = towns["coverage"].to_numpy(dtype=float, na_value=float("nan"))
    for name, shape, share in zip(towns.index, plain, shares, strict=True):
        known = share == share
        colour = style.SHARES.colours[int(style.SHARES.place([share])[0])] if known else style.BEYOND_COLOUR
        look = {"color": style.GROUND["border"], "weight": 1, "fillColor": colour, "fillOpacity": 0.55 if known else 0.2}
        said = f"{name}  {style.shown_share(share)}" if known else str(name)
        _shape(shape, look).add_child(_tip(said)).add_to(group)
    return group


def _outlines(tables: Mapping[str, pd.DataFrame], language: str) -> folium.FeatureGroup | None:
    outlines = gpd.GeoDataFrame(tables["isochrones"])
    if not len(outlines):
        return None
    group = folium.FeatureGroup(name={"zh": "等时圈", "en": "Outlines"}[language])
    minutes = sorted(outlines.index.get_level_values("minutes").unique())
    for band, colour in reversed(list(zip(minutes, style.band_colours(len(minutes)), strict=True))):
        union = shapely.simplify(outlines.xs(band, level="minutes").geometry.union_all(), TOLERANCE_M)
        (plain,) = _degrees([union], outlines.crs)
        look = {"color": colour, "weight": 1, "fillColor": colour, "fillOpacity": 0.3}
        _shape(plain, look).add_child(_tip(style.band_said(band)[language])).add_to(group)
    return group


def _stations(tables: Mapping[str, pd.DataFrame], language: str) -> folium.FeatureGroup:
    group = folium.FeatureGroup(name={"zh": "就业服务站点", "en": "Stations"}[language])
    stations = gpd.GeoDataFrame(tables["stations"])
    for (lat, lon), name in zip(_places(stations), stations["name"], strict=True):
        _dot(lat, lon, 6, style.CATEGORICAL[0], str(name)).add_to(group)
    return group


def _sites(tables: Mapping[str, pd.DataFrame], language: str) -> folium.FeatureGroup | None:
    if "sites" not in tables or not len(tables["sites"]):
        return None
    group = folium.FeatureGroup(name={"zh": "建议新增站点", "en": "Proposed sites"}[language])
    sites = gpd.GeoDataFrame(tables["sites"])
    rows = zip(_places(sites), sites["order"], sites["name"], sites["gain_pop"], strict=True)
    for (lat, lon), order, name, gain in rows:
        more = f"+{style.shown_number(float(gain))}"
        _dot(lat, lon, 8, style.PROPOSED_COLOUR, f"{int(order)}. {name}  {more}").add_to(group)
    return group


def _degrees(shapes: Any, crs: Any) -> Any:
    """Shapes in metres as longitudes and latitudes, in one piece where they lie across 180°."""
    return shapely.transform(np.asarray(shapes, dtype=object), lambda xy: lat_lon(xy, crs)[:, ::-1])


def _shape(shape: Any, look: Mapping[str, Any]) -> folium.GeoJson:
    return folium.GeoJson(shapely.geometry.mapping(shape), style_function=lambda _, own=dict(look): own)


def _dot(lat: float, lon: float, radius: float, colour: str, said: str) -> folium.CircleMarker:
    look = {"color": "#1c2733", "weight": 1, "fill": True, "fill_color": colour, "fill_opacity": 1.0}
    return folium.CircleMarker([lat, lon], radius=radius, tooltip=_tip(said), **look)


def _tip(said: str) -> folium.Tooltip:
    return folium.Tooltip(escape(said).translate(_LITERAL))


def _places(points: gpd.GeoDataFrame) -> list[list[float]]:
    found: list[list[float]] = lat_lon(shapely.get_coordinates(points.geometry.to_numpy()), points.crs).round(6).tolist()
    return found


def _inline(kind: str, text: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode('utf-8')).decode('ascii')}"


def _marks() -> str:
    """Leaflet's own marker out of the page, for markers that an analyst adds."""
    folder = files("js_lib_leaflet") / "static" / "js_lib_leaflet" / "images"
    icon, shadow = (_picture((folder / name).read_bytes()) for name in ("marker-icon.png", "marker-shadow.png"))
    merged = f"{{iconUrl:'{icon}',iconRetinaUrl:'{icon}',shadowUrl:'{shadow}'}}"
    return f"\nL.Icon.Default.imagePath='';L.Icon.Default.mergeOptions({merged});"


def _picture(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def _elements(element: Any) -> Iterator[Any]:
    yield element
    for child in element._children.values():
        yield from _elements(child)
