"""The walking network: straight street segments between nodes, checked once, held as arrays, immutable."""

from planner.network.arrays import WAYS_READ, WAYS_RIDDEN, EdgeFlag, Flags, Floats, Ids, Ints, turned
from planner.network.cut import cut_network
from planner.network.geodesy import MOST_STRETCH, cut_at_180, ground_m, in_one_piece, stretch_at, utm_at
from planner.network.heights import on_the_ground
from planner.network.model import Network
from planner.network.order import hilbert_index

__all__ = [
    "MOST_STRETCH",
    "WAYS_READ",
    "WAYS_RIDDEN",
    "EdgeFlag",
    "Flags",
    "Floats",
    "Ids",
    "Ints",
    "Network",
    "cut_at_180",
    "cut_network",
    "ground_m",
    "hilbert_index",
    "in_one_piece",
    "on_the_ground",
    "stretch_at",
    "turned",
    "utm_at",
]
