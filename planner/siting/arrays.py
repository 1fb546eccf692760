"""The kinds of arrays that siting counts with, and the sum of products of two: the ground floor of siting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


def inner(a: Floats, b: Floats) -> float:
    """The sum of products, the same on every machine and never shared out over threads, as a BLAS does with long ones.

    >>> inner(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float((a * b).sum())
