"""What every reader of a file does first: is it there, is it whole, is it of a sane size."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from planner.errors import Fault, PlannerError, SourceError

NOT_THERE = "there is no such file"
CUT_OFF = "the file is cut off, or is not what its ending says"
LAYER = "layer"  # the key that names a layer or sheet
MOST_ROWS = 10_000_000  # of a packed table; a country has fewer places that people walk to
MOST_BYTES = 2_000_000_000  # of a table as it lies on the disk
MOST_TEXT = 300_000_000  # of a table as text: some million rows
MOST_UNPACKED = 500_000_000  # of a packed table once unpacked; a workbook of 100 000 rows has some 50 MB


def refused(source: str, problem: str, mend: str = "", column: str | None = None) -> SourceError:
    """The error for a file that cannot be read at all; `column` is the key of the study file that would mend it."""
    fault = Fault(problem, mend, source, column=column)
    return SourceError(str(fault), [fault], source)


def check_file(path: Path, source: str, most_bytes: int = MOST_BYTES) -> None:
    """Raise a SourceError if `path` is missing, a folder, a pipe or device, unreadable, empty or has more than `most_bytes`."""
    try:
        if path.is_dir():
            raise refused(source, "this is a folder", "name a file")
        if path.exists() and not path.is_file():  # to open a pipe is to wait for whoever writes into it
            raise refused(source, "this is a pipe or a device", "name a file")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise refused(source, NOT_THERE, "check its name, or put it there") from error
    except (OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise refused(source, f"the file cannot be read: {error}") from error
    if size == 0:
        raise refused(source, "the file is empty", "copy it again")
    if size > most_bytes:
        raise refused(source, f"the file has {size:,} bytes; at most {most_bytes:,} are read", "cut it to the area")


def check_page(path: Path, source: str) -> None:
    """Raise a SourceError if what is called a table is a web page, as many systems export for Excel under any ending."""
    with path.open("rb") as file:
        start = file.read(1000).replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<meta", b"<table", b"<style")) or (
        start.startswith(b"<?xml") and (b"<html" in start or b"office:spreadsheet" in start)
    ):
        raise refused(
            source,
            "this is a web page or XML for Excel, not the table its ending says",
            "open it in Excel and save it as .xlsx",
        )


@contextmanager
def reading(source: str, problem: str, mend: str) -> Iterator[None]:
    """Run a reader that others wrote: whatever it raises over a broken file becomes a SourceError that says `problem`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # their remarks on styles, rings and encodings; what matters is checked after
            yield
    except PlannerError:
        raise
    except Exception as error:
        raise refused(source, problem, mend) from error


def check_archive(path: Path, source: str) -> None:
    """Raise a SourceError if a packed file is broken, or is far bigger unpacked than any table (a zip bomb)."""
    with reading(source, CUT_OFF, "copy it again"), zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > MOST_UNPACKED:
        said = f"the file would unpack to {unpacked:,} bytes; at most {MOST_UNPACKED:,} are read"
        raise refused(source, said, "save only the table, as CSV")
