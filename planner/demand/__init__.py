"""People and key groups put onto demand points: split exactly, spread with their sums kept, held in one table."""

from planner.demand.ground import CellParts, Grounds, ZoneParts, areal, cell_parts, cut_grounds, locate, own_grounds, zone_parts
from planner.demand.place import RESIDENTS, CountedPoints, Tally, place_demand
from planner.demand.spread import Held, hold_within, nearest_points, spread

__all__ = [
    "RESIDENTS",
    "CellParts",
    "CountedPoints",
    "Grounds",
    "Held",
    "Tally",
    "ZoneParts",
    "areal",
    "cell_parts",
    "cut_grounds",
    "hold_within",
    "locate",
    "nearest_points",
    "own_grounds",
    "place_demand",
    "spread",
    "zone_parts",
]
