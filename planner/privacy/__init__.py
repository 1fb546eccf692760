"""What may leave the machine: small counts of key groups, and as many others as would give them away, become empty."""

from planner.privacy.shares import need_step, publish_equity, rounded_down
from planner.privacy.sums import NOBODY, hide_in_sum, suppress, too_small
from planner.privacy.tables import QUANTILE_DECIMALS, publish_summary, publish_tables, publishable

__all__ = [
    "NOBODY",
    "QUANTILE_DECIMALS",
    "hide_in_sum",
    "need_step",
    "publish_equity",
    "publish_summary",
    "publish_tables",
    "publishable",
    "rounded_down",
    "suppress",
    "too_small",
]
