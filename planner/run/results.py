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

import pandas as pd

from planner import store
from planner.network import Network
from planner.privacy import publish_summary
from planner.reach import Reach
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
    LifePlaces,
    LifeServices,
    Lift,
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

if TYPE_CHECKING:
    from planner.publish.atlas import Atlas

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
    explained: Explained | None = None


@dataclass(frozen=True, eq=False)
class Conformity:
    """What the policy asks of stations: the standards of each, the pattern of tiers, and who reaches which function."""

    standards: Standards
    tiers: Tiers
    functions: FunctionReach


@dataclass(frozen=True, eq=False)
class Circle:
    """The living circle: of the district, towns and groups; of each service; among which stations and hosts stand; by cell."""

    scores: LifeCircleScores
    services: LifeServices
    places: LifePlaces
    cells: LifeCells


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

    def __repr__(self) -> str:
        plan = self.proposal.plan if self.proposal else None
        sites = "no plan" if plan is None else f"{len(plan.sites)} sites proposed ({plan.status}, gap {plan.gap:.2%})"
        return f"Run({self.survey!r}; {sites})"

    @cached_property
    def published(self) -> Mapping[str, pd.DataFrame]:
        """The tables as they are written, by the name of their file: small counts of key groups suppressed together."""
        return outputs.publish_run(self)

    @cached_property
    def published_summary(self) -> Mapping[str, Any]:
        """The headline figures without those that would give a suppressed count away."""
        return publish_summary(self.summary, self.published["groups"])

    def draw(self) -> Atlas:
        """The two pages, with small counts of key groups already suppressed."""
        return outputs.draw_pages(self)

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
