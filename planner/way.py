"""The way from a place to its nearest stations, leg by leg, and why the place is covered or not."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.network import Floats, Network
from planner.reach import Streets, WalkPath, link_points, nearest_facilities, walk_path
from planner.schema import Stations
from planner.study import MINUTE_S, Walk

_TURN_DEGREES = 30.0  # a smaller change of direction is the same leg
_HEADINGS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_FARTHEST_MINUTES = 240.0  # nobody walks four hours to a station; the most a `Walk` takes


def explain_place(
    network: Network, stations: Stations, place: shapely.Point, walk: Walk, *, nearest: int = 3
) -> tuple[gpd.GeoDataFrame, str]:
    """Describe the ways from a place to its nearest stations, and say why it is covered or not.

    Parameters
    ----------
    network, stations
        In one CRS in metres; the stations that stand.
    place
        A point in the same CRS.
    walk
        Pace, cutoff and longest link of whoever lives there (for one town: ``walk.for_town(town)``).
    nearest
        How many stations to describe, >= 1.

    Returns
    -------
    A table with index (``station_id``, ``leg``) and columns ``name``, ``what`` (to the street, along the street, steps, to the
    door), ``heading``, ``metres``, ``minutes`` (of the leg), ``minutes_so_far``, and each leg as a line; and a sentence.

    Notes
    -----
    The legs of a way add up to its walking time, the same that coverage is counted by. Bends of less than 30 degrees do not
    begin a new leg.
    """
    streets = Streets.for_walk(network, walk)
    at = gpd.GeoDataFrame(index=pd.Index([0], name="demand_id"), geometry=[place], crs=network.crs)
    link_m = _link_m(streets, place, walk)
    if not np.isfinite(link_m):
        return _table([], network), f"Not covered: no street that may be walked is within {walk.max_link_m:g} m of this place."
    found = _nearest(streets, stations, at, walk, nearest)
    legs = []
    for key in found.index:
        station = stations.loc[key]
        path = walk_path(streets, (place.x, place.y), (station.geometry.x, station.geometry.y), walk)
        if path is not None:
            doors = link_m > 0, _link_m(streets, station.geometry, walk) > 0
            legs += _legs(str(key), str(station["name"]), path, doors, walk)
    cut_off = min(nearest, len(stations)) - len(found)
    return _table(legs, network), _reason(found, stations, walk, link_m) + _others(cut_off, len(found))


def _link_m(streets: Streets, place: shapely.Point, walk: Walk) -> float:
    return float(link_points(streets, np.array([[place.x, place.y]]), walk.max_link_m).link_m[0])


def _nearest(streets: Streets, stations: Stations, at: gpd.GeoDataFrame, walk: Walk, most: int) -> pd.Series:
    """Seconds to the nearest stations by their ids, beyond the cutoff if need be; the search doubles until it finds enough."""
    minutes = walk.minutes
    if not len(stations):
        return pd.Series(dtype=float)
    while True:
        table = nearest_facilities(streets, stations, at, replace(walk, minutes=minutes, towns={}), most)
        if len(table) >= min(most, len(stations)) or minutes >= _FARTHEST_MINUTES:
            return table.set_index("station_id")["walk_s"]
        minutes = min(2 * minutes, _FARTHEST_MINUTES)


def _reason(found: pd.Series, stations: Stations, walk: Walk, link_m: float) -> str:
    door = f"the street is {link_m:.0f} m from the door"
    if found.empty:
        return f"Not covered: {door}, but no station can be reached on foot from here (an island, or streets cut off)."
    key, walk_s = found.index[0], float(found.iloc[0])
    name, minutes = stations.loc[key, "name"], walk_s / MINUTE_S
    pace = f"{walk.pace_mps * 3.6:.1f} km/h" + (" on the level" if walk.terrain else "")
    said = f"the nearest station, {name} ({key}), is {minutes:.1f} min away at {pace}"
    if walk_s <= walk.cutoff_s:
        within = int((found <= walk.cutoff_s).sum())
        shown = f"{within} of the {len(found)} shown {'is' if within == 1 else 'are'} within reach"
        return f"Covered: {said}, within {walk.minutes:g} min; {door}; {shown}."
    return f"Not covered: {said}, {minutes - walk.minutes:.1f} min more than the {walk.minutes:g} min that count; {door}."


def _others(cut_off: int, found: int) -> str:
    if not cut_off or not found:
        return ""
    return f" {cut_off} more cannot be reached on foot from here within {_FARTHEST_MINUTES / MINUTE_S:g} hours."


def _legs(key: str, name: str, path: WalkPath, doors: tuple[bool, bool], walk: Walk) -> list[dict[str, object]]:
    """The rows of one way; `doors` says whether a link stands at its beginning and at its end."""
    steps_xy = np.diff(path.xy, axis=0)
    heading = np.degrees(np.arctan2(steps_xy[:, 0], steps_xy[:, 1])) % 360
    starts = _leg_starts(heading, path, doors)
    rows: list[dict[str, object]] = []
    so_far = 0.0
    for leg, (first, last) in enumerate(zip(starts, [*starts[1:], len(heading)], strict=True), start=1):
        metres = float(path.leg_m[first:last].sum())
        minutes = float(path.leg_s[first:last].sum()) / MINUTE_S
        so_far += minutes
        whole = path.xy[last] - path.xy[first]
        rows.append(
            {
                "station_id": key,
                "leg": leg,
                "name": name,
                "what": _what(first == 0 and doors[0], last == len(heading) and doors[1], bool(path.steps[first])),
                "heading": _HEADINGS[round(float(np.degrees(np.arctan2(whole[0], whole[1]))) % 360 / 45) % 8],
                "metres": metres,
                "minutes": minutes,
                "minutes_so_far": so_far,
                "geometry": shapely.LineString(path.xy[first : last + 1]),
            }
        )
    return rows


def _leg_starts(heading: Floats, path: WalkPath, doors: tuple[bool, bool]) -> list[int]:
    """Where a new leg begins: at a turn, at steps, after the link at the beginning and before the one at the end."""
    if not len(heading):
        return []
    turn = np.abs((np.diff(heading) + 180) % 360 - 180)
    new = (turn > _TURN_DEGREES) | (np.diff(path.steps.astype(int)) != 0)
    if len(new):
        new[0] |= doors[0]
        new[-1] |= doors[1]
    return [0, *(int(i) + 1 for i in np.flatnonzero(new))]


def _what(is_first_link: bool, is_last_link: bool, steps: bool) -> str:
    if is_first_link:
        return "from the door to the street"
    if is_last_link:
        return "from the street to the door"
    return "steps" if steps else "along the street"


def _table(legs: list[dict[str, object]], network: Network) -> gpd.GeoDataFrame:
    columns = ["station_id", "leg", "name", "what", "heading", "metres", "minutes", "minutes_so_far", "geometry"]
    frame = pd.DataFrame(legs, columns=columns)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=network.crs).set_index(["station_id", "leg"])
