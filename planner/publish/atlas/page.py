"""One page as one file: a folium map whose script, styles and data all lie inside it, behind a strict content policy."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from importlib.resources import files
from typing import Any, ClassVar, Literal, get_args

import folium
from branca.element import Figure, MacroElement
from folium.template import Template

from planner.errors import StudyError
from planner.publish.atlas.tiles import Tiles
from planner.publish.digest import digest_of

Assets = Literal["bundled", "cdn"]

CDN = "https://cdn.jsdelivr.net/npm/leaflet@1.9.4/dist/"

_UNSAFE = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def write_page(
    layout: str,
    data: Mapping[str, Any],
    *,
    heading: str,
    title: str,
    language: str,
    centre: tuple[float, float],
    tiles: Tiles | None,
    assets: Assets,
) -> str:
    """The text of one page: ``assets/<layout>.html`` around a folium map, run by ``core.js`` and ``<layout>.js``.

    `data` reaches the page as one block of JSON that no browser runs; `heading` and `title` are escaped. The same arguments
    give the same text.
    """
    if assets not in get_args(Assets):
        raise StudyError(f"assets = {assets!r} is not known; use one of {', '.join(get_args(Assets))}")
    chart = _Chart(layout, heading, centre)
    _Start(chart.get_name()).add_to(chart)
    page = _Page(layout, title, language, to_json(data), tiles, assets)
    page.add_child(chart)
    return page.render()


def to_json(data: Mapping[str, Any]) -> str:
    r"""`data` as JSON that may stand inside a script element: no letter in it can end the element or begin another.

    >>> to_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8").translate(_UNSAFE)


def leaflet() -> tuple[str, str, str]:
    """Leaflet 1.9.4 as django-js-lib-leaflet carries it: script, style (its pictures inside it) and licence."""
    folder = files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    script = (folder / "leaflet.js").read_text(encoding="utf-8").split("\n//# sourceMappingURL")[0]
    style = (folder / "leaflet.css").read_text(encoding="utf-8")

    def inline(match: re.Match[str]) -> str:
        picture = base64.b64encode((folder / match[1]).read_bytes()).decode("ascii")
        return f"url(data:image/png;base64,{picture})"

    style = re.sub(r"url\((images/[\w-]+\.png)\)", inline, style).replace("behavior: url(#default#VML);", "")
    licence = importlib.metadata.distribution("django-js-lib-leaflet").read_text("LICENSE") or ""
    return script, style, licence


def content_policy(scripts: Sequence[str], styles: Sequence[str], tiles: Tiles | None, assets: Assets) -> str:
    """What the page may run and load: these scripts and styles, pictures inside it, and tiles if they were asked for."""
    cdn = [CDN] if assets == "cdn" else []
    allowed = {
        "default-src": ["'none'"],
        "script-src": [*map(_hash, scripts), *cdn],
        "style-src": [*map(_hash, styles), *cdn],
        "img-src": ["data:", *([] if tiles is None else tiles.hosts)],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(" ".join([key, *values]) for key, values in allowed.items())


class _Page(Figure):  # type: ignore[misc]  # branca and folium have no types
    """The file around the map; its head, body and scripts are filled in when it is rendered."""

    def __init__(self, layout: str, title: str, language: str, data: str, tiles: Tiles | None, assets: Assets) -> None:
        super().__init__()
        self.layout, self.title, self.data, self.tiles, self.assets = layout, title, data, tiles, assets
        self.language = "zh-CN" if language == "zh" else language
        self.referrer = "no-referrer" if tiles is None else "strict-origin-when-cross-origin"
        self._template = Template(_asset("page.html"), keep_trailing_newline=True)

    def render(self, **kwargs: Any) -> str:
        for child in self._children.values():
            child.render(**kwargs)
        script, style, licence = leaflet()
        bundled = self.assets == "bundled"
        own = [_asset("core.js"), _asset(f"{self.layout}.js"), self.script.render(**kwargs).strip()]
        scripts = [*([script] if bundled else []), "\n".join(own)]
        styles = [*([style] if bundled else []), _asset("page.css")]
        return str(
            self._template.render(
                this=self,
                policy=content_policy(scripts, styles, self.tiles, self.assets),
                licence=escape(licence.replace("--", "- -")),
                links="" if bundled else _cdn_links(),
                styles="\n".join(f"<style>{text}</style>" for text in styles),
                body=self.html.render(**kwargs).strip(),
                scripts="\n".join(f"<script>{text}</script>" for text in scripts),
            )
        )


class _Chart(folium.Map):  # type: ignore[misc]
    """A folium map that asks nobody for scripts, styles or tiles, inside a layout of our own."""

    default_js: ClassVar[list[tuple[str, str]]] = []
    default_css: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, layout: str, heading: str, centre: tuple[float, float]) -> None:
        super().__init__(
            location=centre,
            zoom_start=13,
            tiles=None,
            zoom_snap=0.25,
            zoom_control=False,
            attribution_control=False,
        )
        self._id = layout
        self.heading = heading
        body = _asset(f"{layout}.html").replace("<!-- head -->\n", _asset("head.html"))
        own = "{% macro html(this, kwargs) %}" + body + "{% endmacro %}"
        script = partial(folium.Map._template.module.script, self)
        self._template = Template(own + "{% macro script(this, kwargs) %}{{ this.script_of_folium(kwargs) }}{% endmacro %}")
        self.script_of_folium = script


class _Start(MacroElement):  # type: ignore[misc]
    """Hands the folium map to the page's own script, once it is there."""

    def __init__(self, chart: str) -> None:
        super().__init__()
        self._id = chart
        self.call = f"startPage({chart});"
        self._template = Template("{% macro script(this, kwargs) %}{{ this.call }}{% endmacro %}")


def _asset(name: str) -> str:
    return (files("planner.publish.atlas") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{digest_of(text)}'"


def _cdn_links() -> str:
    folder = files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("leaflet.css", "leaflet.js"))
    return (
        f'<link rel="stylesheet" href="{CDN}leaflet.css" integrity="sha256-{digest_of(style)}" crossorigin="anonymous">\n'
        f'<script src="{CDN}leaflet.js" integrity="sha256-{digest_of(script)}" crossorigin="anonymous"></script>'
    )
