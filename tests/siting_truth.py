"""Small siting problems drawn with every rule at once, and what a search of all their choices finds: a second opinion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import linprog
from siting_towns import siting_town

from planner.reach import Reach
from planner.schema import COVERAGE, Candidates, Coverage
from planner.siting import Standing
from planner.study import Equity, Method, Phase, Siting

CUTOFF_S = 900.0
MODELS = ("mclp", "decay", "backup", "capacity", "p-median", "lscp", "p-center", "floor", "worst")
DECAYS = {
    "linear": lambda t: np.maximum(1 - t / CUTOFF_S, 0.0),
    "gaussian": lambda t: 2.0 ** -((t / 450) ** 2),
    "exponential": lambda t: 2.0 ** -(t / 450),
    "gaussian-to-zero": lambda t: np.maximum((np.exp(-0.5 * (t / 900) ** 2) - np.exp(-0.5)) / (1 - np.exp(-0.5)), 0.0),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One small town and what is asked of it.

    `walk_s` is (sites + 1 x cells), the last row the nearest station; infinite beyond the cutoff.
    """

    model: str
    tables: tuple[Reach, Coverage, Candidates]
    siting: Siting
    stations: dict[str, int]
    standing: Standing
    walk_s: np.ndarray
    need: np.ndarray
    room: float

    @property
    def names(self) -> list[str]:
        return [f"s{i}" for i in range(len(self.walk_s) - 1)]

    @property
    def allowed(self) -> np.ndarray:
        return ~np.isin(self.names, self.siting.forbidden)

    def best_walk_s(self, stands: np.ndarray) -> np.ndarray:
        """(cells,) the shortest walk to the station or one of these sites."""
        return self.walk_s[np.append(stands, True)].min(axis=0)

    @property
    def coverable(self) -> np.ndarray:
        return np.isfinite(self.best_walk_s(self.allowed))

    def bonus(self, stands: np.ndarray) -> float:
        hosts = self.tables[2]["host"].to_numpy()
        return float(sum(self.siting.prefer.get(host, 0.0) for host in hosts[stands]))


def drawn_case(model: str, seed: int) -> Case:
    """A town of up to seven candidates and nine cells, with some of every rule."""
    draw = np.random.default_rng([MODELS.index(model), seed])
    phased = model in ("mclp", "decay", "p-median", "floor", "worst") and draw.random() < 0.35
    sites, cells = int(draw.integers(2, 6 if phased or model == "capacity" else 8)), int(draw.integers(1, 10))
    minutes = draw.integers(0, 16, (sites + 1, cells))
    walk_s = np.where(draw.random(minutes.shape) < draw.uniform(0.15, 0.6), minutes * 60.0, np.inf)
    walk_s[-1, draw.random(cells) < 0.6] = np.inf
    need = draw.integers(0, 10, cells) / (3.0 if draw.random() < 0.2 else 1.0)
    covered = np.flatnonzero(np.isfinite(walk_s[-1]))
    town_names = ["A", "B", "C"][: int(draw.integers(1, 4))]
    options, coverage, candidates = siting_town(
        {f"s{i}": {int(c): walk_s[i, c] for c in np.flatnonzero(np.isfinite(walk_s[i]))} for i in range(sites)},
        need.tolist(),
        covered=covered.tolist(),
        walks={int(c): walk_s[-1, c] for c in covered},
        cell_towns=[str(name) for name in draw.choice(town_names, cells)],
        towns=[str(name) for name in draw.choice(town_names, sites)],
        places=[(float(x), float(y)) for x, y in draw.integers(0, 4, (sites, 2))],
        cost=draw.integers(1, 6, sites).astype(float).tolist(),
        host=[str(host) for host in draw.choice(["hall", "school"], sites)],
        capacity=draw.integers(1, 13, sites).astype(float).tolist(),
    )
    old = draw.random(cells) < 0.5
    coverage = COVERAGE.conform(coverage.assign(pop_old=np.where(old, need, 0.0), pop_young=np.where(old, 0.0, need)))
    room = float(draw.integers(1, 12))
    row = sp.csr_array((walk_s[-1, covered].astype("float32"), ([0] * len(covered), covered)), shape=(1, cells))
    standing = Standing(Reach(pd.Index(["old"]), coverage.index, row), pd.Series([room], ["old"]))
    stations = {town_names[0]: 1} if draw.random() < 0.5 else {}
    siting = _drawn_siting(model, draw, sites, phased=phased)
    return Case(model, (options, coverage, candidates), siting, stations, standing, walk_s, need, room)


def _drawn_siting(model: str, draw: np.random.Generator, sites: int, *, phased: bool) -> Siting:
    names = [f"s{i}" for i in range(sites)]

    def one_of(*values: Any) -> Any:
        return values[int(draw.integers(len(values)))]

    count = int(draw.integers(1, sites + 1))
    prefer = one_of({}, {"hall": 3.0}, {"hall": 2.0, "school": 5.0}) if model != "p-center" else {}
    least = one_of(0, 0, 1)
    siting = Siting(
        sites=count,
        per_town_min=least,
        per_town_max=one_of(None, None, 2, 3),
        required=tuple(draw.choice(names, int(draw.integers(0, 2)), replace=False).tolist()),
        forbidden=tuple(draw.choice(names, int(draw.integers(0, 2)), replace=False).tolist()),
        spacing_m=one_of(0.0, 0.0, 1.0, 1.5),
        budget=one_of(None, None, 6.0, 12.0),
        prefer=prefer,
    )
    more: dict[str, Any] = {
        "mclp": {},
        "decay": {"decay": one_of(*DECAYS)},
        "backup": {"backup": one_of(0.25, 0.5, 1.0)},
        "capacity": {"capacity": True},
        "p-median": {"method": Method.P_MEDIAN, "unreached_minutes": one_of(None, 20.0)},
        "lscp": {"method": Method.LSCP, "share": one_of(0.5, 0.9, 0.95, 1.0)},
        "p-center": {"method": Method.P_CENTER, "share": one_of(0.5, 0.9, 1.0)},
        "floor": {"equity": Equity(by=one_of("town", "group"), floor=one_of(0.25, 0.5, 0.75))},
        "worst": {"equity": Equity(by=one_of("town", "group"), weight=one_of(0.3, 0.8, 1.0), floor=one_of(0.0, 0.0, 0.4))},
    }[model]
    if phased:
        parts = draw.multinomial(count, [1 / 3, 2 / 3])
        more["phases"] = tuple(Phase(dt.date(2025 + i, 1, 1), int(n)) for i, n in enumerate(parts))
    return replace(siting, **more)


def kept_choices(case: Case) -> Iterator[np.ndarray]:
    """The phase of each site (0: not chosen), for every choice that keeps the rules."""
    siting, sites = case.siting, len(case.names)
    steps = np.cumsum([phase.sites for phase in siting.phases] or [siting.sites])
    for phase in product(range(len(steps) + 1), repeat=sites):
        now = np.array(phase)
        stand = np.array([((now > 0) & (now <= t)).sum() for t in range(1, len(steps) + 1)])
        right = (stand <= steps).all() if siting.budget is not None else (stand == steps).all()
        if (right or siting.method is Method.LSCP) and _keeps(case, now > 0):
            yield now


def _keeps(case: Case, stands: np.ndarray) -> bool:
    siting, (_, coverage, candidates) = case.siting, case.tables
    chosen = candidates[stands]
    names = set(chosen.index)
    inside = chosen["town"].value_counts()
    places = np.column_stack([chosen.geometry.x, chosen.geometry.y])
    near = [float(np.hypot(*(places[i] - places[j]))) for i, j in combinations(range(len(places)), 2)]
    for town in set(candidates["town"]) | set(coverage["town"]) | set(case.stations):
        have = case.stations.get(town, 0) + int(inside.get(town, 0))
        if have < siting.per_town_min:
            return False
        if siting.per_town_max is not None and inside.get(town, 0) and have > siting.per_town_max:
            return False
    return (
        set(siting.required) <= names
        and not set(siting.forbidden) & names
        and (siting.budget is None or chosen["cost"].sum() <= siting.budget)
        and all(metres >= siting.spacing_m for metres in near)
    )


def worths(case: Case) -> list[tuple[float, np.ndarray]]:
    """The objective of every choice that keeps the rules and the model's own condition, and the choice."""
    found = [(worth_of(case, phase), phase) for phase in kept_choices(case)]
    return [(worth, phase) for worth, phase in found if worth is not None]


def worth_of(case: Case, phase: np.ndarray) -> float | None:
    """The objective of a choice in the unit of the plan; None where it is no plan of the model at all."""
    siting = case.siting
    if siting.method is Method.LSCP:
        return float((phase > 0).sum()) if _share_within(case, phase > 0, CUTOFF_S) else None
    if siting.method is Method.P_CENTER:
        walks = sorted({0.0, *case.walk_s[np.isfinite(case.walk_s)].tolist()})
        return next((walk / 60 for walk in walks if _share_within(case, phase > 0, walk)), None)
    periods = max(len(siting.phases), 1)
    total = sum(_worth_then(case, (phase > 0) & (phase <= t)) for t in range(1, periods + 1))
    if siting.equity is None:
        return float(total)
    shares = part_shares(case, phase > 0)
    if not len(shares) or (shares < siting.equity.floor - 1e-12).any():
        return None
    weight = siting.equity.weight
    price = min(periods * weight / (1 - weight), 1000.0) if weight < 1 else 1000.0
    new = float(case.need[case.coverable & ~np.isfinite(case.walk_s[-1])].sum())
    return float(total + price * new * shares.min())


def _share_within(case: Case, stands: np.ndarray, walk_s: float) -> bool:
    """Whether the share asked for of those who can be covered is within so many seconds."""
    can = case.coverable & (case.need > 0)
    served = can & (case.best_walk_s(stands) <= walk_s)
    if case.siting.share == 1:
        return bool((served == can).all())
    return bool(case.need[served].sum() >= case.siting.share * case.need[can].sum() * (1 - 1e-12))


def _worth_then(case: Case, stands: np.ndarray) -> float:
    """What counts at the end of one phase, the bonuses of hosts included."""
    siting, walk_s = case.siting, case.best_walk_s(stands)
    near = np.isfinite(walk_s)
    if siting.method is Method.P_MEDIAN:
        most = 60.0 * (siting.unreached_minutes or CUTOFF_S / 60)
        return float((case.need * np.minimum(walk_s, most)).sum() / 60 - case.bonus(stands))
    if siting.capacity:
        return _served(case, stands) + case.bonus(stands)
    if siting.backup:
        times = np.isfinite(case.walk_s[np.append(stands, True)]).sum(axis=0)
        return float((case.need * ((times >= 1) + siting.backup * (times >= 2))).sum() + case.bonus(stands))
    each = DECAYS[siting.decay](np.where(near, walk_s, 0.0)) if siting.decay else np.ones(len(near))
    return float((case.need * each)[near].sum() + case.bonus(stands))


def _served(case: Case, stands: np.ndarray) -> float:
    """The most people that fit: a transport problem, by scipy."""
    doors = np.append(np.flatnonzero(stands), len(stands))
    rooms = np.append(case.tables[2]["capacity"].to_numpy()[stands], case.room)
    door, cell = np.nonzero(np.isfinite(case.walk_s[doors]))
    if not len(door):
        return 0.0
    rows = np.vstack([cell == np.arange(len(case.need))[:, None], door == np.arange(len(doors))[:, None]]).astype(float)
    return float(-linprog(-np.ones(len(door)), A_ub=rows, b_ub=[*case.need, *rooms]).fun)


def part_shares(case: Case, stands: np.ndarray) -> np.ndarray:
    """The share covered of each part that has anybody who can be covered."""
    coverage = case.tables[1]
    equity = case.siting.equity or Equity()
    if equity.by == "town":
        amounts = [np.where(coverage["town"] == town, case.need, 0.0) for town in sorted(set(coverage["town"]))]
    else:
        amounts = [coverage[name].to_numpy() for name in ("pop_old", "pop_young")]
    covered = np.isfinite(case.best_walk_s(stands))
    wholes = [(people, people[case.coverable].sum()) for people in amounts]
    return np.array([people[covered].sum() / whole for people, whole in wholes if whole > 0])
