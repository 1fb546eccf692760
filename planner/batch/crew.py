"""Who does the work: a crew of one's own on this machine, sized by its memory, or the workers of a scheduler."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from planner.errors import SourceError, StudyError

MEMORY_SHARE = 0.8  # of what is free now is given to the workers
WAIT_S = 30


@dataclass(frozen=True)
class Crew:
    """Workers to give tasks to: Dask's client, how many do one task each at a time, and the memory of the smallest in MB."""

    client: Any
    workers: int
    memory_mb: float


def how_many(asked: int | None, tasks: int, largest_mb: float, free_mb: float, cores: int) -> int:
    """How many workers: as many as asked for, else one a core, no more than there are tasks or the memory holds.

    Examples
    --------
    >>> how_many(None, 10, largest_mb=1000, free_mb=3500, cores=8), how_many(None, 10, 9000, 3500, 8), how_many(5, 2, 1, 1, 1)
    (3, 1, 5)
    """
    return asked or max(1, min(cores, tasks, int(free_mb / largest_mb)))


@contextlib.contextmanager
def crew_of(scheduler: str | None, workers: int | None, *, tasks: int, largest_mb: float) -> Iterator[Crew]:
    """A crew to work with: of the scheduler at an address, or processes of our own that end with the body.

    Raises
    ------
    StudyError
        If Dask is not installed.
    SourceError
        If no scheduler answers, it has no worker, or goes away.
    """
    try:
        import dask
        import psutil
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise StudyError("a batch needs Dask, which is not installed; run: pip install 'planner[batch]'") from error
    if scheduler is not None:
        with _joined(scheduler, Client) as crew:
            yield crew
        return
    free_mb = psutil.virtual_memory().available / 1e6 * MEMORY_SHARE
    count = how_many(workers, tasks, largest_mb, free_mb, os.cpu_count() or 1)
    settings = {
        "distributed.scheduler.allowed-failures": 0,  # we count and try again ourselves
        "distributed.comm.timeouts.connect": f"{WAIT_S}s",
        "distributed.worker.daemon": True,
        "distributed.logging.distributed": "critical",
    }
    with dask.config.set(settings):
        before = set(psutil.Process().children(recursive=True))
        with _deaf_to_interrupts():
            cluster = LocalCluster(
                n_workers=count, threads_per_worker=1, memory_limit=int(free_mb / count * 1e6), dashboard_address="127.0.0.1:0",
                silence_logs=50,
            )  # fmt: skip
        with cluster, Client(cluster) as client:
            try:
                yield Crew(client, count, free_mb / count)
            except KeyboardInterrupt:
                logging.getLogger("distributed").setLevel(logging.CRITICAL)  # whose workers are gone, and which says so
                for worker in _workers_of(psutil.Process(), before):  # at once: what they do is not wanted any more
                    with contextlib.suppress(psutil.Error):
                        worker.kill()
                raise


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Threads and processes that begin in the body never hear Ctrl-C, nor do those that begin in them: we end them ourselves.

    What is pressed meanwhile is heard afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    _start_tracker()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _workers_of(process: Any, before: set[Any]) -> list[Any]:
    """The processes that `process` began after those `before`, without the one that clears up (`_start_tracker`)."""
    begun = [child for child in process.children(recursive=True) if child not in before]
    return [child for child in begun if "resource_tracker" not in " ".join(child.cmdline())]


def _start_tracker() -> None:
    """Start what clears up after processes that were killed: now, for it opens its thread's ears, and without a word."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


@contextlib.contextmanager
def _joined(address: str, client_of: Any) -> Iterator[Crew]:
    try:
        client = client_of(address, timeout=WAIT_S)
    except (OSError, ValueError) as error:
        said = f"{address}: no Dask scheduler answers there; start one with `dask scheduler`, or leave --scheduler out"
        raise SourceError(said, source=address) from error
    with client:
        known = client.scheduler_info(n_workers=-1)["workers"].values()
        if not known:
            raise SourceError(f"{address}: the scheduler has no worker; start some with `dask worker`", source=address)
        try:
            yield Crew(client, len(known), min(worker["memory_limit"] or 1e12 for worker in known) / 1e6)
        except (CancelledError, OSError) as error:  # Dask's words for a connection that is no more
            said = f"{address}: the scheduler went away; start it and give the command again; what is done stays done"
            raise SourceError(said, source=address) from error
