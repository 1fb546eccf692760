"""A composite score of stations: a weighted sum that a study asks for, and how much the ranking moves with the weights."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.errors import Fault, StudyError, say_faults
from planner.schema import COMPOSITE, COMPOSITE_MOVES, CompositeScores
from planner.study import Composite

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COLUMNS = ("served_pop", "sole_pop", "shared_pop", "load", "marginal_pop", "completeness", "rating", "median_walk_min")
LESS_IS_BETTER = frozenset({"median_walk_min"})

_TIE = 9  # decimals in which two scores differ or are the same
_AMOUNT, _SHARE = 3, 7  # decimals in which station scores are written; what tells no stations apart there tells none apart here


def check_weights(composite: Composite, groups: Sequence[str]) -> None:
    """Refuse weights of columns that station scores do not have, all at once.

    Raises
    ------
    StudyError
        Naming the nearest column, or all of them.
    """
    known = (*COLUMNS, *(f"served_{name}" for name in groups))
    faults = []
    for name in composite.weights:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
            faults.append(Fault("station scores have no such column", mend, column="composite.weights", value=name))
    if faults:
        raise StudyError(say_faults(faults), faults)


def composite_scores(scores: pd.DataFrame, composite: Composite) -> CompositeScores:
    """Score stations by a weighted sum of normalised columns, and try the ranking with other weights.

    Parameters
    ----------
    scores
        Station scores as published: what is suppressed there is missing here.
    composite
        Weights by column, how far they are moved, how many random sets, and the seed.

    Returns
    -------
    COMPOSITE: ``score = Σ w x / Σ w`` with each column normalised over the stations, ``x = (value - least) / (most - least)``,
    1 less that where less is better (``median_walk_min``), 0 where all are the same; values are those that are written (amounts
    to 3 decimals, shares to 7), so that the score follows from the published table; a missing value counts as 0 and is named
    in ``missing``. ``part_<column>`` is its ``w x / Σ w``. ``best_rank`` and ``worst_rank``: the ranks when one weight at a
    time is multiplied by ``1 ± spread``; ``rank_p5`` and ``rank_p95``: lower quantiles of the ranks over the random sets,
    each weight multiplied by a number drawn evenly from ``[1 - spread, 1 + spread]``; ``first_share``: how often it came first.

    Notes
    -----
    Min-max normalisation and weight perturbation: OECD and JRC (2008), Handbook on Constructing Composite Indicators.
    Laws: only ratios of weights matter; the parts add up to the score; the same seed gives the same table.
    """
    weights = np.array(list(composite.weights.values()), dtype=np.float64)
    values = normalised(scores, list(composite.weights))
    moved = np.vstack([weights, *_one_at_a_time(weights, composite.spread)])
    ranks, drawn = _ranks(values, moved), _ranks(values, _draws(weights, composite))
    missing = [", ".join(np.array(list(composite.weights))[row]) or None for row in np.isnan(values)]
    parts = np.nan_to_num(values) * weights / weights.sum()
    table = pd.DataFrame(scores[[name for name in ("name", "town") if name in scores]]).assign(
        score=np.minimum(parts.sum(axis=1), 1.0),
        rank=ranks[0],
        best_rank=ranks.min(axis=0),
        worst_rank=ranks.max(axis=0),
        rank_p5=np.quantile(drawn, 0.05, axis=0, method="inverted_cdf"),
        rank_p95=np.quantile(drawn, 0.95, axis=0, method="inverted_cdf"),
        first_share=(drawn == 1).mean(axis=0),
        missing=pd.array(missing, dtype="string"),
        **{f"part_{name}": parts[:, i] for i, name in enumerate(composite.weights)},
    )
    return cast("CompositeScores", COMPOSITE.conform(table))


def weight_moves(scores: pd.DataFrame, composite: Composite) -> pd.DataFrame:
    """Say what each weight does to the ranking when it alone is moved.

    Returns
    -------
    COMPOSITE_MOVES, by ``weight`` and ``times`` (what it is multiplied by): ``spearman``: correlation of the ranks with those
    of the study's weights; ``moved``: stations whose rank changes; ``furthest``: the most places one moves; ``first``: who then
    comes first.
    """
    weights = np.array(list(composite.weights.values()), dtype=np.float64)
    values = normalised(scores, list(composite.weights))
    base = _ranks(values, weights[None, :])[0]
    rows = []
    for (name, times), other in zip(
        ((name, times) for name in composite.weights for times in (1 - composite.spread, 1 + composite.spread)),
        _one_at_a_time(weights, composite.spread),
        strict=True,
    ):
        ranks = _ranks(values, other[None, :])[0]
        moved = np.abs(ranks - base)
        first = ", ".join(map(str, scores.index[ranks == 1]))
        row = {"weight": name, "times": times, "spearman": _spearman(base, ranks), "moved": int((moved > 0).sum())}
        rows.append(row | {"furthest": int(moved.max(initial=0)), "first": first})
    table: pd.DataFrame = COMPOSITE_MOVES.conform(pd.DataFrame(rows))
    return table


def normalised(scores: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """(stations, columns) values from 0 (worst) to 1 (best) of the stations, as they are written; NaN where nothing is said.

    >>> normalised(pd.DataFrame({"served_pop": [0.0, 50.0, 200.0]}), ["served_pop"]).ravel().tolist()
    [0.0, 0.25, 1.0]
    """
    table = np.full((len(scores), len(columns)), np.nan)
    for i, name in enumerate(columns):
        if name in scores and scores[name].notna().any():
            value = scores[name].to_numpy(dtype=np.float64, na_value=np.nan)
            value = value.round(_AMOUNT if np.nanmax(np.abs(value)) > 1 else _SHARE)
            least, most = np.nanmin(value), np.nanmax(value)
            share = (value - least) / (most - least) if most > least else value * 0.0
            table[:, i] = 1.0 - share if name in LESS_IS_BETTER and most > least else share
    return table


def _one_at_a_time(weights: Floats, spread: float) -> list[Floats]:
    moved = []
    for i in range(len(weights)):
        for times in (1 - spread, 1 + spread):
            other = weights.copy()
            other[i] *= times
            moved.append(other)
    return moved


def _draws(weights: Floats, composite: Composite) -> Floats:
    random = np.random.default_rng(composite.seed)
    return weights * random.uniform(1 - composite.spread, 1 + composite.spread, size=(composite.draws, len(weights)))


def _ranks(values: Floats, weights: Floats) -> Ints:
    """(sets, stations) ranks, 1 the highest score, equal scores sharing the better rank."""
    totals = weights.sum(axis=1, keepdims=True)
    scores = np.round(weights @ np.nan_to_num(values).T / np.where(totals > 0, totals, 1.0), _TIE)
    return np.vstack([pd.Series(-row).rank(method="min").to_numpy(dtype=np.int64) for row in scores])


def _spearman(one: Ints, other: Ints) -> float:
    """Correlation of two rankings; 1 where neither tells stations apart."""
    if len(one) < 2 or one.std() == 0 or other.std() == 0:
        return 1.0 if (one == other).all() else 0.0
    return float(np.corrcoef(one, other)[0, 1])
