"""The whole story on one page: `run_study(study)` reads, measures, scores, proposes and draws; `Run.write` publishes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from planner import store
from planner.access import access_by_town, two_step_access
from planner.coverage import measure_coverage
from planner.errors import PlannerWarning, StudyError
from planner.isochrones import isochrone_bands, reached_area
from planner.network import Network
from planner.privacy import publish_summary, publish_tables
from planner.progress import standing_stations
from planner.publish.atlas import Atlas, draw_atlas
from planner.publish.pictures import draw_all
from planner.publish.report import write_report
from planner.publish.workbook import headline_of, write_workbook
from planner.reach import Reach, travel_times
from planner.schema import (
    POINTS,
    Candidates,
    Coverage,
    Demand,
    Frontier,
    FunctionReach,
    GroupScores,
    Isochrones,
    Scores,
    Sites,
    Standards,
    Stations,
    Tiers,
    TownAccess,
    Towns,
    TownScores,
)
from planner.score import score_groups, score_stations, score_towns, summarise
from planner.siting import Plan, frontier, propose_sites
from planner.sources.files import default_as_of, read_area, read_candidates, read_stations, read_table
from planner.sources.files.fit import with_towns
from planner.sources.osm import read_backdrop, read_network
from planner.sources.packs import read_policy
from planner.sources.population import read_demand
from planner.standards import check_tiers, measure_standards, reach_functions, summarise_standards
from planner.study import PROFILES, Study
from planner.style import Said
from planner.way import explain_place

Progress = Callable[[str, float], None]
Part = Literal["pages", "tables", "documents"]
PARTS: tuple[Part, ...] = ("pages", "tables", "documents")

_VERSIONS = ("geopandas", "shapely", "numpy", "scipy", "pandas", "numba", "highspy", "osmium", "folium", "pyproj", "rasterio")


@dataclass
class Steps:
    """What is being done, for the progress bar, and how long each step took, for the manifest."""

    progress: Progress | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Progress]:
        def inner(text: str, share: float) -> None:
            if self.progress is not None:
                self.progress(f"{name}: {text}" if text else name, share)

        inner("", 0.0)
        started = time.perf_counter()
        yield inner
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        inner("", 1.0)


@dataclass(frozen=True, eq=False)
class Survey:
    """What there is: the place as read, and who reaches which standing station."""

    study: Study
    as_of: dt.date
    towns: Towns
    network: Network
    all_stations: Stations
    stations: Stations
    demand: Demand
    reach: Reach
    coverage: Coverage
    steps: Steps

    def __repr__(self) -> str:
        people, covered = self.coverage["population"].sum(), self.coverage.loc[self.coverage["covered"], "population"].sum()
        share = f"{covered / people:.1%}" if people else "none"
        return (
            f"Survey({self.study.name!r} as of {self.as_of}: {len(self.stations)} standing stations, "
            f"{people:,.0f} residents, {share} within {self.study.scenario.walk.minutes:g} min)"
        )


@dataclass(frozen=True, eq=False)
class Proposal:
    """Where next: the candidates, who would reach them, the plan, and what any number of stations could cover."""

    candidates: Candidates
    options: Reach
    plan: Plan | None
    frontier: Frontier | None


@dataclass(frozen=True, eq=False)
class Conformity:
    """What the policy asks of stations: the standards of each, the pattern of tiers, and who reaches which function."""

    standards: Standards
    tiers: Tiers
    functions: FunctionReach


@dataclass(frozen=True, eq=False)
class Run:
    """All results of one study; `write` is the only effect."""

    survey: Survey
    scores: Scores
    town_scores: TownScores
    group_scores: GroupScores
    isochrones: Isochrones
    proposal: Proposal | None
    summary: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    conformity: Conformity | None = None

    def __repr__(self) -> str:
        plan = self.proposal.plan if self.proposal else None
        sites = "no plan" if plan is None else f"{len(plan.sites)} sites proposed ({plan.status}, gap {plan.gap:.2%})"
        return f"Run({self.survey!r}; {sites})"

    @cached_property
    def published(self) -> Mapping[str, pd.DataFrame]:
        """The tables as they are written, by the name of their file: small counts of key groups suppressed together."""
        return _publish(self)

    @cached_property
    def published_summary(self) -> Mapping[str, Any]:
        """The headline figures without those that would give a suppressed count away."""
        return publish_summary(self.summary, self.published["groups"])

    def draw(self) -> Atlas:
        """The two pages, with small counts of key groups already suppressed."""
        return _draw(self)

    def write(
        self, folder: Path | str, *, parts: Sequence[Part] = PARTS, force: bool = False, progress: Progress | None = None
    ) -> Path:
        """Write every output (or some `parts`) into `folder`, whole or not at all, and give back its path.

        Raises
        ------
        SourceError
            If the folder holds files that no earlier run wrote, or that were edited since, or cannot be written.
        """
        path, steps = Path(folder), dataclasses.replace(self.survey.steps, progress=progress)
        writers = {"pages": _write_pages, "tables": _write_tables, "documents": _write_documents}
        with store.whole_folder(path, lambda: _manifest(self), force=force) as beside:
            for part in parts:
                with steps.step(f"writing {part}"):
                    writers[part](self, beside)
        return path


def survey_study(study: Study, *, progress: Progress | None = None) -> Survey:
    """Read the place and measure who reaches which of the stations that stand at the study's date.

    Raises
    ------
    StudyError, TableError, SourceError
        What is wrong with the study, its tables or its files; each with all faults at once.
    """
    steps = Steps(progress)
    with steps.step("reading tables"):
        towns = read_area(study)
        all_stations = read_stations(study)
    as_of = study.as_of or default_as_of(all_stations)
    stations = standing_stations(all_stations, as_of)
    with steps.step("reading the street network") as inner:
        network = read_network(study, towns=towns, progress=inner)
    with steps.step("reading residents") as inner:
        demand = read_demand(study, towns, progress=inner)
    with steps.step("measuring walking times") as inner:
        reach = travel_times(network, stations, demand, study.scenario.walk, progress=inner)
        coverage = measure_coverage(reach, demand)
    return Survey(study, as_of, towns, network, all_stations, stations, demand, reach, coverage, steps)


def score_survey(survey: Survey, isochrones: Isochrones | None = None) -> tuple[Scores, TownScores, GroupScores]:
    """Score stations, towns and groups; with outlines, the share of area covered too."""
    groups, walk, siting = survey.study.scenario.groups, survey.study.scenario.walk, survey.study.scenario.siting
    target = read_policy(survey.study).town_minimum(survey.as_of) or siting.per_town_min or None
    with survey.steps.step("scoring"):
        stations = score_stations(survey.reach, survey.demand, survey.stations)
        reached = None if isochrones is None else reached_area(isochrones, walk.minutes)
        towns = score_towns(survey.coverage, survey.towns, survey.stations, groups, reached=reached, target=target)
        return stations, towns, score_groups(survey.coverage, groups)


def check_standards(survey: Survey) -> Conformity:
    """Measure the standing stations against the standards of the study's policy pack.

    Key groups are not counted by function: sums so near each other would give small counts away.
    """
    policy, stations = read_policy(survey.study), survey.stations
    with survey.steps.step("checking standards"):
        standards = measure_standards(policy, stations, survey.as_of)
        functions = reach_functions(policy, survey.reach, survey.demand, stations)
        return Conformity(standards, check_tiers(policy, stations), functions)


def measure_access(survey: Survey) -> TownAccess:
    """Say how much of the stations' capacity residents can walk to, and how evenly, by town: 2SFCA at the study's cutoff.

    Raises
    ------
    TableError
        If a standing station says no capacity.
    """
    capacity = survey.stations.get("capacity", pd.Series(dtype="float64"))
    with survey.steps.step("measuring access"):
        supply = two_step_access(survey.reach, survey.demand, capacity)
        return access_by_town(survey.demand, supply, survey.stations, survey.towns)


def draw_isochrones(survey: Survey, minutes: tuple[float, ...] | None = None) -> Isochrones:
    """The outlines of every standing station at the study's bands (or at `minutes`) and always at the cutoff."""
    walk = survey.study.scenario.walk
    bands = tuple(sorted({*(minutes or walk.bands), *(() if minutes else (walk.minutes,))}))
    with survey.steps.step("drawing outlines") as inner:
        return isochrone_bands(survey.network, survey.stations, dataclasses.replace(walk, bands=bands), progress=inner)


def propose(survey: Survey, *, with_plan: bool = True, with_frontier: bool = True) -> Proposal:
    """Choose new sites among the study's host premises (what stands stays) and trace what any number could cover.

    Raises
    ------
    StudyError
        If the study names no candidates.
    PlanError
        If no plan can meet what is asked.
    """
    study = survey.study
    if not study.candidates:
        raise StudyError(f"{study.name}: no [[candidates]] are named; add a block with file = or osm = to study.toml")
    with survey.steps.step("measuring walks to candidates") as inner:
        candidates = read_candidates(study)
        options = travel_times(survey.network, candidates, survey.demand, study.scenario.walk, progress=inner)
    standing = {str(town): int(count) for town, count in survey.stations["town"].value_counts().items()}
    plan = None
    if with_plan:
        with survey.steps.step("choosing sites") as inner:
            plan = propose_sites(
                options, survey.coverage, candidates, study.scenario.siting, stations_per_town=standing, progress=inner
            )
    curve = None
    if with_frontier:
        with survey.steps.step("tracing the frontier") as inner:
            curve = frontier(options, survey.coverage, candidates, existing=len(survey.stations), progress=inner)
    return Proposal(candidates, options, plan, curve)


def walking_times(study: Study, origins: str, destinations: str, *, progress: Progress | None = None) -> pd.DataFrame:
    """Walking times within the cutoff as a long table ``from_id``, ``to_id``, ``walk_s`` (seconds), sorted by both ids.

    `origins` and `destinations` are ``stations`` (those that stand), ``candidates``, ``demand``, or a file of points with
    an id, ``lon`` and ``lat``. Where the residents of towns walk differently, the town of the origin decides.
    """
    steps = Steps(progress)
    with steps.step("reading tables"):
        towns = read_area(study)
        places = [_points(study, what, towns) for what in (origins, destinations)]
    with steps.step("reading the street network") as inner:
        network = read_network(study, towns=towns, progress=inner)
    with steps.step("measuring walking times") as inner:
        reach = travel_times(network, places[1], places[0], study.scenario.walk, progress=inner)
    names = {"origin_id": "from_id", "destination_id": "to_id"}
    return reach.to_frame().rename(columns=names).set_index(["from_id", "to_id"]).sort_index()


def _points(study: Study, what: str, towns: Towns) -> gpd.GeoDataFrame:
    if what == "stations":
        stations = read_stations(study, towns=towns)
        return standing_stations(stations, study.as_of or default_as_of(stations))
    if what == "candidates":
        return read_candidates(study, towns=towns)
    if what == "demand":
        return read_demand(study, towns)
    return with_towns(read_table(what, POINTS, str(study.crs)), towns)


def explain(survey: Survey, lon: float, lat: float, *, nearest: int = 3) -> tuple[gpd.GeoDataFrame, str]:
    """The nearest stations of a place in degrees, the way there leg by leg, and why it is covered or not."""
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", survey.network.crs, always_xy=True)
    place = shapely.Point(to_metres.transform(lon, lat))
    inside = survey.towns.index[survey.towns.intersects(place)]
    walk = survey.study.scenario.walk.for_town(str(inside[0]) if len(inside) else None)
    return explain_place(survey.network, survey.stations, place, walk, nearest=nearest)


def run_study(study: Study, *, progress: Progress | None = None) -> Run:
    """Do the whole job for one study: survey, outlines, scores, proposal, headline figures.

    A study without candidates is scored and drawn without a proposal. What is lawful but surprising is kept in
    `Run.notes` and still warned about.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PlannerWarning)
        survey = survey_study(study, progress=progress)
        isochrones = draw_isochrones(survey)
        scores, towns, groups = score_survey(survey, isochrones)
        proposal = propose(survey) if study.candidates else None
        conformity = check_standards(survey) if read_policy(study).has_standards else None
        summary = _summary(survey, isochrones, proposal) | _standards_said(conformity)
    notes = []
    for caught_one in caught:
        if issubclass(caught_one.category, PlannerWarning):
            notes.append(str(caught_one.message))
        warnings.warn_explicit(caught_one.message, caught_one.category, caught_one.filename, caught_one.lineno)
    return Run(survey, scores, towns, groups, isochrones, proposal, summary, tuple(dict.fromkeys(notes)), conformity)


def _summary(survey: Survey, isochrones: Isochrones, proposal: Proposal | None) -> dict[str, Any]:
    """The headline figures, each with its denominator, and the assumptions they stand on."""
    study, walk = survey.study, survey.study.scenario.walk
    reached = reached_area(isochrones, walk.minutes)
    said: dict[str, Any] = {
        "study": study.name,
        "as_of": survey.as_of.isoformat(),
        "cutoff_minutes": walk.minutes,
        "pace_mps": walk.pace_mps,
        "profile": walk.profile,
        "profile_source": PROFILES[walk.profile].source if walk.speed_mps is None else "given in the study file",
        "towns_that_differ": {
            town: {"minutes": own.minutes, "pace_mps": own.pace_mps}
            for town, own in ((name, walk.for_town(name)) for name in walk.towns)
        },
        **summarise(survey.coverage, survey.towns, survey.stations, study.scenario.groups, reached=reached),
    }
    if proposal is not None and proposal.plan is not None:
        said["plan"] = _plan_facts(proposal.plan)
    if proposal is not None and proposal.frontier is not None:
        said["most_that_can_be_covered"] = float(proposal.frontier["covered_pop"].max())
    return said


def _standards_said(conformity: Conformity | None) -> dict[str, Any]:
    if conformity is None:
        return {}
    return {"standards": summarise_standards(conformity.standards, conformity.tiers, conformity.functions)}


def _plan_facts(plan: Plan) -> dict[str, Any]:
    return {
        "method": str(plan.method),
        "status": plan.status,
        "sites": len(plan.sites),
        "need_covered_before": plan.covered_before,
        "need_covered_after": plan.covered_after,
        "bound": plan.bound,
        "gap": plan.gap,
        "residents_gained": float(plan.sites["gain_pop"].sum()),
    }


def _publish(run: Run) -> dict[str, pd.DataFrame]:
    survey, proposal = run.survey, run.proposal
    minimum = survey.study.privacy.minimum_count
    scored = survey.stations[["geometry"]].join(run.scores)
    tables: dict[str, pd.DataFrame] = {
        "stations": gpd.GeoDataFrame(scored, geometry="geometry", crs=survey.stations.crs),
        "towns": run.town_scores,
        "groups": run.group_scores,
        "demand": survey.coverage,
        "isochrones": run.isochrones,
    }
    if proposal is not None and proposal.plan is not None:
        tables["sites"] = proposal.plan.sites
    if proposal is not None and proposal.frontier is not None:
        tables["frontier"] = proposal.frontier
    if run.conformity is not None:
        tables["standards"] = run.conformity.standards
    return publish_tables(tables, minimum, reach=survey.reach)


def _write_pages(run: Run, folder: Path) -> None:
    run.draw().write(folder)


def _write_tables(run: Run, folder: Path) -> None:
    store.write_tables(folder, run.published)
    store.write_json(folder / "summary.json", run.published_summary)


def _write_documents(run: Run, folder: Path) -> None:
    """The workbook; and the report, in the first language as ``report.docx`` and in others as ``report.en.docx``."""
    survey, study, tables = run.survey, run.survey.study, run.published
    languages, groups = study.publish.languages, study.scenario.groups
    sources = sources_of(study)
    headline = headline_of(study, run.published_summary, [source[languages[0]] for source in sources], languages)
    write_workbook(folder / "workbook.xlsx", tables, headline, languages=languages, groups=groups)
    pictures = draw_all(
        network=survey.network,
        towns=survey.towns,
        stations=survey.stations,
        isochrones=run.isochrones,
        tables=tables,
        languages=languages,
    )
    for language in languages:
        write_report(
            folder / ("report.docx" if language == languages[0] else f"report.{language}.docx"),
            study=study,
            summary=run.published_summary,
            tables=tables,
            pictures=pictures[language],
            as_of=survey.as_of,
            sources=[source[language] for source in sources],
            notes=run.notes,
            language=language,
        )


def _draw(run: Run) -> Atlas:
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
        backdrop=read_backdrop_of(study, survey.towns),
        as_of=survey.as_of,
        sources=sources_of(study),
        policy=read_policy(study),
        minimum_count=study.privacy.minimum_count,
    )


def read_backdrop_of(study: Study, towns: Towns) -> gpd.GeoDataFrame | None:
    """Water and green of the study's extract, for the maps; None where the network is a saved graph."""
    file = study.network.file
    if file is None or file.endswith(".graphml"):
        return None
    return read_backdrop(study.path_of(file), crs=study.crs, area=towns.union_all())


def sources_of(study: Study) -> tuple[Said, ...]:
    """What the maps and tables were made from, as lines to print in either language."""
    stations, population = study.stations, study.population
    places = Path(stations.file).name if stations.file else f"OpenStreetMap {', '.join(stations.osm)}"
    people = Path(population.file).name if population.file else None
    spread = population.spread == "buildings"
    lines: list[Said] = [
        dict.fromkeys(("zh", "en"), f"© OpenStreetMap contributors, ODbL ({Path(study.network.file or '').name})"),
        dict.fromkeys(("zh", "en"), places),
        {
            "zh": (people or "总数见研究文件") + ("，按住宅建筑面积分摊" if spread else ""),
            "en": (people or "a total given in the study file") + (", spread over homes by floor area" if spread else ""),
        },
    ]
    files = dict.fromkeys(Path(group.file).name for group in study.scenario.groups if group.file)
    lines.append(dict.fromkeys(("zh", "en"), ", ".join(files)))
    heads = (("道路", "Streets"), ("站点", "Stations"), ("人口", "Residents"), ("重点群体", "Key groups"))
    return tuple(
        {"zh": f"{zh}：{line['zh']}", "en": f"{en}: {line['en']}"}
        for (zh, en), line in zip(heads, lines, strict=True)
        if line["zh"]
    )


def _manifest(run: Run) -> dict[str, Any]:
    survey, study = run.survey, run.survey.study
    return {
        "planner": importlib.metadata.version("planner"),
        "study": study.name,
        "as_of": survey.as_of.isoformat(),
        "inputs": {file: store.hash_file(study.path_of(file)) for file in input_files(study)},
        "settings": dataclasses.asdict(dataclasses.replace(study, folder=Path())),
        "network": survey.network.report,
        "plan": run.published_summary.get("plan"),
        "notes": list(run.notes),
        "versions": {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _VERSIONS},
        "seconds": {name: round(taken, 3) for name, taken in survey.steps.seconds.items()},
        "written_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def input_files(study: Study) -> tuple[str, ...]:
    """Every file the study names, as it names them, each once."""
    named = [
        study.area,
        study.network.file,
        study.stations.file,
        *(block.file for block in study.candidates),
        study.population.file,
        *(group.file for group in study.scenario.groups),
    ]
    return tuple(dict.fromkeys(file for file in named if file))
