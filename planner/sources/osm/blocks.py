"""The blocks of a ``.osm.pbf`` file: found, checked against what they may claim, and unpacked one at a time.

The format is that of https://wiki.openstreetmap.org/wiki/PBF_Format: four bytes of length, a header, a blob; and so on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_HEADER_BYTES = 64 * 2**10  # what the format allows
MOST_BLOCK_BYTES = 32 * 2**20  # packed or unpacked
PLAIN_FEATURES = frozenset({b"OsmSchema-V0.6", b"DenseNodes"})  # what a file may ask of its reader for us to read it


class UnusualFileError(Exception):
    """The file is in order but uses what only libosmium reads: another compression, history, places on ways."""


@dataclass(frozen=True)
class Block:
    """Where a blob lies in the file, and what kind it is (``OSMData``, ``OSMHeader``)."""

    kind: bytes
    begin: int
    size: int


def find_blocks(path: Path) -> list[Block]:
    """All blobs of the file, in order; that every one lies within the file is seen to.

    Raises
    ------
    ValueError
        If a length is impossible or the file ends within a block.
    """
    whole = path.stat().st_size
    blocks, at = [], 0
    with path.open("rb") as file:
        while at < whole:
            file.seek(at)
            size = int.from_bytes(file.read(4), "big")
            if not 0 < size <= MOST_HEADER_BYTES:
                raise ValueError(f"a block's header claims {size:,} bytes")
            header = dict(fields(_exactly(file, size)))
            claimed = header.get(3, 0)
            kind = header.get(1, b"")
            if not isinstance(kind, bytes) or not isinstance(claimed, int) or not 0 <= claimed <= MOST_BLOCK_BYTES:
                raise ValueError(f"a block claims {claimed!r:.20} bytes")
            at += 4 + size
            if at + claimed > whole:
                raise ValueError("the file ends within a block")
            blocks.append(Block(kind, at, claimed))
            at += claimed
    if not blocks or blocks[0].kind != b"OSMHeader":
        raise ValueError("it does not begin with a header")
    return blocks


def unpack(path: Path, block: Block) -> bytes:
    """What a blob holds.

    Raises
    ------
    ValueError
        If it is damaged, or unpacks to another size than it claims or to more than any block may have.
    UnusualFileError
        If it is packed otherwise than by zlib.
    """
    with path.open("rb") as file:
        file.seek(block.begin)
        blob = dict(fields(_exactly(file, block.size)))
    plain, packed, size = blob.get(1), blob.get(3), blob.get(2, 0)
    if isinstance(plain, bytes):
        return plain
    if not isinstance(packed, bytes):
        raise UnusualFileError("a block is not packed by zlib")
    if not isinstance(size, int) or not 0 <= size <= MOST_BLOCK_BYTES:
        raise ValueError(f"a block claims to unpack to {size!r:.20} bytes")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, size + 1)  # no more than that, however much there is
    except zlib.error as error:
        raise ValueError(f"a block cannot be unpacked: {error}") from error
    if len(data) != size or not unpacker.eof:
        raise ValueError("a block unpacks to another size than it claims")
    return data


def check_features(header: bytes) -> None:
    """Stop at a file that asks for what is not read here, or that leaves its nodes away.

    Raises
    ------
    UnusualFileError
        If so.
    """
    for number, value in fields(header):
        unusual = (number == 4 and value not in PLAIN_FEATURES) or (number == 5 and value == b"LocationsOnWays")
        if unusual:
            raise UnusualFileError(f"the file asks for {value!r}")


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: numbers, and whole numbers or bytes; for messages of a few fields.

    >>> list(fields(b"\\x08\\x96\\x01\\x12\\x02hi"))
    [(1, 150), (2, b'hi')]
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif wire == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field is longer than its message")
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            at += {1: 8, 5: 4}.get(wire, len(message) + 1)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end")


def _exactly(file: BinaryIO, size: int) -> bytes:
    read = file.read(size)
    if len(read) != size:
        raise ValueError("the file ends within a block")
    return read
