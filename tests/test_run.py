"""The whole job on the lattice town: its files say what arithmetic says, and the same again."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from lattice_study import DIAMOND, PEOPLE_A_CORNER, SIDE, lonlat, write_lattice_study

import planner
from planner.errors import PlannerError, PlannerWarning, SourceError, StudyError

OUTPUTS = {
    "index.html", "internal.html", "stations.csv", "stations.geojson", "towns.csv", "towns.geojson", "groups.csv",
    "demand.parquet", "isochrones.geojson", "sites.csv", "sites.geojson", "frontier.csv", "study.gpkg", "report.docx",
    "indicators.csv", "report.en.docx", "report.html", "report.en.html", "workbook.xlsx", "summary.json", "manifest.json",
    "needed.csv", "reasons.csv", "alternatives.csv", "moves.csv", "rollout.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lattice_study(tmp_path_factory.mktemp("lattice"))


@pytest.fixture(scope="module")
def out(study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = planner.run_study(planner.read_study(study_folder))
    return run.write(tmp_path_factory.mktemp("out") / "run")


def csv(out: Path, name: str, key: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv", encoding="utf-8-sig").set_index(key)


def within(i: int, j: int, blocks: int = 3) -> set[tuple[int, int]]:
    """The corners of the lattice that are at most so many blocks from corner (i, j)."""
    return {(a, b) for a in range(SIDE) for b in range(SIDE) if abs(a - i) + abs(b - j) <= blocks}


def test_a_run_writes_every_output_and_lists_it(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == OUTPUTS
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["outputs"]) == OUTPUTS - {"manifest.json"}
    assert set(manifest["inputs"]) == {"towns.geojson", "network.osm", "stations.csv", "hosts.csv", "people.csv"}


def test_stations_are_scored_as_counted_by_hand(out: Path) -> None:
    stations = csv(out, "stations", "station_id")
    first, second = within(5, 5), within(5, 8)
    assert len(first) == DIAMOND
    assert stations.loc["S1", "served_pop"] == PEOPLE_A_CORNER * len(first)
    assert stations.loc["S1", "shared_pop"] == PEOPLE_A_CORNER * len(first & second)
    assert stations.loc["S2", "sole_pop"] == stations.loc["S2", "marginal_pop"] == PEOPLE_A_CORNER * len(second - first)
    assert stations["load"].sum() == PEOPLE_A_CORNER * len(first | second)
    assert "S3" not in stations.index  # only planned


def test_the_headline_is_recomputed_from_the_files_alone(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    demand = gpd.read_parquet(out / "demand.parquet")
    covered = demand.loc[demand["covered"], "population"].sum()
    assert summary["population"] == demand["population"].sum() == PEOPLE_A_CORNER * SIDE**2
    assert summary["covered_pop"] == covered == PEOPLE_A_CORNER * len(within(5, 5) | within(5, 8))
    assert summary["coverage"] == pytest.approx(covered / demand["population"].sum())
    towns = csv(out, "towns", "town")
    assert towns["covered_pop"].sum() == covered
    assert towns["population"].sum() == summary["population"]
    by_town = demand[demand["covered"]].groupby("town")["population"].sum()
    assert by_town.loc["West"] == towns.loc["West", "covered_pop"]
    groups = csv(out, "groups", "group")
    assert groups.loc["residents", "covered"] == covered
    assert groups.loc["graduates", "coverage"] == pytest.approx(covered / summary["population"])
    assert summary["area_coverage"] == pytest.approx(summary["covered_area_km2"] / (SIDE * SIDE * 0.099**2), rel=1e-3)


def test_proposed_sites_are_the_two_far_from_all_others(out: Path) -> None:
    sites = csv(out, "sites", "site_id")
    assert set(sites.index) <= {"H1", "H2", "H3"}  # H4 lies beside a station
    assert (sites["gain_pop"] == PEOPLE_A_CORNER * DIAMOND).all()
    assert sites["order"].tolist() == [1, 2]
    frontier = csv(out, "frontier", "stations")
    assert frontier.index.tolist() == [2, 3, 4, 5, 6]
    assert (frontier["covered_pop"] <= frontier["bound"] + 1e-6).all()
    assert frontier.loc[4, "covered_pop"] == PEOPLE_A_CORNER * (len(within(5, 5) | within(5, 8)) + 2 * DIAMOND)


def test_no_small_count_of_a_key_group_is_in_any_table(out: Path) -> None:
    for path in out.glob("*.csv"):
        table = pd.read_csv(path, encoding="utf-8-sig")
        for name in (n for n in table.columns if n.endswith("graduates")):
            shown = table[name].dropna()
            assert not ((shown > 0) & (shown < 10)).any(), (path.name, name)
    demand = gpd.read_parquet(out / "demand.parquet")
    assert demand["pop_graduates"].isna().all()  # two a corner
    book = openpyxl.load_workbook(out / "workbook.xlsx", read_only=True)
    assert "重点群体 Key groups" in book.sheetnames


def test_the_same_study_gives_the_same_bytes(study_folder: Path, out: Path, tmp_path: Path) -> None:
    again = planner.run_study(planner.read_study(study_folder)).write(tmp_path / "again")
    differing = [
        name for name in sorted(OUTPUTS - {"manifest.json"}) if (again / name).read_bytes() != (out / name).read_bytes()
    ]
    assert differing == []


def test_the_order_of_rows_does_not_matter(study_folder: Path, out: Path, tmp_path: Path) -> None:
    shuffled = write_lattice_study(tmp_path / "shuffled")
    for name in ("stations.csv", "hosts.csv", "people.csv"):
        header, *rows = (shuffled / name).read_text(encoding="utf-8").splitlines()
        (shuffled / name).write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    again = planner.run_study(planner.read_study(shuffled)).write(tmp_path / "again")
    for name in ("towns.csv", "groups.csv", "frontier.csv", "demand.parquet", "summary.json"):
        assert (again / name).read_bytes() == (out / name).read_bytes(), name
    pd.testing.assert_frame_equal(csv(again, "sites", "site_id"), csv(out, "sites", "site_id"))


def test_a_study_without_candidates_is_scored_and_drawn_without_a_proposal(tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path / "study")
    text = (folder / "study.toml").read_text(encoding="utf-8").replace('[[candidates]]\nfile = "hosts.csv"\n', "")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    run = planner.run_study(planner.read_study(folder))
    assert run.proposal is None
    written = {path.name for path in run.write(tmp_path / "out").iterdir()}
    assert written == OUTPUTS - {
        "sites.csv",
        "sites.geojson",
        "frontier.csv",
        "needed.csv",
        "reasons.csv",
        "alternatives.csv",
        "moves.csv",
        "rollout.csv",
    }
    with pytest.raises(StudyError, match="candidates"):
        planner.propose(run.survey)


def test_a_run_does_not_overwrite_what_is_not_its_own(out: Path, study_folder: Path) -> None:
    run = planner.run_study(planner.read_study(study_folder))
    for place in (study_folder, study_folder.parent):
        with pytest.raises(SourceError, match="the study's own files"):
            run.write(place, force=True)
    (out.parent / "thesis").mkdir()
    (out.parent / "thesis" / "mine.txt").write_text("by hand", encoding="utf-8")
    with pytest.raises(SourceError, match="nothing is overwritten"):
        run.write(out.parent / "thesis")
    assert (study_folder / "study.toml").is_file()


def test_a_run_without_any_candidate_says_that_nothing_is_proposed(tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path / "study")
    (folder / "hosts.csv").write_text("site_id,name,lon,lat\n", encoding="utf-8")
    with pytest.warns(PlannerWarning, match=r"no candidate in hosts\.csv"):
        run = planner.run_study(planner.read_study(folder))
    assert run.proposal is None


@pytest.mark.filterwarnings("ignore::planner.PlannerWarning")
def test_who_lives_too_far_from_any_street_is_said(tmp_path: Path) -> None:
    study = planner.read_study(write_lattice_study(tmp_path / "study"), ["walk.max_link_m=0"])
    with pytest.warns(PlannerWarning, match=r"residents \(.*%\) live farther than walk\.max_link_m = 0 m from any street"):
        planner.survey_study(study)


def few_graduates(folder: Path, inside: int, outside: int) -> Path:
    """The lattice with a list of persons of whom `inside` live at the first station, the others out of the area."""
    write_lattice_study(folder)
    homes = [lonlat(5, 5)] * inside + [lonlat(-40, -40)] * outside
    rows = [f"李{i}明,{110101199001010000 + i},{lon},{lat}" for i, (lon, lat) in enumerate(homes)]
    (folder / "list.csv").write_text("\n".join(["姓名,身份证号,lon,lat", *rows]) + "\n", encoding="utf-8")
    text = (folder / "study.toml").read_text(encoding="utf-8").replace('column = "graduates"', 'file = "list.csv"')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("ignore::planner.PlannerWarning")
def test_no_note_and_no_document_says_a_small_count_of_a_key_group(tmp_path: Path) -> None:
    run = planner.run_study(planner.read_study(few_graduates(tmp_path / "study", inside=6, outside=1)))
    out = run.write(tmp_path / "out")
    assert any("withheld" in note for note in run.notes)
    said = " ".join(run.notes) + (out / "manifest.json").read_text(encoding="utf-8")
    assert "7 people" not in said
    assert "1 of 7" not in said
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["groups"]["graduates"]["total"] is None
    assert summary["plan"]["bound"] is None
    assert "李0明" not in said


def test_progress_is_told_from_nothing_to_done(study_folder: Path) -> None:
    told: list[tuple[str, float]] = []
    planner.survey_study(planner.read_study(study_folder), progress=lambda text, share: told.append((text, share)))
    assert all(0 <= share <= 1 for _, share in told)
    assert told[0][0].startswith("reading tables")
    assert {text.split(":")[0] for text, _ in told} >= {"reading the street network", "measuring walking times"}


@pytest.mark.parametrize("policy", ["jiading-2023", "generic"])
def test_a_policy_sets_the_target_of_towns(study_folder: Path, policy: str) -> None:
    run = planner.run_study(planner.read_study(study_folder, [f'policy="{policy}"']))
    if policy == "generic":
        assert "target" not in run.town_scores or run.town_scores["target"].isna().all()
    else:
        assert run.town_scores["met"].to_dict() == {"East": False, "West": True}


def test_a_fault_in_the_study_is_one_of_our_errors(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match=r"study\.toml"):
        planner.read_study(tmp_path / "nowhere")
