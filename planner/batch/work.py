"""What a worker does: one whole study, one part of a big one, or the rest of it when its parts are measured."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.errors import Fault, PlannerError, StudyError
from planner.run import (
    Measured,
    check_output,
    check_unchanged,
    hash_inputs,
    is_done,
    measure_part,
    merge_parts,
    run_study,
)
from planner.sources.files import read_study
from planner.sources.files.study import study_file
from planner.study import Study

Told = Callable[[str, float], None]

BASE_MB = 570.0  # measured: what whole runs of the made district and of four of it side by side come to with no street
MB_PER_1000_NODES = 5.3  # measured on the same, and on nine of it: streets, their residents, and all that is drawn of them
NODES_PER_EXTRACT_MB = {".pbf": 98_000, ".osm": 5_500}  # the most we know: of the made district; of central Shanghai
MB_PER_RASTER_MB = 30.0  # estimated


@dataclass(frozen=True)
class District:
    """One study of a batch: its name among the others, its file, what overrides it, and where its output goes."""

    name: str
    file: Path
    overrides: tuple[str, ...]
    out: Path

    def read(self) -> Study:
        return read_study(self.file, self.overrides)


def plan_districts(studies: Sequence[Path], out: Path, overrides: Sequence[str] = ()) -> list[District]:
    """The studies of a batch by name: each is called by its folder, or by its file where it is not ``study.toml``.

    Raises
    ------
    SourceError
        If one of them is no study.
    StudyError
        If two have one name, for their outputs would lie in one folder, or one has none (a file called ``...toml``).
    """
    found: dict[str, Path] = {}
    for given in studies:
        file = study_file(given).resolve()
        name = file.parent.name if file.name == "study.toml" else file.stem
        if name.strip(".") == "":
            fault = Fault(f"a study called {name!r} has no folder of its own", "rename its file", str(given))
            raise StudyError(str(fault), [fault])
        if name in found and found[name] != file:
            fault = Fault(f"two studies are called {name}", "rename the folder of one", str(given))
            raise StudyError(str(fault), [fault])
        found[name] = file
    return [District(name, file, tuple(overrides), out / "studies" / name) for name, file in found.items()]


def need_mb(district: District) -> float:
    """About how much memory a study takes as a whole, in MB, from the sizes of its files; little where it cannot be read."""
    try:
        study = district.read()
        network, people = (study.path_of(file) if file else None for file in (study.network.file, study.population.file))
        need = BASE_MB
        if network is not None:
            nodes = network.stat().st_size / 1e6 * NODES_PER_EXTRACT_MB.get(network.suffix, NODES_PER_EXTRACT_MB[".pbf"])
            need += nodes / 1000 * MB_PER_1000_NODES
        if people is not None and people.suffix in (".tif", ".tiff"):
            need += people.stat().st_size / 1e6 * MB_PER_RASTER_MB
    except (PlannerError, OSError):
        return BASE_MB
    return need


def do_study(district: District, measured: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Do one study and write its output, unless that is there already; what fails is said and never raised.

    Parameters
    ----------
    measured
        What `do_part` gave for each part, where the study was cut.

    Returns
    -------
    ``state`` (``done``, ``kept`` or ``failed``), ``said`` (why it failed), ``notes``, ``seconds``, ``peak_mb``.
    """
    failed = next((part for part in measured if part["state"] == "failed"), None)
    if failed is not None:
        return failed
    return _careful(district, lambda: _whole(district, measured))


def do_part(district: District, part: int, parts: int) -> dict[str, Any]:
    """Measure one part of a study; as `do_study` says, with what was ``measured``."""

    def measure() -> dict[str, Any]:
        study = district.read()
        if is_done(study, district.out):
            return {"state": "kept", "measured": None}
        inputs = hash_inputs(study)
        return {"state": "done", "measured": measure_part(study, part, parts, progress=_tell(district, part)), "inputs": inputs}

    return _careful(district, measure)


def _whole(district: District, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    study, tell = district.read(), _tell(district)
    if is_done(study, district.out):
        return {"state": "kept"}
    check_output(study, district.out)
    for part in parts:
        check_unchanged(study, part["inputs"])
    measured: list[Measured] = [part["measured"] for part in parts]
    together = merge_parts(study, measured) if measured else None
    done = run_study(study, measured=together, progress=tell)
    done.write(district.out, progress=tell)
    return {"state": "done", "notes": list(done.notes)}


def _careful(district: District, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a run keeps its own notes; what libraries remark is nothing for whoever waits
        try:
            found = work()
        except PlannerError as error:
            found = {"state": "failed", "said": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one study must not stop the others
            found = {"state": "failed", "said": f"{type(error).__name__}: {error}"}
    return {"said": "", "notes": [], **found, "seconds": time.perf_counter() - started, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    scale = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def _tell(district: District, part: int | None = None) -> Told:
    """Progress as an event of the worker, said once a step."""
    last = ""

    def tell(text: str, share: float) -> None:
        nonlocal last
        step = text.partition(":")[0]
        if step == last:
            return
        last = step
        with contextlib.suppress(ImportError, ValueError):  # not on a worker: nobody listens
            from distributed import get_worker

            get_worker().log_event(TOPIC, {"name": district.name, "step": step if part is None else f"part {part + 1}: {step}"})

    return tell


TOPIC = "planner"
