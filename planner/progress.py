"""What stands at a date."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from planner.schema import STANDING, Stations


def standing_stations(stations: Stations, as_of: dt.date) -> Stations:
    """Give the stations that stand on `as_of`: built or accepted by then, and not closed.

    Parameters
    ----------
    stations
        Every station, whatever its ``status``; ``opened`` is the day it was built or accepted, ``closed`` the day it closed.
    as_of
        The day asked about. A station counts from the day it opened on, and on the day it closed no more.

    Returns
    -------
    The rows that stand, as they were and in their order.

    Notes
    -----
    A row without ``opened`` counts by its status alone; so does a table without that column. A table without ``status``,
    or a row without one, is taken as built: people list what they have. A station whose status is ``closed`` stood from
    its opening to its closing day, where both are known; with either unknown it does not count. Planned and applied
    stations never count.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from planner.schema import STATIONS
    >>> frame = {"station_id": ["a", "b"], "name": ["A", "B"], "status": ["built", "planned"], "opened": ["2024-03-01", None]}
    >>> stations = STATIONS.conform(gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0, 1], [0, 1]), crs="EPSG:32651"))
    >>> [list(standing_stations(stations, dt.date(2024, month, 1)).index) for month in (2, 3)]
    [[], ['a']]
    """
    day = pd.Timestamp(as_of)
    status = _column(stations, "status").astype("string").fillna(STANDING[0])
    opened, closed = (pd.to_datetime(_column(stations, name)) for name in ("opened", "closed"))
    begun = opened.isna() | (opened <= day)
    ended = closed.notna() & (closed <= day)
    was_open = (status == "closed") & (opened <= day) & (day < closed)
    stands = (status.isin(STANDING) & begun & ~ended) | was_open
    return Stations(stations[stands.to_numpy(dtype=bool)])


def _column(stations: Stations, name: str) -> pd.Series:
    return stations[name] if name in stations.columns else pd.Series(None, index=stations.index, dtype=object)
