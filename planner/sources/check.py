"""``planner check``: every fault of a study at once, from the study file to the last row of its tables."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from planner.composite import check_weights
from planner.demand import RESIDENTS, CountedPoints, Grounds
from planner.errors import Fault, PlannerError, PlannerWarning
from planner.network import Network
from planner.progress import standing_stations
from planner.reach import islands_of, link_points, travel_times
from planner.rollout import check_rollout
from planner.schema import CANDIDATES, STATIONS, Areas, Candidates, Stations, Towns
from planner.siting import check_method, more_than_candidates
from planner.sources.datums import DATUM_KEY, Homes, PlacedFile, datum_faults
from planner.sources.files import default_as_of, read_area, read_areas, read_candidates, read_stations
from planner.sources.files.document import parse_document
from planner.sources.files.fetchable import unfetched
from planner.sources.files.opening import NOT_THERE, check_file
from planner.sources.files.rows import read_rows
from planner.sources.files.study import leads_out, load_study, named_files, settle_study, study_file
from planner.sources.hosts import warn_of_candidates
from planner.sources.osm import read_network
from planner.sources.packs import read_policy
from planner.sources.population.groups import ask_of, read_group, read_workplaces
from planner.sources.population.residents import read_residents
from planner.sources.population.tables import COUNT_WORDS, CountAsk, read_counts
from planner.sources.rasters import is_raster
from planner.sources.record import read_sources
from planner.sources.surroundings import check_surroundings
from planner.standards import warn_of_words
from planner.study import Composite, Group, Siting, StationSource, Study

Progress = Callable[[str, float], None]
T = TypeVar("T")
LONGEST_EMPTY = 100_000  # bytes; a table without rows has some kilobytes of headers and remarks


class _Findings:
    """The faults so far; `of` runs one step and keeps what it raises."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.missing: list[Fault] = []

    def of(self, step: Callable[[], T]) -> T | None:
        """What `step` gives, or None where it raised one of our errors."""
        try:
            return step()
        except PlannerError as error:
            self.add(error.faults or [Fault(str(error))])
            return None

    def add(self, faults: Sequence[Fault]) -> None:
        """Keep what is new; a file that is to be fetched is said once, by `missing`."""
        told = {fault.file for fault in self.missing}
        self.faults += [
            fault for fault in faults if fault not in self.faults and not (fault.file in told and fault.problem == NOT_THERE)
        ]

    def add_missing(self, faults: Sequence[Fault]) -> None:
        """Files that `planner fetch` gets."""
        self.missing = list(faults)
        self.faults += faults


def check_study(path: str | Path, overrides: Sequence[str] = (), *, progress: Progress | None = None) -> list[Fault]:
    """Every fault of a study: its file, area, stations, candidates, streets, residents and groups.

    Parameters
    ----------
    path, overrides
        As `read_study` takes them.
    progress
        Called with what is being checked and the share done.

    Returns
    -------
    list[Fault]
        Empty where a run can do its work. What is lawful but surprising comes as a PlannerWarning.

    Notes
    -----
    A step whose own input is at fault is left out; everything else is checked. No PlannerError leaves this function.
    """
    say = progress or (lambda _text, _share: None)
    found = _Findings()
    say("study file", 0.0)
    file = found.of(lambda: study_file(path))
    loaded = None if file is None else found.of(lambda: load_study(file, overrides))
    if file is None or loaded is None:
        return found.faults
    said, faults = loaded
    found.add(faults)
    if said is not None:
        _check_sources(said, str(file), overrides, found, say)
    else:
        inside = [path for _, path in named_files(parse_document(file)) if not leads_out(path, file.parent)]
        _check_files(inside, file.parent, found)
    return found.faults


def _check_sources(said: Study, file: str, overrides: Sequence[str], found: _Findings, say: Progress) -> None:
    """Everything the study names."""
    found.add_missing(unfetched(said))
    found.of(lambda: read_sources(said.folder))
    _warn_of_empty_tables(said)
    found.of(lambda: read_policy(said))
    if said.candidates:
        found.of(lambda: check_method(said.scenario.siting))
    say("area", 0.05)
    settled = found.of(lambda: settle_study(said, file, overrides))
    study, faults = settled or (said, [])
    found.add(faults)
    towns = found.of(lambda: read_area(study)) if settled else None
    if towns is None:
        _check_files(_files_of(study), study.folder, found)
        return
    areas = found.of(lambda: read_areas(study, towns))
    say("stations and candidates", 0.1)
    stations = found.of(lambda: read_stations(study, towns=towns))
    candidates = found.of(lambda: read_candidates(study, towns=towns, stations=stations))
    if stations is not None:
        found.of(lambda: _warn_of_an_empty_map(study, stations))
        found.of(lambda: warn_of_words(read_policy(study), stations))
    if candidates is not None:
        found.add(_unknown_sites(study.scenario.siting, candidates, file))
        found.add(_too_many_sites(study.scenario.siting, candidates, file))
    say("surroundings", 0.15)
    found.add(check_surroundings(study, towns))
    if study.composite is not None:
        found.of(lambda: check_weights(cast("Composite", study.composite), [group.name for group in study.scenario.groups]))
    found.add(check_rollout(study.rollout.areas, [str(town) for town in towns.index]))
    say("residents and groups", 0.2)
    residents = _check_people(study, towns, areas, found)
    say("streets", 0.6)
    network = found.of(lambda: read_network(study, towns=towns))
    if network is not None:
        say("links to the streets", 0.9)
        _check_links(study, network, stations, candidates, found)
        say("datums", 0.95)
        found.faults = _with_companions(study, [*found.faults, *_datums_of_files(study, network, towns, residents)])
        if residents is not None:
            _warn_of_residents(study, network, towns, residents)
        if residents is not None and candidates is not None:
            found.of(lambda: _look_at_candidates(study, network, towns, residents, candidates))
    say("", 1.0)


def _look_at_candidates(study: Study, network: Network, towns: Towns, residents: CountedPoints, candidates: Candidates) -> None:
    """Measure the walks from where people live to the candidates, and say which of these serve nobody."""
    options = travel_times(network, candidates, _homes_in_towns(study, towns, residents), study.scenario.walk)
    warn_of_candidates(network, candidates, options, study.scenario)


def _homes_in_towns(study: Study, towns: Towns, residents: CountedPoints) -> gpd.GeoDataFrame:
    """The points where somebody lives, each with its town."""
    lives = residents.counts[RESIDENTS] > 0
    points = gpd.points_from_xy(*residents.xy[lives].T)
    return gpd.GeoDataFrame({"town": towns.index[residents.town[lives]]}, geometry=points, crs=study.crs).rename_axis(
        "demand_id"
    )


def _warn_of_empty_tables(study: Study) -> None:
    """Say which tables of the office's own have their headers and nothing else yet."""
    named = [(study.stations.file, STATIONS, "station"), *((block.file, CANDIDATES, "premises") for block in study.candidates)]
    for file, schema, what in named:
        path = study.path_of(file) if file else None
        if file is None or path is None or not path.is_file() or path.stat().st_size > LONGEST_EMPTY:
            continue
        with contextlib.suppress(PlannerError):  # what is wrong with it is its reader's to say
            if not len(read_rows(path, file, schema.column_for).frame):
                said = f"{file} has no rows yet: fill it in, one row for each {what}; its headers say what they mean"
                warnings.warn(said, PlannerWarning, stacklevel=2)


def _warn_of_an_empty_map(study: Study, stations: Stations) -> None:
    """Say so where no station stands on the study's date."""
    as_of = study.as_of or default_as_of(stations)
    if standing_stations(stations, as_of).empty:
        said = f"no station stands on {as_of}: each is planned, applied, closed, or opened later"
        warnings.warn(said, PlannerWarning, stacklevel=2)


def _files_of(study: Study) -> list[str]:
    named = [
        study.network.file,
        study.scenario.walk.terrain,
        study.population.file,
        study.population.totals,
        study.stations.file,
    ]
    named += [block.file for block in study.candidates]
    named += [*(group.file for group in study.scenario.groups), *(area.file for area in study.scenario.areas)]
    named += [service.file for service in (study.life_circle.services if study.life_circle else ())]
    named += [study.communities.file if study.communities else None, *(block.file for block in study.recorded)]
    return [name for name in named if name is not None]


def _check_files(names: Iterable[str], folder: Path, found: _Findings) -> None:
    """Whether the files are there at all, where more cannot be said because something before them is at fault."""
    for name in names:
        _exists(folder, name, found)


def _exists(folder: Path, name: str, found: _Findings) -> None:
    found.of(lambda: check_file(folder / name, name))


def _unknown_sites(siting: Siting, candidates: Candidates, file: str) -> list[Fault]:
    """Candidates that the study requires or forbids and nobody has."""
    asked = [(f"siting.{key}", site) for key in ("required", "forbidden") for site in getattr(siting, key)]
    mend = "use a site_id of the candidates"
    return [
        Fault("there is no such candidate", mend, file, column=key, value=site)
        for key, site in asked
        if site not in candidates.index
    ]


def _too_many_sites(siting: Siting, candidates: Candidates, file: str) -> list[Fault]:
    """More sites than candidates that may be chosen; without any candidate a run proposes nothing, and says so itself."""
    if not len(candidates):
        return []
    free = int((~candidates.index.astype(str).isin(siting.forbidden)).sum())
    faults = more_than_candidates(siting.sites, free, at_most=siting.budget is not None)
    return [replace(fault, file=file) for fault in faults]


def _check_people(study: Study, towns: Towns, areas: Areas | None, found: _Findings) -> CountedPoints | None:
    """Residents, then each group; where residents are at fault, whether the groups' files are there."""
    grounds = Grounds.of(towns, [] if areas is None else list(areas.geometry))
    settled = found.of(lambda: read_residents(study, towns, grounds))
    residents = None if settled is None else settled[0].ordered()
    for group in study.scenario.groups:
        if residents is not None and group.name not in residents.counts:
            _check_group(study, group, residents, grounds, found)
        elif group.file is not None:
            _exists(study.folder, group.file, found)
    return residents


def _check_group(study: Study, group: Group, residents: CountedPoints, grounds: Grounds, found: _Findings) -> None:
    if group.are_people:
        found.of(lambda: read_group(study, group, residents, grounds))
    else:
        found.of(lambda: read_workplaces(study, group, grounds))


def _datums_of_files(study: Study, network: Network, towns: Towns, residents: CountedPoints | None) -> list[Fault]:
    """Every file with places, but rasters, that looks as if it were in another datum."""
    files = []
    for file, declared, read in _placed_files(study, towns):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PlannerWarning)  # said when it was read first
                places = read()
        except PlannerError:
            continue  # said when it was read first
        files += [] if places is None or places.empty else [PlacedFile(file, declared, places)]
    area = PlacedFile(study.area, study.area_coordinates, gpd.GeoDataFrame(towns))
    return datum_faults(network, towns, area, files, _homes(study, residents))


def _homes(study: Study, residents: CountedPoints | None) -> Homes | None:
    """Where residents live, if a raster says so: it has its own reference, and no datum of China."""
    if residents is None or study.population.file is None or not is_raster(study.population.file):
        return None
    return Homes(residents.xy, residents.counts[RESIDENTS])


def _with_companions(study: Study, faults: Sequence[Fault]) -> list[Fault]:
    """Faults of datum, each naming the files that say the same one: one hand may have made all."""
    named = {fault.file for fault in faults}
    blocks: list[StationSource | Group] = [study.stations, *study.candidates, *study.scenario.groups]
    told = []
    for fault in faults:
        alike = [
            b.file for b in blocks if b.file and b.coordinates == fault.value and b.file not in named and not is_raster(b.file)
        ]
        also = f", and look at {', '.join(dict.fromkeys(alike))} if they come from the same map" if alike else ""
        told.append(replace(fault, mend=fault.mend + also) if fault.column == DATUM_KEY else fault)
    return told


Placed = tuple[str, str, Callable[[], gpd.GeoDataFrame | None]]  # a file, its datum as declared, and how to read its places


def _placed_files(study: Study, towns: Towns) -> Iterator[Placed]:
    """Every file of the study that has places, but rasters and the area."""
    if study.stations.file is not None:
        yield study.stations.file, study.stations.coordinates, partial(read_stations, study, towns=towns)
    source = study.population
    if source.file is not None and not is_raster(source.file):
        words = {RESIDENTS: (source.column,) if source.column else COUNT_WORDS}
        ask = CountAsk(study.path_of(source.file), source.file, words, source.coordinates, layer=source.layer)
        yield source.file, source.coordinates, partial(_places_of, ask, towns)
    for host in study.candidates:
        if host.file is not None:
            alone = replace(study, candidates=(host,))
            yield host.file, host.coordinates, partial(read_candidates, alone, towns=towns)
    for group in study.scenario.groups:
        if group.file is not None and not is_raster(group.file):
            yield group.file, group.coordinates, partial(_places_of, ask_of(study, group), towns)
    for block in study.scenario.areas:
        alone = replace(study, scenario=replace(study.scenario, areas=(block,)))
        yield block.file, block.coordinates, partial(read_areas, alone, towns)


def _places_of(ask: CountAsk, towns: Towns) -> gpd.GeoDataFrame | None:
    """Where the rows of a table of counts are; None where they only name towns."""
    table = read_counts(ask, CRS.from_user_input(towns.crs))
    if table.by_town:
        return None
    places = gpd.GeoDataFrame(geometry=table.zones if table.xy is None else shapely.points(table.xy), crs=towns.crs)
    return places.assign(town=table.towns) if table.towns else places


def _check_links(
    study: Study,
    network: Network,
    stations: Stations | None,
    candidates: Candidates | None,
    found: _Findings,
) -> None:
    """Stations and candidates without a street."""
    if stations is not None:
        in_use = Stations(gpd.GeoDataFrame(stations[stations["status"] != "closed"]))
        found.add(_unlinked(study, network, in_use, study.stations.file or "stations.osm"))
    if candidates is not None:
        found.add(_unlinked(study, network, candidates, "candidates"))


def _unlinked(study: Study, network: Network, points: Stations | Candidates, source: str) -> list[Fault]:
    walk = study.scenario.walk
    links = link_points(network, shapely.get_coordinates(np.asarray(points.geometry)), walk.max_link_m, walk=walk)
    problem, mend = f"there is no street within {walk.max_link_m:g} m", "check its coordinates, the streets, or walk.max_link_m"
    return [Fault(problem, mend, source, str(points.index[int(i)])) for i in np.flatnonzero(links.segment < 0)]


def _warn_of_residents(study: Study, network: Network, towns: Towns, residents: CountedPoints) -> None:
    """Say how many people live too far from any street, and how many on streets that are not joined to the rest."""
    walk = study.scenario.walk
    people = residents.counts[RESIDENTS]
    off = link_points(network, residents.xy, walk.max_link_m, walk=walk).segment < 0
    homes = _homes_in_towns(study, towns, residents)
    if apart := islands_of(network, homes, walk.among(homes["town"])).said(people[people > 0]):
        warnings.warn(apart, PlannerWarning, stacklevel=2)
    if people[off].sum() >= 0.5:
        said = f"{people[off].sum():,.0f} residents of {people.sum():,.0f} ({people[off].sum() / people.sum():.1%})"
        far = f"live farther than walk.max_link_m = {walk.max_link_m:g} m from any street; they are counted as not covered"
        warnings.warn(f"{said} {far}", PlannerWarning, stacklevel=2)
