"""How the loops of this room are compiled: to machine code, kept on disk, run outside Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])
Progress = Callable[[str, float], None]

COMPILING = "loading the compiled search (compiled once after an install, which takes half a minute)"


def compiled(function: Function) -> Function:
    """Compile `function` on its first call; later processes load it from numba's cache beside the package.

    Where the package's folder cannot be written, numba keeps its cache in the user's own cache folder, or in
    ``NUMBA_CACHE_DIR``; where there is no folder at all, each process compiles anew. Nothing compiled asks for a thread
    number: that would silently turn the cache off.
    """
    return _compile(function)


def inlined(function: Function) -> Function:
    """As `compiled`, for the steps of a loop: put into the caller's code rather than called, which would count references."""
    return _compile(function, forceinline=True)


def _compile(function: Function, **options: bool) -> Function:
    try:
        return cast("Function", numba.njit(function, cache=True, nogil=True, **options))
    except RuntimeError:  # numba finds no folder it may write to
        return cast("Function", numba.njit(function, nogil=True, **options))


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
