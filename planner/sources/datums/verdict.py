"""One file before its witnesses: in which datum it looks to be, and whether the one it declares is borne out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from planner.datum import is_shifted
from planner.errors import Fault, PlannerWarning
from planner.network import Network
from planner.schema import Towns
from planner.sources.datums.witnesses import (
    DATUMS,
    FAR_M,
    Homes,
    Score,
    at_doors,
    by_chance,
    degrees_of,
    in_each_datum,
    strays,
    to_street_m,
)

Floats = npt.NDArray[np.float64]
Strays = dict[str, npt.NDArray[np.bool_]]
Chance = dict[str, float]  # by datum

FEWEST = 8  # points; fewer prove nothing
MANY = 30  # points; of so many the farthest tenth tells too, where streets are so dense that half are always near one
TIMES_NEARER = 2.0  # the other datum must bring the points to half the distance,
LEAST_GAIN_M = 10.0  # by this many metres,
LEAST_SHARE = 0.7  # and so many of the points one by one
MOST = 5000  # points that are looked at
WIDE_M = 1000.0  # places that all lie within less than that prove nothing by streets: one block may look like another
FEWEST_BACK, TIMES_BACK = 5, 5  # points that must come back into their towns, and how many for each that leaves its own
AGAINST = 1.5  # times as far from streets speaks against a datum
RARE, TIMES_RARER = 0.01, 5.0  # chance lies as well as seldom as that, and so many times as often as in the datum declared
BORNE_OUT = 0.02  # chance lies as well as in the datum declared as seldom as that
STREETS, HOMES = "the streets", "where people live"
DATUM_KEY = "coordinates"  # of the study file


@dataclass(frozen=True)
class Verdict:
    """What the witnesses say of one file.

    ``best`` is the datum it looks to be in, if not the one declared, ``proven`` whether that is beyond doubt, ``fits`` whether
    the datum declared is borne out. Neither: nobody can tell. ``chances`` are by witness.
    """

    moved: dict[str, Floats]
    street_m: dict[str, Floats]
    strays: Strays = field(default_factory=dict)
    chances: dict[str, Chance] = field(default_factory=dict)
    best: str | None = None
    proven: bool = False
    fits: bool = False


def plain_datum(declared: str) -> str:
    """A datum as the witnesses call it; other references (EPSG codes) as they are."""
    return "wgs84" if declared == "cgcs2000" else declared


def weigh(
    network: Network, places: gpd.GeoDataFrame, declared: str, towns: Towns | None = None, homes: Homes | None = None
) -> Verdict | None:
    """What streets, homes and towns say of a file's places; None where no datum is in question.

    That is with an EPSG code, with fewer than 8 places, and where not all lie inside the rectangle that GCJ-02 shifts.
    """
    plain, own = plain_datum(declared), _corners(places)
    own = own[:: max(1, len(own) // MOST)]
    if len(own) < FEWEST or not _in_question(own, plain, places.crs):
        return None
    moved = in_each_datum(own, plain, places.crs)
    found = {datum: to_street_m(network, xy) for datum, xy in moved.items()}
    astray = {} if towns is None else strays(places, plain, towns)
    astray = astray if astray and len(astray[plain]) >= FEWEST else {}
    chances = _chances(network, homes, moved, plain)
    fits = any(_bears_out(chance, plain) for chance in chances.values())
    named = None if fits else better_in_towns(astray, plain, found)
    if named is not None and _farther(found, named, plain):
        named = None
    nearer = None if fits else _nearer(found, chances[STREETS], plain)
    apart = float(np.hypot(*np.ptp(own, axis=0))) >= WIDE_M
    proven = named or (nearer if apart else None)
    if proven is not None:
        return Verdict(moved, found, astray, chances, proven, proven=True)
    likely = nearer or (None if fits else _likely(chances, plain))
    fits = fits or (likely is None and alone_in_towns(astray, plain))
    return Verdict(moved, found, astray, chances, likely, fits=fits)


def too_few(places: gpd.GeoDataFrame, declared: str) -> bool:
    """Whether a datum is in question, but fewer than 8 places are there to tell it by."""
    own = _corners(places)
    return 0 < len(own) < FEWEST and _in_question(own, plain_datum(declared), places.crs)


def _corners(places: gpd.GeoDataFrame) -> Floats:
    return np.asarray(np.unique(shapely.get_coordinates(np.asarray(places.geometry)), axis=0), dtype=np.float64)


def _in_question(own: Floats, plain: str, crs: object) -> bool:
    """Whether the datum is one of the three, and all places lie where they differ."""
    return plain in DATUMS and bool(is_shifted(*degrees_of(own, crs)).all())


def datum_fault(
    network: Network,
    places: gpd.GeoDataFrame,
    declared: str,
    source: str,
    towns: Towns | None = None,
    homes: Homes | None = None,
) -> Fault | None:
    """A fault where the places of a file fit far better in another datum than in the one it declares.

    Premises stand some 10-30 m from a street, and borders of towns, zones and areas run along streets. In the wrong datum they
    are off by 100-1500 m, and lie as far from streets, and from where people live, as places thrown at random; and those near
    a border lie in another town than their row says.

    Parameters
    ----------
    network
        The walking network, in the places' CRS.
    places
        Points or polygons as read with `declared`, of which the corners are taken; at least 8, else nothing is said. A column
        ``town`` says which town each point names.
    declared
        ``wgs84``, ``cgcs2000``, ``gcj02`` or ``bd09``; with an EPSG code, and outside China, nothing is said.
    source
        The file, for the message.
    towns, homes
        The area, and where people live: with them the towns that rows name and the people around places are witnesses too.

    Returns
    -------
    A fault that says how far the places are off, the median distance to the street in each datum and, of rows that name a
    town, the share outside of it; None where the datum declared fits, or nothing can be told.

    Warns
    -----
    PlannerWarning
        Where places lie at doors, or where people live, better in another datum than in the one declared, and than all but one
        in a hundred of 200 moves of them together; but neither the median nor the towns they name prove it.
    """
    return told(weigh(network, places, declared, towns, homes), declared, source)


def told(verdict: Verdict | None, declared: str, source: str) -> Fault | None:
    """A verdict as a fault, where it is proven; as a PlannerWarning, where it is likely."""
    if verdict is None or verdict.best is None:
        return None
    fault = _fault(verdict, verdict.best, declared, source)
    if verdict.proven:
        return fault
    warnings.warn(f"{source}: {fault.problem}; it is likely, and no proof: look at one place on a map "
                  f"before you {fault.mend}", PlannerWarning, stacklevel=2)  # fmt: skip
    return None


def _fault(verdict: Verdict, best: str, declared: str, source: str) -> Fault:
    plain, astray = plain_datum(declared), verdict.strays
    each = ", ".join(f"{datum} {_said_m(float(np.median(verdict.street_m[datum])))}" for datum in DATUMS)
    problem = (
        f"the places look like {best}, not {declared}, and would be {off_m(verdict, best, plain):.0f} m off: half of them are "
        f"within so far of a street: {each}"
    )
    if astray and astray[best].sum() < astray[plain].sum():
        shares = ", ".join(f"{datum} {np.mean(astray[datum]):.0%}" for datum in DATUMS)
        problem += f"; so many of them outside the town they name: {shares}"
    for witness, chance in verdict.chances.items():
        if chance[best] <= RARE:
            shares = ", ".join(f"{datum} {chance[datum]:.1%}" for datum in DATUMS)
            problem += f"; of other places round about so many lie as well by {witness}: {shares}"
    return Fault(problem, _mend(best), source, column=DATUM_KEY, value=declared)


def _mend(best: str) -> str:
    """What to change where a file is in another datum."""
    return f'write coordinates = "{best}" for this file in study.toml'


def off_m(verdict: Verdict, best: str, plain: str) -> float:
    """How far off the places are: the median."""
    return float(np.median(np.hypot(*(verdict.moved[best] - verdict.moved[plain]).T)))


def _chances(network: Network, homes: Homes | None, moved: dict[str, Floats], plain: str) -> dict[str, Chance]:
    """By each witness that can be moved about, how often chance lies as well as the places do in each datum."""
    scores: dict[str, Score] = {STREETS: lambda xy: at_doors(to_street_m(network, xy))}
    if homes is not None:
        scores[HOMES] = homes.near()
    return {witness: by_chance(moved, plain, score) for witness, score in scores.items()}


def _bears_out(chance: dict[str, float], plain: str) -> bool:
    """Whether places lie better in the datum declared than nearly all of chance, and than in the others."""
    return chance[plain] <= BORNE_OUT and all(chance[datum] > chance[plain] for datum in DATUMS if datum != plain)


def _likely(chances: dict[str, Chance], plain: str) -> str | None:
    """The datum that one witness holds for far likelier than the one declared, and no other witness for less so."""
    for chance in chances.values():
        best = min((datum for datum in DATUMS if datum != plain), key=lambda datum: chance[datum])
        rarer = chance[best] <= RARE and chance[plain] >= TIMES_RARER * chance[best]
        if rarer and all(each[best] <= each[plain] for each in chances.values()):
            return best
    return None


def _nearer(found: dict[str, Floats], chance: Chance, plain: str) -> str | None:
    """The datum in which places are far nearer to the streets, by their median or, of many, by their farthest tenth.

    Chance must hardly ever lie as well, for the other datum itself may be a chance.
    """
    best = min((datum for datum in DATUMS if datum != plain), key=lambda datum: float(np.median(found[datum])))
    shares = (0.5, 0.9) if len(found[plain]) >= MANY else (0.5,)
    far = any(_fits_better(found[best], found[plain], share) for share in shares)
    return best if far and chance[best] <= RARE else None


def better_in_towns(astray: Strays, plain: str, street_m: dict[str, Floats]) -> str | None:
    """The datum that brings places back into the towns they name, and hardly one out; of equals the one nearer to streets."""
    if not astray:
        return None
    others = [datum for datum in DATUMS if datum != plain]
    best = min(others, key=lambda datum: (int(astray[datum].sum()), float(np.median(street_m[datum]))))
    back, out = int((astray[plain] & ~astray[best]).sum()), int((~astray[plain] & astray[best]).sum())
    return best if back >= FEWEST_BACK and back >= TIMES_BACK * out else None


def alone_in_towns(astray: Strays, plain: str) -> bool:
    """Whether each other datum would take places out of the towns they name, and hardly bring one back."""
    others = [datum for datum in DATUMS if datum != plain] if astray else []
    out = [int((astray[datum] & ~astray[plain]).sum()) for datum in others]
    back = [int((astray[plain] & ~astray[datum]).sum()) for datum in others]
    return bool(others) and all(o >= FEWEST_BACK and o >= TIMES_BACK * b for o, b in zip(out, back, strict=True))


def _farther(found: dict[str, Floats], best: str, plain: str) -> bool:
    """Whether the streets speak against a datum."""
    return float(np.median(found[best])) > AGAINST * float(np.median(found[plain])) + LEAST_GAIN_M


def _fits_better(other_m: Floats, own_m: Floats, share: float) -> bool:
    """Whether so large a share of the places is far nearer to the streets in the other datum, and most one by one."""
    own, other = float(np.quantile(own_m, share)), float(np.quantile(other_m, share))
    return own >= TIMES_NEARER * other and own - other >= LEAST_GAIN_M and float(np.mean(other_m < own_m)) >= LEAST_SHARE


def _said_m(metres: float) -> str:
    return f"over {FAR_M:.0f} m" if metres >= FAR_M else f"{metres:.0f} m"
