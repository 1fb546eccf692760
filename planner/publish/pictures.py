"""Maps and charts as still pictures (PNG or SVG) for documents and slides, without a browser."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, cast

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from PIL import Image
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from planner.errors import PlannerWarning
from planner.network import EdgeFlag, Network
from planner.publish.words import with_residents
from planner.publish.workplaces import apart
from planner.schema import Coverage, Isochrones, Stations, Towns
from planner.study import Walk
from planner.style import (
    CATEGORICAL,
    GAP_COLOURS,
    GROUND,
    OSM_CREDIT,
    PROPOSED_COLOUR,
    all_moved,
    band_colours,
    band_said,
    classify,
    shown_share_finely,
)

Format = Literal["png", "svg"]

_CJK_FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "Microsoft YaHei", "SimHei", "PingFang SC",
    "Heiti SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans SC",
    "Noto Serif CJK SC", "SimSun", "AR PL UMing CN",
)  # fmt: skip
_DPI = 160
_MOST_LARGE = 60  # stations and sites that have room for large marks
_PAD_SHARE = 0.02
_WASH = 0.55  # how much of the paper an outline hides
_WORDS = re.compile("[\u2e80-\uffff]|[^\\s\u2e80-\uffff]+\\s*|\\s+")  # where a line may be broken
_FIRST_HAN = 0x2E80  # from this letter on the font that comes with matplotlib has none
_WIDE_IN, _MAP_HIGH_IN, _LEGEND_IN = 7.2, (4.2, 8.6), 0.75


@dataclass(frozen=True)
class Picture:
    """A drawn picture: the file's name without ending, its caption in the document's language, and its bytes."""

    name: str
    caption: str
    content: bytes


@dataclass(frozen=True)
class Imprint:
    """What a picture says of itself where it stands alone: the place above it, and lines of pace, date and sources below."""

    place: str
    lines: Sequence[str]


def chinese_font() -> str | None:
    """A font on this machine that has Chinese letters, or None.

    Where there is none, a `PlannerWarning` says which package brings one, and pictures are labelled in English: never in
    empty boxes.
    """
    found = _find_font()
    if found is None:
        warnings.warn(
            "no font with Chinese letters was found, so the pictures are labelled in English; install one, "
            "for instance the package fonts-noto-cjk, and run again",
            PlannerWarning,
            stacklevel=2,
        )
    return found


def _find_font() -> str | None:
    """The first known font with Chinese letters; those that were installed after matplotlib listed its fonts are found too."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    if not known & set(_CJK_FONTS):
        listed = {font.fname for font in font_manager.fontManager.ttflist}
        for path in sorted(set(font_manager.findSystemFonts()) - listed):
            with suppress(Exception):  # a font that cannot be read is none
                font_manager.fontManager.addfont(path)
        known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CJK_FONTS if name in known), None)


def plot_map(
    *,
    network: Network,
    towns: Towns,
    stations: Stations,
    isochrones: Isochrones,
    sites: gpd.GeoDataFrame | None = None,
    walk: Walk | None = None,
    language: str = "en",
) -> Axes:
    """The outlines by band over the streets, the stations, and the proposed sites with their order.

    All in the CRS of the network; the picture is north up with a scale bar in metres. `walk` says whether people walk or ride.
    """
    with _style(language) as said:
        figure, axes = _ground(network, towns)
        handles = _draw_bands(axes, isochrones, walk or Walk(), said)
        _draw_points(axes, stations, sites)
        handles += _point_handles(sites is not None and len(sites) > 0, said)
        _legend(figure, handles)
        return axes


def plot_gaps(
    *,
    network: Network,
    towns: Towns,
    stations: Stations,
    coverage: Coverage,
    sites: gpd.GeoDataFrame | None = None,
    language: str = "en",
) -> Axes:
    """Where residents live whom no station serves, by classes of demand points, with the stations and the proposed sites.

    Only residents are drawn, no key group. Classes are those of the planning map.
    """
    left = coverage.loc[~coverage["covered"].to_numpy(dtype=bool) & (coverage["population"] > 0).to_numpy()]
    people = left["population"].to_numpy(dtype=float)
    classes = classify(people, GAP_COLOURS)
    with _style(language) as said:
        figure, axes = _ground(network, towns)
        points = left.geometry
        colours = [classes.colours[i] for i in classes.place(people)]
        axes.scatter(points.x, points.y, s=2.4, c=colours, marker="s", linewidths=0, zorder=1.5)
        _draw_points(axes, stations, sites)
        title = {"zh": "未覆盖人口（人/需求点）", "en": "residents not covered, per demand point"}[said]
        handles = [mpl.patches.Patch(facecolor="none", label=title)] if len(people) else []
        handles += [mpl.patches.Patch(facecolor=one.colour, label=one.label[said]) for one in classes.legend() if len(people)]
        handles += _point_handles(sites is not None and len(sites) > 0, said)
        _legend(figure, handles)
        return axes


def _ground(network: Network, towns: Towns) -> tuple[Figure, Axes]:
    """A figure as high as the towns ask, with streets, borders and a scale bar; a strip below is left for the legend."""
    west, south, east, north = towns.total_bounds
    high = float(np.clip(_WIDE_IN * (north - south) / max(east - west, 1.0), *_MAP_HIGH_IN))
    figure = Figure(figsize=(_WIDE_IN, high + _LEGEND_IN), dpi=_DPI)
    axes = figure.add_axes((0.0, _LEGEND_IN / (high + _LEGEND_IN), 1.0, high / (high + _LEGEND_IN)))
    axes.set_aspect("equal")
    axes.set_facecolor(GROUND["paper"])
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    ends = network.node_xy[network.ends[(network.flags & EdgeFlag.ACROSS) == 0].ravel()]
    moves = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=Path.code_type), len(ends) // 2)
    look: dict[str, Any] = {"edgecolors": GROUND["main"], "facecolors": "none", "linewidths": 0.25}
    axes.add_collection(PathCollection([Path(ends, moves)], **look, zorder=2, rasterized=True))  # all in one: twice as fast
    towns.boundary.plot(ax=axes, color=GROUND["border"], linewidth=0.7, zorder=3)
    axes.set_aspect("equal")
    _frame(axes, towns)
    _scale_bar(axes)
    axes.text(0.995, 0.005, OSM_CREDIT, transform=axes.transAxes, ha="right", va="bottom", fontsize=6.5, color="#4b5866")
    return figure, axes


def _legend(figure: Figure, handles: list[Any]) -> None:
    figure.axes[0].set(xlabel="", ylabel="", xticks=[], yticks=[])  # geopandas names the axes of what it plots
    # held to the figure itself, so that a title and an imprint outside it do not move the legend
    place: dict[str, Any] = {
        "bbox_to_anchor": (0.0, 0.0, 1.0, 1.0),
        "bbox_transform": figure.transFigure,
        "loc": "lower center",
    }
    figure.legend(handles=handles, ncols=4, fontsize=9, frameon=False, handlelength=1.4, columnspacing=1.6, **place)


def plot_bars(table: pd.DataFrame, names: str, *, language: str = "en") -> Axes:
    """Share covered by row as horizontal bars, worst at the top; rows without a share are left out.

    Parameters
    ----------
    table
        A column ``coverage`` in [0, 1], and the column (or index) `names` to label the bars. Where no font has the letters of
        some name, all rows are called by their numbers in the table instead, and the picture says so.
    """
    whole = table.reset_index()
    numbered = _find_font() is None and any(ord(letter) >= _FIRST_HAN for name in whole[names] for letter in str(name))
    whole["shown"] = [str(i + 1) for i in range(len(whole))] if numbered else whole[names].astype(str).map(_plain)
    flat = whole.dropna(subset=["coverage"]).sort_values(["coverage", names], ascending=[False, True])
    with _style(language) as said:
        figure = Figure(figsize=(_WIDE_IN, 0.7 + 0.27 * len(flat)), dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        shares = flat["coverage"].to_numpy(dtype=float)
        bars = axes.barh(flat["shown"], shares, color=CATEGORICAL[0])
        axes.bar_label(bars, labels=[shown_share_finely(share) for share in shares], padding=3, fontsize=8)
        axes.set_xlim(0, 1.08)
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set_xlabel({"zh": "覆盖率", "en": "share covered"}[said])
        if numbered:
            axes.set_ylabel("row of the table")
        _tidy(axes)
        return axes


def plot_frontier(frontier: pd.DataFrame, existing: int, *, language: str = "en") -> Axes:
    """Residents covered against number of stations, with the bound as a band behind it; today's number is marked."""
    flat = frontier.reset_index()
    words = {
        "zh": ("站点数", "覆盖人口", "覆盖人口（方案）", "可能达到的上界", "现有站点"),
        "en": ("stations", "residents covered", "covered by the plan", "at most possible", "today"),
    }
    with _style(language) as said:
        across, up, plan, bound, today = words[said]
        figure = Figure(figsize=(_WIDE_IN, 3.4), dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(flat["stations"], flat["bound"], color=CATEGORICAL[1], alpha=0.5, linewidth=6, label=bound)
        axes.plot(flat["stations"], flat["covered_pop"], color=CATEGORICAL[0], marker="o", markersize=3, label=plan)
        axes.axvline(existing, color=GROUND["border"], linewidth=0.8, linestyle=":", label=today)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(0, None if flat["bound"].any() else 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_formatter(lambda people, _: f"{people:,.0f}")
        axes.legend(fontsize=8, loc="lower right")
        _tidy(axes)
        return axes


@contextmanager
def _style(language: str, *, warn: bool = True) -> Iterator[str]:
    """Fonts for a language while a picture is drawn; gives the language that can be drawn (English without a font)."""
    chinese = chinese_font() if language == "zh" and warn else _find_font()
    latin = "DejaVu Sans"  # comes with matplotlib
    order = [chinese, latin] if language == "zh" else [latin, chinese]
    settings: Any = {"font.family": [name for name in order if name], "svg.hashsalt": "planner"}
    with mpl.rc_context(settings):
        yield "zh" if language == "zh" and chinese else "en"


def _draw_bands(axes: Axes, isochrones: Isochrones, walk: Walk, said: str) -> list[Any]:
    """Each band as the union over stations, less the nearer ones; gives the legend's entries, the nearest first."""
    if not len(isochrones):
        return []
    minutes = sorted(isochrones.index.get_level_values("minutes").unique())
    colours = dict(zip(minutes, band_colours(len(minutes)), strict=True))
    nearer: BaseGeometry = Polygon()
    for band in minutes:
        reached = isochrones.xs(band, level="minutes").geometry.union_all()
        ring = gpd.GeoSeries([reached.difference(nearer)], crs=isochrones.crs)
        if not ring.is_empty.all():
            ring.plot(ax=axes, color=colours[band], alpha=_WASH, linewidth=0, zorder=1)
        nearer = reached
    labels = [all_moved(band_said(band), walk)[said] for band in minutes]
    return [
        mpl.patches.Patch(facecolor=colours[band], alpha=_WASH, label=label)
        for band, label in zip(minutes, labels, strict=True)
    ]


def _draw_points(axes: Axes, stations: Stations, sites: gpd.GeoDataFrame | None) -> None:
    """Stations, and sites with their order; large enough to be read on paper at half the size, where there is room."""
    large = len(stations) + (0 if sites is None else len(sites)) <= _MOST_LARGE
    look: dict[str, Any] = {"s": 64 if large else 34, "c": CATEGORICAL[0], "edgecolors": "white", "linewidths": 0.9}
    axes.scatter(stations.geometry.x, stations.geometry.y, zorder=5, **look)
    if sites is None:
        return
    look = {"s": 190 if large else 90, "c": PROPOSED_COLOUR, "edgecolors": "black", "linewidths": 0.8}
    axes.scatter(sites.geometry.x, sites.geometry.y, zorder=6, **look)
    for order, x, y in zip(sites["order"], sites.geometry.x, sites.geometry.y, strict=True):
        axes.annotate(str(int(order)), (x, y), ha="center", va="center_baseline", fontsize=11 if large else 7, zorder=7)


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
    axes.annotate(shown, (x + metres / 2, y), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=10, zorder=8)


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


def as_file(axes: Axes, *, language: str = "en", form: Format = "png") -> bytes:
    """What was drawn in a language as a file, without the date of its making, so that the same run has the same bytes."""
    stream = io.BytesIO()
    metadata: Mapping[str, str | None] = {"Date": None} if form == "svg" else {"Software": None}
    with _style(language, warn=False):
        figure = cast("Figure", axes.figure)
        box = "tight" if figure.texts else None  # a title and an imprint stand outside the figure
        figure.savefig(stream, format=form, metadata=dict(metadata), bbox_inches=box)
    return _with_palette(stream) if form == "png" else stream.getvalue()


def _with_palette(png: io.BytesIO) -> bytes:
    """The same picture in 256 colours: a quarter of the bytes, and no colour off by more than an eye can tell."""
    packed = io.BytesIO()
    with Image.open(png) as drawn:
        few = drawn.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(packed, format="png", compress_level=6, dpi=drawn.info["dpi"])
    return packed.getvalue()


def sign(axes: Axes, title: str, imprint: Imprint) -> None:
    """Put the place and a title above a picture and its imprint below it, for one that stands alone on a slide.

    Where no font has the letters of the place or of a line, it is left out.
    """
    figure = cast("Figure", axes.figure)
    gap = 0.12 / float(figure.get_figheight())
    figure.text(0.01, 1 + gap, _broken([imprint.place, title], 56), va="bottom", fontsize=13, fontweight="bold")
    figure.text(0.01, -gap, _broken(imprint.lines, 112), va="top", fontsize=7.5, color="#4b5866")


def _broken(lines: Sequence[str], letters: int) -> str:
    """Lines broken after so many Latin letters, a Han letter counting two, without what no font can show."""
    font, shown = _find_font(), []
    for line in lines:
        if font is None and any(ord(letter) >= _FIRST_HAN for letter in line):
            continue
        row = ""
        for word in _WORDS.findall("".join(filter(str.isprintable, line))):
            if row and _wide(row + word.rstrip()) > letters:
                shown.append(row.rstrip())
                row = ""
            row += word
        shown.append(row.rstrip())
    return _plain("\n".join(shown))


def _wide(text: str) -> int:
    return sum(2 if ord(letter) >= _FIRST_HAN else 1 for letter in text)


def draw_all(
    *,
    network: Network,
    towns: Towns,
    stations: Stations,
    isochrones: Isochrones,
    tables: Mapping[str, pd.DataFrame],
    languages: Sequence[str],
    walk: Walk | None = None,
    form: Format = "png",
    imprints: Mapping[str, Imprint] | None = None,
) -> dict[str, list[Picture]]:
    """Every picture of a run in each language: the map, the gaps, towns, groups and, with a frontier, the curve.

    `tables` are those of a run by name, small counts suppressed: ``towns``, ``groups``, ``demand``, and where there are
    any ``sites`` and ``frontier``. With `imprints` by language each has a title and an imprint, as one that stands alone.
    """
    drawn: dict[str, list[Picture]] = {}
    proposed = gpd.GeoDataFrame(tables["sites"]) if "sites" in tables else None
    ground: dict[str, Any] = {"network": network, "towns": towns, "stations": stations, "sites": proposed}
    demand = Coverage(gpd.GeoDataFrame(tables["demand"]))
    for language in languages:
        said = _CAPTIONS[language]
        plots = {
            "map": plot_map(**ground, isochrones=isochrones, walk=walk, language=language),
            "gaps": plot_gaps(**ground, coverage=demand, language=language),
            "towns": plot_bars(tables["towns"], "town", language=language),
        }
        if len(groups := apart(tables)["groups"]) > 1:  # one bar would only say the headline again
            plots["groups"] = plot_bars(with_residents(groups, language), "label", language=language)
        if "frontier" in tables:
            plots["frontier"] = plot_frontier(tables["frontier"], len(stations), language=language)
        today = "map" if proposed is not None and len(proposed) else "map_today"
        captions = {**said, "map": said[today]}
        if imprints is not None:
            lettered = "en" if _find_font() is None else language  # as the pictures themselves
            for name, axes in plots.items():
                with _style(language, warn=False):
                    sign(axes, _CAPTIONS[lettered][today if name == "map" else name], imprints[lettered])
        files = {name: as_file(axes, language=language, form=form) for name, axes in plots.items()}
        drawn[language] = [Picture(name, captions[name], content) for name, content in files.items()]
    return drawn


_CAPTIONS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "map": "现有站点、服务圈与建议新增站点",
        "map_today": "现有站点与服务圈",
        "gaps": "尚未覆盖的常住人口分布",
        "towns": "各街镇人口覆盖率",
        "groups": "常住人口与重点群体覆盖率",
        "frontier": "站点数与覆盖人口",
    },
    "en": {
        "map": "Stations, what is within reach, and proposed sites",
        "map_today": "Stations and what is within reach",
        "gaps": "Where residents live whom no station serves",
        "towns": "Share of residents covered by town",
        "groups": "Share covered of residents and key groups",
        "frontier": "Number of stations and residents covered",
    },
}
