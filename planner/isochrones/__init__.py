"""Outlines of what is reached, band by band: the picture of the walking times, and made to agree with them."""

from planner.isochrones.agreement import agreement
from planner.isochrones.bands import isochrone_bands
from planner.isochrones.overlay import overlay_zones, reached_area

__all__ = ["agreement", "isochrone_bands", "overlay_zones", "reached_area"]
