"""The order of nodes in memory: neighbours in space are neighbours in the arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planner.network.arrays import Floats

_HILBERT_BITS = 16  # cells of the ordering curve a side: 65 536, under 2 m in a city of 100 km


def hilbert_index(xy: Floats) -> npt.NDArray[np.uint64]:
    """Where points lie along a Hilbert curve over their own bounds: (n, 2) metres in, (n,) whole numbers out.

    Neighbours along the curve are neighbours in the plane (Hilbert 1891; the bitwise form is the usual one).
    """
    if not len(xy):
        return np.zeros(0, dtype=np.uint64)
    low = xy.min(axis=0)
    side = max(float((xy.max(axis=0) - low).max()), 1e-9)
    cells = np.minimum((xy - low) / side * (1 << _HILBERT_BITS), (1 << _HILBERT_BITS) - 1).astype(np.int32)
    x, y = cells[:, 0].copy(), cells[:, 1].copy()
    index = np.zeros(len(xy), dtype=np.int64)
    step = 1 << (_HILBERT_BITS - 1)
    while step:
        right, up = (x & step) > 0, (y & step) > 0
        index += step * step * ((3 * right) ^ up)
        mirror = np.where(right & ~up, np.int32(step - 1), np.int32(0))
        x, y = (x & (step - 1)) ^ mirror, (y & (step - 1)) ^ mirror
        turn = np.where(up, np.int32(0), x ^ y)
        x, y = x ^ turn, y ^ turn
        step >>= 1
    return index.astype(np.uint64)
