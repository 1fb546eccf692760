"""The area of a study: its towns as polygons, dissolved, repaired, checked."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, PlannerWarning, SourceError, StudyError, TableError, say_faults
from planner.network import in_one_piece
from planner.schema import TOWNS, Towns, is_blank
from planner.sources.files.crs import WGS84
from planner.sources.files.records import ROW
from planner.sources.files.rows import read_rows
from planner.sources.files.shapes import shapes_of
from planner.study import Study

SLIVER_M2 = 10_000.0  # borders drawn by hand never meet exactly; less than this is not said
OVERLAP_SHARE = 0.01  # of the smaller town; more than this is no sliver
KINDS = ("Polygon", "MultiPolygon")


def read_area(study: Study) -> Towns:
    """The towns of a study, one row a town, in the study's CRS, sorted by name.

    The column with names is ``study.area_field``, else one of the aliases of ``town``. Several polygons of a town become
    one; invalid ones are repaired, with a warning. A column of residents is kept where there is one.

    Raises
    ------
    TableError
        With every fault at once: no or empty names, shapes that are no polygons, towns that overlap by more than slivers.
    CrsError
        If the file has no CRS.
    SourceError
        If the file cannot be read.
    """
    if study.crs is None:
        raise StudyError("the study has no CRS yet; read it with read_study, or set crs")
    frame = _read(study, study.crs)
    name, faults = _name_column(frame, study)
    faults += _shape_faults(frame, study.area)
    if not faults:
        frame = frame.assign(town=frame[name].map(lambda cell: str(cell).strip()))
        faults = _population_faults(frame, study.area)
    if faults:
        raise TableError(say_faults(faults), faults, "towns")
    towns = _dissolved(_repaired(frame, study.area))
    faults = _overlap_faults(towns, study.area)
    if faults:
        raise TableError(say_faults(faults), faults, "towns")
    checked: Towns = TOWNS.conform(towns, source=study.area)
    return checked


def area_sketch(study: Study) -> tuple[BaseGeometry, list[str]]:
    """The outline of the whole area in WGS-84 degrees, and the names of its towns; before any CRS is chosen.

    Of an area across 180° the longitudes go on beyond 180.

    Raises
    ------
    TableError
        If there is no shape, or no column of names, in the file.
    """
    frame = _read(study, WGS84)
    name, faults = _name_column(frame, study)
    faults = [] if name else faults  # a town without a name is read_area's to say, with the rest
    shapes = np.asarray(frame.geometry[frame.geometry.notna() & ~frame.geometry.is_empty])
    if not len(shapes):
        faults.append(Fault("the area has no shapes", "draw one polygon or more a town", study.area))
    if faults:
        raise TableError(say_faults(faults), faults, "towns")
    whole = in_one_piece(shapely.GeometryCollection(shapes.tolist()))
    outline = shapely.make_valid(shapely.union_all(shapely.make_valid(shapely.get_parts(whole))))
    return outline, sorted({str(cell).strip() for cell in frame[name] if not is_blank(cell)})


def _read(study: Study, crs: str) -> gpd.GeoDataFrame:
    rows = read_rows(study.path_of(study.area), study.area, TOWNS.column_for, study.area_layer)
    if not isinstance(rows.frame, gpd.GeoDataFrame):
        fault = Fault("the area is a table without shapes", "give polygons, for instance a GeoJSON", study.area)
        raise SourceError(str(fault), [fault], study.area)
    frame, faults = shapes_of(rows.frame, study.area, study.area_coordinates, crs)
    faults = [*rows.faults, *faults]
    if not len(frame):
        faults.append(Fault("the area is empty", "draw one polygon or more a town", study.area))
    if faults:
        raise TableError(say_faults(faults), faults, "towns")
    return frame


def _name_column(frame: gpd.GeoDataFrame, study: Study) -> tuple[str, list[Fault]]:
    """The column that names the towns, and the rows where it says nothing."""
    names = [str(name) for name in frame.columns if name not in (ROW, "geometry", "lon", "lat")]
    if study.area_field in names:
        name = study.area_field
    else:
        meant = [name for name in names if study.area_field == "town" and TOWNS["town"].matches(name)]
        if len(meant) != 1:
            said = f"both {' and '.join(map(repr, meant))} may name the towns" if meant else f"no column {study.area_field!r}"
            mend = f"set area_field in study.toml to one of: {', '.join(names) or '(the file has none)'}"
            return "", [Fault(said, mend, study.area)]
        name = meant[0]
    blank = np.flatnonzero(frame[name].map(is_blank))
    return name, [Fault("the town has no name", "fill it in", study.area, frame[ROW].iloc[i], name) for i in blank]


def _shape_faults(frame: gpd.GeoDataFrame, source: str) -> list[Fault]:
    shapes = frame.geometry
    empty = (shapes.isna() | shapes.is_empty).to_numpy()
    other = ~empty & ~shapes.geom_type.isin(KINDS).to_numpy()
    faults = [
        Fault("the shape is empty", "draw it, or remove the row", source, frame[ROW].iloc[i]) for i in np.flatnonzero(empty)
    ]
    return faults + [
        Fault(f"the shape is a {shapes.iloc[i].geom_type}, not a polygon", "draw the town's border", source, frame[ROW].iloc[i])
        for i in np.flatnonzero(other)
    ]


def _repaired(frame: gpd.GeoDataFrame, source: str) -> gpd.GeoDataFrame:
    broken = np.flatnonzero(~frame.geometry.is_valid.to_numpy())
    if not len(broken):
        return frame
    first = broken[0]
    why = shapely.is_valid_reason(frame.geometry.iloc[first])
    said = f"{source}: {len(broken)} invalid shapes were repaired; the first is row {frame[ROW].iloc[first]} ({why})"
    warnings.warn(said, PlannerWarning, stacklevel=3)
    shapes = [polygons_of(shapely.make_valid(shape)) for shape in frame.geometry]
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def polygons_of(shape: BaseGeometry) -> BaseGeometry:
    """What is polygon in a repaired shape; lines and points that fell off are dropped."""
    if shape.geom_type in KINDS:
        return shape
    parts = shapely.get_parts(shapely.get_parts(np.array([shape])))
    return shapely.union_all([part for part in parts if part.geom_type in KINDS])


def _population_faults(frame: gpd.GeoDataFrame, source: str) -> list[Fault]:
    """Pieces of one town that say different numbers of residents: it cannot be known whether to add them."""
    column = _population_column(frame)
    if column is None:
        return []
    said = frame[~frame[column].map(is_blank)].groupby("town")[column].nunique()
    mend = "write the town's own number on one piece, or on all"
    return [
        Fault(f"the pieces of {town} give {n} different numbers", mend, source, column=column)
        for town, n in said[said > 1].items()
    ]


def _population_column(frame: Any) -> str | None:
    return next((str(name) for name in frame.columns if TOWNS.column_for(str(name)) == "population"), None)


def _dissolved(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One row a town, sorted by name; of other columns the first value that is there."""
    kept = [name for name in frame.columns if name not in (ROW, "lon", "lat")]
    towns = frame[kept].dissolve(by="town", aggfunc="first")
    column = _population_column(towns)
    return towns if column is None else towns.rename(columns={column: "population"})


def _overlap_faults(towns: gpd.GeoDataFrame, source: str) -> list[Fault]:
    """Towns that lie on one another: a fault beyond slivers, a warning for what is nearly one."""
    shapes, names = towns.geometry.to_numpy(), list(towns.index)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    faults = []
    for a, b in sorted((int(a), int(b)) for a, b in zip(left, right, strict=True) if a < b):
        common = float(shapely.intersection(shapes[a], shapes[b]).area)
        said = f"{names[a]} and {names[b]} overlap by {common / 1e6:.3g} km2"
        if common > OVERLAP_SHARE * min(shapes[a].area, shapes[b].area):
            faults.append(Fault(said, "correct their borders", source))
        elif common > SLIVER_M2:
            warnings.warn(f"{source}: {said}; people there are counted for one of them", PlannerWarning, stacklevel=3)
    return faults
