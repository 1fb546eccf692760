"""The array types of the walking network, and what a walker must know of a segment."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]


class EdgeFlag(IntFlag):
    """What a walker or a map must know of a segment; bits of `Network.flags`.

    ``ACROSS`` is a straight way across a square: walked, but not a street that is there to be drawn.
    """

    STEPS = 1
    ACROSS = 2
