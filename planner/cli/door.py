"""The shell's door: what every command takes, how our errors leave, and the bar on stderr."""

from __future__ import annotations

import functools
import json
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from planner.cli.examples import EXAMPLES
from planner.errors import MachineNote, PlanError, PlannerError, PlannerWarning
from planner.interrupt import INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

FAULTY, USAGE, NO_PLAN = 1, 2, 3
OURS = (PlannerWarning, MachineNote)

Progressing = Callable[[str, float], None]


class Command(click.Command):
    """A command whose help ends with examples."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        said = EXAMPLES.get(self.name or "", ())
        if said:
            with formatter.section("Examples"):
                for line, meaning in said:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n{'':{formatter.current_indent}}    {meaning}\n")
        super().format_epilog(ctx, formatter)


class Door(click.Group):
    """Turns our errors into one message and an exit code; a traceback only with ``-v``."""

    command_class = Command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            done = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            sys.exit(USAGE)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)  # `planner.__main__` says it, once
        except PlannerError as error:
            _fail(error)
        except BrokenPipeError:  # the reader of our table went away
            sys.stderr.close()
            sys.exit(FAULTY)
        sys.exit(done if isinstance(done, int) else 0)


def _fail(error: PlannerError) -> NoReturn:
    if _is_verbose():
        traceback.print_exc()
    say(f"Error: {error}")
    sys.exit(NO_PLAN if isinstance(error, PlanError) else FAULTY)


def _is_verbose() -> bool:
    return bool({"-v", "--verbose"} & set(sys.argv))


def say(text: str) -> None:
    """Say something on stderr, which a command that was told to be quiet does not; errors are said outside of any command."""
    command = click.get_current_context(silent=True)
    if command is None or not command.params.get("quiet"):
        print(text, file=sys.stderr)  # noqa: T201 - words go to stderr


class Bar:
    """One bar on stderr: the step, what is being done in it, how far it is and how long it may still take."""

    def __init__(self, bars: Progress, *, verbose: bool) -> None:
        self._bars, self._verbose = bars, verbose
        self._task: TaskID = bars.add_task("starting", total=1.0)
        self._step, self._since = "", time.perf_counter()

    def __call__(self, text: str, share: float) -> None:
        """Show `text` ("step: doing") and the `share` of the step that is done; a new step starts a new count."""
        step = text.partition(":")[0]
        if step != self._step:
            self.close_step()
            self._step, self._since = step, time.perf_counter()
            self._bars.reset(self._task)
        self._bars.update(self._task, description=text, completed=share)

    def close_step(self) -> None:
        """With ``-v``, leave a line that says how long the step took."""
        took = time.perf_counter() - self._since
        if self._verbose and self._step:
            self._bars.console.print(f"{self._step}: {took:.2f} s", markup=False, highlight=False)


@contextmanager
def heard(quiet: bool) -> Iterator[Console]:
    """Warnings of ours become notes on stderr while the body runs, each said once."""
    from rich.console import Console

    console, said = Console(stderr=True), set[str]()
    with warnings.catch_warnings():
        for ours in OURS:
            warnings.simplefilter("always", ours)
        warnings.showwarning = lambda text, kind, *_, **__: None if quiet else _note(str(text), kind, console, said)
        yield console


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progressing | None]:
    """A bar on stderr while the body runs, none where stderr is no terminal; warnings are `heard`."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with heard(quiet) as console:
        silent, verbose = quiet or not console.is_terminal, _is_verbose() and not quiet
        with Progress(*columns, console=console, transient=True, disable=silent) as bars:
            bar = Bar(bars, verbose=verbose)
            yield None if silent and not verbose else bar
            bar.close_step()


def _note(text: str, kind: type[Warning], console: Console, said: set[str]) -> None:
    if issubclass(kind, OURS) and text not in said:
        said.add(text)
        console.print(f"Note: {text}", markup=False, highlight=False, soft_wrap=True)


def talk_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How much every command says."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="No notes and no progress.")
    verbose = click.option("-v", "--verbose", is_flag=True, help="Say how long steps take; a traceback when something fails.")
    return verbose(quiet(command))


def study_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command on a study takes; what is asked of stations becomes overrides of the study's ``what_if``."""

    @functools.wraps(command)
    def asked(overrides: tuple[str, ...], **options: Any) -> Any:
        supposed = {name: options.pop(name) for name in ("add", "close", "move")}
        said = [f"what_if.{name}={json.dumps(texts, ensure_ascii=False)}" for name, texts in supposed.items() if texts]
        return command(overrides=(*overrides, *said), **options)

    wrapped: Callable[..., Any] = asked
    place = "in degrees of WGS 84"
    for option in (
        talk_options,
        click.option("--move", multiple=True, metavar="ID@LON,LAT", help=f"What if this station stood here, {place}."),
        click.option("--close", multiple=True, metavar="ID", help="What if this station were closed."),
        click.option("--add", multiple=True, metavar="NAME@LON,LAT", help=f"What if one stood here, {place}, or at a SITE_ID."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key: walk.minutes=10"),
        click.argument("study", type=click.Path(path_type=Path)),
    ):
        wrapped = option(wrapped)
    return wrapped


def study_optional(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `study_options`, for a command that may go without a study."""
    wrapped = study_options(command)
    for parameter in getattr(wrapped, "__click_params__", ()):
        if parameter.name == "study":
            parameter.required = False
    return wrapped


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
