"""Tiles as a background, where a study asks for them: whose they are, where they are, in which datum they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from planner.errors import StudyError
from planner.study import Publish
from planner.style import OSM_CREDIT


@dataclass(frozen=True)
class _Provider:
    """Addresses of the layers from below, what ``{s}`` stands for, the credit, the datum, the deepest zoom."""

    addresses: tuple[str, ...]
    subdomains: str
    credit: str
    datum: str
    deepest: int


def _tianditu(layer: str) -> str:
    """The address of a layer by WMTS, as the National Platform for Common Geospatial Information Services documents it."""
    asked = "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    place = "TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk={key}"
    return f"https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?{asked}&LAYER={layer}&{place}"


PROVIDERS = {
    "openstreetmap": _Provider(("https://tile.openstreetmap.org/{z}/{x}/{y}.png",), "", OSM_CREDIT, "wgs84", 19),
    # CGCS2000, which is WGS 84 to centimetres; the ground and its names are two layers
    "tianditu": _Provider((_tianditu("vec"), _tianditu("cva")), "01234567", "© 天地图 国家地理信息公共服务平台", "wgs84", 18),
    "amap": _Provider(
        ("https://webrd0{s}.is.autonavi.com/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",),
        "1234", "© 高德地图 AutoNavi", "gcj02", 18,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Tiles:
    """The layers of tiles a study asks for, from below: addresses, what ``{s}`` stands for, credit, datum, deepest zoom."""

    addresses: tuple[str, ...]
    subdomains: str
    credit: str
    datum: str
    deepest: int

    @classmethod
    def of(cls, publish: Publish) -> Tiles | None:
        """The tiles of ``publish.tiles``: a name in `PROVIDERS` or a template; None where the study asks for none.

        Raises
        ------
        StudyError
            If Tianditu is asked for without the publisher's own key.

        Examples
        --------
        >>> Tiles.of(Publish(tiles="https://{s}.example.org/{z}/{x}/{y}.png", attribution="© Example")).hosts
        ('https://*.example.org',)
        >>> Tiles.of(Publish(tiles="amap")).datum
        'gcj02'
        """
        if not publish.tiles:
            return None
        known = PROVIDERS.get(publish.tiles.strip().casefold())
        if known is None:
            return cls((publish.tiles,), "abc", publish.attribution, publish.tiles_datum, 18)
        if any("{key}" in address for address in known.addresses) and not publish.tiles_key:
            raise StudyError(
                f"publish.tiles = {publish.tiles!r} needs publish.tiles_key: the key that Tianditu gave the publisher"
            )
        addresses = tuple(address.replace("{key}", quote(publish.tiles_key, safe="")) for address in known.addresses)
        return cls(addresses, known.subdomains, publish.attribution or known.credit, known.datum, known.deepest)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where tiles may be loaded from, for the content policy."""
        found: dict[str, None] = {}
        for address in self.addresses:
            host = "/".join(address.split("/", 3)[:3])
            if "//{s}." in host:
                found[host.replace("{s}", "*")] = None
            elif "{s}" in host:
                found |= dict.fromkeys(host.replace("{s}", one) for one in self.subdomains)
            else:
                found[host] = None
        return tuple(found)
