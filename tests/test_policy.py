"""The shipped packs say what their documents say; a pack of one's own is checked like them."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from lattice_study import lonlat, write_lattice_study

import planner
from planner.errors import StudyError
from planner.policy import Counts, Figure, ItemClass, Period, Policy, Scope
from planner.sources.packs import pack_names, read_pack, read_policy
from planner.study import NetworkSource, PopulationSource, ServiceClass, StationSource, Study


def study(policy: str | None, folder: Path = Path()) -> Study:
    sources = NetworkSource(file="n.osm"), StationSource(file="s.csv"), PopulationSource(file="p.csv")
    return Study("x", "towns.geojson", *sources, folder=folder, policy=policy)


@pytest.mark.parametrize("name", pack_names())
def test_every_shipped_pack_is_read_under_its_own_name_and_every_target_quotes_its_source(name: str) -> None:
    policy = read_policy(study(name))
    assert policy.name == name
    assert all(target.phrase for target in policy.targets)


def test_jiading_asks_what_the_plan_asks() -> None:
    policy = read_policy(study("jiading-2023"))
    asked = {(t.scope, t.counts): (t.minimum, t.by, t.binding) for t in policy.targets}
    assert asked == {
        (Scope.TOWN, Counts.EQUIPPED): (1, dt.date(2023, 12, 31), True),
        (Scope.DISTRICT, Counts.STATIONS): (24, dt.date(2025, 12, 31), True),
        (Scope.TOWN, Counts.FEATURED): (1, dt.date(2025, 12, 31), False),
    }
    of_class = {c: [item.number for item in policy.items if item.item_class is c] for c in ItemClass}
    assert of_class[ItemClass.BASIC] == [1, 2, 3, 4, 5, 7, 11, 15, 16, 17, 18, 19, 20]
    assert of_class[ItemClass.EXTENDED] == [6, 8, 9, 10, 12, 13, 14, 21, 22]
    assert of_class[ItemClass.INNOVATIVE] == [23, 24]
    assert [tier.count for tier in policy.tiers] == [1, 12, None]


def test_the_town_minimum_in_force_is_the_last_that_is_due() -> None:
    policy = read_policy(study("jiading-2023"))
    assert policy.town_minimum(dt.date(2023, 1, 1)) == policy.town_minimum(dt.date(2025, 1, 1)) == 1
    assert read_policy(study(None)).town_minimum(dt.date(2025, 1, 1)) is None


def test_an_unknown_pack_names_the_nearest() -> None:
    with pytest.raises(StudyError, match="did you mean 'jiading-2023'"):
        read_policy(study("jiading-2032"))


def test_a_pack_of_ones_own_is_read_and_its_faults_come_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\n', encoding="utf-8")
    assert read_policy(study("own.toml", tmp_path)).en == "Own"
    (tmp_path / "own.toml").write_text('name = "own"\nen = ""\ncolour = "red"\nzh = "自定"\n', encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        read_policy(study("own.toml", tmp_path))
    assert {fault.column for fault in caught.value.faults} == {"en", "colour", "source"}
    (tmp_path / "own.toml").write_text("name = ", encoding="utf-8")
    with pytest.raises(StudyError, match="not valid TOML"):
        read_policy(study("own.toml", tmp_path))


def test_a_pack_may_not_repeat_a_target_or_name_an_unknown_function() -> None:
    with pytest.raises(ValueError, match="functions that the pack does not"):
        Policy("x", "x", "x", "x", items=({"number": 1, "zh": "一", "en": "one", "item_class": "basic", "function": "f"},))  # type: ignore[arg-type]


def test_the_tiers_are_those_of_the_pattern() -> None:
    tier = {"tier": "town", "en": "town", "zh": "镇", "count": 11}
    with pytest.raises(ValueError, match=r"'1\+12' is not that of the tiers, which say 11"):
        Policy("x", "x", "x", "x", tier_pattern="1+12", tiers=(tier,))  # type: ignore[arg-type]
    assert Policy("x", "x", "x", "x", tier_pattern="11", tiers=(tier,)).tiers[0].is_called(" 镇 ")  # type: ignore[arg-type]


@pytest.mark.parametrize("pattern", ["1+12+N", "1＋12＋N", "１＋１２＋ｘ", " 1 + 12 + m ", "1加12加X", "01﹢12﹢n", "1➕12➕X"])
def test_a_pattern_of_tiers_is_read_however_it_is_typed(pattern: str) -> None:
    tiers = tuple({"tier": each, "en": each, "zh": each, "count": count} for each, count in (("a", 1), ("b", 12), ("c", None)))
    assert Policy("x", "x", "x", "x", tier_pattern=pattern, tiers=tiers).tier_pattern == pattern  # type: ignore[arg-type]
    for other in ("1+12", "1+12+X+X", "12+1+X", "1+12+12", "1+12+", "1+12+XX", "1+120+X"):
        with pytest.raises(ValueError, match="is not that of the tiers"):
            Policy("x", "x", "x", "x", tier_pattern=other, tiers=tiers)  # type: ignore[arg-type]


FIGURE = {"name": "f", "en": "f", "zh": "f", "minimum": 1, "phrase": "f"}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"fused_kinds": ("就业角",), "professional_kinds": ("就 业角",)}, "professional_kinds and in fused_kinds"),
        ({"outreach_kinds": ("公园",), "station_kinds": ("公园",)}, "outreach_kinds and in station_kinds"),
        ({"facilities": (" ",)}, "facilities"),
        ({"minimum_staff": 10**20}, "less than or equal to 1000000"),
        ({"figures": ({**FIGURE, "minimum": float("inf"), "yearly": True},)}, "finite"),
        ({"figures": ({**FIGURE, "yearly": True, "since": "2024-01-01"},)}, "leave since away"),
        ({"figures": ({**FIGURE, "by": "2023-01-01", "since": "2024-01-01"},)}, "is due before, on 2023-01-01"),
        ({"functions": ({"name": "f", "en": "f", "zh": "f"},),
          "items": ({"number": 1000, "en": "i", "zh": "i", "item_class": "basic", "function": "f"},)}, "equal to 999"),
    ],
)  # fmt: skip
def test_rules_that_nothing_can_keep_are_refused(rules: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Policy("x", "x", "x", "x", **rules)  # type: ignore[arg-type]


def test_how_many_items_are_offered_does_not_say_which() -> None:
    jiading = read_policy(study("jiading-2023"))
    assert [jiading.read_offer(cell) for cell in ("24项", " １３ 项")] == [None, None]
    assert [sorted(jiading.read_offer(cell).items) for cell in ("第24项", "24", "1项、2项")] == [[24], [24], [1, 2]]  # type: ignore[union-attr]


def test_a_function_whose_name_has_a_stroke_or_a_space_is_found_in_a_list() -> None:
    functions = tuple(
        {"name": name, "zh": zh, "en": name} for name, zh in (("job fair", "招聘、求职"), ("skills", "技能/见习"))
    )
    pack = Policy("x", "x", "x", "x", functions=functions)  # type: ignore[arg-type]
    cells = ("招聘、求职；技能/见习", "技能／见习", "Job Fair, skills", "招聘", "技能见习")
    read = [None if (offer := pack.read_offer(cell)) is None else sorted(offer.functions) for cell in cells]
    assert read == [["job fair", "skills"], ["skills"], ["job fair", "skills"], None, ["skills"]]


def test_all_that_a_pack_says_against_itself_comes_at_once(tmp_path: Path) -> None:
    block = '[[targets]]\nname = "{}"\nen = "t"\nzh = "t"\nphrase = "t"\nminimum = 1\nby = 2024-01-01\ncounts = "{}"'
    counted = (("a", "stations"), ("a", "equipped"), ("b", "featured"), ("c", "fused"), ("d", "demonstration"))
    rules = [block.format(*each) for each in counted]
    rules += [f'[[tiers]]\ntier = "{tier}"\nen = "{tier} one"\nzh = "{zh}"\naliases = ["Service  Point"]'
              for tier, zh in (("town", "镇"), ("village", "村"))]  # fmt: skip
    rules += [
        '[[functions]]\nname = "posts"\nen = "posts"\nzh = "岗位"',
        '[[functions]]\nname = "jobs"\nen = "jobs"\nzh = "岗位"',
    ]
    head = 'name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\ntier_pattern = "1+X"\n'
    (tmp_path / "own.toml").write_text(head + "\n".join(rules) + "\n", encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        read_policy(study("own.toml", tmp_path))
    assert [fault.problem for fault in caught.value.faults] == [
        "target a stands twice",
        "tiers 'town' and 'village' are both called 'servicepoint'",
        "functions 'posts' and 'jobs' are both called '岗位'",
        "target 'b' counts featured stations, of which there can be none",
        "target 'c' counts fused stations, of which there can be none",
        "target 'd' counts demonstration stations, of which there can be none",
        "tier_pattern '1+X' is not that of the tiers, which say X+X",
    ]
    assert caught.value.faults[3].mend == "add featured_kinds"


def test_a_target_may_not_begin_after_it_is_due(tmp_path: Path) -> None:
    head = 'name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\n'
    target = '[[targets]]\nname = "t"\nen = "t"\nzh = "t"\nphrase = "t"\nminimum = 1\nby = 2024-01-01\nsince = 2025-01-01\n'
    (tmp_path / "own.toml").write_text(head + target, encoding="utf-8")
    with pytest.raises(StudyError, match="due before"):
        read_policy(study("own.toml", tmp_path))


def test_a_demonstration_station_offers_functions_of_the_pack() -> None:
    with pytest.raises(ValueError, match="demonstration_functions name functions that the pack does not: magic"):
        Policy("x", "x", "x", "x", demonstration_functions=("magic",))
    jiading = read_policy(study("jiading-2023"))
    assert jiading.demonstration_functions == tuple(f.name for f in jiading.functions[:6])
    assert [read_policy(study(name)).minimum_staff for name in ("jiading-2023", "shanghai-2024", "daxinganling-2024")] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("rule", "column", "mend"),
    [
        ("minimum_stafff = 1", "minimum_stafff", "did you mean minimum_staff?"),
        (
            '[[targets]]\nname = "t"\nen = "t"\nzh = "t"\nphrase = "t"\nminimun = 1\nby = 2024-01-01',
            "targets.1.minimun",
            "minimum?",
        ),
        ('[[figures]]\nname = "f"\nen = "f"\nzh = "f"\nyearl = true', "figures.1.yearl", "did you mean yearly?"),
    ],
)
def test_an_unknown_rule_names_the_nearest_one(tmp_path: Path, rule: str, column: str, mend: str) -> None:
    head = 'name = "own"\nen = "Own"\nzh = "自定"\nsource = "us"\n'
    (tmp_path / "own.toml").write_text(head + rule + "\n", encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        read_policy(study("own.toml", tmp_path))
    unknown = [fault for fault in caught.value.faults if fault.problem == "unknown rule"]
    assert [fault.column for fault in unknown] == [column]
    assert mend in unknown[0].mend


def test_the_packs_hold_the_figures_facilities_and_services_of_their_documents() -> None:
    daxinganling, shandong, shanghai = (
        read_policy(study(name)) for name in ("daxinganling-2024", "shandong-2025", "shanghai-2024")
    )
    helped = next(figure for figure in daxinganling.all_figures if figure.name == "people_helped")
    assert (helped.minimum, helped.by) == (5000, dt.date(2026, 12, 31))
    assert daxinganling.reporting == (Period.MONTH, Period.QUARTER, Period.YEAR)
    assert (len(daxinganling.facilities), len(daxinganling.rules), len(daxinganling.outreach_kinds)) == (3, 5, 4)
    by_class = {
        kind: [s.zh for s in shandong.life_services if s.service_class is kind]
        for kind in (ServiceClass.BASIC, ServiceClass.QUALITY)
    }
    assert by_class == {
        ServiceClass.BASIC: ["购物", "餐饮", "家政", "快递", "维修", "菜场", "托育"],
        ServiceClass.QUALITY: ["文化", "娱乐", "休闲", "康养"],
    }
    assert all(service.osm and service.phrase for service in shandong.life_services)
    assert [(t.scope, t.minimum, t.accepted_only) for t in shanghai.targets] == [(Scope.CITY, 350, True)]


def test_a_yearly_figure_is_asked_for_every_year_anew() -> None:
    trainings = read_policy(study("jiading-2023")).figures[0]
    assert trainings.span(dt.date(2024, 5, 6)) == (dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    with pytest.raises(ValueError, match="by a date or yearly"):
        Figure("f", "f", "f", minimum=1, phrase="f")
    with pytest.raises(ValueError, match="no minimum"):
        Figure("f", "f", "f", yearly=True)


@pytest.mark.filterwarnings("ignore:fewer than 8 places are too few")
def test_the_pack_of_the_readme_is_one_and_every_rule_of_it_works(tmp_path: Path) -> None:
    """What a reader copies out of the README, on the lattice town, without another look at anything."""
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    block = next(part.split("```")[0] for part in text.split("```toml\n")[1:] if part.startswith('name   = "own-2026"'))
    folder = write_lattice_study(tmp_path / "own")
    (folder / "own.toml").write_text(block, encoding="utf-8")
    rows = ["station_id,name,lon,lat,status,opened,tier,kind,staff,services,facilities"]
    for key, i, tier, kind, staff, services, facilities in (
        ("S1", 5, "区级中心", "", 1, "1-2", "专窗专柜、自助服务"),
        ("S2", 8, "街道", "就业角", 0, "1", "专窗专柜"),
    ):
        lon, lat = lonlat(i, 5)
        rows.append(f"{key},{key},{lon},{lat},built,2024-01-15,{tier},{kind},{staff},{services},{facilities}")
    (folder / "stations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    toml = 'policy = "own.toml"\n' + (folder / "study.toml").read_text(encoding="utf-8")
    toml += '\n[[recorded]]\nfigure = "people_helped"\ndate = 2025-03-01\nvalue = 400\n'
    (folder / "study.toml").write_text(toml, encoding="utf-8")
    read = planner.read_study(folder)
    survey = planner.survey_study(read)
    found = planner.check_standards(survey)
    assert found.standards["demonstration"].tolist() == [True, False]
    assert found.standards.loc["S2", ["lacks_functions", "lacks_items", "lacks_facilities"]].tolist() == [
        "skills",
        "2",
        "自助服务",
    ]
    assert found.standards["staff_met"].tolist() == [True, False]
    assert found.tiers["finding"].fillna("").to_dict() == {"centre": "", "street": "7 too few", "point": ""}
    assert found.functions["stations"].to_dict() == {"posts": 2, "skills": 1, "all": 1}
    tracked = planner.track_study(read)
    assert tracked.targets["met"].to_dict() == {("each-town", "East"): False, ("each-town", "West"): True}
    helped = tracked.figures.loc[("people_helped", "district")]
    assert (helped["value"], helped["minimum"], helped["met"]) == (400, 500, False)
    policy = read_policy(read)
    assert policy.form_of("就业角", None)[0] == "fused"
    assert [str(period) for period in policy.reporting] == ["quarter", "year"]
    assert [service.zh for service in policy.life_services] == ["购物"]
    assert planner.check_study(folder) == []


DOCUMENTS = Path(__file__).resolve().parents[2] / "shared" / "policy" / "sources"
MARKS = re.compile(r"[\s“”‘’\"',，]")  # spacing and quotes differ between prints of the same text


@pytest.mark.shared
@pytest.mark.parametrize("name", ["jiading-2023", "shanghai-2024", "shandong-2025", "daxinganling-2024"])
def test_every_phrase_and_word_of_a_shipped_pack_stands_in_a_document(name: str) -> None:
    if not DOCUMENTS.exists():
        pytest.skip("the policy documents are not beside the project")
    texts = [MARKS.sub("", path.read_text(encoding="utf-8", errors="ignore")) for path in sorted(DOCUMENTS.glob("*.txt"))]
    pack = read_pack(name)
    rules = [rule.phrase for rule in (*pack.targets, *pack.figures, *pack.life_services) if rule.phrase]
    said = [part for phrase in rules for part in phrase.split("…")]
    said += [item.zh for item in pack.items] + list(pack.zones) + list(pack.featured_kinds) + list(pack.outreach_kinds)
    assert [words for words in said if not any(MARKS.sub("", words) in text for text in texts)] == []
    assert said
