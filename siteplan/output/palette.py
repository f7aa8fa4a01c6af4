"""Colours and shapes that the colour-blind can tell apart, shared by the maps and the QGIS styles."""

__all__ = ["CHANGE", "MISSING", "STATUS", "class_colours", "mode_colour"]

# cividis (Nunez, Anderton and Renslow 2018), pale to dark; viridis (Smith and van der Walt 2015), dark to pale
SEQUENCES = {
    "people": ("#f9e03a", "#d7c45c", "#b9ab6d", "#9a9376", "#7e7d78", "#656870", "#4a536c", "#2a3f6d", "#002b62"),
    "minutes": ("#471365", "#443983", "#375a8c", "#2a778e", "#20928c", "#27ad81", "#58c765", "#9dd93b", "#ece51b"),
}
MISSING = "#c9c9c9"

# Okabe and Ito (2008); a mode with no colour of its own takes one of the rest
MODES = {"walk": "#0072b2", "bike": "#d55e00", "transit": "#009e73", "slow_walk": "#56b4e9", "pedelec": "#e69f00"}
REST = ("#cc79a7", "#56b4e9", "#e69f00", "#000000")

# shape, fill, outline and text of a site by its status
STATUS = {
    "existing": ("square", "#1d2733", "#ffffff", "#ffffff"),
    "required": ("diamond", "#e69f00", "#1d2733", "#1d2733"),
    "candidate": ("circle", "#ffffff", "#1d2733", "#1d2733"),
    "excluded": ("cross", "#ffffff", "#767676", "#5c5c5c"),
}
CHOSEN = "#009e73"

# of a difference between two scenarios: lost, gained, the same; a pattern goes with each
CHANGE = {"lost": "#d55e00", "gained": "#0072b2", "kept": "#b9ab6d"}

OUTLINE = "#3c4650"  # of territories
WATER = "#bcd6e6"
GREEN = "#d3dcc4"
RAILWAY = "#6b6b6b"


def class_colours(sequence: str, count: int) -> list[str]:
    """Give `count` (1 to 9) colours of a sequence, evenly spaced from its first to its last."""
    colours = SEQUENCES[sequence]
    last = len(colours) - 1
    return [colours[round(step * last / max(count - 1, 1))] for step in range(count)]


def mode_colour(mode: str, modes: list[str]) -> str:
    """Give a mode its colour, the same whatever other modes stand beside it unless it has none of its own."""
    if mode in MODES:
        return MODES[mode]
    others = [each for each in modes if each not in MODES]
    return REST[others.index(mode) % len(REST)]
