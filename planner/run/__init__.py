"""The story of a run, from a study to its results; read `planner.run.story` first."""

from planner.run.asks import explain, walking_times
from planner.run.outputs import check_output, publish_scores
from planner.run.results import PARTS, Conformity, Proposal, Run, Survey
from planner.run.story import (
    check_standards,
    draw_isochrones,
    measure_access,
    propose,
    run_study,
    score_survey,
    survey_study,
)
from planner.run.summary import publish_plan

__all__ = [
    "PARTS",
    "Conformity",
    "Proposal",
    "Run",
    "Survey",
    "check_output",
    "check_standards",
    "draw_isochrones",
    "explain",
    "measure_access",
    "propose",
    "publish_plan",
    "publish_scores",
    "run_study",
    "score_survey",
    "survey_study",
    "walking_times",
]
