"""What a scenario changes: streets, lines, people and sites, each change one short entry that begins with its verb."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo

from siteplan.config.fields import based, refused
from siteplan.config.profiles import Model, Window
from siteplan.formats import refuse_disguised

__all__ = [
    "KINDS",
    "Changes",
    "LineChange",
    "Option",
    "PeopleChange",
    "Scenario",
    "SiteChange",
    "StreetChange",
    "named_files",
    "target_of",
    "verb_of",
]

KINDS = ("streets", "lines", "people", "sites")
DECIMALS = 7  # of a degree: what an OpenStreetMap file holds, a centimetre


def _drawn(value: Any, info: ValidationInfo) -> Any:
    """Read a shape from a file in place of coordinates: what a study holds is then the shape itself."""
    if not isinstance(value, str | Path):
        return value
    import geopandas as gpd
    import shapely

    path = based(Path(value), info)
    if not path.is_file():
        raise refused(f"no such file; looked for {path}")
    try:
        refuse_disguised(path)
        shapes = gpd.read_file(path)
    except Exception as error:
        raise refused(f"{path} cannot be read ({error})") from error
    if len(shapes) != 1 or shapes.crs is None:
        raise refused(
            f"{path} holds {len(shapes)} shapes{'' if shapes.crs else ' and no CRS'}; expected one, in a known CRS"
        )
    shape = shapes.to_crs(4326).geometry.iloc[0]
    parts = shapely.get_parts(shape)
    if len(parts) != 1 or shapely.get_num_interior_rings(parts[0]) > 0:
        raise refused(f"{path} holds a shape of several parts; expected one")
    places = shapely.get_coordinates(parts[0]).round(DECIMALS).tolist()
    return places[0] if parts[0].geom_type == "Point" else places


Place = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
Line = Annotated[tuple[Place, ...], Field(min_length=2), BeforeValidator(_drawn)]
Ground = Annotated[Place | Annotated[tuple[Place, ...], Field(min_length=4)], BeforeValidator(_drawn)]
Street = Annotated[int | Place, Field(union_mode="left_to_right")]


class StreetAdded(Model):
    """A street, footbridge or cycleway that is built."""

    add: Line = Field(description="its course, [[lon, lat], ...], or a file with one line (.geojson .gpkg)")
    tags: dict[str, str] = Field(description="OpenStreetMap's, such as {highway: cycleway, bridge: 'yes'}")
    name: str = Field(default="new street", description="what messages call it")
    snap_m: float = Field(
        default=50, gt=0, le=1000, description="each end joins the nearest street within so many metres"
    )
    crossings: bool = Field(
        default=True, description="join the streets that it crosses, unless one is a bridge or tunnel"
    )


class StreetClosed(Model):
    """A street that is closed."""

    close: Street = Field(description="the OpenStreetMap way, or a place on it, [lon, lat]")
    mode: Literal["walk", "bike"] | None = Field(default=None, description="to whom; empty = to all")


class StreetTagged(Model):
    """A street that is used otherwise."""

    tag: Street = Field(description="the OpenStreetMap way, or a place on it, [lon, lat]")
    tags: dict[str, str | None] = Field(
        description="put in place of its own, such as {'oneway:bicycle': 'no'}; empty takes one off"
    )


class LineCut(Model):
    """A line that no longer runs."""

    cut: str = Field(description="its id or name; a name that several bear means all of them")


class LineShifted(Model):
    """A line that runs earlier or later."""

    shift: str = Field(description="its id or name")
    minutes: float = Field(description="later by so many minutes; earlier where negative")


class LineEvery(Model):
    """A line that runs every so many minutes."""

    every: str = Field(description="its id or name")
    minutes: float = Field(gt=0, description="from one departure to the next, in both directions")
    hours: Window = Field(description="from when to when, such as ['17:00', '20:00']; its other trips stay")


class LineAdded(Model):
    """A new line."""

    add: str = Field(description="its name")
    stops: tuple[str | Place, ...] = Field(min_length=2, description="stop ids, or [lon, lat] of new stops, in order")
    minutes: tuple[float, ...] = Field(min_length=2, description="from the first stop to each, 0 first")
    every: float = Field(gt=0, description="minutes from one departure to the next")
    hours: Window = Field(description="from when to when, such as ['06:00', '21:00']")
    both_ways: bool = Field(default=True, description="also back, with the same times between stops")


class StopMoved(Model):
    """A stop that stands elsewhere."""

    move: str = Field(description="its id")
    place: Place = Field(description="where to, [lon, lat]")


class CommuneGrown(Model):
    """A commune with more people, or fewer."""

    grow: str = Field(description="its name")
    factor: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="times so much, such as 1.1; or plus"
    )
    plus: float | None = Field(default=None, description="so many people in all; groups grow alike")


class HomesBuilt(Model):
    """A housing estate."""

    build: str = Field(description="its name")
    people: float = Field(ge=0, description="how many will live there")
    place: Ground = Field(description="[lon, lat], the outline [[lon, lat], ...], or a file with one of them")
    groups: dict[str, Annotated[float, Field(ge=0)]] = Field(default={}, description="of them, such as {workers: 120}")


class SiteOpened(Model):
    """A candidate, or a new site, that opens."""

    open: str = Field(description="its id")
    place: Place | None = Field(default=None, description="[lon, lat] of a new one")
    name: str | None = Field(default=None, description="of a new one")
    capacity: Annotated[float, Field(ge=0)] | None = Field(default=None, description="desks")
    cost: Annotated[float, Field(ge=0)] | None = Field(default=None, description="of opening it")


class SiteClosed(Model):
    """A site that is no longer there."""

    close: str = Field(description="its id")


class SiteMoved(Model):
    """A site that stands elsewhere."""

    move: str = Field(description="its id")
    place: Place = Field(description="where to, [lon, lat]")


class SiteResized(Model):
    """A site of another size or cost."""

    resize: str = Field(description="its id")
    capacity: Annotated[float, Field(ge=0)] | None = Field(default=None, description="desks")
    cost: Annotated[float, Field(ge=0)] | None = Field(default=None, description="of opening it")


def verb_of(change: Model | type[Model]) -> str:
    """Name the first key of a change, which says what is done."""
    return next(iter((change if isinstance(change, type) else type(change)).model_fields))


def target_of(change: Model) -> Any:
    """Return what the first key of a change says: what it is done to."""
    return getattr(change, verb_of(change))


def _by_verb(*changes: type[Model]) -> Discriminator:
    """Tell changes apart by the verb that each must have."""
    verbs = [verb_of(change) for change in changes]

    def verb_in(value: Any) -> str | None:
        if isinstance(value, Model):
            return verb_of(value)
        return next((verb for verb in verbs if isinstance(value, dict) and verb in value), None)

    return Discriminator(
        verb_in,
        custom_error_type="verb",
        custom_error_message="expected a change that says {verbs}",
        custom_error_context={"verbs": " or ".join(verbs)},
    )


StreetChange = Annotated[
    Annotated[StreetAdded, Tag("add")] | Annotated[StreetClosed, Tag("close")] | Annotated[StreetTagged, Tag("tag")],
    _by_verb(StreetAdded, StreetClosed, StreetTagged),
]
LineChange = Annotated[
    Annotated[LineAdded, Tag("add")]
    | Annotated[LineCut, Tag("cut")]
    | Annotated[LineShifted, Tag("shift")]
    | Annotated[LineEvery, Tag("every")]
    | Annotated[StopMoved, Tag("move")],
    # The new line first: it, too, says every.
    _by_verb(LineAdded, LineCut, LineShifted, LineEvery, StopMoved),
]
PeopleChange = Annotated[
    Annotated[CommuneGrown, Tag("grow")] | Annotated[HomesBuilt, Tag("build")], _by_verb(CommuneGrown, HomesBuilt)
]
SiteChange = Annotated[
    Annotated[SiteOpened, Tag("open")]
    | Annotated[SiteClosed, Tag("close")]
    | Annotated[SiteMoved, Tag("move")]
    | Annotated[SiteResized, Tag("resize")],
    _by_verb(SiteOpened, SiteClosed, SiteMoved, SiteResized),
]


class Changes(Model):
    """What is other than in the files, made in the order given."""

    streets: tuple[StreetChange, ...] = Field(
        default=(),
        description="streets built, closed or used otherwise: {add: [[lon, lat], ...], tags: {highway: cycleway}}, "
        "{close: way or [lon, lat], mode: bike}, {tag: way or [lon, lat], tags: {foot: 'yes'}}",
    )
    lines: tuple[LineChange, ...] = Field(
        default=(),
        description="{cut: line}, {shift: line, minutes: 5}, {every: line, minutes: 15, hours: ['17:00', '20:00']}, "
        "{add: name, stops: [...], minutes: [0, 6, ...], every: 20, hours: [...]}, {move: stop, place: [lon, lat]}",
    )
    people: tuple[PeopleChange, ...] = Field(
        default=(),
        description="{grow: commune, factor: 1.1} or {grow: commune, plus: 500}, "
        "{build: name, people: 300, groups: {workers: 140}, place: [lon, lat]}",
    )
    sites: tuple[SiteChange, ...] = Field(
        default=(),
        description="{open: id}, {open: new id, place: [lon, lat], name: ..., capacity: 20}, {close: id}, "
        "{move: id, place: [lon, lat]}, {resize: id, capacity: 40}",
    )

    def then(self, other: "Changes") -> "Changes":
        """Join the changes of another behind these."""
        return Changes(**{kind: (*getattr(self, kind), *getattr(other, kind)) for kind in KINDS})

    def __bool__(self) -> bool:
        """Tell whether anything is changed."""
        return any(getattr(self, kind) for kind in KINDS)


# Places and people must stay comparable, so the files that make them are not exchanged.
FILES = ("inputs.sites", "inputs.sites.file", "inputs.transit.feeds")
SETTABLE = ("choose", "inputs.sites", "inputs.transit", "score", "travel")


def _settable(values: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
    """Refuse other keys, and resolve files here, where the folder of the study file is known."""
    for key in values:
        if not any(key == known or key.startswith(f"{known}.") for known in SETTABLE):
            raise refused(f"'{key}' cannot be other in a scenario; expected keys of {', '.join(SETTABLE)}")
    return {key: _with_files(key, value, lambda path: str(based(path, info))) for key, value in values.items()}


def named_files(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys and values with the bare names of files, for what is read on other machines."""
    return {key: _with_files(key, value, lambda path: path.name) for key, value in values.items()}


def _with_files(key: str, value: Any, say: Callable[[Path], str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_files(f"{key}.{name}", each, say) for name, each in value.items()}
    if key not in FILES:
        return value
    if isinstance(value, list | tuple):
        return [_with_files(key, each, say) for each in value]
    return say(Path(value)) if isinstance(value, str | Path) else value


class Option(Changes):
    """Some changes, and keys of the study that are other."""

    set: Annotated[dict[str, Any], AfterValidator(_settable)] = Field(
        default={},
        description="keys of the study that are other, such as {travel.walk.speed_kmh: 3.6, "
        "inputs.transit.date: 2026-03-14}; those of travel, choose, score, inputs.transit and inputs.sites",
    )
    choose_again: bool = Field(
        default=False,
        description="choose the sites anew; else what the study chose stays, but for what is opened and closed here",
    )


class Scenario(Option):
    """A study that differs from its base by named changes."""

    base: str | None = Field(default=None, description="the scenario that this one builds on; empty = the study itself")
    about: str = Field(default="", description="a sentence for the reader")
