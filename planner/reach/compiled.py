"""How the loops of this room are compiled: to machine code, kept on disk, run outside Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])
Progress = Callable[[str, float], None]

COMPILING = "loading the compiled search (compiled once after an install, which takes half a minute)"


def compiled(function: Function) -> Function:
    """Compile `function` on its first call; later processes load it from numba's cache beside the package.

    Where the package's folder cannot be written, numba keeps its cache in the user's own cache folder, or in
    ``NUMBA_CACHE_DIR``. Nothing compiled asks for a thread number: that would silently turn the cache off.
    """
    return cast("Function", numba.njit(function, cache=True, nogil=True))


def workers(threads: int | None) -> int:
    """How many threads to use: `threads`, or as many as this process may run on."""
    if threads is not None:
        return max(1, threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
