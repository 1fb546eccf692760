"""How much a walk of t seconds counts: 1 at the door, never rising, in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Decay = Callable[[Floats], Floats]  # walking seconds, each >= 0, to weights


def step(walk_s: npt.ArrayLike, *, cutoff_s: float) -> Floats:
    """Weigh walks by 1 up to and at `cutoff_s`, by 0 beyond: the catchment of 2SFCA (Luo and Wang 2003).

    >>> step([0.0, 900.0, 900.5], cutoff_s=900).tolist()
    [1.0, 1.0, 0.0]
    """
    return np.asarray(_seconds(walk_s) <= _positive(cutoff_s, "cutoff_s"), dtype=np.float64)


def zones(walk_s: npt.ArrayLike, *, until_s: Sequence[float], weights: Sequence[float]) -> Floats:
    """Weigh walks by the zone they end in: `weights[i]` up to and at `until_s[i]`, 0 beyond the last.

    Enhanced 2SFCA as published (Luo and Qi 2009) has zones of 10, 20 and 30 minutes with weights 1, 0.68 and 0.22 (slow decay)
    or 1, 0.42 and 0.09 (fast).

    Raises
    ------
    ValueError
        If the ends do not rise, or the weights rise, leave [0, 1] or are not as many.

    Examples
    --------
    >>> zones([0.0, 300.0, 301.0, 901.0], until_s=[300, 900], weights=[1.0, 0.5]).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    ends, weight = np.asarray(until_s, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if len(ends) != len(weight) or not len(ends) or (np.diff(ends) <= 0).any() or ends[0] <= 0:
        raise ValueError(
            f"zones end at {list(until_s)} with weights {list(weights)}; give rising ends > 0 and one weight for each"
        )
    if (np.diff(weight) > 0).any() or weight[0] > 1 or weight[-1] < 0:
        raise ValueError(f"weights {list(weights)} must not rise and lie in 0 … 1")
    return np.asarray(np.append(weight, 0.0)[np.searchsorted(ends, _seconds(walk_s), side="left")], dtype=np.float64)


def gaussian(walk_s: npt.ArrayLike, *, half_s: float) -> Floats:
    """Weigh walks by a bell curve that is 1 at the door and 0.5 at `half_s`.

    Notes
    -----
    ``2 ** -(t / half_s) ** 2``: the bell curve of enhanced 2SFCA (Luo and Qi 2009), by its half-life.

    Examples
    --------
    >>> gaussian([0.0, 600.0, 1200.0], half_s=600).tolist()
    [1.0, 0.5, 0.0625]
    """
    return np.asarray(np.exp2(-((_seconds(walk_s) / _positive(half_s, "half_s")) ** 2)), dtype=np.float64)


def gaussian_to_zero(walk_s: npt.ArrayLike, *, cutoff_s: float) -> Floats:
    """Weigh walks by a bell curve that is 1 at the door and comes down to 0 at `cutoff_s`.

    Notes
    -----
    ``(exp(-(t / t0)**2 / 2) - exp(-1/2)) / (1 - exp(-1/2))``, 0 beyond ``t0 = cutoff_s``: Dai (2010), Health & Place 16:1038.

    Examples
    --------
    >>> gaussian_to_zero([0.0, 450.0, 900.0, 1000.0], cutoff_s=900).round(3).tolist()
    [1.0, 0.701, 0.0, 0.0]
    """
    share = np.minimum(_seconds(walk_s) / _positive(cutoff_s, "cutoff_s"), 1.0)
    floor = np.exp(-0.5)
    return np.asarray(np.maximum(np.exp(-0.5 * share**2) - floor, 0.0) / (1.0 - floor), dtype=np.float64)


def exponential(walk_s: npt.ArrayLike, *, half_s: float) -> Floats:
    """Weigh walks by ``2 ** -(t / half_s)``: each `half_s` seconds halve the weight.

    >>> exponential([0.0, 600.0, 1200.0], half_s=600).tolist()
    [1.0, 0.5, 0.25]
    """
    return np.asarray(np.exp2(-_seconds(walk_s) / _positive(half_s, "half_s")), dtype=np.float64)


def linear(walk_s: npt.ArrayLike, *, cutoff_s: float) -> Floats:
    """Weigh walks by a line from 1 at the door to 0 at `cutoff_s` and beyond.

    >>> linear([0.0, 450.0, 1000.0], cutoff_s=900).tolist()
    [1.0, 0.5, 0.0]
    """
    return np.asarray(np.maximum(1.0 - _seconds(walk_s) / _positive(cutoff_s, "cutoff_s"), 0.0), dtype=np.float64)


def _seconds(walk_s: npt.ArrayLike) -> Floats:
    seconds = np.asarray(walk_s, dtype=np.float64)
    if not (seconds >= 0).all():
        raise ValueError("walking seconds must be numbers >= 0; leave pairs out of reach away")
    return seconds


def _positive(value: float, name: str) -> float:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} = {value} must be a number > 0")
    return float(value)
