"""What stands at a date, targets against it, and what changed between two runs."""

from planner.progress.areas import coverage_of_areas, track_areas
from planner.progress.changes import compare_runs
from planner.progress.figures import track_figures
from planner.progress.periods import day_before, period_name
from planner.progress.standing import (
    STAGE_DATES,
    changes_between,
    dated_status,
    last_changed,
    standing_stations,
    status_at,
    undated,
)
from planner.progress.tracking import check_handed, coverage_then_and_now, track_targets

__all__ = [
    "STAGE_DATES",
    "changes_between",
    "check_handed",
    "compare_runs",
    "coverage_of_areas",
    "coverage_then_and_now",
    "dated_status",
    "day_before",
    "last_changed",
    "period_name",
    "standing_stations",
    "status_at",
    "track_areas",
    "track_figures",
    "track_targets",
    "undated",
]
