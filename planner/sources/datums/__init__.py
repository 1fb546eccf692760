"""Whether a file looks as if its coordinates were in another datum than it says.

Three witnesses are heard: how near its places are to the streets, how many people live around them, and whether they lie in the
towns that their rows name. Where none of them can tell, that is said.
"""

from planner.sources.datums.files import PlacedFile, datum_faults
from planner.sources.datums.verdict import DATUM_KEY, datum_fault
from planner.sources.datums.witnesses import Homes

__all__ = ["DATUM_KEY", "Homes", "PlacedFile", "datum_fault", "datum_faults"]
