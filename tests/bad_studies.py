# ruff: noqa: E501 - tables of cases read better in one line each
"""More than 300 ways to spoil the lattice study, each of which must end with our own error: one function call a way.

Each is a name and a function that spoils a good folder in place. Nothing here is random.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from planner.sources.files.keys import known_keys

Spoil = Callable[[Path], object]
HOSTILE = '"><script>alert(1)</script>=cmd|x!A1\u202e\u0000'
RUBBISH: Mapping[str, bytes] = {
    "a png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40),
    "a web page": b"<!DOCTYPE html><html><body>not found</body></html>",
    "noughts": bytes(5000),
    "an archive": b"PK\x05\x06" + bytes(18),
    "noise": bytes((i * 7919 + (i * i) % 251) % 256 for i in range(4000)),
    "an entity bomb": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><osm>&b;</osm>',
}
FILES = {"area": "towns.geojson", "network.file": "network.osm", "stations.file": "stations.csv",
         "candidates.1.file": "hosts.csv", "population.file": "people.csv"}  # fmt: skip


def bad_studies() -> dict[str, Spoil]:
    """Every way to spoil a study, by its name."""
    return dict([*_keys(), *_texts(), *_files(), *_cells(), *_shapes(), *_extracts(), *_packed(), *_paths()])


def _toml(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=True)


def setting(key: tuple[str, ...], value: Any) -> Spoil:
    """Set a key of the study file, blocks counted from 0."""

    def spoil(folder: Path) -> None:
        file = folder / "study.toml"
        document: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        place = document
        for part, after in pairwise(key):
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, [{}] if after == "0" else {})
        if isinstance(place, list):
            place[int(key[-1])] = value
        else:
            place[key[-1]] = value
        file.write_text("\n".join(f"{name} = {_toml(held)}" for name, held in document.items()) + "\n", encoding="utf-8")

    return spoil


def _keys() -> Iterator[tuple[str, Spoil]]:
    """Each key of a study file with two values of a wrong type, unknown keys, and values out of range."""
    for key in sorted(known_keys()):
        concrete = tuple(
            "0" if part == "*" and key[i - 1] in LISTS else "West" if part == "*" else part for i, part in enumerate(key)
        )
        yield f"{'.'.join(concrete)} is a table of rubbish", setting(concrete, {"x": {"y": 1}})
        yield f"{'.'.join(concrete)} is a list of lists", setting(concrete, [[1]])
    for section in ("", "walk", "siting", "privacy", "publish", "population", "network", "stations", "fetch"):
        key = (*filter(None, [section]), "minuets")
        yield f"an unknown key in {section or 'the study'}", setting(key, 5)
    for dotted, value in OUT_OF_RANGE:
        yield f"{dotted} = {value!r}"[:70], setting(tuple(dotted.split(".")), value)


LISTS = ("candidates", "groups", "phases", "bands", "osm", "kinds", "required", "forbidden", "languages", "towns", "add", "close", "move",
         "areas", "employers", "communities", "services", "sources", "targets")  # fmt: skip
OUT_OF_RANGE: tuple[tuple[str, Any], ...] = (
    ("name", 5), ("area", ""), ("area", "\u0000"), ("area", HOSTILE), ("area_field", "no such column"), ("crs", "EPSG:999999"),
    ("crs", "EPSG:4326"), ("crs", HOSTILE), ("crs", "EPSG:2154"), ("policy", "no-such-pack"), ("policy", "../pack.toml"),
    ("as_of", "yesterday"), ("as_of", 20250630), ("as_of", "2025-02-30"), ("walk.minutes", 0), ("walk.minutes", -5),
    ("walk.minutes", 1e9), ("walk.minutes", "15"), ("walk.minutes", True), ("walk.bands", [0]), ("walk.bands", [1e9]),
    ("walk.profile", "dog"), ("walk.profile", HOSTILE), ("walk.speed_mps", 0), ("walk.speed_mps", 300), ("walk.speed_mps", "fast"),
    ("walk.max_link_m", -1), ("walk.max_link_m", 1e9), ("walk.towns.Nowhere.minutes", 5), ("walk.towns.West.minutes", -1),
    ("walk.towns.West.profile", "dog"), ("stations.coordinates", "mars"), ("stations.coordinates", "EPSG:999999"),
    ("stations.file", ""), ("stations.osm", ["amenity"]), ("stations.osm", ["amenity=library"]), ("candidates.0.file", ""),
    ("candidates.0.coordinates", "EPSG:x"), ("population.column", "no such column"), ("population.values", "heads"),
    ("population.spread", "butter"), ("population.total", -1), ("population.zone_m", 0), ("population.zone_m", 1e9),
    ("population.cell_m", -1), ("population.fit_towns", True), ("population.source", "hearsay"), ("population.year", 1066),
    ("population.country", "China"), ("network.source", "hearsay"), ("network.file", "no.osm"), ("network.file", "no.shp"),
    ("groups.0.name", "Not A Name"), ("groups.0.weight", -1), ("groups.0.weight", "heavy"), ("groups.0.file", "no.csv"),
    ("groups.0.column", "no such column"), ("groups.0.coordinates", "mars"), ("siting.method", "oracle"), ("siting.sites", 0),
    ("siting.sites", 1.5), ("siting.sites", -3), ("siting.per_town_min", -1), ("siting.spacing_m", -1), ("siting.budget", -1),
    ("siting.share", 0), ("siting.share", 2), ("siting.time_limit_s", 0), ("siting.required", ["nobody"]),
    ("siting.forbidden", ["nobody"]), ("siting.phases", [{"by": "2025-01-01", "sites": 9}]), ("privacy.minimum_count", -1),
    ("privacy.minimum_count", 1.5), ("publish.languages", ["tlh"]), ("publish.languages", []), ("fetch.town_level", 0),
    ("fetch.town_level", 99),
)  # fmt: skip


def writing(name: str, body: bytes | Callable[[bytes], bytes]) -> Spoil:
    """Put other bytes into a file."""

    def spoil(folder: Path) -> None:
        file = folder / name
        file.write_bytes(body(file.read_bytes()) if callable(body) else body)

    return spoil


def _texts() -> Iterator[tuple[str, Spoil]]:
    """The study file itself: cut off, in another encoding, something else altogether."""
    for share in range(5, 60, 5):
        yield f"study.toml cut off at {share} %", writing("study.toml", lambda raw, share=share: raw[: len(raw) * share // 100])
    for name, body in RUBBISH.items():
        yield f"study.toml is {name}", writing("study.toml", body)
    yield "study.toml is empty", writing("study.toml", b"")
    yield "study.toml in UTF-16", writing("study.toml", lambda raw: raw.decode().encode("utf-16"))
    yield "study.toml in GB18030", writing("study.toml", 'name = "嘉定"'.encode("gb18030"))
    yield "study.toml is huge", writing("study.toml", lambda raw: raw + b"#" * 2_000_000)
    yield "study.toml is nested too deeply", writing("study.toml", b"x = " + b"[" * 5000 + b"]" * 5000)
    yield "study.toml is tables too deep", writing("study.toml", b"[" + b".".join([b"a"] * 5000) + b"]")
    yield "study.toml says a key twice", writing("study.toml", lambda raw: b'name = "twice"\n' + raw)
    yield "study.toml has a number of a million digits", writing("study.toml", lambda raw: raw + b"\nx = " + b"9" * 900_000)


def _files() -> Iterator[tuple[str, Spoil]]:
    """Each file: missing, empty, a folder, something else."""
    for name in FILES.values():
        yield f"{name} is missing", lambda folder, name=name: (folder / name).unlink()
        yield f"{name} is a folder", _as_folder(name)
        yield f"{name} is a pipe that nobody writes into", _as_pipe(name)
        yield f"{name} is empty", writing(name, b"")
        for what, body in RUBBISH.items():
            yield f"{name} is {what}", writing(name, body)
    yield "sources.json is a pipe that nobody writes into", _as_pipe("sources.json")
    for name in ("towns.geojson", "network.osm"):
        for share in range(10, 100, 15):
            yield f"{name} cut off at {share} %", writing(name, lambda raw, share=share: raw[: len(raw) * share // 100])
    for key, name in FILES.items():
        yield f"{name} called by an ending that is not read", _renamed(key, name, "data.exe")


def _as_folder(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def _as_pipe(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return spoil


def _renamed(key: str, name: str, new: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).rename(folder / new)
        setting(tuple(part if part != "1" else "0" for part in key.split(".")), new)(folder)

    return spoil


WRONG_CELLS: Mapping[str, tuple[str, ...]] = {
    "lon": ("", "east", "inf", "nan", "1e999", "500", "12°30'", HOSTILE[:20], "0", "-121.3"),
    "lat": ("", "north", "-inf", "NaN", "95", "0", "31,3", "-31.3"),
    "station_id": ("",), "name": ("",), "site_id": ("",),
    "status": ("perhaps", "5", HOSTILE[:20]),
    "opened": ("soon", "2025-13-01", "2025-02-30", "20250199", "99999-01-01"),
    "people": ("many", "-1", "nan", "inf", "1e400"),
}  # fmt: skip


def _cells() -> Iterator[tuple[str, Spoil]]:
    """Each column of each table with each kind of wrong cell, in the first row; headers gone; keys twice."""
    tables = {"stations.csv": ("station_id", "name", "lon", "lat", "status", "opened"), "hosts.csv": ("site_id", "name", "lon", "lat"),
              "people.csv": ("lon", "lat", "people")}  # fmt: skip
    for table, columns in tables.items():
        for place, column in enumerate(columns):
            for value in WRONG_CELLS[column]:
                if table == "people.csv" and value in ("0", "-121.3", "-31.3"):
                    continue  # somebody lives outside the area: lawful, and said
                yield f"{table}: {column} = {value!r}", writing(table, _cell(place, value))
            if column not in ("status", "opened"):
                yield f"{table} without the column {column}", writing(table, _header(column, "zzz"))
        yield f"{table} with a quote that never closes", writing(table, lambda raw: raw + b'\n"never')
        yield f"{table} with NULs", writing(table, lambda raw: raw + b"\0\0\0,\0\n")
        yield f"{table} in no encoding", writing(table, lambda raw: raw + b"\xff\xfe\xfd\x80\x81,1,2\n")
    for table in ("stations.csv", "hosts.csv"):
        yield f"{table} with an id twice", writing(table, lambda raw: raw + raw.splitlines()[1] + b"\n")


def _cell(place: int, value: str) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        head, first, *rest = raw.decode().splitlines()
        cells = first.split(",")
        cells[place] = '"' + value.replace('"', '""') + '"'
        return "\n".join([head, ",".join(cells), *rest]).encode()

    return changed


def _header(column: str, other: str) -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(column.encode(), other.encode(), 1)


def _shapes() -> Iterator[tuple[str, Spoil]]:
    """Areas that are none."""

    def area(change: Callable[[Any], Any]) -> Spoil:
        return writing("towns.geojson", lambda raw: json.dumps(change(json.loads(raw))).encode())

    def with_first(**parts: Any) -> Callable[[Any], Any]:
        return lambda said: {**said, "features": [{**said["features"][0], **parts}, *said["features"][1:]]}

    def ring(*corners: tuple[float, float]) -> dict[str, Any]:
        return {"type": "Polygon", "coordinates": [[list(corner) for corner in corners]]}

    shapes: Mapping[str, Any] = {
        "null": None, "a point": {"type": "Point", "coordinates": [121.3, 31.3]}, "a kind of its own": {"type": "Blob"},
        "a polygon of one place": ring((121.3, 31.3)), "degrees beyond the earth": ring((999, 999), (999, 1000), (1000, 999), (999, 999)),
        "text for coordinates": {"type": "Polygon", "coordinates": "here"}, "an empty polygon": {"type": "Polygon", "coordinates": []},
    }  # fmt: skip
    for name, shape in shapes.items():
        yield f"a town is {name}", area(with_first(geometry=shape))
    yield "a town without a name", area(with_first(properties={"town": ""}))
    yield "a town whose name is null", area(with_first(properties={"town": None}))
    yield (
        "towns without properties",
        area(lambda said: {**said, "features": [{**f, "properties": {}} for f in said["features"]]}),
    )
    yield "no town at all", area(lambda said: {**said, "features": []})
    yield "features are no list", area(lambda said: {**said, "features": 5})
    yield (
        "two towns on the same ground",
        area(lambda said: {**said, "features": [{**said["features"][0], "properties": {"town": name}} for name in ("A", "B")]}),
    )
    yield (
        "a town far from the streets",
        area(with_first(geometry=ring((10.0, 50.0), (10.1, 50.0), (10.1, 50.1), (10.0, 50.1), (10.0, 50.0)))),
    )


def blob(kind: bytes, body: bytes, *, claims: int | None = None) -> bytes:
    """One block of a PBF; `claims` is the size it says it unpacks to."""
    packed = zlib.compress(body)
    inner = b"\x10" + _varint(len(body) if claims is None else claims) + b"\x1a" + _varint(len(packed)) + packed
    head = b"\x0a" + _varint(len(kind)) + kind + b"\x18" + _varint(len(inner))
    return struct.pack(">I", len(head)) + head + inner


def _varint(number: int) -> bytes:
    said = bytearray()
    while number > 127:
        said.append(number & 127 | 128)
        number >>= 7
    return bytes([*said, number])


def _extracts() -> Iterator[tuple[str, Spoil]]:
    """Extracts in other formats, broken; blocks that claim to be huge."""

    def network(name: str, body: bytes) -> Spoil:
        return lambda folder: ((folder / name).write_bytes(body), setting(("network", "file"), name)(folder))

    head = blob(b"OSMHeader", b'"\x0eOsmSchema-V0.6')
    rubbish = blob(b"OSMData", b"\xff" * 999)
    bodies: Mapping[str, bytes] = {
        "claims a block of 4 GB": head + blob(b"OSMData", b"x" * 100, claims=2**32),
        "claims a block of 31 MB": head + blob(b"OSMData", b"x" * 100, claims=31 * 2**20),
        "has a header of 2 GB": struct.pack(">I", 2**31 - 1) + b"x" * 100,
        "is a header alone": head, "is cut off in a header": head[:10], "has rubbish for a block": head + rubbish,
        "unpacks to noughts": head + blob(b"OSMData", bytes(30_000_000)), "needs what nobody knows": blob(b"OSMHeader", b'"\x04Nope'),
    }  # fmt: skip
    for said, body in bodies.items():
        yield f"a PBF that {said}", network("x.osm.pbf", body)
    for name in ("x.osm.pbf", "x.osm.gz", "x.osm.bz2", "x.graphml", "x.osm"):
        for said, body in RUBBISH.items():
            yield f"{name} is {said}", network(name, body)
    yield "an extract without streets", network("x.osm", b'<?xml version="1.0"?><osm version="0.6"></osm>')
    yield (
        "streets without nodes",
        network(
            "x.osm",
            b'<?xml version="1.0"?><osm version="0.6"><way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way></osm>',
        ),
    )


def zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name.replace("__", "/"), body)
    return packed.getvalue()


def _packed() -> Iterator[tuple[str, Spoil]]:
    """Tables, rasters and layers in packed formats, broken or blown up."""

    def instead(key: tuple[str, ...], name: str, body: bytes) -> Spoil:
        return lambda folder: ((folder / name).write_bytes(body), setting(key, name)(folder))

    bomb = _bomb()
    for key in (("stations", "file"), ("candidates", "0", "file"), ("population", "file")):
        for name in ("t.xlsx", "t.xls", "t.ods", "t.parquet", "t.gpkg", "t.geojson", "t.shp", "t.fgb"):
            for said in ("noise", "a web page"):
                yield f"{'.'.join(key)}: {name} is {said}", instead(key, name, RUBBISH[said])
        yield f"{'.'.join(key)}: a workbook that is a zip bomb", instead(key, "t.xlsx", bomb)
        yield f"{'.'.join(key)}: a workbook without sheets", instead(key, "t.xlsx", zipped(xl__workbook=b"<x/>"))
    for said, body in RUBBISH.items():
        yield f"a raster that is {said}", instead(("population", "file"), "p.tif", body)
    for name in ("a.gpkg", "a.shp", "a.parquet", "a.zip", "a.kml"):
        yield f"an area in {name} that is noise", instead(("area",), name, RUBBISH["noise"])


def _bomb() -> bytes:
    """A workbook of a megabyte that says it unpacks to 700 MB."""
    whole = bytearray(zipped(xl__workbook=bytes(1_000_000)))
    at = whole.rindex(b"PK\x01\x02")
    whole[at + 24 : at + 28] = struct.pack("<I", 700_000_000)
    return bytes(whole)


ELSEWHERE = (  # what GDAL, a browser, a shell or Windows would take for a place elsewhere
    "/vsicurl/http://127.0.0.1:9/a.tif", "/vsizip/sub/a.zip/a.shp", "/vsimem/a.tif", "GTIFF_DIR:1:sub/outside.csv",
    "http://127.0.0.1:9/a.geojson", "file:///etc/hostname", "C:\\outside.csv", "..\\outside.csv", "~/outside.csv",
)  # fmt: skip


def _paths() -> Iterator[tuple[str, Spoil]]:
    """Paths that lead out of the study's folder without saying so plainly, links included."""
    for key in (("area",), ("network", "file"), ("stations", "file"), ("candidates", "0", "file"), ("population", "file"),
                ("groups", "0", "file"), ("policy",)):  # fmt: skip
        for path in ("../outside.csv", "a/../../outside.csv", "../outside.toml"):
            yield f"{'.'.join(key)} = {path}", setting(key, path)

        for path in ("sub/outside.csv", *ELSEWHERE):

            def through(folder: Path, key: tuple[str, ...] = key, path: str = path) -> None:
                (folder.parent / "outside.csv").write_text("a,b\n1,2\n", encoding="utf-8")
                (folder / "sub").symlink_to(folder.parent)
                setting(key, path)(folder)

            yield f"{'.'.join(key)} = {path} (where sub is a link to the folder above)", through

        def linked(folder: Path, key: tuple[str, ...] = key) -> None:
            name = "link.toml" if key == ("policy",) else "link.csv"
            (folder.parent / "outside.csv").write_text("a,b\n1,2\n", encoding="utf-8")
            (folder / name).symlink_to(folder.parent / "outside.csv")
            setting(key, name)(folder)

        yield f"{'.'.join(key)} is a link that leads outside", linked
