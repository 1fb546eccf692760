"""All files of a study before their witnesses together: the area is judged by the places that are borne out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np

from planner.errors import Fault, PlannerWarning
from planner.network import Network
from planner.schema import Towns
from planner.sources.datums.verdict import (
    FEWEST,
    Verdict,
    alone_in_towns,
    better_in_towns,
    off_m,
    plain_datum,
    told,
    too_few,
    weigh,
)
from planner.sources.datums.witnesses import DATUMS, Homes, moved_towns, strays_of_area

AREA_KEY = "area_coordinates"


@dataclass(frozen=True)
class PlacedFile:
    """A file of the study, its datum as declared, and its places as read with it."""

    file: str
    declared: str
    places: gpd.GeoDataFrame


def datum_faults(
    network: Network, towns: Towns, area: PlacedFile, files: Sequence[PlacedFile], homes: Homes | None = None
) -> list[Fault]:
    """A fault for each file that is in another datum than it says; see `datum_fault`.

    The area comes first: where places that streets or homes bear out lie outside the towns that their rows name, and inside
    them if the borders are written in another datum, the borders are at fault, and the files are judged with them mended.

    Warns
    -----
    PlannerWarning
        Of each file that is likely in another datum; of those of which nobody can tell; and of those of too few places.
    """
    weighed = [weigh(network, each.places, each.declared, None, homes) for each in files]
    sure = [each for each, verdict in zip(files, weighed, strict=True) if verdict is not None and verdict.fits]
    borders, ground = weigh(network, area.places, area.declared), towns
    faults: list[Fault | None] = []
    if borders is not None:
        borders = _by_places(borders, sure, plain_datum(area.declared), towns)
        faults.append(_of_borders(borders, area))
        ground = moved_towns(towns, plain_datum(area.declared), borders.best or plain_datum(area.declared))
    judged = [(area, borders)]
    for each, alone in zip(files, weighed, strict=True):
        verdict = alone if alone is None or alone.fits else weigh(network, each.places, each.declared, ground, homes)
        faults.append(told(verdict, each.declared, each.file))
        judged.append((each, verdict))
    unsure = [(each, verdict) for each, verdict in judged if verdict is not None and verdict.best is None and not verdict.fits]
    if unsure:
        warnings.warn(_cannot_tell(unsure), PlannerWarning, stacklevel=2)
    few = [each for each in (area, *files) if too_few(each.places, each.declared)]
    if few:
        warnings.warn(_too_few(few), PlannerWarning, stacklevel=2)
    return [fault for fault in faults if fault is not None]


def _by_places(borders: Verdict, sure: Sequence[PlacedFile], plain: str, towns: Towns) -> Verdict:
    """The verdict on the area once the places that are sure, and name their towns, are heard together."""
    heard = [found for each in sure if (found := strays_of_area(each.places, plain, towns))]
    if not heard:
        return borders
    astray = {datum: np.concatenate([found[datum] for found in heard]) for datum in DATUMS}
    best = better_in_towns(astray, plain, borders.street_m)
    if best is not None:
        return replace(borders, strays=astray, best=best, proven=True, fits=False)
    return replace(borders, best=None, fits=True) if alone_in_towns(astray, plain) else borders


def _of_borders(verdict: Verdict, area: PlacedFile) -> Fault | None:
    """What is wrong with the area: by the places in it, else by its own corners."""
    plain, astray, best = plain_datum(area.declared), verdict.strays, verdict.best
    if best is None or not astray:
        fault = told(verdict, area.declared, area.file)
        return None if fault is None else replace(fault, mend=_mend(str(best)), column=AREA_KEY)
    shares = ", ".join(f"{datum} {int(astray[datum].sum())}" for datum in DATUMS)
    problem = (
        f"the borders look like {best}, not {area.declared}, and would be {off_m(verdict, best, plain):.0f} m off: of "
        f"{len(astray[plain])} places whose own datum is borne out, so many lie outside the town they name: {shares}"
    )
    return Fault(problem, _mend(best), area.file, column=AREA_KEY, value=area.declared)


def _mend(best: str) -> str:
    return f'write {AREA_KEY} = "{best}" in study.toml'


def _cannot_tell(unsure: Sequence[tuple[PlacedFile, Verdict]]) -> str:
    files = ", ".join(dict.fromkeys(f"{each.file} ({each.declared})" for each, _ in unsure))
    off = [off_m(verdict, datum, own) for each, verdict in unsure for own in [plain_datum(each.declared)] for datum in DATUMS]
    return (
        f"neither streets nor homes nor towns tell whether these files are in the datum they say: {files}; in another "
        f"they would be up to {max(off):.0f} m off, so look at one place of each on a map"
    )


def _too_few(few: Sequence[PlacedFile]) -> str:
    files = ", ".join(dict.fromkeys(f"{each.file} ({each.declared})" for each in few))
    return (
        f"fewer than {FEWEST} places are too few to tell whether these files are in the datum they say: {files}; in another "
        "they would be some 500 to 1,200 m off, so look at one place of each on a map"
    )
