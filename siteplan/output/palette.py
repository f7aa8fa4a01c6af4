"""The colours of map, report and QGIS styles, and shapes; all that means something the colour-blind can tell apart."""

import math

__all__ = [
    "CHANGE",
    "INK",
    "INKS",
    "MISSING",
    "PAPER",
    "STATUS",
    "TINTS",
    "class_colours",
    "css_variables",
    "minute_classes",
    "mode_colour",
]

INK, PAPER = "#1d2733", "#ffffff"

# What is written and ruled, and on what; the pages know them as --ink, --soft, ... and the map's script by name.
INKS = {
    "ink": INK,
    "soft": "#4a5560",  # beside the text
    "rule": "#d5dae0",
    "edge": "#b4bac0",
    "frame": "#7a838c",  # of what can be clicked
    "paper": PAPER,
    "shade": "#f3f5f7",
    "picked": "#e9f1f6",
    "ground": "#e7e5df",  # under a map
    "bright": "#fbfbf9",
    "accent": "#0b5c8a",
    "deep": "#002b62",
    "low": "#8fb4d9",  # of a range; the high end is deep
    "bar": "#c9dcec",
    "opens": "#0072b2",
    "closes": "#b34700",
    "good": "#009e73",
    "line": "#00573f",  # names of lines
    "unknown": "#858585",
}

# cividis (Nunez, Anderton and Renslow 2018), pale to dark; viridis (Smith and van der Walt 2015), dark to pale
SEQUENCES = {
    "people": ("#f9e03a", "#d7c45c", "#b9ab6d", "#9a9376", "#7e7d78", "#656870", "#4a536c", "#2a3f6d", "#002b62"),
    "minutes": ("#471365", "#443983", "#375a8c", "#2a778e", "#20928c", "#27ad81", "#58c765", "#9dd93b", "#ece51b"),
}
MISSING = "#c9c9c9"
# Traffic stress from 1 to 4, apart for the colour-blind, too (after RdYlBu of Brewer 2003, the pale ones deeper)
STRESS = ("#2166ac", "#5aa2cf", "#e08214", "#b2182b")

# Okabe and Ito (2008); a mode with no colour of its own takes one of the rest
MODES = {
    "walk": "#0072b2",
    "bike": "#d55e00",
    "calm": "#a6611a",
    "transit": "#009e73",
    "slow_walk": "#56b4e9",
    "pedelec": "#e69f00",
}
REST = ("#cc79a7", "#56b4e9", "#e69f00", "#000000")

# shape, fill, outline and text of a site by its status
STATUS = {
    "existing": ("square", INK, PAPER, PAPER),
    "required": ("diamond", "#e69f00", INK, INK),
    "candidate": ("circle", PAPER, INK, INK),
    "excluded": ("cross", PAPER, "#767676", "#5c5c5c"),
}
CHOSEN = INKS["good"]

# of a difference between two scenarios: lost, gained, the same; a pattern goes with each
CHANGE = {"lost": "#d55e00", "gained": "#0072b2", "kept": "#b9ab6d"}

# what lies pale beneath a hatched colour
TINTS = {"people": "#fbeea0", "bike": "#f4d9c6", "transit": "#c3e6da", "gained": "#a9cde4", "lost": "#f6cdb0"}

OUTLINE = "#3c4650"  # of territories
WATER = "#bcd6e6"
GREEN = "#d3dcc4"
RAILWAY = HATCH = "#6b7280"
STREET = INKS["edge"]
LOW_END = INKS["low"]


def class_colours(sequence: str, count: int) -> list[str]:
    """Give `count` (1 to 9) colours of a sequence, evenly spaced from its first to its last."""
    colours = SEQUENCES[sequence]
    last = len(colours) - 1
    return [colours[round(step * last / max(count - 1, 1))] for step in range(count)]


def minute_classes(longest: float) -> list[float]:
    """Give the upper ends of at most six classes of minutes, in steps that a reader counts in."""
    step = next((step for step in (5, 10, 15, 30, 60, 120) if longest <= 6 * step), 1440)
    return [float(step * (at + 1)) for at in range(max(1, math.ceil(longest / step)))]


def mode_colour(mode: str, modes: list[str]) -> str:
    """Give a mode its colour, the same whatever other modes stand beside it unless it has none of its own."""
    if mode in MODES:
        return MODES[mode]
    others = [each for each in modes if each not in MODES]
    return REST[others.index(mode) % len(REST)]


def css_variables() -> str:
    """Give the inks as variables of a style sheet."""
    return ":root{" + ";".join(f"--{name}:{colour}" for name, colour in INKS.items()) + "}"
