"""The walk rules, tag by tag."""

from __future__ import annotations

from pathlib import Path

import pytest
from osm_builders import CRS, Town

from planner.network import EdgeFlag
from planner.sources.osm import read_osm_network
from planner.sources.osm.rules import NEVER, PATHS, ROADS, blocks, judge

WALKED = [
    "highway=residential",
    "highway=residential oneway=yes",
    "highway=footway oneway:foot=yes",
    "highway=service service=driveway",
    "highway=service service=parking_aisle",
    "highway=steps conveying=forward",
    "highway=footway footway=sidewalk",
    "highway=footway footway=crossing crossing=unmarked",
    "highway=cycleway",
    "highway=cycleway bicycle=designated",
    "highway=bridleway",
    "highway=path sac_scale=alpine_hiking",
    "highway=path informal=yes",
    "highway=track ford=yes",
    "highway=pedestrian area=yes",
    "highway=corridor indoor=yes",
    "highway=trunk",
    "highway=platform",
    "railway=platform",
    "public_transport=platform",
    "highway=living_street motor_vehicle=no vehicle=no",
    "highway=residential access=destination",
    "highway=service access=customers",
    "highway=service access=delivery",
    "highway=track access=agricultural",
    "highway=service access=private foot=yes",
    "highway=footway access=no foot=permissive",
    "highway=trunk motorroad=yes foot=designated",
    "highway=footway access:conditional=no@(22:00-06:00)",
    "highway=primary sidewalk=separate",
    "highway=residential foot=destination",
    "highway=tertiary tunnel=building_passage",
]

LEFT_OUT = {
    "highway=residential foot=no": "foot=no",
    "highway=cycleway foot=no": "foot=no",
    "highway=footway foot=private": "foot=private",
    "highway=primary foot=use_sidepath": "foot=use_sidepath",
    "highway=service access=private": "access=private",
    "highway=footway access=no": "access=no",
    "highway=service access=no bus=yes": "access=no",
    "highway=service access=permit": "access=permit",
    "highway=motorway": "highway=motorway",
    "highway=motorway_link foot=yes": "highway=motorway_link",
    "highway=trunk motorroad=yes": "motorroad=yes",
    "highway=primary expressway=yes": "expressway=yes",
    "highway=construction construction=footway": "highway=construction",
    "highway=proposed": "highway=proposed",
    "highway=raceway": "highway=raceway",
    "highway=bus_guideway": "highway=bus_guideway",
    "highway=escape": "highway=escape",
    "highway=path abandoned=yes": "abandoned=yes",
    "highway=residential disused=yes": "disused=yes",
    "highway=busway": "highway of another kind",
    "highway=hovercraft": "highway of another kind",
    "route=ferry foot=yes": "route=ferry",
    "route=ferry highway=footway": "route=ferry",
    "railway=rail": "no street",
    "railway=platform foot=no": "foot=no",
}


def tags_of(said: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in said.split())


@pytest.mark.parametrize("said", WALKED)
def test_people_walk_on(said: str) -> None:
    assert judge(tags_of(said)).left_out == ""


@pytest.mark.parametrize("said", LEFT_OUT)
def test_people_do_not_walk_on(said: str) -> None:
    assert judge(tags_of(said)).left_out == LEFT_OUT[said]


def test_the_file_gives_the_rules_every_tag_they_ask_for(tmp_path: Path) -> None:
    town, every = Town(), [*WALKED, *LEFT_OUT]
    for i, said in enumerate(every):
        town.nodes((2 * i + 1, i, 0), (2 * i + 2, i, 1))
        tags = {"name": "a=b, highway=motorway %20% é路", **tags_of(said), "zzz": "foot=no", "note:foot": "no"}
        town.way(i + 1, [2 * i + 1, 2 * i + 2], tags)
    network = read_osm_network(town.write(tmp_path), crs=CRS)
    assert sorted(network.node_id.tolist()) == list(range(1, 2 * len(WALKED) + 1))
    assert network.report["ways walked"] == len(WALKED)


@pytest.mark.parametrize("kind", sorted(ROADS | PATHS))
def test_every_kind_that_is_walked_closes_with_foot_no(kind: str) -> None:
    assert judge({"highway": kind}).left_out == ""
    assert judge({"highway": kind, "foot": "no"}).left_out == "foot=no"


@pytest.mark.parametrize("kind", sorted(NEVER))
def test_no_tag_opens_what_is_never_walked(kind: str) -> None:
    assert judge({"highway": kind, "foot": "yes", "access": "yes"}).left_out == f"highway={kind}"


@pytest.mark.parametrize(
    ("said", "stops"),
    [
        ("barrier=gate", False),
        ("barrier=gate access=private", True),
        ("barrier=gate access=no", True),
        ("barrier=gate locked=yes", True),
        ("barrier=gate locked=yes foot=yes", False),
        ("barrier=gate access=private foot=permissive", False),
        ("barrier=gate foot=no", True),
        ("barrier=swing_gate access=private", False),
        ("barrier=lift_gate access=private", False),
        ("barrier=bollard access=no", False),
        ("barrier=stile", False),
        ("barrier=kissing_gate", False),
        ("barrier=turnstile access=private", True),
        ("barrier=wall", True),
        ("barrier=fence", True),
        ("barrier=fence foot=yes", False),
        ("barrier=wall access=yes", False),
        ("barrier=kerb", False),
        ("barrier=cycle_barrier foot=no", True),
    ],
)
def test_a_barrier_stops_walkers_or_not(said: str, stops: bool) -> None:
    assert blocks(tags_of(said)) is stops


@pytest.mark.parametrize(
    ("said", "road"),
    [
        ("highway=primary tunnel=yes", "tunnel"),
        ("highway=service tunnel=yes", "tunnel"),
        ("highway=primary tunnel=yes sidewalk=both", ""),
        ("highway=primary tunnel=yes sidewalk:left=yes", ""),
        ("highway=primary tunnel=yes sidewalk=separate", "tunnel"),
        ("highway=primary tunnel=yes foot=yes", ""),
        ("highway=footway tunnel=yes", ""),
        ("highway=tertiary tunnel=building_passage", ""),
        ("highway=primary bridge=yes", "bridge"),
        ("highway=trunk bridge=viaduct", "trunk bridge"),
        ("highway=trunk bridge=yes sidewalk=right", ""),
        ("highway=cycleway bridge=yes", ""),
        ("highway=primary bridge=no tunnel=no", ""),
    ],
)
def test_the_length_of_a_tunnel_or_bridge_matters_for_roads_without_a_word_about_feet(said: str, road: str) -> None:
    assert judge(tags_of(said)).road == road


# --- paces and bicycles -----------------------------------------------------------------------------------------------

FLAGGED = {
    "highway=steps incline=up": EdgeFlag.STEPS | EdgeFlag.UP,
    "highway=steps incline=down": EdgeFlag.STEPS | EdgeFlag.DOWN,
    "highway=path surface=gravel": EdgeFlag.UNEVEN,
    "highway=residential surface=cobblestone:flattened": EdgeFlag.UNEVEN,
    "highway=track surface=ground tracktype=grade1": EdgeFlag.SOFT,
    "highway=track tracktype=grade4": EdgeFlag.SOFT,
    "highway=footway bridge=yes": EdgeFlag.ALOFT,
    "highway=footway tunnel=building_passage surface=asphalt": EdgeFlag(0),
}
RIDDEN = {
    "highway=residential": EdgeFlag(0),
    "highway=residential oneway=yes": EdgeFlag.AGAINST_BACK,
    "highway=residential oneway=-1": EdgeFlag.AGAINST,
    "highway=residential oneway=yes oneway:bicycle=no": EdgeFlag(0),
    "highway=residential oneway=yes cycleway=opposite_lane": EdgeFlag(0),
    "highway=tertiary junction=roundabout": EdgeFlag.AGAINST_BACK,
    "highway=footway": EdgeFlag.PUSHED,
    "highway=footway bicycle=yes": EdgeFlag(0),
    "highway=path bicycle=dismount": EdgeFlag.PUSHED,
    "highway=primary bicycle=no": EdgeFlag.PUSHED,
    "highway=cycleway foot=no": EdgeFlag.NO_FOOT,
    "highway=primary foot=no oneway=yes": EdgeFlag.NO_FOOT | EdgeFlag.AGAINST_BACK,
    "highway=service access=private bicycle=yes": EdgeFlag.NO_FOOT,
}
NOT_RIDDEN = ("highway=motorway bicycle=yes", "highway=trunk foot=no motorroad=yes", "highway=service access=private",
              "highway=steps foot=no bicycle=yes", "highway=road foot=no vehicle=no", "highway=footway foot=no")  # fmt: skip


@pytest.mark.parametrize("said", FLAGGED)
def test_what_changes_the_pace_is_flagged(said: str) -> None:
    assert judge(tags_of(said)).flags == FLAGGED[said]


@pytest.mark.parametrize("said", RIDDEN)
def test_bicycles_are_ridden_pushed_or_against_the_traffic(said: str) -> None:
    verdict = judge(tags_of(said), bicycles=True)
    assert (verdict.left_out, verdict.flags) == ("", RIDDEN[said])
    assert bool(judge(tags_of(said)).left_out) == bool(RIDDEN[said] & EdgeFlag.NO_FOOT)


@pytest.mark.parametrize("said", NOT_RIDDEN)
def test_a_way_closed_to_feet_and_bicycles_is_left_out(said: str) -> None:
    assert judge(tags_of(said), bicycles=True).left_out == judge(tags_of(said)).left_out != ""
