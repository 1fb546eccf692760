"""``planner fetch``: towns, then streets, then residents, each whole or absent, none over a file of the user's own."""

from __future__ import annotations

import datetime as dt
import errno
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import osmium
import pandas as pd
from shapely.geometry.base import BaseGeometry

from planner.errors import Fault, PlannerWarning, SourceError, StudyError, say_faults
from planner.schema import Towns
from planner.sources.cache import cache_folder
from planner.sources.fetch import people, towns
from planner.sources.fetch.cut import cut_extract
from planner.sources.fetch.extracts import Extract, extract_named, smallest_covering
from planner.sources.fetch.servers import GHSL, ODBL, WORLDPOP, Licence, address_of
from planner.sources.fetch.web import Download, Missing, Patience, Web
from planner.sources.files import read_area
from planner.sources.files.fetchable import wanted_files
from planner.sources.files.study import load_study, settle_study, study_file
from planner.sources.osm import margin_m
from planner.sources.osm.extract import readable
from planner.sources.record import is_free, note_source, record_of
from planner.study import Study

Progress = Callable[[str, float], None]

MARGIN_WALKS = 2  # streets are cut with a margin of twice the walk, so that parts of a city agree with the whole
WGS84 = "EPSG:4326"
MOST_EXTRACT_BYTES = 40_000_000_000  # Europe has some 32 GB
MOST_OVERPASS_KM2 = 200.0  # more is unkind to a public server; take an extract
ENDINGS = {"towns": ".geojson", "streets": ".osm.pbf", "residents": ".tif"}
KEYS = {"towns": "area", "streets": "network.file", "residents": "population.file"}
ROW = ("part", "file", "state", "bytes", "what", "licence")


@dataclass(frozen=True)
class Fetched:
    """One file of a study and how it stands.

    ``state``: ``would fetch`` (a dry run), ``fetched``, ``up to date`` (fetched before, unchanged), ``your own`` (never
    touched), or ``not asked for`` (the study does not say how to get it). ``bytes`` is the size of what is (to be) fetched.
    """

    part: str
    file: str
    state: str
    what: str = ""
    bytes: int | None = None
    licence: str = ""


def fetch_study(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    dry_run: bool = False,
    update: bool = False,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> pd.DataFrame:
    """Get what a study names and does not have yet: the boundaries of its towns, its streets, a raster of its residents.

    Parameters
    ----------
    path, overrides
        As `read_study` takes them.
    dry_run
        Only say what would be fetched, and how big it is as far as anybody says.
    update
        Fetch again what was fetched before. A file of the user's own, or one edited since, is never overwritten.
    progress, patience
        Called with what is being done and the share done; how long servers are waited for.

    Returns
    -------
    DataFrame
        One row a file: `Fetched`. Where each came from, when and under which licence stands in ``sources.json`` beside them.

    Raises
    ------
    StudyError, TableError, SourceError
        What is wrong with the study, or could not be had; what was fetched before that stays.
    """
    file = study_file(path)
    study, faults = load_study(file, overrides)
    if study is None or faults:
        raise StudyError(say_faults(faults), faults)
    with _downloads() as folder:
        web = Web(folder, patience or Patience(), progress)
        fetch = _Fetch(study, str(file), web, dry_run, update)
        rows = [fetch.towns(), fetch.streets(), fetch.residents()]
    return pd.DataFrame([row for row in rows if row is not None], columns=list(ROW))


@contextmanager
def _downloads() -> Iterator[Path]:
    """Where downloads are kept; a folder that is gone afterwards where the cache is switched off."""
    kept = cache_folder()
    if kept is not None:
        yield kept / "downloads"
        return
    with TemporaryDirectory(prefix="planner-fetch-") as folder:
        yield Path(folder)


class _Fetch:
    """One fetching of one study."""

    def __init__(self, study: Study, file: str, web: Web, dry_run: bool, update: bool) -> None:
        self._study, self._file, self._web, self._dry_run, self._update = study, file, web, dry_run, update
        self._read: Towns | None = None

    def towns(self) -> Fetched | None:
        """The boundaries of the towns of ``network.place``."""
        study = self._study
        standing = self._standing("towns")
        if standing is not None:
            return standing
        place = str(study.network.place)
        what = f"boundaries of the towns of {place}, from OpenStreetMap"
        if self._dry_run:
            return Fetched("towns", study.area, "would fetch", what, None, ODBL.name)
        self._say("asking for the towns")
        nominatim, overpass = (self._address(server) for server in ("nominatim", "overpass"))
        found = towns.fetch_place(self._web, nominatim, place)
        table = towns.fetch_towns(self._web, overpass, found, study.fetch)
        made = f"admin_level {study.fetch.town_level} in {found[1]} (relation {found[0]})"
        asked = {"nominatim": nominatim, "overpass": overpass, "place": place}
        with self._place(study.area) as beside:
            beside.write_text(table.to_json(drop_id=True, ensure_ascii=False) + "\n", encoding="utf-8")
            note_source(study.folder, study.area, beside, record_of([], ODBL, made=made, data_date=_today(), asked=asked))
        return self._done("towns", study.area, what, ODBL)

    def streets(self) -> Fetched | None:
        """The extract cut to the area with its margin, or the answer of an Overpass server."""
        network = self._study.network
        if network.file is None:
            return None
        standing = self._standing("streets")
        if standing is not None:
            return standing
        if network.source == "overpass":
            return self._overpass(network.file)
        if self._dry_run and self._area() is None and network.extract is None:
            return Fetched("streets", network.file, "would fetch", "the extract that covers the towns, once they are there")
        extract = self._extract()
        url = f"{self._address('geofabrik')}{extract.path}"
        what = f"{extract.file}, cut to the towns and {MARGIN_WALKS} walks around them"
        if self._dry_run:
            return Fetched("streets", network.file, "would fetch", what, self._web.size(url) or extract.size, ODBL.name)
        most = MOST_EXTRACT_BYTES if extract.size is None else min(MOST_EXTRACT_BYTES, 4 * extract.size + 50_000_000)
        got = self._web.download(url, check=_check_extract, most_bytes=most, md5_url=f"{url}.md5")
        try:
            self._cut(network.file, [got], got.path, what)
        except SourceError as error:
            if error.__cause__ is not None:  # it cannot be read: the next time it is fetched anew
                self._web.forget(url)
            raise
        return self._done("streets", network.file, what, ODBL)

    def residents(self) -> Fetched | None:
        """The raster of people, cut to the towns."""
        asked, file = self._study.population, self._study.population.file
        if file is None:
            return None
        standing = self._standing("residents")
        if standing is not None:
            return standing
        return self._ghs(file) if asked.source == "ghs-pop" else self._worldpop(file)

    def _ghs(self, file: str) -> Fetched:
        year, base = self._study.population.year, self._address("ghs_pop")
        area = self._area()
        what = f"GHS-POP R2023A, 100 m, epoch {year}"
        people.ghs_url(base, year, (1, 1))  # before any work: is there such a year
        if area is None:
            return Fetched("residents", file, "would fetch", f"{what}: its tiles, once the towns are there", None, GHSL.name)
        tiles = people.ghs_tiles(area)
        urls = {tile: people.ghs_url(base, year, tile) for tile in tiles}
        if self._dry_run:
            sizes = [self._web.size(url) for url in urls.values()]
            known = sum(size or 0 for size in sizes) if any(sizes) else None
            named = " ".join(f"R{row}_C{column}" for row, column in tiles)
            return Fetched("residents", file, "would fetch", f"{what}: {named}", known, GHSL.name)
        with self._writing(file), TemporaryDirectory(prefix="planner-tiles-") as folder:
            got: list[Download] = []
            rasters: list[Path] = []
            for tile, url in urls.items():
                raster = Path(folder, f"R{tile[0]}_C{tile[1]}.tif")
                found = self._tile(url, raster)
                if found is not None:
                    got.append(found)
                    rasters.append(raster)
            if not got:
                raise people.no_people(area)
            self._write_raster(file, got, rasters, area, GHSL, what)
        return self._done("residents", file, what, GHSL)

    def _tile(self, url: str, raster: Path) -> Download | None:
        """A tile unpacked into `raster`; None where there is none, which is in the sea."""

        def check(path: Path) -> None:
            people.unpack_tile(path, raster, url)
            people.check_raster(raster, url)

        try:
            return self._web.download(url, check=check, most_bytes=people.MOST_TILE_BYTES)
        except Missing:
            return None

    def _worldpop(self, file: str) -> Fetched:
        asked = self._study.population
        url = people.worldpop_url(self._address("worldpop"), asked)
        what = f"WorldPop R2025A, constrained, 100 m, {asked.country} {asked.year}"
        if self._dry_run:
            return Fetched("residents", file, "would fetch", what, self._web.size(url), WORLDPOP.name)
        area = self._area()
        if area is None:
            raise AssertionError("towns are fetched first")
        got = self._web.download(url, check=lambda path: people.check_raster(path, url), most_bytes=people.MOST_COUNTRY_BYTES)
        self._write_raster(file, [got], [got.path], area, WORLDPOP, what)
        return self._done("residents", file, what, WORLDPOP)

    def _write_raster(
        self, file: str, got: list[Download], rasters: list[Path], area: Towns, licence: Licence, what: str
    ) -> None:
        self._say("cutting the raster")
        year = str(self._study.population.year)
        with self._place(file) as beside:
            people.cut_rasters(rasters, beside, area, got[0].url)
            made = f"{what}, cut to the towns"
            note_source(self._study.folder, file, beside, record_of(got, licence, made=made, data_date=year))

    def _overpass(self, file: str) -> Fetched:
        """Streets, buildings and premises of a small area, straight from the database."""
        url = f"{self._address('overpass')}/interpreter"
        what = "streets, buildings and premises, asked of Overpass"
        if self._area() is None:
            return Fetched("streets", file, "would fetch", f"{what}, once the towns are there", None, ODBL.name)
        area = self._around()
        km2 = gpd.GeoSeries([area], crs=WGS84).to_crs(towns.EQUAL_AREA).area.iloc[0] / 1e6
        if km2 > MOST_OVERPASS_KM2:
            problem = f"{km2:,.0f} km² are too much to ask of Overpass; at most {MOST_OVERPASS_KM2:g}"
            fault = Fault(problem, 'set network.source = "geofabrik"', self._file, column="network.source")
            raise StudyError(str(fault), [fault])
        if self._dry_run:
            return Fetched("streets", file, "would fetch", f"{what} ({km2:,.0f} km²)", None, ODBL.name)
        self._say("asking for the streets")
        west, south, east, north = (f"{side:.6f}" for side in area.bounds)
        box = f"({south},{west},{north},{east})"
        query = (
            f'[out:xml][timeout:180];(node{box};way{box};rel{box}["type"="multipolygon"]["boundary"!~"."];);(._;>;);out body;'
        )
        with TemporaryDirectory(prefix="planner-overpass-") as folder:
            answer = Path(folder, "answer.osm")
            answer.write_bytes(towns.ask_overpass(self._web, url, query))
            self._cut(file, [], answer, what, asked={"overpass": url, "query": query})
        return self._done("streets", file, what, ODBL)

    def _cut(self, file: str, got: list[Download], extract: Path, what: str, asked: dict[str, str] | None = None) -> None:
        self._say("cutting the streets to the area")
        with self._place(file) as beside:
            date = cut_extract(extract, beside, self._around())
            modified = got[0].modified if got else None
            record = record_of(got, ODBL, made=what, data_date=date or modified or _today(), asked=asked)
            note_source(self._study.folder, file, beside, record)

    def _extract(self) -> Extract:
        """The extract that the study names, or the smallest that covers the area; a note where it ends too early."""
        named = self._study.network.extract
        if named is None:
            return smallest_covering(self._around())
        extract = extract_named(named)
        if self._area() is not None and not extract.shape.buffer(0).covers(self._around()):
            better = smallest_covering(self._around()).name
            said = f"the extract {named} ends within the margin of the area; {better} has the walks across its border"
            warnings.warn(said, PlannerWarning, stacklevel=4)
        return extract

    def _standing(self, part: str) -> Fetched | None:
        """How a file stands where nothing is to be fetched; None where it is."""
        folder = self._study.folder
        wanted = next(each for each in wanted_files(self._study) if each.part == part)
        there = os.path.lexists(folder / wanted.file)
        if not there and not wanted.asked:
            return Fetched(part, wanted.file, "not asked for", wanted.mend)
        if there and not is_free(folder, wanted.file):
            return Fetched(part, wanted.file, "your own")
        if there and not (wanted.asked and self._update):
            return Fetched(part, wanted.file, "up to date")
        self._check_name(part, wanted.file)
        return None

    def _check_name(self, part: str, file: str) -> None:
        """Refuse a name that would be written outside the study's folder, or in another format than is written."""
        problem = ""
        if not self._study.path_of(file).is_relative_to(self._study.folder):
            problem, mend = "files are fetched into the study's own folder only", "name a file there"
        elif not file.lower().endswith(ENDINGS[part]):
            problem, mend = f"what is fetched is written as {ENDINGS[part]}", f"name it so, such as {part}{ENDINGS[part]}"
        if problem:
            fault = Fault(problem, mend, self._file, column=KEYS[part], value=file)
            raise StudyError(str(fault), [fault])

    def _area(self) -> Towns | None:
        """The towns of the study, if they are there; None in a dry run before they are."""
        if self._read is None and self._study.path_of(self._study.area).exists():
            settled, faults = settle_study(self._study, self._file)
            if faults:
                raise StudyError(say_faults(faults), faults)
            self._study = replace(settled, folder=self._study.folder)
            self._read = read_area(settled)
        if self._read is None and not self._dry_run:
            fault = Fault("there is no area yet", 'put it there, or add [network] place = "嘉定区, 上海市"', self._study.area)
            raise SourceError(str(fault), [fault], self._study.area)
        return self._read

    def _around(self) -> BaseGeometry:
        """The area with its margin, in degrees."""
        area = self._area()
        if area is None:
            raise AssertionError("asked for before the towns are there")
        wide = area.geometry.union_all().buffer(MARGIN_WALKS * margin_m(self._study.scenario.walk))
        return gpd.GeoSeries([wide], crs=area.crs).to_crs(WGS84).iloc[0]

    def _address(self, server: str) -> str:
        return address_of(server, self._study.fetch.mirrors)

    def _done(self, part: str, file: str, what: str, licence: Licence) -> Fetched:
        return Fetched(part, file, "fetched", what, (self._study.folder / file).stat().st_size, licence.name)

    @contextmanager
    def _place(self, file: str) -> Iterator[Path]:
        """A name beside `file` to write into; whatever happens, nothing is left under it."""
        place = self._study.folder / file
        beside = place.with_name(f".partial-{os.getpid()}-{place.name}")
        with self._writing(file):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                yield beside
            finally:
                beside.unlink(missing_ok=True)

    @contextmanager
    def _writing(self, file: str) -> Iterator[None]:
        """Say what is wrong with the disk where `file` is being made."""
        try:
            yield
        except OSError as error:
            if isinstance(error, SourceError):
                raise
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            problem = "the disk is full" if full else f"the file cannot be written ({error.strerror or error})"
            mend = "make room and fetch again; what was downloaded is kept" if full else "choose a folder that can be written"
            place = str(self._study.folder / file)
            fault = Fault(problem, mend, place)
            raise SourceError(str(fault), [fault], place) from error

    def _say(self, text: str) -> None:
        if self._web.progress:
            self._web.progress(text, 0.0)


def _check_extract(path: Path) -> None:
    """Raise a SourceError where a download is no extract."""
    with readable(path) as file, osmium.io.Reader(file, osmium.osm.NOTHING) as reader:
        reader.header()


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
