"""Ways of walking (`Profile`): the pace on the level and how steps, surface and slope change it, each with its source.

What a street does to a walker is kept as data: a `Gait` says by how much longer a metre of it takes than a level, even one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

KMH = 1 / 3.6  # m/s in one km/h
PUSHED_MPS = 4 * KMH  # a bicycle that is pushed, PUSHING_SECTION_SPEED of GraphHopper's bicycle profile
LEVEL_MPS, STEPS_UP_MPS, STEPS_DOWN_MPS = 1.34, 0.610, 0.694  # along the plan: Weidmann (1993), ETH Zürich, IVT Schrift 90
STEEPEST = 0.4  # rise over run; what a coarse terrain makes steeper is taken as this steep
RAMP, KERB_M = 1 / 12, 0.15  # the steepest ramp, and the rise that may be steeper: see RAMP_SOURCE

STEPS_SOURCE = "Weidmann (1993), Transporttechnik der Fussgänger: 1.34 m/s on the level, 0.61 up and 0.69 down steps"
TOBLER_SOURCE = "Tobler (1993), NCGIA Technical Report 93-1: 6 exp(-3.5 |slope + 0.05|) km/h"
BICYCLE_SOURCE = (
    "Parkin and Rotheram (2010), Transport Policy 17:335-341: 21.6 km/h on the level, 1.44 less for each 1 % up, "
    "0.86 more for each 1 % down"
)
RAMP_SOURCE = (
    "ramps are no steeper than 1:12, save for rises of up to 0.15 m: ADA Standards for Accessible Design (2010), 405.2; "
    "GB 55019-2021, 2.3.1"
)
WHEELS_SOURCE = "speeds by surface of GraphHopper's bicycle profile: 18 km/h on asphalt, 12 on gravel, 10 on bare ground"


class Slope(StrEnum):
    """The law by which slope changes the pace."""

    NONE = "none"
    TOBLER = "tobler"
    BICYCLE = "bicycle"


@dataclass(frozen=True)
class Gait:
    """How streets change the pace: by how much longer a metre takes than one that is level, even and open; hashable.

    Parameters
    ----------
    takes_steps
        Whether steps are taken at all.
    steps_up, steps_down
        Factors on steps, along their plan; the mean of both where nobody knows which way is up.
    uneven, soft
        Factors on uneven (gravel, setts, compacted) and soft (earth, grass, sand) ground.
    slope
        The law of slope; it holds where the terrain is known.
    steepest
        Rise over run, up or down, above which a street is not taken where the terrain is known, unless it rises by `KERB_M` at
        most; > 0.
    rides
        Whether this is a rider: takes the ways open to bicycles, and only pushes along the others.
    push
        A rider's factor where the bicycle has to be pushed.

    Examples
    --------
    >>> Gait().is_even, Gait(steps_up=2.0).is_even
    (True, False)
    """

    takes_steps: bool = True
    steps_up: float = 1.0
    steps_down: float = 1.0
    uneven: float = 1.0
    soft: float = 1.0
    slope: Slope = Slope.NONE
    steepest: float = math.inf
    rides: bool = False
    push: float = 1.0

    @property
    def is_even(self) -> bool:
        """Whether a metre is a metre on every street that is walked."""
        factors = (self.steps_up, self.steps_down, self.uneven, self.soft, self.push)
        return set(factors) == {1.0} and self.slope is Slope.NONE and not self.rides

    @property
    def downhill(self) -> float:
        """The least factor that any slope gives, in (0, 1].

        >>> round(Gait(slope=Slope.TOBLER).downhill, 3)
        0.839
        """
        return {Slope.NONE: 1.0, Slope.TOBLER: math.exp(-3.5 * 0.05), Slope.BICYCLE: 21.6 / (21.6 + 0.86 * 3)}[self.slope]


LEVEL, LEVEL_NO_STEPS = Gait(), Gait(takes_steps=False)


@dataclass(frozen=True)
class Profile:
    """A way of walking: the pace on level, even streets in m/s, what changes it, names in both languages, and the source.

    ``source`` is that of the pace; `sources` adds those of the factors.
    """

    name: str
    speed_mps: float
    gait: Gait
    en: str
    zh: str
    source: str

    @property
    def takes_steps(self) -> bool:
        return self.gait.takes_steps

    @property
    def sources(self) -> str:
        """Where the pace and its factors are from, in one line."""
        said = [self.source]
        said += [f"steps: {STEPS_SOURCE}"] if self.gait.takes_steps else []
        said += [f"surface: {WHEELS_SOURCE}"] if self.gait.uneven > 1 else []
        laws = {Slope.TOBLER: TOBLER_SOURCE, Slope.BICYCLE: BICYCLE_SOURCE}
        said += [f"slope, where the terrain is known: {laws[self.gait.slope]}"] if self.gait.slope in laws else []
        said += [f"no steeper street is taken: {RAMP_SOURCE}"] if self.gait.steepest < math.inf else []
        return "; ".join(said)


ON_FOOT = Gait(steps_up=LEVEL_MPS / STEPS_UP_MPS, steps_down=LEVEL_MPS / STEPS_DOWN_MPS, slope=Slope.TOBLER)
ON_WHEELS = Gait(takes_steps=False, uneven=18 / 12, soft=18 / 10, slope=Slope.TOBLER)
IN_A_WHEELCHAIR = replace(ON_WHEELS, steepest=RAMP)
RIDING = Gait(takes_steps=False, uneven=18 / 12, soft=18 / 10, slope=Slope.BICYCLE, rides=True)
BY_MOTOR = Gait(takes_steps=False, uneven=18 / 12, soft=18 / 10, rides=True)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("adult", 4.8 * KMH, ON_FOOT, "adult on foot", "成人步行",
                "4.8 km/h; within the 1.19-1.57 m/s of comfortable adult gait in Bohannon (1997), Age and Ageing 26:15-19"),
        Profile("brisk", 5.6 * KMH, ON_FOOT, "brisk walker", "快步步行",
                "3.5 mph, brisk walking in the 2011 Compendium of Physical Activities (Ainsworth et al.), code 17200"),
        Profile("slow", 3.6 * KMH, ON_FOOT, "unhurried walker", "慢速步行", "3.6 km/h, the default of R5"),
        Profile("elder", 0.92, ON_FOOT, "older person on foot", "老年人步行",
                "15th percentile of walkers over 60 in Fitzpatrick et al. (2006), NCHRP Report 562"),
        Profile("pushchair", 1.07, ON_WHEELS, "with a pushchair, no steps", "推婴儿车步行（不走台阶）",
                "3.5 ft/s, the speed that signals are timed for in the MUTCD (2009), section 4E.06, for want of one measured"),
        Profile("wheelchair", 0.92, IN_A_WHEELCHAIR, "wheelchair, no steps", "轮椅（不走台阶）",
                "no steps; the pace of older walkers in NCHRP Report 562, for want of one agreed figure"),
        Profile("bicycle", 12 * KMH, RIDING, "by bicycle", "骑自行车", "12 km/h, the default of R5"),
        Profile("ebike", 15 * KMH, BY_MOTOR, "by electric bicycle", "骑电动自行车",
                "15 km/h, the limit on cycle lanes in article 58 of China's Road Traffic Safety Law (道路交通安全法)"),
    )
}  # fmt: skip
