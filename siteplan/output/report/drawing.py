"""Drawings for paper: SVG in which a unit is a tenth of a millimetre on an A4 page, and whole numbers only."""

from collections.abc import Sequence

from siteplan.output.palette import INK
from siteplan.output.report.markup import Markup, tag

__all__ = ["WIDTH", "label", "svg"]

WIDTH = 1800


def svg(height: int, parts: Sequence[str], title: str, about: str) -> Markup:
    """Make a drawing as wide as the page, with a title and what it shows for who cannot see it."""
    words = [tag("title", title), tag("desc", about)]
    return tag("svg", *words, *parts, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=f"{title}. {about}")


def label(text: str, x: float, y: float, *, size: int, anchor: str | None = None, halo: bool = False) -> Markup:
    """Write a text at a place."""
    return tag("text", text, x=x, y=y, font_size=size, text_anchor=anchor, fill=INK, class_="halo" if halo else None)
