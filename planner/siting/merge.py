"""Cells that the same candidates reach are one cell: hashed, then compared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from planner.reach.compiled import compiled
from planner.siting.arrays import Bools, Floats, Ints, Short, Words


class Merged(NamedTuple):
    """Cells alike made one.

    `reach` (sites x merged cells) csr of 1, columns rising; `weight` of the merged cells; `member`: for each cell before
    merging the merged cell it is in, or -1.
    """

    reach: sp.csr_array
    weight: Floats
    member: Short


def merge_cells(
    pattern: sp.csr_array,
    rows: Ints,
    place: Ints,
    weight: Floats,
    label: Ints | None = None,
    kept: Bools | None = None,
) -> Merged:
    """Which site reaches which cells, cells alike made one, and what these weigh together.

    Parameters
    ----------
    pattern
        Any csr matrix without repeated entries; only where it has entries counts, not their values.
    rows
        The row of each site, in the order wanted; -1 for a site without a row, which reaches nothing.
    place
        For each column the position of its cell in `weight`, each at most once; -1 for columns left out.
    weight
        What each cell weighs, >= 0; cells of no weight are left out unless they are `kept`.
    label
        Only cells of the same label become one (a town, say); all may where there is none.

    Returns
    -------
    Merged cells in the order of the first cell in each, so the result does not depend on the order of rows and columns of
    `pattern`. Merged cells are alike in truth: the hash only proposes.

    Examples
    --------
    >>> times = sp.csr_array(np.array([[9, 0, 9, 0], [0, 0, 0, 9]]))
    >>> merged = merge_cells(times, np.array([0, 1]), np.arange(4), np.array([1.0, 2.0, 4.0, 8.0]))
    >>> merged.reach.toarray().tolist(), merged.weight.tolist(), merged.member.tolist()
    ([[1, 0], [0, 1]], [5.0, 8.0], [0, -1, 0, 1])
    """
    counts = weight > 0 if kept is None else kept | (weight > 0)
    wanted = np.append(counts, False)[place]  # -1 is the cell that does not count at the end
    cell_of: Short = np.asarray(np.where(wanted, place, -1), dtype=np.int32)
    starts, columns = pattern.indptr.astype(np.int64), pattern.indices.astype(np.int32, copy=False)
    salt, none = 0, np.zeros(0, dtype=np.int64)
    while True:
        keys, reached = _hashed(starts, columns, rows, cell_of, _words(len(rows), salt), len(weight))
        group, first = _grouped(keys, reached, none if label is None else label.astype(np.int64, copy=False))
        if _alike(starts, columns, rows, cell_of, group, np.bincount(group[reached], minlength=len(first))):
            break
        salt += 1  # two different cells met in one hash: draw other words
    own = np.full(len(weight), -1, dtype=np.int32)
    own[first] = np.arange(len(first), dtype=np.int32)
    indptr, indices = _rows_of(starts, columns, rows, cell_of, own)
    total = np.bincount(group[reached], weights=weight[reached], minlength=len(first)).astype(np.float64)
    reach = sp.csr_array((np.ones(len(indices), dtype=np.int8), indices, indptr), shape=(len(rows), len(first)))
    return Merged(reach, total, group)


def _words(count: int, salt: int) -> Words:
    """A fixed random-looking 64-bit word a site (SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(salt * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


@compiled
def _grouped(keys: Words, reached: Bools, label: Ints) -> tuple[Short, Ints]:
    """The group of each cell (-1: reached by nobody), numbered by their first cells; and these.

    Cells are one group where their keys are, and their labels (no labels: all alike); found by open addressing.
    """
    count = int(reached.sum())
    size = 2
    while size < 2 * count:
        size *= 2
    table = np.full(size, -1, dtype=np.int32)
    group, first = np.full(len(keys), -1, dtype=np.int32), np.empty(count, dtype=np.int64)
    made = 0
    for cell in range(len(keys)):
        if not reached[cell]:
            continue
        slot = int(keys[cell] >> np.uint64(20)) & (size - 1)
        while table[slot] >= 0:
            other = first[table[slot]]
            if keys[other] == keys[cell] and (len(label) == 0 or label[other] == label[cell]):
                break
            slot = (slot + 1) & (size - 1)
        if table[slot] < 0:
            table[slot], first[made] = made, cell
            made += 1
        group[cell] = table[slot]
    return group, first[:made].copy()


@compiled
def _hashed(starts: Ints, columns: Short, rows: Ints, place: Short, words: Words, cells: int) -> tuple[Words, Bools]:
    keys, reached = np.zeros(cells, dtype=np.uint64), np.zeros(cells, dtype=np.bool_)
    for site in range(len(rows)):
        if rows[site] < 0:
            continue
        for k in range(starts[rows[site]], starts[rows[site] + 1]):
            cell = place[columns[k]]
            if cell >= 0:
                keys[cell] += words[site]
                reached[cell] = True
    return keys, reached


@compiled
def _alike(starts: Ints, columns: Short, rows: Ints, place: Short, group: Short, sizes: Ints) -> bool:
    """Whether every site reaches all cells of a group or none: then all of them are reached by the same sites."""
    seen = np.zeros(len(sizes), dtype=np.int64)
    for site in range(len(rows)):
        if rows[site] < 0:
            continue
        for k in range(starts[rows[site]], starts[rows[site] + 1]):
            if place[columns[k]] >= 0:
                seen[group[place[columns[k]]]] += 1
        for k in range(starts[rows[site]], starts[rows[site] + 1]):
            if place[columns[k]] >= 0:
                g = group[place[columns[k]]]
                if seen[g] != 0 and seen[g] != sizes[g]:
                    return False
                seen[g] = 0
    return True


@compiled
def _rows_of(starts: Ints, columns: Short, rows: Ints, place: Short, own: Short) -> tuple[Short, Short]:
    """The merged cells of each site as CSR, rising; `own` is the number of the merged cell that a cell is the first of."""
    count = np.zeros(len(rows) + 1, dtype=np.int32)
    for site in range(len(rows)):
        if rows[site] >= 0:
            for k in range(starts[rows[site]], starts[rows[site] + 1]):
                if place[columns[k]] >= 0 and own[place[columns[k]]] >= 0:
                    count[site + 1] += 1
    indptr = np.cumsum(count).astype(np.int32)
    indices = np.empty(indptr[-1], dtype=np.int32)
    at = 0
    for site in range(len(rows)):
        if rows[site] >= 0:
            for k in range(starts[rows[site]], starts[rows[site] + 1]):
                if place[columns[k]] >= 0 and own[place[columns[k]]] >= 0:
                    indices[at] = own[place[columns[k]]]
                    at += 1
            indices[indptr[site] : at].sort()
    return indptr, indices
