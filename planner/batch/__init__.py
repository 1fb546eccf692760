"""Many studies, on Dask: each a task, what fails costs only itself, and what is done is not done again."""

from planner.batch.crew import crew_of
from planner.batch.merge import merge_districts, write_province
from planner.batch.run import Batch, Outcome, run_batch
from planner.batch.work import District, plan_districts

__all__ = [
    "Batch",
    "District",
    "Outcome",
    "crew_of",
    "merge_districts",
    "plan_districts",
    "run_batch",
    "write_province",
]
