"""Laws of reading: whatever the bytes, it is a table or our own error; and a table is the same however it is written down."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from study_folders import STUDY, write_study

from planner.errors import Fault, PlannerError
from planner.schema import STATIONS
from planner.sources.files import read_study, read_table
from planner.sources.files.study import load_study
from planner.sources.files.text import decode
from planner.sources.files.towns import match_town

CRS = "EPSG:32651"
quick = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])

names = st.text("嘉定站 abcé'\"，;#|\t", min_size=1, max_size=8).filter(lambda text: text.strip() and text.strip()[0] != "#")
rows = st.lists(st.tuples(names, st.floats(121.2, 121.4), st.floats(31.2, 31.5)), min_size=1, max_size=8)
endings = st.sampled_from([".csv", ".xlsx", ".geojson", ".gpkg", ".fgb", ".parquet", ".shp"])


def read(raw: bytes, ending: str = ".csv"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        path.write_bytes(raw)
        return read_table(path, STATIONS, CRS)


def written(held: list[tuple[str, float, float]], mark: str, encoding: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=mark)
    writer.writerow(["站点编号", "名称", "经度", "纬度"])
    writer.writerows([f"s{i}", name, repr(lon), repr(lat)] for i, (name, lon, lat) in enumerate(held))
    return text.getvalue().encode(encoding)


@quick
@given(rows, st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
def test_a_table_is_the_same_however_it_is_written_down(held: list, mark: str, encoding: str) -> None:
    table = read(written(held, mark, encoding))
    assert table["name"].tolist() == [name.strip() for name, _, _ in held]
    assert table["lon"].tolist() == [lon for _, lon, _ in held]
    assert table["lat"].tolist() == [lat for _, _, lat in held]


@quick
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_columns_in_the_file_never_matters(held: list, chance) -> None:
    plain = [["station_id", "name", "lon", "lat"], *([f"s{i}", *row] for i, row in enumerate(held))]
    order = list(range(4))
    chance.shuffle(order)
    text = io.StringIO()
    csv.writer(text).writerows([[line[i] for i in order] for line in plain])
    one, other = read(written(held, ",", "utf-8")), read(text.getvalue().encode())
    assert one.geometry.tolist() == other.geometry.tolist()
    assert one["name"].tolist() == other["name"].tolist()


def faults_of(read_it: Callable[[], object]) -> tuple[Fault, ...] | None:
    """The faults that reading raises, or None where it raises nothing; any other error goes through."""
    try:
        read_it()
    except PlannerError as error:
        return error.faults
    return None


@quick
@given(st.binary(max_size=300), endings)
def test_whatever_the_bytes_it_is_a_table_or_our_own_error(raw: bytes, ending: str) -> None:
    assert faults_of(lambda: read(raw, ending)) != ()


@quick
@given(st.text("站点编号名称经度纬度lonlatid,;\t\n\"'#=.0123456789-", max_size=200))
def test_whatever_the_text_it_is_a_table_or_our_own_error(text: str) -> None:
    faults = faults_of(lambda: read(text.encode()))
    assert faults is None or (faults and all(fault.file.endswith("a.csv") for fault in faults))


@given(st.text(max_size=50))
def test_what_is_encoded_is_decoded(text: str) -> None:
    plain = "".join(letter for letter in text if not ("\ud800" <= letter <= "\udfff" or "\ue000" <= letter <= "\uf8ff"))
    assert decode(b"\xef\xbb\xbf" + plain.encode(), "a.csv") == plain


@given(
    st.text("嘉定南翔镇街道新区工业", min_size=1, max_size=6),
    st.lists(st.text("嘉定南翔镇街道新区工业", min_size=1), max_size=5, unique=True),
)
def test_a_town_is_always_known_by_its_own_name(town: str, others: list[str]) -> None:
    towns = [town, *(other for other in others if other != town)]
    meant = match_town(town, towns)
    assert meant in (town, None)
    if len(towns) == 1:
        assert meant == town


@quick
@given(st.lists(st.text('abc.="[]{}#\n 1-嘉', max_size=20), max_size=4), st.lists(st.text(max_size=15), max_size=3))
def test_whatever_stands_in_a_study_file_it_is_a_study_or_our_own_error(lines: list[str], overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = write_study(Path(folder), study="\n".join([*lines, STUDY]))
        assert faults_of(lambda: read_study(file, overrides)) != ()
        assert faults_of(lambda: load_study(file, overrides)) != ()
