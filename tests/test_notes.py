"""A run's notes stand in the language of the document."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from planner.demand.place import RESIDENTS, Tally
from planner.errors import PlanError
from planner.publish.notes import NOTES, STEPS, note_said, notes_said
from planner.reach.islands import Islands
from planner.siting.feasible import check_feasible
from planner.siting.problem import no_rules_for
from planner.study import Siting

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
    other = "walking time saved by proposed sites is left out: no plan exists: siting.sites: 2 candidates are required but …"
    assert note_said(other, "zh") == "未计算建议站点节省的步行时间：没有可行方案，planner propose 会说明原因"
    lacking = "candidates.2: no premises with amenity=cinema or post office or library lie in the area"
    assert note_said(lacking, "zh") == "candidates.2：区域内没有此类场所（amenity=cinema、邮政网点、图书馆）"


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
