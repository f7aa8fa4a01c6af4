"""A study file, options and overrides become one checked Study; everything wrong is said at once."""

import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from siteplan.config import Inputs, Study
from siteplan.config.problems import said, short
from siteplan.doors import door
from siteplan.errors import Key, StudyError

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
    (('walk', 'bike', 'transit'), 3.6)
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
        raise StudyError(f"{path}: found {short(raw)}, expected a study file of `key: value` lines")
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
            raise StudyError(f"{origin}: {'.'.join(sections[:depth])} holds {short(inner)}, so {key} cannot be set")
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
