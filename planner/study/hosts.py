"""Kinds of host premises that the policy documents name, and the OpenStreetMap tags each is mapped with."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator


@dataclass(frozen=True)
class HostKind:
    """A kind of premises: its names, the tags (``key=value``) it is mapped with, and words of names that tell it from others.

    Several kinds share a tag, for OpenStreetMap knows fewer (https://wiki.openstreetmap.org/wiki/Map_features); of those that
    are asked for, the one with a word of the premises' name counts, else the first.
    """

    en: str
    zh: str
    tags: tuple[str, ...]
    words: tuple[str, ...] = ()


_CENTRES = ("amenity=community_centre", "amenity=social_centre")
_OFFICES = ("amenity=townhall", "office=government")

HOST_KINDS = (
    HostKind("government service centre", "社区事务受理服务中心", _OFFICES, ("事务受理", "政务", "便民服务中心", "办事处")),
    HostKind("party-mass service centre", "党群服务中心", (*_CENTRES, *_OFFICES, "office=political_party"), ("党群", "党建")),
    HostKind("neighbourhood centre", "邻里中心", (*_CENTRES, "amenity=social_facility"), ("邻里", "睦邻", "社区中心")),
    HostKind(
        "village or neighbourhood service point", "村居服务点", (*_CENTRES, *_OFFICES), ("居委", "村委", "村民", "居民委员会")
    ),
    HostKind("community service station", "社区便民服务站", (*_CENTRES, "amenity=social_facility"), ("便民", "服务站")),
    HostKind("social work station", "社工站", ("amenity=social_facility", "amenity=social_centre"), ("社工",)),
    HostKind(
        "public employment office",
        "基层公共就业服务平台",
        ("office=employment_agency", "amenity=job_centre"),
        ("就业", "人力资源", "人才"),
    ),
    HostKind("casual labour market", "零工市场", ("office=employment_agency", "amenity=job_centre"), ("零工",)),
    HostKind("industrial park", "园区", ("landuse=industrial",), ("园区", "产业园")),
    HostKind("office building", "商务楼宇", ("building=office", "building=commercial", "office=coworking"), ("大厦", "商务")),
    HostKind(
        "shopping centre", "商圈", ("shop=mall", "shop=department_store", "amenity=marketplace"), ("广场", "商场", "购物")
    ),
    HostKind("campus", "校区", ("amenity=university", "amenity=college"), ("大学", "学院", "校区")),
    HostKind("bank branch", "银行网点", ("amenity=bank",)),
    HostKind("post office", "邮政网点", ("amenity=post_office",)),
    HostKind("property management office", "物业服务中心", ("office=property_management",), ("物业",)),
    HostKind("convenience shop", "便民商业网点", ("shop=convenience", "shop=supermarket")),
    HostKind("community health centre", "社区医院", ("amenity=clinic", "amenity=doctors"), ("社区卫生", "卫生服务")),
    HostKind("community canteen", "社区食堂", ("amenity=canteen", "amenity=food_court"), ("食堂",)),
    HostKind("library", "图书馆", ("amenity=library",)),
    HostKind("cultural centre", "文化活动中心", ("amenity=arts_centre", *_CENTRES), ("文化",)),
)

_KINDS = {name: kind for kind in HOST_KINDS for name in (kind.en, kind.zh)}
_SHARED = {  # tags of several kinds by words that fit each; and what candidates at corners have for a host
    "street corner": ("街角", "street corner"),
    "amenity=community_centre": ("社区中心", "community centre"),
    "amenity=social_centre": ("社会活动中心", "social centre"),
    "amenity=social_facility": ("社会服务设施", "social facility"),
    "amenity=townhall": ("政务办公场所", "town hall"),
    "office=government": ("政府机构", "government office"),
    "office=employment_agency": ("职业介绍机构", "employment agency"),
    "amenity=job_centre": ("就业服务中心", "job centre"),
}


def host_kind(said: str) -> HostKind:
    """The kind called `said`, in Chinese or English.

    >>> host_kind("Library").tags
    ('amenity=library',)

    Raises
    ------
    ValueError
        If there is none, naming the nearest.
    """
    plain = " ".join(said.lower().split())
    if plain in _KINDS:
        return _KINDS[plain]
    near = difflib.get_close_matches(plain, _KINDS, n=1, cutoff=0.4)
    mend = f"did you mean {near[0]!r}?" if near else f"the kinds are {', '.join(kind.en for kind in HOST_KINDS)}"
    raise ValueError(f"there is no kind of premises {said!r}; {mend}")


def host_said(host: str) -> dict[str, str]:
    """What a cell of the ``host`` column is called in Chinese and English; words that are no kind and no tag of one stay.

    >>> host_said("Library"), host_said("amenity=community_centre")["zh"], host_said("旧厂房")["en"]
    ({'zh': '图书馆', 'en': 'library'}, '社区中心', '旧厂房')
    >>> host_said("street corner")["zh"]
    '街角'
    """
    if host in _SHARED:
        zh, en = _SHARED[host]
        return {"zh": zh, "en": en}
    of_tag = next((kind for kind in HOST_KINDS if host in kind.tags), None)
    kind = of_tag or _KINDS.get(" ".join(host.lower().split()))
    return {"zh": host, "en": host} if kind is None else {"zh": kind.zh, "en": kind.en}


def kind_of_premises(tag: str, name: str, asked: Sequence[str]) -> str:
    """Which of the kinds `asked` for a premises is, by its tag and a word of its name; `tag` itself where it is none.

    >>> kind_of_premises("amenity=community_centre", "朝晖邻里中心", ["党群服务中心", "邻里中心"])
    '邻里中心'
    >>> kind_of_premises("amenity=community_centre", "Malmin toimintakeskus", ["党群服务中心", "邻里中心"])
    '党群服务中心'
    """
    fits = [said for said in asked if tag in host_kind(said).tags]
    named = [said for said in fits if any(word in name for word in host_kind(said).words)]
    return next(iter(named or fits), tag)


def _known(said: str) -> str:
    host_kind(said)
    return said


KindOfHost = Annotated[str, AfterValidator(_known)]
