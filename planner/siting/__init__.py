"""Where the next stations go: siting models on a table of walking times, each plan with its proof."""

from planner.siting.assign import Standing
from planner.siting.equity import check_plain, equity_curve
from planner.siting.feasible import check_method, more_than_candidates
from planner.siting.frontier import frontier, knee, needed, sites_needed
from planner.siting.plan import PhaseResult, Plan, check_plan
from planner.siting.propose import propose_sites

__all__ = [
    "PhaseResult",
    "Plan",
    "Standing",
    "check_method",
    "check_plain",
    "check_plan",
    "equity_curve",
    "frontier",
    "knee",
    "more_than_candidates",
    "needed",
    "propose_sites",
    "sites_needed",
]
