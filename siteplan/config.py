"""Parameters with their reasons: how people travel, and (in a study file) what is asked."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

__all__ = [
    "BIKE",
    "PEDELEC",
    "PROFILES",
    "SLOW_WALK",
    "TRANSIT",
    "WALK",
    "Area",
    "Inputs",
    "Output",
    "Population",
    "Profile",
    "Rides",
    "Score",
    "Study",
    "Table",
    "Travel",
    "result_columns",
]


class _Model(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class Profile(_Model):
    """How one mode moves: its rules, its speed and what slows it down.

    Sources of the defaults: walking 4.8 km/h stands between R5 (4.68) and ORS (5.0) and equals OpenTripPlanner
    and cityseer; cycling 15 km/h equals GOAT; stairs take three times as long (OpenTripPlanner, stairsTimeFactor);
    a bicycle is pushed at 5.1 km/h (Valhalla).
    """

    name: str = Field(min_length=1, description="the mode's label in every table")
    rules: Literal["walk", "bike"] = Field(description="which ways may be used: on foot or by bicycle")
    speed_kmh: float = Field(ge=0.5, le=60, description="speed on the flat")
    stairs_factor: float = Field(default=3.0, ge=1, le=20, description="time on stairs, as a multiple, on foot")
    push: bool = Field(default=False, description="by bicycle: use footways and stairs-free paths by pushing")
    push_kmh: float = Field(default=5.1, ge=0.5, le=8, description="speed of pushing a bicycle")
    access_kmh: float = Field(default=4.8, ge=0.5, le=60, description="walking speed between a position and the street")
    slope: bool = Field(default=False, description="let the terrain change the speed; needs an elevation model")

    @model_validator(mode="before")
    @classmethod
    def _walks_alike(cls, given: Any) -> Any:
        """Walk to the street as fast as along it, unless told otherwise."""
        if isinstance(given, dict) and given.get("rules") == "walk" and "speed_kmh" in given:
            return {"access_kmh": given["speed_kmh"], **given}
        return given


WALK = Profile(name="walk", rules="walk", speed_kmh=4.8)
SLOW_WALK = Profile(name="slow_walk", rules="walk", speed_kmh=3.0)
BIKE = Profile(name="bike", rules="bike", speed_kmh=15.0)
PEDELEC = Profile(name="pedelec", rules="bike", speed_kmh=23.0)
PROFILES = {profile.name: profile for profile in (WALK, SLOW_WALK, BIKE, PEDELEC)}

Clock = Annotated[str, Field(pattern=r"^[0-2]?\d:[0-5]\d$")]


class Rides(_Model):
    """How people travel by public transport: on foot to a stop, by scheduled vehicles, on foot to the site.

    The defaults follow the routing engine R5 (every minute of the window, the median, a minute at the stop before a
    departure), with walks and changes as short as they are on the way to work.
    """

    name: str = Field(default="transit", min_length=1, description="the mode's label in every table")
    window: tuple[Clock, Clock] = Field(
        default=("08:00", "09:00"),
        description="be at the site (direction from: leave it) at each minute from one time to before the other",
    )
    percentile: float = Field(
        default=50, gt=0, le=100, description="the share of the window's minutes at which the journey takes no longer"
    )
    max_rides: int = Field(default=2, ge=1, le=8, description="vehicles in one journey, at most")
    max_walk_minutes: float = Field(default=10, gt=0, le=60, description="longest walk to, between or from stops")
    board_slack_minutes: float = Field(default=1, ge=0, le=30, description="time at the stop before a departure")
    walk: Profile = Field(default=WALK, description="how people walk")
    home: Profile | None = Field(default=None, description="how they travel between home and stop, if not on foot")

    @model_validator(mode="after")
    def _runs_forward(self) -> "Rides":
        first, last = self.window_minutes
        if not first < last:
            raise PydanticCustomError(
                "window",
                "window: runs from {first} to {last}; expected a later time second",
                {"first": self.window[0], "last": self.window[1]},
            )
        return self

    @property
    def window_minutes(self) -> tuple[int, int]:
        """The window in minutes since midnight."""
        first, last = (int(hour) * 60 + int(minute) for hour, minute in (time.split(":") for time in self.window))
        return first, last


TRANSIT = Rides()


# What a study file may hold -------------------------------------------------------------------------------------------


def _based(path: Path, info: ValidationInfo) -> Path:
    """Resolve against the folder of the study file."""
    base: Path = (info.context or {}).get("base", Path.cwd())
    return (base / path).resolve()


def _located(path: Path, info: ValidationInfo) -> Path:
    """Ask for a file that exists."""
    full = _based(path, info)
    if not full.exists():
        raise PydanticCustomError("no_file", "no such file; looked for {looked}", {"looked": str(full)})
    return full


def _listed(value: Any) -> Any:
    """Let `15,20` on a command line, or a single value, stand for a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | float) else value


def _as_file(value: Any) -> Any:
    """Let a plain path stand for {file: path}."""
    return {"file": value} if isinstance(value, str | Path) else value


def _whole(minutes: float) -> float:
    """Keep 15 minutes 15, so that columns are named people_walk_15 and not people_walk_15.0."""
    return int(minutes) if minutes.is_integer() else minutes


def _crs(value: Any) -> Any:
    """Let 3035 stand for EPSG:3035."""
    return f"EPSG:{value}" if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else value


def _increasing(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(values)))


def _known_modes(modes: tuple[str, ...]) -> tuple[str, ...]:
    for mode in modes:
        if mode not in PROFILES:
            why = "is not in this version" if mode == "transit" else "is no mode"
            raise PydanticCustomError(
                "mode",
                "'{mode}' {why}; expected any of {known}",
                {"mode": mode, "why": why, "known": ", ".join(PROFILES)},
            )
    return tuple(dict.fromkeys(modes))


File = Annotated[Path, AfterValidator(_located)]
Crs = Annotated[str, BeforeValidator(_crs)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Limit = Annotated[float, Field(gt=0, le=180), AfterValidator(_whole)]
Marks = Annotated[tuple[Annotated[float | str, Field(union_mode="left_to_right")], ...], BeforeValidator(_listed)]
Folder = Annotated[Path, AfterValidator(_based)]


class Table(_Model):
    """A file with places in it; a plain path stands for `{file: path}`."""

    file: File = Field(description="the file, relative to this study file")
    layer: str | None = Field(
        default=None, description="which layer of a GeoPackage with several; empty = the only one"
    )
    crs: Crs | None = Field(
        default=None, description="the CRS, where the file does not carry one; empty = the file's own"
    )


class Area(_Model):
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


class Inputs(_Model):
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
    elevation: File | None = Field(default=None, description="terrain model (.tif); given, slopes change the speed")
    times: File | None = Field(
        default=None,
        description="your own table (.parquet .csv) of site, point (= cell), minutes, mode; replaces the search",
    )


class OnFoot(_Model):
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


class ByBike(_Model):
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


class Travel(_Model):
    """How people travel, and for how long."""

    direction: Literal["to", "from"] = Field(default="to", description="to the site in the morning, or from it")
    modes: Annotated[Names, AfterValidator(_known_modes)] = Field(
        default=("walk", "bike"),
        min_length=1,
        description=f"any of {', '.join(PROFILES)}; 'best' in a result = any of them",
    )
    minutes: Annotated[tuple[Limit, ...], BeforeValidator(_listed), AfterValidator(_increasing)] = Field(
        default=(15, 20),
        min_length=1,
        description="the limits: a shared workplace works within 15 to 20 minutes of home",
    )
    walk: OnFoot = Field(default=OnFoot(), description="on foot")
    slow_walk: OnFootSlowly = Field(default=OnFootSlowly(), description="on foot, slowly")
    bike: ByBike = Field(default=ByBike(), description="by bicycle")
    pedelec: ByPedelec = Field(default=ByPedelec(), description="by electrically assisted bicycle")


class Fading(_Model):
    """How much a person counts who is so many minutes away."""

    kind: Literal["step", "linear", "logistic"] = Field(
        description="step = 1 up to the minutes; linear = falls to 0 there; logistic = one half there"
    )
    minutes: Limit = Field(description="where the step, the end or the middle of the curve is")
    deviation: float = Field(default=5.0, gt=0, le=60, description="logistic: minutes; the smaller, the steeper")

    @property
    def limit(self) -> float:
        """Minutes beyond which a person counts less than a hundredth."""
        return self.minutes + (2.6 * self.deviation if self.kind == "logistic" else 0)


class Score(_Model):
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


class Output(_Model):
    """What is written where."""

    folder: Folder = Field(
        default=Path("results"), validate_default=True, description="the folder of results, relative to this study file"
    )
    isochrones: bool = Field(default=True, description="draw the polygon of every site, mode and limit")


def result_columns(modes: Sequence[str], minutes: Sequence[float], groups: Sequence[str]) -> list[str]:
    """Name the counted columns of a score table, in their order."""
    whose = [("people", "unique", "added"), *((group, f"unique_{group}", f"added_{group}") for group in groups)]
    return [f"{name}_{mode}_{limit:g}" for mode in modes for limit in minutes for names in whose for name in names]


def decayed_columns(mode: str, groups: Sequence[str]) -> list[str]:
    """Name the columns of a score table that count people by nearness."""
    return [f"decayed_{mode}", *(f"decayed_{group}_{mode}" for group in groups)]


class Study(_Model):
    """What is read, asked and written: the whole of a study file."""

    name: str = Field(default="Study", min_length=1, description="the title of the map")
    language: Literal["en", "fr"] = Field(default="en", description="language of the map")
    area: Area = Field(default=Area(), description="the territories")
    inputs: Inputs = Field(default=Inputs(), description="the files")
    travel: Travel = Field(default=Travel(), description="how people travel")
    score: Score = Field(default=Score(), description="how sites are ranked")
    # Validated when asked for, because where a relative folder lies depends on the study file.
    output: Output = Field(default_factory=dict, validate_default=True, description="what is written")

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        sloping = [mode for mode in self.travel.modes if getattr(self.travel, mode).slope]
        if sloping and self.inputs.elevation is None:
            raise PydanticCustomError(
                "slope",
                "travel.{mode}.slope: is true, but inputs.elevation names no terrain model; leave slope empty",
                {"mode": sloping[0]},
            )
        if self.area.extent == "communes" and self.area.communes is None:
            raise PydanticCustomError("extent", "area.extent: is communes, but area.communes names no file of them")
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

    def columns(self) -> list[str]:
        """Name the results that a site can be scored by."""
        groups = self.inputs.population.groups if self.inputs.population else ()
        modes = (*self.travel.modes, "best") if len(self.travel.modes) > 1 else self.travel.modes
        decayed = [name for mode in modes for name in decayed_columns(mode, groups)] if self.score.decay else []
        return [*result_columns(modes, self.travel.minutes, groups), *decayed]

    @property
    def limit(self) -> float:
        """The minutes to search for: one search serves every limit and the decay."""
        return max(*self.travel.minutes, self.score.decay.limit if self.score.decay else 0)

    def profiles(self) -> tuple[Profile, ...]:
        """Give the profile of every mode asked for, in the order asked."""
        return tuple(self._profile(mode) for mode in self.travel.modes)

    def _profile(self, mode: str) -> Profile:
        asked = getattr(self.travel, mode).model_dump()
        if asked["slope"] is None:
            asked["slope"] = self.inputs.elevation is not None
        if isinstance(getattr(self.travel, mode), OnFoot):
            # Whoever walks slowly along the street walks slowly to it as well.
            asked["access_kmh"] = asked["speed_kmh"]
        return Profile.model_validate(PROFILES[mode].model_dump() | asked)
