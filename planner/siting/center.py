"""The p-center problem: so many sites that the worst walk is least (Hakimi 1964), proven radius by radius (Minieka 1970)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.errors import PlanError
from planner.siting.arrays import Bools, Floats
from planner.siting.choose import serves
from planner.siting.problem import Problem

AtRadius = Callable[[float], tuple[Problem, float]]  # walking seconds to who is then in reach and how much must be covered


@dataclass(frozen=True, eq=False)
class Center:
    """A choice, the seconds within which it serves the share asked for, and seconds below which none can."""

    chosen: Bools
    worst_s: float
    least_s: float


def least_worst(
    radii: Floats, at_radius: AtRadius, *, floor: float = 0.0, seconds: float | None = None, seed: int = 0
) -> Center | None:
    """The least of `radii` within which a choice serves enough; None if not even the last does.

    Parameters
    ----------
    radii
        Rising seconds that the worst walk can be, at least one.
    at_radius
        What a radius asks for; the longer, the easier.
    floor
        No radius below this is enough, known beforehand.
    seconds
        About so many seconds at most; `least_s` is honest wherever it stops.
    seed
        The same seed gives the same choice.
    """
    until = None if seconds is None else time.monotonic() + seconds
    low, high = int(np.searchsorted(radii, floor)) - 1, len(radii) - 1
    found, impossible = serves(*at_radius(float(radii[high])), until, seed)
    if found is None and not impossible:
        raise PlanError("no plan was found within the effort allowed; raise siting.time_limit_s", status="limit")
    if found is None:
        return None
    known = low  # the last radius that is proven not to be enough
    while low + 1 < high:
        middle = (low + high) // 2
        choice, impossible = serves(*at_radius(float(radii[middle])), until, seed)
        if choice is not None:
            found, high = choice, middle
        else:
            low = middle
            known = middle if impossible else known
    return Center(found, float(radii[high]), float(radii[min(known + 1, high)]))
