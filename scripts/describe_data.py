"""Write data/README.md: each file with source, licence, hash and columns, and the data dictionary out of planner.schema.

Usage: describe_data.py [DATA]. Run it after a change of `planner.schema` or of a file in data/.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from planner import schema
from planner.schema import Column, Schema

DEFAULT = Path(__file__).resolve().parent.parent / "data"
MADE = "made by `scripts/make_district.py` with a fixed seed; CC0 1.0"
WRITTEN = {
    "COVERAGE": "demand.parquet", "SCORES": "stations.csv", "TOWN_SCORES": "towns.csv", "GROUP_SCORES": "groups.csv",
    "AREA_SCORES": "areas.csv", "SITES": "sites.csv", "FRONTIER": "frontier.csv", "ISOCHRONES": "isochrones.geojson",
    "STANDARDS": "standards.csv", "TIERS": "tiers.csv", "FUNCTIONS": "functions.csv", "INDICATORS": "indicators.csv",
    "TRACK": "targets.csv", "FIGURES": "figures.csv", "LIFT": "lift.csv", "COMMUNITIES": "communities.csv",
    "LIFE_CIRCLE": "life_circle.csv", "LIFE_SERVICES": "life_services.csv", "LIFE_PLACES": "life_places.csv",
    "LIFE_CELLS": "life_cells.parquet", "LIFE_FACILITIES": "life_facilities.geojson",
    "COMPOSITE": "composite.csv", "COMPOSITE_MOVES": "composite_moves.csv",
    "NEEDED": "needed.csv", "ROLLOUT": "rollout.csv",
    "REASONS": "reasons.csv", "ALTERNATIVES": "alternatives.csv", "MOVES": "moves.csv",
    "NEAR_PLANS": "plans.csv", "ROBUST": "robust.csv",
}  # fmt: skip  # what a run writes, by the schema's name in planner.schema
MAY_LACK = {schema.RECORDED.name: ("place",)}  # keys that their reader fills in: a figure without a place is the district's
FILES = {
    "study.toml": "the study file: cutoff, groups and their weights, policy, communities, living circle, siting in two phases",
    "towns.geojson": "12 towns, WGS-84: `town` (name), `population` (people)",
    "network.osm.pbf": "streets, motorway, boats, water, parks, premises as an OpenStreetMap extract, WGS-84; ids are its own",
    "population.tif": "residents a cell of 100 m (people, whole), EPSG:32651, nodata -99999 where nobody lives",
    "unemployed.csv": "registered unemployed at neighbourhood places: 街镇 (town), 经度, 纬度 (°, WGS-84), 人数 (people)",
    "graduates.csv": "graduates without work at neighbourhood places: `town`, `lon`, `lat` (°, WGS-84), `count` (people)",
    "hardship.csv": "people who have difficulty finding work: columns as in `graduates.csv`",
    "stations.csv": "stations, standing, planned, applied for and closed; columns below",
    "hosts.csv": "host premises, the candidates for new stations; columns below",
    "communities.geojson": "communities (居村), WGS-84: `community` (name), `town`",
    "recorded.csv": "people helped, visits, ratings and the like by day: `figure`, `date`, `place` (a town, or none), `value`",
}
INTRODUCTION = """\
# Data

`district/` is a **made district: invented land in the open East China Sea (about 123.4–123.6° E, 29.5–29.7° N), where
there is none. No place, person, station, telephone number or figure in it is real.** It stands in examples, notebooks
and tests where a whole district is needed: 12 towns, 450 000 residents, a river with five bridges, a lake with an islet
that only a boat reaches, a motorway that walkers cross at few places, an old town, new towns on grids, villages.

`python scripts/make_district.py` makes it anew, the same every time; `python scripts/describe_data.py` writes this page.
Nothing here is taken from OpenStreetMap, a census or an office. Key groups are counts; there never was a list of people.

`jiading/` is a study of a real district that holds no data: `planner fetch` gets what is public, and its empty tables are for
the office to fill in. [Its README](jiading/README.md) says how, in Chinese and English. Until then `planner check` lists the
files that are yet to be fetched and, where the map has too few public premises, says that
`siting.sites: 24 sites are asked for but there are 18 candidates; ask for at most 18 or add candidates`:
fill in `hosts.csv`, or ask for fewer.
"""
NOTE = """\
Out of `planner.schema`, which readers, checks, maps and workbooks share. The first column is the key. `<group>` stands for
one column a key group, `<area>` for one an area of priority. Headers may be any of the words given; full-width letters,
case, spaces and `_` are forgiven.
"""


def main(arguments: Sequence[str]) -> None:
    data = Path(arguments[0]) if arguments else DEFAULT
    (data / "README.md").write_text(describe(data), encoding="utf-8")


def describe(data: Path) -> str:
    """The text of data/README.md as it should be for the files that are there."""
    parts = [
        INTRODUCTION,
        "## Files of `district/`\n",
        f"Source and licence of every file: {MADE}.\n",
        _files(data / "district"),
    ]
    parts += ["## Data dictionary\n", NOTE]
    tables = {name: held for name in schema.__all__ if isinstance(held := getattr(schema, name), Schema)}
    parts += [f"### {_title(name, of)}\n\n{_table(of)}" for name, of in tables.items()]
    return "\n".join(parts)


def _files(folder: Path) -> str:
    lines = ["| file | what | rows | bytes | SHA-256 |", "|---|---|---|---|---|"]
    for name, what in FILES.items():
        held = (folder / name).read_bytes()
        lines.append(f"| `{name}` | {what} | {_rows(folder / name)} | {len(held)} | `{hashlib.sha256(held).hexdigest()}` |")
    return "\n".join(lines) + "\n"


def _rows(path: Path) -> str:
    if path.suffix != ".csv":
        return ""
    with path.open(encoding="utf-8", newline="") as file:
        return str(sum(1 for _ in csv.reader(file)) - 1)


def _title(name: str, of: Schema) -> str:
    written = f", written as `{WRITTEN[name]}`" if name in WRITTEN else ""
    return f"{of.name.capitalize()} (`{name}`){written}"


def _table(of: Schema) -> str:
    lines = ["| column | kind | unit | must | bounds | English | 中文 | also |", "|---|---|---|---|---|---|---|---|"]
    lines += [_line(column, of) for column in of]
    if of.geometry:
        lines.append(f"| `geometry` | {' or '.join(of.geometry)} | m | yes | | place, in the study's CRS | 位置 | |")
    return "\n".join(lines) + "\n"


def _line(column: Column, of: Schema) -> str:
    kind = f"{column.kind}: {column.choices_said}" if column.choices else str(column.kind)
    key = column.name in of.key and column.name not in MAY_LACK.get(of.name, ())
    must = "yes" if column.required or key else ""
    cells = (f"`{column.name}`", kind, column.unit, must, _bounds(column), column.en, column.zh, ", ".join(column.aliases))
    return "| " + " | ".join(cells) + " |"


def _bounds(column: Column) -> str:
    if column.minimum is None and column.maximum is None:
        return ""
    low = "" if column.minimum is None else f"{column.minimum:g}"
    high = "" if column.maximum is None else f"{column.maximum:g}"
    return f"{low} … {high}".strip()


if __name__ == "__main__":
    main(sys.argv[1:])
