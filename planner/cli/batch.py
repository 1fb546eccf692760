"""The command for many studies: `batch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.door import FAULTY, FORCE, OUT, heard, main, say, talk_options

if TYPE_CHECKING:
    from rich.table import Table

    from planner.batch import Outcome
    from planner.batch.run import Watch


@main.command()
@click.argument("studies", nargs=-1, required=True, type=click.Path(path_type=Path))
@OUT
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, such as tcp://10.0.0.1:8786; default: this machine.")
@click.option("--workers", type=click.IntRange(1), help="How many on this machine; default: by cores and memory.")
@click.option("--parts", type=click.IntRange(1), help="Cut every study into so many parts; default: by size, most into one.")
@click.option("--retries", type=click.IntRange(0), default=2, show_default=True, help="For a task whose worker died.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of every study.")
@FORCE
@talk_options
def batch(
    studies: tuple[Path, ...],
    out: Path,
    scheduler: str | None,
    workers: int | None,
    parts: int | None,
    retries: int,
    overrides: tuple[str, ...],
    force: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Run many STUDIES, each a task on Dask, and put their results together.

    Each study's output goes to OUT/studies/NAME, the tables and the map of all together to OUT/province. A study that fails
    costs only itself; one whose inputs, settings and version are those of its output is not done again. Exit 1 if any failed.
    """
    from planner import store
    from planner.batch import crew_of, plan_districts, run_batch, write_province
    from planner.batch.work import need_mb

    districts = plan_districts(studies, out, overrides)
    store.check_folder(out / "province", force=force)  # now rather than after a night's work
    largest = max(need_mb(district) for district in districts)
    tasks = len(districts) * (parts or 1)
    try:
        with crew_of(scheduler, workers, tasks=tasks, largest_mb=largest) as crew, _table(quiet) as watch:
            outcomes = run_batch(districts, crew, parts=parts, retries=retries, watch=watch)
    finally:
        with heard(quiet):
            for district in districts:  # of workers that were killed
                store.remove_leavings(district.out)
    with heard(quiet):
        write_province(districts, outcomes, out, force=force)
    if not quiet:
        _say_result(outcomes, out)
    return FAULTY if any(outcome.state == "failed" for outcome in outcomes) else 0


@contextmanager
def _table(quiet: bool) -> Iterator[Watch | None]:
    """A table on stderr that follows the batch; none where stderr is no terminal."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        yield lambda outcomes: live.update(_drawn(outcomes))


def _drawn(outcomes: Sequence[Outcome]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    over = [outcome for outcome in outcomes if outcome.is_over]
    left_s = sum(outcome.seconds for outcome in over) / max(len(over), 1) * (len(outcomes) - len(over))
    running = sum(1 for outcome in outcomes if outcome.state == "running")
    left = f", about {left_s / max(running, 1) / 60:.0f} min to go" if over and running else ""
    table = Table(title=f"{len(over)} of {len(outcomes)} studies{left}", title_justify="left")
    for name in ("study", "state", "step", "tries", "s", "MB"):
        table.add_column(name)
    for o in sorted(outcomes, key=lambda o: ("running", "waiting", "failed", "done", "kept").index(o.state)):
        words = escape(o.name), o.state, escape(o.step or o.said)[:60]
        table.add_row(*words, str(1 + o.retries), f"{o.seconds:.0f}", f"{o.peak_mb:.0f}")
    return table


def _say_result(outcomes: Sequence[Outcome], out: Path) -> None:
    for outcome in outcomes:
        if outcome.state == "failed":
            said = outcome.said.replace("\n", "\n  ")
            say(f"{outcome.name}: failed: {said}")
    counts = {state: sum(1 for outcome in outcomes if outcome.state == state) for state in ("done", "kept", "failed")}
    said = f"{counts['done']} done, {counts['kept']} kept from before, {counts['failed']} failed"
    say(f"{said}; see {out / 'province' / 'batch.csv'}")
    if counts["done"] + counts["kept"]:
        say(f"The province: {out / 'province' / 'index.html'}")
