"""Cells that the same candidates reach are one cell: hashed, then compared."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


def same_columns(pattern: sp.csr_array) -> tuple[Ints, Ints]:
    """Which columns of a pattern are alike.

    Parameters
    ----------
    pattern
        Any csr matrix with sorted, unrepeated indices; only where it has entries counts, not their values.

    Returns
    -------
    group, first
        ``group[c]`` is the group of column c, or -1 for an empty column; ``first[g]`` is the first column of group g.
        Groups are numbered by their first column. Equal groups are equal in truth: the hash only proposes.

    Examples
    --------
    >>> group, first = same_columns(sp.csr_array(np.array([[1, 0, 1, 0], [0, 0, 0, 1]])))
    >>> group.tolist(), first.tolist()
    ([0, -1, 0, 1], [0, 3])
    """
    height, width = pattern.shape
    indptr, indices = pattern.indptr.astype(np.int64), pattern.indices.astype(np.int32)
    by_column = sp.csr_array((np.ones(len(indices), dtype=np.int8), indices, indptr), shape=(height, width)).tocsc()
    starts, sites = by_column.indptr.astype(np.int64), by_column.indices.astype(np.int32)
    salt = 0
    while True:
        keys = _hashed(starts, sites, _site_keys(height, salt))
        group, first = _grouped(keys, np.diff(starts) > 0)
        if not len(first) or _alike(starts, sites, group, first):
            return group, first
        salt += 1  # two different columns met in one hash: draw other keys


def _site_keys(count: int, salt: int) -> Words:
    """A fixed random-looking 64-bit word a site (SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(salt * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _grouped(keys: Words, filled: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    columns = np.flatnonzero(filled)
    _, first, inverse = np.unique(keys[columns], return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    group = np.full(len(keys), -1, dtype=np.int64)
    group[columns] = rank[inverse]
    return group, columns[first[order]].astype(np.int64)


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _hashed(starts: Ints, sites: npt.NDArray[np.int32], words: Words) -> Words:
    keys = np.zeros(len(starts) - 1, dtype=np.uint64)
    for column in range(len(keys)):
        for k in range(starts[column], starts[column + 1]):
            keys[column] += words[sites[k]]
    return keys


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _alike(starts: Ints, sites: npt.NDArray[np.int32], group: Ints, first: Ints) -> bool:
    for column in range(len(group)):
        if group[column] < 0:
            continue
        a, b = starts[column], starts[first[group[column]]]
        if starts[column + 1] - a != starts[first[group[column]] + 1] - b:
            return False
        for k in range(starts[column + 1] - a):
            if sites[a + k] != sites[b + k]:
                return False
    return True
