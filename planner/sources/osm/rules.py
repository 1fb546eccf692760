"""Which ways of OpenStreetMap people walk on: the walk rules, in one place.

A way is a street here if it has a ``highway`` key or is a platform. The rules are asked in this order; the first that
answers decides.

1.  ``route=ferry`` is not walked: waiting for a boat is not walking.
2.  The kinds in `NEVER` are not walked whatever else is tagged: motorways are closed to walkers by law, and what is under
    construction, proposed, raced on or gone is no street.
3.  ``foot`` in `OPEN` (``yes``, ``designated``, ``permissive`` …) opens the way, whatever ``access`` or ``motorroad`` say:
    the more special tag wins.
4.  ``foot`` in `CLOSED` (``no``, ``private``, ``use_sidepath`` …) closes it. With ``use_sidepath`` the path beside it is
    a way of its own.
5.  ``access`` in `CLOSED` closes it. ``destination``, ``customers``, ``delivery``, ``agricultural`` … do not: they
    are about vehicles, or about people who go to a door there. ``vehicle``, ``motor_vehicle`` and ``bicycle`` say nothing
    about walkers.
6.  ``motorroad=yes`` and ``expressway=yes`` close it: fast roads between junctions without pavements.
7.  ``abandoned``, ``disused``, ``razed`` … ``=yes`` on the way closes it; keys such as ``disused:highway`` are no highway.
8.  The kinds in `WALKED` are walked. Cycleways and bridleways are among them: nearly everywhere people may and do walk there,
    and where they may not ``foot=no`` says so. So are trunk roads that none of the rules above closed, and indoor
    corridors (passages below stations). Kinds that are in no table are not walked, and are counted.

Then, by geometry (`planner.sources.osm.streets`):

9.  A road in a **tunnel**, without a word about feet or a pavement, is not walked if the tunnel is longer than
    `TUNNEL_MAX_M`; tunnels of several ways count as one. Streets pass below a railway in less; tunnels below a river
    are longer.
10. A road on a **bridge**, likewise without a word, is not walked if it is longer than `BRIDGE_MAX_M`; a trunk road's
    if it is longer than `TUNNEL_MAX_M`.

What does not matter: ``oneway:foot`` and, on foot, ``oneway`` (streets are walked both ways), ``*:conditional`` (the plain
tag decides), ``sac_scale``, ``informal``, ``ford``, ``smoothness``, ``service`` (driveways and parking aisles are walked),
``layer`` and ``level`` (ways join only where they share a node). ``highway=steps`` are flagged, moving ones too
(``conveying``). A road whose pavement is mapped separately stays a street as well, so that people can cross it.

A closed way with ``area=yes``, or a multipolygon of a walked kind, is a **square**: its rim is walked, and it is crossed
straight between any two places where other streets meet the rim and see each other (`planner.sources.osm.squares`).
The ways of a multipolygon's rim that are streets by their own tags are judged and flagged by these alone, and stay closed where
they say so; those that are none (mostly without any tag) take the relation's tags, as the ways across do.
A relation that the rules close opens none of its rim.

What does not close a way but changes the pace is flagged (`planner.network.EdgeFlag`): steps and which way they lead up
(``incline``), the ground (`UNEVEN`, `SOFT`; ``tracktype`` where there is no ``surface``), bridges and tunnels.

**Bicycles**, where a profile rides. They are ridden on the ways in `RIDDEN` and wherever ``bicycle`` is in `OPEN`, unless
``bicycle``, ``vehicle`` or ``access`` is in `CLOSED` (the more special tag wins) or rules 1, 2, 6, 7, 9, 10 close the way; it
is read even if it is closed to feet, and walkers do not use it then. They are pushed, at `planner.profiles.PUSHED_MPS`, on all
other ways that are walked, and against one-way streets, unless ``oneway:bicycle=no`` or ``cycleway=opposite…`` opens these.
They are not carried over steps.

Barriers on nodes: see `blocks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.network import EdgeFlag

TUNNEL_MAX_M = 150.0  # our choice: streets pass below railways and squares in less; river tunnels are 1-3 km
BRIDGE_MAX_M = 1000.0  # our choice: longer bridges for cars name their pavement where there is one
LONGEST_M = {"tunnel": TUNNEL_MAX_M, "trunk bridge": TUNNEL_MAX_M, "bridge": BRIDGE_MAX_M}

ROADS = frozenset({
    "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link",
    "unclassified", "residential", "road", "living_street", "service",
})  # fmt: skip
PATHS = frozenset({
    "footway", "pedestrian", "path", "steps", "cycleway", "bridleway", "track", "trail", "platform", "corridor", "elevator",
    "crossing",
})  # fmt: skip
WALKED = ROADS | PATHS
NEVER = frozenset({
    "motorway", "motorway_link", "construction", "proposed", "planned", "raceway", "bus_guideway", "escape", "via_ferrata",
    "rest_area", "services", "abandoned", "disused", "razed", "demolished", "destroyed", "dismantled", "removed", "no",
})  # fmt: skip

OPEN = frozenset({"yes", "designated", "permissive", "official", "destination", "customers", "public"})
CLOSED = frozenset({
    "no", "private", "use_sidepath", "permit", "military", "restricted", "emergency", "residents", "employees", "staff",
})  # fmt: skip
RIDDEN = (ROADS | {"cycleway", "path", "track"}) - {"steps"}
UNEVEN = frozenset({
    "unpaved", "compacted", "fine_gravel", "gravel", "pebblestone", "sett", "cobblestone", "unhewn_cobblestone", "grass_paver",
    "metal", "wood", "stepping_stones", "rock", "grade2",
})  # fmt: skip
SOFT = frozenset({
    "ground", "dirt", "earth", "soil", "mud", "grass", "sand", "clay", "snow", "ice", "woodchips", "grade3", "grade4", "grade5",
})  # fmt: skip
PAVED_BESIDE = frozenset({"yes", "both", "left", "right"})  # sidewalk=… that puts walkers on this very road
NO_STREET = "no street"  # why rails, routes and the like are left out; not counted among the streets left out
GONE = ("abandoned", "disused", "razed", "demolished", "dismantled", "removed")

WAY_KEYS = (
    "highway", "railway", "public_transport", "route", "area", "foot", "access", "motorroad", "expressway", "tunnel", "bridge",
    "sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right", "incline", "surface", "tracktype", "bicycle", "vehicle",
    "oneway", "oneway:bicycle", "junction", "cycleway", *GONE,
)  # fmt: skip
NODE_KEYS = ("barrier", "foot", "access", "locked")

GATES = frozenset({
    "gate", "wicket_gate", "sliding_gate", "sliding_beam", "hampshire_gate", "full-height_turnstile", "turnstile", "door",
    "entrance", "sally_port", "border_control", "yes",
})  # fmt: skip
WALLS = frozenset({"wall", "fence", "city_wall", "retaining_wall", "hedge"})


@dataclass(frozen=True)
class Verdict:
    """What the rules say of a way.

    ``left_out`` is empty for a way that is walked, else the rule that left it out, in words for the report.
    ``road`` is one of ``tunnel``, ``bridge``, ``trunk bridge`` for a road whose length decides (rules 9, 10), else empty.
    ``flags`` are the bits of `EdgeFlag` of its segments, as seen along the way.
    """

    left_out: str = ""
    flags: int = 0
    square: bool = False
    platform: bool = False
    road: str = ""

    @property
    def steps(self) -> bool:
        """Whether the way is steps."""
        return bool(self.flags & EdgeFlag.STEPS)


def judge(tags: Mapping[str, str], *, bicycles: bool = False) -> Verdict:
    """What the walk rules say of a way with these tags; with `bicycles`, a way that only they may use is not left out.

    >>> judge({"highway": "residential"}).left_out, judge({"highway": "service", "access": "private"}).left_out
    ('', 'access=private')
    >>> judge({"highway": "trunk", "motorroad": "yes", "foot": "yes"}).left_out
    ''
    """
    kind = kind_of(tags)
    left_out, flags = _left_out(kind, tags), 0
    if left_out:
        if not (bicycles and _is_ridden(kind, tags)):
            return Verdict(left_out)
        flags = int(EdgeFlag.NO_FOOT)
    square = tags.get("area") == "yes"
    flags |= _flags(kind, tags) | (_bicycle_flags(kind, tags) if bicycles else 0)
    return Verdict("", flags, square, kind == "platform", _long_road(kind, tags))


def _flags(kind: str, tags: Mapping[str, str]) -> int:
    """What the tags say of steps, ground, and bridges and tunnels."""
    ground = tags.get("surface") or tags.get("tracktype", "")
    flags = EdgeFlag.UNEVEN if ground.split(":")[0] in UNEVEN else EdgeFlag.SOFT if ground in SOFT else EdgeFlag(0)
    if tags.get("bridge", "no") != "no" or tags.get("tunnel", "no") not in ("no", "building_passage", "covered"):
        flags |= EdgeFlag.ALOFT
    if kind == "steps":
        flags |= EdgeFlag.STEPS | {"up": EdgeFlag.UP, "down": EdgeFlag.DOWN}.get(tags.get("incline", ""), EdgeFlag(0))
    return int(flags)


def _is_ridden(kind: str, tags: Mapping[str, str]) -> bool:
    """Whether bicycles are ridden on the way."""
    bicycle = tags.get("bicycle", "")
    if not kind or kind in NEVER or kind == "steps" or tags.get("route") == "ferry":
        return False
    if any(tags.get(key) == "yes" for key in GONE):
        return False
    if bicycle in OPEN:
        return True
    if bicycle in CLOSED or bicycle == "dismount" or any(tags.get(key) == "yes" for key in ("motorroad", "expressway")):
        return False
    return kind in RIDDEN and tags.get("vehicle", "") not in CLOSED and tags.get("access", "") not in CLOSED


def _bicycle_flags(kind: str, tags: Mapping[str, str]) -> int:
    """Where bicycles are pushed: everywhere, or in the direction against a one-way street."""
    if not _is_ridden(kind, tags):
        return int(EdgeFlag.PUSHED)
    oneway = tags.get("oneway", "yes" if tags.get("junction") in ("roundabout", "circular") else "no")
    oneway = tags.get("oneway:bicycle", "no" if tags.get("cycleway", "").startswith("opposite") else oneway)
    if oneway in ("yes", "true", "1"):
        return int(EdgeFlag.AGAINST_BACK)
    return int(EdgeFlag.AGAINST) if oneway in ("-1", "reverse") else 0


def kind_of(tags: Mapping[str, str]) -> str:
    """The kind of street: the value of ``highway``, or ``platform``, or empty."""
    if tags.get("highway"):
        return tags["highway"]
    if tags.get("railway") == "platform" or tags.get("public_transport") == "platform":
        return "platform"
    return ""


def _left_out(kind: str, tags: Mapping[str, str]) -> str:
    foot, access = tags.get("foot", ""), tags.get("access", "")
    if tags.get("route") == "ferry":
        return "route=ferry"
    if not kind:
        return NO_STREET
    if kind in NEVER:
        return f"highway={kind}"
    if foot in OPEN:
        return ""
    if foot in CLOSED:
        return f"foot={foot}"
    if access in CLOSED:
        return f"access={access}"
    closed = [key for key in ("motorroad", "expressway", *GONE) if tags.get(key) == "yes"]
    if closed:
        return f"{closed[0]}=yes"
    return "" if kind in WALKED else "highway of another kind"


def _long_road(kind: str, tags: Mapping[str, str]) -> str:
    """Which length limit holds for a road without a word about feet."""
    if kind not in ROADS or tags.get("foot") in OPEN or _has_pavement(tags):
        return ""
    if tags.get("tunnel", "no") in ("yes", "flooded"):
        return "tunnel"
    if tags.get("bridge", "no") == "no":
        return ""
    return "trunk bridge" if kind.startswith("trunk") else "bridge"


def _has_pavement(tags: Mapping[str, str]) -> bool:
    sides = (tags.get(key, "") for key in ("sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right"))
    return any(side in PAVED_BESIDE for side in sides)


def blocks(tags: Mapping[str, str]) -> bool:
    """Whether a barrier on a node stops walkers.

    ``foot`` decides where it is given. Else gates, doors and turnstiles stop them if ``access`` is closed or they are
    ``locked=yes``; walls, fences and hedges always do, unless ``access`` opens them; anything else (bollard, lift gate, stile,
    kerb, chain, cattle grid …) is for vehicles or cattle and does not.

    >>> blocks({"barrier": "gate"}), blocks({"barrier": "gate", "access": "private"}), blocks({"barrier": "bollard"})
    (False, True, False)
    """
    foot, access, barrier = tags.get("foot", ""), tags.get("access", ""), tags.get("barrier", "")
    if foot in OPEN or foot in CLOSED:
        return foot in CLOSED
    if barrier in WALLS:
        return access not in OPEN
    return barrier in GATES and (access in CLOSED or tags.get("locked") == "yes")
