"""A server on 127.0.0.1 that stands in for the world's, and misbehaves as told: for the tests of `planner fetch`."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import rasterio
import shapely

HTML = b"<!DOCTYPE html><html><body>You have been logged out</body></html>"


@dataclass
class Town:
    """The server's files, what it shall do wrong next (by path, in order), and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    tricks: dict[str, list[Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def paths(self, method: str = "GET") -> list[str]:
        return [path for verb, path, _ in self.asked if verb == method]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    town: Town

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self, *, body: bool = True) -> None:
        path = urlsplit(self.path).path
        self.town.asked.append((self.command, path, dict(self.headers)))
        tricks = self.town.tricks.get(path, [])
        trick = tricks.pop(0) if tricks and self.command != "HEAD" else None
        held = self.town.files.get(path)
        if isinstance(trick, dict):
            self._send(trick.get("status", 200), trick.get("body", b""), trick.get("headers", {}))
        elif trick == "refuse":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
        elif held is None:
            self._send(404, b"no such file")
        else:
            self._serve(held, trick, body)

    def _serve(self, held: bytes, trick: Any, body: bool) -> None:
        etag = f'"{hashlib.md5(held, usedforsecurity=False).hexdigest()}"'
        start, headers = 0, {"ETag": etag, "Last-Modified": "Mon, 01 Jun 2026 00:00:00 GMT"}
        if self.headers.get("If-None-Match") == etag:
            self._send(304, b"", headers)
            return
        status, asked = 200, self.headers.get("Range")
        if asked and self.headers.get("If-Range") in (None, etag):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            status, headers["Content-Range"] = 206, f"bytes {start}-{len(held) - 1}/{len(held)}"
        rest = held[start:]
        if not body:
            self._send(status, rest, headers, send=b"")
        elif isinstance(trick, tuple) and trick[0] == "cut":  # so many bytes, then the line goes dead
            self._send(status, rest, headers, send=rest[: trick[1]])
            self.close_connection = True
        elif isinstance(trick, tuple) and trick[0] in ("stall", "trickle"):
            self._send(status, rest, headers, send=rest[: trick[1]])
            for i in range(trick[1], len(rest)):
                if self.town.ended.wait(30 if trick[0] == "stall" else 0.02):
                    break
                self.wfile.write(rest[i : i + 1])
            self.close_connection = True
        else:
            self._send(status, rest, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, send: bytes | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if send is None else send)
            self.wfile.flush()


@contextmanager
def serving() -> Iterator[Town]:
    """A server that runs as long as the ``with`` block."""
    town = Town()
    handler = type("Handler", (_Handler,), {"town": town})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - clients hang up here
    town.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield town
    finally:
        town.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def place_answer(name: str, number: int, outline: shapely.Polygon) -> bytes:
    """What Nominatim says of a place."""
    said = {"osm_type": "relation", "osm_id": number, "display_name": name, "geojson": json.loads(shapely.to_geojson(outline))}
    return json.dumps([{"osm_type": "node", "osm_id": 1, "display_name": name, "geojson": {"type": "Point"}}, said]).encode()


def towns_answer(towns: dict[str, shapely.Polygon]) -> bytes:
    """What Overpass says of towns: relations of one closed way each."""
    nodes, ways, relations, node = [], [], [], 1
    for number, (name, shape) in enumerate(towns.items(), 1):
        ring = shape.exterior.coords[:-1]
        refs = list(range(node, node + len(ring)))
        node += len(ring)
        nodes += [f'<node id="{ref}" lon="{x}" lat="{y}"/>' for ref, (x, y) in zip(refs, ring, strict=True)]
        ways.append(f'<way id="{number}">' + "".join(f'<nd ref="{ref}"/>' for ref in [*refs, refs[0]]) + "</way>")
        tags = {"type": "boundary", "boundary": "administrative", "admin_level": "8", "name": name}
        said = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        relations.append(f'<relation id="{number}"><member type="way" ref="{number}" role="outer"/>{said}</relation>')
    inner = "".join([*nodes, *ways, *relations])
    return f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6" generator="test">{inner}</osm>'.encode()


def ghs_zip(folder: Path, tile: tuple[int, int], towns: gpd.GeoSeries, a_cell: float, name: str = "tile.tif") -> bytes:
    """A tile of GHS-POP: `a_cell` people in every cell of the box around the towns and 2 km, nobody elsewhere."""
    row, column = tile
    west, north = -18_041_000 + (column - 1) * 1e6, 9_000_000 - (row - 1) * 1e6
    box = towns.to_crs("ESRI:54009").total_bounds
    left, right = (int((x - west) // 100) for x in (box[0] - 2000, box[2] + 2000))
    top, bottom = (int((north - y) // 100) for y in (box[3] + 2000, box[1] - 2000))
    file = folder / f"made-{row}-{column}.tif"
    settings = {"driver": "GTiff", "width": 10_000, "height": 10_000, "count": 1, "dtype": "float64", "nodata": -200.0}
    place = {
        "crs": "ESRI:54009",
        "transform": rasterio.Affine(100.0, 0.0, west, 0.0, -100.0, north),
        "compress": "deflate",
        "sparse_ok": True,
    }
    with rasterio.open(file, "w", tiled=True, **settings, **place) as raster:
        window = rasterio.windows.Window(left, top, right - left, bottom - top)
        raster.write(np.full((1, bottom - top, right - left), a_cell), window=window)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(file, name)
        archive.writestr("readme.pdf", b"x")
    return packed.getvalue()
