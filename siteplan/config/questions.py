"""What a study may ask beside the sites: who is left out, how big, what for, and how sure."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from siteplan.config.fields import File, listed, refused, rising
from siteplan.config.profiles import Model

__all__ = ["Asked", "Catchments", "Commuting", "Demand", "DistanceClass", "Fairness", "Robustness"]

PEAK = 1.3  # fullest weekday over mean weekday
FEWEST = 2  # variants: one alone says nothing of how sure a result is


def _given(values: Any) -> Any:
    if not values:
        raise refused(
            "expected the share of those who can work at a distance that would come; it has no default, because no "
            "figure for it has been published: show several, such as [0.02, 0.05, 0.1]"
        )
    return values


def _range(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise refused("expected two values, the lower first")
    return ends


def _shares_of_all(shares: dict[str, float]) -> dict[str, float]:
    total = sum(shares.values())
    if shares and abs(total - 1) > 0.001:
        raise refused(f"the shares sum to {total:g}, expected 1")
    return shares


def _five(days: tuple[float, ...]) -> tuple[float, ...]:
    if days and (len(days) != 5 or not sum(days) > 0):
        raise refused("expected five numbers, Monday to Friday, one at least above 0")
    return days


Share = Annotated[float, Field(ge=0, le=1)]
Modes = Annotated[dict[str, Share], AfterValidator(_shares_of_all)]
Uptakes = Annotated[
    tuple[Annotated[float, Field(gt=0, le=1)], ...],
    BeforeValidator(_given),
    BeforeValidator(listed),
    AfterValidator(rising),
]
Minutes = Annotated[float, Field(gt=0, le=180)]
Way = Annotated[str, Field(description="one of the modes, or best; empty = best where there are several")]
HowFar = Annotated[Minutes | None, Field(description="how far people go; empty = the largest travel.minutes")]
Speeds = Annotated[
    tuple[Annotated[float, Field(gt=0, le=60)], Annotated[float, Field(gt=0, le=60)]], AfterValidator(_range)
]

UPTAKE = "share of those who can work at a distance that would come; no default, as no figure has been published"


def _of_path(kind: Any) -> bool:
    return kind is Path or any(map(_of_path, get_args(kind)))


class Asked(Model):
    """A further question of a study, under a key of its own in the study file; empty = not asked.

    It is answered by the module of `siteplan.study` that is called like its key.
    """

    @classmethod
    def file_keys(cls) -> tuple[str, ...]:
        """Name the keys that hold a file, or several."""
        return tuple(key for key, field in cls.model_fields.items() if _of_path(field.annotation))

    def files(self) -> dict[str, Path]:
        """Return the files that are named, by their key; several of one key are numbered from 1."""
        found: dict[str, Path] = {}
        for key in self.file_keys():
            value = getattr(self, key)
            if isinstance(value, tuple):
                found |= {f"{key}.{number}": each for number, each in enumerate(value, 1)}
            elif value is not None:
                found[key] = value
        return found


class Catchments(Model):
    """Desks shared among those who can reach them (2SFCA, E2SFCA)."""

    steps: dict[Minutes, Share] = Field(
        default={10: 1, 20: 0.68},
        min_length=1,
        description="weights by the minutes at which their zones end (E2SFCA; Luo & Qi 2009 give 10, 20 and 30 "
        "minutes 1, 0.68 and 0.22); one step alone, such as {15: 1}, is 2SFCA",
    )
    group: str = Field(default="people", description="who shares the desks: people or a group such as workers")

    @model_validator(mode="after")
    def _falling(self) -> "Catchments":
        weights = [self.steps[limit] for limit in sorted(self.steps)]
        if weights != sorted(weights, reverse=True) or not weights[0]:
            raise refused("steps: expected weights that fall as the minutes rise, the first above 0")
        return self


class Fairness(Asked):
    """Who is left out, and how unequally access is shared."""

    income: str | None = Field(
        default=None,
        description="a column of the population file with the income of a person of each cell: Palma and concentration "
        "then rank by it; empty = Palma ranks by access itself, and there is no concentration",
    )
    degree: str | None = Field(
        default=None,
        description="a column of the population file or of the communes with a degree of urbanisation of your own; "
        "empty = only Eurostat's, worked out from the grid",
    )
    shortfall: bool = Field(
        default=False,
        description="also tell how far beyond the limit people are (FGT); searches twice as far, and so takes longer",
    )
    catchment: Catchments | None = Field(
        default=None,
        description="desks per person within reach, by the sites' column capacity (desks), such as {steps: {15: 1}}; "
        "empty = not counted",
    )
    places: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="how many places without access to list, the largest first; empty = all"
    )

    def limit(self, minutes: float) -> float:
        """Return the minutes to search for, where `minutes` is the largest limit of the study."""
        return max(2 * minutes if self.shortfall else 0.0, *(self.catchment.steps if self.catchment else (0.0,)))


class Demand(Asked):
    """How many desks."""

    uptake: Uptakes = Field(default=(), validate_default=True, examples=[[0.02, 0.05, 0.1]], description=UPTAKE)
    group: str = Field(default="workers", description="the group of the population that works")
    mode: Way = ""
    minutes: HowFar = None
    teleworkable: float = Field(
        default=0.37,
        gt=0,
        le=1,
        description="share of workers whose job can be done at a distance (Dingel & Neiman 2020; JRC 2020: EU-27)",
    )
    days: float = Field(default=2, gt=0, le=5, description="days a week of those who come (Insee Analyses 105, 2025)")
    peak: Annotated[float, Field(ge=1, le=5)] | None = Field(
        default=None,
        description="fullest weekday over mean weekday; empty = as week says, or 1.3 (derived: presence of 27 to 51 % "
        "by weekday)",
    )
    week: Annotated[tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(listed), AfterValidator(_five)] = Field(
        default=(),
        description="what Monday to Friday have to each other, such as [8, 11, 10, 12, 9]; gives the peak as well; "
        "empty = one day at the peak, the others alike",
    )
    occupancy: float = Field(
        default=0.8, gt=0, le=1, description="share of desks in use when a place counts as full (practice: 0.7 to 0.8)"
    )
    desk_m2: float = Field(default=12.5, gt=0, description="floor area per desk, all included (Deskmag 2025)")
    desks_a_room: float = Field(default=12, gt=0, description="desks to one meeting room")
    chance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="desks_at_chance = the least with which somebody finds none on the fullest day at most so often",
    )
    sharing: bool = Field(
        default=True, description="let people go to their next site where the nearest is full (column capacity: desks)"
    )

    @model_validator(mode="after")
    def _one_peak(self) -> "Demand":
        if self.week and self.peak is not None:
            raise refused("week: gives the peak already; leave peak out")
        most = max(self.uptake, default=0.0) * self.days / 5 * self.fullest
        if most > 1:
            raise refused(
                f"uptake: with {self.days:g} days and a peak of {self.fullest:.3g}, more people come on the fullest "
                "day than there are; lower one of them"
            )
        return self

    @property
    def fullest(self) -> float:
        """The fullest weekday over the mean weekday."""
        return max(self.week) * 5 / sum(self.week) if self.week else self.peak or PEAK


class DistanceClass(Model):
    """Some of the workers, by how far they travel."""

    km_from: float = Field(ge=0, description="one way")
    km_to: float = Field(ge=0, description="one way")
    share: Share = Field(description="of the workers")


class Commuting(Asked):
    """What commutes are replaced."""

    uptake: Uptakes = Field(default=(), validate_default=True, examples=[[0.02, 0.05, 0.1]], description=UPTAKE)
    flows: File | None = Field(
        default=None,
        description="home-work pairs (.csv .parquet): home, work (communes), people and, if known, km (one way), mode",
    )
    distances: tuple[DistanceClass, ...] = Field(
        default=(),
        description="in place of flows: how far workers travel, such as [{km_from: 0, km_to: 5, share: 0.4}, "
        "{km_from: 5, km_to: 20, share: 0.6}]",
    )
    group: str = Field(default="workers", description="the group of the population that commutes")
    modes: Modes = Field(
        default={},
        description="share of each mode on the way to work, such as {car: 0.8, bus: 0.1, bike: 0.1}; may be left out "
        "only where every flow has its mode",
    )
    telecentre_modes: Modes = Field(
        default={}, description="the same on the way to the telecentre; empty = everybody travels as before"
    )
    telecentre_km: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description="home to telecentre, one way; empty = from homes to the nearest open site, by commune, in a "
        "straight line times the factor detour",
    )
    mode: str = Field(default="", description="who lives near enough to come: by this mode; empty = best of several")
    minutes: Minutes | None = Field(default=None, description="within these; empty = the largest travel.minutes")
    teleworkable: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="share of workers whose job can be done at a distance; empty = as the factors say"
    )
    days: Annotated[float, Field(gt=0, le=5)] | None = Field(
        default=None, description="days a week at the telecentre; empty = as the factors say"
    )
    factors: File | None = Field(
        default=None,
        description="your own factors (.yaml, in the form of siteplan/analysis/factors.yaml) in place of some",
    )
    rebound: Annotated[tuple[Share, ...], BeforeValidator(listed), AfterValidator(rising)] = Field(
        default=(0.0, 0.2), min_length=1, description="share of what is saved that is driven otherwise; each is shown"
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Commuting":
        if (self.flows is None) == (not self.distances):
            raise refused("names neither flows nor distances, or both; expected one of them")
        if self.distances and not self.modes:
            raise refused("modes: missing; expected shares such as {car: 0.8, bus: 0.2}")
        if self.distances:
            _shares_of_all({str(at): each.share for at, each in enumerate(self.distances)})
        for each in self.distances:
            if each.km_to < each.km_from:
                raise refused("distances: a class ends before it begins; expected km_to >= km_from")
        return self


class Robustness(Asked):
    """How sure the results are: the study again, under other assumptions."""

    count: int = Field(
        default=50, ge=FEWEST, le=1000, description="how many variants; where the study chooses, each chooses anew"
    )
    seed: int = Field(default=1, ge=0, description="of the draw; the same seed gives the same variants")
    walk_kmh: Speeds = Field(
        default=(3.6, 5.1), description="on foot: r5r and r5py to Valhalla; slow_walk changes in proportion"
    )
    bike_kmh: Speeds = Field(
        default=(12.0, 18.0),
        description="by bicycle: r5r to OpenTripPlanner, Valhalla and ORS; pedelec changes in proportion",
    )
    shifts: Annotated[tuple[Annotated[float, Field(ge=-720, le=720)], ...], BeforeValidator(listed)] = Field(
        default=(-30, -15, 0, 15, 30),
        min_length=1,
        description="public transport: minutes by which the window moves",
    )
    dates: Annotated[tuple[str, ...], BeforeValidator(lambda given: [str(day) for day in listed(given)])] = Field(
        default=(),
        description="public transport: days of service, such as the five of a week; empty = the study's. "
        "Streets closed at some hours or days stay as the study has them",
    )
    snapping_m: Annotated[tuple[Annotated[float, Field(gt=0, le=300)], ...], BeforeValidator(listed)] = Field(
        default=(150, 225, 300), min_length=1, description="metres within which homes are linked to a street"
    )
    placements: Annotated[tuple[Literal["as is", "spread", "middle"], ...], BeforeValidator(listed)] = Field(
        default=("as is", "spread", "middle"),
        min_length=1,
        description="how the people of a cell are placed: as is = the study's way; spread = along the streets of every "
        "cell above 4 ha, each 50 m; middle = all at the middle of their cell",
    )
    populations: Annotated[tuple[File, ...], BeforeValidator(listed)] = Field(
        default=(),
        description="other vintages of the population, files with the columns of inputs.population; each variant "
        "counts the people of one of them or of the study's own",
    )
    publics: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="by how much the share of each public may be larger or smaller, as a part of itself: 0.2 = 0.4 may "
        "be 0.32 to 0.48, the others so that all sum to 1; 0 = as the study says",
    )
    first: int = Field(default=5, ge=1, description="how many places count as first")
