"""The study file, the area, stations, hosts and tables: everything people bring as files, checked at the door."""

from planner.sources.files.area import read_area
from planner.sources.files.places import default_as_of, read_candidates, read_stations
from planner.sources.files.priority import read_areas
from planner.sources.files.study import read_study
from planner.sources.files.tables import read_table
from planner.sources.files.template import write_template

__all__ = [
    "default_as_of",
    "read_area",
    "read_areas",
    "read_candidates",
    "read_stations",
    "read_study",
    "read_table",
    "write_template",
]
