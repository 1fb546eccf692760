"""The coordinates of a KML as they are written: GDAL takes what is no number for 0, and the rest of a list for nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from planner.errors import Fault

CONTAINERS = ("Folder", "Document", "kml")  # what GDAL makes layers of; the last two where something stands in them
FEATURES = ("Placemark", "GroundOverlay", "PhotoOverlay", "ScreenOverlay")  # what GDAL makes features of
SHAPES = ("Point", "LineString", "LinearRing")  # what holds coordinates
TRACK = "Track"  # of Google's extension: a way that somebody went, with times; GDAL makes a line of it
TRACKED = "a gx:Track is a way that somebody went, and no place"
_NUMBER = r"[+-]?(?:\d{1,20}\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?"
_PLACE = re.compile(rf"{_NUMBER},{_NUMBER}(?:,{_NUMBER})?")


@dataclass(eq=False)
class _Layer:
    kind: str
    features: int = 0
    wrong: list[tuple[int, str, str]] = field(default_factory=list)  # feature from 1, kind of shape, the text


class _Scribe:
    """What the parser tells: layers in the order they begin, and in each the shapes whose coordinates are none."""

    def __init__(self) -> None:
        self.layers: list[_Layer] = []
        self._within: list[_Layer] = []
        self._shape = ""
        self._text: list[str] | None = None
        self._said: list[str] = []

    def start(self, name: str, _: object) -> None:
        tag = name.rpartition(":")[2]
        if tag in CONTAINERS:
            self._within.append(_Layer(tag))
            self.layers.append(self._within[-1])
        elif tag in FEATURES and self._within:
            self._within[-1].features += 1
        elif tag == TRACK and self._within:
            track = (self._within[-1].features, TRACK, "")
            self._within[-1].wrong += [track] if track not in self._within[-1].wrong[-1:] else []
        elif tag in SHAPES:
            self._shape, self._said = tag, []
        elif tag == "coordinates":
            self._text = []

    def data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        if tag == "coordinates" and self._text is not None:
            self._said.append("".join(self._text))
            self._text = None
        elif tag == self._shape and self._within:
            text = " ".join(self._said)
            if len(self._said) != 1 or not are_coordinates(text, one=tag == "Point"):
                self._within[-1].wrong.append((self._within[-1].features, tag, " ".join(text.split())))
            self._shape = ""
        elif tag in CONTAINERS:
            self._within.pop()


def are_coordinates(text: str, *, one: bool) -> bool:
    """Whether a text is places as KML writes them: two or three numbers with commas between; blanks between places.

    >>> are_coordinates("121.24, 31.38,0", one=True), are_coordinates("121.24 31.38", one=True)
    (True, False)
    """
    places = re.sub(r"\s*,\s*", ",", text.strip()).split()
    return bool(places) and all(map(_PLACE.fullmatch, places)) and (len(places) == 1 or not one)


def coordinate_faults(path: Path, source: str, layer: int, layers: int) -> list[Fault]:
    """The features of layer number `layer` of `layers` (GDAL's count, from 0) whose coordinates are none.

    Raises
    ------
    ExpatError
        If the file is no XML.
    """
    scribe, parser = _Scribe(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = scribe.start, scribe.end
    parser.CharacterDataHandler = scribe.data
    with path.open("rb") as file:
        parser.ParseFile(file)
    held = [each for each in scribe.layers if each.kind == "Folder" or each.features]
    chosen = [held[layer]] if len(held) == layers else held  # where GDAL counts otherwise: all
    return [_fault(*wrong, source) for each in chosen for wrong in each.wrong]


def _fault(feature: int, shape: str, text: str, source: str) -> Fault:
    if shape == TRACK:
        mend = "save its places as points or polygons"
        return Fault(TRACKED, mend, source, feature, "coordinates")
    if not text:
        return Fault(f"the {shape} has no coordinates", "write them as 121.25,31.38", source, feature, "coordinates")
    places = "a place" if shape == "Point" else "places"
    problem = f"this is not {places} as KML writes {'it' if shape == 'Point' else 'them'}"
    mend = "write longitude and latitude in degrees with a comma between, as in 121.25,31.38"
    return Fault(problem, mend, source, feature, "coordinates", text)
