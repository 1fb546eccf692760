"""Laws of allocation: people are split and add up again, whatever the shapes, weights and orders."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from builders import CRS
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.demand import CountedPoints, cell_parts, hold_within, locate, own_grounds, place_demand, spread, zone_parts
from planner.study import Group

amount = st.floats(0, 1e6, allow_subnormal=False)
weight = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))
seeds = st.integers(0, 2**32 - 1)
law = settings(max_examples=40, deadline=None)


@st.composite
def parts_of_totals(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    totals = np.array(draw(st.lists(amount, min_size=1, max_size=5)))
    owner = np.array(list(range(len(totals))) + draw(st.lists(st.integers(-1, len(totals) - 1), max_size=20)))
    weights = np.array(draw(st.lists(weight, min_size=len(owner), max_size=len(owner))))
    return totals, weights, owner


@law
@given(parts_of_totals())
def test_what_is_spread_adds_up_again(given_parts):
    totals, weights, owner = given_parts
    parts = spread(totals, weights, owner)
    assert (parts >= 0).all()
    sums = np.bincount(owner[owner >= 0], weights=parts[owner >= 0], minlength=len(totals))
    assert sums == pytest.approx(totals, rel=1e-12, abs=1e-12)
    assert (parts[owner < 0] == 0).all()


@law
@given(parts_of_totals())
def test_a_part_without_weight_gets_nothing_unless_all_are_without(given_parts):
    totals, weights, owner = given_parts
    parts = spread(totals, weights, owner)
    for k in range(len(totals)):
        own = owner == k
        if weights[own].any():
            assert (parts[own & (weights == 0)] == 0).all()
        else:
            assert parts[own] == pytest.approx(totals[k] / own.sum())


@law
@given(parts_of_totals(), seeds, st.floats(1e-3, 1e3))
def test_spreading_knows_neither_the_order_of_the_parts_nor_the_unit_of_the_weights(given_parts, seed, unit):
    totals, weights, owner = given_parts
    order = np.random.default_rng(seed).permutation(len(owner))
    assert spread(totals, weights[order] * unit, owner[order]) == pytest.approx(spread(totals, weights, owner)[order])


@law
@given(seeds, st.integers(1, 60), st.floats(0.1, 3.0))
def test_nobody_is_lost_when_a_group_exceeds_its_residents(seed, count, crowding):
    rng = np.random.default_rng(seed)
    xy, town = rng.uniform(0, 2000, (count, 2)), rng.integers(0, 3, count)
    room = rng.uniform(0, 10, count) * (rng.random(count) < 0.7)
    amounts = rng.uniform(0, 10 * crowding, count) * (rng.random(count) < 0.5)
    held = hold_within(amounts, room, xy, town)
    assert (held.amounts <= room).all()
    assert (held.amounts >= 0).all()
    assert held.amounts.sum() + held.left == pytest.approx(amounts.sum(), rel=1e-9, abs=1e-6)
    assert held.left == pytest.approx(max(amounts.sum() - room.sum(), 0.0), abs=1e-6)
    fits = np.minimum(amounts, room)
    assert (held.amounts >= fits - 1e-9).all()  # nobody who had room is sent away


@law
@given(seeds, st.integers(2, 40))
def test_a_towns_group_stays_in_the_town_while_there_is_room(seed, count):
    rng = np.random.default_rng(seed)
    xy, town = rng.uniform(0, 2000, (count, 2)), rng.integers(0, 2, count)
    room = rng.uniform(1, 10, count)
    amounts = np.bincount(rng.integers(0, count, 5), minlength=count) * 0.2 * room.min()
    held = hold_within(amounts, room, xy, town)
    assert np.bincount(town, held.amounts, 2) == pytest.approx(np.bincount(town, amounts, 2))


def blob(seed: int, size: float, corners: int = 9) -> shapely.Polygon:
    """A star-shaped polygon with a hole, somewhere off the origin."""
    rng = np.random.default_rng(seed)
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners)) + np.linspace(0, 0.01, corners)
    far = rng.uniform(0.4, 1.0, corners)[:, None]
    spokes = np.column_stack([np.cos(turn), np.sin(turn)])
    centre = rng.uniform(-size, size, 2)
    outer = shapely.make_valid(shapely.Polygon(centre + size * far * spokes))
    return shapely.difference(outer, shapely.Polygon(centre + 0.3 * size * far * spokes).buffer(0)).buffer(0)


@law
@given(seeds, st.floats(0.2, 40.0))
def test_cells_take_exactly_their_share_of_a_polygon(seed, size):
    ground = blob(seed, size)
    west, south, east, north = np.floor(ground.bounds).astype(int)
    parts = cell_parts(ground, (south, north + 1), (west, east + 1))
    assert parts.share.sum() == pytest.approx(ground.area, rel=1e-9, abs=1e-8)
    cells = shapely.box(parts.col, parts.row, parts.col + 1, parts.row + 1)
    assert parts.share == pytest.approx(
        shapely.area(shapely.intersection(cells, ground)), abs=1e-8
    )  # every cell, by brute force
    assert shapely.distance(shapely.points(parts.xy), ground).max(initial=0) < 1e-9
    assert (np.floor(parts.xy) == np.column_stack([parts.col, parts.row])).all()
    assert len(np.unique(np.column_stack([parts.row, parts.col]), axis=0)) == len(parts.row)


@law
@given(seeds, st.floats(30.0, 900.0))
def test_zones_are_split_among_towns_by_area_however_they_are_cut(seed, whole_m):
    zones = np.array([blob(seed + i, 300.0) for i in range(3)])
    grounds = own_grounds([blob(seed + 7, 500.0), blob(seed + 8, 500.0)])
    parts = zone_parts(zones, grounds, whole_m=whole_m)
    for z, zone in enumerate(zones):
        for t, ground in enumerate(grounds):
            here = (parts.zone == z) & (parts.town == t)
            assert parts.share[here].sum() == pytest.approx(zone.intersection(ground).area / zone.area, abs=1e-8)
            assert (shapely.distance(shapely.points(parts.xy[here]), ground) < 1e-6).all()


@law
@given(seeds)
def test_towns_that_overlap_become_disjoint_and_cover_the_same(seed):
    towns = [blob(seed + i, 500.0) for i in range(3)]
    grounds = own_grounds(towns)
    assert shapely.area(grounds).sum() == pytest.approx(shapely.union_all(towns).area, rel=1e-9)
    assert grounds[0] == towns[0]


@law
@given(seeds)
def test_each_point_belongs_to_the_town_that_geopandas_says(seed):
    rng = np.random.default_rng(seed)
    grounds = own_grounds([blob(seed + i, 500.0) for i in range(3)])
    xy = rng.uniform(-1000, 1000, (200, 2))
    frame = gpd.GeoDataFrame(geometry=shapely.points(xy), crs=CRS)
    joined = frame.sjoin(gpd.GeoDataFrame(geometry=grounds, crs=CRS), predicate="within")
    town = locate(xy, grounds)
    inside = joined["index_right"].reindex(frame.index)
    near = shapely.distance(shapely.points(xy)[:, None], grounds[None, :]).min(axis=1) <= 1.0
    assert (town[inside.notna()] == inside[inside.notna()]).all()
    assert ((town >= 0) == near).all()


@law
@given(seeds, st.integers(1, 40), st.sampled_from([0.0, 50.0, 400.0]))
def test_demand_keeps_its_people_and_its_ids_whatever_the_order_of_the_rows(seed, count, cell_m):
    rng = np.random.default_rng(seed)
    xy, town = rng.integers(0, 8, (count, 2)) * 100.0, rng.integers(0, 2, count)
    counts = {"population": rng.integers(0, 5, count).astype(float)}
    counts["old"] = counts["population"] * rng.random(count)
    order = rng.permutation(count)
    first, second = (
        place_demand(
            CountedPoints(xy[o], town[o], {name: values[o] for name, values in counts.items()}),
            towns=["A", "B"], groups=[Group("old", weight=2.0)], crs=CRS, cell_m=cell_m,
        )
        for o in (np.arange(count), order)
    )  # fmt: skip
    assert first.equals(second)
    assert first.index.tolist() == list(range(len(first)))
    assert first["population"].sum() == pytest.approx(counts["population"].sum())
    assert first["pop_old"].sum() == pytest.approx(counts["old"].sum())
    assert (first["pop_old"] <= first["population"]).all()
    assert first["need"].to_numpy() == pytest.approx((first["population"] + 2 * first["pop_old"]).to_numpy())
    for t, name in enumerate("AB"):
        assert first["population"][first["town"] == name].sum() == pytest.approx(counts["population"][town == t].sum())
