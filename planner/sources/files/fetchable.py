"""Which files of a study `planner fetch` can get, and which of them are not there yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner.errors import Fault, SourceError, say_faults
from planner.study import Study

NOT_FETCHED = "the file is not there yet"  # a fault that `planner fetch` mends; no other says so


@dataclass(frozen=True)
class Wanted:
    """A file that could be fetched: which part of the study, its path as written, whether the study says how to get it, and
    what would say so."""

    part: str
    file: str
    asked: bool
    mend: str


def wanted_files(study: Study) -> tuple[Wanted, ...]:
    """The area, the streets and the residents of a study, as far as it names files for them.

    >>> from planner.study import NetworkSource, PopulationSource, StationSource
    >>> network = NetworkSource(file="n.osm.pbf", extract="shanghai")
    >>> study = Study("a", "towns.geojson", network, StationSource(file="s.csv"), PopulationSource(total=100))
    >>> [(wanted.part, wanted.asked) for wanted in wanted_files(study)]
    [('towns', False), ('streets', True)]
    """
    network, population = study.network, study.population
    streets = bool(network.extract or network.place) or network.source == "overpass"
    named = (
        ("towns", study.area, bool(network.place), 'add [network] place = "嘉定区, 上海市"'),
        ("streets", network.file, streets, 'add [network] extract = "shanghai"'),
        ("residents", population.file, population.source is not None, 'add [population] source = "ghs-pop"'),
    )
    return tuple(Wanted(part, file, asked, mend) for part, file, asked, mend in named if file is not None)


def unfetched(study: Study) -> list[Fault]:
    """A fault for each file that is not there and that `planner fetch` would get."""
    missing = [wanted for wanted in wanted_files(study) if wanted.asked and not study.path_of(wanted.file).exists()]
    mend = f"run `planner fetch {_shown(study.folder)}`, or put it there"
    return [Fault(NOT_FETCHED, mend, wanted.file) for wanted in missing]


def check_fetched(study: Study) -> None:
    """Raise a SourceError that says every file which is yet to be fetched, if there is any."""
    missing = unfetched(study)
    if missing:
        raise SourceError(say_faults(missing), missing, missing[0].file)


def _shown(folder: Path) -> str:
    """The folder as one would type it here."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
