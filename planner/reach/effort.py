"""What streets cost a walker: every segment as *level metres* each way, by the profile, the ground and the slope.

A level metre is as far as one metre of level, even street: seconds are level metres over the pace. All searching is done in
them, so that one search serves every profile.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.network import EdgeFlag, Floats, Network
from planner.profiles import KERB_M, STEEPEST, Gait, Slope

Bools = npt.NDArray[np.bool_]

LEVEL_M = 1e-3  # steps whose ends are nearer in height lead neither up nor down: rasters hold float32, a millimetre high up
ROUNDING_M = 1e-9  # a street of just the greatest gradient is taken, whatever its heights are rounded to


class Effort(NamedTuple):
    """What each segment costs: whether it is used at all, and its level metres from end u to end v and back."""

    used: Bools
    on_m: Floats
    back_m: Floats


def effort_of(network: Network, gait: Gait) -> Effort:
    """The level metres of all segments for somebody who walks so.

    Where nothing differs from the level, metres are those of the network, the very arrays.

    Notes
    -----
    A segment's length is multiplied by what its steps, its ground and its slope cost; on steps the slope is what steps are, and
    counts no more, and it says which way they lead up where nothing else does and it is more than `LEVEL_M`. Where
    ``network.height_m`` is not known, streets are level. Slopes are those between a segment's two ends,
    at most `STEEPEST`. The laws are those of `slope_factor`. What is steeper than the gait's `steepest`, up or down, is not
    used, unless it rises by no more than `KERB_M`: no terrain is so fine, and its noise would close short segments.

    Examples
    --------
    >>> from planner.profiles import PROFILES
    >>> hill = Network.from_segments([[0, 0], [100, 0]], [[0, 1]], crs="EPSG:32651").with_heights([0.0, 10.0])
    >>> climb = effort_of(hill, PROFILES["adult"].gait)
    >>> [round(metres.item(), 1) for metres in (climb.on_m, climb.back_m)]
    [141.9, 100.0]
    """
    flags, length_m = network.flags, network.length_m
    used = _has(flags, EdgeFlag.NO_FOOT) == 0 if not gait.rides else np.ones(len(flags), dtype=np.bool_)
    if not gait.takes_steps:
        used &= ~_has(flags, EdgeFlag.STEPS)
    rise = _rise(network)
    if rise is not None and gait.steepest < np.inf:
        used &= np.abs(rise) * length_m <= np.maximum(gait.steepest * length_m, KERB_M) + ROUNDING_M
    if gait.is_even:
        return Effort(used, length_m, length_m)
    one_way = flags & (EdgeFlag.UP | EdgeFlag.DOWN | EdgeFlag.AGAINST | EdgeFlag.AGAINST_BACK)
    ground = _ground(flags, gait)
    on_m = length_m * _factor(flags, ground, rise, gait, EdgeFlag.UP, EdgeFlag.DOWN, EdgeFlag.AGAINST)
    if rise is None and not one_way.any():
        return Effort(used, on_m, on_m)
    down = None if rise is None else -rise
    back_m = length_m * _factor(flags, ground, down, gait, EdgeFlag.DOWN, EdgeFlag.UP, EdgeFlag.AGAINST_BACK)
    return Effort(used, on_m, back_m)


def slope_factor(rise: Floats, law: Slope) -> Floats:
    """By how much longer a metre takes on slopes of `rise` (over run, positive uphill) than on the level; exactly 1 at 0.

    Notes
    -----
    On foot Tobler's (1993) hiking function, relative to the level: ``exp(3.5 (|s + 0.05| - 0.05))``, least at 5 % downhill.
    By bicycle Parkin and Rotheram (2010): 21.6 km/h on the level, 1.44 less for each 1 % up and 0.86 more for each 1 % down,
    down to a fifth of the pace, and no faster than at 3 % down.

    Examples
    --------
    >>> slope_factor(np.array([-0.05, 0.0, 0.05]), Slope.TOBLER).round(3).tolist()
    [0.839, 1.0, 1.191]
    >>> slope_factor(np.array([-0.05, 0.0, 0.05]), Slope.BICYCLE).round(3).tolist()
    [0.893, 1.0, 1.5]
    """
    steep = np.clip(rise, -STEEPEST, STEEPEST)
    if law is Slope.TOBLER:
        return np.asarray(np.exp(3.5 * (np.abs(steep + 0.05) - 0.05)))
    if law is Slope.BICYCLE:
        kmh = np.where(steep > 0, 21.6 - 144.0 * steep, 21.6 + 86.0 * np.minimum(-steep, 0.03))
        return np.asarray(21.6 / np.maximum(kmh, 21.6 / 5))
    return np.ones_like(steep)


def _factor(
    flags: npt.NDArray[np.uint16],
    ground: Floats,
    rise: Floats | None,
    gait: Gait,
    up: EdgeFlag,
    down: EdgeFlag,
    against: EdgeFlag,
) -> Floats:
    """What a metre costs in one direction, whose bits are `up`, `down` and `against`."""
    factor = ground if rise is None else ground * slope_factor(rise, gait.slope)
    climbs, falls = _has(flags, up), _has(flags, down)
    if rise is not None:
        unknown = climbs == falls
        climbs, falls = np.where(unknown, rise > 0, climbs), np.where(unknown, rise < 0, falls)
    mean = (gait.steps_up + gait.steps_down) / 2
    stairs = np.where(climbs == falls, mean, np.where(climbs, gait.steps_up, gait.steps_down))
    factor = np.where(_has(flags, EdgeFlag.STEPS), stairs, factor)
    if gait.rides:
        pushed = _has(flags, EdgeFlag.PUSHED) | _has(flags, against)
        factor = np.where(pushed, gait.push, np.minimum(factor, gait.push))
    return np.asarray(factor)


def _ground(flags: npt.NDArray[np.uint16], gait: Gait) -> Floats:
    soft, uneven = _has(flags, EdgeFlag.SOFT), _has(flags, EdgeFlag.UNEVEN)
    return np.where(soft, gait.soft, np.where(uneven, gait.uneven, 1.0))


def _rise(network: Network) -> Floats | None:
    """Rise over run of each segment from end u to end v, of steps 0 within `LEVEL_M`; None where no heights are known."""
    if network.height_m is None:
        return None
    height_m = network.height_m[network.ends]
    up_m = height_m[:, 1] - height_m[:, 0]
    level = (np.abs(up_m) <= LEVEL_M) & _has(network.flags, EdgeFlag.STEPS)
    return np.asarray(np.where(level, 0.0, up_m) / network.length_m)


def _has(flags: npt.NDArray[np.uint16], flag: EdgeFlag) -> Bools:
    return np.asarray((flags & np.uint16(flag)) > 0)
