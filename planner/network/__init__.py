"""The walking network: straight street segments between nodes, checked once, held as arrays, immutable."""

from planner.network.arrays import EdgeFlag, Flags, Floats, Ids, Ints
from planner.network.geodesy import ground_m
from planner.network.model import Network
from planner.network.order import hilbert_index

__all__ = ["EdgeFlag", "Flags", "Floats", "Ids", "Ints", "Network", "ground_m", "hilbert_index"]
