"""Long lists, read block by block and column by column: the same as cell by cell, and without all of them in memory."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pyproj
import pytest
from builders import CRS
from hypothesis import example, given
from hypothesis import strategies as st

from planner.errors import PlannerError, SourceError
from planner.schema import as_number, as_numbers
from planner.sources.files import records, text
from planner.sources.files.rows import read_rows
from planner.sources.files.text import decode, encoding_of
from planner.sources.population.tables import COUNT_WORDS, CountAsk, CountTable, read_counts

PLACES = [(121.24 + i / 1000, 31.38 - i / 1000) for i in range(40)]
HEADERS = "姓名,经度,纬度,,人数,"
WORDS = st.one_of(
    st.sampled_from(
        ["", " ", "1", "-2.5", "+.5", "5.", ".", "1e3", "1e999", "9" * 400, "1_0", "nan", "inf", "１２", "1,200", "--1", "1-2"]
    ),
    st.text(alphabet="0123456789.+-e_ ", max_size=6),
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.integers(-5, 5),
)


def listed(rows: list[str], encoding: str = "utf-8", headers: str = HEADERS) -> bytes:
    return "\r\n".join(["某区名单", headers, *rows, ""]).encode(encoding)


def people(count: int) -> list[str]:
    return [f"王小明,{lon:.4f},{lat:.4f},,{i + 1}," for i, (lon, lat) in zip(range(count), PLACES, strict=False)]


def read(folder: Path, raw: bytes, *, private: bool = False) -> CountTable:
    path = folder / "list.csv"
    path.write_bytes(raw)
    ask = CountAsk(path, "list.csv", {"g": COUNT_WORDS}, "gcj02", private=private, one_each=True)
    return read_counts(ask, pyproj.CRS(CRS))


@given(st.lists(WORDS, max_size=8))
@example(["1", "2", ""])
def test_a_column_of_numbers_is_its_cells_one_by_one(cells: list) -> None:
    expected = [as_number(cell) for cell in cells]
    found = as_numbers(cells).tolist()
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(found, expected, strict=True))


@pytest.mark.filterwarnings("ignore:list.csv:planner.errors.PlannerWarning")
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16", "utf-8-sig"])
def test_a_list_read_in_small_blocks_and_pieces_is_the_same_list(
    tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(30)
    rows[7:7] = [HEADERS, "", " , ,", "# 备注,121.3,31.3,,2,"]
    whole = read(tmp_path, listed(rows, encoding), private=True)
    monkeypatch.setattr(records, "BLOCK_ROWS", 3)
    monkeypatch.setattr(text, "PIECE_BYTES", 5)
    again = read(tmp_path, listed(rows, encoding), private=True)
    assert np.array_equal(whole.xy, again.xy)
    assert whole.counts["g"].tolist() == again.counts["g"].tolist() == [*range(1, 8), 2, *range(8, 31)]
    assert whole.rows.tolist() == again.rows.tolist() == [*range(3, 10), 13, *range(14, 37)]


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.filterwarnings("ignore:list.csv:planner.errors.PlannerWarning")
def test_faults_of_a_list_are_the_same_wherever_its_blocks_end(
    tmp_path: Path, private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(12)
    rows[2] = "李娜,abc,31.38,,1,"
    rows[5] = "小计,121.25,31.38,,6,"
    rows[8] = "张伟,121.25,31.38,,1,,,more"
    rows[9] = "刘洋,121.25,,,-1,"

    def said() -> str:
        with pytest.raises(PlannerError) as caught:
            read(tmp_path, listed(rows), private=private)
        return str(caught.value)

    whole = said()
    assert all(f"row {row}" in whole for row in (5, 8, 11, 12))
    for size in (1, 2, 4):
        monkeypatch.setattr(records, "BLOCK_ROWS", size)
        assert said() == whole


def test_a_column_without_header_counts_as_one_where_any_block_fills_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK_ROWS", 2)
    path = tmp_path / "a.csv"
    path.write_text("name,,,lon\na,,,1\nb,,,2\nc,,x,3\n", encoding="utf-8")
    frame = read_rows(path, "a.csv", {"name": "name", "lon": "lon"}.get).frame
    assert [*frame.columns] == ["name", "column 3", "lon", "source_row"]
    assert frame["source_row"].tolist() == [2, 3, 4]


@pytest.mark.filterwarnings("ignore:list.csv:planner.errors.PlannerWarning")
def test_a_column_that_says_total_in_every_row_of_every_block_is_no_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK_ROWS", 2)
    kind = [row.replace("王小明", "合计") for row in people(5)]
    assert read(tmp_path, listed(kind)).counts["g"].tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(PlannerError, match="the row adds up others"):
        read(tmp_path, listed([*kind, *people(1)]))


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_a_letter_cut_by_a_piece_is_one_letter_and_damage_is_found_in_its_line(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "PIECE_BYTES", size)
    path = tmp_path / "a.csv"
    plain = "街镇,人数\n" + "嘉定镇街道，真新\n" * 3
    for raw in (plain.encode(), plain.encode("gb18030"), plain.encode("utf-16"), plain.encode("utf-8-sig")):
        path.write_bytes(raw)
        assert raw.decode(encoding_of(path, "a.csv")) == decode(raw, "a.csv") == plain
    for raw in (plain.encode() + "定".encode()[:2], "街镇\n".encode("gb18030") + b"\xff\n", b"a\0b"):
        path.write_bytes(raw)
        with pytest.raises(SourceError) as expected:
            decode(raw, "a.csv")
        with pytest.raises(SourceError, match=r".") as found:
            encoding_of(path, "a.csv")
        assert str(found.value) == str(expected.value)


@pytest.mark.filterwarnings("ignore:list.csv:planner.errors.PlannerWarning")
def test_what_stays_outside_the_door_is_never_in_memory_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK_ROWS", 2000)
    row = "王小明,121.24,31.38,,1," + "某路某号" * 100
    raw = listed([row] * 8000, headers=HEADERS + "住址")
    tracemalloc.start()
    try:
        table = read(tmp_path, raw, private=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(table.rows) == 8000
    assert peak < len(raw)
