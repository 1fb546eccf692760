"""Equity and the numbers of stations needed, on towns whose answers are arithmetic."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from lattice_study import write_lattice_study
from siting_towns import siting_town

from planner.cli import main
from planner.errors import PlanError
from planner.privacy import need_step, publish_equity
from planner.schema import EQUITY, FRONTIER, Coverage
from planner.siting import equity_curve, frontier, knee, needed, propose_sites
from planner.study import Equity, Phase, Siting

# one site: a covers 8 of the 10 in town A, b 2 of the 4 in town B, c 5 of A and 1 of B
TOWN = {"a": [0, 1], "b": [3], "c": [0, 4]}
PEOPLE, WHERE = [5.0, 3.0, 2.0, 2.0, 1.0, 1.0], ["A", "A", "A", "B", "B", "B"]


def town():
    return siting_town(TOWN, PEOPLE, cell_towns=WHERE, towns=["A", "B", "A"])


def test_without_equity_the_large_town_gets_the_site_and_with_it_the_worst_town_counts() -> None:
    assert propose_sites(*town(), Siting(sites=1)).sites.index.tolist() == ["a"]
    plan = propose_sites(*town(), Siting(sites=1, equity=Equity(weight=1.0)))
    assert plan.sites.index.tolist() == ["c"]
    assert plan.status == "optimal"
    assert plan.parts is not None
    # of A 8 can be covered and 5 are; of B 3 can be and 1 is
    assert plan.parts["share"].to_dict() == pytest.approx({"A": 5 / 8, "B": 1 / 3})
    assert plan.parts["people"].tolist() == [10.0, 4.0]


def test_the_worst_town_counts_its_people_where_need_is_none() -> None:
    options, coverage, candidates = town()
    jobs_alone = Coverage(coverage.assign(need=[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))
    plan = propose_sites(options, jobs_alone, candidates, Siting(sites=1, equity=Equity(floors={"B": 0.5})))
    assert plan.sites.index.tolist() == ["b"]
    nobody_asks = Coverage(coverage.assign(need=0.0))
    assert propose_sites(options, nobody_asks, candidates, Siting(sites=1, equity=Equity(floor=0.3))).sites.index.tolist() == [
        "c"
    ]


def test_a_curve_between_groups_counts_those_who_do_not_live_there() -> None:
    # of 4 jobs, at a place without residents, a site reaches all or none
    reach, coverage, candidates = siting_town({"a": [0], "b": [1]}, [9.0, 0.0])
    jobs = Coverage(coverage.assign(pop_jobs=[0.0, 4.0], pop_old=[3.0, 0.0], need=[9.0, 4.0]))
    curve = equity_curve(reach, jobs, candidates, Siting(sites=2, equity=Equity(by="group")))
    assert curve[["worst_share", "covered_pop", "most_worst_share"]].to_numpy().tolist() == [[1.0, 9.0, 1.0]]


def test_a_floor_for_one_town_alone() -> None:
    plan = propose_sites(*town(), Siting(sites=1, equity=Equity(floors={"B": 0.5})))
    assert plan.sites.index.tolist() == ["b"]


def test_a_floor_nobody_can_keep_says_how_far_the_worst_can_be_lifted() -> None:
    with pytest.raises(PlanError, match=r"1 new sites .* the best worst share found is 33.3% \(B\)") as caught:
        propose_sites(*town(), Siting(sites=1, equity=Equity(floor=0.5)))
    assert caught.value.status == "infeasible"


def test_a_floor_for_a_town_that_is_not_there_is_refused() -> None:
    with pytest.raises(PlanError, match="there is no such town with anybody who can be covered; use one of A, B"):
        propose_sites(*town(), Siting(sites=1, equity=Equity(floors={"Z": 0.5})))


def test_groups_have_floors_too() -> None:
    options, coverage, candidates = town()
    coverage["pop_elder"] = [0.0, 0.0, 0.0, 2.0, 0.0, 0.0]
    plan = propose_sites(options, coverage, candidates, Siting(sites=1, equity=Equity(by="group", floor=0.9)))
    assert plan.sites.index.tolist() == ["b"]


def test_a_floor_no_group_can_keep_tells_no_share_of_a_group() -> None:
    options, coverage, candidates = town()
    coverage["pop_elder"] = [1.0, 0.0, 0.0, 2.0, 0.0, 1.0]
    with pytest.raises(PlanError, match="do not lift every group to its floor; lower the floor") as caught:
        propose_sites(options, coverage, candidates, Siting(sites=1, equity=Equity(by="group", floor=1.0)))
    assert caught.value.status == "infeasible"


def test_floors_bind_at_the_end_of_the_last_phase() -> None:
    phases = (Phase(dt.date(2025, 1, 1), 1), Phase(dt.date(2026, 1, 1), 1))
    plan = propose_sites(*town(), Siting(sites=2, phases=phases, equity=Equity(floor=0.6)))
    assert plan.sites["phase"].to_dict() == {"a": 1, "b": 2}
    assert plan.phases[0].covered == 8.0


def test_the_curve_names_the_worst_and_what_lifting_it_costs() -> None:
    curve = equity_curve(*town(), Siting(sites=1))
    assert curve["worst"].tolist() == ["B", "B"]
    assert curve["covered_pop"].tolist() == curve["bound"].tolist() == [8.0, 6.0]
    assert curve["worst_share"].tolist() == pytest.approx([0.0, 1 / 3])
    assert curve["sites"].tolist() == ["a", "c"]


def test_shares_of_small_groups_are_published_in_steps_that_hold_enough_people() -> None:
    row = {"floor": [0.31, 0.38], "worst_share": [0.31, 0.38], "worst": ["x", "x"], "covered_pop": [9.0, 8.0]}
    rest = {"coverage": [0.9, 0.8], "bound": [9.0, 8.0], "most_worst_share": [0.4, 0.4]}
    curve = EQUITY.conform(pd.DataFrame(row | rest))
    published = publish_equity(curve, {"x": 40.0}, 10)
    assert published.index.tolist() == [0.25]
    assert published["worst_share"].tolist() == [0.25]
    assert publish_equity(curve, {}, 10).index.tolist() == [0.31, 0.38]
    assert need_step({"x": 3.0, "y": 0.0}, 10) == 30.0


def test_where_nobody_can_be_covered_no_number_of_stations_is_said_to_do():
    curve = FRONTIER.conform(pd.DataFrame({"stations": [2], "covered_pop": [0.0], "coverage": [0.0], "bound": [0.0]}))
    table = needed(curve)
    assert table[["stations", "new_sites", "at_least"]].isna().all(axis=None)
    assert table["proven"].all()
    assert set(table["finding"]) == {"out of reach of all candidates together"}
    assert set(table["most"]) == {0.0}


def test_how_many_stations_a_share_needs_is_said_with_its_proof() -> None:
    curve = FRONTIER.conform(
        pd.DataFrame(
            {
                "stations": [3, 4, 5],
                "covered_pop": [50.0, 85.0, 92.0],
                "coverage": [0.5, 0.85, 0.92],
                "bound": [50.0, 95.0, 95.0],
            }
        )
    )
    table = needed(curve)
    assert table["stations"].tolist()[:2] == [4, 5]
    assert table["new_sites"].tolist()[:2] == [1, 2]
    assert table["at_least"].tolist()[:3] == [4, 4, 4]
    assert table["proven"].tolist() == [True, False, False, True]
    assert table["stations"].isna().tolist() == [False, False, True, True]


def test_a_straight_curve_has_no_knee() -> None:
    options, coverage, candidates = siting_town({"a": [0], "b": [1], "c": [2]}, [2.0, 2.0, 2.0])
    assert knee(frontier(options, coverage, candidates)) is None


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_lattice_study(tmp_path_factory.mktemp("lattice")))


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_the_frontier_says_in_one_command_what_so_many_reach_and_what_a_share_needs(study: str, tmp_path: Path) -> None:
    table = pd.read_csv(io.StringIO(call("frontier", study, "--format", "csv").stdout))
    asked = int(table["stations"].iloc[1])
    said = call("frontier", study, "--of", "needed", "--stations", str(asked), "--format", "json")
    rows = {row["share"]: row for row in json.loads(said.stdout)}
    reached = table.loc[table["coverage"] >= 0.8, "stations"]
    assert rows[0.8]["stations"] == (None if reached.empty else int(reached.iloc[0]))
    assert f"{asked} stations reach at most {table['coverage'].iloc[1]:.1%} of residents" in said.stderr
    assert call("run", study, "--out", str(tmp_path / "out")).exit_code == 0
    written = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["stations_needed"]
    assert written["shares"]["80%"]["stations"] == rows[0.8]["stations"]
    assert written["standing"] == int(table["stations"].iloc[0])
    assert pd.read_csv(tmp_path / "out" / "needed.csv", encoding="utf-8-sig")["share"].tolist() == [0.8, 0.9, 0.95, 1.0]


def test_equity_is_a_command_and_a_key_of_the_study(study: str) -> None:
    curve = pd.read_csv(io.StringIO(call("frontier", study, "--equity", "town", "--format", "csv").stdout))
    assert (curve["covered_pop"] <= curve["bound"]).all()
    done = call("propose", study, "--set", f"siting.equity={{floor={curve['worst_share'].iloc[-1] - 1e-6}}}", "--format", "csv")
    assert done.exit_code == 0
    refused = call("propose", study, "--set", 'siting.equity={by="street"}')
    assert refused.exit_code == 1
    assert "use town or group" in refused.stderr


def with_hosts():
    return siting_town(TOWN, PEOPLE, cell_towns=WHERE, towns=["A", "B", "A"], host=["hall", "library", "hall"])


def test_the_bonus_of_a_host_is_nobody_in_the_frontier_and_in_the_curve_of_equity() -> None:
    tempted = Siting(sites=1, prefer={"library": 200.0})
    pd.testing.assert_frame_equal(frontier(*with_hosts(), tempted), frontier(*with_hosts(), Siting(sites=1)))
    pd.testing.assert_frame_equal(equity_curve(*with_hosts(), tempted), equity_curve(*with_hosts(), Siting(sites=1)))
    assert frontier(*with_hosts(), tempted)["covered_pop"].max() == 11.0  # cell 2 and cell 5 nobody reaches


def test_the_bonus_of_a_host_and_the_weight_of_the_worst_town_add_up() -> None:
    # 11 can be covered: half the weight makes a whole share worth 11; shares of A are of 8, of B of 3
    worth = {"a": 8 + 11 * 0, "b": 2 + 11 * 0 + 3, "c": 6 + 11 * min(5 / 8, 1 / 3)}
    plan = propose_sites(*with_hosts(), Siting(sites=1, prefer={"library": 3.0}, equity=Equity(weight=0.5)))
    assert plan.sites.index.tolist() == [max(worth, key=lambda name: worth[name])]
    assert plan.objective == pytest.approx(worth["c"])


@pytest.mark.parametrize("siting", [Siting(method="lscp"), Siting(capacity=True), Siting(decay="linear")])
def test_what_equity_costs_is_refused_where_the_model_does_not_know_it(siting: Siting) -> None:
    with pytest.raises(PlanError, match="plain mclp alone") as caught:
        equity_curve(*town(), siting)
    assert caught.value.status == "refused"


def test_the_command_refuses_the_curve_of_another_method_in_one_sentence(tmp_path: Path) -> None:
    study = str(write_lattice_study(tmp_path))
    result = CliRunner().invoke(main, ["frontier", study, "--equity", "town", "--set", 'siting.method="lscp"', "-q"])
    assert result.exit_code in (1, 3)
    assert "plain mclp alone" in result.stderr
