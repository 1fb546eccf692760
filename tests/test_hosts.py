"""Host premises by what the policy documents call them: their tags, their names, and one premises out of two sources."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from builders import CRS, demand_at, stations_at
from study_folders import STUDY, write_study

from planner.errors import PlannerWarning, StudyError
from planner.network import Network
from planner.reach import find_islands, islands_of, travel_times
from planner.sources.files import read_candidates, read_study
from planner.sources.hosts import warn_of_candidates
from planner.sources.osm import read_premises
from planner.sources.packs import pack_names, read_pack
from planner.study import HOST_KINDS, Scenario, TownWalk, Walk, host_kind, kind_of_premises

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
OSM = """\
<osm version="0.6">
 <node id="1" lon="121.24" lat="31.38"><tag k="amenity" v="community_centre"/><tag k="name" v="朝晖邻里中心"/></node>
 <node id="2" lon="121.25" lat="31.34"><tag k="amenity" v="community_centre"/><tag k="name" v="红旗党建中心"/></node>
 <node id="3" lon="121.23" lat="31.34"><tag k="amenity" v="community_centre"/></node>
 <node id="4" lon="121.23" lat="31.37"><tag k="amenity" v="bank"/><tag k="name" v="银行"/></node>
 <node id="5" lon="121.25" lat="31.37"><tag k="amenity" v="library"/><tag k="name" v="上海市嘉定区图书馆"/></node>
</osm>
"""


def candidates_of(folder: Path, block: str, **files: str):
    write_study(folder, study=STUDY + block, **files)
    (folder / "network.osm").write_text(OSM)
    return read_candidates(read_study(folder))


def test_every_kind_that_a_shipped_pack_names_has_tags() -> None:
    named = {kind for name in pack_names() for kind in read_pack(name).host_kinds}
    assert len(named) >= 15
    assert [kind for kind in named if not host_kind(kind).tags] == []


def test_names_and_tags_are_well_formed() -> None:
    names = [name for kind in HOST_KINDS for name in (kind.en, kind.zh)]
    assert len(set(names)) == len(names)
    assert all(tag.count("=") == 1 and all(tag.split("=")) for kind in HOST_KINDS for tag in kind.tags)


def test_the_readme_lists_the_kinds_as_they_are() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for kind in HOST_KINDS:
        assert f"| {kind.zh} | {kind.en} | {', '.join(f'`{tag}`' for tag in kind.tags)} |" in text


def test_premises_are_asked_for_by_kind_and_told_apart_by_their_names(tmp_path: Path) -> None:
    found = candidates_of(tmp_path, '[[candidates]]\nkinds = ["党群服务中心", "neighbourhood centre", "图书馆"]\n')
    assert found.loc[["n1", "n2", "n3", "n5"], "host"].tolist() == [
        "neighbourhood centre",  # by the word 邻里 in its name
        "党群服务中心",  # by 党建
        "党群服务中心",  # without a name: the first asked for
        "图书馆",
    ]
    assert "n4" not in found.index


def test_kinds_and_tags_may_stand_in_one_block(tmp_path: Path) -> None:
    found = candidates_of(tmp_path, '[[candidates]]\nosm = ["amenity=bank"]\nkinds = ["library"]\n')
    assert found.loc[["n4", "n5"], "host"].tolist() == ["amenity=bank", "library"]


def test_a_premises_of_a_file_and_of_the_map_is_one(tmp_path: Path) -> None:
    hosts = "site_id,name,lon,lat,host\nh9,嘉定区图书馆（总馆）,121.2505,31.3702,图书馆\n"  # 53 m from the node
    with pytest.warns(PlannerWarning, match=r"1 repeat the name of another at the same place and are left out \(n5\)"):
        found = candidates_of(tmp_path, '[[candidates]]\nkinds = ["library"]\n', hosts=hosts)
    assert found.index.tolist() == ["h9"]


def test_a_kind_nobody_knows_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        candidates_of(tmp_path, '[[candidates]]\nkinds = ["党群服务站"]\n')
    (fault,) = caught.value.faults
    assert (fault.column, fault.problem) == ("candidates.2.kinds.1", "there is no kind of premises '党群服务站'")
    assert fault.mend == "did you mean '党群服务中心'?"


def test_a_file_and_kinds_are_two_sources(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="names both a file and osm tags"):
        candidates_of(tmp_path, '[[candidates]]\nfile = "hosts.csv"\nkinds = ["library"]\n')


@pytest.mark.shared
def test_real_premises_and_a_list_of_them_are_each_there_once(tmp_path: Path) -> None:
    extract = DATA / "helsinki" / "helsinki.osm.pbf"
    if not extract.exists():
        pytest.skip("the extract of Helsinki is not beside the project")
    crs = "EPSG:32635"
    asked = ["library", "neighbourhood centre", "office building", "bank branch", "campus", "shopping centre"]
    tags = [tag for kind in asked for tag in host_kind(kind).tags]
    found = read_premises(extract, tags, crs=crs)
    named = found[(found["name"] != "") & ~found["name"].duplicated(keep=False)]
    assert len(named) >= 40
    moved = named.geometry.translate(30, 20).to_crs("EPSG:4326")  # a list that puts each 36 m beside where the map has it
    lines = [
        f'f{i},"{name}",{x:.7f},{y:.7f}' for i, (name, x, y) in enumerate(zip(named["name"], moved.x, moved.y, strict=True))
    ]
    (tmp_path / "hosts.csv").write_text("\n".join(["site_id,name,lon,lat", *lines]), encoding="utf-8")
    (tmp_path / "stations.csv").write_text("station_id,name,lon,lat\n", encoding="utf-8")
    box = gpd.GeoDataFrame({"town": ["Helsinki"]}, geometry=[shapely.box(*found.total_bounds).buffer(500)], crs=crs)
    box.to_crs("EPSG:4326").to_file(tmp_path / "towns.geojson")
    (tmp_path / "study.toml").write_text(
        f'name = "Helsinki"\narea = "towns.geojson"\ncrs = "{crs}"\n[network]\nfile = "{extract}"\n[population]\ntotal = 1\n'
        f'[stations]\nfile = "stations.csv"\n[[candidates]]\nfile = "hosts.csv"\n[[candidates]]\nkinds = {asked!r}\n',
        encoding="utf-8",
    )
    with pytest.warns(PlannerWarning, match="repeat the name of another"):
        together = read_candidates(read_study(tmp_path))
    ours = together.index[together.index.str.startswith("f")]
    assert len(ours) == len(named)
    kept = found[~found["name"].isin(set(named["name"]))]
    assert set(kept["osm_id"]) <= set(together.index)
    assert len(together) == pytest.approx(len(found), abs=0.05 * len(found))
    theirs = together.loc[~together.index.isin(ours)]
    by_hand = [kind_of_premises(tag, name, asked) for tag, name in zip(kept["host"], kept["name"], strict=True)]
    assert theirs.loc[kept["osm_id"], "host"].tolist() == by_hand


def test_parts_are_counted_once_over_all_ways_of_walking() -> None:
    """Three streets that do not meet, one for each town; two towns live apart, each with minutes of its own."""
    ends = [[0, 1], [2, 3], [4, 5]]
    network = Network.from_segments([[0, 0], [900, 0], [0, 99], [600, 99], [0, 199], [600, 199]], ends, crs=CRS)
    residents = demand_at([(50, 10), (50, 90), (50, 190), (90, 190)]).assign(town=["A", "B", "C", "A"])
    walk = Walk(max_link_m=40, towns={"B": TownWalk(minutes=20), "C": TownWalk(minutes=25)})
    assert (
        islands_of(network, residents, walk).parts
        == find_islands(network, residents.geometry.get_coordinates().to_numpy(), walk).parts
        == 2
    )


def test_candidates_on_streets_apart_are_found_whether_or_not_it_is_known_who_lives_there() -> None:
    """Two streets that do not meet, with residents on both; the shorter one is the island."""
    network = Network.from_segments([[0, 0], [900, 0], [0, 99], [600, 99]], [[0, 1], [2, 3]], crs=CRS)
    residents = demand_at([(50, 10), (50, 90)])
    walk = Walk(minutes=5, max_link_m=40)
    hosts = stations_at((100, 5), (100, 95), (880, 5), (590, 95)).rename_axis("site_id")
    options = travel_times(network, hosts, residents, walk)
    told = []
    for islands in (None, islands_of(network, residents, walk)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_of_candidates(network, hosts, options, Scenario(walk), islands)
        told.append([str(warning.message) for warning in caught])
    assert told[0] == told[1] == [
        "2 candidates stand on streets that do not join the rest of the network; the first are s1, s3",
        "1 candidates stand where no resident is in reach; the first are s2",
    ]  # fmt: skip
