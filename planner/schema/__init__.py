"""Every table's columns (names, kinds, units, labels in both languages, aliases) and the one gate, `Schema.conform`.

A table is a plain GeoDataFrame (or DataFrame) whose named index is its key. ``DEMAND.conform(frame)`` is the only way from
a frame to a `Demand`: it checks once, reports every fault at once, and gives back a copy with the schema's types.
"""

from planner.schema.cells import as_date, as_number, as_text, is_blank, plain_number
from planner.schema.columns import Column, Kind, fold
from planner.schema.gate import Schema, is_metric
from planner.schema.tables import (
    CANDIDATES,
    COVERAGE,
    DEMAND,
    FLAGS_1_PLUS_4,
    FRONTIER,
    GROUP_SCORES,
    ISOCHRONES,
    SCORES,
    SITES,
    STANDING,
    STATIONS,
    STATUSES,
    TOWN_SCORES,
    TOWNS,
    Candidates,
    Coverage,
    Demand,
    Frontier,
    GroupScores,
    Isochrones,
    Scores,
    Sites,
    Stations,
    Towns,
    TownScores,
)

__all__ = [
    "CANDIDATES",
    "COVERAGE",
    "DEMAND",
    "FLAGS_1_PLUS_4",
    "FRONTIER",
    "GROUP_SCORES",
    "ISOCHRONES",
    "SCORES",
    "SITES",
    "STANDING",
    "STATIONS",
    "STATUSES",
    "TOWNS",
    "TOWN_SCORES",
    "Candidates",
    "Column",
    "Coverage",
    "Demand",
    "Frontier",
    "GroupScores",
    "Isochrones",
    "Kind",
    "Schema",
    "Scores",
    "Sites",
    "Stations",
    "TownScores",
    "Towns",
    "as_date",
    "as_number",
    "as_text",
    "fold",
    "is_blank",
    "is_metric",
    "plain_number",
]
