"""The tables of a run as they may leave the machine together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.coverage import walks_onto
from planner.privacy.catchments import Sums, hide_catchments
from planner.privacy.places import GroupByTown, hide_gains, hide_points, hide_towns
from planner.privacy.sums import NOBODY, Floats, Marks, Table, too_small, without
from planner.reach import Reach
from planner.schema import Demand
from planner.score import RESIDENTS

FAMILIES = {"demand": "pop_", "towns": "covered_", "stations": "served_", "sites": "gain_"}  # columns of key groups
RESIDENT_COLUMNS = frozenset({"covered_pop", "served_pop", "gain_pop", "gain_need"})  # of those names, not a group's
NEED_COLUMNS = {"demand": "need", "sites": "gain_need"}  # residents and groups by weight: gives the group away
PLAIN = ("need_covered_before", "need_covered_after", "gap")  # of any plan: sums over whom its sites gain, and none
PHASES = "phase_losses"  # of a plan: beside sums over whom other sites would cover
OTHERWISE = ("need_decayed", "need_backed_up", "need_served")  # begin the figures of plans that count need otherwise than once
INSIDE = "in_"  # of demand points: residents in an area of priority, where need counts more
BEYOND = {"median_walk_min": 0.5, "p90_walk_min": 0.1}  # of a group's covered people, at most, walk farther
QUANTILE_DECIMALS = 1  # of minutes: a finer one names the demand point it is of, where then somebody of the group lives
WALK_COLUMNS = ("saved_walk_h", "decayed_need")  # of sites: need by walks, also of people whom others' counts are about


def publishable(name: str, table: Table, minimum: float) -> Table:
    """Give one table of a run as it may leave the machine; see `publish_tables`, which knows what the others say.

    Use it for a table that is published alone.
    """
    return publish_tables({name: table}, minimum)[name]


def publish_tables(
    tables: Mapping[str, Table],
    minimum: float,
    *,
    reach: Reach | None = None,
    options: Reach | None = None,
    open_groups: Collection[str] = (),
) -> dict[str, Table]:
    """Give the tables of a run as they may leave the machine together.

    Parameters
    ----------
    tables
        By name: ``demand`` (COVERAGE), ``towns``, ``groups``, ``stations``, ``sites``; others pass as they are.
    minimum
        Counts of a key group above 0 and below this become empty; 0 hides nothing.
    reach
        The walks the scores were measured with. With them, and with ``demand`` among the tables, stations are also
        protected against somebody who knows which points lie in whose catchment.
    options
        The walks to the candidates; with them the gains of sites are protected in the same way.
    open_groups
        Groups that are no persons (employers, jobs), whose counts are published as they are.

    Returns
    -------
    Copies with the same rows and columns. For each key group these become empty:

    - counts that are too small, and those whose complement is (covered of a total, served of all covered);
    - further towns, points and sites, so that what is left of a published sum is at least two counts and `minimum` people;
      district and town totals of a group count as known to everyone;
    - the district's covered count, where no other town could cover up for the small ones;
    - ``need`` and ``gain_need`` in rows where a group's count is empty, since the weights are published; of all sites, where
      any is, ``saved_walk_h`` and ``decayed_need``, and ``gain_need`` where need counts more in areas of priority;
    - in ``groups`` the shares and quantiles of what is hidden.

    Counts of all residents are never hidden.

    Notes
    -----
    Laws: no empty count of ``demand``, ``towns`` or ``groups`` (with `reach`, nor of ``stations``) follows from the others by
    adding and subtracting; where all counts and complements are large nothing is hidden. With `options` nor do gains of sites;
    without, these are protected against each other and against who is left uncovered, not against somebody who rebuilds each
    site's catchment.
    """
    who = _catchments(tables, reach, options)
    hidden = {group: _hide(tables, group, minimum, who) for group in _groups(tables) if group not in open_groups}
    shown = {name: _published(name, table, hidden, minimum) for name, table in tables.items()}
    if "sites" in shown and _has_empty_need(shown):
        told = [*WALK_COLUMNS, *(["gain_need"] if _tells_of_areas(shown) else [])]
        shown["sites"] = shown["sites"].assign(**{name: np.nan for name in told if name in shown["sites"]})
    return shown


def publish_summary(
    summary: Mapping[str, Any],
    groups: pd.DataFrame,
    *,
    sites: pd.DataFrame | None = None,
    minimum: float = 0,
    shown: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """Give headline figures (`score.summarise`) that say no more than the published group scores do.

    Parameters
    ----------
    summary
        Figures with ``groups`` by name, and ``need``, ``covered_need``, ``need_coverage``.
    groups
        The group scores as `publish_tables` gives them.
    sites
        The proposed sites as they are, with the gains of the groups whose counts are not open; default none.
    minimum
        Fewer people of a group that all sites together gain, or leave over, are told by nothing.
    shown
        The tables as `publish_tables` gives them; of these ``sites`` and ``demand`` count. Default: none is published.

    Returns
    -------
    A copy in which the figures of a group are empty where they are in `groups`; if any are, so is all that counts need, since
    the weights are published (``plan`` included). So it is where need counts more in areas of priority and a point's is empty:
    beside the plain sums it tells how many of a group live there. The plan's need is empty too where all sites together gain
    or leave few, or where a site's gain is empty, which what need is covered before and after would tell; and what it counts
    by walks, twice, by capacity, over all candidates or by the best sites of a phase alone is where a point's need is: such a
    sum is one more over other points.
    """
    said = dict(summary)
    said["groups"] = {
        name: {key: _figure(groups, name, key, value) for key, value in figures.items()}
        for name, figures in summary.get("groups", {}).items()
    }
    tables = {} if shown is None else shown
    is_hidden = bool(groups[["total", "covered"]].isna().to_numpy().any()) or _tells_of_areas(tables)
    if is_hidden:
        said |= {key: None for key in ("need", "covered_need", "need_coverage") if key in said}
    few = is_hidden or _has_empty_gains(tables) or (sites is not None and _gains_few(sites, groups, minimum))
    plan = said.get("plan")
    if isinstance(plan, Mapping) and (few or _has_empty_need(tables)):
        kept = () if few else plan.keys() - {PHASES} if _is_plain(plan) else PLAIN
        said["plan"] = {key: None if _counts_need(key, plan) and key not in kept else value for key, value in plan.items()}
    return said


def _gains_few(sites: pd.DataFrame, groups: pd.DataFrame, minimum: float) -> bool:
    """Whether all sites together gain few people of a group, or leave few: what need is covered before and after tells both."""
    named = [str(name) for name in groups.index if FAMILIES["sites"] + str(name) in sites and name != RESIDENTS]
    gained = sites[[FAMILIES["sites"] + name for name in named]].sum().to_numpy(np.float64)
    left = (groups.loc[named, "total"] - groups.loc[named, "covered"]).to_numpy(np.float64) - gained
    return bool((too_small(gained, minimum) | too_small(left, minimum)).any())


def _is_plain(plan: Mapping[str, Any]) -> bool:
    """Whether all figures of a plan are sums over whom the stations and the sites cover, once each, whatever the walk."""
    return plan["method"] == "mclp" and not any(key.startswith(OTHERWISE) for key in plan)


def _has_empty_need(tables: Mapping[str, pd.DataFrame]) -> bool:
    demand = tables.get("demand", pd.DataFrame())
    return "need" in demand and bool(demand["need"].isna().any())


def _has_empty_gains(tables: Mapping[str, pd.DataFrame]) -> bool:
    sites = tables.get("sites", pd.DataFrame())
    gains = [name for name in sites if str(name).startswith(FAMILIES["sites"])]
    return bool(sites[gains].isna().to_numpy().any())


def _tells_of_areas(tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether a sum of need, less what residents and groups count without areas of priority, tells of a point that is empty."""
    has_areas = any(str(name).startswith(INSIDE) for name in tables.get("demand", pd.DataFrame()))
    return has_areas and _has_empty_need(tables)


def _counts_need(key: str, plan: Mapping[str, Any]) -> bool:
    """Whether a figure of a plan is a sum over need; what the fewest sites and the worst walk are measured in is none."""
    if key in ("objective", "objective_bound"):
        return plan["method"] not in ("lscp", "p-center")
    return key.startswith(("need_", "mean_walk_")) or key in ("bound", "gap", "share_reached", PHASES)


@dataclass(frozen=True)
class _Hidden:
    """What to hide of one group: the marked rows of each table, and the district's own figures."""

    rows: Mapping[str, Marks]
    total: bool
    covered: bool

    @property
    def points(self) -> bool:
        """Whether any demand point's count is hidden."""
        return "demand" in self.rows and bool(self.rows["demand"].any())


def _groups(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    named = [str(name) for name in tables["groups"].index if name != RESIDENTS] if "groups" in tables else []
    for table, prefix in FAMILIES.items():
        columns = [str(column) for column in tables[table].columns] if table in tables else []
        named += [c.removeprefix(prefix) for c in columns if c.startswith(prefix) and c not in RESIDENT_COLUMNS]
    return list(dict.fromkeys(named))


def _hide(tables: Mapping[str, pd.DataFrame], group: str, minimum: float, who: Mapping[str, sp.csr_array]) -> _Hidden:
    towns = _by_town(tables, group)
    total, covered = _district(tables, group, towns)
    hide_total = bool(too_small([total], minimum)[0])
    hide_covered = bool((too_small([covered], minimum) | too_small([total - covered], minimum) & (covered > NOBODY))[0])
    marks, hide_covered = hide_towns(towns, minimum, alone=hide_covered)
    rows: dict[str, Marks] = {"towns": marks[:-1]}
    points, served, gains = (_counts(tables, table, group) for table in ("demand", "stations", "sites"))
    if points is not None:
        is_covered = tables["demand"]["covered"].to_numpy(dtype=np.bool_)
        homes = tables["demand"]["population"].to_numpy(np.float64) >= minimum if "population" in tables["demand"] else None
        block = towns.of_point * 2 + is_covered
        rows["demand"] = hide_points(points, block, marks, minimum, apart=hide_covered, homes=homes)
    if served is not None:
        rows["stations"] = too_small(served, minimum) | (too_small(covered - served, minimum) & (served > NOBODY))
    if gains is not None:
        rows["sites"] = hide_gains(gains, total - covered - float(gains.sum()), minimum)
    known = [name for name in who if name in rows]
    if points is not None and known:
        sums = _sums(towns.of_point, is_covered, marks, hide_total=hide_total, hide_covered=hide_covered)
        inside = sp.csr_array(sp.vstack([who[name] for name in known], format="csr"))
        found = hide_catchments(points, rows["demand"], sums, inside, np.concatenate([rows[name] for name in known]), minimum)
        ends = np.cumsum([len(rows[name]) for name in known])[:-1]
        rows |= dict(zip(known, np.split(found, ends), strict=True))
    return _Hidden(rows, hide_total, hide_covered)


def _sums(town: npt.NDArray[np.int64], is_covered: Marks, hidden: Marks, *, hide_total: bool, hide_covered: bool) -> Sums:
    """Over which points the district's and the towns' counts are sums; the totals of towns may be known from elsewhere."""
    everywhere = np.ones(len(town), dtype=np.bool_)
    here = [town == number for number in range(len(hidden))]
    covered = [(each & is_covered, is_hidden) for each, is_hidden in zip(here, hidden.tolist(), strict=True)]
    covered += [(is_covered, hide_covered), (everywhere, hide_total)]
    shown = [each for each, is_hidden in covered if not is_hidden]
    return Sums(shown, here, [each for each, is_hidden in covered if is_hidden])


def _catchments(tables: Mapping[str, pd.DataFrame], reach: Reach | None, options: Reach | None) -> dict[str, sp.csr_array]:
    """By table, whose counts at which points its rows sum up: of a station its catchment, of a site who is first covered by it.

    Rows x points in the order of the tables, stored (1) where the point counts; a table whose walks are not given is left out.
    """
    found = {}
    if reach is not None and {"stations", "demand"} <= tables.keys():
        found["stations"] = _inside(reach, tables, "stations")
    if options is not None and {"sites", "demand"} <= tables.keys():
        within = _inside(options, tables, "sites").toarray().astype(np.bool_)
        before = np.vstack([tables["demand"]["covered"].to_numpy(dtype=np.bool_)[None, :], within]).cumsum(axis=0)[:-1] > 0
        found["sites"] = sp.csr_array((within & ~before).astype(np.float64))
    return found


def _inside(reach: Reach, tables: Mapping[str, pd.DataFrame], name: str) -> sp.csr_array:
    """Which points lie within reach of each row's place."""
    walks = walks_onto(reach, cast("Demand", tables["demand"]))
    inside = sp.csr_array((np.ones(walks.nnz), walks.indices, walks.indptr), shape=walks.shape)
    none = sp.csr_array((1, walks.shape[1]), dtype=np.float64)
    padded = sp.csr_array(sp.vstack([inside, none], format="csr"))  # row -1: a place that reach does not know
    return sp.csr_array(padded[reach.facility_ids.get_indexer(tables[name].index)])


def _counts(tables: Mapping[str, pd.DataFrame], table: str, group: str) -> Floats | None:
    column = FAMILIES[table] + group
    return tables[table][column].to_numpy(dtype=np.float64) if table in tables and column in tables[table] else None


def _by_town(tables: Mapping[str, pd.DataFrame], group: str) -> GroupByTown:
    points, towns = _counts(tables, "demand", group), _counts(tables, "towns", group)
    if points is None:
        covered = np.append(np.zeros(0) if towns is None else towns, 0.0)
        return GroupByTown(covered, np.full(len(covered), np.inf), np.zeros(0, dtype=np.int64))
    demand = tables["demand"]
    town = pd.Index(demand["town"] if "town" in demand else np.full(len(demand), np.nan, dtype=object))
    names = tables["towns"].index if "towns" in tables else town.dropna().unique()
    row = np.asarray(names.get_indexer(town), dtype=np.int64)
    row[row < 0] = len(names)
    is_covered = demand["covered"].to_numpy(dtype=np.bool_)
    amounts = [np.bincount(row, weights=points * side, minlength=len(names) + 1) for side in (is_covered, ~is_covered)]
    return GroupByTown(amounts[0].astype(np.float64), amounts[1].astype(np.float64), row)


def _district(tables: Mapping[str, pd.DataFrame], group: str, towns: GroupByTown) -> tuple[float, float]:
    """The group's people and its covered people; infinitely many where no table tells."""
    if "groups" in tables and group in tables["groups"].index:
        total, covered = tables["groups"].loc[[group], ["total", "covered"]].to_numpy(dtype=np.float64)[0]
        return float(total), float(covered)
    if len(towns.covered) == 1 and np.isinf(towns.uncovered[0]):
        return np.inf, np.inf
    by_town = float(towns.covered.sum())
    return by_town + float(towns.uncovered.sum()), by_town


def _published(name: str, table: Table, hidden: Mapping[str, _Hidden], minimum: float) -> Table:
    if name == "groups":
        return _published_groups(table, hidden, minimum)
    if name not in FAMILIES:
        return table
    columns = {FAMILIES[name] + group: found.rows[name] for group, found in hidden.items() if name in found.rows}
    columns = {column: marks for column, marks in columns.items() if column in table.columns}
    need = NEED_COLUMNS.get(name)
    if need in table.columns and columns:
        columns |= {str(need): np.any(list(columns.values()), axis=0)}
    if name == "sites" and any(marks.any() for marks in columns.values()):
        everywhere = np.ones(len(table), dtype=np.bool_)
        columns |= {column: everywhere for column in WALK_COLUMNS if column in table.columns}
    return without(table, columns)


def _published_groups(table: Table, hidden: Mapping[str, _Hidden], minimum: float) -> Table:
    """Group scores without what is hidden.

    Where points are hidden, a quantile says how many people are at the far ones, which must not be few, and is rounded.
    """
    total = np.array([name in hidden and hidden[str(name)].total for name in table.index], dtype=np.bool_)
    covered = np.array([name in hidden and hidden[str(name)].covered for name in table.index], dtype=np.bool_)
    marks = {"total": total} | {name: covered for name in ("covered", "coverage") if name in table.columns}
    private = np.array([name in hidden and hidden[str(name)].points for name in table.index], dtype=np.bool_)
    for name, beyond in BEYOND.items():
        if name in table.columns:
            marks[name] = covered | (private & too_small(table["covered"].to_numpy(np.float64) * beyond, minimum))
            rounded = {name: table[name].where(~private, table[name].round(QUANTILE_DECIMALS))}
            table = table.assign(**rounded)
    return without(table, marks)


def _figure(groups: pd.DataFrame, name: str, key: str, value: Any) -> Any:
    """A group's figure as the published scores have it: empty where it is there, and a quantile as coarse."""
    if name not in groups.index or key not in groups.columns:
        return value
    shown = groups.loc[name, key]
    return None if pd.isna(shown) else float(shown) if key in BEYOND else value  # type: ignore[arg-type]
