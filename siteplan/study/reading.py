"""A study file, options and overrides become one checked Study; everything wrong is said at once."""

import os
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from siteplan.config import Inputs, Study
from siteplan.config.fields import listed
from siteplan.config.problems import said, short
from siteplan.doors import door
from siteplan.errors import InputError, Key, StudyError, is_there
from siteplan.yamls import parse_yaml, read_yaml

__all__ = ["read_study"]

NEEDS = ("streets", "population", "sites")


@door()
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

    Examples
    --------
    >>> study = sp.read_study("study.yaml", ["travel.walk.speed_kmh=3.6"])
    >>> study.travel.modes, study.travel.walk.speed_kmh
    (('walk', 'bike', 'calm', 'transit'), 3.6)
    """
    raw = {} if path is None else _load(Path(path))
    base = Path.cwd() if path is None else Path(os.path.realpath(path)).parent
    origin = "options" if path is None else str(path)
    for key, value in options.items():
        if value is not None and value != []:
            _put(raw, key, value if path is None else _from_here(value), origin)
    if options.get("travel.modes"):
        _keep_limits_of(raw["travel"], options)
    for override in overrides:
        key, value = _parsed(override)
        _put(raw, key, value, origin)
    return _validated(_without_none(raw), base, origin, needs)


def _load(path: Path) -> dict[str, Any]:
    if not is_there(path):
        raise StudyError(f"{path}: no such study file; `siteplan init FOLDER` writes one to fill in")
    try:
        raw = read_yaml(path, "a study file (YAML), `key: value` a line")
    except InputError as error:
        raise StudyError(str(error)) from None
    if raw is not None and not isinstance(raw, dict):
        raise StudyError(f"{path}: found {short(raw)}, expected a study file of `key: value` lines")
    return raw or {}


def _parsed(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise StudyError(f"--set {override}: expected key.path=value, such as travel.walk.speed_kmh=3.6")
    try:
        return key.strip(), parse_yaml(text)
    except ValueError as error:
        raise StudyError(f"--set {key}: the value {short(text)} is not YAML ({error})") from None


def _put(raw: dict[str, Any], key: str, value: Any, origin: str) -> None:
    *sections, last = key.split(".")
    for depth, name in enumerate(sections, 1):
        inner = raw.get(name)
        if isinstance(inner, str | Path):
            # A plain path stands for {file: path}; a key beside the file keeps the file.
            inner = {"file": inner}
        if not isinstance(inner, dict | None):
            raise StudyError(f"{origin}: {'.'.join(sections[:depth])} holds {short(inner)}, so {key} cannot be set")
        raw[name] = inner = dict(inner or {})
        raw = inner
    if isinstance(raw.get(last), dict) and isinstance(value, str | Path) and sections[:1] != ["travel"]:
        # The other way about: another file, the keys beside it kept. Limits, be they by mode, are no files.
        value = {**raw[last], "file": value}
    raw[last] = value


def _keep_limits_of(travel: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Let the limits of modes that an option does not ask for go with these, where the file has limits by mode."""
    asked = listed(options["travel.modes"])
    for key in ("minutes", "metres"):
        own = travel.get(key)
        if isinstance(own, dict) and options.get(f"travel.{key}") is None:
            travel[key] = {mode: limits for mode, limits in own.items() if mode in asked} or own


def _from_here(value: Any) -> Any:
    """Options name files from where the user stands, not from where the study file lies."""
    if isinstance(value, list):
        return [_from_here(each) for each in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def _without_none(raw: Any) -> Any:
    """Take a key with nothing behind it as if it were not there, so that its default holds."""
    if not isinstance(raw, dict):
        return raw
    return {key: _without_none(value) for key, value in raw.items() if value is not None}


def _validated(raw: dict[str, Any], base: Path, origin: str, needs: Sequence[str]) -> Study:
    wrong: list[tuple[str, ...]] = []
    study = None
    try:
        study = Study.model_validate(raw, context={"base": base})
    except ValidationError as error:
        wrong = said(error, Study)
    wrong += _lacking(raw.get("inputs"), needs)
    if study is not None and not wrong:
        return study
    if len(wrong) == 1:
        raise StudyError(f"{origin}: ", *wrong[0])
    raise StudyError(f"{origin}: {len(wrong)} problems", *(part for parts in wrong for part in ("\n  ", *parts)))


def _lacking(inputs: Any, needs: Sequence[str]) -> list[tuple[str, ...]]:
    given = inputs if isinstance(inputs, dict) else {}
    about = {need: (Inputs.model_fields[need].description or "").split(";")[0] for need in needs}
    return [
        (Key(f"inputs.{need}"), f": missing; expected {about[need]} (or --{need})")
        for need in needs
        if need not in given and not (need == "streets" and "times" in given)
    ]
