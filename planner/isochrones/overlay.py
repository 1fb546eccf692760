"""What the outlines cover: all of them together, and shares of zones when people come as zones."""

from __future__ import annotations

from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import CrsError, Fault, StudyError, TableError, say_faults
from planner.network import Floats
from planner.schema import Isochrones

PEOPLE = ("population", "need")  # and every pop_<group>: amounts that are split


def reached_area(isochrones: Isochrones, minutes: float) -> BaseGeometry:
    """All that lies within so many minutes of any station: the union of one band, for shares of area.

    Parameters
    ----------
    isochrones
        Outlines by `isochrone_bands`.
    minutes
        One of their bands.

    Returns
    -------
    A valid Polygon or MultiPolygon in the outlines' CRS; an empty one if there are no outlines at all.

    Raises
    ------
    StudyError
        If there are outlines, but none for these minutes.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> keys = pd.MultiIndex.from_tuples([("a", 5.0), ("b", 5.0)], names=["station_id", "minutes"])
    >>> squares = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(5, 0, 15, 10)], index=keys, crs="EPSG:32651")
    >>> reached_area(squares, 5).area
    150.0
    """
    of_row = isochrones.index.get_level_values("minutes").to_numpy(dtype=np.float64)
    chosen = np.isclose(of_row, minutes)
    if len(of_row) and not chosen.any():
        bands = ", ".join(f"{band:g}" for band in sorted(set(of_row)))
        raise StudyError(
            f"there are outlines for {bands} minutes but not for {minutes:g}; draw them with minutes=[{minutes:g}]"
        )
    if not chosen.any():
        return shapely.Polygon()
    union: BaseGeometry = shapely.union_all(isochrones.geometry.to_numpy()[chosen])
    return union


def overlay_zones(
    isochrones: Isochrones, zones: gpd.GeoDataFrame, *, share: Literal["area", "centre"] = "area"
) -> pd.DataFrame:
    """Estimate how many people of each zone are within each band, when all that is known of people is their zone.

    Where people are known by points, count by walking times instead (`planner.measure_coverage`): this is an estimate that
    takes people to live evenly all over their zone (``"area"``), or all at one place in it (``"centre"``).

    Parameters
    ----------
    isochrones
        Outlines by `isochrone_bands`.
    zones
        Polygons in the same CRS with a unique index. ``population``, ``need`` and every ``pop_<group>`` are amounts of people.
    share
        ``"area"``: a zone's share is the share of its area within reach of any station. ``"centre"``: it is 1 where a point
        well within the zone (`shapely.point_on_surface`) is within reach, else 0.

    Returns
    -------
    A table with the zones' index and ``minutes``, in the order of the zones and rising minutes: ``share`` in [0, 1], and for
    each amount ``covered_<amount>`` = share x amount, without ``pop_`` for groups (``covered_population``,
    ``covered_elderly``). A share never falls from a band to a longer one.

    Raises
    ------
    CrsError
        If the zones are in another CRS.
    TableError
        If a zone stands twice, has no area, or is invalid.
    StudyError
        If `share` is neither of the two.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> keys = pd.MultiIndex.from_tuples([("a", 5.0)], names=["station_id", "minutes"])
    >>> square = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10)], index=keys, crs="EPSG:32651")
    >>> zone = gpd.GeoDataFrame(
    ...     {"population": [80.0]}, geometry=[box(5, 0, 25, 10)], index=pd.Index(["z"], name="zone"), crs="EPSG:32651"
    ... )
    >>> overlay_zones(square, zone).reset_index().to_dict("records")
    [{'zone': 'z', 'minutes': 5.0, 'share': 0.25, 'covered_population': 20.0}]
    """
    _check_zones(isochrones, zones, share)
    bands = np.unique(isochrones.index.get_level_values("minutes").to_numpy(dtype=np.float64))
    shapes = zones.geometry.to_numpy()
    places = shapely.point_on_surface(shapes)
    shares = np.zeros((len(zones), len(bands)))
    for b, band in enumerate(bands):
        reached = reached_area(isochrones, float(band))
        shapely.prepare(reached)
        shares[:, b] = _area_shares(reached, shapes) if share == "area" else shapely.covers(reached, places)
    shares = np.maximum.accumulate(np.clip(shares, 0.0, 1.0), axis=1)  # of rounding only: bands are nested
    name = "zone" if zones.index.name is None else zones.index.name
    keys = pd.MultiIndex.from_product([zones.index.tolist(), bands.tolist()], names=[name, "minutes"])
    table = pd.DataFrame({"share": shares.ravel()}, index=keys)
    for column in zones.columns:
        if str(column) in PEOPLE or str(column).startswith("pop_"):
            amount = zones[column].to_numpy(dtype=np.float64)
            table[f"covered_{str(column).removeprefix('pop_')}"] = (shares * amount[:, None]).ravel()
    return table


def _area_shares(reached: BaseGeometry, shapes: Any) -> Floats:
    shares = np.where(shapely.contains_properly(reached, shapes), 1.0, 0.0)
    cut = shapely.intersects(reached, shapes) & (shares == 0)
    shares[cut] = shapely.area(shapely.intersection(shapes[cut], reached)) / shapely.area(shapes[cut])
    return np.asarray(shares)


def _check_zones(isochrones: Isochrones, zones: gpd.GeoDataFrame, share: str) -> None:
    if share not in ("area", "centre"):
        raise StudyError(f"there is no share by {share!r}; use 'area' or 'centre'")
    if zones.crs != isochrones.crs:
        said = "no CRS" if zones.crs is None else zones.crs.to_string()
        raise CrsError(f"zones are in {said}, unlike the outlines; call zones.to_crs(isochrones.crs)")
    shapes = zones.geometry
    wrong = [
        (zones.index.duplicated(), "the zone stands twice", "make the index unique"),
        (~(shapes.area > 0).to_numpy(), "the zone has no area", "give polygons"),
        (~shapes.is_valid.to_numpy(), "the geometry is invalid", "repair it, for instance with make_valid"),
    ]
    faults = [Fault(said, mend, row=str(zones.index[int(i)])) for bad, said, mend in wrong for i in np.flatnonzero(bad)]
    if faults:
        raise TableError(f"zones: {say_faults(faults)}", faults, "zones")
