"""What the values of a workbook's tables are called: words for codes, names for keys. Tables for machines keep the codes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from planner.publish.words import RESIDENTS_SAID, WORDS, items_said
from planner.schema import SCORES, STANDARDS, Kind, Schema
from planner.score import RESIDENTS
from planner.study import Group, host_said
from planner.style import AREA_KINDS, Said

_LISTS = re.compile(r"\s*,\s*")
_FINDING = re.compile(r"(\d+) too (few|many)")
_BETWEEN = {"zh": "、", "en": ", "}


def _said(**codes: tuple[str, str]) -> dict[str, Said]:
    return {code: {"zh": zh, "en": en} for code, (zh, en) in codes.items()}


_LEVELS = _said(
    district=("全区", "district"),
    town=("街镇", "town"),
    group=("重点群体", "key group"),
    station=("站点", "station"),
    area=("片区", "area"),
)
STATUS_SAID = _said(
    planned=("规划", "planned"), applied=("申报", "applied"), built=("建成", "built"), accepted=("验收", "accepted"),
    closed=("关闭", "closed"),
)  # fmt: skip
_FORMS = _said(professional=("专业化", "professional"), fused=("融合型", "fused"))
_BUILT_AS = _said(new=("新建", "new-built"), pilot=("试点", "pilot"))
_WHOLE = {"district": _LEVELS["district"]}
FINDINGS = {
    "out of reach of all candidates together": {
        "zh": "全部候选点合计也无法达到",
        "en": "out of reach of all candidates together",
    },
    "no plan was found within the bounded work": {
        "zh": "在限定计算量内未找到方案",
        "en": "no plan was found within the bounded work",
    },
    "no tier of the pack": {"zh": "政策包中没有此层级", "en": "no tier of the pack"},
    "stations that say no tier": {"zh": "站点未填写层级", "en": "stations that say no tier"},
}

# by column, or by table and column where the same column holds other words elsewhere
_CODES: Mapping[str, Mapping[str, Said]] = {
    "place": _WHOLE,
    "scope": _LEVELS,
    "by": _LEVELS,
    "before": STATUS_SAID,
    "after": STATUS_SAID,
    "form": _FORMS,
    "built_as": _BUILT_AS,
    "finding": FINDINGS,
    "counts": _said(
        stations=("站点", "stations"),
        equipped=("功能完备站点", "well-equipped stations"),
        featured=("特色站点", "featured stations"),
        demonstration=("示范站点", "demonstration stations"),
        fused=("融合型站点", "fused stations"),
    ),
    "how": _said(sum=("累计", "sum"), last=("最近一次", "last"), mean=("平均", "mean")),
    "service_class": _said(basic=("基本保障类", "basic"), quality=("品质提升类", "quality")),
    "life_places.role": _said(candidate=("备选场所", "candidate"), station=("站点", "station")),
    "areas.kind": AREA_KINDS,
    "indicators.unit": {
        "share": {"zh": "占比", "en": "share"},
        "min": {"zh": "分钟", "en": "min"},
        "people": {"zh": "人", "en": "people"},
        "per 10,000": {"zh": "每万人", "en": "per 10,000"},
    },
}  # fmt: skip

# columns that hold keys of another table's rows, one or several
_KEYS = {
    "standards.tier": "tiers",
    "standards.functions": "functions",
    "standards.lacks_functions": "functions",
    "lift.lacks_functions": "functions",
    "life_places.beside": "life_services",
}


def shown_values(
    tables: Mapping[str, pd.DataFrame], schemas: Mapping[str, Schema], groups: Sequence[Group], languages: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The tables (keys as columns) with words of `languages` for what people would not know.

    Flags become yes and no, codes (statuses, scopes, units …) words, and keys of tiers, functions, services and key groups
    their names; a workbook in one language has no names in the other, nor the keys that stand for them. What users wrote and
    numbers stay as they are.
    """
    names = {name: _names_in(table, schemas[name]) for name, table in tables.items()}
    names["groups"] = {RESIDENTS: RESIDENTS_SAID} | {group.name: {"zh": group.shown, "en": group.shown} for group in groups}
    names["standards"] = {column.name: {"zh": column.zh, "en": column.en} for column in STANDARDS.columns}
    return {name: _shown(name, table, schemas[name], names, languages) for name, table in tables.items()}


def _names_in(table: pd.DataFrame, schema: Schema) -> dict[str, Said]:
    """What the keys of a table are called, where it says so in both languages."""
    if not {"en", "zh"} <= set(table):
        return {}
    named = table.dropna(subset=["en", "zh"])
    keys = named[schema.key[0]].astype(str)
    return {key: {"zh": str(zh), "en": str(en)} for key, zh, en in zip(keys, named["zh"], named["en"], strict=True)}


def _shown(
    name: str, table: pd.DataFrame, schema: Schema, names: Mapping[str, Mapping[str, Said]], languages: Sequence[str]
) -> pd.DataFrame:
    shown = table.copy()
    for key in map(str, table.columns):
        column = schema.get(key)
        if column is not None and column.kind is Kind.FLAG:
            shown[key] = _mapped(table[key], functools.partial(_flag, languages=languages))
            continue
        if key == "lacks_items":
            shown[key] = _mapped(table[key], functools.partial(_items, languages=languages))
            continue
        at = f"{name}.{key}"
        words = {**_CODES.get(key, {}), **_CODES.get(at, {}), **names.get(_KEYS.get(at, ""), {})}
        if at == "standards.lacks":
            words = dict(names["standards"])
        if key == "group" or (key in ("place", "detail") and "by" in table):
            words |= names["groups"]
        if key == "host":
            words = {host: host_said(host) for host in table[key].dropna().astype(str).unique()}
        if at == "composite.missing":
            words = {column.name: {"zh": column.zh, "en": column.en} for column in SCORES.columns}
        if words:
            shown[key] = _mapped(table[key], functools.partial(_words_of, words=words, languages=languages))
    if "label" in table:
        shown = shown.drop(columns=["group", "area"], errors="ignore")
    if len(languages) == 1 and {"en", "zh"} <= set(table):
        other = {"zh": "en", "en": "zh"}[languages[0]]
        shown = shown.drop(columns=[other, schema.key[0]])
    return shown


def _mapped(values: pd.Series[Any], say: Callable[[Any], Any]) -> pd.Series[Any]:
    return pd.Series([value if pd.isna(value) else say(value) for value in values], index=values.index, dtype=object)


def _flag(value: Any, *, languages: Sequence[str]) -> str:
    return _word({language: WORDS[language]["yes" if value else "no"] for language in languages})


def _words_of(value: Any, *, words: Mapping[str, Said], languages: Sequence[str]) -> Any:
    """A code's words, those of a list of codes, or the value itself where it is none."""
    if not isinstance(value, str):
        return value
    if _FINDING.fullmatch(value):
        return _word({language: finding_said(value)[language] for language in languages})
    codes = [value] if value in words else _LISTS.split(value)
    if not set(codes) <= words.keys():
        return value
    return _word({language: _BETWEEN[language].join(words[code][language] for code in codes) for language in languages})


def finding_said(value: str) -> Said:
    """A finding of the tables in both languages; any other text as it is.

    >>> finding_said("3 too few")["zh"]
    '缺3个'
    """
    if (found := _FINDING.fullmatch(value)) is not None:
        return {"zh": f"{'缺' if found[2] == 'few' else '多'}{found[1]}个", "en": value}
    return FINDINGS.get(value, {"zh": value, "en": value})


def _items(value: Any, *, languages: Sequence[str]) -> Any:
    return _word({language: items_said(str(value), language) for language in languages})


def _word(said: Said) -> str:
    return " ".join(dict.fromkeys(said.values()))
