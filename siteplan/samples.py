"""The sample territory, shipped with the package: an invented valley with everything that a study needs."""

import shutil
import tempfile
from pathlib import Path

from siteplan.doors import door
from siteplan.errors import InputError, special

__all__ = ["sample_files", "write_sample"]

SHIPPED = Path(__file__).with_name("sample_data")  # where an installed package has it
DRAWN = Path(__file__).parents[1] / "data" / "sample"  # where a checkout has it
LEFT_ALONE = {"results"}  # what a run of the sample's study leaves beside it


@door()
def write_sample(folder: str | Path) -> Path:
    """Write the sample territory into a folder, whole or not at all, and return the folder.

    Streets (`.osm.pbf`), timetable (GTFS), people on 200 m (GeoPackage, GeoTIFF, CSV) and 1 km cells, terrain,
    communes, sites and a study file; the same bytes each time. An earlier sample may stand there if nobody changed it.

    Raises
    ------
    InputError
        If the folder holds anything else, or a file of the sample that was changed, or cannot be written.

    Examples
    --------
    >>> folder = sp.write_sample("valley")
    >>> sorted(path.name for path in folder.iterdir())[:3]
    ['communes.gpkg', 'gtfs.zip', 'population_1km.gpkg']
    """
    folder, files = Path(folder), sample_files()
    _refuse_others(folder, {file.name for file in files})
    try:
        _refuse_changed(folder, files)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".siteplan-", dir=folder.parent) as made:
            whole = Path(made) / "sample"
            whole.mkdir()
            for file in files:
                shutil.copyfile(file, whole / file.name)
            _put(whole, folder)
    except OSError as error:
        raise InputError(
            f"{folder}: the sample cannot be written ({error}). Choose a folder you may write to."
        ) from error
    return folder


def sample_files() -> list[Path]:
    """Return the files of the sample where the package has them, by name.

    Raises
    ------
    InputError
        If the package was installed without them.
    """
    home = SHIPPED if SHIPPED.is_dir() else DRAWN
    files = sorted(file for file in home.glob("*") if file.is_file())
    if not files:
        raise InputError(f"{home}: the sample's files are not there. Install siteplan again, from its wheel.")
    return files


def _refuse_others(folder: Path, names: set[str]) -> None:
    kind = special(folder) or ("a file" if folder.is_file() else "")
    if kind:
        raise InputError(f"{folder}: is {kind}; the sample needs a folder of its own. Give another name.")
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if others := sorted(there - names - LEFT_ALONE):
        raise InputError(
            f"{folder}: holds {len(others)} thing(s) that are not the sample's, such as {others[0]!r}; "
            "nothing was written. Give an empty or a new folder."
        )


def _refuse_changed(folder: Path, files: list[Path]) -> None:
    for file in files:
        there = folder / file.name
        if special(there) or (there.exists() and there.read_bytes() != file.read_bytes()):
            raise InputError(
                f"{there}: is there already and is not the sample's own; nothing was written. "
                "Give another folder, or move the file away."
            )


def _put(whole: Path, folder: Path) -> None:
    """Move a finished sample to its place: in one step, or file by file where an earlier one stands."""
    if not folder.exists():
        whole.rename(folder)
        return
    for file in whole.iterdir():
        file.replace(folder / file.name)
