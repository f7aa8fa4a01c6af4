"""What is wrong with a study, said so that whoever wrote it knows what to mend."""

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from siteplan.errors import Key

__all__ = ["problems", "said", "short", "submodel"]

CHANGED = ("changes", "matrix", "scenarios")
KINDS = ("bool", "float", "int", "str")  # names that pydantic gives to alternatives
REMEDIES = {
    "inputs.transit.feeds": "; expected the timetables of that date, such as [gtfs.zip] (or --transit gtfs.zip)",
    "inputs.transit.date": "; expected the day of service, such as 2026-03-10 (or --date 2026-03-10)",
    "choose": " (-p, --budget)",
}


def problems(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Say each problem in a line: its key, what was found there and what was expected."""
    return ["".join(parts) for parts in said(error, root)]


def said(error: ValidationError, root: type[BaseModel]) -> list[tuple[str, ...]]:
    """Say each problem in the parts of a `StudyError`."""
    details = error.errors(include_url=False)
    # A list whose items are all refused is reported as too short as well: the items say it better.
    inside = {detail["loc"][:-1] for detail in details}
    kept = [detail for detail in details if not (detail["type"] == "too_short" and detail["loc"] in inside)]
    return list(dict.fromkeys(_explained(detail, root) for detail in kept))


def _explained(detail: ErrorDetails, root: type[BaseModel]) -> tuple[str, ...]:
    # The names that pydantic gives to alternatives mean nothing to who wrote the file.
    parts = [part for part in detail["loc"] if not isinstance(part, str) or ("[" not in part and part not in KINDS)]
    names = [part for part in parts if isinstance(part, str)]
    where = _where(parts)
    if detail["type"] == "asked":  # of a key further in, or of no one key
        key = detail["ctx"]["key"]
        remedy = "" if key else REMEDIES.get(where, "")
        place = ".".join(each for each in (where, key) if each)
        return (
            (Key(place), f": {detail['msg']}{remedy}")
            if place
            else (f"the question {detail['msg']} (count=, budget=)",)
        )
    found = f"found {short(detail['input'])}, "
    text = detail["msg"].replace("Input should be", "expected").replace("a valid tuple", "a list")
    if detail["type"] == "extra_forbidden":
        return Key(where), f": unknown key; {_meant(names, root)}"
    if detail["type"] == "missing":
        return Key(where), f": missing{REMEDIES.get(where, '')}"
    if detail["type"] == "window":
        found = ""
    elif detail["type"] == "too_short":
        found, text = "", "found nothing, expected at least one"
    elif detail["type"] == "model_type":
        text = f"expected the keys {', '.join(_section(names, root))}"
    elif detail["type"] in ("int_parsing", "int_from_float"):
        several = isinstance(detail["loc"][-1], int)
        text = "expected whole numbers, with commas between them" if several else "expected a whole number"
    elif not names:
        key, colon, rest = text.partition(": ")
        return (Key(key), colon + rest) if colon and re.fullmatch(r"[\w.]+", key) else (text,)
    return Key(where or "the study"), f": {found}{text}"


def _where(parts: Sequence[str | int]) -> str:
    """Write a key; the changes of a scenario are numbered, other lists are short."""
    if parts and parts[0] not in CHANGED:
        parts = [part for part in parts if isinstance(part, str)]
    text = "".join(f".{part}" if isinstance(part, str) else f" {part + 1}" for part in parts)
    return text.removeprefix(".")


def _meant(names: list[str], root: type[BaseModel]) -> str:
    """Name the key that was probably meant: one of the same section, or the same word elsewhere."""
    section = _section(names[:-1], root)
    close = difflib.get_close_matches(names[-1], section, n=1)
    elsewhere = [key for key in _keys(root) if key.split(".")[-1] == names[-1]]
    for guess in (*elsewhere, *close):
        return f"did you mean '{guess}'?"
    return f"expected any of {', '.join(section)}"


def _section(names: list[str], root: type[BaseModel]) -> list[str]:
    """Name the keys of a section, which may lie under names of the user's own or be one of several kinds."""
    kinds, own = [root], 0
    for name in names:
        alternatives = [kind for kind in kinds if len(kinds) > 1 and next(iter(kind.model_fields)) == name]
        if own:
            own -= 1
        elif alternatives:
            kinds = alternatives
        else:
            annotation = next((kind.model_fields[name].annotation for kind in kinds if name in kind.model_fields), None)
            kinds, own = list(_models(annotation)), str(annotation).count("dict[")
    return list(dict.fromkeys(key for kind in kinds for key in kind.model_fields))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def submodel(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Give the model that a key of a model holds, if it holds one."""
    field = model.model_fields.get(name)
    kinds = () if field is None else (field.annotation, *get_args(field.annotation))
    if not {tuple, dict}.isdisjoint(map(get_origin, kinds)):
        return None  # several models are written as a list, or under names
    return None if field is None else next(_models(field.annotation), None)


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name in model.model_fields:
        yield prefix + name
        inner = submodel(model, name)
        if inner:
            yield from _keys(inner, f"{prefix}{name}.")


def short(value: Any) -> str:
    """Return a value as text of at most 60 characters."""
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 60 else text[:57] + "..."
