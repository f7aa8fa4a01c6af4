"""Every table and layer that a run or a command writes: its file, its rows, its columns with unit and meaning.

Whoever adds a table writes its maker, and declares it here: writers, readers, the list of a run's files and the
documentation follow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from siteplan.catalogue.measures import Measure

__all__ = ["FILES", "LAYERS", "PLACES", "TABLES", "Column", "Table", "table_rows", "uptake_column"]

PLACES = "results.gpkg"


@dataclass(frozen=True)
class Column:
    """One column of a table, or all that are called alike.

    Parameters
    ----------
    name
        Its name; of columns called alike a pattern such as `people_<mode>_<minutes>`.
    about
        What it says.
    unit
        The unit of its numbers; "text", "yes or no" or "shape" where it holds none.
    decimals
        How many are written in a CSV file, at most; None as for the whole table.
    optional
        Whether it is left out where nobody asked for it.
    kind
        Of a pattern: the kind of `Measure` that its columns hold, or `group`, `sites`, `uptake`, or `own` (what the
        user's file holds beside).
    """

    name: str
    about: str
    unit: str = "text"
    decimals: int | None = None
    optional: bool = False
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table or layer of results.

    Parameters
    ----------
    name
        What it is called in Python, and in its file if that has several layers.
    file
        The file it stands in.
    about
        What its rows are, and when it is written.
    columns
        Its columns, in their order. Patterns side by side may alternate.
    rows
        The column that names a row, if one does.
    decimals
        How many its numbers have in a CSV file, at most.
    """

    name: str
    file: str
    about: str
    columns: tuple[Column, ...] = ()
    rows: str = ""
    decimals: int = 4

    def column(self, name: str) -> Column | None:
        """Find what a column of this table is; None where it is none of its columns."""
        measure = Measure.read(name)
        kinds = (measure and measure.kind, "uptake" if is_uptake(name) else "", "group", "sites", "own")
        known = {each.name: each for each in self.columns if not each.kind}
        called_alike = {each.kind: each for each in self.columns if each.kind}
        return known.get(name) or next((called_alike[kind] for kind in kinds if kind in called_alike), None)

    def decimals_of(self, name: str) -> int:
        """Say how many decimals a column has in a CSV file, at most."""
        column = self.column(name)
        return self.decimals if column is None or column.decimals is None else column.decimals

    @property
    def texts(self) -> list[str]:
        """The columns of text, in whatever they look like a number."""
        return [each.name for each in self.columns if each.unit == "text" and not each.kind]


def uptake_column(uptake: float) -> str:
    """Name the column of desks at a share of people who come."""
    return f"desks_{100 * uptake:g}pct"


def is_uptake(name: str) -> bool:
    """Tell whether a column is called as `uptake_column` calls it."""
    return name.startswith("desks_") and name.endswith("pct")


def table_rows() -> Iterator[tuple[Table, Column | None]]:
    """Give every table with each of its columns, in their order, for a page that lists them; None where it has none."""
    for table in (*TABLES.values(), *LAYERS.values(), *OTHERS):
        for column in table.columns or (None,):
            yield table, column


def _may(column: Column) -> Column:
    return replace(column, optional=True)


def _as(column: Column, about: str) -> Column:
    return replace(column, about=about)


SITE = Column("site", "id of the site")
NAME = Column("name", "its name")
STATUS = Column("status", "existing, candidate, required or excluded")
COST = Column("cost", "what it costs to open", "any")
CAPACITY = Column("capacity", "how many desks it has", "desks")
POINT = Column("point", "id of the point where people meet the streets", "id")
CELL = Column("cell", "id of the cell", "id")
OPEN = Column("open", "which sites are open: today, chosen (with those of today) or all")
SPLIT = Column("split", "how the territory is divided: total, commune or degree (of urbanisation)")
TERRITORY = Column("territory", "which part of it")
GROUP = Column("group", "who is counted: people or a group")
MODE = Column("mode", "how one travels; best is any of the modes")
MINUTES = Column("minutes", "the limit", "minutes")
PEOPLE = Column("people", "how many there are", "people")
GROUPS = Column("<group>", "of them, those of a group", "people", kind="group")
UPTAKE = Column("uptake", "share of the teleworkers who come", "share")
SHAPE = Column("geometry", "where it is", "shape")

REACHED = Column("<group>_<mode>_<minutes>", "people, or of a group, with the site within the limit", "people", 1)
COUNTS = (
    replace(REACHED, kind="reached"),
    replace(REACHED, name="unique_<group>_<mode>_<minutes>", about="of them, within no other site's", kind="unique"),
    replace(REACHED, name="added_<group>_<mode>_<minutes>", about="of them, within no open site's", kind="added"),
)
DECAYED = Column("decayed_<group>_<mode>", "people, each weighted by nearness", "people", optional=True, kind="decayed")
SCORE = Column("score", "from 0 to 100, relative to the other sites", "points")
RANK = Column("rank", "1 is best; equal scores share a rank", "rank")
SPEED = Column("<mode>_kmh", "the speed of a mode", "km/h", kind="kmh")
RESULTS = (*COUNTS, DECAYED, SCORE, RANK, SPEED)

ACCESS = (
    Column(
        "minutes_<mode>", "to the nearest site, the mean over people; empty where none is", "minutes", kind="minutes"
    ),
    Column("site_<mode>", "the nearest site of most people", kind="site"),
    Column("covered_<mode>_<minutes>", "share of people with a site within the limit", "share", kind="covered"),
)
BEST_MODE = Column("mode_best", "the mode that is best for most people")
DESKS_EACH = Column("desks_per_person_<mode>", "that people can reach", "desks", optional=True, kind="desks_per_person")

CHANGES = (
    SPLIT,
    TERRITORY,
    GROUP,
    MODE,
    MINUTES,
    _as(PEOPLE, "how many there are after the change"),
    Column("before", "with an open site within the limit before", "people"),
    Column("after", "and after", "people"),
    Column("gained", "who had none before and has one after", "people"),
    Column("lost", "who had one before and has none after", "people"),
    Column("unchanged", "who has one before and after", "people"),
)
WITHOUT = (
    Column("place", "1 is the largest", "rank"),
    _as(NAME, "of the commune with most of its people"),
    Column("cells", "how many it is made of", "cells"),
    _as(PEOPLE, "without access"),
    GROUPS,
    Column("candidate", "the nearest of those that would bring somebody access"),
    Column("candidate_minutes", "from there to the nearest point here", "minutes"),
    Column("candidate_people", "whom it would bring access", "people"),
)
WORTH = (
    _as(PEOPLE, "of the group asked for, within the limit"),
    Column("added", "of them, whom no site before reaches (with capacities: more are served)", "people"),
    Column("gain", "what it adds to the objective", "that of the objective"),
    Column("alone", "within the limit of no other chosen site", "people"),
    Column("served", "who goes there", "people"),
    Column("turned_away", "whose nearest it is, but who go elsewhere or nowhere as it is full", "people"),
    _as(COST, "what it costs to open; 0 where it exists"),
    Column("gain_per_cost", "empty where it is free or the cost is unknown", "that of the objective"),
    Column("phase", "in which it opens", "rank"),
)
CHOICE = (
    SITE,
    Column("order", "in which to open them, from 1", "rank"),
    NAME,
    STATUS,
    *map(_may, WORTH),
)


def _csv(name: str, about: str, *columns: Column, rows: str = "", decimals: int = 4) -> Table:
    return Table(name, f"{name}.csv", about, columns, rows, decimals)


def _layer(name: str, about: str, *columns: Column, rows: str = "") -> Table:
    return Table(name, PLACES, about, (*columns, SHAPE), rows)


def _by_name(*tables: Table) -> Mapping[str, Table]:
    return MappingProxyType({table.name: table for table in tables})


TABLES = _by_name(
    _csv(
        "scores",
        "The sites but the excluded, with whom each reaches, alone reaches and adds, and its rank.",
        *(SITE, NAME, STATUS, COST, CAPACITY, *RESULTS),
        rows="site",
        decimals=6,
    ),
    _csv(
        "overlap",
        "The people whom two sites share, by any mode within the largest limit; for up to 2,000 sites.",
        SITE,
        Column("<site>", "people within the limit of both", "people", 1, kind="sites"),
        rows="site",
    ),
    _csv(
        "territories",
        "Who has an open site within the limit, by commune and by degree of urbanisation.",
        *(OPEN, SPLIT, TERRITORY, GROUP, MODE, MINUTES, PEOPLE),
        Column("covered", "of them, with an open site within the limit", "people"),
        Column("share", "covered of people; empty where nobody lives", "share"),
    ),
    _csv(
        "sites_in_reach",
        "Among how many sites people can choose.",
        *(OPEN, GROUP, MODE, MINUTES),
        Column("sites", "within the limit: 0, 1, 2 or 3+"),
        _as(PEOPLE, "with so many"),
        Column("share", "of all people of the group", "share"),
    ),
    _csv(
        "places_without_access",
        "The places that no open site serves within the largest limit, where any is open.",
        *WITHOUT,
        rows="place",
    ),
    _csv(
        "lines",
        "Which lines bring people to a site, with public transport.",
        SITE,
        Column("line", "id of the line in its feed"),
        Column("route", "what the line is called"),
        Column("type", "bus, tram, rail, ..."),
        _as(PEOPLE, "who ride it to the site"),
        Column("lost", "who would no longer reach the site without it", "people"),
    ),
    _csv(
        "stops",
        "At which stops people get on and off on the way to a site, with public transport.",
        SITE,
        Column("stop", "id of the stop in its feed"),
        NAME,
        Column("on", "who get on there", "people"),
        Column("off", "who get off there", "people"),
    ),
    _csv(
        "choice",
        "The chosen sites, where some were asked for, in the order to open them; a scenario that keeps those of the "
        "study has no more than their names.",
        *CHOICE,
        rows="site",
    ),
    _csv(
        "rejected",
        "The candidates that were not chosen, and why.",
        *(SITE, NAME, _as(PEOPLE, "of the group asked for, within the limit")),
        Column("new", "whom it would add to the chosen sites", "people"),
        Column("redundant_by", "the chosen site that shares most people with it"),
        Column("shared", "with that site", "people"),
        Column("swap_for", "the chosen site that it replaces best"),
        Column("change", "of the objective if it did", "that of the objective"),
        Column("left_out", "why it could not be chosen"),
        rows="site",
    ),
    _csv(
        "assignment",
        "Who goes to which of the chosen sites; who is served nowhere has no row.",
        *(POINT, SITE, _as(MINUTES, "to the site"), _as(PEOPLE, "of the group asked for, who go there")),
    ),
    _csv(
        "phases",
        "What each phase opens, where phases were asked for.",
        Column("phase", "from 1", "rank"),
        Column("budget", "that is spent at its end, at most", "that of cost", optional=True),
        Column("count", "sites that are open at its end", "sites"),
        Column("value", "what the open sites give", "that of the objective"),
        Column("alone", "the best of as many sites without the other phases", "that of the objective"),
        Column("bound", "than which that cannot be better", "that of the objective"),
        Column("loss", "for the sake of the other phases", "that of the objective"),
        Column("loss_share", "the loss as a share", "share"),
        Column("opens", "ids of the sites that it opens"),
        Column("regret", "the sum of all phases' shares of loss", "share", optional=True),
        Column("regret_bound", "below which no phases that keep their sites get", "share", optional=True),
        rows="phase",
    ),
    _csv(
        "curve",
        "Whom so many sites cover, opened one by one; for coverage and gravity.",
        Column("sites", "how many are open", "sites"),
        Column("opens", "the site that opens; empty for existing and required ones"),
        Column("covered", "by so many", "people"),
        Column("gain", "by the one that opens", "people"),
        Column("bound", "more are not covered by any so many sites", "people"),
        Column("optimum", "the most that so many sites cover", "people", optional=True),
        Column("knee", "whether from here on, each further site adds much less", "yes or no"),
        rows="sites",
    ),
    _csv(
        "least_needed",
        "What closing each existing or required site loses.",
        *(SITE, NAME, STATUS),
        Column("value", "of the others without it", "that of the objective"),
        Column("loss", "by closing it", "that of the objective"),
        rows="site",
    ),
    _csv(
        "fairness",
        "How unequally access is shared; where fairness was asked for.",
        OPEN,
        Column("what", "covered, sites (in reach), minutes (to the nearest), desks_per_person or lack (of time)"),
        Column("measure", "share, mean, gini, theil, palma, concentration, or fgt0 to fgt2 of what is lacking"),
        *(SPLIT, TERRITORY, GROUP, MODE, MINUTES),
        Column("value", "of the measure", "that of the measure"),
        decimals=7,  # shares are rounded once more
    ),
    _csv(
        "catchment",
        "How the desks of each site are shared among those who can reach it; where that was asked for.",
        *(OPEN, MODE, SITE),
        Column("desks", "it has", "desks"),
        Column("demand", "people who can reach it, weighted by nearness", "people"),
        Column("desks_per_person", "of them; empty where nobody is", "desks"),
    ),
    _csv(
        "desks",
        "How big each site should be at each share that comes; where demand was asked for.",
        *(SITE, NAME, STATUS),
        Column("basis", "nearest: those to whom it is the nearest open site; alone: all who reach it"),
        UPTAKE,
        Column("workers", "of whom", "people"),
        Column("teleworkers", "of them", "people"),
        Column("comers", "of them", "people"),
        Column("mean_day", "who come on a mean day", "people"),
        Column("peak_day", "and on the fullest", "people"),
        Column("desks", "it needs", "desks"),
        Column("rooms", "it needs", "rooms"),
        Column("m2", "it needs", "m2"),
        Column("chance_of_no_desk", "that somebody finds none on the fullest day", "share"),
        Column("desks_at_chance", "with which that chance is the one asked for", "desks"),
        CAPACITY,
        Column("people_p50", "who come on the fullest day: exceeded with a chance of 50 %", "people"),
        Column("people_p95", "and of 5 %", "people"),
        Column("chance_at_capacity", "that somebody finds no desk with those it has", "share"),
        Column("seated", "on the fullest day, where who finds none goes on to the next site", "people", optional=True),
        Column("from_others", "of them, sent on by another site", "people", optional=True),
        Column("sent_on", "to another site", "people", optional=True),
        Column("left_out", "who find no desk anywhere", "people", optional=True),
    ),
    _csv(
        "weekdays",
        "Who comes on which day; where demand was asked for.",
        *(UPTAKE, Column("day", "of the week"), Column("of_mean", "people of a mean day", "share")),
        _as(PEOPLE, "at all open sites together"),
    ),
    _csv(
        "commuting",
        "What commutes that are replaced save in a year; where that was asked for.",
        UPTAKE,
        Column("rebound", "share of the saved travel that is travelled otherwise", "share"),
        _as(MODE, "of the commute; all are all modes"),
        Column("people_days", "at the telecentre; of all modes only", "days"),
        Column("passenger_km", "saved; negative where more are travelled, as in all that follows", "km"),
        Column("vehicle_km", "of cars, saved", "km"),
        Column("kg_co2e", "saved", "kg CO2e"),
        Column("hours", "saved", "hours"),
        Column("euros", "saved", "euros"),
        Column("kg_saved", "on trips that save", "kg CO2e"),
        Column("kg_added", "on trips that cost", "kg CO2e"),
    ),
    _csv(
        "tornado",
        "What the CO2 saved hangs on most; where commuting was asked for.",
        Column("driver", "the assumption that varies"),
        Column("low", "its lowest value", "that of the driver"),
        Column("high", "its highest", "that of the driver"),
        Column("at_low", "saved then", "kg CO2e"),
        Column("at_high", "saved then", "kg CO2e"),
        Column("base", "saved with all assumptions as given", "kg CO2e"),
        Column("spread", "between both ends", "kg CO2e"),
    ),
    _csv(
        "robustness",
        "How sure the rank of each site is under other assumptions; where that was asked for.",
        *(SITE, NAME, STATUS),
        Column("variants", "that were computed", "variants"),
        Column("in_first", "share of the variants in which it is among the first", "share"),
        Column("first", "how many these are", "sites"),
        Column("mean_rank", "over the variants", "rank"),
        Column("best_rank", "in any variant", "rank"),
        Column("worst_rank", "in any variant", "rank"),
        Column("counted", "the column that weighs most in the score"),
        Column("p5", "of that column, not exceeded in 5 of 100 variants", "people"),
        Column("p50", "in 50", "people"),
        Column("p95", "in 95", "people"),
    ),
    _csv(
        "robust_sets",
        "Which sets of sites are chosen under other assumptions; where that was asked for.",
        Column("sites", "ids of the set; empty where the conditions cannot be met"),
        Column("own", "whether the study itself chooses it", "yes or no"),
        Column("count", "variants in which it is chosen", "variants"),
        Column("share", "of all variants", "share"),
        Column("best_in", "share of the variants in which no other set is worth more", "share"),
        Column("mean_regret", "what it forgoes against the best", "people"),
        Column("max_regret", "in its worst variant", "people"),
        Column("max_regret_share", "of the best in that variant", "share"),
    ),
    _csv(
        "scenarios",
        "Who gains and who loses an open site in each scenario.",
        Column("scenario", "its name"),
        *CHANGES,
    ),
    _csv(
        "scenario_scores",
        "The scores of the study, as scenario base, and of its scenarios.",
        Column("scenario", "its name"),
        *(SITE, Column("open", "whether it is existing, required or chosen", "yes or no")),
        *(NAME, STATUS, COST, CAPACITY, *(replace(each, decimals=None) for each in RESULTS)),
    ),
    Table(
        "times",
        "times.parquet",
        "How long it takes from each point to each site; who is beyond the limit has no row.",
        (
            *(SITE, POINT, MODE, _as(MINUTES, "to the site, or from it where the study says so")),
            Column("minutes_p25", "by public transport, one leaving in four takes no longer", "minutes", optional=True),
            Column("minutes_p75", "and three in four", "minutes", optional=True),
            Column("share", "of the minutes of leaving at which the site is reached", "share", optional=True),
        ),
    ),
)

LAYERS = _by_name(
    _layer(
        "sites",
        "All sites, the excluded too, with their scores.",
        *(SITE, NAME, STATUS, COST, CAPACITY),
        Column("<own>", "what the file of sites holds beside", "any", optional=True, kind="own"),
        *RESULTS,
        Column("desks_<uptake>pct", "it needs at a share that comes", "desks", optional=True, kind="uptake"),
        Column("in_first", "share of the variants in which it is among the first", "share", optional=True),
        Column("people_p5", "of what weighs most, not exceeded in 5 of 100 variants", "people", optional=True),
        Column("people_p95", "in 95", "people", optional=True),
        rows="site",
    ),
    _layer("choice", "The chosen sites, where some were asked for.", *CHOICE, rows="site"),
    _layer(
        "isochrones",
        "What lies within the limit of a site.",
        *(SITE, MODE, MINUTES, Column("speed_kmh", "the speed of the mode", "km/h")),
    ),
    _layer(
        "cells",
        "Where people are, and how near a site they are.",
        *(CELL, PEOPLE, GROUPS, *ACCESS, BEST_MODE, DESKS_EACH),
        rows="cell",
    ),
    _layer(
        "points",
        "Where people meet the streets.",
        *(POINT, CELL, PEOPLE, GROUPS),
        Column("status", "placed, too_far (from a street), island or missing (withheld)"),
        rows="point",
    ),
    _layer("communes", "The territories to report by.", TERRITORY, NAME, rows="territory"),
    _layer("streets", "The streets, of each class as one.", Column("highway", "the class, as OpenStreetMap has it")),
    _layer("water", "Water.", NAME),
    _layer("places_without_access", "As the table.", *WITHOUT, rows="place"),
    _layer(
        "transit_lines",
        "The lines of the date, drawn straight from stop to stop.",
        *(Column("line", "id of the line in its feed"), NAME),
        Column("type", "GTFS route_type", "code"),
        Column("trips", "of the day", "trips"),
    ),
    _layer(
        "stops",
        "The stops of the date.",
        *(Column("stop", "id of the stop in its feed"), NAME),
        Column("departures", "of the day", "departures"),
        Column("lines", "that stop there"),
    ),
    _layer("green", "Parks, woods and the like.", NAME, Column("kind", "which of them")),
    _layer("railways", "Railways.", Column("kind", "which")),
    _layer(
        "places",
        "Places with a name.",
        *(NAME, Column("place", "city, town, village, ...")),
        Column("population", "as the map has it", "people"),
    ),
)

OTHERS = (
    Table("places", PLACES, "All tables with a place, as layers that open styled in QGIS."),
    Table(
        "minutes",
        "minutes.tif",
        "The minutes to the nearest site as a raster, one band a mode; where output.raster asks for it.",
        (Column("minutes_<mode>", "to the nearest site", "minutes", kind="minutes"),),
    ),
    Table("map", "map.html", "The map, in one file."),
    Table("report", "report.html", "The report, in one file."),
    Table("manifest", "manifest.json", "What went in and what came out; its presence says that the run is complete."),
)
FILES = tuple(table.file for table in (*TABLES.values(), *OTHERS))
