"""Who can walk to a public station in fifteen minutes, how well each serves, and where the next ones go.

Names are imported from their rooms when they are first asked for, so that `import planner` costs next to nothing.
"""

from __future__ import annotations

import importlib
import importlib.util

TYPE_CHECKING = False  # as type checkers know it, without importing typing
if TYPE_CHECKING:
    # what a type checker and an editor see; `_HOMES` says the same to the interpreter, and a test compares them
    from typing import Any

    from planner.access import (
        Spread,
        access_by_town,
        measure_equity,
        measure_spread,
        split_theil,
        supply_ratios,
        two_step_access,
        walking_saved,
    )
    from planner.coverage import measure_coverage
    from planner.errors import (
        CrsError,
        Fault,
        MachineNote,
        PlanError,
        PlannerError,
        PlannerWarning,
        SourceError,
        StudyError,
        TableError,
    )
    from planner.isochrones import agreement, isochrone_bands, overlay_zones, reached_area
    from planner.network import Network
    from planner.policy import Policy
    from planner.privacy import publish_tables
    from planner.progress import changes_between, compare_runs, standing_stations, status_at, track_targets
    from planner.publish.atlas import Atlas, draw_atlas
    from planner.reach import Reach, islands_of, nearest_facilities, nearest_times, travel_times
    from planner.run import (
        Conformity,
        Run,
        Survey,
        check_standards,
        propose,
        run_study,
        score_survey,
        survey_study,
        trace_equity,
    )
    from planner.score import score_groups, score_stations, score_towns, summarise
    from planner.siting import Plan, equity_curve, frontier, knee, needed, propose_sites, sites_needed
    from planner.sources.audit import audit_output
    from planner.sources.check import check_study
    from planner.sources.demo import demo_study
    from planner.sources.fetch import fetch_study
    from planner.sources.files import (
        read_area,
        read_candidates,
        read_stations,
        read_study,
        read_table,
        write_template,
    )
    from planner.sources.osm import read_network, read_osm_network
    from planner.sources.packs import read_policy
    from planner.sources.population import read_demand
    from planner.sources.runs import read_run
    from planner.standards import check_tiers, measure_standards, reach_functions
    from planner.study import Group, Method, Phase, Scenario, Siting, Study, TownWalk, Walk
    from planner.track import Tracking, track_study

_HOMES = {
    "planner.access": (
        "Spread",
        "access_by_town",
        "measure_equity",
        "measure_spread",
        "split_theil",
        "supply_ratios",
        "two_step_access",
        "walking_saved",
    ),
    "planner.coverage": ("measure_coverage",),
    "planner.errors": (
        "CrsError",
        "Fault",
        "MachineNote",
        "PlanError",
        "PlannerError",
        "PlannerWarning",
        "SourceError",
        "StudyError",
        "TableError",
    ),
    "planner.isochrones": (
        "agreement",
        "isochrone_bands",
        "overlay_zones",
        "reached_area",
    ),
    "planner.network": ("Network",),
    "planner.policy": ("Policy",),
    "planner.privacy": ("publish_tables",),
    "planner.progress": (
        "changes_between",
        "compare_runs",
        "standing_stations",
        "status_at",
        "track_targets",
    ),
    "planner.publish.atlas": (
        "Atlas",
        "draw_atlas",
    ),
    "planner.reach": (
        "Reach",
        "islands_of",
        "nearest_facilities",
        "nearest_times",
        "travel_times",
    ),
    "planner.run": (
        "Conformity",
        "Run",
        "Survey",
        "check_standards",
        "propose",
        "run_study",
        "score_survey",
        "survey_study",
        "trace_equity",
    ),
    "planner.score": (
        "score_groups",
        "score_stations",
        "score_towns",
        "summarise",
    ),
    "planner.siting": ("Plan", "equity_curve", "frontier", "knee", "needed", "propose_sites", "sites_needed"),
    "planner.sources.audit": ("audit_output",),
    "planner.sources.check": ("check_study",),
    "planner.sources.demo": ("demo_study",),
    "planner.sources.fetch": ("fetch_study",),
    "planner.sources.files": (
        "read_area",
        "read_candidates",
        "read_stations",
        "read_study",
        "read_table",
        "write_template",
    ),
    "planner.sources.osm": (
        "read_network",
        "read_osm_network",
    ),
    "planner.sources.packs": ("read_policy",),
    "planner.sources.population": ("read_demand",),
    "planner.sources.runs": ("read_run",),
    "planner.standards": (
        "check_tiers",
        "measure_standards",
        "reach_functions",
    ),
    "planner.study": (
        "Group",
        "Method",
        "Phase",
        "Scenario",
        "Siting",
        "Study",
        "TownWalk",
        "Walk",
    ),
    "planner.track": (
        "Tracking",
        "track_study",
    ),
}
_HOME = {name: room for room, names in _HOMES.items() for name in names}

__all__ = [
    "Atlas",
    "Conformity",
    "CrsError",
    "Fault",
    "Group",
    "MachineNote",
    "Method",
    "Network",
    "Phase",
    "Plan",
    "PlanError",
    "PlannerError",
    "PlannerWarning",
    "Policy",
    "Reach",
    "Run",
    "Scenario",
    "Siting",
    "SourceError",
    "Spread",
    "Study",
    "StudyError",
    "Survey",
    "TableError",
    "TownWalk",
    "Tracking",
    "Walk",
    "access_by_town",
    "agreement",
    "audit_output",
    "changes_between",
    "check_standards",
    "check_study",
    "check_tiers",
    "compare_runs",
    "demo_study",
    "draw_atlas",
    "equity_curve",
    "fetch_study",
    "frontier",
    "islands_of",
    "isochrone_bands",
    "knee",
    "measure_coverage",
    "measure_equity",
    "measure_spread",
    "measure_standards",
    "nearest_facilities",
    "nearest_times",
    "needed",
    "overlay_zones",
    "propose",
    "propose_sites",
    "publish_tables",
    "reach_functions",
    "reached_area",
    "read_area",
    "read_candidates",
    "read_demand",
    "read_network",
    "read_osm_network",
    "read_policy",
    "read_run",
    "read_stations",
    "read_study",
    "read_table",
    "run_study",
    "score_groups",
    "score_stations",
    "score_survey",
    "score_towns",
    "sites_needed",
    "split_theil",
    "standing_stations",
    "status_at",
    "summarise",
    "supply_ratios",
    "survey_study",
    "trace_equity",
    "track_study",
    "track_targets",
    "travel_times",
    "two_step_access",
    "walking_saved",
    "write_template",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name from its room, or a room itself (`planner.run`), on first use (PEP 562)."""
        if name in _HOME:
            found = getattr(importlib.import_module(_HOME[name]), name)
        elif not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
            found = importlib.import_module(f"{__name__}.{name}")
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
