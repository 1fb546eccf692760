"""Small populations on disk: studies, towns, rasters, tables and buildings in metres at the false origin of the test CRS."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import rasterio
import shapely
from affine import Affine
from builders import CRS

from planner.schema import TOWNS, Towns
from planner.study import Group, NetworkSource, PopulationSource, Privacy, Scenario, StationSource, Study


def towns_of(population: dict[str, float] | None = None, crs: str = CRS, **polygons: Any) -> Towns:
    """Towns by name, polygons in metres."""
    columns = {"town": list(polygons)} | ({"population": [population[name] for name in polygons]} if population else {})
    return TOWNS.conform(gpd.GeoDataFrame(columns, geometry=list(polygons.values()), crs=crs))


def study_in(folder: Path, *groups: Group, network: str | None = None, **population: Any) -> Study:
    """A study whose population block is `population`; its groups are so small that no figure of them is withheld."""
    return Study(
        name="made",
        area="towns.geojson",
        network=NetworkSource(file=network, place=None if network else "made"),
        stations=StationSource(file="stations.csv"),
        population=PopulationSource(**population),
        folder=folder,
        crs=CRS,
        scenario=Scenario(groups=groups),
        privacy=Privacy(minimum_count=0),
    )


def write_raster(
    path: Path,
    cells: Any,
    *,
    side: float = 100.0,
    origin: tuple[float, float] = (0.0, 0.0),
    crs: str | None = CRS,
    **profile: Any,
) -> Path:
    """Cells from north to south, the south-west corner at `origin`; (bands, rows, columns) for several bands."""
    values = np.atleast_3d(np.asarray(cells, dtype=profile.pop("dtype", "float64")).T).T
    transform = profile.pop("transform", None) or Affine(side, 0, origin[0], 0, -side, origin[1] + side * values.shape[1])
    shape = {"count": values.shape[0], "height": values.shape[1], "width": values.shape[2]}
    with rasterio.open(path, "w", driver="GTiff", dtype=values.dtype, crs=crs, transform=transform, **shape, **profile) as out:
        out.write(values)
    return path


def write_zones(path: Path, shapes: Sequence[Any], crs: str = CRS, **columns: Any) -> Path:
    gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs).to_file(path)
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([header, *rows])
    return path


def degrees(x: float, y: float, crs: str = CRS) -> tuple[float, float]:
    """Longitude and latitude of a place in metres."""
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return float(lon), float(lat)


def write_houses(path: Path, *houses: tuple[float, float, float, int, str]) -> Path:
    """An .osm of square buildings: west, south and side in metres, levels, kind; and one street, so that it is a town."""
    lines, ids = [], 0
    ways = []
    for number, (west, south, side, levels, kind) in enumerate(houses, 1):
        corners = shapely.get_coordinates(shapely.box(west, south, west + side, south + side))[:-1]
        refs = []
        for x, y in corners:
            ids += 1
            lon, lat = degrees(x, y)
            lines.append(f'<node id="{ids}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>')
            refs.append(ids)
        nodes = "".join(f'<nd ref="{ref}"/>' for ref in [*refs, refs[0]])
        tags = f'<tag k="building" v="{kind}"/><tag k="building:levels" v="{levels}"/>'
        ways.append(f'<way id="{number}" version="1">{nodes}{tags}</way>')
    path.write_text('<osm version="0.6" generator="made">' + "".join(lines + ways) + "</osm>", encoding="utf-8")
    return path


def by_town(demand: Any, column: str = "population") -> dict[str, float]:
    """People by town."""
    return {str(town): float(people) for town, people in demand.groupby("town")[column].sum().items()}


def write_layer(path: Path, shapes: Sequence[Any], layer: str, people: float, crs: str = CRS) -> Path:
    """One more layer of a GeoPackage: zones of `people` each."""
    frame = gpd.GeoDataFrame({"population": [people] * len(shapes)}, geometry=list(shapes), crs=crs)
    frame.to_file(path, layer=layer, mode="a" if path.exists() else "w")
    return path
