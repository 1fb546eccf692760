"""Whether the homes that the map knows are enough to speak of residential areas."""

from __future__ import annotations

import geopandas as gpd

from planner.errors import first_few
from planner.indicators.definitions import DISTRICT
from planner.schema import Indicators

FEWEST_HOMES = 10  # fewer buildings are no sample of a district
LEAST_M2 = 5.0  # a resident; people live on some 20 to 60 m² each, so that less means that most homes are not on the map

BUILDING, LAND = "building", "land"
_MEASURES = {BUILDING: "floor area", LAND: "residential land"}


def thin_homes(indicators: Indicators, homes: gpd.GeoDataFrame) -> str:
    """Say where residential coverage rests on so few homes that it says little; empty where it does not.

    Parameters
    ----------
    indicators
        With the denominators of ``residential_coverage`` (m²) and ``coverage`` (residents) of the district and its towns.
    homes
        What was measured; ``kind`` is ``building`` or ``land``.

    Returns
    -------
    Of the district where it has fewer than `FEWEST_HOMES` buildings or less than `LEAST_M2` m² a resident, else of the towns
    with less; towns of which no home is known have no residential coverage, and none is spoken of.
    """
    denominators = indicators["denominator"].unstack("indicator").reindex(columns=["residential_coverage", "coverage"])
    known = denominators[(denominators > 0).all(axis=1)]
    m2 = known["residential_coverage"] / known["coverage"]
    if not len(m2):
        return ""
    kind, whole = str(homes["kind"].iloc[0]), float(m2[DISTRICT, DISTRICT])
    if whole < LEAST_M2 or (kind == BUILDING and len(homes) < FEWEST_HOMES):
        few = f"{len(homes):,} residential building(s), " if kind == BUILDING else ""
        rests = f"{few}{whole:.1f} m2 of {_MEASURES[kind]} a resident"
        return f"residential-area coverage rests on few homes: the map knows {rests}"
    thin = [str(place) for by, place in m2[m2 < LEAST_M2].index if by == "town"]
    rests = f"the map knows less than {LEAST_M2:g} m2 of {_MEASURES[kind]} a resident there"
    return f"residential-area coverage of {first_few(thin)} rests on few homes: {rests}" if thin else ""
