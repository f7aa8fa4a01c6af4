"""A study that is searched: what was read, who is how far from which site, and what was odd so far."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from siteplan.config import Study
from siteplan.errors import KeptWarning, SiteplanWarning, warn
from siteplan.inputs.basemap import BACKGROUND, Background
from siteplan.inputs.extract import Layer
from siteplan.memory import give_back
from siteplan.network.segments import Segments
from siteplan.publics import by_public, check_modes, split_people, times_by_public
from siteplan.reachable import Reach
from siteplan.study.cache import Cache
from siteplan.study.load import StudyData, load
from siteplan.study.progress import Means
from siteplan.study.travel import PassingFolder, TiledTimes, is_tiled, tiled_times, times_of

__all__ = ["Searched", "loaded", "reach_of", "search", "told_once", "warned_of"]


@dataclass(frozen=True)
class Searched:
    """A study with all that was read and searched for it, where that is kept, and what was odd so far."""

    study: Study
    data: StudyData
    times: pd.DataFrame | TiledTimes
    reach: Reach
    odd: list[warnings.WarningMessage]
    cache: Cache = field(default_factory=lambda: Cache(None))
    means: Means = field(default_factory=Means)


@contextmanager
def told_once() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what is odd while working, and say each thing once at the end."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        yield odd
    for warning in {str(each.message): each for each in odd}.values():
        warn(warning.message, warning.category)


def loaded(study: Study, means: Means, *, places: bool = True, around: Layer[Background] = BACKGROUND) -> StudyData:
    """Read all inputs of a study, as `load` does, and say how far that is."""
    means.tell("reading", 0)
    data = load(study, places=places, around=around)
    means.tell("reading", 1)
    return data


def search(
    study: Study,
    data: StudyData,
    odd: list[warnings.WarningMessage],
    means: Means,
    *,
    cache: Cache | None = None,
    last: bool = False,
) -> Searched:
    """Search, and put minutes and people together: of many sites tile by tile, in files that go with the result.

    `last` as for `times_of`; all that was worked out from the streets is forgotten then.
    """
    folder = PassingFolder() if is_tiled(study, data) else None
    cache = cache or Cache(None)
    if last and data.streets is not None:
        data.streets.forget(Segments)  # to which everybody is linked
    if folder is None:
        table = times_of(study, data, cache, means, last=last)
    else:
        kept = Cache(folder.path) if cache.folder is None else cache
        times = replace(tiled_times(study, data, kept, means, last=last), folder=folder)
    if last and data.streets is not None:
        data.streets.forget()
    give_back()
    if folder is None:
        return Searched(study, data, table, reach_of(study, table, data), odd, cache, means)
    return Searched(study, data, times, _reach_of_tiles(study, times, data, folder.path), odd, cache, means)


def reach_of(study: Study, times: pd.DataFrame, data: StudyData) -> Reach:
    """Put minutes and people together, everybody with the modes that they can use."""
    return Reach.of(*by_public(times, data.points, study.publics), study.travel.unit)


def _reach_of_tiles(study: Study, times: TiledTimes, data: StudyData, folder: Path) -> Reach:
    """Do what `reach_of` does tile by tile."""
    people, publics = data.points, study.publics
    if not publics:
        return Reach.of_tiles(times.tables(), people, folder, study.travel.unit)
    check_modes(publics, [mode for mode, count in times.rows.items() if count])
    tables = [lambda table=table: times_by_public(table(), people, publics) for table in times.tables()]
    return Reach.of_tiles(tables, split_people(people, publics), folder, study.travel.unit)


def warned_of(odd: list[warnings.WarningMessage]) -> list[str]:
    """Return the texts of what was odd, each once, but for what a cache tells."""
    told = [each for each in odd if issubclass(each.category, SiteplanWarning)]
    return list(dict.fromkeys(str(each.message) for each in told if not issubclass(each.category, KeptWarning)))
