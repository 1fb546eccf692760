"""People and key groups out of whatever a study brings, put onto demand points.

**Residents** (`population`)

- A raster: each cell is split among the towns by its exact share of area. Nodata, masked and NaN cells hold nobody; other
  negative cells are faults. ``values`` says whether cells are ``counts`` or people ``per_km2``; ``column`` names a band.
- Zones with a column of counts: split at the towns' borders by area; with ``spread = "buildings"`` over the residential
  buildings inside, by floor area.
- Points with a column of counts: given to their town; outside the area they are dropped, counted and said.
- Totals by town, of a table or of the area file, or one ``total``: ``spread`` over residential ``buildings`` by floor area, or
  evenly over the ``area``. A town without such a building is spread over its ground, and said.
- ``fit_towns`` or ``total`` beside a file scale its people to official numbers.

No point stands for more than ``zone_m`` (400 m): a longer cell or zone is cut into squares of half of it. ``cell_m`` merges.

**Key groups** (`groups`): columns of the same table, or a file of their own: a list with one row a person, counts at points or
in zones, totals by town, a raster. They are put onto the residents' points: points to the nearest of their town, at most 1 km
off; zones and towns in proportion to residents. No place has more members than residents: the excess counts next door,
the residents' number stays as it is, and the group's sum is kept.

**Privacy**: of a group's file only places and counts are kept. Columns that look like names, identity-card numbers or phones
are dropped with a warning that names the header; no message about such a file repeats a cell.

Every step leaves a `Tally` of people in and people out.
"""

from planner.sources.population.read import read_demand, read_demand_with_tally

__all__ = ["read_demand", "read_demand_with_tally"]
