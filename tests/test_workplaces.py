"""Employers and jobs in everything published: a table of their own, with a heading and a unit that are not people's."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import docx
import openpyxl
from lattice_study import lonlat, write_lattice_study

from planner.run import run_study
from planner.sources.files import read_study

JOBS = '[[groups]]\nname = "posts"\nlabel = "岗位甲"\nof = "jobs"\nfile = "posts.csv"\n'


def test_jobs_stand_apart_from_key_groups_in_pages_workbook_and_report(tmp_path: Path) -> None:
    study = write_lattice_study(tmp_path / "study")
    folder = Path(read_study(study).folder)
    lon, lat = lonlat(5, 5)
    (folder / "posts.csv").write_text(f"lon,lat,jobs\n{lon},{lat},7\n", encoding="utf-8")
    file = folder / "study.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n" + JOBS, encoding="utf-8")
    out = tmp_path / "out"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_study(read_study(study)).write(out)
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    groups, work = (next(name for name in book.sheetnames if said in name) for said in ("重点群体", "岗位"))
    assert "岗位甲" not in _texts(book[groups])
    assert {"岗位甲", "岗位 jobs", "总数"} <= {line for text in _texts(book[work]) for line in text.split("\n")}
    assert not [text for text in _texts(book[work]) if "人数" in text or "people" in text]
    headings = [text for sheet in book for text in _texts(sheet) if "岗位甲：" in text]
    assert headings  # columns of stations and towns
    assert not [text for text in headings if "重点群体" in text or "of group" in text]
    page = (out / "internal.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="atlas-data">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert "岗位甲" not in json.dumps(data["tables"]["groups"], ensure_ascii=False)
    (row,) = data["tables"]["workplaces"]["rows"]
    labels = [
        c["label"] for table in data["tables"].values() if table for c in table["columns"] if "岗位甲" in c["label"]["zh"]
    ]
    assert not [label for label in labels if "重点群体" in label["zh"] or "group" in label["en"]]
    assert row[:3] == ["岗位甲", "岗位 jobs", 7.0]  # not private, so that fewer than the minimum are shown
    report = docx.Document(str(next(out.glob("report*.docx"))))
    tables = [[cell.text for line in table.rows for cell in line.cells] for table in report.tables]
    (own,) = [cells for cells in tables if "岗位 jobs" in cells]
    assert "总数" in own
    assert "常住人口" not in own


def _texts(sheet) -> set[str]:
    return {str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None}
