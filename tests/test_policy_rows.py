"""What the policy documents ask, row by row: each row has a test here or elsewhere that would fail if it were not so.

`ROWS` names them by words of the documents. What another file holds already is named there and not said again.
"""

from __future__ import annotations

import ast
import csv
import datetime as dt
import json
import re
import warnings
from pathlib import Path

import builders
import docx
import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from lattice_study import PEOPLE_A_CORNER, SIDE, lonlat, write_lattice_study

import planner
from planner.errors import PlannerWarning
from planner.policy import How, Policy, Scope, Tier
from planner.profiles import KMH, PROFILES
from planner.progress import track_figures, track_targets
from planner.publish.notes import note_said
from planner.schema import RECORDED, Stations
from planner.sources.packs import pack_names, read_pack
from planner.standards import check_tiers, measure_standards, warn_of_words
from planner.study import Scenario, host_kind

HERE = Path(__file__).resolve().parent
DISTRICT = HERE.parent / "data" / "district"
DAY, END_2024, END_2026 = dt.date(2025, 6, 30), dt.date(2024, 12, 31), dt.date(2026, 12, 31)

HOSTS = (
    "邻里中心", "党群服务中心", "社区事务受理服务中心", "村居服务点", "社工站", "园区", "商务楼宇", "校区", "商圈",
    "物业服务中心", "便民商业网点", "零工市场", "银行网点", "社区医院", "社区食堂", "社区便民服务站",
)  # fmt: skip
KEY_GROUPS = (
    "高校毕业生", "青年大学生", "就业困难人员", "登记失业人员", "长期失业人员", "长期失业青年", "16–24岁登记失业青年",
    "零就业家庭", "低保人员", "残疾人", "退役军人", "农民工", "老年人",
    "灵活就业和新就业形态人员", "有创业意向者", "易地搬迁安置居民",
)  # fmt: skip

ROWS: dict[str, tuple[str, ...]] = {
    # targets and time
    "功能较为完备的就业服务站点": (
        "test_the_targets_of_the_district_are_those_counted_by_hand",
        "test_counting.py::test_a_well_equipped_station_offers_all_basic_items_or_says_so",
    ),
    "不少于24个": (
        "test_the_targets_of_the_district_are_those_counted_by_hand",
        "test_policy.py::test_jiading_asks_what_the_plan_asks",
    ),
    "新建或试点建设": ("test_a_station_is_new_built_or_a_pilot",),
    "特色示范站点": ("test_a_featured_station_is_encouraged_and_never_forced",),
    "350个": (
        "test_figures.py::test_a_citys_target_counts_only_what_was_handed_down_and_accepted_stations_count",
        "test_figures.py::test_shares_must_add_up_and_name_targets_and_towns",
        "test_track.py::test_a_share_that_was_handed_to_towns_falls_to_their_area",
    ),
    "申报验收": (
        "test_track.py::test_the_status_on_a_day_is_the_last_stage_whose_date_has_come",
        "test_track.py::test_planned_applied_built_and_accepted_stations_are_told_apart",
    ),
    "新建20个": (
        "test_seven_in_the_first_year_and_twenty_in_three_count_new_stations_alone",
        "test_siting.py::test_a_district_in_three_phases_is_proven",
        "test_location_models.py::test_median_phases_are_chosen_together_and_each_is_held_against_its_own_best",
    ),
    "兜底帮扶": ("test_five_thousand_people_helped_are_a_recorded_figure_against_a_target",),
    "明确融合点位数量": (
        "test_fused_points_of_each_year_and_what_they_are_expected_to_do_are_targets",
        "test_counting.py::test_fused_points_can_be_a_target_of_ones_own_pack",
    ),
    # siting and coverage
    "为服务半径": ("test_pace_cutoff_and_profile_stand_on_every_output",),
    "应建尽建": ("test_every_gap_is_found", "test_location_models.py::test_the_fewest_sites_for_all_and_for_a_share"),
    "全面摸排重点群体分布区域": (
        "test_a_site_goes_where_weighted_need_is",
        "test_siting.py::test_weighted_need_and_not_heads_decides",
    ),
    "易地搬迁集中安置区": (
        "test_four_kinds_of_area_raise_the_need_in_them",
        "test_priority.py::test_need_counts_by_the_largest_factor_and_cells_are_split_at_the_border",
    ),
    "覆盖城乡": (
        "test_a_rural_town_has_its_own_minutes_and_mode",
        "properties/test_pace_laws.py::test_the_residents_town_decides_the_profile",
    ),
    "资源承载能力": (
        "test_indicators.py::test_density_load_and_supply_are_ratios_of_what_stands_there",
        "test_location_models.py::test_people_beyond_the_capacity_are_not_served",
    ),
    "常住人口全覆盖": (
        "test_residents_are_the_denominator_and_employers_a_demand_of_their_own",
        "test_workplaces.py::test_jobs_stand_apart_from_key_groups_in_pages_workbook_and_report",
    ),
    "服务网络密度不足": (
        "test_recompute.py::test_every_indicator_of_a_place_follows_from_the_tables",
        "test_access.py::test_the_worst_town_and_group_are_named",
    ),
    "行程时间": (
        "test_access.py::test_walking_saved_is_of_those_who_had_a_station_and_have_one",
        "test_indicators.py::test_time_saved_is_that_of_those_who_walk_less",
    ),
    "分片或全域推动": (
        "test_rollout.py::test_what_each_phase_covers_in_each_area_is_arithmetic",
        "test_track.py::test_areas_count_what_stands_in_their_towns_and_what_falls_to_them",
        "test_figures.py::test_a_pack_has_the_roll_out_areas_of_the_study",
    ),
    "公园、商超、集市、车站": ("test_counting.py::test_outreach_points_are_no_stations_unless_the_study_says_so",),
    "嵌入式; 依托": (
        "test_hosts.py::test_premises_are_asked_for_by_kind_and_told_apart_by_their_names",
        "test_hosts.py::test_a_premises_of_a_file_and_of_the_map_is_one",
    ),
    # tiers, kinds, hosts
    "1+12+X": (
        "test_a_tier_pattern_says_what_is_too_many_too_few_missing_or_of_no_tier",
        "test_counting.py::test_a_tier_pattern_of_ones_own_such_as_1_8_30_n",
    ),
    "四级网络": ("test_the_four_levels_of_the_network_are_told_by_the_words_of_the_table",),
    "园区就业超市": ("test_the_featured_kinds_are_those_of_the_plan",),
    "demonstration station": (
        "test_a_demonstration_station_has_six_functions_and_may_open_four_zones",
        "test_lift.py::test_no_other_choice_brings_more",
        "test_standards.py::test_adding_what_is_lacking_makes_a_demonstration_station",
    ),
    "融合型服务站点": ("test_circle.py::test_stations_are_told_apart_and_hosts_stand_among_services",),
    "家门口就业服务站": ("test_the_six_kinds_of_station_are_known_and_others_are_said",),
    "hosts:": (
        "test_every_host_of_the_documents_can_be_asked_for",
        "test_hosts.py::test_every_kind_that_a_shipped_pack_names_has_tags",
    ),
    "life-circle services": (
        "test_policy.py::test_the_packs_hold_the_figures_facilities_and_services_of_their_documents",
        "test_circle.py::test_cells_say_what_they_reach_and_lack",
        "test_circle.py::test_stations_are_told_apart_and_hosts_stand_among_services",
    ),
    # standards, staff, services
    '"1+4"': ("test_standards.py::test_the_five_flags_are_counted_and_those_that_fail_are_named",),
    "officer a station": (
        "test_an_officer_a_station_and_a_training_a_year_are_asked",
        "test_standards.py::test_training_counts_for_twelve_months_and_not_before_it_was_held",
    ),
    "就业需求摸排": (
        "test_standards.py::test_functions_may_be_named_as_the_annex_or_the_plan_names_them",
        "test_standards.py::test_residents_reach_a_function_and_not_only_a_station",
    ),
    "24 service items": (
        "test_the_service_items_are_in_the_classes_of_the_annex",
        "test_standards.py::test_completeness_is_the_share_of_each_class",
    ),
    "专窗专柜": (
        "test_counting.py::test_facilities_and_rules_are_those_of_the_pack",
        "test_figures.py::test_what_towns_record_adds_up_or_is_averaged",
    ),
    # key groups (a paragraph)
    "高校毕业生": ("test_all_key_groups_of_the_documents_are_counts_with_weights", "test_population_groups.py"),
    # governing and publishing
    "月跟踪": (
        "test_the_pack_says_how_often_the_policy_asks_for_reports",
        "test_figures.py::test_a_pack_is_written_whole_in_both_languages_and_says_what_changed",
    ),
    "年终绩效考核": ("test_the_year_is_summed_up_by_town",),
    "发布就业服务站点地图": (
        "test_the_published_map_has_every_station_that_stands",
        "test_atlas.py::test_the_public_page_has_only_public_columns",
    ),
    "公布站点服务项目清单": ("test_the_published_map_has_every_station_that_stands",),
    "一图统管": (
        "test_maps.py::test_facilities_are_off_at_first_and_are_shown_found_and_told",
        "test_maps.py::test_a_tap_tells_which_stations_are_within_the_walk_and_in_how_many_minutes",
    ),
    "重点群体实名信息": (
        "test_audit.py::test_what_is_planted_is_found_and_not_repeated",
        "test_run.py::test_no_small_count_of_a_key_group_is_in_any_table",
    ),
    "无障碍": (
        "test_maps.py::test_axe_finds_nothing_to_mend",
        "properties/test_pace_laws.py::test_wheels_never_take_steps_and_feet_never_a_way_closed_to_them",
    ),
    "满意度和服务需求调查": ("test_ratings_and_surveys_stand_beside_the_scores",),
    # known traps
    "any form for them is ours": ("test_the_pack_says_how_often_the_policy_asks_for_reports",),
    "1+2+15+保障": ("test_what_is_never_defined_is_not_modelled",),
    "area alone can never be the headline": ("test_the_headline_is_people_and_not_area",),
    '"15 minutes" in the field': ("test_fifteen_minutes_are_what_the_named_profile_makes_of_them",),
}


def names_in(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", sorted(ROWS))
def test_every_test_that_a_row_rests_on_exists(row: str):
    for reference in ROWS[row]:
        file, _, name = reference.rpartition("::") if "::" in reference else ("", "", reference)
        if reference.endswith(".py"):
            assert (HERE / reference).is_file()
        else:
            assert name in names_in(HERE / (file or Path(__file__).name)), reference


@pytest.mark.shared
def test_no_row_is_left_out():
    text = HERE.parents[1] / "shared" / "policy" / "requirements.md"
    if not text.is_file():
        pytest.skip("the rows that the documents were sorted into are not beside the project")
    rows = [line for line in text.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d|^高校毕业生|^- ", line)]
    assert len(rows) >= 45
    assert [row for row in rows if not any(key in row for key in ROWS)] == []


# --- the made district, by hand ---


@pytest.fixture(scope="module")
def tracked() -> planner.Tracking:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # some live on an islet
        return planner.track_study(planner.read_study(DISTRICT), DAY, period="year")


def stations_by_hand() -> list[dict[str, str]]:
    """The rows that stand on the day, out of the file alone."""
    with (DISTRICT / "stations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [r for r in rows if r["status"] in ("built", "accepted") and r["opened"] <= DAY.isoformat()]


def items_by_hand(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_the_targets_of_the_district_are_those_counted_by_hand(tracked: planner.Tracking):
    basic = {1, 2, 3, 4, 5, 7, 11, 15, 16, 17, 18, 19, 20}
    standing = stations_by_hand()
    equipped = [r for r in standing if basic <= items_by_hand(r["services"]) or r["basic_functions"] == "1"]
    towns = tracked.targets.loc["each-town"]
    assert len(towns) == 12
    for town, row in towns.iterrows():
        own = sorted(r["opened"] for r in equipped if r["town"] == town)
        assert row["counted"] == len(own)
        assert row["met"] == bool(own)
        late = (dt.date.fromisoformat(own[0]) if own else DAY) - dt.date(2023, 12, 31)
        assert row["days_late"] == max(late.days, 0)
    whole = tracked.targets.loc[("district-total", "district")]
    assert (whole["counted"], whole["minimum"], whole["shortfall"]) == (len(standing), 24, 24 - len(standing))
    assert whole["days_left"] == (dt.date(2025, 12, 31) - DAY).days


def test_a_featured_station_is_encouraged_and_never_forced(tracked: planner.Tracking):
    featured = tracked.targets.loc["featured-each-town"]
    assert not featured["binding"].any()
    assert (featured["met"] == (featured["counted"] >= 1)).all()
    assert not featured["met"].all()  # some have none, and nothing is forced on them:
    target = next(t for t in read_pack("jiading-2023").targets if t.name == "featured-each-town")
    assert Policy("p", "p", "p", "us", targets=(target,), featured_kinds=("特色站点",)).town_minimum(END_2026) is None


def test_the_featured_kinds_are_those_of_the_plan(tracked: planner.Tracking):
    kinds = ("园区就业超市", "校园就业驿站", "就业商超", "零工小站")
    assert read_pack("jiading-2023").featured_kinds == kinds
    by_hand: dict[str, int] = {}
    for row in stations_by_hand():
        by_hand[row["town"]] = by_hand.get(row["town"], 0) + (row["kind"] in kinds)
    assert {t: n for t, n in tracked.targets.loc["featured-each-town", "counted"].items() if n} == {
        t: n for t, n in by_hand.items() if n
    }


def test_the_year_is_summed_up_by_town(tracked: planner.Tracking):
    towns = tracked.coverage.drop(index="district")
    assert len(towns) == 12
    for column in ("population", "covered_before", "covered_after", "stations_before", "stations_after"):
        assert towns[column].sum() == pytest.approx(tracked.coverage.loc["district", column])
    assert tracked.before == END_2024
    standing = [row["town"] for row in stations_by_hand()]
    assert towns["stations_after"].to_dict() == {town: standing.count(town) for town in towns.index}
    areas = tracked.area_coverage
    assert areas is not None
    assert areas["covered_after"].sum() == pytest.approx(
        tracked.coverage.loc["district", "covered_after"]
    )  # four areas, all towns


def test_residents_are_the_denominator_and_employers_a_demand_of_their_own(tracked: planner.Tracking, tmp_path: Path):
    with (DISTRICT / "towns.geojson").open(encoding="utf-8") as file:
        said = {f["properties"]["town"]: f["properties"]["population"] for f in json.load(file)["features"]}
    assert tracked.coverage["population"].drop("district").to_dict() == pytest.approx(said)
    folder = write_lattice_study(tmp_path)
    lon, lat = lonlat(5, 5)
    (folder / "firms.csv").write_text(f"lon,lat,count\n{lon},{lat},7\n", encoding="utf-8")
    text = (folder / "study.toml").read_text(encoding="utf-8")
    text += '\n[[groups]]\nname = "firms"\nlabel = "用人单位"\nof = "employers"\nfile = "firms.csv"\ncolumn = "count"\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    _, _, groups = planner.score_survey(planner.survey_study(planner.read_study(folder)))
    assert groups.loc["residents", "total"] == PEOPLE_A_CORNER * SIDE**2
    assert (groups.loc["firms", "total"], groups.loc["firms", "covered"]) == (7, 7)


# --- packs ---


def test_seven_in_the_first_year_and_twenty_in_three_count_new_stations_alone():
    days = ["2023-11-01"] * 3 + [f"2024-{month:02}-15" for month in range(3, 10)] + ["2025-06-01"] * 12
    table = builders.stations_at(
        *((100.0 * i, 0.0) for i in range(len(days))), town=["A"] * len(days), status=["built"] * len(days), built_on=list(days)
    )
    pack = read_pack("daxinganling-2024")
    first = track_targets(pack, table, ["A"], END_2024)
    assert first.loc[("first-seven", "district"), ["counted", "met", "days_late"]].tolist() == [7, True, 0]
    assert first.loc[("twenty", "district"), ["counted", "shortfall", "days_left"]].tolist() == [7, 13, 730]
    last = track_targets(pack, table, ["A"], END_2026)
    assert last.loc[("twenty", "district"), ["counted", "met", "shortfall"]].tolist() == [19, False, 1]


def test_five_thousand_people_helped_are_a_recorded_figure_against_a_target():
    def helped(*values: float) -> pd.Series:
        rows = [("people_helped", f"2025-0{i + 1}-15", "district", value) for i, value in enumerate(values)]
        told = RECORDED.conform(pd.DataFrame(rows, columns=["figure", "date", "place", "value"]))
        return track_figures(read_pack("daxinganling-2024"), told, ["A"], DAY).loc[("people_helped", "district")]

    short, enough = helped(3000.0, 1999.0), helped(3000.0, 2000.0)
    assert (short["value"], short["met"], short["shortfall"]) == (4999, False, 1)
    assert (enough["value"], enough["met"], enough["met_on"]) == (5000, True, pd.Timestamp("2025-02-15"))
    assert enough["by"] == pd.Timestamp(END_2026)


def test_fused_points_of_each_year_and_what_they_are_expected_to_do_are_targets(tmp_path: Path):
    folder = write_lattice_study(tmp_path)
    rows = ["station_id,name,lon,lat,kind,host,status,opened"]
    for key, i, kind, host, opened in (
        ("F1", 5, "就业角", "", "2024-05-01"),
        ("F2", 8, "", "银行网点", "2025-02-01"),
        ("P1", 11, "就业驿站", "银行网点", "2025-03-01"),
    ):
        rows.append(f"{key},{key},{lonlat(i, 5)[0]},{lonlat(i, 5)[1]},{kind},{host},built,{opened}")
    (folder / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    pack = (
        (HERE.parent / "planner" / "packs" / "shandong-2025.toml").read_text(encoding="utf-8").replace("shandong-2025", "ours")
    )
    for year, minimum in ((2024, 1), (2025, 2)):
        pack += f'\n[[targets]]\nname = "fused-{year}"\nen = "fused {year}"\nzh = "融合点位{year}"\ncounts = "fused"\n'
        pack += f'minimum = {minimum}\nsince = {year}-01-01\nby = {year}-12-31\nphrase = "明确融合点位数量及预期效果"\n'
    pack = pack.replace('zh     = "融合点位服务人次"\n', 'zh     = "融合点位服务人次"\nminimum = 100\nyearly = true\n')
    (folder / "ours.toml").write_text(pack, encoding="utf-8")
    text = 'policy = "ours.toml"\n' + (folder / "study.toml").read_text(encoding="utf-8")
    text += '\n[[recorded]]\nfigure = "people_served"\ndate = 2025-04-01\nvalue = 120\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    found = planner.track_study(planner.read_study(folder), DAY)
    assert found.targets["counted"].to_dict() == {("fused-2024", "district"): 2, ("fused-2025", "district"): 1}  # late ones too
    assert found.targets["met"].tolist() == [True, False]
    served = found.figures.loc[("people_served", "district")]
    assert (served["value"], served["minimum"], served["met"]) == (120, 100, True)


@pytest.mark.parametrize(
    ("pattern", "counts", "given", "found"),
    [
        ("1+12+X", (1, 12, None), {"a": 1, "b": 12, "c": 3}, {}),
        ("1+12+X", (1, 12, None), {"a": 1, "b": 12}, {}),  # none of what may be any number
        ("1+12+X", (1, 12, None), {"a": 2, "b": 11, "c": 3}, {"a": "1 too many", "b": "1 too few"}),
        ("1+12+X", (1, 12, None), {"b": 12}, {"a": "1 too few"}),
        ("1+8+30+N", (1, 8, 30, None), {"a": 1, "b": 8, "c": 30, "d": 7}, {}),
        ("1+8+30+N", (1, 8, 30, None), {"a": 1, "c": 33, "d": 7}, {"b": "8 too few", "c": "3 too many"}),
        ("1+8+30+N", (1, 8, 30, None), {"a": 1, "b": 8, "c": 30, "kiosk": 2}, {"kiosk": "no tier of the pack"}),
        ("1+8+30+N", (1, 8, 30, None), {"a": 1, "b": 8, "c": 30, None: 1}, {"–": "stations that say no tier"}),
    ],
)
def test_a_tier_pattern_says_what_is_too_many_too_few_missing_or_of_no_tier(
    pattern: str, counts: tuple[int | None, ...], given: dict[str | None, int], found: dict[str, str]
):
    tiers = tuple(Tier(name, name, f"{name}级", count) for name, count in zip("abcd", counts, strict=False))
    words: list[object] = [word for word, count in given.items() for _ in range(count)]
    table = check_tiers(
        Policy("p", "p", "p", "us", tier_pattern=pattern, tiers=tiers),
        builders.stations_at(*((10.0 * i, 0.0) for i in range(len(words))), tier=words),
    )
    assert table.loc[~table["met"], "finding"].to_dict() == found
    assert table["found"].sum() == len(words)


def test_the_four_levels_of_the_network_are_told_by_the_words_of_the_table():
    words: list[object] = ["市级", "区级", "街镇", "街镇级", "居村", "居村级", "村居"]
    table = check_tiers(read_pack("shanghai-2024"), builders.stations_at(*((10.0 * i, 0.0) for i in range(7)), tier=words))
    assert table["zh"].tolist() == ["市级", "区级", "街镇级", "居村级"]
    assert table["found"].tolist() == [1, 1, 2, 3]
    assert table["met"].all()  # no number is asked of any


def test_what_is_never_defined_is_not_modelled():
    patterns = {name: read_pack(name).tier_pattern for name in pack_names()}
    assert {name: pattern for name, pattern in patterns.items() if pattern} == {"jiading-2023": "1+12+X"}
    assert all(tier.count is None for tier in read_pack("shanghai-2024").tiers)


def test_the_service_items_are_in_the_classes_of_the_annex():
    numbers = {
        str(kind): sorted(i.number for i in read_pack("jiading-2023").items if i.item_class == kind)
        for kind in ("basic", "extended", "innovative")
    }
    assert numbers == {
        "basic": [1, 2, 3, 4, 5, 7, 11, *range(15, 21)],
        "extended": [6, 8, 9, 10, 12, 13, 14, 21, 22],
        "innovative": [23, 24],
    }


def told(**columns: list[object]) -> Stations:
    count = len(next(iter(columns.values())))
    return builders.stations_at(*((100.0 * i, 0.0) for i in range(count)), **columns)


def test_an_officer_a_station_and_a_training_a_year_are_asked():
    table = measure_standards(
        read_pack("jiading-2023"), told(staff=[0, 1, None], trained_on=["2024-06-30", "2024-07-01", None]), DAY
    )
    assert table["staff_met"].tolist() == [False, True, pd.NA]
    assert table["training_met"].tolist() == [False, True, pd.NA]
    assert {"staff", "training"} <= set(str(table["lacks"].iloc[0]).split(", "))
    assert [read_pack(name).minimum_staff for name in ("jiading-2023", "shanghai-2024", "daxinganling-2024")] == [1, 1, 1]


def test_a_station_is_new_built_or_a_pilot(tmp_path: Path):
    folder = write_lattice_study(tmp_path)
    rows = ["station_id,name,lon,lat,status,opened,建设方式"]
    for key, i, how in (("N", 5, "新建"), ("T", 8, "试点"), ("U", 11, "")):
        rows.append(f"{key},{key},{lonlat(i, 5)[0]},{lonlat(i, 5)[1]},built,2024-01-01,{how}")
    (folder / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    survey = planner.survey_study(planner.read_study(folder, ['policy="jiading-2023"']))
    standards = planner.check_standards(survey).standards
    assert standards["built_as"].fillna("").to_dict() == {"N": "new", "T": "pilot", "U": ""}


def test_a_demonstration_station_has_six_functions_and_may_open_four_zones():
    jiading = read_pack("jiading-2023")
    zones = "就业培训区、创业指导区、劳动维权区、综合服务区"
    table = measure_standards(jiading, told(services=["1-24", "1-24", "1-5,7,11,15-20"], zones=[zones, None, None]), DAY)
    assert table["demonstration"].tolist() == [True, True, False]  # zones may be opened; they are not asked
    assert table["zones"].iloc[0] == zones
    assert tuple(zones.split("、")) == jiading.zones
    assert table["lacks_functions"].iloc[2] == "skills"


def test_the_six_kinds_of_station_are_known_and_others_are_said():
    pack = read_pack("daxinganling-2024")
    kinds: list[object] = ["家门口就业服务站", "零工市场", "就业驿站", "就业小店", "就业小屋", "就业小站"]
    warn_of_words(pack, told(kind=kinds))  # a warning would be an error
    with pytest.warns(PlannerWarning, match="the kind of s1 is none that daxinganling-2024 names"):
        warn_of_words(pack, told(kind=["零工 市场", "茶馆", None]))


def test_kinds_and_tiers_that_are_no_words_of_the_pack_are_said_with_those_it_has():
    jiading = read_pack("jiading-2023")
    table = told(kind=["零工小站", "特色站点", None], tier=["街镇", "社区", " "])
    with pytest.warns(PlannerWarning) as caught:
        warn_of_words(jiading, table)
    kind, tier = (str(each.message) for each in caught)
    assert kind.startswith("stations: the kind of s1 is none that jiading-2023 names (特色站点); ")
    assert kind.endswith("not where it counts by kind; its kinds are 园区就业超市, 校园就业驿站, 就业商超, 零工小站")
    assert tier.startswith("stations: the tier of s1 is none that jiading-2023 names (社区); ")
    assert tier.endswith("but in none of its tiers; its tiers are 区级中心, 街镇站点, 就业服务点")
    warn_of_words(
        jiading, told(kind=["就业服务站", "专业化服务站点", None])
    )  # ordinary stations: it names featured kinds alone
    for each in caught:
        assert "站点s1的" in note_said(str(each.message), "zh")
    warn_of_words(read_pack("generic"), table)  # has no kinds and no tiers: a warning would be an error


def test_every_host_of_the_documents_can_be_asked_for():
    asked = [host_kind(name) for name in HOSTS]
    assert [kind.zh for kind in asked] == list(HOSTS)
    assert all(kind.tags for kind in asked)
    named = {kind for name in pack_names() for kind in read_pack(name).host_kinds}
    assert set(HOSTS) <= named


# --- siting and coverage, on the lattice ---


def near(i: int, j: int) -> bool:
    """Within three blocks of one of the two stations that stand, at (5, 5) and (5, 8)."""
    return abs(i - 5) + min(abs(j - 5), abs(j - 8)) <= 3


def test_every_gap_is_found(out: Path):
    cells = gpd.read_parquet(out / "demand.parquet")
    at = cells.geometry.to_crs("EPSG:4326")
    covered = dict(zip(zip(at.x.round(6), at.y.round(6), strict=True), cells["covered"], strict=True))
    corners = {
        (round(lon, 6), round(lat, 6)): near(i, j) for i in range(SIDE) for j in range(SIDE) for lon, lat in [lonlat(i, j)]
    }
    assert covered == corners
    said = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert said["unreachable_pop"] == cells.loc[~cells["covered"], "population"].sum()


def test_a_site_goes_where_weighted_need_is(tmp_path: Path):
    """More residents live around the library, more graduates around the hall."""
    folder = write_lattice_study(tmp_path)
    rows = ["lon,lat,people,graduates"]
    for i in range(SIDE):
        for j in range(SIDE):
            library, hall = abs(i - 15) + abs(j - 5) <= 3, abs(i - 15) + abs(j - 15) <= 3
            rows.append(f"{lonlat(i, j)[0]},{lonlat(i, j)[1]},{12 if library else 10},{6 if hall else 2}")
    (folder / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    chosen = {}
    for weight in (0.0, 2.0):
        sets = ["siting.sites=1", f'groups=[{{name="graduates", weight={weight}, column="graduates"}}]']
        plan = planner.propose(planner.survey_study(planner.read_study(folder, sets)), with_frontier=False).plan
        assert plan is not None
        chosen[weight] = plan.sites["name"].tolist()
    assert chosen == {0.0: ["Library"], 2.0: ["Hall"]}


@pytest.mark.parametrize("kind", ["settlement", "crowd", "industry", "resettlement"])
def test_four_kinds_of_area_raise_the_need_in_them(tmp_path: Path, kind: str):
    folder = write_lattice_study(tmp_path)
    ring = [list(lonlat(*corner)) for corner in ((12.5, 12.5), (18.5, 12.5), (18.5, 18.5), (12.5, 18.5), (12.5, 12.5))]
    feature = {"type": "Feature", "properties": {"name": "here"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (folder / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    area = f'areas=[{{name="first", kind="{kind}", factor=3.0, file="areas.geojson"}}]'
    plain, raised = (
        planner.survey_study(planner.read_study(folder, [*more, "siting.sites=1"])) for more in ([], [area])
    )  # fmt: skip
    assert raised.demand["population"].sum() == plain.demand["population"].sum()
    assert raised.demand["need"].sum() - plain.demand["need"].sum() == pytest.approx(36 * (10 + 2 * 2.0) * 2)
    plan = planner.propose(raised, with_frontier=False).plan
    assert plan is not None
    assert plan.sites["name"].tolist() == ["Hall"]


def test_a_rural_town_has_its_own_minutes_and_mode(tmp_path: Path):
    folder = write_lattice_study(tmp_path)
    lon, lat = lonlat(15, 5)
    with (folder / "stations.csv").open("a", encoding="utf-8") as file:
        file.write(f"S9,East,{lon},{lat},built,2024-01-01\n")
    plain = planner.survey_study(planner.read_study(folder)).coverage
    rural = planner.survey_study(planner.read_study(folder, ['walk.towns.East={minutes=9, profile="bicycle"}'])).coverage
    west = (plain["town"] == "West").to_numpy()
    pd.testing.assert_series_equal(plain.loc[west, "covered"], rural.loc[west, "covered"])
    assert plain.loc[~west, "covered"].sum() == 25  # three blocks around it, all in the east
    doors = ((15, 5), (5, 5), (5, 8))
    east = [(i, j) for i in range(11, SIDE) for j in range(SIDE)]
    riders = sum(min(abs(i - a) + abs(j - b) for a, b in doors) <= 18 for i, j in east)  # 1800 m at 12 km/h
    assert rural.loc[~west, "covered"].sum() == riders


# --- what is published ---


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the lattice town whose stations say their services, ratings and what people ask for."""
    folder = write_lattice_study(tmp_path_factory.mktemp("published"))
    rows = ["station_id,name,lon,lat,status,opened,services,rating,survey"]
    rows.append(f"S1,一号站,{lonlat(5, 5)[0]},{lonlat(5, 5)[1]},built,2024-01-15,1-3,4.5,想要夜校")
    rows.append(f"S2,Second,{lonlat(5, 8)[0]},{lonlat(5, 8)[1]},accepted,2025-03-01,23,3.9,")
    rows.append(f"S3,Planned,{lonlat(15, 15)[0]},{lonlat(15, 15)[1]},planned,,,,")
    (folder / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    study = planner.read_study(folder, ['policy="jiading-2023"'])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)
        return planner.run_study(study).write(tmp_path_factory.mktemp("out") / "run")


def text_of(path: Path) -> str:
    if path.suffix == ".docx":
        document = docx.Document(str(path))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(p.text for p in document.paragraphs), *cells])
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path, read_only=True)
        return "\n".join(str(value) for sheet in book for row in sheet.iter_rows(values_only=True) for value in row)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["index.html", "internal.html", "report.docx", "report.html", "workbook.xlsx"])
def test_pace_cutoff_and_profile_stand_on_every_output(out: Path, name: str):
    assert re.search(r"每小时3\.6公里，5分钟约合沿道路300\s*米", text_of(out / name)), name


def test_pace_and_cutoff_stand_beside_every_figure_of_the_tables(out: Path):
    said = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert (said["cutoff_minutes"], said["pace_mps"], said["profile"]) == (5, 1.0, "adult")
    rows = pd.read_csv(out / "indicators.csv", encoding="utf-8-sig")
    assert set(rows["cutoff_min"]) == {5}
    assert rows["pace_kmh"].to_numpy() == pytest.approx(3.6)
    assert set(rows["as_of"]) == {DAY.isoformat()}


def test_the_headline_is_people_and_not_area(out: Path):
    said = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    people, area = (f"{said[name]:.0%}" for name in ("coverage", "area_coverage"))
    assert people != area
    for name in ("index.html", "internal.html"):
        title = re.search(r"<title>(.*?)</title>", text_of(out / name))
        assert title is not None
        assert area not in title[1]
    assert f"{people}的居民" in text_of(out / "index.html")
    first = next(iter(table for table in docx.Document(str(out / "report.docx")).tables))  # the figures on its first page
    assert not any("面积" in cell.text for row in first.rows for cell in row.cells)
    assert any(people in cell.text for row in first.rows for cell in row.cells)


def test_the_published_map_has_every_station_that_stands(out: Path):
    page = text_of(out / "index.html")
    for word in ("一号站", "Second", "提供政策咨询服务", "发布最新惠企惠民惠商政策等"):  # items 3 and 23 by name
        assert word in page
    assert "Planned" not in page  # it is not there yet
    assert "想要夜校" not in page  # what people ask for is for the office


def test_ratings_and_surveys_stand_beside_the_scores(out: Path):
    table = pd.read_csv(out / "stations.csv", encoding="utf-8-sig").set_index("station_id")
    assert table["rating"].to_dict() == {"S1": 4.5, "S2": 3.9}
    assert table.loc["S1", "survey"] == "想要夜校"
    assert table.loc["S1", "served_pop"] == 25 * PEOPLE_A_CORNER
    assert "想要夜校" in text_of(out / "workbook.xlsx")


def test_all_key_groups_of_the_documents_are_counts_with_weights(tmp_path: Path):
    labels = list(KEY_GROUPS)
    assert len(labels) == 16
    folder = write_lattice_study(tmp_path)
    text = (folder / "study.toml").read_text(encoding="utf-8").split("[[groups]]")[0]
    for n, label in enumerate(labels):
        text += f'[[groups]]\nname = "g{n}"\nlabel = "{label}"\nweight = {n / 2}\nfile = "g{n}.csv"\n\n'
        people = [f"{lonlat(5, 5)[0]},{lonlat(5, 5)[1]},张三{k},31011419900101{k:04}" for k in range(10 + n)]
        (folder / f"g{n}.csv").write_text("\n".join(["经度,纬度,姓名,身份证号", *people]) + "\n", encoding="gb18030")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "people.csv").write_text(f"lon,lat,people\n{lonlat(5, 5)[0]},{lonlat(5, 5)[1]},1000\n", encoding="utf-8")
    with pytest.warns(PlannerWarning, match="may tell who people are; dropped at the door"):
        survey = planner.survey_study(planner.read_study(folder))
    assert survey.demand["need"].sum() == pytest.approx(1000 + sum(n / 2 * (10 + n) for n in range(16)))
    _, _, groups = planner.score_survey(survey)
    assert groups["label"].tolist()[1:] == labels
    assert groups["total"].tolist()[1:] == [10 + n for n in range(16)]
    for table in (survey.demand, groups):
        assert "张三" not in table.to_csv()
        assert "310114" not in table.to_csv()


def test_the_pack_says_how_often_the_policy_asks_for_reports(tmp_path: Path):
    folder = write_lattice_study(tmp_path)
    found = planner.track_study(planner.read_study(folder, ['policy="daxinganling-2024"']), DAY, period="month")
    pack = found.write(tmp_path / "pack", "month")
    assert "政策要求的报告频次：月、季、年。" in text_of(pack / "track.docx")
    assert "The policy asks for a report each month, quarter, year." in text_of(pack / "track.en.docx")
    assert "本表式由本工具自拟，并非政策文件的附表。" in text_of(pack / "track.docx")
    assert [figure.how for figure in read_pack("daxinganling-2024").figures] == [How.SUM, How.MEAN]  # people helped, 好差评


def test_fifteen_minutes_are_what_the_named_profile_makes_of_them():
    metres = {name: round(profile.speed_mps * 900) for name, profile in PROFILES.items()}
    assert (metres["slow"], metres["adult"], metres["bicycle"]) == (900, 1200, 3000)
    assert 2 < 1250**2 / 800**2 < 2.5  # the smallest and the largest in the field
    assert Scenario().walk.profile == "adult"  # the default is one of them, by name
    assert PROFILES["adult"].speed_mps / KMH == pytest.approx(4.8)
    assert all(profile.source for profile in PROFILES.values())


def test_a_citys_target_is_one_of_three_scopes():
    shanghai = read_pack("shanghai-2024").targets[0]
    assert (shanghai.scope, shanghai.minimum, shanghai.accepted_only) == (Scope.CITY, 350, True)
