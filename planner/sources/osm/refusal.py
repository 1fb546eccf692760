"""What file can be an extract, and how one is refused: which file, what is wrong, what would mend it."""

from __future__ import annotations

from pathlib import Path

from planner.errors import Fault, SourceError, say_faults

EXTRACTS = {
    ".osm.pbf": "pbf", ".pbf": "pbf", ".osm.gz": "osm.gz", ".osm.bz2": "osm.bz2", ".osm.xml": "osm", ".osm": "osm",
}  # fmt: skip  # what osmium calls each
GRAPHML = ".graphml"


def format_of(path: Path) -> str:
    """The format that the file's name promises, as osmium calls it, or ``graphml``; empty for any other.

    >>> format_of(Path("Jiading.OSM.PBF")), format_of(Path("town.graphml")), format_of(Path("town.shp"))
    ('pbf', 'graphml', '')
    """
    name = path.name.lower()
    if name.endswith(GRAPHML):
        return "graphml"
    return next((form for suffix, form in EXTRACTS.items() if name.endswith(suffix)), "")


def check_file(path: Path) -> None:
    """See that `path` is a file with something in it, in a format that is read here.

    Raises
    ------
    SourceError
        If it is not.
    """
    if not path.exists():
        raise refusal(path, "there is no such file", "check the path (network.file of a study)")
    if not path.is_file():
        raise refusal(path, "it is a folder, a pipe or a device, not a file", "name the extract itself")
    if not format_of(path):
        formats = ", ".join((*EXTRACTS, GRAPHML))
        raise refusal(path, f"{path.suffix or 'no suffix'} is no format of an extract", f"use one of {formats}")
    if path.stat().st_size == 0:
        raise refusal(path, "the file is empty", "download it again")


def refusal(path: Path, problem: str, mend: str) -> SourceError:
    """The error to raise about the file at `path`."""
    fault = Fault(problem, mend, path.name)
    return SourceError(say_faults([fault]), [fault], str(path))
