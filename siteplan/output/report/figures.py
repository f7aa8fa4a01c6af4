"""Maps for paper."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.catalogue import PEOPLE, Measure, by_mode
from siteplan.inputs.basemap import place_ranks
from siteplan.output.maps.shapes import in_a_grid, lines_of_class
from siteplan.output.palette import (
    CHOSEN,
    GREEN,
    INK,
    INKS,
    MISSING,
    OUTLINE,
    RAILWAY,
    STATUS,
    STREET,
    WATER,
    class_colours,
)
from siteplan.output.report.drawing import WIDTH, label, svg
from siteplan.output.report.markup import Markup, join, tag
from siteplan.words import Words

__all__ = [
    "Frame",
    "Ground",
    "Mark",
    "area_key",
    "area_map",
    "crowded",
    "dot_key",
    "focus",
    "minutes_key",
    "minutes_map",
    "site_map",
    "status_key",
]

Floats = npt.NDArray[np.float64]
Look = dict[str, Any]

TALLEST, FLATTEST = 0.6, 0.5  # height over width: two maps, with their captions, fill a page
EYE = 1.5  # units: what is finer than this is not seen
RADIUS = 23
LABELLED = 60  # sites with a number on the map; more would hide it
STREETS = {"motorway": 7, "trunk": 7, "primary": 6, "secondary": 5, "tertiary": 3, "unclassified": 2, "residential": 2}
MAIN = tuple(STREETS)[:5]
STREET_BUDGET = 250_000  # characters; the page stays small enough to be sent by mail
HATCH, DOTS = "hatch", "dots"  # the patterns of the page
OPACITY = 0.85  # of cells
LETTER = 0.56  # width of a letter over its height, on average


@dataclass(frozen=True)
class Frame:
    """What part of the ground is drawn: west and north edge in metres, units per metre, height in units."""

    west: float
    north: float
    scale: float
    height: int

    @classmethod
    def around(cls, bounds: Sequence[float], *, margin: float = 0.04, tallest: float = TALLEST) -> "Frame":
        """Make the frame that shows some bounds (west, south, east, north), not too tall and not too flat."""
        west, south, east, north = bounds
        across = max(east - west, (north - south) / tallest, 500.0) * (1 + 2 * margin)
        down = max((north - south) * (1 + 2 * margin), across * FLATTEST)
        scale = WIDTH / across
        middle, centre = (west + east) / 2, (south + north) / 2
        return cls(middle - across / 2, centre + down / 2, scale, round(down * scale))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The bounds of what is drawn, in metres."""
        return self.west, self.north - self.height / self.scale, self.west + WIDTH / self.scale, self.north

    def units(self, corners: Floats) -> Floats:
        """Give positions in metres as whole units from the upper left corner."""
        placed: Floats = np.rint((corners - (self.west, self.north)) * (self.scale, -self.scale))
        return placed

    def holds(self, at: Floats) -> npt.NDArray[np.bool_]:
        """Tell which positions, in units, lie inside."""
        inside = (at >= 0) & (at <= (WIDTH, self.height))
        return inside[:, 0] & inside[:, 1]


@dataclass(frozen=True)
class Ground:
    """What lies under every map, in metres; each may be missing."""

    green: gpd.GeoDataFrame | None = None
    water: gpd.GeoDataFrame | None = None
    streets: gpd.GeoDataFrame | None = None
    railways: gpd.GeoDataFrame | None = None
    communes: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    cells: gpd.GeoDataFrame | None = None
    _drawn: dict[tuple[Frame, bool], Markup] = field(default_factory=dict, init=False, repr=False, compare=False)
    _apart: dict[str, npt.NDArray[np.object_]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def lines(self, name: str) -> npt.NDArray[np.object_]:
        """Give the lines of a class of streets, each apart, with those of its links."""
        assert self.streets is not None  # noqa: S101 - who asks has looked
        if name not in self._apart:
            self._apart[name] = lines_of_class(self.streets, name)
        return self._apart[name]

    @cached_property
    def unite(self) -> Callable[[npt.NDArray[np.object_]], shapely.Geometry]:
        """How some of the cells become one shape: tenfold as quick where they meet in whole edges and nowhere else."""
        shapes = np.array([], dtype=object) if self.cells is None else self.cells.geometry.to_numpy()
        whole = in_a_grid(shapes) or ((shapely.get_dimensions(shapes) == 2).all() and shapely.coverage_is_valid(shapes))
        return shapely.coverage_union_all if whole else shapely.union_all


@dataclass(frozen=True)
class Mark:
    """A site on the map: place in metres, status, what is written in it, and whether it is chosen to open."""

    x: float
    y: float
    status: str
    label: str = ""
    chosen: bool = False


def focus(sites: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | None) -> tuple[float, float, float, float]:
    """Give the bounds of what a reader wants to see: the sites but the excluded, and the cells within reach."""
    shown = sites[sites["status"] != "excluded"] if (sites["status"] != "excluded").any() else sites
    boxes = [shown.total_bounds]
    timed = [] if cells is None else list(by_mode(cells, "minutes").values())
    if cells is not None and timed:
        boxes.append(cells[cells[timed].notna().any(axis=1)].total_bounds)
    known = np.array([box for box in boxes if np.isfinite(box).all()])
    if not len(known):
        return 0.0, 0.0, 1000.0, 1000.0
    west, south = known[:, :2].min(axis=0)
    east, north = known[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)


def crowded(marks: Sequence[Mark], frame: Frame) -> tuple[float, float, float, float] | None:
    """Give the bounds of the middle where sites stand too close for the frame; None where they do not."""
    if len(marks) < 4:
        return None
    at = np.array([(mark.x, mark.y) for mark in marks])
    apart = np.hypot(*(frame.units(at)[:, None] - frame.units(at)[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    if (apart.min(axis=0) < 3 * RADIUS).mean() < 1 / 3:
        return None
    middle = np.median(at, axis=0)
    distance = np.hypot(*(at - middle).T)
    close = at[distance <= np.quantile(distance, 0.6)]
    (west, south), (east, north) = close.min(axis=0), close.max(axis=0)
    if max(east - west, north - south) > 0.5 * WIDTH / frame.scale:
        return None
    return float(west), float(south), float(east), float(north)


# ---- maps ----


def site_map(
    frame: Frame, ground: Ground, marks: Sequence[Mark], words: Words, *, title: str, about: str, fine: bool = False
) -> Markup:
    """Draw the sites with their numbers on the ground, with the names of places."""
    seen = [mark for mark in marks if frame.holds(frame.units(np.array([[mark.x, mark.y]])))[0]]
    at = frame.units(np.array([(mark.x, mark.y) for mark in seen]).reshape(-1, 2))
    placed = _apart(at)
    taken = [(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in placed.tolist()]
    return _drawing(
        frame,
        [
            _ground(frame, ground, fine=fine),
            _outlines(frame, ground),
            _names(frame, ground, taken),
            _leaders(at, placed),
            *(_mark(mark, x, y) for mark, (x, y) in zip(seen, placed.tolist(), strict=True)),
            _scale_and_north(frame, words),
        ],
        title,
        about,
    )


def minutes_map(
    frame: Frame,
    ground: Ground,
    cells: gpd.GeoDataFrame,
    mode: str,
    *,
    ends: Sequence[float],
    marks: Sequence[Mark],
    words: Words,
    title: str,
    about: str,
    size: float = 1.0,
) -> Markup:
    """Draw the minutes of each cell in classes that end at `ends`; what is out of reach is hatched, unknown dotted.

    `size` multiplies what must be legible where maps are printed small.
    """
    minutes = cells[Measure("minutes", PEOPLE, mode).column].to_numpy(dtype=float)
    people = cells["people"].to_numpy(dtype=float)
    shapes = cells.geometry.to_numpy()
    kind = np.searchsorted(np.asarray(ends), minutes, side="left")
    parts = [_ground(frame, ground)]
    for number_of, colour in enumerate(class_colours("minutes", len(ends))):
        parts.append(_cells(frame, ground, shapes[np.isfinite(minutes) & (kind == number_of)], colour))
    away = ~np.isfinite(minutes)
    parts.append(_cells(frame, ground, shapes[away & (people > 0)], f"url(#{HATCH})"))
    parts.append(_cells(frame, ground, shapes[away & np.isnan(people)], f"url(#{DOTS})"))
    dots = [_dot(frame, mark, size**0.5) for mark in marks if mark.status != "excluded"]
    parts += [_outlines(frame, ground), *dots, _scale_and_north(frame, words, size)]
    return _drawing(frame, parts, title, about)


def area_map(
    frame: Frame,
    ground: Ground,
    today: npt.NDArray[np.object_],
    planned: npt.NDArray[np.object_],
    *,
    marks: Sequence[Mark],
    words: Words,
    title: str,
    about: str,
) -> Markup:
    """Draw the area within reach of the open sites, and the outline of what other sites would make of it."""
    wide: Look = {"fill": CHOSEN, "fill_opacity": 0.16, "stroke": CHOSEN, "stroke_width": 3}
    parts = [
        _ground(frame, ground),
        _shape(frame, _merged(frame, planned), closed=True, **wide),
        _shape(
            frame,
            _merged(frame, today),
            closed=True,
            fill=INK,
            fill_opacity=0.3,
            stroke=INK,
            stroke_width=3,
        ),
        _outlines(frame, ground),
        *(_dot(frame, mark) for mark in marks if mark.status != "excluded"),
        _scale_and_north(frame, words),
    ]
    return _drawing(frame, parts, title, about)


# ---- legends ----


def status_key(statuses: Sequence[str], chosen: bool, words: Words) -> list[tuple[Markup, str]]:
    """Give the legend of the sites: a small drawing and its words for each status, and for the chosen."""
    found = [
        (_swatch(_mark(Mark(0, 0, status), 30, 30)), words[status]) for status in STATUS if status in set(statuses)
    ]
    return [*found, (_swatch(_halo(30, 30)), words["chosen_new"])] if chosen else found


def minutes_key(ends: Sequence[float], words: Words, *, away: bool, unknown: bool) -> list[tuple[Markup, str]]:
    """Give the legend of the minutes."""
    starts = [0.0, *ends[:-1]]
    texts = [
        f"{words.number(start)}–{words.number(end)} {words['minute']}" for start, end in zip(starts, ends, strict=True)
    ]
    key = [(_box(colour), text) for colour, text in zip(class_colours("minutes", len(ends)), texts, strict=True)]
    if away:
        key.append((_box(f"url(#{HATCH})"), words["out_of_reach"]))
    if unknown:
        key.append((_box(f"url(#{DOTS})"), words["withheld"]))
    return key


def area_key(words: Words, planned: str) -> list[tuple[Markup, str]]:
    """Give the legend of the areas within reach."""
    wide = tag("rect", x=6, y=14, width=48, height=32, fill=CHOSEN, fill_opacity=0.16, stroke=CHOSEN, stroke_width=4)
    now = tag("rect", x=6, y=14, width=48, height=32, fill=INK, fill_opacity=0.3, stroke=INK, stroke_width=3)
    return [(_swatch(now), words["area_today"]), (_swatch(wide), planned)]


def dot_key(words: Words, *, opened: bool, considered: bool, chosen: bool) -> list[tuple[Markup, str]]:
    """Give the legend of the small sites."""
    square = tag("rect", x=14, y=14, width=32, height=32, fill=INK)
    circle = tag("circle", cx=30, cy=30, r=15, fill="#fff", stroke=INK, stroke_width=5)
    key = [(_swatch(square), words["open_line"])] if opened else []
    key += [(_swatch(circle), words["considered"])] if considered else []
    ring = tag("circle", cx=30, cy=30, r=15, fill="#fff", stroke=CHOSEN, stroke_width=10)
    return [*key, (_swatch(ring), words["chosen_new"])] if chosen else key


def _box(fill: str) -> Markup:
    return _swatch(
        tag("rect", x=4, y=10, width=52, height=40, fill=fill, fill_opacity=OPACITY, stroke=OUTLINE, stroke_width=2)
    )


def _swatch(drawn: Markup) -> Markup:
    return tag("svg", drawn, viewBox="0 0 60 60", class_="swatch", aria_hidden="true")


# ---- parts of a map ----


def _drawing(frame: Frame, parts: Sequence[str], title: str, about: str) -> Markup:
    ground = tag("rect", width=WIDTH, height=frame.height, fill=INKS["bright"])
    edge = {"x": 1.5, "y": 1.5, "width": WIDTH - 3, "height": frame.height - 3}
    border = tag("rect", **edge, fill="none", stroke=OUTLINE, stroke_width=3)
    return svg(frame.height, [ground, *parts, border], title, about)


def _ground(frame: Frame, ground: Ground, *, fine: bool = False) -> Markup:
    """Draw the ground, once for all maps that show the same part of it."""
    key = frame, fine
    if key not in ground._drawn:
        ground._drawn[key] = _draw_ground(frame, ground, fine=fine)
    return ground._drawn[key]


def _draw_ground(frame: Frame, ground: Ground, *, fine: bool) -> Markup:
    parts: list[str] = []
    if ground.green is not None:
        parts.append(_shape(frame, _merged(frame, ground.green.geometry.to_numpy()), closed=True, fill=GREEN))
    if ground.water is not None:
        parts += _water(frame, ground.water.geometry.to_numpy())
    parts += _streets(frame, ground, tuple(STREETS) if fine else MAIN)
    if ground.railways is not None:
        rails = ground.railways.geometry.to_numpy()
        parts.append(_shape(frame, rails, closed=False, fill="none", stroke=RAILWAY, stroke_width=5))
        parts.append(
            _shape(frame, rails, closed=False, fill="none", stroke="#fff", stroke_width=3, stroke_dasharray="14 14")
        )
    return tag("g", *parts)


def _water(frame: Frame, shapes: npt.NDArray[np.object_]) -> Iterator[Markup]:
    kinds = shapely.get_dimensions(shapes)
    yield _shape(frame, _merged(frame, shapes[kinds == 2]), closed=True, fill=WATER)
    yield _shape(frame, shapes[kinds == 1], closed=False, fill="none", stroke=WATER, stroke_width=6)


def _streets(frame: Frame, ground: Ground, classes: Sequence[str]) -> list[Markup]:
    """Draw the classes of streets from the greatest down, as far as the page's size allows."""
    drawn: list[Markup] = []
    for name in () if ground.streets is None else classes:
        look: Look = {"fill": "none", "stroke": STREET, "stroke_width": STREETS[name], "stroke_linejoin": "round"}
        drawn.append(_shape(frame, ground.lines(name), closed=False, **look))
        if sum(map(len, drawn)) > STREET_BUDGET:
            return drawn[:-1]
    return drawn[::-1]


def _outlines(frame: Frame, ground: Ground) -> Markup:
    if ground.communes is None:
        return Markup("")
    look: Look = {"fill": "none", "stroke": OUTLINE, "stroke_width": 3, "stroke_dasharray": "18 8 4 8"}
    return _shape(frame, ground.communes.geometry.to_numpy(), closed=True, **look)


def _names(frame: Frame, ground: Ground, taken: list[tuple[float, float, float, float]]) -> Markup:
    """Write the names of places (without any: of communes), the greatest first, where nothing is written yet."""
    written: list[str] = []
    for name, x, y, size in _labels(frame, ground):
        wide = len(name) * size * LETTER
        for up, along in _spots(wide, size):
            box = (x + along, y + up - size, x + along + wide, y + up + size * 0.3)
            inside = min(box[:2]) >= 8 and box[2] <= WIDTH - 8 and box[3] <= frame.height - 60
            if inside and not any(_meet(box, other) for other in taken):
                taken.append(box)
                written.append(label(name, round(x + along), round(y + up), size=size, halo=True))
                break
    return tag("g", *written)


def _spots(wide: float, size: int) -> Iterator[tuple[float, float]]:
    """Give the places of a name about its point (above, below, right, left), the nearest first; towns go farther."""
    for far in range(26, 60 if size < 38 else 240, 24):
        yield -far, -wide / 2
        yield far + size, -wide / 2
        yield size / 3, far
        yield size / 3, -far - wide


def _labels(frame: Frame, ground: Ground) -> Iterator[tuple[str, float, float, int]]:
    named = ground.places if ground.places is not None and len(ground.places) else ground.communes
    if named is None or "name" not in named:
        return
    points = shapely.point_on_surface(named.geometry.to_numpy())
    at = frame.units(shapely.get_coordinates(points))
    kinds = named["place"].astype(str) if "place" in named else pd.Series("village", index=named.index)
    for row in np.argsort(place_ranks(kinds), kind="stable"):
        if frame.holds(at[row : row + 1])[0]:
            size = {"city": 44, "town": 38, "village": 31}.get(kinds.iloc[row], 26)
            yield str(named["name"].iloc[row])[:60], float(at[row, 0]), float(at[row, 1]), size


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _apart(at: Floats) -> Floats:
    """Push marks apart until none hides another, the same way every time."""
    moved = at.astype(float)
    if not 1 < len(at) <= 4 * LABELLED:
        return moved
    turn = np.arange(len(at)) * 2.399963  # the golden angle: marks at one place leave it in different directions
    moved = moved + 0.01 * np.column_stack([np.cos(turn), np.sin(turn)])
    for _ in range(300):
        step = moved[:, None] - moved[None]
        distance = np.hypot(step[..., 0], step[..., 1])
        np.fill_diagonal(distance, np.inf)
        short = np.maximum(2 * RADIUS + 3 - distance, 0.0)
        if not (short > 0.5).any():
            break
        moved = moved + ((short / distance / 2)[..., None] * step).sum(axis=1) * 0.7
    settled: Floats = np.rint(moved)
    return settled


def _leaders(at: Floats, placed: Floats) -> Markup:
    """Lead from a mark that was pushed aside to its true place."""
    far = np.hypot(*(placed - at).T) > RADIUS / 2 if len(at) else []
    lines = [
        join(
            tag("line", x1=f"{x:g}", y1=f"{y:g}", x2=f"{u:g}", y2=f"{v:g}", stroke=INK, stroke_width=2),
            tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=5, fill=INK),
        )
        for (x, y), (u, v) in zip(at[far].tolist(), placed[far].tolist(), strict=True)
    ]
    return tag("g", *lines)


def _mark(mark: Mark, x: float, y: float) -> Markup:
    shape, fill, stroke, ink = STATUS.get(mark.status, STATUS["candidate"])
    look: Look = {"fill": fill, "stroke": stroke, "stroke_width": 3}
    drawn = {
        "square": tag("rect", x=f"{x - 21:g}", y=f"{y - 21:g}", width=42, height=42, **look),
        "diamond": tag("path", d=f"M{x:g} {y - 29:g}l29 29-29 29-29-29z", **look),
        "circle": tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=RADIUS, **look),
        "cross": tag("path", d=f"M{x - 14:g} {y - 14:g}l28 28m0-28l-28 28", fill="none", stroke=stroke, stroke_width=6),
    }[shape]
    halo = _halo(x, y) if mark.chosen else Markup("")
    if not mark.label or shape == "cross":
        return join(halo, drawn)
    size = 27 if len(mark.label) < 3 else 20
    name = tag("text", mark.label, x=f"{x:g}", y=f"{y + size * 0.36:g}", font_size=size, class_="mark", fill=ink)
    return join(halo, drawn, name)


def _halo(x: float, y: float) -> Markup:
    return tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=RADIUS + 6, fill="#fff", stroke=CHOSEN, stroke_width=8)


def _dot(frame: Frame, mark: Mark, size: float = 1.0) -> Markup:
    """Draw a site small: filled when open, ringed when chosen."""
    ((x, y),) = frame.units(np.array([[mark.x, mark.y]])).tolist()
    if not frame.holds(np.array([[x, y]]))[0]:
        return Markup("")
    if mark.status in ("existing", "required"):
        side = round(24 * size)
        look = {"fill": INK, "stroke": "#fff", "stroke_width": 3}
        return tag("rect", x=f"{x - side // 2:g}", y=f"{y - side // 2:g}", width=side, height=side, **look)
    look = {"fill": "#fff", "stroke": CHOSEN if mark.chosen else INK, "stroke_width": 8 if mark.chosen else 3}
    return tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=round(11 * size), **look)


def _scale_and_north(frame: Frame, words: Words, size: float = 1.0) -> Markup:
    metres = 0.22 * WIDTH / frame.scale
    step = 10 ** math.floor(math.log10(metres))
    long = max(each * step for each in (1, 2, 5) if each * step <= metres)
    wide, font = round(long * frame.scale), round(28 * size)
    text = f"{words.number(long / 1000)} km" if long >= 1000 else f"{words.number(long)} m"
    low, right = frame.height - 30, round(WIDTH - 66 * size)
    tip = round(20 * size)
    return tag(
        "g",
        tag("rect", x=20, y=low - font - 34, width=wide + 40, height=font + 50, fill="#fff", fill_opacity=0.85),
        tag("path", d=f"M40 {low - 14}v14h{wide}v-14", fill="none", stroke=INK, stroke_width=5),
        label(text, 40 + wide // 2, low - 24, size=font, anchor="middle"),
        tag("circle", cx=right, cy=round(74 * size), r=round(58 * size), fill="#fff", fill_opacity=0.85),
        tag("path", d=f"M{right} {tip + 10}l{tip} {3 * tip}-{tip}-{tip // 2}-{tip} {tip // 2}z", fill=INK),
        label(words["north"], right, round(120 * size), size=font, anchor="middle"),
    )


def _cells(frame: Frame, ground: Ground, shapes: npt.NDArray[np.object_], fill: str) -> Markup:
    """Draw cells of one class as one shape, so that no lines of the grid remain; points as dots."""
    if not len(shapes):
        return Markup("")
    if (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():
        at = frame.units(shapely.get_coordinates(shapes))
        dots = "".join(f"M{x:g} {y:g}h0" for x, y in at[frame.holds(at)].tolist())
        ink = MISSING if fill.startswith("url") else fill
        return tag("path", d=dots, fill="none", stroke=ink, stroke_width=14, stroke_linecap="round")
    look = {"fill": fill, "fill_opacity": OPACITY}
    return _shape(frame, shapely.get_parts(ground.unite(shapes)), closed=True, simplify=False, **look)


def _merged(frame: Frame, shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Unite areas, simplified as far as the eye does not see."""
    plain = shapely.simplify(_near(frame, shapes), EYE / frame.scale, preserve_topology=False)
    united: npt.NDArray[np.object_] = shapely.get_parts(shapely.union_all(plain))
    return united


def _near(frame: Frame, shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Leave out what lies outside the frame."""
    (west, south, east, north), (left, low, right, high) = frame.box, shapely.bounds(shapes).T
    near: npt.NDArray[np.object_] = shapes[(left <= east) & (right >= west) & (low <= north) & (high >= south)]
    return near


def _shape(
    frame: Frame, shapes: npt.NDArray[np.object_], *, closed: bool, simplify: bool = True, **look: object
) -> Markup:
    """Draw lines or areas as one path; nothing where none lies in the frame."""
    data = _path(frame, shapes, closed=closed, tolerance=EYE / frame.scale if simplify else 0.0)
    rule = {"fill_rule": "evenodd"} if closed else {}
    return tag("path", d=data, **rule, **look) if data else Markup("")


def _path(frame: Frame, shapes: npt.NDArray[np.object_], *, closed: bool, tolerance: float) -> str:
    west, south, east, north = frame.box
    slack = 20 / frame.scale  # so that no outline runs along the edge of the map
    many = shapely.get_type_id(shapes) > shapely.GeometryType.POLYGON
    parts = _near(frame, shapely.get_parts(shapes) if many.any() else shapes)
    plain = shapely.simplify(parts, tolerance, preserve_topology=False) if tolerance else parts
    inside = shapely.clip_by_rect(plain, west - slack, south - slack, east + slack, north + slack)
    pieces = shapely.get_parts(inside)
    lines = shapely.get_rings(pieces) if closed else pieces[shapely.get_dimensions(pieces) == 1]
    corners, line = shapely.get_coordinates(lines, return_index=True)
    if not len(corners):
        return ""
    at = frame.units(corners).astype(np.int64)
    new = np.ones(len(at), dtype=bool)
    new[1:] = (line[1:] != line[:-1]) | (at[1:] != at[:-1]).any(axis=1)
    at, line = at[new], line[new]
    return _runs(at, np.append(np.flatnonzero(np.diff(line, prepend=-1)), len(at)), closed=closed)


def _runs(corners: npt.NDArray[np.int64], bounds: npt.NDArray[np.int64], *, closed: bool) -> str:
    """Write each line as steps from corner to corner; a closed one without its last corner, which is its first."""
    many = np.diff(bounds) - closed
    there = many >= (3 if closed else 2)
    first, many = bounds[:-1][there], many[there]
    if not len(first):
        return ""
    begins = np.cumsum(many) - many  # where each of those lines begins in what is written
    steps = np.diff(corners, axis=0, prepend=0)
    steps[first] = corners[first]
    steps = steps[np.arange(many.sum()) + np.repeat(first - begins, many)]
    before = np.where(steps < 0, "", " ").astype(object)
    before[begins, 0], before[begins, 1], before[begins + 1, 0] = "zM" if closed else "M", " ", "l"
    before[0, 0] = "M"
    parts = itertools.chain.from_iterable(zip(before.ravel().tolist(), map(str, steps.ravel().tolist()), strict=True))
    return "".join(parts) + ("z" if closed else "")
