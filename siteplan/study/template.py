"""The commented study file that a newcomer fills in, written from the models so that it never lags behind them."""

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from siteplan.config import Study
from siteplan.config.problems import submodel
from siteplan.errors import StudyError, special

__all__ = ["init_study", "study_template"]

HEAD = """\
# A study for siteplan: what is read, asked and written. Paths are relative to this file.
# Every key is here with its default; a key that is left out, or left empty, takes its default.
# `siteplan check study.yaml` says what is wrong or odd; `siteplan run study.yaml` does it all.
"""
COLUMN = 30
WIDTH = 118


def init_study(folder: str | Path, filled: Mapping[str, Any] | None = None) -> Path:
    """Write a commented `study.yaml` into a folder and return its path; a file that is there is never overwritten.

    Parameters
    ----------
    folder
        Where to write it; it may be new.
    filled
        Keys of the study with their values, nested as in the file; the others take their defaults, or an example where
        they have none. A value of None leaves the key empty.

    Raises
    ------
    StudyError
        The folder already has a study file, or cannot be made.
    """
    path = Path(folder) / "study.yaml"
    kind = special(Path(folder)) or ("a file" if Path(folder).is_file() else "")
    if kind:
        raise StudyError(f"{folder}: is {kind}; expected a folder to write study.yaml into, which may be new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(study_template(filled))
    except FileExistsError:
        raise StudyError(f"{path}: is there already and is not overwritten; give another folder") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def study_template(filled: Mapping[str, Any] | None = None) -> str:
    """Return a study file with every key, its value (or else its default) and its explanation."""
    return HEAD + "\n".join(_lines(Study, 0, filled or {})) + "\n"


def _lines(model: type[BaseModel], depth: int, example: Mapping[str, Any]) -> Iterator[str]:
    indent = "  " * depth
    for name, field in model.model_fields.items():
        inner = submodel(model, name)
        if depth == 0:
            yield ""
        left_out = name in example and example[name] is None
        if inner is not None and not left_out and (name in example or field.default is not None or field.examples):
            yield from _explained(f"{indent}{name}:", field.description or "", depth)
            yield from _lines(inner, depth + 1, example.get(name) or (field.examples[0] if field.examples else {}))
        elif inner is not None:
            # A section that is not there unless asked for: its keys stand behind a comment sign.
            yield from _explained(f"{indent}{name}:", field.description or "", depth)
            for line in _lines(inner, depth + 1, {}):
                bare = line.lstrip()
                yield line if bare.startswith("#") else f"{line[: len(line) - len(bare)]}# {bare}"
        else:
            default = None if field.is_required() else field.default
            value = example.get(name, field.examples[0] if field.examples else default)
            yield from _explained(f"{indent}{name}:{_yaml(value)}", field.description or "", depth)
            instead = field.json_schema_extra
            if isinstance(instead, Mapping):
                yield from _explained(f"{indent}# {name}: {instead['instead']}", str(instead["why"]), depth)


def _explained(line: str, text: str, depth: int) -> list[str]:
    """Put the explanation behind the line, or above it where it is long."""
    beside = f"{line:<{COLUMN}}  # {text}"
    if len(beside) <= WIDTH:
        return [beside]
    indent = "  " * depth
    return [*textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "), line]


def _yaml(value: Any) -> str:
    """Write a value in one line of YAML; nothing for none."""
    if value is None or value == {}:
        return ""
    plain = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return (
        " "
        + yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=1000).removesuffix("\n...\n").strip()
    )
