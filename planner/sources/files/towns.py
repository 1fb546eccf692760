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
SAME = {"街道办事处": "街道", "镇人民政府": "镇", "乡人民政府": "乡"}  # endings that say the same
_ONLY_SUFFIXES = re.compile(f"({'|'.join(SUFFIXES)})+")


def match_town(said: str, towns: Iterable[str]) -> str | None:
    """Which of `towns` a name means, or None where none does, or more than one might.

    In this order, and only where exactly one town fits: the same name (spaces, full-width forms and case apart, 街道办事处 as
    街道); the same but for an ending one of them leaves out; the same but for the rank of a town (南翔乡, 南翔镇; but
    no zone: 南翔工业区 is another place); a name with its district in front.

    >>> towns = ["嘉定镇街道", "嘉定工业区", "南翔镇", "菊园新区"]
    >>> match_town("南翔", towns), match_town("嘉定镇街道办事处", towns), match_town("上海市嘉定区菊园新区", towns)
    ('南翔镇', '嘉定镇街道', '菊园新区')
    >>> match_town("嘉定", towns) is None
    True
    """
    name, known = _plain(said), {town: _plain(town) for town in towns}
    rules = (
        lambda town: town == name,
        lambda town: _is_ending(town, name) or _is_ending(name, town),
        lambda town: _stem(town) == _stem(name) != "",
        lambda town: name.endswith(town),
    )
    for rule in rules:
        found = [town for town, plain in known.items() if rule(plain)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def nearest_town(said: str, towns: Iterable[str]) -> str:
    """The mend for a name that matches no town: the nearest by spelling, or all of them where none is near."""
    names = list(towns)
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
