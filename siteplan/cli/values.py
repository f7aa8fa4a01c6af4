"""What a shell proposes where a value is typed: modes, objectives, study files, formats and the rest.

Heavy modules are imported inside, when somebody presses the key. What has no proposals here is completed by the shell,
which knows its files.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import typer

from siteplan.formats import WRITTEN
from siteplan.objectives import objective_names

__all__ = [
    "PROPOSED",
    "parts_to_fetch",
    "places_files",
    "proposed_keys",
    "rings_files",
    "sources_by_kind",
    "study_files",
    "tables_files",
]

STUDIES = (".yaml", ".yml")


def _modes(context: typer.Context, incomplete: str) -> list[str]:
    return _listed(_known_modes(context), incomplete)


def _modes_or_best(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning([*_known_modes(context), "best"], incomplete)


def _objectives(incomplete: str) -> list[str]:
    return _beginning(objective_names(), incomplete)


def _literals(section: str, key: str) -> Callable[[str], list[str]]:
    """Propose the values that a key of the study may have, as its model says."""

    def propose(incomplete: str) -> list[str]:
        import siteplan.config

        kind = getattr(siteplan.config, section).model_fields[key].annotation
        parts = [part for each in (kind, *get_args(kind)) for part in get_args(each)]
        return _beginning([part for part in parts if isinstance(part, str)], incomplete)

    return propose


# By the key of the study that an option sets.
PROPOSED: Mapping[str, Callable[..., list[str]]] = MappingProxyType({
    "travel.modes": _modes,
    "travel.direction": _literals("Travel", "direction"),
    "inputs.times_minutes": _literals("Inputs", "times_minutes"),
    "choose.objective": _objectives,
    "choose.mode": _modes_or_best,
})  # fmt: skip


def study_files(incomplete: str) -> list[str]:
    """Propose the study files of the folder that is begun, and of the folders in it."""
    begun = Path(incomplete)
    folder = begun if incomplete.endswith("/") or not incomplete else begun.parent
    try:
        near = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        found = [path for path in near if path.suffix in STUDIES]
        found += [path for each in near if each.is_dir() for end in STUDIES for path in sorted(each.glob(f"*{end}"))]
    except OSError:
        return []
    return [str(path) for path in found if str(path).startswith(incomplete)]


def places_files(incomplete: str) -> list[str]:
    """Propose names of files of points, by the formats that can be written."""
    return _named(incomplete, WRITTEN)


def rings_files(incomplete: str) -> list[str]:
    """Propose names of files of polygons, by the formats that can be written."""
    return _named(incomplete, WRITTEN[1:])


def tables_files(incomplete: str) -> list[str]:
    """Propose the name of a table."""
    return _named(incomplete, [".csv"])


def proposed_keys(incomplete: str) -> list[str]:
    """Propose keys of the study, each with the sign that its value follows."""
    from siteplan.config import Study

    return [key for key in _keys(Study, "") if key.startswith(incomplete)]


def parts_to_fetch(incomplete: str) -> list[str]:
    """Propose what can be fetched, several with commas."""
    from siteplan.study.fetching import PARTS

    return _listed([part.name for part in PARTS], incomplete)


def sources_by_kind(incomplete: str) -> list[str]:
    """Propose sources as `kind=name`."""
    from siteplan.sources.source import sources

    return _beginning([f"{each.kind}={each.name}" for each in sources()], incomplete)


def _known_modes(context: typer.Context) -> list[str]:
    """Name the usual modes, and those of the study file that is typed."""
    from siteplan.cli.choosing import typed_study
    from siteplan.config import MODES

    typed = [each for each in (context.params.get("study"), *context.args) if each]
    travel = typed_study(Path(typed[0]) if typed else None).get("travel")
    own = travel.get("profiles") if isinstance(travel, dict) else None
    return [*MODES, *(map(str, own) if isinstance(own, dict) else ())]


def _keys(model: Any, before: str) -> Iterable[str]:
    """Give the keys of a model with a value each, and those of the sections in it."""
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inner = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
        if inner is not None:
            yield from _keys(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}="


def _beginning(values: Iterable[str], incomplete: str) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]


def _listed(values: Iterable[str], incomplete: str) -> list[str]:
    """Propose a further entry of a list with commas: none that is there already."""
    before, comma, begun = incomplete.rpartition(",")
    there = before.split(",")
    return [f"{before}{comma}{value}" for value in values if value.startswith(begun) and value not in there]


def _named(incomplete: str, endings: Iterable[str]) -> list[str]:
    """Propose a name with each of some endings, once a name is begun."""
    path = Path(incomplete)
    if not incomplete or incomplete.endswith("/"):
        return []
    stem = incomplete.removesuffix(path.suffix) if path.suffix else incomplete.removesuffix(".")
    begun = incomplete[len(stem) :]
    return [f"{stem}{ending}" for ending in endings if ending.startswith(begun)]
