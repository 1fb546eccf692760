"""What surrounds the stations: communities, places of the living circle's services, homes; and figures that were recorded."""

from __future__ import annotations

import dataclasses
import difflib
import warnings
from typing import Any, cast

import geopandas as gpd
import pandas as pd
import shapely

from planner.circle import DISTRICT, Service
from planner.errors import Fault, PlannerError, PlannerWarning, SourceError, StudyError, TableError, say_faults
from planner.indicators import BUILDING, LAND
from planner.policy import LifeService, Policy
from planner.progress import check_handed
from planner.schema import RECORDED, SERVICE_POINTS, RecordedFigures, Towns, fold, is_blank
from planner.sources.files import read_area
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.files.shapes import place_rows
from planner.sources.files.tables import name_columns, settle
from planner.sources.files.towns import match_town, nearest_town
from planner.sources.osm import margin_m, read_buildings
from planner.sources.osm.premises import read_kinds_of_premises
from planner.sources.osm.shapes import read_shapes
from planner.sources.packs import read_pack, read_policy
from planner.study import Recorded, ServicePlaces, Study

CIRCLE_PACK = "shandong-2025"  # whose services a study has where its own pack names none
HOMES = ("landuse", "residential")


def read_communities(study: Study) -> Towns:
    """The polygons of the study's communities, by name, in its CRS; the rules are those of the towns (`read_area`).

    Raises
    ------
    StudyError
        If the study names none.
    TableError, SourceError
        As `read_area`.
    """
    told = study.communities
    if told is None:
        raise StudyError(f"{study.name}: no [communities] are named; add file = with their polygons to study.toml")
    return read_area(dataclasses.replace(study, area=told.file, area_field=told.field, area_coordinates=told.coordinates))


def circle_policy(study: Study) -> Policy:
    """The pack whose living circle the study has: its own where that names services, else the one that is shipped."""
    own = read_policy(study)
    return own if own.life_services else read_pack(CIRCLE_PACK)


def read_services(study: Study, towns: Towns) -> tuple[Service, ...]:
    """The services of the study's living circle with their places, in the area and one walk around it.

    Those of the policy pack out of OSM tags, unless ``[[life_circle.services]]`` says otherwise; then those the study adds.

    Raises
    ------
    StudyError
        If a service out of OSM has no network file to be read from.
    TableError, SourceError
        What is wrong with a file of places.

    Warns
    -----
    PlannerWarning
        If a service has no place at all: whether there is none, or it is only not mapped, the data does not say.
    """
    told = {service.name: service for service in (study.life_circle.services if study.life_circle else ())}
    asked = [*_of_pack(circle_policy(study).life_services, told), *_added(told, circle_policy(study))]
    area = towns.geometry.union_all().buffer(margin_m(study.scenario.walk))
    tags = {service.name: service.osm for service in asked if not service.file}
    found = _premises(study, tags, area) if tags else {}
    services = [
        Service(
            service.name,
            service.en or service.name,
            service.zh or service.en or service.name,
            service.service_class,
            _points(study, service, area) if service.file else found[service.name],
        )
        for service in asked
    ]
    empty = [service.en for service in services if not len(service.places)]
    if empty:
        said = f"life circle: no place is known for {', '.join(empty)}: none is there or none mapped; left out of the shares"
        warnings.warn(said, PlannerWarning, stacklevel=2)
    return tuple(services)


def read_homes(study: Study, towns: Towns) -> gpd.GeoDataFrame | None:
    """Where people live: ``amount`` in m² of floor area of residential buildings, else of residential land; None if neither.

    ``kind`` says which it is, ``building`` or ``land``.

    Raises
    ------
    SourceError
        If the network file cannot be read.
    """
    file = study.network.file
    if file is None or file.endswith(".graphml"):
        return None
    path, area = study.path_of(file), towns.geometry.union_all()
    buildings = read_buildings(path, crs=study.crs, area=area)
    homes = buildings[buildings["residential"].to_numpy(dtype=bool)]
    if len(homes):
        return gpd.GeoDataFrame({"amount": homes["floor_area_m2"], "kind": BUILDING}, geometry=homes.geometry, crs=study.crs)
    land = read_shapes(path, [HOMES[0]], crs=study.crs, area=area)
    land = land.keep(land.values(HOMES[0]) == HOMES[1])
    if not len(land):
        return None
    return gpd.GeoDataFrame({"amount": shapely.area(land.shape), "kind": LAND}, geometry=land.shape, crs=study.crs)


def read_recorded(study: Study, towns: Towns) -> RecordedFigures:
    """All recorded figures of a study, ``place`` being ``district`` where none is said.

    Raises
    ------
    StudyError, TableError, SourceError
        With every fault at once: figures that the pack does not know (naming the nearest), towns that are none, values that
        are no numbers, two values of one figure for one day and place.
    """
    frames, faults = [], list[Fault]()
    for i, block in enumerate(study.recorded, 1):
        source = block.file or f"recorded.{i}"
        try:
            frame = _records(study, block, source)
        except (TableError, SourceError) as error:
            faults += error.faults or [Fault(str(error))]
            continue
        frame, wrong = _with_places(frame, towns, source)
        frame, unknown = _with_figures(frame, read_policy(study), source)
        faults += wrong + unknown
        frames.append(frame)
    if faults:
        raise TableError(say_faults(faults), faults, "recorded figures")
    columns = ["figure", "date", "place", "value"]
    columns += ["recorded_on"] if any("recorded_on" in frame for frame in frames) else []
    whole = pd.concat([frame.reindex(columns=[*columns, ROW]) for frame in frames]) if frames else pd.DataFrame(columns=columns)
    return cast("RecordedFigures", RECORDED.conform(whole.reset_index(drop=True), source="recorded"))


def check_surroundings(study: Study, towns: Towns) -> list[Fault]:
    """What is wrong with communities, services and recorded figures, for `planner check`."""
    faults = list[Fault]()
    steps: list[Any] = [
        lambda: read_recorded(study, towns),
        lambda: check_handed(read_policy(study), study.targets, [str(town) for town in towns.index]),
    ]
    if study.communities is not None:
        steps.append(lambda: read_communities(study))
    if study.life_circle is not None:
        steps.append(lambda: read_services(study, towns))
    for step in steps:
        try:
            step()
        except PlannerError as error:
            faults += error.faults or [Fault(str(error))]
    return faults


def _of_pack(services: tuple[LifeService, ...], told: dict[str, ServicePlaces]) -> list[ServicePlaces]:
    """The pack's services, with places from where the study says they come."""
    asked = []
    for service in services:
        own = told.get(service.name)
        names = {"service_class": service.service_class, "zh": service.zh, "en": service.en}
        asked.append(
            ServicePlaces(service.name, osm=service.osm, **names) if own is None else dataclasses.replace(own, **names)  # type: ignore[arg-type]
        )
    return asked


def _added(told: dict[str, ServicePlaces], policy: Policy) -> list[ServicePlaces]:
    known = {service.name for service in policy.life_services}
    return [service for name, service in told.items() if name not in known]


def _premises(study: Study, tags: dict[str, tuple[str, ...]], area: Any) -> dict[str, gpd.GeoDataFrame]:
    file = study.network.file
    if file is None or file.endswith(".graphml"):
        mend = "give an extract as network.file, or a file for each of [[life_circle.services]]"
        fault = Fault("the network file has no services to read", mend, column="life_circle", value=", ".join(tags))
        raise StudyError(str(fault), [fault])
    return read_kinds_of_premises(study.path_of(file), tags, crs=study.crs, area=area)


def _points(study: Study, service: ServicePlaces, area: Any) -> gpd.GeoDataFrame:
    """The places of a service out of a file; rows without an id are numbered."""
    source, crs = str(service.file), str(study.crs)
    rows = read_rows(study.path_of(source), source, SERVICE_POINTS.column_for)
    frame, faults = name_columns(rows.frame, SERVICE_POINTS, source)
    if "id" not in frame.columns:
        frame = frame.assign(id=[str(i + 1) for i in range(len(frame))])
    placed, misplaced = place_rows(frame, source, service.coordinates, crs)
    table = settle(placed, SERVICE_POINTS, source, [*rows.faults, *faults, *misplaced])
    return table[shapely.intersects(area, table.geometry.to_numpy())]


def _records(study: Study, block: Recorded, source: str) -> Any:
    if block.file is None:
        row = {"figure": block.figure, "date": block.date, "place": block.place, "value": block.value, ROW: source}
        return pd.DataFrame([row])
    rows = read_rows(study.path_of(block.file), source, RECORDED.column_for)
    frame, faults = name_columns(rows.frame, RECORDED, source)
    faults = [*rows.faults, *faults]
    lacking = [name for name in ("figure", "date", "value") if name not in frame.columns]
    faults += [Fault(f"column {name!r} is missing", f"add it: {RECORDED[name].zh}", source) for name in lacking]
    if faults:
        raise TableError(say_faults(faults), faults, "recorded figures")
    return frame if "place" in frame.columns else frame.assign(place="")


def _with_places(frame: Any, towns: Towns, source: str) -> tuple[Any, list[Fault]]:
    """The places as the area calls its towns; ``district`` where none is said."""
    faults, places = [], []
    for said, row in zip(frame["place"], frame[ROW], strict=True):
        place = DISTRICT if is_blank(said) or str(said).strip() == DISTRICT else match_town(str(said), towns.index)
        if place is None:
            mend = nearest_town(str(said), towns.index)
            faults.append(Fault("there is no such town", mend, source, row, "place", str(said)))
        places.append(place or DISTRICT)
    return frame.assign(place=places), faults


def _with_figures(frame: Any, policy: Policy, source: str) -> tuple[Any, list[Fault]]:
    """The figures by their keys, and those that neither the pack nor the standard ones know, by key or by name.

    A word of the pack means the pack's figure, also where a standard one is called so.
    """
    shown = {word: figure.name for figure in reversed(policy.all_figures) for word in figure.words}
    called = {fold(word): name for word, name in shown.items()}
    words = [str(said).strip() for said in frame["figure"]]
    faults = []
    for said, row in zip(words, frame[ROW], strict=True):
        if fold(said) not in called:
            near = difflib.get_close_matches(said, shown, n=1)
            names = ", ".join(figure.name for figure in policy.all_figures)
            mend = f"did you mean {near[0]}?" if near else f"the figures are {names}; a pack of your own may add more"
            faults.append(Fault("there is no such figure", mend, source, row, "figure", said))
    return frame.assign(figure=[called.get(fold(said), said) for said in words]), faults
