"""A whole run of a made megacity: streets of a real extract tiled to a million nodes, everything else invented.

    python scripts/bench/megacity.py EXTRACT.osm.pbf FOLDER [--nodes 1000000] [--cells 600000] [--hosts 10000] [--stations 200]

Writes the study into FOLDER/study (the same bytes every time), runs `planner run` on it into FOLDER/out and prints the CPU
seconds, the peak of memory, the seconds of each step and the size of each output. A study that is there is run as it is.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj

Floats = npt.NDArray[np.float64]
CELL_M = 100.0
GAP_M = 200.0  # between two tiles: their streets are not joined
TOWNS_A_SIDE = 15
PEOPLE = 20_000_000
SITES = 150
STUDY = f"""\
name   = "Megacity (made; not a real place)"
area   = "towns.geojson"
crs    = "EPSG:{{epsg}}"
as_of  = 2025-06-30

[network]
file = "network.osm.pbf"

[stations]
file = "stations.csv"

[[candidates]]
file = "hosts.csv"

[population]
file = "population.tif"

[[groups]]
name   = "registered_unemployed"
label  = "登记失业人员"
weight = 3.0
file   = "unemployed.csv"

[siting]
method = "mclp"
sites  = {SITES}
"""


@dataclass(frozen=True)
class Cells:
    """The populated cells: the raster's counts, its west and north in metres, and the middles and people of those with any."""

    people: Floats
    west: float
    north: float
    epsg: int

    @property
    def middles(self) -> Floats:
        """(cells, 2) metres, of the populated ones."""
        row, column = np.nonzero(self.people)
        return np.column_stack([self.west + (column + 0.5) * CELL_M, self.north - (row + 0.5) * CELL_M])

    def lonlat(self, xy: Floats) -> Floats:
        """Degrees of places in metres."""
        return np.column_stack(pyproj.Transformer.from_crs(self.epsg, 4326, always_xy=True).transform(*xy.T))


def make(extract: Path, folder: Path, asked: argparse.Namespace) -> None:
    """Write the study."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lonlat = write_streets(extract, folder / "network.osm.pbf", asked.nodes)
    cells = settle(lonlat, asked.cells, rng)
    write_raster(folder / "population.tif", cells)
    write_towns(folder / "towns.geojson", cells)
    where = cells.middles
    share = cells.people[cells.people > 0] / cells.people.sum()
    picked = rng.choice(len(where), asked.stations + asked.hosts + asked.cells // 12, replace=False, p=share)
    places = cells.lonlat(where[picked] + rng.uniform(-40, 40, (len(picked), 2)))
    stations, hosts, members = np.split(places, [asked.stations, asked.stations + asked.hosts])
    write_places(folder / "stations.csv", "station_id", "Station", stations)
    write_places(folder / "hosts.csv", "site_id", "Host", hosts)
    rows = zip(members.tolist(), rng.integers(1, 25, len(members)).tolist(), strict=True)
    write_rows(folder / "unemployed.csv", ("lon", "lat", "count"), ((*place, count) for place, count in rows))
    (folder / "study.toml").write_text(STUDY.format(epsg=cells.epsg), encoding="utf-8")


def write_streets(extract: Path, target: Path, nodes: int) -> Floats:
    """Tiles of the extract's street ways side by side until there are so many nodes; all places in degrees."""
    import osmium

    from planner.sources.osm.extract import read_raw_streets

    raw = read_raw_streets(extract)
    side = max(1, round(np.sqrt(nodes / len(raw.node_id))))
    middle = np.radians(raw.lonlat7[:, 1].mean() / 1e7)
    gap = np.array([GAP_M / np.cos(middle), GAP_M]) / 111_000 * 1e7
    step = np.ptp(raw.lonlat7, axis=0) + gap.astype(np.int64)
    tiles = [raw.lonlat7 + step * (i, j) for j in range(side) for i in range(side)]
    refs = [raw.refs[low:high] for low, high in zip(raw.starts[:-1], raw.starts[1:], strict=True)]
    ways = [(part[part >= 0], raw.tags[kind]) for part, kind in zip(refs, raw.kind.tolist(), strict=True)]
    with osmium.SimpleWriter(str(target)) as writer:
        for k, places in enumerate(tiles):
            for i, place in enumerate((places / 1e7).tolist()):
                writer.add_node(osmium.osm.mutable.Node(id=1 + k * len(places) + i, location=tuple(place)))
        for k in range(len(tiles)):
            for i, (part, tags) in enumerate(ways):
                names = (1 + k * len(raw.node_id) + part).tolist()
                writer.add_way(osmium.osm.mutable.Way(id=1 + k * len(ways) + i, nodes=names, tags=tags))
    return np.concatenate(tiles) / 1e7


def settle(lonlat: Floats, count: int, rng: np.random.Generator) -> Cells:
    """People in the `count` cells that have most street nodes in and around them."""
    from scipy.ndimage import uniform_filter

    epsg = 32600 + 100 * int(lonlat[:, 1].mean() < 0) + int((lonlat[:, 0].mean() + 180) // 6) + 1
    x, y = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(*lonlat.T)
    west, north = np.floor(x.min() / CELL_M) * CELL_M, np.ceil(y.max() / CELL_M) * CELL_M
    column, row = ((x - west) // CELL_M).astype(np.int64), ((north - y) // CELL_M).astype(np.int64)
    built = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(built, (row, column), 1.0)
    near = uniform_filter(built, 5, mode="constant").reshape(-1)
    chosen = np.argsort(-near, kind="stable")[:count]
    people = np.zeros(built.size)
    people[chosen] = (near[chosen] + 0.1) * rng.gamma(2.0, 1.0, len(chosen))
    return Cells((people * PEOPLE / people.sum()).reshape(built.shape), float(west), float(north), epsg)


def write_raster(path: Path, cells: Cells) -> None:
    import rasterio
    from rasterio.transform import from_origin

    height, width = cells.people.shape
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "compress": "deflate", "crs": f"EPSG:{cells.epsg}"}
    place = from_origin(cells.west, cells.north, CELL_M, CELL_M)
    with rasterio.open(path, "w", height=height, width=width, transform=place, **profile) as raster:
        raster.write(cells.people.astype(np.float32), 1)


def write_towns(path: Path, cells: Cells) -> None:
    """Rectangles that share the raster among them."""
    height, width = cells.people.shape
    east, south = cells.west + width * CELL_M, cells.north - height * CELL_M
    xs, ys = np.linspace(cells.west, east, TOWNS_A_SIDE + 1), np.linspace(south, cells.north, TOWNS_A_SIDE + 1)
    features = []
    for i in range(TOWNS_A_SIDE):
        for j in range(TOWNS_A_SIDE):
            low, high = (xs[i], ys[j]), (xs[i + 1], ys[j + 1])
            ring = cells.lonlat(np.array([low, (high[0], low[1]), high, (low[0], high[1]), low])).round(7).tolist()
            town = {"town": f"Town {i * TOWNS_A_SIDE + j + 1:03d}"}
            features.append({"type": "Feature", "properties": town, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def write_places(path: Path, key: str, name: str, lonlat: Floats) -> None:
    rows = ((f"{name[0]}{i + 1:05d}", f"{name} {i + 1}", *place) for i, place in enumerate(lonlat.round(7).tolist()))
    write_rows(path, (key, "name", "lon", "lat"), rows)


def write_rows(path: Path, header: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def run(study: Path, out: Path, extra: Sequence[str]) -> int:
    """Run `planner run` in a process of its own and say what it took; its exit code."""
    command = [sys.executable, "-m", "planner", "run", str(study), "--out", str(out), "-v", *extra]
    began = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, used = os.wait4(child.pid, 0)
    passed = time.perf_counter() - began
    peak_mb = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    cpu_s = used.ru_utime + used.ru_stime
    print(f"exit {os.waitstatus_to_exitcode(status)}; {cpu_s:.0f} CPU s, {passed:.0f} s, peak {peak_mb:,.0f} MB")
    if out.is_dir():
        seconds = json.loads((out / "manifest.json").read_text(encoding="utf-8")).get("seconds", {})
        print(*(f"  {step}: {spent:.1f} s" for step, spent in seconds.items()), sep="\n")
        for file in sorted(out.rglob("*")):
            if file.is_file() and file.stat().st_size > 100_000:
                print(f"  {file.relative_to(out)}: {file.stat().st_size / 1e6:.1f} MB")
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extract", type=Path)
    parser.add_argument("folder", type=Path)
    for name, most in (("nodes", 1_000_000), ("cells", 600_000), ("hosts", 10_000), ("stations", 200)):
        parser.add_argument(f"--{name}", type=int, default=most)
    asked, extra = parser.parse_known_args()
    if not (asked.folder / "study").exists():
        make(asked.extract, asked.folder / "study", asked)
    return run(asked.folder / "study", asked.folder / "out", extra)


if __name__ == "__main__":
    sys.exit(main())
