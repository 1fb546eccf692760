"""Colours, classes, numbers and labels in both languages, as pure values that maps, report and workbook share.

Every palette is safe for colour-blind readers and says where it is from; no colour is the only sign of anything.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from planner.study import Walk

Said = Mapping[str, str]  # one text by language: {"zh": …, "en": …}

LANGUAGES = ("zh", "en")
OSM_CREDIT = "© OpenStreetMap contributors, ODbL"

# Okabe and Ito (2008), "Color Universal Design"; without yellow and black, which do not stand out as marks on a pale map.
CATEGORICAL = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
ANY_KIND = "#3c4650"  # stations as such
OTHER_KIND = "#5B6570"  # kinds past the sixth share one grey and are told apart by their names

# ColorBrewer 2.0 (Brewer, Harrower and The Pennsylvania State University), sequential schemes marked colour-blind safe.
YL_GN_BU = ("#ffffd9", "#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58")
NEED_COLOURS = ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404")  # YlOrBr
GAP_COLOURS = ("#f1eef6", "#d7b5d8", "#df65b0", "#dd1c77", "#980043")  # PuRd
SHARE_COLOURS = ("#edf8fb", "#b3cde3", "#8c96c6", "#8856a7", "#810f7c")  # BuPu
OVERLAP_COLOURS = (GAP_COLOURS[0], "#a1dab4", "#41b6c4", "#253494")  # none, one, two, three or more in reach; YlGnBu
BEYOND_COLOUR = "#8a8f98"  # farther than the cutoff
FACILITY_COLOURS: Mapping[str, str] = MappingProxyType({"basic": "#4b2e83", "quality": "#7a4b00"})  # dark, under a white figure
PROPOSED_COLOUR = "#E69F00"  # Okabe and Ito's orange, always with a dark edge and a number

GROUND: Mapping[str, str] = MappingProxyType(
    {"paper": "#f7f5f0", "water": "#cde0ea", "green": "#dfe8d5", "street": "#ddd8ce", "main": "#cbc4b7", "border": "#6b7280"}
)

PALETTE_SOURCE: Said = MappingProxyType(
    {
        "zh": "配色：ColorBrewer 2.0 与 Okabe–Ito（2008）色盲友好配色",
        "en": "Colours: ColorBrewer 2.0 and Okabe–Ito (2008), safe for colour-blind readers",
    }
)

# Areas of priority by kind: the colour of the edge and its dashes, so that no colour is the only sign.
AREA_LINES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "settlement": ("#00425f", ""),
        "crowd": ("#b3500a", "10 5"),
        "industry": ("#4d4d4d", "3 5"),
        "resettlement": ("#8a1c5c", "14 4 3 4"),
        "other": ("#1c2733", "6 6"),
    }
)
AREA_KINDS: Mapping[str, Said] = MappingProxyType(
    {
        "settlement": {"zh": "人员集中居住区", "en": "dense housing"},
        "crowd": {"zh": "人流密集区", "en": "busy place"},
        "industry": {"zh": "产业集聚区", "en": "cluster of industry"},
        "resettlement": {"zh": "易地搬迁安置区", "en": "resettlement"},
        "other": {"zh": "其他", "en": "other"},
    }
)

SHARE_BREAKS = (0.2, 0.4, 0.6, 0.8)  # the same on every map of shares, so that sibling pages compare

_MONTHS = tuple("January February March April May June July August September October November December".split())  # noqa: SIM905
_NOTHING = 1e-6  # what sums of shares leave over
_NICE = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])


@dataclass(frozen=True)
class Entry:
    """One line of a legend: a colour and what it stands for, in both languages."""

    colour: str
    label: Said


@dataclass(frozen=True)
class Classes:
    """Class breaks with a colour each; a value on a break belongs to the class above it.

    Parameters
    ----------
    breaks
        Rising inner breaks; one fewer than `colours`.
    colours
        From low to high.

    Examples
    --------
    >>> few = Classes((10.0, 20.0), ("#fff", "#999", "#000"))
    >>> few.place([5, 10, 25]).tolist()
    [0, 1, 2]
    >>> [entry.label["en"] for entry in few.legend()]
    ['under 10', '10–20', '20 or more']
    """

    breaks: tuple[float, ...]
    colours: tuple[str, ...]

    def place(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The class of each value, from 0."""
        places = np.searchsorted(np.asarray(self.breaks), np.asarray(values, dtype=float), side="right")
        return np.asarray(places, dtype=np.int64)

    def legend(self, *, percent: bool = False) -> tuple[Entry, ...]:
        """A line for each class, from low to high; shares as whole percents where `percent`."""
        shown = [f"{b:.0%}" if percent else shown_number(b) for b in self.breaks]
        if not shown:
            return tuple(Entry(colour, {"zh": "全部", "en": "all"}) for colour in self.colours)
        first = {"zh": f"{shown[0]}以下", "en": f"under {shown[0]}"}
        middle = [dict.fromkeys(LANGUAGES, f"{low}–{high}") for low, high in pairwise(shown)]
        last = {"zh": f"{shown[-1]}及以上", "en": f"{shown[-1]} or more"}
        return tuple(Entry(colour, label) for colour, label in zip(self.colours, [first, *middle, last], strict=True))


SHARES = Classes(SHARE_BREAKS, SHARE_COLOURS)
# What is said of walking, as it reads where everybody rides, and where some ride and some walk; longer words first.
_MOVES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "zh": {"步行": ("骑行", "步行或骑行")},
    "en": {
        "on foot": ("by bicycle", "on foot or by bicycle"),
        "walked": ("ridden", "walked or ridden"),
        "Walking": ("Riding", "Walking or riding"),
        "walking": ("riding", "walking or riding"),
        "walks": ("rides", "walks or rides"),
        "Walk": ("Ride", "Walk or ride"),
        "walk": ("ride", "walk or ride"),
    },
}
_ON_FOOT = {  # a key such as walk.max_link_m or median_walk_min is no word
    language: re.compile(r"(?<![\w.])(?:" + "|".join(words) + r")(?!_|\.\w)" if language == "en" else "|".join(words))
    for language, words in _MOVES.items()
}


def classify(values: npt.ArrayLike, colours: Sequence[str]) -> Classes:
    """At most one class a colour, with about as many values in each, at breaks people can remember.

    Only finite values above a millionth count. Breaks are quantiles rounded to 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of
    ten; where that makes two the same there are fewer classes, their colours picked evenly from the scheme.

    >>> classify(range(1, 101), NEED_COLOURS).breaks
    (20.0, 40.0, 60.0, 80.0)
    >>> classify([0, 7, 7, 7], NEED_COLOURS).breaks
    ()
    """
    numbers = np.asarray(values, dtype=float)
    counted = numbers[np.isfinite(numbers) & (numbers > _NOTHING)]
    if not len(counted):
        return Classes((), (colours[0],))
    shares = np.arange(1, len(colours)) / len(colours)
    rounded = sorted({_nice(float(q)) for q in np.quantile(counted, shares)})
    low, high = float(counted.min()), float(counted.max())
    breaks = tuple(b for b in rounded if low < b <= high)
    return Classes(breaks, pick_colours(colours, len(breaks) + 1))


def pick_colours(colours: Sequence[str], count: int) -> tuple[str, ...]:
    """`count` colours picked evenly from a sequential scheme, ends included; more than it has are mixed from neighbours.

    >>> pick_colours(NEED_COLOURS, 2)
    ('#ffffd4', '#993404')
    >>> pick_colours(("#000000", "#646464"), 3)
    ('#000000', '#323232', '#646464')
    """
    if count == 1:
        return (colours[len(colours) // 2],)
    places = np.linspace(0, len(colours) - 1, count)
    if count <= len(colours):
        return tuple(colours[int(i)] for i in places.round())
    parts = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours])
    mixed = np.column_stack([np.interp(places, np.arange(len(colours)), part) for part in parts.T]).round().astype(int)
    return tuple("#" + "".join(f"{part:02x}" for part in colour) for colour in mixed)


def band_colours(count: int) -> tuple[str, ...]:
    """A colour for each band from the nearest (dark) to the farthest (pale); YlGnBu without its palest third.

    >>> band_colours(3)
    ('#253494', '#1d91c0', '#7fcdbb')
    """
    return tuple(reversed(pick_colours(YL_GN_BU[3:8], count)))


def before_han(name: str) -> str:
    """A name as it stands before Chinese words: with a space after it where it ends in a letter or mark of the Latin kind.

    >>> before_han("Porto Alegre") + "站点", before_han("嘉定区") + "站点", before_han("A (west)") + "站点"
    ('Porto Alegre 站点', '嘉定区站点', 'A (west) 站点')
    """
    return f"{name} " if name[-1:].isascii() and name[-1:].strip() else name


def kind_colours(kinds: Sequence[str]) -> dict[str, str]:
    """A colour for each kind of station in the order given: six of Okabe and Ito's, then one grey for the rest.

    >>> kind_colours(["library", "town hall"])
    {'library': '#0072B2', 'town hall': '#D55E00'}
    """
    return {kind: CATEGORICAL[i] if i < len(CATEGORICAL) else OTHER_KIND for i, kind in enumerate(kinds)}


def shown_number(value: float) -> str:
    """A count as people read it: whole with thousands apart, small ones with up to one decimal.

    >>> shown_number(812935.4), shown_number(2.5), shown_number(15.0)
    ('812,935', '2.5', '15')
    """
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}".removesuffix(".0")


def shown_amount(value: float) -> str:
    """A recorded amount as people read it: small ones that are not whole (a rating, a share) with two decimals.

    >>> shown_amount(4.525), shown_amount(0.95), shown_amount(12), shown_amount(3203)
    ('4.53', '0.95', '12', '3,203')
    """
    small = abs(value) < 100 and value != round(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if small else shown_number(value)


def shown_share(share: float) -> str:
    """A share as a percent that never says all or none unless it is: 99.97 % is shown as 99.9 %.

    >>> shown_share(0.724), shown_share(0.9997), shown_share(0.0004), shown_share(1.0), shown_share(0.0)
    ('72%', '99.9%', '0.1%', '100%', '0%')
    """
    if share <= 0 or share >= 1:
        return f"{min(max(share, 0), 1):.0%}"
    return f"{share:.0%}" if 0.01 <= share <= 0.99 else shown_share_finely(share)


def shown_share_finely(share: float) -> str:
    """A share to a tenth of a percent, which never says all or none either unless it is.

    >>> shown_share_finely(0.7243), shown_share_finely(0.9997), shown_share_finely(0.0004), shown_share_finely(1.0)
    ('72.4%', '99.9%', '0.1%', '100.0%')
    """
    return f"{min(max(share, 0.001), 0.999) if 0 < share < 1 else min(max(share, 0), 1):.1%}"


def shown_date(date: dt.date) -> Said:
    """A date in both languages.

    >>> shown_date(dt.date(2025, 6, 30))
    {'zh': '2025年6月30日', 'en': '30 June 2025'}
    """
    return {"zh": f"{date.year}年{date.month}月{date.day}日", "en": f"{date.day} {_MONTHS[date.month - 1]} {date.year}"}


def counted_stations(stations: int) -> str:
    """A number of stations in English.

    >>> counted_stations(1), counted_stations(1200)
    ('1 station', '1,200 stations')
    """
    return "1 station" if stations == 1 else f"{stations:,} stations"


def shown_minutes(*minutes: float) -> str:
    """A cutoff, or the least and the longest of several.

    >>> shown_minutes(15), shown_minutes(15, 20, 10), shown_minutes(15, 15)
    ('15', '10–20', '15')
    """
    least, longest = shown_number(min(minutes)), shown_number(max(minutes))
    return least if least == longest else f"{least}–{longest}"


def finding(share: float | None, stations: int, *minutes: float) -> Said:
    """What the map shows, as its title: the share of residents within the cutoff of a station.

    Parameters
    ----------
    share
        Residents covered by all residents, in [0, 1]; None where there are no residents to count.
    stations
        How many stations count.
    minutes
        The cutoff; several where towns have one of their own.

    Examples
    --------
    >>> finding(0.72, 14, 15)["en"]
    "72% of residents live within 15 minutes' walk of one of 14 stations"
    >>> finding(0.72, 14, 15)["zh"]
    '72%的居民步行15分钟内可到达就业服务站点'
    >>> finding(0.72, 14, 15, 20)["en"]
    "72% of residents live within 15–20 minutes' walk (by town) of one of 14 stations"
    """
    within = shown_minutes(*minutes)
    zh, en = ("（依所在街镇）", " (by town)") if len(set(minutes)) > 1 else ("", "")
    if stations == 0:
        return {
            "zh": f"尚无就业服务站点（步行{within}分钟{zh}服务圈）",
            "en": f"No station stands yet within {within} minutes' walk{en} of anybody",
        }
    if share is None:
        return {
            "zh": f"就业服务站点{stations}个，步行{within}分钟{zh}服务圈",
            "en": f"{counted_stations(stations)}, with what is within {within} minutes' walk{en}",
        }
    which = "the one station" if stations == 1 else f"one of {stations:,} stations"
    return {
        "zh": f"{shown_share(share)}的居民步行{within}分钟{zh}内可到达就业服务站点",
        "en": f"{shown_share(share)} of residents live within {within} minutes' walk{en} of {which}",
    }


def pace_said(walk: Walk) -> Said:
    """The assumption every page states: pace, cutoff, and the way along streets they make together.

    >>> pace_said(Walk())["en"]
    '15 min at 4.8 km/h (adult on foot) = 1.2 km along streets'
    >>> pace_said(Walk())["zh"]
    '成人步行，每小时4.8公里，15分钟约合沿道路1.2公里'
    """
    minutes, speed = shown_number(walk.minutes), f"{walk.pace_mps * 3.6:.2g}"
    profile = walk.way_of_walking
    own_pace = walk.speed_mps is not None and not math.isclose(walk.speed_mps, profile.speed_mps)
    way_zh, way_en = _shown_way(walk.cutoff_s * walk.pace_mps)
    zh, en = ("骑行" if profile.gait.rides else "步行", "") if own_pace else (profile.zh, f" ({profile.en})")
    return {
        "zh": f"{zh}，每小时{speed}公里，{minutes}分钟约合沿道路{way_zh}",
        "en": f"{minutes} min at {speed} km/h{en} = {way_en} along streets",
    }


def paces_said(walk: Walk) -> tuple[Said, ...]:
    """The pace and cutoff of everybody, then those of the towns that have their own.

    >>> from planner.study import TownWalk
    >>> paces_said(Walk(towns={"East": TownWalk(minutes=20)}))[1]["en"]
    'Residents of East: 20 min at 4.8 km/h (adult on foot) = 1.6 km along streets'
    """
    own = {town: pace_said(walk.for_town(town)) for town in walk.towns}
    towns = ({"zh": f"{town}居民：{said['zh']}", "en": f"Residents of {town}: {said['en']}"} for town, said in own.items())
    return pace_said(walk), *towns


def moved(text: str, language: str, walk: Walk) -> str:
    """One of our texts about walking as it reads where everybody, or only some towns, ride (bicycle, ebike).

    Where everybody walks it is left as it is; so are keys of the study file and names of columns.

    >>> moved("within 15 minutes' walk", "en", Walk(profile="bicycle")), moved("步行时间", "zh", Walk(profile="ebike"))
    ("within 15 minutes' ride", '骑行时间')
    >>> moved("within 15 minutes' walk", "en", Walk())
    "within 15 minutes' walk"
    >>> moved("farther than walk.max_link_m; nobody can walk there", "en", Walk(profile="bicycle"))
    'farther than walk.max_link_m; nobody can ride there'
    """
    rides = [own.gait.rides for own in walk.each]
    if not any(rides):
        return text
    return _ON_FOOT[language].sub(lambda word: _MOVES[language][word[0]][0 if all(rides) else 1], text)


def all_moved(said: Mapping[str, str], walk: Walk) -> Said:
    """`moved` in every language."""
    return {language: moved(text, language, walk) for language, text in said.items()}


def band_said(minutes: float) -> Said:
    """The label of one band of outlines.

    >>> band_said(5)
    {'zh': '步行5分钟以内', 'en': "within 5 minutes' walk"}
    """
    shown = shown_number(minutes)
    return {"zh": f"步行{shown}分钟以内", "en": f"within {shown} minutes' walk"}


def _shown_way(metres: float) -> tuple[str, str]:
    if metres < 950:
        return f"{round(metres, -1):.0f}米", f"{round(metres, -1):.0f} m"
    return f"{metres / 1000:.1f}公里", f"{metres / 1000:.1f} km"


def _nice(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return float(round(_NICE[np.abs(_NICE - value / power).argmin()] * power, 10))
