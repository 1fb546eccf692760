"""Laws of candidates that others make needless: leaving them out never changes what can be covered."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from siting_towns import siting_town

from planner.siting.choose import best_cover
from planner.siting.dominated import needless, put_back, without
from planner.siting.problem import build_problem
from planner.study import Siting


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_optimum_is_the_same_without_needless_candidates(data: st.DataObject) -> None:
    sites, cells = data.draw(st.integers(2, 8)), 8
    reached = [data.draw(st.sets(st.integers(0, cells - 1), max_size=4)) for _ in range(sites)]
    people = [float(data.draw(st.integers(0, 9))) for _ in range(cells)]
    towns = data.draw(st.lists(st.sampled_from(["A", "B"]), min_size=sites, max_size=sites))
    town = siting_town({f"s{i}": sorted(of) for i, of in enumerate(reached)}, people, towns=towns)
    most = data.draw(st.sampled_from([None, 1, 2]))
    room = sites if most is None else sum(min(most, towns.count(name)) for name in set(towns))
    siting = Siting(sites=data.draw(st.integers(1, room)), per_town_max=most)
    problem = build_problem(*town, siting)
    out = needless(problem)
    small = put_back(best_cover(without(problem, out)), out)
    assert small.value == small.bound == best_cover(problem).value
    assert len(small.phase) == sites
    assert not (small.phase[out] > 0).any()


def test_whoever_another_covers_goes_and_of_equals_the_first_stays() -> None:
    town = siting_town(
        {"a": [0], "b": [0, 1], "c": [0, 1], "d": [2], "e": [2]}, [1.0, 1.0, 1.0], towns=["A", "A", "A", "A", "B"]
    )
    problem = build_problem(*town, Siting(sites=2))
    assert problem.site_ids[needless(problem)].tolist() == ["a", "c"]  # e is of another town
    assert not needless(build_problem(*town, Siting(sites=2, budget=9.0))).any()
