"""``study.gpkg`` opens in QGIS with names, styles and aliases; the same tables give the same bytes."""

from __future__ import annotations

import contextlib
import sqlite3
import xml.etree.ElementTree as ET
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from atlas_town import arguments

from planner import qml, store
from planner.circle import Service, facilities_of
from planner.study import ServiceClass
from planner.style import SHARE_COLOURS


@pytest.fixture(scope="module")
def layers() -> dict:
    given = arguments()
    towns = gpd.GeoDataFrame(given["town_scores"].join(given["towns"].geometry), geometry="geometry", crs=given["towns"].crs)
    stations = given["stations"][["geometry"]].join(given["scores"].drop(columns="geometry", errors="ignore"))
    return {
        "stations": gpd.GeoDataFrame(stations), "towns": towns, "isochrones": given["isochrones"], "sites": given["sites"],
        "groups": pd.DataFrame(given["group_scores"]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def book(layers: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gis") / "study.gpkg"
    store.write_geopackage(path, layers)
    return path


def rows(book: Path, query: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(book)) as opened:
        return opened.execute(query).fetchall()


def test_every_layer_has_a_name_in_both_languages_and_a_style_it_opens_with(book: Path, layers: dict) -> None:
    named = dict(rows(book, "SELECT table_name, identifier FROM gpkg_contents"))
    assert named["stations"] == "就业服务站点 Stations"
    styles = {name: (column, text, default) for name, column, text, default in
              rows(book, "SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles")}  # fmt: skip
    assert set(styles) == set(layers)
    for name, (column, text, default) in styles.items():
        assert ET.fromstring(text.split("\n", 1)[1]).tag == "qgis"  # noqa: S314 - our own text
        assert (column, default) == ("geom" if name != "groups" else "", 1)


def test_towns_are_coloured_by_the_classes_of_the_maps_and_outlines_by_band(book: Path) -> None:
    text = dict(rows(book, "SELECT f_table_name, styleQML FROM layer_styles"))
    towns = ET.fromstring(text["towns"].split("\n", 1)[1])  # noqa: S314
    assert [one.get("upper") for one in towns.iter("range")] == ["0.2", "0.4", "0.6", "0.8", "1"]
    first = ",".join(str(int(SHARE_COLOURS[0][i : i + 2], 16)) for i in (1, 3, 5))
    assert f'v="{first},200"' in text["towns"]
    outlines = ET.fromstring(text["isochrones"].split("\n", 1)[1])  # noqa: S314
    assert [one.get("value") for one in outlines.iter("category")] == ["2", "5"]


def test_fields_have_aliases_where_qgis_and_where_others_look(book: Path) -> None:
    titles = dict(rows(book, "SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'towns'"))
    assert titles["coverage"] == "人口覆盖率 share of residents covered"
    text = dict(rows(book, "SELECT f_table_name, styleQML FROM layer_styles"))["towns"]
    fields = pyogrio.read_info(book, layer="towns")["fields"].tolist()
    for alias in ET.fromstring(text.split("\n", 1)[1]).iter("alias"):  # noqa: S314
        assert fields[int(alias.get("index")) - 1] == alias.get("field")  # QGIS counts the layer's own fid first


def test_the_file_is_whole_and_the_same_again(book: Path, layers: dict, tmp_path: Path) -> None:
    store.write_geopackage(tmp_path / "again.gpkg", layers)
    assert (tmp_path / "again.gpkg").read_bytes() == book.read_bytes()
    assert rows(book, "PRAGMA integrity_check") == [("ok",)]
    assert len(pyogrio.read_dataframe(book, layer="stations")) == len(layers["stations"])


def test_a_hostile_name_of_a_field_stays_text() -> None:
    text = qml.layer_style("stations", ["station_id", 'served_"><script>'])
    assert "<script>" not in text
    ET.fromstring(text.split("\n", 1)[1])  # noqa: S314


def test_every_table_that_a_run_writes_has_a_name_in_both_languages_and_aliases() -> None:
    assert set(store.FILES) <= set(qml.NAMES)
    for name in store.FILES:
        assert qml._SCHEMAS[name] is not None


def test_areas_of_priority_open_as_lines_of_their_kind_with_their_names(tmp_path: Path) -> None:
    given = arguments()
    areas = gpd.GeoDataFrame(given["area_scores"]).set_geometry(
        [given["areas"].geometry.iloc[0]] * len(given["area_scores"]), crs=given["areas"].crs
    )
    store.write_geopackage(tmp_path / "study.gpkg", {"areas": areas})
    ((text,),) = rows(tmp_path / "study.gpkg", "SELECT styleQML FROM layer_styles")
    style = ET.fromstring(text.split("\n", 1)[1])  # noqa: S314
    assert {one.get("value"): one.get("label") for one in style.iter("category")}["crowd"] == "人流密集区 busy place"
    assert style.find(".//text-style").get("fieldName") == "label"
    assert 'name="优先区域系数' in text or 'name="系数' in text


def test_names_of_what_lies_within_a_polygon_are_not_left_out(book: Path) -> None:
    text = dict(rows(book, "SELECT f_table_name, styleQML FROM layer_styles"))["towns"]
    style = ET.fromstring(text.split("\n", 1)[1])  # noqa: S314
    assert style.find("./labeling/settings/rendering").get("obstacle") == "0"


def test_facilities_of_the_living_circle_open_by_class_with_the_names_of_their_services(tmp_path: Path) -> None:
    places = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0, 10], [0, 0]), crs=32633)
    services = [
        Service("shop", "shop", "购物", ServiceClass.BASIC, places.assign(name=["A", None])),
        Service("gym", "gym", "健身", ServiceClass.QUALITY, places),
    ]
    table = facilities_of(services, arguments()["towns"].to_crs(32633))
    store.write_geopackage(tmp_path / "study.gpkg", {"life_facilities": table})
    ((text,),) = rows(tmp_path / "study.gpkg", "SELECT styleQML FROM layer_styles")
    style = ET.fromstring(text.split("\n", 1)[1])  # noqa: S314
    assert {one.get("value"): one.get("label") for one in style.iter("category")} == {
        "basic": "基本保障类 basic", "quality": "品质提升类 quality",
    }  # fmt: skip
    assert style.find(".//text-style").get("fieldName") == "zh"
    assert style.find("./labeling/settings/rendering").get("scaleMin") == "15000"  # hundreds of them hide the stations else
    read = pyogrio.read_dataframe(tmp_path / "study.gpkg", layer="life_facilities")
    assert read[["zh", "name"]].fillna("").to_numpy().tolist() == [["购物", "A"], ["购物", ""], ["健身", ""], ["健身", ""]]
