"""Street corners as candidates: thinned on a spacing, behind host premises, never on an island."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from builders import lattice
from lattice_study import write_lattice_study
from scipy.spatial.distance import pdist
from shapely.geometry import box

import planner
from planner.errors import StudyError, TableError
from planner.sources.osm import street_corners

NOWHERE = np.zeros((0, 2))


def test_corners_keep_their_distance_and_leave_no_gap() -> None:
    network = lattice(7)
    whole = box(*network.node_xy.min(axis=0) - 1, *network.node_xy.max(axis=0) + 1)
    every = street_corners(network, 25.0, whole, NOWHERE)
    assert len(every) == 7 * 7 - 4  # the four ends of the lattice join two streets only
    found = street_corners(network, 200.0, whole, NOWHERE)
    xy = np.column_stack([found.geometry.x, found.geometry.y])
    assert pdist(xy).min() >= 200.0
    corners = np.column_stack([every.geometry.x, every.geometry.y])
    assert (np.hypot(*(corners[:, None] - xy[None]).transpose(2, 0, 1)).min(axis=1) < 200.0).all()
    assert found["node_id"].is_monotonic_increasing


def test_host_premises_come_first() -> None:
    network = lattice(5)
    whole = box(*network.node_xy.min(axis=0) - 1, *network.node_xy.max(axis=0) + 1)
    host = network.node_xy.mean(axis=0)[None]
    found = street_corners(network, 150.0, whole, host)
    assert np.hypot(found.geometry.x - host[0, 0], found.geometry.y - host[0, 1]).min() >= 150.0


def test_a_study_takes_corners_beside_its_hosts(tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path / "study")
    file = folder / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace('file = "hosts.csv"\n', 'file = "hosts.csv"\n\n[[candidates]]\ncorners_m = 150\n'), encoding="utf-8"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = planner.read_study(file)
        both = planner.read_candidates(study)
        assert planner.check_study(file) == []
    corners = both[both["host"] == "street corner"]
    assert len(corners) > 4
    assert len(both) > len(corners)
    assert corners.index.str.startswith("corner-").all()
    assert planner.read_candidates(study).index.tolist() == both.index.tolist()


def test_corners_are_no_stations_and_go_with_nothing_else(tmp_path: Path) -> None:
    folder = write_lattice_study(tmp_path / "study")
    with pytest.raises(StudyError, match="street corners and something else"):
        planner.read_study(folder, ['candidates.1={file="hosts.csv", corners_m=100}'])
    study = planner.read_study(folder, ["stations={corners_m=100}"])
    with pytest.raises((StudyError, TableError), match="stations do not stand at every corner"):
        planner.read_stations(study)
