"""What a run writes: the tables as published, pages, documents and the manifest."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import importlib.metadata
import json
import platform
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from planner import store
from planner.circle import Service
from planner.composite import composite_scores, weight_moves
from planner.errors import Fault, PlannerWarning, SourceError
from planner.indicators import group_indicators, together
from planner.priority import WHOLE, name_areas, score_areas
from planner.privacy import publish_tables
from planner.run.provenance import sources_of
from planner.schema import (
    Areas,
    AreaScores,
    CompositeScores,
    Coverage,
    GroupScores,
    Scores,
    Sites,
    Towns,
    TownScores,
)
from planner.siting import needed
from planner.sources.files.study import is_path
from planner.sources.osm import read_backdrop
from planner.sources.packs import read_policy
from planner.sources.record import source_of
from planner.sources.surroundings import read_services
from planner.study import Composite, Study
from planner.style import LANGUAGES, moved, paces_said, shown_date

if TYPE_CHECKING:  # what draws is slow to import, and only a run that is written needs it
    from planner.publish.atlas import Atlas
    from planner.publish.pictures import Format, Imprint, Picture
    from planner.run.results import Measures, Proposal, Run, Survey
    from planner.run.why import Explained

_VERSIONS = ("geopandas", "shapely", "numpy", "scipy", "pandas", "numba", "highspy", "osmium", "folium", "pyproj", "rasterio")


def publish_scores(
    survey: Survey, scores: tuple[Scores, TownScores, GroupScores], proposal: Proposal | None = None, **others: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """The tables of a survey as they may leave the machine, suppressed together: whoever prints one of them takes it from here.

    `others` pass as they are; they hold no counts of key groups.
    """
    stations, towns, groups = scores
    placed = survey.stations[["geometry"]].join(stations)
    tables: dict[str, pd.DataFrame] = {
        "stations": gpd.GeoDataFrame(placed, geometry="geometry", crs=survey.stations.crs),
        "towns": gpd.GeoDataFrame(towns.join(survey.towns.geometry), geometry="geometry", crs=survey.towns.crs),
        "groups": groups,
        "demand": survey.coverage,
    }
    if proposal is not None and proposal.plan is not None:
        tables["sites"] = proposal.plan.sites
    if proposal is not None and proposal.frontier is not None:
        tables["frontier"], tables["needed"] = proposal.frontier, needed(proposal.frontier)
    if survey.areas is not None:
        tables |= _with_areas(survey, survey.areas, tables)
    open_groups = {group.name for group in survey.study.scenario.groups if not group.is_private}
    minimum = survey.study.privacy.minimum_count
    options = None if proposal is None else proposal.options
    published = publish_tables(tables | others, minimum, reach=survey.reach, options=options, open_groups=open_groups)
    return published if proposal is None or proposal.explained is None else published | _reasons(proposal.explained, published)


def _reasons(explained: Explained, published: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The reasons of the proposal, with the gains by group as the table of sites shows them.

    Need is left out where a demand point's is: residents are exact, so that each rounded need bounds a hidden count anew, and
    many of them together tell it.
    """
    tables = dict(explained.tables)
    if published["demand"]["need"].isna().any():
        for name, table in tables.items():
            needs = [column for column in ("loss_need", "gain_need") if column in table]
            tables[name] = table.assign(**dict.fromkeys(needs, np.nan))
    if "reasons" in tables and "sites" in published:
        sites = published["sites"]
        gains = [name for name in sites if str(name).startswith("gain_") and name not in ("gain_pop", "gain_need")]
        tables["reasons"] = tables["reasons"].join(pd.DataFrame(sites[gains]))
    return tables


def _with_areas(survey: Survey, areas: Areas, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The scores of areas of priority, and stations and sites with the areas they stand in."""
    sites = Sites(gpd.GeoDataFrame(tables["sites"])) if "sites" in tables else None
    placed = {name: gpd.GeoDataFrame(tables[name]) for name in ("stations", "sites") if name in tables}
    named: dict[str, pd.DataFrame] = {name: table.assign(areas=name_areas(table, areas)) for name, table in placed.items()}
    scores = score_areas(survey.coverage, areas, survey.towns, survey.stations, sites)
    ground = [
        areas.geometry[area] if place == WHOLE else areas.geometry[area].intersection(survey.towns.geometry[place])
        for area, place in scores.index
    ]
    return named | {"areas": gpd.GeoDataFrame(scores, geometry=ground, crs=areas.crs)}


def publish_run(run: Run) -> dict[str, pd.DataFrame]:
    """All tables of a run as they are written, by the names of their files."""
    others: dict[str, pd.DataFrame] = {"isochrones": run.isochrones}
    if run.conformity is not None:
        checked = run.conformity
        named = {"standards": checked.standards, "tiers": checked.tiers, "functions": checked.functions}
        others |= {name: table for name, table in named.items() if len(table)}
    others |= _measured(run.measures)
    tables = publish_scores(run.survey, (run.scores, run.town_scores, run.group_scores), run.proposal, **others)
    return _with_what_is_published(run, tables)


def _measured(measures: Measures | None) -> dict[str, pd.DataFrame]:
    """The tables beside the scores that the run has, by the names of their files."""
    if measures is None:
        return {}
    tables: dict[str, pd.DataFrame | None] = {
        "communities": measures.communities,
        "targets": measures.targets,
        "figures": measures.figures,
        "lift": measures.lift,
        "rollout": measures.rollout,
    }
    if (circle := measures.circle) is not None:
        tables |= {"life_circle": circle.scores, "life_services": circle.services}
        tables |= {"life_places": circle.places, "life_cells": circle.cells}
        tables["life_facilities"] = circle.facilities
    return {name: table for name, table in tables.items() if table is not None}


def _with_what_is_published(run: Run, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """With the tables that are made of published ones, so that they say nothing that is suppressed there."""
    study, walk = run.survey.study, run.survey.study.scenario.walk
    if run.measures is not None:
        own = group_indicators(GroupScores(tables["groups"]), walk, run.survey.as_of)
        indicators = together(run.measures.indicators, own)
        said = {name: [moved(str(text), name, walk) for text in indicators[name]] for name in LANGUAGES if name in indicators}
        tables["indicators"] = indicators.assign(**said)
        cells = run.measures.cells
        beside = [name for name in ("straight_m", "supply", "supply_e2sfca", "saved_min") if name in cells]
        tables["demand"] = tables["demand"].assign(**{name: cells[name] for name in beside})
    if study.composite is not None:
        tables["composite"], tables["composite_moves"] = ranked(run.survey, tables["stations"], study.composite)
    return tables


def ranked(survey: Survey, published_stations: pd.DataFrame, composite: Composite) -> tuple[CompositeScores, pd.DataFrame]:
    """The composite score of the district's own stations, out of the scores as published, and how it moves with its weights."""
    own = published_stations.loc[published_stations.index.isin(survey.own_stations)]
    return composite_scores(own, composite), weight_moves(own, composite)


def write_pages(run: Run, folder: Path) -> None:
    run.draw().write(folder)


def write_tables(run: Run, folder: Path) -> None:
    store.write_tables(folder, run.published)
    store.write_json(folder / "summary.json", run.published_summary)


def write_documents(run: Run, folder: Path) -> None:
    """The workbook; and the report as ``.docx`` and ``.html``: ``report`` in the first language, ``report.en`` in others."""
    from planner.publish.report import compose_report
    from planner.publish.web_file import write_web
    from planner.publish.word_file import write_word
    from planner.publish.words import empty_said
    from planner.publish.workbook import headline_of, write_workbook

    survey, study, tables = run.survey, run.survey.study, run.published
    languages, groups = study.publish.languages, study.scenario.groups
    sources = sources_of(study)
    minimum = study.privacy.minimum_count if any(group.is_private for group in groups) else 0
    headline = headline_of(study, run.published_summary, [source[languages[0]] for source in sources], languages)
    write_workbook(
        folder / "workbook.xlsx",
        tables,
        headline,
        languages=languages,
        groups=groups,
        walk=study.scenario.walk,
        empty=[empty_said(minimum, language) for language in languages],
    )
    for language in languages:
        paper = compose_report(
            study=study,
            summary=run.published_summary,
            tables=tables,
            pictures=run.pictures[language],
            as_of=survey.as_of,
            sources=[source[language] for source in sources],
            notes=run.notes,
            language=language,
            named={one.name: {"zh": one.zh, "en": one.en} for one in read_policy(study).functions},
        )
        ending = "" if language == languages[0] else f".{language}"
        write_word(folder / f"report{ending}.docx", paper)
        write_web(folder / f"report{ending}.html", paper)


def write_pictures(run: Run, folder: Path) -> None:
    """Each map and chart as PNG and SVG in ``pictures``, with title, pace, date and sources on it; other languages than the
    first in their names.
    """
    first = run.survey.study.publish.languages[0]
    forms: tuple[Format, ...] = ("png", "svg")
    (folder / "pictures").mkdir()
    for form in forms:
        for language, pictures in draw_pictures(run, form, imprints=imprints_of(run)).items():
            for picture in pictures:
                name = picture.name if language == first else f"{picture.name}.{language}"
                (folder / "pictures" / f"{name}.{form}").write_bytes(picture.content)


def imprints_of(run: Run) -> dict[str, Imprint]:
    """What a picture that stands alone says of itself: place, pace and cutoff, date, sources, publisher."""
    from planner.publish.pictures import Imprint

    study, dated = run.survey.study, {"zh": "数据截至", "en": "As of "}
    paces = paces_said(study.scenario.walk)
    return {
        language: Imprint(
            study.name,
            [
                " · ".join([*(pace[language] for pace in paces), dated[language] + shown_date(run.survey.as_of)[language]]),
                " · ".join(source[language] for source in sources_of(study)),
                *([study.publish.publisher] if study.publish.publisher else []),
            ],
        )
        for language in dated
    }


def draw_pictures(run: Run, form: Format, *, imprints: Mapping[str, Imprint] | None = None) -> dict[str, list[Picture]]:
    """Every picture of a run by language, small counts already suppressed."""
    from planner.publish.pictures import draw_all

    survey = run.survey
    return draw_all(
        network=survey.network,
        towns=survey.towns,
        stations=survey.stations,
        isochrones=run.isochrones,
        tables=run.published,
        languages=survey.study.publish.languages,
        walk=survey.study.scenario.walk,
        form=form,
        imprints=imprints,
    )


def draw_pages(run: Run) -> Atlas:
    from planner.publish.atlas import draw_atlas

    survey, proposal, tables = run.survey, run.proposal, run.published
    study = survey.study
    return draw_atlas(
        study=study,
        network=survey.network,
        towns=survey.towns,
        stations=survey.stations,
        coverage=Coverage(gpd.GeoDataFrame(tables["demand"])),
        scores=Scores(pd.DataFrame(tables["stations"])),
        town_scores=TownScores(tables["towns"]),
        group_scores=GroupScores(tables["groups"]),
        isochrones=run.isochrones,
        sites=Sites(gpd.GeoDataFrame(tables["sites"])) if "sites" in tables else None,
        frontier=None if proposal is None else proposal.frontier,
        candidates=None if proposal is None else proposal.candidates,
        backdrop=_read_backdrop_of(study, survey.towns),
        areas=survey.areas,
        area_scores=AreaScores(tables["areas"]) if "areas" in tables else None,
        services=_services_of(study, survey.towns),
        as_of=survey.as_of,
        sources=sources_of(study, public=True),
        policy=read_policy(study),
        minimum_count=study.privacy.minimum_count,
    )


def _services_of(study: Study, towns: Towns) -> tuple[Service, ...]:
    """The services of the living circle with their places, for the maps; none where the study asks for no living circle."""
    if study.life_circle is None:
        return ()
    with warnings.catch_warnings():  # what there is to say of them was said when they were measured
        warnings.simplefilter("ignore", PlannerWarning)
        return read_services(study, towns)


def _read_backdrop_of(study: Study, towns: Towns) -> gpd.GeoDataFrame | None:
    """Water and green of the study's extract, for the maps; None where the network is a saved graph."""
    file = study.network.file
    if file is None or file.endswith(".graphml"):
        return None
    return read_backdrop(study.path_of(file), crs=study.crs, area=towns.union_all())


def manifest_of(run: Run) -> dict[str, Any]:
    survey, study = run.survey, run.survey.study
    inputs = check_unchanged(study, run.inputs)
    return {
        "study": study.name,
        "as_of": survey.as_of.isoformat(),
        **work_of(study, inputs),
        "sources": sources_recorded(study),
        "network": survey.network.report,
        "plan": run.published_summary.get("plan"),
        "notes": list(run.notes),
        "versions": {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _VERSIONS},
        "seconds": {name: round(taken, 3) for name, taken in survey.steps.seconds.items()},
        "written_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def work_of(study: Study, inputs: Mapping[str, str | None]) -> dict[str, Any]:
    """All that the outputs of a study depend on: the version and code of the program, the inputs' content (`hash_inputs`), the
    settings."""
    return {
        "planner": importlib.metadata.version("planner"),
        "code": _hash_of_code(),
        "inputs": inputs,
        "settings": dataclasses.asdict(dataclasses.replace(study, folder=Path())),
    }


def hash_inputs(study: Study) -> dict[str, str | None]:
    """The SHA-256 of every file the study names, by its name there; None for one that cannot be read."""

    def digest(path: Path) -> str | None:
        try:
            return store.hash_file(path)
        except OSError:
            return None

    return {file: digest(study.path_of(file)) for file in input_files(study)}


def check_unchanged(study: Study, before: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give `hash_inputs` of now; raise a SourceError if a file is not what it was `before`: nobody knows which was read."""
    now = hash_inputs(study)
    changed = next((file for file, digest in before.items() if now.get(file) != digest), None)
    if changed is not None:
        fault = Fault("it was changed or removed while the study was being done", "run again", str(study.path_of(changed)))
        raise SourceError(str(fault), [fault], fault.file)
    return now


def is_done(study: Study, folder: Path) -> bool:
    """Whether `folder` holds the whole output of `study`, unedited, from the same inputs, settings and code."""
    try:
        manifest = json.loads((folder / store.MANIFEST).read_text(encoding="utf-8"))
        written = {name: store.hash_file(folder / name) for name in manifest["outputs"]}
        same = all(manifest[key] == value for key, value in store.plain(work_of(study, hash_inputs(study))).items())
        return bool(same and written == manifest["outputs"] and "summary.json" in written)
    except (OSError, ValueError, KeyError, TypeError):
        return False


@functools.cache
def _hash_of_code() -> str:
    """SHA-256 over every file of the package, so that another code is another version."""
    room = Path(__file__).parents[1]
    files = sorted(path for path in room.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return hashlib.sha256("".join(f"{path.relative_to(room)} {store.hash_file(path)}\n" for path in files).encode()).hexdigest()


def sources_recorded(study: Study) -> dict[str, Any]:
    """What ``sources.json`` says of the study's files: where each was fetched, when, its licence; a file that was changed
    since is the user's own, and nothing is said of it."""
    said = {file: source_of(study.folder, file) for file in input_files(study)}
    return {file: dict(record) for file, record in said.items() if record is not None}


def input_files(study: Study) -> tuple[str, ...]:
    """Every file the study names, as it names them, each once."""
    named = [
        study.area,
        study.network.file,
        study.scenario.walk.terrain,
        study.stations.file,
        *(block.file for block in study.candidates),
        study.population.file,
        study.population.totals,
        *(group.file for group in study.scenario.groups),
        *(area.file for area in study.scenario.areas),
        study.communities.file if study.communities else None,
        *(service.file for service in (study.life_circle.services if study.life_circle else ())),
        *(block.file for block in study.recorded),
        study.policy if study.policy is not None and is_path(study.policy) else None,
    ]
    return tuple(dict.fromkeys(file for file in named if file))


def check_output(study: Study, folder: Path, *, force: bool = False) -> None:
    """Refuse, before any work, a folder that cannot be written or must not be: see `planner.store.check_folder`.

    The study's own folder, and any that holds one of its inputs, is refused even with `force`.
    """
    place = folder.resolve()
    kept = [study.folder.resolve(), *(study.path_of(file) for file in input_files(study))]
    inside = next((path for path in kept if path.is_relative_to(place)), None)
    if inside is not None:
        said = f"the study's own files lie there ({inside.name}); name another folder with --out"
        raise SourceError(f"{folder}: {said}", source=str(folder))
    store.check_folder(folder, force=force)
