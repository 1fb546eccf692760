"""Whose need counts: residents, key groups, employers, and areas of priority."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from planner.study.kinds import STRICT, Coordinates, Name, NonNegative
from planner.study.words import in_our_words


class Counted(StrEnum):
    """What the figures of a group count: its people, or the employers or jobs that a station serves as well."""

    PEOPLE = "people"
    EMPLOYERS = "employers"
    JOBS = "jobs"


@in_our_words
@dataclass(frozen=True, config=STRICT)
class Group:
    """A key group: `name` is a column suffix, `label` is shown, `weight` >= 0 is what one more member adds to need.

    ``file`` and ``column`` say where its people come from: a file of its own, or a column of the population's; ``layer`` which
    layer or sheet of it. ``values`` says what a raster holds; ``suppressed`` is the number that stands for a count held back
    (read as 0).

    ``of`` may be ``employers`` or ``jobs``: these are a demand of their own, where the work is. They are no residents, are not
    held within their number, and are not suppressed unless `private` says so.
    """

    name: Name
    label: str = ""
    weight: NonNegative = 1.0
    file: str | None = None
    column: str | None = None
    coordinates: Coordinates = "wgs84"
    values: Annotated[str, Field(pattern="^(counts|per_km2)$")] = "counts"
    suppressed: float | None = None
    layer: str | None = None
    of: Counted = Counted.PEOPLE
    private: bool | None = None

    @property
    def shown(self) -> str:
        return self.label or self.name

    @property
    def are_people(self) -> bool:
        """Whether its members are persons, each of them a resident."""
        return self.of is Counted.PEOPLE

    @property
    def is_private(self) -> bool:
        """Whether its small counts are suppressed in everything published: people's always."""
        return self.are_people or bool(self.private)


class AreaKind(StrEnum):
    """The kinds of area that the policy documents put first, and any other."""

    SETTLEMENT = "settlement"  # 人员集中居住区
    CROWD = "crowd"  # 人流密集区
    INDUSTRY = "industry"  # 产业集聚区
    RESETTLEMENT = "resettlement"  # 易地搬迁安置区
    OTHER = "other"


@in_our_words
@dataclass(frozen=True, config=STRICT)
class PriorityArea:
    """Ground on which need counts `factor` times (1 or more): the polygons of `file`, all of one kind.

    Where areas overlap the largest factor counts, once. People are never changed by it; cells and zones are split at the
    borders of areas as they are at those of towns.
    """

    name: Name
    file: str
    factor: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]
    label: str = ""
    kind: AreaKind = AreaKind.OTHER
    coordinates: Coordinates = "wgs84"
    layer: str | None = None

    @property
    def shown(self) -> str:
        return self.label or self.name


@in_our_words
@dataclass(frozen=True, config=STRICT)
class PopulationSource:
    """Residents: a raster of counts, zones or points with a count column, or ``towns`` totals spread over buildings.

    ``spread = "buildings"`` spreads the totals of `file` (or of the area's `column`), or its zones or cells, over residential
    buildings of the network file by floor area; ``spread = "land"`` evenly over its residential land (``landuse=residential``);
    ``spread = "area"`` evenly over the ground.

    Parameters
    ----------
    file, column
        The file, and the column that counts people (of a raster its band, by number or description).
    spread
        For totals: where in a town they go. For zones and rasters: over the buildings or the land in each zone or cell.
    total
        Without a file, everybody; with one, its people are scaled to this many.
    coordinates
        Of a file of points or zones: a datum, or an EPSG code.
    values
        What a raster holds: ``counts`` a cell, or people ``per_km2``.
    zone_m
        The longest side in metres of a zone or cell that one demand point may stand for; larger ones are cut.
    cell_m
        Demand points of a town within one square of this many metres become one; 0 keeps them all.
    fit_towns
        Scale the file's people so that each town has the `population` that the area file gives it.
    totals, totals_column, totals_layer
        Scale them to the totals by town of this table instead, matched by name; of its columns the one that counts people.
    layer
        Which layer of a file with several, or which sheet of a workbook.
    source, year, country
        What ``planner fetch`` makes `file` from: a ``ghs-pop`` or ``worldpop`` raster of a year; WorldPop goes by country
        (ISO 3166, three letters).
    """

    file: str | None = None
    column: str | None = None
    spread: Annotated[str, Field(pattern="^(none|buildings|land|area)$")] = "none"
    total: NonNegative | None = None
    coordinates: Coordinates = "wgs84"
    values: Annotated[str, Field(pattern="^(counts|per_km2)$")] = "counts"
    zone_m: Annotated[float, Field(ge=10, le=2000, allow_inf_nan=False)] = 400.0
    cell_m: Annotated[float, Field(ge=0, le=2000, allow_inf_nan=False)] = 0.0
    fit_towns: bool = False
    layer: str | None = None
    totals: str | None = None
    totals_column: str | None = None
    totals_layer: str | None = None
    source: Annotated[str, Field(pattern="^(ghs-pop|worldpop)$")] | None = None
    year: Annotated[int, Field(ge=1975, le=2030)] = 2025
    country: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None

    @model_validator(mode="after")
    def _one_total(self) -> PopulationSource:
        said = [key for key in ("total", "totals", "fit_towns") if getattr(self, key)]
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} both say how many people there are; keep one of them")
        return self
