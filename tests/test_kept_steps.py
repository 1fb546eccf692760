"""A what-if does again only what its inputs changed: what was kept gives the same to the last bit, and is nothing of people."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

import planner
import planner.run.walks
from planner.cli import main
from planner.sources import cache
from planner.sources.population import kept

DISTRICT = Path(__file__).resolve().parent.parent / "data" / "district"
MOVED = "S05@123.40,29.50"

pytestmark = [
    pytest.mark.filterwarnings("ignore::planner.PlannerWarning"),
    pytest.mark.skipif(os.name == "nt", reason="a cache of its own by a Unix path"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many facilities each search was for."""
    counts: list[int] = []
    search = planner.travel_times

    def counting(network: object, facilities: object, *more: object, **options: object) -> object:
        counts.append(len(facilities))  # type: ignore[arg-type]
        return search(network, facilities, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("planner.run.walks.travel_times", counting)
    return counts


def told(*words: str) -> bytes:
    done = CliRunner().invoke(main, ["score", str(DISTRICT), "--format", "json", "-q", *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout_bytes


def inside(study: planner.Study) -> str:
    """A place in the middle of the district, in degrees."""
    middle = planner.read_area(study).to_crs("EPSG:4326").union_all().representative_point()
    return f"{middle.x},{middle.y}"


def test_a_what_if_says_the_same_with_and_without_what_was_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = inside(planner.read_study(DISTRICT))
    asked = [
        (),
        ("--close", "S03"),
        ("--add", f"New@{at}"),
        ("--move", f"S05@{at}"),
        ("--set", 'walk.towns={"莲塘镇"={minutes=20}}'),
    ]
    first = [told(*words) for words in asked]
    assert {path.name.partition("-")[0] for path in folder.iterdir()} == {"network", "walks", "residents"}
    again = [told(*words) for words in reversed(asked)][::-1]
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert first == again == [told(*words) for words in asked]
    assert len(set(first)) == len(asked), "each is another question"


def test_where_all_was_measured_before_the_compiler_is_not_even_loaded(folder: Path) -> None:
    first = told()
    program = (
        "import sys; from planner.cli import main\n"
        f"try: main(['score', {str(DISTRICT)!r}, '--close', 'S03', '--format', 'json', '-q'])\n"
        "finally: print(sorted({'numba', 'folium', 'matplotlib', 'docx'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr.split() == [b"[]"]
    assert done.stdout == told("--close", "S03") != first


def test_the_walks_themselves_are_the_same_to_the_last_bit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = planner.read_study(DISTRICT, ["siting.phases=[]", "siting.sites=3"])
    surveys = [planner.survey_study(study) for _ in range(2)]
    proposals = [planner.propose(surveys[1], with_frontier=False) for _ in range(2)]
    monkeypatch.setenv(cache.VARIABLE, "off")
    surveys.append(planner.survey_study(study))
    proposals.append(planner.propose(surveys[2], with_frontier=False))
    for reaches in ([survey.reach for survey in surveys], [proposal.options for proposal in proposals]):
        for reach in reaches[1:]:
            for name in ("data", "indices", "indptr"):
                assert np.array_equal(getattr(reach.walk_s, name), getattr(reaches[0].walk_s, name))
            for name in ("facility_ids", "demand_ids", "unlinked_facilities", "unlinked_demand"):
                assert getattr(reach, name).equals(getattr(reaches[0], name)), name
    assert all(survey.demand.equals(surveys[0].demand) for survey in surveys)


def test_only_facilities_that_changed_are_measured_again(folder: Path, measured: list[int]) -> None:
    at = inside(planner.read_study(DISTRICT))
    told()
    assert measured == [13], "the stations that stand"
    for words, new in ((("--close", "S03"), []), (("--move", f"S05@{at}"), [1]), (("--add", f"New@{at}"), []), ((), [])):
        measured.clear()
        told(*words)
        assert measured == new, words
    measured.clear()
    told("--set", "walk.minutes=12")
    assert measured == [13], "another cutoff"


def test_what_else_changed_is_noticed(folder: Path, measured: list[int], tmp_path: Path) -> None:
    told()
    studies = [
        planner.read_study(DISTRICT, said) for said in (["walk.max_link_m=200"], ["population.cell_m=500"], ["crs=EPSG:32652"])
    ]
    for study in studies:
        measured.clear()
        planner.survey_study(study)
        assert measured == [13]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _shorten(path: Path) -> None:
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: values[:-1] if values.ndim else values for name, values in held.items()}
    np.savez(path, **arrays)


def _noise(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 not an archive at all")


@pytest.mark.parametrize("spoil", [_cut, _flip, _shorten, _noise])
def test_a_damaged_entry_is_noticed_and_made_anew(spoil: Callable[[Path], None], folder: Path) -> None:
    right = told()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for entry in folder.iterdir():
        spoil(entry)
    assert told() == right
    assert set(before) == {path.name for path in folder.iterdir()}
    for name, good in before.items():
        with np.load(folder / name, allow_pickle=False) as new, np.load(io.BytesIO(good), allow_pickle=False) as old:
            assert all(np.array_equal(new[key], old[key]) for key in old), name


def test_what_is_kept_does_not_depend_on_any_key_group(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survey = planner.survey_study(planner.read_study(DISTRICT))
    assert survey.study.scenario.groups
    monkeypatch.setenv(cache.VARIABLE, str(folder.parent / "other"))
    planner.survey_study(planner.read_study(DISTRICT, ["groups=[]"]))
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (folder.parent / "other").iterdir())
    for name in names:
        with (
            np.load(folder / name, allow_pickle=False) as one,
            np.load(folder.parent / "other" / name, allow_pickle=False) as other,
        ):
            assert set(one) == set(other)
            assert all(np.array_equal(one[key], other[key]) for key in one), name


def test_a_raster_of_a_key_group_is_not_kept(folder: Path) -> None:
    groups = '[{name="jobless",label="失业",weight=2.0,file="population.tif"}]'
    planner.survey_study(planner.read_study(DISTRICT, [f"groups={groups}"]))
    assert len(list(folder.glob("residents-*.npz"))) == 1, "the residents alone"


def test_what_a_raster_makes_one_wonder_about_is_said_each_time(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(DISTRICT, tmp_path / "density")
    study = tmp_path / "density"
    (study / "population.tif").rename(study / "population_density.tif")
    asked = planner.read_study(study, ["population.file=population_density.tif"])
    for _ in range(2):
        with pytest.warns(planner.PlannerWarning, match="density"):
            planner.survey_study(asked)
    assert not list(folder.glob("residents-*.npz"))


def test_another_raster_is_never_taken_for_the_first(folder: Path, tmp_path: Path) -> None:
    study = tmp_path / "other"
    shutil.copytree(DISTRICT, study)
    before = planner.survey_study(planner.read_study(study)).demand["population"].sum()
    with rasterio.open(study / "population.tif", "r+") as raster:
        counts = raster.read()
        raster.write(np.where(counts > 0, counts * 2, counts))
    assert planner.survey_study(planner.read_study(study)).demand["population"].sum() == pytest.approx(2 * before, rel=1e-6)
    assert (study / "population.tif").stat().st_size > kept.SMALLEST_KEPT_BYTES


def test_the_cache_keeps_no_more_than_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 3000)
    for number in range(6):
        assert cache.keep_arrays(tmp_path, ("walks", "residents")[number % 2], str(number), {"a": np.zeros(100)})
        for place, path in enumerate(sorted(tmp_path.iterdir(), key=lambda path: path.stem[-1])):
            os.utime(path, (place, place))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3000
    assert {path.stem[-1] for path in tmp_path.iterdir()} <= {"3", "4", "5"}
    assert "5" in {path.stem[-1] for path in tmp_path.iterdir()}


def test_times_to_residents_are_kept_as_those_of_a_score_are(folder: Path, measured: list[int]) -> None:
    told()
    seen = len(measured)
    words = ["times", str(DISTRICT), "--from", "demand", "--to", "stations", "--format", "csv", "-q"]
    kept = CliRunner().invoke(main, words)
    assert measured[seen:] == [], "the stations were measured before"
    fresh = CliRunner().invoke(main, words, env={cache.VARIABLE: "off"})
    assert kept.exit_code == fresh.exit_code == 0
    assert kept.stdout == fresh.stdout
    assert len(kept.stdout) > 1000
