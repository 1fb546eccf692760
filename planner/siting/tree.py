"""Branch and bound on a warm relaxation: for covering models several times faster to a proof than a general solver.

Each node re-solves the parent's linear relaxation by a few dual simplex steps, fixes by reduced cost whatever cannot be
part of a better x, and branches on the fractional x that has moved the bound most so far (pseudocosts, Benichou et al.
1971). The node with the weakest bound comes next, after the nearer child. Work is counted in simplex steps, so that the
same model gives the same answer on every machine.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field

import numpy as np

from planner.siting.arrays import Floats, Short, inner
from planner.siting.solver import Answer, Lp, Model, Relaxed, is_over, worth

_WHOLE = 1e-7  # an x this close to a whole number is one


@dataclass(frozen=True, eq=False)
class _Node:
    bound: float
    lower: Floats
    upper: Floats
    branch: tuple[int, int, float] | None = None  # column among the whole ones, side (0 down, 1 up), distance moved


@dataclass(eq=False)
class _Gains:
    """What branching on each column has raised the bound by, per unit moved: sums and counts for down and up."""

    total: Floats
    count: Floats

    def learn(self, node: _Node, bound: float) -> None:
        if node.branch is not None:
            column, side, distance = node.branch
            self.total[side, column] += max(bound - node.bound, 0.0) / distance
            self.count[side, column] += 1

    def best(self, part: Floats) -> int:
        """The column whose two children promise most, as a product; `part` is the fractional part of each x."""
        seen = self.count.sum(axis=1, keepdims=True)
        usual = np.where(seen > 0, self.total.sum(axis=1, keepdims=True) / np.maximum(seen, 1), 1.0)
        each = np.where(self.count > 0, self.total / np.maximum(self.count, 1), usual)
        down, up = np.maximum(each[0] * part, 1e-9), np.maximum(each[1] * (1 - part), 1e-9)
        return int(np.argmax(np.where(part > 0, down * up, -1.0)))


@dataclass(eq=False)
class _Tree:
    lp: Lp
    columns: Short
    step: float
    best: Floats
    cost: float
    goal: float = np.inf
    waiting: list[tuple[float, int, _Node]] = field(default_factory=list)
    made: int = 0

    @property
    def enough(self) -> float:
        """A node with a bound above this holds nothing better, or nothing that meets the goal."""
        return min(worth(self.cost, self.step), self.goal)

    @property
    def met(self) -> bool:
        """Whether the goal is met, so that nothing better is asked for."""
        return bool(self.cost <= self.goal < np.inf)

    def put_off(self, node: _Node) -> None:
        self.made += 1
        heapq.heappush(self.waiting, (node.bound, self.made, node))

    def next(self) -> _Node | None:
        if self.waiting and self.waiting[0][0] <= self.enough:
            return heapq.heappop(self.waiting)[2]
        return None


def branch_and_bound(
    model: Model,
    relaxed: Relaxed,
    start: Floats,
    *,
    step: float,
    work: float,
    seconds: float | None = None,
    goal: float = np.inf,
) -> Answer:
    """The least cost, beginning from a relaxation and a feasible x.

    Parameters
    ----------
    model
        Its whole columns are 0 or 1.
    step
        No two costs differ by less, unless they are equal.
    work
        Most simplex steps times rows; some 30 million a second.
    seconds
        Wall clock after which the best so far is returned; not the same work on every machine.
    goal
        If given, it is only asked whether some x costs no more than this: the search ends with the first that does, and
        `bound` is above the goal if there is none.
    """
    columns = np.flatnonzero(model.whole).astype(np.int32)
    until = None if seconds is None else time.monotonic() + seconds
    tree = _Tree(
        Lp(model, relaxed.basis if relaxed.has_basis else None, until=until),
        columns,
        step,
        start,
        inner(model.cost, start),
        goal,
    )
    gains = _Gains(np.zeros((2, len(columns))), np.zeros((2, len(columns))))
    node: _Node | None = _Node(relaxed.bound, model.lower[columns], model.upper[columns])
    unsolved = np.inf
    while node is not None and not tree.met:
        if tree.lp.work > work or is_over(until):
            tree.put_off(node)
            break
        now = tree.lp.solve(columns, node.lower, node.upper)
        if now is not None and not now.solved:  # its bound stands where its parent's does; nothing more is known
            unsolved = min(unsolved, node.bound)
            now = None
        node = None if now is None else _grow(tree, gains, node, now)
        node = node or tree.next()
    open_bound = min([unsolved, *(bound for bound, _, _ in tree.waiting)])
    if goal < np.inf:
        decided = tree.met or open_bound > goal
        bound = relaxed.bound if tree.met else min(open_bound, tree.cost)
        return Answer(tree.best, bound, decided, work=tree.lp.work)
    proven = open_bound > tree.enough
    return Answer(tree.best, tree.cost if proven else open_bound, proven, work=tree.lp.work)


def _grow(tree: _Tree, gains: _Gains, node: _Node, now: Relaxed) -> _Node | None:
    """Look at a solved node: nothing, a better x, or two children, of which the nearer is given back."""
    bound = max(now.bound, node.bound)
    gains.learn(node, min(bound, tree.cost))
    if bound > tree.enough:
        return None
    x, reduced = now.values[tree.columns], now.reduced[tree.columns]
    part = x - np.floor(x + _WHOLE)
    part[part < _WHOLE] = 0.0
    if not part.any():
        cost = inner(tree.lp.model.cost, now.values)
        if cost < tree.cost:
            tree.best, tree.cost = now.values, cost
        return None
    lower, upper = _narrowed(node, reduced, tree.enough - bound)
    column = gains.best(part)
    down = _Node(bound, lower, upper.copy(), (column, 0, max(float(part[column]), _WHOLE)))
    up = _Node(bound, lower.copy(), upper, (column, 1, max(1.0 - float(part[column]), _WHOLE)))
    down.upper[column], up.lower[column] = 0.0, 1.0
    near, far = (up, down) if part[column] > 0.5 else (down, up)
    tree.put_off(far)
    return near


def _narrowed(node: _Node, reduced: Floats, slack: float) -> tuple[Floats, Floats]:
    """The node's bounds, with every x fixed whose other value would cost more than `slack`."""
    free = node.lower < node.upper
    upper = np.where(free & (reduced > slack), 0.0, node.upper)
    lower = np.where(free & (-reduced > slack), 1.0, node.lower)
    return lower, upper
