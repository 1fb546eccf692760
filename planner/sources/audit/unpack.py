"""What is packed within a file: members of archives and compressed files, never more than there is room for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

Part = tuple[str, bytes | None]  # its name, and what it holds; None where it cannot be unpacked

BROKEN = (
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class Readable(Protocol):
    """What gives its bytes piece by piece."""

    def read(self, size: int, /) -> bytes: ...


@dataclass
class Room:
    """How many bytes may still be unpacked out of a file: a bomb is told from a table by its size."""

    left: int

    def read(self, packed: Readable) -> bytes:
        """All of it.

        Raises
        ------
        ValueError
            If it is more than there is room for.
        """
        return self.take(packed.read(self.left + 1))

    def take(self, raw: bytes) -> bytes:
        """Count what is unpacked.

        Raises
        ------
        ValueError
            If it is more than there is room for.
        """
        if len(raw) > self.left:
            raise ValueError("it unpacks to more than any file of outputs")
        self.left -= len(raw)
        return raw


def packing_of(raw: bytes) -> Callable[[str, bytes, Room], Iterator[Part]] | None:
    """How a file is packed, by its first bytes; None where it is not."""
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _of_zip
    if raw[257:262] == b"ustar":
        return _of_tar
    return _of_compressed if opener_of(raw) else None


def opener_of(raw: bytes) -> Callable[[io.BytesIO], Readable] | None:
    """What opens a compressed file; None where it is none."""
    if raw.startswith(b"\x1f\x8b\x08"):
        return lambda file: gzip.GzipFile(fileobj=file)
    if raw.startswith(b"BZh") and raw[4:10] == b"1AY&SY":
        return bz2.BZ2File
    return lzma.LZMAFile if raw.startswith(b"\xfd7zXZ\x00") else None


def _of_compressed(name: str, raw: bytes, room: Room) -> Iterator[Part]:
    opened = opener_of(raw)
    if opened is not None:
        plain = PurePosixPath(name)
        inner = f"{plain.stem}.tar" if plain.suffix == ".tgz" else plain.stem
        yield inner or "what is packed", room.read(opened(io.BytesIO(raw)))
    if raw.startswith(b"\x1f\x8b") and raw[3] & 0b1000 and not raw[3] & 0b100:  # RFC 1952: the name it had
        yield raw[10 : raw.index(b"\0", 10)].decode("utf-8", errors="replace"), b""


def _of_zip(_: str, raw: bytes, room: Room) -> Iterator[Part]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        yield "its comment", archive.comment
        for part in archive.infolist():
            name = part.filename
            if not part.flag_bits & 0x800 and not name.isascii():  # written by a system that does not say its letters
                name = name.encode("cp437", errors="replace").decode("gb18030", errors="replace")
            try:
                with archive.open(part) as packed:
                    held: bytes | None = room.read(packed)
            except BROKEN:
                held = None
            yield name, held


def _of_tar(_: str, raw: bytes, room: Room) -> Iterator[Part]:
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        for part in archive:
            said = "\n".join([part.linkname, part.uname, part.gname, *map(str, part.pax_headers.values())])
            yield "its owner", said.encode()
            packed = archive.extractfile(part) if part.isfile() else None
            yield part.name, b"" if packed is None else room.read(packed)
