"""Which communities (居村) are covered: those of whose residents enough have a station within the cutoff."""

from __future__ import annotations

from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.demand.ground import locate, own_grounds
from planner.schema import COMMUNITIES, CommunityScores, Coverage, Towns

_ROUNDING = 1e-12  # a share may stand this much below what it means


def score_communities(coverage: Coverage, areas: Towns, towns: Towns, share: float) -> CommunityScores:
    """Say which communities are covered: at least `share` of their residents have a station within the cutoff.

    Parameters
    ----------
    coverage
        The demand points; each counts in the community whose polygon it lies in.
    areas, towns
        Polygons of the communities and of the towns, in the CRS of `coverage`.
    share
        In (0, 1].

    Returns
    -------
    COMMUNITIES, in the order of `areas`: ``town`` (of a point inside; missing outside the area), ``population``,
    ``covered_pop``, ``coverage``, ``covered``; the last two missing where nobody lives.

    Notes
    -----
    Residents are counted at demand points (cells, zones or buildings), so communities smaller than these are rough.
    """
    xy = np.column_stack([coverage.geometry.x, coverage.geometry.y])
    row = locate(xy, own_grounds(areas.geometry.to_numpy()))
    inside = row >= 0
    people, covered = coverage["population"].to_numpy(dtype=np.float64), coverage["covered"].to_numpy(dtype=bool)
    total = np.bincount(row[inside], weights=people[inside], minlength=len(areas))
    reached = np.bincount(row[inside], weights=(people * covered)[inside], minlength=len(areas))
    shares = np.divide(reached, total, out=np.full(len(areas), np.nan), where=total > 0)
    middles = shapely.get_coordinates(shapely.point_on_surface(areas.geometry.to_numpy()))
    town = locate(middles, own_grounds(towns.geometry.to_numpy()))
    names = pd.array([*map(str, towns.index), None], dtype="string")  # position -1: no town
    enough = pd.array(np.nan_to_num(shares) >= share - _ROUNDING, dtype="boolean")
    enough[total <= 0] = pd.NA
    table = gpd.GeoDataFrame(
        {
            "community": areas.index.astype(str),
            "town": names.take(town),
            "population": total,
            "covered_pop": reached,
            "coverage": np.minimum(shares, 1.0),
            "covered": enough,
        },
        geometry=areas.geometry.to_numpy(),
        crs=areas.crs,
    )
    return cast("CommunityScores", COMMUNITIES.conform(table))
