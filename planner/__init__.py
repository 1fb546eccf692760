"""Who can walk to a public station in fifteen minutes, how well each serves, and where the next ones go."""

from planner.coverage import measure_coverage
from planner.errors import (
    CrsError,
    Fault,
    PlanError,
    PlannerError,
    PlannerWarning,
    SourceError,
    StudyError,
    TableError,
)
from planner.isochrones import isochrone_bands, overlay_zones, reached_area
from planner.network import Network
from planner.policy import Policy
from planner.privacy import publishable
from planner.progress import compare_runs, standing_stations
from planner.publish.atlas import Atlas, draw_atlas
from planner.reach import Reach, travel_times
from planner.run import Run, Survey, propose, run_study, score_survey, survey_study
from planner.score import score_groups, score_stations, score_towns, summarise
from planner.siting import Plan, frontier, propose_sites, sites_needed
from planner.sources.check import check_study
from planner.sources.demo import demo_study
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
from planner.study import Group, Method, Phase, Scenario, Siting, Study, TownWalk, Walk

__all__ = [
    "Atlas",
    "CrsError",
    "Fault",
    "Group",
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
    "Study",
    "StudyError",
    "Survey",
    "TableError",
    "TownWalk",
    "Walk",
    "check_study",
    "compare_runs",
    "demo_study",
    "draw_atlas",
    "frontier",
    "isochrone_bands",
    "measure_coverage",
    "overlay_zones",
    "propose",
    "propose_sites",
    "publishable",
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
    "standing_stations",
    "summarise",
    "survey_study",
    "travel_times",
    "write_template",
]
