"""A batch: studies given to workers as they are free, tried again when a worker dies, and every outcome told."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from planner.batch.crew import Crew
from planner.batch.work import TOPIC, District, do_part, do_study, need_mb
from planner.errors import SourceError, StudyError

RETRIES = 2
LOOK_S = 0.5  # how long to wait for a task to end before looking for workers that came back
ALONE_S = 60.0  # how long to go on without any worker: those of our own that die come back within seconds
DONE = ("done", "kept")


@dataclass(frozen=True)
class Outcome:
    """How one study stands: ``waiting``, ``running``, ``done``, ``kept`` (done before) or ``failed``."""

    name: str
    state: str = "waiting"
    step: str = ""
    said: str = ""
    notes: tuple[str, ...] = ()
    parts: int = 1
    retries: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.state in (*DONE, "failed")


Watch = Callable[[Sequence[Outcome]], None]


@dataclass
class Batch:
    """A batch under way: outcomes by name, in the order the studies were named."""

    crew: Crew
    districts: dict[str, District]
    outcomes: dict[str, Outcome]
    retries: int
    watch: Watch
    tasks: dict[Any, tuple[str, _Task]] = field(default_factory=dict)  # under way: its future, worker and task

    def change(self, name: str, **now: Any) -> None:
        self.outcomes[name] = replace(self.outcomes[name], **now)
        self.watch(list(self.outcomes.values()))


@dataclass(frozen=True)
class _Task:
    """What a worker is asked: a function, its arguments, for which study, and how often it was tried before."""

    name: str
    function: Callable[..., dict[str, Any]]
    arguments: tuple[Any, ...]
    tried: int = 0


def run_batch(
    districts: Sequence[District],
    crew: Crew,
    *,
    parts: int | None = None,
    retries: int = RETRIES,
    watch: Watch | None = None,
) -> list[Outcome]:
    """Do every study, one task each; a big one as many tasks as it is cut into, and one more that puts them together.

    Parameters
    ----------
    districts
        What to do (`plan_districts`).
    crew
        Who does it (`crew_of`). Each worker has one task at a time, so that one that dies takes no other with it.
    parts
        Into how many parts every study is cut; by default as many as its need of memory is larger than a worker has.
    retries
        How often a task whose worker died is given to another.
    watch
        Is told all outcomes whenever one changes.

    Returns
    -------
    One outcome a study, in the order given. A study that fails, or kills every worker it is given to, costs only itself.

    Raises
    ------
    StudyError
        If `parts` is below 1.
    SourceError
        If no worker is left for a minute.
    """
    if parts is not None and parts < 1:
        raise StudyError(f"a study cannot be cut into {parts} parts; name 1 or more")
    batch = Batch(
        crew,
        {district.name: district for district in districts},
        {district.name: Outcome(district.name) for district in districts},
        retries,
        watch or (lambda outcomes: None),
    )
    cut = {district.name: parts or math.ceil(need_mb(district) / crew.memory_mb) for district in districts}
    for name, count in cut.items():
        batch.change(name, parts=count)
    crew.client.subscribe_topic(TOPIC, lambda event: _heard(batch, event))
    _work(batch, _first_tasks(batch, cut))
    return list(batch.outcomes.values())


def _first_tasks(batch: Batch, cut: dict[str, int]) -> list[_Task]:
    tasks = []
    for name, district in batch.districts.items():
        if cut[name] == 1:
            tasks.append(_Task(name, do_study, (district,)))
        else:
            tasks += [_Task(name, do_part, (district, part, cut[name])) for part in range(cut[name])]
    return tasks


def _work(batch: Batch, waiting: list[_Task]) -> None:
    """Keep every worker at one task until nothing waits."""
    measured: dict[str, dict[int, dict[str, Any]]] = {}
    waiting.reverse()
    last_seen = time.monotonic()
    while waiting or batch.tasks:
        alive = set(batch.crew.client.scheduler_info(n_workers=-1)["workers"])
        last_seen = time.monotonic() if alive else last_seen
        if time.monotonic() - last_seen > ALONE_S:
            said = f"no worker was left for {ALONE_S:.0f} s; start some with `dask worker` and give the command again"
            raise SourceError(f"{said}: what is done stays done", source="--scheduler")
        for worker in _idle(batch, alive)[: len(waiting)]:
            _give(batch, waiting.pop(), worker)
        for future in dict.fromkeys([*_ended(batch), *_left_behind(batch, alive)]):
            _, task = batch.tasks.pop(future)
            if future.status == "finished":
                waiting += _taken(batch, task, future.result(), measured)
            elif task.tried < batch.retries:
                batch.change(task.name, retries=batch.outcomes[task.name].retries + 1, step="its worker died; once more")
                waiting.append(replace(task, tried=task.tried + 1))
            else:
                _lost(batch, task, waiting)
            future.release()


def _idle(batch: Batch, alive: set[str]) -> list[str]:
    """The workers that are alive and whose last result was taken.

    A worker that dies takes with it what was not yet taken from it, and Dask would do that again: none gets a task before.
    """
    busy = {worker for worker, _ in batch.tasks.values()}
    return sorted(alive - busy)[: batch.crew.workers - len(busy)]


def _ended(batch: Batch) -> list[Any]:
    """The tasks that ended, once one has or `LOOK_S` went by: a worker may have come back meanwhile."""
    from distributed import wait

    if not batch.tasks:
        time.sleep(LOOK_S)
    else:
        with contextlib.suppress(TimeoutError):
            wait(list(batch.tasks), timeout=LOOK_S, return_when="FIRST_COMPLETED")
    return [future for future in batch.tasks if future.done()]


def _left_behind(batch: Batch, alive: set[str]) -> list[Any]:
    """The tasks whose worker died: no other does them, for each is given to one worker alone (`_give`).

    A scheduler of the user's would hand such a task from worker to worker until four have died of it, and count none.
    """
    if not alive:  # one may come back; where none does the batch ends
        return []
    return [future for future, (worker, _) in batch.tasks.items() if worker not in alive and not future.done()]


def _give(batch: Batch, task: _Task, worker: str) -> None:
    future = batch.crew.client.submit(task.function, *task.arguments, pure=False, workers=[worker], allow_other_workers=False)
    batch.tasks[future] = worker, task
    batch.change(task.name, state="running")


def _lost(batch: Batch, task: _Task, waiting: list[_Task]) -> None:
    """Give a task up; of a study that is cut, the other parts too."""
    said = f"its worker died {task.tried + 1} times: it needs more memory than a worker has, or breaks the program"
    batch.change(task.name, state="failed", said=said, step="")
    waiting[:] = [other for other in waiting if other.name != task.name]


def _taken(batch: Batch, task: _Task, found: dict[str, Any], measured: dict[str, dict[int, dict[str, Any]]]) -> list[_Task]:
    """Take down what a task found; of the last part of a study, give the task that puts its parts together."""
    before = batch.outcomes[task.name]
    spent = {"seconds": before.seconds + found["seconds"], "peak_mb": max(before.peak_mb, found["peak_mb"])}
    if before.state == "failed":
        return []
    if task.function is do_study:
        over = {"state": found["state"], "said": found["said"], "notes": tuple(found["notes"]), "step": ""}
        batch.change(task.name, **spent, **over)
        return []
    district, part, parts = task.arguments
    own = measured.setdefault(task.name, {})
    own[part] = found
    batch.change(task.name, **spent)
    if len(own) < parts:
        return []
    kept = any(each["state"] == "kept" for each in own.values())
    together = [] if kept else [own[i] for i in range(parts)]
    del measured[task.name]
    return [_Task(task.name, do_study, (district, together))]


def _heard(batch: Batch, event: tuple[Any, Any]) -> None:
    _, said = event
    name = said.get("name")
    if name in batch.outcomes and not batch.outcomes[name].is_over:
        batch.change(name, step=str(said.get("step")))
