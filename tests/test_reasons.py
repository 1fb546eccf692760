"""Reasons as a user asks for them: the command, what a run writes, and what must not be read from it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from lattice_study import write_lattice_study
from siting_towns import siting_town

import planner
from planner import run
from planner.cli import main
from planner.errors import PlanError
from planner.privacy import need_step
from planner.run.why import widened
from planner.schema import Coverage
from planner.siting import frontier, propose_sites
from planner.siting.near import near_plans
from planner.siting.reasons import alternative_sites, explain_sites, station_moves
from planner.siting.robust import vary_plan
from planner.study import Reasons, Siting, TownWalk, Walk


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_lattice_study(tmp_path_factory.mktemp("lattice")))


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def csv(result: Result) -> pd.DataFrame:
    assert result.exit_code == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout))


def test_an_alternative_keeps_the_rules() -> None:
    town = siting_town({"a": [0, 1], "b": [0], "c": [1], "d": [2]}, [5.0, 4.0, 1.0], towns=["A", "A", "B", "B"])
    siting = Siting(sites=2, per_town_min=1)
    plan = propose_sites(*town, siting)
    assert plan.sites.index.tolist() == ["a", "d"]
    found = alternative_sites(plan, *town, siting)
    # instead of a only b, or town A has none; instead of d only c, which adds nothing to a
    assert found["alternative_id"].to_dict() == {("a", 1): "b", ("d", 1): "c"}
    assert found["loss_pop"].tolist() == [4.0, 1.0]
    required = Siting(sites=2, required=("a",))
    assert "a" not in alternative_sites(propose_sites(*town, required), *town, required).index.get_level_values(0)


def test_no_further_plan_where_all_sites_are_required() -> None:
    town = siting_town({"a": [0], "b": [1]}, [5.0, 4.0])
    siting = Siting(sites=1, required=("b",))
    assert len(near_plans(propose_sites(*town, siting), *town, siting)) == 1


@pytest.mark.parametrize(
    ("siting", "said"),
    [
        (Siting(sites=1, required=("x",)), "there is no such candidate"),
        (Siting(sites=1, required=("a",), forbidden=("a",)), "both required and forbidden"),
        (Siting(sites=1, share=0.9), "mclp has no share"),
    ],
)
def test_what_explains_a_plan_asks_as_the_plan_does(siting: Siting, said: str) -> None:
    town, (reach, _, _) = siting_town({"a": [0], "b": [1]}, [5.0, 4.0]), siting_town({"s": [0]}, [5.0, 4.0])
    plan, cutoff_s = propose_sites(*town, Siting(sites=1)), pd.Series(900.0, index=town[1].index)
    asking: list[Callable[[], object]] = [
        lambda: propose_sites(*town, siting),
        lambda: frontier(*town, siting),
        lambda: alternative_sites(plan, *town, siting),
        lambda: near_plans(plan, *town, siting),
        lambda: vary_plan(plan, reach, *town, siting, (), cutoff_s, Reasons(draws=1)),
    ]
    for ask in asking:
        with pytest.raises(PlanError, match=said):
            ask()


def test_people_are_counted_where_need_is_none() -> None:
    # whoever asks for jobs alone: cell 1 has residents and no need
    reach, plain, candidates = siting_town({"a": [0], "b": [1], "c": [0, 1]}, [5.0, 8.0])
    coverage = Coverage(plain.assign(need=[5.0, 0.0]))
    siting = Siting(sites=1, forbidden=("c",))
    plan = propose_sites(reach, coverage, candidates, siting)
    found = alternative_sites(plan, reach, coverage, candidates, siting)
    assert found[["alternative_id", "loss_need", "loss_pop"]].to_numpy().tolist() == [["b", 5.0, -3.0]]
    plans = near_plans(plan, reach, coverage, candidates, siting, count=1)
    assert plans[["covered_pop", "loss_need"]].to_numpy().tolist() == [[5.0, 0.0], [8.0, 5.0]]


def test_a_candidate_outside_every_town_is_no_move_within_one() -> None:
    (stands, _, _), town = siting_town({"s": []}, [5.0]), siting_town({"a": [0], "b": [0]}, [5.0], towns=[None, "A"])
    stations = town[2].iloc[[1]].rename(index={"b": "s"}).rename_axis("station_id")
    moves = station_moves(stands, *town, stations, within_town=True)
    assert moves.loc["s", ["to_id", "gain_pop"]].tolist() == ["b", 5.0]


def test_people_outside_of_every_town_are_told_as_such() -> None:
    (stands, _, _), (options, coverage, candidates) = (
        siting_town({"s": []}, [20.0, 6.0]),
        siting_town({"a": [0, 1]}, [20.0, 6.0]),
    )
    town = options, Coverage(coverage.assign(town=[None, "A"])), candidates
    siting = Siting(sites=1)
    plan = propose_sites(*town, siting)
    said = explain_sites(plan, stands, *town, alternative_sites(plan, *town, siting))
    assert said["gain_towns"].tolist() == ["– 20; A 6"]


def test_a_neighbours_station_is_told_but_not_moved() -> None:
    (stands, _, _), town = siting_town({"s": [0]}, [5.0, 9.0]), siting_town({"a": [1]}, [5.0, 9.0])
    stations = town[2].rename(index={"a": "s"}).rename_axis("station_id")
    assert station_moves(stands, *town, stations, own=pd.Index(["s"])).loc["s", "to_id"] == "a"
    moves = station_moves(stands, *town, stations, own=pd.Index([]))
    assert (moves.loc["s", "sole_pop"], moves["to_id"].isna().all()) == (5.0, True)


def test_need_that_counts_more_in_an_area_does_so_in_every_draw() -> None:
    town, (reach, _, _) = siting_town({"a": [0], "b": [1]}, [5.0, 8.0]), siting_town({"s": []}, [5.0, 8.0])
    priority = Coverage(town[1].assign(need=[15.0, 8.0]))  # the first cell lies in an area of priority and counts three times
    siting, asked = Siting(sites=1), Reasons(draws=3, pace=0.0, weights=0.0, population=0.1)
    plan = propose_sites(town[0], priority, town[2], siting)
    varied = vary_plan(plan, reach, town[0], priority, town[2], siting, (), pd.Series(900.0, index=town[1].index), asked)
    assert plan.sites.index.tolist() == ["a"]
    assert varied.sites["chosen"].to_dict() == {"a": 3}
    assert varied.kept.tolist() == [1.0, 1.0, 1.0]


def test_a_longer_walk_is_longer_in_every_town() -> None:
    wide = widened(Walk(minutes=10, towns={"A": TownWalk(minutes=20)}), 1.5)
    assert (wide.cutoff_s, wide.for_town("A").cutoff_s, wide.pace_mps) == (900.0, 1800.0, Walk().pace_mps)


def test_the_command_prints_what_the_library_gives(study: str) -> None:
    survey = planner.survey_study(planner.read_study(study))
    explained = run.explain_plan(survey, run.propose(survey), Reasons(plans=2, draws=4))
    for name in ("alternatives", "plans", "moves"):
        printed = csv(call("reasons", study, "--of", name, "--plans", "2", "--robust", "4", "--format", "csv"))
        assert len(printed) == len(explained.tables[name])
    said = call("reasons", study, "--of", "robust", "--robust", "4", "--format", "json")
    assert [row["chosen"] for row in json.loads(said.stdout)] == explained.tables["robust"]["chosen"].tolist()
    assert "In 4 draws" in said.stderr
    assert explained.facts["draws"] == 4


def test_a_run_writes_the_reasons_and_the_study_asks_for_more(study: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call("run", study, "--out", str(out), "--set", "siting.reasons={plans=1, draws=2}")
    assert done.exit_code == 0, done.stderr
    tables = {name: pd.read_csv(out / f"{name}.csv", encoding="utf-8-sig") for name in ("reasons", "plans", "robust", "sites")}
    assert tables["reasons"]["site_id"].tolist() == tables["sites"]["site_id"].tolist()
    assert tables["reasons"]["gain_pop"].tolist() == tables["sites"]["gain_pop"].tolist()
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["robustness"]["draws"] == 2


def test_no_small_count_can_be_read_from_the_reasons(study: str) -> None:
    survey = planner.survey_study(planner.read_study(study))
    proposal = run.propose(survey)
    published = run.publish_scores(survey, run.score_survey(survey), proposal)
    gains = [name for name in published["sites"] if name.startswith("gain_") and name not in ("gain_pop", "gain_need")]
    assert gains
    pd.testing.assert_frame_equal(published["reasons"][gains], pd.DataFrame(published["sites"][gains]))
    weights = {group.name: group.weight for group in survey.study.scenario.groups}
    step = need_step(weights, survey.study.privacy.minimum_count)
    assert step > 0
    for name, column in (("alternatives", "loss_need"), ("moves", "gain_need")):
        values = published[name][column].dropna().to_numpy(dtype=float)
        assert np.allclose(values / step, np.round(values / step))
    assert published["demand"]["need"].isna().any()
    for name, column in (("alternatives", "loss_need"), ("moves", "gain_need")):
        assert len(published[name])
        assert published[name][column].isna().all()
