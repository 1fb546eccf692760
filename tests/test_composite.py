"""The composite score is the weighted sum it says, and says how far the ranking moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_study import write_lattice_study

from planner.cli import main
from planner.composite import check_weights, composite_scores, normalised, weight_moves
from planner.errors import StudyError
from planner.study import Composite


def scores(**columns: list[float | None]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    index = pd.Index([f"s{i}" for i in range(count)], name="station_id")
    return pd.DataFrame({"name": [f"Station {i}" for i in range(count)], **columns}, index=index)


def test_the_score_is_the_weighted_sum_of_normalised_columns():
    table = scores(served_pop=[0.0, 50.0, 100.0], median_walk_min=[5.0, 10.0, 15.0])
    found = composite_scores(table, Composite({"served_pop": 3.0, "median_walk_min": 1.0}))
    assert found["score"].tolist() == pytest.approx([0.25, 0.5, 0.75])  # the shortest walk is the best
    assert found["rank"].tolist() == [3, 2, 1]
    assert found["part_served_pop"].tolist() == pytest.approx([0, 0.375, 0.75])


def test_what_is_missing_counts_as_nothing_and_is_named():
    found = composite_scores(scores(served_pop=[0.0, 10.0], rating=[None, 4.0]), Composite({"served_pop": 1.0, "rating": 1.0}))
    assert found["missing"].fillna("").tolist() == ["rating", ""]
    assert found["score"].tolist() == pytest.approx([0.0, 0.5])  # one rating alone tells nobody apart


def test_what_is_the_same_as_it_is_written_tells_no_stations_apart():
    table = scores(served_pop=[10.0, 20.0], median_walk_min=[3.30012, 3.29988])
    found = composite_scores(table, Composite({"served_pop": 1.0, "median_walk_min": 9.0}))
    assert found["score"].tolist() == pytest.approx([0.0, 0.1])
    assert found["worst_rank"].tolist() == [2, 1]


def test_one_weight_that_moves_can_turn_the_ranking():
    table = scores(served_pop=[10.0, 0.0], sole_pop=[0.0, 10.0])
    found = composite_scores(table, Composite({"served_pop": 10.0, "sole_pop": 9.0}, spread=0.2))
    assert (found.loc["s0", "best_rank"], found.loc["s0", "worst_rank"]) == (1, 2)
    moves = weight_moves(table, Composite({"served_pop": 10.0, "sole_pop": 9.0}, spread=0.2))
    assert moves.loc[("sole_pop", 1.2), "first"] == "s1"
    assert moves.loc[("sole_pop", 1.2), "moved"] == 2
    assert moves.loc[("sole_pop", 0.8), "spearman"] == pytest.approx(1)


def test_random_weights_are_the_same_again_and_first_shares_add_up():
    table = scores(served_pop=[10.0, 0.0, 6.0], sole_pop=[0.0, 10.0, 6.0])
    asked = Composite({"served_pop": 1.0, "sole_pop": 1.0})
    pd.testing.assert_frame_equal(composite_scores(table, asked), composite_scores(table, asked))
    assert composite_scores(table, asked)["first_share"].sum() == pytest.approx(1.0)


def test_a_study_with_an_unknown_column_has_no_scores(tmp_path: Path):
    study = write_lattice_study(tmp_path / "study")
    asked = ["score", str(study), "--of", "composite", "--set", "composite.weights.served_pops=1"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 1
    assert "did you mean served_pop" in result.stderr


@pytest.mark.parametrize("weight", [1e308, 1e-300])
def test_a_weight_out_of_all_proportion_is_refused(weight: float):
    with pytest.raises(ValueError, match="the weight of load is out of all proportion"):
        Composite({"served_pop": 1.0, "load": weight})


def test_an_unknown_column_names_the_nearest():
    with pytest.raises(StudyError, match="did you mean served_pop"):
        check_weights(Composite({"serve_pop": 1.0}), ())
    check_weights(Composite({"served_old": 1.0}), ("old",))
    with pytest.raises(ValueError, match="no weight"):
        Composite({})


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=3, max_size=3),
    st.integers(2, 9),
)
def test_only_the_ratios_of_weights_matter_and_parts_add_up(rows: list[list[int]], weights: list[int], times: int):
    names = ["served_pop", "sole_pop", "load"]
    table = scores(**{name: [float(row[i]) for row in rows] for i, name in enumerate(names)})
    one = composite_scores(table, Composite(dict(zip(names, map(float, weights), strict=True)), draws=5))
    other = composite_scores(table, Composite({n: float(w * times) for n, w in zip(names, weights, strict=True)}, draws=5))
    assert np.allclose(one["score"], other["score"])
    assert one["rank"].tolist() == other["rank"].tolist()
    assert np.allclose(one[[f"part_{name}" for name in names]].sum(axis=1), one["score"])
    assert ((one["best_rank"] <= one["rank"]) & (one["rank"] <= one["worst_rank"])).all()
    values = normalised(table, names)
    assert ((values >= 0) & (values <= 1)).all()
