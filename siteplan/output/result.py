"""One result: what a study gave, written into a folder and read back from it."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.catalogue import FILES, LAYERS, PLACES, TABLES, WORKBOOK, Table, uptake_column
from siteplan.config import folder_name
from siteplan.errors import InputError, is_there, listed, warn
from siteplan.geo import as_crs, require_metric
from siteplan.inputs.spreadsheet import unguarded_table
from siteplan.inputs.times import made_points
from siteplan.output.files import MANIFEST, digest, generation, settle
from siteplan.output.geopackage import write_geopackage
from siteplan.output.guard import SCENARIOS, refuse_foreign
from siteplan.output.lock import one_writer
from siteplan.output.outcome import Outcome
from siteplan.output.packages import CRATE, PACKAGE, write_packages
from siteplan.output.rasters import write_minutes
from siteplan.output.tables import write_manifest, write_table, write_times
from siteplan.output.workbook import write_workbook
from siteplan.siting.choice import Choice

__all__ = ["Result", "read_manifest", "read_outcome"]

Read = TypeVar("Read")

TRIES = 5  # to read a folder that is being written
PAGES = ("map.html", "report.html")  # which the results of a scenario do not have: they are on those of its study
# Layers that a scenario mostly has as its study: where they are the same, they stand in the study's file alone.
GROUND = ("communes", "streets", "stress", "water", "transit_lines", "stops", "green", "railways", "places")
OF_STUDY = "layers_of_study"  # in the manifest of a scenario: which these are
ABOUT = ("name", "status", "cost", "capacity")  # of a site: told again beside its scores


@dataclass(frozen=True, eq=False, repr=False)
class Result(Outcome):
    """What a study gave, with its files; see `Outcome` for its parts.

    `run` gives one, `Result.load(folder)` gives the same again, and `save(folder)` writes it. Its `scenarios` are
    Results, too, compared with this one in the tables `scenarios` and `scenario_scores`. One can be made by hand of
    what there is: `Result(sites, tables={"scores": ...}, layers={"cells": ...})`.
    """

    scenarios: "Mapping[str, Result]" = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        """The files that `save` writes, those of the scenarios in folders of their own."""
        absent = {table.file for name, table in TABLES.items() if name not in self.tables}
        asked = self.study.get("output", {})
        absent |= set() if asked.get("raster") else {"minutes.tif"}
        absent |= set() if asked.get("tables") == "xlsx" else {WORKBOOK}
        absent |= set(PAGES) if "scenario" in self.manifest else set()
        inside = [
            f"{_inside(name)}/{file}" for name, other in self.scenarios.items() for file in other.files
        ]  # the manifest of a scenario names what is beside it
        return [*(name for name in FILES if name not in absent), *inside]

    @classmethod
    def load(cls, folder: str | Path) -> "Result":
        """Read what a complete run left in a folder, with its scenarios; it is the run's own result again.

        Raises
        ------
        InputError
            The folder does not hold the results of a complete run.
        """

        def whole(folder: Path, ground: Mapping[str, gpd.GeoDataFrame] | None = None) -> "Result":
            return _of_one_run(folder, lambda: parts(folder, ground))

        def parts(folder: Path, ground: Mapping[str, gpd.GeoDataFrame] | None) -> "Result":
            found = _parts(folder, None, ground)
            told = found["manifest"].get("scenarios", ())
            inside = {each["name"]: whole(folder / each["folder"], found["layers"]) for each in told}
            return cls(**found, scenarios=inside)

        return whole(Path(folder))

    def save(self, folder: str | Path) -> "Result":
        """Write all files of the result and of its scenarios, whole or not at all, with the map and the report.

        Files of an earlier run that this one does not write are removed.

        Returns
        -------
        Result
            The same, its manifest naming the files, and its folder.

        Raises
        ------
        StudyError
            The folder cannot be written, or holds files of somebody else that bear the names of results.
        """
        with one_writer(folder):
            return self.put(folder)

    def put(self, folder: str | Path) -> "Result":
        """Do what `save` does, for whoever is the one writer of the folder already."""
        from siteplan.output.maps import site_map  # what only reads a result needs no pages
        from siteplan.output.report import write_report

        self.refuse_metres()
        refuse_foreign(Path(folder))
        with generation(folder) as aside:
            saved = self._written(aside)
            if "map.html" in saved.files:
                site_map(saved).save(aside / "map.html")
                write_report(saved, aside / "report.html")
            saved = saved._sealed(aside)
        return replace(saved, folder=Path(folder))

    def _written(self, folder: Path, study: "Result | None" = None) -> "Result":
        """Write all but the pages and the manifests; of a scenario of a study, only the ground that is another."""
        places = self._places()
        same = [] if study is None else [name for name in GROUND if _alike(places.get(name), study.layers.get(name))]
        manifest = {name: value for name, value in self.manifest.items() if name != OF_STUDY}
        manifest |= {"files": self.files} | ({OF_STUDY: same} if same else {})
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            path = folder / TABLES[name].file
            if path.suffix == ".parquet":
                write_times(table, path, points=self.mark if name == "times" else "")
            else:
                write_table(table, path, TABLES[name])
        write_geopackage(
            {name: table for name, table in places.items() if name not in same},
            folder / PLACES,
            crs=self.points.crs,
            language=self.language,
            modes=self.mode_titles,
            credits=self.credits,
        )
        if WORKBOOK in manifest["files"]:
            # In the catalogue's order, which a result that is read back has as well.
            kept = (name for name in TABLES if name in self.tables and not TABLES[name].file.endswith(".parquet"))
            sheets = {name: self.tables[name] for name in kept}
            write_workbook(sheets, folder / WORKBOOK, currency=self.currency)
        if "minutes.tif" in manifest["files"]:
            self._write_raster(folder / "minutes.tif")
        others = {name: other._written(folder / _inside(name), self) for name, other in self.scenarios.items()}
        return replace(self, manifest=manifest, scenarios=others)

    def _sealed(self, folder: Path) -> "Result":
        """Write the manifest, with the digest of every file but itself; those of the scenarios first."""
        others = {name: other._sealed(folder / _inside(name)) for name, other in self.scenarios.items()}
        told = (MANIFEST, PACKAGE, CRATE)
        digests = {name: digest(folder / name) for name in self.manifest["files"] if name not in told}
        write_packages(self, folder, digests)
        digests |= {name: digest(folder / name) for name in told[1:]}
        manifest = {**self.manifest, "sha256": digests}
        write_manifest(manifest, folder / MANIFEST)
        return replace(self, manifest=manifest, scenarios=others)

    def _places(self) -> dict[str, gpd.GeoDataFrame]:
        """Name the tables with a place; sites carry their scores, the chosen ones their order."""
        added = self.scores.columns.difference(self.sites.columns, sort=False)
        layers = {"sites": self.sites.join(self.scores[added]).join(_sizes(self.tables))}
        if self.choice is not None:
            chosen = self.choice.sites
            layers["choice"] = gpd.GeoDataFrame(chosen, geometry=self.sites.geometry.loc[chosen.index])
        return {name: table for name, table in (layers | dict(self.layers)).items() if len(table)}

    def _write_raster(self, path: Path) -> None:
        """Write the minutes on the cells' own grid, or, where that cannot be measured in, in the CRS of the study."""
        try:
            crs = require_metric(as_crs(self.manifest["crs"]["population"]), "cells")
        except InputError:
            crs = self.points.crs
        write_minutes(self.cells, path, crs=crs)


def read_outcome(folder: str | Path, only: Collection[str] | None = None) -> Outcome:
    """Read what a complete run left in a folder, without its scenarios; of the tables and layers, perhaps `only` some.

    Sites, times and the chosen sites are always there. Errors as for `Result.load`.
    """
    return _of_one_run(Path(folder), lambda: Outcome(**_parts(Path(folder), only)))


def _of_one_run(folder: Path, read: Callable[[], Read]) -> Read:
    """Read again what a run was replacing in the meantime: some of the old files and some of the new are no result."""
    for _ in range(TRIES):
        before = read_manifest(folder)
        try:
            found = read()
        except Exception:
            if read_manifest(folder) == before:
                raise
            continue
        if read_manifest(folder) == before:
            return found
    raise InputError(f"{folder}: was written anew each of the {TRIES} times that it was read; read it when no run does")


def _parts(
    folder: Path, only: Collection[str] | None, ground: Mapping[str, gpd.GeoDataFrame] | None = None
) -> dict[str, Any]:
    """Read the parts of an outcome; `only` names tables and layers, None reads all.

    `ground` are the layers of the study that a scenario is of, where they are read already.
    """
    manifest = read_manifest(folder)
    wanted = {*TABLES, *LAYERS} if only is None else {*only, "sites", "times", "choice"}
    there = [table for name, table in TABLES.items() if name in wanted and table.file in manifest["files"]]
    tables = {table.name: _table(folder, table) for table in there}
    shared = wanted & {*manifest.get(OF_STUDY, ())}
    common = _ground(folder, shared) if ground is None else {name: ground[name] for name in ground if name in shared}
    layers = {**_layers(folder / PLACES, wanted), **common}
    sites = layers.pop("sites")
    # What a layer says, too, it says with all decimals.
    exact = {"scores": sites} | {name: layers[name] for name in ("choice", "places_without_access") if name in layers}
    tables = {name: _exact(table, exact.get(name)) for name, table in tables.items()}
    layers.pop("choice", None)
    times = tables["times"]
    known = list(times["mode"].cat.categories)  # perhaps without a mode that reaches nobody
    times["mode"] = times["mode"].cat.set_categories([*known, *sorted(set(manifest["travel"]) - set(known))])
    told = set(_sizes(tables)) | set(tables.get("scores", ())) - set(ABOUT)
    return {
        "sites": sites.drop(columns=told & set(sites)),
        "tables": tables,
        "layers": layers,
        "manifest": manifest,
        "choice": _choice(tables, manifest.get("choice")) if only is None else None,
        "mark": made_points(folder / TABLES["times"].file) or "",
        "folder": folder,
    }


def _inside(scenario: str) -> str:
    return f"{SCENARIOS}/{folder_name(scenario)}"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a complete run says of itself, after finishing what was left half in place; errors as for `load`."""
    settle(folder)
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        lacks = f"holds no {MANIFEST} of a complete run" if is_there(folder) else "no such folder"
        raise InputError(f"{folder}: {lacks}; expected a folder of results") from None
    return manifest


def _layers(path: Path, wanted: Collection[str]) -> dict[str, gpd.GeoDataFrame]:
    import pyogrio

    try:
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        return {name: _layer(path, name) for name in names if name in wanted}
    except pyogrio.errors.DataSourceError as error:
        raise InputError(f"{path}: cannot be read ({error}); run the study again") from None


def _ground(folder: Path, names: Collection[str]) -> dict[str, gpd.GeoDataFrame]:
    """Read the layers of a scenario that stand with its study."""
    path = folder.parent.parent / PLACES
    if names and not path.is_file():
        warn(f"{folder}: {listed(sorted(names))} are those of its study, in {path}, which is not there; left out")
        return {}
    return _layers(path, names) if names else {}


def _alike(one: gpd.GeoDataFrame | None, other: gpd.GeoDataFrame | None) -> bool:
    if one is None or other is None:
        return False
    return one is other or (one.crs == other.crs and one.equals(other))


def _layer(path: Path, name: str) -> gpd.GeoDataFrame:
    import pyogrio

    table = gpd.read_file(path, layer=name)
    unsure = table.select_dtypes(float)
    if (unsure.isna().any() & (unsure.isna() | (unsure % 1 == 0)).all()).any():
        about = pyogrio.read_info(path, layer=name)
        whole = [
            column for column, kind in zip(about["fields"], about["dtypes"], strict=True) if kind.startswith("int")
        ]
        table = table.astype(dict.fromkeys(set(whole) & set(unsure), "Int64"))  # of which some are missing
    rows = LAYERS[name].rows if name in LAYERS else ""
    return table.set_index(rows) if rows else table


def _table(folder: Path, declared: Table) -> pd.DataFrame:
    path = folder / declared.file
    texts = dict.fromkeys(declared.texts, str)
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        table = unguarded_table(pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""]))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run the study again") from None
    return table.set_index(declared.rows) if declared.rows in table else table


def _exact(table: pd.DataFrame, layer: gpd.GeoDataFrame | None) -> pd.DataFrame:
    """Return a table with the columns as a layer has them, which rounds nothing."""
    if layer is None:
        return table
    there = layer.set_index(table.index.name) if table.index.name in layer else layer
    known = [name for name in table if name in there]
    return table.assign(**there.loc[table.index, known])


def _choice(tables: Mapping[str, pd.DataFrame], told: Mapping[str, Any] | None) -> Choice | None:
    """Make the choice again of what was written of it."""
    if told is None:
        return None
    figures = {
        name: np.nan if told[name] is None else float(told[name]) for name in ("value", "bound", "gap", "greedy")
    }
    return Choice(
        sites=tables["choice"],
        objective=told["objective"],
        **figures,
        greedy_order=(),
        assignment=tables["assignment"],
        rejected=tables["rejected"],
        summary=dict(told["summary"]),
        phases=tables.get("phases"),
        curve=tables.get("curve"),
        coverage=tables.get("coverage"),
    )


def _sizes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return by site the desks it needs at each share that comes, and how sure its rank is, as far as asked."""
    parts = [pd.DataFrame(index=pd.Index([], dtype=object, name="site"))]
    if "desks" in tables:
        wide = tables["desks"].pivot_table(index="site", columns="uptake", values="desks")
        parts.append(wide.rename(columns=uptake_column))
    if "robustness" in tables:
        sure = tables["robustness"].rename(columns={"p5": "people_p5", "p95": "people_p95"})
        sure = sure.set_index("site") if "site" in sure else sure
        parts.append(sure[["in_first", "people_p5", "people_p95"]].astype(float))
    return pd.concat([part.set_axis(part.index.astype(str)) for part in parts], axis=1).rename_axis("site")
