"""The report of a run: findings, method, tables, pictures, proposals, limits, definitions; as a Word file and as a web page."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import pandas as pd

from planner.circle import DISTRICT
from planner.priority import WHOLE
from planner.publish.blocks import Block, Cells, Figures, Heading, Lines, Paper, Shown, Text, clean
from planner.publish.notes import notes_said
from planner.publish.pictures import Picture
from planner.publish.sections import BEFORE_PROPOSALS, TABLES, Section
from planner.publish.values import finding_said
from planner.publish.words import DEFINITIONS, WORDS, items_said, model_said, with_residents
from planner.publish.workplaces import apart
from planner.schema import STANDARDS, Column, Kind
from planner.standards import SEPARATOR
from planner.study import Group, Study, host_said
from planner.style import (
    Said,
    before_han,
    finding,
    moved,
    paces_said,
    shown_amount,
    shown_date,
    shown_number,
    shown_share,
    shown_share_finely,
)

_NUMERALS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四")
_LISTS_OF_KEYS = ("lacks", "lacks_functions")
_IN_LANGUAGE = {"zh": "（中文）", "en": " in English"}
_AMOUNTS = ("before", "value", "difference", "minimum")  # of recorded figures: ratings and shares among them
_WHOLES = (WHOLE, DISTRICT)
_CALLED = {
    "label": {"zh": "名称", "en": "name"},
    "site_id": {"zh": "被替代点", "en": "instead of site"},
}  # headings that say more to a reader than to a program
_CURVE_STEPS = 10  # of the curve, evenly, beside the counts that are asked for
_MOST_ROWS = 60  # longer tables stand whole in the workbook
_SHARES = {"map": 0.6, "gaps": 0.6, "towns": 0.85, "groups": 0.85, "frontier": 0.8}


def compose_report(
    *,
    study: Study,
    summary: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    pictures: Sequence[Picture],
    as_of: dt.date,
    sources: Sequence[str],
    notes: Sequence[str],
    language: str,
    named: Mapping[str, Said] | None = None,
) -> Paper:
    """The report of a run in one language.

    Parameters
    ----------
    summary
        The headline figures, as in ``summary.json``.
    tables
        ``towns``, ``groups`` and, where there is a plan, ``sites``; and any other of `planner.publish.sections.TABLES`, each
        with a place of its own. Small counts are already suppressed (shown as a dash).
    pictures
        In that language; ``map``, ``gaps``, ``towns``, ``groups`` and ``frontier`` stand where they belong.
    notes
        What was lawful but surprising; stands among the limits, in the report's language where its sentence is known.
    named
        What keys in lists of keys (functions of the policy pack) are called in either language.
    """
    called = {column.name: {"zh": column.zh, "en": column.en} for column in STANDARDS} | dict(named or {})
    writer = _Writer(study, tables, {picture.name: picture for picture in pictures}, called, language)
    words, named_study = WORDS[language], before_han(study.name) if language == "zh" else study.name
    under = [words["as_of"] + shown_date(as_of)[language]]
    if study.publish.publisher:
        under.append(clean(study.publish.publisher))
    blocks: list[Block] = [
        *writer.findings(summary),
        *writer.method(sources),
        *writer.towns(),
        *writer.groups(),
        *(block for section in BEFORE_PROPOSALS for block in writer.section(section)),
        *writer.proposals(summary),
        *writer.limits(notes),
        *writer.definitions(),
    ]
    return Paper(clean(study.publish.title or writer.words["title"].format(named_study)), under, blocks, language)


class _Writer:
    """Writes the parts of one report, counting its headings, tables and pictures."""

    def __init__(
        self,
        study: Study,
        tables: Mapping[str, pd.DataFrame],
        pictures: Mapping[str, Picture],
        called: Mapping[str, Said],
        language: str,
    ) -> None:
        self.study, self.tables, self.pictures, self.called, self.language = study, apart(tables), pictures, called, language
        self.tables["groups"] = with_residents(self.tables["groups"], language)
        self.words = {key: self.moved(text) for key, text in WORDS[language].items()}
        self.facilities = _facility_names(self.tables)
        self.headings = self.shown = self.tabled = 0

    def moved(self, text: str) -> str:
        """One of our texts as it reads for this way of walking or riding."""
        return moved(text, self.language, self.study.scenario.walk)

    def heading(self, text: str) -> Heading:
        self.headings += 1
        return Heading(f"{_NUMERALS[self.headings - 1]}、{text}" if self.language == "zh" else f"{self.headings}. {text}")

    def findings(self, facts: Mapping[str, Any]) -> Iterator[Block]:
        words = self.words
        yield self.heading(words["findings"])
        yield Figures(self._figures(facts))
        cutoffs = self.study.scenario.walk.cutoffs_min
        found = finding(facts["coverage"], int(facts["stations"]), *cutoffs)[self.language]
        lines = [self.moved(found) + words["stop"]]
        if facts["coverage"] is not None:
            uncovered = facts["population"] - facts["covered_pop"]
            counts = map(shown_number, (facts["population"], facts["covered_pop"], uncovered))
            lines.append(words["of_residents"].format(*counts))
        lines += self._worst("towns", "town", "worst_town") + self._worst("groups", "label", "worst_group")
        if "plan" in facts:
            lines.append(self._plan_said(facts["plan"]))
        yield Lines([("", line) for line in lines])
        yield from self.picture("map")

    def _figures(self, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
        words = self.words
        pairs = [(words["head_stations"], shown_number(facts["stations"]))]
        if facts["coverage"] is not None:
            pairs.insert(0, (words["head_share"], shown_share(facts["coverage"])))
            pairs.append((words["head_gap"], shown_number(facts["population"] - facts["covered_pop"])))
        sites = self.tables.get("sites")
        if sites is not None and len(sites):
            pairs.append((words["head_after"].format(len(sites)), shown_share(float(sites["coverage_after"].max()))))
        return pairs

    def _plan_said(self, plan: Mapping[str, Any]) -> str:
        words = self.words
        proof = words["proven" if plan["status"] == "optimal" else "unproven"]
        if plan["status"] != "optimal" and plan["gap"] is not None:
            proof = words["gap"].format(plan["gap"])
        return words["plan"].format(plan["sites"], shown_number(plan["residents_gained"]), proof)

    def _worst(self, name: str, column: str, key: str) -> list[str]:
        """The rows with the least coverage and what it is, if there are others that have more."""
        table = self.tables[name].drop(index="residents", errors="ignore").reset_index().dropna(subset=["coverage"])
        least = table["coverage"].astype(float).min()
        rows = table[table["coverage"] == least]
        if not 0 < len(rows) < len(table):
            return []
        where = self.words["and"].join(clean(str(said)) for said in rows[column])
        return [self.words[key].format(where, shown_share_finely(float(least)))]

    def method(self, sources: Sequence[str]) -> Iterator[Block]:
        words = self.words
        yield self.heading(words["method"])
        yield Text(words["how"])
        for pace in paces_said(self.study.scenario.walk):
            yield Text(f"{words['pace']}{clean(pace[self.language])}{words['stop']}")
        if self.study.candidates:
            yield Text(words["model"] + self.moved(model_said(self.study.scenario.siting, self.language)))
        yield Lines([("", clean(source)) for source in sources])

    def towns(self) -> Iterator[Block]:
        yield self.heading(self.words["towns"])
        yield from self.picture("towns")
        yield from self.table("towns")
        yield from self.picture("gaps")

    def groups(self) -> Iterator[Block]:
        yield self.heading(self.words["groups" if self.study.scenario.groups else "residents"])
        yield from self.picture("groups")
        yield from self.table("groups")
        if any(self.tables["groups"][["total", "covered"]].isna().any()):
            yield Text(self.words["suppressed"].format(self.study.privacy.minimum_count), quiet=True)
        if "workplaces" in self.tables:
            yield self.heading(self.words["workplaces"])
            yield from self.table("workplaces")

    def section(self, section: Section) -> Iterator[Block]:
        """A heading over those of its tables that there are; nothing where there is none."""
        there = [name for name in section.tables if name in self.tables and len(self.tables[name])]
        if not there:
            return
        yield self.heading(section.title[self.language])
        if section.said is not None:
            yield Text(section.said[self.language])
        for name in there:
            yield from self.table(name)

    def proposals(self, facts: Mapping[str, Any]) -> Iterator[Block]:
        if "sites" not in self.tables or "plan" not in facts:
            return
        yield self.heading(self.words["proposals"])
        yield Text(self._plan_said(facts["plan"]))
        yield from self.phases(facts["plan"].get("phase_losses") or [])
        for name in ("sites", "rollout", "reasons", "alternatives"):
            yield from self.table(name)
        yield from self.picture("frontier")
        yield from self.curve(facts)
        yield from self.table("needed")
        if "needed" in self.tables and self.tables["needed"]["stations"].isna().any():
            most = float(self.tables["needed"]["most"].max())
            yield Text(self.words["needed_most"].format(shown_share(most)), quiet=True)

    def curve(self, facts: Mapping[str, Any]) -> Iterator[Block]:
        """Where the curve bends, and its counts that tell something; the whole of it stands in the workbook."""
        if "frontier" not in self.tables:
            return
        curve, bend = self.tables["frontier"], facts.get("stations_needed", {}).get("knee")
        if bend is not None:
            yield Text(self.words["bend"].format(bend))
        asked: set[int | None] = {bend, int(curve.index[0]) + int(facts["plan"]["sites"])}
        if "needed" in self.tables:
            asked |= set(map(int, self.tables["needed"]["stations"].dropna()))
        self.tables["frontier"] = telling_counts(curve, asked)
        yield from self.table("frontier")

    def phases(self, losses: Sequence[float]) -> Iterator[Block]:
        """One line a phase: by when, how many sites, what they gain, and (with `losses`) what it gives up for the others."""
        sites, words, lines = self.tables["sites"], self.words, []
        for phase, own in sites.groupby("phase"):
            gain = shown_number(float(own["gain_pop"].sum()))
            said = words["phase"].format(len(own), gain, shown_share(float(own["coverage_after"].max())))
            said += words["phase_loss"].format(losses[int(str(phase)) - 1]) if losses else ""
            lines.append((self.phase_name(int(str(phase))) + words["colon"], said))
        if len(lines) > 1:
            yield Lines(lines)

    def phase_name(self, number: int) -> str:
        planned = self.study.scenario.siting.phases
        if number <= len(planned):
            return shown_date(planned[number - 1].by)[self.language]
        return self.words["phase_n"].format(number)

    def limits(self, notes: Sequence[str]) -> Iterator[Block]:
        yield self.heading(self.words["limits"])
        said = self.words["limits_said"].split("\n")
        if self.study.scenario.groups:
            said.append(self.words["suppressed"].format(self.study.privacy.minimum_count))
        yield Lines([("", line) for line in (*said, *(_sentence(clean(self.moved(note))) for note in self.notes(notes)))])

    def notes(self, notes: Sequence[str]) -> list[str]:
        """Notes in the report's language: key groups, targets, and services of the living circle by their names in it."""
        called = [self.keys_said(note) for note in notes]
        services = self.tables.get("life_services")
        names = {} if services is None else dict(zip(services["en"], services["zh"], strict=True))
        return notes_said(called if self.language == "en" else [_services_said(note, names) for note in called], self.language)

    def keys_said(self, note: str) -> str:
        """A note that begins with the key of a group, or holds that of a target in quotes, with their names."""
        for group in self.study.scenario.groups:
            if note.startswith(f"{group.name}, "):
                return group.shown + note.removeprefix(group.name)
        if (targets := self.tables.get("targets")) is not None:
            for key, name in zip(targets.reset_index()["target"], targets[self.language], strict=True):
                note = note.replace(f"{key!r}", f"{name!r}")
        return note

    def definitions(self) -> Iterator[Block]:
        yield Heading(self.words["definitions"])
        yield Lines([(self.moved(term) + self.words["colon"], self.moved(said)) for term, said in DEFINITIONS[self.language]])

    def picture(self, name: str) -> Iterator[Block]:
        if name in self.pictures:
            self.shown += 1
            picture = self.pictures[name]
            caption = self.words["figure_n"].format(self.shown, picture.caption)
            yield Shown(Picture(name, caption, picture.content), _SHARES.get(name, 1.0))

    def table(self, name: str) -> Iterator[Block]:
        """A table with its number, its columns as `TABLES` names them, at most 60 rows; nothing where it is not there."""
        table = self.tables.get(name)
        if table is None or not len(table):
            return
        form = TABLES[name]
        flat = pd.DataFrame(table.drop(columns="geometry", errors="ignore")).reset_index()
        if form.whole_only and "place" in flat and flat["place"].isin(_WHOLES).any():
            flat = flat[flat["place"].isin(_WHOLES)]
        if "by" in flat and "place" in flat:
            labels = {group.name: group.shown for group in self.study.scenario.groups}
            flat["place"] = flat["place"].where(flat["by"] != "group", flat["place"].map(labels))
        if form.without is not None and set(flat["by"]) - {form.without, "district"}:
            flat = flat[flat["by"] != form.without]
        wanted = [pattern.replace("<said>", self.language) for pattern in form.columns]
        keys = [key for pattern in wanted for key in map(str, flat.columns) if _is(form.schema.get(key), pattern)]
        keys = [key for key in keys if flat[key].notna().any() and (flat[key].astype(str) != "").any()]
        columns = {key: column for key in keys if (column := form.schema.get(key)) is not None}
        rows = [
            [self.cell(value, columns[key]) for key, value in zip(keys, values, strict=True)]
            for values in flat[keys].head(_MOST_ROWS).itertuples(index=False, name=None)
        ]
        numeric = [column.kind in (Kind.NUMBER, Kind.WHOLE) and column.name != "phase" for column in columns.values()]
        self.tabled += 1
        caption = self.words["table_n"].format(self.tabled, form.title[self.language])
        headings = [self.column(column, key) for key, column in columns.items()]
        identify = [pattern for pattern in wanted[: form.keys] if any(_is(column, pattern) for column in columns.values())]
        yield Cells(caption, headings, rows, numeric, max(len(identify), 1))
        if len(flat) > _MOST_ROWS:
            yield Text(self.words["more_rows"].format(len(flat) - _MOST_ROWS), quiet=True)

    def column(self, column: Column, key: str) -> str:
        shown = _heading(column, key, self.study.scenario.groups, self.language)
        return shown if column.is_family else self.moved(shown)

    def cell(self, value: Any, column: Column) -> str:
        if pd.isna(value):
            return "–"
        if column.kind is Kind.FLAG:
            return self.words["yes" if bool(value) else "no"]
        if column.name == "place" and str(value) in _WHOLES:
            return self.words["whole"]
        if column.name == "phase" and value == 0:
            return self.words["today"]
        if column.name == "phase":
            planned = self.study.scenario.siting.phases
            return planned[int(value) - 1].by.isoformat() if value <= len(planned) else self.phase_name(int(value))
        if column.name in _LISTS_OF_KEYS:
            keys = str(value).split(SEPARATOR)
            return self.words["and"].join(clean(self.called[key][self.language] if key in self.called else key) for key in keys)
        if column.kind is Kind.DATE:
            return str(pd.Timestamp(value).date())
        if column.kind is Kind.NUMBER and column.maximum == 1:
            return shown_share_finely(value)
        if column.unit == "min":  # all of a column to the same tenth: 14.0 beside 14.1
            return f"{value:.1f}"
        if not (isinstance(value, int | float) or hasattr(value, "item")):
            return clean(self.text(str(value), column.name))
        return shown_amount(float(value)) if column.name in _AMOUNTS else shown_number(float(value))

    def text(self, value: str, column: str) -> str:
        """Facilities by their names, lists of items in words; any other text as it is."""
        if column == "finding":
            return finding_said(value)[self.language]
        if column == "lacks_items":
            return items_said(value, self.language)
        if column == "host":
            return host_said(value)[self.language]
        if column == "overlaps":
            return "; ".join(map(self.shared, value.split("; ")))
        return self.facilities.get(value, value) if column in ("site_id", "alternative") else value

    def shared(self, said: str) -> str:
        """A facility and the residents it shares, by its name."""
        facility, _, amount = said.rpartition(" ")
        return f"{self.facilities.get(facility, facility)} ({amount})"


def telling_counts(curve: pd.DataFrame, asked: Set[int | None]) -> pd.DataFrame:
    """The rows of a curve that a reader needs: the first, the last, the counts `asked` for, and some evenly between.

    >>> telling_counts(pd.DataFrame(index=range(10, 111)), {33, 47}).index.tolist()
    [10, 20, 30, 33, 40, 47, 50, 60, 70, 80, 90, 100, 110]
    """
    step = max(1, -(-(len(curve) - 1) // _CURVE_STEPS))
    even = {*range(0, len(curve), step), len(curve) - 1}
    return curve[[at in even or count in asked for at, count in enumerate(curve.index)]]


def _facility_names(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """What stations, sites and their alternatives are called, by id; a name that several have goes with its id."""
    named: dict[str, str] = {}
    for table, key in (("alternatives", "alternative_id"), ("sites", "site_id"), ("stations", "station_id")):
        rows = tables.get(table)
        if rows is not None and "name" in rows:
            flat = pd.DataFrame(rows).reset_index().dropna(subset=["name"])
            named |= dict(zip(flat[key].astype(str), flat["name"].astype(str), strict=True))
    often = Counter(named.values())
    return {key: name if often[name] == 1 else f"{name} ({key})" for key, name in named.items() if name}


def _sentence(text: str) -> str:
    """With a capital at its beginning; a key or file name stays as it is."""
    return text if "." in text.split(" ", 1)[0] else text[:1].upper() + text[1:]


def _services_said(note: str, names: Mapping[str, str]) -> str:
    """A note that names services of the living circle in English, with their names out of `names`.

    >>> _services_said("no place is known for gym, shop: none is there", {"gym": "健身", "shop": "购物"})
    'no place is known for 健身、购物: none is there'
    """
    return re.sub(
        r"(?<=no place is known for )[^:]+", lambda found: "、".join(names.get(n, n) for n in found[0].split(", ")), note
    )


def _is(column: Column | None, pattern: str) -> bool:
    return column is not None and column.name == pattern


def _heading(column: Column, key: str, groups: Sequence[Group], language: str) -> str:
    if not column.is_family:
        return _CALLED.get(column.name, {}).get(language) or column.label(language).replace(_IN_LANGUAGE[language], "")
    suffix = key.removeprefix(column.prefix)
    return clean(next((group.shown for group in groups if group.name == suffix), suffix))
