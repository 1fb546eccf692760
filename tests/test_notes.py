"""A run's notes stand in the language of the document."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from planner.demand.place import RESIDENTS, Tally
from planner.errors import PlanError
from planner.publish.no_plan import MENDS, PROBLEMS
from planner.publish.notes import NOTES, STEPS, note_said, notes_said
from planner.reach.islands import Islands
from planner.schema import Candidates
from planner.siting.feasible import check_asked, check_feasible
from planner.siting.problem import NOWHERE, Rules, no_rules_for
from planner.study import Method, Siting

SLOT = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize(("said", "chinese"), NOTES)
def test_every_known_sentence_has_a_chinese_form_that_keeps_all_its_slots(said: str, chinese: str) -> None:
    slots = [slot for slot in SLOT.findall(said) if slot != "mend"]
    assert set(SLOT.findall(chinese)) == set(slots)
    filled = {slot: "7 out (2 fewer)" if slot == "after" else f"〈{slot}〉" for slot in SLOT.findall(said)}
    shown = note_said(said.format(**filled), "zh")
    assert all(value in shown for slot, value in filled.items() if slot in slots and slot != "after")
    assert "residents" not in shown
    assert " the " not in shown


@pytest.mark.parametrize(("said", "chinese"), STEPS)
def test_every_step_of_counting_has_a_chinese_form(said: str, chinese: str) -> None:
    assert set(SLOT.findall(chinese)) <= set(SLOT.findall(said))


def test_what_the_rooms_say_is_known() -> None:
    apart = Islands(np.array([True, False]), 1).said(np.array([30.0, 90.0]))
    assert note_said(apart, "zh") == "30名居民（25.0%）所在的1处道路与主路网不相连，只能到达当地的站点"
    tally = Tally("people.csv within the area", "unemployed", 120.0, 100.0, "3 of 12 rows lie outside the area")
    assert note_said(str(tally), "zh") == "unemployed，people.csv本区部分：读入120人，落到100人（少20人）；12行中有3行在区外"
    both = (
        "2 station(s) reach nothing and have no outline: A, B; 1 station(s) have no outline for 5, 10 minutes: C; "
        "their way to the street is longer than walk.max_link_m or than the band"
    )
    assert note_said(both, "zh") == (
        "2个站点无法到达任何地方，没有服务圈轮廓：A, B；1个站点没有5, 10分钟的服务圈轮廓：C；"
        "其到道路的距离超过 walk.max_link_m，或超过该时限"
    )
    what_if = "what if: ST03 is closed; NEW1 (Hall) is added at 121.2, 31.3; ST04 is moved 120 m to 121.2, 31.1"
    assert note_said(what_if, "zh") == "情景假设：关闭ST03；在121.2, 31.3新增NEW1 (Hall)；将ST04迁移120米至121.2, 31.1"


def test_why_nothing_is_saved_and_which_premises_lack_are_said_in_chinese() -> None:
    with pytest.raises(PlanError) as caught:
        check_feasible(no_rules_for(80, 500), Siting(sites=500), pd.RangeIndex(80))
    said = f"walking time saved by proposed sites is left out: {caught.value}"
    assert note_said(said, "zh") == (
        "未计算建议站点节省的步行时间：没有可行方案："
        "siting.sites 要求新建500个站点，而备选场所只有80个；请将其改为至多80，或补充备选场所"
    )
    lacking = "candidates.2: no premises with amenity=cinema or post office or library lie in the area"
    assert note_said(lacking, "zh") == "candidates.2：区域内没有此类场所（amenity=cinema、邮政网点、图书馆）"


LATIN = re.compile(r"[A-Za-z]+(?: [A-Za-z]+){2}")


def rules(sites: int = 4, asked: int = 2, **told: object) -> Rules:
    """Sites in the towns 东镇 (the first two) and 西镇."""
    given = {"towns": ("东镇", "西镇"), "town": np.array([0, 0, 1, 1])[:sites], "short": np.zeros(2, dtype=int)}
    return dataclasses.replace(no_rules_for(sites, asked), **{**given, "room": np.full(2, 9), **told})


IMPOSSIBLE = (
    (rules(asked=5), Siting(), "要求新建5个站点，而备选场所只有4个"),
    (rules(sites=1), Siting(), "而备选场所只有1个"),
    (rules(forced=np.array([1, 1, 1, 0], dtype=bool)), Siting(), "必选的备选场所有3个，而只要求新建2个站点"),
    (rules(asked=1, forced=np.array([1, 1, 0, 0], dtype=bool)), Siting(), "而只要求新建1个站点；请将 siting.sites 提高到2"),
    (rules(short=np.array([3, 0])), Siting(per_town_min=3), "“东镇”还缺3个站点，而备选场所只有2个"),
    (rules(short=np.array([0, 1]), town=np.zeros(4, dtype=int)), Siting(per_town_min=1), "“西镇”还缺1个站点，却没有备选场所"),
    (rules(short=np.array([2, 2])), Siting(per_town_min=2), "每个街镇至少2个站点，加上必选的备选场所，需新建4个"),
    (rules(short=np.array([1, 1]), town=np.full(4, NOWHERE)), Siting(per_town_min=1), "备选场所均未填写街镇"),
    (rules(room=np.array([0, 1])), Siting(per_town_max=1), "要求新建2个站点，而各街镇合计最多只能再建1个"),
    (rules(room=np.array([1, 0]), forced=np.array([1, 1, 0, 0], dtype=bool)), Siting(per_town_max=1), "“东镇”有2个必选"),
    (rules(budget=5.0, cost=np.full(4, 3.0), short=np.array([1, 1])), Siting(per_town_min=1), "至少需费用6，而预算为5"),
    (rules(apart=np.array([[0, 1]]), forced=np.array([1, 1, 0, 0], dtype=bool)), Siting(spacing_m=300), "与“h1”相距不足300米"),
    (rules(asked=3, apart=np.array([[0, 1], [2, 3]])), Siting(spacing_m=300), "站点之间的最小距离与其他规则不能同时满足"),
)  # fmt: skip


@pytest.mark.parametrize(("asked", "siting", "chinese"), IMPOSSIBLE)
def test_rules_that_cannot_be_kept_are_said_in_chinese(asked: Rules, siting: Siting, chinese: str) -> None:
    with pytest.raises(PlanError) as caught:
        check_feasible(asked, siting, pd.Index([f"h{i}" for i in range(4)]))
    shown = note_said(f"walking time saved by proposed sites is left out: {caught.value}", "zh")
    assert chinese in shown
    assert shown.startswith("未计算建议站点节省的步行时间：没有可行方案：siting.")
    assert not LATIN.search(shown)


def test_keys_and_names_that_do_not_go_together_are_all_said_in_chinese() -> None:
    hosts = Candidates(pd.DataFrame({"name": ["Hall"]}, index=["h0"]))
    wrong = Siting(method=Method.LSCP, backup=0.5, unreached_minutes=20, phases=(), half_minutes=5, capacity_default=9)
    for asked in (wrong, Siting(capacity=True, backup=0.5), Siting(required=("x", "y"), forbidden=("x",))):
        with pytest.raises(PlanError) as caught:
            check_asked(hosts, asked)
        assert not LATIN.search(note_said(f"walking time saved by proposed sites is left out: {caught.value}", "zh")), asked


@pytest.mark.parametrize(("said", "chinese"), [*PROBLEMS, *MENDS])
def test_every_reason_and_mend_has_a_chinese_form(said: str, chinese: str) -> None:
    assert set(SLOT.findall(chinese)) == set(SLOT.findall(said)) - {"is", "stations", "candidates"}


def test_residents_and_quoted_names_are_said_in_chinese() -> None:
    tally = Tally("people.csv within the area", RESIDENTS, 120.0, 100.0, "3 of 12 rows lie outside the area")
    assert note_said(str(tally), "zh").startswith("常住人口，people.csv本区部分：读入120人")
    outside = "a.geojson: 25% of the area of priority '产业园' lies outside the towns"
    assert note_said(outside, "zh") == "a.geojson：优先区域“产业园”有25%的面积在各街镇界外"


def test_names_with_braces_and_unknown_sentences_stay_text() -> None:
    assert note_said("{0.__class__}: 2 invalid shapes were repaired", "zh") == "{0.__class__}：修复了2个无效图形"
    assert notes_said(["what nobody knows {x}"], "zh") == ["what nobody knows {x}"]
    assert notes_said(["areas.geojson: 2 invalid shapes were repaired"], "en") == [
        "areas.geojson: 2 invalid shapes were repaired"
    ]
