"""Notes of a run in the language of the document they stand in.

A run keeps what was lawful but surprising as the English sentence that the command says. Each sentence that a run may say has
its Chinese form here; ``{…}`` stands for what differs (numbers, ids, names, files). One that is not known stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.demand import RESIDENTS
from planner.publish.no_plan import MENDS, PLANS, PROBLEMS
from planner.study import host_said

# the sentence as it is said, and its Chinese form
NOTES: tuple[tuple[str, str], ...] = (
    (
        (
            "{n} residents ({share}) live on {parts} part(s) of the streets not joined to the largest one: "
            "they reach only what lies there"
        ),
        "{n}名居民（{share}）所在的{parts}处道路与主路网不相连，只能到达当地的站点",
    ),
    (
        "{n} residents ({share}) live farther than walk.max_link_m = {m} m from any street; they are counted as not covered",
        "{n}名居民（{share}）距任何道路均超过{m}米，按未覆盖统计",
    ),
    (
        (
            "privacy.minimum_count = {n}: no count of a key group is suppressed, however few people it is of; "
            "publish nothing of this"
        ),
        "privacy.minimum_count = {n}：重点群体的人数无论多少均未隐去，不得对外发布",
    ),
    (
        (
            "station {key} ({name}) is farther than walk.max_link_m = {m} m from any street; "
            "nobody can walk there: check its place"
        ),
        "站点{key}（{name}）距任何道路均超过{m}米，无法到达，请核对其位置",
    ),
    (
        "{n} outreach points are not counted as stations (the first is {key}); [stations] outreach = true counts them",
        "{n}个外延服务点未计为站点（第一个是{key}）；如需计入，设置 [stations] outreach = true",
    ),
    (
        "{n} stations outside the area are not counted as stations (the first is {key}); [stations] outside = true counts them",
        "{n}个位于区域以外的站点未计入（第一个是{key}）；如需计入，设置 [stations] outside = true",
    ),
    (
        "there is no candidate in {files}, so nothing is proposed; add host premises",
        "{files}中没有备选场所，因此未提出选址建议；请补充可依托的载体",
    ),
    (
        "{n} candidates stand on streets that do not join the rest of the network; the first are {keys}",
        "{n}个备选场所所在道路与路网其余部分不相连，前几个是{keys}",
    ),
    (
        "{n} candidates stand where no resident is in reach; the first are {keys}",
        "{n}个备选场所的步行时限内没有居民，前几个是{keys}",
    ),
    (
        "{n} station(s) reach nothing and have no outline: {keys}; {more}",
        "{n}个站点无法到达任何地方，没有服务圈轮廓：{keys}；{more}",
    ),
    (
        "{n} station(s) have no outline for {bands} minutes: {keys}; {more}",
        "{n}个站点没有{bands}分钟的服务圈轮廓：{keys}；{more}",
    ),
    ("{n} station(s) have no outline for {bands} minutes: {keys}", "{n}个站点没有{bands}分钟的服务圈轮廓：{keys}"),
    (
        "their way to the street is longer than walk.max_link_m or than the band",
        "其到道路的距离超过 walk.max_link_m，或超过该时限",
    ),
    (
        "stations: services of {keys} are not item numbers, so their completeness is unknown; {mend}",
        "站点{keys}的服务事项不是事项编号，完备度未知；请填写政策包所列编号，如 1-5,7",
    ),
    (
        "stations: services of {keys} are not those of {pack}, so nothing is known of what they offer; {mend}",
        "站点{keys}的服务事项不在政策包{pack}之内，无法判断其服务内容；请填写 1-5,7 这样的编号或功能名称",
    ),
    (
        (
            "stations: the kind of {keys} is none that {pack} names ({words}); "
            "they count all the same, but not where it counts by kind; its kinds are {kinds}"
        ),
        "站点{keys}的类型（{words}）不在政策包{pack}所列之内，仍照常计入站点，但不计入按类型考核的目标；所列类型为{kinds}",
    ),
    (
        (
            "stations: the tier of {keys} is none that {pack} names ({words}); "
            "they count all the same, but in none of its tiers; its tiers are {tiers}"
        ),
        "站点{keys}的层级（{words}）不在政策包{pack}所列之内，仍照常计入站点，但不计入任何层级；所列层级为{tiers}",
    ),
    (
        "{n} residents live in no town and count in no town's row; check the area's polygons",
        "{n}名居民不在任何街镇界内，未计入各街镇；请核对街镇边界",
    ),
    (
        "{target} is a whole city's target; write what falls to this area: {key}",
        "目标{target}是全市目标；请写明分解到本区的数量：{key}",
    ),
    (
        "nothing is said of what {n} stations offer (the first is {key}); towards {target} they are taken as well equipped",
        "{n}个站点未说明服务内容（第一个是{key}）；考核{target}时按功能完备计",
    ),
    (
        (
            "{n} standing stations have no date (the first is {key}) and do not count towards {target}, "
            "which counts from {since} on"
        ),
        "{n}个现有站点没有日期（第一个是{key}），不计入自{since}起算的目标{target}",
    ),
    (
        (
            "{n} accepted stations have no day of acceptance (the first is {key}) and count towards {target} as accepted on "
            "the day they were opened or built; write accepted_on"
        ),
        "{n}个已验收站点没有验收日期（第一个是{key}），目标{target}按其启用或建成之日即已验收计；请填写accepted_on（验收日期）",
    ),
    (
        (
            "{n} planned or applied stations have no date of that (the first is {key}) and are not told before {day}, "
            "the last date of the table; write planned_on or applied_on"
        ),
        "{n}个计划或申报中的站点没有相应日期（第一个是{key}），在表中最后一个日期{day}之前不计；请填写planned_on（计划日期）或applied_on（申报日期）",
    ),
    (
        (
            "{n} standing stations have no date of that (the first is {key}) and are taken to have stood on every day "
            "since their last earlier date, or always; write built_on"
        ),
        "{n}个现有站点没有建成日期（第一个是{key}），按自其此前最后一个日期起（没有任何日期的按一直）存在计；请填写built_on（建成日期）",
    ),
    (
        (
            "{n} recorded figures of yearly targets (the first is of {day}) were told after the end of the year that followed "
            "theirs and count nowhere: no closed year is rewritten"
        ),
        "{n}项年度指标的记录（最早的一项属于{day}）在次年结束之后才上报，不计入任何年度：已结束的年度不再改写",
    ),
    (
        "stations: the dates of {keys} contradict their status or run backwards; the status decides how far they got",
        "站点{keys}的日期与状态矛盾或前后颠倒；以状态为准",
    ),
    (
        (
            "{file}: the terrain has no height at {n} of {all} nodes of the streets; "
            "they are given heights between those of their neighbours"
        ),
        "{file}：{all}个道路节点中有{n}个没有高程，按相邻节点内插",
    ),
    (
        "{file} has nobody in {town}, so that its {n} people cannot be placed",
        "{file}在{town}没有人口，其{n}人无法落到具体位置",
    ),
    (
        (
            "the official totals differ by a factor of more than {ratio} from the file's residents in {n} places; "
            "the first is {town}: {official} against {found}; check both"
        ),
        "有{n}处的公布总数与文件中的人口相差超过{ratio}倍，第一处是{town}：公布{official}人，文件{found}人；请核对二者",
    ),
    ("{file}: {columns} may tell who people are; dropped at the door", "{file}：{columns}可能识别个人身份，未读入"),
    (
        "{file}: {n} of {all} rows of {column} are held back and read as 0: {what} is counted too low",
        "{file}：{column}列{all}行中有{n}行被隐去，按0计；{what}的统计偏低",
    ),
    (
        "{file}: {n} zones cross themselves and were mended; the first is row {row}",
        "{file}：{n}个面自相交，已修复；第一个在第{row}行",
    ),
    (
        '{file} calls itself a density but is read as counts a cell; if it is one, set values = "per_km2"',
        '{file}自称密度，现按每格人数读取；如确为密度，请设置 values = "per_km2"',
    ),
    (
        "{file}: {n} places lie just outside the town they name; the first is row {row}",
        "{file}：{n}个地点略在所填街镇界外，第一个在第{row}行",
    ),
    (
        "{key}.speed_mps = {pace} is {kmh} km/h, which is no walk; it is in metres a second",
        "{key}.speed_mps = {pace} 合每小时{kmh}公里，不是步行速度；单位为米/秒",
    ),
    ("{key}: no premises with {tags} lie in the area", "{key}：区域内没有此类场所（{tags}）"),
    (
        "candidates: {n} repeat the name of another at the same place and are left out ({keys})",
        "备选场所中有{n}个与同一位置的另一个同名，已略去（{keys}）",
    ),
    (
        "candidates: {n} stand at the place of another; the first are {one} and {other}",
        "有{n}个备选场所与另一备选场所同址，前两个是{one}和{other}",
    ),
    (
        "siting.prefer: no candidate has the host {names}; the hosts of the candidates are {keys}",
        "siting.prefer：没有备选场所的载体是{names}；备选场所的载体有{keys}",
    ),
    (
        "stations: {n} stand at the place of another; the first are {one} and {other}",
        "有{n}个站点与另一站点同址，前两个是{one}和{other}",
    ),
    (
        "candidates: {n} stand where a station stands already; the first is {site} at station {station}",
        "{n}个备选场所处已有站点，第一个是{site}，位于站点{station}处",
    ),
    (
        "{file}: {n} invalid shapes were repaired; the first is row {row} ({why})",
        "{file}：修复了{n}个无效图形，第一个在第{row}行（{why}）",
    ),
    ("{file}: {n} invalid shapes were repaired", "{file}：修复了{n}个无效图形"),
    (
        "{file}: {share} of the area of priority {name} lies outside the towns",
        "{file}：优先区域{name}有{share}的面积在各街镇界外",
    ),
    (
        "the areas of priority {one} and {other} overlap by {km2} km2; the larger factor counts there",
        "优先区域{one}与{other}重叠{km2}平方公里，重叠处取较大系数",
    ),
    (
        "{file}: {one} and {other} overlap by {km2} km2; people there are counted for one of them",
        "{file}：{one}与{other}重叠{km2}平方公里，该处人口只计入其中之一",
    ),
    (
        "life circle: no place is known for {services}: none is there or none mapped; left out of the shares",
        "生活圈：没有{services}的地点数据（没有或未绘入地图），不计入比例",
    ),
    (
        (
            "residential-area coverage rests on few homes: "
            "the map knows {n} residential building(s), {m2} m2 of floor area a resident"
        ),
        "居住用地（住宅建筑）覆盖率依据的住宅过少：地图上只有{n}栋住宅建筑，人均建筑面积{m2}平方米",
    ),
    (
        "residential-area coverage rests on few homes: the map knows {m2} m2 of residential land a resident",
        "居住用地（住宅建筑）覆盖率依据的居住用地过少：地图上人均居住用地仅{m2}平方米",
    ),
    (
        (
            "residential-area coverage of {towns} rests on few homes: "
            "the map knows less than {m2} m2 of floor area a resident there"
        ),
        "{towns}的居住用地（住宅建筑）覆盖率依据的住宅过少：地图上人均建筑面积不足{m2}平方米",
    ),
    (
        (
            "residential-area coverage of {towns} rests on few homes: "
            "the map knows less than {m2} m2 of residential land a resident there"
        ),
        "{towns}的居住用地（住宅建筑）覆盖率依据的居住用地过少：地图上人均居住用地不足{m2}平方米",
    ),
    ("walking time saved by proposed sites is left out: {plan}", "未计算建议站点节省的步行时间：{plan}"),
    ("what if: {changes}", "情景假设：{changes}"),
    ("{what}, {step}: {before} people in, {after}; {note}", "{what}，{step}：读入{before}人，落到{after}；{note}"),
    ("{what}, {step}: {note} (figures withheld: some are small)", "{what}，{step}：{note}（部分数字过小，不予显示）"),
)

# what stands within those two: what was done with a count, and what was found while doing it
STEPS: tuple[tuple[str, str], ...] = (
    ("totals by town spread over residents", "街镇总数按居民分摊"),
    ("{file} clipped to the area, cell by cell", "{file}按格裁剪到本区"),
    ("{file} clipped to the area", "{file}裁剪到本区"),
    ("{file} within the area", "{file}本区部分"),
    ("spread over the residents of each zone", "按各统计小区的居民分摊"),
    ("held within the residents", "以当地居民数为上限"),
    ("scaled to the official totals", "按公布总数校准"),
    ("totals spread over residential buildings by floor area", "总数按住宅建筑面积分摊"),
    ("totals spread over residential land", "总数按居住用地分摊"),
    ("{n} exceed the residents of their place and count up to {m} m away", "{n}人超过所在处居民数，计入至多{m}米外"),
    ("{n} are over {m} m from where anybody of their town lives", "{n}人距本街镇任何居民点超过{m}米"),
    ("the raster does not reach {share} of the area", "栅格未覆盖本区面积的{share}"),
    (
        "{n} people of zones without a residential {what} are spread over the ground",
        "{n}人所在统计小区没有住宅，按用地平均分摊",
    ),
    (
        "no residential building in {towns}: the people there are spread evenly over the ground",
        "{towns}没有住宅建筑，按用地平均分摊",
    ),
    (
        "no residential land in {towns}: the people there are spread evenly over the ground",
        "{towns}没有居住用地，按用地平均分摊",
    ),
    ("{n} of {all} rows lie outside the area", "{all}行中有{n}行在区外"),
)

_SLOT = re.compile(r"\\\{(\w+)\\\}")
_MORE = re.compile(r" and (\d+) more")


def _pattern(said: str) -> re.Pattern[str]:
    return re.compile(_SLOT.sub(r"(?P<\1>.+?)", re.escape(said)), re.DOTALL)


_KNOWN = tuple((_pattern(said), chinese) for said, chinese in NOTES)
_DONE = tuple((_pattern(said), chinese) for said, chinese in STEPS)
_PLANS = tuple((_pattern(said), chinese) for said, chinese in PLANS)
_PROBLEMS = tuple((_pattern(said), chinese) for said, chinese in PROBLEMS)
_MENDS = tuple((_pattern(said), chinese) for said, chinese in MENDS)
_FAULT = re.compile(r"(?P<where>siting[.\w]*(?: = .+?)?: )?(?P<problem>[^;]+)(?:; (?P<mend>.+))?")
_DIFFERENCE = re.compile(r" \((\S+) (fewer|more)\)$")
_LESS = {"fewer": "少", "more": "多"}
_CHANGES = (
    (re.compile(r"^(.+) is closed$"), r"关闭\1"),
    (re.compile(r"^(.+) is added at (.+)$"), r"在\2新增\1"),
    (re.compile(r"^(.+) is moved (\S+) m to (.+)$"), r"将\1迁移\2米至\3"),
)


def note_said(note: str, language: str) -> str:
    """A note in `language`; as it is where its sentence is not known.

    >>> note_said("areas.geojson: 2 invalid shapes were repaired", "zh")
    'areas.geojson：修复了2个无效图形'
    >>> note_said("areas.geojson: 2 invalid shapes were repaired", "en")
    'areas.geojson: 2 invalid shapes were repaired'
    """
    if language != "zh":
        return note
    return _chinese(note, _KNOWN)


def notes_said(notes: Sequence[str], language: str) -> list[str]:
    """Each note in `language`, with its full stop where the language has it."""
    return [
        f"{said}。" if language == "zh" and not said.isascii() else said for said in (note_said(n, language) for n in notes)
    ]


def _chinese(said: str, known: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, chinese in known:
        if (found := pattern.fullmatch(said)) is not None:
            return chinese.format(**{slot: _slot(slot, text) for slot, text in found.groupdict().items()})
    return said


def _slot(slot: str, text: str) -> str:
    """What stands in a slot: sentences within a sentence in their own Chinese form."""
    if slot == "more":
        return "；".join(note_said(part, "zh") for part in text.split("; "))
    if slot == "changes":
        return "；".join(_change(part) for part in text.split("; "))
    if slot in ("step", "note"):
        return _chinese(text, _DONE)
    if slot == "plan":
        return _chinese(text, _PLANS)
    if slot == "faults":
        return "；".join(_fault(line.strip()) for line in text.splitlines() if not line.endswith(" faults:"))
    if slot == "mend":
        return _chinese(text, _MENDS)
    if slot == "what":
        return "常住人口" if text == RESIDENTS else text
    if slot in ("name", "target", "town", "a", "b") and len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return f"“{text[1:-1]}”"
    if slot == "tags":
        return "、".join(_kind(tag) for tag in text.split(" or "))
    if slot == "after":
        people, difference = text.split(" ", 1)[0], _DIFFERENCE.search(text)
        return f"{people}人" + ("" if difference is None else f"（{_LESS[difference[2]]}{difference[1]}人）")
    return _MORE.sub(r"等（另有\1个）", text.replace("the area", "全区") if slot == "town" else text)


def _fault(text: str) -> str:
    """A rule that cannot be kept and its mend; the key of the study stays as it is."""
    found = _FAULT.fullmatch(text)
    if found is None or text.startswith("… "):
        return _MORE.sub(r"等（另有\1处）", text)
    where, problem, mend = found.group("where", "problem", "mend")
    said = _chinese(problem, _PROBLEMS)
    key = f"{where.removesuffix(': ')} " if where else ""
    return key + (f"{said}；{_chinese(mend, _MENDS)}" if mend else said)


def _kind(tag: str) -> str:
    """A kind of host by its Chinese name; a tag of OpenStreetMap, by which it was asked for, as it is."""
    return tag if "=" in tag else host_said(tag)["zh"]


def _change(text: str) -> str:
    for pattern, chinese in _CHANGES:
        if pattern.match(text):
            return pattern.sub(chinese, text)
    return text
