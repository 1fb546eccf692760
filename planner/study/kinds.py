"""The kinds of values a study is made of: amounts, minutes, datums, names, tags."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

MINUTE_S = 60.0
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Minutes = Annotated[float, Field(gt=0, le=240, allow_inf_nan=False)]  # nobody walks longer to a public station
Pace = Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]  # metres a second: 0.36 km/h; the fastest runner makes ten
LinkM = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")


def plain_coordinates(said: str) -> str:
    """What the coordinates of a file are, as the program calls it: one of `DATUMS`, or ``EPSG:`` and a number.

    >>> plain_coordinates("GCJ-02"), plain_coordinates("epsg:4549")
    ('gcj02', 'EPSG:4549')

    Raises
    ------
    ValueError
        If it is neither.
    """
    plain = said.strip().lower().replace("-", "")
    if plain in DATUMS:
        return plain
    if plain.startswith("epsg:") and plain[5:].isdecimal():
        return plain.upper()
    raise ValueError(f"there are no coordinates {said!r}; use one of {', '.join(DATUMS)} or an EPSG code such as EPSG:4549")


Coordinates = Annotated[str, AfterValidator(plain_coordinates)]  # what the coordinates of a file mean
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # heads a column
Tag = Annotated[str, Field(pattern="^[^=]+=.+$")]  # of OpenStreetMap: key=value, or key=* for any
