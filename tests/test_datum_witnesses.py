"""The made district's own files, each written in one datum and declared in another: what `check` says of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from planner.datum import to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from planner.demand import Grounds
from planner.errors import Fault, PlannerWarning
from planner.network import Network
from planner.schema import Towns
from planner.sources.check import _homes, _placed_files
from planner.sources.datums import Homes, PlacedFile, datum_faults, verdict, witnesses
from planner.sources.files import read_area, read_study
from planner.sources.osm import read_network
from planner.sources.population.residents import read_residents

DISTRICT = Path(__file__).resolve().parents[1] / "data" / "district"
WRITE = {"wgs84": lambda lon, lat: (lon, lat), "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
PAIRS = [(true, said) for true in WRITE for said in WRITE if true != said]


@dataclass(frozen=True)
class Witnessed:
    network: Network
    towns: Towns
    files: dict[str, gpd.GeoDataFrame]
    homes: Homes

    def judged(self, file: str, true: str, said: str) -> tuple[list[Fault], list[str]]:
        """Faults and notes of one file, or of the area and all files in it, written in `true` and declared as `said`."""
        files = [PlacedFile(name, "wgs84", places) for name, places in self.files.items()]
        if file in self.files:
            files = [PlacedFile(file, said, rewritten(self.files[file], true, said))]
        towns = Towns(rewritten(self.towns, true, said)) if file == "towns.geojson" else self.towns
        area = PlacedFile("towns.geojson", said if file == "towns.geojson" else "EPSG:4326", towns)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", PlannerWarning)
            faults = datum_faults(self.network, towns, area, files, self.homes)
        return faults, [str(each.message) for each in heard]


def rewritten(places: gpd.GeoDataFrame, true: str, said: str) -> gpd.GeoDataFrame:
    """Places as they are read where their file is in `true` and says `said`."""
    degrees = places.to_crs("EPSG:4326")
    shapes = shapely.transform(
        np.asarray(degrees.geometry), lambda xy: np.column_stack(to_wgs84(*WRITE[true](xy[:, 0], xy[:, 1]), said))
    )
    return places.set_geometry(gpd.GeoSeries(shapes, index=places.index, crs="EPSG:4326").to_crs(places.crs))


@pytest.fixture(scope="module")
def district() -> Witnessed:
    study = read_study(DISTRICT)
    towns = read_area(study)
    residents = read_residents(study, towns, Grounds.of(towns, []))[0].ordered()
    homes = _homes(study, residents)
    assert homes is not None
    files = {file: places for file, _, read in _placed_files(study, towns) if (places := read()) is not None}
    return Witnessed(read_network(study, towns=towns), towns, files, homes)


def test_right_datums_are_silent(district: Witnessed) -> None:
    assert district.judged("towns.geojson", "wgs84", "wgs84") == ([], [])


@pytest.mark.parametrize(("true", "said"), PAIRS)
@pytest.mark.parametrize("file", ["stations.csv", "hosts.csv", "graduates.csv"])
def test_each_wrong_datum_of_each_file_is_named_with_its_metres(district: Witnessed, file: str, true: str, said: str) -> None:
    faults, notes = district.judged(file, true, said)
    told = [*(str(fault) for fault in faults), *notes]
    assert len(told) == 1
    assert file in told[0]
    assert f"look like {true}, not {said}" in told[0]
    off = {"wgs84gcj02": 524, "bd09gcj02": 920, "wgs84bd09": 1147}["".join(sorted((true, said), key="wgs84bd09gcj02".index))]
    metres = float(told[0].split(" m off")[0].split()[-1])
    assert metres == pytest.approx(off, abs=10)


@pytest.mark.parametrize(("true", "said"), [pair for pair in PAIRS if pair != ("gcj02", "wgs84")])
def test_borders_that_follow_no_street_are_known_by_the_places_in_them(district: Witnessed, true: str, said: str) -> None:
    faults, notes = district.judged("towns.geojson", true, said)
    assert notes == []
    assert [fault.file for fault in faults] == ["towns.geojson"]  # and no list that names a town is accused in its stead
    assert f"the borders look like {true}, not {said}" in faults[0].problem
    assert faults[0].mend == f'write area_coordinates = "{true}" in study.toml'


def test_what_nobody_can_tell_is_said(district: Witnessed) -> None:
    """One place in 1,900 lies outside its town either way: no proof, and no silence."""
    faults, notes = district.judged("towns.geojson", "gcj02", "wgs84")
    assert faults == []
    assert len(notes) == 1
    assert "neither streets nor homes nor towns tell" in notes[0]
    assert "towns.geojson (wgs84)" in notes[0]


@pytest.mark.parametrize("number", [1, 7, 8])
def test_few_places_are_said_to_be_too_few_once_a_file(district: Witnessed, number: int) -> None:
    few = PlacedFile("few.csv", "gcj02", district.files["hosts.csv"].iloc[:number])
    abroad = few.places.set_geometry(
        gpd.points_from_xy([24.94 + n / 99 for n in range(number)], [60.17] * number, crs="EPSG:4326")
    )
    others = [few, few, PlacedFile("epsg.csv", "EPSG:4326", few.places), PlacedFile("abroad.csv", "wgs84", abroad)]
    area = PlacedFile("towns.geojson", "EPSG:4326", district.towns)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", PlannerWarning)
        datum_faults(district.network, district.towns, area, others, district.homes)
    told = [str(each.message) for each in heard if "too few" in str(each.message)]
    assert [note.count("few.csv (gcj02)") for note in told] == ([1] if number < 8 else [])
    assert not any(name in note for note in told for name in ("epsg.csv", "abroad.csv", "towns.geojson"))


def test_places_anywhere_are_accused_of_nothing(district: Witnessed) -> None:
    """Scattered and clustered places without any bond to streets: nobody can tell, and that is all that is said."""
    west, south, east, north = district.towns.total_bounds
    rng = np.random.default_rng(4)
    for number in range(6):
        middle = rng.uniform((west + 2000, south + 2000), (east - 2000, north - 2000), (1, 2))
        scattered = rng.uniform((west, south), (east, north), (20, 2)) if number % 2 else middle + rng.normal(0, 150, (20, 2))
        places = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*scattered.T), crs=district.towns.crs)
        area = PlacedFile("towns.geojson", "EPSG:4326", district.towns)
        with pytest.warns(PlannerWarning, match=r"neither streets nor homes nor towns tell .*: any\.csv \(wgs84\)"):
            assert datum_faults(district.network, district.towns, area, [PlacedFile("any.csv", "wgs84", places)]) == []


def test_places_of_one_block_prove_no_wrong_datum(district: Witnessed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the streets would prove it of places farther apart, a note says that it is likely, and no proof."""
    nodes = shapely.get_coordinates(np.asarray(district.network.nodes.geometry))
    rng = np.random.default_rng(4)
    blocks = []
    for centre in nodes[rng.choice(len(nodes), 6, replace=False)]:
        near = nodes[np.hypot(*(nodes - centre).T) < 400.0]
        doors = near[rng.choice(len(near), min(len(near), 12), replace=False)] + rng.normal(0, 8, (min(len(near), 12), 2))
        places = gpd.GeoDataFrame(geometry=shapely.points(doors), crs=district.towns.crs)
        blocks.append(PlacedFile("block.csv", "wgs84", rewritten(places, "gcj02", "wgs84")))
    area = PlacedFile("towns.geojson", "EPSG:4326", district.towns)

    def judged() -> tuple[list[Fault], str]:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", PlannerWarning)
            faults = datum_faults(district.network, district.towns, area, blocks)
        return faults, "\n".join(str(each.message) for each in heard)

    faults, said = judged()
    assert faults == []
    assert "look like gcj02, not wgs84" in said
    assert "it is likely, and no proof" in said
    monkeypatch.setattr(verdict, "WIDE_M", 0.0)
    assert judged()[0]


def test_what_chance_does_is_counted_as_move_by_move() -> None:
    """All moves are asked about at once; here one by one, with people added up place by place."""
    rng = np.random.default_rng(3)
    homes = Homes(rng.uniform(0, 3000, (400, 2)), rng.uniform(0, 50, 400))
    moved = {datum: rng.uniform(1000, 2000, (40, 2)) for datum in witnesses.DATUMS}

    def lies(places: np.ndarray) -> float:
        near = np.hypot(*(places[:, None] - homes.xy).transpose(2, 0, 1)) <= witnesses.HOME_M
        return float(np.mean(np.log1p(near @ homes.people)))

    rng = np.random.default_rng(1)
    angle, far = rng.uniform(0, 2 * np.pi, witnesses.CHANCES), rng.uniform(150, 1500, witnesses.CHANCES)
    chance = [lies(moved["wgs84"] + far_m * np.array([np.cos(a), np.sin(a)])) for a, far_m in zip(angle, far, strict=True)]
    expected = {datum: (1 + sum(c >= lies(xy) - 1e-12 for c in chance)) / 201 for datum, xy in moved.items()}
    assert witnesses.by_chance(moved, "wgs84", homes.near()) == pytest.approx(expected, abs=1e-15)
    assert len(set(expected.values())) > 1
