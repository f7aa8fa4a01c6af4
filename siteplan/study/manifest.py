"""What went into a run and what came out: enough to tell two runs apart, the same for equal ones."""

import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan import __version__
from siteplan.config import MODES, Study
from siteplan.config.changes import named_files
from siteplan.network.people import totals
from siteplan.siting.choice import Choice
from siteplan.study.cache import LIBRARIES, file_hash
from siteplan.study.load import StudyData

__all__ = ["choice_told", "input_files", "manifest_of", "warnings_of"]

SCHEMA = 1  # of the manifest: raised when a key goes, or means something else


def input_files(study: Study) -> dict[str, Path]:
    """Return the files that a study names, by their key."""
    inputs = study.inputs
    named = {
        "area.communes": study.area.communes and study.area.communes.file,
        "area.each": study.area.each and study.area.each.file,
        "inputs.elevation": inputs.elevation,
        "inputs.population": inputs.population and inputs.population.file,
        "inputs.sites": inputs.sites and inputs.sites.file,
        "inputs.streets": inputs.streets,
        "inputs.times": inputs.times,
    }
    named |= {f"{key}.{part}": file for key, block in study.asked.items() for part, file in block.files().items()}
    feeds = inputs.transit.feeds if inputs.transit else ()
    named |= {
        f"inputs.transit.{number}" if len(feeds) > 1 else "inputs.transit": feed for number, feed in enumerate(feeds, 1)
    }
    return {key: path for key, path in named.items() if path}


def manifest_of(
    study: Study, data: StudyData, rows: Mapping[str, int], *, covered: pd.DataFrame, warned: list[str]
) -> dict[str, Any]:
    """Describe a run: inputs with their hashes and dates, parameters, versions, totals in and out, what was odd.

    No time of day and no path of a machine is in it, so that the same input gives the same bytes.
    """
    return {
        "name": study.name,
        "siteplan": __version__,
        "python": platform.python_version(),
        "schema": SCHEMA,
        "libraries": dict(sorted(({name: version(name) for name in LIBRARIES} | _inner_libraries()).items())),
        "inputs": _inputs(study, data),
        "parameters": _parameters(study),
        "crs": _references(data),
        "totals": _totals(study, data),
        "sites": data.all_sites["status"].value_counts().sort_index().to_dict(),
        "travel": _travel(study, data, rows),
        "reached": _plain(covered.to_dict("records")),
        "warnings": warnings_of(study, warned),
    }


def _inner_libraries() -> dict[str, str]:
    """Return the versions of what works inside the libraries; two wheels may bring two of GDAL."""
    import pyogrio
    import pyproj
    import rasterio
    import shapely

    return {
        "GDAL (pyogrio)": pyogrio.__gdal_version_string__,
        "GDAL (rasterio)": rasterio.__gdal_version__,
        "GEOS": shapely.geos_version_string,
        "PROJ": pyproj.proj_version_str,
    }


def warnings_of(study: Study, warned: list[str]) -> list[str]:
    """Return what was odd, without the paths of a machine."""
    return [_without_paths(text, study) for text in warned]


def _inputs(study: Study, data: StudyData) -> dict[str, dict[str, Any]]:
    described: dict[str, dict[str, Any]] = {
        key: {"file": path.name, "sha256": file_hash(path), "bytes": path.stat().st_size if path.is_file() else None}
        for key, path in input_files(study).items()
    }
    for key in described:
        origin = study.sources.get(key.split(".")[1])
        if origin is not None:
            described[key] |= origin.model_dump(exclude_defaults=True)
    if data.streets is not None:
        described["inputs.streets"]["data_date"] = data.streets.data_date
        described["inputs.streets"]["counts"] = {name: int(n) for name, n in data.streets.counts.items()}
        if data.streets.climb is not None and "inputs.elevation" in described:
            described["inputs.elevation"]["steep"] = round(data.streets.climb.steep(data.streets.length), 6)
    return described


def _parameters(study: Study) -> dict[str, Any]:
    """Return what the study asks, but for where its files and its results are."""
    asked = study.model_dump(mode="json", exclude={"output": {"folder"}, "sources": True})
    for table in (asked["inputs"]["population"], asked["inputs"]["sites"], asked["area"]["communes"]):
        if table:
            del table["file"]
    for name in ("streets", "elevation", "times"):
        del asked["inputs"][name]
    for key, block in study.asked.items():
        for part in block.file_keys():
            del asked[key][part]
    for option in (
        *asked["scenarios"].values(),
        *(each for axis in asked["matrix"].values() for each in axis.values()),
    ):
        option["set"] = named_files(option["set"])
    asked["travel"]["profiles"] = {profile.name: profile.model_dump(mode="json") for profile in study.profiles()}
    asked["travel"]["publics"] = [public.model_dump(mode="json") for public in study.publics]
    if asked["inputs"]["transit"]:
        del asked["inputs"]["transit"]["feeds"]
    for name in MODES:
        del asked["travel"][name]
    return asked


def _references(data: StudyData) -> dict[str, str]:
    tables = {"population": data.cells, "sites": data.all_sites, "measured_in": data.points}
    return {name: _crs_name(table) for name, table in tables.items()}


def _crs_name(table: gpd.GeoDataFrame) -> str:
    authority = table.crs.to_authority()
    return ":".join(authority) if authority else str(table.crs.to_string())


def _totals(study: Study, data: StudyData) -> dict[str, dict[str, float]]:
    """Count people and groups in, placed, too far from any street, on islands; what is in is one of these."""
    points = data.points
    counted = {name: points.assign(people=points[name]) for name in ("people", *study.groups)}
    found = {name: _plain(totals(table)) for name, table in counted.items()}
    for name in found:
        found[name]["cells"] = len(data.cells)
    return found


def _travel(study: Study, data: StudyData, rows: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    people = data.points["people"].fillna(0.0)
    speeds = {profile.name: profile.speed_kmh for profile in study.profiles()}
    found: dict[str, dict[str, Any]] = {}
    for mode, count in rows.items():
        found[mode] = {"rows": count}
        if mode in data.linked:
            linked = float(people[data.linked[mode]].sum())
            found[mode] |= {"speed_kmh": speeds[mode], "people_linked": round(linked, 3)}
    return found


def choice_told(choice: Choice | None) -> dict[str, Any]:
    """Return what the manifest says of a choice: its worth, the proof and the plain figures, never the seconds."""
    if choice is None:
        return {}
    figures = {name: getattr(choice, name) for name in ("value", "bound", "gap", "greedy")}
    summary = {name: value for name, value in choice.summary.items() if name != "seconds"}
    return {"choice": _plain({"objective": choice.objective, **figures, "summary": summary})}


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows: missing is null, floats are cut where their last bits mean nothing."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | pd.Index | pd.Series | np.ndarray):
        return [_plain(each) for each in (sorted(value) if isinstance(value, set) else value)]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _without_paths(text: str, study: Study) -> str:
    for path in input_files(study).values():
        text = text.replace(str(path), path.name)
    return text
