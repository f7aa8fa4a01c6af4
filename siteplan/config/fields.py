"""Kinds of values that several parts of a study file hold."""

import os
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from siteplan.errors import absence, is_there, special

__all__ = [
    "FARTHEST",
    "LIMIT",
    "LONG",
    "LONGEST",
    "SEARCHED",
    "File",
    "Limit",
    "LongLimit",
    "Metres",
    "Names",
    "based",
    "by_mode",
    "listed",
    "refused",
    "rising",
]

LONGEST = 3_579_139.0  # minutes: times are searched as whole deciseconds of 32 bits, and no table holds more
LONG = 600.0  # minutes; few times are longer, so that a table of many such may be one of seconds
SEARCHED = 240.0  # minutes, the farthest that a search goes
FARTHEST = 50_000.0  # metres, the farthest that a search goes
LIMIT = 180.0  # minutes, the largest limit of a study that searches

Number = TypeVar("Number", int, float)


def refused(text: str) -> PydanticCustomError:
    """Return the error for a value that is what its key asks for and yet cannot be used."""
    return PydanticCustomError("refused", "{text}", {"text": text})


def based(path: Path, info: ValidationInfo) -> Path:
    """Resolve against the folder of the study file."""
    return Path(os.path.realpath(_beside(path, info)))  # Path.resolve fails where links lead in a circle


def _beside(path: Path, info: ValidationInfo) -> Path:
    base: Path = (info.context or {}).get("base", Path.cwd())
    return base / path


def _located(path: Path, info: ValidationInfo) -> Path:
    """Ask for a file that exists."""
    given, full = _beside(path, info), based(path, info)
    if special(given) or not is_there(full):
        raise refused(f"{absence(given)}; looked for {full}")
    return full


def listed(value: Any) -> Any:
    """Let `15,20` on a command line, or a single value, stand for a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | float) else value


def by_mode(value: Any) -> Any:
    """Let `walk:15,20,transit:30` on a command line stand for limits by mode, and `15,20` for a list."""
    if not isinstance(value, str) or ":" not in value:
        return listed(value)
    found: dict[str, list[str]] = {}
    mode = ""
    for part in listed(value):
        named, _, limit = part.rpartition(":")
        mode = named.strip() or mode
        found.setdefault(mode, []).append(limit.strip())
    return found


def rising(values: tuple[Number, ...]) -> tuple[Number, ...]:
    """Sort, each value once."""
    return tuple(sorted(set(values)))


def _whole(minutes: float) -> float:
    """Keep 15 minutes 15, so that columns are named people_walk_15 and not people_walk_15.0."""
    return int(minutes) if minutes.is_integer() else minutes


File = Annotated[Path, AfterValidator(_located)]
Limit = Annotated[float, Field(gt=0, le=LIMIT), AfterValidator(_whole)]
LongLimit = Annotated[float, Field(gt=0, le=LONGEST), AfterValidator(_whole)]  # of tables that go so far
Metres = Annotated[float, Field(gt=0, le=FARTHEST), AfterValidator(_whole)]
Names = Annotated[tuple[str, ...], BeforeValidator(listed)]
