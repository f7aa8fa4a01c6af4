"""The whole of a study, stage by stage: load, travel, draw, analyse, write."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.access import cell_access
from siteplan.analysis.reach import Decay, added, coverage, decayed_reach, overlap, reach
from siteplan.analysis.score import score_sites
from siteplan.config import Profile, Study
from siteplan.contours import isochrones
from siteplan.errors import SiteplanWarning
from siteplan.inputs.times import read_times
from siteplan.network.snapping import link
from siteplan.network.streets import StreetNetwork
from siteplan.study.cache import cached_table, content_key, file_hash
from siteplan.study.load import Territory, load, load_sites, load_streets, used_sites
from siteplan.study.manifest import manifest_of
from siteplan.study.reading import read_study
from siteplan.study.write import write_result
from siteplan.times import travel_times

__all__ = ["Progress", "Result", "draw", "run", "score"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Result:
    """What a study gave.

    `sites` (all, the excluded too), `cells`, `points`, `times`, `scores` and `cell_access` are tables as their makers
    describe them; `overlap` are the people whom two sites share, by any mode within the largest limit; `rings` is
    None where no isochrones were asked for; `manifest` says what went in and what came out; `folder` holds the files,
    or is None where none were written.
    """

    study: Study
    sites: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    times: pd.DataFrame
    rings: gpd.GeoDataFrame | None
    scores: pd.DataFrame
    cell_access: pd.DataFrame
    overlap: pd.DataFrame
    manifest: Mapping[str, Any]
    folder: Path | None = None


def run(study: Study | str | Path, *, out: str | Path | None = None, progress: Progress | None = None) -> Result:
    """Do everything that a study asks for, and write it into a folder of results.

    Travel times are kept by content in `<out>/.cache`: an interrupted run goes on where it stopped, and the same input
    gives the same bytes.

    Parameters
    ----------
    study
        A study, or the path of a study file.
    out
        The folder of results; by default the one the study names.
    progress
        Called with (stage, done, total).

    Returns
    -------
    Result
        Every table, and the folder with `scores.csv`, `overlap.csv`, `times.parquet`, `results.gpkg`, `map.html` and
        `manifest.json`.

    Raises
    ------
    SiteplanError
        A study or an input that cannot be used. Nothing is written then.

    Warns
    -----
    SiteplanWarning
        Whatever was odd, each once; also listed in the manifest.
    """
    asked = study if isinstance(study, Study) else read_study(study)
    folder = Path(out) if out is not None else asked.output.folder
    with _told_once() as odd:
        territory = _load(asked, progress)
        times = _times(asked, territory, folder / ".cache", progress)
        rings = _rings(asked, territory.streets, territory.sites, progress) if asked.output.isochrones else None
        result = _analysed(asked, territory, times, rings, odd, folder)
        _tell(progress, "writing", 0)
        write_result(result, territory, folder)
        _tell(progress, "writing", 1)
    return result


def score(study: Study | str | Path, *, progress: Progress | None = None) -> Result:
    """Analyse a study as `run` does, but draw nothing and write nothing."""
    asked = study if isinstance(study, Study) else read_study(study)
    with _told_once() as odd:
        territory = _load(asked, progress)
        times = _times(asked, territory, None, progress)
        return _analysed(asked, territory, times, None, odd, None)


def draw(study: Study | str | Path, *, progress: Progress | None = None) -> gpd.GeoDataFrame:
    """Draw the isochrones of a study's sites, for which nobody's home needs to be known.

    Returns
    -------
    GeoDataFrame
        As `isochrones` gives it, for all modes.
    """
    asked = study if isinstance(study, Study) else read_study(study, needs=("streets", "sites"))
    with _told_once():
        sites = load_sites(asked)
        rings = _rings(asked, load_streets(asked, sites), used_sites(sites), progress)
    assert rings is not None  # noqa: S101 - there are streets
    return rings


@contextmanager
def _told_once() -> Iterator[list[str]]:
    """Collect what is odd while working, and say each thing once at the end, whatever the end is."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            yield texts
        finally:
            seen = {str(warning.message): warning for warning in odd}
    for warning in seen.values():
        warnings.warn(warning.message, category=warning.category, stacklevel=4)
