"""Plots for paper: curves, steps, bars and weeks as SVG."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.output.palette import (
    CHOSEN,
    INK,
    INKS,
    LOW_END,
)
from siteplan.output.report.briefs import Pairs, Stairs
from siteplan.output.report.drawing import WIDTH, label, svg
from siteplan.output.report.markup import Markup, figure, tag
from siteplan.words import Words

__all__ = [
    "curve_plot",
    "pairs_figure",
    "shares_of",
    "stairs_figure",
    "tornado_plot",
    "week_plot",
]

Floats = npt.NDArray[np.float64]


def curve_plot(
    counts: Sequence[float],
    shares: Sequence[float],
    words: Words,
    *,
    title: str,
    about: str,
    bounds: Sequence[float] = (),
    chosen: tuple[float, float] | None = None,
    lowest: float = 0.0,
) -> Markup:
    """Draw how the share of people covered (0 to 1) grows with the number of sites.

    A thin line shows what no set of so many sites exceeds, a ring the number and the share of the chosen ones; the axis
    begins at the share `lowest`.
    """
    left, right, top, bottom, height = 130, 30, 30, 90, 520
    last = max(float(max([*counts, *([chosen[0]] if chosen else [])])), 1.0)

    def x(count: float) -> int:
        return round(left + (WIDTH - left - right) * float(count) / last)

    def y(share: float) -> int:
        return round(height - bottom - (height - top - bottom) * (float(share) - lowest) / (1 - lowest))

    grid: list[str] = []
    for at in range(6):
        share = lowest + (1 - lowest) * at / 5
        grid.append(
            tag("line", x1=left, x2=WIDTH - right, y1=y(share), y2=y(share), stroke=INKS["rule"], stroke_width=2)
        )
        text = words.percent(round(100 * share, 1))
        grid.append(label(text, left - 14, y(share) + 10, size=28, anchor="end"))
    step = max(1, math.ceil(last / 12))
    for count in range(0, int(last) + 1, step):
        grid.append(label(words.number(count), x(count), height - bottom + 42, size=28, anchor="middle"))
    grid.append(label(words["curve_axis"], (left + WIDTH) // 2, height - 6, size=28, anchor="middle"))
    drawn = _line([(x(a), y(b)) for a, b in zip(counts, shares, strict=True)], stroke=INKS["deep"], stroke_width=6)
    dots = [tag("circle", cx=x(a), cy=y(b), r=10, fill=INKS["deep"]) for a, b in zip(counts, shares, strict=True)]
    if len(bounds):
        limit = [(x(a), y(min(b, 1.0))) for a, b in zip(counts, bounds, strict=True)]
        grid.append(_line(limit, stroke=INK, stroke_width=2, class_="bound"))
    if chosen is not None:
        look: dict[str, Any] = {"fill": "none", "stroke": CHOSEN, "stroke_width": 7, "class_": "chosen"}
        dots.append(tag("circle", cx=x(chosen[0]), cy=y(chosen[1]), r=20, **look))
    return svg(height, [*grid, drawn, *dots], title, about)


def _frontier_plot(
    costs: Sequence[float],
    values: Sequence[float],
    words: Words,
    *,
    axis: str,
    title: str,
    about: str,
    falls: bool = False,
) -> Markup:
    """Draw what so much money buys as stairs: in between, no more than the last set that it pays for.

    Where values fall, whoever asks a little more has the next one already.
    """
    left, right, top, bottom, height = 170, 60, 30, 90, 520
    last, lowest, most = max(costs), min(values), max(values)
    step, rise = _round_step(last / 6), _round_step((most - lowest) / 4)
    base = math.floor(lowest / rise) * rise

    def x(cost: float) -> int:
        return round(left + (WIDTH - left - right) * cost / last)

    def y(value: float) -> int:
        return round(height - bottom - (height - top - bottom) * (value - base) / ((most - base) or 1.0))

    parts: list[str] = []
    for at in range(math.floor((most - base) / rise) + 1):
        level = base + at * rise
        look = {"stroke": INKS["rule"], "stroke_width": 2}
        parts.append(tag("line", x1=left, x2=WIDTH - right, y1=y(level), y2=y(level), **look))
        parts.append(label(words.number(level), left - 14, y(level) + 10, size=28, anchor="end"))
    for at in range(math.floor(last / step) + 1):
        parts.append(label(words.number(at * step), x(at * step), height - bottom + 42, size=28, anchor="middle"))
    parts.append(label(axis, (left + WIDTH) // 2, height - 6, size=28, anchor="middle"))
    stairs = [(x(costs[0]), y(values[0]))]
    for cost, value in zip(costs[1:], values[1:], strict=True):
        corner = (stairs[-1][0], y(value)) if falls else (x(cost), stairs[-1][1])
        stairs += [corner, (x(cost), y(value))]
    parts.append(_line(stairs, stroke=INKS["deep"], stroke_width=6))
    ends = zip(costs, values, strict=True)
    parts += [tag("circle", cx=x(cost), cy=y(value), r=10, fill=INKS["deep"]) for cost, value in ends]
    return svg(height, parts, title, about)


def stairs_figure(stairs: Stairs, words: Words, about: str) -> Markup:
    """Draw stairs with their title below; nothing where all stand at 0, or one has no end."""
    if not max(stairs.xs) > 0 or not all(map(math.isfinite, stairs.xs)):
        return Markup("")
    look: dict[str, Any] = {"axis": stairs.axis, "title": stairs.title, "falls": stairs.falls}
    drawn = _frontier_plot(stairs.xs, stairs.ys, words, about=about, **look)
    return figure(drawn, stairs.title)


def _round_step(rough: float) -> float:
    """Give the round number (1, 2 or 5 times a power of ten) that is at least so much."""
    if not rough > 0:
        return 1.0
    unit: float = 10.0 ** math.floor(math.log10(rough))
    return next(each * unit for each in (1, 2, 5, 10) if each * unit >= rough * (1 - 1e-9))


def _line(corners: Sequence[tuple[int, int]], **look: object) -> Markup:
    data = "M" + "L".join(f"{x} {y}" for x, y in corners)
    return tag("path", d=data, fill="none", stroke_linejoin="round", **look)


def tornado_plot(
    bars: Sequence[tuple[str, float, float]], base: float, words: Words, *, title: str, about: str
) -> Markup:
    """Draw what a figure becomes at both ends of each driver (its words, at the low end, at the high end)."""
    left, right, top, step = 880, 90, 20, 62
    ends = [end for _, low, high in bars for end in (low, high)] + [base, 0.0]
    lowest, widest = min(ends), (max(ends) - min(ends)) or 1.0

    def x(value: float) -> int:
        return round(left + (WIDTH - left - right) * (value - lowest) / widest)

    height = top + step * len(bars) + 70
    parts: list[str] = []
    for at, (name, low, high) in enumerate(bars):
        y = top + step * at
        for end, colour in ((low, LOW_END), (high, INKS["deep"])):
            start, stop = sorted((x(base), x(end)))
            parts.append(tag("rect", x=start, y=y + 8, width=stop - start, height=step - 18, fill=colour))
        parts.append(label(name, left - 24, y + 42, size=30, anchor="end"))
    bottom = height - 60
    for value, colour in ((0.0, INKS["frame"]), (base, INK)):
        parts.append(tag("line", x1=x(value), x2=x(value), y1=top - 10, y2=bottom, stroke=colour, stroke_width=3))
    # Nought and the middle must not write over each other.
    apart = abs(x(base) - x(0.0)) > 160
    shown = [base, *([0.0] if apart else [])]
    parts += [label(words.number(round(value)), x(value), height - 22, size=28, anchor="middle") for value in shown]
    return svg(height, parts, title, about)


def _pairs_plot(
    rows: Sequence[tuple[str, float, float]], words: Words, *, names: tuple[str, str], title: str, about: str
) -> Markup:
    """Draw two figures of each row (its words, the first, the second) as bars below each other, under a caption."""
    left, right, top, step = 620, 220, 64, 84
    widest = max((value for _, *both in rows for value in both), default=0.0) or 1.0
    colours = (LOW_END, INKS["deep"])
    parts: list[str] = []
    for at, (name, colour) in enumerate(zip(names, colours, strict=True)):
        x = left + at * (WIDTH - left) // 2
        parts += [tag("rect", x=x, y=12, width=30, height=30, fill=colour), label(name, x + 44, 38, size=28)]
    for at, (name, *both) in enumerate(rows):
        y = top + step * at
        parts.append(label(name, left - 24, y + 46, size=30, anchor="end"))
        for low, (value, colour) in enumerate(zip(both, colours, strict=True)):
            width = round((WIDTH - left - right) * max(value, 0.0) / widest)
            parts.append(tag("rect", x=left, y=y + 6 + 34 * low, width=width, height=30, fill=colour))
            parts.append(label(words.number(round(value)), left + width + 12, y + 31 + 34 * low, size=26))
    return figure(svg(top + step * len(rows) + 16, parts, title, about), title)


def pairs_figure(pairs: Pairs | None, words: Words, about: str) -> Markup:
    """Draw pairs with their title below; nothing where there are none."""
    if pairs is None or not pairs.rows:
        return Markup("")
    return _pairs_plot(pairs.rows, words, names=pairs.names, title=pairs.title, about=about)


def week_plot(panels: Sequence[tuple[str, Floats]], days: Sequence[str], *, title: str, about: str) -> Markup:
    """Draw weeks side by side: of each its words, and a figure of every day and hour (7 x 24), darkest where most."""
    hours = np.flatnonzero(np.sum([grid.sum(axis=0) for _, grid in panels], axis=0)) if panels else np.arange(0)
    first, last = (int(hours[0]), int(hours[-1]) + 1) if len(hours) else (8, 18)
    left, top, high, gap = 70, 96, 30, 40
    half = (WIDTH - gap) // 2
    wide = (half - left) / (last - first)
    parts: list[str] = []
    for at, (name, grid) in enumerate(panels):
        x, y = at % 2 * (half + gap), at // 2 * (top + high * len(days) + gap)
        parts.append(label(name, x, y + 34, size=28))
        for hour in range(first + first % 2, last, 2):
            parts.append(label(str(hour), round(x + left + wide * (hour - first)), y + top - 12, size=24))
        for row, day in enumerate(days):
            parts.append(label(day, x, y + top + high * row + 24, size=24))
            for hour in range(first, last):
                part = grid[row, hour] / (grid.max() or 1.0)
                if part > 0:
                    box = {"x": round(x + left + wide * (hour - first)), "y": y + top + high * row}
                    size = {"width": round(wide) - 2, "height": high - 2}
                    parts.append(
                        tag("rect", **box, **size, fill=INKS["deep"], fill_opacity=f"{0.08 + 0.92 * part:.2f}")
                    )
        frame = {"x": x + left, "y": y + top, "width": half - left, "height": high * len(days)}
        parts.append(tag("rect", **frame, fill="none", stroke=INKS["edge"], stroke_width=2))
    rows = (len(panels) + 1) // 2
    return svg(rows * (top + high * len(days) + gap), parts, title, about)


def shares_of(curve: pd.DataFrame, people: float) -> tuple[list[float], list[float], list[float]]:
    """Read a coverage curve: the counts of sites, the share covered, from `share` or from people, and the bounds."""
    counts = curve["sites"] if "sites" in curve else curve["count"] if "count" in curve else pd.Series(curve.index)
    if "share" in curve:
        return counts.astype(float).to_list(), curve["share"].astype(float).to_list(), []
    amount = next((curve[name] for name in ("covered", "people") if name in curve), None)
    if amount is None or not people > 0:
        return [], [], []
    bounds = (
        (curve["bound"].astype(float) / people).to_list() if "bound" in curve and curve["bound"].notna().all() else []
    )
    return counts.astype(float).to_list(), (amount.astype(float) / people).to_list(), bounds
