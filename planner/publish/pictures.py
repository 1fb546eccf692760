"""Maps and charts as still pictures (PNG or SVG) for documents and slides, without a browser."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from planner.errors import PlannerWarning
from planner.network import EdgeFlag, Network
from planner.schema import Isochrones, Stations, Towns
from planner.style import CATEGORICAL, GROUND, PROPOSED_COLOUR, band_colours, band_said

Format = Literal["png", "svg"]

_CJK_FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "Microsoft YaHei", "SimHei", "PingFang SC",
    "Heiti SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans SC",
    "Noto Serif CJK SC", "SimSun", "AR PL UMing CN",
)  # fmt: skip
_DPI = 160
_PAD_SHARE = 0.02


@dataclass(frozen=True)
class Picture:
    """A drawn picture: the file's name without ending, its caption in the document's language, and its bytes."""

    name: str
    caption: str
    content: bytes


def chinese_font() -> str | None:
    """A font on this machine that has Chinese letters, or None.

    Where there is none, a `PlannerWarning` says which package brings one, and pictures are labelled in English: never in
    empty boxes.
    """
    known = {font.name for font in font_manager.fontManager.ttflist}
    found = next((name for name in _CJK_FONTS if name in known), None)
    if found is None:
        warnings.warn(
            "no font with Chinese letters was found, so the pictures are labelled in English; install one, "
            "for instance the package fonts-noto-cjk, and run again",
            PlannerWarning,
            stacklevel=2,
        )
    return found


def draw_map(
    *,
    network: Network,
    towns: Towns,
    stations: Stations,
    isochrones: Isochrones,
    sites: gpd.GeoDataFrame | None = None,
    language: str = "en",
    form: Format = "png",
) -> bytes:
    """The outlines by band over the streets, the stations, and the proposed sites with their order.

    All in the CRS of the network; the picture is north up with a scale bar in metres.
    """
    with _style(language) as said:
        figure = Figure(figsize=(7.2, 7.2), dpi=_DPI)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_aspect("equal")
        axes.set_facecolor(GROUND["paper"])
        handles = _draw_bands(axes, isochrones, said)
        segments: Any = network.node_xy[network.ends[(network.flags & EdgeFlag.ACROSS) == 0]]
        lines = LineCollection(segments, colors=GROUND["main"], linewidths=0.25, zorder=2)
        axes.add_collection(lines)
        towns.boundary.plot(ax=axes, color=GROUND["border"], linewidth=0.7, zorder=3)
        _draw_points(axes, stations, sites)
        handles += _point_handles(sites is not None and len(sites) > 0, said)
        _frame(axes, towns)
        _scale_bar(axes)
        axes.legend(handles=handles, loc="upper right", fontsize=8, framealpha=0.95)
        return _bytes(figure, form)


def draw_bars(table: pd.DataFrame, names: str, *, language: str = "en", form: Format = "png") -> bytes:
    """Share covered by row as horizontal bars, worst at the top; rows without a share are left out.

    Parameters
    ----------
    table
        A column ``coverage`` in [0, 1], and the column (or index) `names` to label the bars.
    """
    flat = table.reset_index().dropna(subset=["coverage"]).sort_values(["coverage", names], ascending=[False, True])
    with _style(language) as said:
        figure = Figure(figsize=(7.2, 0.9 + 0.3 * len(flat)), dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        shares = flat["coverage"].to_numpy(dtype=float)
        bars = axes.barh(flat[names].astype(str).map(_plain), shares, color=CATEGORICAL[0])
        axes.bar_label(bars, labels=[f"{share:.1%}" for share in shares], padding=3, fontsize=8)
        axes.set_xlim(0, 1.08)
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set_xlabel({"zh": "覆盖率", "en": "share covered"}[said])
        _tidy(axes)
        return _bytes(figure, form)


def draw_frontier(frontier: pd.DataFrame, existing: int, *, language: str = "en", form: Format = "png") -> bytes:
    """Residents covered against number of stations, with the bound; today's number is marked."""
    flat = frontier.reset_index()
    words = {
        "zh": ("站点数", "覆盖人口", "覆盖人口（方案）", "可能达到的上界", "现有站点"),
        "en": ("stations", "residents covered", "covered by the plan", "at most possible", "today"),
    }
    with _style(language) as said:
        across, up, plan, bound, today = words[said]
        figure = Figure(figsize=(7.2, 3.8), dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(flat["stations"], flat["bound"], color=CATEGORICAL[1], linestyle="--", linewidth=1.2, label=bound)
        axes.plot(flat["stations"], flat["covered_pop"], color=CATEGORICAL[0], marker="o", markersize=3, label=plan)
        axes.axvline(existing, color=GROUND["border"], linewidth=0.8, linestyle=":", label=today)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda people, _: f"{people:,.0f}")
        axes.legend(fontsize=8, loc="lower right")
        _tidy(axes)
        return _bytes(figure, form)


@contextmanager
def _style(language: str) -> Iterator[str]:
    """Fonts for a language while a picture is drawn; gives the language that can be drawn (English without a font)."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    chinese = chinese_font() if language == "zh" else next((name for name in _CJK_FONTS if name in known), None)
    latin = "DejaVu Sans"  # comes with matplotlib
    order = [chinese, latin] if language == "zh" else [latin, chinese]
    settings: Any = {"font.family": [name for name in order if name], "svg.hashsalt": "planner"}
    with mpl.rc_context(settings):
        yield "zh" if language == "zh" and chinese else "en"


def _draw_bands(axes: Axes, isochrones: Isochrones, said: str) -> list[Any]:
    """Each band as the union over stations, the widest first; gives the legend's entries, the nearest first."""
    if not len(isochrones):
        return []
    minutes = sorted(isochrones.index.get_level_values("minutes").unique())
    colours = dict(zip(minutes, band_colours(len(minutes)), strict=True))
    for band in reversed(minutes):
        own = isochrones.xs(band, level="minutes")
        gpd.GeoSeries([own.geometry.union_all()], crs=isochrones.crs).plot(
            ax=axes, color=colours[band], alpha=0.55, linewidth=0, zorder=1
        )
    return [mpl.patches.Patch(facecolor=colours[band], alpha=0.55, label=band_said(band)[said]) for band in minutes]


def _draw_points(axes: Axes, stations: Stations, sites: gpd.GeoDataFrame | None) -> None:
    axes.scatter(stations.geometry.x, stations.geometry.y, s=34, c=CATEGORICAL[0], edgecolors="white", linewidths=0.9, zorder=5)
    if sites is None:
        return
    axes.scatter(sites.geometry.x, sites.geometry.y, s=90, c=PROPOSED_COLOUR, edgecolors="black", linewidths=0.8, zorder=6)
    for order, x, y in zip(sites["order"], sites.geometry.x, sites.geometry.y, strict=True):
        axes.annotate(str(int(order)), (x, y), ha="center", va="center", fontsize=7, zorder=7)


def _point_handles(with_sites: bool, said: str) -> list[Any]:
    words = {"zh": ("现有站点", "建议新增（次序）"), "en": ("station", "proposed, in order")}[said]
    look: dict[str, Any] = {"linestyle": "none", "marker": "o"}
    handles = [mpl.lines.Line2D([], [], color=CATEGORICAL[0], markersize=6, label=words[0], **look)]
    if with_sites:
        handles.append(
            mpl.lines.Line2D([], [], color=PROPOSED_COLOUR, markeredgecolor="black", markersize=8, label=words[1], **look)
        )
    return handles


def _frame(axes: Axes, towns: Towns) -> None:
    west, south, east, north = towns.total_bounds
    pad = max(east - west, north - south) * _PAD_SHARE
    axes.set_xlim(west - pad, east + pad)
    axes.set_ylim(south - pad, north + pad)


def _scale_bar(axes: Axes) -> None:
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    metres = _round_below((east - west) / 4)
    x, y = west + (east - west) * 0.03, south + (north - south) * 0.03
    axes.plot([x, x + metres], [y, y], color="black", linewidth=2, solid_capstyle="butt", zorder=8)
    shown = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    axes.annotate(shown, (x + metres / 2, y), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=8, zorder=8)


def _round_below(metres: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `metres`.

    >>> _round_below(1800.0), _round_below(650.0)
    (1000.0, 500.0)
    """
    power = 10.0 ** np.floor(np.log10(metres))
    return float(max(step * power for step in (1, 2, 5) if step * power <= metres))


def _plain(text: str) -> str:
    """Text as it is: no mathematics between dollar signs."""
    return text.replace("$", r"\$")


def _tidy(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)


def _bytes(figure: Figure, form: Format) -> bytes:
    """The figure as a file without the date of its making, so that the same run has the same bytes."""
    stream = io.BytesIO()
    metadata: Mapping[str, str | None] = {"Date": None} if form == "svg" else {"Software": None}
    figure.savefig(stream, format=form, metadata=dict(metadata))
    return stream.getvalue()


def draw_all(
    *,
    network: Network,
    towns: Towns,
    stations: Stations,
    isochrones: Isochrones,
    tables: Mapping[str, pd.DataFrame],
    languages: Sequence[str],
) -> dict[str, list[Picture]]:
    """Every picture of a run in each language: the map, towns, groups and, with a frontier, the curve."""
    captions = {
        "zh": ("站点、步行圈与建议新增站点", "各街镇人口覆盖率", "各群体覆盖率", "站点数与覆盖人口"),
        "en": ("Stations, outlines and proposed sites", "Coverage by town", "Coverage by group", "Stations and people covered"),
    }
    drawn: dict[str, list[Picture]] = {}
    for language in languages:
        on_map, by_town, by_group, curve = captions[language]
        sites = tables.get("sites")
        picture = draw_map(
            network=network,
            towns=towns,
            stations=stations,
            isochrones=isochrones,
            sites=None if sites is None else gpd.GeoDataFrame(sites),
            language=language,
        )
        drawn[language] = [Picture("map", on_map, picture)]
        drawn[language].append(Picture("towns", by_town, draw_bars(tables["towns"], "town", language=language)))
        drawn[language].append(Picture("groups", by_group, draw_bars(tables["groups"], "label", language=language)))
        if "frontier" in tables:
            content = draw_frontier(tables["frontier"], len(stations), language=language)
            drawn[language].append(Picture("frontier", curve, content))
    return drawn
