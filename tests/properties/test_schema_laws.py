"""Laws of the gate, whatever a table holds."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
from builders import CRS
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from planner.errors import TableError
from planner.schema import STATIONS, as_date, as_number, as_text

words = st.text(max_size=12)
cells = st.one_of(st.none(), words, st.integers(-10, 10**6), st.floats(allow_nan=True), st.booleans())
good = st.fixed_dictionaries(
    {
        "name": st.text("abc 站点", min_size=1).filter(str.strip),
        "staff": st.one_of(st.none(), st.integers(0, 99), st.sampled_from(["３", "1,200", " 7 "])),
        "status": st.sampled_from(["built", "已验收", "Closed", None, ""]),
        "opened": st.sampled_from(["2025-06-30", "2025年6月3日", None, pd.Timestamp(2024, 1, 1)]),
        "equipment": st.sampled_from(["是", "0", None, True]),
        "remark": cells,
    }
)
bad = st.fixed_dictionaries(dict.fromkeys(("name", "staff", "status", "opened", "equipment", "lon", "rating"), cells))


def table_of(rows: list[dict]) -> gpd.GeoDataFrame:
    ids = [f"s{i}" for i in range(len(rows))]
    frame = pd.DataFrame(rows, dtype=object).assign(station_id=ids, source_row=range(2, len(rows) + 2))
    return gpd.GeoDataFrame(frame, geometry=[Point(i, 0) for i in range(len(rows))], crs=CRS)


@settings(deadline=None, max_examples=60)
@given(st.lists(good, min_size=1, max_size=6))
def test_what_has_passed_passes_again_unchanged(rows: list[dict]) -> None:
    once = STATIONS.conform(table_of(rows))
    pd.testing.assert_frame_equal(pd.DataFrame(STATIONS.conform(once)), pd.DataFrame(once))


@settings(deadline=None, max_examples=60)
@given(st.lists(good, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_columns_never_matters(rows: list[dict], chance) -> None:
    given_frame = table_of(rows)
    names = list(given_frame.columns)
    chance.shuffle(names)
    one, other = STATIONS.conform(given_frame), STATIONS.conform(given_frame[names])
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other)[list(one.columns)])


@settings(deadline=None, max_examples=60)
@given(st.lists(good, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_only_orders_rows(rows: list[dict], chance) -> None:
    given_frame = table_of(rows)
    places = list(range(len(rows)))
    chance.shuffle(places)
    one, other = STATIONS.conform(given_frame), STATIONS.conform(given_frame.iloc[places])
    assert other.index.tolist() == [f"s{i}" for i in places]
    pd.testing.assert_frame_equal(pd.DataFrame(other.loc[one.index]), pd.DataFrame(one))


def faults_of(frame: gpd.GeoDataFrame) -> list[tuple]:
    """Row and column of every fault; none where the table passes."""
    try:
        STATIONS.conform(frame)
    except TableError as error:
        return [(fault.row, fault.column) for fault in error.faults]
    return []


def faulty(row: dict) -> set[str]:
    """Columns of a row that are at fault, said independently of the gate."""

    def told(value: object) -> bool:
        return not (
            value is None or (isinstance(value, float) and value != value) or (isinstance(value, str) and not value.strip())
        )

    found = set()
    if not told(row["name"]):
        found.add("name")
    for name in ("staff", "lon", "rating"):
        number = as_number(row[name]) if told(row[name]) else 0.0
        low, high = (-180, 180) if name == "lon" else (0, float("inf"))
        if not (abs(number) < float("inf") and low <= number <= high):
            found.add(name)
    if told(row["opened"]) and as_date(row["opened"]) is None:
        found.add("opened")
    return found


@settings(deadline=None, max_examples=100)
@given(st.lists(bad, min_size=1, max_size=5))
def test_every_fault_is_counted_by_row_and_column(rows: list[dict]) -> None:
    expected = {(row, name) for row, held in enumerate(rows, 2) for name in faulty(held)}
    found = faults_of(table_of(rows))
    assert len(set(found)) == len(found)
    assert {(row, name) for row, name in found if name not in ("status", "equipment")} == expected


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers_of_cells(text: str) -> None:
    number, date, plain = as_number(text), as_date(text), as_text(text)
    assert isinstance(number, float)
    assert date is None or 1900 <= date.year <= 2200
    assert as_text(plain) == plain
