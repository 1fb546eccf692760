"""How loops are compiled: to machine code, kept on disk, run outside Python's lock, and not before one is called.

The compiler is slow to import: who calls none of the loops, because all was measured before, never waits for it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, update_wrapper
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from planner.errors import MachineNote

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., object])
Progress = Callable[[str, float], None]

PACKAGE = Path(__file__).resolve().parent.parent
KEPT = 3  # folders of compiled code, for as many versions of the package
STOP = b"."  # the last byte of what numba keeps; written whole or not at all, unless the machine stops
_ONE_AT_A_TIME = threading.RLock()  # one loop calls others
COMPILING = "compiling the search, once after an install: this takes about a minute"
LOADING = "loading the compiled search"


def compiled(function: Function) -> Function:
    """Compile `function` on its first call; later processes load it from the disk.

    The machine code is kept in a folder that is named by all that it was made from (`code_folder`), so that none is ever stale:
    numba itself only looks at the file a function stands in. Where there is no folder at all, each process compiles anew.
    Nothing compiled asks for a thread number: that would silently turn the cache off.
    """
    return cast("Function", Loop(function))


def inlined(function: Function) -> Function:
    """As `compiled`, for the steps of a loop: put into the caller's code rather than called, which would count references."""
    return cast("Function", Loop(function, forceinline=True))


class Loop:
    """A function that is compiled when it is first called, from Python or within another that is compiled."""

    def __init__(self, function: Callable[..., object], **options: bool) -> None:
        update_wrapper(self, function)
        self._function, self._options = function, options
        self._machine: Any = None

    def __call__(self, *given: object, **named: object) -> object:
        return (self._machine or self._made())(*given, **named)

    def __getattr__(self, name: str) -> Any:
        """What the compiled function has; where another loop calls it, the compiler asks for its type."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._made(), name)

    def _made(self) -> Any:
        with _ONE_AT_A_TIME:
            self._machine = self._machine or _compile(self._function, **self._options)
            return self._machine


def fetch_ahead(array: npt.NDArray[Any], at: np.uint64) -> None:
    """In compiled loops: have what stands at ``array[at]`` (of one dimension, without gaps) brought near, as it is read soon.

    Nothing waits for it and nothing is changed by it. `at` may lie past the end. On a network that is larger than the
    processor's caches a search waits for memory a third of its time otherwise. Where nothing is compiled nothing is fetched.
    """


@cache
def _teach_to_fetch_ahead() -> None:
    """Tell the compiler that `fetch_ahead` is the processor's own instruction: data that will be read, into all caches."""
    from llvmlite import ir
    from numba import types
    from numba.core.cgutils import create_struct_proxy
    from numba.extending import intrinsic, overload

    def instruction(_typing: object, array: Any, at: Any) -> tuple[Any, Callable[..., object]]:
        def build(context: Any, builder: Any, _signature: object, given: list[Any]) -> object:
            pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
            fetch = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
            first = create_struct_proxy(array)(context, builder, given[0]).data
            to_read, all_caches, data = number(0), number(3), number(1)
            builder.call(fetch, [builder.bitcast(builder.gep(first, [given[1]]), pointer), to_read, all_caches, data])
            return context.get_dummy_value()

        return types.void(array, at), build

    prefetch = intrinsic(instruction)
    overload(fetch_ahead, strict=False, inline="always")(lambda array, at: lambda array, at: prefetch(array, at))


def _compile(function: Callable[..., object], **options: bool) -> Any:
    import numba

    say_what_takes_long()
    _teach_to_fetch_ahead()
    folder = code_folder()
    if folder is not None:
        with suppress(RuntimeError, OSError), _kept_in(folder):  # numba finds no folder it may write to
            return numba.njit(function, cache=True, nogil=True, **options)
    return numba.njit(function, nogil=True, **options)


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Let numba keep what is made ready meanwhile in `folder`."""
    import numba

    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


@cache
def code_folder() -> Path | None:
    """Where compiled code is kept: in ``NUMBA_CACHE_DIR``, else beside the package, else in the user's cache folder; None if
    none of them can be written by us and by nobody else. Its name is a hash of all files with compiled loops and of the
    versions of numba and Python."""
    import numba

    beside, home = PACKAGE / "__pycache__", Path("~/.cache").expanduser() / "planner"
    for base in (Path(numba.config.CACHE_DIR),) if numba.config.CACHE_DIR else (beside, home):
        folder = base / f"compiled-{fingerprint(PACKAGE)}"
        with suppress(OSError):
            base.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            if os.access(folder, os.W_OK) and _is_ours(folder):
                _drop_older(base, folder)
                _drop_cut_off(folder)
                return folder
    return None


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can put code into `folder`: it is ours, no link, and no other user may write in it or swap it."""
    if not hasattr(os, "getuid"):
        return True
    own, above = folder.lstat(), folder.parent.stat().st_mode
    return own.st_uid == os.getuid() and not own.st_mode & 0o022 and (not above & 0o002 or bool(above & stat.S_ISVTX))


def fingerprint(package: Path) -> str:
    """Sixteen hexadecimal digits that change with any file of `package` that holds compiled loops."""
    import numba

    whole = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for file in sorted(package.rglob("*.py")):
        text = file.read_bytes()
        if b"@compiled" in text or b"@inlined" in text:
            whole.update(str(file.relative_to(package)).encode() + text)
    return whole.hexdigest()[:16]


def _drop_older(base: Path, kept: Path) -> None:
    others = sorted((each for each in base.glob("compiled-*") if each != kept), key=lambda each: each.stat().st_mtime)
    for folder in others[: -(KEPT - 1)]:
        shutil.rmtree(folder, ignore_errors=True)


def _drop_cut_off(folder: Path) -> None:
    """Remove kept code that was cut off (the power failed, the disk was full): numba would stop on it rather than compile.

    What is whole ends with the mark by which a pickle stops.
    """
    for file in folder.rglob("*.nb[ic]"):
        with file.open("rb") as kept:
            size = kept.seek(0, os.SEEK_END)
            kept.seek(max(size - 1, 0))
            is_whole = kept.read() == STOP
        if not is_whole:
            file.unlink(missing_ok=True)


def what_first() -> str:
    """What a search does first, in words: compile, if nothing compiled is kept yet, or load.

    >>> what_first() in (COMPILING, LOADING)
    True
    """
    folder = code_folder()
    return LOADING if folder is not None and next(folder.rglob("*.nbi"), None) is not None else COMPILING


@cache
def say_what_takes_long() -> None:
    """Warn, once a process, that the first search waits for the compiler, if it does: a notebook has no bar that would tell."""
    if what_first() == COMPILING:
        warnings.warn(COMPILING, MachineNote, stacklevel=2)


def workers(threads: int | None) -> int:
    """How many threads to use: `threads`, or as many as this process may run on."""
    if threads is not None:
        return max(1, threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_turn(
    work: Callable[[Iterator[int]], None], turns: int, threads: int, what: str = "", progress: Progress | None = None
) -> None:
    """Let so many threads share the turns 0 … `turns` - 1: each is given an iterator and takes the next free turn from it."""
    ticket, finished = count(), count(1)

    def mine() -> Iterator[int]:
        while (turn := next(ticket)) < turns:
            yield turn
            if progress:
                progress(what, next(finished) / turns)

    with ThreadPoolExecutor(threads) as pool:
        for worker in [pool.submit(work, mine()) for _ in range(min(threads, turns))]:
            worker.result()
