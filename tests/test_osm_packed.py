"""Reading .osm.pbf block by block: libosmium is the second opinion; what is damaged or lies about its size is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import osmium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osm_builders import CRS, Town

from planner.errors import SourceError
from planner.sources.osm import read_osm_network
from planner.sources.osm.blocks import UnusualFileError, find_blocks, unpack
from planner.sources.osm.extract import RawStreets, read_by_osmium, read_raw_streets
from planner.sources.osm.packed import read_packed

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def town() -> Town:
    """Streets, a square whose rim has no tags, barriers, a node that is missing, words in Chinese, much that is no street."""
    made = Town().nodes(*((i, i % 5, i // 5) for i in range(1, 25)))
    made.node(30, 2.5, 2.5, barrier="gate", access="private", note="locked").node(31, 9, 9, shop="kiosk")
    made.street(1, 1, 2, 3, 4, name="塔城路", surface="asphalt").street(2, 3, 8, 13, 30, 18, foot="yes", access="private")
    made.street(3, 4, 9, 999, 14, highway="steps", incline="up").way(4, [6, 7, 12, 11, 6], {"building": "yes"})
    made.way(5, [7, 8, 13, 12, 7], {}).way(6, [2, 7], {"highway": "footway"}).way(
        7, [13, 14], {"access": "no", "highway": "path"}
    )
    made.relation(1, [("way", 5, "outer"), ("node", 31, "label")], {"type": "multipolygon", "highway": "pedestrian"})
    return made.relation(2, [("way", 1, "")], {"type": "route", "route": "bus"})


def packed(folder: Path, made: Town, options: str = "pbf") -> Path:
    source, target = made.write(folder, "source.osm"), folder / "town.osm.pbf"
    target.unlink(missing_ok=True)
    with osmium.SimpleWriter(osmium.io.File(str(target), options)) as writer:
        for thing in osmium.FileProcessor(str(source)):
            writer.add(thing)
    return target


def assert_same(one: RawStreets, other: RawStreets) -> None:
    assert one.node_id.tolist() == other.node_id.tolist()
    assert one.lonlat7.tolist() == other.lonlat7.tolist()
    ways = [
        {
            int(raw.way_id[i]): (raw.tags[raw.kind[i]], raw.refs[raw.starts[i] : raw.starts[i + 1]].tolist())
            for i in range(len(raw.way_id))
        }
        for raw in (one, other)
    ]
    assert ways[0] == ways[1]
    assert one.barriers == other.barriers
    assert [(tags, ways.tolist()) for tags, ways in one.squares] == [(tags, ways.tolist()) for tags, ways in other.squares]


def test_blocks_give_what_libosmium_gives(tmp_path: Path) -> None:
    file = packed(tmp_path, town())
    found = read_raw_streets(file)
    assert_same(found, read_by_osmium(file))
    assert sorted(found.way_id.tolist()) == [1, 2, 3, 5, 6, 7]
    assert found.barriers == {30: {"barrier": "gate", "access": "private"}}
    assert [tags for tags, _ in found.squares] == [{"highway": "pedestrian"}]


@pytest.mark.parametrize("options", ["pbf,pbf_compression=none", "pbf,pbf_dense_nodes=false", "pbf,locations_on_ways=true"])
def test_unusual_files_give_the_same(tmp_path: Path, options: str) -> None:
    usual, unusual = packed(tmp_path, town()), tmp_path / "more"
    unusual.mkdir()
    network, other = (read_osm_network(file, crs=CRS) for file in (usual, packed(unusual, town(), options)))
    assert network.node_id.tolist() == other.node_id.tolist()
    assert network.length_m.tolist() == other.length_m.tolist()
    if "none" not in options:
        with pytest.raises(UnusualFileError):
            read_packed(unusual / "town.osm.pbf")


def test_nodes_not_yet_uploaded_and_ways_far_apart_are_read(tmp_path: Path) -> None:
    made = Town().nodes((-1, 0, 0), (-2, 1, 0), (5_000_000_000, 2, 0)).street(-7, -1, -2, 5_000_000_000)
    found = read_raw_streets(packed(tmp_path, made))
    assert found.node_id.tolist() == [-2, -1, 5_000_000_000]
    assert found.refs.tolist() == [1, 0, 2]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["porto-alegre/poa_osm.pbf", "helsinki/helsinki.osm.pbf"])
def test_real_extracts_give_what_libosmium_gives(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here; it comes with the shared data beside the project")
    assert_same(read_raw_streets(SHARED / name), read_by_osmium(SHARED / name))


# --- bad blocks -------------------------------------------------------------------------------------------------------


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    more = b""
    while value > 127:
        more += bytes([value & 127 | 128])
        value >>= 7
    return more + bytes([value])


def block(kind: bytes, blob: bytes, claimed: int | None = None) -> bytes:
    header = field(1, kind) + field(3, len(blob) if claimed is None else claimed)
    return struct.pack(">I", len(header)) + header + blob


def zipped(data: bytes, size: int | None = None) -> bytes:
    return field(2, len(data) if size is None else size) + field(3, zlib.compress(data))


HEADER = block(b"OSMHeader", zipped(field(4, b"OsmSchema-V0.6") + field(4, b"DenseNodes")))
NODE_BLOCK = field(1, field(1, b"")) + field(2, field(2, field(1, b"\2") + field(8, b"\2") + field(9, b"\2")))

BAD = {
    "no header": block(b"OSMData", zipped(NODE_BLOCK)),
    "a header that claims 4 GB": HEADER + b"\xff\xff\xff\xff" + b"x" * 100,
    "a header of no length": HEADER + b"\0\0\0\0" + b"x" * 100,
    "a blob that claims 2 GB": HEADER + block(b"OSMData", zipped(NODE_BLOCK), 2**31),
    "a file that ends within a block": (HEADER + block(b"OSMData", zipped(NODE_BLOCK)))[:-3],
    "a blob that claims to unpack to 16 GB": HEADER + block(b"OSMData", zipped(NODE_BLOCK, 2**34)),
    "a bomb": HEADER + block(b"OSMData", field(2, 100) + field(3, zlib.compress(b"\0" * 40_000_000))),
    "a blob that unpacks to less": HEADER + block(b"OSMData", zipped(NODE_BLOCK, len(NODE_BLOCK) + 1)),
    "what is not packed": HEADER + block(b"OSMData", field(2, 9) + field(3, b"not zipped")),
    "a string table beyond the block": HEADER + block(b"OSMData", zipped(b"\x0a\x7f")),
    "tags beyond the strings": HEADER
    + block(b"OSMData", zipped(field(1, field(1, b"")) + field(2, field(3, field(1, 1) + field(2, b"\5") + field(3, b"\6"))))),
    "more nodes than places": HEADER + block(b"OSMData", zipped(field(1, b"") + field(2, field(2, field(1, b"\2\2"))))),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_blocks_are_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    file = tmp_path / "bad.osm.pbf"
    file.write_bytes(BAD[name])
    with pytest.raises(SourceError, match=r"bad\.osm\.pbf: it cannot be read as an OSM extract .* download it again"):
        read_raw_streets(file)


def test_a_bomb_is_never_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.osm.pbf"
    file.write_bytes(BAD["a bomb"])
    with pytest.raises(ValueError, match="another size than it claims"):
        unpack(file, find_blocks(file)[1])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_block_does_more_than_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes changed inside the packing, where no checksum sees them."""
    file = packed(tmp_path, town())
    whole = file.read_bytes()
    parts = []
    for each in find_blocks(file):
        raw = bytearray(unpack(file, each))
        if each.kind == b"OSMData":
            for _ in range(data.draw(st.integers(1, 6))):
                raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        parts.append(block(each.kind, zipped(bytes(raw))))
    assert len(whole) > 100
    hurt = tmp_path / "hurt.osm.pbf"
    hurt.write_bytes(b"".join(parts))
    try:
        found = read_packed(hurt)
    except (ValueError, UnusualFileError):
        return
    assert len(found.named) == found.sizes.sum()
    assert len(found.node_id) == len(found.lonlat7)
    assert np.abs(found.lonlat7).max(initial=0) <= 1_800_000_000
