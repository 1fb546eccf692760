"""Why these sites: who gains, what overlaps, what else would do and what it would cost, and whether a station should move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.coverage import walks_onto
from planner.reach import Reach
from planner.schema import (
    ALTERNATIVES,
    MOVES,
    REASONS,
    Alternatives,
    Candidates,
    Coverage,
    Demand,
    Moves,
    SiteReasons,
    Stations,
)
from planner.siting.arrays import Bools, Floats
from planner.siting.feasible import check_asked
from planner.siting.plan import Plan
from planner.siting.problem import Problem, build_problem, plain_siting
from planner.siting.search import keeps_rules
from planner.study import Siting

_NAMED = 3  # most towns and overlaps that are named in one cell
_NOBODY = 0.5  # people; fewer are not worth a name


@dataclass(frozen=True, eq=False)
class Ground:
    """Who reaches what, in the order of the coverage table.

    Parameters
    ----------
    stations, sites
        (stations × cells), (candidates × cells) csr of 1 where the walk is within the cutoff.
    people, need
        (cells,) residents, weighted need.
    covered
        (cells,) whether a standing station covers it.
    """

    station_ids: pd.Index
    site_ids: pd.Index
    stations: sp.csr_array
    sites: sp.csr_array
    people: Floats
    need: Floats
    covered: Bools

    @classmethod
    def of(cls, reach: Reach, options: Reach, coverage: Coverage, candidates: Candidates) -> Ground:
        stations, sites = _pattern(reach, coverage), _pattern(options, coverage)
        rows = options.facility_ids.get_indexer(candidates.index)
        none = sp.csr_array((1, sites.shape[1]))
        padded = sp.csr_array(sp.vstack([sites, none], format="csr"))  # row -1: a candidate without any time
        return cls(
            reach.facility_ids,
            candidates.index,
            stations,
            sp.csr_array(padded[rows]),
            coverage["population"].to_numpy(dtype=float),
            coverage["need"].to_numpy(dtype=float),
            coverage["covered"].to_numpy(dtype=bool),
        )

    def times(self, sites: pd.Index) -> Floats:
        """(cells,) how many of these sites reach each cell."""
        return np.asarray(self.sites[self.site_ids.get_indexer(sites)].sum(axis=0), dtype=float)


def _pattern(reach: Reach, coverage: Coverage) -> sp.csr_array:
    walks = walks_onto(reach, Demand(coverage))
    return sp.csr_array((np.ones(walks.nnz), walks.indices, walks.indptr), shape=walks.shape)


def explain_sites(
    plan: Plan, reach: Reach, options: Reach, coverage: Coverage, candidates: Candidates, alternatives: Alternatives
) -> SiteReasons:
    """What speaks for each proposed site.

    Parameters
    ----------
    plan
        Its sites are explained, in their order.
    reach, options
        Walks to the standing stations and to the candidates.
    alternatives
        As `alternative_sites` gives them; the best of each site is named.

    Returns
    -------
    `planner.schema.REASONS`. `gain_pop` is what the site adds in the proposed order and `gain_towns` whose it is, – being
    those outside of every town; `sole_pop` are those who would reach nothing if only this site were left out, `shared_pop`
    those who reach another station or site too; ``sole_pop + shared_pop = reached_pop``.
    """
    ground = Ground.of(reach, options, coverage, candidates)
    town = coverage["town"].fillna("–").astype(str) if "town" in coverage else pd.Series("–", index=coverage.index)
    times, before = ground.times(plan.sites.index), ground.covered.copy()
    best = alternatives.reset_index().drop_duplicates("site_id").set_index("site_id")
    rows = []
    for site in plan.sites.index:
        own = ground.times(pd.Index([site])) > 0
        new = own & ~before
        before |= own
        alone = own & ~ground.covered & (times <= 1)
        rows.append(
            {
                "site_id": site,
                "gain_towns": _named(pd.Series(ground.people[new]).groupby(town[new].to_numpy()).sum()),
                "reached_pop": float(ground.people[own].sum()),
                "sole_pop": float(ground.people[alone].sum()),
                "shared_pop": float(ground.people[own & ~alone].sum()),
                "overlaps": _named(_shared(ground, own, plan.sites.index.drop(site))),
                "alternative": best["alternative_id"].get(site),
                "alternative_loss_pop": best["loss_pop"].get(site),
            }
        )
    said = pd.DataFrame(rows, columns=_COLUMNS).set_index("site_id")
    kept = [name for name in ("name", "town", "host", "order", "phase", "gain_pop") if name in plan.sites]
    table: SiteReasons = REASONS.conform(pd.DataFrame(plan.sites[kept]).join(said))
    return table


_COLUMNS = [
    "site_id", "gain_towns", "reached_pop", "sole_pop", "shared_pop", "overlaps", "alternative", "alternative_loss_pop",
]  # fmt: skip


def _shared(ground: Ground, own: Bools, others: pd.Index) -> pd.Series:
    """Residents of these cells who reach each station, and each of the other sites."""
    people = np.where(own, ground.people, 0.0)
    sites = pd.Series(ground.sites[ground.site_ids.get_indexer(others)] @ people, index=others.astype(str))
    return pd.concat([pd.Series(ground.stations @ people, index=ground.station_ids.astype(str)), sites])


def _named(amounts: pd.Series) -> str:
    """The largest amounts with whose they are: ``New Town 1,200; Old Town 300``."""
    wanted = amounts[amounts >= _NOBODY]
    order = sorted(zip(-wanted.to_numpy(dtype=float), wanted.index.astype(str), strict=True))
    return "; ".join(f"{name} {-amount:,.0f}" for amount, name in order[:_NAMED])


def alternative_sites(
    plan: Plan,
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    siting: Siting,
    stations_per_town: Mapping[str, int] | None = None,
    *,
    count: int = 3,
) -> Alternatives:
    """For each proposed site the candidates that would do nearly as well in its place, all others staying.

    Every candidate is looked at; a swap that breaks a rule (minimum or maximum a town, budget, spacing, required) is none.

    Returns
    -------
    `planner.schema.ALTERNATIVES`, the best first; of equals the first by id. `loss_need` and `loss_pop` are what the plan
    then covers less (below 0: more); a required site has no alternative.
    """
    check_asked(candidates, siting)
    plain = replace(plain_siting(siting, len(plan.sites)), prefer={})
    problem, people = (
        build_problem(options, coverage, candidates, plain, stations_per_town, weigh=what) for what in ("need", "population")
    )
    chosen = problem.site_ids.isin(plan.sites.index)
    adds_need, adds_people = _adding(problem, chosen), _adding(people, chosen)
    rows = []
    for site in plan.sites.index:
        at = int(problem.site_ids.get_indexer(pd.Index([site]))[0])
        need, pop = adds_need(at), adds_people(at)
        for rank, j in enumerate(_swaps(problem, chosen, at, need, count), start=1):
            loss = {"loss_need": need[at] - need[j], "loss_pop": pop[at] - pop[j]}
            rows.append({"site_id": site, "rank": rank, "alternative_id": problem.site_ids[j], **loss})
    columns = ["site_id", "rank", "alternative_id", "loss_need", "loss_pop"]
    return _described(pd.DataFrame(rows, columns=columns), candidates)


def _swaps(problem: Problem, chosen: Bools, at: int, need: Floats, count: int) -> Iterator[int]:
    """Candidates that may come for the site `at`, those that leave most need covered first."""
    if problem.rules.forced[at]:
        return
    found = 0
    for j in np.argsort(-need, kind="stable").tolist():
        if found == count:
            return
        if chosen[j]:
            continue
        swapped = chosen.copy()
        swapped[[at, j]] = False, True
        if keeps_rules(problem.rules, swapped):
            found += 1
            yield j


def _adding(problem: Problem, chosen: Bools) -> Callable[[int], Floats]:
    """A function of a chosen site: (sites,) what each adds to the chosen ones that are left without it."""
    reach = sp.csr_array(problem.reach.astype(np.float64))
    times = np.asarray(reach[np.flatnonzero(chosen)].sum(axis=0), dtype=float)

    def adds(without: int) -> Floats:
        open_now = (times - reach[[without]].toarray()[0]) < 0.5
        return np.asarray(reach @ np.where(open_now, problem.weight, 0.0))

    return adds


def _described(found: pd.DataFrame, candidates: Candidates) -> Alternatives:
    """With the name, town and host of each alternative, and how far off it is."""
    other, own = candidates.loc[found["alternative_id"]], candidates.loc[found["site_id"]]
    words = {name: other[name].to_numpy() for name in ("name", "town", "host") if name in other}
    metres = np.hypot(
        other.geometry.x.to_numpy() - own.geometry.x.to_numpy(), other.geometry.y.to_numpy() - own.geometry.y.to_numpy()
    )
    table: Alternatives = ALTERNATIVES.conform(found.assign(**words, away_m=metres))
    return table


def station_moves(
    reach: Reach,
    options: Reach,
    coverage: Coverage,
    candidates: Candidates,
    stations: Stations,
    *,
    within_town: bool = False,
    own: pd.Index | None = None,
) -> Moves:
    """What each standing station contributes, and the candidate it would do better at, before any new site is built.

    Every candidate is looked at (with `within_town` every one of the station's own town), exactly: what is covered without
    the station and with the candidate. Only stations in `own` (None: all) may be moved; a neighbour's is told with what it
    contributes alone.

    Returns
    -------
    `planner.schema.MOVES`: `sole_pop` would reach nothing without the station. `to_id` is the candidate that covers most
    need in its place (of equals the first by id), `gain_pop` and `gain_need` what the move adds; empty where every move
    loses need or gains none.
    """
    ground = Ground.of(reach, options, coverage, candidates)
    alone = np.asarray(ground.stations.sum(axis=0)) == 1
    free = np.asarray(ground.sites @ np.where(ground.covered, 0.0, ground.need), dtype=float)
    rows = []
    for row, station in enumerate(ground.station_ids):
        cells = ground.stations.indices[ground.stations.indptr[row] : ground.stations.indptr[row + 1]]
        sole = np.zeros(len(ground.people), dtype=bool)
        sole[cells] = alone[cells]
        change = free + ground.sites @ np.where(sole, ground.need, 0.0) - ground.need[sole].sum()
        entry: dict[str, object] = {"station_id": station, "sole_pop": float(ground.people[sole].sum())}
        if within_town and "town" in candidates:
            here = (candidates["town"] == stations["town"].get(station)).fillna(False)  # nowhere is no town
            change = np.where(here.to_numpy(dtype=bool), change, -np.inf)
        moves = own is None or station in own
        if moves and len(change) and change.max() > 1e-9 * max(float(ground.need.sum()), 1.0):
            best = int(np.argmax(change))
            then = np.where(ground.covered & ~sole, 0.0, ground.people)
            entry |= {"to_id": ground.site_ids[best], "gain_need": float(change[best])}
            entry["gain_pop"] = float((ground.sites[[best]] @ then)[0] - ground.people[sole].sum())
        rows.append(entry)
    found = pd.DataFrame(rows, columns=["station_id", "sole_pop", "to_id", "gain_need", "gain_pop"]).set_index("station_id")
    names = candidates["name"].reindex(found["to_id"].dropna())
    found["to_name"] = found["to_id"].map(names.groupby(level=0).first())
    kept = [name for name in ("name", "town") if name in stations]
    table: Moves = MOVES.conform(pd.DataFrame(stations.loc[found.index, kept]).join(found))
    return table
