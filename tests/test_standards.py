"""What stations offer and lack by the Jiading pack, who reaches which function, and the pattern of tiers."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from pathlib import Path

import builders
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from planner.errors import PlannerWarning
from planner.policy import Offer, Policy
from planner.reach import Reach
from planner.schema import FLAGS_1_PLUS_4, Standards, Stations
from planner.sources.packs import read_policy
from planner.standards import check_tiers, measure_standards, reach_functions, says, summarise_standards, warn_of_words
from planner.study import Group, NetworkSource, PopulationSource, StationSource, Study

DAY = dt.date(2025, 6, 30)
SIX = "need, posts, matching, skills, aid, startup"


def pack(name: str) -> Policy:
    sources = NetworkSource(file="n.osm"), StationSource(file="s.csv"), PopulationSource(file="p.csv")
    return read_policy(Study("x", "towns.geojson", *sources, folder=Path(), policy=name))


JIADING = pack("jiading-2023")


def stations(**columns: list[object]) -> Stations:
    count = len(next(iter(columns.values())))
    return builders.stations_at(*((100.0 * i, 0.0) for i in range(count)), **columns)


def measured(**columns: list[object]) -> Standards:
    return measure_standards(JIADING, stations(**columns), DAY)


def test_all_items_are_all_functions():
    row = measured(services=["1-24"]).iloc[0]
    assert (row["basic"], row["extended"], row["innovative"]) == (1.0, 1.0, 1.0)
    assert row["functions"] == SIX + ", featured"
    assert row["demonstration"]
    assert pd.isna(row["lacks_functions"])


def test_completeness_is_the_share_of_each_class():
    row = measured(services=["1、2，6;23"]).iloc[0]
    assert (row["basic"], row["extended"], row["innovative"]) == pytest.approx((2 / 13, 1 / 9, 1 / 2))


def test_basic_items_make_every_function_but_skills_which_has_none():
    row = measured(services=["1-5,7,11,15-20"]).iloc[0]
    assert (row["basic"], row["extended"]) == (1.0, 0.0)
    assert row["lacks_functions"] == "skills"
    assert row["lacks_items"] == "12|13|14"
    assert not row["demonstration"]


@pytest.mark.parametrize("item", [12, 13, 14])
def test_any_item_of_skills_makes_a_demonstration_station_of_the_basic_ones(item: int):
    assert measured(services=[f"1-5,7,11,15-20,{item}"])["demonstration"].iloc[0]


def test_a_function_lacks_exactly_the_basic_items_that_are_missing():
    row = measured(services=["1-4,7,11-14,16-20"]).iloc[0]
    assert row["lacks_functions"] == "posts, aid"
    assert row["lacks_items"] == "5, 15"


def test_adding_what_is_lacking_makes_a_demonstration_station():
    for services in ("3-5,7", "24", "1,6,8-10", "15-20"):
        lacking = str(measured(services=[services])["lacks_items"].iloc[0])
        added = [part.split("|")[0].replace("+", ",") for part in lacking.split(", ")]
        assert measured(services=[",".join([services, *added])])["demonstration"].iloc[0], services


def test_functions_may_be_named_as_the_annex_or_the_plan_names_them():
    for posts in ("就业岗位筹集", "就业岗位募集", "posts"):
        said = f"就业需求摸排、{posts}、就业供需匹配、就业能力提升、就业援助帮扶、创业指导服务"
        row = measured(services=[said]).iloc[0]
        assert row["functions"] == SIX
        assert row["demonstration"]
    assert pack("shanghai-2024").read_offer("创业指导服务") == Offer(functions=frozenset({"startup"}))


@pytest.mark.parametrize("services", ["25", "0", "9-3", "咨询", "1,2,x"])
def test_services_the_pack_does_not_know_are_said_and_nothing_is_made_of_them(services: str):
    with pytest.warns(PlannerWarning, match="services of s0 are not those of jiading-2023"):
        row = measured(services=[services]).iloc[0]
    assert math.isnan(row["basic"])
    assert pd.isna(row["demonstration"])


@pytest.mark.parametrize("services", ["无", "暂无", "none", "-", "/", "——"])
def test_a_station_that_says_it_has_no_services_offers_nothing_and_lacks_everything(services: str):
    row = measured(services=[services]).iloc[0]  # without a note, which would fail this test
    assert row[["basic", "extended", "innovative"]].tolist() == [0, 0, 0]
    assert pd.isna(row["functions"])
    assert not row["demonstration"]  # missing would raise
    assert row["lacks_functions"] == SIX


def test_what_the_table_says_nothing_of_is_neither_met_nor_unmet():
    row = measured(town=["A"]).iloc[0]
    for name in ("basic", "demonstration", "flags", "staff_met", "training_met", "lacks"):
        assert pd.isna(row[name]), name
    assert row["unknown"] == ", ".join([*FLAGS_1_PLUS_4, "staff", "training"])


def test_the_five_flags_are_counted_and_those_that_fail_are_named():
    flags: dict[str, list[object]] = {name: [True] for name in FLAGS_1_PLUS_4} | {"equipment": [False], "service_rules": [None]}
    row = measured(staff=[0], **flags).iloc[0]
    assert row["flags"] == 3
    assert row["lacks"] == "equipment, staff"
    assert row["unknown"] == "service_rules, training"


@pytest.mark.parametrize(
    ("day", "met"),
    [("2025-06-30", True), ("2024-07-01", True), ("2024-06-30", False), ("2025-07-01", None), (None, None)],
)
def test_training_counts_for_twelve_months_and_not_before_it_was_held(day: str | None, met: bool | None):
    found = measured(trained_on=[day])["training_met"].iloc[0]
    assert pd.isna(found) if met is None else bool(found) is met


def test_what_the_pack_does_not_ask_is_neither_met_nor_unmet():
    row = measure_standards(Policy("p", "p", "p", "us"), stations(staff=[3], trained_on=["2025-06-01"]), DAY).iloc[0]
    assert pd.isna(row["staff_met"])
    assert pd.isna(row["training_met"])


@pytest.mark.parametrize(
    ("cell", "there"),
    [
        ("设有自助服务区", True),
        ("专窗专柜、自 助 服 务", True),
        ("无障碍自助服务", True),
        ("无自助服务", False),
        ("非自助服务", False),
        ("专窗专柜，没有自助服务", False),
        ("没有专窗专柜和自助服务", False),
        ("休息区但未设置自助服务", False),
        ("无自助服务；另有自助服务点", True),
        ("自助服务：无", False),
        ("自助服务区（暂未开放）", False),
        ("专窗专柜有，自助服务 没有", False),
        ("自助服务设备=否", False),
        ("自助服务终端 0 台", False),
        ("自助服务机在建", False),
        ("专窗专柜√ 自助服务×", False),
        ("专窗专柜× 自助服务√", True),
        ("√专窗专柜 □自助服务", False),
        ("□ 专窗专柜 ☑ 自助服务", True),
        ("自助服务 0:00-24:00", True),
        ("自助服务（周末不开放）", True),
        ("自助服务无需预约", True),
        ("自助服务：无障碍", True),
        ("自助服务、休息等候区无", True),
        ("无人值守自助服务", True),
        ("自助服务 关闭时间17:00", True),
    ],
)
def test_a_facility_that_is_denied_is_not_there(cell: str, there: bool):
    assert says(cell, "自助服务") is there


@pytest.mark.parametrize(
    ("cell", "there"),
    [
        ("Self-Service desk", True),
        ("no self service", False),
        ("notice board, self service", True),
        ("self service: none", False),
        ("self service (not yet)", False),
        ("self service no. 3", True),
    ],
)
def test_a_denial_in_english_is_a_whole_word(cell: str, there: bool):
    assert says(cell, "self service") is there


@pytest.mark.parametrize("dash", ["-", "－", "‐", "−", "–", "~", "至", "到", "——", "〜", " - ", " — ", "项至第"])
def test_a_range_of_items_is_read_whatever_its_dash(dash: str):
    offer = JIADING.read_offer(f"1{dash}5")
    assert offer is not None
    assert offer.items == {1, 2, 3, 4, 5}


def test_a_pack_without_standards_asks_nothing():
    generic = pack("generic")
    assert not generic.has_standards
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = measure_standards(generic, stations(services=["whatever"], staff=[0]), DAY)
    assert pd.isna(table["functions"].iloc[0])
    assert len(check_tiers(generic, stations(tier=["town"]))) == 1


def test_tiers_are_checked_against_the_pattern_whatever_they_are_called():
    tier: list[object] = ["centre", "区级中心", *["街镇站点"] * 6, *["Town Station"] * 6, "site", "村居", "mars", None]
    table = check_tiers(JIADING, stations(tier=tier))
    assert table["asked"].tolist()[:2] == [1, 12]
    assert table["found"].to_dict() == {"centre": 2, "town": 12, "site": 2, "mars": 1, "–": 1}
    assert table["met"].tolist() == [False, True, True, False, False]
    assert table["finding"].to_dict()["centre"] == "1 too many"
    assert table["zh"].tolist() == [
        "区级中心",
        "街镇站点",
        "就业服务点",
        "mars",
        "未填写层级",
    ]  # a strange word is called by itself
    assert table["en"].tolist()[3:] == ["mars", "no tier said"]


def test_a_tier_or_a_kind_that_is_said_to_be_none_is_none():
    told = stations(tier=["centre", "无", "-", None], kind=["零工小站", "—", "无", "特色小站"])
    assert check_tiers(JIADING, told)["found"].to_dict() == {"centre": 1, "town": 0, "site": 0, "–": 3}
    with pytest.warns(PlannerWarning, match=r"the kind of s3 is none that jiading-2023 names \(特色小站\)"):
        warn_of_words(JIADING, told)


def test_too_few_of_a_tier_are_said():
    assert check_tiers(JIADING, stations(tier=["town"] * 9)).loc["town", "finding"] == "3 too few"


def functions_of(services: list[object], walks: list[list[float]], **columns: list[object]) -> pd.DataFrame:
    table = stations(services=services)
    demand = builders.demand_at([(0.0, 0.0)] * 3, [10.0, 20.0, 70.0], **columns)
    seconds = np.array(walks, dtype=np.float32)
    row, column = np.nonzero(~np.isnan(seconds))
    reach = Reach(table.index, demand.index, sp.csr_array((seconds[row, column], (row, column)), shape=seconds.shape))
    groups = [Group(name[4:]) for name in columns]
    return reach_functions(JIADING, reach, demand, table, groups)


NO = math.nan


def test_residents_reach_a_function_and_not_only_a_station():
    found = functions_of(["1-3", "1-5,7", None], [[0.0, NO, NO], [NO, 60.0, NO], [NO, NO, 0.0]], pop_old=[1.0, 2.0, 4.0])
    assert found["covered_pop"].to_dict() == {
        "need": 30.0, "posts": 20.0, "matching": 0.0, "skills": 0.0, "aid": 0.0, "startup": 0.0, "featured": 0.0, "all": 0.0,
    }  # fmt: skip
    assert found.loc["need", "coverage"] == pytest.approx(0.3)
    assert found["stations"].tolist()[:3] == [2, 1, 0]
    assert found.loc["posts", "covered_old"] == 2.0


def test_all_functions_may_be_reached_at_several_stations():
    found = functions_of(["1-5,7,11", "12,15-20"], [[0.0, 0.0, NO], [NO, 60.0, 60.0]])
    assert found.loc["all", "covered_pop"] == 20.0
    assert found.loc["all", "stations"] == 0
    assert (found["covered_pop"] >= 0).all()
    assert (found.loc[SIX.split(", "), "covered_pop"] >= found.loc["all", "covered_pop"]).all()


def test_the_headline_of_standards_is_that_of_the_tables():
    table = measured(services=["1-24", "1"], tier=["centre", "town"], **{name: [True, False] for name in FLAGS_1_PLUS_4})
    walked = functions_of(["1-24", "1"], [[0.0, NO, NO], [NO, 0.0, NO]])
    said = summarise_standards(table, check_tiers(JIADING, stations(tier=["centre", "town"])), walked)
    assert (said["demonstration_stations"], said["stations_that_meet_1_plus_4"], said["stations_that_lack_something"]) == (
        1,
        1,
        1,
    )
    assert said["tiers"]["town"] == {"asked": 12, "found": 1, "met": False, "finding": "11 too few"}
    assert said["functions"]["all"] == {"stations": 1, "population": 100.0, "covered_pop": 10.0, "coverage": 0.1}
