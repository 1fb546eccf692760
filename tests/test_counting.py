"""What counts as a station: those just outside the area, outreach points, and what a town's target asks of one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import builders
import pandas as pd
import pytest
from lattice_study import SIDE, lonlat, write_lattice_study

import planner
from planner.errors import PlannerWarning, StudyError
from planner.progress import track_targets
from planner.sources.packs import read_pack
from planner.standards import measure_standards

DAY = dt.date(2025, 6, 30)


def study(folder: Path, *, rows: list[str], header: str = "station_id,name,lon,lat,status,opened,kind", **lines: str) -> Path:
    written = write_lattice_study(folder)
    text = (written / "study.toml").read_text(encoding="utf-8")
    text = text.replace('file = "stations.csv"', 'file = "stations.csv"\n' + lines.get("stations", ""))
    (written / "study.toml").write_text(lines.get("top", "") + "\n" + text, encoding="utf-8")
    (written / "stations.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return written


def row(key: str, i: float, j: float, kind: str = "") -> str:
    lon, lat = lonlat(i, j)
    return f"{key},{key},{lon},{lat},built,2024-01-15,{kind}"


def test_a_station_just_outside_counts_for_the_people_inside_unless_the_switch_says_otherwise(tmp_path: Path):
    """Half a block and a bit west of the lattice: beyond the town's border, within 60 m of its first street."""
    rows = [row("IN", 15, 15), row("OUT", -0.55, 5)]
    counted = planner.survey_study(planner.read_study(study(tmp_path / "with", rows=rows)))
    assert set(counted.stations.index) == {"IN", "OUT"}
    served = counted.coverage.loc[counted.coverage["nearest_station_id"] == "OUT", "population"].sum()
    inside = sum(1 for i in range(SIDE) for j in range(SIDE) if 0.55 + i + abs(j - 5) <= 3)
    assert served == 10 * inside
    with pytest.warns(PlannerWarning, match="stations outside the area"):
        without = planner.survey_study(planner.read_study(study(tmp_path / "without", rows=rows, stations="outside = false")))
    assert set(without.stations.index) == {"IN"}
    assert (
        without.coverage["population"][without.coverage["covered"]].sum()
        < counted.coverage["population"][counted.coverage["covered"]].sum()
    )


def test_a_station_outside_the_area_is_not_one_of_its_tiers(tmp_path: Path):
    header = "station_id,name,lon,lat,status,opened,kind,tier"
    rows = [row("IN", 15, 15) + ",town", row("OUT", -0.55, 5) + ",town"]
    found = planner.check_standards(
        planner.survey_study(planner.read_study(study(tmp_path, rows=rows, header=header, top='policy = "jiading-2023"')))
    )
    assert found.tiers.loc["town", "found"] == 1


def test_a_station_outside_the_area_is_neither_ranked_nor_moved(tmp_path: Path):
    asked = "[composite]\nweights = { served_pop = 1 }\n"
    folder = study(tmp_path, rows=[row("IN", 15, 15), row("OUT", -0.55, 5)])
    (folder / "study.toml").write_text((folder / "study.toml").read_text("utf-8") + asked, "utf-8")
    done = planner.run_study(planner.read_study(folder))
    assert set(done.published["stations"].index) == {"IN", "OUT"}
    assert done.published["composite"].index.tolist() == ["IN"]
    assert set(done.published["moves"].index[done.published["moves"]["to_id"].notna()]) <= {"IN"}


def test_outreach_points_are_no_stations_unless_the_study_says_so(tmp_path: Path):
    rows = [row("S", 5, 5, "就业驿站"), row("P", 15, 15, "集市")]
    top = 'policy = "daxinganling-2024"'
    with pytest.warns(PlannerWarning, match="1 outreach points are not counted"):
        apart = planner.survey_study(planner.read_study(study(tmp_path / "apart", rows=rows, top=top)))
    assert set(apart.all_stations.index) == {"S"}
    counted = planner.survey_study(planner.read_study(study(tmp_path / "in", rows=rows, top=top, stations="outreach = true")))
    assert set(counted.stations.index) == {"S", "P"}


def test_the_switches_belong_to_stations_alone(tmp_path: Path):
    folder = study(tmp_path / "wrong", rows=[row("S", 5, 5)])
    text = (
        (folder / "study.toml").read_text(encoding="utf-8").replace('file = "hosts.csv"', 'file = "hosts.csv"\noutside = false')
    )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="not of candidates"):
        planner.read_study(folder)


def stations(**columns: list[object]) -> planner.schema.Stations:
    count = len(next(iter(columns.values())))
    return builders.stations_at(
        *((100.0 * i, 0.0) for i in range(count)), town=["A"] * count, status=["built"] * count,
        built_on=["2023-05-01"] * count, **columns,
    )  # fmt: skip


def counted(**columns: list[object]) -> int:
    table = track_targets(read_pack("jiading-2023"), stations(**columns), ["A"], DAY)
    return int(table.loc[("each-town", "A"), "counted"])


def test_a_well_equipped_station_offers_all_basic_items_or_says_so():
    assert counted(services=["1-5,7,11,15-20", "1-24"]) == 2
    assert counted(services=["1-4", "1-24"]) == 1
    assert counted(services=["1-4", "1-4"], basic_functions=[True, False]) == 1
    assert counted(host=["x", "y"]) == 2  # nothing is said of what anyone offers
    with pytest.warns(PlannerWarning, match="nothing is said of what 1 stations offer"):
        assert counted(services=["1-24", None]) == 2


def test_facilities_and_rules_are_those_of_the_pack():
    told = stations(
        facilities=["专窗专柜、自助服务、休息等候区", "专窗专柜", None],
        rules=["首问负责制，一次告知，帮办代办，限时办结，责任追究", "", None],
    )
    table = measure_standards(read_pack("daxinganling-2024"), told, DAY)
    assert table["lacks_facilities"].iloc[1] == "自助服务, 休息等候区"
    assert "facilities" not in str(table["lacks"].iloc[0])
    assert "facilities" in str(table["lacks"].iloc[1])
    assert "rules" in str(table["unknown"].iloc[1])
    assert pd.isna(table["lacks_facilities"].iloc[2])


def test_fused_points_can_be_a_target_of_ones_own_pack(tmp_path: Path):
    folder = study(tmp_path / "own", rows=[row("S", 5, 5, "就业角"), row("T", 6, 6, "社区就业驿站")], top='policy = "own.toml"')
    (folder / "own.toml").write_text(
        'name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\nfused_kinds = ["就业角"]\n'
        'professional_kinds = ["社区就业驿站"]\n'
        '[[targets]]\nname = "fused"\nen = "fused points"\nzh = "融合点位"\nminimum = 1\nby = 2025-12-31\ncounts = "fused"\n'
        'phrase = "明确融合点位数量"\n',
        encoding="utf-8",
    )
    tracked = planner.track_study(planner.read_study(folder))
    assert tracked.targets.loc[("fused", "district"), "counted"] == 1


def test_a_tier_pattern_of_ones_own_such_as_1_8_30_n(tmp_path: Path):
    folder = study(tmp_path / "tiers", rows=[row("S", 5, 5)], top='policy = "own.toml"')
    tiers = [
        ("centre", "区中心", "count = 1"),
        ("street", "街道", "count = 8"),
        ("station", "工作站", "count = 30"),
        ("point", "点", ""),
    ]
    blocks = "".join(f'[[tiers]]\ntier = "{t}"\nen = "{t}"\nzh = "{zh}"\n{count}\n' for t, zh, count in tiers)
    head = 'name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\ntier_pattern = "1+8+30+N"\n'
    (folder / "own.toml").write_text(head + blocks, encoding="utf-8")
    survey = planner.survey_study(planner.read_study(folder))
    checked = planner.check_standards(survey).tiers
    assert checked.loc["street", "finding"] == "8 too few"
    assert checked.loc["point", "met"]
