"""The areas of priority of a study: polygons on which need counts more."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from planner.errors import Fault, PlannerError, PlannerWarning, SourceError, TableError, say_faults
from planner.schema import AREAS, Areas, Towns
from planner.sources.files.area import KINDS, polygons_of
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.files.shapes import shapes_of
from planner.study import PriorityArea, Study


def read_areas(study: Study, towns: Towns) -> Areas | None:
    """The areas of priority, one row a block of the study, clipped to its towns, in the study's CRS; None where it names none.

    Several polygons of a file become one area; invalid ones are repaired. Areas may overlap: the largest factor counts there.

    Raises
    ------
    TableError
        With every fault at once: shapes that are no polygons, an area that lies wholly outside the towns.
    SourceError
        If a file cannot be read, or is a table without shapes.
    """
    if not study.scenario.areas:
        return None
    ground = towns.geometry.union_all()
    shapes, faults = [], list[Fault]()
    for block in study.scenario.areas:
        try:
            shapes.append(_shape_of(study, block, ground))
        except PlannerError as error:
            faults += error.faults or [Fault(str(error))]
    if faults:
        raise TableError(say_faults(faults), faults, "areas")
    blocks = study.scenario.areas
    columns: dict[str, Any] = {
        "area": [block.name for block in blocks],
        "label": [block.shown for block in blocks],
        "kind": [str(block.kind) for block in blocks],
        "factor": [block.factor for block in blocks],
    }
    areas: Areas = AREAS.conform(gpd.GeoDataFrame(columns, geometry=shapes, crs=study.crs))
    _warn_of_overlaps(areas)
    return areas


def _shape_of(study: Study, block: PriorityArea, ground: Any) -> Any:
    """One block's polygons as one shape inside the towns."""
    frame = _frame_of(study, block)
    kinds = frame.geometry.geom_type.to_numpy()
    wrong = frame.geometry.isna().to_numpy() | frame.geometry.is_empty.to_numpy() | ~np.isin(kinds, KINDS)
    faults = [
        Fault("the shape is empty, or no polygon", "draw the area's border", block.file, frame[ROW].iloc[i])
        for i in np.flatnonzero(wrong)
    ]
    if faults:
        raise TableError(say_faults(faults), faults, "areas")
    broken = int((~frame.geometry.is_valid).sum())
    if broken:
        warnings.warn(f"{block.file}: {broken} invalid shapes were repaired", PlannerWarning, stacklevel=3)
    whole = shapely.union_all([polygons_of(shapely.make_valid(shape)) for shape in frame.geometry])
    inside = polygons_of(shapely.intersection(whole, ground))
    if inside.is_empty:
        problem = f"the area of priority {block.name!r} lies wholly outside the towns"
        raise TableError.of([Fault(problem, "check its file, and its coordinates key", block.file)])
    if inside.area < 0.99 * whole.area:
        said = f"{block.file}: {1 - inside.area / whole.area:.0%} of the area of priority {block.shown!r}"
        warnings.warn(f"{said} lies outside the towns", PlannerWarning, stacklevel=3)
    return inside


def _frame_of(study: Study, block: PriorityArea) -> gpd.GeoDataFrame:
    rows = read_rows(study.path_of(block.file), block.file, lambda _header: None, block.layer)
    if not isinstance(rows.frame, gpd.GeoDataFrame) or rows.frame.active_geometry_name is None:
        fault = Fault("an area of priority is a table without shapes", "give polygons, for instance a GeoJSON", block.file)
        raise SourceError(str(fault), [fault], block.file)
    frame, faults = shapes_of(rows.frame, block.file, block.coordinates, str(study.crs))
    if not len(frame):
        faults = [*faults, Fault("the file has no shape", "draw one polygon at least", block.file)]
    if faults:
        raise TableError(say_faults(faults), faults, "areas")
    return frame


def _warn_of_overlaps(areas: Areas) -> None:
    """Areas of different factors that lie on one another: lawful, and said."""
    shapes, names = areas.geometry.to_numpy(), list(areas["label"])
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            common = float(shapely.intersection(shapes[i], shapes[j]).area)
            if common > 1.0 and areas["factor"].iloc[i] != areas["factor"].iloc[j]:
                said = f"the areas of priority {names[i]} and {names[j]} overlap by {common / 1e6:.3g} km2"
                warnings.warn(f"{said}; the larger factor counts there", PlannerWarning, stacklevel=3)
