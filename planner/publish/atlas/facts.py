"""What both pages say: the headline, the assumptions, the ground under everything, and the marks of stations."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from planner import style
from planner.errors import CrsError
from planner.network import Network
from planner.policy import Policy
from planner.publish.atlas.shapes import lat_lon, pack_polygons
from planner.publish.atlas.streets import Bounds, draw_streets
from planner.publish.atlas.tiles import Tiles
from planner.schema import Coverage, Isochrones, Stations, Towns, says_none
from planner.study import Study, host_said

VIEW_MARGIN_M = 400.0  # streets and nature are drawn this far beyond the towns
TOWN_TOLERANCE_M = 5.0
MOST_TOWN_LETTERS = 200_000
MOST_NATURE_LETTERS = 350_000
LEAST_NATURE = 1e-5  # of the map: water, or green, that is less in all is a dot nobody finds, and not drawn
TOLERANCES_M = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
SHOWN = ("address", "town", "kind", "tier", "host", "hours", "phone")  # the only columns of stations that are published
FORMS = ("circle", "square", "diamond", "triangle", "pentagon")

_ITEM_SEPARATORS = re.compile(r"[,;，；、|\n]+")


@dataclass(frozen=True)
class Place:
    """What is under the marks of both pages, packed once: streets, nature, towns and how far the view goes."""

    bounds: list[list[float]]
    centre: tuple[float, float]
    streets: Mapping[str, Any]
    backdrop: Mapping[str, str]
    towns: list[dict[str, Any]]


def draw_place(network: Network, towns: Towns, backdrop: gpd.GeoDataFrame | None, most_street_letters: int) -> Place:
    """Pack the ground: streets and nature within the towns' bounds and a margin, and the towns' outlines."""
    view = _view(towns)
    lines = draw_streets(network, view, most_street_letters)
    w, s, e, n = (float(v) for v in towns.total_bounds)
    corners = lat_lon([(w, s), (e, n), (w, n), (e, s)], towns.crs)
    south, west = corners.min(axis=0)
    north, east = corners.max(axis=0)
    shapes = pack_within([[shape] for shape in towns.geometry], towns.crs, MOST_TOWN_LETTERS, TOWN_TOLERANCE_M)
    return Place(
        bounds=[[_degrees(south), _degrees(west)], [_degrees(north), _degrees(east)]],
        centre=(_degrees((south + north) / 2), _degrees((west + east) / 2)),
        streets={"main": lines.main, "side": lines.side, "short": lines.short, "drawn": round(lines.drawn, 4)},
        backdrop=_nature(backdrop, view),
        towns=[{"name": str(name), "shape": shape} for name, shape in zip(towns.index, shapes, strict=True)],
    )


def common_facts(
    study: Study,
    place: Place,
    coverage: Coverage,
    stations: Stations,
    as_of: dt.date,
    sources: Sequence[str | style.Said],
    tiles: Tiles | None,
) -> dict[str, Any]:
    """The part of the data block that both pages share."""
    walk, publish = study.scenario.walk, study.publish
    pace, *own_paces = style.paces_said(walk)
    share, people = share_covered(coverage), float(coverage["population"].sum())
    date, counted, within = style.shown_date(as_of), len(stations), style.shown_number(people)
    return {
        "languages": list(publish.languages),
        "finding": style.all_moved(style.finding(share, counted, *walk.cutoffs_min), walk),
        "facts": {
            "zh": f"站点{counted:,}个 · 常住人口{within}人 · 数据截至{date['zh']}",
            "en": f"Stations: {counted:,} · residents: {within} · as of {date['en']}",
        },
        "as_of": date,
        "minutes": style.shown_minutes(*walk.cutoffs_min),
        "pace": pace,
        "paces": own_paces,
        "publisher": publish.publisher,
        "approval": publish.map_approval,
        "sources": [line if isinstance(line, str) else dict(line) for line in sources],
        "tile_credit": tiles.credit if tiles is not None else "",
        "tiles": None if tiles is None else dataclasses.asdict(tiles),
        "palette": dict(style.PALETTE_SOURCE),
        "ground_colours": dict(style.GROUND),
        "bounds": place.bounds,
        "streets": place.streets,
        "backdrop": place.backdrop,
        "towns": place.towns,
    }


def marks_of(stations: Stations, policy: Policy | None = None) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The legend of stations' marks, and the colour and form of each station's own.

    Colour tells the kind (or, where no kind is given, the tier), form the tier; the most frequent come first. The legend has a
    mark for stations as such, and a list for kinds and for tiers where there are several.
    """
    kinds, tiers = _texts(stations, "kind"), _texts(stations, "tier")
    coloured = kinds if any(kinds) else tiers
    colours = style.kind_colours(_by_frequency(coloured))
    forms = {tier: FORMS[i % len(FORMS)] for i, tier in enumerate(_by_frequency(tiers))}
    marks = [{"colour": colours[k], "form": forms[t]} for k, t in zip(coloured, tiers, strict=True)]
    same = len({(mark["colour"], mark["form"]) for mark in marks}) == 1
    lists = []
    if len(set(kinds)) > 1:
        lists.append(
            {"heading": "kind", "marks": [{"name": k, "colour": colours[k], "form": FORMS[0]} for k in _by_frequency(kinds)]}
        )
    if len(forms) > 1:
        tier_marks = [{"name": t, "colour": style.ANY_KIND if any(kinds) else colours[t], "form": forms[t]} for t in forms]
        lists.append({"heading": "tier", "marks": [{**mark, "name": tier_name(mark["name"], policy)} for mark in tier_marks]})
    return {"mark": marks[0] if same else {"colour": style.ANY_KIND, "form": FORMS[0]}, "lists": lists}, marks


def common_station(
    stations: Stations, marks: Sequence[Mapping[str, str]], outlines: Sequence[Sequence[str]], policy: Policy | None
) -> list[dict[str, Any]]:
    """Each station as both pages show it, by name: public columns only, its mark and its outlines."""
    records = stations.reset_index().to_dict("records")
    entries = [
        {
            "id": text_of(row["station_id"]),
            "name": text_of(row["name"]),
            "lat": place[0],
            "lon": place[1],
            **{column: text_of(row.get(column)) for column in SHOWN},
            "host": host_name(row.get("host")),
            "tier": tier_name(text_of(row.get("tier")), policy),
            "services": service_names(text_of(row.get("services")), policy),
            "functions": function_names(text_of(row.get("services")), policy),
            "outlines": list(shapes),
            **mark,
        }
        for row, mark, place, shapes in zip(records, marks, places_of(stations).tolist(), outlines, strict=True)
    ]
    return sorted(entries, key=lambda entry: (entry["name"], entry["id"]))


def host_name(word: Any) -> str | dict[str, str]:
    """The kind of premises in both languages where it is known, else as it is written."""
    said = host_said(text_of(word))
    return said if said["zh"] != said["en"] else said["zh"]


def tier_name(word: str, policy: Policy | None) -> str | dict[str, str]:
    """A tier in both languages where the policy pack knows the word, else the word."""
    known = next((tier for tier in policy.tiers if tier.is_called(word)), None) if policy is not None and word else None
    return word if known is None else {"zh": known.zh, "en": known.en}


def service_names(text: str, policy: Policy | None) -> list[str | dict[str, str]]:
    """What a station offers: in both languages where the policy pack knows every word of it, else as the table lists it."""
    offer = policy.read_offer(text) if policy is not None and text else None
    if offer is None or policy is None:
        return list(service_items(text))
    functions = [{"zh": one.zh, "en": one.en} for one in policy.functions if one.name in offer.functions]
    return [*functions, *({"zh": one.zh, "en": one.en} for one in policy.items if one.number in offer.items)]


def function_names(text: str, policy: Policy | None) -> list[dict[str, str]]:
    """The functions of the policy pack that what a station offers makes up, in both languages; none where it does not say."""
    offer = policy.read_offer(text) if policy is not None and text else None
    if offer is None or policy is None:
        return []
    offered = policy.functions_offered(offer)
    return [{"zh": one.zh, "en": one.en} for one in policy.functions if one.name in offered]


def service_items(text: str) -> list[str]:
    """Service items as the table lists them, apart.

    >>> service_items("1、2，职业指导"), service_items("暂无")
    (['1', '2', '职业指导'], [])
    """
    return [] if says_none(text) else [item.strip() for item in _ITEM_SEPARATORS.split(text) if item.strip()]


def draw_bands(study: Study, isochrones: Isochrones) -> list[dict[str, Any]]:
    """The bands from the farthest to the nearest, with colours, labels and, of one pace, the distance each stands for."""
    minutes = sorted({float(m) for m in isochrones.index.get_level_values("minutes")}) or list(study.scenario.walk.bands)
    alike, bands = len({own.pace_mps for own in study.scenario.walk.each}) == 1, []
    for value, colour in zip(minutes, style.band_colours(len(minutes)), strict=True):
        label = style.all_moved(style.band_said(value), study.scenario.walk)
        metres = value * 60 * study.scenario.walk.pace_mps
        legend = {"zh": f"{label['zh']}（约{metres:,.0f}米）", "en": f"{label['en']} ({metres:,.0f} m)"} if alike else label
        bands.append({"minutes": value, "colour": colour, "label": dict(label), "legend": dict(legend)})
    return bands[::-1]


def draw_outlines(
    isochrones: Isochrones, stations: Stations, bands: Sequence[Mapping[str, Any]], most_letters: int
) -> tuple[list[str], list[list[str]]]:
    """The union of each band, and each station's outlines band by band, packed into about `most_letters` letters."""
    shapes = isochrones.geometry
    unions, every = [], []
    for band in bands:
        of_band = shapes[isochrones.index.get_level_values("minutes") == band["minutes"]]
        unions.append([shapely.union_all(of_band.to_numpy())])
        one = of_band.droplevel("minutes").reindex(stations.index)
        every += [[shape] for shape in one]
    packed = pack_within(unions + every, isochrones.crs, most_letters, TOLERANCES_M[0])
    count = len(stations)
    by_band = [packed[len(bands) + i * count : len(bands) + (i + 1) * count] for i in range(len(bands))]
    return packed[: len(bands)], [list(of_station) for of_station in zip(*by_band, strict=True)]


def pack_within(groups: Sequence[Sequence[Any]], crs: Any, most_letters: int, tolerance_m: float) -> list[str]:
    """Each group of polygons as one string; simplified from `tolerance_m` on until all fit into `most_letters`, or by 64 m."""
    tolerances = [t for t in TOLERANCES_M if t >= tolerance_m]
    for tolerance in tolerances:
        packed = [pack_polygons([shape for shape in group if shape is not None], crs, tolerance) for group in groups]
        if sum(map(len, packed)) <= most_letters:
            break
    return packed


def share_covered(coverage: Coverage) -> float | None:
    """Residents covered by all residents; None where there are none."""
    people = float(coverage["population"].sum())
    covered = coverage["covered"].to_numpy(dtype=bool)
    return float(coverage["population"].to_numpy()[covered].sum()) / people if people > 0 else None


def places_of(frame: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    """The points of a table as latitudes and longitudes, to about 10 cm."""
    return np.round(lat_lon(shapely.get_coordinates(frame.geometry.to_numpy()), frame.crs), 6)


def text_of(value: Any) -> str:
    """A cell as text to show; empty where it is missing."""
    return "" if pd.isna(value) else str(value)


def check_crs(tables: Mapping[str, gpd.GeoDataFrame | None], network: Network) -> None:
    """All geometry on one page is in the network's CRS.

    Raises
    ------
    CrsError
        Naming the first table that is not.
    """
    for name, table in tables.items():
        if table is not None and table.crs != network.crs:
            ours = network.crs.to_string()
            raise CrsError(f"{name} are in {table.crs} but the network is in {ours}; call .to_crs({ours!r})")


def _view(towns: Towns) -> Bounds:
    west, south, east, north = (float(v) for v in towns.total_bounds)
    return west - VIEW_MARGIN_M, south - VIEW_MARGIN_M, east + VIEW_MARGIN_M, north + VIEW_MARGIN_M


def _nature(backdrop: gpd.GeoDataFrame | None, view: Bounds) -> dict[str, str]:
    if backdrop is None or not len(backdrop):
        return {"water": "", "green": ""}
    clipped = shapely.clip_by_rect(backdrop.geometry.to_numpy(), *view)
    large = shapely.area(clipped) >= 300.0
    kinds = backdrop["kind"].to_numpy()
    groups = [list(clipped[large & (kinds == kind)]) for kind in ("water", "green")]
    west, south, east, north = view
    least = LEAST_NATURE * (east - west) * (north - south)
    groups = [group if sum(map(shapely.area, group)) >= least else [] for group in groups]
    water, green = pack_within(groups, backdrop.crs, MOST_NATURE_LETTERS, TOLERANCES_M[0])
    return {"water": water, "green": green}


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    return [text_of(value) for value in frame[column]] if column in frame else [""] * len(frame)


def _by_frequency(texts: Sequence[str]) -> list[str]:
    counts = pd.Series(list(texts), dtype=object).value_counts(sort=False)
    return sorted(counts.index, key=lambda text: (text == "", -int(counts[text]), text))


def _degrees(value: float) -> float:
    return round(float(value), 6)
