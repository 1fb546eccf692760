"""Downloads come whole or not at all, whatever the server does: it stalls, trickles, cuts off, sends rubbish or elsewhere."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fetch_server import HTML, Town, serving

from planner.errors import PlannerWarning, SourceError
from planner.sources.fetch.web import Download, Missing, Patience, Web

HASTY = Patience(connect_s=2.0, silence_s=0.4, tries=3, pause_s=0.01, longest_pause_s=0.05)
BODY = bytes(range(256)) * 1200  # 300 kB
PATH = "/asia/china/shanghai-latest.osm.pbf"


@pytest.fixture
def server() -> Iterator[Town]:
    with serving() as town:
        town.files[PATH] = BODY
        yield town


def get(server: Town, folder: Path, path: str = PATH, *, most: int = 10**7, md5: str | None = None) -> Download:
    def check(file: Path) -> None:
        if file.read_bytes().startswith(b"<!DOCTYPE"):
            raise SourceError(f"{file.name}: a web page")

    web = Web(folder, HASTY)
    return web.download(server.url + path, check=check, most_bytes=most, md5_url=md5 and server.url + md5)


def test_a_file_comes_whole_with_its_checksum_and_is_not_fetched_again(server: Town, tmp_path: Path) -> None:
    first, second = get(server, tmp_path), get(server, tmp_path)
    assert first.path.read_bytes() == BODY
    assert first.sha256 == hashlib.sha256(BODY).hexdigest()
    assert second.fetched_at == first.fetched_at
    assert server.asked[1][2]["If-None-Match"].strip('"')  # the second time it is only asked whether it changed
    assert server.asked[0][2]["User-Agent"].startswith("planner/")


def test_a_file_that_changed_on_the_server_is_fetched_anew(server: Town, tmp_path: Path) -> None:
    get(server, tmp_path)
    server.files[PATH] = b"another file"
    assert get(server, tmp_path).path.read_bytes() == b"another file"


def test_a_copy_that_was_damaged_on_the_disk_is_fetched_anew(server: Town, tmp_path: Path) -> None:
    kept = get(server, tmp_path).path
    kept.write_bytes(b"x" + BODY[1:])
    assert get(server, tmp_path).path.read_bytes() == BODY
    assert "If-None-Match" not in server.asked[1][2]


def test_two_that_fetch_one_file_at_the_same_time_do_it_one_after_the_other(server: Town, tmp_path: Path) -> None:
    server.tricks[PATH] = [("trickle", 100_000)]  # the first takes its time
    with ThreadPoolExecutor(2) as pool:
        found = [each.result() for each in [pool.submit(get, server, tmp_path) for _ in range(2)]]
    assert [each.path.read_bytes() for each in found] == [BODY, BODY]
    assert found[0].fetched_at == found[1].fetched_at
    assert len([headers for _, path, headers in server.asked if path == PATH and "If-None-Match" in headers]) == 1


@pytest.mark.parametrize("trick", [("cut", 100_000), ("stall", 100_000), ("trickle", 100_000)])
def test_a_download_goes_on_where_it_stopped(server: Town, tmp_path: Path, trick: tuple[str, int]) -> None:
    server.tricks[PATH] = [trick]
    assert get(server, tmp_path).path.read_bytes() == BODY
    resumed = server.asked[1][2]
    assert int(resumed["Range"].removeprefix("bytes=").rstrip("-")) >= 100_000
    assert resumed["If-Range"].startswith('"')


def test_a_download_that_was_given_up_goes_on_in_the_next_run(server: Town, tmp_path: Path) -> None:
    server.tricks[PATH] = [("cut", 50_000), "refuse", "refuse", "refuse"]
    with pytest.raises(SourceError, match="50,000 bytes are kept"):
        get(server, tmp_path)
    assert get(server, tmp_path).path.read_bytes() == BODY
    assert server.asked[-1][2]["Range"] == "bytes=50000-"


def test_a_file_that_changes_between_two_parts_is_never_pieced_together(server: Town, tmp_path: Path) -> None:
    server.tricks[PATH] = [("cut", 50_000), "refuse", "refuse", "refuse"]
    with pytest.raises(SourceError):
        get(server, tmp_path)
    server.files[PATH] = BODY[::-1]
    assert get(server, tmp_path).path.read_bytes() == BODY[::-1]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: Town, tmp_path: Path, status: int) -> None:
    server.tricks[PATH] = [{"status": status, "headers": {"Retry-After": "0"}}, {"status": status}]
    assert get(server, tmp_path).path.read_bytes() == BODY
    assert len(server.asked) == 3


def test_a_wait_that_the_server_asks_for_is_kept_up_to_a_bound(
    server: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("planner.sources.fetch.web.time.sleep", slept.append)
    server.tricks[PATH] = [
        {"status": 429, "headers": {"Retry-After": "7"}},
        {"status": 503, "headers": {"Retry-After": "999999"}},
        {"status": 503, "headers": {"Retry-After": "soon"}},
    ]
    web = Web(tmp_path, Patience(tries=4, pause_s=1.0, longest_pause_s=60.0))
    web.download(server.url + PATH, check=lambda _: None, most_bytes=10**7)
    assert slept == [7.0, 60.0, 4.0]  # said; bounded; rubbish, so the third pause of 1, 2, 4 …


@pytest.mark.parametrize(
    ("trick", "said"),
    [
        ({"status": 403}, "403"),
        ({"status": 302, "headers": {"Location": "http://elsewhere.example/x"}}, "another place"),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "another place"),
        ({"status": 302, "headers": {"Location": "//[::1"}}, "another place"),
        ({"status": 302}, "another place"),
        ({"status": 200, "body": HTML}, "a web page"),
        ({"status": 200, "body": b"x", "headers": {"Content-Length": "99999999999"}}, "at most 10,000,000 are taken"),
        ({"status": 200, "body": b"x", "headers": {"Content-Encoding": "gzip"}}, "packed"),
    ],
)
def test_what_is_not_the_file_is_refused_and_not_kept(server: Town, tmp_path: Path, trick: object, said: str) -> None:
    server.tricks[PATH] = [trick] * 9  # on a busy machine an answer may come too late, and is asked for again
    with pytest.raises(SourceError, match=said):
        get(server, tmp_path)
    server.tricks.clear()
    assert get(server, tmp_path).path.read_bytes() == BODY
    assert "Range" not in server.asked[-1][2]


def test_a_redirect_on_the_same_host_is_followed_and_a_ring_of_them_is_not(server: Town, tmp_path: Path) -> None:
    server.tricks["/latest"] = [{"status": 302, "headers": {"Location": PATH}}]
    assert get(server, tmp_path, "/latest").path.read_bytes() == BODY
    server.tricks["/ring"] = [{"status": 301, "headers": {"Location": "/ring"}}] * 9
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        get(server, tmp_path, "/ring")


def test_an_answer_without_a_length_is_bounded_all_the_same(server: Town, tmp_path: Path) -> None:
    server.tricks[PATH] = [{"body": b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n", "headers": CHUNKED}] * 9
    with pytest.raises(SourceError, match="at most 500 are taken"):
        get(server, tmp_path, most=500)


CHUNKED = {"Transfer-Encoding": "chunked", "Content-Length": ""}


def test_a_file_that_is_not_there_says_so(server: Town, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no such file"):
        get(server, tmp_path, "/nowhere")
    assert len(server.asked) == 1


def test_a_wrong_checksum_is_fetched_once_more_and_then_refused(server: Town, tmp_path: Path) -> None:
    right = hashlib.md5(BODY, usedforsecurity=False).hexdigest().encode()
    server.files["/sum"] = right + b"  shanghai-latest.osm.pbf\n"
    server.tricks[PATH] = [{"body": BODY[:-1] + b"!"}]
    assert get(server, tmp_path, md5="/sum").path.read_bytes() == BODY
    server.files["/sum"] = b"0" * 32
    with pytest.raises(SourceError, match="does not have the checksum"):
        get(server, tmp_path, md5="/sum")


def test_no_checksum_is_a_note_and_rubbish_for_one_an_error(server: Town, tmp_path: Path) -> None:
    with pytest.warns(PlannerWarning, match="no checksum"):
        get(server, tmp_path, md5="/none")
    server.files["/sum"] = HTML
    with pytest.raises(SourceError, match="no MD5 sum"):
        get(server, tmp_path, md5="/sum")


def test_a_server_that_is_down_leaves_the_copy_of_before(server: Town, tmp_path: Path) -> None:
    get(server, tmp_path)
    server.tricks[PATH] = ["refuse"] * 9
    with pytest.warns(PlannerWarning, match="the copy fetched on"):
        assert get(server, tmp_path).path.read_bytes() == BODY


def test_a_full_disk_is_said_and_what_came_stays(server: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Web, kept: object, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Web, "_write", full)
        with pytest.raises(SourceError, match="the disk is full; make room"):
            get(server, tmp_path)
    assert get(server, tmp_path).path.read_bytes() == BODY


def test_a_file_bigger_than_the_disk_is_refused_before_it_comes(
    server: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planner.sources.fetch.web.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(SourceError, match="307,200 bytes are wanted and the disk has room for 1,000"):
        get(server, tmp_path)
