"""Every indicator with its one definition; see `planner.indicators.definitions` for what each is."""

from planner.indicators.communities import score_communities
from planner.indicators.definitions import DEFINITIONS, Indicator, definitions_table
from planner.indicators.measure import Amount, Evidence, group_indicators, measure_cells, measure_indicators, ratio, together

__all__ = [
    "DEFINITIONS",
    "Amount",
    "Evidence",
    "Indicator",
    "definitions_table",
    "group_indicators",
    "measure_cells",
    "measure_indicators",
    "ratio",
    "score_communities",
    "together",
]
