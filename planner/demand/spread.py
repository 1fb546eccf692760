"""Allocation: amounts are split and add up again. Arrays in, arrays out; nothing here knows a file or a map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its rooms load when they are first used

from planner.errors import Fault, TableError

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

_NEIGHBOURS = (1, 4, 16, 64)  # how many places an overfull place asks, one after the other, before its whole town
_ROUNDS = 4  # times each of them is asked; what is left then is little and goes to the next round
_SPECK = 1e-9  # people: less than this is rounding, not a person


def spread(totals: npt.ArrayLike, weights: npt.ArrayLike, owner: npt.ArrayLike) -> Floats:
    """Split each total over its own parts in proportion to their weights.

    Parameters
    ----------
    totals
        (k,) amounts >= 0: people of a town, a zone, a cell.
    weights
        (n,) >= 0, finite: floor area, residents, shares of area. Where all weights of an owner are 0 its parts share alike.
    owner
        (n,) position into `totals` of the total each part belongs to; -1 for none (it gets 0).

    Returns
    -------
    (n,) amounts >= 0.

    Raises
    ------
    TableError
        If a total or weight is negative or not finite, or a total above 0 has no part to go to.

    Notes
    -----
    Laws: the parts of an owner add up to its total (to rounding); no weight, no amount, unless all are 0; the order of the
    parts does not matter; doubling every weight changes nothing.

    Examples
    --------
    >>> spread([100.0, 30.0], [1.0, 3.0, 0.0, 0.0], [0, 0, 1, 1])
    array([25., 75., 15., 15.])
    """
    amount, weight, to = np.asarray(totals, np.float64), np.asarray(weights, np.float64), np.asarray(owner, np.int64)
    _check_amounts(amount, "total")
    _check_amounts(weight, "weight")
    parts = np.bincount(to[to >= 0], minlength=len(amount))
    for i in np.flatnonzero((amount > 0) & (parts == 0)):
        fault = Fault("a total has no part to go to", "give it at least one part", row=int(i))
        raise TableError(str(fault), [fault], "demand")
    if not len(amount) or not len(to):
        return np.zeros(len(to))
    most = np.zeros(len(amount))
    np.maximum.at(most, to[to >= 0], weight[to >= 0])
    own = np.where(most[to] > 0, weight / np.where(most[to] > 0, most[to], 1.0), 1.0)
    own[to < 0] = 0.0
    sums = np.bincount(to[to >= 0], weights=own[to >= 0], minlength=len(amount))
    return np.asarray(np.where(to >= 0, amount[to] * (own / np.where(to >= 0, sums[to], 1.0)), 0.0), dtype=np.float64)


def _check_amounts(values: Floats, what: str) -> None:
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        faults = [Fault(f"a {what} is negative or not a finite number", "", row=int(i)) for i in bad]
        raise TableError.of(faults)


def nearest_points(xy: Floats, town: Ids, onto_xy: Floats, onto_town: Ids, within_m: float) -> tuple[Ids, Floats]:
    """For each point the nearest target of its own town: (n,) positions into the targets, -1 where none is near, and metres.

    Parameters
    ----------
    xy, town
        (n, 2) metres and (n,) town positions of the points.
    onto_xy, onto_town
        (m, 2) metres and (m,) town positions of the targets, in their canonical order (ties go to any of the equally near,
        the same one each time).
    within_m
        Farther than this there is none; metres, inclusive.

    Examples
    --------
    >>> nearest_points(np.array([[0., 0.], [900., 0.]]), np.array([0, 0]), np.array([[30., 40.]]), np.array([0]), 100.0)
    (array([ 0, -1]), array([50., inf]))
    """
    target = np.full(len(xy), -1, dtype=np.int64)
    metres = np.full(len(xy), np.inf)
    for here in np.unique(town):
        own, theirs = np.flatnonzero(town == here), np.flatnonzero(onto_town == here)
        if not len(theirs):
            continue
        far, position = _query(scipy.spatial.KDTree(onto_xy[theirs]), xy[own], 1)
        near = far[:, 0] <= within_m
        target[own[near]], metres[own[near]] = theirs[position[near, 0]], far[near, 0]
    return target, metres


def _query(tree: scipy.spatial.KDTree, xy: Floats, count: int) -> tuple[Floats, Ids]:
    """Metres to, and positions of, the `count` nearest of a tree's points: two (n, count) arrays."""
    far, position = tree.query(xy, k=np.arange(1, count + 1))
    return np.asarray(far, dtype=np.float64), np.asarray(position, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Held:
    """What `hold_within` gives back: the amounts, how much had to move, the farthest it moved, what found no room."""

    amounts: Floats
    moved: float
    farthest_m: float
    left: float


def hold_within(amounts: npt.ArrayLike, room: npt.ArrayLike, xy: npt.ArrayLike, town: npt.ArrayLike) -> Held:
    """Carry what exceeds a place's room over to the nearest places that have some left, its own town's first.

    Two sources seldom agree cell by cell: a list may name three people where a raster says 0.8. The official number of
    residents stays as it is; the excess of the group moves next door, and its sum is kept.

    Parameters
    ----------
    amounts
        (n,) people of the group, >= 0.
    room
        (n,) at most so many can be held, >= 0: the residents.
    xy, town
        (n, 2) metres; (n,) position of the town.

    Returns
    -------
    Held: ``amounts <= room`` everywhere, ``amounts.sum() + left`` is what came in; `left` is 0 unless all of the room is full.
    The rule: what is in excess is offered to the nearest 1, then 4, 16, 64 places of the same town that had room to begin
    with, in proportion to the room they have; then to the whole town, then to the whole area.

    Examples
    --------
    >>> held = hold_within([3.0, 0.0, 0.0], [1.0, 1.5, 9.0], [[0, 0], [100, 0], [200, 0]], [0, 0, 0])
    >>> held.amounts.tolist(), held.moved, held.farthest_m
    ([1.0, 1.5, 0.5], 2.0, 200.0)
    """
    amount, most = np.array(amounts, np.float64), np.asarray(room, np.float64)
    places, towns = np.asarray(xy, np.float64), np.asarray(town, np.int64)
    excess = np.maximum(amount - most, 0.0)
    moved, farthest = float(excess.sum()), 0.0
    amount = np.minimum(amount, most)
    by_town = np.argsort(towns, kind="stable")
    for here in np.unique(towns[excess > 0]):
        own = by_town[slice(*np.searchsorted(towns[by_town], [here, here + 1]))]
        amount[own], excess[own], metres = _carry(amount[own], excess[own], most[own], places[own])
        farthest = max(farthest, metres)
    farthest = max(farthest, _fill(amount, excess, most, places))
    return Held(amount, moved, farthest, float(excess.sum()))


def _carry(amount: Floats, excess: Floats, most: Floats, xy: Floats) -> tuple[Floats, Floats, float]:
    """Amounts and excess after carrying within one town, and the farthest anything went, in metres."""
    farthest = 0.0
    takers = np.flatnonzero(most - amount > 0)
    tree = scipy.spatial.KDTree(xy[takers]) if len(takers) else None
    for count in _NEIGHBOURS:
        givers = np.flatnonzero(excess > 0)
        if tree is None or not len(givers):
            break
        asked = min(count, len(takers))
        far, position = _query(tree, xy[givers], asked)
        giver, taker = np.repeat(givers, asked), takers[position.reshape(-1)]
        for _ in range(_ROUNDS):
            farthest = max(farthest, _offer(amount, excess, most, giver, taker, far.reshape(-1)))
    return amount, excess, max(farthest, _fill(amount, excess, most, xy))


def _offer(amount: Floats, excess: Floats, most: Floats, giver: Ids, taker: Ids, far: Floats) -> float:
    """One round of offers in proportion to room; takers cut what is too much in proportion; in place."""
    room = most - amount
    free = np.bincount(giver, weights=room[taker], minlength=len(room))[giver]
    offered = excess[giver] * room[taker] / np.where(free > 0, free, 1.0)
    wanted = np.bincount(taker, weights=offered, minlength=len(room))
    taken = offered * np.minimum(1.0, room / np.where(wanted > 0, wanted, 1.0))[taker]
    amount += np.bincount(taker, weights=taken, minlength=len(room))
    np.minimum(amount, most, out=amount)
    excess -= np.bincount(giver, weights=taken, minlength=len(room))
    excess[excess < _SPECK] = 0.0
    return float(far[taken > 0].max(initial=0.0))


def _fill(amount: Floats, excess: Floats, most: Floats, xy: Floats) -> float:
    """Spread all that is left over all the room there is, in proportion, in place; at most how far it went, in metres."""
    givers, takers = np.flatnonzero(excess > _SPECK), np.flatnonzero(most - amount > 0)
    room = most[takers] - amount[takers]
    left, free = float(excess[givers].sum()), float(room.sum())
    if left <= 0 or free <= 0:
        return 0.0
    share = min(1.0, free / left)
    amount[takers] = np.minimum(amount[takers] + room * (left * share / free), most[takers])
    excess[givers] *= 1.0 - share
    reach = np.vstack([xy[givers], xy[takers]])
    return float(np.hypot(*(reach.max(axis=0) - reach.min(axis=0))))
