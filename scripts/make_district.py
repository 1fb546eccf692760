"""Make the invented district of data/district anew: the same bytes every time. Usage: make_district.py [FOLDER]."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from district import communities, land, people, records, services, streets
from district.extract import draw_extract
from rasterio.transform import from_origin

NODATA = -99_999
HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parent / "data" / "district"


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else DEFAULT
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(land.SEED)
    villages = np.vstack([land.villages(rng), land.ISLET[:2]])
    places = streets.place_junctions(rng, villages)
    drawn = streets.draw_streets(rng, places)
    streets.name_streets(rng, drawn, places)
    used = np.unique([street.ends for street in drawn])
    lived = streets.Junctions(places.xy[used], places.spacing_m[used], places.line[used])
    cells = people.settle(rng, lived)
    spots, spot_town, _ = people.neighbourhoods(rng, cells, 1_000)
    write_towns(folder / "towns.geojson")
    write_population(folder / "population.tif", cells)
    write_groups(rng, folder, cells)
    write_rows(folder / "stations.csv", services.list_stations(places, drawn, HERE / "district" / "stations.csv"))
    write_rows(folder / "hosts.csv", services.list_hosts(rng, places, drawn, spots, spot_town))
    premises = services.list_premises(rng, places, drawn, spots[::4])
    draw_extract(places, drawn, premises).write(folder / "network.osm.pbf")
    (folder / "communities.geojson").write_text(communities.as_geojson(cells), encoding="utf-8")
    write_rows(folder / "recorded.csv", records.list_records())
    (folder / "study.toml").write_text((HERE / "district" / "study.toml").read_text(encoding="utf-8"), encoding="utf-8")


def write_towns(path: Path) -> None:
    """Towns as GeoJSON in WGS-84, each with its residents."""
    features = []
    for town, shape in zip(land.TOWNS, land.town_polygons(), strict=True):
        ring = land.lonlat(shape.exterior.coords).tolist()
        properties = {"town": town.name, "population": town.people}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    path.write_text('{"type": "FeatureCollection", "features": [\n' + lines + "\n]}\n", encoding="utf-8")


def write_population(path: Path, cells: people.Cells) -> None:
    """Residents a cell of 100 m as GeoTIFF; nodata where nobody lives."""
    columns, rows = int(land.WIDTH_M / people.CELL_M), int(land.HEIGHT_M / people.CELL_M)
    grid = np.full((rows, columns), NODATA, dtype=np.int32)
    column, row = (cells.xy / people.CELL_M).astype(int).T
    grid[rows - 1 - row, column] = cells.people
    place = from_origin(land.EAST_M, land.NORTH_M + land.HEIGHT_M, people.CELL_M, people.CELL_M)
    options = {"driver": "GTiff", "dtype": "int32", "nodata": NODATA, "compress": "deflate", "predictor": 2, "tiled": False}
    with rasterio.open(path, "w", width=columns, height=rows, count=1, crs=land.CRS, transform=place, **options) as raster:
        raster.write(grid, 1)


def write_groups(rng: np.random.Generator, folder: Path, cells: people.Cells) -> None:
    """Counts of key groups at neighbourhood places, one list each; the first with Chinese headers, as offices send them."""
    lists = (
        ("unemployed", 500, ("街镇", "经度", "纬度", "人数"), {"CZ": 0.026, "BS": 0.024, "XC": 0.014}, 0.019),
        ("graduates", 1_000, ("town", "lon", "lat", "count"), {"XC": 0.016, "LH": 0.014, "CB": 0.015}, 0.008),
        ("hardship", 1_000, ("town", "lon", "lat", "count"), {"CZ": 0.011, "SG": 0.013, "YX": 0.012, "XC": 0.004}, 0.007),
    )
    for name, residents_each, headers, rates, usual in lists:
        spots, town, residents = people.neighbourhoods(rng, cells, residents_each)
        counts = people.members(rng, town, residents, rates, usual)
        write_rows(folder / f"{name}.csv", [dict(zip(headers, row, strict=True)) for row in _places(spots, town, counts)])


def _places(xy: streets.Floats, town: people.Counts, counts: people.Counts) -> list[tuple[object, ...]]:
    names = [land.TOWNS[i].name for i in town]
    return [
        (name, lon, lat, int(count)) for name, (lon, lat), count in zip(names, land.lonlat(xy).tolist(), counts, strict=True)
    ]


def write_rows(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Rows as CSV, UTF-8, one line a row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
