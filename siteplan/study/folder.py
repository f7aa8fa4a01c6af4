"""A folder of results, read back: what maps, reports and comparisons are made of."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siteplan.catalogue import BEST, PEOPLE, PLACES, TABLES, Measure, score_measures
from siteplan.errors import InputError
from siteplan.inputs.spreadsheet import unguarded_table
from siteplan.output.files import MANIFEST

__all__ = ["Kept", "read_folder"]

APART = ("scores", "overlap", "times")  # which are read otherwise, or not


@dataclass(frozen=True)
class Kept:
    """What a run left in its folder: the manifest, the layers with a place, the times, and the further tables."""

    folder: Path
    manifest: Mapping[str, Any]
    layers: Mapping[str, gpd.GeoDataFrame]
    times: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    @property
    def sites(self) -> gpd.GeoDataFrame:
        """All sites with their results, by site."""
        return self.layers["sites"].set_index("site")

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """The cells with their access, by cell."""
        return self.layers["cells"].set_index("cell")

    @property
    def points(self) -> gpd.GeoDataFrame:
        """The points that the times name, by point."""
        return self.layers["points"].set_index("point")

    @property
    def groups(self) -> list[str]:
        """The groups of people that were counted beside all."""
        return list((self.manifest["parameters"]["inputs"]["population"] or {}).get("groups", []))

    @property
    def modes(self) -> list[str]:
        """The modes in the order asked for, and `best` where there are several."""
        modes = list(self.manifest["travel"])
        return [*modes, BEST] if len(modes) > 1 else modes

    @property
    def minutes(self) -> list[float]:
        """The limits."""
        return list(self.manifest["parameters"]["travel"]["minutes"])

    @property
    def scores(self) -> pd.DataFrame:
        """What each site reaches, its score, its rank, and the speeds that hold."""
        counted = [each.column for each in score_measures(self.modes, self.minutes, self.groups)]
        speeds = [Measure("kmh", PEOPLE, mode).column for mode in self.manifest["travel"]]
        return pd.DataFrame(self.sites[[*counted, "score", "rank", *speeds]])


def read_folder(folder: str | Path, *, only: Collection[str] | None = None) -> Kept:
    """Read what a complete run left in a folder; of the layers, `only` some.

    Raises
    ------
    InputError
        The folder does not hold the results of a complete run.
    """
    at = Path(folder)
    manifest = _manifest(at)
    tables = {
        name: _table(at / table.file)
        for name, table in TABLES.items()
        if name not in APART and table.file in manifest["files"]
    }
    times = pd.read_parquet(at / TABLES["times"].file)
    times["mode"] = pd.Categorical(times["mode"], categories=list(manifest["travel"]))
    return Kept(at, manifest, _layers(at / PLACES, only), times, tables)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{folder}: holds no {MANIFEST} of a complete run; expected a folder of results") from None
    return manifest


def _layers(path: Path, only: Collection[str] | None) -> dict[str, gpd.GeoDataFrame]:
    import pyogrio

    try:
        names = [
            str(name) for name, kind in pyogrio.list_layers(path) if kind is not None and (only is None or name in only)
        ]
        return {name: gpd.read_file(path, layer=name) for name in names}
    except pyogrio.errors.DataSourceError as error:
        raise InputError(f"{path}: cannot be read ({error}); run the study again") from None


def _table(path: Path) -> pd.DataFrame:
    try:
        return unguarded_table(pd.read_csv(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run the study again") from None
