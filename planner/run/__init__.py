"""The story of a run, from a study to its results; read `planner.run.story` first."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as type checkers know it, without importing typing
if TYPE_CHECKING:
    # imported on first use, as in `planner` itself
    from typing import Any

    from planner.run.asks import explain, walking_times
    from planner.run.cuts import Measured, cut_demand, measure_part, merge_parts
    from planner.run.measures import (
        communities_of,
        composite_of,
        evidence_of,
        indicators_of,
        lift_survey,
        measure_circle,
        rollout_of,
        track_survey,
    )
    from planner.run.outputs import check_output, check_unchanged, hash_inputs, is_done, publish_scores
    from planner.run.parts import DECAYS, score_part
    from planner.run.results import PARTS, Circle, Conformity, Measures, Proposal, Run, Survey
    from planner.run.story import (
        check_standards,
        draw_isochrones,
        measure_access,
        propose,
        run_study,
        score_survey,
        survey_study,
        trace_equity,
    )
    from planner.run.summary import publish_plan
    from planner.run.why import explain_plan

_HOMES = {
    "planner.run.asks": ("explain", "walking_times"),
    "planner.run.measures": (
        "communities_of",
        "composite_of",
        "evidence_of",
        "indicators_of",
        "lift_survey",
        "measure_circle",
        "rollout_of",
        "track_survey",
    ),
    "planner.run.parts": ("DECAYS", "score_part"),
    "planner.run.results": ("PARTS", "Circle", "Conformity", "Measures", "Proposal", "Run", "Survey"),
    "planner.run.outputs": ("check_output", "check_unchanged", "hash_inputs", "is_done", "publish_scores"),
    "planner.run.cuts": ("Measured", "cut_demand", "measure_part", "merge_parts"),
    "planner.run.story": (
        "check_standards",
        "draw_isochrones",
        "measure_access",
        "propose",
        "run_study",
        "score_survey",
        "survey_study",
        "trace_equity",
    ),
    "planner.run.summary": ("publish_plan",),
    "planner.run.why": ("explain_plan",),
}
_HOME = {name: room for room, names in _HOMES.items() for name in names}

__all__ = [
    "DECAYS",
    "PARTS",
    "Circle",
    "Conformity",
    "Measured",
    "Measures",
    "Proposal",
    "Run",
    "Survey",
    "check_output",
    "check_standards",
    "check_unchanged",
    "communities_of",
    "composite_of",
    "cut_demand",
    "draw_isochrones",
    "evidence_of",
    "explain",
    "explain_plan",
    "hash_inputs",
    "indicators_of",
    "is_done",
    "lift_survey",
    "measure_access",
    "measure_circle",
    "measure_part",
    "merge_parts",
    "propose",
    "publish_plan",
    "publish_scores",
    "rollout_of",
    "run_study",
    "score_part",
    "score_survey",
    "survey_study",
    "trace_equity",
    "track_survey",
    "walking_times",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name from its room on first use (PEP 562)."""
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
