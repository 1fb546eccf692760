"""What each station offers and lacks by the standards of a policy pack, and who reaches which function."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.coverage import walks_onto
from planner.errors import PlannerWarning, first_few
from planner.policy import ItemClass, Offer, Policy, named
from planner.reach import Reach
from planner.schema import (
    FLAGS_1_PLUS_4,
    FUNCTIONS,
    STANDARDS,
    TIERS,
    Demand,
    FunctionReach,
    Standards,
    Stations,
    Tiers,
    fold,
    is_blank,
    says_none,
)
from planner.study import Group

SEPARATOR = ", "
NO_TIER = "–"  # the row of stations that say no tier

_PARTS = re.compile(r"[,;、。/|\n]+")  # of a cell that names several things
_NONE = r"无(?![障人线偿纸需须限休])|未(?![来成])|没有"  # 无障碍, 无人值守, 无需预约 say that it is there
_NO = rf"{_NONE}|非(?!常)|暂无|不设|缺|\b(?:no|not|non|without)\b"
_DENIED = re.compile(rf"\s*(?:{_NO})")  # a part that begins so says what is not there
_DENIES = re.compile(rf"(?:{_NO})[设置配备建有\s\-]*$")  # the same, right before a word
_DENIED_AFTER = re.compile(  # and right after it: 自助服务区：无, 自助服务（暂未开放）, self service: none
    r"(?:区域?|[台机点窗柜间室]|设备|设施|终端|窗口|制度?|功能)?[\s:(\[=\-]*"
    rf"(?:[暂尚还]?(?:{_NONE})|[暂已]?(?:不设|不开放|不提供|不具备|不可用|停[用止办]|关闭(?!时))|没[设配开]|[在待拟筹]建|建设中"
    r"|(?:已?取消|缺失?)\s*(?:[)\]]|$)|否|[×✗✘☐□]|0(?![\d.:])|(?:no(?!\.)|not|none|n/a|without|closed|missing)\b)"
)
_TICKED_FIRST = re.compile(r"\s*[√✓✔☑■×✗✘☐□]")  # a form whose marks stand before its words
_CROSSED = re.compile(r"[×✗✘☐□]\s*$")

Floats = npt.NDArray[np.float64]


def read_offers(policy: Policy, stations: Stations) -> dict[str, Offer]:
    """What each station offers by its ``services``; stations that say nothing the pack knows are left out."""
    offers = {key: policy.read_offer(text) for key, text in _said(stations).items()}
    return {key: offer for key, offer in offers.items() if offer is not None}


def measure_standards(policy: Policy, stations: Stations, as_of: dt.date) -> Standards:
    """Measure each station against the standards of `policy`.

    Parameters
    ----------
    policy
        Items, functions, staff and trainings asked.
    stations
        The stations that stand; ``services``, the five flags of "1+4", ``staff`` and ``trained_on`` where there are any.
    as_of
        The day the year of the last training ends.

    Returns
    -------
    STANDARDS, in the order of `stations`; whatever the table says nothing of is missing, neither met nor unmet:

    - ``basic``, ``extended``, ``innovative``: share of the pack's items of that class it offers, 0 to 1;
    - ``functions``: keys of the functions it offers, by `Policy.functions_offered`;
    - ``demonstration``: offers all of the pack's ``demonstration_functions``; ``lacks_functions``: those it does not;
      ``lacks_items``: for each of them the items to add, "4+5" all of them, "12|13|14" any one;
    - the five flags, and ``flags``: how many of the five hold;
    - ``lacks_facilities``, ``lacks_rules``: which of the pack's facilities and service rules its columns do not name;
      ``zones``: those it has opened; ``built_as``: ``new`` or ``pilot``;
    - ``staff_met``: ``staff`` >= the pack's minimum; ``training_met``: trained in the 12 months up to `as_of`; missing where
      the pack asks for none. A pack that asks for more than one training a year cannot be judged further by one date;
    - ``lacks``: which of flags, ``staff`` and ``training`` are not met; ``unknown``: which nothing is said of.

    Warns
    -----
    PlannerWarning
        If a station's ``services`` say something the pack does not know: nothing is known of what it offers then.
    """
    offers = read_offers(policy, stations)
    if policy.items or policy.functions:
        _warn_of_unread([key for key in _said(stations) if key not in offers], policy)
    keys = [str(key) for key in stations.index]
    table = pd.DataFrame(stations[[name for name in ("name", "town", "tier") if name in stations]])
    for item_class in ItemClass:
        own = policy.items_of(item_class)
        shares = [len(own & offers[key].items) / len(own) if own and key in offers else np.nan for key in keys]
        table[str(item_class)] = np.array(shares, dtype=np.float64)
    rows = [_functions_row(policy, offers.get(key)) for key in keys]
    for name in ("functions", "lacks_functions", "lacks_items", "demonstration"):
        table[name] = pd.array([row.get(name) for row in rows], dtype="boolean" if name == "demonstration" else "string")
    for flag in FLAGS_1_PLUS_4:
        table[flag] = _flag(_column(stations, flag))
    said = table[list(FLAGS_1_PLUS_4)]
    table["flags"] = said.fillna(False).sum(axis=1).astype("Int64").mask(said.isna().all(axis=1))
    table = table.assign(staff=_column(stations, "staff").astype("float64"), trained_on=_days(stations))
    for name, asked in (("facilities", policy.facilities), ("rules", policy.rules)):
        table[f"lacks_{name}"] = _lacking(_column(stations, name), asked)
    for name in ("zones", "built_as"):
        table[name] = _column(stations, name).astype("string")
    staffed, trained = _flag(table["staff"] >= policy.minimum_staff), _trained(table["trained_on"], as_of)
    table["staff_met"] = staffed.mask(table["staff"].isna() | (policy.minimum_staff == 0))
    table["training_met"] = trained.mask(np.full(len(table), policy.trainings_a_year == 0))
    return cast("Standards", STANDARDS.conform(_with_verdict(table, policy)))


def check_tiers(policy: Policy, stations: Stations) -> Tiers:
    """Check the stations' tiers against the pack's pattern, such as "1+12+X".

    Returns
    -------
    TIERS, in the pattern's order: how many stations were ``asked`` (missing: any number), ``found``, whether the pattern is
    ``met``, and the ``finding`` in words. Then one row for each word that is no tier of the pack, named as it is written, and
    one ("–") for stations that say none; both break the pattern.
    """
    words = [str(word) if _is_said(word) else None for word in _column(stations, "tier")]
    called = [next((t.tier for t in policy.tiers if word is not None and t.is_called(word)), word) for word in words]
    rows: list[dict[str, Any]] = []
    for tier in policy.tiers:
        found = called.count(tier.tier)
        met = tier.count is None or found == tier.count
        finding = None if met else f"{abs(found - (tier.count or 0))} too {'many' if found > (tier.count or 0) else 'few'}"
        row = {"tier": tier.tier, "en": tier.en, "zh": tier.zh, "asked": tier.count}
        rows.append(row | {"found": found, "met": met, "finding": finding})
    known = {tier.tier for tier in policy.tiers}
    for word in sorted({word for word in called if word is not None and word not in known}):
        row = {"tier": word, "en": word, "zh": word, "found": called.count(word)}
        rows.append(row | {"met": False, "finding": "no tier of the pack"})
    if policy.tiers and None in called:
        row = {"tier": NO_TIER, "en": "no tier said", "zh": "未填写层级", "found": called.count(None)}
        rows.append(row | {"met": False, "finding": "stations that say no tier"})
    columns = [column.name for column in TIERS.columns]
    return cast("Tiers", TIERS.conform(pd.DataFrame(rows, columns=columns).astype({"asked": "Int64", "met": "boolean"})))


def reach_functions(
    policy: Policy, reach: Reach, demand: Demand, stations: Stations, groups: Sequence[Group] = ()
) -> FunctionReach:
    """Say how many residents reach each function, not only a station, within the cutoff.

    Parameters
    ----------
    policy
        The functions, and which items make them up.
    reach
        Walks within the cutoff from the stations to the demand points.
    demand
        Residents and groups at each point.
    stations
        With their ``services``; a station that says nothing the pack knows offers nothing.
    groups
        Key groups to count too, as ``covered_<group>``. Small counts in them are not suppressed here.

    Returns
    -------
    FUNCTIONS: a row for each function in the pack's order; a last row ``all`` for those who reach every function of a
    demonstration station, each perhaps at another station (all functions, where the pack says nothing of such stations).
    ``coverage`` = ``covered_pop`` / ``population``.

    Notes
    -----
    Laws: each row is at most the coverage by any station; ``all`` is at most each function it stands for.
    """
    walks = walks_onto(reach, demand)
    offers = read_offers(policy, stations)
    offered = {str(key): set(policy.functions_offered(offers.get(str(key), Offer()))) for key in reach.facility_ids}
    reached = {f.name: _reached(walks, [f.name in own for own in offered.values()]) for f in policy.functions}
    asked = policy.demonstration_functions or tuple(reached)
    rows = [
        _reach_row(f.name, f.en, f.zh, sum(f.name in own for own in offered.values()), reached[f.name], demand, groups)
        for f in policy.functions
    ]
    if asked:
        everyone = np.logical_and.reduce([reached[name] for name in asked])
        whole = sum(set(asked) <= own for own in offered.values())
        rows.append(_reach_row("all", "all of them, perhaps at several stations", "全部功能（可由多个站点合计）",
                               whole, everyone, demand, groups))  # fmt: skip
    columns = [name.name for name in FUNCTIONS.columns if not name.is_family]
    return cast("FunctionReach", FUNCTIONS.conform(pd.DataFrame(rows, columns=None if rows else columns)))


def summarise_standards(standards: Standards, tiers: Tiers, functions: FunctionReach) -> dict[str, Any]:
    """Give the headline figures of the policy's standards as plain numbers.

    Returns
    -------
    ``demonstration_stations``, ``stations_that_meet_1_plus_4`` (all five flags), ``stations_that_lack_something``;
    ``functions``: stations that offer each and residents who reach it; ``tiers``: asked, found, met and the finding.
    """
    said: dict[str, Any] = {
        "demonstration_stations": int(standards["demonstration"].fillna(False).sum()),
        "stations_that_meet_1_plus_4": int((standards["flags"] == len(FLAGS_1_PLUS_4)).sum()),
        "stations_that_lack_something": int(standards["lacks"].notna().sum()),
    }
    said["functions"] = _plain(functions, ("stations", "population", "covered_pop", "coverage"))
    said["tiers"] = _plain(tiers, ("asked", "found", "met", "finding"))
    return said


def _plain(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Rows by key, in Python's own types; what is missing is None."""
    rows = table[list(columns)].astype(object)
    return rows.where(rows.notna(), None).to_dict("index")  # type: ignore[return-value]


def _is_said(word: object) -> bool:
    """Whether a cell names something: it is neither empty nor says that there is none (无, a stroke)."""
    return not is_blank(word) and not says_none(str(word))


def _said(stations: Stations) -> dict[str, str]:
    """What the ``services`` column says, where it says something."""
    return {str(key): str(text) for key, text in _column(stations, "services").items() if not is_blank(text)}


def _warn_of_unread(unread: Sequence[str], policy: Policy) -> None:
    if unread:
        shown = first_few(unread, between=SEPARATOR)
        message = f"stations: services of {shown} are not those of {policy.name}, so nothing is known of what they offer; "
        warnings.warn(message + "write item numbers such as 1-5,7 or functions by name", PlannerWarning, stacklevel=3)


def warn_of_words(policy: Policy, stations: Stations) -> None:
    """Say which stations have a kind or a tier that is no word of the pack, and which words it has; nothing where it has none.

    Such a station counts like the others, but nowhere that the pack counts by kind or tier. Where a pack names featured kinds
    alone, an ordinary station may be called anything: only words that seem to be meant for one of them are told.
    """
    others = (*policy.station_kinds, *policy.professional_kinds, *policy.fused_kinds)
    kinds = tuple(dict.fromkeys((*others, *policy.featured_kinds)))
    known = (*kinds, *policy.outreach_kinds)
    told = stations
    if not others and "kind" in stations:
        told = stations[[_seems_featured(word, kinds) for word in stations["kind"]]]
    tiers = tuple(word for tier in policy.tiers for word in tier.words)
    shown = tuple(tier.zh for tier in policy.tiers)
    _warn_of_others(told, "kind", known, kinds, "they count all the same, but not where it counts by kind", policy)
    _warn_of_others(stations, "tier", tiers, shown, "they count all the same, but in none of its tiers", policy)


def _seems_featured(word: object, kinds: Sequence[str]) -> bool:
    """Whether a word says that a station is featured, or is nearly one of the kinds.

    >>> [_seems_featured(word, ["园区就业超市", "零工小站"]) for word in ("特色站点", "园区就业商超", "就业服务站", None)]
    [True, True, False, False]
    """
    said = fold(word) if isinstance(word, str) else ""
    near = difflib.get_close_matches(said, [fold(kind) for kind in kinds])
    return bool(near) or any(mark in said for mark in ("特色", "featured"))


def _warn_of_others(
    stations: Stations, column: str, known: Sequence[str], shown: Sequence[str], still: str, policy: Policy
) -> None:
    words = _column(stations, column)
    other = {str(key): str(word) for key, word in words.items() if _is_said(word) and not named(word, known)}
    if other and known:
        keys = first_few(list(other), between=SEPARATOR)
        told = first_few(list(dict.fromkeys(other.values())), 3, between=SEPARATOR)
        said = f"stations: the {column} of {keys} is none that {policy.name} names ({told})"
        warnings.warn(f"{said}; {still}; its {column}s are {SEPARATOR.join(shown)}", PlannerWarning, stacklevel=3)


def _functions_row(policy: Policy, offer: Offer | None) -> Mapping[str, Any]:
    if offer is None or not policy.functions:
        return {}
    offered = policy.functions_offered(offer)
    lacking = [name for name in policy.demonstration_functions if name not in offered]
    return {
        "functions": SEPARATOR.join(offered),
        "lacks_functions": SEPARATOR.join(lacking),
        "lacks_items": SEPARATOR.join(filter(None, (_items_to_add(policy, offer, name) for name in lacking))),
        "demonstration": not lacking if policy.demonstration_functions else None,
    }


def _items_to_add(policy: Policy, offer: Offer, function: str) -> str:
    numbers = policy.missing_for(offer, function)
    basic = policy.items_of(ItemClass.BASIC)
    return ("+" if basic & set(numbers) else "|").join(map(str, numbers))


def _with_verdict(table: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What is not met and what is not known, by the names of the standards."""
    asked: dict[str, Any] = {flag: table[flag] for flag in FLAGS_1_PLUS_4}
    if policy.minimum_staff:
        asked["staff"] = table["staff_met"]
    if policy.trainings_a_year:
        asked["training"] = table["training_met"]
    for name, words in (("facilities", policy.facilities), ("rules", policy.rules)):
        if words:
            asked[name] = _flag(table[f"lacks_{name}"] == "").mask(table[f"lacks_{name}"].isna())
    lacks = _named(asked, lambda met: ~met.fillna(True).astype(bool))
    return table.assign(lacks=lacks, unknown=_named(asked, lambda met: met.isna()))


def _named(asked: Mapping[str, Any], holds: Callable[[Any], Any]) -> list[str]:
    marks = pd.DataFrame({name: holds(met).astype(bool) for name, met in asked.items()})
    return [SEPARATOR.join(str(name) for name in marks.columns[row]) for row in marks.to_numpy()]


def _trained(trained_on: Any, as_of: dt.date) -> Any:
    """Whether the last training was in the 12 months up to the day; missing where it is not known, or came later."""
    day = pd.Timestamp(as_of)
    known = trained_on.notna() & (trained_on <= day)
    return _flag(trained_on > day - pd.DateOffset(years=1)).mask(~known)


def _lacking(said: Any, asked: Sequence[str]) -> Any:
    """Which of the words asked each cell does not hold; missing where it says nothing, or nothing is asked."""
    lacking = [
        None if is_blank(cell) or not asked else SEPARATOR.join(word for word in asked if not says(str(cell), word))
        for cell in said
    ]
    return pd.array(lacking, dtype="string")


def says(cell: str, word: str) -> bool:
    """Whether a cell names a word as something that is there: spacing is forgiven, a denial before or after it is heard.

    >>> [says(cell, "自助服务") for cell in ("设有自助服务区", "专窗专柜，无自助服务", "自助服务区：无", "无障碍自助服务")]
    [True, False, False, True]
    """
    spaced = re.compile(r"[\s_\-*:]*".join(map(re.escape, fold(word))))
    parts = _PARTS.split(unicodedata.normalize("NFKC", cell).casefold())
    affirmed = (part for part in parts if not _DENIED.match(part))
    return any(not _is_denied(part, *found.span()) for part in affirmed for found in spaced.finditer(part))


def _is_denied(part: str, start: int, end: int) -> bool:
    """Whether what stands around a word in its part of a cell says that it is not there."""
    before, after = part[:start], part[end:]
    if _TICKED_FIRST.match(part):
        return bool(_DENIES.search(before) or _CROSSED.search(before))
    return bool(_DENIES.search(before) or _DENIED_AFTER.match(after))


def _days(stations: Stations) -> Any:
    return pd.to_datetime(_column(stations, "trained_on")).astype("datetime64[us]")


def _flag(values: Any) -> Any:
    return values.astype("boolean")


def _column(stations: Stations, name: str) -> Any:
    return stations[name] if name in stations.columns else pd.Series(None, index=stations.index, dtype=object)


def _reached(walks: sp.csr_array, offers: Sequence[bool]) -> npt.NDArray[np.bool_]:
    """Which columns of a stations x demand matrix of walks hold one of the stations marked."""
    rows = sp.csr_array(walks[np.flatnonzero(offers)])
    return np.bincount(rows.indices, minlength=walks.shape[1]) > 0


def _reach_row(
    name: str, en: str, zh: str, stations: int, reached: npt.NDArray[np.bool_], demand: Demand, groups: Sequence[Group]
) -> dict[str, Any]:
    people: Floats = demand["population"].to_numpy(dtype=np.float64)
    total, covered = float(people.sum()), float(people[reached].sum())
    row = {"function": name, "en": en, "zh": zh, "stations": stations, "population": total, "covered_pop": covered}
    row["coverage"] = min(covered / total, 1.0) if total else np.nan
    return row | {f"covered_{group.name}": float(demand[f"pop_{group.name}"][reached].sum()) for group in groups}
