"""How values show themselves in a notebook: a small table of facts, every text of it escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = "text-align:left;vertical-align:top;padding:2px 16px 2px 0"


def html_card(title: str, facts: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]] = ()) -> str:
    """A heading, pairs of label and value, and below them a table whose first row holds its headings.

    >>> html_card("Network", [("nodes", "<3>")])
    '<div><strong>Network</strong><table><tr><th style="text-align:left;vertical-align:top;padding:2px 16px 2px 0">nodes</th>\
<td style="text-align:left;vertical-align:top;padding:2px 16px 2px 0">&lt;3&gt;</td></tr></table></div>'
    """
    pairs = "".join(f"<tr>{_cell('th', label)}{_cell('td', value)}</tr>" for label, value in facts)
    head = "".join(_cell("th", text) for text in rows[0]) if rows else ""
    body = "".join(f"<tr>{''.join(_cell('td', text) for text in row)}</tr>" for row in rows[1:])
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    return f"<div><strong>{escape(title)}</strong><table>{pairs}</table>{table}</div>"


def _cell(tag: str, text: str) -> str:
    return f'<{tag} style="{_STYLE}">{escape(text)}</{tag}>'
