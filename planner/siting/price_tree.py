"""Branch and bound on prices, where layers are too many for a linear program (Christofides and Beasley 1982).

A node says which sites stand and which do not; it inherits its parent's prices, improves them by a few subgradient steps,
settles what they settle, and branches on the site about which the prices are least sure.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field, replace

import numpy as np

from planner.siting.arrays import Bools
from planner.siting.cover import Chosen, sealed_value
from planner.siting.graded import Graded
from planner.siting.prices import Prices, price_cells, settled
from planner.siting.search import keeps_rules

_STEPS = 120  # subgradient steps a node
_WORK = 3e9  # entries looked at: a quarter of a minute
_NODE = 400_000  # what a node costs besides


@dataclass(order=True)
class _Node:
    bound: float  # negative, so that the weakest bound comes first
    made: int
    graded: Graded = field(compare=False)
    prices: Prices = field(compare=False)


@dataclass
class _Tree:
    whole: Graded
    best: Bools
    value: float
    step: float
    made: int = 0
    work: float = 0.0
    waiting: list[_Node] = field(default_factory=list)

    @property
    def enough(self) -> float:
        """A node bounded by less than this holds nothing better."""
        return self.value + max(self.step * (1 - 1e-6), abs(self.value) * 1e-9)

    def try_choice(self, ids: np.ndarray) -> None:
        """Keep a choice that is better."""
        chosen = np.zeros(len(self.whole.site_ids), dtype=np.bool_)
        chosen[ids] = True
        if keeps_rules(self.whole.rules, chosen):
            value = self.whole.value(chosen)
            if value > self.value:
                self.best, self.value = chosen, value

    def add(self, graded: Graded, prices: Prices) -> None:
        """Look at a node whose prices are known: nothing better in it, a leaf, or one to branch on later."""
        picked = np.argsort(-np.where(graded.rules.forced, np.inf, prices.collected), kind="stable")
        self.try_choice(self.whole.site_ids.get_indexer(graded.site_ids[picked[: graded.rules.steps[-1]]]))
        if prices.bound >= self.enough and not graded.rules.forced.all():
            self.made += 1
            heapq.heappush(self.waiting, _Node(-prices.bound, self.made, graded, prices))


def price_tree(
    graded: Graded, prices: Prices, best: Bools, whole: Graded, *, step: float, until: float | None = None
) -> Chosen:
    """The best choice for `whole`, of which `graded` is what is left open, and a bound that is honest wherever it stops.

    Parameters
    ----------
    graded, prices
        What `settled` left, and prices of its cells.
    best
        (sites of `whole`,) a choice that keeps the rules.
    step
        No two values differ by less, unless they are equal.
    until
        Stop at this time of the monotonic clock; without it after so much work.
    """
    tree = _Tree(whole, best, whole.value(best), step)
    tree.add(graded, prices)
    while tree.waiting and -tree.waiting[0].bound >= tree.enough:
        if tree.work > _WORK if until is None else time.monotonic() > until:
            break
        node = heapq.heappop(tree.waiting)
        for child in _children(node):
            _look(tree, child, node.prices, until)
    left = -tree.waiting[0].bound if tree.waiting else tree.value
    bound = tree.value if left < tree.enough else left
    return sealed_value(tree.best.astype(np.int64), tree.value, bound)


def _children(node: _Node) -> list[Graded]:
    """The node with its least sure site standing, and without it."""
    graded, share = node.graded, node.prices.share
    unsure = np.where(graded.rules.forced, -1.0, share * (1 - share))
    site = int(np.argmax(unsure))
    forced = graded.rules.forced.copy()
    forced[site] = True
    children = [replace(graded, rules=replace(graded.rules, forced=forced))] if forced.sum() <= graded.rules.steps[-1] else []
    if len(forced) > graded.rules.steps[-1] or graded.rules.at_most:
        children.append(graded.without(np.arange(len(forced)) == site))
    return children


def _look(tree: _Tree, child: Graded, parent: Prices, until: float | None) -> None:
    tree.work += 2.0 * _STEPS * child.worth.nnz + _NODE
    aim = tree.value if tree.value > 0 else 0.0
    prices = price_cells(child, child.grades(), aim, parent.price, enough=tree.enough, steps=_STEPS, until=until)
    if prices.bound < tree.enough:
        return
    rest = settled(child, prices, tree.value)
    kept = rest.site_ids.get_indexer(child.site_ids) >= 0
    tree.add(rest, replace(prices, collected=prices.collected[kept], share=prices.share[kept]))
