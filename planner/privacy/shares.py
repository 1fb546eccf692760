"""Figures that hold key groups by weight or by share, made so coarse that no small count can be read from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from planner.schema import EquityCurve

Floats = npt.NDArray[np.float64]


def rounded_down(values: npt.ArrayLike, step: float) -> Floats:
    """Values rounded towards zero to whole steps; as they are where the step is 0.

    >>> rounded_down([7.0, 23.0, -12.0], 10).tolist()
    [0.0, 20.0, -10.0]
    """
    number = np.asarray(values, dtype=np.float64)
    return number if step <= 0 else np.trunc(number / step + np.sign(number) * 1e-9) * step


def need_step(weights: Mapping[str, float], minimum: float) -> float:
    """The step to which sums of need are rounded where they may be told apart from residents: `minimum` people of the group
    that weighs most; 0 where no group weighs anything.

    >>> need_step({"jobless": 3.0, "graduates": 2.0}, 10)
    30.0
    """
    return max([weight for weight in weights.values() if weight > 0], default=0.0) * minimum


def publish_equity(curve: EquityCurve, totals: Mapping[str, float], minimum: float) -> EquityCurve:
    """The trade-off of equity as it may leave the machine.

    Parameters
    ----------
    totals
        People of each key group; empty where towns are compared, whose residents are never hidden.
    minimum
        Shares of groups are rounded down to steps of at least a whole percent that hold this many people of the smallest
        group.
    """
    if not totals:
        return curve.copy()
    step = max(0.01, minimum / max(min(totals.values()), 1.0))
    flat = curve.reset_index()
    columns = {name: np.clip(rounded_down(flat[name], step), 0, 1) for name in ("floor", "worst_share", "most_worst_share")}
    table: EquityCurve = flat.assign(**columns).drop_duplicates("floor", keep="first").set_index("floor")
    return table
