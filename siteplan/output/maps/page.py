"""One HTML file that asks for nothing outside itself: Folium's map, Leaflet inlined, the data as JSON."""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

import folium
import js_lib_leaflet  # type: ignore[import-untyped]

__all__ = ["render_page"]

SCRIPTS = ("text", "shapes", "state", "canvas", "layers", "cards", "tables", "panel", "paper", "page")  # one function
TILES = "https://tile.openstreetmap.org"


def render_page(data: dict[str, Any], *, title: str) -> str:
    """Render a page from its data; every text in `data` is shown as it is and never run."""
    south, west, north, east = data["bounds"]
    middle = ((south + north) / 2, (west + east) / 2)
    plan: Any = folium.Map(location=middle, tiles=None, prefer_canvas=True, zoom_control=False, zoom_snap=0.25)
    plan.default_js, plan.default_css = [], []  # instead of Folium's links to other hosts
    figure = plan.get_root()
    figure.title = html.escape(title)
    plan.render()  # Folium puts its own parts into the page; ours come around them
    figure.header.add_child(_raw(_head()), index=0)
    figure.html.add_child(_raw(_asset("page.html")), index=0)
    figure.html.add_child(_raw(f'<script id="siteplan-data" type="application/json">{_json(data)}</script>'))
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    figure.script.add_child(
        _raw(f'"use strict";\nfunction siteplan(map) {{\n{script}\n}}\nsiteplan({plan.get_name()});')
    )
    stable = figure.render().replace(plan.get_name(), "siteplan_map")  # Folium names things by chance
    return _with_policy(re.sub(r",\s*maximum-scale=1\.0, user-scalable=no", "", stable))  # whoever needs to may zoom in


def _raw(text: str) -> Any:
    """Wrap text that must reach the page as it is: Element would read it as a template."""
    element: Any = folium.Element("{{ this.text }}")
    element.text = text
    return element


def _head() -> str:
    leaflet = files(js_lib_leaflet).joinpath("static", "js_lib_leaflet")
    script = leaflet.joinpath("leaflet.js").read_text(encoding="utf-8")
    script = re.sub(r"\n//# sourceMappingURL=.*", "", script)  # a browser's tools would ask for it
    css = re.sub(
        r"url\((images/[\w.-]+)\)", lambda found: f"url({_picture(leaflet, found[1])})", _text(leaflet, "leaflet.css")
    )
    return f"<style>{css}</style>\n<style>{_asset('page.css')}</style>\n<script>{script}</script>"


def _picture(folder: Traversable, path: str) -> str:
    content = folder.joinpath(*PurePosixPath(path).parts).read_bytes()
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def _text(folder: Traversable, name: str) -> str:
    return folder.joinpath(name).read_text(encoding="utf-8")


def _asset(name: str) -> str:
    return _text(files(__package__), name)


def _json(data: dict[str, Any]) -> str:
    """Give JSON that cannot end the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _with_policy(page: str) -> str:
    """Let the browser run these scripts, load these tiles, and nothing else (Content Security Policy)."""
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: {TILES}; "
        "base-uri 'none'; form-action 'none'"
    )
    return page.replace("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
