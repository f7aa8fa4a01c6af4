"""Valhalla in one process, without its server; runs where pyvalhalla is installed, and needs nothing else.

Arguments are the extract, a folder for the tiles and a folder with places_walk.csv and places_bike.csv (lat,lon); each
line that is read is one thing to do, and is answered by a line.
"""

import array
import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import valhalla  # type: ignore[import-not-found]

METRES = 111_195.0  # of a degree of latitude
COSTING = {
    "walk": (
        "pedestrian",
        4.8,
        {
            "walking_speed": 4.8,
            **dict.fromkeys(("step_penalty", "elevator_penalty", "service_penalty", "use_lit"), 0),
            **dict.fromkeys(("gate_cost", "gate_penalty", "destination_only_penalty", "private_access_penalty"), 0),
            **dict.fromkeys(("walkway_factor", "sidewalk_factor", "alley_factor", "driveway_factor"), 1),
        },
    ),
    "bike": (
        "bicycle",
        15.0,
        {
            "cycling_speed": 15,
            "bicycle_type": "hybrid",
            "avoid_bad_surfaces": 0,
            "use_roads": 1,
            **dict.fromkeys(("maneuver_penalty", "gate_cost", "gate_penalty", "service_penalty"), 0),
            **dict.fromkeys(("destination_only_penalty", "private_access_penalty"), 0),
        },
    ),
}
FREE = {"max_distance": 1e6, "max_locations": 10_000, "max_matrix_distance": 1e6, "max_matrix_location_pairs": 10**8}


def built(extract: str, folder: Path) -> Any:
    """Return what answers requests, after the tiles were built."""
    folder.mkdir(parents=True, exist_ok=True)
    config = valhalla.get_config(tile_extract="", tile_dir=folder)
    config["service_limits"]["pedestrian"].update(FREE)
    config["service_limits"]["bicycle"].update(FREE)
    (folder / "valhalla.json").write_text(json.dumps(config))
    program = Path(valhalla.__file__).parent / "bin" / "valhalla_build_tiles"
    subprocess.run([program, "-c", folder / "valhalla.json", extract], check=True, capture_output=True)
    return valhalla.Actor(folder / "valhalla.json")


class Mode:
    """A mode with all its places."""

    def __init__(self, actor: Any, name: str, file: Path) -> None:
        self.actor = actor
        self.costing, self.kmh, options = COSTING[name]
        self.options = {self.costing: options}
        with file.open(newline="") as rows:
            self.places = [{"lat": float(lat), "lon": float(lon)} for lat, lon in csv.reader(rows)]

    def matrix(self, count: int, minutes: list[float], file: Path) -> None:
        """Ask for each origin at once; only the places that can be near enough in a straight line."""
        reach = self.kmh * 1000 / 60 * minutes[0]
        found = array.array("f")
        for origin in self.places[:count]:
            near = [row for row, place in enumerate(self.places) if apart(origin, place) <= reach]
            answer = self.actor.matrix(
                {
                    "sources": [origin],
                    "targets": [self.places[row] for row in near],
                    "costing": self.costing,
                    "costing_options": self.options,
                    "verbose": False,
                }
            )
            row = array.array("f", [math.nan]) * len(self.places)
            for place, seconds in zip(near, answer["sources_to_targets"]["durations"][0], strict=True):
                row[place] = math.nan if seconds is None or seconds > 60 * minutes[0] else seconds
            found.extend(row)
        file.write_bytes(found.tobytes())

    def polygons(self, count: int, minutes: list[float], file: Path) -> None:
        """Write a line for each site: the text of the answer, GeoJSON."""
        with file.open("w") as out:
            for place in self.places[:count]:
                asked = {
                    "locations": [place],
                    "costing": self.costing,
                    "costing_options": self.options,
                    "contours": [{"time": one} for one in minutes],
                    "polygons": True,
                    "generalize": 0,
                }
                out.write(self.actor.isochrone(json.dumps(asked)) + "\n")


def apart(a: dict[str, float], b: dict[str, float]) -> float:
    """Return metres in a straight line."""
    east = (a["lon"] - b["lon"]) * math.cos(math.radians(a["lat"]))
    return METRES * math.hypot(east, a["lat"] - b["lat"])


def main() -> None:
    extract, tiles, places = sys.argv[1:]
    actor = built(extract, Path(tiles))
    modes = {name: Mode(actor, name, Path(places) / f"places_{name}.csv") for name in COSTING}
    print("ready", flush=True)
    for line in sys.stdin:
        what, name, count, limits, file = line.split()
        minutes = [float(one) for one in limits.split(",")]
        (modes[name].matrix if what == "matrix" else modes[name].polygons)(int(count), minutes, Path(file))
        print("done", flush=True)


if __name__ == "__main__":
    main()
