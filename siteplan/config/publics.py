"""Who can go how: the people as publics, each with its share and the modes that it can use."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from siteplan.config.fields import Names, refused
from siteplan.config.profiles import Model, ModeName, Profile, Rides

__all__ = ["Public", "Publics", "check_shares", "cyclists", "lacking_bicycles", "unused"]

Share = Annotated[float, Field(ge=0, le=1)]


def _by_group(share: Any) -> Any:
    """Let one number stand for all people and all groups."""
    return {"people": share} if isinstance(share, int | float) else share


class Public(Model):
    """A share of the people and the modes that they can use.

    >>> from siteplan import Public
    >>> Public(name="rides", share=0.4, modes=["walk", "bike"]).share_of("workers")
    0.4
    >>> Public(name="rides", share={"people": 0.4, "age_65": 0.1}).share_of("age_65")
    0.1
    """

    name: ModeName = Field(default="public", description="its label in every table")
    share: Annotated[dict[str, Share], BeforeValidator(_by_group)] = Field(
        description="of all people, such as 0.4; by group where they differ: {people: 0.4, age_65: 0.1}"
    )
    modes: Names | None = Field(default=None, description="the modes they can use; empty = all")
    title: dict[str, str] = Field(default={}, description="what they are called, by language")

    def share_of(self, group: str) -> float:
        """Return the share of a group that they are; that of all people where none is said of the group."""
        return self.share[group] if group in self.share else self.share["people"]

    def uses(self, mode: str) -> bool:
        """Tell whether they can use a mode."""
        return self.modes is None or mode in self.modes


# Four types of cyclists (Geller 2006), as a survey of the 50 largest metropolitan areas of the USA found them: strong
# and fearless 7 %, enthused and confident 5 %, interested but concerned 51 %, no way no how 37 % (Dill & McNeil 2016).
CYCLISTS: Mapping[str, float] = {"anywhere": 0.12, "calm": 0.51, "not_cycling": 0.37}

Publics: TypeAlias = dict[str, Public] | Literal["all", "cyclists"]


def cyclists(profiles: Iterable[Profile | Rides]) -> tuple[Public, ...]:
    """Return the published types of cyclists, given what each mode demands: everybody walks and rides."""
    known = tuple(profiles)
    wheels, calm = _cycled(known)
    names = [each.name for each in known]
    able = {
        "anywhere": names,
        "calm": [name for name in names if name not in wheels or name in calm],
        "not_cycling": [name for name in names if name not in wheels],
    }
    return tuple(
        Public(name=name, share={"people": share}, modes=tuple(able[name])) for name, share in CYCLISTS.items()
    )


def lacking_bicycles(profiles: Iterable[Profile | Rides]) -> list[str]:
    """Name the modes that lack to tell the types of cyclists apart: a bicycle that goes anywhere, and a calm one."""
    wheels, calm = _cycled(profiles)
    return [mode for mode, there in (("bike", wheels - calm), ("calm", wheels & calm)) if not there]


def _cycled(profiles: Iterable[Profile | Rides]) -> tuple[set[str], set[str]]:
    """Name the modes that are cycled, be it to a stop, and those that keep to where it is calm."""
    ways = {each.name: each.at_home for each in profiles}
    wheels = {name for name, way in ways.items() if way.rules == "bike"}
    return wheels, {name for name, way in ways.items() if way.stress is not None and way.stress <= 2}


def check_shares(publics: tuple[Public, ...]) -> None:
    """Refuse publics that are not everybody, once each, of every group that they name."""
    lacking = [public.name for public in publics if "people" not in public.share]
    if lacking:
        raise refused(f"{lacking[0]}: no share of people; expected such as {{people: 0.4}}")
    if any(public.name == "total" for public in publics):
        text = "a public cannot be called total, which stands for everybody in the tables; name it otherwise"
        raise PydanticCustomError("public", text)
    for group in dict.fromkeys(group for public in publics for group in public.share):
        total = sum(public.share_of(group) for public in publics)
        if abs(total - 1) > 1e-6:
            raise refused(f"the shares of {group} sum to {total:g}, expected 1: everybody is in one public")


def unused(publics: Iterable[Public], modes: Iterable[str]) -> PydanticCustomError | None:
    """Say which mode nobody can use; nothing where there is none."""
    known = tuple(publics)
    lost = [mode for mode in modes if not any(public.uses(mode) for public in known)]
    text = "nobody can use the mode '{mode}'; expected it among the modes of one of the publics"
    return PydanticCustomError("public", text, {"mode": lost[0]}) if lost else None
