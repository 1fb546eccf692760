"""Which of the study's stations stand and count: asked in one place by everything that measures them."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import NamedTuple

import pandas as pd

from planner.errors import PlannerWarning
from planner.policy import named
from planner.progress import standing_stations
from planner.schema import Stations, Towns
from planner.sources.files import default_as_of, read_stations
from planner.sources.packs import read_policy
from planner.standards import warn_of_words
from planner.study import Study


class Counted(NamedTuple):
    """The stations that count, of every status (`every`), and those that stand on the study's day."""

    every: Stations
    as_of: dt.date
    standing: Stations


def read_counted(study: Study, towns: Towns) -> Counted:
    """The stations of a study that count, by station_id, and which of them stand.

    A station just outside counts for the people inside who can walk there, unless ``stations.outside`` is false. Points of
    a kind that the policy pack calls outreach are no stations, unless ``stations.outreach`` is true; a warning counts them, and
    others say which kinds and tiers are no words of the pack.

    Raises
    ------
    TableError, SourceError
        What is wrong with the table.
    """
    every = _that_count(study, Stations(read_stations(study, towns=towns).sort_index()), towns)
    warn_of_words(read_policy(study), every)
    as_of = study.as_of or default_as_of(every)
    return Counted(every, as_of, standing_stations(every, as_of))


def _that_count(study: Study, stations: Stations, towns: Towns) -> Stations:
    """The stations without outreach points and without those outside the area, where the study leaves them out."""
    kinds = read_policy(study).outreach_kinds
    kind = stations["kind"] if "kind" in stations else pd.Series(None, index=stations.index, dtype=object)
    apart = kind.map(lambda word: named(word, kinds)).to_numpy(dtype=bool) & (not study.stations.outreach)
    beyond = ~stations.intersects(towns.union_all()).to_numpy(dtype=bool) & (not study.stations.outside)
    for left_out, what, switch in ((apart, "outreach points", "outreach"), (beyond, "stations outside the area", "outside")):
        if left_out.any():
            said = f"{int(left_out.sum())} {what} are not counted as stations (the first is {stations.index[left_out][0]})"
            warnings.warn(f"{said}; [stations] {switch} = true counts them", PlannerWarning, stacklevel=3)
    return Stations(stations[~(apart | beyond)])
