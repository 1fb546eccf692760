"""A report as one web page that opens from disk: pictures inside it, no script, nothing asked of anybody."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from planner.publish.blocks import Cells, Figures, Heading, Lines, Paper, Shown, Text
from planner.publish.digest import digest_of

_LONG_NAME = 8  # letters that want more than the least width of a column
_LANGUAGES = {"zh": "zh-CN", "en": "en"}


def write_web(path: Path, paper: Paper) -> None:
    """Write `paper` as ``.html``; every text of it is escaped, and the same paper gives the same bytes."""
    path.write_text(web_text(paper), encoding="utf-8")


def web_text(paper: Paper) -> str:
    """The page as text.

    >>> "&lt;b&gt;" in web_text(Paper("<b>", (), (Text("t"),), "en"))
    True
    """
    style = (files("planner.publish") / "assets" / "report.css").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src 'sha256-{digest_of(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    body = "\n".join(_WRITERS[type(block)](block) for block in paper.blocks)
    under = "".join(f"<p>{_said(line)}</p>" for line in paper.under)
    return (
        f'<!DOCTYPE html>\n<html lang="{_LANGUAGES[paper.language]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{_said(paper.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"<header><h1>{_said(paper.title)}</h1>{under}</header>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _said(text: str) -> str:
    return escape(text.encode("utf-8", "replace").decode("utf-8"))


def _heading(block: Heading) -> str:
    return f"<h{block.level + 1}>{_said(block.text)}</h{block.level + 1}>"


def _text(block: Text) -> str:
    return f'<p class="note">{_said(block.text)}</p>' if block.quiet else f"<p>{_said(block.text)}</p>"


def _lines(block: Lines) -> str:
    shown = (f"<li>{f'<b>{_said(term)}</b>' if term else ''}{_said(text)}</li>" for term, text in block.lines)
    return f"<ul>{''.join(shown)}</ul>"


def _figures(block: Figures) -> str:
    shown = (f"<div><dt>{_said(label)}</dt><dd>{_said(value)}</dd></div>" for label, value in block.pairs)
    return f'<dl class="figures">{"".join(shown)}</dl>'


def _cells(block: Cells) -> str:
    kinds = ["number" if number else _text_kind([row[at] for row in block.rows]) for at, number in enumerate(block.numeric)]
    head = "".join(
        f'<th scope="col" class="{kind}">{_said(text)}</th>' for text, kind in zip(block.headings, kinds, strict=True)
    )
    rows = "".join(f"<tr>{_row(row, kinds)}</tr>" for row in block.rows)
    name = _said(block.caption)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _text_kind(cells: Sequence[str]) -> str:
    """Names of many letters have room, so that headings of numbers beside them do not press them into a narrow column."""
    return "text long" if max(map(len, cells), default=0) >= _LONG_NAME else "text"


def _row(row: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f'<td class="{_class(kind, text)}">{_said(text)}</td>' for text, kind in zip(row, kinds, strict=True))


def _class(kind: str, text: str) -> str:
    """How a cell is set: dates, ids and other short words of Latin letters are not broken."""
    return f"{kind} whole" if len(text) <= 16 and text.isascii() and " " not in text else kind


def _shown(block: Shown) -> str:
    content = base64.b64encode(block.picture.content).decode("ascii")
    name = _said(block.picture.caption)
    return f'<figure><img alt="{name}" src="data:image/png;base64,{content}"><figcaption>{name}</figcaption></figure>'


_WRITERS: dict[type, Any] = {Heading: _heading, Text: _text, Lines: _lines, Figures: _figures, Cells: _cells, Shown: _shown}
