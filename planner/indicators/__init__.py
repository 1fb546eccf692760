"""Every indicator with its one definition; see `planner.indicators.definitions` for what each is."""

from planner.indicators.communities import score_communities
from planner.indicators.definitions import DEFINITIONS, Indicator, definitions_table
from planner.indicators.homes import BUILDING, LAND, thin_homes
from planner.indicators.measure import Amount, Evidence, group_indicators, measure_cells, measure_indicators, ratio, together

__all__ = [
    "BUILDING",
    "DEFINITIONS",
    "LAND",
    "Amount",
    "Evidence",
    "Indicator",
    "definitions_table",
    "group_indicators",
    "measure_cells",
    "measure_indicators",
    "ratio",
    "score_communities",
    "thin_homes",
    "together",
]
