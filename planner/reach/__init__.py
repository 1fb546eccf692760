"""Walking times within the cutoff, from doors to doors along the streets.

The cutoff is inclusive: ``walk_s <= cutoff_s``. Residents walk *to* the facility; only level, even streets take as long back.
"""

from planner.reach.islands import Islands, find_islands, islands_of
from planner.reach.links import Links, link_points
from planner.reach.nearest import nearest_facilities, nearest_times
from planner.reach.paths import WalkPath, walk_path
from planner.reach.search import Doors, walk_times
from planner.reach.streets import Streets
from planner.reach.sums import sum_in_reach
from planner.reach.tables import Reach, travel_times

__all__ = [
    "Doors",
    "Islands",
    "Links",
    "Reach",
    "Streets",
    "WalkPath",
    "find_islands",
    "islands_of",
    "link_points",
    "nearest_facilities",
    "nearest_times",
    "sum_in_reach",
    "travel_times",
    "walk_path",
    "walk_times",
]
