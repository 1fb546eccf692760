"""What a run is made of: the survey, the proposal, what the policy asks, and the `Run` that writes itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import pandas as pd

from planner import store
from planner.card import html_card
from planner.errors import StudyError
from planner.network import Network
from planner.privacy import publish_summary
from planner.reach import Islands, Reach
from planner.run import outputs
from planner.run.why import Explained
from planner.schema import (
    Areas,
    Candidates,
    CommunityScores,
    Coverage,
    Demand,
    Figures,
    Frontier,
    FunctionReach,
    GroupScores,
    Indicators,
    Isochrones,
    LifeCells,
    LifeCircleScores,
    LifeFacilities,
    LifePlaces,
    LifeServices,
    Lift,
    Rollout,
    Scores,
    Standards,
    Stations,
    Tiers,
    Towns,
    TownScores,
    Track,
)
from planner.siting import Plan
from planner.study import Study
from planner.style import shown_minutes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planner.publish.atlas import Atlas
    from planner.publish.pictures import Picture

Progress = Callable[[str, float], None]
Part = Literal["pages", "tables", "documents", "pictures"]
PARTS: tuple[Part, ...] = ("pages", "tables", "documents")


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
    areas: Areas | None = None
    notes: tuple[str, ...] = ()
    islands: Islands | None = None

    @property
    def own_stations(self) -> pd.Index:
        """Ids of the standing stations within the district; a neighbour's serve too, but cannot be ranked, lifted or moved."""
        return self.stations.index[self.stations["town"].isin(self.towns.index)]

    def _repr_html_(self) -> str:
        people, covered = self.coverage["population"], self.coverage["population"].where(self.coverage["covered"], 0)
        residents, walk = float(people.sum()), self.study.scenario.walk
        pace = f"{walk.pace_mps * 3.6:.1f} km/h{' (some towns have their own)' if walk.towns else ''}"
        return html_card(
            f"Survey: {self.study.name}",
            [
                ("as of", str(self.as_of)),
                ("standing stations", f"{len(self.stations):,}"),
                ("residents", f"{residents:,.0f}"),
                (f"within {shown_minutes(*walk.cutoffs_min)} min at {pace}", _share(float(covered.sum()), residents)),
                ("streets", repr(self.network)),
                *(("note", said) for said in self.notes),
            ],
        )

    def __repr__(self) -> str:
        people, covered = self.coverage["population"].sum(), self.coverage.loc[self.coverage["covered"], "population"].sum()
        share = f"{covered / people:.1%}" if people else "none"
        return (
            f"Survey({self.study.name!r} as of {self.as_of}: {len(self.stations)} standing stations, "
            f"{people:,.0f} residents, {share} within {shown_minutes(*self.study.scenario.walk.cutoffs_min)} min)"
        )


@dataclass(frozen=True, eq=False)
class Proposal:
    """Where next: the candidates, who would reach them, the plan, and what any number of stations could cover."""

    candidates: Candidates
    options: Reach
    plan: Plan | None
    frontier: Frontier | None
    explained: Explained | None = None

    def _repr_html_(self) -> str:
        facts = [("candidates", f"{len(self.candidates):,}")]
        if self.frontier is not None:
            most = float(self.frontier["covered_pop"].max())
            facts.append(("residents that any number of stations could cover", f"{most:,.0f}"))
        return html_card("Proposal", facts) + ("" if self.plan is None else self.plan._repr_html_())


@dataclass(frozen=True, eq=False)
class Conformity:
    """What the policy asks of stations: the standards of each, the pattern of tiers, and who reaches which function."""

    standards: Standards
    tiers: Tiers
    functions: FunctionReach


@dataclass(frozen=True, eq=False)
class Circle:
    """The living circle: of places and groups; of each service; beside stations and hosts; by cell; its facilities."""

    scores: LifeCircleScores
    services: LifeServices
    places: LifePlaces
    cells: LifeCells
    facilities: LifeFacilities


@dataclass(frozen=True, eq=False)
class Measures:
    """What is measured beside the scores; None where the study or its policy pack does not ask for it."""

    indicators: Indicators
    cells: pd.DataFrame
    communities: CommunityScores | None = None
    circle: Circle | None = None
    targets: Track | None = None
    figures: Figures | None = None
    lift: Lift | None = None
    rollout: Rollout | None = None


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
    measures: Measures | None = None
    inputs: Mapping[str, str | None] = field(default_factory=dict)  # SHA-256 of the study's files before they were read

    def __repr__(self) -> str:
        plan = self.proposal.plan if self.proposal else None
        sites = "no plan" if plan is None else f"{len(plan.sites)} sites proposed ({plan.status}, gap {plan.gap:.2%})"
        return f"Run({self.survey!r}; {sites})"

    def _repr_html_(self) -> str:
        plan = self.proposal.plan if self.proposal else None
        shown = "" if plan is None else plan._repr_html_()
        more = [("note", said) for said in self.notes if said not in self.survey.notes]
        notes = html_card("Notes of the run", more) if more else ""
        return f"<div>{self.survey._repr_html_()}{shown}{notes}</div>"

    @cached_property
    def published(self) -> Mapping[str, pd.DataFrame]:
        """The tables as they are written, by the name of their file: small counts of key groups suppressed together."""
        return outputs.publish_run(self)

    @cached_property
    def published_summary(self) -> Mapping[str, Any]:
        """The headline figures without those that would give a suppressed count away."""
        plan, study = None if self.proposal is None else self.proposal.plan, self.survey.study
        sites, minimum = None if plan is None else private_gains(plan, study), study.privacy.minimum_count
        shown = self.published
        return publish_summary(self.summary, shown["groups"], sites=sites, minimum=minimum, shown=shown)

    @cached_property
    def pictures(self) -> Mapping[str, list[Picture]]:
        """Each map and chart as PNG, by language; documents and slides show the same."""
        return outputs.draw_pictures(self, "png")

    def draw(self) -> Atlas:
        """The two pages, with small counts of key groups already suppressed."""
        return outputs.draw_pages(self)

    def map(self, *, language: str | None = None, assets: Literal["bundled", "cdn"] = "bundled") -> Any:
        """A folium map with towns, outlines, stations and proposed sites as layers, to which more can be added.

        ``bundled`` needs no network; ``cdn`` loads what folium loads, for its popups and icons. Small counts are suppressed.
        """
        from planner.publish.atlas.notebook_map import draw_layers

        return draw_layers(self.published, language or self.survey.study.publish.languages[0], assets)

    def plot_map(self, language: str = "en") -> Axes:
        """The outlines, the stations and the proposed sites as matplotlib axes; ``.figure`` shows them."""
        from planner.publish.pictures import plot_map

        return plot_map(**self._ground(), isochrones=self.isochrones, walk=self.survey.study.scenario.walk, language=language)

    def plot_gaps(self, language: str = "en") -> Axes:
        """Where residents live whom no station serves, as matplotlib axes."""
        from planner.publish.pictures import plot_gaps

        demand = Coverage(gpd.GeoDataFrame(self.published["demand"]))
        return plot_gaps(**self._ground(), coverage=demand, language=language)

    def plot_towns(self, language: str = "en") -> Axes:
        """The share of residents covered by town, as matplotlib axes."""
        from planner.publish.pictures import plot_bars

        return plot_bars(self.published["towns"], "town", language=language)

    def plot_groups(self, language: str = "en") -> Axes:
        """The share covered of residents and key groups, small counts left out, as matplotlib axes."""
        from planner.publish.pictures import plot_bars

        return plot_bars(self.published["groups"], "label", language=language)

    def plot_frontier(self, language: str = "en") -> Axes:
        """Residents covered against number of stations, as matplotlib axes.

        Raises
        ------
        StudyError
            If the study names no candidates, so that there is no frontier.
        """
        from planner.publish.pictures import plot_frontier

        if "frontier" not in self.published:
            raise StudyError(f"{self.survey.study.name}: there is no frontier without [[candidates]]; name some in study.toml")
        return plot_frontier(self.published["frontier"], len(self.survey.stations), language=language)

    def _ground(self) -> dict[str, Any]:
        survey, sites = self.survey, self.published.get("sites")
        drawn = None if sites is None else gpd.GeoDataFrame(sites)
        return {"network": survey.network, "towns": survey.towns, "stations": survey.stations, "sites": drawn}

    def write(
        self, folder: Path | str, *, parts: Sequence[Part] = PARTS, force: bool = False, progress: Progress | None = None
    ) -> Path:
        """Write every output (or some `parts`) into `folder`, whole or not at all, and give back its path.

        Raises
        ------
        SourceError
            If the folder holds files that no earlier run wrote, or that were edited since, or cannot be written; or if a file
            of the study was changed since the run began to read it.
        """
        path, steps = Path(folder), dataclasses.replace(self.survey.steps, progress=progress)
        outputs.check_output(self.survey.study, path, force=force)
        writers = {
            "pages": outputs.write_pages,
            "tables": outputs.write_tables,
            "documents": outputs.write_documents,
            "pictures": outputs.write_pictures,
        }
        with store.whole_folder(path, lambda: outputs.manifest_of(self), force=force) as beside:
            for part in parts:
                with steps.step(f"writing {part}"):
                    writers[part](self, beside)
        return path


def private_gains(plan: Plan, study: Study) -> pd.DataFrame:
    """What each site of a plan gains of the groups whose small counts are suppressed."""
    gains = [f"gain_{group.name}" for group in study.scenario.groups if group.is_private]
    return pd.DataFrame(plan.sites[[name for name in gains if name in plan.sites]])


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%} ({part:,.0f})" if whole > 0 else "no residents"
