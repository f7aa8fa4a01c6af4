"""The engines that professionals pick, each in a process of its own, from the extract on: GraphHopper, Valhalla and R5.

All are given the same places, which lie on streets, and the same speeds; siteplan is told what to do as the others are.
What cannot be made equal:
- Whom each lets use which way is its own matter; docs/measurements.md says where they differ and who is right.
- GraphHopper has no matrix: it is given all places as one graph and searches a tree from each origin to the limit.
- Polygons are written as each gives them: siteplan in metres, as WKB like GraphHopper's, Valhalla's as its text.
- Valhalla's matrix has no limit: each origin is asked with the places that a straight line could reach, which is faster
  than all pairs at once. By bicycle it takes up to 4 s at each crossing and turn, which nothing switches off.
- R5 rounds each edge up to whole seconds. Its polygons go around cells of a grid some 260 m wide: not compared.
"""

import json
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.config import BIKE, WALK
from siteplan.contours import isochrones
from siteplan.errors import SiteplanWarning
from siteplan.network.snapping import link
from siteplan.network.streets import StreetNetwork, read_streets
from siteplan.network.tags import HOMES
from siteplan.times import travel_times
from tests.bench.measure import Row, Told, in_turns, seconds
from tests.bench.programs import graphhopper, r5, valhalla
from tests.bench.worlds import MissingError, data

__all__ = ["engines"]

Minutes = npt.NDArray[np.float64]

STREETS, CELLS = "porto_alegre/poa_osm.pbf", "porto_alegre/poa_hexgrid.csv"
PROFILES = {"walk": WALK, "bike": BIKE}
LIMIT, LIMITS = 20, (15, 20)
MANY, FEW = 1000, 40
ALIKE = 0.6  # so many of the times both know must be within a minute of each other, and so much area in common


@dataclass(frozen=True)
class Engine:
    """Another engine: how its driver is run, from how many origins at once it is asked, how its polygons are read."""

    name: str
    command: Callable[[], list[str | Path]]
    origins: int = MANY
    polygons: Callable[[bytes], list[Any]] | None = lambda text: list(map(shapely.from_wkb, text.splitlines()))


def engines(rounds: int) -> list[Row]:
    """Measure build, memory, minutes and polygons of Porto Alegre against each engine that is here."""
    rows, rounds = [], min(rounds, 3)
    extract = data(STREETS)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        folder = Path(name)
        streets = read_streets(extract)
        for mode in PROFILES:
            write_places(streets, mode, folder)
        with siteplan(extract, folder):
            pass  # compiles what is not compiled yet
        for number, engine in enumerate(ENGINES):
            try:
                command = engine.command()
            except MissingError as missing:
                print(f"left out: {missing}")
                continue
            with siteplan(extract, folder) as ours, Told([*command, extract, folder / str(number), folder]) as theirs:
                rows += beside(ours, theirs, engine, folder, rounds)
    return rows


def beside(ours: Told, theirs: Told, engine: Engine, folder: Path, rounds: int) -> list[Row]:
    """Compare the answers of one engine with ours, and measure both."""
    where, rows = "Porto Alegre", []
    rows.append(
        Row(
            f"{where}: from nothing to both networks",
            seconds(ours.start),
            engine.name,
            seconds(theirs.start),
            f"{theirs.start / ours.start:.1f}",
        )
    )
    for mode in PROFILES:
        for count in (FEW, MANY):
            given = min(count, engine.origins)
            ask = [f"matrix {mode} {number} {LIMIT} {folder / 'minutes'}" for number in (count, given)]
            ours.tell(ask[1])
            mine = minutes_of(folder / "minutes", given)
            theirs.tell(ask[1])
            near, told = differences(mine, minutes_of(folder / "minutes", given))
            task = f"{where}, {mode}, {count:,} origins, table to {LIMIT} min"
            name = f"{engine.name} ({near:.0%} within 1 min)"
            rows += in_turns(
                task,
                lambda ask=ask: ours.tell(ask[0]),  # type: ignore[misc]
                {name: lambda ask=ask: theirs.tell(ask[1])},  # type: ignore[misc]
                rounds=rounds,
                scale={name: count / given} if given < count else None,
            )
        rows.append(Row(f"{where}, {mode}, {given:,} origins: the minutes", told, engine.name))
        if engine.polygons is None:
            continue
        ask = [f"polygons {mode} {FEW} {','.join(map(str, LIMITS))} {folder / 'areas'}"]
        ours.tell(ask[0])
        drawn = areas_of(folder / "areas", parts_of)
        theirs.tell(ask[0])
        share = area_in_common(drawn, areas_of(folder / "areas", engine.polygons))
        name = f"{engine.name} ({share:.0%} of the area in common)"
        rows += in_turns(
            f"{where}, {mode}, polygons of {FEW} sites at {LIMITS[0]}, {LIMITS[1]} min",
            lambda ask=ask: ours.tell(ask[0]),  # type: ignore[misc]
            {name: lambda ask=ask: theirs.tell(ask[0])},  # type: ignore[misc]
            rounds=rounds,
        )
    rows.append(Row(f"{where}: peak memory", f"{ours.peak:,.0f} MB", engine.name, f"{theirs.peak:,.0f} MB"))
    return rows


def differences(ours: Minutes, theirs: Minutes) -> tuple[float, str]:
    """Return the share of times within a minute, of those both know, and the distribution in words.

    Raises
    ------
    AssertionError
        The answers differ so much that they are not worth measuring.
    """
    both = np.isfinite(ours) & np.isfinite(theirs)
    apart = np.abs(ours - theirs)[both]
    near = float((apart <= 1).mean()) if both.any() else 0.0
    if near < ALIKE:
        raise AssertionError(f"only {near:.0%} of the engines' times are within a minute; nothing is measured")
    within = " / ".join(f"{(apart <= limit).mean():.1%}" for limit in (0.1, 1, 2))
    alone = [np.isfinite(one).sum() - both.sum() for one in (ours, theirs)]
    return near, (
        f"{both.sum():,} pairs, within 0.1 / 1 / 2 min {within}, largest {apart.max():.1f} min; "
        f"only by siteplan {alone[0]:,}, only by the other {alone[1]:,}"
    )


def area_in_common(ours: Any, theirs: Any) -> float:
    """Return the area in common as a share of the area of either, the median of all polygons."""
    shares = shapely.area(shapely.intersection(ours, theirs)) / shapely.area(shapely.union(ours, theirs))
    median = float(np.median(shares))
    if median < ALIKE:
        raise AssertionError(f"only {median:.0%} of the polygons' area is in common; nothing is measured")
    return median


def minutes_of(file: Path, origins: int) -> Minutes:
    return np.fromfile(file, "<f4").reshape(origins, -1) / 60.0


def areas_of(file: Path, read: Callable[[bytes], list[Any]]) -> Any:
    """Return polygons in metres, of degrees unless they say otherwise."""
    shapes = read(file.read_bytes())
    series = gpd.GeoSeries(shapes, crs=shapely.get_srid(shapes[0]) or 4326)
    return series.to_crs(series.estimate_utm_crs()).make_valid().to_numpy()


def parts_of(told: bytes) -> list[Any]:
    """Return the polygons of siteplan, whose CRS stands before them."""
    crs, shapes = pickle.loads(told)
    return list(shapely.set_srid(shapely.from_wkb(shapes), crs))


def contours_of(text: bytes) -> list[Any]:
    """Return the polygons of Valhalla, a line an answer, the nearest limit first."""
    answers = [json.loads(line)["features"] for line in text.splitlines()]
    contours = [sorted(some, key=lambda contour: float(contour["properties"]["contour"])) for some in answers]
    return [shapely.from_geojson(json.dumps(contour["geometry"])) for some in contours for contour in some]


def write_places(streets: StreetNetwork, mode: str, folder: Path) -> None:
    """Write the places nearest to the cells on streets that are open to everybody, as lat,lon, in one random order.

    Elsewhere engines disagree on whether a way is open, and each goes to another one at no cost.
    """
    table = pd.read_csv(data(CELLS))
    cells = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    kinds = [kind if open_to_all(dict(kind)) else (("highway", "no"),) for kind in streets.kinds]
    links = link(replace(streets, kinds=kinds), cells, mode=PROFILES[mode])
    links = links[links["status"] == "placed"].sample(frac=1, random_state=0)
    lines = np.array([streets.lines[edge] for edge in links["edge"]])
    spots = gpd.GeoSeries(shapely.line_interpolate_point(lines, links["offset_m"]), crs=streets.crs).to_crs(4326)
    pd.DataFrame({"lat": spots.y, "lon": spots.x}).to_csv(folder / f"places_{mode}.csv", header=False, index=False)


def open_to_all(tags: Mapping[str, str]) -> bool:
    allowed = {tags.get(key, "yes") for key in ("access", "foot", "bicycle", "vehicle")}
    return tags.get("highway") in HOMES and allowed == {"yes"}


# The engines ----------------------------------------------------------------------------------------------------------


def siteplan(extract: Path, folder: Path) -> Told:
    return Told([sys.executable, "-m", __name__, str(extract), str(folder), str(folder)])


R5 = "R5 4.8.1"
ENGINES = (
    Engine("GraphHopper 10.2", graphhopper),
    Engine("Valhalla 3.9.1", valhalla, origins=100, polygons=contours_of),
    Engine(R5, r5, origins=100, polygons=None),
)


def main() -> None:
    """Do what the other drivers do."""
    extract, _, places = map(Path, sys.argv[1:])
    warnings.simplefilter("ignore", SiteplanWarning)
    streets = read_streets(extract)
    spots = {}
    for mode, profile in PROFILES.items():
        table = pd.read_csv(places / f"places_{mode}.csv", names=["lat", "lon"])
        spots[mode] = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
        travel_times(streets, spots[mode].iloc[:1], spots[mode], mode=profile, minutes=LIMIT, direction="from")
    print("ready", flush=True)
    for line in sys.stdin:
        what, mode, count, limits, file = line.split()
        minutes, sites = [float(one) for one in limits.split(",")], spots[mode].iloc[: int(count)]
        if what == "matrix":
            table = travel_times(streets, sites, spots[mode], mode=PROFILES[mode], minutes=minutes, direction="from")
            found = np.full((len(sites), len(spots[mode])), np.nan, "<f4")
            found[table["site"].cat.codes, table["point"]] = table["minutes"] * 60
            found.tofile(file)
        else:
            areas = isochrones(streets, sites, mode=PROFILES[mode], minutes=minutes, direction="from").geometry
            Path(file).write_bytes(pickle.dumps((areas.crs.to_epsg(), areas.to_wkb().tolist()), protocol=5))
        print("done", flush=True)


if __name__ == "__main__":
    main()
