"""Candidate sites proposed from OpenStreetMap: places that could house a telecentre, by a table of tags."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.doors import door
from siteplan.errors import InputError, StudyError, listed, warn
from siteplan.geo import LONLAT, metric_crs
from siteplan.inputs.extract import Layer, Scan, read_layers
from siteplan.inputs.opl import all_tags, read_nodes, read_relations, read_ways
from siteplan.yamls import read_yaml

__all__ = ["CANDIDATE_TAGS", "propose_sites", "read_tags"]

CANDIDATE_TAGS = Path(__file__).with_name("candidates.yaml")
SAME_PLACE = 100.0  # metres within which two places of one name and kind are one place
NEAR_PLACE = 3_000.0  # metres within which a named town or village helps to name what has no name

Alternative: TypeAlias = dict[str, tuple[str, ...]]  # every key must be there with one of the values
TagTable: TypeAlias = dict[str, list[Alternative]]


@dataclass(frozen=True)
class _Place:
    """One OpenStreetMap object that fits a kind; `shape` in degrees."""

    osm: str
    kind: str
    tags: dict[str, str]
    shape: shapely.Geometry

    @property
    def name(self) -> str:
        return self.tags.get("name", "").strip()

    @property
    def address(self) -> tuple[str, ...]:
        """Street (or place) and number; nothing where either is not told."""
        street = self.tags.get("addr:street", self.tags.get("addr:place", "")).strip().casefold()
        number = self.tags.get("addr:housenumber", "").strip().casefold()
        return (street, number) if street and number else ()

    @property
    def point(self) -> shapely.Point:
        """A point inside the outline."""
        return shapely.point_on_surface(self.shape)


@door()
def propose_sites(
    osm_path: str | PathLike[str],
    *,
    tags: str | PathLike[str] | Mapping[str, Any] | None = None,
    area: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Propose candidate sites from an OpenStreetMap extract: libraries, town halls, stations, vacant offices and more.

    A place is a node, a closed way or a multipolygon; the last two stand at a point inside their outline. What is
    mapped twice (inside an outline of its kind, or within 100 m with its kind and name) is kept once and counted. Of
    places of several kinds in one building (inside its outline, or at its address) that of the kind that stands first
    in the table of tags is kept, and the others are told.

    Parameters
    ----------
    osm_path
        `.osm.pbf` or `.osm` with all tags; may be clipped.
    tags
        Table of kinds: a YAML file or a mapping written like `candidates.yaml`, which is taken when None.
    area
        Polygons with a CRS; only places in them are proposed.

    Returns
    -------
    Sites in EPSG:4326, sorted by kind (in the table's order) and identifier. Index `site` (n123 for node 123, w for
    ways, r for relations); columns `name` (of the place, or its kind and where it is), `status` (candidate), `cost` and
    `capacity` (missing), `kind`, `place` (nearest town, village or suburb), `osm`, `geometry` (points).

    Raises
    ------
    InputError
        For a file that is missing, cut short or not OpenStreetMap, or an area without CRS.
    StudyError
        For a table of tags that is not one.

    Warns
    -----
    SiteplanWarning
        If outlines are left out because the extract cut all their nodes away, or nothing fits.

    Examples
    --------
    >>> sp.propose_sites("streets.osm.pbf")["kind"].value_counts().head(3)
    kind
    community centre    8
    town hall           8
    school              7
    Name: count, dtype: int64
    """
    table = read_tags(CANDIDATE_TAGS if tags is None else tags)
    file = Path(osm_path)
    ((places, towns, lost),) = read_layers(file, candidates_layer(table))
    if lost:
        text = f"{file}: {lost:,} places are left out, because the extract does not hold their outlines"
        warn(text)
    inside = places if area is None else _within(places, area)
    once = _merged(inside)
    if len(once) < len(inside):
        text = f"{file}: {len(inside) - len(once):,} of {len(inside):,} places are mapped twice and kept once"
        warn(text)
    found, beside = _by_building(once, list(table))
    if beside:
        told = listed((f"{place.osm} ({place.kind})" for place in beside), most=5)
        text = f"{file}: {len(beside):,} of {len(once):,} places stand in one building with another, which is proposed"
        warn(f"{text} for both: {told}")
    if not found:
        elsewhere = f"none of the {len(places):,} places that fit is in the area: is it the extract of another place?"
        nothing = f"no place fits the table of tags ({', '.join(table)}): was the extract made with all its tags?"
        text = f"{file}: {elsewhere if places else nothing}"
        warn(text)
    return _as_sites(found, towns, list(table))


def read_tags(source: str | PathLike[str] | Mapping[str, Any]) -> TagTable:
    """Read a table of kinds from a YAML file or a mapping; its form is told at the top of `candidates.yaml`.

    Raises
    ------
    InputError
        If the file cannot be read.
    StudyError
        Naming the kind that is not a list of tags.
    """
    if isinstance(source, Mapping):
        where, raw = "tags", source
    else:
        where, raw = str(source), read_yaml(Path(source), "a table of tags (YAML)")
    if not isinstance(raw, Mapping) or not raw:
        raise StudyError(f"{where}: expected kinds with lists of tags, such as library: [{{amenity: library}}]")
    return {str(kind): _alternatives(where, str(kind), entries) for kind, entries in raw.items()}


def _alternatives(where: str, kind: str, entries: Any) -> list[Alternative]:
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list) or not entries or not all(isinstance(one, Mapping) and one for one in entries):
        raise StudyError(f"{where}: {kind} is {entries!r}, expected a list of tags such as [{{amenity: library}}]")
    return [{str(key): _values(where, kind, value) for key, value in one.items()} for one in entries]


def _values(where: str, kind: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str | bool | int) for one in values):
        raise StudyError(f"{where}: {kind} has the value {value!r}, expected a text, a list of texts or '*'")
    # YAML 1.1 reads a bare yes as true; in OpenStreetMap it is the text
    return tuple({True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one) for one in values)


def kind_of(tags: Mapping[str, str], table: TagTable) -> str | None:
    """Return the first kind that the tags fit, or None."""
    for kind, alternatives in table.items():
        if any(all(_fits(tags.get(key), values) for key, values in one.items()) for one in alternatives):
            return kind
    return None


def _fits(value: str | None, values: tuple[str, ...]) -> bool:
    return value is not None and (value in values or ("*" in values and value != "no"))


def candidates_layer(table: TagTable) -> Layer[tuple[list[_Place], list[_Place], int]]:
    """Return what is looked for in an extract: places that fit, towns, and how many outlines have no position."""
    keys = frozenset(key for alternatives in table.values() for one in alternatives for key in one)
    either = keys | {"place"}
    return Layer(lambda found: _sorted_out(found, table), nodes=either, others=either, areas=tuple(sorted(keys)))


def _sorted_out(found: Scan, table: TagTable) -> tuple[list[_Place], list[_Place], int]:
    shapes: dict[str, _Place] = {}
    towns: list[_Place] = []
    missing: set[str] = set()
    for label, tags, shape in _objects(found):
        kind = kind_of(tags, table)
        if kind is None and not (tags.get("place") in _TOWNS and "name" in tags):
            continue
        if kind is None:
            towns += [] if shape is None else [_Place(label, "", tags, shape)]
        elif shape is None:
            missing.add(label)
        else:
            shapes[label] = _Place(label, kind, tags, shape)  # an outline is better than the way it was made of
    return [shapes[label] for label in sorted(shapes)], towns, len(missing - set(shapes))


_TOWNS = frozenset({"city", "town", "village", "suburb"})


def _objects(found: Scan) -> Iterator[tuple[str, dict[str, str], shapely.Geometry | None]]:
    """Return all that was found: n, w or r and the number, the tags, and the point or outline in degrees.

    A way is what the extract holds of its nodes, a relation has no shape; an outline goes by what it was made of.
    """
    nodes = read_nodes(found.text)
    for number, text, lon, lat in zip(nodes.node_id, nodes.tags, nodes.lon, nodes.lat, strict=True):
        yield f"n{number}", all_tags(text), shapely.Point(lon, lat)
    ways = read_ways(found.text)
    for number, text, start, stop in zip(ways.way_id, ways.tags, ways.start[:-1], ways.start[1:], strict=True):
        known = np.column_stack([ways.lon[start:stop], ways.lat[start:stop]])
        known = known[~np.isnan(known[:, 0])]
        yield f"w{number}", all_tags(text), shapely.MultiPoint(known).centroid if len(known) else None
    for number, text, _ in read_relations(found.text):
        yield f"r{number}", all_tags(text), None
    for outline in found.areas:
        yield outline.osm, outline.tags, shapely.from_wkb(outline.shape)


def _within(places: list[_Place], area: gpd.GeoDataFrame) -> list[_Place]:
    if area.crs is None:
        raise InputError("area: has no CRS. Set the one its coordinates are in")
    inside = area.to_crs(LONLAT).union_all()
    shapely.prepare(inside)
    return [place for place in places if inside.intersects(place.point)]


def _merged(places: list[_Place]) -> list[_Place]:
    """Return the places, what is mapped twice once: the largest outline stays and borrows a name if it has none."""
    ordered = sorted(places, key=lambda place: (-shapely.area(place.shape), not place.name, place.osm))
    kept: dict[int, _Place] = {}
    close = _close_pairs(ordered)
    for number, place in enumerate(ordered):
        same = next((other for other in close.get(number, []) if other in kept and _same(kept[other], place)), None)
        if same is None:
            kept[number] = place
        else:
            kept[same] = replace(kept[same], tags=place.tags | kept[same].tags)
    return list(kept.values())


def _by_building(places: list[_Place], kinds: list[str]) -> tuple[list[_Place], list[_Place]]:
    """Return one place for each building, that of the first kind, and those that stand in one with such a place."""
    ordered = sorted(places, key=lambda place: (kinds.index(place.kind), -shapely.area(place.shape), place.osm))
    first = list(range(len(ordered)))  # of those found so far to be in one building with each
    for later, close in _close_pairs(ordered).items():
        for earlier in close:
            if first[earlier] != first[later] and _in_one(ordered[earlier], ordered[later]):
                one, other = sorted((first[earlier], first[later]))
                first = [one if each == other else each for each in first]
    numbered = list(zip(ordered, first, strict=True))
    kept = [place for at, (place, each) in enumerate(numbered) if each == at]
    return kept, [place for at, (place, each) in enumerate(numbered) if each != at]


def _in_one(one: _Place, other: _Place) -> bool:
    """Tell whether two close places of different kinds are in one building: inside its outline, or at its address."""
    if one.kind == other.kind:
        return False
    for outer, inner in ((one, other), (other, one)):
        if outer.tags.get("building", "no") != "no" and shapely.intersects(outer.shape, inner.point):
            return True
    return bool(one.address) and one.address == other.address


def _close_pairs(places: list[_Place]) -> dict[int, list[int]]:
    """Return for each place the earlier ones whose outline holds it or that are within 100 m."""
    if not places:
        return {}
    points = gpd.GeoSeries([place.point for place in places], crs=LONLAT)
    metric = points.to_crs(metric_crs(points)).to_numpy()
    near = shapely.STRtree(metric).query(metric, predicate="dwithin", distance=SAME_PLACE)
    inside = shapely.STRtree(points.to_numpy()).query([place.shape for place in places], predicate="intersects")
    close: dict[int, list[int]] = {}
    for earlier, later in sorted({(int(one), int(other)) for one, other in np.hstack([near, inside]).T if one < other}):
        close.setdefault(later, []).append(earlier)
    return close


def _same(one: _Place, other: _Place) -> bool:
    """Tell whether two close places are one: of one kind, and of one name or the other inside this one's outline."""
    named_alike = bool(one.name) and one.name == other.name
    return one.kind == other.kind and (named_alike or bool(shapely.intersects(one.shape, other.point)))


def _as_sites(places: list[_Place], towns: list[_Place], kinds: list[str]) -> gpd.GeoDataFrame:
    """Return the places as a sites table, by kind and identifier."""
    ordered = sorted(places, key=lambda place: (kinds.index(place.kind), place.osm[0], int(place.osm[1:])))
    near = _nearest_towns(ordered, towns)
    columns = {
        "name": _names(ordered, near),
        "status": ["candidate"] * len(ordered),
        "cost": np.full(len(ordered), np.nan),
        "capacity": np.full(len(ordered), np.nan),
        "kind": [place.kind for place in ordered],
        "place": near,
        "osm": [f"{_OSM_TYPES[place.osm[0]]}/{place.osm[1:]}" for place in ordered],
    }
    text = dict.fromkeys(("name", "status", "kind", "place", "osm"), "str")
    table = pd.DataFrame(columns, index=pd.Index([place.osm for place in ordered], name="site", dtype="str"))
    return gpd.GeoDataFrame(table.astype(text), geometry=[place.point for place in ordered], crs=LONLAT)


_OSM_TYPES = {"n": "node", "w": "way", "r": "relation"}


def _names(places: list[_Place], towns: list[str]) -> list[str]:
    """Return each name, with the town where several places share it; for what has none, its kind and where it is."""
    often = Counter(place.name for place in places)
    names = []
    for place, town in zip(places, towns, strict=True):
        street = " ".join(place.tags[key] for key in ("addr:street", "addr:housenumber") if key in place.tags)
        kind = place.kind[:1].upper() + place.kind[1:]
        if not place.name:
            parts = [kind, street, town or ("" if street else place.osm)]
        else:
            parts = [place.name, town if often[place.name] > 1 and town not in place.name else ""]
        names.append(", ".join(part for part in parts if part))
    return names


def _nearest_towns(places: list[_Place], towns: list[_Place]) -> list[str]:
    """Return where each place is: by its address, else the nearest town or village within 3 km, else nothing."""
    near = [place.tags.get("addr:city", place.tags.get("addr:place", "")) for place in places]
    if places and towns:
        points = gpd.GeoSeries([place.point for place in places], crs=LONLAT)
        metric = metric_crs(points)
        centres = gpd.GeoSeries([town.point for town in towns], crs=LONLAT).to_crs(metric)
        tree = shapely.STRtree(centres.to_numpy())
        found = tree.query_nearest(points.to_crs(metric).to_numpy(), max_distance=NEAR_PLACE, all_matches=False)
        for number, town in found.T:
            near[number] = near[number] or towns[town].name
    return near
