"""How a plan rolls out, phase by phase, in the whole district, in parts of it that are taken one by one, and in each town."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.coverage import walks_onto
from planner.errors import Fault, StudyError, say_faults
from planner.reach import Reach
from planner.schema import ROLLOUT, Coverage, Rollout, Sites, Stations, Towns

DISTRICT = "district"

Marks = npt.NDArray[np.bool_]


def check_rollout(areas: Mapping[str, Sequence[str]], towns: Sequence[str]) -> list[Fault]:
    """Towns of roll-out areas that are none, each with the nearest name.

    >>> [fault.value for fault in check_rollout({"North": ("Old Town", "Od Town")}, ["Old Town"])]
    ['Od Town']
    """
    faults = []
    for name, members in areas.items():
        for town in members:
            if town not in towns:
                near = difflib.get_close_matches(town, list(towns), n=1)
                mend = f"did you mean {near[0]!r}?" if near else f"the towns are {', '.join(towns)}"
                faults.append(Fault("there is no such town", mend, column=f"rollout.areas.{name}", value=town))
    return faults


def score_rollout(
    coverage: Coverage,
    stations: Stations,
    towns: Towns,
    sites: Sites,
    options: Reach,
    *,
    areas: Mapping[str, Sequence[str]] | None = None,
    due: Sequence[dt.date] = (),
) -> Rollout:
    """Say what stands and who is covered after each phase, in the district, in each roll-out area and in each town.

    Parameters
    ----------
    coverage
        Residents at each demand point with their ``town``, and who is covered by the stations that stand.
    stations, sites
        Those that stand and those proposed, each with its ``town``; sites with their ``phase``, from 1.
    options
        Walks within the cutoff from candidates (`sites` among them) to the demand points.
    areas
        Roll-out areas: the towns of each. None: the district is taken as a whole.
    due
        The day by which each phase stands, where the study says so.

    Returns
    -------
    ROLLOUT, phase 0 being today: ``new_sites`` of the phase, ``stations`` that stand then, ``covered_pop``, ``coverage``, and
    ``gain_pop``: those first covered in the phase.

    Raises
    ------
    StudyError
        If an area names a town that is none.

    Notes
    -----
    People count where they live, stations and sites where they stand: a site gains people across the border of its area.
    Laws: towns add up to the district; ``covered_pop`` never falls, and is that of today plus the gains so far.
    """
    named = [str(town) for town in towns.index]
    faults = check_rollout(areas or {}, named)
    if faults:
        raise StudyError(say_faults(faults), faults)
    places = [(DISTRICT, DISTRICT, tuple(named)), *(("area", name, tuple(of)) for name, of in (areas or {}).items())]
    places += [("town", name, (name,)) for name in named]
    covered = _covered_by_phase(coverage, sites, options)
    rows = [row for place in places for row in _rows(place, coverage, stations, sites, covered, due)]
    return cast("Rollout", ROLLOUT.conform(pd.DataFrame(rows)))


def _covered_by_phase(coverage: Coverage, sites: Sites, options: Reach) -> list[Marks]:
    """Who is covered today, and after each phase."""
    walks, phase = walks_onto(options, coverage), sites["phase"].astype(int)  # type: ignore[arg-type]
    found = [coverage["covered"].to_numpy(dtype=bool)]
    for number in range(1, int(phase.max()) + 1):
        built = np.flatnonzero(options.facility_ids.isin(sites.index[phase == number]))
        reached = np.bincount(sp.csr_array(walks[built]).indices, minlength=len(coverage)) > 0
        found.append(found[-1] | reached)
    return found


def _rows(
    place: tuple[str, str, Sequence[str]],
    coverage: Coverage,
    stations: Stations,
    sites: Sites,
    covered: Sequence[Marks],
    due: Sequence[dt.date],
) -> list[dict[str, Any]]:
    """One place, phase by phase."""
    by, name, members = place
    people = coverage["population"].to_numpy(dtype=float)
    here = np.ones(len(people), dtype=bool) if by == DISTRICT else coverage["town"].isin(members).to_numpy(dtype=bool)
    total = float(people[here].sum())
    standing = _standing_in(stations, members)
    rows, before = [], None
    for phase, who in enumerate(covered):
        own = sites[(sites["phase"].astype(int) == phase).to_numpy()]
        new = _standing_in(own, members)
        standing += new
        reached = float(people[here & who].sum())
        rows.append(
            {
                "by": by, "place": name, "phase": phase, "due": due[phase - 1] if 0 < phase <= len(due) else None,
                "new_sites": new, "stations": standing, "population": total, "covered_pop": reached,
                "coverage": min(reached / total, 1.0) if total else None,
                "gain_pop": 0.0 if before is None else reached - before,
            }
        )  # fmt: skip
        before = reached
    return rows


def _standing_in(points: pd.DataFrame, towns: Sequence[str]) -> int:
    return int(points["town"].isin(list(towns)).sum()) if "town" in points else 0
