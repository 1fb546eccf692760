"""Residents out of a population raster, read once: its cells on the towns, kept as what they are, places with residents.

Only residents of a raster are kept: never a key group, and nothing out of a table, which may be a list of people.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

import planner.demand
from planner.demand import RESIDENTS, CountedPoints, Grounds, Tally
from planner.sources import cache
from planner.sources.population.rasters import Progress, RasterAsk, read_raster

SMALLEST_KEPT_BYTES = 16 * 1024  # a smaller raster is read sooner than what was kept

_DTYPES: Mapping[str, npt.DTypeLike] = {
    "xy": np.float64, "town": np.int64, "residents": np.float64, "tally": np.float64, "step": np.uint8, "note": np.uint8,
}  # fmt: skip


def read_residents_of_raster(
    ask: RasterAsk, grounds: Grounds, *, progress: Progress | None = None
) -> tuple[CountedPoints, Tally]:
    """`read_raster` of residents, the same to the last bit whether it was read now or before; raises as it does.

    What the raster makes a reader wonder about (a PlannerWarning) is wondered about every time: then nothing is kept.
    """
    folder = cache.cache_folder()
    sized = ask.path.is_file() and ask.path.stat().st_size >= SMALLEST_KEPT_BYTES
    if folder is None or not sized or ask.what != RESIDENTS:
        return read_raster(ask, grounds, progress=progress)
    key = cache.fingerprint_of(*_made_from(ask, grounds))
    kept = cache.kept_arrays(folder, "residents", key, _DTYPES)
    if kept is not None and _fits(kept, len(grounds.names)):
        if progress is not None:
            progress(f"{ask.file} was read before", 1.0)
        return _read_from(kept)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        points, tally = read_raster(ask, grounds, progress=progress)
    for each in caught:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if not caught:
        cache.keep_arrays(folder, "residents", key, _arrays_of(points, tally))
    return points, tally


def _made_from(ask: RasterAsk, grounds: Grounds) -> Iterator[bytes]:
    """The raster and whatever lies beside it under its name (its CRS, its statistics), the ground, and the code that reads."""
    for path in sorted(ask.path.parent.glob(f"{escape(ask.path.stem)}.*")):
        if path.is_file():
            with path.open("rb") as file:
                yield path.name.encode() + hashlib.file_digest(file, "sha256").digest()
    yield repr((ask.file, ask.band, ask.values, ask.zone_m, grounds.names)).encode()
    yield grounds.crs.to_wkt().encode()
    yield from shapely.to_wkb(grounds.pieces)
    yield np.ascontiguousarray(grounds.piece_town).tobytes()
    yield from cache.code_of(Path(__file__).parent, Path(planner.demand.__file__).parent)


def _arrays_of(points: CountedPoints, tally: Tally) -> dict[str, npt.NDArray[Any]]:
    step, note = (np.frombuffer(text.encode(), dtype=np.uint8) for text in (tally.step, tally.note))
    people = np.array([tally.people_in, tally.people_out])
    return {
        "xy": points.xy, "town": points.town, "residents": points.counts[RESIDENTS], "tally": people, "step": step,
        "note": note,
    }  # fmt: skip


def _fits(kept: Mapping[str, npt.NDArray[Any]], towns: int) -> bool:
    many, town = len(kept["xy"]), kept["town"]
    shapes = kept["xy"].shape == (many, 2) and town.shape == kept["residents"].shape == (many,) and kept["tally"].shape == (2,)
    return shapes and (not many or 0 <= int(town.min()) <= int(town.max()) < towns)


def _read_from(kept: Mapping[str, npt.NDArray[Any]]) -> tuple[CountedPoints, Tally]:
    step, note = (bytes(kept[name]).decode() for name in ("step", "note"))
    came, went = kept["tally"].tolist()
    return CountedPoints(kept["xy"], kept["town"], {RESIDENTS: kept["residents"]}), Tally(step, RESIDENTS, came, went, note)
