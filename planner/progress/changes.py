"""What changed between two runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.errors import TableError
from planner.privacy import too_small
from planner.score import RESIDENTS

MINIMUM_KEY = "privacy.minimum_count"  # of the settings of a run
MINIMUM_COUNT = 10.0  # where a run does not say its own


def compare_runs(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Say what changed between two runs: people, stations, towns and groups.

    Parameters
    ----------
    before, after
        The tables of two runs by name (``stations``, ``towns``, ``groups``, ``demand``), as a run writes them, each with
        its key as index. Suppressed counts are missing in them and stay missing here.

    Returns
    -------
    ``settings`` (where both runs say theirs: the keys of the study that differ), ``people`` (one row: residents covered
    before and after, gained, lost), ``stations`` (those added, removed or whose residents within reach changed), ``towns``
    and ``groups`` (covered before, after and the change; every row of either run). Where a key group changed by somebody, but
    by fewer people than the larger ``minimum_count`` of the two runs, its row is empty: both counts would say who moved.

    Raises
    ------
    TableError
        If the two runs stand on different demand points: their people cannot be told apart one by one.

    Notes
    -----
    ``covered_after - covered_before = gained - lost``, whatever changed.
    """
    people = _changed_people(before["demand"], after["demand"])
    settings = {"settings": _changed_settings(before["settings"], after["settings"])} if "settings" in before else {}
    return settings | {
        "people": people,
        "stations": _changed_stations(before["stations"], after["stations"]),
        "towns": _changed(before["towns"], after["towns"], "covered_pop"),
        "groups": _changed_groups(before, after),
    }


def _changed_settings(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    keys = before.index.union(after.index, sort=False)
    table = pd.DataFrame({"before": before["value"].reindex(keys), "after": after["value"].reindex(keys)}, index=keys)
    differ = table["before"].fillna("") != table["after"].fillna("")
    return table[differ.to_numpy(dtype=bool)]


def _changed_people(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    same = before.index.equals(after.index) and before["population"].equals(after["population"])
    if not same:
        raise TableError(
            f"the runs stand on different demand points ({len(before)} and {len(after)}, "
            f"{before['population'].sum():,.0f} and {after['population'].sum():,.0f} residents); "
            "compare runs of the same area and population"
        )
    people = before["population"]
    then, now = before["covered"].astype(bool), after["covered"].astype(bool)
    row = {
        "population": people.sum(),
        "covered_before": people[then].sum(),
        "covered_after": people[now].sum(),
        "gained": people[now & ~then].sum(),
        "lost": people[then & ~now].sum(),
    }
    return pd.DataFrame([row], index=pd.Index(["residents"], name="who"))


def _changed_stations(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    table = _changed(before, after, "served_pop")
    names = after["name"].reindex(table.index).fillna(before["name"].reindex(table.index))
    added, removed = ~table.index.isin(before.index), ~table.index.isin(after.index)
    changes = np.select([added, removed], ["added", "removed"], "changed")
    table = table.assign(name=names, change=changes)[["name", "change", "before", "after", "difference"]]
    return table[added | removed | (table["difference"].abs() > 0)]


def _changed_groups(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Covered people by group, without the rows whose two counts together tell of a few."""
    table = _changed(before["groups"], after["groups"], "covered")
    minimum = max(_minimum_count(run) for run in (before, after))
    open_to_all = {RESIDENTS} | {str(name) for run in (before, after) for name in _no_persons(run["groups"])}
    few = too_small(table["difference"].abs().fillna(0.0), minimum) & ~table.index.isin(open_to_all)
    return table.mask(pd.Series(few, index=table.index), axis=0)


def _no_persons(groups: pd.DataFrame) -> pd.Index:
    """Groups that are no persons (employers, jobs): their counts are anybody's to know."""
    return groups.index[groups["of"] != "people"] if "of" in groups else groups.index[:0]


def _minimum_count(run: Mapping[str, pd.DataFrame]) -> float:
    said = run["settings"]["value"].get(MINIMUM_KEY) if "settings" in run else None
    return MINIMUM_COUNT if said is None else float(said)


def _changed(before: pd.DataFrame, after: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of both runs side by side, every row of either; the difference is empty where one of them is."""
    rows = before.index.union(after.index)
    table = pd.DataFrame({"before": before[column].reindex(rows), "after": after[column].reindex(rows)}, index=rows)
    return table.assign(difference=table["after"] - table["before"])
