"""A district that lies across 180° of longitude is a district like any other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import geopandas as gpd
import lattice_study
import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from people import write_raster

import planner
from planner.errors import TableError

CRS = "EPSG:32760"
SIDE_M = lattice_study.SIDE * lattice_study.BLOCK_M


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The lattice town with its middle on 180°, without a CRS of its own, and all that a run writes of it."""
    degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    x, y = degrees.transform(180.0, -16.8, direction="INVERSE")

    def lonlat(i: float, j: float) -> tuple[float, float]:
        lon, lat = degrees.transform(x + (i - 10) * lattice_study.BLOCK_M, y + (j - 10) * lattice_study.BLOCK_M)
        return round(lon, 9), round(lat, 9)

    folder = tmp_path_factory.mktemp("antimeridian")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lattice_study, "lonlat", lonlat)
        study = lattice_study.write_lattice_study(folder / "study")
    file = study / "study.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('crs   = "EPSG:32651"\n', ""), encoding="utf-8")
    planner.run_study(planner.read_study(study)).write(folder / "out")
    return study, folder / "out"


def test_streets_on_both_sides_are_read_and_walked(written):
    study, out = written
    network = planner.read_network(planner.read_study(study), cache=False)
    assert len(network.node_xy) == lattice_study.SIDE**2
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    reached = (lattice_study.DIAMOND + 17) * lattice_study.PEOPLE_A_CORNER  # two diamonds, three blocks apart, share 8 corners
    assert summary["coverage"] == pytest.approx(reached / (lattice_study.SIDE**2 * lattice_study.PEOPLE_A_CORNER))


def test_its_crs_is_of_where_it_lies_not_of_the_middle_of_the_world(written):
    assert planner.read_study(written[0]).crs in ("EPSG:32701", "EPSG:32760")


def test_outlines_and_towns_in_degrees_are_cut_at_180_as_geojson_has_it(written):
    _, out = written
    for name, largest_m2 in (("isochrones", 4 * 300.0**2), ("towns", SIDE_M**2)):
        table = gpd.read_file(out / f"{name}.geojson")
        sides = table.geometry.explode().bounds
        assert (sides.maxx - sides.minx).max() < 0.05
        assert table.is_valid.all()
        assert table.to_crs(CRS).area.max() < largest_m2


def test_towns_cut_at_180_are_read_as_one_place(written, tmp_path):
    study, out = written
    towns = gpd.read_file(out / "towns.geojson")
    assert "MultiPolygon" in set(towns.geom_type)
    for file in study.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "towns.geojson").write_bytes((out / "towns.geojson").read_bytes())
    cut, whole = planner.read_study(tmp_path), planner.read_study(study)
    assert cut.crs == whole.crs
    areas = [planner.read_area(each).area.to_numpy() for each in (cut, whole)]
    np.testing.assert_allclose(*areas, rtol=1e-4)


@pytest.mark.parametrize("west", [179.98, -180.02])
def test_a_raster_in_degrees_that_goes_on_beyond_180_counts_both_sides(written, tmp_path, west):
    study = counting(written[0], tmp_path, west, columns=40)
    demand = planner.read_demand(study, planner.read_area(study))
    assert demand["population"].sum() == pytest.approx(planner.read_area(study).area.sum() / cell_m2(), rel=0.01)


def test_a_raster_that_is_cut_at_180_is_refused_with_its_mend(written, tmp_path):
    study = counting(written[0], tmp_path, -180.0, columns=360_000)
    with pytest.raises(TableError, match=r"across 180°.*gdalwarp -t_srs EPSG:327"):
        planner.read_demand(study, planner.read_area(study))


STEP = 0.001


def cell_m2() -> float:
    return abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.box(0, -16.8, STEP, -16.8 + STEP))[0])


def counting(study: Path, folder: Path, west: float, columns: int) -> planner.Study:
    """The study with one resident in every cell of a raster whose columns of `STEP` degrees begin at `west`."""
    for file in study.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    across = Affine(STEP, 0, west, 0, -STEP, -16.78)
    write_raster(
        folder / "people.tif", np.ones((40, columns)), dtype="uint8", crs="EPSG:4326", transform=across, compress="deflate"
    )
    text = (folder / "study.toml").read_text(encoding="utf-8")
    text = (
        re.sub(r"\[\[groups\]\].*?\n\n", "", text, flags=re.S)
        .replace("people.csv", "people.tif")
        .replace('column = "people"\n', "")
    )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return planner.read_study(folder)
