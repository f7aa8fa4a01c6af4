"""The choice of sites on its own, without all else that a run tells: read, search, choose, write."""

from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteplan.catalogue import BEST, FILES, TABLES, WORKBOOK
from siteplan.config import Study
from siteplan.errors import InputError, StudyError, is_there, warn
from siteplan.inputs.basemap import WATERS
from siteplan.inputs.times import read_times
from siteplan.output.files import DASH, MANIFEST, refuse_name, results_folder, whole_file
from siteplan.output.guard import refuse_inputs
from siteplan.output.tables import write_table
from siteplan.output.workbook import write_workbook
from siteplan.publics import by_public
from siteplan.reachable import Reach
from siteplan.siting.choice import Choice
from siteplan.study.choosing import by_point, check_choose, chosen, frontier
from siteplan.study.load import load_sites, used_sites
from siteplan.study.manifest import input_files
from siteplan.study.measured import measured
from siteplan.study.progress import Means, Progress
from siteplan.study.reading import read_study
from siteplan.study.searched import loaded, search, told_once
from siteplan.study.travel import no_longer

__all__ = ["choose"]

APART = ("scores", "times")  # which other commands may have written beside a choice


def choose(
    study: Study | str | Path,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Choice:
    """Choose the set of sites that a study asks for, and write it as CSV if `out` is given (`-`: standard output).

    Where `out` has no ending, it is a folder for all tables: the choice, who was rejected, who goes where, and the
    phases and the curve if there are any.

    Raises
    ------
    StudyError
        A study that asks for no choice, or one that cannot be met: why, and the nearest that can.
    InputError
        A table of times of which nothing lies within the limit.
    """
    asked = study if isinstance(study, Study) else read_study(study)
    if asked.choose is None:
        raise StudyError("choose: missing; expected how many sites, such as {sites: 5} (or -p 5), or a budget")
    if out is not None:
        if not _one_file(out):
            refuse_name(out)
        refuse_inputs(input_files(asked).values(), [Path(out), *(Path(out) / name for name in FILES)])
        if is_there(Path(out) / MANIFEST):
            raise StudyError(f"{out}: holds the results of a run; nothing was computed or written. Give another folder")
    # A table of times knows how far all is from each site; where the sites are then matters to few questions.
    given = asked.inputs.times is not None and asked.inputs.streets is None
    means = Means(progress, executor)
    places = not given or asked.choose.spacing_m is not None or asked.area.extent == "sites"
    with told_once() as odd:
        if asked.inputs.population is None:
            sites, reach = _alone(asked, places)
            communes = None
        else:
            data = loaded(asked, means, places=places, around=WATERS)
            check_choose(asked, data.sites)
            data = measured(asked, data)
            held = search(asked, data, odd, means, last=True)  # as the files of its times go with it
            reach = held.reach
            sites, communes = data.sites, by_point(data, reach)
        _refuse_beyond(asked, reach)
        choice, tables = chosen(asked, reach, sites, communes)
        if out is not None and not _one_file(out):
            tables |= frontier(asked, reach, sites, choice, communes=communes)
        assert choice is not None  # noqa: S101 - the study asks for one
        if out is not None:
            _write_choice(tables, Path(out), asked)
    return choice


def _refuse_beyond(study: Study, reach: Reach) -> None:
    """Refuse a table of times of which nothing is within the limit: its unit is probably another."""
    assert study.choose is not None  # noqa: S101 - the study asks for a choice
    unit = study.travel.unit
    limit = study.choose.minutes or study.choose.metres or study.travel.longest(study.choose.mode or BEST)
    if study.inputs.times is not None and not (reach.minutes <= limit).any():
        raise InputError(
            f"{study.inputs.times}: nothing lies within the limit of {limit:g} {unit}, the shortest time is "
            f"{reach.minutes.min():g}. If the table is in seconds, name its column seconds; if not, raise "
            f"choose.{unit} ({'--within' if unit == 'minutes' else '--within-metres'})"
        )


def _one_file(out: str | Path) -> bool:
    """Tell whether a choice is written into one file, or to standard output, in place of a folder of tables."""
    return bool(Path(out).suffix) or Path(out) == DASH


def _write_choice(tables: Mapping[str, pd.DataFrame], out: Path, study: Study) -> None:
    """Write the chosen sites into a file, or all tables of the choice into a folder: whole, or nothing."""
    if _one_file(out):
        with whole_file(out) as aside:
            write_table(tables["choice"], aside, TABLES["choice"])
        return
    others = [
        table.file for name, table in TABLES.items() if name not in (*tables, *APART) and is_there(out / table.file)
    ]
    as_sheets = study.output.tables == "xlsx"
    others += [WORKBOOK] if (out / WORKBOOK).exists() and not as_sheets else []
    if others:
        raise StudyError(f"{out}: holds {others[0]} of something else; nothing was written. Give another folder")
    with results_folder(out) as aside:
        for name, table in tables.items():
            write_table(table, aside / TABLES[name].file, TABLES[name])
        if as_sheets:
            write_workbook(tables, aside / WORKBOOK, currency=study.currency)


def _alone(study: Study, places: bool) -> tuple[gpd.GeoDataFrame, Reach]:
    """Read sites and a table of times that stand for themselves: every point counts once."""
    if study.inputs.times is None:
        raise StudyError("inputs.population: missing; expected where people are, or a table of times (inputs.times)")
    sites = load_sites(study, places=places)
    times = read_times(study.inputs.times, sites=sites, minutes=study.inputs.times_minutes)
    unit = study.travel.unit
    reach = Reach.of(times, unit=unit)
    text = f"{study.inputs.times}: no population given, so each of its {len(reach.points):,} points counts once"
    warn(text)
    return used_sites(sites), Reach.of(*by_public(no_longer(study, times), reach.people.table, study.publics), unit)
