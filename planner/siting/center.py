"""The p-center problem: so many sites that the worst walk is least (Hakimi 1964), proven radius by radius (Minieka 1970)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.siting.arrays import Bools, Floats
from planner.siting.least import Least, some_choice
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

    Raises
    ------
    PlanError
        If neither a choice for the last radius nor a proof that there is none was found.
    """
    until = None if seconds is None else time.monotonic() + seconds
    last = len(radii) - 1
    found = some_choice(*at_radius(float(radii[last])), until, seed)
    if found is None:
        return None

    def ask(number: int) -> tuple[Problem, float]:
        return at_radius(float(radii[number]))

    search = Least(ask, int(np.searchsorted(radii, floor)) - 1, last, found, until, seed)
    search.find()
    return Center(search.chosen, float(radii[search.enough]), float(radii[min(search.impossible + 1, search.enough)]))
