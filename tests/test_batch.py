"""Many studies at once: sums are sums, what is done is not done again, and whoever dies takes nobody along."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from deadly import Poisoned, Unlucky
from lattice_study import PEOPLE_A_CORNER, SIDE, lonlat, write_lattice_study

import planner
from planner.batch import Outcome, crew_of, merge_districts, plan_districts, run_batch, write_province
from planner.batch.crew import Crew
from planner.batch.work import do_part, do_study
from planner.cli import main
from planner.errors import PlannerWarning, SourceError, StudyError
from planner.interrupt import INTERRUPTED, SAID
from planner.run import is_done

EVERYBODY = PEOPLE_A_CORNER * SIDE**2


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    with crew_of(None, 2, tasks=2, largest_mb=100) as both:
        yield both


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [write_lattice_study(tmp_path / name) for name in ("north", "south")]


def csv(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "province" / f"{name}.csv", encoding="utf-8-sig")


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_province_is_the_sum_of_its_districts_and_shares_are_sums_over_sums(
    crew: Crew, folders: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    few = (folders[1] / "people.csv").read_text(encoding="utf-8").splitlines()
    (folders[1] / "people.csv").write_text("\n".join(few[: SIDE * 6 + 1]) + "\n", encoding="utf-8")  # six western columns
    with (folders[0] / "stations.csv").open("a", encoding="utf-8") as file:  # a station just outside counts in no density
        file.write("S9,Beyond,{:.6f},{:.6f},built,2024-01-01\n".format(*lonlat(-1.2, 5)))
    districts = plan_districts(folders, out)
    outcomes = run_batch(districts, crew)
    assert [outcome.state for outcome in outcomes] == ["done", "done"]
    write_province(districts, outcomes, out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # the hosts stand where nobody lives any more
        alone = [planner.run_study(planner.read_study(folder)) for folder in folders]
    sums = [sum(run.summary[key] for run in alone) for key in ("population", "covered_pop", "stations")]
    summary = json.loads((out / "province" / "summary.json").read_text(encoding="utf-8"))
    assert [summary[key] for key in ("population", "covered_pop", "stations")] == sums
    assert summary["population"] == EVERYBODY + PEOPLE_A_CORNER * SIDE * 6
    assert summary["coverage"] == sums[1] / sums[0]
    assert summary["coverage"] != pytest.approx(sum(run.summary["coverage"] for run in alone) / 2)
    inside = sum(run.summary["population"] / run.summary["residents_per_station"] for run in alone)
    assert (summary["stations"], inside) == (5, 4)
    assert summary["residents_per_station"] == summary["population"] / inside
    assert summary["stations_per_10000"] == inside * 10_000 / summary["population"]
    groups = csv(out, "groups").set_index("group")
    assert groups.loc["graduates", "total"] == pytest.approx(sums[0] / 5)
    assert groups.loc["residents", "coverage"] == pytest.approx(sums[1] / sums[0], abs=1e-7)
    walks = pd.concat([run.survey.coverage for run in alone]).query("covered")["nearest_walk_s"].sort_values()
    assert groups.loc["residents", "median_walk_min"] * 60 == pytest.approx(walks.iloc[(len(walks) - 1) // 2], abs=0.05)
    towns = csv(out, "towns")
    assert towns["covered_pop"].sum() == sums[1]
    assert set(towns["district"]) == {"north", "south"}
    for run, name in zip(alone, ("north", "south"), strict=True):  # each output is what the command writes by itself
        written = out / "studies" / name
        again = run.write(tmp_path / f"again-{name}")
        names = {each.name for each in written.iterdir()} - {"manifest.json"}
        assert [each for each in names if (again / each).read_bytes() != (written / each).read_bytes()] == []


def test_what_is_done_is_not_done_again_unless_something_changed(crew: Crew, folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"

    def state(*overrides: str) -> str:
        return run_batch(plan_districts(folders[:1], out, overrides), crew)[0].state

    assert [state(), state()] == ["done", "kept"]
    with (folders[0] / "stations.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert [state(), state()] == ["done", "kept"]
    assert [state("walk.minutes=4"), state("walk.minutes=4")] == ["done", "kept"]
    (out / "studies" / "north" / "towns.csv").unlink()
    assert not is_done(planner.read_study(folders[0], ["walk.minutes=4"]), out / "studies" / "north")


def test_a_study_that_changes_while_it_is_done_fails_and_is_done_again(folders: list[Path], tmp_path: Path) -> None:
    (north,) = plan_districts(folders[:1], tmp_path / "out")
    run = planner.run_study(north.read())
    parts = [do_part(north, part, 2) for part in range(2)]
    stations = folders[0] / "stations.csv"
    stations.write_text("\n".join(stations.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"stations\.csv: it was changed or removed while the study was being done"):
        run.write(north.out)
    found = do_study(north, parts)
    assert (found["state"], "stations.csv: it was changed" in found["said"]) == ("failed", True)
    assert not north.out.exists()
    stations.unlink()
    with pytest.raises(SourceError, match="changed or removed"):
        run.write(north.out)


def test_ctrl_c_ends_the_workers_and_leaves_nothing_half_written(folders: list[Path], tmp_path: Path) -> None:
    words = ["-m", "planner", "batch", *map(str, folders), "--out", str(tmp_path / "out"), "--workers", "2"]
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True, start_new_session=True)
    studies, until = tmp_path / "out" / "studies", time.monotonic() + 120
    while not list(studies.glob(".*.partial-*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said.strip()) == (INTERRUPTED, SAID)
    assert [path.name for path in studies.iterdir() if path.name.startswith(".")] == []


@pytest.fixture(params=[0, 3], ids=["a scheduler of ours", "one that would give it to three others"])
def forgiving(crew: Crew, request: pytest.FixtureRequest) -> Iterator[Crew]:
    """Dask's own tries after a worker died: none with workers of ours, three where a user's scheduler is as it comes."""

    def forgive(deaths: int) -> None:
        crew.client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", deaths))

    forgive(request.param)
    yield crew
    forgive(0)


def test_a_worker_killed_in_mid_run_costs_one_retry(forgiving: Crew, folders: list[Path], tmp_path: Path) -> None:
    first, second = plan_districts(folders, tmp_path / "out")
    outcomes = run_batch([Unlucky(**vars(first), boss=os.getpid()), second], forgiving)
    assert [(o.state, o.retries) for o in outcomes] == [("done", 1), ("done", 0)]


class Forgetful:
    """A scheduler whose only worker died and came back under another address: what it had was kept for the old one."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.asked = 0

    def scheduler_info(self, n_workers: int) -> dict[str, dict[str, object]]:
        self.asked += 1
        assert self.asked < 5, "the batch waits for ever"
        return {"workers": {"tcp://old" if self.asked == 1 else "tcp://new": {}}}

    def subscribe_topic(self, topic: str, handler: object) -> None: ...

    def submit(self, function: object, *arguments: object, workers: list[str], **_: object) -> SimpleNamespace:
        self.given += workers
        is_done = workers == ["tcp://new"]
        found = {"state": "done", "said": "", "notes": [], "seconds": 1.0, "peak_mb": 1.0}
        return Hashed(
            key=workers[0], done=lambda: is_done, status="finished" if is_done else "pending", result=lambda: found,
            release=lambda: None,
        )  # fmt: skip


class Hashed(SimpleNamespace):
    """A future."""

    __hash__ = object.__hash__


def test_the_only_worker_of_a_scheduler_killed_in_mid_run_costs_one_retry(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distributed.wait", lambda *_, **__: None)
    forgetful = Forgetful()
    outcomes = run_batch(plan_districts(folders[:1], tmp_path / "out"), Crew(forgetful, 1, 1e6))
    assert [(o.state, o.retries) for o in outcomes] == [("done", 1)]
    assert forgetful.given == ["tcp://old", "tcp://new"]


def test_a_poisoned_study_costs_only_itself(crew: Crew, folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, second = plan_districts(folders, out)
    seen: list[list[Outcome]] = []
    poisoned = Poisoned(**vars(first), boss=os.getpid())
    outcomes = run_batch([poisoned, second], crew, retries=1, watch=lambda now: seen.append(list(now)))
    assert [(o.state, o.retries) for o in outcomes] == [("failed", 1), ("done", 0)]
    assert "died 2 times" in outcomes[0].said
    assert {o.state for now in seen for o in now} == {"waiting", "running", "failed", "done"}
    write_province([first, second], outcomes, out)
    assert csv(out, "batch").set_index("study")["state"].to_dict() == {"north": "failed", "south": "done"}
    assert json.loads((out / "province" / "summary.json").read_text(encoding="utf-8"))["districts_missing"] == ["north"]


def test_a_city_in_parts_is_the_city_as_a_whole(crew: Crew, folders: list[Path], tmp_path: Path) -> None:
    whole, cut = plan_districts(folders[:1], tmp_path / "a"), plan_districts(folders[:1], tmp_path / "b")
    assert [o.state for o in run_batch(whole, crew)] == ["done"]
    outcomes = run_batch(cut, crew, parts=3)
    assert [(o.state, o.parts) for o in outcomes] == [("done", 3)]
    one, other = ({path.name: path.read_bytes() for path in district.out.iterdir()} for district in (*whole, *cut))
    assert set(one) == set(other)
    assert [name for name in one if one[name] != other[name]] == ["manifest.json"]
    assert [o.state for o in run_batch(cut, crew, parts=3)] == ["kept"]


class NoWorkers:
    """A scheduler whose workers are all gone."""

    def scheduler_info(self, n_workers: int) -> dict[str, dict[str, object]]:
        return {"workers": {}}

    def subscribe_topic(self, topic: str, handler: object) -> None: ...


def test_a_batch_without_any_worker_left_ends(folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.batch.run.ALONE_S", 0.0)
    with pytest.raises(SourceError, match="no worker was left for 0 s; start some"):
        run_batch(plan_districts(folders, tmp_path / "out"), Crew(NoWorkers(), 1, 1000.0))


def test_a_province_that_was_edited_stops_a_batch_before_it_begins(folders: list[Path], tmp_path: Path) -> None:
    province = tmp_path / "out" / "province"
    province.mkdir(parents=True)
    (province / "batch.csv").write_text("mine", encoding="utf-8")
    result = call("batch", *map(str, folders), "--out", str(tmp_path / "out"))
    assert result.exit_code != 0
    assert "batch.csv was not written by an earlier run" in result.stderr
    assert not (tmp_path / "out" / "studies").exists()


def test_what_fails_says_why_and_the_rest_goes_on(folders: list[Path], tmp_path: Path) -> None:
    (folders[0] / "stations.csv").unlink()
    out = tmp_path / "out"
    result = call("batch", *map(str, folders), "--out", str(out), "--workers", "1")
    assert result.exit_code == 1
    assert "north: failed: stations.csv" in result.stderr
    assert "1 done, 0 kept from before, 1 failed" in result.stderr
    table = csv(out, "batch").set_index("study")
    assert "stations.csv" in table.loc["north", "said"]
    assert not (out / "studies" / "north").exists()
    page = (out / "province" / "index.html").read_text(encoding="utf-8")
    assert "Not included: north" in page
    assert "<script" not in page


@pytest.mark.filterwarnings("ignore::planner.PlannerWarning")
def test_what_one_district_withholds_the_province_withholds(folders: list[Path], tmp_path: Path) -> None:
    rows = (folders[1] / "people.csv").read_text(encoding="utf-8").splitlines()
    few = [row.rsplit(",", 1)[0] + (",2" if i < 3 else ",0") for i, row in enumerate(rows[1:])]  # six graduates in all
    (folders[1] / "people.csv").write_text("\n".join([rows[0], *few]) + "\n", encoding="utf-8")
    districts = plan_districts(folders, tmp_path / "out")
    assert [do_study(district)["state"] for district in districts] == ["done", "done"]
    tables = merge_districts(districts)
    graduates = tables["groups"].loc["graduates"]
    assert graduates[["total", "coverage"]].isna().all()
    assert (
        graduates["covered"] == tables["districts"]["covered_graduates"].sum()
    )  # none of the six is covered: 0 is no small count
    assert graduates["withheld"] == 1
    assert tables["groups"].loc["residents", "total"] == 2 * EVERYBODY
    assert tables["districts"]["total_graduates"].isna().to_dict() == {"north": False, "south": True}


@pytest.mark.parametrize("file", ["...toml", "..toml"])
def test_a_study_whose_name_is_a_way_out_of_its_folder_is_refused(file: str, folders: list[Path], tmp_path: Path) -> None:
    (folders[0] / file).write_text((folders[0] / "study.toml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(StudyError, match="has no folder of its own"):
        plan_districts([folders[0] / file], tmp_path / "out")


def test_two_studies_of_one_name_are_refused(folders: list[Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "elsewhere" / "north")
    with pytest.raises(StudyError, match="two studies are called north"):
        plan_districts([folders[0], tmp_path / "elsewhere" / "north"], tmp_path / "out")
    assert len(plan_districts([folders[0], folders[0] / "study.toml"], tmp_path / "out")) == 1


def test_without_dask_a_batch_says_what_to_install(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = call("batch", str(folders[0]), "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "pip install 'planner[batch]'" in result.stderr


def test_a_scheduler_that_is_not_there_is_said(folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.batch.crew.WAIT_S", 0.3)
    result = call("batch", str(folders[0]), "--out", str(tmp_path / "out"), "--scheduler", "tcp://127.0.0.1:9")
    assert result.exit_code == 1
    assert "no Dask scheduler answers there" in result.stderr


def test_a_scheduler_with_workers_is_joined(crew: Crew, folders: list[Path], tmp_path: Path) -> None:
    address = crew.client.scheduler_info()["address"]
    result = call("batch", str(folders[0]), "--out", str(tmp_path / "out"), "--scheduler", address, "-q")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("lost", [CancelledError, ConnectionResetError])
def test_a_scheduler_that_goes_away_is_said(crew: Crew, lost: type[Exception]) -> None:
    address = crew.client.scheduler_info()["address"]
    with pytest.raises(SourceError, match="the scheduler went away"), crew_of(address, None, tasks=1, largest_mb=100):
        raise lost


def test_a_name_is_text_on_the_page(folders: list[Path], tmp_path: Path) -> None:
    district = plan_districts(folders[:1], tmp_path / "out", ['name="<script>alert(1)</script>"'])[0]
    assert do_study(district)["state"] == "done"
    write_province([district], [Outcome(district.name, "done")], tmp_path / "out")
    page = (tmp_path / "out" / "province" / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_outcome_knows_when_it_is_over() -> None:
    waiting = Outcome("a")
    assert not waiting.is_over
    assert all(dataclasses.replace(waiting, state=state).is_over for state in ("done", "kept", "failed"))
