"""Names of towns as people write them, matched to the towns of the area."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from planner.schema import fold

SUFFIXES = ("街道办事处", "人民政府", "街道", "地区", "工业区", "开发区", "新区", "镇", "乡")
RANKS = (
    "街道",
    "地区",
    "镇",
    "乡",
)  # a town is raised from one to another; a zone (工业区) beside a town of its name is another place
SAME = {  # endings that say the same
    "街道办事处": "街道", "街道办": "街道", "镇人民政府": "镇", "镇政府": "镇", "乡人民政府": "乡", "乡政府": "乡",
    "区管理委员会": "区", "区管委会": "区",
}  # fmt: skip
ABOVE = re.compile(r"[\w·]*[市区县省州盟旗]")  # what may stand in front of a town: the places it is part of
_ONLY_SUFFIXES = re.compile(f"({'|'.join(SUFFIXES)})+")


def match_town(said: str, towns: Iterable[str]) -> str | None:
    """Which of `towns` a name means, or None where none does, or more than one might.

    In this order, and only where exactly one town fits: the same name (spaces, full-width forms and case apart, 街道办事处 as
    街道); the same but for an ending one of them leaves out; the same but for the rank of a town (南翔乡, 南翔镇; but
    no zone: 南翔工业区 is another place); a name with its district in front (but no other town: 安亭镇、南翔镇).

    >>> towns = ["嘉定镇街道", "嘉定工业区", "南翔镇", "菊园新区"]
    >>> match_town("南翔", towns), match_town("嘉定镇街道办事处", towns), match_town("上海市嘉定区菊园新区", towns)
    ('南翔镇', '嘉定镇街道', '菊园新区')
    >>> match_town("嘉定", towns) is None
    True
    """
    found = _meant(said, towns)
    return found[0] if len(found) == 1 else None


def _meant(said: str, towns: Iterable[str]) -> list[str]:
    """The towns that a name fits by the first rule by which it fits any."""
    name, known = _plain(said), {town: _plain(town) for town in towns}
    rules = (
        lambda town: town == name,
        lambda town: _is_ending(town, name) or _is_ending(name, town),
        lambda town: _stem(town) == _stem(name) != "",
        lambda town: name.endswith(town) and bool(ABOVE.fullmatch(name.removesuffix(town))),
    )
    found = ([town for town, plain in known.items() if rule(plain)] for rule in rules)
    return next(filter(None, found), [])


def nearest_town(said: str, towns: Iterable[str]) -> str:
    """The mend for a name that matches no town: those it may mean alike, the nearest by spelling, or all where none is near.

    >>> nearest_town("安亭", ["安亭镇", "安亭街道"]), nearest_town("外岗镇", ["外冈镇", "徐行镇"])
    ("say which is meant, '安亭镇' or '安亭街道'", "did you mean '外冈镇'?")
    """
    names = list(towns)
    meant = _meant(said, names)
    if len(meant) > 1:
        return f"say which is meant, {' or '.join(map(repr, meant))}"
    alike = difflib.get_close_matches(said, names, n=1, cutoff=0.4)
    return f"did you mean {alike[0]!r}?" if alike else f"the towns are {', '.join(names[:20])}"


def _plain(name: str) -> str:
    folded = fold(name)
    for long, short in SAME.items():
        folded = folded.removesuffix(long) + (short if folded.endswith(long) else "")
    return folded


def _is_ending(longer: str, shorter: str) -> bool:
    """Whether `longer` is `shorter` and endings only."""
    return bool(shorter) and longer.startswith(shorter) and bool(_ONLY_SUFFIXES.fullmatch(longer[len(shorter) :]))


def _stem(name: str) -> str:
    """A town's name without its rank; empty where it has none."""
    ending = next((rank for rank in RANKS if name.endswith(rank)), None)
    return "" if ending is None else name.removesuffix(ending)
