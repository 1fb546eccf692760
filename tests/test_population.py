"""Residents out of rasters, zones, points and totals: every expected number is arithmetic or a brute-force intersection."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.shutil
import shapely
from affine import Affine
from builders import CRS
from people import by_town, degrees, study_in, towns_of, write_csv, write_houses, write_raster, write_zones

from planner.datum import wgs84_to_gcj02
from planner.errors import CrsError, PlannerError, PlannerWarning, SourceError, StudyError, TableError
from planner.sources.population import rasters, read_demand, read_demand_with_tally
from planner.study import Group

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
WHOLE = shapely.box(0, 0, 400, 400)
WORLDPOP = "worldpop-sample/wpop_ahrvalley.tif"


def need_shared(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not beside the project")
    return SHARED


def brute_force(path: Path, towns) -> dict[str, float]:
    """Every cell intersected with every town, one by one, in the raster's own CRS."""
    with rasterio.open(path) as raster:
        values = np.ma.filled(raster.read(1, masked=True).astype(float), 0.0)
        affine, crs = raster.transform, raster.crs
    row, col = np.nonzero(values)
    corners = np.stack([np.column_stack([col + i, row + j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))], axis=1)
    matrix, shift = np.array([[affine.a, affine.b], [affine.d, affine.e]]), np.array([affine.c, affine.f])
    cells = shapely.polygons(corners @ matrix.T + shift)
    shapes = towns.geometry.segmentize(50).to_crs(crs)
    share = {name: shapely.area(shapely.intersection(cells, shape)) / shapely.area(cells) for name, shape in shapes.items()}
    return {name: float((values[row, col] * part).sum()) for name, part in share.items()}


# Rasters


def test_a_cell_that_a_border_crosses_counts_by_its_share_of_area(tmp_path):
    write_raster(tmp_path / "people.tif", [[8, 8, 8, 8]])
    demand = read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=shapely.box(0, 0, 250, 100)))
    assert demand["population"].tolist() == [8.0, 8.0, 4.0]
    assert shapely.get_coordinates(demand.geometry) == pytest.approx(np.array([(50, 50), (150, 50), (225, 50)]))


def test_a_cell_between_two_towns_is_split_and_nobody_counts_twice(tmp_path):
    write_raster(tmp_path / "people.tif", np.full((4, 4), 10.0))
    towns = towns_of(A=shapely.box(0, 0, 125, 400), B=shapely.box(125, 0, 400, 400))
    demand, tallies = read_demand_with_tally(study_in(tmp_path, file="people.tif"), towns)
    assert by_town(demand) == pytest.approx({"A": 50.0, "B": 110.0})
    assert len(demand) == 16 + 4
    assert (tallies[0].people_in, tallies[0].people_out) == pytest.approx((160.0, 160.0))


def test_towns_that_overlap_count_their_people_once(tmp_path):
    write_raster(tmp_path / "people.tif", np.full((4, 4), 10.0))
    towns = towns_of(A=shapely.box(0, 0, 300, 400), B=shapely.box(100, 0, 400, 400))
    assert by_town(read_demand(study_in(tmp_path, file="people.tif"), towns)) == pytest.approx({"A": 120.0, "B": 40.0})


def test_nodata_masked_nan_and_empty_cells_hold_nobody(tmp_path):
    write_raster(tmp_path / "people.tif", [[-99999, np.nan, 0, 5]], nodata=-99999)
    demand = read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE.intersection(shapely.box(0, 0, 400, 100))))
    assert demand["population"].tolist() == [5.0]


def test_scaled_integers_are_people_after_scaling(tmp_path):
    write_raster(tmp_path / "people.tif", [[30, 50]], dtype="int16")
    with rasterio.open(tmp_path / "people.tif", "r+") as raster:
        raster.scales, raster.offsets = (0.1,), (2.0,)
    demand = read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=shapely.box(0, 0, 200, 100)))
    assert demand["population"].tolist() == pytest.approx([5.0, 7.0])


@pytest.mark.parametrize("window", [1, 3, 1024])
def test_reading_by_windows_changes_nothing(tmp_path, monkeypatch, window):
    cells = np.random.default_rng(3).integers(0, 9, (10, 10)).astype(float)
    write_raster(tmp_path / "people.tif", cells)
    disc = shapely.Point(480, 510).buffer(333)
    towns = towns_of(A=disc, B=shapely.Point(480, 510).buffer(450).difference(disc))
    whole = read_demand(study_in(tmp_path, file="people.tif"), towns)
    monkeypatch.setattr(rasters, "WINDOW", window)
    again = read_demand(study_in(tmp_path, file="people.tif"), towns)
    assert by_town(whole) == pytest.approx(brute_force(tmp_path / "people.tif", towns), rel=1e-9)
    assert np.allclose(again["population"], whole["population"], rtol=1e-12)
    assert again.geometry.geom_equals_exact(whole.geometry, 1e-6).all()


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(1 / 1200, 0, 121.0, 0, -1 / 1200, 31.5)),
        ("EPSG:32651", Affine(80, 30, 309_500, 20, -90, 3_487_500)),  # rotated and sheared
        ("EPSG:3857", Affine(100, 0, 13_469_700, 0, 100, 3_696_000)),  # south up
        ("ESRI:54009", Affine(100, 0, 11_180_000, 0, -100, 3_783_000)),  # Mollweide, as GHSL
    ],
)
def test_cells_of_any_grid_are_split_as_brute_force_splits_them(tmp_path, crs, transform):
    write_raster(tmp_path / "people.tif", np.random.default_rng(1).gamma(1, 9, (30, 30)), crs=crs, transform=transform)
    x, y = transform.c + 14.2 * transform.a + 15.1 * transform.b, transform.f + 14.2 * transform.d + 15.1 * transform.e
    x, y = pyproj.Transformer.from_crs(crs, CRS, always_xy=True).transform(x, y)
    ring = shapely.Point(x, y).buffer(900).difference(shapely.Point(x + 50, y).buffer(300))
    towns = towns_of(A=ring.intersection(shapely.box(0, 0, x, 1e7)), B=ring.intersection(shapely.box(x, 0, 1e6, 1e7)))
    demand = read_demand(study_in(tmp_path, file="people.tif"), towns)
    assert by_town(demand) == pytest.approx(brute_force(tmp_path / "people.tif", towns), rel=1e-6)
    assert demand.within(towns.geometry.union_all().buffer(0.01)).all()


def test_a_cell_of_a_kilometre_does_not_stand_on_one_point(tmp_path):
    write_raster(tmp_path / "people.tif", [[50.0]], side=1000.0)
    demand = read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=shapely.box(0, 0, 1000, 500)))
    assert demand["population"].sum() == pytest.approx(25.0)
    assert len(demand) == 15  # squares of 200 m: two rows whole, one cut in half
    assert len(read_demand(study_in(tmp_path, file="people.tif", zone_m=1000), towns_of(A=shapely.box(0, 0, 1000, 1000)))) == 1


def test_a_density_becomes_people_by_the_true_area_of_its_cells(tmp_path):
    write_raster(tmp_path / "equal.tif", [[1000.0, 2000.0]], crs="EPSG:6933", origin=(11_600_000, 3_900_000))
    lon, lat = pyproj.Transformer.from_crs("EPSG:6933", "EPSG:4326", always_xy=True).transform(11_600_100, 3_900_050)
    town = gpd.GeoSeries([shapely.Point(lon, lat).buffer(0.01)], crs=4326).to_crs(CRS)[0]
    with pytest.warns(PlannerWarning, match="does not reach"):
        demand = read_demand(study_in(tmp_path, file="equal.tif", values="per_km2"), towns_of(A=town))
    assert demand["population"].sum() == pytest.approx(30.0, rel=1e-6)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_a_density_in_degrees_or_mercator_agrees_with_the_geodesic_area(tmp_path, crs):
    into = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    (west, south), (east, north) = into.transform(121.0, 31.0), into.transform(121.01, 31.01)
    transform = Affine((east - west) / 10, 0, west, 0, (south - north) / 10, north)
    write_raster(tmp_path / "people.tif", np.full((10, 10), 5000.0), crs=crs, transform=transform)
    town = gpd.GeoSeries([shapely.box(120.9, 30.9, 121.1, 31.1)], crs=4326).to_crs(CRS)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlannerWarning)  # the raster is smaller than the town
        demand = read_demand(study_in(tmp_path, file="people.tif", values="per_km2"), towns_of(A=town))
    area, _ = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.box(121.0, 31.0, 121.01, 31.01).segmentize(1e-4))
    assert demand["population"].sum() == pytest.approx(5000 * abs(area) / 1e6, rel=1e-6)


def test_a_raster_that_calls_itself_a_density_is_questioned(tmp_path):
    write_raster(tmp_path / "density.tif", np.ones((4, 4)))
    with pytest.warns(PlannerWarning, match="per_km2"):
        read_demand(study_in(tmp_path, file="density.tif"), towns_of(A=WHOLE))


def test_a_band_is_chosen_by_number_or_name_and_never_guessed(tmp_path):
    write_raster(tmp_path / "people.tif", np.stack([np.full((4, 4), 1.0), np.full((4, 4), 2.0)]))
    with rasterio.open(tmp_path / "people.tif", "r+") as raster:
        raster.descriptions = ("men", "women")
    for column, total in (("2", 32.0), ("women", 32.0), ("men", 16.0)):
        demand = read_demand(study_in(tmp_path, file="people.tif", column=column), towns_of(A=WHOLE))
        assert demand["population"].sum() == pytest.approx(total)
    for column in (None, "3", "children"):
        with pytest.raises(TableError, match="1 'men', 2 'women'"):
            read_demand(study_in(tmp_path, file="people.tif", column=column), towns_of(A=WHOLE))


def test_a_raster_smaller_than_the_area_is_said_to_be(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((2, 4)))
    with pytest.warns(PlannerWarning, match="does not reach 50.0% of the area"):
        assert len(read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))) == 8


def test_a_raster_without_a_crs_is_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_raster(tmp_path / "people.tif", np.ones((4, 4)), crs=None)
    with pytest.raises(CrsError, match=r"people\.tif: the raster has no CRS"):
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))


@pytest.mark.parametrize("value", [-99999.0, -1.0, np.inf, 3.4e38])
def test_cells_that_are_no_counts_are_refused_by_row_and_column(tmp_path, value):
    cells = np.ones((4, 4))
    cells[1, 2] = value
    write_raster(tmp_path / "people.tif", cells)
    with pytest.raises(TableError, match="not declared as nodata") as caught:
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))
    assert str(caught.value.faults[0].row) == "2, column 3"


@pytest.mark.parametrize(
    ("dtype", "mark", "cells"),
    [
        *[("uint8", 255, 1), ("uint16", 65_535, 1), ("int16", 32_767, 2), ("int16", -32_768, 1), ("int32", 2**31 - 1, 1)],
        *[("uint32", 2**32 - 1, 1), ("int32", -9_999, 2), ("int32", 65_535, 3), ("float32", 9_999, 4), ("float64", 65_535, 3)],
    ],
)
def test_a_mark_of_nodata_that_nobody_declared_is_never_read_as_people(tmp_path, dtype, mark, cells):
    values = np.arange(16.0).reshape(4, 4)
    values.flat[5 : 5 + cells] = mark
    write_raster(tmp_path / "people.tif", values, dtype=dtype)
    with pytest.raises(TableError, match="not declared as nodata") as caught:
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))
    (fault,) = caught.value.faults
    assert (fault.file, str(fault.row), float(fault.value)) == ("people.tif", "2, column 2", mark)
    assert fault.problem.startswith(f"{cells} cell")
    assert f"gdal_edit -a_nodata {fault.value}" in fault.mend

    write_raster(tmp_path / "people.tif", values, dtype=dtype, nodata=mark)
    demand = read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))
    assert demand["population"].sum() == pytest.approx(120 - sum(range(5, 5 + cells)))


def test_cells_that_are_no_counts_are_one_fault_of_the_whole_raster(tmp_path, monkeypatch):
    """However many windows it is read in; what is the most of one window is no mark where another holds more."""
    monkeypatch.setattr(rasters, "WINDOW", 2)
    values = np.arange(16.0).reshape(4, 4)
    values[[0, 0, 3], [1, 3, 3]] = 9_999
    values[[1, 2, 2, 3], [0, 2, 3, 1]] = -9_999
    write_raster(tmp_path / "people.tif", values, dtype="int32")
    study = study_in(tmp_path, file="people.tif")
    with pytest.raises(TableError) as caught:
        read_demand(study, towns_of(A=WHOLE))
    below, above = caught.value.faults
    assert (below.row, below.value, below.problem[:12]) == ("2, column 1", "-9999", "4 cells hold")
    assert (above.row, above.value, above.problem[:12]) == ("1, column 2", "9999", "3 cells hold")
    values[values < 0] = 0
    values[2, 0] = 10_000  # a cell with more people
    write_raster(tmp_path / "people.tif", values, dtype="int32")
    assert read_demand(study, towns_of(A=WHOLE))["population"].sum() == values.sum()


def test_one_mark_among_fractions_is_enough_and_a_wider_type_says_that_a_count_is_true(tmp_path):
    values = np.arange(16.0).reshape(4, 4)
    values[1, 1], values[2, 2] = 65_535, 3.25
    study = study_in(tmp_path, file="people.tif")
    write_raster(tmp_path / "people.tif", values, dtype="float32")
    with pytest.raises(TableError, match=r"row 2, column 2, band 1 = '65535\.0': 1 cell holds no count"):
        read_demand(study, towns_of(A=WHOLE))
    values[1, 1], values[2, 2] = 255, 3
    write_raster(tmp_path / "people.tif", values, dtype="uint8")
    with pytest.raises(TableError, match=r"if so many do live there, save it as one, as with gdal_translate -ot Float64"):
        read_demand(study, towns_of(A=WHOLE))
    write_raster(tmp_path / "people.tif", values, dtype="float64")
    assert read_demand(study, towns_of(A=WHOLE))["population"].sum() == values.sum()


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 254), ("int32", 65_535), ("float64", 9_999)])
def test_a_busy_cell_is_no_mark(tmp_path, dtype, most):
    values = np.arange(16.0).reshape(4, 4)
    values[1, 1] = most
    write_raster(tmp_path / "people.tif", values, dtype=dtype)
    assert read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))["population"].sum() == 120 - 5 + most


def test_a_raster_of_another_place_says_where_both_are(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((4, 4)), crs="EPSG:4326", side=0.01, origin=(10.0, 50.0))
    with pytest.raises(TableError, match=r"lon 10\.000 … 10\.040, lat 50\.000 … 50\.040 but the area at lon 118\.5"):
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))


def test_an_area_that_the_rasters_crs_cannot_hold_is_no_crash(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((4, 4)), crs="EPSG:3035")
    with pytest.raises(TableError, match="but the area at"):
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=shapely.box(9e5, 0, 9.1e5, 400)))


def test_a_file_that_is_not_there_or_no_raster_is_a_source_error(tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"II*\0 and then nothing")
    for file, said in (("absent.tif", "there is no such file"), ("broken.tif", "no raster")):
        with pytest.raises(SourceError, match=said) as caught:
            read_demand(study_in(tmp_path, file=file), towns_of(A=WHOLE))
        assert caught.value.source == file


def test_a_raster_that_is_cut_off_is_a_source_error(tmp_path):
    path = write_raster(tmp_path / "people.tif", np.ones((300, 300)))
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(SourceError, match="cut off"):
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=shapely.box(0, 0, 30_000, 30_000)))


def test_a_file_that_sends_gdal_elsewhere_is_not_followed(tmp_path):
    write_raster(tmp_path / "there.tif", np.ones((4, 4)))
    source = f"<SimpleSource><SourceFilename>{tmp_path}/there.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    band = f'<VRTRasterBand dataType="Float64" band="1">{source}</VRTRasterBand>'
    (tmp_path / "people.tif").write_text(f'<VRTDataset rasterXSize="4" rasterYSize="4">{band}</VRTDataset>')
    with pytest.raises(SourceError, match="no raster that can be read"):
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))


@pytest.mark.parametrize(("file", "driver"), [("people.img", "HFA"), ("people.vrt", "VRT")])
def test_rasters_that_may_lead_elsewhere_are_of_no_kind_that_is_read(tmp_path, file, driver):
    write_raster(tmp_path / "people.tif", np.ones((4, 4)))
    rasterio.shutil.copy(tmp_path / "people.tif", tmp_path / file, driver=driver)
    with pytest.raises(PlannerError, match=rf"{file}: .*(save|export|GeoTIFF|\.tif)"):
        read_demand(study_in(tmp_path, file=file), towns_of(A=WHOLE))


def test_an_area_without_anybody_is_an_error(tmp_path):
    write_raster(tmp_path / "people.tif", np.zeros((4, 4)))
    with pytest.raises(TableError, match="nobody lives in the area"):
        read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE))


def test_progress_ends_at_one(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((4, 4)))
    seen: list[float] = []
    read_demand(study_in(tmp_path, file="people.tif"), towns_of(A=WHOLE), progress=lambda _, share: seen.append(share))
    assert seen[-1] == 1.0


# Zones


def test_a_zone_across_the_border_counts_by_its_share_of_area(tmp_path):
    write_zones(tmp_path / "zones.gpkg", [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)], residents=[40, 60])
    towns = towns_of(A=shapely.box(0, 0, 125, 100), B=shapely.box(125, 0, 150, 100))
    demand, tallies = read_demand_with_tally(study_in(tmp_path, file="zones.gpkg", column="residents"), towns)
    assert by_town(demand) == pytest.approx({"A": 40 + 15, "B": 15})
    assert (tallies[0].people_in, tallies[0].people_out) == pytest.approx((100.0, 70.0))


def test_the_usual_names_of_a_count_are_found(tmp_path):
    write_zones(tmp_path / "zones.geojson", [gpd.GeoSeries([WHOLE], crs=CRS).to_crs(4326)[0]], "EPSG:4326", 常住人口=[7])
    assert read_demand(study_in(tmp_path, file="zones.geojson"), towns_of(A=WHOLE))["population"].sum() == pytest.approx(
        7, rel=1e-6
    )


def test_a_large_zone_is_cut_and_its_people_are_kept(tmp_path):
    write_zones(tmp_path / "zones.gpkg", [shapely.box(0, 0, 1000, 1000)], population=[100])
    demand = read_demand(study_in(tmp_path, file="zones.gpkg"), towns_of(A=shapely.box(0, 0, 1000, 1000)))
    assert (len(demand), demand["population"].sum()) == (25, pytest.approx(100.0))
    merged = read_demand(study_in(tmp_path, file="zones.gpkg", cell_m=500), towns_of(A=shapely.box(0, 0, 1000, 1000)))
    assert (len(merged), merged["population"].sum()) == (4, pytest.approx(100.0))


def test_zones_are_spread_over_the_houses_in_them(tmp_path):
    write_houses(tmp_path / "town.osm", (20, 20, 10, 3, "apartments"), (60, 20, 10, 1, "house"), (120, 20, 10, 1, "industrial"))
    write_zones(tmp_path / "zones.gpkg", [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)], population=[40, 6])
    study = study_in(tmp_path, network="town.osm", file="zones.gpkg", spread="buildings")
    with pytest.warns(PlannerWarning, match="6 people of zones without a residential building"):
        demand = read_demand(study, towns_of(A=shapely.box(0, 0, 200, 100)))
    assert sorted(demand["population"]) == pytest.approx([6, 10, 30], rel=2e-3)
    with pytest.warns(PlannerWarning, match="6 people"):
        cut = read_demand(
            replace(study, population=replace(study.population, zone_m=50)), towns_of(A=shapely.box(0, 0, 200, 100))
        )
    assert sorted(cut["population"]) == pytest.approx([6 / 16] * 16 + [10, 30], rel=2e-3)


def test_every_fault_of_a_table_is_said_at_once(tmp_path):
    zones = [shapely.box(100 * i, 0, 100 * i + 100, 100) for i in range(4)]
    write_zones(tmp_path / "zones.gpkg", zones, people=["5", "-3", "many", None])
    with pytest.raises(TableError) as caught:
        read_demand(study_in(tmp_path, file="zones.gpkg", column="people"), towns_of(A=WHOLE))
    assert {(fault.row, fault.column, fault.value, fault.problem) for fault in caught.value.faults} == {
        (2, "people", "-3", "the count is negative"),
        (3, "people", "many", "the count is not a number"),
        (4, "people", None, "the count is empty"),
    }
    assert {fault.file for fault in caught.value.faults} == {"zones.gpkg"}


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path):
    write_zones(tmp_path / "zones.gpkg", [WHOLE], residents_2020=[5], area=[1.0])
    with pytest.raises(TableError, match="no column 'residents_2002'; did you mean 'residents_2020'"):
        read_demand(study_in(tmp_path, file="zones.gpkg", column="residents_2002"), towns_of(A=WHOLE))
    with pytest.raises(
        TableError, match="no column counts the population; name it with column; there are residents_2020, area"
    ):
        read_demand(study_in(tmp_path, file="zones.gpkg"), towns_of(A=WHOLE))


def test_a_zone_that_crosses_itself_is_mended_and_said(tmp_path):
    bow = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    write_zones(tmp_path / "zones.gpkg", [bow], population=[10])
    with pytest.warns(PlannerWarning, match="1 zones cross themselves and were mended; the first is row 1"):
        demand = read_demand(study_in(tmp_path, file="zones.gpkg"), towns_of(A=shapely.box(0, 0, 50, 100)))
    assert demand["population"].sum() == pytest.approx(5.0)


def test_zones_without_area_and_lines_are_refused(tmp_path):
    write_zones(tmp_path / "lines.gpkg", [shapely.LineString([(0, 0), (9, 9)])], population=[10])
    with pytest.raises(TableError, match="neither a point nor a polygon"):
        read_demand(study_in(tmp_path, file="lines.gpkg"), towns_of(A=WHOLE))
    write_zones(tmp_path / "mixed.gpkg", [shapely.Point(5, 5), WHOLE], population=[10, 10])
    with pytest.raises(TableError, match="points and polygons are mixed"):
        read_demand(study_in(tmp_path, file="mixed.gpkg"), towns_of(A=WHOLE))


def test_zones_of_another_place_say_where_both_are(tmp_path):
    write_zones(tmp_path / "zones.geojson", [shapely.box(24.9, 60.1, 25.0, 60.2)], "EPSG:4326", population=[5])
    with pytest.raises(TableError, match=r"all rows lie at lon 24\.\d+ … 25\.\d+, .*, none in the area at lon 118"):
        read_demand(study_in(tmp_path, file="zones.geojson"), towns_of(A=WHOLE))


def test_a_shapefile_without_a_crs_is_refused(tmp_path):
    write_zones(tmp_path / "zones.shp", [WHOLE], population=[5])
    (tmp_path / "zones.prj").unlink()
    with pytest.raises(CrsError, match="no CRS"):
        read_demand(study_in(tmp_path, file="zones.shp"), towns_of(A=WHOLE))


# Points


def test_points_outside_the_area_are_dropped_counted_and_said(tmp_path):
    write_csv(tmp_path / "cells.csv", ["lon", "lat", "population"], [[*degrees(50, 50), 3], [*degrees(5000, 50), 4]])
    with pytest.warns(PlannerWarning, match="7 people in, 3 out \\(4 fewer\\); 1 of 2 rows lie outside the area"):
        demand = read_demand(study_in(tmp_path, file="cells.csv"), towns_of(A=WHOLE))
    assert demand["population"].tolist() == [3.0]
    assert (demand.geometry.x[0], demand.geometry.y[0]) == pytest.approx((50, 50), abs=1e-3)


def test_the_order_of_the_rows_changes_nothing(tmp_path):
    rng = np.random.default_rng(5)
    rows = [
        [*degrees(*place), float(people)]
        for place, people in zip(rng.integers(0, 9, (60, 2)) * 40, rng.random(60), strict=True)
    ]
    tables = []
    for name in ("a.csv", "b.csv"):
        write_csv(tmp_path / name, ["lon", "lat", "population"], rows)
        tables.append(read_demand(study_in(tmp_path, file=name, cell_m=100), towns_of(A=WHOLE)))
        rows = [rows[i] for i in rng.permutation(60)]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_tables_in_gcj02_come_to_the_right_place(tmp_path, encoding):
    town = gpd.GeoSeries([shapely.Point(121.25, 31.38).buffer(0.002)], crs=4326).to_crs(CRS)[0]
    lon, lat = wgs84_to_gcj02(121.25, 31.38)
    write_csv(
        tmp_path / "小区.csv", ["小区", "经度", "纬度", "人口数"], [["甲", float(lon), float(lat), "１,２００"]], encoding
    )
    demand = read_demand(study_in(tmp_path, file="小区.csv", coordinates="gcj02"), towns_of(A=town))
    place = demand.geometry.to_crs(4326)[0]
    assert (place.x, place.y) == pytest.approx((121.25, 31.38), abs=1e-7)
    assert demand["population"].tolist() == [1200.0]


def test_coordinates_in_metres_are_read_by_their_code(tmp_path):
    write_csv(tmp_path / "cells.csv", ["x", "y", "pop"], [[50, 60, 3]])
    demand = read_demand(study_in(tmp_path, file="cells.csv", coordinates=CRS), towns_of(A=WHOLE))
    assert (demand.geometry.x[0], demand.geometry.y[0]) == pytest.approx((50, 60), abs=1e-3)


def test_both_coordinates_may_stand_in_one_cell(tmp_path):
    lon, lat = degrees(50, 60)
    write_csv(tmp_path / "cells.csv", ["坐标", "人口"], [[f"{lon},{lat}", 3]])
    demand = read_demand(study_in(tmp_path, file="cells.csv"), towns_of(A=WHOLE))
    assert (demand.geometry.x[0], demand.geometry.y[0]) == pytest.approx((50, 60), abs=1e-3)


def test_swapped_coordinates_and_counts_that_are_none_are_said_together(tmp_path):
    write_csv(tmp_path / "cells.csv", ["lon", "lat", "population"], [[31.38, 121.25, 3], [121.25, "x", "many"]])
    with pytest.raises(TableError) as caught:
        read_demand(study_in(tmp_path, file="cells.csv"), towns_of(A=WHOLE))
    assert len(caught.value.faults) == 3
    assert "swapped" in str(caught.value)


def test_a_header_that_stands_twice_is_refused(tmp_path):
    write_csv(tmp_path / "cells.csv", ["lon", "lat", "pop", "pop"], [[*degrees(50, 50), 1, 2]])
    with pytest.raises(TableError, match=r"cells\.csv, pop: the header stands twice"):
        read_demand(study_in(tmp_path, file="cells.csv"), towns_of(A=WHOLE))


def test_a_table_without_places_or_rows_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv", ["number", "population"], [[1, 3]])
    with pytest.raises(TableError, match="nothing says where the rows are"):
        read_demand(study_in(tmp_path, file="a.csv"), towns_of(A=WHOLE))
    write_csv(tmp_path / "b.csv", ["lon", "lat", "population"], [])
    with pytest.raises(TableError, match=r"b\.csv"):
        read_demand(study_in(tmp_path, file="b.csv"), towns_of(A=WHOLE))


# Totals; OSM keeps centimetres, so that floor areas of these houses are right to 0.2 %

HOUSES = ((20, 20, 10, 3, "apartments"), (60, 20, 10, 1, "house"), (220, 20, 10, 2, "residential"), (330, 20, 10, 9, "office"))
HALVES = {"A镇": shapely.box(0, 0, 200, 200), "B镇": shapely.box(200, 0, 400, 200)}


def test_totals_of_towns_go_to_their_houses_by_floor_area(tmp_path):
    write_houses(tmp_path / "town.osm", *HOUSES)
    write_csv(tmp_path / "totals.csv", ["街镇", "常住人口"], [["A镇", 100], ["B", 50]])
    study = study_in(tmp_path, network="town.osm", file="totals.csv", spread="buildings")
    demand, tallies = read_demand_with_tally(study, towns_of(**HALVES))
    assert by_town(demand) == pytest.approx({"A镇": 100.0, "B镇": 50.0}, rel=1e-12)
    assert sorted(demand["population"]) == pytest.approx([25, 50, 75], rel=2e-3)
    assert tallies[0].lost == pytest.approx(0.0, abs=1e-9)


def test_rows_of_one_town_add_up(tmp_path):
    write_csv(tmp_path / "totals.csv", ["town", "population"], [["A镇", 100], ["B镇", 50], ["A镇", 11]])
    demand = read_demand(study_in(tmp_path, file="totals.csv", spread="area"), towns_of(**HALVES))
    assert by_town(demand) == pytest.approx({"A镇": 111.0, "B镇": 50.0})


def test_the_area_files_own_totals_are_taken_where_there_is_no_other(tmp_path):
    write_houses(tmp_path / "town.osm", *HOUSES)
    towns = towns_of({"A镇": 10.0, "B镇": 30.0}, **HALVES)
    assert by_town(read_demand(study_in(tmp_path, network="town.osm", spread="buildings"), towns)) == pytest.approx(
        {"A镇": 10.0, "B镇": 30.0}
    )


def test_one_total_goes_to_all_houses_by_floor_area(tmp_path):
    write_houses(tmp_path / "town.osm", *HOUSES)
    demand = read_demand(study_in(tmp_path, network="town.osm", total=60, spread="buildings"), towns_of(**HALVES))
    assert by_town(demand) == pytest.approx({"A镇": 40.0, "B镇": 20.0}, rel=2e-3)
    assert demand["population"].sum() == pytest.approx(60.0, rel=1e-12)


def test_one_total_goes_evenly_over_the_ground(tmp_path):
    towns = towns_of(A=shapely.box(0, 0, 300, 200), B=shapely.box(300, 0, 400, 200))
    assert by_town(read_demand(study_in(tmp_path, total=80, spread="area"), towns)) == pytest.approx({"A": 60.0, "B": 20.0})


def test_a_town_without_houses_is_said_and_spread_over_its_ground(tmp_path):
    write_houses(tmp_path / "town.osm", *HOUSES[:2])
    towns = towns_of({"A镇": 10.0, "B镇": 30.0}, **HALVES)
    with pytest.warns(PlannerWarning, match="no residential building in B镇"):
        demand = read_demand(study_in(tmp_path, network="town.osm", spread="buildings"), towns)
    assert by_town(demand) == pytest.approx({"A镇": 10.0, "B镇": 30.0})


def test_an_area_without_any_house_is_an_error(tmp_path):
    write_houses(tmp_path / "town.osm", HOUSES[3])
    with pytest.raises(StudyError, match="no residential building lies in the area"):
        read_demand(study_in(tmp_path, network="town.osm", total=5, spread="buildings"), towns_of(**HALVES))


def test_a_town_that_is_none_is_named_with_the_nearest(tmp_path):
    write_csv(tmp_path / "totals.csv", ["town", "population"], [["A镇", 100], ["B镇镇x", 50]])
    with pytest.raises(TableError, match=r"totals\.csv, row 3, town = 'B镇镇x'.*did you mean 'B镇'"):
        read_demand(study_in(tmp_path, file="totals.csv", spread="area"), towns_of(**HALVES))


def test_totals_that_nobody_spreads_and_areas_without_totals_are_study_errors(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((4, 4)))
    write_csv(tmp_path / "cells.csv", ["lon", "lat", "pop"], [[*degrees(50, 50), 1]])
    for population, said in (
        ({"total": 5}, "totals say nothing of where in a town people live"),
        ({"spread": "area"}, "the area file has no column 'population'"),
        ({"total": 5, "spread": "buildings"}, "needs an OSM file"),
        ({"file": "people.tif", "spread": "area"}, "a raster says itself where people live"),
        ({"file": "people.tif", "spread": "land"}, "needs an OSM file"),
        ({"file": "cells.csv", "spread": "area"}, "a table of points says itself where people live"),
    ):
        with pytest.raises(StudyError, match=said):
            read_demand(study_in(tmp_path, **population), towns_of(**HALVES))
    write_csv(tmp_path / "names.csv", ["name", "population"], [["A镇", 3], ["B镇", 4]])
    assert len(read_demand(study_in(tmp_path, file="names.csv", spread="area"), towns_of(**HALVES))) == 2
    with pytest.raises(TableError, match=r"towns\.geojson, row B镇, population: the count is empty"):
        read_demand(study_in(tmp_path, spread="area"), towns_of({"A镇": 1.0, "B镇": np.nan}, **HALVES))


def test_a_raster_is_fitted_to_the_official_totals(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((2, 4)))
    towns = towns_of({"A镇": 3.0, "B镇": 6.0}, **HALVES)
    demand, tallies = read_demand_with_tally(study_in(tmp_path, file="people.tif", fit_towns=True), towns)
    assert by_town(demand) == pytest.approx({"A镇": 3.0, "B镇": 6.0})
    assert (tallies[-1].people_in, tallies[-1].people_out) == pytest.approx((8.0, 9.0))
    assert read_demand(study_in(tmp_path, file="people.tif", total=16), towns)["population"].tolist() == pytest.approx(
        [2.0] * 8
    )


def test_official_totals_far_from_the_files_residents_are_said(tmp_path):
    write_raster(tmp_path / "people.tif", np.ones((2, 4)))
    with pytest.warns(PlannerWarning, match=r"factor of more than 2 .* in 1 places; the first is B镇: 30 against 4"):
        read_demand(study_in(tmp_path, file="people.tif", fit_towns=True), towns_of({"A镇": 3.0, "B镇": 30.0}, **HALVES))


def test_a_town_where_the_raster_has_nobody_cannot_be_fitted_and_is_said(tmp_path):
    write_raster(tmp_path / "people.tif", [[1, 1, 0, 0], [1, 1, 0, 0]])
    with pytest.warns(PlannerWarning, match="nobody in B镇, so that its 30 people cannot be placed"):
        demand = read_demand(
            study_in(tmp_path, file="people.tif", fit_towns=True), towns_of({"A镇": 6.0, "B镇": 30.0}, **HALVES)
        )
    assert by_town(demand) == pytest.approx({"A镇": 6.0})


# Real files


@pytest.mark.shared
def test_the_worldpop_sample_comes_out_to_the_person():
    folder = need_shared(WORLDPOP)
    with rasterio.open(folder / WORLDPOP) as raster:
        bounds, values = raster.bounds, raster.read(1, masked=True).astype(float)
    town = gpd.GeoSeries([shapely.box(*bounds)], crs=4326).segmentize(0.001).to_crs("EPSG:32632")[0].buffer(1)
    demand = read_demand(study_in(folder, file=WORLDPOP), towns_of(crs="EPSG:32632", A=town))
    assert demand["population"].sum() == pytest.approx(float(values.sum()), rel=1e-9)
    assert round(demand["population"].sum()) == 191_420


@pytest.mark.shared
def test_the_worldpop_sample_is_clipped_as_brute_force_clips_it():
    folder = need_shared(WORLDPOP)
    with rasterio.open(folder / WORLDPOP) as raster:
        west, south, east, north = raster.bounds
    centre = gpd.GeoSeries([shapely.Point((west + east) / 2, (south + north) / 2)], crs=4326).to_crs("EPSG:32632")[0]
    ring = centre.buffer(5000).difference(centre.buffer(1500))
    halves = {
        "W": ring.intersection(shapely.box(0, 0, centre.x, 1e7)),
        "E": ring.intersection(shapely.box(centre.x, 0, 1e6, 1e7)),
    }
    towns = towns_of(crs="EPSG:32632", **halves)
    assert by_town(read_demand(study_in(folder, file=WORLDPOP), towns)) == pytest.approx(
        brute_force(folder / WORLDPOP, towns), rel=1e-6
    )


@pytest.mark.shared
def test_the_hexagons_of_porto_alegre_come_out_to_the_person():
    folder = need_shared("porto-alegre/poa_hexgrid.csv")
    town = gpd.GeoSeries([shapely.box(-51.4, -30.4, -50.9, -29.8)], crs=4326).to_crs("EPSG:32722")[0]
    demand = read_demand(study_in(folder, file="porto-alegre/poa_hexgrid.csv"), towns_of(crs="EPSG:32722", A=town))
    assert demand["population"].sum() == 812_935


@pytest.mark.shared
def test_the_grid_of_helsinki_keeps_its_residents_and_says_what_is_held_back():
    folder = need_shared("helsinki/population_grid_2015.geojson")
    cells = json.loads((folder / "helsinki/population_grid_2015.geojson").read_text(encoding="utf-8"))["features"]
    said = [cell["properties"] for cell in cells]
    town = gpd.GeoSeries([shapely.box(24.8, 60.0, 25.1, 60.3)], crs=4326).to_crs("EPSG:32635")[0]
    study = study_in(
        folder, Group("oldest", column="IKA_YLI80", suppressed=99),
        file="helsinki/population_grid_2015.geojson", column="ASUKKAITA",
    )  # fmt: skip
    with pytest.warns(PlannerWarning, match="14 of 56 rows of 'IKA_YLI80' are held back"):
        demand = read_demand(study, towns_of(crs="EPSG:32635", A=town))
    assert demand["population"].sum() == pytest.approx(sum(cell["ASUKKAITA"] for cell in said), rel=1e-9)
    assert demand["pop_oldest"].sum() == pytest.approx(sum(c["IKA_YLI80"] for c in said if c["IKA_YLI80"] != 99), rel=1e-9)
