"""The sample's timetable: a railway, a town bus by headways, a regular bus, and one that runs twice a day."""

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.sample.plane import Km, at, lonlat

__all__ = ["FILES", "write_timetable"]

Row = Sequence[str | int | float]
MADE = (2026, 1, 1, 0, 0, 0)  # the date of every file in the archive
HOLIDAYS = ("20260101", "20260406", "20260501", "20260508", "20260514", "20260525", "20260714", "20261111", "20261225")


@dataclass(frozen=True)
class Line:
    """A line: how fast it goes (km/h), how long it waits at a stop (s), and its stops in order (ids, blank between)."""

    id: str
    short: str
    long: str
    kind: int  # 2 rail, 3 bus
    speed: float
    dwell: int
    calls: str

    @property
    def stops(self) -> list[str]:
        """The ids of its stops, in order."""
        return self.calls.split()


STOPS: dict[str, tuple[str, Km]] = {
    "R:VAR": ("Varennes-Ville", (-24.0, -11.0)),
    "R:MER": ("Saint-Méry", (-6.2, -6.64)),
    "R:AUB": ("Saint-Aubry", (0.6, -1.79)),
    "R:NER": ("Nérolles", (9.2, -2.17)),
    "R:COR": ("Corvigny", (27.0, -4.0)),
    "B:BEL": ("Bellevue", (-2.0, 0.9)),
    "B:BUT": ("La Butte", (-1.45, 0.52)),
    "B:LYC": ("Porte d'Échallon", (-0.95, 0.2)),
    "B:REM": ("Remparts", (-0.5, 0.08)),
    "B:MAR": ("Marché", (-0.4, -0.48)),
    "B:PNT": ("Pont Vieux", (-0.12, -0.58)),
    "B:FAU": ("Faubourg", (-0.04, -1.2)),
    "B:GAR": ("Gare", (0.55, -1.5)),
    "B:ABA": ("Abattoir", (1.52, -1.15)),
    "B:PRA": ("La Prairie", (2.3, -0.98)),
    "B:EST": ("Rond-point de l'Est", (3.0, -0.88)),
    "B:VER": ("Vernay, mairie", (0.42, 3.38)),
    "B:NOR": ("Porte du Nord", (0.3, 2.35)),
    "B:BDN": ("Boulevard", (0.25, 1.55)),
    "B:JAR": ("Jardin", (0.1, 0.95)),
    "B:HAL": ("Les Halles", (0.05, 0.4)),
    "B:PNF": ("Pont Neuf", (0.5, -0.46)),
    "B:QUA": ("Quai des Tanneurs", (0.71, -0.83)),
    "B:SUD": ("Porte du Sud", (0.42, -2.82)),
    "B:CHE": ("Chênevières, bourg", (1.86, -5.82)),
    "B:ECH": ("Échallon, église", (-5.68, 3.26)),
    "B:GUE": ("Le Gué", (-6.6, 0.6)),
    "B:RIV": ("Rivière-Basse, mairie", (-7.38, -3.18)),
    "B:LOI": ("Les Loiseaux", (-5.3, -2.6)),
    "B:BOI": ("Bois-Clair", (-3.6, -1.6)),
    "B:PAR": ("Parc de l'Orvelle", (-1.05, -0.36)),
}
RAIL = Line("R1", "TER", "Varennes-Ville – Saint-Aubry – Corvigny", 2, 85, 90, "R:VAR R:MER R:AUB R:NER R:COR")
TOWN_BUS = Line(
    "B1",
    "1",
    "Bellevue – Centre – Gare – La Prairie",
    3,
    19,
    20,
    "B:BEL B:BUT B:LYC B:REM B:MAR B:PNT B:FAU B:GAR B:ABA B:PRA B:EST",
)
CROSS_BUS = Line(
    "B2",
    "2",
    "Vernay – Saint-Aubry – Chênevières",
    3,
    27,
    20,
    "B:VER B:NOR B:BDN B:JAR B:HAL B:PNF B:QUA B:GAR B:SUD B:CHE",
)
VILLAGE_BUS = Line(
    "B3",
    "3",
    "Échallon – Rivière-Basse – Saint-Aubry",
    3,
    42,
    15,
    "B:ECH B:GUE B:RIV B:LOI B:BOI B:PAR B:MAR B:QUA B:GAR",
)
LINES = (RAIL, TOWN_BUS, CROSS_BUS, VILLAGE_BUS)
STATION: dict[str, tuple[str, Km]] = {"P:GAR": ("Saint-Aubry, pôle gare", (0.6, -1.62))}
MEMBERS = {"R:AUB", "B:GAR"}  # stops that belong to the station

# (line, direction, service, departures in minutes after midnight)
_RAIL_OUT = (*range(310, 600, 30), *range(600, 960, 60), *range(960, 1200, 30), *range(1200, 1381, 60), 1425)
_BUS_DAY = (*range(360, 555, 20), *range(555, 960, 30), *range(960, 1170, 20), *range(1170, 1261, 45))
RUNS: tuple[tuple[Line, int, str, tuple[int, ...]], ...] = (
    (RAIL, 0, "WD", _RAIL_OUT),
    (RAIL, 1, "WD", tuple(t + 7 for t in _RAIL_OUT)),
    (RAIL, 0, "WE", tuple(range(400, 1320, 120))),
    (RAIL, 1, "WE", tuple(range(430, 1320, 120))),
    (CROSS_BUS, 0, "WD", _BUS_DAY),
    (CROSS_BUS, 1, "WD", tuple(t + 4 for t in _BUS_DAY)),
    (CROSS_BUS, 0, "WE", tuple(range(480, 1200, 90))),
    (CROSS_BUS, 1, "WE", tuple(range(500, 1200, 90))),
    (TOWN_BUS, 0, "WD", (0,)),
    (TOWN_BUS, 1, "WD", (0,)),
    (VILLAGE_BUS, 0, "WD", (460, 755)),
    (VILLAGE_BUS, 1, "WD", (720, 1045)),
)
HEADWAYS = (("06:00:00", "07:00:00", 1200), ("07:00:00", "09:30:00", 600), ("09:30:00", "16:00:00", 900),
            ("16:00:00", "19:00:00", 600), ("19:00:00", "22:00:00", 1800))  # fmt: skip


def write_timetable(path: Path) -> None:
    """Write the GTFS feed: weekdays and weekends of 2026, holidays as Sundays."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, header, rows in _tables():
            text = io.StringIO()
            out = csv.writer(text, lineterminator="\n")
            out.writerow(header.split(","))
            out.writerows(rows)
            archive.writestr(_entry(name), text.getvalue().encode())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, MADE)
    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
    return entry


def _tables() -> Iterator[tuple[str, str, Iterable[Row]]]:
    agency = [("TO", "Transports de l'Orvelle", "https://orvelle.example", "Europe/Paris", "fr")]
    yield "agency.txt", "agency_id,agency_name,agency_url,agency_timezone,agency_lang", agency
    yield "stops.txt", "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station", _stops()
    routes = [(line.id, "TO", line.short, line.long, line.kind) for line in LINES]
    yield "routes.txt", "route_id,agency_id,route_short_name,route_long_name,route_type", routes
    trips = list(_trips())
    yield (
        "trips.txt",
        "route_id,service_id,trip_id,direction_id,trip_headsign",
        [
            (line.id, service, trip, way, STOPS[line.stops[-1 if way == 0 else 0]][0])
            for trip, line, way, service, _ in trips
        ],
    )
    yield "stop_times.txt", "trip_id,arrival_time,departure_time,stop_id,stop_sequence", _stop_times(trips)
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    calendar = [("WD", 1, 1, 1, 1, 1, 0, 0, 20260101, 20261231), ("WE", 0, 0, 0, 0, 0, 1, 1, 20260101, 20261231)]
    yield "calendar.txt", f"service_id,{days},start_date,end_date", calendar
    exceptions = [row for day in HOLIDAYS for row in (("WD", day, 2), ("WE", day, 1))]
    yield "calendar_dates.txt", "service_id,date,exception_type", exceptions
    headways = [(trip, *h, 0) for trip, line, _, _, _ in trips if line is TOWN_BUS for h in HEADWAYS]
    yield "frequencies.txt", "trip_id,start_time,end_time,headway_secs,exact_times", headways
    transfers = [("R:AUB", "B:GAR", 2, 180), ("B:GAR", "R:AUB", 2, 180)]
    yield "transfers.txt", "from_stop_id,to_stop_id,transfer_type,min_transfer_time", transfers
    info = [("siteplan", "https://orvelle.example", "fr", 20260101, 20261231, "1")]
    publisher = "feed_publisher_name,feed_publisher_url,feed_lang,feed_start_date,feed_end_date,feed_version"
    yield "feed_info.txt", publisher, info


FILES = ("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt", "calendar.txt", "calendar_dates.txt",
         "frequencies.txt", "transfers.txt", "feed_info.txt")  # fmt: skip


def _stops() -> Iterator[Row]:
    for stop_id, (name, place) in {**STATION, **STOPS}.items():
        lon, lat = lonlat(at(place))
        parent = "P:GAR" if stop_id in MEMBERS else ""
        yield stop_id, name, f"{lat:.6f}", f"{lon:.6f}", int(stop_id in STATION), parent


def _trips() -> Iterator[tuple[str, Line, int, str, int]]:
    """Yield trip id, line, direction, service and departure (minutes after midnight)."""
    for line, way, service, departures in RUNS:
        for number, minute in enumerate(departures):
            yield f"{line.id}-{service}-{way}-{number + 1:02d}", line, way, service, minute


def _stop_times(trips: Iterable[tuple[str, Line, int, str, int]]) -> Iterator[Row]:
    for trip, line, way, _, minute in trips:
        stops = line.stops if way == 0 else line.stops[::-1]
        clock = minute * 60
        for i, stop_id in enumerate(stops):
            if i:
                km = 1.2 * math.dist(STOPS[stop_id][1], STOPS[stops[i - 1]][1])  # roads are no straight lines
                clock += 60 * max(1, round(km / line.speed * 60))
            leave = clock if i in (0, len(stops) - 1) else clock + line.dwell
            yield trip, _clock(clock), _clock(leave), stop_id, i + 1
            clock = leave


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
