"""QGIS styles (QML) for the layers of a results file."""

import re
from collections.abc import Collection
from xml.etree import ElementTree as Xml

import geopandas as gpd
import numpy as np

from siteplan.catalogue import mode_order
from siteplan.output.captions import column_caption
from siteplan.output.palette import (
    CHANGE,
    CHOSEN,
    GREEN,
    INK,
    INKS,
    MISSING,
    OUTLINE,
    PAPER,
    RAILWAY,
    STATUS,
    STREET,
    STRESS,
    WATER,
    class_colours,
    mode_colour,
)
from siteplan.words import Words, capital

__all__ = ["layer_style"]

Option = dict[str, str]
Rule = tuple[str, str, Xml.Element]  # what it takes (a QGIS expression), what the legend says, how it is drawn

FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
# The number of a site that is opened, and its name: those that exist have the number 0, which says nothing.
ORDERED = """CASE WHEN "order" > 0 THEN to_string("order") || '  ' ELSE '' END || "name\""""
# Labels stand a millimetre off what they name, above and to the right where there is room.
AROUND = {"placement": "6", "offsetType": "1", "dist": "1", "distUnits": "MM"}
AROUND |= {"predefinedPositionOrder": "TR,R,BR,TL,L,BL"}
ALONG = {"placement": "2", "placementFlags": "10", "dist": "0"}
NESTED = ("isochrones", "areas")  # one mode and limit above the other
MARKERS = {"square": "square", "diamond": "diamond", "circle": "circle", "cross": "cross2"}


def layer_style(layer: str, table: gpd.GeoDataFrame, words: Words, *, beside: Collection[str] = ()) -> str:
    """Give the QML of a layer by its name; of a layer without rows or of any other name, nothing.

    Of the isochrones and areas, those of one mode and limit are shown at first. Sites are labelled with their names,
    the chosen ones with their order of opening, too; where the layer of those stands `beside`, the labels are theirs
    alone.
    """
    makers = {"sites": _site_rules, "cells": _cell_rules, "water": _water_rules, "stress": _stress_rules}
    makers |= dict.fromkeys(NESTED, _ring_rules)
    plain = {
        "choice": _marker("circle", CHOSEN, PAPER),
        "communes": _fill(PAPER, 0, OUTLINE),
        "points": _marker("circle", INKS["soft"], INKS["soft"], "0.6"),
        "streets": _line(STREET, "0.2"),
        "green": _fill(GREEN, 1, GREEN),
        "railways": _line(RAILWAY, "0.4", "dash"),
        "places": _marker("circle", INK, PAPER, "1"),
        "places_without_access": _fill(CHANGE["lost"], 1, CHANGE["lost"], "b_diagonal"),
        "transit_lines": _line(mode_colour("transit", []), "0.5"),
        "stops": _marker("circle", PAPER, mode_colour("transit", []), "1.6"),
    }
    labels = {"places": '"name"', "transit_lines": '"name"', "choice": ORDERED}
    labels |= {} if "choice" in beside else {"sites": '"name"'}
    if not len(table) or layer not in {*makers, *plain}:
        return ""
    rules = [("TRUE", words[f"title_{layer}"], plain[layer])] if layer in plain else makers[layer](table, words)
    columns = [(str(name), column_caption(str(name), words)) for name in table.columns if name != table.geometry.name]
    return _qml(rules, label=labels.get(layer, ""), captions=columns, shown=1 if layer in NESTED else len(rules))


def _site_rules(table: gpd.GeoDataFrame, words: Words) -> list[Rule]:
    return [
        (
            f"\"status\" = '{status}'",
            words[status],
            _marker(MARKERS[shape], fill, stroke if status != "existing" else fill),
        )
        for status, (shape, fill, stroke, _) in STATUS.items()
        if (table["status"] == status).any()
    ]


def _ring_rules(table: gpd.GeoDataFrame, words: Words) -> list[Rule]:
    pairs = table[["mode", "minutes", "speed_kmh"]].drop_duplicates(["mode", "minutes"])
    modes = sorted(dict.fromkeys(pairs["mode"].astype(str)), key=mode_order)
    ordered = sorted(pairs.itertuples(index=False), key=lambda row: (modes.index(str(row.mode)), -row.minutes))
    return [
        (
            f'"mode" = {_text(str(row.mode))} AND "minutes" = {row.minutes:g}',
            words.text("ring", mode=capital(words.mode(str(row.mode))), minutes=row.minutes, speed=row.speed_kmh),
            _fill(mode_colour(str(row.mode), modes), 0.2, mode_colour(str(row.mode), modes)),
        )
        for row in ordered
    ]


def _cell_rules(table: gpd.GeoDataFrame, words: Words) -> list[Rule]:
    """Shade by minutes to the nearest site when they are known, else by people."""
    column, sequence = ("minutes_best", "minutes") if "minutes_best" in table else ("people", "people")
    title = words[f"cells_{sequence}"]
    values = table[column].to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    ends = sorted({float(f"{end:.2g}") for end in np.quantile(known, [0.2, 0.4, 0.6, 0.8, 1.0])}) if len(known) else []
    if ends:
        ends[-1] = max(ends[-1], float(np.ceil(known.max())))
    starts = [None, *ends][: len(ends)]  # none where nobody is within reach
    rules = [
        (
            f'"{column}" <= {end:g}' if start is None else f'"{column}" > {start:g} AND "{column}" <= {end:g}',
            f"{title}{words['colon']}{words['up_to']} {words.number(end)}"
            if start is None
            else f"{words.number(start)} – {words.number(end)}",
            _symbol(table, colour, 0.7),
        )
        for start, end, colour in zip(starts, ends, class_colours(sequence, len(ends)), strict=True)
    ]
    return [*rules, (f'"{column}" IS NULL', words["withheld"], _symbol(table, MISSING, 0.5))]


def _stress_rules(table: gpd.GeoDataFrame, words: Words) -> list[Rule]:
    return [
        (f'"level" = {level}', words[f"stress_{level}"], _line(STRESS[level - 1], "0.4"))
        for level in sorted(set(table["level"].astype(int)))
    ]


def _water_rules(table: gpd.GeoDataFrame, words: Words) -> list[Rule]:
    lines = bool(table.geom_type.str.endswith("LineString").any())
    return [("TRUE", words["water"], _line(WATER, "0.6") if lines else _fill(WATER, 1, WATER))]


def _symbol(table: gpd.GeoDataFrame, colour: str, opacity: float) -> Xml.Element:
    if (table.geom_type == "Point").any():
        return _marker("circle", colour, PAPER)
    return _fill(colour, opacity, PAPER)


def _qml(rules: list[Rule], *, label: str, captions: list[tuple[str, str]], shown: int) -> str:
    """Give the file of a style.

    `label` is an expression that is written beside each thing, `captions` say what columns hold, and as many of the
    rules as are `shown` are ticked.
    """
    root = Xml.Element(
        "qgis", version="3.22", styleCategories="Symbology|Labeling|Fields", labelsEnabled=str(int(bool(label)))
    )
    drawn = {"type": "RuleRenderer", "symbollevels": "0", "enableorderby": "0", "forceraster": "0"}
    renderer = Xml.SubElement(root, "renderer-v2", drawn)
    tree = Xml.SubElement(renderer, "rules", key="root")
    symbols = Xml.SubElement(renderer, "symbols")
    for number, (takes, words, symbol) in enumerate(rules):
        rule = {"key": f"rule{number}", "filter": takes, "label": _legible(words), "symbol": str(number)}
        Xml.SubElement(tree, "rule", rule | ({} if number < shown else {"checkstate": "0"}))
        symbol.set("name", str(number))
        symbols.append(symbol)
    if label:
        settings = Xml.SubElement(Xml.SubElement(root, "labeling", type="simple"), "settings")
        numbered = label == ORDERED  # which is never left out for want of room
        font = {"fieldName": label, "isExpression": "1", "fontSize": "8", "textColor": _rgba(INK)}
        font |= {"fontWeight": "75", "namedStyle": "Bold"} if numbered else {}
        written = Xml.SubElement(settings, "text-style", font)
        Xml.SubElement(written, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferColor=_rgba(PAPER))
        Xml.SubElement(settings, "placement", ALONG if rules[0][2].get("type") == "line" else AROUND)
        Xml.SubElement(settings, "rendering", displayAll=str(int(numbered)))
    aliases = Xml.SubElement(root, "aliases")
    for number, (column, caption) in enumerate(captions):
        Xml.SubElement(aliases, "alias", index=str(number), field=_legible(column), name=_legible(caption))
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + Xml.tostring(root, encoding="unicode")


def _marker(shape: str, fill: str, stroke: str, size: str = "4") -> Xml.Element:
    look = {"name": shape, "color": _rgba(fill), "outline_color": _rgba(stroke), "outline_width": "0.4", "size": size}
    return _element("marker", "SimpleMarker", look)


def _line(colour: str, width: str, style: str = "solid") -> Xml.Element:
    return _element("line", "SimpleLine", {"line_color": _rgba(colour), "line_style": style, "line_width": width})


def _fill(fill: str, opacity: float, stroke: str, style: str = "solid") -> Xml.Element:
    look = {"color": _rgba(fill, opacity), "style": style, "outline_color": _rgba(stroke), "outline_width": "0.3"}
    return _element("fill", "SimpleFill", look | {"outline_style": "solid"})


def _element(kind: str, drawing: str, look: Option) -> Xml.Element:
    symbol = Xml.Element("symbol", type=kind, alpha="1", clip_to_extent="1", force_rhr="0")
    layer = Xml.SubElement(symbol, "layer", {"class": drawing, "enabled": "1", "locked": "0", "pass": "0"})
    options = Xml.SubElement(layer, "Option", type="Map")
    for name, value in look.items():
        Xml.SubElement(options, "Option", name=name, value=value, type="QString")
    return symbol


def _rgba(colour: str, opacity: float = 1.0) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * opacity)}"


def _text(value: str) -> str:
    """Quote text for a QGIS expression; a character that XML cannot hold is named by its number."""
    parts = []
    for part in re.split(f"({FORBIDDEN.pattern})", value):
        plain = part.replace("\\", "\\\\").replace("'", "''")
        parts += [f"char({ord(part)})" if FORBIDDEN.fullmatch(part) else f"'{plain}'"] if part else []
    return " || ".join(parts) or "''"


def _legible(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
