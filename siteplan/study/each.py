"""Many territories of one study, each planned for by itself: a folder of results each, and one table of all.

Files are read once. A territory has the people who live in it and the sites that stand in it; streets and timetables
are those of the whole. What one territory cannot do costs its own row. A later run takes over what an earlier one
finished of the same input.
"""

import hashlib
import warnings
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siteplan.analysis.equity import TOTAL
from siteplan.catalogue import BEST, FILES, PEOPLE, TABLES, Measure
from siteplan.config import Study
from siteplan.display import Shown
from siteplan.doors import door
from siteplan.errors import InputError, KeptWarning, SiteplanError, SiteplanWarning, StudyError, is_there, listed, warn
from siteplan.geo import metric_crs
from siteplan.output.files import refuse_name, whole_file
from siteplan.output.guard import refuse_inputs
from siteplan.output.lock import one_writer
from siteplan.output.result import Result, read_manifest
from siteplan.output.tables import write_table
from siteplan.study.cache import content_key
from siteplan.study.editing import edited_streets
from siteplan.study.load import Inputs, StudyData, load_inputs, load_timetable, settled, used_sites
from siteplan.study.manifest import input_files
from siteplan.study.progress import Means, Progress
from siteplan.study.reading import read_study
from siteplan.study.stages import run_into
from siteplan.study.territories import FOLDER, Territory, split, territories_of
from siteplan.study.unchanged import mark_of

__all__ = ["Territories", "run_each"]

TABLE = "each_territory"
UNKNOWN = ("cost", "gap")  # figures that may be missing
AROUND = 3000.0  # metres around a territory within which streets and what lies around them are drawn


@dataclass(frozen=True, repr=False)
class Territories(Shown):
    """What a study of many territories gave: a table of all, and the result of each when it is asked for.

    Attributes
    ----------
    table
        Index `territory`; the columns of `each_territory.csv`.
    folder
        Where the results stand.
    """

    table: pd.DataFrame
    folder: Path
    _known: dict[str, Result] = field(default_factory=dict, init=False, compare=False)

    def facts(self) -> dict[str, object]:
        """Say how many there are."""
        failed = self.table["error"] != ""
        return {
            "territories": len(self.table),
            "people": f"{self.table['people'].sum():,.0f}",
            "without results": listed(self.table["name"][failed]) if failed.any() else 0,
            "folder": self.folder,
        }

    def __getitem__(self, territory: str) -> Result:
        """Return the result of a territory, by its id or, where only one is called so, its name."""
        rows = self.table[(self.table.index == territory) | (self.table["name"] == territory)]
        if len(rows) != 1:
            raise InputError(f"no territory {territory!r}; expected one of {listed(self.table.index, 8)}")
        if rows["error"].iloc[0]:
            raise InputError(f"{territory}: has no results: {rows['error'].iloc[0]}")
        folder = str(rows["folder"].iloc[0])
        if folder not in self._known:
            self._known[folder] = Result.load(self.folder / folder)
        return self._known[folder]

    @property
    def results(self) -> Mapping[str, Result]:
        """The results by id, of all territories that have any; each is read from its folder."""
        return {str(each): self[str(each)] for each in self.table.index[self.table["error"] == ""]}


@door()
def run_each(
    study: Study | str | Path,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Territories:
    """Do what `run` does for each territory of a study's `area.each`, by itself.

    A territory that an earlier run finished of the same input is taken over as it is.

    Parameters
    ----------
    study
        A study, or the path of a study file.
    out
        The folder of results; by default the one the study names. It gets a folder `territories/<name>` for each.
    progress
        Called with (stage, done, total); the stage begins with the name of the territory.
    executor
        Who searches, as for `run`: threads unless one is given.

    Returns
    -------
    Territories
        The table of all, which says of each that has no results why, and the results.

    Raises
    ------
    SiteplanError
        What all territories share cannot be used.

    Warns
    -----
    SiteplanWarning
        How many sites and people are in no territory, and which territories have no results.

    Examples
    --------
    >>> sp.read_area("communes.gpkg").loc[["99002", "99003"]].to_file("two.gpkg")
    >>> every = sp.run_each(sp.read_study("short.yaml", ["area.each=two.gpkg", "choose.sites=1"]), out="every")
    >>> every.table[["name", "people", "opens", "before_walk_15", "after_walk_15"]]
                           name  people opens  before_walk_15  after_walk_15
    territory
    99002      Vernay-sous-Bois  1933.0   S22             0.0         1860.0
    99003              Échallon  1105.0   S24             0.0          778.0
    """
    asked = study if isinstance(study, Study) else read_study(study)
    asked.refuse_metres("run_each")
    folder = Path(out) if out is not None else asked.output.folder
    refuse_name(folder)
    refuse_inputs(input_files(asked).values(), [folder / TABLES[TABLE].file])
    _refuse_others(folder)
    areas = territories_of(asked)
    means = Means(progress, executor)
    means.tell("reading", 0)
    inputs = _shared(asked)
    means.tell("reading", 1)
    territories, base = split(inputs, areas), mark_of(asked)
    with one_writer(folder):
        rows = [_row(asked, inputs, one, folder=folder, base=base, means=means) for one in territories]
        table = pd.DataFrame(rows).set_index("territory")
        table = table.astype({name: float for name in UNKNOWN if name in table})
        ends = ["warnings", "error"]
        table = table[[*(name for name in table if name not in ends), *ends]]
        with whole_file(folder / TABLES[TABLE].file) as aside:
            write_table(table, aside, TABLES[TABLE])
    failed = table.index[table["error"] != ""]
    if len(failed):
        names = listed(table.loc[failed, "name"], 5)
        text = f"{len(failed)} of {len(table)} territories have no results: {names}; the table says why"
        warn(text)
    return Territories(table, folder)


def _refuse_others(folder: Path) -> None:
    """Refuse a folder that holds something else than territories."""
    own = TABLES[TABLE].file
    there = [name for name in FILES if is_there(folder / name) and (name != own or not is_there(folder / FOLDER))]
    if there:
        raise StudyError(
            f"{folder / there[0]}: is there already, of something else than many territories; nothing was written. "
            "Give another folder, or move the file away"
        )


def _shared(study: Study) -> Inputs:
    """Read what all territories share: the files, the streets as the study changes them, and timetables on them."""
    inputs = load_inputs(study)
    if inputs.original is None:
        return inputs
    streets = edited_streets(study, inputs.original)
    return replace(inputs, streets=streets, timetable=load_timetable(study, streets))


def _row(study: Study, inputs: Inputs, one: Territory, *, folder: Path, base: str, means: Means) -> dict[str, Any]:
    """Plan for one territory, and return its row of the table."""
    digest = hashlib.sha256(one.about.geometry.to_wkb().iloc[0]).hexdigest()
    mark = content_key({"base": base, "territory": one.key, "name": one.name, "shape": digest})
    known = _finished(folder / one.folder, mark)
    if known is not None:
        return known
    used = used_sites(one.sites)
    there: dict[str, Any] = {
        "territory": one.key,
        "name": one.name,
        "folder": "",
        "people": float(one.cells["people"].sum()),
        "sites": len(used),
        "existing": int((used["status"] == "existing").sum()),
        "opened": 0,
        "opens": "",
    }

    def told(result: Result) -> dict[str, Any]:
        row = {**there, "folder": one.folder, **_figures(study, result), "error": ""}
        return {"territory": {"mark": mark, "row": {key: None if pd.isna(each) else each for key, each in row.items()}}}

    own = study.model_copy(update={"name": f"{study.name}: {one.name}"})
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            _refuse_empty(one, used)
            result = run_into(
                own,
                folder / one.folder,
                read=lambda: _placed(own, inputs, one),
                told=told,
                means=means.within(one.name),
            )
        except SiteplanError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one territory, the others have their results
            why = f"{type(error).__name__}: {error}"
        else:
            return dict(result.manifest["territory"]["row"])
    count = len({str(each.message) for each in odd if _counts(each)})
    return {**there, "warnings": count, "error": " ".join(why.split())}


def _counts(warning: warnings.WarningMessage) -> bool:
    return issubclass(warning.category, SiteplanWarning) and not issubclass(warning.category, KeptWarning)


def _finished(folder: Path, mark: str) -> dict[str, Any] | None:
    """Return the row of a territory that an earlier run finished of the same input, with all its files there."""
    try:
        manifest = read_manifest(folder)
    except InputError:
        return None
    told = manifest.get("territory", {})
    if told.get("mark") != mark or not all(is_there(folder / name) for name in manifest["files"]):
        return None
    return dict(told["row"])


def _refuse_empty(one: Territory, used: gpd.GeoDataFrame) -> None:
    if used.empty:
        raise InputError("no site stands in it but excluded ones")
    if not (one.cells["people"] > 0).any():
        raise InputError("nobody lives in it")


def _placed(study: Study, inputs: Inputs, one: Territory) -> StudyData:
    """Put the sites and people of one territory on the streets of the whole."""
    data = settled(study, replace(inputs, sites=one.sites, cells=one.cells, communes=one.communes))
    shape = one.about.geometry.to_crs(metric_crs(one.about)).buffer(AROUND)
    return replace(data, frame=gpd.GeoSeries(shape.to_numpy(), crs=shape.crs))


def _figures(study: Study, result: Result) -> dict[str, Any]:
    """Return what the table tells of a result: what opens, what that costs, and who has an open site by each mode."""
    found: dict[str, Any] = {"opened": 0, "opens": "", "cost": float("nan"), "gap": float("nan")}
    limit = study.travel.longest(BEST)
    if result.choice is not None and study.choose is not None:
        new = result.choice.sites[result.choice.sites["status"] != "existing"]
        found = {"opened": len(new), "opens": ", ".join(map(str, new.index))}
        found |= {"cost": float(new["cost"].sum(min_count=1)), "gap": result.choice.gap}
        limit = (
            study.choose.limit(study.travel.longest(study.choose.mode or BEST)) if study.choose.goal.limited else limit
        )
    ways = result.tables["coverage"]
    ways = ways[(ways["public"] == TOTAL) & (ways["group"] == PEOPLE)]
    counted = {
        (kind, mode): ways[(ways["open"] == opened) & (ways["mode"] == mode)]
        for mode in dict.fromkeys(ways["mode"])
        for kind, opened in (("before", "today"), ("after", "chosen"))
    }
    for (kind, mode), rows in counted.items():
        of = ways["minutes"][ways["mode"] == mode]
        own = float(of[of <= limit].max() if (of <= limit).any() else of.min())
        covered = rows["covered"][rows["minutes"] == own]
        before = found.get(Measure("before", PEOPLE, str(mode), own).column, 0.0)
        found[Measure(kind, PEOPLE, str(mode), own).column] = float(covered.iloc[0]) if len(covered) else before
    return {**found, "warnings": len(result.manifest["warnings"])}
