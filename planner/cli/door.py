"""The shell's door: what every command takes, how our errors leave, and the bar on stderr."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from planner.errors import PlanError, PlannerError, PlannerWarning

FAULTY, USAGE, NO_PLAN, INTERRUPTED = 1, 2, 3, 130

Progressing = Callable[[str, float], None]


class Door(click.Group):
    """Turns our errors into one message and an exit code; a traceback only with ``-v``."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            done = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            sys.exit(USAGE)
        except (KeyboardInterrupt, click.Abort):
            say("Interrupted; nothing was half-written.")
            sys.exit(INTERRUPTED)
        except PlannerError as error:
            _fail(error)
        except BrokenPipeError:  # the reader of our table went away
            sys.stderr.close()
            sys.exit(FAULTY)
        sys.exit(done if isinstance(done, int) else 0)


def _fail(error: PlannerError) -> NoReturn:
    if {"-v", "--verbose"} & set(sys.argv):
        traceback.print_exc()
    say(f"Error: {error}")
    sys.exit(NO_PLAN if isinstance(error, PlanError) else FAULTY)


def say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - words go to stderr


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progressing | None]:
    """A bar on stderr that says what is being done; nothing where stderr is no terminal. Warnings become notes."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    silent = quiet or not console.is_terminal
    with warnings.catch_warnings(), Progress(*columns, console=console, transient=True, disable=silent) as bars:
        warnings.simplefilter("always", PlannerWarning)
        warnings.showwarning = lambda said, kind, *_, **__: None if quiet else _note(said, kind, bars.console)
        bar = bars.add_task("starting", total=1.0)
        yield None if silent else lambda text, share: bars.update(bar, description=text, completed=share)


def _note(said: Warning | str, kind: type[Warning], console: Console) -> None:
    if issubclass(kind, PlannerWarning):
        console.print(f"Note: {said}", markup=False, highlight=False, soft_wrap=True)


def study_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command on a study takes."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="No notes and no progress."),
        click.option("-v", "--verbose", is_flag=True, help="Show a traceback when something fails."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key: walk.minutes=10"),
        click.argument("study", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def format_option(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--format", "form", type=click.Choice(formats), default=formats[0], show_default=True)


OUT = click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write.")
DAY = click.DateTime(["%Y-%m-%d"])
FORCE = click.option("--force", is_flag=True, help="Replace a folder that was edited by hand; the old one is kept beside.")


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="planner")
def main() -> None:
    """Who can walk to a station in fifteen minutes, how well does each serve, and where should the next ones go?

    STUDY is a folder with a study.toml, or that file. Start with `planner demo`, or `planner init my-district`.
    """
