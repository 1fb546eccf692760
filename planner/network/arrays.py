"""The array types of the walking network, and what a walker must know of a segment."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint16]


class EdgeFlag(IntFlag):
    """What a walker or a map must know of a segment; bits of `Network.flags`.

    ``ACROSS`` is a straight way across a square: walked, but not a street that is there to be drawn. ``UNEVEN`` (gravel, setts)
    and ``SOFT`` (earth, grass, sand) say what the ground is like; ``ALOFT`` that it is not on the ground (a bridge, a tunnel);
    ``NO_FOOT`` that it is open to bicycles only; ``PUSHED`` that bicycles are pushed there. The others hold for one direction,
    from end u to end v: that this is known to lead ``UP`` or ``DOWN``, and that riding is against a one-way street there
    (``AGAINST``), or is on the way back (``AGAINST_BACK``).
    """

    STEPS = 1
    ACROSS = 2
    UNEVEN = 4
    SOFT = 8
    ALOFT = 16
    NO_FOOT = 32
    PUSHED = 64
    UP = 128
    DOWN = 256
    AGAINST = 512
    AGAINST_BACK = 1024


WAYS_READ = "ways read"  # counted in `Network.report` where an extract was read
WAYS_RIDDEN = "ways for bicycles alone"  # counted there where it was read for riders too

FLAG_BITS = 11  # how many bits there are


def turned(flags: Flags, chosen: npt.NDArray[np.bool_]) -> Flags:
    """The flags of segments of which the chosen are seen from their other end.

    >>> turned(np.array([EdgeFlag.STEPS | EdgeFlag.UP, EdgeFlag.UP], dtype=np.uint16), np.array([True, False])).tolist()
    [257, 128]
    """
    found = flags.copy()
    for one, other in ((EdgeFlag.UP, EdgeFlag.DOWN), (EdgeFlag.AGAINST, EdgeFlag.AGAINST_BACK)):
        swapped = np.where(flags & one, other, 0) | np.where(flags & other, one, 0)
        found = np.where(chosen, found & ~np.uint16(one | other) | swapped, found).astype(np.uint16)
    return found
