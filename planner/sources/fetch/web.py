"""Downloads that come whole or not at all: retried, resumed, bounded, checked, kept.

What a server sends is hostile until it has been looked at: sizes are bounded, redirects stay on the host, an answer that is
not what was asked for is thrown away. The library is `requests`; waiting follows urllib3's `Retry`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import functools
import hashlib
import importlib.metadata
import json
import re
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from planner.errors import Fault, PlannerWarning, SourceError

Progress = Callable[[str, float], None]
T = TypeVar("T")
Check = Callable[[Path], None]  # raises a SourceError where a file is not what was asked for

BUSY = (408, 425, 429, 500, 502, 503, 504)  # worth another try
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
BLOCK_BYTES = 1 << 16
LOOK_AGAIN_S = 0.2  # after a file that another process is fetching
MOST_ANSWER_BYTES = 64 << 20  # of an answer to a question, which is held in memory


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for: seconds, tries without any progress, and the least pace of a download."""

    connect_s: float = 15.0
    silence_s: float = 60.0
    tries: int = 5
    pause_s: float = 1.0
    longest_pause_s: float = 120.0
    slowest_bytes_a_s: float = 200.0

    def pauses(self) -> Retry:
        """urllib3's schedule of waiting, its longest pause ours."""
        longest = self.longest_pause_s
        return Retry(total=None, backoff_factor=self.pause_s, backoff_max=longest, retry_after_max=max(1, int(longest)))


@dataclass(frozen=True)
class Download:
    """A file that was fetched: where it is kept, where it came from, and when."""

    path: Path
    url: str
    sha256: str
    fetched_at: str
    modified: str | None = None  # what the server says of the file's own date


class _Again(Exception):
    """A try that failed in a way that may pass; `after` is what the server said of waiting."""

    def __init__(self, said: str, after: str | None = None) -> None:
        super().__init__(said)
        self.after = after


@dataclass
class Web:
    """A user agent with patience and a folder of what was fetched before.

    Parameters
    ----------
    folder
        Where downloads are kept and resumed; made where it is not there.
    patience
        How long servers are waited for.
    progress
        Called with what is being fetched and the share done.
    """

    folder: Path
    patience: Patience = field(default_factory=Patience)
    progress: Progress | None = None

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"planner/{importlib.metadata.version('planner')} (walking-distance planning)"
        self._session.headers["Accept-Encoding"] = "identity"  # so that a part of a file is a part of a file

    def size(self, url: str) -> int | None:
        """Bytes that the server says are at `url`, asked once and briefly; None where it does not say."""
        try:
            answer = self._session.head(url, timeout=(5.0, 5.0), allow_redirects=False)
        except (requests.RequestException, HTTPError):
            return None
        return _length(answer) if answer.status_code == 200 else None

    def ask(self, url: str, params: Mapping[str, str] | None = None, *, data: Mapping[str, str] | None = None) -> bytes:
        """The answer to a question, in memory: at most 64 MB, retried as downloads are.

        Raises
        ------
        SourceError
            If the server cannot be reached, refuses, or says too much.
        """

        def once() -> bytes:
            with self._open("GET" if data is None else "POST", url, {}, params=params, data=data) as answer:
                body = bytearray()
                for block in self._blocks(answer):
                    body += block
                    if len(body) > MOST_ANSWER_BYTES:
                        raise _refused(url, f"the answer is longer than {MOST_ANSWER_BYTES:,} bytes", "ask for less")
                return bytes(body)

        return self._patiently(url, once)

    def download(self, url: str, *, check: Check, most_bytes: int, md5_url: str | None = None) -> Download:
        """The file at `url`: the kept copy if the server says it is still the same, else fetched, and resumed where cut off.

        Parameters
        ----------
        check
            Called with the whole file before it is kept; raises where it is not what it should be.
        most_bytes
            A file that is or says to be longer is refused.
        md5_url
            Where the server keeps the file's MD5 sum; a file that does not have it is fetched once more, then refused.

        Raises
        ------
        SourceError
            If it cannot be had whole and right. What came so far stays for the next time, unless it was wrong.

        Notes
        -----
        Two that fetch the same address into the same folder do so one after the other; the second finds it there.
        """
        kept = _Kept(self.folder, url)
        with kept.alone(lambda: self.progress and self.progress(f"waiting for another fetch of {kept.name}", 0.0)):
            return self._download(kept, check, most_bytes, md5_url)

    def _download(self, kept: _Kept, check: Check, most_bytes: int, md5_url: str | None) -> Download:
        url, known = kept.url, kept.whole()
        for last in (False, True):
            try:
                found = self._patiently(url, functools.partial(self._fetch, kept, known, most_bytes), kept)
            except SourceError as error:
                if known is None or not known.path.is_file():
                    raise
                _warn(f"{error}; the copy fetched on {known.fetched_at} is used")
                found = known
                break
            known = None
            wanted = self._md5(md5_url)
            if wanted is None or wanted == digest_of(found.path, "md5"):
                break
            kept.forget()
            if last:
                problem = "the file does not have the checksum that the server gives"
                raise _refused(url, problem, "try again later, or name a mirror")
        try:
            check(found.path)
        except SourceError:
            kept.forget()
            raise
        return found

    def forget(self, url: str) -> None:
        """Throw away what is kept of `url`."""
        _Kept(self.folder, url).forget()

    def _md5(self, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            said = self.ask(url)[:200].decode("ascii", "replace")
        except SourceError as error:
            _warn(f"there is no checksum to be had ({error}); the file is taken on its own word")
            return None
        found = re.match(r"\s*([0-9a-fA-F]{32})\b", said)
        if found is None:
            raise _refused(url, "this is no MD5 sum", "try again later, or name a mirror")
        return found[1].lower()

    def _fetch(self, kept: _Kept, known: Download | None, most_bytes: int) -> Download:
        """One try: the rest of what is kept in part, or all of it; raises `_Again` where another may do better."""
        headers = kept.conditions(known)
        try:
            with self._open("GET", kept.url, headers) as answer:
                if answer.status_code == 304:
                    if known is None or not kept.data.is_file():
                        raise _Again("the server says that nothing changed, and there is nothing yet")
                    return known
                start = kept.start_of(answer)
                total = _length(answer)
                if total is not None and start + total > most_bytes:
                    raise _too_long(kept.url, start + total, most_bytes)
                kept.make_room(total or 0)
                self._write(kept, answer, start, total, most_bytes)
        except OSError as error:
            if isinstance(error, SourceError | requests.RequestException):
                raise
            raise _unwritable(kept, error) from error
        return kept.keep(answer)

    def _write(self, kept: _Kept, answer: requests.Response, start: int, total: int | None, most_bytes: int) -> None:
        done = start
        with kept.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for block in self._blocks(answer):
                file.write(block)
                done += len(block)
                if done > most_bytes:
                    file.truncate(0)
                    raise _too_long(kept.url, done, most_bytes)
                if self.progress:
                    self.progress(f"fetching {kept.name}", 0.0 if total is None else min(done / max(start + total, 1), 1.0))
        if total is not None and done != start + total:
            raise _Again(f"{done:,} of {start + total:,} bytes came")

    def _blocks(self, answer: requests.Response) -> Iterator[bytes]:
        """What comes, block by block; a server that only trickles is given up."""
        began, came = time.monotonic(), 0
        while block := answer.raw.read1(BLOCK_BYTES):
            came += len(block)
            waited = time.monotonic() - began
            if waited > self.patience.silence_s:
                if came < waited * self.patience.slowest_bytes_a_s:
                    raise _Again(f"only {came:,} bytes came in {waited:.0f} s")
                began, came = time.monotonic(), 0
            yield block

    @contextlib.contextmanager
    def _open(self, method: str, url: str, headers: Mapping[str, str], **asked: Any) -> Iterator[requests.Response]:
        """An answer worth reading: redirects followed on the same host, refusals raised."""
        timeout = (self.patience.connect_s, self.patience.silence_s)
        for _ in range(MOST_REDIRECTS):
            options = {"stream": True, "timeout": timeout, "allow_redirects": False, **asked}
            with self._session.request(method, url, headers=dict(headers), **options) as answer:
                if answer.status_code in REDIRECTS:
                    url = _next_url(url, answer.headers.get("Location", ""))
                    continue
                _raise_for(url, answer)
                yield answer
                return
        raise _refused(url, f"the server redirects more than {MOST_REDIRECTS} times", "name another mirror")

    def _patiently(self, url: str, once: Callable[[], T], kept: _Kept | None = None) -> T:
        """What `once` gives, tried again after a pause while tries without progress last."""
        pauses, failed, before = self.patience.pauses(), 0, kept.size() if kept else 0
        while True:
            try:
                return once()
            except (_Again, requests.RequestException, HTTPError) as error:
                failure = error
            except ValueError as error:  # requests looks at a redirect before we do
                raise _refused(url, "the server sends on to another place (no address)", "name another mirror") from error
            now = kept.size() if kept else 0
            failed = 1 if now > before else failed + 1
            before = max(before, now)
            if failed >= self.patience.tries or isinstance(failure, requests.exceptions.InvalidURL):
                raise _unreachable(url, failure, before) from failure
            after = failure.after if isinstance(failure, _Again) else None
            time.sleep(min(_pause(pauses, after, failed), self.patience.longest_pause_s))


def _pause(pauses: Retry, after: str | None, failed: int) -> float:
    """Seconds to wait: what the server said, else twice as long each time."""
    if after is not None:
        with contextlib.suppress(Exception):  # a header of rubbish
            return max(pauses.parse_retry_after(after), 0.0)
    return float(min(pauses.backoff_factor * 2 ** (failed - 1), pauses.backoff_max))


def _raise_for(url: str, answer: requests.Response) -> None:
    status = answer.status_code
    if status in BUSY:
        raise _Again(f"the server says {status} {answer.reason}", answer.headers.get("Retry-After"))
    if status == 416:
        raise _Again("the server has another file now")
    if status == 404:
        raise Missing(f"{url}: the server has no such file (404); check its name, or name another mirror")
    if status not in (200, 206, 304):
        raise _refused(url, f"the server says {status} {answer.reason}", "check the address, or name another mirror")
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise _refused(url, "the server packed what was asked for as it is", "name another mirror")


class Missing(SourceError):
    """The server has no such file."""


def _next_url(url: str, location: str) -> str:
    """Where a redirect leads, if that is on the same host and as safe."""
    old, shown = urlsplit(url), location[:80]
    try:
        onward = urljoin(url, location)
        new = urlsplit(onward)
        upgraded = (old.scheme, new.scheme, new.port) == ("http", "https", None)
        same = new.hostname == old.hostname and (upgraded or (new.scheme, new.port) == (old.scheme, old.port))
        shown = f"{new.scheme}://{new.netloc}"
    except ValueError:  # no address at all
        same = False
    if not location or not same:
        raise _refused(url, f"the server sends on to another place ({shown})", "if you trust it, name it under [fetch.mirrors]")
    return onward


class _Kept:
    """One address's place in the folder of downloads: the file whole or absent, ``part`` what came so far, ``about.json``."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.name = re.sub(r"[^A-Za-z0-9._-]", "_", urlsplit(url).path.rsplit("/", 1)[-1])[-80:]
        self._place = folder / hashlib.sha256(url.encode()).hexdigest()[:32]
        self.data, self.part, self._about = self._place / f"whole-{self.name}", self._place / "part", self._place / "about.json"

    def size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def whole(self) -> Download | None:
        """The copy that was kept, if it is still what was kept."""
        about = self._said()
        if not self.data.is_file() or about.get("sha256") != digest_of(self.data, "sha256"):
            self.data.unlink(missing_ok=True)
            return None
        return Download(self.data, self.url, str(about["sha256"]), str(about["fetched_at"]), about.get("modified"))

    def conditions(self, known: Download | None) -> dict[str, str]:
        """Headers that ask for no more than is needed: nothing if unchanged, or only the rest."""
        about = self._said()
        strong = about.get("etag") if str(about.get("etag") or "W/").startswith('"') else None
        validator = strong or about.get("modified")
        if known is not None and self.data.is_file():
            named = {"If-None-Match": about.get("etag"), "If-Modified-Since": about.get("modified")}
            return {name: value for name, value in named.items() if value}
        if self.size() and validator and not self.data.is_file():
            return {"Range": f"bytes={self.size()}-", "If-Range": validator}
        return {}

    def start_of(self, answer: requests.Response) -> int:
        """Where in the file the answer begins; notes what the server says of the file."""
        start = 0
        if answer.status_code == 206:
            said = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
            if said is None or int(said[1]) != self.size():
                self.part.unlink(missing_ok=True)
                raise _Again("the server sent another part than was asked for")
            start = self.size()
        self._place.mkdir(parents=True, exist_ok=True)
        if start == 0:
            self.data.unlink(missing_ok=True)
            self._say({"url": self.url, "etag": answer.headers.get("ETag"), "modified": answer.headers.get("Last-Modified")})
        return start

    def make_room(self, wanted: int) -> None:
        free = shutil.disk_usage(self._place).free
        if wanted > free:
            problem = f"{wanted:,} bytes are wanted and the disk has room for {free:,}"
            raise _refused(self.url, problem, f"make room on the disk of {self._place.parent}, or set PLANNER_CACHE")

    def keep(self, answer: requests.Response) -> Download:
        """The part is whole now: it takes its name."""
        sha256 = digest_of(self.part, "sha256")
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._say({**self._said(), "sha256": sha256, "fetched_at": now})
        self.part.replace(self.data)
        return Download(self.data, self.url, sha256, now, answer.headers.get("Last-Modified"))

    def forget(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self, waiting: Callable[[], object]) -> Iterator[None]:
        """Hold this address for one process at a time; `waiting` is called while another has it. A dead one holds nothing."""
        if sys.platform == "win32":  # two at a time are the user's to avoid there
            yield
            return
        import fcntl

        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            lock = self._place.with_suffix(".lock").open("w")
        except OSError as error:
            raise _unwritable(self, error) from error
        with lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waiting()
                    time.sleep(LOOK_AGAIN_S)
            yield

    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def _say(self, about: Mapping[str, Any]) -> None:
        beside = self._about.with_suffix(".new")
        beside.write_text(json.dumps(about), encoding="utf-8")
        beside.replace(self._about)


def digest_of(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _length(answer: requests.Response) -> int | None:
    said = answer.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() else None


def _refused(url: str, problem: str, mend: str) -> SourceError:
    fault = Fault(problem, mend, url)
    return SourceError(str(fault), [fault], url)


def _too_long(url: str, length: int, most: int) -> SourceError:
    return _refused(url, f"the file has {length:,} bytes or more, and at most {most:,} are taken", "check the address")


def _unwritable(kept: _Kept, error: OSError) -> SourceError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    mend = "make room and run it again: it goes on where it stopped" if full else "set PLANNER_CACHE to a folder of yours"
    problem = "the disk is full" if full else f"the download cannot be written ({error.strerror or error})"
    return _refused(kept.url, problem, mend)


def _unreachable(url: str, failure: Exception, came: int) -> SourceError:
    said = str(failure) if isinstance(failure, _Again) else _first_cause(failure)
    kept = f"; {came:,} bytes are kept and the next time goes on from there" if came else ""
    problem = f"the server does not give it ({said}){kept}"
    return _refused(url, problem, "check the connection and run it again, or name a mirror under [fetch.mirrors]")


def _first_cause(failure: BaseException) -> str:
    """What went wrong, in few words and without the addresses of objects."""
    inner = failure.args[0] if failure.args else None
    deeper = getattr(inner, "reason", inner)
    if isinstance(deeper, BaseException):
        return _first_cause(deeper)
    text = re.sub(r"<[^>]*>|HTTPS?Connection(Pool)?\([^)]*\): ", "", str(failure)).strip(" :,)'\"(")
    return text[:160] or type(failure).__name__


def _warn(said: str) -> None:
    warnings.warn(said, PlannerWarning, stacklevel=4)
