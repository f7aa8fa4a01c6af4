"""A study file, options and overrides become one checked Study; everything wrong is said at once."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from siteplan.config import Inputs, Study
from siteplan.errors import StudyError

__all__ = ["read_study"]

NEEDS = ("streets", "population", "sites")
REMEDIES = {
    "inputs.transit.feeds": "; expected the timetables of that date, such as [gtfs.zip] (or --transit gtfs.zip)",
    "inputs.transit.date": "; expected the day of service, such as 2026-03-10 (or --date 2026-03-10)",
}


def read_study(
    path: str | Path | None,
    overrides: Iterable[str] = (),
    *,
    options: Mapping[str, Any] = types.MappingProxyType({}),
    needs: Sequence[str] = NEEDS,
) -> Study:
    """Read a study file, or build the same study from options alone.

    Parameters
    ----------
    path
        The study file (YAML). None: the study is made of the options and overrides only.
    overrides
        Texts ``key.path=value``; the value is read as YAML, its paths as if it stood in the file.
    options
        Values by key path, such as ``{"travel.minutes": (10, 20)}``; paths are relative to the working folder.
        A value of None is as if not given.
    needs
        Which inputs the question at hand cannot do without. A travel-time table stands for the streets.

    Returns
    -------
    Study
        With every path resolved and found.

    Raises
    ------
    StudyError
        One message that names the file and every key that is unknown, missing or out of range.
    """
    raw = {} if path is None else _load(Path(path))
    base = Path.cwd() if path is None else Path(path).resolve().parent
    origin = "options" if path is None else str(path)
    for key, value in options.items():
        if value is not None and value != []:
            _put(raw, key, value if path is None else _from_here(value), origin)
    for override in overrides:
        key, value = _parsed(override)
        _put(raw, key, value, origin)
    return _validated(_without_none(raw), base, origin, needs)


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _load(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise StudyError(f"{path}: found a folder, expected a study file such as {path / 'study.yaml'}")
    try:
        raw = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, stricter
    except FileNotFoundError:
        raise StudyError(f"{path}: no such study file; `siteplan init FOLDER` writes one to fill in") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: not a text file in UTF-8; expected a study file (YAML)") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise StudyError(f"{path}: {where}{error.problem}; expected YAML, `key: value` a line") from None
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if raw is not None and not isinstance(raw, dict):
        raise StudyError(f"{path}: found {_short(raw)}, expected a study file of `key: value` lines")
    return raw or {}


def _parsed(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise StudyError(f"--set {override}: expected key.path=value, such as travel.walk.speed_kmh=3.6")
    try:
        return key.strip(), yaml.load(text, Loader=_Loader)  # noqa: S506
    except yaml.YAMLError:
        raise StudyError(f"--set {override}: the value {text!r} is not YAML") from None


def _put(raw: dict[str, Any], key: str, value: Any, origin: str) -> None:
    *sections, last = key.split(".")
    for depth, name in enumerate(sections, 1):
        inner = raw.get(name)
        if isinstance(inner, str | Path):
            # A plain path stands for {file: path}; a key beside the file keeps the file.
            inner = {"file": inner}
        if not isinstance(inner, dict | None):
            raise StudyError(f"{origin}: {'.'.join(sections[:depth])} holds {_short(inner)}, so {key} cannot be set")
        raw[name] = inner = dict(inner or {})
        raw = inner
    if isinstance(raw.get(last), dict) and isinstance(value, str | Path):
        # The other way about: another file, the keys beside it kept.
        value = {**raw[last], "file": value}
    raw[last] = value


def _from_here(value: Any) -> Any:
    """Options name files from where the user stands, not from where the study file lies."""
    if isinstance(value, list):
        return [_from_here(each) for each in value]
    return str(value.resolve()) if isinstance(value, Path) else value


def _without_none(raw: Any) -> Any:
    """Take a key with nothing behind it as if it were not there, so that its default holds."""
    if not isinstance(raw, dict):
        return raw
    return {key: _without_none(value) for key, value in raw.items() if value is not None}


def _validated(raw: dict[str, Any], base: Path, origin: str, needs: Sequence[str]) -> Study:
    problems = []
    study = None
    try:
        study = Study.model_validate(raw, context={"base": base})
    except ValidationError as error:
        problems = _problems(error)
    problems += _lacking(raw.get("inputs"), needs)
    if study is not None and not problems:
        return study
    if len(problems) == 1:
        raise StudyError(f"{origin}: {problems[0]}")
    raise StudyError("\n  ".join([f"{origin}: {len(problems)} problems", *problems]))


def _lacking(inputs: Any, needs: Sequence[str]) -> list[str]:
    given = inputs if isinstance(inputs, dict) else {}
    return [
        f"inputs.{need}: missing; expected {(Inputs.model_fields[need].description or '').split(';')[0]} (or --{need})"
        for need in needs
        if need not in given and not (need == "streets" and "times" in given)
    ]


def _problems(error: ValidationError) -> list[str]:
    details = error.errors(include_url=False)
    # A list whose items are all refused is reported as too short as well: the items say it better.
    inside = {detail["loc"][:-1] for detail in details}
    kept = [detail for detail in details if not (detail["type"] == "too_short" and detail["loc"] in inside)]
    return list(dict.fromkeys(_explained(detail) for detail in kept))


def _explained(detail: ErrorDetails) -> str:
    # Positions in lists, and the names that pydantic gives to alternatives, mean nothing to who wrote the file.
    names = [part for part in detail["loc"] if isinstance(part, str) and "[" not in part]
    where = ".".join(names) or "the study"
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key; {_meant(names)}"
    if detail["type"] == "missing":
        return f"{where}: missing{REMEDIES.get(where, '')}"
    if detail["type"] == "window":
        return f"{where}: {detail['msg']}"
    if detail["type"] == "too_short":
        return f"{where}: found nothing, expected at least one"
    if detail["type"] == "model_type":
        return f"{where}: found {_short(detail['input'])}, expected the keys {', '.join(_section(names))}"
    said = detail["msg"].replace("Input should be", "expected").replace("a valid tuple", "a list")
    return f"{where}: found {_short(detail['input'])}, {said}" if names else said


def _meant(names: list[str]) -> str:
    """Name the key that was probably meant: one of the same section, or the same word elsewhere."""
    section = _section(names[:-1])
    close = difflib.get_close_matches(names[-1], section, n=1)
    elsewhere = [key for key in _keys(Study) if key.split(".")[-1] == names[-1]]
    for guess in (*elsewhere, *close):
        return f"did you mean '{guess}'?"
    return f"expected any of {', '.join(section)}"


def _section(names: list[str]) -> list[str]:
    model: type[BaseModel] | None = Study
    for name in names:
        model = submodel(model, name) if model else None
    return list(model.model_fields) if model else []


def submodel(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Give the model that a key of a model holds, if it holds one."""
    field = model.model_fields.get(name)
    if field is not None and get_origin(field.annotation) is tuple:
        return None  # a list of models is written as a list
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    inner = [kind for part in kinds for kind in (part, *get_args(part))]
    return next((kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name in model.model_fields:
        yield prefix + name
        inner = submodel(model, name)
        if inner:
            yield from _keys(inner, f"{prefix}{name}.")


def _short(value: Any) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 60 else text[:57] + "..."
