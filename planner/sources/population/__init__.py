"""People and key groups out of rasters, zones, points, or town totals spread over buildings."""

from planner.sources.population.read import read_demand, read_demand_with_tally

__all__ = ["read_demand", "read_demand_with_tally"]
