"""What a study file may hold: what is read, asked and written."""

import difflib
import hashlib
import itertools
import re
import types
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from siteplan.config.changes import Changes, Option, Scenario
from siteplan.config.fields import LONGEST, File, Limit, LongLimit, based, listed, rising
from siteplan.config.problems import problems
from siteplan.config.profiles import BIKE, PEDELEC, PROFILES, SLOW_WALK, TRANSIT, WALK, Model, Profile, Rides, Window
from siteplan.config.questions import Commuting, Demand, Fairness, Robustness
from siteplan.errors import StudyError

__all__ = [
    "Area",
    "Choose",
    "Inputs",
    "Output",
    "Population",
    "Score",
    "Study",
    "Table",
    "Travel",
    "folder_name",
    "result_columns",
]


MODES = (*PROFILES, TRANSIT.name)


def _as_file(value: Any) -> Any:
    """Let a plain path stand for {file: path}."""
    return {"file": value} if isinstance(value, str | Path) else value


def _crs(value: Any) -> Any:
    """Let 3035 stand for EPSG:3035."""
    return f"EPSG:{value}" if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else value


def _known_modes(modes: tuple[str, ...]) -> tuple[str, ...]:
    for mode in modes:
        if mode not in MODES:
            raise PydanticCustomError(
                "mode", "'{mode}' is no mode; expected any of {known}", {"mode": mode, "known": ", ".join(MODES)}
            )
    return tuple(dict.fromkeys(modes))


Crs = Annotated[str, BeforeValidator(_crs)]
Names = Annotated[tuple[str, ...], BeforeValidator(listed)]
Marks = Annotated[tuple[Annotated[float | str, Field(union_mode="left_to_right")], ...], BeforeValidator(listed)]
Named = Annotated[str, Field(min_length=1, max_length=80)]
Folder = Annotated[Path, AfterValidator(based)]


class Table(Model):
    """A file with places in it; a plain path stands for `{file: path}`."""

    file: File = Field(description="the file, relative to this study file")
    layer: str | None = Field(
        default=None, description="which layer of a GeoPackage with several; empty = the only one"
    )
    crs: Crs | None = Field(
        default=None, description="the CRS, where the file does not carry one; empty = the file's own"
    )


class Area(Model):
    """The territories that results are shown by, and how far people are taken in."""

    communes: Annotated[Table, BeforeValidator(_as_file)] | None = Field(
        default=None, description="polygons with a name each (.gpkg .geojson .parquet), drawn on the map; empty = none"
    )
    name: str | None = Field(
        default=None, description="the column of the communes' names; empty = found by its usual names"
    )
    extent: Literal["all", "sites", "communes"] = Field(
        default="all",
        description="which people are read: all of the population file, or only those around the sites or the "
        "communes, as far as the limits carry (for the file of a whole country)",
    )


class Population(Table):
    """Where people are: a raster, polygons, points or H3 cells, with counts."""

    people: str | None = Field(default=None, description="the column with people; empty = found by its usual names")
    groups: Names = Field(
        default=(), description="columns to carry along and report beside people, such as workers, age_65"
    )
    cell: str | None = Field(default=None, description="the column that names a cell; empty = the rows are numbered")
    density: Literal["per_km2", "per_ha", "per_m2", "none"] | None = Field(
        default=None,
        description="per_km2, per_ha or per_m2 when the file holds densities; none = counts, whatever its name says",
    )
    missing: Marks | dict[str, Marks] = Field(
        default=(),
        description="values that mean withheld, such as [-1], or by column {employed: [0]}; missing is not zero",
    )


def _day(value: Any) -> Any:
    """Let a date that YAML has read, or text, be the text of a date."""
    text = str(value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise PydanticCustomError("day", "expected a date such as 2026-03-10") from None


class Transit(Model):
    """The timetables of one day."""

    feeds: Annotated[tuple[File, ...], BeforeValidator(listed)] = Field(
        min_length=1, description="GTFS feeds (.zip or folder), one or several", examples=[["gtfs.zip"]]
    )
    date: Annotated[str, BeforeValidator(_day)] = Field(
        description="the day of service, best an ordinary weekday", examples=["2026-03-10"]
    )


class Inputs(Model):
    """The files that a study reads."""

    streets: File | None = Field(
        default=None,
        description="OpenStreetMap extract (.osm.pbf .osm), or GraphML from OSMnx",
        examples=["streets.osm.pbf"],
    )
    population: Annotated[Population, BeforeValidator(_as_file)] | None = Field(
        default=None,
        description="where people are; a plain path stands for {file: path}",
        examples=[{"file": "population.tif"}],
    )
    sites: Annotated[Table, BeforeValidator(_as_file)] | None = Field(
        default=None,
        description="sites, each within 1,600 m of a street; a plain path stands for {file: path}. Their column "
        "status: existing (there already), candidate (may be opened; also when blank), required (shall be opened), "
        "excluded (left out)",
        examples=[{"file": "sites.csv"}],
    )
    transit: Transit | None = Field(
        default=None,
        description="timetables, such as {feeds: [gtfs.zip], date: 2026-03-10}; people then ride as well",
    )
    elevation: File | None = Field(default=None, description="terrain model (.tif); given, slopes change the speed")
    times: File | None = Field(
        default=None,
        description="your own table (.parquet .csv) of site, point (= cell), minutes, mode; replaces the search",
    )


class OnFoot(Model):
    """How people walk."""

    speed_kmh: float = Field(
        default=WALK.speed_kmh,
        ge=0.5,
        le=20,
        description="km/h on the flat; as OpenTripPlanner and cityseer (R5 4.68, ORS 5.0)",
    )
    stairs_factor: float = Field(
        default=WALK.stairs_factor, ge=1, le=20, description="time on stairs as a multiple (OpenTripPlanner)"
    )
    slope: bool | None = Field(
        default=None, description="let the terrain change the speed; empty = when there is an elevation"
    )


class OnFootSlowly(OnFoot):
    """How people walk who walk slowly."""

    speed_kmh: float = Field(
        default=SLOW_WALK.speed_kmh,
        ge=0.5,
        le=20,
        description="km/h on the flat; older adults at mobility risk walk 2.7",
    )


class ByBike(Model):
    """How people cycle."""

    speed_kmh: float = Field(
        default=BIKE.speed_kmh, ge=0.5, le=60, description="km/h on the flat; as GOAT (r5r 12, Valhalla 18)"
    )
    push: bool = Field(default=BIKE.push, description="also use footways by pushing the bicycle")
    push_kmh: float = Field(default=BIKE.push_kmh, ge=0.5, le=8, description="km/h when pushing (Valhalla)")
    access_kmh: float = Field(
        default=BIKE.access_kmh, ge=0.5, le=8, description="km/h on foot between a door and the street"
    )
    slope: bool | None = Field(
        default=None, description="let the terrain change the speed; empty = when there is an elevation"
    )


class ByPedelec(ByBike):
    """How people cycle with a motor's help."""

    speed_kmh: float = Field(default=PEDELEC.speed_kmh, ge=0.5, le=60, description="km/h on the flat; as GOAT")


class ByTransit(Model):
    """How people travel by public transport; they walk as the walk profile says."""

    window: Window = Field(
        default=TRANSIT.window,
        description="be at the site (direction from: leave it) at each minute from one time to before the other, as R5",
    )
    back: Window | None = Field(
        default=None,
        description="[17:00, 18:00] = they must also get home, leaving the site in this window: both ways must be "
        "within the limit, the longer counts; empty = the way there only",
    )
    percentile: float = Field(
        default=TRANSIT.percentile,
        gt=0,
        le=100,
        description="the share of the window's minutes at which the journey takes no longer; 50 = the median",
    )
    max_rides: int = Field(default=TRANSIT.max_rides, ge=1, le=8, description="vehicles in one journey, at most")
    max_walk_minutes: float = Field(
        default=TRANSIT.max_walk_minutes, gt=0, le=60, description="longest walk to, between or from stops"
    )
    max_total_walk_minutes: float | None = Field(
        default=None, gt=0, le=180, description="longest walk in all, in a journey with rides; empty = no such limit"
    )
    board_slack_minutes: float = Field(
        default=TRANSIT.board_slack_minutes, ge=0, le=30, description="time at the stop before a departure (R5)"
    )
    home: Literal["walk", "slow_walk", "bike", "pedelec"] = Field(
        default="walk", description="how people travel between home and stop; bike = bike-and-ride"
    )


class Travel(Model):
    """How people travel, and for how long."""

    direction: Literal["to", "from"] = Field(default="to", description="to the site in the morning, or from it")
    modes: Annotated[Names, AfterValidator(_known_modes)] = Field(
        default=("walk", "bike"),
        min_length=1,
        description=f"any of {', '.join(MODES)}; 'best' in a result = any of them. Left out: walk and bike, and "
        "transit where there are timetables",
    )
    minutes: Annotated[tuple[Limit, ...], BeforeValidator(listed), AfterValidator(rising)] = Field(
        default=(15, 20),
        min_length=1,
        description="the limits: a shared workplace works within 15 to 20 minutes of home",
    )
    walk: OnFoot = Field(default=OnFoot(), description="on foot")
    slow_walk: OnFootSlowly = Field(default=OnFootSlowly(), description="on foot, slowly")
    bike: ByBike = Field(default=ByBike(), description="by bicycle")
    pedelec: ByPedelec = Field(default=ByPedelec(), description="by electrically assisted bicycle")
    transit: ByTransit = Field(default=ByTransit(), description="by public transport")


class Fading(Model):
    """How much a person counts who is so many minutes away."""

    kind: Literal["step", "linear", "logistic"] = Field(
        examples=["logistic"],
        description="step = 1 up to the minutes; linear = falls to 0 there; logistic = one half there",
    )
    minutes: Limit = Field(examples=[15], description="where the step, the end or the middle of the curve is")
    deviation: float = Field(default=5.0, gt=0, le=60, description="logistic: minutes; the smaller, the steeper")

    @property
    def limit(self) -> float:
        """Minutes beyond which a person counts less than a hundredth."""
        return self.minutes + (2.6 * self.deviation if self.kind == "logistic" else 0)


class Score(Model):
    """How the results of a site become one number."""

    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={},
        description="columns of scores.csv and their weights, such as {people_best_20: 2, workers_walk_15: 1}; "
        "empty = people reached by any mode within the largest limit",
    )
    decay: Fading | None = Field(
        default=None,
        description="also count people by nearness, as columns decayed_<mode>: {kind: linear, minutes: 30}, or "
        "{kind: logistic, minutes: 15, deviation: 5}; empty = not counted",
    )


class AskedQuota(Model):
    """At least and at most so many open sites of one kind."""

    column: str = Field(description="a column of the sites, such as zone")
    value: bool | int | float | str = Field(description="its value, such as rural or 2")
    at_least: int = Field(default=0, ge=0, description="so many open sites of this kind, existing ones included")
    at_most: int | None = Field(default=None, ge=0, description="no more than so many; empty = no upper limit")


def _rises(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)):
        raise PydanticCustomError("rises", "expected numbers that rise, such as 3, 5, 10")
    return values


def _floors(value: Any) -> Any:
    """Refuse what is no floor, so that one of the kinds of floors fits."""
    shares = list(value.values()) if isinstance(value, Mapping) else [value]
    number = [not isinstance(share, bool) and isinstance(share, int | float) and 0 <= share <= 1 for share in shares]
    if value in (None, "most") or (all(number) and value != 0):
        return value
    raise PydanticCustomError(
        "floors",
        "expected a share above 0 and at most 1 (0.3 for 30 %), shares by commune such as {Vernay: 0.3}, or most",
    )


class Choose(Model):
    """Which sites to open together."""

    objective: Literal["coverage", "share", "median", "center", "backup", "gravity"] = Field(
        default="coverage",
        description="coverage = most people within the limit; share = fewest sites for a share of them; median = least "
        "people-minutes; center = least longest way; backup = most people within reach of several sites; "
        "gravity = most people, the nearer the more they count",
    )
    sites: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="how many are open in all, the existing and required ones included"
    )
    budget: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="what the new ones may cost together (column cost of the sites); empty = no budget"
    )
    mode: str = Field(default="", description="one of the modes, or best; empty = best where there are several")
    minutes: LongLimit | None = Field(default=None, description="the limit; empty = the largest of travel.minutes")
    group: str = Field(default="people", description="whose reach counts: people or one of the groups")
    share: float = Field(
        default=1, gt=0, le=1, description="objective share: of those whom any site reaches, so many must be covered"
    )
    penalty: Annotated[float, Field(gt=0, le=2 * LONGEST)] | None = Field(
        default=None, description="objectives median and center: minutes of who reaches none; empty = twice the limit"
    )
    backup: int = Field(default=2, ge=2, le=10, description="objective backup: within reach of so many sites")
    decay: Fading | None = Field(default=None, description="objective gravity: as score.decay")
    capacities: bool | Literal["desks"] = Field(
        default=False,
        description="true = serve no more people at a site than its column capacity says, and nobody twice; desks = "
        "the column counts desks, which serve the workers that demand says at the largest of its uptakes",
    )
    spacing_m: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="open sites stand at least so many metres apart; empty = no such rule"
    )
    floors: Annotated[float | dict[str, float] | Literal["most"] | None, BeforeValidator(_floors)] = Field(
        default=None,
        description="the share of its people that each commune has covered at least: one for all, by name of the "
        "commune, or most = as high as possible in the worst served; who lives in none has no floor; empty = none",
    )
    quotas: tuple[AskedQuota, ...] = Field(
        default=(), description="such as [{column: zone, value: rural, at_least: 2}]"
    )
    phases: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(listed), AfterValidator(_rises)] = Field(
        default=(), description="open so many first, then so many, such as [3, 5, 10]; empty = all at once"
    )
    phase_budgets: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(listed), AfterValidator(_rises)
    ] = Field(default=(), description="in place of phases: what may have been spent after each, such as [1e6, 3e6]")
    least_regret: bool = Field(
        default=False,
        description="phases that together lose the least share of their own best, from one programme over them all: "
        "slower",
    )
    seconds: float = Field(
        default=60, gt=0, le=3600, description="after which the search stops; the gap to the best possible is then told"
    )


class Output(Model):
    """What is written where."""

    folder: Folder = Field(
        default=Path("results"), validate_default=True, description="the folder of results, relative to this study file"
    )
    isochrones: bool = Field(default=True, description="draw the polygon of every site, mode and limit")
    raster: bool = Field(default=False, description="write the minutes as minutes.tif as well, one band a mode")
    threshold: float = Field(
        default=0, ge=0, description="on the map, cells of fewer people are joined with their neighbours; 0 = none are"
    )


def _check_amounts(asked: Choose) -> None:
    """Refuse questions that say in two ways how many sites, or in none."""
    phases = asked.phases or asked.phase_budgets
    if asked.objective != "share" and asked.sites is None and asked.budget is None and not phases:
        raise PydanticCustomError(
            "choice", "choose: names neither sites (how many) nor a budget; expected one of them (-p, --budget)"
        )
    if asked.phases and (asked.budget is not None or asked.sites not in (None, asked.phases[-1])):
        raise PydanticCustomError(
            "phases",
            "choose.phases: say how many sites are open after each; leave out budget and sites beside them, or the "
            "phases (--set choose.phases=[])",
        )
    if asked.phase_budgets and (asked.phases or asked.budget is not None or asked.sites is not None):
        raise PydanticCustomError(
            "phases", "choose.phase_budgets: say what is spent after each; leave out phases, budget and sites"
        )
    if asked.objective == "share" and (phases or asked.sites is not None):
        key = "sites" if asked.sites is not None else "phases" if asked.phases else "phase_budgets"
        raise PydanticCustomError(
            "phases", "choose.{key}: objective share finds how many sites are needed; leave it out", {"key": key}
        )
    if asked.least_regret and not phases:
        raise PydanticCustomError(
            "phases", "choose.least_regret: is for phases; give choose.phases or choose.phase_budgets, or leave it out"
        )
    if asked.least_regret and (asked.objective == "center" or asked.floors == "most"):
        raise PydanticCustomError(
            "phases", "choose.least_regret: is not known for objective center and floors: most; leave it out"
        )


def _check_objective(asked: Choose, minutes: float) -> None:
    """Refuse what the objective needs and lacks, and what it would pass over."""
    if asked.share != 1 and asked.objective != "share":
        raise PydanticCustomError("choice", "choose.share: is for objective share; ask for that, or leave it out")
    if asked.objective == "gravity" and asked.decay is None:
        raise PydanticCustomError(
            "choice", "choose.decay: missing; objective gravity needs it, such as {kind: linear, minutes: 20}"
        )
    if asked.decay is not None and asked.objective != "gravity":
        raise PydanticCustomError("choice", "choose.decay: is for objective gravity; ask for that, or leave it out")
    if asked.capacities and asked.objective in ("center", "backup"):
        raise PydanticCustomError(
            "choice",
            "choose.capacities: have no meaning for objective {objective}; leave them out",
            {"objective": asked.objective},
        )
    if asked.penalty is not None and asked.penalty < minutes:
        raise PydanticCustomError(
            "choice",
            "choose.penalty: is {penalty} minutes, expected at least the limit of {minutes}",
            {"penalty": f"{asked.penalty:g}", "minutes": f"{minutes:g}"},
        )


def result_columns(modes: Sequence[str], minutes: Sequence[float], groups: Sequence[str]) -> list[str]:
    """Name the counted columns of a score table, in their order."""
    whose = [("people", "unique", "added"), *((group, f"unique_{group}", f"added_{group}") for group in groups)]
    return [f"{name}_{mode}_{limit:g}" for mode in modes for limit in minutes for names in whose for name in names]


def decayed_columns(mode: str, groups: Sequence[str]) -> list[str]:
    """Name the columns of a score table that count people by nearness."""
    return [f"decayed_{mode}", *(f"decayed_{group}_{mode}" for group in groups)]


def folder_name(scenario: str) -> str:
    """Return a scenario's name as a name of a folder."""
    plain = unicodedata.normalize("NFKD", scenario).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or hashlib.sha256(scenario.encode()).hexdigest()[:8]


def _joined(options: Sequence[Option]) -> Scenario:
    """Make one scenario of some options, in their order."""
    changes = Changes()
    values: dict[str, Any] = {}
    for option in options:
        changes, values = changes.then(option), {**values, **option.set}
    again = any(option.choose_again for option in options)
    return Scenario(**changes.model_dump(), set=values, choose_again=again)


def _check_scenario(study: "Study", scenario: Scenario, other: "Study") -> None:
    """Refuse a scenario that has nothing to compare."""
    if not (scenario or scenario.set or scenario.choose_again):
        raise StudyError("changes nothing; expected any of streets, lines, people, sites, set or choose_again")
    if not {*study.travel.minutes} & {*other.travel.minutes}:
        limits = ", ".join(f"{limit:g}" for limit in study.travel.minutes)
        raise StudyError(f"has none of the limits of the study ({limits} min); keep one of them to compare by")
    if scenario.choose_again and other.choose is None:
        raise StudyError("choose_again: the study chooses no sites; say how many in choose")


class Study(Model):
    """What is read, asked and written: the whole of a study file."""

    name: str = Field(default="Study", min_length=1, description="the title of the map")
    language: Literal["en", "fr"] = Field(default="en", description="language of the map")
    area: Area = Field(default=Area(), description="the territories")
    inputs: Inputs = Field(default=Inputs(), description="the files")
    travel: Travel = Field(default=Travel(), description="how people travel")
    score: Score = Field(default=Score(), description="how sites are ranked")
    choose: Choose | None = Field(
        default=None,
        description="which sites to open together, such as {sites: 5}; empty = sites are ranked one by one only",
    )
    fairness: Fairness | None = Field(
        default=None,
        description="who is left out, beyond the shares by commune that are always told: how unequally access is "
        "shared, such as {catchment: {steps: {15: 1}}}, or {} for the plain indices; empty = not told",
    )
    demand: Demand | None = Field(
        default=None,
        description="how many desks each site needs, such as {uptake: [0.02, 0.05, 0.1]}; empty = not told",
    )
    commuting: Commuting | None = Field(
        default=None,
        description="which commutes are replaced, such as {uptake: [0.02, 0.05, 0.1], flows: flows.csv, "
        "modes: {car: 0.8, bus: 0.2}}; empty = not told",
    )
    robustness: Robustness | None = Field(
        default=None,
        description="how sure the ranks and the choice are: the study again under other assumptions, such as "
        "{count: 50}; empty = not told",
    )
    changes: Changes = Field(
        default=Changes(),
        description="what shall be other than in the files, made before anything is computed; keys as of a scenario",
    )
    scenarios: dict[Named, Scenario] = Field(
        default={},
        description="studies that differ from this one by named changes, computed beside it and compared with it, such "
        "as {bridge: {streets: [{add: bridge.geojson, tags: {highway: cycleway, bridge: 'yes'}}]}, "
        "slow: {set: {travel.walk.speed_kmh: 3.6}}}",
    )
    matrix: dict[Named, dict[Named, Option]] = Field(
        default={},
        description="scenarios of every combination, such as {sites: {today: {}, more: {sites: [{open: S7}]}}, "
        "buses: {now: {}, evening: {lines: [{every: '2', minutes: 15, hours: ['17:00', '21:00']}]}}}",
    )
    # Validated when asked for, because where a relative folder lies depends on the study file.
    output: Output = Field(default_factory=dict, validate_default=True, description="what is written")

    @model_validator(mode="before")
    @classmethod
    def _rides_where_buses_run(cls, given: Any) -> Any:
        """Let timetables add their mode, unless the modes are given."""
        if not (isinstance(given, dict) and isinstance(given.get("inputs"), dict) and given["inputs"].get("transit")):
            return given
        travel = given.get("travel") or {}
        if not isinstance(travel, dict) or travel.get("modes") is not None:
            return given
        modes = [*Travel.model_fields["modes"].default, TRANSIT.name]
        return {**given, "travel": {**travel, "modes": modes}}

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        if TRANSIT.name in self.travel.modes and self.inputs.transit is None and self.inputs.times is None:
            raise PydanticCustomError(
                "timetable",
                "travel.modes: asks for transit, but inputs.transit names no timetables; expected "
                "{feeds: gtfs.zip, date: 2026-03-10} there (or --transit gtfs.zip --date 2026-03-10)",
            )
        sloping = [mode for mode in self.travel.modes if getattr(getattr(self.travel, mode), "slope", None)]
        if sloping and self.inputs.elevation is None:
            raise PydanticCustomError(
                "slope",
                "travel.{mode}.slope: is true, but inputs.elevation names no terrain model; leave slope empty",
                {"mode": sloping[0]},
            )
        if self.area.extent == "communes" and self.area.communes is None:
            raise PydanticCustomError("extent", "area.extent: is communes, but area.communes names no file of them")
        if self.choose is not None:
            self._check_choice(self.choose)
        self._check_changes()
        for column in self.score.weights:
            # The modes of a travel-time table are known when it is read, not before.
            if self.inputs.times is None and column not in self.columns():
                close = difflib.get_close_matches(column, self.columns(), n=1, cutoff=0)
                raise PydanticCustomError(
                    "weight",
                    "score.weights.{column}: no such result; did you mean '{close}'?",
                    {"column": column, "close": close[0]},
                )
        return self

    @model_validator(mode="after")
    def _scenarios_hold(self) -> "Study":
        folders: dict[str, str] = {}
        for name, scenario in self.variants().items():
            try:
                other = self.variant(name)
                _check_scenario(self, scenario, other)
            except ValidationError as error:
                why = "; ".join(problems(error, Study))
            except StudyError as error:
                why = str(error)
            else:
                first = folders.setdefault(folder_name(name), name)
                if first == name:
                    continue
                why = f"its folder has the same name as that of '{first}'; name one of them otherwise"
            raise PydanticCustomError("scenario", "scenarios.{name}: {why}", {"name": name, "why": why})
        return self

    def variants(self) -> dict[str, Scenario]:
        """Give all scenarios by name: those of `scenarios`, and the combinations of `matrix`."""
        combined: dict[str, Scenario] = {}
        for options in itertools.product(*(axis.items() for axis in self.matrix.values())):
            asked = [(name, option) for name, option in options if option.model_fields_set]
            if self.matrix and asked:
                combined[", ".join(name for name, _ in asked)] = _joined([option for _, option in asked])
        twice = sorted(set(combined) & set(self.scenarios))
        if twice:
            raise PydanticCustomError(
                "scenario", "matrix: gives a scenario '{name}', which scenarios has, too", {"name": twice[0]}
            )
        return {**self.scenarios, **combined}

    def variant(self, name: str) -> "Study":
        """Return the study that a scenario is: this one, or the scenario it builds on, with its changes made.

        Raises
        ------
        StudyError
            A scenario that builds on none of the others, or on itself.
        """
        known, chain = self.variants(), [name]
        if name not in known:
            raise StudyError(
                f"scenarios: no scenario '{name}'; expected any of {', '.join(known) or 'none, as none is named'}"
            )
        while (base := known[chain[-1]].base) is not None:
            if base not in known or base in chain:
                others = ", ".join(other for other in known if other not in chain) or "none other"
                raise StudyError(f"base: builds on '{base}'; expected another scenario ({others})")
            chain.append(base)
        study = self
        for each in reversed(chain):
            study = study._changed(known[each], f"{self.name}: {name}")
        return study

    def with_(
        self,
        *,
        name: str = "",
        streets: Sequence[Any] = (),
        lines: Sequence[Any] = (),
        people: Sequence[Any] = (),
        sites: Sequence[Any] = (),
        set: Mapping[str, Any] = types.MappingProxyType({}),  # noqa: A002 - the word of the study file
    ) -> "Study":
        """Return the study with some changes made, as a scenario of the study file says them; this one stays as it is.

        Parameters
        ----------
        name
            The title of the new study; this one's where empty.
        streets, lines, people, sites
            Changes such as ``{"close": 123}``, each as in a study file.
        set
            Keys that are other, such as ``{"travel.walk.speed_kmh": 3.6}``.

        Raises
        ------
        StudyError
            Naming every key that is unknown, missing or out of range.
        """
        given = {"streets": streets, "lines": lines, "people": people, "sites": sites, "set": dict(set)}
        root: type[Model] = Option
        try:
            asked = Option.model_validate(given)
            root = Study
            return self._changed(asked, name or self.name)
        except ValidationError as error:
            raise StudyError(f"with_: {'; '.join(problems(error, root))}") from None

    def _changed(self, asked: Option, name: str) -> "Study":
        raw = self.model_dump(exclude={"scenarios", "matrix"}) | {"name": name}
        for key, value in asked.set.items():
            *sections, last = key.split(".")
            inside = raw
            for section in sections:
                inside[section] = inside = dict(inside.get(section) or {})
            inside[last] = value
        return Study.model_validate({**raw, "changes": self.changes.then(asked).model_dump()})

    def _check_changes(self) -> None:
        """Refuse changes of what the study does not have."""
        made = [kind for kind in ("streets", "lines") if getattr(self.changes, kind)]
        moved = [
            change
            for kind in ("people", "sites")
            for change in getattr(self.changes, kind)
            if getattr(change, "place", None)
        ]
        if self.inputs.times is not None and (made or moved):
            raise PydanticCustomError(
                "changes",
                "inputs.times: minutes of your own know nothing of other streets, lines or places; leave "
                "such changes out, or give streets in place of times",
            )
        if self.changes.lines and TRANSIT.name not in self.travel.modes:
            raise PydanticCustomError("changes", "lines: change, but transit is none of travel.modes")

    def _check_choice(self, asked: Choose) -> None:
        groups = ("people", *(self.inputs.population.groups if self.inputs.population else ()))
        modes = (*self.travel.modes, "best") if self.inputs.times is None else (asked.mode,)
        for key, value, known in (("mode", asked.mode or modes[0], modes), ("group", asked.group, groups)):
            if value not in known:
                raise PydanticCustomError(
                    "choice",
                    "choose.{key}: no '{value}' in this study; expected any of {known}",
                    {"key": key, "value": value, "known": ", ".join(known)},
                )
        if asked.floors is not None and self.area.communes is None:
            raise PydanticCustomError(
                "floors", "choose.floors: are by commune, but area.communes names no file of them"
            )
        _check_amounts(asked)
        _check_objective(asked, asked.minutes or max(self.travel.minutes))
        if asked.capacities == "desks" and (self.demand is None or asked.group != self.demand.group):
            raise PydanticCustomError(
                "choice",
                "choose.capacities: desks serve workers as demand says; give demand (with its uptake), and as "
                "choose.group the group it names",
            )

    def columns(self) -> list[str]:
        """Name the results that a site can be scored by."""
        groups = self.inputs.population.groups if self.inputs.population else ()
        modes = (*self.travel.modes, "best") if len(self.travel.modes) > 1 else self.travel.modes
        decayed = [name for mode in modes for name in decayed_columns(mode, groups)] if self.score.decay else []
        return [*result_columns(modes, self.travel.minutes, groups), *decayed]

    @property
    def limit(self) -> float:
        """The minutes to search for: one search serves every limit and the decay."""
        decays = [decay for decay in (self.score.decay, self.choose and self.choose.decay) if decay]
        asked = () if self.choose is None else (self.choose.minutes, self.choose.penalty)
        chosen = [min(limit, LONGEST) for limit in asked if limit]
        longest = max(*self.travel.minutes, *(decay.limit for decay in decays), *chosen, 0)
        return longest if self.fairness is None else max(longest, self.fairness.limit(max(self.travel.minutes)))

    def profiles(self) -> tuple[Profile | Rides, ...]:
        """Give the profile of every mode asked for, in the order asked."""
        return tuple(self._rides() if mode == TRANSIT.name else self._profile(mode) for mode in self.travel.modes)

    def _rides(self) -> Rides:
        asked = self.travel.transit.model_dump()
        home = asked.pop("home")
        walk = self._profile("walk")
        return Rides(**asked, walk=walk, home=None if home == "walk" else self._profile(home))

    def _profile(self, mode: str) -> Profile:
        asked = getattr(self.travel, mode).model_dump()
        if asked["slope"] is None:
            asked["slope"] = self.inputs.elevation is not None
        if isinstance(getattr(self.travel, mode), OnFoot):
            # Whoever walks slowly along the street walks slowly to it as well.
            asked["access_kmh"] = asked["speed_kmh"]
        return Profile.model_validate(PROFILES[mode].model_dump() | asked)
