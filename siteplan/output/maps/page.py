"""One HTML file that asks for nothing outside itself: Leaflet inlined, the data as JSON; with additions, Folium's."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import js_lib_leaflet  # type: ignore[import-untyped]

from siteplan.output.files import whole_file
from siteplan.output.palette import INKS, css_variables
from siteplan.output.report.markup import seen

if TYPE_CHECKING:
    import folium

__all__ = ["SiteMap"]

SCRIPTS = (
    "text",
    "shapes",
    "state",
    "canvas",
    "layers",
    "cards",
    "trials",
    "tables",
    "topics",
    "panel",
    "paper",
    "page",
)  # one function
OPTIONS = {"zoom": 10, "zoomControl": False, "preferCanvas": True, "zoomSnap": 0.25}  # as Leaflet calls them
TILES = "https://tile.openstreetmap.org"
OWN = ("siteplan_head", "siteplan_icons", "siteplan_page", "siteplan_data", "siteplan_script")  # our parts of a figure
# What of Folium's libraries is needed where a script holds such text. Leaflet is in the page; Bootstrap nobody needs.
NEEDED = {
    "$(": ("jquery",),
    "AwesomeMarkers": (
        *("awesome_markers", "glyphicons_css", "awesome_markers_font_css", "awesome_markers_css", "awesome_rotate_css"),
    ),
}


@dataclass(frozen=True, eq=False, repr=False)
class SiteMap:
    """A finished map: one HTML page, and the Folium map in it.

    Whatever is added to `map` is shown with the page's own layers; the page then loads what the additions need (the
    libraries of plugins, tiles) from the hosts that they name, and from no others. Without additions it asks for
    nothing.
    """

    data: Mapping[str, Any]
    """What the page shows."""

    @cached_property
    def map(self) -> "folium.Map":
        """The map: `folium.Marker((lat, lon)).add_to(page.map)`, and so with any layer or plugin of Folium."""
        import folium

        plan = folium.Map(location=_middle(self.data), tiles=None)
        plan.options = dict(OPTIONS)
        return plan

    @property
    def html(self) -> str:
        """The page as it is now."""
        added = vars(self).get("map")  # Folium, which takes long to load, is asked for additions alone
        return _render(self.data, added) if added is not None and added._children else self._plain

    @cached_property
    def _plain(self) -> str:
        options = {"center": _middle(self.data), **OPTIONS}
        page = f"""<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_title(self.data)}</title>
{_head()}
</head>
<body>
{_asset("page.html")}
<div class="folium-map" id="siteplan_map"></div>
{_about(self.data)}
<script>
const siteplan_map = L.map("siteplan_map", {json.dumps(options)});
{_script("siteplan_map")}
</script>
</body>
</html>"""
        return _with_policy(page, "")

    def save(self, path: str | Path) -> None:
        """Write the page to `path`, whole or not at all."""
        with whole_file(path) as aside:
            aside.write_text(self.html, encoding="utf-8", newline="\n")

    def __repr__(self) -> str:
        return f"<SiteMap {self.data['title']!r}: {len(self.data['sites'])} sites>"

    def _repr_html_(self) -> str:
        style = f"width:100%;height:640px;border:1px solid {INKS['edge']}"
        return f'<iframe srcdoc="{html.escape(self.html)}" style="{style}" title="siteplan"></iframe>'


def _middle(data: Mapping[str, Any]) -> list[float]:
    south, west, north, east = data["bounds"]
    return [(south + north) / 2, (west + east) / 2]


def _title(data: Mapping[str, Any]) -> str:
    return html.escape(seen(data["title"]))


def _about(data: Mapping[str, Any]) -> str:
    """Give what the page shows as an element of its own."""
    return f'<script id="siteplan-data" type="application/json">{_json(data)}</script>'


def _script(plan: str) -> str:
    """Give what draws the page around the map of a name."""
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\nfunction siteplan(map) {{\n{script}\n}}\nsiteplan({plan});'


def _render(data: Mapping[str, Any], plan: Any) -> str:
    """Render a page from its data and a map with additions; every text in `data` is shown as it is and never run."""
    figure, links = plan.get_root(), (plan.default_js, plan.default_css)
    parts = (figure.header, figure.html, figure.script)
    _forget(parts, [*OWN, *(name for name, _ in (*links[0], *links[1]))])
    plan.default_js, plan.default_css = [], []  # instead of Folium's links to other hosts
    figure.title = _title(data)
    plan.render()  # Folium puts its own parts and what was added into the page; ours come around them
    _bring_libraries(figure, dict(links[0]), dict(links[1]))
    brought = "".join(child.render() for part in parts for child in part._children.values())
    figure.header.add_child(_raw(_icons()), name="siteplan_icons", index=0)
    figure.header.add_child(_raw(_head()), name="siteplan_head", index=0)
    figure.html.add_child(_raw(_asset("page.html")), name="siteplan_page", index=0)
    figure.html.add_child(_raw(_about(data)), name="siteplan_data")
    figure.script.add_child(_raw(_script(plan.get_name())), name="siteplan_script")
    stable = figure.render().replace(plan.get_name(), "siteplan_map")  # Folium names things by chance
    _forget(parts, OWN)
    plan.default_js, plan.default_css = links
    stable = re.sub(r",\s*maximum-scale=1\.0, user-scalable=no", "", stable)  # whoever needs to may zoom in
    return _with_policy(stable, brought)


def _forget(parts: Sequence[Any], names: Iterable[str]) -> None:
    """Take parts out of a figure again, so that the map can be changed, shown and saved once more."""
    for part in parts:
        for name in names:
            part._children.pop(name, None)


def _bring_libraries(figure: Any, scripts: Mapping[str, str], sheets: Mapping[str, str]) -> None:
    """Link those of Folium's libraries that what was added needs, before the plugins that stand on them."""
    import folium

    written = "".join(child.render() for child in figure.script._children.values())
    needed = [name for text, names in NEEDED.items() if text in written for name in names]
    for name in needed[::-1]:
        link = folium.JavascriptLink(scripts[name]) if name in scripts else folium.CssLink(sheets[name])
        figure.header.add_child(link, name=name, index=0)


def _icons() -> str:
    """Give Leaflet's own marker, which it would look for beside a style sheet."""
    found = {"iconUrl": "marker-icon.png", "iconRetinaUrl": "marker-icon-2x.png", "shadowUrl": "marker-shadow.png"}
    icons = {name: _picture(_leaflet(), f"images/{file}") for name, file in found.items()}
    return f"<script>L.Icon.Default.imagePath = ''; L.Icon.Default.mergeOptions({json.dumps(icons)});</script>"


def _raw(text: str) -> Any:
    """Wrap text that must reach the page as it is: Element would read it as a template."""
    from folium import Element

    element: Any = Element("{{ this.text }}")
    element.text = text
    return element


def _head() -> str:
    leaflet = _leaflet()
    script = leaflet.joinpath("leaflet.js").read_text(encoding="utf-8")
    script = re.sub(r"\n//# sourceMappingURL=.*", "", script)  # a browser's tools would ask for it
    css = re.sub(
        r"url\((images/[\w.-]+)\)", lambda found: f"url({_picture(leaflet, found[1])})", _text(leaflet, "leaflet.css")
    )
    return f"<style>{css}</style>\n<style>{css_variables()}\n{_asset('page.css')}</style>\n<script>{script}</script>"


def _leaflet() -> Traversable:
    return files(js_lib_leaflet).joinpath("static", "js_lib_leaflet")


def _picture(folder: Traversable, path: str) -> str:
    content = folder.joinpath(*PurePosixPath(path).parts).read_bytes()
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def _text(folder: Traversable, name: str) -> str:
    return folder.joinpath(name).read_text(encoding="utf-8")


def _asset(name: str) -> str:
    return _text(files(__package__), name)


def _json(data: Mapping[str, Any]) -> str:
    """Give JSON that can neither end the script element it stands in nor turn the direction of what is shown."""
    text = seen(json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _with_policy(page: str, brought: str) -> str:
    """Let the browser run these scripts, load these tiles and what was brought, and nothing else.

    That is a Content Security Policy. Style sheets may bring fonts and pictures of their host.
    """
    scripts = re.findall(r"<script(?![^>]*(?:\ssrc=|json))[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    hashes = [f"'sha256-{_digest(script)}'" for script in scripts]
    linked = _hosts(r"""<script[^>]*\ssrc=["'](https?://[^/"']+)""", brought)
    styled = _hosts(r"""<link[^>]*\shref=["'](https?://[^/"']+)""", brought)
    shown = _hosts(r"""(?:L(?:\.\w+)+\(\s*|[iI]con\w*Url"?:\s*)["'](https?://[^/"']+)""", brought)
    allowed = {
        "default-src": ["'none'"],
        "script-src": [*hashes, *linked],
        "style-src": ["'unsafe-inline'", *styled],
        "font-src": styled,
        "connect-src": _hosts(r"""fetch\(\s*["'](https?://[^/"']+)""", brought),
        "img-src": ["data:", *dict.fromkeys([TILES, *styled, *shown])],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in allowed.items() if sources)
    return page.replace("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


def _hosts(pattern: str, text: str) -> list[str]:
    """List the hosts that a pattern finds; a part of a name that Leaflet fills in may be anything."""
    return sorted({re.sub(r"\{\w+\}", "*", host) for host in re.findall(pattern, text)})


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
