"""What the outputs of a study were made from, in lines to print: every file that a figure stands on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from planner.sources.population.door import may_name_somebody
from planner.sources.record import source_of
from planner.study import Group, StationSource, Study
from planner.style import LANGUAGES, Said, shown_number

_SPREAD = {
    "buildings": {"zh": "按住宅建筑面积分摊", "en": "spread over homes by floor area"},
    "land": {"zh": "按居住用地分摊", "en": "spread over residential land"},
    "area": {"zh": "按用地面积平均分摊", "en": "spread evenly over the ground"},
}


def sources_of(study: Study, *, public: bool = False) -> tuple[Said, ...]:
    """What the maps and tables were made from, as lines to print in either language.

    `public` leaves out what the public page does not show or must not name: host premises, key groups, areas of priority,
    communities, recorded figures. A list of people goes by its label alone where its file is called like somebody.
    """
    scenario, circle = study.scenario, study.life_circle
    lines: list[tuple[str, str, Said]] = [
        ("道路", "Streets", _alike(f"© OpenStreetMap contributors, ODbL ({Path(study.network.file or '').name})")),
        ("街镇边界", "Town boundaries", _alike(_attributed(study, study.area))),
        ("高程", "Terrain", _alike(_attributed(study, scenario.walk.terrain) if scenario.walk.terrain else "")),
        ("站点", "Stations", _alike(_places(study.stations))),
        ("人口", "Residents", _residents(study)),
        ("生活圈业态", "Living circle", _listed(one.file for one in (circle.services if circle else ()))),
    ]
    if not public:
        lines += [
            ("备选场所", "Host premises", _together(_hosts(block) for block in study.candidates)),
            ("重点群体", "Key groups", _together(map(_list_of, scenario.groups))),
            ("优先区域", "Areas of priority", _listed(area.file for area in scenario.areas)),
            ("居村边界", "Communities", _listed([study.communities.file] if study.communities else [])),
            ("工作数据", "Recorded figures", _listed(block.file for block in study.recorded)),
        ]
    return tuple({"zh": f"{zh}：{said['zh']}", "en": f"{en}: {said['en']}"} for zh, en, said in lines if said["zh"])


def _alike(text: str) -> Said:
    return dict.fromkeys(LANGUAGES, text)


def _listed(files: Iterable[str | None]) -> Said:
    """The names of files, each once."""
    return _together(_alike(Path(file).name) for file in files if file)


def _together(parts: Iterable[Said]) -> Said:
    told = list(parts)
    return {
        language: between.join(dict.fromkeys(part[language] for part in told if part[language]))
        for language, between in (("zh", "、"), ("en", ", "))
    }


def _places(source: StationSource) -> str:
    return Path(source.file).name if source.file else f"OpenStreetMap {source.shown}"


def _hosts(block: StationSource) -> Said:
    if block.corners_m is None:
        return _alike(_places(block))
    return {"zh": f"路口（间距{block.corners_m:g}米）", "en": f"street corners {block.corners_m:g} m apart"}


def _list_of(group: Group) -> Said:
    """A key group by its label, with the file or the column that its members come from."""
    if group.file is None:
        column = f"：{group.column}" if group.column else ""
        return {"zh": f"{group.shown}（人口数据{column}）", "en": f"{group.shown} (residents{column.replace('：', ': ')})"}
    name, stem = Path(group.file).name, Path(group.file).stem
    return _alike(group.shown if may_name_somebody(stem) else f"{group.shown} ({name})")


def _residents(study: Study) -> Said:
    """Where residents come from: the file that says where they live, how they are spread, and whose totals say how many."""
    source = study.population
    whole = {"zh": "总数见研究文件", "en": "a total given in the study file"}
    base = _alike(_attributed(study, source.file or study.area)) if source.file or source.total is None else whole
    parts = [base, *([_SPREAD[source.spread]] if source.spread in _SPREAD else [])]
    totals = source.totals or (study.area if source.fit_towns else None)
    if totals is not None:
        name = _attributed(study, totals)
        parts.append({"zh": f"按街镇总数校正（{name}）", "en": f"scaled to the totals by town of {name}"})
    elif source.file and source.total is not None:
        count = shown_number(source.total)
        parts.append({"zh": f"按研究文件所列总数{count}人校正", "en": f"scaled to the total of {count} of the study file"})
    return {"zh": "，".join(part["zh"] for part in parts), "en": ", ".join(part["en"] for part in parts)}


def _attributed(study: Study, file: str) -> str:
    """A file's name; of a fetched one whose data it is, for what year, under which licence."""
    name, record = Path(file).name, source_of(study.folder, file)
    if record is None:
        return name
    return f"{record.get('attribution', '')} ({record.get('data_date', '')}), {record.get('licence', '')} ({name})"
