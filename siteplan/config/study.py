"""The whole of a study file, and how its parts fit together."""

import difflib
import hashlib
import itertools
import math
import re
import types
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from siteplan.catalogue import BEST, COUNTED, Measure, decayed_measures, score_measures
from siteplan.config.building import Building
from siteplan.config.changes import Changes, Option, Scenario
from siteplan.config.choose import Decay, Question, Score
from siteplan.config.competition import Competition
from siteplan.config.criteria import Criteria
from siteplan.config.fields import FARTHEST, LIMIT, LONG, SEARCHED, based, refused
from siteplan.config.inputs import Area, Inputs, Origin
from siteplan.config.observed import Observed
from siteplan.config.problems import problems
from siteplan.config.profiles import TRANSIT, Model, Profile, Rides
from siteplan.config.publics import Public, cyclists, lacking_bicycles
from siteplan.config.questions import Asked, Commuting, Demand, Fairness, Robustness
from siteplan.config.sharing import Sharing
from siteplan.config.together import Together
from siteplan.config.travel import MODES, Travel
from siteplan.display import Shown
from siteplan.errors import Key, StudyError, listed
from siteplan.words import languages

__all__ = ["Output", "Study", "folder_name"]

MOST_SCENARIOS = 1000  # each is a study of its own, computed beside the others
LONGEST_FOLDER = 100  # characters: with the files in it, a path stays within the 260 of Windows
DEVICE = re.compile("con|prn|aux|nul|com[0-9]|lpt[0-9]")
LONGEST_CHAIN = 100  # scenarios that build one on the other

Named = Annotated[str, Field(min_length=1, max_length=80)]
Folder = Annotated[Path, AfterValidator(based)]


class Output(Model):
    """What is written where."""

    folder: Folder = Field(
        default=Path("results"), validate_default=True, description="the folder of results, relative to this study file"
    )
    isochrones: bool = Field(default=True, description="draw the polygon of every site, mode and limit")
    tables: Literal["csv", "xlsx"] = Field(
        default="csv",
        description="xlsx writes all tables as the sheets of one workbook, tables.xlsx, with units in a second row, "
        "beside the CSV files",
    )
    raster: bool = Field(default=False, description="write the minutes as minutes.tif as well, one band a mode")
    threshold: float = Field(
        default=0, ge=0, description="on the map, cells of fewer people are joined with their neighbours; 0 = none are"
    )
    trials: int = Field(
        default=500,
        ge=0,
        description="on the map, a reader may try a new site at the nearest of so many places on streets near homes, "
        "at most, and see whom it would reach; 0 = none",
    )


def folder_name(name: str) -> str:
    """Return the name of a scenario or territory as a name of a folder that every file system takes.

    A device of Windows, such as `con`, and a name that is too long end with a digest of it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    if DEVICE.fullmatch(plain) or len(plain) > LONGEST_FOLDER:
        return f"{plain[:LONGEST_FOLDER]}-{digest}"
    return plain or digest


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
    if other.travel.unit != study.travel.unit:
        raise StudyError("travel.metres: a scenario counts as its study does; leave the key out")
    differ = [mode for mode in study.travel.modes if mode in other.travel.modes]
    if study.travel.own or other.travel.own:
        differ = [mode for mode in differ if study.travel.limits_of(mode) != other.travel.limits_of(mode)]
        if differ:
            raise StudyError(
                f"travel.{study.travel.unit}: {differ[0]} has other limits than in the study; where limits are by "
                "mode, keep those of the study, to compare by"
            )
    if not {*study.travel.limits} & {*other.travel.limits}:
        limits = ", ".join(f"{limit:g}" for limit in study.travel.limits)
        raise StudyError(
            f"has none of the limits of the study ({limits} {study.travel.unit}); keep one of them to compare by"
        )
    if scenario.choose_again and other.choose is None:
        raise StudyError("choose_again: the study chooses no sites; say how many in choose")


def _known_language(name: str) -> str:
    if name not in languages():
        raise refused(f"'{name}' is not known; expected {' or '.join(languages())}")
    return name


class Study(Shown, Model):
    """What is read, asked and written: the whole of a study file."""

    name: str = Field(default="Study", min_length=1, description="the title of the map")
    language: Annotated[str, AfterValidator(_known_language)] = Field(
        default="en", description=f"language of the pages: {', '.join(languages())}"
    )
    currency: str = Field(
        default="",
        max_length=12,
        description="what costs are counted in, a sign or a code such as € or EUR; empty = told as cost units",
    )
    area: Area = Field(default=Area(), description="the territories")
    inputs: Inputs = Field(default=Inputs(), description="the files")
    sources: dict[str, Origin] = Field(
        default={},
        description="where the files are from, by input (streets, population, sites, transit, elevation, communes, "
        "flows), such as {population: {source: WorldPop, licence: CC-BY-4.0, attribution: © WorldPop}}; "
        "named on the map, in the report and in the GeoPackage. `siteplan fetch` writes it",
    )
    travel: Travel = Field(default=Travel(), description="how people travel")
    score: Score = Field(default=Score(), description="how sites are ranked")
    choose: Question | None = Field(
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
    sharing: Sharing | None = Field(
        default=None,
        description="what the places are for beside telework, by the hour: spaces that several uses share, how many of "
        "each, who finds none and what sharing saves, such as {uses: [telework, meetings, associations, courses]}, or "
        "{} for all usual uses; empty = not told",
    )
    observed: Observed | None = Field(
        default=None,
        description="planned against seen: visits or members of open sites by month, such as {visits: visits.csv}; "
        "uptake and decay are fitted to them, and used where `use` says so; empty = not told",
    )
    building: Building | None = Field(
        default=None,
        description="what the buildings take: energy, its cost and CO2 beside the commuting saved, fresh air and "
        "places for the peak hour, such as {kind: renovated}; empty = not told",
    )
    together: Together | None = Field(
        default=None,
        description="communes together: who gains by the chosen sites in each, what each would reach alone with its "
        "own money, and who pays, such as {money: inhabitants}, or {}; empty = not told",
    )
    criteria: Criteria | None = Field(
        default=None,
        description="sites judged by more than whom they reach, such as {columns: {people_best_20: 3, fibre: 1, "
        "rent: {weight: 1, better: less}, stop_minutes: {better: less}}}; empty = not told",
    )
    competition: Competition | None = Field(
        default=None,
        description="other places to work, which share people out with the sites, such as {} for those of the extract; "
        "empty = not told",
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
        if travel.get("metres") is not None:  # of which timetables have none
            return given
        modes = [*Travel.model_fields["modes"].default, TRANSIT.name]
        return {**given, "travel": {**travel, "modes": modes}}

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        if self.inputs.times_minutes is not None and self.inputs.times is None:
            raise refused(
                "inputs.times_minutes: says how exact a table of times is, but inputs.times names none; leave it out"
            )
        if self.inputs.times is None:
            self._check_limits()
            self._check_own_limits()
        if self.travel.own and self.fairness is not None and self.fairness.shortfall:
            raise refused(
                "fairness.shortfall: tells how far beyond the limits people are, and limits by mode (travel.minutes) "
                "end the way there; give the same limits to all modes, as a list, or leave shortfall out"
            )
        if self.travel.rides and self.inputs.transit is None and self.inputs.times is None:
            raise refused(
                f"travel.modes: asks for {self.travel.rides[0]}, but inputs.transit names no timetables; expected "
                "{feeds: gtfs.zip, date: 2026-03-10} there (or --transit gtfs.zip --date 2026-03-10)"
            )
        sloping = [mode for mode in self.travel.modes if getattr(self.travel.section(mode), "slope", None)]
        if sloping and self.inputs.elevation is None:
            raise refused(
                f"travel.{f'profiles.{sloping[0]}' if sloping[0] in self.travel.profiles else sloping[0]}.slope: is "
                "true, but inputs.elevation names no terrain model; leave slope empty"
            )
        if self.area.extent == "communes" and self.area.communes is None:
            raise refused("area.extent: is communes, but area.communes names no file of them")
        if self.area.each is not None and (self.inputs.times is not None or self.scenarios or self.matrix):
            what = "scenarios" if self.inputs.times is None else "inputs.times"
            raise refused(
                f"area.each: plans for each territory by itself, from streets and without scenarios; leave {what} out"
            )
        if self.travel.metres is not None and self.score.decay is not None:
            raise refused("score.decay: weighs minutes; leave it out beside travel.metres")
        if self.choose is not None:
            self._check_choice(self.choose)
        self._check_changes()
        if self.score.weights and not any(self.score.weights.values()):
            raise refused("score.weights: all are 0; give one column or more a weight")
        for column in self.score.weights:
            # The modes of a travel-time table are known when it is read, not before; so are the sites' own columns.
            if self.inputs.times is None and self._is_counted(column) and column not in self.columns():
                close = difflib.get_close_matches(column, self.columns(), n=1)
                hint = f"did you mean '{close[0]}'?" if close else f"expected any of {', '.join(self.columns())}"
                raise refused(f"score.weights.{column}: no such result; {hint}")
        return self

    @model_validator(mode="after")
    def _scenarios_hold(self) -> "Study":
        folders: dict[str, str] = {}
        known, made = self.variants(), dict[str, Study]()
        for name, scenario in known.items():
            try:
                other = self._made(name, known, made)
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
            raise refused(f"scenarios.{name}: {why}")
        return self

    def facts(self) -> dict[str, object]:
        """Say what is asked."""
        return {
            "name": self.name,
            "modes": listed(profile.name for profile in self.profiles()),
            self.travel.unit: self.travel.limits_told(),
            "choose": "no sites" if self.choose is None else self.choose.objective,
            "scenarios": len(self.variants()),
            "results": self.output.folder,
        }

    def refuse_metres(self, asker: str) -> None:
        """Refuse limits in metres where whoever asks knows of minutes alone.

        Raises
        ------
        StudyError
            Naming who asks, and who would take them.
        """
        if self.travel.unit == "metres":
            raise StudyError(
                Key("travel.metres"),
                f": {asker} counts in minutes alone; metres are for score, isochrones and choose. Give travel.minutes, "
                "and no metres",
            )

    @classmethod
    def questions(cls) -> tuple[str, ...]:
        """Name the further questions that a study may ask, each a key of its own, in their order."""
        kinds = {key: get_args(field.annotation) for key, field in cls.model_fields.items()}
        return tuple(key for key, of in kinds.items() if of and isinstance(of[0], type) and issubclass(of[0], Asked))

    @property
    def asked(self) -> dict[str, Asked]:
        """The further questions that this study asks, by their key."""
        blocks = {key: getattr(self, key) for key in self.questions()}
        return {key: block for key, block in blocks.items() if block is not None}

    def variants(self) -> dict[str, Scenario]:
        """Give all scenarios by name: those of `scenarios`, and the combinations of `matrix`."""
        combined: dict[str, Scenario] = {}
        count = len(self.scenarios) + (math.prod(map(len, self.matrix.values())) if self.matrix else 0)
        if count > MOST_SCENARIOS:
            raise refused(f"scenarios, matrix: ask for {count:,} scenarios; expected at most {MOST_SCENARIOS:,}")
        for options in itertools.product(*(axis.items() for axis in self.matrix.values())):
            asked = [(name, option) for name, option in options if option.model_fields_set]
            if self.matrix and asked:
                combined[", ".join(name for name, _ in asked)] = _joined([option for _, option in asked])
        twice = sorted(set(combined) & set(self.scenarios))
        if twice:
            raise refused(f"matrix: gives a scenario '{twice[0]}', which scenarios has, too")
        return {**self.scenarios, **combined}

    def variant(self, name: str) -> "Study":
        """Return the study that a scenario is: this one, or the scenario it builds on, with its changes made.

        Raises
        ------
        StudyError
            A scenario that builds on none of the others, or on itself.
        """
        known = self.variants()
        if name not in known:
            raise StudyError(
                f"scenarios: no scenario '{name}'; expected any of {listed(known) or 'none, as none is named'}"
            )
        return self._made(name, known, {})

    def studies(self) -> "dict[str, Study]":
        """Give the study that each scenario is, by name, as `variant` does."""
        known, made = self.variants(), dict[str, Study]()
        return {name: self._made(name, known, made) for name in known}

    def _made(self, name: str, known: Mapping[str, Scenario], made: "dict[str, Study]") -> "Study":
        """Make the study that a scenario is, and put it and those it builds on among those made already."""
        chain, each = [name], name
        while (base := known[each].base) is not None:
            if base not in known or base in chain:
                others = listed(other for other in known if other not in chain) or "none other"
                raise StudyError(f"base: builds on '{base}'; expected another scenario ({others})")
            if len(chain) == LONGEST_CHAIN:
                raise StudyError(f"base: builds on more than {LONGEST_CHAIN} others, one on the other; join some")
            chain.append(each := base)
        for each in reversed(chain):
            if each not in made:
                base = known[each].base
                before = self if base is None else made[base]
                made[each] = before._changed(known[each], f"{self.name}: {each}")
        return made[name]

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

    def with_scenarios(self, scenarios: Mapping[str, Any]) -> "Study":
        """Return the study with further scenarios, each as a study file says it.

        Raises
        ------
        StudyError
            Naming every key that is unknown, missing or out of range.
        """
        raw = self.model_dump()
        try:
            return Study.model_validate({**raw, "scenarios": {**raw["scenarios"], **scenarios}})
        except ValidationError as error:
            raise StudyError("; ".join(problems(error, Study))) from None

    def _changed(self, asked: Option, name: str) -> "Study":
        raw = self.model_dump(exclude={"scenarios", "matrix"}) | {"name": name}
        for key, value in asked.set.items():
            *sections, last = key.split(".")
            inside = raw
            for section in sections:
                inside[section] = inside = dict(inside.get(section) or {})
            inside[last] = value
        return Study.model_validate({**raw, "changes": self.changes.then(asked).model_dump()})

    def _check_limits(self) -> None:
        """Refuse limits beyond what is searched; a table of times may go as far as it likes."""
        longest = max(self.travel.limits) if self.travel.unit == "minutes" else 0.0
        asked = None if self.choose is None else self.choose.minutes
        lacking = self.fairness is not None and self.fairness.shortfall
        own = self.travel.own if self.travel.unit == "minutes" else {}
        limits = {f"travel.minutes.{mode}": (max(each), self._most(mode)) for mode, each in own.items()}
        for key, limit, most in (
            *((key, *pair) for key, pair in limits.items()),
            ("travel.minutes", 0.0 if own else longest, LIMIT if self.searched == SEARCHED else self.searched),
            ("choose.minutes", asked or 0.0, self.searched),
            ("choose.decay", self._decayed(self.choose), self.searched),
            ("score.decay", self._decayed(self.score), self.searched),
            ("fairness.shortfall (twice the limit)", 2 * longest if lacking else 0.0, self.searched),
        ):
            if limit > most:
                raise refused(
                    f"{key}: found {limit:g}, expected at most {most:g}, as far as is searched; a table of times "
                    "(inputs.times) may go farther"
                )

    def _check_own_limits(self) -> None:
        """Refuse limits by mode that leave out a mode, or name another; a table of times names its modes itself."""
        own, modes, key = self.travel.own, self.travel.modes, f"travel.{self.travel.unit}"
        for mode in own if own else ():
            if mode not in modes:
                raise refused(
                    f"{key}.{mode}: is none of the modes of this study; expected limits for {listed(modes)}, or "
                    f"{mode} among travel.modes"
                )
        lacking = [mode for mode in modes if own and mode not in own]
        if lacking:
            raise refused(f"{key}: says nothing of {lacking[0]}; give its limits, too, or leave it out of travel.modes")

    @staticmethod
    def _decayed(block: Question | Score | None) -> float:
        """Return the minutes to which a block's curve counts anybody, 0 where it has none."""
        decay = None if block is None else block.decay
        return decay.limit if isinstance(decay, Decay) else 0.0

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
            raise refused(
                "inputs.times: minutes of your own know nothing of other streets, lines or places; leave such changes "
                "out, or give streets in place of times"
            )
        if self.changes.lines and not self.travel.rides:
            raise refused("lines: change, but transit is none of travel.modes")

    def _check_choice(self, asked: Question) -> None:
        """Refuse a question that names what this study does not have."""
        groups = ("people", *self.groups)
        modes = (*self.travel.modes, "best") if self.inputs.times is None else (asked.mode,)
        wrong = [
            (key, f"no '{value}' in this study; expected any of {', '.join(map(str, known))}")
            for key, value, known in (("mode", asked.mode or modes[0], modes), ("group", asked.group, groups))
            if value not in known
        ]
        if 0 in (asked.sites, *asked.phases):
            wrong.append(("sites" if asked.sites == 0 else "phases", "found 0, expected greater than or equal to 1"))
        other = "metres" if self.travel.unit == "minutes" else "minutes"
        if getattr(asked, other) is not None:
            wrong.append((other, f"the limits of the study are {self.travel.unit}; give choose.{self.travel.unit}"))
        longest, usual = self.travel.longest(asked.mode or BEST), asked.limit(0.0)
        if self.travel.own and asked.goal.limited and usual > longest and getattr(asked, other) is None:
            why = f"found {usual:g}, but {asked.mode or BEST} is counted up to {longest:g} (travel.{self.travel.unit})"
            wrong.append((self.travel.unit, why))
        if asked.decay is not None and self.travel.unit == "metres":
            wrong.append(("decay", "weighs minutes, and the limits of the study are metres; ask another objective"))
        if asked.decay is not None and not isinstance(asked.decay, Decay):
            wrong.append(("decay", "expected its keys, such as {kind: linear, minutes: 20}"))
        if asked.floors is not None and self.area.communes is None:
            wrong.append(("floors", "are by commune, but area.communes names no file of them"))
        if asked.capacities == "desks" and (self.demand is None or asked.group != self.demand.group):
            why = "desks serve workers as demand says; give demand (with its uptake), and as choose.group the group it"
            wrong.append(("capacities", f"{why} names"))
        for key, why in wrong:
            raise PydanticCustomError("asked", "{why}", {"key": f"choose.{key}", "why": why})

    def columns(self) -> list[str]:
        """Name the results that a site can be scored by."""
        modes = (*self.travel.modes, BEST) if len(self.travel.modes) > 1 else self.travel.modes
        decayed = decayed_measures(modes, self.groups) if self.score.decay else []
        limits, unit = {mode: self.travel.limits_of(mode) for mode in modes}, self.travel.unit
        return [each.column for each in (*score_measures(modes, limits, self.groups, unit), *decayed)]

    def _is_counted(self, column: str) -> bool:
        """Tell whether a column is called like a count by one of the modes there are, which no column of sites is."""
        measure = Measure.read(column)
        known = (*MODES, *self.travel.profiles, BEST)
        return measure is not None and measure.kind in (*COUNTED, "decayed") and measure.mode in known

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that are counted beside people."""
        return self.inputs.population.groups if self.inputs.population else ()

    @property
    def limit(self) -> float:
        """What to search for, in the unit of the limits: enough for each and the decay; all where a choice has none."""
        asked = 0.0 if self.choose is None else self.choose.limit(max(self.travel.limits))
        return max(self.ground, min(asked, SEARCHED if self.travel.unit == "minutes" else FARTHEST))

    def limit_of(self, mode: str) -> float:
        """How far to search by a mode: as far as anything asks, but no farther than its own limits."""
        return min(self.limit, max(self.travel.own.get(mode, (self.limit,))))

    @property
    def searched(self) -> float:
        """The minutes that a search goes at most: farther where every mode rides, or those that do have their own."""
        rides = self.rides
        if not rides or (len(rides) < len(self.travel.modes) and not self.travel.own):
            return SEARCHED
        return LONG - max(each.planned_minutes or 0 for each in rides)

    def _most(self, mode: str) -> float:
        """Give the longest limit that a mode may have of its own."""
        return self.searched if mode in self.travel.rides else LIMIT

    @property
    def ride_minutes(self) -> float:
        """The minutes of journeys that timetables are read for."""
        return max(SEARCHED, self.limit + max((each.planned_minutes or 0 for each in self.rides), default=0))

    @property
    def ground(self) -> float:
        """How far around the sites streets and people are needed: the longest limit that is given, in its unit."""
        choose = self.choose
        if self.travel.unit == "metres":
            farthest = (
                [] if choose is None else [min(each, FARTHEST) for each in (choose.metres, choose.penalty) if each]
            )
            return max(*self.travel.limits, *farthest, 0)
        limits = [self._decayed(self.score), self._decayed(choose)]
        if choose is not None:
            most = SEARCHED if self.inputs.times is None else LONG  # a penalty may be longer than any search
            limits += [min(choose.minutes or 0, max(most, self.searched)), min(choose.penalty or 0, most)]
        longest = max(*self.travel.limits, *limits)
        return longest if self.fairness is None else max(longest, self.fairness.limit(max(self.travel.limits)))

    def ground_minutes_of(self, mode: str) -> float:
        """Give the minutes of the ground that a mode needs, by its own limits; a minute of a way by length is 60 m."""
        ground = min(self.ground, max(self.travel.own.get(mode, (self.ground,))))
        return ground if self.travel.unit == "minutes" else ground / 60

    @property
    def publics(self) -> tuple[Public, ...]:
        """Who can go how; nothing where everybody can use every mode."""
        said = self.travel.publics
        if isinstance(said, dict):
            return tuple(said.values())
        # The modes of a table of times are not known before it is read.
        usual = said is None and self.inputs.times is None and not lacking_bicycles(self.profiles())
        return cyclists(self.profiles()) if usual or said == "cyclists" else ()

    def profiles(self) -> tuple[Profile | Rides, ...]:
        """Give the profile of every mode asked for, in the order asked."""
        slope = self.inputs.elevation is not None
        return tuple(self.travel.profile(mode, slope=slope) for mode in self.travel.modes)

    @property
    def rides(self) -> tuple[Rides, ...]:
        """Those of the profiles that are of public transport."""
        return tuple(each for each in self.profiles() if isinstance(each, Rides))
