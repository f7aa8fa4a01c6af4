"""The cells of a map: people and minutes in classes that a legend can name."""

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from siteplan.catalogue import BEST, PEOPLE, Measure, by_mode, measures
from siteplan.output.areas import EYE_M
from siteplan.output.maps.layers import Layer, key, plain_layer
from siteplan.output.maps.shapes import metric, pack, to_degrees
from siteplan.output.palette import INKS, PAPER, class_colours, minute_classes
from siteplan.words import Said, Tongues, half_up, say, word

__all__ = ["cell_data", "cell_layers", "of_one_kind"]

OPACITY = {"people": (0.6, 0.8), "minutes": (0.65, 0.65)}  # of the first and the last class: the few recede
NOBODY, UNKNOWN = "-", "?"
DOTS = "."  # a grey of its own would look like a class, or like the ground
MANY_CORNERS = 12  # a grid's cells have 4 to 6: they stay as they are
PLACE_M = 30.0  # metres around the place of a cell that is a point
UNEQUAL = 3.0  # from here on, the shade of a count would show the cells' sizes


def of_one_kind(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give cells that are all points, or all areas: a point among areas becomes a circle of `PLACE_M` metres."""
    places = (shapely.get_dimensions(cells.geometry.to_numpy()) == 0) & ~cells.is_empty.to_numpy()
    if not places.any() or places.all():
        return cells
    circles = metric(cells.geometry[places]).buffer(PLACE_M).to_crs(cells.crs)
    return cells.set_geometry(cells.geometry.where(~places, circles.reindex(cells.index)))


def cell_data(cells: gpd.GeoDataFrame, sites: list[str]) -> dict[str, Any]:
    """Give the cells' shapes, and the columns that a cell's card shows."""
    place = {site: at for at, site in enumerate(sites)}
    timed = [each for each in measures(cells, ["minutes"]) if each.mode != BEST]
    covered = measures(cells, ["covered"])
    nearest = Measure("site", PEOPLE, BEST).column
    best = cells[nearest] if nearest in cells else pd.Series(None, index=cells.index, dtype=object)
    return {
        "names": [str(cell) for cell in cells.index],
        "shapes": pack(_shapes(cells)),
        "points": bool((cells.geom_type == "Point").all()),
        "people": [half_up(each) if np.isfinite(each) else None for each in cells["people"]],
        "minutes": {each.mode: _values(cells[each.column]) for each in timed},
        "covered": [[each.mode, each.minutes, _values(cells[each.column] * 100)] for each in covered],
        "best": [place.get(str(site), -1) for site in best],
    }


def cell_layers(cells: gpd.GeoDataFrame, tongues: Tongues) -> list[Layer]:
    """Give the layer of people and one for each column of minutes; one is shown at a time, at first `minutes_best`."""
    timed = by_mode(cells, "minutes")
    known = BEST in timed
    if len(timed) == 2:  # the best of one mode is that mode
        timed.pop(BEST, None)
    layers = [_people(cells, tongues), *(_minutes(cells[timed[mode]], mode, tongues) for mode in timed)]
    layers[-1 if known else 0]["on"] = True
    return layers


def _people(cells: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    people = cells["people"].to_numpy(dtype=float)
    area = metric(cells.geometry).area.to_numpy() / 1e6
    dense = _unequal(area)
    shown = people / np.where(area > 0, area, np.nan) if dense else people
    positive = shown[shown > 0]
    breaks = _quantile_breaks(positive)
    classes = np.searchsorted(breaks, shown, side="left").astype(str).astype(object)
    classes[shown == 0] = NOBODY
    classes[~np.isfinite(shown)] = UNKNOWN
    texts = _class_texts(breaks, tongues) if len(breaks) else _one_class(positive, tongues)
    label = word(tongues, "cells_density" if dense else "cells_people")
    special = {NOBODY: word(tongues, "nobody"), UNKNOWN: word(tongues, "withheld")}
    return _layer("people", label, classes, texts, special=special, tongues=tongues)


def _class_texts(breaks: NDArray[np.float64], tongues: Tongues) -> list[Said]:
    first = say(tongues, lambda words: f"{words['up_to']} {words.number(breaks[0])}")
    last = say(tongues, lambda words: f"{words['over']} {words.number(breaks[-1])}")
    return [first, *(_between(low, high, tongues) for low, high in pairwise(breaks)), last]


def _between(low: float, high: float, tongues: Tongues) -> Said:
    return say(tongues, lambda words: f"{words.number(low)} – {words.number(high)}")


def _one_class(values: NDArray[np.float64], tongues: Tongues) -> list[Said]:
    if not len(values):
        return []
    return [say(tongues, lambda words: f"{words['up_to']} {words.number(np.ceil(values.max()))}")]


def _minutes(values: "pd.Series[float]", mode: str, tongues: Tongues) -> Layer:
    minutes = values.to_numpy(dtype=float)
    longest = float(np.nanmax(minutes)) if np.isfinite(minutes).any() else 5.0
    ends = minute_classes(longest)
    classes = np.searchsorted(ends, minutes, side="left").astype(str).astype(object)
    classes[~np.isfinite(minutes)] = UNKNOWN
    texts = [_minute_class(low, high, tongues) for low, high in pairwise([0.0, *ends])]
    label = say(tongues, lambda words: words.text("minutes_by", mode=words.mode(mode)))
    special = {UNKNOWN: word(tongues, "out_of_reach")}
    layer = _layer(f"minutes {mode}", label, classes, texts, special=special, tongues=tongues)
    return layer | {"note": word(tongues, "minutes_note")}


def _minute_class(low: float, high: float, tongues: Tongues) -> Said:
    return say(tongues, lambda words: f"{low:g} – {high:g} {words['minute']}")


def _layer(
    name: str,
    label: Said,
    classes: NDArray[np.object_],
    texts: list[Said],
    *,
    special: dict[str, Said],
    tongues: Tongues,
) -> Layer:
    sequence = name.split()[0]
    colours = class_colours(sequence, len(texts))
    opacity = np.linspace(*OPACITY[sequence], len(texts)).round(2)
    fills = {str(at): (colour, float(opacity[at]), "") for at, colour in enumerate(colours)}
    fills |= {NOBODY: (PAPER, 0.6, ""), UNKNOWN: (INKS["unknown"], 1.0, DOTS)}
    occurring = set(classes)
    named = {**{str(at): text for at, text in enumerate(texts)}, **special}
    keys = [(fills[each], text) for each, text in named.items() if each not in special or each in occurring]
    legend = [key("cell", text, fill, PAPER, opacity=opacity, hatch=hatch) for (fill, opacity, hatch), text in keys]
    look: dict[str, Any] = {"label": label, "group": "cells", "on": False}
    return plain_layer(f"cells {name}", "cells", legend, tongues, **look, classes="".join(classes), fills=fills)


def _shapes(cells: gpd.GeoDataFrame) -> gpd.GeoSeries:
    corners = int(shapely.get_num_coordinates(cells.geometry.to_numpy()).sum())
    if corners <= MANY_CORNERS * max(len(cells), 1):
        return to_degrees(cells.geometry)
    place = metric(cells.geometry)  # neighbours keep their common border: no slits between them
    return to_degrees(
        gpd.GeoSeries(shapely.coverage_simplify(place.to_numpy(), EYE_M), index=cells.index, crs=place.crs)
    )


def _unequal(area: NDArray[np.float64]) -> bool:
    area = area[area > 0]
    return bool(len(area)) and bool(np.quantile(area, 0.95) > UNEQUAL * np.quantile(area, 0.05))


def _quantile_breaks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut positive values into five classes of about equal size, at numbers of two digits."""
    if not len(values):
        return np.array([])
    raw = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
    unit = 10.0 ** np.maximum(np.floor(np.log10(raw)) - 1, 0)
    rounded: NDArray[np.float64] = np.unique(np.maximum(np.round(raw / unit) * unit, 1))
    below: NDArray[np.float64] = rounded[rounded < values.max()]
    return below


def _values(column: "pd.Series[float]") -> list[float | None]:
    return [None if not np.isfinite(each) else int(each) if each == int(each) else round(each, 1) for each in column]
