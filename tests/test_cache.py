"""Networks kept on disk: the same to the last bit, or read anew."""

from __future__ import annotations

import dataclasses
import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from builders import CRS, lattice
from osm_builders import cross

import planner.sources.osm as osm
from planner.errors import MachineNote
from planner.network import Network
from planner.schema import TOWNS, Towns
from planner.sources.cache import MOST_ENTRIES, cache_folder, fingerprint, keep_network, kept_network
from planner.sources.osm.streets import project
from planner.study import NetworkSource, PopulationSource, Scenario, StationSource, Study, Walk

ARRAYS = ("node_xy", "node_id", "ends", "length_m", "flags", "component", "component_length_m")


def same(first: Network, second: Network) -> bool:
    arrays = all(np.array_equal(getattr(first, a), getattr(second, a)) for a in ARRAYS)
    return arrays and first.crs == second.crs and first.report == second.report and repr(first) == repr(second)


def entry(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_what_was_kept_comes_back_the_same(tmp_path: Path) -> None:
    town = lattice(6)
    assert kept_network(tmp_path, "k") is None
    assert keep_network(tmp_path, "k", town)
    found = kept_network(tmp_path, "k")
    assert found is not None
    assert same(found, town)
    assert not found.length_m.flags.writeable
    assert [path.name for path in tmp_path.iterdir()] == ["network-k.npz"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(lattice(6).length_m.tobytes()) + 40
    data[at] ^= 1
    path.write_bytes(data)


def _locked(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] ^= 1  # "encrypted", in the archive's list of contents
    path.write_bytes(data)


def _newer(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 6] ^= 0x80  # packed by a later version of the format
    path.write_bytes(data)


def _other(path: Path) -> None:
    path.write_bytes(b"streets")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"node_xy": 1}))


def _changed(**arrays: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with np.load(path) as kept:
            whole = {name: kept[name] for name in kept.files}
        whole |= arrays
        with path.open("wb") as file:
            np.savez(file, **{name: values for name, values in whole.items() if values is not None})

    return change


DAMAGE = {
    "cut short": _cut,
    "a flipped bit": _flip,
    "a flipped bit that says it is encrypted": _locked,
    "a flipped bit that asks for another reader": _newer,
    "another file": _other,
    "an empty file": _empty,
    "a pickle": _pickled,
    "an array is missing": _changed(flags=None),
    "an array of objects": _changed(flags=np.array([{}], dtype=object)),
    "an array of another size": _changed(flags=np.zeros(3, np.uint16)),
    "an array of another type": _changed(node_id=np.zeros(36)),
    "ends that are no nodes": _changed(ends=np.full((60, 2), 99, np.int32)),
    "no segment": _changed(ends=np.zeros((0, 2), np.int32), length_m=np.zeros(0), flags=np.zeros(0, np.uint16)),
    "a CRS nobody knows": _changed(crs=np.frombuffer(b"EPSG:999999", np.uint8)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_noticed_and_removed(tmp_path: Path, damage: str) -> None:
    keep_network(tmp_path, "k", lattice(6))
    DAMAGE[damage](entry(tmp_path))
    with pytest.warns(MachineNote, match=r"what the cache kept \(network\) was damaged and is made anew"):
        assert kept_network(tmp_path, "k") is None
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_kept_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(MachineNote, match=r"nothing can be kept in the cache \(.+\).*PLANNER_CACHE") as said:
        assert not keep_network(tmp_path / "file", "k", lattice(3))
    assert str(tmp_path) not in str(said[0].message)  # notes may be handed on
    assert kept_network(tmp_path / "file", "k") is None


def test_a_cache_that_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_network(tmp_path, "k", lattice(3))

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "utime", refused)
    kept = kept_network(tmp_path, "k")
    assert kept is not None
    assert same(kept, lattice(3))
    assert entry(tmp_path).exists()


def test_an_unwritable_entry_leaves_nothing_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object, **arrays: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(MachineNote, match="nothing can be kept in the cache"):
        assert not keep_network(tmp_path, "k", lattice(3))
    assert list(tmp_path.iterdir()) == []


def test_the_least_lately_used_go(tmp_path: Path) -> None:
    town = lattice(2)
    for i in range(MOST_ENTRIES):
        keep_network(tmp_path, f"{i:02}", town)
        os.utime(tmp_path / f"network-{i:02}.npz", (i, i))
    assert kept_network(tmp_path, "00") is not None  # used just now
    keep_network(tmp_path, "new", town)
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == MOST_ENTRIES
    assert "network-00.npz" in names
    assert "network-01.npz" not in names


def test_a_fingerprint_changes_with_the_content_and_every_setting(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"x")
    second.write_bytes(b"y")
    prints = [
        fingerprint(first),
        fingerprint(second),
        fingerprint(first, b"1"),
        fingerprint(first, b"1", b""),
        fingerprint(first, b"", b"1"),
    ]
    assert len(set(prints)) == len(prints)
    assert fingerprint(first, b"1") == prints[2]


@pytest.mark.parametrize(
    ("said", "folder"),
    [
        ({"PLANNER_CACHE": "off"}, None),
        ({"PLANNER_CACHE": "OFF", "XDG_CACHE_HOME": "/c"}, None),
        ({"PLANNER_CACHE": "/mine"}, Path("/mine")),
        ({"XDG_CACHE_HOME": "/c"}, Path("/c/planner")),
        ({"HOME": "/home/li"}, Path("~/.cache/planner").expanduser()),
    ],
)
def test_the_folder_is_the_users_choice(said: dict[str, str], folder: Path | None) -> None:
    assert cache_folder(said) == folder


# read_network


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test, in which small extracts are kept, too."""
    monkeypatch.setenv("PLANNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(osm, "SMALLEST_KEPT_BYTES", 0)
    return tmp_path / "cache"


def made_study(folder: Path, minutes: float = 5.0) -> tuple[Study, Towns]:
    cross().write(folder)
    study = Study(
        name="test",
        area="towns.geojson",
        network=NetworkSource(file="town.osm"),
        stations=StationSource(file="stations.csv"),
        population=PopulationSource(file="people.csv"),
        folder=folder,
        crs=CRS,
        scenario=Scenario(walk=Walk(minutes=minutes)),
    )
    x, y = project(np.array([[121.001, 31.001]]), CRS)[0]
    area = shapely.Point(x, y).buffer(50)
    return study, TOWNS.conform(gpd.GeoDataFrame({"town": ["A"]}, geometry=[area], crs=CRS))


def test_a_network_read_before_is_taken_and_is_the_same(tmp_path: Path, kept: Path) -> None:
    study, towns = made_study(tmp_path)
    first, said = osm.read_network(study, towns=towns), []
    second = osm.read_network(study, towns=towns, progress=lambda doing, share: said.append(doing))
    assert said == ["the network was read before"]
    assert same(first, second)
    assert len(list(kept.iterdir())) == 1


def test_another_extract_walk_or_area_is_read_anew(tmp_path: Path, kept: Path) -> None:
    study, towns = made_study(tmp_path)
    osm.read_network(study, towns=towns)
    osm.read_network(made_study(tmp_path, minutes=6)[0], towns=towns)
    osm.read_network(study, towns=TOWNS.conform(towns.assign(geometry=towns.buffer(5))))
    town = cross().street(12, 3, 5)
    town.write(tmp_path)
    changed = osm.read_network(study, towns=towns)
    assert len(list(kept.iterdir())) == 4
    assert len(changed.ends) == 5


def test_a_damaged_entry_is_made_anew(tmp_path: Path, kept: Path) -> None:
    study, towns = made_study(tmp_path)
    first = osm.read_network(study, towns=towns)
    whole = entry(kept).read_bytes()
    _cut(entry(kept))
    with pytest.warns(MachineNote, match="was damaged"):
        again = osm.read_network(study, towns=towns)
    assert same(again, first)
    assert len(entry(kept).read_bytes()) == len(whole)


def test_nothing_is_kept_when_it_is_switched_off(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, towns = made_study(tmp_path)
    osm.read_network(study, towns=towns, cache=False)
    monkeypatch.setenv("PLANNER_CACHE", "off")
    osm.read_network(study, towns=towns)
    assert not kept.exists()


def test_small_extracts_are_not_kept(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, towns = made_study(tmp_path)
    monkeypatch.setattr(osm, "SMALLEST_KEPT_BYTES", 32 * 1024)
    osm.read_network(study, towns=towns)
    assert not kept.exists()


def test_a_kept_network_cannot_be_changed(tmp_path: Path) -> None:
    keep_network(tmp_path, "k", lattice(2))
    found = kept_network(tmp_path, "k")
    assert found is not None
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.crs = None  # type: ignore[misc,assignment]
